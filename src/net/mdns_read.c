/* Reading of DNS messages (RFC 1035, sections 4.1 and 4.1.4; RFC 6762, section 18). Every message
 * is checked as a whole before anything of it is used. Pointers in names go strictly backwards, so
 * that every name ends. */
#include "net/mdns_message.h"

static uint16_t load_u16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t load_u32(const uint8_t *p)
{
    return (uint32_t)load_u16(p) << 16 | load_u16(p + 2);
}

/* Appends the labels from `at` up to a pointer or the end. *end: after them; *pointer: where to go
 * on, or the size of the packet when the name is finished. */
static enum iso_err read_labels(struct iso_bytes packet, size_t at, struct iso_mdns_name *name,
                                size_t *end, size_t *pointer, struct iso_report *report)
{
    for (;;) {
        if (at >= packet.len) {
            return iso_fail_at(report, ISO_E_MALFORMED, at, "a name goes beyond the message");
        }
        uint8_t len = packet.ptr[at];
        if (len >= 0xc0) {
            if (packet.len - at < 2) {
                return iso_fail_at(report, ISO_E_MALFORMED, at, "a pointer is cut off");
            }
            *pointer = load_u16(packet.ptr + at) & 0x3fffu;
            *end = at + 2;
            return ISO_OK;
        }
        if (len > ISO_MDNS_LABEL_MAX) {
            return iso_fail_at(report, ISO_E_MALFORMED, at, "an unknown kind of label (0x%02x)",
                               (unsigned)len);
        }
        if (packet.len - at < 1u + len) {
            return iso_fail_at(report, ISO_E_MALFORMED, at, "a label goes beyond the message");
        }
        /* After a label there must be room for the closing zero. */
        if (name->len + 1u + len + (len != 0) > ISO_MDNS_NAME_MAX) {
            return iso_fail_at(report, ISO_E_MALFORMED, at, "a name is longer than 255 bytes");
        }
        memcpy(name->bytes + name->len, packet.ptr + at, 1u + len);
        name->len = (uint8_t)(name->len + 1u + len);
        at += 1u + len;
        if (len == 0) {
            *pointer = packet.len;
            *end = at;
            return ISO_OK;
        }
    }
}

static enum iso_err read_name(struct iso_bytes packet, size_t *at, struct iso_mdns_name *out,
                              struct iso_report *report)
{
    size_t begin = *at; /* of the labels being read: pointers must go before it */
    size_t end;
    size_t pointer;

    out->len = 0;
    enum iso_err err = read_labels(packet, begin, out, at, &pointer, report);
    while (err == ISO_OK && pointer != packet.len) {
        if (pointer >= begin) {
            return iso_fail_at(report, ISO_E_MALFORMED, begin,
                               "a pointer to %u, which is not before the name", (unsigned)pointer);
        }
        if (pointer < ISO_MDNS_HEADER_SIZE) {
            return iso_fail_at(report, ISO_E_MALFORMED, begin, "a pointer into the header");
        }
        begin = pointer;
        err = read_labels(packet, begin, out, &end, &pointer, report);
    }
    return err;
}

static enum iso_err read_question(struct iso_mdns_reader *reader, struct iso_mdns_question *out,
                                  struct iso_report *report)
{
    enum iso_err err = read_name(reader->packet, &reader->at, &out->name, report);

    if (err != ISO_OK) {
        return err;
    }
    if (reader->packet.len - reader->at < 4) {
        return iso_fail_at(report, ISO_E_MALFORMED, reader->at, "a question is cut off");
    }
    const uint8_t *p = reader->packet.ptr + reader->at;
    out->type = load_u16(p);
    out->class = load_u16(p + 2) & 0x7fffu;
    out->unicast = (load_u16(p + 2) & ISO_MDNS_TOP_BIT) != 0;
    reader->at += 4;
    return ISO_OK;
}

/* A name that fills the data from `skip` on: written out into record->copy. */
static enum iso_err read_named_data(const struct iso_mdns_reader *reader, size_t at, size_t len,
                                    size_t skip, struct iso_mdns_record *record,
                                    struct iso_report *report)
{
    struct iso_mdns_name name;
    size_t end = at + skip;

