/* Remembered results, with a core that does what the test says: executed once, whatever is
 * repeated; what is forgotten when; what moves. */
#include "supervisor/remember.h"

#include <stdlib.h>

#include "base/test.h"

/* ---- A core of few words -----------------------------------------------------------------------
 */

static uint64_t now_ns;
static unsigned executed;
static struct iso_sv_call *last;
/* What calls do: end at once with this, or stay under way. */
static bool at_once;
static enum iso_sv_outcome outcome_next;
static size_t reply_len;

static uint64_t clock_ns(void)
{
    return now_ns;
}

struct iso_sv_call *iso_sv_call_create(struct iso_sv_core *core)
{
    (void)core;
    struct iso_sv_call *call = calloc(1, sizeof *call);
    CHECK(call != NULL);
    iso_buf_init(&call->reply, iso_alloc_libc(), SIZE_MAX);
    return call;
}

void iso_sv_call_destroy(struct iso_sv_call *call)
{
    iso_buf_fini(&call->reply);
    free(call);
}

static void end(struct iso_sv_call *call, enum iso_sv_outcome outcome)
{
    call->outcome = outcome;
    call->reply_actual = ISO_SV_CBOR;
    for (size_t i = 0; i < reply_len; i++) {
        CHECK_OK(iso_buf_append_u8(&call->reply, (uint8_t)(executed + i)));
    }
    if (outcome == ISO_SV_TRAP) {
        iso_report_set(&call->report, "unreachable");
    }
}

bool iso_sv_call_start(struct iso_sv_call *call, struct iso_sv_component *component, uint32_t index)
{
    (void)component;
    (void)index;
    executed++;
    last = call;
    if (at_once) {
        end(call, outcome_next);
    }
    return at_once;
}

/* ---- Helpers -----------------------------------------------------------------------------------
 */

static unsigned ended;

static void count_end(struct iso_sv_call *call)
{
    (void)call;
    ended++;
}

static struct iso_sv_memory *begin(void)
{
    now_ns = 1000000000;
    executed = 0;
    ended = 0;
    at_once = true;
    outcome_next = ISO_SV_DONE;
    reply_len = 4;
    struct iso_sv_memory *memory = iso_sv_memory_create(iso_alloc_libc(), clock_ns);
    CHECK(memory != NULL);
    return memory;
}

static struct iso_sv_call *call_of(const char *caller, uint64_t sequence)
{
    struct iso_sv_call *call = iso_sv_call_create(NULL);
    (void)iso_format(call->id.caller, sizeof call->id.caller, "%s", caller);
    call->id.sequence = sequence;
    call->done = count_end;
    call->ctx = &ended;
    return call;
}

/* Start and expect an end at once. */
static enum iso_sv_outcome once(struct iso_sv_memory *memory, const char *caller, uint64_t sequence,
                                uint8_t *first)
{
    struct iso_sv_call *call = call_of(caller, sequence);
    CHECK(iso_sv_remember_start(memory, call, false, NULL, 0));
    CHECK(call->done == count_end && call->ctx == &ended);
    enum iso_sv_outcome outcome = call->outcome;
    if (first != NULL) {
        *first = call->reply.len > 0 ? call->reply.ptr[0] : 0;
    }
    iso_sv_call_destroy(call);
    return outcome;
}

/* ---- Tests -------------------------------------------------------------------------------------
 */

TEST(a_repeated_call_is_answered_and_not_executed)
{
    struct iso_sv_memory *memory = begin();
    uint8_t first = 0, second = 0;
    CHECK_EQ_U64(once(memory, "a/b", 7, &first), ISO_SV_DONE);
    CHECK_EQ_U64(once(memory, "a/b", 7, &second), ISO_SV_DONE);
    CHECK_EQ_U64(executed, 1);
    CHECK_EQ_U64(second, first);
    CHECK_EQ_U64(once(memory, "a/b", 8, NULL), ISO_SV_DONE);
    CHECK_EQ_U64(once(memory, "a/c", 7, NULL), ISO_SV_DONE);
    CHECK_EQ_U64(executed, 3);
    struct iso_sv_memory_stats stats;
    iso_sv_memory_stats(memory, &stats);
    CHECK_EQ_U64(stats.entries, 3);
    CHECK_EQ_U64(stats.callers, 2);
    CHECK_EQ_U64(stats.bytes, 12);
    CHECK_EQ_U64(stats.replayed, 1);
    iso_sv_memory_destroy(memory);
}

