/* api_pass.c - HTTP: what devices answer: calls, descriptions, logs, events, properties, displays.
 * A request is passed on to the device that has the component now. A call is repeated where the
 * component has gone, as long as no device can have executed it: it was refused as moved, or never
 * sent. It always has an Idempotency-Key, so that a device which has executed it already (the state
 * that moved says so) answers with the first result. */
#include "orchestrator/service.h"

#include "base/format.h"
#include "daemon/feed.h"
#include "daemon/reply.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    CALL_BODY_MAX = 16 << 20,
    ANSWER_MAX = 64 << 20,
    STREAM_BUFFER = 4 << 20,
    PATH_MAX_BYTES = 2048,
    FIELD_MAX = 512,
    REPEAT_FIRST_MS = 2,
    REPEAT_MOST_MS = 100,
    REPEAT_FOR_MS = 15000, /* by then a silent device is lost, and what can run elsewhere does */
    UNDER_WAY_MS = 1000    /* refused after this, it had begun, and moved when under way */
};

struct iso_or_pass {
    struct iso_orchestrator *orchestrator;
    struct iso_or_pass *next, **link; /* among the streams; link NULL: is none */
    iso_http_id id;                   /* of the client's request */
    uint64_t request;                 /* to the device; 0: none is under way */
    uint64_t timer;                   /* 0: none */
    bool over;                        /* the client's request is */
    bool is_call, is_flow, wants_stream, streaming;
    char app[ISO_OR_APP_SIZE], component[ISO_OR_APP_SIZE]; /* of a flow: its name */
    char device[ISO_OR_ID_SIZE];                           /* asked last; fixed when app is "" */
    char method[8], path[PATH_MAX_BYTES];
    char type[FIELD_MAX], accept[FIELD_MAX], key[FIELD_MAX], last[FIELD_MAX];
    uint8_t *body; /* of iso_alloc_libc() */
    size_t body_len;
    uint64_t asked_ms, until_ms;
    uint32_t delay_ms;
};

static void attempt(struct iso_or_pass *pass);

static struct iso_or_clock clock_of(const struct iso_or_pass *pass)
{
    return iso_or_uv_clock(pass->orchestrator->clock);
}

static void unlist(struct iso_or_pass *pass)
{
    if (pass->link != NULL) {
        *pass->link = pass->next;
        if (pass->next != NULL) {
            pass->next->link = pass->link;
        }
        pass->link = NULL;
    }
}

/* Released when neither the client's request nor anything of ours is under way. */
static void release_if_over(struct iso_or_pass *pass)
{
    if (!pass->over || pass->request != 0 || pass->timer != 0) {
        return;
    }
    iso_alloc_free(iso_alloc_libc(), pass->body, pass->body_len);
    iso_alloc_free(pass->orchestrator->alloc, pass, sizeof *pass);
}

static void on_client_closed(void *ctx, void *user)
{
    struct iso_or_pass *pass = user;
    (void)ctx;
    pass->over = true;
    unlist(pass);
    if (pass->timer != 0) {
        const struct iso_or_clock clock = clock_of(pass);
        clock.stop(clock.ctx, pass->timer);
        pass->timer = 0;
    }
    if (pass->request != 0) {
        iso_http_client_cancel(pass->orchestrator->http_client, pass->request);
    }
    release_if_over(pass);
}

static void problem(const struct iso_or_pass *pass, unsigned status, const char *type,
                    const char *detail)
{
    iso_http_problem(pass->orchestrator->http, pass->id, status, type, NULL, detail);
}

/* ---- Where -------------------------------------------------------------------------------------
 */

/* The one that was asked last, or is about to be; NULL: it has been removed. */
static const struct iso_or_device *device_of(const struct iso_or_pass *pass)
{
    return iso_or_devices_find(pass->orchestrator->devices, iso_str_from_z(pass->device));
}

/* The device that has it now; false: nobody has. */
static bool where(const struct iso_or_pass *pass, char device[ISO_OR_ID_SIZE])
{
    const struct iso_or_deployer *deployer = pass->orchestrator->deployer;
    const struct iso_str app = iso_str_from_z(pass->app), name = iso_str_from_z(pass->component);
    if (pass->app[0] == '\0') {
        memcpy(device, pass->device, ISO_OR_ID_SIZE);
        return true;
    }
    return pass->is_flow ? iso_or_deployer_flow_where(deployer, app, name, device)
                         : iso_or_deployer_where(deployer, app, name, device, NULL);
}

