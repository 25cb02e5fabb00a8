/* What the files of the CoAP server share. Who owns what:
 *
 *   server -> sessions -> requests (not answered yet), partials (in reassembly, or kept for
 *   fetching), observers; server -> subjects (observed paths), which list the observers too.
 *
 * A session of ours is made when a stream connects, or with the first request of a datagram peer;
 * it holds a reference on libcoap's session, so that this one cannot go unnoticed, and is released
 * in the pump, never within libcoap's callbacks. */
#ifndef ISO_NET_COAP_SERVER_H
#define ISO_NET_COAP_SERVER_H

#include "net/coap_flow.h"
#include "net/coap_message.h"
#include "net/coap_slots.h"

/* A request without answer, or an observer's question for the present representation. */
struct iso_coap_pending {
    struct iso_coap_pending *next; /* of the session */
    struct iso_coap_pending *prev;
    struct iso_coap_session *session;
    uint64_t id;
    struct iso_coap_head *head;      /* own copy; NULL unless needed later */
    struct iso_coap_observer *asked; /* not NULL: the answer is a notification for it */
    uint8_t token[8];
    uint8_t token_len;
    bool confirmable;
    bool registers;   /* asks to observe */
    bool takes_large; /* understands answers in parts */
    bool has_block2;
    struct iso_coap_block block2;
    bool has_block1; /* the last block of a request, to be confirmed in the answer */
    struct iso_coap_block block1;
    uint32_t recent; /* entry + 1 among the session's recent datagrams; 0: none */
    uint32_t recent_number;
};

enum iso_coap_partial_kind {
    ISO_COAP_PARTIAL_CHUNKS, /* a request, from a device of ours */
    ISO_COAP_PARTIAL_BLOCK1, /* a request, block-wise */
    ISO_COAP_PARTIAL_ANSWER, /* an answer, for a device of ours */
    ISO_COAP_PARTIAL_BLOCK2, /* an answer, block-wise */
};

struct iso_coap_partial {
    struct iso_coap_partial *next;
    enum iso_coap_partial_kind kind;
    uint32_t id; /* of CHUNKS and ANSWER */
    struct iso_coap_head *head;
    struct iso_coap_assembly assembly; /* CHUNKS */
    struct iso_buf body;               /* the others */
    uint64_t used_ms;
    uint64_t charged; /* bytes counted against the limits */
    uint64_t given;   /* of an ANSWER: bytes handed out so far */
    uint8_t etag[8];
    struct iso_coap_reply reply; /* of an answer: code and format */
};

/* A datagram request that was seen (RFC 7252, section 4.5). */
struct iso_coap_recent {
    bool used;
    bool answered;
    uint16_t mid;
    uint8_t token_len;
    uint8_t token[8];
    uint32_t number; /* which use of the entry this is */
    struct iso_coap_reply reply;
    struct iso_buf payload;
};

struct iso_coap_session {
    struct iso_coap_session *next;
    struct iso_coap_session *prev;
    struct iso_coap_server *server;
    coap_session_t *cs; /* referenced */
    uint64_t number;
    enum iso_coap_transport transport;
    struct sockaddr_storage peer;
    bool ready;   /* a request may be handed on */
    bool closing; /* to be released by the pump */
    bool secure;
    uint64_t principal;
    char identity[ISO_COAP_IDENTITY_MAX + 1];
    uint64_t since_ms;
    uint64_t used_ms;
    struct iso_coap_flow flow;
    uint64_t pinged_ms; /* when the ping under way went */
    struct iso_coap_pending *pending;
    uint32_t pending_count;
    struct iso_coap_partial *partials; /* the one used last first */
    uint32_t partial_count;
    uint64_t partial_bytes;
    uint32_t next_answer_id;
    struct iso_coap_observer *observers;
    uint32_t observer_count;
    struct iso_coap_recent *recent; /* ISO_COAP_RECENT_MAX, datagrams only */
    uint32_t recent_next;
};

struct iso_coap_observer {
    struct iso_coap_observer *next; /* of the session */
    struct iso_coap_observer *prev;
    struct iso_coap_observer *subject_next;
    struct iso_coap_observer *subject_prev;
    struct iso_coap_session *session;
    struct iso_coap_subject *subject;
    struct iso_coap_head *head;
    uint8_t token[8];
    uint8_t token_len;
    bool takes_large;
    bool dirty;      /* a change is to be told */
    bool gone;       /* to be removed by the pump */
    uint64_t asking; /* the request that asks for it, or 0 */
    uint64_t con_ms; /* when the last confirmable notification went */
};

/* A path that is observed. */
struct iso_coap_subject {
    struct iso_coap_subject *next; /* of the bucket */
    struct iso_coap_observer *observers;
    uint32_t count;
    uint32_t told; /* the number that on_observers knows */
    size_t len;
    char path_text[];
};

enum { ISO_COAP_SUBJECT_BUCKETS = 256 };

struct iso_coap_server {
    struct iso_coap_io io;
    const struct iso_alloc *alloc;
    struct iso_coap_server_config config; /* without listeners */
    struct iso_coap_limits limits;
    struct sockaddr_storage listeners[ISO_COAP_LISTENERS_MAX];
    size_t listener_count;
    struct iso_coap_session *sessions;
    uint32_t session_count;
    uint64_t next_session;
    struct iso_coap_slots requests;
    struct iso_coap_subject *subjects[ISO_COAP_SUBJECT_BUCKETS];
    uint32_t observe_number;      /* of the last notification to anybody; 24 bits */
    uint64_t plain_partial_bytes; /* of sessions without DTLS or TLS */
    bool any_dirty;
    bool any_closing;
    bool any_new;
    bool destroyed;
    struct iso_buf links;
    coap_resource_t *links_resource;
    struct iso_coap_server_stats stats;
    /* While on_request runs: the request that it is for, and the message in which its answer goes
     * when it comes at once. */
    struct iso_coap_pending *current;
    coap_pdu_t *current_pdu;
    coap_bin_const_t psk; /* what the lookup hands to libcoap */
    struct iso_coap_psk psk_found;
};

