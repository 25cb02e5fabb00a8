/*
 * device_command.c - which program delivers a camera's frames, and with which arguments: ffmpeg, or
 * what the configuration names.
 */
#include "supervisor/device_camera.h"

#include <dirent.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>

/* ---- Reading the configuration -------------------------------------------------------------- */

static bool read_number(const char **text, uint32_t max, uint32_t *out)
{
    uint64_t value = 0;
    const char *at = *text;
    while (*at >= '0' && *at <= '9' && value <= max) {
        value = value * 10 + (uint64_t)(*at++ - '0');
    }
    if (at == *text || value == 0 || value > max) {
        return false;
    }
    *text = at;
    *out = (uint32_t)value;
    return true;
}

/* "640x480@25" */
static bool read_test(const char *text, struct iso_sv_camera *camera)
{
    uint32_t rate = 25;
    if (!read_number(&text, 1920, &camera->test_width) || *text++ != 'x' ||
        !read_number(&text, 1920, &camera->test_height)) {
        return false;
    }
    if (*text == '@') {
        text++;
        if (!read_number(&text, 100, &rate)) {
            return false;
        }
    }
    camera->test_rate = rate * 1000;
    return *text == '\0' && (uint64_t)camera->test_width * camera->test_height <= 1280 * 720;
}

static enum iso_err read_command(struct iso_sv_devices *devices,
                                 const struct iso_sv_camera_def *def, struct iso_sv_camera *camera,
                                 struct iso_report *report)
{
    if (def->command_count == 0 || def->command_count > 64) {
        return iso_fail(report, ISO_E_ARGUMENT, "camera '%s': a command has 1 to 64 words, not %zu",
                        def->name, def->command_count);
    }
    const char **words = iso_arena_array(&devices->arena, def->command_count, sizeof *words);
    if (words == NULL) {
        return ISO_E_NOMEM;
    }
    for (size_t i = 0; i < def->command_count; i++) {
        words[i] = iso_sv_devices_text(devices, def->command[i]);
        if (words[i] == NULL) {
            return ISO_E_NOMEM;
        }
        camera->formats = camera->formats || strstr(words[i], "{format}") != NULL;
    }
    camera->kind = ISO_SV_CAMERA_COMMAND;
    camera->command = words;
    camera->command_count = def->command_count;
    return ISO_OK;
}

enum iso_err iso_sv_camera_read(struct iso_sv_devices *devices, const struct iso_sv_camera_def *def,
                                struct iso_sv_camera *camera, struct iso_report *report)
{
    if ((def->source != NULL) == (def->command != NULL)) {
        return iso_fail(report, ISO_E_ARGUMENT, "camera '%s': it needs a source or a command",
                        def->name);
    }
    if (def->command != NULL) {
        return read_command(devices, def, camera, report);
    }
    camera->path = iso_sv_devices_text(devices, def->source);
    if (camera->path == NULL) {
        return ISO_E_NOMEM;
    }
    if (strncmp(camera->path, "test:", 5) == 0) {
        camera->kind = ISO_SV_CAMERA_TEST;
        return read_test(camera->path + 5, camera)
                   ? ISO_OK
                   : iso_fail(report, ISO_E_ARGUMENT,
                              "camera '%s': '%s' is no simulation; it would be, for example, "
                              "test:640x480@25 with at most 1280 x 720 pixels and 100 a second",
                              def->name, camera->path);
    }
    if (strncmp(camera->path, "/dev/video", 10) == 0) {
        camera->kind = ISO_SV_CAMERA_V4L2;
    } else if (strstr(camera->path, "://") != NULL) {
        camera->kind = ISO_SV_CAMERA_ADDRESS;
    } else if (camera->path[0] == '/') {
        camera->kind = ISO_SV_CAMERA_PATH;
    } else {
        return iso_fail(
            report, ISO_E_ARGUMENT,
            "camera '%s': '%s' is no source; it would be /dev/video0, an absolute path, "
            "an address such as rtsp://host/path, or test:640x480@25",
            def->name, camera->path);
    }
    return ISO_OK;
}

/* ---- Making command lines ------------------------------------------------------------------- */

enum { ARGV_MAX = 96 };

struct argv {
    struct iso_arena *arena;
    char *words[ARGV_MAX];
    size_t count;
    bool failed;
};

