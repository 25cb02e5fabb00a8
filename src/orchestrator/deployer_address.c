/* deployer_address.c - as deployer_address.h says. */
#include "orchestrator/deployer_address.h"

#include "base/format.h"
#include "platform/platform.h"

#include <string.h>

enum { HOST_SIZE = 256 };

/* The host of "https://192.0.2.7:8443" as it is written there, with its brackets; false: none. */
static bool host_of(const char *base, char out[HOST_SIZE])
{
    const char *host = strstr(base, "://");
    host = host != NULL ? host + 3 : base;
    const char *end = host[0] == '[' ? strchr(host, ']') : strchr(host, ':');
    const size_t len = end == NULL ? strcspn(host, "/") : (size_t)(end - host) + (host[0] == '[');
    if (len == 0 || len >= HOST_SIZE) {
        return false;
    }
    (void)iso_format(out, HOST_SIZE, "%.*s", (int)len, host);
    return true;
}

static bool is_loopback(const char *host)
{
    return iso_address_is_loopback(iso_str_from_z(host));
}

/* A number, and not one of a single link: of names the devices know nothing. */
static bool is_for_others(const char *host)
{
    const bool v4 = strspn(host, "0123456789.") == strlen(host);
    const bool v6 = host[0] == '[' && strchr(host, '%') == NULL;
    return (v4 || v6) && !is_loopback(host) && strncmp(host, "[fe8", 4) != 0 &&
           strncmp(host, "169.254.", 8) != 0;
}

static bool has(const json_t *list, const char *address)
{
    size_t index;
    json_t *item;
    json_array_foreach((json_t *)(uintptr_t)list, index, item)
    {
        if (json_is_string(item) && strcmp(json_string_value(item), address) == 0) {
            return true;
        }
    }
    return false;
}

static bool add(json_t *out, const char *host, unsigned port)
{
    char address[HOST_SIZE + 16];
    (void)iso_format(address, sizeof address, "%s:%u", host, port);
    return has(out, address) || json_array_size(out) >= ISO_OR_ADDRESSES_MAX ||
           json_array_append_new(out, json_string(address)) == 0;
}

enum iso_err iso_or_link_addresses(const struct iso_or_device *from, const struct iso_or_device *to,
                                   json_t *out, struct iso_report *report)
{
    const json_t *network = json_object_get(to->description, "network");
    const json_int_t port = json_integer_value(json_object_get(network, "coaps"));
    char host[HOST_SIZE] = "", near[HOST_SIZE] = "";
    size_t index;
    json_t *item;
    bool kept = true;
    if (port <= 0) {
        return iso_fail(report, ISO_E_NOT_FOUND, "the device %s offers no CoAP for links (coaps)",
                        to->name);
    }
    const bool known = host_of(to->address, host);
    if (known && is_loopback(host) && host_of(from->address, near) && is_loopback(near)) {
        return add(out, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, (unsigned)port)
                   ? ISO_OK
                   : ISO_E_NOMEM;
    }
    json_array_foreach(json_object_get(network, "addresses"), index, item)
    {
        char text[HOST_SIZE];
        const char *address = json_string_value(item);
        if (address != NULL && strlen(address) < HOST_SIZE - 2) {
            const bool v6 = strchr(address, ':') != NULL;
            (void)iso_format(text, sizeof text, "%s%s%s", v6 ? "[" : "", address, v6 ? "]" : "");
            kept = kept && (!is_for_others(text) || add(out, text, (unsigned)port));
        }
    }
    if (known && is_for_others(host)) {
        kept = kept && add(out, host, (unsigned)port);
    }
    if (!kept) {
        return ISO_E_NOMEM;
    }
    return json_array_size(out) != 0
               ? ISO_OK
               : iso_fail(report, ISO_E_NOT_FOUND,
                          "the device %s has no address that %s could reach it by", to->name,
                          from->name);
}

bool iso_or_link_moved(const struct iso_or_device *from, const struct iso_or_device *to,
                       const json_t *addresses)
{
    size_t index;
    json_t *item, *now = json_array();
    bool moved = false;
    if (iso_or_link_addresses(from, to, now, NULL) == ISO_OK) {
        json_array_foreach(now, index, item)
        {
            moved = moved || !has(addresses, json_string_value(item));
        }
    }
    json_decref(now);
    return moved;
}
