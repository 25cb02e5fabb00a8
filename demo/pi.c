/*
 * The program of ./dev demo: computes digits of pi one group after the other (the spigot algorithm
 * of Rabinowitz and Wagon), writes them to a file, and tells how far it is. An ordinary C program:
 * it knows nothing of being stopped and moved.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { DIGITS_PER_GROUP = 4, BASE = 10000 };

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: pi DIGITS FILE\n");
        return 2;
    }
    int digits = atoi(argv[1]);
    int groups = (digits + DIGITS_PER_GROUP - 1) / DIGITS_PER_GROUP;
    /* Each group of digits uses up 14 terms of the series. */
    int terms = groups * 14;
    uint32_t *remainders = malloc(((size_t)terms + 1) * sizeof *remainders);
    FILE *out = fopen(argv[2], "w");
    if (remainders == NULL || out == NULL) {
        perror(argv[2]);
        return 1;
    }
    for (int i = 0; i <= terms; i++) {
        remainders[i] = BASE / 5;
    }
    uint32_t carry = 0;
    int percent_told = 0;
    for (int group = 0, last = terms; group < groups; group++, last -= 14) {
        uint64_t sum = 0;
        for (int i = last; i > 0; i--) {
            uint32_t odd = (uint32_t)(2 * i - 1);
            sum = sum * (uint32_t)i + (uint64_t)BASE * remainders[i];
            remainders[i] = (uint32_t)(sum % odd);
            sum /= odd;
        }
        uint32_t value = carry + (uint32_t)(sum / BASE);
        carry = (uint32_t)(sum % BASE);
        fprintf(out, "%04u", value);
        int percent = (int)((int64_t)(group + 1) * 100 / groups);
        if (percent / 10 > percent_told / 10) {
            percent_told = percent;
            printf("%3d %%: %d digits, the last ones are %04u\n", percent,
                   (group + 1) * DIGITS_PER_GROUP, value);
            fflush(stdout);
        }
    }
    fprintf(out, "\n");
    free(remainders);
    return fclose(out) == 0 ? 0 : 1;
}
