/*
 * http_server.h - an HTTP/1.1 server (RFC 9110, 9112) inside a libuv loop, over libmicrohttpd.
 *
 * Everything happens on the thread of the loop: every function here must be called on it, every
 * callback is called on it, and none blocks. A worker that has an answer hands it to the loop
 * thread (uv_async_send) and that answers.
 *
 * The life of a request:
 *
 *   on_headers   when the header is complete: look at method, path and credentials; allow a body
 *                (iso_http_accept_body, iso_http_accept_upload) or answer at once.
 *   on_request   when the body is whole (at once for a request without): answer now, which is the
 *                quickest, or return without an answer, keep the id and answer later.
 *   on_closed    exactly once for every request that on_headers saw, when it is over: answered, or
 *                the client has gone. What belongs to the request is to be released here.
 *
 * on_closed and on_request are never called from inside a function of this header.
 *
 * A request that is answered later is named by its id (never reused), not by its pointer: answering
 * a request that is over does nothing. Answering twice does nothing the second time.
 *
 * Refused before on_headers sees them, with a problem document (RFC 9457): malformed targets and
 * escapes, "." and ".." as segments, repeated or contradicting Host, Content-Length,
 * Transfer-Encoding, Origin, Content-Type or Authorization (400); other transfer codings than
 * chunked (501); a Host that is not ours (421); a foreign Origin (403). Malformed request lines and
 * headers, and headers that are too large, are refused by libmicrohttpd with a page of its own.
 *
 * Slow clients: each phase (TLS handshake, header, body, taking the answer, idling) has a deadline.
 */
#ifndef ISO_NET_HTTP_SERVER_H
#define ISO_NET_HTTP_SERVER_H

#include "base/base.h"

#include <sys/socket.h>
#include <uv.h>

struct iso_http_server;
struct iso_http_request;

/* Names a request; 0 is none. */
typedef uint64_t iso_http_id;

/* Segments of a path, parameters of a query; more are answered with 414. */
#define ISO_HTTP_MAX_SEGMENTS 32u
#define ISO_HTTP_MAX_PARAMETERS 32u
/* Bytes of a request target (path and query); more are answered with 414. */
#define ISO_HTTP_MAX_TARGET 8192u
/* Listeners of one server; connections are numbered with 16 bits. */
#define ISO_HTTP_MAX_LISTENERS 16u
#define ISO_HTTP_MAX_CONNECTIONS 16384u
/* Fields that the caller adds to one answer. */
#define ISO_HTTP_MAX_FIELDS 16u

/* HEAD is presented as GET: the answer is the same and its body is left off. */
enum iso_http_method {
    ISO_HTTP_GET = 1,
    ISO_HTTP_PUT = 2,
    ISO_HTTP_POST = 4,
    ISO_HTTP_DELETE = 8,
    ISO_HTTP_PATCH = 16,
    ISO_HTTP_OPTIONS = 32,
    ISO_HTTP_OTHER = 64, /* any other word; iso_http_method_text has it */
};

/* ---- Server ------------------------------------------------------------------------------- */

struct iso_http_listener {
    /* "ADDR:PORT", an IPv6 address in brackets; port 0: the system chooses. Borrowed. */
    const char *address;
    /* PEM of a certificate (chain) and of its key: TLS 1.2 and 1.3. Both NULL: plain HTTP, which is
     * meant for loopback; the caller decides. Borrowed (copied). */
    const char *certificate_pem;
    const char *key_pem;
};

/* A member that is 0 means the default, which is given with it. */
struct iso_http_limits {
    uint32_t connections;             /* 256; beyond: 503 on plain HTTP, closed on TLS */
    uint32_t connections_per_address; /* 64, not for loopback; of one IPv4 address or IPv6 /64 */
    uint32_t handshakes;              /* 32 TLS handshakes under way; a quarter per address */
    uint32_t streams;                 /* 64; beyond: 503 */
    uint32_t header_bytes;            /* 16384; request line and header, roughly; beyond: 431 */
    uint64_t body_bytes;              /* 1 MiB; what iso_http_accept_body(req, 0) allows */
    uint64_t body_bytes_total;        /* 64 MiB collected at once in all requests; beyond: 503 */
    uint32_t stream_bytes;            /* 262144 buffered per event stream */
    uint32_t handshake_ms;            /* 10000 from connecting to the end of the TLS handshake */
    uint32_t header_ms;               /* 10000 for a whole header */
    uint32_t idle_ms;                 /* 60000 between requests of a connection */
    /* A body must not pause longer than stall_ms (20000), and neither may an answer take longer
     * than stall_ms + its size / min_bytes_per_s (1024); the same holds for bodies. */
    uint32_t stall_ms;
    uint32_t min_bytes_per_s;
    uint32_t keepalive_ms; /* 15000; a comment on event streams that were silent so long */
};

