/*
 * device_run.c - the program of a camera: started, read, stopped.
 *
 * It runs in a session of its own, so that what it starts itself ends with it: signals go to the
 * whole group. A run outlives its source for as long as the program takes to end. It is over when
 * the program has ended and its output with it (or some time later, should something else hold the
 * output open); then the source is told, unless it has let go of the run before.
 */
#include "supervisor/device_camera.h"

#include <linux/close_range.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { TERM_MS = 2000, OUTPUT_MS = 1000, READ_SIZE = 64 << 10 };

struct iso_sv_run {
    struct iso_sv_source *source; /* NULL: it has let go */
    const struct iso_alloc *alloc;
    uv_process_t process;
    uv_pipe_t out;
    uv_pipe_t err;
    uv_timer_t timer;
    unsigned handles; /* not closed yet */
    int pid;          /* 0: ended */
    bool out_ended;
    bool over;
    bool clean;
    struct iso_sv_split split;
    char line[160]; /* what it wrote last to its standard error */
    size_t line_len;
    bool line_ended;
    char errors[512];
    char bytes[READ_SIZE];
};

/* ---- Ending ---------------------------------------------------------------------------------- */

static void on_closed(uv_handle_t *handle)
{
    struct iso_sv_run *run = handle->data;
    if (--run->handles == 0) {
        iso_sv_split_fini(&run->split);
        iso_alloc_free(run->alloc, run, sizeof *run);
    }
}

static void close_handle(uv_handle_t *handle)
{
    if (!uv_is_closing(handle)) {
        uv_close(handle, on_closed);
    }
}

static void signal_group(const struct iso_sv_run *run, int number)
{
    if (run->pid != 0) {
        (void)uv_kill(-run->pid, number);
    }
}

/* "rtsp://user:secret@host" has no business in messages. */
static void hide_secrets(char *text)
{
    for (char *at = strstr(text, "://"); at != NULL; at = strstr(at + 3, "://")) {
        char *from = at + 3;
        size_t len = strcspn(from, "/ \t'\"");
        char *end = NULL;
        for (size_t i = 0; i < len; i++) {
            end = from[i] == '@' ? from + i : end;
        }
        if (end != NULL) {
            memset(from, '*', (size_t)(end - from));
        }
    }
}

static void run_over(struct iso_sv_run *run)
{
    if (run->over) {
        return;
    }
    run->over = true;
    if (run->source != NULL) {
        run->line[run->line_len] = '\0';
        hide_secrets(run->line);
        iso_sv_source_ended(run->source, &run->split, run->clean, run->line);
        run->source = NULL;
    }
    close_handle((uv_handle_t *)&run->out);
    close_handle((uv_handle_t *)&run->err);
    close_handle((uv_handle_t *)&run->timer);
    close_handle((uv_handle_t *)&run->process);
}

static void on_timer(uv_timer_t *timer)
{
    struct iso_sv_run *run = timer->data;
    if (run->pid == 0) {
        run_over(run);
    } else {
        signal_group(run, SIGKILL);
    }
}

static void on_exit(uv_process_t *process, int64_t status, int number)
{
    struct iso_sv_run *run = process->data;
    run->clean = status == 0 && number == 0;
    if (run->line_len == 0) {
        run->line_len =
            number != 0
                ? iso_format(run->line, sizeof run->line, "ended by signal %d", number)
                : iso_format(run->line, sizeof run->line, "ended with status %d", (int)status);
    }
    signal_group(run, SIGKILL); /* what it left behind */
    run->pid = 0;
    if (run->out_ended || run->source == NULL) {
        run_over(run);
    } else {
        (void)uv_timer_start(&run->timer, on_timer, OUTPUT_MS, 0);
    }
}

static void ask_to_end(struct iso_sv_run *run)
{
    signal_group(run, SIGTERM);
    (void)uv_timer_start(&run->timer, on_timer, TERM_MS, 0);
}

void iso_sv_run_stop(struct iso_sv_run *run)
{
    run->source = NULL;
    close_handle((uv_handle_t *)&run->out);
    close_handle((uv_handle_t *)&run->err);
    if (run->pid == 0) {
        run_over(run);
    } else {
        ask_to_end(run);
    }
}

/* ---- Reading --------------------------------------------------------------------------------- */

