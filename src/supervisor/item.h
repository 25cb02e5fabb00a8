/*
 * item.h - CBOR items (RFC 8949) as bytes: walked, compared with a bound, and written, without a
 * tree and without knowing their types.
 *
 * What travels between devices is CBOR that somebody else made. An item is checked once, when it
 * arrives (iso_sv_item_skip); walking over a checked one cannot fail, and copies nothing.
 */
#ifndef ISO_SUPERVISOR_ITEM_H
#define ISO_SUPERVISOR_ITEM_H

#include "base/base.h"

/* Items in items; typed values have 128 levels at most. */
#define ISO_SV_ITEM_DEPTH 160u

enum iso_sv_item_major {
    ISO_SV_ITEM_UNSIGNED,
    ISO_SV_ITEM_NEGATIVE, /* -1 - argument */
    ISO_SV_ITEM_BYTES,
    ISO_SV_ITEM_TEXT,
    ISO_SV_ITEM_ARRAY,
    ISO_SV_ITEM_MAP,
    ISO_SV_ITEM_TAG,
    ISO_SV_ITEM_SIMPLE
};

/* ---- Reading -------------------------------------------------------------------------------- */

/* The length of the first item in bytes, which are read once, from front to back. Text is checked
 * to be UTF-8. Errors: MALFORMED, LIMIT (too deep). */
ISO_MUST_CHECK enum iso_err iso_sv_item_skip(struct iso_bytes bytes, size_t *len);

/* The same, and nothing may follow the item. */
ISO_MUST_CHECK enum iso_err iso_sv_item_check(struct iso_bytes bytes);

/* The value of a member of a map whose keys are texts; false when the item is no map or has no such
 * member. item: checked. Strings in pieces are no keys. */
bool iso_sv_item_member(struct iso_bytes item, struct iso_str name, struct iso_bytes *out);

/* Takes items from a sequence one after the other. After the first that is wrong, or that the
 * sequence is too short for, `bad` stays set and every further take gives nothing. */
struct iso_sv_items {
    struct iso_bytes rest;
    bool bad;
};
uint64_t iso_sv_items_u64(struct iso_sv_items *items);
/* Byte and text strings in one piece of at most max bytes. */
struct iso_bytes iso_sv_items_bytes(struct iso_sv_items *items, size_t max);
struct iso_str iso_sv_items_text(struct iso_sv_items *items, size_t max);
/* The head of an array of at most max items, of definite length; its items follow. */
size_t iso_sv_items_array(struct iso_sv_items *items, size_t max);
bool iso_sv_items_bool(struct iso_sv_items *items);
/* The head of an array, map or tag of definite length: items, pairs or the tag's number. */
uint64_t iso_sv_items_count(struct iso_sv_items *items);
/* Any item, as it is. */
struct iso_bytes iso_sv_items_any(struct iso_sv_items *items);

/* ---- Writing -------------------------------------------------------------------------------- */

/* The head of an item, as short as it can be: argument is the number, or the count. Errors: those
 * of iso_buf. */
ISO_MUST_CHECK enum iso_err iso_sv_item_head(struct iso_buf *out, enum iso_sv_item_major major,
                                             uint64_t argument);
ISO_MUST_CHECK enum iso_err iso_sv_item_u64(struct iso_buf *out, uint64_t number);
ISO_MUST_CHECK enum iso_err iso_sv_item_text(struct iso_buf *out, struct iso_str text);
ISO_MUST_CHECK enum iso_err iso_sv_item_bytes(struct iso_buf *out, struct iso_bytes bytes);
ISO_MUST_CHECK enum iso_err iso_sv_item_bool(struct iso_buf *out, bool value);
ISO_MUST_CHECK enum iso_err iso_sv_item_null(struct iso_buf *out);
/* Bytes that a head takes. */
size_t iso_sv_item_head_size(uint64_t argument);

/* ---- JSON (item_json.c) --------------------------------------------------------------------- */

/* Between forms, without a type: what docs/internals/codec.md says of both, as far as it can be
 * told from the text. JSON strings become texts, so bytes stay base64. Errors: MALFORMED (also for
 * keys of maps that are no texts), LIMIT (depth), NOMEM, those of iso_buf. */
ISO_MUST_CHECK enum iso_err iso_sv_item_from_json(struct iso_bytes json, struct iso_buf *out,
                                                  struct iso_report *report);
ISO_MUST_CHECK enum iso_err iso_sv_item_to_json(struct iso_bytes item, struct iso_buf *out);

#endif
