/* Flows over simulated devices and a simulated network: what arrives, once and in order, and that
 * every run is accounted for, exactly. */
#include "supervisor/flow_test_support.h"

#include <stdlib.h>

#include "base/test.h"

/* Steps 0, 1, 2, 3 on devices 0, 1, 2, 1. */
static struct sim *three_devices(uint64_t seed)
{
    struct sim *sim = malloc(sizeof *sim);
    CHECK(sim != NULL);
    sim_init(sim, 4, seed);
    sim->steps[1].device = 1;
    sim->steps[2].device = 2;
    sim->steps[3].device = 1;
    return sim;
}

static void finish(struct sim *sim)
{
    CHECK(sim_in_order(sim));
    sim_fini(sim);
    free(sim);
}

/* Every run has ended, and they add up. */
static void check_account(struct sim *sim)
{
    const struct iso_sv_flow_stats *stats = sim_stats(sim);
    CHECK_EQ_U64(stats->running, 0);
    CHECK_EQ_U64(stats->started, stats->finished + stats->failed + stats->dropped + stats->lost);
}

static void stop_trigger(struct sim *sim)
{
    iso_sv_flow_drain(sim->flows[sim->steps[0].device]);
}

TEST(a_flow_on_one_device_runs_to_its_end_within_the_trigger)
{
    struct sim *sim = malloc(sizeof *sim);
    CHECK(sim != NULL);
    sim_init(sim, 4, 1);
    sim->every_ns = 10 * SIM_MS;
    sim_start(sim);
    sim_run_until(sim, sim->now_ns + 1000 * SIM_MS);
    CHECK_EQ_U64(sim_stats(sim)->finished, 100);
    CHECK_EQ_U64(sim_stats(sim)->started, 100);
    CHECK_EQ_U64(sim->steps[3].count, 100);
    CHECK_EQ_U64(iso_sv_flow_step_stats(sim->flows[0], 3)->meter.count, 100);
    CHECK(iso_sv_flow_idle(sim->flows[0]));
    finish(sim);
}

TEST(a_flow_through_three_devices_and_one_of_them_twice)
{
    struct sim *sim = three_devices(2);
    sim->every_ns = 10 * SIM_MS;
    sim_start(sim);
    sim_run_until(sim, sim->now_ns + 1000 * SIM_MS);
    stop_trigger(sim);
    sim_run_until(sim, sim->now_ns + 100 * SIM_MS);
    CHECK_EQ_U64(sim_stats(sim)->finished, 100);
    check_account(sim);
    for (unsigned i = 0; i < 4; i++) {
        CHECK_EQ_U64(sim->steps[i].count, 100);
    }
    for (unsigned i = 0; i < SIM_DEVICES; i++) {
        CHECK(iso_sv_flow_idle(sim->flows[i]));
    }
    /* Three hops there and an outcome back, 1 ms each. */
    CHECK_EQ_U64(sim_stats(sim)->meter.latency_sum_ns, 100 * 4 * SIM_MS);
    finish(sim);
}

TEST(nothing_is_lost_or_done_twice_over_a_bad_network)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct sim *sim = three_devices(seed);
        sim->every_ns = 10 * SIM_MS;
        sim->window = 1 + (uint32_t)(seed % 7);
        sim->network = (struct sim_network){.lose_request = 150,
                                            .lose_answer = 150,
                                            .twice = 150,
                                            .delay_min_ns = SIM_MS,
                                            .delay_max_ns = 40 * SIM_MS,
                                            .timeout_ns = 60 * SIM_MS};
        sim_start(sim);
        sim_run_until(sim, sim->now_ns + 4000 * SIM_MS);
        stop_trigger(sim);
        sim_run_until(sim, sim->now_ns + 30000 * SIM_MS);
        check_account(sim);
        CHECK_EQ_U64(sim_stats(sim)->lost + sim_stats(sim)->failed + sim_stats(sim)->dropped, 0);
        CHECK_EQ_U64(sim->steps[3].count, sim_stats(sim)->finished);
        CHECK(sim_stats(sim)->finished > 20);
        finish(sim);
    }
}

