/* bilinear: doubles a 64 x 48 RGBA picture in both directions by bilinear
 * interpolation in 8-bit fixed point. */
#include "kernel.h"

#define IN_WIDTH 64
#define IN_HEIGHT 48
#define OUT_WIDTH 128
#define OUT_HEIGHT 96

static uint8_t source[IN_HEIGHT * IN_WIDTH * 4];
static uint8_t target[OUT_HEIGHT * OUT_WIDTH * 4];

static KERNEL_NOINLINE void upscale(uint32_t step_x, uint32_t step_y)
{
    uint8_t *out = target;

    for (uint32_t y = 0; y < OUT_HEIGHT; y++) {
        uint32_t at_y = y * step_y;
        uint32_t y0 = at_y >> 8, fy = at_y & 255;
        uint32_t y1 = y0 + 1 < IN_HEIGHT ? y0 + 1 : y0;

        for (uint32_t x = 0; x < OUT_WIDTH; x++) {
            uint32_t at_x = x * step_x;
            uint32_t x0 = at_x >> 8, fx = at_x & 255;
            uint32_t x1 = x0 + 1 < IN_WIDTH ? x0 + 1 : x0;
            const uint8_t *p00 = source + (y0 * IN_WIDTH + x0) * 4;
            const uint8_t *p01 = source + (y0 * IN_WIDTH + x1) * 4;
            const uint8_t *p10 = source + (y1 * IN_WIDTH + x0) * 4;
            const uint8_t *p11 = source + (y1 * IN_WIDTH + x1) * 4;

            for (uint32_t channel = 0; channel < 4; channel++) {
                uint32_t top = p00[channel] * (256 - fx) + p01[channel] * fx;
                uint32_t bottom = p10[channel] * (256 - fx) + p11[channel] * fx;

                *out++ = (uint8_t)((top * (256 - fy) + bottom * fy + 32768) >> 16);
            }
        }
    }
}

uint64_t run(uint32_t n)
{
    uint32_t seed = 99;
    uint64_t sum = 0;

    for (uint32_t i = 0; i < sizeof source; i++)
        source[i] = (uint8_t)random_next(&seed);
    for (uint32_t round = 0; round < n; round++) {
        upscale(127 - round % 3, 127 - round % 5);
        source[round % sizeof source] = target[(round * 37) % sizeof target];
    }
    for (uint32_t i = 0; i < sizeof target; i++)
        sum = checksum_add(sum, target[i]);
    return sum;
}