/* ctx is iso_http_config.ctx in every callback. */
struct iso_http_callbacks {
    /* The header is there. Answer (iso_http_respond, ...), or allow a body. A request that was
     * neither answered nor allowed a body and has one is answered 413. Not called again. Required.
     */
    void (*on_headers)(void *ctx, struct iso_http_request *req);
    /* The body is whole. Answer or keep the id. Not called for what on_headers answered. Required.
     */
    void (*on_request)(void *ctx, struct iso_http_request *req);
    /* The request is over; its accessors still work, answering does nothing any more. `completed`:
     * the answer has been handed to the operating system. Optional. */
    void (*on_closed)(void *ctx, struct iso_http_request *req, bool completed);
    /* Whether `name` (lower case, without port) is a name of this server. Addresses in digits and
     * "localhost" always are, since no foreign page can be under them (DNS rebinding needs a name).
     * NULL: no other. Optional. */
    bool (*is_host)(void *ctx, struct iso_str name);
    /* Whether a page of this origin ("https://name:port") may use the server although it is another
     * than the server's own. NULL: none. Optional. */
    bool (*is_origin)(void *ctx, struct iso_str origin);
    /* Something to log: a line without an end. Optional. */
    void (*log)(void *ctx, const char *text);
};

struct iso_http_config {
    const struct iso_http_listener *listeners; /* borrowed */
    size_t listener_count;
    struct iso_http_limits limits;
    struct iso_http_callbacks callbacks;
    void *ctx;
};

/*
 * Opens the listeners and serves from now on. loop: kept until the server is closed. config:
 * borrowed. Errors: ARGUMENT (an address, no or too many listeners, a limit out of range), EXISTS
 * (address in use), ACCESS, INVALID (certificate or key), NOMEM, IO.
 */
ISO_MUST_CHECK enum iso_err iso_http_server_create(uv_loop_t *loop,
                                                   const struct iso_http_config *config,
                                                   struct iso_http_server **out,
                                                   struct iso_report *report);

/* The port of listener `index`: the one that the system chose, when 0 was asked for. */
uint16_t iso_http_server_port(const struct iso_http_server *server, size_t index);

/*
 * Closes the server: takes no more connections, ends streams and idle connections now, lets
 * requests under way finish for at most grace_ms, then drops the rest and releases everything.
 * on_done (optional) is called from the loop as the last; `server` must not be used after that.
 * Functions that take an id may be used until then. Call it once.
 */
void iso_http_server_close(struct iso_http_server *server, uint32_t grace_ms,
                           void (*on_done)(void *ctx), void *ctx);

/* Counts since creation, and what there is now; for metrics. */
struct iso_http_stats {
    uint64_t accepted;            /* connections */
    uint64_t refused;             /* connections above a limit */
    uint64_t timed_out;           /* connections closed because a deadline passed */
    uint64_t requests;            /* that on_headers saw */
    uint64_t responses[6];        /* by hundreds: [2] is 2xx; ours only */
    uint64_t aborted;             /* requests whose client went before the answer */
    uint64_t bytes_in, bytes_out; /* bodies */
    uint64_t events_skipped;      /* frames that slow viewers did not get */
    uint32_t connections, streams, deferred;
};
void iso_http_server_stats(const struct iso_http_server *server, struct iso_http_stats *out);

/* ---- Request ------------------------------------------------------------------------------ */
/* Views into a request are borrowed from it: valid until on_closed returns. */

iso_http_id iso_http_request_id(const struct iso_http_request *req);
/* The request of an id; NULL when it is over (on_closed has returned). Valid until the caller
 * returns to the loop. */
struct iso_http_request *iso_http_request_find(struct iso_http_server *server, iso_http_id id);
struct iso_http_server *iso_http_request_server(const struct iso_http_request *req);

/* A pointer of the caller's; NULL at first. Not released here. */
void iso_http_request_set_user(struct iso_http_request *req, void *user);
void *iso_http_request_user(const struct iso_http_request *req);

enum iso_http_method iso_http_request_method(const struct iso_http_request *req);
bool iso_http_request_is_head(const struct iso_http_request *req);
const char *iso_http_request_method_text(const struct iso_http_request *req);

