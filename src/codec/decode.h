/*
 * decode.h - inside src/codec: what the decoders of JSON and CBOR share. A decoder walks along the
 * type; values whose number is not known beforehand are collected on a scratch stack and moved to
 * the arena once they are complete.
 */
#ifndef ISO_CODEC_DECODE_H
#define ISO_CODEC_DECODE_H

#include "codec/codec.h"
#include "codec/text.h"

struct iso_decoder {
    const uint8_t *start;
    const uint8_t *at;
    const uint8_t *end;
    struct iso_arena *arena;
    struct iso_report *report;
    struct iso_buf scratch;
    enum iso_form form;
    unsigned depth; /* levels of values that are being read */
};

/* The input and the arena are kept. */
void iso_decoder_init(struct iso_decoder *decoder, enum iso_form form, struct iso_bytes input,
                      struct iso_arena *arena, struct iso_report *report);
void iso_decoder_fini(struct iso_decoder *decoder);

/* Errors that name the path and the offset of `at`. */
ISO_MUST_CHECK enum iso_err iso_decoder_fail(const struct iso_decoder *decoder, enum iso_err err,
                                             const struct iso_vpath *path, const uint8_t *at,
                                             const char *format, ...) ISO_PRINTF(5, 6);
/* "expected ..., found ..." */
ISO_MUST_CHECK enum iso_err iso_decoder_mismatch(const struct iso_decoder *decoder,
                                                 const struct iso_vpath *path, const uint8_t *at,
                                                 const struct iso_vtype *type, const char *found);
/* "missing; expected ..." */
ISO_MUST_CHECK enum iso_err iso_decoder_missing(const struct iso_decoder *decoder,
                                                const struct iso_vpath *path, const uint8_t *at,
                                                const struct iso_vtype *type);
/* "unknown case "x"; expected one of ...": kind is "case" or "flag". */
ISO_MUST_CHECK enum iso_err iso_decoder_unknown(const struct iso_decoder *decoder,
                                                const struct iso_vpath *path, const uint8_t *at,
                                                const struct iso_vtype *type, const char *kind,
                                                struct iso_str name);

/* "frame.x: unknown field; expected one of ...": kind is "field" or "parameter". */
ISO_MUST_CHECK enum iso_err iso_decoder_unknown_member(const struct iso_decoder *decoder,
                                                       const struct iso_vpath *path,
                                                       const uint8_t *at,
                                                       const struct iso_vtype *type,
                                                       const char *kind, struct iso_str name);

/* One level deeper: ISO_E_LIMIT beyond ISO_CODEC_MAX_DEPTH. */
ISO_MUST_CHECK enum iso_err iso_decoder_enter(struct iso_decoder *decoder,
                                              const struct iso_vpath *path);
static inline void iso_decoder_leave(struct iso_decoder *decoder)
{
    decoder->depth--;
}

/* Zeroed memory in the arena. ISO_E_LIMIT when the arena's maximum is reached, ISO_E_NOMEM. */
ISO_MUST_CHECK enum iso_err iso_decoder_alloc(const struct iso_decoder *decoder, size_t count,
                                              size_t size, void **out);
/* Puts bytes on the scratch stack. */
ISO_MUST_CHECK enum iso_err iso_decoder_push(struct iso_decoder *decoder, const void *data,
                                             size_t len);
/* Moves what is on the stack above `mark` to the arena. */
ISO_MUST_CHECK enum iso_err iso_decoder_pop(struct iso_decoder *decoder, size_t mark,
                                            struct iso_bytes *out);
/* The same for values, as a list. */
ISO_MUST_CHECK enum iso_err iso_decoder_pop_items(struct iso_decoder *decoder, size_t mark,
                                                  struct iso_value *out);

/* Types whose members have the names that the cases of results and of options of options have. */
extern const struct iso_vtype iso_result_names;
extern const struct iso_vtype iso_some_names;

/* Members of a record that were seen. */
struct iso_seen {
    uint32_t words[(ISO_V_MAX_MEMBERS + 31) / 32];
};
/* Marks it; false when it was marked before. */
bool iso_seen_mark(struct iso_seen *seen, uint32_t index);
/* What was not seen becomes none where it is an option; otherwise it is missing. */
ISO_MUST_CHECK enum iso_err iso_decoder_fill(struct iso_decoder *decoder,
                                             const struct iso_vtype *record,
                                             const struct iso_vpath *path, const uint8_t *at,
                                             const struct iso_seen *seen, struct iso_value *items);

/* A function's parameters, a record to `read`, from the whole input: `values` are theirs. */
typedef enum iso_err iso_decoder_read(struct iso_decoder *decoder, const struct iso_vtype *params,
                                      struct iso_value *values);
ISO_MUST_CHECK enum iso_err iso_decoder_params(enum iso_form form, iso_decoder_read *read,
                                               const struct iso_wit_func *func,
                                               struct iso_bytes input, struct iso_arena *arena,
                                               struct iso_value *values, struct iso_report *report);

#endif
