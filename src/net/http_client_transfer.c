/* One exchange of the HTTP client: its options for libcurl, what libcurl calls meanwhile, and what
 * came of it. */
#include "net/http_client_internal.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/http_server_text.h"
#include "net/tls.h"

/* ---- What libcurl calls ------------------------------------------------------------------------
 */

/* The pin of the connection that this answer comes over, whoever opened it. */
static void read_pin(struct iso_http_transfer *transfer)
{
    struct curl_tlssessioninfo *info = NULL;
    unsigned count = 0;
    uint8_t fingerprint[ISO_TLS_PIN_SIZE];
    if (curl_easy_getinfo(transfer->easy, CURLINFO_TLS_SSL_PTR, &info) != CURLE_OK ||
        info == NULL || info->backend != CURLSSLBACKEND_GNUTLS || info->internals == NULL) {
        return;
    }
    if (transfer->request.trust == ISO_HTTP_CLIENT_TRUST_PIN) {
        /* Another one would not have come so far; reading the certificate takes as long as half a
         * small request. */
        transfer->has_pin = true;
        memcpy(transfer->pin, transfer->request.pin, sizeof transfer->pin);
        return;
    }
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(info->internals, &count);
    transfer->has_pin = chain != NULL && count != 0 &&
                        iso_tls_certificate_pins(iso_bytes_from(chain[0].data, chain[0].size),
                                                 fingerprint, transfer->pin) == ISO_OK;
}

/* Whether nothing more of this answer is wanted. */
static bool is_given_up(const struct iso_http_transfer *transfer)
{
    return transfer->stopping || transfer->enough;
}

static void begin_head(struct iso_http_transfer *transfer, struct iso_str line)
{
    const char *blank = memchr(line.ptr, ' ', line.len);
    const size_t left = blank != NULL ? line.len - (size_t)(blank - line.ptr) : 0;
    transfer->head.text.len = 0;
    transfer->has_head = false;
    transfer->status = 0;
    for (size_t i = 1; i < 4 && i < left; i++) {
        transfer->status = transfer->status * 10 + (unsigned)((blank[i] - '0') & 15);
    }
}

static void end_head(struct iso_http_transfer *transfer)
{
    if (transfer->status < 200) {
        return; /* 100 Continue and the like: the answer follows */
    }
    transfer->has_head = true;
    transfer->is_redirect = iso_http_transfer_follows(transfer);
    read_pin(transfer);
    if (!transfer->is_redirect && transfer->request.on_head != NULL && !is_given_up(transfer)) {
        struct iso_http_client_answer answer;
        iso_http_transfer_answer(transfer, &answer);
        transfer->request.on_head(transfer->request.ctx, transfer->id, &answer);
    }
}

static size_t on_header(char *bytes, size_t size, size_t count, void *ctx)
{
    struct iso_http_transfer *transfer = ctx;
    const size_t len = size * count;
    if (len >= 5 && memcmp(bytes, "HTTP/", 5) == 0) {
        begin_head(transfer, iso_str_from(bytes, len));
    } else if (len <= 2 && (len == 0 || bytes[len - 1] == '\n')) {
        end_head(transfer);
    } else {
        enum iso_err err = iso_buf_append(&transfer->head.text, bytes, len);
        transfer->too_large = err == ISO_E_LIMIT;
        transfer->no_memory = err == ISO_E_NOMEM;
        return err == ISO_OK ? len : 0;
    }
    return is_given_up(transfer) ? 0 : len;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *ctx)
{
    struct iso_http_transfer *transfer = ctx;
    const size_t len = size * count;
    if (is_given_up(transfer)) {
        return 0;
    }
    transfer->piece_bytes += len;
    if (transfer->piece_bytes > transfer->request.max_bytes) {
        transfer->too_large = true;
        return 0;
    }
    if (transfer->is_redirect || len == 0) {
        return len;
    }
    if (transfer->request.on_piece != NULL && transfer->status / 100 == 2) {
        transfer->enough = !transfer->request.on_piece(transfer->request.ctx, transfer->id,
                                                       iso_bytes_from(bytes, len));
        return is_given_up(transfer) ? 0 : len;
    }
    size_t part = len;
    if (transfer->request.on_piece != NULL && part > transfer->body.max - transfer->body.len) {
        part = transfer->body.max - transfer->body.len;
    }
    enum iso_err err = iso_buf_append(&transfer->body, bytes, part);
    transfer->too_large = err == ISO_E_LIMIT;
    transfer->no_memory = err == ISO_E_NOMEM;
    return err == ISO_OK ? len : 0;
}

