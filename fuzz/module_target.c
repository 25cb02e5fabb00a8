/* Fuzz target `module`: any bytes as a module. It is decoded, validated, and, when valid,
 * translated, described, instantiated with what it imports defined, and run with little fuel. */
#include "harness.h"
#include "target.h"

#include <string.h>

static enum iso_host_result answer_zero(struct iso_host_call *call)
{
    uint32_t slots = *(const uint32_t *)call->ctx;

    memset(call->results, 0, slots * sizeof *call->results);
    return ISO_HOST_DONE;
}

/* The types of a signature as a host definition wants them; false when there are too many. */
static bool type_letters(const uint8_t *types, uint32_t count, char *out, size_t cap)
{
    if (count >= cap) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        static const struct {
            uint8_t code;
            char letter;
        } letters[] = {{ISO_TYPE_I32, 'i'},      {ISO_TYPE_I64, 'I'},  {ISO_TYPE_F32, 'f'},
                       {ISO_TYPE_F64, 'F'},      {ISO_TYPE_V128, 'v'}, {ISO_TYPE_FUNCREF, 'r'},
                       {ISO_TYPE_EXTERNREF, 'e'}};
        for (size_t k = 0; k < ISO_COUNT_OF(letters); k++) {
            if (letters[k].code == types[i]) {
                out[i] = letters[k].letter;
            }
        }
    }
    out[count] = '\0';
    return true;
}

enum { IMPORTS_MAX = 32, NAME_MAX = 64 };

static uint32_t result_slots[IMPORTS_MAX];

static bool name_copy(struct iso_str name, char *out)
{
    if (name.len >= NAME_MAX || (name.len != 0 && memchr(name.ptr, 0, name.len) != NULL)) {
        return false;
    }
    iso_memory_copy(out, name.ptr, name.len);
    out[name.len] = '\0';
    return true;
}

static enum iso_err define(struct iso_store *store, const struct iso_import_desc *import,
                           uint32_t index)
{
    char module[NAME_MAX];
    char name[NAME_MAX];
    char params[64];
    char results[64];
    const struct iso_extern_type *type = &import->type;
    static const union iso_slot zero[2] = {{.u64 = 0}, {.u64 = 0}};

    if (!name_copy(import->module, module) || !name_copy(import->name, name)) {
        return ISO_E_ARGUMENT;
    }
    switch (type->kind) {
    case ISO_EXTERN_FUNC:
        if (!type_letters(type->func->params, type->func->param_count, params, sizeof params) ||
            !type_letters(type->func->results, type->func->result_count, results, sizeof results)) {
            return ISO_E_ARGUMENT;
        }
        result_slots[index] = type->func->result_slots;
        return iso_store_define_func(store, &(struct iso_host_func){.module = module,
                                                                    .name = name,
                                                                    .params = params,
                                                                    .results = results,
                                                                    .fn = answer_zero,
                                                                    .ctx = &result_slots[index]});
    case ISO_EXTERN_TABLE:
        return iso_store_define_table(store, module, name, type->value, &type->limits);
    case ISO_EXTERN_MEMORY:
        return iso_store_define_memory(store, module, name, &type->limits);
    default:
        return iso_store_define_global(store, module, name, type->value, type->is_mutable, zero);
    }
}

static void run_exports(struct iso_store *store, struct iso_instance *instance)
{
    const struct iso_module *module = iso_instance_module(instance);
    union iso_slot args[32];

    memset(args, 0x11, sizeof args);
    for (uint32_t i = 0; i < iso_module_export_count(module) && i < 8; i++) {
        struct iso_func *func = iso_instance_export_func_at(instance, i);
        if (func == NULL || iso_func_type(func)->param_slots > ISO_COUNT_OF(args)) {
            continue;
        }
        for (uint32_t p = 0, slot = 0; p < iso_func_type(func)->param_count; p++) {
            uint8_t type = iso_func_type(func)->params[p];
            if (type == ISO_TYPE_FUNCREF || type == ISO_TYPE_EXTERNREF) {
                args[slot].ref = 0;
            }
            slot += type == ISO_TYPE_V128 ? 2 : 1;
        }
        iso_store_set_fuel(store, 20000);
        if (iso_start(store, func, args) == ISO_OK) {
            (void)iso_run(store);
            iso_drop(store);
        }
    }
}

