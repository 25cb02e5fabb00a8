/* What is looked at in every request before the program sees it: RFC 9110 (fields, Host), RFC 9112
 * section 6 (the length of a body; two answers to that question are how requests are smuggled), RFC
 * 6454 (Origin) and Fetch Metadata. */
#include "net/http_server_internal.h"

struct known_field {
    const char *name;
    uint8_t len;
    bool once; /* more than one is an error */
};

static const struct known_field known_fields[HTTP_FIELD_COUNT] = {
    [HTTP_FIELD_HOST] = {"host", 4, true},
    [HTTP_FIELD_ORIGIN] = {"origin", 6, true},
    [HTTP_FIELD_CONTENT_LENGTH] = {"content-length", 14, true},
    [HTTP_FIELD_TRANSFER_ENCODING] = {"transfer-encoding", 17, true},
    [HTTP_FIELD_CONTENT_TYPE] = {"content-type", 12, true},
    [HTTP_FIELD_AUTHORIZATION] = {"authorization", 13, true},
    [HTTP_FIELD_EXPECT] = {"expect", 6, false},
    [HTTP_FIELD_IF_NONE_MATCH] = {"if-none-match", 13, false},
    [HTTP_FIELD_FETCH_SITE] = {"sec-fetch-site", 14, true},
    [HTTP_FIELD_FETCH_MODE] = {"sec-fetch-mode", 14, true},
};

struct field_scan {
    struct iso_http_request *req;
    const char *complaint;
};

static enum MHD_Result scan_field(void *ctx, enum MHD_ValueKind kind, const char *key,
                                  size_t key_len, const char *value, size_t value_len)
{
    (void)kind;
    struct field_scan *scan = ctx;
    struct iso_str name = iso_str_from(key, key_len);
    if (!iso_http_text_is_token(name)) {
        scan->complaint = "the name of a header field has characters that do not belong there";
        return MHD_NO;
    }
    for (size_t i = 0; i < HTTP_FIELD_COUNT; i++) {
        const struct known_field *known = &known_fields[i];
        if (known->len != key_len ||
            !iso_http_text_equal(name, iso_str_from(known->name, known->len))) {
            continue;
        }
        if (scan->req->fields[i].ptr != NULL) {
            if (known->once) {
                scan->complaint = "a header field that may stand once stands twice";
                return MHD_NO;
            }
            continue;
        }
        scan->req->fields[i] = iso_str_from(value != NULL ? value : "", value_len);
        return MHD_YES;
    }
    return MHD_YES;
}

static bool has(const struct iso_http_request *req, enum http_field field)
{
    return req->fields[field].ptr != NULL;
}

static bool refuse(struct iso_http_request *req, unsigned status, const char *detail)
{
    http_refuse(req, status, detail);
    return false;
}

/* The length of the body, and that there is one answer to it only. */
static bool check_length(struct iso_http_request *req)
{
    req->unsure = true; /* until the end of this function */
    bool has_length = has(req, HTTP_FIELD_CONTENT_LENGTH);
    if (has(req, HTTP_FIELD_TRANSFER_ENCODING)) {
        if (has_length) {
            return refuse(req, 400, "Content-Length and Transfer-Encoding exclude each other");
        }
        if (!iso_http_text_equal_z(req->fields[HTTP_FIELD_TRANSFER_ENCODING], "chunked")) {
            return refuse(req, 501, "the only transfer coding is chunked");
        }
        req->chunked = true;
        req->content_length = UINT64_MAX;
        req->unsure = false;
        return true;
    }
    if (has_length &&
        !iso_http_text_number(req->fields[HTTP_FIELD_CONTENT_LENGTH], &req->content_length)) {
        return refuse(req, 400, "Content-Length is not a number");
    }
    req->unsure = false;
    return true;
}

/* A page of a stranger whose name leads here (DNS rebinding) is told apart by that name. */
static bool check_host(struct iso_http_request *req)
{
    struct http_connection *conn = req->conn;
    struct iso_str field = req->fields[HTTP_FIELD_HOST];
    if (field.ptr == NULL) {
        return true; /* HTTP/1.0; libmicrohttpd refuses newer requests without */
    }
    if (conn->known_host_len != 0 &&
        iso_str_equal(field, iso_str_from(conn->known_host, conn->known_host_len))) {
        return true;
    }
    struct iso_http_text_host host;
    if (!iso_http_text_host(field, &host)) {
        return refuse(req, 400, "Host is not a name or address with an optional port");
    }
    const struct iso_http_callbacks *callbacks = &conn->server->callbacks;
    struct iso_str name = iso_str_from(host.name, host.len);
    if (!host.is_address && !iso_str_equal_z(name, "localhost") &&
        (callbacks->is_host == NULL || !callbacks->is_host(conn->server->ctx, name))) {
        return refuse(req, 421,
                      "this server has another name; use its address or a name of its own");
    }
    if (field.len <= sizeof conn->known_host) {
        memcpy(conn->known_host, field.ptr, field.len);
        conn->known_host_len = field.len;
    }
    return true;
}

