/*
 * Frames out of a camera's bytes: whatever pieces they come in, whatever stands between them, and
 * whatever is wrong with them.
 */
#include "supervisor/device_test_support.h"

enum { MAX_FRAME = 4096 };

struct found {
    unsigned frames;
    uint32_t widths[16];
    size_t lens[16];
    uint64_t bad;
    uint64_t skipped;
};

/* Feeds bytes in pieces of `step`. */
static struct found split_in(const uint8_t *bytes, size_t len, enum iso_sv_pixels format,
                             size_t step)
{
    struct found found = {0};
    struct iso_sv_split split;
    iso_sv_split_init(&split, iso_alloc_libc(), format, MAX_FRAME);
    for (size_t at = 0; at < len; at += step) {
        struct iso_bytes piece = iso_bytes_from(bytes + at, len - at < step ? len - at : step);
        while (iso_sv_split_feed(&split, &piece)) {
            CHECK(found.frames < 16);
            found.widths[found.frames] = split.width;
            found.lens[found.frames++] = split.buf.len;
            if (format == ISO_SV_JPEG) {
                size_t whole = 0;
                uint32_t width = 0;
                uint32_t height = 0;
                CHECK_OK(iso_jpeg_check(iso_buf_view(&split.buf), &whole, &width, &height, NULL));
                CHECK_EQ_U64(whole, split.buf.len);
            }
        }
        CHECK_EQ_U64(piece.len, 0);
    }
    found.bad = split.bad;
    found.skipped = split.skipped_bytes;
    CHECK_EQ_U64(split.frames, found.frames);
    iso_sv_split_fini(&split);
    return found;
}

/* All at once, byte by byte, and in sevens must be the same. */
static struct found split(const uint8_t *bytes, size_t len, enum iso_sv_pixels format)
{
    struct found all = split_in(bytes, len, format, len);
    static const size_t steps[] = {1, 7, 64};
    for (size_t i = 0; i < ISO_COUNT_OF(steps); i++) {
        struct found again = split_in(bytes, len, format, steps[i]);
        CHECK_MEM(&again, &all, sizeof all);
    }
    return all;
}

static size_t text(uint8_t *out, const char *from)
{
    memcpy(out, from, strlen(from));
    return strlen(from);
}

TEST(frames_come_out_whole_and_garbage_between_them_is_skipped)
{
    uint8_t bytes[8192];
    size_t len = text(bytes, "--boundary\r\nContent-Type: image/jpeg\r\n\r\n");
    size_t head = len;
    len += dev_test_jpeg(bytes + len, sizeof bytes - len, 320, 240, 100);
    size_t first = len - head;
    bytes[len++] = 0xff; /* no SOI */
    bytes[len++] = 0xff;
    bytes[len++] = 0x00;
    len += dev_test_jpeg(bytes + len, sizeof bytes - len, 640, 480, 333);
    len += dev_test_jpeg(bytes + len, sizeof bytes - len, 64, 48, 0);
    struct found found = split(bytes, len, ISO_SV_JPEG);
    CHECK_EQ_U64(found.frames, 3);
    CHECK_EQ_U64(found.widths[0], 320);
    CHECK_EQ_U64(found.lens[0], first);
    CHECK_EQ_U64(found.widths[1], 640);
    CHECK_EQ_U64(found.widths[2], 64);
    CHECK_EQ_U64(found.bad, 0);
    CHECK_EQ_U64(found.skipped, head + 3);
}

TEST(end_markers_inside_segments_and_data_do_not_end_a_frame)
{
    /* dev_test_jpeg has FF D8 FF D9 in a segment; here FF D9 stands in a table after the scan. */
    static const uint8_t tail[] = {0xff, 0xfe, 0x00, 0x06, 0xff, 0xd9, 0xff, 0xd9, 0xff, 0xd9};
    uint8_t bytes[1024];
    size_t len = dev_test_jpeg(bytes, sizeof bytes, 16, 16, 50) - 2;
    memcpy(bytes + len, tail, sizeof tail);
    len += sizeof tail;
    struct found found = split(bytes, len, ISO_SV_JPEG);
    CHECK_EQ_U64(found.frames, 1);
    CHECK_EQ_U64(found.lens[0], len);
}

TEST(a_frame_that_was_cut_off_costs_only_itself)
{
    uint8_t bytes[4096];
    size_t len = dev_test_jpeg(bytes, sizeof bytes, 16, 16, 500) - 200;
    len += dev_test_jpeg(bytes + len, sizeof bytes - len, 32, 32, 20);
    struct found found = split(bytes, len, ISO_SV_JPEG);
    CHECK_EQ_U64(found.frames, 1);
    CHECK_EQ_U64(found.widths[0], 32);
    CHECK_EQ_U64(found.bad, 1);
}

