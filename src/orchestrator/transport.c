/* transport.c - the carrier of requests to devices: transport.h over HTTP. A request waits in its
 * device's queue until fewer than ISO_OR_REQUESTS_PER_DEVICE run, and is tried at the device's
 * addresses one after the other as long as nothing of it was sent. */
#include "base/format.h"
#include "orchestrator/devices_state.h"

enum { CONNECT_MS = 3000, ANSWER_BYTES = 1 << 20 };

struct iso_or_work {
    struct iso_or_work *next, **link; /* in its queue */
    struct iso_or_work *chained;      /* in the table of ids */
    struct iso_or_devices *devices;
    struct iso_or_entry *entry; /* NULL: no such device, or not any more */
    uint64_t id, http_id, deadline_ms;
    struct iso_or_reach target;    /* once it runs */
    struct iso_or_request request; /* its texts are copies, behind this struct */
    size_t tried;                  /* addresses */
    size_t size;                   /* of the block */
    bool cancelled;
    const char *refusal; /* static; why it was ended without being sent */
};

/* ---- Queues -------------------------------------------------------------------------------------
 */

static void link_first(struct iso_or_work **list, struct iso_or_work *work)
{
    work->next = *list;
    work->link = list;
    if (work->next != NULL) {
        work->next->link = &work->next;
    }
    *list = work;
}

static void unlink_work(struct iso_or_work *work)
{
    struct iso_or_entry *entry = work->entry;
    *work->link = work->next;
    if (work->next != NULL) {
        work->next->link = work->link;
    } else if (entry != NULL && entry->waiting_end == &work->next) {
        entry->waiting_end = work->link;
    }
    work->next = NULL;
    work->link = NULL;
}

static struct iso_or_work **chain_of(struct iso_or_devices *devices, uint64_t id)
{
    struct iso_or_work **at = &devices->chains[id % ISO_OR_WORK_CHAINS];
    while (*at != NULL && (*at)->id != id) {
        at = &(*at)->chained;
    }
    return at;
}

/* Its id is over. */
static void forget(struct iso_or_work *work)
{
    unlink_work(work);
    *chain_of(work->devices, work->id) = work->chained;
}

static void finish(struct iso_or_work *work, const struct iso_or_answer *answer)
{
    forget(work);
    if (!work->cancelled) {
        work->request.done(work->request.ctx, answer);
    }
    iso_alloc_free(work->devices->alloc, work, work->size);
}

static void refuse(struct iso_or_work *work, const char *text)
{
    const struct iso_or_answer answer = {.outcome = ISO_OR_UNREACHABLE, .text = text};
    finish(work, &answer);
}

/* ---- Answers ------------------------------------------------------------------------------------
 */

static enum iso_or_outcome outcome_of(const struct iso_http_client_answer *answer)
{
    switch (answer->outcome) {
    case ISO_HTTP_CLIENT_DONE:
        return ISO_OR_ANSWERED;
    case ISO_HTTP_CLIENT_TOO_LARGE:
        return ISO_OR_GARBLED;
    case ISO_HTTP_CLIENT_CANCELLED: /* the device was removed, or we end */
        return ISO_OR_BROKEN;
    default:
        return answer->sent ? ISO_OR_BROKEN : ISO_OR_UNREACHABLE;
    }
}

/* What says that it is JSON and is none was not written by a supervisor. */
static bool is_garbled(const struct iso_http_client_answer *answer)
{
    if (answer->body->len == 0 || !iso_http_client_has_type(answer, "application/json")) {
        return false;
    }
    json_t *value =
        json_loadb((const char *)answer->body->ptr, answer->body->len, JSON_DECODE_ANY, NULL);
    json_decref(value);
    return value == NULL;
}

static bool start(struct iso_or_work *work, struct iso_report *report);

/* Nothing was sent: whether there is another address and time to try it. */
static bool try_next(struct iso_or_work *work)
{
    struct iso_report report;
    iso_report_init(&report);
    if (work->cancelled || work->entry->gone || work->devices->closing ||
        ++work->tried >= work->entry->address_count ||
        iso_or_now_ms(work->devices) >= work->deadline_ms) {
        return false;
    }
    return start(work, &report);
}