TEST(a_call_without_identity_is_always_executed)
{
    struct iso_sv_memory *memory = begin();
    CHECK_EQ_U64(once(memory, "", 7, NULL), ISO_SV_DONE);
    CHECK_EQ_U64(once(memory, "", 7, NULL), ISO_SV_DONE);
    CHECK_EQ_U64(executed, 2);
    iso_sv_memory_destroy(memory);
}

TEST(failures_that_ran_are_remembered_with_their_text_and_others_are_not)
{
    for (unsigned i = 0; i < ISO_SV_OUTCOME_COUNT; i++) {
        struct iso_sv_memory *memory = begin();
        outcome_next = (enum iso_sv_outcome)i;
        bool ran = i == ISO_SV_DONE || i == ISO_SV_ERROR || i == ISO_SV_TRAP || i == ISO_SV_LIMIT ||
                   i == ISO_SV_GONE || i == ISO_SV_UNKNOWN;
        CHECK_EQ_U64(once(memory, "a/b", 1, NULL), i);
        struct iso_sv_call *call = call_of("a/b", 1);
        CHECK(iso_sv_remember_start(memory, call, false, NULL, 0));
        CHECK_EQ_U64(call->outcome, i);
        CHECK_EQ_U64(executed, ran ? 1 : 2);
        if (i == ISO_SV_TRAP) {
            CHECK_STR(call->report.text, "unreachable");
        }
        iso_sv_call_destroy(call);
        iso_sv_memory_destroy(memory);
    }
}

TEST(who_repeats_a_call_under_way_waits_for_the_same_result)
{
    struct iso_sv_memory *memory = begin();
    at_once = false;
    struct iso_sv_call *calls[3];
    for (unsigned i = 0; i < 3; i++) {
        calls[i] = call_of("a/b", 1);
        CHECK(!iso_sv_remember_start(memory, calls[i], false, NULL, 0));
    }
    CHECK_EQ_U64(executed, 1);
    end(last, ISO_SV_ERROR);
    last->done(last);
    CHECK_EQ_U64(ended, 3);
    for (unsigned i = 0; i < 3; i++) {
        CHECK_EQ_U64(calls[i]->outcome, ISO_SV_ERROR);
        CHECK_EQ_U64(calls[i]->reply.len, 4);
        CHECK_MEM(calls[i]->reply.ptr, calls[0]->reply.ptr, 4);
        CHECK(calls[i]->ctx == &ended);
    }
    for (unsigned i = 0; i < 3; i++) {
        iso_sv_call_destroy(calls[i]);
    }
    iso_sv_memory_destroy(memory);
}

TEST(those_who_wait_are_bounded)
{
    struct iso_sv_memory *memory = begin();
    struct iso_sv_call *calls[ISO_SV_REMEMBER_WAITERS + 2];
    at_once = false;
    for (unsigned i = 0; i < ISO_SV_REMEMBER_WAITERS + 1; i++) {
        calls[i] = call_of("a/b", 1);
        CHECK(!iso_sv_remember_start(memory, calls[i], false, NULL, 0));
    }
    calls[ISO_SV_REMEMBER_WAITERS + 1] = call_of("a/b", 1);
    CHECK(iso_sv_remember_start(memory, calls[ISO_SV_REMEMBER_WAITERS + 1], false, NULL, 0));
    CHECK_EQ_U64(calls[ISO_SV_REMEMBER_WAITERS + 1]->outcome, ISO_SV_BUSY);
    end(last, ISO_SV_DONE);
    last->done(last);
    CHECK_EQ_U64(ended, ISO_SV_REMEMBER_WAITERS + 1);
    for (unsigned i = 0; i < ISO_COUNT_OF(calls); i++) {
        iso_sv_call_destroy(calls[i]);
    }
    iso_sv_memory_destroy(memory);
}

TEST(results_are_forgotten_after_their_time)
{
    struct iso_sv_memory *memory = begin();
    CHECK_EQ_U64(once(memory, "a/b", 1, NULL), ISO_SV_DONE);
    now_ns += ISO_SV_REMEMBER_NS - 1;
    CHECK_EQ_U64(once(memory, "a/b", 1, NULL), ISO_SV_DONE);
    CHECK_EQ_U64(executed, 1);
    now_ns += 1;
    CHECK_EQ_U64(once(memory, "a/b", 1, NULL), ISO_SV_DONE);
    CHECK_EQ_U64(executed, 2);
    iso_sv_memory_destroy(memory);
}

