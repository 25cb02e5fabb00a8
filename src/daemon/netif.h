/* netif.h - names of network interfaces that people give to the daemons. */
#ifndef ISO_DAEMON_NETIF_H
#define ISO_DAEMON_NETIF_H

#include "base/base.h"

struct iso_log;

/* Whether an interface can have that name at all. Errors: ARGUMENT. */
ISO_MUST_CHECK enum iso_err iso_netif_check(const char *name, struct iso_report *report);

/* A warning for each name that no interface of this machine has now, with the one that was perhaps
 * meant. It is no error: interfaces come and go. Any thread. */
void iso_netif_look(const struct iso_log *log, const char *const *names, size_t count);

#endif
