/* Questions of others (RFC 6762, sections 5 to 7), and answers that wait for their time. */
#include "net/mdns_state.h"

enum {
    SHARED_DELAY_MS = 20, /* to 120: others may answer too */
    SHARED_SPREAD_MS = 100,
    TRUNCATED_DELAY_MS = 400, /* to 500: more known answers follow */
    TRUNCATED_SPREAD_MS = 100,
    /* A record that went out so shortly before a question will have been heard; the same question
     * comes over IPv4 and IPv6. */
    JUST_SENT_MS = 250,
};

/* What a question asks for, by name. */
struct asked {
    struct iso_mdns_set all;
    struct iso_mdns_set unicast; /* those of them that may be answered by unicast */
    bool shared;                 /* others may have answers, too */
};

/* ---- Matching -------------------------------------------------------------------------------- */

static bool type_matches(uint16_t asked, uint16_t type)
{
    return asked == type || asked == ISO_MDNS_ANY;
}

/* Records of the host; NSEC when it has none of that type. */
static uint16_t match_host(const struct iso_mdns_iface *iface, uint16_t type)
{
    uint16_t slots = 0;

    for (unsigned i = 0; i < iface->address_count; i++) {
        if (type_matches(type, iface->addresses[i].family == 4 ? ISO_MDNS_A : ISO_MDNS_AAAA)) {
            slots = (uint16_t)(slots | 1u << i);
        }
    }
    return slots != 0 ? slots : 1u << SLOT_HOST_NSEC;
}

static uint16_t match_instance(uint16_t type)
{
    if (type == ISO_MDNS_ANY) {
        return 1u << SLOT_SRV | 1u << SLOT_TXT;
    }
    return type == ISO_MDNS_SRV   ? 1u << SLOT_SRV
           : type == ISO_MDNS_TXT ? 1u << SLOT_TXT
                                  : 1u << SLOT_NSEC;
}

/* Whether an earlier service that is announced here has the same type: one answers for all. */
static bool kind_is_told(const struct iso_mdns *mdns, const struct iso_mdns_iface *iface,
                         unsigned entity)
{
    for (unsigned other = 1; other < entity; other++) {
        if (mdns->services[other - 1] != NULL && iso_mdns_claim_is_ours(iface, other) &&
            iso_mdns_name_equal(&mdns->services[other - 1]->type,
                                &mdns->services[entity - 1]->type)) {
            return true;
        }
    }
    return false;
}

static uint16_t match_pointers(const struct iso_mdns *mdns, const struct iso_mdns_iface *iface,
                               unsigned entity, const struct iso_mdns_name *name)
{
    const struct iso_mdns_own *own = mdns->services[entity - 1];
    uint16_t slots = 0;

    if (iso_mdns_name_equal(name, &own->type)) {
        return 1u << SLOT_PTR;
    }
    if (iso_mdns_name_equal(name, &iso_mdns_kinds)) {
        return kind_is_told(mdns, iface, entity) ? 0 : 1u << SLOT_KIND;
    }
    for (unsigned i = 0; i < own->subtype_count; i++) {
        if (iso_mdns_name_equal(name, &own->subtypes[i])) {
            slots = (uint16_t)(slots | 1u << (SLOT_SUBTYPES + i));
        }
    }
    return slots;
}

static struct iso_mdns_set match(const struct iso_mdns *mdns, const struct iso_mdns_iface *iface,
                                 const struct iso_mdns_question *question)
{
    struct iso_mdns_set set = iso_mdns_set_none();
    unsigned entity = iso_mdns_own_find(mdns, &question->name, iso_mdns_name_hash(&question->name));

    if (question->class != ISO_MDNS_CLASS_IN && question->class != ISO_MDNS_CLASS_ANY) {
        return set;
    }
    if (entity != ENTITIES) {
        if (iso_mdns_claim_is_ours(iface, entity)) {
            set.bits[entity] =
                entity == HOST ? match_host(iface, question->type) : match_instance(question->type);
        }
        return set;
    }
    for (entity = 1; entity < ENTITIES && type_matches(question->type, ISO_MDNS_PTR); entity++) {
        if (mdns->services[entity - 1] != NULL && iso_mdns_claim_is_ours(iface, entity)) {
            set.bits[entity] = match_pointers(mdns, iface, entity, &question->name);
        }
    }
    return set;
}