static inline uint64_t iso_coap_server_now(const struct iso_coap_server *server)
{
    return iso_coap_io_now(&server->io);
}

/* -- coap_session.c -- */

/* The session of ours for one of libcoap's; made when there is none yet. NULL: over a limit, the
 * key is not known any more, or memory is short; then libcoap's session is closed by the pump. */
struct iso_coap_session *iso_coap_session_of(struct iso_coap_server *server, coap_session_t *cs);
/* Marks it for the pump. */
void iso_coap_session_close(struct iso_coap_session *session);
/* Ends what belongs to it and lets libcoap's session go. Not within libcoap's callbacks. */
void iso_coap_session_release(struct iso_coap_session *session);
/* After bytes were sent: asks for confirmation, closes a session that does not read. */
void iso_coap_session_sent(struct iso_coap_session *session, size_t bytes);
/* The payload that one message to the peer may carry. */
size_t iso_coap_session_room(const struct iso_coap_session *session);
/* Closes what is idle or did not finish its handshake. */
void iso_coap_sessions_expire(struct iso_coap_server *server);
int iso_coap_server_on_event(coap_session_t *cs, const coap_event_t event);
void iso_coap_server_on_pong(coap_session_t *cs, const coap_pdu_t *pdu, const coap_mid_t mid);
void iso_coap_server_on_nack(coap_session_t *cs, const coap_pdu_t *sent,
                             const coap_nack_reason_t reason, const coap_mid_t mid);
const coap_bin_const_t *iso_coap_server_on_psk(coap_bin_const_t *identity, coap_session_t *cs,
                                               void *arg);

/* -- coap_request.c -- */

void iso_coap_server_on_message(coap_resource_t *resource, coap_session_t *cs,
                                const coap_pdu_t *request, const coap_string_t *query,
                                coap_pdu_t *response);
/* A request slot of a session. ISO_E_LIMIT, ISO_E_NOMEM. */
ISO_MUST_CHECK enum iso_err iso_coap_pending_add(struct iso_coap_session *session,
                                                 struct iso_coap_pending **out);
void iso_coap_pending_remove(struct iso_coap_pending *pending);
/* Hands a request to on_request. */
void iso_coap_request_show(struct iso_coap_pending *pending, const struct iso_coap_head *head,
                           struct iso_bytes payload, enum iso_coap_observe observe);

/* -- coap_respond.c -- */

/* Sends a reply to a request, at once in the message that waits for it, or in one of its own. */
void iso_coap_reply_send(struct iso_coap_pending *pending, const struct iso_coap_reply *reply);
/* Sends a message with a token of the session; returns false when it could not be. */
bool iso_coap_session_send(struct iso_coap_session *session, bool confirmable, const uint8_t *token,
                           size_t token_len, const struct iso_coap_reply *reply);
/* Cuts a payload that does not fit, and keeps it for fetching; the reply is then ready to go. */
void iso_coap_reply_fit(struct iso_coap_session *session, const struct iso_coap_head *head,
                        bool takes_large, const struct iso_coap_block *block2,
                        struct iso_coap_reply *reply);
/* Fills in code and a text as payload; `text` must live as long as the reply. */
void iso_coap_reply_text(struct iso_coap_reply *reply, uint8_t code, const char *text);

/* -- coap_partial.c -- */

struct iso_coap_partial *iso_coap_partial_find(struct iso_coap_session *session,
                                               enum iso_coap_partial_kind kind, uint32_t id);
/* One of BLOCK1 or BLOCK2 whose request was the same. */
struct iso_coap_partial *iso_coap_partial_match(struct iso_coap_session *session,
                                                enum iso_coap_partial_kind kind,
                                                const struct iso_coap_head *head);
/* A new one; `bytes` are charged. ISO_E_LIMIT: the session or the server has too many; kept answers
 * make room for newer ones. ISO_E_NOMEM. */
ISO_MUST_CHECK enum iso_err iso_coap_partial_add(struct iso_coap_session *session,
                                                 enum iso_coap_partial_kind kind,
                                                 const struct iso_coap_head *head, uint64_t bytes,
                                                 struct iso_coap_partial **out);
/* Charges more bytes. ISO_E_LIMIT. */
ISO_MUST_CHECK enum iso_err iso_coap_partial_charge(struct iso_coap_session *session,
                                                    struct iso_coap_partial *partial,
                                                    uint64_t bytes);
void iso_coap_partial_remove(struct iso_coap_session *session, struct iso_coap_partial *partial);
/* Removes those without progress. */
void iso_coap_partials_expire(struct iso_coap_session *session);

/* -- coap_observe.c -- */

/* Adds or renews the observer of a request; false beyond a limit. *number is for the answer. */
bool iso_coap_observer_add(struct iso_coap_session *session, const struct iso_coap_head *head,
                           const uint8_t *token, size_t token_len, bool takes_large,
                           uint32_t *number);
struct iso_coap_observer *iso_coap_observer_find(struct iso_coap_session *session,
                                                 const uint8_t *token, size_t token_len);
void iso_coap_observer_remove(struct iso_coap_observer *observer);
/* The answer to a question for a notification. */
void iso_coap_observer_answer(struct iso_coap_pending *pending,
                              const struct iso_coap_answer *answer);
/* Asks for representations of what has changed. */
void iso_coap_observers_pump(struct iso_coap_server *server);

#endif
