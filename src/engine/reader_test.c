/* reader_test.c - values of the binary format: every form of LEB128 that is right, and the wrong.
 */
#include "base/test.h"
#include "engine/limits.h"
#include "engine/reader.h"

static struct iso_report report;

static struct iso_reader reader_over(const uint8_t *bytes, size_t len)
{
    iso_report_init(&report);
    return (struct iso_reader){bytes, bytes + len, bytes, &report};
}

#define BYTES(...) (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})

static void check_u32(uint32_t expected, const uint8_t *bytes, size_t len)
{
    struct iso_reader reader = reader_over(bytes, len);
    uint32_t value = 0;
    CHECK_OK(iso_read_u32(&reader, &value));
    CHECK_EQ_U64(value, expected);
    CHECK_EQ_U64(iso_reader_left(&reader), 0);
}

static void check_u32_fails(const char *text, const uint8_t *bytes, size_t len)
{
    struct iso_reader reader = reader_over(bytes, len);
    uint32_t value = 77;
    CHECK_ERR(iso_read_u32(&reader, &value), ISO_E_MALFORMED);
    CHECK_CONTAINS(report.text, text);
    CHECK_EQ_U64(value, 77);
}

TEST(u32_takes_one_to_five_bytes)
{
    check_u32(0, BYTES(0));
    check_u32(127, BYTES(0x7f));
    check_u32(128, BYTES(0x80, 1));
    check_u32(0, BYTES(0x80, 0x80, 0x80, 0x80, 0));
    check_u32(624485, BYTES(0xe5, 0x8e, 0x26));
    check_u32(UINT32_MAX, BYTES(0xff, 0xff, 0xff, 0xff, 0x0f));
}

TEST(u32_refuses_what_is_too_long_too_large_or_cut)
{
    check_u32_fails("integer representation too long", BYTES(0x80, 0x80, 0x80, 0x80, 0x80, 0));
    check_u32_fails("integer too large", BYTES(0xff, 0xff, 0xff, 0xff, 0x1f));
    check_u32_fails("integer too large", BYTES(0x80, 0x80, 0x80, 0x80, 0x40));
    check_u32_fails("unexpected end", BYTES(0x80, 0x80));
    check_u32_fails("unexpected end", BYTES(0x80));
    const uint8_t none[1] = {0};
    check_u32_fails("unexpected end", none, 0);
}

static void check_s32(int32_t expected, const uint8_t *bytes, size_t len)
{
    struct iso_reader reader = reader_over(bytes, len);
    int32_t value = 0;
    CHECK_OK(iso_read_s32(&reader, &value));
    CHECK_EQ_I64(value, expected);
    CHECK_EQ_U64(iso_reader_left(&reader), 0);
}

static void check_s64(int64_t expected, const uint8_t *bytes, size_t len)
{
    struct iso_reader reader = reader_over(bytes, len);
    int64_t value = 0;
    CHECK_OK(iso_read_s64(&reader, &value));
    CHECK_EQ_I64(value, expected);
    CHECK_EQ_U64(iso_reader_left(&reader), 0);
}

static void check_s33(int64_t expected, const uint8_t *bytes, size_t len)
{
    struct iso_reader reader = reader_over(bytes, len);
    int64_t value = 0;
    CHECK_OK(iso_read_s33(&reader, &value));
    CHECK_EQ_I64(value, expected);
}

TEST(signed_integers_extend_their_sign)
{
    check_s32(0, BYTES(0));
    check_s32(63, BYTES(0x3f));
    check_s32(-64, BYTES(0x40));
    check_s32(-1, BYTES(0x7f));
    check_s32(64, BYTES(0xc0, 0));
    check_s32(-128, BYTES(0x80, 0x7f));
    check_s32(-1, BYTES(0xff, 0xff, 0xff, 0xff, 0x7f));
    check_s32(INT32_MAX, BYTES(0xff, 0xff, 0xff, 0xff, 0x07));
    check_s32(INT32_MIN, BYTES(0x80, 0x80, 0x80, 0x80, 0x78));
    check_s64(-1, BYTES(0x7f));
    check_s64(-123456, BYTES(0xc0, 0xbb, 0x78));
    check_s64(INT64_MAX, BYTES(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0));
    check_s64(INT64_MIN, BYTES(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f));
    check_s33(INT64_C(0xffffffff), BYTES(0xff, 0xff, 0xff, 0xff, 0x0f));
    check_s33(-1, BYTES(0x7f));
    check_s33(-INT64_C(0x100000000), BYTES(0x80, 0x80, 0x80, 0x80, 0x70));
}

