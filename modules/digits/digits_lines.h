/* digits_lines.h - digits as somebody might write them, and the random numbers for that. For
 * programs of the machine that builds; not part of the module. */
#ifndef DIGITS_LINES_H
#define DIGITS_LINES_H

#include <stdint.h>

enum { DIGITS_COUNT = 10, DIGITS_POINTS = 14 };

struct digits_point {
    double x, y;
};

/* What all random numbers follow from: the seed. */
extern uint64_t digits_random_state;
double digits_random(void); /* from 0 up to 1 */
double digits_random_between(double low, double high);

/* A digit as a line in a square of `size` pixels, y going down; returns how many points it has. */
int digits_bend(int digit, double size, struct digits_point line[DIGITS_POINTS]);
/* How far a point is from a line. */
double digits_distance(const struct digits_point *line, int count, double x, double y);

#endif
