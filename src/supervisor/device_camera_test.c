/*
 * Cameras whose commands are shell scripts: frames as they come, newest only, restarts, ends,
 * limits; and simulated ones.
 */
#include "supervisor/device_test_support.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct stage {
    struct dev_test test;
    struct iso_sv_guest guest;
    char dir[256];
    char script[1024];
    const char *command[4];
    struct iso_sv_camera_def camera;
};

/* A stage with one camera "eye" whose command is that shell script, run in a new directory that has
 * the pictures 1.jpg (16 pixels wide) to 3.jpg (48). */
static void begin(struct stage *stage, const char *script, struct iso_sv_devices_config *config)
{
    memset(stage, 0, sizeof *stage);
    dev_test_dir(stage->dir);
    for (uint32_t i = 1; i <= 3; i++) {
        uint8_t jpeg[512];
        char name[16];
        (void)iso_format(name, sizeof name, "%u.jpg", (unsigned)i);
        dev_test_write(stage->dir, name, jpeg, dev_test_jpeg(jpeg, sizeof jpeg, 16 * i, 8, 60));
    }
    (void)iso_format(stage->script, sizeof stage->script, "cd %s; %s", stage->dir, script);
    stage->command[0] = "/bin/sh";
    stage->command[1] = "-c";
    stage->command[2] = stage->script;
    stage->camera =
        (struct iso_sv_camera_def){.name = "eye", .command = stage->command, .command_count = 3};
    config->cameras = &stage->camera;
    config->camera_count = 1;
    stage->guest = (struct iso_sv_guest){.component = {7}, .grants = {"camera"}};
    dev_test_begin(&stage->test, config);
}

static void end(struct stage *stage)
{
    dev_test_end(&stage->test);
    dev_test_dir_remove(stage->dir);
}

#define OPEN_JPEG "[{\"source\": \"eye\", \"format\": \"jpeg\"}]"

static const char *call(struct stage *stage, const char *func, const char *args)
{
    return dev_test_call(&stage->test, &stage->guest, "camera", func, args);
}

/* Takes a frame of stream `id`: its width and number. */
static void take(struct stage *stage, unsigned id, uint64_t *width, uint64_t *number)
{
    struct dev_call taking;
    char args[32];
    (void)iso_format(args, sizeof args, "[%u]", id);
    dev_call_begin(&taking, &stage->test, &stage->guest, "camera", "take-frame", args);
    while (!dev_call_poll(&taking)) {
        dev_test_wait(&stage->test, &stage->guest.finished);
    }
    if (taking.result.choice.index != 0) {
        TEST_FAIL("%s", dev_call_end(&taking));
    }
    const struct iso_value *fields = taking.result.choice.payload->list.items;
    *width = fields[0].u;
    *number = fields[4].u;
    (void)dev_call_end(&taking);
}

/* Runs the loop until the description contains the text. */
static void until(struct stage *stage, const char *text)
{
    for (unsigned i = 0; strstr(dev_test_describe(&stage->test), text) == NULL; i++) {
        if (i == 12000) {
            TEST_FAIL("'%s' does not appear: %s", text, dev_test_describe(&stage->test));
        }
        dev_test_run_ms(&stage->test, 5);
    }
}

/* Appends to a file, or writes to a FIFO that the script reads. */
static void feed(const struct stage *stage, const char *fifo, const char *file)
{
    char path[600];
    uint8_t bytes[512];
    (void)iso_format(path, sizeof path, "%s/%s", stage->dir, file);
    FILE *from = fopen(path, "rb");
    CHECK(from != NULL);
    size_t len = fread(bytes, 1, sizeof bytes, from);
    CHECK(fclose(from) == 0);
    (void)iso_format(path, sizeof path, "%s/%s", stage->dir, fifo);
    int to = open(path, O_WRONLY);
    CHECK(to >= 0);
    CHECK(write(to, bytes, len) == (ssize_t)len);
    CHECK(close(to) == 0);
}

