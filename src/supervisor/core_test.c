/* The core as its owner sees it: programs, components in both modes, calls with every outcome,
 * limits. */
#include "supervisor/core_test_support.h"

/* ---- Programs -------------------------------------------------------------------------------- */

TEST(program_names_its_functions)
{
    struct rig *rig = rig_start(NULL);
    struct iso_sv_program *program = rig_program(rig, RIG_UNIT);
    uint32_t index = 99;
    CHECK_EQ_U64(iso_sv_program_func_count(program), 18);
    CHECK(iso_sv_program_func_find(program, iso_str_from_z("add"), &index));
    CHECK_STR(iso_sv_program_func(program, index)->path, "add");
    CHECK(iso_sv_program_func_find(program, iso_str_from_z("test:unit/calc@1.0.0#plus"), &index));
    CHECK_STR(iso_sv_program_func(program, index)->path, "plus");
    CHECK(iso_sv_program_func_find(program, iso_str_from_z("calc.check"), &index));
    CHECK(iso_sv_program_func(program, index)->interface != NULL);
    CHECK(iso_sv_program_func_find(program, iso_str_from_z("check"), &index));
    CHECK(iso_sv_program_func(program, index)->interface == NULL);
    CHECK(!iso_sv_program_func_find(program, iso_str_from_z("nothing"), &index));
    CHECK(!iso_sv_program_func_find(program, iso_str_from_z(""), &index));
    CHECK(!iso_sv_program_func_find(program, iso_str_from_z("#"), &index));
    CHECK_EQ_U64(strlen(iso_sv_program_digest(program)), 7 + 64);
    rig_stop(rig);
}

/* Bytes are taken whatever comes of them. */
static enum iso_err try_program(struct rig *rig, struct iso_bytes bytes, const char *wit,
                                struct iso_report *report)
{
    struct iso_sv_program *program = NULL;
    struct iso_str none = {.len = 0};
    uint8_t *copy = rig_copy(bytes);
    iso_report_init(report);
    enum iso_err err = iso_sv_program_create(rig->core, copy, bytes.len, iso_str_from_z(wit), none,
                                             &program, report);
    iso_sv_program_unref(program);
    return err;
}

TEST(program_refuses_what_does_not_fit)
{
    struct rig *rig = rig_start(NULL);
    struct iso_report report;
    struct iso_bytes unit = rig_bytes(RIG_UNIT);
    CHECK_ERR(try_program(rig, iso_bytes_from("\0asm\1\0\0", 7), "", &report), ISO_E_MALFORMED);
    CHECK_ERR(try_program(rig, iso_bytes_from(unit.ptr, unit.len - 1), "", &report),
              ISO_E_MALFORMED);
    CHECK_ERR(try_program(rig, unit, "package a:b; world w { export nothing: func(); }", &report),
              ISO_E_NOT_FOUND);
    CHECK_CONTAINS(report.text, "nothing");
    CHECK_ERR(try_program(rig, unit, "package a:b; world w { export add: func(a: u64); }", &report),
              ISO_E_LINK);
    CHECK_ERR(try_program(rig, unit, "package a:b; world {", &report), ISO_E_MALFORMED);
    rig_stop(rig);
}

/* ---- Mode function --------------------------------------------------------------------------- */

TEST(function_starts_anew_for_each_call)
{
    struct rig *rig = rig_start(NULL);
    struct iso_sv_component *part = rig_component(rig, RIG_UNIT, ISO_SV_FUNCTION);
    CHECK(iso_sv_component_state(part) == ISO_SV_RUNNING);
    CHECK_STR(rig_call(rig, part, "add", "{\"a\": 40, \"b\": 2}"), "done 42");
    CHECK_STR(rig_call(rig, part, "bump", ""), "done 1");
    CHECK_STR(rig_call(rig, part, "bump", "{}"), "done 1");
    CHECK_STR(rig_call(rig, part, "get-count", ""), "done 0");
    CHECK_STR(rig_call(rig, part, "shout", "{\"text\": \"\\u00fc\"}"), "done \"\303\274\"");
    CHECK_STR(rig_call(rig, part, "echo", "{\"data\": \"aGV5\"}"), "done \"aGV5\"");
    CHECK_STR(rig_call(rig, part, "check", "{\"ok\": true}"), "done 7");
    CHECK_STR(rig_call(rig, part, "check", "{\"ok\": false}"), "error \"not so\"");
    CHECK_EQ_U64(rig_stats(part).calls[ISO_SV_DONE], 7);
    CHECK_EQ_U64(rig_stats(part).calls[ISO_SV_ERROR], 1);
    CHECK_EQ_U64(rig->changes, 0);
    rig_remove(rig, part);
    rig_stop(rig);
}