/* Whether the device is known to be lost, and nothing is about to run elsewhere instead. */
static bool is_lost(const struct iso_or_pass *pass)
{
    const struct iso_or_device *device = device_of(pass);
    return device != NULL && device->state == ISO_OR_LOST &&
           !iso_or_deployer_changes(pass->orchestrator->deployer, iso_str_from_z(pass->app));
}

static void on_again(void *arg)
{
    struct iso_or_pass *pass = arg;
    pass->timer = 0;
    attempt(pass);
}

/* Tries once more after a while; false: it is time to give up. answered: by a device. */
static bool again(struct iso_or_pass *pass, bool answered)
{
    const struct iso_or_clock clock = clock_of(pass);
    uint64_t now_ms = clock.now_ms(clock.ctx);
    if (answered && now_ms - pass->asked_ms >= UNDER_WAY_MS) {
        pass->until_ms = now_ms + REPEAT_FOR_MS;
        pass->delay_ms = REPEAT_FIRST_MS;
    }
    if (pass->over || now_ms >= pass->until_ms) {
        return false;
    }
    pass->timer = clock.after(clock.ctx, pass->delay_ms, on_again, pass);
    pass->delay_ms = pass->delay_ms * 2 > REPEAT_MOST_MS ? REPEAT_MOST_MS : pass->delay_ms * 2;
    return pass->timer != 0;
}

/* ---- Answers -----------------------------------------------------------------------------------
 */

static bool is_moved(const struct iso_http_client_answer *answer)
{
    static const char moved[] = "urn:isomer:problem:moved";
    bool found = false;
    if (answer->status == 409) {
        json_t *body = json_loadb((const char *)answer->body->ptr, answer->body->len, 0, NULL);
        const char *type = json_string_value(json_object_get(body, "type"));
        found = type != NULL && strcmp(type, moved) == 0;
        json_decref(body);
    }
    return found;
}

/* What the answer says it is, when that is something that routes here answer; else bytes. A device
 * must not speak to browsers in our name: no pages, no scripts. */
static const char *type_of(const struct iso_http_client_answer *answer, char out[128])
{
    static const char *const known[] = {"application/json",         "application/problem+json",
                                        "application/td+json",      "application/cbor",
                                        "application/octet-stream", "text/plain",
                                        "text/event-stream",        "image/jpeg",
                                        "multipart/x-mixed-replace"};
    struct iso_str type = {NULL, 0};
    if (!iso_http_client_header(answer, "Content-Type", 0, &type)) {
        return NULL;
    }
    (void)iso_format(out, 128, "%.*s", (int)type.len, type.ptr);
    const size_t len = strcspn(out, "; ");
    for (size_t i = 0; i < ISO_COUNT_OF(known); i++) {
        if (strlen(known[i]) == len && strncasecmp(out, known[i], len) == 0) {
            return out;
        }
    }
    return "application/octet-stream";
}

/* Whether it was certainly not executed, and may be elsewhere. */
static bool may_repeat(const struct iso_or_pass *pass, const struct iso_http_client_answer *answer)
{
    char now[ISO_OR_ID_SIZE];
    if (pass->app[0] == '\0') {
        return false;
    }
    if (answer->outcome != ISO_HTTP_CLIENT_DONE) {
        return !answer->sent;
    }
    return is_moved(answer) ||
           (answer->status == 404 && where(pass, now) && strcmp(now, pass->device) != 0);
}

static void unreachable(const struct iso_or_pass *pass, const struct iso_http_client_answer *answer)
{
    char detail[512];
    const struct iso_or_device *device = device_of(pass);
    const char *name = device != NULL ? device->name : pass->device;
    if (answer->outcome == ISO_HTTP_CLIENT_TOO_LARGE) {
        (void)iso_format(detail, sizeof detail, "the answer of %s is larger than 64 MiB", name);
        problem(pass, 502, NULL, detail);
    } else if (answer->sent && pass->is_call) {
        (void)iso_format(detail, sizeof detail,
                         "%s did not answer (%s): the call was perhaps executed", name,
                         answer->message);
        problem(pass, 504, "urn:isomer:problem:unknown", detail);
    } else {
        (void)iso_format(detail, sizeof detail, "%s cannot be reached: %s", name, answer->message);
        problem(pass, 502, "urn:isomer:problem:unreachable", detail);
    }
}

