/*
 * interface_tool.c - what run.py needs of the project: bindings, descriptions, and a host that
 * calls every function of a guest which gives back what it gets.
 *
 * usage: interface_tool bindings c|rust|assemblyscript WIT FOLDER
 *        interface_tool describe thing|openapi|text WIT [HTTP-BASE [COAP-BASE]]
 *        interface_tool echo WIT GUEST.wasm SEED CASES
 *        interface_tool values WIT SEED CASES
 *
 * values: random arguments of the exported functions, as a JavaScript module for jco.
 * echo: every function of the exported interfaces answers its only parameter, or the tuple of all;
 * so do the imported ones, which this host implements. Each is called CASES times with random
 * values. Prints what differs; exit status 1 then.
 */
#include <stdio.h>
#include <stdlib.h>

#include "codec/random_test_support.h"
#include "interface/interface.h"
#include "js_values.h"
#include "platform/platform.h"
#include "wasi/wasi.h"

_Noreturn static void die(const char *what, const struct iso_report *report, enum iso_err err)
{
    (void)fprintf(stderr, "interface_tool: %s: %s\n", what, iso_report_text(report, err));
    exit(2);
}

/* What was read; the process needs it until its end. */
static struct iso_buf files[2];
static unsigned file_count;

static struct iso_bytes read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        die(path, NULL, ISO_E_NOT_FOUND);
    }
    ISO_ASSERT(file_count < ISO_COUNT_OF(files));
    struct iso_buf *buf = &files[file_count++];
    iso_buf_init(buf, iso_alloc_libc(), (size_t)1 << 28);
    char chunk[65536];
    size_t len = 0;
    while ((len = fread(chunk, 1, sizeof chunk, file)) != 0) {
        enum iso_err err = iso_buf_append(buf, chunk, len);
        if (err != ISO_OK) {
            die(path, NULL, err);
        }
    }
    (void)fclose(file);
    return iso_buf_view(buf);
}

static const struct iso_wit_world *read_world(const char *path, struct iso_wit *wit)
{
    struct iso_report report;
    struct iso_wit_source source = {.name = path, .text = read_file(path)};
    iso_report_init(&report);
    enum iso_err err = iso_wit_parse(iso_alloc_libc(), &source, 1, wit, &report);
    if (err != ISO_OK) {
        die(path, &report, err);
    }
    if (wit->world_count == 0) {
        die(path, NULL, ISO_E_NOT_FOUND);
    }
    return wit->worlds[0];
}

/* ---- bindings, describe -------------------------------------------------------------------- */

static enum iso_err write_file(void *ctx, const char *name, struct iso_bytes contents)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", (const char *)ctx, name);
    FILE *file = fopen(path, "wb");
    if (file == NULL) {
        return ISO_E_IO;
    }
    size_t written = fwrite(contents.ptr, 1, contents.len, file);
    return fclose(file) == 0 && written == contents.len ? ISO_OK : ISO_E_IO;
}

static int bindings(const char *language, const char *wit_path, char *folder)
{
    struct iso_wit wit;
    struct iso_report report;
    const struct iso_wit_world *world = read_world(wit_path, &wit);
    enum iso_gen_language which = strcmp(language, "c") == 0      ? ISO_GEN_C
                                  : strcmp(language, "rust") == 0 ? ISO_GEN_RUST
                                                                  : ISO_GEN_ASSEMBLYSCRIPT;
    iso_report_init(&report);
    enum iso_err err =
        iso_gen_bindings(iso_alloc_libc(), world, which, write_file, folder, &report);
    if (err != ISO_OK) {
        die(language, &report, err);
    }
    iso_wit_fini(&wit);
    return 0;
}

static int describe(const char *kind, const char *wit_path, const char *http, const char *coap)
{
    struct iso_wit wit;
    struct iso_buf out;
    const struct iso_wit_world *world = read_world(wit_path, &wit);
    struct iso_gen_place place = {.id = "urn:example:thing", .http_base = http, .coap_base = coap};
    iso_buf_init(&out, iso_alloc_libc(), SIZE_MAX);
    enum iso_err err = strcmp(kind, "thing") == 0     ? iso_gen_thing(world, &place, &out)
                       : strcmp(kind, "openapi") == 0 ? iso_gen_openapi(world, &place, &out)
                                                      : iso_gen_text(world, &place, &out);
    if (err != ISO_OK) {
        die(kind, NULL, err);
    }
    (void)fwrite(out.ptr, 1, out.len, stdout);
    iso_buf_fini(&out);
    iso_wit_fini(&wit);
    return 0;
}

