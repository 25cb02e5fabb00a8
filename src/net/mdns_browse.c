/* Our own questions (RFC 6762, section 5): for the instances of a type, again and again at growing
 * intervals, with the answers that we know; for what is missing of an instance; and for what is
 * about to be too old. All that is due on an interface goes into common packets. */
#include "net/mdns_state.h"

enum {
    FIRST_DELAY_MS = 20, /* to 120 */
    FIRST_SPREAD_MS = 100,
    FIRST_INTERVAL_MS = 1000,
    /* Another host's question stands for ours if ours was due so soon. */
    SUPPRESS_WINDOW_MS = 1000,
};
static const uint64_t interval_max_ms = 3600000;

/* ---- Browses --------------------------------------------------------------------------------- */

static void start_schedule(struct iso_mdns *mdns, struct iso_mdns_schedule *schedule,
                           uint64_t now_ms)
{
    *schedule = (struct iso_mdns_schedule){
        .next_ms = now_ms + iso_mdns_random_ms(mdns, FIRST_DELAY_MS, FIRST_SPREAD_MS),
        .interval_ms = FIRST_INTERVAL_MS,
    };
}

void iso_mdns_browse_iface(struct iso_mdns *mdns, struct iso_mdns_iface *iface, uint64_t now_ms)
{
    for (unsigned i = 0; i < ISO_MDNS_BROWSES_MAX; i++) {
        start_schedule(mdns, &iface->schedules[i], now_ms);
    }
}

static unsigned free_browse(const struct iso_mdns *mdns)
{
    unsigned i = 0;

    while (i < ISO_MDNS_BROWSES_MAX && mdns->browses[i].id != 0) {
        i++;
    }
    return i;
}

enum iso_err iso_mdns_browse_start(struct iso_mdns *mdns, const char *type, const char *subtype,
                                   uint64_t now_ms, uint32_t *id_out, struct iso_report *report)
{
    struct iso_mdns_browse browse = {.id = 0};
    unsigned place = free_browse(mdns);

    enum iso_err err = iso_mdns_type_parse(type, &browse.type, report);
    browse.question = browse.type;
    if (err == ISO_OK && subtype != NULL) {
        err = iso_mdns_subtype_parse(subtype, &browse.type, &browse.question, report);
    }
    if (err != ISO_OK) {
        return err;
    }
    if (place == ISO_MDNS_BROWSES_MAX) {
        return iso_fail(report, ISO_E_LIMIT, "at most %u types can be browsed",
                        ISO_MDNS_BROWSES_MAX);
    }
    (void)iso_format(browse.text, sizeof browse.text, "%s", type);
    browse.id = ++mdns->next_id;
    mdns->browses[place] = browse;
    for (unsigned i = 0; i < ISO_MDNS_INTERFACES_MAX; i++) {
        if (mdns->ifaces[i] != NULL) {
            start_schedule(mdns, &mdns->ifaces[i]->schedules[place], now_ms);
        }
    }
    *id_out = browse.id;
    return ISO_OK;
}

void iso_mdns_browse_stop(struct iso_mdns *mdns, uint32_t id)
{
    unsigned place = 0;

    while (place < ISO_MDNS_BROWSES_MAX && (id == 0 || mdns->browses[place].id != id)) {
        place++;
    }
    if (place == ISO_MDNS_BROWSES_MAX) {
        return;
    }
    mdns->browses[place].id = 0;
    for (unsigned i = 0; i < ISO_MDNS_INTERFACES_MAX; i++) {
        if (mdns->ifaces[i] != NULL) {
            mdns->ifaces[i]->known_browses &= ~(1u << place);
        }
    }
    for (unsigned i = 0; i < ISO_MDNS_PEERS_MAX; i++) {
        struct iso_mdns_entry *entry = mdns->peers[i];
        if (entry != NULL) {
            entry->ptr[place].expires_ms = 0;
            entry->reported &= ~(1u << place);
            entry->expire_ms = 0; /* looked at the next time */
        }
    }
}

/* ---- Others ask the same (section 7.3) ------------------------------------------------------- */

/* Whether every answer that the asker knows is known to us: only then do we learn from its question
 * what we would from ours. */
