/* Each number of net/mdns_limits.h: what is at it goes, what is beyond is refused or left out.
 * Names, packets and floods have theirs in mdns_message_test.c and mdns_hostile_test.c. */
#include "net/mdns_test_support.h"

#include "base/test.h"

enum { SETTLED_MS = 8000 };

TEST(interfaces)
{
    struct sim *sim = sim_new(1);
    unsigned pi = sim_host(sim, "pi");
    struct iso_mdns *mdns = sim->hosts[pi].mdns;
    struct iso_mdns_address address = sim_v4(10, 0, 0, 1);

    for (uint32_t i = 1; i <= ISO_MDNS_INTERFACES_MAX; i++) {
        CHECK_OK(iso_mdns_interface_set(mdns, i, &address, 1, sim->now_ms));
    }
    CHECK_ERR(iso_mdns_interface_set(mdns, 99, &address, 1, sim->now_ms), ISO_E_LIMIT);
    CHECK_OK(iso_mdns_interface_set(mdns, 1, &address, 1, sim->now_ms));
    iso_mdns_interface_remove(mdns, 3, sim->now_ms);
    CHECK_OK(iso_mdns_interface_set(mdns, 99, &address, 1, sim->now_ms));
    sim_free(sim);
}

TEST(addresses_of_an_interface)
{
    struct sim *sim = sim_new(1);
    unsigned pi = sim_simple(sim, "pi", 1);
    struct iso_mdns_address addresses[ISO_MDNS_ADDRESSES_MAX + 5];

    for (unsigned i = 0; i < ISO_COUNT_OF(addresses); i++) {
        addresses[i] = sim_v4(10, 0, 0, (uint8_t)(1 + i));
    }
    CHECK_OK(iso_mdns_interface_set(sim->hosts[pi].mdns, 1, addresses, ISO_COUNT_OF(addresses),
                                    sim->now_ms));
    sim_run(sim, SETTLED_MS);
    CHECK(sim_count(sim, "A pi.local A 120 flush 10.0.0.14") >= 1);
    CHECK_EQ_U64(sim_count(sim, "10.0.0.15"), 0);
    sim_free(sim);
}

TEST(services_and_their_subtypes)
{
    struct sim *sim = sim_new(1);
    struct iso_mdns *mdns = sim->hosts[sim_simple(sim, "pi", 1)].mdns;
    const char *subtypes[] = {"_a", "_b", "_c", "_d", "_e", "_f", "_g", "_h", "_i"};
    struct iso_mdns_service service = {
        .type = "_x._tcp", .port = 1, .subtypes = subtypes, .subtype_count = 9};
    char name[16];
    uint32_t id = 0;

    service.instance = "x";
    CHECK_ERR(iso_mdns_service_add(mdns, &service, sim->now_ms, &id, NULL), ISO_E_ARGUMENT);
    service.subtype_count = ISO_MDNS_SUBTYPES_MAX;
    for (unsigned i = 0; i < ISO_MDNS_SERVICES_MAX; i++) {
        (void)iso_format(name, sizeof name, "service %u", i);
        service.instance = name;
        CHECK_OK(iso_mdns_service_add(mdns, &service, sim->now_ms, &id, NULL));
    }
    service.instance = "x";
    CHECK_ERR(iso_mdns_service_add(mdns, &service, sim->now_ms, &id, NULL), ISO_E_LIMIT);
    /* All of them are probed for and announced. */
    sim_run(sim, SETTLED_MS);
    for (unsigned i = 0; i < ISO_MDNS_SERVICES_MAX; i++) {
        (void)iso_format(name, sizeof name, "A service %u.", i);
        CHECK(sim_count(sim, name) >= 3);
        name[0] = 'Q';
        CHECK_EQ_U64(sim_count(sim, name), 3);
    }
    CHECK(sim_count(sim, "A _h._sub._x._tcp.local PTR 4500 service 15._x._tcp.local") >= 3);
    /* And have a place again after they went. */
    iso_mdns_service_remove(mdns, id, sim->now_ms);
    sim_run(sim, 1000);
    CHECK_OK(iso_mdns_service_add(mdns, &service, sim->now_ms, &id, NULL));
    sim_free(sim);
}

