/* snapshot_test_support.c - see snapshot_test_support.h. */
#include "engine/snapshot_test_support.h"

void world_init(struct world *world)
{
    *world = (struct world){.config = {.stack_max_bytes = 64 << 10}};
    iso_report_init(&world->report);
    iso_alloc_test_init(&world->memory);
    struct iso_engine_config config = {.alloc = &world->memory.alloc};
    CHECK_OK(iso_engine_create(&config, &world->engines[0]));
    CHECK_OK(iso_engine_create(&config, &world->engines[1]));
}

void world_fini(struct world *world)
{
    for (int side = 0; side < 2; side++) {
        for (uint32_t i = 0; i < world->module_count; i++) {
            iso_module_destroy(world->modules[side][i]);
        }
        iso_engine_destroy(world->engines[side]);
    }
    CHECK_EQ_U64(world->memory.live_bytes, 0);
}

void world_module(struct world *world, const uint8_t *bytes, size_t len)
{
    CHECK(world->module_count < WORLD_MODULES);
    for (int side = 0; side < 2; side++) {
        CHECK_OK(iso_module_create(world->engines[side], bytes, len,
                                   &world->modules[side][world->module_count], NULL));
    }
    world->module_count++;
}

struct iso_store *world_store(struct world *world)
{
    struct iso_store *store = NULL;
    CHECK_OK(iso_store_create(world->engines[world->side], &world->config, &store));
    if (world->define != NULL) {
        world->define(world, store);
    }
    return store;
}

struct iso_instance *world_instance(struct world *world, struct iso_store *store, uint32_t module)
{
    struct iso_instance *instance = NULL;
    enum iso_err err =
        iso_instance_create(store, world->modules[world->side][module], &instance, &world->report);
    if (err != ISO_OK) {
        TEST_FAIL("module %u: %s", module, iso_report_text(&world->report, err));
    }
    return instance;
}

struct iso_buf world_save(struct world *world, struct iso_store *store)
{
    struct iso_buf buf;
    iso_buf_init(&buf, &world->memory.alloc, SIZE_MAX);
    iso_report_init(&world->report);
    enum iso_err err = iso_snapshot_save(store, NULL, 0, &buf, &world->report);
    if (err != ISO_OK) {
        TEST_FAIL("cannot be saved: %s", iso_report_text(&world->report, err));
    }
    return buf;
}

struct iso_store *world_try_restore(struct world *world, struct iso_bytes bytes,
                                    struct iso_instance **instances, size_t cap, enum iso_err *err)
{
    struct iso_store *store = world_store(world);
    iso_report_init(&world->report);
    *err = iso_snapshot_restore(store, bytes, world->modules[world->side], world->module_count,
                                NULL, 0, instances, cap, &world->report);
    if (*err != ISO_OK) {
        iso_store_destroy(store);
        return NULL;
    }
    return store;
}

struct iso_store *world_move(struct world *world, struct iso_store *store,
                             struct iso_instance **instances, size_t cap)
{
    uint8_t before[2][32], after[2][32];
    CHECK_OK(iso_store_hash(store, false, before[0], NULL));
    CHECK_OK(iso_store_hash(store, true, before[1], NULL));
    struct iso_buf buf = world_save(world, store);
    struct iso_buf again = world_save(world, store);
    CHECK_EQ_U64(again.len, buf.len);
    CHECK_MEM(again.ptr, buf.ptr, buf.len);
    iso_buf_fini(&again);
    enum iso_run_state state = iso_store_state(store);
    uint64_t fuel = iso_store_fuel_used(store);
    iso_store_destroy(store);

    world->side = 1 - world->side;
    enum iso_err err = ISO_OK;
    store = world_try_restore(world, iso_buf_view(&buf), instances, cap, &err);
    if (store == NULL) {
        TEST_FAIL("cannot be restored at byte %llu: %s", (unsigned long long)world->report.offset,
                  iso_report_text(&world->report, err));
    }
    CHECK_EQ_U64(iso_store_state(store), state);
    CHECK_EQ_U64(iso_store_fuel_used(store), fuel);
    CHECK_OK(iso_store_hash(store, false, after[0], NULL));
    CHECK_OK(iso_store_hash(store, true, after[1], NULL));
    CHECK_MEM(after, before, sizeof after);
    again = world_save(world, store);
    CHECK_EQ_U64(again.len, buf.len);
    CHECK_MEM(again.ptr, buf.ptr, buf.len);
    iso_buf_fini(&again);
    iso_buf_fini(&buf);
    return store;
}

void snapshot_fix_sum(uint8_t *bytes, size_t len)
{
    enum { HEADER = 12 };
    if (len >= ISO_SHA256_SIZE + HEADER) {
        iso_sha256(bytes, len - ISO_SHA256_SIZE - HEADER, bytes + len - ISO_SHA256_SIZE);
    }
}
