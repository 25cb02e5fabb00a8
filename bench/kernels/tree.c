/* tree: inserts into and searches a binary search tree whose nodes come from a
 * small allocator of our own; pointers, dependent loads, branches. */
#include "kernel.h"

#define NODES 2048

struct node {
    struct node *child[2];
    uint32_t key, count;
};

static struct node pool[NODES];
static struct node *free_nodes, *root;

static void pool_reset(void)
{
    free_nodes = 0;
    root = 0;
    for (uint32_t i = 0; i < NODES; i++) {
        pool[i].child[0] = free_nodes;
        free_nodes = &pool[i];
    }
}

static KERNEL_NOINLINE struct node *node_create(uint32_t key)
{
    struct node *node = free_nodes;

    if (node != 0) {
        free_nodes = node->child[0];
        node->child[0] = 0;
        node->child[1] = 0;
        node->key = key;
        node->count = 0;
    }
    return node;
}

static KERNEL_NOINLINE void insert(uint32_t key)
{
    struct node **link = &root;

    while (*link != 0) {
        struct node *node = *link;

        if (node->key == key) {
            node->count++;
            return;
        }
        link = &node->child[node->key < key];
    }
    *link = node_create(key);
}

static KERNEL_NOINLINE const struct node *find(uint32_t key)
{
    const struct node *node = root;

    while (node != 0 && node->key != key)
        node = node->child[node->key < key];
    return node;
}

static KERNEL_NOINLINE uint64_t walk(const struct node *node, uint64_t sum)
{
    for (; node != 0; node = node->child[1]) {
        sum = walk(node->child[0], sum);
        sum = checksum_add(sum, (uint64_t)node->key + node->count);
    }
    return sum;
}

uint64_t run(uint32_t n)
{
    uint32_t seed = 5;
    uint64_t sum = 0;

    for (uint32_t round = 0; round < n; round++) {
        pool_reset();
        for (uint32_t i = 0; i < NODES; i++)
            insert(random_next(&seed) % (NODES * 2));
        for (uint32_t i = 0; i < NODES * 2; i++)
            sum += find(i) != 0;
        sum = walk(root, sum);
    }
    return sum;
}
