/*
 * devices_host - the core and the device interfaces with one component, and nothing else of the
 * supervisor: for tests.
 *
 *     devices_host CONFIG.json MODULE.wasm function|service STORAGE QUOTA [GRANT | KEY=VALUE]...
 *
 * CONFIG.json is what stands under "devices" in a configuration. STORAGE is an absolute path, or
 * "-". GRANT is "camera" or "camera:NAME". Reads lines from standard input and answers each with
 * one:
 *
 *     FUNCTION JSON      calls, waits, and prints OUTCOME and what it answered
 *     &FUNCTION JSON     begins a call
 *     !wait              waits for the oldest of those
 *     !renew             stops and destroys the component, and makes it anew
 *     !describe          turns the loop once and prints the description
 *     !level NAME 0|1    sets a simulated line
 *     !frame NAME        prints width, height, format, number and media type of what a display
 * shows
 *
 * Log lines and events go to standard error.
 */
#include "platform/platform.h"
#include "supervisor/call.h"
#include "supervisor/devices_config.h"

#include <stdio.h>
#include <stdlib.h>

enum { GRANTS_MAX = 16, PAIRS_MAX = 16, CALLS_MAX = 64 };

struct host {
    uv_loop_t loop;
    struct iso_arena arena;
    struct iso_sv_devices *devices;
    struct iso_sv_core *core;
    struct iso_sv_program *program;
    struct iso_sv_component *component;
    struct iso_sv_component_def def;
    struct iso_sv_device_grant grants[GRANTS_MAX];
    struct iso_str names[GRANTS_MAX];
    struct iso_sv_pair pairs[PAIRS_MAX];
    struct iso_sv_call *calls[CALLS_MAX]; /* begun, the oldest first */
    size_t call_count;
    bool ready;
    bool gone;
};

static ISO_NORETURN void fail(const char *what, enum iso_err err, const struct iso_report *report)
{
    (void)fprintf(stderr, "devices_host: %s: %s\n", what, iso_report_text(report, err));
    exit(2);
}

static void on_log(void *ctx, struct iso_sv_component *component, enum iso_log_level level,
                   bool own, struct iso_str line)
{
    (void)ctx;
    (void)component;
    (void)fprintf(stderr, "log %d%s %.*s\n", (int)level, own ? " own" : "", (int)line.len,
                  line.ptr);
}

static void on_device_log(void *ctx, enum iso_log_level level, struct iso_str line)
{
    on_log(ctx, NULL, level, true, line);
}

static void on_event(void *ctx, struct iso_sv_component *component, struct iso_str name,
                     struct iso_str payload)
{
    (void)ctx;
    (void)component;
    (void)fprintf(stderr, "event %.*s %.*s\n", (int)name.len, name.ptr, (int)payload.len,
                  payload.ptr);
}

static void turn_until(struct host *host, const bool *flag)
{
    while (!*flag) {
        (void)uv_run(&host->loop, UV_RUN_ONCE);
    }
}

/* ---- The component -----------------------------------------------------------------------------
 */

static void on_ready(void *ctx, struct iso_sv_component *component, enum iso_err err,
                     const struct iso_report *report)
{
    (void)component;
    if (err != ISO_OK) {
        fail("the component", err, report);
    }
    ((struct host *)ctx)->ready = true;
}

static void on_gone(void *ctx, struct iso_sv_component *component)
{
    (void)component;
    ((struct host *)ctx)->gone = true;
}

static void make_component(struct host *host)
{
    struct iso_report report;
    iso_report_init(&report);
    host->ready = false;
    enum iso_err err =
        iso_sv_component_create(host->core, &host->def, on_ready, host, &host->component, &report);
    if (err != ISO_OK) {
        fail("the component", err, &report);
    }
    turn_until(host, &host->ready);
    iso_sv_component_start(host->component);
}

static void end_component(struct host *host)
{
    host->gone = false;
    iso_sv_component_stop(host->component, 0, on_gone, host);
    turn_until(host, &host->gone);
    iso_sv_component_destroy(host->component);
}

/* ---- Calls -------------------------------------------------------------------------------------
 */

static void on_done(struct iso_sv_call *call)
{
    *(bool *)call->ctx = true;
}

