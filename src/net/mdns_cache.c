/* What peers said (RFC 6762, sections 5.2 and 10). Only what belongs to a browse is kept: a PTR of
 * a browsed type makes an entry; SRV and TXT with its name, and addresses of the host that SRV
 * names, are part of it. So whatever else is on the network costs nothing.
 *
 * Invariants: an entry has at least one PTR that is on, or is waiting for its loss to be told; an
 * entry that has been complete for ISO_MDNS_CONFIRM_MS goes only when its records end. */
#include "net/mdns_state.h"

enum {
    RESOLVE_DELAY_MS = 20, /* to 120 */
    RESOLVE_SPREAD_MS = 100,
    RESOLVE_INTERVAL_MS = 1000,
    GOODBYE_MS = 1000,      /* what said goodbye, or was replaced, lives on for so long */
    REFRESH_MIN_MS = 10000, /* shorter lives are not worth asking for */
};

/* ---- Lives ----------------------------------------------------------------------------------- */

static const uint8_t refresh_percent[] = {80, 85, 90, 95};

static void set_refresh(struct iso_mdns *mdns, struct iso_mdns_life *life)
{
    life->refresh_ms = NEVER;
    if (life->stage < ISO_COUNT_OF(refresh_percent) && life->ttl_ms >= REFRESH_MIN_MS) {
        uint64_t percent = life->ttl_ms / 100;
        life->refresh_ms = life->received_ms + percent * refresh_percent[life->stage] +
                           iso_mdns_random_ms(mdns, 0, 2 * percent);
    }
}

static void life_start(struct iso_mdns *mdns, struct iso_mdns_life *life, uint32_t ttl_s,
                       uint64_t now_ms)
{
    if (ttl_s > ISO_MDNS_PEER_TTL_MAX_S) {
        ttl_s = ISO_MDNS_PEER_TTL_MAX_S;
    }
    *life = (struct iso_mdns_life){
        .received_ms = now_ms, .ttl_ms = ttl_s * 1000u, .expires_ms = now_ms + ttl_s * 1000ull};
    set_refresh(mdns, life);
}

static void life_end_soon(struct iso_mdns_life *life, uint64_t now_ms)
{
    if (iso_mdns_life_is_on(life)) {
        life->expires_ms = iso_mdns_min(life->expires_ms, now_ms + GOODBYE_MS);
        life->refresh_ms = NEVER;
    }
}

void iso_mdns_life_asked(struct iso_mdns *mdns, struct iso_mdns_life *life)
{
    life->stage++;
    set_refresh(mdns, life);
}

/* True when it has just ended. */
static bool life_expire(struct iso_mdns_life *life, uint64_t now_ms)
{
    if (iso_mdns_life_is_on(life) && life->expires_ms <= now_ms) {
        *life = (struct iso_mdns_life){.expires_ms = 0};
        return true;
    }
    return false;
}

/* ---- Entries --------------------------------------------------------------------------------- */

static bool is_wanted(const struct iso_mdns_entry *entry)
{
    for (unsigned i = 0; i < ISO_MDNS_BROWSES_MAX; i++) {
        if (iso_mdns_life_is_on(&entry->ptr[i])) {
            return true;
        }
    }
    return false;
}

bool iso_mdns_entry_is_complete(const struct iso_mdns_entry *entry)
{
    bool address = false;

    for (unsigned i = 0; i < ISO_MDNS_PEER_ADDRESSES_MAX; i++) {
        address = address || iso_mdns_life_is_on(&entry->addresses[i].life);
    }
    return address && iso_mdns_life_is_on(&entry->srv) && iso_mdns_life_is_on(&entry->txt);
}

void iso_mdns_entry_free(struct iso_mdns *mdns, unsigned index)
{
    struct iso_mdns_entry *entry = mdns->peers[index];

    if (entry != NULL) {
        iso_alloc_free(mdns->alloc, entry->txt_bytes, entry->txt_len);
        iso_alloc_free(mdns->alloc, entry, sizeof *entry);
        mdns->peers[index] = NULL;
        mdns->peer_count--;
    }
}

