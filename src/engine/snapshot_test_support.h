/*
 * snapshot_test_support.h - for tests of snapshots: a world of two engines between which stores
 * move, as between two machines. The engines share nothing but an allocator that counts.
 */
#ifndef ISO_ENGINE_SNAPSHOT_TEST_SUPPORT_H
#define ISO_ENGINE_SNAPSHOT_TEST_SUPPORT_H

#include "base/test.h"
#include "engine/engine.h"
#include "engine/snapshot_test_modules.h"
#include "engine/store.h"

enum { WORLD_MODULES = 4 };

struct world {
    struct iso_alloc_test memory;
    struct iso_engine *engines[2];
    struct iso_module *modules[2][WORLD_MODULES];
    uint32_t module_count;
    int side; /* the engine that new stores belong to */
    struct iso_store_config config;
    void (*define)(struct world *world, struct iso_store *store); /* what hosts define, or NULL */
    struct iso_report report;
    uint64_t pending_answers; /* for host functions of the tests */
};

void world_init(struct world *world);
/* Destroys engines and modules; fails when something leaked. */
void world_fini(struct world *world);

/* Add a module to both engines. */
void world_module(struct world *world, const uint8_t *bytes, size_t len);
#define WORLD_MODULE(world, name) world_module(world, wasm_##name, sizeof wasm_##name)

/* A store on the present side, with the host's definitions. */
struct iso_store *world_store(struct world *world);
/* An instance of module number `module`, which must succeed. */
struct iso_instance *world_instance(struct world *world, struct iso_store *store, uint32_t module);

/* Save, which must succeed; to be released with iso_buf_fini. */
struct iso_buf world_save(struct world *world, struct iso_store *store);
/* Restore into a store of the present side. On failure NULL and *err. */
struct iso_store *world_try_restore(struct world *world, struct iso_bytes bytes,
                                    struct iso_instance **instances, size_t cap, enum iso_err *err);

/*
 * Move a store to the other side, destroying it here. Checks that neither saving nor hashing
 * changed it, that the restored one has the same state, hash and fuel, and that it is saved as the
 * same bytes.
 */
struct iso_store *world_move(struct world *world, struct iso_store *store,
                             struct iso_instance **instances, size_t cap);

/* After the bytes of a snapshot were changed. */
void snapshot_fix_sum(uint8_t *bytes, size_t len);

#endif
