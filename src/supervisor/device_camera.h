/*
 * device_camera.h - cameras, the sources that run for them, and the streams of components.
 *
 * A camera is an entry of the configuration. A *source* is one program (or simulation) that
 * delivers its frames in one format, size and rate; it runs while streams read it. A *stream*
 * belongs to a component. All on the loop thread, but for what the configuration made.
 */
#ifndef ISO_SUPERVISOR_DEVICE_CAMERA_H
#define ISO_SUPERVISOR_DEVICE_CAMERA_H

#include "supervisor/device_internal.h"

enum iso_sv_camera_kind {
    ISO_SV_CAMERA_V4L2,
    ISO_SV_CAMERA_ADDRESS,
    ISO_SV_CAMERA_PATH, /* a file or a directory: looked at when it is opened */
    ISO_SV_CAMERA_TEST,
    ISO_SV_CAMERA_COMMAND
};

struct iso_sv_source;

struct iso_sv_camera {
    const char *name;
    enum iso_sv_camera_kind kind;
    const char *path;           /* or address */
    const char *const *command; /* count of them */
    size_t command_count;
    bool formats; /* the command has {format} */
    uint32_t test_width;
    uint32_t test_height;
    uint32_t test_rate; /* thousandths */
    struct iso_sv_source *sources;
};

/* What a component asked for; zero: as the camera has it. */
struct iso_sv_camera_wish {
    uint32_t width;
    uint32_t height;
    uint32_t rate; /* thousandths */
    enum iso_sv_pixels format;
};

bool iso_sv_camera_wish_equal(const struct iso_sv_camera_wish *a,
                              const struct iso_sv_camera_wish *b);

enum iso_sv_source_state { ISO_SV_SOURCE_STARTING, ISO_SV_SOURCE_RUNNING, ISO_SV_SOURCE_WAITING };

struct iso_sv_run;

struct iso_sv_source {
    struct iso_sv_devices *devices;
    struct iso_sv_camera *camera;
    const struct iso_alloc *alloc;
    struct iso_sv_camera_wish asked; /* by those who opened it */
    struct iso_sv_camera_wish wish;  /* the same, what a simulation fills in included */
    struct iso_sv_source *next;
    enum iso_sv_source_state state;
    uint32_t streams;
    struct iso_sv_run *run; /* the program; NULL: none at the moment */
    uv_timer_t again;       /* the next start, or the next simulated frame */
    uv_timer_t tick;        /* deadlines of waiting calls; a source that says nothing */
    unsigned handles;
    uint32_t backoff_ms;
    uint64_t run_since_ms; /* uv_now */
    uint64_t frame_at_ms;  /* of the newest frame, or of the start */
    struct iso_sv_frame *newest;
    bool newest_taken;
    /* Counts since the source was opened. */
    uint64_t frames;
    uint64_t dropped; /* frames that no stream took */
    uint64_t bad;
    uint64_t skipped_bytes;
    uint64_t restarts;
    char error[160]; /* what went wrong last; empty: nothing */
};

/* The running source of that camera for the wish, with one stream more; started when there is none.
 * NULL: trouble has why. */
struct iso_sv_source *iso_sv_source_open(struct iso_sv_devices *devices,
                                         struct iso_sv_camera *camera,
                                         const struct iso_sv_camera_wish *wish,
                                         struct iso_sv_trouble *trouble);
/* One stream less; stopped with the last one. */
void iso_sv_source_close(struct iso_sv_source *source);
/* Of a source that runs: how its run went on (device_run.c tells). error: what the program said
 * last; clean: its status was 0. */
void iso_sv_source_frame(struct iso_sv_source *source, struct iso_sv_frame *frame);
void iso_sv_source_ended(struct iso_sv_source *source, const struct iso_sv_split *split, bool clean,
                         const char *error);

/* device_camera.c: for the calls that wait. */
void iso_sv_streams_fresh(struct iso_sv_source *source);
void iso_sv_streams_tick(struct iso_sv_source *source);

/* The program of a source (device_run.c). argv: ends with NULL. NULL: trouble has why. */
struct iso_sv_run *iso_sv_run_start(struct iso_sv_source *source, char *const *argv,
                                    struct iso_sv_trouble *trouble);
/* The source hears no more of it; it is asked to end, and then made to. */
void iso_sv_run_stop(struct iso_sv_run *run);
const struct iso_sv_split *iso_sv_run_split(const struct iso_sv_run *run);

/* The command line of a source (device_command.c), in the arena; NULL: trouble has why. */
char *const *iso_sv_camera_argv(const struct iso_sv_devices *devices,
                                const struct iso_sv_camera *camera,
                                const struct iso_sv_camera_wish *wish, struct iso_arena *arena,
                                struct iso_sv_trouble *trouble);
/* Read source or command of a definition. Errors: ARGUMENT, NOMEM. */
ISO_MUST_CHECK enum iso_err iso_sv_camera_read(struct iso_sv_devices *devices,
                                               const struct iso_sv_camera_def *def,
                                               struct iso_sv_camera *camera,
                                               struct iso_report *report);

/* A simulated frame (device_picture.c) of a raw format: grey ramps that wander, the number in large
 * digits, and, in the first 64 pixels of the first line, its bits (white is 1, the highest first).
 * pixels: width * height * size of a pixel. */
void iso_sv_picture_draw(uint8_t *pixels, const struct iso_sv_camera_wish *wish, uint64_t number);

#endif