TEST(texts)
{
    struct sim *sim = sim_new(1);
    struct iso_mdns *mdns = sim->hosts[sim_simple(sim, "pi", 1)].mdns;
    char entry[ISO_MDNS_TXT_ENTRY_MAX + 2] = "";
    const char *txt[] = {entry, entry, entry, entry, "x"};
    struct iso_mdns_service service = {
        .instance = "lamp", .type = "_wot._tcp", .port = 1, .txt = txt, .txt_count = 1};
    uint32_t id;

    memset(entry, 'x', ISO_MDNS_TXT_ENTRY_MAX + 1);
    CHECK_ERR(iso_mdns_service_add(mdns, &service, sim->now_ms, &id, NULL), ISO_E_ARGUMENT);
    entry[ISO_MDNS_TXT_ENTRY_MAX] = '\0';
    service.txt_count = 5;
    CHECK_ERR(iso_mdns_service_add(mdns, &service, sim->now_ms, &id, NULL), ISO_E_ARGUMENT);
    service.txt_count = 4; /* 4 * 256: exactly ISO_MDNS_TXT_MAX */
    CHECK_OK(iso_mdns_service_add(mdns, &service, sim->now_ms, &id, NULL));
    unsigned viewer = sim_simple(sim, "viewer", 2);
    (void)sim_browse(sim, viewer, "_wot._tcp", NULL);
    sim_run(sim, SETTLED_MS);
    CHECK_STR(sim_log(sim, viewer), "found lamp _wot._tcp @1 pi.local:1 10.0.0.1\n");
    iso_mdns_stop(mdns, sim->now_ms);
    sim_run(sim, 2000);
    CHECK_CONTAINS(sim_log(sim, viewer), "lost lamp");
    sim_free(sim);
}

TEST(browses)
{
    struct sim *sim = sim_new(1);
    unsigned pi = sim_simple(sim, "pi", 1);
    uint32_t id = 0;

    for (unsigned i = 0; i < ISO_MDNS_BROWSES_MAX; i++) {
        id = sim_browse(sim, pi, "_wot._tcp", NULL);
    }
    uint32_t more = 0;
    CHECK_ERR(iso_mdns_browse_start(sim->hosts[pi].mdns, "_x._tcp", NULL, sim->now_ms, &more, NULL),
              ISO_E_LIMIT);
    CHECK_EQ_U64(more, 0);
    iso_mdns_browse_stop(sim->hosts[pi].mdns, id);
    CHECK_OK(iso_mdns_browse_start(sim->hosts[pi].mdns, "_x._tcp", NULL, sim->now_ms, &more, NULL));
    sim_free(sim);
}

TEST(addresses_and_text_and_life_of_a_peer)
{
    struct sim *sim = sim_new(1);
    unsigned viewer = sim_simple(sim, "viewer", 2);
    struct iso_mdns_writer writer;
    char txt[ISO_MDNS_TXT_MAX + 8] = "";

    (void)sim_browse(sim, viewer, "_wot._tcp", NULL);
    iso_mdns_writer_init(&writer);
    sim_put(&writer, ISO_MDNS_ANSWERS, SIM_TYPE, ISO_MDNS_PTR, 0xffffffff, false, SIM_LAMP);
    sim_put(&writer, ISO_MDNS_ANSWERS, SIM_LAMP, ISO_MDNS_SRV, 0xffffffff, true, "1 pi.local");
    for (unsigned i = 1; i <= ISO_MDNS_PEER_ADDRESSES_MAX + 5; i++) {
        const char address[] = {10, 0, 0, (char)(100 + i)};
        sim_put(&writer, ISO_MDNS_ANSWERS, "pi.local", ISO_MDNS_A, 0xffffffff, false, address);
    }
    sim_say(sim, &writer, ISO_MDNS_FLAG_RESPONSE);
    for (unsigned i = 0; i < ISO_MDNS_TXT_MAX / 64 + 1; i++) {
        memset(txt + 64 * (i % 16), 'x', 64);
        txt[64 * (i % 16)] = 63;
    }
    memcpy(txt + ISO_MDNS_TXT_MAX, "\1y", 3); /* 1026 bytes */
    sim_put(&writer, ISO_MDNS_ANSWERS, SIM_LAMP, ISO_MDNS_TXT, 0xffffffff, true, txt);
    sim_say(sim, &writer, ISO_MDNS_FLAG_RESPONSE);
    sim_run(sim, 10);
    CHECK_STR(sim_log(sim, viewer), "");
    txt[ISO_MDNS_TXT_MAX] = '\0';
    sim_put(&writer, ISO_MDNS_ANSWERS, SIM_LAMP, ISO_MDNS_TXT, 0xffffffff, true, txt);
    sim_say(sim, &writer, ISO_MDNS_FLAG_RESPONSE);
    sim_run(sim, 10);
    CHECK_CONTAINS(sim_log(sim, viewer), "10.0.0.112\n"); /* the twelfth */
    sim_run(sim, ISO_MDNS_PEER_TTL_MAX_S * 1000ull - 100);
    CHECK(strstr(sim_log(sim, viewer), "lost") == NULL);
    sim_run(sim, 200);
    CHECK_CONTAINS(sim_log(sim, viewer), "lost");
    sim_free(sim);
}