TEST(of_each_caller_so_many_are_remembered)
{
    struct iso_sv_memory *memory = begin();
    CHECK_EQ_U64(once(memory, "other", 1, NULL), ISO_SV_DONE);
    for (uint64_t i = 0; i <= ISO_SV_REMEMBER_PER_CALLER; i++) {
        CHECK_EQ_U64(once(memory, "a/b", i, NULL), ISO_SV_DONE);
    }
    unsigned before = executed;
    CHECK_EQ_U64(once(memory, "a/b", 1, NULL), ISO_SV_DONE);
    CHECK_EQ_U64(once(memory, "a/b", ISO_SV_REMEMBER_PER_CALLER, NULL), ISO_SV_DONE);
    CHECK_EQ_U64(once(memory, "other", 1, NULL), ISO_SV_DONE);
    CHECK_EQ_U64(executed, before);
    CHECK_EQ_U64(once(memory, "a/b", 0, NULL), ISO_SV_DONE); /* the one too many */
    CHECK_EQ_U64(executed, before + 1);
    iso_sv_memory_destroy(memory);
}

TEST(callers_and_entries_are_bounded)
{
    struct iso_sv_memory *memory = begin();
    struct iso_sv_memory_stats stats;
    char caller[32];
    for (unsigned i = 0; i <= ISO_SV_REMEMBER_CALLERS; i++) {
        (void)iso_format(caller, sizeof caller, "key:%u", i);
        CHECK_EQ_U64(once(memory, caller, 0, NULL), ISO_SV_DONE);
    }
    iso_sv_memory_stats(memory, &stats);
    CHECK_EQ_U64(stats.callers, ISO_SV_REMEMBER_CALLERS);
    unsigned before = executed;
    CHECK_EQ_U64(once(memory, "key:0", 0, NULL), ISO_SV_DONE);
    CHECK_EQ_U64(executed, before + 1);
    for (unsigned i = 0; i < 40; i++) {
        (void)iso_format(caller, sizeof caller, "many:%u", i);
        for (uint64_t k = 0; k < 500; k++) {
            CHECK_EQ_U64(once(memory, caller, k, NULL), ISO_SV_DONE);
        }
    }
    iso_sv_memory_stats(memory, &stats);
    CHECK_EQ_U64(stats.entries, ISO_SV_REMEMBER_ENTRIES);
    iso_sv_memory_destroy(memory);
}

TEST(bytes_are_bounded_and_that_something_ran_is_still_known)
{
    struct iso_sv_memory *memory = begin();
    struct iso_sv_memory_stats stats;
    reply_len = ISO_SV_REMEMBER_BYTES / 3;
    for (uint64_t i = 0; i < 4; i++) {
        CHECK_EQ_U64(once(memory, "a/b", i, NULL), ISO_SV_DONE);
    }
    iso_sv_memory_stats(memory, &stats);
    CHECK(stats.bytes <= ISO_SV_REMEMBER_BYTES);
    CHECK_EQ_U64(stats.bytes, 3 * (ISO_SV_REMEMBER_BYTES / 3));
    CHECK_EQ_U64(once(memory, "a/b", 3, NULL), ISO_SV_DONE);
    CHECK_EQ_U64(once(memory, "a/b", 0, NULL), ISO_SV_UNKNOWN);
    CHECK_EQ_U64(executed, 4);
    reply_len = ISO_SV_REMEMBER_BYTES / 2 + 1;
    CHECK_EQ_U64(once(memory, "a/b", 9, NULL), ISO_SV_DONE);
    CHECK_EQ_U64(once(memory, "a/b", 9, NULL), ISO_SV_UNKNOWN);
    CHECK_EQ_U64(executed, 5);
    iso_sv_memory_destroy(memory);
}

