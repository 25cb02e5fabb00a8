/* Large messages between devices of ours, without I/O: what their options carry, and putting the
 * parts together. The design stands in docs/internals/coap.md.
 *
 * A request whose payload does not fit one message goes as chunks, each with the option CHUNK; an
 * answer that does not fit is announced with LARGE and fetched with requests that carry FETCH. */
#ifndef ISO_NET_COAP_CHUNK_H
#define ISO_NET_COAP_CHUNK_H

#include "base/base.h"
#include "net/coap_limits.h"

/* Option numbers of the range for experiments (RFC 7252, section 12.2): CHUNK and FETCH are
 * critical, so that a server which does not know them refuses the request, and unsafe to forward;
 * LARGE is elective. */
enum {
    ISO_COAP_OPTION_ISO_LARGE = 65002,
    ISO_COAP_OPTION_ISO_CHUNK = 65003,
    ISO_COAP_OPTION_ISO_FETCH = 65007
};

/* CHUNK: {message id, offset, total}; FETCH: {answer id, offset, bytes wanted}: three unsigned
 * numbers of 32 bits in network order. */
enum { ISO_COAP_PART_SIZE = 12 };
struct iso_coap_part {
    uint32_t id;
    uint32_t offset;
    uint32_t size; /* total, or bytes wanted */
};

void iso_coap_part_encode(const struct iso_coap_part *part, uint8_t out[ISO_COAP_PART_SIZE]);
/* ISO_E_MALFORMED unless `value` has exactly ISO_COAP_PART_SIZE bytes. */
ISO_MUST_CHECK enum iso_err iso_coap_part_decode(struct iso_bytes value, struct iso_coap_part *out);

/* LARGE: empty in a request (large answers are understood); in a 2.31 {credit}, 4 bytes; in an
 * answer {answer id, total}, 8 bytes. */
enum iso_coap_large_kind { ISO_COAP_LARGE_EMPTY, ISO_COAP_LARGE_CREDIT, ISO_COAP_LARGE_ANSWER };
enum { ISO_COAP_LARGE_MAX = 8 };
struct iso_coap_large {
    enum iso_coap_large_kind kind;
    uint32_t credit;
    uint32_t id;
    uint32_t total;
};

/* Returns the number of bytes written. */
size_t iso_coap_large_encode(const struct iso_coap_large *large, uint8_t out[ISO_COAP_LARGE_MAX]);
/* ISO_E_MALFORMED for other sizes, a credit of 0 and a total of 0. */
ISO_MUST_CHECK enum iso_err iso_coap_large_decode(struct iso_bytes value,
                                                  struct iso_coap_large *out);

/* A message in reassembly: its bytes, and which of them have come. */
struct iso_coap_range {
    uint32_t from;
    uint32_t to; /* beyond the last byte */
};

struct iso_coap_assembly {
    const struct iso_alloc *alloc;
    uint8_t *bytes; /* total of them */
    uint32_t total;
    uint32_t received; /* bytes in ranges */
    uint32_t range_count;
    struct iso_coap_range ranges[ISO_COAP_RANGES_MAX]; /* in order, not touching */
};

/* Room for `total` bytes, above 0. ISO_E_NOMEM. */
ISO_MUST_CHECK enum iso_err iso_coap_assembly_init(struct iso_coap_assembly *assembly,
                                                   const struct iso_alloc *alloc, uint32_t total);
void iso_coap_assembly_fini(struct iso_coap_assembly *assembly);

/* Puts a part in (borrowed). ISO_E_MALFORMED: empty or beyond the total; ISO_E_INVALID: overlaps
 * what is there in part; ISO_E_EXISTS: is there already in whole; ISO_E_LIMIT: too many gaps. */
ISO_MUST_CHECK enum iso_err iso_coap_assembly_add(struct iso_coap_assembly *assembly,
                                                  uint32_t offset, struct iso_bytes part);

static inline bool iso_coap_assembly_complete(const struct iso_coap_assembly *assembly)
{
    return assembly->received == assembly->total;
}

#endif
