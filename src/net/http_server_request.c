/* A request on its way through libmicrohttpd's callbacks: header, body, the program's callbacks,
 * the end. And what a program may ask of it. */
#include "net/http_server_internal.h"

static struct http_connection *connection_of(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info->socket_context;
}

/* ---- Before the header -------------------------------------------------------------------- */

void *http_on_target(void *ctx, const char *target, struct MHD_Connection *mhd)
{
    (void)ctx;
    struct http_connection *conn = connection_of(mhd);
    struct iso_http_request *req = &conn->req;
    req->stage = HTTP_TARGET;
    req->serial = ++conn->server->serials[conn->index];
    req->target = target;
    req->long_target = target != NULL && strlen(target) > ISO_HTTP_MAX_TARGET;
    http_connection_deadline(conn, conn->server->limits.header_ms);
    return conn;
}

/* libmicrohttpd has the parts of the query decoded by this; the path we decode segment by segment.
 */
size_t http_on_unescape(void *ctx, struct MHD_Connection *mhd, char *text)
{
    (void)ctx;
    size_t len = strlen(text);
    struct iso_http_request *req = &connection_of(mhd)->req;
    if (text != req->target && memchr(text, '%', len) != NULL) {
        if (iso_http_text_unescape(text, &len)) {
            text[len] = '\0';
        } else {
            req->bad_escape = true;
        }
    }
    return len;
}

/* ---- The body ----------------------------------------------------------------------------- */

static void body_deadline(struct iso_http_request *req)
{
    struct http_connection *conn = req->conn;
    uint64_t now_ms = uv_now(conn->server->loop);
    uint64_t by_stall = now_ms + conn->server->limits.stall_ms;
    uint64_t by_rate = req->body_started_ms + http_time_allowed(conn->server, req->body_seen);
    conn->deadline_ms = by_stall < by_rate ? by_stall : by_rate;
}

static void body_release(struct iso_http_request *req)
{
    iso_buf_fini(&req->body);
    req->conn->server->body_bytes -= req->body_charged;
    req->body_charged = 0;
}

/* The answer waits until the rest of the body has been read, so that a client which is still
 * sending gets to read it. */
static void hold_answer(struct iso_http_request *req)
{
    req->stage = HTTP_HELD;
    body_release(req);
}

static void collect(struct iso_http_request *req, struct iso_bytes piece)
{
    struct iso_http_server *server = req->conn->server;
    if (server->body_bytes + piece.len > server->limits.body_bytes_total) {
        http_refuse(req, 503, "too much is being received at once; try again later");
        return;
    }
    enum iso_err err = iso_buf_append(&req->body, piece.ptr, piece.len);
    if (err != ISO_OK) {
        req->abort = true;
        return;
    }
    server->body_bytes += piece.len;
    req->body_charged += piece.len;
}

static void hand_on(struct iso_http_request *req, struct iso_bytes piece)
{
    struct iso_http_server *server = req->conn->server;
    unsigned status = req->on_data(server->ctx, req, piece);
    if (status != 0 && req->answer == NULL && !req->abort) {
        http_refuse(req, status, NULL);
    }
}

static enum MHD_Result body_take(struct iso_http_request *req, const char *data, size_t *size)
{
    struct iso_bytes piece = iso_bytes_from(data, *size);
    *size = 0;
    req->body_seen += piece.len;
    req->conn->server->stats.bytes_in += piece.len;
    body_deadline(req);
    if (req->stage == HTTP_BODY) {
        if (req->body_seen > req->body_max) {
            http_refuse(req, 413, "the body is larger than this resource takes");
        } else if (req->on_data != NULL) {
            hand_on(req, piece);
        } else {
            collect(req, piece);
        }
        if (req->answer != NULL) {
            hold_answer(req);
            req->body_max = req->body_seen + HTTP_DRAIN_BYTES;
        }
    } else if (req->body_seen > req->body_max) {
        return MHD_NO; /* it goes on sending what nobody wants */
    }
    return req->abort ? MHD_NO : MHD_YES;
}

void iso_http_accept_body(struct iso_http_request *req, uint64_t max_bytes)
{
    ISO_ASSERT(req->stage == HTTP_HEADERS);
    req->body_max = max_bytes != 0 ? max_bytes : req->conn->server->limits.body_bytes;
    req->on_data = NULL;
}

void iso_http_accept_upload(struct iso_http_request *req, uint64_t max_bytes,
                            unsigned (*on_data)(void *ctx, struct iso_http_request *req,
                                                struct iso_bytes piece))
{
    ISO_ASSERT(req->stage == HTTP_HEADERS);
    req->body_max = max_bytes;
    req->on_data = on_data;
}

