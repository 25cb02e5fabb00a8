/*
 * device_split.h - frames out of the bytes that a camera's command writes: JPEG files one after the
 * other (MJPEG), or PAM pictures (raw pixels behind a small text header).
 *
 * What is between frames is skipped and counted; a frame that breaks its format, or that is larger
 * than the limit, is dropped and counted, and the search for the next one begins behind it.
 */
#ifndef ISO_SUPERVISOR_DEVICE_SPLIT_H
#define ISO_SUPERVISOR_DEVICE_SPLIT_H

#include "supervisor/device_jpeg.h"

/* As pixel-format in device.wit. */
enum iso_sv_pixels { ISO_SV_RGBA8, ISO_SV_RGB8, ISO_SV_GRAY8, ISO_SV_JPEG };

/* Bytes of a pixel; 0 for JPEG. */
uint32_t iso_sv_pixel_size(enum iso_sv_pixels format);
const char *iso_sv_pixels_name(enum iso_sv_pixels format); /* "rgba8" */

/* The longest header of a PAM picture that is read. */
#define ISO_SV_PAM_HEAD_MAX 512u

struct iso_sv_split {
    enum iso_sv_pixels format;
    size_t frame_max;   /* bytes */
    struct iso_buf buf; /* the frame so far, without the header of a PAM */
    struct iso_jpeg jpeg;
    bool inside;                    /* a frame has begun */
    char head[ISO_SV_PAM_HEAD_MAX]; /* the header of a PAM so far */
    size_t head_len;
    size_t want;     /* pixels of the PAM in bytes; 0: its header is not complete */
    size_t last_len; /* of the latest frame: room is made for one like it */
    uint32_t width;  /* of the frame that is complete */
    uint32_t height;
    uint64_t frames;        /* complete ones */
    uint64_t bad;           /* dropped: broken or too large */
    uint64_t skipped_bytes; /* between frames, and of bad frames */
};

/* alloc: kept. */
void iso_sv_split_init(struct iso_sv_split *split, const struct iso_alloc *alloc,
                       enum iso_sv_pixels format, size_t frame_max);
void iso_sv_split_fini(struct iso_sv_split *split);
/*
 * Go on with the bytes, which are moved forward over what was used. True: a frame is complete: its
 * bytes are split->buf (to be taken or copied before the next call), its size width and height;
 * call again with the rest. False: the bytes are used up. Memory that runs out drops the frame.
 */
bool iso_sv_split_feed(struct iso_sv_split *split, struct iso_bytes *bytes);

#endif
