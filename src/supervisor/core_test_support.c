/* See the header. */
#include "supervisor/core_test_support.h"

#include "supervisor/core_test_guests.h"

/* Counts blocks; called from all threads. */
static struct iso_alloc_test counted;
static uv_mutex_t counted_lock;

static void *resize_locked(void *ctx, void *ptr, size_t old_size, size_t new_size)
{
    (void)ctx;
    uv_mutex_lock(&counted_lock);
    void *block = counted.alloc.resize(counted.alloc.ctx, ptr, old_size, new_size);
    uv_mutex_unlock(&counted_lock);
    return block;
}

static const struct iso_alloc memory = {.resize = resize_locked};

/* ---- Guests ---------------------------------------------------------------------------------- */

#define CALC                                                                                       \
    "interface calc {\n"                                                                           \
    "  plus: func(a: s32, b: s32) -> s32;\n"                                                       \
    "  next: func() -> u32;\n"                                                                     \
    "  work: func(n: s32) -> s32;\n"                                                               \
    "  crash: func();\n"                                                                           \
    "  check: func(ok: bool) -> result<u32, string>;\n"                                            \
    "  echo: func(data: list<u8>) -> list<u8>;\n"                                                  \
    "}\n"

#define PROBE                                                                                      \
    "interface probe { ask: func(n: u32) -> u32; }\n"                                              \
    "interface clock { sleep: func(duration: u64); }\n"                                            \
    "interface log { enum level { debug, info, warning, error }\n"                                 \
    "  write: func(level: level, message: string); }\n"                                            \
    "interface events { emit: func(name: string, payload: string) -> bool; }\n"

static const char device_wit[] = "package isomer:device@0.1.0;\n" PROBE;

const char *rig_wit(enum rig_guest guest)
{
    switch (guest) {
    case RIG_UNIT:
        return "package test:unit@1.0.0;\n" CALC "world unit {\n"
               "  export calc;\n"
               "  export add: func(a: s32, b: s32) -> s32;\n"
               "  export bump: func() -> u32;\n"
               "  export get-count: func() -> u32;\n"
               "  export spin: func();\n"
               "  export work: func(n: s32) -> s32;\n"
               "  export crash: func();\n"
               "  export check: func(ok: bool) -> result<u32, string>;\n"
               "  export echo: func(data: list<u8>) -> list<u8>;\n"
               "  export shout: func(text: string) -> string;\n"
               "  export big: func(n: u32) -> list<u8>;\n"
               "  export grow: func(pages: u32) -> s32;\n"
               "  export fill: func(n: u32);\n"
               "}\n";
    case RIG_CALLER:
        return "package test:unit@1.0.0;\n" CALC "world caller {\n"
               "  import calc;\n"
               "  export calc;\n"
               "  export add: func(a: s32, b: s32) -> s32;\n"
               "  export bump: func() -> u32;\n"
               "  export work: func(n: s32) -> s32;\n"
               "  export crash: func();\n"
               "  export check: func(ok: bool) -> result<u32, string>;\n"
               "  export echo: func(data: list<u8>) -> list<u8>;\n"
               "  export sum: func(n: s32) -> s32;\n"
               "}\n";
    case RIG_WAITER:
        return "package isomer:device@0.1.0;\n" PROBE "world waiter {\n"
               "  import probe; import clock; import log; import events;\n"
               "  export ask: func(n: u32) -> u32;\n"
               "  export nap: func(duration: u64);\n"
               "  export say: func(n: u32);\n"
               "  export tell: func(ok: bool) -> bool;\n"
               "}\n";
    case RIG_EARLY:
        return "package isomer:device@0.1.0;\n" PROBE
               "world early { import probe; export get-answer: func() -> u32; }\n";
    case RIG_BROKEN:
        return "package test:broken;\n"
               "world broken { export add: func(a: s32, b: s32) -> s32; }\n";
    case RIG_FLAKY:
        return "package isomer:device@0.1.0;\n" PROBE
               "world flaky { import probe; export crash: func();"
               " export add: func(a: s32, b: s32) -> s32; }\n";
    case RIG_READER:
        return "package test:reader;\nworld reader { export read: func() -> s32; }\n";
    case RIG_REACTOR:
        return "package test:reactor;\n"
               "world reactor { export print: func(fd: u32); export open: func() -> u32; }\n";
    default:
        return "";
    }
}

