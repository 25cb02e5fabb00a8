/* The modules of one script, decoded once each; may be used by several threads. */
#ifndef TESTS_SPEC_MODULES_H
#define TESTS_SPEC_MODULES_H

#include "session.h"

/* The module in the file `name` of the suite's folder. It lives as long as `modules`.
 * Errors: those of iso_file_read and iso_module_create; the report says which. */
ISO_MUST_CHECK enum iso_err spec_modules_get(struct spec_modules *modules, const char *name,
                                             struct iso_module **out, struct iso_report *report);

/* All that were decoded, at most cap; returns how many. */
size_t spec_modules_list(struct spec_modules *modules, struct iso_module **out, size_t cap);

#endif
