/*
 * module_derive.c - interfaces of modules that bring none: of a command one function that runs it,
 * else its exported functions over numbers.
 *
 * i32 is s32, i64 s64; core modules do not say whether they mean unsigned numbers. Export names
 * that WIT does not allow are changed (`fibIter2` is fib-iter2); the function keeps the export's
 * name.
 */
#include "interface/module_sections.h"
#include "interface/wit_limits.h"
#include "interface/wit_syntax.h"

#include "base/format.h"

bool iso_module_is_command(const struct iso_module *module)
{
    for (uint32_t i = 0; i < iso_module_export_count(module); i++) {
        struct iso_export_desc export;
        iso_module_export(module, i, &export);
        if (iso_str_equal_z(export.name, "_start") && export.type.kind == ISO_EXTERN_FUNC &&
            export.type.func->param_count == 0 && export.type.func->result_count == 0) {
            return true;
        }
    }
    return false;
}

enum iso_err iso_module_derive_command(const struct iso_alloc *alloc, struct iso_wit *out,
                                       struct iso_report *report)
{
    static const char text[] =
        "package isomer:command;\n"
        "/// A program: it is run from its beginning to its end.\n"
        "world command {\n"
        "    /// What the program wrote, and its exit status.\n"
        "    record outcome {\n"
        "        stdout: list<u8>,\n"
        "        stderr: list<u8>,\n"
        "        status: u32,\n"
        "    }\n"
        "    /// Run the program with these arguments, environment variables and standard input.\n"
        "    export run: func(args: list<string>, env: list<tuple<string, string>>,\n"
        "                     stdin: list<u8>) -> outcome;\n"
        "}\n";
    const struct iso_wit_source source = {.name = "command.wit",
                                          .text = iso_bytes_from(text, sizeof text - 1)};
    return iso_wit_parse(alloc, &source, 1, out, report);
}

/* ---- From exports --- */

struct derived {
    struct iso_arena *arena;
    struct iso_wit_func *funcs;
    struct iso_wit_item *items;
    uint32_t count;
    struct iso_buf notes; /* on what is left out */
    uint32_t left_out;
};

enum { NOTES_MAX = 20 };

/* A name as WIT has it from any name: lower-case words of letters and digits. */
static size_t kebab_name(struct iso_str name, char *out, size_t cap)
{
    size_t len = 0;
    bool was_lower = false, hyphen = false;
    for (size_t i = 0; i < name.len && len + 3 < cap; i++) {
        uint8_t c = (uint8_t)name.ptr[i];
        bool upper = c >= 'A' && c <= 'Z', digit = c >= '0' && c <= '9';
        bool lower = c >= 'a' && c <= 'z';
        if (!upper && !digit && !lower) {
            hyphen = true;
            was_lower = false;
            continue;
        }
        if ((hyphen || (upper && was_lower)) && len > 0) {
            out[len++] = '-';
        }
        if (digit && len == 0) {
            out[len++] = 'f';
        }
        out[len++] = upper ? (char)(c - 'A' + 'a') : (char)c;
        was_lower = lower || digit;
        hyphen = false;
    }
    return len;
}

/* What the module's own toolchain calls, not people. */
static bool is_machinery(struct iso_str name)
{
    return iso_str_equal_z(name, "_initialize") || iso_str_equal_z(name, "_start") ||
           iso_str_equal_z(name, "cabi_realloc") ||
           (name.len >= 2 && memcmp(name.ptr, "__", 2) == 0);
}

static const struct iso_vtype *number_type(uint8_t type)
{
    switch (type) {
    case ISO_TYPE_I32:
        return iso_vtype_primitive(ISO_V_S32);
    case ISO_TYPE_I64:
        return iso_vtype_primitive(ISO_V_S64);
    case ISO_TYPE_F32:
        return iso_vtype_primitive(ISO_V_F32);
    case ISO_TYPE_F64:
        return iso_vtype_primitive(ISO_V_F64);
    default:
        return NULL;
    }
}

/* Why a signature cannot be described; NULL: it can. */
static const char *refusal(const struct iso_func_type *type)
{
    if (type->result_count > 1) {
        return "it has several results";
    }
    if (type->param_count > ISO_WIT_MAX_MEMBERS) {
        return "it has too many parameters";
    }
    for (uint32_t i = 0; i < type->param_count; i++) {
        if (number_type(type->params[i]) == NULL) {
            return "a parameter is a vector or a reference";
        }
    }
    if (type->result_count == 1 && number_type(type->results[0]) == NULL) {
        return "its result is a vector or a reference";
    }
    return NULL;
}

static enum iso_err leave_out(struct derived *derived, struct iso_str name, const char *why)
{
    char text[200];
    derived->left_out++;
    if (derived->left_out > NOTES_MAX) {
        return ISO_OK;
    }
    size_t len = iso_format(text, sizeof text, "%sLeft out: '%.*s', because %s.",
                            derived->left_out > 1 ? "\n" : "", ISO_WIT_SHOW(name), why);
    /* A name may hold what a comment may not. */
    for (size_t i = derived->left_out > 1 ? 1 : 0; i < len; i++) {
        text[i] = (uint8_t)text[i] < ' ' || (uint8_t)text[i] >= 0x7f ? '?' : text[i];
    }
    return iso_buf_append(&derived->notes, text, len);
}

