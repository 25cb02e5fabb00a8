/* peers_state.h - the structures behind peers.h. Internal to peers*.c and flow_run*.c. */
#ifndef ISO_SUPERVISOR_PEERS_STATE_H
#define ISO_SUPERVISOR_PEERS_STATE_H

#include "supervisor/flow.h"
#include "supervisor/flow_args.h"
#include "supervisor/peers.h"
#include "supervisor/remember.h"

/* ---- Connections -------------------------------------------------------------------------------
 */

/* A link to another device, as one application uses it; shared by generations that reach the peer
 * in the same way with the same key. */
struct iso_sv_conn {
    struct iso_sv_conn *next; /* of all; in the garbage when refs is 0 */
    struct iso_sv_peers *peers;
    uint32_t refs;
    char app[ISO_NAME_MAX + 1];
    char device[ISO_SV_DOC_DEVICE_MAX + 1];
    uint8_t digest[ISO_SHA256_SIZE]; /* of all that makes it what it is */
    struct iso_coap_peer *peer;
};

/* A key under which a peer comes here. */
struct iso_sv_accept {
    struct iso_sv_accept *next;
    uint32_t refs;
    char app[ISO_NAME_MAX + 1];
    char identity[ISO_SV_DOC_IDENTITY_MAX + 1];
    uint8_t key[ISO_SV_DOC_KEY_BYTES];
    uint64_t principal;
};

/* ---- Generations -------------------------------------------------------------------------------
 */

/* A component's link to one on another device, whichever generation says where that is. Calls may
 * hold one longer than generations live, so they stay as long as the peers do. */
struct iso_sv_link_handle {
    struct iso_sv_link_handle *next;
    struct iso_sv_peers *peers;
    char app[ISO_NAME_MAX + 1];
    char component[ISO_NAME_MAX + 1];
    char *interface;
};

/* What one generation says of it. */
struct iso_sv_remote {
    struct iso_sv_remote *next;
    struct iso_sv_gen *gen;
    struct iso_sv_link_handle *handle;
    uint32_t component, link; /* in the document */
    struct iso_sv_meter meter;
    uint64_t failed, repeated;
};

/* Outlives its flow: what is under way for it holds a reference. */
struct iso_sv_flow_ref {
    uint32_t refs;
    struct iso_sv_flow_state *flow; /* NULL: gone */
};

struct iso_sv_flow_place {
    struct iso_sv_flow_args *args; /* NULL: the step is elsewhere */
    uint64_t component;            /* id */
    uint32_t function;
    struct iso_sv_call *call; /* under way */
};

/* Somebody who called a flow. */
struct iso_sv_flow_caller {
    struct iso_sv_flow_caller *next;
    uint64_t id;
    struct iso_sv_call *call;
    bool starting; /* within iso_sv_flow_call */
    bool ended;
};

struct iso_sv_flow_state {
    struct iso_sv_gen *gen;
    uint32_t index;
    const struct iso_sv_doc_flow *doc;
    struct iso_sv_flow *engine; /* NULL: it has not been compiled, or does not fit */
    struct iso_sv_flow_ref *ref;
    struct iso_sv_flow_caller *callers;
    struct iso_sv_flow_stats drained; /* what it had counted when the next generation took over */
    char trouble[256];
    struct iso_sv_flow_place places[ISO_SV_FLOW_STEPS];
};

struct iso_sv_gen {
    struct iso_sv_gen *next; /* of all; the newest first */
    struct iso_sv_peers *peers;
    struct iso_sv_generation *pub;
    const struct iso_sv_document *document;
    struct iso_sv_conn *conns[ISO_SV_DOC_PEERS_MAX];
    struct iso_sv_accept *accepts[ISO_SV_DOC_PEERS_MAX];
    struct iso_sv_remote *remotes;
    struct iso_sv_flow_state *flows; /* flow_count, when compiled */
    bool started, stopped;
    uint64_t drain_until_ns;
    void (*connected)(void *ctx);
    void *connected_ctx;
    uint64_t connect_until_ns;
};

/* What a component remembers, whichever generation it belongs to. */
struct iso_sv_memory_of {
    struct iso_sv_memory_of *next;
    char app[ISO_NAME_MAX + 1];
    char component[ISO_NAME_MAX + 1];
    struct iso_sv_memory *memory;
};

/* ---- Calls through links -----------------------------------------------------------------------
 */

struct iso_sv_link_call {
    struct iso_sv_link_call *prev, *next; /* of all, or of those that wait for being sent again */
    struct iso_sv_peers *peers;
    struct iso_sv_remote *remote; /* of the latest attempt; NULL: gone */
    struct iso_sv_call *call;
    struct iso_sv_link_handle *handle;
    enum iso_sv_outcome last; /* of the attempt before */
    bool beginning;           /* within the function that begins it, which must not end it */
    uint64_t started_ns, deadline_ns, retry_ns;
    uint64_t moved_ns; /* since when it is told that the callee is elsewhere; 0: not */
    uint32_t attempt;
    bool waiting;        /* for retry_ns */
    bool maybe_executed; /* some attempt may have been */
    bool cancelled;      /* nobody waits */
};

struct iso_sv_relay {
    struct iso_sv_relay *next;
    uint32_t open;
    void (*done)(void *ctx);
    void *ctx;
};