/* Slots of an entity that a record may be, by hashes: most records are nobody's, and a packet has
 * room for hundreds. */
static uint16_t plausible(const struct iso_mdns *mdns, const struct iso_mdns_iface *iface,
                          unsigned entity, const struct iso_mdns_record *record, uint32_t hash)
{
    struct iso_mdns_name target;

    if (entity == HOST) {
        bool address = record->type == ISO_MDNS_A || record->type == ISO_MDNS_AAAA;
        return address && hash == mdns->host_hash ? (uint16_t)((1u << iface->address_count) - 1u)
                                                  : (uint16_t)0;
    }
    const struct iso_mdns_own *own = mdns->services[entity - 1];
    if (own == NULL) {
        return 0;
    }
    if (record->type == ISO_MDNS_SRV || record->type == ISO_MDNS_TXT) {
        return hash != own->name_hash         ? 0
               : record->type == ISO_MDNS_SRV ? 1u << SLOT_SRV
                                              : 1u << SLOT_TXT;
    }
    if (record->type != ISO_MDNS_PTR) {
        return 0;
    }
    iso_mdns_record_target(record, &target);
    if (iso_mdns_name_equal(&target, &own->type)) {
        return 1u << SLOT_KIND;
    }
    return iso_mdns_name_equal(&target, &own->name)
               ? (uint16_t)(iso_mdns_own_slots(mdns, iface, entity) &
                            ~(1u << SLOT_KIND | 1u << SLOT_SRV | 1u << SLOT_TXT | 1u << SLOT_NSEC))
               : (uint16_t)0;
}

/* Those records of ours, among the slots of `set`, that are the same as one of somebody else's.
 * *ttl_s gets the life that ours have; it stays as it is when there are none. */
static struct iso_mdns_set same_records(const struct iso_mdns *mdns,
                                        const struct iso_mdns_iface *iface,
                                        const struct iso_mdns_record *record,
                                        const struct iso_mdns_set *set, uint32_t *ttl_s)
{
    struct iso_mdns_set same = iso_mdns_set_none();
    struct iso_mdns_record own;
    uint32_t hash = iso_mdns_name_hash(&record->name);

    for (unsigned entity = 0; entity < ENTITIES; entity++) {
        if (set->bits[entity] == 0 || record->class != ISO_MDNS_CLASS_IN) {
            continue;
        }
        uint16_t slots =
            (uint16_t)(set->bits[entity] & plausible(mdns, iface, entity, record, hash));
        for (unsigned slot = 0; slots >> slot != 0; slot++) {
            if ((slots >> slot & 1u) == 0) {
                continue;
            }
            iso_mdns_own_record(mdns, iface, entity, slot, &own);
            if (own.type == record->type && iso_mdns_name_equal(&own.name, &record->name) &&
                iso_mdns_record_same_data(&own, record)) {
                iso_mdns_set_add(&same, entity, slot);
                *ttl_s = own.ttl_s; /* the same for all that are the same record */
            }
        }
    }
    return same;
}

/* Takes out of `set` what equals a record that somebody has or gave. Its TTL must be at least
 * `share` per cent of ours. */
static void drop_known(const struct iso_mdns *mdns, const struct iso_mdns_iface *iface,
                       const struct iso_mdns_record *known, unsigned share,
                       struct iso_mdns_set *set)
{
    uint32_t ttl_s = 0;
    struct iso_mdns_set same = same_records(mdns, iface, known, set, &ttl_s);

    for (unsigned entity = 0; known->ttl_s >= ttl_s * share / 100 && entity < ENTITIES; entity++) {
        set->bits[entity] = (uint16_t)(set->bits[entity] & ~same.bits[entity]);
    }
}

/* ---- Waiting answers ------------------------------------------------------------------------- */

/* replies[0] belongs to announcements. */
static struct iso_mdns_reply *free_reply(struct iso_mdns_iface *iface)
{
    for (unsigned i = 1; i < ISO_MDNS_REPLIES_MAX; i++) {
        if (!iface->replies[i].used) {
            iface->replies[i] = (struct iso_mdns_reply){.used = true};
            return &iface->replies[i];
        }
    }
    return NULL;
}

