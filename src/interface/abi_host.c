/*
 * abi_host.c - typed host functions: the other direction (Canonical ABI Explainer: "canon lower").
 *
 * The module's core values are lifted, the function is called with values, its result is lowered
 * into the memory of the calling instance, in room that the instance's cabi_realloc makes. That
 * allocator runs inside the host call, where nothing can be suspended: it runs to its end, with
 * fuel of its own that is charged to the call afterwards, and may not wait.
 */
#include "interface/abi_binding.h"

/* Instructions that the allocator may take for one result, and for each block of it: room for
 * filling 256 MiB, and no more than a fraction of a second. */
#define ALLOC_FUEL UINT64_C(100000000)
#define ALLOC_FUEL_PER_BLOCK UINT64_C(1000)
/* What the values of one call may take: the largest string or list, and something beside it. A
 * small memory can describe values of any size (lists of one and the same list). */
#define ARENA_MAX ((size_t)ISO_ABI_MAX_BYTES * 2)

enum { ARGS_FEW = 8 };

struct typed {
    const struct iso_abi_func *plan;
    iso_typed_fn fn;
    void *ctx;
    bool views;
};

struct typed_call {
    const struct typed *typed;
    struct iso_host_call *host;
    struct iso_arena arena;
    struct iso_abi_blocks blocks;
    struct iso_value *args;
    struct iso_value few[ARGS_FEW]; /* numbers need no memory of the host */
    struct iso_value result;
    uint32_t result_addr; /* where the caller wants an indirect one */
};

static uint8_t *caller_memory(const struct typed_call *call, uint64_t *size)
{
    *size = 0;
    return call->host->caller != NULL ? iso_instance_memory(call->host->caller, size) : NULL;
}

static enum iso_host_result trap_report(const struct typed_call *call, enum iso_err err,
                                        const struct iso_report *report)
{
    struct iso_str name = call->typed->plan->func->name;
    iso_host_trap(call->host, "%.*s: %s", (int)name.len, name.ptr, iso_report_text(report, err));
    return ISO_HOST_TRAP;
}

/* ---- In ----------------------------------------------------------------------------------------
 */

static enum iso_err lift_args(struct typed_call *call, struct iso_report *report)
{
    const struct iso_abi_func *plan = call->typed->plan;
    struct iso_abi_lift lift = {.arena = &call->arena, .views = call->typed->views};
    lift.memory = caller_memory(call, &lift.size);
    iso_abi_trap_init(&lift.trap);
    uint32_t count = plan->func->param_count;
    call->args =
        count <= ARGS_FEW ? call->few : iso_arena_array(&call->arena, count, sizeof *call->args);
    if (call->args == NULL) {
        return ISO_E_NOMEM;
    }
    enum iso_err err = iso_abi_lift_params(&lift, plan, call->host->args, call->args);
    if (err == ISO_E_TRAP) {
        char text[400];
        iso_abi_trap_text(&lift.trap, iso_str_from_z("argument"), text, sizeof text);
        return iso_fail(report, err, "%s", text);
    }
    if (err == ISO_OK && plan->result_indirect) {
        struct iso_abi_block block = {.align = plan->result->align,
                                      .size = plan->result->size,
                                      .addr = call->host->args[plan->core_param_count - 1].u32};
        call->result_addr = block.addr;
        err = iso_abi_block_check(&block, lift.size, "the call gave", report);
    }
    return err;
}

/* ---- The allocator -----------------------------------------------------------------------------
 */

/* Run the call begun to its end. Interruptions wait until it is over. */
static enum iso_run_state run_to_end(struct iso_store *store, bool *interrupted)
{
    enum iso_run_state state = iso_run(store);
    while (state == ISO_RUN_INTERRUPTED) {
        *interrupted = true;
        state = iso_run(store);
    }
    return state;
}

