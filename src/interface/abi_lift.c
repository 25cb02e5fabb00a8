/*
 * abi_lift.c - from core values and memory to values (Canonical ABI Explainer: "Loading", "Flat
 * Lifting").
 *
 * Everything that is read was put there by the module and is checked before it is used: pointers
 * for alignment and range before a byte is read, discriminants, scalar values, UTF-8. Booleans are
 * normalised, NaNs are made canonical. The memory does not change while this runs.
 */
#include <math.h>

#include "interface/abi.h"

static float canonical_f32(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    if (isnan(value)) {
        bits = UINT32_C(0x7fc00000);
        memcpy(&value, &bits, sizeof value);
    }
    return value;
}

static double canonical_f64(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    if (isnan(value)) {
        bits = UINT64_C(0x7ff8000000000000);
        memcpy(&value, &bits, sizeof value);
    }
    return value;
}

static enum iso_err lift_char(struct iso_abi_lift *lift, uint32_t code, struct iso_value *out)
{
    if (code >= 0x110000 || (code >= 0xd800 && code < 0xe000)) {
        return iso_abi_trap_set(&lift->trap, "character 0x%x is not a Unicode scalar value",
                                (unsigned)code);
    }
    out->character = code;
    return ISO_OK;
}

static enum iso_err case_trap(struct iso_abi_lift *lift, const struct iso_abi_node *node,
                              uint32_t index)
{
    return iso_abi_trap_set(&lift->trap, "case number %u is none of the %u of the %s",
                            (unsigned)index, (unsigned)node->count, iso_vkind_name(node->kind));
}

static void name_member(struct iso_abi_lift *lift, const struct iso_abi_node *node, uint32_t index)
{
    if (node->kind == ISO_V_TUPLE) {
        iso_abi_trap_index(&lift->trap, index);
    } else if (node->kind == ISO_V_OPTION) {
        iso_abi_trap_name(&lift->trap, iso_str_from_z("some"));
    } else if (node->kind == ISO_V_RESULT) {
        iso_abi_trap_name(&lift->trap, iso_str_from_z(index == 0 ? "ok" : "error"));
    } else {
        iso_abi_trap_name(&lift->trap, node->type->members[index].name);
    }
}

/* ---- From memory ----------------------------------------------------------------------------- */

static enum iso_err load(struct iso_abi_lift *lift, const struct iso_abi_node *node,
                         const uint8_t *from, struct iso_value *out);

static enum iso_err load_record(struct iso_abi_lift *lift, const struct iso_abi_node *node,
                                const uint8_t *from, struct iso_value *out)
{
    struct iso_value *items = iso_arena_array(lift->arena, node->count, sizeof *items);
    if (items == NULL) {
        return ISO_E_NOMEM;
    }
    for (uint32_t i = 0; i < node->count; i++) {
        const struct iso_abi_field *field = &node->fields[i];
        enum iso_err err = load(lift, field->node, from + field->offset, &items[i]);
        if (err != ISO_OK) {
            name_member(lift, node, i);
            return err;
        }
    }
    out->list.items = items;
    out->list.count = node->count;
    return ISO_OK;
}

static uint32_t load_discriminant(const struct iso_abi_node *node, const uint8_t *from)
{
    switch (node->disc_size) {
    case 1:
        return from[0];
    case 2:
        return iso_load_u16le(from);
    default:
        return iso_load_u32le(from);
    }
}

static enum iso_err load_choice(struct iso_abi_lift *lift, const struct iso_abi_node *node,
                                const uint8_t *from, struct iso_value *out)
{
    struct iso_value *payload = NULL;
    uint32_t index = load_discriminant(node, from);
    if (index >= node->count) {
        return case_trap(lift, node, index);
    }
    const struct iso_abi_field *field = &node->fields[index];
    if (field->node != NULL) {
        payload = iso_arena_alloc(lift->arena, sizeof *payload);
        if (payload == NULL) {
            return ISO_E_NOMEM;
        }
        enum iso_err err = load(lift, field->node, from + field->offset, payload);
        if (err != ISO_OK) {
            name_member(lift, node, index);
            return err;
        }
    }
    out->choice.payload = payload;
    out->choice.index = index;
    return ISO_OK;
}

/* The bits beyond the last flag mean nothing and are dropped. */
static void flags_trim(const struct iso_abi_node *node, uint32_t *words)
{
    if (node->count % 32 != 0) {
        words[node->count / 32] &= (UINT32_C(1) << node->count % 32) - 1;
    }
}

