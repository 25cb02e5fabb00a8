/*
 * Cameras whose frames ffmpeg delivers: a film, a directory of pictures, its own test picture; in
 * all formats, in sizes that were asked for. Skipped where ffmpeg is not installed.
 */
#include "supervisor/device_test_support.h"

#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Runs ffmpeg with its test picture of 64 x 48 and 2 seconds as input. False: it is not there. */
static bool make(const char *dir, const char *const *output)
{
    const char *argv[24] = {"ffmpeg", "-nostdin", "-loglevel", "quiet",
                            "-f",     "lavfi",    "-i",        "testsrc=size=64x48:rate=10",
                            "-t",     "2"};
    char path[512];
    size_t count = 10;
    while (*output != NULL) {
        argv[count++] = *output++;
    }
    (void)iso_format(path, sizeof path, "%s/%s", dir, argv[count - 1]);
    argv[count - 1] = path;
    pid_t pid;
    int status = 0;
    if (posix_spawnp(&pid, "ffmpeg", NULL, NULL, (char *const *)argv, environ) != 0) {
        return false;
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void need_ffmpeg(const char *dir)
{
    static const char *const one[] = {"-frames:v", "1", "probe.jpg", NULL};
    if (!make(dir, one)) {
        dev_test_dir_remove(dir);
        TEST_SKIP("ffmpeg is not installed");
    }
}

static const struct iso_value *take(struct dev_call *call, struct dev_test *test,
                                    struct iso_sv_guest *guest)
{
    dev_call_begin(call, test, guest, "camera", "take-frame", "[1]");
    while (!dev_call_poll(call)) {
        dev_test_wait(test, &guest->finished);
    }
    if (call->result.choice.index != 0) {
        TEST_FAIL("%s", dev_call_end(call));
    }
    return call->result.choice.payload->list.items;
}

/* Two frames of the camera, of that size, in all formats. */
static void check_camera(const char *source, const char *size, uint64_t width, uint64_t height)
{
    static const char *const formats[] = {"rgba8", "rgb8", "gray8", "jpeg"};
    const struct iso_sv_camera_def camera = {.name = "eye", .source = source};
    struct iso_sv_devices_config config = {.cameras = &camera, .camera_count = 1};
    for (size_t i = 0; i < ISO_COUNT_OF(formats); i++) {
        struct iso_sv_guest guest = {.component = {1}, .grants = {"camera"}};
        struct dev_test test;
        char args[160];
        dev_test_begin(&test, &config);
        (void)iso_format(args, sizeof args, "[{\"source\": \"eye\", %s \"format\": \"%s\"}]", size,
                         formats[i]);
        CHECK_STR(dev_test_call(&test, &guest, "camera", "open", args), "{\"ok\":1}");
        for (unsigned n = 0; n < 2; n++) {
            struct dev_call call;
            const struct iso_value *fields = take(&call, &test, &guest);
            CHECK_EQ_U64(fields[0].u, width);
            CHECK_EQ_U64(fields[1].u, height);
            CHECK_EQ_U64(fields[2].u, i);
            if (i < 3) {
                CHECK_EQ_U64(fields[5].bytes.len,
                             width * height * iso_sv_pixel_size((enum iso_sv_pixels)i));
            }
            (void)dev_call_end(&call);
        }
        CHECK_CONTAINS(dev_test_describe(&test), "\"bad\":0,\"skipped-bytes\":0,\"restarts\":0}");
        dev_test_end(&test);
    }
}

TEST(a_film_goes_on_for_ever_in_all_formats)
{
    static const char *const film[] = {"-c:v", "mpeg4", "film.avi", NULL};
    char dir[256];
    char path[512];
    dev_test_dir(dir);
    need_ffmpeg(dir);
    CHECK(make(dir, film));
    (void)iso_format(path, sizeof path, "%s/film.avi", dir);
    check_camera(path, "", 64, 48);
    check_camera(path, "\"width\": 30, \"height\": 20,", 30, 20);
    dev_test_dir_remove(dir);
}

TEST(pictures_of_a_directory_are_a_film)
{
    static const char *const pictures[] = {"-frames:v", "3", "odd [name]-%d.jpg", NULL};
    char dir[256];
    dev_test_dir(dir);
    need_ffmpeg(dir);
    CHECK(make(dir, pictures));
    check_camera(dir, "\"rate\": 20000,", 64, 48);
    dev_test_dir_remove(dir);
}

TEST(a_directory_with_a_difficult_name_is_one_all_the_same)
{
    static const char *const picture[] = {"-frames:v", "1", "a [b]{c},*? d/p1.png", NULL};
    char top[256];
    char dir[512];
    dev_test_dir(top);
    need_ffmpeg(top);
    (void)iso_format(dir, sizeof dir, "%s/a [b]{c},*? d", top);
    CHECK(mkdir(dir, 0700) == 0);
    CHECK(make(top, picture));
    check_camera(dir, "\"width\": 32,", 32, 24);
    dev_test_dir_remove(top);
}

TEST(the_simulated_camera_has_jpeg_too)
{
    char dir[256];
    dev_test_dir(dir);
    need_ffmpeg(dir);
    check_camera("test:64x48@50", "", 64, 48);
    check_camera("test:64x48@50", "\"width\": 32, \"height\": 16,", 32, 16);
    dev_test_dir_remove(dir);
}

/* ffmpeg's own words about a file that is no film reach the component. */
TEST(what_ffmpeg_complains_about_is_heard)
{
    char dir[256];
    char path[512];
    dev_test_dir(dir);
    need_ffmpeg(dir);
    dev_test_write(dir, "film.avi", "no film", 7);
    (void)iso_format(path, sizeof path, "%s/film.avi", dir);
    const struct iso_sv_camera_def camera = {.name = "eye", .source = path};
    struct iso_sv_devices_config config = {
        .cameras = &camera, .camera_count = 1, .frame_timeout_ms = 3000};
    struct iso_sv_guest guest = {.component = {1}, .grants = {"camera"}};
    struct dev_test test;
    dev_test_begin(&test, &config);
    CHECK_CONTAINS(dev_test_call(&test, &guest, "camera", "open",
                                 "[{\"source\": \"eye\", \"format\": \"jpeg\"}]"),
                   "ok");
    CHECK_CONTAINS(dev_test_call(&test, &guest, "camera", "take-frame", "[1]"),
                   "Invalid data found");
    dev_test_end(&test);
    dev_test_dir_remove(dir);
}
