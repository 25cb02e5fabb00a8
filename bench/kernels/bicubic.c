/* bicubic: doubles a 48 x 32 RGB picture by Catmull-Rom interpolation in single
 * precision: sixteen taps per channel, clamped coordinates. */
#include "kernel.h"

#define IN_WIDTH 48
#define IN_HEIGHT 32
#define OUT_WIDTH 96
#define OUT_HEIGHT 64

static uint8_t source[IN_HEIGHT * IN_WIDTH * 3];
static uint8_t target[OUT_HEIGHT * OUT_WIDTH * 3];

/* Where one output column or row takes its values from, and how much of each. */
struct taps {
    uint32_t at[4];
    float weight[4];
};

static struct taps columns[OUT_WIDTH], rows[OUT_HEIGHT];

static void taps_make(struct taps *taps, float position, int32_t limit)
{
    int32_t base = (int32_t)position;
    float t = position - (float)base;

    for (int32_t i = 0; i < 4; i++) {
        int32_t at = base + i - 1;

        taps->at[i] = (uint32_t)(at < 0 ? 0 : at < limit ? at : limit - 1);
    }
    taps->weight[0] = ((-0.5f * t + 1.0f) * t - 0.5f) * t;
    taps->weight[1] = (1.5f * t - 2.5f) * t * t + 1.0f;
    taps->weight[2] = ((-1.5f * t + 2.0f) * t + 0.5f) * t;
    taps->weight[3] = (0.5f * t - 0.5f) * t * t;
}

static KERNEL_NOINLINE void upscale(void)
{
    uint8_t *out = target;

    for (uint32_t y = 0; y < OUT_HEIGHT; y++) {
        const struct taps *row = &rows[y];

        for (uint32_t x = 0; x < OUT_WIDTH; x++) {
            const struct taps *column = &columns[x];

            for (uint32_t channel = 0; channel < 3; channel++) {
                float value = 0.5f;

                for (uint32_t j = 0; j < 4; j++) {
                    const uint8_t *line = source + row->at[j] * IN_WIDTH * 3 + channel;
                    float sum = 0;

                    for (uint32_t i = 0; i < 4; i++)
                        sum += column->weight[i] * (float)line[column->at[i] * 3];
                    value += row->weight[j] * sum;
                }
                value = value < 0.0f ? 0.0f : value > 255.0f ? 255.0f : value;
                *out++ = (uint8_t)value;
            }
        }
    }
}

uint64_t run(uint32_t n)
{
    uint32_t seed = 7;
    uint64_t sum = 0;

    for (uint32_t i = 0; i < sizeof source; i++)
        source[i] = (uint8_t)random_next(&seed);
    for (uint32_t round = 0; round < n; round++) {
        float step = 0.5f - (float)(round % 3) * 0.015625f;

        for (uint32_t x = 0; x < OUT_WIDTH; x++)
            taps_make(&columns[x], (float)x * step, IN_WIDTH);
        for (uint32_t y = 0; y < OUT_HEIGHT; y++)
            taps_make(&rows[y], (float)y * step, IN_HEIGHT);
        upscale();
        source[round % sizeof source] = target[(round * 37) % sizeof target];
    }
    for (uint32_t i = 0; i < sizeof target; i++)
        sum = checksum_add(sum, target[i]);
    return sum;
}
