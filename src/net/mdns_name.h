/* Domain names as they are sent: labels with their lengths, a zero at the end (RFC 1035, section
 * 3.1). Compared without regard to the case of ASCII letters (RFC 6762, section 16). */
#ifndef ISO_NET_MDNS_NAME_H
#define ISO_NET_MDNS_NAME_H

#include "base/base.h"

#include "net/mdns_limits.h"

#include <stdbool.h>

struct iso_mdns_name {
    uint8_t len; /* bytes in use, the closing zero included; 0: no name */
    uint8_t bytes[ISO_MDNS_NAME_MAX];
};

/* Room for any name as text with its escapes and the closing zero. */
#define ISO_MDNS_NAME_TEXT_MAX 1024u

/* From labels with dots between ("_wot._tcp.local"); no escapes, no dot at the end. False when a
 * label is empty or too long, or the whole is; then *out is untouched. */
bool iso_mdns_name_parse(const char *text, struct iso_mdns_name *out);

/* One label before `rest` (borrowed; may be *out). False when it is empty or too long. */
bool iso_mdns_name_prepend(struct iso_str label, const struct iso_mdns_name *rest,
                           struct iso_mdns_name *out);

bool iso_mdns_name_equal(const struct iso_mdns_name *a, const struct iso_mdns_name *b);

/* Equal names have equal hashes. */
uint32_t iso_mdns_name_hash(const struct iso_mdns_name *name);

/* The first label; empty for the root. Borrowed from the name. */
struct iso_str iso_mdns_name_label(const struct iso_mdns_name *name);

/* Whether `name` is exactly one label and then `parent`. */
bool iso_mdns_name_is_child(const struct iso_mdns_name *name, const struct iso_mdns_name *parent);

/* Whether the last label is "local". */
bool iso_mdns_name_is_local(const struct iso_mdns_name *name);

/* Text for people and for other programs: dots within labels, backslashes and bytes that do not
 * print are escaped (RFC 1035, section 5.1). No dot at the end. */
void iso_mdns_name_text(const struct iso_mdns_name *name, char out[ISO_MDNS_NAME_TEXT_MAX]);

/* ---- Labels that were taken ------------------------------------------------------------------ */

/* A label and the number by which it evades conflicts (RFC 6762, section 9): 1 stands for none. */
struct iso_mdns_label {
    uint8_t len;
    char base[ISO_MDNS_LABEL_MAX + 1]; /* zero-terminated, without the number */
    uint32_t number;
};

enum iso_mdns_label_style {
    ISO_MDNS_LABEL_INSTANCE, /* "name (2)" */
    ISO_MDNS_LABEL_HOST,     /* "name-2" */
};

/* Takes a label apart, so that "lamp (2)" is followed by "lamp (3)". `text` has 1 to 63 bytes. */
void iso_mdns_label_init(struct iso_mdns_label *label, struct iso_str text,
                         enum iso_mdns_label_style style);

/* Writes the label with its number, the base cut at a character where it would be too long.
 * Returns the length. */
size_t iso_mdns_label_text(const struct iso_mdns_label *label, enum iso_mdns_label_style style,
                           char out[ISO_MDNS_LABEL_MAX + 1]);

#endif