static size_t on_read(char *bytes, size_t size, size_t count, void *ctx)
{
    struct iso_http_transfer *transfer = ctx;
    ssize_t got;
    do {
        got = read(transfer->file, bytes, size * count);
    } while (got < 0 && errno == EINTR);
    transfer->file_failed = got < 0;
    return got < 0 ? CURL_READFUNC_ABORT : (size_t)got;
}

static int on_seek(void *ctx, curl_off_t offset, int origin)
{
    const struct iso_http_transfer *transfer = ctx;
    return lseek(transfer->file, (off_t)offset, origin) >= 0 ? CURL_SEEKFUNC_OK
                                                             : CURL_SEEKFUNC_FAIL;
}

static bool is_allowed(struct iso_http_transfer *transfer, const struct sockaddr *address)
{
    const struct iso_http_client *client = transfer->client;
    bool allowed = transfer->request.addresses != ISO_HTTP_CLIENT_ADDRESS_PUBLIC_ONLY ||
                   iso_http_client_is_public(address);
    for (size_t i = 0; !allowed && i < client->also_public_count; i++) {
        allowed = iso_http_address_equal(
            (const struct sockaddr *)(const void *)&client->also_public[i], address);
    }
    transfer->address_refused = transfer->address_refused || !allowed;
    return allowed;
}

