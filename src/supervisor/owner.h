/* owner.h - the one orchestrator that a device belongs to; docs/deployment.md, "Whose device it
 * is". Loop thread. */
#ifndef ISO_SUPERVISOR_OWNER_H
#define ISO_SUPERVISOR_OWNER_H

#include "base/base.h"
#include "daemon/state.h"

struct iso_http_request;
struct iso_supervisor;

enum { ISO_SV_OWNER_NAME_SIZE = 65, ISO_SV_OWNER_ADDRESS_SIZE = 257 };

/* Texts are of another machine, and checked: no control characters. */
struct iso_sv_owner {
    char id[ISO_STATE_ID_SIZE]; /* empty: the device belongs to nobody */
    char name[ISO_SV_OWNER_NAME_SIZE];
    char address[ISO_SV_OWNER_ADDRESS_SIZE]; /* empty: not known */
    uint64_t since_s;                        /* since 1970 */
};

/* Reads what the state directory has of it; blocks. A damaged file is told in the log, and the
 * device belongs to nobody then: whoever has a token may claim it. */
void iso_sv_owner_load(struct iso_supervisor *sv);
/* null, or {"id", "name", "address", "since"}. */
void iso_sv_owner_write(const struct iso_sv_owner *owner, struct iso_json *json);
/* Of a table of routes: whether a request that names an owner (Isomer-Owner) names the present one;
 * false: 409 has been answered. */
bool iso_sv_owner_admits(void *sv, struct iso_http_request *req);

#endif