TEST(waiting_answers)
{
    struct sim *sim = sim_new(1);
    struct iso_mdns_writer writer;
    unsigned pi = sim_simple(sim, "pi", 1);

    (void)sim_announce(sim, pi, "lamp");
    sim_run(sim, SETTLED_MS);
    sim_forget(sim);
    iso_mdns_writer_init(&writer);
    for (unsigned i = 0; i < 100; i++) {
        sim_ask(&writer, "pi.local", ISO_MDNS_A, false);
        iso_mdns_writer_finish(&writer, (uint16_t)i, 0);
        CHECK_OK(sim_inject(sim, 0, sim_v4(10, 0, 0, 9), (uint16_t)(1000 + i), true, writer.bytes,
                            writer.len, NULL));
        iso_mdns_writer_init(&writer);
    }
    sim_run(sim, 100);
    CHECK_EQ_U64(sim->trace_count, ISO_MDNS_REPLIES_MAX - 1); /* one is for announcements */
    sim_free(sim);
}

TEST(waiting_for_known_answers_ends)
{
    struct sim *sim = sim_new(1);
    struct iso_mdns_writer writer;
    unsigned pi = sim_simple(sim, "pi", 1);

    (void)sim_announce(sim, pi, "lamp");
    sim_run(sim, SETTLED_MS);
    sim_forget(sim);
    iso_mdns_writer_init(&writer);
    sim_ask(&writer, SIM_TYPE, ISO_MDNS_PTR, false);
    sim_say(sim, &writer, ISO_MDNS_FLAG_TRUNCATED);
    for (unsigned i = 0; i < 30; i++) {
        sim_run(sim, 100);
        sim_put(&writer, ISO_MDNS_ANSWERS, SIM_TYPE, ISO_MDNS_PTR, 4500, false, "x." SIM_TYPE);
        sim_say(sim, &writer, ISO_MDNS_FLAG_TRUNCATED);
    }
    CHECK_EQ_U64(sim_count(sim, "A " SIM_TYPE " PTR 4500 " SIM_LAMP), 1);
    sim_free(sim);
}

/* Complete data of "fake N" from one of many addresses, as if there were such a host. */
static void say_fake(struct sim *sim, unsigned i)
{
    struct iso_mdns_writer writer;
    char instance[64];

    (void)iso_format(instance, sizeof instance, "fake %u." SIM_TYPE, i);
    iso_mdns_writer_init(&writer);
    sim_put(&writer, ISO_MDNS_ANSWERS, SIM_TYPE, ISO_MDNS_PTR, 86400, false, instance);
    sim_put(&writer, ISO_MDNS_ANSWERS, instance, ISO_MDNS_SRV, 86400, true, "1 fake.local");
    sim_put(&writer, ISO_MDNS_ANSWERS, instance, ISO_MDNS_TXT, 86400, true, "\1x");
    sim_put(&writer, ISO_MDNS_ANSWERS, "fake.local", ISO_MDNS_A, 86400, true, "\012\0\0\x09");
    iso_mdns_writer_finish(&writer, 0, ISO_MDNS_FLAG_RESPONSE);
    CHECK_OK(sim_inject(sim, 0, sim_v4(10, 0, 0, (uint8_t)(3 + i % 200)), ISO_MDNS_PORT, true,
                        writer.bytes, writer.len, NULL));
    sim_run(sim, 1);
}

