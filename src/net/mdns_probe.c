/* Claiming names (RFC 6762, sections 8 and 9): probing, tie-breaks between simultaneous probes,
 * announcing, and other names after conflicts.
 *
 * An entity goes PROBE -> ANNOUNCE -> DONE on each interface by itself; its name is the same on
 * all, so that a conflict on one interface renames it and probes again on all of them. */
#include "net/mdns_state.h"

enum {
    CONFLICTS_MAX = 15, /* within CONFLICTS_MS: then every further one costs CONFLICT_PAUSE_MS */
    CONFLICTS_MS = 10000,
    CONFLICT_PAUSE_MS = 5000,
    TIE_BREAK_PAUSE_MS = 1000,
    NUMBER_MAX = 99999,
};

static bool exists(const struct iso_mdns *mdns, const struct iso_mdns_iface *iface, unsigned entity)
{
    if (!iface->has[0] && !iface->has[1]) {
        return false;
    }
    return entity == HOST ||
           (mdns->services[entity - 1] != NULL && !mdns->services[entity - 1]->leaving);
}

static void start_at(struct iso_mdns *mdns, struct iso_mdns_iface *iface, unsigned entity,
                     uint64_t at_ms)
{
    struct iso_mdns_claim *claim = &iface->claims[entity];

    if (claim->goodbye) {
        return; /* it is leaving */
    }
    *claim = (struct iso_mdns_claim){.phase = ISO_MDNS_PHASE_NONE, .next_ms = NEVER};
    if (exists(mdns, iface, entity)) {
        claim->phase = ISO_MDNS_PHASE_PROBE;
        claim->next_ms = at_ms;
    }
    iso_mdns_reply_forget(iface, entity);
}

void iso_mdns_claim_start(struct iso_mdns *mdns, struct iso_mdns_iface *iface, unsigned entity,
                          uint64_t now_ms)
{
    start_at(mdns, iface, entity, now_ms + iso_mdns_random_ms(mdns, 0, PROBE_INTERVAL_MS));
}

void iso_mdns_claim_all(struct iso_mdns *mdns, struct iso_mdns_iface *iface, uint64_t now_ms)
{
    /* At one time, so that one packet carries all. */
    uint64_t at_ms = now_ms + iso_mdns_random_ms(mdns, 0, PROBE_INTERVAL_MS);

    for (unsigned entity = 0; entity < ENTITIES; entity++) {
        bool told = iface->claims[entity].told;
        start_at(mdns, iface, entity, at_ms);
        iface->claims[entity].told = told && exists(mdns, iface, entity);
    }
}

void iso_mdns_claim_announce(struct iso_mdns_iface *iface, unsigned entity, uint64_t now_ms)
{
    struct iso_mdns_claim *claim = &iface->claims[entity];

    if (iso_mdns_claim_is_ours(iface, entity)) {
        claim->phase = ISO_MDNS_PHASE_ANNOUNCE;
        claim->count = 0;
        claim->next_ms = now_ms;
    }
}

void iso_mdns_claim_end(struct iso_mdns_claim *claim, uint64_t now_ms)
{
    if (claim->goodbye) {
        return;
    }
    *claim = (struct iso_mdns_claim){
        .phase = claim->told ? claim->phase : ISO_MDNS_PHASE_NONE,
        .goodbye = claim->told,
        .next_ms = claim->told ? now_ms : NEVER,
    };
}

uint64_t iso_mdns_claim_deadline(const struct iso_mdns_iface *iface)
{
    uint64_t deadline = NEVER;

    for (unsigned entity = 0; entity < ENTITIES; entity++) {
        const struct iso_mdns_claim *claim = &iface->claims[entity];
        deadline = iso_mdns_min(deadline, claim->goodbye ? 0 : claim->next_ms);
    }
    return deadline;
}

/* ---- Conflicts ------------------------------------------------------------------------------- */

/* When to probe again: at once, or after a pause if conflicts come in quick succession. */
static uint64_t conflict_time(struct iso_mdns *mdns, uint64_t now_ms)
{
    if (now_ms - mdns->conflicts_since_ms > CONFLICTS_MS) {
        mdns->conflicts_since_ms = now_ms;
        mdns->conflicts = 0;
    }
    mdns->conflicts++;
    if (mdns->conflicts >= CONFLICTS_MAX) {
        mdns->conflicts_since_ms = now_ms; /* it goes on */
        return now_ms + CONFLICT_PAUSE_MS;
    }
    return now_ms + iso_mdns_random_ms(mdns, 0, PROBE_INTERVAL_MS);
}

