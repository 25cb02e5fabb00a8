/* member.h - members of the documents that daemons write, beyond what base/json_writer.h has. */
#ifndef ISO_DAEMON_MEMBER_H
#define ISO_DAEMON_MEMBER_H

#include "base/json_member.h"

#include <jansson.h>

/* A time in nanoseconds since 1970, as iso_clock_text tells it. Any thread. */
void iso_member_time(struct iso_json *json, const char *name, uint64_t ns);
/* A value of jansson's (borrowed); of NULL, and where memory runs out, null. Any thread. */
void iso_member_value(struct iso_json *json, const char *name, const json_t *value);

#endif
