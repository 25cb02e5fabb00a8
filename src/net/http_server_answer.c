/* Answers: RFC 9110 (status, entity tags), RFC 9457 (problem documents), and the fields that every
 * answer carries for the sake of browsers. */
#include "net/http_server_internal.h"

#include "base/json_member.h"

#include <unistd.h>

const char *http_phrase(unsigned status)
{
    const char *phrase = MHD_get_reason_phrase_for(status);
    return phrase != NULL ? phrase : "Unknown";
}

bool http_is_answerable(const struct iso_http_request *req)
{
    switch (req->stage) {
    case HTTP_HEADERS:
    case HTTP_BODY:
    case HTTP_READY:
    case HTTP_DEFERRED:
        return req->answer == NULL && !req->abort;
    default:
        return false;
    }
}

enum MHD_Result http_answer_queue(struct iso_http_request *req)
{
    struct iso_http_server *server = req->conn->server;
    struct MHD_Response *answer = req->answer;
    req->answer = NULL;
    req->stage = req->stream != NULL ? HTTP_STREAM : HTTP_ANSWERED;
    http_connection_deadline(
        req->conn, req->stream != NULL ? 0 : http_time_allowed(server, req->answer_bytes));
    req->conn->taken_ms = 0;
    enum MHD_Result result = MHD_queue_response(req->conn->mhd, req->answer_status, answer);
    MHD_destroy_response(answer);
    if (result == MHD_YES) {
        server->stats.responses[req->answer_status / 100]++;
    }
    return result;
}

void http_answer(struct iso_http_request *req, unsigned status, struct MHD_Response *answer)
{
    struct http_connection *conn = req->conn;
    if (conn->server->closing) {
        (void)http_answer_add(answer, "Connection", "close");
    }
    bool deferred = req->stage == HTTP_DEFERRED;
    req->answer = answer;
    req->answer_status = status;
    if (!deferred) {
        return; /* on_access queues it */
    }
    conn->server->stats.deferred--;
    if (http_answer_queue(req) != MHD_YES) {
        req->abort = true;
    }
    http_connection_resume(conn);
}

bool http_answer_add(struct MHD_Response *answer, const char *name, const char *value)
{
    return MHD_add_response_header(answer, name, value) == MHD_YES;
}

/* ---- The fields --------------------------------------------------------------------------- */

static bool is_html(const char *content_type)
{
    return content_type != NULL && strncmp(content_type, "text/html", 9) == 0;
}

static bool fields_add(struct MHD_Response *answer, const struct iso_http_response *response)
{
    const char *cache = response->cache_control;
    if (cache == NULL) {
        cache = response->etag != NULL ? "no-cache" : "no-store";
    }
    bool fine = http_answer_add(answer, "X-Content-Type-Options", "nosniff") &&
                http_answer_add(answer, "Cache-Control", cache);
    if (response->content_type != NULL) {
        fine = fine && http_answer_add(answer, "Content-Type", response->content_type);
    }
    if (response->etag != NULL) {
        fine = fine && http_answer_add(answer, "ETag", response->etag);
    }
    const char *policy = response->content_security_policy;
    if (is_html(response->content_type)) {
        policy = policy != NULL ? policy : "default-src 'self'";
        fine = fine && http_answer_add(answer, "Referrer-Policy", "no-referrer");
    }
    if (policy != NULL) {
        fine = fine && http_answer_add(answer, "Content-Security-Policy", policy);
    }
    for (size_t i = 0; i < response->field_count && fine; i++) {
        fine = http_answer_add(answer, response->fields[i].name, response->fields[i].value);
    }
    return fine;
}

static void release_unused(const struct iso_http_response *response)
{
    if (response->file != NULL) {
        (void)close(response->file->fd);
    } else if (response->release != NULL) {
        response->release(response->release_ctx);
    }
}

static struct MHD_Response *body_make(const struct iso_http_response *response)
{
    struct iso_bytes body = response->body;
    if (response->file != NULL) {
        struct MHD_Response *answer =
            MHD_create_response_from_fd64(response->file->size_bytes, response->file->fd);
        if (answer == NULL) {
            release_unused(response);
        }
        return answer;
    }
    void *bytes = (void *)(uintptr_t)body.ptr;
    if (response->release == NULL) {
        return MHD_create_response_from_buffer(
            body.len, bytes, body.len != 0 ? MHD_RESPMEM_MUST_COPY : MHD_RESPMEM_PERSISTENT);
    }
    struct MHD_Response *answer = MHD_create_response_from_buffer_with_free_callback_cls(
        body.len, bytes, response->release, response->release_ctx);
    if (answer == NULL) {
        release_unused(response);
    }
    return answer;
}

static bool is_unchanged(const struct iso_http_request *req,
                         const struct iso_http_response *response)
{
    return response->etag != NULL && response->status == 200 && req->method == ISO_HTTP_GET &&
           req->fields[HTTP_FIELD_IF_NONE_MATCH].ptr != NULL &&
           iso_http_text_has_tag(req->fields[HTTP_FIELD_IF_NONE_MATCH],
                                 iso_str_from_z(response->etag));
}

static void answer_plain(struct iso_http_request *req, const struct iso_http_response *response)
{
    /* libmicrohttpd leaves the body of a 304 off, but says its length as it would for a 200. */
    struct iso_http_response given = *response;
    if (is_unchanged(req, response)) {
        given.status = 304;
    }
    struct MHD_Response *answer = body_make(&given);
    if (answer == NULL) {
        http_connection_kill(req->conn);
        return;
    }
    if (!fields_add(answer, &given)) {
        MHD_destroy_response(answer); /* which releases the body */
        http_log(req->conn->server, "an answer had a malformed header field");
        http_refuse(req, 500, "the answer could not be written");
        return;
    }
    req->answer_bytes = given.file != NULL ? given.file->size_bytes : given.body.len;
    req->conn->server->stats.bytes_out += req->answer_bytes;
    http_answer(req, given.status, answer);
}

