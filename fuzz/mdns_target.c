/* Fuzz target `mdns`: a host with services and browses, to which anything is sent while time
 * passes, interfaces come and go, and services and browses are added and removed.
 *
 * The input is a list of steps. What must hold after each: all that is to be sent is sent, in
 * packets that can be read; then nothing is due until later; peers are found before they change or
 * are lost, and not twice; memory is bounded, and all of it is given back. */
#include "harness.h"
#include "target.h"

#include "base/alloc_test_support.h"
#include "net/mdns_core.h"
#include "net/mdns_message.h"

#include <string.h>

enum {
    STEPS_MAX = 150,
    SENDS_MAX = 2000,
    EVENTS_MAX = 10000,
    MEMORY_MAX = 4 << 20,
    KNOWN_MAX = 2048,
};

struct input {
    const uint8_t *at;
    size_t left;
};

/* What the user has been told of. */
struct known {
    uint32_t browse; /* 0: free */
    uint32_t interface;
    char instance[ISO_MDNS_LABEL_MAX + 1];
};

struct run {
    struct iso_alloc_test memory;
    struct iso_mdns *mdns;
    uint64_t now_ms;
    uint64_t random;
    bool echo; /* packets come back, as the system does it */
    bool stopped;
    uint32_t services[8];
    uint32_t browses[8];
    struct known known[KNOWN_MAX];
};

static uint8_t take(struct input *input)
{
    if (input->left == 0) {
        return 0;
    }
    input->left--;
    return *input->at++;
}

static uint32_t random_bits(void *ctx)
{
    return (uint32_t)(fuzz_random(ctx) >> 16);
}

static const char *const names[] = {
    "_wot._tcp.local",
    "lamp._wot._tcp.local",
    "pi.local",
    "lamp (2)._wot._tcp.local",
    "pi-2.local",
    "screen._wot._tcp.local",
    "_services._dns-sd._udp.local",
    "_bulb._sub._wot._tcp.local",
    "screen.local",
    "a._isomer._tcp.local",
    "_isomer._tcp.local",
    "local",
    "b._isomer._tcp.local",
    "x.example",
    "PI.LOCAL",
    "_tcp.local",
};

static const uint16_t types[] = {ISO_MDNS_A,    ISO_MDNS_PTR,  ISO_MDNS_SRV,   ISO_MDNS_TXT,
                                 ISO_MDNS_AAAA, ISO_MDNS_NSEC, ISO_MDNS_CNAME, ISO_MDNS_ANY};

static struct iso_mdns_address address_from(uint8_t byte)
{
    struct iso_mdns_address address = {.family = 4, .prefix_bits = 24, .bytes = {10, 0, 0, byte}};

    if (byte >= 0xc0) {
        address = (struct iso_mdns_address){
            .family = 6, .prefix_bits = 64, .bytes = {0xfe, 0x80, [15] = byte}};
    } else if (byte >= 0xb0) {
        address.bytes[0] = 192; /* beyond the link */
    }
    return address;
}

/* ---- Packets --------------------------------------------------------------------------------- */

static void receive(struct run *run, struct input *input, struct iso_bytes bytes)
{
    uint8_t how = take(input);
    struct iso_mdns_packet packet = {
        .interface = 1u + (how & 3u),
        .remote = address_from(take(input)),
        .port = (how & 0x30) == 0x30 ? 40000 : ISO_MDNS_PORT,
        .multicast = (how & 0xc0) != 0xc0,
        .bytes = bytes,
    };
    struct iso_report report;

    iso_report_init(&report);
    size_t before = iso_mdns_peer_count(run->mdns);
    enum iso_err err = iso_mdns_receive(run->mdns, &packet, run->now_ms, &report);
    if (err != ISO_OK && (!report.set || iso_mdns_peer_count(run->mdns) > before)) {
        fuzz_fail("a packet was refused without a reason, or left something behind");
    }
}

