/* Bindings for guests, written into a folder; shared by bindgen and new. */
#ifndef ISO_CLI_BINDGEN_H
#define ISO_CLI_BINDGEN_H

#include "cli/args.h"
#include "interface/interface.h"

/* "c", "rust", "assemblyscript" (also "as"); false: no such language. */
bool iso_cli_language_parse(const char *text, enum iso_gen_language *out);

/* The language that is an operand. Returns ISO_CLI_OK, or the exit status after a message. */
int iso_cli_language_take(const struct iso_cli_command *command, const char *text,
                          enum iso_gen_language *out);

enum { ISO_CLI_BINDING_NAME_CAP = 256 };

/*
 * Generate the bindings of a world into a folder, which is made. The names of the files are printed
 * when `show` is set; the name of the first, without what comes after its last dot, is written to
 * stem unless that is NULL. Returns as above.
 */
int iso_cli_bindings_write(const struct iso_wit_world *world, enum iso_gen_language language,
                           const char *folder, bool show, char stem[ISO_CLI_BINDING_NAME_CAP]);

#endif
