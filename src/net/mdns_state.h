/* The insides of struct iso_mdns, shared by its files:
 *
 *     mdns_core.c       interfaces, what comes in and goes out, deadlines
 *     mdns_service.c    our services and the records made of them
 *     mdns_probe.c      claiming names: probing, announcing, conflicts (RFC 6762, sections 8 and 9)
 *     mdns_answer.c     questions of others, waiting answers (sections 6 and 7)
 *     mdns_emit.c       packets of announcements, answers and goodbyes
 *     mdns_browse.c     our own questions (section 5)
 *     mdns_cache.c      what peers said, and for how long (section 10)
 *     mdns_event.c      what is told to the user
 *
 * Names are owned by *entities*: entity 0 is the host, entity 1 + n service n. A record of ours is
 * an entity and a *slot*; sets of records are bit maps over these. Every interface has its own
 * state for each entity and record: what is claimed on one link says nothing about another. */
#ifndef ISO_NET_MDNS_STATE_H
#define ISO_NET_MDNS_STATE_H

#include "net/mdns_core.h"
#include "net/mdns_message.h"

#define NEVER UINT64_MAX

enum {
    HOST = 0,
    ENTITIES = 1 + ISO_MDNS_SERVICES_MAX,
    SLOTS = 16,
    /* Slots of the host: its addresses in the order of the interface, and: */
    SLOT_HOST_NSEC = 15,
    /* Slots of a service; its subtypes begin with SLOT_SUBTYPES. */
    SLOT_PTR = 0,
    SLOT_KIND = 1, /* the type among all types (RFC 6763, section 9) */
    SLOT_SRV = 2,
    SLOT_TXT = 3,
    SLOT_NSEC = 4,
    SLOT_SUBTYPES = 5,
};

enum {
    TTL_HOST_S = 120,   /* of records with or about the host's name */
    TTL_OTHER_S = 4500, /* RFC 6762, section 10 */
    TTL_LEGACY_S = 10,
    PROBES = 3,
    PROBE_INTERVAL_MS = 250,
    ANNOUNCEMENTS = 3, /* after 0, 1 and 3 seconds */
    RATE_LIMIT_MS = 1000,
    DEFENCE_LIMIT_MS = 250,
};

/* Records of ours. */
struct iso_mdns_set {
    uint16_t bits[ENTITIES];
};

enum iso_mdns_phase {
    ISO_MDNS_PHASE_NONE, /* nothing to claim */
    ISO_MDNS_PHASE_PROBE,
    ISO_MDNS_PHASE_ANNOUNCE, /* ours from here on */
    ISO_MDNS_PHASE_DONE,
};

/* An entity on an interface. */
struct iso_mdns_claim {
    enum iso_mdns_phase phase;
    uint8_t count;    /* probes or announcements sent */
    bool told;        /* others may have heard its records, also while it is probed for again */
    bool goodbye;     /* its records are to be withdrawn */
    uint64_t next_ms; /* NEVER when nothing is to be done */
};

/* An answer that waits for its time. */
struct iso_mdns_reply {
    bool used;
    bool multicast;
    bool legacy;   /* to a resolver that is no mDNS responder (RFC 6762, section 6.7) */
    bool defence;  /* of a name that somebody probes for */
    bool announce; /* not held back by the rate limit; replies[0] only */
    bool waits;    /* more known answers may come (section 7.2) */
    uint8_t extensions;
    uint16_t id;                    /* legacy */
    struct iso_mdns_address remote; /* who asked */
    uint16_t port;
    uint64_t since_ms; /* records that were multicast then or later need not be repeated */
    uint64_t due_ms;
    struct iso_mdns_set set;
    struct iso_mdns_question question; /* legacy */
};

/* At most so many things in any second. */
struct iso_mdns_budget {
    uint64_t since_ms;
    unsigned used;
};

/* When a browse asks on an interface. */
struct iso_mdns_schedule {
    uint64_t next_ms;
    uint64_t interval_ms;
    uint8_t suppressed; /* times in a row that others asked instead */
};