static bool name_is_used(const struct iso_mdns *mdns, const struct iso_mdns_own *own)
{
    for (unsigned i = 0; i < ISO_MDNS_SERVICES_MAX; i++) {
        const struct iso_mdns_own *other = mdns->services[i];
        if (other != NULL && other != own && iso_mdns_name_equal(&other->name, &own->name)) {
            return true;
        }
    }
    return false;
}

static void next_number(struct iso_mdns_label *label)
{
    label->number = label->number >= NUMBER_MAX ? 2 : label->number + 1;
}

static void rename_entity(struct iso_mdns *mdns, unsigned entity, uint64_t now_ms)
{
    if (entity == HOST) {
        next_number(&mdns->host_label);
        iso_mdns_host_named(mdns);
        mdns->host_renamed = true;
    } else {
        struct iso_mdns_own *own = mdns->services[entity - 1];
        do {
            next_number(&own->label);
            iso_mdns_service_named(own);
        } while (name_is_used(mdns, own)); /* there are fewer services than numbers */
        own->renamed = true;
    }
    uint64_t at_ms = conflict_time(mdns, now_ms);
    for (unsigned i = 0; i < ISO_MDNS_INTERFACES_MAX; i++) {
        struct iso_mdns_iface *iface = mdns->ifaces[i];
        if (iface == NULL) {
            continue;
        }
        start_at(mdns, iface, entity, at_ms);
        /* Services point to the host: their SRV records are new ones. */
        for (unsigned other = 1; entity == HOST && other < ENTITIES; other++) {
            iso_mdns_claim_announce(iface, other, now_ms);
        }
    }
}

/* Whether an address is ours on any interface: with two on one link, we hear one through the
 * other. */
static bool is_our_address(const struct iso_mdns *mdns, const struct iso_mdns_record *record)
{
    size_t size = record->type == ISO_MDNS_A ? 4 : 16;

    for (unsigned i = 0; i < ISO_MDNS_INTERFACES_MAX; i++) {
        const struct iso_mdns_iface *iface = mdns->ifaces[i];
        for (unsigned j = 0; iface != NULL && j < iface->address_count; j++) {
            if (iface->addresses[j].family == (size == 4 ? 4 : 6) &&
                memcmp(iface->addresses[j].bytes, record->data.ptr, size) == 0) {
                return true;
            }
        }
    }
    return false;
}

static bool contradicts(const struct iso_mdns *mdns, const struct iso_mdns_iface *iface,
                        unsigned entity, const struct iso_mdns_record *record)
{
    struct iso_mdns_record own;

    if (entity == HOST) {
        return (record->type == ISO_MDNS_A || record->type == ISO_MDNS_AAAA) &&
               !is_our_address(mdns, record);
    }
    if (record->type != ISO_MDNS_SRV && record->type != ISO_MDNS_TXT) {
        return false;
    }
    iso_mdns_own_record(mdns, iface, entity, record->type == ISO_MDNS_SRV ? SLOT_SRV : SLOT_TXT,
                        &own);
    return !iso_mdns_record_same_data(&own, record);
}

void iso_mdns_claim_check(struct iso_mdns *mdns, struct iso_mdns_iface *iface,
                          const struct iso_mdns_record *record, uint64_t now_ms)
{
    unsigned entity = iso_mdns_own_find(mdns, &record->name, iso_mdns_name_hash(&record->name));

    if (entity == ENTITIES || record->ttl_s == 0 || !contradicts(mdns, iface, entity, record)) {
        return;
    }
    struct iso_mdns_claim *claim = &iface->claims[entity];
    if (claim->phase == ISO_MDNS_PHASE_PROBE) {
        claim->told = false; /* the name is in dispute: no goodbye for it */
        /* Before the first probe there is nothing to contradict; who has the name will defend it.
         */
        if (claim->count > 0) {
            rename_entity(mdns, entity, now_ms);
        }
    } else if (iso_mdns_claim_is_ours(iface, entity)) {
        /* It was ours. Probing again finds out who keeps it (section 9). */
        start_at(mdns, iface, entity, conflict_time(mdns, now_ms));
    }
}

/* ---- Tie-breaks ------------------------------------------------------------------------------ */

