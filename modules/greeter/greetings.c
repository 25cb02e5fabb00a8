/* greetings.c - the function of greeter.wit. The counter may be on another device. */
#include <stdlib.h>
#include <string.h>

#include "greeter.h"

/* Decimal digits of a number; returns how many. */
static size_t put_number(char *out, uint32_t number)
{
    char digits[10];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    for (size_t i = 0; i < count; i++) {
        out[i] = digits[count - 1 - i];
    }
    return count;
}

static size_t put(char *out, const char *text, size_t len)
{
    if (len != 0) {
        memcpy(out, text, len);
    }
    return len;
}

/* "Hello, Ada! You are number 3." */
struct greeter_string greetings_greet(struct greeter_string name)
{
    static const char hello[] = "Hello, ", you_are[] = "! You are number ";
    uint32_t number = counting_increment();
    struct greeter_string result = {.ptr = malloc(name.len + 64)};
    if (result.ptr == NULL) {
        abort();
    }
    result.len = put(result.ptr, hello, sizeof hello - 1);
    result.len += put(result.ptr + result.len, name.ptr, name.len);
    result.len += put(result.ptr + result.len, you_are, sizeof you_are - 1);
    result.len += put_number(result.ptr + result.len, number);
    result.len += put(result.ptr + result.len, ".", 1);
    greeter_string_free(&name);
    return result;
}
