/*
 * abi_bindgen.c - the calling convention of modules made by wasm-bindgen (Rust) for JavaScript, as
 * the glue that it generates uses it: numbers, booleans, characters, strings, lists of numbers and
 * options of those.
 *
 * Strings and lists go in as (pointer, length) in memory of __wbindgen_malloc, which the function
 * takes over; they come out the same way and are released with __wbindgen_free. Two results or more
 * stand in 16 bytes of the module's stack, whose address is the first parameter (made with
 * __wbindgen_add_to_stack_pointer), or, in newer modules, are several core results. Both allocators
 * take the alignment since 0.2.87. Options of small numbers have a number outside of their range
 * for "none"; those of 32 bits are (is-some, value), or, in newer modules, an f64 with such a
 * number. Which of these a module has is told by its core types; what fits none of them is refused.
 */
#include "interface/abi_binding.h"

enum { FRAME_BYTES = 16 };

/* How a value is passed. */
enum bindgen_mode {
    BG_VALUE,    /* as in the canonical ABI */
    BG_RANGE,    /* option of a string or list: pointer 0 is none */
    BG_SENTINEL, /* option of up to 24 bits: i32, 0xffffff is none */
    BG_PAIR,     /* option of a number: i32 is-some, then the number */
    BG_NUMBER    /* option of 32 bits: f64, 0x100000001 is none */
};

#define NONE_I32 UINT32_C(0xffffff)
#define NONE_F64 4294967297.0

/* ---- Types ----------------------------------------------------------------------------------- */

static bool is_scalar(enum iso_vkind kind)
{
    return kind <= ISO_V_CHAR;
}

static bool is_range(const struct iso_vtype *type)
{
    if (type->kind == ISO_V_STRING) {
        return true;
    }
    return type->kind == ISO_V_LIST && type->element->kind != ISO_V_BOOL &&
           type->element->kind <= ISO_V_F64;
}

static uint8_t option_mode(enum iso_vkind kind, bool newer)
{
    switch (kind) {
    case ISO_V_S32:
    case ISO_V_U32:
    case ISO_V_F32:
        return newer ? BG_NUMBER : BG_PAIR;
    case ISO_V_S64:
    case ISO_V_U64:
    case ISO_V_F64:
        return BG_PAIR;
    default:
        return is_scalar(kind) ? BG_SENTINEL : BG_RANGE;
    }
}

static void part_types(struct iso_abi_bindgen_part *part)
{
    switch (part->mode) {
    case BG_VALUE:
    case BG_RANGE:
        part->flat = (uint8_t)part->node->flat;
        memcpy(part->types, part->node->flat_types, part->flat);
        return;
    case BG_PAIR:
        part->flat = 2;
        part->types[0] = ISO_TYPE_I32;
        part->types[1] = part->node->flat_types[0];
        return;
    default:
        part->flat = 1;
        part->types[0] = part->mode == BG_SENTINEL ? ISO_TYPE_I32 : ISO_TYPE_F64;
        return;
    }
}

/* newer: options of 32 bits as an f64. */
static enum iso_err part_prepare(const struct iso_vtype *type, bool newer, struct iso_arena *arena,
                                 struct iso_abi_bindgen_part *out, struct iso_report *report)
{
    bool option = type->kind == ISO_V_OPTION;
    const struct iso_vtype *inner = option ? type->element : type;
    if (!is_scalar(inner->kind) && !is_range(inner)) {
        char text[80];
        iso_vtype_text(type, text, sizeof text);
        return iso_fail(
            report, ISO_E_UNSUPPORTED,
            "%s cannot be passed to a wasm-bindgen module; numbers, bool, char, string, "
            "lists of numbers and options of these can",
            text);
    }
    out->mode = option ? option_mode(inner->kind, newer) : BG_VALUE;
    enum iso_err err = iso_abi_node_prepare(inner, arena, &out->node, report);
    if (err == ISO_OK) {
        part_types(out);
    }
    return err;
}

/* One of the forms in which a function may have been compiled. */
struct form {
    uint8_t *params;
    uint32_t param_count;
    uint8_t results[2];
    uint32_t result_count;
};

