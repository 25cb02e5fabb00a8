/* program.c - programs: a module with its interface and the functions that it offers. */
#include "supervisor/core_state.h"

/* ---- Functions ------------------------------------------------------------------------------- */

static uint32_t count_funcs(const struct iso_wit_world *world)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < world->export_count; i++) {
        const struct iso_wit_interface *interface = world->exports[i].interface;
        count += interface != NULL ? interface->func_count : 1;
    }
    return count;
}

static void list_funcs(struct iso_sv_program *program, const struct iso_wit_world *world)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < world->export_count; i++) {
        const struct iso_wit_item *item = &world->exports[i];
        if (item->interface == NULL) {
            program->funcs[at++].func = item->func;
            continue;
        }
        for (uint32_t k = 0; k < item->interface->func_count; k++) {
            program->funcs[at++] = (struct iso_sv_func){.interface = item->interface,
                                                        .func = &item->interface->funcs[k]};
        }
    }
}

static bool is_alone(const struct iso_sv_program *program, uint32_t index)
{
    for (uint32_t i = 0; i < program->func_count; i++) {
        if (i != index &&
            iso_str_equal(program->funcs[i].func->name, program->funcs[index].func->name)) {
            return false;
        }
    }
    return true;
}

/* "space.name", or the name alone. */
static const char *path_of(struct iso_arena *arena, struct iso_str space, struct iso_str name)
{
    char *path = iso_arena_alloc(arena, space.len + name.len + 2);
    size_t at = 0;
    if (path == NULL) {
        return NULL;
    }
    if (space.len != 0) {
        memcpy(path, space.ptr, space.len);
        path[space.len] = '.';
        at = space.len + 1;
    }
    iso_memory_copy(path + at, name.ptr, name.len);
    return path;
}

static bool is_taken(const struct iso_sv_program *program, uint32_t index)
{
    for (uint32_t i = 0; i < index; i++) {
        if (strcmp(program->funcs[i].path, program->funcs[index].path) == 0) {
            return true;
        }
    }
    return false;
}

/* As generated descriptions name them: the interface only where it is needed to tell two apart, the
 * core name where even that does not. */
static enum iso_err name_funcs(struct iso_sv_program *program)
{
    static const struct iso_str nowhere = {.len = 0};
    for (uint32_t i = 0; i < program->func_count; i++) {
        struct iso_sv_func *func = &program->funcs[i];
        bool alone = func->interface == NULL || is_alone(program, i);
        func->path =
            path_of(&program->arena, alone ? nowhere : func->interface->name, func->func->name);
        if (func->path != NULL && !alone && is_taken(program, i)) {
            char core[512];
            iso_abi_export_name(func->interface, func->func, core, sizeof core);
            func->path = iso_arena_copy_str(&program->arena, iso_str_from_z(core));
        }
        if (func->path == NULL) {
            return ISO_E_NOMEM;
        }
    }
    return ISO_OK;
}

/* ---- The check against the module -------------------------------------------------------------
 */

/* A function with the type of an import, never called: bindings want an instance. */
static enum iso_host_result never(struct iso_host_call *call)
{
    iso_host_trap(call, "host functions cannot be called while a module is checked");
    return ISO_HOST_TRAP;
}

enum iso_err iso_sv_define_stub(struct iso_store *store, const struct iso_import_desc *import,
                                iso_host_fn fn, void *ctx)
{
    const struct iso_func_type *type = import->type.func;
    struct iso_arena *arena = iso_store_arena(store);
    char *params = iso_arena_alloc(arena, type->param_count + 1u);
    char *results = iso_arena_alloc(arena, type->result_count + 1u);
    char *module = iso_arena_copy_str(arena, import->module);
    char *name = iso_arena_copy_str(arena, import->name);
    if (params == NULL || results == NULL || module == NULL || name == NULL) {
        return ISO_E_NOMEM;
    }
    iso_type_letters(type->params, type->param_count, params);
    iso_type_letters(type->results, type->result_count, results);
    return iso_store_define_func(store, &(struct iso_host_func){.module = module,
                                                                .name = name,
                                                                .params = params,
                                                                .results = results,
                                                                .fn = fn,
                                                                .ctx = ctx,
                                                                .policy = ISO_HOST_REFUSE});
}

