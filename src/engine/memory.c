/*
 * memory.c - linear memories (spec 4.2.8, 4.5.3.3, 4.5.3.7 growing, 4.4.7 memory.init, data.drop).
 *
 * Where the platform can reserve address space, a memory reserves what it may grow to and commits
 * what it has, so that growth is one call and the base stays. Reservations are halved until one is
 * granted; when growth passes what was granted, the memory moves to a larger one. Without a
 * platform a memory is a plain block that is resized.
 */
#include "engine/block.h"
#include "engine/image.h"

/* What a host can address at all: with 32 bits, one page less than Wasm has. */
#define HOST_MAX_PAGES                                                                             \
    ((uint32_t)(SIZE_MAX / ISO_PAGE_BYTES < ISO_MAX_MEMORY_PAGES ? SIZE_MAX / ISO_PAGE_BYTES       \
                                                                 : ISO_MAX_MEMORY_PAGES))

/* Address space is scarce with 32 bits: there a memory starts with what it is likely to need. */
#define FIRST_RESERVATION_PAGES (sizeof(size_t) > 4 ? ISO_MAX_MEMORY_PAGES : 1024u)

static uint64_t pages_to_bytes(uint32_t pages)
{
    return (uint64_t)pages * ISO_PAGE_BYTES;
}

static uint32_t max_pages(const struct iso_limits *limits)
{
    uint32_t max = limits->has_max ? limits->max : ISO_MAX_MEMORY_PAGES;
    return max < HOST_MAX_PAGES ? max : HOST_MAX_PAGES;
}

/* The largest size in bytes that a memory of `size` bytes now may ever have in this store. */
static uint64_t reachable_bytes(const struct iso_store *store, const struct iso_limits *limits,
                                uint64_t size)
{
    uint64_t by_limits = pages_to_bytes(max_pages(limits));
    uint64_t left = store->config.memory_max_bytes - store->memory_bytes;
    left -= left % ISO_PAGE_BYTES;
    uint64_t by_store = left > UINT64_MAX - size ? UINT64_MAX : size + left;
    return by_limits < by_store ? by_limits : by_store;
}

/*
 * Reserve about `wanted` and at least `needed` bytes (both whole pages), halving until it is
 * granted. Returns the base or NULL; *reserved gets the size.
 */
static uint8_t *reserve(const struct iso_engine *engine, uint64_t wanted, uint64_t needed,
                        uint64_t *reserved)
{
    if (needed == 0) {
        needed = ISO_PAGE_BYTES;
    }
    if (wanted < needed) {
        wanted = needed;
    }
    for (;;) {
        void *base = engine->platform.reserve(engine->platform.ctx, (size_t)wanted);
        if (base != NULL) {
            *reserved = wanted;
            return base;
        }
        if (wanted == needed) {
            return NULL;
        }
        wanted = wanted / 2 / ISO_PAGE_BYTES * ISO_PAGE_BYTES;
        if (wanted < needed) {
            wanted = needed;
        }
    }
}

static void release_content(struct iso_memory *memory)
{
    const struct iso_engine *engine = memory->store->engine;
    if (memory->reserved != 0) {
        engine->platform.release(engine->platform.ctx, memory->base, (size_t)memory->reserved);
    } else {
        iso_alloc_free(&engine->alloc, memory->base, (size_t)memory->capacity);
    }
    if (memory->image != NULL) {
        iso_image_release(memory->image);
        memory->image = NULL;
    }
}

/* Put the image's content at base, of which [0, size) gets accessible. */
static bool commit_content(struct iso_memory *memory, struct iso_image *image, uint64_t size)
{
    const struct iso_platform *platform = &memory->store->engine->platform;
    size_t mapped = 0;
    if (image != NULL && image->mapping != NULL) {
        mapped = image->content_bytes;
        if (!platform->image_map(platform->ctx, image->mapping, memory->base, mapped)) {
            return false;
        }
    }
    if (size > mapped &&
        !platform->commit(platform->ctx, memory->base + mapped, (size_t)size - mapped)) {
        return false;
    }
    if (mapped != 0) {
        iso_image_retain(image);
        memory->image = image;
    }
    return true;
}

