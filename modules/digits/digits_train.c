/*
 * digits_train.c - makes the weights of the network in recogniser.c. Not part of the module: it
 * runs on the machine that builds.
 *
 * usage: digits_train weights > digits_weights.h      (a few seconds)
 *        digits_train pictures SEED COUNT             (a line each: the digit, its pixels in hex)
 *
 * The data are made here: the bent lines of digits_lines.h, of random thickness and brightness, on
 * noise. Two layers (SIZE * SIZE -> HIDDEN, with what is
 * negative cut off, -> 10) learn by gradient descent, one picture at a time. Weights are written as
 * bytes with a factor for each layer.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digits_lines.h"

enum { SIZE = 16, INPUTS = SIZE * SIZE, HIDDEN = 32, DIGITS = 10, STEPS = 80000 };

/* ---- Pictures ------------------------------------------------------------------------------ */

static void draw(int digit, uint8_t *pixels)
{
    struct digits_point line[DIGITS_POINTS];
    const int count = digits_bend(digit, SIZE, line);
    double thick = digits_random_between(0.5, 1.1), bright = digits_random_between(120, 185);
    for (int i = 0; i < INPUTS; i++) {
        double nearest = digits_distance(line, count, i % SIZE + 0.5, i / SIZE + 0.5);
        double ink = fmin(1, fmax(0, thick + 0.5 - nearest));
        pixels[i] = (uint8_t)fmin(255, ink * bright + digits_random_between(0, 70));
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
    digits_random_state = 1;
    for (int i = 0; i < HIDDEN * INPUTS; i++) {
        first[i / INPUTS][i % INPUTS] = (float)digits_random_between(-0.1, 0.1);
    }
    for (int i = 0; i < DIGITS * HIDDEN; i++) {
        second[i / HIDDEN][i % HIDDEN] = (float)digits_random_between(-0.3, 0.3);
    }
    for (int step = 0; step < STEPS; step++) {
        int digit = (int)(digits_random() * DIGITS);
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
    digits_random_state = strtoull(argv[2], NULL, 10);
    for (long left = strtol(argv[3], NULL, 10); left > 0; left--) {
        uint8_t pixels[INPUTS];
        int digit = (int)(digits_random() * DIGITS);
        draw(digit, pixels);
        printf("%d ", digit);
        for (int i = 0; i < INPUTS; i++) {
            printf("%02x", pixels[i]);
        }
        printf("\n");
    }
    return 0;
}
