/*
 * wit_limits.h - limits on WIT that comes from outside, as text or as a custom section. Each has a
 * test (wit_refuse_test.c, wit_binary_test.c).
 */
#ifndef ISO_INTERFACE_WIT_LIMITS_H
#define ISO_INTERFACE_WIT_LIMITS_H

/* Bytes of all sources together, or of a section. */
#define ISO_WIT_MAX_BYTES (1u << 20)
/* What the model, and what the syntax tree may take, in bytes. */
#define ISO_WIT_MAX_MEMORY (48u << 20)
#define ISO_WIT_MAX_SOURCES 1000u
#define ISO_WIT_MAX_PACKAGES 100u
/* Interfaces, worlds, and names of top-level `use` of one package. */
#define ISO_WIT_MAX_TOP 1000u
/* Types, used names, functions, imports and exports of one interface or world. */
#define ISO_WIT_MAX_ITEMS 1000u
/* Fields, cases, flags, tuple items or parameters. */
#define ISO_WIT_MAX_MEMBERS 1000u
/* Bytes of a name, and of a version. */
#define ISO_WIT_MAX_NAME 200u
/* Types in types in the text, names that stand for names, interfaces that use interfaces, worlds
 * that include worlds. */
#define ISO_WIT_MAX_DEPTH 100u
/* Types in one scope of a section, and sections of one module. */
#define ISO_WIT_MAX_INDICES 10000u
#define ISO_WIT_MAX_SECTIONS 16u

#endif
