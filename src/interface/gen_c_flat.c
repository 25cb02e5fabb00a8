/*
 * Bindings for guests in C: releasing values, and taking them from and to core values (Component
 * Model, CanonicalABI.md, "Flat Lifting", "Flat Lowering"). In arrays of uint64_t, as gen_c_glue.c
 * says.
 */
#include "interface/gen_c.h"

/* ---- _free --------------------------------------------------------------------------------- */

static void put_free_call(struct gen_c *gen, uint32_t part, const char *place)
{
    gen_line(&gen->out, "%s_free(&value->%s);", gen->model.types[part].name, place);
}

static bool part_pointers(const struct gen_c *gen, const struct gen_type *entry, uint32_t index)
{
    uint32_t part = entry->parts[index];
    return part != GEN_NONE && gen->model.types[part].pointers;
}

static void put_free_list(struct gen_c *gen, const struct gen_type *entry)
{
    struct gen_out *out = &gen->out;
    if (entry->type->kind == ISO_V_LIST && part_pointers(gen, entry, 0)) {
        gen_open(out, "for (size_t i = 0; i < value->len; i++) {");
        gen_line(out, "%s_free(&value->ptr[i]);", gen->model.types[entry->parts[0]].name);
        gen_close(out, "}");
    }
    gen_open(out, "if (value->len != 0) {");
    gen_line(out, "free(value->ptr);");
    gen_close(out, "}");
    gen_line(out, "value->ptr = NULL;");
    gen_line(out, "value->len = 0;");
}

/* The name of a member inside the struct: "f0", "name", "val.circle". */
static char *place_of(struct gen_c *gen, const struct gen_type *entry, uint32_t index)
{
    struct iso_arena *arena = &gen->model.arena;
    switch (entry->type->kind) {
    case ISO_V_TUPLE: {
        char *number = gen_number(arena, index);
        return number != NULL ? gen_join(arena, "f", number, NULL) : NULL;
    }
    case ISO_V_RECORD:
        return gen_c_member(gen, entry->type->members[index].name);
    case ISO_V_OPTION:
        return gen_join(arena, "val", NULL);
    case ISO_V_RESULT:
        return gen_join(arena, index == 0 ? "val.ok" : "val.err", NULL);
    default: {
        char *name = gen_c_member(gen, entry->type->members[index].name);
        return name != NULL ? gen_join(arena, "val.", name, NULL) : NULL;
    }
    }
}

/* "tag", "is_some", "is_err". */
static const char *tag_of(const struct iso_vtype *type)
{
    return type->kind == ISO_V_OPTION ? "is_some" : type->kind == ISO_V_RESULT ? "is_err" : "tag";
}

/* The case's payload, by the index of the case. */
static uint32_t case_part(const struct gen_type *entry, uint32_t index)
{
    if (entry->type->kind == ISO_V_OPTION) {
        return index == 1 ? entry->parts[0] : GEN_NONE;
    }
    return entry->parts[index];
}

void gen_c_put_free(struct gen_c *gen, const struct gen_type *entry)
{
    struct gen_out *out = &gen->out;
    gen_blank(out);
    gen_line(out, "void %s_free(struct %s *value)", entry->name, entry->name);
    gen_open(out, "{");
    switch (entry->type->kind) {
    case ISO_V_STRING:
    case ISO_V_LIST:
        put_free_list(gen, entry);
        break;
    case ISO_V_RECORD:
    case ISO_V_TUPLE:
        for (uint32_t i = 0; i < entry->part_count; i++) {
            if (part_pointers(gen, entry, i)) {
                put_free_call(gen, entry->parts[i], place_of(gen, entry, i));
            }
        }
        break;
    default:
        gen_line(out, "switch ((int)value->%s) {", tag_of(entry->type));
        for (uint32_t i = 0; i < iso_vtype_case_count(entry->type); i++) {
            uint32_t part = case_part(entry, i);
            if (part != GEN_NONE && gen->model.types[part].pointers) {
                gen_line(out, "case %u:", i);
                out->indent++;
                put_free_call(gen, part, place_of(gen, entry, i));
                gen_line(out, "break;");
                out->indent--;
            }
        }
        gen_line(out, "default:");
        gen_line(out, "    break;");
        gen_line(out, "}");
        break;
    }
    gen_close(out, "}");
}

