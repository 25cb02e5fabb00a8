/* Displays: frames are checked, the newest is kept, viewers see what they have time for. */
#include "supervisor/device_test_support.h"

#include <stdlib.h>

static const char *const names[] = {"hall", "roof"};
static const struct iso_sv_devices_config two_displays = {.displays = names, .display_count = 2};

static void count(void *ctx)
{
    ++*(unsigned *)ctx;
}

static const char *show(struct dev_test *test, struct iso_sv_guest *guest, const char *display,
                        unsigned number)
{
    char args[256];
    (void)iso_format(args, sizeof args,
                     "[\"%s\", {\"width\": 2, \"height\": 1, \"format\": \"rgb8\", \"time\": 5, "
                     "\"number\": %u, \"pixels\": \"AQIDBAUG\"}]",
                     display, number);
    return dev_test_call(test, guest, "display", "show", args);
}

TEST(a_display_keeps_the_newest_frame)
{
    struct dev_test test;
    struct iso_sv_devices_config config = two_displays;
    struct iso_sv_guest guest = {.grants = {"display"}};
    dev_test_begin(&test, &config);
    struct iso_str hall = iso_str_from_z("hall");
    CHECK(iso_sv_display_frame(test.devices, hall) == NULL);
    CHECK_STR(show(&test, &guest, "hall", 1), "{\"ok\":null}");
    CHECK_STR(show(&test, &guest, "default", 2), "{\"ok\":null}");
    const struct iso_sv_frame *frame = iso_sv_display_frame(test.devices, hall);
    CHECK_EQ_U64(frame->number, 2);
    CHECK_EQ_U64(frame->width, 2);
    CHECK_EQ_U64(frame->time_ns, 5);
    CHECK_MEM(frame->pixels.ptr, "\1\2\3\4\5\6", 6);
    CHECK(iso_sv_display_frame(test.devices, iso_str_from_z("roof")) == NULL);
    CHECK(iso_sv_display_frame(test.devices, iso_str_from_z("cellar")) == NULL);
    CHECK_CONTAINS(dev_test_describe(&test), "{\"name\":\"hall\",\"frames\":2,\"viewers\":0}");
    dev_test_end(&test);
}

TEST(slow_viewers_skip_and_are_told_once)
{
    struct dev_test test;
    struct iso_sv_devices_config config = two_displays;
    struct iso_sv_guest guest = {.grants = {"display"}};
    struct iso_sv_viewer *quick = NULL;
    struct iso_sv_viewer *slow = NULL;
    unsigned quick_told = 0;
    unsigned slow_told = 0;
    dev_test_begin(&test, &config);
    (void)show(&test, &guest, "hall", 0);
    struct iso_str hall = iso_str_from_z("hall");
    CHECK_OK(iso_sv_display_subscribe(test.devices, hall, count, &quick_told, &quick, NULL));
    CHECK_OK(iso_sv_display_subscribe(test.devices, hall, count, &slow_told, &slow, NULL));
    CHECK_EQ_U64(quick_told, 0); /* what is there already is not told of, but can be taken */
    struct iso_sv_frame *held = iso_sv_viewer_take(slow);
    CHECK_EQ_U64(held->number, 0);
    for (unsigned i = 1; i <= 10; i++) {
        (void)show(&test, &guest, "hall", i);
        struct iso_sv_frame *frame = iso_sv_viewer_take(quick);
        CHECK_EQ_U64(frame->number, i);
        iso_sv_frame_unref(frame);
        CHECK(iso_sv_viewer_take(quick) == NULL);
    }
    CHECK_EQ_U64(quick_told, 10);
    CHECK_EQ_U64(slow_told, 1);
    CHECK_EQ_U64(held->number, 0); /* kept by its reference */
    CHECK_MEM(held->pixels.ptr, "\1\2\3\4\5\6", 6);
    iso_sv_frame_unref(held);
    held = iso_sv_viewer_take(slow);
    CHECK_EQ_U64(held->number, 10);
    iso_sv_frame_unref(held);
    CHECK_EQ_U64(iso_sv_viewer_skipped(slow), 9);
    CHECK_EQ_U64(iso_sv_viewer_skipped(quick), 1); /* the one that was there before it */
    (void)show(&test, &guest, "hall", 11);
    CHECK_EQ_U64(slow_told, 2);
    iso_sv_viewer_destroy(quick);
    iso_sv_viewer_destroy(slow);
    dev_test_end(&test);
}