/* Nothing was sent: it is known that nobody would answer, or who would is not sure. */
static void not_there(const struct iso_or_pass *pass)
{
    char detail[512];
    const struct iso_or_device *device = device_of(pass);
    const bool lost = device != NULL && device->state == ISO_OR_LOST;
    (void)iso_format(detail, sizeof detail, "%s %s%s%s",
                     device != NULL ? device->name : pass->device,
                     lost ? "is lost" : "cannot be reached",
                     device != NULL && device->reason[0] != '\0' ? ": " : "",
                     device != NULL ? device->reason : "");
    problem(pass, 502, "urn:isomer:problem:unreachable", detail);
}

static void release_body(void *ctx)
{
    struct iso_buf *body = ctx;
    iso_buf_fini(body);
    iso_alloc_free(iso_alloc_libc(), body, sizeof *body);
}

/* The problem document of a flow: devices are called in it what they are called here. */
static void name_devices(const struct iso_or_pass *pass, struct iso_buf *body)
{
    struct iso_buf named;
    json_t *problem = json_loadb((const char *)body->ptr, body->len, 0, NULL);
    json_t *detail = json_object_get(problem, "detail");
    const struct iso_str text = iso_str_from(json_string_value(detail), json_string_length(detail));
    iso_buf_init(&named, iso_alloc_libc(), SIZE_MAX);
    if (detail != NULL && iso_or_devices_name(pass->orchestrator->devices, text, &named) &&
        json_object_set_new(problem, "detail", json_stringn((const char *)named.ptr, named.len)) ==
            0) {
        char *written = json_dumps(problem, JSON_COMPACT);
        named.len = 0;
        if (written != NULL && iso_buf_append(&named, written, strlen(written)) == ISO_OK) {
            const struct iso_buf before = *body;
            *body = named;
            named = before;
        }
        free(written);
    }
    iso_buf_fini(&named);
    json_decref(problem);
}

static void reply(const struct iso_or_pass *pass, const struct iso_http_client_answer *answer)
{
    char buffer[128];
    const char *type = type_of(answer, buffer);
    struct iso_buf *body = iso_alloc_new(iso_alloc_libc(), sizeof *body);
    if (body == NULL) {
        problem(pass, 503, NULL, "out of memory");
        return;
    }
    *body = *answer->body; /* taken */
    iso_buf_init(answer->body, iso_alloc_libc(), 0);
    if (pass->is_flow && answer->status >= 400) {
        name_devices(pass, body);
    }
    const struct iso_http_response response = {.status = answer->status,
                                               .content_type = type,
                                               .body = type != NULL ? iso_buf_view(body)
                                                                    : iso_bytes_from(NULL, 0),
                                               .release = release_body,
                                               .release_ctx = body};
    iso_http_respond(pass->orchestrator->http, pass->id, &response);
}

static void on_done(void *ctx, uint64_t id, const struct iso_http_client_answer *answer)
{
    struct iso_or_pass *pass = ctx;
    (void)id;
    pass->request = 0;
    if (pass->over) {
        release_if_over(pass);
    } else if (pass->streaming) {
        iso_http_stream_end(pass->orchestrator->http, pass->id);
    } else if (may_repeat(pass, answer) && again(pass, answer->outcome == ISO_HTTP_CLIENT_DONE)) {
        return;
    } else if (answer->outcome != ISO_HTTP_CLIENT_DONE || answer->status < 200) {
        unreachable(pass, answer);
    } else if (answer->status == 401 || answer->status == 403) {
        /* It is our token that the device does not take, not the client's. */
        problem(pass, 502, "urn:isomer:problem:unreachable",
                "the device refuses the orchestrator: 'isomer device ls' says why, 'isomer device "
                "add' pairs again");
    } else {
        reply(pass, answer);
    }
}

static bool on_piece(void *ctx, uint64_t id, struct iso_bytes piece)
{
    const struct iso_or_pass *pass = ctx;
    (void)id;
    return !pass->over && pass->streaming &&
           iso_http_stream_write(pass->orchestrator->http, pass->id, piece) == ISO_OK;
}

