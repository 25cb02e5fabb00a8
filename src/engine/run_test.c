/*
 * run_test.c - calls from the host and into it: fuel, interruption, pending and nested calls,
 * traps.
 */
#include "engine/run.h"

#include "base/test.h"

/* clang-format off */
/* What the assembler of wabt makes of
 *     (module
 *       (import "host" "double" (func $double (param i32) (result i32)))
 *       (import "host" "wait" (func $wait (param i64) (result i64)))
 *       (import "host" "nest" (func $nest (param i32) (result i32)))
 *       (import "host" "exit" (func $exit (param i32)))
 *       (memory (export "memory") 1)
 *       (type $t (func (param i32) (result i32)))
 *       (table funcref (elem $double $twice))
 *       (func $count (export "count") (param $n i32) (result i32) (local $i i32)
 *         (loop $l
 *           (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
 *         (local.get $i))
 *       (func $twice (export "twice") (param i32) (result i32)
 *         (i32.add (call $double (local.get 0)) (call $double (local.get 0))))
 *       (func (export "wait") (param i64) (result i64)
 *         (i64.add (call $wait (local.get 0)) (i64.const 1)))
 *       (func (export "indirect") (param i32 i32) (result i32)
 *         (i32.add (i32.const 5) (call_indirect (type $t) (local.get 0) (local.get 1))))
 *       (func (export "nest") (param i32) (result i32)
 *         (i32.add (call $nest (local.get 0)) (i32.const 100)))
 *       (func (export "exit") (param i32) (call $exit (local.get 0)) unreachable)
 *       (func $deep (export "deep") (param i32) (result i32)
 *         (i32.add (call $deep (i32.add (local.get 0) (i32.const 1))) (i32.const 1)))
 *       (func $inner (unreachable))
 *       (func $outer (export "outer") (call $inner))
 *       (func (export "forever") (loop $l (br $l)))
 *     )
 */