static void take_frame(struct iso_sv_run *run)
{
    struct iso_sv_source *source = run->source;
    const struct iso_alloc *alloc = run->alloc;
    struct iso_sv_frame like = {.width = run->split.width,
                                .height = run->split.height,
                                .format = run->split.format,
                                .time_ns = iso_sv_realtime_ns()};
    uint8_t *pixels = NULL;
    if (iso_buf_take(&run->split.buf, &pixels, &like.pixels.len) != ISO_OK) {
        return; /* a frame lost, as any other that nobody took */
    }
    struct iso_sv_frame *frame = iso_sv_frame_take(alloc, &like, pixels);
    if (frame == NULL) {
        iso_alloc_free(alloc, pixels, like.pixels.len);
        return;
    }
    iso_sv_source_frame(source, frame);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)suggested;
    struct iso_sv_run *run = handle->data;
    bool out = handle == (uv_handle_t *)&run->out;
    *buf = out ? uv_buf_init(run->bytes, sizeof run->bytes)
               : uv_buf_init(run->errors, sizeof run->errors);
}

static void on_out(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
    struct iso_sv_run *run = stream->data;
    if (count < 0) {
        run->out_ended = true;
        (void)uv_read_stop(stream);
        if (run->pid == 0) {
            run_over(run);
        } else {
            ask_to_end(run); /* a camera without output is none */
        }
        return;
    }
    struct iso_bytes bytes = iso_bytes_from(buf->base, (size_t)count);
    while (run->source != NULL && iso_sv_split_feed(&run->split, &bytes)) {
        take_frame(run);
    }
}

/* The last line that is not empty. */
static void on_err(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
    struct iso_sv_run *run = stream->data;
    if (count < 0) {
        (void)uv_read_stop(stream);
        return;
    }
    for (ssize_t i = 0; i < count; i++) {
        char byte = buf->base[i];
        if (byte == '\n' || byte == '\r') {
            run->line_ended = true;
            continue;
        }
        if (run->line_ended) {
            run->line_ended = false;
            run->line_len = 0;
        }
        if (run->line_len + 1 < sizeof run->line) {
            run->line[run->line_len++] = byte >= 0x20 && byte < 0x7f ? byte : '?';
        }
    }
}

/* ---- Starting -------------------------------------------------------------------------------- */

static void init_handles(struct iso_sv_run *run, uv_loop_t *loop)
{
    int failed = uv_pipe_init(loop, &run->out, 0);
    failed += uv_pipe_init(loop, &run->err, 0);
    failed += uv_timer_init(loop, &run->timer);
    ISO_ASSERT(failed == 0); /* they only fill in structs */
    run->out.data = run;
    run->err.data = run;
    run->timer.data = run;
    run->process.data = run;
    run->handles = 4;
}

/* Nothing of this process but the pipes is for the program: libraries open sockets that would stay
 * open in it, and their ports taken. On old kernels that is so. */
static void close_on_exec(void)
{
    (void)syscall(SYS_close_range, 3u, ~0u, CLOSE_RANGE_CLOEXEC);
}

struct iso_sv_run *iso_sv_run_start(struct iso_sv_source *source, char *const *argv,
                                    struct iso_sv_trouble *trouble)
{
    const struct iso_alloc *alloc = source->devices->alloc;
    struct iso_sv_run *run = iso_alloc_resize(alloc, NULL, 0, sizeof *run);
    if (run == NULL) {
        iso_sv_trouble_set(trouble, ISO_SV_FAILED_DEVICE, "out of memory");
        return NULL;
    }
    memset(run, 0, offsetof(struct iso_sv_run, errors));
    run->alloc = alloc;
    iso_sv_split_init(&run->split, alloc, source->wish.format, ISO_SV_FRAME_MAX);
    init_handles(run, source->devices->loop);
    uv_stdio_container_t stdio[3] = {
        {.flags = UV_IGNORE},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&run->out},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&run->err}};
    uv_process_options_t options = {.file = argv[0],
                                    .args = (char **)argv,
                                    .exit_cb = on_exit,
                                    .flags = UV_PROCESS_DETACHED,
                                    .stdio = stdio,
                                    .stdio_count = 3};
    close_on_exec();
    int failed = uv_spawn(source->devices->loop, &run->process, &options);
    if (failed == 0) {
        run->pid = run->process.pid;
        failed = uv_read_start((uv_stream_t *)&run->out, on_alloc, on_out);
    }
    if (failed == 0) {
        failed = uv_read_start((uv_stream_t *)&run->err, on_alloc, on_err);
    }
    if (failed != 0) {
        iso_sv_trouble_set(trouble, ISO_SV_FAILED_DEVICE, "cannot start %s: %s", argv[0],
                           uv_strerror(failed));
        iso_sv_run_stop(run);
        return NULL;
    }
    run->source = source;
    return run;
}

const struct iso_sv_split *iso_sv_run_split(const struct iso_sv_run *run)
{
    return &run->split;
}
