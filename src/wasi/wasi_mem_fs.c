/*
 * wasi_mem_fs.c - the in-memory file system: operations on names in a directory, and the functions
 * of wasi.h on whole file systems.
 *
 * Semantics follow POSIX.1-2017 as Linux has it, so that programs see no difference to the host's.
 */
#include "wasi/wasi_mem.h"

static struct iso_wasi_memfs *mem_fs(struct iso_vfs *vfs)
{
    return (struct iso_wasi_memfs *)(void *)vfs;
}

static struct iso_wasi_mem_inode *inode_of(union iso_vfs_node node)
{
    return node.ptr;
}

/* The entry `name`, or dir itself for ".". */
static enum iso_wasi_errno lookup(union iso_vfs_node dir, const char *name,
                                  struct iso_wasi_mem_inode **out)
{
    size_t at;
    *out = strcmp(name, ".") == 0 ? inode_of(dir) : iso_wasi_mem_find(inode_of(dir), name, &at);
    return *out == NULL ? WASI_ENOENT : WASI_OK;
}

/* A directory was changed by adding or removing a name. */
static void changed(const struct iso_wasi_memfs *fs, struct iso_wasi_mem_inode *dir)
{
    dir->mtim = dir->ctim = iso_wasi_mem_now(fs);
}

/* Whether the directory is still in the tree, so that names can be added. */
static bool attached(const struct iso_wasi_memfs *fs, const struct iso_wasi_mem_inode *dir)
{
    return dir == fs->root || dir->links > 0;
}

static void mem_destroy(struct iso_vfs *vfs)
{
    (void)vfs; /* belongs to the embedder: iso_wasi_memfs_destroy */
}

static enum iso_wasi_errno mem_root(struct iso_vfs *vfs, union iso_vfs_node *out)
{
    out->ptr = mem_fs(vfs)->root;
    inode_of(*out)->opens++;
    return WASI_OK;
}

static void mem_close(struct iso_vfs *vfs, union iso_vfs_node node)
{
    struct iso_wasi_mem_inode *inode = node.ptr;
    ISO_ASSERT(inode->opens > 0);
    inode->opens--;
    iso_wasi_mem_inode_settle(mem_fs(vfs), inode);
}

static enum iso_wasi_errno mem_walk(struct iso_vfs *vfs, union iso_vfs_node dir, const char *name,
                                    union iso_vfs_node *out)
{
    (void)vfs;
    struct iso_wasi_mem_inode *inode;
    enum iso_wasi_errno err = lookup(dir, name, &inode);
    if (err != WASI_OK) {
        return err;
    }
    if (inode->type != WASI_FILETYPE_DIRECTORY) {
        return WASI_ENOTDIR;
    }
    inode->opens++;
    out->ptr = inode;
    return WASI_OK;
}

/* A new inode under a name. On failure nothing is left of it. */
static enum iso_wasi_errno create(struct iso_wasi_memfs *fs, struct iso_wasi_mem_inode *dir,
                                  const char *name, enum iso_wasi_filetype type,
                                  struct iso_wasi_mem_inode **out)
{
    if (!attached(fs, dir)) {
        return WASI_ENOENT;
    }
    struct iso_wasi_mem_inode *inode;
    enum iso_wasi_errno err = iso_wasi_mem_inode_new(fs, type, &inode);
    if (err != WASI_OK) {
        return err;
    }
    err = iso_wasi_mem_insert(fs, dir, name, inode);
    if (err != WASI_OK) {
        iso_wasi_mem_inode_free(fs, inode);
        return err;
    }
    inode->links = 1;
    inode->parent = type == WASI_FILETYPE_DIRECTORY ? dir : NULL;
    changed(fs, dir);
    *out = inode;
    return WASI_OK;
}

/* What open asks of an inode that exists. */
static enum iso_wasi_errno open_existing(struct iso_wasi_memfs *fs,
                                         struct iso_wasi_mem_inode *inode, struct iso_vfs_open *how)
{
    if (how->create && how->exclusive) {
        return WASI_EEXIST;
    }
    if (inode->type == WASI_FILETYPE_SYMBOLIC_LINK) {
        return how->directory ? WASI_ENOTDIR : WASI_ELOOP;
    }
    if (inode->type == WASI_FILETYPE_DIRECTORY) {
        if (how->create || how->truncate || (how->write && !how->write_optional)) {
            return WASI_EISDIR;
        }
        how->write = false;
        return WASI_OK;
    }
    if (how->directory) {
        return WASI_ENOTDIR;
    }
    if (how->truncate) {
        (void)iso_wasi_mem_data_resize(fs, inode, 0);
        inode->mtim = inode->ctim = iso_wasi_mem_now(fs);
    }
    return WASI_OK;
}

