/* Parts of large messages: their options, and putting them together whatever comes. */
#include "base/test.h"
#include "net/coap_chunk.h"

TEST(options_come_back_as_they_went)
{
    uint8_t bytes[ISO_COAP_PART_SIZE];
    struct iso_coap_part part = {.id = 0x01020304, .offset = 0xfffffffe, .size = 7};
    iso_coap_part_encode(&part, bytes);
    CHECK_MEM(bytes, "\x01\x02\x03\x04\xff\xff\xff\xfe\0\0\0\x07", ISO_COAP_PART_SIZE);
    struct iso_coap_part back;
    CHECK_OK(iso_coap_part_decode(iso_bytes_from(bytes, sizeof(bytes)), &back));
    CHECK_EQ_U64(back.id, part.id);
    CHECK_EQ_U64(back.offset, part.offset);
    CHECK_EQ_U64(back.size, part.size);
    struct iso_coap_large large = {.kind = ISO_COAP_LARGE_ANSWER, .id = 5, .total = 70000};
    uint8_t value[ISO_COAP_LARGE_MAX];
    size_t len = iso_coap_large_encode(&large, value);
    CHECK_EQ_U64(len, 8);
    struct iso_coap_large other;
    CHECK_OK(iso_coap_large_decode(iso_bytes_from(value, len), &other));
    CHECK(other.kind == ISO_COAP_LARGE_ANSWER && other.id == 5 && other.total == 70000);
    large = (struct iso_coap_large){.kind = ISO_COAP_LARGE_CREDIT, .credit = 262144};
    len = iso_coap_large_encode(&large, value);
    CHECK_OK(iso_coap_large_decode(iso_bytes_from(value, len), &other));
    CHECK(other.kind == ISO_COAP_LARGE_CREDIT && other.credit == 262144);
    CHECK_OK(iso_coap_large_decode(iso_bytes_from(NULL, 0), &other));
    CHECK(other.kind == ISO_COAP_LARGE_EMPTY);
}

TEST(values_of_a_wrong_size_are_refused)
{
    static const uint8_t zeros[16];
    struct iso_coap_part part;
    struct iso_coap_large large;
    for (size_t len = 0; len <= sizeof(zeros); len++) {
        struct iso_bytes value = iso_bytes_from(zeros, len);
        CHECK_ERR(iso_coap_part_decode(value, &part),
                  len == ISO_COAP_PART_SIZE ? ISO_OK : ISO_E_MALFORMED);
        /* Of 4 and 8 bytes, too: a credit and a total of 0 are not allowed. */
        CHECK_ERR(iso_coap_large_decode(value, &large), len == 0 ? ISO_OK : ISO_E_MALFORMED);
    }
}

static struct iso_bytes filled(uint8_t *bytes, uint32_t offset, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (uint8_t)((offset + i) * 7);
    }
    return iso_bytes_from(bytes, len);
}

TEST(parts_in_any_order_make_the_message)
{
    static const uint32_t orders[][8] = {
        {0, 1, 2, 3, 4, 5, 6, 7}, {7, 6, 5, 4, 3, 2, 1, 0}, {0, 2, 4, 6, 1, 3, 5, 7},
        {3, 1, 7, 5, 0, 2, 6, 4}, {0, 7, 3, 4, 1, 6, 2, 5},
    };
    for (size_t i = 0; i < ISO_COUNT_OF(orders); i++) {
        struct iso_alloc_test memory;
        iso_alloc_test_init(&memory);
        struct iso_coap_assembly assembly;
        CHECK_OK(iso_coap_assembly_init(&assembly, &memory.alloc, 80));
        uint8_t bytes[10];
        for (size_t j = 0; j < 8; j++) {
            CHECK(!iso_coap_assembly_complete(&assembly));
            uint32_t offset = orders[i][j] * 10;
            CHECK_OK(iso_coap_assembly_add(&assembly, offset, filled(bytes, offset, 10)));
            CHECK_ERR(iso_coap_assembly_add(&assembly, offset, iso_bytes_from(bytes, 10)),
                      ISO_E_EXISTS);
        }
        CHECK(iso_coap_assembly_complete(&assembly));
        CHECK_EQ_U64(assembly.range_count, 1);
        for (uint32_t j = 0; j < 80; j++) {
            CHECK_EQ_U64(assembly.bytes[j], (uint8_t)(j * 7));
        }
        iso_coap_assembly_fini(&assembly);
        CHECK_EQ_U64(memory.live_bytes, 0);
    }
}

