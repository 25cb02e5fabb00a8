/*
 * Bindings for guests in AssemblyScript: classes for types, and the functions that move their
 * values between objects, memory and core values (Component Model, CanonicalABI.md, "Loading",
 * "Storing", "Flat Lifting", "Flat Lowering").
 */
#include "interface/gen_as.h"

static const char reserved[] =
    "abstract any as async await boolean bool break case catch class const constructor "
    "continue debugger declare default delete do else enum export extends false finally for "
    "from function get if implements import in infer instanceof interface is isize keyof let "
    "module namespace never new null number object of override package private protected "
    "public readonly require return set static string super switch symbol this throw true "
    "try type typeof undefined unknown usize var void while with yield i8 i16 i32 i64 u8 u16 "
    "u32 u64 f32 f64 v128 load store memory heap changetype reinterpret unchecked tag "
    "prototype eval arguments NaN Infinity isNaN isFinite abort trace seed";

char *gen_as_ident(struct gen_as *gen, struct iso_str name)
{
    return gen_ident_unreserved(&gen->model.arena, name, GEN_CAMEL, reserved);
}

void gen_as_put_type(struct gen_as *gen, uint32_t id)
{
    const struct gen_type *entry = &gen->model.types[id];
    if (entry->type->kind <= ISO_V_STRING) {
        gen_put(&gen->out, "%s", gen_as_primitive(entry->type->kind));
    } else if (entry->type->kind == ISO_V_LIST) {
        const char *array = gen_as_typed_array(entry->type->element->kind);
        gen_put(&gen->out, "%s", array != NULL ? array : "Array<");
        if (array == NULL) {
            gen_as_put_type(gen, entry->parts[0]);
            gen_put(&gen->out, ">");
        }
    } else {
        gen_put(&gen->out, "%s", entry->name);
    }
}

/* ---- Names --------------------------------------------------------------------------------- */

#define LONG_NAME 60u

/* Lists have a name only to make up others. */
static char *anonymous_name(struct gen_as *gen, const struct gen_type *entry)
{
    struct iso_arena *arena = &gen->model.arena;
    char *name = gen_ident(arena, iso_str_from_z(iso_vkind_name(entry->type->kind)), GEN_PASCAL);
    for (uint32_t i = 0; i < entry->part_count && name != NULL; i++) {
        const struct gen_type *part =
            entry->parts[i] != GEN_NONE ? &gen->model.types[entry->parts[i]] : NULL;
        const char *own = part == NULL ? "void" : iso_vkind_name(part->type->kind);
        if (part != NULL && part->name != NULL) {
            own = part->name;
        } else {
            own = gen_ident(arena, iso_str_from_z(own), GEN_PASCAL);
        }
        if (own == NULL) {
            return NULL;
        }
        if (strlen(name) + strlen(own) > LONG_NAME) {
            return gen_join(arena, name, "Etc", NULL);
        }
        name = gen_join(arena, name, own, NULL);
    }
    return name;
}

enum iso_err gen_as_name_types(struct gen_as *gen)
{
    struct gen_model *model = &gen->model;
    for (uint32_t i = 0; i < model->type_count; i++) {
        struct gen_type *entry = &model->types[i];
        if (entry->type->kind <= ISO_V_STRING) {
            continue;
        }
        char *longer = NULL;
        char *name = NULL;
        if (entry->nominal) {
            struct iso_str owner =
                entry->type->owner != NULL ? entry->type->owner->name : model->world->name;
            char *prefix = gen_ident(&model->arena, owner, GEN_PASCAL);
            name = gen_ident(&model->arena, entry->type->name, GEN_PASCAL);
            if (prefix == NULL || name == NULL) {
                return ISO_E_NOMEM;
            }
            longer = gen_join(&model->arena, prefix, name, NULL);
        } else {
            name = anonymous_name(gen, entry);
        }
        entry->name = gen_names_claim(&gen->names, name, longer);
        if (entry->name == NULL) {
            return ISO_E_NOMEM;
        }
    }
    return ISO_OK;
}

const char *gen_as_primitive(enum iso_vkind kind)
{
    static const char *const names[] = {
        [ISO_V_BOOL] = "bool",     [ISO_V_S8] = "i8",   [ISO_V_U8] = "u8",   [ISO_V_S16] = "i16",
        [ISO_V_U16] = "u16",       [ISO_V_S32] = "i32", [ISO_V_U32] = "u32", [ISO_V_S64] = "i64",
        [ISO_V_U64] = "u64",       [ISO_V_F32] = "f32", [ISO_V_F64] = "f64", [ISO_V_CHAR] = "u32",
        [ISO_V_STRING] = "string",
    };
    return names[kind];
}

