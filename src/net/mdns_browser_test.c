/* The browser on a network in memory: what is found, changed and lost, when is asked, and how long
 * things are believed (RFC 6762, sections 5 and 10; RFC 6763). */
#include "net/mdns_test_support.h"

#include "base/test.h"

#define QUESTION "Q " SIM_TYPE " PTR"
#define FOUND "found lamp _wot._tcp @1 pi.local:8080 10.0.0.1\n"
#define LOST "lost lamp _wot._tcp @1\n"

/* Host 0 "pi" announces "lamp", host 1 browses for it; settled. */
static struct sim *pair(void)
{
    struct sim *sim = sim_new(1);
    unsigned pi = sim_simple(sim, "pi", 1);
    unsigned viewer = sim_simple(sim, "viewer", 2);

    (void)sim_announce(sim, pi, "lamp");
    (void)sim_browse(sim, viewer, "_wot._tcp", NULL);
    sim_run(sim, SIM_SETTLED_MS);
    CHECK_STR(sim_log(sim, viewer), FOUND);
    sim_forget(sim);
    return sim;
}

/* Host 0 browses; there is nobody else. */
static struct sim *alone(void)
{
    struct sim *sim = sim_new(1);
    unsigned viewer = sim_simple(sim, "viewer", 2);

    sim_run(sim, SIM_SETTLED_MS);
    (void)sim_browse(sim, viewer, "_wot._tcp", NULL);
    sim_run(sim, 500);
    sim_forget(sim);
    return sim;
}

/* All records of "lamp" on pi.local, 10.0.0.1. */
static void put_lamp(struct iso_mdns_writer *writer)
{
    iso_mdns_writer_init(writer);
    /* In an order in which nothing is known when it comes. */
    sim_put(writer, ISO_MDNS_ANSWERS, "pi.local", ISO_MDNS_A, 120, true, "\012\0\0\1");
    sim_put(writer, ISO_MDNS_ANSWERS, SIM_LAMP, ISO_MDNS_SRV, 120, true, "8080 pi.local");
    sim_put(writer, ISO_MDNS_ANSWERS, SIM_LAMP, ISO_MDNS_TXT, 4500, true, "\4td=/");
    sim_put(writer, ISO_MDNS_ANSWERS, SIM_TYPE, ISO_MDNS_PTR, 4500, false, SIM_LAMP);
}

TEST(what_is_there_is_found)
{
    struct sim *sim = pair();

    sim_free(sim);
}

TEST(what_comes_later_is_found)
{
    struct sim *sim = sim_new(1);
    unsigned viewer = sim_simple(sim, "viewer", 2);

    (void)sim_browse(sim, viewer, "_wot._tcp", NULL);
    sim_run(sim, 600000);
    (void)sim_announce(sim, sim_simple(sim, "pi", 1), "lamp");
    sim_run(sim, 2000); /* by its announcement */
    CHECK_STR(sim_log(sim, viewer), FOUND);
    sim_free(sim);
}

TEST(an_event_has_everything)
{
    struct sim *sim = alone();
    struct iso_mdns *mdns = sim->hosts[0].mdns;
    struct iso_mdns_writer writer;
    struct iso_mdns_event event;
    struct iso_bytes value;

    put_lamp(&writer);
    sim_say(sim, &writer, ISO_MDNS_FLAG_RESPONSE);
    CHECK(iso_mdns_event(mdns, sim->now_ms, &event));
    CHECK_EQ_U64(event.kind, ISO_MDNS_EVENT_PEER);
    CHECK_EQ_U64(event.peer.change, ISO_MDNS_FOUND);
    CHECK_STR(event.peer.instance, "lamp");
    CHECK_STR(event.peer.type, "_wot._tcp");
    CHECK_STR(event.peer.host, "pi.local");
    CHECK_EQ_U64(event.peer.port, 8080);
    CHECK_EQ_U64(event.peer.address_count, 1);
    CHECK(iso_mdns_txt_find(event.peer.txt, "td", &value));
    CHECK(!iso_mdns_event(mdns, sim->now_ms, &event));
    sim_free(sim);
}