static bool put_record(struct iso_mdns_writer *writer, struct input *input)
{
    uint8_t what = take(input);
    uint8_t how = take(input);
    static const uint32_t ttls[] = {0, 1, 5, 120, 4500, 60, 86400, 0xffffffff};
    struct iso_mdns_record record = {
        .type = types[what & 7],
        .class = (how & 0xe0) == 0xe0 ? 3 : ISO_MDNS_CLASS_IN,
        .flush = (how & 16) != 0,
        .ttl_s = ttls[how & 7],
    };
    struct iso_mdns_name target;
    uint8_t data[ISO_MDNS_TXT_MAX];

    if (!iso_mdns_name_parse(names[what >> 4], &record.name)) {
        fuzz_fail("a name of our own");
    }
    enum iso_mdns_section section = (enum iso_mdns_section)(1 + (what >> 3 & 1) * 2);
    if ((how & 8) != 0) {
        section = ISO_MDNS_AUTHORITY;
    }
    size_t skip = record.type == ISO_MDNS_SRV ? 6 : 0;
    if (record.type == ISO_MDNS_PTR || record.type == ISO_MDNS_SRV ||
        record.type == ISO_MDNS_CNAME) {
        (void)iso_mdns_name_parse(names[take(input) & 15], &target);
        record.copy[5] = take(input);
        memcpy(record.copy + skip, target.bytes, target.len);
        record.data = iso_bytes_from(record.copy, skip + target.len);
    } else if (record.type == ISO_MDNS_NSEC) {
        memcpy(data, record.name.bytes, record.name.len);
        memcpy(data + record.name.len, "\0\1\x40", 3);
        record.data = iso_bytes_from(data, record.name.len + 3u);
    } else {
        size_t size = record.type == ISO_MDNS_A ? 4 : record.type == ISO_MDNS_AAAA ? 16 : 2;
        memset(data, 10, size);
        data[0] = size == 2 ? 1 : size == 4 ? 10 : 0xfe;
        data[size - 1] = take(input);
        record.data = iso_bytes_from(data, size);
    }
    return iso_mdns_writer_record(writer, section, &record);
}

/* A message of names that mean something here. */
static void receive_made(struct run *run, struct input *input)
{
    struct iso_mdns_writer writer;
    uint8_t flags = take(input);
    unsigned questions = flags & 3;
    unsigned records = flags >> 2 & 7;

    iso_mdns_writer_init(&writer);
    for (unsigned i = 0; i < questions; i++) {
        uint8_t what = take(input);
        struct iso_mdns_name name;
        (void)iso_mdns_name_parse(names[what >> 4], &name);
        (void)iso_mdns_writer_question(
            &writer, &name, types[what & 7],
            (uint16_t)(ISO_MDNS_CLASS_IN | ((what & 8) != 0 ? ISO_MDNS_TOP_BIT : 0)));
    }
    for (unsigned i = 0; i < records; i++) {
        (void)put_record(&writer, input);
    }
    iso_mdns_writer_finish(&writer, 0,
                           (uint16_t)(((flags & 0x80) != 0 ? ISO_MDNS_FLAG_RESPONSE : 0) |
                                      ((flags & 0x40) != 0 ? ISO_MDNS_FLAG_TRUNCATED : 0)));
    /* Records were written in any order of sections, so it may say something else than was meant.
     */
    receive(run, input, iso_bytes_from(writer.bytes, writer.len));
}

static void receive_raw(struct run *run, struct input *input)
{
    size_t len = (size_t)(take(input) | (take(input) & 3) << 8);

    len = len < input->left ? len : input->left;
    struct iso_bytes bytes = iso_bytes_from(input->at, len);
    input->at += len;
    input->left -= len;
    receive(run, input, bytes);
}

/* Many peers, as in a flood. */
static void receive_many(struct run *run, struct input *input)
{
    uint8_t first = take(input);
    uint8_t source = take(input);

    for (unsigned i = 0; i < 32; i++) {
        struct iso_mdns_writer writer;
        struct iso_mdns_record record = {
            .type = ISO_MDNS_PTR, .class = ISO_MDNS_CLASS_IN, .ttl_s = 4500};
        struct iso_mdns_name target;
        char text[64];
        (void)iso_mdns_name_parse(names[0], &record.name);
        (void)iso_format(text, sizeof text, "%u-%u._wot._tcp.local", (unsigned)first, i);
        (void)iso_mdns_name_parse(text, &target);
        record.data = iso_bytes_from(target.bytes, target.len);
        iso_mdns_writer_init(&writer);
        (void)iso_mdns_writer_record(&writer, ISO_MDNS_ANSWERS, &record);
        iso_mdns_writer_finish(&writer, 0, ISO_MDNS_FLAG_RESPONSE);
        struct iso_mdns_packet packet = {
            .interface = 1,
            .remote = address_from((uint8_t)(source + i)),
            .port = ISO_MDNS_PORT,
            .multicast = true,
            .bytes = iso_bytes_from(writer.bytes, writer.len),
        };
        (void)!iso_mdns_receive(run->mdns, &packet, run->now_ms, NULL);
    }
}

/* ---- What comes out -------------------------------------------------------------------------- */

