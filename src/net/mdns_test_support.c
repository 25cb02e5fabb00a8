/* The network in memory of mdns_test_support.h. */
#include "net/mdns_test_support.h"

#include "base/random_test_support.h"
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>

static uint32_t random_bits(void *ctx)
{
    return (uint32_t)(iso_test_random(ctx) >> 16);
}

static bool chance(struct sim *sim, unsigned percent)
{
    return percent != 0 && iso_test_random(&sim->random) % 100 < percent;
}

static void append(struct iso_buf *buf, const char *text)
{
    CHECK_OK(iso_buf_append(buf, text, strlen(text)));
}

/* ---- Messages as text ------------------------------------------------------------------------ */

static const char *type_text(uint16_t type, char out[16])
{
    static const struct {
        uint16_t type;
        const char *text;
    } names[] = {{ISO_MDNS_A, "A"},         {ISO_MDNS_AAAA, "AAAA"}, {ISO_MDNS_PTR, "PTR"},
                 {ISO_MDNS_SRV, "SRV"},     {ISO_MDNS_TXT, "TXT"},   {ISO_MDNS_NSEC, "NSEC"},
                 {ISO_MDNS_CNAME, "CNAME"}, {ISO_MDNS_ANY, "ANY"}};

    for (size_t i = 0; i < ISO_COUNT_OF(names); i++) {
        if (names[i].type == type) {
            return names[i].text;
        }
    }
    (void)iso_format(out, 16, "TYPE%u", (unsigned)type);
    return out;
}

static void data_text(const struct iso_mdns_record *record, struct iso_buf *out)
{
    char text[ISO_MDNS_NAME_TEXT_MAX];
    struct iso_mdns_name target;

    if (record->type == ISO_MDNS_PTR || record->type == ISO_MDNS_SRV) {
        if (record->type == ISO_MDNS_SRV) {
            (void)iso_format(text, sizeof text, " %u",
                             (unsigned)(record->data.ptr[4] << 8 | record->data.ptr[5]));
            append(out, text);
        }
        iso_mdns_record_target(record, &target);
        iso_mdns_name_text(&target, text);
        append(out, " ");
        append(out, text);
    } else if (record->type == ISO_MDNS_A) {
        const uint8_t *p = record->data.ptr;
        (void)iso_format(text, sizeof text, " %u.%u.%u.%u", p[0], p[1], p[2], p[3]);
        append(out, text);
    } else if (record->type == ISO_MDNS_AAAA) {
        (void)iso_format(text, sizeof text, " ...%02x", record->data.ptr[15]);
        append(out, text);
    } else if (record->type == ISO_MDNS_TXT) {
        append(out, " ");
        iso_hex_encode(record->data.ptr, record->data.len < 64 ? record->data.len : 64, text);
        append(out, text);
    }
}

static void record_text(const struct iso_mdns_record *record, enum iso_mdns_section section,
                        struct iso_buf *out)
{
    char name[ISO_MDNS_NAME_TEXT_MAX];
    char line[ISO_MDNS_NAME_TEXT_MAX + 64];
    char type[16];

    iso_mdns_name_text(&record->name, name);
    (void)iso_format(line, sizeof line, "; %c %s %s %u%s", "QAND"[section], name,
                     type_text(record->type, type), (unsigned)record -> ttl_s,
                     record -> flush ? " flush" : "");
    append(out, line);
    data_text(record, out);
}

char *sim_text(struct iso_bytes bytes)
{
    struct iso_mdns_reader reader;
    struct iso_mdns_question question;
    struct iso_mdns_record record;
    enum iso_mdns_section section;
    struct iso_buf out;
    char name[ISO_MDNS_NAME_TEXT_MAX];
    char line[ISO_MDNS_NAME_TEXT_MAX + 64];
    char type[16];

    iso_buf_init(&out, iso_alloc_libc(), SIZE_MAX);
    CHECK_OK(iso_mdns_reader_init(&reader, bytes, NULL));
    (void)iso_format(line, sizeof line, "%s%s id=%u",
                     reader.flags & ISO_MDNS_FLAG_RESPONSE ? "response" : "query",
                     reader.flags & ISO_MDNS_FLAG_TRUNCATED ? " TC" : "", (unsigned)reader.id);
    append(&out, line);
    while (iso_mdns_reader_question(&reader, &question)) {
        iso_mdns_name_text(&question.name, name);
        (void)iso_format(line, sizeof line, "; Q %s %s%s", name, type_text(question.type, type),
                         question.unicast ? " QU" : "");
        append(&out, line);
    }
    while (iso_mdns_reader_record(&reader, &record, &section)) {
        record_text(&record, section, &out);
    }
    CHECK_OK(iso_buf_append_u8(&out, 0));
    return (char *)out.ptr; /* libc's allocator: free() releases it */
}

