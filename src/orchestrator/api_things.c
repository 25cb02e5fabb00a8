/* api_things.c - HTTP: what is put together from many devices: the Thing Description Directory (W3C
 * WoT Discovery, section 7), the flows of an application, and the components with their figures.
 * All this is the devices' own word; they are asked when somebody asks here, so that what is told
 * is true. */
#include "orchestrator/gather.h"

#include "base/format.h"
#include "daemon/reply.h"
#include "platform/platform.h"

#include <stdlib.h>
#include <string.h>

enum { THINGS_DEFAULT = 100, THINGS_MAX = 1000, FLOWS_MS = 3000, COMPONENTS_MS = 1500 };

/* ---- Things ------------------------------------------------------------------------------------
 */

/* A page of them: those from `offset` on, at most `limit`. */
struct page {
    struct iso_orchestrator *orchestrator;
    struct iso_or_gathered *items;
    size_t count, total, offset, limit;
};

static struct iso_or_gathered *next_item(struct page *page)
{
    const size_t index = page->total++;
    return index >= page->offset && page->count < page->limit ? &page->items[page->count++] : NULL;
}

static bool is_up(const struct iso_or_device *device)
{
    return device != NULL && (device->state == ISO_OR_UP || device->state == ISO_OR_SUSPECT);
}

static bool add_device(void *ctx, const struct iso_or_device *device)
{
    struct iso_or_gathered *item = is_up(device) ? next_item(ctx) : NULL;
    if (item != NULL) {
        memcpy(item->device, device->id, sizeof item->device);
        (void)iso_format(item->path, sizeof item->path, "/.well-known/wot");
    }
    return true;
}

static bool add_component(void *ctx, struct iso_str app, struct iso_str component,
                          const char *device)
{
    struct page *page = ctx;
    const struct iso_or_device *known =
        iso_or_devices_find(page->orchestrator->devices, iso_str_from_z(device));
    struct iso_or_gathered *item = is_up(known) ? next_item(page) : NULL;
    if (item != NULL) {
        memcpy(item->device, known->id, sizeof item->device);
        (void)iso_format(item->path, sizeof item->path, "/v1/components/%.*s/%.*s/td", (int)app.len,
                         app.ptr, (int)component.len, component.ptr);
    }
    return true;
}

static void on_things(void *ctx, const struct iso_or_gathered *items, size_t count)
{
    struct iso_or_pending *pending = ctx;
    if (!iso_or_pending_is_open(pending)) {
        iso_or_pending_end(pending);
        return;
    }
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        if (items[i].answer != NULL) {
            (void)json_array_append(list, items[i].answer);
        }
    }
    char *text = json_dumps(list, JSON_COMPACT);
    if (text != NULL) {
        iso_http_reply(pending->orchestrator->http, pending->id, 200, "application/ld+json",
                       iso_bytes_from(text, strlen(text)));
    } else {
        iso_http_problem(pending->orchestrator->http, pending->id, 503, NULL, NULL,
                         "out of memory");
    }
    free(text);
    json_decref(list);
    iso_or_pending_end(pending);
}

static void get_things(void *ctx, struct iso_http_request *req,
                       const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_orchestrator *orchestrator = ctx;
    struct page page = {.orchestrator = orchestrator};
    (void)params;
    uint64_t offset = 0, limit = THINGS_DEFAULT;
    if (!iso_reply_read_number(req, "offset", SIZE_MAX / 2, &offset) ||
        !iso_reply_read_number(req, "limit", THINGS_MAX, &limit)) {
        return;
    }
    page.offset = (size_t)offset;
    page.limit = (size_t)limit;
    struct iso_or_pending *pending = iso_or_pending_new(orchestrator, req, "things");
    page.items = pending != NULL
                     ? iso_alloc_array(orchestrator->alloc, page.limit + 1, sizeof *page.items)
                     : NULL;
    if (page.items == NULL) {
        if (pending != NULL) {
            iso_or_pending_refuse(pending);
        }
        return;
    }
    iso_or_devices_each(orchestrator->devices, add_device, &page);
    iso_or_deployer_components(orchestrator->deployer, add_component, &page);
    if (iso_or_gather(orchestrator, page.items, page.limit + 1, page.count, on_things, pending) !=
        ISO_OK) {
        iso_or_pending_refuse(pending);
    }
}