static const uint8_t wasm_run[] = {
    0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x18, 0x05, 0x60, 0x01, 0x7f, 0x01, 0x7f,
    0x60, 0x01, 0x7e, 0x01, 0x7e, 0x60, 0x01, 0x7f, 0x00, 0x60, 0x02, 0x7f, 0x7f, 0x01, 0x7f, 0x60,
    0x00, 0x00, 0x02, 0x33, 0x04, 0x04, 0x68, 0x6f, 0x73, 0x74, 0x06, 0x64, 0x6f, 0x75, 0x62, 0x6c,
    0x65, 0x00, 0x00, 0x04, 0x68, 0x6f, 0x73, 0x74, 0x04, 0x77, 0x61, 0x69, 0x74, 0x00, 0x01, 0x04,
    0x68, 0x6f, 0x73, 0x74, 0x04, 0x6e, 0x65, 0x73, 0x74, 0x00, 0x00, 0x04, 0x68, 0x6f, 0x73, 0x74,
    0x04, 0x65, 0x78, 0x69, 0x74, 0x00, 0x02, 0x03, 0x0b, 0x0a, 0x00, 0x00, 0x01, 0x03, 0x00, 0x02,
    0x00, 0x04, 0x04, 0x04, 0x04, 0x05, 0x01, 0x70, 0x01, 0x02, 0x02, 0x05, 0x03, 0x01, 0x00, 0x01,
    0x07, 0x53, 0x0a, 0x06, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 0x02, 0x00, 0x05, 0x63, 0x6f, 0x75,
    0x6e, 0x74, 0x00, 0x04, 0x05, 0x74, 0x77, 0x69, 0x63, 0x65, 0x00, 0x05, 0x04, 0x77, 0x61, 0x69,
    0x74, 0x00, 0x06, 0x08, 0x69, 0x6e, 0x64, 0x69, 0x72, 0x65, 0x63, 0x74, 0x00, 0x07, 0x04, 0x6e,
    0x65, 0x73, 0x74, 0x00, 0x08, 0x04, 0x65, 0x78, 0x69, 0x74, 0x00, 0x09, 0x04, 0x64, 0x65, 0x65,
    0x70, 0x00, 0x0a, 0x05, 0x6f, 0x75, 0x74, 0x65, 0x72, 0x00, 0x0c, 0x07, 0x66, 0x6f, 0x72, 0x65,
    0x76, 0x65, 0x72, 0x00, 0x0d, 0x09, 0x08, 0x01, 0x00, 0x41, 0x00, 0x0b, 0x02, 0x00, 0x05, 0x0a,
    0x6b, 0x0a, 0x15, 0x01, 0x01, 0x7f, 0x03, 0x40, 0x20, 0x01, 0x41, 0x01, 0x6a, 0x22, 0x01, 0x20,
    0x00, 0x49, 0x0d, 0x00, 0x0b, 0x20, 0x01, 0x0b, 0x0b, 0x00, 0x20, 0x00, 0x10, 0x00, 0x20, 0x00,
    0x10, 0x00, 0x6a, 0x0b, 0x09, 0x00, 0x20, 0x00, 0x10, 0x01, 0x42, 0x01, 0x7c, 0x0b, 0x0c, 0x00,
    0x41, 0x05, 0x20, 0x00, 0x20, 0x01, 0x11, 0x00, 0x00, 0x6a, 0x0b, 0x0a, 0x00, 0x20, 0x00, 0x10,
    0x02, 0x41, 0xe4, 0x00, 0x6a, 0x0b, 0x07, 0x00, 0x20, 0x00, 0x10, 0x03, 0x00, 0x0b, 0x0c, 0x00,
    0x20, 0x00, 0x41, 0x01, 0x6a, 0x10, 0x0a, 0x41, 0x01, 0x6a, 0x0b, 0x03, 0x00, 0x00, 0x0b, 0x04,
    0x00, 0x10, 0x0b, 0x0b, 0x07, 0x00, 0x03, 0x40, 0x0c, 0x00, 0x0b, 0x0b, 0x00, 0x6f, 0x04, 0x6e,
    0x61, 0x6d, 0x65, 0x01, 0x3d, 0x09, 0x00, 0x06, 0x64, 0x6f, 0x75, 0x62, 0x6c, 0x65, 0x01, 0x04,
    0x77, 0x61, 0x69, 0x74, 0x02, 0x04, 0x6e, 0x65, 0x73, 0x74, 0x03, 0x04, 0x65, 0x78, 0x69, 0x74,
    0x04, 0x05, 0x63, 0x6f, 0x75, 0x6e, 0x74, 0x05, 0x05, 0x74, 0x77, 0x69, 0x63, 0x65, 0x0a, 0x04,
    0x64, 0x65, 0x65, 0x70, 0x0b, 0x05, 0x69, 0x6e, 0x6e, 0x65, 0x72, 0x0c, 0x05, 0x6f, 0x75, 0x74,
    0x65, 0x72, 0x02, 0x23, 0x0e, 0x00, 0x00, 0x01, 0x00, 0x02, 0x00, 0x03, 0x00, 0x04, 0x02, 0x00,
    0x01, 0x6e, 0x01, 0x01, 0x69, 0x05, 0x00, 0x06, 0x00, 0x07, 0x00, 0x08, 0x00, 0x09, 0x00, 0x0a,
    0x00, 0x0b, 0x00, 0x0c, 0x00, 0x0d, 0x00, 0x04, 0x04, 0x01, 0x00, 0x01, 0x74,
};
/* clang-format on */

struct fixture {
    struct iso_alloc_test memory;
    struct iso_engine *engine;
    struct iso_module *module;
    struct iso_store *store;
    struct iso_instance *instance;
    /* What the host functions are told to do, and what they saw. */
    enum iso_host_result wait_answer;
    uint32_t waits, reissues;
    uint64_t seen_deadline;
    int nest_mode;
    enum iso_err nest_err;
    enum iso_run_state nest_state;
};

static enum iso_host_result host_double(struct iso_host_call *call)
{
    call->results[0].u32 = call->args[0].u32 * 2;
    return ISO_HOST_DONE;
}

static enum iso_host_result host_wait(struct iso_host_call *call)
{
    struct fixture *f = call->ctx;
    f->waits++;
    f->reissues += call->reissued ? 1u : 0u;
    f->seen_deadline = call->deadline;
    call->deadline = 77;
    if (f->wait_answer == ISO_HOST_DONE) {
        call->results[0].u64 = call->args[0].u64 * 10;
    }
    if (f->wait_answer == ISO_HOST_TRAP) {
        iso_host_trap(call, "waited %d times", (int)f->waits);
    }
    return f->wait_answer;
}