TEST(questions_are_asked_at_growing_intervals)
{
    struct sim *sim = sim_new(1);
    unsigned viewer = sim_simple(sim, "viewer", 2);

    sim_run(sim, SIM_SETTLED_MS);
    (void)sim_browse(sim, viewer, "_wot._tcp", NULL);
    uint64_t begin_ms = sim->now_ms;
    sim_forget(sim);
    sim_run(sim, 20u * 3600000);
    uint64_t interval_ms = 1000;
    CHECK(sim->trace[0].at_ms >= begin_ms + 20 && sim->trace[0].at_ms <= begin_ms + 120);
    CHECK_STR(sim->trace[0].text, "query id=0; " QUESTION);
    for (size_t i = 1; i < sim->trace_count; i++) {
        CHECK_EQ_U64(sim->trace[i].at_ms - sim->trace[i - 1].at_ms, interval_ms);
        interval_ms = 2 * interval_ms < 3600000 ? 2 * interval_ms : 3600000;
    }
    CHECK_EQ_U64(interval_ms, 3600000);
    CHECK_STR(sim_log(sim, viewer), "");
    sim_free(sim);
}

TEST(known_answers_go_with_the_question)
{
    struct sim *sim = pair();

    sim_run(sim, 60000);
    CHECK(sim_count(sim, QUESTION) >= 2);
    CHECK_EQ_U64(sim_count(sim, QUESTION "; A " SIM_TYPE " PTR "), sim_count(sim, QUESTION));
    CHECK_EQ_U64(sim_count(sim, "response"), 0); /* so nobody answers */
    sim_free(sim);
}

TEST(many_known_answers_go_in_several_packets)
{
    struct sim *sim = alone();
    struct iso_mdns_writer writer;
    char name[64];

    iso_mdns_writer_init(&writer);
    for (unsigned i = 0; i < 60; i++) {
        (void)iso_format(name, sizeof name, "a lamp with a somewhat long name %u._wot._tcp.local",
                         i);
        sim_put(&writer, ISO_MDNS_ANSWERS, SIM_TYPE, ISO_MDNS_PTR, 4500, false, name);
        sim_put(&writer, ISO_MDNS_ANSWERS, name, ISO_MDNS_SRV, 4500, true, "1 pi.local");
        sim_put(&writer, ISO_MDNS_ANSWERS, name, ISO_MDNS_TXT, 4500, true, "\1x");
        sim_put(&writer, ISO_MDNS_ANSWERS, "pi.local", ISO_MDNS_A, 4500, true, "\012\0\0\1");
        sim_say(sim, &writer, ISO_MDNS_FLAG_RESPONSE);
    }
    sim_run(sim, 3000);
    CHECK_EQ_U64(iso_mdns_peer_count(sim->hosts[0].mdns), 60);
    unsigned questions = sim_count(sim, QUESTION);
    CHECK_EQ_U64(questions, 2);
    CHECK_EQ_U64(sim_count(sim, "query TC id=0; " QUESTION), questions);
    CHECK(sim_count(sim, "query id=0; A " SIM_TYPE " PTR") == questions);
    for (unsigned i = 0; i < 60; i++) {
        (void)iso_format(name, sizeof name, "A " SIM_TYPE " PTR 449%c a lamp with a", '9');
        CHECK(sim_count(sim, name) >= questions);
    }
    sim_free(sim);
}

