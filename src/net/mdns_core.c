/* The state machine as a whole: interfaces, what comes in (RFC 6762, section 11 for where from),
 * what goes out and when. */
#include "net/mdns_state.h"

/* An echo that has not come after so long was lost. */
enum { ECHO_MS = 2000 };

uint64_t iso_mdns_random_ms(struct iso_mdns *mdns, uint64_t from, uint64_t range)
{
    return from + ((uint64_t)mdns->random(mdns->ctx) * range >> 32);
}

bool iso_mdns_address_equal(const struct iso_mdns_address *a, const struct iso_mdns_address *b)
{
    return a->family == b->family && iso_memory_equal(a->bytes, b->bytes, a->family == 4 ? 4 : 16);
}

bool iso_mdns_budget_take(struct iso_mdns_budget *budget, unsigned per_second, uint64_t now_ms)
{
    if (now_ms - budget->since_ms >= 1000 || now_ms < budget->since_ms) {
        *budget = (struct iso_mdns_budget){.since_ms = now_ms};
    }
    if (budget->used >= per_second) {
        return false;
    }
    budget->used++;
    return true;
}

uint64_t iso_mdns_budget_free_ms(const struct iso_mdns_budget *budget, unsigned per_second,
                                 uint64_t now_ms)
{
    if (budget->used < per_second || now_ms - budget->since_ms >= 1000) {
        return now_ms;
    }
    return budget->since_ms + 1000;
}

/* ---- Life ------------------------------------------------------------------------------------ */

enum iso_err iso_mdns_create(const struct iso_mdns_config *config, struct iso_mdns **out,
                             struct iso_report *report)
{
    struct iso_str host = iso_str_from_z(config->host);

    if (host.len == 0 || host.len > ISO_MDNS_LABEL_MAX || !iso_utf8_valid(host.ptr, host.len) ||
        memchr(host.ptr, '.', host.len) != NULL) {
        return iso_fail(report, ISO_E_ARGUMENT,
                        "'%s' is no host name for mDNS; write 1 to 63 bytes without a dot",
                        host.len == 0 ? "" : host.ptr);
    }
    struct iso_mdns *mdns = iso_alloc_new(config->alloc, sizeof *mdns);
    if (mdns == NULL) {
        return ISO_E_NOMEM;
    }
    mdns->alloc = config->alloc;
    mdns->random = config->random;
    mdns->ctx = config->ctx;
    iso_mdns_label_init(&mdns->host_label, host, ISO_MDNS_LABEL_HOST);
    iso_mdns_host_named(mdns);
    *out = mdns;
    return ISO_OK;
}

void iso_mdns_destroy(struct iso_mdns *mdns)
{
    if (mdns == NULL) {
        return;
    }
    for (unsigned i = 0; i < ISO_MDNS_PEERS_MAX; i++) {
        iso_mdns_entry_free(mdns, i);
    }
    for (unsigned i = 0; i < ISO_MDNS_INTERFACES_MAX; i++) {
        iso_alloc_free(mdns->alloc, mdns->ifaces[i], sizeof *mdns->ifaces[i]);
    }
    for (unsigned i = 0; i < ISO_MDNS_SERVICES_MAX; i++) {
        iso_alloc_free(mdns->alloc, mdns->services[i], sizeof *mdns->services[i]);
    }
    iso_alloc_free(mdns->alloc, mdns, sizeof *mdns);
}

const char *iso_mdns_host(struct iso_mdns *mdns)
{
    iso_mdns_name_text(&mdns->host, mdns->text);
    return mdns->text;
}

void iso_mdns_stop(struct iso_mdns *mdns, uint64_t now_ms)
{
    for (unsigned i = 0; i < ISO_MDNS_BROWSES_MAX; i++) {
        if (mdns->browses[i].id != 0) {
            iso_mdns_browse_stop(mdns, mdns->browses[i].id);
        }
    }
    for (unsigned i = 0; i < ISO_MDNS_SERVICES_MAX; i++) {
        if (mdns->services[i] != NULL) {
            iso_mdns_service_remove(mdns, mdns->services[i]->id, now_ms);
        }
    }
    for (unsigned i = 0; i < ISO_MDNS_INTERFACES_MAX; i++) {
        struct iso_mdns_iface *iface = mdns->ifaces[i];
        if (iface != NULL) {
            iso_mdns_claim_end(&iface->claims[HOST], now_ms);
            memset(iface->replies, 0, sizeof iface->replies);
        }
    }
    mdns->stopping = true;
}

