/*
 * device_camera.c - the interface isomer:device/camera: streams of components, and the calls that
 * wait for frames.
 *
 * A stream belongs to the component that opened it, whichever of its instances did; a component
 * that has moved here finds its streams unknown and opens them again.
 */
#include "supervisor/device_camera.h"

#include "base/json_member.h"

struct take_op {
    struct iso_sv_op op;
    struct iso_sv_devices *devices;
    uint64_t component;
    uint32_t id;
    /* While it waits. */
    struct iso_sv_stream *stream;
    struct take_op *next;
    uint64_t deadline_ms;
    /* The result. */
    struct iso_sv_trouble trouble;
    struct iso_sv_frame *frame;
    uint64_t number;
};

struct iso_sv_stream {
    struct iso_sv_stream *next;
    struct iso_sv_source *source;
    uint64_t component;
    uint32_t id;
    uint32_t opened; /* times; to be closed as often */
    uint64_t first;  /* the source's count of frames when it was opened */
    uint64_t taken;  /* the source's count of frames up to the one taken last */
    struct take_op *waiting;
};

struct iso_sv_cameras {
    struct iso_sv_camera *items;
    size_t count;
    struct iso_sv_stream *streams;
    uint32_t last_id;
};

static const char *camera_name(const void *ctx, size_t i)
{
    const struct iso_sv_cameras *cameras = ctx;
    return cameras->items[i].name;
}

/* ---- Streams --------------------------------------------------------------------------------- */

static struct iso_sv_stream *stream_find(const struct iso_sv_cameras *cameras, uint64_t component,
                                         uint32_t id)
{
    struct iso_sv_stream *stream = cameras->streams;
    while (stream != NULL && (stream->id != id || stream->component != component)) {
        stream = stream->next;
    }
    return stream;
}

static void finish_take(struct take_op *take)
{
    take->stream = NULL;
    iso_sv_op_finish(&take->op);
}

static void stream_close(struct iso_sv_cameras *cameras, struct iso_sv_stream *stream)
{
    struct iso_sv_stream **at = &cameras->streams;
    while (*at != stream) {
        at = &(*at)->next;
    }
    *at = stream->next;
    while (stream->waiting != NULL) {
        struct take_op *take = stream->waiting;
        stream->waiting = take->next;
        iso_sv_trouble_set(&take->trouble, ISO_SV_UNKNOWN_NAME, "stream %u, which was closed",
                           (unsigned)stream->id);
        finish_take(take);
    }
    struct iso_sv_source *source = stream->source;
    iso_alloc_free(source->devices->alloc, stream, sizeof *stream);
    iso_sv_source_close(source);
}

/* Give the newest frame of the stream's source, if it was not taken yet. */
static bool stream_give(struct iso_sv_stream *stream, struct take_op *take)
{
    struct iso_sv_source *source = stream->source;
    if (source->newest == NULL || source->frames == stream->taken) {
        return false;
    }
    stream->taken = source->frames;
    source->newest_taken = true;
    take->frame = iso_sv_frame_ref(source->newest);
    take->number = source->frames - 1 - stream->first;
    return true;
}

void iso_sv_streams_fresh(struct iso_sv_source *source)
{
    struct iso_sv_stream *stream = source->devices->cameras->streams;
    for (; stream != NULL; stream = stream->next) {
        struct take_op *take = stream->waiting;
        if (stream->source == source && take != NULL && stream_give(stream, take)) {
            stream->waiting = take->next;
            finish_take(take);
        }
    }
}

void iso_sv_streams_tick(struct iso_sv_source *source)
{
    uint64_t now = uv_now(source->devices->loop);
    struct iso_sv_stream *stream = source->devices->cameras->streams;
    for (; stream != NULL; stream = stream->next) {
        while (stream->source == source && stream->waiting != NULL &&
               stream->waiting->deadline_ms <= now) {
            struct take_op *take = stream->waiting;
            stream->waiting = take->next;
            iso_sv_trouble_set(
                &take->trouble, ISO_SV_FAILED_DEVICE, "camera %s: no frame in %u ms%s%s",
                source->camera->name, (unsigned)source->devices->frame_timeout_ms,
                source->error[0] != '\0' ? "; its source says: " : "", source->error);
            finish_take(take);
        }
    }
}