static enum iso_err form_prepare(struct iso_binding *binding, bool newer, bool in_frame,
                                 struct form *form, struct iso_report *report)
{
    struct iso_abi_bindgen *bindgen = &binding->bindgen;
    const struct iso_wit_func *func = binding->func;
    enum iso_err err = ISO_OK;
    *form = (struct form){.params =
                              iso_arena_alloc(&binding->arena, 2 * (size_t)func->param_count + 1)};
    bindgen->params = iso_arena_array(&binding->arena, func->param_count, sizeof *bindgen->params);
    if (form->params == NULL || bindgen->params == NULL) {
        return ISO_E_NOMEM;
    }
    if (func->result != NULL) {
        err = part_prepare(func->result, newer, &binding->arena, &bindgen->result, report);
        bindgen->result_in_frame = in_frame && bindgen->result.flat > 1;
        if (bindgen->result_in_frame) {
            form->params[form->param_count++] = ISO_TYPE_I32;
        } else {
            form->result_count = bindgen->result.flat;
            memcpy(form->results, bindgen->result.types, sizeof form->results);
        }
    }
    for (uint32_t i = 0; i < func->param_count && err == ISO_OK; i++) {
        struct iso_abi_bindgen_part *part = &bindgen->params[i];
        err = part_prepare(func->params[i].type, newer, &binding->arena, part, report);
        if (err == ISO_OK) {
            memcpy(&form->params[form->param_count], part->types, part->flat);
            form->param_count += part->flat;
        }
    }
    return err;
}

/* The first form that has the type of the export. */
static enum iso_err choose_form(struct iso_binding *binding, const char *name,
                                struct iso_report *report)
{
    const struct iso_func_type *type = iso_func_type(binding->callee);
    struct form form, first = {0};
    for (unsigned i = 0; i < 4; i++) {
        enum iso_err err = form_prepare(binding, i % 2 != 0, i < 2, &form, report);
        if (err != ISO_OK) {
            return err;
        }
        if (iso_abi_core_equal(type, form.params, form.param_count, form.results,
                               form.result_count)) {
            return ISO_OK;
        }
        first = i == 0 ? form : first;
    }
    return iso_abi_type_need(binding->callee, name, first.params, first.param_count, first.results,
                             first.result_count, report);
}

/* ---- The module's own functions ---------------------------------------------------------------
 */

static bool is_type(const struct iso_func *func, uint32_t params, uint32_t results)
{
    static const uint8_t i32s[3] = {ISO_TYPE_I32, ISO_TYPE_I32, ISO_TYPE_I32};
    return iso_abi_core_equal(iso_func_type(func), i32s, params, i32s, results);
}

static enum iso_err find_allocators(struct iso_binding *binding, struct iso_report *report)
{
    struct iso_func *allocator = NULL, *release = NULL;
    enum iso_err err =
        iso_abi_export_need(binding->instance, "__wbindgen_malloc", false, &allocator, report);
    if (err == ISO_OK) {
        err = iso_abi_export_need(binding->instance, "__wbindgen_free", false, &release, report);
    }
    if (err != ISO_OK) {
        return err;
    }
    binding->allocator = allocator;
    binding->post = release;
    binding->bindgen.aligned = is_type(allocator, 2, 1) && is_type(release, 3, 0);
    if (binding->bindgen.aligned || (is_type(allocator, 1, 1) && is_type(release, 2, 0))) {
        return ISO_OK;
    }
    const struct iso_func_type *m = iso_func_type(allocator), *f = iso_func_type(release);
    char malloc_text[80], free_text[80];
    iso_abi_core_text(m->params, m->param_count, m->results, m->result_count, malloc_text,
                      sizeof malloc_text);
    iso_abi_core_text(f->params, f->param_count, f->results, f->result_count, free_text,
                      sizeof free_text);
    return iso_fail(report, ISO_E_UNSUPPORTED,
                    "this variant of wasm-bindgen is not known: __wbindgen_malloc is %s and "
                    "__wbindgen_free %s; known are (i32) -> (i32) with (i32, i32) -> () and (i32, "
                    "i32) -> (i32) with (i32, i32, i32) -> ()",
                    malloc_text, free_text);
}

