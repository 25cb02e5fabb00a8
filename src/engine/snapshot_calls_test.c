/*
 * Snapshots of running programs: stopped at every safepoint, moved to another engine and continued,
 * a program computes the same with the same fuel; pending host calls follow their policy; a hostile
 * snapshot of a running program leads nowhere.
 */
#include "engine/code.h"
#include "engine/snapshot_test_support.h"

/* ---- Moving while it runs ------------------------------------------------------------------- */

struct outcome {
    enum iso_run_state state;
    union iso_slot results[4];
    uint64_t fuel_used;
    uint8_t hash[32]; /* at the end */
    uint32_t moves;
};

/* Which instances there are, and what is called. */
struct program {
    void (*link)(struct world *world, struct iso_store *store);
    uint32_t instance; /* whose export */
    const char *name;
    union iso_slot args[6];
};

static void start(struct world *world, struct iso_store *store, const struct program *program)
{
    program->link(world, store);
    struct iso_func *func =
        iso_instance_export_func(store->instances[program->instance], program->name);
    CHECK(func != NULL);
    CHECK_OK(iso_start(store, func, program->args));
}

static void take_outcome(struct iso_store *store, struct outcome *outcome)
{
    outcome->state = iso_store_state(store);
    if (outcome->state == ISO_RUN_DONE) {
        iso_memory_copy(outcome->results, iso_results(store),
                        iso_func_type(store->entry)->result_slots * sizeof(union iso_slot));
    }
    outcome->fuel_used = iso_store_fuel_used(store);
    CHECK_OK(iso_store_hash(store, true, outcome->hash, NULL));
}

static void run_undisturbed(struct world *world, const struct program *program,
                            struct outcome *outcome)
{
    *outcome = (struct outcome){.state = ISO_RUN_IDLE};
    struct iso_store *store = world_store(world);
    start(world, store, program);
    while (iso_run(store) == ISO_RUN_PENDING) {
    }
    take_outcome(store, outcome);
    iso_store_destroy(store);
}

/* At every `stride`th safepoint. */
static void run_moving(struct world *world, const struct program *program, uint32_t stride,
                       struct outcome *outcome)
{
    *outcome = (struct outcome){.state = ISO_RUN_IDLE};
    struct iso_store *store = world_store(world);
    start(world, store, program);
    store = world_move(world, store, NULL, 0);
    for (uint32_t stops = 0;; stops++) {
        iso_store_step(store, true);
        enum iso_run_state state = iso_run(store);
        if (state != ISO_RUN_INTERRUPTED && state != ISO_RUN_PENDING) {
            break;
        }
        if (stops % stride == 0) {
            store = world_move(world, store, NULL, 0);
            outcome->moves++;
        }
    }
    store = world_move(world, store, NULL, 0); /* when it is over, too */
    take_outcome(store, outcome);
    iso_store_destroy(store);
}

static void check_same(const struct outcome *moved, const struct outcome *wanted)
{
    CHECK_EQ_U64(moved->state, wanted->state);
    CHECK_MEM(moved->results, wanted->results, sizeof wanted->results);
    CHECK_EQ_U64(moved->fuel_used, wanted->fuel_used);
    CHECK_MEM(moved->hash, wanted->hash, 32);
}

static void check_moving(struct world *world, const struct program *program, uint32_t moves_min)
{
    struct outcome wanted, moved;
    run_undisturbed(world, program, &wanted);
    CHECK(wanted.state == ISO_RUN_DONE || wanted.state == ISO_RUN_TRAPPED);
    run_moving(world, program, 1, &moved);
    check_same(&moved, &wanted);
    CHECK(moved.moves >= moves_min);
    run_moving(world, program, 3, &moved);
    check_same(&moved, &wanted);
}

static void link_one(struct world *world, struct iso_store *store)
{
    (void)world_instance(world, store, 0);
}

TEST(loops_with_parameters_move)
{
    struct world world;
    world_init(&world);
    WORLD_MODULE(&world, loops);
    struct program program = {.link = link_one, .name = "params", .args = {{.u32 = 12}}};
    check_moving(&world, &program, 11);
    struct outcome outcome;
    run_undisturbed(&world, &program, &outcome);
    CHECK_EQ_U64(outcome.results[0].u64, 1012 * UINT64_C(479001600));
    world_fini(&world);
}

