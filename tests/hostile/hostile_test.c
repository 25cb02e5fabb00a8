/* Modules that want too much: each must end in a clear error within its limits, and the process
 * lives. The engine runs on an allocator that refuses to pass MEMORY_MAX, so that a count that is
 * believed before it is checked shows as the wrong error. */
#include "engine/engine.h"
#include "engine/limits.h"
#include "platform/platform.h"
#include "support/wasm_writer.h"

#include "base/test.h"

#include <pthread.h>
#include <stdlib.h>

enum { MEMORY_MAX = 512 << 20 };

/* An engine under a memory cap, with one module and one store. */
struct bench {
    struct iso_alloc_test memory;
    struct iso_engine *engine;
    struct iso_buf bytes;
    struct iso_module *module;
    struct iso_store *store;
    struct iso_instance *instance;
    struct iso_report report;
};

static void bench_init(struct bench *bench)
{
    struct iso_engine_config config = {.alloc = &bench->memory.alloc};

    *bench = (struct bench){.engine = NULL};
    iso_alloc_test_init(&bench->memory);
    bench->memory.max_bytes = MEMORY_MAX;
    iso_report_init(&bench->report);
    CHECK_OK(iso_engine_create(&config, &bench->engine));
}

static void bench_fini(struct bench *bench)
{
    iso_store_destroy(bench->store);
    iso_module_destroy(bench->module);
    iso_engine_destroy(bench->engine);
    iso_buf_fini(&bench->bytes);
    CHECK_EQ_U64(bench->memory.live_bytes, 0);
}

/* Decodes and validates; the bytes are taken. */
static enum iso_err bench_module(struct bench *bench, struct iso_buf bytes)
{
    bench->bytes = bytes;
    return iso_module_create(bench->engine, bytes.ptr, bytes.len, &bench->module, &bench->report);
}

/* The module must be refused with the error and words that contain `part`. */
static void check_refused(struct iso_buf bytes, enum iso_err expected, const char *part)
{
    struct bench bench;

    bench_init(&bench);
    CHECK_ERR(bench_module(&bench, bytes), expected);
    CHECK(bench.module == NULL);
    CHECK_CONTAINS(bench.report.text, part);
    bench_fini(&bench);
}

/* The module must be valid and instantiable under the store configuration. */
static void bench_instance(struct bench *bench, struct iso_buf bytes,
                           const struct iso_store_config *config)
{
    enum iso_err err = bench_module(bench, bytes);

    if (err != ISO_OK) {
        TEST_FAIL("module: %s: %s", iso_err_name(err), iso_report_text(&bench->report, err));
    }
    CHECK_OK(iso_store_create(bench->engine, config, &bench->store));
    err = iso_instance_create(bench->store, bench->module, &bench->instance, &bench->report);
    if (err != ISO_OK) {
        TEST_FAIL("instance: %s: %s", iso_err_name(err), iso_report_text(&bench->report, err));
    }
}

static enum iso_err bench_call(struct bench *bench, uint32_t arg, uint32_t *result)
{
    union iso_slot args[1] = {{.u32 = arg}};
    union iso_slot results[1] = {{.u64 = 0}};
    enum iso_err err =
        iso_call(bench->store, iso_instance_export_func(bench->instance, "f"), args, results);

    if (err == ISO_OK) {
        *result = results[0].u32;
    }
    return err;
}

/* A module of only one section with these contents (released). */
static struct iso_buf one_section(enum wasm_section_id id, struct iso_buf content)
{
    struct iso_buf module = wasm_buf();

    wasm_header(&module);
    wasm_section(&module, id, &content);
    return module;
}

/* A body without locals. */
static struct iso_buf body_begin(void)
{
    struct iso_buf body = wasm_buf();

    wasm_u8(&body, 0);
    return body;
}

/* ---- Counts ------------------------------------------------------------------------------ */

