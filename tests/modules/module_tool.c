/*
 * module_tool.c - what building and testing the example modules needs of the project, with the
 * arguments of the `isomer` commands of the same names.
 *
 * usage: module_tool bindgen c|rust|assemblyscript FILE.wit -o FOLDER
 *        module_tool pack MODULE --wit FILE -o OUT
 *        module_tool call FILE FUNCTION [ARGS]
 *
 * call: FILE imports nothing and carries its interface (pack put it there); ARGS is a JSON object
 * or array. The result is printed as JSON.
 */
#include <stdio.h>
#include <stdlib.h>

#include "interface/interface.h"
#include "platform/platform.h"

enum { FILE_MAX = 64 << 20, PARAMS_MAX = 64 };

static struct iso_report report;

static void require(enum iso_err err, const char *what)
{
    if (err != ISO_OK) {
        (void)fprintf(stderr, "module_tool: %s: %s\n", what, iso_report_text(&report, err));
        exit(1);
    }
}

static struct iso_bytes read_file(const char *path)
{
    struct iso_file file = {0};
    require(iso_file_read(path, FILE_MAX, &file, &report), path);
    return file.bytes; /* the process ends soon */
}

/* ---- bindgen, pack ------------------------------------------------------------------------- */

static enum iso_err write_file(void *ctx, const char *name, struct iso_bytes contents)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", (const char *)ctx, name);
    return iso_file_write_atomic(path, contents, &report);
}

static int bindgen(const char *language, const char *path, char *folder)
{
    struct iso_wit wit;
    const struct iso_wit_source source = {.name = path, .text = read_file(path)};
    enum iso_gen_language which = strcmp(language, "c") == 0      ? ISO_GEN_C
                                  : strcmp(language, "rust") == 0 ? ISO_GEN_RUST
                                                                  : ISO_GEN_ASSEMBLYSCRIPT;
    require(iso_wit_parse(iso_alloc_libc(), &source, 1, &wit, &report), path);
    require(wit.world_count != 0 ? ISO_OK : ISO_E_NOT_FOUND, "a world");
    require(iso_gen_bindings(wit.worlds[0], which, write_file, folder, &report), path);
    iso_wit_fini(&wit);
    return 0;
}

static int pack(const char *module, const char *wit_path, const char *out_path)
{
    struct iso_wit wit;
    struct iso_buf out;
    const struct iso_wit_source source = {.name = wit_path, .text = read_file(wit_path)};
    require(iso_wit_parse(iso_alloc_libc(), &source, 1, &wit, &report), wit_path);
    iso_buf_init(&out, iso_alloc_libc(), FILE_MAX);
    require(iso_module_pack(read_file(module), source.text, NULL, &out, &report), module);
    require(iso_file_write_atomic(out_path, iso_buf_view(&out), &report), out_path);
    iso_buf_fini(&out);
    iso_wit_fini(&wit);
    return 0;
}

/* ---- call ---------------------------------------------------------------------------------- */

/* The exported function of that name, of the world or of one of its interfaces; its interface, or
 * NULL, goes to *interface. */
static const struct iso_wit_func *find_func(const struct iso_wit_world *world, const char *name,
                                            const struct iso_wit_interface **interface)
{
    struct iso_str wanted = iso_str_from_z(name);
    for (uint32_t i = 0; i < world->export_count; i++) {
        const struct iso_wit_item *item = &world->exports[i];
        *interface = item->interface;
        if (item->func != NULL && iso_str_equal(item->func->name, wanted)) {
            return item->func;
        }
        for (uint32_t k = 0; item->interface != NULL && k < item->interface->func_count; k++) {
            if (iso_str_equal(item->interface->funcs[k].name, wanted)) {
                return &item->interface->funcs[k];
            }
        }
    }
    require(ISO_E_NOT_FOUND, name);
    return NULL;
}

static struct iso_instance *instantiate(struct iso_store *store, struct iso_module *module)
{
    struct iso_instance *instance = NULL;
    require(iso_instance_create(store, module, &instance, &report), "instance");
    struct iso_func *init = iso_instance_export_func(instance, "_initialize");
    if (init != NULL) {
        require(iso_start(store, init, NULL), "_initialize");
        require(iso_run(store) == ISO_RUN_DONE ? ISO_OK : ISO_E_TRAP, "_initialize");
    }
    return instance;
}

static void call_func(struct iso_instance *instance, const struct iso_module_interface *described,
                      const char *name, const char *args)
{
    const struct iso_wit_interface *interface = NULL;
    const struct iso_wit_func *func = find_func(described->world, name, &interface);
    struct iso_binding *binding = NULL;
    struct iso_arena arena;
    struct iso_buf out;
    struct iso_value values[PARAMS_MAX], result = {.u = 0};
    require(func->param_count <= PARAMS_MAX ? ISO_OK : ISO_E_LIMIT, "parameters");
    iso_arena_init(&arena, iso_alloc_libc(), 0, FILE_MAX);
    iso_buf_init(&out, iso_alloc_libc(), FILE_MAX);
    struct iso_str text = iso_str_from_z(args);
    require(iso_json_decode_params(func, (struct iso_bytes){(const uint8_t *)text.ptr, text.len},
                                   &arena, values, &report),
            name);
    require(iso_binding_create(instance, described->info.abi, interface, func, &binding, &report),
            name);
    require(iso_binding_call(binding, values, &arena, &result, &report), name);
    if (func->result != NULL) {
        require(iso_json_encode(func->result, &result, &out), "result");
        (void)fwrite(out.ptr, 1, out.len, stdout);
        (void)putchar('\n');
    }
    iso_binding_destroy(binding);
    iso_buf_fini(&out);
    iso_arena_fini(&arena);
}

static int call(const char *path, const char *name, const char *args)
{
    struct iso_engine *engine = NULL;
    struct iso_module *module = NULL;
    struct iso_store *store = NULL;
    struct iso_module_interface described;
    struct iso_bytes bytes = read_file(path);
    require(iso_engine_create(NULL, &engine), "engine");
    require(iso_module_create(engine, bytes.ptr, bytes.len, &module, &report), path);
    require(iso_module_interface_find(iso_alloc_libc(), module, NULL, &described, &report), path);
    require(iso_store_create(engine, NULL, &store), "store");
    call_func(instantiate(store, module), &described, name, args);
    iso_store_destroy(store);
    iso_module_interface_fini(&described);
    iso_module_destroy(module);
    iso_engine_destroy(engine);
    return 0;
}

int main(int argc, char **argv)
{
    iso_report_init(&report);
    if (argc == 6 && strcmp(argv[1], "bindgen") == 0 && strcmp(argv[4], "-o") == 0) {
        return bindgen(argv[2], argv[3], argv[5]);
    }
    if (argc == 7 && strcmp(argv[1], "pack") == 0 && strcmp(argv[3], "--wit") == 0 &&
        strcmp(argv[5], "-o") == 0) {
        return pack(argv[2], argv[4], argv[6]);
    }
    if ((argc == 4 || argc == 5) && strcmp(argv[1], "call") == 0) {
        return call(argv[2], argv[3], argc == 5 ? argv[4] : "{}");
    }
    (void)fprintf(stderr, "usage: see the top of module_tool.c\n");
    return 2;
}
