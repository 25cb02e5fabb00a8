/* links_bench - links and flows between devices in one process, over TLS on the loopback interface:
 * the time of a call through a link, of 900 KB through a flow's hop and back, of a flow on one
 * device, and 10,000 instances that wait for replies at the same time. Exit status 1 when a target
 * is missed.
 *
 * usage: links_bench [CALLS] */
#include <stdio.h>
#include <stdlib.h>

#include "supervisor/document_test_support.h"
#include "supervisor/peers_test_support.h"

enum { WAITING = 10000, BIG = 900 * 1024, ROUNDS = 50, CALLS = 5000 };

#define MODULE "\"module\": \"" TEST_DIGEST "\""
#define UNIT                                                                                       \
    "\"unit\": {" MODULE ", \"mode\": \"service\", \"epoch\": 1, \"limits\": {\"memory\": "        \
    "\"32MiB\"}}"
#define LINK                                                                                       \
    "\"links\": {\"test:unit/calc@1.0.0\": {\"peer\": \"p1\", \"component\": \"unit\", "           \
    "\"epoch\": 1}}"
#define CALLER "\"caller\": {" MODULE ", \"mode\": \"service\", \"epoch\": 1, " LINK "}"

static bool missed;

static int compare(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

/* Sorts, and prints the median with its target in microseconds. */
static void report(const char *what, uint64_t *times, size_t count, double target_us)
{
    qsort(times, count, sizeof *times, compare);
    double median = (double)times[count / 2] / 1000;
    double p99 = (double)times[count - 1 - count / 100] / 1000;
    missed = missed || median > target_us;
    (void)printf("%-44s median %9.1f us  p99 %9.1f us  (target %.0f)%s\n", what, median, p99,
                 target_us, median > target_us ? "  MISSED" : "");
}

static void time_calls(struct net *net, size_t count)
{
    uint64_t *times = calloc(count, sizeof *times);
    CHECK(times != NULL);
    struct iso_sv_component *caller = net_component(net, 0, 0, "caller");
    for (size_t i = 0; i < count + 100; i++) {
        struct net_call call;
        uint64_t start = uv_hrtime();
        net_call(net, 0, caller, "add", "[20, 22]", &call);
        while (!call.ended) {
            (void)uv_run(&net->loop, UV_RUN_ONCE);
        }
        times[i < 100 ? 0 : i - 100] = uv_hrtime() - start;
        net_check(&call, ISO_SV_DONE, "42");
    }
    report("call through a link", times, count, 150);
    free(times);
}

static void time_flow(struct net *net, const char *flow, const char *what, double target_us)
{
    uint64_t times[ROUNDS];
    char input[32];
    (void)iso_format(input, sizeof input, "%d", BIG);
    for (int i = -5; i < ROUNDS; i++) {
        struct net_call call;
        uint64_t start = uv_hrtime();
        net_flow_call(net, 0, flow, input, &call);
        while (!call.ended) {
            (void)uv_run(&net->loop, UV_RUN_ONCE);
        }
        times[i < 0 ? 0 : i] = uv_hrtime() - start;
        net_check(&call, ISO_SV_DONE, NULL);
    }
    report(what, times, ROUNDS, target_us);
}

#define STEP(name, call, at, with)                                                                 \
    "{\"as\": \"" name "\", \"component\": \"unit\", \"call\": \"" call "\", \"epoch\": 1" at      \
    ", \"with\": " with "}"
/* 900 KB are made on the first device and taken by the second. */
#define FRAME(first, second)                                                                       \
    "\"frame\": {\"on\": {\"call\": true}, \"steps\": [" STEP(                                     \
        "x", "big", first,                                                                         \
        "{\"n\": \"$input\"}") ", " STEP("y", "echo", second,                                      \
                                         "{\"data\": \"$x\"}") ", " STEP("z", "get-count", second, \
                                                                         "{}") "]}"
#define LOCAL                                                                                      \
    "\"local\": {\"on\": {\"call\": true}, \"steps\": [" STEP(                                     \
        "x", "add", "",                                                                            \
        "{\"a\": \"$input\", \"b\": 1}") ", " STEP("y", "add", "",                                 \
                                                   "{\"a\": \"$x\", \"b\": 1}") "]}"

static void calls_and_flows(size_t count)
{
    struct net *net = net_start(1);
    net_deploy(net, 1, UNIT, FRAME(", \"at\": \"p0\"", ""), "[\"unit\"]");
    net_deploy(net, 0, UNIT ", " CALLER, FRAME("", ", \"at\": \"p1\"") ", " LOCAL, "[]");
    struct net_call grown;
    net_call(net, 0, net_component(net, 0, 0, "unit"), "grow", "[16]", &grown);
    NET_UNTIL(net, grown.ended);
    net_check(&grown, ISO_SV_DONE, NULL);
    time_calls(net, count);
    time_flow(net, "frame", "flow with 900 KB over a link, and its result", 15000);
    time_flow(net, "local", "flow of two steps on one device", 100);
    net_stop(net);
}

static void waiting(void)
{
    struct net *net = net_start(2);
    static struct net_call calls[WAITING];
    net_deploy(net, 1, UNIT, "", "[\"unit\"]");
    net_deploy(net, 0,
               "\"caller\": {" MODULE ", \"mode\": \"function\", \"epoch\": 1, \"limits\": "
               "{\"instances\": 20000, \"time\": \"60s\", \"memory\": \"1MiB\"}, " LINK "}",
               "", "[]");
    net->nodes[1].hold = true;
    uint64_t start = uv_hrtime();
    for (unsigned i = 0; i < WAITING; i++) {
        net_call(net, 0, net_component(net, 0, 0, "caller"), "add", "[20, 22]", &calls[i]);
    }
    NET_UNTIL(net, net->nodes[1].held_count == WAITING);
    uint64_t middle = uv_hrtime();
    struct iso_sv_core_stats stats;
    iso_sv_core_stats_get(net->nodes[0].core, &stats);
    size_t rss = 0;
    (void)uv_resident_set_memory(&rss);
    net_release(net, 1);
    for (unsigned i = 0; i < WAITING; i++) {
        NET_UNTIL(net, calls[i].ended);
        net_check(&calls[i], ISO_SV_DONE, "42");
    }
    missed = missed || stats.waiting < WAITING;
    (void)printf("%-44s %u at a time (target %d), begun in %.0f ms, ended in %.0f ms, %.0f MB\n",
                 "instances that wait for replies", stats.waiting, WAITING,
                 (double)(middle - start) / 1e6, (double)(uv_hrtime() - middle) / 1e6,
                 (double)rss / 1e6);
    net_stop(net);
}

TEST(calls_and_flows_keep_to_their_targets)
{
    calls_and_flows(CALLS);
    CHECK(!missed);
}

TEST(as_many_instances_as_promised_wait_at_a_time)
{
    waiting();
    CHECK(!missed);
}
