/* Writing of DNS messages with compressed names (RFC 1035, section 4.1.4; RFC 6762, section 18.14).
 */
#include "net/mdns_message.h"

static void store_u16(uint8_t *p, uint16_t value)
{
    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
}

void iso_mdns_writer_init(struct iso_mdns_writer *writer)
{
    writer->len = ISO_MDNS_HEADER_SIZE;
    memset(writer->counts, 0, sizeof writer->counts);
    writer->name_count = 0;
    writer->plain = false;
}

bool iso_mdns_writer_is_empty(const struct iso_mdns_writer *writer)
{
    return writer->len == ISO_MDNS_HEADER_SIZE;
}

static bool put(struct iso_mdns_writer *writer, const void *data, size_t len)
{
    if (ISO_MDNS_SEND_MAX - writer->len < len) {
        return false;
    }
    iso_memory_copy(writer->bytes + writer->len, data, len);
    writer->len += len;
    return true;
}

static bool put_u16(struct iso_mdns_writer *writer, uint16_t value)
{
    uint8_t bytes[2];

    store_u16(bytes, value);
    return put(writer, bytes, sizeof bytes);
}

/* Whether the name at `at` in the message is exactly these labels. Bytes must be equal, not only
 * letters: a pointer must not change how a name is written. */
static bool written_is(const struct iso_mdns_writer *writer, size_t at, const uint8_t *labels,
                       size_t len)
{
    for (size_t i = 0; i < len;) {
        uint8_t size = writer->bytes[at];
        if (size >= 0xc0) {
            at = (size_t)(size & 0x3fu) << 8 | writer->bytes[at + 1];
            continue;
        }
        if (size != labels[i] || !iso_memory_equal(writer->bytes + at + 1, labels + i + 1, size)) {
            return false;
        }
        at += 1u + size;
        i += 1u + size;
    }
    return true;
}

/* Looks among the first `known` labels: those of the name being written are not finished. */
static bool find_written(const struct iso_mdns_writer *writer, unsigned known,
                         const uint8_t *labels, size_t len, uint16_t *at)
{
    for (unsigned i = 0; i < known; i++) {
        if (written_is(writer, writer->names[i], labels, len)) {
            *at = writer->names[i];
            return true;
        }
    }
    return false;
}

static bool put_name(struct iso_mdns_writer *writer, const uint8_t *labels, size_t len,
                     bool compress)
{
    unsigned known = writer->name_count;

    for (size_t i = 0; labels[i] != 0; i += 1u + labels[i]) {
        uint16_t at;
        if (compress && find_written(writer, known, labels + i, len - i, &at)) {
            return put_u16(writer, (uint16_t)(0xc000u | at));
        }
        size_t here = writer->len;
        if (!put(writer, labels + i, 1u + labels[i])) {
            return false;
        }
        if (writer->name_count < ISO_MDNS_WRITER_NAMES) {
            writer->names[writer->name_count++] = (uint16_t)here;
        }
    }
    return put(writer, "", 1);
}

static bool put_data(struct iso_mdns_writer *writer, const struct iso_mdns_record *record)
{
    const uint8_t *data = record->data.ptr;

    switch (record->type) {
    case ISO_MDNS_PTR:
        return put_name(writer, data, record->data.len, true);
    case ISO_MDNS_SRV:
        return put(writer, data, 6) &&
               put_name(writer, data + 6, record->data.len - 6, !writer->plain);
    case ISO_MDNS_NSEC: {
        size_t name_len = record->name.len; /* the "next" name is the record's own */
        return put_name(writer, data, name_len, !writer->plain) &&
               put(writer, data + name_len, record->data.len - name_len);
    }
    default:
        return put(writer, data, record->data.len);
    }
}

static void roll_back(struct iso_mdns_writer *writer, size_t len, unsigned name_count)
{
    writer->len = len;
    writer->name_count = name_count;
}

bool iso_mdns_writer_question(struct iso_mdns_writer *writer, const struct iso_mdns_name *name,
                              uint16_t type, uint16_t class_and_bit)
{
    size_t len = writer->len;
    unsigned name_count = writer->name_count;

    if (!put_name(writer, name->bytes, name->len, true) || !put_u16(writer, type) ||
        !put_u16(writer, class_and_bit)) {
        roll_back(writer, len, name_count);
        return false;
    }
    writer->counts[ISO_MDNS_QUESTIONS]++;
    return true;
}

bool iso_mdns_writer_record(struct iso_mdns_writer *writer, enum iso_mdns_section section,
                            const struct iso_mdns_record *record)
{
    size_t len = writer->len;
    unsigned name_count = writer->name_count;
    uint16_t class = (uint16_t)(record->class | (record->flush ? ISO_MDNS_TOP_BIT : 0));

    bool fits = put_name(writer, record->name.bytes, record->name.len, true) &&
                put_u16(writer, record->type) && put_u16(writer, class) &&
                put_u16(writer, (uint16_t)(record->ttl_s >> 16)) &&
                put_u16(writer, (uint16_t)record->ttl_s) && put_u16(writer, 0);
    size_t data_at = writer->len;
    if (!fits || !put_data(writer, record)) {
        roll_back(writer, len, name_count);
        return false;
    }
    store_u16(writer->bytes + data_at - 2, (uint16_t)(writer->len - data_at));
    writer->counts[section]++;
    return true;
}

void iso_mdns_writer_finish(struct iso_mdns_writer *writer, uint16_t id, uint16_t flags)
{
    store_u16(writer->bytes, id);
    store_u16(writer->bytes + 2, flags);
    for (unsigned section = 0; section < ISO_MDNS_SECTIONS; section++) {
        store_u16(writer->bytes + 4 + 2 * section, writer->counts[section]);
    }
}

/* ---- Records --------------------------------------------------------------------------------- */

void iso_mdns_record_target(const struct iso_mdns_record *record, struct iso_mdns_name *out)
{
    size_t skip = record->type == ISO_MDNS_SRV ? 6 : 0;

    out->len = (uint8_t)(record->data.len - skip);
    memcpy(out->bytes, record->data.ptr + skip, out->len);
}

bool iso_mdns_record_same_data(const struct iso_mdns_record *a, const struct iso_mdns_record *b)
{
    struct iso_mdns_name target_a;
    struct iso_mdns_name target_b;

    if (a->type != ISO_MDNS_PTR && a->type != ISO_MDNS_SRV) {
        return iso_bytes_equal(a->data, b->data);
    }
    iso_mdns_record_target(a, &target_a);
    iso_mdns_record_target(b, &target_b);
    size_t skip = a->type == ISO_MDNS_SRV ? 6 : 0;
    return iso_mdns_name_equal(&target_a, &target_b) &&
           iso_memory_equal(a->data.ptr, b->data.ptr, skip);
}

int iso_mdns_record_compare(const struct iso_mdns_record *a, const struct iso_mdns_record *b)
{
    if (a->class != b->class) {
        return a->class < b->class ? -1 : 1;
    }
    if (a->type != b->type) {
        return a->type < b->type ? -1 : 1;
    }
    size_t len = a->data.len < b->data.len ? a->data.len : b->data.len;
    int order = len == 0 ? 0 : memcmp(a->data.ptr, b->data.ptr, len);
    if (order != 0) {
        return order;
    }
    return a->data.len < b->data.len ? -1 : a->data.len > b->data.len;
}
