/* Guests that do what they must not: every such thing is a trap with words, and nothing is read or
 * written outside of the memory. */
#include "interface/abi_test_support.h"

static const struct iso_str canonical = {.ptr = "canonical", .len = 9};

/* ---- Lifting -----------------------------------------------------------------------------------
 */

enum { MEMORY = 256 };

/* A memory whose neighbours a sanitizer would notice. */
struct memory {
    uint8_t *bytes;
    struct iso_abi_lift lift;
};

static void memory_init(struct memory *m)
{
    m->bytes = iso_alloc_new(iso_alloc_libc(), MEMORY);
    CHECK(m->bytes != NULL);
    m->lift = (struct iso_abi_lift){.memory = m->bytes, .size = MEMORY, .arena = abi_arena()};
    iso_abi_trap_init(&m->lift.trap);
}

static void memory_fini(struct memory *m)
{
    iso_alloc_free(iso_alloc_libc(), m->bytes, MEMORY);
    abi_arena_fini();
}

static const struct iso_abi_node *prepare(const struct iso_vtype *type)
{
    const struct iso_abi_node *node = NULL;
    CHECK_OK(iso_abi_node_prepare(type, abi_arena(), &node, NULL));
    return node;
}

/* Lifting a value at an address traps with the words. */
static void check_trap(struct memory *m, const struct iso_vtype *type, uint32_t addr,
                       const char *words)
{
    struct iso_value value;
    char text[400];
    iso_abi_trap_init(&m->lift.trap);
    CHECK_ERR(iso_abi_lift_at(&m->lift, prepare(type), addr, &value), ISO_E_TRAP);
    iso_abi_trap_text(&m->lift.trap, iso_str_from_z("the result"), text, sizeof text);
    CHECK_STR(text, words);
}

static void put_range(struct memory *m, uint32_t at, uint32_t ptr, uint32_t len)
{
    iso_store_u32le(m->bytes + at, ptr);
    iso_store_u32le(m->bytes + at + 4, len);
}

TEST(pointers_out_of_line)
{
    struct memory m;
    const struct iso_vtype *u32s = abi_list(abi_p(ISO_V_U32));
    memory_init(&m);
    put_range(&m, 0, 0x21, 1);
    check_trap(&m, u32s, 0, "the result's list pointer 0x21 is not aligned to 4");
    check_trap(&m, u32s, 2, "the result's pointer 0x2 is not aligned to 4");
    check_trap(&m, abi_record(abi_p(ISO_V_U64), u32s), 4,
               "the result's pointer 0x4 is not aligned to 8");
    put_range(&m, 0, 0x21, 0); /* also when nothing would be read */
    check_trap(&m, u32s, 0, "the result's list pointer 0x21 is not aligned to 4");
    memory_fini(&m);
}

TEST(pointers_out_of_range)
{
    struct memory m;
    const struct iso_vtype *u32s = abi_list(abi_p(ISO_V_U32)), *string = abi_p(ISO_V_STRING);
    struct iso_value value;
    memory_init(&m);
    put_range(&m, 0, MEMORY - 4, 2);
    check_trap(&m, u32s, 0,
               "the result's list pointer 0xfc with 8 bytes is outside of the memory of 256 bytes");
    put_range(&m, 0, 0xfffffffc, 1);
    check_trap(&m, u32s, 0,
               "the result's list pointer 0xfffffffc with 4 bytes is outside of the "
               "memory of 256 bytes");
    put_range(&m, 0, MEMORY + 1, 0);
    check_trap(&m, string, 0,
               "the result's string pointer 0x101 with 0 bytes is outside of the "
               "memory of 256 bytes");
    check_trap(&m, string, MEMORY - 4,
               "the result's pointer 0xfc to 8 bytes is outside of the memory of 256 bytes");
    check_trap(&m, string, UINT32_C(0xfffffffc),
               "the result's pointer 0xfffffffc to 8 bytes is outside of the memory of 256 bytes");
    put_range(&m, 0, MEMORY, 0); /* the end itself is inside */
    CHECK_OK(iso_abi_lift_at(&m.lift, prepare(string), 0, &value));
    CHECK_EQ_U64(value.string.len, 0);
    put_range(&m, 0, MEMORY - 4, 1);
    CHECK_OK(iso_abi_lift_at(&m.lift, prepare(u32s), 0, &value));
    memory_fini(&m);
}

