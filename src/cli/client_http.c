/* Requests of the client commands, over libcurl: one at a time, each waits for its answer. */
#include "cli/client.h"
#include "cli/client_note.h"

#include "base/format.h"
#include "cli/message.h"
#include "cli/status.h"
#include "net/tls.h"
#include "platform/platform.h"

#include <errno.h>
#include <stdlib.h>

enum { ANSWER_MAX_BYTES = 1 << 30, CONNECT_SECONDS = 10 };

struct transfer {
    const struct iso_cli_request *request;
    struct iso_cli_reply *reply;
    CURL *curl;
    bool ended; /* by request->piece */
};

/* Whether the request may change something, so that it must not be sent twice. */
static bool changes(const struct iso_cli_request *request)
{
    return strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *ctx)
{
    struct transfer *transfer = ctx;
    const size_t len = size * count;
    long status = 0;
    (void)curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &status);
    if (transfer->request->piece != NULL && status == 200) {
        if (!transfer->request->piece(transfer->request->ctx, iso_bytes_from(bytes, len))) {
            transfer->ended = true;
            return 0;
        }
        return len;
    }
    return iso_buf_append(&transfer->reply->body, bytes, len) == ISO_OK ? len : 0;
}

static int on_progress(void *ctx, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
                       curl_off_t up)
{
    const struct iso_cli_request *request = ctx;
    (void)down_total;
    (void)down;
    if (up_total > 0) {
        request->sent(request->ctx, (uint64_t)up, (uint64_t)up_total);
    }
    return 0;
}

static struct curl_slist *headers_of(const struct iso_cli_server *server,
                                     const struct iso_cli_request *request)
{
    char line[256];
    struct curl_slist *headers = NULL;
    (void)iso_format(line, sizeof line, "Accept: %s",
                     request->accept != NULL ? request->accept : "application/json");
    headers = curl_slist_append(headers, line);
    if (server->token[0] != '\0') {
        (void)iso_format(line, sizeof line, "Authorization: Bearer %s", server->token);
        headers = curl_slist_append(headers, line);
    }
    if (request->content_type != NULL) {
        (void)iso_format(line, sizeof line, "Content-Type: %s", request->content_type);
        headers = curl_slist_append(headers, line);
    }
    if (request->call_key != NULL) {
        (void)iso_format(line, sizeof line, "Idempotency-Key: %s", request->call_key);
        headers = curl_slist_append(headers, line);
    }
    return curl_slist_append(headers, "Expect:");
}

static void set_tls(const struct iso_cli_server *server, CURL *curl)
{
    uint8_t pin[ISO_TLS_PIN_SIZE];
    char curl_pin[56];
    /* The certificate is the device's own work: its pin says whose it is, no authority does. */
    (void)curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
    (void)curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
    (void)curl_easy_setopt(curl, CURLOPT_CERTINFO, 1L);
    /* Each connection shows the certificate; a resumed session might not. */
    (void)curl_easy_setopt(curl, CURLOPT_SSL_SESSIONID_CACHE, 0L);
    if (iso_tls_pin_parse(iso_str_from_z(server->pin), pin)) {
        iso_tls_pin_curl(pin, curl_pin);
        (void)curl_easy_setopt(curl, CURLOPT_PINNEDPUBLICKEY, curl_pin);
    }
}

/* How a server of TLS answers plain HTTP: by closing, or with an alert that is no HTTP. */
static bool looks_like_tls(const struct iso_cli_server *server, CURLcode code)
{
    return !server->answered && strncmp(server->base, "http://", 7) == 0 &&
           (code == CURLE_GOT_NOTHING || code == CURLE_RECV_ERROR ||
            code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_WEIRD_SERVER_REPLY);
}

/* Whether anything of the last request has left. */
static bool was_sent(const struct iso_cli_server *server)
{
    long sent = 0;
    return curl_easy_getinfo(server->curl, CURLINFO_REQUEST_SIZE, &sent) == CURLE_OK && sent > 0;
}

/* A word that is no host: it was to be the name of something on this machine. */
static void hint_names(const struct iso_cli_server *server)
{
    const char *what = server->is_device ? "device" : "orchestrator";
    char names[400];
    json_t *notes = iso_cli_notes_read(server->is_device ? "supervisor" : "orchestrator");
    iso_cli_notes_names(notes, names, sizeof names);
    json_decref(notes);
    if (names[0] != '\0') {
        iso_cli_hint("on this machine run the %ss %s; elsewhere: HOST:PORT", what, names);
    } else {
        iso_cli_hint("no %s of that name runs on this machine; elsewhere: HOST:PORT", what);
    }
}

