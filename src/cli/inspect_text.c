/* A module as text. */
#include "cli/inspect.h"

#include "cli/message.h"
#include "cli/status.h"
#include "cli/values.h"

#include <inttypes.h>

bool iso_cli_module_exports_func(const struct iso_module *module, const char *name)
{
    uint32_t count = iso_module_export_count(module);
    for (uint32_t i = 0; i < count; i++) {
        struct iso_export_desc desc;
        iso_module_export(module, i, &desc);
        if (desc.type.kind == ISO_EXTERN_FUNC && iso_str_equal_z(desc.name, name)) {
            return true;
        }
    }
    return false;
}

const char *iso_cli_module_kind(const struct iso_module *module)
{
    if (iso_cli_module_exports_func(module, "_start")) {
        return "command";
    }
    return iso_cli_module_exports_func(module, "_initialize") ? "reactor" : "library";
}

/* Names, cut to a length that a terminal shows. */
static void print_name(struct iso_str name)
{
    enum { SHOWN = 200 };
    iso_cli_print_str(stdout, iso_str_from(name.ptr, name.len < SHOWN ? name.len : SHOWN));
    if (name.len > SHOWN) {
        fputs("...", stdout);
    }
}

static void print_limits(const struct iso_limits *limits, const char *unit)
{
    printf("%" PRIu32 " %s", limits->min, unit);
    if (limits->has_max) {
        printf(", at most %" PRIu32, limits->max);
    }
}

static void print_extern(const struct iso_extern_type *type)
{
    printf("%-9s", iso_extern_kind_name(type->kind));
    switch (type->kind) {
    case ISO_EXTERN_FUNC:
        iso_cli_func_type_print(stdout, type->func);
        break;
    case ISO_EXTERN_TABLE:
        print_limits(&type->limits, iso_type_name(type->value));
        break;
    case ISO_EXTERN_MEMORY:
        print_limits(&type->limits, "pages");
        break;
    case ISO_EXTERN_GLOBAL:
        printf("%s%s", type->is_mutable ? "mutable " : "", iso_type_name(type->value));
        break;
    }
}

static void print_sections(const struct iso_module *module)
{
    uint32_t count = iso_module_section_count(module);
    printf("\nSections (%" PRIu32 ")\n      offset        size  name\n", count);
    for (uint32_t i = 0; i < count; i++) {
        struct iso_section_desc desc;
        iso_module_section(module, i, &desc);
        printf("  0x%08" PRIx64 "  %10" PRIu64 "  %s", desc.offset, desc.size,
               desc.id == 0 ? "custom: " : "");
        print_name(desc.name);
        putchar('\n');
    }
}

static void print_imports(const struct iso_module *module)
{
    uint32_t count = iso_module_import_count(module);
    printf("\nImports (%" PRIu32 ")\n", count);
    for (uint32_t i = 0; i < count; i++) {
        struct iso_import_desc desc;
        iso_module_import(module, i, &desc);
        fputs("  ", stdout);
        print_extern(&desc.type);
        fputs("  ", stdout);
        print_name(desc.module);
        putchar('.');
        print_name(desc.name);
        putchar('\n');
    }
}

static void print_exports(const struct iso_module *module)
{
    uint32_t count = iso_module_export_count(module);
    printf("\nExports (%" PRIu32 ")\n", count);
    for (uint32_t i = 0; i < count; i++) {
        struct iso_export_desc desc;
        iso_module_export(module, i, &desc);
        fputs("  ", stdout);
        print_extern(&desc.type);
        fputs("  ", stdout);
        print_name(desc.name);
        putchar('\n');
    }
}

static void print_memory(const struct iso_module *module)
{
    struct iso_limits limits;
    char size[32];
    if (!iso_module_memory_limits(module, &limits)) {
        puts("memory     none");
        return;
    }
    (void)iso_format_size(size, (uint64_t)limits.min * 65536);
    printf("memory     %s (%" PRIu32 " pages)", size, limits.min);
    if (limits.has_max) {
        (void)iso_format_size(size, (uint64_t)limits.max * 65536);
        printf(", at most %s", size);
    }
    putchar('\n');
}

static void print_function_names(const struct iso_module *module)
{
    enum { SHOWN = 20 };
    uint32_t count = iso_module_func_count(module), named = 0;
    for (uint32_t i = 0; i < count; i++) {
        named += iso_module_func_name(module, i).len != 0 ? 1u : 0u;
    }
    printf("\nFunction names (%" PRIu32 ")\n", named);
    for (uint32_t i = 0, shown = 0; i < count && shown < SHOWN; i++) {
        struct iso_str name = iso_module_func_name(module, i);
        if (name.len != 0) {
            printf("  %6" PRIu32 "  ", i);
            print_name(name);
            putchar('\n');
            shown++;
        }
    }
    if (named > SHOWN) {
        printf("  and %" PRIu32 " more; --json has them all\n", named - SHOWN);
    }
}

int iso_cli_inspect_module_text(const char *path, struct iso_module *module)
{
    uint8_t digest[ISO_SHA256_SIZE];
    char hex[2 * ISO_SHA256_SIZE + 1];
    iso_module_digest(module, digest);
    iso_hex_encode(digest, sizeof digest, hex);
    iso_cli_print_str(stdout, iso_str_from_z(path));
    printf(": WebAssembly module, %zu bytes\n\ndigest     sha256:%s\n",
           iso_module_bytes(module).len, hex);
    struct iso_str name = iso_module_name(module);
    if (name.len != 0) {
        fputs("name       ", stdout);
        print_name(name);
        putchar('\n');
    }
    printf("kind       %s\n", iso_cli_module_kind(module));
    iso_cli_inspect_interface_line(path, module);
    print_memory(module);
    printf("contents   %" PRIu32 " functions, %" PRIu32 " tables, %" PRIu32 " globals, %" PRIu32
           " data and %" PRIu32 " element segments (imported ones included)\n",
           iso_module_func_count(module), iso_module_table_count(module),
           iso_module_global_count(module), iso_module_data_count(module),
           iso_module_elem_count(module));
    print_sections(module);
    print_imports(module);
    print_exports(module);
    print_function_names(module);
    return ISO_CLI_OK;
}
