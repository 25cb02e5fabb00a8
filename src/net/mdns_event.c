/* What is told to the user. Nothing is queued: an entry that has changed is marked, and compared
 * with what was told of it when somebody asks. So memory is bounded, and nobody hears of a state
 * that was over before he could. */
#include "net/mdns_state.h"

static uint32_t digest_bytes(uint32_t digest, const void *data, size_t len)
{
    const uint8_t *p = data;

    for (size_t i = 0; i < len; i++) {
        digest = (digest ^ p[i]) * 16777619u;
    }
    return digest;
}

/* Of everything that is told; addresses in any order. */
static uint32_t digest_entry(const struct iso_mdns_entry *entry)
{
    uint32_t digest = digest_bytes(2166136261u, &entry->port, sizeof entry->port);
    uint32_t addresses = 0;

    digest = digest_bytes(digest, entry->target.bytes, entry->target.len);
    digest = digest_bytes(digest, entry->txt_bytes, entry->txt_len);
    for (unsigned i = 0; i < ISO_MDNS_PEER_ADDRESSES_MAX; i++) {
        const struct iso_mdns_peer_address *address = &entry->addresses[i];
        if (iso_mdns_life_is_on(&address->life)) {
            addresses += digest_bytes(address->address.family, address->address.bytes, 16);
        }
    }
    return digest_bytes(digest, &addresses, sizeof addresses);
}

static void describe(struct iso_mdns *mdns, const struct iso_mdns_entry *entry,
                     struct iso_mdns_peer *peer)
{
    iso_mdns_name_text(&entry->target, mdns->text);
    peer->host = mdns->text;
    peer->port = entry->port;
    peer->txt = iso_bytes_from(entry->txt_bytes, entry->txt_len);
    peer->addresses = mdns->event_addresses;
    for (unsigned i = 0; i < ISO_MDNS_PEER_ADDRESSES_MAX; i++) {
        if (iso_mdns_life_is_on(&entry->addresses[i].life)) {
            mdns->event_addresses[peer->address_count++] = entry->addresses[i].address;
        }
    }
}

static void peer_event(struct iso_mdns *mdns, const struct iso_mdns_entry *entry, unsigned place,
                       enum iso_mdns_change change, struct iso_mdns_event *out)
{
    struct iso_str label = iso_mdns_name_label(&entry->name);

    memcpy(mdns->instance, label.ptr, label.len);
    mdns->instance[label.len] = '\0';
    *out = (struct iso_mdns_event){
        .kind = ISO_MDNS_EVENT_PEER,
        .browse = mdns->browses[place].id,
        .peer = {.change = change,
                 .interface = entry->interface,
                 .instance = mdns->instance,
                 .type = mdns->browses[place].text,
                 .host = ""},
    };
    if (change != ISO_MDNS_LOST) {
        describe(mdns, entry, &out->peer);
    }
}

/* The next thing to tell of an entry; false when all is told. */
static bool entry_event(struct iso_mdns *mdns, struct iso_mdns_entry *entry,
                        struct iso_mdns_event *out)
{
    bool complete = iso_mdns_entry_is_complete(entry);
    uint32_t digest = digest_entry(entry);

    /* Whoever hears of a change must hear of it before the new digest is kept: all browses that
     * know the entry are told in one go, by forgetting that they knew the rest. */
    for (unsigned i = 0; i < ISO_MDNS_BROWSES_MAX; i++) {
        uint32_t bit = 1u << i;
        bool wanted = complete && iso_mdns_life_is_on(&entry->ptr[i]);
        if (wanted && (entry->reported & bit) == 0) {
            entry->reported |= bit;
            entry->changed &= ~bit;
            if (entry->reported == bit) {
                entry->digest = digest;
            }
            peer_event(mdns, entry, i, ISO_MDNS_FOUND, out);
            return true;
        }
        if (!wanted && (entry->reported & bit) != 0) {
            entry->reported &= ~bit;
            peer_event(mdns, entry, i, ISO_MDNS_LOST, out);
            return true;
        }
    }
    if (entry->digest != digest) {
        entry->digest = digest;
        entry->changed = entry->reported;
    }
    entry->changed &= entry->reported;
    for (unsigned i = 0; i < ISO_MDNS_BROWSES_MAX; i++) {
        if ((entry->changed >> i & 1u) != 0) {
            entry->changed &= ~(1u << i);
            peer_event(mdns, entry, i, ISO_MDNS_CHANGED, out);
            return true;
        }
    }
    return false;
}

static bool rename_event(struct iso_mdns *mdns, struct iso_mdns_event *out)
{
    if (mdns->host_renamed) {
        mdns->host_renamed = false;
        *out = (struct iso_mdns_event){.kind = ISO_MDNS_EVENT_RENAME,
                                       .rename = {.name = iso_mdns_host(mdns)}};
        return true;
    }
    for (unsigned i = 0; i < ISO_MDNS_SERVICES_MAX; i++) {
        struct iso_mdns_own *own = mdns->services[i];
        if (own != NULL && own->renamed) {
            own->renamed = false;
            (void)iso_mdns_label_text(&own->label, ISO_MDNS_LABEL_INSTANCE, mdns->instance);
            *out = (struct iso_mdns_event){.kind = ISO_MDNS_EVENT_RENAME,
                                           .rename = {.service = own->id, .name = mdns->instance}};
            return true;
        }
    }
    return false;
}

bool iso_mdns_event(struct iso_mdns *mdns, uint64_t now_ms, struct iso_mdns_event *out)
{
    iso_mdns_cache_expire(mdns, now_ms);
    if (rename_event(mdns, out)) {
        return true;
    }
    for (unsigned i = 0; i < ISO_MDNS_PEERS_MAX; i++) {
        struct iso_mdns_entry *entry = mdns->peers[i];
        if (entry == NULL || !entry->dirty) {
            continue;
        }
        if (entry_event(mdns, entry, out)) {
            return true;
        }
        entry->dirty = false;
        iso_mdns_entry_touch(mdns, entry, now_ms);
    }
    iso_mdns_cache_expire(mdns, now_ms); /* those whose loss has been told */
    return false;
}

/* ---- TXT records (RFC 6763, section 6) ------------------------------------------------------- */

bool iso_mdns_txt_next(struct iso_bytes txt, size_t *at, struct iso_bytes *text)
{
    while (*at < txt.len) {
        size_t len = txt.ptr[*at];
        if (txt.len - *at < 1 + len) {
            return false;
        }
        struct iso_bytes found = iso_bytes_from(txt.ptr + *at + 1, len);
        *at += 1 + len;
        if (len != 0) {
            *text = found;
            return true;
        }
    }
    return false;
}

static uint8_t fold(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + ('a' - 'A')) : byte;
}

bool iso_mdns_txt_find(struct iso_bytes txt, const char *key, struct iso_bytes *value)
{
    size_t key_len = strlen(key);
    struct iso_bytes text;

    for (size_t at = 0; iso_mdns_txt_next(txt, &at, &text);) {
        size_t same = 0;
        while (same < key_len && same < text.len &&
               fold(text.ptr[same]) == fold((uint8_t)key[same])) {
            same++;
        }
        if (same == key_len && (text.len == key_len || text.ptr[key_len] == '=')) {
            size_t skip = text.len == key_len ? key_len : key_len + 1;
            *value = iso_bytes_from(text.ptr + skip, text.len - skip);
            return true;
        }
    }
    return false;
}
