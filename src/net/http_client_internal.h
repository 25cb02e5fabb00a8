/* What the http_client*.c share. */
#ifndef ISO_NET_HTTP_CLIENT_INTERNAL_H
#define ISO_NET_HTTP_CLIENT_INTERNAL_H

#include "net/http_client.h"

#include <curl/curl.h>

enum {
    REQUESTS_DEFAULT = 4096,
    CONNECTIONS_DEFAULT = 2048,
    CONNECTIONS_HOST_DEFAULT = 16,
    CONNECT_MS_DEFAULT = 10000,
    TOTAL_MS_DEFAULT = 30000,
    BODY_BYTES_DEFAULT = 1 << 20,
    ERROR_BODY_BYTES = 1 << 16, /* kept of an answer that is no success, beside on_piece */
    SPARE_MAX = 64              /* easy handles that wait for their next request */
};

/* Where a request stands; each is in the list of the client that belongs to it, or in none. */
enum iso_http_client_stage {
    STAGE_STARTING, /* in client->starting */
    STAGE_RUNNING,  /* with libcurl */
    STAGE_ENDED     /* in client->ended: on_done is due */
};

struct iso_http_client_head {
    struct iso_buf text; /* lines as they came, without the first, each with its line end */
};

struct iso_http_transfer {
    struct iso_http_client *client;
    struct iso_http_transfer *next; /* in starting or ended */
    uint64_t id;
    enum iso_http_client_stage stage;
    bool stopping; /* to be ended with stop_outcome at the next turn */
    enum iso_http_client_outcome stop_outcome;

    CURL *easy;
    struct curl_slist *headers;
    char error[CURL_ERROR_SIZE];
    char message[CURL_ERROR_SIZE + 64];

    /* From the request; pointers are copies. */
    struct iso_http_client_request request;
    char *url; /* present one */
    char *method;
    char *ca_file;
    uint8_t *body_copy;
    int file; /* -1: none */
    uint64_t file_bytes;

    uv_timer_t deadline;
    uint64_t started_ns;

    /* Of the answer. */
    unsigned status;
    unsigned redirects;
    bool has_head;    /* whole */
    bool is_redirect; /* this answer leads elsewhere, and is followed */
    struct iso_http_client_head head;
    struct iso_buf body;
    uint64_t piece_bytes;
    bool has_pin;
    uint8_t pin[ISO_HTTP_CLIENT_PIN_SIZE];
    bool too_large;
    bool address_refused;
    bool enough; /* said on_piece */
    bool no_memory;
    bool file_failed;
    bool sent;
    bool reused;
    enum iso_http_client_outcome outcome;
};

struct iso_http_slot {
    uint32_t generation;
    struct iso_http_transfer *transfer; /* NULL: free */
    uint32_t next_free;
};

struct iso_http_client {
    uv_loop_t *loop;
    CURLM *multi;
    uv_timer_t timer; /* libcurl's */
    uv_timer_t soon;  /* the next turn */
    unsigned open_handles;
    char user_agent[64];
    uint32_t requests_max;
    struct curl_slist *resolve;
    struct sockaddr_storage also_public[ISO_HTTP_CLIENT_MAX_ALSO];
    size_t also_public_count;
    struct iso_http_slot *slots;
    uint32_t slot_count, free_slot; /* free_slot: UINT32_MAX is none */
    struct iso_http_transfer *starting, **starting_end;
    struct iso_http_transfer *ended, **ended_end;
    bool any_stopping;
    CURL *spare[SPARE_MAX];
    uint32_t spare_count;
    struct iso_http_client_stats stats;
    bool closing, torn_down;
    void (*on_closed)(void *ctx);
    void *on_closed_ctx;
};

/* ---- http_client_address.c ---- */

/* An address in digits, IPv4 or IPv6. */
bool iso_http_address_read(const char *text, struct sockaddr_storage *out);
/* Whether both are the same address, whatever their ports. */
bool iso_http_address_equal(const struct sockaddr *a, const struct sockaddr *b);

/* ---- http_client_request.c: a request as it was given ---- */

/* Copies and checks; opens the file. Errors as those of iso_http_client_start; the transfer is to
 * be given to iso_http_transfer_release then too. */
ISO_MUST_CHECK enum iso_err iso_http_transfer_init(struct iso_http_transfer *transfer,
                                                   const struct iso_http_client_request *request,
                                                   struct iso_report *report);
/* Releases what init took, the body included. */
void iso_http_transfer_release(struct iso_http_transfer *transfer);
/* Whether a request may be sent twice. */
bool iso_http_transfer_is_repeatable(const struct iso_http_transfer *transfer);

/* ---- http_client_transfer.c: one exchange with libcurl ---- */

/* Sets the easy handle up for the present URL. Errors: NOMEM. */
ISO_MUST_CHECK enum iso_err iso_http_transfer_set_up(struct iso_http_transfer *transfer);
/* What came of it: fills outcome, message, sent, reused. */
void iso_http_transfer_judge(struct iso_http_transfer *transfer, CURLcode code);
void iso_http_transfer_answer(struct iso_http_transfer *transfer,
                              struct iso_http_client_answer *out);

/* ---- http_client_follow.c: redirects ---- */

/* Whether an answer with this status leads elsewhere and is to be followed. */
bool iso_http_transfer_follows(const struct iso_http_transfer *transfer);
/* Makes the transfer one to where its answer leads. False: it cannot be; outcome and message say
 * why. */
bool iso_http_transfer_redirect(struct iso_http_transfer *transfer);

#endif
