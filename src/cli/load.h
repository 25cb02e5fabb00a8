/* Module files: reading them, and telling people what they have instead when it is none. */
#ifndef ISO_CLI_LOAD_H
#define ISO_CLI_LOAD_H

#include "base/base.h"
#include "engine/engine.h"
#include "platform/platform.h"

/* A module and the bytes that it keeps. */
struct iso_cli_module {
    struct iso_file file;
    struct iso_module *module;
};

/*
 * Read and validate a module. Returns ISO_CLI_OK, or the exit status after a message. Release with
 * iso_cli_module_fini, also after failure.
 */
int iso_cli_module_load(struct iso_engine *engine, const char *path, struct iso_cli_module *out);
/* Likewise, from bytes that were read already; they go over to out. */
int iso_cli_module_take(struct iso_engine *engine, const char *path, struct iso_file *file,
                        struct iso_cli_module *out);
void iso_cli_module_fini(struct iso_cli_module *module);

/* Read a file of at most 1 GiB; a message and the exit status on failure. */
int iso_cli_file_load(const char *path, struct iso_file *out);

/* What a file is, by its first bytes; a snapshot may be damaged behind them. */
enum iso_cli_file_kind {
    ISO_CLI_FILE_MODULE,
    ISO_CLI_FILE_COMPONENT, /* of the Component Model */
    ISO_CLI_FILE_SNAPSHOT,
    ISO_CLI_FILE_EMPTY,
    ISO_CLI_FILE_TEXT, /* the text format */
    ISO_CLI_FILE_OTHER
};
enum iso_cli_file_kind iso_cli_file_kind(struct iso_bytes bytes);

/* Say that a file is no module, and what to do. Returns ISO_CLI_INVALID. */
int iso_cli_not_a_module(const char *path, enum iso_cli_file_kind kind, struct iso_bytes bytes);

#endif