static void take_times(struct iso_mdns_entry *entry, const struct iso_mdns_life *life)
{
    if (iso_mdns_life_is_on(life)) {
        entry->expire_ms = iso_mdns_min(entry->expire_ms, life->expires_ms);
        entry->ask_ms = iso_mdns_min(entry->ask_ms, life->refresh_ms);
    }
}

void iso_mdns_entry_touch(struct iso_mdns *mdns, struct iso_mdns_entry *entry, uint64_t now_ms)
{
    bool complete = iso_mdns_entry_is_complete(entry);
    bool wanted = is_wanted(entry);

    entry->complete_ms = !complete                     ? NEVER
                         : entry->complete_ms == NEVER ? now_ms
                                                       : entry->complete_ms;
    if (complete || !wanted) {
        entry->resolve_ms = NEVER;
        entry->resolve_interval_ms = RESOLVE_INTERVAL_MS;
    } else if (entry->resolve_ms == NEVER) {
        entry->resolve_ms = now_ms + iso_mdns_random_ms(mdns, RESOLVE_DELAY_MS, RESOLVE_SPREAD_MS);
    }
    entry->expire_ms = NEVER;
    entry->ask_ms = entry->resolve_ms;
    for (unsigned i = 0; i < ISO_MDNS_BROWSES_MAX; i++) {
        take_times(entry, &entry->ptr[i]);
    }
    if (wanted) {
        take_times(entry, &entry->srv);
        take_times(entry, &entry->txt);
        for (unsigned i = 0; i < ISO_MDNS_PEER_ADDRESSES_MAX; i++) {
            take_times(entry, &entry->addresses[i].life);
        }
    }
    if (!wanted && entry->reported == 0) {
        entry->expire_ms = 0; /* to be freed */
    }
}

static void expire_entry(struct iso_mdns *mdns, unsigned index, uint64_t now_ms)
{
    struct iso_mdns_entry *entry = mdns->peers[index];
    bool ended = life_expire(&entry->srv, now_ms);

    ended = life_expire(&entry->txt, now_ms) || ended;
    for (unsigned i = 0; i < ISO_MDNS_BROWSES_MAX; i++) {
        ended = life_expire(&entry->ptr[i], now_ms) || ended;
    }
    for (unsigned i = 0; i < ISO_MDNS_PEER_ADDRESSES_MAX; i++) {
        ended = life_expire(&entry->addresses[i].life, now_ms) || ended;
    }
    entry->dirty = entry->dirty || ended;
    if (!is_wanted(entry) && entry->reported == 0) {
        iso_mdns_entry_free(mdns, index);
        return;
    }
    iso_mdns_entry_touch(mdns, entry, now_ms);
}

void iso_mdns_cache_expire(struct iso_mdns *mdns, uint64_t now_ms)
{
    for (unsigned i = 0; i < ISO_MDNS_PEERS_MAX; i++) {
        if (mdns->peers[i] != NULL && mdns->peers[i]->expire_ms <= now_ms) {
            expire_entry(mdns, i, now_ms);
        }
    }
}

/* Takes away what it lives by; it goes when its loss has been told. */
static void end_entry(struct iso_mdns_entry *entry)
{
    memset(entry->ptr, 0, sizeof entry->ptr);
    entry->dirty = true;
    entry->expire_ms = 0;
}

void iso_mdns_cache_forget(struct iso_mdns *mdns, uint32_t interface)
{
    for (unsigned i = 0; i < ISO_MDNS_PEERS_MAX; i++) {
        struct iso_mdns_entry *entry = mdns->peers[i];
        if (entry != NULL && entry->interface == interface) {
            end_entry(entry);
        }
    }
}

/* ---- A place for a new one ------------------------------------------------------------------- */

/* The order in which entries give way: those that have nothing behind them first, then the oldest.
 * One that has been complete for a while stays. */
