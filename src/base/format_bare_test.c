/* The formatter for machines without a C library gives what the C library gives, for all that the
 * engine's messages use; this program is linked with it in place of format_libc.c. */
#include "base/test.h"

#include <stdio.h>

/* Both write the same into a buffer of `cap` bytes, for every cap. */
static void compare(const char *format, ...) ISO_PRINTF(1, 2);

static void compare(const char *format, ...)
{
    char expected[300], got[300];
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(expected, sizeof expected, format, again);
    va_end(again);
    for (size_t cap = 1; cap < sizeof got && cap < (size_t)len + 3; cap++) {
        memset(got, '#', sizeof got);
        va_copy(again, args);
        size_t written = iso_format_v(got, cap, format, again);
        va_end(again);
        size_t wanted = (size_t)len < cap ? (size_t)len : cap - 1;
        CHECK_EQ_U64(written, wanted);
        CHECK_MEM(got, expected, wanted);
        CHECK(got[wanted] == '\0' && got[cap] == '#');
    }
    va_end(args);
}

TEST(numbers)
{
    compare("%d %d %d", 0, -1, 2147483647);
    compare("%d", -2147483647 - 1);
    compare("%ld %lu %lx", -5L, 4294967295UL, 0xdeadbeefUL);
    compare("%lld %llu", -9223372036854775807LL - 1, 18446744073709551615ULL);
    compare("%llx %zu %u", 0x123456789abcdefULL, (size_t)77, 4294967295U);
}

TEST(widths)
{
    compare("[%02x][%02x][%04x][%016llx]", 5u, 0x1ffu, 0xabu, 0xabcdefULL);
    compare("[%5d][%-5d][%05d]", -42, -42, -42);
    compare("[%*u][%-*u]", 6, 12u, 6, 12u);
    compare("[%8s][%-8s][%3s]", "abc", "abc", "abcdef");
    compare("[%c][%4c][%-4c]", 'x', 'y', 'z');
}

TEST(strings)
{
    compare("%s and %.*s%%", "one", 3, "twofold");
    compare("%.2s%.0s|%s", "abc", "abc", "");
    compare("plain text");
}

TEST(characters_of_several_bytes_are_not_cut_in_two)
{
    char text[8];
    CHECK_EQ_U64(iso_format(text, 5, "a\xe2\x82\xac%s", "b"), 4);
    CHECK_STR(text, "a\xe2\x82\xac");
    CHECK_EQ_U64(iso_format(text, 4, "a\xe2\x82\xac%s", "b"), 1);
    CHECK_STR(text, "a");
}

static size_t format_unchecked(char *out, size_t cap, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    size_t len = iso_format_v(out, cap, format, args);
    va_end(args);
    return len;
}

TEST(what_is_not_known_is_copied_from_there_on)
{
    char text[64];
    CHECK_EQ_U64(format_unchecked(text, sizeof text, "%u %Q %s", 5u, "x"), 7);
    CHECK_STR(text, "5 %Q %s");
    CHECK_EQ_U64(format_unchecked(text, sizeof text, "50%"), 3);
    CHECK_STR(text, "50%");
}