static enum iso_err load_flags(struct iso_abi_lift *lift, const struct iso_abi_node *node,
                               const uint8_t *from, struct iso_value *out)
{
    uint32_t *words = iso_arena_array(lift->arena, node->flat, sizeof *words);
    if (words == NULL) {
        return ISO_E_NOMEM;
    }
    if (node->size < 4) {
        words[0] = node->size == 1 ? from[0] : iso_load_u16le(from);
    } else {
        for (uint32_t i = 0; i < node->flat; i++) {
            words[i] = iso_load_u32le(from + 4 * (size_t)i);
        }
    }
    flags_trim(node, words);
    out->flags = words;
    return ISO_OK;
}

static enum iso_err load(struct iso_abi_lift *lift, const struct iso_abi_node *node,
                         const uint8_t *from, struct iso_value *out)
{
    switch (node->kind) {
    case ISO_V_BOOL:
        out->boolean = from[0] != 0;
        return ISO_OK;
    case ISO_V_S8:
        out->s = (int8_t)from[0];
        return ISO_OK;
    case ISO_V_U8:
        out->u = from[0];
        return ISO_OK;
    case ISO_V_S16:
        out->s = (int16_t)iso_load_u16le(from);
        return ISO_OK;
    case ISO_V_U16:
        out->u = iso_load_u16le(from);
        return ISO_OK;
    case ISO_V_S32:
        out->s = (int32_t)iso_load_u32le(from);
        return ISO_OK;
    case ISO_V_U32:
        out->u = iso_load_u32le(from);
        return ISO_OK;
    case ISO_V_S64:
    case ISO_V_U64:
        out->u = iso_load_u64le(from);
        return ISO_OK;
    case ISO_V_F32:
        out->f32 = canonical_f32(iso_load_u32le(from));
        return ISO_OK;
    case ISO_V_F64:
        out->f64 = canonical_f64(iso_load_u64le(from));
        return ISO_OK;
    case ISO_V_CHAR:
        return lift_char(lift, iso_load_u32le(from), out);
    case ISO_V_STRING:
    case ISO_V_LIST:
        return iso_abi_lift_range(lift, node, iso_load_u32le(from), iso_load_u32le(from + 4), out);
    case ISO_V_TUPLE:
    case ISO_V_RECORD:
        return load_record(lift, node, from, out);
    case ISO_V_OPTION:
    case ISO_V_RESULT:
    case ISO_V_VARIANT:
        return load_choice(lift, node, from, out);
    case ISO_V_ENUM:
        out->u = load_discriminant(node, from);
        return out->u < node->count ? ISO_OK : case_trap(lift, node, (uint32_t)out->u);
    case ISO_V_FLAGS:
        return load_flags(lift, node, from, out);
    }
    return ISO_E_UNSUPPORTED;
}

/* A list's numbers in one loop per kind; false when the elements are of another kind. */
static bool load_numbers(enum iso_vkind kind, const uint8_t *from, uint32_t count,
                         struct iso_value *items)
{
#define LOAD_LOOP(member, size, expression)                                                        \
    for (uint32_t i = 0; i < count; i++, from += (size)) {                                         \
        items[i].member = (expression);                                                            \
    }                                                                                              \
    return true
    switch (kind) {
    case ISO_V_BOOL:
        LOAD_LOOP(boolean, 1, from[0] != 0);
    case ISO_V_S8:
        LOAD_LOOP(s, 1, (int8_t)from[0]);
    case ISO_V_S16:
        LOAD_LOOP(s, 2, (int16_t)iso_load_u16le(from));
    case ISO_V_U16:
        LOAD_LOOP(u, 2, iso_load_u16le(from));
    case ISO_V_S32:
        LOAD_LOOP(s, 4, (int32_t)iso_load_u32le(from));
    case ISO_V_U32:
        LOAD_LOOP(u, 4, iso_load_u32le(from));
    case ISO_V_S64:
    case ISO_V_U64:
        LOAD_LOOP(u, 8, iso_load_u64le(from));
    case ISO_V_F32:
        LOAD_LOOP(f32, 4, canonical_f32(iso_load_u32le(from)));
    case ISO_V_F64:
        LOAD_LOOP(f64, 8, canonical_f64(iso_load_u64le(from)));
    default:
        return false;
    }
#undef LOAD_LOOP
}

static enum iso_err load_items(struct iso_abi_lift *lift, const struct iso_abi_node *element,
                               const uint8_t *from, uint32_t count, struct iso_value *out)
{
    struct iso_value *items = iso_arena_array(lift->arena, count, sizeof *items);
    if (items == NULL) {
        return ISO_E_NOMEM;
    }
    if (!load_numbers(element->kind, from, count, items)) {
        for (uint32_t i = 0; i < count; i++) {
            enum iso_err err = load(lift, element, from + (size_t)i * element->size, &items[i]);
            if (err != ISO_OK) {
                iso_abi_trap_index(&lift->trap, i);
                return err;
            }
        }
    }
    out->list.items = items;
    out->list.count = count;
    return ISO_OK;
}

