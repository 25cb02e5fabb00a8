/* CoAP (RFC 7252) on a libuv loop: a server, and links to other devices (peers).
 *
 * Transports: UDP, TCP (RFC 8323), DTLS and TLS with pre-shared keys; messages, retransmission and
 * encryption are libcoap's, block-wise transfers (RFC 7959), observation (RFC 7641), link format
 * (RFC 6690) and large messages between devices (docs/internals/coap.md) are done here.
 *
 * Everything here belongs to the thread that runs the loop; nothing blocks. Callbacks come from
 * within uv_run, from iso_coap_peer_cancel, iso_coap_peer_destroy and iso_coap_client_destroy, and
 * nowhere else; never from the call that registered them. A callback may call anything in this
 * header except destroying the object that calls it (server, client, peer): do that from a timer.
 */
#ifndef ISO_NET_COAP_H
#define ISO_NET_COAP_H

#include "base/base.h"

#include <sys/socket.h>
#include <uv.h>

enum iso_coap_transport {
    ISO_COAP_UDP,
    ISO_COAP_TCP,
    ISO_COAP_DTLS,
    ISO_COAP_TLS, /* over TCP: the one for links between devices */
};

/* "coap", "coap+tcp", "coaps", "coaps+tcp": the scheme of its addresses (RFC 8323, section 8). */
const char *iso_coap_transport_scheme(enum iso_coap_transport transport);

/* Methods and response codes: ISO_COAP_CODE(4, 4) is 4.04. */
#define ISO_COAP_CODE(class_digit, detail) ((uint8_t)((class_digit) << 5 | (detail)))
#define ISO_COAP_CODE_CLASS(code) ((unsigned)(code) >> 5)
#define ISO_COAP_CODE_DETAIL(code) ((unsigned)(code)&0x1fu)

enum {
    ISO_COAP_GET = 1,
    ISO_COAP_POST = 2,
    ISO_COAP_PUT = 3,
    ISO_COAP_DELETE = 4,
    ISO_COAP_FETCH = 5,
};

/* Content formats (RFC 7252, section 12.3); any other number is passed on as it is. */
enum {
    ISO_COAP_FORMAT_NONE = -1, /* the option is absent */
    ISO_COAP_FORMAT_TEXT = 0,
    ISO_COAP_FORMAT_LINK = 40,
    ISO_COAP_FORMAT_OCTETS = 42,
    ISO_COAP_FORMAT_JSON = 50,
    ISO_COAP_FORMAT_CBOR = 60,
};

/* ---- Server ---------------------------------------------------------------------------------- */

#define ISO_COAP_KEY_MAX 64u       /* bytes of a pre-shared key */
#define ISO_COAP_IDENTITY_MAX 128u /* bytes of its identity: text without zero bytes */
#define ISO_COAP_LISTENERS_MAX 16u

struct iso_coap_server;

struct iso_coap_listener {
    enum iso_coap_transport transport;
    /* IPv4 or IPv6; the any-address of IPv6 takes IPv4 too. Port 0: the system chooses, and
     * iso_coap_server_address tells. */
    struct sockaddr_storage address;
};

/* 0 in any field means the default that stands beside it. */
struct iso_coap_limits {
    uint32_t sessions;             /* 512: peers known at once, over all transports */
    uint32_t sessions_per_address; /* 64: of one IP address (IPv6: /64), for TCP and TLS */
    /* 32: under way at once over TCP and TLS, a quarter of one address; beyond it the oldest of the
     * address that has most gives way. Over DTLS see
     * ISO_COAP_HELLOS_MAX. */
    uint32_t handshakes;
    uint32_t handshake_ms;          /* 10,000: from the connection to the first CSM */
    uint32_t idle_ms;               /* 300,000: without a message, request or observation */
    uint32_t requests_per_session;  /* 16,384: not answered yet */
    uint32_t requests;              /* 65,536: the same over all sessions */
    uint32_t observers;             /* 1,024: over all paths */
    uint32_t observers_per_path;    /* 256 */
    uint32_t observers_per_session; /* 64 */
    uint32_t payload_bytes;         /* 64 MiB: of one request, reassembled */
    /* 1 MiB: of one request without DTLS or TLS: enough for anything that is allowed then. */
    uint32_t plain_payload_bytes;
    uint32_t partial_per_session;       /* 16: requests in reassembly, answers kept for fetching */
    uint32_t partial_bytes_per_session; /* 128 MiB: memory of these together */
    uint32_t partial_bytes;             /* 256 MiB: over all sessions */
    uint32_t plain_partial_bytes; /* 4 MiB: over all sessions without DTLS or TLS, within the sum */
    uint32_t partial_ms;          /* 30,000: without progress, then they expire */
    /* 4 MiB: sent over TCP or TLS and not read by the peer. Beyond it a session over TCP is closed;
     * one over TLS when it has read nothing for 5 s, and at 16 times that at once. */
    uint32_t unread_bytes;
    uint32_t window_bytes; /* 256 KiB: what a peer may have under way in chunks (credit) */
};