static enum iso_err check_bindings(struct iso_sv_program *program, struct iso_instance *instance,
                                   struct iso_report *report)
{
    for (uint32_t i = 0; i < program->func_count; i++) {
        struct iso_binding *binding = NULL;
        enum iso_err err = iso_binding_create(instance, program->abi, program->funcs[i].interface,
                                              program->funcs[i].func, &binding, report);
        if (err != ISO_OK) {
            return err;
        }
        iso_binding_destroy(binding);
    }
    return ISO_OK;
}

/*
 * Do the exports fit the interface? An instance is made for that; its start function gets no fuel,
 * so that nothing of the module runs. What only shows when it is instantiated (segments out of
 * bounds) is found when a component is prepared.
 */
static enum iso_err check(struct iso_sv_program *program, struct iso_report *report)
{
    const struct iso_store_config config = {.stack_max_bytes = 4096};
    struct iso_store *store = NULL;
    struct iso_instance *instance = NULL;
    enum iso_err err = iso_store_create(program->core->engine, &config, &store);
    if (err != ISO_OK) {
        return err;
    }
    iso_store_set_fuel(store, 0);
    for (uint32_t i = 0; i < iso_module_import_count(program->module) && err == ISO_OK; i++) {
        struct iso_import_desc import;
        iso_module_import(program->module, i, &import);
        if (import.type.kind != ISO_EXTERN_FUNC) {
            err = iso_fail(report, ISO_E_LINK,
                           "the module imports the %s \"%.*s\".\"%.*s\": only functions can be "
                           "supplied",
                           iso_extern_kind_name(import.type.kind), (int)import.module.len,
                           import.module.ptr, (int)import.name.len, import.name.ptr);
        } else {
            err = iso_sv_define_stub(store, &import, never, NULL);
        }
    }
    if (err == ISO_OK) {
        err = iso_instance_create(store, program->module, &instance, report);
        err = err == ISO_E_PENDING ? ISO_OK : err;
    }
    if (err == ISO_OK) {
        err = check_bindings(program, instance, report);
    }
    iso_store_destroy(store);
    return err;
}

/* ---- Life ------------------------------------------------------------------------------------ */

static void digest_text(struct iso_sv_program *program)
{
    uint8_t digest[32];
    iso_module_digest(program->module, digest);
    size_t at = iso_format(program->digest, sizeof program->digest, "sha256:");
    for (size_t i = 0; i < sizeof digest; i++) {
        at += iso_format(program->digest + at, sizeof program->digest - at, "%02x", digest[i]);
    }
}

static void look_at_module(struct iso_sv_program *program)
{
    for (uint32_t i = 0; i < iso_module_import_count(program->module); i++) {
        struct iso_import_desc import;
        iso_module_import(program->module, i, &import);
        if (iso_import_is_wasi(import.module)) {
            program->uses_wasi = true;
        }
    }
    for (uint32_t i = 0; i < iso_module_export_count(program->module); i++) {
        struct iso_export_desc export;
        iso_module_export(program->module, i, &export);
        if (iso_str_equal_z(export.name, "_initialize") && export.type.kind == ISO_EXTERN_FUNC &&
            export.type.func->param_count == 0) {
            program->has_initialize = true;
        }
    }
    program->is_command = program->interface.origin == ISO_ORIGIN_COMMAND;
}

