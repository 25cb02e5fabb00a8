/* api_access.c - HTTP: tokens, signing a page in, and pairing with an orchestrator. */
#include "supervisor/daemon.h"

#include "base/format.h"

#include <jansson.h>
#include <sodium.h>

#include <stdlib.h>
#include <string.h>

enum { ACCESS_BODY_MAX = 16 << 10 };

static uint64_t now_s(void)
{
    return uv_hrtime() / 1000000000u;
}

static void reply_json(struct iso_supervisor *sv, struct iso_http_request *req, unsigned status,
                       json_t *document)
{
    char *text = document != NULL ? json_dumps(document, JSON_COMPACT) : NULL;
    const iso_http_id id = iso_http_request_id(req);
    json_decref(document);
    if (text == NULL) {
        iso_http_problem(sv->http, id, 503, NULL, NULL, "out of memory");
        return;
    }
    iso_http_reply(sv->http, id, status, "application/json", iso_bytes_from(text, strlen(text)));
    sodium_memzero(text, strlen(text));
    free(text);
}

/* The body as an object; NULL when 400 has been answered. */
static json_t *read_body(struct iso_supervisor *sv, struct iso_http_request *req)
{
    const struct iso_bytes body = iso_http_request_body(req);
    json_error_t error;
    char detail[256];
    json_t *root = json_loadb((const char *)body.ptr, body.len, JSON_REJECT_DUPLICATES, &error);
    if (json_is_object(root)) {
        return root;
    }
    (void)iso_format(detail, sizeof detail, "the body must be a JSON object%s%s",
                     root == NULL ? ": " : "", root == NULL ? error.text : "");
    json_decref(root);
    iso_http_problem(sv->http, iso_http_request_id(req), 400, NULL, NULL, detail);
    return NULL;
}

/* ---- Tokens --------------------------------------------------------------------------------- */

static void get_tokens(struct iso_supervisor *sv, struct iso_http_request *req,
                       const struct iso_str params[ISO_SV_ROUTE_PARAMS])
{
    json_t *list = json_array();
    (void)params;
    for (size_t i = 0; i < iso_token_count(sv->access.tokens); i++) {
        const struct iso_token *token = iso_token_at(sv->access.tokens, i);
        char time[32];
        iso_sv_time_text(token->created_s * 1000000000u, time);
        (void)json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}", "id", token->id, "role",
                                                    iso_token_role_text(token->role), "label",
                                                    token->label, "created", time));
    }
    reply_json(sv, req, 200, list);
}

static void post_token(struct iso_supervisor *sv, struct iso_http_request *req,
                       const struct iso_str params[ISO_SV_ROUTE_PARAMS])
{
    struct iso_report report;
    char text[ISO_TOKEN_TEXT_SIZE];
    enum iso_token_role role;
    (void)params;
    json_t *body = read_body(sv, req);
    if (body == NULL) {
        return;
    }
    const char *label = json_string_value(json_object_get(body, "label"));
    const char *wanted = json_string_value(json_object_get(body, "role"));
    if (wanted == NULL || !iso_token_role_parse(iso_str_from_z(wanted), &role)) {
        iso_http_problem(sv->http, iso_http_request_id(req), 400, NULL, NULL,
                         "\"role\" must be \"read\" or \"operate\"");
        json_decref(body);
        return;
    }
    iso_report_init(&report);
    const size_t count = iso_token_count(sv->access.tokens);
    /* The last place is kept for the token of this machine. */
    const enum iso_err err =
        count + 1 >= ISO_TOKEN_MAX_COUNT
            ? iso_fail(&report, ISO_E_REFUSED, "there are %zu tokens; withdraw some first", count)
            : iso_token_make(sv->access.tokens, role, label != NULL ? label : "",
                             iso_sv_now_ns() / 1000000000u, text, &report);
    json_decref(body);
    if (err != ISO_OK) {
        iso_sv_reply_error(sv, iso_http_request_id(req), err, &report);
        return;
    }
    reply_json(sv, req, 201, json_pack("{s:s}", "token", text));
    sodium_memzero(text, sizeof text);
}

static void delete_token(struct iso_supervisor *sv, struct iso_http_request *req,
                         const struct iso_str params[ISO_SV_ROUTE_PARAMS])
{
    struct iso_report report;
    const iso_http_id id = iso_http_request_id(req);
    iso_report_init(&report);
    const enum iso_err err = iso_token_revoke(sv->access.tokens, params[0], &report);
    if (err != ISO_OK) {
        iso_sv_reply_error(sv, id, err, &report);
        return;
    }
    iso_sv_drop_token(sv, params[0]);
    iso_http_reply(sv->http, id, 204, NULL, iso_bytes_from(NULL, 0));
}