struct iso_bytes rig_bytes(enum rig_guest guest)
{
    switch (guest) {
    case RIG_UNIT:
        return iso_bytes_from(core_guest_unit, sizeof core_guest_unit);
    case RIG_CALLER:
        return iso_bytes_from(core_guest_caller, sizeof core_guest_caller);
    case RIG_WAITER:
        return iso_bytes_from(core_guest_waiter, sizeof core_guest_waiter);
    case RIG_EARLY:
        return iso_bytes_from(core_guest_early, sizeof core_guest_early);
    case RIG_BROKEN:
        return iso_bytes_from(core_guest_broken, sizeof core_guest_broken);
    case RIG_FLAKY:
        return iso_bytes_from(core_guest_flaky, sizeof core_guest_flaky);
    case RIG_READER:
        return iso_bytes_from(core_guest_reader, sizeof core_guest_reader);
    case RIG_REACTOR:
        return iso_bytes_from(core_guest_reactor, sizeof core_guest_reactor);
    default:
        return iso_bytes_from(core_guest_command, sizeof core_guest_command);
    }
}

const struct iso_alloc *rig_alloc(void)
{
    return &memory;
}

uint8_t *rig_copy(struct iso_bytes bytes)
{
    uint8_t *copy = iso_alloc_resize(&memory, NULL, 0, bytes.len);
    CHECK(copy != NULL);
    memcpy(copy, bytes.ptr, bytes.len);
    return copy;
}

struct iso_sv_program *rig_program(struct rig *rig, enum rig_guest guest)
{
    struct iso_bytes bytes = rig_bytes(guest);
    struct iso_str none = {.len = 0};
    struct iso_report report;
    if (rig->programs[guest] != NULL) {
        return rig->programs[guest];
    }
    iso_report_init(&report);
    uint8_t *copy = rig_copy(bytes);
    enum iso_err err =
        iso_sv_program_create(rig->core, copy, bytes.len, iso_str_from_z(rig_wit(guest)), none,
                              &rig->programs[guest], &report);
    if (err != ISO_OK) {
        TEST_FAIL("guest %d: %s", (int)guest, iso_report_text(&report, err));
    }
    return rig->programs[guest];
}

/* ---- The device ------------------------------------------------------------------------------ */

struct probe_op {
    struct iso_sv_op op;
    struct rig *rig;
    bool cancelled;
};

static void probe_start(struct iso_sv_op *op)
{
    struct probe_op *probe = (struct probe_op *)op;
    struct rig *rig = probe->rig;
    CHECK(rig->open_count < RIG_ASKED_MAX);
    rig->asked++;
    rig->open[rig->open_count++] = probe;
}

static void probe_cancel(struct iso_sv_op *op)
{
    struct probe_op *probe = (struct probe_op *)op;
    struct rig *rig = probe->rig;
    uint32_t at = 0;
    while (at < rig->open_count && rig->open[at] != probe) {
        at++;
    }
    CHECK(at < rig->open_count);
    memmove(&rig->open[at], &rig->open[at + 1], (rig->open_count - at - 1) * sizeof(void *));
    rig->open_count--;
    rig->cancelled++;
}

static void probe_destroy(struct iso_sv_op *op)
{
    struct probe_op *probe = (struct probe_op *)op;
    __atomic_fetch_add(&probe->rig->destroyed, 1, __ATOMIC_SEQ_CST);
    iso_alloc_free(&memory, probe, sizeof *probe);
}

static enum iso_host_result probe_ask(void *ctx, struct iso_sv_guest *guest,
                                      struct iso_host_call *call, const struct iso_value *args,
                                      struct iso_arena *arena, struct iso_value *result)
{
    struct rig *rig = ctx;
    (void)arena;
    struct iso_sv_op *op = iso_sv_guest_op(guest);
    if (__atomic_load_n(&rig->answer_now, __ATOMIC_SEQ_CST) || op != NULL) {
        result->u = args[0].u + __atomic_load_n(&rig->answer, __ATOMIC_SEQ_CST);
        iso_sv_guest_op_done(guest);
        return ISO_HOST_DONE;
    }
    struct probe_op *probe = iso_alloc_new(&memory, sizeof *probe);
    if (probe == NULL) {
        iso_host_trap(call, "no memory");
        return ISO_HOST_TRAP;
    }
    *probe = (struct probe_op){
        .op = {.start = probe_start, .cancel = probe_cancel, .destroy = probe_destroy}, .rig = rig};
    return iso_sv_guest_wait(guest, &probe->op);
}

