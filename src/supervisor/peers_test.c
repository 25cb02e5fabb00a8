/* Links and flows between devices in one process, over TLS on the loopback interface: executed once
 * whatever the network does, refused what the deployment does not allow, finished when a connection
 * comes back. */
#include "supervisor/peers_test_support.h"

#include <stdlib.h>

#include "supervisor/document_test_support.h"
#include "supervisor/peers_state.h"

#define MODULE "\"module\": \"" TEST_DIGEST "\""
#define UNIT "\"unit\": {" MODULE ", \"mode\": \"service\", \"epoch\": 1}"
#define CALLER_AT(epoch)                                                                           \
    "\"caller\": {" MODULE                                                                         \
    ", \"mode\": \"service\", \"epoch\": 1, \"limits\": {\"time\": \"20s\"}, \"links\": "          \
    "{\"test:unit/calc@1.0.0\": {\"peer\": \"p1\", \"component\": \"unit\", \"epoch\": " epoch     \
    "}}}"
#define CALLER CALLER_AT("1")

/* Node 0 has `caller`, which is linked to `unit` on node 1. */
static struct net *linked(void)
{
    struct net *net = net_start(1);
    net_deploy(net, 1, UNIT, "", "[\"unit\"]");
    net_deploy(net, 0, CALLER, "", "[]");
    return net;
}

static void call_and_check(struct net *net, const char *function, const char *json,
                           enum iso_sv_outcome outcome, const char *reply)
{
    struct net_call call;
    net_call(net, 0, net_component(net, 0, 0, "caller"), function, json, &call);
    NET_UNTIL(net, call.ended);
    net_check(&call, outcome, reply);
}

static uint64_t calls_done(struct net *net, unsigned node, const char *component)
{
    struct iso_sv_component_stats stats;
    iso_sv_component_stats_get(net_component(net, node, 0, component), &stats);
    return stats.calls[ISO_SV_DONE];
}

TEST(a_link_calls_a_component_on_another_device)
{
    struct net *net = linked();
    call_and_check(net, "add", "[20, 22]", ISO_SV_DONE, "42");
    call_and_check(net, "bump", "", ISO_SV_DONE, "1");
    call_and_check(net, "bump", "", ISO_SV_DONE, "2");
    call_and_check(net, "echo", "[\"AAECAw==\"]", ISO_SV_DONE, "\"AAECAw==\"");
    call_and_check(net, "check", "[true]", ISO_SV_DONE, "7");
    call_and_check(net, "check", "[false]", ISO_SV_ERROR, "\"not so\"");
    CHECK_EQ_U64(calls_done(net, 1, "unit"), 5);
    net_stop(net);
}

TEST(a_trap_of_the_callee_is_one_of_the_caller_with_its_text)
{
    struct net *net = linked();
    struct net_call call;
    net_call(net, 0, net_component(net, 0, 0, "caller"), "crash", "", &call);
    NET_UNTIL(net, call.ended);
    CHECK_CONTAINS(call.call->report.text, "unreachable");
    net_check(&call, ISO_SV_TRAP, NULL);
    net_stop(net);
}

TEST(connections_are_up_when_prepare_is_over)
{
    struct net *net = net_start(1);
    net_deploy(net, 1, UNIT, "", "[\"unit\"]");
    CHECK_OK(net_prepare(net, 0, 0, net_document(net, 0, 1, CALLER, "", "[]"), -1));
    net_connect(net, 0, 0);
    struct iso_sv_gen *gen = net->nodes[0].generations[0].pub.user;
    CHECK_EQ_U64(iso_coap_peer_state(
                     gen->conns[iso_sv_document_peer(gen->document, iso_str_from_z("p1"))]->peer),
                 ISO_COAP_PEER_UP);
    net_commit(net, 0, 0, -1);
    call_and_check(net, "add", "[1, 2]", ISO_SV_DONE, "3");
    net_stop(net);
}

TEST(a_call_whose_answer_is_lost_is_repeated_and_executed_once)
{
    struct net *net = linked();
    struct net_call call;
    struct iso_sv_component_stats stats;
    call_and_check(net, "add", "[1, 2]", ISO_SV_DONE, "3");
    net_call(net, 0, net_component(net, 0, 0, "caller"), "work", "[5000000]", &call);
    unsigned before = net->nodes[1].requests;
    NET_UNTIL(net, net->nodes[1].requests > before);
    net_drop(net, 1, 0); /* while it works */
    NET_UNTIL(net, call.ended);
    net_check(&call, ISO_SV_DONE, NULL);
    iso_sv_component_stats_get(net_component(net, 1, 0, "unit"), &stats);
    CHECK_EQ_U64(stats.calls[ISO_SV_DONE], 2);
    CHECK(net->nodes[1].requests >= before + 2);
    net_stop(net);
}

