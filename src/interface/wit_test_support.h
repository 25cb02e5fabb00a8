/* For tests of WIT: parsing with messages, comparing models. */
#ifndef ISO_INTERFACE_WIT_TEST_SUPPORT_H
#define ISO_INTERFACE_WIT_TEST_SUPPORT_H

#include "base/test.h"
#include "interface/interface.h"

/* Parses one text called "t.wit". */
enum iso_err wit_test_parse(const struct iso_alloc *alloc, const char *text, struct iso_wit *out,
                            struct iso_report *report);
/* The same; fails the test with the message when it is refused. */
void wit_test_parse_ok(const char *text, struct iso_wit *out);
/* Fails the test unless both describe the same, docs and names of types included. */
void wit_test_check_equal(const struct iso_wit *a, const struct iso_wit *b);
/* Prints the model, parses the text and compares; the text is appended to out (may be NULL). */
void wit_test_round_trip(const struct iso_wit *wit, struct iso_buf *out);
/* Bytes from hexadecimal digits. Returns their number. */
size_t wit_test_unhex(const char *hex, uint8_t *out, size_t cap);

#endif
