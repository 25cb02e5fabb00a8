/* Limits: each is reached by a guest, and said; what is within them goes on. */
#include "supervisor/core_test_support.h"

static struct iso_sv_component *limited(struct rig *rig, enum iso_sv_mode mode,
                                        struct iso_sv_limits limits)
{
    struct iso_sv_component_def def = rig_def(rig, RIG_UNIT, mode);
    def.limits = limits;
    return rig_run(rig, &def);
}

TEST(fuel_of_a_call)
{
    struct rig *rig = rig_start(NULL);
    for (int mode = ISO_SV_FUNCTION; mode <= ISO_SV_SERVICE; mode++) {
        struct iso_sv_component *part =
            limited(rig, (enum iso_sv_mode)mode, (struct iso_sv_limits){.fuel = 5000000});
        CHECK_STR(rig_call(rig, part, "spin", ""), "limit fuel: more than 5000000 instructions");
        CHECK_STR(rig_call(rig, part, "add", "[1, 2]"), "done 3");
        CHECK_CONTAINS(rig_call(rig, part, "work", "[10000000]"), "limit fuel");
        CHECK_CONTAINS(rig_call(rig, part, "work", "[10000]"), "done");
        CHECK_EQ_U64(rig_stats(part).calls[ISO_SV_LIMIT], 2);
        CHECK_EQ_U64(rig_stats(part).restarts, mode == ISO_SV_SERVICE ? 2 : 0);
        CHECK_CONTAINS(rig_stats(part).last_error, "fuel");
        rig_remove(rig, part);
    }
    rig_stop(rig);
}

TEST(code_memory_of_all_components)
{
    struct rig *rig = rig_start(&(struct iso_sv_core_config){.workers = 2, .code_max_bytes = 16});
    struct iso_sv_component *part = rig_component(rig, RIG_UNIT, ISO_SV_FUNCTION);
    const char *text = rig_call(rig, part, "add", "[1, 2]");
    CHECK_CONTAINS(text, "limit the call cannot begin: code memory exhausted: function ");
    CHECK_CONTAINS(text, " bytes, those that call it 0, and the limit is 16; the supervisor's "
                         "--code-memory gives more");
    rig_remove(rig, part);
    rig_stop(rig);

    rig = rig_start(&(struct iso_sv_core_config){.workers = 2, .code_max_bytes = 4096});
    part = rig_component(rig, RIG_UNIT, ISO_SV_FUNCTION);
    CHECK_STR(rig_call(rig, part, "add", "[1, 2]"), "done 3");
    CHECK_CONTAINS(rig_call(rig, part, "work", "[10000]"), "done");
    CHECK_STR(rig_call(rig, part, "add", "[3, 4]"), "done 7");
    rig_remove(rig, part);
    rig_stop(rig);
}

TEST(time_of_a_call_that_runs_waits_or_queues)
{
    struct rig *rig = rig_start(NULL);
    struct iso_sv_component *part =
        limited(rig, ISO_SV_SERVICE, (struct iso_sv_limits){.time_ns = 50000000});
    struct iso_sv_call *runs = rig_begin(rig, part, "spin", "");
    struct iso_sv_call *queued = rig_begin(rig, part, "spin", "");
    RIG_UNTIL(rig, rig_has_ended(runs) && rig_has_ended(queued));
    CHECK_STR(rig_text(runs), "limit time: more than 50 ms");
    CHECK_CONTAINS(rig_text(queued), "limit time: more than 50 ms");
    rig_end(runs);
    rig_end(queued);
    CHECK_STR(rig_call(rig, part, "bump", ""), "done 1");
    rig_remove(rig, part);

    struct iso_sv_component_def def = rig_def(rig, RIG_WAITER, ISO_SV_SERVICE);
    def.limits.time_ns = 50000000;
    part = rig_run(rig, &def);
    CHECK_STR(rig_call(rig, part, "ask", "[1]"), "limit time: more than 50 ms");
    CHECK_EQ_U64(rig->cancelled, 1);
    CHECK_EQ_U64(rig->destroyed, 1);
    CHECK_STR(rig_call(rig, part, "nap", "[10000000000]"), "limit time: more than 50 ms");
    rig_remove(rig, part);
    rig_stop(rig);
}

