/* The responder on a network in memory: answers and when they are given, goodbyes (RFC 6762,
 * sections 5 to 7 and 10). */
#include "net/mdns_test_support.h"

#include "base/test.h"

#include <stdlib.h>

TEST(a_type_is_answered_with_all_that_will_be_asked_next)
{
    struct sim *sim = sim_lamp();
    uint64_t asked_ms = sim->now_ms;

    sim_ask_once(sim, SIM_TYPE, ISO_MDNS_PTR, false);
    CHECK_EQ_U64(sim->trace_count, 1);
    const struct sim_sent *sent = &sim->trace[0];
    CHECK_STR(sent->text,
              "response id=0; A " SIM_TYPE " PTR 4500 " SIM_LAMP
              "; D pi.local A 120 flush 10.0.0.1; D pi.local NSEC 120 flush; D " SIM_LAMP
              " SRV 120 flush 8080 pi.local; D " SIM_LAMP " TXT 4500 flush 0474643d2f; D " SIM_LAMP
              " NSEC 120 flush");
    CHECK(sent->at_ms >= asked_ms + 20 && sent->at_ms <= asked_ms + 120);
    sim_free(sim);
}

TEST(what_only_we_have_is_answered_at_once)
{
    struct sim *sim = sim_lamp();
    uint64_t asked_ms = sim->now_ms;

    sim_ask_once(sim, SIM_LAMP, ISO_MDNS_SRV, false);
    CHECK_EQ_U64(sim_find(sim, "A " SIM_LAMP " SRV")->at_ms, asked_ms);
    CHECK_EQ_U64(sim_count(sim, "D pi.local A 120 flush 10.0.0.1"), 1);
    sim_free(sim);
}

TEST(questions_that_match_nothing_are_not_answered)
{
    struct sim *sim = sim_lamp();
    struct iso_mdns_writer writer;

    sim_ask_once(sim, "other.local", ISO_MDNS_A, false);
    sim_ask_once(sim, "_http._tcp.local", ISO_MDNS_PTR, false);
    sim_ask_once(sim, SIM_TYPE, ISO_MDNS_A, false);
    iso_mdns_writer_init(&writer);
    struct iso_mdns_name name;
    CHECK(iso_mdns_name_parse("pi.local", &name));
    CHECK(iso_mdns_writer_question(&writer, &name, ISO_MDNS_A, 3)); /* class CHAOS */
    sim_say(sim, &writer, 0);
    sim_run(sim, 200);
    CHECK_EQ_U64(sim->trace_count, 0);
    sim_free(sim);
}

TEST(types_that_a_name_of_ours_has_not_are_denied)
{
    struct sim *sim = sim_lamp();

    sim_ask_once(sim, "pi.local", ISO_MDNS_AAAA, false);
    CHECK_EQ_U64(sim_count(sim, "A pi.local NSEC 120 flush"), 1);
    sim_ask_once(sim, SIM_LAMP, ISO_MDNS_A, false);
    CHECK_EQ_U64(sim_count(sim, "A " SIM_LAMP " NSEC 120 flush"), 1);
    sim_free(sim);
}

TEST(names_are_matched_without_regard_to_case)
{
    struct sim *sim = sim_lamp();

    sim_ask_once(sim, "PI.Local", ISO_MDNS_ANY, false);
    CHECK_EQ_U64(sim_count(sim, "A pi.local A 120 flush 10.0.0.1"), 1);
    sim_free(sim);
}

TEST(types_are_enumerated_once_each)
{
    struct sim *sim = sim_lamp();
    const char *subtypes[] = {"_printer"};
    struct iso_mdns_service other = {.instance = "x",
                                     .type = "_isomer._tcp",
                                     .port = 1,
                                     .subtypes = subtypes,
                                     .subtype_count = 1};
    uint32_t id;

    (void)sim_announce(sim, 0, "second lamp");
    CHECK_OK(iso_mdns_service_add(sim->hosts[0].mdns, &other, sim->now_ms, &id, NULL));
    sim_run(sim, SIM_SETTLED_MS);
    sim_forget(sim);
    sim_ask_once(sim, SIM_KINDS, ISO_MDNS_PTR, false);
    CHECK_EQ_U64(sim->trace_count, 1);
    CHECK_STR(sim->trace[0].text, "response id=0; A " SIM_KINDS " PTR 4500 " SIM_TYPE
                                  "; A " SIM_KINDS " PTR 4500 _isomer._tcp.local");
    sim_ask_once(sim, "_printer._sub._isomer._tcp.local", ISO_MDNS_PTR, false);
    CHECK_EQ_U64(sim_count(sim, "A _printer._sub._isomer._tcp.local PTR 4500 "
                                "x._isomer._tcp.local"),
                 1);
    sim_free(sim);
}

