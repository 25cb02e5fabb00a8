/*
 * Bindings for guests in AssemblyScript: classes for types, and the functions that move their
 * values between objects, memory and core values (Component Model, CanonicalABI.md, "Loading",
 * "Storing", "Flat Lifting", "Flat Lowering").
 */
#include "interface/gen_as.h"

static const char *const reserved[] = {
    "abstract",   "any",         "as",         "async",    "await",     "boolean",     "bool",
    "break",      "case",        "catch",      "class",    "const",     "constructor", "continue",
    "debugger",   "declare",     "default",    "delete",   "do",        "else",        "enum",
    "export",     "extends",     "false",      "finally",  "for",       "from",        "function",
    "get",        "if",          "implements", "import",   "in",        "infer",       "instanceof",
    "interface",  "is",          "isize",      "keyof",    "let",       "module",      "namespace",
    "never",      "new",         "null",       "number",   "object",    "of",          "override",
    "package",    "private",     "protected",  "public",   "readonly",  "require",     "return",
    "set",        "static",      "string",     "super",    "switch",    "symbol",      "this",
    "throw",      "true",        "try",        "type",     "typeof",    "undefined",   "unknown",
    "usize",      "var",         "void",       "while",    "with",      "yield",       "i8",
    "i16",        "i32",         "i64",        "u8",       "u16",       "u32",         "u64",
    "f32",        "f64",         "v128",       "load",     "store",     "memory",      "heap",
    "changetype", "reinterpret", "unchecked",  "tag",      "prototype", "eval",        "arguments",
    "NaN",        "Infinity",    "isNaN",      "isFinite", "abort",     "trace",       "seed",
};

char *gen_as_ident(struct gen_as *gen, struct iso_str name)
{
    char *text = gen_ident(&gen->model.arena, name, GEN_CAMEL);
    for (size_t i = 0; text != NULL && i < ISO_COUNT_OF(reserved); i++) {
        if (strcmp(text, reserved[i]) == 0) {
            return gen_join(&gen->model.arena, text, "_", NULL);
        }
    }
    return text;
}

static const char *primitive(enum iso_vkind kind)
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
static const char *typed_array(enum iso_vkind kind)
{
    static const char *const names[] = {
        [ISO_V_BOOL] = NULL,          [ISO_V_S8] = "Int8Array",     [ISO_V_U8] = "Uint8Array",
        [ISO_V_S16] = "Int16Array",   [ISO_V_U16] = "Uint16Array",  [ISO_V_S32] = "Int32Array",
        [ISO_V_U32] = "Uint32Array",  [ISO_V_S64] = "Int64Array",   [ISO_V_U64] = "Uint64Array",
        [ISO_V_F32] = "Float32Array", [ISO_V_F64] = "Float64Array",
    };
    return (unsigned)kind <= ISO_V_F64 ? names[kind] : NULL;
}