struct iso_sv_peers {
    uv_loop_t *loop;
    const struct iso_alloc *alloc;
    struct iso_sv_core *core;
    char device_id[ISO_SV_DOC_DEVICE_MAX + 1];
    void (*changed)(void *ctx, struct iso_str app, struct iso_str component, const char *what,
                    const char *detail);
    void *ctx;
    struct iso_sv_deploy_hooks hooks;
    struct iso_coap_client *client;
    struct iso_coap_server *server;
    uv_timer_t *timer; /* on its own: it closes after the peers have gone */
    uint64_t timer_ns; /* for when it is set; UINT64_MAX: it is not */
    bool closing;
    struct iso_sv_conn *conns, *garbage;
    struct iso_sv_accept *accepts;
    uint64_t next_principal;
    struct iso_sv_gen *gens;
    struct iso_sv_memory_of *memories;
    struct iso_sv_link_handle *handles;
    struct iso_sv_link_call *calls, *waiting;
    struct iso_sv_call *failed; /* that there was no memory for; by ctx */
    uint32_t call_count;
    struct iso_sv_relay *relays; /* with nothing open */
    uint64_t next_sequence;      /* of calls from outside without an identity */
    uint64_t next_waiter;
    uint64_t random;
};

/* peers.c */
/* The timer is wanted at `at_ns`. */
void iso_sv_peers_wake(struct iso_sv_peers *peers, uint64_t at_ns);
uint64_t iso_sv_peers_random(struct iso_sv_peers *peers);
struct iso_sv_memory *iso_sv_peers_memory(struct iso_sv_peers *peers, struct iso_str app,
                                          struct iso_str component);
/* peers_status.c: "failing", the flows of a generation that fail. */
void iso_sv_peers_describe(void *ctx, const struct iso_sv_generation *generation,
                           struct iso_json *json);
/* The generation of an application in which its links are now: the committed one; else NULL. */
struct iso_sv_gen *iso_sv_peers_committed(struct iso_sv_peers *peers, struct iso_str app);
struct iso_sv_accept *iso_sv_peers_accept(struct iso_sv_peers *peers, uint64_t principal);
/* The peer of a generation that comes with this key; ISO_SV_HERE: none. */
uint32_t iso_sv_gen_peer(const struct iso_sv_gen *gen, const struct iso_sv_accept *accept);
const char *iso_sv_peer_device(const struct iso_sv_gen *gen, uint32_t peer, const char *here);

/* peers_conn.c */
ISO_MUST_CHECK enum iso_err iso_sv_conn_get(struct iso_sv_peers *peers,
                                            const struct iso_sv_document *document,
                                            const struct iso_sv_doc_peer *peer,
                                            struct iso_sv_conn **out, struct iso_report *report);
void iso_sv_conn_unref(struct iso_sv_conn *conn); /* NULL is fine */
void iso_sv_conn_collect(struct iso_sv_peers *peers);
ISO_MUST_CHECK enum iso_err iso_sv_accept_get(struct iso_sv_peers *peers,
                                              const struct iso_sv_document *document,
                                              const struct iso_sv_doc_peer *peer,
                                              struct iso_sv_accept **out,
                                              struct iso_report *report);
void iso_sv_accept_unref(struct iso_sv_peers *peers, struct iso_sv_accept *accept);
/* POST of CBOR. Errors: those of iso_coap_peer_call. */
ISO_MUST_CHECK enum iso_err iso_sv_conn_post(struct iso_sv_conn *conn, const char *path,
                                             const struct iso_str *queries, size_t query_count,
                                             struct iso_bytes payload, uint64_t timeout_ns,
                                             iso_coap_done done, void *ctx);

/* peers_link.c */
void iso_sv_link_remote(void *ctx, struct iso_sv_call *call);
void iso_sv_link_cancel(void *ctx, struct iso_sv_call *call);
void iso_sv_links_forget(struct iso_sv_peers *peers, struct iso_sv_remote *remote);
/* Send what is due; when the next is. */
uint64_t iso_sv_links_tick(struct iso_sv_peers *peers, uint64_t now_ns);
void iso_sv_links_end(struct iso_sv_peers *peers);
/* Found or made; NULL when memory is short. */
struct iso_sv_link_handle *iso_sv_link_handle_get(struct iso_sv_peers *peers, struct iso_str app,
                                                  struct iso_str component,
                                                  struct iso_str interface);
/* Append "/text" with what may not stand in a path percent-encoded; returns the new length. */
size_t iso_sv_put_segment(char *out, size_t cap, size_t at, struct iso_str text);
enum { ISO_SV_QUERIES = 14, ISO_SV_QUERY_TEXT = 256 };
/* peers_relay.c */
void iso_sv_peers_relay(void *ctx, struct iso_sv_generation *generation, uint32_t component,
                        struct iso_sv_generation *at, uint32_t peer, uint64_t epoch,
                        void (*done)(void *done_ctx), void *done_ctx);

/* peers_serve.c */
void iso_sv_serve_call(struct iso_sv_peers *peers, const struct iso_sv_accept *accept,
                       const struct iso_coap_request *request);

/* flow_run.c */
ISO_MUST_CHECK enum iso_err iso_sv_flows_create(struct iso_sv_gen *gen, struct iso_report *report);
void iso_sv_flows_begin(struct iso_sv_gen *gen, struct iso_sv_gen *before);
void iso_sv_flows_drain(struct iso_sv_gen *gen);
void iso_sv_flows_destroy(struct iso_sv_gen *gen);
uint64_t iso_sv_flows_tick(struct iso_sv_gen *gen, uint64_t now_ns);
void iso_sv_flow_wake(struct iso_sv_flow_state *flow);
/* flow_serve.c */
void iso_sv_serve_flow(struct iso_sv_peers *peers, const struct iso_sv_accept *accept,
                       const struct iso_coap_request *request);
void iso_sv_serve_outcomes(struct iso_sv_peers *peers, const struct iso_sv_accept *accept,
                           const struct iso_coap_request *request);
void iso_sv_flow_ended(void *ctx, uint64_t waiter, const struct iso_sv_flow_outcome *outcome);

#endif
