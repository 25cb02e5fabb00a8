/* Programs that want too much memory, time or stack, and damaged modules: each ends in a clear
 * error within its limits, and the process lives. */
#include "rig.h"

#include <pthread.h>

/* ---- Memories and tables ------------------------------------------------------------------- */

/* f grows the memory by 1,000 pages until it cannot, and returns its pages. */
static struct iso_buf module_that_grows(uint32_t min_pages)
{
    static const uint8_t code[] = {
        0x03, 0x40,       /* loop */
        0x41, 0xe8, 0x07, /*   i32.const 1000 */
        0x40, 0x00,       /*   memory.grow */
        0x41, 0x7f, 0x47, /*   i32.const -1, i32.ne */
        0x0d, 0x00, 0x0b, /*   br_if 0, end */
        0x3f, 0x00, 0x0b  /* memory.size, end */
    };
    struct iso_buf body = rig_body_begin();

    wasm_bytes(&body, code, sizeof code);
    return wasm_module_of("", "\x7f", min_pages, &body);
}

TEST(a_memory_that_only_grows_stops_at_the_limit_of_the_store)
{
    const struct iso_store_config config = {.memory_max_bytes = 200u << 20};
    struct rig rig;
    uint32_t pages = 0;

    rig_init(&rig);
    rig_instance(&rig, module_that_grows(1), &config);
    CHECK_OK(rig_call(&rig, 0, &pages));
    CHECK_EQ_U64(pages, 3001);
    CHECK_EQ_U64(iso_store_memory_bytes(rig.store), (uint64_t)3001 * ISO_PAGE_BYTES);
    rig_fini(&rig);
}

TEST(a_memory_that_only_grows_stops_where_the_machine_has_no_more)
{
    struct rig rig;
    uint32_t pages = 0;

    rig_init(&rig);
    rig.memory.max_bytes = 100 << 20;
    rig_instance(&rig, module_that_grows(1), NULL);
    CHECK_OK(rig_call(&rig, 0, &pages));
    CHECK(pages >= 1 && pages * (uint64_t)ISO_PAGE_BYTES <= 100 << 20);
    rig_fini(&rig);
}

TEST(a_memory_larger_than_the_store_allows_is_refused)
{
    const struct iso_store_config config = {.memory_max_bytes = 16u << 20};
    struct rig rig;

    rig_init(&rig);
    CHECK_OK(rig_module(&rig, module_that_grows(65536)));
    CHECK_OK(iso_store_create(rig.engine, &config, &rig.store));
    CHECK_ERR(iso_instance_create(rig.store, rig.module, &rig.instance, &rig.report), ISO_E_LIMIT);
    CHECK_CONTAINS(rig.report.text, "memory");
    rig_fini(&rig);
}

TEST(a_memory_of_4_GiB_that_the_machine_does_not_have_is_an_error)
{
    struct rig rig;

    rig_init(&rig);
    CHECK_OK(rig_module(&rig, module_that_grows(65536)));
    CHECK_OK(iso_store_create(rig.engine, NULL, &rig.store));
    enum iso_err err = iso_instance_create(rig.store, rig.module, &rig.instance, &rig.report);
    CHECK(err == ISO_E_NOMEM || err == ISO_E_LIMIT);
    rig_fini(&rig);
}

TEST(memories_of_65537_pages_are_invalid)
{
    struct rig rig;

    rig_init(&rig);
    enum iso_err err = rig_module(&rig, module_that_grows(65537));
    CHECK_ERR(err, ISO_E_INVALID);
    CHECK_CONTAINS(rig.report.text, "memory");
    rig_fini(&rig);
}

TEST(a_table_of_four_billion_elements_is_refused)
{
    struct iso_buf content = wasm_buf();
    struct rig rig;

    wasm_literal(&content, "\1\x70\0");
    wasm_u32(&content, UINT32_MAX);
    rig_init(&rig);
    CHECK_OK(rig_module(&rig, rig_one_section(WASM_TABLE, content)));
    CHECK_OK(iso_store_create(rig.engine, NULL, &rig.store));
    CHECK_ERR(iso_instance_create(rig.store, rig.module, &rig.instance, &rig.report), ISO_E_LIMIT);
    CHECK_CONTAINS(rig.report.text, "table");
    rig_fini(&rig);
}

/* ---- Time and recursion -------------------------------------------------------------------- */

static struct iso_buf module_that_loops(void)
{
    struct iso_buf body = rig_body_begin();

