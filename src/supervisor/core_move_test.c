/* Components that are frozen, saved and loaded into another of the same program, with calls under
 * way in every state; and snapshots that are damaged. */
#include "supervisor/core_test_support.h"

struct moved {
    struct rig *rig;
    struct iso_sv_call *calls[32]; /* adopted */
    uint32_t count, ended;
    char replies[32][64];
};

static void adopted_done(struct iso_sv_call *call)
{
    struct moved *moved = call->ctx;
    uint32_t at = 0;
    while (moved->calls[at] != call) {
        at++;
    }
    (void)iso_format(moved->replies[at], sizeof moved->replies[at], "%s", rig_text(call));
    moved->calls[at] = NULL;
    moved->ended++;
    iso_sv_call_destroy(call);
}

static void adopt(void *ctx, struct iso_sv_call *call)
{
    struct moved *moved = ctx;
    CHECK(moved->count < ISO_COUNT_OF(moved->calls));
    moved->calls[moved->count++] = call;
    call->done = adopted_done;
    call->ctx = moved;
}

static void freeze(struct rig *rig, struct iso_sv_component *part)
{
    unsigned before = rig->frozen;
    iso_sv_component_freeze(part, rig_frozen, rig);
    RIG_UNTIL(rig, rig->frozen != before);
}

static void save(struct iso_sv_component *part, struct iso_buf *out)
{
    struct iso_report report;
    iso_report_init(&report);
    iso_buf_init(out, iso_alloc_libc(), SIZE_MAX);
    enum iso_err err = iso_sv_component_save(part, out, &report);
    if (err != ISO_OK) {
        TEST_FAIL("save: %s", iso_report_text(&report, err));
    }
}

/* Freeze, save, load into a fresh component, destroy the old one; the new one is started. */
static struct iso_sv_component *move(struct rig *rig, struct iso_sv_component *part,
                                     const struct iso_sv_component_def *def, struct moved *moved)
{
    struct iso_buf bytes;
    struct iso_report report;
    memset(moved, 0, sizeof *moved);
    moved->rig = rig;
    iso_report_init(&report);
    freeze(rig, part);
    save(part, &bytes);
    iso_sv_component_destroy(part);
    struct iso_sv_component *to = rig_prepare(rig, def);
    enum iso_err err = iso_sv_component_load(to, iso_buf_view(&bytes), adopt, moved, &report);
    if (err != ISO_OK) {
        TEST_FAIL("load: %s", iso_report_text(&report, err));
    }
    iso_buf_fini(&bytes);
    iso_sv_component_start(to);
    return to;
}

static void end_as_gone(struct rig *rig, struct iso_sv_call **calls, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        RIG_UNTIL(rig, rig_has_ended(calls[i]));
        CHECK(calls[i]->outcome == ISO_SV_GONE);
        rig_end(calls[i]);
    }
}

TEST(service_moves_with_its_state)
{
    struct rig *rig = rig_start(NULL);
    struct iso_sv_component_def def = rig_def(rig, RIG_UNIT, ISO_SV_SERVICE);
    struct iso_sv_component *part = rig_run(rig, &def);
    struct moved moved;
    for (int i = 1; i < 5; i++) {
        char text[16];
        (void)iso_format(text, sizeof text, "done %d", i);
        CHECK_STR(rig_call(rig, part, "bump", ""), text);
        part = move(rig, part, &def, &moved);
        CHECK_EQ_U64(moved.count, 0);
    }
    rig_remove(rig, part);
    rig_stop(rig);
}

