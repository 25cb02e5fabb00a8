/* The chunked bump allocator. An object that does not fit into a chunk gets one of its own, put
 * behind the newest so that the free space of that one is not lost. */
#include "base/arena.h"

#define DEFAULT_CHUNK_SIZE 4096u
#define ALIGNMENT (_Alignof(max_align_t))

struct iso_arena_chunk {
    struct iso_arena_chunk *older;
    size_t size; /* of the block, this head included */
};

#define HEAD_SIZE ((sizeof(struct iso_arena_chunk) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT)

void iso_arena_init(struct iso_arena *arena, const struct iso_alloc *alloc, size_t chunk_size,
                    size_t max_bytes)
{
    *arena = (struct iso_arena){
        .alloc = alloc,
        .chunk_size = chunk_size != 0 ? chunk_size : DEFAULT_CHUNK_SIZE,
        .max_bytes = max_bytes,
    };
}

static struct iso_arena_chunk *chunk_new(struct iso_arena *arena, size_t room)
{
    if (room > SIZE_MAX - HEAD_SIZE) {
        return NULL;
    }
    struct iso_arena_chunk *chunk = iso_alloc_new(arena->alloc, HEAD_SIZE + room);
    if (chunk != NULL) {
        chunk->size = HEAD_SIZE + room;
    }
    return chunk;
}

static void *alloc_in_own_chunk(struct iso_arena *arena, size_t size)
{
    struct iso_arena_chunk *chunk = chunk_new(arena, size);
    if (chunk == NULL) {
        return NULL;
    }
    if (arena->chunks != NULL) {
        chunk->older = arena->chunks->older;
        arena->chunks->older = chunk;
    } else {
        arena->chunks = chunk;
    }
    return (uint8_t *)chunk + HEAD_SIZE;
}

static void *arena_alloc(struct iso_arena *arena, size_t size)
{
    if (size > SIZE_MAX - ALIGNMENT) {
        return NULL;
    }
    size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (size > arena->max_bytes - arena->used_bytes) {
        return NULL;
    }
    void *object;
    if (size > arena->left && size > arena->chunk_size / 2) {
        object = alloc_in_own_chunk(arena, size);
        if (object == NULL) {
            return NULL;
        }
    } else {
        if (size > arena->left || arena->next == NULL) {
            struct iso_arena_chunk *chunk = chunk_new(arena, arena->chunk_size);
            if (chunk == NULL) {
                return NULL;
            }
            chunk->older = arena->chunks;
            arena->chunks = chunk;
            arena->next = (uint8_t *)chunk + HEAD_SIZE;
            arena->left = arena->chunk_size;
        }
        object = arena->next;
        arena->next += size;
        arena->left -= size;
    }
    arena->used_bytes += size;
    return object;
}

void *iso_arena_alloc(struct iso_arena *arena, size_t size)
{
    void *object = arena_alloc(arena, size);
    arena->failed |= object == NULL;
    return object;
}

void *iso_arena_array(struct iso_arena *arena, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size) {
        arena->failed = true;
        return NULL;
    }
    return iso_arena_alloc(arena, count * size);
}

char *iso_arena_copy_str(struct iso_arena *arena, struct iso_str text)
{
    if (text.len == SIZE_MAX) {
        return NULL;
    }
    char *copy = iso_arena_alloc(arena, text.len + 1);
    if (copy != NULL) {
        iso_memory_copy(copy, text.ptr, text.len);
    }
    return copy;
}

void iso_arena_fini(struct iso_arena *arena)
{
    struct iso_arena_chunk *chunk = arena->chunks;
    while (chunk != NULL) {
        struct iso_arena_chunk *older = chunk->older;
        iso_alloc_free(arena->alloc, chunk, chunk->size);
        chunk = older;
    }
    iso_arena_init(arena, arena->alloc, arena->chunk_size, arena->max_bytes);
}
