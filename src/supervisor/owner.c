/* owner.c - HTTP: the orchestrator that a device belongs to, kept in DIR/owner.json. */
#include "supervisor/daemon.h"

#include "base/format.h"
#include "base/json_member.h"
#include "daemon/clock.h"
#include "daemon/member.h"
#include "platform/platform.h"

#include <jansson.h>

#include <string.h>

enum { OWNER_BODY_MAX = 4096 };

#define FILE_NAME "owner.json"

/* ---- The document --------------------------------------------------------------------------- */

void iso_sv_owner_write(const struct iso_sv_owner *owner, struct iso_json *json)
{
    if (owner->id[0] == '\0') {
        iso_json_null(json);
        return;
    }
    iso_json_object_begin(json);
    iso_json_put_z(json, "id", owner->id);
    iso_json_put_z(json, "name", owner->name);
    iso_json_put_z(json, "address", owner->address[0] != '\0' ? owner->address : NULL);
    iso_member_time(json, "since", owner->since_s * 1000000000u);
    iso_json_object_end(json);
}

static bool is_id(const char *text)
{
    return strlen(text) == ISO_STATE_ID_SIZE - 1 &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz234567") == ISO_STATE_ID_SIZE - 1;
}

/* Visible characters and blanks; no more than fits. jansson has checked that it is UTF-8. */
static bool is_name(const json_t *value)
{
    const char *text = json_string_value(value);
    if (text == NULL || text[0] == '\0' || json_string_length(value) != strlen(text) ||
        strlen(text) >= ISO_SV_OWNER_NAME_SIZE) {
        return false;
    }
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
        if (*c < 0x20 || *c == 0x7f || (c[0] == 0xc2 && c[1] < 0xa0)) {
            return false;
        }
    }
    return true;
}

static bool is_address(const char *text)
{
    if ((strncmp(text, "https://", 8) != 0 && strncmp(text, "http://", 7) != 0) ||
        strlen(text) >= ISO_SV_OWNER_ADDRESS_SIZE) {
        return false;
    }
    for (const char *c = text; *c != '\0'; c++) {
        if (*c <= ' ' || *c > '~' || *c == '"' || *c == '<' || *c == '>') {
            return false;
        }
    }
    return true;
}

/* {"id", "name", "address"}; out gets no `since`. Errors: INVALID. */
static enum iso_err parse(const json_t *root, struct iso_sv_owner *out, struct iso_report *report)
{
    const json_t *address = json_object_get(root, "address");
    const char *id = json_string_value(json_object_get(root, "id"));
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)root, key, value)
    {
        if (strcmp(key, "id") != 0 && strcmp(key, "name") != 0 && strcmp(key, "address") != 0 &&
            strcmp(key, "since") != 0) {
            return iso_fail(report, ISO_E_INVALID,
                            "\"%s\" is unknown; there are \"id\", \"name\" and \"address\"", key);
        }
    }
    if (id == NULL || !is_id(id)) {
        return iso_fail(report, ISO_E_INVALID,
                        "\"id\" must be the orchestrator's identity: 26 of a-z and 2-7");
    }
    if (!is_name(json_object_get(root, "name"))) {
        return iso_fail(report, ISO_E_INVALID, "\"name\" must be a text of 1 to %d bytes",
                        ISO_SV_OWNER_NAME_SIZE - 1);
    }
    if (address != NULL && !json_is_null(address) &&
        (!json_is_string(address) || !is_address(json_string_value(address)))) {
        return iso_fail(report, ISO_E_INVALID,
                        "\"address\" must be null or an address such as "
                        "\"https://192.0.2.7:8491\", of at most %d bytes",
                        ISO_SV_OWNER_ADDRESS_SIZE - 1);
    }
    *out = (struct iso_sv_owner){.since_s = 0};
    (void)iso_format(out->id, sizeof out->id, "%s", id);
    (void)iso_format(out->name, sizeof out->name, "%s",
                     json_string_value(json_object_get(root, "name")));
    if (json_is_string(address)) {
        (void)iso_format(out->address, sizeof out->address, "%s", json_string_value(address));
    }
    return ISO_OK;
}

/* ---- On disk -------------------------------------------------------------------------------- */

/* The time is kept as a number: {"id", "name", "address", "since"}. */
static enum iso_err read_owner(struct iso_bytes bytes, struct iso_sv_owner *out,
                               struct iso_report *report)
{
    json_t *root = json_loadb((const char *)bytes.ptr, bytes.len, JSON_REJECT_DUPLICATES, NULL);
    const json_t *since = json_object_get(root, "since");
    enum iso_err err = ISO_OK;
    if (!json_is_object(root) || !json_is_integer(since) || json_integer_value(since) < 0) {
        err = iso_fail(report, ISO_E_MALFORMED, "it is no document of an owner");
    }
    err = err != ISO_OK ? err : parse(root, out, report);
    if (err == ISO_OK) {
        out->since_s = (uint64_t)json_integer_value(since);
    }
    json_decref(root);
    return err;
}