/* Modes of nest. */
enum { NEST_CALL, NEST_TRAP, NEST_LEAVE_LIVE, NEST_TWICE, NEST_RECURSE, NEST_SILENT_TRAP };

static enum iso_host_result host_nest(struct iso_host_call *call)
{
    struct fixture *f = call->ctx;
    union iso_slot arg = call->args[0];
    union iso_slot result = {.u32 = 0};
    struct iso_func *twice = iso_instance_export_func(f->instance, "twice");
    switch (f->nest_mode) {
    case NEST_SILENT_TRAP:
        CHECK_ERR(iso_call(call->store, iso_instance_export_func(f->instance, "outer"), NULL, NULL),
                  ISO_E_TRAP);
        return ISO_HOST_TRAP;
    case NEST_TRAP:
        f->nest_err =
            iso_call(call->store, iso_instance_export_func(f->instance, "outer"), NULL, NULL);
        break;
    case NEST_LEAVE_LIVE:
        f->nest_err = iso_start(call->store, twice, &arg);
        break;
    case NEST_TWICE:
        CHECK_OK(iso_start(call->store, twice, &arg));
        f->nest_err = iso_start(call->store, twice, &arg);
        f->nest_state = iso_run(call->store);
        result = iso_results(call->store)[0];
        break;
    case NEST_RECURSE:
        if (arg.u32 != 0) {
            arg.u32--;
            CHECK_OK(iso_call(call->store, iso_instance_export_func(f->instance, "nest"), &arg,
                              &result));
        }
        break;
    default:
        f->nest_err = iso_call(call->store, twice, &arg, &result);
        break;
    }
    call->results[0] = result;
    return ISO_HOST_DONE;
}

static enum iso_host_result host_exit(struct iso_host_call *call)
{
    iso_host_exit(call, call->args[0].u32);
    return ISO_HOST_TRAP;
}

static void define(struct fixture *f, const char *name, const char *params, const char *results,
                   iso_host_fn fn)
{
    const struct iso_host_func func = {
        .module = "host", .name = name, .params = params, .results = results, .fn = fn, .ctx = f};
    CHECK_OK(iso_store_define_func(f->store, &func));
}

static void setup_with(struct fixture *f, const struct iso_store_config *config)
{
    *f = (struct fixture){.wait_answer = ISO_HOST_DONE};
    iso_alloc_test_init(&f->memory);
    const struct iso_engine_config engine_config = {.alloc = &f->memory.alloc};
    CHECK_OK(iso_engine_create(&engine_config, &f->engine));
    CHECK_OK(iso_module_create(f->engine, wasm_run, sizeof wasm_run, &f->module, NULL));
    CHECK_OK(iso_store_create(f->engine, config, &f->store));
    define(f, "double", "i", "i", host_double);
    define(f, "wait", "I", "I", host_wait);
    define(f, "nest", "i", "i", host_nest);
    define(f, "exit", "i", "", host_exit);
    CHECK_OK(iso_instance_create(f->store, f->module, &f->instance, NULL));
}

static void setup(struct fixture *f)
{
    setup_with(f, NULL);
}

static void teardown(struct fixture *f)
{
    iso_store_destroy(f->store);
    iso_module_destroy(f->module);
    iso_engine_destroy(f->engine);
    CHECK_EQ_U64(f->memory.live_bytes, 0);
}

static struct iso_func *func(struct fixture *f, const char *name)
{
    struct iso_func *found = iso_instance_export_func(f->instance, name);
    CHECK(found != NULL);
    return found;
}

static uint32_t call_u32(struct fixture *f, const char *name, uint32_t x, uint32_t y)
{
    const union iso_slot args[2] = {{.u32 = x}, {.u32 = y}};
    union iso_slot result;
    CHECK_OK(iso_call(f->store, func(f, name), args, &result));
    return result.u32;
}

