/*
 * wasi_mem_inode.c - the in-memory file system: inodes and directory entries.
 */
#include "wasi/wasi_mem.h"

#include <time.h>

uint64_t iso_wasi_mem_now(const struct iso_wasi_memfs *fs)
{
    struct timespec ts;
    if (fs->now != NULL) {
        return fs->now(fs->now_ctx);
    }
    if (clock_gettime(CLOCK_REALTIME, &ts) != 0 || ts.tv_sec < 0) {
        return 0;
    }
    return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

bool iso_wasi_mem_charge(struct iso_wasi_memfs *fs, uint64_t bytes)
{
    if (bytes > fs->max_bytes - fs->used_bytes) {
        return false;
    }
    fs->used_bytes += bytes;
    return true;
}

void iso_wasi_mem_refund(struct iso_wasi_memfs *fs, uint64_t bytes)
{
    ISO_ASSERT(bytes <= fs->used_bytes);
    fs->used_bytes -= bytes;
}

enum iso_wasi_errno iso_wasi_mem_inode_new(struct iso_wasi_memfs *fs, enum iso_wasi_filetype type,
                                           struct iso_wasi_mem_inode **out)
{
    if (!iso_wasi_mem_charge(fs, ISO_WASI_MEM_INODE_COST)) {
        return WASI_ENOSPC;
    }
    struct iso_wasi_mem_inode *inode = iso_alloc_new(fs->alloc, sizeof *inode);
    if (inode == NULL) {
        iso_wasi_mem_refund(fs, ISO_WASI_MEM_INODE_COST);
        return WASI_ENOSPC;
    }
    inode->ino = fs->next_ino++;
    inode->type = type;
    inode->atim = inode->mtim = inode->ctim = iso_wasi_mem_now(fs);
    inode->next = fs->inodes;
    if (fs->inodes != NULL) {
        fs->inodes->prev = inode;
    }
    fs->inodes = inode;
    *out = inode;
    return WASI_OK;
}

void iso_wasi_mem_inode_free(struct iso_wasi_memfs *fs, struct iso_wasi_mem_inode *inode)
{
    (void)iso_wasi_mem_data_resize(fs, inode, 0);
    while (inode->entry_count > 0) {
        iso_wasi_mem_remove(fs, inode, inode->entry_count - 1);
    }
    iso_alloc_free(fs->alloc, inode->entries, inode->entry_cap * sizeof *inode->entries);
    if (inode->target != NULL) {
        size_t size = strlen(inode->target) + 1;
        iso_alloc_free(fs->alloc, inode->target, size);
        iso_wasi_mem_refund(fs, size);
    }
    if (inode->prev != NULL) {
        inode->prev->next = inode->next;
    } else {
        fs->inodes = inode->next;
    }
    if (inode->next != NULL) {
        inode->next->prev = inode->prev;
    }
    iso_alloc_free(fs->alloc, inode, sizeof *inode);
    iso_wasi_mem_refund(fs, ISO_WASI_MEM_INODE_COST);
}

void iso_wasi_mem_inode_settle(struct iso_wasi_memfs *fs, struct iso_wasi_mem_inode *inode)
{
    if (inode->links == 0 && inode->opens == 0 && inode != fs->root) {
        iso_wasi_mem_inode_free(fs, inode);
    }
}

void iso_wasi_mem_sweep(struct iso_wasi_memfs *fs)
{
    struct iso_wasi_mem_inode *inode = fs->inodes;
    while (inode != NULL) {
        struct iso_wasi_mem_inode *next = inode->next;
        iso_wasi_mem_inode_settle(fs, inode);
        inode = next;
    }
}

struct iso_wasi_mem_inode *iso_wasi_mem_find(const struct iso_wasi_mem_inode *dir, const char *name,
                                             size_t *at)
{
    size_t low = 0;
    size_t high = dir->entry_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(dir->entries[middle].name, name);
        if (order == 0) {
            *at = middle;
            return dir->entries[middle].inode;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *at = low;
    return NULL;
}

enum iso_wasi_errno iso_wasi_mem_insert(struct iso_wasi_memfs *fs, struct iso_wasi_mem_inode *dir,
                                        const char *name, struct iso_wasi_mem_inode *inode)
{
    size_t len = strlen(name);
    size_t at;
    if (iso_wasi_mem_find(dir, name, &at) != NULL) {
        return WASI_EEXIST;
    }
    if (!iso_wasi_mem_charge(fs, len + 1 + ISO_WASI_MEM_ENTRY_COST)) {
        return WASI_ENOSPC;
    }
    char *copy = NULL;
    if (dir->entry_count == dir->entry_cap) {
        size_t cap = dir->entry_cap == 0 ? 8 : dir->entry_cap * 2;
        struct iso_wasi_mem_entry *entries = iso_alloc_resize(
            fs->alloc, dir->entries, dir->entry_cap * sizeof *entries, cap * sizeof *entries);
        if (entries == NULL) {
            goto no_room;
        }
        dir->entries = entries;
        dir->entry_cap = cap;
    }
    copy = iso_alloc_new(fs->alloc, len + 1);
    if (copy == NULL) {
        goto no_room;
    }
    memcpy(copy, name, len + 1);
    memmove(dir->entries + at + 1, dir->entries + at,
            (dir->entry_count - at) * sizeof *dir->entries);
    dir->entries[at].name = copy;
    dir->entries[at].inode = inode;
    dir->entry_count++;
    return WASI_OK;

no_room:
    iso_wasi_mem_refund(fs, len + 1 + ISO_WASI_MEM_ENTRY_COST);
    return WASI_ENOSPC;
}

void iso_wasi_mem_remove(struct iso_wasi_memfs *fs, struct iso_wasi_mem_inode *dir, size_t at)
{
    size_t size = strlen(dir->entries[at].name) + 1;
    iso_alloc_free(fs->alloc, dir->entries[at].name, size);
    iso_wasi_mem_refund(fs, size + ISO_WASI_MEM_ENTRY_COST);
    dir->entry_count--;
    memmove(dir->entries + at, dir->entries + at + 1,
            (dir->entry_count - at) * sizeof *dir->entries);
}