static enum iso_err copy_bytes(struct iso_abi_lift *lift, const uint8_t *from, uint32_t len,
                               const uint8_t **out)
{
    uint8_t *copy = iso_arena_alloc(lift->arena, len);
    if (copy == NULL) {
        return ISO_E_NOMEM;
    }
    iso_memory_copy(copy, from, len);
    *out = copy;
    return ISO_OK;
}

static enum iso_err lift_string(struct iso_abi_lift *lift, const uint8_t *from, uint32_t len,
                                struct iso_value *out)
{
    if (!iso_utf8_valid(from, len)) {
        return iso_abi_trap_set(&lift->trap, "string is not valid UTF-8");
    }
    const uint8_t *copy = NULL;
    enum iso_err err = copy_bytes(lift, from, len, &copy);
    out->string = iso_str_from((const char *)copy, len);
    return err;
}

enum iso_err iso_abi_lift_range(struct iso_abi_lift *lift, const struct iso_abi_node *node,
                                uint32_t addr, uint32_t len, struct iso_value *out)
{
    const struct iso_abi_node *element = node->element;
    uint32_t size = element != NULL ? element->size : 1;
    uint32_t align = element != NULL ? element->align : 1;
    uint64_t bytes = (uint64_t)len * size;
    const char *kind = iso_vkind_name(node->kind);
    if (bytes > ISO_ABI_MAX_BYTES) {
        return iso_abi_trap_set(&lift->trap, "%s of %llu bytes is longer than the limit of %u",
                                kind, (unsigned long long)bytes, (unsigned)ISO_ABI_MAX_BYTES);
    }
    if (addr % align != 0) {
        return iso_abi_trap_set(&lift->trap, "%s pointer 0x%x is not aligned to %u", kind,
                                (unsigned)addr, (unsigned)align);
    }
    if (addr > lift->size || bytes > lift->size - addr) {
        return iso_abi_trap_set(&lift->trap,
                                "%s pointer 0x%x with %llu bytes is outside of the memory of %llu "
                                "bytes",
                                kind, (unsigned)addr, (unsigned long long)bytes,
                                (unsigned long long)lift->size);
    }
    const uint8_t *from = lift->memory != NULL ? lift->memory + addr : NULL;
    if (node->kind == ISO_V_STRING) {
        return lift_string(lift, from, len, out);
    }
    if (element->kind != ISO_V_U8) {
        return load_items(lift, element, from, len, out);
    }
    out->bytes = iso_bytes_from(from, len);
    return lift->views ? ISO_OK : copy_bytes(lift, from, len, &out->bytes.ptr);
}

/* [addr, addr + size) for something that is to be read or written as a whole. */
static enum iso_err check_area(struct iso_abi_lift *lift, uint32_t addr, uint32_t size,
                               uint32_t align)
{
    if (addr % align != 0) {
        return iso_abi_trap_set(&lift->trap, "pointer 0x%x is not aligned to %u", (unsigned)addr,
                                (unsigned)align);
    }
    if (addr > lift->size || size > lift->size - addr) {
        return iso_abi_trap_set(&lift->trap,
                                "pointer 0x%x to %u bytes is outside of the memory of %llu bytes",
                                (unsigned)addr, (unsigned)size, (unsigned long long)lift->size);
    }
    return ISO_OK;
}

enum iso_err iso_abi_lift_at(struct iso_abi_lift *lift, const struct iso_abi_node *node,
                             uint32_t addr, struct iso_value *out)
{
    enum iso_err err = check_area(lift, addr, node->size, node->align);
    return err == ISO_OK ? load(lift, node, lift->memory + addr, out) : err;
}

/* ---- From flat values ------------------------------------------------------------------------ */

/* Bits of a value as an i32 (or f32) and as an i64 (or f64). Within a variant a value may stand in
 * a wider slot, or in an integer one: its bits are the same, zero-extended. */
static uint32_t low_bits(const union iso_slot *slot, uint8_t type)
{
    if (type == ISO_TYPE_I64 || type == ISO_TYPE_F64) {
        return (uint32_t)slot->u64;
    }
    return slot->u32;
}

static enum iso_err lift_flat_record(struct iso_abi_lift *lift, const struct iso_abi_node *node,
                                     const union iso_slot *slots, const uint8_t *types,
                                     struct iso_value *out)
{
    struct iso_value *items = iso_arena_array(lift->arena, node->count, sizeof *items);
    if (items == NULL) {
        return ISO_E_NOMEM;
    }
    for (uint32_t i = 0, at = 0; i < node->count; at += node->fields[i].node->flat, i++) {
        enum iso_err err =
            iso_abi_lift_flat(lift, node->fields[i].node, slots + at, types + at, &items[i]);
        if (err != ISO_OK) {
            name_member(lift, node, i);
            return err;
        }
    }
    out->list.items = items;
    out->list.count = node->count;
    return ISO_OK;
}