/* Each address before it is connected to. */
static curl_socket_t on_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)purpose;
    if (!is_allowed(ctx, &address->addr)) {
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* Each connection before the request is sent: it may be one that another request, which may go
 * anywhere, has opened. */
static int on_ready(void *ctx, char *peer, char *local, int peer_port, int local_port)
{
    struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
    (void)local;
    (void)peer_port;
    (void)local_port;
    (void)iso_http_address_read(peer, &address); /* what cannot be read is not public */
    return is_allowed(ctx, (const struct sockaddr *)&address) ? CURL_PREREQFUNC_OK
                                                              : CURL_PREREQFUNC_ABORT;
}

/* ---- Options -----------------------------------------------------------------------------------
 */

/* Remembers the first option that was not taken. */
struct setter {
    CURL *easy;
    CURLcode code;
};

#define SET(setter, option, value)                                                                 \
    ((setter)->code = (setter)->code != CURLE_OK                                                   \
                          ? (setter)->code                                                         \
                          : curl_easy_setopt((setter)->easy, option, value))

static void set_body(struct setter *set, const struct iso_http_transfer *transfer)
{
    const struct iso_http_client_request *request = &transfer->request;
    const char *method = transfer->method != NULL ? transfer->method : "GET";
    if (transfer->file >= 0) {
        SET(set, CURLOPT_UPLOAD, 1L);
        SET(set, CURLOPT_READFUNCTION, on_read);
        SET(set, CURLOPT_READDATA, (void *)transfer);
        SET(set, CURLOPT_SEEKFUNCTION, on_seek);
        SET(set, CURLOPT_SEEKDATA, (void *)transfer);
        SET(set, CURLOPT_INFILESIZE_LARGE, (curl_off_t)transfer->file_bytes);
    } else if (strcmp(method, "HEAD") == 0) {
        SET(set, CURLOPT_NOBODY, 1L);
    } else if (request->body.len != 0 || strcmp(method, "GET") != 0) {
        SET(set, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
        SET(set, CURLOPT_POSTFIELDS, request->body.len != 0 ? (const char *)request->body.ptr : "");
    }
    SET(set, CURLOPT_CUSTOMREQUEST, method);
}

static void set_trust(struct setter *set, const struct iso_http_transfer *transfer)
{
    char pin[56];
    /* Each connection shows its certificate; a resumed session might not. */
    SET(set, CURLOPT_SSL_SESSIONID_CACHE, 0L);
    if (transfer->request.trust == ISO_HTTP_CLIENT_TRUST_SYSTEM) {
        if (transfer->ca_file != NULL) {
            SET(set, CURLOPT_CAINFO, transfer->ca_file);
        }
        return;
    }
    SET(set, CURLOPT_SSL_VERIFYPEER, 0L);
    SET(set, CURLOPT_SSL_VERIFYHOST, 0L);
    /* Otherwise the system's authorities are read for each connection, and kept with it: 25 ms and
     * 8 MB for nothing. */
    SET(set, CURLOPT_CAINFO, NULL);
    SET(set, CURLOPT_CAPATH, NULL);
    if (transfer->request.trust == ISO_HTTP_CLIENT_TRUST_PIN) {
        iso_tls_pin_curl(transfer->request.pin, pin);
        SET(set, CURLOPT_PINNEDPUBLICKEY, pin);
    }
}

static void set_limits(struct setter *set, const struct iso_http_transfer *transfer)
{
    const struct iso_http_client_request *request = &transfer->request;
    SET(set, CURLOPT_CONNECTTIMEOUT_MS, (long)request->connect_ms);
    if (request->low_speed_s != 0) {
        SET(set, CURLOPT_LOW_SPEED_LIMIT, (long)request->low_speed_bytes);
        SET(set, CURLOPT_LOW_SPEED_TIME, (long)request->low_speed_s);
    }
    if (!request->environment_proxy) {
        SET(set, CURLOPT_PROXY, "");
    }
    SET(set, CURLOPT_OPENSOCKETFUNCTION, on_socket);
    SET(set, CURLOPT_OPENSOCKETDATA, (void *)transfer);
    if (request->addresses == ISO_HTTP_CLIENT_ADDRESS_PUBLIC_ONLY) {
        SET(set, CURLOPT_PREREQFUNCTION, on_ready);
        SET(set, CURLOPT_PREREQDATA, (void *)transfer);
    }
    if (!iso_http_transfer_is_repeatable(transfer)) {
        /* libcurl repeats a request when a connection that it kept turns out to be closed; on a new
         * connection it does not. Kept afterwards, such connections would pile up at the server. */
        SET(set, CURLOPT_FRESH_CONNECT, 1L);
        SET(set, CURLOPT_FORBID_REUSE, 1L);
    }
}

enum iso_err iso_http_transfer_set_up(struct iso_http_transfer *transfer)
{
    struct setter setter = {.easy = transfer->easy};
    struct setter *set = &setter;
    curl_easy_reset(transfer->easy);
    SET(set, CURLOPT_URL, transfer->url);
    SET(set, CURLOPT_PRIVATE, (void *)transfer);
    SET(set, CURLOPT_PROTOCOLS_STR, "http,https");
    SET(set, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(set, CURLOPT_NOSIGNAL, 1L);
    /* Whoever gives a request up does not wait for the resolver's thread. */
    SET(set, CURLOPT_QUICK_EXIT, 1L);
    SET(set, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(set, CURLOPT_USERAGENT, transfer->client->user_agent);
    SET(set, CURLOPT_HTTPHEADER, transfer->headers);
    SET(set, CURLOPT_ERRORBUFFER, transfer->error);
    SET(set, CURLOPT_HEADERFUNCTION, on_header);
    SET(set, CURLOPT_HEADERDATA, (void *)transfer);
    SET(set, CURLOPT_WRITEFUNCTION, on_body);
    SET(set, CURLOPT_WRITEDATA, (void *)transfer);
    if (transfer->client->resolve != NULL) {
        SET(set, CURLOPT_RESOLVE, transfer->client->resolve);
    }
    set_body(set, transfer);
    set_trust(set, transfer);
    set_limits(set, transfer);
    return set->code == CURLE_OK ? ISO_OK : ISO_E_NOMEM;
}

/* ---- What came of it ---------------------------------------------------------------------------
 */

static enum iso_http_client_outcome outcome_of(const struct iso_http_transfer *transfer,
                                               CURLcode code)
{
    switch ((int)code) {
    case CURLE_OK:
        return ISO_HTTP_CLIENT_DONE;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PROXY:
        return ISO_HTTP_CLIENT_CANNOT_CONNECT;
    case CURLE_OPERATION_TIMEDOUT:
        return ISO_HTTP_CLIENT_TIMED_OUT;
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
        return ISO_HTTP_CLIENT_PIN_MISMATCH;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_ISSUER_ERROR:
        return ISO_HTTP_CLIENT_UNTRUSTED;
    case CURLE_OUT_OF_MEMORY:
    case CURLE_READ_ERROR:
    case CURLE_ABORTED_BY_CALLBACK:
    case CURLE_SSL_ENGINE_INITFAILED:
        return ISO_HTTP_CLIENT_FAILED;
    default:
        return transfer->sent ? ISO_HTTP_CLIENT_BROKE_SENT : ISO_HTTP_CLIENT_BROKE_UNSENT;
    }
}

static void say(struct iso_http_transfer *transfer, enum iso_http_client_outcome outcome,
                const char *message)
{
    transfer->outcome = outcome;
    (void)iso_format(transfer->message, sizeof transfer->message, "%s", message);
}

void iso_http_transfer_judge(struct iso_http_transfer *transfer, CURLcode code)
{
    long sent = 0, connects = 0;
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &sent);
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_NUM_CONNECTS, &connects);
    transfer->sent = sent > 0;
    transfer->reused = transfer->sent && connects == 0;
    transfer->client->stats.connected += (uint64_t)connects;
    if (transfer->stopping) {
        say(transfer, transfer->stop_outcome,
            transfer->stop_outcome == ISO_HTTP_CLIENT_TIMED_OUT ? "no answer in time"
                                                                : "cancelled");
    } else if (transfer->enough) {
        say(transfer, ISO_HTTP_CLIENT_CANCELLED, "cancelled");
    } else if (transfer->too_large) {
        say(transfer, ISO_HTTP_CLIENT_TOO_LARGE, "the answer is too large");
    } else if (transfer->no_memory) {
        say(transfer, ISO_HTTP_CLIENT_FAILED, "not enough memory for the answer");
    } else if (transfer->file_failed) {
        say(transfer, ISO_HTTP_CLIENT_FAILED, "the file to send cannot be read");
    } else if (code != CURLE_OK && transfer->address_refused) {
        say(transfer, ISO_HTTP_CLIENT_ADDRESS_REFUSED,
            "it leads to an address that is not of the public Internet");
    } else if (code == CURLE_OK && !transfer->has_head) { /* for libcurl that is an answer */
        say(transfer, ISO_HTTP_CLIENT_BROKE_SENT, "the answer ends within its header");
    } else {
        enum iso_http_client_outcome outcome = outcome_of(transfer, code);
        say(transfer, outcome,
            outcome == ISO_HTTP_CLIENT_DONE           ? ""
            : outcome == ISO_HTTP_CLIENT_PIN_MISMATCH ? "it has another key than the one expected"
            : transfer->error[0] != '\0'              ? transfer->error
                                                      : curl_easy_strerror(code));
    }
}

void iso_http_transfer_answer(struct iso_http_transfer *transfer,
                              struct iso_http_client_answer *out)
{
    *out = (struct iso_http_client_answer){.outcome = transfer->outcome,
                                           .status = transfer->status,
                                           .sent = transfer->sent || transfer->status != 0,
                                           .has_pin = transfer->has_pin,
                                           .body = &transfer->body,
                                           .message = transfer->message,
                                           .url = transfer->url,
                                           .reused = transfer->reused,
                                           .took_us = (uv_hrtime() - transfer->started_ns) / 1000,
                                           .head = &transfer->head};
    memcpy(out->pin, transfer->pin, sizeof out->pin);
}

const char *iso_http_client_outcome_text(enum iso_http_client_outcome outcome)
{
    static const char *const texts[] = {
        [ISO_HTTP_CLIENT_DONE] = "done",
        [ISO_HTTP_CLIENT_CANNOT_CONNECT] = "cannot connect",
        [ISO_HTTP_CLIENT_TIMED_OUT] = "timed out",
        [ISO_HTTP_CLIENT_BROKE_UNSENT] = "the connection broke, nothing was sent",
        [ISO_HTTP_CLIENT_BROKE_SENT] = "the connection broke, the request is perhaps executed",
        [ISO_HTTP_CLIENT_PIN_MISMATCH] = "another key than the one expected",
        [ISO_HTTP_CLIENT_UNTRUSTED] = "the certificate is not trusted",
        [ISO_HTTP_CLIENT_TOO_LARGE] = "the answer is too large",
        [ISO_HTTP_CLIENT_ADDRESS_REFUSED] = "the address is not public",
        [ISO_HTTP_CLIENT_REDIRECT_REFUSED] = "the redirect is not followed",
        [ISO_HTTP_CLIENT_CANCELLED] = "cancelled",
        [ISO_HTTP_CLIENT_FAILED] = "failed on our side",
    };
    return texts[outcome];
}

/* ---- Header fields -----------------------------------------------------------------------------
 */

static struct iso_str trimmed(struct iso_str text)
{
    while (text.len != 0 && strchr(" \t\r\n", text.ptr[text.len - 1]) != NULL) {
        text.len--;
    }
    while (text.len != 0 && (text.ptr[0] == ' ' || text.ptr[0] == '\t')) {
        text.ptr++;
        text.len--;
    }
    return text;
}

bool iso_http_client_header(const struct iso_http_client_answer *answer, const char *name,
                            size_t index, struct iso_str *out)
{
    const char *at = (const char *)answer->head->text.ptr;
    const char *end = at != NULL ? at + answer->head->text.len : NULL;
    while (at != end) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        line_end = line_end != NULL ? line_end + 1 : end;
        const char *colon = memchr(at, ':', (size_t)(line_end - at));
        if (colon != NULL && iso_http_text_equal_z(iso_str_from(at, (size_t)(colon - at)), name) &&
            index-- == 0) {
            *out = trimmed(iso_str_from(colon + 1, (size_t)(line_end - colon - 1)));
            return true;
        }
        at = line_end;
    }
    return false;
}

bool iso_http_client_has_type(const struct iso_http_client_answer *answer, const char *media_type)
{
    struct iso_str type;
    return iso_http_client_header(answer, "Content-Type", 0, &type) &&
           iso_http_text_has_type(type, media_type);
}
