/* Calls that wait for a component which has moved: they are answered with what the component's new
 * device says, which has the calls under way, and their identities, in its snapshot. */
#include "supervisor/peers_state.h"

#define RELAY_NS (UINT64_C(30) * 1000000000)

struct relaying {
    struct iso_sv_peers *peers;
    struct iso_sv_relay *relay;
    struct iso_sv_conn *conn;
    struct iso_str app, component;
    uint64_t epoch;
};

struct asked {
    struct iso_sv_peers *peers;
    struct iso_sv_relay *relay;
    struct iso_sv_call_id id;
    char app[ISO_NAME_MAX + 1];
    char component[ISO_NAME_MAX + 1];
};

/* One less to wait for; told with the next turn of the timer. */
static void close_one(struct iso_sv_peers *peers, struct iso_sv_relay *relay)
{
    if (--relay->open == 0) {
        relay->next = peers->relays;
        peers->relays = relay;
        iso_sv_peers_wake(peers, 0);
    }
}

static void on_answer(void *ctx, const struct iso_coap_result *result)
{
    struct asked *asked = ctx;
    struct iso_sv_memory *memory = iso_sv_peers_memory(asked->peers, iso_str_from_z(asked->app),
                                                       iso_str_from_z(asked->component));
    struct iso_str text = iso_str_from_z("");
    struct iso_bytes reply = iso_bytes_from(NULL, 0);
    /* Without an answer: the call and its identity are with the component, wherever that is now. */
    enum iso_sv_outcome outcome = ISO_SV_MOVED;
    if (result->outcome == ISO_COAP_ANSWERED) {
        bool again = false;
        struct iso_str payload =
            iso_str_from((const char *)result->payload.ptr, result->payload.len);
        outcome = iso_sv_outcome_from_code(result->code, payload, &again);
        if (outcome == ISO_SV_DONE || outcome == ISO_SV_ERROR) {
            reply = result->payload;
        } else {
            text = payload;
        }
        outcome = outcome == ISO_SV_NOT_FOUND ? ISO_SV_UNKNOWN : outcome;
    }
    if (memory != NULL) {
        iso_sv_remember_relayed(memory, &asked->id, outcome,
                                result->content_format == ISO_COAP_FORMAT_JSON ? ISO_SV_JSON
                                                                               : ISO_SV_CBOR,
                                reply, text);
    }
    close_one(asked->peers, asked->relay);
    iso_alloc_free(asked->peers->alloc, asked, sizeof *asked);
}

static void ask(void *ctx, const struct iso_sv_call_id *id)
{
    struct relaying *relaying = ctx;
    struct iso_sv_peers *peers = relaying->peers;
    struct asked *asked = iso_alloc_new(peers->alloc, sizeof *asked);
    char path[256], texts[4][ISO_SV_QUERY_TEXT];
    if (asked == NULL) {
        return;
    }
    asked->peers = peers;
    asked->relay = relaying->relay;
    asked->id = *id;
    (void)iso_format(asked->app, sizeof asked->app, "%.*s", (int)relaying->app.len,
                     relaying->app.ptr);
    (void)iso_format(asked->component, sizeof asked->component, "%.*s",
                     (int)relaying->component.len, relaying->component.ptr);
    (void)iso_format(path, sizeof path, "/c/%s/%s/-", asked->app, asked->component);
    const struct iso_str queries[] = {
        iso_str_from(texts[0], iso_format(texts[0], sizeof texts[0], "from=%s", id->caller)),
        iso_str_from(texts[1], iso_format(texts[1], sizeof texts[1], "seq=%llu",
                                          (unsigned long long)id->sequence)),
        iso_str_from(texts[2], iso_format(texts[2], sizeof texts[2], "epoch=%llu",
                                          (unsigned long long)relaying->epoch)),
        iso_str_from(texts[3], iso_format(texts[3], sizeof texts[3], "relay=1")),
    };
    relaying->relay->open++;
    if (iso_sv_conn_post(relaying->conn, path, queries, ISO_COUNT_OF(queries),
                         iso_bytes_from(NULL, 0), RELAY_NS, on_answer, asked) != ISO_OK) {
        relaying->relay->open--;
        iso_alloc_free(peers->alloc, asked, sizeof *asked);
    }
}

void iso_sv_peers_relay(void *ctx, struct iso_sv_generation *generation, uint32_t component,
                        struct iso_sv_generation *at, uint32_t peer, uint64_t epoch,
                        void (*done)(void *done_ctx), void *done_ctx)
{
    struct iso_sv_peers *peers = ctx;
    const struct iso_sv_gen *gen = generation->user;
    struct relaying relaying = {.peers = peers,
                                .relay = iso_alloc_new(peers->alloc, sizeof *relaying.relay),
                                .conn = ((struct iso_sv_gen *)at->user)->conns[peer],
                                .app = gen->document->app,
                                .component = gen->document->components[component].name,
                                .epoch = epoch};
    if (relaying.relay == NULL) {
        done(done_ctx); /* without memory, not later */
        return;
    }
    relaying.relay->open = 1; /* for this function */
    relaying.relay->done = done;
    relaying.relay->ctx = done_ctx;
    struct iso_sv_memory *memory = iso_sv_peers_memory(peers, relaying.app, relaying.component);
    if (memory != NULL && relaying.conn != NULL) {
        iso_sv_remember_each(memory, ask, &relaying);
    }
    close_one(peers, relaying.relay);
}