struct iso_bytes iso_http_request_body(const struct iso_http_request *req)
{
    return iso_buf_view(&req->body);
}

enum iso_err iso_http_request_take_body(struct iso_http_request *req, uint8_t **ptr, size_t *len)
{
    enum iso_err err = iso_buf_take(&req->body, ptr, len);
    if (err == ISO_OK) {
        body_release(req);
    }
    return err;
}

/* ---- From header to answer ---------------------------------------------------------------- */

/* Whether the rest of the body is worth reading before the answer goes out. */
static bool is_drainable(const struct iso_http_request *req)
{
    return req->fields[HTTP_FIELD_EXPECT].ptr == NULL && !req->chunked &&
           req->content_length <= HTTP_DRAIN_BYTES;
}

/* The header is there: the first call of on_access. */
static enum MHD_Result request_begin(struct iso_http_request *req, const char *url,
                                     const char *method)
{
    struct http_connection *conn = req->conn;
    struct iso_http_server *server = conn->server;
    req->stage = HTTP_HEADERS;
    http_connection_deadline(conn, 0);
    iso_buf_init(&req->body, iso_alloc_libc(), SIZE_MAX);
    if (http_check_request(req, url, method)) {
        req->begun = true;
        server->stats.requests++;
        server->callbacks.on_headers(server->ctx, req);
    }
    if (req->answer == NULL && !req->abort && req->content_length != 0) {
        if (req->body_max == 0 || (!req->chunked && req->content_length > req->body_max)) {
            http_refuse(req, 413,
                        req->body_max == 0 ? "this resource takes no body"
                                           : "the body is larger than this resource takes");
        }
    }
    if (req->abort) {
        return MHD_NO;
    }
    req->body_started_ms = uv_now(server->loop);
    if (req->answer != NULL) {
        if (req->unsure || (req->content_length != 0 && !is_drainable(req))) {
            return http_answer_queue(req);
        }
        hold_answer(req);
        req->body_max = HTTP_DRAIN_BYTES;
    } else {
        req->stage = HTTP_BODY;
        size_t expected = req->content_length < HTTP_BODY_RESERVE ? (size_t)req->content_length : 0;
        if (req->on_data == NULL && expected != 0 &&
            iso_buf_reserve(&req->body, expected) != ISO_OK) {
            return MHD_NO;
        }
    }
    if (req->content_length != 0) {
        body_deadline(req);
    }
    return MHD_YES;
}

/* The body is whole. */
static enum MHD_Result request_whole(struct iso_http_request *req)
{
    struct http_connection *conn = req->conn;
    struct iso_http_server *server = conn->server;
    http_connection_deadline(conn, 0);
    if (req->stage == HTTP_HELD) {
        return http_answer_queue(req);
    }
    req->stage = HTTP_READY;
    server->callbacks.on_request(server->ctx, req);
    if (req->abort) {
        return MHD_NO;
    }
    if (req->answer != NULL) {
        return http_answer_queue(req);
    }
    req->stage = HTTP_DEFERRED;
    req->deferred_ms = uv_now(server->loop);
    server->stats.deferred++;
    MHD_suspend_connection(conn->mhd);
    return MHD_YES;
}

enum MHD_Result http_on_access(void *ctx, struct MHD_Connection *mhd, const char *url,
                               const char *method, const char *version, const char *data,
                               size_t *data_size, void **request_context)
{
    (void)ctx;
    (void)mhd;
    (void)version;
    struct http_connection *conn = *request_context;
    struct iso_http_request *req = &conn->req;
    if (req->abort) {
        return MHD_NO;
    }
    switch (req->stage) {
    case HTTP_TARGET:
        return request_begin(req, url, method);
    case HTTP_BODY:
    case HTTP_HELD:
        return *data_size != 0 ? body_take(req, data, data_size) : request_whole(req);
    default:
        return MHD_NO;
    }
}

void http_on_completed(void *ctx, struct MHD_Connection *mhd, void **request_context,
                       enum MHD_RequestTerminationCode code)
{
    (void)ctx;
    (void)mhd;
    struct http_connection *conn = *request_context;
    if (conn == NULL) {
        return;
    }
    struct iso_http_request *req = &conn->req;
    struct iso_http_server *server = conn->server;
    bool answered = req->stage == HTTP_ANSWERED || req->stage == HTTP_STREAM;
    bool completed = answered && code == MHD_REQUEST_TERMINATED_COMPLETED_OK;
    server->stats.deferred -= req->stage == HTTP_DEFERRED ? 1 : 0;
    server->stats.aborted += req->begun && !completed ? 1 : 0;
    req->stage = HTTP_OVER;
    if (req->begun && server->callbacks.on_closed != NULL) {
        server->callbacks.on_closed(server->ctx, req, completed);
    }
    http_stream_release(req);
    body_release(req);
    if (req->answer != NULL) {
        MHD_destroy_response(req->answer);
    }
    iso_alloc_free(iso_alloc_libc(), req->path_storage, req->path_storage_size);
    *req = (struct iso_http_request){.conn = conn};
    http_connection_deadline(conn, server->limits.idle_ms);
    *request_context = NULL;
}

