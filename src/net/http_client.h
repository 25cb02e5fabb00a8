/*
 * http_client.h - an HTTP/1.1 client (RFC 9110, 9112) inside a libuv loop, over libcurl.
 *
 * One client per loop. Everything happens on the loop's thread: every function here must be called
 * on it, every callback is called on it, and none blocks (opening a file to send aside).
 *
 * The life of a request: iso_http_client_start gives it an id, which is never used again; then
 *
 *   on_head    optional, when the header of the answer is there (of the last one, after
 *              redirects).
 *   on_piece   optional, for answers with status 2xx: the body piece by piece instead of collected.
 *   on_done    exactly once for every request that was started, never before the call that started
 *              it has returned, and never from inside iso_http_client_cancel or _close.
 *
 * Every function may be called from every callback.
 *
 * Connections are kept open and used again for requests to the same host and port with the same
 * kind of trust (the same pin; the system's authorities and the same file of them).
 */
#ifndef ISO_NET_HTTP_CLIENT_H
#define ISO_NET_HTTP_CLIENT_H

#include "base/base.h"

#include <uv.h>

struct iso_http_client;

#define ISO_HTTP_CLIENT_MAX_URL 8192u
#define ISO_HTTP_CLIENT_MAX_HEADERS 32u       /* fields that the caller adds to a request */
#define ISO_HTTP_CLIENT_MAX_HEAD_BYTES 65536u /* of the header of an answer */
#define ISO_HTTP_CLIENT_MAX_REDIRECTS 5u
#define ISO_HTTP_CLIENT_PIN_SIZE 32u
#define ISO_HTTP_CLIENT_MAX_ALSO 16u

/* ---- Client ------------------------------------------------------------------------------- */

/* Numbers that are 0 mean the default, which is given with them. */
struct iso_http_client_config {
    uv_loop_t *loop;           /* kept */
    const char *user_agent;    /* borrowed (copied); NULL: "isomer" and its version */
    uint32_t requests;         /* 4096 under way or waiting at a time; more are refused */
    uint32_t connections;      /* 2048 open, idle ones included */
    uint32_t connections_host; /* 16 of one host and port; further requests wait for one */
    /* What names mean, "HOST:PORT:ADDRESS", instead of asking the resolver. Borrowed (copied). */
    const char *const *resolve;
    size_t resolve_count;
    /* Addresses in digits that count as public (ISO_HTTP_CLIENT_ADDRESS_PUBLIC_ONLY) although they
     * are not: of a site's own servers. Borrowed (copied); at most ISO_HTTP_CLIENT_MAX_ALSO. */
    const char *const *also_public;
    size_t also_public_count;
};

/* Errors: ARGUMENT (also_public), NOMEM, IO (libcurl cannot be set up). */
ISO_MUST_CHECK enum iso_err iso_http_client_create(const struct iso_http_client_config *config,
                                                   struct iso_http_client **out,
                                                   struct iso_report *report);

/*
 * Ends the client: what is under way is cancelled and told so, connections are closed. on_closed
 * (optional) comes from the loop as the last; `client` is gone then. Call it once; NULL is fine,
 * then on_closed is not called. No request can be started any more.
 */
void iso_http_client_close(struct iso_http_client *client, void (*on_closed)(void *ctx), void *ctx);

struct iso_http_client_stats {
    uint64_t started, done; /* requests; done: with an answer */
    uint64_t connected;     /* connections that were opened */
    uint32_t requests;      /* under way or waiting */
};
void iso_http_client_stats(const struct iso_http_client *client, struct iso_http_client_stats *out);

/* ---- Requests ----------------------------------------------------------------------------- */