TEST(what_is_remembered_moves)
{
    struct iso_sv_memory *from = begin();
    outcome_next = ISO_SV_TRAP;
    CHECK_EQ_U64(once(from, "a/b", 1, NULL), ISO_SV_TRAP);
    now_ns += ISO_SV_REMEMBER_NS / 2;
    outcome_next = ISO_SV_DONE;
    CHECK_EQ_U64(once(from, "a/b", 2, NULL), ISO_SV_DONE);
    struct iso_buf bytes;
    iso_buf_init(&bytes, iso_alloc_libc(), SIZE_MAX);
    CHECK_OK(iso_sv_memory_save(from, 0, &bytes));
    iso_sv_memory_destroy(from);
    struct iso_sv_memory *to = iso_sv_memory_create(iso_alloc_libc(), clock_ns);
    CHECK(to != NULL);
    struct iso_report report = {.set = false};
    CHECK_OK(iso_sv_memory_load(to, iso_buf_view(&bytes), &report));
    CHECK_EQ_U64(once(to, "a/b", 1, NULL), ISO_SV_TRAP);
    CHECK_EQ_U64(once(to, "a/b", 2, NULL), ISO_SV_DONE);
    CHECK_EQ_U64(executed, 2);
    now_ns += ISO_SV_REMEMBER_NS / 2; /* ages moved, too */
    CHECK_EQ_U64(once(to, "a/b", 1, NULL), ISO_SV_DONE);
    CHECK_EQ_U64(once(to, "a/b", 2, NULL), ISO_SV_DONE);
    CHECK_EQ_U64(executed, 3);
    iso_sv_memory_destroy(to);
    iso_buf_fini(&bytes);
}

/* What ended before a mark went ahead; only the rest is left to send. */
TEST(what_is_remembered_moves_in_two_parts)
{
    struct iso_sv_memory *from = begin();
    struct iso_sv_memory_stats stats;
    struct iso_buf ahead, rest;
    iso_buf_init(&ahead, iso_alloc_libc(), SIZE_MAX);
    iso_buf_init(&rest, iso_alloc_libc(), SIZE_MAX);
    uint64_t mark = iso_sv_memory_mark(from);
    CHECK_OK(iso_sv_memory_save(from, mark, &rest)); /* nothing yet */
    size_t empty = rest.len;
    rest.len = 0;
    CHECK(mark != 0);
    for (uint64_t i = 1; i <= 5; i++) {
        CHECK_EQ_U64(once(from, "a/b", i, NULL), ISO_SV_DONE);
    }
    mark = iso_sv_memory_mark(from);
    CHECK_OK(iso_sv_memory_save(from, 0, &ahead));
    CHECK_OK(iso_sv_memory_save(from, mark, &rest));
    CHECK_EQ_U64(rest.len, empty);
    rest.len = 0;
    CHECK_EQ_U64(once(from, "a/b", 6, NULL), ISO_SV_DONE);
    CHECK_OK(iso_sv_memory_save(from, mark, &rest));
    CHECK(rest.len < ahead.len / 2);
    iso_sv_memory_destroy(from);
    struct iso_sv_memory *to = iso_sv_memory_create(iso_alloc_libc(), clock_ns);
    CHECK(to != NULL);
    CHECK_OK(iso_sv_memory_load(to, iso_buf_view(&ahead), NULL));
    CHECK_OK(iso_sv_memory_load(to, iso_buf_view(&ahead), NULL)); /* repeated */
    CHECK_OK(iso_sv_memory_load(to, iso_buf_view(&rest), NULL));
    iso_sv_memory_stats(to, &stats);
    CHECK_EQ_U64(stats.entries, 6);
    for (uint64_t i = 1; i <= 6; i++) {
        CHECK_EQ_U64(once(to, "a/b", i, NULL), ISO_SV_DONE);
    }
    CHECK_EQ_U64(executed, 6);
    iso_sv_memory_destroy(to);
    iso_buf_fini(&ahead);
    iso_buf_fini(&rest);
}

/* A component that comes back to a device which remembers it. */
TEST(what_comes_back_counts_more_than_what_was_there)
{
    struct iso_sv_memory *memory = begin();
    struct iso_sv_memory_stats stats;
    struct iso_buf bytes;
    iso_buf_init(&bytes, iso_alloc_libc(), SIZE_MAX);
    CHECK_EQ_U64(once(memory, "a/b", 1, NULL), ISO_SV_DONE);
    CHECK_EQ_U64(once(memory, "a/b", 2, NULL), ISO_SV_DONE);
    CHECK_OK(iso_sv_memory_save(memory, 0, &bytes));
    CHECK_OK(iso_sv_memory_load(memory, iso_buf_view(&bytes), NULL));
    iso_sv_memory_stats(memory, &stats);
    CHECK_EQ_U64(stats.entries, 2);
    CHECK_EQ_U64(once(memory, "a/b", 1, NULL), ISO_SV_DONE);
    CHECK_EQ_U64(executed, 2);
    iso_buf_fini(&bytes);
    iso_sv_memory_destroy(memory);
}

