/* devices_address.c - addresses of devices as people write them, as base URLs. Pure. */
#include "base/format.h"
#include "orchestrator/devices_state.h"
#include "platform/platform.h"

#include <stdlib.h>

enum { HTTPS_PORT = 8443, HTTP_PORT = 8480 };

static bool take_prefix(struct iso_str *text, const char *prefix)
{
    const size_t len = strlen(prefix);
    if (text->len < len || memcmp(text->ptr, prefix, len) != 0) {
        return false;
    }
    *text = iso_str_from(text->ptr + len, text->len - len);
    return true;
}

static bool is_name(struct iso_str host)
{
    for (size_t i = 0; i < host.len; i++) {
        const char c = host.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '.' || c == '-' || c == '_')) {
            return false;
        }
    }
    return host.len != 0 && host.len <= ISO_OR_HOST_MAX && host.ptr[0] != '-';
}

/* Digits of IPv6, perhaps with a zone ("fe80::1%2"). */
static bool is_ipv6(struct iso_str host)
{
    size_t colons = 0;
    bool zone = false;
    for (size_t i = 0; i < host.len; i++) {
        const char c = host.ptr[i];
        const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        colons += c == ':' ? 1 : 0;
        if (!(hex || ((c == ':' || c == '.') && !zone) || (c == '%' && !zone) ||
              (zone && letter))) {
            return false;
        }
        zone = zone || c == '%';
    }
    return colons >= 2 && host.len <= 63;
}

static bool read_port(struct iso_str text, unsigned *port)
{
    unsigned value = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9' || value > 65535) {
            return false;
        }
        value = value * 10 + (unsigned)(text.ptr[i] - '0');
    }
    *port = value;
    return text.len != 0 && value != 0 && value <= 65535;
}

/* HOST, HOST:PORT, [V6], [V6]:PORT, V6; *port stays where there is none. */
static bool split(struct iso_str text, struct iso_str *host, bool *v6, unsigned *port)
{
    if (text.len != 0 && text.ptr[0] == '[') {
        const char *end = memchr(text.ptr, ']', text.len);
        if (end == NULL) {
            return false;
        }
        *host = iso_str_from(text.ptr + 1, (size_t)(end - text.ptr) - 1);
        *v6 = true;
        const struct iso_str rest = iso_str_from(end + 1, text.len - host->len - 2);
        return is_ipv6(*host) &&
               (rest.len == 0 ||
                (rest.ptr[0] == ':' && read_port(iso_str_from(rest.ptr + 1, rest.len - 1), port)));
    }
    if (is_ipv6(text)) {
        *host = text;
        *v6 = true;
        return true;
    }
    const char *colon = text.len != 0 ? memchr(text.ptr, ':', text.len) : NULL;
    *v6 = false;
    *host = colon != NULL ? iso_str_from(text.ptr, (size_t)(colon - text.ptr)) : text;
    return is_name(*host) &&
           (colon == NULL || read_port(iso_str_from(colon + 1, text.len - host->len - 1), port));
}

enum iso_err iso_or_place_read(struct iso_str text, struct iso_or_place *out,
                               struct iso_report *report)
{
    struct iso_str rest = text, host = {NULL, 0};
    const bool plain = take_prefix(&rest, "http://") || (text.len != 0 && text.ptr[0] == ':');
    const bool secure = !plain && take_prefix(&rest, "https://");
    unsigned port = plain ? HTTP_PORT : HTTPS_PORT;
    bool v6 = false;
    if ((plain || secure) && rest.len != 0 && rest.ptr[rest.len - 1] == '/') {
        rest.len--;
    }
    /* ":8480" is this machine, as in --device :8480. */
    const bool here = rest.len != 0 && rest.ptr[0] == ':';
    const bool read = here ? read_port(iso_str_from(rest.ptr + 1, rest.len - 1), &port)
                           : split(rest, &host, &v6, &port);
    if (!read) {
        return iso_fail(report, ISO_E_ARGUMENT,
                        "\"%.*s\" is no address of a device: write HOST, HOST:PORT, "
                        "https://HOST:PORT, or http://127.0.0.1:PORT",
                        (int)(text.len < 200 ? text.len : 200), text.ptr);
    }
    host = here ? iso_str_from_z("127.0.0.1") : host;
    const bool loopback = iso_address_is_loopback(host);
    if (plain && !loopback) {
        return iso_fail(report, ISO_E_ARGUMENT,
                        "plain http is for this machine only; write https://%.*s",
                        (int)(rest.len < 200 ? rest.len : 200), rest.ptr);
    }
    *out = (struct iso_or_place){.https = !plain, .loopback = loopback};
    (void)iso_format(out->base, sizeof out->base, "%s://%s%.*s%s:%u", plain ? "http" : "https",
                     v6 ? "[" : "", (int)host.len, host.ptr, v6 ? "]" : "", port);
    return ISO_OK;
}

void iso_or_place_of(const char *host, uint16_t port, char out[ISO_OR_URL_SIZE])
{
    const bool v6 = strchr(host, ':') != NULL;
    (void)iso_format(out, ISO_OR_URL_SIZE, "https://%s%s%s:%u", v6 ? "[" : "", host, v6 ? "]" : "",
                     port);
}