TEST(a_frame_above_the_limit_is_dropped)
{
    uint8_t bytes[4 * MAX_FRAME];
    size_t len = dev_test_jpeg(bytes, sizeof bytes, 16, 16, MAX_FRAME);
    len += dev_test_jpeg(bytes + len, sizeof bytes - len, 32, 32, 20);
    struct found found = split_in(bytes, len, ISO_SV_JPEG, 64);
    CHECK_EQ_U64(found.frames, 1);
    CHECK_EQ_U64(found.widths[0], 32);
    CHECK_EQ_U64(found.bad, 1);
}

/* Each is followed by a good frame, which must come out; none of them is one. */
TEST(bad_pictures_are_no_frames)
{
    static const struct {
        const char *what;
        const char *hex;
        bool bad; /* counted as a broken frame, not only as garbage */
    } cases[] = {
        {"nothing but an end", "ffd9", false},
        {"a beginning and an end", "ffd8ffd9", true},
        {"no marker after the beginning", "ffd800", true},
        {"a restart marker outside of a scan", "ffd8ffd0", true},
        {"a reserved marker", "ffd8ff02", true},
        {"TEM outside of a scan", "ffd8ff01", true},
        {"a zero instead of a marker", "ffd8ff00", true},
        {"a segment of length 0", "ffd8ffe00000", true},
        {"a segment of length 1", "ffd8ffe00001", true},
        {"a scan without a frame header", "ffd8ffda0008010100003f00", true},
        {"a frame header without a scan", "ffd8ffc0000b080010001001011100ffd9", true},
        {"a frame header of length 2", "ffd8ffc00002", true},
        {"a frame header of length 7", "ffd8ffc000070800100010", true},
        {"two frame headers",
         "ffd8ffc0000b080010001001011100ffc0000b080010001001011100ffda0008010100003f0000ffd9",
         true},
        {"no width", "ffd8ffc0000b080010000001011100ffda0008010100003f0000ffd9", true},
        {"no height", "ffd8ffc0000b080000001001011100ffda0008010100003f0000ffd9", true},
        {"a height of 0 in DNL",
         "ffd8ffc0000b080000001001011100ffda0008010100003f0000ffdc00040000ffd9", true},
        {"DNL without its lines",
         "ffd8ffc0000b080000001001011100ffda0008010100003f0000ffdc0002ffd9", true},
        {"garbage after a segment", "ffd8ffe000020012", true},
        {"garbage after a frame header", "ffd8ffc0000b08001000100101110012", true},
        {"a reserved marker in a scan", "ffd8ffc0000b080010001001011100ffda0008010100003f0000ff02",
         true},
        {"a second beginning", "ffd8ffd8ffd9", true},
        {"a second beginning in a scan", "ffd8ffc0000b080010001001011100ffda0008010100003f00001234",
         true},
        {"a beginning only", "ffd8", true},
        {"a PNG", "89504e470d0a1a0a0000000d49484452", false},
        {"FF for ever", "ffffffffffffffffffffffff", false},
        {"zeros", "00000000", false},
        {"half a beginning", "ff", false}};
    for (size_t i = 0; i < ISO_COUNT_OF(cases); i++) {
        uint8_t bytes[1024];
        size_t len = 0;
        for (const char *at = cases[i].hex; *at != '\0'; at += 2) {
            unsigned high = (unsigned)(at[0] <= '9' ? at[0] - '0' : at[0] - 'a' + 10);
            unsigned low = (unsigned)(at[1] <= '9' ? at[1] - '0' : at[1] - 'a' + 10);
            bytes[len++] = (uint8_t)(high << 4 | low);
        }
        size_t bad_len = len;
        len += dev_test_jpeg(bytes + len, sizeof bytes - len, 99, 77, 30);
        struct found found = split(bytes, len, ISO_SV_JPEG);
        bool fine = found.frames == 1 && found.widths[0] == 99 &&
                    (found.bad != 0) == cases[i].bad && found.skipped == bad_len;
        if (!fine) {
            TEST_FAIL("%s: %u frames, %llu bad, %llu of %zu bytes skipped", cases[i].what,
                      found.frames, (unsigned long long)found.bad,
                      (unsigned long long)found.skipped, bad_len);
        }
    }
}

TEST(the_height_may_stand_behind_the_scan)
{
    static const uint8_t dnl[] = {0xff, 0xdc, 0x00, 0x04, 0x00, 0x30, 0xff, 0xd9};
    uint8_t bytes[512];
    size_t used = 0;
    uint32_t width = 0;
    uint32_t height = 0;
    size_t len = dev_test_jpeg(bytes, sizeof bytes, 64, 0, 10) - 2;
    memcpy(bytes + len, dnl, sizeof dnl);
    len += sizeof dnl;
    CHECK_OK(iso_jpeg_check(iso_bytes_from(bytes, len), &used, &width, &height, NULL));
    CHECK_EQ_U64(height, 48);
    CHECK_EQ_U64(used, len);
}

