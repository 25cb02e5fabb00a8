/* Claiming names on a network in memory: probes, announcements, conflicts, and interfaces whose
 * addresses change (RFC 6762, sections 8, 9 and 14). */
#include "net/mdns_test_support.h"

#include "base/test.h"

#include <stdlib.h>

TEST(names_are_probed_three_times_and_then_announced)
{
    struct sim *sim = sim_new(1);
    unsigned pi = sim_simple(sim, "pi", 1);
    uint64_t begin_ms = sim->now_ms;

    (void)sim_announce(sim, pi, "lamp");
    sim_run(sim, SIM_SETTLED_MS);
    /* Both names at about the same time, but not always in one packet: each is its own claim. */
    CHECK_EQ_U64(sim_count(sim, "Q pi.local ANY"), 3);
    CHECK_EQ_U64(sim_count(sim, "Q " SIM_LAMP " ANY"), 3);
    CHECK_EQ_U64(sim_count(sim, "N pi.local A 120 10.0.0.1"), 3);
    CHECK_EQ_U64(sim_count(sim, "N " SIM_LAMP " SRV 120 8080 pi.local"), 3);
    CHECK(sim_find(sim, "query")->at_ms <= begin_ms + 250);
    CHECK_EQ_U64(sim_count(sim, "A pi.local A 120 flush 10.0.0.1"), 3);
    CHECK_EQ_U64(sim_count(sim, "A " SIM_LAMP " SRV 120 flush 8080 pi.local"), 3);
    CHECK_EQ_U64(sim_count(sim, "A " SIM_LAMP " TXT 4500 flush 0474643d2f"), 3);
    CHECK_EQ_U64(sim_count(sim, "A " SIM_TYPE " PTR 4500 " SIM_LAMP), 3);
    CHECK_EQ_U64(sim_count(sim, "A " SIM_KINDS " PTR 4500 " SIM_TYPE), 3);
    uint64_t probed = sim_find(sim, "Q " SIM_LAMP " ANY")->at_ms;
    CHECK(sim_find(sim, "A " SIM_LAMP " SRV")->at_ms >= probed + 750);
    for (size_t i = 0; i < sim->trace_count; i++) {
        CHECK(sim->trace[i].multicast && sim->trace[i].port == 5353);
    }
    sim_forget(sim);
    sim_run(sim, 3600000);
    CHECK_EQ_U64(sim->trace_count, 0); /* silence until somebody asks */
    sim_free(sim);
}

TEST(a_name_is_defended_at_once)
{
    struct sim *sim = sim_lamp();
    struct iso_mdns_writer writer;
    uint64_t asked_ms = sim->now_ms;

    iso_mdns_writer_init(&writer);
    for (unsigned i = 0; i < 3; i++) { /* probes, 250 ms apart */
        sim_ask(&writer, SIM_LAMP, ISO_MDNS_ANY, true);
        sim_put(&writer, ISO_MDNS_AUTHORITY, SIM_LAMP, ISO_MDNS_SRV, 120, false, "9 evil.local");
        sim_say(sim, &writer, 0);
        sim_run(sim, 250);
    }
    CHECK_EQ_U64(sim_count(sim, "A " SIM_LAMP " SRV 120 flush 8080 pi.local"), 3);
    CHECK_EQ_U64(sim->trace[0].at_ms, asked_ms);
    CHECK(sim->trace[0].multicast);
    CHECK_STR(sim_log(sim, 0), "");
    sim_free(sim);
}

TEST(who_comes_later_takes_another_name)
{
    struct sim *sim = sim_lamp();
    unsigned second = sim_simple(sim, "pi", 2);
    uint32_t id = sim_announce(sim, second, "lamp");

    sim_run(sim, SIM_SETTLED_MS);
    char expected[64];
    (void)iso_format(expected, sizeof expected, "renamed %u lamp (2)\n", (unsigned)id);
    CHECK_STR(sim_log(sim, 0), "");
    CHECK_CONTAINS(sim_log(sim, second), "renamed 0 pi-2.local\n");
    CHECK_CONTAINS(sim_log(sim, second), expected);
    CHECK_STR(iso_mdns_host(sim->hosts[second].mdns), "pi-2.local");
    CHECK(sim_count(sim, "A lamp (2)._wot._tcp.local SRV 120 flush 8080 pi-2.local") >= 1);
    sim_free(sim);
}

