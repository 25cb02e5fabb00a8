/*
 * validate.c - function bodies (spec 3.3, 3.4.1, appendix "Validation Algorithm"): one pass, in
 * time proportional to the body's bytes, with scratch memory that all functions of a module share.
 *
 * The loop keeps the position and the operand stack's pointers in local variables, since stores
 * into a byte array might, for all the compiler knows, change the validator. It settles the usual
 * operators inline in the usual case: operands there and of the right type, integers of one byte.
 * Everything else takes the slow path, which knows every case and writes the messages.
 */
#include "engine/validate.h"

/* ---- Locals -------------------------------------------------------------------------------- */

static enum iso_err grow_locals(struct iso_validator *v, uint32_t count)
{
    if (count <= v->local_capacity) {
        return ISO_OK;
    }
    uint32_t capacity = v->local_capacity * 2 > count ? v->local_capacity * 2 : count;
    uint8_t *locals = iso_alloc_resize(v->alloc, v->locals, v->local_capacity, capacity);
    if (locals == NULL) {
        return ISO_E_NOMEM;
    }
    v->locals = locals;
    v->local_capacity = capacity;
    return ISO_OK;
}

static enum iso_err read_run(struct iso_validator *v, uint32_t *count, uint8_t *type)
{
    v->op_at = v->reader.pos;
    enum iso_err err = iso_read_u32(&v->reader, count);
    if (err == ISO_OK) {
        err = iso_read_u8(&v->reader, type);
    }
    if (err == ISO_OK && !(*type >= ISO_TYPE_V128 && *type <= ISO_TYPE_I32) &&
        *type != ISO_TYPE_FUNCREF && *type != ISO_TYPE_EXTERNREF) {
        err = iso_validate_fail(v, ISO_E_MALFORMED, "malformed value type 0x%02x", *type);
    }
    return err;
}

/* Sums up the runs without storing them: their counts are anybody's numbers. */
static enum iso_err check_runs(struct iso_validator *v, uint32_t runs, uint32_t params)
{
    const uint8_t *start = v->reader.pos;
    uint64_t total = 0;
    for (uint32_t i = 0; i < runs; i++) {
        uint32_t count = 0;
        uint8_t type = 0;
        enum iso_err err = read_run(v, &count, &type);
        if (err != ISO_OK) {
            return err;
        }
        total += count;
    }
    v->op_at = start;
    if (total > UINT32_MAX) {
        return iso_validate_fail(v, ISO_E_MALFORMED, "too many locals: they pass 2^32 - 1");
    }
    if (total + params > ISO_MAX_LOCALS) {
        return iso_validate_fail(v, ISO_E_LIMIT,
                                 "%u locals with the parameters; at most %u are "
                                 "supported",
                                 (unsigned)(total + params), ISO_MAX_LOCALS);
    }
    v->reader.pos = start;
    v->local_count = (uint32_t)total + params;
    return ISO_OK;
}

static enum iso_err read_locals(struct iso_validator *v, struct iso_module_func *func)
{
    const struct iso_func_type *type = &func->type->type;
    uint32_t runs = 0;
    enum iso_err err = iso_read_count(&v->reader, 2, UINT32_MAX, "runs of locals", &runs);
    if (err == ISO_OK) {
        err = check_runs(v, runs, type->param_count);
    }
    if (err == ISO_OK) {
        err = grow_locals(v, v->local_count);
    }
    if (err != ISO_OK) {
        return err;
    }
    iso_memory_copy(v->locals, type->params, type->param_count);
    uint32_t at = type->param_count;
    uint32_t slots = type->param_slots;
    for (uint32_t i = 0; i < runs; i++) {
        uint32_t count = 0;
        uint8_t local_type = 0;
        err = read_run(v, &count, &local_type);
        if (err != ISO_OK) {
            return err;
        }
        if (count != 0) {
            memset(v->locals + at, local_type, count);
        }
        at += count;
        slots += count * iso_type_slots(local_type);
    }
    func->local_count = v->local_count;
    func->local_slots = slots;
    return ISO_OK;
}

/* ---- Instructions -------------------------------------------------------------------------- */

static enum iso_err fail_illegal(struct iso_validator *v)
{
    return iso_validate_fail(v, ISO_E_MALFORMED, "illegal opcode 0x%02x", v->op);
}