static enum iso_wasi_errno mem_open(struct iso_vfs *vfs, union iso_vfs_node dir, const char *name,
                                    struct iso_vfs_open *how, union iso_vfs_node *out)
{
    struct iso_wasi_memfs *fs = mem_fs(vfs);
    struct iso_wasi_mem_inode *inode;
    enum iso_wasi_errno err = lookup(dir, name, &inode);
    if (err == WASI_OK) {
        err = open_existing(fs, inode, how);
    } else if (err == WASI_ENOENT && how->create) {
        err = how->directory ? WASI_EINVAL
                             : create(fs, inode_of(dir), name, WASI_FILETYPE_REGULAR_FILE, &inode);
    }
    if (err == WASI_OK) {
        inode->opens++;
        out->ptr = inode;
    }
    return err;
}

static enum iso_wasi_errno mem_readlink(struct iso_vfs *vfs, union iso_vfs_node dir,
                                        const char *name, char *out, size_t cap, size_t *len)
{
    (void)vfs;
    struct iso_wasi_mem_inode *inode;
    enum iso_wasi_errno err = lookup(dir, name, &inode);
    if (err != WASI_OK) {
        return err;
    }
    if (inode->type != WASI_FILETYPE_SYMBOLIC_LINK) {
        return WASI_EINVAL;
    }
    *len = (size_t)inode->size;
    iso_memory_copy(out, inode->target, *len < cap ? *len : cap);
    return WASI_OK;
}

static enum iso_wasi_errno mem_stat(struct iso_vfs *vfs, union iso_vfs_node dir, const char *name,
                                    struct iso_vfs_stat *out)
{
    struct iso_wasi_mem_inode *inode;
    enum iso_wasi_errno err = lookup(dir, name, &inode);
    if (err == WASI_OK) {
        iso_wasi_mem_inode_stat(mem_fs(vfs), inode, out);
    }
    return err;
}

static enum iso_wasi_errno mem_set_times(struct iso_vfs *vfs, union iso_vfs_node dir,
                                         const char *name, const struct iso_vfs_times *times)
{
    struct iso_wasi_mem_inode *inode;
    enum iso_wasi_errno err = lookup(dir, name, &inode);
    if (err == WASI_OK) {
        iso_wasi_mem_inode_times(mem_fs(vfs), inode, times);
    }
    return err;
}

/* How deep a directory lies. */
static unsigned depth_of(const struct iso_wasi_mem_inode *dir)
{
    unsigned depth = 0;
    while (dir->parent != NULL) {
        dir = dir->parent;
        depth++;
    }
    return depth;
}

static enum iso_wasi_errno mem_mkdir(struct iso_vfs *vfs, union iso_vfs_node dir, const char *name)
{
    struct iso_wasi_mem_inode *inode;
    if (lookup(dir, name, &inode) == WASI_OK) {
        return WASI_EEXIST;
    }
    if (depth_of(inode_of(dir)) >= ISO_WASI_MEM_DEPTH_MAX) {
        return WASI_EMLINK;
    }
    return create(mem_fs(vfs), inode_of(dir), name, WASI_FILETYPE_DIRECTORY, &inode);
}

/* Take a name away from its inode. */
static void drop_name(struct iso_wasi_memfs *fs, struct iso_wasi_mem_inode *dir, size_t at)
{
    struct iso_wasi_mem_inode *inode = dir->entries[at].inode;
    iso_wasi_mem_remove(fs, dir, at);
    inode->links--;
    inode->ctim = iso_wasi_mem_now(fs);
    if (inode->type == WASI_FILETYPE_DIRECTORY) {
        inode->parent = NULL;
    }
    changed(fs, dir);
    iso_wasi_mem_inode_settle(fs, inode);
}

static enum iso_wasi_errno mem_rmdir(struct iso_vfs *vfs, union iso_vfs_node dir, const char *name)
{
    size_t at;
    const struct iso_wasi_mem_inode *inode = iso_wasi_mem_find(inode_of(dir), name, &at);
    if (inode == NULL) {
        return WASI_ENOENT;
    }
    if (inode->type != WASI_FILETYPE_DIRECTORY) {
        return WASI_ENOTDIR;
    }
    if (inode->entry_count > 0) {
        return WASI_ENOTEMPTY;
    }
    drop_name(mem_fs(vfs), inode_of(dir), at);
    return WASI_OK;
}

