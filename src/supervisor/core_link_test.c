/* Links: to components on this device, and to others by way of whoever carries calls there. */
#include "supervisor/core_test_support.h"

static struct iso_sv_component *caller_of(struct rig *rig, const char *name, enum iso_sv_mode mode,
                                          struct iso_sv_link link)
{
    struct iso_sv_component_def def = rig_def(rig, RIG_CALLER, mode);
    def.name = iso_str_from_z(name);
    def.links = &link;
    def.link_count = 1;
    return rig_run(rig, &def);
}

static void all_calls(struct rig *rig, struct iso_sv_component *caller, bool service)
{
    CHECK_STR(rig_call(rig, caller, "add", "[1, 2]"), "done 3");
    CHECK_STR(rig_call(rig, caller, "bump", ""), "done 1");
    CHECK_STR(rig_call(rig, caller, "bump", ""), service ? "done 2" : "done 1");
    CHECK_STR(rig_call(rig, caller, "check", "[true]"), "done 7");
    CHECK_STR(rig_call(rig, caller, "check", "[false]"), "error \"not so\"");
    CHECK_STR(rig_call(rig, caller, "echo", "[\"aGVsbG8=\"]"), "done \"aGVsbG8=\"");
    CHECK_STR(rig_call(rig, caller, "sum", "[1000]"), "done 500500");
    CHECK_STR(rig_call(rig, caller, "work", "[3000000]"), "done -1124226208");
    CHECK_STR(rig_call(rig, caller, "crash", ""),
              "trap link \"test:unit/calc@1.0.0\", crash: trap: unreachable");
    CHECK_STR(rig_call(rig, caller, "sum", "[10]"), "done 55");
}

TEST(local_links_in_every_combination_of_modes)
{
    struct rig *rig = rig_start(NULL);
    for (int mode = 0; mode < 4; mode++) {
        bool service = (mode & 1) != 0;
        struct iso_sv_component *callee =
            rig_component(rig, RIG_UNIT, service ? ISO_SV_SERVICE : ISO_SV_FUNCTION);
        struct iso_sv_component *caller = caller_of(
            rig, "caller", (mode & 2) != 0 ? ISO_SV_SERVICE : ISO_SV_FUNCTION, rig_link(callee));
        all_calls(rig, caller, service);
        CHECK_EQ_U64(rig_stats(callee).calls[ISO_SV_TRAP], 1);
        CHECK(rig_stats(callee).calls[ISO_SV_DONE] > 1010);
        rig_remove(rig, caller);
        rig_remove(rig, callee);
    }
    rig_stop(rig);
}

TEST(chain_of_links)
{
    struct rig *rig = rig_start(NULL);
    struct iso_sv_component *parts[ISO_SV_CHAIN_MAX + 2];
    char name[16];
    parts[0] = rig_component(rig, RIG_UNIT, ISO_SV_SERVICE);
    for (size_t i = 1; i < ISO_COUNT_OF(parts); i++) {
        (void)iso_format(name, sizeof name, "p%u", (unsigned)i);
        parts[i] = caller_of(rig, name, i % 2 == 0 ? ISO_SV_SERVICE : ISO_SV_FUNCTION,
                             rig_link(parts[i - 1]));
    }
    CHECK_STR(rig_call(rig, parts[ISO_SV_CHAIN_MAX], "add", "[1, 2]"), "done 3");
    CHECK_CONTAINS(rig_call(rig, parts[ISO_SV_CHAIN_MAX], "work", "[3000000]"), "done");
    CHECK_CONTAINS(rig_call(rig, parts[ISO_SV_CHAIN_MAX + 1], "add", "[1, 2]"), "trap link");
    CHECK_EQ_U64(rig_stats(parts[0]).calls[ISO_SV_DEADLOCK], 1);
    CHECK_STR(rig_stats(parts[0]).last_error, "the call of app/part has more than 16 callers");
    for (size_t i = ISO_COUNT_OF(parts); i-- > 0;) {
        rig_remove(rig, parts[i]);
    }
    rig_stop(rig);
}

