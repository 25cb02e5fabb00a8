/* peers_test_support.h - up to three devices in one process, each with a core, a CoAP server on the
 * loopback interface and its peers; deployments are made by calling the hooks as the manager does.
 */
#ifndef ISO_SUPERVISOR_PEERS_TEST_SUPPORT_H
#define ISO_SUPERVISOR_PEERS_TEST_SUPPORT_H

#include "base/test.h"
#include "supervisor/core_test_support.h"
#include "supervisor/peers.h"

enum { NET_NODES = 3, NET_GENERATIONS = 4, NET_COMPONENTS = 4 };

struct net;

struct net_generation {
    struct iso_sv_generation pub;
    struct iso_sv_document *document;
    struct iso_sv_component *components[NET_COMPONENTS];
    bool open, owned[NET_COMPONENTS];
    unsigned connected;
};

struct net_node {
    struct net *net;
    unsigned index;
    char id[16];
    struct iso_sv_core *core;
    struct iso_sv_peers *peers;
    struct iso_coap_server *server;
    struct sockaddr_storage address;
    uint16_t port;
    struct net_generation generations[NET_GENERATIONS];
    unsigned requests; /* of peers */
    /* Calls are not carried out: net_release answers them with 42. */
    bool hold;
    uint64_t *held;
    size_t held_count;
    struct iso_sv_program *programs[RIG_GUEST_COUNT];
};

struct net {
    uv_loop_t loop;
    struct net_node nodes[NET_NODES];
    const struct iso_alloc *alloc;
    unsigned ready, gone, relayed;
    struct iso_report report;
    char text[16384];
};

/* workers: of each core. */
struct net *net_start(uint32_t workers);
/* Closes what is open. */
void net_stop(struct net *net);

/* Turn the loop until a condition holds; fails after 60 s. */
#define NET_UNTIL(net, cond)                                                                       \
    for (uint64_t start_ = uv_hrtime(); !(cond);) {                                                \
        net_turn(net, start_, #cond);                                                              \
    }
void net_turn(struct net *net, uint64_t start_ns, const char *what);

/* The document of a node: its components and flows are given, peers "p0", "p1", "p2" are the other
 * nodes, which may call `calls` (a JSON array). */
const char *net_document(struct net *net, unsigned node, unsigned generation,
                         const char *components, const char *flows, const char *calls);
/* Prepare in a slot (0..NET_GENERATIONS - 1): components are made of the guest that their name
 * begins with: "unit...", "caller...", "waiter..."; or taken over from slot `keep` (if it is not
 * negative) when that has one of the name. */
enum iso_err net_prepare(struct net *net, unsigned node, unsigned slot, const char *text, int keep);
void net_connect(struct net *net, unsigned node, unsigned slot);
void net_commit(struct net *net, unsigned node, unsigned slot, int before);
/* Stop its components, and close it. */
void net_close(struct net *net, unsigned node, unsigned slot);
/* All three in one, for slot 0. */
void net_deploy(struct net *net, unsigned node, const char *components, const char *flows,
                const char *calls);
struct iso_sv_component *net_component(struct net *net, unsigned node, unsigned slot,
                                       const char *name);

/* The server goes, and comes back at the same address. */
void net_server_stop(struct net *net, unsigned node);
void net_server_start(struct net *net, unsigned node);
/* The principal under which node `from` comes to `node`. */
void net_drop(struct net *net, unsigned node, unsigned from);

/* Answer the calls that a node holds. */
void net_release(struct net *net, unsigned node);

/* A call in JSON; ended says when it has. */
struct net_call {
    struct iso_sv_call *call;
    bool ended;
};
void net_call(struct net *net, unsigned node, struct iso_sv_component *component,
              const char *function, const char *json, struct net_call *out);
void net_flow_call(struct net *net, unsigned node, const char *flow, const char *json,
                   struct net_call *out);
/* Check outcome and reply (JSON; NULL: any), and destroy it. */
void net_check(struct net_call *call, enum iso_sv_outcome outcome, const char *reply);

#endif
