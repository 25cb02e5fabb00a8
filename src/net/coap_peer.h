/* What the files of the links to other devices share.
 *
 *   client -> peers -> jobs (calls that are not done) -> exchanges (messages without answer)
 *
 * The caller's functions only change this; sending, connecting and calling back happen in the pump
 * and the tick, from the loop. libcoap's callbacks only note what came. */
#ifndef ISO_NET_COAP_PEER_H
#define ISO_NET_COAP_PEER_H

#include "net/coap_backoff.h"
#include "net/coap_flow.h"
#include "net/coap_message.h"
#include "net/coap_slots.h"

enum iso_coap_exchange_kind {
    ISO_COAP_EXCHANGE_WHOLE,
    ISO_COAP_EXCHANGE_CHUNK,
    ISO_COAP_EXCHANGE_FETCH,
};

/* A request message that waits for its response; its number is the token. */
struct iso_coap_exchange {
    struct iso_coap_exchange *next; /* of the job */
    struct iso_coap_exchange *prev;
    struct iso_coap_job *job;
    enum iso_coap_exchange_kind kind;
    uint64_t id;
    uint32_t offset;
    uint32_t size;
    uint64_t position; /* of the flow, when it was sent */
    uint64_t sent_ns;
};

enum iso_coap_job_list {
    ISO_COAP_JOB_SENDING,  /* something is to be sent: in the peer's queue */
    ISO_COAP_JOB_WAITING,  /* for the answer */
    ISO_COAP_JOB_FETCHING, /* parts of the answer are to be asked for */
    ISO_COAP_JOB_FINISHED, /* done() is due */
    ISO_COAP_JOB_LISTS
};

struct iso_coap_job {
    struct iso_coap_job *next; /* of its list */
    struct iso_coap_job *prev;
    struct iso_coap_peer *peer;
    enum iso_coap_job_list list;
    uint64_t id;
    iso_coap_done done;
    void *ctx;
    struct iso_coap_head *head;
    uint8_t *payload;
    size_t payload_len;
    uint64_t deadline_ms;
    uint32_t message; /* number of the message, when it goes in chunks */
    size_t sent;      /* bytes of the payload */
    bool all_sent;    /* the peer may execute it */
    bool begun;       /* the first chunk is confirmed */
    struct iso_coap_exchange *exchanges;
    /* The answer. */
    enum iso_coap_outcome outcome;
    uint8_t code;
    int32_t format;
    struct iso_buf body;             /* of one message, or in blocks */
    struct iso_coap_assembly answer; /* in parts */
    uint32_t answer_id;
    uint32_t fetched; /* asked for so far, in bytes */
    bool has_block2;  /* the next block is to be asked for */
    struct iso_coap_block block2;
};

struct iso_coap_jobs {
    struct iso_coap_job *first;
    struct iso_coap_job *last;
};

struct iso_coap_peer {
    struct iso_coap_peer *next; /* of the client */
    struct iso_coap_peer *prev;
    struct iso_coap_client *client;
    struct iso_coap_peer_config config; /* views point into what follows */
    struct sockaddr_storage addresses[ISO_COAP_ADDRESSES_MAX];
    size_t address_count;
    size_t address; /* the one in use, or to be tried next */
    size_t tried;   /* addresses tried in this round */
    char identity[ISO_COAP_IDENTITY_MAX + 1];
    uint8_t key[ISO_COAP_KEY_MAX];
    enum iso_coap_peer_state state;
    enum iso_coap_peer_state told;
    bool tell; /* on_state is due */
    char reason[160];
    bool wanted; /* to be kept connected */
    bool ending; /* being destroyed: no more calls */
    coap_session_t *cs;
    bool established; /* libcoap has said so */
    bool lost;        /* libcoap has said so */
    const char *lost_reason;
    struct iso_coap_backoff backoff;
    uint64_t retry_ms;
    uint64_t connect_ms; /* when the attempt ends */
    uint64_t heard_ms;
    uint64_t pinged_ms; /* when the ping under way went */
    struct iso_coap_flow flow;
    uint64_t window;
    uint64_t chunks_under_way; /* bytes, over datagrams */
    uint64_t fetches_under_way;
    uint32_t next_message;
    struct iso_coap_jobs jobs[ISO_COAP_JOB_LISTS];
    uint64_t next_deadline_ms; /* no job's is earlier; UINT64_MAX without jobs */
    struct iso_coap_peer_stats stats;
};

struct iso_coap_client {
    struct iso_coap_io io;
    const struct iso_alloc *alloc;
    struct iso_coap_peer *peers;
    struct iso_coap_slots jobs;
    struct iso_coap_slots exchanges;
    struct iso_coap_peer *next; /* the one that the pump comes to next */
};

static inline bool iso_coap_peer_streams(const struct iso_coap_peer *peer)
{
    return iso_coap_is_stream(peer->config.transport);
}

/* -- coap_peer.c -- */

/* Notes that the session is no good any more, for the pump. `reason` is static. */
void iso_coap_peer_lose(struct iso_coap_peer *peer, const char *reason);
/* Asks the peer for a sign of life, unless it was asked already. */
void iso_coap_peer_ping(struct iso_coap_peer *peer);

/* -- coap_call.c -- */

/* Sends what the window allows. */
void iso_coap_calls_send(struct iso_coap_peer *peer);
/* After the session went: ends what may have been executed, prepares the rest to be sent anew. */
void iso_coap_calls_lost(struct iso_coap_peer *peer);
/* Ends those whose time is over, and sets next_deadline_ms. */
void iso_coap_calls_expire(struct iso_coap_peer *peer);
/* Calls done() of those that are finished. */
void iso_coap_calls_deliver(struct iso_coap_peer *peer);
/* Ends all of them, from within. */
void iso_coap_calls_end(struct iso_coap_peer *peer);

/* -- coap_answer.c -- */

coap_response_t iso_coap_client_on_response(coap_session_t *cs, const coap_pdu_t *sent,
                                            const coap_pdu_t *received, const coap_mid_t mid);
void iso_coap_job_move(struct iso_coap_job *job, enum iso_coap_job_list list);
void iso_coap_job_finish(struct iso_coap_job *job, enum iso_coap_outcome outcome);
void iso_coap_exchange_remove(struct iso_coap_exchange *exchange);

#endif