/* ---- echo ---------------------------------------------------------------------------------- */

/* What a function is to answer to its arguments. */
static struct iso_value expected(const struct iso_wit_func *func, const struct iso_value *args)
{
    if (func->param_count == 1) {
        return args[0];
    }
    return (struct iso_value){.list = {.items = args, .count = func->param_count}};
}

static enum iso_host_result answer(void *ctx, struct iso_host_call *call,
                                   const struct iso_value *args, struct iso_arena *arena,
                                   struct iso_value *result)
{
    (void)call;
    (void)arena;
    if (result != NULL) {
        *result = expected(ctx, args);
    }
    return ISO_HOST_DONE;
}

struct host {
    const struct iso_wit_world *world;
    struct iso_engine *engine;
    struct iso_module *module;
    struct iso_store *store;
    struct iso_wasi *wasi;
    struct iso_instance *instance;
    struct iso_random random;
    unsigned long long calls;
    int failed;
};

static void check(const char *what, const struct iso_report *report, enum iso_err err)
{
    if (err != ISO_OK) {
        die(what, report, err);
    }
}

static void define_imports(struct host *host)
{
    for (uint32_t i = 0; i < host->world->import_count; i++) {
        const struct iso_wit_item *item = &host->world->imports[i];
        for (uint32_t k = 0; item->interface != NULL && k < item->interface->func_count; k++) {
            const struct iso_wit_func *func = &item->interface->funcs[k];
            union {
                const struct iso_wit_func *in;
                void *out;
            } ctx = {.in = func};
            check("imports", NULL,
                  iso_typed_define(host->store, item->interface, func, answer, ctx.out,
                                   ISO_HOST_REFUSE));
        }
    }
}

static void start(struct host *host, const char *guest)
{
    struct iso_report report;
    struct iso_bytes bytes = read_file(guest);
    struct iso_wasi_config config = {.max_open = 16};
    iso_report_init(&report);
    check("engine", &report, iso_engine_create(NULL, &host->engine));
    check(guest, &report,
          iso_module_create(host->engine, bytes.ptr, bytes.len, &host->module, &report));
    check("store", &report, iso_store_create(host->engine, NULL, &host->store));
    check("wasi", &report, iso_wasi_create(iso_alloc_libc(), &config, &host->wasi, &report));
    check("wasi", &report, iso_wasi_define(host->wasi, host->store));
    define_imports(host);
    check(guest, &report, iso_instance_create(host->store, host->module, &host->instance, &report));
    struct iso_func *init = iso_instance_export_func(host->instance, "_initialize");
    if (init != NULL) {
        check("_initialize", &report, iso_start(host->store, init, NULL));
        if (iso_run(host->store) != ISO_RUN_DONE) {
            die("_initialize", NULL, ISO_E_TRAP);
        }
    }
}

static void print_value(const char *label, const struct iso_vtype *type,
                        const struct iso_value *value)
{
    struct iso_buf out;
    iso_buf_init(&out, iso_alloc_libc(), SIZE_MAX);
    if (iso_json_encode(type, value, &out) == ISO_OK) {
        (void)printf("  %s %.2000s\n", label, out.ptr != NULL ? (const char *)out.ptr : "");
    }
    iso_buf_fini(&out);
}

static void call_once(struct host *host, struct iso_binding *binding, struct iso_arena *arena)
{
    const struct iso_wit_func *func = iso_binding_func(binding);
    struct iso_value args[64];
    struct iso_value result = {.u = 0};
    struct iso_report report;
    iso_report_init(&report);
    if (func->param_count == 0 || func->param_count > ISO_COUNT_OF(args)) {
        die("a function with no or too many parameters", NULL, ISO_E_ARGUMENT);
    }
    for (uint32_t i = 0; i < func->param_count; i++) {
        check("values", NULL,
              iso_random_value(&host->random, func->params[i].type, arena, &args[i]));
    }
    enum iso_err err = iso_binding_call(binding, args, arena, &result, &report);
    host->calls++;
    struct iso_value right = expected(func, args);
    if (err == ISO_OK && iso_value_equal(func->result, &right, &result)) {
        return;
    }
    host->failed++;
    (void)printf("%.*s: %s\n", (int)func->name.len, func->name.ptr,
                 err == ISO_OK ? "not equal" : iso_report_text(&report, err));
    print_value("expected", func->result, &right);
    if (err == ISO_OK) {
        print_value("got     ", func->result, &result);
    } else {
        iso_binding_drop(binding);
    }
}