void iso_sv_owner_load(struct iso_supervisor *sv)
{
    char path[ISO_PATH_MAX];
    struct iso_file file = {{NULL, 0}, 0};
    struct iso_report report;
    iso_report_init(&report);
    enum iso_err err = ISO_E_ARGUMENT;
    if (iso_path_join(path, sv->state.dir, FILE_NAME)) {
        err = iso_file_read(path, OWNER_BODY_MAX, &file, &report);
    }
    if (err == ISO_E_NOT_FOUND) {
        return;
    }
    err = err != ISO_OK ? err : read_owner(file.bytes, &sv->owner, &report);
    iso_file_fini(&file);
    if (err != ISO_OK) {
        iso_log_write(&sv->log, ISO_LOG_ERROR, "owner",
                      "whose device this is cannot be read from %s: %s", path,
                      iso_report_text(&report, err));
    }
}

/* Durable before it counts. */
static enum iso_err store(struct iso_supervisor *sv, const struct iso_sv_owner *owner,
                          struct iso_report *report)
{
    char path[ISO_PATH_MAX];
    if (owner->id[0] == '\0') {
        return iso_file_remove(sv->state.dir, FILE_NAME, report);
    }
    if (!iso_path_join(path, sv->state.dir, FILE_NAME)) {
        return ISO_E_ARGUMENT;
    }
    json_t *document = json_pack("{s:s, s:s, s:s*, s:I}", "id", owner->id, "name", owner->name,
                                 "address", owner->address[0] != '\0' ? owner->address : NULL,
                                 "since", (json_int_t)owner->since_s);
    struct iso_buf buf;
    iso_buf_init(&buf, sv->alloc, OWNER_BODY_MAX);
    char *text = document != NULL ? json_dumps(document, JSON_COMPACT) : NULL;
    json_decref(document);
    enum iso_err err = text != NULL ? iso_buf_append(&buf, text, strlen(text)) : ISO_E_NOMEM;
    free(text);
    err = err != ISO_OK ? err : iso_file_write_atomic(path, iso_buf_view(&buf), report);
    iso_buf_fini(&buf);
    return err;
}

static enum iso_err change(struct iso_supervisor *sv, const struct iso_sv_owner *owner,
                           struct iso_report *report)
{
    const enum iso_err err = store(sv, owner, report);
    char detail[128];
    if (err != ISO_OK) {
        return err;
    }
    sv->owner = *owner;
    sv->revision++;
    (void)iso_format(detail, sizeof detail, owner->id[0] != '\0' ? "%s (%s)" : "nobody",
                     owner->name, owner->id);
    iso_log_write(&sv->log, ISO_LOG_INFO, "owner", "%s", detail);
    iso_sv_event(sv, "owner", (struct iso_str){NULL, 0}, (struct iso_str){NULL, 0}, detail);
    return ISO_OK;
}

/* ---- Refusing ------------------------------------------------------------------------------- */

static void put_owner(void *ctx, struct iso_json *json)
{
    const struct iso_supervisor *sv = ctx;
    iso_json_key(json, "owner");
    iso_sv_owner_write(&sv->owner, json);
}

static void refuse(struct iso_supervisor *sv, struct iso_http_request *req, const char *type,
                   const char *title, const char *detail)
{
    iso_http_problem_with(sv->http, iso_http_request_id(req), 409, type, title, detail, NULL, 0,
                          put_owner, sv);
}

bool iso_sv_owner_admits(void *ctx, struct iso_http_request *req)
{
    struct iso_supervisor *sv = ctx;
    struct iso_str claimed;
    char detail[320];
    if (!iso_http_request_header(req, "Isomer-Owner", &claimed) ||
        (sv->owner.id[0] != '\0' && iso_str_equal_z(claimed, sv->owner.id))) {
        return true;
    }
    if (sv->owner.id[0] == '\0') {
        (void)iso_format(detail, sizeof detail,
                         "this device belongs to nobody; claim it first (PUT /v1/owner)");
    } else {
        (void)iso_format(detail, sizeof detail,
                         "this device belongs to the orchestrator \"%s\" (%s), not to who asks",
                         sv->owner.name, sv->owner.id);
    }
    refuse(sv, req, "urn:isomer:problem:not-owner", "Not the owner", detail);
    return false;
}