/* The base, capacity and content of a new memory. */
static bool create_content(struct iso_memory *memory, struct iso_image *image, uint64_t size)
{
    const struct iso_engine *engine = memory->store->engine;
    if (iso_vm_usable(engine)) {
        uint64_t wanted = reachable_bytes(memory->store, &memory->limits, 0);
        uint64_t first = pages_to_bytes(FIRST_RESERVATION_PAGES);
        memory->base = reserve(engine, wanted < first ? wanted : first, size, &memory->reserved);
        if (memory->base != NULL && !commit_content(memory, image, size)) {
            engine->platform.release(engine->platform.ctx, memory->base, (size_t)memory->reserved);
            memory->base = NULL;
        }
    } else {
        memory->base = iso_alloc_new(&engine->alloc, (size_t)size);
    }
    if (memory->base == NULL) {
        return false;
    }
    memory->capacity = size;
    memory->size = size;
    if (image != NULL && image->content != NULL) {
        memcpy(memory->base, image->content, image->content_bytes);
    }
    return true;
}

bool iso_memory_reset(struct iso_memory *memory, struct iso_image *image)
{
    const struct iso_platform *platform = &memory->store->engine->platform;
    size_t size = (size_t)memory->size;
    size_t mapped = image->mapping != NULL ? image->content_bytes : 0;
    if (memory->reserved == 0) {
        memset(memory->base, 0, size);
    } else if (platform->discard != NULL) {
        if (!platform->discard(platform->ctx, memory->base, size)) {
            return false;
        }
    } else if ((mapped != 0 &&
                !platform->image_map(platform->ctx, image->mapping, memory->base, mapped)) ||
               (size > mapped &&
                !platform->commit(platform->ctx, memory->base + mapped, size - mapped))) {
        return false;
    }
    if (image->content != NULL) {
        memcpy(memory->base, image->content, image->content_bytes);
    }
    return true;
}

static enum iso_err check_size(const struct iso_store *store, uint64_t size,
                               struct iso_report *report)
{
    if (size > pages_to_bytes(HOST_MAX_PAGES)) {
        return iso_fail(report, ISO_E_LIMIT,
                        "memory needs %llu KiB, more than this host can address",
                        (unsigned long long)(size / 1024));
    }
    if (size > store->config.memory_max_bytes - store->memory_bytes) {
        return iso_fail(report, ISO_E_LIMIT,
                        "memory needs %llu KiB, the limit of this store is %llu KiB, of which "
                        "%llu KiB are in use: raise the memory limit",
                        (unsigned long long)(size / 1024),
                        (unsigned long long)(store->config.memory_max_bytes / 1024),
                        (unsigned long long)(store->memory_bytes / 1024));
    }
    return ISO_OK;
}

static enum iso_err create(struct iso_store *store, const struct iso_limits *limits,
                           struct iso_image *image, uint64_t size, struct iso_memory **out,
                           struct iso_report *report)
{
    enum iso_err err = check_size(store, size, report);
    if (err != ISO_OK) {
        return err;
    }
    struct iso_memory **memories =
        iso_store_array_grow(store, store->memories, store->memory_count, &store->memory_capacity,
                             sizeof(struct iso_memory *));
    if (memories == NULL) {
        return ISO_E_NOMEM;
    }
    store->memories = memories;
    struct iso_memory *memory = iso_alloc_new(&store->alloc, sizeof *memory);
    if (memory == NULL) {
        return ISO_E_NOMEM;
    }
    memory->store = store;
    memory->limits = *limits;
    memory->index = store->memory_count;
    if (!create_content(memory, image, size)) {
        iso_alloc_free(&store->alloc, memory, sizeof *memory);
        return iso_fail(report, ISO_E_NOMEM, "this host has no room for a memory of %llu KiB",
                        (unsigned long long)(size / 1024));
    }
    memories[store->memory_count++] = memory;
    store->memory_bytes += size;
    *out = memory;
    return ISO_OK;
}

enum iso_err iso_memory_create(struct iso_store *store, const struct iso_limits *limits,
                               struct iso_memory **out, struct iso_report *report)
{
    return create(store, limits, NULL, pages_to_bytes(limits->min), out, report);
}

enum iso_err iso_memory_create_from_image(struct iso_store *store, struct iso_image *image,
                                          struct iso_memory **out, struct iso_report *report)
{
    return create(store, &image->memory_limits, image, image->memory_bytes, out, report);
}

void iso_store_memories_trim(struct iso_store *store, uint32_t keep)
{
    while (store->memory_count > keep) {
        struct iso_memory *memory = store->memories[--store->memory_count];
        store->memory_bytes -= memory->size;
        release_content(memory);
        iso_alloc_free(&store->alloc, memory, sizeof *memory);
    }
}

