/* wasi_reader.h - reading little-endian fields from bytes that may be hostile. */
#ifndef ISO_WASI_READER_H
#define ISO_WASI_READER_H

#include "base/base.h"

/* Once a field does not fit, `bad` is set, and everything read from then on is zero. */
struct iso_wasi_reader {
    const uint8_t *ptr;
    size_t left;
    bool bad;
};

static inline const uint8_t *iso_wasi_take(struct iso_wasi_reader *r, size_t len)
{
    if (r->bad || len > r->left) {
        r->bad = true;
        return NULL;
    }
    const uint8_t *at = r->ptr;
    r->ptr += len;
    r->left -= len;
    return at;
}

static inline uint8_t iso_wasi_take_u8(struct iso_wasi_reader *r)
{
    const uint8_t *at = iso_wasi_take(r, 1);
    return at == NULL ? 0 : *at;
}

static inline uint16_t iso_wasi_take_u16(struct iso_wasi_reader *r)
{
    const uint8_t *at = iso_wasi_take(r, 2);
    return at == NULL ? (uint16_t)0 : iso_load_u16le(at);
}

static inline uint32_t iso_wasi_take_u32(struct iso_wasi_reader *r)
{
    const uint8_t *at = iso_wasi_take(r, 4);
    return at == NULL ? 0 : iso_load_u32le(at);
}

static inline uint64_t iso_wasi_take_u64(struct iso_wasi_reader *r)
{
    const uint8_t *at = iso_wasi_take(r, 8);
    return at == NULL ? 0 : iso_load_u64le(at);
}

/* A u32 length and that many bytes. */
static inline struct iso_str iso_wasi_take_str(struct iso_wasi_reader *r)
{
    uint32_t len = iso_wasi_take_u32(r);
    const uint8_t *at = iso_wasi_take(r, len);
    return iso_str_from((const char *)at, at == NULL ? 0 : len);
}

#endif