TEST(wrong_arguments_run_nothing)
{
    struct rig *rig = rig_start(NULL);
    struct iso_sv_component *part = rig_component(rig, RIG_UNIT, ISO_SV_SERVICE);
    CHECK_STR(rig_call(rig, part, "bump", ""), "done 1");
    CHECK_CONTAINS(rig_call(rig, part, "add", "{\"a\": 40}"), "bad-arguments");
    CHECK_CONTAINS(rig_call(rig, part, "add", "{\"a\": 40, \"b\": 3000000000}"), "b");
    CHECK_CONTAINS(rig_call(rig, part, "add", "{\"a\": 40"), "bad-arguments");
    CHECK_CONTAINS(rig_call(rig, part, "bump", "[1]"), "bad-arguments");
    CHECK_STR(rig_call(rig, part, "bump", ""), "done 2");
    CHECK_EQ_U64(rig_stats(part).restarts, 0);
    CHECK_EQ_U64(rig_stats(part).calls[ISO_SV_ARGUMENT], 4);
    rig_remove(rig, part);
    rig_stop(rig);
}

TEST(encodings_of_arguments_and_results)
{
    struct rig *rig = rig_start(NULL);
    struct iso_sv_component *part = rig_component(rig, RIG_UNIT, ISO_SV_FUNCTION);
    static const struct {
        const char *function;
        const char *body;
        size_t len;
        enum iso_sv_encoding in, out, actual;
        enum iso_sv_outcome outcome;
        const char *reply;
        size_t reply_len;
    } cases[] = {
        {"add", "\xa2\x61\x61\x01\x61\x62\x02", 7, ISO_SV_CBOR, ISO_SV_CBOR, ISO_SV_CBOR,
         ISO_SV_DONE, "\x03", 1},
        {"add", "\x82\x01\x02", 3, ISO_SV_CBOR, ISO_SV_JSON, ISO_SV_JSON, ISO_SV_DONE, "3", 1},
        {"echo", "a\0b", 3, ISO_SV_RAW, ISO_SV_RAW, ISO_SV_RAW, ISO_SV_DONE, "a\0b", 3},
        {"echo", "ab", 2, ISO_SV_RAW, ISO_SV_CBOR, ISO_SV_CBOR, ISO_SV_DONE,
         "\x42"
         "ab",
         3},
        {"shout", "ab", 2, ISO_SV_RAW, ISO_SV_RAW, ISO_SV_RAW, ISO_SV_DONE, "ab", 2},
        {"shout", "\xff", 1, ISO_SV_RAW, ISO_SV_RAW, ISO_SV_JSON, ISO_SV_ARGUMENT, "", 0},
        {"add", "ab", 2, ISO_SV_RAW, ISO_SV_RAW, ISO_SV_JSON, ISO_SV_ARGUMENT, "", 0},
        {"work", "ab", 2, ISO_SV_RAW, ISO_SV_RAW, ISO_SV_JSON, ISO_SV_ARGUMENT, "", 0},
        {"check", "[true]", 6, ISO_SV_JSON, ISO_SV_RAW, ISO_SV_JSON, ISO_SV_DONE, "7", 1},
        {"check", "[false]", 7, ISO_SV_JSON, ISO_SV_RAW, ISO_SV_RAW, ISO_SV_ERROR, "not so", 6},
    };
    for (size_t i = 0; i < ISO_COUNT_OF(cases); i++) {
        struct iso_sv_call *call = rig_open(rig);
        call->encoding = cases[i].in;
        call->reply_encoding = cases[i].out;
        CHECK_OK(iso_sv_call_set_body(call, iso_bytes_from(cases[i].body, cases[i].len)));
        rig_send(rig, call, part, cases[i].function);
        RIG_UNTIL(rig, rig_has_ended(call));
        CHECK_STR(iso_sv_outcome_name(call->outcome), iso_sv_outcome_name(cases[i].outcome));
        CHECK_EQ_U64(call->reply.len, cases[i].reply_len);
        CHECK_MEM(call->reply.ptr, cases[i].reply, cases[i].reply_len);
        if (call->outcome == ISO_SV_DONE || call->outcome == ISO_SV_ERROR) {
            CHECK_EQ_U64(call->reply_actual, cases[i].actual);
        }
        rig_end(call);
    }
    rig_remove(rig, part);
    rig_stop(rig);
}

/* ---- Mode service ---------------------------------------------------------------------------- */

