/* devices_op.c - what adding and removing have in common; see devices_op.h. */
#include "orchestrator/devices_op.h"

#include "base/format.h"

#include <sodium.h>

struct iso_or_op *iso_or_op_new(struct iso_or_devices *devices, iso_or_device_done done, void *ctx,
                                void (*begin)(struct iso_or_op *op))
{
    struct iso_or_op *op = iso_alloc_new(devices->alloc, sizeof *op);
    if (op == NULL) {
        return NULL;
    }
    op->devices = devices;
    op->done = done;
    op->ctx = ctx;
    op->begin = begin;
    iso_report_init(&op->report);
    iso_buf_init(&op->description, devices->alloc, ISO_OR_DESCRIPTION_BYTES);
    op->next = devices->ops;
    devices->ops = op;
    iso_or_soon(devices);
    return op;
}

void iso_or_op_end(struct iso_or_op *op, enum iso_err err)
{
    op->ended = true;
    op->err = err;
    iso_or_soon(op->devices);
}

static void free_op(struct iso_or_op *op)
{
    struct iso_or_op **at = &op->devices->ops;
    while (*at != op) {
        at = &(*at)->next;
    }
    *at = op->next;
    if (op->is_pairing) {
        iso_pairing_client_fini(&op->pairing);
    }
    iso_buf_fini(&op->description);
    const struct iso_alloc *alloc = op->devices->alloc;
    sodium_memzero(op, sizeof *op);
    iso_alloc_free(alloc, op, sizeof *op);
}

/* The first that may begin or has ended; NULL. */
static struct iso_or_op *find_ready(const struct iso_or_devices *devices)
{
    struct iso_or_op *op = devices->ops;
    while (op != NULL && op->begin == NULL && !op->ended) {
        op = op->next;
    }
    return op;
}

void iso_or_ops_begin(struct iso_or_devices *devices)
{
    struct iso_or_op *op;
    while ((op = find_ready(devices)) != NULL) {
        if (!op->ended && !devices->closing) {
            void (*begin)(struct iso_or_op * op) = op->begin;
            op->begin = NULL;
            begin(op);
            continue;
        }
        if (!op->ended) {
            op->err = iso_fail(&op->report, ISO_E_STATE, "the orchestrator ends");
        }
        op->done(op->ctx, op->err, &op->report, op->err == ISO_OK ? op->id : NULL);
        free_op(op);
    }
}

void iso_or_ops_stop(struct iso_or_devices *devices)
{
    for (struct iso_or_op *op = devices->ops; op != NULL; op = op->next) {
        if (op->http_id != 0) {
            iso_http_client_cancel(devices->http, op->http_id);
        }
    }
}

static void on_answer(void *ctx, uint64_t id, const struct iso_http_client_answer *answer)
{
    struct iso_or_op *op = ctx;
    (void)id;
    op->http_id = 0;
    iso_or_asked(op->devices);
    if (op->devices->closing) {
        iso_or_op_end(op, iso_fail(&op->report, ISO_E_STATE, "the orchestrator ends"));
        return;
    }
    const enum iso_err err = op->step(op, answer);
    if (err != ISO_OK && !op->ended) {
        iso_or_op_end(op, err);
    }
}

enum iso_err iso_or_op_ask(struct iso_or_op *op, const char *method, const char *path,
                           struct iso_bytes body, bool anybody,
                           enum iso_err (*step)(struct iso_or_op *op,
                                                const struct iso_http_client_answer *answer))
{
    const struct iso_or_ask ask = {.target = &op->target,
                                   .method = method,
                                   .path = path,
                                   .body = body,
                                   .anybody = anybody,
                                   /* Each makes a token, or uses up a code. */
                                   .once = strcmp(method, "POST") == 0,
                                   .max_bytes = ISO_OR_DESCRIPTION_BYTES,
                                   .timeout_ms = ISO_OR_ASK_MS,
                                   .connect_ms = ISO_OR_ASK_MS / 2,
                                   .ctx = op,
                                   .done = on_answer};
    op->step = step;
    return iso_or_ask(op->devices, &ask, &op->http_id, &op->report);
}

enum iso_err iso_or_op_refused(struct iso_or_op *op, const char *what,
                               const struct iso_http_client_answer *answer)
{
    char text[ISO_OR_REASON_SIZE];
    enum iso_err err = ISO_E_IO;
    iso_or_ask_text(answer, text, sizeof text);
    if (answer->outcome == ISO_HTTP_CLIENT_PIN_MISMATCH) {
        return iso_fail(&op->report, ISO_E_ACCESS,
                        "%s: %s answers with another key than the pinned one: it is another "
                        "device, or somebody is in between",
                        what, op->target.base);
    }
    if (iso_or_ask_answered(answer)) {
        err = answer->status == 401 || answer->status == 403 ? ISO_E_ACCESS
              : answer->status == 409                        ? ISO_E_STATE
              : answer->status == 429                        ? ISO_E_LIMIT
                                                             : ISO_E_IO;
    }
    return iso_fail(&op->report, err, "%s: %s", what, text);
}

enum iso_err iso_or_op_withdraw(struct iso_or_op *op,
                                enum iso_err (*step)(struct iso_or_op *op,
                                                     const struct iso_http_client_answer *answer))
{
    char path[64];
    /* What stands before the point is its id (net/token.h). */
    const size_t len = strcspn(op->target.token, ".");
    (void)iso_format(path, sizeof path, "/v1/tokens/%.*s", (int)(len < 32 ? len : 32),
                     op->target.token);
    return iso_or_op_ask(op, "DELETE", path, iso_bytes_from(NULL, 0), false, step);
}