static void instantiate(struct iso_engine *engine, struct iso_module *module)
{
    const struct iso_store_config config = {
        .memory_max_bytes = 16u << 20, .stack_max_bytes = 256u << 10, .table_max_elems = 100000};
    struct iso_store *store = NULL;
    struct iso_instance *instance = NULL;
    struct iso_import_desc import;
    struct iso_report report;

    iso_report_init(&report);
    if (iso_module_import_count(module) > IMPORTS_MAX ||
        iso_store_create(engine, &config, &store) != ISO_OK) {
        return;
    }
    enum iso_err err = ISO_OK;
    for (uint32_t i = 0; i < iso_module_import_count(module) && err == ISO_OK; i++) {
        iso_module_import(module, i, &import);
        err = define(store, &import, i);
    }
    iso_store_set_fuel(store, 20000);
    if (err == ISO_OK) {
        err = iso_instance_create(store, module, &instance, &report);
    }
    if (err == ISO_OK) {
        run_exports(store, instance);
    }
    iso_store_destroy(store);
}

/* All that describes a module can be asked for. */
static void describe(struct iso_module *module)
{
    struct iso_export_desc export;
    struct iso_import_desc import;
    struct iso_section_desc section;
    struct iso_limits limits;
    uint8_t digest[32];
    size_t sum = 0;

    for (uint32_t i = 0; i < iso_module_import_count(module); i++) {
        iso_module_import(module, i, &import);
        sum += import.module.len + import.name.len;
    }
    for (uint32_t i = 0; i < iso_module_export_count(module); i++) {
        iso_module_export(module, i, &export);
        sum += export.name.len;
    }
    for (uint32_t i = 0; i < iso_module_section_count(module); i++) {
        iso_module_section(module, i, &section);
        if (section.offset > iso_module_bytes(module).len ||
            section.size > iso_module_bytes(module).len - section.offset) {
            fuzz_fail("section %u is outside of the module", i);
        }
    }
    for (uint32_t i = 0; i < iso_module_func_count(module); i++) {
        struct iso_str name = iso_module_func_name(module, i);
        sum += name.len + iso_module_func_type(module, i)->param_count;
    }
    sum += iso_module_name(module).len;
    (void)iso_module_memory_limits(module, &limits);
    iso_module_digest(module, digest);
    if (sum == SIZE_MAX) {
        fuzz_fail("names without end");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct iso_engine *engine = fuzz_engine_create(ISO_TRANSLATE_LAZY, 0);
    struct iso_module *module = NULL;
    struct iso_report report;

    iso_report_init(&report);
    enum iso_err err = iso_module_create(engine, data, len, &module, &report);
    if (err == ISO_OK) {
        describe(module);
        err = iso_module_translate(module, NULL, &report);
        if (err != ISO_OK && err != ISO_E_NOMEM && err != ISO_E_LIMIT) {
            fuzz_fail("a valid module is not translated: %s: %s", iso_err_name(err), report.text);
        }
        if (err == ISO_OK) {
            instantiate(engine, module);
        }
        iso_module_destroy(module);
    } else if (err != ISO_E_MALFORMED && err != ISO_E_INVALID && err != ISO_E_LIMIT &&
               err != ISO_E_NOMEM) {
        fuzz_fail("refused with %s", iso_err_name(err));
    } else if (!report.set && err != ISO_E_NOMEM) {
        fuzz_fail("refused without a reason (%s)", iso_err_name(err));
    }
    fuzz_engine_destroy(engine);
    return 0;
}
