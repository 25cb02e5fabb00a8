/* The test harness: registry, checks, and main(). Linked into test programs only. */
#include "base/test.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

enum outcome {
    OUTCOME_PASSED = 0,
    OUTCOME_FAILED = 1,
    OUTCOME_SKIPPED = 2,
};

static struct iso_test_case *first_test;
static struct iso_test_case **last_link = &first_test;
static jmp_buf leave_test;
static char message[1024];

void iso_test_register(struct iso_test_case *test)
{
    *last_link = test;
    last_link = &test->next;
}

void iso_test_fail(const char *file, int line, const char *format, ...)
{
    size_t len = iso_format(message, sizeof message, "%s:%d: ", file, line);
    va_list args;
    va_start(args, format);
    (void)iso_format_v(message + len, sizeof message - len, format, args);
    va_end(args);
    longjmp(leave_test, OUTCOME_FAILED);
}

void iso_test_skip(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)iso_format_v(message, sizeof message, format, args);
    va_end(args);
    longjmp(leave_test, OUTCOME_SKIPPED);
}

void iso_test_check_u64(const char *file, int line, const char *text, uint64_t actual,
                        uint64_t expected)
{
    if (actual != expected) {
        iso_test_fail(file, line,
                      "%s is %" PRIu64 " (0x%" PRIx64 "), expected %" PRIu64 " (0x%" PRIx64 ")",
                      text, actual, actual, expected, expected);
    }
}

void iso_test_check_i64(const char *file, int line, const char *text, int64_t actual,
                        int64_t expected)
{
    if (actual != expected) {
        iso_test_fail(file, line, "%s is %" PRId64 ", expected %" PRId64, text, actual, expected);
    }
}

void iso_test_check_f64(const char *file, int line, const char *text, double actual,
                        double expected)
{
    if (memcmp(&actual, &expected, sizeof actual) != 0) {
        iso_test_fail(file, line, "%s is %.17g, expected %.17g", text, actual, expected);
    }
}

void iso_test_check_str(const char *file, int line, const char *text, const char *actual,
                        const char *expected)
{
    bool equal =
        actual == NULL || expected == NULL ? actual == expected : strcmp(actual, expected) == 0;
    if (!equal) {
        iso_test_fail(file, line, "%s is \"%s\", expected \"%s\"", text,
                      actual != NULL ? actual : "(NULL)", expected != NULL ? expected : "(NULL)");
    }
}

void iso_test_check_contains(const char *file, int line, const char *text, const char *actual,
                             const char *part)
{
    if (actual == NULL || strstr(actual, part) == NULL) {
        iso_test_fail(file, line, "%s is \"%s\", expected it to contain \"%s\"", text,
                      actual != NULL ? actual : "(NULL)", part);
    }
}

void iso_test_check_mem(const char *file, int line, const char *text, const void *actual,
                        const void *expected, size_t len)
{
    const uint8_t *a = actual, *b = expected;
    for (size_t i = 0; i < len; i++) {
        if (a[i] != b[i]) {
            iso_test_fail(file, line, "%s differs at byte %zu of %zu: 0x%02x, expected 0x%02x",
                          text, i, len, (unsigned)a[i], (unsigned)b[i]);
        }
    }
}

void iso_test_check_err(const char *file, int line, const char *text, enum iso_err actual,
                        enum iso_err expected)
{
    if (actual != expected) {
        iso_test_fail(file, line, "%s is %s, expected %s", text, iso_err_name(actual),
                      iso_err_name(expected));
    }
}

static bool is_selected(const struct iso_test_case *test, int argc, char **argv)
{
    if (argc < 2) {
        return true;
    }
    for (int i = 1; i < argc; i++) {
        if (strstr(test->name, argv[i]) != NULL) {
            return true;
        }
    }
    return false;
}

static enum outcome run_one(const struct iso_test_case *test)
{
    static const char *const labels[] = {"ok  ", "FAIL", "skip"};
    message[0] = '\0';
    enum outcome outcome;
    switch (setjmp(leave_test)) {
    case 0:
        test->run();
        outcome = OUTCOME_PASSED;
        break;
    case OUTCOME_SKIPPED:
        outcome = OUTCOME_SKIPPED;
        break;
    default:
        outcome = OUTCOME_FAILED;
        break;
    }
    printf("%s  %s", labels[outcome], test->name);
    if (message[0] != '\0') {
        printf(": %s", message);
    }
    putchar('\n');
    fflush(stdout);
    return outcome;
}

int main(int argc, char **argv)
{
    unsigned counts[3] = {0, 0, 0};
    bool list = argc == 2 && strcmp(argv[1], "--list") == 0;
    for (const struct iso_test_case *test = first_test; test != NULL; test = test->next) {
        if (list) {
            printf("%s\n", test->name);
        } else if (is_selected(test, argc, argv)) {
            counts[run_one(test)]++;
        }
    }
    if (list) {
        return 0;
    }
    printf("%u passed, %u failed, %u skipped\n", counts[OUTCOME_PASSED], counts[OUTCOME_FAILED],
           counts[OUTCOME_SKIPPED]);
    bool nothing_ran = counts[0] + counts[1] + counts[2] == 0;
    return counts[OUTCOME_FAILED] != 0 || nothing_ran ? EXIT_FAILURE : EXIT_SUCCESS;
}
