/* abi_plan.c - types and functions prepared for the canonical ABI: offsets, flat types, core types
 * (Canonical ABI Explainer: "Alignment", "Element Size", "Flattening"). */
#include "interface/abi.h"

static enum iso_type core_type(enum iso_vflat flat)
{
    switch (flat) {
    case ISO_VFLAT_I64:
        return ISO_TYPE_I64;
    case ISO_VFLAT_F32:
        return ISO_TYPE_F32;
    case ISO_VFLAT_F64:
        return ISO_TYPE_F64;
    default:
        return ISO_TYPE_I32;
    }
}

/* More flat values than any limit always go through memory: their types are not needed. */
static enum iso_err prepare_flat(struct iso_abi_node *node, struct iso_arena *arena)
{
    enum iso_vflat flat[ISO_V_FLAT_MANY];
    if (node->flat >= ISO_V_FLAT_MANY) {
        return ISO_OK;
    }
    uint8_t *types = iso_arena_alloc(arena, node->flat);
    if (types == NULL) {
        return ISO_E_NOMEM;
    }
    (void)iso_vtype_flatten(node->type, flat, node->flat);
    for (uint32_t i = 0; i < node->flat; i++) {
        types[i] = (uint8_t)core_type(flat[i]);
    }
    node->flat_types = types;
    return ISO_OK;
}

static uint32_t align_to(uint32_t offset, uint32_t align)
{
    return (offset + align - 1) / align * align;
}

static enum iso_err prepare_fields(struct iso_abi_node *node, struct iso_arena *arena,
                                   struct iso_report *report)
{
    const struct iso_vtype *type = node->type;
    bool cases = node->kind != ISO_V_TUPLE && node->kind != ISO_V_RECORD;
    node->count = iso_vtype_case_count(type);
    struct iso_abi_field *fields = iso_arena_array(arena, node->count, sizeof *fields);
    if (fields == NULL) {
        return ISO_E_NOMEM;
    }
    if (cases) {
        node->disc_size = (uint8_t)iso_vtype_discriminant_size(node->count);
    }
    uint32_t offset = cases ? iso_vtype_payload_offset(type) : 0;
    for (uint32_t i = 0; i < node->count; i++) {
        const struct iso_vtype *part = iso_vtype_case_payload(type, i);
        if (part == NULL) {
            continue;
        }
        enum iso_err err = iso_abi_node_prepare(part, arena, &fields[i].node, report);
        if (err != ISO_OK) {
            return err;
        }
        fields[i].offset = cases ? offset : align_to(offset, part->align);
        offset = cases ? offset : fields[i].offset + part->size;
        node->has_heap = node->has_heap || fields[i].node->has_heap;
    }
    node->fields = fields;
    return ISO_OK;
}

enum iso_err iso_abi_node_prepare(const struct iso_vtype *type, struct iso_arena *arena,
                                  const struct iso_abi_node **out, struct iso_report *report)
{
    if (type->align == 0) {
        return iso_fail(report, ISO_E_ARGUMENT, "a type was not finished before it is used");
    }
    struct iso_abi_node *node = iso_arena_alloc(arena, sizeof *node);
    if (node == NULL) {
        return ISO_E_NOMEM;
    }
    enum iso_err err = ISO_OK;
    *node = (struct iso_abi_node){.type = type,
                                  .kind = type->kind,
                                  .size = type->size,
                                  .align = type->align,
                                  .flat = type->flat};
    switch (type->kind) {
    case ISO_V_STRING:
        node->has_heap = true;
        break;
    case ISO_V_LIST:
        node->has_heap = true;
        err = iso_abi_node_prepare(type->element, arena, &node->element, report);
        break;
    case ISO_V_TUPLE:
    case ISO_V_RECORD:
    case ISO_V_OPTION:
    case ISO_V_RESULT:
    case ISO_V_VARIANT:
        err = prepare_fields(node, arena, report);
        break;
    case ISO_V_ENUM:
        node->count = type->member_count;
        node->disc_size = (uint8_t)iso_vtype_discriminant_size(node->count);
        break;
    case ISO_V_FLAGS:
        node->count = type->member_count;
        break;
    default:
        break;
    }
    if (err == ISO_OK) {
        err = prepare_flat(node, arena);
    }
    if (err == ISO_OK) {
        *out = node;
    }
    return err;
}