/* The number that a script wrote into a file, once it has. */
static int number_in(struct stage *stage, const char *file)
{
    char path[600];
    (void)iso_format(path, sizeof path, "%s/%s", stage->dir, file);
    for (unsigned i = 0; i < 12000; i++) {
        char text[32] = "";
        FILE *stream = fopen(path, "rb");
        if (stream != NULL) {
            size_t len = fread(text, 1, sizeof text - 1, stream);
            (void)fclose(stream);
            if (len > 0 && text[len - 1] == '\n') {
                return (int)strtol(text, NULL, 10);
            }
        }
        dev_test_run_ms(&stage->test, 5);
    }
    TEST_FAIL("%s was not written", file);
    return 0;
}

/* Runs the loop until the process is gone. */
static void until_gone(struct stage *stage, int pid)
{
    for (unsigned i = 0; kill(pid, 0) == 0 || errno != ESRCH; i++) {
        CHECK(i < 12000);
        dev_test_run_ms(&stage->test, 5);
    }
}

TEST(frames_of_a_command_are_waited_for_and_counted)
{
    struct stage stage;
    struct iso_sv_devices_config config = {0};
    struct dev_call taking;
    uint64_t width = 0;
    uint64_t number = 0;
    begin(&stage, "mkfifo in; echo go >ready; while true; do cat in; done", &config);
    CHECK_STR(call(&stage, "list-sources", ""), "[\"eye\"]");
    CHECK_STR(call(&stage, "open", OPEN_JPEG), "{\"ok\":1}");
    (void)number_in(&stage, "ready");
    dev_call_begin(&taking, &stage.test, &stage.guest, "camera", "take-frame", "[1]");
    dev_test_run_ms(&stage.test, 20);
    CHECK(!dev_call_poll(&taking));
    feed(&stage, "in", "1.jpg");
    CHECK_CONTAINS(dev_call_end(&taking), "{\"ok\":{\"width\":16,\"height\":8,\"format\":\"jpeg\"");
    feed(&stage, "in", "2.jpg");
    take(&stage, 1, &width, &number);
    CHECK_EQ_U64(width, 32);
    CHECK_EQ_U64(number, 1);
    CHECK_STR(call(&stage, "close", "[1]"), "");
    CHECK_STR(call(&stage, "close", "[1]"), "");
    CHECK_STR(call(&stage, "take-frame", "[1]"), "{\"error\":{\"unknown\":\"stream 1\"}}");
    end(&stage);
}

TEST(only_the_newest_frame_is_kept)
{
    struct stage stage;
    struct iso_sv_devices_config config = {0};
    uint64_t width = 0;
    uint64_t number = 0;
    begin(&stage, "cat 1.jpg 2.jpg 1.jpg; echo rubbish; cat 3.jpg; exec sleep 1000", &config);
    CHECK_STR(call(&stage, "open", OPEN_JPEG), "{\"ok\":1}");
    until(&stage, "\"frames\":4,\"dropped\":3,\"bad\":0,\"skipped-bytes\":8,\"restarts\":0");
    take(&stage, 1, &width, &number);
    CHECK_EQ_U64(width, 48);
    CHECK_EQ_U64(number, 3);
    /* The stream of another component waits for a frame of its own. */
    struct dev_call taking;
    struct iso_sv_guest other = {.component = {8}, .grants = {"camera"}};
    CHECK_STR(dev_test_call(&stage.test, &other, "camera", "open", OPEN_JPEG), "{\"ok\":2}");
    dev_call_begin(&taking, &stage.test, &other, "camera", "take-frame", "[2]");
    dev_test_run_ms(&stage.test, 20);
    CHECK(!dev_call_poll(&taking));
    dev_call_cancel(&taking);
    end(&stage);
}