static void on_work(void *ctx, uint64_t id, const struct iso_http_client_answer *from)
{
    struct iso_or_work *work = ctx;
    struct iso_or_entry *entry = work->entry;
    struct iso_or_answer answer = {.outcome = outcome_of(from), .text = ""};
    char text[ISO_OR_REASON_SIZE] = "";
    (void)id;
    work->http_id = 0;
    iso_or_asked(work->devices);
    iso_or_entry_doubt(entry, work->target.base, from);
    if (answer.outcome == ISO_OR_UNREACHABLE && try_next(work)) {
        return;
    }
    if (answer.outcome == ISO_OR_ANSWERED && is_garbled(from)) {
        answer.outcome = ISO_OR_GARBLED;
        (void)iso_format(text, sizeof text, "says that it answers JSON, and does not");
    } else if (answer.outcome != ISO_OR_ANSWERED || from->status >= 400) {
        iso_or_ask_text(from, text, sizeof text);
    }
    if (answer.outcome == ISO_OR_ANSWERED) {
        answer.status = from->status;
        answer.body = iso_buf_view(from->body);
        if (!entry->gone && !work->devices->closing) {
            entry->device.seen_ms = iso_or_wall_ms();
            iso_or_entry_act(entry,
                             iso_or_health_heard(&entry->health, iso_or_now_ms(work->devices)));
        }
    }
    answer.text = text;
    entry->running_count--;
    finish(work, &answer);
    if (!entry->gone && !entry->devices->closing) {
        iso_or_works_pump(entry);
    }
    iso_or_entry_release(entry);
}

/* ---- Starting -----------------------------------------------------------------------------------
 */

static bool start(struct iso_or_work *work, struct iso_report *report)
{
    struct iso_or_entry *entry = work->entry;
    const struct iso_or_request *request = &work->request;
    const uint64_t now_ms = iso_or_now_ms(work->devices);
    const uint32_t left_ms =
        work->deadline_ms > now_ms
            ? (uint32_t)((work->deadline_ms - now_ms) / work->devices->config.speed) + 1
            : 1;
    while (work->tried < entry->address_count &&
           !iso_or_entry_trusts(entry, entry->addresses[work->tried])) {
        work->tried++;
    }
    if (work->tried >= entry->address_count) {
        iso_report_set(report, "it is not certain that what listens at %s is the device",
                       entry->device.address);
        return false;
    }
    work->target = entry->target;
    memcpy(work->target.base, entry->addresses[work->tried], sizeof work->target.base);
    const struct iso_or_ask ask = {.target = &work->target,
                                   .method = request->method,
                                   .path = request->path,
                                   .body = request->body,
                                   .body_kept = true,
                                   .body_type = request->content_type,
                                   .file = request->file,
                                   .max_bytes = request->answer_max_bytes,
                                   .timeout_ms = left_ms,
                                   .connect_ms = left_ms < CONNECT_MS ? left_ms : CONNECT_MS,
                                   .ctx = work,
                                   .done = on_work};
    return iso_or_ask(work->devices, &ask, &work->http_id, report) == ISO_OK;
}

/* The first of those that wait whose time is over; NULL. */
static struct iso_or_work *find_late(const struct iso_or_entry *entry, uint64_t now_ms)
{
    struct iso_or_work *work = entry->waiting;
    while (work != NULL && now_ms < work->deadline_ms) {
        work = work->next;
    }
    return work;
}

void iso_or_works_pump(struct iso_or_entry *entry)
{
    const uint64_t now_ms = iso_or_now_ms(entry->devices);
    struct iso_or_work *late;
    entry->busy++; /* callbacks below may remove it */
    while ((late = find_late(entry, now_ms)) != NULL) {
        entry->waiting_count--;
        refuse(late, "there was no time left when its turn came");
    }
    while (entry->waiting != NULL && entry->running_count < ISO_OR_REQUESTS_PER_DEVICE) {
        struct iso_or_work *work = entry->waiting;
        struct iso_report report;
        iso_report_init(&report);
        entry->waiting_count--;
        if (start(work, &report)) {
            unlink_work(work);
            link_first(&entry->running, work);
            entry->running_count++;
            entry->busy++;
        } else {
            refuse(work, iso_report_text(&report, ISO_E_IO));
        }
    }
    iso_or_entry_release(entry);
}

uint64_t iso_or_works_due(const struct iso_or_entry *entry)
{
    uint64_t due_ms = UINT64_MAX;
    for (const struct iso_or_work *work = entry->waiting; work != NULL; work = work->next) {
        due_ms = work->deadline_ms < due_ms ? work->deadline_ms : due_ms;
    }
    return due_ms;
}

