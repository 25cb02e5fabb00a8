/* devices_ask.c - one HTTP request to a device: with whose pin, which token, in whose name. */
#include "base/format.h"
#include "orchestrator/devices_state.h"

bool iso_or_is_https(const char *base)
{
    return strncmp(base, "https:", 6) == 0;
}

bool iso_or_entry_trusts(const struct iso_or_entry *entry, const char *base)
{
    return iso_or_is_https(base) || (!entry->target.has_pin && strcmp(entry->sure, base) == 0);
}

void iso_or_entry_doubt(struct iso_or_entry *entry, const char *base,
                        const struct iso_http_client_answer *answer)
{
    const bool ended = answer->outcome == ISO_HTTP_CLIENT_CANNOT_CONNECT ||
                       answer->outcome == ISO_HTTP_CLIENT_BROKE_UNSENT ||
                       answer->outcome == ISO_HTTP_CLIENT_BROKE_SENT;
    if (ended && strcmp(entry->sure, base) == 0) {
        entry->sure[0] = '\0';
    }
}

enum iso_err iso_or_ask(struct iso_or_devices *devices, const struct iso_or_ask *ask, uint64_t *id,
                        struct iso_report *report)
{
    const struct iso_or_reach *target = ask->target;
    const char *const headers[] = {devices->owner_header};
    char url[ISO_HTTP_CLIENT_MAX_URL];
    if (iso_format(url, sizeof url, "%s%s", target->base, ask->path) >= sizeof url) {
        return iso_fail(report, ISO_E_ARGUMENT, "the path is too long");
    }
    struct iso_http_client_request request = {.url = url,
                                              .method = ask->method,
                                              .content_type =
                                                  ask->body_type != NULL ? ask->body_type
                                                  : ask->body.len != 0   ? "application/json"
                                                                         : NULL,
                                              .body = ask->body,
                                              .body_kept = ask->body_kept,
                                              .file = ask->file,
                                              .max_bytes = ask->max_bytes,
                                              .connect_ms = ask->connect_ms,
                                              .total_ms = ask->timeout_ms,
                                              .trust = ISO_HTTP_CLIENT_TRUST_SYSTEM,
                                              .repeat_safe = !ask->once,
                                              .ctx = ask->ctx,
                                              .on_done = ask->done};
    if (ask->anybody) {
        request.trust = iso_or_is_https(target->base) ? ISO_HTTP_CLIENT_TRUST_ANYBODY
                                                      : ISO_HTTP_CLIENT_TRUST_SYSTEM;
    } else {
        request.headers = headers;
        request.header_count = ISO_COUNT_OF(headers);
        request.bearer = target->token[0] != '\0' ? target->token : NULL;
        if (target->has_pin) {
            request.trust = ISO_HTTP_CLIENT_TRUST_PIN;
            memcpy(request.pin, target->pin, sizeof request.pin);
        }
    }
    const enum iso_err err = iso_http_client_start(devices->http, &request, id, report);
    devices->asks += err == ISO_OK ? 1 : 0;
    return err;
}

bool iso_or_ask_answered(const struct iso_http_client_answer *answer)
{
    return answer->outcome == ISO_HTTP_CLIENT_DONE;
}

json_t *iso_or_ask_object(const struct iso_http_client_answer *answer)
{
    json_t *value = json_loadb((const char *)answer->body->ptr, answer->body->len, 0, NULL);
    if (!json_is_object(value)) {
        json_decref(value);
        return NULL;
    }
    return value;
}

void iso_or_ask_text(const struct iso_http_client_answer *answer, char *out, size_t cap)
{
    if (!iso_or_ask_answered(answer)) {
        const char *what = iso_http_client_outcome_text(answer->outcome);
        (void)iso_format(out, cap, "%s%s%s", what, answer->message[0] != '\0' ? ": " : "",
                         answer->message);
        return;
    }
    json_t *problem = answer->status >= 400 ? iso_or_ask_object(answer) : NULL;
    const char *text = json_string_value(json_object_get(problem, "detail"));
    text = text != NULL ? text : json_string_value(json_object_get(problem, "title"));
    if (text != NULL) {
        (void)iso_format(out, cap, "%s", text);
    } else {
        (void)iso_format(out, cap, "HTTP status %u", answer->status);
    }
    json_decref(problem);
}