TEST(a_check_says_what_is_wrong_and_cuts_off_what_follows)
{
    struct iso_report report;
    uint8_t bytes[512];
    size_t used = 0;
    uint32_t width = 0;
    uint32_t height = 0;
    size_t len = dev_test_jpeg(bytes, sizeof bytes, 64, 48, 10);
    CHECK_OK(iso_jpeg_check(iso_bytes_from(bytes, len + 3), &used, &width, &height, NULL));
    CHECK_EQ_U64(used, len);
    for (size_t i = 0; i < len; i++) {
        iso_report_init(&report);
        CHECK_ERR(iso_jpeg_check(iso_bytes_from(bytes, i), &used, &width, &height, &report),
                  ISO_E_MALFORMED);
        CHECK_CONTAINS(report.text, "no end");
    }
    iso_report_init(&report);
    CHECK_ERR(iso_jpeg_check(iso_bytes_from("GIF89a", 6), &used, &width, &height, &report),
              ISO_E_MALFORMED);
    CHECK_CONTAINS(report.text, "FF D8");
}

/* ---- PAM ------------------------------------------------------------------------------------- */

static size_t pam(uint8_t *out, unsigned width, unsigned height, unsigned depth)
{
    size_t len = iso_format((char *)out, 256,
                            "P7\nWIDTH %u\nHEIGHT %u\nDEPTH %u\nMAXVAL 255\nTUPLTYPE RGB\nENDHDR\n",
                            width, height, depth);
    memset(out + len, 0x50, (size_t)width * height * depth); /* 'P' */
    return len + (size_t)width * height * depth;
}

TEST(raw_pictures_are_cut_by_their_headers)
{
    uint8_t bytes[4096];
    size_t len = text(bytes, "PP7?garbage");
    len += pam(bytes + len, 8, 4, 3);
    len += pam(bytes + len, 5, 5, 3);
    struct found found = split(bytes, len, ISO_SV_RGB8);
    CHECK_EQ_U64(found.frames, 2);
    CHECK_EQ_U64(found.widths[1], 5);
    CHECK_EQ_U64(found.lens[0], 96);
    CHECK_EQ_U64(found.lens[1], 75);
    CHECK_EQ_U64(found.bad, 0);
    CHECK_EQ_U64(found.skipped, 11);
}

TEST(bad_headers_are_no_frames)
{
    static const char *const heads[] = {
        "P7\nENDHDR\n",
        "P7\nWIDTH 2\nHEIGHT 2\nDEPTH 3\nENDHDR\n",
        "P7\nWIDTH 2\nHEIGHT 2\nDEPTH 4\nMAXVAL 255\nENDHDR\n",
        "P7\nWIDTH 2\nHEIGHT 2\nDEPTH 3\nMAXVAL 65535\nENDHDR\n",
        "P7\nWIDTH 0\nHEIGHT 2\nDEPTH 3\nMAXVAL 255\nENDHDR\n",
        "P7\nWIDTH -2\nHEIGHT 2\nDEPTH 3\nMAXVAL 255\nENDHDR\n",
        "P7\nWIDTH 2x\nHEIGHT 2\nDEPTH 3\nMAXVAL 255\nENDHDR\n",
        "P7\nWIDTH 99999999999999999999\nHEIGHT 2\nDEPTH 3\nMAXVAL 255\nENDHDR\n",
        "P7\nWIDTH 60000\nHEIGHT 60000\nDEPTH 3\nMAXVAL 255\nENDHDR\n",
        "P7\nwidth 2\nHEIGHT 2\nDEPTH 3\nMAXVAL 255\nENDHDR\n",
        "P7\nWIDTH\nHEIGHT 2\nDEPTH 3\nMAXVAL 255\nENDHDR\n",
        "P6\n2 2\n255\n",
        "P7 2 2\n"};
    for (size_t i = 0; i < ISO_COUNT_OF(heads); i++) {
        uint8_t bytes[1024];
        size_t len = text(bytes, heads[i]);
        len += pam(bytes + len, 7, 3, 3);
        struct found found = split(bytes, len, ISO_SV_RGB8);
        CHECK_EQ_U64(found.frames, 1);
        CHECK_EQ_U64(found.widths[0], 7);
    }
}

TEST(a_header_without_end_is_given_up)
{
    uint8_t bytes[2048];
    size_t len = text(bytes, "P7\n");
    memset(bytes + len, '#', 1000);
    len += 1000;
    len += pam(bytes + len, 7, 3, 3);
    struct found found = split(bytes, len, ISO_SV_RGB8);
    CHECK_EQ_U64(found.frames, 1);
    CHECK_EQ_U64(found.bad, 1);
}
