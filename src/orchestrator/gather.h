/* gather.h - asks several devices at once and waits for all of them but those that are lost. */
#ifndef ISO_ORCHESTRATOR_GATHER_H
#define ISO_ORCHESTRATOR_GATHER_H

#include "orchestrator/service.h"

enum { ISO_OR_GATHER_MAX = 4096 };

/* A question and its answer. */
struct iso_or_gathered {
    char device[ISO_OR_ID_SIZE];
    char path[160];
    char tag[128];  /* the asker's own */
    json_t *answer; /* of status 200; NULL: there was none. Borrowed for the callback */
};

/* Takes items (an array of `cap` of the orchestrator's allocator, the first `count` in use). A
 * device that is lost is not asked: it has no answer. done: once, never before the call has
 * returned, and 3 s later at most; the items are released after it. NOMEM: not at all. */
ISO_MUST_CHECK enum iso_err iso_or_gather(
    struct iso_orchestrator *orchestrator, struct iso_or_gathered *items, size_t cap, size_t count,
    void (*done)(void *ctx, const struct iso_or_gathered *items, size_t count), void *ctx);

/* The same with a question to each device that has components: of the application, which is then
 * the items' tag, or of any when app.len is 0. timeout_ms: what has not answered then has none. */
ISO_MUST_CHECK enum iso_err
iso_or_gather_sites(struct iso_orchestrator *orchestrator, struct iso_str app, const char *path,
                    uint32_t timeout_ms,
                    void (*done)(void *ctx, const struct iso_or_gathered *items, size_t count),
                    void *ctx);

#endif