/* What the inline paths of the loop below leave over; the reader stands behind the opcode. */
static enum iso_err validate_slowly(struct iso_validator *v, const struct iso_op_shape *shape)
{
    enum iso_err err = ISO_OK;
    uint32_t index = 0;
    int32_t i32 = 0;
    int64_t i64 = 0;
    const uint8_t *bits = NULL;
    switch (shape->class) {
    case ISO_CLASS_ILLEGAL:
        return fail_illegal(v);
    case ISO_CLASS_LOAD:
    case ISO_CLASS_STORE:
        err = iso_validate_memarg(v, shape->align);
        break;
    case ISO_CLASS_LOCAL_GET:
    case ISO_CLASS_LOCAL_SET:
    case ISO_CLASS_LOCAL_TEE:
        err = iso_read_u32(&v->reader, &index);
        return err == ISO_OK ? iso_validate_local(v, shape->class, index) : err;
    case ISO_CLASS_I32_CONST:
        err = iso_read_s32(&v->reader, &i32);
        break;
    case ISO_CLASS_I64_CONST:
        err = iso_read_s64(&v->reader, &i64);
        break;
    case ISO_CLASS_F32_CONST:
        err = iso_read_bytes(&v->reader, 4, &bits);
        break;
    case ISO_CLASS_F64_CONST:
        err = iso_read_bytes(&v->reader, 8, &bits);
        break;
    case ISO_CLASS_OTHER:
        return iso_validate_other(v);
    default:
        break;
    }
    return err == ISO_OK ? iso_validate_shape(v, shape) : err;
}

/* Keeps the invariant that there is ISO_STACK_SLACK above sp. */
static enum iso_err pass_peak(struct iso_validator *v)
{
    v->peak = v->sp;
    return iso_validate_reserve(v, 0);
}

/*
 * Behind a memory argument that is right and of the usual form: alignment, then an offset of one
 * to four bytes. NULL otherwise.
 */
static inline const uint8_t *skip_memarg(const uint8_t *pos, const uint8_t *end, uint8_t natural)
{
    if (end - pos < 5 || pos[0] > natural) {
        return NULL;
    }
    return pos[1] < 0x80   ? pos + 2
           : pos[2] < 0x80 ? pos + 3
           : pos[3] < 0x80 ? pos + 4
           : pos[4] < 0x80 ? pos + 5
                           : NULL;
}

/* Behind an integer of one to four bytes, which are right whatever they say. NULL otherwise. */
static inline const uint8_t *skip_int(const uint8_t *pos, const uint8_t *end)
{
    if (end - pos < 4) {
        return NULL;
    }
    return pos[0] < 0x80   ? pos + 1
           : pos[1] < 0x80 ? pos + 2
           : pos[2] < 0x80 ? pos + 3
           : pos[3] < 0x80 ? pos + 4
                           : NULL;
}

static enum iso_err validate_instructions(struct iso_validator *v)
{
    const uint8_t *pos = v->reader.pos;
    const uint8_t *const end = v->reader.end;
    uint8_t *sp = v->sp, *base = v->base, *peak = v->peak;
    const uint8_t *locals = v->locals;
    const uint32_t local_count = v->local_count;
    const bool has_memory = v->module->memory_count != 0;
    for (;;) {
        const uint8_t *at = pos;
        const struct iso_op_shape *shape = NULL;
        const uint8_t *next = NULL;
        enum iso_err err;
        if (ISO_UNLIKELY(pos == end)) {
            v->reader.pos = pos;
            return iso_reader_fail_end(&v->reader);
        }
        shape = &iso_op_shapes[*pos++];
        switch (shape->class) {
        case ISO_CLASS_UNARY:
            if (ISO_LIKELY(sp != base && sp[-1] == shape->in[0])) {
                sp[-1] = shape->out;
                continue;
            }
            break;
        case ISO_CLASS_BINARY:
            if (ISO_LIKELY(sp - base >= 2 && sp[-1] == shape->in[1] && sp[-2] == shape->in[0])) {
                sp--;
                sp[-1] = shape->out;
                continue;
            }
            break;
        case ISO_CLASS_LOCAL_GET:
            if (ISO_LIKELY(pos != end && *pos < 0x80 && *pos < local_count)) {
                const uint8_t type = locals[*pos++];
                sp[0] = type;
                sp[1] = type;
                sp += type == ISO_TYPE_V128 ? 2 : 1;
                goto pushed;
            }
            break;
        case ISO_CLASS_LOCAL_SET:
            if (ISO_LIKELY(pos != end && *pos < 0x80 && *pos < local_count && sp != base)) {
                uint8_t type = locals[*pos];
                if (ISO_LIKELY(sp[-1] == type)) {
                    sp -= type == ISO_TYPE_V128 ? 2 : 1;
                    pos++;
                    continue;
                }
            }
            break;
        case ISO_CLASS_LOCAL_TEE:
            if (ISO_LIKELY(pos != end && *pos < 0x80 && *pos < local_count && sp != base &&
                           sp[-1] == locals[*pos])) {
                pos++;
                continue;
            }
            break;
        case ISO_CLASS_I32_CONST:
        case ISO_CLASS_I64_CONST:
            next = skip_int(pos, end);
            if (ISO_LIKELY(next != NULL)) {
                pos = next;
                *sp++ = shape->out;
                goto pushed;
            }
            break;
        case ISO_CLASS_LOAD:
            next = skip_memarg(pos, end, shape->align);
            if (ISO_LIKELY(next != NULL && sp != base && sp[-1] == ISO_TYPE_I32 && has_memory)) {
                pos = next;
                sp[-1] = shape->out;
                continue;
            }
            break;
        case ISO_CLASS_STORE:
            next = skip_memarg(pos, end, shape->align);
            if (ISO_LIKELY(next != NULL && sp - base >= 2 && sp[-1] == shape->in[1] &&
                           sp[-2] == ISO_TYPE_I32 && has_memory)) {
                pos = next;
                sp -= 2;
                continue;
            }
            break;
        case ISO_CLASS_NOP:
            continue;
        default:
            break;
        }

        v->op = at[0];
        v->op_at = at;
        v->reader.pos = pos;
        v->sp = sp;
        v->peak = peak;
        err = validate_slowly(v, shape);
        if (err != ISO_OK) {
            return err;
        }
        pos = v->reader.pos;
        sp = v->sp;
        base = v->base;
        peak = v->peak;
        if (ISO_UNLIKELY(v->control_count == 0)) {
            return ISO_OK;
        }
    pushed:
        if (ISO_UNLIKELY(sp > peak)) {
            v->sp = sp;
            err = pass_peak(v);
            if (err != ISO_OK) {
                return err;
            }
            sp = v->sp;
            base = v->base;
            peak = v->peak;
        }
    }
}

