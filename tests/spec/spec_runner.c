/* Runs the official WebAssembly test suite, as scripts that spec2script.py made of it.
 *
 * usage: spec_runner --dir SUITE --scripts SCRIPTS --list FILES.TXT [options]
 *
 *   --file NAME     only this script (may be repeated)
 *   --step          snapshot, restore into a new store and continue there at every safepoint
 *   --all N         in step mode: the first N safepoints of each call (1,000), then samples
 *   --eager         translate every function when its module is loaded
 *   --moving        memories are plain allocations, whose base moves on growth
 *   --stack-kib N   run on a native stack of N KiB
 *   --code-kib N    at most N KiB of translated code (128 where functions are large)
 *   --threads N     N threads run each script at the same time, sharing its modules
 *   --texts         show rejections in other words than the reference's
 *   --verbose       every failure, not only the first ten of a script
 *
 * A line per script, a line per kind of command, and at the end `N passed, N failed, N skipped`.
 * Scripts of the list that are not there are skipped by name. Exit status 1 when something failed.
 */
#define _POSIX_C_SOURCE 200809L
#include "platform/platform.h"
#include "session.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILES_MAX = 1024, THREADS_MAX = 16 };

struct runner {
    struct spec_options options;
    const char *list;
    const char *only[FILES_MAX];
    size_t only_count;
    size_t stack_kib;
    struct spec_tally total;
    uint32_t skipped;
    bool trouble; /* something other than a check failed */
};

/* One thread's run of one script. */
struct job {
    const struct runner *runner;
    struct iso_engine *engine;
    struct spec_modules *modules;
    const char *name;
    struct spec_tally tally;
    bool trouble;
};

static uint32_t tally_sum(const uint32_t counts[SPEC_KIND_COUNT])
{
    uint32_t sum = 0;

    for (int kind = 0; kind < SPEC_KIND_COUNT; kind++) {
        sum += counts[kind];
    }
    return sum;
}

static void tally_add(struct spec_tally *to, const struct spec_tally *from)
{
    for (int kind = 0; kind < SPEC_KIND_COUNT; kind++) {
        to->passed[kind] += from->passed[kind];
        to->failed[kind] += from->failed[kind];
    }
    to->safepoints += from->safepoints;
    to->restores += from->restores;
    to->externrefs += from->externrefs;
    to->other_texts += from->other_texts;
}

/* Runs all commands of an open script. The line and the command are on the heap: the native stack
 * may be small. */
static bool run_lines(FILE *stream, struct spec_session *session, const char *name)
{
    char *line = malloc(SPEC_LINE_MAX);
    struct spec_command *command = malloc(sizeof *command);
    const char *why = "out of memory";
    bool good = line != NULL && command != NULL;

    for (unsigned number = 1; good && fgets(line, SPEC_LINE_MAX, stream) != NULL; number++) {
        line[strcspn(line, "\n")] = '\0';
        if (spec_command_parse(line, command, &why)) {
            spec_session_run(session, command);
        } else {
            (void)fprintf(stderr, "%s.script:%u: %s\n", name, number, why);
            good = false;
        }
    }
    free(command);
    free(line);
    return good;
}

static void *job_run(void *argument)
{
    struct job *job = argument;
    const struct spec_options *options = &job->runner->options;
    char path[1024];

    (void)iso_format(path, sizeof path, "%s/%s.script", options->scripts, job->name);
    FILE *stream = fopen(path, "r");
    struct spec_session *session =
        spec_session_create(job->engine, job->modules, options, job->name, &job->tally);
    if (stream == NULL || session == NULL) {
        (void)fprintf(stderr, "%s: %s\n", path, stream == NULL ? "cannot open" : "out of memory");
        job->trouble = true;
    } else {
        job->trouble = !run_lines(stream, session, job->name);
    }
    spec_session_destroy(session);
    if (stream != NULL) {
        (void)fclose(stream);
    }
    return NULL;
}

/* Runs the jobs on threads of their own, or the only one right here. */
static void jobs_run(struct job *jobs, unsigned count)
{
    pthread_t threads[THREADS_MAX];
    bool started[THREADS_MAX] = {false};

    if (count == 1) {
        (void)job_run(&jobs[0]);
        return;
    }
    for (unsigned i = 0; i < count; i++) {
        started[i] = pthread_create(&threads[i], NULL, job_run, &jobs[i]) == 0;
        if (!started[i]) {
            jobs[i].trouble = true;
        }
    }
    for (unsigned i = 0; i < count; i++) {
        if (started[i]) {
            (void)pthread_join(threads[i], NULL);
        }
    }
}

