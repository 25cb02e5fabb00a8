/*
 * abi_lower.c - the second walk of lowering: values become core values and bytes in the module's
 * memory (Canonical ABI Explainer: "Storing", "Flat Lowering"). All blocks are there; no code of
 * the module runs in between. NaNs are made canonical, as in the deterministic profile.
 */
#include <math.h>

#include "interface/abi.h"

static uint32_t f32_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return isnan(value) ? UINT32_C(0x7fc00000) : bits;
}

static uint64_t f64_bits(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return isnan(value) ? UINT64_C(0x7ff8000000000000) : bits;
}

/* The next block, which is of this size unless the caller changed the value meanwhile. */
static uint32_t take(struct iso_abi_lower *lower, uint64_t size)
{
    const struct iso_abi_block *block = lower->next;
    ISO_ASSERT(block != lower->end && block->size == size);
    lower->next++;
    return block->addr;
}

/* ---- Into memory ----------------------------------------------------------------------------- */

static void store_discriminant(const struct iso_abi_node *node, uint32_t index, uint8_t *to)
{
    switch (node->disc_size) {
    case 1:
        to[0] = (uint8_t)index;
        return;
    case 2:
        iso_store_u16le(to, (uint16_t)index);
        return;
    default:
        iso_store_u32le(to, index);
        return;
    }
}

static void store_flags(const struct iso_abi_node *node, const uint32_t *words, uint8_t *to)
{
    if (node->size == 1) {
        to[0] = (uint8_t)words[0];
    } else if (node->size == 2) {
        iso_store_u16le(to, (uint16_t)words[0]);
    } else {
        for (uint32_t i = 0; i < node->flat; i++) {
            iso_store_u32le(to + 4 * (size_t)i, words[i]);
        }
    }
}

/* A list's numbers in one loop per width; false when the elements are of another kind. */
static bool store_numbers(enum iso_vkind kind, const struct iso_value *items, uint32_t count,
                          uint8_t *to)
{
#define STORE_LOOP(size, statement)                                                                \
    for (uint32_t i = 0; i < count; i++, to += (size)) {                                           \
        statement;                                                                                 \
    }                                                                                              \
    return true
    switch (kind) {
    case ISO_V_BOOL:
        STORE_LOOP(1, to[0] = items[i].boolean ? 1 : 0);
    case ISO_V_S8:
        STORE_LOOP(1, to[0] = (uint8_t)items[i].s);
    case ISO_V_S16:
    case ISO_V_U16:
        STORE_LOOP(2, iso_store_u16le(to, (uint16_t)items[i].u));
    case ISO_V_S32:
    case ISO_V_U32:
        STORE_LOOP(4, iso_store_u32le(to, (uint32_t)items[i].u));
    case ISO_V_S64:
    case ISO_V_U64:
        STORE_LOOP(8, iso_store_u64le(to, items[i].u));
    case ISO_V_F32:
        STORE_LOOP(4, iso_store_u32le(to, f32_bits(items[i].f32)));
    case ISO_V_F64:
        STORE_LOOP(8, iso_store_u64le(to, f64_bits(items[i].f64)));
    case ISO_V_CHAR:
        STORE_LOOP(4, iso_store_u32le(to, items[i].character));
    default:
        return false;
    }
#undef STORE_LOOP
}

/* A string or list in its block: what is written for it is the pointer and the length. */
static uint32_t store_block(struct iso_abi_lower *lower, const struct iso_abi_node *node,
                            const struct iso_value *value, uint32_t *len)
{
    const struct iso_abi_node *element = node->element;
    if (element == NULL || element->kind == ISO_V_U8) {
        struct iso_bytes bytes =
            element == NULL ? iso_bytes_from(value->string.ptr, value->string.len) : value->bytes;
        uint32_t addr = take(lower, bytes.len);
        *len = (uint32_t)bytes.len;
        if (bytes.len != 0) {
            memcpy(lower->memory + addr, bytes.ptr, bytes.len);
        }
        return addr;
    }
    uint32_t count = value->list.count;
    uint32_t addr = take(lower, (uint64_t)count * element->size);
    *len = count;
    if (count == 0) {
        return addr;
    }
    uint8_t *to = lower->memory + addr;
    if (!store_numbers(element->kind, value->list.items, count, to)) {
        for (uint32_t i = 0; i < count; i++) {
            iso_abi_lower_store(lower, element, &value->list.items[i],
                                to + (size_t)i * element->size);
        }
    }
    return addr;
}

static void store_parts(struct iso_abi_lower *lower, const struct iso_abi_node *node,
                        const struct iso_value *value, uint8_t *to)
{
    if (node->kind == ISO_V_TUPLE || node->kind == ISO_V_RECORD) {
        for (uint32_t i = 0; i < node->count; i++) {
            iso_abi_lower_store(lower, node->fields[i].node, &value->list.items[i],
                                to + node->fields[i].offset);
        }
        return;
    }
    const struct iso_abi_field *field = &node->fields[value->choice.index];
    store_discriminant(node, value->choice.index, to);
    if (field->node != NULL) {
        iso_abi_lower_store(lower, field->node, value->choice.payload, to + field->offset);
    }
}