/* ---- Signing in ----------------------------------------------------------------------------- */

static void post_login(struct iso_supervisor *sv, struct iso_http_request *req,
                       const struct iso_str params[ISO_SV_ROUTE_PARAMS])
{
    bool given;
    char base[320], url[400];
    (void)params;
    const struct iso_token *token = iso_sv_access_check(&sv->access, req, now_s(), &given);
    if (token == NULL) { /* it was there a moment ago */
        iso_http_problem(sv->http, iso_http_request_id(req), 401, NULL, NULL, NULL);
        return;
    }
    iso_sv_base_url(sv, req, base, sizeof base);
    (void)iso_format(url, sizeof url, "%s/login?code=%s", base,
                     iso_sv_access_login(&sv->access, token, now_s()));
    reply_json(sv, req, 200, json_pack("{s:s}", "url", url));
}

static void get_login(struct iso_supervisor *sv, struct iso_http_request *req,
                      const struct iso_str params[ISO_SV_ROUTE_PARAMS])
{
    struct iso_str code = {NULL, 0};
    const iso_http_id id = iso_http_request_id(req);
    (void)params;
    const char *secret =
        iso_http_request_parameter(req, "code", &code) && !iso_http_request_is_head(req)
            ? iso_sv_access_sign_in(&sv->access, code, now_s())
            : NULL;
    if (secret == NULL) {
        iso_http_problem(sv->http, id, 403, NULL, NULL,
                         "this address has been used or is too old; ask for another one");
        return;
    }
    char cookie[160];
    (void)iso_format(cookie, sizeof cookie,
                     "%s=%s; Path=/; Max-Age=%u; HttpOnly; SameSite=Strict%s", sv->access.cookie,
                     secret, (unsigned)ISO_SV_SESSION_SECONDS,
                     iso_http_request_is_tls(req) ? "; Secure" : "");
    /* A page instead of a redirection: SameSite=Strict cookies are not sent along the latter when
     * it began on another site. */
    static const char page[] = "<!DOCTYPE html><meta charset=\"utf-8\"><title>Signed in</title>"
                               "<meta http-equiv=\"refresh\" content=\"0; url=/\">"
                               "<p><a href=\"/\">Signed in</a></p>";
    const struct iso_http_field fields[] = {{"Set-Cookie", cookie}};
    const struct iso_http_response response = {.status = 200,
                                               .content_type = "text/html; charset=utf-8",
                                               .body = iso_bytes_from(page, sizeof page - 1),
                                               .fields = fields,
                                               .field_count = 1};
    iso_http_respond(sv->http, id, &response);
}

/* ---- Pairing -------------------------------------------------------------------------------- */

static uint64_t now_ms(void)
{
    return uv_hrtime() / 1000000u;
}

static void post_code(struct iso_supervisor *sv, struct iso_http_request *req,
                      const struct iso_str params[ISO_SV_ROUTE_PARAMS])
{
    char code[ISO_PAIRING_CODE_TEXT_SIZE];
    (void)params;
    const enum iso_err err =
        iso_pairing_device_open(&sv->pairing, sv->identity.pin, now_ms(), code);
    if (err != ISO_OK) {
        iso_sv_reply_error(sv, iso_http_request_id(req), err, NULL);
        return;
    }
    reply_json(sv, req, 201,
               json_pack("{s:s, s:i}", "code", code, "expires-seconds",
                         (int)(ISO_PAIRING_LIFETIME_MS / 1000u)));
    sodium_memzero(code, sizeof code);
}

/* Pairing proves that nobody is between the two ends of a TLS connection: without one it proves
 * nothing. */
static bool is_fit_for_pairing(struct iso_supervisor *sv, const struct iso_http_request *req)
{
    if (iso_http_request_is_tls(req)) {
        return true;
    }
    iso_http_problem(sv->http, iso_http_request_id(req), 400, NULL, NULL,
                     "pairing needs HTTPS: use the device's https port");
    return false;
}

static void answer_pairing(struct iso_supervisor *sv, struct iso_http_request *req,
                           struct iso_buf *answer, enum iso_err err,
                           const struct iso_report *report)
{
    const iso_http_id id = iso_http_request_id(req);
    if (err == ISO_OK) {
        iso_http_reply(sv->http, id, 200, "application/json", iso_buf_view(answer));
    } else {
        iso_http_problem(sv->http, id, err == ISO_E_LIMIT ? 429 : iso_sv_error_status(err), NULL,
                         NULL, iso_report_text(report, err));
    }
    if (answer->len != 0) {
        sodium_memzero(answer->ptr, answer->len);
    }
    iso_buf_fini(answer);
}

