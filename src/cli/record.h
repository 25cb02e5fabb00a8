/* The section "cli" of a snapshot: what `isomer resume` must know and the engine does not. */
#ifndef ISO_CLI_RECORD_H
#define ISO_CLI_RECORD_H

#include "base/base.h"

/* How far a run has come. The numbers are stored. */
enum iso_cli_phase {
    ISO_CLI_PHASE_START = 1,      /* the module's start function */
    ISO_CLI_PHASE_INITIALIZE = 2, /* _initialize, before an --invoke */
    ISO_CLI_PHASE_MAIN = 3        /* _start, or the function of --invoke */
};

enum { ISO_CLI_RECORD_ARGS_MAX = 1024, ISO_CLI_RECORD_GRANTS_MAX = 128 };

/* All strings are views: of the command line when saved, of the snapshot when loaded. */
struct iso_cli_record {
    enum iso_cli_phase phase;
    struct iso_str module_path;                   /* absolute; empty when not known */
    struct iso_str invoke;                        /* empty: _start */
    struct iso_str args[ISO_CLI_RECORD_ARGS_MAX]; /* of invoke, as text */
    size_t arg_count;
    struct iso_str grants[ISO_CLI_RECORD_GRANTS_MAX]; /* "--dir data::/data": for messages only */
    size_t grant_count;
};

void iso_cli_record_init(struct iso_cli_record *record);

/* Append the section's bytes to out. Errors: NOMEM, LIMIT. */
ISO_MUST_CHECK enum iso_err iso_cli_record_save(const struct iso_cli_record *record,
                                                struct iso_buf *out);

/* Read a section's bytes, which may be hostile; fields of later versions are passed over. Errors:
 * SNAPSHOT. On failure the record is empty. */
ISO_MUST_CHECK enum iso_err iso_cli_record_load(struct iso_cli_record *record,
                                                struct iso_bytes bytes, struct iso_report *report);

#endif