void iso_abi_lower_store(struct iso_abi_lower *lower, const struct iso_abi_node *node,
                         const struct iso_value *value, uint8_t *to)
{
    switch (node->kind) {
    case ISO_V_U8:
        to[0] = (uint8_t)value->u;
        return;
    case ISO_V_STRING:
    case ISO_V_LIST: {
        uint32_t len = 0;
        uint32_t addr = store_block(lower, node, value, &len);
        iso_store_u32le(to, addr);
        iso_store_u32le(to + 4, len);
        return;
    }
    case ISO_V_TUPLE:
    case ISO_V_RECORD:
    case ISO_V_OPTION:
    case ISO_V_RESULT:
    case ISO_V_VARIANT:
        store_parts(lower, node, value, to);
        return;
    case ISO_V_ENUM:
        store_discriminant(node, (uint32_t)value->u, to);
        return;
    case ISO_V_FLAGS:
        store_flags(node, value->flags, to);
        return;
    default:
        (void)store_numbers(node->kind, value, 1, to);
        return;
    }
}

/* ---- As flat values -------------------------------------------------------------------------- */

/* 32 bits into a slot that may be a wider one of a variant, then zero-extended. */
static void put_bits(union iso_slot *slot, uint8_t type, uint32_t bits)
{
    if (type == ISO_TYPE_I64 || type == ISO_TYPE_F64) {
        slot->u64 = bits;
    } else {
        slot->u32 = bits;
    }
}

static void lower_flat_choice(struct iso_abi_lower *lower, const struct iso_abi_node *node,
                              const struct iso_value *value, union iso_slot *slots,
                              const uint8_t *types)
{
    const struct iso_abi_node *payload = node->fields[value->choice.index].node;
    uint32_t used = 1;
    put_bits(slots, types[0], value->choice.index);
    if (payload != NULL) {
        iso_abi_lower_flat(lower, payload, value->choice.payload, slots + 1, types + 1);
        used += payload->flat;
    }
    for (; used < node->flat; used++) {
        slots[used].u64 = 0;
    }
}

static void lower_flat_parts(struct iso_abi_lower *lower, const struct iso_abi_node *node,
                             const struct iso_value *value, union iso_slot *slots,
                             const uint8_t *types)
{
    if (node->kind == ISO_V_FLAGS) {
        for (uint32_t i = 0; i < node->flat; i++) {
            put_bits(&slots[i], types[i], value->flags[i]);
        }
        return;
    }
    for (uint32_t i = 0, at = 0; i < node->count; at += node->fields[i].node->flat, i++) {
        iso_abi_lower_flat(lower, node->fields[i].node, &value->list.items[i], slots + at,
                           types + at);
    }
}

void iso_abi_lower_flat(struct iso_abi_lower *lower, const struct iso_abi_node *node,
                        const struct iso_value *value, union iso_slot *slots, const uint8_t *types)
{
    switch (node->kind) {
    case ISO_V_BOOL:
        put_bits(slots, types[0], value->boolean ? 1 : 0);
        return;
    case ISO_V_S64:
    case ISO_V_U64:
        slots->u64 = value->u;
        return;
    case ISO_V_F32:
        put_bits(slots, types[0], f32_bits(value->f32));
        return;
    case ISO_V_F64:
        slots->u64 = f64_bits(value->f64);
        return;
    case ISO_V_CHAR:
        put_bits(slots, types[0], value->character);
        return;
    case ISO_V_STRING:
    case ISO_V_LIST: {
        uint32_t len = 0;
        uint32_t addr = store_block(lower, node, value, &len);
        put_bits(&slots[0], types[0], addr);
        put_bits(&slots[1], types[1], len);
        return;
    }
    case ISO_V_OPTION:
    case ISO_V_RESULT:
    case ISO_V_VARIANT:
        lower_flat_choice(lower, node, value, slots, types);
        return;
    case ISO_V_TUPLE:
    case ISO_V_RECORD:
    case ISO_V_FLAGS:
        lower_flat_parts(lower, node, value, slots, types);
        return;
    default: /* integers of up to 32 bits and enums */
        put_bits(slots, types[0], (uint32_t)value->u);
        return;
    }
}

void iso_abi_lower_params(struct iso_abi_lower *lower, const struct iso_abi_func *plan,
                          const struct iso_value *values, union iso_slot *slots)
{
    uint32_t count = plan->func->param_count;
    if (plan->params_indirect) {
        uint32_t addr = take(lower, plan->params_size);
        for (uint32_t i = 0; i < count; i++) {
            iso_abi_lower_store(lower, plan->params[i].node, &values[i],
                                lower->memory + addr + plan->params[i].offset);
        }
        slots[0].u32 = addr;
        return;
    }
    for (uint32_t i = 0, at = 0; i < count; at += plan->params[i].node->flat, i++) {
        iso_abi_lower_flat(lower, plan->params[i].node, &values[i], slots + at,
                           plan->core_params + at);
    }
}
