/* Arguments and results of --invoke: WebAssembly values as text. */
#ifndef ISO_CLI_VALUES_H
#define ISO_CLI_VALUES_H

#include "base/base.h"
#include "engine/engine.h"

#include <stdio.h>

/*
 * One value of a type from text into its slots (one; two for v128):
 *   i32, i64    decimal or 0x hexadecimal, signed or unsigned: -2147483648 to 4294967295 for i32
 *   f32, f64    decimal or hexadecimal (C's notation), inf, nan, nan:0x1 with a payload; with sign
 *   v128        0x and up to 32 hexadecimal digits, the lowest byte last
 *   funcref, externref   null
 * Errors: ARGUMENT, LIMIT (out of range); the report says what would be right.
 */
ISO_MUST_CHECK enum iso_err iso_cli_value_parse(enum iso_type type, const char *text,
                                                union iso_slot *slots, struct iso_report *report);

enum { ISO_CLI_VALUE_TEXT_MAX = 48 };

/* The text of a value, as iso_cli_value_parse reads it again (integers signed; floats with as few
 * digits as tell them apart). Returns its length. */
size_t iso_cli_value_format(enum iso_type type, const union iso_slot *slots,
                            char out[ISO_CLI_VALUE_TEXT_MAX]);

/* "(i32, i64) -> f64". */
void iso_cli_func_type_print(FILE *out, const struct iso_func_type *type);
/* The same into a text; cut when it is too long. */
void iso_cli_func_type_format(const struct iso_func_type *type, char *out, size_t cap);

#endif