/* ---- Interfaces ------------------------------------------------------------------------------ */

struct iso_mdns_iface *iso_mdns_iface_find(struct iso_mdns *mdns, uint32_t interface)
{
    for (unsigned i = 0; i < ISO_MDNS_INTERFACES_MAX; i++) {
        if (mdns->ifaces[i] != NULL && mdns->ifaces[i]->id == interface) {
            return mdns->ifaces[i];
        }
    }
    return NULL;
}

static bool has_address(const struct iso_mdns_address *addresses, size_t count,
                        const struct iso_mdns_address *wanted)
{
    for (size_t i = 0; i < count; i++) {
        if (iso_mdns_address_equal(&addresses[i], wanted)) {
            return true;
        }
    }
    return false;
}

/* Takes the new addresses; true when the set has changed. Those that are gone get a goodbye. */
static bool replace_addresses(struct iso_mdns_iface *iface,
                              const struct iso_mdns_address *addresses, size_t count)
{
    bool changed = count != iface->address_count;
    bool told = iface->claims[HOST].told;

    for (unsigned i = 0; i < iface->address_count; i++) {
        const struct iso_mdns_address *old = &iface->addresses[i];
        if (has_address(addresses, count, old)) {
            continue;
        }
        changed = true;
        if (told && iface->gone_count < ISO_MDNS_ADDRESSES_MAX &&
            !has_address(iface->gone, iface->gone_count, old)) {
            iface->gone[iface->gone_count++] = *old;
        }
    }
    for (unsigned i = 0; i < iface->gone_count;) {
        if (has_address(addresses, count, &iface->gone[i])) {
            iface->gone[i] = iface->gone[--iface->gone_count]; /* it is back */
        } else {
            i++;
        }
    }
    iface->address_count = (unsigned)count;
    iso_memory_copy(iface->addresses, addresses, count * sizeof *addresses);
    return changed;
}

static struct iso_mdns_iface *add_iface(struct iso_mdns *mdns, uint32_t interface)
{
    for (unsigned i = 0; i < ISO_MDNS_INTERFACES_MAX; i++) {
        if (mdns->ifaces[i] == NULL) {
            mdns->ifaces[i] = iso_alloc_new(mdns->alloc, sizeof *mdns->ifaces[i]);
            if (mdns->ifaces[i] != NULL) {
                mdns->ifaces[i]->id = interface;
                for (unsigned entity = 0; entity < ENTITIES; entity++) {
                    mdns->ifaces[i]->claims[entity].next_ms = NEVER;
                }
            }
            return mdns->ifaces[i];
        }
    }
    return NULL;
}

static bool is_full(const struct iso_mdns *mdns)
{
    for (unsigned i = 0; i < ISO_MDNS_INTERFACES_MAX; i++) {
        if (mdns->ifaces[i] == NULL) {
            return false;
        }
    }
    return true;
}

enum iso_err iso_mdns_interface_set(struct iso_mdns *mdns, uint32_t interface,
                                    const struct iso_mdns_address *addresses, size_t count,
                                    uint64_t now_ms)
{
    struct iso_mdns_iface *iface = iso_mdns_iface_find(mdns, interface);

    if (iface == NULL) {
        if (is_full(mdns)) {
            return ISO_E_LIMIT;
        }
        iface = add_iface(mdns, interface);
        if (iface == NULL) {
            return ISO_E_NOMEM;
        }
    }
    if (count > ISO_MDNS_ADDRESSES_MAX) {
        count = ISO_MDNS_ADDRESSES_MAX;
    }
    if (!replace_addresses(iface, addresses, count)) {
        return ISO_OK;
    }
    bool had[2] = {iface->has[0], iface->has[1]};
    iface->has[0] = iface->has[1] = false;
    for (size_t i = 0; i < count; i++) {
        iface->has[addresses[i].family == 6] = true;
    }
    /* Bits of the host's set mean other addresses now. */
    iso_mdns_reply_forget(iface, HOST);
    if ((iface->has[0] && !had[0]) || (iface->has[1] && !had[1])) {
        iso_mdns_claim_all(mdns, iface, now_ms);
        iso_mdns_browse_iface(mdns, iface, now_ms);
    } else {
        iso_mdns_claim_announce(iface, HOST, now_ms);
    }
    return ISO_OK;
}

