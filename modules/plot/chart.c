/* chart.c - the function of plot.wit: series of values over time, drawn with drawing.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "drawing.h"
#include "plot.h"

enum {
    WIDTH = 640,
    HEIGHT = 360,
    LEFT = 62, /* of the field in which the lines are */
    TOP = 52,
    RIGHT = 436,
    BOTTOM = 312,
    NAMES_X = 456,
    NAMES_LEN = 13, /* letters of a name in the list */
    NAMES_MAX = 8,
    LONGEST = 3600, /* seconds that are shown; older points are at the left edge */
    FAR = 2000      /* outside of the picture, where numbers are still small */
};

static const struct drawing_colour paper = {252, 252, 251}, ink = {33, 37, 41},
                                   faint = {222, 224, 227}, grey = {105, 112, 120},
                                   red = {200, 30, 45},
                                   colours[] = {{33, 37, 41},  {0, 114, 178},  {230, 130, 0},
                                                {0, 150, 110}, {170, 70, 140}, {86, 170, 225},
                                                {120, 90, 60}, {90, 90, 200}};

/* What the field shows. */
struct field {
    double low, high; /* values */
    uint64_t newest;  /* time at the right edge */
    double seconds;   /* from the left edge to the right one */
};

static double x_of(const struct field *field, uint64_t time)
{
    const double ago = (double)(field->newest - time) / 1e9;
    return ago < field->seconds ? RIGHT - ago / field->seconds * (RIGHT - LEFT) : LEFT;
}

static double y_of(const struct field *field, double value)
{
    const double y = BOTTOM - (value - field->low) / (field->high - field->low) * (BOTTOM - TOP);
    return y > -FAR && y < FAR ? y : y > 0 ? FAR : -FAR;
}

static void write_text(struct drawing *drawing, int x, int y, int size, const char *text,
                       struct drawing_colour colour)
{
    drawing_text(drawing, x, y, size, text, strlen(text), colour);
}

/* 1, 2 or 5 times a power of ten, so that there are at most `count` of it in `range`. */
static double step_for(double range, int count)
{
    double power = 1;
    while (power * count < range && power < 1e12) {
        power *= 10;
    }
    while (power / 10 * count >= range && power > 1e-3) {
        power /= 10;
    }
    return power / 5 * count >= range ? power / 5 : power / 2 * count >= range ? power / 2 : power;
}

static void include(struct field *field, double value)
{
    if (fabs(value) < 1e9) { /* what is no number is not, either */
        field->low = value < field->low ? value : field->low;
        field->high = value > field->high ? value : field->high;
    }
}

static struct field field_of(const struct types_chart *chart)
{
    struct field field = {.low = 1e9, .high = -1e9, .seconds = 60};
    uint64_t oldest = UINT64_MAX;
    for (size_t i = 0; i < chart->lines.len; i++) {
        const struct plot_list_types_point *points = &chart->lines.ptr[i].points;
        for (size_t k = 0; k < points->len; k++) {
            const uint64_t time = points->ptr[k].time;
            include(&field, points->ptr[k].value);
            field.newest = time > field.newest ? time : field.newest;
            oldest = time < oldest ? time : oldest;
        }
    }
    if (chart->limit.is_some) {
        include(&field, chart->limit.val);
    }
    if (field.low > field.high) {
        field.low = field.high = 0;
    }
    const double room = field.high - field.low > 1 ? (field.high - field.low) * 0.1 : 0.5;
    field.low -= room;
    field.high += room;
    const double seconds = oldest < field.newest ? (double)(field.newest - oldest) / 1e9 : 0;
    field.seconds = seconds < field.seconds ? field.seconds : seconds < LONGEST ? seconds : LONGEST;
    return field;
}

/* ---- The parts of the picture ------------------------------------------------------------------
 */

static void draw_values(struct drawing *drawing, const struct field *field)
{
    const double step = step_for(field->high - field->low, 6);
    for (double value = ceil(field->low / step) * step; value <= field->high; value += step) {
        char text[24];
        const size_t len = drawing_number(text, value, step < 1 ? 1 : 0);
        const int y = (int)y_of(field, value);
        drawing_fill(drawing, LEFT, y, RIGHT - LEFT, 1, faint);
        drawing_text(drawing, LEFT - 8 - (int)len * 2 * DRAWING_LETTER_WIDTH, y - 7, 2, text, len,
                     grey);
    }
}

