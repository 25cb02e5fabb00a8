/*
 * image.h - the initial state of fresh instances. Internal to src/engine.
 *
 * References are kept as numbers: 0 is null, n is function n - 1 of the module's index space.
 * Everything that can be computed once is computed when the image is made.
 */
#ifndef ISO_ENGINE_IMAGE_H
#define ISO_ENGINE_IMAGE_H

#include "engine/store.h"

struct iso_image_table {
    uint32_t size;
    uint32_t *refs; /* size of them */
};

struct iso_image_ref {
    uint32_t global; /* own globals */
    uint32_t ref;
};

struct iso_image {
    struct iso_engine *engine;
    struct iso_module *module;
    /* The image itself and each memory that is mapped from it; released by the last. */
    _Atomic uint32_t references;
    /* An instance that is no longer used, or NULL. Its functions refer to the instance by its
     * address, so that for the next instance at the same place they are right as they are. */
    struct iso_instance *_Atomic spare;
    struct iso_arena arena; /* of all below */

    bool has_memory;
    struct iso_limits memory_limits;
    uint64_t memory_bytes; /* size of the memory */
    size_t content_bytes;  /* of which these are in content or mapping, the rest is zero */
    uint8_t *content;      /* a copy, or NULL */
    void *mapping;         /* of platform->image_create, or NULL */

    struct iso_image_table *tables; /* module->table_count */
    struct iso_global *globals;     /* own globals as they are copied, references null */
    struct iso_image_ref *refs;     /* of globals that hold a function */
    uint32_t ref_count;
    uint8_t *dropped_data;
    uint8_t *dropped_elem;
};

void iso_image_retain(struct iso_image *image);
void iso_image_release(struct iso_image *image);
/* Whether the image takes an instance that was made from it as its spare. */
bool iso_image_keep(struct iso_image *image, struct iso_instance *instance);

#endif
