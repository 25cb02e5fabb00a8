/*
 * text.h - inside src/codec: short texts for people, cut to a buffer; the path to a value, and
 * errors that begin with it.
 */
#ifndef ISO_CODEC_TEXT_H
#define ISO_CODEC_TEXT_H

#include "codec/type.h"

/* Text that ends with "..." where it was cut. Always zero-terminated; cap is at least 4. */
struct iso_text {
    char *out;
    size_t cap;
    size_t len;
    bool cut;
};

void iso_text_init(struct iso_text *text, char *out, size_t cap);
void iso_text_str(struct iso_text *text, struct iso_str part);
void iso_text_z(struct iso_text *text, const char *part);
void iso_text_u64(struct iso_text *text, uint64_t value);
/* What came from outside: its first `max` bytes, control characters and bytes that are not UTF-8
 * replaced by '?'. */
void iso_text_foreign(struct iso_text *text, struct iso_str part, size_t max);

/* UTF-8 of one character: writes 1 to 4 bytes and returns how many. */
size_t iso_character_encode(uint32_t character, char out[4]);
/* The character when well-formed UTF-8 is exactly one; false otherwise. */
bool iso_character_decode(struct iso_str text, uint32_t *out);

/* One step of the way to a value; the steps stand on the stack of whoever walks. */
struct iso_vpath {
    const struct iso_vpath *up; /* NULL at the root */
    struct iso_str name;        /* of a field or case; ptr NULL: an index */
    uint32_t index;
};

/* "frame.pixels[3]"; "value" where no step has a name. */
void iso_vpath_text(const struct iso_vpath *path, char *out, size_t cap);

/* Where a mistake is. */
struct iso_place {
    struct iso_report *report;
    const struct iso_vpath *path;
    bool has_offset;
    uint64_t offset;
};

/* iso_fail with the path before the message. */
ISO_MUST_CHECK enum iso_err iso_place_fail(const struct iso_place *place, enum iso_err err,
                                           const char *format, ...) ISO_PRINTF(3, 4);

/* How a form writes what WIT leaves open. */
enum iso_form { ISO_FORM_VALUE, ISO_FORM_JSON, ISO_FORM_CBOR };

/* What a value of the type looks like: "u8 (0 to 255)", "enum color (one of "red", "green")". */
void iso_expected_text(const struct iso_vtype *type, enum iso_form form, char *out, size_t cap);
/* "red", "green", ...: names of members, in quotes. */
void iso_member_names(struct iso_text *text, const struct iso_vtype *type);

/* The index of the member of that name, looked for from `hint` on (names mostly come in order);
 * member_count when there is none. */
uint32_t iso_member_find(const struct iso_vtype *type, struct iso_str name, uint32_t hint);

/* Ranges of integers. */
struct iso_vrange {
    int64_t min;
    uint64_t max;
};
/* Of an integer kind; asserted. */
struct iso_vrange iso_vkind_range(enum iso_vkind kind);
bool iso_vkind_is_signed(enum iso_vkind kind);

#endif
