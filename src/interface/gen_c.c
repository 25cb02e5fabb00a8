/*
 * Bindings for guests in C: the header. The structs have the canonical ABI's memory layout on
 * wasm32 (Component Model, CanonicalABI.md, "Alignment" and "Size"; the source asserts it), so that
 * lists and records cross the boundary without being rewritten.
 */
#include "interface/gen_c.h"

static const char reserved[] =
    "auto break case char const continue default do double else enum extern float for goto "
    "if inline int long register restrict return short signed sizeof static struct switch "
    "typedef union unsigned void volatile while asm typeof nullptr constexpr bool true false "
    "alignas alignof static_assert thread_local noreturn complex imaginary errno assert "
    "stdin stdout stderr offsetof unix linux alloca setjmp and and_eq bitand bitor compl not "
    "not_eq or or_eq xor xor_eq class catch concept delete explicit export friend mutable "
    "namespace new operator private protected public requires template this throw try typeid "
    "typename using virtual wchar_t isnan isinf main const_cast static_cast dynamic_cast "
    "reinterpret_cast decltype noexcept co_await co_return co_yield consteval constinit";

char *gen_c_member(struct gen_c *gen, struct iso_str name)
{
    return gen_ident_unreserved(&gen->model.arena, name, GEN_SNAKE, reserved);
}

bool gen_c_is_struct(const struct iso_vtype *type)
{
    return type->kind >= ISO_V_STRING && type->kind != ISO_V_ENUM &&
           (type->kind != ISO_V_FLAGS || type->member_count > 32);
}

const char *gen_c_unsigned(uint32_t bytes)
{
    return bytes == 1 ? "uint8_t" : bytes == 2 ? "uint16_t" : "uint32_t";
}

static const char *primitive(enum iso_vkind kind)
{
    static const char *const names[] = {
        [ISO_V_BOOL] = "bool",    [ISO_V_S8] = "int8_t",    [ISO_V_U8] = "uint8_t",
        [ISO_V_S16] = "int16_t",  [ISO_V_U16] = "uint16_t", [ISO_V_S32] = "int32_t",
        [ISO_V_U32] = "uint32_t", [ISO_V_S64] = "int64_t",  [ISO_V_U64] = "uint64_t",
        [ISO_V_F32] = "float",    [ISO_V_F64] = "double",   [ISO_V_CHAR] = "uint32_t",
    };
    return names[kind];
}

void gen_c_put_type(struct gen_c *gen, uint32_t id)
{
    const struct gen_type *entry = &gen->model.types[id];
    if (entry->type->kind < ISO_V_STRING) {
        gen_put(&gen->out, "%s", primitive(entry->type->kind));
    } else {
        gen_put(&gen->out, "%s%s", gen_c_is_struct(entry->type) ? "struct " : "", entry->name);
    }
}

/* ---- Names --------------------------------------------------------------------------------- */

/* A part of the name of an anonymous type: "u32", "string", "shapes_point", "list_u8". */
static const char *part_name(struct gen_c *gen, uint32_t id)
{
    if (id == GEN_NONE) {
        return "void";
    }
    const struct gen_type *entry = &gen->model.types[id];
    if (entry->type->kind <= ISO_V_STRING) {
        return iso_vkind_name(entry->type->kind);
    }
    size_t own = strlen(gen->prefix);
    bool prefixed = entry->name != NULL && strncmp(entry->name, gen->prefix, own) == 0 &&
                    entry->name[own] == '_' && !entry->nominal;
    return prefixed ? entry->name + own + 1 : entry->name;
}

#define LONG_NAME 64u

static char *anonymous_name(struct gen_c *gen, const struct gen_type *entry)
{
    struct iso_arena *arena = &gen->model.arena;
    char *name = gen_join(arena, gen->prefix, "_", iso_vkind_name(entry->type->kind), NULL);
    for (uint32_t i = 0; i < entry->part_count && name != NULL; i++) {
        const char *part = part_name(gen, entry->parts[i]);
        if (part == NULL) {
            return NULL;
        }
        if (strlen(name) + strlen(part) > LONG_NAME) {
            return gen_join(arena, name, "_etc", NULL); /* the claim adds a number */
        }
        name = gen_join(arena, name, "_", part, NULL);
    }
    return name;
}

static char *prefix_of(struct gen_c *gen, const struct iso_wit_interface *interface)
{
    return interface != NULL ? gen_ident(&gen->model.arena, interface->name, GEN_SNAKE)
                             : gen->prefix;
}

