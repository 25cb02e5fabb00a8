/* What the targets of the codecs share: texts that are nearly right for a random type. */
#ifndef FUZZ_CODEC_RUN_H
#define FUZZ_CODEC_RUN_H

#include "codec/codec.h"

struct fuzz_form {
    const char *name;
    enum iso_err (*encode)(const struct iso_vtype *type, const struct iso_value *value,
                           struct iso_buf *out);
    enum iso_err (*decode)(const struct iso_vtype *type, struct iso_bytes text, const char *root,
                           struct iso_arena *arena, struct iso_value *out,
                           struct iso_report *report);
    enum iso_err (*decode_params)(const struct iso_wit_func *func, struct iso_bytes text,
                                  struct iso_arena *arena, struct iso_value *values,
                                  struct iso_report *report);
};

/* One input: two bytes choose the type; of the third, bit 0 says how the text is made. 0: it is the
 * rest. 1: it is that of a random value, with the changes that the rest lists (two bytes of place,
 * one that is put there). The text is read; what is taken must be a value of the type, and must
 * come back from its own text. What is refused must have a reason. */
void fuzz_codec_run(const struct fuzz_form *form, const uint8_t *data, size_t len);

#endif