void iso_mdns_interface_remove(struct iso_mdns *mdns, uint32_t interface, uint64_t now_ms)
{
    (void)now_ms;
    for (unsigned i = 0; i < ISO_MDNS_INTERFACES_MAX; i++) {
        if (mdns->ifaces[i] != NULL && mdns->ifaces[i]->id == interface) {
            iso_alloc_free(mdns->alloc, mdns->ifaces[i], sizeof *mdns->ifaces[i]);
            mdns->ifaces[i] = NULL;
        }
    }
    iso_mdns_cache_forget(mdns, interface);
    iso_mdns_service_reap(mdns);
}

/* ---- What comes in --------------------------------------------------------------------------- */

static bool same_prefix(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    for (unsigned i = 0; i < bits; i++) {
        if (((a[i / 8] ^ b[i / 8]) >> (7 - i % 8) & 1) != 0) {
            return false;
        }
    }
    return true;
}

/* RFC 6762, section 11: an address of one of the interface's networks, or a link-local one. */
static bool is_on_link(const struct iso_mdns_iface *iface, const struct iso_mdns_address *address)
{
    static const uint8_t link_v4[] = {169, 254};
    static const uint8_t link_v6[] = {0xfe, 0x80};

    if (same_prefix(address->bytes, address->family == 4 ? link_v4 : link_v6,
                    address->family == 4 ? 16 : 10)) {
        return true;
    }
    for (unsigned i = 0; i < iface->address_count; i++) {
        const struct iso_mdns_address *ours = &iface->addresses[i];
        unsigned most = ours->family == 4 ? 32 : 128;
        unsigned bits = ours->prefix_bits < most ? ours->prefix_bits : most;
        if (ours->family == address->family && same_prefix(address->bytes, ours->bytes, bits)) {
            return true;
        }
    }
    return false;
}

static uint64_t hash_bytes(struct iso_bytes bytes)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */

    for (size_t i = 0; i < bytes.len; i++) {
        hash = (hash ^ bytes.ptr[i]) * 1099511628211u;
    }
    return hash;
}

static void expect_echo(struct iso_mdns *mdns, struct iso_bytes bytes, uint64_t now_ms)
{
    mdns->echoes[mdns->next_echo] =
        (struct iso_mdns_echo){.hash = hash_bytes(bytes), .until_ms = now_ms + ECHO_MS};
    mdns->next_echo = (mdns->next_echo + 1) % ISO_MDNS_ECHOES_MAX;
}

/* Other programs of this machine hear what we send because the system hands it back: so do we. Each
 * packet is taken for an echo once; after that an equal one is another program's. */
static bool is_echo(struct iso_mdns *mdns, const struct iso_mdns_packet *packet, uint64_t now_ms)
{
    bool local = false;

    for (unsigned i = 0; i < ISO_MDNS_INTERFACES_MAX && !local; i++) {
        const struct iso_mdns_iface *iface = mdns->ifaces[i];
        local =
            iface != NULL && has_address(iface->addresses, iface->address_count, &packet->remote);
    }
    if (!local || packet->port != ISO_MDNS_PORT || !packet->multicast) {
        return false;
    }
    uint64_t hash = hash_bytes(packet->bytes);
    for (unsigned i = 0; i < ISO_MDNS_ECHOES_MAX; i++) {
        struct iso_mdns_echo *echo = &mdns->echoes[i];
        if (echo->until_ms >= now_ms && echo->hash == hash) {
            echo->until_ms = 0;
            return true;
        }
    }
    return false;
}