void gen_as_put_type(struct gen_as *gen, uint32_t id)
{
    const struct gen_type *entry = &gen->model.types[id];
    if (entry->type->kind <= ISO_V_STRING) {
        gen_put(&gen->out, "%s", primitive(entry->type->kind));
    } else if (entry->type->kind == ISO_V_LIST) {
        const char *array = typed_array(entry->type->element->kind);
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

/* ---- Values in memory and in core values ------------------------------------------------------
 */

/* " + 8" or nothing. */
static void put_offset(struct gen_as *gen, uint32_t offset)
{
    if (offset != 0) {
        gen_put(&gen->out, " + %u", offset);
    }
}

static bool is_object(const struct iso_vtype *type)
{
    return type->kind >= ISO_V_STRING && type->kind != ISO_V_ENUM;
}

static const char *tag_type(const struct iso_vtype *type)
{
    uint32_t size = iso_vtype_discriminant_size(iso_vtype_case_count(type));
    return size == 1 ? "u8" : size == 2 ? "u16" : "u32";
}

static void put_call(struct gen_as *gen, const char *verb, uint32_t id, const char *at,
                     uint32_t offset)
{
    gen_put(&gen->out, "%s%u_(%s", verb, id, at);
    put_offset(gen, offset);
    gen_put(&gen->out, ")");
}

void gen_as_put_load(struct gen_as *gen, uint32_t id, const char *at, uint32_t offset)
{
    const struct iso_vtype *type = gen->model.types[id].type;
    if (is_object(type)) {
        put_call(gen, "load", id, at, offset);
        return;
    }
    const char *number = type->kind == ISO_V_ENUM   ? tag_type(type)
                         : type->kind == ISO_V_BOOL ? "u8"
                                                    : primitive(type->kind);
    if (type->kind == ISO_V_ENUM) {
        gen_put(&gen->out, "<%s>", gen->model.types[id].name);
    }
    gen_put(&gen->out, "load<%s>(%s", number, at);
    put_offset(gen, offset);
    gen_put(&gen->out, type->kind == ISO_V_BOOL ? ") != 0" : ")");
}

void gen_as_put_store(struct gen_as *gen, uint32_t id, const char *value, const char *at,
                      uint32_t offset)
{
    const struct iso_vtype *type = gen->model.types[id].type;
    gen_begin(&gen->out);
    if (is_object(type)) {
        gen_put(&gen->out, "store%u_(%s, %s", id, value, at);
        put_offset(gen, offset);
        gen_put(&gen->out, ");\n");
        return;
    }
    const char *number = type->kind == ISO_V_ENUM   ? tag_type(type)
                         : type->kind == ISO_V_BOOL ? "u8"
                                                    : primitive(type->kind);
    gen_put(&gen->out, "store<%s>(%s", number, at);
    put_offset(gen, offset);
    gen_put(&gen->out, ", <%s>%s);\n", number, value);
}

void gen_as_put_lift(struct gen_as *gen, uint32_t id, const char *flat, uint32_t index)
{
    const struct iso_vtype *type = gen->model.types[id].type;
    uint32_t offset = index * 8;
    if (is_object(type)) {
        put_call(gen, "lift", id, flat, offset);
        return;
    }
    switch (type->kind) {
    case ISO_V_BOOL:
        gen_put(&gen->out, "load<u32>(%s", flat);
        put_offset(gen, offset);
        gen_put(&gen->out, ") != 0");
        return;
    case ISO_V_ENUM:
        gen_put(&gen->out, "<%s>load<u32>(%s", gen->model.types[id].name, flat);
        break;
    default:
        /* Little-endian: the low bytes come first. */
        gen_put(&gen->out, "load<%s>(%s", primitive(type->kind), flat);
        break;
    }
    put_offset(gen, offset);
    gen_put(&gen->out, ")");
}

void gen_as_put_lower(struct gen_as *gen, uint32_t id, const char *value, const char *flat,
                      uint32_t index)
{
    const struct iso_vtype *type = gen->model.types[id].type;
    uint32_t offset = index * 8;
    gen_begin(&gen->out);
    if (is_object(type)) {
        gen_put(&gen->out, "lower%u_(%s, %s", id, value, flat);
        put_offset(gen, offset);
        gen_put(&gen->out, ");\n");
        return;
    }
    gen_put(&gen->out, "store<u64>(%s", flat);
    put_offset(gen, offset);
    switch (type->kind) {
    case ISO_V_F32:
        gen_put(&gen->out, ", <u64>reinterpret<u32>(%s));\n", value);
        return;
    case ISO_V_F64:
        gen_put(&gen->out, ", reinterpret<u64>(%s));\n", value);
        return;
    case ISO_V_S8:
    case ISO_V_S16:
    case ISO_V_S32:
        gen_put(&gen->out, ", <u64><u32><i32>%s);\n", value);
        return;
    default:
        gen_put(&gen->out, ", <u64>%s);\n", value);
        return;
    }
}

/* ---- Classes ------------------------------------------------------------------------------- */

static char *field_of(struct gen_as *gen, const struct gen_type *entry, uint32_t index)
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

static void put_record(struct gen_as *gen, const struct gen_type *entry)
{
    struct gen_out *out = &gen->out;
    gen_open(out, "export class %s {", entry->name);
    gen_open(out, "constructor(");
    for (uint32_t i = 0; i < entry->part_count; i++) {
        gen_doc(out, entry->type->members[i].doc, "// ", false);
        gen_begin(out);
        gen_put(out, "public %s: ", field_of(gen, entry, i));
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
    } else if (is_object(entry->type)) {
        gen_put(&gen->out, "changetype<");
        gen_as_put_type(gen, id);
        gen_put(&gen->out, ">(0)");
    } else if (entry->type->kind == ISO_V_ENUM) {
        gen_put(&gen->out, "<%s>0", entry->name);
    } else {
        gen_put(&gen->out, "0");
    }
}

static uint32_t case_part(const struct gen_type *entry, uint32_t index)
{
    if (entry->type->kind == ISO_V_OPTION) {
        return index == 1 ? entry->parts[0] : GEN_NONE;
    }
    return entry->parts[index];
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
        uint32_t part = case_part(entry, i);
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
            gen_line(out, "made.%s = value;", field_of(gen, entry, i));
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
        uint32_t part = case_part(entry, i);
        if (part == GEN_NONE) {
            continue;
        }
        gen_begin(out);
        gen_put(out, "%s: ", field_of(gen, entry, i));
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

/* ---- load, store, lift, lower ------------------------------------------------------------------
 */

static void put_head_in(struct gen_as *gen, uint32_t id, const char *verb)
{
    gen_put(&gen->out, "function %s%u_(at: usize): ", verb, id);
    gen_as_put_type(gen, id);
    gen_put(&gen->out, " {\n");
    gen->out.indent++;
}

static void put_head_out(struct gen_as *gen, uint32_t id, const char *verb)
{
    gen_put(&gen->out, "function %s%u_(value: ", verb, id);
    gen_as_put_type(gen, id);
    gen_put(&gen->out, ", at: usize): void {\n");
    gen->out.indent++;
}

typedef void (*put_in_fn)(struct gen_as *gen, uint32_t id, const char *at, uint32_t offset);
typedef void (*put_out_fn)(struct gen_as *gen, uint32_t id, const char *value, const char *at,
                           uint32_t offset);

static void put_record_in(struct gen_as *gen, const struct gen_type *entry, bool flat)
{
    struct gen_out *out = &gen->out;
    uint32_t at = 0;
    gen_open(out, "return new %s(", entry->name);
    for (uint32_t i = 0; i < entry->part_count; i++) {
        const struct iso_vtype *type = entry->type->members[i].type;
        at = flat ? at : gen_align_up(at, type->align);
        gen_begin(out);
        (flat ? gen_as_put_lift : gen_as_put_load)(gen, entry->parts[i], "at", at);
        gen_put(out, ",\n");
        at += flat ? type->flat : type->size;
    }
    gen_close(out, ");");
}

static void put_record_out(struct gen_as *gen, const struct gen_type *entry, bool flat)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < entry->part_count; i++) {
        const struct iso_vtype *type = entry->type->members[i].type;
        char *field = field_of(gen, entry, i);
        char *value = field != NULL ? gen_join(&gen->model.arena, "value.", field, NULL) : NULL;
        at = flat ? at : gen_align_up(at, type->align);
        (flat ? gen_as_put_lower : gen_as_put_store)(gen, entry->parts[i], value, "at", at);
        at += flat ? type->flat : type->size;
    }
}

static void put_choice_in(struct gen_as *gen, const struct gen_type *entry, bool flat)
{
    struct gen_out *out = &gen->out;
    uint32_t offset = flat ? 1 : iso_vtype_payload_offset(entry->type);
    gen_line(out, "const value = new %s(load<%s>(at));", entry->name,
             flat ? "u32" : tag_type(entry->type));
    gen_open(out, "switch (value.tag) {");
    for (uint32_t i = 0; i < iso_vtype_case_count(entry->type); i++) {
        uint32_t part = case_part(entry, i);
        if (part == GEN_NONE) {
            continue;
        }
        gen_line(out, "case %u:", i);
        out->indent++;
        gen_begin(out);
        gen_put(out, "value.%s = ", field_of(gen, entry, i));
        (flat ? gen_as_put_lift : gen_as_put_load)(gen, part, "at", offset);
        gen_put(out, ";\n");
        gen_line(out, "break;");
        out->indent--;
    }
    gen_line(out, "default:");
    gen_line(out, "    break;");
    gen_close(out, "}");
    gen_line(out, "return value;");
}

static void put_choice_out(struct gen_as *gen, const struct gen_type *entry, bool flat)
{
    struct gen_out *out = &gen->out;
    uint32_t offset = flat ? 1 : iso_vtype_payload_offset(entry->type);
    if (flat) {
        gen_line(out, "store<u64>(at, <u64>value.tag);");
        gen_line(out, "memory.fill(at + 8, 0, %u);", (entry->type->flat - 1) * 8);
    } else {
        gen_line(out, "store<%s>(at, <%s>value.tag);", tag_type(entry->type),
                 tag_type(entry->type));
    }
    gen_open(out, "switch (value.tag) {");
    for (uint32_t i = 0; i < iso_vtype_case_count(entry->type); i++) {
        uint32_t part = case_part(entry, i);
        if (part == GEN_NONE) {
            continue;
        }
        char *field = field_of(gen, entry, i);
        char *value = field != NULL ? gen_join(&gen->model.arena, "value.", field, NULL) : NULL;
        gen_line(out, "case %u:", i);
        out->indent++;
        (flat ? gen_as_put_lower : gen_as_put_store)(gen, part, value, "at", offset);
        gen_line(out, "break;");
        out->indent--;
    }
    gen_line(out, "default:");
    gen_line(out, "    break;");
    gen_close(out, "}");
}

static void put_flags_in(struct gen_as *gen, const struct gen_type *entry, bool flat)
{
    uint32_t words = iso_vtype_flag_words(entry->type);
    gen_line(&gen->out, "const value = new %s();", entry->name);
    for (uint32_t i = 0; i < words; i++) {
        uint32_t size = words > 1 || flat ? 4 : gen_flags_size(entry->type);
        gen_line(&gen->out, "value.word%u = load<u%u>(at + %u);", i, size * 8, i * (flat ? 8 : 4));
    }
    gen_line(&gen->out, "return value;");
}

static void put_flags_out(struct gen_as *gen, const struct gen_type *entry, bool flat)
{
    uint32_t words = iso_vtype_flag_words(entry->type);
    for (uint32_t i = 0; i < words; i++) {
        uint32_t bits = flat ? 64 : words > 1 ? 32 : gen_flags_size(entry->type) * 8;
        gen_line(&gen->out, "store<u%u>(at + %u, <u%u>value.word%u);", bits, i * (flat ? 8 : 4),
                 bits, i);
    }
}

static void put_list_in(struct gen_as *gen, uint32_t id, bool flat)
{
    struct gen_out *out = &gen->out;
    const struct gen_type *entry = &gen->model.types[id];
    gen_line(out, "const ptr = <usize>load<u32>(at), len = <i32>load<u32>(at + %u);", flat ? 8 : 4);
    if (entry->type->kind == ISO_V_STRING) {
        gen_line(out, "return takeString_(ptr, len);");
        return;
    }
    gen_begin(out);
    gen_put(out, "const list = new ");
    gen_as_put_type(gen, id);
    gen_put(out, "(len);\n");
    uint32_t size = entry->type->element->size;
    if (typed_array(entry->type->element->kind) != NULL) {
        gen_line(out, "memory.copy(list.dataStart, ptr, <usize>len * %u);", size);
    } else {
        gen_open(out, "for (let i = 0; i < len; i++) {");
        gen_line(out, "const item = ptr + <usize>i * %u;", size);
        gen_begin(out);
        gen_put(out, "unchecked(list[i] = ");
        gen_as_put_load(gen, entry->parts[0], "item", 0);
        gen_put(out, ");\n");
        gen_close(out, "}");
    }
    gen_line(out, "if (len) heap.free(ptr);");
    gen_line(out, "return list;");
}

static void put_list_out(struct gen_as *gen, uint32_t id, bool flat)
{
    struct gen_out *out = &gen->out;
    const struct gen_type *entry = &gen->model.types[id];
    const char *pair = flat ? "putPair64_" : "putPair32_";
    if (entry->type->kind == ISO_V_STRING) {
        gen_line(out,
                 "const bytes = String.UTF8.encode(value, false, String.UTF8.ErrorMode.REPLACE);");
        gen_line(out, "held_.push(bytes);");
        gen_line(out, "%s(at, changetype<usize>(bytes), bytes.byteLength);", pair);
        return;
    }
    uint32_t size = entry->type->element->size;
    if (typed_array(entry->type->element->kind) != NULL) {
        gen_line(out, "held_.push(value.buffer);");
        gen_line(out, "%s(at, value.dataStart, value.length);", pair);
        return;
    }
    gen_line(out, "const block = new ArrayBuffer(value.length * %u);", size);
    gen_line(out, "held_.push(block);");
    gen_open(out, "for (let i = 0; i < value.length; i++) {");
    gen_line(out, "const item = changetype<usize>(block) + <usize>i * %u;", size);
    gen_as_put_store(gen, entry->parts[0], "unchecked(value[i])", "item", 0);
    gen_close(out, "}");
    gen_line(out, "%s(at, changetype<usize>(block), value.length);", pair);
}

static void put_body(struct gen_as *gen, uint32_t id, bool in, bool flat)
{
    const struct gen_type *entry = &gen->model.types[id];
    switch (entry->type->kind) {
    case ISO_V_STRING:
    case ISO_V_LIST:
        (in ? put_list_in : put_list_out)(gen, id, flat);
        break;
    case ISO_V_RECORD:
    case ISO_V_TUPLE:
        (in ? put_record_in : put_record_out)(gen, entry, flat);
        break;
    case ISO_V_FLAGS:
        (in ? put_flags_in : put_flags_out)(gen, entry, flat);
        break;
    default:
        (in ? put_choice_in : put_choice_out)(gen, entry, flat);
        break;
    }
    gen_close(&gen->out, "}");
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
    for (uint32_t i = 0; i < gen->model.type_count; i++) {
        const struct gen_type *entry = &gen->model.types[i];
        if (!is_object(entry->type)) {
            continue;
        }
        put_head_in(gen, i, "load");
        put_body(gen, i, true, false);
        put_head_out(gen, i, "store");
        put_body(gen, i, false, false);
        if (entry->lift) {
            put_head_in(gen, i, "lift");
            put_body(gen, i, true, true);
        }
        if (entry->lower) {
            put_head_out(gen, i, "lower");
            put_body(gen, i, false, true);
        }
    }
}
