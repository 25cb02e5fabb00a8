/*
 * core_bench.c - what the core of the supervisor costs, inside one process: `core_bench [ROUNDS]`
 * prints a line of JSON. Everything that is a time is per call, from a loop of ROUNDS.
 *
 *   bare      a typed call through a binding, without the core (for the ratios)
 *   service   a call of a service from start to end, JSON in and out
 *   function  the same in a fresh instance
 *   wasi      the same with a module that imports WASI
 *   local     a call through a link, in a loop of the caller's
 *   beside    99th percentile of service calls beside four endless loops, and alone
 *   waiting   bytes of memory for each instance that waits for a link
 *   component bytes of memory for each small component
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "platform/platform.h"
#include "supervisor/call.h"
#include "supervisor/core_test_guests.h"
#include "supervisor/limits.h"

enum { COMPONENTS = 500, WAITING = 5000 };

static uv_loop_t loop;
static struct iso_sv_core *core;
static struct iso_report report;
static unsigned ready, gone, ended;

static const char calc[] = "package test:unit@1.0.0;\n"
                           "interface calc { plus: func(a: s32, b: s32) -> s32;\n"
                           "  next: func() -> u32; work: func(n: s32) -> s32; crash: func();\n"
                           "  check: func(ok: bool) -> result<u32, string>;\n"
                           "  echo: func(data: list<u8>) -> list<u8>; }\n"
                           "world unit { export calc; export add: func(a: s32, b: s32) -> s32;\n"
                           "  export spin: func(); }\n"
                           "world caller { import calc;\n"
                           "  export add: func(a: s32, b: s32) -> s32;\n"
                           "  export sum: func(n: s32) -> s32; }\n";

static void require(bool ok, const char *what)
{
    if (!ok) {
        (void)fprintf(stderr, "core_bench: %s: %s\n", what, report.text);
        exit(1);
    }
}

static struct iso_sv_program *program_of(const uint8_t *bytes, size_t len, const char *world)
{
    struct iso_sv_program *program = NULL;
    struct iso_str none = {.len = 0};
    /* The world that is wanted comes first: the other one is cut out. */
    char wit[sizeof calc];
    memcpy(wit, calc, sizeof wit);
    if (world == NULL) {
        memset(wit, 0, sizeof wit);
    } else if (strcmp(world, "caller") == 0) {
        char *from = strstr(wit, "world unit");
        memset(from, ' ', (size_t)(strstr(wit, "world caller") - from));
    }
    uint8_t *copy = malloc(len);
    require(copy != NULL, "memory");
    memcpy(copy, bytes, len);
    require(iso_sv_program_create(core, copy, len, iso_str_from_z(wit), none, &program, &report) ==
                ISO_OK,
            "program");
    return program;
}

static void on_ready(void *ctx, struct iso_sv_component *component, enum iso_err err,
                     const struct iso_report *why)
{
    (void)ctx;
    (void)component;
    report = *why;
    require(err == ISO_OK, "ready");
    ready++;
}

static struct iso_sv_component *component_of(struct iso_sv_program *program, const char *name,
                                             enum iso_sv_mode mode, const struct iso_sv_link *link)
{
    struct iso_sv_component *component = NULL;
    const struct iso_sv_component_def def = {
        .app = iso_str_from_z("bench"),
        .name = iso_str_from_z(name),
        .program = program,
        .mode = mode,
        .limits = {.instances = WAITING, .time_ns = UINT64_C(600000000000)},
        .links = link,
        .link_count = link != NULL ? 1 : 0};
    unsigned before = ready;
    require(iso_sv_component_create(core, &def, on_ready, NULL, &component, &report) == ISO_OK,
            "component");
    while (ready == before) {
        (void)uv_run(&loop, UV_RUN_ONCE);
    }
    iso_sv_component_start(component);
    return component;
}

static void on_gone(void *ctx, struct iso_sv_component *component)
{
    (void)ctx;
    iso_sv_component_destroy(component);
    gone++;
}

static void remove_component(struct iso_sv_component *component)
{
    unsigned before = gone;
    iso_sv_component_stop(component, 0, on_gone, NULL);
    while (gone == before) {
        (void)uv_run(&loop, UV_RUN_ONCE);
    }
}

/* ---- Calls ----------------------------------------------------------------------------------- */

static void on_done(struct iso_sv_call *call)
{
    report = call->report;
    require(call->outcome == ISO_SV_DONE || call->outcome == ISO_SV_GONE, "call");
    iso_sv_call_destroy(call);
    ended++;
}

