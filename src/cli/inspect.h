/* The parts of `isomer inspect`. */
#ifndef ISO_CLI_INSPECT_H
#define ISO_CLI_INSPECT_H

#include "cli/load.h"

/* How a module is meant to be used, by its exports: "command" (_start), "reactor" (_initialize),
 * "library". */
const char *iso_cli_module_kind(const struct iso_module *module);

/* Whether it exports a function of that name. */
bool iso_cli_module_exports_func(const struct iso_module *module, const char *name);

/* Print a module on standard output. Return the exit status. */
int iso_cli_inspect_module_text(const char *path, struct iso_module *module);
int iso_cli_inspect_module_json(const char *path, struct iso_module *module);

/* The interface of a module, in one of its forms. base: where its functions are reached; NULL: left
 * open. Returns the exit status. */
enum iso_cli_inspect_view {
    ISO_CLI_VIEW_NONE,
    ISO_CLI_VIEW_TEXT,
    ISO_CLI_VIEW_WIT,
    ISO_CLI_VIEW_TD,
    ISO_CLI_VIEW_OPENAPI
};
int iso_cli_inspect_interface(const char *path, const struct iso_module *module,
                              enum iso_cli_inspect_view view, const char *base);

/* What is known of a module's interface in a line or an object of JSON; what cannot be used is said
 * there, too. */
void iso_cli_inspect_interface_line(const char *path, const struct iso_module *module);
void iso_cli_inspect_interface_member(struct iso_json *json, const char *path,
                                      const struct iso_module *module);

/* Print a snapshot; module_paths are files in which its modules may be. Returns the exit status. */
int iso_cli_inspect_snapshot(struct iso_engine *engine, const char *path, struct iso_bytes bytes,
                             const char *const *module_paths, size_t module_path_count,
                             bool as_json);

/* Write what was made with the JSON writer, or say why not. Returns the exit status. */
int iso_cli_print_json(struct iso_buf *out, enum iso_err err);

#endif