static void set_union(struct iso_mdns_set *to, const struct iso_mdns_set *from)
{
    for (unsigned entity = 0; entity < ENTITIES; entity++) {
        to->bits[entity] |= from->bits[entity];
    }
}

void iso_mdns_reply_announce(struct iso_mdns_iface *iface, const struct iso_mdns_set *set,
                             uint64_t now_ms)
{
    struct iso_mdns_reply *reply = &iface->replies[0];

    if (!reply->used) {
        *reply = (struct iso_mdns_reply){
            .used = true, .multicast = true, .announce = true, .due_ms = now_ms};
    }
    set_union(&reply->set, set);
}

void iso_mdns_reply_forget(struct iso_mdns_iface *iface, unsigned entity)
{
    for (unsigned i = 0; i < ISO_MDNS_REPLIES_MAX; i++) {
        iface->replies[i].set.bits[entity] = 0;
    }
}

uint64_t iso_mdns_reply_deadline(const struct iso_mdns_iface *iface)
{
    uint64_t deadline = NEVER;

    for (unsigned i = 0; i < ISO_MDNS_REPLIES_MAX; i++) {
        if (iface->replies[i].used) {
            deadline = iso_mdns_min(deadline, iface->replies[i].due_ms);
        }
    }
    return deadline;
}

/* Adds to a multicast answer that goes out at about that time, or makes one. */
static void reply_multicast(struct iso_mdns_iface *iface, const struct iso_mdns_set *set,
                            uint64_t due_ms, uint64_t since_ms, uint64_t now_ms)
{
    for (unsigned i = 1; i < ISO_MDNS_REPLIES_MAX; i++) {
        struct iso_mdns_reply *reply = &iface->replies[i];
        bool about =
            reply->due_ms <= due_ms ||
            (due_ms > now_ms && reply->due_ms <= now_ms + SHARED_DELAY_MS + SHARED_SPREAD_MS);
        if (reply->used && reply->multicast && !reply->waits && !reply->defence && about) {
            set_union(&reply->set, set);
            reply->since_ms = reply->since_ms > since_ms ? reply->since_ms : since_ms;
            return;
        }
    }
    struct iso_mdns_reply *reply = free_reply(iface);
    if (reply != NULL) {
        reply->multicast = true;
        reply->set = *set;
        reply->due_ms = due_ms;
        reply->since_ms = since_ms;
    }
}

void iso_mdns_answer_heard(struct iso_mdns *mdns, struct iso_mdns_iface *iface,
                           const struct iso_mdns_record *record, uint64_t now_ms)
{
    /* Section 7.4: somebody else gave the answer that we were about to give. */
    for (unsigned i = 1; i < ISO_MDNS_REPLIES_MAX && record->ttl_s != 0; i++) {
        struct iso_mdns_reply *reply = &iface->replies[i];
        if (reply->used && reply->multicast && !reply->defence) {
            drop_known(mdns, iface, record, 100, &reply->set);
        }
    }
    /* Section 6.6: somebody says that what is true will soon be so no more. */
    struct iso_mdns_set ours = iso_mdns_set_none();
    uint32_t ttl_s = 0;
    for (unsigned entity = 0; entity < ENTITIES; entity++) {
        if (iso_mdns_claim_is_ours(iface, entity)) {
            ours.bits[entity] = iso_mdns_own_slots(mdns, iface, entity);
        }
    }
    struct iso_mdns_set wrong = same_records(mdns, iface, record, &ours, &ttl_s);
    if (record->ttl_s < ttl_s / 2 && !iso_mdns_set_is_empty(&wrong)) {
        reply_multicast(iface, &wrong, now_ms, now_ms + 1, now_ms);
    }
}

/* ---- Queries --------------------------------------------------------------------------------- */

static bool set_has_shared(const struct iso_mdns_set *set)
{
    for (unsigned entity = 1; entity < ENTITIES; entity++) {
        for (unsigned slot = 0; set->bits[entity] >> slot != 0; slot++) {
            if (iso_mdns_set_has(set, entity, slot) && !iso_mdns_own_is_unique(entity, slot)) {
                return true;
            }
        }
    }
    return false;
}