TEST(earlier_deadline_of_a_call)
{
    struct rig *rig = rig_start(NULL);
    struct iso_sv_component *part = rig_component(rig, RIG_UNIT, ISO_SV_FUNCTION);
    struct iso_sv_call *call = rig_open(rig);
    call->deadline_ns = uv_hrtime() + 20000000;
    rig_send(rig, call, part, "spin");
    RIG_UNTIL(rig, rig_has_ended(call));
    CHECK_CONTAINS(rig_text(call), "limit time");
    rig_end(call);
    call = rig_open(rig);
    call->deadline_ns = 1;
    rig_send(rig, call, part, "bump");
    CHECK(rig_has_ended(call));
    CHECK_CONTAINS(rig_text(call), "limit time: the deadline was over");
    rig_end(call);
    rig_remove(rig, part);
    rig_stop(rig);
}

TEST(queue_that_is_full)
{
    struct rig *rig = rig_start(NULL);
    for (int mode = ISO_SV_FUNCTION; mode <= ISO_SV_SERVICE; mode++) {
        struct iso_sv_component *part = limited(rig, (enum iso_sv_mode)mode,
                                                (struct iso_sv_limits){.queue = 3, .instances = 2});
        struct iso_sv_call *calls[6];
        unsigned busy = 0, at_work = mode == ISO_SV_SERVICE ? 1 : 2;
        for (size_t i = 0; i < ISO_COUNT_OF(calls); i++) {
            calls[i] = rig_begin(rig, part, "spin", "");
            busy += rig_has_ended(calls[i]) ? 1 : 0;
        }
        CHECK_EQ_U64(busy, 6 - 3 - at_work);
        CHECK_CONTAINS(rig_text(calls[5]), "queue-full the queue of app/part is full (3 calls)");
        CHECK_EQ_U64(rig_stats(part).queued, 3);
        CHECK_EQ_U64(rig_stats(part).calls[ISO_SV_BUSY], busy);
        rig_remove(rig, part);
        for (size_t i = 0; i < ISO_COUNT_OF(calls); i++) {
            RIG_UNTIL(rig, rig_has_ended(calls[i]));
            CHECK(calls[i]->outcome == (i < 3 + at_work ? ISO_SV_GONE : ISO_SV_BUSY));
            rig_end(calls[i]);
        }
    }
    rig_stop(rig);
}

TEST(instances_of_the_whole_core)
{
    struct rig *rig = rig_start(&(struct iso_sv_core_config){.workers = 1, .instances_max = 3});
    struct iso_sv_component *part =
        limited(rig, ISO_SV_FUNCTION, (struct iso_sv_limits){.instances = 3, .queue = 1});
    struct iso_sv_component *other = limited(rig, ISO_SV_FUNCTION, (struct iso_sv_limits){0});
    struct iso_sv_call *calls[3];
    for (size_t i = 0; i < ISO_COUNT_OF(calls); i++) {
        calls[i] = rig_begin(rig, part, "spin", "");
    }
    CHECK_CONTAINS(rig_call(rig, other, "add", "[1, 2]"), "queue-full this device runs as many");
    rig_remove(rig, part);
    CHECK_STR(rig_call(rig, other, "add", "[1, 2]"), "done 3");
    for (size_t i = 0; i < ISO_COUNT_OF(calls); i++) {
        RIG_UNTIL(rig, rig_has_ended(calls[i]));
        rig_end(calls[i]);
    }
    rig_remove(rig, other);
    rig_stop(rig);
}