TEST(lengths_above_the_limit)
{
    struct memory m;
    memory_init(&m);
    put_range(&m, 0, 0, 0x10000000);
    check_trap(&m, abi_p(ISO_V_STRING), 0,
               "the result's string of 268435456 bytes is longer than the limit of 268435455");
    put_range(&m, 0, 0, 0xffffffff);
    check_trap(&m, abi_list(abi_p(ISO_V_U64)), 0,
               "the result's list of 34359738360 bytes is longer than the limit of 268435455");
    memory_fini(&m);
}

TEST(strings_that_are_not_utf8)
{
    static const char *const bad[] = {"\xc0\x80",
                                      "\xe0\x80\x80",
                                      "\xf0\x80\x80\x80",
                                      "\xed\xa0\x80",
                                      "\xed\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xff",
                                      "\x80",
                                      "\xe2\x82",
                                      "ascii first \xc1\xbf"};
    struct memory m;
    memory_init(&m);
    for (size_t i = 0; i < ISO_COUNT_OF(bad); i++) {
        size_t len = strlen(bad[i]);
        memcpy(m.bytes + 64, bad[i], len);
        put_range(&m, 0, 64, (uint32_t)len);
        check_trap(&m, abi_p(ISO_V_STRING), 0, "the result's string is not valid UTF-8");
    }
    memory_fini(&m);
}

TEST(characters_and_cases_that_there_are_not)
{
    struct memory m;
    const struct iso_vtype *record = abi_record(
        abi_p(ISO_V_U8), abi_list(abi_tuple(abi_p(ISO_V_CHAR), abi_labels(ISO_V_ENUM, 3))));
    memory_init(&m);
    iso_store_u32le(m.bytes, 0xd800);
    check_trap(&m, abi_p(ISO_V_CHAR), 0,
               "the result's character 0xd800 is not a Unicode scalar value");
    iso_store_u32le(m.bytes, 0x110000);
    check_trap(&m, abi_p(ISO_V_CHAR), 0,
               "the result's character 0x110000 is not a Unicode scalar value");
    m.bytes[0] = 2;
    check_trap(&m, abi_option(abi_p(ISO_V_U8)), 0,
               "the result's case number 2 is none of the 2 of the option");
    iso_store_u16le(m.bytes, 0x101);
    check_trap(&m, abi_labels(ISO_V_ENUM, 257), 0,
               "the result's case number 257 is none of the 257 of the enum");
    put_range(&m, 4, 64, 3);
    iso_store_u32le(m.bytes + 64, 'x');
    iso_store_u32le(m.bytes + 72, 'y');
    iso_store_u32le(m.bytes + 80, 'z');
    m.bytes[84] = 3;
    check_trap(&m, record, 0, "the result.b[2][1]'s case number 3 is none of the 3 of the enum");
    memory_fini(&m);
}

/* A list of lists of one and the same list: a little memory that describes much more. */
TEST(the_arena_bounds_what_a_guest_can_describe)
{
    struct memory m;
    struct iso_arena small;
    struct iso_value value;
    memory_init(&m);
    iso_arena_init(&small, iso_alloc_libc(), 0, 4096);
    m.lift.arena = &small;
    put_range(&m, 0, 8, 31);
    for (uint32_t i = 0; i < 31; i++) {
        put_range(&m, 8 + 8 * i, 0, MEMORY);
    }
    CHECK_ERR(iso_abi_lift_at(&m.lift, prepare(abi_list(abi_list(abi_p(ISO_V_U8)))), 0, &value),
              ISO_E_NOMEM);
    iso_arena_fini(&small);
    m.lift.views = true;
    CHECK_OK(iso_abi_lift_at(&m.lift, prepare(abi_list(abi_list(abi_p(ISO_V_U8)))), 0, &value));
    iso_arena_fini(&small);
    memory_fini(&m);
}

/* ---- Whole modules -----------------------------------------------------------------------------
 */

