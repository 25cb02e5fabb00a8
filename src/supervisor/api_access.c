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
    const enum iso_err err = iso_token_make(sv->access.tokens, role, label != NULL ? label : "",
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
    (void)iso_format(
        cookie, sizeof cookie, "isomer=%s; Path=/; Max-Age=%u; HttpOnly; SameSite=Strict%s", secret,
        (unsigned)ISO_SV_SESSION_SECONDS, iso_http_request_is_tls(req) ? "; Secure" : "");
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

const struct iso_sv_route iso_sv_routes_access[] = {
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
     .handle = post_login},
    {.method = ISO_HTTP_GET,
     .pattern = "login",
     .access = ISO_SV_PUBLIC,
     .summary = "Sign in by such an address",
     .answer_type = "text/html",
     .handle = get_login},
    {.method = 0}};
