/* Redirects (RFC 9110, section 15.4). We follow them ourselves: libcurl would go from https to http
 * in a chain that began with http, and hand header fields on that it does not know to be secret. */
#include "net/http_client_internal.h"

#include <stdlib.h>
#include <strings.h>

#include "net/http_server_text.h"

bool iso_http_transfer_follows(const struct iso_http_transfer *transfer)
{
    const unsigned status = transfer->status;
    const bool leads =
        status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
    struct iso_http_client_answer answer = {.head = &transfer->head};
    struct iso_str location;
    return leads && transfer->request.follow &&
           (transfer->method == NULL || strcmp(transfer->method, "GET") == 0 ||
            strcmp(transfer->method, "HEAD") == 0) &&
           iso_http_client_header(&answer, "Location", 0, &location);
}

static bool refuse(struct iso_http_transfer *transfer, const char *message)
{
    transfer->outcome = ISO_HTTP_CLIENT_REDIRECT_REFUSED;
    (void)iso_format(transfer->message, sizeof transfer->message, "%s", message);
    return false;
}

static bool same_part(CURLU *a, CURLU *b, CURLUPart part)
{
    char *x = NULL, *y = NULL;
    const bool same = curl_url_get(a, part, &x, CURLU_DEFAULT_PORT) == CURLUE_OK &&
                      curl_url_get(b, part, &y, CURLU_DEFAULT_PORT) == CURLUE_OK &&
                      strcasecmp(x, y) == 0;
    curl_free(x);
    curl_free(y);
    return same;
}

static bool has_scheme(CURLU *url, const char *scheme)
{
    char *text = NULL;
    const bool has =
        curl_url_get(url, CURLUPART_SCHEME, &text, 0) == CURLUE_OK && strcasecmp(text, scheme) == 0;
    curl_free(text);
    return has;
}

static bool is_secret(const char *line)
{
    static const char *const names[] = {"Authorization:", "Cookie:", "Proxy-Authorization:"};
    for (size_t i = 0; i < ISO_COUNT_OF(names); i++) {
        if (strncasecmp(line, names[i], strlen(names[i])) == 0) {
            return true;
        }
    }
    return false;
}

/* False: no memory; then all are gone, and so is the transfer. */
static bool drop_secrets(struct iso_http_transfer *transfer)
{
    struct curl_slist *kept = NULL;
    bool good = true;
    for (const struct curl_slist *at = transfer->headers; good && at != NULL; at = at->next) {
        if (!is_secret(at->data)) {
            struct curl_slist *longer = curl_slist_append(kept, at->data);
            good = longer != NULL;
            kept = good ? longer : kept;
        }
    }
    curl_slist_free_all(transfer->headers);
    transfer->headers = kept;
    return good;
}

/* `to` is `from` with Location applied to it. */
static bool go(struct iso_http_transfer *transfer, CURLU *from, CURLU *to)
{
    char *user = NULL, *url = NULL;
    const bool has_user = curl_url_get(to, CURLUPART_USER, &user, 0) == CURLUE_OK;
    curl_free(user);
    if (has_user || (!has_scheme(to, "http") && !has_scheme(to, "https"))) {
        return refuse(transfer, "it redirects to an address that is not http or https");
    }
    if (has_scheme(from, "https") && !has_scheme(to, "https")) {
        return refuse(transfer, "it redirects from https to http");
    }
    if (transfer->request.trust == ISO_HTTP_CLIENT_TRUST_PIN && !has_scheme(to, "https")) {
        return refuse(transfer, "it redirects to http, where no key can be checked");
    }
    const bool same = same_part(from, to, CURLUPART_SCHEME) &&
                      same_part(from, to, CURLUPART_HOST) && same_part(from, to, CURLUPART_PORT);
    if ((!same && !drop_secrets(transfer)) ||
        curl_url_get(to, CURLUPART_URL, &url, 0) != CURLUE_OK) {
        return refuse(transfer, "not enough memory to follow a redirect");
    }
    char *copy = strlen(url) <= ISO_HTTP_CLIENT_MAX_URL ? strdup(url) : NULL;
    curl_free(url);
    if (copy == NULL) {
        return refuse(transfer, "it redirects to an address that is too long");
    }
    if (!same && transfer->request.addresses == ISO_HTTP_CLIENT_ADDRESS_PUBLIC_ELSEWHERE) {
        transfer->request.addresses = ISO_HTTP_CLIENT_ADDRESS_PUBLIC_ONLY;
    }
    free(transfer->url);
    transfer->url = copy;
    return true;
}

bool iso_http_transfer_redirect(struct iso_http_transfer *transfer)
{
    struct iso_http_client_answer answer = {.head = &transfer->head};
    struct iso_str location;
    if (transfer->redirects == ISO_HTTP_CLIENT_MAX_REDIRECTS) {
        return refuse(transfer, "it redirects too often");
    }
    if (!iso_http_client_header(&answer, "Location", 0, &location)) {
        return refuse(transfer, "it redirects nowhere");
    }
    char *text = strndup(location.ptr, location.len);
    CURLU *from = curl_url();
    CURLU *to = NULL;
    bool good = false;
    if (text != NULL && from != NULL &&
        curl_url_set(from, CURLUPART_URL, transfer->url, 0) == CURLUE_OK &&
        (to = curl_url_dup(from)) != NULL) {
        good = curl_url_set(to, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK
                   ? go(transfer, from, to)
                   : refuse(transfer, "it redirects to what is no address");
    } else {
        (void)refuse(transfer, "not enough memory to follow a redirect");
    }
    curl_url_cleanup(to);
    curl_url_cleanup(from);
    free(text);
    if (good) {
        transfer->redirects++;
        transfer->is_redirect = false;
        transfer->address_refused = false;
        transfer->status = 0;
        transfer->has_pin = false;
        transfer->piece_bytes = 0;
        transfer->head.text.len = 0;
    }
    return good;
}