TEST(a_count_larger_than_the_section_is_refused_without_allocating_for_it)
{
    static const enum wasm_section_id ids[] = {
        WASM_TYPE,   WASM_IMPORT, WASM_FUNCTION, WASM_TABLE, WASM_MEMORY,
        WASM_GLOBAL, WASM_EXPORT, WASM_ELEMENT,  WASM_CODE,  WASM_DATA};

    for (size_t i = 0; i < ISO_COUNT_OF(ids); i++) {
        struct iso_buf content = wasm_buf();
        struct bench bench;

        wasm_u32(&content, UINT32_MAX);
        bench_init(&bench);
        bench.memory.max_bytes = 1 << 20;
        enum iso_err err = bench_module(&bench, one_section(ids[i], content));
        CHECK(err == ISO_E_MALFORMED || err == ISO_E_LIMIT);
        CHECK(bench.report.set);
        bench_fini(&bench);
    }
}

TEST(a_section_beyond_the_end_of_the_module_is_malformed)
{
    struct iso_buf module = wasm_buf();

    wasm_header(&module);
    wasm_u8(&module, WASM_TYPE);
    wasm_u32(&module, UINT32_MAX);
    check_refused(module, ISO_E_MALFORMED, "");
}

TEST(more_types_than_the_limit_are_refused)
{
    struct iso_buf content = wasm_buf();

    wasm_u32(&content, ISO_MAX_TYPES + 1);
    for (uint32_t i = 0; i <= ISO_MAX_TYPES; i++) {
        wasm_literal(&content, "\x60\0\0");
    }
    check_refused(one_section(WASM_TYPE, content), ISO_E_LIMIT, "type");
}

TEST(more_parameters_than_the_limit_are_refused)
{
    struct iso_buf content = wasm_buf();

    wasm_literal(&content, "\1\x60");
    wasm_u32(&content, ISO_MAX_PARAMS + 1);
    wasm_fill(&content, ISO_TYPE_I32, ISO_MAX_PARAMS + 1);
    wasm_u8(&content, 0);
    check_refused(one_section(WASM_TYPE, content), ISO_E_LIMIT, "param");
}

TEST(more_results_than_the_limit_are_refused)
{
    struct iso_buf content = wasm_buf();

    wasm_literal(&content, "\1\x60\0");
    wasm_u32(&content, ISO_MAX_RESULTS + 1);
    wasm_fill(&content, ISO_TYPE_I32, ISO_MAX_RESULTS + 1);
    check_refused(one_section(WASM_TYPE, content), ISO_E_LIMIT, "result");
}

TEST(a_name_longer_than_the_limit_is_refused)
{
    struct iso_buf content = wasm_buf();

    wasm_u8(&content, 1);
    wasm_u32(&content, ISO_MAX_STRING_BYTES + 1);
    wasm_fill(&content, 'a', ISO_MAX_STRING_BYTES + 1);
    wasm_literal(&content, "\0\0\0");
    check_refused(one_section(WASM_IMPORT, content), ISO_E_LIMIT, "");
}

TEST(more_custom_sections_than_the_limit_are_refused)
{
    struct iso_buf module = wasm_buf();

    wasm_header(&module);
    for (uint32_t i = 0; i < ISO_MAX_CUSTOM_SECTIONS + 100; i++) {
        wasm_literal(&module, "\0\1\0");
    }
    check_refused(module, ISO_E_LIMIT, "custom");
}

TEST(two_hundred_thousand_exports_are_checked_for_duplicates_quickly)
{
    enum { COUNT = 200000 };
    struct iso_buf module = wasm_buf();
    struct iso_buf content = wasm_buf();
    char name[16];
    struct bench bench;

    wasm_header(&module);
    wasm_literal(&content, "\1\0\1");
    wasm_section(&module, WASM_MEMORY, &content);
    wasm_u32(&content, COUNT + 1);
    for (uint32_t i = 0; i <= COUNT; i++) {
        /* The last name is the first one again. */
        (void)iso_format(name, sizeof name, "m%u", (unsigned)(i % COUNT));
        wasm_name(&content, name);
        wasm_literal(&content, "\2\0");
    }
    wasm_section(&module, WASM_EXPORT, &content);
    bench_init(&bench);
    CHECK_ERR(bench_module(&bench, module), ISO_E_INVALID);
    CHECK_CONTAINS(bench.report.text, "duplicate");
    bench_fini(&bench);
}

