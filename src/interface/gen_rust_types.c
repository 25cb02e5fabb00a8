/*
 * Bindings for guests in Rust: types and how they stand in memory and in core values (Component
 * Model, CanonicalABI.md, "Loading", "Storing", "Flat Lifting", "Flat Lowering").
 */
#include "interface/gen_rust.h"

static const char reserved[] =
    "as break const continue crate else enum extern false fn for if impl in let loop match "
    "mod move mut pub ref return self static struct super trait true type unsafe use where "
    "while async await dyn abstract become box do final macro override priv try typeof "
    "unsized virtual yield gen abi";

char *gen_rust_ident(struct gen_rust *gen, struct iso_str name)
{
    return gen_ident_unreserved(&gen->model.arena, name, GEN_SNAKE, reserved);
}

static const char *primitive(enum iso_vkind kind)
{
    static const char *const names[] = {
        [ISO_V_BOOL] = "bool",
        [ISO_V_S8] = "i8",
        [ISO_V_U8] = "u8",
        [ISO_V_S16] = "i16",
        [ISO_V_U16] = "u16",
        [ISO_V_S32] = "i32",
        [ISO_V_U32] = "u32",
        [ISO_V_S64] = "i64",
        [ISO_V_U64] = "u64",
        [ISO_V_F32] = "f32",
        [ISO_V_F64] = "f64",
        [ISO_V_CHAR] = "char",
        [ISO_V_STRING] = "abi::String",
    };
    return names[kind];
}

void gen_rust_put_type(struct gen_rust *gen, uint32_t id)
{
    struct gen_out *out = &gen->out;
    if (id == GEN_NONE) {
        gen_put(out, "()");
        return;
    }
    const struct gen_type *entry = &gen->model.types[id];
    switch (entry->type->kind) {
    case ISO_V_LIST:
        gen_put(out, "abi::Vec<");
        break;
    case ISO_V_OPTION:
        gen_put(out, "Option<");
        break;
    case ISO_V_RESULT:
        gen_put(out, "Result<");
        break;
    case ISO_V_TUPLE:
        gen_put(out, "(");
        break;
    default:
        gen_put(out, "%s", entry->nominal ? entry->name : primitive(entry->type->kind));
        return;
    }
    for (uint32_t i = 0; i < entry->part_count; i++) {
        gen_put(out, "%s", i != 0 ? ", " : "");
        gen_rust_put_type(gen, entry->parts[i]);
    }
    if (entry->type->kind == ISO_V_TUPLE) {
        gen_put(out, entry->part_count == 1 ? ",)" : ")");
    } else {
        gen_put(out, ">");
    }
}

/* ---- Declarations -------------------------------------------------------------------------- */

static char *case_name(struct gen_rust *gen, const struct gen_type *entry, uint32_t index)
{
    char *name = gen_ident(&gen->model.arena, entry->type->members[index].name, GEN_PASCAL);
    if (name != NULL && strcmp(name, "Self") == 0) {
        return gen_join(&gen->model.arena, name, "_", NULL);
    }
    return name;
}

static char *field_name(struct gen_rust *gen, const struct gen_type *entry, uint32_t index)
{
    if (entry->type->kind == ISO_V_TUPLE) {
        return gen_number(&gen->model.arena, index);
    }
    return gen_rust_ident(gen, entry->type->members[index].name);
}

static void put_derive(struct gen_rust *gen, bool copy)
{
    gen_line(&gen->out, "#[derive(Clone%s%s)]", copy ? ", Copy, Eq" : "",
             gen->long_tuples && !copy ? "" : ", Debug, PartialEq");
}

static void put_struct(struct gen_rust *gen, const struct gen_type *entry)
{
    put_derive(gen, false);
    gen_open(&gen->out, "pub struct %s {", entry->name);
    for (uint32_t i = 0; i < entry->part_count; i++) {
        gen_doc(&gen->out, entry->type->members[i].doc, "/// ", false);
        gen_begin(&gen->out);
        gen_put(&gen->out, "pub %s: ", field_name(gen, entry, i));
        gen_rust_put_type(gen, entry->parts[i]);
        gen_put(&gen->out, ",\n");
    }
    gen_close(&gen->out, "}");
}