static void post_pairing_start(struct iso_supervisor *sv, struct iso_http_request *req,
                               const struct iso_str params[ISO_SV_ROUTE_PARAMS])
{
    struct iso_buf answer;
    struct iso_report report;
    (void)params;
    if (!is_fit_for_pairing(sv, req)) {
        return;
    }
    iso_report_init(&report);
    iso_buf_init(&answer, sv->alloc, ISO_PAIRING_MAX_MESSAGE);
    const enum iso_err err = iso_pairing_device_start(&sv->pairing, now_ms(),
                                                      iso_http_request_body(req), &answer, &report);
    answer_pairing(sv, req, &answer, err, &report);
}

static void post_pairing_finish(struct iso_supervisor *sv, struct iso_http_request *req,
                                const struct iso_str params[ISO_SV_ROUTE_PARAMS])
{
    struct iso_buf answer;
    struct iso_report report;
    uint8_t pin[ISO_PAIRING_PIN_SIZE];
    char token[ISO_TOKEN_TEXT_SIZE], label[ISO_TOKEN_LABEL_SIZE], text[ISO_TLS_PIN_TEXT_SIZE];
    (void)params;
    if (!is_fit_for_pairing(sv, req)) {
        return;
    }
    iso_report_init(&report);
    iso_buf_init(&answer, sv->alloc, ISO_PAIRING_MAX_MESSAGE);
    enum iso_err err =
        iso_pairing_device_finish(&sv->pairing, now_ms(), iso_http_request_body(req), pin, &report);
    if (err == ISO_OK) {
        iso_tls_pin_text(pin, text);
        (void)iso_format(label, sizeof label, "paired with %.20s at %.15s", text,
                         iso_http_request_peer_text(req));
        err = iso_token_make(sv->access.tokens, ISO_TOKEN_OPERATE, label,
                             iso_sv_now_ns() / 1000000000u, token, &report);
    }
    if (err == ISO_OK) {
        err = iso_pairing_device_grant(token, &answer);
        sodium_memzero(token, sizeof token);
        iso_sv_log_write(&sv->log, ISO_SV_LOG_INFO, "pairing", "%s", label);
        iso_sv_event(sv, "paired", (struct iso_str){NULL, 0}, (struct iso_str){NULL, 0}, label);
    }
    answer_pairing(sv, req, &answer, err, &report);
}

const struct iso_sv_route iso_sv_routes_access[] = {
    {.method = ISO_HTTP_POST,
     .pattern = "v1/pairing/code",
     .access = ISO_SV_OPERATE,
     .summary = "A code for pairing, good once and for ten minutes; the one before it is dead",
     .answer_type = "application/json",
     .body_max = ACCESS_BODY_MAX,
     .handle = post_code},
    {.method = ISO_HTTP_POST,
     .pattern = "v1/pairing/start",
     .access = ISO_SV_PUBLIC,
     .summary = "Pair: the first message of who knows the code",
     .answer_type = "application/json",
     .body_max = ISO_PAIRING_MAX_MESSAGE,
     .handle = post_pairing_start},
    {.method = ISO_HTTP_POST,
     .pattern = "v1/pairing/finish",
     .access = ISO_SV_PUBLIC,
     .summary = "Pair: the proof, answered with a token",
     .answer_type = "application/json",
     .body_max = ISO_PAIRING_MAX_MESSAGE,
     .handle = post_pairing_finish},
    {.method = ISO_HTTP_GET,
     .pattern = "v1/tokens",
     .access = ISO_SV_OPERATE,
     .summary = "The tokens, without their secrets",
     .answer_type = "application/json",
     .handle = get_tokens},
    {.method = ISO_HTTP_POST,
     .pattern = "v1/tokens",
     .access = ISO_SV_OPERATE,
     .summary = "Make a token: {role, label}; the answer is the only copy of its secret",
     .answer_type = "application/json",
     .body_max = ACCESS_BODY_MAX,
     .handle = post_token},
    {.method = ISO_HTTP_DELETE,
     .pattern = "v1/tokens/{id}",
     .access = ISO_SV_OPERATE,
     .summary = "Withdraw a token",
     .handle = delete_token},
    {.method = ISO_HTTP_POST,
     .pattern = "v1/login",
     .access = ISO_SV_READ,
     .summary = "An address that signs a browser in, once, within two minutes",
     .answer_type = "application/json",
     .body_max = ACCESS_BODY_MAX,
     .handle = post_login},
    {.method = ISO_HTTP_GET,
     .pattern = "login",
     .access = ISO_SV_PUBLIC,
     .summary = "Sign in by such an address",
     .answer_type = "text/html",
     .handle = get_login},
    {.method = 0}};