/* ---- take-frame ------------------------------------------------------------------------------ */

static void take_start(struct iso_sv_op *op)
{
    struct take_op *take = (struct take_op *)op;
    struct iso_sv_stream *stream = stream_find(take->devices->cameras, take->component, take->id);
    if (stream == NULL) {
        iso_sv_trouble_set(&take->trouble, ISO_SV_UNKNOWN_NAME, "stream %u", (unsigned)take->id);
        finish_take(take);
        return;
    }
    if (stream->waiting == NULL && stream_give(stream, take)) {
        finish_take(take);
        return;
    }
    struct take_op **at = &stream->waiting;
    while (*at != NULL) {
        at = &(*at)->next;
    }
    *at = take;
    take->stream = stream;
    take->deadline_ms = uv_now(take->devices->loop) + take->devices->frame_timeout_ms;
}

static void take_cancel(struct iso_sv_op *op)
{
    struct take_op *take = (struct take_op *)op;
    if (take->stream == NULL) {
        return;
    }
    struct take_op **at = &take->stream->waiting;
    while (*at != take) {
        at = &(*at)->next;
    }
    *at = take->next;
    take->stream = NULL;
}

static void take_destroy(struct iso_sv_op *op)
{
    struct take_op *take = (struct take_op *)op;
    iso_sv_frame_unref(take->frame);
    iso_alloc_free(take->devices->alloc, take, sizeof *take);
}

/* The value of record frame. */
static bool frame_value(const struct take_op *take, struct iso_arena *arena, struct iso_value *out)
{
    const struct iso_sv_frame *frame = take->frame;
    struct iso_value *fields = iso_arena_array(arena, 6, sizeof *fields);
    uint8_t *pixels = iso_arena_alloc(arena, frame->pixels.len);
    if (fields == NULL || pixels == NULL) {
        return false;
    }
    memcpy(pixels, frame->pixels.ptr, frame->pixels.len);
    fields[0].u = frame->width;
    fields[1].u = frame->height;
    fields[2].u = (uint64_t)frame->format;
    fields[3].u = frame->time_ns;
    fields[4].u = take->number;
    fields[5].bytes = iso_bytes_from(pixels, frame->pixels.len);
    out->list.items = fields;
    out->list.count = 6;
    return true;
}

static enum iso_host_result host_take(void *ctx, struct iso_sv_guest *guest,
                                      struct iso_host_call *call, const struct iso_value *args,
                                      struct iso_arena *arena, struct iso_value *result)
{
    struct iso_sv_devices *devices = ctx;
    struct iso_sv_answer answer = {.call = call, .arena = arena, .result = result};
    struct take_op *take = (struct take_op *)iso_sv_guest_op(guest);
    if (take == NULL) {
        take = iso_alloc_new(devices->alloc, sizeof *take);
        if (take == NULL) {
            return iso_sv_answer_nomem(&answer);
        }
        take->op =
            (struct iso_sv_op){.start = take_start, .cancel = take_cancel, .destroy = take_destroy};
        take->devices = devices;
        take->component = iso_sv_component_id(iso_sv_guest_component(guest));
        take->id = (uint32_t)args[0].u;
        return iso_sv_guest_wait(guest, &take->op);
    }
    struct iso_value frame;
    enum iso_host_result answered;
    if (take->trouble.set) {
        answered = iso_sv_answer_trouble(&answer, &take->trouble);
    } else if (frame_value(take, arena, &frame)) {
        answered = iso_sv_answer_ok(&answer, &frame);
    } else {
        answered = iso_sv_answer_nomem(&answer);
    }
    iso_sv_guest_op_done(guest);
    return answered;
}

/* ---- open and close ---------------------------------------------------------------------------
 */

struct stream_op {
    struct iso_sv_op op;
    struct iso_sv_devices *devices;
    uint64_t component;
    struct iso_sv_camera *camera;
    struct iso_sv_camera_wish wish;
    uint32_t id;
    struct iso_sv_trouble trouble;
};

/* The stream that the component has of that camera already, with the same wish. */
static struct iso_sv_stream *stream_like(const struct stream_op *open, uint32_t *count)
{
    struct iso_sv_stream *found = NULL;
    *count = 0;
    for (struct iso_sv_stream *at = open->devices->cameras->streams; at != NULL; at = at->next) {
        if (at->component != open->component) {
            continue;
        }
        ++*count;
        if (at->source->camera == open->camera &&
            iso_sv_camera_wish_equal(&at->source->asked, &open->wish)) {
            found = at;
        }
    }
    return found;
}

