/* feed_reply.c - a feed over HTTP: as an array, as an event stream (HTML standard, section 9.2), or
 * its next entry only. */
#include "daemon/feed.h"
#include "daemon/reply.h"
#include "daemon/route.h"

#include "base/format.h"
#include "platform/platform.h"

enum { TAIL_DEFAULT = 100 };

struct stream {
    struct iso_http_server *http;
    iso_http_id id;
    bool answered; /* of polls */
    struct iso_follower follower;
};

static void send_entry(const struct stream *stream, uint64_t number, struct iso_str json)
{
    char event_id[24];
    (void)iso_format(event_id, sizeof event_id, "%llu", (unsigned long long)number);
    /* A client that is too slow is disconnected and comes again with Last-Event-ID. */
    const enum iso_err err = iso_http_stream_event(stream->http, stream->id, event_id, json);
    (void)err;
}

static void on_entry(void *ctx, uint64_t number, struct iso_str json)
{
    send_entry(ctx, number, json);
}

/* For polls: the answer comes with the next entry. */
static void on_next_entry(void *ctx, uint64_t number, struct iso_str json)
{
    struct stream *poll = ctx;
    (void)number;
    if (!poll->answered) {
        poll->answered = true;
        iso_http_reply(poll->http, poll->id, 200, "application/json",
                       iso_bytes_from(json.ptr, json.len));
    }
}

/* Called when the request is over, whatever it followed. */
static void on_over(void *ctx, void *user)
{
    struct stream *stream = user;
    (void)ctx;
    iso_feed_unfollow(&stream->follower);
    iso_alloc_free(iso_alloc_libc(), stream, sizeof *stream);
}

/* What is kept with a request that follows a feed; NULL when 503 has been answered. */
static struct stream *open_stream(struct iso_http_request *req,
                                  void (*entry)(void *ctx, uint64_t number, struct iso_str json))
{
    struct iso_http_server *http = iso_http_request_server(req);
    const iso_http_id id = iso_http_request_id(req);
    struct stream *stream = iso_alloc_new(iso_alloc_libc(), sizeof *stream);
    if (stream == NULL) {
        iso_http_problem(http, id, 503, NULL, NULL, "out of memory");
        return NULL;
    }
    *stream = (struct stream){http, id, false, {.entry = entry, .ctx = stream}};
    iso_route_closer(req, on_over, stream);
    return stream;
}

/* Where to begin: after Last-Event-ID, or with the last ?tail=N entries. False: 400 has been
 * answered. */
static bool first_number(struct iso_http_request *req, const struct iso_feed *feed, uint64_t *out)
{
    struct iso_str text;
    uint64_t number = 0, tail = TAIL_DEFAULT;
    char digits[24];
    if (!iso_reply_read_number(req, "tail", ISO_FEED_TAIL_MAX, &tail)) {
        return false;
    }
    *out = iso_feed_tail(feed, (size_t)tail);
    if (iso_http_request_header(req, "Last-Event-ID", &text) && text.len < sizeof digits) {
        (void)iso_format(digits, sizeof digits, "%.*s", (int)text.len, text.ptr);
        *out = 0; /* of another life of this daemon: all there is */
        if (iso_parse_count(digits, UINT64_MAX, &number, NULL) == ISO_OK &&
            number < feed->next_number) {
            *out = number;
        }
    }
    return true;
}

static void reply_array(struct iso_http_request *req, const struct iso_feed *feed, uint64_t after)
{
    struct iso_reply_document document;
    struct iso_str entry;
    iso_reply_document_begin(&document);
    iso_json_array_begin(&document.json);
    while (iso_feed_after(feed, after, &after, &entry)) {
        iso_json_raw(&document.json, entry);
    }
    iso_json_array_end(&document.json);
    iso_reply_document_end(&document, iso_http_request_server(req), iso_http_request_id(req), 200,
                           ISO_OK);
}

bool iso_reply_wants_next(struct iso_http_request *req, bool *answered)
{
    struct iso_str value;
    *answered = false;
    if (!iso_http_request_parameter(req, "next", &value)) {
        return false;
    }
    if (iso_http_request_is_head(req)) {
        *answered = true;
        iso_http_reply(iso_http_request_server(req), iso_http_request_id(req), 200,
                       "application/json", iso_bytes_from("", 0));
    }
    return true;
}

void iso_reply_feed(struct iso_http_request *req, struct iso_feed *feed)
{
    struct iso_http_server *http = iso_http_request_server(req);
    const iso_http_id id = iso_http_request_id(req);
    struct stream *stream;
    bool answered;
    if (feed == NULL) {
        iso_http_problem(http, id, 503, NULL, NULL, "out of memory");
        return;
    }
    if (iso_reply_wants_next(req, &answered)) {
        stream = answered ? NULL : open_stream(req, on_next_entry);
        if (stream != NULL) {
            iso_feed_follow(feed, &stream->follower);
        }
        return;
    }
    uint64_t after = 0;
    if (!first_number(req, feed, &after)) {
        return;
    }
    if (!iso_http_request_accepts(req, "text/event-stream")) {
        reply_array(req, feed, after);
        return;
    }
    const struct iso_http_stream_config config = {.kind = ISO_HTTP_STREAM_EVENTS};
    stream = open_stream(req, on_entry);
    if (stream == NULL || iso_http_stream_begin(http, id, &config) != ISO_OK) {
        return; /* answered; the closer releases */
    }
    struct iso_str entry;
    while (iso_feed_after(feed, after, &after, &entry)) {
        send_entry(stream, after, entry);
    }
    iso_feed_follow(feed, &stream->follower);
}
