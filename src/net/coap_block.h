/* Block options (RFC 7959, section 2.2; with BERT, RFC 8323, section 6), without I/O. */
#ifndef ISO_NET_COAP_BLOCK_H
#define ISO_NET_COAP_BLOCK_H

#include "base/base.h"

struct iso_coap_block {
    uint32_t number;
    bool more;
    uint8_t szx; /* 0..6: blocks of 16 << szx bytes; 7: BERT, several of 1,024 */
};

/* ISO_E_MALFORMED when longer than 3 bytes. */
ISO_MUST_CHECK enum iso_err iso_coap_block_decode(struct iso_bytes value,
                                                  struct iso_coap_block *out);

/* Returns the number of bytes written, 0 to 3. The number must be below 1 << 20. */
size_t iso_coap_block_encode(const struct iso_coap_block *block, uint8_t out[3]);

/* The size of a block, and where it begins. */
static inline uint32_t iso_coap_block_size(const struct iso_coap_block *block)
{
    return block->szx == 7 ? 1024u : 16u << block->szx;
}

static inline uint64_t iso_coap_block_offset(const struct iso_coap_block *block)
{
    return (uint64_t)block->number * iso_coap_block_size(block);
}

/* Whether the payload of a Block1 request is right for its option: whole blocks but at the end, no
 * more than a block unless BERT. */
bool iso_coap_block_payload_fits(const struct iso_coap_block *block, size_t len);

/* Which part of a body of `total` bytes answers a request for `wanted`, when a message carries
 * `room` bytes: fills in number, more and szx, offset and size. ISO_E_INVALID when the block lies
 * beyond the body (block 0 never does). */
ISO_MUST_CHECK enum iso_err iso_coap_block_cut(const struct iso_coap_block *wanted, size_t total,
                                               size_t room, struct iso_coap_block *block,
                                               size_t *offset, size_t *size);

#endif