static int failed(const struct iso_cli_server *server, const struct iso_cli_request *request,
                  CURLcode code, const char *detail)
{
    if (request->quiet) {
        return ISO_CLI_SYSTEM;
    }
    if (code == CURLE_SSL_PINNEDPUBKEYNOTMATCH) {
        iso_cli_error("%s has another key than the one that is pinned: it is not what "
                      "it was, or somebody is in between",
                      server->name);
        if (server->is_device) {
            iso_cli_hint("after a new installation of the device: isomer --device %s pair CODE",
                         server->name);
        }
        return ISO_CLI_USAGE;
    }
    detail = detail[0] != '\0' ? detail : curl_easy_strerror(code);
    if (changes(request) && was_sent(server)) {
        iso_cli_error("%s: the answer is lost, the request perhaps executed: %s", server->name,
                      detail);
    } else {
        iso_cli_error("%s does not answer: %s", server->name, detail);
    }
    if (code == CURLE_COULDNT_CONNECT) {
        iso_cli_hint(server->is_device
                         ? "is a supervisor running there? 'isomer supervisor' starts one"
                         : "is an orchestrator running there? 'isomer up' starts one");
    } else if (code == CURLE_COULDNT_RESOLVE_HOST && strpbrk(server->name, ".:/") == NULL) {
        hint_names(server);
    } else if (looks_like_tls(server, code)) {
        iso_cli_hint("is this its HTTPS port? write https://%s", server->base + strlen("http://"));
    }
    return ISO_CLI_SYSTEM;
}

