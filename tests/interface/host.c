/* See the header. */
#include "host.h"

#include <stdio.h>
#include <stdlib.h>

void die(const char *what, const struct iso_report *report, enum iso_err err)
{
    (void)fprintf(stderr, "interface_tool: %s: %s\n", what, iso_report_text(report, err));
    exit(2);
}

void check(const char *what, const struct iso_report *report, enum iso_err err)
{
    if (err != ISO_OK) {
        die(what, report, err);
    }
}

/* What was read; the process needs it until its end. */
static struct iso_buf files[3];
static unsigned file_count;

struct iso_bytes read_file(const char *path)
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

const struct iso_wit_world *read_world(const char *path, struct iso_wit *wit)
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

void host_files_fini(void)
{
    for (unsigned i = 0; i < file_count; i++) {
        iso_buf_fini(&files[i]);
    }
}

/* ---- The host -------------------------------------------------------------------------------- */

struct iso_value host_expected(const struct iso_wit_func *func, const struct iso_value *args)
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
        *result = host_expected(ctx, args);
    }
    return ISO_HOST_DONE;
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

void host_init(struct host *host, const char *guest)
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
}

void host_start(struct host *host)
{
    struct iso_report report;
    iso_report_init(&report);
    check("instance", &report,
          iso_instance_create(host->store, host->module, &host->instance, &report));
    struct iso_func *init = iso_instance_export_func(host->instance, "_initialize");
    if (init != NULL) {
        check("_initialize", &report, iso_start(host->store, init, NULL));
        if (iso_run(host->store) != ISO_RUN_DONE) {
            die("_initialize", NULL, ISO_E_TRAP);
        }
    }
}

void host_fini(struct host *host)
{
    iso_store_destroy(host->store);
    iso_wasi_destroy(host->wasi);
    iso_module_destroy(host->module);
    iso_engine_destroy(host->engine);
}

void host_args(struct iso_random *random, const struct iso_wit_func *func, struct iso_arena *arena,
               struct iso_value args[HOST_ARGS_MAX])
{
    if (func->param_count == 0 || func->param_count > HOST_ARGS_MAX) {
        die("a function with no or too many parameters", NULL, ISO_E_ARGUMENT);
    }
    for (uint32_t i = 0; i < func->param_count; i++) {
        check("values", NULL, iso_random_value(random, func->params[i].type, arena, &args[i]));
    }
}