static void add(struct argv *argv, const char *format, ...) ISO_PRINTF(2, 3);
static void add(struct argv *argv, const char *format, ...)
{
    char text[4400];
    va_list args;
    va_start(args, format);
    size_t len = iso_format_v(text, sizeof text, format, args);
    va_end(args);
    char *word = iso_arena_copy_str(argv->arena, iso_str_from(text, len));
    if (word == NULL || argv->count + 1 >= ARGV_MAX || len + 1 == sizeof text) {
        argv->failed = true;
        return;
    }
    argv->words[argv->count++] = word;
}

static void add_rate(struct argv *argv, const char *option, uint32_t rate)
{
    if (rate != 0) {
        add(argv, "%s", option);
        add(argv, "%u.%03u", (unsigned)(rate / 1000), (unsigned)(rate % 1000));
    }
}

/* The pictures of a directory: ffmpeg wants a pattern, in which the directory stands literally. */
static const char *pictures_of(const char *path)
{
    const char *suffix = NULL;
    DIR *dir = opendir(path);
    if (dir == NULL) {
        return NULL;
    }
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        const char *dot = strrchr(entry->d_name, '.');
        if (dot != NULL && strcmp(dot, ".jpg") == 0) {
            suffix = ".jpg";
            break;
        }
        if (dot != NULL && strcmp(dot, ".png") == 0) {
            suffix = ".png";
        }
    }
    (void)closedir(dir);
    return suffix;
}

static void add_pattern(struct argv *argv, const char *path, const char *suffix)
{
    char text[4096];
    size_t len = 0;
    for (const char *at = path; *at != '\0'; at++) {
        if (strchr("*?[]{},\\", *at) != NULL && len < sizeof text) {
            text[len++] = '\\';
        }
        if (len + 16 >= sizeof text) {
            argv->failed = true;
            return;
        }
        text[len++] = *at;
    }
    add(argv, "%.*s/*%s", (int)len, text, suffix);
}

static bool add_path(struct argv *argv, const struct iso_sv_camera *camera,
                     const struct iso_sv_camera_wish *wish, struct iso_sv_trouble *trouble)
{
    struct stat status;
    if (stat(camera->path, &status) != 0) {
        iso_sv_trouble_set(trouble, ISO_SV_FAILED_DEVICE, "camera %s: its file is not there",
                           camera->name);
        return false;
    }
    if (!S_ISDIR(status.st_mode)) {
        add(argv, "-re");
        add(argv, "-stream_loop");
        add(argv, "-1");
        add(argv, "-i");
        add(argv, "file:%s", camera->path);
        return true;
    }
    const char *suffix = pictures_of(camera->path);
    if (suffix == NULL) {
        iso_sv_trouble_set(trouble, ISO_SV_FAILED_DEVICE,
                           "camera %s: its directory has no .jpg and no .png files", camera->name);
        return false;
    }
    add(argv, "-re");
    add(argv, "-f");
    add(argv, "image2");
    add(argv, "-loop");
    add(argv, "1");
    add(argv, "-pattern_type");
    add(argv, "glob");
    add_rate(argv, "-framerate", wish->rate);
    add(argv, "-i");
    add_pattern(argv, camera->path, suffix);
    return true;
}

static bool add_input(struct argv *argv, const struct iso_sv_camera *camera,
                      const struct iso_sv_camera_wish *wish, struct iso_sv_trouble *trouble)
{
    switch (camera->kind) {
    case ISO_SV_CAMERA_V4L2:
        add(argv, "-f");
        add(argv, "v4l2");
        add_rate(argv, "-framerate", wish->rate);
        if (wish->width != 0 && wish->height != 0) {
            add(argv, "-video_size");
            add(argv, "%ux%u", (unsigned)wish->width, (unsigned)wish->height);
        }
        break;
    case ISO_SV_CAMERA_ADDRESS:
        if (strncmp(camera->path, "rtsp", 4) == 0) {
            add(argv, "-rtsp_transport");
            add(argv, "tcp");
        }
        break;
    case ISO_SV_CAMERA_TEST:
        add(argv, "-re");
        add(argv, "-f");
        add(argv, "lavfi");
        add(argv, "-i");
        add(argv, "testsrc=size=%ux%u:rate=%u", (unsigned)camera->test_width,
            (unsigned)camera->test_height, (unsigned)(camera->test_rate / 1000));
        return true;
    case ISO_SV_CAMERA_PATH:
        return add_path(argv, camera, wish, trouble);
    case ISO_SV_CAMERA_COMMAND:
        return false;
    }
    add(argv, "-i");
    add(argv, "%s", camera->path);
    return true;
}