static bool needs_memory(const struct iso_binding *binding)
{
    const struct iso_abi_bindgen *bindgen = &binding->bindgen;
    bool needs = bindgen->result.node != NULL && bindgen->result.node->has_heap;
    for (uint32_t i = 0; i < binding->func->param_count; i++) {
        needs = needs || bindgen->params[i].node->has_heap;
    }
    return needs;
}

static enum iso_err find_frame(struct iso_binding *binding, struct iso_report *report)
{
    static const char name[] = "__wbindgen_add_to_stack_pointer";
    static const uint8_t i32[1] = {ISO_TYPE_I32};
    enum iso_err err =
        iso_abi_export_need(binding->instance, name, false, &binding->bindgen.frame, report);
    return err == ISO_OK ? iso_abi_type_need(binding->bindgen.frame, name, i32, 1, i32, 1, report)
                         : err;
}

static enum iso_err bindgen_prepare(struct iso_binding *binding, const char *export_name,
                                    struct iso_report *report)
{
    enum iso_err err =
        iso_abi_export_need(binding->instance, export_name, true, &binding->callee, report);
    if (err == ISO_OK) {
        err = choose_form(binding, export_name, report);
    }
    if (err == ISO_OK && needs_memory(binding)) {
        err = find_allocators(binding, report);
    }
    if (err == ISO_OK && binding->bindgen.result_in_frame) {
        err = find_frame(binding, report);
    }
    return err;
}

/* ---- In ----------------------------------------------------------------------------------------
 */

static enum iso_err bindgen_measure(struct iso_binding *binding, struct iso_report *report)
{
    enum iso_err err = ISO_OK;
    for (uint32_t i = 0; i < binding->func->param_count && err == ISO_OK; i++) {
        const struct iso_abi_bindgen_part *part = &binding->bindgen.params[i];
        const struct iso_value *value = &binding->args[i];
        if (part->mode != BG_VALUE) {
            value = value->choice.index == 1 ? value->choice.payload : NULL;
        }
        if (value != NULL) {
            err = iso_abi_measure(&binding->blocks, part->node, value, report);
        }
    }
    return err;
}

static void bindgen_alloc_args(const struct iso_binding *binding, const struct iso_abi_block *block,
                               union iso_slot *slots)
{
    (void)binding;
    slots[0].u32 = block->size;
    slots[1].u32 = block->align; /* not looked at by an allocator of one parameter */
}

/* The number in an option as an f64. */
static double option_number(const struct iso_abi_bindgen_part *part, const struct iso_value *value)
{
    return part->node->kind == ISO_V_F32   ? (double)value->f32
           : part->node->kind == ISO_V_S32 ? (double)value->s
                                           : (double)value->u;
}

static void lower_option(struct iso_abi_lower *lower, const struct iso_abi_bindgen_part *part,
                         const struct iso_value *option, union iso_slot *slots)
{
    const struct iso_value *value = option->choice.index == 1 ? option->choice.payload : NULL;
    for (uint32_t i = 0; i < part->flat; i++) {
        slots[i].u64 = 0;
        if (part->types[i] == ISO_TYPE_I32) {
            slots[i].u32 = 0;
        }
    }
    switch (part->mode) {
    case BG_SENTINEL:
        slots[0].u32 = NONE_I32;
        break;
    case BG_NUMBER:
        slots[0].f64 = value != NULL ? option_number(part, value) : NONE_F64;
        return;
    case BG_PAIR:
        slots[0].u32 = value != NULL;
        slots++;
        break;
    default:
        break;
    }
    if (value != NULL) {
        iso_abi_lower_flat(lower, part->node, value, slots, part->node->flat_types);
    }
}

static void bindgen_lower(struct iso_binding *binding, struct iso_abi_lower *lower)
{
    union iso_slot *slots = binding->slots;
    if (binding->bindgen.result_in_frame) {
        (slots++)->u32 = binding->bindgen.frame_addr;
    }
    for (uint32_t i = 0; i < binding->func->param_count; i++) {
        const struct iso_abi_bindgen_part *part = &binding->bindgen.params[i];
        if (part->mode == BG_VALUE) {
            iso_abi_lower_flat(lower, part->node, &binding->args[i], slots, part->types);
        } else {
            lower_option(lower, part, &binding->args[i], slots);
        }
        slots += part->flat;
    }
}

