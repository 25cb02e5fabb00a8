/* deployer_address.h - where devices reach each other, by what is known of them. */
#ifndef ISO_ORCHESTRATOR_DEPLOYER_ADDRESS_H
#define ISO_ORCHESTRATOR_DEPLOYER_ADDRESS_H

#include "orchestrator/devices.h"

/*
 * Appends to `out` (an array) where CoAP of `to` is reached from `from`, best first, at most
 * ISO_OR_ADDRESSES_MAX: "192.0.2.7:5684", "[2001:db8::1]:5684". Devices that are both asked over
 * loopback are on one machine and use it; otherwise what the device says of its network counts, and
 * the address by which it is asked unless that means something here only. Errors: NOT_FOUND
 * (nothing is known: the report says which device), NOMEM.
 */
ISO_MUST_CHECK enum iso_err iso_or_link_addresses(const struct iso_or_device *from,
                                                  const struct iso_or_device *to, json_t *out,
                                                  struct iso_report *report);

/* Whether a device is now reached by an address that a document does not have: links to it must be
 * told. addresses: those of the document. False when nothing is known at this moment. */
bool iso_or_link_moved(const struct iso_or_device *from, const struct iso_or_device *to,
                       const json_t *addresses);

#endif