static int set_up(struct iso_cli_server *server, const struct iso_cli_request *request,
                  struct transfer *transfer)
{
    CURL *curl = server->curl;
    char url[2048];
    curl_easy_reset(curl);
    if (iso_format(url, sizeof url, "%s%s", server->base, request->path) >= sizeof url) {
        iso_cli_error("the address is too long");
        return ISO_CLI_USAGE;
    }
    if (request->body.ptr != NULL || strcmp(request->method, "GET") != 0) {
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS,
                               request->body.ptr != NULL ? (const char *)request->body.ptr : "");
    }
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(curl, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
    if (strcmp(request->method, "HEAD") == 0) {
        (void)curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    }
    if (changes(request)) {
        /* libcurl repeats a request when a connection that it kept turns out to be closed, although
         * the device may have executed it; on a new connection it does not. */
        (void)curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
    }
    (void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
    if (request->timeout_ms != 0) {
        (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
        (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    }
    if (request->sent != NULL) {
        (void)curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
        (void)curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
        (void)curl_easy_setopt(curl, CURLOPT_XFERINFODATA, (void *)(uintptr_t)request);
    }
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer);
    set_tls(server, curl);
    return ISO_CLI_OK;
}

int iso_cli_request(struct iso_cli_server *server, const struct iso_cli_request *request,
                    struct iso_cli_reply *reply)
{
    char error[CURL_ERROR_SIZE] = "";
    struct transfer transfer = {request, reply, server->curl, false};
    *reply = (struct iso_cli_reply){.status = 0};
    iso_buf_init(&reply->body, iso_alloc_libc(), ANSWER_MAX_BYTES);
    if (strncmp(server->base, "https://", 8) == 0 && server->pin[0] == '\0' &&
        server->token[0] != '\0') {
        iso_cli_error("the key of %s is not known, so the token cannot be shown to it",
                      server->name);
        if (server->is_device) {
            iso_cli_hint("pair with it (isomer --device %s pair CODE), or give --pin",
                         server->name);
        } else {
            iso_cli_hint("give --pin: 'isomer login' on its machine prints it, its local.json too");
        }
        return ISO_CLI_USAGE;
    }
    int status = set_up(server, request, &transfer);
    if (status == ISO_CLI_OK) {
        struct curl_slist *headers = headers_of(server, request);
        (void)curl_easy_setopt(server->curl, CURLOPT_HTTPHEADER, headers);
        (void)curl_easy_setopt(server->curl, CURLOPT_ERRORBUFFER, error);
        const CURLcode code = curl_easy_perform(server->curl);
        curl_slist_free_all(headers);
        (void)curl_easy_setopt(server->curl, CURLOPT_ERRORBUFFER, NULL);
        const char *type = NULL;
        (void)curl_easy_getinfo(server->curl, CURLINFO_RESPONSE_CODE, &reply->status);
        server->answered = server->answered || reply->status != 0;
        /* A stream that breaks off has ended too: who follows it says so. */
        const bool ended = transfer.ended || (request->piece != NULL && reply->status == 200);
        status = code == CURLE_OK || ended ? ISO_CLI_OK : failed(server, request, code, error);
        (void)curl_easy_getinfo(server->curl, CURLINFO_CONTENT_TYPE, &type);
        (void)iso_format(reply->content_type, sizeof reply->content_type, "%s",
                         type != NULL ? type : "");
    }
    return status;
}

/* ---- Answers ------------------------------------------------------------------------------------
 */

/* How a function ended, by the type of the problem (docs/api.md). */
static int status_of_call(const char *type)
{
    static const struct {
        const char *type;
        int status;
    } types[] = {{"urn:isomer:problem:error", ISO_CLI_ANSWERED_ERROR},
                 {"urn:isomer:problem:trap", ISO_CLI_TRAP},
                 {"urn:isomer:problem:limit", ISO_CLI_LIMIT}};
    for (size_t i = 0; type != NULL && i < ISO_COUNT_OF(types); i++) {
        if (strcmp(type, types[i].type) == 0) {
            return types[i].status;
        }
    }
    return ISO_CLI_REFUSED;
}

/* How a function ended, in the words of the local `isomer call`: "trap: ..." with its lines. */
static void tell_end(const char *kind, const char *detail)
{
    const size_t first = strcspn(detail, "\n");
    iso_cli_error_as(kind, "%.*s", (int)first, detail);
    for (const char *at = detail + first; *at != '\0';) {
        const size_t len = strcspn(++at, "\n");
        iso_cli_detail("%.*s", (int)len, at);
        at += len;
    }
}

static void tell_problem(const struct iso_cli_server *server, const struct iso_cli_request *request,
                         const json_t *problem, long http)
{
    static const char prefix[] = "urn:isomer:problem:";
    const char *detail = json_string_value(json_object_get(problem, "detail"));
    const char *title = json_string_value(json_object_get(problem, "title"));
    const char *type = json_string_value(json_object_get(problem, "type"));
    const int status = request->call_key != NULL ? status_of_call(type) : ISO_CLI_REFUSED;
    const char *text = detail != NULL  ? detail
                       : title != NULL ? title
                                       : "the answer is not understood";
    if (status == ISO_CLI_TRAP || status == ISO_CLI_LIMIT) {
        tell_end(type + strlen(prefix), text);
    } else if (detail == NULL || http == 401 || http == 403) {
        iso_cli_error("%s: %s (HTTP %ld)", server->name, text, http);
    } else if (server->is_device) {
        iso_cli_error("%s: %s", server->name, text);
    } else {
        iso_cli_error("%s", text); /* it is about its devices and components, not itself */
    }
}

/* The backtrace of a component's trap, as `isomer run` prints one. */
static void tell_trap(const json_t *trap)
{
    const json_t *frames = json_object_get(trap, "backtrace"), *frame;
    const json_int_t left_out = json_integer_value(json_object_get(trap, "left-out"));
    const size_t gap_at = json_array_size(frames) / 2;
    size_t i;
    json_array_foreach(frames, i, frame)
    {
        const char *name = json_string_value(json_object_get(frame, "function"));
        const json_int_t offset = json_integer_value(json_object_get(frame, "offset"));
        const json_int_t index = json_integer_value(json_object_get(frame, "index"));
        if (i == gap_at && left_out > 0) {
            iso_cli_detail("... %lld more ...", (long long)left_out);
        }
        if (name != NULL) {
            iso_cli_detail("at 0x%llx in %s (func %lld)", (unsigned long long)offset, name,
                           (long long)index);
        } else {
            iso_cli_detail("at 0x%llx in func %lld", (unsigned long long)offset, (long long)index);
        }
    }
}

int iso_cli_problem(const struct iso_cli_server *server, const struct iso_cli_request *request,
                    const struct iso_cli_reply *reply)
{
    json_t *problem = json_loadb((const char *)reply->body.ptr, reply->body.len, 0, NULL);
    tell_problem(server, request, problem, reply->status);
    const json_t *value = json_object_get(problem, "error");
    if (value != NULL && reply->status == 422) {
        char *text = json_dumps(value, JSON_ENCODE_ANY);
        iso_cli_detail("%s", text != NULL ? text : "");
        free(text);
    }
    tell_trap(json_object_get(problem, "trap"));
    const bool call = request->call_key != NULL;
    const int status = reply->status == 400 ? ISO_CLI_USAGE
                       : call ? status_of_call(json_string_value(json_object_get(problem, "type")))
                              : ISO_CLI_REFUSED;
    json_decref(problem);
    if (call && reply->status == 504) {
        iso_cli_hint("the link to the device where it runs broke: the call is perhaps executed");
    }
    if (reply->status == 401 && server->token[0] == '\0') {
        iso_cli_hint("give --token @FILE: its state directory has the file 'token'");
    }
    return status;
}

int iso_cli_request_good(struct iso_cli_server *server, const struct iso_cli_request *request,
                         struct iso_cli_reply *reply)
{
    int status = iso_cli_request(server, request, reply);
    if (status == ISO_CLI_OK && (reply->status < 200 || reply->status > 299)) {
        status = iso_cli_problem(server, request, reply);
    }
    return status;
}

int iso_cli_get_json(struct iso_cli_server *server, const char *path, json_t **out)
{
    struct iso_cli_reply reply;
    const struct iso_cli_request request = {.method = "GET", .path = path};
    int status = iso_cli_request_good(server, &request, &reply);
    if (status == ISO_CLI_OK) {
        *out = json_loadb((const char *)reply.body.ptr, reply.body.len, JSON_ALLOW_NUL, NULL);
        if (*out == NULL) {
            iso_cli_error("%s: the answer is no JSON: is it a part of Isomer?", server->name);
            status = ISO_CLI_REFUSED;
        }
    }
    iso_buf_fini(&reply.body);
    return status;
}

int iso_cli_send_json(struct iso_cli_server *server, const char *method, const char *path,
                      json_t *document, json_t **out)
{
    struct iso_cli_reply reply;
    char *text = document != NULL ? json_dumps(document, JSON_COMPACT) : NULL;
    if (document != NULL && text == NULL) {
        iso_cli_error("out of memory");
        json_decref(document);
        return ISO_CLI_SYSTEM;
    }
    json_decref(document);
    const struct iso_cli_request request = {
        .method = method,
        .path = path,
        .content_type = text != NULL ? "application/json" : NULL,
        .body = iso_bytes_from(text, text != NULL ? strlen(text) : 0)};
    const int status = iso_cli_request_good(server, &request, &reply);
    if (status == ISO_CLI_OK && out != NULL) {
        *out = json_loadb((const char *)reply.body.ptr, reply.body.len, 0, NULL);
    }
    iso_buf_fini(&reply.body);
    free(text);
    return status;
}

bool iso_cli_path_encode(const char *text, char *out, size_t cap)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t len = 0;
    for (; *text != '\0'; text++) {
        const unsigned char c = (unsigned char)*text;
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || strchr("-._~", c) != NULL;
        if (len + 4 > cap) {
            return false;
        }
        if (plain) {
            out[len++] = (char)c;
        } else {
            out[len++] = '%';
            out[len++] = digits[c >> 4];
            out[len++] = digits[c & 15u];
        }
    }
    out[len] = '\0';
    return true;
}

bool iso_cli_server_seen_pin(struct iso_cli_server *server, uint8_t pin[32])
{
    struct curl_certinfo *info = NULL;
    if (curl_easy_getinfo(server->curl, CURLINFO_CERTINFO, &info) != CURLE_OK || info == NULL ||
        info->num_of_certs < 1) {
        return false;
    }
    for (const struct curl_slist *at = info->certinfo[0]; at != NULL; at = at->next) {
        if (strncmp(at->data, "Cert:", 5) == 0) {
            uint8_t fingerprint[ISO_TLS_PIN_SIZE];
            return iso_tls_pem_pins(at->data + 5, fingerprint, pin) == ISO_OK;
        }
    }
    return false;
}