void rig_answer(struct rig *rig)
{
    CHECK(rig->open_count != 0);
    struct probe_op *probe = rig->open[0];
    rig->open_count--;
    memmove(&rig->open[0], &rig->open[1], rig->open_count * sizeof(void *));
    iso_sv_op_finish(&probe->op);
}

static enum iso_host_result clock_sleep(void *ctx, struct iso_sv_guest *guest,
                                        struct iso_host_call *call, const struct iso_value *args,
                                        struct iso_arena *arena, struct iso_value *result)
{
    (void)ctx;
    (void)arena;
    (void)result;
    if (call->deadline == 0) {
        call->deadline = uv_hrtime() + args[0].u;
    }
    return uv_hrtime() >= call->deadline ? ISO_HOST_DONE
                                         : iso_sv_guest_sleep(guest, call->deadline);
}

static enum iso_host_result log_write(void *ctx, struct iso_sv_guest *guest,
                                      struct iso_host_call *call, const struct iso_value *args,
                                      struct iso_arena *arena, struct iso_value *result)
{
    (void)ctx;
    (void)call;
    (void)arena;
    (void)result;
    iso_sv_guest_log(guest, (enum iso_log_level)args[0].u, args[1].string);
    return ISO_HOST_DONE;
}

static enum iso_host_result events_emit(void *ctx, struct iso_sv_guest *guest,
                                        struct iso_host_call *call, const struct iso_value *args,
                                        struct iso_arena *arena, struct iso_value *result)
{
    (void)ctx;
    (void)call;
    (void)arena;
    result->boolean = iso_sv_guest_emit(guest, args[0].string, args[1].string);
    return ISO_HOST_DONE;
}

static const struct iso_sv_host_func probe_funcs[] = {{"ask", probe_ask, ISO_HOST_REISSUE}};
static const struct iso_sv_host_func clock_funcs[] = {{"sleep", clock_sleep, ISO_HOST_DEADLINE}};
static const struct iso_sv_host_func log_funcs[] = {{"write", log_write, ISO_HOST_REISSUE}};
static const struct iso_sv_host_func event_funcs[] = {{"emit", events_emit, ISO_HOST_REISSUE}};

/* ---- What the core tells --------------------------------------------------------------------- */

static void on_log(void *ctx, struct iso_sv_component *component, enum iso_log_level level,
                   bool own, struct iso_str line)
{
    struct rig *rig = ctx;
    size_t len = strlen(rig->log);
    (void)component;
    (void)iso_format(rig->log + len, sizeof rig->log - len, "%d%s %.*s\n", (int)level,
                     own ? "!" : "", (int)line.len, line.ptr);
    rig->lines++;
}

static void on_event(void *ctx, struct iso_sv_component *component, struct iso_str name,
                     struct iso_str payload)
{
    struct rig *rig = ctx;
    (void)component;
    CHECK(iso_str_equal_z(name, "tick"));
    CHECK(iso_str_equal_z(payload, "{\"n\": 1}"));
    rig->events++;
}

static void on_changed(void *ctx, struct iso_sv_component *component)
{
    struct rig *rig = ctx;
    (void)component;
    rig->changes++;
}

static void on_state(void *ctx, struct iso_sv_component *component)
{
    struct rig *rig = ctx;
    (void)component;
    rig->states++;
}

static void on_ready(void *ctx, struct iso_sv_component *component, enum iso_err err,
                     const struct iso_report *report)
{
    struct rig *rig = ctx;
    (void)component;
    rig->ready++;
    rig->ready_err = err;
    rig->report = *report;
}

void rig_gone(void *ctx, struct iso_sv_component *component)
{
    struct rig *rig = ctx;
    (void)component;
    rig->gone++;
}

void rig_frozen(void *ctx, struct iso_sv_component *component, enum iso_err err,
                const struct iso_report *report)
{
    struct rig *rig = ctx;
    (void)report;
    CHECK_OK(err);
    CHECK(iso_sv_component_state(component) == ISO_SV_FROZEN);
    rig->frozen++;
}

/* ---- The rig --------------------------------------------------------------------------------- */

