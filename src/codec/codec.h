/*
 * codec.h - the one public header of src/codec: the type and value model, and its mappings to JSON
 * (RFC 8259) and CBOR (RFC 8949). Pure functions over bytes; no I/O.
 *
 * JSON: records are objects, lists and tuples arrays, list<u8> a base64 string, variants
 * {"case": value} (null for a case without payload), enums strings, flags arrays of strings,
 * options null or the value (an option of an option: {"some": value}), results {"ok": value} or
 * {"error": value}, chars strings of one character, s64 and u64 numbers where a double holds them
 * exactly, else strings; NaN and infinities the strings "nan", "inf", "-inf".
 * CBOR: the same, with byte strings for list<u8>, integers of 64 bits, and floats for floats.
 * Taken as well: an array of numbers for list<u8>, and objects that leave out options (none).
 * The whole is in docs/internals/codec.md.
 */
#ifndef ISO_CODEC_CODEC_H
#define ISO_CODEC_CODEC_H

#include "codec/base64.h"
#include "codec/semver.h"
#include "codec/value.h"

/* Limits on what comes from outside: levels of values in values. */
#define ISO_CODEC_MAX_DEPTH 128u

/* Append the JSON / CBOR form of a value to out. The value has been checked. Errors: those of
 * iso_buf; then out is as before. */
ISO_MUST_CHECK enum iso_err iso_json_encode(const struct iso_vtype *type,
                                            const struct iso_value *value, struct iso_buf *out);
ISO_MUST_CHECK enum iso_err iso_cbor_encode(const struct iso_vtype *type,
                                            const struct iso_value *value, struct iso_buf *out);
/* Read one value of the type; the whole text must be used up. Every mistake (missing, unknown or
 * repeated field, wrong type, out of range, bad base64, unknown case) is answered with the path and
 * what was expected, and its byte offset. `root` names the value in paths ("width"). What the value
 * points to is in the arena, or (CBOR strings and bytes) in the input. Errors: ISO_E_ARGUMENT
 * (well- formed up to there, but not of the type), ISO_E_MALFORMED, ISO_E_LIMIT (also the arena's
 * own), ISO_E_NOMEM. */
ISO_MUST_CHECK enum iso_err iso_json_decode(const struct iso_vtype *type, struct iso_bytes text,
                                            const char *root, struct iso_arena *arena,
                                            struct iso_value *out, struct iso_report *report);
ISO_MUST_CHECK enum iso_err iso_cbor_decode(const struct iso_vtype *type, struct iso_bytes bytes,
                                            const char *root, struct iso_arena *arena,
                                            struct iso_value *out, struct iso_report *report);

/* The parameters of a function as one object {"name": value} (or, when listed, an array in order):
 * values[i] is that of parameter i. Missing options are none; no text at all is no parameters.
 * Errors as above. */
ISO_MUST_CHECK enum iso_err iso_json_decode_params(const struct iso_wit_func *func,
                                                   struct iso_bytes text, struct iso_arena *arena,
                                                   struct iso_value *values,
                                                   struct iso_report *report);
ISO_MUST_CHECK enum iso_err iso_cbor_decode_params(const struct iso_wit_func *func,
                                                   struct iso_bytes bytes, struct iso_arena *arena,
                                                   struct iso_value *values,
                                                   struct iso_report *report);

#endif
