/*
 * abi_call.c - bindings: typed calls of exported functions, as a sequence of core calls of which
 * each may be suspended (abi_binding.h has the phases).
 */
#include "interface/abi_binding.h"

enum { BINDING_SLOTS_MIN = 4 };

/* ---- Making -----------------------------------------------------------------------------------
 */

enum iso_err iso_abi_export_need(struct iso_instance *instance, const char *name, bool loose,
                                 struct iso_func **out, struct iso_report *report)
{
    bool ambiguous = false;
    struct iso_func *func = iso_abi_export_find(instance, name, loose, &ambiguous);
    if (ambiguous) {
        return iso_fail(report, ISO_E_LINK, "several exports of the module are spelt like \"%s\"",
                        name);
    }
    if (func == NULL) {
        return iso_fail(report, ISO_E_NOT_FOUND, "the module exports no function \"%s\"", name);
    }
    *out = func;
    return ISO_OK;
}

enum iso_err iso_abi_type_need(const struct iso_func *func, const char *name, const uint8_t *params,
                               uint32_t param_count, const uint8_t *results, uint32_t result_count,
                               struct iso_report *report)
{
    const struct iso_func_type *type = iso_func_type(func);
    char is[160], should[160];
    if (iso_abi_core_equal(type, params, param_count, results, result_count)) {
        return ISO_OK;
    }
    iso_abi_core_text(type->params, type->param_count, type->results, type->result_count, is,
                      sizeof is);
    iso_abi_core_text(params, param_count, results, result_count, should, sizeof should);
    return iso_fail(report, ISO_E_LINK,
                    "the export \"%s\" has the core type %s, but its interface "
                    "needs %s",
                    name, is, should);
}

static enum iso_err choose_convention(struct iso_binding *binding, struct iso_str abi,
                                      struct iso_report *report)
{
    binding->convention = &iso_abi_canonical;
    if (abi.len == 0 || iso_str_equal_z(abi, "canonical")) {
        return ISO_OK;
    }
    if (iso_str_equal_z(abi, "derived")) {
        binding->derived = true;
        return ISO_OK;
    }
    if (iso_str_equal_z(abi, "wasm-bindgen")) {
        binding->convention = &iso_abi_wasm_bindgen;
        return ISO_OK;
    }
    return iso_fail(report, ISO_E_UNSUPPORTED,
                    "the calling convention \"%.*s\" is not known (known: canonical, derived, "
                    "wasm-bindgen)",
                    (int)abi.len, abi.ptr);
}

static void exports_of(struct iso_binding *binding, struct iso_func ***funcs)
{
    funcs[0] = &binding->callee;
    funcs[1] = &binding->allocator;
    funcs[2] = &binding->post;
    funcs[3] = &binding->bindgen.frame;
}

/* The numbers of the exports that were found by name, for other instances of the module. */
static void find_exports(struct iso_binding *binding)
{
    struct iso_func **funcs[ISO_ABI_EXPORTS];
    uint32_t count = iso_module_export_count(binding->module);
    exports_of(binding, funcs);
    for (uint32_t i = 0; i < ISO_ABI_EXPORTS; i++) {
        uint32_t at = 0;
        while (*funcs[i] != NULL && at < count &&
               iso_instance_export_func_at(binding->instance, at) != *funcs[i]) {
            at++;
        }
        binding->exports[i] = at;
    }
}

enum iso_err iso_binding_rebind(struct iso_binding *binding, struct iso_instance *instance)
{
    struct iso_func **funcs[ISO_ABI_EXPORTS];
    if (iso_instance_module(instance) != binding->module) {
        return ISO_E_ARGUMENT;
    }
    binding->phase = ISO_ABI_IDLE;
    binding->instance = instance;
    binding->store = iso_instance_store(instance);
    exports_of(binding, funcs);
    for (uint32_t i = 0; i < ISO_ABI_EXPORTS; i++) {
        if (*funcs[i] != NULL) {
            *funcs[i] = iso_instance_export_func_at(instance, binding->exports[i]);
        }
    }
    return ISO_OK;
}

