/* planner_bench.c - how long planning takes, by size of the site: devices x components, a median of
 * several random sites (the tests' generator). One line of JSON for each size.
 *
 *     planner_bench [ROUNDS] */
#include "orchestrator/planner_test_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { rounds_max = 100 };

static double now_ms(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

struct figures {
    double plan_ms[rounds_max], explain_ms[rounds_max];
    size_t feasible, proven;
    uint64_t steps;
};

static void round_run(const struct iso_plan_site_options *options, uint64_t seed, size_t index,
                      struct figures *figures)
{
    struct iso_plan_site site;
    struct iso_plan *plan = NULL;
    struct iso_buf buf;
    iso_plan_site_make(&site, options, seed);
    iso_buf_init(&buf, iso_alloc_libc(), SIZE_MAX);
    const double begin = now_ms();
    if (iso_plan_create(iso_alloc_libc(), &site.input, NULL, &plan, NULL) != ISO_OK) {
        exit(1);
    }
    const double planned = now_ms();
    if (iso_plan_explain(plan, 5, &buf) != ISO_OK) {
        exit(1);
    }
    figures->plan_ms[index] = planned - begin;
    figures->explain_ms[index] = now_ms() - planned;
    figures->feasible += iso_plan_outcome(plan)->feasible ? 1 : 0;
    figures->proven += iso_plan_outcome(plan)->proven ? 1 : 0;
    figures->steps += iso_plan_outcome(plan)->steps;
    iso_buf_fini(&buf);
    iso_plan_destroy(plan);
    iso_plan_site_fini(&site);
}

static void size_run(size_t devices, size_t components, size_t rounds)
{
    const struct iso_plan_site_options options = {.devices = devices,
                                                  .components = components,
                                                  .trouble_percent = 5,
                                                  .constraint_percent = 1,
                                                  .running_percent = 30,
                                                  .memory_low = 32 << 20,
                                                  .memory_high = 512 << 20,
                                                  .work_low = 1e4,
                                                  .work_high = 2e7};
    static struct figures figures;
    figures = (struct figures){.feasible = 0};
    for (size_t i = 0; i < rounds; i++) {
        round_run(&options, 1000 + i, i, &figures);
    }
    qsort(figures.plan_ms, rounds, sizeof *figures.plan_ms, compare);
    qsort(figures.explain_ms, rounds, sizeof *figures.explain_ms, compare);
    printf("{\"devices\": %zu, \"components\": %zu, \"rounds\": %zu, \"plan_ms\": %.2f, "
           "\"plan_max_ms\": %.2f, \"explain_ms\": %.2f, \"feasible\": %zu, \"proven\": %zu, "
           "\"steps\": %llu}\n",
           devices, components, rounds, figures.plan_ms[rounds / 2], figures.plan_ms[rounds - 1],
           figures.explain_ms[rounds / 2], figures.feasible, figures.proven,
           (unsigned long long)(figures.steps / rounds));
    (void)fflush(stdout);
}

int main(int argc, char **argv)
{
    static const size_t sizes[][2] = {{2, 3}, {5, 8}, {20, 15}, {100, 30}, {1000, 100}};
    const long given = argc > 1 ? strtol(argv[1], NULL, 10) : 5;
    const size_t rounds = given < 1 ? 1 : given > rounds_max ? rounds_max : (size_t)given;
    for (size_t i = 0; i < ISO_COUNT_OF(sizes); i++) {
        size_run(sizes[i][0], sizes[i][1], rounds);
    }
    return 0;
}
