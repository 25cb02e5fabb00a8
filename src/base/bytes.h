/* Views of bytes and text, and little-endian loads and stores at any alignment.
 *
 * A view borrows: whoever made it says how long the bytes live. Views go by value. */
#ifndef ISO_BASE_BYTES_H
#define ISO_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct iso_bytes {
    const uint8_t *ptr; /* may be NULL when len is 0 */
    size_t len;
};

/* Text that need not end with a zero byte. UTF-8 unless something else is said. */
struct iso_str {
    const char *ptr; /* may be NULL when len is 0 */
    size_t len;
};

static inline struct iso_bytes iso_bytes_from(const void *ptr, size_t len)
{
    return (struct iso_bytes){.ptr = ptr, .len = len};
}

/* `text` is zero-terminated; NULL gives the empty view. */
static inline struct iso_str iso_str_from_z(const char *text)
{
    return (struct iso_str){.ptr = text, .len = text != NULL ? strlen(text) : 0};
}

static inline struct iso_str iso_str_from(const char *ptr, size_t len)
{
    return (struct iso_str){.ptr = ptr, .len = len};
}

/* memcmp and memcpy do not allow NULL even for a length of 0; these do. */
static inline bool iso_memory_equal(const void *a, const void *b, size_t len)
{
    return len == 0 || memcmp(a, b, len) == 0;
}

static inline void iso_memory_copy(void *to, const void *from, size_t len)
{
    if (len != 0) {
        memcpy(to, from, len);
    }
}

static inline bool iso_bytes_equal(struct iso_bytes a, struct iso_bytes b)
{
    return a.len == b.len && iso_memory_equal(a.ptr, b.ptr, a.len);
}

static inline bool iso_str_equal(struct iso_str a, struct iso_str b)
{
    return a.len == b.len && iso_memory_equal(a.ptr, b.ptr, a.len);
}

/* Compares with zero-terminated text. */
static inline bool iso_str_equal_z(struct iso_str a, const char *b)
{
    return iso_str_equal(a, iso_str_from_z(b));
}

/* Written with shifts: right on hosts of either byte order, and compilers make one load of it. */
static inline uint16_t iso_load_u16le(const void *from)
{
    const uint8_t *p = from;
    return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t iso_load_u32le(const void *from)
{
    const uint8_t *p = from;
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t iso_load_u64le(const void *from)
{
    const uint8_t *p = from;
    return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 |
           (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 |
           (uint64_t)p[7] << 56;
}

static inline void iso_store_u16le(void *to, uint16_t value)
{
    uint8_t *p = to;
    p[0] = (uint8_t)value;
    p[1] = (uint8_t)(value >> 8);
}

static inline void iso_store_u32le(void *to, uint32_t value)
{
    uint8_t *p = to;
    p[0] = (uint8_t)value;
    p[1] = (uint8_t)(value >> 8);
    p[2] = (uint8_t)(value >> 16);
    p[3] = (uint8_t)(value >> 24);
}

static inline void iso_store_u64le(void *to, uint64_t value)
{
    uint8_t *p = to;
    p[0] = (uint8_t)value;
    p[1] = (uint8_t)(value >> 8);
    p[2] = (uint8_t)(value >> 16);
    p[3] = (uint8_t)(value >> 24);
    p[4] = (uint8_t)(value >> 32);
    p[5] = (uint8_t)(value >> 40);
    p[6] = (uint8_t)(value >> 48);
    p[7] = (uint8_t)(value >> 56);
}

#endif
