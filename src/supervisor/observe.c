/* observe.c - watching properties: one reading for all observers of a property; see observe.h. */
#include "supervisor/observe.h"

#include <string.h>

enum { OBSERVED_MAX = 4096, PERIOD_MS = 1000 };

/* One property with those who watch it. */
struct iso_sv_observed {
    struct iso_sv_observed *next;
    struct iso_sv_observers *owner;
    char *app, *component, *path;
    struct iso_sv_observer *first;
    struct iso_buf json, cbor; /* as told last */
    enum iso_sv_outcome outcome;
    unsigned reading; /* calls under way: of both encodings */
    bool again;       /* changed while it was being read */
    bool removed;     /* no observer is left: goes when nothing is under way */
    bool telling;
};

struct iso_sv_observers {
    uv_loop_t *loop;
    struct iso_sv_core *core;
    const struct iso_alloc *alloc;
    uv_timer_t timer;
    struct iso_sv_observed *first;
    size_t count;
    struct iso_sv_component *(*find)(void *ctx, struct iso_str app, struct iso_str component);
    void *find_ctx;
    bool closing;
};

static void read_property(struct iso_sv_observed *observed);

static void destroy_observed(struct iso_sv_observed *observed)
{
    struct iso_sv_observers *owner = observed->owner;
    for (struct iso_sv_observed **at = &owner->first; *at != NULL; at = &(*at)->next) {
        if (*at == observed) {
            *at = observed->next;
            break;
        }
    }
    owner->count--;
    iso_buf_fini(&observed->json);
    iso_buf_fini(&observed->cbor);
    const size_t a = strlen(observed->app), c = strlen(observed->component);
    iso_alloc_free(owner->alloc, observed->app, a + c + strlen(observed->path) + 3);
    iso_alloc_free(owner->alloc, observed, sizeof *observed);
    if (owner->count == 0 && !owner->closing) {
        (void)uv_timer_stop(&owner->timer);
    }
}

/* After nothing is under way: it may go. */
static void settle(struct iso_sv_observed *observed)
{
    if (observed->reading == 0 && !observed->telling && observed->first == NULL) {
        destroy_observed(observed);
    }
}

/* Those who have had no value yet are told also when it is what it was. */
static void tell(struct iso_sv_observed *observed, enum iso_sv_outcome outcome, bool changed,
                 bool gone)
{
    struct iso_sv_observer *next;
    observed->telling = true;
    for (struct iso_sv_observer *observer = observed->first; observer != NULL; observer = next) {
        next = observer->next;
        if (!changed && observer->told) {
            continue;
        }
        observer->told = true;
        observer->value(observer->ctx, outcome, iso_buf_view(&observed->json),
                        iso_buf_view(&observed->cbor), gone);
    }
    observed->telling = false;
}

/* The value was read in both encodings: is there something to tell? */
static void compare(struct iso_sv_observed *observed, struct iso_buf *json, struct iso_buf *cbor,
                    enum iso_sv_outcome outcome)
{
    const bool same = outcome == observed->outcome &&
                      iso_bytes_equal(iso_buf_view(json), iso_buf_view(&observed->json)) &&
                      iso_bytes_equal(iso_buf_view(cbor), iso_buf_view(&observed->cbor));
    struct iso_buf old_json = observed->json, old_cbor = observed->cbor;
    observed->json = *json;
    observed->cbor = *cbor;
    *json = old_json;
    *cbor = old_cbor;
    observed->outcome = outcome;
    tell(observed, outcome, !same, false);
}

struct reading {
    struct iso_sv_observed *observed;
    struct iso_buf json;
};

static void finish(struct iso_sv_observed *observed)
{
    observed->reading = 0;
    if (observed->again && observed->first != NULL) {
        observed->again = false;
        read_property(observed);
        return;
    }
    settle(observed);
}

/* The second of two calls has ended: CBOR. */
static void cbor_done(struct iso_sv_call *call)
{
    struct reading *reading = call->ctx;
    struct iso_sv_observed *observed = reading->observed;
    struct iso_buf empty;
    iso_buf_init(&empty, observed->owner->alloc, SIZE_MAX);
    const bool good = call->outcome == ISO_SV_DONE;
    compare(observed, good ? &reading->json : &empty, good ? &call->reply : &empty, call->outcome);
    iso_buf_fini(&empty);
    iso_buf_fini(&reading->json);
    iso_alloc_free(observed->owner->alloc, reading, sizeof *reading);
    iso_sv_call_destroy(call);
    finish(observed);
}