TEST(answers_that_are_known_are_not_given)
{
    struct sim *sim = sim_lamp();
    struct iso_mdns_writer writer;

    iso_mdns_writer_init(&writer);
    sim_ask(&writer, SIM_TYPE, ISO_MDNS_PTR, false);
    sim_put(&writer, ISO_MDNS_ANSWERS, SIM_TYPE, ISO_MDNS_PTR, 2250, false, SIM_LAMP);
    sim_say(sim, &writer, 0);
    sim_run(sim, 500);
    CHECK_EQ_U64(sim->trace_count, 0);
    /* Less than half of its life left: it is. */
    sim_ask(&writer, SIM_TYPE, ISO_MDNS_PTR, false);
    sim_put(&writer, ISO_MDNS_ANSWERS, SIM_TYPE, ISO_MDNS_PTR, 2249, false, SIM_LAMP);
    sim_say(sim, &writer, 0);
    sim_run(sim, 500);
    CHECK_EQ_U64(sim->trace_count, 1);
    /* Another instance of the type is not ours. */
    sim_run(sim, 2000);
    sim_forget(sim);
    sim_ask(&writer, SIM_TYPE, ISO_MDNS_PTR, false);
    sim_put(&writer, ISO_MDNS_ANSWERS, SIM_TYPE, ISO_MDNS_PTR, 4500, false, "x." SIM_TYPE);
    sim_say(sim, &writer, 0);
    sim_run(sim, 500);
    CHECK_EQ_U64(sim->trace_count, 1);
    sim_free(sim);
}

TEST(known_answers_may_come_in_further_packets)
{
    struct sim *sim = sim_lamp();
    struct iso_mdns_writer writer;

    iso_mdns_writer_init(&writer);
    sim_ask(&writer, SIM_TYPE, ISO_MDNS_PTR, false);
    sim_say(sim, &writer, ISO_MDNS_FLAG_TRUNCATED);
    sim_run(sim, 300);
    CHECK_EQ_U64(sim->trace_count, 0); /* it waits for 400 to 500 ms */
    sim_put(&writer, ISO_MDNS_ANSWERS, SIM_TYPE, ISO_MDNS_PTR, 4500, false, "x." SIM_TYPE);
    sim_say(sim, &writer, ISO_MDNS_FLAG_TRUNCATED);
    sim_run(sim, 390);
    CHECK_EQ_U64(sim->trace_count, 0); /* and as long again after each */
    sim_put(&writer, ISO_MDNS_ANSWERS, SIM_TYPE, ISO_MDNS_PTR, 4500, false, SIM_LAMP);
    sim_say(sim, &writer, 0);
    sim_run(sim, 2000);
    CHECK_EQ_U64(sim->trace_count, 0);
    /* Nothing more comes: the answer does. */
    uint64_t asked_ms = sim->now_ms;
    sim_ask(&writer, SIM_TYPE, ISO_MDNS_PTR, false);
    sim_say(sim, &writer, ISO_MDNS_FLAG_TRUNCATED);
    sim_run(sim, 2000);
    CHECK_EQ_U64(sim->trace_count, 1);
    CHECK(sim->trace[0].at_ms >= asked_ms + 400 && sim->trace[0].at_ms <= asked_ms + 500);
    sim_free(sim);
}

TEST(an_answer_that_another_gives_is_not_repeated)
{
    struct sim *sim = sim_lamp();
    struct iso_mdns_writer writer;

    iso_mdns_writer_init(&writer);
    sim_ask(&writer, SIM_KINDS, ISO_MDNS_PTR, false);
    sim_say(sim, &writer, 0);
    sim_put(&writer, ISO_MDNS_ANSWERS, SIM_KINDS, ISO_MDNS_PTR, 4500, false, SIM_TYPE);
    sim_say(sim, &writer, ISO_MDNS_FLAG_RESPONSE);
    sim_run(sim, 500);
    CHECK_EQ_U64(sim->trace_count, 0);
    sim_free(sim);
}