/* ---- Out ---------------------------------------------------------------------------------------
 */

/* From the frame to the slots, where other results are. Its 16 bytes are in the memory: checked
 * when it was made, and memories do not shrink. */
static void load_frame(const struct iso_binding *binding, const uint8_t *frame)
{
    const struct iso_abi_bindgen_part *part = &binding->bindgen.result;
    for (uint32_t i = 0, at = 0; i < part->flat; i++) {
        bool wide = part->types[i] == ISO_TYPE_I64 || part->types[i] == ISO_TYPE_F64;
        at = wide ? (at + 7) / 8 * 8 : at;
        if (wide) {
            binding->slots[i].u64 = iso_load_u64le(frame + at);
        } else {
            binding->slots[i].u32 = iso_load_u32le(frame + at);
        }
        at += wide ? 8 : 4;
    }
}

static bool is_none(const struct iso_abi_bindgen_part *part, const union iso_slot *slots)
{
    return part->mode == BG_SENTINEL ? slots[0].u32 == NONE_I32
           : part->mode == BG_NUMBER ? slots[0].f64 == NONE_F64
                                     : slots[0].u32 == 0;
}

static enum iso_err lift_number(struct iso_abi_lift *lift, const struct iso_abi_bindgen_part *part,
                                double number, struct iso_value *out)
{
    if (part->node->kind == ISO_V_F32) {
        out->f32 = (float)number;
        return ISO_OK;
    }
    bool is_signed = part->node->kind == ISO_V_S32;
    double low = is_signed ? -2147483648.0 : 0.0, high = is_signed ? 2147483647.0 : 4294967295.0;
    if (!(number >= low && number <= high)) {
        return iso_abi_trap_set(&lift->trap, "number %g is not one of 32 bits", number);
    }
    if (is_signed) {
        out->s = (int64_t)number;
    } else {
        out->u = (uint64_t)number;
    }
    return ISO_OK;
}

static enum iso_err bindgen_lift(struct iso_binding *binding, struct iso_abi_lift *lift,
                                 struct iso_value *out)
{
    const struct iso_abi_bindgen_part *part = &binding->bindgen.result;
    const union iso_slot *slots = binding->slots;
    if (part->node == NULL) {
        return ISO_OK;
    }
    if (binding->bindgen.result_in_frame) {
        load_frame(binding, lift->memory + binding->bindgen.frame_addr);
    }
    if (part->mode == BG_VALUE) {
        return iso_abi_lift_flat(lift, part->node, slots, part->types, out);
    }
    if (is_none(part, slots)) {
        out->choice.payload = NULL;
        out->choice.index = 0;
        return ISO_OK;
    }
    struct iso_value *payload = iso_arena_alloc(lift->arena, sizeof *payload);
    if (payload == NULL) {
        return ISO_E_NOMEM;
    }
    out->choice.payload = payload;
    out->choice.index = 1;
    if (part->mode == BG_NUMBER) {
        return lift_number(lift, part, slots[0].f64, payload);
    }
    slots += part->mode == BG_PAIR ? 1 : 0;
    return iso_abi_lift_flat(lift, part->node, slots, part->node->flat_types, payload);
}

/* The slots have (pointer, length): what __wbindgen_free wants is in bytes. */
static bool bindgen_post_args(struct iso_binding *binding)
{
    const struct iso_abi_bindgen_part *part = &binding->bindgen.result;
    union iso_slot *slots = binding->slots;
    if (part->node == NULL || !part->node->has_heap || slots[0].u32 == 0) {
        return false;
    }
    const struct iso_abi_node *element = part->node->element;
    slots[1].u32 *= element != NULL ? element->size : 1;
    slots[2].u32 = element != NULL ? element->align : 1;
    return true;
}

_Static_assert(FRAME_BYTES >= 8 + 8, "an is-some and a number of 64 bits");

const struct iso_abi_convention iso_abi_wasm_bindgen = {.allocator = "__wbindgen_malloc returned",
                                                        .prepare = bindgen_prepare,
                                                        .measure = bindgen_measure,
                                                        .alloc_args = bindgen_alloc_args,
                                                        .lower = bindgen_lower,
                                                        .lift = bindgen_lift,
                                                        .post_args = bindgen_post_args};
