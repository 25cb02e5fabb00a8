/*
 * devices.h - the device interfaces (WIT package isomer:device, sdk/wit/device.wit): what the
 * supervisor makes of its configuration, hands to the core as a struct iso_sv_host_set, and what
 * others of it read: the description, pictures for viewers, levels of simulated lines, the storage
 * of a component that moves.
 *
 * Everything is for the loop thread unless a function says otherwise.
 */
#ifndef ISO_SUPERVISOR_DEVICES_H
#define ISO_SUPERVISOR_DEVICES_H

#include "supervisor/device_split.h"
#include "supervisor/host.h"

struct iso_sv_devices;

/* ---- Limits on what comes from outside ------------------------------------------------------ */

/* One frame, of a camera or to be shown: 1920 x 1080 pixels of 4 bytes fit. */
#define ISO_SV_FRAME_MAX (8u << 20)
#define ISO_SV_FRAME_SIDE_MAX 16384u
#define ISO_SV_CAMERA_RATE_MAX 240000u /* frames a second, in thousandths */
/* Streams that one component has open, and programs that run for one camera (each combination of
 * size, rate and format is one). */
#define ISO_SV_STREAMS_MAX 16u
#define ISO_SV_CAMERA_RUNS_MAX 4u
/* Names in the configuration: cameras, displays, lines, simulated sensors; and sensors found. */
#define ISO_SV_DEVICE_NAMES_MAX 256u
#define ISO_SV_SENSORS_MAX 1024u
#define ISO_SV_EVENT_NAME_MAX 64u
#define ISO_SV_EVENT_PAYLOAD_MAX (64u << 10)
#define ISO_SV_STORAGE_KEY_MAX 255u
#define ISO_SV_STORAGE_KEYS_MAX 4096u

/* ---- Configuration -------------------------------------------------------------------------- */

/*
 * source, when there is no command:
 *   "/dev/video0"                a camera of Video4Linux
 *   "rtsp://...", "http://..."   whatever ffmpeg opens by address
 *   "test:640x480@25"            simulated: a picture that counts
 *   a directory                  its .jpg (else .png) files in the order of their names, for ever
 *   another path                 a film, for ever
 * All but raw frames of "test:" are delivered by ffmpeg. A command writes JPEG files to its
 * standard output; in its arguments {width}, {height}, {rate} are replaced by what a component
 * asked for (empty when it did not) and {format} by jpeg, rgba8, rgb8 or gray8: a command that has
 * {format} writes PAM pictures for the latter three, others serve jpeg only.
 */
struct iso_sv_camera_def {
    const char *name;
    const char *source;         /* NULL: command */
    const char *const *command; /* NULL: source */
    size_t command_count;
};

enum iso_sv_sensor_kind {
    ISO_SV_SENSOR_CONSTANT, /* value */
    ISO_SV_SENSOR_SINE,     /* value + amplitude * sin(2 pi t / period), t since 1970 */
    ISO_SV_SENSOR_FILE      /* the number at the beginning of the file `path` */
};

/* A simulated sensor. */
struct iso_sv_sensor_def {
    const char *name;
    const char *unit; /* NULL: none */
    enum iso_sv_sensor_kind kind;
    double value;
    double amplitude;
    double period_s; /* above 0 */
    const char *path;
};

struct iso_sv_gpio_def {
    const char *name;
    const char *chip; /* "gpiochip0", a path, a number or a label; NULL: simulated */
    const char *line; /* its name on the chip, or its number there */
    bool output;
    bool active_low;
    bool initial; /* level (true: active) of an output at first, and of a simulated input */
};

/* Strings and arrays are borrowed (copied). Zeroes are fine: no devices, but events, log, clock,
 * config and storage. */
struct iso_sv_devices_config {
    const struct iso_alloc *alloc; /* kept, thread-safe; NULL: iso_alloc_libc() */
    const struct iso_sv_camera_def *cameras;
    size_t camera_count;
    const char *const *displays;
    size_t display_count;
    bool sensors; /* those of Linux: hwmon and IIO */
    const struct iso_sv_sensor_def *simulated_sensors;
    size_t simulated_sensor_count;
    const struct iso_sv_gpio_def *lines;
    size_t line_count;
    const char *ffmpeg; /* program; NULL: "ffmpeg" */
    const char *sysfs;  /* NULL: "/sys" */
    /* take-frame fails after it; 0: 8,000, which is less than a call has by default. */
    uint32_t frame_timeout_ms;
    uint32_t camera_backoff_ms;     /* before the first restart of a failed source; 0: 250 */
    uint32_t camera_backoff_max_ms; /* doubled up to this; 0: 30,000 */
    /* What there is to say about a device: a camera that failed, damaged storage. May be NULL. */
    void (*log)(void *ctx, enum iso_log_level level, struct iso_str line);
    void *log_ctx;
};

/* Errors: ARGUMENT (the configuration, with what would be right), LIMIT, NOMEM, IO. loop: kept. */
ISO_MUST_CHECK enum iso_err iso_sv_devices_create(uv_loop_t *loop,
                                                  const struct iso_sv_devices_config *config,
                                                  struct iso_sv_devices **out,
                                                  struct iso_report *report);
/* All components and viewers must have gone. Programs of cameras are killed. The loop must run
 * until it has nothing of this left, some turns more. NULL is fine. */
void iso_sv_devices_destroy(struct iso_sv_devices *devices);

/* For struct iso_sv_core_config; lives as long as the devices. */
const struct iso_sv_host_set *iso_sv_devices_host_set(const struct iso_sv_devices *devices);

