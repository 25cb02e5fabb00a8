/* tokenizer: splits 24 KiB of program text into names, numbers, strings and
 * marks with a hand-written scanner; byte loads, range tests, branches. */
#include "kernel.h"

#define TEXT_SIZE 24576

enum kind { KIND_END, KIND_NAME, KIND_NUMBER, KIND_STRING, KIND_MARK, KIND_COUNT };

static char text[TEXT_SIZE + 1];
static uint32_t counts[KIND_COUNT];

static const char sample[] =
    "let reading = sensor.read(\"attic\", 12) * 0x1f + offset; // degrees\n"
    "if (reading >= limit_high && !quiet) { alarm(reading, 'high'); }\n"
    "for (i = 0; i < 1024; i += 1) total = total + window[i] / 3;\n";

static int is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}
static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}
static int is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static const char *space_skip(const char *p)
{
    for (;;) {
        if (is_space(*p)) {
            p++;
        } else if (p[0] == '/' && p[1] == '/') {
            while (*p != 0 && *p != '\n')
                p++;
        } else {
            return p;
        }
    }
}

static KERNEL_NOINLINE const char *token_next(const char *p, enum kind *kind, uint32_t *value)
{
    uint32_t v = 0;

    p = space_skip(p);
    if (*p == 0) {
        *kind = KIND_END;
    } else if (is_letter(*p)) {
        *kind = KIND_NAME;
        while (is_letter(*p) || is_digit(*p))
            v = v * 31 + (uint8_t)*p++;
    } else if (is_digit(*p)) {
        *kind = KIND_NUMBER;
        while (is_digit(*p) || is_letter(*p))
            v = v * 10 + (uint32_t)(*p++ - '0');
    } else if (*p == '"' || *p == '\'') {
        char quote = *p++;

        *kind = KIND_STRING;
        while (*p != 0 && *p != quote)
            v = v * 33 ^ (uint8_t)*p++;
        if (*p == quote)
            p++;
    } else {
        *kind = KIND_MARK;
        v = (uint8_t)*p++;
        if (*p == '=' || *p == '&')
            v = v << 8 | (uint8_t)*p++;
    }
    *value = v;
    return p;
}

uint64_t run(uint32_t n)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < TEXT_SIZE; i++)
        text[i] = sample[i % (sizeof sample - 1)];
    text[TEXT_SIZE] = 0;
    for (uint32_t i = 0; i < KIND_COUNT; i++)
        counts[i] = 0;
    for (uint32_t round = 0; round < n; round++) {
        const char *p = text + round % 50;
        enum kind kind;
        uint32_t value;

        do {
            p = token_next(p, &kind, &value);
            counts[kind]++;
            sum = checksum_add(sum, value);
        } while (kind != KIND_END);
    }
    for (uint32_t i = 0; i < KIND_COUNT; i++)
        sum = checksum_add(sum, counts[i]);
    return sum;
}
