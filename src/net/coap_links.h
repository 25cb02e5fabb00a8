/* Link format (RFC 6690) without I/O: checking a text and filtering it by queries. */
#ifndef ISO_NET_COAP_LINKS_H
#define ISO_NET_COAP_LINKS_H

#include "base/base.h"

/* Whether `text` is link format: links separated by commas, each `<target>` with parameters. The
 * report says where it is not. */
ISO_MUST_CHECK enum iso_err iso_coap_links_check(struct iso_str text, struct iso_report *report);

/* Appends those links of `text` (checked before) that match every query (RFC 6690, section 4.1:
 * `name=value`, the value may end with `*`; `name` alone asks that the parameter be there; href is
 * the target). A query without a name matches nothing. ISO_E_NOMEM, ISO_E_LIMIT. */
ISO_MUST_CHECK enum iso_err iso_coap_links_filter(struct iso_str text,
                                                  const struct iso_str *queries, size_t query_count,
                                                  struct iso_buf *out);

#endif