TEST(nested_loops_move)
{
    struct world world;
    world_init(&world);
    WORLD_MODULE(&world, loops);
    struct program program = {.link = link_one, .name = "nested", .args = {{.u32 = 9}}};
    check_moving(&world, &program, 9 * 9);
    world_fini(&world);
}

TEST(values_of_every_type_move)
{
    struct world world;
    world_init(&world);
    WORLD_MODULE(&world, loops);
    struct program program = {.link = link_one,
                              .name = "types",
                              .args = {{.u32 = 7},
                                       {.f32 = 1.25f},
                                       {.f64 = 0.1},
                                       {.bytes = {1, 2, 3, 4, 5, 6, 7, 8}},
                                       {.bytes = {9, 10, 11, 12, 13, 14, 15, 16}}}};
    check_moving(&world, &program, 6);
    world_fini(&world);
}

TEST(recursion_moves)
{
    struct world world;
    world_init(&world);
    WORLD_MODULE(&world, calls);
    struct program fib = {.link = link_one, .name = "fib", .args = {{.u32 = 9}}};
    check_moving(&world, &fib, 100);
    struct outcome outcome;
    run_undisturbed(&world, &fib, &outcome);
    CHECK_EQ_U64(outcome.results[0].u32, 34);
    struct program even = {.link = link_one, .name = "even", .args = {{.u32 = 41}}};
    check_moving(&world, &even, 41);
    struct program deep = {.link = link_one, .name = "deep", .args = {{.u32 = 60}}};
    check_moving(&world, &deep, 60);
    world_fini(&world);
}

TEST(indirect_calls_with_values_below_move)
{
    struct world world;
    world_init(&world);
    WORLD_MODULE(&world, calls);
    struct program program = {.link = link_one, .name = "indirect", .args = {{.u32 = 6}}};
    check_moving(&world, &program, 50);
    world_fini(&world);
}

TEST(a_stack_overflow_is_the_same_after_a_move)
{
    struct world world;
    world_init(&world);
    world.config.stack_max_bytes = 4096;
    WORLD_MODULE(&world, calls);
    struct program program = {.link = link_one, .name = "deep", .args = {{.u32 = 100000}}};
    check_moving(&world, &program, 50);
    struct outcome outcome;
    run_undisturbed(&world, &program, &outcome);
    CHECK_EQ_U64(outcome.state, ISO_RUN_TRAPPED);
    world_fini(&world);
}

static void link_ping_pong(struct world *world, struct iso_store *store)
{
    CHECK_OK(iso_store_define_instance(store, "p", world_instance(world, store, 0)));
    (void)world_instance(world, store, 1);
}

TEST(calls_between_instances_move)
{
    struct world world;
    world_init(&world);
    WORLD_MODULE(&world, ping);
    WORLD_MODULE(&world, pong);
    struct program ping = {.link = link_ping_pong, .name = "ping", .args = {{.u32 = 20}}};
    check_moving(&world, &ping, 20);
    struct program pong = {
        .link = link_ping_pong, .instance = 1, .name = "pong", .args = {{.u32 = 21}}};
    check_moving(&world, &pong, 21);
    world_fini(&world);
}

TEST(a_deep_stack_moves_at_once)
{
    struct world world;
    world_init(&world);
    world.config.stack_max_bytes = 1 << 20;
    WORLD_MODULE(&world, calls);
    struct program program = {.link = link_one, .name = "deep", .args = {{.u32 = 20000}}};
    struct outcome wanted, moved = {.state = ISO_RUN_IDLE};
    run_undisturbed(&world, &program, &wanted);
    CHECK_EQ_U64(wanted.state, ISO_RUN_DONE);
    struct iso_store *store = world_store(&world);
    start(&world, store, &program);
    iso_store_set_fuel(store, wanted.fuel_used / 2);
    CHECK_EQ_U64(iso_run(store), ISO_RUN_OUT_OF_FUEL);
    store = world_move(&world, store, NULL, 0);
    CHECK(iso_store_fuel(store) == ISO_FUEL_UNLIMITED); /* the embedder's to set again */
    CHECK_EQ_U64(iso_run(store), ISO_RUN_DONE);
    take_outcome(store, &moved);
    check_same(&moved, &wanted);
    iso_store_destroy(store);
    world_fini(&world);
}

