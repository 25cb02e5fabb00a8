/* Instances that wait: for the device, for time, for WASI; and that are frozen meanwhile. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "supervisor/core_test_support.h"

TEST(device_answers_later)
{
    struct rig *rig = rig_start(NULL);
    rig->answer = 1;
    for (int mode = ISO_SV_FUNCTION; mode <= ISO_SV_SERVICE; mode++) {
        struct iso_sv_component *part = rig_component(rig, RIG_WAITER, (enum iso_sv_mode)mode);
        struct iso_sv_call *call = rig_begin(rig, part, "ask", "[41]");
        RIG_UNTIL(rig, rig->open_count == 1);
        struct iso_sv_core_stats stats;
        iso_sv_core_stats_get(rig->core, &stats);
        CHECK_EQ_U64(stats.waiting, 1);
        rig_answer(rig);
        RIG_UNTIL(rig, rig_has_ended(call));
        CHECK_STR(rig_text(call), "done 42");
        rig_end(call);
        rig_remove(rig, part);
    }
    CHECK_EQ_U64(rig->destroyed, 2);
    CHECK_EQ_U64(rig->cancelled, 0);
    rig_stop(rig);
}

TEST(device_answers_at_once)
{
    struct rig *rig = rig_start(NULL);
    rig->answer_now = true;
    struct iso_sv_component *part = rig_component(rig, RIG_WAITER, ISO_SV_SERVICE);
    CHECK_STR(rig_call(rig, part, "ask", "[41]"), "done 41");
    CHECK_STR(rig_call(rig, part, "nap", "[2000000]"), "done ");
    CHECK_STR(rig_call(rig, part, "tell", "[true]"), "done true");
    CHECK_STR(rig_call(rig, part, "tell", "[false]"), "done false");
    RIG_UNTIL(rig, rig->events == 1);
    rig_remove(rig, part);
    rig_stop(rig);
}

TEST(stop_lets_calls_end_or_ends_them)
{
    struct rig *rig = rig_start(NULL);
    struct iso_sv_component *part = rig_component(rig, RIG_WAITER, ISO_SV_SERVICE);
    struct iso_sv_call *calls[3];
    for (size_t i = 0; i < ISO_COUNT_OF(calls); i++) {
        calls[i] = rig_begin(rig, part, "ask", "[41]");
    }
    RIG_UNTIL(rig, rig->open_count == 1);
    iso_sv_component_stop(part, UINT64_C(20000000000), rig_gone, rig);
    CHECK_CONTAINS(rig_call(rig, part, "ask", "[1]"), "gone");
    for (size_t i = 0; i < ISO_COUNT_OF(calls); i++) {
        CHECK_EQ_U64(rig->gone, 0);
        RIG_UNTIL(rig, rig->open_count == 1);
        rig_answer(rig);
        RIG_UNTIL(rig, rig_has_ended(calls[i]));
        CHECK_STR(rig_text(calls[i]), "done 41");
        rig_end(calls[i]);
    }
    RIG_UNTIL(rig, rig->gone == 1);
    iso_sv_component_destroy(part);

    part = rig_component(rig, RIG_WAITER, ISO_SV_SERVICE);
    calls[0] = rig_begin(rig, part, "ask", "[41]");
    RIG_UNTIL(rig, rig->open_count == 1);
    iso_sv_component_stop(part, 1000000, rig_gone, rig);
    RIG_UNTIL(rig, rig->gone == 2);
    RIG_UNTIL(rig, rig_has_ended(calls[0]));
    CHECK_CONTAINS(rig_text(calls[0]), "gone");
    rig_end(calls[0]);
    CHECK_EQ_U64(rig->cancelled, 1);
    iso_sv_component_destroy(part);
    rig_stop(rig);
}

TEST(abandoned_call_is_finished_all_the_same)
{
    struct rig *rig = rig_start(NULL);
    struct iso_sv_component *part = rig_component(rig, RIG_WAITER, ISO_SV_SERVICE);
    struct iso_sv_call *call = rig_begin(rig, part, "ask", "[41]");
    RIG_UNTIL(rig, rig->open_count == 1);
    iso_sv_call_abandon(call);
    rig_answer(rig);
    RIG_UNTIL(rig, rig_has_ended(call));
    CHECK_STR(rig_text(call), "done ");
    rig_end(call);
    rig_remove(rig, part);
    rig_stop(rig);
}

TEST(frozen_component_goes_on_after_the_thaw)
{
    struct rig *rig = rig_start(NULL);
    struct iso_sv_component_def def = rig_def(rig, RIG_WAITER, ISO_SV_SERVICE);
    def.limits.time_ns = 200000000;
    struct iso_sv_component *part = rig_run(rig, &def);
    struct iso_sv_call *waits = rig_begin(rig, part, "ask", "[41]");
    struct iso_sv_call *queued = rig_begin(rig, part, "ask", "[51]");
    RIG_UNTIL(rig, rig->open_count == 1);
    iso_sv_component_freeze(part, rig_frozen, rig);
    CHECK_CONTAINS(rig_call(rig, part, "ask", "[1]"), "moved");
    RIG_UNTIL(rig, rig->frozen == 1);
    CHECK(iso_sv_component_state(part) == ISO_SV_FROZEN);
    rig_answer(rig);
    uint64_t until = uv_hrtime() + 300000000; /* longer than the calls may take */
    while (uv_hrtime() < until) {
        rig_turn_for(rig, 50);
    }
    CHECK(!rig_has_ended(waits));
    iso_sv_component_thaw(part);
    RIG_UNTIL(rig, rig_has_ended(waits));
    CHECK_STR(rig_text(waits), "done 41");
    RIG_UNTIL(rig, rig->open_count == 1);
    rig_answer(rig);
    RIG_UNTIL(rig, rig_has_ended(queued));
    CHECK_STR(rig_text(queued), "done 51");
    rig_end(waits);
    rig_end(queued);
    rig_remove(rig, part);
    rig_stop(rig);
}