/* ---- Routes --------------------------------------------------------------------------------- */

static void get_owner(void *ctx, struct iso_http_request *req,
                      const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_supervisor *sv = ctx;
    struct iso_reply_document document;
    (void)params;
    if (sv->owner.id[0] == '\0') {
        iso_http_problem(sv->http, iso_http_request_id(req), 404, NULL, NULL,
                         "this device belongs to nobody");
        return;
    }
    iso_reply_document_begin(&document);
    iso_sv_owner_write(&sv->owner, &document.json);
    iso_reply_document_end(&document, sv->http, iso_http_request_id(req), 200, ISO_OK);
}

static void refuse_claim(struct iso_supervisor *sv, struct iso_http_request *req)
{
    char since[32], detail[768];
    const struct iso_sv_owner *owner = &sv->owner;
    iso_clock_text(owner->since_s * 1000000000u, since);
    (void)iso_format(
        detail, sizeof detail,
        "this device belongs to the orchestrator \"%s\"%s%s since %s; take it away "
        "there (isomer device rm \"%s\") or here (isomer --device HOST:PORT owner rm), "
        "or take it over (isomer device add --take-over; ?take-over=true)",
        owner->name, owner->address[0] != '\0' ? " at " : "", owner->address, since, sv->name);
    refuse(sv, req, "urn:isomer:problem:owned", "Belongs to another orchestrator", detail);
}

static bool wants_take_over(struct iso_http_request *req)
{
    struct iso_str value;
    return iso_http_request_parameter(req, "take-over", &value) && iso_str_equal_z(value, "true");
}

static void answer(struct iso_supervisor *sv, struct iso_http_request *req, enum iso_err err,
                   const struct iso_report *report)
{
    const iso_http_id id = iso_http_request_id(req);
    if (err == ISO_OK) {
        iso_http_reply(sv->http, id, 204, NULL, iso_bytes_from(NULL, 0));
    } else if (err == ISO_E_IO || err == ISO_E_ACCESS) { /* the disk, as with deployments */
        iso_http_problem(sv->http, id, 507, NULL, NULL, iso_report_text(report, err));
    } else {
        iso_reply_error(sv->http, id, err, report);
    }
}

static void put_route(void *ctx, struct iso_http_request *req,
                      const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_supervisor *sv = ctx;
    struct iso_sv_owner owner;
    struct iso_report report;
    (void)params;
    json_t *root = iso_reply_read_object(req);
    if (root == NULL) {
        return;
    }
    iso_report_init(&report);
    enum iso_err err = parse(root, &owner, &report);
    json_decref(root);
    const bool same = err == ISO_OK && strcmp(owner.id, sv->owner.id) == 0;
    if (err == ISO_OK && sv->owner.id[0] != '\0' && !same && !wants_take_over(req)) {
        refuse_claim(sv, req);
        return;
    }
    if (err == ISO_OK) {
        owner.since_s = same ? sv->owner.since_s : iso_clock_now_ns() / 1000000000u;
        if (!same || strcmp(owner.name, sv->owner.name) != 0 ||
            strcmp(owner.address, sv->owner.address) != 0) {
            err = change(sv, &owner, &report);
        }
    }
    answer(sv, req, err, &report);
}

static void delete_route(void *ctx, struct iso_http_request *req,
                         const struct iso_str params[ISO_ROUTE_PARAMS])
{
    static const struct iso_sv_owner nobody = {.since_s = 0};
    struct iso_supervisor *sv = ctx;
    struct iso_report report;
    (void)params;
    iso_report_init(&report);
    if (sv->owner.id[0] == '\0') {
        answer(sv, req, ISO_OK, NULL);
    } else if (iso_sv_owner_admits(sv, req)) {
        answer(sv, req, change(sv, &nobody, &report), &report);
    }
}

const struct iso_route iso_sv_routes_owner[] = {
    {.method = ISO_HTTP_GET,
     .pattern = "v1/owner",
     .access = ISO_ROUTE_READ,
     .summary = "The orchestrator that the device belongs to; 404: none",
     .answer_type = "application/json",
     .handle = get_owner},
    {.method = ISO_HTTP_PUT,
     .pattern = "v1/owner",
     .access = ISO_ROUTE_OPERATE,
     .summary = "Claim the device for an orchestrator: {id, name, address}; ?take-over=true also "
                "from another one",
     .body_max = OWNER_BODY_MAX,
     .handle = put_route},
    {.method = ISO_HTTP_DELETE,
     .pattern = "v1/owner",
     .access = ISO_ROUTE_OPERATE,
     .summary = "Let the device belong to nobody",
     .handle = delete_route},
    {.method = 0}};