    if (len <= skip) {
        return iso_fail_at(report, ISO_E_MALFORMED, at, "the data of type %u are cut off",
                           (unsigned)record->type);
    }
    enum iso_err err = read_name(reader->packet, &end, &name, report);
    if (err != ISO_OK) {
        return err;
    }
    if (end != at + len) {
        return iso_fail_at(report, ISO_E_MALFORMED, at,
                           "the name in the data of type %u does not end where they do",
                           (unsigned)record->type);
    }
    memcpy(record->copy, reader->packet.ptr + at, skip);
    memcpy(record->copy + skip, name.bytes, name.len);
    record->data = iso_bytes_from(record->copy, skip + name.len);
    return ISO_OK;
}

/* TXT: strings with their lengths (RFC 1035, section 3.3.14). */
static enum iso_err check_strings(struct iso_bytes data, size_t at, struct iso_report *report)
{
    for (size_t i = 0; i < data.len; i += 1u + data.ptr[i]) {
        if (data.len - i < 1u + data.ptr[i]) {
            return iso_fail_at(report, ISO_E_MALFORMED, at + i, "a text goes beyond its record");
        }
    }
    return ISO_OK;
}

/* NSEC: a name, then blocks of bits (RFC 4034, section 4.1.2). */
static enum iso_err check_nsec(const struct iso_mdns_reader *reader, size_t at, size_t len,
                               struct iso_report *report)
{
    struct iso_mdns_name name;
    size_t next = at;
    enum iso_err err = read_name(reader->packet, &next, &name, report);

    while (err == ISO_OK && next < at + len) {
        const uint8_t *p = reader->packet.ptr + next;
        size_t left = at + len - next;
        if (left < 2 || p[1] == 0 || p[1] > 32 || left < 2u + p[1]) {
            return iso_fail_at(report, ISO_E_MALFORMED, next, "a bit map of types is damaged");
        }
        next += 2u + p[1];
    }
    if (err == ISO_OK && next != at + len) {
        return iso_fail_at(report, ISO_E_MALFORMED, at, "the name of an NSEC goes beyond it");
    }
    return err;
}

static enum iso_err check_size(const struct iso_mdns_record *record, size_t at, size_t size,
                               struct iso_report *report)
{
    if (record->data.len != size) {
        return iso_fail_at(report, ISO_E_MALFORMED, at, "an address of %u bytes instead of %u",
                           (unsigned)record->data.len, (unsigned)size);
    }
    return ISO_OK;
}

static enum iso_err read_data(const struct iso_mdns_reader *reader, size_t at, size_t len,
                              struct iso_mdns_record *record, struct iso_report *report)
{
    record->data = iso_bytes_from(reader->packet.ptr + at, len);
    switch (record->type) {
    case ISO_MDNS_A:
        return check_size(record, at, 4, report);
    case ISO_MDNS_AAAA:
        return check_size(record, at, 16, report);
    case ISO_MDNS_PTR:
    case ISO_MDNS_CNAME:
    case ISO_MDNS_DNAME:
    case ISO_MDNS_NS:
        return read_named_data(reader, at, len, 0, record, report);
    case ISO_MDNS_SRV:
        return read_named_data(reader, at, len, 6, record, report);
    case ISO_MDNS_TXT:
        return check_strings(record->data, at, report);
    case ISO_MDNS_NSEC:
        return check_nsec(reader, at, len, report);
    default:
        return ISO_OK;
    }
}

static enum iso_err read_record(struct iso_mdns_reader *reader, struct iso_mdns_record *out,
                                struct iso_report *report)
{
    enum iso_err err = read_name(reader->packet, &reader->at, &out->name, report);

    if (err != ISO_OK) {
        return err;
    }
    if (reader->packet.len - reader->at < 10) {
        return iso_fail_at(report, ISO_E_MALFORMED, reader->at, "a record is cut off");
    }
    const uint8_t *p = reader->packet.ptr + reader->at;
    out->type = load_u16(p);
    out->class = load_u16(p + 2) & 0x7fffu;
    out->flush = (load_u16(p + 2) & ISO_MDNS_TOP_BIT) != 0;
    out->ttl_s = load_u32(p + 4);
    size_t len = load_u16(p + 8);
    reader->at += 10;
    if (reader->packet.len - reader->at < len) {
        return iso_fail_at(report, ISO_E_MALFORMED, reader->at,
                           "the data of a record go beyond the message");
    }
    err = read_data(reader, reader->at, len, out, report);
    reader->at += len;
    return err;
}