static enum iso_err fill(struct iso_sv_program *program, struct iso_str wit, struct iso_str abi,
                         struct iso_report *report)
{
    const struct iso_wit_source beside = {.name = "interface.wit",
                                          .text = iso_bytes_from(wit.ptr, wit.len)};
    struct iso_sv_core *core = program->core;
    enum iso_err err =
        iso_module_create(core->engine, program->bytes, program->len, &program->module, report);
    if (err != ISO_OK) {
        return err;
    }
    err = iso_module_interface_find(&core->alloc, program->module, wit.len != 0 ? &beside : NULL,
                                    &program->interface, report);
    program->interface_made = true;
    if (err != ISO_OK) {
        return err;
    }
    abi = abi.len != 0 ? abi : program->interface.info.abi;
    program->abi.ptr = iso_arena_copy_str(&program->arena, abi);
    program->abi.len = abi.len;
    program->func_count = count_funcs(program->interface.world);
    program->funcs = iso_arena_array(&program->arena, program->func_count, sizeof *program->funcs);
    if (program->abi.ptr == NULL || program->funcs == NULL) {
        return ISO_E_NOMEM;
    }
    list_funcs(program, program->interface.world);
    look_at_module(program);
    digest_text(program);
    err = name_funcs(program);
    return err == ISO_OK && !program->is_command ? check(program, report) : err;
}

enum iso_err iso_sv_program_create(struct iso_sv_core *core, uint8_t *bytes, size_t len,
                                   struct iso_str wit, struct iso_str abi,
                                   struct iso_sv_program **out, struct iso_report *report)
{
    struct iso_sv_program *program = iso_alloc_new(&core->alloc, sizeof *program);
    if (program == NULL) {
        iso_alloc_free(&core->alloc, bytes, len);
        return ISO_E_NOMEM;
    }
    atomic_init(&program->refs, 1);
    program->core = core;
    program->bytes = bytes;
    program->len = len;
    iso_arena_init(&program->arena, &core->alloc, 1024, SIZE_MAX);
    enum iso_err err = fill(program, wit, abi, report);
    if (err != ISO_OK) {
        iso_sv_program_unref(program);
        return err;
    }
    *out = program;
    return ISO_OK;
}

struct iso_sv_program *iso_sv_program_ref(struct iso_sv_program *program)
{
    (void)atomic_fetch_add_explicit(&program->refs, 1, memory_order_relaxed);
    return program;
}

void iso_sv_program_unref(struct iso_sv_program *program)
{
    if (program == NULL ||
        atomic_fetch_sub_explicit(&program->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    const struct iso_alloc *alloc = &program->core->alloc;
    if (program->interface_made) {
        iso_module_interface_fini(&program->interface);
    }
    iso_module_destroy(program->module);
    iso_arena_fini(&program->arena);
    iso_alloc_free(alloc, program->bytes, program->len);
    iso_alloc_free(alloc, program, sizeof *program);
}

/* ---- Questions ------------------------------------------------------------------------------- */

const struct iso_module_interface *iso_sv_program_interface(const struct iso_sv_program *program)
{
    return &program->interface;
}

struct iso_module *iso_sv_program_module(const struct iso_sv_program *program)
{
    return program->module;
}

const char *iso_sv_program_digest(const struct iso_sv_program *program)
{
    return program->digest;
}

uint32_t iso_sv_program_func_count(const struct iso_sv_program *program)
{
    return program->func_count;
}

const struct iso_sv_func *iso_sv_program_func(const struct iso_sv_program *program, uint32_t index)
{
    return &program->funcs[index];
}

/* "ns:pkg/interface@version#function". */
static bool is_full_name(const struct iso_sv_func *func, struct iso_str text)
{
    char name[512];
    struct iso_str hash = func->func->name;
    if (func->interface == NULL || text.len <= hash.len) {
        return false;
    }
    iso_abi_import_module(func->interface, name, sizeof name);
    struct iso_str head = iso_str_from(text.ptr, text.len - hash.len - 1);
    struct iso_str tail = iso_str_from(text.ptr + head.len + 1, hash.len);
    return text.ptr[head.len] == '#' && iso_str_equal(tail, hash) && iso_str_equal_z(head, name);
}

bool iso_sv_program_func_find(const struct iso_sv_program *program, struct iso_str path,
                              uint32_t *index)
{
    bool full = path.len != 0 && memchr(path.ptr, '#', path.len) != NULL;
    for (uint32_t i = 0; i < program->func_count; i++) {
        const struct iso_sv_func *func = &program->funcs[i];
        if (full ? is_full_name(func, path) : iso_str_equal_z(path, func->path)) {
            *index = i;
            return true;
        }
    }
    return false;
}