static enum iso_wasi_errno mem_unlink(struct iso_vfs *vfs, union iso_vfs_node dir, const char *name)
{
    size_t at;
    const struct iso_wasi_mem_inode *inode = iso_wasi_mem_find(inode_of(dir), name, &at);
    if (inode == NULL) {
        return WASI_ENOENT;
    }
    if (inode->type == WASI_FILETYPE_DIRECTORY) {
        return WASI_EISDIR;
    }
    drop_name(mem_fs(vfs), inode_of(dir), at);
    return WASI_OK;
}

static enum iso_wasi_errno mem_symlink(struct iso_vfs *vfs, const char *target,
                                       union iso_vfs_node dir, const char *name)
{
    struct iso_wasi_memfs *fs = mem_fs(vfs);
    struct iso_wasi_mem_inode *inode;
    size_t at;
    if (iso_wasi_mem_find(inode_of(dir), name, &at) != NULL) {
        return WASI_EEXIST;
    }
    size_t size = strlen(target) + 1;
    if (!iso_wasi_mem_charge(fs, size)) {
        return WASI_ENOSPC;
    }
    char *copy = iso_alloc_new(fs->alloc, size);
    enum iso_wasi_errno err =
        copy == NULL ? WASI_ENOSPC
                     : create(fs, inode_of(dir), name, WASI_FILETYPE_SYMBOLIC_LINK, &inode);
    if (err != WASI_OK) {
        iso_alloc_free(fs->alloc, copy, size);
        iso_wasi_mem_refund(fs, size);
        return err;
    }
    memcpy(copy, target, size);
    inode->target = copy;
    inode->size = size - 1;
    return WASI_OK;
}

static enum iso_wasi_errno mem_link(struct iso_vfs *vfs, union iso_vfs_node from_dir,
                                    const char *from, union iso_vfs_node to_dir, const char *to)
{
    struct iso_wasi_memfs *fs = mem_fs(vfs);
    struct iso_wasi_mem_inode *inode;
    size_t at;
    enum iso_wasi_errno err = lookup(from_dir, from, &inode);
    if (err != WASI_OK) {
        return err;
    }
    if (iso_wasi_mem_find(inode_of(to_dir), to, &at) != NULL) {
        return WASI_EEXIST;
    }
    if (inode->type == WASI_FILETYPE_DIRECTORY) {
        return WASI_EPERM;
    }
    if (!attached(fs, inode_of(to_dir))) {
        return WASI_ENOENT;
    }
    if (inode->links >= ISO_WASI_MEM_LINKS_MAX) {
        return WASI_EMLINK;
    }
    err = iso_wasi_mem_insert(fs, inode_of(to_dir), to, inode);
    if (err == WASI_OK) {
        inode->links++;
        inode->ctim = iso_wasi_mem_now(fs);
        changed(fs, inode_of(to_dir));
    }
    return err;
}

/* Whether dir is `above` or lies somewhere in it. */
static bool lies_in(const struct iso_wasi_mem_inode *dir, const struct iso_wasi_mem_inode *above)
{
    for (; dir != NULL; dir = dir->parent) {
        if (dir == above) {
            return true;
        }
    }
    return false;
}

/* How many levels of directories a directory holds, up to `limit`. Walks without recursion. */
static unsigned height_of(const struct iso_wasi_memfs *fs, const struct iso_wasi_mem_inode *top)
{
    unsigned height = 0;
    for (const struct iso_wasi_mem_inode *i = fs->inodes; i != NULL; i = i->next) {
        if (i->type == WASI_FILETYPE_DIRECTORY && lies_in(i, top)) {
            unsigned below = depth_of(i) - depth_of(top);
            height = below > height ? below : height;
        }
    }
    return height;
}

/* Whether `inode` may take the place of `old` (NULL: nothing there) in directory to. */
static enum iso_wasi_errno check_rename(const struct iso_wasi_memfs *fs,
                                        const struct iso_wasi_mem_inode *inode,
                                        const struct iso_wasi_mem_inode *from,
                                        const struct iso_wasi_mem_inode *to,
                                        const struct iso_wasi_mem_inode *old)
{
    bool is_dir = inode->type == WASI_FILETYPE_DIRECTORY;
    if (!attached(fs, to)) {
        return WASI_ENOENT;
    }
    if (is_dir && lies_in(to, inode)) {
        return WASI_EINVAL;
    }
    if (old != NULL && lies_in(from, old)) {
        return WASI_ENOTEMPTY; /* it holds what is to replace it */
    }
    if (old != NULL) {
        bool old_is_dir = old->type == WASI_FILETYPE_DIRECTORY;
        if (old_is_dir != is_dir) {
            return is_dir ? WASI_ENOTDIR : WASI_EISDIR;
        }
        if (old_is_dir && old->entry_count > 0) {
            return WASI_ENOTEMPTY;
        }
    }
    if (is_dir && from != to && depth_of(to) + 1 + height_of(fs, inode) > ISO_WASI_MEM_DEPTH_MAX) {
        return WASI_EMLINK;
    }
    return WASI_OK;
}

