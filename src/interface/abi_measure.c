/* abi_measure.c - the first walk of lowering: which blocks of the module's memory a value needs
 * (Canonical ABI Explainer: the calls of `realloc` in "Storing" and "Flat Lowering", in their
 * order). */
#include "interface/abi.h"

void iso_abi_blocks_init(struct iso_abi_blocks *blocks, const struct iso_alloc *alloc)
{
    *blocks = (struct iso_abi_blocks){.alloc = alloc};
}

void iso_abi_blocks_fini(struct iso_abi_blocks *blocks)
{
    iso_alloc_free(blocks->alloc, blocks->items, blocks->capacity * sizeof *blocks->items);
    *blocks = (struct iso_abi_blocks){.alloc = blocks->alloc};
}

static enum iso_err push(struct iso_abi_blocks *blocks, uint64_t size, uint32_t align,
                         struct iso_report *report)
{
    if (size > ISO_ABI_MAX_BYTES) {
        return iso_fail(report, ISO_E_ARGUMENT,
                        "a string or list of %llu bytes is longer than a call can have (%u)",
                        (unsigned long long)size, (unsigned)ISO_ABI_MAX_BYTES);
    }
    if (blocks->count == blocks->capacity) {
        uint32_t capacity = blocks->capacity == 0 ? 16 : blocks->capacity * 2;
        size_t unit = sizeof *blocks->items;
        if (capacity > ISO_ABI_MAX_BYTES) {
            return ISO_E_NOMEM;
        }
        void *items = iso_alloc_resize(blocks->alloc, blocks->items, blocks->capacity * unit,
                                       capacity * unit);
        if (items == NULL) {
            return ISO_E_NOMEM;
        }
        blocks->items = items;
        blocks->capacity = capacity;
    }
    blocks->items[blocks->count++] = (struct iso_abi_block){.align = align, .size = (uint32_t)size};
    return ISO_OK;
}

/* Bytes of a string or a list<u8>. */
static enum iso_err push_bytes(struct iso_abi_blocks *blocks, const void *ptr, size_t len,
                               struct iso_report *report)
{
    uintptr_t at = (uintptr_t)ptr, views = (uintptr_t)blocks->views.ptr;
    if (len != 0 && at >= views && at - views < blocks->views.len) {
        return iso_fail(report, ISO_E_ARGUMENT,
                        "the result has bytes of an argument that is a view: copy them");
    }
    return push(blocks, len, 1, report);
}

static enum iso_err measure_list(struct iso_abi_blocks *blocks, const struct iso_abi_node *node,
                                 const struct iso_value *value, struct iso_report *report)
{
    const struct iso_abi_node *element = node->element;
    if (element->kind == ISO_V_U8) {
        return push_bytes(blocks, value->bytes.ptr, value->bytes.len, report);
    }
    uint32_t count = value->list.count;
    enum iso_err err = push(blocks, (uint64_t)count * element->size, element->align, report);
    for (uint32_t i = 0; element->has_heap && i < count && err == ISO_OK; i++) {
        err = iso_abi_measure(blocks, element, &value->list.items[i], report);
    }
    return err;
}

enum iso_err iso_abi_measure(struct iso_abi_blocks *blocks, const struct iso_abi_node *node,
                             const struct iso_value *value, struct iso_report *report)
{
    enum iso_err err = ISO_OK;
    if (!node->has_heap) {
        return ISO_OK;
    }
    switch (node->kind) {
    case ISO_V_STRING:
        return push_bytes(blocks, value->string.ptr, value->string.len, report);
    case ISO_V_LIST:
        return measure_list(blocks, node, value, report);
    case ISO_V_TUPLE:
    case ISO_V_RECORD:
        for (uint32_t i = 0; i < node->count && err == ISO_OK; i++) {
            err = iso_abi_measure(blocks, node->fields[i].node, &value->list.items[i], report);
        }
        return err;
    default: {
        const struct iso_abi_node *payload = node->fields[value->choice.index].node;
        return payload == NULL ? ISO_OK
                               : iso_abi_measure(blocks, payload, value->choice.payload, report);
    }
    }
}

enum iso_err iso_abi_measure_params(struct iso_abi_blocks *blocks, const struct iso_abi_func *plan,
                                    const struct iso_value *values, struct iso_report *report)
{
    enum iso_err err = ISO_OK;
    if (plan->params_indirect) {
        err = push(blocks, plan->params_size, plan->params_align, report);
    }
    for (uint32_t i = 0; i < plan->func->param_count && err == ISO_OK; i++) {
        err = iso_abi_measure(blocks, plan->params[i].node, &values[i], report);
    }
    return err;
}

enum iso_err iso_abi_block_check(const struct iso_abi_block *block, uint64_t memory_size,
                                 const char *source, struct iso_report *report)
{
    if (block->addr % block->align != 0) {
        return iso_fail(report, ISO_E_TRAP, "the pointer 0x%x that %s is not aligned to %u",
                        (unsigned)block->addr, source, (unsigned)block->align);
    }
    if (block->addr > memory_size || block->size > memory_size - block->addr) {
        return iso_fail(report, ISO_E_TRAP,
                        "the pointer 0x%x that %s for %u bytes is outside of the memory "
                        "of %llu bytes",
                        (unsigned)block->addr, source, (unsigned)block->size,
                        (unsigned long long)memory_size);
    }
    return ISO_OK;
}
