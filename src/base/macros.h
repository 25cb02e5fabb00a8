/* Compiler attributes and small macros that every folder uses. */
#ifndef ISO_BASE_MACROS_H
#define ISO_BASE_MACROS_H

#define ISO_MUST_CHECK __attribute__((warn_unused_result))
#define ISO_PRINTF(format_index, first_arg_index)                                                  \
    __attribute__((format(printf, format_index, first_arg_index)))
#define ISO_NORETURN __attribute__((noreturn))
#define ISO_LIKELY(cond) __builtin_expect(!!(cond), 1)
#define ISO_UNLIKELY(cond) __builtin_expect(!!(cond), 0)
#define ISO_COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Evaluated in release builds too. For errors of the programmer only; a condition that input can
 * make false is an `enum iso_err`. The argument must have no side effects. */
#define ISO_ASSERT(cond) (ISO_LIKELY(cond) ? (void)0 : iso_assert_fail(#cond, __FILE__, __LINE__))

/* Called when an ISO_ASSERT does not hold; must not return. The hosted version (assert_libc.c)
 * prints to stderr and aborts. A program or a port replaces it by defining a function of this name;
 * the linker then leaves the hosted one out of the static library. */
ISO_NORETURN void iso_assert_fail(const char *expression, const char *file, int line);

#endif