static enum iso_wasi_errno mem_rename(struct iso_vfs *vfs, union iso_vfs_node from_dir,
                                      const char *from, union iso_vfs_node to_dir, const char *to)
{
    struct iso_wasi_memfs *fs = mem_fs(vfs);
    struct iso_wasi_mem_inode *source = inode_of(from_dir);
    struct iso_wasi_mem_inode *dest = inode_of(to_dir);
    size_t at;
    struct iso_wasi_mem_inode *inode = iso_wasi_mem_find(source, from, &at);
    if (inode == NULL) {
        return WASI_ENOENT;
    }
    size_t old_at;
    const struct iso_wasi_mem_inode *old = iso_wasi_mem_find(dest, to, &old_at);
    if (old == inode) {
        return WASI_OK; /* two names of one file: nothing happens */
    }
    enum iso_wasi_errno err = check_rename(fs, inode, source, dest, old);
    if (err != WASI_OK) {
        return err;
    }
    if (old != NULL) {
        /* The new name exists: give it the other inode, which cannot fail. */
        inode->links++;
        drop_name(fs, source, at);
        (void)iso_wasi_mem_find(dest, to, &old_at);
        struct iso_wasi_mem_inode *replaced = dest->entries[old_at].inode;
        dest->entries[old_at].inode = inode;
        replaced->links--;
        replaced->parent = NULL;
        iso_wasi_mem_inode_settle(fs, replaced);
    } else {
        err = iso_wasi_mem_insert(fs, dest, to, inode);
        if (err != WASI_OK) {
            return err;
        }
        inode->links++;
        (void)iso_wasi_mem_find(source, from, &at);
        drop_name(fs, source, at);
    }
    inode->parent = inode->type == WASI_FILETYPE_DIRECTORY ? dest : NULL;
    changed(fs, dest);
    return WASI_OK;
}

static enum iso_wasi_errno mem_list(struct iso_vfs *vfs, union iso_vfs_node dir,
                                    iso_vfs_entry_fn fn, void *ctx)
{
    (void)vfs;
    const struct iso_wasi_mem_inode *inode = inode_of(dir);
    enum iso_wasi_errno err = WASI_OK;
    for (size_t i = 0; i < inode->entry_count && err == WASI_OK; i++) {
        struct iso_vfs_entry entry = {.name = inode->entries[i].name,
                                      .ino = inode->entries[i].inode->ino,
                                      .filetype = inode->entries[i].inode->type};
        err = fn(ctx, &entry);
    }
    return err;
}

static uint64_t mem_node_id(struct iso_vfs *vfs, union iso_vfs_node node)
{
    (void)vfs;
    return inode_of(node)->ino;
}

static enum iso_wasi_errno mem_open_id(struct iso_vfs *vfs, uint64_t id, union iso_vfs_node *out)
{
    for (struct iso_wasi_mem_inode *i = mem_fs(vfs)->inodes; i != NULL; i = i->next) {
        if (i->ino == id) {
            i->opens++;
            out->ptr = i;
            return WASI_OK;
        }
    }
    return WASI_ENOENT;
}

const struct iso_vfs_ops iso_wasi_mem_ops = {
    .destroy = mem_destroy,
    .root = mem_root,
    .close = mem_close,
    .walk = mem_walk,
    .open = mem_open,
    .readlink = mem_readlink,
    .stat = mem_stat,
    .set_times = mem_set_times,
    .mkdir = mem_mkdir,
    .rmdir = mem_rmdir,
    .unlink = mem_unlink,
    .symlink = mem_symlink,
    .link = mem_link,
    .rename = mem_rename,
    .list = mem_list,
    .node_stat = iso_wasi_mem_node_stat,
    .node_set_times = iso_wasi_mem_node_set_times,
    .node_set_size = iso_wasi_mem_node_set_size,
    .node_allocate = iso_wasi_mem_node_allocate,
    .node_advise = iso_wasi_mem_node_advise,
    .node_sync = iso_wasi_mem_node_sync,
    .node_set_append = iso_wasi_mem_node_set_append,
    .node_read = iso_wasi_mem_node_read,
    .node_write = iso_wasi_mem_node_write,
    .by_id = true,
    .node_id = mem_node_id,
    .open_id = mem_open_id,
};