TEST(peers_and_how_long_they_give_way)
{
    struct sim *sim = sim_new(1);
    unsigned viewer = sim_simple(sim, "viewer", 2);
    unsigned i;

    (void)sim_browse(sim, viewer, "_wot._tcp", NULL);
    for (i = 0; i < ISO_MDNS_PEERS_MAX; i++) {
        say_fake(sim, i);
    }
    CHECK_EQ_U64(iso_mdns_peer_count(sim->hosts[viewer].mdns), ISO_MDNS_PEERS_MAX);
    CHECK(strstr(sim_log(sim, viewer), "lost") == NULL);
    /* All are young: the oldest gives way, for the packet after the one that wanted its place. */
    say_fake(sim, i);
    say_fake(sim, i);
    CHECK_CONTAINS(sim_log(sim, viewer), "lost fake 0 ");
    CHECK_CONTAINS(sim_log(sim, viewer), "found fake 256 ");
    CHECK_EQ_U64(iso_mdns_peer_count(sim->hosts[viewer].mdns), ISO_MDNS_PEERS_MAX);
    /* Now none does. */
    sim_run(sim, ISO_MDNS_CONFIRM_MS);
    sim_forget(sim);
    for (i = 300; i < 1000; i++) {
        say_fake(sim, i);
    }
    CHECK_STR(sim_log(sim, viewer), "");
    sim_free(sim);
}

TEST(peers_without_data_give_way_first)
{
    struct sim *sim = sim_new(1);
    unsigned viewer = sim_simple(sim, "viewer", 2);
    struct iso_mdns_writer writer;
    char instance[64];
    unsigned i;

    (void)sim_browse(sim, viewer, "_wot._tcp", NULL);
    for (i = 0; i < ISO_MDNS_PEERS_MAX / 2; i++) {
        say_fake(sim, i);
    }
    for (; i < ISO_MDNS_PEERS_MAX; i++) {
        (void)iso_format(instance, sizeof instance, "empty %u." SIM_TYPE, i);
        iso_mdns_writer_init(&writer);
        sim_put(&writer, ISO_MDNS_ANSWERS, SIM_TYPE, ISO_MDNS_PTR, 4500, false, instance);
        iso_mdns_writer_finish(&writer, 0, ISO_MDNS_FLAG_RESPONSE);
        CHECK_OK(sim_inject(sim, 0, sim_v4(10, 0, 0, (uint8_t)(3 + i % 200)), ISO_MDNS_PORT, true,
                            writer.bytes, writer.len, NULL));
    }
    CHECK_EQ_U64(iso_mdns_peer_count(sim->hosts[viewer].mdns), ISO_MDNS_PEERS_MAX);
    say_fake(sim, i);
    CHECK_CONTAINS(sim_log(sim, viewer), "found fake 256 ");
    CHECK(strstr(sim_log(sim, viewer), "lost") == NULL);
    sim_free(sim);
}

TEST(echoes)
{
    struct sim *sim = sim_new(1);
    unsigned pi = sim_simple(sim, "pi", 1);
    struct iso_mdns_address other = sim_v4(10, 0, 0, 2);
    char entry[ISO_MDNS_TXT_ENTRY_MAX + 1] = "";
    const char *txt[] = {entry, entry, entry, entry};
    struct iso_mdns_service service = {.type = "_wot._tcp", .port = 1, .txt = txt, .txt_count = 4};
    char name[16];
    uint32_t id;

    /* Two interfaces on one link and packets that come back after more than a second: more of them
     * are on their way than are remembered. */
    sim->jitter_ms = 1500;
    sim_port(sim, pi, 2, 0, &other, 1);
    memset(entry, 'x', ISO_MDNS_TXT_ENTRY_MAX);
    (void)sim_browse(sim, pi, "_wot._tcp", NULL);
    for (unsigned i = 0; i < ISO_MDNS_SERVICES_MAX; i++) {
        (void)iso_format(name, sizeof name, "service %u", i);
        service.instance = name;
        CHECK_OK(iso_mdns_service_add(sim->hosts[pi].mdns, &service, sim->now_ms, &id, NULL));
    }
    sim_run(sim, 1500);
    CHECK(sim->trace_count > ISO_MDNS_ECHOES_MAX);
    sim_run(sim, 60000);
    CHECK_STR(sim_log(sim, pi), ""); /* neither renamed nor found by itself */
    sim_free(sim);
}