TEST(sizes_of_arguments_and_results)
{
    struct rig *rig = rig_start(NULL);
    for (int mode = ISO_SV_FUNCTION; mode <= ISO_SV_SERVICE; mode++) {
        struct iso_sv_component *part =
            limited(rig, (enum iso_sv_mode)mode, (struct iso_sv_limits){.result_bytes = 16384});
        CHECK_CONTAINS(rig_call(rig, part, "bump", ""), "done 1");
        CHECK_CONTAINS(rig_call(rig, part, "big", "[1000]"), "done");
        CHECK_CONTAINS(rig_call(rig, part, "big", "[100000]"), "limit size: ");
        struct iso_sv_call *call = rig_open(rig);
        call->encoding = ISO_SV_RAW;
        iso_sv_call_take_body(call, rig_copy(iso_bytes_from(rig->log, 4096)), 4096);
        rig_send(rig, call, part, "echo");
        RIG_UNTIL(rig, rig_has_ended(call));
        CHECK(call->outcome == ISO_SV_DONE);
        rig_end(call);
        static const uint8_t large[16385];
        call = rig_open(rig);
        call->encoding = ISO_SV_RAW;
        CHECK_OK(iso_sv_call_set_body(call, iso_bytes_from(large, sizeof large)));
        rig_send(rig, call, part, "echo");
        CHECK(rig_has_ended(call));
        CHECK_STR(rig_text(call), "limit the arguments are larger than 16384 bytes");
        rig_end(call);
        /* A result that is too large does no harm to the instance. */
        CHECK_CONTAINS(rig_call(rig, part, "bump", ""),
                       mode == ISO_SV_SERVICE ? "done 2" : "done 1");
        rig_remove(rig, part);
    }
    rig_stop(rig);
}

TEST(memory_of_an_instance)
{
    struct rig *rig = rig_start(NULL);
    struct iso_sv_component *part =
        limited(rig, ISO_SV_SERVICE, (struct iso_sv_limits){.memory_bytes = 1 << 20});
    CHECK_STR(rig_call(rig, part, "grow", "[14]"), "done 2");
    CHECK_STR(rig_call(rig, part, "grow", "[1]"), "done -1");
    CHECK_EQ_U64(rig_stats(part).memory_peak_bytes, 1 << 20);
    struct iso_sv_core_stats stats;
    iso_sv_core_stats_get(rig->core, &stats);
    CHECK_EQ_U64(stats.memory_bytes, 1 << 20);
    rig_remove(rig, part);
    iso_sv_core_stats_get(rig->core, &stats);
    CHECK_EQ_U64(stats.memory_bytes, 0);
    CHECK_EQ_U64(stats.instances, 0);
    struct iso_sv_component_def def = rig_def(rig, RIG_UNIT, ISO_SV_SERVICE);
    def.limits.memory_bytes = 65536;
    part = rig_prepare(rig, &def);
    CHECK_ERR(rig->ready_err, ISO_E_LIMIT);
    CHECK_CONTAINS(rig->report.text, "memory needs 128 KiB");
    iso_sv_component_destroy(part);
    rig_stop(rig);
}

TEST(log_beyond_its_rate_is_dropped_and_counted)
{
    struct rig *rig = rig_start(NULL);
    struct iso_sv_component_def def = rig_def(rig, RIG_WAITER, ISO_SV_SERVICE);
    def.limits.log_lines_per_s = 20;
    struct iso_sv_component *part = rig_run(rig, &def);
    CHECK_STR(rig_call(rig, part, "say", "[5000]"), "done ");
    struct iso_sv_component_stats stats = rig_stats(part);
    CHECK(stats.log_dropped > 4000);
    /* The one of _initialize was first. */
    RIG_UNTIL(rig, rig->lines + stats.log_dropped == 5001);
    CHECK_CONTAINS(rig->log, "1 a line\n2 a line\n");
    rig_remove(rig, part);
    rig_stop(rig);
}

TEST(lines_are_told_before_the_end_of_their_call)
{
    struct rig *rig = rig_start(NULL);
    struct iso_sv_component_def def = rig_def(rig, RIG_WAITER, ISO_SV_SERVICE);
    def.limits.log_lines_per_s = 10000;
    struct iso_sv_component *part = rig_run(rig, &def);
    for (uint32_t i = 0; i < 200; i++) {
        RIG_UNTIL(rig, rig->lines == 1 + i); /* the one of _initialize was first */
        CHECK_STR(rig_call(rig, part, "say", "[1]"), "done ");
        CHECK_EQ_U64(rig->lines, 2 + i);
    }
    rig_remove(rig, part);
    rig_stop(rig);
}

