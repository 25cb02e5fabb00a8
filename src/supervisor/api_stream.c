/* api_stream.c - HTTP: answers without an end: events of the device, logs, observed properties, and
 * the pictures of displays. */
#include "supervisor/api_call.h"

#include "base/format.h"
#include "platform/platform.h"

#include <stdlib.h>

/* ---- Feeds ---------------------------------------------------------------------------------- */

struct feed_stream {
    struct iso_supervisor *sv;
    iso_http_id id;
    struct iso_sv_follower follower;
};

static void send_entry(struct iso_supervisor *sv, iso_http_id id, uint64_t number,
                       struct iso_str json)
{
    char event_id[24];
    (void)iso_format(event_id, sizeof event_id, "%llu", (unsigned long long)number);
    /* A client that is too slow is disconnected and comes again with Last-Event-ID. */
    const enum iso_err err = iso_http_stream_event(sv->http, id, event_id, json);
    (void)err;
}

static void on_entry(void *ctx, uint64_t number, struct iso_str json)
{
    const struct feed_stream *stream = ctx;
    send_entry(stream->sv, stream->id, number, json);
}

/* Where to begin: after Last-Event-ID, or with the last ?tail=N entries (default 100). */
static uint64_t first_number(struct iso_http_request *req, const struct iso_sv_feed *feed)
{
    struct iso_str text;
    uint64_t number = 0;
    char digits[24];
    if (iso_http_request_header(req, "Last-Event-ID", &text) && text.len < sizeof digits) {
        (void)iso_format(digits, sizeof digits, "%.*s", (int)text.len, text.ptr);
        if (iso_parse_count(digits, UINT64_MAX, &number, NULL) == ISO_OK &&
            number < feed->next_number) {
            return number;
        }
        return 0; /* of another life of this device: all there is */
    }
    uint64_t tail = 100;
    if (iso_http_request_parameter(req, "tail", &text) && text.len < sizeof digits) {
        (void)iso_format(digits, sizeof digits, "%.*s", (int)text.len, text.ptr);
        if (iso_parse_count(digits, 1000000, &tail, NULL) != ISO_OK) {
            tail = 100;
        }
    }
    return iso_sv_feed_tail(feed, (size_t)tail);
}

static void reply_array(struct iso_supervisor *sv, struct iso_http_request *req,
                        const struct iso_sv_feed *feed, uint64_t after)
{
    struct iso_buf buf;
    struct iso_json json;
    struct iso_str entry;
    iso_buf_init(&buf, sv->alloc, 16u << 20);
    iso_json_init_buf(&json, &buf, 0);
    iso_json_array_begin(&json);
    while (iso_sv_feed_after(feed, after, &after, &entry)) {
        iso_json_raw(&json, entry);
    }
    iso_json_array_end(&json);
    iso_sv_reply_buf(sv, req, 200, "application/json", &buf, iso_json_finish(&json));
}

/* Called when a stream ends, whatever it followed. */
static void feed_closed(struct iso_supervisor *sv, void *user)
{
    struct feed_stream *stream = user;
    iso_sv_feed_unfollow(&stream->follower);
    iso_alloc_free(sv->alloc, stream, sizeof *stream);
}

/* ---- The next one only ---------------------------------------------------------------------- */

/* Long polling: the answer comes with the next entry, or change of a property, or is empty after a
 * while. HEAD asks whether that works at all. */
struct poll {
    struct iso_supervisor *sv;
    iso_http_id id;
    struct iso_sv_follower follower;
    struct iso_sv_observer observer;
    bool had_first; /* value of the property */
    bool answered;
};

static void answer_poll(struct poll *poll, struct iso_str json)
{
    if (!poll->answered) {
        poll->answered = true;
        iso_http_reply(poll->sv->http, poll->id, 200, "application/json",
                       iso_bytes_from(json.ptr, json.len));
    }
}

static void on_next_entry(void *ctx, uint64_t number, struct iso_str json)
{
    (void)number;
    answer_poll(ctx, json);
}

static void on_next_value(void *ctx, enum iso_sv_outcome outcome, struct iso_bytes json,
                          struct iso_bytes cbor, bool gone)
{
    struct poll *poll = ctx;
    (void)cbor;
    if (gone && !poll->answered) {
        poll->answered = true;
        iso_http_problem(poll->sv->http, poll->id, 404, NULL, NULL, "the component has gone");
    } else if (outcome == ISO_SV_DONE && poll->had_first) {
        answer_poll(poll, iso_str_from((const char *)json.ptr, json.len));
    }
    poll->had_first = true;
}

static void poll_closed(struct iso_supervisor *sv, void *user)
{
    struct poll *poll = user;
    iso_sv_feed_unfollow(&poll->follower);
    iso_sv_unobserve(&poll->observer);
    iso_alloc_free(sv->alloc, poll, sizeof *poll);
}

