/* The files of a new module. In them @NAME@ is its name ("my-sensor"), @SNAKE@ and @PASCAL@ the
 * same as an identifier ("my_sensor", "MySensor"), @MODULE@ the name of the bindings without ".rs".
 */
#ifndef ISO_CLI_NEW_TEMPLATES_H
#define ISO_CLI_NEW_TEMPLATES_H

#include <stddef.h>

struct iso_cli_template {
    const char *path; /* in the folder; with the placeholders too */
    const char *text;
};

/* What is in every module; and, by enum iso_gen_language, what is of one language. */
extern const char iso_cli_template_wit[];
struct iso_cli_language_templates {
    const char *bindings; /* folder of the bindings, "" for that of the module */
    const struct iso_cli_template *files;
    size_t count;
};
extern const struct iso_cli_language_templates iso_cli_templates[3];

#endif
