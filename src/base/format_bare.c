/* Formatting without a C library: the conversions that format.h names. */
#include "base/format.h"
#include "base/utf8.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct output {
    char *text;
    size_t room; /* without the closing zero */
    size_t len;  /* what there would be without a limit */
};

struct conversion {
    bool zeros;
    bool left;
    size_t width;
    size_t precision; /* SIZE_MAX: none */
    unsigned longs;   /* 0: int, 1: long, 2: long long, 3: size_t */
};

static void put(struct output *out, char c)
{
    if (out->len < out->room) {
        out->text[out->len] = c;
    }
    out->len++;
}

static void pad(struct output *out, char c, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        put(out, c);
    }
}

static void put_padded(struct output *out, const struct conversion *how, const char *text,
                       size_t len)
{
    if (!how->left) {
        pad(out, ' ', len, how->width);
    }
    for (size_t i = 0; i < len; i++) {
        put(out, text[i]);
    }
    if (how->left) {
        pad(out, ' ', len, how->width);
    }
}

static void put_number(struct output *out, const struct conversion *how, uint64_t value,
                       unsigned base, bool negative)
{
    char text[24];
    size_t at = sizeof text;
    do {
        text[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    if (how->zeros && !how->left) {
        size_t digits = sizeof text - at + (negative ? 1 : 0);
        if (negative) {
            put(out, '-');
        }
        pad(out, '0', digits, how->width);
        for (; at < sizeof text; at++) {
            put(out, text[at]);
        }
        return;
    }
    if (negative) {
        text[--at] = '-';
    }
    put_padded(out, how, text + at, sizeof text - at);
}

static void put_string(struct output *out, const struct conversion *how, const char *text)
{
    size_t len = 0;
    if (text == NULL) {
        text = "(null)";
    }
    while (len < how->precision && text[len] != '\0') {
        len++;
    }
    put_padded(out, how, text, len);
}

/* A number of the format, or of the arguments where a `*` stands. */
static const char *read_size(const char *at, size_t *value, int (*next)(void *), void *args)
{
    if (*at == '*') {
        int given = next(args);
        *value = given > 0 ? (size_t)given : 0;
        return at + 1;
    }
    *value = 0;
    for (; *at >= '0' && *at <= '9'; at++) {
        *value = *value < 1000000 ? *value * 10 + (size_t)(*at - '0') : *value;
    }
    return at;
}

/* va_list may be an array type, which cannot be handed on by address as a parameter. */
struct arguments {
    va_list list;
};

static int next_int(void *args)
{
    return va_arg(((struct arguments *)args)->list, int);
}

static uint64_t next_unsigned(struct arguments *args, unsigned longs)
{
    switch (longs) {
    case 0:
        return va_arg(args->list, unsigned);
    case 1:
        return va_arg(args->list, unsigned long);
    case 2:
        return va_arg(args->list, unsigned long long);
    default:
        return va_arg(args->list, size_t);
    }
}

static int64_t next_signed(struct arguments *args, unsigned longs)
{
    switch (longs) {
    case 0:
        return va_arg(args->list, int);
    case 1:
        return va_arg(args->list, long);
    case 2:
        return va_arg(args->list, long long);
    default:
        return va_arg(args->list, ptrdiff_t);
    }
}

/* What stands between the percent sign and the letter. */
static const char *read_conversion(const char *at, struct conversion *how, struct arguments *args)
{
    *how = (struct conversion){.precision = SIZE_MAX};
    for (; *at == '0' || *at == '-'; at++) {
        how->zeros = how->zeros || *at == '0';
        how->left = how->left || *at == '-';
    }
    at = read_size(at, &how->width, next_int, args);
    if (*at == '.') {
        at = read_size(at + 1, &how->precision, next_int, args);
    }
    if (*at == 'z') {
        how->longs = 3;
        return at + 1;
    }
    for (; *at == 'l' && how->longs < 2; at++) {
        how->longs++;
    }
    return at;
}

/* False: not a conversion that is known. */
static bool convert(struct output *out, const struct conversion *how, char letter,
                    struct arguments *args)
{
    char c;
    switch (letter) {
    case '%':
        put(out, '%');
        return true;
    case 'c':
        c = (char)next_int(args);
        put_padded(out, how, &c, 1);
        return true;
    case 's':
        put_string(out, how, va_arg(args->list, const char *));
        return true;
    case 'u':
    case 'x':
        put_number(out, how, next_unsigned(args, how->longs), letter == 'x' ? 16 : 10, false);
        return true;
    case 'd': {
        int64_t value = next_signed(args, how->longs);
        uint64_t magnitude = value < 0 ? -(uint64_t)value : (uint64_t)value;
        put_number(out, how, magnitude, 10, value < 0);
        return true;
    }
    default:
        return false;
    }
}

size_t iso_format_v(char *out, size_t cap, const char *format, va_list args)
{
    ISO_ASSERT(cap > 0);
    struct output output = {.text = out, .room = cap - 1};
    struct arguments arguments;
    va_copy(arguments.list, args);
    bool known = true;
    while (*format != '\0') {
        struct conversion how;
        const char *at = format;
        if (*at == '%' && known) {
            at = read_conversion(at + 1, &how, &arguments);
            known = convert(&output, &how, *at, &arguments);
            if (known) {
                format = at + 1;
                continue;
            }
        }
        put(&output, *format++);
    }
    va_end(arguments.list);
    size_t len = output.len <= output.room ? output.len : iso_utf8_whole(out, output.room);
    out[len] = '\0';
    return len;
}