/* True: the request asks for the next one. *out: NULL when it has been answered. */
static bool wants_next(struct iso_supervisor *sv, struct iso_http_request *req, struct poll **out)
{
    struct iso_str value;
    const iso_http_id id = iso_http_request_id(req);
    *out = NULL;
    if (!iso_http_request_parameter(req, "next", &value)) {
        return false;
    }
    if (iso_http_request_is_head(req)) {
        iso_http_reply(sv->http, id, 200, "application/json", iso_bytes_from("", 0));
        return true;
    }
    struct poll *poll = iso_alloc_new(sv->alloc, sizeof *poll);
    if (poll == NULL) {
        iso_http_problem(sv->http, id, 503, NULL, NULL, "out of memory");
        return true;
    }
    *poll = (struct poll){.sv = sv,
                          .id = id,
                          .follower = {.entry = on_next_entry},
                          .observer = {.value = on_next_value}};
    poll->follower.ctx = poll->observer.ctx = poll;
    iso_sv_request_closer(req, poll_closed, poll);
    *out = poll;
    return true;
}

void iso_sv_reply_feed(struct iso_supervisor *sv, struct iso_http_request *req,
                       struct iso_sv_feed *feed)
{
    const iso_http_id id = iso_http_request_id(req);
    if (feed == NULL) {
        iso_http_problem(sv->http, id, 503, NULL, NULL, "out of memory");
        return;
    }
    struct poll *poll;
    if (wants_next(sv, req, &poll)) {
        if (poll != NULL) {
            iso_sv_feed_follow(feed, &poll->follower);
        }
        return;
    }
    uint64_t after = first_number(req, feed);
    if (!iso_http_request_accepts(req, "text/event-stream")) {
        reply_array(sv, req, feed, after);
        return;
    }
    const struct iso_http_stream_config config = {.kind = ISO_HTTP_STREAM_EVENTS};
    struct feed_stream *stream = iso_alloc_new(sv->alloc, sizeof *stream);
    if (stream == NULL) {
        iso_http_problem(sv->http, id, 503, NULL, NULL, "out of memory");
        return;
    }
    *stream = (struct feed_stream){sv, id, {.entry = on_entry}};
    iso_sv_request_closer(req, feed_closed, stream);
    stream->follower.ctx = stream;
    if (iso_http_stream_begin(sv->http, id, &config) != ISO_OK) {
        return; /* answered; the closer releases */
    }
    struct iso_str entry;
    while (iso_sv_feed_after(feed, after, &after, &entry)) {
        send_entry(sv, id, after, entry);
    }
    iso_sv_feed_follow(feed, &stream->follower);
}

static void get_events(struct iso_supervisor *sv, struct iso_http_request *req,
                       const struct iso_str params[ISO_SV_ROUTE_PARAMS])
{
    (void)params;
    iso_sv_reply_feed(sv, req, &sv->events);
}

/* ---- Properties ----------------------------------------------------------------------------- */

struct property_stream {
    struct iso_supervisor *sv;
    iso_http_id id;
    struct iso_sv_observer observer;
};

static void on_value(void *ctx, enum iso_sv_outcome outcome, struct iso_bytes json,
                     struct iso_bytes cbor, bool gone)
{
    const struct property_stream *stream = ctx;
    (void)cbor;
    if (gone) {
        iso_http_stream_end(stream->sv->http, stream->id);
    } else if (outcome == ISO_SV_DONE) {
        const enum iso_err err = iso_http_stream_event(
            stream->sv->http, stream->id, NULL, iso_str_from((const char *)json.ptr, json.len));
        (void)err;
    }
}

static void property_closed(struct iso_supervisor *sv, void *user)
{
    struct property_stream *stream = user;
    iso_sv_unobserve(&stream->observer);
    iso_alloc_free(sv->alloc, stream, sizeof *stream);
}

bool iso_sv_poll_http(struct iso_supervisor *sv, struct iso_http_request *req,
                      struct iso_sv_component *component, uint32_t index)
{
    struct poll *poll;
    if (!wants_next(sv, req, &poll)) {
        return false;
    }
    const char *path = iso_sv_program_func(iso_sv_component_program(component), index)->path;
    if (poll != NULL && iso_sv_observe(sv->observers, iso_sv_component_app(component),
                                       iso_sv_component_name(component), iso_str_from_z(path),
                                       &poll->observer) != ISO_OK) {
        iso_http_problem(sv->http, poll->id, 503, NULL, NULL, "too many observe properties");
    }
    return true;
}

