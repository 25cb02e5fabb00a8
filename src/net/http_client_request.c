/* Requests of the HTTP client as they are given: checked, and copied. */
#include "net/http_client_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/http_server_text.h"
#include "platform/platform.h"

/* ---- Checks ------------------------------------------------------------------------------------
 */

/* Visible characters, blanks, tabs and what is not ASCII. */
static bool is_field_text(const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        if (((unsigned char)*at < 0x20 && *at != '\t') || *at == 0x7f) {
            return false;
        }
    }
    return true;
}

static bool is_method(const char *method)
{
    const size_t len = strlen(method);
    return len <= 16 && iso_http_text_is_token(iso_str_from(method, len));
}

static bool has_part(CURLU *url, CURLUPart part)
{
    char *text = NULL;
    const bool has = curl_url_get(url, part, &text, 0) == CURLUE_OK;
    curl_free(text);
    return has;
}

static enum iso_err check_parts(const struct iso_http_client_request *request, CURLU *url,
                                struct iso_report *report)
{
    char *scheme = NULL;
    if (curl_url_set(url, CURLUPART_URL, request->url, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK) {
        return iso_fail(report, ISO_E_ARGUMENT,
                        "'%.200s' is not an address: write for example https://example.org/path",
                        request->url);
    }
    const bool secure = strcmp(scheme, "https") == 0;
    const bool known = secure || strcmp(scheme, "http") == 0;
    curl_free(scheme);
    if (!known || !has_part(url, CURLUPART_HOST)) {
        return iso_fail(report, ISO_E_ARGUMENT, "'%.200s': only http and https are spoken",
                        request->url);
    }
    if (has_part(url, CURLUPART_USER) || has_part(url, CURLUPART_PASSWORD)) {
        return iso_fail(report, ISO_E_ARGUMENT,
                        "an address must not have a user or a password in it");
    }
    if (request->trust == ISO_HTTP_CLIENT_TRUST_PIN && !secure) {
        return iso_fail(report, ISO_E_ARGUMENT, "'%.200s': a key can be checked over https only",
                        request->url);
    }
    if (request->trust == ISO_HTTP_CLIENT_TRUST_ANYBODY && request->bearer != NULL) {
        return iso_fail(report, ISO_E_ARGUMENT, "a token is not shown to somebody unknown");
    }
    return ISO_OK;
}

static enum iso_err check_url(const struct iso_http_client_request *request,
                              struct iso_report *report)
{
    if (strlen(request->url) > ISO_HTTP_CLIENT_MAX_URL) {
        return iso_fail(report, ISO_E_LIMIT, "an address of more than %u characters",
                        ISO_HTTP_CLIENT_MAX_URL);
    }
    CURLU *url = curl_url();
    if (url == NULL) {
        return ISO_E_NOMEM;
    }
    enum iso_err err = check_parts(request, url, report);
    curl_url_cleanup(url);
    return err;
}

static enum iso_err check(const struct iso_http_client_request *request, struct iso_report *report)
{
    const char *const texts[] = {request->content_type, request->accept, request->bearer};
    bool good = request->method == NULL || is_method(request->method);
    for (size_t i = 0; i < ISO_COUNT_OF(texts); i++) {
        good = good && (texts[i] == NULL || is_field_text(texts[i]));
    }
    if (request->header_count > ISO_HTTP_CLIENT_MAX_HEADERS) {
        return iso_fail(report, ISO_E_LIMIT, "more than %u header fields",
                        ISO_HTTP_CLIENT_MAX_HEADERS);
    }
    for (size_t i = 0; good && i < request->header_count; i++) {
        const char *line = request->headers[i];
        const char *colon = strchr(line, ':');
        good = colon != NULL && is_field_text(line) &&
               iso_http_text_is_token(iso_str_from(line, (size_t)(colon - line)));
    }
    if (!good) {
        return iso_fail(report, ISO_E_ARGUMENT,
                        "not a method or header field: no line ends, \"Name: value\"");
    }
    return check_url(request, report);
}

/* ---- Copies ------------------------------------------------------------------------------------
 */

static bool add_header(struct iso_http_transfer *transfer, const char *name, const char *value)
{
    const size_t size = strlen(name) + strlen(value) + 1;
    char *line = malloc(size);
    if (line == NULL) {
        return false;
    }
    (void)iso_format(line, size, "%s%s", name, value);
    struct curl_slist *longer = curl_slist_append(transfer->headers, line);
    free(line);
    if (longer != NULL) {
        transfer->headers = longer;
    }
    return longer != NULL;
}

static bool add_headers(struct iso_http_transfer *transfer,
                        const struct iso_http_client_request *request)
{
    /* libcurl leaves out a field of its own for a name without a value. */
    bool good = add_header(transfer, "Expect:", "") &&
                (request->content_type != NULL
                     ? add_header(transfer, "Content-Type: ", request->content_type)
                     : add_header(transfer, "Content-Type:", ""));
    if (request->accept != NULL) {
        good = good && add_header(transfer, "Accept: ", request->accept);
    }
    if (request->bearer != NULL) {
        good = good && add_header(transfer, "Authorization: Bearer ", request->bearer);
    }
    for (size_t i = 0; good && i < request->header_count; i++) {
        good = add_header(transfer, "", request->headers[i]);
    }
    return good;
}

static bool copy_text(const char *text, char **out)
{
    *out = text != NULL ? strdup(text) : NULL;
    return text == NULL || *out != NULL;
}

static enum iso_err open_file(struct iso_http_transfer *transfer, const char *path,
                              struct iso_report *report)
{
    struct stat st;
    transfer->file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (transfer->file < 0 || fstat(transfer->file, &st) != 0) {
        return iso_fail(report, iso_errno_err(errno), "cannot read '%s': %s", path,
                        iso_errno_text(errno));
    }
    if (!S_ISREG(st.st_mode)) {
        return iso_fail(report, ISO_E_ARGUMENT, "'%s' is not a file", path);
    }
    transfer->file_bytes = (uint64_t)st.st_size;
    return ISO_OK;
}

static void set_defaults(struct iso_http_client_request *request)
{
    request->max_bytes = request->max_bytes != 0 ? request->max_bytes : BODY_BYTES_DEFAULT;
    request->connect_ms = request->connect_ms != 0 ? request->connect_ms : CONNECT_MS_DEFAULT;
    request->total_ms = request->total_ms != 0 ? request->total_ms : TOTAL_MS_DEFAULT;
}

enum iso_err iso_http_transfer_init(struct iso_http_transfer *transfer,
                                    const struct iso_http_client_request *request,
                                    struct iso_report *report)
{
    const uint64_t max = request->max_bytes != 0 ? request->max_bytes : BODY_BYTES_DEFAULT;
    const uint64_t kept = request->on_piece != NULL ? ERROR_BODY_BYTES : max;
    transfer->file = -1;
    transfer->request = *request;
    iso_buf_init(&transfer->head.text, iso_alloc_libc(), ISO_HTTP_CLIENT_MAX_HEAD_BYTES);
    iso_buf_init(&transfer->body, iso_alloc_libc(), kept < SIZE_MAX ? (size_t)kept : SIZE_MAX);
    set_defaults(&transfer->request);
    /* What the caller keeps must not be reached by accident. */
    transfer->request.headers = NULL;
    transfer->request.bearer = transfer->request.accept = transfer->request.content_type = NULL;
    enum iso_err err = check(request, report);
    if (err != ISO_OK) {
        return err;
    }
    if (!copy_text(request->url, &transfer->url) ||
        !copy_text(request->method, &transfer->method) ||
        !copy_text(request->ca_file, &transfer->ca_file) || !add_headers(transfer, request)) {
        return ISO_E_NOMEM;
    }
    if (request->file != NULL) {
        return open_file(transfer, request->file, report);
    }
    if (request->body.len != 0 && !request->body_kept && request->body_release == NULL) {
        transfer->body_copy = malloc(request->body.len);
        if (transfer->body_copy == NULL) {
            return ISO_E_NOMEM;
        }
        memcpy(transfer->body_copy, request->body.ptr, request->body.len);
        transfer->request.body.ptr = transfer->body_copy;
    }
    return ISO_OK;
}

void iso_http_transfer_release(struct iso_http_transfer *transfer)
{
    curl_slist_free_all(transfer->headers);
    transfer->headers = NULL;
    free(transfer->url);
    free(transfer->method);
    free(transfer->ca_file);
    free(transfer->body_copy);
    iso_buf_fini(&transfer->head.text);
    iso_buf_fini(&transfer->body);
    if (transfer->file >= 0) {
        (void)close(transfer->file);
    }
    if (transfer->request.body_release != NULL) {
        transfer->request.body_release(transfer->request.body_release_ctx);
        transfer->request.body_release = NULL;
    }
}

bool iso_http_transfer_is_repeatable(const struct iso_http_transfer *transfer)
{
    return transfer->request.repeat_safe || transfer->method == NULL ||
           strcmp(transfer->method, "GET") == 0 || strcmp(transfer->method, "HEAD") == 0;
}