TEST(another_hosts_question_stands_for_ours)
{
    struct sim *sim = alone();
    struct iso_mdns_writer writer;

    /* The next question is due 1 s after the first, which was some time ago. */
    iso_mdns_writer_init(&writer);
    sim_ask(&writer, SIM_TYPE, ISO_MDNS_PTR, false);
    sim_say(sim, &writer, 0);
    sim_run(sim, 900);
    CHECK_EQ_U64(sim_count(sim, QUESTION), 0);
    sim_run(sim, 4000);
    CHECK(sim_count(sim, QUESTION) >= 1);
    /* Not when the asker knows more than we do, or wants the answer for itself. */
    sim_free(sim);
    sim = alone();
    sim_ask(&writer, SIM_TYPE, ISO_MDNS_PTR, true);
    sim_say(sim, &writer, 0);
    sim_ask(&writer, SIM_TYPE, ISO_MDNS_PTR, false);
    sim_put(&writer, ISO_MDNS_ANSWERS, SIM_TYPE, ISO_MDNS_PTR, 4500, false, SIM_LAMP);
    sim_say(sim, &writer, 0);
    sim_run(sim, 900);
    CHECK_EQ_U64(sim_count(sim, QUESTION), 1);
    sim_free(sim);
}

TEST(others_cannot_keep_us_from_asking)
{
    struct sim *sim = alone();
    struct iso_mdns_writer writer;

    iso_mdns_writer_init(&writer);
    for (unsigned i = 0; i < 600; i++) {
        sim_ask(&writer, SIM_TYPE, ISO_MDNS_PTR, false);
        sim_say(sim, &writer, 0);
        sim_run(sim, 500);
    }
    CHECK(sim_count(sim, QUESTION) >= 1);
    sim_free(sim);
}

TEST(what_is_missing_is_asked_for)
{
    struct sim *sim = alone();
    struct iso_mdns_writer writer;

    iso_mdns_writer_init(&writer);
    sim_put(&writer, ISO_MDNS_ANSWERS, SIM_TYPE, ISO_MDNS_PTR, 4500, false, SIM_LAMP);
    sim_say(sim, &writer, ISO_MDNS_FLAG_RESPONSE);
    sim_run(sim, 120);
    CHECK_EQ_U64(sim_count(sim, "Q " SIM_LAMP " SRV; Q " SIM_LAMP " TXT"), 1);
    sim_put(&writer, ISO_MDNS_ANSWERS, SIM_LAMP, ISO_MDNS_SRV, 120, true, "8080 pi.local");
    sim_say(sim, &writer, ISO_MDNS_FLAG_RESPONSE);
    sim_run(sim, 1500);
    CHECK(sim_count(sim, "Q pi.local A; Q pi.local AAAA; Q " SIM_LAMP " TXT") >= 1);
    sim_put(&writer, ISO_MDNS_ANSWERS, SIM_LAMP, ISO_MDNS_TXT, 4500, true, "\4td=/");
    sim_say(sim, &writer, ISO_MDNS_FLAG_RESPONSE);
    CHECK_STR(sim_log(sim, 0), "");
    sim_put(&writer, ISO_MDNS_ANSWERS, "pi.local", ISO_MDNS_A, 120, true, "\012\0\0\1");
    sim_say(sim, &writer, ISO_MDNS_FLAG_RESPONSE);
    sim_run(sim, 1);
    CHECK_STR(sim_log(sim, 0), FOUND);
    sim_forget(sim);
    sim_run(sim, 90000);
    CHECK_EQ_U64(sim_count(sim, "Q pi.local"), 0); /* nothing is missing any more */
    sim_free(sim);
}

TEST(what_never_answers_is_asked_less_and_less)
{
    struct sim *sim = alone();
    struct iso_mdns_writer writer;

    iso_mdns_writer_init(&writer);
    sim_put(&writer, ISO_MDNS_ANSWERS, SIM_TYPE, ISO_MDNS_PTR, 4500, false, SIM_LAMP);
    sim_say(sim, &writer, ISO_MDNS_FLAG_RESPONSE);
    sim_run(sim, 3600000);
    unsigned count = sim_count(sim, "Q " SIM_LAMP " SRV");
    CHECK(count >= 10 && count <= 13); /* 1 + 2 + 4 ... seconds */
    CHECK_STR(sim_log(sim, 0), "");
    sim_run(sim, 3600000);
    CHECK_EQ_U64(iso_mdns_peer_count(sim->hosts[0].mdns), 0);
    sim_free(sim);
}

