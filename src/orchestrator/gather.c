/* gather.c - as gather.h says. */
#include "orchestrator/gather.h"

enum { ANSWER_MS = 3000, ANSWER_MAX = 4 << 20 };

struct gather {
    struct iso_orchestrator *orchestrator;
    struct iso_or_gathered *items;
    size_t cap, count, open;
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
                                           .timeout_ms = ANSWER_MS,
                                           .done = on_answer,
                                           .ctx = question};
    if (transport.start(transport.carrier, &request) == 0) {
        iso_alloc_free(gather->orchestrator->alloc, question, sizeof *question);
        return;
    }
    gather->open++;
}

enum iso_err
iso_or_gather(struct iso_orchestrator *orchestrator, struct iso_or_gathered *items, size_t cap,
              size_t count,
              void (*done)(void *ctx, const struct iso_or_gathered *items, size_t count), void *ctx)
{
    struct gather *gather = iso_alloc_new(orchestrator->alloc, sizeof *gather);
    if (gather == NULL) {
        iso_alloc_free(orchestrator->alloc, items, cap * sizeof *items);
        return ISO_E_NOMEM;
    }
    *gather = (struct gather){.orchestrator = orchestrator,
                              .items = items,
                              .cap = cap,
                              .count = count,
                              .done = done,
                              .ctx = ctx};
    for (size_t i = 0; i < count; i++) {
        ask(gather, &items[i]);
    }
    if (gather->open == 0) {
        const struct iso_or_clock clock = iso_or_uv_clock(orchestrator->clock);
        if (clock.after(clock.ctx, 0, end, gather) == 0) {
            iso_alloc_free(orchestrator->alloc, items, cap * sizeof *items);
            iso_alloc_free(orchestrator->alloc, gather, sizeof *gather);
            return ISO_E_NOMEM;
        }
    }
    return ISO_OK;
}
