/* Packets that mean harm: they change nothing that matters, and cost a bounded amount of memory. */
#include "net/mdns_test_support.h"

#include "base/random_test_support.h"
#include "base/test.h"

#include <stdlib.h>

enum { SETTLED_MS = 20000, FLOOD = 100000 };
/* More than entries, interfaces and services together may take: see the sizes in mdns_state.h. */
#define MEMORY_MAX (2u * 1024 * 1024)

/* Host 0 "pi" announces "lamp" and browses; host 1 "pj" announces "screen", which host 0 has known
 * for long. */
static struct sim *target(void)
{
    struct sim *sim = sim_new(5);
    unsigned pi = sim_simple(sim, "pi", 1);
    unsigned pj = sim_simple(sim, "pj", 2);

    (void)sim_announce(sim, pi, "lamp");
    (void)sim_browse(sim, pi, "_wot._tcp", NULL);
    (void)sim_announce(sim, pj, "screen");
    sim_run(sim, SETTLED_MS);
    CHECK_STR(sim_log(sim, pi), "found screen _wot._tcp @1 pj.local:8080 10.0.0.2\n");
    sim_forget(sim);
    return sim;
}

/* Still there, still known, still answering. */
static void check_unharmed(struct sim *sim)
{
    struct iso_mdns_writer writer;

    CHECK(sim->hosts[0].memory.peak_bytes <= MEMORY_MAX);
    CHECK_STR(iso_mdns_host(sim->hosts[0].mdns), "pi.local");
    CHECK(strstr(sim_log(sim, 0), "renamed") == NULL);
    CHECK(strstr(sim_log(sim, 0), "lost screen") == NULL);
    CHECK(strstr(sim_log(sim, 0), "changed screen") == NULL);
    sim_run(sim, 2000);
    sim_forget(sim);
    iso_mdns_writer_init(&writer);
    sim_ask(&writer, SIM_LAMP, ISO_MDNS_SRV, false);
    sim_say(sim, &writer, 0);
    sim_run(sim, 1200);
    CHECK_EQ_U64(sim_count(sim, "A " SIM_LAMP " SRV 120 flush 8080 pi.local"), 1);
    sim_free(sim);
}

TEST(aliases_are_ignored)
{
    /* What ends programs that use another well-known library: CNAME records in a multicast answer,
     * of a name that is being resolved and of names of ours. */
    struct sim *sim = target();
    struct iso_mdns_writer writer;

    iso_mdns_writer_init(&writer);
    sim_put(&writer, ISO_MDNS_ANSWERS, SIM_TYPE, ISO_MDNS_CNAME, 4500, true, "a.local");
    sim_put(&writer, ISO_MDNS_ANSWERS, "a.local", ISO_MDNS_CNAME, 4500, true, SIM_TYPE);
    sim_put(&writer, ISO_MDNS_ANSWERS, SIM_LAMP, ISO_MDNS_CNAME, 4500, true, SIM_LAMP);
    sim_put(&writer, ISO_MDNS_ANSWERS, "pi.local", ISO_MDNS_CNAME, 4500, true, "pi.local");
    sim_put(&writer, ISO_MDNS_ANSWERS, "pj.local", ISO_MDNS_CNAME, 4500, true, "pi.local");
    sim_put(&writer, ISO_MDNS_ADDITIONAL, "screen." SIM_TYPE, ISO_MDNS_CNAME, 4500, true, SIM_LAMP);
    sim_say(sim, &writer, ISO_MDNS_FLAG_RESPONSE);
    sim_run(sim, 5000);
    CHECK_EQ_U64(sim_count(sim, "response"), 0);
    CHECK_STR(sim_log(sim, 0), "");
    check_unharmed(sim);
}

TEST(packets_of_9000_bytes_are_read)
{
    struct sim *sim = target();
    uint8_t *packet = calloc(1, ISO_MDNS_PACKET_MAX + 1);
    size_t at = 12;
    unsigned count = 0;

    CHECK(packet != NULL);
    /* Nothing but questions for our name by pointers: two of 16, 6 bytes each. */
    memcpy(packet + at, "\4lamp\4_wot\4_tcp\5local\0\0\377\0\1", 26);
    at += 26;
    for (count = 1; at + 6 <= ISO_MDNS_PACKET_MAX; count++) {
        memcpy(packet + at, "\xc0\x0c\0\377\0\1", 6);
        at += 6;
    }
    packet[4] = (uint8_t)(count >> 8);
    packet[5] = (uint8_t)count;
    CHECK_OK(sim_inject(sim, 0, sim_v4(10, 0, 0, 66), 5353, true, packet, at, NULL));
    sim_run(sim, 2000);
    CHECK_EQ_U64(sim_count(sim, "response"), 1);
    CHECK_ERR(
        sim_inject(sim, 0, sim_v4(10, 0, 0, 66), 5353, true, packet, ISO_MDNS_PACKET_MAX + 1, NULL),
        ISO_E_LIMIT);
    free(packet);
    check_unharmed(sim);
}