/* ---- Host calls ----------------------------------------------------------------------------- */

static enum iso_host_policy wait_policy;

struct seen {
    uint32_t issues;
    uint32_t reissues;
    uint64_t deadline;
    uint32_t answer_from; /* the issue that answers */
};
static struct seen seen;

static enum iso_host_result wait_fn(struct iso_host_call *call)
{
    seen.issues++;
    seen.reissues += call->reissued;
    seen.deadline = call->deadline;
    CHECK_EQ_U64(call->args[0].u32, 7);
    CHECK(call->args[1].u64 == 5 || call->args[1].u64 == 6);
    if (seen.issues < seen.answer_from) {
        call->deadline = 0x123456789a;
        return ISO_HOST_PENDING;
    }
    call->results[0].u32 = 1000;
    for (uint32_t i = 0; i < 4; i++) { /* lanes 0 to 3 of a v128 */
        iso_store_u32le(call->results[1 + i / 2].bytes + 4 * (i % 2), i + 1);
    }
    return ISO_HOST_DONE;
}

static enum iso_host_result quick_fn(struct iso_host_call *call)
{
    struct iso_buf buf;
    iso_buf_init(&buf, iso_alloc_libc(), SIZE_MAX);
    struct iso_report report;
    iso_report_init(&report);
    CHECK_ERR(iso_snapshot_save(call->store, NULL, 0, &buf, &report), ISO_E_REFUSED);
    CHECK_CONTAINS(report.text, "host function is running");
    uint8_t hash[32];
    CHECK_ERR(iso_store_hash(call->store, false, hash, NULL), ISO_E_REFUSED);
    call->results[0].u32 = call->args[0].u32 + 1;
    return ISO_HOST_DONE;
}

static void define_wait(struct world *world, struct iso_store *store)
{
    (void)world;
    CHECK_OK(iso_store_define_func(store, &(struct iso_host_func){.module = "h",
                                                                  .name = "wait",
                                                                  .params = "iI",
                                                                  .results = "iv",
                                                                  .fn = wait_fn,
                                                                  .policy = wait_policy}));
    CHECK_OK(iso_store_define_func(
        store, &(struct iso_host_func){
                   .module = "h", .name = "quick", .params = "i", .results = "i", .fn = quick_fn}));
}

static void world_init_waiter(struct world *world, enum iso_host_policy policy)
{
    wait_policy = policy;
    seen = (struct seen){.answer_from = 3};
    world_init(world);
    world->define = define_wait;
    WORLD_MODULE(world, waiter);
}

static struct iso_store *start_waiter(struct world *world, const char *name)
{
    struct program program = {.link = link_one, .name = name, .args = {{.u32 = 7}, {.u64 = 5}}};
    struct iso_store *store = world_store(world);
    start(world, store, &program);
    return store;
}

TEST(a_pending_call_is_issued_again)
{
    static const enum iso_host_policy policies[] = {ISO_HOST_REISSUE, ISO_HOST_DEADLINE};
    static const struct {
        const char *name;
        uint32_t result;
    } cases[] = {{"direct", 50 + 7 + 4 + 1000}, {"indirect", 1 + 1000}, {"wait", 1000}};
    for (size_t i = 0; i < 2; i++) {
        for (size_t k = 0; k < ISO_COUNT_OF(cases); k++) {
            struct world world;
            world_init_waiter(&world, policies[i]);
            struct iso_store *store = start_waiter(&world, cases[k].name);
            store = world_move(&world, store, NULL, 0); /* begun, not run */
            CHECK_EQ_U64(seen.issues, 0);
            CHECK_EQ_U64(iso_run(store), ISO_RUN_PENDING);
            store = world_move(&world, store, NULL, 0);
            struct iso_str module, name;
            CHECK(iso_store_pending(store, &module, &name));
            CHECK(iso_str_equal_z(module, "h") && iso_str_equal_z(name, "wait"));
            CHECK_EQ_U64(iso_run(store), ISO_RUN_PENDING);
            CHECK_EQ_U64(seen.issues, 2);
            CHECK_EQ_U64(seen.reissues, 1);
            CHECK_EQ_U64(seen.deadline, policies[i] == ISO_HOST_DEADLINE ? 0x123456789a : 0);
            store = world_move(&world, store, NULL, 0);
            CHECK_EQ_U64(iso_run(store), ISO_RUN_DONE);
            CHECK_EQ_U64(iso_results(store)[0].u32, cases[k].result);
            CHECK_EQ_U64(seen.issues, 3);
            store = world_move(&world, store, NULL, 0);
            CHECK_EQ_U64(iso_results(store)[0].u32, cases[k].result);
            iso_store_destroy(store);
            world_fini(&world);
        }
    }
}