struct tie {
    unsigned count;
    struct iso_mdns_record records[ISO_MDNS_PROBE_RECORDS_MAX];
};

/* Inserts in order; false when there are too many. */
static bool tie_add(struct tie *tie, const struct iso_mdns_record *record)
{
    unsigned at = tie->count;

    if (tie->count == ISO_MDNS_PROBE_RECORDS_MAX) {
        return false;
    }
    while (at > 0 && iso_mdns_record_compare(record, &tie->records[at - 1]) < 0) {
        bool inside = tie->records[at - 1].data.ptr == tie->records[at - 1].copy;
        tie->records[at] = tie->records[at - 1];
        if (inside) {
            tie->records[at].data.ptr = tie->records[at].copy;
        }
        at--;
    }
    tie->records[at] = *record;
    if (record->data.ptr == record->copy) {
        tie->records[at].data.ptr = tie->records[at].copy;
    }
    tie->count++;
    return true;
}

/* Below 0: a is first, and so b has the name. */
static int tie_compare(const struct tie *a, const struct tie *b)
{
    for (unsigned i = 0; i < a->count && i < b->count; i++) {
        int order = iso_mdns_record_compare(&a->records[i], &b->records[i]);
        if (order != 0) {
            return order;
        }
    }
    return a->count < b->count ? -1 : a->count > b->count;
}

/* What an entity's probes propose. */
static uint16_t proposed_slots(const struct iso_mdns_iface *iface, unsigned entity)
{
    if (entity == HOST) {
        return (uint16_t)((1u << iface->address_count) - 1u);
    }
    return 1u << SLOT_SRV | 1u << SLOT_TXT;
}

static void tie_of_ours(const struct iso_mdns *mdns, const struct iso_mdns_iface *iface,
                        unsigned entity, struct tie *tie)
{
    struct iso_mdns_record record;
    uint16_t slots = proposed_slots(iface, entity);

    tie->count = 0;
    for (unsigned slot = 0; slot < SLOTS; slot++) {
        if ((slots >> slot & 1u) != 0) {
            iso_mdns_own_record(mdns, iface, entity, slot, &record);
            (void)tie_add(tie, &record); /* an entity has fewer than fit */
        }
    }
}

static bool tie_of_theirs(struct iso_mdns_reader reader, const struct iso_mdns_name *name,
                          struct tie *tie)
{
    struct iso_mdns_record record;
    enum iso_mdns_section section;

    tie->count = 0;
    while (iso_mdns_reader_record(&reader, &record, &section)) {
        if (section == ISO_MDNS_AUTHORITY && iso_mdns_name_equal(&record.name, name) &&
            !tie_add(tie, &record)) {
            return false;
        }
    }
    return tie->count > 0;
}

void iso_mdns_claim_tie_break(struct iso_mdns *mdns, struct iso_mdns_iface *iface,
                              struct iso_mdns_reader reader, uint64_t now_ms)
{
    struct iso_mdns_reader questions = reader;
    struct iso_mdns_question question;
    struct tie ours;
    struct tie theirs;
    uint32_t done = 0; /* entities; a packet may ask for one hundreds of times */

    while (iso_mdns_reader_question(&questions, &question)) {
        unsigned entity =
            iso_mdns_own_find(mdns, &question.name, iso_mdns_name_hash(&question.name));
        if (entity == ENTITIES || (done >> entity & 1u) != 0) {
            continue;
        }
        done |= 1u << entity;
        struct iso_mdns_claim *claim = &iface->claims[entity];
        if (claim->phase != ISO_MDNS_PHASE_PROBE || claim->count == 0 ||
            !tie_of_theirs(reader, &question.name, &theirs)) {
            continue;
        }
        tie_of_ours(mdns, iface, entity, &ours);
        if (tie_compare(&ours, &theirs) < 0) {
            /* Theirs. In a second they will answer, if they are real. */
            start_at(mdns, iface, entity, now_ms + TIE_BREAK_PAUSE_MS);
        }
    }
}

/* ---- Probes and announcements ---------------------------------------------------------------- */

