/*
 * wasi_mem_data.c - the in-memory file system: contents of files, in pages.
 *
 * Bytes of the last page beyond the file's size are always zero, so that growing needs no clearing.
 */
#include "wasi/wasi_mem.h"

static uint64_t pages_for(uint64_t size)
{
    return size / ISO_WASI_MEM_PAGE + (size % ISO_WASI_MEM_PAGE != 0);
}

/* Make the page table hold `count` pages. */
static enum iso_wasi_errno reserve(struct iso_wasi_memfs *fs, struct iso_wasi_mem_inode *inode,
                                   uint64_t count)
{
    if (count <= inode->page_cap) {
        return WASI_OK;
    }
    if (count > ISO_WASI_MEM_PAGES_MAX || count > SIZE_MAX / sizeof *inode->pages / 2) {
        return WASI_EFBIG;
    }
    size_t cap = inode->page_cap + inode->page_cap / 2;
    cap = cap < (size_t)count ? (size_t)count : cap;
    uint64_t extra = (cap - inode->page_cap) * sizeof *inode->pages;
    if (!iso_wasi_mem_charge(fs, extra)) {
        return WASI_ENOSPC;
    }
    uint8_t **pages =
        iso_alloc_resize(fs->alloc, inode->pages, inode->page_cap * sizeof *inode->pages,
                         cap * sizeof *inode->pages);
    if (pages == NULL) {
        iso_wasi_mem_refund(fs, extra);
        return WASI_ENOSPC;
    }
    for (size_t i = inode->page_cap; i < cap; i++) {
        pages[i] = NULL;
    }
    inode->pages = pages;
    inode->page_cap = cap;
    return WASI_OK;
}

/* The page for writing, made when it is a hole; NULL when there is no room. */
static uint8_t *page_at(struct iso_wasi_memfs *fs, struct iso_wasi_mem_inode *inode, size_t index)
{
    if (inode->pages[index] == NULL) {
        if (!iso_wasi_mem_charge(fs, ISO_WASI_MEM_PAGE)) {
            return NULL;
        }
        inode->pages[index] = iso_alloc_new(fs->alloc, ISO_WASI_MEM_PAGE);
        if (inode->pages[index] == NULL) {
            iso_wasi_mem_refund(fs, ISO_WASI_MEM_PAGE);
        }
    }
    return inode->pages[index];
}

size_t iso_wasi_mem_data_read(const struct iso_wasi_mem_inode *inode, uint64_t offset, void *out,
                              size_t len)
{
    if (offset >= inode->size) {
        return 0;
    }
    uint64_t left = inode->size - offset;
    size_t total = left < len ? (size_t)left : len;
    uint8_t *to = out;
    for (size_t done = 0; done < total;) {
        size_t index = (size_t)((offset + done) / ISO_WASI_MEM_PAGE);
        size_t within = (size_t)((offset + done) % ISO_WASI_MEM_PAGE);
        size_t part = ISO_WASI_MEM_PAGE - within;
        part = part < total - done ? part : total - done;
        if (index >= inode->page_cap || inode->pages[index] == NULL) {
            memset(to + done, 0, part);
        } else {
            memcpy(to + done, inode->pages[index] + within, part);
        }
        done += part;
    }
    return total;
}

enum iso_wasi_errno iso_wasi_mem_data_write(struct iso_wasi_memfs *fs,
                                            struct iso_wasi_mem_inode *inode, uint64_t offset,
                                            const void *from, size_t len, size_t *done)
{
    *done = 0;
    if (len == 0) {
        return WASI_OK;
    }
    if (offset > INT64_MAX || len > INT64_MAX - offset) {
        return WASI_EFBIG;
    }
    enum iso_wasi_errno err = reserve(fs, inode, pages_for(offset + len));
    if (err != WASI_OK) {
        return err;
    }
    const uint8_t *bytes = from;
    while (*done < len) {
        size_t within = (size_t)((offset + *done) % ISO_WASI_MEM_PAGE);
        size_t part = ISO_WASI_MEM_PAGE - within;
        part = part < len - *done ? part : len - *done;
        uint8_t *page = page_at(fs, inode, (size_t)((offset + *done) / ISO_WASI_MEM_PAGE));
        if (page == NULL) {
            return *done > 0 ? WASI_OK : WASI_ENOSPC;
        }
        memcpy(page + within, bytes + *done, part);
        *done += part;
        if (offset + *done > inode->size) {
            inode->size = offset + *done;
        }
    }
    return WASI_OK;
}

enum iso_wasi_errno iso_wasi_mem_data_resize(struct iso_wasi_memfs *fs,
                                             struct iso_wasi_mem_inode *inode, uint64_t size)
{
    if (size / ISO_WASI_MEM_PAGE >= ISO_WASI_MEM_PAGES_MAX) {
        return WASI_EFBIG;
    }
    size_t keep = (size_t)pages_for(size);
    for (size_t i = keep; i < inode->page_cap; i++) {
        if (inode->pages[i] != NULL) {
            iso_alloc_free(fs->alloc, inode->pages[i], ISO_WASI_MEM_PAGE);
            inode->pages[i] = NULL;
            iso_wasi_mem_refund(fs, ISO_WASI_MEM_PAGE);
        }
    }
    if (keep == 0 && inode->pages != NULL) {
        iso_alloc_free(fs->alloc, inode->pages, inode->page_cap * sizeof *inode->pages);
        iso_wasi_mem_refund(fs, inode->page_cap * sizeof *inode->pages);
        inode->pages = NULL;
        inode->page_cap = 0;
    }
    size_t within = (size_t)(size % ISO_WASI_MEM_PAGE);
    if (within != 0 && keep <= inode->page_cap && inode->pages[keep - 1] != NULL) {
        memset(inode->pages[keep - 1] + within, 0, ISO_WASI_MEM_PAGE - within);
    }
    inode->size = size;
    return WASI_OK;
}

enum iso_wasi_errno iso_wasi_mem_data_allocate(struct iso_wasi_memfs *fs,
                                               struct iso_wasi_mem_inode *inode, uint64_t offset,
                                               uint64_t len)
{
    if (len == 0) {
        return WASI_EINVAL;
    }
    if (offset > INT64_MAX || len > INT64_MAX - offset) {
        return WASI_EFBIG;
    }
    uint64_t end = offset + len;
    enum iso_wasi_errno err = reserve(fs, inode, pages_for(end));
    if (err != WASI_OK) {
        return err;
    }
    for (uint64_t i = offset / ISO_WASI_MEM_PAGE; i < pages_for(end); i++) {
        if (page_at(fs, inode, (size_t)i) == NULL) {
            return WASI_ENOSPC;
        }
    }
    if (end > inode->size) {
        inode->size = end;
    }
    return WASI_OK;
}