TEST(of_many_that_start_at_once_each_gets_a_name_of_its_own)
{
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct sim *sim = sim_new(seed);
        for (unsigned i = 0; i < 5; i++) {
            (void)sim_announce(sim, sim_simple(sim, "pi", (uint8_t)(1 + i)), "lamp");
        }
        sim_run(sim, 60000);
        for (unsigned i = 0; i < 5; i++) {
            char name[64];
            (void)iso_format(name, sizeof name, "%s", iso_mdns_host(sim->hosts[i].mdns));
            for (unsigned j = 0; j < i; j++) {
                CHECK(strcmp(name, iso_mdns_host(sim->hosts[j].mdns)) != 0);
            }
        }
        /* And so has each lamp: five answer to the type. */
        sim_forget(sim);
        sim_ask_once(sim, SIM_TYPE, ISO_MDNS_PTR, false);
        sim_run(sim, 2000);
        CHECK_EQ_U64(sim_count(sim, " PTR 4500 lamp"), 5);
        CHECK_EQ_U64(sim_count(sim, " PTR 4500 lamp._wot"), 1);
        sim_free(sim);
    }
}

TEST(of_two_that_probe_at_once_the_later_data_win)
{
    struct sim *sim = sim_new(3);
    unsigned pi = sim_simple(sim, "pi", 100);
    struct iso_mdns_writer writer;

    sim_run(sim, 251); /* a probe is out */
    CHECK(sim_count(sim, "Q pi.local ANY") >= 1);
    uint64_t lost_ms = sim->now_ms;
    iso_mdns_writer_init(&writer);
    sim_ask(&writer, "pi.local", ISO_MDNS_ANY, true);
    sim_put(&writer, ISO_MDNS_AUTHORITY, "pi.local", ISO_MDNS_A, 120, false, "\012\0\0\x65");
    sim_say(sim, &writer, 0); /* 10.0.0.101 is later */
    sim_forget(sim);
    sim_run(sim, 5000);
    /* It waited for a second, nobody defended, the name is its own. */
    CHECK_EQ_U64(sim->trace[0].at_ms, lost_ms + 1000);
    CHECK_EQ_U64(sim_count(sim, "Q pi.local ANY"), 3);
    CHECK_STR(sim_log(sim, pi), "");
    sim_free(sim);

    sim = sim_new(3);
    pi = sim_simple(sim, "pi", 100);
    sim_run(sim, 251);
    sim_ask(&writer, "pi.local", ISO_MDNS_ANY, true);
    sim_put(&writer, ISO_MDNS_AUTHORITY, "pi.local", ISO_MDNS_A, 120, false, "\012\0\0\x63");
    sim_say(sim, &writer, 0); /* 10.0.0.99 is earlier */
    sim_run(sim, 5000);
    CHECK_EQ_U64(sim_count(sim, "Q pi.local ANY"), 3);
    CHECK(sim_find(sim, "A pi.local A 120")->at_ms < lost_ms + 1000);
    sim_free(sim);
}

TEST(a_contradiction_makes_it_probe_again_and_only_a_defence_makes_it_yield)
{
    struct sim *sim = sim_lamp();
    struct iso_mdns_writer writer;

    iso_mdns_writer_init(&writer);
    sim_put(&writer, ISO_MDNS_ANSWERS, "pi.local", ISO_MDNS_A, 120, true, "\012\0\0\x42");
    sim_say(sim, &writer, ISO_MDNS_FLAG_RESPONSE);
    sim_run(sim, SIM_SETTLED_MS);
    CHECK_EQ_U64(sim_count(sim, "Q pi.local ANY"), 3);
    CHECK_EQ_U64(sim_count(sim, "A pi.local A 120 flush 10.0.0.1"), 3);
    CHECK_STR(sim_log(sim, 0), "");
    /* The same of SRV and TXT in one packet counts once. */
    sim_put(&writer, ISO_MDNS_ANSWERS, SIM_LAMP, ISO_MDNS_SRV, 120, true, "1 evil.local");
    sim_put(&writer, ISO_MDNS_ANSWERS, SIM_LAMP, ISO_MDNS_TXT, 120, true, "\2a=");
    sim_say(sim, &writer, ISO_MDNS_FLAG_RESPONSE);
    sim_run(sim, 400); /* a probe is out */
    CHECK_STR(sim_log(sim, 0), "");
    sim_put(&writer, ISO_MDNS_ANSWERS, SIM_LAMP, ISO_MDNS_SRV, 120, true, "1 evil.local");
    sim_say(sim, &writer, ISO_MDNS_FLAG_RESPONSE);
    sim_run(sim, SIM_SETTLED_MS);
    CHECK_CONTAINS(sim_log(sim, 0), " lamp (2)\n");
    sim_free(sim);
}