/* ---- What a program may ask --------------------------------------------------------------- */

iso_http_id iso_http_request_id(const struct iso_http_request *req)
{
    return req->serial << 16 | req->conn->index;
}

struct iso_http_request *iso_http_request_find(struct iso_http_server *server, iso_http_id id)
{
    size_t index = id & 0xffff;
    struct http_connection *conn = index < server->limits.connections ? server->slots[index] : NULL;
    bool current = conn != NULL && conn->req.begun && conn->req.serial == id >> 16;
    return current ? &conn->req : NULL;
}

struct iso_http_server *iso_http_request_server(const struct iso_http_request *req)
{
    return req->conn->server;
}

void iso_http_request_set_user(struct iso_http_request *req, void *user)
{
    req->user = user;
}

void *iso_http_request_user(const struct iso_http_request *req)
{
    return req->user;
}

enum iso_http_method iso_http_request_method(const struct iso_http_request *req)
{
    return req->method;
}

bool iso_http_request_is_head(const struct iso_http_request *req)
{
    return req->is_head;
}

const char *iso_http_request_method_text(const struct iso_http_request *req)
{
    return req->method_text;
}

struct iso_str iso_http_request_path(const struct iso_http_request *req)
{
    return req->path;
}

size_t iso_http_request_segment_count(const struct iso_http_request *req)
{
    return req->segment_count;
}

struct iso_str iso_http_request_segment(const struct iso_http_request *req, size_t index)
{
    return index < req->segment_count ? req->segments[index] : iso_str_from("", 0);
}

static bool lookup(const struct iso_http_request *req, enum MHD_ValueKind kind, const char *name,
                   struct iso_str *out)
{
    const char *value = NULL;
    size_t len = 0;
    if (MHD_lookup_connection_value_n(req->conn->mhd, kind, name, strlen(name), &value, &len) !=
        MHD_YES) {
        return false;
    }
    *out = value != NULL ? iso_str_from(value, len) : iso_str_from("", 0);
    return true;
}

struct parameter_search {
    struct iso_str name;
    struct iso_str value;
    bool found;
};

/* libmicrohttpd's own search takes names in any case. */
static enum MHD_Result compare_parameter(void *ctx, enum MHD_ValueKind kind, const char *key,
                                         size_t key_len, const char *value, size_t value_len)
{
    (void)kind;
    struct parameter_search *search = ctx;
    if (!iso_str_equal(search->name, iso_str_from(key, key_len))) {
        return MHD_YES;
    }
    search->value = value != NULL ? iso_str_from(value, value_len) : iso_str_from("", 0);
    search->found = true;
    return MHD_NO;
}

bool iso_http_request_parameter(struct iso_http_request *req, const char *name, struct iso_str *out)
{
    struct parameter_search search = {.name = iso_str_from_z(name)};
    (void)MHD_get_connection_values_n(req->conn->mhd, MHD_GET_ARGUMENT_KIND, compare_parameter,
                                      &search);
    if (search.found) {
        *out = search.value;
    }
    return search.found;
}

bool iso_http_request_header(const struct iso_http_request *req, const char *name,
                             struct iso_str *out)
{
    return lookup(req, MHD_HEADER_KIND, name, out);
}

bool iso_http_request_cookie(const struct iso_http_request *req, const char *name,
                             struct iso_str *out)
{
    return lookup(req, MHD_COOKIE_KIND, name, out);
}

bool iso_http_request_bearer(const struct iso_http_request *req, struct iso_str *out)
{
    return iso_http_text_bearer(req->fields[HTTP_FIELD_AUTHORIZATION], out);
}

bool iso_http_request_has_type(const struct iso_http_request *req, const char *media_type)
{
    return iso_http_text_has_type(req->fields[HTTP_FIELD_CONTENT_TYPE], media_type);
}

bool iso_http_request_accepts(const struct iso_http_request *req, const char *media_type)
{
    struct iso_str field;
    return lookup(req, MHD_HEADER_KIND, "Accept", &field) &&
           iso_http_text_accepts(field, media_type);
}

const char *iso_http_request_peer_text(const struct iso_http_request *req)
{
    return req->conn->peer_text;
}

bool iso_http_request_is_tls(const struct iso_http_request *req)
{
    return req->conn->listener->is_tls;
}

uint64_t iso_http_request_content_length(const struct iso_http_request *req)
{
    return req->content_length;
}