/* What the key lookup fills in. */
struct iso_coap_psk {
    uint8_t key[ISO_COAP_KEY_MAX];
    size_t key_len;     /* 1..ISO_COAP_KEY_MAX bytes */
    uint64_t principal; /* the caller's own number for who that is; comes with each request */
};

enum iso_coap_observe {
    ISO_COAP_OBSERVE_NONE,
    /* A GET that asks to be told of changes. The answer decides: see iso_coap_answer.observe. */
    ISO_COAP_OBSERVE_REGISTER,
    /* A GET that ends an observation; it has ended already and is answered like any GET. */
    ISO_COAP_OBSERVE_DEREGISTER,
    /* Not from the network: after iso_coap_notify, the representation for one observer is wanted.
     * All else is as in the request that registered it. */
    ISO_COAP_OBSERVE_NOTIFY,
};

/* A request. Everything that it points to is borrowed until on_request returns. */
struct iso_coap_request {
    uint64_t id; /* for iso_coap_respond; never used twice */
    uint8_t method;
    const struct iso_str *path; /* Uri-Path, decoded as CoAP carries it: any bytes, any UTF-8 */
    size_t path_count;
    /* The same as one text, "/a/b": bytes other than unreserved, sub-delims, ':' and '@' are
     * percent-encoded (RFC 3986). "/" when there is no segment. Names the path in iso_coap_notify
     * and its relatives. */
    struct iso_str path_text;
    const struct iso_str *queries; /* Uri-Query, such as "rt=light" */
    size_t query_count;
    int32_t content_format; /* of the payload, or ISO_COAP_FORMAT_NONE */
    int32_t accept;         /* what the answer should be, or ISO_COAP_FORMAT_NONE */
    enum iso_coap_observe observe;
    struct iso_bytes payload; /* whole, whichever way it came */
    enum iso_coap_transport transport;
    bool secure;             /* DTLS or TLS: principal and identity are those of the key used */
    uint64_t principal;      /* 0 unless secure */
    struct iso_str identity; /* empty unless secure */
    const struct sockaddr *peer;
    uint64_t session; /* the same number for all requests of one session */
};

/* An answer. */
struct iso_coap_answer {
    uint8_t code;             /* ISO_COAP_CODE(2, 5) and so on; class 2, 4 or 5 */
    int32_t content_format;   /* ISO_COAP_FORMAT_NONE for a diagnostic text and for none */
    struct iso_bytes payload; /* borrowed for the call (copied); any size */
    /* To a REGISTER: the path is observable, add the observer. Without it the client sees from the
     * missing option that it is not. To a NOTIFY: false, or a code that is not 2.xx, ends the
     * observation after this notification. Beyond a limit the observer is not added, and the
     * answer goes as to a plain GET. */
    bool observe;
    uint32_t max_age_s; /* 0: no such option (60 s applies); not sent with a code of class 4 */
};