TEST(a_record_is_multicast_once_a_second_however_often_it_is_asked_for)
{
    struct sim *sim = sim_lamp();
    struct iso_mdns_writer writer;

    iso_mdns_writer_init(&writer);
    for (unsigned i = 0; i < 1000; i++) {
        sim_ask(&writer, SIM_LAMP, ISO_MDNS_SRV, false);
        sim_say(sim, &writer, 0);
        sim_run(sim, 10);
    }
    unsigned count = sim_count(sim, " SRV ");
    CHECK(count >= 9 && count <= 11);
    for (size_t i = 1; i < sim->trace_count; i++) {
        CHECK(sim->trace[i].at_ms >= sim->trace[i - 1].at_ms + 1000);
    }
    sim_free(sim);
}

TEST(what_was_just_sent_is_not_added_again)
{
    struct sim *sim = sim_lamp();

    sim_ask_once(sim, SIM_LAMP, ISO_MDNS_SRV, false);
    CHECK_EQ_U64(sim_count(sim, "D pi.local A"), 1);
    sim_forget(sim);
    sim_run(sim, 300);
    sim_ask_once(sim, SIM_TYPE, ISO_MDNS_PTR, false);
    CHECK_EQ_U64(sim_count(sim, "A " SIM_TYPE " PTR 4500 " SIM_LAMP "; D " SIM_LAMP " TXT"), 1);
    CHECK_EQ_U64(sim_count(sim, "pi.local A"), 0);
    sim_free(sim);
}

TEST(a_unicast_answer_is_given_where_it_is_wished_unless_all_should_hear_it)
{
    struct sim *sim = sim_lamp();

    /* Announced not long ago: by unicast. */
    sim_ask_once(sim, SIM_LAMP, ISO_MDNS_TXT, true);
    CHECK_EQ_U64(sim->trace_count, 1);
    CHECK(!sim->trace[0].multicast && sim->trace[0].port == 5353);
    CHECK_EQ_U64(sim->trace[0].to.bytes[3], 200);
    CHECK_CONTAINS(sim->trace[0].text, "response id=0; A " SIM_LAMP " TXT 4500 flush");
    /* A quarter of its life ago: to all. */
    sim_run(sim, 4500000 / 4);
    sim_forget(sim);
    sim_ask_once(sim, SIM_LAMP, ISO_MDNS_TXT, true);
    CHECK_EQ_U64(sim->trace_count, 1);
    CHECK(sim->trace[0].multicast);
    sim_free(sim);
}

TEST(a_plain_resolver_gets_a_plain_answer)
{
    struct sim *sim = sim_lamp();
    struct iso_mdns_writer writer;

    iso_mdns_writer_init(&writer);
    sim_ask(&writer, "pi.local", ISO_MDNS_A, false);
    iso_mdns_writer_finish(&writer, 4711, 0x0100); /* recursion desired */
    CHECK_OK(sim_inject(sim, 0, sim_v4(10, 0, 0, 9), 40000, true, writer.bytes, writer.len, NULL));
    sim_run(sim, 200);
    CHECK_EQ_U64(sim->trace_count, 1);
    CHECK(!sim->trace[0].multicast && sim->trace[0].port == 40000);
    CHECK_STR(sim->trace[0].text,
              "response id=4711; Q pi.local A; A pi.local A 10 10.0.0.1; D pi.local NSEC 10");
    sim_free(sim);
}

TEST(unicast_answers_have_a_budget)
{
    struct sim *sim = sim_lamp();
    struct iso_mdns_writer writer;

    for (unsigned i = 0; i < 500; i++) {
        iso_mdns_writer_init(&writer);
        sim_ask(&writer, "pi.local", ISO_MDNS_A, false);
        iso_mdns_writer_finish(&writer, 1, 0);
        CHECK_OK(
            sim_inject(sim, 0, sim_v4(10, 0, 0, 9), 40000, true, writer.bytes, writer.len, NULL));
        sim_run(sim, 1);
    }
    CHECK_EQ_U64(sim->trace_count, ISO_MDNS_UNICAST_REPLIES_PER_S);
    sim_free(sim);
}