static enum iso_err prepare(struct iso_binding *binding, struct iso_str abi,
                            const struct iso_wit_interface *interface, struct iso_report *report)
{
    char name[ISO_ABI_NAME_MAX];
    bool foreign = abi.len != 0 && !iso_str_equal_z(abi, "canonical");
    enum iso_err err = choose_convention(binding, abi, report);
    if (err != ISO_OK) {
        return err;
    }
    /* Other conventions know no interfaces: their functions have plain names. */
    iso_abi_export_name(foreign ? NULL : interface, binding->func, name, sizeof name);
    if (strlen(name) == sizeof name - 1) {
        return iso_fail(report, ISO_E_LIMIT, "the function's name is too long");
    }
    err = binding->convention->prepare(binding, name, report);
    if (err != ISO_OK) {
        return err;
    }
    const struct iso_func_type *type = iso_func_type(binding->callee);
    uint32_t slots =
        type->param_slots > type->result_slots ? type->param_slots : type->result_slots;
    slots = slots > BINDING_SLOTS_MIN ? slots : BINDING_SLOTS_MIN;
    binding->result_slots = type->result_slots;
    find_exports(binding);
    binding->slots = iso_arena_array(&binding->arena, slots, sizeof *binding->slots);
    return binding->slots != NULL ? ISO_OK : ISO_E_NOMEM;
}

enum iso_err iso_binding_create(struct iso_instance *instance, struct iso_str abi,
                                const struct iso_wit_interface *interface,
                                const struct iso_wit_func *func, struct iso_binding **out,
                                struct iso_report *report)
{
    const struct iso_alloc *alloc = iso_store_arena(iso_instance_store(instance))->alloc;
    struct iso_binding *binding = iso_alloc_new(alloc, sizeof *binding);
    if (binding == NULL) {
        return ISO_E_NOMEM;
    }
    binding->alloc = *alloc;
    binding->instance = instance;
    binding->module = iso_instance_module(instance);
    binding->store = iso_instance_store(instance);
    binding->func = func;
    iso_arena_init(&binding->arena, &binding->alloc, 1024, SIZE_MAX);
    iso_abi_blocks_init(&binding->blocks, &binding->alloc);
    enum iso_err err = prepare(binding, abi, interface, report);
    if (err != ISO_OK) {
        iso_binding_destroy(binding);
        return err;
    }
    *out = binding;
    return ISO_OK;
}

void iso_binding_destroy(struct iso_binding *binding)
{
    if (binding == NULL) {
        return;
    }
    iso_abi_blocks_fini(&binding->blocks);
    iso_arena_fini(&binding->arena);
    struct iso_alloc alloc = binding->alloc;
    iso_alloc_free(&alloc, binding, sizeof *binding);
}

const struct iso_wit_func *iso_binding_func(const struct iso_binding *binding)
{
    return binding->func;
}

void iso_binding_set_views(struct iso_binding *binding, bool on)
{
    binding->views = on;
}

/* ---- The sequence -----------------------------------------------------------------------------
 */

static enum iso_err begin(struct iso_binding *binding, struct iso_func *func,
                          const union iso_slot *args, struct iso_report *report)
{
    enum iso_err err = iso_start(binding->store, func, args);
    if (err != ISO_OK) {
        binding->phase = ISO_ABI_IDLE;
        return iso_fail(report, err, "the call cannot begin: %s",
                        iso_start_text(binding->store, err));
    }
    return ISO_OK;
}

static enum iso_err begin_callee(struct iso_binding *binding, struct iso_report *report)
{
    struct iso_abi_lower lower = {.memory = NULL};
    uint64_t size = 0;
    if (binding->blocks.count != 0) {
        lower.next = binding->blocks.items;
        lower.end = binding->blocks.items + binding->blocks.count;
        lower.memory = iso_instance_memory(binding->instance, &size);
    }
    binding->convention->lower(binding, &lower);
    return begin(binding, binding->callee, binding->slots, report);
}

/* Begin the core call of the phase, or of the first one after it that has any. In IDLE and VIEWED
 * there is none. */
