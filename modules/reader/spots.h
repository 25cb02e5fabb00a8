/* spots.h - dark spots on a bright ground: what may be digits. */
#ifndef SPOTS_H
#define SPOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SPOTS_MAX = 64, SPOTS_PICTURE_MAX = 2048 };

/* A picture of brightness, and which of its pixels are ink. */
struct spots_picture {
    int width, height;
    const uint8_t *pixels;
    uint8_t *ink;     /* of malloc; 0: ground */
    int bright, dark; /* of the ground and of the ink, in the mean */
};

struct spot {
    int left, top, right, bottom; /* the last two are outside */
};

/* Tells ink from ground. False: there is no ink, only ground. Traps when memory is short. */
bool spots_ink(struct spots_picture *picture);

/* The spots that are high enough for digits, from left to right; returns how many. */
int spots_find(struct spots_picture *picture, struct spot spots[SPOTS_MAX]);

/* A spot as the network wants it: bright on dark, in the middle of a square of size x size pixels.
 */
void spots_scale(const struct spots_picture *picture, const struct spot *spot, int size,
                 uint8_t *out);

#endif
