/*
 * device_display.c - the interface isomer:device/display: each display keeps the newest frame, and
 * tells its viewers that there is one. A viewer takes when it is ready; nothing queues for it.
 */
#include "supervisor/device_internal.h"

#include "base/json_member.h"

struct iso_sv_viewer {
    struct iso_sv_viewer *next;
    struct iso_sv_display *display;
    const struct iso_alloc *alloc;
    void (*fresh)(void *ctx);
    void *ctx;
    uint64_t taken; /* the display's count up to the frame taken last */
    uint64_t skipped;
    bool told; /* since the frame taken last */
};

struct iso_sv_display {
    const char *name;
    struct iso_sv_frame *frame;
    uint64_t frames;
    struct iso_sv_viewer *viewers;
    struct iso_sv_viewer *telling; /* the next one to be told, while all are */
};

struct iso_sv_displays {
    struct iso_sv_display *items;
    size_t count;
};

static const char *display_name(const void *ctx, size_t i)
{
    const struct iso_sv_displays *displays = ctx;
    return displays->items[i].name;
}

static struct iso_sv_display *display_find(const struct iso_sv_devices *devices,
                                           struct iso_str name)
{
    const struct iso_sv_displays *displays = devices->displays;
    size_t i = iso_sv_name_find(name, display_name, displays, displays->count);
    return i < displays->count ? &displays->items[i] : NULL;
}

/* frame: taken. */
static void display_set(struct iso_sv_display *display, struct iso_sv_frame *frame)
{
    iso_sv_frame_unref(display->frame);
    display->frame = frame;
    display->frames++;
    display->telling = display->viewers;
    while (display->telling != NULL) {
        struct iso_sv_viewer *viewer = display->telling;
        display->telling = viewer->next; /* destroying viewers moves it on */
        if (!viewer->told) {
            viewer->told = true;
            viewer->fresh(viewer->ctx);
        }
    }
}

/* ---- For the supervisor -----------------------------------------------------------------------
 */

struct iso_sv_frame *iso_sv_display_frame(const struct iso_sv_devices *devices, struct iso_str name)
{
    const struct iso_sv_display *display = display_find(devices, name);
    return display != NULL ? display->frame : NULL;
}

enum iso_err iso_sv_display_subscribe(struct iso_sv_devices *devices, struct iso_str name,
                                      void (*fresh)(void *ctx), void *ctx,
                                      struct iso_sv_viewer **out, struct iso_report *report)
{
    struct iso_sv_display *display = display_find(devices, name);
    if (display == NULL) {
        return iso_fail(report, ISO_E_NOT_FOUND, "there is no display '%.*s'",
                        name.len < 64 ? (int)name.len : 64, name.ptr);
    }
    struct iso_sv_viewer *viewer = iso_alloc_new(devices->alloc, sizeof *viewer);
    if (viewer == NULL) {
        return ISO_E_NOMEM;
    }
    *viewer = (struct iso_sv_viewer){.next = display->viewers,
                                     .display = display,
                                     .alloc = devices->alloc,
                                     .fresh = fresh,
                                     .ctx = ctx,
                                     .taken = display->frames > 0 ? display->frames - 1 : 0};
    display->viewers = viewer;
    *out = viewer;
    return ISO_OK;
}

struct iso_sv_frame *iso_sv_viewer_take(struct iso_sv_viewer *viewer)
{
    const struct iso_sv_display *display = viewer->display;
    if (viewer->taken == display->frames) {
        return NULL;
    }
    viewer->skipped += display->frames - viewer->taken - 1;
    viewer->taken = display->frames;
    viewer->told = false;
    return iso_sv_frame_ref(display->frame);
}

uint64_t iso_sv_viewer_skipped(const struct iso_sv_viewer *viewer)
{
    return viewer->skipped;
}

void iso_sv_viewer_destroy(struct iso_sv_viewer *viewer)
{
    if (viewer == NULL) {
        return;
    }
    struct iso_sv_display *display = viewer->display;
    struct iso_sv_viewer **at = &display->viewers;
    while (*at != viewer) {
        at = &(*at)->next;
    }
    *at = viewer->next;
    if (display->telling == viewer) {
        display->telling = viewer->next;
    }
    iso_alloc_free(viewer->alloc, viewer, sizeof *viewer);
}

/* ---- show -------------------------------------------------------------------------------------
 */

struct show_op {
    struct iso_sv_op op;
    const struct iso_alloc *alloc;
    struct iso_sv_display *display;
    struct iso_sv_frame *frame;
};

static void show_start(struct iso_sv_op *op)
{
    struct show_op *show = (struct show_op *)op;
    display_set(show->display, iso_sv_frame_ref(show->frame));
    iso_sv_op_finish(op);
}

static void show_destroy(struct iso_sv_op *op)
{
    struct show_op *show = (struct show_op *)op;
    iso_sv_frame_unref(show->frame);
    iso_alloc_free(show->alloc, show, sizeof *show);
}

