/* netif.c - as netif.h says. Names are those of Linux: at most 15 bytes, without blanks, '/' and
 * ':'.
 */
#include "daemon/netif.h"

#include "base/name.h"
#include "base/nearest.h"
#include "daemon/log.h"

#include <net/if.h>
#include <string.h>

enum { LISTED_MAX = 64 };

enum iso_err iso_netif_check(const char *name, struct iso_report *report)
{
    const size_t len = strlen(name);
    bool good = len > 0 && len < IF_NAMESIZE && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
    for (size_t i = 0; i < len; i++) {
        good = good && (unsigned char)name[i] > ' ' && name[i] != 0x7f && name[i] != '/' &&
               name[i] != ':';
    }
    char shown[ISO_QUOTE_SIZE];
    return good ? ISO_OK
                : iso_fail(report, ISO_E_ARGUMENT,
                           "%s is no name of a network interface; 'ip link' lists those there are",
                           iso_quote(shown, iso_str_from_z(name)));
}

void iso_netif_look(const struct iso_log *log, const char *const *names, size_t count)
{
    const char *there[LISTED_MAX];
    size_t there_count = 0;
    struct if_nameindex *list = if_nameindex();
    for (size_t i = 0; list != NULL && list[i].if_index != 0 && there_count < LISTED_MAX; i++) {
        there[there_count++] = list[i].if_name;
    }
    for (size_t i = 0; list != NULL && i < count; i++) {
        char why[512];
        if (if_nametoindex(names[i]) == 0 &&
            !iso_nearest_among(names[i], "network interface", there, there_count, why,
                               sizeof why)) {
            iso_log_write(log, ISO_LOG_WARNING, "mdns", "%s (used as soon as it is there)", why);
        }
    }
    if (list != NULL) {
        if_freenameindex(list);
    }
}