struct leaver {
    struct iso_sv_viewer *viewers[3];
    unsigned told;
};

static void leave(void *ctx)
{
    struct leaver *leaver = ctx;
    leaver->told++;
    for (size_t i = 0; i < ISO_COUNT_OF(leaver->viewers); i++) {
        iso_sv_viewer_destroy(leaver->viewers[i]);
        leaver->viewers[i] = NULL;
    }
}

TEST(viewers_may_leave_while_they_are_told)
{
    struct dev_test test;
    struct iso_sv_devices_config config = two_displays;
    struct iso_sv_guest guest = {.grants = {"display"}};
    struct leaver leaver = {.told = 0};
    struct iso_str roof = iso_str_from_z("roof");
    dev_test_begin(&test, &config);
    for (size_t i = 0; i < ISO_COUNT_OF(leaver.viewers); i++) {
        CHECK_OK(
            iso_sv_display_subscribe(test.devices, roof, leave, &leaver, &leaver.viewers[i], NULL));
    }
    (void)show(&test, &guest, "roof", 0);
    CHECK_EQ_U64(leaver.told, 1);
    (void)show(&test, &guest, "roof", 1);
    CHECK_EQ_U64(leaver.told, 1);
    struct iso_report report;
    iso_report_init(&report);
    CHECK_ERR(iso_sv_display_subscribe(test.devices, iso_str_from_z("cellar"), leave, &leaver,
                                       &leaver.viewers[0], &report),
              ISO_E_NOT_FOUND);
    CHECK_CONTAINS(report.text, "cellar");
    dev_test_end(&test);
}

TEST(frames_that_are_not_what_they_say_are_refused)
{
    static const struct {
        const char *frame;
        const char *answer;
    } cases[] = {
        {"\"width\": 2, \"height\": 1, \"format\": \"rgb8\", \"pixels\": \"AQIDBAU=\"",
         "2 x 1 pixels of rgb8 are 6 bytes, not 5"},
        {"\"width\": 2, \"height\": 1, \"format\": \"rgba8\", \"pixels\": \"AQIDBAUG\"", "8 bytes"},
        {"\"width\": 0, \"height\": 1, \"format\": \"gray8\", \"pixels\": \"\"", "1 to 16384"},
        {"\"width\": 1, \"height\": 16385, \"format\": \"gray8\", \"pixels\": \"\"", "1 to 16384"},
        {"\"width\": 2, \"height\": 1, \"format\": \"jpeg\", \"pixels\": \"AQIDBAUG\"",
         "it does not begin with FF D8"},
        {"\"width\": 2, \"height\": 1, \"format\": \"jpeg\", \"pixels\": \"\"", "no end"},
        {"\"width\": 2, \"height\": 1, \"format\": \"jpeg\", \"pixels\": \"/9j/2Q==\"",
         "without a picture"}};
    struct dev_test test;
    struct iso_sv_devices_config config = two_displays;
    struct iso_sv_guest guest = {.grants = {"display"}};
    dev_test_begin(&test, &config);
    for (size_t i = 0; i < ISO_COUNT_OF(cases); i++) {
        char args[512];
        (void)iso_format(args, sizeof args, "[\"hall\", {%s, \"time\": 0, \"number\": 0}]",
                         cases[i].frame);
        const char *answer = dev_test_call(&test, &guest, "display", "show", args);
        CHECK_CONTAINS(answer, "{\"error\":{\"invalid\":");
        CHECK_CONTAINS(answer, cases[i].answer);
    }
    CHECK(iso_sv_display_frame(test.devices, iso_str_from_z("hall")) == NULL);
    dev_test_end(&test);
}

