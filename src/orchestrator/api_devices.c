/* api_devices.c - HTTP: devices and candidates (docs/orchestrator-api.md, "Devices"). */
#include "orchestrator/service.h"

#include "base/format.h"
#include "daemon/reply.h"
#include "platform/platform.h"

#include <string.h>

enum { BODY_MAX = 64 << 10 };

static void not_found(struct iso_orchestrator *orchestrator, struct iso_http_request *req,
                      struct iso_str name)
{
    char detail[256];
    (void)iso_format(detail, sizeof detail,
                     "no device has the name or id '%.*s'; 'isomer device ls' lists them",
                     (int)(name.len > 80 ? 80 : name.len), name.ptr);
    iso_http_problem(orchestrator->http, iso_http_request_id(req), 404, NULL, NULL, detail);
}

static void write_device(struct iso_orchestrator *orchestrator, iso_http_id id, unsigned status,
                         const struct iso_or_device *device)
{
    struct iso_reply_document document;
    iso_reply_document_begin(&document);
    iso_or_devices_write_one(orchestrator->devices, device, &document.json);
    iso_reply_document_end(&document, orchestrator->http, id, status, ISO_OK);
}

/* What was only looked at: who it is, and whose. */
static void write_candidate(struct iso_orchestrator *orchestrator, iso_http_id id, const char *name)
{
    struct iso_reply_document document;
    enum iso_err err = ISO_OK;
    iso_reply_document_begin(&document);
    if (!iso_or_devices_write_candidate(orchestrator->devices, name, &document.json)) {
        err = iso_fail(&document.report, ISO_E_NOT_FOUND,
                       "it was there a moment ago, and is not there any more");
    }
    iso_reply_document_end(&document, orchestrator->http, id, 202, err);
}

static void get_devices(void *ctx, struct iso_http_request *req,
                        const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_orchestrator *orchestrator = ctx;
    struct iso_reply_document document;
    (void)params;
    iso_reply_document_begin(&document);
    iso_json_object_begin(&document.json);
    iso_json_key(&document.json, "devices");
    iso_or_devices_write(orchestrator->devices, &document.json);
    iso_json_key(&document.json, "candidates");
    iso_or_devices_write_candidates(orchestrator->devices, &document.json);
    iso_json_object_end(&document.json);
    iso_reply_document_end(&document, orchestrator->http, iso_http_request_id(req), 200, ISO_OK);
}

static void get_device(void *ctx, struct iso_http_request *req,
                       const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_orchestrator *orchestrator = ctx;
    const struct iso_or_device *device = iso_or_devices_find(orchestrator->devices, params[0]);
    if (device == NULL) {
        not_found(orchestrator, req, params[0]);
        return;
    }
    write_device(orchestrator, iso_http_request_id(req), 200, device);
}

/* ---- Adding ------------------------------------------------------------------------------------
 */

/* What stands between a device and us is not the client's fault, and not ours. */
static unsigned status_of(enum iso_err err)
{
    return err == ISO_E_IO ? 504 : iso_reply_status(err);
}

static void on_added(void *ctx, enum iso_err err, const struct iso_report *report,
                     const char *device)
{
    struct iso_or_pending *pending = ctx;
    struct iso_orchestrator *orchestrator = pending->orchestrator;
    const struct iso_or_device *added =
        err == ISO_OK ? iso_or_devices_find(orchestrator->devices, iso_str_from_z(device)) : NULL;
    if (!iso_or_pending_is_open(pending)) {
        iso_or_pending_end(pending);
        return;
    }
    if (err != ISO_OK) {
        iso_http_problem(orchestrator->http, pending->id, status_of(err), NULL, NULL,
                         iso_report_text(report, err));
    } else if (added == NULL) {
        write_candidate(orchestrator, pending->id, device);
    } else {
        write_device(orchestrator, pending->id, 201, added);
    }
    iso_or_pending_end(pending);
}