/* ---- Function bodies ----------------------------------------------------------------------- */

/* A function with `count` further locals of a type, that returns 7. */
static struct iso_buf module_with_locals(uint32_t count, enum iso_type type)
{
    struct iso_buf body = wasm_buf();

    wasm_u8(&body, 1);
    wasm_u32(&body, count);
    wasm_u8(&body, (uint8_t)type);
    wasm_literal(&body, "\x41\x07\x0b");
    return wasm_module_of("", "\x7f", -1, &body);
}

TEST(as_many_locals_as_the_limit_work)
{
    struct bench bench;
    uint32_t result = 0;

    bench_init(&bench);
    bench_instance(&bench, module_with_locals(ISO_MAX_LOCALS, ISO_TYPE_I64), NULL);
    CHECK_OK(bench_call(&bench, 0, &result));
    CHECK_EQ_U64(result, 7);
    bench_fini(&bench);
}

TEST(one_local_more_than_the_limit_is_refused)
{
    check_refused(module_with_locals(ISO_MAX_LOCALS + 1, ISO_TYPE_I32), ISO_E_LIMIT, "locals");
}

TEST(four_billion_locals_are_refused)
{
    struct iso_buf body = wasm_buf();
    struct bench bench;

    wasm_u8(&body, 2);
    for (int group = 0; group < 2; group++) {
        wasm_u32(&body, UINT32_MAX);
        wasm_u8(&body, ISO_TYPE_I32);
    }
    wasm_u8(&body, 0x0b);
    bench_init(&bench);
    enum iso_err err = bench_module(&bench, wasm_module_of("", "", -1, &body));
    CHECK(err == ISO_E_MALFORMED ||
          err == ISO_E_LIMIT); /* "too many locals" in the specification */
    CHECK_CONTAINS(bench.report.text, "locals");
    bench_fini(&bench);
}

/* 40,000 vectors take 80,000 slots: the last is set to (arg, ...) by a splat and read back. */
TEST(a_function_with_more_than_65535_slots_of_locals_works)
{
    enum { COUNT = 40000 };
    struct iso_buf body = wasm_buf();
    struct bench bench;
    uint32_t result = 0;

    wasm_u8(&body, 1);
    wasm_u32(&body, COUNT);
    wasm_u8(&body, ISO_TYPE_V128);
    wasm_literal(&body, "\x20\0\xfd\x11\x21"); /* local.get 0, i32x4.splat, local.set */
    wasm_u32(&body, COUNT);                    /* the last: the parameter is local 0 */
    wasm_u8(&body, 0x20);
    wasm_u32(&body, COUNT);
    wasm_literal(&body, "\xfd\x1b\x03"); /* i32x4.extract_lane 3 */
    wasm_u8(&body, 0x20);
    wasm_u32(&body, COUNT - 1);
    wasm_literal(&body, "\xfd\x1b\x03\x6a\x0b"); /* plus a lane of another local, which is 0 */
    bench_init(&bench);
    bench_instance(&bench, wasm_module_of("\x7f", "\x7f", -1, &body), NULL);
    CHECK_OK(bench_call(&bench, 123456, &result));
    CHECK_EQ_U64(result, 123456);
    bench_fini(&bench);
}

