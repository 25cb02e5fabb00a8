/* js_values.h - values as JavaScript expressions, as jco has them (its documentation, "Type
 * mapping"): for calls of components. */
#ifndef ISO_TEST_JS_VALUES_H
#define ISO_TEST_JS_VALUES_H

#include "codec/value.h"

void js_put_value(struct iso_buf *out, const struct iso_vtype *type, const struct iso_value *value);
/* A name in camelCase, in quotes. */
void js_put_name(struct iso_buf *out, struct iso_str name);
void js_put(struct iso_buf *out, const char *text);

#endif
