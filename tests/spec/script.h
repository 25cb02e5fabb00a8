/* The scripts that spec2script.py writes: one command per line. See there for the grammar.
 *
 * Values are kept as lanes of little-endian bytes, so that scalars, vectors and references compare
 * in one way on hosts of either byte order. */
#ifndef TESTS_SPEC_SCRIPT_H
#define TESTS_SPEC_SCRIPT_H

#include "engine/engine.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    SPEC_VALUES_MAX = 64, /* arguments or results of one command */
    SPEC_WORDS_MAX = 160, /* words of one line */
    SPEC_LINE_MAX = 8192  /* bytes of one line */
};

enum spec_kind {
    SPEC_MODULE,
    SPEC_MODULE_DEFINITION,
    SPEC_REGISTER,
    SPEC_ACTION,
    SPEC_ASSERT_RETURN,
    SPEC_ASSERT_TRAP,
    SPEC_ASSERT_EXHAUSTION,
    SPEC_ASSERT_INVALID,
    SPEC_ASSERT_MALFORMED,
    SPEC_ASSERT_UNLINKABLE,
    SPEC_ASSERT_UNINSTANTIABLE,
    SPEC_KIND_COUNT
};

/* "module", "assert_return", ... */
const char *spec_kind_name(enum spec_kind kind);

enum spec_pattern { SPEC_EXACT, SPEC_NAN_CANONICAL, SPEC_NAN_ARITHMETIC, SPEC_NOT_NULL };

/* A value, or a pattern of values: `lanes` lanes of `lane_bytes` bytes each. */
struct spec_value {
    enum iso_type type;
    uint8_t lanes;
    uint8_t lane_bytes;
    uint8_t pattern[16]; /* enum spec_pattern of each lane */
    uint8_t bytes[16];   /* little-endian lanes, lane 0 first */
};

/* A string of a script: decoded in place, with its length because names may contain zero bytes. */
struct spec_text {
    const char *ptr; /* zero-terminated too; NULL when absent */
    size_t len;
};

struct spec_action {
    bool is_get; /* of a global, else a call */
    struct spec_text module;
    struct spec_text field;
    uint32_t arg_count;
    struct spec_value args[SPEC_VALUES_MAX];
};

/* One command. Texts point into the line that was parsed. */
struct spec_command {
    enum spec_kind kind;
    unsigned line; /* of the suite's own script */
    struct spec_text file;
    struct spec_text name; /* of a module; the `as` of a register is in text */
    struct spec_text text;
    struct spec_action action;
    uint32_t expected_count;
    struct spec_value expected[SPEC_VALUES_MAX];
};

/* Parses one line (changed in place, without its newline). False when it is not a command; then
 * *why is a static text. */
bool spec_command_parse(char *line, struct spec_command *out, const char **why);

/* Writes a value to one slot, or two for a v128; returns how many. */
uint32_t spec_value_to_slots(const struct spec_value *value, union iso_slot *slots);

/* Reads a value of the type from slots; returns how many it took. */
uint32_t spec_value_from_slots(enum iso_type type, const union iso_slot *slots,
                               struct spec_value *out);

/* True when `actual` (from spec_value_from_slots) is what `expected` describes. */
bool spec_value_matches(const struct spec_value *expected, const struct spec_value *actual);

/* For messages: "f32 0x7fc00000", "v128 ...". */
void spec_value_format(const struct spec_value *value, char *out, size_t cap);

#endif