TEST(a_goodbye_ends_it_within_a_second)
{
    struct sim *sim = pair();

    iso_mdns_stop(sim->hosts[0].mdns, sim->now_ms);
    sim_run(sim, 900);
    CHECK_STR(sim_log(sim, 1), "");
    sim_run(sim, 200);
    CHECK_STR(sim_log(sim, 1), LOST);
    CHECK_EQ_U64(iso_mdns_peer_count(sim->hosts[1].mdns), 0);
    sim_free(sim);
}

TEST(who_vanishes_is_asked_for_and_then_lost)
{
    struct sim *sim = pair();
    uint64_t died_ms = sim->now_ms;

    sim_kill(sim, 0);
    sim_run(sim, 85000);
    CHECK_STR(sim_log(sim, 1), "");
    sim_run(sim, 45000);
    CHECK_STR(sim_log(sim, 1), LOST); /* its SRV and A lived for 120 s */
    /* Asked at 80, 85, 90 and 95 per cent. */
    CHECK_EQ_U64(sim_count(sim, "Q " SIM_LAMP " SRV") > 3, true);
    uint64_t asked_ms = sim_find(sim, "Q " SIM_LAMP " SRV")->at_ms;
    CHECK(asked_ms >= died_ms + 84000 && asked_ms <= died_ms + 99000);
    sim_free(sim);
}

TEST(who_is_there_stays_found)
{
    struct sim *sim = pair();

    sim_run(sim, 12u * 3600000);
    CHECK_STR(sim_log(sim, 1), "");
    /* One round of questions in 96 seconds, not more. */
    CHECK(sim_count(sim, "Q " SIM_LAMP " SRV") <= 12 * 3600 / 96 + 1);
    sim_free(sim);
}

TEST(changes_are_told_once)
{
    struct sim *sim = sim_new(1);
    unsigned pi = sim_simple(sim, "pi", 1);
    unsigned viewer = sim_simple(sim, "viewer", 2);
    uint32_t id = sim_announce(sim, pi, "lamp");
    const char *txt[] = {"td=/new"};
    struct iso_mdns_address address = sim_v4(10, 0, 0, 9);

    (void)sim_browse(sim, viewer, "_wot._tcp", NULL);
    sim_run(sim, SIM_SETTLED_MS);
    sim_forget(sim);
    CHECK_OK(iso_mdns_service_set_txt(sim->hosts[pi].mdns, id, txt, 1, sim->now_ms, NULL));
    sim_run(sim, SIM_SETTLED_MS);
    CHECK_STR(sim_log(sim, viewer), "changed lamp _wot._tcp @1 pi.local:8080 10.0.0.1\n");
    sim_forget(sim);
    sim_port(sim, pi, 1, 0, &address, 1);
    sim_run(sim, SIM_SETTLED_MS);
    /* First both, then the new one: never none. */
    CHECK_STR(sim_log(sim, viewer), "changed lamp _wot._tcp @1 pi.local:8080 10.0.0.1 10.0.0.9\n"
                                    "changed lamp _wot._tcp @1 pi.local:8080 10.0.0.9\n");
    sim_free(sim);
}