static void on_head(void *ctx, uint64_t id, const struct iso_http_client_answer *answer)
{
    struct iso_or_pass *pass = ctx;
    struct iso_str type;
    char content_type[128];
    (void)id;
    if (answer->status != 200 || pass->over || pass->streaming ||
        !iso_http_client_header(answer, "Content-Type", 0, &type)) {
        return;
    }
    (void)iso_format(content_type, sizeof content_type, "%.*s", (int)type.len, type.ptr);
    const struct iso_http_stream_config config = {
        .kind = ISO_HTTP_STREAM_RAW, .content_type = content_type, .buffer_bytes = STREAM_BUFFER};
    pass->streaming = iso_http_stream_begin(pass->orchestrator->http, pass->id, &config) == ISO_OK;
    if (pass->streaming && pass->app[0] != '\0') {
        struct iso_or_pass **first = &pass->orchestrator->streams;
        pass->next = *first;
        pass->link = first;
        if (pass->next != NULL) {
            pass->next->link = &pass->next;
        }
        *first = pass;
    }
}

/* What follows a component that has left ends, so that who follows comes again and is led to where
 * the component is now. */
void iso_or_streams_follow(struct iso_orchestrator *orchestrator, struct iso_str app)
{
    struct iso_or_pass *next;
    for (struct iso_or_pass *pass = orchestrator->streams; pass != NULL; pass = next) {
        char now[ISO_OR_ID_SIZE];
        next = pass->next;
        if (iso_str_equal_z(app, pass->app) &&
            (!where(pass, now) || strcmp(now, pass->device) != 0)) {
            unlist(pass);
            iso_http_client_cancel(orchestrator->http_client, pass->request);
        }
    }
}

/* ---- Asking ------------------------------------------------------------------------------------
 */

static void add_field(char lines[][FIELD_MAX + 32], const char **fields, size_t *count,
                      const char *name, const char *value)
{
    if (value[0] != '\0') {
        (void)iso_format(lines[*count], FIELD_MAX + 32, "%s: %s", name, value);
        fields[*count] = lines[*count];
        (*count)++;
    }
}

static void attempt(struct iso_or_pass *pass)
{
    struct iso_or_reach reach;
    struct iso_report report;
    char url[PATH_MAX_BYTES + 256], lines[3][FIELD_MAX + 32];
    const char *fields[ISO_COUNT_OF(lines)];
    size_t count = 0;
    const struct iso_or_clock clock = clock_of(pass);
    if (!where(pass, pass->device)) {
        problem(pass, 404, "urn:isomer:problem:not-found",
                pass->is_flow ? "no application that runs has a flow of that name"
                              : "no application that runs has a component of that name");
        return;
    }
    if (is_lost(pass)) {
        not_there(pass);
        return;
    }
    if (!iso_or_devices_reach(pass->orchestrator->devices, iso_str_from_z(pass->device), &reach)) {
        if (!again(pass, false)) {
            not_there(pass);
        }
        return;
    }
    (void)iso_format(url, sizeof url, "%s%s", reach.base, pass->path);
    add_field(lines, fields, &count, "Idempotency-Key", pass->key);
    /* A key is its holder's, and our token is another one on each device. */
    add_field(lines, fields, &count, "Isomer-Owner", reach.owner);
    add_field(lines, fields, &count, "Last-Event-ID", pass->last);
    struct iso_http_client_request request = {
        .url = url,
        .method = pass->method,
        .content_type = pass->type[0] != '\0' ? pass->type : NULL,
        .accept = pass->accept[0] != '\0' ? pass->accept : NULL,
        .bearer = reach.token,
        .headers = fields,
        .header_count = count,
        .body = iso_bytes_from(pass->body, pass->body_len),
        .body_kept = true,
        .max_bytes = pass->wants_stream ? UINT64_MAX : ANSWER_MAX,
        .connect_ms = 3000,
        .total_ms = UINT32_MAX, /* the component's own limit, or the client's patience */
        .trust = reach.has_pin ? ISO_HTTP_CLIENT_TRUST_PIN : ISO_HTTP_CLIENT_TRUST_SYSTEM,
        .repeat_safe = !pass->is_flow, /* a call has its key */
        .ctx = pass,
        .on_head = pass->wants_stream ? on_head : NULL,
        .on_piece = pass->wants_stream ? on_piece : NULL,
        .on_done = on_done};
    memcpy(request.pin, reach.pin, sizeof request.pin);
    iso_report_init(&report);
    pass->asked_ms = clock.now_ms(clock.ctx);
    const enum iso_err err =
        iso_http_client_start(pass->orchestrator->http_client, &request, &pass->request, &report);
    sodium_memzero(&reach, sizeof reach);
    if (err != ISO_OK) {
        iso_reply_error(pass->orchestrator->http, pass->id, err, &report);
    }
}

