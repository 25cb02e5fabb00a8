/* drawing.h - lines, boxes and letters in pictures of three bytes a pixel: what modules that make
 * pictures have in common. Whatever lies outside of the picture is cut off. */
#ifndef DRAWING_H
#define DRAWING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct drawing_colour {
    uint8_t red, green, blue;
};

struct drawing {
    int width, height;
    uint8_t *pixels; /* of malloc: red, green, blue, line by line from the top */
};

enum { DRAWING_LETTER_WIDTH = 6, DRAWING_LETTER_HEIGHT = 7 }; /* of size 1, with the gap */

/* A picture of one colour; traps when memory is short. */
void drawing_init(struct drawing *drawing, int width, int height, struct drawing_colour colour);
void drawing_fill(struct drawing *drawing, int x, int y, int width, int height,
                  struct drawing_colour colour);
/* The edge of a box, inside of it. */
void drawing_edge(struct drawing *drawing, int x, int y, int width, int height, int thickness,
                  struct drawing_colour colour);
/* A line with round ends, its steps smoothed. */
void drawing_line(struct drawing *drawing, double x0, double y0, double x1, double y1,
                  double thickness, struct drawing_colour colour);
/* Letters of 5 x 7 dots, each dot `size` pixels wide, from the upper left corner. ASCII and the
 * sign of degrees; a hollow box for others. */
void drawing_text(struct drawing *drawing, int x, int y, int size, const char *text, size_t len,
                  struct drawing_colour colour);
/* Letters in UTF-8: each is DRAWING_LETTER_WIDTH wide. */
int drawing_letters(const char *text, size_t len);
/* A number with some decimals (0 to 3) into `out`, which has room for 24 bytes; returns how many.
 */
size_t drawing_number(char *out, double value, int decimals);

#endif
