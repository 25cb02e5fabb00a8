/* The growing buffer. Capacity doubles, bounded by the maximum. */
#include "base/buf.h"

#define FIRST_CAPACITY 64u

void iso_buf_init(struct iso_buf *buf, const struct iso_alloc *alloc, size_t max)
{
    *buf = (struct iso_buf){.alloc = alloc, .max = max};
}

void iso_buf_fini(struct iso_buf *buf)
{
    iso_alloc_free(buf->alloc, buf->ptr, buf->cap);
    buf->ptr = NULL;
    buf->len = 0;
    buf->cap = 0;
}

enum iso_err iso_buf_reserve(struct iso_buf *buf, size_t extra)
{
    if (extra > buf->max - buf->len) {
        return ISO_E_LIMIT;
    }
    size_t needed = buf->len + extra;
    if (needed <= buf->cap) {
        return ISO_OK;
    }
    size_t cap = buf->cap > buf->max / 2 ? buf->max : buf->cap * 2;
    if (cap < FIRST_CAPACITY) {
        cap = FIRST_CAPACITY < buf->max ? FIRST_CAPACITY : buf->max;
    }
    if (cap < needed) {
        cap = needed;
    }
    void *ptr = iso_alloc_resize(buf->alloc, buf->ptr, buf->cap, cap);
    if (ptr == NULL) {
        return ISO_E_NOMEM;
    }
    buf->ptr = ptr;
    buf->cap = cap;
    return ISO_OK;
}

enum iso_err iso_buf_append(struct iso_buf *buf, const void *data, size_t len)
{
    enum iso_err err = iso_buf_reserve(buf, len);
    if (err == ISO_OK && len != 0) {
        memcpy(buf->ptr + buf->len, data, len);
        buf->len += len;
    }
    return err;
}

enum iso_err iso_buf_append_u8(struct iso_buf *buf, uint8_t value)
{
    return iso_buf_append(buf, &value, 1);
}

enum iso_err iso_buf_append_u32le(struct iso_buf *buf, uint32_t value)
{
    uint8_t bytes[4];
    iso_store_u32le(bytes, value);
    return iso_buf_append(buf, bytes, sizeof bytes);
}

enum iso_err iso_buf_append_u64le(struct iso_buf *buf, uint64_t value)
{
    uint8_t bytes[8];
    iso_store_u64le(bytes, value);
    return iso_buf_append(buf, bytes, sizeof bytes);
}

enum iso_err iso_buf_take(struct iso_buf *buf, uint8_t **ptr, size_t *len)
{
    if (buf->ptr != NULL && buf->cap != buf->len) {
        void *shrunk = iso_alloc_resize(buf->alloc, buf->ptr, buf->cap, buf->len);
        if (shrunk == NULL) {
            return ISO_E_NOMEM;
        }
        buf->ptr = shrunk;
    }
    *ptr = buf->ptr;
    *len = buf->len;
    buf->ptr = NULL;
    buf->len = 0;
    buf->cap = 0;
    return ISO_OK;
}
