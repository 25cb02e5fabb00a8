/* api_call.h - calls over HTTP, for the routes of components. */
#ifndef ISO_SUPERVISOR_API_CALL_H
#define ISO_SUPERVISOR_API_CALL_H

#include "supervisor/daemon.h"

/* params: app, component, function or property. */
void iso_sv_api_call(void *supervisor, struct iso_http_request *req,
                     const struct iso_str params[ISO_ROUTE_PARAMS]);
void iso_sv_api_property(void *supervisor, struct iso_http_request *req,
                         const struct iso_str params[ISO_ROUTE_PARAMS]);
/* params: app, flow. */
void iso_sv_api_flow(void *supervisor, struct iso_http_request *req,
                     const struct iso_str params[ISO_ROUTE_PARAMS]);
/* The component of the first two parameters; NULL when 404 has been answered. */
struct iso_sv_component *iso_sv_api_component(struct iso_supervisor *sv,
                                              struct iso_http_request *req,
                                              const struct iso_str *params);
/* The function behind a property: get-NAME without parameters, with a result. */
bool iso_sv_property_find(const struct iso_sv_program *program, struct iso_str name,
                          uint32_t *index);

/* api_stream.c: the next value only, when the request has ?next; false when it has not. */
bool iso_sv_poll_http(struct iso_supervisor *sv, struct iso_http_request *req,
                      struct iso_sv_component *component, uint32_t index);
/* An event stream of a property's values. */
void iso_sv_observe_http(struct iso_supervisor *sv, struct iso_http_request *req,
                         struct iso_sv_component *component, uint32_t index);

#endif
