/*
 * reader.h - reading the values of the binary format (spec 5.2) from a range of bytes.
 * Internal to src/engine.
 *
 * A reader never passes `end`. Each function moves `pos` behind what it read and, on failure,
 * leaves a message with the offset of the first wrong byte. Single-byte integers, which are nearly
 * all of them, are read inline.
 */
#ifndef ISO_ENGINE_READER_H
#define ISO_ENGINE_READER_H

#include "base/base.h"

struct iso_reader {
    const uint8_t *pos;
    const uint8_t *end;
    const uint8_t *start; /* of the module: offsets in messages count from here */
    struct iso_report *report;
};

static inline size_t iso_reader_left(const struct iso_reader *reader)
{
    return (size_t)(reader->end - reader->pos);
}

static inline uint32_t iso_reader_offset(const struct iso_reader *reader)
{
    return (uint32_t)(reader->pos - reader->start);
}

/* "unexpected end of section or function" at the reader's end. */
ISO_MUST_CHECK enum iso_err iso_reader_fail_end(struct iso_reader *reader);

/* The slow paths of the functions below. */
ISO_MUST_CHECK enum iso_err iso_read_u32_slow(struct iso_reader *reader, uint32_t *out);
ISO_MUST_CHECK enum iso_err iso_read_s32_slow(struct iso_reader *reader, int32_t *out);
ISO_MUST_CHECK enum iso_err iso_read_s64_slow(struct iso_reader *reader, int64_t *out);

ISO_MUST_CHECK static inline enum iso_err iso_read_u8(struct iso_reader *reader, uint8_t *out)
{
    if (ISO_UNLIKELY(reader->pos == reader->end)) {
        return iso_reader_fail_end(reader);
    }
    *out = *reader->pos++;
    return ISO_OK;
}

/* LEB128 integers (spec 5.2.2). */
ISO_MUST_CHECK static inline enum iso_err iso_read_u32(struct iso_reader *reader, uint32_t *out)
{
    if (ISO_LIKELY(reader->pos != reader->end && *reader->pos < 0x80)) {
        *out = *reader->pos++;
        return ISO_OK;
    }
    return iso_read_u32_slow(reader, out);
}

ISO_MUST_CHECK static inline enum iso_err iso_read_s32(struct iso_reader *reader, int32_t *out)
{
    if (ISO_LIKELY(reader->pos != reader->end && *reader->pos < 0x80)) {
        *out = (*reader->pos++ ^ 0x40) - 0x40;
        return ISO_OK;
    }
    return iso_read_s32_slow(reader, out);
}

ISO_MUST_CHECK static inline enum iso_err iso_read_s64(struct iso_reader *reader, int64_t *out)
{
    if (ISO_LIKELY(reader->pos != reader->end && *reader->pos < 0x80)) {
        *out = (*reader->pos++ ^ 0x40) - 0x40;
        return ISO_OK;
    }
    return iso_read_s64_slow(reader, out);
}

/* A signed 33-bit integer: type indices in block types. */
ISO_MUST_CHECK enum iso_err iso_read_s33(struct iso_reader *reader, int64_t *out);

/* `len` bytes, which stay where they are. */
ISO_MUST_CHECK enum iso_err iso_read_bytes(struct iso_reader *reader, size_t len,
                                           const uint8_t **out);

/* A length and that many bytes of UTF-8 (spec 5.2.4). */
ISO_MUST_CHECK enum iso_err iso_read_name(struct iso_reader *reader, struct iso_str *out);

/* The length of a vector (spec 5.1.3) whose elements have at least `min_bytes` each: a count that
 * the bytes left cannot hold is refused before anybody allocates for it. More than `max` is
 * ISO_E_LIMIT. `what` names the elements in the message. */
ISO_MUST_CHECK enum iso_err iso_read_count(struct iso_reader *reader, size_t min_bytes,
                                           uint32_t max, const char *what, uint32_t *out);

#endif