void iso_http_respond(struct iso_http_server *server, iso_http_id id,
                      const struct iso_http_response *response)
{
    ISO_ASSERT(response->status >= 200 && response->status <= 599);
    ISO_ASSERT(response->field_count <= ISO_HTTP_MAX_FIELDS);
    struct iso_http_request *req = iso_http_request_find(server, id);
    if (req == NULL || !http_is_answerable(req)) {
        release_unused(response);
        return;
    }
    answer_plain(req, response);
}

void iso_http_reply(struct iso_http_server *server, iso_http_id id, unsigned status,
                    const char *content_type, struct iso_bytes body)
{
    struct iso_http_response response = {
        .status = status, .content_type = content_type, .body = body};
    iso_http_respond(server, id, &response);
}

/* ---- Problem documents -------------------------------------------------------------------- */

struct problem {
    unsigned status;
    const char *type;
    const char *title;
    const char *detail;
    const struct iso_http_field *fields;
    size_t field_count;
    void (*more)(void *more_ctx, struct iso_json *json);
    void *more_ctx;
};

static enum iso_err problem_write(const struct problem *problem, struct iso_buf *out)
{
    struct iso_json json;
    iso_json_init_buf(&json, out, 0);
    iso_json_object_begin(&json);
    iso_json_put_z(&json, "type", problem->type != NULL ? problem->type : "about:blank");
    iso_json_put_z(&json, "title",
                   problem->title != NULL ? problem->title : http_phrase(problem->status));
    iso_json_put_u64(&json, "status", problem->status);
    if (problem->detail != NULL) {
        iso_json_put_z(&json, "detail", problem->detail);
    }
    if (problem->more != NULL) {
        problem->more(problem->more_ctx, &json);
    }
    iso_json_object_end(&json);
    return iso_json_finish(&json);
}

static void answer_problem(struct iso_http_request *req, const struct problem *problem)
{
    struct iso_http_field fields[ISO_HTTP_MAX_FIELDS + 1];
    ISO_ASSERT(problem->field_count <= ISO_HTTP_MAX_FIELDS);
    size_t count = problem->field_count;
    for (size_t i = 0; i < count; i++) {
        fields[i] = problem->fields[i];
    }
    if (problem->status == 401) {
        fields[count++] = (struct iso_http_field){"WWW-Authenticate", "Bearer"};
    }
    struct iso_buf text;
    iso_buf_init(&text, iso_alloc_libc(), SIZE_MAX);
    if (problem_write(problem, &text) == ISO_OK) {
        struct iso_http_response response = {.status = problem->status,
                                             .content_type = "application/problem+json",
                                             .body = iso_buf_view(&text),
                                             .fields = fields,
                                             .field_count = count};
        answer_plain(req, &response);
    } else {
        http_connection_kill(req->conn);
    }
    iso_buf_fini(&text);
}

void http_refuse(struct iso_http_request *req, unsigned status, const char *detail)
{
    struct problem problem = {.status = status, .detail = detail};
    answer_problem(req, &problem);
}

void iso_http_problem_with(struct iso_http_server *server, iso_http_id id, unsigned status,
                           const char *type, const char *title, const char *detail,
                           const struct iso_http_field *fields, size_t field_count,
                           void (*more)(void *more_ctx, struct iso_json *json), void *more_ctx)
{
    ISO_ASSERT(status >= 400 && status <= 599);
    struct iso_http_request *req = iso_http_request_find(server, id);
    if (req != NULL && http_is_answerable(req)) {
        struct problem problem = {status, type, title, detail, fields, field_count, more, more_ctx};
        answer_problem(req, &problem);
    }
}

void iso_http_problem(struct iso_http_server *server, iso_http_id id, unsigned status,
                      const char *type, const char *title, const char *detail)
{
    iso_http_problem_with(server, id, status, type, title, detail, NULL, 0, NULL, NULL);
}

void iso_http_not_allowed(struct iso_http_request *req, unsigned allowed)
{
    static const struct {
        unsigned method;
        const char *text;
    } methods[] = {{ISO_HTTP_GET, "GET, HEAD, "},
                   {ISO_HTTP_PUT, "PUT, "},
                   {ISO_HTTP_POST, "POST, "},
                   {ISO_HTTP_DELETE, "DELETE, "},
                   {ISO_HTTP_PATCH, "PATCH, "}};
    char text[64];
    size_t len = 0;
    for (size_t i = 0; i < ISO_COUNT_OF(methods); i++) {
        if ((allowed & methods[i].method) != 0) {
            size_t add = strlen(methods[i].text);
            memcpy(text + len, methods[i].text, add);
            len += add;
        }
    }
    memcpy(text + len, "OPTIONS", sizeof "OPTIONS");
    struct iso_http_field allow = {"Allow", text};
    struct iso_http_server *server = req->conn->server;
    iso_http_id id = iso_http_request_id(req);
    if (req->method == ISO_HTTP_OPTIONS) {
        struct iso_http_response response = {.status = 204, .fields = &allow, .field_count = 1};
        iso_http_respond(server, id, &response);
    } else {
        iso_http_problem_with(server, id, 405, NULL, NULL, "this resource has other methods",
                              &allow, 1, NULL, NULL);
    }
}

void iso_http_abort(struct iso_http_server *server, iso_http_id id)
{
    struct iso_http_request *req = iso_http_request_find(server, id);
    if (req != NULL && req->stage != HTTP_OVER) {
        http_connection_kill(req->conn);
    }
}