TEST(an_interrupted_pending_call_moves)
{
    struct world world;
    world_init_waiter(&world, ISO_HOST_REISSUE);
    seen.answer_from = 2;
    struct iso_store *store = start_waiter(&world, "direct");
    CHECK_EQ_U64(iso_run(store), ISO_RUN_PENDING);
    uint8_t hashes[2][32];
    CHECK_OK(iso_store_hash(store, false, hashes[0], NULL));
    iso_store_interrupt(store);
    CHECK_EQ_U64(iso_run(store), ISO_RUN_INTERRUPTED);
    CHECK_OK(iso_store_hash(store, false, hashes[1], NULL));
    CHECK_MEM(hashes[1], hashes[0], 32);
    store = world_move(&world, store, NULL, 0);
    CHECK_EQ_U64(seen.issues, 1);
    CHECK_EQ_U64(iso_run(store), ISO_RUN_DONE);
    CHECK_EQ_U64(seen.reissues, 1);
    CHECK_EQ_U64(iso_results(store)[0].u32, 50 + 7 + 4 + 1000);
    iso_store_destroy(store);
    world_fini(&world);
}

TEST(a_completed_call_moves_with_its_results)
{
    static const char *const names[] = {"direct", "indirect", "wait"};
    union iso_slot results[3] = {{.u32 = 20}, {.u64 = 0}, {.u64 = 0}};
    iso_store_u32le(results[1].bytes, 3);     /* lane 0 */
    iso_store_u32le(results[2].bytes + 4, 4); /* lane 3 */
    static const uint32_t wanted[] = {50 + 7 + 4 + 20, 3 + 20, 20};
    for (size_t k = 0; k < ISO_COUNT_OF(names); k++) {
        struct world world;
        world_init_waiter(&world, ISO_HOST_REFUSE); /* which a completed call need not care about */
        struct iso_store *store = start_waiter(&world, names[k]);
        CHECK_EQ_U64(iso_run(store), ISO_RUN_PENDING);
        CHECK_OK(iso_complete(store, results));
        store = world_move(&world, store, NULL, 0);
        CHECK_EQ_U64(iso_run(store), ISO_RUN_DONE);
        CHECK_EQ_U64(iso_results(store)[0].u32, wanted[k]);
        CHECK_EQ_U64(seen.issues, 1);
        iso_store_destroy(store);
        world_fini(&world);
    }
}

TEST(a_pending_call_that_cannot_move_is_refused)
{
    struct world world;
    world_init_waiter(&world, ISO_HOST_REFUSE);
    struct iso_store *store = start_waiter(&world, "direct");
    CHECK_EQ_U64(iso_run(store), ISO_RUN_PENDING);
    struct iso_buf buf;
    iso_buf_init(&buf, &world.memory.alloc, SIZE_MAX);
    iso_report_init(&world.report);
    CHECK_ERR(iso_snapshot_save(store, NULL, 0, &buf, &world.report), ISO_E_REFUSED);
    CHECK_CONTAINS(world.report.text, "\"h\".\"wait\" is pending");
    CHECK_EQ_U64(buf.len, 0);
    uint8_t hash[32];
    CHECK_OK(iso_store_hash(store, false, hash, NULL));
    CHECK_OK(iso_complete_trap(store, "no"));
    CHECK_ERR(iso_snapshot_save(store, NULL, 0, &buf, NULL), ISO_E_REFUSED);
    CHECK_EQ_U64(iso_run(store), ISO_RUN_TRAPPED);
    store = world_move(&world, store, NULL, 0);
    CHECK_STR(iso_store_trap(store)->message, "no");
    CHECK_EQ_U64(iso_store_trap(store)->kind, ISO_TRAP_HOST);
    iso_buf_fini(&buf);
    iso_store_destroy(store);
    world_fini(&world);
}