/* The text of a member that may be absent; false: it is something else. */
static bool text_of(const json_t *object, const char *key, struct iso_str *out)
{
    const json_t *value = json_object_get(object, key);
    *out = (struct iso_str){NULL, 0};
    if (value == NULL || json_is_null(value)) {
        return true;
    }
    *out = iso_str_from(json_string_value(value), json_string_length(value));
    return json_is_string(value);
}

static void post_devices(void *ctx, struct iso_http_request *req,
                         const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_orchestrator *orchestrator = ctx;
    struct iso_or_device_add add = {.take_over = false};
    (void)params;
    json_t *body = iso_reply_read_object(req);
    if (body == NULL) {
        return;
    }
    add.take_over = json_is_true(json_object_get(body, "take-over"));
    if (!text_of(body, "address", &add.address) || add.address.len == 0 ||
        !text_of(body, "code", &add.code) || !text_of(body, "token", &add.token) ||
        !text_of(body, "pin", &add.pin) || !text_of(body, "name", &add.name)) {
        iso_http_problem(orchestrator->http, iso_http_request_id(req), 400, NULL, NULL,
                         "write {\"address\": \"HOST[:PORT]\" or a candidate's name, \"code\": "
                         "\"ABCD-...\"} or {\"address\", \"token\", \"pin\"}, all texts");
    } else {
        struct iso_or_pending *pending = iso_or_pending_new(orchestrator, req, "add");
        if (pending != NULL &&
            iso_or_devices_add(orchestrator->devices, &add, on_added, pending) != ISO_OK) {
            iso_or_pending_refuse(pending);
        }
    }
    json_decref(body);
}

static void post_register(void *ctx, struct iso_http_request *req,
                          const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_orchestrator *orchestrator = ctx;
    struct iso_str id, name;
    struct iso_report report;
    const iso_http_id http = iso_http_request_id(req);
    (void)params;
    json_t *body = iso_reply_read_object(req);
    if (body == NULL) {
        return;
    }
    const json_int_t port = json_integer_value(json_object_get(body, "https"));
    iso_report_init(&report);
    if (!text_of(body, "id", &id) || id.len == 0 || !text_of(body, "name", &name) || port < 1 ||
        port > 65535) {
        iso_http_problem(orchestrator->http, http, 400, NULL, NULL,
                         "write {\"id\": TEXT, \"name\": TEXT, \"https\": PORT}");
    } else {
        const enum iso_err err =
            iso_or_devices_registered(orchestrator->devices, id, name,
                                      iso_http_request_peer_text(req), (uint16_t)port, &report);
        if (err != ISO_OK) {
            iso_reply_error(orchestrator->http, http, err, &report);
        } else {
            iso_http_reply(orchestrator->http, http, 202, NULL, iso_bytes_from(NULL, 0));
        }
    }
    json_decref(body);
}

/* ---- Changing and removing ---------------------------------------------------------------------
 */

static void patch_device(void *ctx, struct iso_http_request *req,
                         const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_orchestrator *orchestrator = ctx;
    const struct iso_or_device *device = iso_or_devices_find(orchestrator->devices, params[0]);
    const iso_http_id http = iso_http_request_id(req);
    struct iso_str name;
    struct iso_report report;
    char id[ISO_OR_ID_SIZE];
    if (device == NULL) {
        not_found(orchestrator, req, params[0]);
        return;
    }
    json_t *body = iso_reply_read_object(req);
    if (body == NULL) {
        return;
    }
    memcpy(id, device->id, sizeof id);
    const json_t *labels = json_object_get(body, "labels");
    const json_t *drained = json_object_get(body, "drained");
    const bool drain = json_is_true(drained);
    iso_report_init(&report);
    enum iso_err err = ISO_OK;
    if (!text_of(body, "name", &name) || (labels != NULL && !json_is_object(labels)) ||
        (drained != NULL && !json_is_boolean(drained))) {
        err = iso_fail(&report, ISO_E_INVALID,
                       "write {\"name\": TEXT, \"labels\": {KEY: TEXT or null}, \"drained\": true "
                       "or false}, or some of these");
    }
    err = err != ISO_OK ? err
                        : iso_or_devices_change(orchestrator->devices, iso_str_from_z(id), name,
                                                labels, drained != NULL ? &drain : NULL, &report);
    if (err != ISO_OK) {
        /* Too many labels are the request's fault, and no lack of room. */
        iso_reply_error(orchestrator->http, http, err == ISO_E_LIMIT ? ISO_E_INVALID : err,
                        &report);
    } else {
        write_device(orchestrator, http, 200,
                     iso_or_devices_find(orchestrator->devices, iso_str_from_z(id)));
    }
    json_decref(body);
}