static bool knows_no_more(const struct iso_mdns *mdns, const struct iso_mdns_iface *iface,
                          unsigned place, struct iso_mdns_reader reader)
{
    struct iso_mdns_record record;
    enum iso_mdns_section section;

    while (iso_mdns_reader_record(&reader, &record, &section)) {
        if (section != ISO_MDNS_ANSWERS || record.type != ISO_MDNS_PTR ||
            !iso_mdns_name_equal(&record.name, &mdns->browses[place].question)) {
            continue;
        }
        struct iso_mdns_name name;
        bool found = false;
        iso_mdns_record_target(&record, &name);
        for (unsigned i = 0; i < ISO_MDNS_PEERS_MAX && !found; i++) {
            const struct iso_mdns_entry *entry = mdns->peers[i];
            found = entry != NULL && entry->interface == iface->id &&
                    iso_mdns_life_is_on(&entry->ptr[place]) &&
                    iso_mdns_name_equal(&entry->name, &name);
        }
        if (!found) {
            return false;
        }
    }
    return true;
}

static void next_interval(struct iso_mdns_schedule *schedule, uint64_t now_ms)
{
    schedule->next_ms = now_ms + schedule->interval_ms;
    schedule->interval_ms = iso_mdns_min(2 * schedule->interval_ms, interval_max_ms);
}

void iso_mdns_browse_heard(struct iso_mdns *mdns, struct iso_mdns_iface *iface,
                           struct iso_mdns_reader reader, uint64_t now_ms)
{
    struct iso_mdns_reader questions = reader;
    struct iso_mdns_question question;
    uint32_t done = 0; /* browses; a packet may ask for one hundreds of times */

    if ((reader.flags & ISO_MDNS_FLAG_TRUNCATED) != 0) {
        return; /* what else it knows is to follow */
    }
    while (iso_mdns_reader_question(&questions, &question)) {
        for (unsigned i = 0; i < ISO_MDNS_BROWSES_MAX; i++) {
            struct iso_mdns_schedule *schedule = &iface->schedules[i];
            if ((done >> i & 1u) != 0 || mdns->browses[i].id == 0 || question.unicast ||
                question.type != ISO_MDNS_PTR ||
                !iso_mdns_name_equal(&question.name, &mdns->browses[i].question)) {
                continue;
            }
            done |= 1u << i;
            if (schedule->next_ms <= now_ms + SUPPRESS_WINDOW_MS &&
                schedule->suppressed < ISO_MDNS_SUPPRESSIONS_MAX &&
                knows_no_more(mdns, iface, i, reader)) {
                schedule->suppressed++;
                next_interval(schedule, now_ms);
            }
        }
    }
}

/* ---- Writing --------------------------------------------------------------------------------- */

enum { QUESTIONS_MAX = 64 };

/* What has been asked in the packet being written. */
struct asked {
    unsigned count;
    uint32_t hashes[QUESTIONS_MAX]; /* of name and type */
};

/* Asks unless it is asked in this packet; false when that is full. */
static bool ask(struct iso_mdns *mdns, struct asked *asked, const struct iso_mdns_name *name,
                uint16_t type)
{
    uint32_t hash = iso_mdns_name_hash(name) * 31u + type;

    for (unsigned i = 0; i < asked->count; i++) {
        if (asked->hashes[i] == hash) {
            return true;
        }
    }
    if (asked->count == QUESTIONS_MAX ||
        !iso_mdns_writer_question(&mdns->writer, name, type, ISO_MDNS_CLASS_IN)) {
        return false;
    }
    asked->hashes[asked->count++] = hash;
    return true;
}

static bool ask_browses(struct iso_mdns *mdns, struct iso_mdns_iface *iface, struct asked *asked,
                        uint64_t now_ms)
{
    for (unsigned i = 0; i < ISO_MDNS_BROWSES_MAX; i++) {
        struct iso_mdns_schedule *schedule = &iface->schedules[i];
        if (mdns->browses[i].id == 0 || schedule->next_ms > now_ms) {
            continue;
        }
        if (!ask(mdns, asked, &mdns->browses[i].question, ISO_MDNS_PTR)) {
            return false;
        }
        schedule->suppressed = 0;
        next_interval(schedule, now_ms);
        iface->known_browses |= 1u << i;
        iface->known_at = 0;
    }
    return true;
}