static enum iso_err receive_response(struct iso_mdns *mdns, struct iso_mdns_iface *iface,
                                     const struct iso_mdns_packet *packet,
                                     const struct iso_mdns_reader *reader, uint64_t now_ms,
                                     struct iso_report *report)
{
    struct iso_mdns_reader records = *reader;
    struct iso_mdns_record record;
    enum iso_mdns_section section;

    if (packet->port != ISO_MDNS_PORT) {
        return iso_fail(report, ISO_E_REFUSED, "a response from port %u instead of 5353",
                        (unsigned)packet->port);
    }
    /* We never ask for one. */
    if (!packet->multicast) {
        return iso_fail(report, ISO_E_REFUSED, "a response by unicast that nobody asked for");
    }
    while (iso_mdns_reader_record(&records, &record, &section)) {
        if (section != ISO_MDNS_AUTHORITY && record.class == ISO_MDNS_CLASS_IN) {
            iso_mdns_claim_check(mdns, iface, &record, now_ms);
            iso_mdns_answer_heard(mdns, iface, &record, now_ms);
        }
    }
    iso_mdns_cache_response(mdns, iface, &packet->remote, *reader, now_ms);
    return ISO_OK;
}

static enum iso_err receive_query(struct iso_mdns *mdns, struct iso_mdns_iface *iface,
                                  const struct iso_mdns_packet *packet,
                                  const struct iso_mdns_reader *reader, uint64_t now_ms,
                                  struct iso_report *report)
{
    bool on_link = is_on_link(iface, &packet->remote);

    if (!on_link && (!packet->multicast || packet->port != ISO_MDNS_PORT)) {
        return iso_fail(report, ISO_E_REFUSED, "a question from beyond the link");
    }
    if (packet->multicast && packet->port == ISO_MDNS_PORT) {
        if (reader->left[ISO_MDNS_AUTHORITY] != 0) {
            iso_mdns_claim_tie_break(mdns, iface, *reader, now_ms);
        }
        iso_mdns_browse_heard(mdns, iface, *reader, now_ms);
    }
    iso_mdns_answer_query(mdns, iface, packet, reader, on_link, now_ms);
    return ISO_OK;
}

enum iso_err iso_mdns_receive(struct iso_mdns *mdns, const struct iso_mdns_packet *packet,
                              uint64_t now_ms, struct iso_report *report)
{
    struct iso_mdns_iface *iface = iso_mdns_iface_find(mdns, packet->interface);
    struct iso_mdns_reader reader;

    if (iface == NULL) {
        return iso_fail(report, ISO_E_NOT_FOUND, "interface %u is not in use",
                        (unsigned)packet->interface);
    }
    enum iso_err err = iso_mdns_reader_init(&reader, packet->bytes, report);
    if (err != ISO_OK) {
        return err;
    }
    if (packet->port == 0) {
        return iso_fail(report, ISO_E_REFUSED, "a packet from port 0");
    }
    if (mdns->stopping || is_echo(mdns, packet, now_ms)) {
        return ISO_OK;
    }
    iso_mdns_cache_expire(mdns, now_ms);
    if ((reader.flags & ISO_MDNS_FLAG_RESPONSE) != 0) {
        return receive_response(mdns, iface, packet, &reader, now_ms, report);
    }
    return receive_query(mdns, iface, packet, &reader, now_ms, report);
}

/* ---- What goes out --------------------------------------------------------------------------- */

static const struct iso_mdns_address groups[2] = {
    {.family = 4, .bytes = {224, 0, 0, 251}},
    {.family = 6, .bytes = {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xfb}},
};