static void print_script_line(const struct runner *runner, const char *name,
                              const struct spec_tally *tally)
{
    uint32_t passed = tally_sum(tally->passed);

    (void)printf("%-40s %6u/%u", name, passed, passed + tally_sum(tally->failed));
    if (runner->options.step) {
        (void)printf("  %llu safepoints, %llu restores", (unsigned long long)tally->safepoints,
                     (unsigned long long)tally->restores);
        if (tally->externrefs > 0) {
            (void)printf(", %llu not snapshotted: holds externref",
                         (unsigned long long)tally->externrefs);
        }
    }
    (void)printf("\n");
    (void)fflush(stdout);
}

/* Code memory for a script: these have functions that take up to 100 KiB. */
static uint64_t code_bytes(const struct spec_options *options, const char *name)
{
    static const char *const large[] = {
        "align", "br_table", "call", "memory_copy", "simd__simd_bitwise", "skip-stack-guard-page"};
    unsigned kib = options->code_kib;

    for (size_t i = 0; kib != 0 && i < ISO_COUNT_OF(large); i++) {
        kib = strcmp(name, large[i]) == 0 && kib < 128 ? 128 : kib;
    }
    return (uint64_t)kib * 1024;
}

static enum iso_err engine_create(const struct spec_options *options, const char *name,
                                  struct iso_engine **out)
{
    static struct iso_platform moving;
    struct iso_engine_config config = {.platform = iso_platform_posix(),
                                       .code_max_bytes = code_bytes(options, name),
                                       .translation = options->eager ? ISO_TRANSLATE_EAGER
                                                                     : ISO_TRANSLATE_LAZY};

    if (options->moving) {
        moving = (struct iso_platform){.ctx = config.platform->ctx,
                                       .lock = config.platform->lock,
                                       .unlock = config.platform->unlock};
        config.platform = &moving;
    }
    return iso_engine_create(&config, out);
}

static void run_script(struct runner *runner, const char *name)
{
    struct job *jobs = calloc(runner->options.threads, sizeof *jobs);
    struct iso_engine *engine = NULL;
    struct spec_modules *modules = NULL;
    struct spec_tally tally = {.safepoints = 0};

    if (jobs != NULL && engine_create(&runner->options, name, &engine) == ISO_OK) {
        modules = spec_modules_create(engine, &runner->options);
    }
    if (modules == NULL) {
        (void)fprintf(stderr, "%s: out of memory\n", name);
        runner->trouble = true;
    } else {
        for (unsigned i = 0; i < runner->options.threads; i++) {
            jobs[i] =
                (struct job){.runner = runner, .engine = engine, .modules = modules, .name = name};
        }
        jobs_run(jobs, runner->options.threads);
        for (unsigned i = 0; i < runner->options.threads; i++) {
            tally_add(&tally, &jobs[i].tally);
            runner->trouble = runner->trouble || jobs[i].trouble;
        }
        print_script_line(runner, name, &tally);
        tally_add(&runner->total, &tally);
    }
    spec_modules_destroy(modules);
    iso_engine_destroy(engine);
    free(jobs);
}

static bool script_wanted(const struct runner *runner, const char *name)
{
    for (size_t i = 0; i < runner->only_count; i++) {
        if (strcmp(runner->only[i], name) == 0) {
            return true;
        }
    }
    return runner->only_count == 0;
}

static bool script_exists(const struct runner *runner, const char *name)
{
    char path[1024];

    (void)iso_format(path, sizeof path, "%s/%s.script", runner->options.scripts, name);
    FILE *stream = fopen(path, "r");
    if (stream != NULL) {
        (void)fclose(stream);
    }
    return stream != NULL;
}

static void print_totals(const struct runner *runner)
{
    const struct spec_tally *total = &runner->total;

    (void)printf("\n");
    for (int kind = 0; kind < SPEC_KIND_COUNT; kind++) {
        (void)printf("%-22s %6u/%u\n", spec_kind_name((enum spec_kind)kind), total->passed[kind],
                     total->passed[kind] + total->failed[kind]);
    }
    (void)printf("dispatch: %s\n", iso_engine_dispatch());
    if (runner->options.texts) {
        (void)printf("refused in other words: %llu\n", (unsigned long long)total->other_texts);
    }
    if (runner->options.step) {
        (void)printf("%llu safepoints, %llu restores, %llu not snapshotted: holds externref\n",
                     (unsigned long long)total->safepoints, (unsigned long long)total->restores,
                     (unsigned long long)total->externrefs);
    }
    (void)printf("%u passed, %u failed, %u skipped\n", tally_sum(total->passed),
                 tally_sum(total->failed), runner->skipped);
}