/* The path as it came, with its escapes, without the query. */
struct iso_str iso_http_request_path(const struct iso_http_request *req);
/* Segments of the path, decoded one by one: "/v1/a%2Fb/" has "v1", "a/b" and "". Bytes as they
 * come; never zero bytes, not checked to be UTF-8. The empty view past the end. "/" has one, the
 * empty. */
size_t iso_http_request_segment_count(const struct iso_http_request *req);
struct iso_str iso_http_request_segment(const struct iso_http_request *req, size_t index);
/* The first parameter of that name in the query, decoded ("+" is a blank); false when there is
 * none. A parameter without "=" is empty. */
bool iso_http_request_parameter(struct iso_http_request *req, const char *name,
                                struct iso_str *out);

/* The first field of that name (any case); false when there is none. */
bool iso_http_request_header(const struct iso_http_request *req, const char *name,
                             struct iso_str *out);
bool iso_http_request_cookie(const struct iso_http_request *req, const char *name,
                             struct iso_str *out);
/* The token of "Authorization: Bearer TOKEN" (RFC 6750); false when there is none. */
bool iso_http_request_bearer(const struct iso_http_request *req, struct iso_str *out);
/* Whether Content-Type is this media type ("application/json"), whatever its parameters. */
bool iso_http_request_has_type(const struct iso_http_request *req, const char *media_type);
/* Whether Accept names this media type with a weight other than 0. Wild cards do not count: it is
 * about what is asked for by name. */
bool iso_http_request_accepts(const struct iso_http_request *req, const char *media_type);

/* The peer's address as text ("192.0.2.1", "2001:db8::1"). */
const char *iso_http_request_peer_text(const struct iso_http_request *req);
bool iso_http_request_is_tls(const struct iso_http_request *req);

/* ---- Body --------------------------------------------------------------------------------- */

/* What Content-Length says; UINT64_MAX for a chunked body, 0 for none. */
uint64_t iso_http_request_content_length(const struct iso_http_request *req);

/*
 * In on_headers: collect a body of at most max_bytes (0: the default of the limits) for on_request.
 * More is answered with 413 by the server, at once when Content-Length says so.
 */
void iso_http_accept_body(struct iso_http_request *req, uint64_t max_bytes);

/*
 * In on_headers: hand a body of at most max_bytes on piece by piece (`piece` is borrowed for the
 * call, never empty). on_data returns 0 to go on or a status (400 to 599) to refuse: the server
 * then answers with a problem document of it, discarding what else comes. It may also answer itself
 * (iso_http_problem) and return that status. on_request follows when the body is whole.
 */
void iso_http_accept_upload(struct iso_http_request *req, uint64_t max_bytes,
                            unsigned (*on_data)(void *ctx, struct iso_http_request *req,
                                                struct iso_bytes piece));

/* The collected body. */
struct iso_bytes iso_http_request_body(const struct iso_http_request *req);
/* The same, given to the caller: to be released with iso_alloc_free(iso_alloc_libc(), ptr, len).
 * For another thread to read, since the request may end any time. NULL and 0 when empty. */
ISO_MUST_CHECK enum iso_err iso_http_request_take_body(struct iso_http_request *req, uint8_t **ptr,
                                                       size_t *len);

/* ---- Answers ------------------------------------------------------------------------------ */

struct iso_http_field {
    const char *name;
    const char *value;
};

/* A regular file that is a body, from its beginning; read as it is sent. */
struct iso_http_file {
    int fd; /* taken: closed when it is no longer needed, also when the request is over already */
    uint64_t size_bytes;
};

struct iso_http_response {
    unsigned status;          /* 200 to 599 */
    const char *content_type; /* NULL: no body */
    struct iso_bytes body;
    const struct iso_http_file *file; /* instead of body; borrowed, but for the descriptor */
    /* NULL: body is borrowed and copied. Otherwise it is taken: release(release_ctx) is called
     * exactly once, when it is no longer needed, also when the request is over already. */
    void (*release)(void *ctx);
    void *release_ctx;
    const struct iso_http_field *fields; /* borrowed; none with line ends, else 500 is answered */
    size_t field_count;
    /* NULL: "no-store", or "no-cache" with an etag. */
    const char *cache_control;
    /* An entity tag with its quotes. A GET whose If-None-Match has it is answered 304. */
    const char *etag;
    /* NULL: "default-src 'self'" for text/html. */
    const char *content_security_policy;
};

