/* Options and reassembly of large messages between devices (docs/internals/coap.md). */
#include "net/coap_chunk.h"

static uint32_t load_u32be(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | (uint32_t)p[3];
}

static void store_u32be(uint8_t *p, uint32_t value)
{
    p[0] = (uint8_t)(value >> 24);
    p[1] = (uint8_t)(value >> 16);
    p[2] = (uint8_t)(value >> 8);
    p[3] = (uint8_t)value;
}

void iso_coap_part_encode(const struct iso_coap_part *part, uint8_t out[ISO_COAP_PART_SIZE])
{
    store_u32be(out, part->id);
    store_u32be(out + 4, part->offset);
    store_u32be(out + 8, part->size);
}

enum iso_err iso_coap_part_decode(struct iso_bytes value, struct iso_coap_part *out)
{
    if (value.len != ISO_COAP_PART_SIZE) {
        return ISO_E_MALFORMED;
    }
    out->id = load_u32be(value.ptr);
    out->offset = load_u32be(value.ptr + 4);
    out->size = load_u32be(value.ptr + 8);
    return ISO_OK;
}

size_t iso_coap_large_encode(const struct iso_coap_large *large, uint8_t out[ISO_COAP_LARGE_MAX])
{
    switch (large->kind) {
    case ISO_COAP_LARGE_CREDIT:
        store_u32be(out, large->credit);
        return 4;
    case ISO_COAP_LARGE_ANSWER:
        store_u32be(out, large->id);
        store_u32be(out + 4, large->total);
        return 8;
    case ISO_COAP_LARGE_EMPTY:
        break;
    }
    return 0;
}

enum iso_err iso_coap_large_decode(struct iso_bytes value, struct iso_coap_large *out)
{
    struct iso_coap_large large = {.kind = ISO_COAP_LARGE_EMPTY};
    if (value.len == 4) {
        large.kind = ISO_COAP_LARGE_CREDIT;
        large.credit = load_u32be(value.ptr);
        if (large.credit == 0) {
            return ISO_E_MALFORMED;
        }
    } else if (value.len == 8) {
        large.kind = ISO_COAP_LARGE_ANSWER;
        large.id = load_u32be(value.ptr);
        large.total = load_u32be(value.ptr + 4);
        if (large.total == 0) {
            return ISO_E_MALFORMED;
        }
    } else if (value.len != 0) {
        return ISO_E_MALFORMED;
    }
    *out = large;
    return ISO_OK;
}

enum iso_err iso_coap_assembly_init(struct iso_coap_assembly *assembly,
                                    const struct iso_alloc *alloc, uint32_t total)
{
    ISO_ASSERT(total > 0);
    /* Not zeroed: pages that no part ever reaches cost nothing, whatever total was claimed. */
    uint8_t *bytes = iso_alloc_resize(alloc, NULL, 0, total);
    if (bytes == NULL) {
        return ISO_E_NOMEM;
    }
    *assembly = (struct iso_coap_assembly){.alloc = alloc, .bytes = bytes, .total = total};
    return ISO_OK;
}

void iso_coap_assembly_fini(struct iso_coap_assembly *assembly)
{
    if (assembly->bytes != NULL) {
        iso_alloc_free(assembly->alloc, assembly->bytes, assembly->total);
        assembly->bytes = NULL;
    }
}

/* Where [from, to) belongs: the first range that ends at or after `from`. */
static uint32_t range_place(const struct iso_coap_assembly *assembly, uint32_t from)
{
    uint32_t i = 0;
    while (i < assembly->range_count && assembly->ranges[i].to < from) {
        i++;
    }
    return i;
}

static void range_remove(struct iso_coap_assembly *assembly, uint32_t i)
{
    assembly->range_count--;
    memmove(&assembly->ranges[i], &assembly->ranges[i + 1],
            (assembly->range_count - i) * sizeof(assembly->ranges[0]));
}

/* Notes that [from, to) is there; it overlaps nothing. */
static enum iso_err range_note(struct iso_coap_assembly *assembly, uint32_t i, uint32_t from,
                               uint32_t to)
{
    struct iso_coap_range *ranges = assembly->ranges;
    bool joins_left = i < assembly->range_count && ranges[i].to == from;
    uint32_t right = joins_left ? i + 1 : i;
    bool joins_right = right < assembly->range_count && ranges[right].from == to;
    if (joins_left && joins_right) {
        ranges[i].to = ranges[right].to;
        range_remove(assembly, right);
    } else if (joins_left) {
        ranges[i].to = to;
    } else if (joins_right) {
        ranges[right].from = from;
    } else {
        if (assembly->range_count == ISO_COAP_RANGES_MAX) {
            return ISO_E_LIMIT;
        }
        memmove(&ranges[i + 1], &ranges[i], (assembly->range_count - i) * sizeof(ranges[0]));
        ranges[i] = (struct iso_coap_range){.from = from, .to = to};
        assembly->range_count++;
    }
    return ISO_OK;
}

enum iso_err iso_coap_assembly_add(struct iso_coap_assembly *assembly, uint32_t offset,
                                   struct iso_bytes part)
{
    if (part.len == 0 || offset > assembly->total || part.len > assembly->total - offset) {
        return ISO_E_MALFORMED;
    }
    uint32_t to = offset + (uint32_t)part.len;
    uint32_t i = range_place(assembly, offset);
    /* The range at i may end exactly where the part begins; then the next one may be in the way. */
    uint32_t other = i < assembly->range_count && assembly->ranges[i].to == offset ? i + 1 : i;
    if (other < assembly->range_count && assembly->ranges[other].from < to) {
        const struct iso_coap_range *range = &assembly->ranges[other];
        bool whole = range->from <= offset && range->to >= to;
        return whole ? ISO_E_EXISTS : ISO_E_INVALID;
    }
    enum iso_err err = range_note(assembly, i, offset, to);
    if (err != ISO_OK) {
        return err;
    }
    memcpy(assembly->bytes + offset, part.ptr, part.len);
    assembly->received += (uint32_t)part.len;
    return ISO_OK;
}
