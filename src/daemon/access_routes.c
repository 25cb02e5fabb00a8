/* access_routes.c - HTTP: tokens, and signing a page in. */
#include "daemon/access.h"
#include "daemon/clock.h"
#include "daemon/reply.h"
#include "daemon/route.h"

#include "base/format.h"

#include <jansson.h>
#include <sodium.h>
#include <uv.h>

#include <string.h>

enum { ACCESS_BODY_MAX = 16 << 10 };

static uint64_t now_s(void)
{
    return uv_hrtime() / 1000000000u;
}

/* ---- Tokens --------------------------------------------------------------------------------- */

static void get_tokens(void *ctx, struct iso_http_request *req,
                       const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_access *access = ctx;
    json_t *list = json_array();
    (void)params;
    for (size_t i = 0; i < iso_token_count(access->tokens); i++) {
        const struct iso_token *token = iso_token_at(access->tokens, i);
        char time[32];
        iso_clock_text(token->created_s * 1000000000u, time);
        (void)json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}", "id", token->id, "role",
                                                    iso_token_role_text(token->role), "label",
                                                    token->label, "created", time));
    }
    iso_reply_json(iso_http_request_server(req), iso_http_request_id(req), 200, list);
}

static void post_token(void *ctx, struct iso_http_request *req,
                       const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_access *access = ctx;
    struct iso_report report;
    char text[ISO_TOKEN_TEXT_SIZE];
    enum iso_token_role role;
    (void)params;
    json_t *body = iso_reply_read_object(req);
    if (body == NULL) {
        return;
    }
    const char *label = json_string_value(json_object_get(body, "label"));
    const char *wanted = json_string_value(json_object_get(body, "role"));
    if (wanted == NULL || !iso_token_role_parse(iso_str_from_z(wanted), &role)) {
        iso_http_problem(iso_http_request_server(req), iso_http_request_id(req), 400, NULL, NULL,
                         "\"role\" must be \"read\" or \"operate\"");
        json_decref(body);
        return;
    }
    iso_report_init(&report);
    const size_t count = iso_token_count(access->tokens);
    /* The last place is kept for the token of this machine. */
    const enum iso_err err =
        count + 1 >= ISO_TOKEN_MAX_COUNT
            ? iso_fail(&report, ISO_E_REFUSED, "there are %zu tokens; withdraw some first", count)
            : iso_token_make(access->tokens, role, label != NULL ? label : "",
                             iso_clock_now_ns() / 1000000000u, text, &report);
    json_decref(body);
    if (err != ISO_OK) {
        iso_reply_error(iso_http_request_server(req), iso_http_request_id(req), err, &report);
        return;
    }
    iso_reply_json(iso_http_request_server(req), iso_http_request_id(req), 201,
                   json_pack("{s:s}", "token", text));
    sodium_memzero(text, sizeof text);
}

static void delete_token(void *ctx, struct iso_http_request *req,
                         const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_access *access = ctx;
    struct iso_report report;
    const iso_http_id id = iso_http_request_id(req);
    iso_report_init(&report);
    const enum iso_err err = iso_token_revoke(access->tokens, params[0], &report);
    if (err != ISO_OK) {
        iso_reply_error(iso_http_request_server(req), id, err, &report);
        return;
    }
    iso_route_server_drop(iso_route_server_of(req), params[0]);
    if (access->withdrawn != NULL) {
        access->withdrawn(access->ctx, params[0]);
    }
    iso_http_reply(iso_http_request_server(req), id, 204, NULL, iso_bytes_from(NULL, 0));
}

/* ---- Signing in ----------------------------------------------------------------------------- */

static void post_login(void *ctx, struct iso_http_request *req,
                       const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_access *access = ctx;
    bool given;
    char base[320], url[400], secret[ISO_ACCESS_SECRET_SIZE];
    (void)params;
    const struct iso_token *token = iso_access_check(access, req, now_s(), &given);
    if (token == NULL) { /* it was there a moment ago */
        iso_http_problem(iso_http_request_server(req), iso_http_request_id(req), 401, NULL, NULL,
                         NULL);
        return;
    }
    iso_route_base_url(req, base, sizeof base);
    iso_access_login(access, token, now_s(), secret);
    (void)iso_format(url, sizeof url, "%s/login?code=%s", base, secret);
    iso_reply_json(iso_http_request_server(req), iso_http_request_id(req), 200,
                   json_pack("{s:s}", "url", url));
}