static void put_enum(struct gen_rust *gen, const struct gen_type *entry)
{
    put_derive(gen, entry->type->kind == ISO_V_ENUM);
    gen_open(&gen->out, "pub enum %s {", entry->name);
    for (uint32_t i = 0; i < entry->part_count; i++) {
        gen_doc(&gen->out, entry->type->members[i].doc, "/// ", false);
        gen_begin(&gen->out);
        gen_put(&gen->out, "%s", case_name(gen, entry, i));
        if (entry->parts[i] != GEN_NONE) {
            gen_put(&gen->out, "(");
            gen_rust_put_type(gen, entry->parts[i]);
            gen_put(&gen->out, ")");
        }
        gen_put(&gen->out, ",\n");
    }
    gen_close(&gen->out, "}");
}

static const char *flags_number(const struct gen_type *entry)
{
    uint32_t size = gen_flags_size(entry->type);
    return size == 1 ? "u8" : size == 2 ? "u16" : "u32";
}

static void put_flags(struct gen_rust *gen, const struct gen_type *entry)
{
    struct gen_out *out = &gen->out;
    uint32_t words = iso_vtype_flag_words(entry->type);
    const char *name = entry->name;
    gen_line(out, "#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]");
    if (words == 1) {
        gen_line(out, "pub struct %s(pub %s);", name, flags_number(entry));
    } else {
        gen_line(out, "pub struct %s(pub [u32; %u]);", name, words);
    }
    gen_blank(out);
    gen_open(out, "impl %s {", name);
    for (uint32_t i = 0; i < entry->type->member_count; i++) {
        char *flag = gen_ident(&gen->model.arena, entry->type->members[i].name, GEN_UPPER);
        gen_doc(out, entry->type->members[i].doc, "/// ", false);
        gen_begin(out);
        gen_put(out, "pub const %s: %s = %s(", flag, name, name);
        if (words == 1) {
            gen_put(out, "1 << %u);\n", i);
            continue;
        }
        for (uint32_t w = 0; w < words; w++) {
            gen_put(out, w == 0 ? "[" : ", ");
            if (w == i / 32) {
                gen_put(out, "1 << %u", i % 32);
            } else {
                gen_put(out, "0");
            }
        }
        gen_put(out, "]);\n");
    }
    gen_blank(out);
    gen_line(out, "/// Whether all of these are set.");
    gen_open(out, "pub fn has(self, other: Self) -> bool {");
    gen_line(out, "self | other == self");
    gen_close(out, "}");
    gen_close(out, "}");
    gen_blank(out);
    gen_open(out, "impl core::ops::BitOr for %s {", name);
    gen_line(out, "type Output = Self;");
    gen_open(out, "fn bitor(self, other: Self) -> Self {");
    if (words == 1) {
        gen_line(out, "%s(self.0 | other.0)", name);
    } else {
        gen_line(out, "let mut all = self;");
        gen_line(out, "all.0.iter_mut().zip(other.0).for_each(|(a, b)| *a |= b);");
        gen_line(out, "all");
    }
    gen_close(out, "}");
    gen_close(out, "}");
}

/* ---- abi::Value ---------------------------------------------------------------------------- */

static void put_constants(struct gen_rust *gen, const struct iso_vtype *type)
{
    gen_line(&gen->out, "const SIZE: usize = %u;", type->size);
    gen_line(&gen->out, "const ALIGN: usize = %u;", type->align);
    gen_line(&gen->out, "const FLAT: usize = %u;", type->flat);
}

#define LOAD "unsafe fn load(at: *const u8) -> Self {"
#define LIFT "unsafe fn lift(flat: &[u64]) -> Self {"
#define STORE "unsafe fn store(&self, at: *mut u8, keep: &mut abi::Keep) {"
#define LOWER "fn lower(&self, flat: &mut [u64], keep: &mut abi::Keep) {"

