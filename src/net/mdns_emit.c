/* Packets of announcements, answers and goodbyes: which of the records that wait go out now (RFC
 * 6762, section 6 for the rate limit), what is added (section 12 of RFC 6763), how it is written.
 */
#include "net/mdns_state.h"

static bool was_sent_since(const struct iso_mdns_iface *iface, unsigned entity, unsigned slot,
                           uint64_t since_ms)
{
    uint64_t sent_ms = iface->sent_ms[entity][slot];

    return sent_ms != 0 && sent_ms - 1 >= since_ms;
}

/* A time ago, without going below zero. */
static uint64_t before(uint64_t now_ms, uint64_t ago_ms)
{
    return now_ms < ago_ms ? 0 : now_ms - ago_ms;
}

/* Section 6: a record goes out once a second, in defence against a probe four times. Takes out of
 * the reply's set what need not go out at all, moves to *later what may not go out yet; *later_ms:
 * when. */
static void hold_back(const struct iso_mdns_iface *iface, struct iso_mdns_reply *reply,
                      struct iso_mdns_set *later, uint64_t *later_ms, uint64_t now_ms)
{
    for (unsigned entity = 0; entity < ENTITIES; entity++) {
        for (unsigned slot = 0; reply->set.bits[entity] >> slot != 0; slot++) {
            uint64_t sent_ms = iface->sent_ms[entity][slot];
            if (!iso_mdns_set_has(&reply->set, entity, slot) || sent_ms == 0) {
                continue;
            }
            sent_ms--;
            if (reply->defence) {
                if (sent_ms + DEFENCE_LIMIT_MS > now_ms) {
                    iso_mdns_set_drop(&reply->set, entity, slot);
                }
            } else if (sent_ms >= reply->since_ms) {
                iso_mdns_set_drop(&reply->set, entity, slot);
            } else if (sent_ms + RATE_LIMIT_MS > now_ms) {
                iso_mdns_set_drop(&reply->set, entity, slot);
                iso_mdns_set_add(later, entity, slot);
                *later_ms = iso_mdns_min(*later_ms, sent_ms + RATE_LIMIT_MS);
            }
        }
    }
}

static bool write_own(struct iso_mdns *mdns, const struct iso_mdns_iface *iface,
                      const struct iso_mdns_reply *reply, enum iso_mdns_section section,
                      unsigned entity, unsigned slot)
{
    struct iso_mdns_record record;

    iso_mdns_own_record(mdns, iface, entity, slot, &record);
    if (reply->legacy) {
        record.flush = false;
        record.ttl_s = record.ttl_s < TTL_LEGACY_S ? record.ttl_s : TTL_LEGACY_S;
    }
    return iso_mdns_writer_record(&mdns->writer, section, &record);
}

/* Writes records of the set until the packet is full; those written go to *done. False when full.
 */
static bool write_set(struct iso_mdns *mdns, const struct iso_mdns_iface *iface,
                      const struct iso_mdns_reply *reply, enum iso_mdns_section section,
                      struct iso_mdns_set *set, struct iso_mdns_set *done)
{
    for (unsigned entity = 0; entity < ENTITIES; entity++) {
        for (unsigned slot = 0; set->bits[entity] >> slot != 0; slot++) {
            if (!iso_mdns_set_has(set, entity, slot)) {
                continue;
            }
            bool first = iso_mdns_writer_is_empty(&mdns->writer);
            if (!write_own(mdns, iface, reply, section, entity, slot)) {
                if (!first) {
                    return false;
                }
                /* Alone in a packet and still too long: it never fits (it cannot be: see
                 * ISO_MDNS_TXT_MAX). */
            }
            iso_mdns_set_drop(set, entity, slot);
            iso_mdns_set_add(done, entity, slot);
        }
    }
    return true;
}

