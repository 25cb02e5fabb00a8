/* call_value.c - arguments and results of calls between their encodings and values. */
#include "supervisor/core_state.h"

static bool is_bytes(const struct iso_vtype *type)
{
    return type->kind == ISO_V_LIST && type->element->kind == ISO_V_U8;
}

/* ---- In -------------------------------------------------------------------------------------- */

/* The parameters of a call; inside the call while they are few. */
enum iso_err iso_sv_call_make_args(struct iso_sv_call *call, uint32_t count)
{
    struct iso_sv_call_state *state = call->state;
    state->arena.max_bytes = (size_t)state->component->limits.result_bytes + ISO_SV_ARENA_EXTRA;
    if (count <= ISO_SV_ARGS_INLINE) {
        memset(state->args_inline, 0, sizeof state->args_inline);
        state->args = state->args_inline;
        return ISO_OK;
    }
    state->args = iso_arena_array(&state->arena, count, sizeof *state->args);
    return state->args != NULL ? ISO_OK : ISO_E_NOMEM;
}

static enum iso_err decode_raw(struct iso_sv_call *call, const struct iso_wit_func *func)
{
    struct iso_value *value = call->state->args;
    if (func->param_count != 1) {
        return iso_fail(&call->report, ISO_E_ARGUMENT,
                        "raw bytes are for functions with one parameter; %.*s has %u",
                        (int)func->name.len, func->name.ptr, (unsigned)func->param_count);
    }
    const struct iso_vtype *type = func->params[0].type;
    if (is_bytes(type)) {
        value->bytes = iso_bytes_from(call->body, call->body_len);
        return ISO_OK;
    }
    if (type->kind == ISO_V_STRING) {
        value->string = iso_str_from((const char *)call->body, call->body_len);
        return iso_value_check_param(&func->params[0], value, &call->report);
    }
    return iso_fail(&call->report, ISO_E_ARGUMENT,
                    "raw bytes are for parameters of type list<u8> or string, not for %.*s",
                    (int)func->params[0].name.len, func->params[0].name.ptr);
}

enum iso_err iso_sv_call_decode(struct iso_sv_call *call)
{
    struct iso_sv_call_state *state = call->state;
    const struct iso_wit_func *func = state->component->program->funcs[state->index].func;
    struct iso_bytes body = iso_bytes_from(call->body, call->body_len);
    enum iso_err err = iso_sv_call_make_args(call, func->param_count);
    if (err == ISO_OK && state->kind == ISO_SV_CALL_OUTSIDE) {
        switch (call->encoding) {
        case ISO_SV_JSON:
            err = iso_json_decode_params(func, body, &state->arena, state->args, &call->report);
            break;
        case ISO_SV_CBOR:
            err = iso_cbor_decode_params(func, body, &state->arena, state->args, &call->report);
            break;
        case ISO_SV_RAW:
            err = decode_raw(call, func);
            break;
        }
    }
    if (err != ISO_OK) {
        state->args = NULL;
    }
    return err;
}

enum iso_err iso_sv_call_own_args(struct iso_sv_call *call)
{
    struct iso_sv_call_state *state = call->state;
    const struct iso_wit_func *func = state->component->program->funcs[state->index].func;
    for (uint32_t i = 0; i < func->param_count && state->args_borrowed; i++) {
        enum iso_err err =
            iso_value_copy(func->params[i].type, &state->args[i], &state->arena, &state->args[i]);
        if (err != ISO_OK) {
            return err;
        }
    }
    state->args_borrowed = false;
    return ISO_OK;
}

/* ---- Out ------------------------------------------------------------------------------------- */

static enum iso_err encode(struct iso_sv_call *call, const struct iso_vtype *type,
                           const struct iso_value *value)
{
    enum iso_sv_encoding encoding = call->reply_encoding;
    if (encoding == ISO_SV_RAW && type->kind != ISO_V_STRING && !is_bytes(type)) {
        encoding = ISO_SV_JSON;
    }
    call->reply_actual = encoding;
    switch (encoding) {
    case ISO_SV_CBOR:
        return iso_cbor_encode(type, value, &call->reply);
    case ISO_SV_RAW:
        return is_bytes(type) ? iso_buf_append(&call->reply, value->bytes.ptr, value->bytes.len)
                              : iso_buf_append(&call->reply, value->string.ptr, value->string.len);
    default:
        return iso_json_encode(type, value, &call->reply);
    }
}

enum iso_err iso_sv_call_encode(struct iso_sv_call *call)
{
    struct iso_sv_call_state *state = call->state;
    const struct iso_wit_func *func = state->component->program->funcs[state->index].func;
    const struct iso_vtype *type = func->result;
    const struct iso_value *value = &state->result;
    call->outcome = ISO_SV_DONE;
    call->reply_actual = call->reply_encoding;
    if (type != NULL && type->kind == ISO_V_RESULT) {
        call->outcome = value->choice.index == 0 ? ISO_SV_DONE : ISO_SV_ERROR;
        type = iso_vtype_case_payload(type, value->choice.index);
        value = value->choice.payload;
    }
    if (type == NULL || state->kind != ISO_SV_CALL_OUTSIDE ||
        atomic_load_explicit(&state->abandoned, memory_order_relaxed)) {
        return ISO_OK;
    }
    /* base64 in JSON is longer than the bytes. */
    call->reply.max = 2 * ((size_t)state->component->limits.result_bytes + ISO_SV_ARENA_EXTRA);
    return encode(call, type, value);
}