/* Opening the same again gives the same stream: instances of one call each go on with it. */
static void open_stream(struct stream_op *open)
{
    struct iso_sv_cameras *cameras = open->devices->cameras;
    uint32_t count = 0;
    struct iso_sv_stream *stream = stream_like(open, &count);
    if (stream != NULL) {
        stream->opened += stream->opened < UINT32_MAX ? 1 : 0;
        open->id = stream->id;
        return;
    }
    if (count >= ISO_SV_STREAMS_MAX) {
        iso_sv_trouble_set(&open->trouble, ISO_SV_LIMIT_REACHED, "%u open camera streams",
                           (unsigned)ISO_SV_STREAMS_MAX);
        return;
    }
    stream = iso_alloc_new(open->devices->alloc, sizeof *stream);
    if (stream == NULL) {
        iso_sv_trouble_set(&open->trouble, ISO_SV_FAILED_DEVICE, "out of memory");
        return;
    }
    stream->source = iso_sv_source_open(open->devices, open->camera, &open->wish, &open->trouble);
    if (stream->source == NULL) {
        iso_alloc_free(open->devices->alloc, stream, sizeof *stream);
        return;
    }
    stream->component = open->component;
    stream->opened = 1;
    /* The frame that is there already is not a new one. */
    stream->first = stream->source->frames;
    stream->taken = stream->first;
    stream->id = ++cameras->last_id;
    stream->next = cameras->streams;
    cameras->streams = stream;
    open->id = stream->id;
}

static void open_start(struct iso_sv_op *op)
{
    open_stream((struct stream_op *)op);
    iso_sv_op_finish(op);
}

static void close_start(struct iso_sv_op *op)
{
    struct stream_op *close = (struct stream_op *)op;
    struct iso_sv_cameras *cameras = close->devices->cameras;
    struct iso_sv_stream *stream = stream_find(cameras, close->component, close->id);
    if (stream != NULL && --stream->opened == 0) {
        stream_close(cameras, stream);
    }
    iso_sv_op_finish(op);
}

static void stream_op_destroy(struct iso_sv_op *op)
{
    struct stream_op *stream_op = (struct stream_op *)op;
    iso_alloc_free(stream_op->devices->alloc, stream_op, sizeof *stream_op);
}

static struct stream_op *stream_op_new(struct iso_sv_devices *devices, struct iso_sv_guest *guest,
                                       void (*start)(struct iso_sv_op *op))
{
    struct stream_op *op = iso_alloc_new(devices->alloc, sizeof *op);
    if (op != NULL) {
        op->op = (struct iso_sv_op){.start = start, .destroy = stream_op_destroy};
        op->devices = devices;
        op->component = iso_sv_component_id(iso_sv_guest_component(guest));
    }
    return op;
}

/* An option<u32>: 0 when there is none; false when it is 0 or above max. */
static bool read_option(const struct iso_value *value, uint32_t max, uint32_t *out)
{
    if (value->choice.index == 0) {
        *out = 0;
        return true;
    }
    *out = (uint32_t)value->choice.payload->u;
    return *out >= 1 && *out <= max;
}

/* NULL when the options make sense, else why they do not. */
static const char *read_wish(const struct iso_sv_camera *camera, const struct iso_value *options,
                             struct iso_sv_camera_wish *wish)
{
    wish->format = (enum iso_sv_pixels)options[4].u;
    if (!read_option(&options[1], ISO_SV_FRAME_SIDE_MAX, &wish->width) ||
        !read_option(&options[2], ISO_SV_FRAME_SIDE_MAX, &wish->height)) {
        return "width and height are 1 to 16384 pixels";
    }
    if (!read_option(&options[3], ISO_SV_CAMERA_RATE_MAX, &wish->rate)) {
        return "the rate is 1 to 240000 thousandths of a frame a second";
    }
    uint64_t size = (uint64_t)wish->width * wish->height * iso_sv_pixel_size(wish->format);
    bool command = camera->kind == ISO_SV_CAMERA_COMMAND;
    if (size > ISO_SV_FRAME_MAX ||
        (camera->kind == ISO_SV_CAMERA_TEST && (uint64_t)wish->width * wish->height > 1280 * 720)) {
        return "frames of that size are larger than 8 MiB, or 1280 x 720 pixels when simulated";
    }
    if (command && wish->format != ISO_SV_JPEG && !camera->formats) {
        return "this camera is a command that delivers jpeg only";
    }
    return NULL;
}

