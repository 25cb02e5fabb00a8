/*
 * store_test_support.h - for tests of stores and instances: a platform that can be counted and made
 * to fail, and an engine with a store over an allocator that does likewise.
 */
#ifndef ISO_ENGINE_STORE_TEST_SUPPORT_H
#define ISO_ENGINE_STORE_TEST_SUPPORT_H

#include "base/test.h"
#include "engine/store.h"
#include "engine/store_test_modules.h"

/* Address space from malloc: not zero until it is committed, at a fixed granularity. */
struct platform_test {
    struct iso_platform platform;
    size_t reserve_max; /* larger reservations fail */
    uint64_t fail_at;   /* the number of the call that fails, counting from 1; 0: none */
    uint64_t calls;     /* of reserve, commit, image_create and image_map */
    uint32_t reserved;  /* reservations that are live */
    uint32_t images;    /* likewise */
    uint32_t commits;
    uint32_t maps;
    size_t last_reserve; /* bytes */
    int locked;
};

/* Reservations of at most `reserve_max` bytes; pages of 4096 bytes. */
void platform_test_init(struct platform_test *platform, size_t reserve_max);

enum setup_kind {
    SETUP_PLAIN,     /* no platform */
    SETUP_RESERVING, /* one without images */
    SETUP_IMAGES     /* a whole one */
};

struct setup {
    struct iso_alloc_test memory;
    struct platform_test platform;
    struct iso_engine *engine;
    struct iso_store *store;
    struct iso_store_config config; /* of the store; a small stack */
    struct iso_report report;
    struct iso_module *modules[8];
    uint32_t module_count;
};

/* An engine without a store. */
void setup_engine(struct setup *setup, enum setup_kind kind);
/* An engine and a store. */
void setup_init(struct setup *setup, enum setup_kind kind);
/* Destroy everything; fails when something leaked. */
void setup_fini(struct setup *setup);
/* A module of the engine, to be destroyed by setup_fini. */
struct iso_module *setup_module(struct setup *setup, const uint8_t *bytes, size_t len);
/* An instance of it in the store, which must succeed. */
struct iso_instance *setup_instance(struct setup *setup, const uint8_t *bytes, size_t len);
#define SETUP_MODULE(setup, name) setup_module(setup, wasm_##name, sizeof wasm_##name)
#define SETUP_INSTANCE(setup, name) setup_instance(setup, wasm_##name, sizeof wasm_##name)

/* Define host function module.name of the given type; calling it does nothing. */
void setup_define(struct setup *setup, const char *name, const char *params, const char *results);

/* Value of an exported global of type i32. */
uint32_t global_u32(struct iso_instance *instance, const char *name);

#endif
