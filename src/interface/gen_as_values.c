/*
 * Bindings for guests in AssemblyScript: the functions that move values between objects, memory and
 * core values (Component Model, CanonicalABI.md, "Loading", "Storing", "Flat Lifting", "Flat
 * Lowering").
 */
#include "interface/gen_as.h"

/* ---- Values in memory and in core values ------------------------------------------------------
 */

/* " + 8" or nothing. */
static void put_offset(struct gen_as *gen, uint32_t offset)
{
    if (offset != 0) {
        gen_put(&gen->out, " + %u", offset);
    }
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
    if (gen_as_is_object(type)) {
        put_call(gen, "load", id, at, offset);
        return;
    }
    const char *number = type->kind == ISO_V_ENUM   ? tag_type(type)
                         : type->kind == ISO_V_BOOL ? "u8"
                                                    : gen_as_primitive(type->kind);
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
    if (gen_as_is_object(type)) {
        gen_put(&gen->out, "store%u_(%s, %s", id, value, at);
        put_offset(gen, offset);
        gen_put(&gen->out, ");\n");
        return;
    }
    const char *number = type->kind == ISO_V_ENUM   ? tag_type(type)
                         : type->kind == ISO_V_BOOL ? "u8"
                                                    : gen_as_primitive(type->kind);
    gen_put(&gen->out, "store<%s>(%s", number, at);
    put_offset(gen, offset);
    gen_put(&gen->out, ", <%s>%s);\n", number, value);
}

void gen_as_put_lift(struct gen_as *gen, uint32_t id, const char *flat, uint32_t index)
{
    const struct iso_vtype *type = gen->model.types[id].type;
    uint32_t offset = index * 8;
    if (gen_as_is_object(type)) {
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
        gen_put(&gen->out, "load<%s>(%s", gen_as_primitive(type->kind), flat);
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
    if (gen_as_is_object(type)) {
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
        char *field = gen_as_field(gen, entry, i);
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
        uint32_t part = gen_as_case_part(entry, i);
        if (part == GEN_NONE) {
            continue;
        }
        gen_line(out, "case %u:", i);
        out->indent++;
        gen_begin(out);
        gen_put(out, "value.%s = ", gen_as_field(gen, entry, i));
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
        uint32_t part = gen_as_case_part(entry, i);
        if (part == GEN_NONE) {
            continue;
        }
        char *field = gen_as_field(gen, entry, i);
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
    if (gen_as_typed_array(entry->type->element->kind) != NULL) {
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
    if (gen_as_typed_array(entry->type->element->kind) != NULL) {
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

void gen_as_values(struct gen_as *gen)
{
    for (uint32_t i = 0; i < gen->model.type_count; i++) {
        const struct gen_type *entry = &gen->model.types[i];
        if (!gen_as_is_object(entry->type)) {
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
