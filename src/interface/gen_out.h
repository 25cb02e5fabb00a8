/*
 * gen_out.h - text for generated files: lines into a buffer, identifiers from WIT's kebab-case
 * names, doc comments. Shared by all generators (gen_*.c); not part of the public header.
 */
#ifndef ISO_INTERFACE_GEN_OUT_H
#define ISO_INTERFACE_GEN_OUT_H

#include "base/base.h"

/* The first error is kept and later calls do nothing, so that only the end needs a check. */
struct gen_out {
    struct iso_buf *buf;
    enum iso_err err;
    unsigned indent; /* levels of four spaces before each line of gen_line */
};

void gen_out_init(struct gen_out *out, struct iso_buf *buf);

/* Append text. Of the conversions only %s, %.*s, %u, %d and %% exist; nothing is ever cut. */
void gen_put(struct gen_out *out, const char *format, ...) ISO_PRINTF(2, 3);
void gen_put_str(struct gen_out *out, struct iso_str text);
/* Append a text of the folder support: what is the same in all bindings for a language. */
void gen_put_support(struct gen_out *out, const char *name);
/* The same as a whole line with its indentation and line end. */
void gen_line(struct gen_out *out, const char *format, ...) ISO_PRINTF(2, 3);
void gen_blank(struct gen_out *out);
/* Only the indentation, for a line that gen_put goes on with. */
void gen_begin(struct gen_out *out);
/* Indentation one level in and out around a block. */
void gen_open(struct gen_out *out, const char *format, ...) ISO_PRINTF(2, 3);
void gen_close(struct gen_out *out, const char *text);

/* A text as comment lines, each after the indentation and `prefix` ("/// "); nothing for an empty
 * one. Control characters become spaces. With c_comment a star-slash is broken up, so that it can
 * stand in a block comment. */
void gen_doc(struct gen_out *out, struct iso_str doc, const char *prefix, bool c_comment);
/* A text wrapped at `width` columns, each line after `indent` spaces. Line breaks stay where a line
 * is empty or begins with a space or a list mark; other lines run together. */
void gen_wrap(struct gen_out *out, struct iso_str text, unsigned indent, unsigned width);

enum gen_case { GEN_SNAKE, GEN_UPPER, GEN_CAMEL, GEN_PASCAL };

/* An identifier made of a kebab-case name. NULL when memory is short. */
char *gen_ident(struct iso_arena *arena, struct iso_str name, enum gen_case style);
/* The same; with an underscore behind it when it is one of the words of `reserved`, which have a
 * space between them. */
char *gen_ident_unreserved(struct iso_arena *arena, struct iso_str name, enum gen_case style,
                           const char *reserved);
/* Texts one after the other (NULL ends the list). NULL when memory is short or a part was NULL. */
char *gen_join(struct iso_arena *arena, const char *first, ...);
/* A decimal number as text. NULL when memory is short. */
char *gen_number(struct iso_arena *arena, uint32_t value);

#define GEN_NONE UINT32_MAX

/* A set of taken names, each with a number. */
struct gen_names {
    const char **slots;
    uint32_t *values;
    size_t cap; /* a power of two, or 0 */
    size_t count;
    struct iso_arena *arena;
};

void gen_names_init(struct gen_names *names, struct iso_arena *arena);
/* Take `name` (kept) if nobody has; the number is 0 or `value`. False also when memory is short. */
bool gen_names_take(struct gen_names *names, const char *name);
bool gen_names_put(struct gen_names *names, const char *name, uint32_t value);
/* The number of a name; GEN_NONE when nobody has taken it. */
uint32_t gen_names_get(const struct gen_names *names, const char *name);
/* Take the first that is free: `name`, `other` (may be NULL), name_2, name_3, ... NULL when memory
 * is short or name is NULL. */
char *gen_names_claim(struct gen_names *names, char *name, char *other);

#endif