TEST(only_the_link_is_answered)
{
    struct sim *sim = sim_lamp();
    struct iso_mdns_writer writer;
    struct iso_report report;

    iso_mdns_writer_init(&writer);
    sim_ask(&writer, SIM_LAMP, ISO_MDNS_SRV, true);
    iso_mdns_writer_finish(&writer, 0, 0);
    struct iso_mdns_address far = sim_v4(192, 0, 2, 1);
    iso_report_init(&report);
    CHECK_ERR(sim_inject(sim, 0, far, 5353, false, writer.bytes, writer.len, &report),
              ISO_E_REFUSED);
    CHECK_CONTAINS(report.text, "beyond the link");
    CHECK_ERR(sim_inject(sim, 0, far, 40000, true, writer.bytes, writer.len, NULL), ISO_E_REFUSED);
    CHECK_ERR(sim_inject(sim, 0, sim_v4(10, 0, 0, 9), 0, true, writer.bytes, writer.len, NULL),
              ISO_E_REFUSED);
    sim_run(sim, 500);
    CHECK_EQ_U64(sim->trace_count, 0);
    /* One that reached the group came over the link, but gets its answer by multicast. */
    CHECK_OK(sim_inject(sim, 0, far, 5353, true, writer.bytes, writer.len, NULL));
    sim_run(sim, 500);
    CHECK_EQ_U64(sim->trace_count, 1);
    CHECK(sim->trace[0].multicast);
    /* From the link, directly: by unicast. */
    sim_forget(sim);
    CHECK_OK(
        sim_inject(sim, 0, sim_v4(169, 254, 7, 7), 5353, false, writer.bytes, writer.len, NULL));
    sim_run(sim, 500);
    CHECK_EQ_U64(sim->trace_count, 1);
    CHECK(!sim->trace[0].multicast);
    sim_free(sim);
}

TEST(responses_come_from_the_port_of_mdns_to_the_group_only)
{
    struct sim *sim = sim_lamp();
    struct iso_mdns_writer writer;

    iso_mdns_writer_init(&writer);
    sim_put(&writer, ISO_MDNS_ANSWERS, SIM_LAMP, ISO_MDNS_SRV, 120, true, "1 evil.local");
    iso_mdns_writer_finish(&writer, 0, ISO_MDNS_FLAG_RESPONSE);
    struct iso_mdns_address from = sim_v4(10, 0, 0, 66);
    CHECK_ERR(sim_inject(sim, 0, from, 5354, true, writer.bytes, writer.len, NULL), ISO_E_REFUSED);
    CHECK_ERR(sim_inject(sim, 0, from, 5353, false, writer.bytes, writer.len, NULL), ISO_E_REFUSED);
    sim_run(sim, 5000);
    CHECK_EQ_U64(sim->trace_count, 0);
    CHECK_STR(sim_log(sim, 0), "");
    sim_free(sim);
}

TEST(a_wrong_goodbye_is_contradicted)
{
    struct sim *sim = sim_lamp();
    struct iso_mdns_writer writer;

    iso_mdns_writer_init(&writer);
    sim_put(&writer, ISO_MDNS_ANSWERS, SIM_TYPE, ISO_MDNS_PTR, 0, false, SIM_LAMP);
    sim_say(sim, &writer, ISO_MDNS_FLAG_RESPONSE);
    sim_run(sim, 500);
    CHECK_EQ_U64(sim_count(sim, "A " SIM_TYPE " PTR 4500 " SIM_LAMP), 1);
    /* Again and again: once a second. */
    for (unsigned i = 0; i < 100; i++) {
        sim_put(&writer, ISO_MDNS_ANSWERS, SIM_TYPE, ISO_MDNS_PTR, 0, false, SIM_LAMP);
        sim_say(sim, &writer, ISO_MDNS_FLAG_RESPONSE);
        sim_run(sim, 50);
    }
    CHECK(sim_count(sim, "A " SIM_TYPE " PTR 4500 " SIM_LAMP) <= 7);
    sim_free(sim);
}

TEST(goodbyes_are_said)
{
    struct sim *sim = sim_lamp();
    uint32_t second = sim_announce(sim, 0, "second");

    sim_run(sim, SIM_SETTLED_MS);
    sim_forget(sim);
    iso_mdns_service_remove(sim->hosts[0].mdns, second, sim->now_ms);
    sim_run(sim, 3000);
    CHECK_EQ_U64(sim->trace_count, 1);
    CHECK_STR(sim->trace[0].text, "response id=0; A " SIM_TYPE " PTR 0 second._wot._tcp.local; "
                                  "A second._wot._tcp.local SRV 0 flush 8080 pi.local; "
                                  "A second._wot._tcp.local TXT 0 flush 0474643d2f");
    sim_forget(sim);
    iso_mdns_stop(sim->hosts[0].mdns, sim->now_ms);
    sim_run(sim, 3000);
    CHECK_EQ_U64(sim->trace_count, 1);
    CHECK_CONTAINS(sim->trace[0].text, "A " SIM_TYPE " PTR 0 " SIM_LAMP);
    CHECK_CONTAINS(sim->trace[0].text, "A pi.local A 0 flush 10.0.0.1");
    /* Nothing is answered any more. */
    sim_ask_once(sim, SIM_TYPE, ISO_MDNS_PTR, false);
    CHECK_EQ_U64(sim->trace_count, 1);
    sim_free(sim);
}

