/* devices.c - the table of devices: made, searched, changed, taken apart. See devices.h. */
#include "base/format.h"
#include "daemon/clock.h"
#include "orchestrator/devices_state.h"

#include <sodium.h>

enum { PHASE_STEP_MS = 619, SWEEP_MIN_MS = 40 };

const char *iso_or_device_state_name(enum iso_or_device_state state)
{
    static const char *const names[] = {"known", "up", "suspect", "lost", "refuses"};
    return (unsigned)state < ISO_COUNT_OF(names) ? names[state] : "?";
}

uint64_t iso_or_now_ms(const struct iso_or_devices *devices)
{
    return uv_now(devices->loop) * devices->config.speed;
}

uint64_t iso_or_wall_ms(void)
{
    return iso_clock_now_ns() / 1000000u;
}

/* ---- Sorted tables ------------------------------------------------------------------------------
 */

static const char *id_of(const struct iso_or_entry *entry)
{
    return entry->device.id;
}

static const char *name_of(const struct iso_or_entry *entry)
{
    return entry->device.name;
}

/* Where `key` is or would be. */
static size_t place_of(struct iso_or_entry *const *list, size_t count, struct iso_str key,
                       const char *(*text_of)(const struct iso_or_entry *entry))
{
    size_t low = 0, high = count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const struct iso_str text = iso_str_from_z(text_of(list[middle]));
        const size_t len = text.len < key.len ? text.len : key.len;
        const int order = len != 0 ? memcmp(text.ptr, key.ptr, len) : 0;
        if (order < 0 || (order == 0 && text.len < key.len)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct iso_or_entry *find_in(struct iso_or_entry *const *list, size_t count,
                                    struct iso_str key,
                                    const char *(*text_of)(const struct iso_or_entry *entry))
{
    const size_t at = place_of(list, count, key, text_of);
    return at < count && iso_str_equal_z(key, text_of(list[at])) ? list[at] : NULL;
}

static void put_in(struct iso_or_entry **list, size_t count, struct iso_or_entry *entry,
                   const char *(*text_of)(const struct iso_or_entry *entry))
{
    const size_t at = place_of(list, count, iso_str_from_z(text_of(entry)), text_of);
    memmove(list + at + 1, list + at, (count - at) * sizeof *list);
    list[at] = entry;
}

static void take_from(struct iso_or_entry **list, size_t count, const struct iso_or_entry *entry)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i] == entry) {
            memmove(list + i, list + i + 1, (count - i - 1) * sizeof *list);
            return;
        }
    }
}

struct iso_or_entry *iso_or_entry_find(const struct iso_or_devices *devices, struct iso_str id)
{
    return find_in(devices->by_id, devices->count, id, id_of);
}

struct iso_or_entry *iso_or_entry_find_name(const struct iso_or_devices *devices,
                                            struct iso_str name)
{
    return find_in(devices->by_name, devices->count, name, name_of);
}

static ISO_MUST_CHECK enum iso_err grow(struct iso_or_devices *devices)
{
    const size_t cap = devices->cap != 0 ? devices->cap * 2 : 16;
    if (devices->count < devices->cap) {
        return ISO_OK;
    }
    struct iso_or_entry **by_id = iso_alloc_array(devices->alloc, cap, sizeof *by_id);
    struct iso_or_entry **by_name = iso_alloc_array(devices->alloc, cap, sizeof *by_name);
    if (by_id == NULL || by_name == NULL) {
        iso_alloc_free(devices->alloc, by_id, cap * sizeof *by_id);
        iso_alloc_free(devices->alloc, by_name, cap * sizeof *by_name);
        return ISO_E_NOMEM;
    }
    iso_memory_copy(by_id, devices->by_id, devices->count * sizeof *by_id);
    iso_memory_copy(by_name, devices->by_name, devices->count * sizeof *by_name);
    iso_alloc_free(devices->alloc, devices->by_id, devices->cap * sizeof *by_id);
    iso_alloc_free(devices->alloc, devices->by_name, devices->cap * sizeof *by_name);
    devices->by_id = by_id;
    devices->by_name = by_name;
    devices->cap = cap;
    return ISO_OK;
}

/* `name`, or with the first of "-2", "-3", ... by which no other device goes. */
static void free_name(const struct iso_or_entry *entry, struct iso_str name,
                      char out[ISO_OR_NAME_SIZE])
{
    (void)iso_format(out, ISO_OR_NAME_SIZE, "%.*s", (int)name.len, name.ptr);
    for (unsigned i = 2;; i++) {
        const struct iso_or_entry *other =
            iso_or_entry_find_name(entry->devices, iso_str_from_z(out));
        if (other == NULL || other == entry) {
            return;
        }
        char tail[16];
        const size_t len = iso_format(tail, sizeof tail, "-%u", i);
        const size_t room = ISO_OR_NAME_SIZE - 1 - len;
        const size_t kept = iso_format(out, room + 1, "%.*s", (int)name.len, name.ptr);
        memcpy(out + kept, tail, len + 1);
    }
}

