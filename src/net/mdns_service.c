/* Our services (RFC 6763) and the records that stand for them and for the host (RFC 6762, section
 * 10 for their lives). */
#include "net/mdns_state.h"

/* ---- Sets ------------------------------------------------------------------------------------ */

bool iso_mdns_set_is_empty(const struct iso_mdns_set *set)
{
    for (unsigned entity = 0; entity < ENTITIES; entity++) {
        if (set->bits[entity] != 0) {
            return false;
        }
    }
    return true;
}

uint16_t iso_mdns_own_slots(const struct iso_mdns *mdns, const struct iso_mdns_iface *iface,
                            unsigned entity)
{
    if (entity == HOST) {
        return (uint16_t)(((1u << iface->address_count) - 1u) | 1u << SLOT_HOST_NSEC);
    }
    const struct iso_mdns_own *own = mdns->services[entity - 1];
    return own == NULL ? 0 : (uint16_t)((1u << (SLOT_SUBTYPES + own->subtype_count)) - 1u);
}

bool iso_mdns_own_is_unique(unsigned entity, unsigned slot)
{
    return entity == HOST || slot == SLOT_SRV || slot == SLOT_TXT || slot == SLOT_NSEC;
}

unsigned iso_mdns_own_find(const struct iso_mdns *mdns, const struct iso_mdns_name *name,
                           uint32_t hash)
{
    if (hash == mdns->host_hash && iso_mdns_name_equal(name, &mdns->host)) {
        return HOST;
    }
    for (unsigned i = 0; i < ISO_MDNS_SERVICES_MAX; i++) {
        const struct iso_mdns_own *own = mdns->services[i];
        if (own != NULL && !own->leaving && own->name_hash == hash &&
            iso_mdns_name_equal(name, &own->name)) {
            return i + 1;
        }
    }
    return ENTITIES;
}

const struct iso_mdns_name iso_mdns_kinds = {.len = 30,
                                             .bytes = "\011_services\007_dns-sd\004_udp\005local"};

/* ---- Records --------------------------------------------------------------------------------- */

static void point_to(struct iso_mdns_record *out, const struct iso_mdns_name *target)
{
    out->data = iso_bytes_from(target->bytes, target->len);
}

/* NSEC: no other types than these (RFC 6762, section 6.1). All of them are below 64. */
static void nsec_record(const struct iso_mdns_name *name, uint64_t types,
                        struct iso_mdns_record *out)
{
    uint8_t *p = out->copy + name->len;
    unsigned size = 0;

    memcpy(out->copy, name->bytes, name->len);
    /* Names of ours are shorter than 128 bytes, and types above 39 do not occur: there is room. */
    for (unsigned type = 0; type < 40; type++) {
        if (type % 8 == 0) {
            p[2 + type / 8] = 0;
        }
        if ((types >> type & 1u) != 0) {
            p[2 + type / 8] = (uint8_t)(p[2 + type / 8] | 0x80u >> type % 8);
            size = type / 8 + 1;
        }
    }
    p[0] = 0;
    p[1] = (uint8_t)size;
    /* A bit map of no types is left out. */
    out->data = iso_bytes_from(out->copy, size == 0 ? name->len : name->len + 2u + size);
}

static void host_nsec(const struct iso_mdns *mdns, const struct iso_mdns_iface *iface,
                      struct iso_mdns_record *out)
{
    uint64_t types = 0;

    for (unsigned i = 0; i < iface->address_count; i++) {
        types |= 1ull << (iface->addresses[i].family == 4 ? ISO_MDNS_A : ISO_MDNS_AAAA);
    }
    out->name = mdns->host;
    out->type = ISO_MDNS_NSEC;
    nsec_record(&mdns->host, types, out);
}

void iso_mdns_address_record(const struct iso_mdns *mdns, const struct iso_mdns_address *address,
                             struct iso_mdns_record *out)
{
    out->name = mdns->host;
    out->class = ISO_MDNS_CLASS_IN;
    out->flush = true;
    out->ttl_s = TTL_HOST_S;
    out->type = address->family == 4 ? ISO_MDNS_A : ISO_MDNS_AAAA;
    out->data = iso_bytes_from(address->bytes, address->family == 4 ? 4 : 16);
}