static bool gives_way(const struct iso_mdns_entry *entry, const struct iso_mdns_entry *best,
                      uint64_t now_ms)
{
    if (entry->complete_ms != NEVER && now_ms - entry->complete_ms >= ISO_MDNS_CONFIRM_MS) {
        return false;
    }
    if (best == NULL) {
        return true;
    }
    bool complete = entry->complete_ms != NEVER;
    bool best_complete = best->complete_ms != NEVER;
    if (complete != best_complete) {
        return !complete;
    }
    return entry->created_ms < best->created_ms;
}

/* An entry that somebody knows of cannot vanish without a word: it ends, and leaves its place to
 * the packet after this one. */
static bool make_room(struct iso_mdns *mdns, unsigned *place, uint64_t now_ms)
{
    struct iso_mdns_entry *best = NULL;

    for (unsigned i = 0; i < ISO_MDNS_PEERS_MAX; i++) {
        struct iso_mdns_entry *entry = mdns->peers[i];
        if (entry == NULL) {
            *place = i;
            return true;
        }
        if (gives_way(entry, best, now_ms)) {
            best = entry;
            *place = i;
        }
    }
    if (best != NULL && best->reported != 0) {
        end_entry(best);
        return false;
    }
    if (best != NULL) {
        iso_mdns_entry_free(mdns, *place);
    }
    return best != NULL;
}

static unsigned count_of_source(const struct iso_mdns *mdns, const struct iso_mdns_address *source)
{
    unsigned count = 0;

    for (unsigned i = 0; i < ISO_MDNS_PEERS_MAX; i++) {
        if (mdns->peers[i] != NULL && iso_mdns_address_equal(&mdns->peers[i]->source, source)) {
            count++;
        }
    }
    return count;
}

static struct iso_mdns_entry *find_entry(struct iso_mdns *mdns, uint32_t interface,
                                         const struct iso_mdns_name *name, uint32_t hash)
{
    for (unsigned i = 0; i < ISO_MDNS_PEERS_MAX; i++) {
        struct iso_mdns_entry *entry = mdns->peers[i];
        if (entry != NULL && entry->name_hash == hash && entry->interface == interface &&
            iso_mdns_name_equal(&entry->name, name)) {
            return entry;
        }
    }
    return NULL;
}

/* NULL when there is no place, or no memory: then it is not known, as if the packet were lost. */
static struct iso_mdns_entry *new_entry(struct iso_mdns *mdns, uint32_t interface,
                                        const struct iso_mdns_name *name,
                                        const struct iso_mdns_address *source, uint64_t now_ms)
{
    unsigned place;

    if (count_of_source(mdns, source) >= ISO_MDNS_PEERS_PER_SOURCE_MAX ||
        !make_room(mdns, &place, now_ms)) {
        return NULL;
    }
    struct iso_mdns_entry *entry = iso_alloc_new(mdns->alloc, sizeof *entry);
    if (entry == NULL) {
        return NULL;
    }
    entry->interface = interface;
    entry->name = *name;
    entry->name_hash = iso_mdns_name_hash(name);
    entry->source = *source;
    entry->created_ms = now_ms;
    entry->complete_ms = NEVER;
    entry->resolve_ms = NEVER;
    entry->resolve_interval_ms = RESOLVE_INTERVAL_MS;
    mdns->peers[place] = entry;
    mdns->peer_count++;
    return entry;
}

/* ---- Responses ------------------------------------------------------------------------------- */

/* "label.type" with a label of well-formed text; of another type it would be nobody's. */
static bool is_instance_of(const struct iso_mdns_name *name, const struct iso_mdns_name *type)
{
    struct iso_str label = iso_mdns_name_label(name);

    return iso_mdns_name_is_child(name, type) && iso_utf8_valid(label.ptr, label.len) &&
           memchr(label.ptr, 0, label.len) == NULL;
}