static enum iso_err begin_phase(struct iso_binding *binding, struct iso_report *report)
{
    union iso_slot args[4];
    const struct iso_abi_convention *convention = binding->convention;
    if (binding->phase == ISO_ABI_FRAME) {
        if (binding->bindgen.frame != NULL) {
            args[0].i32 = -16;
            return begin(binding, binding->bindgen.frame, args, report);
        }
        binding->phase = ISO_ABI_ALLOC;
    }
    if (binding->phase == ISO_ABI_ALLOC) {
        if (binding->blocks_made < binding->blocks.count) {
            convention->alloc_args(binding, &binding->blocks.items[binding->blocks_made], args);
            return begin(binding, binding->allocator, args, report);
        }
        binding->phase = ISO_ABI_CALL;
    }
    if (binding->phase == ISO_ABI_CALL) {
        return begin_callee(binding, report);
    }
    if (binding->phase == ISO_ABI_POST) {
        if (convention->post_args(binding)) {
            return begin(binding, binding->post, binding->slots, report);
        }
        binding->phase = ISO_ABI_UNFRAME;
    }
    if (binding->phase == ISO_ABI_UNFRAME) {
        if (binding->bindgen.frame != NULL) {
            args[0].i32 = 16;
            return begin(binding, binding->bindgen.frame, args, report);
        }
        binding->phase = ISO_ABI_IDLE;
    }
    return ISO_OK;
}

/* What the module gave broke the convention: a trap, after which the instance is not to be used. */
static enum iso_err trap(struct iso_binding *binding, const char *text, struct iso_report *report)
{
    iso_store_trap_set(binding->store, text);
    return iso_fail(report, ISO_E_TRAP, "%s", text);
}

static enum iso_err check_block(struct iso_binding *binding, const struct iso_abi_block *block,
                                const char *source, struct iso_report *report)
{
    struct iso_report own;
    uint64_t size = 0;
    iso_report_init(&own);
    (void)iso_instance_memory(binding->instance, &size);
    enum iso_err err = iso_abi_block_check(block, size, source, &own);
    return err == ISO_OK ? err : trap(binding, own.text, report);
}

/* The function returned. What it returned is lifted; the phase after it. */
static enum iso_err take_result(struct iso_binding *binding, struct iso_arena *arena,
                                struct iso_report *report)
{
    struct iso_abi_lift lift = {.arena = arena, .views = binding->views};
    lift.memory = iso_instance_memory(binding->instance, &lift.size);
    iso_abi_trap_init(&lift.trap);
    if (binding->result_slots != 0) {
        memcpy(binding->slots, iso_results(binding->store),
               binding->result_slots * sizeof *binding->slots);
    }
    enum iso_err err = binding->convention->lift(binding, &lift, &binding->value);
    if (err == ISO_E_TRAP) {
        char text[400];
        iso_abi_trap_text(&lift.trap, iso_str_from_z("the result"), text, sizeof text);
        return trap(binding, text, report);
    }
    binding->late = err;
    binding->phase = binding->views && err == ISO_OK ? ISO_ABI_VIEWED : ISO_ABI_POST;
    return ISO_OK;
}

static enum iso_err take_block(struct iso_binding *binding, struct iso_report *report)
{
    struct iso_abi_block *block = &binding->blocks.items[binding->blocks_made++];
    block->addr = iso_results(binding->store)[0].u32;
    return check_block(binding, block, binding->convention->allocator, report);
}

static enum iso_err take_frame(struct iso_binding *binding, struct iso_report *report)
{
    struct iso_abi_block block = {
        .align = 8, .size = 16, .addr = iso_results(binding->store)[0].u32};
    binding->bindgen.frame_addr = block.addr;
    binding->phase = ISO_ABI_ALLOC;
    return check_block(binding, &block, "__wbindgen_add_to_stack_pointer returned", report);
}

/* The core call of the phase returned. */
static enum iso_err end_phase(struct iso_binding *binding, struct iso_arena *arena,
                              struct iso_report *report)
{
    switch (binding->phase) {
    case ISO_ABI_FRAME:
        return take_frame(binding, report);
    case ISO_ABI_ALLOC:
        return take_block(binding, report);
    case ISO_ABI_CALL:
        return take_result(binding, arena, report);
    case ISO_ABI_POST:
        binding->phase = ISO_ABI_UNFRAME;
        return ISO_OK;
    default:
        binding->phase = ISO_ABI_IDLE;
        return ISO_OK;
    }
}

static enum iso_err run(struct iso_binding *binding, struct iso_report *report)
{
    switch (iso_run(binding->store)) {
    case ISO_RUN_DONE:
        return ISO_OK;
    case ISO_RUN_TRAPPED:
        return iso_fail(report, ISO_E_TRAP, "%s", iso_store_trap(binding->store)->message);
    case ISO_RUN_IDLE:
        return iso_fail(report, ISO_E_STATE, "the call was given up");
    default:
        return ISO_E_PENDING;
    }
}