/* What is about to be too old. */
static bool ask_refresh(struct iso_mdns *mdns, struct iso_mdns_iface *iface, struct asked *asked,
                        struct iso_mdns_entry *entry, uint64_t now_ms)
{
    for (unsigned i = 0; i < ISO_MDNS_BROWSES_MAX; i++) {
        if (iso_mdns_life_is_on(&entry->ptr[i]) && entry->ptr[i].refresh_ms <= now_ms) {
            if (!ask(mdns, asked, &mdns->browses[i].question, ISO_MDNS_PTR)) {
                return false;
            }
            iso_mdns_life_asked(mdns, &entry->ptr[i]);
            iface->known_browses |= 1u << i;
            iface->known_at = 0;
        }
    }
    struct iso_mdns_life *lives[] = {&entry->srv, &entry->txt};
    for (unsigned i = 0; i < 2; i++) {
        if (iso_mdns_life_is_on(lives[i]) && lives[i]->refresh_ms <= now_ms) {
            if (!ask(mdns, asked, &entry->name, i == 0 ? ISO_MDNS_SRV : ISO_MDNS_TXT)) {
                return false;
            }
            iso_mdns_life_asked(mdns, lives[i]);
        }
    }
    for (unsigned i = 0; i < ISO_MDNS_PEER_ADDRESSES_MAX; i++) {
        struct iso_mdns_peer_address *address = &entry->addresses[i];
        if (iso_mdns_life_is_on(&address->life) && address->life.refresh_ms <= now_ms) {
            if (!ask(mdns, asked, &entry->target,
                     address->address.family == 4 ? ISO_MDNS_A : ISO_MDNS_AAAA)) {
                return false;
            }
            iso_mdns_life_asked(mdns, &address->life);
        }
    }
    return true;
}

/* What is missing. */
static bool ask_missing(struct iso_mdns *mdns, struct asked *asked, struct iso_mdns_entry *entry,
                        uint64_t now_ms)
{
    bool fits = true;

    if (entry->resolve_ms > now_ms) {
        return true;
    }
    if (!iso_mdns_life_is_on(&entry->srv)) {
        fits = ask(mdns, asked, &entry->name, ISO_MDNS_SRV);
    } else if (!iso_mdns_entry_is_complete(entry)) {
        fits = ask(mdns, asked, &entry->target, ISO_MDNS_A) &&
               ask(mdns, asked, &entry->target, ISO_MDNS_AAAA);
    }
    if (fits && !iso_mdns_life_is_on(&entry->txt)) {
        fits = ask(mdns, asked, &entry->name, ISO_MDNS_TXT);
    }
    if (fits) {
        entry->resolve_ms = now_ms + entry->resolve_interval_ms;
        entry->resolve_interval_ms = iso_mdns_min(2 * entry->resolve_interval_ms, interval_max_ms);
    }
    return fits;
}

static bool ask_entries(struct iso_mdns *mdns, struct iso_mdns_iface *iface, struct asked *asked,
                        uint64_t now_ms)
{
    for (unsigned i = 0; i < ISO_MDNS_PEERS_MAX; i++) {
        struct iso_mdns_entry *entry = mdns->peers[i];
        if (entry == NULL || entry->interface != iface->id || entry->ask_ms > now_ms) {
            continue;
        }
        bool fits = ask_refresh(mdns, iface, asked, entry, now_ms) &&
                    ask_missing(mdns, asked, entry, now_ms);
        iso_mdns_entry_touch(mdns, entry, now_ms);
        if (!fits) {
            return false;
        }
    }
    return true;
}

/* A PTR record that we need not be told (section 7.1): more than half of its life is left. */
static bool write_known(struct iso_mdns *mdns, const struct iso_mdns_entry *entry, unsigned place,
                        uint64_t now_ms)
{
    const struct iso_mdns_life *life = &entry->ptr[place];
    struct iso_mdns_record record;

    if (!iso_mdns_life_is_on(life) || life->expires_ms <= now_ms ||
        life->expires_ms - now_ms <= life->ttl_ms / 2) {
        return true;
    }
    record.name = mdns->browses[place].question;
    record.type = ISO_MDNS_PTR;
    record.class = ISO_MDNS_CLASS_IN;
    record.flush = false;
    record.ttl_s = (uint32_t)((life->expires_ms - now_ms) / 1000);
    record.data = iso_bytes_from(entry->name.bytes, entry->name.len);
    return iso_mdns_writer_record(&mdns->writer, ISO_MDNS_ANSWERS, &record);
}

/* Our own service, which needs no answer either: we do not answer ourselves, and others see that
 * they may know less than we do (section 7.3). */
