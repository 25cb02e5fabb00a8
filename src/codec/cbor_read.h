/*
 * cbor_read.h - inside src/codec: the items of CBOR (RFC 8949, section 3), of definite and
 * indefinite length.
 */
#ifndef ISO_CODEC_CBOR_READ_H
#define ISO_CODEC_CBOR_READ_H

#include "codec/cbor.h"
#include "codec/decode.h"

/* The head of an item. */
struct iso_cbor_head {
    enum iso_cbor_major major;
    uint8_t first; /* the byte it begins with */
    bool indefinite;
    uint64_t argument; /* with ISO_CBOR_SIMPLE the bits of a float, or the number of the value */
    const uint8_t *start;
};

/* Reads a head. A break is refused: nothing that this reads may be one. ISO_E_MALFORMED. */
ISO_MUST_CHECK enum iso_err iso_cbor_read_head(struct iso_decoder *decoder,
                                               const struct iso_vpath *path,
                                               struct iso_cbor_head *out);

/* The contents of a byte or text string whose head was read; text is checked to be UTF-8. A view of
 * the input, or in the arena when it came in pieces. */
ISO_MUST_CHECK enum iso_err iso_cbor_read_bytes(struct iso_decoder *decoder,
                                                const struct iso_vpath *path,
                                                const struct iso_cbor_head *head,
                                                struct iso_bytes *out);

/* What is left of an array or map. */
struct iso_cbor_items {
    uint64_t left;
    bool indefinite;
};
/* Begins an array or map whose head was read: a count that the input cannot hold is malformed. */
ISO_MUST_CHECK enum iso_err iso_cbor_begin(struct iso_decoder *decoder,
                                           const struct iso_vpath *path,
                                           const struct iso_cbor_head *head,
                                           struct iso_cbor_items *out);
/* Is there another item (or pair)? Takes the break at the end of those of indefinite length. */
bool iso_cbor_next(struct iso_decoder *decoder, struct iso_cbor_items *items);

/* The number when the item is a float. */
bool iso_cbor_float(const struct iso_cbor_head *head, double *out);

/* "expected ..., found ..." about the item with that head. ISO_E_ARGUMENT. */
ISO_MUST_CHECK enum iso_err iso_cbor_mismatch(const struct iso_decoder *decoder,
                                              const struct iso_vpath *path,
                                              const struct iso_vtype *type,
                                              const struct iso_cbor_head *head);
ISO_MUST_CHECK enum iso_err iso_cbor_expected(const struct iso_decoder *decoder,
                                              const struct iso_vpath *path, const char *expected,
                                              const struct iso_cbor_head *head);

#endif