static struct iso_mdns_set collect(const struct iso_mdns *mdns, const struct iso_mdns_iface *iface,
                                   struct iso_mdns_reader *reader, struct iso_mdns_set *unicast)
{
    struct iso_mdns_set all = iso_mdns_set_none();
    struct iso_mdns_question question;

    *unicast = all;
    while (iso_mdns_reader_question(reader, &question)) {
        struct iso_mdns_set set = match(mdns, iface, &question);
        set_union(question.unicast ? unicast : &all, &set);
    }
    return all;
}

/* Section 5.4: what was not multicast for a quarter of its life is, even if unicast is wished. */
static void move_stale(const struct iso_mdns *mdns, const struct iso_mdns_iface *iface,
                       struct iso_mdns_set *unicast, struct iso_mdns_set *multicast,
                       uint64_t now_ms)
{
    struct iso_mdns_record own;

    for (unsigned entity = 0; entity < ENTITIES; entity++) {
        for (unsigned slot = 0; unicast->bits[entity] >> slot != 0; slot++) {
            if (!iso_mdns_set_has(unicast, entity, slot)) {
                continue;
            }
            iso_mdns_own_record(mdns, iface, entity, slot, &own);
            uint64_t sent_ms = iface->sent_ms[entity][slot];
            if (sent_ms == 0 || now_ms - (sent_ms - 1) >= own.ttl_s * 1000ull / 4) {
                iso_mdns_set_drop(unicast, entity, slot);
                iso_mdns_set_add(multicast, entity, slot);
            }
        }
    }
}

static void reply_unicast(struct iso_mdns_iface *iface, const struct iso_mdns_packet *packet,
                          const struct iso_mdns_set *set, bool truncated, uint64_t due_ms,
                          uint64_t now_ms)
{
    if (!iso_mdns_budget_take(&iface->unicast, ISO_MDNS_UNICAST_REPLIES_PER_S, now_ms)) {
        return;
    }
    struct iso_mdns_reply *reply = free_reply(iface);
    if (reply != NULL) {
        reply->waits = truncated;
        reply->set = *set;
        reply->remote = packet->remote;
        reply->port = packet->port;
        reply->due_ms = due_ms;
    }
}

/* Section 6.7: such a resolver asks one question from a port of its own and wants one answer. */
static void answer_legacy(struct iso_mdns *mdns, struct iso_mdns_iface *iface,
                          const struct iso_mdns_packet *packet, struct iso_mdns_reader reader,
                          uint64_t now_ms)
{
    struct iso_mdns_question question;

    if (!iso_mdns_reader_question(&reader, &question)) {
        return;
    }
    struct iso_mdns_set set = match(mdns, iface, &question);
    if (iso_mdns_set_is_empty(&set) ||
        !iso_mdns_budget_take(&iface->unicast, ISO_MDNS_UNICAST_REPLIES_PER_S, now_ms)) {
        return;
    }
    struct iso_mdns_reply *reply = free_reply(iface);
    if (reply != NULL) {
        reply->legacy = true;
        reply->id = reader.id;
        reply->question = question;
        reply->set = set;
        reply->remote = packet->remote;
        reply->port = packet->port;
        reply->due_ms = now_ms;
    }
}

/* Known answers that belong to questions in earlier packets of the same host (section 7.2). */
static void apply_more_known(struct iso_mdns *mdns, struct iso_mdns_iface *iface,
                             const struct iso_mdns_packet *packet, struct iso_mdns_reader reader,
                             bool more, uint64_t now_ms)
{
    struct iso_mdns_record record;
    enum iso_mdns_section section;

    for (unsigned i = 1; i < ISO_MDNS_REPLIES_MAX; i++) {
        struct iso_mdns_reply *reply = &iface->replies[i];
        if (!reply->used || !reply->waits ||
            !iso_mdns_address_equal(&reply->remote, &packet->remote)) {
            continue;
        }
        struct iso_mdns_reader records = reader;
        while (iso_mdns_reader_record(&records, &record, &section)) {
            if (section == ISO_MDNS_ANSWERS) {
                drop_known(mdns, iface, &record, 50, &reply->set);
            }
        }
        if (more && reply->extensions < ISO_MDNS_REPLY_EXTENSIONS_MAX) {
            reply->extensions++;
            reply->due_ms =
                now_ms + iso_mdns_random_ms(mdns, TRUNCATED_DELAY_MS, TRUNCATED_SPREAD_MS);
        }
    }
}

