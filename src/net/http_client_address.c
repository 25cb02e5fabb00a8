/* Which addresses are of the Internet at large: those that the registries of special purposes
 * (RFC 6890, IANA) do not keep for something else. */
#include "net/http_client_internal.h"

#include <arpa/inet.h>
#include <netinet/in.h>

struct range {
    uint32_t first;
    unsigned bits;
};

static bool is_public_v4(uint32_t address)
{
    static const struct range special[] = {
        {0x00000000, 8},  /* this network */
        {0x0a000000, 8},  /* private */
        {0x64400000, 10}, /* shared, of providers */
        {0x7f000000, 8},  /* loopback */
        {0xa9fe0000, 16}, /* link-local */
        {0xac100000, 12}, /* private */
        {0xc0000000, 24}, /* of protocols */
        {0xc0000200, 24}, /* documentation */
        {0xc0586300, 24}, /* relays of 6to4 */
        {0xc0a80000, 16}, /* private */
        {0xc6120000, 15}, /* benchmarks */
        {0xc6336400, 24}, /* documentation */
        {0xcb007100, 24}, /* documentation */
        {0xe0000000, 3},  /* multicast, reserved, broadcast */
    };
    for (size_t i = 0; i < ISO_COUNT_OF(special); i++) {
        if ((address ^ special[i].first) >> (32 - special[i].bits) == 0) {
            return false;
        }
    }
    return true;
}

static uint32_t load_be(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool is_public_v6(const uint8_t a[16])
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    static const uint8_t nat64[12] = {0, 0x64, 0xff, 0x9b};
    if (memcmp(a, mapped, sizeof mapped) == 0 || memcmp(a, nat64, sizeof nat64) == 0) {
        return is_public_v4(load_be(a + 12));
    }
    if (a[0] == 0x20 && a[1] == 0x02) { /* 6to4 */
        return is_public_v4(load_be(a + 2));
    }
    if ((a[0] & 0xe0) != 0x20) { /* not global unicast (RFC 4291) */
        return false;
    }
    const uint32_t top = load_be(a);
    return top >> 9 != 0x20010000 >> 9 && /* of protocols: Teredo, ORCHID, ... */
           top != 0x20010db8 &&           /* documentation */
           top >> 12 != 0x3fff0000 >> 12; /* documentation */
}

bool iso_http_client_is_public(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, address, sizeof v4);
        return is_public_v4(ntohl(v4.sin_addr.s_addr));
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, address, sizeof v6);
        return is_public_v6(v6.sin6_addr.s6_addr);
    }
    return false;
}

bool iso_http_address_read(const char *text, struct sockaddr_storage *out)
{
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
        memcpy(out, &v4, sizeof v4);
        return true;
    }
    if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1) {
        memcpy(out, &v6, sizeof v6);
        return true;
    }
    return false;
}

bool iso_http_address_equal(const struct sockaddr *a, const struct sockaddr *b)
{
    struct sockaddr_in v4[2];
    struct sockaddr_in6 v6[2];
    if (a->sa_family != b->sa_family) {
        return false;
    }
    if (a->sa_family == AF_INET) {
        memcpy(&v4[0], a, sizeof v4[0]);
        memcpy(&v4[1], b, sizeof v4[1]);
        return v4[0].sin_addr.s_addr == v4[1].sin_addr.s_addr;
    }
    if (a->sa_family == AF_INET6) {
        memcpy(&v6[0], a, sizeof v6[0]);
        memcpy(&v6[1], b, sizeof v6[1]);
        return memcmp(&v6[0].sin6_addr, &v6[1].sin6_addr, sizeof v6[0].sin6_addr) == 0;
    }
    return false;
}