static void put_flags_value(struct gen_rust *gen, const struct gen_type *entry)
{
    struct gen_out *out = &gen->out;
    uint32_t words = iso_vtype_flag_words(entry->type);
    if (words == 1) {
        const char *number = flags_number(entry);
        gen_open(out, LOAD);
        gen_line(out, "%s(<%s as abi::Value>::load(at))", entry->name, number);
        gen_close(out, "}");
        gen_open(out, LIFT);
        gen_line(out, "%s(flat[0] as %s)", entry->name, number);
        gen_close(out, "}");
        gen_open(out, STORE);
        gen_line(out, "abi::Value::store(&self.0, at, keep)");
        gen_close(out, "}");
        gen_open(out, LOWER);
        gen_line(out, "abi::Value::lower(&self.0, flat, keep)");
        gen_close(out, "}");
        return;
    }
    gen_open(out, LOAD);
    gen_line(out, "%s(*(at as *const [u32; %u]))", entry->name, words);
    gen_close(out, "}");
    gen_open(out, LIFT);
    gen_line(out, "let mut words = [0; %u];", words);
    gen_line(out, "words.iter_mut().zip(flat).for_each(|(to, from)| *to = *from as u32);");
    gen_line(out, "%s(words)", entry->name);
    gen_close(out, "}");
    gen_open(out, STORE);
    gen_line(out, "let _ = keep;");
    gen_line(out, "*(at as *mut [u32; %u]) = self.0;", words);
    gen_close(out, "}");
    gen_open(out, LOWER);
    gen_line(out, "let _ = keep;");
    gen_line(out, "flat.iter_mut().zip(self.0).for_each(|(to, from)| *to = from as u64);");
    gen_close(out, "}");
}

/* One line for each member: `text` has the places of field and offset in the given order. */
static void put_struct_value(struct gen_rust *gen, const struct gen_type *entry)
{
    struct gen_out *out = &gen->out;
    const struct iso_vtype *type = entry->type;
    bool flat = type->flat <= GEN_MAX_FLAT;
    gen_open(out, LOAD);
    gen_open(out, "%s {", entry->name);
    for (uint32_t i = 0, at = 0; i < entry->part_count; i++) {
        at = gen_align_up(at, type->members[i].type->align);
        gen_line(out, "%s: abi::Value::load(at.add(%u)),", field_name(gen, entry, i), at);
        at += type->members[i].type->size;
    }
    gen_close(out, "}");
    gen_close(out, "}");
    gen_open(out, LIFT);
    if (flat) {
        gen_open(out, "%s {", entry->name);
        for (uint32_t i = 0, at = 0; i < entry->part_count; i++) {
            gen_line(out, "%s: abi::Value::lift(&flat[%u..]),", field_name(gen, entry, i), at);
            at += type->members[i].type->flat;
        }
        gen_close(out, "}");
    } else {
        gen_line(out, "let _ = flat;");
        gen_line(out, "abi::trap()");
    }
    gen_close(out, "}");
    gen_open(out, STORE);
    for (uint32_t i = 0, at = 0; i < entry->part_count; i++) {
        at = gen_align_up(at, type->members[i].type->align);
        gen_line(out, "abi::Value::store(&self.%s, at.add(%u), keep);", field_name(gen, entry, i),
                 at);
        at += type->members[i].type->size;
    }
    gen_close(out, "}");
    gen_open(out, LOWER);
    for (uint32_t i = 0, at = 0; flat && i < entry->part_count; i++) {
        gen_line(out, "abi::Value::lower(&self.%s, &mut flat[%u..], keep);",
                 field_name(gen, entry, i), at);
        at += type->members[i].type->flat;
    }
    if (!flat) {
        gen_line(out, "let _ = (flat, keep);");
        gen_line(out, "abi::trap()");
    }
    gen_close(out, "}");
}