static void call_all(struct host *host, unsigned cases)
{
    for (uint32_t i = 0; i < host->world->export_count; i++) {
        const struct iso_wit_interface *interface = host->world->exports[i].interface;
        for (uint32_t k = 0; interface != NULL && k < interface->func_count; k++) {
            struct iso_binding *binding = NULL;
            struct iso_report report;
            iso_report_init(&report);
            check("binding", &report,
                  iso_binding_create(host->instance, (struct iso_str){NULL, 0}, interface,
                                     &interface->funcs[k], &binding, &report));
            for (unsigned n = 0; n < cases && host->failed < 10; n++) {
                struct iso_arena arena;
                iso_arena_init(&arena, iso_alloc_libc(), 0, (size_t)1 << 28);
                call_once(host, binding, &arena);
                iso_arena_fini(&arena);
            }
            iso_binding_destroy(binding);
        }
    }
}

static int echo(const char *wit_path, const char *guest, const char *seed, const char *cases)
{
    struct iso_wit wit;
    struct host host = {.world = read_world(wit_path, &wit)};
    iso_random_init(&host.random, strtoull(seed, NULL, 10));
    start(&host, guest);
    call_all(&host, (unsigned)strtoul(cases, NULL, 10));
    uint64_t memory_bytes = 0;
    (void)iso_instance_memory(host.instance, &memory_bytes);
    (void)printf("%llu calls, %d failed, memory %llu KiB\n", host.calls, host.failed,
                 (unsigned long long)memory_bytes / 1024);
    iso_store_destroy(host.store);
    iso_wasi_destroy(host.wasi);
    iso_module_destroy(host.module);
    iso_engine_destroy(host.engine);
    iso_wit_fini(&wit);
    return host.failed != 0 || host.calls == 0;
}

/* ---- values -------------------------------------------------------------------------------- */

static void put_cases(struct iso_buf *out, const struct iso_wit_func *func,
                      struct iso_random *random, unsigned cases)
{
    js_put(out, "  ");
    js_put_name(out, func->name);
    js_put(out, func->result->kind == ISO_V_RESULT ? ": {result: true, cases: [\n"
                                                   : ": {result: false, cases: [\n");
    for (unsigned n = 0; n < cases; n++) {
        struct iso_arena arena;
        iso_arena_init(&arena, iso_alloc_libc(), 0, (size_t)1 << 28);
        js_put(out, "    [");
        for (uint32_t i = 0; i < func->param_count; i++) {
            struct iso_value value = {.u = 0};
            check("values", NULL, iso_random_value(random, func->params[i].type, &arena, &value));
            js_put_value(out, func->params[i].type, &value);
            js_put(out, ", ");
        }
        js_put(out, "],\n");
        iso_arena_fini(&arena);
    }
    js_put(out, "  ]},\n");
}

static int values(const char *wit_path, const char *seed, const char *cases)
{
    struct iso_wit wit;
    struct iso_buf out;
    struct iso_random random;
    const struct iso_wit_world *world = read_world(wit_path, &wit);
    iso_random_init(&random, strtoull(seed, NULL, 10));
    iso_buf_init(&out, iso_alloc_libc(), SIZE_MAX);
    js_put(&out, "export default {\n");
    for (uint32_t i = 0; i < world->export_count; i++) {
        const struct iso_wit_interface *interface = world->exports[i].interface;
        for (uint32_t k = 0; interface != NULL && k < interface->func_count; k++) {
            put_cases(&out, &interface->funcs[k], &random, (unsigned)strtoul(cases, NULL, 10));
        }
    }
    js_put(&out, "};\n");
    (void)fwrite(out.ptr, 1, out.len, stdout);
    iso_buf_fini(&out);
    iso_wit_fini(&wit);
    return 0;
}

static int run(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "bindings") == 0) {
        return bindings(argv[2], argv[3], argv[4]);
    }
    if (argc >= 4 && argc <= 6 && strcmp(argv[1], "describe") == 0) {
        return describe(argv[2], argv[3], argc > 4 ? argv[4] : NULL, argc > 5 ? argv[5] : NULL);
    }
    if (argc == 6 && strcmp(argv[1], "echo") == 0) {
        return echo(argv[2], argv[3], argv[4], argv[5]);
    }
    if (argc == 5 && strcmp(argv[1], "values") == 0) {
        return values(argv[2], argv[3], argv[4]);
    }
    (void)fprintf(stderr, "usage: see the top of interface_tool.c\n");
    return 2;
}

int main(int argc, char **argv)
{
    int status = run(argc, argv);
    for (unsigned i = 0; i < file_count; i++) {
        iso_buf_fini(&files[i]);
    }
    return status;
}
