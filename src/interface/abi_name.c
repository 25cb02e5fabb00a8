/* abi_name.c - core names of functions (Component Model, "Binary", and the conventions of
 * wit-component for core modules), and finding exports by them. */
#include "interface/abi.h"

#define STR(s) (int)(s).len, (s).ptr != NULL ? (s).ptr : ""

void iso_abi_import_module(const struct iso_wit_interface *interface, char *out, size_t cap)
{
    if (interface == NULL) {
        (void)iso_format(out, cap, "$root");
        return;
    }
    const struct iso_wit_package *package = interface->package;
    if (package == NULL) {
        (void)iso_format(out, cap, "%.*s", STR(interface->name));
        return;
    }
    (void)iso_format(out, cap, "%.*s:%.*s/%.*s%s%.*s", STR(package->ns), STR(package->name),
                     STR(interface->name), package->version.len != 0 ? "@" : "",
                     STR(package->version));
}

void iso_abi_export_name(const struct iso_wit_interface *interface, const struct iso_wit_func *func,
                         char *out, size_t cap)
{
    size_t len = 0;
    if (func->core_name.len != 0) {
        (void)iso_format(out, cap, "%.*s", STR(func->core_name));
        return;
    }
    if (interface != NULL) {
        iso_abi_import_module(interface, out, cap);
        len = strlen(out);
        len += iso_format(out + len, cap - len, "#");
    }
    (void)iso_format(out + len, cap - len, "%.*s", STR(func->name));
}

static char fold(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Equal but for case, `-` and `_`? */
static bool like(struct iso_str a, struct iso_str b)
{
    size_t i = 0, k = 0;
    for (;;) {
        while (i < a.len && (a.ptr[i] == '-' || a.ptr[i] == '_')) {
            i++;
        }
        while (k < b.len && (b.ptr[k] == '-' || b.ptr[k] == '_')) {
            k++;
        }
        if (i == a.len || k == b.len) {
            return i == a.len && k == b.len;
        }
        if (fold(a.ptr[i++]) != fold(b.ptr[k++])) {
            return false;
        }
    }
}

struct iso_func *iso_abi_export_find(struct iso_instance *instance, const char *name, bool loose,
                                     bool *ambiguous)
{
    struct iso_func *found = iso_instance_export_func(instance, name);
    const struct iso_module *module = iso_instance_module(instance);
    *ambiguous = false;
    for (uint32_t i = 0; loose && found == NULL && i < iso_module_export_count(module); i++) {
        struct iso_export_desc export;
        iso_module_export(module, i, &export);
        if (export.type.kind != ISO_EXTERN_FUNC || !like(export.name, iso_str_from_z(name))) {
            continue;
        }
        found = iso_instance_export_func_at(instance, i);
        for (uint32_t k = i + 1; k < iso_module_export_count(module); k++) {
            iso_module_export(module, k, &export);
            *ambiguous = *ambiguous || (export.type.kind == ISO_EXTERN_FUNC &&
                                        like(export.name, iso_str_from_z(name)));
        }
    }
    return *ambiguous ? NULL : found;
}