/* 70,000 operands that are all computed at run time, then summed. */
TEST(an_operand_stack_of_more_than_65535_slots_works)
{
    enum { COUNT = 70000 };
    struct iso_buf body = body_begin();
    struct bench bench;
    uint32_t result = 0;

    for (uint32_t i = 0; i < COUNT; i++) {
        wasm_literal(&body, "\x20\0\x67"); /* i32.clz: not foldable into its consumer */
    }
    wasm_fill(&body, 0x6a, COUNT - 1);
    wasm_u8(&body, 0x0b);
    bench_init(&bench);
    bench_instance(&bench, wasm_module_of("\x7f", "\x7f", -1, &body), NULL);
    CHECK_OK(bench_call(&bench, 1, &result));
    CHECK_EQ_U64(result, 31u * COUNT);
    bench_fini(&bench);
}

static struct iso_buf module_with_blocks(uint32_t depth)
{
    struct iso_buf body = body_begin();

    for (uint32_t i = 0; i < depth; i++) {
        wasm_literal(&body, "\x02\x40");
    }
    wasm_fill(&body, 0x0b, depth);
    wasm_literal(&body, "\x41\x07\x0b");
    return wasm_module_of("", "\x7f", -1, &body);
}

TEST(a_hundred_thousand_nested_blocks_work)
{
    struct bench bench;
    uint32_t result = 0;

    bench_init(&bench);
    bench_instance(&bench, module_with_blocks(100000), NULL);
    CHECK_OK(bench_call(&bench, 0, &result));
    CHECK_EQ_U64(result, 7);
    bench_fini(&bench);
}

TEST(more_nested_blocks_than_the_limit_are_refused)
{
    check_refused(module_with_blocks(ISO_MAX_BLOCK_DEPTH + 1), ISO_E_LIMIT, "nest");
}

/* From the innermost of 100,000 loops out to the outermost block. */
TEST(a_branch_out_of_a_hundred_thousand_blocks_works)
{
    enum { DEPTH = 100000 };
    struct iso_buf body = body_begin();
    struct bench bench;
    uint32_t result = 0;

    for (uint32_t i = 0; i < DEPTH; i++) {
        wasm_bytes(&body, i == 0 ? "\x02\x40" : "\x03\x40", 2);
    }
    wasm_u8(&body, 0x0c);
    wasm_u32(&body, DEPTH - 1);
    wasm_fill(&body, 0x0b, DEPTH);
    wasm_literal(&body, "\x41\x07\x0b");
    bench_init(&bench);
    bench_instance(&bench, wasm_module_of("", "\x7f", -1, &body), NULL);
    CHECK_OK(bench_call(&bench, 0, &result));
    CHECK_EQ_U64(result, 7);
    bench_fini(&bench);
}

/* br_table with `count` stated targets of which `given` follow. */
static struct iso_buf module_with_br_table(uint32_t count, uint32_t given)
{
    struct iso_buf body = body_begin();

    wasm_literal(&body, "\x02\x40\x20\0\x0e");
    wasm_u32(&body, count);
    wasm_fill(&body, 0, given);
    wasm_literal(&body, "\0\x0b\x41\x07\x0b");
    return wasm_module_of("\x7f", "\x7f", -1, &body);
}

TEST(a_br_table_of_four_billion_targets_is_refused)
{
    struct bench bench;

    bench_init(&bench);
    enum iso_err err = bench_module(&bench, module_with_br_table(UINT32_MAX, 10));
    CHECK(err == ISO_E_MALFORMED || err == ISO_E_LIMIT);
    CHECK(bench.report.set);
    bench_fini(&bench);
}

TEST(a_br_table_beyond_the_limit_is_refused)
{
    check_refused(module_with_br_table(ISO_MAX_BR_TABLE + 1, ISO_MAX_BR_TABLE + 1), ISO_E_LIMIT,
                  "targets");
}

TEST(a_br_table_of_half_a_million_targets_works)
{
    struct bench bench;
    uint32_t result = 0;

    bench_init(&bench);
    bench_instance(&bench, module_with_br_table(500000, 500000), NULL);
    CHECK_OK(bench_call(&bench, 499999, &result));
    CHECK_EQ_U64(result, 7);
    CHECK_OK(bench_call(&bench, UINT32_MAX, &result));
    CHECK_EQ_U64(result, 7);
    bench_fini(&bench);
}