TEST(instances_of_a_component_take_turns_at_a_stream)
{
    struct stage stage;
    struct iso_sv_devices_config config = {0};
    struct dev_call one;
    struct dev_call two;
    begin(&stage, "mkfifo in; echo go >ready; while true; do cat in; done", &config);
    struct iso_sv_guest other = stage.guest;
    CHECK_STR(call(&stage, "open", OPEN_JPEG), "{\"ok\":1}");
    (void)number_in(&stage, "ready");
    dev_call_begin(&one, &stage.test, &stage.guest, "camera", "take-frame", "[1]");
    dev_call_begin(&two, &stage.test, &other, "camera", "take-frame", "[1]");
    feed(&stage, "in", "1.jpg");
    CHECK_CONTAINS(dev_call_end(&one), "\"width\":16");
    CHECK(!dev_call_poll(&two));
    feed(&stage, "in", "2.jpg");
    CHECK_CONTAINS(dev_call_end(&two), "\"width\":32");
    /* Of another component the stream is none. */
    struct iso_sv_guest stranger = {.component = {8}, .grants = {"camera"}};
    CHECK_CONTAINS(dev_test_call(&stage.test, &stranger, "camera", "take-frame", "[1]"), "unknown");
    CHECK_STR(dev_test_call(&stage.test, &stranger, "camera", "close", "[1]"), "");
    CHECK_CONTAINS(dev_test_describe(&stage.test), "\"streams\":1");
    end(&stage);
}

TEST(a_failing_source_is_started_again_later_and_later)
{
    struct stage stage;
    struct iso_sv_devices_config config = {
        .frame_timeout_ms = 300, .camera_backoff_ms = 10, .camera_backoff_max_ms = 40};
    begin(&stage, "echo x >>runs; echo 'rtsp://user:secret@cam/1: no route' >&2; exit 3", &config);
    CHECK_STR(call(&stage, "open", OPEN_JPEG), "{\"ok\":1}");
    until(&stage, "\"restarts\":5");
    CHECK_CONTAINS(stage.test.log, "restart in 10 ms");
    CHECK_CONTAINS(stage.test.log, "restart in 20 ms");
    CHECK_CONTAINS(stage.test.log, "restart in 40 ms");
    const char *answer = call(&stage, "take-frame", "[1]");
    CHECK_STR(answer, "{\"error\":{\"failed\":\"camera eye: no frame in 300 ms; its source says: "
                      "rtsp://***********@cam/1: no route\"}}");
    CHECK(strstr(stage.test.log, "secret") == NULL);
    CHECK(strstr(stage.test.log, "restart in 80 ms") == NULL);
    end(&stage);
}

TEST(a_source_that_recovers_delivers_again)
{
    struct stage stage;
    struct iso_sv_devices_config config = {.camera_backoff_ms = 10};
    uint64_t width = 0;
    uint64_t number = 0;
    begin(&stage, "echo x >>runs; [ $(wc -l <runs) -ge 4 ] && cat 2.jpg && exec sleep 1000; exit 1",
          &config);
    CHECK_STR(call(&stage, "open", OPEN_JPEG), "{\"ok\":1}");
    take(&stage, 1, &width, &number);
    CHECK_EQ_U64(width, 32);
    CHECK_CONTAINS(dev_test_describe(&stage.test), "\"state\":\"running\"");
    CHECK_CONTAINS(dev_test_describe(&stage.test),
                   "\"restarts\":3,\"error\":\"ended with status 1");
    end(&stage);
}

TEST(a_command_that_takes_one_picture_is_asked_again_and_again)
{
    struct stage stage;
    struct iso_sv_devices_config config = {0};
    begin(&stage, "cat 1.jpg", &config);
    CHECK_STR(
        call(&stage, "open", "[{\"source\": \"default\", \"rate\": 100000, \"format\": \"jpeg\"}]"),
        "{\"ok\":1}");
    for (uint64_t i = 0; i < 5; i++) {
        uint64_t width = 0;
        uint64_t number = 0;
        take(&stage, 1, &width, &number);
        CHECK_EQ_U64(width, 16);
        CHECK(number >= i);
    }
    CHECK_STR(stage.test.log, "");
    end(&stage);
}

