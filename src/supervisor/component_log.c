/* component_log.c - lines and events of components, within their rate, on their way to the loop. */
#include <jansson.h>

#include "supervisor/core_state.h"

struct line {
    struct iso_sv_note note;
    struct iso_sv_component *component; /* a reference */
    enum iso_log_level level;
    bool own;
    bool event;
    size_t name_len; /* of an event, before its payload */
    size_t len;
    char text[];
};

/* Is there room in the component's rate for one more? Counts those for which there is none. */
static bool within_rate(struct iso_sv_component *component)
{
    double rate = component->limits.log_lines_per_s;
    uint64_t now = uv_hrtime();
    uv_mutex_lock(&component->lock);
    double tokens = component->log_tokens + (double)(now - component->log_filled_ns) * 1e-9 * rate;
    component->log_tokens = tokens < rate ? tokens : rate;
    component->log_filled_ns = now;
    bool room = component->log_tokens >= 1;
    if (room) {
        component->log_tokens -= 1;
    } else {
        component->stats.log_dropped++;
    }
    uv_mutex_unlock(&component->lock);
    return room;
}

static void tell(struct iso_sv_note *note)
{
    struct line *line = ISO_SV_OWNER(note, struct line, note);
    struct iso_sv_component *component = line->component;
    const struct iso_sv_watch *watch = &component->core->watch;
    struct iso_alloc alloc = component->core->alloc;
    struct iso_str name = iso_str_from(line->text, line->name_len);
    struct iso_str rest = iso_str_from(line->text + line->name_len, line->len - line->name_len);
    if (!component->destroyed && line->event && watch->event != NULL) {
        watch->event(watch->ctx, component, name, rest);
    }
    if (!component->destroyed && !line->event && watch->log != NULL) {
        watch->log(watch->ctx, component, line->level, line->own, rest);
    }
    size_t size = sizeof *line + line->len;
    atomic_fetch_sub(&component->core->lines, 1);
    iso_sv_component_unref(component);
    iso_alloc_free(&alloc, line, size);
}

static bool post(struct iso_sv_component *component, const struct line *head, struct iso_str name,
                 struct iso_str rest)
{
    size_t len = name.len + rest.len;
    struct line *line = iso_alloc_resize(&component->core->alloc, NULL, 0, sizeof *line + len);
    if (line == NULL) {
        return false;
    }
    *line = *head;
    line->note = (struct iso_sv_note){.deliver = tell};
    line->component = component;
    line->name_len = name.len;
    line->len = len;
    iso_memory_copy(line->text, name.ptr, name.len);
    iso_memory_copy(line->text + name.len, rest.ptr, rest.len);
    iso_sv_component_ref(component);
    atomic_fetch_add(&component->core->lines, 1);
    iso_sv_note_post(component->core, &line->note);
    return true;
}

void iso_sv_component_log(struct iso_sv_component *component, enum iso_log_level level, bool own,
                          struct iso_str line)
{
    static const struct iso_str none = {.len = 0};
    if (component->core->watch.log == NULL || !within_rate(component)) {
        return;
    }
    if (line.len > ISO_SV_LOG_LINE_BYTES) {
        line.len = ISO_SV_LOG_LINE_BYTES;
    }
    (void)post(component, &(struct line){.level = level, .own = own}, none, line);
}

bool iso_sv_component_emit(struct iso_sv_component *component, struct iso_str name,
                           struct iso_str payload)
{
    if (payload.len > ISO_SV_EVENT_BYTES || name.len > ISO_SV_LOG_LINE_BYTES) {
        return false;
    }
    json_t *json = json_loadb(payload.ptr != NULL ? payload.ptr : "", payload.len,
                              JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
    if (json == NULL) {
        return false;
    }
    json_decref(json);
    if (component->core->watch.event == NULL) {
        return true;
    }
    return within_rate(component) && post(component, &(struct line){.event = true}, name, payload);
}
