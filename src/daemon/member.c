/* member.c - times and jansson's values as members of an object. */
#include "daemon/member.h"

#include "base/json_member.h"
#include "daemon/clock.h"

#include <stdlib.h>

void iso_member_time(struct iso_json *json, const char *name, uint64_t ns)
{
    char text[32];
    iso_clock_text(ns, text);
    iso_json_put_z(json, name, text);
}

void iso_member_value(struct iso_json *json, const char *name, const json_t *value)
{
    char *text = value != NULL ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    iso_json_put_raw(json, name, iso_str_from_z(text != NULL ? text : "null"));
    free(text);
}