struct iso_mdns_iface {
    uint32_t id;
    struct iso_mdns_address addresses[ISO_MDNS_ADDRESSES_MAX];
    unsigned address_count;
    struct iso_mdns_address gone[ISO_MDNS_ADDRESSES_MAX]; /* owed a goodbye */
    unsigned gone_count;
    bool has[2];     /* families in use: IPv4, IPv6 */
    bool pending[2]; /* in which the packet in mdns->writer is still to be sent */
    struct iso_mdns_claim claims[ENTITIES];
    uint64_t sent_ms[ENTITIES][SLOTS]; /* 1 + time of the last multicast; 0: never */
    struct iso_mdns_reply replies[ISO_MDNS_REPLIES_MAX];
    struct iso_mdns_schedule schedules[ISO_MDNS_BROWSES_MAX];
    uint32_t known_browses; /* bit map: known answers of these are to follow */
    unsigned known_at;      /* the next service, then peer, to look at for them */
    struct iso_mdns_budget unicast;
    struct iso_mdns_budget queries;
};

struct iso_mdns_own {
    uint32_t id; /* 0: free */
    bool renamed;
    bool leaving; /* removed; free when the goodbyes are sent */
    uint16_t port;
    uint8_t subtype_count;
    struct iso_mdns_label label;
    struct iso_mdns_name type; /* "_wot._tcp.local" */
    struct iso_mdns_name name; /* the instance's */
    uint32_t name_hash;
    struct iso_mdns_name subtypes[ISO_MDNS_SUBTYPES_MAX]; /* "_printer._sub._wot._tcp.local" */
    uint16_t txt_len;
    uint8_t txt[ISO_MDNS_TXT_MAX];
};

struct iso_mdns_browse {
    uint32_t id; /* 0: free */
    struct iso_mdns_name type;
    struct iso_mdns_name question; /* the type, or its subtype */
    char text[80];                 /* the type for people: "_wot._tcp" */
};

/* How long something a peer said is true (RFC 6762, section 5.2). */
struct iso_mdns_life {
    uint64_t expires_ms; /* 0: not there */
    uint64_t refresh_ms; /* when to ask again; NEVER */
    uint64_t received_ms;
    uint32_t ttl_ms;
    uint8_t stage; /* refreshes so far: at 80, 85, 90 and 95 per cent */
};

struct iso_mdns_peer_address {
    struct iso_mdns_address address;
    struct iso_mdns_life life;
};

/* An instance on an interface. */
struct iso_mdns_entry {
    uint32_t interface;
    uint32_t name_hash;
    struct iso_mdns_name name;
    struct iso_mdns_address source; /* whose packet made us keep it */
    uint64_t created_ms;
    uint64_t complete_ms; /* since when everything is known; NEVER: it is not */
    uint64_t expire_ms;   /* when the next thing known of it ends */
    uint64_t ask_ms;      /* when the next question about it is due; NEVER */
    uint64_t resolve_ms;  /* when to ask for what is missing; NEVER */
    uint64_t resolve_interval_ms;
    uint32_t reported; /* bit map of browses that know it */
    uint32_t changed;  /* those of them that are to be told of a change */
    uint32_t digest;   /* of what they know */
    bool dirty;        /* they may have to be told something */
    struct iso_mdns_life ptr[ISO_MDNS_BROWSES_MAX];
    struct iso_mdns_life srv;
    struct iso_mdns_life txt;
    uint16_t port;
    uint16_t txt_len;
    uint8_t *txt_bytes;
    uint32_t target_hash;
    struct iso_mdns_name target;
    struct iso_mdns_peer_address addresses[ISO_MDNS_PEER_ADDRESSES_MAX];
};

/* A multicast packet of ours that the system will hand back to us. */
struct iso_mdns_echo {
    uint64_t hash;
    uint64_t until_ms; /* 0: free */
};

struct iso_mdns {
    const struct iso_alloc *alloc;
    uint32_t (*random)(void *ctx);
    void *ctx;
    uint32_t next_id;
    bool stopping;
    struct iso_mdns_label host_label;
    struct iso_mdns_name host;
    uint32_t host_hash;
    bool host_renamed;
    struct iso_mdns_own *services[ISO_MDNS_SERVICES_MAX]; /* NULL: free */
    struct iso_mdns_iface *ifaces[ISO_MDNS_INTERFACES_MAX];
    struct iso_mdns_browse browses[ISO_MDNS_BROWSES_MAX];
    struct iso_mdns_entry *peers[ISO_MDNS_PEERS_MAX];
    size_t peer_count;
    uint64_t conflicts_since_ms;
    unsigned conflicts; /* since then */
    struct iso_mdns_echo echoes[ISO_MDNS_ECHOES_MAX];
    unsigned next_echo;
    struct iso_mdns_writer writer;
    char text[ISO_MDNS_NAME_TEXT_MAX]; /* of the last event */
    char instance[ISO_MDNS_LABEL_MAX + 1];
    struct iso_mdns_address event_addresses[ISO_MDNS_PEER_ADDRESSES_MAX];
};

