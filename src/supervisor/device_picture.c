/*
 * device_picture.c - the pictures of simulated cameras: they count, so that whoever looks at them
 * (or a test) sees what was lost.
 */
#include "supervisor/device_camera.h"

/* Digits of 3 x 5 pixels: a line per three bits, the upper one first. */
static const uint16_t digits[10] = {
    075557, /* 0: 111 101 101 101 111 */
    026227, /* 1 */
    071747, /* 2 */
    071717, /* 3 */
    055711, /* 4 */
    074717, /* 5 */
    074757, /* 6 */
    071111, /* 7 */
    075757, /* 8 */
    075717  /* 9 */
};

static void put(uint8_t *pixels, const struct iso_sv_camera_wish *wish, uint32_t x, uint32_t y,
                uint32_t level)
{
    uint32_t size = iso_sv_pixel_size(wish->format);
    uint8_t *at = pixels + ((size_t)y * wish->width + x) * size;
    memset(at, (int)level, size < 3 ? size : 3);
}

static void draw_digit(uint8_t *pixels, const struct iso_sv_camera_wish *wish, uint32_t left,
                       uint32_t scale, uint32_t digit)
{
    for (uint32_t y = 0; y < 5 * scale; y++) {
        for (uint32_t x = 0; x < 3 * scale; x++) {
            uint32_t bit = 14 - (y / scale * 3 + x / scale);
            uint32_t to_x = left + x;
            uint32_t to_y = 2 + y;
            if ((digits[digit] >> bit & 1) != 0 && to_x < wish->width && to_y < wish->height) {
                put(pixels, wish, to_x, to_y, 255);
            }
        }
    }
}

static void draw_ramp(uint8_t *pixels, const struct iso_sv_camera_wish *wish, uint64_t number)
{
    uint32_t size = iso_sv_pixel_size(wish->format);
    uint8_t *at = pixels;
    for (uint32_t y = 0; y < wish->height; y++) {
        for (uint32_t x = 0; x < wish->width; x++, at += size) {
            uint8_t level = (uint8_t)(((x + y + 4 * number) & 0xff) / 2);
            at[0] = level;
            if (size >= 3) {
                at[1] = (uint8_t)(x / 2 & 0x7f);
                at[2] = (uint8_t)(y / 2 & 0x7f);
            }
            if (size == 4) {
                at[3] = 255;
            }
        }
    }
}

void iso_sv_picture_draw(uint8_t *pixels, const struct iso_sv_camera_wish *wish, uint64_t number)
{
    draw_ramp(pixels, wish, number);
    uint32_t scale = wish->width / 32 + 1;
    uint64_t rest = number;
    for (uint32_t place = 6; place-- > 0; rest /= 10) {
        draw_digit(pixels, wish, 2 + place * 4 * scale, scale, (uint32_t)(rest % 10));
    }
    for (uint32_t i = 0; i < 64 && i < wish->width; i++) {
        put(pixels, wish, i, 0, (number >> (63 - i) & 1) != 0 ? 255 : 0);
    }
}
