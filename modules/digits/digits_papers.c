/*
 * digits_papers.c - draws papers with numbers on them, as a camera above a desk might see them. Not
 * part of the module: for the machine that builds.
 *
 * usage: digits_papers SEED COUNT FOLDER
 *
 * FOLDER gets paper-000.pgm, ... and papers.txt with the number on each, line by line. A paper is
 * unevenly lit, has grain and some specks, and three to five digits in dark ink on it.
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "digits_lines.h"

enum { WIDTH = 480, HEIGHT = 128, CELL = 76, STEP = 88, LEAST = 3, MOST = 5, SPECKS = 12 };

struct digit {
    struct digits_point line[DIGITS_POINTS];
    int count, left;
    double thick;
};

struct paper {
    struct digit digits[MOST];
    int count;
    double bright, slope_x, slope_y, ink;
};

static double brightness(const struct paper *paper, int x, int y)
{
    double ink = 0;
    for (int i = 0; i < paper->count; i++) {
        const struct digit *digit = &paper->digits[i];
        if (x >= digit->left - CELL / 2 && x < digit->left + CELL * 3 / 2) {
            const double away = digits_distance(digit->line, digit->count, x + 0.5 - digit->left,
                                                y + 0.5 - (HEIGHT - CELL) / 2.0);
            ink = fmax(ink, fmin(1, fmax(0, digit->thick + 0.5 - away)));
        }
    }
    const double ground = paper->bright + paper->slope_x * (x - WIDTH / 2) / WIDTH +
                          paper->slope_y * (y - HEIGHT / 2) / HEIGHT;
    return ground + (paper->ink - ground) * ink + digits_random_between(-8, 8);
}

static void plan(struct paper *paper, FILE *list)
{
    paper->count = LEAST + (int)(digits_random() * (MOST - LEAST + 1));
    paper->bright = digits_random_between(180, 225);
    paper->slope_x = digits_random_between(-40, 40);
    paper->slope_y = digits_random_between(-20, 20);
    paper->ink = digits_random_between(25, 80);
    for (int i = 0; i < paper->count; i++) {
        const int value = (int)(digits_random() * DIGITS_COUNT);
        struct digit *digit = &paper->digits[i];
        digit->count = digits_bend(value, CELL, digit->line);
        digit->thick = digits_random_between(2.4, 4.2);
        digit->left = (WIDTH - paper->count * STEP) / 2 + i * STEP + (STEP - CELL) / 2;
        fputc('0' + value, list);
    }
    fputc('\n', list);
}

static bool draw(const struct paper *paper, const char *path)
{
    static unsigned char pixels[HEIGHT * WIDTH];
    for (int i = 0; i < HEIGHT * WIDTH; i++) {
        pixels[i] = (unsigned char)fmin(255, fmax(0, brightness(paper, i % WIDTH, i / WIDTH)));
    }
    for (int i = 0; i < SPECKS; i++) {
        const int x = (int)digits_random_between(2, WIDTH - 3),
                  y = (int)digits_random_between(2, HEIGHT - 3);
        pixels[y * WIDTH + x] = pixels[y * WIDTH + x + 1] = pixels[(y + 1) * WIDTH + x] =
            (unsigned char)paper->ink;
    }
    FILE *file = fopen(path, "wb");
    if (file == NULL) {
        return false;
    }
    fprintf(file, "P5\n%d %d\n255\n", WIDTH, HEIGHT);
    const bool whole = fwrite(pixels, sizeof pixels, 1, file) == 1;
    return fclose(file) == 0 && whole;
}

int main(int argc, char **argv)
{
    char path[1024];
    const int count = argc == 4 ? atoi(argv[2]) : 0;
    if (count < 1 || count > 999) {
        fprintf(stderr, "usage: digits_papers SEED COUNT FOLDER (1 to 999)\n");
        return 2;
    }
    digits_random_state = strtoull(argv[1], NULL, 10);
    snprintf(path, sizeof path, "%s/papers.txt", argv[3]);
    FILE *list = fopen(path, "w");
    for (int i = 0; i < count && list != NULL; i++) {
        struct paper paper;
        plan(&paper, list);
        snprintf(path, sizeof path, "%s/paper-%03d.pgm", argv[3], i);
        if (!draw(&paper, path)) {
            break;
        }
        if (i == count - 1) {
            return fclose(list) == 0 ? 0 : 1;
        }
    }
    perror(path);
    return 1;
}