/* With the package, for the second interface of one name. */
static char *long_prefix_of(struct gen_c *gen, const struct iso_wit_interface *interface)
{
    struct iso_arena *arena = &gen->model.arena;
    char *prefix = prefix_of(gen, interface);
    if (interface == NULL || interface->package == NULL || prefix == NULL) {
        return prefix;
    }
    char *ns = gen_ident(arena, interface->package->ns, GEN_SNAKE);
    char *pkg = gen_ident(arena, interface->package->name, GEN_SNAKE);
    return ns != NULL && pkg != NULL ? gen_join(arena, ns, "_", pkg, "_", prefix, NULL) : NULL;
}

static char *claim(struct gen_c *gen, const struct iso_wit_interface *interface,
                   struct iso_str name, const char *before)
{
    struct iso_arena *arena = &gen->model.arena;
    char *text = gen_ident(arena, name, GEN_SNAKE);
    char *prefix = prefix_of(gen, interface);
    char *longer = long_prefix_of(gen, interface);
    if (text == NULL || prefix == NULL || longer == NULL) {
        return NULL;
    }
    return gen_names_claim(&gen->names, gen_join(arena, before, prefix, "_", text, NULL),
                           gen_join(arena, before, longer, "_", text, NULL));
}

static bool exported_too(const struct gen_model *model, const struct gen_func *f)
{
    for (uint32_t i = 0; i < model->func_count; i++) {
        const struct gen_func *other = &model->funcs[i];
        bool same = f->interface != NULL ? other->interface == f->interface
                                         : iso_str_equal(other->func->name, f->func->name);
        if (!other->imported && same) {
            return true;
        }
    }
    return false;
}

static enum iso_err name_all(struct gen_c *gen)
{
    struct gen_model *model = &gen->model;
    for (uint32_t i = 0; i < model->func_count; i++) {
        struct gen_func *f = &model->funcs[i];
        bool both = f->imported && exported_too(model, f);
        f->name = claim(gen, f->interface, f->func->name, both ? "import_" : "");
        if (f->name == NULL) {
            return ISO_E_NOMEM;
        }
    }
    for (uint32_t i = 0; i < model->type_count; i++) {
        struct gen_type *entry = &model->types[i];
        if (entry->nominal) {
            entry->name = claim(gen, entry->type->owner, entry->type->name, "");
        } else if (entry->type->kind >= ISO_V_STRING) {
            entry->name = gen_names_claim(&gen->names, anonymous_name(gen, entry), NULL);
        } else {
            continue;
        }
        if (entry->name == NULL) {
            return ISO_E_NOMEM;
        }
    }
    return ISO_OK;
}

/* ---- Types --------------------------------------------------------------------------------- */

static void put_comment(struct gen_c *gen, struct iso_str doc)
{
    if (doc.len != 0) {
        gen_line(&gen->out, "/*");
        gen_doc(&gen->out, doc, " * ", true);
        gen_line(&gen->out, " */");
    }
}

static void put_field(struct gen_c *gen, uint32_t id, const char *name)
{
    gen_begin(&gen->out);
    gen_c_put_type(gen, id);
    gen_put(&gen->out, " %s;\n", name);
}

static void put_record(struct gen_c *gen, const struct gen_type *entry)
{
    gen_open(&gen->out, "struct %s {", entry->name);
    for (uint32_t i = 0; i < entry->part_count; i++) {
        const struct iso_vmember *member = &entry->type->members[i];
        put_comment(gen, member->doc);
        if (entry->type->kind == ISO_V_RECORD) {
            put_field(gen, entry->parts[i], gen_c_member(gen, member->name));
        } else {
            gen_begin(&gen->out);
            gen_c_put_type(gen, entry->parts[i]);
            gen_put(&gen->out, " f%u;\n", i);
        }
    }
    gen_close(&gen->out, "};");
}

static void put_constant(struct gen_c *gen, const struct gen_type *entry, uint32_t index,
                         const char *type, const char *value)
{
    struct iso_arena *arena = &gen->model.arena;
    const struct iso_vmember *member = &entry->type->members[index];
    char *upper = gen_ident(arena, iso_str_from_z(entry->name), GEN_UPPER);
    char *name = gen_ident(arena, member->name, GEN_UPPER);
    char *full = upper != NULL && name != NULL ? gen_join(arena, upper, "_", name, NULL) : NULL;
    put_comment(gen, member->doc);
    gen_line(&gen->out, "#define %s ((%s)%s)", gen_names_claim(&gen->names, full, NULL), type,
             value);
}