struct rig *rig_start(const struct iso_sv_core_config *given)
{
    static struct rig rig;
    struct iso_sv_core_config config = {.workers = 2};
    const struct iso_wit_source source = {
        .name = "device.wit", .text = iso_bytes_from(device_wit, sizeof device_wit - 1)};
    memset(&rig, 0, sizeof rig);
    if (given != NULL) {
        config = *given;
    }
    CHECK(uv_mutex_init(&counted_lock) == 0);
    iso_alloc_test_init(&counted);
    CHECK_OK(iso_wit_parse(iso_alloc_libc(), &source, 1, &rig.wit, &rig.report));
    rig.interfaces[0] = (struct iso_sv_host_interface){
        .name = "probe", .funcs = probe_funcs, .func_count = 1, .ctx = &rig};
    rig.interfaces[1] =
        (struct iso_sv_host_interface){.name = "clock", .funcs = clock_funcs, .func_count = 1};
    rig.interfaces[2] =
        (struct iso_sv_host_interface){.name = "log", .funcs = log_funcs, .func_count = 1};
    rig.interfaces[3] =
        (struct iso_sv_host_interface){.name = "events", .funcs = event_funcs, .func_count = 1};
    rig.hosts = (struct iso_sv_host_set){.wit = &rig.wit, .interfaces = rig.interfaces, .count = 4};
    CHECK(uv_loop_init(&rig.loop) == 0);
    config.loop = &rig.loop;
    config.hosts = &rig.hosts;
    config.alloc = &memory;
    config.watch = (struct iso_sv_watch){
        .ctx = &rig, .log = on_log, .event = on_event, .changed = on_changed, .state = on_state};
    CHECK_OK(iso_sv_core_create(&config, &rig.core, &rig.report));
    return &rig;
}

void rig_stop(struct rig *rig)
{
    for (int i = 0; i < RIG_GUEST_COUNT; i++) {
        iso_sv_program_unref(rig->programs[i]);
    }
    iso_sv_core_destroy(rig->core);
    while (uv_run(&rig->loop, UV_RUN_DEFAULT) != 0) {
    }
    CHECK(uv_loop_close(&rig->loop) == 0);
    iso_wit_fini(&rig->wit);
    CHECK_EQ_U64(counted.live_blocks, 0);
    uv_mutex_destroy(&counted_lock);
}

void rig_turn(struct rig *rig, uint64_t start_ns, const char *what)
{
    (void)uv_run(&rig->loop, UV_RUN_ONCE);
    if (uv_hrtime() - start_ns > UINT64_C(60000000000)) {
        TEST_FAIL("60 s have passed without %s", what);
    }
}

static void on_time(uv_timer_t *timer)
{
    uv_close((uv_handle_t *)timer, NULL);
}

void rig_turn_for(struct rig *rig, uint64_t ms)
{
    uv_timer_t timer;
    CHECK(uv_timer_init(&rig->loop, &timer) == 0);
    CHECK(uv_timer_start(&timer, on_time, ms, 0) == 0);
    while (!uv_is_closing((const uv_handle_t *)&timer)) {
        (void)uv_run(&rig->loop, UV_RUN_ONCE);
    }
    (void)uv_run(&rig->loop, UV_RUN_NOWAIT);
}

struct iso_sv_component_def rig_def(struct rig *rig, enum rig_guest guest, enum iso_sv_mode mode)
{
    static const struct iso_sv_device_grant grants[] = {{.interface = {.ptr = "probe", .len = 5}}};
    return (struct iso_sv_component_def){.app = iso_str_from_z("app"),
                                         .name = iso_str_from_z("part"),
                                         .program = rig_program(rig, guest),
                                         .mode = mode,
                                         .devices = grants,
                                         .device_count = 1};
}

struct iso_sv_component *rig_prepare(struct rig *rig, const struct iso_sv_component_def *def)
{
    struct iso_sv_component *component = NULL;
    struct iso_report report;
    unsigned before = rig->ready;
    iso_report_init(&report);
    enum iso_err err = iso_sv_component_create(rig->core, def, on_ready, rig, &component, &report);
    if (err != ISO_OK) {
        TEST_FAIL("component: %s", iso_report_text(&report, err));
    }
    RIG_UNTIL(rig, rig->ready != before);
    return component;
}

