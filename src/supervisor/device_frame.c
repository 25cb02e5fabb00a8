/*
 * device_frame.c - frames with counted references, and raw ones as files that browsers show:
 * Windows bitmaps with a BITMAPINFOHEADER, top-down by a negative height.
 */
#include "supervisor/device_internal.h"

#include <stdatomic.h>

struct iso_sv_frame_state {
    struct iso_sv_frame frame;
    atomic_uint refs;
    const struct iso_alloc *alloc;
    uint8_t *owned; /* NULL: the pixels stand behind the struct */
    size_t owned_len;
    size_t size;      /* of this block */
    uint8_t *picture; /* the bitmap, once somebody wanted it */
    size_t picture_len;
};

static struct iso_sv_frame *frame_new(const struct iso_alloc *alloc,
                                      const struct iso_sv_frame *from, size_t extra)
{
    size_t size = sizeof(struct iso_sv_frame_state) + extra;
    struct iso_sv_frame_state *state = iso_alloc_resize(alloc, NULL, 0, size);
    if (state == NULL) {
        return NULL;
    }
    *state = (struct iso_sv_frame_state){.frame = *from, .alloc = alloc, .size = size};
    atomic_init(&state->refs, 1);
    state->frame.state = state;
    return &state->frame;
}

struct iso_sv_frame *iso_sv_frame_copy(const struct iso_alloc *alloc,
                                       const struct iso_sv_frame *from)
{
    struct iso_sv_frame *frame = frame_new(alloc, from, from->pixels.len);
    if (frame != NULL) {
        uint8_t *pixels = (uint8_t *)(frame->state + 1);
        iso_memory_copy(pixels, from->pixels.ptr, from->pixels.len);
        frame->pixels.ptr = pixels;
    }
    return frame;
}

struct iso_sv_frame *iso_sv_frame_take(const struct iso_alloc *alloc,
                                       const struct iso_sv_frame *from, uint8_t *pixels)
{
    struct iso_sv_frame *frame = frame_new(alloc, from, 0);
    if (frame != NULL) {
        frame->state->owned = pixels;
        frame->state->owned_len = from->pixels.len;
        frame->pixels.ptr = pixels;
    }
    return frame;
}

struct iso_sv_frame *iso_sv_frame_ref(struct iso_sv_frame *frame)
{
    atomic_fetch_add_explicit(&frame->state->refs, 1, memory_order_relaxed);
    return frame;
}

void iso_sv_frame_unref(struct iso_sv_frame *frame)
{
    if (frame == NULL ||
        atomic_fetch_sub_explicit(&frame->state->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    struct iso_sv_frame_state *state = frame->state;
    iso_alloc_free(state->alloc, state->owned, state->owned_len);
    iso_alloc_free(state->alloc, state->picture, state->picture_len);
    iso_alloc_free(state->alloc, state, state->size);
}

/* ---- Bitmaps -------------------------------------------------------------------------------- */

enum { BMP_HEAD = 14 + 40, BMP_GRAYS = 256 * 4 };

static void bmp_head(uint8_t *to, const struct iso_sv_frame *frame, size_t offset, size_t len,
                     uint16_t bits)
{
    memset(to, 0, BMP_HEAD);
    to[0] = 'B';
    to[1] = 'M';
    iso_store_u32le(to + 2, (uint32_t)len);
    iso_store_u32le(to + 10, (uint32_t)offset);
    iso_store_u32le(to + 14, 40); /* BITMAPINFOHEADER */
    iso_store_u32le(to + 18, frame->width);
    iso_store_u32le(to + 22, (uint32_t) - (int32_t)frame->height); /* top-down */
    iso_store_u16le(to + 26, 1);
    iso_store_u16le(to + 28, bits);
    if (bits == 8) {
        iso_store_u32le(to + 46, 256);
        for (uint32_t i = 0; i < 256; i++) {
            iso_store_u32le(to + BMP_HEAD + 4 * (size_t)i, i * 0x010101u);
        }
    }
}

/* A line of pixels: blue, green, red. */
static void bmp_line(uint8_t *to, const uint8_t *from, const struct iso_sv_frame *frame)
{
    uint32_t size = iso_sv_pixel_size(frame->format);
    if (size == 1) {
        memcpy(to, from, frame->width);
        return;
    }
    for (uint32_t x = 0; x < frame->width; x++, from += size, to += 3) {
        to[0] = from[2];
        to[1] = from[1];
        to[2] = from[0];
    }
}

static enum iso_err make_picture(struct iso_sv_frame *frame)
{
    bool gray = frame->format == ISO_SV_GRAY8;
    size_t offset = BMP_HEAD + (gray ? (size_t)BMP_GRAYS : 0);
    size_t stride = ((size_t)frame->width * (gray ? 1 : 3) + 3) & ~(size_t)3;
    size_t len = offset + stride * frame->height;
    uint8_t *picture = iso_alloc_new(frame->state->alloc, len);
    if (picture == NULL) {
        return ISO_E_NOMEM;
    }
    bmp_head(picture, frame, offset, len, gray ? 8 : 24);
    size_t from = (size_t)frame->width * iso_sv_pixel_size(frame->format);
    for (size_t y = 0; y < frame->height; y++) {
        bmp_line(picture + offset + y * stride, frame->pixels.ptr + y * from, frame);
    }
    frame->state->picture = picture;
    frame->state->picture_len = len;
    return ISO_OK;
}

enum iso_err iso_sv_frame_picture(struct iso_sv_frame *frame, const char **media_type,
                                  struct iso_bytes *out)
{
    if (frame->format == ISO_SV_JPEG) {
        *media_type = "image/jpeg";
        *out = frame->pixels;
        return ISO_OK;
    }
    if (frame->state->picture == NULL) {
        enum iso_err err = make_picture(frame);
        if (err != ISO_OK) {
            return err;
        }
    }
    *media_type = "image/bmp";
    *out = iso_bytes_from(frame->state->picture, frame->state->picture_len);
    return ISO_OK;
}