static void put_case_constants(struct gen_c *gen, const struct gen_type *entry, const char *type)
{
    for (uint32_t i = 0; i < entry->type->member_count; i++) {
        put_constant(gen, entry, i, type, gen_number(&gen->model.arena, i));
    }
}

static void put_variant(struct gen_c *gen, const struct gen_type *entry)
{
    const char *tag = gen_c_unsigned(iso_vtype_discriminant_size(entry->type->member_count));
    put_case_constants(gen, entry, tag);
    gen_open(&gen->out, "struct %s {", entry->name);
    gen_line(&gen->out, "%s tag; /* which of the constants above; says what val holds */", tag);
    bool any = false;
    for (uint32_t i = 0; i < entry->part_count; i++) {
        any |= entry->parts[i] != GEN_NONE;
    }
    if (any) {
        gen_open(&gen->out, "union {");
        for (uint32_t i = 0; i < entry->part_count; i++) {
            if (entry->parts[i] != GEN_NONE) {
                put_field(gen, entry->parts[i], gen_c_member(gen, entry->type->members[i].name));
            }
        }
        gen_close(&gen->out, "} val;");
    }
    gen_close(&gen->out, "};");
}

static void put_flags(struct gen_c *gen, const struct gen_type *entry)
{
    struct iso_arena *arena = &gen->model.arena;
    uint32_t count = entry->type->member_count;
    if (count > 32) {
        gen_line(&gen->out, "/* Flag number n is bit n %% 32 of words[n / 32]; the numbers: */");
        put_case_constants(gen, entry, "unsigned");
        gen_open(&gen->out, "struct %s {", entry->name);
        gen_line(&gen->out, "uint32_t words[%u];", iso_vtype_flag_words(entry->type));
        gen_close(&gen->out, "};");
        return;
    }
    gen_line(&gen->out, "typedef %s %s;", gen_c_unsigned(gen_flags_size(entry->type)), entry->name);
    for (uint32_t i = 0; i < count; i++) {
        char *number = gen_number(arena, i);
        char *value = number != NULL ? gen_join(arena, "(1u << ", number, ")", NULL) : NULL;
        put_constant(gen, entry, i, entry->name, value);
    }
}

static void put_list(struct gen_c *gen, const struct gen_type *entry)
{
    bool string = entry->type->kind == ISO_V_STRING;
    if (string) {
        gen_line(&gen->out, "/* UTF-8 text of len bytes, not zero-terminated. ptr means nothing "
                            "when len is 0. */");
    } else {
        gen_line(&gen->out, "/* len elements. ptr means nothing when len is 0. */");
    }
    gen_open(&gen->out, "struct %s {", entry->name);
    gen_begin(&gen->out);
    if (string) {
        gen_put(&gen->out, "char");
    } else {
        gen_c_put_type(gen, entry->parts[0]);
    }
    gen_put(&gen->out, " *ptr;\n");
    gen_line(&gen->out, "size_t len;");
    gen_close(&gen->out, "};");
}

static void put_choice(struct gen_c *gen, const struct gen_type *entry)
{
    gen_open(&gen->out, "struct %s {", entry->name);
    if (entry->type->kind == ISO_V_OPTION) {
        gen_line(&gen->out, "bool is_some; /* whether val has a meaning */");
        put_field(gen, entry->parts[0], "val");
    } else {
        gen_line(&gen->out, "bool is_err;");
        if (entry->parts[0] != GEN_NONE || entry->parts[1] != GEN_NONE) {
            gen_open(&gen->out, "union {");
            if (entry->parts[0] != GEN_NONE) {
                put_field(gen, entry->parts[0], "ok");
            }
            if (entry->parts[1] != GEN_NONE) {
                put_field(gen, entry->parts[1], "err");
            }
            gen_close(&gen->out, "} val;");
        }
    }
    gen_close(&gen->out, "};");
}

