/* mandelbrot: escape times on an n x n grid; doubles in locals, no memory. */
#include "kernel.h"

static KERNEL_NOINLINE uint32_t escape_time(double cx, double cy)
{
    double x = 0, y = 0, xx = 0, yy = 0;
    uint32_t i = 0;

    while (i < 200 && xx + yy <= 4.0) {
        y = 2.0 * x * y + cy;
        x = xx - yy + cx;
        xx = x * x;
        yy = y * y;
        i++;
    }
    return i;
}

uint64_t run(uint32_t n)
{
    uint64_t sum = 0;

    for (uint32_t row = 0; row < n; row++) {
        double cy = -1.25 + 2.5 * (double)row / (double)n;

        for (uint32_t column = 0; column < n; column++) {
            double cx = -2.0 + 2.5 * (double)column / (double)n;

            sum = checksum_add(sum, escape_time(cx, cy));
        }
    }
    return sum;
}
