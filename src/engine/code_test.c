/*
 * code_test.c - code memory: with a limit, code is thrown away and made again, and nothing but the
 * time that it takes tells.
 */
#include "base/test.h"
#include "engine/code.h"

/* clang-format off */
/* What the assembler of wabt makes of
 *     (module
 *       (import "host" "nest" (func $nest (param i32) (result i32)))
 *       (func $leaf1 (export "leaf") (param i32) (result i32) ...)   ;; of some 300 bytes of code,
 *       ...                                                          ;; likewise
 *       (func $leaf8 (param i32) (result i32) ...)
 *       (func $all (export "all") (param i32) (result i32)           ;; the sum of the eight
 *         (call $leaf1 (local.get 0)) (i32.add (call $leaf2 (local.get 0))) ...)
 *       (func $deep (export "deep") (param i32) (result i32)
 *         (if (result i32) (i32.eqz (local.get 0)) (then (i32.const 0))
 *           (else (i32.add (call $all (local.get 0))
 *                          (call $deep (i32.sub (local.get 0) (i32.const 1)))))))
 *       (func (export "nested") (param i32) (result i32)
 *         (i32.add (call $leaf1 (i32.const 5))
 *                  (i32.add (call $nest (local.get 0)) (call $all (local.get 0))))))
 */
static const uint8_t wasm_code[] = {
    0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x06, 0x01, 0x60, 0x01, 0x7f, 0x01, 0x7f,
    0x02, 0x0d, 0x01, 0x04, 0x68, 0x6f, 0x73, 0x74, 0x04, 0x6e, 0x65, 0x73, 0x74, 0x00, 0x00, 0x03,
    0x0c, 0x0b, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x07, 0x1e, 0x04,
    0x04, 0x6c, 0x65, 0x61, 0x66, 0x00, 0x01, 0x03, 0x61, 0x6c, 0x6c, 0x00, 0x09, 0x04, 0x64, 0x65,
    0x65, 0x70, 0x00, 0x0a, 0x06, 0x6e, 0x65, 0x73, 0x74, 0x65, 0x64, 0x00, 0x0b, 0x0a, 0x9c, 0x03,
    0x0b, 0x28, 0x00, 0x20, 0x00, 0x41, 0x07, 0x6a, 0x41, 0x03, 0x73, 0x20, 0x00, 0x6c, 0x41, 0x08,
    0x6a, 0x41, 0x04, 0x73, 0x20, 0x00, 0x6c, 0x41, 0x09, 0x6a, 0x41, 0x05, 0x73, 0x20, 0x00, 0x6c,
    0x41, 0x0a, 0x6a, 0x41, 0x06, 0x73, 0x20, 0x00, 0x6c, 0x0b, 0x28, 0x00, 0x20, 0x00, 0x41, 0x0e,
    0x6a, 0x41, 0x03, 0x73, 0x20, 0x00, 0x6c, 0x41, 0x0f, 0x6a, 0x41, 0x04, 0x73, 0x20, 0x00, 0x6c,
    0x41, 0x10, 0x6a, 0x41, 0x05, 0x73, 0x20, 0x00, 0x6c, 0x41, 0x11, 0x6a, 0x41, 0x06, 0x73, 0x20,
    0x00, 0x6c, 0x0b, 0x28, 0x00, 0x20, 0x00, 0x41, 0x15, 0x6a, 0x41, 0x03, 0x73, 0x20, 0x00, 0x6c,
    0x41, 0x16, 0x6a, 0x41, 0x04, 0x73, 0x20, 0x00, 0x6c, 0x41, 0x17, 0x6a, 0x41, 0x05, 0x73, 0x20,
    0x00, 0x6c, 0x41, 0x18, 0x6a, 0x41, 0x06, 0x73, 0x20, 0x00, 0x6c, 0x0b, 0x28, 0x00, 0x20, 0x00,
    0x41, 0x1c, 0x6a, 0x41, 0x03, 0x73, 0x20, 0x00, 0x6c, 0x41, 0x1d, 0x6a, 0x41, 0x04, 0x73, 0x20,
    0x00, 0x6c, 0x41, 0x1e, 0x6a, 0x41, 0x05, 0x73, 0x20, 0x00, 0x6c, 0x41, 0x1f, 0x6a, 0x41, 0x06,
    0x73, 0x20, 0x00, 0x6c, 0x0b, 0x28, 0x00, 0x20, 0x00, 0x41, 0x23, 0x6a, 0x41, 0x03, 0x73, 0x20,
    0x00, 0x6c, 0x41, 0x24, 0x6a, 0x41, 0x04, 0x73, 0x20, 0x00, 0x6c, 0x41, 0x25, 0x6a, 0x41, 0x05,
    0x73, 0x20, 0x00, 0x6c, 0x41, 0x26, 0x6a, 0x41, 0x06, 0x73, 0x20, 0x00, 0x6c, 0x0b, 0x28, 0x00,
    0x20, 0x00, 0x41, 0x2a, 0x6a, 0x41, 0x03, 0x73, 0x20, 0x00, 0x6c, 0x41, 0x2b, 0x6a, 0x41, 0x04,
    0x73, 0x20, 0x00, 0x6c, 0x41, 0x2c, 0x6a, 0x41, 0x05, 0x73, 0x20, 0x00, 0x6c, 0x41, 0x2d, 0x6a,
    0x41, 0x06, 0x73, 0x20, 0x00, 0x6c, 0x0b, 0x28, 0x00, 0x20, 0x00, 0x41, 0x31, 0x6a, 0x41, 0x03,
    0x73, 0x20, 0x00, 0x6c, 0x41, 0x32, 0x6a, 0x41, 0x04, 0x73, 0x20, 0x00, 0x6c, 0x41, 0x33, 0x6a,
    0x41, 0x05, 0x73, 0x20, 0x00, 0x6c, 0x41, 0x34, 0x6a, 0x41, 0x06, 0x73, 0x20, 0x00, 0x6c, 0x0b,
    0x28, 0x00, 0x20, 0x00, 0x41, 0x38, 0x6a, 0x41, 0x03, 0x73, 0x20, 0x00, 0x6c, 0x41, 0x39, 0x6a,
    0x41, 0x04, 0x73, 0x20, 0x00, 0x6c, 0x41, 0x3a, 0x6a, 0x41, 0x05, 0x73, 0x20, 0x00, 0x6c, 0x41,
    0x3b, 0x6a, 0x41, 0x06, 0x73, 0x20, 0x00, 0x6c, 0x0b, 0x29, 0x00, 0x20, 0x00, 0x10, 0x01, 0x20,
    0x00, 0x10, 0x02, 0x6a, 0x20, 0x00, 0x10, 0x03, 0x6a, 0x20, 0x00, 0x10, 0x04, 0x6a, 0x20, 0x00,
    0x10, 0x05, 0x6a, 0x20, 0x00, 0x10, 0x06, 0x6a, 0x20, 0x00, 0x10, 0x07, 0x6a, 0x20, 0x00, 0x10,
    0x08, 0x6a, 0x0b, 0x17, 0x00, 0x20, 0x00, 0x45, 0x04, 0x7f, 0x41, 0x00, 0x05, 0x20, 0x00, 0x10,
    0x09, 0x20, 0x00, 0x41, 0x01, 0x6b, 0x10, 0x0a, 0x6a, 0x0b, 0x0b, 0x10, 0x00, 0x41, 0x05, 0x10,
    0x01, 0x20, 0x00, 0x10, 0x00, 0x20, 0x00, 0x10, 0x09, 0x6a, 0x6a, 0x0b,
};
/* clang-format on */

