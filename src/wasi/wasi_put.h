/* Appending the bytes of a snapshot, little-endian, with one error for all: the first failure stays
 * in err, and later calls do nothing. */
#ifndef ISO_WASI_PUT_H
#define ISO_WASI_PUT_H

#include "base/base.h"

struct iso_wasi_put {
    struct iso_buf *out; /* borrowed */
    enum iso_err err;
};

void iso_wasi_put(struct iso_wasi_put *put, const void *bytes, size_t len);
void iso_wasi_put_u8(struct iso_wasi_put *put, uint8_t value);
void iso_wasi_put_u16(struct iso_wasi_put *put, uint16_t value);
void iso_wasi_put_u32(struct iso_wasi_put *put, uint32_t value);
void iso_wasi_put_u64(struct iso_wasi_put *put, uint64_t value);
/* Its length as u32, then its bytes. */
void iso_wasi_put_str(struct iso_wasi_put *put, const char *text);

#endif
