/* Flows that fail while everything is up: what devices say of those whose runs they count
 * (docs/deployment.md, "failing"), as the state of the application. */
#include "orchestrator/deployer_state.h"

#include "base/json_member.h"

/* What devices said of an earlier generation says nothing of this one. */
static bool is_current(const struct iso_or_app *app, const json_t *said)
{
    return app->current != NULL && (uint64_t)json_integer_value(
                                       json_object_get(said, "generation")) == app->current->number;
}

bool iso_or_app_failing(const struct iso_or_app *app, char reason[ISO_OR_REASON_SIZE])
{
    const char *device;
    json_t *said;
    json_object_foreach(app->failing, device, said)
    {
        const json_t *flow = json_array_get(json_object_get(said, "flows"), 0);
        if (flow != NULL && is_current(app, said)) {
            const char *name = "", *since = "", *error = "";
            (void)json_unpack((json_t *)(uintptr_t)flow, "{s:s, s:s, s:s}", "flow", &name, "since",
                              &since, "error", &error);
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
            static const char *const members[] = {"flow", "since", "error"};
            iso_json_object_begin(json);
            iso_json_put_z(json, "device", device);
            for (size_t k = 0; k < ISO_COUNT_OF(members); k++) {
                iso_json_put_z(json, members[k],
                               json_string_value(json_object_get(flow, members[k])));
            }
            iso_json_object_end(json);
        }
    }
    iso_json_array_end(json);
}