TEST(circle_of_links_is_refused)
{
    struct rig *rig = rig_start(NULL);
    struct iso_sv_component *unit = rig_component(rig, RIG_UNIT, ISO_SV_SERVICE);
    struct iso_sv_component *a = caller_of(rig, "a", ISO_SV_SERVICE, rig_link(unit));
    struct iso_sv_component *b = caller_of(rig, "b", ISO_SV_SERVICE, rig_link(a));
    struct iso_sv_link back = rig_link(b);
    CHECK_OK(iso_sv_component_relink(a, &back));
    CHECK_CONTAINS(rig_call(rig, a, "add", "[1, 2]"),
                   "would-deadlock: app/a is among the callers of this call");
    struct iso_sv_call *call = rig_open(rig);
    CHECK_OK(iso_sv_call_add_caller(call, iso_str_from_z("app/part")));
    CHECK_OK(iso_sv_call_set_body(call, iso_bytes_from("[1, 2]", 6)));
    rig_send(rig, call, unit, "add");
    CHECK_CONTAINS(rig_text(call), "would-deadlock");
    rig_end(call);
    struct iso_sv_link forth = rig_link(unit);
    CHECK_OK(iso_sv_component_relink(a, &forth));
    CHECK_STR(rig_call(rig, b, "add", "[1, 2]"), "done 3");
    struct iso_sv_link other = rig_link(unit);
    other.interface = iso_str_from_z("test:other/calc");
    CHECK_ERR(iso_sv_component_relink(a, &other), ISO_E_NOT_FOUND);
    rig_remove(rig, b);
    rig_remove(rig, a);
    rig_remove(rig, unit);
    rig_stop(rig);
}

TEST(busy_callee_lets_its_callers_wait)
{
    struct rig *rig = rig_start(NULL);
    struct iso_sv_component *unit = rig_component(rig, RIG_UNIT, ISO_SV_SERVICE);
    struct iso_sv_component *caller = caller_of(rig, "a", ISO_SV_FUNCTION, rig_link(unit));
    struct iso_sv_call *calls[16];
    struct iso_sv_call *first = rig_begin(rig, unit, "work", "[20000000]");
    for (size_t i = 0; i < ISO_COUNT_OF(calls); i++) {
        calls[i] = rig_begin(rig, caller, i % 2 == 0 ? "echo" : "work",
                             i % 2 == 0 ? "[\"aGVsbG8=\"]" : "[100000]");
    }
    for (size_t i = 0; i < ISO_COUNT_OF(calls); i++) {
        RIG_UNTIL(rig, rig_has_ended(calls[i]));
        CHECK_STR(rig_text(calls[i]), i % 2 == 0 ? "done \"aGVsbG8=\"" : "done 705082704");
        rig_end(calls[i]);
    }
    RIG_UNTIL(rig, rig_has_ended(first));
    rig_end(first);
    rig_remove(rig, caller);
    rig_remove(rig, unit);
    rig_stop(rig);
}

TEST(caller_that_is_stopped_leaves_its_call_behind)
{
    struct rig *rig = rig_start(NULL);
    struct iso_sv_component *unit = rig_component(rig, RIG_UNIT, ISO_SV_SERVICE);
    struct iso_sv_component *caller = caller_of(rig, "a", ISO_SV_SERVICE, rig_link(unit));
    struct iso_sv_call *call = rig_begin(rig, caller, "work", "[30000000]");
    rig_remove(rig, caller);
    RIG_UNTIL(rig, rig_has_ended(call));
    CHECK(call->outcome == ISO_SV_GONE);
    rig_end(call);
    RIG_UNTIL(rig, rig_stats(unit).calls[ISO_SV_DONE] == 1);
    rig_remove(rig, unit);
    rig_stop(rig);
}

