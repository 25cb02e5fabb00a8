/*
 * instance_trap.c - what is told of a trap: a line in the component's log, and for who called from
 * outside a document with the backtrace, as the call's reply (docs/api.md, "Traps").
 */
#include "base/json_member.h"
#include "supervisor/core_state.h"

enum { LOG_SIZE = 1024, NAME_MAX_BYTES = 120, DOCUMENT_MAX = 16 << 10 };

static void log_backtrace(struct iso_sv_instance *instance, const struct iso_trap *trap)
{
    char text[LOG_SIZE];
    size_t at = iso_format(text, sizeof text, "trap: %s", trap->message);
    for (uint32_t i = 0; i < trap->frame_count && at + 80 < sizeof text; i++) {
        const struct iso_trap_frame *frame = &trap->frames[i];
        struct iso_str name = iso_module_func_name(frame->module, frame->func_index);
        at += iso_format(text + at, sizeof text - at, "%s%.*s#%u@0x%llx", i == 0 ? " at " : " < ",
                         (int)(name.len < 40 ? name.len : 40), name.len != 0 ? name.ptr : "",
                         (unsigned)frame->func_index, (unsigned long long)frame->offset);
    }
    iso_sv_component_log(instance->component, ISO_LOG_ERROR, true, iso_str_from_z(text));
}

static void put_frame(struct iso_json *json, const struct iso_trap_frame *frame)
{
    struct iso_str name = iso_module_func_name(frame->module, frame->func_index);
    name.len = name.len > NAME_MAX_BYTES ? iso_utf8_whole(name.ptr, NAME_MAX_BYTES) : name.len;
    iso_json_object_begin(json);
    iso_json_put_string_if(json, "function", name);
    iso_json_put_u64(json, "index", frame->func_index);
    iso_json_put_u64(json, "offset", frame->offset);
    iso_json_object_end(json);
}

static void write_document(struct iso_sv_call *call, const struct iso_trap *trap)
{
    const struct iso_sv_component *component = call->state->component;
    struct iso_json json;
    call->reply.max = DOCUMENT_MAX;
    call->reply_actual = ISO_SV_JSON;
    iso_json_init_buf(&json, &call->reply, 0);
    iso_json_object_begin(&json);
    iso_json_put_z(&json, "component", component->full_name);
    iso_json_put_z(&json, "function",
                   iso_sv_program_func(component->program, call->state->index)->path);
    iso_json_put_z(&json, "message", trap->message);
    iso_json_put_array_begin(&json, "backtrace");
    for (uint32_t i = 0; i < trap->frame_count; i++) {
        put_frame(&json, &trap->frames[i]);
    }
    iso_json_array_end(&json);
    iso_json_put_u64(&json, "left-out", trap->frame_total - trap->frame_count);
    iso_json_object_end(&json);
    if (iso_json_finish(&json) != ISO_OK) { /* no memory: the message alone is told */
        iso_buf_fini(&call->reply);
    }
}

void iso_sv_instance_tell_trap(struct iso_sv_instance *instance, const struct iso_trap *trap)
{
    struct iso_sv_call *call = instance->call;
    log_backtrace(instance, trap);
    if (call->state->kind == ISO_SV_CALL_OUTSIDE) {
        write_document(call, trap);
    }
}