static void *run_all(void *argument)
{
    struct runner *runner = argument;
    char name[128];
    FILE *stream = fopen(runner->list, "r");

    if (stream == NULL) {
        (void)fprintf(stderr, "%s: cannot open\n", runner->list);
        runner->trouble = true;
        return NULL;
    }
    while (fgets(name, sizeof name, stream) != NULL) {
        name[strcspn(name, "\n")] = '\0';
        if (!script_wanted(runner, name)) {
            continue;
        }
        if (script_exists(runner, name)) {
            run_script(runner, name);
        } else {
            (void)printf("skip  %s: no such script\n", name);
            runner->skipped++;
        }
    }
    (void)fclose(stream);
    print_totals(runner);
    return NULL;
}

static void usage(void)
{
    (void)fprintf(stderr,
                  "usage: spec_runner --dir SUITE --scripts SCRIPTS --list FILES.TXT "
                  "[--file NAME]... [--step] [--all N] [--eager] [--moving] [--stack-kib N] "
                  "[--code-kib N] [--threads N] [--texts] [--verbose]\n");
    exit(2);
}

static bool parse_flag(struct spec_options *options, const char *arg)
{
    const struct {
        const char *name;
        bool *flag;
    } flags[] = {{"--step", &options->step},
                 {"--eager", &options->eager},
                 {"--moving", &options->moving},
                 {"--texts", &options->texts},
                 {"--verbose", &options->verbose}};

    for (size_t i = 0; i < ISO_COUNT_OF(flags); i++) {
        if (strcmp(arg, flags[i].name) == 0) {
            *flags[i].flag = true;
            return true;
        }
    }
    return false;
}

static void parse_arguments(struct runner *runner, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (parse_flag(&runner->options, argv[i])) {
            continue;
        }
        if (i + 1 == argc) {
            usage();
        }
        const char *value = argv[i + 1];
        if (strcmp(argv[i], "--dir") == 0) {
            runner->options.dir = value;
        } else if (strcmp(argv[i], "--scripts") == 0) {
            runner->options.scripts = value;
        } else if (strcmp(argv[i], "--list") == 0) {
            runner->list = value;
        } else if (strcmp(argv[i], "--file") == 0 && runner->only_count < FILES_MAX) {
            runner->only[runner->only_count++] = value;
        } else if (strcmp(argv[i], "--stack-kib") == 0) {
            runner->stack_kib = (size_t)strtoul(value, NULL, 10);
        } else if (strcmp(argv[i], "--code-kib") == 0) {
            runner->options.code_kib = (unsigned)strtoul(value, NULL, 10);
        } else if (strcmp(argv[i], "--all") == 0) {
            runner->options.all = (unsigned)strtoul(value, NULL, 10);
        } else if (strcmp(argv[i], "--threads") == 0) {
            runner->options.threads = (unsigned)strtoul(value, NULL, 10);
        } else {
            usage();
        }
        i++;
    }
    if (runner->options.dir == NULL || runner->options.scripts == NULL || runner->list == NULL ||
        runner->options.threads == 0 || runner->options.threads > THREADS_MAX) {
        usage();
    }
}

/* Runs everything on a thread with the given stack. */
static bool run_on_stack(struct runner *runner)
{
    pthread_attr_t attr;
    pthread_t thread;
    bool good = pthread_attr_init(&attr) == 0 &&
                pthread_attr_setstacksize(&attr, runner->stack_kib * 1024) == 0 &&
                pthread_create(&thread, &attr, run_all, runner) == 0 &&
                pthread_join(thread, NULL) == 0;

    if (!good) {
        (void)fprintf(stderr, "cannot run on a stack of %zu KiB\n", runner->stack_kib);
    }
    return good;
}

int main(int argc, char **argv)
{
    static struct runner runner = {.options = {.threads = 1, .all = 1000}};

    parse_arguments(&runner, argc, argv);
    if (runner.stack_kib == 0) {
        (void)run_all(&runner);
    } else if (!run_on_stack(&runner)) {
        return 1;
    }
    return runner.trouble || tally_sum(runner.total.failed) > 0 ? 1 : 0;
}