/* Where IPv6 comes up after IPv4 all names are probed for again, for up to a second: what others
 * have heard before is withdrawn all the same. */
TEST(goodbyes_are_said_while_names_are_probed_for_again)
{
    struct sim *sim = sim_lamp();
    uint32_t second = sim_announce(sim, 0, "second");
    struct iso_mdns_address addresses[] = {sim_v4(10, 0, 0, 1), sim_v6(7)};

    sim_run(sim, SIM_SETTLED_MS);
    sim_port(sim, 0, 1, 0, addresses, 2);
    sim_run(sim, 500);
    sim_forget(sim);
    iso_mdns_service_remove(sim->hosts[0].mdns, second, sim->now_ms);
    sim_run(sim, 1);
    CHECK_EQ_U64(sim_count(sim, "A " SIM_TYPE " PTR 0 second._wot._tcp.local"), 2); /* IPv4, IPv6 */
    CHECK_EQ_U64(sim_count(sim, SIM_LAMP), 0);
    sim_forget(sim);
    iso_mdns_stop(sim->hosts[0].mdns, sim->now_ms);
    sim_run(sim, 3000);
    CHECK_EQ_U64(sim->trace_count, 2);
    CHECK_CONTAINS(sim->trace[0].text, "A " SIM_TYPE " PTR 0 " SIM_LAMP);
    CHECK_CONTAINS(sim->trace[0].text, "A pi.local A 0 10.0.0.1"); /* and of nobody else's */
    CHECK(strstr(sim->trace[0].text, "flush") == NULL);
    sim_free(sim);
}

/* Whose it is now the other says. */
TEST(a_name_in_dispute_gets_no_goodbye)
{
    struct sim *sim = sim_lamp();
    struct iso_mdns_writer writer;

    iso_mdns_writer_init(&writer);
    sim_put(&writer, ISO_MDNS_ANSWERS, SIM_LAMP, ISO_MDNS_SRV, 120, true, "9 evil.local");
    sim_say(sim, &writer, ISO_MDNS_FLAG_RESPONSE);
    sim_run(sim, 100);
    sim_forget(sim);
    iso_mdns_stop(sim->hosts[0].mdns, sim->now_ms);
    sim_run(sim, 3000);
    CHECK_EQ_U64(sim_count(sim, SIM_LAMP), 0);
    CHECK_EQ_U64(sim_count(sim, "A pi.local A 0 flush 10.0.0.1"), 1);
    sim_free(sim);
}

TEST(a_name_that_another_has_before_it_is_probed_for_again_gets_no_goodbye)
{
    struct sim *sim = sim_lamp();
    struct iso_mdns_writer writer;
    struct iso_mdns_address addresses[] = {sim_v4(10, 0, 0, 1), sim_v6(7)};

    sim_run(sim, SIM_SETTLED_MS);
    sim_port(sim, 0, 1, 0, addresses, 2);
    iso_mdns_writer_init(&writer);
    sim_put(&writer, ISO_MDNS_ANSWERS, SIM_LAMP, ISO_MDNS_SRV, 120, true, "9 evil.local");
    sim_say(sim, &writer, ISO_MDNS_FLAG_RESPONSE);
    sim_forget(sim);
    iso_mdns_stop(sim->hosts[0].mdns, sim->now_ms);
    iso_mdns_stop(sim->hosts[0].mdns, sim->now_ms); /* changes nothing */
    sim_run(sim, 3000);
    CHECK_EQ_U64(sim_count(sim, SIM_LAMP), 0);
    CHECK_EQ_U64(sim_count(sim, "A pi.local A 0 10.0.0.1"), 2);
    sim_free(sim);
}

TEST(what_was_never_announced_needs_no_goodbye)
{
    struct sim *sim = sim_new(1);
    unsigned pi = sim_simple(sim, "pi", 1);

    (void)sim_announce(sim, pi, "lamp");
    iso_mdns_stop(sim->hosts[pi].mdns, sim->now_ms);
    sim_run(sim, 3000);
    CHECK_EQ_U64(sim->trace_count, 0);
    sim_free(sim);
}

