/* Block options (RFC 7959, section 2.2; with BERT, RFC 8323, section 6). */
#include "net/coap_block.h"

enum iso_err iso_coap_block_decode(struct iso_bytes value, struct iso_coap_block *out)
{
    if (value.len > 3) {
        return ISO_E_MALFORMED;
    }
    uint32_t bits = 0;
    for (size_t i = 0; i < value.len; i++) {
        bits = bits << 8 | value.ptr[i];
    }
    out->number = bits >> 4;
    out->more = (bits & 8) != 0;
    out->szx = (uint8_t)(bits & 7);
    return ISO_OK;
}

size_t iso_coap_block_encode(const struct iso_coap_block *block, uint8_t out[3])
{
    ISO_ASSERT(block->number < 1u << 20);
    uint32_t bits = block->number << 4 | (block->more ? 8u : 0u) | block->szx;
    if (bits == 0) {
        return 0;
    }
    size_t len = bits < 0x100 ? 1 : bits < 0x10000 ? 2 : 3;
    for (size_t i = 0; i < len; i++) {
        out[i] = (uint8_t)(bits >> (8 * (len - 1 - i)));
    }
    return len;
}

bool iso_coap_block_payload_fits(const struct iso_coap_block *block, size_t len)
{
    uint32_t size = iso_coap_block_size(block);
    if (block->more && (len == 0 || len % size != 0)) {
        return false;
    }
    return block->szx == 7 || len <= size;
}

enum iso_err iso_coap_block_cut(const struct iso_coap_block *wanted, size_t total, size_t room,
                                struct iso_coap_block *block, size_t *offset, size_t *size)
{
    struct iso_coap_block cut = {.number = wanted->number, .szx = wanted->szx};
    uint64_t from = iso_coap_block_offset(wanted);
    if (cut.number != 0 && from >= total) {
        return ISO_E_INVALID;
    }
    uint64_t most = iso_coap_block_size(&cut);
    if (cut.szx == 7) {
        most = room - room % 1024;
    } else {
        /* A smaller size than asked for is the server's right (RFC 7959, section 2.4). */
        while (most > room && cut.szx > 0) {
            cut.szx--;
            cut.number *= 2;
            most /= 2;
        }
    }
    size_t left = total - (size_t)from;
    *size = left < most ? left : (size_t)most;
    *offset = (size_t)from;
    cut.more = *size < left;
    if (cut.number >= 1u << 20) {
        return ISO_E_INVALID;
    }
    *block = cut;
    return ISO_OK;
}
