/*
 * device_source.c - a source of frames: started with its first stream, stopped with its last, and
 * started again when its program fails, after a time that doubles up to a maximum.
 *
 * Only the newest frame is kept. Whoever wants one that is not there yet is called by
 * iso_sv_streams_fresh.
 */
#include "supervisor/device_camera.h"

enum {
    GOOD_RUN_MS = 10000, /* a run of that length makes the waiting time short again */
    ONE_SHOT_MS = 1000   /* between the runs of a command that delivers a frame and ends */
};

static void start(struct iso_sv_source *source, struct iso_sv_trouble *trouble);

static uint64_t now_ms(const struct iso_sv_source *source)
{
    return uv_now(source->devices->loop);
}

/* ---- Simulated frames ------------------------------------------------------------------------ */

static void draw(struct iso_sv_source *source)
{
    const struct iso_sv_camera_wish *wish = &source->wish;
    const struct iso_alloc *alloc = source->devices->alloc;
    struct iso_sv_frame like = {.width = wish->width,
                                .height = wish->height,
                                .format = wish->format,
                                .time_ns = iso_sv_realtime_ns(),
                                .pixels.len = (size_t)wish->width * wish->height *
                                              iso_sv_pixel_size(wish->format)};
    uint8_t *pixels = iso_alloc_resize(alloc, NULL, 0, like.pixels.len);
    if (pixels == NULL) {
        return;
    }
    iso_sv_picture_draw(pixels, wish, source->frames);
    struct iso_sv_frame *frame = iso_sv_frame_take(alloc, &like, pixels);
    if (frame == NULL) {
        iso_alloc_free(alloc, pixels, like.pixels.len);
        return;
    }
    iso_sv_source_frame(source, frame);
}

static void on_draw(uv_timer_t *timer)
{
    draw(timer->data);
}

static bool is_simulated(const struct iso_sv_source *source)
{
    return source->camera->kind == ISO_SV_CAMERA_TEST && source->wish.format != ISO_SV_JPEG;
}

static void start_drawing(struct iso_sv_source *source)
{
    struct iso_sv_camera_wish *wish = &source->wish;
    const struct iso_sv_camera *camera = source->camera;
    uint32_t rate = wish->rate != 0 ? wish->rate : camera->test_rate;
    uint64_t every_ms = 1000000u / (rate < 100000 ? rate : 100000);
    wish->width = wish->width != 0 ? wish->width : camera->test_width;
    wish->height = wish->height != 0 ? wish->height : camera->test_height;
    (void)uv_timer_start(&source->again, on_draw, 0, every_ms);
}

/* ---- Starting and ending of programs ----------------------------------------------------------
 */

static void wait_to_start(struct iso_sv_source *source, uint64_t wait_ms);

static void on_again(uv_timer_t *timer)
{
    struct iso_sv_source *source = timer->data;
    struct iso_sv_trouble trouble = {.set = false};
    source->restarts++;
    start(source, &trouble);
    if (trouble.set) {
        (void)iso_format(source->error, sizeof source->error, "%s", trouble.text);
        wait_to_start(source, source->backoff_ms);
    }
}

static void wait_to_start(struct iso_sv_source *source, uint64_t wait_ms)
{
    const struct iso_sv_devices *devices = source->devices;
    source->state = ISO_SV_SOURCE_WAITING;
    source->backoff_ms = source->backoff_ms < devices->backoff_max_ms / 2 ? source->backoff_ms * 2
                                                                          : devices->backoff_max_ms;
    (void)uv_timer_start(&source->again, on_again, wait_ms, 0);
}

static void start(struct iso_sv_source *source, struct iso_sv_trouble *trouble)
{
    source->run_since_ms = now_ms(source);
    source->frame_at_ms = source->run_since_ms;
    source->state = ISO_SV_SOURCE_STARTING;
    if (is_simulated(source)) {
        start_drawing(source);
        return;
    }
    struct iso_arena arena;
    iso_arena_init(&arena, source->devices->alloc, 0, SIZE_MAX);
    char *const *argv =
        iso_sv_camera_argv(source->devices, source->camera, &source->wish, &arena, trouble);
    if (argv != NULL) {
        source->run = iso_sv_run_start(source, argv, trouble);
    }
    iso_arena_fini(&arena);
}

static void add_counts(struct iso_sv_source *source, const struct iso_sv_split *split)
{
    source->bad += split->bad;
    source->skipped_bytes += split->skipped_bytes;
}

void iso_sv_source_ended(struct iso_sv_source *source, const struct iso_sv_split *split, bool clean,
                         const char *error)
{
    add_counts(source, split);
    source->run = NULL;
    if (clean && split->frames > 0) {
        /* Commands that take a single picture are fine: they are asked at the rate wanted. */
        source->backoff_ms = source->devices->backoff_ms;
        wait_to_start(source, source->wish.rate != 0 ? 1000000u / source->wish.rate : ONE_SHOT_MS);
        source->backoff_ms = source->devices->backoff_ms;
        return;
    }
    if (split->frames > 0 && now_ms(source) - source->run_since_ms >= GOOD_RUN_MS) {
        source->backoff_ms = source->devices->backoff_ms;
    }
    (void)iso_format(source->error, sizeof source->error, "%s", error);
    iso_sv_devices_log(source->devices, ISO_LOG_WARNING,
                       "camera=%s its source ended, restart in %u ms: %s", source->camera->name,
                       (unsigned)source->backoff_ms, error);
    wait_to_start(source, source->backoff_ms);
}

