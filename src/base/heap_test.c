/* The heap over one region: what it hands out and takes back, by example and at random. */
#include "base/test.h"

enum { REGION = 64 << 10, BLOCKS = 40 };

/* Blocks take multiples of this: what a free piece needs for itself, and any type's alignment. */
static size_t rounded(size_t bytes)
{
    const size_t piece = sizeof(void *) + sizeof(size_t);
    const size_t unit = piece > _Alignof(max_align_t) ? piece : _Alignof(max_align_t);
    return (bytes + unit - 1) / unit * unit;
}

static _Alignas(16) uint8_t region[REGION];

static void make(struct iso_heap *heap)
{
    iso_heap_init(heap, region, sizeof region);
    CHECK_EQ_U64(heap->size_bytes, REGION);
}

TEST(heap_is_one_piece_again_when_all_is_given_back)
{
    struct iso_heap heap;
    make(&heap);
    void *a = iso_alloc_new(&heap.alloc, 100);
    void *b = iso_alloc_new(&heap.alloc, 200);
    void *c = iso_alloc_new(&heap.alloc, 300);
    CHECK(a != NULL && b != NULL && c != NULL);
    CHECK_EQ_U64(heap.used_bytes, rounded(100) + rounded(200) + rounded(300));
    iso_alloc_free(&heap.alloc, b, 200);
    iso_alloc_free(&heap.alloc, a, 100);
    iso_alloc_free(&heap.alloc, c, 300);
    CHECK_EQ_U64(heap.used_bytes, 0);
    CHECK_EQ_U64(heap.peak_bytes, rounded(100) + rounded(200) + rounded(300));
    CHECK_EQ_U64(iso_heap_largest(&heap), REGION);
}

TEST(heap_gives_its_last_byte_and_then_refuses)
{
    struct iso_heap heap;
    make(&heap);
    void *all = iso_alloc_new(&heap.alloc, REGION);
    CHECK(all != NULL);
    CHECK(iso_alloc_new(&heap.alloc, 1) == NULL);
    CHECK_EQ_U64(iso_heap_largest(&heap), 0);
    iso_alloc_free(&heap.alloc, all, REGION);
    CHECK(iso_alloc_new(&heap.alloc, REGION + 1) == NULL);
    CHECK(iso_alloc_resize(&heap.alloc, NULL, 0, SIZE_MAX) == NULL);
    CHECK_EQ_U64(heap.used_bytes, 0);
}

TEST(blocks_grow_in_place_where_they_can_and_move_where_not)
{
    struct iso_heap heap;
    make(&heap);
    uint8_t *a = iso_alloc_new(&heap.alloc, 64);
    CHECK(a != NULL);
    memset(a, 7, 64);
    CHECK(iso_alloc_resize(&heap.alloc, a, 64, 4096) == a);
    void *wall = iso_alloc_new(&heap.alloc, 16);
    CHECK(wall != NULL);
    uint8_t *moved = iso_alloc_resize(&heap.alloc, a, 4096, 8192);
    CHECK(moved != NULL && moved != a);
    for (size_t i = 0; i < 64; i++) {
        CHECK(moved[i] == 7);
    }
    CHECK(iso_alloc_resize(&heap.alloc, moved, 8192, REGION) == NULL);
    CHECK(iso_alloc_resize(&heap.alloc, moved, 8192, 16) == moved);
    iso_alloc_free(&heap.alloc, moved, 16);
    iso_alloc_free(&heap.alloc, wall, 16);
    CHECK_EQ_U64(iso_heap_largest(&heap), REGION);
}

TEST(a_region_of_any_address_and_size_will_do)
{
    for (size_t skip = 0; skip < 17; skip++) {
        for (size_t size = 0; size < 70; size++) {
            struct iso_heap heap;
            iso_heap_init(&heap, region + skip, size);
            CHECK(heap.size_bytes <= size);
            void *all = iso_alloc_resize(&heap.alloc, NULL, 0, size + 1);
            CHECK(all == NULL);
            if (heap.size_bytes != 0) {
                all = iso_alloc_new(&heap.alloc, heap.size_bytes);
                CHECK((uint8_t *)all >= region + skip);
                CHECK((uint8_t *)all + heap.size_bytes <= region + skip + size);
                CHECK_EQ_U64((uintptr_t)all % _Alignof(max_align_t), 0);
            }
        }
    }
}

TEST(a_region_may_become_longer)
{
    struct iso_heap heap;
    iso_heap_init(&heap, region, REGION / 2);
    void *block = iso_alloc_new(&heap.alloc, REGION / 2);
    CHECK(block != NULL);
    CHECK(iso_alloc_resize(&heap.alloc, block, REGION / 2, REGION) == NULL);
    iso_heap_extend(&heap, REGION / 2);
    CHECK_EQ_U64(heap.size_bytes, REGION);
    CHECK_EQ_U64(heap.used_bytes, REGION / 2);
    CHECK(iso_alloc_resize(&heap.alloc, block, REGION / 2, REGION) == block);
    iso_alloc_free(&heap.alloc, block, REGION);
    CHECK_EQ_U64(iso_heap_largest(&heap), REGION);
    CHECK_EQ_U64(heap.peak_bytes, REGION);
}

/* Blocks of which every byte says whose it is. */
struct block {
    uint8_t *ptr;
    size_t size;
};

static void check_block(const struct block *block, uint8_t mark, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        CHECK(block->ptr[i] == mark);
    }
}

TEST(blocks_never_overlap_whatever_the_order)
{
    struct iso_heap heap;
    struct block blocks[BLOCKS] = {{NULL, 0}};
    uint32_t state = 12345;
    make(&heap);
    for (int round = 0; round < 20000; round++) {
        state = state * 1664525 + 1013904223;
        uint8_t which = (uint8_t)((state >> 8) % BLOCKS);
        size_t size = (state >> 16) % 4000;
        struct block *block = &blocks[which];
        if (block->ptr != NULL && (state >> 30) == 0) {
            check_block(block, which, block->size);
            iso_alloc_free(&heap.alloc, block->ptr, block->size);
            block->ptr = NULL;
            continue;
        }
        size_t old_size = block->ptr != NULL ? block->size : 0;
        uint8_t *ptr = iso_alloc_resize(&heap.alloc, block->ptr, old_size, size);
        if (ptr != NULL) {
            block->ptr = ptr;
            block->size = size;
            check_block(block, which, old_size < size ? old_size : size);
            memset(ptr, which, size);
        }
        CHECK(heap.used_bytes <= heap.peak_bytes && heap.peak_bytes <= heap.size_bytes);
    }
    for (uint8_t i = 0; i < BLOCKS; i++) {
        if (blocks[i].ptr != NULL) {
            check_block(&blocks[i], i, blocks[i].size);
            iso_alloc_free(&heap.alloc, blocks[i].ptr, blocks[i].size);
        }
    }
    CHECK_EQ_U64(heap.used_bytes, 0);
    CHECK_EQ_U64(iso_heap_largest(&heap), REGION);
}