/* The typed array of a list of numbers, or NULL. */
const char *gen_as_typed_array(enum iso_vkind kind)
{
    static const char *const names[] = {
        [ISO_V_BOOL] = NULL,          [ISO_V_S8] = "Int8Array",     [ISO_V_U8] = "Uint8Array",
        [ISO_V_S16] = "Int16Array",   [ISO_V_U16] = "Uint16Array",  [ISO_V_S32] = "Int32Array",
        [ISO_V_U32] = "Uint32Array",  [ISO_V_S64] = "Int64Array",   [ISO_V_U64] = "Uint64Array",
        [ISO_V_F32] = "Float32Array", [ISO_V_F64] = "Float64Array",
    };
    return (unsigned)kind <= ISO_V_F64 ? names[kind] : NULL;
}

bool gen_as_is_object(const struct iso_vtype *type)
{
    return type->kind >= ISO_V_STRING && type->kind != ISO_V_ENUM;
}

char *gen_as_field(struct gen_as *gen, const struct gen_type *entry, uint32_t index)
{
    struct iso_arena *arena = &gen->model.arena;
    switch (entry->type->kind) {
    case ISO_V_TUPLE: {
        char *number = gen_number(arena, index);
        return number != NULL ? gen_join(arena, "f", number, NULL) : NULL;
    }
    case ISO_V_OPTION:
        return gen_join(arena, "value", NULL);
    case ISO_V_RESULT:
        return gen_join(arena, index == 0 ? "ok" : "err", NULL);
    default:
        return gen_as_ident(gen, entry->type->members[index].name);
    }
}

uint32_t gen_as_case_part(const struct gen_type *entry, uint32_t index)
{
    if (entry->type->kind == ISO_V_OPTION) {
        return index == 1 ? entry->parts[0] : GEN_NONE;
    }
    return entry->parts[index];
}

/* ---- Classes ------------------------------------------------------------------------------- */

static void put_record(struct gen_as *gen, const struct gen_type *entry)
{
    struct gen_out *out = &gen->out;
    gen_open(out, "export class %s {", entry->name);
    gen_open(out, "constructor(");
    for (uint32_t i = 0; i < entry->part_count; i++) {
        gen_doc(out, entry->type->members[i].doc, "// ", false);
        gen_begin(out);
        gen_put(out, "public %s: ", gen_as_field(gen, entry, i));
        gen_as_put_type(gen, entry->parts[i]);
        gen_put(out, ",\n");
    }
    gen_close(out, ") {}");
    gen_close(out, "}");
}

/* The value of a field that has none yet. */
static void put_nothing(struct gen_as *gen, uint32_t id)
{
    const struct gen_type *entry = &gen->model.types[id];
    if (entry->type->kind == ISO_V_BOOL) {
        gen_put(&gen->out, "false");
    } else if (gen_as_is_object(entry->type)) {
        gen_put(&gen->out, "changetype<");
        gen_as_put_type(gen, id);
        gen_put(&gen->out, ">(0)");
    } else if (entry->type->kind == ISO_V_ENUM) {
        gen_put(&gen->out, "<%s>0", entry->name);
    } else {
        gen_put(&gen->out, "0");
    }
}

/* The function that makes a case: "some", "ok", "circle". */
static char *maker_of(struct gen_as *gen, const struct gen_type *entry, uint32_t index)
{
    static const char *const makers[2][2] = {{"none", "some"}, {"ok", "err"}};
    if (entry->type->kind == ISO_V_VARIANT) {
        char *name = gen_ident(&gen->model.arena, entry->type->members[index].name, GEN_PASCAL);
        return name != NULL ? gen_join(&gen->model.arena, "new", name, NULL) : NULL;
    }
    return gen_join(&gen->model.arena, makers[entry->type->kind == ISO_V_RESULT][index], NULL);
}

static void put_makers(struct gen_as *gen, const struct gen_type *entry)
{
    struct gen_out *out = &gen->out;
    for (uint32_t i = 0; i < iso_vtype_case_count(entry->type); i++) {
        uint32_t part = gen_as_case_part(entry, i);
        gen_begin(out);
        gen_put(out, "static %s(", maker_of(gen, entry, i));
        if (part != GEN_NONE) {
            gen_put(out, "value: ");
            gen_as_put_type(gen, part);
        }
        gen_put(out, "): %s {\n", entry->name);
        out->indent++;
        gen_line(out, "const made = new %s(%u);", entry->name, i);
        if (part != GEN_NONE) {
            gen_line(out, "made.%s = value;", gen_as_field(gen, entry, i));
        }
        gen_line(out, "return made;");
        gen_close(out, "}");
    }
}