static void on_thing(void *ctx, const struct iso_or_gathered *items, size_t count)
{
    struct iso_or_pending *pending = ctx;
    (void)count;
    if (!iso_or_pending_is_open(pending)) {
        iso_or_pending_end(pending);
        return;
    }
    char *text = items[0].answer != NULL ? json_dumps(items[0].answer, JSON_COMPACT) : NULL;
    if (text != NULL) {
        iso_http_reply(pending->orchestrator->http, pending->id, 200, "application/td+json",
                       iso_bytes_from(text, strlen(text)));
    } else {
        iso_http_problem(pending->orchestrator->http, pending->id, 404, NULL, NULL,
                         "no device that answers has a thing of that id");
    }
    free(text);
    iso_or_pending_end(pending);
}

/* "urn:isomer:DEVICE" or "urn:isomer:DEVICE:APP:COMPONENT". */
static bool parse_id(struct iso_str id, struct iso_or_gathered *out)
{
    static const char head[] = "urn:isomer:";
    char text[200];
    if (id.len >= sizeof text || id.len < sizeof head ||
        memcmp(id.ptr, head, sizeof head - 1) != 0) {
        return false;
    }
    (void)iso_format(text, sizeof text, "%.*s", (int)id.len, id.ptr);
    char *device = text + sizeof head - 1, *app = strchr(device, ':');
    char *component = app != NULL ? strchr(app + 1, ':') : NULL;
    if (app != NULL) {
        *app++ = '\0';
    }
    if (component != NULL) {
        *component++ = '\0';
    }
    if (strlen(device) >= sizeof out->device || (app != NULL) != (component != NULL)) {
        return false;
    }
    (void)iso_format(out->device, sizeof out->device, "%s", device);
    if (app == NULL) {
        (void)iso_format(out->path, sizeof out->path, "/.well-known/wot");
    } else {
        (void)iso_format(out->path, sizeof out->path, "/v1/components/%s/%s/td", app, component);
    }
    return strpbrk(out->path + 1, "?#% ") == NULL;
}

static void get_thing(void *ctx, struct iso_http_request *req,
                      const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_orchestrator *orchestrator = ctx;
    struct iso_or_pending *pending = iso_or_pending_new(orchestrator, req, "thing");
    struct iso_or_gathered *item =
        pending != NULL ? iso_alloc_new(orchestrator->alloc, sizeof *item) : NULL;
    if (item == NULL || !parse_id(params[0], item)) {
        if (pending != NULL) {
            iso_http_problem(orchestrator->http, pending->id, item != NULL ? 404 : 503, NULL, NULL,
                             item != NULL ? "ids are \"urn:isomer:DEVICE\" and "
                                            "\"urn:isomer:DEVICE:APP:COMPONENT\""
                                          : "out of memory");
            iso_or_pending_end(pending);
        }
        iso_alloc_free(orchestrator->alloc, item, sizeof *item);
        return;
    }
    if (iso_or_gather(orchestrator, item, 1, 1, on_thing, pending) != ISO_OK) {
        iso_or_pending_refuse(pending);
    }
}

/* ---- Of all devices ----------------------------------------------------------------------------
 */

/* Asks the devices that have components of the application (app.len 0: of any). */
static void ask_sites(struct iso_orchestrator *orchestrator, struct iso_http_request *req,
                      struct iso_str app, const char *path, uint32_t timeout_ms,
                      void (*done)(void *ctx, const struct iso_or_gathered *items, size_t count))
{
    if (app.len != 0 && iso_or_deployer_revision(orchestrator->deployer, app) == 0) {
        iso_http_problem(orchestrator->http, iso_http_request_id(req), 404, NULL, NULL,
                         "no application has that name");
        return;
    }
    struct iso_or_pending *pending = iso_or_pending_new(orchestrator, req, path);
    if (pending != NULL &&
        iso_or_gather_sites(orchestrator, app, path, timeout_ms, done, pending) != ISO_OK) {
        iso_or_pending_refuse(pending);
    }
}