TEST(a_silent_source_is_stopped_and_started_again)
{
    struct stage stage;
    struct iso_sv_devices_config config = {.frame_timeout_ms = 50, .camera_backoff_ms = 10};
    begin(&stage, "echo $$ >pid; exec sleep 1000", &config);
    CHECK_STR(call(&stage, "open", OPEN_JPEG), "{\"ok\":1}");
    int pid = number_in(&stage, "pid");
    /* Whether it has been stopped by then depends on how busy the processors are. */
    CHECK_CONTAINS(call(&stage, "take-frame", "[1]"), "\"camera eye: no frame in 50 ms");
    until(&stage, "\"error\":\"it delivered no frames and was stopped\"");
    until_gone(&stage, pid);
    until(&stage, "\"restarts\":1");
    end(&stage);
}

TEST(programs_end_with_their_last_stream)
{
    struct stage stage;
    struct iso_sv_devices_config config = {0};
    begin(&stage, "sleep 1000 & echo $! >child; echo $$ >pid; cat 1.jpg; wait", &config);
    struct iso_sv_guest other = {.component = {8}, .grants = {"camera"}};
    CHECK_STR(call(&stage, "open", OPEN_JPEG), "{\"ok\":1}");
    CHECK_STR(call(&stage, "open", OPEN_JPEG), "{\"ok\":1}"); /* the same again */
    CHECK_STR(dev_test_call(&stage.test, &other, "camera", "open", OPEN_JPEG), "{\"ok\":2}");
    int pid = number_in(&stage, "pid");
    int child = number_in(&stage, "child");
    CHECK_CONTAINS(dev_test_describe(&stage.test), "\"streams\":2");
    (void)call(&stage, "close", "[1]");
    (void)dev_test_call(&stage.test, &other, "camera", "close", "[2]");
    CHECK_CONTAINS(dev_test_describe(&stage.test), "\"streams\":1");
    dev_test_run_ms(&stage.test, 20);
    CHECK(kill(pid, 0) == 0);
    (void)call(&stage, "close", "[1]");
    until_gone(&stage, pid);
    until_gone(&stage, child);
    CHECK_CONTAINS(dev_test_describe(&stage.test), "\"runs\":[]");
    end(&stage);
}

TEST(programs_end_with_their_component_even_stubborn_ones)
{
    struct stage stage;
    struct iso_sv_devices_config config = {0};
    struct iso_sv_component stranger = {.id = 8};
    begin(&stage, "trap '' TERM; echo $$ >pid; while true; do cat 1.jpg; sleep 0.01; done",
          &config);
    CHECK_STR(call(&stage, "open", OPEN_JPEG), "{\"ok\":1}");
    int pid = number_in(&stage, "pid");
    const struct iso_sv_host_interface *camera =
        &iso_sv_devices_host_set(stage.test.devices)->interfaces[0];
    camera->component_gone(camera->ctx, &stranger);
    CHECK_CONTAINS(dev_test_describe(&stage.test), "\"streams\":1");
    camera->component_gone(camera->ctx, &stage.guest.component);
    CHECK_CONTAINS(dev_test_describe(&stage.test), "\"runs\":[]");
    until_gone(&stage, pid);
    end(&stage);
}

TEST(programs_inherit_nothing_but_their_pipes)
{
    struct stage stage;
    struct iso_sv_devices_config config = {0};
    int null = open("/dev/null", O_RDONLY);
    int fd = dup2(null, 200); /* stays open in new programs, as some libraries' sockets */
    CHECK(null >= 0 && fd == 200);
    CHECK(close(null) == 0);
    begin(&stage, "[ -e /proc/$$/fd/200 ]; echo $? >inherited; exec sleep 1000", &config);
    CHECK_STR(call(&stage, "open", OPEN_JPEG), "{\"ok\":1}");
    CHECK_EQ_I64(number_in(&stage, "inherited"), 1);
    CHECK(close(fd) == 0);
    end(&stage);
}