struct iso_coap_server_config {
    const struct iso_alloc *alloc;             /* kept; NULL: iso_alloc_libc() */
    const struct iso_coap_listener *listeners; /* borrowed; at most ISO_COAP_LISTENERS_MAX */
    size_t listener_count;
    struct iso_coap_limits limits;
    void *ctx; /* kept: the first argument of the callbacks */
    /* Fills in the key of an identity, or returns false: unknown. Required with DTLS or TLS
     * listeners. Comes in the middle of a handshake, and once more after it (when the key is
     * another by then, the session is closed): it must not call anything of the server. */
    bool (*on_psk)(void *ctx, struct iso_str identity, struct iso_coap_psk *out);
    /* What GET /.well-known/core answers without DTLS or TLS (link format, kept); NULL: the same as
     * with it. */
    const char *plain_links;
    /* Each request but those to /.well-known/core. May answer at once or later with
     * iso_coap_respond. Whether a request without `secure` may have what it asks for is for the
     * callee to decide. */
    void (*on_request)(void *ctx, const struct iso_coap_request *request);
    /* Optional: the number of observers of a path has changed to `count`. Comes with on_request's
     * rules, after the change; after iso_coap_observers_end in any case, so that who observes the
     * path anew at once is told of as well. */
    void (*on_observers)(void *ctx, struct iso_str path_text, uint32_t count);
};

/* Opens the listeners and starts. `loop` is kept until iso_coap_server_destroy has run and the loop
 * has turned once more. ISO_E_IO when an address cannot be had (the report names it),
 * ISO_E_ARGUMENT, ISO_E_NOMEM. Does not block. */
ISO_MUST_CHECK enum iso_err iso_coap_server_create(uv_loop_t *loop,
                                                   const struct iso_coap_server_config *config,
                                                   struct iso_report *report,
                                                   struct iso_coap_server **out);

/* Closes all sessions at once (TLS sessions with an alert) and stops listening. Requests without
 * answer stay unanswered; no callback comes any more. The memory goes when the loop has closed the
 * handles: run the loop once more (UV_RUN_NOWAIT will do) before uv_loop_close. NULL is allowed. */
void iso_coap_server_destroy(struct iso_coap_server *server);

/* The address of listener `index` with the port that it has. */
void iso_coap_server_address(const struct iso_coap_server *server, size_t index,
                             struct sockaddr_storage *out);

/* Answers a request: at any time, on_request included; the first answer counts. `answer` is
 * borrowed. An id whose session has gone, that expired or was answered already is let pass without
 * effect; the return value says whether the id was still open. A payload that does not fit one
 * message goes block-wise (RFC 7959), or in chunks where the peer is a device of ours. */
bool iso_coap_respond(struct iso_coap_server *server, uint64_t request_id,
                      const struct iso_coap_answer *answer);

/* The same with a diagnostic text (RFC 7252, section 5.5.2), at most 512 bytes of it. */
bool iso_coap_respond_text(struct iso_coap_server *server, uint64_t request_id, uint8_t code,
                           const char *format, ...) ISO_PRINTF(4, 5);

/* Whether a request is still open: its session lives and it has no answer. */
bool iso_coap_request_open(const struct iso_coap_server *server, uint64_t request_id);

/* Sets what GET /.well-known/core answers: link format (RFC 6690), such as
 * `</d>;rt="isomer.device";ct="50 60",</c/app/comp/count>;obs`. Copied. Queries (rt=, if=, ct=,
 * sz=, title=, href=, obs, with * at the end) are applied when it is asked. ISO_E_MALFORMED when it
 * is not link format; ISO_E_LIMIT above 1 MiB; ISO_E_NOMEM. */
ISO_MUST_CHECK enum iso_err iso_coap_server_set_links(struct iso_coap_server *server,
                                                      struct iso_str links);

/* The representation at `path_text` has changed: on_request will come with ISO_COAP_OBSERVE_NOTIFY
 * for each observer, from the loop. Changes while an observer's answer is awaited, or while it
 * reads too slowly, are joined into one. Unknown paths are let pass. Returns the number of
 * observers. */
uint32_t iso_coap_notify(struct iso_coap_server *server, struct iso_str path_text);

/* Sends `answer` (borrowed; class 2) as a notification to each observer of the path that accepts
 * its content format: an event rather than a state. Observers that read too slowly miss it. Returns
 * to how many it was sent. */
uint32_t iso_coap_publish(struct iso_coap_server *server, struct iso_str path_text,
                          const struct iso_coap_answer *answer);

/* The number of observers of a path. */
uint32_t iso_coap_observer_count(const struct iso_coap_server *server, struct iso_str path_text);

/* The resource has gone: its observers get a last notification with `code` (4.04). */
void iso_coap_observers_end(struct iso_coap_server *server, struct iso_str path_text, uint8_t code);

/* Closes all sessions whose key was that of `principal`: after a key was withdrawn. Their open
 * requests stay unanswered. */
