/* cli_section.h - the section "cli" of snapshots, which tells `isomer resume` which function it was
 * that was called, so that it prints the result: for embedders whose snapshots it is to continue.
 */
#ifndef CLI_SECTION_H
#define CLI_SECTION_H

#include "engine/engine.h"

/* What it says. Both are kept. */
struct cli_section {
    const char *function;
    const char *argument; /* as text; NULL: not told */
};

/* For saving, and for restoring, where what it says is passed over. `call` is kept. */
struct iso_snapshot_section cli_section(struct cli_section *call);

#endif
