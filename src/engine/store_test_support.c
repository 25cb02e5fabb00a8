/* store_test_support.c - see store_test_support.h. */
#include "engine/store_test_support.h"

#include <stdlib.h>

/* ---- The platform -------------------------------------------------------------------------- */

static bool must_fail(struct platform_test *test)
{
    test->calls++;
    return test->fail_at != 0 && test->calls == test->fail_at;
}

static void *test_reserve(void *ctx, size_t size)
{
    struct platform_test *test = ctx;
    CHECK(size != 0 && size % 4096 == 0);
    if (must_fail(test) || size > test->reserve_max) {
        return NULL;
    }
    void *addr = aligned_alloc(4096, size);
    if (addr != NULL) {
        memset(addr, 0xa5, size);
        test->reserved++;
        test->last_reserve = size;
    }
    return addr;
}

static bool test_commit(void *ctx, void *addr, size_t size)
{
    struct platform_test *test = ctx;
    CHECK((uintptr_t)addr % 4096 == 0 && size % 4096 == 0);
    if (must_fail(test)) {
        return false;
    }
    memset(addr, 0, size);
    test->commits++;
    return true;
}

static void test_release(void *ctx, void *addr, size_t size)
{
    struct platform_test *test = ctx;
    CHECK(size % 4096 == 0 && test->reserved > 0);
    test->reserved--;
    free(addr);
}

static void *test_image_create(void *ctx, const void *data, size_t size)
{
    struct platform_test *test = ctx;
    CHECK(size != 0 && size % 4096 == 0);
    void *image = must_fail(test) ? NULL : malloc(size);
    if (image != NULL) {
        memcpy(image, data, size);
        test->images++;
    }
    return image;
}

static bool test_image_map(void *ctx, void *image, void *addr, size_t size)
{
    struct platform_test *test = ctx;
    CHECK((uintptr_t)addr % 4096 == 0 && size % 4096 == 0);
    if (must_fail(test)) {
        return false;
    }
    memcpy(addr, image, size);
    test->maps++;
    return true;
}

static void test_image_destroy(void *ctx, void *image, size_t size)
{
    struct platform_test *test = ctx;
    CHECK(test->images > 0);
    test->images--;
    memset(image, 0x5a, size);
    free(image);
}

static void test_lock(void *ctx)
{
    struct platform_test *test = ctx;
    CHECK(test->locked++ == 0);
}

static void test_unlock(void *ctx)
{
    struct platform_test *test = ctx;
    CHECK(test->locked-- == 1);
}

void platform_test_init(struct platform_test *test, size_t reserve_max)
{
    *test = (struct platform_test){.reserve_max = reserve_max};
    test->platform = (struct iso_platform){.ctx = test,
                                           .page_size = 4096,
                                           .reserve = test_reserve,
                                           .commit = test_commit,
                                           .release = test_release,
                                           .image_create = test_image_create,
                                           .image_map = test_image_map,
                                           .image_destroy = test_image_destroy,
                                           .lock = test_lock,
                                           .unlock = test_unlock};
}

/* ---- Engine and store ---------------------------------------------------------------------- */

void setup_engine(struct setup *setup, enum setup_kind kind)
{
    *setup = (struct setup){.config = {.stack_max_bytes = 4096}};
    iso_report_init(&setup->report);
    iso_alloc_test_init(&setup->memory);
    platform_test_init(&setup->platform, 1 << 20);
    if (kind == SETUP_RESERVING) {
        setup->platform.platform.image_create = NULL;
        setup->platform.platform.image_map = NULL;
        setup->platform.platform.image_destroy = NULL;
    }
    struct iso_engine_config config = {.alloc = &setup->memory.alloc};
    if (kind != SETUP_PLAIN) {
        config.platform = &setup->platform.platform;
    }
    CHECK_OK(iso_engine_create(&config, &setup->engine));
}

void setup_init(struct setup *setup, enum setup_kind kind)
{
    setup_engine(setup, kind);
    CHECK_OK(iso_store_create(setup->engine, &setup->config, &setup->store));
}

void setup_fini(struct setup *setup)
{
    iso_store_destroy(setup->store);
    for (uint32_t i = 0; i < setup->module_count; i++) {
        iso_module_destroy(setup->modules[i]);
    }
    iso_engine_destroy(setup->engine);
    CHECK_EQ_U64(setup->memory.live_bytes, 0);
    CHECK_EQ_U64(setup->platform.reserved, 0);
    CHECK_EQ_U64(setup->platform.images, 0);
}

struct iso_module *setup_module(struct setup *setup, const uint8_t *bytes, size_t len)
{
    CHECK(setup->module_count < ISO_COUNT_OF(setup->modules));
    struct iso_module **module = &setup->modules[setup->module_count];
    CHECK_OK(iso_module_create(setup->engine, bytes, len, module, &setup->report));
    setup->module_count++;
    return *module;
}

struct iso_instance *setup_instance(struct setup *setup, const uint8_t *bytes, size_t len)
{
    struct iso_module *module = setup_module(setup, bytes, len);
    struct iso_instance *instance = NULL;
    CHECK_OK(iso_instance_create(setup->store, module, &instance, &setup->report));
    return instance;
}

static enum iso_host_result do_nothing(struct iso_host_call *call)
{
    (void)call;
    return ISO_HOST_DONE;
}

void setup_define(struct setup *setup, const char *name, const char *params, const char *results)
{
    CHECK_OK(iso_store_define_func(setup->store, &(struct iso_host_func){.module = "env",
                                                                         .name = name,
                                                                         .params = params,
                                                                         .results = results,
                                                                         .fn = do_nothing}));
}

uint32_t global_u32(struct iso_instance *instance, const char *name)
{
    enum iso_type type = ISO_TYPE_F64;
    union iso_slot value = {.u64 = 0};
    CHECK_OK(iso_instance_global_get(instance, name, &type, &value));
    CHECK(type == ISO_TYPE_I32);
    return value.u32;
}
