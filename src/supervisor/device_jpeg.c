/*
 * device_jpeg.c - finding the end of a JPEG file by its marker segments: ITU-T T.81, annex B.
 */
#include "supervisor/device_jpeg.h"

enum {
    SOF0 = 0xc0,
    DHT = 0xc4,
    JPG = 0xc8,
    DAC = 0xcc,
    SOF15 = 0xcf,
    RST0 = 0xd0,
    RST7 = 0xd7,
    SOI = 0xd8,
    EOI = 0xd9,
    SOS = 0xda,
    DNL = 0xdc
};

void iso_jpeg_init(struct iso_jpeg *jpeg)
{
    *jpeg = (struct iso_jpeg){.state = ISO_JPEG_AT_SOI};
}

static enum iso_jpeg_found bad(struct iso_jpeg *jpeg, const char *complaint)
{
    jpeg->complaint = complaint;
    return ISO_JPEG_BAD;
}

static enum iso_jpeg_found again(struct iso_jpeg *jpeg)
{
    iso_jpeg_init(jpeg);
    jpeg->state = ISO_JPEG_AT_MARKER;
    return ISO_JPEG_AGAIN;
}

static bool is_frame_header(uint8_t marker)
{
    return marker >= SOF0 && marker <= SOF15 && marker != DHT && marker != JPG && marker != DAC;
}

/* A marker after the SOI, outside of restart markers. */
static enum iso_jpeg_found take_marker(struct iso_jpeg *jpeg, uint8_t marker)
{
    if (marker == SOI) {
        return again(jpeg);
    }
    if (marker == EOI) {
        if (!jpeg->framed || !jpeg->scanned) {
            return bad(jpeg, "it ends without a picture");
        }
        return jpeg->width == 0 || jpeg->height == 0 ? bad(jpeg, "its picture has no size")
                                                     : ISO_JPEG_END;
    }
    if (marker < SOF0 || (marker >= RST0 && marker <= RST7)) {
        return bad(jpeg, "a marker that may not be there");
    }
    if (is_frame_header(marker) && jpeg->framed) {
        return bad(jpeg, "a second frame header");
    }
    if (marker == SOS && !jpeg->framed) {
        return bad(jpeg, "a scan without a frame header");
    }
    jpeg->marker = marker;
    jpeg->state = ISO_JPEG_AT_LENGTH_HIGH;
    return ISO_JPEG_MORE;
}

/* The segment is complete: head has its first bytes, at their number. */
static enum iso_jpeg_found end_segment(struct iso_jpeg *jpeg)
{
    const uint8_t *head = jpeg->head;
    jpeg->state = ISO_JPEG_AT_MARKER;
    if (is_frame_header(jpeg->marker)) {
        if (jpeg->at < 6) { /* precision, lines, samples per line, components */
            return bad(jpeg, "a frame header that is too short");
        }
        jpeg->framed = true;
        jpeg->height = (uint32_t)head[1] << 8 | head[2];
        jpeg->width = (uint32_t)head[3] << 8 | head[4];
    } else if (jpeg->marker == DNL && jpeg->at >= 2 && jpeg->height == 0) {
        jpeg->height = (uint32_t)head[0] << 8 | head[1];
    } else if (jpeg->marker == SOS) {
        jpeg->scanned = true;
        jpeg->state = ISO_JPEG_IN_SCAN;
    }
    return ISO_JPEG_MORE;
}

static enum iso_jpeg_found take_segment(struct iso_jpeg *jpeg, const uint8_t *bytes, size_t len,
                                        size_t *used)
{
    size_t take = len < jpeg->left ? len : jpeg->left;
    for (size_t i = 0; i < take && jpeg->at + i < sizeof jpeg->head; i++) {
        jpeg->head[jpeg->at + i] = bytes[i];
    }
    jpeg->at += (uint32_t)take;
    jpeg->left -= (uint32_t)take;
    *used += take;
    return jpeg->left == 0 ? end_segment(jpeg) : ISO_JPEG_MORE;
}