TEST(running_waiting_and_queued_calls_move)
{
    struct rig *rig = rig_start(NULL);
    struct iso_sv_component_def def = rig_def(rig, RIG_UNIT, ISO_SV_SERVICE);
    def.limits.time_ns = UINT64_C(60000000000);
    struct iso_sv_component *part = rig_run(rig, &def);
    struct iso_sv_call *calls[3];
    struct moved moved;
    calls[0] = rig_open(rig);
    memcpy(calls[0]->id.caller, "somebody", 9);
    calls[0]->id.sequence = 77;
    CHECK_OK(iso_sv_call_set_body(calls[0], iso_bytes_from("[3000000]", 9)));
    rig_send(rig, calls[0], part, "work");
    calls[1] = rig_begin(rig, part, "echo", "[\"aGVsbG8=\"]");
    calls[2] = rig_begin(rig, part, "bump", "");
    CHECK(!rig_has_ended(calls[0]));
    part = move(rig, part, &def, &moved);
    CHECK_EQ_U64(moved.count, 3);
    CHECK_STR(moved.calls[0]->id.caller, "somebody");
    CHECK_EQ_U64(moved.calls[0]->id.sequence, 77);
    end_as_gone(rig, calls, 3);
    RIG_UNTIL(rig, moved.ended == 3);
    CHECK_STR(moved.replies[0], "done -1124226208");
    CHECK_STR(moved.replies[1], "done \"aGVsbG8=\"");
    CHECK_STR(moved.replies[2], "done 1");
    rig_remove(rig, part);
    rig_stop(rig);
}

TEST(call_moves_again_and_again_until_it_is_done)
{
    struct rig *rig = rig_start(NULL);
    for (int mode = ISO_SV_FUNCTION; mode <= ISO_SV_SERVICE; mode++) {
        struct iso_sv_component_def def = rig_def(rig, RIG_UNIT, (enum iso_sv_mode)mode);
        def.limits.time_ns = UINT64_C(60000000000);
        struct iso_sv_component *part = rig_run(rig, &def);
        static struct moved hops[6];
        struct iso_sv_call *call = rig_begin(rig, part, "work", "[5000000]");
        size_t last = 0;
        part = move(rig, part, &def, &hops[0]);
        end_as_gone(rig, &call, 1);
        /* Each is told that it is gone, except the one that is done. */
        while (last + 1 < ISO_COUNT_OF(hops) && hops[last].ended == 0) {
            part = move(rig, part, &def, &hops[last + 1]);
            RIG_UNTIL(rig, hops[last].ended == 1);
            if (hops[last + 1].count == 0) {
                break;
            }
            CHECK_CONTAINS(hops[last].replies[0], "gone");
            last++;
        }
        RIG_UNTIL(rig, hops[last].ended == 1);
        CHECK_STR(hops[last].replies[0], "done 1647668640");
        rig_remove(rig, part);
    }
    rig_stop(rig);
}

TEST(pending_call_of_the_device_is_issued_again)
{
    struct rig *rig = rig_start(NULL);
    for (int mode = ISO_SV_FUNCTION; mode <= ISO_SV_SERVICE; mode++) {
        struct iso_sv_component_def def = rig_def(rig, RIG_WAITER, (enum iso_sv_mode)mode);
        struct iso_sv_component *part = rig_run(rig, &def);
        struct moved moved;
        uint32_t cancelled = rig->cancelled;
        struct iso_sv_call *call = rig_begin(rig, part, "ask", "[41]");
        RIG_UNTIL(rig, rig->open_count == 1);
        part = move(rig, part, &def, &moved);
        CHECK_EQ_U64(rig->cancelled, cancelled + 1);
        end_as_gone(rig, &call, 1);
        RIG_UNTIL(rig, rig->open_count == 1);
        rig_answer(rig);
        RIG_UNTIL(rig, moved.ended == 1);
        CHECK_STR(moved.replies[0], "done 41");
        call = rig_begin(rig, part, "nap", "[30000000]");
        part = move(rig, part, &def, &moved);
        end_as_gone(rig, &call, 1);
        RIG_UNTIL(rig, moved.ended == 1);
        CHECK_STR(moved.replies[0], "done ");
        rig_remove(rig, part);
    }
    rig_stop(rig);
}

TEST(command_moves_while_it_waits)
{
    struct rig *rig = rig_start(NULL);
    struct iso_sv_component_def def = rig_def(rig, RIG_COMMAND, ISO_SV_FUNCTION);
    struct iso_sv_component *part = rig_run(rig, &def);
    struct moved moved;
    struct iso_sv_core_stats stats;
    struct iso_sv_call *call =
        rig_begin(rig, part, "run", "[[\"abc\", \"d\", \"e\"], [], \"aGVsbG8=\"]");
    do {
        rig_turn_for(rig, 1);
        iso_sv_core_stats_get(rig->core, &stats);
    } while (stats.waiting == 0);
    part = move(rig, part, &def, &moved);
    end_as_gone(rig, &call, 1);
    RIG_UNTIL(rig, moved.ended == 1);
    CHECK_STR(moved.replies[0], "done {\"stdout\":\"aGVsbG8=\",\"stderr\":\"YWJj\",\"status\":4}");
    rig_remove(rig, part);
    rig_stop(rig);
}