static void check_sent(struct run *run, const struct iso_mdns_packet *packet)
{
    struct iso_mdns_reader reader;

    if (packet->bytes.len > ISO_MDNS_SEND_MAX || packet->port == 0 ||
        iso_mdns_reader_init(&reader, packet->bytes, NULL) != ISO_OK) {
        fuzz_fail("a packet that nobody can read was sent");
    }
    if (run->echo && packet->multicast) {
        uint8_t bytes[ISO_MDNS_SEND_MAX];
        struct iso_mdns_packet back = *packet;
        memcpy(bytes, packet->bytes.ptr, packet->bytes.len);
        back.bytes.ptr = bytes;
        back.remote = address_from(packet->remote.family == 4 ? 1 : 0xc1);
        (void)!iso_mdns_receive(run->mdns, &back, run->now_ms, NULL);
    }
}

static void check_peer(struct run *run, const struct iso_mdns_event *event)
{
    const struct iso_mdns_peer *peer = &event->peer;
    struct known *place = NULL;
    struct known *found = NULL;

    for (unsigned i = 0; i < KNOWN_MAX; i++) {
        struct known *known = &run->known[i];
        if (known->browse == 0) {
            place = place == NULL ? known : place;
        } else if (known->browse == event->browse && known->interface == peer->interface &&
                   strcmp(known->instance, peer->instance) == 0) {
            found = known;
        }
    }
    if ((found == NULL) != (peer->change == ISO_MDNS_FOUND)) {
        fuzz_fail("%s: found twice, or changed or lost without being found", peer->instance);
    }
    if (peer->change == ISO_MDNS_FOUND) {
        if (place == NULL) {
            fuzz_fail("more peers than there can be");
        }
        *place = (struct known){.browse = event->browse, .interface = peer->interface};
        (void)iso_format(place->instance, sizeof place->instance, "%s", peer->instance);
    } else if (peer->change == ISO_MDNS_LOST) {
        *found = (struct known){.browse = 0};
    }
    if (peer->change != ISO_MDNS_LOST && (peer->address_count == 0 || peer->port == 0)) {
        fuzz_fail("%s: reported without an address or a port", peer->instance);
    }
}

static void drain(struct run *run)
{
    struct iso_mdns_packet packet;
    struct iso_mdns_event event;
    unsigned sends = 0;
    unsigned events = 0;

    while (iso_mdns_send(run->mdns, run->now_ms, &packet)) {
        check_sent(run, &packet);
        if (++sends > SENDS_MAX) {
            fuzz_fail("it does not stop sending");
        }
    }
    while (iso_mdns_event(run->mdns, run->now_ms, &event)) {
        if (event.kind == ISO_MDNS_EVENT_PEER) {
            check_peer(run, &event);
        }
        if (++events > EVENTS_MAX) {
            fuzz_fail("it does not stop telling");
        }
    }
    if (!run->stopped && iso_mdns_deadline(run->mdns, run->now_ms) <= run->now_ms) {
        fuzz_fail("something is due after everything was done");
    }
    if (iso_mdns_peer_count(run->mdns) > ISO_MDNS_PEERS_MAX ||
        run->memory.live_bytes > MEMORY_MAX) {
        fuzz_fail("more memory than allowed");
    }
}

/* ---- Steps ----------------------------------------------------------------------------------- */

static void change_interface(struct run *run, struct input *input)
{
    uint8_t what = take(input);
    uint32_t interface = 1u + (what & 3u);
    struct iso_mdns_address addresses[4];
    unsigned count = what >> 2 & 3;

    if ((what & 0x80) != 0) {
        iso_mdns_interface_remove(run->mdns, interface, run->now_ms);
        return;
    }
    for (unsigned i = 0; i < count; i++) {
        addresses[i] = address_from(take(input));
    }
    (void)!iso_mdns_interface_set(run->mdns, interface, addresses, count, run->now_ms);
}

static void change_service(struct run *run, struct input *input)
{
    uint8_t what = take(input);
    uint32_t *id = &run->services[what & 7];
    const char *txt[] = {"td=/", "type=Thing"};
    const char *subtypes[] = {"_bulb", "_a"};
    static const char *const instances[] = {"lamp", "screen", "lamp (2)", "a"};
    struct iso_mdns_service service = {
        .instance = instances[what >> 3 & 3],
        .type = (what & 32) != 0 ? "_isomer._tcp" : "_wot._tcp",
        .port = 80,
        .txt = txt,
        .txt_count = what >> 6 & 1,
        .subtypes = subtypes,
        .subtype_count = what >> 5 & 2,
    };

    if (*id == 0) {
        (void)!iso_mdns_service_add(run->mdns, &service, run->now_ms, id, NULL);
    } else if ((what & 0x80) != 0) {
        (void)!iso_mdns_service_set_txt(run->mdns, *id, txt, what >> 6 & 1, run->now_ms, NULL);
    } else {
        iso_mdns_service_remove(run->mdns, *id, run->now_ms);
        *id = 0;
    }
}