static bool begin(struct iso_sv_observed *observed, enum iso_sv_encoding encoding,
                  void (*done)(struct iso_sv_call *call), struct reading *reading)
{
    struct iso_sv_observers *owner = observed->owner;
    struct iso_sv_component *component = owner->find(owner->find_ctx, iso_str_from_z(observed->app),
                                                     iso_str_from_z(observed->component));
    uint32_t index;
    if (component == NULL || !iso_sv_program_func_find(iso_sv_component_program(component),
                                                       iso_str_from_z(observed->path), &index)) {
        return false;
    }
    struct iso_sv_call *call = iso_sv_call_create(owner->core);
    if (call == NULL) {
        return false;
    }
    call->encoding = ISO_SV_JSON;
    call->reply_encoding = encoding;
    call->done = done;
    call->ctx = reading;
    if (iso_sv_call_start(call, component, index)) {
        done(call);
    }
    return true;
}

/* The first call has ended: JSON. */
static void json_done(struct iso_sv_call *call)
{
    struct reading *reading = call->ctx;
    struct iso_sv_observed *observed = reading->observed;
    const enum iso_sv_outcome outcome = call->outcome;
    reading->json = call->reply;
    iso_buf_init(&call->reply, observed->owner->alloc, SIZE_MAX);
    iso_sv_call_destroy(call);
    if (outcome == ISO_SV_DONE && begin(observed, ISO_SV_CBOR, cbor_done, reading)) {
        return;
    }
    struct iso_buf empty_json, empty_cbor;
    iso_buf_init(&empty_json, observed->owner->alloc, SIZE_MAX);
    iso_buf_init(&empty_cbor, observed->owner->alloc, SIZE_MAX);
    compare(observed, &empty_json, &empty_cbor, outcome != ISO_SV_DONE ? outcome : ISO_SV_GONE);
    iso_buf_fini(&empty_json);
    iso_buf_fini(&empty_cbor);
    iso_buf_fini(&reading->json);
    iso_alloc_free(observed->owner->alloc, reading, sizeof *reading);
    finish(observed);
}

static void read_property(struct iso_sv_observed *observed)
{
    struct iso_sv_observers *owner = observed->owner;
    if (observed->reading != 0) {
        observed->again = true;
        return;
    }
    struct reading *reading = iso_alloc_new(owner->alloc, sizeof *reading);
    if (reading == NULL) {
        return;
    }
    reading->observed = observed;
    iso_buf_init(&reading->json, owner->alloc, SIZE_MAX);
    observed->reading = 1;
    if (begin(observed, ISO_SV_JSON, json_done, reading)) {
        return;
    }
    /* The component has gone. */
    iso_alloc_free(owner->alloc, reading, sizeof *reading);
    observed->reading = 0;
    tell(observed, ISO_SV_NOT_FOUND, true, true);
    while (observed->first != NULL) {
        struct iso_sv_observer *observer = observed->first;
        observed->first = observer->next;
        observer->observed = NULL;
        observer->link = NULL;
    }
    settle(observed);
}

/* Once a second: whatever has not been read by a change. */
static void on_timer(uv_timer_t *timer)
{
    struct iso_sv_observers *observers = timer->data;
    iso_sv_observers_refresh(observers);
}

enum iso_err iso_sv_observers_create(uv_loop_t *loop, struct iso_sv_core *core,
                                     struct iso_sv_observers **out)
{
    const struct iso_alloc *alloc = iso_alloc_libc();
    struct iso_sv_observers *observers = iso_alloc_new(alloc, sizeof *observers);
    if (observers == NULL) {
        return ISO_E_NOMEM;
    }
    *observers = (struct iso_sv_observers){.loop = loop, .core = core, .alloc = alloc};
    (void)uv_timer_init(loop, &observers->timer);
    observers->timer.data = observers;
    *out = observers;
    return ISO_OK;
}

static void on_closed(uv_handle_t *handle)
{
    struct iso_sv_observers *observers = handle->data;
    iso_alloc_free(observers->alloc, observers, sizeof *observers);
}

void iso_sv_observers_destroy(struct iso_sv_observers *observers)
{
    if (observers == NULL) {
        return;
    }
    observers->closing = true;
    while (observers->first != NULL) {
        ISO_ASSERT(observers->first->first == NULL && observers->first->reading == 0);
        destroy_observed(observers->first);
    }
    uv_close((uv_handle_t *)&observers->timer, on_closed);
}