/* ---- Flows -------------------------------------------------------------------------------------
 */

/* Members of a device's answer that are of the application, with the device's name. */
static void take_own(json_t *to, const json_t *answer, const char *key, const char *app,
                     const char *device)
{
    size_t index;
    json_t *item;
    json_t *list = json_object_get(to, key);
    json_array_foreach(json_object_get(answer, key), index, item)
    {
        const char *of = json_string_value(json_object_get(item, "app"));
        if (of != NULL && strcmp(of, app) == 0) {
            (void)json_object_set_new(item, "on", json_string(device));
            (void)json_array_append(list, item);
        }
    }
}

static json_int_t generation_of(const json_t *flow)
{
    return json_integer_value(json_object_get(flow, "generation"));
}

static bool is_on(const json_t *of, const char *key, const char *device)
{
    const char *name = json_string_value(json_object_get(of, key));
    return name != NULL && strcmp(name, device) == 0;
}

/* Steps of a flow: each from the device that carries it out. */
static void merge_steps(json_t *to, const json_t *from, const char *device)
{
    size_t index;
    json_t *step;
    json_array_foreach(json_object_get(from, "steps"), index, step)
    {
        if (is_on(step, "device", device)) {
            (void)json_array_set(json_object_get(to, "steps"), index, step);
        }
    }
}

/* Every device with a part in a flow tells of it. Its runs are counted where its first step is. */
static void merge_flow(json_t *by_name, json_t *flow)
{
    const char *name = json_string_value(json_object_get(flow, "flow"));
    const char *device = json_string_value(json_object_get(flow, "on"));
    json_t *known = name != NULL ? json_object_get(by_name, name) : NULL;
    if (name == NULL || generation_of(flow) < generation_of(known)) {
        return;
    }
    if (known != NULL && generation_of(flow) == generation_of(known)) {
        merge_steps(known, flow, device);
        if (!is_on(json_array_get(json_object_get(flow, "steps"), 0), "device", device)) {
            return;
        }
        (void)json_object_set(flow, "steps", json_object_get(known, "steps"));
    }
    (void)json_object_set(by_name, name, flow);
}

/* The member "flows" of an answer: each once. */
static void merge_flows(json_t *all)
{
    size_t index;
    const char *name;
    json_t *flow, *by_name = json_object(), *merged = json_array();
    json_array_foreach(json_object_get(all, "flows"), index, flow)
    {
        merge_flow(by_name, flow);
    }
    json_object_foreach(by_name, name, flow)
    {
        (void)json_array_append(merged, flow);
    }
    json_decref(by_name);
    (void)json_object_set_new(all, "flows", merged);
}

static void on_flows(void *ctx, const struct iso_or_gathered *items, size_t count)
{
    struct iso_or_pending *pending = ctx;
    if (!iso_or_pending_is_open(pending)) {
        iso_or_pending_end(pending);
        return;
    }
    json_t *all = json_pack("{s:[], s:[], s:[], s:[]}", "flows", "links", "peers", "silent");
    for (size_t i = 0; i < count && all != NULL; i++) {
        if (items[i].answer == NULL) {
            (void)json_array_append_new(json_object_get(all, "silent"),
                                        json_string(items[i].device));
        }
        take_own(all, items[i].answer, "flows", items[i].tag, items[i].device);
        take_own(all, items[i].answer, "links", items[i].tag, items[i].device);
        take_own(all, items[i].answer, "peers", items[i].tag, items[i].device);
    }
    merge_flows(all);
    iso_reply_json(pending->orchestrator->http, pending->id, 200, all);
    iso_or_pending_end(pending);
}

static void get_flows(void *ctx, struct iso_http_request *req,
                      const struct iso_str params[ISO_ROUTE_PARAMS])
{
    ask_sites(ctx, req, params[0], "/v1/flows", FLOWS_MS, on_flows);
}

/* ---- Components --------------------------------------------------------------------------------
 */

struct components {
    const struct iso_orchestrator *orchestrator;
    const char *app; /* only of this one; "": of all */
    json_t *said;    /* device -> "app/component" -> what the device says of it */
    json_t *list;
};

