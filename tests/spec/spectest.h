/* The host module `spectest` that the suite's modules import from. */
#ifndef TESTS_SPEC_SPECTEST_H
#define TESTS_SPEC_SPECTEST_H

#include "engine/engine.h"

/* Defines it in a store that is empty. Errors: those of iso_store_define_*. */
ISO_MUST_CHECK enum iso_err spectest_define(struct iso_store *store);

#endif