static void take_ptr(struct iso_mdns *mdns, struct iso_mdns_iface *iface,
                     const struct iso_mdns_address *source, const struct iso_mdns_record *record,
                     uint64_t now_ms)
{
    struct iso_mdns_name name;

    iso_mdns_record_target(record, &name);
    uint32_t hash = iso_mdns_name_hash(&name);
    for (unsigned i = 0; i < ISO_MDNS_BROWSES_MAX; i++) {
        if (mdns->browses[i].id == 0 ||
            !iso_mdns_name_equal(&record->name, &mdns->browses[i].question) ||
            !is_instance_of(&name, &mdns->browses[i].type) ||
            iso_mdns_own_find(mdns, &name, hash) != ENTITIES) {
            continue;
        }
        struct iso_mdns_entry *entry = find_entry(mdns, iface->id, &name, hash);
        if (record->ttl_s == 0) {
            if (entry != NULL) {
                life_end_soon(&entry->ptr[i], now_ms);
                iso_mdns_entry_touch(mdns, entry, now_ms);
            }
            continue;
        }
        if (entry == NULL) {
            entry = new_entry(mdns, iface->id, &name, source, now_ms);
        }
        if (entry != NULL) {
            life_start(mdns, &entry->ptr[i], record->ttl_s, now_ms);
            entry->dirty = true;
            iso_mdns_entry_touch(mdns, entry, now_ms);
        }
    }
}

static void take_srv(struct iso_mdns *mdns, struct iso_mdns_entry *entry,
                     const struct iso_mdns_record *record, uint64_t now_ms)
{
    struct iso_mdns_name target;
    uint16_t port = (uint16_t)(record->data.ptr[4] << 8 | record->data.ptr[5]);

    iso_mdns_record_target(record, &target);
    bool same = iso_mdns_life_is_on(&entry->srv) && entry->port == port &&
                iso_mdns_name_equal(&entry->target, &target);
    if (record->ttl_s == 0) {
        if (same) {
            life_end_soon(&entry->srv, now_ms);
        }
        return;
    }
    /* A target elsewhere or no port: of no use to anybody. */
    if (port == 0 || !iso_mdns_name_is_local(&target)) {
        return;
    }
    if (!iso_mdns_name_equal(&entry->target, &target)) {
        memset(entry->addresses, 0, sizeof entry->addresses); /* of the host before */
        entry->target = target;
        entry->target_hash = iso_mdns_name_hash(&target);
    }
    entry->port = port;
    life_start(mdns, &entry->srv, record->ttl_s, now_ms);
}

static void take_txt(struct iso_mdns *mdns, struct iso_mdns_entry *entry,
                     const struct iso_mdns_record *record, uint64_t now_ms)
{
    bool same = iso_bytes_equal(iso_bytes_from(entry->txt_bytes, entry->txt_len), record->data);

    if (record->ttl_s == 0) {
        if (same) {
            life_end_soon(&entry->txt, now_ms);
        }
        return;
    }
    if (record->data.len > ISO_MDNS_TXT_MAX) {
        return;
    }
    if (!same) {
        uint8_t *bytes = iso_alloc_new(mdns->alloc, record->data.len);
        if (bytes == NULL) {
            return;
        }
        iso_memory_copy(bytes, record->data.ptr, record->data.len);
        iso_alloc_free(mdns->alloc, entry->txt_bytes, entry->txt_len);
        entry->txt_bytes = bytes;
        entry->txt_len = (uint16_t)record->data.len;
    }
    life_start(mdns, &entry->txt, record->ttl_s, now_ms);
}

static void take_instance(struct iso_mdns *mdns, const struct iso_mdns_iface *iface,
                          const struct iso_mdns_record *record, uint64_t now_ms)
{
    struct iso_mdns_entry *entry =
        find_entry(mdns, iface->id, &record->name, iso_mdns_name_hash(&record->name));

    if (entry == NULL) {
        return;
    }
    if (record->type == ISO_MDNS_SRV) {
        take_srv(mdns, entry, record, now_ms);
    } else {
        take_txt(mdns, entry, record, now_ms);
    }
    entry->dirty = true;
    iso_mdns_entry_touch(mdns, entry, now_ms);
}