    wasm_literal(&body, "\x03\x40\x0c\0\x0b\x0b");
    return wasm_module_of("", "", -1, &body);
}

TEST(an_endless_loop_ends_with_its_fuel_and_can_be_dropped)
{
    struct rig rig;

    rig_init(&rig);
    rig_instance(&rig, module_that_loops(), NULL);
    for (int round = 0; round < 3; round++) {
        iso_store_set_fuel(rig.store, 100000);
        CHECK_OK(iso_start(rig.store, iso_instance_export_func(rig.instance, "f"), NULL));
        CHECK(iso_run(rig.store) == ISO_RUN_OUT_OF_FUEL);
        CHECK(iso_store_fuel(rig.store) < 100000);
        iso_drop(rig.store);
    }
    rig_fini(&rig);
}

static void *interrupt_store(void *store)
{
    iso_store_interrupt(store);
    return NULL;
}

TEST(an_endless_loop_is_interrupted_from_another_thread)
{
    struct rig rig;
    pthread_t thread;

    rig_init(&rig);
    rig_instance(&rig, module_that_loops(), NULL);
    CHECK_OK(iso_start(rig.store, iso_instance_export_func(rig.instance, "f"), NULL));
    CHECK(pthread_create(&thread, NULL, interrupt_store, rig.store) == 0);
    CHECK(iso_run(rig.store) == ISO_RUN_INTERRUPTED);
    CHECK(pthread_join(thread, NULL) == 0);
    iso_drop(rig.store);
    rig_fini(&rig);
}

/* f(x) = f(x), through a call (0x10) or an indirect call. */
static struct iso_buf module_that_recurses(uint32_t locals)
{
    struct iso_buf body = wasm_buf();

    wasm_u8(&body, 1);
    wasm_u32(&body, locals);
    wasm_u8(&body, ISO_TYPE_I64);
    wasm_literal(&body, "\x20\0\x10\0\x0b");
    return wasm_module_of("\x7f", "\x7f", -1, &body);
}

static void check_exhausted(uint32_t locals, const struct iso_store_config *config)
{
    struct rig rig;
    uint32_t result = 0;

    rig_init(&rig);
    rig_instance(&rig, module_that_recurses(locals), config);
    for (int round = 0; round < 2; round++) {
        CHECK_ERR(rig_call(&rig, 1, &result), ISO_E_TRAP);
        const struct iso_trap *trap = iso_store_trap(rig.store);
        CHECK(trap->kind == ISO_TRAP_STACK);
        CHECK_STR(iso_trap_text(trap->kind), "call stack exhausted");
        CHECK(trap->frame_count <= ISO_TRAP_FRAMES_MAX);
        CHECK(trap->frame_total >= trap->frame_count);
    }
    CHECK(rig.memory.peak_bytes < 64u << 20);
    rig_fini(&rig);
}

TEST(endless_recursion_exhausts_the_stack)
{
    check_exhausted(0, NULL);
}

TEST(endless_recursion_of_large_frames_exhausts_the_stack)
{
    check_exhausted(ISO_MAX_LOCALS - 1, NULL);
}

TEST(endless_recursion_exhausts_a_small_stack)
{
    const struct iso_store_config config = {.stack_max_bytes = 64 * 1024};

    check_exhausted(0, &config);
    check_exhausted(1000, &config);
}

TEST(a_frame_larger_than_the_stack_is_a_limit)
{
    const struct iso_store_config config = {.stack_max_bytes = 64 * 1024};
    struct rig rig;
    uint32_t result = 0;

    rig_init(&rig);
    rig_instance(&rig, module_that_recurses(ISO_MAX_LOCALS - 1), &config);
    CHECK_ERR(rig_call(&rig, 1, &result), ISO_E_LIMIT);
    CHECK(iso_store_state(rig.store) == ISO_RUN_IDLE);
    rig_fini(&rig);
}

/* ---- Damage -------------------------------------------------------------------------------- */

/* A small module with most sections in it. */
static struct iso_buf module_with_everything(void)
{
    struct iso_buf module = wasm_buf();
    struct iso_buf content = wasm_buf();
    struct iso_buf body = wasm_buf();