static void count_visit(void *ctx, const struct iso_sv_call_id *id)
{
    (void)id;
    (*(unsigned *)ctx)++;
}

static void no_answer(struct iso_sv_memory *memory, const struct iso_sv_call *call)
{
    iso_sv_remember_relayed(memory, &call->id, ISO_SV_MOVED, ISO_SV_JSON, iso_bytes_from(NULL, 0),
                            iso_str_from_z(""));
}

/* There and back while a call is under way: who waited here is sent to ask again, and then waits
 * for the call that came back; it is not executed twice. */
TEST(a_call_under_way_may_come_back)
{
    struct iso_sv_memory *memory = begin();
    unsigned visited = 0;
    at_once = false;
    struct iso_sv_call *first = call_of("a/b", 5);
    CHECK(!iso_sv_remember_start(memory, first, false, NULL, 0));
    iso_sv_remember_each(memory, count_visit, &visited); /* it went; relayed to the other device */
    CHECK_EQ_U64(visited, 1);
    struct iso_sv_call *adopted = call_of("a/b", 5);
    iso_sv_remember_adopt(memory, adopted);
    iso_sv_remember_each(memory, count_visit, &visited); /* only the one that is here now */
    CHECK_EQ_U64(visited, 2);
    no_answer(memory, first);
    end(first, ISO_SV_GONE);
    first->done(first);
    CHECK_EQ_U64(ended, 1);
    CHECK_EQ_U64(first->outcome, ISO_SV_MOVED);
    struct iso_sv_call *again = call_of("a/b", 5);
    CHECK(!iso_sv_remember_start(memory, again, false, NULL, 0));
    CHECK_EQ_U64(executed, 1);
    end(adopted, ISO_SV_DONE);
    adopted->done(adopted);
    CHECK_EQ_U64(ended, 2);
    CHECK_EQ_U64(again->outcome, ISO_SV_DONE);
    iso_sv_call_destroy(again);
    iso_sv_call_destroy(first);
    iso_sv_memory_destroy(memory);
}

TEST(a_transient_call_that_is_not_relayed_is_unknown)
{
    struct iso_sv_memory *memory = begin();
    at_once = false;
    struct iso_sv_call *call = call_of("@device", 1);
    CHECK(!iso_sv_remember_start(memory, call, true, NULL, 0));
    no_answer(memory, call);
    end(call, ISO_SV_GONE);
    call->done(call);
    CHECK_EQ_U64(call->outcome, ISO_SV_UNKNOWN);
    iso_sv_call_destroy(call);
    iso_sv_memory_destroy(memory);
}

TEST(damaged_bytes_are_refused)
{
    struct iso_sv_memory *from = begin();
    struct iso_buf bytes;
    iso_buf_init(&bytes, iso_alloc_libc(), SIZE_MAX);
    for (uint64_t i = 0; i < 3; i++) {
        CHECK_EQ_U64(once(from, "a/b", i, NULL), ISO_SV_DONE);
    }
    CHECK_OK(iso_sv_memory_save(from, 0, &bytes));
    iso_sv_memory_destroy(from);
    for (size_t len = 0; len < bytes.len; len++) {
        struct iso_sv_memory *to = iso_sv_memory_create(iso_alloc_libc(), clock_ns);
        CHECK_ERR(iso_sv_memory_load(to, iso_bytes_from(bytes.ptr, len), NULL), ISO_E_SNAPSHOT);
        iso_sv_memory_destroy(to);
    }
    /* Any byte changed must not do harm. */
    for (size_t at = 0; at < bytes.len; at++) {
        bytes.ptr[at] ^= 0xff;
        struct iso_sv_memory *to = iso_sv_memory_create(iso_alloc_libc(), clock_ns);
        enum iso_err err = iso_sv_memory_load(to, iso_buf_view(&bytes), NULL);
        CHECK(err == ISO_OK || err == ISO_E_SNAPSHOT);
        iso_sv_memory_destroy(to);
        bytes.ptr[at] ^= 0xff;
    }
    iso_buf_fini(&bytes);
}