TEST(a_caller_that_was_made_anew_is_not_given_old_answers)
{
    struct net *net = linked();
    call_and_check(net, "bump", "", ISO_SV_DONE, "1");
    net_close(net, 0, 0);
    net_deploy(net, 0, CALLER, "", "[]");
    call_and_check(net, "bump", "", ISO_SV_DONE, "2");
    net_stop(net);
}

static void on_relayed(void *ctx)
{
    ((struct net *)ctx)->relayed++;
}

static void take_id(void *ctx, const struct iso_sv_call_id *id)
{
    *(struct iso_sv_call_id *)ctx = *id;
}

/* Node 1 has `unit` and gives it to node 2 while a call from outside is under way in it; what node
 * 2 does with its copy of the call is made up. */
TEST(a_call_under_way_is_answered_by_the_device_that_its_component_moved_to)
{
    struct net *net = net_start(1);
    struct net_call call;
    struct iso_sv_call_id id = {.sequence = 0};
    net_deploy(net, 1, UNIT, "", "[\"unit\"]");
    net_deploy(net, 2, UNIT, "", "[]");
    net_call(net, 1, net_component(net, 1, 0, "unit"), "spin", "", &call);
    CHECK(!call.ended);
    iso_sv_remember_each(
        iso_sv_peers_memory(net->nodes[1].peers, iso_str_from_z("lab"), iso_str_from_z("unit")),
        take_id, &id);
    CHECK_STR(id.caller, "@dev-1");
    const struct iso_sv_deploy_hooks *from = iso_sv_peers_hooks(net->nodes[1].peers);
    const struct iso_sv_deploy_hooks *to = iso_sv_peers_hooks(net->nodes[2].peers);
    struct iso_sv_generation *from_gen = &net->nodes[1].generations[0].pub;
    struct iso_sv_call *copy = iso_sv_call_create(net->nodes[2].core);
    CHECK(copy != NULL);
    copy->id = id;
    to->adopt(to->ctx, &net->nodes[2].generations[0].pub, 0, copy);
    unsigned before = net->nodes[2].requests;
    from->relay(from->ctx, from_gen, 0, from_gen,
                iso_sv_document_peer(from_gen->document, iso_str_from_z("p2")), 1, on_relayed, net);
    NET_UNTIL(net, net->nodes[2].requests > before);
    copy->outcome = ISO_SV_DONE;
    copy->reply_actual = ISO_SV_JSON;
    CHECK_OK(iso_buf_append(&copy->reply, "42", 2));
    copy->done(copy);
    NET_UNTIL(net, net->relayed > 0);
    CHECK(!call.ended);
    net_close(net, 1, 0); /* the component goes: its calls end */
    NET_UNTIL(net, call.ended);
    net_check(&call, ISO_SV_DONE, "42");
    net_stop(net);
}

TEST(what_a_component_remembers_moves_with_it)
{
    struct net *net = net_start(1);
    struct iso_buf bytes;
    iso_buf_init(&bytes, net->alloc, SIZE_MAX);
    net_deploy(net, 1, UNIT, "", "[]");
    net_deploy(net, 2, UNIT, "", "[]");
    for (unsigned node = 1; node <= 2; node++) {
        struct iso_sv_component *unit = net_component(net, node, 0, "unit");
        struct iso_sv_call *call = iso_sv_call_create(net->nodes[node].core);
        uint32_t index = 0;
        CHECK(call != NULL && iso_sv_program_func_find(iso_sv_component_program(unit),
                                                       iso_str_from_z("bump"), &index));
        iso_sv_call_id_from_key(&call->id, iso_str_from_z("token"), iso_str_from_z("k"));
        CHECK(iso_sv_peers_start(net->nodes[node].peers, call, unit, index));
        CHECK_EQ_U64(call->outcome, ISO_SV_DONE);
        iso_sv_call_destroy(call);
        if (node == 1) {
            const struct iso_sv_deploy_hooks *from = iso_sv_peers_hooks(net->nodes[1].peers);
            const struct iso_sv_deploy_hooks *to = iso_sv_peers_hooks(net->nodes[2].peers);
            uint64_t mark = 0;
            CHECK_OK(from->save(from->ctx, &net->nodes[1].generations[0].pub, 0, 0, &mark, &bytes));
            CHECK_OK(to->load(to->ctx, &net->nodes[2].generations[0].pub, 0, iso_buf_view(&bytes),
                              &net->report));
        }
    }
    CHECK_EQ_U64(calls_done(net, 2, "unit"), 0);
    iso_buf_fini(&bytes);
    net_stop(net);
}

