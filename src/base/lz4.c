/* LZ4 block format: a block is a row of sequences
 *
 *     token: literal length (4 bits) | match length - 4 (4 bits)
 *     more literal length (255 ... 255 n) when those 4 bits are 15
 *     literals
 *     offset, 2 bytes little-endian, 1 .. 65535
 *     more match length in the same way
 *
 * The last sequence ends after its literals. The last 5 bytes are always literals, and the last
 * match starts at least 12 bytes before the end; decoders may rely on that, so the encoder observes
 * it. */
#include "base/lz4.h"

#include "base/bytes.h"

#define MIN_MATCH 4u
#define LAST_LITERALS 5u
#define MATCH_START_LIMIT 12u
#define MAX_OFFSET 65535u
#define HASH_BITS 11u
/* After this many misses the search takes one more byte per step, so that data that does not
 * compress passes quickly. */
#define SKIP_SHIFT 6u

size_t iso_lz4_bound(size_t len)
{
    return len <= ISO_LZ4_MAX_INPUT ? len + len / 255 + 16 : 0;
}

static size_t hash_of(uint32_t four_bytes)
{
    return (size_t)((four_bytes * 2654435761u) >> (32 - HASH_BITS));
}

/* Bytes that the extension of a 4-bit length takes. */
static size_t extension_size(size_t length)
{
    return length < 15 ? 0 : (length - 15) / 255 + 1;
}

static uint8_t *put_extension(uint8_t *to, size_t length)
{
    if (length < 15) {
        return to;
    }
    length -= 15;
    while (length >= 255) {
        *to++ = 255;
        length -= 255;
    }
    *to++ = (uint8_t)length;
    return to;
}

struct lz4_output {
    uint8_t *next;
    uint8_t *end;
};

/* A sequence; match_len 0 is the last one, which has literals only. */
static bool put_sequence(struct lz4_output *out, const uint8_t *literals, size_t literal_len,
                         size_t offset, size_t match_len)
{
    size_t match_code = match_len != 0 ? match_len - MIN_MATCH : 0;
    size_t size = 1 + extension_size(literal_len) + literal_len;
    if (match_len != 0) {
        size += 2 + extension_size(match_code);
    }
    if (size > (size_t)(out->end - out->next)) {
        return false;
    }
    uint8_t *to = out->next;
    size_t high = literal_len < 15 ? literal_len : 15;
    size_t low = match_code < 15 ? match_code : 15;
    *to++ = (uint8_t)(high << 4 | low);
    to = put_extension(to, literal_len);
    iso_memory_copy(to, literals, literal_len);
    to += literal_len;
    if (match_len != 0) {
        iso_store_u16le(to, (uint16_t)offset);
        to = put_extension(to + 2, match_code);
    }
    out->next = to;
    return true;
}

static size_t match_length(const uint8_t *src, size_t earlier, size_t here, size_t end)
{
    size_t start = here;
    while (end - here >= 8 && memcmp(src + earlier, src + here, 8) == 0) {
        earlier += 8;
        here += 8;
    }
    while (here < end && src[earlier] == src[here]) {
        earlier++;
        here++;
    }
    return here - start;
}

size_t iso_lz4_compress(const uint8_t *src, size_t len, uint8_t *dst, size_t cap)
{
    if (len > ISO_LZ4_MAX_INPUT) {
        return 0;
    }
    struct lz4_output out = {.next = dst, .end = cap != 0 ? dst + cap : dst};
    uint32_t position_of[1u << HASH_BITS]; /* position + 1; 0: none */
    size_t anchor = 0;                     /* the first byte not yet written */
    if (len > MATCH_START_LIMIT) {
        memset(position_of, 0, sizeof position_of);
        size_t start_limit = len - MATCH_START_LIMIT;
        size_t match_limit = len - LAST_LITERALS;
        size_t here = 0;
        size_t misses = 0;
        while (here <= start_limit) {
            uint32_t four = iso_load_u32le(src + here);
            uint32_t *slot = &position_of[hash_of(four)];
            size_t earlier = *slot;
            *slot = (uint32_t)(here + 1);
            if (earlier == 0 || here - (earlier - 1) > MAX_OFFSET ||
                iso_load_u32le(src + earlier - 1) != four) {
                here += 1 + (misses++ >> SKIP_SHIFT);
                continue;
            }
            earlier--;
            size_t length =
                MIN_MATCH + match_length(src, earlier + MIN_MATCH, here + MIN_MATCH, match_limit);
            if (!put_sequence(&out, src + anchor, here - anchor, here - earlier, length)) {
                return 0;
            }
            here += length;
            anchor = here;
            misses = 0;
        }
    }
    if (!put_sequence(&out, len != 0 ? src + anchor : NULL, len - anchor, 0, 0)) {
        return 0;
    }
    return cap - (size_t)(out.end - out.next);
}

struct lz4_input {
    const uint8_t *next;
    const uint8_t *end;
};

/* Completes a 4-bit length. False when the input ends or the length passes `max`; checking the
 * limit at each step also excludes overflow. */
static bool get_length(struct lz4_input *in, size_t code, size_t max, size_t *length)
{
    size_t sum = code;
    if (code == 15) {
        uint8_t more;
        do {
            if (in->next == in->end || sum > max) {
                return false;
            }
            more = *in->next++;
            sum += more;
        } while (more == 255);
    }
    *length = sum;
    return sum <= max;
}

/* Source and destination may overlap: an offset below the length repeats a pattern. */
static void copy_match(uint8_t *to, size_t offset, size_t len)
{
    const uint8_t *from = to - offset;
    if (offset >= len) {
        memcpy(to, from, len);
    } else if (offset == 1) {
        memset(to, *from, len);
    } else {
        for (size_t i = 0; i < len; i++) {
            to[i] = from[i];
        }
    }
}

enum iso_err iso_lz4_decompress(const uint8_t *src, size_t len, uint8_t *dst, size_t dst_len)
{
    struct lz4_input in = {.next = src, .end = len != 0 ? src + len : src};
    size_t done = 0;
    while (in.next != in.end) {
        uint8_t token = *in.next++;
        size_t literal_len;
        if (!get_length(&in, token >> 4, dst_len - done, &literal_len) ||
            literal_len > (size_t)(in.end - in.next)) {
            return ISO_E_MALFORMED;
        }
        if (literal_len != 0) {
            memcpy(dst + done, in.next, literal_len);
            in.next += literal_len;
            done += literal_len;
        }
        if (in.next == in.end) {
            /* The end of the block; the match half of the last token has no meaning. */
            return done == dst_len ? ISO_OK : ISO_E_MALFORMED;
        }
        if (in.end - in.next < 2) {
            return ISO_E_MALFORMED;
        }
        size_t offset = iso_load_u16le(in.next);
        in.next += 2;
        size_t match_code;
        if (offset == 0 || offset > done || dst_len - done < MIN_MATCH ||
            !get_length(&in, token & 15, dst_len - done - MIN_MATCH, &match_code)) {
            return ISO_E_MALFORMED;
        }
        copy_match(dst + done, offset, match_code + MIN_MATCH);
        done += match_code + MIN_MATCH;
    }
    /* No block, not even one of no bytes, is empty or ends with a match. */
    return ISO_E_MALFORMED;
}