/* br_table to labels that take many values: every target copies them, 1,000 values by 20,000
 * targets would be 20 million moves if each were spelled out. */
TEST(a_br_table_that_carries_many_values_stays_within_memory)
{
    enum { VALUES = 900, TARGETS = 20000 };
    struct iso_buf module = wasm_buf();
    struct iso_buf content = wasm_buf();
    struct iso_buf body = body_begin();
    struct bench bench;

    wasm_header(&module);
    wasm_literal(&content, "\2\x60\1\x7f\1\x7f\x60\0");
    wasm_u32(&content, VALUES);
    wasm_fill(&content, ISO_TYPE_I32, VALUES);
    wasm_section(&module, WASM_TYPE, &content);
    wasm_literal(&content, "\1\0");
    wasm_section(&module, WASM_FUNCTION, &content);
    wasm_literal(&content, "\1\1f\0\0");
    wasm_section(&module, WASM_EXPORT, &content);
    wasm_literal(&body, "\x41\0\x02\1"); /* a value below, so that branches have to move */
    for (uint32_t i = 0; i <= VALUES; i++) {
        wasm_literal(&body, "\x20\0");
    }
    wasm_u8(&body, 0x0e);
    wasm_u32(&body, TARGETS);
    wasm_fill(&body, 0, TARGETS + 1);
    wasm_u8(&body, 0x0b);
    wasm_fill(&body, 0x6a, VALUES);
    wasm_u8(&body, 0x0b);
    wasm_u32(&content, 1);
    wasm_body(&content, &body);
    wasm_section(&module, WASM_CODE, &content);

    uint32_t result = 0;
    bench_init(&bench);
    bench_instance(&bench, module, NULL);
    CHECK_OK(bench_call(&bench, 3, &result));
    CHECK_EQ_U64(result, 3u * VALUES);
    bench_fini(&bench);
}

TEST(a_body_larger_than_the_limit_is_refused)
{
    struct iso_buf body = body_begin();

    wasm_fill(&body, 0x01, ISO_MAX_FUNC_BYTES);
    wasm_u8(&body, 0x0b);
    check_refused(wasm_module_of("", "", -1, &body), ISO_E_LIMIT, "");
}

TEST(a_function_that_only_drops_unreachable_values_validates_quickly)
{
    enum { COUNT = 1000000 };
    struct iso_buf body = body_begin();
    struct bench bench;
    uint32_t result = 0;

    wasm_u8(&body, 0x00);
    wasm_fill(&body, 0x1a, COUNT);
    wasm_u8(&body, 0x0b);
    bench_init(&bench);
    bench_instance(&bench, wasm_module_of("", "", -1, &body), NULL);
    CHECK_ERR(bench_call(&bench, 0, &result), ISO_E_TRAP);
    CHECK(iso_store_trap(bench.store)->kind == ISO_TRAP_UNREACHABLE);
    bench_fini(&bench);
}

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
    struct iso_buf body = body_begin();

    wasm_bytes(&body, code, sizeof code);
    return wasm_module_of("", "\x7f", min_pages, &body);
}

TEST(a_memory_that_only_grows_stops_at_the_limit_of_the_store)
{
    const struct iso_store_config config = {.memory_max_bytes = 200u << 20};
    struct bench bench;
    uint32_t pages = 0;

    bench_init(&bench);
    bench_instance(&bench, module_that_grows(1), &config);
    CHECK_OK(bench_call(&bench, 0, &pages));
    CHECK_EQ_U64(pages, 3001);
    CHECK_EQ_U64(iso_store_memory_bytes(bench.store), (uint64_t)3001 * ISO_PAGE_BYTES);
    bench_fini(&bench);
}

