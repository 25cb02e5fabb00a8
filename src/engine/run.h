/* run.h - what the rest of the engine needs of run.c and trap.c. */
#ifndef ISO_ENGINE_RUN_H
#define ISO_ENGINE_RUN_H

#include "engine/code.h"

/* Once per engine, before anything runs. Any thread. */
void iso_run_init(void);
/* A trap without frames, for iso_store_trap: of what did not begin. Its message is to be set. */
struct iso_trap *iso_trap_begin(struct iso_store *store, enum iso_trap_kind kind);
/* The call has trapped: kind and words of store->exec.trap, and its frames, which still stand. */
void iso_trap_record(struct iso_store *store);
/* A call cannot begin, as store->last_trap will say; of the code, iso_code_get has said it. NOMEM
 * or LIMIT. */
ISO_MUST_CHECK enum iso_err iso_trap_start(struct iso_store *store, enum iso_trap_kind kind);

#endif
