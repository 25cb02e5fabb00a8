/* The test harness: every `*_test.c` includes this and links iso_test_main, which brings main().
 *
 *     TEST(decoder_refuses_a_cut_header)
 *     {
 *         CHECK_ERR(decode(bytes, 3), ISO_E_MALFORMED);
 *     }
 *
 * A check that fails prints its place and ends the test at once, from any depth of calls. Checks
 * may be used in helper functions, but only on the thread that runs the test. The program prints a
 * line per test and ends with `N passed, N failed, N skipped`; its exit status is 1 when something
 * failed. Arguments: names of tests to run (parts of names will do), or --list. */
#ifndef ISO_BASE_TEST_H
#define ISO_BASE_TEST_H

#include "base/alloc_test_support.h"
#include "base/base.h"

struct iso_test_case {
    const char *name;
    const char *file;
    void (*run)(void);
    struct iso_test_case *next;
};

/* Defines and registers a test. Tests run in the order of their definition. */
#define TEST(test_name)                                                                            \
    static void test_##test_name(void);                                                            \
    static struct iso_test_case test_case_##test_name = {#test_name, __FILE__, test_##test_name,   \
                                                         NULL};                                    \
    __attribute__((constructor)) static void test_register_##test_name(void)                       \
    {                                                                                              \
        iso_test_register(&test_case_##test_name);                                                 \
    }                                                                                              \
    static void test_##test_name(void)

/* Fails unless `cond` holds. */
#define CHECK(cond) ((cond) ? (void)0 : iso_test_fail(__FILE__, __LINE__, "CHECK(%s)", #cond))

/* Fails with a message of one's own. */
#define TEST_FAIL(...) iso_test_fail(__FILE__, __LINE__, __VA_ARGS__)

/* Ends the test as skipped; the reason names what is missing. */
#define TEST_SKIP(...) iso_test_skip(__VA_ARGS__)

/* Compare `actual` with `expected` and print both when they differ. */
#define CHECK_EQ_U64(actual, expected)                                                             \
    iso_test_check_u64(__FILE__, __LINE__, #actual, (actual), (expected))
#define CHECK_EQ_I64(actual, expected)                                                             \
    iso_test_check_i64(__FILE__, __LINE__, #actual, (actual), (expected))
/* Doubles are equal when their bits are. */
#define CHECK_EQ_F64(actual, expected)                                                             \
    iso_test_check_f64(__FILE__, __LINE__, #actual, (actual), (expected))
/* Zero-terminated texts; NULL equals only NULL. */
#define CHECK_STR(actual, expected)                                                                \
    iso_test_check_str(__FILE__, __LINE__, #actual, (actual), (expected))
/* Fails unless zero-terminated `actual` contains `part`. */
#define CHECK_CONTAINS(actual, part)                                                               \
    iso_test_check_contains(__FILE__, __LINE__, #actual, (actual), (part))
#define CHECK_MEM(actual, expected, len)                                                           \
    iso_test_check_mem(__FILE__, __LINE__, #actual, (actual), (expected), (len))
/* An expression of type enum iso_err against the error that it should be. */
#define CHECK_ERR(expression, expected)                                                            \
    iso_test_check_err(__FILE__, __LINE__, #expression, (expression), (expected))
#define CHECK_OK(expression) CHECK_ERR(expression, ISO_OK)

void iso_test_register(struct iso_test_case *test);
ISO_NORETURN void iso_test_fail(const char *file, int line, const char *format, ...)
    ISO_PRINTF(3, 4);
ISO_NORETURN void iso_test_skip(const char *format, ...) ISO_PRINTF(1, 2);
void iso_test_check_u64(const char *file, int line, const char *text, uint64_t actual,
                        uint64_t expected);
void iso_test_check_i64(const char *file, int line, const char *text, int64_t actual,
                        int64_t expected);
void iso_test_check_f64(const char *file, int line, const char *text, double actual,
                        double expected);
void iso_test_check_str(const char *file, int line, const char *text, const char *actual,
                        const char *expected);
void iso_test_check_contains(const char *file, int line, const char *text, const char *actual,
                             const char *part);
void iso_test_check_mem(const char *file, int line, const char *text, const void *actual,
                        const void *expected, size_t len);
void iso_test_check_err(const char *file, int line, const char *text, enum iso_err actual,
                        enum iso_err expected);

#endif