static enum iso_err alloc_block(struct typed_call *call, struct iso_func *allocator,
                                struct iso_abi_block *block, struct iso_report *report)
{
    struct iso_store *store = call->host->store;
    union iso_slot args[4] = {{.u32 = 0}, {.u32 = 0}, {.u32 = block->align}, {.u32 = block->size}};
    uint64_t size = 0;
    bool interrupted = false;
    enum iso_err err = iso_start(store, allocator, args);
    if (err != ISO_OK) {
        return iso_fail(report, err, "cabi_realloc: %s", iso_start_text(store, err));
    }
    enum iso_run_state state = run_to_end(store, &interrupted);
    if (interrupted) {
        iso_store_interrupt(store);
    }
    if (state == ISO_RUN_TRAPPED) {
        struct iso_str trap = iso_str_from_z(iso_store_trap(store)->message);
        return iso_fail(report, ISO_E_TRAP, "cabi_realloc trapped: %.*s", (int)trap.len, trap.ptr);
    }
    if (state != ISO_RUN_DONE) {
        iso_drop(store);
        return iso_fail(report, ISO_E_TRAP, "cabi_realloc %s",
                        state == ISO_RUN_PENDING ? "called a function that waits"
                                                 : "does not come to an end");
    }
    block->addr = iso_results(store)[0].u32;
    (void)caller_memory(call, &size);
    return iso_abi_block_check(block, size, "cabi_realloc returned", report);
}

static enum iso_err alloc_blocks(struct typed_call *call, struct iso_report *report)
{
    struct iso_store *store = call->host->store;
    struct iso_func *allocator =
        call->host->caller != NULL ? iso_abi_realloc_find(call->host->caller) : NULL;
    if (allocator == NULL) {
        return iso_fail(report, ISO_E_TRAP,
                        "the result needs memory of the caller, which exports no cabi_realloc");
    }
    uint64_t fuel = iso_store_fuel(store), used = iso_store_fuel_used(store);
    enum iso_err err = ISO_OK;
    iso_store_set_fuel(store, ALLOC_FUEL + call->blocks.count * ALLOC_FUEL_PER_BLOCK);
    for (uint32_t i = 0; i < call->blocks.count && err == ISO_OK; i++) {
        err = alloc_block(call, allocator, &call->blocks.items[i], report);
    }
    used = iso_store_fuel_used(store) - used;
    if (fuel != ISO_FUEL_UNLIMITED) {
        fuel = fuel > used ? fuel - used : 0;
    }
    iso_store_set_fuel(store, fuel);
    return err;
}

/* ---- Out ---------------------------------------------------------------------------------------
 */

static enum iso_err lower_result(struct typed_call *call, struct iso_report *report)
{
    const struct iso_abi_func *plan = call->typed->plan;
    enum iso_err err = iso_value_check(plan->func->result, &call->result, report);
    if (call->typed->views) {
        uint64_t size = 0;
        call->blocks.views.ptr = caller_memory(call, &size);
        call->blocks.views.len = (size_t)size;
    }
    if (err == ISO_OK) {
        err = iso_abi_measure(&call->blocks, plan->result, &call->result, report);
    }
    if (err == ISO_OK && call->blocks.count != 0) {
        err = alloc_blocks(call, report);
    }
    if (err != ISO_OK) {
        return err;
    }
    uint64_t size = 0;
    struct iso_abi_lower lower = {.memory = caller_memory(call, &size)};
    if (call->blocks.count != 0) {
        lower.next = call->blocks.items;
        lower.end = call->blocks.items + call->blocks.count;
    }
    if (plan->result_indirect) {
        iso_abi_lower_store(&lower, plan->result, &call->result, lower.memory + call->result_addr);
    } else {
        iso_abi_lower_flat(&lower, plan->result, &call->result, call->host->results,
                           plan->core_results);
    }
    return ISO_OK;
}

static enum iso_host_result call_in(struct typed_call *call)
{
    struct iso_report report;
    iso_report_init(&report);
    enum iso_err err = lift_args(call, &report);
    if (err != ISO_OK) {
        return trap_report(call, err, &report);
    }
    enum iso_host_result answer =
        call->typed->fn(call->typed->ctx, call->host, call->args, &call->arena, &call->result);
    if (answer == ISO_HOST_DONE && call->typed->plan->result != NULL) {
        err = lower_result(call, &report);
    }
    return err == ISO_OK ? answer : trap_report(call, err, &report);
}

static enum iso_host_result typed_enter(struct iso_host_call *host)
{
    struct typed_call call = {.typed = host->ctx, .host = host};
    void *ctx = host->ctx;
    const struct iso_alloc *alloc = iso_store_arena(host->store)->alloc;
    iso_arena_init(&call.arena, alloc, 1024, ARENA_MAX);
    iso_abi_blocks_init(&call.blocks, alloc);
    host->ctx = call.typed->ctx;
    enum iso_host_result answer = call_in(&call);
    host->ctx = ctx;
    iso_abi_blocks_fini(&call.blocks);
    iso_arena_fini(&call.arena);
    return answer;
}

/* ---- Defining ----------------------------------------------------------------------------------
 */