static void draw_times(struct drawing *drawing, const struct field *field)
{
    const double step = field->seconds <= 60    ? 15
                        : field->seconds <= 150 ? 30
                        : field->seconds <= 400 ? 60
                                                : 600;
    for (double ago = 0; ago <= field->seconds; ago += step) {
        char text[32];
        size_t len = drawing_number(text, -ago, 0);
        const int x = (int)(RIGHT - ago / field->seconds * (RIGHT - LEFT));
        drawing_fill(drawing, x, TOP, 1, BOTTOM - TOP, faint);
        if (ago > 0) {
            drawing_text(drawing, x - (int)len * DRAWING_LETTER_WIDTH, BOTTOM + 10, 2, text, len,
                         grey);
        }
    }
    write_text(drawing, RIGHT - 12, BOTTOM + 10, 2, "now", grey);
    write_text(drawing, LEFT, BOTTOM + 31, 1, "seconds", grey);
}

static void draw_limit(struct drawing *drawing, const struct field *field, double limit)
{
    const int y = (int)y_of(field, limit);
    for (int x = LEFT; x < RIGHT; x += 12) {
        drawing_fill(drawing, x, y - 1, x + 7 < RIGHT ? 7 : RIGHT - x, 2, red);
    }
}

static void draw_line(struct drawing *drawing, const struct field *field,
                      const struct plot_list_types_point *points, double thickness,
                      struct drawing_colour colour)
{
    for (size_t i = 1; i < points->len; i++) {
        const struct types_point *from = &points->ptr[i - 1], *to = &points->ptr[i];
        drawing_line(drawing, x_of(field, from->time), y_of(field, from->value),
                     x_of(field, to->time), y_of(field, to->value), thickness, colour);
    }
    if (points->len == 1) {
        const double x = x_of(field, points->ptr[0].time), y = y_of(field, points->ptr[0].value);
        drawing_line(drawing, x, y, x, y, thickness + 1, colour);
    }
}

/* Colour, name and newest value. */
static void draw_name(struct drawing *drawing, int y, const struct types_chart *chart,
                      const struct types_series *line, struct drawing_colour colour)
{
    char text[64];
    size_t len = line->name.len;
    while (drawing_letters(line->name.ptr, len) > NAMES_LEN) {
        len--;
    }
    drawing_fill(drawing, NAMES_X, y, 6, 34, colour);
    drawing_text(drawing, NAMES_X + 16, y, 2, line->name.ptr, len, grey);
    if (line->points.len == 0) {
        return;
    }
    len = drawing_number(text, line->points.ptr[line->points.len - 1].value, 1);
    text[len++] = ' ';
    const size_t unit = chart->unit.len < 16 ? chart->unit.len : 16;
    if (unit != 0) {
        memcpy(text + len, chart->unit.ptr, unit);
    }
    drawing_text(drawing, NAMES_X + 16, y + 19, 2, text, len + unit, ink);
}

static void draw_title(struct drawing *drawing, const struct types_chart *chart)
{
    const size_t len = chart->title.len < 40 ? chart->title.len : 40;
    drawing_text(drawing, LEFT, 18, 2, chart->title.ptr, len, ink);
    if (chart->alarm) {
        drawing_fill(drawing, NAMES_X - 4, 12, 112, 26, red);
        write_text(drawing, NAMES_X + 22, 18, 2, "ALARM", paper);
    }
}

struct types_frame plotting_draw(struct types_chart chart)
{
    struct drawing drawing;
    const struct field field = field_of(&chart);
    drawing_init(&drawing, WIDTH, HEIGHT, paper);
    draw_title(&drawing, &chart);
    draw_values(&drawing, &field);
    draw_times(&drawing, &field);
    if (chart.limit.is_some) {
        draw_limit(&drawing, &field, chart.limit.val);
    }
    for (size_t i = chart.lines.len; i-- != 0;) {
        const struct types_series *line = &chart.lines.ptr[i];
        const struct drawing_colour colour = colours[i % (sizeof colours / sizeof *colours)];
        draw_line(&drawing, &field, &line->points, i == 0 ? 3 : 2, colour);
        if (i < NAMES_MAX) {
            draw_name(&drawing, TOP + (int)i * 44, &chart, line, colour);
        }
    }
    types_chart_free(&chart);
    return (struct types_frame){
        .width = WIDTH,
        .height = HEIGHT,
        .format = TYPES_PIXEL_FORMAT_RGB8,
        .time = field.newest,
        .pixels = {.ptr = drawing.pixels, .len = (size_t)WIDTH * HEIGHT * 3}};
}