enum {
    NO_LIMIT = 0,
    LARGE_LIMIT = 1 << 20,
    SMALL_LIMIT = 1500, /* "all", "deep" or "nested", and a leaf or two */
    TINY_LIMIT = 200    /* no leaf */
};

struct fixture {
    struct iso_alloc_test memory;
    struct iso_engine *engine;
    struct iso_module *module;
    uint64_t limit;
};

static void setup(struct fixture *f, uint64_t limit)
{
    *f = (struct fixture){.limit = limit};
    iso_alloc_test_init(&f->memory);
    const struct iso_engine_config config = {.alloc = &f->memory.alloc, .code_max_bytes = limit};
    CHECK_OK(iso_engine_create(&config, &f->engine));
    CHECK_OK(iso_module_create(f->engine, wasm_code, sizeof wasm_code, &f->module, NULL));
}

static void teardown(struct fixture *f)
{
    iso_module_destroy(f->module);
    CHECK_EQ_U64(iso_engine_code_bytes(f->engine), 0);
    iso_engine_destroy(f->engine);
    CHECK_EQ_U64(f->memory.live_bytes, 0);
}

/* nest(x) = all(x) + 1, in the instance that calls it. */
static enum iso_host_result host_nest(struct iso_host_call *call)
{
    union iso_slot arg = call->args[0], result;
    struct iso_func *all = iso_instance_export_func(call->caller, "all");
    CHECK_OK(iso_call(call->store, all, &arg, &result));
    call->results[0].u32 = result.u32 + 1;
    return ISO_HOST_DONE;
}