void iso_or_entry_rename(struct iso_or_entry *entry, struct iso_str name)
{
    struct iso_or_devices *devices = entry->devices;
    char text[ISO_OR_NAME_SIZE];
    if (!entry->listed) {
        (void)iso_format(entry->device.name, ISO_OR_NAME_SIZE, "%.*s", (int)name.len, name.ptr);
        return;
    }
    free_name(entry, name, text);
    if (strcmp(text, entry->device.name) == 0) {
        return;
    }
    take_from(devices->by_name, devices->count, entry);
    memcpy(entry->device.name, text, sizeof text);
    put_in(devices->by_name, devices->count - 1, entry, name_of);
}

/* ---- Entries ------------------------------------------------------------------------------------
 */

struct iso_or_entry *iso_or_entry_new(struct iso_or_devices *devices, struct iso_str id)
{
    struct iso_or_entry *entry = iso_alloc_new(devices->alloc, sizeof *entry);
    if (entry == NULL) {
        return NULL;
    }
    entry->devices = devices;
    entry->given = json_object();
    entry->labels = json_object();
    entry->waiting_end = &entry->waiting;
    entry->device.labels = entry->labels;
    (void)iso_format(entry->device.id, sizeof entry->device.id, "%.*s", (int)id.len, id.ptr);
    if (entry->given == NULL || entry->labels == NULL) {
        iso_or_entry_free(entry);
        return NULL;
    }
    return entry;
}

void iso_or_entry_free(struct iso_or_entry *entry)
{
    const struct iso_alloc *alloc = entry->devices->alloc;
    json_decref(entry->description);
    json_decref(entry->given);
    json_decref(entry->labels);
    sodium_memzero(&entry->target, sizeof entry->target);
    iso_alloc_free(alloc, entry, sizeof *entry);
}

enum iso_err iso_or_entry_insert(struct iso_or_entry *entry, struct iso_report *report)
{
    struct iso_or_devices *devices = entry->devices;
    char name[ISO_OR_NAME_SIZE];
    if (devices->count == ISO_OR_DEVICES_MAX) {
        return iso_fail(report, ISO_E_LIMIT, "%u devices are the most that one orchestrator has",
                        (unsigned)ISO_OR_DEVICES_MAX);
    }
    const enum iso_err err = grow(devices);
    if (err != ISO_OK) {
        return err;
    }
    free_name(entry, iso_str_from_z(entry->device.name), name);
    memcpy(entry->device.name, name, sizeof name);
    put_in(devices->by_id, devices->count, entry, id_of);
    put_in(devices->by_name, devices->count, entry, name_of);
    devices->count++;
    entry->listed = true;
    /* A step that has no divisor in common with the period: neighbours in the table are far apart
     * in time, and all together are spread evenly. */
    devices->phase = (devices->phase + PHASE_STEP_MS) % ISO_OR_HEARTBEAT_MS;
    iso_or_health_init(&entry->health, iso_or_now_ms(devices), devices->phase);
    iso_or_sweep_at(devices, iso_or_health_due(&entry->health));
    return ISO_OK;
}

static void cancel(struct iso_or_devices *devices, uint64_t http_id)
{
    if (http_id != 0) {
        iso_http_client_cancel(devices->http, http_id);
    }
}

static void stop_entry(struct iso_or_entry *entry)
{
    cancel(entry->devices, entry->beat_http);
    cancel(entry->devices, entry->read_http);
    iso_or_works_drop(entry);
}

void iso_or_entry_remove(struct iso_or_entry *entry)
{
    struct iso_or_devices *devices = entry->devices;
    take_from(devices->by_id, devices->count, entry);
    take_from(devices->by_name, devices->count, entry);
    devices->count--;
    entry->listed = false;
    entry->gone = true;
    entry->busy++; /* not freed below */
    stop_entry(entry);
    iso_or_entry_release(entry);
}

void iso_or_entry_release(struct iso_or_entry *entry)
{
    entry->busy--;
    if (entry->gone && entry->busy == 0) {
        iso_or_entry_free(entry);
    }
}

void iso_or_entry_tell(struct iso_or_entry *entry, bool gone)
{
    const struct iso_or_devices *devices = entry->devices;
    if (!devices->closing && devices->config.changed != NULL) {
        devices->config.changed(devices->config.ctx, &entry->device, gone);
    }
}

