/* pictures.c - the function of resize.wit over stb_image_resize.h (Debian: libstb-dev). */
#include <stdlib.h>

#include "resize.h"

/* The parameters are checked here; the library's own checks would only add to the size. */
#define STBIR_ASSERT(condition) ((void)0)
#define STB_IMAGE_RESIZE_STATIC
#define STB_IMAGE_RESIZE_IMPLEMENTATION
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wunused-parameter"
#pragma clang diagnostic ignored "-Wunused-function"
#pragma clang diagnostic ignored "-Wsign-compare"
#include <stb_image_resize.h>
#pragma clang diagnostic pop

enum { CHANNELS = 4, OPACITY = 3, MOST = 16384 };

static const stbir_filter filters[] = {
    [PICTURES_FILTER_BOX] = STBIR_FILTER_BOX,
    [PICTURES_FILTER_TRIANGLE] = STBIR_FILTER_TRIANGLE,
    [PICTURES_FILTER_B_SPLINE] = STBIR_FILTER_CUBICBSPLINE,
    [PICTURES_FILTER_CATMULL_ROM] = STBIR_FILTER_CATMULLROM,
    [PICTURES_FILTER_MITCHELL] = STBIR_FILTER_MITCHELL,
};

static const char *mistake_in(const struct pictures_picture *picture, uint32_t width,
                              uint32_t height)
{
    if (picture->width == 0 || picture->height == 0 || picture->width > MOST ||
        picture->height > MOST) {
        return "the picture's width and height are from 1 to 16384";
    }
    if (picture->pixels.len != (size_t)picture->width * picture->height * CHANNELS) {
        return "the picture's pixels have 4 * width * height bytes";
    }
    if (width == 0 || height == 0 || width > MOST || height > MOST) {
        return "the width and height wanted are from 1 to 16384";
    }
    return NULL;
}

static const char *scale(const struct pictures_picture *picture, struct pictures_picture *out,
                         stbir_filter filter, stbir_colorspace space)
{
    out->pixels.len = (size_t)out->width * out->height * CHANNELS;
    out->pixels.ptr = malloc(out->pixels.len);
    if (out->pixels.ptr == NULL) {
        return "memory is short";
    }
    if (stbir_resize_uint8_generic(picture->pixels.ptr, (int)picture->width, (int)picture->height,
                                   0, out->pixels.ptr, (int)out->width, (int)out->height, 0,
                                   CHANNELS, OPACITY, 0, STBIR_EDGE_CLAMP, filter, space,
                                   NULL) == 0) {
        free(out->pixels.ptr);
        return "memory is short";
    }
    return NULL;
}

struct resize_result_pictures_picture_string
pictures_resize(struct pictures_picture picture, uint32_t width, uint32_t height,
                struct resize_option_pictures_filter filter,
                struct resize_option_pictures_colours colours)
{
    struct resize_result_pictures_picture_string result = {.is_err = false};
    struct pictures_picture out = {.width = width, .height = height};
    bool linear = colours.is_some && colours.val == PICTURES_COLOURS_LINEAR;
    const char *mistake = mistake_in(&picture, width, height);
    if (mistake == NULL) {
        mistake =
            scale(&picture, &out, filters[filter.is_some ? filter.val : PICTURES_FILTER_MITCHELL],
                  linear ? STBIR_COLORSPACE_LINEAR : STBIR_COLORSPACE_SRGB);
    }
    if (mistake == NULL) {
        result.val.ok = out;
    } else {
        result.is_err = true;
        result.val.err = resize_string_copy(mistake, strlen(mistake));
    }
    pictures_picture_free(&picture);
    return result;
}