static enum iso_host_result issue_open(struct iso_sv_devices *devices, struct iso_sv_guest *guest,
                                       const struct iso_sv_answer *answer,
                                       const struct iso_value *args)
{
    const struct iso_value *options = args[0].list.items;
    struct iso_sv_cameras *cameras = devices->cameras;
    struct iso_str source = options[0].string;
    size_t index = iso_sv_name_find(source, camera_name, cameras, cameras->count);
    struct iso_sv_camera *camera = index < cameras->count ? &cameras->items[index] : NULL;
    enum iso_host_result answered;
    if (!iso_sv_answer_granted(answer, guest, "camera", source,
                               camera != NULL ? camera->name : NULL, &answered)) {
        return answered;
    }
    struct iso_sv_camera_wish wish = {0};
    const char *complaint = read_wish(camera, options, &wish);
    if (complaint != NULL) {
        return iso_sv_answer_problem(answer, ISO_SV_INVALID, "%s", complaint);
    }
    struct stream_op *open = stream_op_new(devices, guest, open_start);
    if (open == NULL) {
        return iso_sv_answer_nomem(answer);
    }
    open->camera = camera;
    open->wish = wish;
    return iso_sv_guest_wait(guest, &open->op);
}

static enum iso_host_result host_open(void *ctx, struct iso_sv_guest *guest,
                                      struct iso_host_call *call, const struct iso_value *args,
                                      struct iso_arena *arena, struct iso_value *result)
{
    struct iso_sv_answer answer = {.call = call, .arena = arena, .result = result};
    struct stream_op *open = (struct stream_op *)iso_sv_guest_op(guest);
    if (open == NULL) {
        return issue_open(ctx, guest, &answer, args);
    }
    struct iso_value id = {.u = open->id};
    enum iso_host_result answered = open->trouble.set
                                        ? iso_sv_answer_trouble(&answer, &open->trouble)
                                        : iso_sv_answer_ok(&answer, &id);
    iso_sv_guest_op_done(guest);
    return answered;
}

static enum iso_host_result host_close(void *ctx, struct iso_sv_guest *guest,
                                       struct iso_host_call *call, const struct iso_value *args,
                                       struct iso_arena *arena, struct iso_value *result)
{
    struct iso_sv_answer answer = {.call = call, .arena = arena, .result = result};
    if (iso_sv_guest_op(guest) != NULL) {
        iso_sv_guest_op_done(guest);
        return ISO_HOST_DONE;
    }
    struct stream_op *close = stream_op_new(ctx, guest, close_start);
    if (close == NULL) {
        return iso_sv_answer_nomem(&answer);
    }
    close->id = (uint32_t)args[0].u;
    return iso_sv_guest_wait(guest, &close->op);
}

static enum iso_host_result host_list(void *ctx, struct iso_sv_guest *guest,
                                      struct iso_host_call *call, const struct iso_value *args,
                                      struct iso_arena *arena, struct iso_value *result)
{
    (void)args;
    const struct iso_sv_devices *devices = ctx;
    struct iso_sv_answer answer = {.call = call, .arena = arena, .result = result};
    return iso_sv_answer_names(&answer, guest, "camera", camera_name, devices->cameras,
                               devices->cameras->count);
}

/* ---- The interface ----------------------------------------------------------------------------
 */

static void component_gone(void *ctx, struct iso_sv_component *component)
{
    struct iso_sv_devices *devices = ctx;
    struct iso_sv_cameras *cameras = devices->cameras;
    uint64_t id = iso_sv_component_id(component);
    struct iso_sv_stream *stream = cameras->streams;
    while (stream != NULL) {
        struct iso_sv_stream *next = stream->next;
        if (stream->component == id) {
            stream_close(cameras, stream);
        }
        stream = next;
    }
}

static bool available(void *ctx)
{
    const struct iso_sv_devices *devices = ctx;
    return devices->cameras->count > 0;
}