TEST(answers_that_are_lost_make_duplicates_that_are_recognised)
{
    struct sim *sim = three_devices(5);
    sim->every_ns = 100 * SIM_MS;
    sim->network.lose_answer = 500;
    sim_start(sim);
    sim_run_until(sim, sim->now_ns + 5000 * SIM_MS);
    stop_trigger(sim);
    sim_run_until(sim, sim->now_ns + 5000 * SIM_MS);
    CHECK_EQ_U64(sim_stats(sim)->finished, 50);
    CHECK_EQ_U64(sim->steps[3].count, 50);
    uint64_t duplicates = iso_sv_flow_step_stats(sim->flows[1], 1)->duplicates;
    CHECK(duplicates > 0);
    CHECK_EQ_U64(iso_sv_flow_step_stats(sim->flows[0], 1)->resent, duplicates);
    finish(sim);
}

static struct sim *slow_third(enum iso_sv_flow_overload overload, uint64_t seed)
{
    struct sim *sim = three_devices(seed);
    sim->every_ns = 10 * SIM_MS;
    sim->steps[2].takes_ns = 50 * SIM_MS;
    sim->overload = overload;
    sim->window = 2;
    sim_start(sim);
    sim_run_until(sim, sim->now_ns + 10000 * SIM_MS);
    stop_trigger(sim);
    sim_run_until(sim, sim->now_ns + 5000 * SIM_MS);
    check_account(sim);
    return sim;
}

TEST(wait_slows_the_trigger_down)
{
    struct sim *sim = slow_third(ISO_SV_FLOW_WAIT, 1);
    CHECK_EQ_U64(sim_stats(sim)->dropped, 0);
    CHECK_EQ_U64(sim_stats(sim)->finished, sim_stats(sim)->started);
    CHECK(sim_stats(sim)->finished >= 199 && sim_stats(sim)->finished <= 215);
    CHECK(sim_stats(sim)->waited >= 700);
    finish(sim);
}

TEST(drop_oldest_keeps_what_is_fresh)
{
    struct sim *sim = slow_third(ISO_SV_FLOW_DROP_OLDEST, 1);
    CHECK_EQ_U64(sim_stats(sim)->started, 1000);
    CHECK(sim_stats(sim)->finished >= 199 && sim_stats(sim)->finished <= 205);
    CHECK_EQ_U64(sim_stats(sim)->dropped, 1000 - sim_stats(sim)->finished);
    /* The last that was taken is the last that there was. */
    CHECK_EQ_U64(sim->steps[3].values[sim->steps[3].count - 1], 1000);
    finish(sim);
}

TEST(drop_newest_keeps_what_is_there)
{
    struct sim *sim = slow_third(ISO_SV_FLOW_DROP_NEWEST, 1);
    CHECK_EQ_U64(sim_stats(sim)->started, 1000);
    CHECK(sim_stats(sim)->finished >= 199 && sim_stats(sim)->finished <= 205);
    CHECK_EQ_U64(sim_stats(sim)->dropped, 1000 - sim_stats(sim)->finished);
    finish(sim);
}

TEST(overload_policies_hold_over_a_bad_network)
{
    for (unsigned policy = 0; policy < 3; policy++) {
        struct sim *sim = three_devices(11 + policy);
        sim->every_ns = 10 * SIM_MS;
        sim->overload = (enum iso_sv_flow_overload)policy;
        sim->network.lose_request = 100;
        sim->network.lose_answer = 100;
        sim->network.delay_max_ns = 30 * SIM_MS;
        sim->steps[1].takes_ns = 7 * SIM_MS;
        sim->steps[3].takes_ns = 25 * SIM_MS;
        sim->steps[3].busy = 200;
        sim_start(sim);
        sim_run_until(sim, sim->now_ns + 10000 * SIM_MS);
        stop_trigger(sim);
        sim_run_until(sim, sim->now_ns + 70000 * SIM_MS);
        check_account(sim);
        CHECK_EQ_U64(sim_stats(sim)->lost, 0);
        CHECK_EQ_U64(sim->steps[3].count, sim_stats(sim)->finished);
        finish(sim);
    }
}

TEST(the_window_bounds_what_is_on_its_way)
{
    struct sim *sim = three_devices(3);
    sim->every_ns = SIM_MS;
    sim->window = 3;
    sim->network.down = true;
    sim->network.timeout_ns = 100000 * SIM_MS;
    sim_start(sim);
    sim_run_until(sim, sim->now_ns + 1000 * SIM_MS);
    /* Three sent, one held for room, one that has been executed, one queued (a tick). */
    CHECK_EQ_U64(iso_sv_flow_step_stats(sim->flows[0], 1)->on_way, 4);
    CHECK_EQ_U64(sim_stats(sim)->running, 6);
    finish(sim);
}