void iso_or_works_orphans(struct iso_or_devices *devices)
{
    while (devices->orphans != NULL) {
        refuse(devices->orphans, devices->orphans->refusal);
    }
}

static void orphan(struct iso_or_work *work, const char *text)
{
    work->entry = NULL;
    work->refusal = text;
    link_first(&work->devices->orphans, work);
}

void iso_or_works_drop(struct iso_or_entry *entry)
{
    while (entry->waiting != NULL) {
        struct iso_or_work *work = entry->waiting;
        unlink_work(work);
        orphan(work, entry->devices->closing ? "the orchestrator ends" : "the device was removed");
    }
    entry->waiting_count = 0;
    for (struct iso_or_work *work = entry->running; work != NULL; work = work->next) {
        iso_http_client_cancel(entry->devices->http, work->http_id);
    }
    iso_or_soon(entry->devices);
}

/* ---- The carrier --------------------------------------------------------------------------------
 */

static char *copy_text(char **room, const char *text)
{
    char *to = *room;
    if (text == NULL) {
        return NULL;
    }
    const size_t size = strlen(text) + 1;
    memcpy(to, text, size);
    *room += size;
    return to;
}

static size_t size_of_text(const char *text)
{
    return text != NULL ? strlen(text) + 1 : 0;
}

/* A work with copies of everything. NULL: memory. */
static struct iso_or_work *new_work(struct iso_or_devices *devices,
                                    const struct iso_or_request *request)
{
    const size_t size = sizeof(struct iso_or_work) + size_of_text(request->method) +
                        size_of_text(request->path) + size_of_text(request->content_type) +
                        size_of_text(request->file) + request->body.len;
    struct iso_or_work *work = iso_alloc_new(devices->alloc, size);
    if (work == NULL) {
        return NULL;
    }
    char *room = (char *)(work + 1);
    work->devices = devices;
    work->size = size;
    work->request = *request;
    work->request.device = NULL; /* the entry is what counts */
    work->request.method = copy_text(&room, request->method);
    work->request.path = copy_text(&room, request->path);
    work->request.content_type = copy_text(&room, request->content_type);
    work->request.file = copy_text(&room, request->file);
    iso_memory_copy(room, request->body.ptr, request->body.len);
    work->request.body = iso_bytes_from(room, request->body.len);
    if (request->answer_max_bytes == 0) {
        work->request.answer_max_bytes = ANSWER_BYTES;
    }
    return work;
}

static uint64_t carrier_start(void *carrier, const struct iso_or_request *request)
{
    struct iso_or_devices *devices = carrier;
    struct iso_or_entry *entry = iso_or_entry_find(devices, iso_str_from_z(request->device));
    if (devices->closing || (entry != NULL && entry->waiting_count >= ISO_OR_REQUESTS_WAITING)) {
        return 0;
    }
    struct iso_or_work *work = new_work(devices, request);
    if (work == NULL) {
        return 0;
    }
    work->id = ++devices->work_id;
    work->deadline_ms =
        iso_or_now_ms(devices) + (uint64_t)request->timeout_ms * devices->config.speed;
    struct iso_or_work **chain = &devices->chains[work->id % ISO_OR_WORK_CHAINS];
    work->chained = *chain;
    *chain = work;
    if (entry == NULL) {
        orphan(work, "no such device");
    } else {
        work->entry = entry;
        work->link = entry->waiting_end;
        *entry->waiting_end = work;
        entry->waiting_end = &work->next;
        entry->waiting_count++;
        iso_or_sweep_at(devices, work->deadline_ms);
    }
    iso_or_soon(devices);
    return work->id;
}

static void carrier_cancel(void *carrier, uint64_t id)
{
    struct iso_or_devices *devices = carrier;
    struct iso_or_work *work = *chain_of(devices, id);
    if (work == NULL) {
        return;
    }
    if (work->http_id != 0) {
        work->cancelled = true; /* freed when the client is done with its body */
        iso_http_client_cancel(devices->http, work->http_id);
        return;
    }
    if (work->entry != NULL) {
        work->entry->waiting_count--;
    }
    forget(work);
    iso_alloc_free(devices->alloc, work, work->size);
}

struct iso_or_transport iso_or_devices_transport(struct iso_or_devices *devices)
{
    return (struct iso_or_transport){
        .carrier = devices, .start = carrier_start, .cancel = carrier_cancel};
}