static enum iso_err copy(struct derived *derived, const char *text, size_t len, struct iso_str *out)
{
    char *kept = iso_arena_copy_str(derived->arena, iso_str_from(text, len));
    if (kept == NULL) {
        return ISO_E_NOMEM;
    }
    *out = iso_str_from(kept, len);
    return ISO_OK;
}

static enum iso_err add_func(struct derived *derived, struct iso_str name,
                             const struct iso_func_type *type, const char *kebab, size_t kebab_len)
{
    struct iso_wit_func *func = &derived->funcs[derived->count];
    struct iso_wit_param *params =
        iso_arena_array(derived->arena, type->param_count, sizeof *params);
    if (params == NULL) {
        return ISO_E_NOMEM;
    }
    enum iso_err err = copy(derived, kebab, kebab_len, &func->name);
    if (err == ISO_OK) {
        err = copy(derived, name.ptr, name.len, &func->core_name);
    }
    for (uint32_t i = 0; i < type->param_count && err == ISO_OK; i++) {
        char param[16];
        size_t len = iso_format(param, sizeof param, "p%u", (unsigned)i);
        err = copy(derived, param, len, &params[i].name);
        params[i].type = number_type(type->params[i]);
    }
    func->params = params;
    func->param_count = type->param_count;
    func->result = type->result_count == 1 ? number_type(type->results[0]) : NULL;
    if (err == ISO_OK) {
        derived->items[derived->count++] = (struct iso_wit_item){.name = func->name, .func = func};
    }
    return err;
}

static enum iso_err add_export(struct derived *derived, const struct iso_export_desc *export)
{
    char kebab[ISO_WIT_MAX_NAME];
    if (export->type.kind != ISO_EXTERN_FUNC || is_machinery(export->name)) {
        return ISO_OK;
    }
    size_t len = kebab_name(export->name, kebab, sizeof kebab);
    const char *why = refusal(export->type.func);
    if (len == 0) {
        why = "its name has neither letters nor digits";
    }
    if (derived->count == ISO_WIT_MAX_ITEMS) {
        why = "there are too many functions";
    }
    for (uint32_t i = 0; i < derived->count && why == NULL; i++) {
        if (iso_str_equal(derived->items[i].name, iso_str_from(kebab, len))) {
            why = "another export has nearly the same name";
        }
    }
    return why != NULL ? leave_out(derived, export->name, why)
                       : add_func(derived, export->name, export->type.func, kebab, len);
}

static enum iso_err collect(struct derived *derived, const struct iso_module *module)
{
    uint32_t count = iso_module_export_count(module);
    uint32_t room = count < ISO_WIT_MAX_ITEMS ? count : ISO_WIT_MAX_ITEMS;
    derived->funcs = iso_arena_array(derived->arena, room, sizeof *derived->funcs);
    derived->items = iso_arena_array(derived->arena, room, sizeof *derived->items);
    if (derived->funcs == NULL || derived->items == NULL) {
        return ISO_E_NOMEM;
    }
    enum iso_err err = ISO_OK;
    for (uint32_t i = 0; i < count && err == ISO_OK; i++) {
        struct iso_export_desc export;
        iso_module_export(module, i, &export);
        err = add_export(derived, &export);
    }
    return err;
}

static enum iso_err build_world(struct derived *derived, struct iso_wit *out)
{
    struct iso_wit_package *package = iso_arena_alloc(derived->arena, sizeof *package);
    struct iso_wit_world *world = iso_arena_alloc(derived->arena, sizeof *world);
    const struct iso_wit_world **worlds =
        iso_arena_array(derived->arena, 1, sizeof(const struct iso_wit_world *));
    if (package == NULL || world == NULL || worlds == NULL) {
        return ISO_E_NOMEM;
    }
    *package =
        (struct iso_wit_package){.ns = iso_str_from_z("isomer"), .name = iso_str_from_z("derived")};
    world->package = package;
    world->name = iso_str_from_z("module");
    world->exports = derived->items;
    world->export_count = derived->count;
    worlds[0] = world;
    out->package = package;
    out->worlds = worlds;
    out->world_count = 1;
    return derived->notes.len == 0
               ? ISO_OK
               : copy(derived, (const char *)derived->notes.ptr, derived->notes.len, &world->doc);
}

enum iso_err iso_module_derive(const struct iso_alloc *alloc, const struct iso_module *module,
                               struct iso_wit *out, struct iso_report *report)
{
    *out = (struct iso_wit){.package = NULL};
    iso_arena_init(&out->arena, alloc, 0, ISO_WIT_MAX_MEMORY);
    struct derived derived = {.arena = &out->arena};
    iso_buf_init(&derived.notes, alloc, ISO_WIT_MAX_BYTES);
    enum iso_err err = collect(&derived, module);
    if (err == ISO_OK && derived.count == 0) {
        const char *first = derived.notes.len != 0 ? (const char *)derived.notes.ptr : "";
        const char *line_end =
            derived.notes.len != 0 ? memchr(first, '\n', derived.notes.len) : NULL;
        size_t len = line_end != NULL ? (size_t)(line_end - first) : derived.notes.len;
        err = iso_fail(report, ISO_E_UNSUPPORTED,
                       "the module brings no interface, and none can be derived: it exports no "
                       "function over numbers. %.*s",
                       (int)len, first);
    }
    if (err == ISO_OK) {
        err = build_world(&derived, out);
    }
    iso_buf_fini(&derived.notes);
    return err;
}