static void begin(struct iso_sv_component *component, uint32_t index, const char *body)
{
    struct iso_sv_call *call = iso_sv_call_create(core);
    require(call != NULL, "memory");
    require(iso_sv_call_set_body(call, iso_bytes_from(body, strlen(body))) == ISO_OK, "memory");
    call->done = on_done;
    if (iso_sv_call_start(call, component, index)) {
        on_done(call);
    }
}

static uint32_t index_of(const struct iso_sv_component *component, const char *name)
{
    uint32_t index = 0;
    require(
        iso_sv_program_func_find(iso_sv_component_program(component), iso_str_from_z(name), &index),
        name);
    return index;
}

/* Nanoseconds per call, the fastest of five rounds. */
static double calls(struct iso_sv_component *component, const char *name, const char *body,
                    uint32_t rounds)
{
    uint32_t index = index_of(component, name);
    double best = 0;
    for (int round = 0; round < 5; round++) {
        uint64_t start = uv_hrtime();
        for (uint32_t i = 0; i < rounds; i++) {
            unsigned before = ended;
            begin(component, index, body);
            while (ended == before) {
                (void)uv_run(&loop, UV_RUN_ONCE);
            }
        }
        double each = (double)(uv_hrtime() - start) / rounds;
        best = round == 0 || each < best ? each : best;
    }
    return best;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* 99th percentile in nanoseconds, a call every 200 us. */
static double percentile(struct iso_sv_component *component)
{
    enum { SAMPLES = 3000 };
    static double samples[SAMPLES];
    uint32_t index = index_of(component, "add");
    for (int i = 0; i < SAMPLES; i++) {
        uint64_t start = uv_hrtime();
        unsigned before = ended;
        begin(component, index, "[40, 2]");
        while (ended == before) {
            (void)uv_run(&loop, UV_RUN_ONCE);
        }
        samples[i] = (double)(uv_hrtime() - start);
        const struct timespec pause = {.tv_nsec = 200000};
        (void)nanosleep(&pause, NULL);
    }
    qsort(samples, SAMPLES, sizeof samples[0], compare);
    return samples[SAMPLES * 99 / 100];
}

static void beside(struct iso_sv_program *program, struct iso_sv_component *service,
                   double *alone_ns, double *beside_ns)
{
    struct iso_sv_component *hostile = component_of(program, "hostile", ISO_SV_FUNCTION, NULL);
    *alone_ns = percentile(service);
    for (int i = 0; i < 4; i++) {
        begin(hostile, index_of(hostile, "spin"), "");
    }
    *beside_ns = percentile(service);
    remove_component(hostile);
}

static double bare(struct iso_sv_program *program, uint32_t rounds)
{
    struct iso_module *module = iso_sv_program_module(program);
    struct iso_engine *engine = NULL;
    struct iso_module *own = NULL;
    struct iso_store *store = NULL;
    struct iso_instance *instance = NULL;
    struct iso_binding *binding = NULL;
    struct iso_bytes bytes = iso_module_bytes(module);
    struct iso_arena arena;
    uint32_t index = 0;
    require(iso_sv_program_func_find(program, iso_str_from_z("add"), &index), "add");
    const struct iso_wit_func *func = iso_sv_program_func(program, index)->func;
    const struct iso_engine_config config = {.platform = iso_platform_posix()};
    require(iso_engine_create(&config, &engine) == ISO_OK &&
                iso_module_create(engine, bytes.ptr, bytes.len, &own, &report) == ISO_OK &&
                iso_store_create(engine, NULL, &store) == ISO_OK &&
                iso_instance_create(store, own, &instance, &report) == ISO_OK &&
                iso_binding_create(instance, iso_str_from_z(""), NULL, func, &binding, &report) ==
                    ISO_OK,
            "bare");
    iso_arena_init(&arena, iso_alloc_libc(), 0, SIZE_MAX);
    uint64_t start = uv_hrtime();
    for (uint32_t i = 0; i < rounds; i++) {
        struct iso_value args[2] = {{.s = 40}, {.s = 2}}, result;
        require(iso_binding_call(binding, args, &arena, &result, &report) == ISO_OK, "bare call");
    }
    double each = (double)(uv_hrtime() - start) / rounds;
    iso_arena_fini(&arena);
    iso_binding_destroy(binding);
    iso_store_destroy(store);
    iso_module_destroy(own);
    iso_engine_destroy(engine);
    return each;
}

/* ---- Memory ---------------------------------------------------------------------------------- */

static double resident(void)
{
    size_t bytes = 0;
    require(uv_resident_set_memory(&bytes) == 0, "resident set");
    return (double)bytes;
}

static double per_component(struct iso_sv_program *program)
{
    static struct iso_sv_component *components[COMPONENTS];
    double before = resident();
    for (int i = 0; i < COMPONENTS; i++) {
        components[i] = component_of(program, "small", ISO_SV_SERVICE, NULL);
        (void)calls(components[i], "add", "[40, 2]", 1);
    }
    double each = (resident() - before) / (double)COMPONENTS;
    for (int i = 0; i < COMPONENTS; i++) {
        remove_component(components[i]);
    }
    return each;
}

static struct iso_sv_call *far_calls[WAITING];
static uint32_t far_count;

static void far_begin(void *ctx, struct iso_sv_call *call)
{
    (void)ctx;
    far_calls[far_count++] = call;
}

static double per_waiting(struct iso_sv_program *program)
{
    const struct iso_sv_link link = {.interface = iso_str_from_z("test:unit/calc@1.0.0"),
                                     .remote = far_begin};
    struct iso_sv_component *component = component_of(program, "waiting", ISO_SV_FUNCTION, &link);
    uint32_t index = index_of(component, "add");
    double before = resident();
    for (int i = 0; i < WAITING; i++) {
        begin(component, index, "[40, 2]");
    }
    while (far_count < WAITING) {
        (void)uv_run(&loop, UV_RUN_ONCE);
    }
    double each = (resident() - before) / (double)WAITING;
    unsigned target = ended + WAITING;
    for (uint32_t i = 0; i < WAITING; i++) {
        require(iso_buf_append_u8(&far_calls[i]->reply, 5) == ISO_OK, "memory");
        far_calls[i]->reply_actual = ISO_SV_CBOR;
        iso_sv_call_finish(far_calls[i], ISO_SV_DONE);
    }
    while (ended < target) {
        (void)uv_run(&loop, UV_RUN_ONCE);
    }
    remove_component(component);
    return each;
}

int main(int argc, char **argv)
{
    uint32_t rounds = argc > 1 ? (uint32_t)atoi(argv[1]) : 100000;
    const struct iso_sv_core_config config = {.loop = &loop};
    iso_report_init(&report);
    require(uv_loop_init(&loop) == 0, "loop");
    require(iso_sv_core_create(&config, &core, &report) == ISO_OK, "core");
    struct iso_sv_program *unit = program_of(core_guest_unit, sizeof core_guest_unit, "unit");
    struct iso_sv_program *caller =
        program_of(core_guest_caller, sizeof core_guest_caller, "caller");
    double component = per_component(unit);
    double waiting = per_waiting(caller);
    double bare_ns = bare(unit, rounds);
    struct iso_sv_component *service = component_of(unit, "service", ISO_SV_SERVICE, NULL);
    struct iso_sv_component *function = component_of(unit, "function", ISO_SV_FUNCTION, NULL);
    struct iso_sv_program *reactor =
        program_of(core_guest_reactor, sizeof core_guest_reactor, NULL);
    struct iso_sv_component *wasi = component_of(reactor, "wasi", ISO_SV_FUNCTION, NULL);
    const struct iso_sv_link link = {.interface = iso_str_from_z("test:unit/calc@1.0.0"),
                                     .local = service};
    struct iso_sv_component *from = component_of(caller, "from", ISO_SV_SERVICE, &link);
    double service_ns = calls(service, "add", "[40, 2]", rounds);
    double function_ns = calls(function, "add", "[40, 2]", rounds);
    double wasi_ns = calls(wasi, "open", "", rounds / 10 + 1);
    double alone_ns = 0, beside_ns = 0;
    beside(unit, service, &alone_ns, &beside_ns);
    double local_ns = calls(from, "sum", "[100000]", 10) / 100000;
    printf("{\"bare_ns\": %.0f, \"service_ns\": %.0f, \"function_ns\": %.0f, \"wasi_ns\": %.0f, "
           "\"local_ns\": %.0f, "
           "\"service_ratio\": %.2f, \"function_ratio\": %.2f, \"local_ratio\": %.2f, "
           "\"alone_p99_ns\": %.0f, \"beside_p99_ns\": %.0f, \"beside_ratio\": %.2f, "
           "\"component_bytes\": %.0f, \"waiting_bytes\": %.0f}\n",
           bare_ns, service_ns, function_ns, wasi_ns, local_ns, service_ns / bare_ns,
           function_ns / bare_ns, local_ns / bare_ns, alone_ns, beside_ns, beside_ns / alone_ns,
           component, waiting);
    remove_component(from);
    remove_component(wasi);
    iso_sv_program_unref(reactor);
    remove_component(function);
    remove_component(service);
    iso_sv_program_unref(caller);
    iso_sv_program_unref(unit);
    iso_sv_core_destroy(core);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&loop);
    return 0;
}