TEST(call_through_a_link_keeps_its_number)
{
    struct rig *rig = rig_start(NULL);
    struct iso_sv_component *unit = rig_component(rig, RIG_UNIT, ISO_SV_SERVICE);
    struct iso_sv_link link = rig_link(unit);
    struct iso_sv_component_def def = rig_def(rig, RIG_CALLER, ISO_SV_SERVICE);
    def.name = iso_str_from_z("caller");
    def.links = &link;
    def.link_count = 1;
    def.limits.time_ns = UINT64_C(60000000000);
    struct iso_sv_component *part = rig_run(rig, &def);
    struct moved moved;
    CHECK_STR(rig_call(rig, part, "sum", "[10]"), "done 55");
    struct iso_sv_call *busy = rig_begin(rig, unit, "work", "[3000000]");
    struct iso_sv_call *call = rig_begin(rig, part, "check", "[true]");
    part = move(rig, part, &def, &moved);
    end_as_gone(rig, &call, 1);
    RIG_UNTIL(rig, moved.ended == 1 && rig_has_ended(busy));
    CHECK_STR(moved.replies[0], "done 7");
    rig_end(busy);
    CHECK_STR(rig_call(rig, part, "sum", "[10]"), "done 55");
    /* The callee moves while it works for a caller of this device. */
    call = rig_begin(rig, part, "work", "[3000000]");
    struct iso_sv_component_def unit_def = rig_def(rig, RIG_UNIT, ISO_SV_SERVICE);
    unit = move(rig, unit, &unit_def, &moved);
    RIG_UNTIL(rig, moved.ended == moved.count && rig_has_ended(call));
    CHECK(call->outcome == ISO_SV_TRAP || call->outcome == ISO_SV_DONE);
    rig_end(call);
    rig_remove(rig, part);
    rig_remove(rig, unit);
    rig_stop(rig);
}

/* ---- What is refused ------------------------------------------------------------------------- */

struct told {
    unsigned times;
    enum iso_err err;
};

static void on_told(void *ctx, struct iso_sv_component *component, enum iso_err err,
                    const struct iso_report *report)
{
    struct told *told = ctx;
    (void)component;
    CHECK(err == ISO_OK || report->text[0] != '\0');
    told->times++;
    told->err = err;
}

TEST(freeze_is_refused_while_a_device_cannot_be_asked_again)
{
    struct rig *rig = rig_start(NULL);
    struct iso_sv_host_func refusing = rig->interfaces[0].funcs[0];
    struct told told = {.times = 0};
    refusing.policy = ISO_HOST_REFUSE;
    rig->interfaces[0].funcs = &refusing;
    struct iso_sv_component *part = rig_component(rig, RIG_WAITER, ISO_SV_SERVICE);
    struct iso_sv_call *call = rig_begin(rig, part, "ask", "[41]");
    RIG_UNTIL(rig, rig->open_count == 1);
    iso_sv_component_freeze(part, on_told, &told);
    RIG_UNTIL(rig, told.times == 1);
    CHECK_ERR(told.err, ISO_E_REFUSED);
    CHECK(iso_sv_component_state(part) == ISO_SV_RUNNING);
    rig_answer(rig);
    RIG_UNTIL(rig, rig_has_ended(call));
    CHECK_STR(rig_text(call), "done 41");
    rig_end(call);
    /* Now it can be; and a thaw that comes first is told. */
    iso_sv_component_freeze(part, on_told, &told);
    iso_sv_component_thaw(part);
    RIG_UNTIL(rig, told.times == 2);
    CHECK_ERR(told.err, ISO_E_STATE);
    iso_sv_component_freeze(part, on_told, &told);
    RIG_UNTIL(rig, told.times == 3);
    CHECK_OK(told.err);
    iso_sv_component_destroy(part);
    rig_stop(rig);
}