/* Whom to believe over https. */
enum iso_http_client_trust {
    /* The system's authorities, or those of ca_file; the certificate must name the host. */
    ISO_HTTP_CLIENT_TRUST_SYSTEM,
    /* Who has the key of this pin (net/tls.h: SHA-256 of the SubjectPublicKeyInfo), whatever the
     * certificate says and whoever signed it. Nothing is sent before the pin is right. Plain http
     * is refused. */
    ISO_HTTP_CLIENT_TRUST_PIN,
    /* Anybody; the answer says which pin its connection had. For pairing, and never with a secret:
     * a bearer token is refused. */
    ISO_HTTP_CLIENT_TRUST_ANYBODY,
};

/* Where connections may lead. */
enum iso_http_client_addresses {
    ISO_HTTP_CLIENT_ADDRESS_ANY,
    /* Addresses of the Internet only: not loopback, private, link-local, unique local, shared,
     * multicast, reserved, nor any of these written as IPv6. Checked for every address that is
     * connected to, also after redirects, so names that change between look-ups do not help. */
    ISO_HTTP_CLIENT_ADDRESS_PUBLIC_ONLY,
    /* Any for the host and port of the URL, since somebody configured them; public only where a
     * redirect leads elsewhere. */
    ISO_HTTP_CLIENT_ADDRESS_PUBLIC_ELSEWHERE,
};

enum iso_http_client_outcome {
    ISO_HTTP_CLIENT_DONE,           /* an answer came, whole, with whatever status */
    ISO_HTTP_CLIENT_CANNOT_CONNECT, /* no such name, nobody listens, the TLS handshake failed */
    ISO_HTTP_CLIENT_TIMED_OUT,      /* connecting, or as a whole, or too slow: see sent */
    ISO_HTTP_CLIENT_BROKE_UNSENT,   /* the connection broke before anything was sent */
    ISO_HTTP_CLIENT_BROKE_SENT,     /* ... after: perhaps executed. Also answers that are no HTTP */
    ISO_HTTP_CLIENT_PIN_MISMATCH,   /* somebody else has answered; nothing was sent */
    ISO_HTTP_CLIENT_UNTRUSTED,      /* no authority vouches for the certificate; nothing was sent */
    ISO_HTTP_CLIENT_TOO_LARGE,      /* the answer is larger than max_bytes, or its header */
    ISO_HTTP_CLIENT_ADDRESS_REFUSED,  /* PUBLIC_ONLY, and the name leads elsewhere */
    ISO_HTTP_CLIENT_REDIRECT_REFUSED, /* too many, from https to http, not to http or https */
    ISO_HTTP_CLIENT_CANCELLED,        /* by iso_http_client_cancel or _close, or by on_piece */
    ISO_HTTP_CLIENT_FAILED,           /* on our side: memory, reading the file to send */
};
/* "cannot connect", ... */
const char *iso_http_client_outcome_text(enum iso_http_client_outcome outcome);

struct iso_http_client_head; /* the fields of the header */

/* How it went. Everything in it is borrowed, until the callback returns. */
struct iso_http_client_answer {
    enum iso_http_client_outcome outcome; /* in on_head: DONE, so far */
    unsigned status;                      /* 0: no header came */
    /* Something of the request has left: unless the outcome is DONE, it is perhaps executed. */
    bool sent;
    bool has_pin; /* the answer came over TLS; pin is that of its connection */
    uint8_t pin[ISO_HTTP_CLIENT_PIN_SIZE];
    /* Collected; what came so far when it broke. With on_piece: empty, or when the status is not
     * 2xx its first 64 KiB. on_done may keep it with iso_buf_take; the allocator is
     * iso_alloc_libc(). */
    struct iso_buf *body;
    const char *message; /* for people, without the host: what went wrong; "" when DONE */
    const char *url;     /* where the answer came from, after redirects */
    bool reused;         /* over a connection that was open already */
    uint64_t took_us;    /* from start to now */
    const struct iso_http_client_head *head;
};
/* Field `index` (from 0) of those with that name (any case) in the header of the answer. */
bool iso_http_client_header(const struct iso_http_client_answer *answer, const char *name,
                            size_t index, struct iso_str *out);
/* Whether Content-Type is this media type ("application/json"), whatever its parameters. */
bool iso_http_client_has_type(const struct iso_http_client_answer *answer, const char *media_type);

