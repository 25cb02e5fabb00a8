/* Error codes: one convention for the whole project.
 *
 * A function that can fail returns `enum iso_err`, 0 being success, and is marked ISO_MUST_CHECK.
 * Results go through trailing out-pointers, which a failing call leaves untouched. */
#ifndef ISO_BASE_ERR_H
#define ISO_BASE_ERR_H

enum iso_err {
#define ISO_ERR(name, text) name,
#include "base/err.def"
#undef ISO_ERR
};

/* The enumerator as text, such as "ISO_E_NOMEM"; "ISO_E_?" for a value outside the enumeration.
 * Static storage. */
const char *iso_err_name(enum iso_err err);

/* A short English phrase for people, such as "out of memory". Static storage. */
const char *iso_err_text(enum iso_err err);

#endif