TEST(callee_that_is_gone_traps_its_caller)
{
    struct rig *rig = rig_start(NULL);
    struct iso_sv_component *unit = rig_component(rig, RIG_UNIT, ISO_SV_SERVICE);
    struct iso_sv_component *caller = caller_of(rig, "a", ISO_SV_SERVICE, rig_link(unit));
    struct iso_sv_call *call = rig_begin(rig, caller, "work", "[2000000000]");
    rig_remove(rig, unit);
    RIG_UNTIL(rig, rig_has_ended(call));
    CHECK_CONTAINS(rig_text(call), "trap link \"test:unit/calc@1.0.0\", work: gone: ");
    rig_end(call);
    CHECK_CONTAINS(rig_call(rig, caller, "add", "[1, 2]"), "gone: app/part was stopped");
    rig_remove(rig, caller);
    rig_stop(rig);
}

/* ---- Missing and wrong links ------------------------------------------------------------------
 */

static void expect_refusal(struct rig *rig, const struct iso_sv_component_def *def,
                           const char *text)
{
    struct iso_sv_component *part = NULL;
    struct iso_report report;
    iso_report_init(&report);
    CHECK_ERR(iso_sv_component_create(rig->core, def, NULL, NULL, &part, &report), ISO_E_LINK);
    CHECK_CONTAINS(report.text, text);
}

TEST(imports_without_link_or_grant_are_named)
{
    struct rig *rig = rig_start(NULL);
    struct iso_sv_component_def def = rig_def(rig, RIG_CALLER, ISO_SV_FUNCTION);
    expect_refusal(rig, &def, "needs a link \"test:unit/calc@1.0.0\"");
    def = rig_def(rig, RIG_WAITER, ISO_SV_FUNCTION);
    def.device_count = 0;
    expect_refusal(rig, &def, "isomer:device/probe needs the grant \"probe\"");
    struct iso_sv_component *unit = rig_component(rig, RIG_WAITER, ISO_SV_SERVICE);
    struct iso_sv_link link = rig_link(unit);
    def = rig_def(rig, RIG_CALLER, ISO_SV_FUNCTION);
    def.links = &link;
    def.link_count = 1;
    expect_refusal(rig, &def, "app/part does not export plus");
    rig_remove(rig, unit);
    rig_stop(rig);
}

/* ---- Links to other devices -------------------------------------------------------------------
 */

struct far {
    struct rig *rig;
    struct iso_sv_call *open[64];
    uint32_t count, cancelled;
};

static void far_begin(void *ctx, struct iso_sv_call *call)
{
    struct far *far = ctx;
    far->open[far->count++] = call;
}

static void far_cancel(void *ctx, struct iso_sv_call *call)
{
    struct far *far = ctx;
    (void)call;
    far->cancelled++;
}

static struct iso_sv_link far_link(struct far *far)
{
    struct iso_sv_link link = rig_link(NULL);
    link.remote = far_begin;
    link.cancel = far_cancel;
    link.ctx = far;
    return link;
}

static void far_answer(struct far *far, const char *reply, size_t len, enum iso_sv_outcome outcome)
{
    struct iso_sv_call *call = far->open[--far->count];
    CHECK_OK(iso_buf_append(&call->reply, reply, len));
    if (len == 0) {
        iso_report_set(&call->report, "as the test wants it");
    }
    iso_sv_call_finish(call, outcome);
}

static const char *far_call(struct far *far, struct iso_sv_component *caller, const char *function,
                            const char *body, const char *reply, size_t len,
                            enum iso_sv_outcome outcome)
{
    struct rig *rig = far->rig;
    struct iso_sv_call *call = rig_begin(rig, caller, function, body);
    RIG_UNTIL(rig, far->count != 0);
    far_answer(far, reply, len, outcome);
    RIG_UNTIL(rig, rig_has_ended(call));
    const char *text = rig_text(call);
    rig_end(call);
    return text;
}