TEST(a_flood_of_noise_changes_nothing)
{
    struct sim *sim = target();
    uint64_t random = 99;
    uint8_t packet[256];
    unsigned refused = 0;

    for (unsigned i = 0; i < FLOOD; i++) {
        size_t len = 1 + iso_test_random(&random) % sizeof packet;
        for (size_t j = 0; j < len; j++) {
            packet[j] = (uint8_t)iso_test_random(&random);
        }
        refused += sim_inject(sim, 0, sim_v4(10, 0, 0, (uint8_t)random), 5353, true, packet, len,
                              NULL) != ISO_OK;
        if (i % 100 == 0) {
            sim_run(sim, 1);
        }
    }
    CHECK(refused > FLOOD - 100);
    CHECK_EQ_U64(iso_mdns_peer_count(sim->hosts[0].mdns), 1);
    check_unharmed(sim);
}

/* A message with some bytes changed: most of it still holds. */
TEST(a_flood_of_damaged_packets_costs_no_memory)
{
    struct sim *sim = target();
    struct iso_mdns_writer writer;
    uint64_t random = 7;

    iso_mdns_writer_init(&writer);
    sim_ask(&writer, SIM_TYPE, ISO_MDNS_PTR, false);
    sim_put(&writer, ISO_MDNS_ANSWERS, SIM_TYPE, ISO_MDNS_PTR, 4500, false, "x." SIM_TYPE);
    sim_put(&writer, ISO_MDNS_ANSWERS, "x." SIM_TYPE, ISO_MDNS_SRV, 120, true, "80 x.local");
    sim_put(&writer, ISO_MDNS_ADDITIONAL, "x.local", ISO_MDNS_A, 120, true, "\012\0\0\x09");
    iso_mdns_writer_finish(&writer, 0, ISO_MDNS_FLAG_RESPONSE);
    for (unsigned i = 0; i < FLOOD; i++) {
        uint8_t packet[ISO_MDNS_SEND_MAX];
        memcpy(packet, writer.bytes, writer.len);
        for (unsigned n = 0; n < 1 + i % 3; n++) {
            packet[iso_test_random(&random) % writer.len] = (uint8_t)iso_test_random(&random);
        }
        enum iso_err err = sim_inject(sim, 0, sim_v4(10, 0, 0, (uint8_t)random), 5353, true, packet,
                                      writer.len, NULL);
        CHECK(err == ISO_OK || err == ISO_E_MALFORMED || err == ISO_E_UNSUPPORTED);
        if (i % 1000 == 0) {
            sim_run(sim, 1);
            sim_forget(sim);
        }
    }
    CHECK(iso_mdns_peer_count(sim->hosts[0].mdns) <= ISO_MDNS_PEERS_MAX);
    check_unharmed(sim);
}

TEST(a_flood_of_questions_gets_an_answer_a_second)
{
    struct sim *sim = target();
    struct iso_mdns_writer writer;

    for (unsigned i = 0; i < FLOOD; i++) {
        iso_mdns_writer_init(&writer);
        sim_ask(&writer, i % 2 == 0 ? SIM_TYPE : SIM_LAMP, ISO_MDNS_ANY, i % 3 == 0);
        iso_mdns_writer_finish(&writer, 0, i % 5 == 0 ? ISO_MDNS_FLAG_TRUNCATED : 0);
        CHECK_OK(sim_inject(sim, 0, sim_v4(10, 0, 0, (uint8_t)(3 + i % 200)), 5353, true,
                            writer.bytes, writer.len, NULL));
        if (i % 10 == 0) {
            sim_run(sim, 1);
        }
    }
    /* 10 seconds: each record at most 11 times by multicast, and the budget by unicast. */
    unsigned multicast = 0;
    unsigned unicast = 0;
    for (size_t i = 0; i < sim->trace_count; i++) {
        multicast += sim->trace[i].host == 0 && sim->trace[i].multicast &&
                     strstr(sim->trace[i].text, SIM_LAMP " SRV") != NULL;
        unicast += sim->trace[i].host == 0 && !sim->trace[i].multicast;
    }
    CHECK(multicast <= 12);
    CHECK(unicast <= 12 * ISO_MDNS_UNICAST_REPLIES_PER_S);
    check_unharmed(sim);
}

/* A peer that does not exist: everything about it in one packet. */
static void put_fake(struct iso_mdns_writer *writer, unsigned i)
{
    char instance[64];
    char host[64];
    char target[80];

    (void)iso_format(instance, sizeof instance, "fake %u._wot._tcp.local", i);
    (void)iso_format(host, sizeof host, "fake%u.local", i);
    (void)iso_format(target, sizeof target, "666 %s", host);
    iso_mdns_writer_init(writer);
    sim_put(writer, ISO_MDNS_ANSWERS, SIM_TYPE, ISO_MDNS_PTR, 86400, false, instance);
    sim_put(writer, ISO_MDNS_ANSWERS, instance, ISO_MDNS_SRV, 86400, true, target);
    sim_put(writer, ISO_MDNS_ANSWERS, instance, ISO_MDNS_TXT, 86400, true, "\1x");
    sim_put(writer, ISO_MDNS_ANSWERS, host, ISO_MDNS_A, 86400, true, "\012\0\0\x09");
    iso_mdns_writer_finish(writer, 0, ISO_MDNS_FLAG_RESPONSE);
}