TEST(calls_wait_for_a_device_that_is_away_for_a_while)
{
    struct net *net = linked();
    struct net_call call;
    call_and_check(net, "add", "[1, 2]", ISO_SV_DONE, "3");
    net_server_stop(net, 1);
    net_call(net, 0, net_component(net, 0, 0, "caller"), "add", "[3, 4]", &call);
    for (uint64_t start = uv_hrtime(); uv_hrtime() - start < UINT64_C(500) * 1000000;) {
        net_turn(net, start, "time to pass");
    }
    CHECK(!call.ended);
    net_server_start(net, 1);
    NET_UNTIL(net, call.ended);
    net_check(&call, ISO_SV_DONE, "7");
    net_stop(net);
}

TEST(a_call_with_an_old_epoch_is_refused_until_the_link_is_replaced)
{
    struct net *net = net_start(1);
    struct net_call call;
    net_deploy(net, 1, "\"unit\": {" MODULE ", \"mode\": \"service\", \"epoch\": 2}", "",
               "[\"unit\"]");
    net_deploy(net, 0, CALLER, "", "[]");
    net_call(net, 0, net_component(net, 0, 0, "caller"), "add", "[3, 4]", &call);
    NET_UNTIL(net, net->nodes[1].requests >= 3);
    CHECK(!call.ended);
    CHECK_EQ_U64(calls_done(net, 1, "unit"), 0);
    CHECK_OK(net_prepare(net, 0, 1, net_document(net, 0, 2, CALLER_AT("2"), "", "[]"), 0));
    net_commit(net, 0, 1, 0);
    net_close(net, 0, 0);
    NET_UNTIL(net, call.ended);
    net_check(&call, ISO_SV_DONE, "7");
    net_stop(net);
}

TEST(a_component_that_the_deployment_does_not_open_is_forbidden)
{
    struct net *net = net_start(1);
    struct net_call call;
    net_deploy(net, 1, UNIT, "", "[]");
    net_deploy(net, 0, CALLER, "", "[]");
    net_call(net, 0, net_component(net, 0, 0, "caller"), "add", "[3, 4]", &call);
    NET_UNTIL(net, call.ended);
    CHECK_CONTAINS(call.call->report.text, "does not let you call 'unit'");
    net_check(&call, ISO_SV_TRAP, NULL);
    CHECK_EQ_U64(calls_done(net, 1, "unit"), 0);
    net_stop(net);
}

TEST(a_call_waits_for_the_callees_generation_to_be_committed)
{
    struct net *net = net_start(1);
    struct net_call call;
    CHECK_OK(net_prepare(net, 1, 0, net_document(net, 1, 1, UNIT, "", "[\"unit\"]"), -1));
    net_deploy(net, 0, CALLER, "", "[]");
    net_call(net, 0, net_component(net, 0, 0, "caller"), "add", "[3, 4]", &call);
    NET_UNTIL(net, net->nodes[1].requests >= 2);
    CHECK(!call.ended);
    net_commit(net, 1, 0, -1);
    NET_UNTIL(net, call.ended);
    net_check(&call, ISO_SV_DONE, "7");
    net_stop(net);
}

TEST(an_identity_with_another_key_is_refused)
{
    struct net *net = net_start(1);
    char text[16384];
    net_deploy(net, 0, "", "", "[]");
    (void)iso_format(text, sizeof text, "%s", net_document(net, 0, 2, "", "", "[]"));
    char *key = strstr(text, TEST_KEY_B); /* that of accept */
    CHECK(key != NULL);
    key[0] = key[0] == 'A' ? 'B' : 'A';
    CHECK_ERR(net_prepare(net, 0, 1, text, -1), ISO_E_EXISTS);
    CHECK_CONTAINS(net->report.text, "another identity");
    net_stop(net);
}

