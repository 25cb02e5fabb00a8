/* watch.c - what components say and do becomes log lines, events and notifications. */
#include "supervisor/daemon.h"

#include "base/format.h"
#include "base/json_member.h"
#include "daemon/clock.h"
#include "daemon/member.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_BYTES = 8 << 10 };

/* ---- Events of the device ------------------------------------------------------------------- */

void iso_sv_event(struct iso_supervisor *sv, const char *event, struct iso_str app,
                  struct iso_str component, const char *detail)
{
    struct iso_buf buf;
    struct iso_json json;
    iso_buf_init(&buf, sv->alloc, 4u * LINE_MAX_BYTES);
    iso_json_init_buf(&json, &buf, 0);
    iso_json_object_begin(&json);
    iso_member_time(&json, "time", iso_clock_now_ns());
    iso_json_put_string_if(&json, "event", iso_str_from_z(event));
    iso_json_put_string_if(&json, "app", app);
    iso_json_put_string_if(&json, "component", component);
    iso_json_put_string_if(&json, "detail", iso_str_from_z(detail));
    iso_json_object_end(&json);
    if (iso_json_finish(&json) == ISO_OK) {
        (void)iso_feed_add(&sv->events, iso_str_from((const char *)buf.ptr, buf.len));
    }
    iso_buf_fini(&buf);
}

/* ---- What the core tells -------------------------------------------------------------------- */

static void subject_of(const struct iso_sv_component *component, char *out, size_t cap)
{
    const struct iso_str app = iso_sv_component_app(component);
    const struct iso_str name = iso_sv_component_name(component);
    (void)iso_format(out, cap, "component %.*s/%.*s", (int)app.len, app.ptr, (int)name.len,
                     name.ptr);
}

static void on_log(void *ctx, struct iso_sv_component *component, enum iso_log_level level,
                   bool own, struct iso_str line)
{
    struct iso_supervisor *sv = ctx;
    struct iso_sv_history *history =
        iso_sv_history_get(sv, iso_sv_component_app(component), iso_sv_component_name(component));
    struct iso_buf buf;
    struct iso_json json;
    char subject[96];
    if (line.len > LINE_MAX_BYTES) {
        line.len = LINE_MAX_BYTES;
    }
    subject_of(component, subject, sizeof subject);
    iso_log_write(&sv->log, level, subject, "%.*s", (int)line.len, line.ptr);
    if (history == NULL) {
        return;
    }
    iso_buf_init(&buf, sv->alloc, 8u * LINE_MAX_BYTES);
    iso_json_init_buf(&json, &buf, 0);
    iso_json_object_begin(&json);
    iso_member_time(&json, "time", iso_clock_now_ns());
    iso_json_put_string_if(&json, "level", iso_str_from_z(iso_log_level_name(level)));
    iso_json_put_string_if(&json, "source", iso_str_from_z(own ? "supervisor" : "component"));
    iso_json_put_string(&json, "message", line);
    iso_json_object_end(&json);
    if (iso_json_finish(&json) == ISO_OK) {
        iso_sv_history_log(sv, history, level == ISO_LOG_ERROR,
                           iso_str_from((const char *)buf.ptr, buf.len));
    }
    iso_buf_fini(&buf);
}

static void on_event(void *ctx, struct iso_sv_component *component, struct iso_str name,
                     struct iso_str payload)
{
    struct iso_supervisor *sv = ctx;
    struct iso_sv_history *history =
        iso_sv_history_get(sv, iso_sv_component_app(component), iso_sv_component_name(component));
    struct iso_buf buf;
    struct iso_json json;
    iso_buf_init(&buf, sv->alloc, (size_t)ISO_SV_EVENT_PAYLOAD_MAX + 1024);
    iso_json_init_buf(&json, &buf, 0);
    iso_json_object_begin(&json);
    iso_member_time(&json, "time", iso_clock_now_ns());
    iso_json_put_string_if(&json, "name", name);
    iso_json_put_raw(&json, "payload", payload);
    iso_json_object_end(&json);
    if (iso_json_finish(&json) == ISO_OK) {
        const struct iso_str text = iso_str_from((const char *)buf.ptr, buf.len);
        if (history != NULL) {
            (void)iso_feed_add(&history->events, text);
        }
        iso_sv_coap_event(sv, component, text);
        iso_sv_peers_event(sv->peers, component, name, payload);
    }
    iso_buf_fini(&buf);
}

static void on_changed(void *ctx, struct iso_sv_component *component)
{
    struct iso_supervisor *sv = ctx;
    iso_sv_observers_changed(sv->observers, component);
}

static void on_state(void *ctx, struct iso_sv_component *component)
{
    struct iso_supervisor *sv = ctx;
    sv->revision++;
    iso_sv_event(sv, "component", iso_sv_component_app(component), iso_sv_component_name(component),
                 iso_sv_state_name(iso_sv_component_state(component)));
}

struct iso_sv_watch iso_sv_watch(struct iso_supervisor *sv)
{
    return (struct iso_sv_watch){
        .ctx = sv, .log = on_log, .event = on_event, .changed = on_changed, .state = on_state};
}
