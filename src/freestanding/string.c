/* string.c - copying, filling and comparing bytes, a word at a time where both sides are aligned.
 * The compiler calls these also for what it does not put in line. Built so that it does not make
 * calls of the same functions out of their loops. */
#include <string.h>

#include <stdint.h>

typedef uint32_t __attribute__((may_alias)) word;

enum { WORD = sizeof(word) };

static int is_aligned(const void *a, const void *b)
{
    return (((uintptr_t)a | (uintptr_t)b) & (WORD - 1)) == 0;
}

void *(memcpy)(void *to, const void *from, size_t size)
{
    uint8_t *out = to;
    const uint8_t *in = from;
    if (is_aligned(to, from)) {
        for (; size >= WORD; size -= WORD, out += WORD, in += WORD) {
            *(word *)(void *)out = *(const word *)(const void *)in;
        }
    }
    for (; size != 0; size--) {
        *out++ = *in++;
    }
    return to;
}

void *(memmove)(void *to, const void *from, size_t size)
{
    if ((uintptr_t)to - (uintptr_t)from >= size) { /* also when `to` is the lower one */
        return (memcpy)(to, from, size);
    }
    uint8_t *out = (uint8_t *)to + size;
    const uint8_t *in = (const uint8_t *)from + size;
    if (is_aligned(out, in)) {
        for (; size >= WORD; size -= WORD) {
            out -= WORD;
            in -= WORD;
            *(word *)(void *)out = *(const word *)(const void *)in;
        }
    }
    for (; size != 0; size--) {
        *--out = *--in;
    }
    return to;
}

void *(memset)(void *to, int value, size_t size)
{
    uint8_t *out = to;
    uint8_t byte = (uint8_t)value;
    for (; size != 0 && ((uintptr_t)out & (WORD - 1)) != 0; size--) {
        *out++ = byte;
    }
    for (; size >= WORD; size -= WORD, out += WORD) {
        *(word *)(void *)out = byte * (word)0x01010101;
    }
    for (; size != 0; size--) {
        *out++ = byte;
    }
    return to;
}

int(memcmp)(const void *a, const void *b, size_t size)
{
    const uint8_t *x = a;
    const uint8_t *y = b;
    if (is_aligned(a, b)) {
        while (size >= WORD && *(const word *)(const void *)x == *(const word *)(const void *)y) {
            size -= WORD;
            x += WORD;
            y += WORD;
        }
    }
    for (; size != 0; size--, x++, y++) {
        if (*x != *y) {
            return *x < *y ? -1 : 1;
        }
    }
    return 0;
}

size_t(strlen)(const char *text)
{
    size_t len = 0;
    while (text[len] != '\0') {
        len++;
    }
    return len;
}

char *strchr(const char *text, int c)
{
    for (;; text++) {
        if (*text == (char)c) {
            return (char *)(uintptr_t)text;
        }
        if (*text == '\0') {
            return NULL;
        }
    }
}