static enum iso_err lift_flat_choice(struct iso_abi_lift *lift, const struct iso_abi_node *node,
                                     const union iso_slot *slots, const uint8_t *types,
                                     struct iso_value *out)
{
    struct iso_value *payload = NULL;
    uint32_t index = low_bits(slots, types[0]);
    if (index >= node->count) {
        return case_trap(lift, node, index);
    }
    if (node->fields[index].node != NULL) {
        payload = iso_arena_alloc(lift->arena, sizeof *payload);
        if (payload == NULL) {
            return ISO_E_NOMEM;
        }
        enum iso_err err =
            iso_abi_lift_flat(lift, node->fields[index].node, slots + 1, types + 1, payload);
        if (err != ISO_OK) {
            name_member(lift, node, index);
            return err;
        }
    }
    out->choice.payload = payload;
    out->choice.index = index;
    return ISO_OK;
}

static enum iso_err lift_flat_flags(struct iso_abi_lift *lift, const struct iso_abi_node *node,
                                    const union iso_slot *slots, const uint8_t *types,
                                    struct iso_value *out)
{
    uint32_t *words = iso_arena_array(lift->arena, node->flat, sizeof *words);
    if (words == NULL) {
        return ISO_E_NOMEM;
    }
    for (uint32_t i = 0; i < node->flat; i++) {
        words[i] = low_bits(&slots[i], types[i]);
    }
    flags_trim(node, words);
    out->flags = words;
    return ISO_OK;
}

enum iso_err iso_abi_lift_flat(struct iso_abi_lift *lift, const struct iso_abi_node *node,
                               const union iso_slot *slots, const uint8_t *types,
                               struct iso_value *out)
{
    switch (node->kind) {
    case ISO_V_BOOL:
        out->boolean = low_bits(slots, types[0]) != 0;
        return ISO_OK;
    case ISO_V_S8:
        out->s = (int8_t)low_bits(slots, types[0]);
        return ISO_OK;
    case ISO_V_U8:
        out->u = (uint8_t)low_bits(slots, types[0]);
        return ISO_OK;
    case ISO_V_S16:
        out->s = (int16_t)low_bits(slots, types[0]);
        return ISO_OK;
    case ISO_V_U16:
        out->u = (uint16_t)low_bits(slots, types[0]);
        return ISO_OK;
    case ISO_V_S32:
        out->s = (int32_t)low_bits(slots, types[0]);
        return ISO_OK;
    case ISO_V_U32:
        out->u = low_bits(slots, types[0]);
        return ISO_OK;
    case ISO_V_S64:
    case ISO_V_U64:
        out->u = slots->u64;
        return ISO_OK;
    case ISO_V_F32:
        out->f32 = canonical_f32(low_bits(slots, types[0]));
        return ISO_OK;
    case ISO_V_F64:
        out->f64 = canonical_f64(slots->u64);
        return ISO_OK;
    case ISO_V_CHAR:
        return lift_char(lift, low_bits(slots, types[0]), out);
    case ISO_V_STRING:
    case ISO_V_LIST:
        return iso_abi_lift_range(lift, node, low_bits(&slots[0], types[0]),
                                  low_bits(&slots[1], types[1]), out);
    case ISO_V_TUPLE:
    case ISO_V_RECORD:
        return lift_flat_record(lift, node, slots, types, out);
    case ISO_V_OPTION:
    case ISO_V_RESULT:
    case ISO_V_VARIANT:
        return lift_flat_choice(lift, node, slots, types, out);
    case ISO_V_ENUM:
        out->u = low_bits(slots, types[0]);
        return out->u < node->count ? ISO_OK : case_trap(lift, node, (uint32_t)out->u);
    case ISO_V_FLAGS:
        return lift_flat_flags(lift, node, slots, types, out);
    }
    return ISO_E_UNSUPPORTED;
}

enum iso_err iso_abi_lift_params(struct iso_abi_lift *lift, const struct iso_abi_func *plan,
                                 const union iso_slot *slots, struct iso_value *values)
{
    uint32_t addr = 0;
    if (plan->params_indirect) {
        addr = slots[0].u32;
        enum iso_err err = check_area(lift, addr, plan->params_size, plan->params_align);
        if (err != ISO_OK) {
            return err;
        }
    }
    for (uint32_t i = 0, at = 0; i < plan->func->param_count; i++) {
        const struct iso_abi_node *node = plan->params[i].node;
        enum iso_err err =
            plan->params_indirect
                ? load(lift, node, lift->memory + addr + plan->params[i].offset, &values[i])
                : iso_abi_lift_flat(lift, node, slots + at, plan->core_params + at, &values[i]);
        if (err != ISO_OK) {
            iso_abi_trap_name(&lift->trap, plan->func->params[i].name);
            return err;
        }
        at += node->flat;
    }
    return ISO_OK;
}