/* ---- Routes ------------------------------------------------------------------------------------
 */

static void copy_field(const struct iso_http_request *req, const char *name, char out[FIELD_MAX])
{
    struct iso_str value;
    out[0] = '\0';
    if (iso_http_request_header(req, name, &value) && value.len < FIELD_MAX) {
        (void)iso_format(out, FIELD_MAX, "%.*s", (int)value.len, value.ptr);
    }
}

/* ?next and ?tail=N are all that there is on a device. False: 400 has been answered. */
static bool add_query(struct iso_http_request *req, char path[PATH_MAX_BYTES])
{
    struct iso_str value;
    const size_t len = strlen(path);
    uint64_t tail = UINT64_MAX;
    if (iso_http_request_parameter(req, "next", &value)) {
        (void)iso_format(path + len, PATH_MAX_BYTES - len, "?next");
        return true;
    }
    if (!iso_reply_read_number(req, "tail", ISO_FEED_TAIL_MAX, &tail)) {
        return false;
    }
    if (tail != UINT64_MAX) {
        (void)iso_format(path + len, PATH_MAX_BYTES - len, "?tail=%llu", (unsigned long long)tail);
    }
    return true;
}

/* NULL: it has been answered. */
static struct iso_or_pass *begin(struct iso_orchestrator *orchestrator,
                                 struct iso_http_request *req, struct iso_str app,
                                 struct iso_str component)
{
    struct iso_or_pass *pass = iso_alloc_new(orchestrator->alloc, sizeof *pass);
    if (pass == NULL || app.len >= sizeof pass->app || component.len >= sizeof pass->component) {
        iso_http_problem(orchestrator->http, iso_http_request_id(req), pass == NULL ? 503 : 404,
                         NULL, NULL, pass == NULL ? "out of memory" : "no name is that long");
        iso_alloc_free(orchestrator->alloc, pass, sizeof *pass);
        return NULL;
    }
    pass->orchestrator = orchestrator;
    pass->id = iso_http_request_id(req);
    memcpy(pass->app, app.ptr, app.len);
    memcpy(pass->component, component.ptr, component.len);
    (void)iso_format(pass->method, sizeof pass->method, "%s",
                     iso_http_request_method(req) == ISO_HTTP_POST ? "POST" : "GET");
    copy_field(req, "Content-Type", pass->type);
    copy_field(req, "Accept", pass->accept);
    copy_field(req, "Last-Event-ID", pass->last);
    copy_field(req, "Idempotency-Key", pass->key);
    pass->wants_stream = iso_http_request_accepts(req, "text/event-stream");
    pass->delay_ms = REPEAT_FIRST_MS;
    const struct iso_or_clock clock = clock_of(pass);
    pass->until_ms = clock.now_ms(clock.ctx) + REPEAT_FOR_MS;
    iso_route_closer(req, on_client_closed, pass);
    return pass;
}

/* The path is the device's too. */
static bool same_path(const struct iso_or_pass *pass, struct iso_http_request *req,
                      char out[PATH_MAX_BYTES])
{
    const struct iso_str path = iso_http_request_path(req);
    if (path.len + 32 >= PATH_MAX_BYTES) {
        problem(pass, 414, NULL, "the path is too long");
        return false;
    }
    (void)iso_format(out, PATH_MAX_BYTES, "%.*s", (int)path.len, path.ptr);
    return true;
}

static void get_of_component(void *ctx, struct iso_http_request *req,
                             const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_or_pass *pass = begin(ctx, req, params[0], params[1]);
    if (pass != NULL && same_path(pass, req, pass->path) && add_query(req, pass->path)) {
        attempt(pass);
    }
}

/* Takes the body, and gives a call its key. */
static bool take_call(struct iso_or_pass *pass, struct iso_http_request *req)
{
    if (iso_http_request_take_body(req, &pass->body, &pass->body_len) != ISO_OK) {
        problem(pass, 503, NULL, "out of memory");
        return false;
    }
    return same_path(pass, req, pass->path);
}

static void post_call(void *ctx, struct iso_http_request *req,
                      const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_or_pass *pass = begin(ctx, req, params[0], params[1]);
    if (pass == NULL) {
        return;
    }
    pass->is_call = true;
    if (pass->key[0] == '\0') {
        uint8_t random[16];
        randombytes_buf(random, sizeof random);
        (void)sodium_bin2hex(pass->key, sizeof pass->key, random, sizeof random);
    }
    if (take_call(pass, req)) {
        attempt(pass);
    }
}

