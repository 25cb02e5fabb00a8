/* A module as JSON. docs/cli.md has an example. */
#include "cli/inspect.h"

#include "base/json_member.h"
#include "cli/status.h"

static void write_types(struct iso_json *json, const char *key, const uint8_t *types,
                        uint32_t count)
{
    iso_json_put_array_begin(json, key);
    for (uint32_t i = 0; i < count; i++) {
        iso_json_z(json, iso_type_name((enum iso_type)types[i]));
    }
    iso_json_array_end(json);
}

static void write_limits(struct iso_json *json, const struct iso_limits *limits)
{
    iso_json_put_u64(json, "min", limits->min);
    iso_json_key(json, "max");
    if (limits->has_max) {
        iso_json_u64(json, limits->max);
    } else {
        iso_json_null(json);
    }
}

/* Members of the object of an import or export. */
static void write_extern(struct iso_json *json, const struct iso_extern_type *type)
{
    iso_json_put_z(json, "kind", iso_extern_kind_name(type->kind));
    switch (type->kind) {
    case ISO_EXTERN_FUNC:
        write_types(json, "params", type->func->params, type->func->param_count);
        write_types(json, "results", type->func->results, type->func->result_count);
        break;
    case ISO_EXTERN_TABLE:
        iso_json_put_z(json, "type", iso_type_name(type->value));
        write_limits(json, &type->limits);
        break;
    case ISO_EXTERN_MEMORY:
        write_limits(json, &type->limits);
        break;
    case ISO_EXTERN_GLOBAL:
        iso_json_put_z(json, "type", iso_type_name(type->value));
        iso_json_put_bool(json, "mutable", type->is_mutable);
        break;
    }
}

static void write_sections(struct iso_json *json, const struct iso_module *module)
{
    uint32_t count = iso_module_section_count(module);
    iso_json_put_array_begin(json, "sections");
    for (uint32_t i = 0; i < count; i++) {
        struct iso_section_desc desc;
        iso_module_section(module, i, &desc);
        iso_json_object_begin(json);
        iso_json_put_u64(json, "id", desc.id);
        iso_json_put_string(json, "name", desc.name);
        iso_json_put_bool(json, "custom", desc.id == 0);
        iso_json_put_u64(json, "offset", desc.offset);
        iso_json_put_u64(json, "size", desc.size);
        iso_json_object_end(json);
    }
    iso_json_array_end(json);
}

static void write_imports(struct iso_json *json, const struct iso_module *module)
{
    uint32_t count = iso_module_import_count(module);
    iso_json_put_array_begin(json, "imports");
    for (uint32_t i = 0; i < count; i++) {
        struct iso_import_desc desc;
        iso_module_import(module, i, &desc);
        iso_json_object_begin(json);
        iso_json_put_string(json, "module", desc.module);
        iso_json_put_string(json, "name", desc.name);
        write_extern(json, &desc.type);
        iso_json_object_end(json);
    }
    iso_json_array_end(json);
}

static void write_exports(struct iso_json *json, const struct iso_module *module)
{
    uint32_t count = iso_module_export_count(module);
    iso_json_put_array_begin(json, "exports");
    for (uint32_t i = 0; i < count; i++) {
        struct iso_export_desc desc;
        iso_module_export(module, i, &desc);
        iso_json_object_begin(json);
        iso_json_put_string(json, "name", desc.name);
        iso_json_put_u64(json, "index", desc.index);
        write_extern(json, &desc.type);
        iso_json_object_end(json);
    }
    iso_json_array_end(json);
}

static void write_counts(struct iso_json *json, const struct iso_module *module)
{
    const struct {
        const char *key;
        uint32_t count;
    } counts[] = {
        {"functions", iso_module_func_count(module)},
        {"tables", iso_module_table_count(module)},
        {"memories", iso_module_memory_count(module)},
        {"globals", iso_module_global_count(module)},
        {"data_segments", iso_module_data_count(module)},
        {"element_segments", iso_module_elem_count(module)},
    };
    iso_json_put_object_begin(json, "counts");
    for (size_t i = 0; i < ISO_COUNT_OF(counts); i++) {
        iso_json_put_u64(json, counts[i].key, counts[i].count);
    }
    iso_json_object_end(json);
}

static void write_identity(struct iso_json *json, const char *path, struct iso_module *module)
{
    uint8_t digest[ISO_SHA256_SIZE];
    char hex[2 * ISO_SHA256_SIZE + 1];
    struct iso_str name = iso_module_name(module);
    iso_module_digest(module, digest);
    iso_hex_encode(digest, sizeof digest, hex);
    iso_json_put_z(json, "file", path);
    iso_json_put_z(json, "format", "module");
    iso_json_put_u64(json, "size", iso_module_bytes(module).len);
    iso_json_put_z(json, "sha256", hex);
    iso_json_key(json, "name");
    if (name.len != 0) {
        iso_json_string(json, name);
    } else {
        iso_json_null(json);
    }
    iso_json_put_z(json, "kind", iso_cli_module_kind(module));
}

static void write_memory(struct iso_json *json, const struct iso_module *module)
{
    struct iso_limits limits;
    iso_json_key(json, "memory");
    if (!iso_module_memory_limits(module, &limits)) {
        iso_json_null(json);
        return;
    }
    iso_json_object_begin(json);
    write_limits(json, &limits);
    iso_json_put_u64(json, "page_size", 65536);
    iso_json_object_end(json);
}

/* Names of functions by index; those without one are left out. */
static void write_function_names(struct iso_json *json, const struct iso_module *module)
{
    uint32_t count = iso_module_func_count(module);
    iso_json_put_object_begin(json, "function_names");
    for (uint32_t i = 0; i < count; i++) {
        struct iso_str name = iso_module_func_name(module, i);
        if (name.len != 0) {
            char key[16];
            (void)iso_format(key, sizeof key, "%u", (unsigned)i);
            iso_json_put_string(json, key, name);
        }
    }
    iso_json_object_end(json);
}

int iso_cli_inspect_module_json(const char *path, struct iso_module *module)
{
    struct iso_buf out;
    struct iso_json json;
    iso_buf_init(&out, iso_alloc_libc(), SIZE_MAX);
    iso_json_init_buf(&json, &out, 2);
    iso_json_object_begin(&json);
    write_identity(&json, path, module);
    iso_cli_inspect_interface_member(&json, path, module);
    write_memory(&json, module);
    write_counts(&json, module);
    write_sections(&json, module);
    write_imports(&json, module);
    write_exports(&json, module);
    write_function_names(&json, module);
    iso_json_object_end(&json);
    int status = iso_cli_print_json(&out, iso_json_finish(&json));
    iso_buf_fini(&out);
    return status;
}
