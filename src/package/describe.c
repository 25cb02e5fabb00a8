/* What a module is and what it needs, for the planner and the type checker. */
#include "package/package.h"

#include "platform/platform.h"

enum {
    ARENA_MAX_BYTES = 4 << 20,
    WIT_MAX_BYTES = 16 << 20,
    PAGE_BYTES = 65536,
    NEEDS_MAX = 1024 /* module names in its imports */
};

#define WASI_MODULE "wasi_snapshot_preview1"

/* ---- Needs -------------------------------------------------------------------------------------
 */

/* NULL: there are NEEDS_MAX already. */
static struct iso_need *need_of(struct iso_description *description, struct iso_str module)
{
    for (uint32_t i = 0; i < description->need_count; i++) {
        if (iso_str_equal(description->needs[i].module, module)) {
            return &description->needs[i];
        }
    }
    if (description->need_count == NEEDS_MAX) {
        return NULL;
    }
    struct iso_need *need = &description->needs[description->need_count++];
    need->module = module;
    return need;
}

/* The interface that the world imports under this name. */
static const struct iso_wit_interface *declared(const struct iso_wit_world *world,
                                                struct iso_str module)
{
    for (uint32_t i = 0; i < world->import_count; i++) {
        char name[512];
        const struct iso_wit_interface *interface = world->imports[i].interface;
        if (interface != NULL) {
            iso_abi_import_module(interface, name, sizeof name);
            if (iso_str_equal_z(module, name)) {
                return interface;
            }
        }
    }
    return NULL;
}

static enum iso_err find_needs(struct iso_description *description, struct iso_report *report)
{
    const uint32_t count = iso_module_import_count(description->module);
    description->needs = iso_arena_array(&description->arena, count < NEEDS_MAX ? count : NEEDS_MAX,
                                         sizeof *description->needs);
    if (description->needs == NULL) {
        return ISO_E_NOMEM;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct iso_import_desc import;
        iso_module_import(description->module, i, &import);
        struct iso_need *need = need_of(description, import.module);
        if (need == NULL) {
            return iso_fail(report, ISO_E_LIMIT, "it imports from more than %d modules", NEEDS_MAX);
        }
        need->count++;
    }
    for (uint32_t i = 0; i < description->need_count; i++) {
        struct iso_need *need = &description->needs[i];
        need->interface = declared(description->interface.world, need->module);
        need->kind = need->interface != NULL                                   ? ISO_NEED_INTERFACE
                     : iso_str_equal_z(need->module, WASI_MODULE)              ? ISO_NEED_WASI
                     : memchr(need->module.ptr, ':', need->module.len) != NULL ? ISO_NEED_INTERFACE
                                                                               : ISO_NEED_OTHER;
    }
    return ISO_OK;
}

/* ---- Memory and features -----------------------------------------------------------------------
 */

static void find_memory(struct iso_description *description)
{
    struct iso_limits limits;
    description->memory_max_bytes = UINT64_MAX;
    if (!iso_module_memory_limits(description->module, &limits)) {
        description->memory_max_bytes = 0;
        return;
    }
    description->memory_min_bytes = (uint64_t)limits.min * PAGE_BYTES;
    if (limits.has_max) {
        description->memory_max_bytes = (uint64_t)limits.max * PAGE_BYTES;
    }
}

static bool needs_wasi(const struct iso_description *description)
{
    for (uint32_t i = 0; i < description->need_count; i++) {
        if (description->needs[i].kind == ISO_NEED_WASI) {
            return true;
        }
    }
    return false;
}

static void add_feature(struct iso_description *description, const char *name)
{
    for (uint32_t i = 0; i < description->feature_count; i++) {
        if (strcmp(description->feature_list[i], name) == 0) {
            return;
        }
    }
    ISO_ASSERT(description->feature_count < ISO_COUNT_OF(description->feature_list));
    description->feature_list[description->feature_count++] = name;
}

/* A number of LEB128 below 2^28; false when it is none. */
static bool take_number(struct iso_bytes *at, size_t *out)
{
    size_t value = 0;
    for (unsigned shift = 0; shift < 28 && at->len != 0; shift += 7) {
        const uint8_t byte = at->ptr[0];
        *at = iso_bytes_from(at->ptr + 1, at->len - 1);
        value |= (size_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            *out = value;
            return true;
        }
    }
    return false;
}

/* The custom section by which compilers say what they used
 * (https://github.com/WebAssembly/tool-conventions, "Linking.md", target features): a list of '+'
 * or '-' and a name. Validation finds out what is really there. */