static struct iso_store *fresh_store(struct fixture *f, struct iso_instance **instance)
{
    struct iso_store *store;
    const struct iso_host_func nest = {
        .module = "host", .name = "nest", .params = "i", .results = "i", .fn = host_nest};
    CHECK_OK(iso_store_create(f->engine, NULL, &store));
    CHECK_OK(iso_store_define_func(store, &nest));
    if (instance != NULL) {
        CHECK_OK(iso_instance_create(store, f->module, instance, NULL));
    }
    return store;
}

static enum iso_err start(struct iso_instance *instance, const char *name, uint32_t arg)
{
    const union iso_slot slot = {.u32 = arg};
    return iso_start(iso_instance_store(instance), iso_instance_export_func(instance, name), &slot);
}

static void check_limit(const struct fixture *f)
{
    CHECK(f->limit == NO_LIMIT || iso_engine_code_bytes(f->engine) <= f->limit);
}

/* name(arg), looking at the code memory at each safepoint. */
static uint32_t stepped(struct fixture *f, struct iso_instance *instance, const char *name,
                        uint32_t arg)
{
    struct iso_store *store = iso_instance_store(instance);
    iso_store_step(store, true);
    CHECK_OK(start(instance, name, arg));
    enum iso_run_state state = ISO_RUN_INTERRUPTED;
    while (state == ISO_RUN_INTERRUPTED) {
        check_limit(f);
        state = iso_run(store);
    }
    iso_store_step(store, false);
    CHECK_EQ_U64(state, ISO_RUN_DONE);
    return iso_results(store)[0].u32;
}

static uint32_t result_with(uint64_t limit, const char *name, uint32_t arg)
{
    struct fixture f;
    struct iso_instance *instance;
    setup(&f, limit);
    struct iso_store *store = fresh_store(&f, &instance);
    uint32_t result = stepped(&f, instance, name, arg);
    CHECK_EQ_U64(stepped(&f, instance, name, arg), result);
    iso_store_destroy(store);
    teardown(&f);
    return result;
}

/* Bytes of code of the functions, without those that they call. */
static uint64_t bytes_of(const char *const *names, size_t count)
{
    struct fixture f;
    struct iso_instance *instance;
    setup(&f, NO_LIMIT);
    struct iso_store *store = fresh_store(&f, &instance);
    for (size_t i = 0; i < count; i++) {
        CHECK_OK(start(instance, names[i], 1)); /* which translates it */
        iso_drop(store);
    }
    uint64_t bytes = iso_engine_code_bytes(f.engine);
    iso_store_destroy(store);
    teardown(&f);
    return bytes;
}

/* Not enough for "all" and a leaf. */
static uint64_t too_little(void)
{
    static const char *const names[] = {"all", "leaf"};
    return bytes_of(names, ISO_COUNT_OF(names)) - 1;
}

TEST(results_are_the_same_with_little_code_memory)
{
    CHECK_EQ_U64(result_with(SMALL_LIMIT, "all", 3), result_with(NO_LIMIT, "all", 3));
    CHECK_EQ_U64(result_with(SMALL_LIMIT, "deep", 20), result_with(NO_LIMIT, "deep", 20));
    CHECK_EQ_U64(result_with(LARGE_LIMIT, "deep", 20), result_with(NO_LIMIT, "deep", 20));
}

TEST(what_waits_for_a_call_begun_by_a_host_function_stays)
{
    uint32_t expected = result_with(NO_LIMIT, "leaf", 5) + 2 * result_with(NO_LIMIT, "all", 9) + 1;
    struct fixture f;
    struct iso_instance *instance;
    setup(&f, SMALL_LIMIT);
    struct iso_store *store = fresh_store(&f, &instance);
    for (unsigned i = 0; i < 3; i++) {
        CHECK_OK(start(instance, "nested", 9));
        CHECK_EQ_U64(iso_run(store), ISO_RUN_DONE);
        CHECK_EQ_U64(iso_results(store)[0].u32, expected);
        check_limit(&f);
    }
    iso_store_destroy(store);
    teardown(&f);
}