/* The phase's core call is under way: on to the end, or as far as it goes. */
static enum iso_err proceed(struct iso_binding *binding, struct iso_arena *arena,
                            struct iso_value *result, struct iso_report *report)
{
    enum iso_err err = ISO_OK;
    while (err == ISO_OK && binding->phase != ISO_ABI_IDLE && binding->phase != ISO_ABI_VIEWED) {
        err = run(binding, report);
        if (err == ISO_OK) {
            err = end_phase(binding, arena, report);
        }
        if (err == ISO_OK) {
            err = begin_phase(binding, report);
        }
    }
    if (err != ISO_OK) {
        binding->phase = err == ISO_E_PENDING ? binding->phase : ISO_ABI_IDLE;
        return err;
    }
    if (binding->late == ISO_OK && result != NULL && !binding->releasing) {
        *result = binding->value;
    }
    return binding->late;
}

/* ---- Calls ------------------------------------------------------------------------------------
 */

static bool is_under_way(enum iso_run_state state)
{
    return state == ISO_RUN_READY || state == ISO_RUN_PENDING || state == ISO_RUN_OUT_OF_FUEL ||
           state == ISO_RUN_INTERRUPTED;
}

static enum iso_err check_args(const struct iso_wit_func *func, const struct iso_value *args,
                               struct iso_report *report)
{
    for (uint32_t i = 0; i < func->param_count; i++) {
        enum iso_err err = iso_value_check_param(&func->params[i], &args[i], report);
        if (err != ISO_OK) {
            return err;
        }
    }
    return ISO_OK;
}

enum iso_err iso_binding_call(struct iso_binding *binding, const struct iso_value *args,
                              struct iso_arena *arena, struct iso_value *result,
                              struct iso_report *report)
{
    if (binding->phase == ISO_ABI_VIEWED) {
        return iso_fail(report, ISO_E_STATE, "the result of the last call was not released");
    }
    if (binding->phase != ISO_ABI_IDLE && is_under_way(iso_store_state(binding->store))) {
        return iso_fail(report, ISO_E_STATE, "a call of this function is under way");
    }
    enum iso_err err = check_args(binding->func, args, report);
    if (err != ISO_OK) {
        return err;
    }
    binding->args = args;
    binding->blocks.count = 0;
    binding->blocks_made = 0;
    binding->late = ISO_OK;
    binding->releasing = false;
    err = binding->convention->measure(binding, report);
    if (err != ISO_OK) {
        return err;
    }
    binding->phase = ISO_ABI_FRAME;
    err = begin_phase(binding, report);
    return err == ISO_OK ? proceed(binding, arena, result, report) : err;
}

enum iso_err iso_binding_continue(struct iso_binding *binding, struct iso_arena *arena,
                                  struct iso_value *result, struct iso_report *report)
{
    if (binding->phase == ISO_ABI_IDLE || binding->phase == ISO_ABI_VIEWED) {
        return iso_fail(report, ISO_E_STATE, "no call of this function is under way");
    }
    if (binding->releasing && result != NULL) {
        return iso_fail(report, ISO_E_STATE, "the result was delivered before");
    }
    struct iso_func *func = iso_store_func(binding->store);
    if (func != NULL && func != iso_abi_phase_func(binding, binding->phase)) {
        binding->phase = ISO_ABI_IDLE;
        return iso_fail(report, ISO_E_STATE, "the call was given up for another");
    }
    return proceed(binding, arena, result, report);
}

enum iso_err iso_binding_release(struct iso_binding *binding, struct iso_report *report)
{
    if (binding->phase != ISO_ABI_VIEWED) {
        return ISO_OK;
    }
    binding->releasing = true;
    binding->phase = ISO_ABI_POST;
    enum iso_err err = begin_phase(binding, report);
    return err == ISO_OK ? proceed(binding, NULL, NULL, report) : err;
}

void iso_binding_drop(struct iso_binding *binding)
{
    if (binding->phase != ISO_ABI_IDLE && binding->phase != ISO_ABI_VIEWED) {
        iso_drop(binding->store);
    }
    binding->phase = ISO_ABI_IDLE;
}