static void add_output(struct argv *argv, const struct iso_sv_camera_wish *wish)
{
    static const char *const pixels[] = {
        [ISO_SV_RGBA8] = "rgba", [ISO_SV_RGB8] = "rgb24", [ISO_SV_GRAY8] = "gray"};
    add(argv, "-an");
    add(argv, "-sn");
    if (wish->width != 0 || wish->height != 0) {
        add(argv, "-vf");
        add(argv, "scale=%d:%d", wish->width != 0 ? (int)wish->width : -2,
            wish->height != 0 ? (int)wish->height : -2);
    }
    add_rate(argv, "-r", wish->rate);
    add(argv, "-c:v");
    if (wish->format == ISO_SV_JPEG) {
        add(argv, "mjpeg");
        add(argv, "-pix_fmt");
        add(argv, "yuvj420p");
        add(argv, "-q:v");
        add(argv, "5");
    } else {
        add(argv, "pam");
        add(argv, "-pix_fmt");
        add(argv, "%s", pixels[wish->format]);
    }
    add(argv, "-f");
    add(argv, "image2pipe");
    add(argv, "-flush_packets");
    add(argv, "1");
    add(argv, "pipe:1");
}

/* A word of the configuration with what stands for something in it. */
static void add_word(struct argv *argv, const char *word, const struct iso_sv_camera_wish *wish)
{
    char values[4][24] = {"", "", "", ""};
    static const char *const names[4] = {"{width}", "{height}", "{rate}", "{format}"};
    const uint32_t sizes[2] = {wish->width, wish->height};
    for (size_t i = 0; i < 2; i++) {
        if (sizes[i] != 0) {
            (void)iso_format(values[i], sizeof values[i], "%u", (unsigned)sizes[i]);
        }
    }
    if (wish->rate != 0) {
        (void)iso_format(values[2], sizeof values[2], "%u.%03u", (unsigned)(wish->rate / 1000),
                         (unsigned)(wish->rate % 1000));
    }
    (void)iso_format(values[3], sizeof values[3], "%s", iso_sv_pixels_name(wish->format));
    char text[4096];
    size_t len = 0;
    while (*word != '\0' && len + sizeof values[0] < sizeof text) {
        size_t i = 0;
        while (i < 4 && strncmp(word, names[i], strlen(names[i])) != 0) {
            i++;
        }
        if (i < 4) {
            memcpy(text + len, values[i], strlen(values[i]));
            len += strlen(values[i]);
            word += strlen(names[i]);
        } else {
            text[len++] = *word++;
        }
    }
    add(argv, "%.*s", (int)len, text);
    argv->failed = argv->failed || *word != '\0';
}

char *const *iso_sv_camera_argv(const struct iso_sv_devices *devices,
                                const struct iso_sv_camera *camera,
                                const struct iso_sv_camera_wish *wish, struct iso_arena *arena,
                                struct iso_sv_trouble *trouble)
{
    struct argv argv = {.arena = arena};
    if (camera->kind == ISO_SV_CAMERA_COMMAND) {
        for (size_t i = 0; i < camera->command_count; i++) {
            add_word(&argv, camera->command[i], wish);
        }
    } else {
        add(&argv, "%s", devices->ffmpeg);
        add(&argv, "-nostdin");
        add(&argv, "-hide_banner");
        add(&argv, "-loglevel");
        add(&argv, "error");
        if (!add_input(&argv, camera, wish, trouble)) {
            return NULL;
        }
        add_output(&argv, wish);
    }
    char **words = iso_arena_array(arena, argv.count + 1, sizeof *words);
    if (argv.failed || words == NULL) {
        iso_sv_trouble_set(trouble, ISO_SV_FAILED_DEVICE, "camera %s: its command is too long",
                           camera->name);
        return NULL;
    }
    memcpy(words, argv.words, argv.count * sizeof *words);
    return words;
}