TEST(renames_are_slowed_down)
{
    struct sim *sim = sim_lamp();
    struct iso_mdns_writer writer;

    iso_mdns_writer_init(&writer);
    for (unsigned i = 0; i < 600; i++) { /* whatever it is called, somebody else is, too */
        sim_put(&writer, ISO_MDNS_ANSWERS, iso_mdns_host(sim->hosts[0].mdns), ISO_MDNS_A, 120, true,
                "\012\0\0\x42");
        sim_say(sim, &writer, ISO_MDNS_FLAG_RESPONSE);
        sim_run(sim, 100);
    }
    unsigned renames = 0;
    for (const char *p = sim_log(sim, 0); (p = strstr(p, "renamed")) != NULL; p++) {
        renames++;
    }
    CHECK(renames >= 5 && renames <= 15 + 60 / 5);
    sim_free(sim);
}

TEST(the_same_data_from_elsewhere_are_no_conflict)
{
    struct sim *sim = sim_lamp();
    struct iso_mdns_writer writer;

    iso_mdns_writer_init(&writer);
    sim_put(&writer, ISO_MDNS_ANSWERS, "pi.local", ISO_MDNS_A, 120, true, "\012\0\0\1");
    sim_put(&writer, ISO_MDNS_ANSWERS, SIM_LAMP, ISO_MDNS_SRV, 120, true, "8080 PI.local");
    sim_say(sim, &writer, ISO_MDNS_FLAG_RESPONSE);
    sim_run(sim, SIM_SETTLED_MS);
    CHECK_EQ_U64(sim->trace_count, 0);
    sim_free(sim);
}

TEST(services_follow_their_host_to_its_new_name)
{
    struct sim *sim = sim_lamp();
    struct iso_mdns_writer writer;

    iso_mdns_writer_init(&writer);
    for (unsigned i = 0; i < 2; i++) { /* contradicted, and contradicted when it probes again */
        sim_put(&writer, ISO_MDNS_ANSWERS, "pi.local", ISO_MDNS_A, 120, true, "\012\0\0\x42");
        sim_say(sim, &writer, ISO_MDNS_FLAG_RESPONSE);
        sim_run(sim, 300);
    }
    sim_run(sim, SIM_SETTLED_MS);
    CHECK_STR(sim_log(sim, 0), "renamed 0 pi-2.local\n");
    CHECK_EQ_U64(sim_count(sim, "A " SIM_LAMP " SRV 120 flush 8080 pi-2.local"), 3);
    CHECK_EQ_U64(sim_count(sim, "Q " SIM_LAMP " ANY"), 0); /* the instance's name stays its own */
    sim_free(sim);
}

TEST(a_new_name_is_none_of_ours)
{
    struct sim *sim = sim_lamp();
    struct iso_mdns_writer writer;

    (void)sim_announce(sim, 0, "lamp (2)");
    sim_run(sim, SIM_SETTLED_MS);
    sim_forget(sim);
    iso_mdns_writer_init(&writer);
    for (unsigned i = 0; i < 2; i++) {
        sim_put(&writer, ISO_MDNS_ANSWERS, SIM_LAMP, ISO_MDNS_SRV, 120, true, "1 evil.local");
        sim_say(sim, &writer, ISO_MDNS_FLAG_RESPONSE);
        sim_run(sim, 300);
    }
    sim_run(sim, SIM_SETTLED_MS);
    CHECK_CONTAINS(sim_log(sim, 0), " lamp (3)\n");
    sim_free(sim);
}

