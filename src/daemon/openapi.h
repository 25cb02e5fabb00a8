/* openapi.h - a daemon's own OpenAPI 3.1 document, made of its tables of routes, so that no route
 * is without a description. */
#ifndef ISO_DAEMON_OPENAPI_H
#define ISO_DAEMON_OPENAPI_H

#include "daemon/route.h"

struct iso_openapi_info {
    const char *title;
    const char *description;
    const char *version; /* of the daemon */
    const char *base;    /* URL of the server: iso_route_base_url */
};

/* tables: ends with routes == NULL. Errors: NOMEM, LIMIT of the buffer. */
ISO_MUST_CHECK enum iso_err iso_openapi_write(const struct iso_openapi_info *info,
                                              const struct iso_route_table *tables,
                                              struct iso_buf *out);

#endif