    wasm_header(&module);
    wasm_literal(&content, "\2\x60\1\x7f\1\x7f\x60\0\0");
    wasm_section(&module, WASM_TYPE, &content);
    wasm_literal(&content, "\2\0\1");
    wasm_section(&module, WASM_FUNCTION, &content);
    wasm_literal(&content, "\1\x70\1\2\x0a");
    wasm_section(&module, WASM_TABLE, &content);
    wasm_literal(&content, "\1\1\1\4");
    wasm_section(&module, WASM_MEMORY, &content);
    wasm_literal(&content, "\1\x7f\1\x41\x05\x0b");
    wasm_section(&module, WASM_GLOBAL, &content);
    wasm_literal(&content, "\1\1f\0\0");
    wasm_section(&module, WASM_EXPORT, &content);
    wasm_literal(&content, "\1");
    wasm_section(&module, WASM_START, &content);
    wasm_literal(&content, "\1\0\x41\0\x0b\2\0\1");
    wasm_section(&module, WASM_ELEMENT, &content);
    wasm_literal(&content, "\1");
    wasm_section(&module, WASM_DATA_COUNT, &content);
    wasm_u8(&content, 2);
    wasm_literal(&body, "\1\2\x7f\x02\x7f\x20\0\x20\0\x04\x7f\x41\1\x05\x23\0\x0b\x6a\x0b\x21\1"
                        "\x03\x40\x20\1\x41\1\x6b\x22\1\x0d\0\x0b\x20\0\x28\2\0\x0b");
    wasm_body(&content, &body);
    wasm_literal(&body, "\0\x41\0\x41\0\x41\0\xfc\x08\0\0\x0b");
    wasm_body(&content, &body);
    wasm_section(&module, WASM_CODE, &content);
    wasm_literal(&content, "\1\0\x41\4\x0b\3abc");
    wasm_section(&module, WASM_DATA, &content);
    return module;
}

/* Runs what a damaged module may still do, bounded by fuel. */
static void run_bounded(struct rig *rig)
{
    const struct iso_store_config config = {.memory_max_bytes = 16u << 20,
                                            .stack_max_bytes = 64 * 1024};

    CHECK_OK(iso_store_create(rig->engine, &config, &rig->store));
    iso_store_set_fuel(rig->store, 100000);
    enum iso_err err = iso_instance_create(rig->store, rig->module, &rig->instance, &rig->report);
    if (err != ISO_OK) {
        return;
    }
    struct iso_func *func = iso_instance_export_func(rig->instance, "f");
    if (func != NULL && iso_func_type(func)->param_count <= 1) {
        union iso_slot args[2] = {{.u64 = 8}, {.u64 = 0}};
        CHECK_OK(iso_start(rig->store, func, args));
        (void)iso_run(rig->store);
        iso_drop(rig->store);
    }
}

TEST(the_undamaged_module_is_valid_and_runs)
{
    struct rig rig;

    rig_init(&rig);
    enum iso_err err = rig_module(&rig, module_with_everything());
    if (err != ISO_OK) {
        TEST_FAIL("%s: %s", iso_err_name(err), rig.report.text);
    }
    run_bounded(&rig);
    CHECK(rig.instance != NULL);
    rig_fini(&rig);
}

TEST(every_truncation_is_refused_or_a_smaller_module)
{
    struct iso_buf whole = module_with_everything();

    for (size_t len = 0; len < whole.len; len++) {
        struct iso_buf cut = wasm_buf();
        struct rig rig;

        wasm_bytes(&cut, whole.ptr, len);
        rig_init(&rig);
        enum iso_err err = rig_module(&rig, cut);
        CHECK(err == ISO_OK || err == ISO_E_MALFORMED || err == ISO_E_INVALID);
        CHECK(err == ISO_OK || rig.report.set);
        /* Without its functions' bodies the module cannot be whole. */
        CHECK(err != ISO_OK || len <= 8 + 11);
        rig_fini(&rig);
    }
    iso_buf_fini(&whole);
}

TEST(no_single_damaged_byte_does_harm)
{
    struct iso_buf whole = module_with_everything();
    static const uint8_t masks[] = {0x01, 0x02, 0x40, 0x80, 0xff};

    for (size_t at = 0; at < whole.len; at++) {
        for (size_t mask = 0; mask < ISO_COUNT_OF(masks); mask++) {
            struct iso_buf damaged = wasm_buf();
            struct rig rig;

            wasm_bytes(&damaged, whole.ptr, whole.len);
            damaged.ptr[at] ^= masks[mask];
            rig_init(&rig);
            if (rig_module(&rig, damaged) == ISO_OK) {
                run_bounded(&rig);
            } else {
                CHECK(rig.report.set);
            }
            rig_fini(&rig);
        }
    }
    iso_buf_fini(&whole);
}