TEST(what_ends_or_is_only_proposed_contradicts_nothing)
{
    struct sim *sim = sim_lamp();
    struct iso_mdns_writer writer;

    iso_mdns_writer_init(&writer);
    sim_put(&writer, ISO_MDNS_ANSWERS, "pi.local", ISO_MDNS_A, 0, true, "\012\0\0\x42");
    sim_put(&writer, ISO_MDNS_AUTHORITY, SIM_LAMP, ISO_MDNS_SRV, 120, true, "1 evil.local");
    sim_say(sim, &writer, ISO_MDNS_FLAG_RESPONSE);
    sim_run(sim, SIM_SETTLED_MS);
    CHECK_EQ_U64(sim->trace_count, 0);
    sim_free(sim);
}

TEST(services_wait_for_their_host)
{
    struct sim *sim = sim_new(3);
    unsigned pi = sim_simple(sim, "pi", 100);
    struct iso_mdns_writer writer;

    (void)sim_announce(sim, pi, "lamp");
    sim_run(sim, 251);
    iso_mdns_writer_init(&writer);
    sim_ask(&writer, "pi.local", ISO_MDNS_ANY, true);
    sim_put(&writer, ISO_MDNS_AUTHORITY, "pi.local", ISO_MDNS_A, 120, false, "\012\0\0\x65");
    sim_say(sim, &writer, 0); /* the host loses this and waits for a second */
    sim_run(sim, SIM_SETTLED_MS);
    CHECK(sim_find(sim, "A " SIM_LAMP " SRV")->at_ms >= sim_find(sim, "A pi.local A 120")->at_ms);
    sim_free(sim);
}

TEST(each_interface_has_its_own_addresses)
{
    struct sim *sim = sim_new(1);
    unsigned pi = sim_simple(sim, "pi", 1);
    struct iso_mdns_address other[] = {sim_v4(10, 1, 0, 1), sim_v6(7)};

    sim_port(sim, pi, 2, 1, other, 2);
    (void)sim_announce(sim, pi, "lamp");
    sim_run(sim, SIM_SETTLED_MS);
    for (size_t i = 0; i < sim->trace_count; i++) {
        const struct sim_sent *sent = &sim->trace[i];
        CHECK((strstr(sent->text, "10.0.0.1") != NULL && sent->interface == 2) == false);
        CHECK((strstr(sent->text, "10.1.0.1") != NULL && sent->interface == 1) == false);
    }
    /* In both families of the second. */
    CHECK_EQ_U64(sim_count(sim, "A pi.local AAAA 120 flush ...07"), 6);
    sim_free(sim);
}

TEST(changed_addresses_are_announced_and_old_ones_withdrawn)
{
    struct sim *sim = sim_lamp();
    struct iso_mdns_address addresses[] = {sim_v4(10, 0, 0, 2), sim_v4(10, 0, 0, 3)};

    sim_port(sim, 0, 1, 0, addresses, 2);
    sim_run(sim, SIM_SETTLED_MS);
    CHECK_EQ_U64(sim_count(sim, "A pi.local A 0 10.0.0.1"), 1);
    CHECK_EQ_U64(sim_count(sim, "A pi.local A 120 flush 10.0.0.2; A pi.local A 120 flush 10.0.0.3"),
                 3);
    CHECK_EQ_U64(sim_count(sim, "query"), 0);
    sim_forget(sim);
    sim_port(sim, 0, 1, 0, addresses, 2); /* as before */
    sim_run(sim, SIM_SETTLED_MS);
    CHECK_EQ_U64(sim->trace_count, 0);
    /* A new family is a new way to the link: everything is claimed there. */
    addresses[1] = sim_v6(9);
    sim_port(sim, 0, 1, 0, addresses, 2);
    sim_run(sim, SIM_SETTLED_MS);
    CHECK_EQ_U64(sim_count(sim, "Q pi.local ANY"), 2 * 3);
    CHECK_STR(sim_log(sim, 0), "");
    sim_free(sim);
}

