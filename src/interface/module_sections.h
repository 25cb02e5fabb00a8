/*
 * module_sections.h - the custom sections of modules that describe them, and interfaces for modules
 * that have none. Internal to src/interface.
 */
#ifndef ISO_INTERFACE_MODULE_SECTIONS_H
#define ISO_INTERFACE_MODULE_SECTIONS_H

#include "interface/interface.h"

#define ISO_SECTION_WIT "isomer:wit"
#define ISO_SECTION_PACKAGE "isomer:package"
#define ISO_SECTION_COMPONENT_TYPE "component-type" /* and whatever follows */

/* ---- module_derive.c --- */

/* Whether it is a program with _start. */
bool iso_module_is_command(const struct iso_module *module);
/* out as in iso_wit_parse. */
ISO_MUST_CHECK enum iso_err iso_module_derive_command(const struct iso_alloc *alloc,
                                                      struct iso_wit *out,
                                                      struct iso_report *report);
ISO_MUST_CHECK enum iso_err iso_module_derive(const struct iso_alloc *alloc,
                                              const struct iso_module *module, struct iso_wit *out,
                                              struct iso_report *report);

#endif