TEST(a_frame_above_the_limit_is_refused)
{
    struct dev_test test;
    struct iso_sv_devices_config config = two_displays;
    struct iso_sv_guest guest = {.grants = {"display"}};
    dev_test_begin(&test, &config);
    for (size_t extra = 0; extra < 2; extra++) {
        uint8_t *pixels = calloc(1, ISO_SV_FRAME_MAX + 1);
        CHECK(pixels != NULL);
        struct dev_call call;
        dev_call_begin(&call, &test, &guest, "display", "list-displays", "");
        (void)dev_call_end(&call);
        struct iso_value fields[6] = {
            {.u = 16384}, {.u = 512}, {.u = ISO_SV_GRAY8},
            {.u = 0},     {.u = 0},   {.bytes = {pixels, ISO_SV_FRAME_MAX + extra}}};
        struct iso_value args[2] = {{.string = {"hall", 4}}, {.list = {fields, 6}}};
        const struct iso_sv_host_interface *display =
            &iso_sv_devices_host_set(test.devices)->interfaces[1];
        struct iso_host_call host_call = {0};
        struct iso_value result = {0};
        struct iso_arena arena;
        iso_arena_init(&arena, iso_alloc_libc(), 0, SIZE_MAX);
        enum iso_host_result answered =
            display->funcs[1].fn(display->ctx, &guest, &host_call, args, &arena, &result);
        CHECK(answered == (extra == 0 ? ISO_HOST_PENDING : ISO_HOST_DONE));
        if (guest.op != NULL) {
            guest.op->destroy(guest.op); /* given up before it began */
            guest.op = NULL;
        } else {
            CHECK_EQ_U64(result.choice.payload->choice.index, ISO_SV_INVALID);
        }
        iso_arena_fini(&arena);
        free(pixels);
    }
    dev_test_end(&test);
}

TEST(a_jpeg_is_shown_with_its_own_size_and_without_what_follows_it)
{
    struct dev_test test;
    struct iso_sv_devices_config config = two_displays;
    struct iso_sv_guest guest = {.grants = {"display:hall"}};
    uint8_t jpeg[256];
    char args[1024];
    dev_test_begin(&test, &config);
    size_t len = dev_test_jpeg(jpeg, sizeof jpeg - 8, 31, 17, 20);
    struct iso_buf buf;
    iso_buf_init(&buf, iso_alloc_libc(), SIZE_MAX);
    static const char *const head = "[\"hall\", {\"width\": 1, \"height\": 1, \"format\": "
                                    "\"jpeg\", \"time\": 0, \"number\": 0, "
                                    "\"pixels\": [";
    size_t at = iso_format(args, sizeof args, "%s", head);
    for (size_t i = 0; i < len + 1; i++) {
        at += iso_format(args + at, sizeof args - at, "%s%u", i != 0 ? "," : "",
                         i < len ? (unsigned)jpeg[i] : 0);
    }
    (void)iso_format(args + at, sizeof args - at, "]}]");
    CHECK_STR(dev_test_call(&test, &guest, "display", "show", args), "{\"ok\":null}");
    struct iso_sv_frame *frame = iso_sv_display_frame(test.devices, iso_str_from_z("hall"));
    CHECK_EQ_U64(frame->width, 31);
    CHECK_EQ_U64(frame->height, 17);
    const char *type = NULL;
    struct iso_bytes picture;
    CHECK_OK(iso_sv_frame_picture(frame, &type, &picture));
    CHECK_STR(type, "image/jpeg");
    CHECK_EQ_U64(picture.len, len);
    CHECK_MEM(picture.ptr, jpeg, len);
    iso_buf_fini(&buf);
    dev_test_end(&test);
}

