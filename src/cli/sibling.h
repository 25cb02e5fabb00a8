/* The programs beside `isomer`, and which commands they carry. */
#ifndef ISO_CLI_SIBLING_H
#define ISO_CLI_SIBLING_H

#include <stdbool.h>
#include <stddef.h>

struct iso_cli_sibling {
    const char *command;
    const char *program;
    const char *section; /* of the overview; those of one section stand together */
    const char *summary;
};

/* Ends with a NULL command. */
extern const struct iso_cli_sibling iso_cli_siblings[];

/* Where a program is, by its name: a path, or the name alone when only the PATH can tell. */
void iso_cli_sibling_path(const char *program, char *out, size_t cap);

/* The folder of the WIT packages that come with isomer; false when there is none. */
bool iso_cli_wit_folder(char *out, size_t cap);

/* Become the program, with these arguments (argv[0] is replaced). Returns an exit status after a
 * message when that cannot be. */
int iso_cli_sibling_run(const char *program, char **argv);

#endif
