/*
 * native_main.c - runs a kernel that was linked into this program.
 *
 * Usage: PROGRAM N. Prints one line: the processor time of the call of run(N) in
 * nanoseconds, a space, and the checksum in 16 hexadecimal digits. Every engine
 * driver of the bench prints this line, so that the harness compares them
 * without knowing them. Processor time, because on a busy machine the time on
 * the wall is mostly that of others.
 */
#define _POSIX_C_SOURCE 200809L

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "kernels/kernel.h"

static uint64_t clock_cpu_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

int main(int argc, char **argv)
{
    uint64_t start, end, sum;
    unsigned long n;
    char *rest;

    if (argc != 2) {
        fprintf(stderr, "usage: %s N\n", argv[0]);
        return 2;
    }
    n = strtoul(argv[1], &rest, 10);
    if (*rest != '\0' || rest == argv[1] || n > UINT32_MAX) {
        fprintf(stderr, "%s: N must be a number from 0 to 4294967295, not \"%s\"\n", argv[0],
                argv[1]);
        return 2;
    }
    start = clock_cpu_ns();
    sum = run((uint32_t)n);
    end = clock_cpu_ns();
    printf("%" PRIu64 " %016" PRIx64 "\n", end - start, sum);
    return 0;
}