TEST(raw_frames_become_bitmaps)
{
    static const uint8_t rgba[] = {1, 2, 3, 4, 5, 6, 7, 8};
    static const uint8_t gray[] = {9, 8, 7};
    struct iso_sv_frame like = {
        .width = 1, .height = 2, .format = ISO_SV_RGBA8, .pixels = {rgba, sizeof rgba}};
    struct iso_sv_frame *frame = iso_sv_frame_copy(iso_alloc_libc(), &like);
    const char *type = NULL;
    struct iso_bytes bmp;
    CHECK_OK(iso_sv_frame_picture(frame, &type, &bmp));
    CHECK_STR(type, "image/bmp");
    CHECK_EQ_U64(bmp.len, 54 + 2 * 4);
    CHECK_MEM(bmp.ptr, "BM", 2);
    CHECK_EQ_U64(iso_load_u32le(bmp.ptr + 2), bmp.len);
    CHECK_EQ_U64(iso_load_u32le(bmp.ptr + 18), 1);
    CHECK_EQ_U64(iso_load_u32le(bmp.ptr + 22), (uint32_t)-2);
    CHECK_MEM(bmp.ptr + 54, "\3\2\1\0\7\6\5\0", 8);
    const uint8_t *first = bmp.ptr;
    CHECK_OK(iso_sv_frame_picture(frame, &type, &bmp));
    CHECK(bmp.ptr == first); /* made once */
    iso_sv_frame_unref(frame);

    like = (struct iso_sv_frame){
        .width = 3, .height = 1, .format = ISO_SV_GRAY8, .pixels = {gray, sizeof gray}};
    frame = iso_sv_frame_copy(iso_alloc_libc(), &like);
    CHECK_OK(iso_sv_frame_picture(frame, &type, &bmp));
    CHECK_EQ_U64(iso_load_u32le(bmp.ptr + 10), 54 + 1024);
    CHECK_EQ_U64(bmp.len, 54 + 1024 + 4);
    CHECK_MEM(bmp.ptr + 54 + 4, "\1\1\1\0", 4);
    CHECK_MEM(bmp.ptr + 54 + 1024, "\x09\x08\x07\0", 4);
    iso_sv_frame_unref(frame);
}

TEST(displays_need_grants)
{
    struct dev_test test;
    struct iso_sv_devices_config config = two_displays;
    struct iso_sv_guest guest = {.grants = {"display:roof"}};
    dev_test_begin(&test, &config);
    CHECK_STR(dev_test_call(&test, &guest, "display", "list-displays", ""), "[\"roof\"]");
    CHECK_EQ_U64(guest.refused, 0);
    CHECK_STR(show(&test, &guest, "hall", 0),
              "{\"error\":{\"not-granted\":\"display \\\"hall\\\"\"}}");
    CHECK_STR(show(&test, &guest, "default", 0),
              "{\"error\":{\"not-granted\":\"display \\\"default\\\"\"}}");
    CHECK_STR(show(&test, &guest, "cellar", 0),
              "{\"error\":{\"not-granted\":\"display \\\"cellar\\\"\"}}");
    CHECK_EQ_U64(guest.refused, 3);
    CHECK_STR(show(&test, &guest, "roof", 0), "{\"ok\":null}");
    struct iso_sv_guest other = {.grants = {"display:default"}};
    CHECK_STR(dev_test_call(&test, &other, "display", "list-displays", ""), "[\"hall\"]");
    CHECK_STR(show(&test, &other, "default", 0), "{\"ok\":null}");
    struct iso_sv_guest all = {.grants = {"display"}};
    CHECK_STR(show(&test, &all, "cellar", 0), "{\"error\":{\"unknown\":\"cellar\"}}");
    dev_test_end(&test);
}