struct hostile {
    uint32_t offset;
    uint32_t len;
    enum iso_err err;
};

TEST(hostile_parts_get_the_right_refusal)
{
    /* Beside [100, 200) and [300, 400) of 1,000 bytes. */
    static const struct hostile cases[] = {
        {0, 0, ISO_E_MALFORMED},
        {100, 0, ISO_E_MALFORMED},
        {1000, 0, ISO_E_MALFORMED},
        {1000, 1, ISO_E_MALFORMED},
        {999, 2, ISO_E_MALFORMED},
        {0, 1001, ISO_E_MALFORMED},
        {1, 1000, ISO_E_MALFORMED},
        {UINT32_MAX, 1, ISO_E_MALFORMED},
        {UINT32_MAX - 99, 100, ISO_E_MALFORMED},
        {UINT32_MAX, 1000, ISO_E_MALFORMED},
        {100, 100, ISO_E_EXISTS},
        {100, 1, ISO_E_EXISTS},
        {199, 1, ISO_E_EXISTS},
        {150, 20, ISO_E_EXISTS},
        {300, 100, ISO_E_EXISTS},
        {399, 1, ISO_E_EXISTS},
        {99, 2, ISO_E_INVALID},
        {199, 2, ISO_E_INVALID},
        {0, 101, ISO_E_INVALID},
        {0, 1000, ISO_E_INVALID},
        {50, 200, ISO_E_INVALID},
        {100, 101, ISO_E_INVALID},
        {150, 200, ISO_E_INVALID},
        {200, 101, ISO_E_INVALID},
        {250, 100, ISO_E_INVALID},
        {350, 100, ISO_E_INVALID},
        {399, 2, ISO_E_INVALID},
        {299, 102, ISO_E_INVALID},
    };
    struct iso_alloc_test memory;
    iso_alloc_test_init(&memory);
    struct iso_coap_assembly assembly;
    CHECK_OK(iso_coap_assembly_init(&assembly, &memory.alloc, 1000));
    static uint8_t bytes[1001];
    CHECK_OK(iso_coap_assembly_add(&assembly, 300, filled(bytes, 300, 100)));
    CHECK_OK(iso_coap_assembly_add(&assembly, 100, filled(bytes, 100, 100)));
    for (size_t i = 0; i < ISO_COUNT_OF(cases); i++) {
        CHECK_ERR(
            iso_coap_assembly_add(&assembly, cases[i].offset, iso_bytes_from(bytes, cases[i].len)),
            cases[i].err);
        CHECK_EQ_U64(assembly.received, 200);
        CHECK_EQ_U64(assembly.range_count, 2);
    }
    CHECK_OK(iso_coap_assembly_add(&assembly, 200, filled(bytes, 200, 100)));
    CHECK_EQ_U64(assembly.range_count, 1);
    iso_coap_assembly_fini(&assembly);
    CHECK_EQ_U64(memory.live_bytes, 0);
}

TEST(the_number_of_gaps_is_limited)
{
    struct iso_alloc_test memory;
    iso_alloc_test_init(&memory);
    struct iso_coap_assembly assembly;
    CHECK_OK(iso_coap_assembly_init(&assembly, &memory.alloc, 1000));
    for (uint32_t i = 0; i < ISO_COAP_RANGES_MAX; i++) {
        CHECK_OK(iso_coap_assembly_add(&assembly, i * 2, iso_bytes_from("x", 1)));
    }
    CHECK_ERR(iso_coap_assembly_add(&assembly, 999, iso_bytes_from("x", 1)), ISO_E_LIMIT);
    CHECK_OK(iso_coap_assembly_add(&assembly, 1, iso_bytes_from("x", 1)));
    CHECK_OK(iso_coap_assembly_add(&assembly, 999, iso_bytes_from("x", 1)));
    iso_coap_assembly_fini(&assembly);
    CHECK_EQ_U64(memory.live_bytes, 0);
    memory.fail_at = memory.requests + 1;
    CHECK_ERR(iso_coap_assembly_init(&assembly, &memory.alloc, 1), ISO_E_NOMEM);
}