/* load and lift: the cases by their numbers. */
static void put_cases_in(struct gen_rust *gen, const struct gen_type *entry, const char *head,
                         const char *number, const char *payload)
{
    struct gen_out *out = &gen->out;
    gen_open(out, "%s", head);
    gen_open(out, "match %s {", number);
    for (uint32_t i = 0; i < entry->part_count; i++) {
        gen_begin(out);
        gen_put(out, "%u => %s::%s", i, entry->name, case_name(gen, entry, i));
        if (entry->parts[i] != GEN_NONE) {
            gen_put(out, "(%s)", payload);
        }
        gen_put(out, ",\n");
    }
    gen_line(out, "_ => abi::trap(),");
    gen_close(out, "}");
    gen_close(out, "}");
}

/* store and lower: the numbers of the cases. */
static void put_cases_out(struct gen_rust *gen, const struct gen_type *entry, const char *tag,
                          const char *payload)
{
    struct gen_out *out = &gen->out;
    gen_open(out, "match self {");
    for (uint32_t i = 0; i < entry->part_count; i++) {
        bool value = entry->parts[i] != GEN_NONE;
        gen_begin(out);
        gen_put(out, "%s::%s%s => { ", entry->name, case_name(gen, entry, i),
                value ? "(value)" : "");
        gen_put(out, "%s = %u;", tag, i);
        gen_put(out, "%s%s }\n", value ? " " : "", value ? payload : "");
    }
    gen_close(out, "}");
}

static void put_enum_value(struct gen_rust *gen, const struct gen_type *entry)
{
    struct gen_out *out = &gen->out;
    struct iso_arena *arena = &gen->model.arena;
    uint32_t size = iso_vtype_discriminant_size(entry->type->member_count);
    const char *tag = size == 1 ? "u8" : size == 2 ? "u16" : "u32";
    uint32_t offset =
        entry->type->kind == ISO_V_VARIANT ? iso_vtype_payload_offset(entry->type) : 0;
    char *at = gen_number(arena, offset);
    if (at == NULL) {
        out->err = ISO_E_NOMEM;
        return;
    }
    put_cases_in(gen, entry, LOAD, gen_join(arena, "*(at as *const ", tag, ")", NULL),
                 gen_join(arena, "abi::Value::load(at.add(", at, "))", NULL));
    if (entry->type->flat <= GEN_MAX_FLAT) {
        put_cases_in(gen, entry, LIFT, "flat[0] as u32", "abi::Value::lift(&flat[1..])");
    } else {
        gen_open(out, LIFT);
        gen_line(out, "let _ = flat;");
        gen_line(out, "abi::trap()");
        gen_close(out, "}");
    }
    gen_open(out, STORE);
    gen_line(out, "let _ = &keep;");
    put_cases_out(gen, entry, gen_join(arena, "*(at as *mut ", tag, ")", NULL),
                  gen_join(arena, "abi::Value::store(value, at.add(", at, "), keep)", NULL));
    gen_close(out, "}");
    gen_open(out, LOWER);
    gen_line(out, "let _ = &keep;");
    put_cases_out(gen, entry, "flat[0]", "abi::Value::lower(value, &mut flat[1..], keep)");
    gen_close(out, "}");
}

static void put_value(struct gen_rust *gen, const struct gen_type *entry)
{
    gen_blank(&gen->out);
    gen_open(&gen->out, "impl abi::Value for %s {", entry->name);
    put_constants(gen, entry->type);
    if (entry->type->kind == ISO_V_RECORD) {
        put_struct_value(gen, entry);
    } else if (entry->type->kind == ISO_V_FLAGS) {
        put_flags_value(gen, entry);
    } else {
        put_enum_value(gen, entry);
    }
    gen_close(&gen->out, "}");
}

/* ---- Tuples: one impl for each number of items ----------------------------------------------- */

static void put_tuple_names(struct gen_rust *gen, uint32_t count, const char *bound)
{
    for (uint32_t i = 0; i < count; i++) {
        gen_put(&gen->out, "%sT%u%s", i != 0 ? ", " : "", i, bound);
    }
}

