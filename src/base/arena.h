/* An arena: many small objects of one lifetime, released together. */
#ifndef ISO_BASE_ARENA_H
#define ISO_BASE_ARENA_H

#include "base/alloc.h"
#include "base/bytes.h"

struct iso_arena_chunk;

struct iso_arena {
    const struct iso_alloc *alloc;
    struct iso_arena_chunk *chunks; /* newest first */
    uint8_t *next;                  /* free space of the newest chunk */
    size_t left;
    size_t chunk_size;
    size_t used_bytes; /* handed out so far, with alignment */
    size_t max_bytes;  /* used_bytes never passes this */
    bool failed;       /* memory was short, or the maximum reached, at least once */
};

/* An empty arena that takes memory in chunks of `chunk_size` bytes (0: 4096) and hands out at most
 * `max_bytes` in all (SIZE_MAX: no limit of its own). `alloc` is kept. Allocates nothing. */
void iso_arena_init(struct iso_arena *arena, const struct iso_alloc *alloc, size_t chunk_size,
                    size_t max_bytes);

/* `size` zeroed bytes, aligned for any object, valid until iso_arena_fini. NULL when memory is
 * short or the maximum is reached. Size 0 gives a valid pointer to nothing. */
ISO_MUST_CHECK void *iso_arena_alloc(struct iso_arena *arena, size_t size);

/* The same for `count` elements of `size` bytes; NULL also when the product overflows. */
ISO_MUST_CHECK void *iso_arena_array(struct iso_arena *arena, size_t count, size_t size);

/* A zero-terminated copy of `text`. NULL when memory is short. */
ISO_MUST_CHECK char *iso_arena_copy_str(struct iso_arena *arena, struct iso_str text);

/* Releases everything; the arena is then empty and usable again. */
void iso_arena_fini(struct iso_arena *arena);

#endif