static void get_session(void *ctx, struct iso_http_request *req,
                        const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_access *access = ctx;
    (void)params;
    const struct iso_token *token =
        iso_token_find(access->tokens, iso_str_from_z(iso_route_token_id(req)));
    if (token == NULL) { /* it was there a moment ago */
        iso_http_problem(iso_http_request_server(req), iso_http_request_id(req), 401, NULL, NULL,
                         NULL);
        return;
    }
    iso_reply_json(
        iso_http_request_server(req), iso_http_request_id(req), 200,
        json_pack("{s:s, s:s}", "role", iso_token_role_text(token->role), "label", token->label));
}

static void delete_session(void *ctx, struct iso_http_request *req,
                           const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_access *access = ctx;
    char cookie[96];
    (void)params;
    iso_access_sign_out(access, req, now_s());
    (void)iso_format(cookie, sizeof cookie, "%s=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict",
                     access->cookie);
    const struct iso_http_field fields[] = {{"Set-Cookie", cookie}};
    const struct iso_http_response response = {.status = 204, .fields = fields, .field_count = 1};
    iso_http_respond(iso_http_request_server(req), iso_http_request_id(req), &response);
}

static void get_login(void *ctx, struct iso_http_request *req,
                      const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_access *access = ctx;
    struct iso_str code = {NULL, 0};
    const iso_http_id id = iso_http_request_id(req);
    (void)params;
    char secret[ISO_ACCESS_SECRET_SIZE];
    if (!iso_http_request_parameter(req, "code", &code) || iso_http_request_is_head(req) ||
        !iso_access_sign_in(access, code, now_s(), secret)) {
        iso_http_problem(iso_http_request_server(req), id, 403, NULL, NULL,
                         "this address has been used or is too old; ask for another one");
        return;
    }
    char cookie[160];
    (void)iso_format(cookie, sizeof cookie,
                     "%s=%s; Path=/; Max-Age=%u; HttpOnly; SameSite=Strict%s", access->cookie,
                     secret, (unsigned)ISO_ACCESS_SESSION_SECONDS,
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
    iso_http_respond(iso_http_request_server(req), id, &response);
}

const struct iso_route iso_access_routes[] = {
    {.method = ISO_HTTP_GET,
     .pattern = "v1/tokens",
     .access = ISO_ROUTE_OPERATE,
     .by_token = true,
     .summary = "The tokens, without their secrets",
     .answer_type = "application/json",
     .handle = get_tokens},
    {.method = ISO_HTTP_POST,
     .pattern = "v1/tokens",
     .access = ISO_ROUTE_OPERATE,
     .by_token = true,
     .summary = "Make a token: {role, label}; the answer is the only copy of its secret",
     .answer_type = "application/json",
     .body_max = ACCESS_BODY_MAX,
     .handle = post_token},
    {.method = ISO_HTTP_DELETE,
     .pattern = "v1/tokens/{id}",
     .access = ISO_ROUTE_OPERATE,
     .by_token = true,
     .summary = "Withdraw a token",
     .handle = delete_token},
    {.method = ISO_HTTP_POST,
     .pattern = "v1/login",
     .access = ISO_ROUTE_READ,
     .summary = "An address that signs a browser in, once, within two minutes",
     .answer_type = "application/json",
     .body_max = ACCESS_BODY_MAX,
     .handle = post_login},
    {.method = ISO_HTTP_GET,
     .pattern = "v1/login",
     .access = ISO_ROUTE_READ,
     .summary = "The rights that this credential has: {role, label}",
     .answer_type = "application/json",
     .handle = get_session},
    {.method = ISO_HTTP_DELETE,
     .pattern = "v1/login",
     .access = ISO_ROUTE_READ,
     .summary = "Sign this browser out",
     .handle = delete_session},
    {.method = ISO_HTTP_GET,
     .pattern = "login",
     .access = ISO_ROUTE_PUBLIC,
     .summary = "Sign in by such an address",
     .answer_type = "text/html",
     .handle = get_login},
    {.method = 0}};
