/* announce_url.c - addresses of servers as people write them (RFC 3986, the part of it that is
 * needed), and the status line (RFC 9112, section 4). */
#include "net/announce_internal.h"

#include "base/format.h"
#include "platform/platform.h"

#include <arpa/inet.h>
#include <string.h>

static enum iso_err wrong(const char *text, struct iso_report *report)
{
    return iso_fail(report, ISO_E_ARGUMENT,
                    "\"%s\" is no address of a server; write https://HOST:PORT, for example "
                    "https://192.0.2.7:8491 or https://[2001:db8::7]:8491",
                    text);
}

static bool copy(char *out, size_t cap, const char *from, size_t len)
{
    if (len >= cap) {
        return false;
    }
    memcpy(out, from, len);
    out[len] = '\0';
    return true;
}

/* Visible characters that mean nothing else in a header or a URL. */
static bool is_plain(const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (*c <= ' ' || *c > '~' || strchr("\"<>\\^`{|}?#@", *c) != NULL) {
            return false;
        }
    }
    return true;
}

static bool set_port(struct iso_announce_url *out, const char *text, size_t len)
{
    char digits[sizeof out->port];
    uint64_t port;
    if (!copy(digits, sizeof digits, text, len) ||
        iso_parse_count(digits, 65535, &port, NULL) != ISO_OK || port == 0) {
        return false;
    }
    (void)iso_format(out->port, sizeof out->port, "%u", (unsigned)port);
    return true;
}

/* "HOST", "HOST:PORT", "[ADDRESS]:PORT" */
static bool set_authority(struct iso_announce_url *out, const char *text, size_t len)
{
    unsigned char binary[16];
    if (!copy(out->authority, sizeof out->authority, text, len)) {
        return false;
    }
    const char *end = out->authority + len, *host = out->authority, *host_end;
    const bool bracket = host[0] == '[';
    if (bracket) {
        host++;
        host_end = strchr(host, ']');
        if (host_end == NULL) {
            return false;
        }
    } else {
        host_end = strchr(host, ':') != NULL ? strchr(host, ':') : end;
    }
    const char *rest = bracket ? host_end + 1 : host_end;
    if (host == host_end || !copy(out->host, sizeof out->host, host, (size_t)(host_end - host)) ||
        (rest != end && (*rest != ':' || !set_port(out, rest + 1, (size_t)(end - rest - 1))))) {
        return false;
    }
    out->is_name = !bracket && inet_pton(AF_INET, out->host, binary) != 1;
    return bracket ? inet_pton(AF_INET6, out->host, binary) == 1
                   : strpbrk(out->host, "[]/") == NULL;
}

enum iso_err iso_announce_url_parse(const char *text, struct iso_announce_url *out,
                                    struct iso_report *report)
{
    struct iso_announce_url url = {.tls = strncmp(text, "https://", 8) == 0};
    if ((!url.tls && strncmp(text, "http://", 7) != 0) || !is_plain(text)) {
        return wrong(text, report);
    }
    const char *authority = text + (url.tls ? 8 : 7);
    const char *slash = authority + strcspn(authority, "/");
    size_t path_len = strlen(slash);
    while (path_len > 0 && slash[path_len - 1] == '/') {
        path_len--;
    }
    (void)iso_format(url.port, sizeof url.port, url.tls ? "443" : "80");
    if (!set_authority(&url, authority, (size_t)(slash - authority)) ||
        !copy(url.path, sizeof url.path, slash, path_len)) {
        return wrong(text, report);
    }
    *out = url;
    return ISO_OK;
}

enum iso_err iso_announce_check(const char *url, struct iso_report *report)
{
    struct iso_announce_url parsed;
    return iso_announce_url_parse(url, &parsed, report);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "HTTP/1.1 202 Accepted" */
unsigned iso_announce_status(struct iso_str text)
{
    const char *c = text.ptr;
    if (text.len < 13 || memcmp(c, "HTTP/1.", 7) != 0 || !is_digit(c[7]) || c[8] != ' ' ||
        c[9] < '1' || c[9] > '5' || !is_digit(c[10]) || !is_digit(c[11]) ||
        (c[12] != ' ' && c[12] != '\r' && c[12] != '\n')) {
        return 0;
    }
    return (unsigned)(c[9] - '0') * 100u + (unsigned)(c[10] - '0') * 10u + (unsigned)(c[11] - '0');
}