static void post_flow(void *ctx, struct iso_http_request *req,
                      const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_or_pass *pass = begin(ctx, req, params[0], params[1]);
    if (pass == NULL) {
        return;
    }
    pass->is_call = pass->is_flow = true;
    if (take_call(pass, req)) {
        attempt(pass);
    }
}

static void pass_display(struct iso_orchestrator *orchestrator, struct iso_http_request *req,
                         const struct iso_str params[ISO_ROUTE_PARAMS], const char *what)
{
    const struct iso_or_device *device = iso_or_devices_find(orchestrator->devices, params[0]);
    const struct iso_str none = {"", 0};
    if (device == NULL) {
        iso_http_problem(orchestrator->http, iso_http_request_id(req), 404, NULL, NULL,
                         "no device has that name or id");
        return;
    }
    struct iso_or_pass *pass = begin(orchestrator, req, none, none);
    if (pass == NULL) {
        return;
    }
    memcpy(pass->device, device->id, sizeof pass->device);
    pass->wants_stream = strcmp(what, "stream") == 0;
    /* The name as it came, with its escapes: the third part of the path. */
    const struct iso_str path = iso_http_request_path(req);
    size_t from = 0, slashes = 0;
    while (from < path.len && slashes < 3) {
        slashes += path.ptr[from] == '/' ? 1 : 0;
        from++;
    }
    const char *end = memchr(path.ptr + from, '/', path.len - from);
    const size_t len = end != NULL ? (size_t)(end - path.ptr) - from : path.len - from;
    (void)iso_format(pass->path, sizeof pass->path, "/display/%.*s/%s", (int)len, path.ptr + from,
                     what);
    attempt(pass);
}

static void get_picture(void *ctx, struct iso_http_request *req,
                        const struct iso_str params[ISO_ROUTE_PARAMS])
{
    pass_display(ctx, req, params, "picture");
}

static void get_stream(void *ctx, struct iso_http_request *req,
                       const struct iso_str params[ISO_ROUTE_PARAMS])
{
    pass_display(ctx, req, params, "stream");
}

const struct iso_route iso_or_routes_pass[] = {
    {.method = ISO_HTTP_POST,
     .pattern = "v1/components/{app}/{component}/{function}",
     .access = ISO_ROUTE_OPERATE,
     .summary = "Call a function, wherever the component is",
     .answer_type = "application/json",
     .body_max = CALL_BODY_MAX,
     .handle = post_call},
    {.method = ISO_HTTP_GET,
     .pattern = "v1/components/{app}/{component}",
     .access = ISO_ROUTE_READ,
     .summary = "State, figures and latest error of a component",
     .answer_type = "application/json",
     .handle = get_of_component},
    {.method = ISO_HTTP_GET,
     .pattern = "v1/components/{app}/{component}/{document}",
     .access = ISO_ROUTE_READ,
     .summary = "Its td, openapi.json, wit, logs or events, as its device has them",
     .answer_type = "application/json",
     .handle = get_of_component},
    {.method = ISO_HTTP_GET,
     .pattern = "v1/components/{app}/{component}/properties/{name}",
     .access = ISO_ROUTE_READ,
     .summary = "A property; as text/event-stream whenever it changes",
     .answer_type = "application/json",
     .handle = get_of_component},
    {.method = ISO_HTTP_POST,
     .pattern = "v1/flows/{app}/{flow}",
     .access = ISO_ROUTE_OPERATE,
     .summary = "Run a flow, wherever it starts",
     .answer_type = "application/json",
     .body_max = CALL_BODY_MAX,
     .handle = post_flow},
    {.method = ISO_HTTP_GET,
     .pattern = "displays/{device}/{name}/picture",
     .access = ISO_ROUTE_READ,
     .summary = "The picture that a display of a device shows",
     .answer_type = "image/jpeg",
     .handle = get_picture},
    {.method = ISO_HTTP_GET,
     .pattern = "displays/{device}/{name}/stream",
     .access = ISO_ROUTE_READ,
     .summary = "Its pictures, one replacing the other",
     .answer_type = "multipart/x-mixed-replace",
     .handle = get_stream},
    {.method = 0}};