TEST(a_repeated_call_from_outside_is_executed_once)
{
    struct net *net = net_start(1);
    net_deploy(net, 0, UNIT, "", "[]");
    for (unsigned i = 0; i < 3; i++) {
        struct iso_sv_call *call = iso_sv_call_create(net->nodes[0].core);
        struct iso_sv_component *unit = net_component(net, 0, 0, "unit");
        uint32_t index = 0;
        CHECK(call != NULL);
        CHECK(iso_sv_program_func_find(iso_sv_component_program(unit), iso_str_from_z("bump"),
                                       &index));
        iso_sv_call_id_from_key(&call->id, iso_str_from_z("token"), iso_str_from_z("k"));
        CHECK(iso_sv_peers_start(net->nodes[0].peers, call, unit, index) || i == 0);
        CHECK_EQ_U64(call->outcome, ISO_SV_DONE);
        CHECK_EQ_U64(call->reply.len, 1);
        CHECK_EQ_U64(call->reply.ptr[0], '1');
        iso_sv_call_destroy(call);
    }
    net_stop(net);
}

/* ---- Flows -------------------------------------------------------------------------------------
 */

#define STEP(name, component, call, at)                                                            \
    "{\"as\": \"" name "\", \"component\": \"" component "\", \"call\": \"" call                   \
    "\", \"epoch\": 1" at
#define AT1 ", \"at\": \"p1\""
#define AT2 ", \"at\": \"p2\""
#define AT0 ", \"at\": \"p0\""

/* add, add on the next device, add on the third, add on the second again. */
#define CHAIN(trigger, where0, where1, where2)                                                                                                          \
    "\"chain\": {\"on\": " trigger ", \"window\": 4, \"steps\": [" STEP("a", "unit", "add", where0) ", \"with\": {\"a\": \"$input\", \"b\": 1}}," STEP( \
        "b", "unit", "add",                                                                                                                             \
        where1) ", \"with\": {\"a\": \"$a\", \"b\": 10}}," STEP("c", "unit", "add",                                                                     \
                                                                where2) ", \"with\": {\"a\": "                                                          \
                                                                        "\"$b\", \"b\": "                                                               \
                                                                        "100}}," STEP("d", "unit",                                                      \
                                                                                      "add",                                                            \
                                                                                      where1) ", "                                                      \
                                                                                              "\""                                                      \
                                                                                              "wi"                                                      \
                                                                                              "th"                                                      \
                                                                                              "\""                                                      \
                                                                                              ": "                                                      \
                                                                                              "{"                                                       \
                                                                                              "\""                                                      \
                                                                                              "a"                                                       \
                                                                                              "\""                                                      \
                                                                                              ": "                                                      \
                                                                                              "\""                                                      \
                                                                                              "$c"                                                      \
                                                                                              "\""                                                      \
                                                                                              ", "                                                      \
                                                                                              "\""                                                      \
                                                                                              "b"                                                       \
                                                                                              "\""                                                      \
                                                                                              ": "                                                      \
                                                                                              "10"                                                      \
                                                                                              "00"                                                      \
                                                                                              "}}"                                                      \
                                                                                              "]}"

static struct net *chained(void)
{
    struct net *net = net_start(1);
    net_deploy(net, 2, UNIT, CHAIN("{\"call\": true}", AT0, AT1, ""), "[]");
    net_deploy(net, 1, UNIT, CHAIN("{\"call\": true}", AT0, "", AT2), "[]");
    net_deploy(net, 0, UNIT, CHAIN("{\"call\": true}", "", AT1, AT2), "[]");
    return net;
}

TEST(a_flow_runs_through_three_devices_and_a_component_twice)
{
    struct net *net = chained();
    struct net_call calls[3];
    for (unsigned i = 0; i < 3; i++) {
        static const char *const inputs[] = {"0", "5", "7"};
        net_flow_call(net, 0, "chain", inputs[i], &calls[i]);
    }
    NET_UNTIL(net, calls[0].ended && calls[1].ended && calls[2].ended);
    net_check(&calls[0], ISO_SV_DONE, "1111");
    net_check(&calls[1], ISO_SV_DONE, "1116");
    net_check(&calls[2], ISO_SV_DONE, "1118");
    CHECK_EQ_U64(calls_done(net, 0, "unit"), 3);
    CHECK_EQ_U64(calls_done(net, 1, "unit"), 6);
    CHECK_EQ_U64(calls_done(net, 2, "unit"), 3);
    net_stop(net);
}

TEST(a_flow_survives_a_device_that_is_away_for_a_while)
{
    struct net *net = chained();
    struct net_call call;
    net_server_stop(net, 2);
    net_flow_call(net, 0, "chain", "1", &call);
    NET_UNTIL(net, calls_done(net, 1, "unit") == 1);
    for (uint64_t start = uv_hrtime(); uv_hrtime() - start < UINT64_C(300) * 1000000;) {
        net_turn(net, start, "time to pass");
    }
    CHECK(!call.ended);
    net_server_start(net, 2);
    NET_UNTIL(net, call.ended);
    net_check(&call, ISO_SV_DONE, "1112");
    net_stop(net);
}