/* ---- Growing ------------------------------------------------------------------------------- */

/* Move to a larger reservation, in which the memory has room for `size` bytes. */
static bool grow_by_moving(struct iso_memory *memory, uint64_t size)
{
    const struct iso_engine *engine = memory->store->engine;
    uint64_t reach = reachable_bytes(memory->store, &memory->limits, memory->size);
    uint64_t wanted = 2 * memory->reserved < reach ? 2 * memory->reserved : reach;
    uint64_t reserved = 0;
    uint8_t *base = reserve(engine, wanted, size, &reserved);
    if (base == NULL) {
        return false;
    }
    if (!engine->platform.commit(engine->platform.ctx, base, (size_t)size)) {
        engine->platform.release(engine->platform.ctx, base, (size_t)reserved);
        return false;
    }
    memcpy(base, memory->base, (size_t)memory->size);
    release_content(memory);
    memory->base = base;
    memory->reserved = reserved;
    memory->capacity = size;
    return true;
}

/* Growth is by an eighth at least, so that a program that grows page by page is not copied at each
 * page; when that is too much for the host, by what is needed. */
static bool grow_plain(struct iso_memory *memory, uint64_t size)
{
    const struct iso_alloc *alloc = &memory->store->alloc;
    uint64_t reach = reachable_bytes(memory->store, &memory->limits, memory->size);
    uint64_t wanted = size + size / 8 / ISO_PAGE_BYTES * ISO_PAGE_BYTES;
    wanted = wanted < reach ? wanted : reach;
    uint8_t *base = iso_alloc_resize(alloc, memory->base, (size_t)memory->capacity, (size_t)wanted);
    if (base == NULL && wanted > size) {
        wanted = size;
        base = iso_alloc_resize(alloc, memory->base, (size_t)memory->capacity, (size_t)wanted);
    }
    if (base == NULL) {
        return false;
    }
    memory->base = base;
    memory->capacity = wanted;
    return true;
}

static bool ensure_capacity(struct iso_memory *memory, uint64_t size)
{
    if (memory->reserved == 0) {
        if (size > memory->capacity && !grow_plain(memory, size)) {
            return false;
        }
        memset(memory->base + memory->size, 0, (size_t)(size - memory->size));
        return true;
    }
    if (size <= memory->capacity) {
        return true;
    }
    if (size > memory->reserved) {
        return grow_by_moving(memory, size);
    }
    const struct iso_platform *platform = &memory->store->engine->platform;
    if (!platform->commit(platform->ctx, memory->base + memory->capacity,
                          (size_t)(size - memory->capacity))) {
        return false;
    }
    memory->capacity = size;
    return true;
}

uint32_t iso_memory_grow(struct iso_memory *memory, uint32_t pages)
{
    struct iso_store *store = memory->store;
    uint32_t old_pages = (uint32_t)(memory->size / ISO_PAGE_BYTES);
    if (pages == 0) {
        return old_pages;
    }
    uint64_t delta = pages_to_bytes(pages);
    uint32_t max = max_pages(&memory->limits);
    if (old_pages > max || pages > max - old_pages ||
        delta > store->config.memory_max_bytes - store->memory_bytes ||
        !ensure_capacity(memory, memory->size + delta)) {
        return UINT32_MAX;
    }
    memory->size += delta;
    store->memory_bytes += delta;
    return old_pages;
}

/* ---- Data segments ------------------------------------------------------------------------- */

bool iso_memory_init(struct iso_instance *instance, uint32_t memory_index, uint32_t segment,
                     uint32_t dst, uint32_t src, uint32_t len)
{
    struct iso_memory *memory = instance->memories[memory_index];
    struct iso_bytes bytes = instance->module->datas[segment].bytes;
    bool dropped = (instance->dropped_data[segment / 8] >> (segment % 8) & 1) != 0;
    size_t available = dropped ? 0 : bytes.len;
    if (src > available || len > available - src || dst > memory->size ||
        len > memory->size - dst) {
        return false;
    }
    if (len != 0) {
        memcpy(memory->base + dst, bytes.ptr + src, len);
    }
    return true;
}

void iso_data_drop(struct iso_instance *instance, uint32_t segment)
{
    instance->dropped_data[segment / 8] |= (uint8_t)(1u << segment % 8);
}
