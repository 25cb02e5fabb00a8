/* drawing.c - drawing.h: no more than pictures of values and of what was read in them need. */
#include "drawing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "letters.h"

static uint8_t mixed(uint8_t below, uint8_t above, double share)
{
    return (uint8_t)(below + (above - below) * share + 0.5);
}

/* share: how much of the pixel is covered: 0 to 1. */
static void blend(struct drawing *drawing, int x, int y, double share, struct drawing_colour colour)
{
    uint8_t *pixel = drawing->pixels + 3 * ((size_t)y * (size_t)drawing->width + (size_t)x);
    pixel[0] = mixed(pixel[0], colour.red, share);
    pixel[1] = mixed(pixel[1], colour.green, share);
    pixel[2] = mixed(pixel[2], colour.blue, share);
}

static int between(int least, int value, int most)
{
    return value < least ? least : value > most ? most : value;
}

void drawing_init(struct drawing *drawing, int width, int height, struct drawing_colour colour)
{
    *drawing = (struct drawing){
        .width = width, .height = height, .pixels = malloc(3 * (size_t)width * (size_t)height)};
    if (drawing->pixels == NULL) {
        abort();
    }
    drawing_fill(drawing, 0, 0, width, height, colour);
}

void drawing_fill(struct drawing *drawing, int x, int y, int width, int height,
                  struct drawing_colour colour)
{
    const int right = between(0, x + width, drawing->width);
    const int bottom = between(0, y + height, drawing->height);
    for (int j = between(0, y, drawing->height); j < bottom; j++) {
        uint8_t *line = drawing->pixels + 3 * (size_t)j * (size_t)drawing->width;
        for (int i = between(0, x, drawing->width); i < right; i++) {
            line[3 * i] = colour.red;
            line[3 * i + 1] = colour.green;
            line[3 * i + 2] = colour.blue;
        }
    }
}

void drawing_edge(struct drawing *drawing, int x, int y, int width, int height, int thickness,
                  struct drawing_colour colour)
{
    drawing_fill(drawing, x, y, width, thickness, colour);
    drawing_fill(drawing, x, y + height - thickness, width, thickness, colour);
    drawing_fill(drawing, x, y, thickness, height, colour);
    drawing_fill(drawing, x + width - thickness, y, thickness, height, colour);
}

/* How far a point is from the line between two others. */
static double distance(double x, double y, double x0, double y0, double x1, double y1)
{
    const double dx = x1 - x0, dy = y1 - y0, square = dx * dx + dy * dy;
    double along = square > 0 ? ((x - x0) * dx + (y - y0) * dy) / square : 0;
    along = along < 0 ? 0 : along > 1 ? 1 : along;
    const double left_x = x - x0 - along * dx, left_y = y - y0 - along * dy;
    return sqrt(left_x * left_x + left_y * left_y);
}

void drawing_line(struct drawing *drawing, double x0, double y0, double x1, double y1,
                  double thickness, struct drawing_colour colour)
{
    const double reach = thickness / 2 + 1;
    const int left = between(0, (int)floor((x0 < x1 ? x0 : x1) - reach), drawing->width);
    const int right = between(0, (int)ceil((x0 < x1 ? x1 : x0) + reach), drawing->width);
    const int top = between(0, (int)floor((y0 < y1 ? y0 : y1) - reach), drawing->height);
    const int bottom = between(0, (int)ceil((y0 < y1 ? y1 : y0) + reach), drawing->height);
    for (int y = top; y < bottom; y++) {
        for (int x = left; x < right; x++) {
            const double covered = thickness / 2 + 0.5 - distance(x + 0.5, y + 0.5, x0, y0, x1, y1);
            if (covered > 0) {
                blend(drawing, x, y, covered < 1 ? covered : 1, colour);
            }
        }
    }
}

/* The letter at *at, which goes on behind it. */
static const uint8_t *letter(const char *text, size_t len, size_t *at)
{
    const unsigned char c = (unsigned char)text[(*at)++];
    if (c >= ' ' && c <= '~') {
        return letters[c - ' '];
    }
    const bool degree = c == 0xc2 && *at < len && (unsigned char)text[*at] == 0xb0;
    while (*at < len && ((unsigned char)text[*at] & 0xc0) == 0x80) {
        ++*at;
    }
    return degree ? letter_degree : letter_unknown;
}

void drawing_text(struct drawing *drawing, int x, int y, int size, const char *text, size_t len,
                  struct drawing_colour colour)
{
    for (size_t at = 0; at < len; x += DRAWING_LETTER_WIDTH * size) {
        const uint8_t *rows = letter(text, len, &at);
        for (int row = 0; row < DRAWING_LETTER_HEIGHT; row++) {
            for (int column = 0; column < 5; column++) {
                if ((rows[row] >> (4 - column) & 1) != 0) {
                    drawing_fill(drawing, x + column * size, y + row * size, size, size, colour);
                }
            }
        }
    }
}

int drawing_letters(const char *text, size_t len)
{
    int count = 0;
    for (size_t at = 0; at < len; count++) {
        (void)letter(text, len, &at);
    }
    return count;
}

size_t drawing_number(char *out, double value, int decimals)
{
    char digits[24];
    size_t count = 0, len = 0;
    double factor = 1;
    for (int i = 0; i < decimals; i++) {
        factor *= 10;
    }
    const double scaled = floor(fabs(value) * factor + 0.5);
    uint64_t whole = scaled < 1e15 ? (uint64_t)scaled : (uint64_t)1e15;
    if (value < 0 && whole != 0) {
        out[len++] = '-';
    }
    do {
        digits[count++] = (char)('0' + whole % 10);
        whole /= 10;
        if ((int)count == decimals) {
            digits[count++] = '.';
        }
    } while (whole != 0 || (int)count <= decimals + (decimals > 0 ? 1 : 0));
    while (count != 0) {
        out[len++] = digits[--count];
    }
    return len;
}
