/* reply.c - answers that routes have in common; problem documents are those of RFC 9457. */
#include "daemon/reply.h"

#include "base/format.h"
#include "platform/platform.h"

#include <jansson.h>
#include <sodium.h>

#include <stdlib.h>
#include <string.h>

struct taken {
    const struct iso_alloc *alloc;
    uint8_t *ptr;
    size_t len;
};

static void release(void *ctx)
{
    struct taken *taken = ctx;
    const struct iso_alloc *alloc = taken->alloc;
    iso_alloc_free(alloc, taken->ptr, taken->len);
    iso_alloc_free(alloc, taken, sizeof *taken);
}

void iso_reply_taken(struct iso_http_server *http, iso_http_id id, unsigned status,
                     const char *content_type, struct iso_buf *buf)
{
    struct taken *taken = buf->len >= 4096 ? iso_alloc_new(buf->alloc, sizeof *taken) : NULL;
    if (taken == NULL) {
        iso_http_reply(http, id, status, content_type, iso_buf_view(buf));
        iso_buf_fini(buf);
        return;
    }
    *taken = (struct taken){buf->alloc, buf->ptr, buf->cap};
    const struct iso_http_response response = {.status = status,
                                               .content_type = content_type,
                                               .body = iso_buf_view(buf),
                                               .release = release,
                                               .release_ctx = taken};
    iso_buf_init(buf, buf->alloc, buf->max);
    iso_http_respond(http, id, &response);
}

void iso_reply_buf(struct iso_http_request *req, unsigned status, const char *content_type,
                   struct iso_buf *buf, enum iso_err err)
{
    struct iso_http_server *http = iso_http_request_server(req);
    const iso_http_id id = iso_http_request_id(req);
    if (err != ISO_OK) {
        iso_http_problem(http, id, 500, NULL, NULL, iso_err_text(err));
        iso_buf_fini(buf);
        return;
    }
    iso_reply_taken(http, id, status, content_type, buf);
}

void iso_reply_block(struct iso_http_server *http, iso_http_id id, const char *content_type,
                     uint8_t *bytes, size_t len)
{
    const struct iso_alloc *alloc = iso_alloc_libc();
    struct taken *taken = iso_alloc_new(alloc, sizeof *taken);
    if (taken == NULL) {
        iso_alloc_free(alloc, bytes, len);
        iso_http_problem(http, id, 503, NULL, NULL, "out of memory");
        return;
    }
    *taken = (struct taken){alloc, bytes, len};
    const struct iso_http_response response = {.status = 200,
                                               .content_type = content_type,
                                               .body = iso_bytes_from(bytes, len),
                                               .release = release,
                                               .release_ctx = taken};
    iso_http_respond(http, id, &response);
}

void iso_reply_json(struct iso_http_server *http, iso_http_id id, unsigned status, json_t *document)
{
    char *text = document != NULL ? json_dumps(document, JSON_COMPACT) : NULL;
    json_decref(document);
    if (text == NULL) {
        iso_http_problem(http, id, 503, NULL, NULL, "out of memory");
        return;
    }
    iso_http_reply(http, id, status, "application/json", iso_bytes_from(text, strlen(text)));
    sodium_memzero(text, strlen(text));
    free(text);
}

json_t *iso_reply_read_object(struct iso_http_request *req)
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
    iso_http_problem(iso_http_request_server(req), iso_http_request_id(req), 400, NULL, NULL,
                     detail);
    return NULL;
}

bool iso_reply_read_number(struct iso_http_request *req, const char *name, uint64_t max,
                           uint64_t *out)
{
    struct iso_str text;
    char digits[24], detail[96];
    if (!iso_http_request_parameter(req, name, &text)) {
        return true;
    }
    (void)iso_format(digits, sizeof digits, "%.*s", (int)(text.len > 22 ? 22 : text.len), text.ptr);
    if (iso_parse_count(digits, max, out, NULL) == ISO_OK) {
        return true;
    }
    (void)iso_format(detail, sizeof detail, "?%s= is a number up to %llu", name,
                     (unsigned long long)max);
    iso_http_problem(iso_http_request_server(req), iso_http_request_id(req), 400, NULL, NULL,
                     detail);
    return false;
}

void iso_reply_page(struct iso_http_request *req, const char *content_type, struct iso_bytes bytes)
{
    const struct iso_http_response response = {
        .status = 200,
        .content_type = content_type,
        .body = bytes,
        .content_security_policy = "default-src 'self'; base-uri 'none'; frame-ancestors 'none'"};
    iso_http_respond(iso_http_request_server(req), iso_http_request_id(req), &response);
}

unsigned iso_reply_status(enum iso_err err)
{
    switch (err) {
    case ISO_E_ARGUMENT:
    case ISO_E_MALFORMED:
    case ISO_E_INVALID:
    case ISO_E_UNSUPPORTED:
    case ISO_E_SNAPSHOT:
        return 400;
    case ISO_E_LINK:
        return 422;
    case ISO_E_NOT_FOUND:
        return 404;
    case ISO_E_STATE:
    case ISO_E_EXISTS:
    case ISO_E_REFUSED:
        return 409;
    case ISO_E_ACCESS:
        return 403;
    case ISO_E_LIMIT:
        return 507;
    case ISO_E_NOMEM:
        return 503;
    default:
        return 500;
    }
}

/* More is refused rather than taken from the daemon's memory. */
#define DOCUMENT_MAX ((size_t)64 << 20)

void iso_reply_document_begin(struct iso_reply_document *document)
{
    iso_report_init(&document->report);
    iso_buf_init(&document->buf, iso_alloc_libc(), DOCUMENT_MAX);
    iso_json_init_buf(&document->json, &document->buf, 0);
}

void iso_reply_document_end(struct iso_reply_document *document, struct iso_http_server *http,
                            iso_http_id id, unsigned status, enum iso_err err)
{
    err = err != ISO_OK ? err : iso_json_finish(&document->json);
    if (err == ISO_OK) {
        iso_reply_taken(http, id, status, "application/json", &document->buf);
    } else {
        iso_reply_error(http, id, err, &document->report);
    }
    iso_buf_fini(&document->buf);
}

void iso_reply_done(struct iso_http_server *http, iso_http_id id, enum iso_err err,
                    const struct iso_report *report)
{
    if (err == ISO_OK) {
        iso_http_reply(http, id, 204, NULL, iso_bytes_from(NULL, 0));
    } else {
        iso_reply_error(http, id, err, report);
    }
}

void iso_reply_error(struct iso_http_server *http, iso_http_id id, enum iso_err err,
                     const struct iso_report *report)
{
    iso_http_problem(http, id, iso_reply_status(err), NULL, NULL, iso_report_text(report, err));
}
