/* A core of a test's own: host.h without instances. */
#define _GNU_SOURCE
#include "supervisor/device_test_support.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- host.h -----------------------------------------------------------------------------------
 */

struct iso_sv_op *iso_sv_guest_op(struct iso_sv_guest *guest)
{
    return guest->finished ? guest->op : NULL;
}

enum iso_host_result iso_sv_guest_wait(struct iso_sv_guest *guest, struct iso_sv_op *op)
{
    CHECK(guest->op == NULL);
    op->state = (struct iso_sv_op_state *)guest;
    guest->op = op;
    guest->started = false;
    guest->finished = false;
    return ISO_HOST_PENDING;
}

void iso_sv_guest_op_done(struct iso_sv_guest *guest)
{
    CHECK(guest->finished);
    struct iso_sv_op *op = guest->op;
    guest->op = NULL;
    guest->finished = false;
    op->destroy(op);
}

enum iso_host_result iso_sv_guest_sleep(struct iso_sv_guest *guest, uint64_t at_ns)
{
    guest->sleeps_until = at_ns;
    return ISO_HOST_PENDING;
}

void iso_sv_op_finish(struct iso_sv_op *op)
{
    struct iso_sv_guest *guest = (struct iso_sv_guest *)op->state;
    CHECK(guest->op == op && guest->started && !guest->finished);
    guest->finished = true;
}

struct iso_sv_component *iso_sv_guest_component(const struct iso_sv_guest *guest)
{
    return (struct iso_sv_component *)&guest->component;
}

uint64_t iso_sv_component_id(const struct iso_sv_component *component)
{
    return component->id;
}

bool iso_sv_guest_may(const struct iso_sv_guest *guest, const char *interface, struct iso_str name)
{
    for (size_t i = 0; i < ISO_COUNT_OF(guest->grants) && guest->grants[i] != NULL; i++) {
        char wanted[128];
        (void)iso_format(wanted, sizeof wanted, "%s:%.*s", interface, (int)name.len, name.ptr);
        if (strcmp(guest->grants[i], "*") == 0 || strcmp(guest->grants[i], interface) == 0 ||
            strcmp(guest->grants[i], wanted) == 0) {
            return true;
        }
    }
    return false;
}

bool iso_sv_guest_granted(struct iso_sv_guest *guest, const char *interface, struct iso_str name)
{
    bool may = iso_sv_guest_may(guest, interface, name);
    guest->refused += may ? 0 : 1;
    return may;
}

bool iso_sv_guest_config(const struct iso_sv_guest *guest, struct iso_str key, struct iso_str *out)
{
    for (size_t i = 0; i < guest->config_count; i++) {
        if (iso_str_equal(guest->config[i].key, key)) {
            *out = guest->config[i].value;
            return true;
        }
    }
    return false;
}

size_t iso_sv_guest_config_count(const struct iso_sv_guest *guest)
{
    return guest->config_count;
}

const struct iso_sv_pair *iso_sv_guest_config_at(const struct iso_sv_guest *guest, size_t index)
{
    return &guest->config[index];
}

static void add_line(char *to, size_t cap, const char *format, ...) ISO_PRINTF(3, 4);
static void add_line(char *to, size_t cap, const char *format, ...)
{
    size_t len = strlen(to);
    va_list args;
    va_start(args, format);
    (void)iso_format_v(to + len, cap - len, format, args);
    va_end(args);
}

void iso_sv_guest_log(struct iso_sv_guest *guest, enum iso_log_level level, struct iso_str line)
{
    add_line(guest->log, sizeof guest->log, "%d %.*s\n", (int)level, (int)line.len, line.ptr);
}

bool iso_sv_guest_emit(struct iso_sv_guest *guest, struct iso_str name, struct iso_str payload)
{
    if (guest->refuse_events) {
        return false;
    }
    add_line(guest->events, sizeof guest->events, "%.*s %.*s\n", (int)name.len, name.ptr,
             (int)payload.len, payload.ptr);
    return true;
}

const char *iso_sv_guest_storage_path(const struct iso_sv_guest *guest)
{
    return guest->storage_path;
}

uint64_t iso_sv_guest_storage_max(const struct iso_sv_guest *guest)
{
    return guest->storage_max;
}

/* ---- The devices and their loop ----------------------------------------------------------------
 */

static void on_log(void *ctx, enum iso_log_level level, struct iso_str line)
{
    struct dev_test *test = ctx;
    add_line(test->log, sizeof test->log, "%d %.*s\n", (int)level, (int)line.len, line.ptr);
}

