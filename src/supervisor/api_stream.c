/* api_stream.c - HTTP: answers without an end: events of the device, observed properties, and the
 * pictures of displays. */
#include "supervisor/api_call.h"

static void get_events(void *ctx, struct iso_http_request *req,
                       const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_supervisor *sv = ctx;
    (void)params;
    iso_reply_feed(req, &sv->events);
}

/* ---- The next value only --------------------------------------------------------------------- */

/* Long polling: the answer comes with the next change of a property. */
struct poll {
    struct iso_supervisor *sv;
    iso_http_id id;
    struct iso_sv_observer observer;
    bool had_first;
    bool answered;
};

static void on_next_value(void *ctx, enum iso_sv_outcome outcome, struct iso_bytes json,
                          struct iso_bytes cbor, bool gone)
{
    struct poll *poll = ctx;
    (void)cbor;
    if (gone && !poll->answered) {
        poll->answered = true;
        iso_http_problem(poll->sv->http, poll->id, 404, NULL, NULL, "the component has gone");
    } else if (outcome == ISO_SV_DONE && poll->had_first && !poll->answered) {
        poll->answered = true;
        iso_http_reply(poll->sv->http, poll->id, 200, "application/json", json);
    }
    poll->had_first = true;
}

static void poll_closed(void *ctx, void *user)
{
    struct iso_supervisor *sv = ctx;
    struct poll *poll = user;
    iso_sv_unobserve(&poll->observer);
    iso_alloc_free(sv->alloc, poll, sizeof *poll);
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

static void property_closed(void *ctx, void *user)
{
    struct iso_supervisor *sv = ctx;
    struct property_stream *stream = user;
    iso_sv_unobserve(&stream->observer);
    iso_alloc_free(sv->alloc, stream, sizeof *stream);
}

bool iso_sv_poll_http(struct iso_supervisor *sv, struct iso_http_request *req,
                      struct iso_sv_component *component, uint32_t index)
{
    const iso_http_id id = iso_http_request_id(req);
    bool answered;
    if (!iso_reply_wants_next(req, &answered) || answered) {
        return answered;
    }
    struct poll *poll = iso_alloc_new(sv->alloc, sizeof *poll);
    if (poll == NULL) {
        iso_http_problem(sv->http, id, 503, NULL, NULL, "out of memory");
        return true;
    }
    *poll = (struct poll){.sv = sv, .id = id, .observer = {.value = on_next_value, .ctx = poll}};
    iso_route_closer(req, poll_closed, poll);
    const char *path = iso_sv_program_func(iso_sv_component_program(component), index)->path;
    if (iso_sv_observe(sv->observers, iso_sv_component_app(component),
                       iso_sv_component_name(component), iso_str_from_z(path),
                       &poll->observer) != ISO_OK) {
        iso_http_problem(sv->http, id, 503, NULL, NULL, "too many observe properties");
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
    iso_route_closer(req, property_closed, stream);
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

static void display_closed(void *ctx, void *user)
{
    struct iso_supervisor *sv = ctx;
    struct display_stream *stream = user;
    iso_sv_viewer_destroy(stream->viewer);
    iso_alloc_free(sv->alloc, stream, sizeof *stream);
}

static void get_display_stream(void *ctx, struct iso_http_request *req,
                               const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_supervisor *sv = ctx;
    const iso_http_id id = iso_http_request_id(req);
    const struct iso_http_stream_config config = {.kind = ISO_HTTP_STREAM_MULTIPART};
    struct iso_report report;
    struct display_stream *stream = iso_alloc_new(sv->alloc, sizeof *stream);
    if (stream == NULL) {
        iso_http_problem(sv->http, id, 503, NULL, NULL, "out of memory");
        return;
    }
    *stream = (struct display_stream){sv, id, NULL};
    iso_route_closer(req, display_closed, stream);
    iso_report_init(&report);
    const enum iso_err err = iso_sv_display_subscribe(sv->devices, params[0], on_fresh, stream,
                                                      &stream->viewer, &report);
    if (err != ISO_OK) {
        iso_reply_error(sv->http, id, err, &report);
    } else if (iso_http_stream_begin(sv->http, id, &config) == ISO_OK) {
        on_fresh(stream);
    }
}

static void get_display_picture(void *ctx, struct iso_http_request *req,
                                const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_supervisor *sv = ctx;
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

const struct iso_route iso_sv_routes_streams[] = {
    {.method = ISO_HTTP_GET,
     .pattern = "v1/events",
     .access = ISO_ROUTE_READ,
     .summary = "What happened on the device; as text/event-stream also what will",
     .answer_type = "text/event-stream",
     .handle = get_events},
    {.method = ISO_HTTP_GET,
     .pattern = "display/{name}/stream",
     .access = ISO_ROUTE_READ,
     .summary = "The pictures of a display, one replacing the other",
     .answer_type = "multipart/x-mixed-replace",
     .handle = get_display_stream},
    {.method = ISO_HTTP_GET,
     .pattern = "display/{name}/picture",
     .access = ISO_ROUTE_READ,
     .summary = "The picture that a display shows",
     .answer_type = "image/jpeg",
     .handle = get_display_picture},
    {.method = 0}};