TEST(bytes_on_their_way_are_bounded_but_for_one_message)
{
    struct sim *sim = three_devices(3);
    sim->every_ns = SIM_MS;
    sim->window = 100;
    sim->steps[0].result_bytes = ISO_SV_FLOW_HOP_BYTES / 2;
    sim->network.down = true;
    sim->network.timeout_ns = 100000 * SIM_MS;
    sim_start(sim);
    sim_run_until(sim, sim->now_ns + 20 * SIM_MS);
    CHECK_EQ_U64(iso_sv_flow_step_stats(sim->flows[0], 1)->on_way, 2); /* one of them held */
    finish(sim);
}

TEST(a_link_that_is_down_for_a_while_delays_and_loses_nothing)
{
    struct sim *sim = three_devices(4);
    sim->every_ns = 10 * SIM_MS;
    sim_start(sim);
    sim_run_until(sim, sim->now_ns + 1000 * SIM_MS);
    sim->network.down = true;
    sim_run_until(sim, sim->now_ns + 20000 * SIM_MS);
    sim->network.down = false;
    sim_run_until(sim, sim->now_ns + 2000 * SIM_MS);
    stop_trigger(sim);
    sim_run_until(sim, sim->now_ns + 5000 * SIM_MS);
    check_account(sim);
    CHECK_EQ_U64(sim_stats(sim)->lost, 0);
    CHECK_EQ_U64(sim_stats(sim)->finished, sim_stats(sim)->started);
    CHECK(sim_stats(sim)->finished >= 200 && sim_stats(sim)->finished <= 320);
    finish(sim);
}

TEST(runs_that_a_restarted_device_had_are_lost_and_counted)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct sim *sim = three_devices(seed);
        sim->every_ns = 10 * SIM_MS;
        sim->run_ns = 2000 * SIM_MS;
        sim->steps[1].takes_ns = 15 * SIM_MS;
        sim->steps[2].takes_ns = 5 * SIM_MS;
        sim->network.delay_max_ns = 20 * SIM_MS;
        sim_start(sim);
        for (unsigned i = 0; i < 6; i++) {
            sim_run_until(sim, sim->now_ns + 300 * SIM_MS + sim_random(sim) % (50 * SIM_MS));
            sim_restart(sim, 1 + i % 2);
        }
        sim_run_until(sim, sim->now_ns + 300 * SIM_MS);
        stop_trigger(sim);
        sim_run_until(sim, sim->now_ns + 10000 * SIM_MS);
        check_account(sim);
        CHECK(sim_stats(sim)->lost > 0);
        CHECK(sim->steps[3].count >= sim_stats(sim)->finished);
        finish(sim);
    }
}

TEST(a_first_device_that_restarts_begins_anew_without_mixing)
{
    struct sim *sim = three_devices(9);
    sim->every_ns = 10 * SIM_MS;
    sim->network.delay_max_ns = 30 * SIM_MS;
    sim_start(sim);
    sim_run_until(sim, sim->now_ns + 500 * SIM_MS);
    sim_restart(sim, 0);
    sim_run_until(sim, sim->now_ns + 1000 * SIM_MS);
    stop_trigger(sim);
    sim_run_until(sim, sim->now_ns + 5000 * SIM_MS);
    check_account(sim);
    CHECK_EQ_U64(sim_stats(sim)->finished, sim_stats(sim)->started);
    CHECK(sim_stats(sim)->finished > 10);
    finish(sim);
}

TEST(a_failure_anywhere_reaches_the_first_device_with_its_text)
{
    for (unsigned step = 0; step < 4; step++) {
        struct sim *sim = three_devices(1);
        sim->steps[step].fails = "trap: unreachable";
        sim->wants_result = true;
        sim->waiters[0].id = 7;
        sim_start(sim);
        CHECK(sim_offer(sim, 3, 7));
        sim_run_until(sim, sim->now_ns + 1000 * SIM_MS);
        CHECK_EQ_U64(sim->waiters[0].ended, 1);
        CHECK_EQ_U64(sim->waiters[0].end, ISO_SV_FLOW_FAILED);
        CHECK_STR(sim->waiters[0].text, "trap: unreachable");
        CHECK_EQ_U64(sim_stats(sim)->failed, 1);
        char expected[64];
        (void)iso_format(expected, sizeof expected, "step %u: trap: unreachable", step);
        CHECK_STR(sim_stats(sim)->last_error, expected);
        finish(sim);
    }
}

/* A flow fails with the first run of a generation, or three in a row, from the first of them on; it
 * turns to it at most every five seconds. */