static void read_target_features(struct iso_description *description, struct iso_bytes at)
{
    static const struct {
        const char *theirs;
        const char *ours;
    } names[] = {{"mutable-globals", "mutable-globals"},
                 {"sign-ext", "sign-extension"},
                 {"nontrapping-fptoint", "saturating-conversions"},
                 {"multivalue", "multi-value"},
                 {"bulk-memory", "bulk-memory"},
                 {"reference-types", "reference-types"},
                 {"simd128", "simd128"}};
    size_t count = 0, len = 0;
    if (!take_number(&at, &count)) {
        return;
    }
    while (count-- != 0 && at.len > 1) {
        const bool used = at.ptr[0] == '+';
        at = iso_bytes_from(at.ptr + 1, at.len - 1);
        if (!take_number(&at, &len) || len > at.len) {
            return;
        }
        const struct iso_str name = iso_str_from((const char *)at.ptr, len);
        for (size_t i = 0; used && i < ISO_COUNT_OF(names); i++) {
            if (iso_str_equal_z(name, names[i].theirs)) {
                add_feature(description, names[i].ours);
            }
        }
        at = iso_bytes_from(at.ptr + len, at.len - len);
    }
}

static bool has_vector(const uint8_t *types, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (types[i] == ISO_TYPE_V128) {
            return true;
        }
    }
    return false;
}

static void read_function_types(struct iso_description *description)
{
    for (uint32_t i = 0; i < iso_module_func_count(description->module); i++) {
        const struct iso_func_type *type = iso_module_func_type(description->module, i);
        if (type->result_count > 1) {
            add_feature(description, "multi-value");
        }
        if (has_vector(type->params, type->param_count) ||
            has_vector(type->results, type->result_count)) {
            add_feature(description, "simd128");
        }
    }
}

static void find_features(struct iso_description *description)
{
    description->features = description->feature_list;
    for (uint32_t i = 0; i < iso_module_section_count(description->module); i++) {
        struct iso_section_desc section;
        iso_module_section(description->module, i, &section);
        if (section.id == 0 && iso_str_equal_z(section.name, "target_features")) {
            read_target_features(
                description,
                iso_bytes_from(description->bytes.ptr + section.offset, (size_t)section.size));
        }
    }
    read_function_types(description);
    if (needs_wasi(description)) {
        add_feature(description, "wasi-preview1");
    }
}

/* ---- All together ------------------------------------------------------------------------------
 */

static bool is_command(const struct iso_module *module)
{
    for (uint32_t i = 0; i < iso_module_export_count(module); i++) {
        struct iso_export_desc export;
        iso_module_export(module, i, &export);
        if (export.type.kind == ISO_EXTERN_FUNC && iso_str_equal_z(export.name, "_start")) {
            return true;
        }
    }
    return false;
}

static enum iso_err describe(struct iso_description *description, struct iso_bytes wit,
                             const char *wit_name, struct iso_report *report)
{
    const struct iso_engine_config config = {.platform = iso_platform_posix()};
    const struct iso_wit_source source = {.name = wit_name != NULL ? wit_name : "interface",
                                          .text = wit};
    enum iso_err err = iso_engine_create(&config, &description->engine);
    if (err == ISO_OK) {
        err = iso_module_create(description->engine, description->bytes.ptr, description->bytes.len,
                                &description->module, report);
    }
    if (err == ISO_OK) {
        err = iso_module_interface_find(iso_alloc_libc(), description->module,
                                        wit.len != 0 ? &source : NULL, &description->interface,
                                        report);
    }
    err = err != ISO_OK ? err : iso_wit_print(&description->interface.wit, &description->wit);
    err = err != ISO_OK ? err : find_needs(description, report);
    if (err == ISO_OK) {
        iso_module_digest(description->module, description->digest);
        description->is_command = is_command(description->module);
        find_memory(description);
        find_features(description);
    }
    return err;
}

enum iso_err iso_describe(struct iso_bytes bytes, struct iso_bytes wit, const char *wit_name,
                          struct iso_description **out, struct iso_report *report)
{
    if (bytes.len > ISO_PACKAGE_MAX_BYTES || wit.len > ISO_PACKAGE_MAX_BESIDE_BYTES) {
        return iso_fail(report, ISO_E_LIMIT, "a module has at most 256 MiB, its WIT text 1 MiB");
    }
    struct iso_description *description = iso_alloc_new(iso_alloc_libc(), sizeof *description);
    if (description == NULL) {
        return iso_fail(report, ISO_E_NOMEM, "not enough memory to look at a module");
    }
    description->bytes = bytes;
    description->size_bytes = bytes.len;
    iso_buf_init(&description->wit, iso_alloc_libc(), WIT_MAX_BYTES);
    iso_arena_init(&description->arena, iso_alloc_libc(), 0, ARENA_MAX_BYTES);
    enum iso_err err = describe(description, wit, wit_name, report);
    if (err != ISO_OK) {
        iso_description_destroy(description);
        return iso_fail(report, err, "the module cannot be used: %s", iso_report_text(NULL, err));
    }
    *out = description;
    return ISO_OK;
}

void iso_description_destroy(struct iso_description *description)
{
    if (description == NULL) {
        return;
    }
    iso_module_interface_fini(&description->interface);
    iso_module_destroy(description->module);
    iso_engine_destroy(description->engine);
    iso_buf_fini(&description->wit);
    iso_arena_fini(&description->arena);
    iso_alloc_free(iso_alloc_libc(), description, sizeof *description);
}