/* What who gets these answers will ask next (RFC 6763, section 12). */
static struct iso_mdns_set additional(const struct iso_mdns *mdns,
                                      const struct iso_mdns_iface *iface,
                                      const struct iso_mdns_set *answers)
{
    struct iso_mdns_set more = iso_mdns_set_none();
    bool host = answers->bits[HOST] != 0;

    for (unsigned entity = 1; entity < ENTITIES; entity++) {
        uint16_t bits = answers->bits[entity];
        if ((bits & ~(1u << SLOT_KIND | 1u << SLOT_SRV | 1u << SLOT_TXT | 1u << SLOT_NSEC)) != 0) {
            more.bits[entity] = 1u << SLOT_SRV | 1u << SLOT_TXT | 1u << SLOT_NSEC;
        }
        host = host || (bits | more.bits[entity]) >> SLOT_SRV & 1u;
    }
    if (host && iso_mdns_claim_is_ours(iface, HOST)) {
        more.bits[HOST] = iso_mdns_own_slots(mdns, iface, HOST);
    }
    for (unsigned entity = 0; entity < ENTITIES; entity++) {
        more.bits[entity] = (uint16_t)(more.bits[entity] & ~answers->bits[entity]);
    }
    return more;
}

static void drop_recent(const struct iso_mdns_iface *iface, struct iso_mdns_set *set,
                        uint64_t now_ms)
{
    for (unsigned entity = 0; entity < ENTITIES; entity++) {
        for (unsigned slot = 0; slot < SLOTS; slot++) {
            if (was_sent_since(iface, entity, slot, before(now_ms, RATE_LIMIT_MS - 1))) {
                iso_mdns_set_drop(set, entity, slot);
            }
        }
    }
}

static void mark_sent(struct iso_mdns_iface *iface, const struct iso_mdns_set *set, uint64_t now_ms)
{
    for (unsigned entity = 0; entity < ENTITIES; entity++) {
        for (unsigned slot = 0; set->bits[entity] >> slot != 0; slot++) {
            if (iso_mdns_set_has(set, entity, slot)) {
                iface->sent_ms[entity][slot] = now_ms + 1;
            }
        }
    }
}

/* Writes the packet of a reply whose set is what may go out now, and keeps what did not fit. */
static void write_packet(struct iso_mdns *mdns, struct iso_mdns_iface *iface,
                         struct iso_mdns_reply *reply, uint64_t now_ms)
{
    struct iso_mdns_set done = iso_mdns_set_none();

    iso_mdns_writer_init(&mdns->writer);
    if (reply->legacy) {
        mdns->writer.plain = true;
        (void)iso_mdns_writer_question(&mdns->writer, &reply->question.name, reply->question.type,
                                       reply->question.class);
    }
    bool complete = write_set(mdns, iface, reply, ISO_MDNS_ANSWERS, &reply->set, &done);
    if (complete) {
        struct iso_mdns_set more = additional(mdns, iface, &done);
        if (reply->multicast) {
            drop_recent(iface, &more, now_ms);
        }
        (void)write_set(mdns, iface, reply, ISO_MDNS_ADDITIONAL, &more, &done);
    }
    uint16_t flags = ISO_MDNS_FLAG_RESPONSE | ISO_MDNS_FLAG_AUTHORITATIVE;
    if (reply->legacy && !complete) {
        /* One answer only; the resolver may ask again for the rest by TCP, in vain. */
        flags |= ISO_MDNS_FLAG_TRUNCATED;
        reply->set = iso_mdns_set_none();
    }
    iso_mdns_writer_finish(&mdns->writer, reply->legacy ? reply->id : 0, flags);
    if (reply->multicast) {
        mark_sent(iface, &done, now_ms);
    }
}

/* True when a packet was written. */
static bool write_reply(struct iso_mdns *mdns, struct iso_mdns_iface *iface,
                        struct iso_mdns_reply *reply, uint64_t now_ms)
{
    struct iso_mdns_set later = iso_mdns_set_none();
    uint64_t later_ms = NEVER;

    if (reply->multicast && !reply->announce) {
        hold_back(iface, reply, &later, &later_ms, now_ms);
    }
    bool written = !iso_mdns_set_is_empty(&reply->set);
    if (written) {
        write_packet(mdns, iface, reply, now_ms);
    }
    if (iso_mdns_set_is_empty(&reply->set)) {
        reply->due_ms = later_ms;
        reply->waits = false;
    }
    for (unsigned entity = 0; entity < ENTITIES; entity++) {
        reply->set.bits[entity] |= later.bits[entity];
    }
    reply->used = !iso_mdns_set_is_empty(&reply->set);
    return written;
}

