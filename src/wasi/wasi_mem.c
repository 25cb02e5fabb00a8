/*
 * wasi_mem.c - in-memory file systems: the functions of wasi.h for embedders.
 */
#include "wasi/wasi_mem.h"

enum iso_err iso_wasi_memfs_create(const struct iso_alloc *alloc, uint64_t max_bytes,
                                   struct iso_wasi_memfs **out)
{
    struct iso_wasi_memfs *fs = iso_alloc_new(alloc, sizeof *fs);
    if (fs == NULL) {
        return ISO_E_NOMEM;
    }
    fs->vfs.ops = &iso_wasi_mem_ops;
    fs->alloc = alloc;
    fs->max_bytes = max_bytes < ISO_WASI_MEM_INODE_COST ? ISO_WASI_MEM_INODE_COST : max_bytes;
    fs->next_ino = 1;
    fs->dev = 1;
    enum iso_wasi_errno err = iso_wasi_mem_inode_new(fs, WASI_FILETYPE_DIRECTORY, &fs->root);
    if (err != WASI_OK) {
        iso_alloc_free(alloc, fs, sizeof *fs);
        return ISO_E_NOMEM;
    }
    fs->root->links = 1;
    *out = fs;
    return ISO_OK;
}

void iso_wasi_memfs_destroy(struct iso_wasi_memfs *fs)
{
    if (fs == NULL) {
        return;
    }
    while (fs->inodes != NULL) {
        iso_wasi_mem_inode_free(fs, fs->inodes);
    }
    iso_alloc_free(fs->alloc, fs, sizeof *fs);
}

uint64_t iso_wasi_memfs_used(const struct iso_wasi_memfs *fs)
{
    return fs->used_bytes;
}

static enum iso_err err_from(enum iso_wasi_errno err)
{
    switch (err) {
    case WASI_OK:
        return ISO_OK;
    case WASI_ENOENT:
        return ISO_E_NOT_FOUND;
    case WASI_EEXIST:
        return ISO_E_EXISTS;
    case WASI_ENOSPC:
    case WASI_EFBIG:
    case WASI_EMLINK:
        return ISO_E_LIMIT;
    default:
        return ISO_E_ARGUMENT;
    }
}

static struct iso_vfs_path path_at(struct iso_wasi_memfs *fs, const char *path)
{
    return (struct iso_vfs_path){
        .fs = &fs->vfs, .dir = {.ptr = fs->root}, .path = iso_str_from_z(path)};
}

enum iso_err iso_wasi_memfs_mkdir(struct iso_wasi_memfs *fs, const char *path)
{
    struct iso_vfs_path at = path_at(fs, path);
    return err_from(iso_vfs_mkdir(&at));
}

enum iso_err iso_wasi_memfs_write(struct iso_wasi_memfs *fs, const char *path,
                                  struct iso_bytes contents)
{
    struct iso_vfs_path at = path_at(fs, path);
    struct iso_vfs_open how = {.write = true, .create = true, .truncate = true};
    union iso_vfs_node node;
    enum iso_wasi_errno err = iso_vfs_open(&at, true, &how, &node);
    if (err != WASI_OK) {
        return err_from(err);
    }
    size_t done = 0;
    err = iso_wasi_mem_data_write(fs, node.ptr, 0, contents.ptr, contents.len, &done);
    if (err == WASI_OK && done < contents.len) {
        err = WASI_ENOSPC;
    }
    fs->vfs.ops->close(&fs->vfs, node);
    return err_from(err);
}

enum iso_err iso_wasi_memfs_read(struct iso_wasi_memfs *fs, const char *path, struct iso_buf *out)
{
    struct iso_vfs_path at = path_at(fs, path);
    struct iso_vfs_open how = {.read = true};
    union iso_vfs_node node;
    enum iso_wasi_errno err = iso_vfs_open(&at, true, &how, &node);
    if (err != WASI_OK) {
        return err_from(err);
    }
    const struct iso_wasi_mem_inode *inode = node.ptr;
    enum iso_err result = ISO_OK;
    if (inode->type != WASI_FILETYPE_REGULAR_FILE) {
        result = ISO_E_ARGUMENT;
    } else if (inode->size > SIZE_MAX) {
        result = ISO_E_LIMIT;
    } else {
        result = iso_buf_reserve(out, (size_t)inode->size);
        if (result == ISO_OK && inode->size > 0) {
            out->len += iso_wasi_mem_data_read(inode, 0, out->ptr + out->len, (size_t)inode->size);
        }
    }
    fs->vfs.ops->close(&fs->vfs, node);
    return result;
}