TEST(an_adopted_call_answers_who_repeats_it)
{
    struct iso_sv_memory *memory = begin();
    struct iso_sv_call *adopted = call_of("a/b", 5);
    iso_sv_remember_adopt(memory, adopted);
    struct iso_sv_call *again = call_of("a/b", 5);
    at_once = false;
    CHECK(!iso_sv_remember_start(memory, again, false, NULL, 0));
    CHECK_EQ_U64(executed, 0);
    end(adopted, ISO_SV_DONE);
    adopted->done(adopted); /* and goes */
    CHECK_EQ_U64(ended, 1);
    CHECK_EQ_U64(again->outcome, ISO_SV_DONE);
    iso_sv_call_destroy(again);
    at_once = true;
    CHECK_EQ_U64(once(memory, "a/b", 5, NULL), ISO_SV_DONE);
    CHECK_EQ_U64(executed, 0);
    iso_sv_memory_destroy(memory);
}

TEST(asking_begins_nothing)
{
    struct iso_sv_memory *memory = begin();
    struct iso_sv_call *call = call_of("a/b", 1);
    bool at_end = false;
    CHECK(!iso_sv_remember_ask(memory, call, &at_end));
    CHECK_EQ_U64(once(memory, "a/b", 1, NULL), ISO_SV_DONE);
    CHECK(iso_sv_remember_ask(memory, call, &at_end));
    CHECK(at_end);
    CHECK_EQ_U64(call->outcome, ISO_SV_DONE);
    CHECK_EQ_U64(executed, 1);
    iso_sv_call_destroy(call);
    iso_sv_memory_destroy(memory);
}

static void relay(void *ctx, const struct iso_sv_call_id *id)
{
    static const uint8_t reply[] = {9, 9};
    iso_sv_remember_relayed(ctx, id, ISO_SV_DONE, ISO_SV_JSON, iso_bytes_from(reply, 2),
                            iso_str_from_z(""));
}

TEST(a_relayed_call_ends_as_the_other_device_says)
{
    struct iso_sv_memory *memory = begin();
    at_once = false;
    struct iso_sv_call *call = call_of("@device", 1);
    CHECK(!iso_sv_remember_start(memory, call, true, NULL, 0));
    iso_sv_remember_each(memory, relay, memory);
    CHECK_EQ_U64(ended, 0);
    end(call, ISO_SV_GONE);
    call->done(call);
    CHECK_EQ_U64(ended, 1);
    CHECK_EQ_U64(call->outcome, ISO_SV_DONE);
    CHECK_EQ_U64(call->reply_actual, ISO_SV_JSON);
    CHECK_EQ_U64(call->reply.len, 2);
    struct iso_sv_memory_stats stats;
    iso_sv_memory_stats(memory, &stats);
    CHECK_EQ_U64(stats.entries, 0);
    iso_sv_call_destroy(call);
    iso_sv_memory_destroy(memory);
}

TEST(calls_outlive_the_memory)
{
    struct iso_sv_memory *memory = begin();
    at_once = false;
    struct iso_sv_call *call = call_of("a/b", 1);
    CHECK(!iso_sv_remember_start(memory, call, false, NULL, 0));
    iso_sv_memory_destroy(memory);
    end(call, ISO_SV_GONE);
    call->done(call);
    CHECK_EQ_U64(ended, 1);
    iso_sv_call_destroy(call);
}

TEST(a_key_makes_the_same_identity_for_the_same_token_only)
{
    struct iso_sv_call_id a, b, c, d;
    iso_sv_call_id_from_key(&a, iso_str_from_z("0123456789abcdef"), iso_str_from_z("k1"));
    iso_sv_call_id_from_key(&b, iso_str_from_z("0123456789abcdef"), iso_str_from_z("k1"));
    iso_sv_call_id_from_key(&c, iso_str_from_z("0123456789abcdef"), iso_str_from_z("k2"));
    iso_sv_call_id_from_key(&d, iso_str_from_z("fedcba9876543210"), iso_str_from_z("k1"));
    CHECK_STR(a.caller, b.caller);
    CHECK(strcmp(a.caller, c.caller) != 0 && strcmp(a.caller, d.caller) != 0);
    CHECK_EQ_U64(a.sequence, 0);
    CHECK(strlen(a.caller) < sizeof a.caller - 1);
}
