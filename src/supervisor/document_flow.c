/* Flows of a deployment document: docs/deployment.md, "Flows". */
#include "supervisor/document_json.h"

/* ---- What starts a flow ------------------------------------------------------------------------
 */

static enum iso_err read_event(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_at *at,
                               struct iso_sv_doc_flow *flow)
{
    struct iso_str text;
    enum iso_err err = iso_sv_doc_string(reader, at, 1, 2 * ISO_NAME_MAX + 1, &text);
    if (err != ISO_OK) {
        return err;
    }
    const char *dot = memchr(text.ptr, '.', text.len);
    size_t before = dot != NULL ? (size_t)(dot - text.ptr) : text.len;
    flow->event_component = iso_str_from(text.ptr, before);
    if (dot != NULL) {
        flow->event_name = iso_str_from(dot + 1, text.len - before - 1);
    }
    if (!iso_name_check(flow->event_component) || !iso_name_check(flow->event_name)) {
        char shown[64];
        return iso_sv_doc_fail(reader, at, ISO_E_INVALID,
                               "%s is not an event: \"component.name\", of two names",
                               iso_quote(shown, text));
    }
    return ISO_OK;
}

static enum iso_err read_on(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_at *at,
                            struct iso_sv_doc_flow *flow)
{
    static const char *const names[] = {"every", "call", "event", "at"};
    enum iso_err err = iso_sv_doc_object(reader, at, names, ISO_COUNT_OF(names), 0);
    if (err != ISO_OK) {
        return err;
    }
    struct iso_sv_doc_at every = iso_sv_doc_member(at, "every");
    struct iso_sv_doc_at call = iso_sv_doc_member(at, "call");
    struct iso_sv_doc_at event = iso_sv_doc_member(at, "event");
    struct iso_sv_doc_at where = iso_sv_doc_member(at, "at");
    flow->event_peer = ISO_SV_HERE;
    flow->event_local = ISO_SV_HERE;
    if ((every.json != NULL) + (call.json != NULL) + (event.json != NULL) != 1 ||
        (where.json != NULL && event.json == NULL)) {
        return iso_sv_doc_fail(reader, at, ISO_E_INVALID,
                               "expected one of {\"every\": \"100ms\"}, {\"call\": true} and "
                               "{\"event\": \"component.name\"} (which may have \"at\")");
    }
    if (every.json != NULL) {
        flow->trigger = ISO_SV_ON_EVERY;
        return iso_sv_doc_duration(reader, &every, UINT64_C(1000000),
                                   UINT64_C(24) * 3600 * 1000000000, &flow->every_ns);
    }
    if (call.json != NULL) {
        flow->trigger = ISO_SV_ON_CALL;
        return json_is_true(call.json)
                   ? ISO_OK
                   : iso_sv_doc_fail(reader, &call, ISO_E_INVALID, "must be true");
    }
    flow->trigger = ISO_SV_ON_EVENT;
    err = read_event(reader, &event, flow);
    if (err == ISO_OK && where.json != NULL && !json_is_null(where.json)) {
        err = iso_sv_doc_peer_name(reader, &where, &flow->event_peer);
    }
    return err;
}

/* ---- Steps -------------------------------------------------------------------------------------
 */

static enum iso_err read_as(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_at *at,
                            const struct iso_sv_doc_step *steps, size_t index, struct iso_str *out)
{
    enum iso_err err = iso_sv_doc_name(reader, at, out);
    if (err == ISO_OK && iso_str_equal_z(*out, "input")) {
        err = iso_sv_doc_fail(reader, at, ISO_E_INVALID,
                              "'input' is the run's input; choose another name");
    }
    for (size_t i = 0; err == ISO_OK && i < index; i++) {
        if (iso_str_equal(steps[i].as, *out)) {
            err = iso_sv_doc_fail(reader, at, ISO_E_INVALID,
                                  "step %zu is called '%.*s' already; choose another name", i,
                                  (int)out->len, out->ptr);
        }
    }
    return err;
}

static bool function_right(struct iso_str text)
{
    const char *dot = memchr(text.ptr, '.', text.len);
    size_t before = dot != NULL ? (size_t)(dot - text.ptr) : 0;
    size_t start = dot != NULL ? before + 1 : 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '-' || c == '_';
        if (!letter && (dot == NULL || i != before)) {
            return false;
        }
    }
    return text.len > start && (dot == NULL || before > 0);
}

static enum iso_err read_call(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_at *at,
                              struct iso_sv_doc_step *step)
{
    enum iso_err err = iso_sv_doc_string(reader, at, 1, 256, &step->function);
    if (err == ISO_OK && !function_right(step->function)) {
        char shown[64];
        err = iso_sv_doc_fail(reader, at, ISO_E_INVALID,
                              "%s is not a function: \"name\" or \"interface.name\"",
                              iso_quote(shown, step->function));
    }
    return err;
}

static enum iso_err read_where(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_at *at,
                               struct iso_sv_doc_step *step)
{
    struct iso_sv_doc_at where = iso_sv_doc_member(at, "at");
    struct iso_sv_doc_at epoch = iso_sv_doc_member(at, "epoch");
    step->peer = ISO_SV_HERE;
    step->local = ISO_SV_HERE;
    enum iso_err err = ISO_OK;
    if (where.json != NULL && !json_is_null(where.json)) {
        err = iso_sv_doc_peer_name(reader, &where, &step->peer);
    }
    if (err == ISO_OK) {
        err = iso_sv_doc_u64(reader, &epoch, 1, ISO_SV_DOC_NUMBER_MAX, &step->epoch);
    }
    return err;
}

