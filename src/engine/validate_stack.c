/*
 * validate_stack.c - operands of the validation algorithm (spec appendix "Validation Algorithm"),
 * and messages.
 *
 * In unreachable code, popping below the block's base gives an operand of unknown type, which fits
 * everything. Such operands are never pushed: the base is simply not passed.
 */
#include "engine/validate.h"

/* ---- Messages ------------------------------------------------------------------------------ */

enum iso_err iso_validate_fail(struct iso_validator *v, enum iso_err err, const char *format, ...)
{
    struct iso_report *report = v->reader.report;
    if (report == NULL || report->set) {
        return err;
    }
    char text[sizeof report->text];
    va_list args;
    va_start(args, format);
    (void)iso_format_v(text, sizeof text, format, args);
    va_end(args);
    return iso_fail_at(report, err, (uint64_t)(v->op_at - v->reader.start), "%s", text);
}

void iso_validate_add_place(struct iso_validator *v)
{
    struct iso_report *report = v->reader.report;
    if (report == NULL || !report->set) {
        return;
    }
    char name[128];
    iso_module_parse_names(v->module);
    (void)iso_name_text(iso_module_func_name(v->module, v->func_index), name, sizeof name);
    size_t len = strlen(report->text);
    (void)iso_format(report->text + len, sizeof report->text - len,
                     name[0] != '\0' ? ", in function %u (%s)" : ", in function %u",
                     (unsigned)v->func_index, name);
}

static const char *type_text(uint8_t type)
{
    return type == ISO_TYPE_UNKNOWN ? "any type" : iso_type_name((enum iso_type)type);
}

static const char *op_text(const struct iso_validator *v)
{
    return iso_op_name(v->op);
}

/* `sp` is where the operand of type `type` was wanted. */
static enum iso_err fail_mismatch(struct iso_validator *v, uint8_t type, const uint8_t *sp)
{
    if (sp == v->base) {
        return iso_validate_fail(v, ISO_E_INVALID,
                                 "type mismatch: %s expects %s but no operand is left in this "
                                 "block",
                                 op_text(v), type_text(type));
    }
    return iso_validate_fail(v, ISO_E_INVALID, "type mismatch: %s expects %s but found %s",
                             op_text(v), type_text(type), type_text(sp[-1]));
}

/* ---- Pops ---------------------------------------------------------------------------------- */

/* Moves *sp below an operand that fits `type`; false when there is none. */
static bool step_below(struct iso_validator *v, uint8_t type, uint8_t **sp)
{
    if (*sp == v->base) {
        return iso_control_top(v)->unreachable;
    }
    uint8_t found = (*sp)[-1];
    if (found != type && found != ISO_TYPE_UNKNOWN) {
        return false;
    }
    *sp -= found == ISO_TYPE_V128 ? 2 : 1;
    return true;
}

enum iso_err iso_pop_slow(struct iso_validator *v, uint8_t type)
{
    return step_below(v, type, &v->sp) ? ISO_OK : fail_mismatch(v, type, v->sp);
}

enum iso_err iso_pop_any(struct iso_validator *v, uint8_t *type)
{
    if (v->sp == v->base) {
        if (!iso_control_top(v)->unreachable) {
            return fail_mismatch(v, ISO_TYPE_UNKNOWN, v->sp);
        }
        *type = ISO_TYPE_UNKNOWN;
        return ISO_OK;
    }
    *type = v->sp[-1];
    v->sp -= *type == ISO_TYPE_V128 ? 2 : 1;
    return ISO_OK;
}

/* Long lists without v128 are compared at once: short code can ask for them again and again. */
enum { LONG_LIST = 16 };

static enum iso_err walk_types(struct iso_validator *v, struct iso_type_list list, uint8_t **sp)
{
    if (list.count >= LONG_LIST && list.slots == list.count &&
        (size_t)(*sp - v->base) >= list.count &&
        memcmp(*sp - list.count, list.types, list.count) == 0) {
        *sp -= list.count;
        return ISO_OK;
    }
    for (uint32_t i = list.count; i > 0; i--) {
        if (*sp == v->base && iso_control_top(v)->unreachable) {
            return ISO_OK; /* so do the others fit */
        }
        if (!step_below(v, list.types[i - 1], sp)) {
            return fail_mismatch(v, list.types[i - 1], *sp);
        }
    }
    return ISO_OK;
}

enum iso_err iso_pop_types(struct iso_validator *v, struct iso_type_list list)
{
    return walk_types(v, list, &v->sp);
}

enum iso_err iso_check_types(struct iso_validator *v, struct iso_type_list list)
{
    uint8_t *sp = v->sp;
    return walk_types(v, list, &sp);
}

/* ---- Pushes -------------------------------------------------------------------------------- */

enum iso_err iso_validate_reserve(struct iso_validator *v, uint32_t count)
{
    uint32_t used = (uint32_t)(v->sp - v->stack);
    if (count > ISO_MAX_OPERAND_SLOTS || used > ISO_MAX_OPERAND_SLOTS - count) {
        return iso_validate_fail(v, ISO_E_LIMIT, "more than %u operands on the stack",
                                 ISO_MAX_OPERAND_SLOTS);
    }
    uint32_t needed = used + count + ISO_STACK_SLACK;
    if (needed <= v->stack_capacity) {
        return ISO_OK;
    }
    uint32_t capacity = v->stack_capacity * 2 > needed ? v->stack_capacity * 2 : needed;
    uint8_t *stack = iso_alloc_resize(v->alloc, v->stack, v->stack_capacity, capacity);
    if (stack == NULL) {
        return ISO_E_NOMEM;
    }
    v->base = stack + (v->base - v->stack);
    v->peak = stack + (v->peak - v->stack);
    v->sp = stack + used;
    v->stack = stack;
    v->stack_capacity = capacity;
    return ISO_OK;
}

enum iso_err iso_push_types(struct iso_validator *v, struct iso_type_list list)
{
    enum iso_err err = iso_validate_reserve(v, list.slots);
    if (err != ISO_OK) {
        return err;
    }
    if (list.count >= LONG_LIST && list.slots == list.count) {
        memcpy(v->sp, list.types, list.count);
        v->sp += list.count;
        return ISO_OK;
    }
    for (uint32_t i = 0; i < list.count; i++) {
        iso_push(v, list.types[i]);
    }
    return ISO_OK;
}