/* What a store needs to know of an import. */
struct iso_typed_import {
    struct iso_arena arena;
    struct typed typed;
    struct iso_host_func def;
};

static enum iso_err import_prepare(const struct iso_wit_interface *interface,
                                   const struct iso_wit_func *func, struct iso_arena *arena,
                                   struct iso_typed_import *out)
{
    char module[ISO_ABI_NAME_MAX], name[ISO_ABI_NAME_MAX];
    char params[ISO_ABI_MAX_PARAMS + 2], results[ISO_ABI_MAX_RESULTS + 1];
    enum iso_err err = iso_abi_func_prepare(func, ISO_ABI_MAX_PARAMS, ISO_ABI_MAX_RESULTS, true,
                                            arena, &out->typed.plan, NULL);
    if (err != ISO_OK) {
        return err;
    }
    const struct iso_abi_func *plan = out->typed.plan;
    iso_abi_import_module(interface, module, sizeof module);
    iso_abi_export_name(NULL, func, name, sizeof name);
    iso_type_letters(plan->core_params, plan->core_param_count, params);
    iso_type_letters(plan->core_results, plan->core_result_count, results);
    out->def.module = iso_arena_copy_str(arena, iso_str_from_z(module));
    out->def.name = iso_arena_copy_str(arena, iso_str_from_z(name));
    out->def.params = iso_arena_copy_str(arena, iso_str_from_z(params));
    out->def.results = iso_arena_copy_str(arena, iso_str_from_z(results));
    bool complete = out->def.module != NULL && out->def.name != NULL && out->def.params != NULL &&
                    out->def.results != NULL;
    return complete ? ISO_OK : ISO_E_NOMEM;
}

enum iso_err iso_typed_import_create(const struct iso_alloc *alloc,
                                     const struct iso_wit_interface *interface,
                                     const struct iso_wit_func *func, iso_typed_fn fn, void *ctx,
                                     enum iso_host_policy policy, bool views,
                                     struct iso_typed_import **out)
{
    struct iso_typed_import *import = iso_alloc_new(alloc, sizeof *import);
    if (import == NULL) {
        return ISO_E_NOMEM;
    }
    *import = (struct iso_typed_import){
        .typed = {.fn = fn, .ctx = ctx, .views = views},
        .def = {.fn = typed_enter, .ctx = &import->typed, .policy = policy}};
    iso_arena_init(&import->arena, alloc, 512, SIZE_MAX);
    enum iso_err err = import_prepare(interface, func, &import->arena, import);
    if (err != ISO_OK) {
        iso_typed_import_destroy(import);
        return err;
    }
    *out = import;
    return ISO_OK;
}

void iso_typed_import_destroy(struct iso_typed_import *import)
{
    if (import != NULL) {
        const struct iso_alloc *alloc = import->arena.alloc;
        iso_arena_fini(&import->arena);
        iso_alloc_free(alloc, import, sizeof *import);
    }
}

enum iso_err iso_typed_import_define(const struct iso_typed_import *import, struct iso_store *store)
{
    return iso_store_define_func(store, &import->def);
}

/* For one store, in its own arena. */
static enum iso_err define(struct iso_store *store, const struct iso_wit_interface *interface,
                           const struct iso_wit_func *func, const struct typed *like,
                           enum iso_host_policy policy)
{
    struct iso_arena *arena = iso_store_arena(store);
    struct iso_typed_import *import = iso_arena_alloc(arena, sizeof *import);
    if (import == NULL) {
        return ISO_E_NOMEM;
    }
    import->typed = *like;
    import->def =
        (struct iso_host_func){.fn = typed_enter, .ctx = &import->typed, .policy = policy};
    enum iso_err err = import_prepare(interface, func, arena, import);
    return err == ISO_OK ? iso_typed_import_define(import, store) : err;
}

enum iso_err iso_typed_define(struct iso_store *store, const struct iso_wit_interface *interface,
                              const struct iso_wit_func *func, iso_typed_fn fn, void *ctx,
                              enum iso_host_policy policy)
{
    const struct typed typed = {.fn = fn, .ctx = ctx};
    return define(store, interface, func, &typed, policy);
}

enum iso_err iso_typed_define_views(struct iso_store *store,
                                    const struct iso_wit_interface *interface,
                                    const struct iso_wit_func *func, iso_typed_fn fn, void *ctx,
                                    enum iso_host_policy policy)
{
    const struct typed typed = {.fn = fn, .ctx = ctx, .views = true};
    return define(store, interface, func, &typed, policy);
}
