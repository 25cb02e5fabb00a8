/* Members of an object: a key and its value (RFC 8259, section 4). */
#include "base/json_member.h"

void iso_json_put_string(struct iso_json *json, const char *name, struct iso_str text)
{
    iso_json_key(json, name);
    iso_json_string(json, text);
}

void iso_json_put_z(struct iso_json *json, const char *name, const char *text)
{
    iso_json_key(json, name);
    iso_json_z(json, text);
}

void iso_json_put_i64(struct iso_json *json, const char *name, int64_t value)
{
    iso_json_key(json, name);
    iso_json_i64(json, value);
}

void iso_json_put_u64(struct iso_json *json, const char *name, uint64_t value)
{
    iso_json_key(json, name);
    iso_json_u64(json, value);
}

void iso_json_put_f64(struct iso_json *json, const char *name, double value)
{
    iso_json_key(json, name);
    iso_json_f64(json, value);
}

void iso_json_put_bool(struct iso_json *json, const char *name, bool value)
{
    iso_json_key(json, name);
    iso_json_bool(json, value);
}

void iso_json_put_null(struct iso_json *json, const char *name)
{
    iso_json_key(json, name);
    iso_json_null(json);
}

void iso_json_put_raw(struct iso_json *json, const char *name, struct iso_str text)
{
    iso_json_key(json, name);
    iso_json_raw(json, text);
}

void iso_json_put_object_begin(struct iso_json *json, const char *name)
{
    iso_json_key(json, name);
    iso_json_object_begin(json);
}

void iso_json_put_array_begin(struct iso_json *json, const char *name)
{
    iso_json_key(json, name);
    iso_json_array_begin(json);
}

void iso_json_put_string_if(struct iso_json *json, const char *name, struct iso_str text)
{
    if (text.len != 0) {
        iso_json_put_string(json, name, text);
    }
}
