/* gather.c - as gather.h says. */
#include "orchestrator/gather.h"

#include "base/format.h"

enum { ANSWER_MS = 3000, ANSWER_MAX = 4 << 20 };

struct gather {
    struct iso_orchestrator *orchestrator;
    struct iso_or_gathered *items;
    size_t cap, count, open;
    uint32_t timeout_ms;
    void (*done)(void *ctx, const struct iso_or_gathered *items, size_t count);
    void *ctx;
};

struct question {
    struct gather *gather;
    struct iso_or_gathered *item;
};

static void end(void *ctx)
{
    struct gather *gather = ctx;
    const struct iso_alloc *alloc = gather->orchestrator->alloc;
    gather->done(gather->ctx, gather->items, gather->count);
    for (size_t i = 0; i < gather->count; i++) {
        json_decref(gather->items[i].answer);
    }
    iso_alloc_free(alloc, gather->items, gather->cap * sizeof *gather->items);
    iso_alloc_free(alloc, gather, sizeof *gather);
}

static void on_answer(void *ctx, const struct iso_or_answer *answer)
{
    struct question *question = ctx;
    struct gather *gather = question->gather;
    if (answer->outcome == ISO_OR_ANSWERED && answer->status == 200) {
        question->item->answer =
            json_loadb((const char *)answer->body.ptr, answer->body.len, 0, NULL);
    }
    iso_alloc_free(gather->orchestrator->alloc, question, sizeof *question);
    gather->open--;
    if (gather->open == 0) {
        end(gather);
    }
}

static void ask(struct gather *gather, struct iso_or_gathered *item)
{
    const struct iso_or_transport transport =
        iso_or_devices_transport(gather->orchestrator->devices);
    const struct iso_or_device *device =
        iso_or_devices_find(gather->orchestrator->devices, iso_str_from_z(item->device));
    if (device != NULL && device->state == ISO_OR_LOST) {
        return; /* the others need not wait for that */
    }
    struct question *question = iso_alloc_new(gather->orchestrator->alloc, sizeof *question);
    if (question == NULL) {
        return;
    }
    *question = (struct question){gather, item};
    const struct iso_or_request request = {.device = item->device,
                                           .method = "GET",
                                           .path = item->path,
                                           .answer_max_bytes = ANSWER_MAX,
                                           .timeout_ms = gather->timeout_ms,
                                           .done = on_answer,
                                           .ctx = question};
    if (transport.start(transport.carrier, &request) == 0) {
        iso_alloc_free(gather->orchestrator->alloc, question, sizeof *question);
        return;
    }
    gather->open++;
}

static enum iso_err begin(const struct gather *what)
{
    struct iso_orchestrator *orchestrator = what->orchestrator;
    struct gather *gather = iso_alloc_new(orchestrator->alloc, sizeof *gather);
    if (gather == NULL) {
        iso_alloc_free(orchestrator->alloc, what->items, what->cap * sizeof *what->items);
        return ISO_E_NOMEM;
    }
    *gather = *what;
    for (size_t i = 0; i < gather->count; i++) {
        ask(gather, &gather->items[i]);
    }
    if (gather->open == 0) {
        const struct iso_or_clock clock = iso_or_uv_clock(orchestrator->clock);
        if (clock.after(clock.ctx, 0, end, gather) == 0) {
            iso_alloc_free(orchestrator->alloc, what->items, what->cap * sizeof *what->items);
            iso_alloc_free(orchestrator->alloc, gather, sizeof *gather);
            return ISO_E_NOMEM;
        }
    }
    return ISO_OK;
}

enum iso_err
iso_or_gather(struct iso_orchestrator *orchestrator, struct iso_or_gathered *items, size_t cap,
              size_t count,
              void (*done)(void *ctx, const struct iso_or_gathered *items, size_t count), void *ctx)
{
    const struct gather gather = {.orchestrator = orchestrator,
                                  .items = items,
                                  .cap = cap,
                                  .count = count,
                                  .timeout_ms = ANSWER_MS,
                                  .done = done,
                                  .ctx = ctx};
    return begin(&gather);
}

/* ---- All devices of an application -------------------------------------------------------------
 */

struct sites {
    struct iso_str app;
    json_t *devices; /* ids as the members of an object: each once */
};

static bool add_site(void *ctx, struct iso_str app, struct iso_str component, const char *device)
{
    const struct sites *sites = ctx;
    (void)component;
    if (sites->app.len == 0 || iso_str_equal(app, sites->app)) {
        (void)json_object_set_new(sites->devices, device, json_null());
    }
    return true;
}

enum iso_err iso_or_gather_sites(struct iso_orchestrator *orchestrator, struct iso_str app,
                                 const char *path, uint32_t timeout_ms,
                                 void (*done)(void *ctx, const struct iso_or_gathered *items,
                                              size_t count),
                                 void *ctx)
{
    const struct sites sites = {app, json_object()};
    const char *device;
    json_t *nothing;
    iso_or_deployer_components(orchestrator->deployer, add_site, (void *)(uintptr_t)&sites);
    struct gather gather = {.orchestrator = orchestrator,
                            .cap = json_object_size(sites.devices) + 1,
                            .timeout_ms = timeout_ms,
                            .done = done,
                            .ctx = ctx};
    gather.items = sites.devices != NULL
                       ? iso_alloc_array(orchestrator->alloc, gather.cap, sizeof *gather.items)
                       : NULL;
    if (gather.items == NULL) {
        json_decref(sites.devices);
        return ISO_E_NOMEM;
    }
    json_object_foreach(sites.devices, device, nothing)
    {
        struct iso_or_gathered *item = &gather.items[gather.count++];
        (void)iso_format(item->device, sizeof item->device, "%s", device);
        (void)iso_format(item->path, sizeof item->path, "%s", path);
        (void)iso_format(item->tag, sizeof item->tag, "%.*s", (int)app.len, app.ptr);
    }
    json_decref(sites.devices);
    return begin(&gather);
}
