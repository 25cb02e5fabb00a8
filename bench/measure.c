/*
 * measure.c - starts a program several times and prints what each run took.
 *
 * Usage: measure COUNT PROGRAM [ARGUMENTS...]
 *
 * Prints a line per run: wall time from before the start until the end in nanoseconds, and the peak
 * resident memory in KiB. Input and output of the program are /dev/null. A run that does not
 * exit with status 0 ends the measurement with status 1.
 *
 * It exists because a process that Python starts seems to use as much memory as Python: Linux
 * counts the peak of the memory that a child shares until its exec. This program is linked
 * statically and stays small.
 */
#define _DEFAULT_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static uint64_t clock_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static int measure_once(char **argv, const posix_spawn_file_actions_t *actions)
{
    struct rusage usage;
    uint64_t start = clock_now_ns(), end;
    pid_t child;
    int status, error = posix_spawnp(&child, argv[0], actions, NULL, argv, environ);

    if (error != 0) {
        fprintf(stderr, "measure: cannot start %s: %s\n", argv[0], strerror(error));
        return 1;
    }
    while (wait4(child, &status, 0, &usage) < 0) {
        if (errno != EINTR) {
            fprintf(stderr, "measure: waiting for %s: %s\n", argv[0], strerror(errno));
            return 1;
        }
    }
    end = clock_now_ns();
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fprintf(stderr, "measure: %s ended with %s %d\n", argv[0],
                WIFEXITED(status) ? "status" : "signal",
                WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
        return 1;
    }
    printf("%" PRIu64 " %ld\n", end - start, usage.ru_maxrss);
    return 0;
}

int main(int argc, char **argv)
{
    posix_spawn_file_actions_t actions;
    long count = argc >= 3 ? strtol(argv[1], NULL, 10) : 0;
    int status = 0;

    if (count <= 0) {
        fputs("usage: measure COUNT PROGRAM [ARGUMENTS...]\n", stderr);
        return 2;
    }
    if (posix_spawn_file_actions_init(&actions) != 0 ||
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0) != 0 ||
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0) != 0) {
        fputs("measure: out of memory\n", stderr);
        return 1;
    }
    for (long i = 0; i < count && status == 0; i++)
        status = measure_once(argv + 2, &actions);
    posix_spawn_file_actions_destroy(&actions);
    return status;
}