TEST(snapshot_is_refused_where_it_does_not_belong)
{
    struct rig *rig = rig_start(NULL);
    struct iso_sv_component_def def = rig_def(rig, RIG_UNIT, ISO_SV_SERVICE);
    struct iso_sv_component *part = rig_run(rig, &def);
    struct iso_buf bytes;
    struct iso_report report;
    iso_buf_init(&bytes, iso_alloc_libc(), SIZE_MAX);
    iso_report_init(&report);
    CHECK_ERR(iso_sv_component_save(part, &bytes, &report), ISO_E_STATE);
    freeze(rig, part);
    save(part, &bytes);
    iso_report_init(&report);
    CHECK_ERR(iso_sv_component_load(part, iso_buf_view(&bytes), NULL, NULL, &report), ISO_E_STATE);
    static const struct {
        enum rig_guest guest;
        enum iso_sv_mode mode;
        const char *text;
    } cases[] = {{RIG_UNIT, ISO_SV_FUNCTION, "another mode"},
                 {RIG_FLAKY, ISO_SV_SERVICE, "another module"}};
    rig->answer_now = true;
    rig->answer = 1;
    for (size_t i = 0; i < ISO_COUNT_OF(cases); i++) {
        struct iso_sv_component_def other = rig_def(rig, cases[i].guest, cases[i].mode);
        struct iso_sv_component *to = rig_prepare(rig, &other);
        iso_report_init(&report);
        CHECK_ERR(iso_sv_component_load(to, iso_buf_view(&bytes), NULL, NULL, &report),
                  ISO_E_SNAPSHOT);
        CHECK_CONTAINS(report.text, cases[i].text);
        iso_sv_component_destroy(to);
    }
    iso_buf_fini(&bytes);
    iso_sv_component_destroy(part);
    rig_stop(rig);
}

static void try_bytes(struct rig *rig, const struct iso_sv_component_def *def,
                      struct iso_bytes bytes)
{
    struct iso_report report;
    struct iso_sv_component *to = rig_prepare(rig, def);
    iso_report_init(&report);
    enum iso_err err = iso_sv_component_load(to, bytes, NULL, NULL, &report);
    if (err == ISO_OK) {
        iso_sv_component_start(to);
        rig_turn_for(rig, 1);
        rig_remove(rig, to);
        return;
    }
    CHECK(report.text[0] != '\0');
    iso_sv_component_destroy(to);
}

TEST(damaged_snapshots_do_no_harm)
{
    struct rig *rig = rig_start(NULL);
    struct iso_sv_component_def def = rig_def(rig, RIG_WAITER, ISO_SV_SERVICE);
    struct iso_sv_component *part = rig_run(rig, &def);
    struct iso_buf bytes;
    struct iso_sv_call *calls[2];
    for (size_t i = 0; i < ISO_COUNT_OF(calls); i++) {
        calls[i] = rig_begin(rig, part, "ask", "[41]");
    }
    RIG_UNTIL(rig, rig->open_count == 1);
    freeze(rig, part);
    save(part, &bytes);
    iso_sv_component_destroy(part);
    end_as_gone(rig, calls, ISO_COUNT_OF(calls));
    size_t step = bytes.len / 150 + 1;
    for (size_t len = 0; len < bytes.len; len += step) {
        try_bytes(rig, &def, iso_bytes_from(bytes.ptr, len));
    }
    uint32_t random = 12345;
    for (int i = 0; i < 400; i++) {
        random = random * 1664525 + 1013904223;
        /* Most of it is the engine's snapshot: the ends are looked at more closely. */
        size_t at = i % 2 == 0 ? (random >> 8) % bytes.len : (random >> 8) % 200;
        at = i % 4 == 1 ? bytes.len - 1 - at : at;
        uint8_t before = bytes.ptr[at];
        bytes.ptr[at] = (uint8_t)(before ^ (1u << (random >> 29)));
        try_bytes(rig, &def, iso_buf_view(&bytes));
        bytes.ptr[at] = before;
    }
    CHECK_OK(iso_buf_append_u8(&bytes, 0));
    try_bytes(rig, &def, iso_buf_view(&bytes));
    iso_buf_fini(&bytes);
    rig_stop(rig);
}