void iso_coap_server_drop(struct iso_coap_server *server, uint64_t principal);

/* Counters since creation, but for those that say "now". */
struct iso_coap_server_stats {
    uint32_t sessions_now;
    uint32_t requests_now;
    uint32_t observers_now;
    uint64_t partial_bytes_now; /* requests in reassembly and answers kept for fetching */
    uint64_t sessions;
    uint64_t requests;           /* handed to on_request, notifications not counted */
    uint64_t duplicates;         /* repeated datagrams, answered from memory */
    uint64_t refused_sessions;   /* over a limit */
    uint64_t refused_requests;   /* over a limit or malformed: answered 4.xx or 5.03 here */
    uint64_t refused_handshakes; /* unknown identity, or not finished in time */
    uint64_t expired_partials;
    uint64_t slow_sessions; /* closed since they did not read */
    uint64_t notifications;
    uint64_t bytes_in; /* payloads */
    uint64_t bytes_out;
};

void iso_coap_server_stats(const struct iso_coap_server *server, struct iso_coap_server_stats *out);

/* ---- Links to other devices ------------------------------------------------------------------ */

struct iso_coap_client; /* what all peers of a loop share */
struct iso_coap_peer;   /* one other device, under one identity */

/* `alloc` and `loop` are kept (alloc NULL: iso_alloc_libc()). ISO_E_NOMEM, ISO_E_IO. */
ISO_MUST_CHECK enum iso_err iso_coap_client_create(uv_loop_t *loop, const struct iso_alloc *alloc,
                                                   struct iso_report *report,
                                                   struct iso_coap_client **out);

/* Destroys its peers as iso_coap_peer_destroy does, then itself; the loop must turn once more, as
 * for the server. NULL is allowed. */
void iso_coap_client_destroy(struct iso_coap_client *client);

enum iso_coap_peer_state {
    ISO_COAP_PEER_IDLE,       /* not wanted yet: neither prepared nor called */
    ISO_COAP_PEER_CONNECTING, /* connecting or in the handshake */
    ISO_COAP_PEER_UP,
    ISO_COAP_PEER_DOWN, /* lost or not reached; the next attempt comes after the back-off */
};

#define ISO_COAP_ADDRESSES_MAX 8u

struct iso_coap_peer_config {
    enum iso_coap_transport transport;
    /* Tried one after the other, beginning with the one that worked last. Borrowed (copied);
     * 1..ISO_COAP_ADDRESSES_MAX. */
    const struct sockaddr_storage *addresses;
    size_t address_count;
    struct iso_str identity; /* copied; empty for UDP and TCP */
    struct iso_bytes key;    /* copied, and wiped when replaced */
    /* 0 in any of the following means the default. */
    uint32_t connect_ms;     /* 5,000: for connection and handshake, per address */
    uint32_t backoff_ms;     /* 100: after the first failure; doubles, with +-25 % at random */
    uint32_t backoff_max_ms; /* 5,000 */
    /* 1,000: after this long without a message from the peer a ping is sent; when twice that has
     * passed without a sign of life the link is taken for dead. */
    uint32_t keepalive_ms;
    uint32_t message_bytes; /* 64 MiB: of a payload or an answer */
    uint32_t calls;         /* 16,384: not done yet */
    uint32_t queued_bytes;  /* 128 MiB: payloads of calls that are not sent completely yet */
    void *ctx;              /* kept: the first argument of on_state */
    /* Optional: the state has changed; `reason` says why, for people (borrowed). */
    void (*on_state)(void *ctx, enum iso_coap_peer_state state, const char *reason);
};

/* Does not connect yet. ISO_E_ARGUMENT (the report says what), ISO_E_NOMEM. */
ISO_MUST_CHECK enum iso_err iso_coap_peer_create(struct iso_coap_client *client,
                                                 const struct iso_coap_peer_config *config,
                                                 struct iso_report *report,
                                                 struct iso_coap_peer **out);

/* Ends all its calls with ISO_COAP_CANCELLED (from within, see above), closes the session. NULL is
 * allowed. */
void iso_coap_peer_destroy(struct iso_coap_peer *peer);

/* Opens the link now and keeps it open. A call does the same. */
void iso_coap_peer_prepare(struct iso_coap_peer *peer);