TEST(a_memory_that_only_grows_stops_where_the_machine_has_no_more)
{
    struct bench bench;
    uint32_t pages = 0;

    bench_init(&bench);
    bench.memory.max_bytes = 100 << 20;
    bench_instance(&bench, module_that_grows(1), NULL);
    CHECK_OK(bench_call(&bench, 0, &pages));
    CHECK(pages >= 1 && pages * (uint64_t)ISO_PAGE_BYTES <= 100 << 20);
    bench_fini(&bench);
}

TEST(a_memory_larger_than_the_store_allows_is_refused)
{
    const struct iso_store_config config = {.memory_max_bytes = 16u << 20};
    struct bench bench;

    bench_init(&bench);
    CHECK_OK(bench_module(&bench, module_that_grows(65536)));
    CHECK_OK(iso_store_create(bench.engine, &config, &bench.store));
    CHECK_ERR(iso_instance_create(bench.store, bench.module, &bench.instance, &bench.report),
              ISO_E_LIMIT);
    CHECK_CONTAINS(bench.report.text, "memory");
    bench_fini(&bench);
}

TEST(a_memory_of_4_GiB_that_the_machine_does_not_have_is_an_error)
{
    struct bench bench;

    bench_init(&bench);
    CHECK_OK(bench_module(&bench, module_that_grows(65536)));
    CHECK_OK(iso_store_create(bench.engine, NULL, &bench.store));
    enum iso_err err =
        iso_instance_create(bench.store, bench.module, &bench.instance, &bench.report);
    CHECK(err == ISO_E_NOMEM || err == ISO_E_LIMIT);
    bench_fini(&bench);
}

TEST(memories_of_65537_pages_are_invalid)
{
    struct bench bench;

    bench_init(&bench);
    enum iso_err err = bench_module(&bench, module_that_grows(65537));
    CHECK_ERR(err, ISO_E_INVALID);
    CHECK_CONTAINS(bench.report.text, "memory");
    bench_fini(&bench);
}

TEST(a_table_of_four_billion_elements_is_refused)
{
    struct iso_buf content = wasm_buf();
    struct bench bench;

    wasm_literal(&content, "\1\x70\0");
    wasm_u32(&content, UINT32_MAX);
    bench_init(&bench);
    CHECK_OK(bench_module(&bench, one_section(WASM_TABLE, content)));
    CHECK_OK(iso_store_create(bench.engine, NULL, &bench.store));
    CHECK_ERR(iso_instance_create(bench.store, bench.module, &bench.instance, &bench.report),
              ISO_E_LIMIT);
    CHECK_CONTAINS(bench.report.text, "table");
    bench_fini(&bench);
}

/* ---- Time and recursion -------------------------------------------------------------------- */

static struct iso_buf module_that_loops(void)
{
    struct iso_buf body = body_begin();

    wasm_literal(&body, "\x03\x40\x0c\0\x0b\x0b");
    return wasm_module_of("", "", -1, &body);
}

TEST(an_endless_loop_ends_with_its_fuel_and_can_be_dropped)
{
    struct bench bench;

    bench_init(&bench);
    bench_instance(&bench, module_that_loops(), NULL);
    for (int round = 0; round < 3; round++) {
        iso_store_set_fuel(bench.store, 100000);
        CHECK_OK(iso_start(bench.store, iso_instance_export_func(bench.instance, "f"), NULL));
        CHECK(iso_run(bench.store) == ISO_RUN_OUT_OF_FUEL);
        CHECK(iso_store_fuel(bench.store) < 100000);
        iso_drop(bench.store);
    }
    bench_fini(&bench);
}

static void *interrupt_store(void *store)
{
    iso_store_interrupt(store);
    return NULL;
}