TEST(a_new_set_replaces_the_old_one)
{
    struct sim *sim = alone();
    struct iso_mdns_writer writer;

    put_lamp(&writer);
    sim_put(&writer, ISO_MDNS_ANSWERS, "pi.local", ISO_MDNS_A, 120, true, "\012\0\0\2");
    sim_say(sim, &writer, ISO_MDNS_FLAG_RESPONSE);
    sim_run(sim, 1);
    CHECK_STR(sim_log(sim, 0), "found lamp _wot._tcp @1 pi.local:8080 10.0.0.1 10.0.0.2\n");
    sim_run(sim, 5000);
    sim_forget(sim);
    /* Without the bit it is added; with it, others are forgotten, but not at once. */
    sim_put(&writer, ISO_MDNS_ANSWERS, "pi.local", ISO_MDNS_A, 120, false, "\012\0\0\3");
    sim_say(sim, &writer, ISO_MDNS_FLAG_RESPONSE);
    sim_run(sim, 5000);
    CHECK_STR(sim_log(sim, 0),
              "changed lamp _wot._tcp @1 pi.local:8080 10.0.0.1 10.0.0.2 10.0.0.3\n");
    sim_forget(sim);
    sim_put(&writer, ISO_MDNS_ANSWERS, "pi.local", ISO_MDNS_A, 120, true, "\012\0\0\2");
    sim_say(sim, &writer, ISO_MDNS_FLAG_RESPONSE);
    sim_run(sim, 900);
    CHECK_STR(sim_log(sim, 0), "");
    sim_run(sim, 200);
    CHECK_STR(sim_log(sim, 0), "changed lamp _wot._tcp @1 pi.local:8080 10.0.0.2\n");
    sim_free(sim);
}

TEST(subtypes_are_browsed)
{
    struct sim *sim = sim_new(1);
    unsigned pi = sim_simple(sim, "pi", 1);
    unsigned viewer = sim_simple(sim, "viewer", 2);
    const char *subtypes[] = {"_bulb"};
    struct iso_mdns_service service = {.instance = "lamp",
                                       .type = "_wot._tcp",
                                       .port = 8080,
                                       .subtypes = subtypes,
                                       .subtype_count = 1};
    uint32_t id;

    CHECK_OK(iso_mdns_service_add(sim->hosts[pi].mdns, &service, sim->now_ms, &id, NULL));
    (void)sim_announce(sim, pi, "other");
    (void)sim_browse(sim, viewer, "_wot._tcp", "_bulb");
    sim_run(sim, SIM_SETTLED_MS);
    CHECK_STR(sim_log(sim, viewer), FOUND);
    iso_mdns_service_remove(sim->hosts[pi].mdns, id, sim->now_ms);
    sim_run(sim, 2000);
    CHECK_STR(sim_log(sim, viewer), FOUND LOST);
    sim_free(sim);
}

TEST(two_browses_of_one_type_are_told_both)
{
    struct sim *sim = pair();
    uint32_t second = sim_browse(sim, 1, "_wot._tcp", NULL);

    sim_run(sim, SIM_SETTLED_MS);
    CHECK_STR(sim_log(sim, 1), FOUND);
    sim_forget(sim);
    iso_mdns_browse_stop(sim->hosts[1].mdns, second);
    sim_run(sim, SIM_SETTLED_MS);
    CHECK_STR(sim_log(sim, 1), ""); /* the other goes on */
    iso_mdns_stop(sim->hosts[0].mdns, sim->now_ms);
    sim_run(sim, 2000);
    CHECK_STR(sim_log(sim, 1), LOST);
    sim_free(sim);
}

TEST(a_stopped_browse_keeps_nothing)
{
    struct sim *sim = sim_new(1);
    unsigned viewer = sim_simple(sim, "viewer", 2);

    (void)sim_announce(sim, sim_simple(sim, "pi", 1), "lamp");
    uint32_t id = sim_browse(sim, viewer, "_wot._tcp", NULL);
    sim_run(sim, SIM_SETTLED_MS);
    sim_forget(sim);
    iso_mdns_browse_stop(sim->hosts[viewer].mdns, id);
    iso_mdns_browse_stop(sim->hosts[viewer].mdns, id);
    sim_run(sim, 600000);
    CHECK_STR(sim_log(sim, viewer), "");
    CHECK_EQ_U64(sim->trace_count, 0);
    CHECK_EQ_U64(iso_mdns_peer_count(sim->hosts[viewer].mdns), 0);
    sim_free(sim);
}