static void service_record(const struct iso_mdns *mdns, const struct iso_mdns_own *own,
                           unsigned slot, struct iso_mdns_record *out)
{
    out->type = ISO_MDNS_PTR;
    switch (slot) {
    case SLOT_KIND:
        out->name = iso_mdns_kinds;
        point_to(out, &own->type);
        return;
    case SLOT_SRV:
        out->name = own->name;
        out->type = ISO_MDNS_SRV;
        memset(out->copy, 0, 4); /* priority and weight */
        out->copy[4] = (uint8_t)(own->port >> 8);
        out->copy[5] = (uint8_t)own->port;
        memcpy(out->copy + 6, mdns->host.bytes, mdns->host.len);
        out->data = iso_bytes_from(out->copy, 6u + mdns->host.len);
        return;
    case SLOT_TXT:
        out->name = own->name;
        out->type = ISO_MDNS_TXT;
        out->data = iso_bytes_from(own->txt, own->txt_len);
        return;
    case SLOT_NSEC:
        out->name = own->name;
        out->type = ISO_MDNS_NSEC;
        nsec_record(&own->name, 1ull << ISO_MDNS_SRV | 1ull << ISO_MDNS_TXT, out);
        return;
    default:
        out->name = slot == SLOT_PTR ? own->type : own->subtypes[slot - SLOT_SUBTYPES];
        point_to(out, &own->name);
        return;
    }
}

void iso_mdns_own_record(const struct iso_mdns *mdns, const struct iso_mdns_iface *iface,
                         unsigned entity, unsigned slot, struct iso_mdns_record *out)
{
    if (entity == HOST && slot != SLOT_HOST_NSEC) {
        iso_mdns_address_record(mdns, &iface->addresses[slot], out);
        return;
    }
    out->class = ISO_MDNS_CLASS_IN;
    out->flush = iso_mdns_own_is_unique(entity, slot);
    if (entity == HOST) {
        out->ttl_s = TTL_HOST_S;
        host_nsec(mdns, iface, out);
        return;
    }
    out->ttl_s = slot == SLOT_SRV || slot == SLOT_NSEC ? TTL_HOST_S : TTL_OTHER_S;
    service_record(mdns, mdns->services[entity - 1], slot, out);
}

/* ---- Names ----------------------------------------------------------------------------------- */

void iso_mdns_host_named(struct iso_mdns *mdns)
{
    static const struct iso_mdns_name local = {.len = 7, .bytes = "\005local"};
    char text[ISO_MDNS_LABEL_MAX + 1];
    size_t len = iso_mdns_label_text(&mdns->host_label, ISO_MDNS_LABEL_HOST, text);

    bool fits = iso_mdns_name_prepend(iso_str_from(text, len), &local, &mdns->host);
    ISO_ASSERT(fits);
    mdns->host_hash = iso_mdns_name_hash(&mdns->host);
}

void iso_mdns_service_named(struct iso_mdns_own *own)
{
    char text[ISO_MDNS_LABEL_MAX + 1];
    size_t len = iso_mdns_label_text(&own->label, ISO_MDNS_LABEL_INSTANCE, text);

    bool fits = iso_mdns_name_prepend(iso_str_from(text, len), &own->type, &own->name);
    ISO_ASSERT(fits); /* service types are short: RFC 6763, section 7.2 */
    own->name_hash = iso_mdns_name_hash(&own->name);
}

/* ---- Adding and removing --------------------------------------------------------------------- */

static bool is_plain_label(const char *text, size_t len)
{
    if (len < 2 || len > ISO_MDNS_LABEL_MAX || text[0] != '_') {
        return false;
    }
    for (size_t i = 1; i < len; i++) {
        char c = text[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-' || c == '_')) {
            return false;
        }
    }
    return true;
}

enum iso_err iso_mdns_type_parse(const char *text, struct iso_mdns_name *out,
                                 struct iso_report *report)
{
    size_t len = strcspn(text, ".");
    char whole[80];

    /* 15 characters and the underscore: RFC 6335, section 5.1. */
    if (len > 16 || !is_plain_label(text, len) ||
        (strcmp(text + len, "._tcp") != 0 && strcmp(text + len, "._udp") != 0)) {
        return iso_fail(report, ISO_E_ARGUMENT,
                        "'%s' is no service type; write _NAME._tcp or _NAME._udp with at most 15 "
                        "letters, digits and hyphens",
                        text);
    }
    (void)iso_format(whole, sizeof whole, "%s.local", text);
    bool fits = iso_mdns_name_parse(whole, out);
    ISO_ASSERT(fits);
    return ISO_OK;
}

