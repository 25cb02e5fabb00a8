/*
 * interface_tool.c - what run.py needs of the project: bindings, descriptions, and a host that
 * calls every function of a guest which gives back what it gets.
 *
 * usage: interface_tool bindings c|rust|assemblyscript WIT FOLDER
 *        interface_tool describe thing|openapi|text WIT [HTTP-BASE [COAP-BASE]]
 *        interface_tool echo WIT GUEST.wasm SEED CASES
 *        interface_tool values WIT SEED CASES
 *        interface_tool begin WIT GUEST.wasm SEED STEPS TO
 *        interface_tool go-on WIT GUEST.wasm SEED FROM STEPS TO
 *
 * begin, go-on: a call, chosen with its arguments by SEED, that moves between processes (carry.c).
 * values: random arguments of the exported functions, as a JavaScript module for jco.
 * echo: every function of the exported interfaces answers its only parameter, or the tuple of all;
 * so do the imported ones, which this host implements. Each is called CASES times with random
 * values. Prints what differs; exit status 1 then.
 */
#include <stdio.h>
#include <stdlib.h>

#include "host.h"
#include "js_values.h"
#include "platform/platform.h"

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

/* Calls so far, and how many of them failed. */
struct tally {
    struct iso_random random;
    unsigned long long calls;
    int failed;
};

static void call_once(struct tally *tally, struct iso_binding *binding, struct iso_arena *arena)
{
    const struct iso_wit_func *func = iso_binding_func(binding);
    struct iso_value args[HOST_ARGS_MAX];
    struct iso_value result = {.u = 0};
    struct iso_report report;
    iso_report_init(&report);
    host_args(&tally->random, func, arena, args);
    enum iso_err err = iso_binding_call(binding, args, arena, &result, &report);
    tally->calls++;
    struct iso_value right = host_expected(func, args);
    if (err == ISO_OK && iso_value_equal(func->result, &right, &result)) {
        return;
    }
    tally->failed++;
    (void)printf("%.*s: %s\n", (int)func->name.len, func->name.ptr,
                 err == ISO_OK ? "not equal" : iso_report_text(&report, err));
    print_value("expected", func->result, &right);
    if (err == ISO_OK) {
        print_value("got     ", func->result, &result);
    } else {
        iso_binding_drop(binding);
    }
}

static void call_all(struct host *host, struct tally *tally, unsigned cases)
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
            for (unsigned n = 0; n < cases && tally->failed < 10; n++) {
                struct iso_arena arena;
                iso_arena_init(&arena, iso_alloc_libc(), 0, (size_t)1 << 28);
                call_once(tally, binding, &arena);
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
    struct tally tally = {.calls = 0};
    iso_random_init(&tally.random, strtoull(seed, NULL, 10));
    host_init(&host, guest);
    host_start(&host);
    call_all(&host, &tally, (unsigned)strtoul(cases, NULL, 10));
    uint64_t memory_bytes = 0;
    (void)iso_instance_memory(host.instance, &memory_bytes);
    (void)printf("%llu calls, %d failed, memory %llu KiB\n", tally.calls, tally.failed,
                 (unsigned long long)memory_bytes / 1024);
    host_fini(&host);
    iso_wit_fini(&wit);
    return tally.failed != 0 || tally.calls == 0;
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
    if (argc == 7 && strcmp(argv[1], "begin") == 0) {
        return carry_begin(argv[2], argv[3], argv[4], argv[5], argv[6]);
    }
    if (argc == 8 && strcmp(argv[1], "go-on") == 0) {
        return carry_on(argv[2], argv[3], argv[4], argv[5], argv[6], argv[7]);
    }
    (void)fprintf(stderr, "usage: see the top of interface_tool.c\n");
    return 2;
}

int main(int argc, char **argv)
{
    int status = run(argc, argv);
    host_files_fini();
    return status;
}
