/* pictures.c - the function of screen.wit over isomer:device/display. Pixels become JPEG files,
 * made by stb_image_write.h (Debian: libstb-dev), with a comment that says which frame it is. */
#include <stdlib.h>
#include <string.h>

#include "screen.h"

#define STBI_WRITE_NO_STDIO
#define STBIW_ASSERT(condition) ((void)0)
#define STB_IMAGE_WRITE_STATIC
#define STB_IMAGE_WRITE_IMPLEMENTATION
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wunused-parameter"
#pragma clang diagnostic ignored "-Wunused-function"
#pragma clang diagnostic ignored "-Wsign-compare"
#include <stb_image_write.h>
#pragma clang diagnostic pop

enum { QUALITY = 90, MOST = 4096, START_OF_IMAGE = 2, COMMENT = 0xfe };

/* A file that grows. */
struct file {
    uint8_t *bytes;
    size_t len, room;
};

static void append(void *context, void *bytes, int len)
{
    struct file *file = context;
    if (file->room - file->len < (size_t)len) {
        file->room = file->room * 2 + (size_t)len;
        file->bytes = realloc(file->bytes, file->room);
        if (file->bytes == NULL) {
            abort();
        }
    }
    memcpy(file->bytes + file->len, bytes, (size_t)len);
    file->len += (size_t)len;
}

static size_t print(char *to, const char *name, uint64_t value)
{
    char digits[20];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    size_t len = strlen(name);
    memcpy(to, name, len);
    while (count != 0) {
        to[len++] = digits[--count];
    }
    return len;
}

/* "frame=12 time=1700000000000000000", in a segment COM (ISO/IEC 10918-1, B.2.4.5). */
static void append_comment(struct file *file, const struct types_frame *frame)
{
    char segment[80] = {(char)0xff, (char)COMMENT};
    size_t len = 4;
    len += print(segment + len, "frame=", frame->number);
    len += print(segment + len, " time=", frame->time);
    segment[3] = (char)(len - 2);
    append(file, segment, (int)len);
}

/* The frame as a JPEG file with its number in it; what cannot be one is left as it is. */
static void encode(struct types_frame *frame)
{
    static const int channels[] = {[TYPES_PIXEL_FORMAT_RGBA8] = 4,
                                   [TYPES_PIXEL_FORMAT_RGB8] = 3,
                                   [TYPES_PIXEL_FORMAT_GRAY8] = 1};
    if (frame->format == TYPES_PIXEL_FORMAT_JPEG || frame->width == 0 || frame->height == 0 ||
        frame->width > MOST || frame->height > MOST ||
        frame->pixels.len !=
            (size_t)frame->width * frame->height * (size_t)channels[frame->format]) {
        return; /* the display says what is wrong with it */
    }
    struct file file = {.room = 65536, .bytes = malloc(65536)};
    if (file.bytes == NULL) {
        abort();
    }
    stbi_write_jpg_to_func(append, &file, (int)frame->width, (int)frame->height,
                           channels[frame->format], frame->pixels.ptr, QUALITY);
    struct file whole = {.room = file.len + 128, .bytes = malloc(file.len + 128)};
    if (whole.bytes == NULL) {
        abort();
    }
    append(&whole, file.bytes, START_OF_IMAGE);
    append_comment(&whole, frame);
    append(&whole, file.bytes + START_OF_IMAGE, (int)(file.len - START_OF_IMAGE));
    free(file.bytes);
    free(frame->pixels.ptr);
    frame->pixels.ptr = whole.bytes;
    frame->pixels.len = whole.len;
    frame->format = TYPES_PIXEL_FORMAT_JPEG;
}

/* "invalid: 2 x 1 pixels ..." */
static struct screen_result_void_string failure(struct types_problem problem)
{
    static const char *const kinds[] = {"unknown", "not granted", "limit",
                                        "busy",    "invalid",     "failed"};
    struct screen_result_void_string result = {.is_err = true};
    struct screen_string detail = {.len = 0};
    switch (problem.tag) {
    case TYPES_PROBLEM_UNKNOWN:
        detail = problem.val.unknown;
        break;
    case TYPES_PROBLEM_NOT_GRANTED:
        detail = problem.val.not_granted;
        break;
    case TYPES_PROBLEM_LIMIT:
        detail = problem.val.limit;
        break;
    case TYPES_PROBLEM_INVALID:
        detail = problem.val.invalid;
        break;
    case TYPES_PROBLEM_FAILED:
        detail = problem.val.failed;
        break;
    default:
        break;
    }
    const char *kind = kinds[problem.tag];
    size_t kind_len = strlen(kind);
    char *text = malloc(kind_len + 2 + detail.len);
    if (text == NULL) {
        abort();
    }
    memcpy(text, kind, kind_len);
    memcpy(text + kind_len, ": ", 2);
    if (detail.len != 0) {
        memcpy(text + kind_len + 2, detail.ptr, detail.len);
    }
    result.val.err.ptr = text;
    result.val.err.len = kind_len + (detail.len != 0 ? 2 + detail.len : 0);
    types_problem_free(&problem);
    return result;
}

struct screen_result_void_string pictures_show(struct types_frame frame)
{
    struct screen_result_void_string result = {.is_err = false};
    struct screen_option_string name = config_get(screen_string_view("display"));
    encode(&frame);
    struct screen_result_void_types_problem shown =
        display_show(name.is_some ? name.val : screen_string_view("default"), frame);
    if (shown.is_err) {
        result = failure(shown.val.err);
    }
    screen_option_string_free(&name);
    types_frame_free(&frame);
    return result;
}