/* Somebody probes for a name of ours: an answer at once, to all. */
static void defend(struct iso_mdns_iface *iface, const struct iso_mdns_set *set, uint64_t now_ms)
{
    for (unsigned i = 1; i < ISO_MDNS_REPLIES_MAX; i++) {
        struct iso_mdns_reply *reply = &iface->replies[i];
        if (reply->used && reply->defence) {
            set_union(&reply->set, set);
            return;
        }
    }
    struct iso_mdns_reply *reply = free_reply(iface);
    if (reply != NULL) {
        reply->multicast = true;
        reply->defence = true;
        reply->set = *set;
        reply->due_ms = now_ms;
    }
}

static void schedule(struct iso_mdns *mdns, struct iso_mdns_iface *iface,
                     const struct iso_mdns_packet *packet, bool truncated,
                     const struct iso_mdns_set *multicast, const struct iso_mdns_set *unicast,
                     uint64_t now_ms)
{
    uint64_t since_ms = now_ms < JUST_SENT_MS ? 0 : now_ms - JUST_SENT_MS;
    uint64_t due_ms = now_ms;

    if (truncated) {
        due_ms += iso_mdns_random_ms(mdns, TRUNCATED_DELAY_MS, TRUNCATED_SPREAD_MS);
    } else if (set_has_shared(multicast) || set_has_shared(unicast)) {
        due_ms += iso_mdns_random_ms(mdns, SHARED_DELAY_MS, SHARED_SPREAD_MS + 1);
    }
    if (!iso_mdns_set_is_empty(unicast)) {
        reply_unicast(iface, packet, unicast, truncated, due_ms, now_ms);
    }
    if (iso_mdns_set_is_empty(multicast)) {
        return;
    }
    if (!truncated) {
        reply_multicast(iface, multicast, due_ms, since_ms, now_ms);
        return;
    }
    struct iso_mdns_reply *reply = free_reply(iface);
    if (reply != NULL) {
        reply->multicast = true;
        reply->waits = true;
        reply->remote = packet->remote;
        reply->set = *multicast;
        reply->due_ms = due_ms;
        reply->since_ms = since_ms;
    }
}

void iso_mdns_answer_query(struct iso_mdns *mdns, struct iso_mdns_iface *iface,
                           const struct iso_mdns_packet *packet,
                           const struct iso_mdns_reader *reader, bool on_link, uint64_t now_ms)
{
    struct iso_mdns_reader rest = *reader;
    struct iso_mdns_record record;
    enum iso_mdns_section section;
    struct iso_mdns_set unicast;
    bool truncated = (reader->flags & ISO_MDNS_FLAG_TRUNCATED) != 0;

    if (packet->port != ISO_MDNS_PORT) {
        answer_legacy(mdns, iface, packet, rest, now_ms);
        return;
    }
    if (reader->left[ISO_MDNS_ANSWERS] != 0) {
        apply_more_known(mdns, iface, packet, rest, truncated, now_ms);
    }
    struct iso_mdns_set multicast = collect(mdns, iface, &rest, &unicast);
    if (reader->left[ISO_MDNS_AUTHORITY] != 0) {
        set_union(&multicast, &unicast);
        if (!iso_mdns_set_is_empty(&multicast)) {
            defend(iface, &multicast, now_ms);
        }
        return;
    }
    if (!packet->multicast) {
        set_union(&unicast, &multicast); /* section 5.5: asked directly */
        multicast = iso_mdns_set_none();
    } else if (on_link) {
        move_stale(mdns, iface, &unicast, &multicast, now_ms);
    } else {
        set_union(&multicast, &unicast);
        unicast = iso_mdns_set_none();
    }
    while (iso_mdns_reader_record(&rest, &record, &section)) {
        if (section == ISO_MDNS_ANSWERS) {
            drop_known(mdns, iface, &record, 50, &multicast);
            drop_known(mdns, iface, &record, 50, &unicast);
        }
    }
    schedule(mdns, iface, packet, truncated, &multicast, &unicast, now_ms);
}