TEST(open_files_of_an_instance)
{
    struct rig *rig = rig_start(NULL);
    static const struct iso_sv_dir_grant dir = {.guest_path = {.ptr = "/", .len = 1},
                                                .host_path = {.ptr = "/", .len = 1}};
    for (int mode = ISO_SV_FUNCTION; mode <= ISO_SV_SERVICE; mode++) {
        struct iso_sv_component_def def = rig_def(rig, RIG_REACTOR, (enum iso_sv_mode)mode);
        struct iso_sv_component *part = rig_run(rig, &def);
        CHECK_STR(rig_call(rig, part, "open", ""), "done 0"); /* nothing is granted */
        rig_remove(rig, part);
        def.dirs = &dir;
        def.dir_count = 1;
        def.limits.files = 5;
        part = rig_run(rig, &def);
        CHECK_STR(rig_call(rig, part, "open", ""), "done 5");
        CHECK_STR(rig_call(rig, part, "open", ""), mode == ISO_SV_SERVICE ? "done 0" : "done 5");
        rig_remove(rig, part);
    }
    rig_stop(rig);
}

TEST(output_of_a_module_is_its_log)
{
    struct rig *rig = rig_start(NULL);
    struct iso_sv_component *part = rig_component(rig, RIG_REACTOR, ISO_SV_SERVICE);
    CHECK_STR(rig_call(rig, part, "print", "[1]"), "done ");
    CHECK_STR(rig_call(rig, part, "print", "[1]"), "done ");
    CHECK_STR(rig_call(rig, part, "print", "[2]"), "done ");
    RIG_UNTIL(rig, rig->lines == 3);
    CHECK_STR(rig->log, "1 one\n1 twoone\n2 one\n");
    rig_remove(rig, part); /* the rest comes when it goes */
    rig_stop(rig);
}

TEST(share_of_the_processors)
{
    /* What is spent stays below the share, the burst at the start, and a slice for each worker. */
    struct rig *rig = rig_start(&(struct iso_sv_core_config){.workers = 2, .cpu_percent = 5});
    struct iso_sv_component *part = rig_component(rig, RIG_UNIT, ISO_SV_FUNCTION);
    uint64_t start = uv_hrtime();
    struct iso_sv_call *calls[2];
    struct iso_sv_core_stats stats;
    calls[0] = rig_begin(rig, part, "spin", "");
    calls[1] = rig_begin(rig, part, "spin", "");
    do {
        rig_turn_for(rig, 10);
        iso_sv_core_stats_get(rig->core, &stats);
    } while (stats.throttled_ns < 500000000);
    double elapsed = (double)(uv_hrtime() - start);
    double processors = uv_available_parallelism();
    CHECK((double)stats.cpu_ns < processors * (0.05 * elapsed + 5e5) + 2e6 + 4 * 2e7);
    CHECK(stats.cpu_ns > 1000000);
    rig_remove(rig, part);
    rig_end(calls[0]);
    rig_end(calls[1]);
    rig_stop(rig);
}

TEST(endless_loops_leave_others_alone)
{
    struct rig *rig = rig_start(NULL);
    struct iso_sv_component_def def = rig_def(rig, RIG_UNIT, ISO_SV_FUNCTION);
    def.limits.instances = 50;
    def.limits.memory_bytes = 128 << 20;
    def.limits.time_ns = UINT64_C(3600) * 1000000000;
    struct iso_sv_component *hostile = rig_run(rig, &def);
    struct iso_sv_component *part = rig_component(rig, RIG_UNIT, ISO_SV_SERVICE);
    struct iso_sv_call *calls[20];
    for (size_t i = 0; i < ISO_COUNT_OF(calls); i++) {
        calls[i] =
            rig_begin(rig, hostile, i % 2 == 0 ? "spin" : "fill", i % 2 == 0 ? "" : "[2000000000]");
    }
    for (int i = 0; i < 200; i++) {
        CHECK_CONTAINS(rig_call(rig, part, "work", "[10000]"), "done");
    }
    CHECK_EQ_U64(rig->ended, 200);
    rig_remove(rig, hostile);
    for (size_t i = 0; i < ISO_COUNT_OF(calls); i++) {
        RIG_UNTIL(rig, rig_has_ended(calls[i]));
        CHECK(calls[i]->outcome == ISO_SV_GONE);
        rig_end(calls[i]);
    }
    rig_remove(rig, part);
    rig_stop(rig);
}
