/*
 * wit_binary_read.c - the values of the binary format: integers, names, counts.
 */
#include "interface/wit_binary.h"

#include "base/format.h"

#include <stdarg.h>

enum iso_err iso_wit_bad(const struct iso_wit_reader *reader, enum iso_err err, const char *format,
                         ...)
{
    if (reader->report != NULL) {
        char text[300];
        va_list args;
        va_start(args, format);
        (void)iso_format_v(text, sizeof text, format, args);
        va_end(args);
        iso_report_set_at(reader->report, (uint64_t)(reader->pos - reader->start),
                          "component-type: at byte %zu: %s", (size_t)(reader->pos - reader->start),
                          text);
    }
    return err;
}

enum iso_err iso_wit_read_u8(struct iso_wit_reader *reader, uint8_t *out)
{
    if (reader->pos == reader->end) {
        return iso_wit_bad(reader, ISO_E_MALFORMED, "it ends too early");
    }
    *out = *reader->pos++;
    return ISO_OK;
}

enum iso_err iso_wit_read_u32(struct iso_wit_reader *reader, uint32_t *out)
{
    uint32_t value = 0;
    for (unsigned shift = 0; shift < 35; shift += 7) {
        uint8_t byte = 0;
        enum iso_err err = iso_wit_read_u8(reader, &byte);
        if (err != ISO_OK) {
            return err;
        }
        if (shift == 28 && byte > 0x0f) {
            break;
        }
        value |= (uint32_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            *out = value;
            return ISO_OK;
        }
    }
    return iso_wit_bad(reader, ISO_E_MALFORMED, "an integer of more than 32 bits");
}

enum iso_err iso_wit_read_text(struct iso_wit_reader *reader, struct iso_str *out)
{
    uint32_t len;
    enum iso_err err = iso_wit_read_u32(reader, &len);
    if (err != ISO_OK) {
        return err;
    }
    if (len > (size_t)(reader->end - reader->pos)) {
        return iso_wit_bad(reader, ISO_E_MALFORMED, "a name of %u bytes goes beyond the end",
                           (unsigned)len);
    }
    if (!iso_utf8_valid(reader->pos, len)) {
        return iso_wit_bad(reader, ISO_E_MALFORMED, "a name is not UTF-8");
    }
    *out = iso_str_from((const char *)reader->pos, len);
    reader->pos += len;
    return ISO_OK;
}

enum iso_err iso_wit_read_count(struct iso_wit_reader *reader, uint32_t max, const char *what,
                                uint32_t *out)
{
    uint32_t count;
    enum iso_err err = iso_wit_read_u32(reader, &count);
    if (err != ISO_OK) {
        return err;
    }
    if (count > (size_t)(reader->end - reader->pos)) {
        return iso_wit_bad(reader, ISO_E_MALFORMED, "%u %s do not fit into the rest",
                           (unsigned)count, what);
    }
    if (count > max) {
        return iso_wit_bad(reader, ISO_E_LIMIT, "%u %s; at most %u are supported", (unsigned)count,
                           what, (unsigned)max);
    }
    *out = count;
    return ISO_OK;
}