TEST(remote_link_carries_call_and_answer)
{
    struct rig *rig = rig_start(NULL);
    struct far far = {.rig = rig};
    struct iso_sv_component *caller = caller_of(rig, "a", ISO_SV_SERVICE, far_link(&far));
    struct iso_sv_call *call = rig_open(rig);
    CHECK_OK(iso_sv_call_add_caller(call, iso_str_from_z("app/far")));
    CHECK_OK(iso_sv_call_set_body(call, iso_bytes_from("[1, 2]", 6)));
    rig_send(rig, call, caller, "add");
    RIG_UNTIL(rig, far.count == 1);
    struct iso_sv_call *remote = far.open[0];
    CHECK_STR(remote->function, "test:unit/calc@1.0.0#plus");
    CHECK_EQ_U64(remote->body_len, 3);
    CHECK_MEM(remote->body, "\x82\x01\x02", 3);
    CHECK_STR(remote->id.caller, "app/a");
    CHECK(remote->id.sequence != 0);
    CHECK_EQ_U64(remote->chain_len, 2);
    CHECK_STR(remote->chain[0], "app/far");
    CHECK_STR(remote->chain[1], "app/a");
    CHECK(remote->deadline_ns > uv_hrtime());
    far_answer(&far, "\x18\x63", 2, ISO_SV_DONE);
    RIG_UNTIL(rig, rig_has_ended(call));
    CHECK_STR(rig_text(call), "done 99");
    rig_end(call);
    CHECK_STR(far_call(&far, caller, "check", "[true]", "\x05", 1, ISO_SV_DONE), "done 5");
    CHECK_STR(far_call(&far, caller, "check", "[true]", "\x61x", 2, ISO_SV_ERROR), "error \"x\"");
    CHECK_STR(far_call(&far, caller, "echo", "[\"\"]",
                       "\x43"
                       "abc",
                       4, ISO_SV_DONE),
              "done \"YWJj\"");
    CHECK_CONTAINS(far_call(&far, caller, "add", "[1, 2]", "\x61x", 2, ISO_SV_DONE),
                   "trap link \"test:unit/calc@1.0.0\", plus: the reply is not of its type");
    CHECK_CONTAINS(far_call(&far, caller, "add", "[1, 2]", "\x01", 1, ISO_SV_ERROR),
                   "the reply is not of its type");
    for (int outcome = ISO_SV_ARGUMENT; outcome < ISO_SV_OUTCOME_COUNT; outcome++) {
        char text[100];
        (void)iso_format(text, sizeof text,
                         "trap link \"test:unit/calc@1.0.0\", plus: %s: as the "
                         "test wants it",
                         iso_sv_outcome_name((enum iso_sv_outcome)outcome));
        CHECK_STR(far_call(&far, caller, "add", "[1, 2]", NULL, 0, (enum iso_sv_outcome)outcome),
                  text);
    }
    rig_remove(rig, caller);
    CHECK_EQ_U64(far.cancelled, 0);
    rig_stop(rig);
}

TEST(remote_call_that_nobody_waits_for_is_cancelled)
{
    struct rig *rig = rig_start(NULL);
    struct far far = {.rig = rig};
    struct iso_sv_component *caller = caller_of(rig, "a", ISO_SV_FUNCTION, far_link(&far));
    struct iso_sv_call *call = rig_begin(rig, caller, "add", "[1, 2]");
    RIG_UNTIL(rig, far.count == 1);
    rig_remove(rig, caller);
    CHECK_EQ_U64(far.cancelled, 1);
    RIG_UNTIL(rig, rig_has_ended(call));
    CHECK(call->outcome == ISO_SV_GONE);
    rig_end(call);
    far_answer(&far, "\x01", 1, ISO_SV_DONE);
    rig_stop(rig);
}