/* Call f(a: string) -> string of a module whose allocator and f give fixed addresses. */
static void check_module(const uint8_t *allocator, size_t allocator_len, const uint8_t *f,
                         size_t f_len, const char *data, const char *words)
{
    struct abi_guest guest;
    struct abi_writer writer;
    struct iso_binding *binding = NULL;
    struct iso_report report;
    const struct iso_vtype *string = abi_p(ISO_V_STRING);
    struct iso_value arg = {.string = iso_str_from_z("argument")}, result = {.u = 7};
    abi_writer_init(&writer);
    (void)abi_writer_func(&writer, abi_writer_letters(&writer, "iiii", "i"),
                          "canonical_abi_realloc", allocator, allocator_len);
    (void)abi_writer_func(&writer, abi_writer_letters(&writer, "ii", "i"), "f", f, f_len);
    abi_guest_init(&guest, abi_writer_finish(&writer, data, 8));
    abi_guest_start(&guest);
    iso_report_init(&report);
    CHECK_OK(iso_binding_create(guest.instance, canonical, NULL, abi_func(string, &string, 1),
                                &binding, &report));
    enum iso_err err = iso_binding_call(binding, &arg, abi_arena(), &result, &report);
    if (words == NULL) {
        CHECK_OK(err);
        CHECK(iso_str_equal_z(result.string, "argument"));
    } else {
        CHECK_ERR(err, ISO_E_TRAP);
        CHECK_STR(report.text, words);
        CHECK_STR(iso_store_trap(guest.store)->message, words);
        CHECK(iso_store_state(guest.store) == ISO_RUN_TRAPPED);
        CHECK_EQ_U64(result.u, 7);
    }
    iso_binding_destroy(binding);
    abi_guest_fini(&guest);
    abi_arena_fini();
}

#define CODE(...) (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})

/* What an older toolchain calls the allocator is accepted, too. */
TEST(a_module_that_behaves)
{
    check_module(CODE(0x41, 0xc0, 0), CODE(0x41, 0x10), "\x40\0\0\0\x08\0\0\0", NULL);
}

TEST(results_at_bad_addresses)
{
    check_module(CODE(0x41, 0xc0, 0), CODE(0x41, 0x11), "\x40\0\0\0\x08\0\0\0",
                 "the result's pointer 0x11 is not aligned to 4");
    check_module(CODE(0x41, 0xc0, 0), CODE(0x41, 0x7c), "\x40\0\0\0\x08\0\0\0",
                 "the result's pointer 0xfffffffc to 8 bytes is outside of the memory of 65536 "
                 "bytes");
    check_module(CODE(0x41, 0xc0, 0), CODE(0x41, 0x10), "\xff\xff\xff\xff\x08\0\0\0",
                 "the result's string pointer 0xffffffff with 8 bytes is outside of the memory of "
                 "65536 bytes");
    check_module(CODE(0x41, 0xc0, 0), CODE(0x00), "\x40\0\0\0\x08\0\0\0", "unreachable");
}

TEST(allocators_that_give_bad_addresses)
{
    check_module(CODE(0x41, 0x7f), CODE(0x41, 0x10), "\x40\0\0\0\x08\0\0\0",
                 "the pointer 0xffffffff that cabi_realloc returned for 8 bytes is outside of the "
                 "memory of 65536 bytes");
    check_module(CODE(0x41, 0xfc, 0xff, 3), CODE(0x41, 0x10), "\x40\0\0\0\x08\0\0\0",
                 "the pointer 0xfffc that cabi_realloc returned for 8 bytes is outside of the "
                 "memory of 65536 bytes");
    check_module(CODE(0x00), CODE(0x41, 0x10), "\x40\0\0\0\x08\0\0\0", "unreachable");
}

TEST(an_allocator_that_does_not_align)
{
    struct iso_report report;
    const struct iso_abi_block block = {.align = 8, .size = 8, .addr = 0x44};
    iso_report_init(&report);
    CHECK_ERR(iso_abi_block_check(&block, 65536, "cabi_realloc returned", &report), ISO_E_TRAP);
    CHECK_STR(report.text, "the pointer 0x44 that cabi_realloc returned is not aligned to 8");
}

/* ---- Inside of host calls ----------------------------------------------------------------------
 */