static bool write_probe_records(struct iso_mdns *mdns, const struct iso_mdns_iface *iface,
                                unsigned entity)
{
    struct iso_mdns_record record;
    uint16_t slots = proposed_slots(iface, entity);

    for (unsigned slot = 0; slot < SLOTS; slot++) {
        if ((slots >> slot & 1u) != 0) {
            iso_mdns_own_record(mdns, iface, entity, slot, &record);
            record.flush = false; /* section 8.2 compares without it */
            if (!iso_mdns_writer_record(&mdns->writer, ISO_MDNS_AUTHORITY, &record)) {
                return false;
            }
        }
    }
    return true;
}

static bool is_due(const struct iso_mdns_claim *claim, enum iso_mdns_phase phase, uint64_t now_ms)
{
    return claim->phase == phase && !claim->goodbye && claim->next_ms <= now_ms;
}

/* Space that an entity's records in a probe take at most, written out. */
static size_t probe_size(const struct iso_mdns *mdns, const struct iso_mdns_iface *iface,
                         unsigned entity)
{
    struct iso_mdns_record record;
    uint16_t slots = proposed_slots(iface, entity);
    size_t size = 0;

    for (unsigned slot = 0; slot < SLOTS; slot++) {
        if ((slots >> slot & 1u) != 0) {
            iso_mdns_own_record(mdns, iface, entity, slot, &record);
            size += record.name.len + 10u + record.data.len;
        }
    }
    return size + (entity == HOST ? mdns->host.len : mdns->services[entity - 1]->name.len) + 4u;
}

static void probe_sent(struct iso_mdns_claim *claim, uint64_t now_ms)
{
    claim->count++;
    claim->next_ms = now_ms + PROBE_INTERVAL_MS;
}

/* Questions go before records, so first it is decided which entities are in this packet. */
bool iso_mdns_probe_write(struct iso_mdns *mdns, struct iso_mdns_iface *iface, uint64_t now_ms)
{
    struct iso_mdns_writer *writer = &mdns->writer;
    uint32_t chosen = 0;
    size_t size = ISO_MDNS_HEADER_SIZE;

    iso_mdns_writer_init(writer);
    for (unsigned entity = 0; entity < ENTITIES; entity++) {
        struct iso_mdns_claim *claim = &iface->claims[entity];
        if (!is_due(claim, ISO_MDNS_PHASE_PROBE, now_ms)) {
            continue;
        }
        if (claim->count == PROBES) {
            claim->phase = ISO_MDNS_PHASE_ANNOUNCE;
            claim->count = 0;
            claim->told = true;
            continue;
        }
        size_t needed = probe_size(mdns, iface, entity);
        if (chosen == 0 || size + needed <= ISO_MDNS_SEND_MAX) {
            const struct iso_mdns_name *name =
                entity == HOST ? &mdns->host : &mdns->services[entity - 1]->name;
            (void)iso_mdns_writer_question(writer, name, ISO_MDNS_ANY, ISO_MDNS_CLASS_IN);
            chosen |= 1u << entity;
            size += needed;
        }
    }
    for (unsigned entity = 0; entity < ENTITIES; entity++) {
        if ((chosen >> entity & 1u) != 0) {
            /* What does not fit is missing in a tie-break only. */
            (void)write_probe_records(mdns, iface, entity);
            probe_sent(&iface->claims[entity], now_ms);
        }
    }
    iso_mdns_writer_finish(writer, 0, 0);
    return chosen != 0;
}

void iso_mdns_announce_due(struct iso_mdns *mdns, struct iso_mdns_iface *iface, uint64_t now_ms)
{
    struct iso_mdns_set set = iso_mdns_set_none();

    for (unsigned entity = 0; entity < ENTITIES; entity++) {
        struct iso_mdns_claim *claim = &iface->claims[entity];
        if (!is_due(claim, ISO_MDNS_PHASE_ANNOUNCE, now_ms)) {
            continue;
        }
        /* A service is of no use without its host. */
        if (entity != HOST && !iso_mdns_claim_is_ours(iface, HOST)) {
            claim->next_ms = now_ms + PROBE_INTERVAL_MS;
            continue;
        }
        set.bits[entity] = iso_mdns_own_slots(mdns, iface, entity);
        claim->count++;
        claim->next_ms = now_ms + (1000u << (claim->count - 1));
        if (claim->count == ANNOUNCEMENTS) {
            claim->phase = ISO_MDNS_PHASE_DONE;
            claim->next_ms = NEVER;
        }
    }
    if (!iso_mdns_set_is_empty(&set)) {
        iso_mdns_reply_announce(iface, &set, now_ms);
    }
}
