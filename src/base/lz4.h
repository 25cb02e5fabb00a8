/* The LZ4 block format (lz4_Block_format.md of the lz4 project): no frame, no checksum, no state.
 * A block made here is read by any LZ4 decoder and the other way round. */
#ifndef ISO_BASE_LZ4_H
#define ISO_BASE_LZ4_H

#include "base/err.h"
#include "base/macros.h"

#include <stddef.h>
#include <stdint.h>

/* More than this is not compressed at once. */
#define ISO_LZ4_MAX_INPUT ((size_t)0x7e000000)

/* The size of a block of `len` bytes at worst; 0 when len is above ISO_LZ4_MAX_INPUT. */
size_t iso_lz4_bound(size_t len);

/* Compresses `len` bytes into at most `cap` bytes at `dst` and returns the size of the block, or 0
 * when it does not fit (dst is then indeterminate) or len is above the maximum. With cap of at
 * least iso_lz4_bound(len) it always fits. The same input gives the same block on every host. Uses
 * 8 KiB of stack. The areas must not overlap. */
size_t iso_lz4_compress(const uint8_t *src, size_t len, uint8_t *dst, size_t cap);

/* Decompresses a block of `len` bytes, which must fill exactly `dst_len` bytes and be used up.
 * ISO_E_MALFORMED otherwise; then dst is indeterminate. Safe on hostile input: reads only the
 * block, writes only dst, takes time linear in len + dst_len. The areas must not overlap. */
ISO_MUST_CHECK enum iso_err iso_lz4_decompress(const uint8_t *src, size_t len, uint8_t *dst,
                                               size_t dst_len);

#endif
