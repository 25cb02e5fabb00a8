/* digits_lines.c - digits_lines.h: digits as one stroke each, moved, turned, stretched, slanted and
 * bent at random. */
#include "digits_lines.h"

#include <math.h>

uint64_t digits_random_state;

/* splitmix64; from 0 up to 1 */
double digits_random(void)
{
    uint64_t z = digits_random_state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (double)((z ^ z >> 31) >> 11) / 9007199254740992.0;
}

double digits_random_between(double low, double high)
{
    return low + (high - low) * digits_random();
}

/* One line without lifting the pen, in hundredths of width and height; y goes down. */
static const struct {
    int count;
    struct digits_point points[DIGITS_POINTS];
} strokes[DIGITS_COUNT] = {
    {11,
     {{50, 5},
      {25, 12},
      {12, 35},
      {12, 65},
      {25, 88},
      {50, 95},
      {75, 88},
      {88, 65},
      {88, 35},
      {75, 12},
      {50, 5}}},
    {3, {{28, 27}, {55, 5}, {55, 95}}},
    {7, {{15, 25}, {30, 8}, {60, 5}, {82, 22}, {75, 45}, {15, 95}, {87, 95}}},
    {9, {{15, 12}, {50, 5}, {80, 22}, {70, 42}, {42, 48}, {75, 55}, {85, 75}, {60, 95}, {13, 88}}},
    {4, {{67, 95}, {67, 5}, {10, 66}, {92, 66}}},
    {8, {{82, 5}, {25, 5}, {20, 45}, {55, 40}, {82, 55}, {80, 80}, {50, 95}, {13, 87}}},
    {9, {{72, 5}, {35, 25}, {17, 60}, {25, 88}, {50, 95}, {78, 85}, {80, 60}, {55, 48}, {20, 62}}},
    {3, {{12, 5}, {88, 5}, {40, 95}}},
    {13,
     {{50, 48},
      {25, 38},
      {22, 17},
      {50, 5},
      {78, 17},
      {75, 38},
      {50, 48},
      {20, 60},
      {17, 83},
      {50, 95},
      {83, 83},
      {80, 60},
      {50, 48}}},
    {9, {{28, 95}, {65, 75}, {83, 40}, {75, 12}, {50, 5}, {22, 15}, {20, 40}, {45, 52}, {80, 38}}},
};

static double distance_to(struct digits_point a, struct digits_point b, double x, double y)
{
    double along_x = b.x - a.x, along_y = b.y - a.y;
    double square = along_x * along_x + along_y * along_y;
    double t = square > 0 ? ((x - a.x) * along_x + (y - a.y) * along_y) / square : 0;
    t = fmin(1, fmax(0, t));
    return hypot(x - a.x - t * along_x, y - a.y - t * along_y);
}

int digits_bend(int digit, double size, struct digits_point line[DIGITS_POINTS])
{
    double width = digits_random_between(0.5, 0.75) * size / 100,
           height = digits_random_between(0.65, 0.85) * size / 100;
    double turn = digits_random_between(-0.3, 0.3), slant = digits_random_between(-0.25, 0.25);
    double right = size / 2 + digits_random_between(-1, 1) * size / 16,
           down = size / 2 + digits_random_between(-1, 1) * size / 16;
    for (int i = 0; i < strokes[digit].count; i++) {
        double y = (strokes[digit].points[i].y - 50 + digits_random_between(-7, 7)) * height;
        double x =
            (strokes[digit].points[i].x - 50 + digits_random_between(-7, 7)) * width - slant * y;
        line[i].x = right + x * cos(turn) - y * sin(turn);
        line[i].y = down + x * sin(turn) + y * cos(turn);
    }
    return strokes[digit].count;
}

double digits_distance(const struct digits_point *line, int count, double x, double y)
{
    double nearest = 1e9;
    for (int k = 1; k < count; k++) {
        nearest = fmin(nearest, distance_to(line[k - 1], line[k], x, y));
    }
    return nearest;
}