void iso_sv_observe_http(struct iso_supervisor *sv, struct iso_http_request *req,
                         struct iso_sv_component *component, uint32_t index)
{
    const iso_http_id id = iso_http_request_id(req);
    const struct iso_http_stream_config config = {.kind = ISO_HTTP_STREAM_EVENTS};
    struct property_stream *stream = iso_alloc_new(sv->alloc, sizeof *stream);
    if (stream == NULL) {
        iso_http_problem(sv->http, id, 503, NULL, NULL, "out of memory");
        return;
    }
    *stream = (struct property_stream){sv, id, {.value = on_value}};
    iso_sv_request_closer(req, property_closed, stream);
    stream->observer.ctx = stream;
    if (iso_http_stream_begin(sv->http, id, &config) != ISO_OK) {
        return;
    }
    const char *path = iso_sv_program_func(iso_sv_component_program(component), index)->path;
    if (iso_sv_observe(sv->observers, iso_sv_component_app(component),
                       iso_sv_component_name(component), iso_str_from_z(path),
                       &stream->observer) != ISO_OK) {
        iso_http_stream_end(sv->http, id);
    }
}

/* ---- Displays ------------------------------------------------------------------------------- */

struct display_stream {
    struct iso_supervisor *sv;
    iso_http_id id;
    struct iso_sv_viewer *viewer;
};

static void on_fresh(void *ctx)
{
    const struct display_stream *stream = ctx;
    struct iso_sv_frame *frame = iso_sv_viewer_take(stream->viewer);
    const char *type;
    struct iso_bytes picture;
    if (frame == NULL) {
        return;
    }
    if (iso_sv_frame_picture(frame, &type, &picture) == ISO_OK) {
        /* REFUSED: this viewer has not taken the picture before, and skips this one. */
        const enum iso_err err = iso_http_stream_part(stream->sv->http, stream->id, type, picture);
        (void)err;
    }
    iso_sv_frame_unref(frame);
}

static void display_closed(struct iso_supervisor *sv, void *user)
{
    struct display_stream *stream = user;
    iso_sv_viewer_destroy(stream->viewer);
    iso_alloc_free(sv->alloc, stream, sizeof *stream);
}

static void get_display_stream(struct iso_supervisor *sv, struct iso_http_request *req,
                               const struct iso_str params[ISO_SV_ROUTE_PARAMS])
{
    const iso_http_id id = iso_http_request_id(req);
    const struct iso_http_stream_config config = {.kind = ISO_HTTP_STREAM_MULTIPART};
    struct iso_report report;
    struct display_stream *stream = iso_alloc_new(sv->alloc, sizeof *stream);
    if (stream == NULL) {
        iso_http_problem(sv->http, id, 503, NULL, NULL, "out of memory");
        return;
    }
    *stream = (struct display_stream){sv, id, NULL};
    iso_sv_request_closer(req, display_closed, stream);
    iso_report_init(&report);
    const enum iso_err err = iso_sv_display_subscribe(sv->devices, params[0], on_fresh, stream,
                                                      &stream->viewer, &report);
    if (err != ISO_OK) {
        iso_sv_reply_error(sv, id, err, &report);
    } else if (iso_http_stream_begin(sv->http, id, &config) == ISO_OK) {
        on_fresh(stream);
    }
}

static void get_display_picture(struct iso_supervisor *sv, struct iso_http_request *req,
                                const struct iso_str params[ISO_SV_ROUTE_PARAMS])
{
    const iso_http_id id = iso_http_request_id(req);
    struct iso_sv_frame *frame = iso_sv_display_frame(sv->devices, params[0]);
    const char *type;
    struct iso_bytes picture;
    if (frame == NULL) {
        iso_http_problem(sv->http, id, 404, NULL, NULL, "no display of that name shows anything");
    } else if (iso_sv_frame_picture(frame, &type, &picture) == ISO_OK) {
        iso_http_reply(sv->http, id, 200, type, picture);
    } else {
        iso_http_problem(sv->http, id, 503, NULL, NULL, "out of memory");
    }
}

const struct iso_sv_route iso_sv_routes_streams[] = {
    {.method = ISO_HTTP_GET,
     .pattern = "v1/events",
     .access = ISO_SV_READ,
     .summary = "What happened on the device; as text/event-stream also what will",
     .answer_type = "text/event-stream",
     .handle = get_events},
    {.method = ISO_HTTP_GET,
     .pattern = "display/{name}/stream",
     .access = ISO_SV_READ,
     .summary = "The pictures of a display, one replacing the other",
     .answer_type = "multipart/x-mixed-replace",
     .handle = get_display_stream},
    {.method = ISO_HTTP_GET,
     .pattern = "display/{name}/picture",
     .access = ISO_SV_READ,
     .summary = "The picture that a display shows",
     .answer_type = "image/jpeg",
     .handle = get_display_picture},
    {.method = 0}};
