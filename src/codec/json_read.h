/*
 * json_read.h - inside src/codec: the tokens of JSON (RFC 8259), strictly.
 */
#ifndef ISO_CODEC_JSON_READ_H
#define ISO_CODEC_JSON_READ_H

#include "codec/decode.h"
#include "codec/number.h"

/* Goes to the next token. */
void iso_json_skip_space(struct iso_decoder *decoder);
/* The byte there, 0 at the end (0 begins no token). */
static inline uint8_t iso_json_peek(const struct iso_decoder *decoder)
{
    return decoder->at < decoder->end ? *decoder->at : 0;
}
/* Skips space and takes the byte if it is there. */
bool iso_json_take(struct iso_decoder *decoder, char byte);
/* Takes "true", "false" or "null" if it is there, and nothing else. */
bool iso_json_take_word(struct iso_decoder *decoder, const char *word);
/* Reads the string at the decoder. Without escapes *out is a view of the input, otherwise in the
 * arena. ISO_E_MALFORMED, ISO_E_LIMIT, ISO_E_NOMEM. */
ISO_MUST_CHECK enum iso_err iso_json_read_string(struct iso_decoder *decoder,
                                                 const struct iso_vpath *path, struct iso_str *out);
/* After an item: takes ',' (then *more) or the closing byte. ISO_E_MALFORMED. */
ISO_MUST_CHECK enum iso_err iso_json_read_separator(struct iso_decoder *decoder,
                                                    const struct iso_vpath *path, char closing,
                                                    bool *more);
/* Reads a key and its colon. */
ISO_MUST_CHECK enum iso_err iso_json_read_key(struct iso_decoder *decoder,
                                              const struct iso_vpath *path, struct iso_str *out);

/* "expected ..., found ..." about the token at the decoder: ISO_E_ARGUMENT, or ISO_E_MALFORMED when
 * no value begins there. */
ISO_MUST_CHECK enum iso_err iso_json_mismatch(const struct iso_decoder *decoder,
                                              const struct iso_vpath *path,
                                              const struct iso_vtype *type);
/* The same with other words for what was expected. */
ISO_MUST_CHECK enum iso_err iso_json_expected(const struct iso_decoder *decoder,
                                              const struct iso_vpath *path, const char *expected);

#endif
