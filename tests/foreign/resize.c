/*
 * resize.c - calls the scaler of npm's @jsquash/resize, a module that wasm-bindgen made for
 * JavaScript, with the interface of a .wit. No JavaScript is involved.
 *
 * usage: foreign_resize WIT MODULE PICTURE OUT WIDTH HEIGHT WIDTH2 HEIGHT2 FILTER PREMULTIPLY
 * LINEAR
 */
#include <stdio.h>
#include <stdlib.h>

#include "interface/interface.h"
#include "platform/platform.h"

enum { PARAMS = 8, FILE_MAX = 64 << 20 };

static struct iso_report report;

static void require(enum iso_err err, const char *what)
{
    if (err != ISO_OK) {
        (void)fprintf(stderr, "foreign_resize: %s: %s\n", what, iso_report_text(&report, err));
        exit(1);
    }
}

static void call(struct iso_instance *instance, const struct iso_wit_func *func,
                 struct iso_bytes picture, char **numbers, const char *out)
{
    struct iso_binding *binding = NULL;
    struct iso_value args[PARAMS] = {{.bytes = picture}}, result = {.u = 0};
    struct iso_arena arena;
    for (int i = 1; i < PARAMS; i++) {
        unsigned long number = strtoul(numbers[i - 1], NULL, 10);
        if (func->params[i].type->kind == ISO_V_BOOL) {
            args[i].boolean = number != 0;
        } else {
            args[i].u = number;
        }
    }
    iso_arena_init(&arena, iso_alloc_libc(), 0, FILE_MAX);
    require(
        iso_binding_create(instance, iso_str_from_z("wasm-bindgen"), NULL, func, &binding, &report),
        "bind");
    require(iso_binding_call(binding, args, &arena, &result, &report), "call");
    /* The module's state is as before: a second call gives the same. */
    struct iso_value again = {.u = 0};
    require(iso_binding_call(binding, args, &arena, &again, &report), "call again");
    if (!iso_value_equal(func->result, &result, &again)) {
        require(ISO_E_STATE, "the second call differs");
    }
    require(iso_file_write_atomic(out, result.bytes, &report), "write");
    iso_binding_destroy(binding);
    iso_arena_fini(&arena);
}

int main(int argc, char **argv)
{
    struct iso_file wit_file = {0}, module_file = {0}, picture = {0};
    struct iso_engine *engine = NULL;
    struct iso_module *module = NULL;
    struct iso_store *store = NULL;
    struct iso_instance *instance = NULL;
    struct iso_wit wit;
    if (argc != 5 + PARAMS - 1) {
        (void)fprintf(stderr, "usage: foreign_resize WIT MODULE PICTURE OUT WIDTH HEIGHT WIDTH2 "
                              "HEIGHT2 FILTER PREMULTIPLY LINEAR\n");
        return 2;
    }
    iso_report_init(&report);
    require(iso_file_read(argv[1], FILE_MAX, &wit_file, &report), argv[1]);
    require(iso_file_read(argv[2], FILE_MAX, &module_file, &report), argv[2]);
    require(iso_file_read(argv[3], FILE_MAX, &picture, &report), argv[3]);
    const struct iso_wit_source source = {.name = argv[1], .text = wit_file.bytes};
    require(iso_wit_parse(iso_alloc_libc(), &source, 1, &wit, &report), "parse");
    const struct iso_wit_func *func = wit.worlds[0]->exports[0].func;
    if (func == NULL || func->param_count != PARAMS) {
        require(ISO_E_ARGUMENT, "the world exports something else than resize");
    }
    require(iso_engine_create(NULL, &engine), "engine");
    require(
        iso_module_create(engine, module_file.bytes.ptr, module_file.bytes.len, &module, &report),
        "module");
    require(iso_store_create(engine, NULL, &store), "store");
    require(iso_instance_create(store, module, &instance, &report), "instance");
    call(instance, func, picture.bytes, &argv[5], argv[4]);
    iso_store_destroy(store);
    iso_module_destroy(module);
    iso_engine_destroy(engine);
    iso_wit_fini(&wit);
    iso_file_fini(&picture);
    iso_file_fini(&module_file);
    iso_file_fini(&wit_file);
    return 0;
}