TEST(running_component_is_frozen_at_a_safepoint)
{
    struct rig *rig = rig_start(NULL);
    for (int mode = ISO_SV_FUNCTION; mode <= ISO_SV_SERVICE; mode++) {
        struct iso_sv_component_def def = rig_def(rig, RIG_UNIT, (enum iso_sv_mode)mode);
        def.limits.time_ns = UINT64_C(60000000000);
        struct iso_sv_component *part = rig_run(rig, &def);
        struct iso_sv_call *calls[8];
        for (size_t i = 0; i < ISO_COUNT_OF(calls); i++) {
            calls[i] = rig_begin(rig, part, "work", "[5000000]");
        }
        for (unsigned round = 0; round < 20; round++) {
            unsigned before = rig->frozen;
            iso_sv_component_freeze(part, rig_frozen, rig);
            RIG_UNTIL(rig, rig->frozen != before);
            iso_sv_component_thaw(part);
        }
        for (size_t i = 0; i < ISO_COUNT_OF(calls); i++) {
            RIG_UNTIL(rig, rig_has_ended(calls[i]));
            CHECK_STR(rig_text(calls[i]), "done 1647668640");
            rig_end(calls[i]);
        }
        struct iso_sv_call *last = rig_begin(rig, part, "spin", "");
        unsigned before = rig->frozen;
        iso_sv_component_freeze(part, rig_frozen, rig);
        RIG_UNTIL(rig, rig->frozen != before);
        iso_sv_component_destroy(part);
        RIG_UNTIL(rig, rig_has_ended(last));
        CHECK_CONTAINS(rig_text(last), "gone");
        rig_end(last);
    }
    rig_stop(rig);
}

/* ---- Descriptors ----------------------------------------------------------------------------- */

TEST(reading_from_a_pipe_waits_for_its_writer)
{
    char dir[] = "/tmp/iso-core-XXXXXX", path[64];
    CHECK(mkdtemp(dir) != NULL);
    (void)iso_format(path, sizeof path, "%s/pipe", dir);
    CHECK(mkfifo(path, 0600) == 0);
    int writer = open(path, O_RDWR | O_CLOEXEC);
    CHECK(writer >= 0);
    struct rig *rig = rig_start(NULL);
    const struct iso_sv_dir_grant grant = {.guest_path = iso_str_from_z("/"),
                                           .host_path = iso_str_from_z(dir)};
    struct iso_sv_component_def def = rig_def(rig, RIG_READER, ISO_SV_SERVICE);
    struct iso_sv_core_stats stats;
    def.dirs = &grant;
    def.dir_count = 1;
    struct iso_sv_component *part = rig_run(rig, &def);
    struct iso_sv_call *call = rig_begin(rig, part, "read", "");
    do {
        rig_turn_for(rig, 1);
        iso_sv_core_stats_get(rig->core, &stats);
    } while (stats.waiting == 0 && !rig_has_ended(call));
    CHECK(!rig_has_ended(call));
    CHECK(write(writer, "hello", 5) == 5);
    RIG_UNTIL(rig, rig_has_ended(call));
    CHECK_STR(rig_text(call), "done 5");
    rig_end(call);
    /* And one that is given up. */
    call = rig_begin(rig, part, "read", "");
    do {
        rig_turn_for(rig, 1);
        iso_sv_core_stats_get(rig->core, &stats);
    } while (stats.waiting == 0);
    rig_remove(rig, part);
    rig_end(call);
    rig_stop(rig);
    CHECK(close(writer) == 0);
    CHECK(unlink(path) == 0 && rmdir(dir) == 0);
}

/* ---- Commands -------------------------------------------------------------------------------- */