TEST(a_flow_fails_when_run_after_run_does)
{
    struct sim *sim = three_devices(31);
    sim->every_ns = 100 * SIM_MS;
    sim->steps[2].fails = "trap: unreachable"; /* on another device */
    sim_start(sim);
    const uint64_t start = sim->now_ns;
    sim_run_until(sim, start + 1000 * SIM_MS);
    const struct iso_sv_flow_stats *stats = sim_stats(sim);
    CHECK(stats->failing);
    CHECK_EQ_U64(stats->finished, 0);
    CHECK_EQ_U64(stats->failing_runs, stats->failed);
    CHECK(stats->failing_since_ns > start && stats->failing_since_ns < start + 200 * SIM_MS);
    CHECK_STR(stats->last_error, "step 2: trap: unreachable");
    CHECK_EQ_U64(sim->turns, 1);
    sim->steps[2].fails = NULL;
    sim_run_until(sim, start + 2000 * SIM_MS);
    CHECK(!sim_stats(sim)->failing);
    CHECK_EQ_U64(sim->turns, 2);
    /* It goes and comes: that is not told each time. */
    for (unsigned i = 0; i < 40; i++) {
        sim->steps[2].fails = i % 2 == 0 ? "trap: unreachable" : NULL;
        sim_run_until(sim, sim->now_ns + 500 * SIM_MS);
    }
    CHECK(sim->turns <= 2 + 2 * 5);
    CHECK(sim->turns >= 4);
    stop_trigger(sim);
    sim_run_until(sim, sim->now_ns + 1000 * SIM_MS);
    check_account(sim);
    finish(sim);
}

/* One run that fails between others is no failing flow. */
TEST(a_run_that_fails_among_others_is_no_failing_flow)
{
    struct sim *sim = three_devices(32);
    sim->every_ns = 100 * SIM_MS;
    sim_start(sim);
    for (unsigned i = 0; i < 30; i++) {
        sim->steps[0].fails = i % 5 > 2 ? "trap: unreachable" : NULL; /* two of five */
        sim_run_until(sim, sim->now_ns + 100 * SIM_MS);
    }
    CHECK(sim_stats(sim)->failed >= 10);
    CHECK_EQ_U64(sim->turns, 0);
    stop_trigger(sim);
    sim_run_until(sim, sim->now_ns + 1000 * SIM_MS);
    finish(sim);
}

/* Who calls a flow with what it does not take does not make it one that fails. */
TEST(an_input_that_a_step_refuses_is_the_callers_mistake)
{
    struct sim *sim = three_devices(33);
    sim->wants_result = true;
    sim->steps[0].fails = "bad-arguments: expected u32";
    sim_start(sim);
    for (uint64_t i = 0; i < 5; i++) {
        CHECK(sim_offer(sim, i, 1));
        sim_run_until(sim, sim->now_ns + 200 * SIM_MS);
    }
    CHECK_EQ_U64(sim_stats(sim)->failed, 5);
    CHECK_STR(sim_stats(sim)->last_error, "step 0: bad-arguments: expected u32");
    CHECK(!sim_stats(sim)->failing);
    sim->steps[0].fails = "trap: unreachable";
    CHECK(sim_offer(sim, 9, 1));
    sim_run_until(sim, sim->now_ns + 200 * SIM_MS);
    CHECK(sim_stats(sim)->failing);
    finish(sim);
}

/* Runs of which nothing is heard in time make it fail, too; those of a flow that ends do not. */
TEST(runs_that_are_lost_make_a_flow_fail)
{
    struct sim *sim = three_devices(34);
    sim->every_ns = 100 * SIM_MS;
    sim->run_ns = 1000 * SIM_MS;
    sim->network.down = true;
    sim_start(sim);
    sim_run_until(sim, sim->now_ns + 900 * SIM_MS);
    CHECK(!sim_stats(sim)->failing);
    sim_run_until(sim, sim->now_ns + 900 * SIM_MS);
    CHECK(sim_stats(sim)->failing);
    CHECK_STR(sim_stats(sim)->last_error, "lost: nothing was heard of a run in time");
    CHECK_EQ_U64(sim->turns, 1);
    stop_trigger(sim);
    iso_sv_flow_lose(sim->flows[0], sim->now_ns);
    CHECK_EQ_U64(sim->turns, 1);
    finish(sim);
}

