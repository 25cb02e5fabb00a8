/* reply.h - answers that routes have in common. All on the loop thread; an answer to a request that
 * is over does nothing. */
#ifndef ISO_DAEMON_REPLY_H
#define ISO_DAEMON_REPLY_H

#include "net/http_server.h"

struct iso_feed;
struct json_t; /* <jansson.h> */

/* Answer with what `buf` holds (its bytes are taken; buf is then empty). */
void iso_reply_taken(struct iso_http_server *http, iso_http_id id, unsigned status,
                     const char *content_type, struct iso_buf *buf);
/* The same; with 500 when err is not ISO_OK: for documents that were just written into it. */
void iso_reply_buf(struct iso_http_request *req, unsigned status, const char *content_type,
                   struct iso_buf *buf, enum iso_err err);
/* 200 with a block of iso_alloc_libc(); bytes are taken. */
void iso_reply_block(struct iso_http_server *http, iso_http_id id, const char *content_type,
                     uint8_t *bytes, size_t len);
/* A JSON document, whose reference is taken and whose text is wiped afterwards; NULL: 503. */
void iso_reply_json(struct iso_http_server *http, iso_http_id id, unsigned status,
                    struct json_t *document);
/* The body as a JSON object, to be released with json_decref; NULL: 400 has been answered. */
struct json_t *iso_reply_read_object(struct iso_http_request *req);
/* A number of the query, from 0 to max; without it *out stays. False: 400 has been answered. */
ISO_MUST_CHECK bool iso_reply_read_number(struct iso_http_request *req, const char *name,
                                          uint64_t max, uint64_t *out);

/* A JSON document that is written into an answer; must not be moved between begin and end. */
struct iso_reply_document {
    struct iso_json json;
    struct iso_report report; /* of what is asked while it is written */
    struct iso_buf buf;       /* internal */
};
void iso_reply_document_begin(struct iso_reply_document *document);
/* Answers with it; with a problem document instead when err is not ISO_OK (the report says why) or
 * memory was short. Releases it. */
void iso_reply_document_end(struct iso_reply_document *document, struct iso_http_server *http,
                            iso_http_id id, unsigned status, enum iso_err err);
/* 204 when err is ISO_OK, else a problem document. */
void iso_reply_done(struct iso_http_server *http, iso_http_id id, enum iso_err err,
                    const struct iso_report *report);

/* A problem document for an error: status by its kind, text by the report (NULL: a general one). */
void iso_reply_error(struct iso_http_server *http, iso_http_id id, enum iso_err err,
                     const struct iso_report *report);
/* ARGUMENT, MALFORMED, INVALID, UNSUPPORTED, SNAPSHOT 400; ACCESS 403; NOT_FOUND 404; STATE,
 * EXISTS, REFUSED 409; LINK 422; NOMEM 503; LIMIT 507; else 500. */
unsigned iso_reply_status(enum iso_err err);

/* Part of a page that is the same for everybody: bytes are copied, and the policy allows nothing
 * foreign. */
void iso_reply_page(struct iso_http_request *req, const char *content_type, struct iso_bytes bytes);

/* ---- Feeds (feed.h) --------------------------------------------------------------------------
 */

/* Answer with the entries of a feed as a JSON array; as an event stream when text/event-stream is
 * accepted (after Last-Event-ID, else from the last ?tail=N, 100; 400 when N is no number); with
 * ?next when there is a next one only, see iso_reply_wants_next. NULL: 503. The feed must outlive
 * the request, or be closed with iso_feed_fini. */
void iso_reply_feed(struct iso_http_request *req, struct iso_feed *feed);
/* Long polling: whether the request has ?next and so waits for the next entry or value. `answered`:
 * it was a HEAD, which only asks whether that works, and has its answer. */
bool iso_reply_wants_next(struct iso_http_request *req, bool *answered);

#endif
