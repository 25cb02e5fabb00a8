/* instance_host.c - what an instance's module imports, defined in its store; and what device
 * interfaces may ask about a guest. */
#include "supervisor/core_state.h"

/* ---- Entering a host function ---------------------------------------------------------------- */

static enum iso_host_result enter(void *ctx, struct iso_host_call *call,
                                  const struct iso_value *args, struct iso_arena *arena,
                                  struct iso_value *result)
{
    struct iso_sv_import *import = ctx;
    struct iso_sv_instance *instance = iso_store_user(call->store);
    struct iso_sv_guest *guest = &instance->guest;
    enum iso_host_result answer;
    instance->refuses = false;
    if (import->kind == ISO_SV_IMPORT_LINK) {
        return iso_sv_link_enter(import, instance, call, args, arena, result);
    }
    if (instance->op != NULL && !instance->op_state.finished) {
        instance->wait = ISO_SV_WAIT_OP; /* issued again too early */
        return ISO_HOST_PENDING;
    }
    instance->wait = ISO_SV_WAIT_NONE;
    answer = import->host_func->fn(import->host->ctx, guest, call, args, arena, result);
    if (answer != ISO_HOST_PENDING) {
        iso_sv_guest_op_done(guest);
    } else if (instance->wait == ISO_SV_WAIT_NONE) {
        iso_host_trap(call, "the device interface waits for nothing");
        answer = ISO_HOST_TRAP;
    }
    instance->refuses = answer == ISO_HOST_PENDING && import->host_func->policy == ISO_HOST_REFUSE;
    return answer;
}

/* While an image is prepared nothing may be asked of the host: the answer would be in all
 * instances. */
static enum iso_host_result refuse(struct iso_host_call *call)
{
    struct iso_sv_instance *instance = iso_store_user(call->store);
    instance->template_refused = true;
    iso_host_trap(call, "the module calls the host while it is initialised");
    return ISO_HOST_TRAP;
}

/* ---- Definitions ----------------------------------------------------------------------------- */

static enum iso_err define(struct iso_sv_instance *instance, struct iso_sv_import *import)
{
    bool real = !instance->template || import->is_log;
    if (!real) {
        return iso_sv_define_stub(instance->store, &import->desc, refuse, NULL);
    }
    if (import->kind == ISO_SV_IMPORT_WASI) {
        return ISO_OK; /* with all of WASI */
    }
    return iso_typed_define(instance->store, import->interface, import->func, enter, import,
                            import->kind == ISO_SV_IMPORT_LINK ? ISO_HOST_DEADLINE
                                                               : import->host_func->policy);
}

enum iso_err iso_sv_instance_define(struct iso_sv_instance *instance, struct iso_report *report)
{
    struct iso_sv_component *component = instance->component;
    for (uint32_t i = 0; i < component->import_count; i++) {
        enum iso_err err = define(instance, &component->imports[i]);
        if (err != ISO_OK) {
            return iso_fail(report, err, "the imports of %s cannot be defined: %s",
                            component->full_name, iso_err_text(err));
        }
    }
    return instance->wasi != NULL
               ? iso_wasi_define_for(instance->wasi, instance->store, component->program->module)
               : ISO_OK;
}

/* ---- Questions of device interfaces ---------------------------------------------------------- */

struct iso_sv_component *iso_sv_guest_component(const struct iso_sv_guest *guest)
{
    return iso_sv_instance_of(guest)->component;
}

static bool names(const struct iso_sv_device_grant *grant, struct iso_str name)
{
    for (size_t i = 0; i < grant->name_count; i++) {
        if (iso_str_equal(grant->names[i], name)) {
            return true;
        }
    }
    return grant->name_count == 0;
}

bool iso_sv_guest_may(const struct iso_sv_guest *guest, const char *interface, struct iso_str name)
{
    const struct iso_sv_component_def *def = &iso_sv_instance_of(guest)->component->def;
    for (size_t i = 0; i < def->device_count; i++) {
        const struct iso_sv_device_grant *grant = &def->devices[i];
        if (iso_str_equal_z(grant->interface, interface) && names(grant, name)) {
            return true;
        }
    }
    return false;
}

bool iso_sv_guest_granted(struct iso_sv_guest *guest, const char *interface, struct iso_str name)
{
    struct iso_sv_component *component = iso_sv_instance_of(guest)->component;
    char text[200];
    if (iso_sv_guest_may(guest, interface, name)) {
        return true;
    }
    uv_mutex_lock(&component->lock);
    component->stats.refused_grants++;
    uv_mutex_unlock(&component->lock);
    (void)iso_format(text, sizeof text, "refused: %s \"%.*s\" was not granted", interface,
                     (int)(name.len < 100 ? name.len : 100), name.len != 0 ? name.ptr : "");
    iso_sv_component_log(component, ISO_LOG_WARNING, true, iso_str_from_z(text));
    return false;
}

bool iso_sv_guest_config(const struct iso_sv_guest *guest, struct iso_str key, struct iso_str *out)
{
    const struct iso_sv_component_def *def = &iso_sv_instance_of(guest)->component->def;
    for (size_t i = 0; i < def->config_count; i++) {
        if (iso_str_equal(def->config[i].key, key)) {
            *out = def->config[i].value;
            return true;
        }
    }
    return false;
}

size_t iso_sv_guest_config_count(const struct iso_sv_guest *guest)
{
    return iso_sv_instance_of(guest)->component->def.config_count;
}

const struct iso_sv_pair *iso_sv_guest_config_at(const struct iso_sv_guest *guest, size_t index)
{
    return &iso_sv_instance_of(guest)->component->def.config[index];
}

void iso_sv_guest_log(struct iso_sv_guest *guest, enum iso_log_level level, struct iso_str line)
{
    iso_sv_component_log(iso_sv_instance_of(guest)->component, level, false, line);
}

bool iso_sv_guest_emit(struct iso_sv_guest *guest, struct iso_str name, struct iso_str payload)
{
    return iso_sv_component_emit(iso_sv_instance_of(guest)->component, name, payload);
}

const char *iso_sv_guest_storage_path(const struct iso_sv_guest *guest)
{
    return iso_sv_instance_of(guest)->component->def.storage_path;
}

uint64_t iso_sv_guest_storage_max(const struct iso_sv_guest *guest)
{
    return iso_sv_instance_of(guest)->component->limits.storage_bytes;
}