TEST(a_call_of_a_flow_gets_the_result_of_the_last_step)
{
    struct sim *sim = three_devices(1);
    sim->wants_result = true;
    sim->network.lose_answer = 300;
    sim->network.lose_request = 300;
    for (unsigned i = 0; i < 4; i++) {
        sim->waiters[i].id = i + 1;
    }
    sim_start(sim);
    for (unsigned i = 0; i < 4; i++) {
        CHECK(sim_offer(sim, 100 + i, i + 1));
    }
    sim_run_until(sim, sim->now_ns + 20000 * SIM_MS);
    for (unsigned i = 0; i < 4; i++) {
        CHECK_EQ_U64(sim->waiters[i].ended, 1);
        CHECK_EQ_U64(sim->waiters[i].end, ISO_SV_FLOW_FINISHED);
        CHECK_EQ_U64(sim->waiters[i].value, 100 + i);
    }
    finish(sim);
}

TEST(waiters_are_told_of_a_loss)
{
    struct sim *sim = three_devices(1);
    sim->wants_result = true;
    sim->network.down = true;
    sim->waiters[0].id = 1;
    sim->waiters[1].id = 2;
    sim_start(sim);
    CHECK(sim_offer(sim, 1, 1));
    CHECK(sim_offer(sim, 2, 2));
    sim_run_until(sim, sim->now_ns + ISO_SV_FLOW_RUN_NS - 1);
    CHECK_EQ_U64(sim->waiters[0].ended, 0);
    CHECK_EQ_U64(sim->waiters[1].ended, 0);
    sim_run_until(sim, sim->now_ns + 1);
    for (unsigned i = 0; i < 2; i++) {
        CHECK_EQ_U64(sim->waiters[i].ended, 1);
        CHECK_EQ_U64(sim->waiters[i].end, ISO_SV_FLOW_LOST);
    }
    CHECK_EQ_U64(sim_stats(sim)->lost, 2);
    finish(sim);
}

TEST(calls_beyond_the_room_are_refused_and_counted)
{
    struct sim *sim = three_devices(1);
    sim->steps[0].takes_ns = 1000 * SIM_MS;
    sim->window = 2;
    sim_start(sim);
    CHECK(sim_offer(sim, 1, 0)); /* being executed */
    CHECK(sim_offer(sim, 2, 0));
    CHECK(sim_offer(sim, 3, 0));
    CHECK(!sim_offer(sim, 4, 0));
    CHECK_EQ_U64(sim_stats(sim)->dropped, 1);
    sim_run_until(sim, sim->now_ns + 10000 * SIM_MS);
    CHECK_EQ_U64(sim_stats(sim)->finished, 3);
    check_account(sim);
    finish(sim);
}

TEST(an_event_of_another_device_starts_the_runs)
{
    struct sim *sim = three_devices(6);
    sim->source = 2;
    sim->network.lose_answer = 200;
    sim->network.lose_request = 200;
    sim_start(sim);
    for (unsigned i = 0; i < 50; i++) {
        CHECK(sim_offer(sim, i + 1, 0));
        sim_run_until(sim, sim->now_ns + 500 * SIM_MS);
    }
    sim_run_until(sim, sim->now_ns + 10000 * SIM_MS);
    CHECK_EQ_U64(sim_stats(sim)->finished, 50);
    check_account(sim);
    CHECK_EQ_U64(iso_sv_flow_stats(sim->flows[2])->started, 50);
    finish(sim);
}

TEST(messages_that_do_not_belong_here_are_refused)
{
    struct sim *sim = three_devices(1);
    sim_start(sim);
    struct iso_sv_flow_message message = {.generation = 1, .step = 0, .mask = UINT64_C(1) << 63};
    static const uint8_t null = 0xf6;
    message.values[0] = iso_bytes_from(&null, 1);
    message.value_count = 1;
    for (unsigned i = 0; i < 5; i++) {
        /* Steps 0 (here, but its input is), 2 (elsewhere), 9; then wrong values; base above hop. */
        static const uint32_t steps[] = {0, 2, 9, 1, 1};
        message.step = steps[i];
        message.mask = i == 4 ? 1 : UINT64_C(1) << 63;
        message.base = i == 4 ? 1 : 0;
        uint64_t *pending = calloc(1, 64);
        CHECK(pending != NULL);
        iso_sv_flow_receive(sim->flows[i < 3 ? 0 : 1], sim->now_ns, &message,
                            (uint64_t)(uintptr_t)pending);
        CHECK_EQ_U64(sim->refused, i + 1);
    }
    finish(sim);
}

