/* block.c - large zeroed blocks; see block.h. */
#include "engine/block.h"

bool iso_vm_usable(const struct iso_engine *engine)
{
    const struct iso_platform *platform = &engine->platform;
    return engine->has_platform && platform->reserve != NULL && platform->commit != NULL &&
           platform->release != NULL && ISO_PAGE_BYTES % iso_vm_page(engine) == 0;
}

bool iso_vm_images_usable(const struct iso_engine *engine)
{
    const struct iso_platform *platform = &engine->platform;
    return iso_vm_usable(engine) && platform->image_create != NULL && platform->image_map != NULL &&
           platform->image_destroy != NULL;
}

size_t iso_vm_page(const struct iso_engine *engine)
{
    return engine->platform.page_size != 0 ? engine->platform.page_size : 4096;
}

static size_t round_to_page(const struct iso_engine *engine, size_t size)
{
    size_t page = iso_vm_page(engine);
    return (size + page - 1) / page * page;
}

static void *create_reserved(const struct iso_engine *engine, size_t size)
{
    const struct iso_platform *platform = &engine->platform;
    size_t page = iso_vm_page(engine);
    if (size > SIZE_MAX - page) {
        return NULL;
    }
    size = round_to_page(engine, size);
    void *block = platform->reserve(platform->ctx, size);
    if (block != NULL && !platform->commit(platform->ctx, block, size)) {
        platform->release(platform->ctx, block, size);
        block = NULL;
    }
    return block;
}

void *iso_block_create(const struct iso_engine *engine, size_t size, bool *reserved)
{
    if (size > ISO_BLOCK_THRESHOLD && iso_vm_usable(engine)) {
        void *block = create_reserved(engine, size);
        if (block != NULL) {
            *reserved = true;
            return block;
        }
    }
    void *block = iso_alloc_new(&engine->alloc, size);
    if (block != NULL) {
        *reserved = false;
    }
    return block;
}

void *iso_block_create_dirty(const struct iso_engine *engine, size_t size, bool *reserved)
{
    if (size > ISO_BLOCK_THRESHOLD && iso_vm_usable(engine)) {
        return iso_block_create(engine, size, reserved);
    }
    void *block = iso_alloc_resize(&engine->alloc, NULL, 0, size);
    if (block != NULL) {
        *reserved = false;
    }
    return block;
}

void iso_block_destroy(const struct iso_engine *engine, void *block, size_t size, bool reserved)
{
    if (block == NULL) {
        return;
    }
    if (reserved) {
        engine->platform.release(engine->platform.ctx, block, round_to_page(engine, size));
    } else {
        iso_alloc_free(&engine->alloc, block, size);
    }
}