TEST(a_call_passes_arguments_and_results)
{
    struct fixture f;
    setup(&f);
    CHECK_EQ_U64(call_u32(&f, "count", 7, 0), 7);
    CHECK_EQ_U64(call_u32(&f, "twice", 21, 0), 84);
    CHECK_EQ_U64(iso_store_state(f.store), ISO_RUN_DONE);
    CHECK_EQ_U64(iso_results(f.store)[0].u32, 84);
    teardown(&f);
}

TEST(call_indirect_reaches_host_and_wasm_functions)
{
    struct fixture f;
    setup(&f);
    CHECK_EQ_U64(call_u32(&f, "indirect", 4, 0), 13);
    CHECK_EQ_U64(call_u32(&f, "indirect", 4, 1), 21);
    const union iso_slot args[2] = {{.u32 = 4}, {.u32 = 2}};
    CHECK_ERR(iso_call(f.store, func(&f, "indirect"), args, NULL), ISO_E_TRAP);
    CHECK_EQ_U64(iso_store_trap(f.store)->kind, ISO_TRAP_UNDEFINED_ELEMENT);
    teardown(&f);
}

TEST(a_host_function_can_be_called_directly)
{
    struct fixture f;
    setup(&f);
    struct iso_func *host = f.instance->imported_funcs[0];
    const union iso_slot arg = {.u32 = 8};
    union iso_slot result;
    CHECK_OK(iso_call(f.store, host, &arg, &result));
    CHECK_EQ_U64(result.u32, 16);
    teardown(&f);
}

TEST(fuel_stops_a_run_and_more_fuel_continues_it)
{
    struct fixture f;
    setup(&f);
    const union iso_slot arg = {.u32 = 100000};
    iso_store_set_fuel(f.store, 1000);
    CHECK_ERR(iso_call(f.store, func(&f, "count"), &arg, NULL), ISO_E_PENDING);
    CHECK_EQ_U64(iso_store_state(f.store), ISO_RUN_OUT_OF_FUEL);
    CHECK_EQ_U64(iso_store_fuel(f.store), 0);
    uint64_t used = iso_store_fuel_used(f.store);
    CHECK(used >= 1000 && used < 1100);
    CHECK_EQ_U64(iso_run(f.store), ISO_RUN_OUT_OF_FUEL); /* still none */
    CHECK_EQ_U64(iso_store_fuel_used(f.store), used);
    CHECK_ERR(iso_start(f.store, func(&f, "count"), &arg), ISO_E_STATE);
    iso_store_set_fuel(f.store, ISO_FUEL_UNLIMITED);
    CHECK_EQ_U64(iso_run(f.store), ISO_RUN_DONE);
    CHECK_EQ_U64(iso_results(f.store)[0].u32, 100000);
    teardown(&f);
}

/* The count is the same however often a run is stopped. */
TEST(fuel_is_charged_once)
{
    struct fixture f;
    setup(&f);
    (void)call_u32(&f, "count", 5000, 0);
    uint64_t whole = iso_store_fuel_used(f.store);
    const union iso_slot arg = {.u32 = 5000};
    CHECK_OK(iso_start(f.store, func(&f, "count"), &arg));
    iso_store_set_fuel(f.store, 37);
    uint32_t stops = 0;
    while (iso_run(f.store) == ISO_RUN_OUT_OF_FUEL) {
        stops++;
        iso_store_set_fuel(f.store, 37);
    }
    CHECK(stops > 100);
    CHECK_EQ_U64(iso_store_fuel_used(f.store), 2 * whole);
    CHECK_EQ_U64(iso_results(f.store)[0].u32, 5000);
    teardown(&f);
}

TEST(an_interruption_stops_at_the_next_safepoint_once)
{
    struct fixture f;
    setup(&f);
    iso_store_interrupt(f.store);
    CHECK_OK(iso_start(f.store, func(&f, "forever"), NULL));
    CHECK_EQ_U64(iso_run(f.store), ISO_RUN_INTERRUPTED);
    iso_store_set_fuel(f.store, 500);
    CHECK_EQ_U64(iso_run(f.store), ISO_RUN_OUT_OF_FUEL);
    iso_drop(f.store);
    CHECK_EQ_U64(iso_store_state(f.store), ISO_RUN_IDLE);
    iso_store_set_fuel(f.store, ISO_FUEL_UNLIMITED);
    CHECK_EQ_U64(call_u32(&f, "count", 3, 0), 3);
    teardown(&f);
}

