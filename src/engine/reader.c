/*
 * reader.c - values of the binary format (spec 5.2): the slow paths.
 *
 * The wording before the colon is that of the specification's reference interpreter.
 */
#include "engine/reader.h"

#include "engine/limits.h"

static uint64_t offset_of(const struct iso_reader *reader, const uint8_t *at)
{
    return (uint64_t)(at - reader->start);
}

enum iso_err iso_reader_fail_end(struct iso_reader *reader)
{
    return iso_fail_at(reader->report, ISO_E_MALFORMED, offset_of(reader, reader->end),
                       "unexpected end of section or function");
}

/*
 * A LEB128 integer of at most `bits` bits. The last byte that the width allows must neither
 * continue nor have bits beyond the width, other than copies of the sign.
 */
static enum iso_err read_leb(struct iso_reader *reader, unsigned bits, bool is_signed,
                             uint64_t *out)
{
    const uint8_t *pos = reader->pos;
    uint64_t value = 0;
    unsigned shift = 0;
    uint8_t byte;
    do {
        if (pos == reader->end) {
            return iso_reader_fail_end(reader);
        }
        byte = *pos++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        shift += 7;
        if (shift >= bits) {
            if ((byte & 0x80) != 0) {
                return iso_fail_at(reader->report, ISO_E_MALFORMED, offset_of(reader, reader->pos),
                                   "integer representation too long: more than %u bytes for %u "
                                   "bits",
                                   shift / 7, bits);
            }
            /* Of the 7 bits of this byte, `used` belong to the value. */
            unsigned used = bits - (shift - 7);
            uint8_t unused_mask = (uint8_t)(0x7f & ~((1u << used) - 1));
            bool negative = is_signed && (byte >> (used - 1) & 1) != 0;
            if ((byte & unused_mask) != (negative ? unused_mask : 0)) {
                return iso_fail_at(reader->report, ISO_E_MALFORMED, offset_of(reader, reader->pos),
                                   "integer too large: more than %u bits", bits);
            }
            break;
        }
    } while ((byte & 0x80) != 0);
    if (is_signed && shift < 64 && (byte & 0x40) != 0) {
        value |= UINT64_MAX << shift;
    }
    reader->pos = pos;
    *out = value;
    return ISO_OK;
}

/* Two's complement without relying on what the compiler makes of large unsigned numbers. */
static int64_t to_signed(uint64_t value)
{
    return value <= INT64_MAX ? (int64_t)value : -(int64_t)(UINT64_MAX - value) - 1;
}

enum iso_err iso_read_u32_slow(struct iso_reader *reader, uint32_t *out)
{
    uint64_t value;
    enum iso_err err = read_leb(reader, 32, false, &value);
    if (err == ISO_OK) {
        *out = (uint32_t)value;
    }
    return err;
}

enum iso_err iso_read_s32_slow(struct iso_reader *reader, int32_t *out)
{
    uint64_t value;
    enum iso_err err = read_leb(reader, 32, true, &value);
    if (err == ISO_OK) {
        *out = (int32_t)to_signed(value);
    }
    return err;
}

enum iso_err iso_read_s33(struct iso_reader *reader, int64_t *out)
{
    uint64_t value;
    enum iso_err err = read_leb(reader, 33, true, &value);
    if (err == ISO_OK) {
        *out = to_signed(value);
    }
    return err;
}

enum iso_err iso_read_s64_slow(struct iso_reader *reader, int64_t *out)
{
    uint64_t value;
    enum iso_err err = read_leb(reader, 64, true, &value);
    if (err == ISO_OK) {
        *out = to_signed(value);
    }
    return err;
}

enum iso_err iso_read_bytes(struct iso_reader *reader, size_t len, const uint8_t **out)
{
    if (len > iso_reader_left(reader)) {
        return iso_fail_at(reader->report, ISO_E_MALFORMED, offset_of(reader, reader->pos),
                           "unexpected end of section or function: %zu bytes wanted, %zu left", len,
                           iso_reader_left(reader));
    }
    *out = reader->pos;
    reader->pos += len;
    return ISO_OK;
}

enum iso_err iso_read_name(struct iso_reader *reader, struct iso_str *out)
{
    uint32_t len;
    enum iso_err err = iso_read_u32(reader, &len);
    if (err != ISO_OK) {
        return err;
    }
    if (len > iso_reader_left(reader)) {
        return iso_fail_at(reader->report, ISO_E_MALFORMED, offset_of(reader, reader->pos),
                           "length out of bounds: a name of %u bytes, %zu left", (unsigned)len,
                           iso_reader_left(reader));
    }
    if (len > ISO_MAX_STRING_BYTES) {
        return iso_fail_at(reader->report, ISO_E_LIMIT, offset_of(reader, reader->pos),
                           "a name of %u bytes; at most %u are supported", (unsigned)len,
                           ISO_MAX_STRING_BYTES);
    }
    if (!iso_utf8_valid(reader->pos, len)) {
        return iso_fail_at(reader->report, ISO_E_MALFORMED, offset_of(reader, reader->pos),
                           "malformed UTF-8 encoding in a name");
    }
    *out = iso_str_from((const char *)reader->pos, len);
    reader->pos += len;
    return ISO_OK;
}

enum iso_err iso_read_count(struct iso_reader *reader, size_t min_bytes, uint32_t max,
                            const char *what, uint32_t *out)
{
    uint64_t at = offset_of(reader, reader->pos);
    uint32_t count;
    enum iso_err err = iso_read_u32(reader, &count);
    if (err != ISO_OK) {
        return err;
    }
    if (count > iso_reader_left(reader) / min_bytes) {
        return iso_fail_at(reader->report, ISO_E_MALFORMED, at,
                           "unexpected end of section or function: %u %s do not fit into %zu bytes",
                           (unsigned)count, what, iso_reader_left(reader));
    }
    if (count > max) {
        return iso_fail_at(reader->report, ISO_E_LIMIT, at, "%u %s; at most %u are supported",
                           (unsigned)count, what, (unsigned)max);
    }
    *out = count;
    return ISO_OK;
}
