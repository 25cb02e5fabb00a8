/*
 * device_split.c - a stream of JPEG files (ITU-T T.81, annex B) or of PAM pictures (netpbm's
 * "pam(5)": P7, WIDTH, HEIGHT, DEPTH, MAXVAL, TUPLTYPE, ENDHDR) is cut into frames.
 */
#include "supervisor/device_split.h"

uint32_t iso_sv_pixel_size(enum iso_sv_pixels format)
{
    static const uint8_t sizes[] = {
        [ISO_SV_RGBA8] = 4, [ISO_SV_RGB8] = 3, [ISO_SV_GRAY8] = 1, [ISO_SV_JPEG] = 0};
    return sizes[format];
}

const char *iso_sv_pixels_name(enum iso_sv_pixels format)
{
    static const char *const names[] = {[ISO_SV_RGBA8] = "rgba8",
                                        [ISO_SV_RGB8] = "rgb8",
                                        [ISO_SV_GRAY8] = "gray8",
                                        [ISO_SV_JPEG] = "jpeg"};
    return names[format];
}

void iso_sv_split_init(struct iso_sv_split *split, const struct iso_alloc *alloc,
                       enum iso_sv_pixels format, size_t frame_max)
{
    *split = (struct iso_sv_split){.format = format, .frame_max = frame_max};
    iso_buf_init(&split->buf, alloc, frame_max);
    iso_jpeg_init(&split->jpeg);
}

void iso_sv_split_fini(struct iso_sv_split *split)
{
    iso_buf_fini(&split->buf);
}

/* Forget the frame that has begun. */
static void drop(struct iso_sv_split *split)
{
    split->bad++;
    split->skipped_bytes += split->buf.len + split->head_len;
    split->buf.len = 0;
    split->head_len = 0;
    split->want = 0;
    split->inside = false;
    iso_jpeg_init(&split->jpeg);
}

static bool append(struct iso_sv_split *split, const uint8_t *bytes, size_t len)
{
    if (split->buf.len == 0 && split->last_len > len &&
        iso_buf_reserve(&split->buf, split->last_len) != ISO_OK) {
        return false;
    }
    return iso_buf_append(&split->buf, bytes, len) == ISO_OK;
}

static bool complete(struct iso_sv_split *split, uint32_t width, uint32_t height)
{
    split->width = width;
    split->height = height;
    split->frames++;
    split->last_len = split->buf.len;
    split->inside = false;
    split->want = 0;
    split->head_len = 0;
    return true;
}

static void advance(struct iso_bytes *bytes, size_t len)
{
    bytes->ptr += len;
    bytes->len -= len;
}

/* ---- JPEG ---------------------------------------------------------------------------------- */

/* To the next SOI. False: the bytes are used up. */
static bool seek_jpeg(struct iso_sv_split *split, struct iso_bytes *bytes)
{
    size_t i = 0;
    while (i < bytes->len) {
        if (split->jpeg.state == ISO_JPEG_AT_SOI) {
            const uint8_t *mark = memchr(bytes->ptr + i, 0xff, bytes->len - i);
            size_t next = mark != NULL ? (size_t)(mark - bytes->ptr) : bytes->len;
            split->skipped_bytes += next - i;
            i = next;
            if (mark != NULL) {
                split->jpeg.state = ISO_JPEG_AT_SOI_CODE;
                i++;
            }
        } else if (bytes->ptr[i] == 0xd8) {
            static const uint8_t soi[2] = {0xff, 0xd8};
            advance(bytes, i + 1);
            split->jpeg.state = ISO_JPEG_AT_MARKER;
            split->inside = true;
            if (!append(split, soi, sizeof soi)) {
                drop(split);
            }
            return true;
        } else {
            /* Another FF may be the one before D8; anything else is no beginning. */
            bool mark = bytes->ptr[i] == 0xff;
            split->skipped_bytes += mark ? 1 : 2;
            split->jpeg.state = mark ? ISO_JPEG_AT_SOI_CODE : ISO_JPEG_AT_SOI;
            i++;
        }
    }
    advance(bytes, bytes->len);
    return false;
}

/* A frame was cut off by the SOI that is now the beginning of the next. */
static void begin_again(struct iso_sv_split *split)
{
    static const uint8_t soi[2] = {0xff, 0xd8};
    struct iso_jpeg jpeg = split->jpeg;
    drop(split);
    split->jpeg = jpeg;
    split->inside = true;
    if (!append(split, soi, sizeof soi)) {
        drop(split);
    }
}