enum iso_err iso_mdns_subtype_parse(const char *text, const struct iso_mdns_name *type,
                                    struct iso_mdns_name *out, struct iso_report *report)
{
    struct iso_str label = iso_str_from_z(text);

    if (!is_plain_label(label.ptr, label.len)) {
        return iso_fail(report, ISO_E_ARGUMENT,
                        "'%s' is no subtype; write an underscore and letters, digits or hyphens",
                        text);
    }
    bool fits = iso_mdns_name_prepend(iso_str_from_z("_sub"), type, out) &&
                iso_mdns_name_prepend(label, out, out);
    ISO_ASSERT(fits);
    return ISO_OK;
}

static enum iso_err set_txt(struct iso_mdns_own *own, const char *const *txt, size_t count,
                            struct iso_report *report)
{
    size_t len = 0;
    uint8_t bytes[ISO_MDNS_TXT_MAX];

    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(txt[i]);
        if (size == 0 || size > ISO_MDNS_TXT_ENTRY_MAX || txt[i][0] == '=') {
            return iso_fail(report, ISO_E_ARGUMENT,
                            "'%.32s' is no entry of a TXT record; write key=value in at most %u "
                            "bytes",
                            txt[i], ISO_MDNS_TXT_ENTRY_MAX);
        }
        if (len + 1 + size > sizeof bytes) {
            return iso_fail(report, ISO_E_ARGUMENT, "a TXT record of more than %u bytes",
                            ISO_MDNS_TXT_MAX);
        }
        bytes[len] = (uint8_t)size;
        memcpy(bytes + len + 1, txt[i], size);
        len += 1 + size;
    }
    if (len == 0) {
        bytes[len++] = 0; /* RFC 6763, section 6.1: never empty */
    }
    memcpy(own->txt, bytes, len);
    own->txt_len = (uint16_t)len;
    return ISO_OK;
}

static enum iso_err fill_service(const struct iso_mdns_service *service, struct iso_mdns_own *own,
                                 struct iso_report *report)
{
    struct iso_str instance = iso_str_from_z(service->instance);

    enum iso_err err = iso_mdns_type_parse(service->type, &own->type, report);
    if (err != ISO_OK) {
        return err;
    }
    if (instance.len == 0 || instance.len > ISO_MDNS_LABEL_MAX ||
        !iso_utf8_valid(instance.ptr, instance.len)) {
        return iso_fail(report, ISO_E_ARGUMENT,
                        "an instance name of %u bytes; write 1 to 63 bytes of UTF-8",
                        (unsigned)instance.len);
    }
    for (size_t i = 0; i < instance.len; i++) {
        if ((uint8_t)instance.ptr[i] < 0x20 || instance.ptr[i] == 0x7f) {
            return iso_fail(report, ISO_E_ARGUMENT, "an instance name with control characters");
        }
    }
    if (service->port == 0 || service->subtype_count > ISO_MDNS_SUBTYPES_MAX) {
        return iso_fail(report, ISO_E_ARGUMENT, "a service needs a port and at most %u subtypes",
                        ISO_MDNS_SUBTYPES_MAX);
    }
    own->port = service->port;
    own->subtype_count = (uint8_t)service->subtype_count;
    for (size_t i = 0; i < service->subtype_count && err == ISO_OK; i++) {
        err = iso_mdns_subtype_parse(service->subtypes[i], &own->type, &own->subtypes[i], report);
    }
    if (err == ISO_OK) {
        err = set_txt(own, service->txt, service->txt_count, report);
    }
    iso_mdns_label_init(&own->label, instance, ISO_MDNS_LABEL_INSTANCE);
    iso_mdns_service_named(own);
    return err;
}

