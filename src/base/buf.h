/* A growing byte buffer with a maximum. */
#ifndef ISO_BASE_BUF_H
#define ISO_BASE_BUF_H

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/err.h"

struct iso_buf {
    uint8_t *ptr; /* NULL until something is stored; moves when the buffer grows */
    size_t len;   /* bytes in use */
    size_t cap;   /* bytes allocated */
    const struct iso_alloc *alloc;
    size_t max; /* len never passes this */
};

/* An empty buffer of at most `max` bytes (SIZE_MAX: as much as memory holds). `alloc` is kept.
 * Allocates nothing. */
void iso_buf_init(struct iso_buf *buf, const struct iso_alloc *alloc, size_t max);

/* Releases the bytes; the buffer is then empty and usable again. */
void iso_buf_fini(struct iso_buf *buf);

/* Makes room for `extra` bytes after len. ISO_E_LIMIT when that would pass max, ISO_E_NOMEM. On
 * failure here and below the buffer is as before. */
ISO_MUST_CHECK enum iso_err iso_buf_reserve(struct iso_buf *buf, size_t extra);

/* Appends `len` bytes from `data` (borrowed, not inside the buffer; NULL when len is 0). Errors as
 * iso_buf_reserve. */
ISO_MUST_CHECK enum iso_err iso_buf_append(struct iso_buf *buf, const void *data, size_t len);
ISO_MUST_CHECK enum iso_err iso_buf_append_u8(struct iso_buf *buf, uint8_t value);
ISO_MUST_CHECK enum iso_err iso_buf_append_u32le(struct iso_buf *buf, uint32_t value);
ISO_MUST_CHECK enum iso_err iso_buf_append_u64le(struct iso_buf *buf, uint64_t value);

/* The bytes in use; valid until the buffer changes. */
static inline struct iso_bytes iso_buf_view(const struct iso_buf *buf)
{
    return iso_bytes_from(buf->ptr, buf->len);
}

/* Gives the bytes to the caller, who releases them with iso_alloc_free(alloc, ptr, len). The block
 * is shrunk to its length; the buffer is then empty. NULL pointer with len 0 when nothing was
 * stored. ISO_E_NOMEM. */
ISO_MUST_CHECK enum iso_err iso_buf_take(struct iso_buf *buf, uint8_t **ptr, size_t *len);

#endif
