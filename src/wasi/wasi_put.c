/* Bytes of snapshots of WASI: docs/snapshot.md. */
#include "wasi/wasi_put.h"

void iso_wasi_put(struct iso_wasi_put *put, const void *bytes, size_t len)
{
    if (put->err == ISO_OK) {
        put->err = iso_buf_append(put->out, bytes, len);
    }
}

void iso_wasi_put_u8(struct iso_wasi_put *put, uint8_t value)
{
    iso_wasi_put(put, &value, 1);
}

void iso_wasi_put_u16(struct iso_wasi_put *put, uint16_t value)
{
    uint8_t bytes[2];
    iso_store_u16le(bytes, value);
    iso_wasi_put(put, bytes, sizeof bytes);
}

void iso_wasi_put_u32(struct iso_wasi_put *put, uint32_t value)
{
    uint8_t bytes[4];
    iso_store_u32le(bytes, value);
    iso_wasi_put(put, bytes, sizeof bytes);
}

void iso_wasi_put_u64(struct iso_wasi_put *put, uint64_t value)
{
    uint8_t bytes[8];
    iso_store_u64le(bytes, value);
    iso_wasi_put(put, bytes, sizeof bytes);
}

void iso_wasi_put_str(struct iso_wasi_put *put, const char *text)
{
    size_t len = strlen(text);
    iso_wasi_put_u32(put, (uint32_t)len);
    iso_wasi_put(put, text, len);
}