/* Requests that another site's page makes. Browsers say so in Origin or, for what has none
 * (pictures, scripts), in Sec-Fetch-Site; links that a person follows are fine. */
static bool check_origin(struct iso_http_request *req)
{
    struct iso_http_server *server = req->conn->server;
    struct iso_str origin = req->fields[HTTP_FIELD_ORIGIN];
    if (origin.ptr != NULL) {
        struct iso_str host = req->fields[HTTP_FIELD_HOST];
        bool fine = (host.ptr != NULL &&
                     iso_http_text_is_own_origin(origin, host, req->conn->listener->is_tls)) ||
                    (server->callbacks.is_origin != NULL &&
                     server->callbacks.is_origin(server->ctx, origin));
        return fine || refuse(req, 403, "pages of other origins may not use this server");
    }
    struct iso_str site = req->fields[HTTP_FIELD_FETCH_SITE];
    bool foreign = site.ptr != NULL &&
                   (iso_str_equal_z(site, "cross-site") || iso_str_equal_z(site, "same-site"));
    if (foreign && !(req->method == ISO_HTTP_GET &&
                     iso_str_equal_z(req->fields[HTTP_FIELD_FETCH_MODE], "navigate"))) {
        return refuse(req, 403, "pages of other sites may not use this server");
    }
    return true;
}

static bool check_path(struct iso_http_request *req, const char *url)
{
    if (req->long_target) {
        return refuse(req, 414, "the request target is too long");
    }
    if (req->bad_escape) {
        return refuse(req, 400, "the query has a malformed escape");
    }
    req->path = iso_str_from_z(url);
    if (req->path.len != 0 && memchr(url, '%', req->path.len) != NULL) {
        req->path_storage_size = req->path.len;
        req->path_storage = iso_alloc_new(iso_alloc_libc(), req->path_storage_size);
        if (req->path_storage == NULL) {
            req->abort = true;
            return false;
        }
    }
    req->segment_count = ISO_HTTP_MAX_SEGMENTS;
    switch (
        iso_http_text_segments(req->path, req->path_storage, req->segments, &req->segment_count)) {
    case ISO_OK:
        return true;
    case ISO_E_LIMIT:
        req->segment_count = 0;
        return refuse(req, 414, "the path has too many segments");
    default:
        req->segment_count = 0;
        return refuse(req, 400,
                      "the path is malformed: it begins with a slash, escapes are % and "
                      "two hexadecimal digits, no segment is . or ..");
    }
}

static void method_set(struct iso_http_request *req, const char *text)
{
    static const struct {
        const char *text;
        enum iso_http_method method;
    } methods[] = {{"GET", ISO_HTTP_GET},        {"HEAD", ISO_HTTP_GET},
                   {"POST", ISO_HTTP_POST},      {"PUT", ISO_HTTP_PUT},
                   {"DELETE", ISO_HTTP_DELETE},  {"PATCH", ISO_HTTP_PATCH},
                   {"OPTIONS", ISO_HTTP_OPTIONS}};
    req->method_text = text;
    req->method = ISO_HTTP_OTHER;
    for (size_t i = 0; i < ISO_COUNT_OF(methods); i++) {
        if (strcmp(text, methods[i].text) == 0) {
            req->method = methods[i].method;
            req->is_head = methods[i].text[0] == 'H';
            return;
        }
    }
}

static enum MHD_Result count_parameter(void *ctx, enum MHD_ValueKind kind, const char *key,
                                       const char *value)
{
    (void)kind;
    (void)key;
    (void)value;
    unsigned *count = ctx;
    ++*count;
    return MHD_YES;
}

bool http_check_request(struct iso_http_request *req, const char *url, const char *method)
{
    struct field_scan scan = {.req = req};
    method_set(req, method);
    (void)MHD_get_connection_values_n(req->conn->mhd, MHD_HEADER_KIND, scan_field, &scan);
    if (scan.complaint != NULL) {
        req->unsure = true;
        return refuse(req, 400, scan.complaint);
    }
    unsigned parameters = 0;
    (void)MHD_get_connection_values(req->conn->mhd, MHD_GET_ARGUMENT_KIND, count_parameter,
                                    &parameters);
    if (parameters > ISO_HTTP_MAX_PARAMETERS) {
        return refuse(req, 414, "the query has too many parameters");
    }
    return check_length(req) && check_host(req) && check_origin(req) && check_path(req, url);
}