static void on_removed(void *ctx, enum iso_err err, const struct iso_report *report,
                       const char *device)
{
    struct iso_or_pending *pending = ctx;
    (void)device;
    if (!iso_or_pending_is_open(pending)) {
        iso_or_pending_end(pending);
        return;
    }
    if (err == ISO_OK) {
        iso_http_reply(pending->orchestrator->http, pending->id, 204, NULL,
                       iso_bytes_from(NULL, 0));
    } else {
        iso_http_problem(pending->orchestrator->http, pending->id, status_of(err), NULL, NULL,
                         iso_report_text(report, err));
    }
    iso_or_pending_end(pending);
}

static void delete_device(void *ctx, struct iso_http_request *req,
                          const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_orchestrator *orchestrator = ctx;
    struct iso_str value;
    const struct iso_or_device *device = iso_or_devices_find(orchestrator->devices, params[0]);
    if (device == NULL) {
        not_found(orchestrator, req, params[0]);
        return;
    }
    const bool forget =
        iso_http_request_parameter(req, "forget", &value) && iso_str_equal_z(value, "true");
    const char *app = iso_or_deployer_uses(orchestrator->deployer, iso_str_from_z(device->id));
    if (app != NULL && !forget) {
        char detail[256];
        (void)iso_format(detail, sizeof detail,
                         "the application %s runs on %s: move its components or remove it first "
                         "('isomer device drain %s' moves what can be moved)",
                         app, device->name, device->name);
        iso_http_problem(orchestrator->http, iso_http_request_id(req), 409, NULL, NULL, detail);
        return;
    }
    struct iso_or_pending *pending = iso_or_pending_new(orchestrator, req, "remove");
    if (pending != NULL && iso_or_devices_remove(orchestrator->devices, iso_str_from_z(device->id),
                                                 forget, on_removed, pending) != ISO_OK) {
        iso_or_pending_refuse(pending);
    }
}

const struct iso_route iso_or_routes_devices[] = {
    {.method = ISO_HTTP_GET,
     .pattern = "v1/devices",
     .access = ISO_ROUTE_READ,
     .summary = "The devices, and the candidates that were found",
     .answer_type = "application/json",
     .handle = get_devices},
    {.method = ISO_HTTP_POST,
     .pattern = "v1/devices",
     .access = ISO_ROUTE_OPERATE,
     .summary = "Pair with a device by a code, or add it by a token",
     .answer_type = "application/json",
     .body_max = BODY_MAX,
     .handle = post_devices},
    {.method = ISO_HTTP_GET,
     .pattern = "v1/devices/{device}",
     .access = ISO_ROUTE_READ,
     .summary = "A device with its description",
     .answer_type = "application/json",
     .handle = get_device},
    {.method = ISO_HTTP_PATCH,
     .pattern = "v1/devices/{device}",
     .access = ISO_ROUTE_OPERATE,
     .summary = "Rename it, label it, drain it",
     .answer_type = "application/json",
     .body_max = BODY_MAX,
     .handle = patch_device},
    {.method = ISO_HTTP_DELETE,
     .pattern = "v1/devices/{device}",
     .access = ISO_ROUTE_OPERATE,
     .summary = "Give a device back",
     .handle = delete_device},
    {.method = ISO_HTTP_POST,
     .pattern = "v1/register",
     .access = ISO_ROUTE_PUBLIC,
     .summary = "A device says that it is there",
     .body_max = BODY_MAX,
     .handle = post_register},
    {.method = 0}};
