/* api_pairing.c - HTTP: pairing with an orchestrator (docs/internals/pairing.md). */
#include "supervisor/daemon.h"

#include "base/format.h"
#include "daemon/clock.h"

#include <jansson.h>
#include <sodium.h>

enum { CODE_BODY_MAX = 16 << 10 };

static uint64_t now_ms(void)
{
    return uv_hrtime() / 1000000u;
}

static void post_code(void *ctx, struct iso_http_request *req,
                      const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_supervisor *sv = ctx;
    char code[ISO_PAIRING_CODE_TEXT_SIZE];
    (void)params;
    const enum iso_err err =
        iso_pairing_device_open(&sv->pairing, sv->state.identity.pin, now_ms(), code);
    if (err != ISO_OK) {
        iso_reply_error(sv->http, iso_http_request_id(req), err, NULL);
        return;
    }
    iso_reply_json(sv->http, iso_http_request_id(req), 201,
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
        iso_http_problem(sv->http, id, err == ISO_E_LIMIT ? 429 : iso_reply_status(err), NULL, NULL,
                         iso_report_text(report, err));
    }
    if (answer->len != 0) {
        sodium_memzero(answer->ptr, answer->len);
    }
    iso_buf_fini(answer);
}

static void post_pairing_start(void *ctx, struct iso_http_request *req,
                               const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_supervisor *sv = ctx;
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

static void post_pairing_finish(void *ctx, struct iso_http_request *req,
                                const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_supervisor *sv = ctx;
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
                             iso_clock_now_ns() / 1000000000u, token, &report);
    }
    if (err == ISO_OK) {
        err = iso_pairing_device_grant(token, &answer);
        sodium_memzero(token, sizeof token);
        iso_log_write(&sv->log, ISO_LOG_INFO, "pairing", "%s", label);
        iso_sv_event(sv, "paired", (struct iso_str){NULL, 0}, (struct iso_str){NULL, 0}, label);
    }
    answer_pairing(sv, req, &answer, err, &report);
}

const struct iso_route iso_sv_routes_pairing[] = {
    {.method = ISO_HTTP_POST,
     .pattern = "v1/pairing/code",
     .access = ISO_ROUTE_OPERATE,
     .summary = "A code for pairing, good once and for ten minutes; the one before it is dead",
     .answer_type = "application/json",
     .body_max = CODE_BODY_MAX,
     .handle = post_code},
    {.method = ISO_HTTP_POST,
     .pattern = "v1/pairing/start",
     .access = ISO_ROUTE_PUBLIC,
     .summary = "Pair: the first message of who knows the code",
     .answer_type = "application/json",
     .body_max = ISO_PAIRING_MAX_MESSAGE,
     .handle = post_pairing_start},
    {.method = ISO_HTTP_POST,
     .pattern = "v1/pairing/finish",
     .access = ISO_ROUTE_PUBLIC,
     .summary = "Pair: the proof, answered with a token",
     .answer_type = "application/json",
     .body_max = ISO_PAIRING_MAX_MESSAGE,
     .handle = post_pairing_finish},
    {.method = 0}};