TEST(a_function_that_does_not_fit_is_a_trap_that_says_so)
{
    struct fixture f;
    struct iso_instance *instance;
    setup(&f, too_little());
    struct iso_store *store = fresh_store(&f, &instance);
    CHECK_OK(start(instance, "all", 1));
    CHECK_EQ_U64(iso_run(store), ISO_RUN_TRAPPED);
    const struct iso_trap *trap = iso_store_trap(store);
    CHECK_EQ_U64(trap->kind, ISO_TRAP_CODE);
    CHECK(strncmp(trap->message, "code memory exhausted: function 1 takes ", 40) == 0);
    CHECK_EQ_U64(trap->frame_total, 1);
    CHECK_EQ_U64(trap->frames[0].func_index, 9);
    /* Others still run. */
    CHECK_OK(start(instance, "leaf", 1));
    CHECK_EQ_U64(iso_run(store), ISO_RUN_DONE);
    iso_store_destroy(store);
    teardown(&f);

    setup(&f, TINY_LIMIT);
    store = fresh_store(&f, &instance);
    CHECK_ERR(start(instance, "leaf", 1), ISO_E_LIMIT);
    CHECK_EQ_U64(iso_store_trap(store)->kind, ISO_TRAP_CODE);
    iso_store_destroy(store);
    teardown(&f);
}

TEST(a_call_that_cannot_begin_has_no_frames_of_an_earlier_trap)
{
    static const char *const names[] = {"leaf"};
    struct fixture f;
    struct iso_instance *instance;
    setup(&f, bytes_of(names, 1) - 1);
    struct iso_store *store = fresh_store(&f, &instance);
    CHECK_OK(start(instance, "deep", 1));
    CHECK_EQ_U64(iso_run(store), ISO_RUN_TRAPPED);
    CHECK_EQ_U64(iso_store_trap(store)->frame_total, 1);
    CHECK_ERR(start(instance, "leaf", 1), ISO_E_LIMIT);
    CHECK_EQ_U64(iso_store_trap(store)->kind, ISO_TRAP_CODE);
    CHECK_EQ_U64(iso_store_trap(store)->frame_total, 0);
    CHECK_EQ_U64(iso_store_trap(store)->frame_count, 0);
    iso_store_destroy(store);
    teardown(&f);
}

TEST(stores_share_code_and_keep_what_they_are_in)
{
    uint32_t expected = result_with(NO_LIMIT, "deep", 5);
    struct fixture f;
    struct iso_instance *first, *second;
    setup(&f, SMALL_LIMIT);
    struct iso_store *one = fresh_store(&f, &first), *two = fresh_store(&f, &second);
    /* The first stands in the midst of a call while the second runs. */
    iso_store_step(one, true);
    CHECK_OK(start(first, "deep", 5));
    for (unsigned i = 0; i < 7; i++) {
        CHECK_EQ_U64(iso_run(one), ISO_RUN_INTERRUPTED);
        CHECK_OK(start(second, "leaf", i));
        CHECK_EQ_U64(iso_run(two), ISO_RUN_DONE);
        check_limit(&f);
    }
    iso_store_step(one, false);
    CHECK_EQ_U64(iso_run(one), ISO_RUN_DONE);
    CHECK_EQ_U64(iso_results(one)[0].u32, expected);
    iso_store_destroy(one);
    CHECK_EQ_U64(stepped(&f, second, "deep", 5), expected);
    iso_store_destroy(two);
    /* What nobody holds any more stays for the next. */
    CHECK(iso_engine_code_bytes(f.engine) != 0);
    teardown(&f);
}

TEST(a_call_that_is_given_up_leaves_its_code_to_others)
{
    struct fixture f;
    struct iso_instance *first, *second;
    setup(&f, SMALL_LIMIT);
    struct iso_store *one = fresh_store(&f, &first), *two = fresh_store(&f, &second);
    iso_store_step(one, true);
    CHECK_OK(start(first, "deep", 5));
    for (unsigned i = 0; i < 7; i++) {
        CHECK_EQ_U64(iso_run(one), ISO_RUN_INTERRUPTED);
    }
    CHECK(one->code_held > SMALL_LIMIT / 4);
    iso_drop(one);
    CHECK_EQ_U64(one->code_held, 0);
    CHECK_EQ_U64(stepped(&f, second, "deep", 5), result_with(NO_LIMIT, "deep", 5));
    iso_store_destroy(one);
    iso_store_destroy(two);
    teardown(&f);
}

/* nest(x) = nested(x) of the instance that is the store's user data, which calls all(x). */
static enum iso_host_result host_nest_other(struct iso_host_call *call)
{
    struct iso_instance *other = *(struct iso_instance **)iso_store_user(call->store);
    union iso_slot arg = call->args[0], result;
    const char *name = call->caller == other ? "all" : "nested";
    CHECK_OK(iso_call(call->store, iso_instance_export_func(other, name), &arg, &result));
    call->results[0] = result;
    return ISO_HOST_DONE;
}