/* The packet in the writer, to the group of one family in which it has not been sent. */
static bool send_pending(struct iso_mdns *mdns, struct iso_mdns_iface *iface, uint64_t now_ms,
                         struct iso_mdns_packet *out)
{
    for (unsigned i = 0; i < 2; i++) {
        if (iface->pending[i]) {
            iface->pending[i] = false;
            *out = (struct iso_mdns_packet){
                .interface = iface->id,
                .remote = groups[i],
                .port = ISO_MDNS_PORT,
                .multicast = true,
                .bytes = iso_bytes_from(mdns->writer.bytes, mdns->writer.len),
            };
            expect_echo(mdns, out->bytes, now_ms);
            return true;
        }
    }
    return false;
}

/* Writes the next packet of an interface; out->multicast says whether it goes to the group. */
static bool write_next(struct iso_mdns *mdns, struct iso_mdns_iface *iface, uint64_t now_ms,
                       struct iso_mdns_packet *out)
{
    out->multicast = true;
    if (iso_mdns_goodbye_write(mdns, iface)) {
        return true;
    }
    if (mdns->stopping) {
        return false;
    }
    if (iso_mdns_probe_write(mdns, iface, now_ms)) {
        return true;
    }
    iso_mdns_announce_due(mdns, iface, now_ms);
    return iso_mdns_reply_write(mdns, iface, now_ms, out) ||
           iso_mdns_query_write(mdns, iface, now_ms);
}

bool iso_mdns_send(struct iso_mdns *mdns, uint64_t now_ms, struct iso_mdns_packet *out)
{
    iso_mdns_cache_expire(mdns, now_ms);
    /* There is one writer: what is in it goes first, whichever interface it is for. */
    for (unsigned i = 0; i < ISO_MDNS_INTERFACES_MAX; i++) {
        if (mdns->ifaces[i] != NULL && send_pending(mdns, mdns->ifaces[i], now_ms, out)) {
            return true;
        }
    }
    for (unsigned i = 0; i < ISO_MDNS_INTERFACES_MAX; i++) {
        struct iso_mdns_iface *iface = mdns->ifaces[i];
        if (iface == NULL) {
            continue;
        }
        /* Everything written is one step on: this ends. */
        struct iso_mdns_packet next = {.interface = iface->id};
        while (write_next(mdns, iface, now_ms, &next)) {
            if (!next.multicast) {
                next.bytes = iso_bytes_from(mdns->writer.bytes, mdns->writer.len);
                *out = next;
                return true;
            }
            iface->pending[0] = iface->has[0];
            iface->pending[1] = iface->has[1];
            if (send_pending(mdns, iface, now_ms, out)) {
                return true;
            }
        }
    }
    iso_mdns_service_reap(mdns);
    return false;
}

static uint64_t iface_deadline(const struct iso_mdns *mdns, const struct iso_mdns_iface *iface,
                               uint64_t now_ms)
{
    if (iface->pending[0] || iface->pending[1] || iface->gone_count != 0) {
        return 0;
    }
    uint64_t deadline = iso_mdns_claim_deadline(iface);
    deadline = iso_mdns_min(deadline, iso_mdns_reply_deadline(iface));
    return iso_mdns_min(deadline, iso_mdns_browse_deadline(mdns, iface, now_ms));
}

uint64_t iso_mdns_deadline(struct iso_mdns *mdns, uint64_t now_ms)
{
    uint64_t deadline = mdns->host_renamed ? 0 : NEVER;

    for (unsigned i = 0; i < ISO_MDNS_INTERFACES_MAX; i++) {
        if (mdns->ifaces[i] != NULL) {
            deadline = iso_mdns_min(deadline, iface_deadline(mdns, mdns->ifaces[i], now_ms));
        }
    }
    for (unsigned i = 0; i < ISO_MDNS_PEERS_MAX; i++) {
        const struct iso_mdns_entry *entry = mdns->peers[i];
        if (entry != NULL) {
            deadline = iso_mdns_min(deadline, entry->dirty ? 0 : entry->expire_ms);
        }
    }
    for (unsigned i = 0; i < ISO_MDNS_SERVICES_MAX; i++) {
        if (mdns->services[i] != NULL && mdns->services[i]->renamed) {
            deadline = 0;
        }
    }
    return deadline;
}

size_t iso_mdns_peer_count(const struct iso_mdns *mdns)
{
    return mdns->peer_count;
}