TEST(what_cannot_be_started_says_so)
{
    struct stage stage;
    struct iso_sv_devices_config config = {.ffmpeg = "/nonexistent/ffmpeg"};
    static const struct iso_sv_camera_def cameras[] = {
        {.name = "usb", .source = "/dev/video77"}, {.name = "film", .source = "/nonexistent.mp4"}};
    begin(&stage, "true", &config);
    dev_test_end(&stage.test);
    config.cameras = cameras;
    config.camera_count = 2;
    dev_test_begin(&stage.test, &config);
    CHECK_CONTAINS(call(&stage, "open", "[{\"source\": \"usb\", \"format\": \"jpeg\"}]"),
                   "{\"failed\":\"cannot start /nonexistent/ffmpeg: no such file");
    CHECK_CONTAINS(call(&stage, "open", "[{\"source\": \"film\", \"format\": \"jpeg\"}]"),
                   "{\"failed\":\"camera film: its file is not there");
    end(&stage);
}

TEST(what_a_component_asked_for_stands_in_the_command)
{
    struct stage stage;
    struct iso_sv_devices_config config = {0};
    char path[600];
    char text[64] = "";
    begin(&stage,
          "echo {width}x{height}@{rate} {format} >asked; "
          "printf 'P7\\nWIDTH 2\\nHEIGHT 1\\nDEPTH 3\\nMAXVAL 255\\nENDHDR\\nabcdef'; "
          "exec sleep 1000",
          &config);
    CHECK_STR(call(&stage, "open",
                   "[{\"source\": \"eye\", \"width\": 2, \"rate\": 29970, \"format\": \"rgb8\"}]"),
              "{\"ok\":1}");
    const char *frame = call(&stage, "take-frame", "[1]");
    CHECK_CONTAINS(frame, "{\"ok\":{\"width\":2,\"height\":1,\"format\":\"rgb8\"");
    CHECK_CONTAINS(frame, "\"number\":0,\"pixels\":\"YWJjZGVm\"");
    (void)iso_format(path, sizeof path, "%s/asked", stage.dir);
    FILE *stream = fopen(path, "rb");
    CHECK(stream != NULL);
    CHECK(fgets(text, sizeof text, stream) != NULL);
    CHECK(fclose(stream) == 0);
    CHECK_STR(text, "2x@29.970 rgb8\n");
    /* One at a time: a device is open once. */
    CHECK_STR(call(&stage, "open", OPEN_JPEG), "{\"error\":{\"busy\":null}}");
    end(&stage);
}

TEST(wishes_that_make_no_sense_are_refused)
{
    static const struct {
        const char *wish;
        const char *answer;
    } cases[] = {{"\"width\": 0, \"format\": \"jpeg\"", "invalid"},
                 {"\"width\": 16385, \"format\": \"jpeg\"", "invalid"},
                 {"\"height\": 0, \"format\": \"jpeg\"", "invalid"},
                 {"\"rate\": 0, \"format\": \"jpeg\"", "invalid"},
                 {"\"rate\": 240001, \"format\": \"jpeg\"", "invalid"},
                 {"\"width\": 4000, \"height\": 4000, \"format\": \"rgba8\"", "8 MiB"},
                 {"\"format\": \"gray8\"", "delivers jpeg only"}};
    struct stage stage;
    struct iso_sv_devices_config config = {0};
    begin(&stage, "exec sleep 1000", &config);
    for (size_t i = 0; i < ISO_COUNT_OF(cases); i++) {
        char args[256];
        (void)iso_format(args, sizeof args, "[{\"source\": \"eye\", %s}]", cases[i].wish);
        CHECK_CONTAINS(call(&stage, "open", args), cases[i].answer);
    }
    CHECK_CONTAINS(call(&stage, "open", "[{\"source\": \"nose\", \"format\": \"jpeg\"}]"),
                   "{\"unknown\":\"nose\"}");
    struct iso_sv_guest stranger = {.component = {8}, .grants = {"camera:ear"}};
    CHECK_CONTAINS(dev_test_call(&stage.test, &stranger, "camera", "open", OPEN_JPEG),
                   "{\"not-granted\":\"camera \\\"eye\\\"\"}");
    CHECK_STR(dev_test_call(&stage.test, &stranger, "camera", "list-sources", ""), "[]");
    CHECK_CONTAINS(dev_test_describe(&stage.test), "\"runs\":[]");
    end(&stage);
}