/* Replaces addresses, identity and key (as in the configuration; nothing else is read). When
 * something differs, the present session is closed, calls under way end as after a loss, calls that
 * were not sent yet go over the new one. Errors as iso_coap_peer_create; then nothing changes. */
ISO_MUST_CHECK enum iso_err iso_coap_peer_update(struct iso_coap_peer *peer,
                                                 const struct iso_coap_peer_config *config,
                                                 struct iso_report *report);

enum iso_coap_peer_state iso_coap_peer_state(const struct iso_coap_peer *peer);

/* Why the peer is in its state: what on_state was told last. Borrowed until it changes. */
const char *iso_coap_peer_reason(const struct iso_coap_peer *peer);

enum iso_coap_outcome {
    ISO_COAP_ANSWERED, /* code, format and payload are the peer's answer, of any class */
    /* The peer has surely not executed the request: it was not sent, or not completely. */
    ISO_COAP_NOT_SENT,
    /* The link was lost, or the answer damaged, after the whole request was sent: the peer may have
     * executed it. Repeat with the same call id and the callee's memory of results decides. */
    ISO_COAP_UNKNOWN,
    ISO_COAP_TIMEOUT,      /* as ISO_COAP_UNKNOWN, after timeout_ms */
    ISO_COAP_TIMEOUT_IDLE, /* as ISO_COAP_NOT_SENT, after timeout_ms */
    ISO_COAP_CANCELLED,    /* by iso_coap_peer_cancel or the peer's destruction */
    ISO_COAP_TOO_LARGE,    /* the answer is above message_bytes; the request was executed */
};

/* A short text for people, "link lost, perhaps executed" and the like. Static. */
const char *iso_coap_outcome_text(enum iso_coap_outcome outcome);

struct iso_coap_result {
    enum iso_coap_outcome outcome;
    uint8_t code;             /* 0 unless answered */
    int32_t content_format;   /* or ISO_COAP_FORMAT_NONE */
    struct iso_bytes payload; /* borrowed until done returns */
};

/* Called exactly once for each call that was accepted. */
typedef void (*iso_coap_done)(void *ctx, const struct iso_coap_result *result);

struct iso_coap_call {
    uint8_t method;
    struct iso_str path;           /* "c/app/component/function", with or without a leading slash;
                                      percent-encoding is decoded. Borrowed. */
    const struct iso_str *queries; /* borrowed; at most 16, each at most 255 bytes */
    size_t query_count;
    int32_t content_format;   /* of the payload, or ISO_COAP_FORMAT_NONE */
    int32_t accept;           /* or ISO_COAP_FORMAT_NONE */
    struct iso_bytes payload; /* borrowed for the call (copied) */
    uint32_t timeout_ms;      /* from now to the answer; 0: 30,000 */
    bool only_when_up; /* while the link is not up: refuse the call instead of waiting for it */
};

/* Sends a request, of any size up to message_bytes, as soon as the link is up. `out_id` (may be
 * NULL) names the call for cancelling. ISO_E_ARGUMENT; ISO_E_LIMIT: payload, calls or queued_bytes;
 * ISO_E_REFUSED: only_when_up; ISO_E_NOMEM. With an error `done` is not called. */
ISO_MUST_CHECK enum iso_err iso_coap_peer_call(struct iso_coap_peer *peer,
                                               const struct iso_coap_call *call, iso_coap_done done,
                                               void *ctx, uint64_t *out_id);

/* Ends a call with ISO_COAP_CANCELLED from within this function; the peer may execute it all the
 * same. False when there is no such call any more. */
bool iso_coap_peer_cancel(struct iso_coap_peer *peer, uint64_t call_id);

struct iso_coap_peer_stats {
    uint32_t calls_now;    /* not done yet */
    uint64_t queued_bytes; /* now: payloads not sent completely */
    uint64_t calls;
    uint64_t answered;
    uint64_t failed;      /* all other outcomes */
    uint64_t connects;    /* sessions that came up */
    uint64_t losses;      /* sessions that were up and went */
    uint64_t bytes_out;   /* payloads sent */
    uint64_t bytes_in;    /* payloads received */
    uint32_t last_rtt_us; /* from sending to the answer, of the last call of one message */
};

void iso_coap_peer_stats(const struct iso_coap_peer *peer, struct iso_coap_peer_stats *out);

#endif