/* "FUNCTION JSON" */
static struct iso_sv_call *begin_call(struct host *host, const char *line)
{
    uint32_t index = 0;
    size_t name_len = strcspn(line, " ");
    struct iso_sv_call *call = iso_sv_call_create(host->core);
    bool *done = calloc(1, sizeof *done);
    const char *body = line + name_len;
    if (call == NULL || done == NULL ||
        iso_sv_call_set_body(call, iso_bytes_from(body, strlen(body))) != ISO_OK) {
        fail("a call", ISO_E_NOMEM, NULL);
    }
    if (!iso_sv_program_func_find(host->program, iso_str_from(line, name_len), &index)) {
        fail(line, ISO_E_NOT_FOUND, NULL);
    }
    call->encoding = ISO_SV_JSON;
    call->reply_encoding = ISO_SV_JSON;
    call->done = on_done;
    call->ctx = done;
    *done = iso_sv_call_start(call, host->component, index);
    return call;
}

static void end_call(struct host *host, struct iso_sv_call *call)
{
    turn_until(host, call->ctx);
    const char *text = call->reply.len != 0 ? (const char *)call->reply.ptr : call->report.text;
    int len = (int)(call->reply.len != 0 ? call->reply.len : strlen(text));
    (void)printf("%s %.*s\n", iso_sv_outcome_name(call->outcome), len, text);
    free(call->ctx);
    iso_sv_call_destroy(call);
}

/* ---- Commands ----------------------------------------------------------------------------------
 */

static void describe(const struct host *host)
{
    struct iso_buf buf;
    struct iso_json json;
    iso_buf_init(&buf, iso_alloc_libc(), 1 << 20);
    iso_json_init_buf(&json, &buf, 0);
    iso_sv_devices_describe(host->devices, &json);
    if (iso_json_finish(&json) == ISO_OK) {
        (void)printf("%.*s\n", (int)buf.len, (const char *)buf.ptr);
    }
    iso_buf_fini(&buf);
}

static void show_frame(const struct host *host, const char *name)
{
    struct iso_sv_frame *frame = iso_sv_display_frame(host->devices, iso_str_from_z(name));
    const char *type = NULL;
    struct iso_bytes picture;
    if (frame == NULL || iso_sv_frame_picture(frame, &type, &picture) != ISO_OK) {
        (void)printf("none\n");
        return;
    }
    (void)printf("%u %u %s %llu %s %zu\n", (unsigned)frame->width, (unsigned)frame->height,
                 iso_sv_pixels_name(frame->format), (unsigned long long)frame->number, type,
                 picture.len);
}

static void set_level(const struct host *host, const char *args)
{
    struct iso_report report;
    iso_report_init(&report);
    size_t len = strcspn(args, " ");
    const bool active = strcmp(args + len, " 1") == 0;
    enum iso_err err =
        iso_sv_gpio_simulated_set(host->devices, iso_str_from(args, len), &active, &report);
    (void)printf("%s\n", err == ISO_OK ? "ok" : report.text);
}

static void command(struct host *host, const char *line)
{
    if (line[0] == '&') {
        if (host->call_count == CALLS_MAX) {
            fail("calls", ISO_E_LIMIT, NULL);
        }
        host->calls[host->call_count++] = begin_call(host, line + 1);
        (void)printf("begun\n");
    } else if (strcmp(line, "!wait") == 0 && host->call_count > 0) {
        struct iso_sv_call *call = host->calls[0];
        host->call_count--;
        memmove(host->calls, host->calls + 1, host->call_count * sizeof *host->calls);
        end_call(host, call);
    } else if (strcmp(line, "!renew") == 0) {
        end_component(host);
        make_component(host);
        (void)printf("ok\n");
    } else if (strcmp(line, "!describe") == 0) {
        (void)uv_run(&host->loop, UV_RUN_NOWAIT);
        describe(host);
    } else if (strncmp(line, "!frame ", 7) == 0) {
        show_frame(host, line + 7);
    } else if (strncmp(line, "!level ", 7) == 0) {
        set_level(host, line + 7);
    } else {
        end_call(host, begin_call(host, line));
    }
    (void)fflush(stdout);
}

/* ---- Beginning and end -------------------------------------------------------------------------
 */

static struct iso_file read_file(const char *path)
{
    struct iso_file file;
    struct iso_report report;
    iso_report_init(&report);
    enum iso_err err = iso_file_read(path, 64u << 20, &file, &report);
    if (err != ISO_OK) {
        fail(path, err, &report);
    }
    return file;
}