/* While another store holds code, so that there is never enough: "nested" is in frames of both
 * instances, but there is only one code of it. */
TEST(code_in_frames_of_two_instances_counts_once)
{
    static const char *const names[] = {"nested", "all", "leaf"};
    struct fixture f;
    struct iso_module *other_module;
    struct iso_instance *a, *b, *blocker;
    setup(&f, bytes_of(names, ISO_COUNT_OF(names)));
    CHECK_OK(iso_module_create(f.engine, wasm_code, sizeof wasm_code, &other_module, NULL));
    const struct iso_host_func nest = {
        .module = "host", .name = "nest", .params = "i", .results = "i", .fn = host_nest_other};
    const struct iso_store_config config = {.user = &b};
    struct iso_store *store, *other = fresh_store(&f, NULL);
    CHECK_OK(iso_instance_create(other, other_module, &blocker, NULL));
    CHECK_OK(start(blocker, "all", 1));
    CHECK_OK(iso_store_create(f.engine, &config, &store));
    CHECK_OK(iso_store_define_func(store, &nest));
    CHECK_OK(iso_instance_create(store, f.module, &a, NULL));
    CHECK_OK(iso_instance_create(store, f.module, &b, NULL));
    CHECK_OK(start(a, "nested", 9));
    CHECK_EQ_U64(iso_run(store), ISO_RUN_DONE);
    CHECK_EQ_U64(iso_results(store)[0].u32,
                 2 * result_with(NO_LIMIT, "leaf", 5) + 3 * result_with(NO_LIMIT, "all", 9));
    iso_store_destroy(store);
    iso_store_destroy(other);
    iso_module_destroy(other_module);
    teardown(&f);
}

/* A snapshot of "deep" in the midst of its fourth call of a leaf, without a limit. */
static struct iso_buf save_deep(void)
{
    struct fixture f;
    struct iso_instance *instance;
    struct iso_buf out;
    setup(&f, NO_LIMIT);
    struct iso_store *store = fresh_store(&f, &instance);
    iso_store_step(store, true);
    CHECK_OK(start(instance, "deep", 5));
    for (unsigned i = 0; i < 5; i++) {
        CHECK_EQ_U64(iso_run(store), ISO_RUN_INTERRUPTED);
    }
    iso_buf_init(&out, iso_alloc_libc(), SIZE_MAX);
    CHECK_OK(iso_snapshot_save(store, NULL, 0, &out, NULL));
    iso_store_destroy(store);
    teardown(&f);
    return out;
}

TEST(a_snapshot_continues_with_little_code_memory)
{
    struct iso_buf snapshot = save_deep();
    struct iso_bytes bytes = iso_bytes_from(snapshot.ptr, snapshot.len);
    struct fixture f;
    setup(&f, SMALL_LIMIT);
    struct iso_store *store = fresh_store(&f, NULL);
    CHECK_OK(iso_snapshot_restore(store, bytes, &f.module, 1, NULL, 0, NULL, 0, NULL));
    check_limit(&f);
    CHECK_EQ_U64(iso_run(store), ISO_RUN_DONE);
    CHECK_EQ_U64(iso_results(store)[0].u32, result_with(NO_LIMIT, "deep", 5));
    iso_store_destroy(store);
    teardown(&f);

    struct iso_report report;
    iso_report_init(&report);
    setup(&f, too_little());
    store = fresh_store(&f, NULL);
    CHECK_ERR(iso_snapshot_restore(store, bytes, &f.module, 1, NULL, 0, NULL, 0, &report),
              ISO_E_LIMIT);
    CHECK(strstr(report.text, "code memory exhausted") != NULL);
    iso_store_destroy(store);
    teardown(&f);
    iso_buf_fini(&snapshot);
}

TEST(every_failed_allocation_is_survived)
{
    uint32_t expected = result_with(NO_LIMIT, "deep", 2);
    bool done = false;
    for (uint32_t nth = 1; !done; nth++) {
        struct fixture f;
        struct iso_instance *instance;
        setup(&f, SMALL_LIMIT);
        struct iso_store *store = fresh_store(&f, &instance);
        f.memory.fail_at = f.memory.requests + nth;
        enum iso_err err = start(instance, "deep", 2);
        if (err == ISO_OK) {
            done = iso_run(store) == ISO_RUN_DONE;
            CHECK(done || iso_store_trap(store)->kind == ISO_TRAP_NOMEM);
            CHECK(!done || iso_results(store)[0].u32 == expected);
        } else {
            CHECK_ERR(err, ISO_E_NOMEM);
        }
        iso_store_destroy(store);
        teardown(&f);
    }
}
