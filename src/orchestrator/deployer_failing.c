/* Flows that fail while everything is up: what devices say of those whose runs they count
 * (docs/deployment.md, "failing"), as the state of the application. */
#include "orchestrator/deployer_state.h"

#include "base/json_member.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* What devices said of an earlier generation says nothing of this one. */
static bool is_current(const struct iso_or_app *app, const json_t *said)
{
    return app->current != NULL && (uint64_t)json_integer_value(
                                       json_object_get(said, "generation")) == app->current->number;
}

static const struct iso_or_flow *flow_of(const struct iso_or_generation *gen, const char *name)
{
    const struct iso_or_manifest *manifest = gen->manifest;
    for (size_t i = 0; manifest != NULL && i < manifest->flow_count; i++) {
        if (iso_str_equal_z(manifest->flows[i].name, name)) {
            return &manifest->flows[i];
        }
    }
    return NULL;
}

/* Devices count steps: "step 1: trap". Here it is "step 1 (other.step) on den: trap". */
static void name_step(const struct iso_or_app *app, const json_t *failing,
                      char out[ISO_OR_REASON_SIZE])
{
    static const char head[] = "step ";
    const char *error = json_string_value(json_object_get(failing, "error"));
    const struct iso_or_generation *gen = app->current;
    const struct iso_or_flow *flow =
        flow_of(gen, json_string_value(json_object_get(failing, "flow")));
    char *end = NULL;
    const unsigned long step = strncmp(error, head, sizeof head - 1) == 0
                                   ? strtoul(error + sizeof head - 1, &end, 10)
                                   : ULONG_MAX;
    (void)iso_format(out, ISO_OR_REASON_SIZE, "%s", error);
    if (flow == NULL || step >= flow->step_count || *end != ':' ||
        flow->steps[step].component >= gen->manifest->component_count) {
        return;
    }
    const struct iso_str function = flow->steps[step].function;
    const struct iso_str component = gen->manifest->components[flow->steps[step].component].name;
    char name[ISO_OR_APP_SIZE];
    (void)iso_format(name, sizeof name, "%.*s", (int)component.len, component.ptr);
    const char *device = iso_or_generation_device(gen, name);
    if (device != NULL) {
        (void)iso_format(out, ISO_OR_REASON_SIZE, "step %lu (%s.%.*s) on %s%s", step, name,
                         (int)function.len, function.ptr,
                         iso_or_device_called(app->deployer, device), end);
    }
}

bool iso_or_app_failing(const struct iso_or_app *app, char reason[ISO_OR_REASON_SIZE])
{
    const char *device;
    json_t *said;
    json_object_foreach(app->failing, device, said)
    {
        const json_t *flow = json_array_get(json_object_get(said, "flows"), 0);
        if (flow != NULL && is_current(app, said)) {
            const char *name = "", *since = "";
            char error[ISO_OR_REASON_SIZE];
            name_step(app, flow, error);
            (void)json_unpack((json_t *)(uintptr_t)flow, "{s:s, s:s}", "flow", &name, "since",
                              &since);
            (void)iso_format(reason, ISO_OR_REASON_SIZE, "the flow %s fails since %s: %s", name,
                             since, error);
            return true;
        }
    }
    return false;
}

/* Of what a device said, as much as is looked at. */
static json_t *read_flows(const json_t *status)
{
    json_t *out = json_array(), *flow;
    size_t i;
    json_array_foreach(json_object_get(status, "failing"), i, flow)
    {
        const char *name, *since, *error;
        if (i < ISO_OR_FLOWS_MAX && json_unpack(flow, "{s:s, s:s, s:s}", "flow", &name, "since",
                                                &since, "error", &error) == 0) {
            char text[ISO_OR_REASON_SIZE];
            (void)iso_format(text, sizeof text, "%s", error);
            (void)json_array_append_new(
                out, json_pack("{s:s, s:s, s:s}", "flow", name, "since", since, "error", text));
        }
    }
    return out;
}

void iso_or_app_note_failing(struct iso_or_app *app, const char *device, const json_t *status)
{
    char before[ISO_OR_REASON_SIZE] = "", after[ISO_OR_REASON_SIZE] = "";
    json_t *flows = read_flows(status);
    (void)iso_or_app_failing(app, before);
    if (json_array_size(flows) != 0) {
        (void)json_object_set_new(app->failing, device,
                                  json_pack("{s:O?, s:O}", "generation",
                                            json_object_get(status, "generation"), "flows", flows));
    } else {
        (void)json_object_del(app->failing, device);
    }
    json_decref(flows);
    bool fails = iso_or_app_failing(app, after);
    if (strcmp(before, after) != 0) {
        app->told = false;
    }
    if (fails != app->failing_told) {
        app->failing_told = fails;
        app->told = false;
        iso_or_app_event(app, fails ? "failing" : "recovered", NULL, NULL, after);
    }
}

void iso_or_app_put_failing(const struct iso_or_app *app, struct iso_json *json)
{
    const char *device;
    json_t *said, *flow;
    size_t i;
    iso_json_put_array_begin(json, "failing");
    json_object_foreach(app->failing, device, said)
    {
        json_array_foreach(is_current(app, said) ? json_object_get(said, "flows") : NULL, i, flow)
        {
            static const char *const members[] = {"flow", "since"};
            char error[ISO_OR_REASON_SIZE];
            name_step(app, flow, error);
            iso_json_object_begin(json);
            iso_json_put_z(json, "device", device);
            for (size_t k = 0; k < ISO_COUNT_OF(members); k++) {
                iso_json_put_z(json, members[k],
                               json_string_value(json_object_get(flow, members[k])));
            }
            iso_json_put_z(json, "error", error);
            iso_json_object_end(json);
        }
    }
    iso_json_array_end(json);
}