/*
 * Every answer also has X-Content-Type-Options: nosniff and Date; HTML a Content-Security-Policy
 * and Referrer-Policy: no-referrer. Without memory the connection is closed instead. Answering from
 * on_headers or on_request is quickest; afterwards it works until the request is over.
 */
void iso_http_respond(struct iso_http_server *server, iso_http_id id,
                      const struct iso_http_response *response);

/* A copied body without further ado; content_type NULL with an empty body. */
void iso_http_reply(struct iso_http_server *server, iso_http_id id, unsigned status,
                    const char *content_type, struct iso_bytes body);

/*
 * RFC 9457, application/problem+json: type is a URI reference (NULL: "about:blank"), title short
 * and general (NULL: the phrase of the status), detail about this case (NULL: left out). Strings
 * are borrowed. A 401 also says WWW-Authenticate: Bearer.
 */
void iso_http_problem(struct iso_http_server *server, iso_http_id id, unsigned status,
                      const char *type, const char *title, const char *detail);
/* The same with further members, written by more(more_ctx, json) as key and value. */
void iso_http_problem_with(struct iso_http_server *server, iso_http_id id, unsigned status,
                           const char *type, const char *title, const char *detail,
                           const struct iso_http_field *fields, size_t field_count,
                           void (*more)(void *more_ctx, struct iso_json *json), void *more_ctx);

/* For a resource that has only the methods of the set `allowed` (iso_http_method values or-ed):
 * answers OPTIONS with 204 and anything else with 405, both with Allow. */
void iso_http_not_allowed(struct iso_http_request *req, unsigned allowed);

/* Drops the connection without an answer. */
void iso_http_abort(struct iso_http_server *server, iso_http_id id);

/* ---- Streams ------------------------------------------------------------------------------ */
/* An answer without an end; the id names the stream as it named the request. */

enum iso_http_stream_kind {
    ISO_HTTP_STREAM_EVENTS,    /* text/event-stream (HTML standard, section 9.2) */
    ISO_HTTP_STREAM_MULTIPART, /* multipart/x-mixed-replace: each part replaces the one before */
    ISO_HTTP_STREAM_RAW,       /* bytes of content_type */
};

struct iso_http_stream_config {
    enum iso_http_stream_kind kind;
    const char *content_type; /* of RAW; borrowed */
    uint32_t buffer_bytes;    /* 0: the limit stream_bytes; of EVENTS and RAW */
    uint32_t retry_ms;        /* of EVENTS: when to reconnect; 0: the client's default */
    const struct iso_http_field *fields;
    size_t field_count;
};

/*
 * Begins a stream in place of an answer. A HEAD request gets its header only and is over. Errors:
 * LIMIT (too many streams; 503 has been answered), NOT_FOUND (the request is over, or is answered),
 * NOMEM (the connection is closed).
 */
ISO_MUST_CHECK enum iso_err iso_http_stream_begin(struct iso_http_server *server, iso_http_id id,
                                                  const struct iso_http_stream_config *config);

/*
 * One event: `data` (JSON, or any text: a line each gets its "data:") and an event id (NULL: none;
 * no line ends). A client that does not keep up is disconnected when its buffer is full: it comes
 * again with Last-Event-ID and is to be sent what it missed. Errors: NOT_FOUND (the stream is
 * over), LIMIT (it has just been closed for that reason), ARGUMENT (a line end in the id), NOMEM.
 */
ISO_MUST_CHECK enum iso_err iso_http_stream_event(struct iso_http_server *server, iso_http_id id,
                                                  const char *event_id, struct iso_str data);

/*
 * One part of a MULTIPART stream. While the viewer has not taken the part before, this one is
 * skipped (REFUSED, counted): a slow viewer sees fewer pictures, and nothing piles up. A part is at
 * most 16 MiB, its type at most 100 characters. Errors: NOT_FOUND, REFUSED, LIMIT, ARGUMENT, NOMEM.
 */
ISO_MUST_CHECK enum iso_err iso_http_stream_part(struct iso_http_server *server, iso_http_id id,
                                                 const char *content_type, struct iso_bytes part);

/* Bytes of a RAW stream. Errors as those of events. */
ISO_MUST_CHECK enum iso_err iso_http_stream_write(struct iso_http_server *server, iso_http_id id,
                                                  struct iso_bytes bytes);

/* Bytes that wait for the viewer; 0 also when the stream is over. */
size_t iso_http_stream_pending(struct iso_http_server *server, iso_http_id id);

/* Ends the stream after what it has buffered. on_closed follows. */
void iso_http_stream_end(struct iso_http_server *server, iso_http_id id);

#endif