static bool write_known_own(struct iso_mdns *mdns, const struct iso_mdns_iface *iface,
                            unsigned service, unsigned place)
{
    const struct iso_mdns_own *own = mdns->services[service];
    const struct iso_mdns_name *question = &mdns->browses[place].question;
    struct iso_mdns_record record;

    if (own == NULL || !iso_mdns_claim_is_ours(iface, service + 1)) {
        return true;
    }
    unsigned slot = SLOT_PTR;
    if (!iso_mdns_name_equal(question, &own->type)) {
        for (slot = SLOT_SUBTYPES; slot < SLOT_SUBTYPES + (unsigned)own->subtype_count; slot++) {
            if (iso_mdns_name_equal(question, &own->subtypes[slot - SLOT_SUBTYPES])) {
                break;
            }
        }
        if (slot == SLOT_SUBTYPES + (unsigned)own->subtype_count) {
            return true;
        }
    }
    iso_mdns_own_record(mdns, iface, service + 1, slot, &record);
    return iso_mdns_writer_record(&mdns->writer, ISO_MDNS_ANSWERS, &record);
}

/* Known answers of the browses in iface->known_browses: our services, then the peers, from known_at
 * on; what does not fit follows in the next packet. */
static void write_all_known(struct iso_mdns *mdns, struct iso_mdns_iface *iface, uint64_t now_ms)
{
    for (; iface->known_at < ISO_MDNS_SERVICES_MAX + ISO_MDNS_PEERS_MAX; iface->known_at++) {
        bool ours = iface->known_at < ISO_MDNS_SERVICES_MAX;
        const struct iso_mdns_entry *entry =
            ours ? NULL : mdns->peers[iface->known_at - ISO_MDNS_SERVICES_MAX];
        if (!ours && (entry == NULL || entry->interface != iface->id)) {
            continue;
        }
        size_t len = mdns->writer.len;
        for (unsigned i = 0; i < ISO_MDNS_BROWSES_MAX; i++) {
            if ((iface->known_browses >> i & 1u) == 0) {
                continue;
            }
            bool fits = ours ? write_known_own(mdns, iface, iface->known_at, i)
                             : write_known(mdns, entry, i, now_ms);
            if (!fits && len != ISO_MDNS_HEADER_SIZE) {
                return; /* those of this one that fitted are repeated, which does no harm */
            }
        }
    }
    iface->known_browses = 0;
    iface->known_at = 0;
}

bool iso_mdns_query_write(struct iso_mdns *mdns, struct iso_mdns_iface *iface, uint64_t now_ms)
{
    struct asked asked = {.count = 0};

    if ((!iface->has[0] && !iface->has[1]) ||
        iso_mdns_browse_deadline(mdns, iface, now_ms) > now_ms) {
        return false;
    }
    iso_mdns_writer_init(&mdns->writer);
    if (iface->known_browses == 0) {
        (void)(ask_browses(mdns, iface, &asked, now_ms) &&
               ask_entries(mdns, iface, &asked, now_ms));
    }
    write_all_known(mdns, iface, now_ms);
    bool more = iface->known_browses != 0;
    iso_mdns_writer_finish(&mdns->writer, 0, more ? ISO_MDNS_FLAG_TRUNCATED : 0);
    if (iso_mdns_writer_is_empty(&mdns->writer)) {
        return false;
    }
    (void)iso_mdns_budget_take(&iface->queries, ISO_MDNS_QUERY_PACKETS_PER_S, now_ms);
    return true;
}

uint64_t iso_mdns_browse_deadline(const struct iso_mdns *mdns, const struct iso_mdns_iface *iface,
                                  uint64_t now_ms)
{
    uint64_t deadline = NEVER;

    if (!iface->has[0] && !iface->has[1]) {
        return NEVER;
    }
    for (unsigned i = 0; i < ISO_MDNS_BROWSES_MAX; i++) {
        if (mdns->browses[i].id != 0) {
            deadline = iso_mdns_min(deadline, iface->schedules[i].next_ms);
        }
    }
    for (unsigned i = 0; i < ISO_MDNS_PEERS_MAX; i++) {
        const struct iso_mdns_entry *entry = mdns->peers[i];
        if (entry != NULL && entry->interface == iface->id) {
            deadline = iso_mdns_min(deadline, entry->ask_ms);
        }
    }
    if (iface->known_browses != 0) {
        return now_ms; /* the rest of what was begun is not held up */
    }
    if (deadline == NEVER) {
        return NEVER;
    }
    uint64_t free_ms =
        iso_mdns_budget_free_ms(&iface->queries, ISO_MDNS_QUERY_PACKETS_PER_S, now_ms);
    return free_ms > now_ms && deadline < free_ms ? free_ms : deadline;
}