static enum iso_host_result answer(void *ctx, struct iso_host_call *call,
                                   const struct iso_value *args, struct iso_arena *arena,
                                   struct iso_value *result)
{
    (void)call;
    (void)args;
    (void)arena;
    ++*(unsigned *)ctx;
    *result = (struct iso_value){.string = iso_str_from_z("answer")};
    return ISO_HOST_DONE;
}

/* A module whose export g() calls the import f(a: string) -> string, with the pointers that `call`
 * pushes; its allocator is `allocator`. */
static void check_import(const uint8_t *allocator, size_t allocator_len, const uint8_t *call,
                         size_t call_len, unsigned calls, const char *words)
{
    struct abi_guest guest;
    struct abi_writer writer;
    const struct iso_vtype *string = abi_p(ISO_V_STRING);
    unsigned called = 0;
    uint8_t body[32];
    abi_writer_init(&writer);
    abi_writer_import(&writer, "$root", "f", abi_writer_letters(&writer, "iii", ""));
    if (allocator_len != 0) {
        (void)abi_writer_func(&writer, abi_writer_letters(&writer, "iiii", "i"), "cabi_realloc",
                              allocator, allocator_len);
    }
    memcpy(body, call, call_len);
    memcpy(body + call_len, "\x10\x00", 2);
    (void)abi_writer_func(&writer, abi_writer_letters(&writer, "", ""), "g", body, call_len + 2);
    abi_guest_init(&guest, abi_writer_finish(&writer, "\xc0\x80", 2));
    CHECK_OK(iso_typed_define(guest.store, NULL, abi_func(string, &string, 1), answer, &called,
                              ISO_HOST_REFUSE));
    abi_guest_start(&guest);
    enum iso_err err =
        iso_call(guest.store, iso_instance_export_func(guest.instance, "g"), NULL, NULL);
    CHECK_EQ_U64(called, calls);
    if (words == NULL) {
        uint64_t size = 0;
        const uint8_t *memory = iso_instance_memory(guest.instance, &size);
        CHECK_OK(err);
        CHECK_MEM(memory + 32, "\x40\0\0\0\x06\0\0\0", 8);
        CHECK_MEM(memory + 64, "answer", 6);
    } else {
        CHECK_ERR(err, ISO_E_TRAP);
        CHECK_STR(iso_store_trap(guest.store)->message, words);
    }
    abi_guest_fini(&guest);
    abi_arena_fini();
}

TEST(imports_called_with_bad_pointers)
{
    check_import(CODE(0x41, 0xc0, 0), CODE(0x41, 0, 0x41, 4, 0x41, 0x20), 1, NULL);
    check_import(CODE(0x41, 0xc0, 0), CODE(0x41, 16, 0x41, 2, 0x41, 0x20), 0,
                 "f: argument.a's string is not valid UTF-8");
    check_import(CODE(0x41, 0xc0, 0), CODE(0x41, 0x7f, 0x41, 2, 0x41, 0x20), 0,
                 "f: argument.a's string pointer 0xffffffff with 2 bytes is outside of the memory "
                 "of 65536 bytes");
    check_import(CODE(0x41, 0xc0, 0), CODE(0x41, 0, 0x41, 4, 0x41, 0x21), 0,
                 "f: the pointer 0x21 that the call gave is not aligned to 4");
}

TEST(allocators_called_back_that_misbehave)
{
    check_import(CODE(0), CODE(0x41, 0, 0x41, 4, 0x41, 0x20), 1,
                 "f: cabi_realloc trapped: unreachable");
    check_import(CODE(0x41, 0x7f), CODE(0x41, 0, 0x41, 4, 0x41, 0x20), 1,
                 "f: the pointer 0xffffffff that cabi_realloc returned for 6 bytes is outside of "
                 "the memory of 65536 bytes");
    check_import(NULL, 0, CODE(0x41, 0, 0x41, 4, 0x41, 0x20), 1,
                 "f: the result needs memory of the caller, which exports no cabi_realloc");
    check_import(CODE(0x03, 0x40, 0x0c, 0, 0x0b, 0x41, 0), CODE(0x41, 0, 0x41, 4, 0x41, 0x20), 1,
                 "f: cabi_realloc does not come to an end");
}