TEST(command_runs_from_beginning_to_end)
{
    struct rig *rig = rig_start(NULL);
    struct iso_sv_component *part = rig_component(rig, RIG_COMMAND, ISO_SV_FUNCTION);
    CHECK_STR(rig_call(rig, part, "run", "{\"args\": [], \"env\": [], \"stdin\": \"aGVsbG8=\"}"),
              "done {\"stdout\":\"aGVsbG8=\",\"stderr\":\"\",\"status\":1}");
    CHECK_STR(rig_call(rig, part, "run", "[[\"abc\"], [[\"K\", \"V\"]], \"\"]"),
              "done {\"stdout\":\"\",\"stderr\":\"YWJj\",\"status\":2}");
    /* Waits for a time. */
    CHECK_STR(rig_call(rig, part, "run", "[[\"abc\", \"d\", \"e\"], [], \"\"]"),
              "done {\"stdout\":\"\",\"stderr\":\"YWJj\",\"status\":4}");
    CHECK_CONTAINS(rig_call(rig, part, "run", "[[\"a\\u0000\"], [], \"\"]"),
                   "bad-arguments args[0]: expected a string without zero bytes");
    CHECK_CONTAINS(rig_call(rig, part, "run", "[[], [[\"=\", \"\"]], \"\"]"),
                   "bad-arguments env[0]");
    rig_remove(rig, part);
    struct iso_sv_component_def def = rig_def(rig, RIG_COMMAND, ISO_SV_FUNCTION);
    def.limits.result_bytes = 1 << 20;
    def.limits.time_ns = 300000000;
    part = rig_run(rig, &def);
    CHECK_CONTAINS(rig_call(rig, part, "run", "[[\"a\", \"b\", \"c\", \"d\"], [], \"\"]"), "limit");
    rig_remove(rig, part);
    def = rig_def(rig, RIG_COMMAND, ISO_SV_SERVICE);
    struct iso_report report;
    iso_report_init(&report);
    CHECK_ERR(iso_sv_component_create(rig->core, &def, NULL, NULL, &part, &report), ISO_E_ARGUMENT);
    CHECK_CONTAINS(report.text, "is a command");
    rig_stop(rig);
}

/* The thread sanitizer needs many mappings of its own; there are only so many. */
#ifdef __SANITIZE_THREAD__
enum { WAITING = 2000 };
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
enum { WAITING = 2000 };
#else
enum { WAITING = 10000 };
#endif
#else
enum { WAITING = 10000 };
#endif

/* ---- Many ------------------------------------------------------------------------------------ */

TEST(ten_thousand_instances_wait)
{
    static struct iso_sv_call *calls[WAITING];
    struct rig *rig = rig_start(NULL);
    struct iso_sv_component_def def = rig_def(rig, RIG_WAITER, ISO_SV_FUNCTION);
    def.limits.instances = WAITING;
    def.limits.time_ns = UINT64_C(600000000000);
    struct iso_sv_component *part = rig_run(rig, &def);
    for (int i = 0; i < WAITING; i++) {
        calls[i] = rig_begin(rig, part, "ask", "[41]");
    }
    RIG_UNTIL(rig, rig->open_count == WAITING);
    struct iso_sv_core_stats stats;
    iso_sv_core_stats_get(rig->core, &stats);
    CHECK_EQ_U64(stats.waiting, WAITING);
    CHECK_EQ_U64(stats.instances, WAITING);
    while (rig->open_count != 0) {
        rig_answer(rig);
    }
    for (int i = 0; i < WAITING; i++) {
        RIG_UNTIL(rig, rig_has_ended(calls[i]));
        CHECK(calls[i]->outcome == ISO_SV_DONE);
        rig_end(calls[i]);
    }
    rig_remove(rig, part);
    rig_stop(rig);
}

TEST(a_thousand_components)
{
    enum { COUNT = 1000 };
    static struct iso_sv_component *parts[COUNT];
    struct rig *rig = rig_start(NULL);
    char name[16];
    for (int i = 0; i < COUNT; i++) {
        struct iso_sv_component_def def =
            rig_def(rig, RIG_UNIT, i % 2 == 0 ? ISO_SV_SERVICE : ISO_SV_FUNCTION);
        (void)iso_format(name, sizeof name, "part%d", i);
        def.name = iso_str_from_z(name);
        parts[i] = rig_run(rig, &def);
    }
    for (int round = 1; round <= 2; round++) {
        for (int i = 0; i < COUNT; i++) {
            CHECK_STR(rig_call(rig, parts[i], "bump", ""),
                      i % 2 == 0 && round == 2 ? "done 2" : "done 1");
            CHECK(iso_sv_component_by_id(rig->core, iso_sv_component_id(parts[i])) == parts[i]);
        }
    }
    for (int i = 0; i < COUNT; i++) {
        rig_remove(rig, parts[(i * 7) % COUNT]);
    }
    CHECK(iso_sv_component_by_id(rig->core, 1) == NULL);
    rig_stop(rig);
}