TEST(a_flow_on_one_device_ends_at_once)
{
    struct net *net = net_start(1);
    struct net_call call;
    net_deploy(net, 0, UNIT, CHAIN("{\"call\": true}", "", "", ""), "[]");
    net_flow_call(net, 0, "chain", "1", &call);
    NET_UNTIL(net, call.ended);
    net_check(&call, ISO_SV_DONE, "1112");
    net_flow_call(net, 0, "chain", "{\"no\": 1}", &call);
    NET_UNTIL(net, call.ended);
    CHECK_STR(call.call->report.text,
              "step 0 (unit.add) on dev-0: bad-arguments: a: expected s32 (-2147483648 to "
              "2147483647), found a map");
    net_check(&call, ISO_SV_ARGUMENT, NULL); /* the caller's mistake */
    net_flow_call(net, 0, "nothing", "1", &call);
    net_check(&call, ISO_SV_NOT_FOUND, NULL);
    net_flow_call(net, 0, "chain", "{", &call);
    net_check(&call, ISO_SV_ARGUMENT, NULL);
    net_stop(net);
}

TEST(a_failed_step_on_another_device_is_named)
{
    struct net *net = net_start(1);
    struct net_call call;
    char here[512], there[512];
    (void)iso_format(here, sizeof here,
                     "\"f\": {\"on\": {\"call\": true}, \"steps\": [" STEP(
                         "a", "unit", "get-count", "") "}, " STEP("b", "unit", "crash",
                                                                  AT1) ", \"with\": {}}]}");
    (void)iso_format(there, sizeof there,
                     "\"f\": {\"on\": {\"call\": true}, \"steps\": [" STEP(
                         "a", "unit", "get-count", AT0) "}, " STEP("b", "unit", "crash",
                                                                   "") ", \"with\": {}}]}");
    net_deploy(net, 1, UNIT, there, "[]");
    net_deploy(net, 0, UNIT, here, "[]");
    net_flow_call(net, 0, "f", "null", &call);
    NET_UNTIL(net, call.ended);
    CHECK_CONTAINS(call.call->report.text, "step 1 (unit.crash) on dev-1: trap");
    net_check(&call, ISO_SV_TRAP, NULL);
    net_stop(net);
}

TEST(an_event_starts_a_flow_here_and_elsewhere)
{
#define EVENT(at, where)                                                                           \
    "\"e\": {\"on\": {\"event\": \"unit.seen\"" at "}, \"steps\": [" STEP(                         \
        "a", "unit", "add", where) ", \"with\": {\"a\": \"$input.n\", \"b\": 1}}]}"
    struct net *net = net_start(1);
    net_deploy(net, 1, UNIT, EVENT(AT0, ""), "[]");
    net_deploy(net, 0, UNIT, EVENT("", AT1), "[]");
    for (unsigned i = 0; i < 5; i++) {
        iso_sv_peers_event(net->nodes[0].peers, net_component(net, 0, 0, "unit"),
                           iso_str_from_z(i == 4 ? "other" : "seen"), iso_str_from_z("{\"n\": 4}"));
        NET_UNTIL(net, calls_done(net, 1, "unit") == (i < 4 ? i + 1 : 4));
    }
    struct iso_sv_gen *gen = net->nodes[1].generations[0].pub.user;
    CHECK_EQ_U64(iso_sv_flow_stats(gen->flows[0].engine)->finished, 4);
    net_stop(net);
}

TEST(a_timer_starts_runs_and_a_new_generation_goes_on_counting)
{
#define TIMER                                                                                      \
    "\"t\": {\"on\": {\"every\": \"2ms\"}, \"steps\": [" STEP("a", "unit", "bump", "") "}, " STEP( \
        "b", "unit", "big", "") ", \"with\": {\"n\": \"$a\"}}]}"
    struct net *net = net_start(1);
    net_deploy(net, 0, UNIT, TIMER, "[]");
    struct iso_sv_gen *gen = net->nodes[0].generations[0].pub.user;
    NET_UNTIL(net, iso_sv_flow_stats(gen->flows[0].engine)->finished >= 5);
    CHECK_OK(net_prepare(net, 0, 1, net_document(net, 0, 2, UNIT, TIMER, "[]"), 0));
    net_commit(net, 0, 1, 0);
    net_close(net, 0, 0);
    gen = net->nodes[0].generations[1].pub.user;
    NET_UNTIL(net, iso_sv_flow_stats(gen->flows[0].engine)->finished >= 10);
    const struct iso_sv_flow_stats *stats = iso_sv_flow_stats(gen->flows[0].engine);
    CHECK_EQ_U64(stats->started, stats->finished + stats->running);
    net_stop(net);
}