TEST(a_component_has_a_largest_number_of_streams)
{
    struct iso_sv_camera_def cameras[ISO_SV_STREAMS_MAX + 1];
    char names[ISO_SV_STREAMS_MAX + 1][8];
    struct iso_sv_devices_config config = {.cameras = cameras,
                                           .camera_count = ISO_SV_STREAMS_MAX + 1};
    struct iso_sv_guest guest = {.component = {7}, .grants = {"camera"}};
    struct iso_sv_guest other = {.component = {8}, .grants = {"camera"}};
    struct dev_test test;
    char args[80];
    for (unsigned i = 0; i <= ISO_SV_STREAMS_MAX; i++) {
        (void)iso_format(names[i], sizeof names[i], "c%u", i);
        cameras[i] = (struct iso_sv_camera_def){.name = names[i], .source = "test:8x8@1"};
    }
    dev_test_begin(&test, &config);
    for (unsigned i = 0; i <= ISO_SV_STREAMS_MAX; i++) {
        (void)iso_format(args, sizeof args, "[{\"source\": \"c%u\", \"format\": \"gray8\"}]", i);
        CHECK_CONTAINS(dev_test_call(&test, &guest, "camera", "open", args),
                       i < ISO_SV_STREAMS_MAX ? "{\"ok\":" : "{\"limit\":\"16 open camera streams");
    }
    CHECK_CONTAINS(dev_test_call(&test, &other, "camera", "open", args), "ok");
    dev_test_end(&test);
}

/* The number that device_picture.c writes into the first 64 pixels. */
static uint64_t drawn_number(const uint8_t *pixels)
{
    uint64_t number = 0;
    for (size_t i = 0; i < 64; i++) {
        number = number << 1 | (pixels[i] > 127 ? 1 : 0);
    }
    return number;
}

TEST(simulated_cameras_count)
{
    static const struct iso_sv_camera_def camera = {.name = "sim", .source = "test:80x60@100"};
    struct iso_sv_devices_config config = {.cameras = &camera, .camera_count = 1};
    struct iso_sv_guest guest = {.component = {7}, .grants = {"camera:default"}};
    struct dev_test test;
    uint64_t last = 0;
    dev_test_begin(&test, &config);
    CHECK_STR(dev_test_call(&test, &guest, "camera", "open",
                            "[{\"source\": \"default\", \"format\": \"gray8\"}]"),
              "{\"ok\":1}");
    for (unsigned i = 0; i < 5; i++) {
        struct dev_call taking;
        dev_call_begin(&taking, &test, &guest, "camera", "take-frame", "[1]");
        while (!dev_call_poll(&taking)) {
            dev_test_wait(&test, &guest.finished);
        }
        CHECK_EQ_U64(taking.result.choice.index, 0);
        const struct iso_value *fields = taking.result.choice.payload->list.items;
        CHECK_EQ_U64(fields[5].bytes.len, 80 * 60);
        uint64_t number = drawn_number(fields[5].bytes.ptr);
        CHECK_EQ_U64(number, fields[4].u);
        CHECK(i == 0 || number > last);
        last = number;
        (void)dev_call_end(&taking);
    }
    /* Other sizes and formats run beside it, up to a limit. */
    static const char *const wishes[] = {
        "\"width\": 8, \"height\": 8, \"format\": \"rgba8\"", "\"format\": \"rgb8\"",
        "\"rate\": 5000, \"format\": \"rgb8\"", "\"rate\": 6000, \"format\": \"rgb8\""};
    for (size_t i = 0; i < ISO_COUNT_OF(wishes); i++) {
        char args[128];
        (void)iso_format(args, sizeof args, "[{\"source\": \"default\", %s}]", wishes[i]);
        CHECK_CONTAINS(dev_test_call(&test, &guest, "camera", "open", args),
                       i < 3 ? "ok" : "{\"limit\":\"camera sim runs in 4 different");
    }
    CHECK_CONTAINS(dev_test_call(&test, &guest, "camera", "take-frame", "[2]"),
                   "{\"ok\":{\"width\":8,\"height\":8,\"format\":\"rgba8\"");
    dev_test_end(&test);
}