TEST(an_endless_loop_is_interrupted_from_another_thread)
{
    struct bench bench;
    pthread_t thread;

    bench_init(&bench);
    bench_instance(&bench, module_that_loops(), NULL);
    CHECK_OK(iso_start(bench.store, iso_instance_export_func(bench.instance, "f"), NULL));
    CHECK(pthread_create(&thread, NULL, interrupt_store, bench.store) == 0);
    CHECK(iso_run(bench.store) == ISO_RUN_INTERRUPTED);
    CHECK(pthread_join(thread, NULL) == 0);
    iso_drop(bench.store);
    bench_fini(&bench);
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
    struct bench bench;
    uint32_t result = 0;

    bench_init(&bench);
    bench_instance(&bench, module_that_recurses(locals), config);
    for (int round = 0; round < 2; round++) {
        CHECK_ERR(bench_call(&bench, 1, &result), ISO_E_TRAP);
        const struct iso_trap *trap = iso_store_trap(bench.store);
        CHECK(trap->kind == ISO_TRAP_STACK);
        CHECK_STR(iso_trap_text(trap->kind), "call stack exhausted");
        CHECK(trap->frame_count <= ISO_TRAP_FRAMES_MAX);
        CHECK(trap->frame_total >= trap->frame_count);
    }
    CHECK(bench.memory.peak_bytes < 64u << 20);
    bench_fini(&bench);
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
    struct bench bench;
    uint32_t result = 0;

    bench_init(&bench);
    bench_instance(&bench, module_that_recurses(ISO_MAX_LOCALS - 1), &config);
    CHECK_ERR(bench_call(&bench, 1, &result), ISO_E_LIMIT);
    CHECK(iso_store_state(bench.store) == ISO_RUN_IDLE);
    bench_fini(&bench);
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
static void run_bounded(struct bench *bench)
{
    const struct iso_store_config config = {.memory_max_bytes = 16u << 20,
                                            .stack_max_bytes = 64 * 1024};

    CHECK_OK(iso_store_create(bench->engine, &config, &bench->store));
    iso_store_set_fuel(bench->store, 100000);
    enum iso_err err =
        iso_instance_create(bench->store, bench->module, &bench->instance, &bench->report);
    if (err != ISO_OK) {
        return;
    }
    struct iso_func *func = iso_instance_export_func(bench->instance, "f");
    if (func != NULL && iso_func_type(func)->param_count <= 1) {
        union iso_slot args[2] = {{.u64 = 8}, {.u64 = 0}};
        CHECK_OK(iso_start(bench->store, func, args));
        (void)iso_run(bench->store);
        iso_drop(bench->store);
    }
}

TEST(the_undamaged_module_is_valid_and_runs)
{
    struct bench bench;

    bench_init(&bench);
    enum iso_err err = bench_module(&bench, module_with_everything());
    if (err != ISO_OK) {
        TEST_FAIL("%s: %s", iso_err_name(err), bench.report.text);
    }
    run_bounded(&bench);
    CHECK(bench.instance != NULL);
    bench_fini(&bench);
}

TEST(every_truncation_is_refused_or_a_smaller_module)
{
    struct iso_buf whole = module_with_everything();

    for (size_t len = 0; len < whole.len; len++) {
        struct iso_buf cut = wasm_buf();
        struct bench bench;

        wasm_bytes(&cut, whole.ptr, len);
        bench_init(&bench);
        enum iso_err err = bench_module(&bench, cut);
        CHECK(err == ISO_OK || err == ISO_E_MALFORMED || err == ISO_E_INVALID);
        CHECK(err == ISO_OK || bench.report.set);
        /* Without its functions' bodies the module cannot be whole. */
        CHECK(err != ISO_OK || len <= 8 + 11);
        bench_fini(&bench);
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
            struct bench bench;

            wasm_bytes(&damaged, whole.ptr, whole.len);
            damaged.ptr[at] ^= masks[mask];
            bench_init(&bench);
            if (bench_module(&bench, damaged) == ISO_OK) {
                run_bounded(&bench);
            } else {
                CHECK(bench.report.set);
            }
            bench_fini(&bench);
        }
    }
    iso_buf_fini(&whole);
}
