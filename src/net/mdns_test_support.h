/* A network in memory for tests of the mDNS state machine: hosts on links, a clock that jumps from
 * one event to the next, packets that are lost, doubled and overtaken by others at random from a
 * seed. Every packet sent is kept as text, every event of a host as a line of its log.
 *
 * After everything due has been sent and told, a state machine must not want to be called at once
 * again: the simulation fails when one does. */
#ifndef ISO_NET_MDNS_TEST_SUPPORT_H
#define ISO_NET_MDNS_TEST_SUPPORT_H

#include "base/alloc_test_support.h"
#include "net/mdns_core.h"
#include "net/mdns_message.h"

enum {
    SIM_HOSTS_MAX = 8,
    SIM_PORTS_MAX = 4,
    SIM_FLIGHT_MAX = 4096, /* packets on their way */
    SIM_TRACE_MAX = 16384,
    SIM_SETTLED_MS = 6000, /* so long after an announcement nothing more is said of it */
};

#define SIM_TYPE "_wot._tcp.local"
#define SIM_LAMP "lamp._wot._tcp.local"
#define SIM_KINDS "_services._dns-sd._udp.local"

/* A host's interface on a link. */
struct sim_port {
    uint32_t interface;
    unsigned link;
    size_t address_count;
    struct iso_mdns_address addresses[4];
};

struct sim_host {
    struct iso_alloc_test memory;
    struct iso_mdns *mdns; /* NULL: switched off */
    struct sim_port ports[SIM_PORTS_MAX];
    unsigned port_count;
    struct iso_buf log; /* zero-terminated text: what happened, line by line */
};

struct sim_flight {
    bool used;
    uint64_t at_ms;
    unsigned link;
    unsigned only; /* the host it is for; SIM_HOSTS_MAX: all */
    struct iso_mdns_address source;
    uint16_t port;
    bool multicast;
    size_t len;
    uint8_t *bytes;
};

struct sim_sent {
    uint64_t at_ms;
    unsigned host;
    uint32_t interface;
    struct iso_mdns_address to;
    uint16_t port;
    bool multicast;
    size_t len;
    char *text;
};

struct sim {
    uint64_t now_ms;
    uint64_t random;
    unsigned loss_percent;
    unsigned double_percent;
    uint64_t jitter_ms; /* packets take 1 to 1 + jitter_ms */
    bool cut[4];        /* links that carry nothing */
    struct sim_host hosts[SIM_HOSTS_MAX];
    unsigned host_count;
    struct sim_flight flights[SIM_FLIGHT_MAX];
    struct sim_sent trace[SIM_TRACE_MAX];
    size_t trace_count;
};

/* An empty network at one hour past zero. Of the heap; sim_free checks that nothing leaked. */
struct sim *sim_new(uint64_t seed);
void sim_free(struct sim *sim);

struct iso_mdns_address sim_v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d);
/* fe80::tail */
struct iso_mdns_address sim_v6(uint8_t tail);

/* A host without interfaces; its index. */
unsigned sim_host(struct sim *sim, const char *name);
/* Destroys it without a goodbye. */
void sim_kill(struct sim *sim, unsigned host);
/* Interface number 1, 2, ... of a host on a link, or a change of its addresses. */
void sim_port(struct sim *sim, unsigned host, uint32_t interface, unsigned link,
              const struct iso_mdns_address *addresses, size_t count);
void sim_unplug(struct sim *sim, unsigned host, uint32_t interface);
/* A host with interface 1 on link 0 that has the address 10.0.0.`last`/24. */
unsigned sim_simple(struct sim *sim, const char *name, uint8_t last);

/* "Name" of type _wot._tcp on port 8080 with TXT "td=/"; its id. */
uint32_t sim_announce(struct sim *sim, unsigned host, const char *instance);
/* A network with the host 0, "pi", whose service "lamp" has been announced. */
struct sim *sim_lamp(void);
uint32_t sim_browse(struct sim *sim, unsigned host, const char *type, const char *subtype);

/* Lets time pass. */
void sim_run(struct sim *sim, uint64_t ms);

/* A packet from an address that is no host's, to the group or to one host; at once. The error of
 * the (last) receiver. */
enum iso_err sim_inject(struct sim *sim, unsigned link, struct iso_mdns_address source,
                        uint16_t port, bool multicast, const void *bytes, size_t len,
                        struct iso_report *report);
/* The same with what a writer has; by multicast from 10.0.0.200:5353 on link 0. */
void sim_say(struct sim *sim, struct iso_mdns_writer *writer, uint16_t flags);

/* What a host was told since the last sim_forget. */
const char *sim_log(struct sim *sim, unsigned host);
/* Empties logs and trace. */
void sim_forget(struct sim *sim);

/* How many packets in the trace contain the text. */
unsigned sim_count(const struct sim *sim, const char *part);
/* The first that does; fails the test when there is none. */
const struct sim_sent *sim_find(const struct sim *sim, const char *part);

/* A message as text: "response; A 1.local A 120 flush 10.0.0.1; ...": Q questions, A answers, N
 * authority, D additional records. To be freed with free(). */
char *sim_text(struct iso_bytes bytes);

/* Records for packets of one's own. `data` of PTR and SRV is text: a name, a port and a name. */
void sim_put(struct iso_mdns_writer *writer, enum iso_mdns_section section, const char *name,
             uint16_t type, uint32_t ttl_s, bool flush, const char *data);
void sim_ask(struct iso_mdns_writer *writer, const char *name, uint16_t type, bool unicast);
/* Asks one question by multicast and gives the answer 200 ms. */
void sim_ask_once(struct sim *sim, const char *name, uint16_t type, bool unicast);

#endif