struct iso_sv_component *rig_try(struct rig *rig, const struct iso_sv_component_def *def)
{
    struct iso_sv_component *component = NULL;
    unsigned before = rig->ready;
    if (iso_sv_component_create(rig->core, def, on_ready, rig, &component, NULL) != ISO_OK) {
        return NULL;
    }
    RIG_UNTIL(rig, rig->ready != before);
    return component;
}

struct iso_sv_component *rig_run(struct rig *rig, const struct iso_sv_component_def *def)
{
    struct iso_sv_component *component = rig_prepare(rig, def);
    if (rig->ready_err != ISO_OK) {
        TEST_FAIL("prepare: %s", iso_report_text(&rig->report, rig->ready_err));
    }
    iso_sv_component_start(component);
    return component;
}

struct iso_sv_component *rig_component(struct rig *rig, enum rig_guest guest, enum iso_sv_mode mode)
{
    struct iso_sv_component_def def = rig_def(rig, guest, mode);
    return rig_run(rig, &def);
}

void rig_remove(struct rig *rig, struct iso_sv_component *component)
{
    unsigned before = rig->gone;
    iso_sv_component_stop(component, 0, rig_gone, rig);
    RIG_UNTIL(rig, rig->gone != before);
    CHECK(iso_sv_component_state(component) == ISO_SV_STOPPED);
    iso_sv_component_destroy(component);
}

struct iso_sv_link rig_link(struct iso_sv_component *to)
{
    return (struct iso_sv_link){.interface = iso_str_from_z("test:unit/calc@1.0.0"), .local = to};
}

/* ---- Calls ----------------------------------------------------------------------------------- */

static void on_done(struct iso_sv_call *call)
{
    struct rig *rig = call->ctx;
    call->ctx = NULL;
    rig->ended++;
}

struct iso_sv_call *rig_open(struct rig *rig)
{
    struct iso_sv_call *call = iso_sv_call_create(rig->core);
    CHECK(call != NULL);
    call->done = on_done;
    call->ctx = rig;
    return call;
}

void rig_mark(struct rig *rig, struct iso_sv_call *call)
{
    call->done = on_done;
    call->ctx = rig;
}

bool rig_fail(uint64_t n)
{
    uv_mutex_lock(&counted_lock);
    bool failed = counted.failed;
    counted.fail_at = n != 0 ? counted.requests + n : 0;
    counted.failed = false;
    uv_mutex_unlock(&counted_lock);
    return failed;
}

void rig_send(struct rig *rig, struct iso_sv_call *call, struct iso_sv_component *component,
              const char *function)
{
    uint32_t index = 0;
    (void)rig;
    CHECK(iso_sv_program_func_find(iso_sv_component_program(component), iso_str_from_z(function),
                                   &index));
    if (iso_sv_call_start(call, component, index)) {
        on_done(call);
    }
}

struct iso_sv_call *rig_begin(struct rig *rig, struct iso_sv_component *component,
                              const char *function, const char *body)
{
    struct iso_sv_call *call = rig_open(rig);
    CHECK_OK(iso_sv_call_set_body(call, iso_bytes_from(body, strlen(body))));
    rig_send(rig, call, component, function);
    return call;
}

bool rig_has_ended(const struct iso_sv_call *call)
{
    return call->ctx == NULL;
}

void rig_end(struct iso_sv_call *call)
{
    CHECK(rig_has_ended(call));
    iso_sv_call_destroy(call);
}

const char *rig_text(const struct iso_sv_call *call)
{
    static char text[2048];
    const struct iso_buf *reply = &call->reply;
    bool value = call->outcome == ISO_SV_DONE || call->outcome == ISO_SV_ERROR;
    (void)iso_format(text, sizeof text, "%s %.*s", iso_sv_outcome_name(call->outcome),
                     value ? (int)reply->len : (int)strlen(call->report.text),
                     value ? (const char *)reply->ptr : call->report.text);
    return text;
}

const char *rig_call(struct rig *rig, struct iso_sv_component *component, const char *function,
                     const char *body)
{
    struct iso_sv_call *call = rig_begin(rig, component, function, body);
    RIG_UNTIL(rig, rig_has_ended(call));
    const char *text = rig_text(call);
    rig_end(call);
    return text;
}

struct iso_sv_component_stats rig_stats(const struct iso_sv_component *component)
{
    struct iso_sv_component_stats stats;
    iso_sv_component_stats_get(component, &stats);
    return stats;
}