/* ---- Hosts ----------------------------------------------------------------------------------- */

struct sim *sim_new(uint64_t seed)
{
    struct sim *sim = calloc(1, sizeof *sim);

    CHECK(sim != NULL);
    sim->now_ms = 3600000;
    sim->random = seed * 2654435761u + ISO_TEST_RANDOM_START;
    sim->jitter_ms = 1;
    return sim;
}

void sim_kill(struct sim *sim, unsigned host)
{
    iso_mdns_destroy(sim->hosts[host].mdns);
    sim->hosts[host].mdns = NULL;
    CHECK_EQ_U64(sim->hosts[host].memory.live_bytes, 0);
}

void sim_free(struct sim *sim)
{
    sim_forget(sim);
    for (unsigned i = 0; i < sim->host_count; i++) {
        sim_kill(sim, i);
        iso_buf_fini(&sim->hosts[i].log);
    }
    for (unsigned i = 0; i < SIM_FLIGHT_MAX; i++) {
        free(sim->flights[i].bytes);
    }
    free(sim);
}

struct iso_mdns_address sim_v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
    return (struct iso_mdns_address){.family = 4, .prefix_bits = 24, .bytes = {a, b, c, d}};
}

struct iso_mdns_address sim_v6(uint8_t tail)
{
    struct iso_mdns_address address = {.family = 6, .prefix_bits = 64, .bytes = {0xfe, 0x80}};

    address.bytes[15] = tail;
    return address;
}

unsigned sim_host(struct sim *sim, const char *name)
{
    unsigned index = sim->host_count++;
    struct sim_host *host = &sim->hosts[index];

    CHECK(index < SIM_HOSTS_MAX);
    iso_alloc_test_init(&host->memory);
    iso_buf_init(&host->log, iso_alloc_libc(), SIZE_MAX);
    struct iso_mdns_config config = {
        .alloc = &host->memory.alloc, .host = name, .random = random_bits, .ctx = &sim->random};
    CHECK_OK(iso_mdns_create(&config, &host->mdns, NULL));
    return index;
}

void sim_port(struct sim *sim, unsigned host, uint32_t interface, unsigned link,
              const struct iso_mdns_address *addresses, size_t count)
{
    struct sim_host *h = &sim->hosts[host];
    unsigned i = 0;

    while (i < h->port_count && h->ports[i].interface != interface) {
        i++;
    }
    CHECK(i < SIM_PORTS_MAX && count <= 4);
    h->port_count = i == h->port_count ? i + 1 : h->port_count;
    h->ports[i] = (struct sim_port){.interface = interface, .link = link, .address_count = count};
    iso_memory_copy(h->ports[i].addresses, addresses, count * sizeof *addresses);
    CHECK_OK(iso_mdns_interface_set(h->mdns, interface, addresses, count, sim->now_ms));
}

void sim_unplug(struct sim *sim, unsigned host, uint32_t interface)
{
    struct sim_host *h = &sim->hosts[host];

    for (unsigned i = 0; i < h->port_count; i++) {
        if (h->ports[i].interface == interface) {
            h->ports[i] = h->ports[--h->port_count];
        }
    }
    iso_mdns_interface_remove(h->mdns, interface, sim->now_ms);
}

unsigned sim_simple(struct sim *sim, const char *name, uint8_t last)
{
    unsigned host = sim_host(sim, name);
    struct iso_mdns_address address = sim_v4(10, 0, 0, last);

    sim_port(sim, host, 1, 0, &address, 1);
    return host;
}

uint32_t sim_announce(struct sim *sim, unsigned host, const char *instance)
{
    const char *txt[] = {"td=/"};
    struct iso_mdns_service service = {
        .instance = instance, .type = "_wot._tcp", .port = 8080, .txt = txt, .txt_count = 1};
    uint32_t id = 0;

    CHECK_OK(iso_mdns_service_add(sim->hosts[host].mdns, &service, sim->now_ms, &id, NULL));
    return id;
}