void dev_test_begin(struct dev_test *test, struct iso_sv_devices_config *config)
{
    struct iso_report report;
    iso_report_init(&report);
    memset(test, 0, sizeof *test);
    CHECK(uv_loop_init(&test->loop) == 0);
    config->log = on_log;
    config->log_ctx = test;
    if (iso_sv_devices_create(&test->loop, config, &test->devices, &report) != ISO_OK) {
        TEST_FAIL("refused: %s", report.text);
    }
}

void dev_test_end(struct dev_test *test)
{
    iso_sv_devices_destroy(test->devices);
    CHECK(uv_run(&test->loop, UV_RUN_DEFAULT) == 0);
    CHECK(uv_loop_close(&test->loop) == 0);
}

static void on_late(uv_timer_t *timer)
{
    *(bool *)timer->data = true;
}

static void on_timer_closed(uv_handle_t *handle)
{
    *(bool *)handle->data = true;
}

/* Runs the loop until the timer, which is on the caller's stack, has left it. */
static void close_timer(struct dev_test *test, uv_timer_t *timer)
{
    bool closed = false;
    timer->data = &closed;
    uv_close((uv_handle_t *)timer, on_timer_closed);
    while (!closed) {
        (void)uv_run(&test->loop, UV_RUN_NOWAIT);
    }
}

void dev_test_wait(struct dev_test *test, const bool *flag)
{
    uv_timer_t timer;
    bool late = false;
    CHECK(uv_timer_init(&test->loop, &timer) == 0);
    timer.data = &late;
    CHECK(uv_timer_start(&timer, on_late, 60000, 0) == 0);
    while (!*flag && !late) {
        (void)uv_run(&test->loop, UV_RUN_ONCE);
    }
    close_timer(test, &timer);
    CHECK(!late);
}

void dev_test_run_ms(struct dev_test *test, uint64_t ms)
{
    uv_timer_t timer;
    bool over = false;
    CHECK(uv_timer_init(&test->loop, &timer) == 0);
    timer.data = &over;
    CHECK(uv_timer_start(&timer, on_late, ms, 0) == 0);
    while (!over) {
        (void)uv_run(&test->loop, UV_RUN_ONCE);
    }
    close_timer(test, &timer);
}

/* ---- Calls -------------------------------------------------------------------------------------
 */

static void find_func(struct dev_call *call, const char *interface, const char *name)
{
    const struct iso_sv_host_set *set = iso_sv_devices_host_set(call->test->devices);
    for (size_t i = 0; i < set->count; i++) {
        const struct iso_sv_host_interface *at = &set->interfaces[i];
        for (size_t j = 0; j < at->func_count && strcmp(at->name, interface) == 0; j++) {
            if (strcmp(at->funcs[j].name, name) == 0) {
                call->host = &at->funcs[j];
                call->ctx = at->ctx;
            }
        }
    }
    for (uint32_t i = 0; i < set->wit->interface_count; i++) {
        const struct iso_wit_interface *at = set->wit->interfaces[i];
        for (uint32_t j = 0; j < at->func_count && iso_str_equal_z(at->name, interface); j++) {
            if (iso_str_equal_z(at->funcs[j].name, name)) {
                call->func = &at->funcs[j];
            }
        }
    }
    CHECK(call->host != NULL && call->func != NULL);
}

static void issue(struct dev_call *call)
{
    enum iso_host_result answered = call->host->fn(call->ctx, call->guest, &call->call, call->args,
                                                   &call->arena, &call->result);
    CHECK(answered != ISO_HOST_TRAP);
    call->done = answered == ISO_HOST_DONE;
    call->call.reissued = true;
    CHECK(call->done == (call->guest->op == NULL && call->guest->sleeps_until == 0));
    if (call->guest->op != NULL) {
        call->guest->started = true;
        call->guest->op->start(call->guest->op);
    }
}

void dev_call_begin(struct dev_call *call, struct dev_test *test, struct iso_sv_guest *guest,
                    const char *interface, const char *func, const char *args)
{
    struct iso_report report;
    iso_report_init(&report);
    memset(call, 0, sizeof *call);
    call->test = test;
    call->guest = guest;
    find_func(call, interface, func);
    iso_arena_init(&call->arena, iso_alloc_libc(), 0, SIZE_MAX);
    CHECK(call->func->param_count <= ISO_COUNT_OF(call->args));
    if (iso_json_decode_params(call->func, iso_bytes_from(args, strlen(args)), &call->arena,
                               call->args, &report) != ISO_OK) {
        TEST_FAIL("%s", report.text);
    }
    issue(call);
}

bool dev_call_poll(struct dev_call *call)
{
    if (!call->done && call->guest->finished) {
        issue(call);
    }
    return call->done;
}