static void put_type(struct gen_c *gen, const struct gen_type *entry)
{
    if (entry->type->kind < ISO_V_STRING) {
        return;
    }
    gen_blank(&gen->out);
    if (entry->nominal) {
        put_comment(gen, entry->type->doc);
    }
    switch (entry->type->kind) {
    case ISO_V_STRING:
    case ISO_V_LIST:
        put_list(gen, entry);
        break;
    case ISO_V_VARIANT:
        put_variant(gen, entry);
        break;
    case ISO_V_ENUM: {
        const char *tag = gen_c_unsigned(iso_vtype_discriminant_size(entry->type->member_count));
        gen_line(&gen->out, "typedef %s %s;", tag, entry->name);
        put_case_constants(gen, entry, entry->name);
        break;
    }
    case ISO_V_FLAGS:
        put_flags(gen, entry);
        break;
    case ISO_V_OPTION:
    case ISO_V_RESULT:
        put_choice(gen, entry);
        break;
    default:
        put_record(gen, entry);
        break;
    }
}

/* ---- Functions ----------------------------------------------------------------------------- */

void gen_c_put_signature(struct gen_c *gen, const struct gen_func *f)
{
    if (f->result != GEN_NONE) {
        gen_c_put_type(gen, f->result);
    } else {
        gen_put(&gen->out, "void");
    }
    gen_put(&gen->out, " %s(", f->name);
    for (uint32_t i = 0; i < f->func->param_count; i++) {
        gen_put(&gen->out, "%s", i != 0 ? ", " : "");
        gen_c_put_type(gen, f->params[i]);
        gen_put(&gen->out, " %s", gen_c_member(gen, f->func->params[i].name));
    }
    gen_put(&gen->out, "%s)", f->func->param_count == 0 ? "void" : "");
}

/* Whose the memory is, of exactly this function's pointers. */
static void put_ownership(struct gen_c *gen, const struct gen_func *f)
{
    for (uint32_t i = 0; i < f->func->param_count; i++) {
        const struct gen_type *entry = &gen->model.types[f->params[i]];
        if (!entry->pointers) {
            continue;
        }
        const char *name = gen_c_member(gen, f->func->params[i].name);
        if (f->imported) {
            gen_line(&gen->out, " * %s: borrowed for the call; stays yours.", name);
        } else {
            gen_line(&gen->out,
                     " * %s: yours; release it with %s_free(&%s) or put it into the result.", name,
                     entry->name, name);
        }
    }
    if (f->result == GEN_NONE || !gen->model.types[f->result].pointers) {
        return;
    }
    if (f->imported) {
        gen_line(&gen->out, " * Result: yours; release it with %s_free.",
                 gen->model.types[f->result].name);
    } else {
        gen_line(&gen->out,
                 " * Result: taken and released with free(): every pointer in it with a len");
        gen_line(&gen->out,
                 " * above 0 comes from malloc and is in it once; never a literal or an array.");
    }
}

static void put_functions(struct gen_c *gen, bool imported)
{
    bool any = false;
    for (uint32_t i = 0; i < gen->model.func_count; i++) {
        const struct gen_func *f = &gen->model.funcs[i];
        if (f->imported != imported) {
            continue;
        }
        if (!any) {
            gen_blank(&gen->out);
            gen_line(&gen->out, imported ? "/* ---- Imports: call these ---- */"
                                         : "/* ---- Exports: implement these ---- */");
        }
        any = true;
        gen_blank(&gen->out);
        gen_line(&gen->out, "/* %s%s%s", imported ? f->module : "", imported ? "#" : "", f->core);
        gen_doc(&gen->out, f->func->doc, " * ", true);
        put_ownership(gen, f);
        gen_line(&gen->out, " */");
        gen_c_put_signature(gen, f);
        gen_put(&gen->out, ";\n");
    }
}

static void put_free_functions(struct gen_c *gen)
{
    bool any = false;
    for (uint32_t i = 0; i < gen->model.type_count; i++) {
        const struct gen_type *entry = &gen->model.types[i];
        if (!entry->pointers) {
            continue;
        }
        if (!any) {
            gen_blank(&gen->out);
            gen_line(&gen->out,
                     "/* Release what a value points to (not the struct itself), and leave "
                     "it empty. */");
        }
        any = true;
        gen_line(&gen->out, "void %s_free(struct %s *value);", entry->name, entry->name);
    }
}

