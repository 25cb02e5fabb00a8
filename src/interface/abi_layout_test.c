/* The bytes and core values of the canonical ABI, written out: a round trip would not notice a
 * mistake that both directions make. */
#include "interface/abi_test_support.h"

static const struct iso_abi_node *prepare(const struct iso_vtype *type)
{
    const struct iso_abi_node *node = NULL;
    CHECK_OK(iso_abi_node_prepare(type, abi_arena(), &node, NULL));
    return node;
}

/* A value stored at address 0 is these bytes, and they are the value. Blocks begin at 64. */
static void check_bytes(const struct iso_vtype *type, const struct iso_value *value,
                        const void *bytes, uint32_t len)
{
    const struct iso_abi_node *node = prepare(type);
    struct iso_abi_blocks blocks;
    struct iso_value back;
    uint8_t memory[256] = {0};
    uint32_t next = 64;
    CHECK_EQ_U64(node->size, len);
    iso_abi_blocks_init(&blocks, iso_alloc_libc());
    CHECK_OK(iso_abi_measure(&blocks, node, value, NULL));
    for (uint32_t i = 0; i < blocks.count; i++) {
        blocks.items[i].addr = (next + blocks.items[i].align - 1) & ~(blocks.items[i].align - 1);
        next = blocks.items[i].addr + blocks.items[i].size;
    }
    struct iso_abi_lower lower = {.memory = memory};
    if (blocks.count != 0) {
        lower.next = blocks.items;
        lower.end = blocks.items + blocks.count;
    }
    iso_abi_lower_store(&lower, node, value, memory);
    CHECK_MEM(memory, bytes, len);
    struct iso_abi_lift lift = {.memory = memory, .size = sizeof memory, .arena = abi_arena()};
    iso_abi_trap_init(&lift.trap);
    CHECK_OK(iso_abi_lift_at(&lift, node, 0, &back));
    CHECK(iso_value_equal(type, &back, value));
    iso_abi_blocks_fini(&blocks);
}

#define CHECK_BYTES(type, value, text) check_bytes(type, value, text, sizeof(text) - 1)

TEST(numbers_are_little_endian)
{
    CHECK_BYTES(abi_p(ISO_V_U16), &(struct iso_value){.u = 0x1234}, "\x34\x12");
    CHECK_BYTES(abi_p(ISO_V_S16), &(struct iso_value){.s = -2}, "\xfe\xff");
    CHECK_BYTES(abi_p(ISO_V_S32), &(struct iso_value){.s = -3}, "\xfd\xff\xff\xff");
    CHECK_BYTES(abi_p(ISO_V_U64), &(struct iso_value){.u = UINT64_C(0x0102030405060708)},
                "\x08\x07\x06\x05\x04\x03\x02\x01");
    CHECK_BYTES(abi_p(ISO_V_F32), &(struct iso_value){.f32 = 1.5f}, "\0\0\xc0\x3f");
    CHECK_BYTES(abi_p(ISO_V_F64), &(struct iso_value){.f64 = -2.0}, "\0\0\0\0\0\0\0\xc0");
    CHECK_BYTES(abi_p(ISO_V_CHAR), &(struct iso_value){.character = 0x1f980}, "\x80\xf9\x01\0");
    abi_arena_fini();
}

TEST(records_are_padded)
{
    const struct iso_value items[] = {
        {.u = 1}, {.u = 2}, {.u = 3}, {.string = iso_str_from_z("hey")}};
    const struct iso_value record = {.list = {.items = items, .count = 4}};
    CHECK_BYTES(
        abi_record(abi_p(ISO_V_U8), abi_p(ISO_V_U64), abi_p(ISO_V_U16), abi_p(ISO_V_STRING)),
        &record, "\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\3\0\0\0\x40\0\0\0\3\0\0\0\0\0\0\0");
    abi_arena_fini();
}