/* The parameters as a tuple, and how many flat values they are. */
static enum iso_err prepare_params(struct iso_abi_func *plan, uint32_t *flat,
                                   struct iso_arena *arena, struct iso_report *report)
{
    const struct iso_wit_func *func = plan->func;
    struct iso_abi_field *params = iso_arena_array(arena, func->param_count, sizeof *params);
    uint32_t size = 0, count = 0;
    if (params == NULL) {
        return ISO_E_NOMEM;
    }
    plan->params_align = 1;
    for (uint32_t i = 0; i < func->param_count; i++) {
        const struct iso_vtype *type = func->params[i].type;
        enum iso_err err = iso_abi_node_prepare(type, arena, &params[i].node, report);
        if (err != ISO_OK) {
            return err;
        }
        if (size > ISO_ABI_MAX_BYTES || type->size > ISO_ABI_MAX_BYTES) {
            return iso_fail(report, ISO_E_LIMIT, "the parameters of %.*s are too large",
                            (int)func->name.len, func->name.ptr);
        }
        params[i].offset = align_to(size, type->align);
        size = params[i].offset + type->size;
        plan->params_align = type->align > plan->params_align ? type->align : plan->params_align;
        plan->params_heap = plan->params_heap || params[i].node->has_heap;
        count = count + type->flat < ISO_V_FLAT_MANY ? count + type->flat : ISO_V_FLAT_MANY;
    }
    plan->params = params;
    plan->params_size = align_to(size, plan->params_align);
    *flat = count;
    return ISO_OK;
}

static enum iso_err prepare_core(struct iso_abi_func *plan, uint32_t flat, bool trailing,
                                 struct iso_arena *arena)
{
    uint8_t *params = iso_arena_alloc(arena, (size_t)flat + 2);
    uint8_t *results = iso_arena_alloc(arena, 1);
    uint32_t count = 0;
    if (params == NULL || results == NULL) {
        return ISO_E_NOMEM;
    }
    if (plan->params_indirect) {
        params[count++] = ISO_TYPE_I32;
    } else {
        for (uint32_t i = 0; i < plan->func->param_count; i++) {
            const struct iso_abi_node *node = plan->params[i].node;
            memcpy(&params[count], node->flat_types, node->flat);
            count += node->flat;
        }
    }
    results[0] = ISO_TYPE_I32;
    plan->core_results = results;
    plan->core_result_count = plan->result_indirect && !trailing ? 1 : 0;
    if (plan->result != NULL && !plan->result_indirect) {
        plan->core_results = plan->result->flat_types;
        plan->core_result_count = plan->result->flat;
    }
    if (trailing) {
        params[count++] = ISO_TYPE_I32;
    }
    plan->core_params = params;
    plan->core_param_count = count;
    return ISO_OK;
}

enum iso_err iso_abi_func_prepare(const struct iso_wit_func *func, uint32_t max_params,
                                  uint32_t max_results, bool as_import, struct iso_arena *arena,
                                  const struct iso_abi_func **out, struct iso_report *report)
{
    struct iso_abi_func *plan = iso_arena_alloc(arena, sizeof *plan);
    uint32_t flat = 0;
    if (plan == NULL) {
        return ISO_E_NOMEM;
    }
    plan->func = func;
    enum iso_err err = prepare_params(plan, &flat, arena, report);
    if (err == ISO_OK && func->result != NULL) {
        err = iso_abi_node_prepare(func->result, arena, &plan->result, report);
    }
    if (err != ISO_OK) {
        return err;
    }
    plan->params_indirect = flat > max_params;
    plan->params_heap = plan->params_heap || plan->params_indirect;
    plan->result_indirect = plan->result != NULL && plan->result->flat > max_results;
    err = prepare_core(plan, plan->params_indirect ? 1 : flat, plan->result_indirect && as_import,
                       arena);
    if (err == ISO_OK) {
        *out = plan;
    }
    return err;
}

/* ---- Core types ---------------------------------------------------------------------------- */

static size_t types_text(const uint8_t *types, uint32_t count, char *out, size_t cap)
{
    size_t len = iso_format(out, cap, "(");
    for (uint32_t i = 0; i < count && len + 1 < cap; i++) {
        len += iso_format(out + len, cap - len, "%s%s", i == 0 ? "" : ", ",
                          iso_type_name((enum iso_type)types[i]));
    }
    return len + 1 < cap ? len + iso_format(out + len, cap - len, ")") : len;
}

void iso_abi_core_text(const uint8_t *params, uint32_t param_count, const uint8_t *results,
                       uint32_t result_count, char *out, size_t cap)
{
    size_t len = types_text(params, param_count, out, cap);
    if (len + 5 < cap) {
        len += iso_format(out + len, cap - len, " -> ");
        (void)types_text(results, result_count, out + len, cap - len);
    }
}

bool iso_abi_core_equal(const struct iso_func_type *type, const uint8_t *params,
                        uint32_t param_count, const uint8_t *results, uint32_t result_count)
{
    return type->param_count == param_count && type->result_count == result_count &&
           iso_memory_equal(type->params, params, param_count) &&
           iso_memory_equal(type->results, results, result_count);
}
