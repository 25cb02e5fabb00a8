/*
 * block.h - large zeroed blocks and address space from the platform. Internal to src/engine.
 *
 * A block of more than ISO_BLOCK_THRESHOLD bytes is taken from platform->reserve where there is
 * one: its pages cost nothing until they are touched. Smaller ones, and all on hosts without, come
 * from the allocator, which hands out pages that are in place already: a page fault costs more than
 * clearing ten kilobytes.
 */
#ifndef ISO_ENGINE_BLOCK_H
#define ISO_ENGINE_BLOCK_H

#include "engine/module.h"

#define ISO_BLOCK_THRESHOLD 524288u

/* Whether the platform has reserve, commit and release, with pages that divide a Wasm page. */
bool iso_vm_usable(const struct iso_engine *engine);
/* Whether it also has images. */
bool iso_vm_images_usable(const struct iso_engine *engine);
/* Size of a platform page in bytes. */
size_t iso_vm_page(const struct iso_engine *engine);

/* `size` zeroed bytes, NULL when memory is short; *reserved must be handed back with the block. */
ISO_MUST_CHECK void *iso_block_create(const struct iso_engine *engine, size_t size, bool *reserved);
/* The same, but the bytes may have any value. */
ISO_MUST_CHECK void *iso_block_create_dirty(const struct iso_engine *engine, size_t size,
                                            bool *reserved);
/* NULL is fine. */
void iso_block_destroy(const struct iso_engine *engine, void *block, size_t size, bool reserved);

#endif
