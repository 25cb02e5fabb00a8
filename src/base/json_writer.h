/* Writes one JSON text (RFC 8259) piece by piece, in order, without building a tree.
 *
 *     struct iso_json json;
 *     iso_json_init_buf(&json, &buf, 2);
 *     iso_json_object_begin(&json);
 *     iso_json_key(&json, "name");
 *     iso_json_z(&json, "sensor");
 *     iso_json_object_end(&json);
 *     err = iso_json_finish(&json);
 *
 * The first error of the sink is kept; later calls then do nothing, and iso_json_finish returns it,
 * so that only the end needs a check. Calls in a wrong order (a value without a key in an object,
 * an end that does not match) are errors of the programmer and fail an ISO_ASSERT. */
#ifndef ISO_BASE_JSON_WRITER_H
#define ISO_BASE_JSON_WRITER_H

#include "base/buf.h"

/* Deeper nesting makes ISO_E_LIMIT. */
#define ISO_JSON_MAX_DEPTH 64u

/* Takes `len` bytes (borrowed for the call). */
typedef enum iso_err (*iso_json_sink)(void *ctx, const void *data, size_t len);

struct iso_json {
    iso_json_sink sink;
    void *ctx;
    unsigned indent; /* spaces per level; 0: all in one line without spaces */
    unsigned depth;
    enum iso_err err;
    bool after_key;
    bool root_done;
    uint8_t in_object[ISO_JSON_MAX_DEPTH + 1]; /* per level: 1 in an object, 0 in an array */
    uint8_t has_items[ISO_JSON_MAX_DEPTH + 1]; /* per level: something was written */
};

/* `ctx` and `buf` are kept until iso_json_finish. */
void iso_json_init(struct iso_json *json, iso_json_sink sink, void *ctx, unsigned indent);
void iso_json_init_buf(struct iso_json *json, struct iso_buf *buf, unsigned indent);

void iso_json_object_begin(struct iso_json *json);
void iso_json_object_end(struct iso_json *json);
void iso_json_array_begin(struct iso_json *json);
void iso_json_array_end(struct iso_json *json);

/* The name of the next member of the object. Zero-terminated text, escaped as strings are. */
void iso_json_key(struct iso_json *json, const char *name);
void iso_json_key_str(struct iso_json *json, struct iso_str name);

/* A string; control characters are escaped, each byte that is no part of well-formed UTF-8 becomes
 * U+FFFD. The _z form takes zero-terminated text, NULL writes null. */
void iso_json_string(struct iso_json *json, struct iso_str text);
void iso_json_z(struct iso_json *json, const char *text);
void iso_json_i64(struct iso_json *json, int64_t value);
void iso_json_u64(struct iso_json *json, uint64_t value);
/* Shortest text that reads back the same; NaN and infinities, which JSON lacks, become null. */
void iso_json_f64(struct iso_json *json, double value);
void iso_json_bool(struct iso_json *json, bool value);
void iso_json_null(struct iso_json *json);

/* A value that is JSON text already, as it is; it is not checked. */
void iso_json_raw(struct iso_json *json, struct iso_str text);
/* Ends the text (with a line end when indented) and returns the first error. One value must have
 * been written and everything closed. */
ISO_MUST_CHECK enum iso_err iso_json_finish(struct iso_json *json);

#endif