TEST(signed_integers_refuse_bits_beyond_their_width)
{
    static const uint8_t s32_cases[][6] = {
        {0xff, 0xff, 0xff, 0xff, 0x0f}, /* bit 31 set, bits above not */
        {0xff, 0xff, 0xff, 0xff, 0x4f},
        {0x80, 0x80, 0x80, 0x80, 0x70}, /* bits above set, bit 31 not */
    };
    for (size_t i = 0; i < ISO_COUNT_OF(s32_cases); i++) {
        struct iso_reader reader = reader_over(s32_cases[i], 5);
        int32_t value = 0;
        CHECK_ERR(iso_read_s32(&reader, &value), ISO_E_MALFORMED);
        CHECK_CONTAINS(report.text, "integer too large");
    }
    static const uint8_t s64_last[] = {0x01, 0x7e, 0x40, 0x3f};
    for (size_t i = 0; i < ISO_COUNT_OF(s64_last); i++) {
        uint8_t bytes[10];
        memset(bytes, 0x80, sizeof bytes);
        bytes[9] = s64_last[i];
        struct iso_reader reader = reader_over(bytes, sizeof bytes);
        int64_t value = 0;
        CHECK_ERR(iso_read_s64(&reader, &value), ISO_E_MALFORMED);
        CHECK_CONTAINS(report.text, "integer too large");
    }
    const uint8_t too_long[] = {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0};
    struct iso_reader reader = reader_over(too_long, sizeof too_long);
    int64_t value = 0;
    CHECK_ERR(iso_read_s64(&reader, &value), ISO_E_MALFORMED);
    CHECK_CONTAINS(report.text, "integer representation too long");
}

TEST(names_are_utf8_within_the_bytes_left)
{
    struct iso_reader reader = reader_over(BYTES(3, 'a', 0xc3, 0xa4, 9));
    struct iso_str name;
    CHECK_OK(iso_read_name(&reader, &name));
    CHECK(iso_str_equal_z(name, "a\xc3\xa4"));
    CHECK_EQ_U64(iso_reader_left(&reader), 1);

    reader = reader_over(BYTES(2, 'a', 0xc3, 0xa4));
    CHECK_ERR(iso_read_name(&reader, &name), ISO_E_MALFORMED);
    CHECK_CONTAINS(report.text, "malformed UTF-8 encoding");
    reader = reader_over(BYTES(4, 'a', 'b', 'c'));
    CHECK_ERR(iso_read_name(&reader, &name), ISO_E_MALFORMED);
    CHECK_CONTAINS(report.text, "length out of bounds");
}

TEST(counts_must_fit_into_the_bytes_left)
{
    uint32_t count = 0;
    struct iso_reader reader = reader_over(BYTES(2, 0, 0, 0, 0, 0, 0));
    CHECK_OK(iso_read_count(&reader, 3, 10, "things", &count));
    CHECK_EQ_U64(count, 2);
    reader = reader_over(BYTES(2, 0, 0, 0, 0, 0));
    CHECK_ERR(iso_read_count(&reader, 3, 10, "things", &count), ISO_E_MALFORMED);
    CHECK_CONTAINS(report.text, "2 things do not fit into 5 bytes");
    reader = reader_over(BYTES(2, 0, 0, 0, 0, 0, 0));
    CHECK_ERR(iso_read_count(&reader, 3, 1, "things", &count), ISO_E_LIMIT);
    CHECK_CONTAINS(report.text, "at most 1");
}

TEST(bytes_stop_at_the_end)
{
    const uint8_t *bytes = NULL;
    struct iso_reader reader = reader_over(BYTES(1, 2, 3));
    CHECK_OK(iso_read_bytes(&reader, 3, &bytes));
    CHECK(bytes == reader.start);
    CHECK_ERR(iso_read_bytes(&reader, 1, &bytes), ISO_E_MALFORMED);
    CHECK(report.has_offset);
    CHECK_EQ_U64(report.offset, 3);
}