/* The byte after an FF in entropy-coded data (B.1.1.5). */
static enum iso_jpeg_found take_scan_code(struct iso_jpeg *jpeg, uint8_t byte)
{
    if (byte == 0 || (byte >= RST0 && byte <= RST7)) {
        jpeg->state = ISO_JPEG_IN_SCAN;
        return ISO_JPEG_MORE;
    }
    return byte == 0xff ? ISO_JPEG_MORE /* a fill byte */ : take_marker(jpeg, byte);
}

static enum iso_jpeg_found take_byte(struct iso_jpeg *jpeg, uint8_t byte)
{
    switch (jpeg->state) {
    case ISO_JPEG_AT_SOI:
        jpeg->state = ISO_JPEG_AT_SOI_CODE;
        return byte == 0xff ? ISO_JPEG_MORE : bad(jpeg, "it does not begin with FF D8");
    case ISO_JPEG_AT_SOI_CODE:
        jpeg->state = ISO_JPEG_AT_MARKER;
        return byte == SOI ? ISO_JPEG_MORE : bad(jpeg, "it does not begin with FF D8");
    case ISO_JPEG_AT_MARKER:
        jpeg->state = ISO_JPEG_AT_CODE;
        return byte == 0xff ? ISO_JPEG_MORE : bad(jpeg, "no marker where one must be");
    case ISO_JPEG_AT_CODE:
        return byte == 0xff ? ISO_JPEG_MORE : take_marker(jpeg, byte);
    case ISO_JPEG_AT_LENGTH_HIGH:
        jpeg->left = (uint32_t)byte << 8;
        jpeg->state = ISO_JPEG_AT_LENGTH_LOW;
        return ISO_JPEG_MORE;
    case ISO_JPEG_AT_LENGTH_LOW:
        jpeg->left |= byte;
        if (jpeg->left < 2) {
            return bad(jpeg, "a segment shorter than its length field");
        }
        jpeg->left -= 2;
        jpeg->at = 0;
        jpeg->state = ISO_JPEG_IN_SEGMENT;
        return jpeg->left == 0 ? end_segment(jpeg) : ISO_JPEG_MORE;
    case ISO_JPEG_IN_SCAN_CODE:
        return take_scan_code(jpeg, byte);
    case ISO_JPEG_IN_SEGMENT:
    case ISO_JPEG_IN_SCAN:
        break; /* taken in runs */
    }
    return ISO_JPEG_MORE;
}

enum iso_jpeg_found iso_jpeg_feed(struct iso_jpeg *jpeg, const uint8_t *bytes, size_t len,
                                  size_t *used)
{
    enum iso_jpeg_found found = ISO_JPEG_MORE;
    size_t at = 0;
    while (found == ISO_JPEG_MORE && at < len) {
        if (jpeg->state == ISO_JPEG_IN_SCAN) {
            const uint8_t *mark = memchr(bytes + at, 0xff, len - at);
            at = mark != NULL ? (size_t)(mark - bytes) + 1 : len;
            jpeg->state = mark != NULL ? ISO_JPEG_IN_SCAN_CODE : ISO_JPEG_IN_SCAN;
        } else if (jpeg->state == ISO_JPEG_IN_SEGMENT) {
            found = take_segment(jpeg, bytes + at, len - at, &at);
        } else {
            found = take_byte(jpeg, bytes[at++]);
        }
    }
    *used = at;
    return found;
}

enum iso_err iso_jpeg_check(struct iso_bytes bytes, size_t *len, uint32_t *width, uint32_t *height,
                            struct iso_report *report)
{
    struct iso_jpeg jpeg;
    size_t used = 0;
    iso_jpeg_init(&jpeg);
    switch (iso_jpeg_feed(&jpeg, bytes.ptr, bytes.len, &used)) {
    case ISO_JPEG_END:
        *len = used;
        *width = jpeg.width;
        *height = jpeg.height;
        return ISO_OK;
    case ISO_JPEG_MORE:
        return iso_fail(report, ISO_E_MALFORMED, "no whole JPEG file: it has no end");
    case ISO_JPEG_AGAIN:
        jpeg.complaint = "a second beginning";
        break;
    case ISO_JPEG_BAD:
        break;
    }
    return iso_fail_at(report, ISO_E_MALFORMED, used, "no JPEG file: %s (before byte %zu)",
                       jpeg.complaint, used);
}