/* ---- From and to core values ---------------------------------------------------------------- */

/* An expression: the value of a type that begins at flat[at]. */
void gen_c_put_lift(struct gen_c *gen, uint32_t id, const char *flat, uint32_t at)
{
    const struct gen_type *entry = &gen->model.types[id];
    switch (entry->type->kind) {
    case ISO_V_BOOL:
        gen_put(&gen->out, "(uint32_t)%s[%u] != 0", flat, at);
        return;
    case ISO_V_F32:
        gen_put(&gen->out, "wit_f32_(%s[%u])", flat, at);
        return;
    case ISO_V_F64:
        gen_put(&gen->out, "wit_f64_(%s[%u])", flat, at);
        return;
    default:
        break;
    }
    if (gen_c_is_struct(entry->type)) {
        gen_put(&gen->out, "lift_%s_(%s + %u)", entry->name, flat, at);
    } else {
        gen_put(&gen->out, "(");
        gen_c_put_type(gen, id);
        gen_put(&gen->out, ")%s[%u]", flat, at);
    }
}

/* A statement: stores the value `from` at flat[at] and after. */
void gen_c_put_lower(struct gen_c *gen, uint32_t id, const char *from, const char *flat,
                     uint32_t at)
{
    const struct gen_type *entry = &gen->model.types[id];
    struct gen_out *out = &gen->out;
    switch (entry->type->kind) {
    case ISO_V_S8:
    case ISO_V_S16:
    case ISO_V_S32:
        gen_line(out, "%s[%u] = (uint32_t)(int32_t)%s;", flat, at, from);
        return;
    case ISO_V_S64:
        gen_line(out, "%s[%u] = (uint64_t)%s;", flat, at, from);
        return;
    case ISO_V_F32:
        gen_line(out, "%s[%u] = wit_f32_bits_(%s);", flat, at, from);
        return;
    case ISO_V_F64:
        gen_line(out, "%s[%u] = wit_f64_bits_(%s);", flat, at, from);
        return;
    default:
        break;
    }
    if (gen_c_is_struct(entry->type)) {
        gen_line(out, "lower_%s_(&%s, %s + %u);", entry->name, from, flat, at);
    } else {
        gen_line(out, "%s[%u] = %s;", flat, at, from);
    }
}

static void put_lift_part(struct gen_c *gen, uint32_t part, const char *place, uint32_t at)
{
    gen_begin(&gen->out);
    gen_put(&gen->out, "value.%s = ", place);
    gen_c_put_lift(gen, part, "flat", at);
    gen_put(&gen->out, ";\n");
}

static void put_lift_choice(struct gen_c *gen, const struct gen_type *entry)
{
    struct gen_out *out = &gen->out;
    bool variant = entry->type->kind == ISO_V_VARIANT;
    if (variant) {
        gen_line(out, "value.tag = (%s)flat[0];",
                 gen_c_unsigned(iso_vtype_discriminant_size(entry->type->member_count)));
    } else {
        gen_line(out, "value.%s = (uint32_t)flat[0] != 0;", tag_of(entry->type));
    }
    gen_line(out, "switch ((int)value.%s) {", tag_of(entry->type));
    for (uint32_t i = 0; i < iso_vtype_case_count(entry->type); i++) {
        uint32_t part = case_part(entry, i);
        if (part != GEN_NONE) {
            gen_line(out, "case %u:", i);
            out->indent++;
            put_lift_part(gen, part, place_of(gen, entry, i), 1);
            gen_line(out, "break;");
            out->indent--;
        }
    }
    gen_line(out, "default:");
    gen_line(out, "    break;");
    gen_line(out, "}");
}