static const struct iso_sv_host_func funcs[] = {
    {.name = "list-sources", .fn = host_list, .policy = ISO_HOST_REISSUE},
    {.name = "open", .fn = host_open, .policy = ISO_HOST_REISSUE},
    {.name = "take-frame", .fn = host_take, .policy = ISO_HOST_REISSUE},
    {.name = "close", .fn = host_close, .policy = ISO_HOST_REISSUE}};

const struct iso_sv_host_interface iso_sv_camera_interface = {.name = "camera",
                                                              .funcs = funcs,
                                                              .func_count = ISO_COUNT_OF(funcs),
                                                              .component_gone = component_gone,
                                                              .available = available};

enum iso_err iso_sv_cameras_init(struct iso_sv_devices *devices,
                                 const struct iso_sv_devices_config *config,
                                 struct iso_report *report)
{
    struct iso_sv_cameras *cameras = iso_arena_alloc(&devices->arena, sizeof *cameras);
    struct iso_sv_camera *items =
        iso_arena_array(&devices->arena, config->camera_count, sizeof *items);
    if (cameras == NULL || items == NULL) {
        return ISO_E_NOMEM;
    }
    cameras->items = items;
    cameras->count = config->camera_count;
    devices->cameras = cameras;
    for (size_t i = 0; i < cameras->count; i++) {
        items[i].name = iso_sv_devices_text(devices, config->cameras[i].name);
        enum iso_err err = items[i].name != NULL
                               ? iso_sv_camera_read(devices, &config->cameras[i], &items[i], report)
                               : ISO_E_NOMEM;
        if (err != ISO_OK) {
            return err;
        }
    }
    return ISO_OK;
}

void iso_sv_cameras_fini(struct iso_sv_devices *devices)
{
    while (devices->cameras != NULL && devices->cameras->streams != NULL) {
        stream_close(devices->cameras, devices->cameras->streams);
    }
}

static void describe_source(const struct iso_sv_source *source, struct iso_json *json)
{
    static const char *const states[] = {[ISO_SV_SOURCE_STARTING] = "starting",
                                         [ISO_SV_SOURCE_RUNNING] = "running",
                                         [ISO_SV_SOURCE_WAITING] = "waiting"};
    const struct iso_sv_split *split = source->run != NULL ? iso_sv_run_split(source->run) : NULL;
    iso_json_object_begin(json);
    iso_json_put_z(json, "format", iso_sv_pixels_name(source->wish.format));
    iso_json_put_z(json, "state", states[source->state]);
    iso_json_put_u64(json, "streams", source->streams);
    iso_json_put_u64(json, "frames", source->frames);
    iso_json_put_u64(json, "dropped", source->dropped);
    iso_json_put_u64(json, "bad", source->bad + (split != NULL ? split->bad : 0));
    iso_json_put_u64(json, "skipped-bytes",
                     source->skipped_bytes + (split != NULL ? split->skipped_bytes : 0));
    iso_json_put_u64(json, "restarts", source->restarts);
    if (source->error[0] != '\0') {
        iso_json_put_z(json, "error", source->error);
    }
    iso_json_object_end(json);
}

void iso_sv_cameras_describe(const struct iso_sv_devices *devices, struct iso_json *json)
{
    /* Not the source itself: addresses may have secrets in them. */
    static const char *const kinds[] = {[ISO_SV_CAMERA_V4L2] = "v4l2",
                                        [ISO_SV_CAMERA_ADDRESS] = "address",
                                        [ISO_SV_CAMERA_PATH] = "file",
                                        [ISO_SV_CAMERA_TEST] = "test",
                                        [ISO_SV_CAMERA_COMMAND] = "command"};
    iso_json_array_begin(json);
    for (size_t i = 0; i < devices->cameras->count; i++) {
        const struct iso_sv_camera *camera = &devices->cameras->items[i];
        iso_json_object_begin(json);
        iso_json_put_z(json, "name", camera->name);
        iso_json_put_z(json, "source", kinds[camera->kind]);
        iso_json_put_array_begin(json, "runs");
        for (const struct iso_sv_source *at = camera->sources; at != NULL; at = at->next) {
            describe_source(at, json);
        }
        iso_json_array_end(json);
        iso_json_object_end(json);
    }
    iso_json_array_end(json);
}