static void refused(struct net *net, const char *flow, const char *message)
{
    CHECK_ERR(net_prepare(net, 0, 0, net_document(net, 0, 1, UNIT, flow, "[]"), -1), ISO_E_INVALID);
    if (message != NULL) {
        CHECK_STR(net->report.text, message);
    }
    net_close(net, 0, 0);
}

TEST(flows_that_do_not_fit_their_types_are_refused_at_their_place)
{
#define FLOW(steps) "\"f\": {\"on\": {\"call\": true}, \"steps\": [" steps "]}"
#define ONE(call, with)                                                                            \
    FLOW("{\"component\": \"unit\", \"call\": \"" call "\", \"epoch\": 1, \"with\": " with "}")
    struct net *net = net_start(1);
    refused(net, ONE("nothing", "{}"), "/flows/f/steps/0/call: 'unit' has no function 'nothing'");
    refused(net, ONE("add", "{\"a\": 1}"), "/flows/f/steps/0/with: 'b' is missing");
    refused(net, ONE("add", "{\"a\": 1, \"b\": 2, \"c/d\": 3}"),
            "/flows/f/steps/0/with/c~1d: add has no such parameter");
    refused(net, ONE("add", "{\"a\": 1, \"b\": 3000000000}"),
            "/flows/f/steps/0/with/b: value: expected s32 (-2147483648 to 2147483647), found "
            "3000000000");
    refused(net, ONE("echo", "{\"data\": \"?\"}"), NULL);
    refused(net, FLOW("{\"component\": \"unit\", \"call\": \"add\", \"epoch\": 1}"),
            "/flows/f/steps/0: add has 2 parameters: \"with\" has to say what they are");
    refused(net,
            FLOW(STEP("x", "unit", "bump", "") "}, " STEP("y", "unit", "shout",
                                                          "") ", \"with\": {\"text\": \"$x\"}}"),
            "/flows/f/steps/1/with/text: expected string, the reference is u32");
    refused(net,
            FLOW(STEP("x", "unit", "bump", "") "}, " STEP(
                "y", "unit", "add", "") ", \"with\": {\"a\": \"$x\", \"b\": 1}}"),
            "/flows/f/steps/1/with/a: expected s32, the reference is u32");
    refused(net,
            FLOW(STEP("x", "unit", "bump", "") "}, " STEP(
                "y", "unit", "add", "") ", \"with\": {\"a\": \"$x.n\", \"b\": 1}}"),
            "/flows/f/steps/1/with/a: the result of step 0 has no field 'n': it is u32");
    refused(net,
            FLOW(STEP("x", "unit", "spin", "") "}, " STEP(
                "y", "unit", "add", "") ", \"with\": {\"a\": \"$x\", \"b\": 1}}"),
            "/flows/f/steps/1/with/a: step 0 has no result");
    net_stop(net);
}

/* ---- Refusals ----------------------------------------------------------------------------------
 */

struct raw {
    bool ended;
    uint8_t code;
    char text[128];
};

static void on_raw(void *ctx, const struct iso_coap_result *result)
{
    struct raw *raw = ctx;
    CHECK_EQ_U64(result->outcome, ISO_COAP_ANSWERED);
    raw->code = result->code;
    (void)iso_format(raw->text, sizeof raw->text, "%.*s", (int)result->payload.len,
                     (const char *)result->payload.ptr);
    raw->ended = true;
}

struct raw_case {
    const char *path, *query, *payload; /* in hexadecimal */
    uint8_t method;
    int32_t format;
    uint8_t code;
};