static enum iso_err read_step(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_at *at,
                              const struct iso_sv_doc_flow *flow, struct iso_sv_doc_step *steps,
                              size_t index)
{
    static const char *const names[] = {"component", "call", "epoch", "as", "at", "with"};
    struct iso_sv_doc_step *step = &steps[index];
    struct iso_sv_doc_at component = iso_sv_doc_member(at, "component");
    struct iso_sv_doc_at call = iso_sv_doc_member(at, "call");
    struct iso_sv_doc_at as = iso_sv_doc_member(at, "as");
    struct iso_sv_doc_at with = iso_sv_doc_member(at, "with");
    enum iso_err err = iso_sv_doc_object(reader, at, names, ISO_COUNT_OF(names), 3);
    if (err == ISO_OK) {
        err = iso_sv_doc_name(reader, &component, &step->component);
    }
    if (err == ISO_OK) {
        err = read_call(reader, &call, step);
    }
    if (err == ISO_OK && as.json != NULL) {
        err = read_as(reader, &as, steps, index, &step->as);
    }
    if (err == ISO_OK) {
        err = read_where(reader, at, step);
    }
    if (err == ISO_OK && with.json != NULL) {
        err = iso_sv_doc_template(reader, &with, flow, steps, index, &step->needs, &step->with);
    } else if (err == ISO_OK && index > 0) {
        step->needs = UINT64_C(1) << (index - 1);
    } else if (err == ISO_OK && flow->trigger != ISO_SV_ON_EVERY) {
        step->needs = ISO_SV_NEEDS_INPUT;
    }
    return err;
}

static enum iso_err read_steps(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_at *at,
                               struct iso_sv_doc_flow *flow)
{
    enum iso_err err = iso_sv_doc_array(reader, at, 1, ISO_SV_DOC_STEPS_MAX, "steps");
    size_t count = json_array_size(at->json);
    struct iso_sv_doc_step *steps =
        err == ISO_OK ? iso_sv_doc_new(reader, count, sizeof *steps) : NULL;
    if (steps == NULL) {
        return err != ISO_OK ? err : ISO_E_NOMEM;
    }
    for (size_t i = 0; i < count && err == ISO_OK; i++) {
        struct iso_sv_doc_at element = iso_sv_doc_element(at, i);
        err = read_step(reader, &element, flow, steps, i);
    }
    /* What is needed later has to be carried through the steps between. */
    for (size_t i = count; i-- > 1;) {
        uint64_t later = steps[i].needs & ~(UINT64_C(1) << (i - 1));
        steps[i - 1].needs |= later;
    }
    flow->steps = steps;
    flow->step_count = count;
    return err;
}

/* ---- Flows -------------------------------------------------------------------------------------
 */

static enum iso_err read_flow(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_at *at,
                              struct iso_sv_doc_flow *flow)
{
    static const char *const names[] = {"on", "steps", "overload", "window"};
    static const char *const policies[] = {"wait", "drop-oldest", "drop-newest"};
    struct iso_sv_doc_at on = iso_sv_doc_member(at, "on");
    struct iso_sv_doc_at steps = iso_sv_doc_member(at, "steps");
    struct iso_sv_doc_at overload = iso_sv_doc_member(at, "overload");
    struct iso_sv_doc_at window = iso_sv_doc_member(at, "window");
    size_t policy = 0;
    uint64_t messages = 4;
    enum iso_err err = iso_sv_doc_key_name(reader, at, &flow->name);
    if (err == ISO_OK) {
        err = iso_sv_doc_object(reader, at, names, ISO_COUNT_OF(names), 2);
    }
    if (err == ISO_OK) {
        err = read_on(reader, &on, flow);
    }
    if (err == ISO_OK && overload.json != NULL) {
        err = iso_sv_doc_choice(reader, &overload, policies, ISO_COUNT_OF(policies), &policy);
    }
    if (err == ISO_OK && window.json != NULL) {
        err = iso_sv_doc_u64(reader, &window, 1, ISO_SV_DOC_WINDOW_MAX, &messages);
    }
    flow->overload = (enum iso_sv_overload)policy;
    flow->window = (uint32_t)messages;
    return err != ISO_OK ? err : read_steps(reader, &steps, flow);
}

enum iso_err iso_sv_doc_flows(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_at *at)
{
    enum iso_err err = iso_sv_doc_map(reader, at, ISO_SV_DOC_FLOWS_MAX, "flows");
    struct iso_sv_doc_flow *flows =
        err == ISO_OK ? iso_sv_doc_new(reader, json_object_size(at->json), sizeof *flows) : NULL;
    if (flows == NULL) {
        return err != ISO_OK ? err : ISO_E_NOMEM;
    }
    reader->document->flows = flows;
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach(at->json, key, value)
    {
        struct iso_sv_doc_at member = {.json = value, .up = at, .key = key};
        err = read_flow(reader, &member, &flows[reader->document->flow_count]);
        if (err != ISO_OK) {
            return err;
        }
        reader->document->flow_count++;
    }
    return ISO_OK;
}