/* ---- Frames ---------------------------------------------------------------------------------- */

void iso_sv_source_frame(struct iso_sv_source *source, struct iso_sv_frame *frame)
{
    if (source->newest != NULL && !source->newest_taken) {
        source->dropped++;
    }
    iso_sv_frame_unref(source->newest);
    source->newest = frame;
    source->newest_taken = false;
    source->frames++;
    source->frame_at_ms = now_ms(source);
    source->state = ISO_SV_SOURCE_RUNNING;
    iso_sv_streams_fresh(source);
}

/* A program that runs and delivers nothing is of no use; cameras of a frame a minute are patient.
 */
static void on_tick(uv_timer_t *timer)
{
    struct iso_sv_source *source = timer->data;
    uint64_t patience = 3ull * source->devices->frame_timeout_ms;
    if (source->wish.rate != 0 && patience < 3000000u / source->wish.rate) {
        patience = 3000000u / source->wish.rate;
    }
    if (source->run != NULL && now_ms(source) - source->frame_at_ms > patience) {
        struct iso_sv_split counts = *iso_sv_run_split(source->run);
        iso_sv_run_stop(source->run);
        counts.frames = 0;
        iso_sv_source_ended(source, &counts, false, "it delivered no frames and was stopped");
    }
    iso_sv_streams_tick(source);
}

/* ---- Opening and closing --------------------------------------------------------------------- */

bool iso_sv_camera_wish_equal(const struct iso_sv_camera_wish *a,
                              const struct iso_sv_camera_wish *b)
{
    return a->width == b->width && a->height == b->height && a->rate == b->rate &&
           a->format == b->format;
}

/* Whether a second program may run for the camera beside another. */
static bool may_start(const struct iso_sv_camera *camera, struct iso_sv_trouble *trouble)
{
    uint32_t running = 0;
    for (const struct iso_sv_source *at = camera->sources; at != NULL; at = at->next) {
        running++;
    }
    bool exclusive = camera->kind == ISO_SV_CAMERA_V4L2 || camera->kind == ISO_SV_CAMERA_COMMAND;
    if (running > 0 && exclusive) {
        iso_sv_trouble_set(trouble, ISO_SV_IN_USE, "%s", "");
        return false;
    }
    if (running >= ISO_SV_CAMERA_RUNS_MAX) {
        iso_sv_trouble_set(trouble, ISO_SV_LIMIT_REACHED,
                           "camera %s runs in %u different sizes, rates and formats", camera->name,
                           (unsigned)running);
        return false;
    }
    return true;
}

static struct iso_sv_source *source_new(struct iso_sv_devices *devices,
                                        struct iso_sv_camera *camera,
                                        const struct iso_sv_camera_wish *wish)
{
    struct iso_sv_source *source = iso_alloc_new(devices->alloc, sizeof *source);
    if (source == NULL) {
        return NULL;
    }
    source->devices = devices;
    source->alloc = devices->alloc;
    source->asked = *wish;
    source->camera = camera;
    source->wish = *wish;
    source->backoff_ms = devices->backoff_ms;
    int failed = uv_timer_init(devices->loop, &source->again);
    failed += uv_timer_init(devices->loop, &source->tick);
    ISO_ASSERT(failed == 0); /* they only fill in structs */
    source->again.data = source;
    source->tick.data = source;
    source->handles = 2;
    return source;
}

static void on_closed(uv_handle_t *handle)
{
    struct iso_sv_source *source = handle->data;
    if (--source->handles == 0) {
        iso_alloc_free(source->alloc, source, sizeof *source); /* the devices may be gone */
    }
}

static void source_free(struct iso_sv_source *source)
{
    if (source->run != NULL) {
        iso_sv_run_stop(source->run);
    }
    iso_sv_frame_unref(source->newest);
    uv_close((uv_handle_t *)&source->again, on_closed);
    uv_close((uv_handle_t *)&source->tick, on_closed);
}

struct iso_sv_source *iso_sv_source_open(struct iso_sv_devices *devices,
                                         struct iso_sv_camera *camera,
                                         const struct iso_sv_camera_wish *wish,
                                         struct iso_sv_trouble *trouble)
{
    for (struct iso_sv_source *at = camera->sources; at != NULL; at = at->next) {
        if (iso_sv_camera_wish_equal(&at->asked, wish)) {
            at->streams++;
            return at;
        }
    }
    if (!may_start(camera, trouble)) {
        return NULL;
    }
    struct iso_sv_source *source = source_new(devices, camera, wish);
    if (source == NULL) {
        iso_sv_trouble_set(trouble, ISO_SV_FAILED_DEVICE, "out of memory");
        return NULL;
    }
    start(source, trouble);
    if (trouble->set) {
        source_free(source);
        return NULL;
    }
    uint64_t tick_ms = devices->frame_timeout_ms / 20;
    tick_ms = tick_ms < 10 ? 10 : tick_ms > 500 ? 500 : tick_ms;
    (void)uv_timer_start(&source->tick, on_tick, tick_ms, tick_ms);
    source->streams = 1;
    source->next = camera->sources;
    camera->sources = source;
    return source;
}

void iso_sv_source_close(struct iso_sv_source *source)
{
    if (--source->streams > 0) {
        return;
    }
    struct iso_sv_source **at = &source->camera->sources;
    while (*at != source) {
        at = &(*at)->next;
    }
    *at = source->next;
    source_free(source);
}