TEST(stepping_stops_at_every_safepoint)
{
    struct fixture f;
    setup(&f);
    iso_store_step(f.store, true);
    const union iso_slot arg = {.u32 = 10};
    CHECK_OK(iso_start(f.store, func(&f, "count"), &arg));
    uint32_t stops = 0;
    while (iso_run(f.store) == ISO_RUN_INTERRUPTED && stops < 100) {
        stops++;
        if (stops == 1) {
            iso_store_step(f.store, true);
        }
    }
    CHECK_EQ_U64(iso_store_state(f.store), ISO_RUN_DONE);
    CHECK_EQ_U64(iso_results(f.store)[0].u32, 10);
    /* the entry, the loop from above, nine rounds more */
    CHECK_EQ_U64(stops, 11);
    teardown(&f);
}

TEST(a_pending_call_is_issued_again)
{
    struct fixture f;
    setup(&f);
    const union iso_slot arg = {.u64 = 6};
    f.wait_answer = ISO_HOST_PENDING;
    CHECK_ERR(iso_call(f.store, func(&f, "wait"), &arg, NULL), ISO_E_PENDING);
    CHECK_EQ_U64(iso_store_state(f.store), ISO_RUN_PENDING);
    struct iso_str module;
    struct iso_str name;
    CHECK(iso_store_pending(f.store, &module, &name));
    CHECK(iso_str_equal(name, iso_str_from_z("wait")));
    CHECK_EQ_U64(iso_run(f.store), ISO_RUN_PENDING);
    CHECK_EQ_U64(f.seen_deadline, 77);
    f.wait_answer = ISO_HOST_DONE;
    CHECK_EQ_U64(iso_run(f.store), ISO_RUN_DONE);
    CHECK_EQ_U64(iso_results(f.store)[0].u64, 61);
    CHECK_EQ_U64(f.waits, 3);
    CHECK_EQ_U64(f.reissues, 2);
    teardown(&f);
}

TEST(a_pending_call_can_be_completed)
{
    struct fixture f;
    setup(&f);
    const union iso_slot arg = {.u64 = 6};
    const union iso_slot answer = {.u64 = 1000};
    CHECK_ERR(iso_complete(f.store, &answer), ISO_E_STATE);
    f.wait_answer = ISO_HOST_PENDING;
    CHECK_ERR(iso_call(f.store, func(&f, "wait"), &arg, NULL), ISO_E_PENDING);
    CHECK_OK(iso_complete(f.store, &answer));
    CHECK_ERR(iso_complete(f.store, &answer), ISO_E_STATE);
    CHECK_EQ_U64(iso_run(f.store), ISO_RUN_DONE);
    CHECK_EQ_U64(iso_results(f.store)[0].u64, 1001);
    CHECK_EQ_U64(f.waits, 1);
    teardown(&f);
}

TEST(a_pending_call_can_end_as_a_trap)
{
    struct fixture f;
    setup(&f);
    const union iso_slot arg = {.u64 = 6};
    f.wait_answer = ISO_HOST_PENDING;
    CHECK_ERR(iso_call(f.store, func(&f, "wait"), &arg, NULL), ISO_E_PENDING);
    CHECK_OK(iso_complete_trap(f.store, "the line was cut"));
    CHECK_EQ_U64(iso_run(f.store), ISO_RUN_TRAPPED);
    CHECK_EQ_U64(iso_store_trap(f.store)->kind, ISO_TRAP_HOST);
    CHECK_STR(iso_store_trap(f.store)->message, "the line was cut");
    f.wait_answer = ISO_HOST_TRAP;
    CHECK_ERR(iso_call(f.store, func(&f, "wait"), &arg, NULL), ISO_E_TRAP);
    CHECK_STR(iso_store_trap(f.store)->message, "waited 2 times");
    teardown(&f);
}