void gen_c_put_lift_function(struct gen_c *gen, const struct gen_type *entry)
{
    struct gen_out *out = &gen->out;
    gen_blank(out);
    gen_line(out, "static struct %s lift_%s_(const uint64_t *flat)", entry->name, entry->name);
    gen_open(out, "{");
    gen_line(out, "struct %s value = {0};", entry->name);
    switch (entry->type->kind) {
    case ISO_V_STRING:
    case ISO_V_LIST:
        gen_line(out, "value.ptr = (void *)(uintptr_t)flat[0];");
        gen_line(out, "value.len = (uint32_t)flat[1];");
        break;
    case ISO_V_RECORD:
    case ISO_V_TUPLE: {
        uint32_t at = 0;
        for (uint32_t i = 0; i < entry->part_count; i++) {
            put_lift_part(gen, entry->parts[i], place_of(gen, entry, i), at);
            at += entry->type->members[i].type->flat;
        }
        break;
    }
    case ISO_V_FLAGS:
        for (uint32_t i = 0; i < iso_vtype_flag_words(entry->type); i++) {
            gen_line(out, "value.words[%u] = (uint32_t)flat[%u];", i, i);
        }
        break;
    default:
        put_lift_choice(gen, entry);
        break;
    }
    gen_line(out, "return value;");
    gen_close(out, "}");
}

static void put_lower_choice(struct gen_c *gen, const struct gen_type *entry)
{
    struct gen_out *out = &gen->out;
    gen_line(out, "flat[0] = value->%s;", tag_of(entry->type));
    for (uint32_t i = 1; i < entry->type->flat; i++) {
        gen_line(out, "flat[%u] = 0;", i);
    }
    gen_line(out, "switch ((int)value->%s) {", tag_of(entry->type));
    for (uint32_t i = 0; i < iso_vtype_case_count(entry->type); i++) {
        uint32_t part = case_part(entry, i);
        if (part != GEN_NONE) {
            char *place = place_of(gen, entry, i);
            gen_line(out, "case %u:", i);
            out->indent++;
            char *from = place != NULL ? gen_join(&gen->model.arena, "value->", place, NULL) : NULL;
            gen_c_put_lower(gen, part, from, "flat", 1);
            gen_line(out, "break;");
            out->indent--;
        }
    }
    gen_line(out, "default:");
    gen_line(out, "    break;");
    gen_line(out, "}");
}

void gen_c_put_lower_function(struct gen_c *gen, const struct gen_type *entry)
{
    struct gen_out *out = &gen->out;
    gen_blank(out);
    gen_line(out, "static void lower_%s_(const struct %s *value, uint64_t *flat)", entry->name,
             entry->name);
    gen_open(out, "{");
    switch (entry->type->kind) {
    case ISO_V_STRING:
    case ISO_V_LIST:
        gen_line(out, "flat[0] = (uint32_t)(uintptr_t)value->ptr;");
        gen_line(out, "flat[1] = value->len;");
        break;
    case ISO_V_RECORD:
    case ISO_V_TUPLE: {
        uint32_t at = 0;
        for (uint32_t i = 0; i < entry->part_count; i++) {
            char *place = place_of(gen, entry, i);
            char *from = place != NULL ? gen_join(&gen->model.arena, "value->", place, NULL) : NULL;
            gen_c_put_lower(gen, entry->parts[i], from, "flat", at);
            at += entry->type->members[i].type->flat;
        }
        break;
    }
    case ISO_V_FLAGS:
        for (uint32_t i = 0; i < iso_vtype_flag_words(entry->type); i++) {
            gen_line(out, "flat[%u] = value->words[%u];", i, i);
        }
        break;
    default:
        put_lower_choice(gen, entry);
        break;
    }
    gen_close(out, "}");
}
