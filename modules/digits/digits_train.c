/*
 * digits_train.c - makes the weights of the network in recogniser.c. Not part of the module: it
 * runs on the machine that builds.
 *
 * usage: digits_train weights > digits_weights.h      (a few seconds)
 *        digits_train pictures SEED COUNT             (a line each: the digit, its pixels in hex)
 *
 * The data are made here: digits as strokes, moved, turned, stretched, slanted and bent at random,
 * of random thickness and brightness, on noise. Two layers (SIZE * SIZE -> HIDDEN, with what is
 * negative cut off, -> 10) learn by gradient descent, one picture at a time. Weights are written as
 * bytes with a factor for each layer.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE = 16, INPUTS = SIZE * SIZE, HIDDEN = 32, DIGITS = 10, STEPS = 80000, POINTS = 14 };

/* ---- Pictures ------------------------------------------------------------------------------ */

static uint64_t random_state;

/* splitmix64; from 0 up to 1 */
static double random_unit(void)
{
    uint64_t z = random_state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (double)((z ^ z >> 31) >> 11) / 9007199254740992.0;
}

static double random_between(double low, double high)
{
    return low + (high - low) * random_unit();
}

struct point {
    double x;
    double y;
};

/* One line without lifting the pen, in hundredths of width and height; y goes down. */
static const struct {
    int count;
    struct point points[POINTS];
} strokes[DIGITS] = {
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

static double distance_to(struct point a, struct point b, double x, double y)
{
    double along_x = b.x - a.x, along_y = b.y - a.y;
    double square = along_x * along_x + along_y * along_y;
    double t = square > 0 ? ((x - a.x) * along_x + (y - a.y) * along_y) / square : 0;
    t = fmin(1, fmax(0, t));
    return hypot(x - a.x - t * along_x, y - a.y - t * along_y);
}

/* The digit's line in pixels. */
static void bend(int digit, struct point *line)
{
    double width = random_between(0.5, 0.75) * SIZE / 100,
           height = random_between(0.65, 0.85) * SIZE / 100;
    double turn = random_between(-0.3, 0.3), slant = random_between(-0.25, 0.25);
    double right = SIZE / 2.0 + random_between(-1, 1), down = SIZE / 2.0 + random_between(-1, 1);
    for (int i = 0; i < strokes[digit].count; i++) {
        double y = (strokes[digit].points[i].y - 50 + random_between(-7, 7)) * height;
        double x = (strokes[digit].points[i].x - 50 + random_between(-7, 7)) * width - slant * y;
        line[i].x = right + x * cos(turn) - y * sin(turn);
        line[i].y = down + x * sin(turn) + y * cos(turn);
    }
}

static void draw(int digit, uint8_t *pixels)
{
    struct point line[POINTS];
    bend(digit, line);
    double thick = random_between(0.5, 1.1), bright = random_between(120, 185);
    for (int i = 0; i < INPUTS; i++) {
        double x = i % SIZE + 0.5, y = i / SIZE + 0.5, nearest = SIZE;
        for (int k = 1; k < strokes[digit].count; k++) {
            nearest = fmin(nearest, distance_to(line[k - 1], line[k], x, y));
        }
        double ink = fmin(1, fmax(0, thick + 0.5 - nearest));
        pixels[i] = (uint8_t)fmin(255, ink * bright + random_between(0, 70));
    }
}

/* ---- Learning ------------------------------------------------------------------------------ */

static float first[HIDDEN][INPUTS], first_bias[HIDDEN];
static float second[DIGITS][HIDDEN], second_bias[DIGITS];

static void learn(const uint8_t *pixels, int digit, float rate)
{
    float input[INPUTS], hidden[HIDDEN], output[DIGITS], blame[HIDDEN] = {0}, sum = 0;
    for (int i = 0; i < INPUTS; i++) {
        input[i] = (float)pixels[i] / 255.0f;
    }
    for (int h = 0; h < HIDDEN; h++) {
        hidden[h] = first_bias[h];
        for (int i = 0; i < INPUTS; i++) {
            hidden[h] += first[h][i] * input[i];
        }
        hidden[h] = fmaxf(0, hidden[h]);
    }
    for (int d = 0; d < DIGITS; d++) {
        output[d] = second_bias[d];
        for (int h = 0; h < HIDDEN; h++) {
            output[d] += second[d][h] * hidden[h];
        }
        output[d] = expf(fminf(30, output[d]));
        sum += output[d];
    }
    for (int d = 0; d < DIGITS; d++) {
        float error = output[d] / sum - (d == digit ? 1.0f : 0.0f);
        for (int h = 0; h < HIDDEN; h++) {
            blame[h] += error * second[d][h];
            second[d][h] -= rate * error * hidden[h];
        }
        second_bias[d] -= rate * error;
    }
    for (int h = 0; h < HIDDEN; h++) {
        for (int i = 0; hidden[h] > 0 && i < INPUTS; i++) {
            first[h][i] -= rate * blame[h] * input[i];
        }
        first_bias[h] -= hidden[h] > 0 ? rate * blame[h] : 0;
    }
}

static void train(void)
{
    uint8_t pixels[INPUTS];
    random_state = 1;
    for (int i = 0; i < HIDDEN * INPUTS; i++) {
        first[i / INPUTS][i % INPUTS] = (float)random_between(-0.1, 0.1);
    }
    for (int i = 0; i < DIGITS * HIDDEN; i++) {
        second[i / HIDDEN][i % HIDDEN] = (float)random_between(-0.3, 0.3);
    }
    for (int step = 0; step < STEPS; step++) {
        int digit = (int)(random_unit() * DIGITS);
        draw(digit, pixels);
        learn(pixels, digit, 0.03f * (1.0f - 0.95f * (float)step / STEPS));
    }
}

/* ---- Writing ------------------------------------------------------------------------------- */

static void write_weights(const char *name, const float *weights, int count, int row)
{
    float most = 0;
    for (int i = 0; i < count; i++) {
        most = fmaxf(most, fabsf(weights[i]));
    }
    float factor = most / 127;
    printf("\nstatic const float %s_factor = %.8ef;\n", name, (double)factor);
    printf("static const int8_t %s[%d][%d] = {", name, count / row, row);
    for (int i = 0; i < count; i++) {
        printf("%s%s%d,", i % row == 0 ? "\n    {" : "", i % row % 16 == 0 ? "\n        " : " ",
               (int)lrintf(weights[i] / factor));
        if (i % row == row - 1) {
            printf("\n    },");
        }
    }
    printf("\n};\n");
}

static void write_biases(const char *name, const float *biases, int count)
{
    printf("static const float %s[%d] = {", name, count);
    for (int i = 0; i < count; i++) {
        printf("%s%.8ef,", i % 4 == 0 ? "\n    " : " ", (double)biases[i]);
    }
    printf("\n};\n");
}

static void write_header(void)
{
    printf(
        "/* digits_weights.h - what the network has learned. Made by train.sh; do not edit. */\n");
    printf("/* clang-format off */\n#ifndef DIGITS_WEIGHTS_H\n#define DIGITS_WEIGHTS_H\n\n");
    printf("#include <stdint.h>\n\n");
    printf("enum { SIZE = %d, INPUTS = %d, HIDDEN = %d, DIGITS = %d };\n", SIZE, INPUTS, HIDDEN,
           DIGITS);
    write_weights("first", &first[0][0], HIDDEN * INPUTS, INPUTS);
    write_biases("first_bias", first_bias, HIDDEN);
    write_weights("second", &second[0][0], DIGITS * HIDDEN, HIDDEN);
    write_biases("second_bias", second_bias, DIGITS);
    printf("\n#endif\n/* clang-format on */\n");
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "weights") == 0) {
        train();
        write_header();
        return 0;
    }
    if (argc != 4 || strcmp(argv[1], "pictures") != 0) {
        fprintf(stderr, "usage: see the top of digits_train.c\n");
        return 2;
    }
    random_state = strtoull(argv[2], NULL, 10);
    for (long left = strtol(argv[3], NULL, 10); left > 0; left--) {
        uint8_t pixels[INPUTS];
        int digit = (int)(random_unit() * DIGITS);
        draw(digit, pixels);
        printf("%d ", digit);
        for (int i = 0; i < INPUTS; i++) {
            printf("%02x", pixels[i]);
        }
        printf("\n");
    }
    return 0;
}
