/* engine.c - the engine object: configuration, the lock, and what its modules share. */
#include "engine/run.h"

enum iso_err iso_engine_create(const struct iso_engine_config *config, struct iso_engine **out)
{
    const struct iso_engine_config defaults = {.alloc = NULL};
    if (config == NULL) {
        config = &defaults;
    }
    const struct iso_alloc *alloc = config->alloc != NULL ? config->alloc : iso_alloc_libc();
    struct iso_engine *engine = iso_alloc_new(alloc, sizeof *engine);
    if (engine == NULL) {
        return ISO_E_NOMEM;
    }
    engine->alloc = *alloc;
    if (config->platform != NULL) {
        engine->platform = *config->platform;
        engine->has_platform = true;
    }
    engine->translation = config->translation;
    engine->code_max_bytes = config->code_max_bytes;
    iso_run_init();
    *out = engine;
    return ISO_OK;
}

void iso_engine_destroy(struct iso_engine *engine)
{
    if (engine == NULL) {
        return;
    }
    iso_types_fini(engine);
    /* The allocator's description lives in the block that it is about to free. */
    struct iso_alloc alloc = engine->alloc;
    iso_alloc_free(&alloc, engine, sizeof *engine);
}

void iso_engine_lock(struct iso_engine *engine)
{
    if (engine->platform.lock != NULL) {
        engine->platform.lock(engine->platform.ctx);
    }
}

void iso_engine_unlock(struct iso_engine *engine)
{
    if (engine->platform.unlock != NULL) {
        engine->platform.unlock(engine->platform.ctx);
    }
}