TEST(ones_own_services_are_not_reported)
{
    struct sim *sim = sim_new(1);
    unsigned pi = sim_simple(sim, "pi", 1);

    (void)sim_browse(sim, pi, "_wot._tcp", NULL);
    (void)sim_announce(sim, pi, "lamp");
    sim_run(sim, 60000);
    CHECK_STR(sim_log(sim, pi), "");
    sim_free(sim);
}

TEST(two_programs_of_one_machine_find_each_other)
{
    struct sim *sim = sim_new(1);
    unsigned a = sim_simple(sim, "pi", 1);
    unsigned b = sim_simple(sim, "pi", 1); /* the same name and address */

    (void)sim_announce(sim, a, "lamp");
    (void)sim_browse(sim, a, "_wot._tcp", NULL);
    (void)sim_browse(sim, b, "_wot._tcp", NULL);
    (void)sim_announce(sim, b, "screen");
    sim_run(sim, 60000);
    CHECK_STR(sim_log(sim, b), FOUND);
    CHECK_STR(sim_log(sim, a), "found screen _wot._tcp @1 pi.local:8080 10.0.0.1\n");
    sim_free(sim);
}

TEST(interfaces_come_and_go)
{
    struct sim *sim = pair();
    struct iso_mdns_address address = sim_v4(10, 0, 0, 2);

    sim_unplug(sim, 1, 1);
    sim_run(sim, 10);
    CHECK_STR(sim_log(sim, 1), LOST);
    CHECK_EQ_U64(iso_mdns_peer_count(sim->hosts[1].mdns), 0);
    sim_forget(sim);
    sim_run(sim, 60000);
    sim_port(sim, 1, 1, 0, &address, 1);
    sim_run(sim, SIM_SETTLED_MS);
    CHECK_STR(sim_log(sim, 1), FOUND);
    sim_free(sim);
}

TEST(an_instance_is_reported_for_each_interface_with_scopes)
{
    struct sim *sim = sim_new(1);
    unsigned pi = sim_simple(sim, "pi", 1);
    unsigned viewer = sim_simple(sim, "viewer", 2);
    struct iso_mdns_address pi6 = sim_v6(1);
    struct iso_mdns_address viewer6 = sim_v6(2);

    sim_port(sim, pi, 2, 1, &pi6, 1);
    sim_port(sim, viewer, 5, 1, &viewer6, 1);
    (void)sim_announce(sim, pi, "lamp");
    (void)sim_browse(sim, viewer, "_wot._tcp", NULL);
    sim_run(sim, SIM_SETTLED_MS);
    CHECK_CONTAINS(sim_log(sim, viewer), FOUND);
    CHECK_CONTAINS(sim_log(sim, viewer), "found lamp _wot._tcp @5 pi.local:8080 v6-01%5\n");
    sim_free(sim);
}

TEST(a_link_that_was_cut_heals)
{
    struct sim *sim = pair();

    sim->cut[0] = true;
    sim_run(sim, 20000);
    CHECK_STR(sim_log(sim, 1), ""); /* 20 seconds are nothing */
    sim_run(sim, 200000);
    CHECK_STR(sim_log(sim, 1), LOST);
    sim->cut[0] = false;
    sim_forget(sim);
    sim_run(sim, 600000); /* it asks again: its intervals have grown */
    CHECK_STR(sim_log(sim, 1), FOUND);
    sim_free(sim);
}