bool iso_mdns_reply_write(struct iso_mdns *mdns, struct iso_mdns_iface *iface, uint64_t now_ms,
                          struct iso_mdns_packet *to)
{
    for (unsigned i = 0; i < ISO_MDNS_REPLIES_MAX; i++) {
        struct iso_mdns_reply *reply = &iface->replies[i];
        if (!reply->used || reply->due_ms > now_ms) {
            continue;
        }
        if (write_reply(mdns, iface, reply, now_ms)) {
            to->multicast = reply->multicast;
            to->remote = reply->remote;
            to->port = reply->port;
            return true;
        }
    }
    return false;
}

/* ---- Goodbyes (section 10.1) ----------------------------------------------------------------- */

/* Slots that an entity withdraws. Its type among the types stays: others may offer it, too. */
static uint16_t goodbye_slots(const struct iso_mdns *mdns, const struct iso_mdns_iface *iface,
                              unsigned entity)
{
    unsigned slots = iso_mdns_own_slots(mdns, iface, entity);

    slots &= entity == HOST ? ~(1u << SLOT_HOST_NSEC) : ~(1u << SLOT_KIND | 1u << SLOT_NSEC);
    return (uint16_t)slots;
}

/* From slot claim->count on; false when the packet is full. */
static bool write_goodbye(struct iso_mdns *mdns, struct iso_mdns_iface *iface, unsigned entity)
{
    struct iso_mdns_claim *claim = &iface->claims[entity];
    uint16_t slots = goodbye_slots(mdns, iface, entity);
    struct iso_mdns_record record;

    for (; claim->count < SLOTS; claim->count++) {
        if ((slots >> claim->count & 1u) == 0) {
            continue;
        }
        iso_mdns_own_record(mdns, iface, entity, claim->count, &record);
        record.ttl_s = 0;
        /* While it is probed for again, another may have the name: only ours goes. */
        record.flush = record.flush && claim->phase >= ISO_MDNS_PHASE_ANNOUNCE;
        bool first = iso_mdns_writer_is_empty(&mdns->writer);
        if (!iso_mdns_writer_record(&mdns->writer, ISO_MDNS_ANSWERS, &record) && !first) {
            return false;
        }
    }
    *claim = (struct iso_mdns_claim){.phase = ISO_MDNS_PHASE_NONE, .next_ms = NEVER};
    return true;
}

static bool write_gone(struct iso_mdns *mdns, struct iso_mdns_iface *iface)
{
    struct iso_mdns_record record;

    while (iface->gone_count > 0) {
        iso_mdns_address_record(mdns, &iface->gone[iface->gone_count - 1], &record);
        record.ttl_s = 0;
        record.flush = false; /* only this one */
        if (!iso_mdns_writer_record(&mdns->writer, ISO_MDNS_ANSWERS, &record)) {
            return false;
        }
        iface->gone_count--;
    }
    return true;
}

bool iso_mdns_goodbye_write(struct iso_mdns *mdns, struct iso_mdns_iface *iface)
{
    bool any = iface->gone_count != 0;

    for (unsigned entity = 0; entity < ENTITIES; entity++) {
        any = any || iface->claims[entity].goodbye;
    }
    if (!any) {
        return false;
    }
    iso_mdns_writer_init(&mdns->writer);
    bool fits = write_gone(mdns, iface);
    /* Services first: their records point to the host. */
    for (unsigned i = 0; i < ENTITIES && fits; i++) {
        unsigned entity = ENTITIES - 1 - i;
        if (iface->claims[entity].goodbye) {
            fits = write_goodbye(mdns, iface, entity);
        }
    }
    iso_mdns_writer_finish(&mdns->writer, 0, ISO_MDNS_FLAG_RESPONSE | ISO_MDNS_FLAG_AUTHORITATIVE);
    return true;
}