void iso_or_entry_event(const struct iso_or_entry *entry, const char *event, const char *detail)
{
    const struct iso_or_devices *devices = entry->devices;
    if (!devices->closing && devices->config.event != NULL) {
        devices->config.event(devices->config.ctx, event, entry->device.name, detail);
    }
}

/* ---- Time ---------------------------------------------------------------------------------------
 */

static void on_sweep(uv_timer_t *timer)
{
    struct iso_or_devices *devices = timer->data;
    const uint64_t now_ms = iso_or_now_ms(devices);
    uint64_t due_ms = iso_or_discovery_tick(devices, now_ms);
    devices->sweep_ms = UINT64_MAX;
    /* Nothing that is called here takes an entry out of the table or puts one in. */
    for (size_t i = 0; i < devices->count; i++) {
        struct iso_or_entry *entry = devices->by_id[i];
        iso_or_entry_tick(entry, now_ms);
        const uint64_t health_ms = iso_or_health_due(&entry->health);
        const uint64_t works_ms = iso_or_works_due(entry);
        due_ms = health_ms < due_ms ? health_ms : due_ms;
        due_ms = works_ms < due_ms ? works_ms : due_ms;
    }
    iso_or_sweep_at(devices, due_ms);
}

void iso_or_sweep_at(struct iso_or_devices *devices, uint64_t at_ms)
{
    if (devices->closing || at_ms >= devices->sweep_ms) {
        return;
    }
    const uint64_t now_ms = iso_or_now_ms(devices);
    devices->sweep_ms = at_ms;
    /* What is due within a few milliseconds is done together. */
    const uint64_t wait_ms = at_ms > now_ms ? (at_ms - now_ms) / devices->config.speed : 0;
    (void)uv_timer_start(&devices->sweep, on_sweep, wait_ms > SWEEP_MIN_MS ? wait_ms : SWEEP_MIN_MS,
                         0);
}

static void on_soon(uv_timer_t *timer)
{
    struct iso_or_devices *devices = timer->data;
    iso_or_works_orphans(devices);
    for (size_t i = 0; i < devices->count; i++) {
        if (devices->by_id[i]->waiting != NULL) {
            iso_or_works_pump(devices->by_id[i]);
        }
    }
    iso_or_ops_begin(devices);
}

void iso_or_soon(struct iso_or_devices *devices)
{
    if (!devices->closing && !uv_is_active((uv_handle_t *)&devices->soon)) {
        (void)uv_timer_start(&devices->soon, on_soon, 0, 0);
    }
}

/* ---- Open and close -----------------------------------------------------------------------------
 */

static void free_devices(struct iso_or_devices *devices)
{
    for (size_t i = 0; i < devices->count; i++) {
        iso_or_entry_free(devices->by_id[i]);
    }
    iso_alloc_free(devices->alloc, devices->by_id, devices->cap * sizeof *devices->by_id);
    iso_alloc_free(devices->alloc, devices->by_name, devices->cap * sizeof *devices->by_name);
    iso_or_discovery_free(devices);
    iso_alloc_free(devices->alloc, devices, sizeof *devices);
}

static ISO_MUST_CHECK enum iso_err open_all(struct iso_or_devices *devices,
                                            const struct iso_or_devices_config *config,
                                            struct iso_report *report)
{
    struct iso_tls_identity identity;
    enum iso_err err = iso_tls_identity_load(config->identity_file, &identity, report);
    if (err != ISO_OK) {
        return err;
    }
    memcpy(devices->pin, identity.pin, sizeof devices->pin);
    iso_tls_identity_fini(&identity);
    err = iso_or_entries_load(devices, report);
    if (err == ISO_OK && config->mdns) {
        err = iso_or_mdns_open(devices, config, report);
        devices->mdns_open = err == ISO_OK;
    }
    return err;
}