/* Constants of where each item stands: A0, A1, ... in memory, F0, ... in core values. */
static void put_tuple_places(struct gen_rust *gen, uint32_t count, bool memory)
{
    for (uint32_t i = 0; i < count; i++) {
        if (memory && i == 0) {
            gen_line(&gen->out, "let a0 = 0;");
        } else if (memory) {
            gen_line(&gen->out, "let a%u = abi::up(a%u + T%u::SIZE, T%u::ALIGN);", i, i - 1, i - 1,
                     i);
        } else if (i == 0) {
            gen_line(&gen->out, "let f0 = 0;");
        } else {
            gen_line(&gen->out, "let f%u = f%u + T%u::FLAT;", i, i - 1, i - 1);
        }
    }
}

static void put_tuple_function(struct gen_rust *gen, uint32_t count, const char *head, bool memory,
                               const char *before, const char *place, const char *after, bool in)
{
    struct gen_out *out = &gen->out;
    gen_open(out, "%s", head);
    put_tuple_places(gen, count, memory);
    if (in) {
        gen_begin(out);
        gen_put(out, "(");
        for (uint32_t i = 0; i < count; i++) {
            gen_put(out, "T%u::%s%s%u%s, ", i, before, place, i, after);
        }
        gen_put(out, ")\n");
    } else {
        for (uint32_t i = 0; i < count; i++) {
            gen_line(out, "self.%u.%s%s%u%s;", i, before, place, i, after);
        }
    }
    gen_close(out, "}");
}

static void put_tuple(struct gen_rust *gen, uint32_t count)
{
    struct gen_out *out = &gen->out;
    gen_blank(out);
    gen_put(out, "impl<");
    put_tuple_names(gen, count, ": abi::Value");
    gen_put(out, "> abi::Value for (");
    put_tuple_names(gen, count, "");
    gen_put(out, ",) {\n");
    out->indent++;
    gen_open(out, "const SIZE: usize = {");
    put_tuple_places(gen, count, true);
    gen_line(out, "abi::up(a%u + T%u::SIZE, Self::ALIGN)", count - 1, count - 1);
    gen_close(out, "};");
    gen_open(out, "const ALIGN: usize = {");
    gen_line(out, "let align = T0::ALIGN;");
    for (uint32_t i = 1; i < count; i++) {
        gen_line(out, "let align = abi::max(align, T%u::ALIGN);", i);
    }
    gen_line(out, "align");
    gen_close(out, "};");
    gen_begin(out);
    gen_put(out, "const FLAT: usize = 0");
    for (uint32_t i = 0; i < count; i++) {
        gen_put(out, " + T%u::FLAT", i);
    }
    gen_put(out, ";\n");
    put_tuple_function(gen, count, LOAD, true, "load(at.add(", "a", "))", true);
    put_tuple_function(gen, count, LIFT, false, "lift(&flat[", "f", "..])", true);
    put_tuple_function(gen, count, STORE, true, "store(at.add(", "a", "), keep)", false);
    put_tuple_function(gen, count, LOWER, false, "lower(&mut flat[", "f", "..], keep)", false);
    gen_close(out, "}");
}

void gen_rust_types(struct gen_rust *gen)
{
    struct gen_names counts;
    gen_names_init(&counts, &gen->model.arena);
    for (uint32_t i = 0; i < gen->model.type_count; i++) {
        const struct gen_type *entry = &gen->model.types[i];
        if (entry->type->kind == ISO_V_TUPLE) {
            char *number = gen_number(&gen->model.arena, entry->part_count);
            if (number != NULL && gen_names_take(&counts, number)) {
                put_tuple(gen, entry->part_count);
            }
        }
        if (!entry->nominal) {
            continue;
        }
        gen_blank(&gen->out);
        gen_doc(&gen->out, entry->type->doc, "/// ", false);
        if (entry->type->kind == ISO_V_RECORD) {
            put_struct(gen, entry);
        } else if (entry->type->kind == ISO_V_FLAGS) {
            put_flags(gen, entry);
        } else {
            put_enum(gen, entry);
        }
        put_value(gen, entry);
    }
}