static void key_of(char out[ISO_OR_APP_SIZE * 2], struct iso_str app, struct iso_str component)
{
    (void)iso_format(out, (size_t)ISO_OR_APP_SIZE * 2, "%.*s/%.*s", (int)app.len, app.ptr,
                     (int)component.len, component.ptr);
}

static void note_said(json_t *said, const struct iso_or_gathered *item)
{
    size_t index;
    json_t *one, *of = json_object();
    json_array_foreach(item->answer, index, one)
    {
        char key[ISO_OR_APP_SIZE * 2];
        const char *app = json_string_value(json_object_get(one, "app"));
        const char *component = json_string_value(json_object_get(one, "component"));
        if (app != NULL && component != NULL) {
            key_of(key, iso_str_from_z(app), iso_str_from_z(component));
            (void)json_object_set(of, key, one);
        }
    }
    (void)json_object_set_new(said, item->device, of);
}

/* Every component that is placed: as its device says that it is, or as one of which nothing is
 * known. */
static bool list_component(void *ctx, struct iso_str app, struct iso_str component,
                           const char *device)
{
    const struct components *components = ctx;
    char key[ISO_OR_APP_SIZE * 2];
    if (components->app[0] != '\0' && !iso_str_equal_z(app, components->app)) {
        return true;
    }
    key_of(key, app, component);
    json_t *said = json_object_get(json_object_get(components->said, device), key);
    json_t *one = said != NULL
                      ? json_incref(said)
                      : json_pack("{s:s%, s:s%, s:s}", "app", app.ptr, app.len, "component",
                                  component.ptr, component.len, "state", "unknown");
    const struct iso_or_device *known =
        iso_or_devices_find(components->orchestrator->devices, iso_str_from_z(device));
    (void)json_object_set_new(one, "device", json_string(device));
    (void)json_object_set_new(one, "device-name", json_string(known != NULL ? known->name : ""));
    (void)json_array_append_new(components->list, one);
    return true;
}

static void on_components(void *ctx, const struct iso_or_gathered *items, size_t count)
{
    struct iso_or_pending *pending = ctx;
    if (!iso_or_pending_is_open(pending)) {
        iso_or_pending_end(pending);
        return;
    }
    struct components components = {.orchestrator = pending->orchestrator,
                                    .app = count != 0 ? items[0].tag : "",
                                    .said = json_object(),
                                    .list = json_array()};
    for (size_t i = 0; i < count; i++) {
        note_said(components.said, &items[i]);
    }
    if (count != 0) {
        iso_or_deployer_components(pending->orchestrator->deployer, list_component, &components);
    }
    json_decref(components.said);
    iso_reply_json(pending->orchestrator->http, pending->id, 200, components.list);
    iso_or_pending_end(pending);
}

static void get_components(void *ctx, struct iso_http_request *req,
                           const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_str app = {NULL, 0};
    (void)params;
    (void)iso_http_request_parameter(req, "app", &app);
    ask_sites(ctx, req, app, "/v1/components", COMPONENTS_MS, on_components);
}

const struct iso_route iso_or_routes_things[] = {
    {.method = ISO_HTTP_GET,
     .pattern = "things",
     .access = ISO_ROUTE_READ,
     .summary = "Thing Descriptions of devices and components; ?offset, ?limit",
     .answer_type = "application/ld+json",
     .handle = get_things},
    {.method = ISO_HTTP_GET,
     .pattern = "things/{id}",
     .access = ISO_ROUTE_READ,
     .summary = "One Thing Description",
     .answer_type = "application/td+json",
     .handle = get_thing},
    {.method = ISO_HTTP_GET,
     .pattern = "v1/flows/{app}",
     .access = ISO_ROUTE_READ,
     .summary = "Flows and links of an application, from all its devices",
     .answer_type = "application/json",
     .handle = get_flows},
    {.method = ISO_HTTP_GET,
     .pattern = "v1/components",
     .access = ISO_ROUTE_READ,
     .summary = "All components, as their devices say that they are; ?app",
     .answer_type = "application/json",
     .handle = get_components},
    {.method = 0}};
