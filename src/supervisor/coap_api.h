/* coap_api.h - CoAP resources: what coap_api.c and coap_watch.c share. Loop thread. */
#ifndef ISO_SUPERVISOR_COAP_API_H
#define ISO_SUPERVISOR_COAP_API_H

#include "supervisor/daemon.h"

/* coap_api.c. The form that the answer is wanted in: 50, 60 or 42; false: another (4.06). */
bool iso_sv_coap_accept(const struct iso_coap_request *request, enum iso_sv_encoding *out);
/* Answer with the end of a call; code: of success. */
void iso_sv_coap_answer_call(struct iso_supervisor *sv, uint64_t request, uint8_t code,
                             bool observe, const struct iso_sv_call *call);

/* coap_watch.c. Whether a property, /c/APP/COMPONENT/properties/NAME (path_text), may be observed:
 * false when too many are. */
bool iso_sv_coap_may_watch(const struct iso_supervisor *sv, struct iso_str path_text);
/* For ISO_COAP_OBSERVE_NOTIFY of such a path. */
void iso_sv_coap_notify(struct iso_supervisor *sv, const struct iso_coap_request *request);

#endif