TEST(everybody_finds_everybody_on_a_bad_network)
{
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct sim *sim = sim_new(seed);
        sim->loss_percent = 20;
        sim->double_percent = 10;
        sim->jitter_ms = 50;
        for (unsigned i = 0; i < 5; i++) {
            char name[16];
            (void)iso_format(name, sizeof name, "host%u", i);
            unsigned host = sim_simple(sim, name, (uint8_t)(1 + i));
            (void)sim_announce(sim, host, name);
            (void)sim_browse(sim, host, "_wot._tcp", NULL);
        }
        sim_run(sim, 120000);
        for (unsigned i = 0; i < 5; i++) {
            CHECK_EQ_U64(iso_mdns_peer_count(sim->hosts[i].mdns), 4);
            for (unsigned j = 0; j < 5; j++) {
                char line[64];
                (void)iso_format(line, sizeof line, "found host%u _wot._tcp @1 host%u.local:8080 ",
                                 j, j);
                CHECK((strstr(sim_log(sim, i), line) != NULL) == (i != j));
            }
        }
        sim_free(sim);
    }
}

TEST(a_failed_allocation_is_like_a_lost_packet)
{
    struct iso_mdns_writer writer;

    for (uint64_t nth = 1;; nth++) {
        struct sim *sim = alone();
        struct sim_host *viewer = &sim->hosts[0];
        viewer->memory.fail_at = viewer->memory.requests + nth;
        put_lamp(&writer);
        sim_say(sim, &writer, ISO_MDNS_FLAG_RESPONSE);
        sim_run(sim, 1);
        bool failed = viewer->memory.failed;
        viewer->memory.fail_at = 0;
        CHECK_STR(sim_log(sim, 0), failed ? "" : FOUND);
        put_lamp(&writer);
        sim_say(sim, &writer, ISO_MDNS_FLAG_RESPONSE);
        sim_run(sim, 1);
        CHECK_STR(sim_log(sim, 0), FOUND);
        sim_free(sim);
        if (!failed) {
            CHECK(nth > 2);
            break;
        }
    }
}

TEST(pointers_to_nowhere_are_not_followed)
{
    struct sim *sim = alone();
    struct iso_mdns_writer writer;

    iso_mdns_writer_init(&writer);
    /* Of another type, of no type, to the type itself, with a label that is no text. */
    sim_put(&writer, ISO_MDNS_ANSWERS, SIM_TYPE, ISO_MDNS_PTR, 4500, false, "x._http._tcp.local");
    sim_put(&writer, ISO_MDNS_ANSWERS, SIM_TYPE, ISO_MDNS_PTR, 4500, false, "local");
    sim_put(&writer, ISO_MDNS_ANSWERS, SIM_TYPE, ISO_MDNS_PTR, 4500, false, SIM_TYPE);
    sim_put(&writer, ISO_MDNS_ANSWERS, SIM_TYPE, ISO_MDNS_PTR, 4500, false, "a.b." SIM_TYPE);
    sim_put(&writer, ISO_MDNS_ANSWERS, SIM_TYPE, ISO_MDNS_PTR, 4500, false, "\xff." SIM_TYPE);
    sim_say(sim, &writer, ISO_MDNS_FLAG_RESPONSE);
    CHECK_EQ_U64(iso_mdns_peer_count(sim->hosts[0].mdns), 0);
    /* A service on no port, or on a host elsewhere, or at an address that is none. */
    put_lamp(&writer);
    sim_say(sim, &writer, ISO_MDNS_FLAG_RESPONSE);
    sim_put(&writer, ISO_MDNS_ANSWERS, SIM_LAMP, ISO_MDNS_SRV, 120, true, "0 pi.local");
    sim_put(&writer, ISO_MDNS_ANSWERS, SIM_LAMP, ISO_MDNS_SRV, 120, true, "80 www.example.com");
    sim_put(&writer, ISO_MDNS_ANSWERS, "pi.local", ISO_MDNS_A, 120, false, "\0\0\0\0");
    sim_put(&writer, ISO_MDNS_ANSWERS, "pi.local", ISO_MDNS_A, 120, false, "\xe0\0\0\1");
    sim_put(&writer, ISO_MDNS_ANSWERS, "pi.local", ISO_MDNS_A, 120, false, "\xff\xff\xff\xff");
    sim_say(sim, &writer, ISO_MDNS_FLAG_RESPONSE);
    sim_run(sim, 10);
    CHECK_STR(sim_log(sim, 0), FOUND);
    sim_free(sim);
}

