/* The files of a new module. In them @NAME@ is its name ("my-sensor"), @SNAKE@ and @PASCAL@ the
 * same as an identifier ("my_sensor", "MySensor"), @MODULE@ the name of the bindings without ".rs".
 */
#ifndef ISO_CLI_NEW_TEMPLATES_H
#define ISO_CLI_NEW_TEMPLATES_H

#include "base/base.h"

/* The texts of the folder templates. */
extern const struct iso_texts iso_cli_template_texts;

enum { ISO_CLI_TEMPLATE_PARTS = 3 };

struct iso_cli_template {
    const char *path;                          /* in the folder */
    const char *parts[ISO_CLI_TEMPLATE_PARTS]; /* names of texts, one after the other; then NULL */
};

/* What every module has, its interface, is the text "interface.wit". What is of one language, by
 * enum iso_gen_language: */
struct iso_cli_language_templates {
    const char *bindings; /* folder of the bindings, "" for that of the module */
    const struct iso_cli_template *files;
    size_t count;
};
extern const struct iso_cli_language_templates iso_cli_templates[3];

#endif