uint32_t sim_browse(struct sim *sim, unsigned host, const char *type, const char *subtype)
{
    uint32_t id = 0;

    CHECK_OK(iso_mdns_browse_start(sim->hosts[host].mdns, type, subtype, sim->now_ms, &id, NULL));
    return id;
}

/* ---- Packets --------------------------------------------------------------------------------- */

static void launch(struct sim *sim, const struct iso_mdns_packet *packet, unsigned link,
                   unsigned only, const struct iso_mdns_address *source)
{
    unsigned i = 0;

    while (i < SIM_FLIGHT_MAX && sim->flights[i].used) {
        i++;
    }
    CHECK(i < SIM_FLIGHT_MAX);
    struct sim_flight *flight = &sim->flights[i];
    free(flight->bytes);
    *flight = (struct sim_flight){
        .used = true,
        .at_ms = sim->now_ms + 1 + iso_test_random(&sim->random) % (sim->jitter_ms + 1),
        .link = link,
        .only = only,
        .source = *source,
        .port = ISO_MDNS_PORT,
        .multicast = packet->multicast,
        .len = packet->bytes.len,
        .bytes = malloc(packet->bytes.len),
    };
    CHECK(flight->bytes != NULL);
    memcpy(flight->bytes, packet->bytes.ptr, packet->bytes.len);
}

static unsigned host_of(const struct sim *sim, const struct iso_mdns_address *address)
{
    for (unsigned i = 0; i < sim->host_count; i++) {
        for (unsigned j = 0; j < sim->hosts[i].port_count; j++) {
            const struct sim_port *port = &sim->hosts[i].ports[j];
            for (size_t k = 0; k < port->address_count; k++) {
                if (port->addresses[k].family == address->family &&
                    memcmp(port->addresses[k].bytes, address->bytes, 16) == 0) {
                    return i;
                }
            }
        }
    }
    return SIM_HOSTS_MAX;
}

static const struct sim_port *find_port(const struct sim_host *host, uint32_t interface)
{
    for (unsigned i = 0; i < host->port_count; i++) {
        if (host->ports[i].interface == interface) {
            return &host->ports[i];
        }
    }
    return NULL;
}

static void keep(struct sim *sim, unsigned host, const struct iso_mdns_packet *packet)
{
    CHECK(sim->trace_count < SIM_TRACE_MAX);
    sim->trace[sim->trace_count++] = (struct sim_sent){
        .at_ms = sim->now_ms,
        .host = host,
        .interface = packet->interface,
        .to = packet->remote,
        .port = packet->port,
        .multicast = packet->multicast,
        .len = packet->bytes.len,
        .text = sim_text(packet->bytes),
    };
}

static void transmit(struct sim *sim, unsigned host, const struct iso_mdns_packet *packet)
{
    const struct sim_port *port = find_port(&sim->hosts[host], packet->interface);

    keep(sim, host, packet);
    CHECK(port != NULL);
    unsigned only = packet->multicast ? SIM_HOSTS_MAX : host_of(sim, &packet->remote);
    if (sim->cut[port->link] || (!packet->multicast && only == SIM_HOSTS_MAX)) {
        return;
    }
    /* The source has the family of the destination. */
    for (size_t i = 0; i < port->address_count; i++) {
        if (port->addresses[i].family == packet->remote.family) {
            unsigned copies = (chance(sim, sim->loss_percent) ? 0u : 1u) +
                              (chance(sim, sim->double_percent) ? 1u : 0u);
            while (copies-- > 0) {
                launch(sim, packet, port->link, only, &port->addresses[i]);
            }
            return;
        }
    }
    TEST_FAIL("a packet in a family that the interface does not have");
}

/* To every interface on the link, the sender's too: systems hand multicasts back. */
static enum iso_err deliver(struct sim *sim, const struct sim_flight *flight,
                            struct iso_report *report)
{
    enum iso_err err = ISO_OK;

    for (unsigned i = 0; i < sim->host_count; i++) {
        struct sim_host *host = &sim->hosts[i];
        for (unsigned j = 0; j < host->port_count; j++) {
            if (host->mdns == NULL || host->ports[j].link != flight->link ||
                (flight->only != SIM_HOSTS_MAX && flight->only != i)) {
                continue;
            }
            struct iso_mdns_packet packet = {
                .interface = host->ports[j].interface,
                .remote = flight->source,
                .port = flight->port,
                .multicast = flight->multicast,
                .bytes = iso_bytes_from(flight->bytes, flight->len),
            };
            err = iso_mdns_receive(host->mdns, &packet, sim->now_ms, report);
        }
    }
    return err;
}

