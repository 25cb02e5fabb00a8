/* program.c - loop, signals and systemd of a daemon's program; see program.h. */
#include "daemon/program.h"

#include <signal.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

enum { GRACE_MS = 5000, SHUT_AFTER_MS = 10000, DESCRIPTORS = 65536 };

struct program {
    uv_loop_t loop;
    uv_signal_t terminate, interrupt;
    uv_timer_t watchdog, shut;
    const struct iso_program_part *parts;
    size_t count;   /* of parts */
    size_t started; /* that run: the first ones */
    size_t ready;
    void (*overdue)(void);
    bool stopping, stopped;
};

static void close_handles(struct program *program)
{
    uv_close((uv_handle_t *)&program->terminate, NULL);
    uv_close((uv_handle_t *)&program->interrupt, NULL);
    uv_close((uv_handle_t *)&program->watchdog, NULL);
    uv_close((uv_handle_t *)&program->shut, NULL);
}

/* Stops the last part that runs; called again when it has stopped. */
static void stop_next(void *ctx)
{
    struct program *program = ctx;
    if (program->started == 0) {
        program->stopped = true;
        close_handles(program);
        return;
    }
    const struct iso_program_part *part = &program->parts[--program->started];
    part->stop(part->ctx, GRACE_MS, stop_next, program);
}

/* What ought to be over is not: end all the same, the state on disk is whole at any moment. */
static void on_shut(uv_timer_t *timer)
{
    const struct program *program = timer->data;
    program->overdue();
}

static void stop(struct program *program)
{
    program->stopping = true;
    (void)sd_notify(0, "STOPPING=1");
    (void)uv_timer_start(&program->shut, on_shut,
                         (GRACE_MS + SHUT_AFTER_MS) * (uint64_t)program->count, 0);
    stop_next(program);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct program *program = handle->data;
    (void)number;
    if (program->stopping) {
        _exit(0); /* asked twice */
    }
    stop(program);
}

static void on_watchdog(uv_timer_t *timer)
{
    (void)timer;
    (void)sd_notify(0, "WATCHDOG=1");
}

static void on_ready(void *ctx)
{
    struct program *program = ctx;
    if (++program->ready == program->count) {
        (void)sd_notify(0, "READY=1");
    }
}

/* Many connections and instances need many descriptors: as many as the system allows. */
static void raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max > DESCRIPTORS ? DESCRIPTORS : limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void init(struct program *program)
{
    uint64_t usec = 0;
    (void)uv_loop_init(&program->loop);
    (void)uv_signal_init(&program->loop, &program->terminate);
    (void)uv_signal_init(&program->loop, &program->interrupt);
    (void)uv_timer_init(&program->loop, &program->watchdog);
    (void)uv_timer_init(&program->loop, &program->shut);
    program->terminate.data = program->interrupt.data = program->shut.data = program;
    if (sd_watchdog_enabled(0, &usec) > 0) {
        (void)uv_timer_start(&program->watchdog, on_watchdog, 0, usec / 2000u);
    }
}

enum iso_err iso_program_run(const struct iso_program_part *parts, size_t count,
                             void (*overdue)(void), struct iso_report *report)
{
    struct program program = {.parts = parts, .count = count, .overdue = overdue};
    enum iso_err err = ISO_OK;
    ISO_ASSERT(count > 0 && count <= ISO_PROGRAM_PARTS_MAX);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error of writing */
    raise_descriptors();
    init(&program);
    for (; program.started < count && err == ISO_OK; program.started += err == ISO_OK) {
        const struct iso_program_part *part = &parts[program.started];
        err = part->start(part->ctx, &program.loop, on_ready, &program, report);
    }
    if (err != ISO_OK) {
        stop(&program); /* those before; what else was open closes as well */
    } else {
        (void)uv_signal_start(&program.terminate, on_signal, SIGTERM);
        (void)uv_signal_start(&program.interrupt, on_signal, SIGINT);
    }
    (void)uv_run(&program.loop, UV_RUN_DEFAULT);
    ISO_ASSERT(program.stopped);
    (void)uv_loop_close(&program.loop);
    return err;
}