TEST(service_keeps_its_state_until_it_traps)
{
    struct rig *rig = rig_start(NULL);
    struct iso_sv_component *part = rig_component(rig, RIG_UNIT, ISO_SV_SERVICE);
    CHECK_STR(rig_call(rig, part, "bump", ""), "done 1");
    CHECK_STR(rig_call(rig, part, "bump", ""), "done 2");
    CHECK_STR(rig_call(rig, part, "get-count", ""), "done 2");
    struct iso_sv_call *crash = rig_begin(rig, part, "crash", "");
    RIG_UNTIL(rig, rig_has_ended(crash));
    CHECK_STR(rig_text(crash), "trap unreachable");
    CHECK_OK(iso_buf_append(&crash->reply, "", 1));
    CHECK_CONTAINS((const char *)crash->reply.ptr, "\"function\":\"crash\"");
    CHECK_CONTAINS((const char *)crash->reply.ptr, "\"backtrace\":[{\"function\":\"crash\",");
    rig_end(crash);
    RIG_UNTIL(rig, rig->lines != 0);
    CHECK_CONTAINS(rig->log, "3! trap: unreachable at ");
    CHECK_STR(rig_call(rig, part, "bump", ""), "done 1");
    struct iso_sv_component_stats stats = rig_stats(part);
    CHECK_EQ_U64(stats.restarts, 1);
    CHECK_EQ_U64(stats.calls[ISO_SV_TRAP], 1);
    CHECK_STR(stats.last_error, "unreachable");
    CHECK(stats.last_error_time_ns != 0);
    CHECK(stats.fuel != 0);
    CHECK_EQ_U64(stats.memory_bytes, 131072);
    RIG_UNTIL(rig, rig->changes != 0);
    rig_remove(rig, part);
    rig_stop(rig);
}

TEST(calls_of_a_service_queue_up_in_order)
{
    struct rig *rig = rig_start(NULL);
    struct iso_sv_component *part = rig_component(rig, RIG_UNIT, ISO_SV_SERVICE);
    struct iso_sv_call *calls[40];
    char text[32];
    struct iso_sv_call *first = rig_begin(rig, part, "work", "[3000000]");
    for (size_t i = 0; i < ISO_COUNT_OF(calls); i++) {
        calls[i] = rig_begin(rig, part, "bump", "");
    }
    for (size_t i = 0; i < ISO_COUNT_OF(calls); i++) {
        RIG_UNTIL(rig, rig_has_ended(calls[i]));
        (void)iso_format(text, sizeof text, "done %u", (unsigned)i + 1);
        CHECK_STR(rig_text(calls[i]), text);
        rig_end(calls[i]);
    }
    RIG_UNTIL(rig, rig_has_ended(first));
    rig_end(first);
    rig_remove(rig, part);
    rig_stop(rig);
}

TEST(service_that_cannot_start_is_tried_again)
{
    struct rig *rig = rig_start(NULL);
    rig->answer_now = true;
    rig->answer = 1;
    struct iso_sv_component *part = rig_component(rig, RIG_FLAKY, ISO_SV_SERVICE);
    CHECK_STR(rig_call(rig, part, "add", "[1, 2]"), "done 3");
    __atomic_store_n(&rig->answer, 0, __ATOMIC_SEQ_CST);
    CHECK_CONTAINS(rig_call(rig, part, "crash", ""), "trap");
    RIG_UNTIL(rig, iso_sv_component_state(part) == ISO_SV_FAILED);
    CHECK_CONTAINS(rig_call(rig, part, "add", "[1, 2]"), "could not be started: unreachable");
    __atomic_store_n(&rig->answer, 1, __ATOMIC_SEQ_CST);
    RIG_UNTIL(rig, iso_sv_component_state(part) == ISO_SV_RUNNING);
    CHECK_STR(rig_call(rig, part, "add", "[1, 2]"), "done 3");
    rig_remove(rig, part);
    rig_stop(rig);
}

TEST(component_that_traps_at_its_start_is_not_ready)
{
    struct rig *rig = rig_start(NULL);
    for (int mode = ISO_SV_FUNCTION; mode <= ISO_SV_SERVICE; mode++) {
        struct iso_sv_component_def def = rig_def(rig, RIG_BROKEN, (enum iso_sv_mode)mode);
        struct iso_sv_component *part = rig_prepare(rig, &def);
        CHECK_ERR(rig->ready_err, ISO_E_TRAP);
        CHECK_CONTAINS(rig->report.text, "unreachable");
        CHECK_CONTAINS(rig_call(rig, part, "add", "[1, 2]"), "not-found");
        iso_sv_component_destroy(part);
    }
    rig_stop(rig);
}

TEST(initialisation_that_asks_the_device_is_done_for_each_call)
{
    struct rig *rig = rig_start(NULL);
    rig->answer_now = true;
    struct iso_sv_component *part = rig_component(rig, RIG_EARLY, ISO_SV_FUNCTION);
    CHECK_STR(rig_call(rig, part, "get-answer", ""), "done 5");
    __atomic_store_n(&rig->answer, 7, __ATOMIC_SEQ_CST);
    CHECK_STR(rig_call(rig, part, "get-answer", ""), "done 12");
    rig_remove(rig, part);
    rig_stop(rig);
}

TEST(speed_is_a_number_above_nothing)
{
    struct rig *rig = rig_start(NULL);
    CHECK(iso_sv_core_speed(rig->core, 1) > 1);
    CHECK(iso_sv_core_speed(rig->core, 3) > 1);
    rig_stop(rig);
}