enum iso_err sim_inject(struct sim *sim, unsigned link, struct iso_mdns_address source,
                        uint16_t port, bool multicast, const void *bytes, size_t len,
                        struct iso_report *report)
{
    /* A copy of its exact size: reading beyond it is noticed. */
    uint8_t *copy = malloc(len == 0 ? 1 : len);
    CHECK(copy != NULL);
    iso_memory_copy(copy, bytes, len);
    struct sim_flight flight = {.link = link,
                                .only = multicast ? SIM_HOSTS_MAX : 0,
                                .source = source,
                                .port = port,
                                .multicast = multicast,
                                .len = len,
                                .bytes = copy};
    enum iso_err err = deliver(sim, &flight, report);
    free(copy);
    return err;
}

void sim_say(struct sim *sim, struct iso_mdns_writer *writer, uint16_t flags)
{
    iso_mdns_writer_finish(writer, 0, flags);
    CHECK_OK(sim_inject(sim, 0, sim_v4(10, 0, 0, 200), ISO_MDNS_PORT, true, writer->bytes,
                        writer->len, NULL));
    iso_mdns_writer_init(writer);
}

void sim_put(struct iso_mdns_writer *writer, enum iso_mdns_section section, const char *name,
             uint16_t type, uint32_t ttl_s, bool flush, const char *data)
{
    struct iso_mdns_record record = {
        .type = type, .class = ISO_MDNS_CLASS_IN, .flush = flush, .ttl_s = ttl_s};
    struct iso_mdns_name target;

    CHECK(iso_mdns_name_parse(name, &record.name));
    if (type == ISO_MDNS_PTR || type == ISO_MDNS_SRV || type == ISO_MDNS_CNAME) {
        size_t skip = 0;
        if (type == ISO_MDNS_SRV) {
            char *rest = NULL;
            unsigned long port = strtoul(data, &rest, 10);
            record.copy[4] = (uint8_t)(port >> 8);
            record.copy[5] = (uint8_t)port;
            data = rest + 1;
            skip = 6;
        }
        CHECK(iso_mdns_name_parse(data, &target));
        memcpy(record.copy + skip, target.bytes, target.len);
        record.data = iso_bytes_from(record.copy, skip + target.len);
    } else {
        record.data = iso_bytes_from(data, type == ISO_MDNS_A      ? 4
                                           : type == ISO_MDNS_AAAA ? 16
                                                                   : strlen(data));
    }
    CHECK(iso_mdns_writer_record(writer, section, &record));
}

void sim_ask(struct iso_mdns_writer *writer, const char *name, uint16_t type, bool unicast)
{
    struct iso_mdns_name parsed;

    CHECK(iso_mdns_name_parse(name, &parsed));
    CHECK(iso_mdns_writer_question(
        writer, &parsed, type, (uint16_t)(ISO_MDNS_CLASS_IN | (unicast ? ISO_MDNS_TOP_BIT : 0))));
}

/* ---- Time ------------------------------------------------------------------------------------ */

static void log_event(struct sim_host *host, const struct iso_mdns_event *event)
{
    static const char *const changes[] = {"found", "changed", "lost"};
    char line[512];

    if (event->kind == ISO_MDNS_EVENT_RENAME) {
        (void)iso_format(line, sizeof line, "renamed %u %s\n", (unsigned)event->rename.service,
                         event->rename.name);
        append(&host->log, line);
        return;
    }
    const struct iso_mdns_peer *peer = &event->peer;
    (void)iso_format(line, sizeof line, "%s %s %s @%u", changes[peer->change], peer->instance,
                     peer->type, (unsigned)peer->interface);
    append(&host->log, line);
    if (peer->change != ISO_MDNS_LOST) {
        CHECK(peer->address_count > 0);
        (void)iso_format(line, sizeof line, " %s:%u", peer->host, (unsigned)peer->port);
        append(&host->log, line);
    }
    for (size_t i = 0; i < peer->address_count; i++) {
        const struct iso_mdns_address *a = &peer->addresses[i];
        if (a->family == 4) {
            (void)iso_format(line, sizeof line, " %u.%u.%u.%u", a->bytes[0], a->bytes[1],
                             a->bytes[2], a->bytes[3]);
        } else {
            (void)iso_format(line, sizeof line, " v6-%02x%%%u", a->bytes[15],
                             (unsigned)a->scope_id);
        }
        append(&host->log, line);
    }
    append(&host->log, "\n");
}

