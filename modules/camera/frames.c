/* frames.c - the function of camera.wit over isomer:device/camera. Cameras deliver JPEG files; they
 * are decoded here, by stb_image.h (Debian: libstb-dev). */
#include <stdlib.h>
#include <string.h>

#include "camera.h"

#define STBI_ONLY_JPEG
#define STBI_NO_STDIO
#define STBI_NO_THREAD_LOCALS
#define STBI_NO_SIMD
#define STBI_ASSERT(condition) ((void)0)
#define STBI_MAX_DIMENSIONS 4096
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wunused-parameter"
#pragma clang diagnostic ignored "-Wunused-function"
#pragma clang diagnostic ignored "-Wsign-compare"
#include <stb_image.h>
#pragma clang diagnostic pop

/* The stream that was opened last; another device does not know it. */
static uint32_t stream;
static bool is_open;

static struct camera_option_string setting(const char *name)
{
    return config_get(camera_string_view(name));
}

/* A number from the configuration; none when it is not there or is no number. */
static struct camera_option_u32 number_setting(const char *name, uint32_t factor)
{
    struct camera_option_string text = setting(name);
    struct camera_option_u32 number = {.is_some =
                                           text.is_some && text.val.len != 0 && text.val.len <= 5};
    for (size_t i = 0; number.is_some && i < text.val.len; i++) {
        number.is_some = text.val.ptr[i] >= '0' && text.val.ptr[i] <= '9';
        number.val = number.val * 10 + (uint32_t)(text.val.ptr[i] - '0');
    }
    number.val *= factor;
    camera_option_string_free(&text);
    return number;
}

static types_pixel_format format_setting(void)
{
    static const char *const names[] = {"rgba8", "rgb8", "gray8", "jpeg"};
    struct camera_option_string text = setting("format");
    types_pixel_format format = TYPES_PIXEL_FORMAT_RGBA8;
    for (uint8_t i = 0; text.is_some && i < 4; i++) {
        if (text.val.len == strlen(names[i]) && memcmp(text.val.ptr, names[i], text.val.len) == 0) {
            format = i;
        }
    }
    camera_option_string_free(&text);
    return format;
}

static struct camera_result_u32_types_problem open_stream(void)
{
    struct camera_option_string name = setting("stream");
    const struct camera_stream_options options = {
        .source = name.is_some ? name.val : camera_string_view("default"),
        .width = number_setting("width", 1),
        .height = number_setting("height", 1),
        .rate = number_setting("rate", 1000),
        .format = TYPES_PIXEL_FORMAT_JPEG};
    struct camera_result_u32_types_problem opened = camera_open(options);
    camera_option_string_free(&name);
    return opened;
}

/* "failed: camera eye: ..." */
static struct camera_result_types_frame_string failure(struct types_problem problem)
{
    static const char *const kinds[] = {"unknown", "not granted", "limit",
                                        "busy",    "invalid",     "failed"};
    struct camera_result_types_frame_string result = {.is_err = true};
    struct camera_string detail = {.len = 0};
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

static struct camera_result_types_frame_string mistake(const char *text)
{
    struct camera_result_types_frame_string result = {.is_err = true};
    struct camera_string view = camera_string_view(text);
    char *copy = malloc(view.len);
    if (copy == NULL) {
        abort();
    }
    memcpy(copy, text, view.len);
    result.val.err.ptr = copy;
    result.val.err.len = view.len;
    return result;
}

/* The frame with pixels instead of a file; the file is given up. */
static struct camera_result_types_frame_string decoded(struct types_frame frame)
{
    static const int channels[] = {[TYPES_PIXEL_FORMAT_RGBA8] = 4,
                                   [TYPES_PIXEL_FORMAT_RGB8] = 3,
                                   [TYPES_PIXEL_FORMAT_GRAY8] = 1};
    struct camera_result_types_frame_string result = {.is_err = false};
    const types_pixel_format format = format_setting();
    if (format == TYPES_PIXEL_FORMAT_JPEG || frame.format != TYPES_PIXEL_FORMAT_JPEG) {
        result.val.ok = frame;
        return result;
    }
    int width = 0;
    int height = 0;
    int own = 0;
    uint8_t *pixels = stbi_load_from_memory(frame.pixels.ptr, (int)frame.pixels.len, &width,
                                            &height, &own, channels[format]);
    types_frame_free(&frame);
    if (pixels == NULL) {
        return mistake("the camera's frame is no JPEG file that could be decoded");
    }
    frame.width = (uint32_t)width;
    frame.height = (uint32_t)height;
    frame.format = format;
    frame.pixels.ptr = pixels;
    frame.pixels.len = (size_t)width * (size_t)height * (size_t)channels[format];
    result.val.ok = frame;
    return result;
}

struct camera_result_types_frame_string frames_take_frame(void)
{
    for (int attempt = 0;; attempt++) {
        if (!is_open) {
            struct camera_result_u32_types_problem opened = open_stream();
            if (opened.is_err) {
                return failure(opened.val.err);
            }
            stream = opened.val.ok;
            is_open = true;
        }
        struct camera_result_types_frame_types_problem taken = camera_take_frame(stream);
        if (!taken.is_err) {
            return decoded(taken.val.ok);
        }
        /* After a move the stream is to be opened again. */
        is_open = taken.val.err.tag != TYPES_PROBLEM_UNKNOWN;
        if (is_open || attempt != 0) {
            return failure(taken.val.err);
        }
        types_problem_free(&taken.val.err);
    }
}