/* record frame, its pixels borrowed. False: report has what is wrong with it. */
static bool read_frame(const struct iso_value *value, struct iso_sv_frame *frame,
                       struct iso_report *report)
{
    const struct iso_value *fields = value->list.items;
    frame->width = (uint32_t)fields[0].u;
    frame->height = (uint32_t)fields[1].u;
    frame->format = (enum iso_sv_pixels)fields[2].u;
    frame->time_ns = fields[3].u;
    frame->number = fields[4].u;
    frame->pixels = fields[5].bytes;
    if (frame->pixels.len > ISO_SV_FRAME_MAX) {
        iso_report_set(report, "a frame has at most %u bytes, not %zu", ISO_SV_FRAME_MAX,
                       frame->pixels.len);
        return false;
    }
    if (frame->format == ISO_SV_JPEG) {
        /* What the file says about its size counts; what follows its end is cut off. */
        return iso_jpeg_check(frame->pixels, &frame->pixels.len, &frame->width, &frame->height,
                              report) == ISO_OK;
    }
    if (frame->width == 0 || frame->height == 0 || frame->width > ISO_SV_FRAME_SIDE_MAX ||
        frame->height > ISO_SV_FRAME_SIDE_MAX) {
        iso_report_set(report, "width and height are 1 to %u pixels", ISO_SV_FRAME_SIDE_MAX);
        return false;
    }
    uint64_t size = (uint64_t)frame->width * frame->height * iso_sv_pixel_size(frame->format);
    if (size != frame->pixels.len) {
        iso_report_set(report, "%u x %u pixels of %s are %llu bytes, not %zu",
                       (unsigned)frame->width, (unsigned)frame->height,
                       iso_sv_pixels_name(frame->format), (unsigned long long)size,
                       frame->pixels.len);
        return false;
    }
    return true;
}

static enum iso_host_result issue_show(struct iso_sv_devices *devices, struct iso_sv_guest *guest,
                                       const struct iso_sv_answer *answer,
                                       const struct iso_value *args)
{
    struct iso_str name = args[0].string;
    struct iso_sv_display *display = display_find(devices, name);
    enum iso_host_result answered;
    if (!iso_sv_answer_granted(answer, guest, "display", name,
                               display != NULL ? display->name : NULL, &answered)) {
        return answered;
    }
    struct iso_sv_frame like = {0};
    struct iso_report report;
    iso_report_init(&report);
    if (!read_frame(&args[1], &like, &report)) {
        return iso_sv_answer_problem(answer, ISO_SV_INVALID, "%s", report.text);
    }
    struct show_op *show = iso_alloc_new(devices->alloc, sizeof *show);
    struct iso_sv_frame *frame = iso_sv_frame_copy(devices->alloc, &like);
    if (show == NULL || frame == NULL) {
        iso_alloc_free(devices->alloc, show, sizeof *show);
        iso_sv_frame_unref(frame);
        return iso_sv_answer_nomem(answer);
    }
    *show = (struct show_op){.op = {.start = show_start, .destroy = show_destroy},
                             .alloc = devices->alloc,
                             .display = display,
                             .frame = frame};
    return iso_sv_guest_wait(guest, &show->op);
}

static enum iso_host_result host_show(void *ctx, struct iso_sv_guest *guest,
                                      struct iso_host_call *call, const struct iso_value *args,
                                      struct iso_arena *arena, struct iso_value *result)
{
    struct iso_sv_answer answer = {.call = call, .arena = arena, .result = result};
    if (iso_sv_guest_op(guest) == NULL) {
        return issue_show(ctx, guest, &answer, args);
    }
    iso_sv_guest_op_done(guest);
    return iso_sv_answer_ok(&answer, NULL);
}

static enum iso_host_result host_list(void *ctx, struct iso_sv_guest *guest,
                                      struct iso_host_call *call, const struct iso_value *args,
                                      struct iso_arena *arena, struct iso_value *result)
{
    (void)args;
    const struct iso_sv_devices *devices = ctx;
    struct iso_sv_answer answer = {.call = call, .arena = arena, .result = result};
    return iso_sv_answer_names(&answer, guest, "display", display_name, devices->displays,
                               devices->displays->count);
}

static bool available(void *ctx)
{
    const struct iso_sv_devices *devices = ctx;
    return devices->displays->count > 0;
}

static const struct iso_sv_host_func funcs[] = {{.name = "list-displays", .fn = host_list},
                                                {.name = "show", .fn = host_show}};

const struct iso_sv_host_interface iso_sv_display_interface = {
    .name = "display", .funcs = funcs, .func_count = ISO_COUNT_OF(funcs), .available = available};

enum iso_err iso_sv_displays_init(struct iso_sv_devices *devices,
                                  const struct iso_sv_devices_config *config,
                                  struct iso_report *report)
{
    (void)report;
    struct iso_sv_displays *displays = iso_arena_alloc(&devices->arena, sizeof *displays);
    struct iso_sv_display *items =
        iso_arena_array(&devices->arena, config->display_count, sizeof *items);
    if (displays == NULL || items == NULL) {
        return ISO_E_NOMEM;
    }
    displays->items = items;
    displays->count = config->display_count;
    devices->displays = displays;
    for (size_t i = 0; i < displays->count; i++) {
        items[i].name = iso_sv_devices_text(devices, config->displays[i]);
        if (items[i].name == NULL) {
            return ISO_E_NOMEM;
        }
    }
    return ISO_OK;
}

void iso_sv_displays_fini(struct iso_sv_devices *devices)
{
    for (size_t i = 0; devices->displays != NULL && i < devices->displays->count; i++) {
        ISO_ASSERT(devices->displays->items[i].viewers == NULL);
        iso_sv_frame_unref(devices->displays->items[i].frame);
    }
}

void iso_sv_displays_describe(const struct iso_sv_devices *devices, struct iso_json *json)
{
    iso_json_array_begin(json);
    for (size_t i = 0; i < devices->displays->count; i++) {
        const struct iso_sv_display *display = &devices->displays->items[i];
        uint64_t viewers = 0;
        for (const struct iso_sv_viewer *at = display->viewers; at != NULL; at = at->next) {
            viewers++;
        }
        iso_json_object_begin(json);
        iso_json_put_z(json, "name", display->name);
        iso_json_put_u64(json, "frames", display->frames);
        iso_json_put_u64(json, "viewers", viewers);
        iso_json_object_end(json);
    }
    iso_json_array_end(json);
}
