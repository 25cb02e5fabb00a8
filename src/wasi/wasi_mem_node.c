/*
 * wasi_mem_node.c - the in-memory file system: operations on what is open.
 */
#include "wasi/wasi_mem.h"

static struct iso_wasi_memfs *mem_fs(struct iso_vfs *vfs)
{
    return (struct iso_wasi_memfs *)(void *)vfs;
}

void iso_wasi_mem_inode_stat(const struct iso_wasi_memfs *fs,
                             const struct iso_wasi_mem_inode *inode, struct iso_vfs_stat *out)
{
    out->dev = fs->dev;
    out->ino = inode->ino;
    out->nlink = inode->links;
    out->size = inode->type == WASI_FILETYPE_DIRECTORY ? inode->entry_count : inode->size;
    out->atim = inode->atim;
    out->mtim = inode->mtim;
    out->ctim = inode->ctim;
    out->filetype = inode->type;
}

void iso_wasi_mem_inode_times(const struct iso_wasi_memfs *fs, struct iso_wasi_mem_inode *inode,
                              const struct iso_vfs_times *times)
{
    uint64_t now = iso_wasi_mem_now(fs);
    if ((times->flags & WASI_FST_ATIM) != 0) {
        inode->atim = times->atim;
    }
    if ((times->flags & WASI_FST_ATIM_NOW) != 0) {
        inode->atim = now;
    }
    if ((times->flags & WASI_FST_MTIM) != 0) {
        inode->mtim = times->mtim;
    }
    if ((times->flags & WASI_FST_MTIM_NOW) != 0) {
        inode->mtim = now;
    }
    inode->ctim = now;
}

enum iso_wasi_errno iso_wasi_mem_node_stat(struct iso_vfs *vfs, union iso_vfs_node node,
                                           struct iso_vfs_stat *out)
{
    iso_wasi_mem_inode_stat(mem_fs(vfs), node.ptr, out);
    return WASI_OK;
}

enum iso_wasi_errno iso_wasi_mem_node_set_times(struct iso_vfs *vfs, union iso_vfs_node node,
                                                const struct iso_vfs_times *times)
{
    iso_wasi_mem_inode_times(mem_fs(vfs), node.ptr, times);
    return WASI_OK;
}

static void touch(const struct iso_wasi_memfs *fs, struct iso_wasi_mem_inode *inode)
{
    inode->mtim = inode->ctim = iso_wasi_mem_now(fs);
}

enum iso_wasi_errno iso_wasi_mem_node_set_size(struct iso_vfs *vfs, union iso_vfs_node node,
                                               uint64_t size)
{
    enum iso_wasi_errno err = iso_wasi_mem_data_resize(mem_fs(vfs), node.ptr, size);
    if (err == WASI_OK) {
        touch(mem_fs(vfs), node.ptr);
    }
    return err;
}

enum iso_wasi_errno iso_wasi_mem_node_allocate(struct iso_vfs *vfs, union iso_vfs_node node,
                                               uint64_t offset, uint64_t len)
{
    enum iso_wasi_errno err = iso_wasi_mem_data_allocate(mem_fs(vfs), node.ptr, offset, len);
    if (err == WASI_OK) {
        touch(mem_fs(vfs), node.ptr);
    }
    return err;
}

enum iso_wasi_errno iso_wasi_mem_node_advise(struct iso_vfs *vfs, union iso_vfs_node node,
                                             uint64_t offset, uint64_t len, uint32_t advice)
{
    (void)vfs;
    (void)node;
    return advice > 5 || offset > INT64_MAX || len > INT64_MAX ? WASI_EINVAL : WASI_OK;
}

enum iso_wasi_errno iso_wasi_mem_node_sync(struct iso_vfs *vfs, union iso_vfs_node node,
                                           bool data_only)
{
    (void)vfs;
    (void)node;
    (void)data_only;
    return WASI_OK;
}

enum iso_wasi_errno iso_wasi_mem_node_set_append(struct iso_vfs *vfs, union iso_vfs_node node,
                                                 bool append)
{
    (void)vfs;
    (void)node;
    (void)append; /* stands in the descriptor and comes with every write */
    return WASI_OK;
}

enum iso_wasi_errno iso_wasi_mem_node_read(struct iso_vfs *vfs, union iso_vfs_node node,
                                           const struct iso_vfs_iovec *iov, size_t count,
                                           uint64_t offset, size_t *done)
{
    struct iso_wasi_mem_inode *inode = node.ptr;
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        size_t n = iso_wasi_mem_data_read(inode, offset + total, iov[i].base, iov[i].len);
        total += n;
        if (n < iov[i].len) {
            break;
        }
    }
    if (total > 0) {
        inode->atim = iso_wasi_mem_now(mem_fs(vfs));
    }
    *done = total;
    return WASI_OK;
}

enum iso_wasi_errno iso_wasi_mem_node_write(struct iso_vfs *vfs, union iso_vfs_node node,
                                            const struct iso_vfs_iovec *iov, size_t count,
                                            uint64_t offset, bool append, size_t *done,
                                            uint64_t *end)
{
    struct iso_wasi_mem_inode *inode = node.ptr;
    uint64_t start = append ? inode->size : offset;
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        size_t n;
        enum iso_wasi_errno err =
            iso_wasi_mem_data_write(mem_fs(vfs), inode, start + total, iov[i].base, iov[i].len, &n);
        if (err != WASI_OK && total == 0) {
            return err;
        }
        total += n;
        if (err != WASI_OK || n < iov[i].len) {
            break;
        }
    }
    if (total > 0) {
        touch(mem_fs(vfs), inode);
    }
    *done = total;
    *end = start + total;
    return WASI_OK;
}
