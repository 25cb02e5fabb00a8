/* run.h - what the rest of the engine needs of run.c. */
#ifndef ISO_ENGINE_RUN_H
#define ISO_ENGINE_RUN_H

#include "engine/code.h"

/* Once per engine, before anything runs. Any thread. */
void iso_run_init(void);

#endif
