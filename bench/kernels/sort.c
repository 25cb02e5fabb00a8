/* sort: heap sort of 1,000 records of three words through a comparison callback
 * that is chosen at run time, as with the C library's qsort. */
#include "kernel.h"

#define RECORDS 1000
#define WORDS 3 /* of a record */

struct record {
    uint32_t key, serial, weight;
};

typedef int32_t comparison(const void *left, const void *right);

static struct record records[RECORDS];

static int32_t compare_key(const void *left, const void *right)
{
    const struct record *a = left, *b = right;

    return a->key < b->key ? -1 : a->key > b->key;
}

static int32_t compare_weight(const void *left, const void *right)
{
    const struct record *a = left, *b = right;

    if (a->weight != b->weight)
        return a->weight < b->weight ? -1 : 1;
    return a->serial < b->serial ? -1 : a->serial > b->serial;
}

static int32_t compare_serial(const void *left, const void *right)
{
    const struct record *a = left, *b = right;

    return a->serial < b->serial ? 1 : -(a->serial > b->serial);
}

static comparison *const comparisons[3] = {compare_key, compare_weight, compare_serial};

static void swap(uint32_t *a, uint32_t *b)
{
    for (uint32_t i = 0; i < WORDS; i++) {
        uint32_t saved = a[i];

        a[i] = b[i];
        b[i] = saved;
    }
}

static KERNEL_NOINLINE void sift_down(uint32_t *base, uint32_t root, uint32_t count,
                                      comparison *compare)
{
    for (;;) {
        uint32_t child = 2 * root + 1;

        if (child >= count)
            return;
        if (child + 1 < count && compare(base + child * WORDS, base + (child + 1) * WORDS) < 0)
            child++;
        if (compare(base + root * WORDS, base + child * WORDS) >= 0)
            return;
        swap(base + root * WORDS, base + child * WORDS);
        root = child;
    }
}

static KERNEL_NOINLINE void sort(void *array, uint32_t count, comparison *compare)
{
    uint32_t *base = array;

    for (uint32_t root = count / 2; root-- > 0;)
        sift_down(base, root, count, compare);
    for (uint32_t end = count - 1; end > 0; end--) {
        swap(base, base + end * WORDS);
        sift_down(base, 0, end, compare);
    }
}

uint64_t run(uint32_t n)
{
    uint32_t seed = 777;
    uint64_t sum = 0;

    for (uint32_t round = 0; round < n; round++) {
        for (uint32_t i = 0; i < RECORDS; i++) {
            records[i].key = random_next(&seed);
            records[i].weight = random_next(&seed) & 63;
            records[i].serial = i ^ 0x155;
        }
        sort(records, RECORDS, comparisons[round % 3]);
        for (uint32_t i = 0; i < RECORDS; i += 50)
            sum = checksum_add(sum, records[i].key ^ records[i].serial);
    }
    return sum;
}