static void put_string_helpers(struct gen_c *gen)
{
    for (uint32_t i = 0; i < gen->model.type_count; i++) {
        const char *name = gen->model.types[i].name;
        if (gen->model.types[i].type->kind != ISO_V_STRING) {
            continue;
        }
        gen_blank(&gen->out);
        gen_line(&gen->out,
                 "/* A view of zero-terminated text, to pass to imports; never for results. */");
        gen_line(&gen->out, "struct %s %s_view(const char *text);", name, name);
        gen_line(&gen->out,
                 "/* A copy of len bytes from malloc, for results. Traps when memory is short. */");
        gen_line(&gen->out, "struct %s %s_copy(const char *text, size_t len);", name, name);
    }
}

static void put_header(struct gen_c *gen)
{
    struct gen_out *out = &gen->out;
    gen_line(out, "/*");
    gen_line(out,
             " * Bindings of the world \"%.*s\" for guests in C. Generated by isomer bindgen; do "
             "not edit.",
             (int)gen->model.world->name.len, gen->model.world->name.ptr);
    gen_doc(out, gen->model.world->doc, " * ", true);
    gen_line(out, " *");
    gen_line(
        out,
        " * Memory: malloc and free. Structs are passed by value; what they point to belongs to");
    gen_line(out, " * whom the comment at each function says.");
    gen_line(out, " */");
    gen_line(out, "#ifndef %s", gen->guard);
    gen_line(out, "#define %s", gen->guard);
    gen_blank(out);
    gen_line(out, "#include <stdbool.h>");
    gen_line(out, "#include <stddef.h>");
    gen_line(out, "#include <stdint.h>");
    gen_blank(out);
    gen_line(out, "#ifdef __cplusplus");
    gen_line(out, "extern \"C\" {");
    gen_line(out, "#endif");
    for (uint32_t i = 0; i < gen->model.type_count; i++) {
        put_type(gen, &gen->model.types[i]);
    }
    put_free_functions(gen);
    put_string_helpers(gen);
    put_functions(gen, true);
    put_functions(gen, false);
    gen_blank(out);
    gen_line(out, "#ifdef __cplusplus");
    gen_line(out, "}");
    gen_line(out, "#endif");
    gen_blank(out);
    gen_line(out, "#endif");
}

/* ---- Files --------------------------------------------------------------------------------- */

static enum iso_err write_file(struct gen_c *gen, struct iso_str base, const char *suffix,
                               void (*write)(struct gen_c *gen), iso_gen_file_fn file, void *ctx)
{
    struct iso_buf buf;
    iso_buf_init(&buf, gen->model.arena.alloc, GEN_MAX_FILE);
    gen_out_init(&gen->out, &buf);
    write(gen);
    enum iso_err err = gen_model_whole(&gen->model, gen->out.err);
    char *stem = iso_arena_copy_str(&gen->model.arena, base);
    char *name = stem != NULL ? gen_join(&gen->model.arena, stem, suffix, NULL) : NULL;
    if (err == ISO_OK && name == NULL) {
        err = ISO_E_NOMEM;
    }
    if (err == ISO_OK) {
        err = file(ctx, name, iso_buf_view(&buf));
    }
    iso_buf_fini(&buf);
    return err;
}

static enum iso_err prepare(struct gen_c *gen)
{
    struct iso_arena *arena = &gen->model.arena;
    gen_names_init(&gen->names, arena);
    gen->prefix = gen_ident(arena, gen->model.world->name, GEN_SNAKE);
    char *upper = gen_ident(arena, gen->model.world->name, GEN_UPPER);
    if (gen->prefix == NULL || upper == NULL) {
        return ISO_E_NOMEM;
    }
    gen->guard = gen_join(arena, "WIT_", upper, "_H", NULL);
    return gen->guard != NULL ? name_all(gen) : ISO_E_NOMEM;
}

enum iso_err gen_bindings_c(const struct iso_alloc *alloc, const struct iso_wit_world *world,
                            iso_gen_file_fn file, void *ctx, struct iso_report *report)
{
    struct gen_c gen = {.prefix = NULL};
    enum iso_err err = gen_model_init(&gen.model, alloc, world, false);
    if (err == ISO_OK) {
        err = prepare(&gen);
    }
    if (err == ISO_OK) {
        err = write_file(&gen, world->name, ".h", put_header, file, ctx);
    }
    if (err == ISO_OK) {
        err = write_file(&gen, world->name, ".c", gen_c_glue, file, ctx);
    }
    if (err != ISO_OK) {
        iso_report_set(report, "the C bindings of the world \"%.*s\": %s", (int)world->name.len,
                       world->name.ptr, iso_err_text(err));
    }
    gen_model_fini(&gen.model);
    return err;
}