/* Reads everything once. */
static enum iso_err check_all(struct iso_mdns_reader reader, struct iso_report *report)
{
    struct iso_mdns_question question;
    struct iso_mdns_record record;
    enum iso_err err = ISO_OK;

    for (unsigned n = reader.left[ISO_MDNS_QUESTIONS]; n > 0 && err == ISO_OK; n--) {
        err = read_question(&reader, &question, report);
    }
    for (unsigned section = ISO_MDNS_ANSWERS; section < ISO_MDNS_SECTIONS; section++) {
        for (unsigned n = reader.left[section]; n > 0 && err == ISO_OK; n--) {
            err = read_record(&reader, &record, report);
        }
    }
    return err;
}

enum iso_err iso_mdns_reader_init(struct iso_mdns_reader *reader, struct iso_bytes packet,
                                  struct iso_report *report)
{
    if (packet.len > ISO_MDNS_PACKET_MAX) {
        return iso_fail(report, ISO_E_LIMIT, "a message of %u bytes; at most %u are read",
                        (unsigned)packet.len, ISO_MDNS_PACKET_MAX);
    }
    if (packet.len < ISO_MDNS_HEADER_SIZE) {
        return iso_fail_at(report, ISO_E_MALFORMED, 0, "a message shorter than its header");
    }
    const uint8_t *p = packet.ptr;
    struct iso_mdns_reader made = {
        .packet = packet,
        .at = ISO_MDNS_HEADER_SIZE,
        .id = load_u16(p),
        .flags = load_u16(p + 2),
    };
    if ((made.flags & 0x7800) != 0) {
        return iso_fail_at(report, ISO_E_UNSUPPORTED, 2, "an opcode other than 0");
    }
    if ((made.flags & 0x000f) != 0) {
        return iso_fail_at(report, ISO_E_UNSUPPORTED, 3, "a response code other than 0");
    }
    /* A question takes at least 5 bytes and a record 11: no need to begin with what cannot fit. */
    size_t least = 0;
    for (unsigned section = 0; section < ISO_MDNS_SECTIONS; section++) {
        made.left[section] = load_u16(p + 4 + 2 * section);
        least += (section == ISO_MDNS_QUESTIONS ? 5u : 11u) * made.left[section];
    }
    if (least > packet.len - ISO_MDNS_HEADER_SIZE) {
        return iso_fail_at(report, ISO_E_MALFORMED, 4, "more entries than fit into %u bytes",
                           (unsigned)packet.len);
    }
    enum iso_err err = check_all(made, report);
    if (err == ISO_OK) {
        *reader = made;
    }
    return err;
}

bool iso_mdns_reader_question(struct iso_mdns_reader *reader, struct iso_mdns_question *out)
{
    if (reader->left[ISO_MDNS_QUESTIONS] == 0) {
        return false;
    }
    reader->left[ISO_MDNS_QUESTIONS]--;
    enum iso_err err = read_question(reader, out, NULL);
    ISO_ASSERT(err == ISO_OK); /* checked by iso_mdns_reader_init */
    return true;
}

bool iso_mdns_reader_record(struct iso_mdns_reader *reader, struct iso_mdns_record *record,
                            enum iso_mdns_section *section)
{
    struct iso_mdns_question question;

    while (iso_mdns_reader_question(reader, &question)) {
    }
    for (unsigned i = ISO_MDNS_ANSWERS; i < ISO_MDNS_SECTIONS; i++) {
        if (reader->left[i] != 0) {
            reader->left[i]--;
            *section = (enum iso_mdns_section)i;
            enum iso_err err = read_record(reader, record, NULL);
            ISO_ASSERT(err == ISO_OK); /* checked by iso_mdns_reader_init */
            return true;
        }
    }
    return false;
}