/* ---- Functions ----------------------------------------------------------------------------- */

static enum iso_err validate_body(struct iso_validator *v, uint32_t func_index)
{
    struct iso_module_func *func = &v->module->funcs[func_index];
    v->func_index = func_index;
    v->reader.pos = v->reader.start + func->body;
    v->reader.end = v->reader.start + func->body_end;
    enum iso_err err = read_locals(v, func);
    if (err == ISO_OK) {
        v->op_at = v->reader.pos;
        err = iso_validate_begin(v);
    }
    if (err == ISO_OK) {
        err = validate_instructions(v);
    }
    if (err == ISO_OK && v->reader.pos != v->reader.end) {
        v->op_at = v->reader.pos;
        err = iso_validate_fail(v, ISO_E_MALFORMED,
                                "section size mismatch: %zu bytes are left behind the final end",
                                iso_reader_left(&v->reader));
    }
    if (err != ISO_OK) {
        iso_validate_add_place(v);
        return err;
    }
    func->max_depth = (uint32_t)(v->peak - v->stack);
    return ISO_OK;
}

static enum iso_err validator_init(struct iso_validator *v, struct iso_module *module,
                                   struct iso_report *report)
{
    enum { FIRST_STACK = 256 };
    *v = (struct iso_validator){
        .module = module,
        .alloc = &module->engine->alloc,
        .reader = {.start = module->bytes.ptr, .report = report},
    };
    v->stack = iso_alloc_new(v->alloc, FIRST_STACK);
    if (v->stack == NULL) {
        return ISO_E_NOMEM;
    }
    v->stack_capacity = FIRST_STACK;
    return ISO_OK;
}

static void validator_fini(struct iso_validator *v)
{
    iso_alloc_free(v->alloc, v->stack, v->stack_capacity);
    iso_alloc_free(v->alloc, v->locals, v->local_capacity);
    iso_alloc_free(v->alloc, v->controls, v->control_capacity * sizeof *v->controls);
}

static enum iso_err validate_range(struct iso_module *module, uint32_t first, uint32_t end,
                                   struct iso_report *report)
{
    struct iso_validator v;
    /* A message of somebody's that came before is not ours to add to. */
    enum iso_err err = validator_init(&v, module, report != NULL && report->set ? NULL : report);
    for (uint32_t i = first; i < end && err == ISO_OK; i++) {
        err = validate_body(&v, i);
    }
    validator_fini(&v);
    return err;
}

enum iso_err iso_validate_func(struct iso_module *module, uint32_t func_index,
                               struct iso_report *report)
{
    return validate_range(module, func_index, func_index + 1, report);
}

enum iso_err iso_validate_funcs(struct iso_module *module, struct iso_report *report)
{
    if (module->func_count == module->func_import_count) {
        return ISO_OK;
    }
    return validate_range(module, module->func_import_count, module->func_count, report);
}
