/*
 * device_jpeg.h - the structure of a JPEG file, as far as it takes to find its end.
 *
 * ITU-T T.81, annex B: a file is SOI, marker segments, and after each SOS header entropy-coded data
 * in which a byte FF is followed by 00 or by a restart marker; EOI ends it. Segments are skipped by
 * their length, so that markers inside them (a thumbnail's) mean nothing. The data itself is not
 * decoded.
 */
#ifndef ISO_SUPERVISOR_DEVICE_JPEG_H
#define ISO_SUPERVISOR_DEVICE_JPEG_H

#include "base/base.h"

enum iso_jpeg_found {
    ISO_JPEG_MORE, /* all bytes belong to the file, which has not ended yet */
    ISO_JPEG_END,  /* the file has ended */
    ISO_JPEG_BAD,  /* this is no JPEG */
    ISO_JPEG_AGAIN /* a new SOI where none may be: the file was cut off, and another has begun */
};

enum iso_jpeg_state {
    ISO_JPEG_AT_SOI,
    ISO_JPEG_AT_SOI_CODE,
    ISO_JPEG_AT_MARKER,
    ISO_JPEG_AT_CODE,
    ISO_JPEG_AT_LENGTH_HIGH,
    ISO_JPEG_AT_LENGTH_LOW,
    ISO_JPEG_IN_SEGMENT,
    ISO_JPEG_IN_SCAN,
    ISO_JPEG_IN_SCAN_CODE
};

struct iso_jpeg {
    enum iso_jpeg_state state;
    uint8_t marker;        /* of the segment */
    uint32_t left;         /* bytes of the segment still to come */
    uint32_t at;           /* bytes of the segment seen */
    uint8_t head[8];       /* the first bytes of a frame header or DNL segment */
    bool framed;           /* a frame header was seen */
    bool scanned;          /* a scan has begun */
    uint32_t width;        /* of the frame header; 0 before */
    uint32_t height;       /* likewise, or of a DNL segment */
    const char *complaint; /* after ISO_JPEG_BAD: what is wrong; static */
};

void iso_jpeg_init(struct iso_jpeg *jpeg);
/* Go on with these bytes. *used: how many belong to the file; with BAD up to and with the one that
 * is wrong; with AGAIN up to and with the new SOI, and the state is that after an SOI. After END
 * and BAD it has to be initialised again. */
enum iso_jpeg_found iso_jpeg_feed(struct iso_jpeg *jpeg, const uint8_t *bytes, size_t len,
                                  size_t *used);

/* Whether the bytes begin with a whole JPEG file; its length and size. Errors: MALFORMED. */
ISO_MUST_CHECK enum iso_err iso_jpeg_check(struct iso_bytes bytes, size_t *len, uint32_t *width,
                                           uint32_t *height, struct iso_report *report);

#endif