static bool feed_jpeg(struct iso_sv_split *split, struct iso_bytes *bytes)
{
    while (bytes->len > 0) {
        if (!split->inside && !seek_jpeg(split, bytes)) {
            return false;
        }
        if (!split->inside || bytes->len == 0) {
            continue;
        }
        size_t used = 0;
        enum iso_jpeg_found found = iso_jpeg_feed(&split->jpeg, bytes->ptr, bytes->len, &used);
        const uint8_t *from = bytes->ptr;
        advance(bytes, used);
        if (!append(split, from, used)) {
            split->skipped_bytes += used;
            drop(split);
        } else if (found == ISO_JPEG_END) {
            uint32_t width = split->jpeg.width;
            uint32_t height = split->jpeg.height;
            iso_jpeg_init(&split->jpeg);
            return complete(split, width, height);
        } else if (found == ISO_JPEG_BAD) {
            drop(split);
        } else if (found == ISO_JPEG_AGAIN) {
            split->buf.len -= 2; /* the new SOI is no part of the old frame */
            begin_again(split);
        }
    }
    return false;
}

/* ---- PAM ----------------------------------------------------------------------------------- */

/* "NAME number"; false when the line is another or the number is out of 1..max. */
static bool line_number(struct iso_str line, const char *name, uint32_t max, uint32_t *out)
{
    size_t name_len = strlen(name);
    if (line.len <= name_len + 1 || memcmp(line.ptr, name, name_len) != 0 ||
        line.ptr[name_len] != ' ') {
        return false;
    }
    uint64_t value = 0;
    for (size_t i = name_len + 1; i < line.len; i++) {
        if (line.ptr[i] < '0' || line.ptr[i] > '9' || value > max) {
            return false;
        }
        value = value * 10 + (uint64_t)(line.ptr[i] - '0');
    }
    if (value == 0 || value > max) {
        return false;
    }
    *out = (uint32_t)value;
    return true;
}

/* The whole header stands in head. */
static bool read_head(struct iso_sv_split *split)
{
    uint32_t width = 0;
    uint32_t height = 0;
    uint32_t depth = 0;
    uint32_t maxval = 0;
    size_t at = 3; /* behind "P7\n" */
    while (at < split->head_len) {
        const char *line = split->head + at;
        const char *end = memchr(line, '\n', split->head_len - at);
        struct iso_str text = iso_str_from(line, (size_t)(end - line));
        at += text.len + 1;
        if (line_number(text, "WIDTH", 65535, &width) ||
            line_number(text, "HEIGHT", 65535, &height) || line_number(text, "DEPTH", 4, &depth) ||
            line_number(text, "MAXVAL", 255, &maxval)) {
            continue;
        }
        bool fine = text.len == 0 || text.ptr[0] == '#' || iso_str_equal_z(text, "ENDHDR") ||
                    (text.len > 9 && memcmp(text.ptr, "TUPLTYPE ", 9) == 0);
        if (!fine) {
            return false;
        }
    }
    uint64_t size = (uint64_t)width * height * depth;
    if (size == 0 || maxval != 255 || depth != iso_sv_pixel_size(split->format) ||
        size > split->frame_max) {
        return false;
    }
    split->width = width;
    split->height = height;
    split->want = (size_t)size;
    return true;
}

/* One more byte of the header, or of what is before it. */
static void take_head(struct iso_sv_split *split, char byte)
{
    static const char magic[] = {'P', '7', '\n'};
    static const char end[] = "\nENDHDR\n";
    if (split->head_len < sizeof magic && byte != magic[split->head_len]) {
        split->skipped_bytes += split->head_len;
        split->head_len = 0;
        if (byte != magic[0]) {
            split->skipped_bytes++;
            return;
        }
    }
    split->head[split->head_len++] = byte;
    size_t len = sizeof end - 1;
    if (split->head_len > len && memcmp(split->head + split->head_len - len, end, len) == 0) {
        if (!read_head(split)) {
            drop(split);
        }
    } else if (split->head_len == sizeof split->head) {
        drop(split);
    }
}

static bool feed_pam(struct iso_sv_split *split, struct iso_bytes *bytes)
{
    while (bytes->len > 0) {
        if (split->want == 0) {
            take_head(split, (char)bytes->ptr[0]);
            advance(bytes, 1);
            continue;
        }
        size_t missing = split->want - split->buf.len;
        size_t take = bytes->len < missing ? bytes->len : missing;
        const uint8_t *from = bytes->ptr;
        advance(bytes, take);
        if (iso_buf_reserve(&split->buf, missing) != ISO_OK || !append(split, from, take)) {
            split->skipped_bytes += take;
            drop(split);
        } else if (split->buf.len == split->want) {
            return complete(split, split->width, split->height);
        }
    }
    return false;
}

bool iso_sv_split_feed(struct iso_sv_split *split, struct iso_bytes *bytes)
{
    if (!split->inside && split->want == 0) {
        split->buf.len = 0; /* of the frame before, if nobody took it */
    }
    return split->format == ISO_SV_JPEG ? feed_jpeg(split, bytes) : feed_pam(split, bytes);
}
