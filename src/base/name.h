/* Names of applications, components, flows and what else people name in documents. */
#ifndef ISO_BASE_NAME_H
#define ISO_BASE_NAME_H

#include "base/bytes.h"

enum { ISO_NAME_MAX = 32 }; /* bytes */

/* Small letters, digits and single hyphens between them, a letter first, at most ISO_NAME_MAX. */
bool iso_name_check(struct iso_str text);

/* The same in words, for messages. */
#define ISO_NAME_RULE "small letters, digits and single hyphens, a letter first, at most 32 in all"

enum { ISO_LABEL_KEY_MAX = 128 }; /* bytes */

/* What stands before the = of a device's label, wherever it is given or asked for. */
bool iso_label_key_check(struct iso_str text);

#define ISO_LABEL_KEY_RULE                                                                         \
    "letters, digits and - _ . /, a letter or digit first, at most 128 in all"

enum { ISO_QUOTE_SIZE = 64 };

/* A piece of text fit for a message: in single quotes, cut, without control characters, on one
 * line, well-formed. Returns out, zero-terminated. */
const char *iso_quote(char out[ISO_QUOTE_SIZE], struct iso_str text);

#endif