TEST(a_host_function_cannot_snapshot_its_caller)
{
    struct world world;
    world_init_waiter(&world, ISO_HOST_REISSUE);
    struct iso_store *store = start_waiter(&world, "quick");
    CHECK_EQ_U64(iso_run(store), ISO_RUN_DONE);
    CHECK_EQ_U64(iso_results(store)[0].u32, 8);
    iso_store_destroy(store);
    world_fini(&world);
}

TEST(a_trap_is_remembered)
{
    struct world world;
    world_init_waiter(&world, ISO_HOST_REISSUE);
    struct iso_store *store = start_waiter(&world, "trap");
    CHECK_EQ_U64(iso_run(store), ISO_RUN_TRAPPED);
    store = world_move(&world, store, NULL, 0);
    CHECK_EQ_U64(iso_store_trap(store)->kind, ISO_TRAP_UNREACHABLE);
    CHECK_STR(iso_store_trap(store)->message, "unreachable");
    iso_store_destroy(store);
    world_fini(&world);
}

TEST(a_smaller_stack_is_refused)
{
    struct world world;
    world_init(&world);
    world.config.stack_max_bytes = 64 << 10;
    WORLD_MODULE(&world, calls);
    struct program program = {.link = link_one, .name = "deep", .args = {{.u32 = 1000}}};
    struct iso_store *store = world_store(&world);
    start(&world, store, &program);
    iso_store_set_fuel(store, 5000);
    CHECK_EQ_U64(iso_run(store), ISO_RUN_OUT_OF_FUEL);
    struct iso_buf buf = world_save(&world, store);
    iso_store_destroy(store);
    world.config.stack_max_bytes = 8 << 10;
    enum iso_err err = ISO_OK;
    CHECK(world_try_restore(&world, iso_buf_view(&buf), NULL, 0, &err) == NULL);
    CHECK_ERR(err, ISO_E_LIMIT);
    CHECK_CONTAINS(world.report.text, "8192 bytes");
    iso_buf_fini(&buf);
    world_fini(&world);
}

/* ---- Hostile bytes -------------------------------------------------------------------------- */

/* Restore what was made of a snapshot; when it is accepted, run it a while and save it again. */
static void try_hostile(struct world *world, const uint8_t *bytes, size_t len, uint32_t *refused,
                        uint32_t *accepted)
{
    enum iso_err err = ISO_OK;
    struct iso_store *store = world_try_restore(world, iso_bytes_from(bytes, len), NULL, 0, &err);
    if (store == NULL) {
        (*refused)++;
        CHECK(world->report.set);
        CHECK(err == ISO_E_SNAPSHOT || err == ISO_E_LINK || err == ISO_E_LIMIT);
        return;
    }
    (*accepted)++;
    seen = (struct seen){.answer_from = 1};
    iso_store_set_fuel(store, 2000);
    enum iso_run_state state = iso_run(store);
    if (state != ISO_RUN_PENDING) {
        struct iso_buf again = world_save(world, store);
        iso_buf_fini(&again);
    }
    iso_store_destroy(store);
}

static void mutate_all(struct world *world, struct iso_store *store, uint32_t accepted_min)
{
    static const uint8_t changes[] = {0x01, 0x02, 0x04, 0x80, 0xff, 0x7f};
    struct iso_buf buf = world_save(world, store);
    iso_store_destroy(store);
    uint32_t refused = 0, accepted = 0;
    for (size_t i = 0; i < buf.len; i++) {
        for (size_t k = 0; k < sizeof changes; k++) {
            uint8_t *copy = iso_alloc_new(&world->memory.alloc, buf.len);
            memcpy(copy, buf.ptr, buf.len);
            copy[i] ^= changes[k];
            snapshot_fix_sum(copy, buf.len);
            try_hostile(world, copy, buf.len, &refused, &accepted);
            iso_alloc_free(&world->memory.alloc, copy, buf.len);
        }
    }
    CHECK(refused > 300);
    CHECK(accepted > accepted_min);
    iso_buf_fini(&buf);
}

TEST(changed_bytes_of_a_running_program_do_no_harm)
{
    struct world world;
    world_init(&world);
    WORLD_MODULE(&world, ping);
    WORLD_MODULE(&world, pong);
    struct program program = {.link = link_ping_pong, .name = "ping", .args = {{.u32 = 5}}};
    struct iso_store *store = world_store(&world);
    start(&world, store, &program);
    iso_store_set_fuel(store, 30);
    CHECK_EQ_U64(iso_run(store), ISO_RUN_OUT_OF_FUEL);
    mutate_all(&world, store, 50);
    world_fini(&world);
}