/* A place for it and no other service of that name. */
static enum iso_err find_place(const struct iso_mdns *mdns, const struct iso_mdns_own *own,
                               unsigned *place, struct iso_report *report)
{
    unsigned found = ISO_MDNS_SERVICES_MAX;

    for (unsigned i = 0; i < ISO_MDNS_SERVICES_MAX; i++) {
        if (mdns->services[i] == NULL) {
            found = found < i ? found : i;
        } else if (!mdns->services[i]->leaving &&
                   iso_mdns_name_equal(&mdns->services[i]->name, &own->name)) {
            return iso_fail(report, ISO_E_EXISTS, "an instance of that name and type is announced");
        }
    }
    if (found == ISO_MDNS_SERVICES_MAX) {
        return iso_fail(report, ISO_E_LIMIT, "at most %u services can be announced",
                        ISO_MDNS_SERVICES_MAX);
    }
    *place = found;
    return ISO_OK;
}

enum iso_err iso_mdns_service_add(struct iso_mdns *mdns, const struct iso_mdns_service *service,
                                  uint64_t now_ms, uint32_t *id_out, struct iso_report *report)
{
    unsigned place = 0;
    struct iso_mdns_own *own = iso_alloc_new(mdns->alloc, sizeof *own);

    if (own == NULL) {
        return ISO_E_NOMEM;
    }
    enum iso_err err = fill_service(service, own, report);
    if (err == ISO_OK) {
        err = find_place(mdns, own, &place, report);
    }
    if (err != ISO_OK) {
        iso_alloc_free(mdns->alloc, own, sizeof *own);
        return err;
    }
    own->id = ++mdns->next_id;
    mdns->services[place] = own;
    for (unsigned i = 0; i < ISO_MDNS_INTERFACES_MAX; i++) {
        if (mdns->ifaces[i] != NULL) {
            memset(mdns->ifaces[i]->sent_ms[place + 1], 0, sizeof mdns->ifaces[i]->sent_ms[0]);
            iso_mdns_claim_start(mdns, mdns->ifaces[i], place + 1, now_ms);
        }
    }
    *id_out = own->id;
    return ISO_OK;
}

static unsigned find_service(const struct iso_mdns *mdns, uint32_t id)
{
    for (unsigned i = 0; i < ISO_MDNS_SERVICES_MAX; i++) {
        if (mdns->services[i] != NULL && mdns->services[i]->id == id &&
            !mdns->services[i]->leaving) {
            return i;
        }
    }
    return ISO_MDNS_SERVICES_MAX;
}

enum iso_err iso_mdns_service_set_txt(struct iso_mdns *mdns, uint32_t id, const char *const *txt,
                                      size_t txt_count, uint64_t now_ms, struct iso_report *report)
{
    unsigned place = find_service(mdns, id);

    if (place == ISO_MDNS_SERVICES_MAX) {
        return iso_fail(report, ISO_E_NOT_FOUND, "no service has the id %u", (unsigned)id);
    }
    enum iso_err err = set_txt(mdns->services[place], txt, txt_count, report);
    for (unsigned i = 0; err == ISO_OK && i < ISO_MDNS_INTERFACES_MAX; i++) {
        if (mdns->ifaces[i] != NULL) {
            iso_mdns_claim_announce(mdns->ifaces[i], place + 1, now_ms);
        }
    }
    return err;
}

void iso_mdns_service_remove(struct iso_mdns *mdns, uint32_t id, uint64_t now_ms)
{
    unsigned place = find_service(mdns, id);

    if (place == ISO_MDNS_SERVICES_MAX) {
        return;
    }
    mdns->services[place]->leaving = true;
    mdns->services[place]->renamed = false;
    for (unsigned i = 0; i < ISO_MDNS_INTERFACES_MAX; i++) {
        struct iso_mdns_iface *iface = mdns->ifaces[i];
        if (iface == NULL) {
            continue;
        }
        iso_mdns_claim_end(&iface->claims[place + 1], now_ms);
        iso_mdns_reply_forget(iface, place + 1);
    }
    iso_mdns_service_reap(mdns);
}

void iso_mdns_service_reap(struct iso_mdns *mdns)
{
    for (unsigned i = 0; i < ISO_MDNS_SERVICES_MAX; i++) {
        struct iso_mdns_own *own = mdns->services[i];
        bool owes = false;
        for (unsigned j = 0; j < ISO_MDNS_INTERFACES_MAX; j++) {
            owes = owes || (mdns->ifaces[j] != NULL && mdns->ifaces[j]->claims[i + 1].goodbye);
        }
        if (own != NULL && own->leaving && !owes) {
            iso_alloc_free(mdns->alloc, own, sizeof *own);
            mdns->services[i] = NULL;
        }
    }
}