TEST(an_interrupted_pending_call_stays_pending)
{
    struct fixture f;
    setup(&f);
    const union iso_slot arg = {.u64 = 6};
    f.wait_answer = ISO_HOST_PENDING;
    CHECK_ERR(iso_call(f.store, func(&f, "wait"), &arg, NULL), ISO_E_PENDING);
    iso_store_interrupt(f.store);
    CHECK_EQ_U64(iso_run(f.store), ISO_RUN_INTERRUPTED);
    CHECK_EQ_U64(f.waits, 1);
    f.wait_answer = ISO_HOST_DONE;
    CHECK_EQ_U64(iso_run(f.store), ISO_RUN_DONE);
    CHECK_EQ_U64(f.reissues, 1);
    teardown(&f);
}

TEST(a_host_function_may_call_back)
{
    struct fixture f;
    setup(&f);
    CHECK_EQ_U64(call_u32(&f, "nest", 3, 0), 112);
    CHECK_OK(f.nest_err);
    f.nest_mode = NEST_RECURSE;
    CHECK_EQ_U64(call_u32(&f, "nest", 5, 0), 600);
    f.nest_mode = NEST_TWICE;
    CHECK_EQ_U64(call_u32(&f, "nest", 3, 0), 112);
    CHECK_ERR(f.nest_err, ISO_E_STATE);
    CHECK_EQ_U64(f.nest_state, ISO_RUN_DONE);
    teardown(&f);
}

TEST(an_inner_trap_is_the_host_functions_affair)
{
    struct fixture f;
    setup(&f);
    f.nest_mode = NEST_TRAP;
    CHECK_EQ_U64(call_u32(&f, "nest", 3, 0), 100);
    CHECK_ERR(f.nest_err, ISO_E_TRAP);
    CHECK_EQ_U64(iso_store_state(f.store), ISO_RUN_DONE);
    teardown(&f);
}

TEST(an_inner_call_that_is_left_behind_is_dropped)
{
    struct fixture f;
    setup(&f);
    f.nest_mode = NEST_LEAVE_LIVE;
    CHECK_EQ_U64(call_u32(&f, "nest", 3, 0), 100);
    CHECK_OK(f.nest_err);
    CHECK_EQ_U64(call_u32(&f, "twice", 1, 0), 4);
    teardown(&f);
}

TEST(exit_is_a_trap_with_a_status)
{
    struct fixture f;
    setup(&f);
    const union iso_slot arg = {.u32 = 42};
    CHECK_ERR(iso_call(f.store, func(&f, "exit"), &arg, NULL), ISO_E_TRAP);
    CHECK_EQ_U64(iso_store_trap(f.store)->kind, ISO_TRAP_EXIT);
    CHECK_EQ_U64(iso_store_trap(f.store)->exit_status, 42);
    teardown(&f);
}

TEST(a_trap_has_a_backtrace_with_offsets)
{
    struct fixture f;
    setup(&f);
    CHECK_ERR(iso_call(f.store, func(&f, "outer"), NULL, NULL), ISO_E_TRAP);
    const struct iso_trap *trap = iso_store_trap(f.store);
    CHECK_EQ_U64(trap->kind, ISO_TRAP_UNREACHABLE);
    CHECK_EQ_U64(trap->frame_count, 2);
    CHECK_EQ_U64(trap->frames[0].func_index, 11);
    CHECK_EQ_U64(trap->frames[0].offset, 0x12d);
    CHECK_EQ_U64(trap->frames[1].func_index, 12);
    CHECK_EQ_U64(trap->frames[1].offset, 0x131);
    struct iso_str name = iso_module_func_name(f.module, 11);
    CHECK(iso_str_equal(name, iso_str_from_z("inner")));
    teardown(&f);
}

TEST(endless_recursion_ends_cleanly)
{
    struct fixture f;
    const struct iso_store_config config = {.stack_max_bytes = 64 * 1024};
    setup_with(&f, &config);
    const union iso_slot arg = {.u32 = 0};
    CHECK_ERR(iso_call(f.store, func(&f, "deep"), &arg, NULL), ISO_E_TRAP);
    const struct iso_trap *trap = iso_store_trap(f.store);
    CHECK_EQ_U64(trap->kind, ISO_TRAP_STACK);
    CHECK_EQ_U64(trap->frame_count, ISO_TRAP_FRAMES_MAX);
    CHECK(trap->frame_total > 1000);
    CHECK_EQ_U64(trap->frames[ISO_TRAP_FRAMES_MAX - 1].func_index, 10);
    CHECK_EQ_U64(call_u32(&f, "count", 3, 0), 3);
    teardown(&f);
}