static void put_choice(struct gen_as *gen, const struct gen_type *entry)
{
    struct gen_out *out = &gen->out;
    bool variant = entry->type->kind == ISO_V_VARIANT;
    gen_open(out, "export class %s {", entry->name);
    for (uint32_t i = 0; variant && i < entry->part_count; i++) {
        char *name = gen_ident(&gen->model.arena, entry->type->members[i].name, GEN_UPPER);
        gen_doc(out, entry->type->members[i].doc, "/// ", false);
        gen_line(out, "static readonly %s: u32 = %u;", name, i);
    }
    for (uint32_t i = 0; i < iso_vtype_case_count(entry->type); i++) {
        uint32_t part = gen_as_case_part(entry, i);
        if (part == GEN_NONE) {
            continue;
        }
        gen_begin(out);
        gen_put(out, "%s: ", gen_as_field(gen, entry, i));
        gen_as_put_type(gen, part);
        gen_put(out, " = ");
        put_nothing(gen, part);
        gen_put(out, ";\n");
    }
    gen_line(out, "constructor(public tag: u32) {}");
    if (entry->type->kind == ISO_V_OPTION) {
        gen_line(out, "get isSome(): bool { return this.tag != 0; }");
    } else if (!variant) {
        gen_line(out, "get isErr(): bool { return this.tag != 0; }");
    }
    put_makers(gen, entry);
    gen_close(out, "}");
}

static void put_flags(struct gen_as *gen, const struct gen_type *entry)
{
    struct gen_out *out = &gen->out;
    uint32_t words = iso_vtype_flag_words(entry->type);
    gen_open(out, "export class %s {", entry->name);
    for (uint32_t i = 0; i < entry->type->member_count; i++) {
        char *name = gen_ident(&gen->model.arena, entry->type->members[i].name, GEN_UPPER);
        gen_doc(out, entry->type->members[i].doc, "/// ", false);
        gen_line(out, "static readonly %s: u32 = %u;", name, i);
    }
    for (uint32_t i = 0; i < words; i++) {
        gen_line(out, "word%u: u32 = 0;", i);
    }
    gen_open(out, "has(flag: u32): bool {");
    for (uint32_t i = 0; i < words; i++) {
        gen_line(out, "if (flag >> 5 == %u) return (this.word%u >> (flag & 31) & 1) != 0;", i, i);
    }
    gen_line(out, "return false;");
    gen_close(out, "}");
    gen_open(out, "with(flag: u32): this {");
    for (uint32_t i = 0; i < words; i++) {
        gen_line(out, "if (flag >> 5 == %u) this.word%u |= 1 << (flag & 31);", i, i);
    }
    gen_line(out, "return this;");
    gen_close(out, "}");
    gen_close(out, "}");
}

static void put_enum(struct gen_as *gen, const struct gen_type *entry)
{
    gen_open(&gen->out, "export enum %s {", entry->name);
    for (uint32_t i = 0; i < entry->type->member_count; i++) {
        char *name = gen_ident(&gen->model.arena, entry->type->members[i].name, GEN_UPPER);
        gen_doc(&gen->out, entry->type->members[i].doc, "/// ", false);
        gen_line(&gen->out, "%s = %u,", name, i);
    }
    gen_close(&gen->out, "}");
}

static void put_class(struct gen_as *gen, const struct gen_type *entry)
{
    if (entry->nominal) {
        gen_doc(&gen->out, entry->type->doc, "/// ", false);
    }
    switch (entry->type->kind) {
    case ISO_V_RECORD:
    case ISO_V_TUPLE:
        put_record(gen, entry);
        break;
    case ISO_V_ENUM:
        put_enum(gen, entry);
        break;
    case ISO_V_FLAGS:
        put_flags(gen, entry);
        break;
    default:
        put_choice(gen, entry);
        break;
    }
    gen_blank(&gen->out);
}

void gen_as_types(struct gen_as *gen)
{
    for (uint32_t i = 0; i < gen->model.type_count; i++) {
        const struct gen_type *entry = &gen->model.types[i];
        if (entry->type->kind > ISO_V_STRING && entry->type->kind != ISO_V_LIST) {
            put_class(gen, entry);
        }
    }
}
