/* abi_canonical.c - the canonical ABI as a binding's convention (Canonical ABI Explainer: "canon
 * lift"), and that of derived interfaces: numbers as they are. */
#include "interface/abi_binding.h"

static const uint8_t four_i32[4] = {ISO_TYPE_I32, ISO_TYPE_I32, ISO_TYPE_I32, ISO_TYPE_I32};

struct iso_func *iso_abi_realloc_find(struct iso_instance *instance)
{
    static const char *const names[] = {"cabi_realloc", "canonical_abi_realloc"};
    for (size_t i = 0; i < ISO_COUNT_OF(names); i++) {
        struct iso_func *func = iso_instance_export_func(instance, names[i]);
        if (func != NULL && iso_abi_core_equal(iso_func_type(func), four_i32, 4, four_i32, 1)) {
            return func;
        }
    }
    return NULL;
}

static enum iso_err find_allocator(struct iso_binding *binding, struct iso_report *report)
{
    struct iso_func *func = NULL;
    binding->allocator = iso_abi_realloc_find(binding->instance);
    if (binding->allocator != NULL) {
        return ISO_OK;
    }
    enum iso_err err = iso_abi_export_need(binding->instance, "cabi_realloc", false, &func, report);
    return err != ISO_OK
               ? err
               : iso_abi_type_need(func, "cabi_realloc", four_i32, 4, four_i32, 1, report);
}

static enum iso_err find_post(struct iso_binding *binding, const char *export_name,
                              struct iso_report *report)
{
    char name[ISO_ABI_NAME_MAX + 16];
    const struct iso_abi_func *plan = binding->plan;
    (void)iso_format(name, sizeof name, "cabi_post_%s", export_name);
    binding->post = iso_instance_export_func(binding->instance, name);
    return binding->post == NULL ? ISO_OK
                                 : iso_abi_type_need(binding->post, name, plan->core_results,
                                                     plan->core_result_count, NULL, 0, report);
}

static enum iso_err canonical_prepare(struct iso_binding *binding, const char *export_name,
                                      struct iso_report *report)
{
    uint32_t max_params = binding->derived ? ISO_V_FLAT_MANY - 1 : ISO_ABI_MAX_PARAMS;
    uint32_t max_results = binding->derived ? ISO_V_FLAT_MANY - 1 : ISO_ABI_MAX_RESULTS;
    enum iso_err err = iso_abi_export_need(binding->instance, export_name, binding->derived,
                                           &binding->callee, report);
    if (err == ISO_OK) {
        err = iso_abi_func_prepare(binding->func, max_params, max_results, false, &binding->arena,
                                   &binding->plan, report);
    }
    if (err != ISO_OK) {
        return err;
    }
    const struct iso_abi_func *plan = binding->plan;
    err = iso_abi_type_need(binding->callee, export_name, plan->core_params, plan->core_param_count,
                            plan->core_results, plan->core_result_count, report);
    if (err == ISO_OK && plan->params_heap) {
        err = find_allocator(binding, report);
    }
    if (err == ISO_OK && !binding->derived) {
        err = find_post(binding, export_name, report);
    }
    return err;
}

static enum iso_err canonical_measure(struct iso_binding *binding, struct iso_report *report)
{
    return binding->plan->params_heap
               ? iso_abi_measure_params(&binding->blocks, binding->plan, binding->args, report)
               : ISO_OK;
}

static void canonical_alloc_args(const struct iso_binding *binding,
                                 const struct iso_abi_block *block, union iso_slot *slots)
{
    (void)binding;
    slots[0].u32 = 0;
    slots[1].u32 = 0;
    slots[2].u32 = block->align;
    slots[3].u32 = block->size;
}

static void canonical_lower(struct iso_binding *binding, struct iso_abi_lower *lower)
{
    iso_abi_lower_params(lower, binding->plan, binding->args, binding->slots);
}

static enum iso_err canonical_lift(struct iso_binding *binding, struct iso_abi_lift *lift,
                                   struct iso_value *out)
{
    const struct iso_abi_func *plan = binding->plan;
    if (plan->result == NULL) {
        return ISO_OK;
    }
    return plan->result_indirect
               ? iso_abi_lift_at(lift, plan->result, binding->slots[0].u32, out)
               : iso_abi_lift_flat(lift, plan->result, binding->slots, plan->core_results, out);
}

static bool canonical_post_args(struct iso_binding *binding)
{
    return binding->post != NULL; /* the results, as they are */
}

const struct iso_abi_convention iso_abi_canonical = {.allocator = "cabi_realloc returned",
                                                     .prepare = canonical_prepare,
                                                     .measure = canonical_measure,
                                                     .alloc_args = canonical_alloc_args,
                                                     .lower = canonical_lower,
                                                     .lift = canonical_lift,
                                                     .post_args = canonical_post_args};
