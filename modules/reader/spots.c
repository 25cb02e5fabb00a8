/* spots.c - spots.h: a threshold that parts the brightnesses best (Otsu), spots of pixels that
 * touch, and pictures of them in another size. */
#include "spots.h"

#include <stdlib.h>
#include <string.h>

enum {
    CONTRAST = 40, /* between ink and ground, at least */
    INK = 255
};

/* How the network was taught: a digit is about 11 of 16 pixels high, ink adds 150 to a ground
 * of 35. */
static const double share_of_height = 11.0 / 16, share_of_width = 13.0 / 16;
enum { GROUND_LEVEL = 35, INK_LEVEL = 150 };

/* ---- Ink ----------------------------------------------------------------------------------- */

/* The brightness that parts all into two groups with means as different as can be. */
static int threshold(const uint32_t *counts, struct spots_picture *picture)
{
    double all = 0, sum = 0, below = 0, sum_below = 0, best = -1;
    int at = 0;
    for (int i = 0; i < 256; i++) {
        all += counts[i];
        sum += (double)counts[i] * i;
    }
    for (int i = 0; i < 255; i++) {
        below += counts[i];
        sum_below += (double)counts[i] * i;
        if (below == 0 || below == all) {
            continue;
        }
        const double dark = sum_below / below, bright = (sum - sum_below) / (all - below);
        const double apart = below * (all - below) * (bright - dark) * (bright - dark);
        if (apart > best) {
            best = apart;
            at = i;
            picture->dark = (int)dark;
            picture->bright = (int)bright;
        }
    }
    return at;
}

bool spots_ink(struct spots_picture *picture)
{
    const size_t size = (size_t)picture->width * (size_t)picture->height;
    uint32_t counts[256] = {0};
    picture->ink = malloc(size);
    if (picture->ink == NULL) {
        abort();
    }
    for (size_t i = 0; i < size; i++) {
        counts[picture->pixels[i]]++;
    }
    const int limit = threshold(counts, picture);
    for (size_t i = 0; i < size; i++) {
        picture->ink[i] = picture->pixels[i] <= limit ? INK : 0;
    }
    return picture->bright - picture->dark >= CONTRAST;
}

/* ---- Spots --------------------------------------------------------------------------------- */

static int least(int a, int b)
{
    return a < b ? a : b;
}

static int most(int a, int b)
{
    return a > b ? a : b;
}

/* The spot that has the pixel at `first`; its pixels are no ink afterwards. waiting: room for all
 * pixels. */
static struct spot take_spot(struct spots_picture *picture, size_t first, uint32_t *waiting)
{
    const int width = picture->width;
    struct spot spot = {width, picture->height, 0, 0};
    size_t count = 0;
    picture->ink[first] = 0;
    waiting[count++] = (uint32_t)first;
    while (count != 0) {
        const int at = (int)waiting[--count], x = at % width, y = at / width;
        spot.left = least(spot.left, x);
        spot.right = most(spot.right, x + 1);
        spot.top = least(spot.top, y);
        spot.bottom = most(spot.bottom, y + 1);
        for (int j = most(0, y - 1); j <= least(picture->height - 1, y + 1); j++) {
            for (int i = most(0, x - 1); i <= least(width - 1, x + 1); i++) {
                if (picture->ink[j * width + i] != 0) {
                    picture->ink[j * width + i] = 0;
                    waiting[count++] = (uint32_t)(j * width + i);
                }
            }
        }
    }
    return spot;
}

/* Among others in their order from the left. */
static void insert(struct spot *spots, int *count, struct spot spot)
{
    if (*count == SPOTS_MAX) {
        return;
    }
    int at = (*count)++;
    for (; at > 0 && spots[at - 1].left > spot.left; at--) {
        spots[at] = spots[at - 1];
    }
    spots[at] = spot;
}

int spots_find(struct spots_picture *picture, struct spot spots[SPOTS_MAX])
{
    const size_t size = (size_t)picture->width * (size_t)picture->height;
    uint32_t *waiting = malloc(size * sizeof *waiting);
    int count = 0, high = 0, kept = 0;
    if (waiting == NULL) {
        abort();
    }
    for (size_t i = 0; i < size; i++) {
        if (picture->ink[i] != 0) {
            const struct spot spot = take_spot(picture, i, waiting);
            if (spot.bottom - spot.top >= 8) {
                insert(spots, &count, spot);
                high = most(high, spot.bottom - spot.top);
            }
        }
    }
    free(waiting);
    for (int i = 0; i < count; i++) { /* what is much smaller than the highest is no digit */
        if (2 * (spots[i].bottom - spots[i].top) >= high) {
            spots[kept++] = spots[i];
        }
    }
    return kept;
}

/* ---- As the network wants them --------------------------------------------------------------- */

/* How much ink there is at a place, 0 to 1; outside of the spot there is none. */
static double ink_at(const struct spots_picture *picture, const struct spot *spot, int x, int y)
{
    if (x < spot->left || x >= spot->right || y < spot->top || y >= spot->bottom) {
        return 0;
    }
    const int pixel = picture->pixels[y * picture->width + x];
    const double ink = (double)(picture->bright - pixel) / (picture->bright - picture->dark);
    return ink < 0.25 ? 0 : ink > 1 ? 1 : ink;
}

void spots_scale(const struct spots_picture *picture, const struct spot *spot, int size,
                 uint8_t *out)
{
    const double by_height = (spot->bottom - spot->top) / (size * share_of_height);
    const double by_width = (spot->right - spot->left) / (size * share_of_width);
    const double step = by_height > by_width ? by_height : by_width; /* pixels for one of `out` */
    const double left = (spot->left + spot->right) / 2.0 - step * size / 2;
    const double top = (spot->top + spot->bottom) / 2.0 - step * size / 2;
    for (int j = 0; j < size; j++) {
        for (int i = 0; i < size; i++) {
            const int x0 = (int)(left + i * step + 1000) - 1000,
                      y0 = (int)(top + j * step + 1000) - 1000;
            const int x1 = most(x0 + 1, (int)(left + (i + 1) * step + 1000) - 1000);
            const int y1 = most(y0 + 1, (int)(top + (j + 1) * step + 1000) - 1000);
            double ink = 0;
            for (int y = y0; y < y1; y++) {
                for (int x = x0; x < x1; x++) {
                    ink += ink_at(picture, spot, x, y);
                }
            }
            out[j * size + i] = (uint8_t)(GROUND_LEVEL + INK_LEVEL * ink / ((x1 - x0) * (y1 - y0)));
        }
    }
}