static size_t unhex(const char *hex, uint8_t *out)
{
    size_t len = strlen(hex) / 2;
    for (size_t i = 0; i < len; i++) {
        const char digits[] = {hex[2 * i], hex[2 * i + 1], '\0'};
        out[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return len;
}

/* As node 0, at node 1. */
static void try_raw(struct net *net, const struct raw_case *it)
{
    struct iso_sv_gen *gen = net->nodes[0].generations[0].pub.user;
    struct raw raw = {.ended = false};
    struct iso_str queries[8];
    size_t count = 0;
    uint8_t payload[64];
    for (const char *at = it->query; *at != '\0'; at += *at == '&') {
        size_t len = strcspn(at, "&");
        queries[count++] = iso_str_from(at, len);
        at += len;
    }
    const struct iso_coap_call call = {.method = it->method,
                                       .path = iso_str_from_z(it->path),
                                       .queries = queries,
                                       .query_count = count,
                                       .content_format = it->format,
                                       .accept = ISO_COAP_FORMAT_NONE,
                                       .payload =
                                           iso_bytes_from(payload, unhex(it->payload, payload))};
    uint32_t peer = iso_sv_document_peer(gen->document, iso_str_from_z("p1"));
    CHECK_OK(iso_coap_peer_call(gen->conns[peer]->peer, &call, on_raw, &raw, NULL));
    NET_UNTIL(net, raw.ended);
    if (raw.code != it->code) {
        TEST_FAIL("%s?%s: %u.%02u %s", it->path, it->query, ISO_COAP_CODE_CLASS(raw.code),
                  ISO_COAP_CODE_DETAIL(raw.code), raw.text);
    }
}

TEST(what_peers_may_not_send_is_refused)
{
#define CALC "/c/lab/unit/test:unit%2Fcalc@1.0.0%23plus"
#define CODE ISO_COAP_CODE
    /* Messages: version, generation, run, step, attempt, age, stream, hop, base, mask, value. */
    static const struct raw_case cases[] = {
        {CALC, "from=lab/x&seq=1", "820102", ISO_COAP_POST, 60, CODE(2, 4)},
        {"/c/lab/unit/test:unit%2Fcalc@0.9.0%23plus", "from=lab/x&seq=2", "820102", ISO_COAP_POST,
         60, CODE(4, 4)},
        {CALC, "seq=1", "820102", ISO_COAP_POST, 60, CODE(4, 0)},
        {CALC, "from=lab/x&seq=-1", "820102", ISO_COAP_POST, 60, CODE(4, 0)},
        {CALC, "from=lab/x&seq=18446744073709551616", "820102", ISO_COAP_POST, 60, CODE(4, 0)},
        {CALC, "from=lab/x&seq=9&chain=,", "820102", ISO_COAP_POST, 60, CODE(4, 0)},
        {CALC, "from=lab/x&seq=9&alone", "820102", ISO_COAP_POST, 60, CODE(4, 0)},
        {CALC, "from=key:0123:45&seq=0", "820102", ISO_COAP_POST, 60, CODE(4, 0)},
        {CALC, "from=@dev-1&seq=0", "820102", ISO_COAP_POST, 60, CODE(4, 0)},
        {CALC, "from=lab/x&seq=3", "5b312c325d", ISO_COAP_POST, 50, CODE(4, 0)},
        {CALC, "from=lab/x&seq=4", "8201", ISO_COAP_POST, 60, CODE(4, 0)},
        {CALC, "from=lab/x&seq=5", "82016161", ISO_COAP_POST, 60, CODE(4, 0)},
        {CALC, "from=lab/x&seq=6&epoch=2", "820102", ISO_COAP_POST, 60, CODE(4, 9)},
        {CALC, "from=lab/x&seq=7&chain=lab/unit", "820102", ISO_COAP_POST, 60, CODE(5, 8)},
        {CALC, "from=lab/x&seq=8&relay=1", "", ISO_COAP_POST, 60, CODE(4, 4)},
        {"/c/lab/shut/x", "from=lab/x&seq=1", "", ISO_COAP_POST, 60, CODE(4, 3)},
        {"/c/lab/nothing/x", "from=lab/x&seq=1", "", ISO_COAP_POST, 60, CODE(4, 4)},
        {"/c/other/unit/x", "from=lab/x&seq=1", "", ISO_COAP_POST, 60, CODE(4, 4)},
        {CALC, "from=lab/x&seq=1", "", ISO_COAP_GET, -1, CODE(4, 3)},
        {"/v1/deployments", "", "", ISO_COAP_POST, 60, CODE(4, 3)},
        {"/f/lab/f", "", "8b010100010000010000010a", ISO_COAP_POST, 60, CODE(2, 4)},
        {"/f/lab/f", "", "8b010100010000010000010a", ISO_COAP_POST, 50, CODE(4, 15)},
        {"/f/lab/f", "", "8b0101000100000100000a", ISO_COAP_POST, 60, CODE(4, 0)},
        {"/f/lab/f", "", "8b010200010000010000010a", ISO_COAP_POST, 60, CODE(5, 3)},
        {"/f/lab/f", "", "8b010000010000010000010a", ISO_COAP_POST, 60, CODE(4, 9)},
        {"/f/lab/f", "", "8b010100000000010000010a", ISO_COAP_POST, 60, CODE(4, 3)},
        {"/f/lab/f", "", "8b010100090000010000010a", ISO_COAP_POST, 60, CODE(4, 3)},
        {"/f/lab/f", "", "8b010100010000010000020a", ISO_COAP_POST, 60, CODE(4, 3)},
        {"/f/lab/g", "", "8b010100010000010000010a", ISO_COAP_POST, 60, CODE(4, 4)},
        {"/f/other/f", "", "8b010100010000010000010a", ISO_COAP_POST, 60, CODE(4, 4)},
        {"/o/lab/f", "", "83010180", ISO_COAP_POST, 60, CODE(4, 3)},
        {"/o/lab/f", "", "83010181", ISO_COAP_POST, 60, CODE(4, 0)},
    };
#define BOTH(at0, at1)                                                                             \
    "\"f\": {\"on\": {\"call\": true}, \"steps\": [" STEP(                                         \
        "a", "unit", "add",                                                                        \
        at0) ", \"with\": {\"a\": 1, \"b\": 1}}, " STEP("b", "unit", "add",                        \
                                                        at1) ", \"with\": {\"a\": \"$a\", \"b\": " \
                                                             "1}}]}"
    struct net *net = net_start(1);
    net_deploy(net, 1, UNIT ", \"shut\": {" MODULE ", \"epoch\": 1}", BOTH(AT0, ""), "[\"unit\"]");
    net_deploy(net, 0, UNIT, BOTH("", AT1), "[]");
    for (size_t i = 0; i < ISO_COUNT_OF(cases); i++) {
        try_raw(net, &cases[i]);
    }
    net_stop(net);
}

/* ---- Status ------------------------------------------------------------------------------------
 */

TEST(status_and_metrics_say_what_links_and_flows_do)
{
    struct net *net = chained();
    struct net_call call;
    struct iso_buf buf;
    struct iso_json json;
    net_flow_call(net, 0, "chain", "1", &call);
    NET_UNTIL(net, call.ended);
    net_check(&call, ISO_SV_DONE, "1112");
    iso_buf_init(&buf, net->alloc, SIZE_MAX);
    iso_json_init_buf(&json, &buf, 0);
    iso_json_object_begin(&json);
    iso_sv_peers_write_status(net->nodes[0].peers, iso_str_from_z("lab"), &json);
    iso_json_object_end(&json);
    CHECK_OK(iso_json_finish(&json));
    CHECK_OK(iso_buf_append_u8(&buf, 0));
    CHECK_CONTAINS((const char *)buf.ptr, "\"flow\":\"chain\",\"generation\":1,\"state\":"
                                          "\"running\",\"started\":1,\"finished\":1");
    CHECK_CONTAINS((const char *)buf.ptr, "\"device\":\"dev-1\",\"state\":\"up\"");
    buf.len = 0;
    CHECK_OK(iso_sv_peers_write_metrics(net->nodes[0].peers, &buf));
    CHECK_OK(iso_buf_append_u8(&buf, 0));
    CHECK_CONTAINS((const char *)buf.ptr,
                   "isomer_flow_runs_total{app=\"lab\",flow=\"chain\",end=\"finished\"} 1\n");
    CHECK_CONTAINS((const char *)buf.ptr, "isomer_peer_up{app=\"lab\",device=\"dev-1\"} 1\n");
    iso_buf_fini(&buf);
    net_stop(net);
}

TEST(every_outcome_has_a_code_and_comes_back_from_it)
{
    for (unsigned i = 0; i < ISO_SV_OUTCOME_COUNT; i++) {
        char text[64];
        bool again = false;
        size_t len =
            iso_format(text, sizeof text, "%s: why", iso_sv_outcome_name((enum iso_sv_outcome)i));
        uint8_t code = iso_sv_outcome_to_code((enum iso_sv_outcome)i);
        CHECK_EQ_U64(iso_sv_outcome_from_code(code, iso_str_from(text, len), &again), i);
        CHECK(again == (i == ISO_SV_MOVED));
    }
    bool again = false;
    CHECK_EQ_U64(iso_sv_outcome_from_code(ISO_COAP_CODE(5, 3), iso_str_from_z("later: x"), &again),
                 ISO_SV_UNREACHABLE);
    CHECK(again);
    CHECK_EQ_U64(iso_sv_outcome_from_code(ISO_COAP_CODE(4, 3), iso_str_from_z("no"), &again),
                 ISO_SV_NOT_FOUND);
    CHECK(!again);
}