static void change_browse(struct run *run, struct input *input)
{
    uint8_t what = take(input);
    uint32_t *id = &run->browses[what & 7];

    if (*id == 0) {
        (void)!iso_mdns_browse_start(run->mdns, (what & 8) != 0 ? "_isomer._tcp" : "_wot._tcp",
                                     (what & 16) != 0 ? "_bulb" : NULL, run->now_ms, id, NULL);
        return;
    }
    iso_mdns_browse_stop(run->mdns, *id);
    for (unsigned i = 0; i < KNOWN_MAX; i++) {
        if (run->known[i].browse == *id) {
            run->known[i].browse = 0; /* no loss is told */
        }
    }
    *id = 0;
}

/* To the next deadline, or by up to an hour. */
static void pass_time(struct run *run, struct input *input)
{
    uint8_t what = take(input);
    uint64_t deadline = iso_mdns_deadline(run->mdns, run->now_ms);

    if (what < 128 && deadline != UINT64_MAX) {
        run->now_ms = deadline > run->now_ms ? deadline : run->now_ms;
    } else {
        run->now_ms += what < 200 ? what : (uint64_t)(what - 199) * 60000;
    }
}

static void step(struct run *run, struct input *input)
{
    uint8_t what = take(input);
    bool changes = (what & 15) >= 6 && (what & 15) <= 8;

    if (run->stopped && changes) {
        return; /* only what comes from outside goes on */
    }
    switch (what & 15) {
    case 0:
    case 1:
    case 2:
    case 3:
        receive_made(run, input);
        break;
    case 4:
        receive_raw(run, input);
        break;
    case 5:
        receive_many(run, input);
        break;
    case 6:
        change_interface(run, input);
        break;
    case 7:
        change_service(run, input);
        break;
    case 8:
        change_browse(run, input);
        break;
    case 9:
        run->memory.fail_at = run->memory.requests + take(input);
        break;
    case 10:
        if (take(input) == 0 && !run->stopped) {
            iso_mdns_stop(run->mdns, run->now_ms);
            run->stopped = true;
        }
        break;
    default:
        pass_time(run, input);
        break;
    }
    /* Several things may come before it gets its turn. */
    if ((what & 0x80) == 0) {
        drain(run);
    }
}

static void begin(struct run *run, uint8_t how)
{
    const struct iso_mdns_config config = {
        .alloc = &run->memory.alloc, .host = "pi", .random = random_bits, .ctx = &run->random};
    struct iso_mdns_address addresses[] = {address_from(1), address_from(0xc1)};
    static const uint8_t services[] = {0, 8 | 1};
    static const uint8_t browses[] = {0, 16 | 1};

    iso_alloc_test_init(&run->memory);
    run->random = 0x9e3779b97f4a7c15u + how;
    run->now_ms = 1000000;
    run->echo = (how & 1) != 0;
    if (iso_mdns_create(&config, &run->mdns, NULL) != ISO_OK) {
        fuzz_fail("no memory for the first thing");
    }
    (void)!iso_mdns_interface_set(run->mdns, 1, addresses, 1 + (how >> 1 & 1u), run->now_ms);
    for (unsigned i = 0; i < 2; i++) {
        struct input one = {.at = &services[i], .left = 1};
        change_service(run, &one);
        one = (struct input){.at = &browses[i], .left = 1};
        change_browse(run, &one);
    }
    if ((how & 4) != 0) { /* everything is announced */
        for (unsigned i = 0; i < 40; i++) {
            drain(run);
            run->now_ms += 250;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct input input = {.at = data, .left = len};
    static struct run run;

    memset(&run, 0, sizeof run);
    begin(&run, take(&input));
    for (unsigned i = 0; i < STEPS_MAX && input.left > 0; i++) {
        step(&run, &input);
    }
    run.memory.fail_at = 0;
    drain(&run);
    iso_mdns_destroy(run.mdns);
    if (run.memory.live_bytes != 0) {
        fuzz_fail("%zu bytes were not given back", run.memory.live_bytes);
    }
    return 0;
}