TEST(a_new_host_has_its_own_addresses)
{
    struct sim *sim = alone();
    struct iso_mdns_writer writer;

    put_lamp(&writer);
    sim_say(sim, &writer, ISO_MDNS_FLAG_RESPONSE);
    sim_run(sim, 5000);
    sim_forget(sim);
    sim_put(&writer, ISO_MDNS_ANSWERS, SIM_LAMP, ISO_MDNS_SRV, 120, true, "8080 other.local");
    sim_put(&writer, ISO_MDNS_ADDITIONAL, "other.local", ISO_MDNS_A, 120, true, "\012\0\0\x07");
    sim_say(sim, &writer, ISO_MDNS_FLAG_RESPONSE);
    sim_run(sim, 5000);
    CHECK_STR(sim_log(sim, 0), "changed lamp _wot._tcp @1 other.local:8080 10.0.0.7\n");
    sim_free(sim);
}

TEST(short_lives_are_not_prolonged)
{
    struct sim *sim = alone();
    struct iso_mdns_writer writer;

    put_lamp(&writer);
    sim_put(&writer, ISO_MDNS_ANSWERS, SIM_LAMP, ISO_MDNS_SRV, 9, true, "8080 pi.local");
    sim_say(sim, &writer, ISO_MDNS_FLAG_RESPONSE);
    sim_run(sim, 8990);
    CHECK_EQ_U64(sim_count(sim, "Q " SIM_LAMP " SRV"), 0);
    CHECK_STR(sim_log(sim, 0), FOUND);
    sim_run(sim, 200); /* it has ended, and is asked for as what is missing */
    CHECK_STR(sim_log(sim, 0), FOUND LOST);
    CHECK_EQ_U64(sim_count(sim, "Q " SIM_LAMP " SRV"), 1);
    sim_free(sim);
}

TEST(answers_that_are_half_over_are_not_given_as_known)
{
    struct sim *sim = alone();
    struct iso_mdns_writer writer;

    put_lamp(&writer);
    sim_put(&writer, ISO_MDNS_ANSWERS, SIM_TYPE, ISO_MDNS_PTR, 100, false, SIM_LAMP);
    sim_say(sim, &writer, ISO_MDNS_FLAG_RESPONSE);
    sim_run(sim, 49000);
    CHECK(sim_count(sim, QUESTION "; A " SIM_TYPE " PTR") >= 3);
    sim_forget(sim);
    sim_run(sim, 26000); /* the question after 63 seconds */
    CHECK_EQ_U64(sim_count(sim, QUESTION), 1);
    CHECK_EQ_U64(sim_count(sim, QUESTION "; A"), 0);
    sim_free(sim);
}

TEST(who_asks_for_what_it_has_keeps_nobody_else_from_asking)
{
    /* A host does not answer its own question, so another must not take that for its own. On one
     * machine the two even look the same. */
    unsigned told = 0;

    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct sim *sim = sim_new(seed);
        unsigned a = sim_simple(sim, "pi", 1);
        unsigned b = sim_simple(sim, "pi", 1);
        unsigned c = sim_simple(sim, "viewer", 2);
        (void)sim_announce(sim, a, "lamp");
        sim_run(sim, 60000);
        sim_forget(sim);
        (void)sim_browse(sim, a, "_wot._tcp", NULL);
        (void)sim_browse(sim, b, "_wot._tcp", NULL);
        (void)sim_browse(sim, c, "_wot._tcp", NULL);
        sim_run(sim, 500);
        CHECK_STR(sim_log(sim, b), FOUND);
        CHECK_STR(sim_log(sim, c), FOUND);
        told += sim_count(sim, QUESTION "; A " SIM_TYPE " PTR 4500 " SIM_LAMP);
        sim_free(sim);
    }
    CHECK(told > 0);
}
