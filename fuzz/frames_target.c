/*
 * Fuzz target `frames`: any bytes as what a camera's command writes, in pieces of any size, as JPEG
 * files and as raw pictures. Whatever comes out must be whole, and nothing may be lost: bytes are
 * either in a frame or counted as skipped. A whole JPEG is cut out of garbage around it.
 */
#include "supervisor/device_split.h"
#include "target.h"

#include <stdlib.h>

enum { FRAME_MAX = 3000 };

static void must(bool condition)
{
    if (!condition) {
        abort();
    }
}

/* Splits the bytes in pieces of `step`; returns how many bytes are in frames. */
static size_t split_all(const uint8_t *data, size_t len, enum iso_sv_pixels format, size_t step,
                        uint64_t *frames)
{
    struct iso_sv_split split;
    size_t inside = 0;
    iso_sv_split_init(&split, iso_alloc_libc(), format, FRAME_MAX);
    for (size_t at = 0; at < len; at += step) {
        struct iso_bytes piece = iso_bytes_from(data + at, len - at < step ? len - at : step);
        while (iso_sv_split_feed(&split, &piece)) {
            must(split.buf.len <= FRAME_MAX && split.width != 0 && split.height != 0);
            if (format == ISO_SV_JPEG) {
                size_t whole = 0;
                uint32_t width = 0;
                uint32_t height = 0;
                must(iso_jpeg_check(iso_buf_view(&split.buf), &whole, &width, &height, NULL) ==
                     ISO_OK);
                must(whole == split.buf.len && width == split.width && height == split.height);
                inside += whole;
            } else {
                must(split.buf.len ==
                     (size_t)split.width * split.height * iso_sv_pixel_size(format));
            }
        }
        must(piece.len == 0);
    }
    if (format == ISO_SV_JPEG) {
        /* What has begun and not ended is neither; at most an FF is held back besides. */
        size_t open = split.inside ? split.buf.len : 0;
        size_t known = inside + (size_t)split.skipped_bytes + open;
        must(known == len || known + 1 == len);
    }
    *frames = split.frames;
    iso_sv_split_fini(&split);
    return inside;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const enum iso_sv_pixels formats[] = {ISO_SV_JPEG, ISO_SV_RGBA8, ISO_SV_GRAY8};
    if (len == 0) {
        return 0;
    }
    size_t step = (size_t)data[0] % 61 + 1;
    for (size_t i = 0; i < ISO_COUNT_OF(formats); i++) {
        uint64_t at_once = 0;
        uint64_t in_pieces = 0;
        size_t a = split_all(data + 1, len - 1, formats[i], len, &at_once);
        size_t b = split_all(data + 1, len - 1, formats[i], step, &in_pieces);
        if (formats[i] != ISO_SV_JPEG || len < FRAME_MAX) {
            must(a == b && at_once == in_pieces);
        }
    }
    return 0;
}