TEST(a_changed_txt_record_is_announced)
{
    struct sim *sim = sim_new(1);
    unsigned pi = sim_simple(sim, "pi", 1);
    uint32_t id = sim_announce(sim, pi, "lamp");
    const char *txt[] = {"td=/x"};

    sim_run(sim, SIM_SETTLED_MS);
    sim_forget(sim);
    CHECK_OK(iso_mdns_service_set_txt(sim->hosts[pi].mdns, id, txt, 1, sim->now_ms, NULL));
    sim_run(sim, SIM_SETTLED_MS);
    CHECK_EQ_U64(sim_count(sim, "A " SIM_LAMP " TXT 4500 flush 0574643d2f78"), 3);
    CHECK_EQ_U64(sim_count(sim, "query"), 0);
    CHECK_ERR(iso_mdns_service_set_txt(sim->hosts[pi].mdns, id + 1, txt, 1, sim->now_ms, NULL),
              ISO_E_NOT_FOUND);
    sim_free(sim);
}

TEST(services_that_cannot_be_are_refused)
{
    struct sim *sim = sim_lamp();
    struct iso_mdns *mdns = sim->hosts[0].mdns;
    const char *long_txt[] = {"a=1", "=2"};
    const char *bad_subtype[] = {"printer"};
    const struct iso_mdns_service good = {.instance = "x", .type = "_x._udp", .port = 1};
    static const char *const types[] = {
        "",          "_x",     "x._tcp",    "_x._sctp",
        "_x._tcp.y", "_._tcp", "_x.y._tcp", "_0123456789abcdef._tcp",
        "_a b._tcp"};
    char instance[65] = "";
    uint32_t id = 77;

    memset(instance, 'x', 64);
    for (size_t i = 0; i < ISO_COUNT_OF(types); i++) {
        struct iso_mdns_service service = good;
        service.type = types[i];
        CHECK_ERR(iso_mdns_service_add(mdns, &service, sim->now_ms, &id, NULL), ISO_E_ARGUMENT);
        CHECK_ERR(iso_mdns_browse_start(mdns, types[i], NULL, sim->now_ms, &id, NULL),
                  ISO_E_ARGUMENT);
    }
    const struct iso_mdns_service bad[] = {
        {.instance = "", .type = "_x._tcp", .port = 1},
        {.instance = instance, .type = "_x._tcp", .port = 1},
        {.instance = "\xff", .type = "_x._tcp", .port = 1},
        {.instance = "a\nb", .type = "_x._tcp", .port = 1},
        {.instance = "x", .type = "_x._tcp", .port = 0},
        {.instance = "x", .type = "_x._tcp", .port = 1, .txt = long_txt, .txt_count = 2},
        {.instance = "x",
         .type = "_x._tcp",
         .port = 1,
         .subtypes = bad_subtype,
         .subtype_count = 1},
    };
    for (size_t i = 0; i < ISO_COUNT_OF(bad); i++) {
        CHECK_ERR(iso_mdns_service_add(mdns, &bad[i], sim->now_ms, &id, NULL), ISO_E_ARGUMENT);
    }
    const struct iso_mdns_service again = {.instance = "LAMP", .type = "_wot._tcp", .port = 1};
    CHECK_ERR(iso_mdns_service_add(mdns, &again, sim->now_ms, &id, NULL), ISO_E_EXISTS);
    CHECK_EQ_U64(id, 77);
    sim_free(sim);
}

TEST(failing_allocations_leave_everything_as_it_was)
{
    struct sim *sim = sim_lamp();
    struct sim_host *host = &sim->hosts[0];
    const struct iso_mdns_service service = {.instance = "x", .type = "_x._udp", .port = 1};
    struct iso_mdns_address address = sim_v4(10, 9, 0, 1);
    uint32_t id;

    host->memory.fail_at = host->memory.requests + 1;
    CHECK_ERR(iso_mdns_service_add(host->mdns, &service, sim->now_ms, &id, NULL), ISO_E_NOMEM);
    host->memory.fail_at = host->memory.requests + 1;
    CHECK_ERR(iso_mdns_interface_set(host->mdns, 9, &address, 1, sim->now_ms), ISO_E_NOMEM);
    host->memory.fail_at = 0;
    sim_run(sim, 1000);
    CHECK_EQ_U64(sim->trace_count, 0);
    sim_free(sim);
}