TEST(a_flood_of_peers_from_many_sources_does_not_push_out_those_we_know)
{
    struct sim *sim = target();
    struct iso_mdns_writer writer;

    for (unsigned i = 0; i < FLOOD; i++) {
        put_fake(&writer, i);
        CHECK_OK(sim_inject(sim, 0, sim_v4(10, 0, 0, (uint8_t)(3 + i % 200)), 5353, true,
                            writer.bytes, writer.len, NULL));
        if (i % 50 == 0) {
            sim_run(sim, 1);
        }
    }
    CHECK_EQ_U64(iso_mdns_peer_count(sim->hosts[0].mdns), ISO_MDNS_PEERS_MAX);
    check_unharmed(sim);
}

TEST(a_flood_of_peers_without_data_makes_few_questions)
{
    struct sim *sim = target();
    struct iso_mdns_writer writer;
    char instance[64];

    for (unsigned i = 0; i < FLOOD; i++) {
        (void)iso_format(instance, sizeof instance, "fake %u._wot._tcp.local", i);
        iso_mdns_writer_init(&writer);
        sim_put(&writer, ISO_MDNS_ANSWERS, SIM_TYPE, ISO_MDNS_PTR, 4500, false, instance);
        iso_mdns_writer_finish(&writer, 0, ISO_MDNS_FLAG_RESPONSE);
        CHECK_OK(sim_inject(sim, 0, sim_v4(10, 0, 0, (uint8_t)(3 + i % 200)), 5353, true,
                            writer.bytes, writer.len, NULL));
        if (i % 10 == 0) {
            sim_run(sim, 1);
        }
    }
    unsigned queries = 0;
    for (size_t i = 0; i < sim->trace_count; i++) {
        queries += sim->trace[i].host == 0 && strncmp(sim->trace[i].text, "query", 5) == 0;
    }
    CHECK(queries > 0 && queries <= 12 * ISO_MDNS_QUERY_PACKETS_PER_S);
    check_unharmed(sim);
}

TEST(one_source_cannot_fill_the_cache)
{
    struct sim *sim = target();
    struct iso_mdns_writer writer;

    for (unsigned i = 0; i < 1000; i++) {
        put_fake(&writer, i);
        CHECK_OK(
            sim_inject(sim, 0, sim_v4(10, 0, 0, 66), 5353, true, writer.bytes, writer.len, NULL));
        sim_run(sim, 20);
        sim_forget(sim);
    }
    CHECK_EQ_U64(iso_mdns_peer_count(sim->hosts[0].mdns), 1 + ISO_MDNS_PEERS_PER_SOURCE_MAX);
    /* Another is found all the same. */
    (void)sim_announce(sim, 1, "later");
    sim_run(sim, 5000);
    CHECK_CONTAINS(sim_log(sim, 0), "found later _wot._tcp @1 pj.local:8080 10.0.0.2\n");
    check_unharmed(sim);
}

TEST(records_of_other_names_are_not_kept)
{
    struct sim *sim = target();
    struct iso_mdns_writer writer;
    size_t before = sim->hosts[0].memory.live_bytes;

    for (unsigned i = 0; i < 10000; i++) {
        char name[64];
        (void)iso_format(name, sizeof name, "x%u._http._tcp.local", i);
        iso_mdns_writer_init(&writer);
        sim_put(&writer, ISO_MDNS_ANSWERS, "_http._tcp.local", ISO_MDNS_PTR, 4500, false, name);
        sim_put(&writer, ISO_MDNS_ANSWERS, name, ISO_MDNS_SRV, 120, true, "80 x.local");
        sim_put(&writer, ISO_MDNS_ANSWERS, name, ISO_MDNS_TXT, 120, true, "\1x");
        sim_put(&writer, ISO_MDNS_ANSWERS, "x.local", ISO_MDNS_A, 120, true, "\012\0\0\x09");
        sim_say(sim, &writer, ISO_MDNS_FLAG_RESPONSE);
    }
    CHECK_EQ_U64(sim->hosts[0].memory.live_bytes, before);
    check_unharmed(sim);
}

TEST(probes_with_too_many_records_are_not_weighed)
{
    struct sim *sim = sim_new(3);
    unsigned pi = sim_simple(sim, "pi", 1);
    struct iso_mdns_writer writer;

    sim_run(sim, 251); /* it probes */
    iso_mdns_writer_init(&writer);
    sim_ask(&writer, "pi.local", ISO_MDNS_ANY, false);
    for (unsigned i = 0; i <= ISO_MDNS_PROBE_RECORDS_MAX; i++) {
        const char address[] = {(char)250, 1, 1, (char)i};
        sim_put(&writer, ISO_MDNS_AUTHORITY, "pi.local", ISO_MDNS_A, 120, false, address);
    }
    sim_say(sim, &writer, 0);
    sim_run(sim, 800);
    CHECK_EQ_U64(sim_count(sim, "Q pi.local ANY"), 3); /* it did not wait for a second */
    CHECK_STR(sim_log(sim, pi), "");
    sim_free(sim);
}