TEST(drained_flows_finish_what_they_have)
{
    struct sim *sim = three_devices(1);
    sim->every_ns = 10 * SIM_MS;
    sim->steps[2].takes_ns = 30 * SIM_MS;
    sim_start(sim);
    sim_run_until(sim, sim->now_ns + 200 * SIM_MS);
    stop_trigger(sim);
    uint64_t started = sim_stats(sim)->started;
    sim_run_until(sim, sim->now_ns + 2000 * SIM_MS);
    CHECK_EQ_U64(sim_stats(sim)->started, started);
    CHECK_EQ_U64(sim_stats(sim)->finished, started);
    CHECK(iso_sv_flow_idle(sim->flows[0]));
    finish(sim);
}

TEST(messages_survive_the_wire_and_cut_ones_are_refused)
{
    struct iso_sv_flow_message message = {.generation = 5,
                                          .number = UINT64_MAX,
                                          .step = 3,
                                          .attempt = 2,
                                          .age_us = 77,
                                          .stream = UINT64_C(1) << 60,
                                          .hop = 300,
                                          .base = 299,
                                          .mask = 5 | UINT64_C(1) << 63,
                                          .value_count = 3};
    static const uint8_t values[] = {0x01, 0x61, 'x'};
    message.values[0] = iso_bytes_from(values, 1);
    message.values[1] = iso_bytes_from(NULL, 0);
    message.values[2] = iso_bytes_from(values + 1, 2);
    struct iso_buf buf;
    iso_buf_init(&buf, iso_alloc_libc(), SIZE_MAX);
    CHECK_OK(iso_sv_flow_message_write(&message, &buf));
    struct iso_sv_flow_message back;
    CHECK_OK(iso_sv_flow_message_read(iso_buf_view(&buf), &back));
    CHECK_EQ_U64(back.generation, 5);
    CHECK_EQ_U64(back.number, UINT64_MAX);
    CHECK_EQ_U64(back.step, 3);
    CHECK_EQ_U64(back.attempt, 2);
    CHECK_EQ_U64(back.age_us, 77);
    CHECK_EQ_U64(back.stream, UINT64_C(1) << 60);
    CHECK_EQ_U64(back.hop, 300);
    CHECK_EQ_U64(back.base, 299);
    CHECK_EQ_U64(back.mask, message.mask);
    CHECK_EQ_U64(back.value_count, 3);
    CHECK_EQ_U64(back.values[1].len, 1); /* null */
    CHECK_MEM(back.values[2].ptr, values + 1, 2);
    for (size_t len = 0; len < buf.len; len++) {
        CHECK_ERR(iso_sv_flow_message_read(iso_bytes_from(buf.ptr, len), &back), ISO_E_MALFORMED);
    }
    buf.ptr[1] = 2; /* the version */
    CHECK_ERR(iso_sv_flow_message_read(iso_buf_view(&buf), &back), ISO_E_UNSUPPORTED);
    iso_buf_fini(&buf);
}

TEST(outcomes_survive_the_wire)
{
    static const uint8_t seven = 7;
    struct iso_sv_flow_outcome in[] = {
        {.number = 9, .end = ISO_SV_FLOW_FAILED, .step = 2, .text = iso_str_from_z("why")},
        {.number = 10, .result = {.ptr = &seven, .len = 1}},
    };
    struct iso_sv_flow_outcome out[ISO_SV_FLOW_OUTCOMES];
    struct iso_buf buf;
    uint64_t generation = 0;
    size_t count = 0;
    iso_buf_init(&buf, iso_alloc_libc(), SIZE_MAX);
    CHECK_OK(iso_sv_flow_outcomes_write(4, in, 2, &buf));
    CHECK_OK(iso_sv_flow_outcomes_read(iso_buf_view(&buf), &generation, out, &count));
    CHECK_EQ_U64(generation, 4);
    CHECK_EQ_U64(count, 2);
    CHECK_EQ_U64(out[0].number, 9);
    CHECK_EQ_U64(out[0].end, ISO_SV_FLOW_FAILED);
    CHECK_EQ_U64(out[0].step, 2);
    CHECK(iso_str_equal_z(out[0].text, "why"));
    CHECK_EQ_U64(out[0].result.len, 0);
    CHECK_EQ_U64(out[1].result.ptr[0], 7);
    for (size_t len = 0; len < buf.len; len++) {
        CHECK_ERR(iso_sv_flow_outcomes_read(iso_bytes_from(buf.ptr, len), &generation, out, &count),
                  ISO_E_MALFORMED);
    }
    iso_buf_fini(&buf);
}