TEST(changed_bytes_between_constants_and_copies_do_no_harm)
{
    struct world world;
    world_init(&world);
    WORLD_MODULE(&world, loops);
    struct program program = {.link = link_one, .name = "params", .args = {{.u32 = 5}}};
    struct iso_store *store = world_store(&world);
    start(&world, store, &program);
    iso_store_set_fuel(store, 40);
    CHECK_EQ_U64(iso_run(store), ISO_RUN_OUT_OF_FUEL);
    mutate_all(&world, store, 50);
    program.name = "types";
    store = world_store(&world);
    start(&world, store, &program);
    iso_store_set_fuel(store, 40);
    CHECK_EQ_U64(iso_run(store), ISO_RUN_OUT_OF_FUEL);
    mutate_all(&world, store, 50);
    world_fini(&world);
}

/* The host function checks its arguments, which a hostile snapshot may change: not here. */
static enum iso_host_result wait_any(struct iso_host_call *call)
{
    call->results[0].u32 = 1;
    call->results[1].u64 = call->results[2].u64 = 2;
    return ISO_HOST_DONE;
}

static enum iso_host_result wait_always(struct iso_host_call *call)
{
    (void)call;
    return ISO_HOST_PENDING;
}

static iso_host_fn wait_variant;

static void define_wait_variant(struct world *world, struct iso_store *store)
{
    (void)world;
    struct iso_host_func func = {.module = "h",
                                 .name = "wait",
                                 .params = "iI",
                                 .results = "iv",
                                 .fn = wait_variant,
                                 .policy = ISO_HOST_DEADLINE};
    CHECK_OK(iso_store_define_func(store, &func));
    func.name = "quick";
    func.params = func.results = "i";
    CHECK_OK(iso_store_define_func(store, &func));
}

TEST(changed_bytes_of_a_pending_call_do_no_harm)
{
    static const char *const names[] = {"direct", "indirect", "wait"};
    for (size_t i = 0; i < ISO_COUNT_OF(names); i++) {
        struct world world;
        world_init(&world);
        WORLD_MODULE(&world, waiter);
        world.define = define_wait_variant;
        wait_variant = wait_always;
        struct iso_store *store = start_waiter(&world, names[i]);
        CHECK_EQ_U64(iso_run(store), ISO_RUN_PENDING);
        wait_variant = wait_any;
        mutate_all(&world, store, 50);
        world_fini(&world);
    }
}

TEST(saving_frames_survives_any_failed_allocation)
{
    struct world world;
    world_init(&world);
    WORLD_MODULE(&world, ping);
    WORLD_MODULE(&world, pong);
    struct program program = {.link = link_ping_pong, .name = "ping", .args = {{.u32 = 30}}};
    struct iso_store *store = world_store(&world);
    start(&world, store, &program);
    iso_store_set_fuel(store, 200);
    CHECK_EQ_U64(iso_run(store), ISO_RUN_OUT_OF_FUEL);
    struct iso_buf good = world_save(&world, store);
    for (int restoring = 0; restoring < 2; restoring++) {
        for (uint64_t n = 1;; n++) {
            struct iso_buf buf;
            iso_buf_init(&buf, &world.memory.alloc, SIZE_MAX);
            struct iso_store *other = restoring ? world_store(&world) : store;
            world.memory.requests = 0;
            world.memory.fail_at = n;
            world.memory.failed = false;
            enum iso_err err =
                restoring ? iso_snapshot_restore(other, iso_buf_view(&good), world.modules[0], 2,
                                                 NULL, 0, NULL, 0, NULL)
                          : iso_snapshot_save(store, NULL, 0, &buf, NULL);
            world.memory.fail_at = 0;
            if (restoring) {
                iso_store_destroy(other);
            }
            iso_buf_fini(&buf);
            if (!world.memory.failed) {
                CHECK_OK(err);
                break;
            }
            CHECK(err == ISO_E_NOMEM || (restoring && err == ISO_E_LIMIT));
        }
    }
    iso_store_destroy(store);
    iso_buf_fini(&good);
    world_fini(&world);
}
