/* Addresses as "ADDR:PORT". They are numeric: nothing is looked up, so that a static program needs
 * no name service and an address cannot change under one's feet. */
#include "platform/platform.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>

enum { HOST_CAP = 80 };

static enum iso_err fail_form(const char *text, struct iso_report *report)
{
    return iso_fail(report, ISO_E_ARGUMENT,
                    "'%s' is not a listening address; write ADDR:PORT with a numeric address, such "
                    "as 127.0.0.1:8080, 0.0.0.0:8080 or [::1]:8080",
                    text);
}

/* The zone of a link-local address, "eth0" or "2" (RFC 4007, section 11). */
static bool zone_parse(const char *zone, uint32_t *index)
{
    uint64_t number;
    *index = if_nametoindex(zone);
    if (*index == 0 && iso_parse_count(zone, UINT32_MAX, &number, NULL) == ISO_OK) {
        *index = (uint32_t)number;
    }
    return *index != 0;
}

static bool address_set(struct sockaddr_storage *out, char *host, uint16_t port, bool in_brackets)
{
    struct sockaddr_storage zero = {0};
    *out = zero;
    if (in_brackets) {
        struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
        char *zone = strchr(host, '%');
        if (zone != NULL) {
            *zone = '\0';
        }
        const bool good = inet_pton(AF_INET6, host, &v6.sin6_addr) == 1 &&
                          (zone == NULL || zone_parse(zone + 1, &v6.sin6_scope_id));
        memcpy(out, &v6, sizeof v6);
        return good;
    }
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    const bool good =
        inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, &v4.sin_addr) == 1;
    memcpy(out, &v4, sizeof v4);
    return good;
}

enum iso_err iso_address_parse(const char *text, struct sockaddr_storage *out,
                               struct iso_report *report)
{
    const char *colon = strrchr(text, ':');
    if (colon == NULL) {
        return fail_form(text, report);
    }
    uint64_t port;
    struct iso_report port_report;
    iso_report_init(&port_report);
    enum iso_err err = iso_parse_count(colon + 1, 65535, &port, &port_report);
    if (err != ISO_OK) {
        return iso_fail(report, ISO_E_ARGUMENT, "'%s' has no port from 0 to 65535 after the colon",
                        text);
    }
    size_t len = (size_t)(colon - text);
    bool in_brackets = len >= 2 && text[0] == '[' && text[len - 1] == ']';
    char host[HOST_CAP];
    size_t host_len = in_brackets ? len - 2 : len;
    if (host_len == 0 || host_len >= sizeof host) {
        return fail_form(text, report);
    }
    memcpy(host, in_brackets ? text + 1 : text, host_len);
    host[host_len] = '\0';
    struct sockaddr_storage address;
    if (!address_set(&address, host, (uint16_t)port, in_brackets)) {
        return fail_form(text, report);
    }
    *out = address;
    return ISO_OK;
}

/* The host of "HOST[:PORT]", "[V6][:PORT]" or "V6", without brackets; empty: it is none of them. */
static struct iso_str host_of(struct iso_str text)
{
    const struct iso_str none = {"", 0};
    const bool in_brackets = text.len > 0 && text.ptr[0] == '[';
    const char *end = text.len > 0 ? memchr(text.ptr, in_brackets ? ']' : ':', text.len) : NULL;
    if (end == NULL) {
        return in_brackets ? none : text;
    }
    const size_t len = (size_t)(end - text.ptr);
    const char *port = in_brackets ? end + 1 : end;
    const size_t rest = text.len - (size_t)(port - text.ptr);
    if (!in_brackets && rest > 1 && memchr(port + 1, ':', rest - 1) != NULL) {
        return text;
    }
    for (size_t i = 0; i < rest; i++) {
        if (i == 0 ? port[i] != ':' : port[i] < '0' || port[i] > '9') {
            return none;
        }
    }
    return in_brackets ? iso_str_from(text.ptr + 1, len - 1) : iso_str_from(text.ptr, len);
}

bool iso_address_is_loopback(struct iso_str text)
{
    const struct iso_str host = host_of(text);
    struct in_addr v4;
    struct in6_addr v6;
    char copy[HOST_CAP];
    if (host.len == 0 || host.len >= sizeof copy || memchr(host.ptr, '\0', host.len) != NULL) {
        return false;
    }
    memcpy(copy, host.ptr, host.len);
    copy[host.len] = '\0';
    if (inet_pton(AF_INET, copy, &v4) == 1) {
        return ntohl(v4.s_addr) >> 24 == 127;
    }
    return strcmp(copy, "localhost") == 0 ||
           (inet_pton(AF_INET6, copy, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6));
}

socklen_t iso_address_size(const struct sockaddr_storage *address)
{
    return address->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                          : sizeof(struct sockaddr_in);
}

uint16_t iso_address_port(const struct sockaddr_storage *address)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    if (address->ss_family == AF_INET6) {
        memcpy(&v6, address, sizeof v6);
        return ntohs(v6.sin6_port);
    }
    memcpy(&v4, address, sizeof v4);
    return ntohs(v4.sin_port);
}

void iso_address_set_port(struct sockaddr_storage *address, uint16_t port)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    if (address->ss_family == AF_INET6) {
        memcpy(&v6, address, sizeof v6);
        v6.sin6_port = htons(port);
        memcpy(address, &v6, sizeof v6);
    } else {
        memcpy(&v4, address, sizeof v4);
        v4.sin_port = htons(port);
        memcpy(address, &v4, sizeof v4);
    }
}
