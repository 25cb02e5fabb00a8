/* Mistakes of a manifest as compilers print them: file:line:column, the line, a caret. */
#ifndef ISO_CLI_CLIENT_MISTAKES_H
#define ISO_CLI_CLIENT_MISTAKES_H

#include "base/base.h"

#include <jansson.h>

/* Print them on standard error: an array of {"line","column","length","severity","text"}, columns
 * and lengths in characters. name: of the file; text: its contents. Returns how many are no
 * warnings. */
size_t iso_cli_mistakes_print(const json_t *mistakes, const char *name, struct iso_str text);

/* One mistake as the orchestrator's are, at the first place where the text has `found`; the
 * caller's reference, NULL when memory is short. */
json_t *iso_cli_mistake_new(struct iso_str text, const char *found, const char *message);

/* Whether both are about the same words of the text, at one place or at two. */
bool iso_cli_mistakes_match(struct iso_str text, const json_t *one, const json_t *other);

#endif