const char *dev_call_end(struct dev_call *call)
{
    static char text[64 << 10];
    while (!dev_call_poll(call)) {
        dev_test_wait(call->test, &call->guest->finished);
    }
    struct iso_buf buf;
    iso_buf_init(&buf, iso_alloc_libc(), SIZE_MAX);
    if (call->func->result != NULL) {
        struct iso_report report;
        iso_report_init(&report);
        if (iso_value_check(call->func->result, &call->result, &report) != ISO_OK) {
            TEST_FAIL("%s", report.text);
        }
        CHECK_OK(iso_json_encode(call->func->result, &call->result, &buf));
    }
    (void)iso_format(text, sizeof text, "%.*s", (int)buf.len, (const char *)buf.ptr);
    iso_buf_fini(&buf);
    iso_arena_fini(&call->arena);
    return text;
}

void dev_call_cancel(struct dev_call *call)
{
    struct iso_sv_op *op = call->guest->op;
    CHECK(op != NULL);
    if (!call->guest->finished && op->cancel != NULL) {
        op->cancel(op);
    }
    call->guest->op = NULL;
    call->guest->finished = false;
    op->destroy(op);
    iso_arena_fini(&call->arena);
}

const char *dev_test_call(struct dev_test *test, struct iso_sv_guest *guest, const char *interface,
                          const char *func, const char *args)
{
    struct dev_call call;
    dev_call_begin(&call, test, guest, interface, func, args);
    return dev_call_end(&call);
}

const char *dev_test_describe(const struct dev_test *test)
{
    static char text[16 << 10];
    struct iso_buf buf;
    struct iso_json json;
    iso_buf_init(&buf, iso_alloc_libc(), sizeof text - 1);
    iso_json_init_buf(&json, &buf, 0);
    iso_sv_devices_describe(test->devices, &json);
    CHECK_OK(iso_json_finish(&json));
    memcpy(text, buf.ptr, buf.len);
    text[buf.len] = '\0';
    iso_buf_fini(&buf);
    return text;
}

/* ---- Files --------------------------------------------------------------------------------------
 */

void dev_test_dir(char out[256])
{
    const char *top = getenv("TMPDIR");
    (void)iso_format(out, 256, "%s/isomer-devices-XXXXXX", top != NULL ? top : "/tmp");
    CHECK(mkdtemp(out) != NULL);
}

static int on_entry(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status;
    (void)type;
    (void)place;
    return remove(path);
}

void dev_test_dir_remove(const char *path)
{
    CHECK(nftw(path, on_entry, 8, FTW_DEPTH | FTW_PHYS) == 0);
}

void dev_test_write(const char *directory, const char *file, const void *bytes, size_t len)
{
    char path[512];
    (void)iso_format(path, sizeof path, "%s/%s", directory, file);
    for (char *at = path + strlen(directory) + 1; *at != '\0'; at++) {
        if (*at == '/') {
            *at = '\0';
            (void)mkdir(path, 0700);
            *at = '/';
        }
    }
    FILE *stream = fopen(path, "wb");
    CHECK(stream != NULL);
    CHECK(fwrite(bytes, 1, len, stream) == len);
    CHECK(fclose(stream) == 0);
}

size_t dev_test_jpeg(uint8_t *out, size_t cap, uint32_t width, uint32_t height, size_t fill)
{
    static const uint8_t app1[] = {0xff, 0xd8, 0xff, 0xe1, 0x00, 0x08,
                                   0xff, 0xd8, 0xff, 0xd9, 'E',  'x'};
    static const uint8_t scan[] = {0xff, 0xda, 0x00, 0x08, 1, 1, 0, 0, 63, 0};
    uint8_t frame[] = {0xff, 0xc0, 0x00, 0x0b, 8, 0, 0, 0, 0, 1, 1, 0x11, 0};
    CHECK(cap >= sizeof app1 + sizeof scan + sizeof frame + 2 * fill + 2);
    frame[5] = (uint8_t)(height >> 8);
    frame[6] = (uint8_t)height;
    frame[7] = (uint8_t)(width >> 8);
    frame[8] = (uint8_t)width;
    size_t len = 0;
    memcpy(out, app1, sizeof app1);
    len += sizeof app1;
    memcpy(out + len, frame, sizeof frame);
    len += sizeof frame;
    memcpy(out + len, scan, sizeof scan);
    len += sizeof scan;
    for (size_t i = 0; i < fill; i++) {
        if (i % 5 == 3) {
            out[len++] = 0xff;
            out[len++] = i % 2 != 0 ? 0x00 : (uint8_t)(0xd0 + i % 8);
        } else {
            out[len++] = (uint8_t)(i * 37 & 0x7f);
        }
    }
    out[len++] = 0xff;
    out[len++] = 0xd9;
    return len;
}