/*
 * One JSON object for the device's description: a member per interface that is available, with its
 * names and states: {"camera": [{"name", "source", "streams", "runs": [{"format", "state",
 * "frames", "dropped", "restarts", "error", ...}]}], "display": [{"name", "frames", "viewers"}],
 * "sensor": [{"name", "unit"}], "gpio": [{"name", "direction", ...}], "events": {}, ...}.
 */
void iso_sv_devices_describe(const struct iso_sv_devices *devices, struct iso_json *json);

/* ---- Frames --------------------------------------------------------------------------------- */

/* A picture; immutable. References may be taken and given on any thread. */
struct iso_sv_frame {
    uint32_t width;
    uint32_t height;
    enum iso_sv_pixels format;
    uint64_t time_ns; /* since 1970 */
    uint64_t number;
    struct iso_bytes pixels;
    struct iso_sv_frame_state *state;
};

struct iso_sv_frame *iso_sv_frame_ref(struct iso_sv_frame *frame);
void iso_sv_frame_unref(struct iso_sv_frame *frame); /* NULL is fine */
/*
 * The frame as a file that browsers show: a JPEG as it is, raw pixels as BMP (without their
 * opacity), made once and kept with the frame. *media_type: "image/jpeg", "image/bmp"; the bytes
 * live as long as the frame. Loop thread. Errors: NOMEM.
 */
ISO_MUST_CHECK enum iso_err iso_sv_frame_picture(struct iso_sv_frame *frame,
                                                 const char **media_type, struct iso_bytes *out);

/* ---- Displays ------------------------------------------------------------------------------- */

/* The frame that a display shows; NULL when there is none (yet). Borrowed until the loop goes on.
 * name: as in the configuration, or "default". */
struct iso_sv_frame *iso_sv_display_frame(const struct iso_sv_devices *devices,
                                          struct iso_str name);

/*
 * A viewer is told (fresh) that there is a frame that it has not taken, once until it takes one;
 * what came in between it never sees, and is counted as skipped. So a slow viewer costs nobody
 * anything. A frame that is shown already counts as not taken, but is not told of.
 */
struct iso_sv_viewer;
/* Errors: NOT_FOUND (no such display), NOMEM. */
ISO_MUST_CHECK enum iso_err iso_sv_display_subscribe(struct iso_sv_devices *devices,
                                                     struct iso_str name, void (*fresh)(void *ctx),
                                                     void *ctx, struct iso_sv_viewer **out,
                                                     struct iso_report *report);
/* The newest frame, unless it was taken before: then NULL. The reference is the caller's. */
struct iso_sv_frame *iso_sv_viewer_take(struct iso_sv_viewer *viewer);
uint64_t iso_sv_viewer_skipped(const struct iso_sv_viewer *viewer);
/* Also within fresh. NULL is fine. */
void iso_sv_viewer_destroy(struct iso_sv_viewer *viewer);

/* ---- Simulated sensors and lines -------------------------------------------------------------
 */

/* The level of a line, true is active; set: of a simulated input (NULL: only checked). Errors:
 * NOT_FOUND, ARGUMENT (no simulated line; set: an output). */
ISO_MUST_CHECK enum iso_err iso_sv_gpio_simulated_get(const struct iso_sv_devices *devices,
                                                      struct iso_str name, bool *active,
                                                      struct iso_report *report);
ISO_MUST_CHECK enum iso_err iso_sv_gpio_simulated_set(struct iso_sv_devices *devices,
                                                      struct iso_str name, const bool *active,
                                                      struct iso_report *report);
/* What a simulated sensor measures from now on; its wave ends. value: NULL: only checked. Any
 * thread. Errors: NOT_FOUND, ARGUMENT (not simulated; the number in a file). */
ISO_MUST_CHECK enum iso_err iso_sv_sensor_simulated_set(struct iso_sv_devices *devices,
                                                        struct iso_str name, const double *value,
                                                        struct iso_report *report);
/*
 * All that is simulated, with its present value: {"sensor": {NAME: number}, "gpio": {NAME: true or
 * false}}; null: the number in a file. And the same document, of some or all of them, the other
 * way: all is checked before anything is set. Errors: INVALID (the document), those above.
 */
struct json_t; /* <jansson.h> */
void iso_sv_devices_simulated_write(const struct iso_sv_devices *devices, struct iso_json *json);
ISO_MUST_CHECK enum iso_err iso_sv_devices_simulated_set(struct iso_sv_devices *devices,
                                                         const struct json_t *document,
                                                         struct iso_report *report);

/* ---- Storage -------------------------------------------------------------------------------- */

/*
 * All of a component's storage, for a snapshot: appended to out, which bounds it. The format is in
 * docs/internals/devices.md. The component must be frozen. Blocks; any thread. A directory that is
 * not there is empty storage. Errors: IO, ACCESS, MALFORMED (an entry is damaged), those of out.
 */
ISO_MUST_CHECK enum iso_err iso_sv_storage_export(const char *path, struct iso_buf *out,
                                                  struct iso_report *report);
/*
 * The reverse, in place of what is there; durable when it returns. bytes are hostile: all are
 * checked before anything is written. A crash in between leaves a part of it: the snapshot is to be
 * kept until this has returned. max: the quota. Errors: MALFORMED, LIMIT, IO, ACCESS, NOMEM.
 */
ISO_MUST_CHECK enum iso_err iso_sv_storage_import(const char *path, struct iso_bytes bytes,
                                                  uint64_t max, struct iso_report *report);
/* Bytes that count against the quota; 0 when there are none or they cannot be read. Blocks. */
uint64_t iso_sv_storage_used(const char *path);

#endif