static void make_devices(struct host *host, const char *path)
{
    struct iso_sv_devices_config config;
    struct iso_report report;
    struct iso_file file = read_file(path);
    iso_report_init(&report);
    enum iso_err err = iso_sv_devices_config_read(file.bytes, NULL, &host->arena, &config, &report);
    config.log = on_device_log;
    err =
        err == ISO_OK ? iso_sv_devices_create(&host->loop, &config, &host->devices, &report) : err;
    if (err != ISO_OK) {
        fail(path, err, &report);
    }
    iso_file_fini(&file);
}

static void make_core(struct host *host, const char *path)
{
    struct iso_report report;
    iso_report_init(&report);
    const struct iso_sv_core_config config = {.loop = &host->loop,
                                              .workers = 2,
                                              .hosts = iso_sv_devices_host_set(host->devices),
                                              .watch = {.log = on_log, .event = on_event}};
    enum iso_err err = iso_sv_core_create(&config, &host->core, &report);
    if (err != ISO_OK) {
        fail("the core", err, &report);
    }
    struct iso_file file = read_file(path);
    uint8_t *copy = iso_alloc_resize(iso_alloc_libc(), NULL, 0, file.bytes.len);
    if (copy == NULL) {
        fail(path, ISO_E_NOMEM, NULL);
    }
    memcpy(copy, file.bytes.ptr, file.bytes.len);
    err = iso_sv_program_create(host->core, copy, file.bytes.len, iso_str_from_z(NULL),
                                iso_str_from_z(NULL), &host->program, &report);
    if (err != ISO_OK) {
        fail(path, err, &report);
    }
    iso_file_fini(&file);
}

static void read_rest(struct host *host, char **args, int count)
{
    for (int i = 0; i < count; i++) {
        const char *equals = strchr(args[i], '=');
        const char *colon = strchr(args[i], ':');
        if (equals != NULL && host->def.config_count < PAIRS_MAX) {
            host->pairs[host->def.config_count++] =
                (struct iso_sv_pair){.key = iso_str_from(args[i], (size_t)(equals - args[i])),
                                     .value = iso_str_from_z(equals + 1)};
        } else if (host->def.device_count < GRANTS_MAX) {
            size_t n = host->def.device_count++;
            size_t len = colon != NULL ? (size_t)(colon - args[i]) : strlen(args[i]);
            host->names[n] = iso_str_from_z(colon != NULL ? colon + 1 : "");
            host->grants[n] = (struct iso_sv_device_grant){.interface = iso_str_from(args[i], len),
                                                           .names = &host->names[n],
                                                           .name_count = colon != NULL ? 1 : 0};
        }
    }
    host->def.config = host->pairs;
    host->def.devices = host->grants;
}

int main(int argc, char **argv)
{
    static struct host host;
    char line[64 << 10];
    uint64_t quota = 0;
    if (argc < 6 || uv_loop_init(&host.loop) != 0 ||
        iso_parse_count(argv[5], UINT64_MAX, &quota, NULL) != ISO_OK) {
        (void)fprintf(stderr,
                      "usage: devices_host CONFIG.json MODULE.wasm function|service STORAGE "
                      "QUOTA [GRANT | KEY=VALUE]...\n");
        return 2;
    }
    iso_arena_init(&host.arena, iso_alloc_libc(), 0, SIZE_MAX);
    make_devices(&host, argv[1]);
    make_core(&host, argv[2]);
    host.def.app = iso_str_from_z("test");
    host.def.name = iso_str_from_z("probe");
    host.def.program = host.program;
    host.def.mode = strcmp(argv[3], "service") == 0 ? ISO_SV_SERVICE : ISO_SV_FUNCTION;
    host.def.storage_path = strcmp(argv[4], "-") != 0 ? argv[4] : NULL;
    host.def.limits.storage_bytes = quota;
    read_rest(&host, argv + 6, argc - 6);
    make_component(&host);
    while (fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        command(&host, line);
    }
    end_component(&host);
    iso_sv_program_unref(host.program);
    iso_sv_core_destroy(host.core);
    iso_sv_devices_destroy(host.devices);
    (void)uv_run(&host.loop, UV_RUN_DEFAULT);
    iso_arena_fini(&host.arena);
    return uv_loop_close(&host.loop) == 0 && host.call_count == 0 ? 0 : 1;
}