static void drain(struct sim *sim, unsigned index)
{
    struct sim_host *host = &sim->hosts[index];
    struct iso_mdns_packet packet;
    struct iso_mdns_event event;

    for (unsigned n = 0; iso_mdns_send(host->mdns, sim->now_ms, &packet); n++) {
        CHECK(n < 1000 && packet.bytes.len <= ISO_MDNS_SEND_MAX);
        transmit(sim, index, &packet);
    }
    for (unsigned n = 0; iso_mdns_event(host->mdns, sim->now_ms, &event); n++) {
        CHECK(n < 10000);
        log_event(host, &event);
    }
    CHECK(iso_mdns_deadline(host->mdns, sim->now_ms) > sim->now_ms);
}

static uint64_t next_time(struct sim *sim, uint64_t until_ms)
{
    uint64_t next = until_ms;

    for (unsigned i = 0; i < SIM_FLIGHT_MAX; i++) {
        if (sim->flights[i].used && sim->flights[i].at_ms < next) {
            next = sim->flights[i].at_ms;
        }
    }
    for (unsigned i = 0; i < sim->host_count; i++) {
        if (sim->hosts[i].mdns != NULL) {
            uint64_t deadline = iso_mdns_deadline(sim->hosts[i].mdns, sim->now_ms);
            next = deadline < next ? deadline : next;
        }
    }
    return next;
}

void sim_run(struct sim *sim, uint64_t ms)
{
    uint64_t until_ms = sim->now_ms + ms;

    for (;;) {
        for (unsigned i = 0; i < sim->host_count; i++) {
            if (sim->hosts[i].mdns != NULL) {
                drain(sim, i);
            }
        }
        if (sim->now_ms >= until_ms) {
            return;
        }
        sim->now_ms = next_time(sim, until_ms);
        for (unsigned i = 0; i < SIM_FLIGHT_MAX; i++) {
            struct sim_flight *flight = &sim->flights[i];
            if (flight->used && flight->at_ms <= sim->now_ms) {
                flight->used = false;
                if (!sim->cut[flight->link]) {
                    enum iso_err err = deliver(sim, flight, NULL);
                    (void)err; /* the sender's own checks are what is tested */
                }
            }
        }
    }
}

const char *sim_log(struct sim *sim, unsigned host)
{
    struct iso_buf *log = &sim->hosts[host].log;

    CHECK_OK(iso_buf_append_u8(log, 0));
    log->len--;
    return (const char *)log->ptr;
}

void sim_forget(struct sim *sim)
{
    for (size_t i = 0; i < sim->trace_count; i++) {
        free(sim->trace[i].text);
    }
    sim->trace_count = 0;
    for (unsigned i = 0; i < sim->host_count; i++) {
        sim->hosts[i].log.len = 0;
    }
}

unsigned sim_count(const struct sim *sim, const char *part)
{
    unsigned count = 0;

    for (size_t i = 0; i < sim->trace_count; i++) {
        count += strstr(sim->trace[i].text, part) != NULL;
    }
    return count;
}

const struct sim_sent *sim_find(const struct sim *sim, const char *part)
{
    for (size_t i = 0; i < sim->trace_count; i++) {
        if (strstr(sim->trace[i].text, part) != NULL) {
            return &sim->trace[i];
        }
    }
    TEST_FAIL("no packet with '%s'; the last is '%s'", part,
              sim->trace_count == 0 ? "none" : sim->trace[sim->trace_count - 1].text);
}

struct sim *sim_lamp(void)
{
    struct sim *sim = sim_new(1);
    unsigned pi = sim_simple(sim, "pi", 1);

    (void)sim_announce(sim, pi, "lamp");
    sim_run(sim, SIM_SETTLED_MS);
    sim_forget(sim);
    return sim;
}

void sim_ask_once(struct sim *sim, const char *name, uint16_t type, bool unicast)
{
    struct iso_mdns_writer writer;

    iso_mdns_writer_init(&writer);
    sim_ask(&writer, name, type, unicast);
    sim_say(sim, &writer, 0);
    sim_run(sim, 200);
}