/* ---- Small things (mdns_core.c) ----------------------------------------------------------------
 */

/* from <= result < from + range */
uint64_t iso_mdns_random_ms(struct iso_mdns *mdns, uint64_t from, uint64_t range);
struct iso_mdns_iface *iso_mdns_iface_find(struct iso_mdns *mdns, uint32_t interface);
bool iso_mdns_address_equal(const struct iso_mdns_address *a, const struct iso_mdns_address *b);
/* Whether there is one left in this second; takes it. */
bool iso_mdns_budget_take(struct iso_mdns_budget *budget, unsigned per_second, uint64_t now_ms);
/* When there is one left; now_ms or later. */
uint64_t iso_mdns_budget_free_ms(const struct iso_mdns_budget *budget, unsigned per_second,
                                 uint64_t now_ms);

static inline uint64_t iso_mdns_min(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* ---- Our records (mdns_service.c)
 * ---------------------------------------------------------------- */

/* A set with nothing in it, and whether a set is one. */
static inline struct iso_mdns_set iso_mdns_set_none(void)
{
    return (struct iso_mdns_set){.bits = {0}};
}
bool iso_mdns_set_is_empty(const struct iso_mdns_set *set);
static inline bool iso_mdns_set_has(const struct iso_mdns_set *set, unsigned entity, unsigned slot)
{
    return (set->bits[entity] >> slot & 1u) != 0;
}
static inline void iso_mdns_set_add(struct iso_mdns_set *set, unsigned entity, unsigned slot)
{
    set->bits[entity] = (uint16_t)(set->bits[entity] | 1u << slot);
}
static inline void iso_mdns_set_drop(struct iso_mdns_set *set, unsigned entity, unsigned slot)
{
    set->bits[entity] = (uint16_t)(set->bits[entity] & ~(1u << slot));
}

/* The name under which types are listed. */
extern const struct iso_mdns_name iso_mdns_kinds;

/* The slots that an entity has on an interface, as a bit map. */
uint16_t iso_mdns_own_slots(const struct iso_mdns *mdns, const struct iso_mdns_iface *iface,
                            unsigned entity);
/* Whether only we may have this record, and whether it is one of several that may stand together.
 */
bool iso_mdns_own_is_unique(unsigned entity, unsigned slot);
/* The record; `out` must not move while it is used. */
void iso_mdns_own_record(const struct iso_mdns *mdns, const struct iso_mdns_iface *iface,
                         unsigned entity, unsigned slot, struct iso_mdns_record *out);
void iso_mdns_address_record(const struct iso_mdns *mdns, const struct iso_mdns_address *address,
                             struct iso_mdns_record *out);
/* The entity that owns a name alone: HOST or a service; ENTITIES when none does. */
unsigned iso_mdns_own_find(const struct iso_mdns *mdns, const struct iso_mdns_name *name,
                           uint32_t hash);
/* Recomputes names after their labels have changed. */
void iso_mdns_host_named(struct iso_mdns *mdns);
void iso_mdns_service_named(struct iso_mdns_own *own);
/* "_wot._tcp" and "_printer" as names; ARGUMENT. */
ISO_MUST_CHECK enum iso_err iso_mdns_type_parse(const char *text, struct iso_mdns_name *out,
                                                struct iso_report *report);
ISO_MUST_CHECK enum iso_err iso_mdns_subtype_parse(const char *text,
                                                   const struct iso_mdns_name *type,
                                                   struct iso_mdns_name *out,
                                                   struct iso_report *report);
/* Frees services whose goodbyes are sent. */
void iso_mdns_service_reap(struct iso_mdns *mdns);

/* ---- Claims (mdns_probe.c)
 * ----------------------------------------------------------------------- */

/* Begins to probe for an entity on an interface. */
void iso_mdns_claim_start(struct iso_mdns *mdns, struct iso_mdns_iface *iface, unsigned entity,
                          uint64_t now_ms);
void iso_mdns_claim_all(struct iso_mdns *mdns, struct iso_mdns_iface *iface, uint64_t now_ms);
/* Announces an entity again if it was; `entity` may be HOST. */
void iso_mdns_claim_announce(struct iso_mdns_iface *iface, unsigned entity, uint64_t now_ms);
static inline bool iso_mdns_claim_is_ours(const struct iso_mdns_iface *iface, unsigned entity)
{
    return iface->claims[entity].phase >= ISO_MDNS_PHASE_ANNOUNCE && !iface->claims[entity].goodbye;
}
/* Ends a claim: what others have heard is withdrawn at once. Again: changes nothing. */
void iso_mdns_claim_end(struct iso_mdns_claim *claim, uint64_t now_ms);
uint64_t iso_mdns_claim_deadline(const struct iso_mdns_iface *iface);
/* A response's record that has one of our names. */
void iso_mdns_claim_check(struct iso_mdns *mdns, struct iso_mdns_iface *iface,
                          const struct iso_mdns_record *record, uint64_t now_ms);
/* Somebody probes (a query with records in its authority section): perhaps for what we do. */
void iso_mdns_claim_tie_break(struct iso_mdns *mdns, struct iso_mdns_iface *iface,
                              struct iso_mdns_reader reader, uint64_t now_ms);
/* Write what is due into mdns->writer; true when something is to be sent. */
bool iso_mdns_probe_write(struct iso_mdns *mdns, struct iso_mdns_iface *iface, uint64_t now_ms);
void iso_mdns_announce_due(struct iso_mdns *mdns, struct iso_mdns_iface *iface, uint64_t now_ms);

/* ---- Answers (mdns_answer.c, mdns_emit.c)
 * ------------------------------------------------------------ */

void iso_mdns_answer_query(struct iso_mdns *mdns, struct iso_mdns_iface *iface,
                           const struct iso_mdns_packet *packet,
                           const struct iso_mdns_reader *reader, bool on_link, uint64_t now_ms);
/* Somebody else gave this answer: ours need not go out, or has to, when it was a goodbye. */
void iso_mdns_answer_heard(struct iso_mdns *mdns, struct iso_mdns_iface *iface,
                           const struct iso_mdns_record *record, uint64_t now_ms);
/* Announces these records as soon as possible. */
void iso_mdns_reply_announce(struct iso_mdns_iface *iface, const struct iso_mdns_set *set,
                             uint64_t now_ms);
/* These are no more, or are others now: takes them out of waiting answers. */
void iso_mdns_reply_forget(struct iso_mdns_iface *iface, unsigned entity);
uint64_t iso_mdns_reply_deadline(const struct iso_mdns_iface *iface);
/* Write the next packet; true when there is one; `to` gets its destination unless multicast. */
bool iso_mdns_reply_write(struct iso_mdns *mdns, struct iso_mdns_iface *iface, uint64_t now_ms,
                          struct iso_mdns_packet *to);
bool iso_mdns_goodbye_write(struct iso_mdns *mdns, struct iso_mdns_iface *iface);

/* ---- Browsing (mdns_browse.c, mdns_cache.c)
 * ------------------------------------------------------------ */

void iso_mdns_browse_iface(struct iso_mdns *mdns, struct iso_mdns_iface *iface, uint64_t now_ms);
/* Somebody else's query: what it asks we need not ask. */
void iso_mdns_browse_heard(struct iso_mdns *mdns, struct iso_mdns_iface *iface,
                           struct iso_mdns_reader reader, uint64_t now_ms);
uint64_t iso_mdns_browse_deadline(const struct iso_mdns *mdns, const struct iso_mdns_iface *iface,
                                  uint64_t now_ms);
bool iso_mdns_query_write(struct iso_mdns *mdns, struct iso_mdns_iface *iface, uint64_t now_ms);

void iso_mdns_cache_response(struct iso_mdns *mdns, struct iso_mdns_iface *iface,
                             const struct iso_mdns_address *source, struct iso_mdns_reader reader,
                             uint64_t now_ms);
/* Lets what is too old go. */
void iso_mdns_cache_expire(struct iso_mdns *mdns, uint64_t now_ms);
void iso_mdns_cache_forget(struct iso_mdns *mdns, uint32_t interface);
void iso_mdns_entry_free(struct iso_mdns *mdns, unsigned index);
/* Computes its times and what is missing, after anything has changed. */
void iso_mdns_entry_touch(struct iso_mdns *mdns, struct iso_mdns_entry *entry, uint64_t now_ms);
bool iso_mdns_entry_is_complete(const struct iso_mdns_entry *entry);
static inline bool iso_mdns_life_is_on(const struct iso_mdns_life *life)
{
    return life->expires_ms != 0;
}
/* The question was asked: when to ask again. */
void iso_mdns_life_asked(struct iso_mdns *mdns, struct iso_mdns_life *life);

#endif