/* Zero it, set url and on_done, and what else is needed. All pointers are borrowed (copied) for the
 * call, except the body. */
struct iso_http_client_request {
    const char *url;    /* http or https, without user and password; at most MAX_URL */
    const char *method; /* NULL: GET */

    const char *content_type;
    const char *accept;
    const char *bearer;         /* Authorization: Bearer ...; see credentials below */
    const char *const *headers; /* "Name: value", without line ends */
    size_t header_count;

    /*
     * What is sent. body_release NULL: the body is borrowed and copied, unless body_kept: then it
     * must stay as it is until on_done was called. Otherwise it is taken: body_release(ctx) is
     * called exactly once, at the latest after on_done, also when starting fails.
     */
    struct iso_bytes body;
    bool body_kept;
    void (*body_release)(void *ctx);
    void *body_release_ctx;
    /* Instead: the contents of this file, opened now and read as it is sent; its length now is
     * what is announced. */
    const char *file;

    /* Numbers that are 0 mean the default. */
    uint64_t max_bytes;  /* 1 MiB of body, collected or in pieces; UINT64_MAX: no limit to pieces */
    uint32_t connect_ms; /* 10000 for resolving, connecting and the TLS handshake */
    uint32_t total_ms;   /* 30000 for everything, waiting for a connection included; UINT32_MAX: no
                            limit, for event streams */
    /* Times out when fewer bytes a second than this moved, over so many seconds. 0: off. Event
     * streams of ours say something every 15 s. */
    uint32_t low_speed_bytes, low_speed_s;

    enum iso_http_client_trust trust;
    uint8_t pin[ISO_HTTP_CLIENT_PIN_SIZE];
    const char *ca_file; /* PEM; with TRUST_SYSTEM; NULL: the system's */
    enum iso_http_client_addresses addresses;
    bool environment_proxy; /* use the proxy that http_proxy, https_proxy, all_proxy, no_proxy name
                             */

    /*
     * Whether the request may reach the server twice. A kept connection may turn out to be closed
     * by the server just when it is used; then nobody knows whether the request was executed.
     * true (and always for GET and HEAD): it is repeated on a new connection. false: it is sent
     * once, on a connection of its own.
     */
    bool repeat_safe;
    /*
     * GET and HEAD: go where 301, 302, 303, 307, 308 lead, at most MAX_REDIRECTS times, never from
     * https to http. Authorization and Cookie, and `bearer`, are left out when the host, port or
     * scheme is another one. Other methods, and without this: the answer is the redirect.
     */
    bool follow;

    void *ctx; /* of the callbacks */
    void (*on_head)(void *ctx, uint64_t id, const struct iso_http_client_answer *answer);
    /* Borrowed, never empty. False: enough; on_done follows with CANCELLED. */
    bool (*on_piece)(void *ctx, uint64_t id, struct iso_bytes piece);
    void (*on_done)(void *ctx, uint64_t id, const struct iso_http_client_answer *answer);
};

/*
 * Starts a request. *id_out (never 0) is set before any callback. Errors, none of which is followed
 * by a callback: ARGUMENT (the URL is none, or is not http or https, or has a user; a header with a
 * line end; a secret without trust), LIMIT (too many requests, too long), STATE (the client is
 * being closed), those of opening the file, NOMEM.
 */
ISO_MUST_CHECK enum iso_err iso_http_client_start(struct iso_http_client *client,
                                                  const struct iso_http_client_request *request,
                                                  uint64_t *id_out, struct iso_report *report);

/* on_done follows with CANCELLED, unless it was called already: then nothing happens. */
void iso_http_client_cancel(struct iso_http_client *client, uint64_t id);

/* Whether a connection may go there under ISO_HTTP_CLIENT_ADDRESS_PUBLIC_ONLY. IPv4 and IPv6;
 * anything else is not public. */
bool iso_http_client_is_public(const struct sockaddr *address);

#endif