enum iso_err iso_or_devices_create(const struct iso_or_devices_config *config,
                                   struct iso_or_devices **out, struct iso_report *report)
{
    struct iso_or_devices *devices = iso_alloc_new(config->alloc, sizeof *devices);
    if (devices == NULL) {
        return ISO_E_NOMEM;
    }
    devices->loop = config->loop;
    devices->alloc = config->alloc;
    devices->store = config->store;
    devices->http = config->http;
    devices->config = *config;
    devices->config.speed = config->speed != 0 ? config->speed : 1;
    devices->sweep_ms = UINT64_MAX;
    (void)iso_format(devices->id, sizeof devices->id, "%s", config->id);
    (void)iso_format(devices->name, sizeof devices->name, "%s", config->name);
    (void)iso_format(devices->address, sizeof devices->address, "%s", config->address);
    (void)iso_format(devices->owner_header, sizeof devices->owner_header, "Isomer-Owner: %s",
                     config->id);
    (void)uv_timer_init(devices->loop, &devices->sweep);
    (void)uv_timer_init(devices->loop, &devices->soon);
    devices->sweep.data = devices;
    devices->soon.data = devices;
    const enum iso_err err = open_all(devices, config, report);
    if (err != ISO_OK) {
        iso_or_devices_close(devices, NULL, NULL);
        return err;
    }
    *out = devices;
    return ISO_OK;
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct iso_or_devices *devices = handle->data;
    if (handle == (uv_handle_t *)&devices->sweep) {
        uv_close((uv_handle_t *)&devices->soon, on_timer_closed);
        return;
    }
    void (*closed)(void *ctx) = devices->closed;
    void *ctx = devices->closed_ctx;
    free_devices(devices);
    if (closed != NULL) {
        closed(ctx);
    }
}

/* Nothing is under way any more, and no function of ours is being called. */
static void on_ended(uv_timer_t *timer)
{
    struct iso_or_devices *devices = timer->data;
    iso_or_works_orphans(devices);
    iso_or_ops_begin(devices);
    uv_close((uv_handle_t *)&devices->sweep, on_timer_closed);
}

static void end_if_closed(struct iso_or_devices *devices)
{
    if (devices->closing && devices->asks == 0 && !devices->mdns_open) {
        (void)uv_timer_start(&devices->soon, on_ended, 0, 0);
    }
}

void iso_or_asked(struct iso_or_devices *devices)
{
    devices->asks--;
    end_if_closed(devices);
}

static void on_mdns_stopped(void *ctx)
{
    struct iso_or_devices *devices = ctx;
    devices->mdns_open = false;
    end_if_closed(devices);
}

/* When they were seen last, which is not worth a write to the disk each. */
static void keep_all(struct iso_or_devices *devices)
{
    enum iso_err err = iso_or_store_begin(devices->store, NULL);
    for (size_t i = 0; i < devices->count && err == ISO_OK; i++) {
        err = iso_or_entry_keep(devices->by_id[i], NULL);
    }
    if (err != ISO_OK || iso_or_store_commit(devices->store, NULL) != ISO_OK) {
        iso_or_store_rollback(devices->store);
    }
}

void iso_or_devices_close(struct iso_or_devices *devices, void (*done)(void *ctx), void *ctx)
{
    devices->closing = true;
    devices->closed = done;
    devices->closed_ctx = ctx;
    (void)uv_timer_stop(&devices->sweep);
    (void)uv_timer_stop(&devices->soon);
    keep_all(devices);
    for (size_t i = 0; i < devices->count; i++) {
        stop_entry(devices->by_id[i]);
    }
    iso_or_discovery_stop(devices);
    iso_or_ops_stop(devices);
    if (devices->mdns != NULL) {
        iso_mdns_uv_stop(devices->mdns, on_mdns_stopped, devices);
    }
    end_if_closed(devices);
}

/* ---- Questions and small changes ----------------------------------------------------------------
 */

const struct iso_or_device *iso_or_devices_find(const struct iso_or_devices *devices,
                                                struct iso_str id_or_name)
{
    const struct iso_or_entry *entry = iso_or_entry_find(devices, id_or_name);
    entry = entry != NULL ? entry : iso_or_entry_find_name(devices, id_or_name);
    return entry != NULL ? &entry->device : NULL;
}

void iso_or_devices_each(const struct iso_or_devices *devices,
                         bool (*each)(void *ctx, const struct iso_or_device *device), void *ctx)
{
    for (size_t i = 0; i < devices->count; i++) {
        if (!each(ctx, &devices->by_name[i]->device)) {
            return;
        }
    }
}

bool iso_or_devices_reach(const struct iso_or_devices *devices, struct iso_str id,
                          struct iso_or_reach *out)
{
    const struct iso_or_entry *entry = iso_or_entry_find(devices, id);
    size_t at = 0;
    while (entry != NULL && at < entry->address_count &&
           !iso_or_entry_trusts(entry, entry->addresses[at])) {
        at++;
    }
    if (entry == NULL || at == entry->address_count) {
        return false;
    }
    *out = entry->target;
    memcpy(out->base, entry->addresses[at], sizeof out->base);
    (void)iso_format(out->owner, sizeof out->owner, "%s", devices->id);
    return true;
}

size_t iso_or_devices_count(const struct iso_or_devices *devices)
{
    return devices->count;
}
