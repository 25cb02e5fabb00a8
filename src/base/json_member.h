/* Members of an object, written by base/json_writer.h: a key and its value in one call.
 *
 *     iso_json_object_begin(&json);
 *     iso_json_put_z(&json, "name", "sensor");
 *     iso_json_put_u64(&json, "channel", 3);
 *     iso_json_object_end(&json);
 *
 * Names are zero-terminated; values are written as by the function of base/json_writer.h that has
 * the same ending. */
#ifndef ISO_BASE_JSON_MEMBER_H
#define ISO_BASE_JSON_MEMBER_H

#include "base/json_writer.h"

void iso_json_put_string(struct iso_json *json, const char *name, struct iso_str text);
void iso_json_put_z(struct iso_json *json, const char *name, const char *text);
void iso_json_put_i64(struct iso_json *json, const char *name, int64_t value);
void iso_json_put_u64(struct iso_json *json, const char *name, uint64_t value);
void iso_json_put_f64(struct iso_json *json, const char *name, double value);
void iso_json_put_bool(struct iso_json *json, const char *name, bool value);
void iso_json_put_null(struct iso_json *json, const char *name);
void iso_json_put_raw(struct iso_json *json, const char *name, struct iso_str text);
/* The value is what follows, until iso_json_object_end or iso_json_array_end. */
void iso_json_put_object_begin(struct iso_json *json, const char *name);
void iso_json_put_array_begin(struct iso_json *json, const char *name);
/* Of an empty text, nothing: the member is left out. */
void iso_json_put_string_if(struct iso_json *json, const char *name, struct iso_str text);

#endif