TEST(two_interfaces_on_one_link_do_not_fight)
{
    struct sim *sim = sim_new(1);
    unsigned pi = sim_simple(sim, "pi", 1);
    struct iso_mdns_address other = sim_v4(10, 0, 0, 2);

    sim_port(sim, pi, 2, 0, &other, 1);
    (void)sim_announce(sim, pi, "lamp");
    sim_run(sim, 60000);
    CHECK_STR(sim_log(sim, pi), "");
    CHECK_STR(iso_mdns_host(sim->hosts[pi].mdns), "pi.local");
    CHECK(sim->trace_count < 30);
    sim_free(sim);
}

TEST(names_survive_loss_doubling_and_reordering)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct sim *sim = sim_new(seed);
        sim->loss_percent = 10;
        sim->double_percent = 20;
        sim->jitter_ms = 150;
        unsigned a = sim_simple(sim, "a", 1);
        unsigned b = sim_simple(sim, "b", 2);
        (void)sim_announce(sim, a, "lamp a");
        (void)sim_announce(sim, b, "lamp b");
        sim_run(sim, 60000);
        CHECK_STR(sim_log(sim, a), "");
        CHECK_STR(sim_log(sim, b), "");
        sim_free(sim);
    }
}

TEST(addresses_that_are_gone_are_in_no_answer)
{
    struct sim *sim = sim_lamp();
    struct iso_mdns_address addresses[] = {sim_v4(10, 0, 0, 2), sim_v4(10, 0, 0, 3)};
    struct iso_mdns_writer writer;

    sim_port(sim, 0, 1, 0, addresses, 2);
    sim_run(sim, SIM_SETTLED_MS);
    iso_mdns_writer_init(&writer);
    sim_ask(&writer, "pi.local", ISO_MDNS_A, false);
    sim_say(sim, &writer, ISO_MDNS_FLAG_TRUNCATED); /* the answer waits */
    sim_port(sim, 0, 1, 0, addresses, 1);
    sim_run(sim, 100);
    sim_forget(sim);
    sim_run(sim, SIM_SETTLED_MS);
    CHECK_EQ_U64(sim_count(sim, "10.0.0.3"), 0);
    sim_free(sim);
}

TEST(addresses_get_a_goodbye_only_if_they_were_announced_and_stay_away)
{
    struct sim *sim = sim_new(1);
    struct iso_mdns_address first = sim_v4(10, 0, 0, 1);
    struct iso_mdns_address second = sim_v4(10, 0, 0, 2);
    unsigned pi = sim_simple(sim, "pi", 1);

    sim_port(sim, pi, 1, 0, &second, 1); /* before anything was announced */
    sim_run(sim, SIM_SETTLED_MS);
    CHECK_EQ_U64(sim_count(sim, " A 0 "), 0);
    sim_port(sim, pi, 1, 0, &first, 1);
    sim_port(sim, pi, 1, 0, &second, 1); /* back before anybody heard of it */
    sim_run(sim, SIM_SETTLED_MS);
    CHECK_EQ_U64(sim_count(sim, " A 0 10.0.0.2"), 0);
    sim_free(sim);
}

TEST(a_service_can_be_replaced_at_once)
{
    struct sim *sim = sim_new(1);
    unsigned pi = sim_simple(sim, "pi", 1);
    uint32_t id = sim_announce(sim, pi, "lamp");

    sim_run(sim, SIM_SETTLED_MS);
    sim_forget(sim);
    iso_mdns_service_remove(sim->hosts[pi].mdns, id, sim->now_ms);
    CHECK(sim_announce(sim, pi, "lamp") != id);
    sim_run(sim, SIM_SETTLED_MS);
    CHECK_EQ_U64(sim_count(sim, "A " SIM_LAMP " SRV 0 flush"), 1);
    CHECK_EQ_U64(sim_count(sim, "Q " SIM_LAMP " ANY"), 3);
    CHECK_EQ_U64(sim_count(sim, "A " SIM_LAMP " SRV 120 flush 8080 pi.local"), 3);
    CHECK_STR(sim_log(sim, pi), "");
    sim_free(sim);
}