static void put_address(struct iso_mdns *mdns, struct iso_mdns_entry *entry,
                        const struct iso_mdns_address *address,
                        const struct iso_mdns_record *record, uint64_t now_ms)
{
    struct iso_mdns_peer_address *place = NULL;
    struct iso_mdns_peer_address *found = NULL;

    for (unsigned i = 0; i < ISO_MDNS_PEER_ADDRESSES_MAX; i++) {
        struct iso_mdns_peer_address *at = &entry->addresses[i];
        if (!iso_mdns_life_is_on(&at->life)) {
            place = place == NULL ? at : place;
        } else if (iso_mdns_address_equal(&at->address, address)) {
            found = at;
        } else if (record->flush && at->address.family == address->family &&
                   now_ms - at->life.received_ms > GOODBYE_MS) {
            life_end_soon(&at->life, now_ms); /* section 10.2: not in the new set */
        }
    }
    if (record->ttl_s == 0) {
        if (found != NULL) {
            life_end_soon(&found->life, now_ms);
        }
        return;
    }
    place = found != NULL ? found : place;
    if (place != NULL) {
        place->address = *address;
        life_start(mdns, &place->life, record->ttl_s, now_ms);
    }
}

/* Addresses that nobody can be reached at. */
static bool is_usable(const struct iso_mdns_address *address)
{
    static const uint8_t zero[16];
    size_t size = address->family == 4 ? 4 : 16;

    if (memcmp(address->bytes, zero, size) == 0) {
        return false;
    }
    return address->family == 4 ? (address->bytes[0] & 0xf0) != 0xe0 && address->bytes[0] != 255
                                : address->bytes[0] != 0xff;
}

static void take_address(struct iso_mdns *mdns, const struct iso_mdns_iface *iface,
                         const struct iso_mdns_record *record, uint64_t now_ms)
{
    uint32_t hash = iso_mdns_name_hash(&record->name);
    struct iso_mdns_address address = {.family = record->type == ISO_MDNS_A ? 4 : 6};

    memcpy(address.bytes, record->data.ptr, record->data.len);
    if (address.family == 6 && address.bytes[0] == 0xfe && (address.bytes[1] & 0xc0) == 0x80) {
        address.scope_id = iface->id;
    }
    if (!is_usable(&address)) {
        return;
    }
    for (unsigned i = 0; i < ISO_MDNS_PEERS_MAX; i++) {
        struct iso_mdns_entry *entry = mdns->peers[i];
        if (entry != NULL && entry->interface == iface->id && entry->target_hash == hash &&
            iso_mdns_life_is_on(&entry->srv) &&
            iso_mdns_name_equal(&entry->target, &record->name)) {
            put_address(mdns, entry, &address, record, now_ms);
            entry->dirty = true;
            iso_mdns_entry_touch(mdns, entry, now_ms);
        }
    }
}

/* Three times over the records, so that each finds what it belongs to, whatever their order. */
void iso_mdns_cache_response(struct iso_mdns *mdns, struct iso_mdns_iface *iface,
                             const struct iso_mdns_address *source, struct iso_mdns_reader reader,
                             uint64_t now_ms)
{
    for (unsigned pass = 0; pass < 3; pass++) {
        if (pass == 1 && mdns->peer_count == 0) {
            return; /* nothing that the rest could belong to */
        }
        struct iso_mdns_reader records = reader;
        struct iso_mdns_record record;
        enum iso_mdns_section section;
        while (iso_mdns_reader_record(&records, &record, &section)) {
            if (section == ISO_MDNS_AUTHORITY || record.class != ISO_MDNS_CLASS_IN) {
                continue;
            }
            if (pass == 0 && record.type == ISO_MDNS_PTR) {
                take_ptr(mdns, iface, source, &record, now_ms);
            } else if (pass == 1 && (record.type == ISO_MDNS_SRV || record.type == ISO_MDNS_TXT)) {
                take_instance(mdns, iface, &record, now_ms);
            } else if (pass == 2 && (record.type == ISO_MDNS_A || record.type == ISO_MDNS_AAAA)) {
                take_address(mdns, iface, &record, now_ms);
            }
        }
    }
}
