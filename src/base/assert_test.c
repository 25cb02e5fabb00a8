/* Assertions: a program replaces the handler by defining it, and misuse reaches it. */
#include "base/test.h"

#include <setjmp.h>

static jmp_buf caught;
static const char *caught_text;

/* In place of the one in assert_libc.c. */
void iso_assert_fail(const char *expression, const char *file, int line)
{
    (void)file;
    (void)line;
    caught_text = expression;
    longjmp(caught, 1);
}

/* The text of the assertion that `misuse` fails, or NULL. */
static const char *assertion_failed_by(void (*misuse)(void))
{
    caught_text = NULL;
    if (setjmp(caught) == 0) {
        misuse();
    }
    return caught_text;
}

static void assert_something_true(void)
{
    ISO_ASSERT(1 + 1 == 2);
}

static void assert_something_false(void)
{
    ISO_ASSERT(1 + 1 == 3);
}

TEST(assertion_calls_the_handler_of_the_program)
{
    CHECK_STR(assertion_failed_by(assert_something_true), NULL);
    CHECK_STR(assertion_failed_by(assert_something_false), "1 + 1 == 3");
}

static struct iso_alloc_test memory;
static void *stored;

static void free_with_wrong_size(void)
{
    iso_alloc_free(&memory.alloc, stored, 9);
}

static void restart_with_live_blocks(void)
{
    iso_alloc_test_restart(&memory, 0);
}

TEST(test_allocator_notices_wrong_sizes_and_leaks)
{
    iso_alloc_test_init(&memory);
    stored = iso_alloc_new(&memory.alloc, 10);
    CHECK(stored != NULL);
    CHECK(assertion_failed_by(free_with_wrong_size) != NULL);
    CHECK(assertion_failed_by(restart_with_live_blocks) != NULL);
    iso_alloc_free(&memory.alloc, stored, 10);
    CHECK_STR(assertion_failed_by(restart_with_live_blocks), NULL);
}

static enum iso_err swallow(void *ctx, const void *data, size_t len)
{
    (void)ctx;
    (void)data;
    (void)len;
    return ISO_OK;
}

static struct iso_json json;

static void value_without_key(void)
{
    iso_json_init(&json, swallow, NULL, 0);
    iso_json_object_begin(&json);
    iso_json_null(&json);
}

static void key_in_array(void)
{
    iso_json_init(&json, swallow, NULL, 0);
    iso_json_array_begin(&json);
    iso_json_key(&json, "name");
}

static void key_without_value(void)
{
    iso_json_init(&json, swallow, NULL, 0);
    iso_json_object_begin(&json);
    iso_json_key(&json, "name");
    iso_json_object_end(&json);
}

static void wrong_end(void)
{
    iso_json_init(&json, swallow, NULL, 0);
    iso_json_array_begin(&json);
    iso_json_object_end(&json);
}

static void second_root(void)
{
    iso_json_init(&json, swallow, NULL, 0);
    iso_json_null(&json);
    iso_json_null(&json);
}

static void unfinished(void)
{
    iso_json_init(&json, swallow, NULL, 0);
    iso_json_array_begin(&json);
    CHECK_OK(iso_json_finish(&json));
}

TEST(json_writer_notices_a_wrong_order_of_calls)
{
    CHECK(assertion_failed_by(value_without_key) != NULL);
    CHECK(assertion_failed_by(key_in_array) != NULL);
    CHECK(assertion_failed_by(key_without_value) != NULL);
    CHECK(assertion_failed_by(wrong_end) != NULL);
    CHECK(assertion_failed_by(second_root) != NULL);
    CHECK(assertion_failed_by(unfinished) != NULL);
}