TEST(payloads_stand_at_the_greatest_alignment)
{
    const struct iso_value seven = {.u = 7};
    const struct iso_value third = {.choice = {.payload = &seven, .index = 2}};
    const struct iso_value first = {.choice = {.index = 0}};
    const struct iso_vtype *variant = abi_variant(NULL, abi_p(ISO_V_U64), abi_p(ISO_V_U8));
    CHECK_BYTES(variant, &third, "\2\0\0\0\0\0\0\0\7\0\0\0\0\0\0\0");
    CHECK_BYTES(variant, &first, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    const struct iso_value inner = {.choice = {.payload = &seven, .index = 1}};
    const struct iso_value outer = {.choice = {.payload = &inner, .index = 1}};
    CHECK_BYTES(abi_option(abi_option(abi_p(ISO_V_U16))), &outer, "\1\0\1\0\7\0");
    abi_arena_fini();
}

TEST(flags_and_discriminants_grow)
{
    const uint32_t words[] = {UINT32_C(0x80000001), 1};
    const struct iso_value flags = {.flags = words};
    const uint32_t nine[] = {0x101};
    CHECK_BYTES(abi_labels(ISO_V_FLAGS, 33), &flags, "\1\0\0\x80\1\0\0\0");
    CHECK_BYTES(abi_labels(ISO_V_FLAGS, 9), &(struct iso_value){.flags = nine}, "\1\1");
    CHECK_BYTES(abi_labels(ISO_V_ENUM, 256), &(struct iso_value){.u = 255}, "\xff");
    CHECK_BYTES(abi_labels(ISO_V_ENUM, 257), &(struct iso_value){.u = 256}, "\0\1");
    abi_arena_fini();
}

TEST(bits_beyond_the_last_flag_are_dropped)
{
    struct iso_value value;
    const uint8_t bytes[4] = {0xff, 0xff, 0xff, 0xff};
    struct iso_abi_lift lift = {.memory = bytes, .size = 4, .arena = abi_arena()};
    iso_abi_trap_init(&lift.trap);
    CHECK_OK(iso_abi_lift_at(&lift, prepare(abi_labels(ISO_V_FLAGS, 20)), 0, &value));
    CHECK_EQ_U64(value.flags[0], 0xfffff);
    CHECK_OK(iso_abi_lift_at(&lift, prepare(abi_labels(ISO_V_FLAGS, 3)), 0, &value));
    CHECK_EQ_U64(value.flags[0], 7);
    CHECK_OK(iso_abi_lift_at(&lift, prepare(abi_p(ISO_V_BOOL)), 0, &value));
    CHECK(value.boolean);
    abi_arena_fini();
}

/* ---- Flat --------------------------------------------------------------------------------------
 */

static void check_flat_types(const struct iso_vtype *type, const char *expected)
{
    const struct iso_abi_node *node = prepare(type);
    char text[80];
    iso_abi_core_text(node->flat_types, node->flat, NULL, 0, text, sizeof text);
    CHECK_STR(text, expected);
}

TEST(cases_join_their_core_types)
{
    const struct iso_vtype *f32 = abi_p(ISO_V_F32), *f64 = abi_p(ISO_V_F64);
    const struct iso_vtype *u32 = abi_p(ISO_V_U32), *u64 = abi_p(ISO_V_U64);
    check_flat_types(abi_variant(f32, f32), "(i32, f32) -> ()");
    check_flat_types(abi_variant(f32, u32), "(i32, i32) -> ()");
    check_flat_types(abi_variant(f32, f64), "(i32, i64) -> ()");
    check_flat_types(abi_variant(f64, u64), "(i32, i64) -> ()");
    check_flat_types(abi_variant(u32, f64, abi_p(ISO_V_STRING)), "(i32, i64, i32) -> ()");
    check_flat_types(abi_variant(abi_variant(f32, u32), f64), "(i32, i64, i32) -> ()");
    check_flat_types(abi_result(NULL, NULL), "(i32) -> ()");
    check_flat_types(abi_labels(ISO_V_FLAGS, 65), "(i32, i32, i32) -> ()");
    abi_arena_fini();
}

/* Slots whose upper halves are filled before, so that a wrong width shows on any byte order. */
TEST(values_in_wider_slots_keep_their_bits)
{
    const struct iso_vtype *type =
        abi_variant(abi_p(ISO_V_F32), abi_p(ISO_V_S32), abi_p(ISO_V_F64), abi_p(ISO_V_U64));
    const struct iso_abi_node *node = prepare(type);
    const struct iso_value payloads[] = {
        {.f32 = 1.0f}, {.s = -1}, {.f64 = 1.0}, {.u = UINT64_C(0xfedcba9876543210)}};
    const uint64_t expected[] = {0x3f800000, 0xffffffff, UINT64_C(0x3ff0000000000000),
                                 UINT64_C(0xfedcba9876543210)};
    for (uint32_t i = 0; i < 4; i++) {
        union iso_slot slots[2];
        struct iso_value back, value = {.choice = {.payload = &payloads[i], .index = i}};
        struct iso_abi_lower lower = {.memory = NULL};
        struct iso_abi_lift lift = {.arena = abi_arena()};
        iso_abi_trap_init(&lift.trap);
        memset(slots, 0xaa, sizeof slots);
        iso_abi_lower_flat(&lower, node, &value, slots, node->flat_types);
        CHECK_EQ_U64(slots[0].u32, i);
        CHECK_EQ_U64(slots[1].u64, expected[i]);
        if (i < 2) {
            slots[1].u64 |= UINT64_C(0xffffffff00000000); /* means nothing */
        }
        CHECK_OK(iso_abi_lift_flat(&lift, node, slots, node->flat_types, &back));
        CHECK(iso_value_equal(type, &back, &value));
    }
    abi_arena_fini();
}

TEST(small_numbers_are_cut_from_their_core_values)
{
    union iso_slot slot;
    struct iso_value value;
    struct iso_abi_lift lift = {.arena = abi_arena()};
    const uint8_t i32 = ISO_TYPE_I32;
    memset(&slot, 0, sizeof slot);
    slot.u32 = 0x12345fe;
    CHECK_OK(iso_abi_lift_flat(&lift, prepare(abi_p(ISO_V_U8)), &slot, &i32, &value));
    CHECK_EQ_U64(value.u, 0xfe);
    CHECK_OK(iso_abi_lift_flat(&lift, prepare(abi_p(ISO_V_S8)), &slot, &i32, &value));
    CHECK_EQ_I64(value.s, -2);
    CHECK_OK(iso_abi_lift_flat(&lift, prepare(abi_p(ISO_V_S16)), &slot, &i32, &value));
    CHECK_EQ_I64(value.s, 0x45fe);
    CHECK_OK(iso_abi_lift_flat(&lift, prepare(abi_p(ISO_V_BOOL)), &slot, &i32, &value));
    CHECK(value.boolean);
    abi_arena_fini();
}

TEST(not_a_number_is_canonical_both_ways)
{
    union iso_slot slot;
    struct iso_value value;
    struct iso_abi_lift lift = {.arena = abi_arena()};
    struct iso_abi_lower lower = {.memory = NULL};
    const uint8_t f32 = ISO_TYPE_F32, f64 = ISO_TYPE_F64;
    slot.u32 = 0xffc01234;
    CHECK_OK(iso_abi_lift_flat(&lift, prepare(abi_p(ISO_V_F32)), &slot, &f32, &value));
    uint32_t bits;
    memcpy(&bits, &value.f32, sizeof bits);
    CHECK_EQ_U64(bits, 0x7fc00000);
    slot.u64 = UINT64_C(0xfff8000000000001);
    CHECK_OK(iso_abi_lift_flat(&lift, prepare(abi_p(ISO_V_F64)), &slot, &f64, &value));
    uint64_t wide; /* by its bits: the host's own NaN is another one on some processors */
    memcpy(&wide, &value.f64, sizeof wide);
    CHECK_EQ_U64(wide, UINT64_C(0x7ff8000000000000));
    slot.u64 = UINT64_C(0xfff8000000000001);
    memcpy(&value.f64, &slot.u64, sizeof slot.u64);
    iso_abi_lower_flat(&lower, prepare(abi_p(ISO_V_F64)), &value, &slot, &f64);
    CHECK_EQ_U64(slot.u64, UINT64_C(0x7ff8000000000000));
    abi_arena_fini();
}

TEST(a_list_longer_than_the_limit_is_not_lowered)
{
    struct iso_report report;
    struct iso_abi_blocks blocks;
    const uint8_t byte = 0;
    const struct iso_value value = {.bytes = iso_bytes_from(&byte, (size_t)1 << 28)};
    iso_report_init(&report);
    iso_abi_blocks_init(&blocks, iso_alloc_libc());
    CHECK_ERR(iso_abi_measure(&blocks, prepare(abi_list(abi_p(ISO_V_U8))), &value, &report),
              ISO_E_ARGUMENT);
    CHECK_CONTAINS(report.text, "268435456 bytes");
    iso_abi_blocks_fini(&blocks);
    abi_arena_fini();
}