TEST(a_call_that_cannot_begin_leaves_no_results_of_an_earlier_one)
{
    struct fixture f;
    setup(&f);
    const union iso_slot arg = {.u32 = 3};
    CHECK_EQ_U64(call_u32(&f, "twice", 1, 0), 4);
    CHECK_EQ_U64(iso_store_state(f.store), ISO_RUN_DONE);
    f.memory.fail_at = f.memory.requests + 1;
    CHECK_ERR(iso_call(f.store, func(&f, "count"), &arg, NULL), ISO_E_NOMEM);
    f.memory.fail_at = 0;
    CHECK_EQ_U64(iso_store_state(f.store), ISO_RUN_IDLE);
    CHECK_EQ_U64(call_u32(&f, "count", 3, 0), 3);
    teardown(&f);
}

TEST(memory_shortage_while_translating_is_a_trap)
{
    struct fixture f;
    setup(&f);
    for (uint64_t nth = 1;; nth++) {
        const union iso_slot arg = {.u32 = 3};
        union iso_slot result = {.u32 = 0};
        f.memory.fail_at = f.memory.requests + nth;
        enum iso_err err = iso_call(f.store, func(&f, "count"), &arg, &result);
        f.memory.fail_at = 0;
        if (err == ISO_OK) {
            CHECK(nth > 3);
            CHECK_EQ_U64(result.u32, 3);
            break;
        }
        CHECK_ERR(err, ISO_E_NOMEM);
    }
    teardown(&f);
}

TEST(a_trap_that_only_the_embedder_saw)
{
    struct fixture f;
    setup(&f);
    const union iso_slot arg = {.u32 = 3};
    CHECK_ERR(iso_call(f.store, func(&f, "outer"), NULL, NULL), ISO_E_TRAP);
    CHECK_OK(iso_call(f.store, func(&f, "count"), &arg, NULL));
    iso_store_trap_set(f.store, "the result is not a number");
    CHECK_EQ_U64(iso_store_state(f.store), ISO_RUN_TRAPPED);
    CHECK_EQ_U64(iso_store_trap(f.store)->kind, ISO_TRAP_HOST);
    CHECK_STR(iso_store_trap(f.store)->message, "the result is not a number");
    CHECK_EQ_U64(iso_store_trap(f.store)->frame_count, 0);
    CHECK_EQ_U64(iso_store_trap(f.store)->frame_total, 0);
    CHECK_OK(iso_call(f.store, func(&f, "count"), &arg, NULL));
    teardown(&f);
}

TEST(the_function_under_way)
{
    struct fixture f;
    setup(&f);
    const union iso_slot arg = {.u64 = 6};
    CHECK(iso_store_func(f.store) == NULL);
    f.wait_answer = ISO_HOST_PENDING;
    CHECK_OK(iso_start(f.store, func(&f, "wait"), &arg));
    CHECK(iso_store_func(f.store) == func(&f, "wait"));
    CHECK_EQ_U64(iso_run(f.store), ISO_RUN_PENDING);
    CHECK(iso_store_func(f.store) == func(&f, "wait"));
    f.wait_answer = ISO_HOST_DONE;
    CHECK_EQ_U64(iso_run(f.store), ISO_RUN_DONE);
    CHECK(iso_store_func(f.store) == NULL);
    teardown(&f);
}

TEST(a_host_function_that_does_not_say_why_it_traps_is_named)
{
    struct fixture f;
    setup(&f);
    f.nest_mode = NEST_SILENT_TRAP;
    const union iso_slot arg = {.u32 = 1};
    CHECK_ERR(iso_call(f.store, func(&f, "nest"), &arg, NULL), ISO_E_TRAP);
    CHECK_EQ_U64(iso_store_trap(f.store)->kind, ISO_TRAP_HOST);
    CHECK_STR(iso_store_trap(f.store)->message, "host function \"host\".\"nest\" trapped");
    teardown(&f);
}