static bool same(struct iso_str text, const char *stored)
{
    return iso_str_equal_z(text, stored);
}

static struct iso_sv_observed *make(struct iso_sv_observers *observers, struct iso_str app,
                                    struct iso_str component, struct iso_str path)
{
    const size_t size = app.len + component.len + path.len + 3;
    struct iso_sv_observed *observed = iso_alloc_new(observers->alloc, sizeof *observed);
    char *text = observed != NULL ? iso_alloc_new(observers->alloc, size) : NULL;
    if (text == NULL) {
        iso_alloc_free(observers->alloc, observed, sizeof *observed);
        return NULL;
    }
    *observed = (struct iso_sv_observed){.next = observers->first, .owner = observers};
    observed->app = text;
    observed->component = text + app.len + 1;
    observed->path = observed->component + component.len + 1;
    iso_memory_copy(observed->app, app.ptr, app.len);
    iso_memory_copy(observed->component, component.ptr, component.len);
    iso_memory_copy(observed->path, path.ptr, path.len);
    iso_buf_init(&observed->json, observers->alloc, SIZE_MAX);
    iso_buf_init(&observed->cbor, observers->alloc, SIZE_MAX);
    observers->first = observed;
    if (observers->count++ == 0) {
        (void)uv_timer_start(&observers->timer, on_timer, PERIOD_MS, PERIOD_MS);
    }
    return observed;
}

/* The first value is read from the loop, since nothing may come before iso_sv_observe returns. */
static void first_reading(uv_timer_t *timer)
{
    struct iso_sv_observers *observers = timer->data;
    (void)uv_timer_start(&observers->timer, on_timer, PERIOD_MS, PERIOD_MS);
    iso_sv_observers_refresh(observers);
}

enum iso_err iso_sv_observe(struct iso_sv_observers *observers, struct iso_str app,
                            struct iso_str component, struct iso_str path,
                            struct iso_sv_observer *observer)
{
    struct iso_sv_observed *observed = observers->first;
    while (observed != NULL && !(same(app, observed->app) && same(path, observed->path) &&
                                 same(component, observed->component))) {
        observed = observed->next;
    }
    if (observed == NULL && observers->count >= OBSERVED_MAX) {
        return ISO_E_LIMIT;
    }
    if (observed == NULL) {
        observed = make(observers, app, component, path);
    }
    if (observed == NULL) {
        return ISO_E_NOMEM;
    }
    observer->observed = observed;
    observer->next = observed->first;
    observer->link = &observed->first;
    if (observer->next != NULL) {
        observer->next->link = &observer->next;
    }
    observed->first = observer;
    observer->told = false;
    (void)uv_timer_start(&observers->timer, first_reading, 0, 0);
    return ISO_OK;
}

void iso_sv_unobserve(struct iso_sv_observer *observer)
{
    struct iso_sv_observed *observed = observer->observed;
    if (observed == NULL) {
        return;
    }
    *observer->link = observer->next;
    if (observer->next != NULL) {
        observer->next->link = observer->link;
    }
    observer->observed = NULL;
    observer->link = NULL;
    settle(observed);
}

void iso_sv_observers_changed(struct iso_sv_observers *observers,
                              struct iso_sv_component *component)
{
    struct iso_sv_observed *next;
    for (struct iso_sv_observed *observed = observers->first; observed != NULL; observed = next) {
        next = observed->next;
        if (observed->first != NULL &&
            iso_str_equal_z(iso_sv_component_app(component), observed->app) &&
            iso_str_equal_z(iso_sv_component_name(component), observed->component)) {
            read_property(observed);
        }
    }
}

void iso_sv_observers_refresh(struct iso_sv_observers *observers)
{
    struct iso_sv_observed *next;
    for (struct iso_sv_observed *observed = observers->first; observed != NULL; observed = next) {
        next = observed->next;
        if (observed->first != NULL && observed->reading == 0) {
            read_property(observed);
        }
    }
}

void iso_sv_observers_set_find(struct iso_sv_observers *observers,
                               struct iso_sv_component *(*find)(void *ctx, struct iso_str app,
                                                                struct iso_str component),
                               void *ctx)
{
    observers->find = find;
    observers->find_ctx = ctx;
}
