/*
 * wasi_abi_path.c - the path_* imports.
 */
#include "wasi/wasi_abi.h"

/* A directory with rights and a path in it. */
static enum iso_wasi_errno path_at(const struct iso_host_call *call, unsigned dir_arg,
                                   unsigned path_arg, uint64_t rights, struct iso_wasi_desc **dir,
                                   struct iso_vfs_path *out)
{
    enum iso_wasi_errno err = iso_wasi_abi_dir(call, dir_arg, rights, dir);
    if (err == WASI_OK) {
        err = iso_wasi_abi_path(call, path_arg, &out->path);
    }
    if (err == WASI_OK) {
        out->fs = iso_wasi_desc_fs(iso_wasi_abi_self(call), *dir);
        out->dir = (*dir)->node;
    }
    return err;
}

/* lookupflags. */
static enum iso_wasi_errno follow_flag(const struct iso_host_call *call, unsigned arg, bool *follow)
{
    uint32_t flags = iso_wasi_abi_u32(call, arg);
    *follow = (flags & WASI_LOOKUP_SYMLINK_FOLLOW) != 0;
    return (flags & ~(uint32_t)WASI_LOOKUP_SYMLINK_FOLLOW) != 0 ? WASI_EINVAL : WASI_OK;
}

enum iso_wasi_errno iso_wasi_abi_path_create_directory(struct iso_host_call *call)
{
    struct iso_wasi_desc *dir;
    struct iso_vfs_path at;
    enum iso_wasi_errno err = path_at(call, 0, 1, WASI_RIGHT_PATH_CREATE_DIRECTORY, &dir, &at);
    return err != WASI_OK ? err : iso_vfs_mkdir(&at);
}

enum iso_wasi_errno iso_wasi_abi_path_remove_directory(struct iso_host_call *call)
{
    struct iso_wasi_desc *dir;
    struct iso_vfs_path at;
    enum iso_wasi_errno err = path_at(call, 0, 1, WASI_RIGHT_PATH_REMOVE_DIRECTORY, &dir, &at);
    return err != WASI_OK ? err : iso_vfs_rmdir(&at);
}

enum iso_wasi_errno iso_wasi_abi_path_unlink_file(struct iso_host_call *call)
{
    struct iso_wasi_desc *dir;
    struct iso_vfs_path at;
    enum iso_wasi_errno err = path_at(call, 0, 1, WASI_RIGHT_PATH_UNLINK_FILE, &dir, &at);
    return err != WASI_OK ? err : iso_vfs_unlink(&at);
}

static enum iso_wasi_errno path_filestat(const struct iso_host_call *call, struct iso_vfs_stat *out)
{
    struct iso_wasi_desc *dir;
    struct iso_vfs_path at;
    bool follow;
    enum iso_wasi_errno err = path_at(call, 0, 2, WASI_RIGHT_PATH_FILESTAT_GET, &dir, &at);
    if (err == WASI_OK) {
        err = follow_flag(call, 1, &follow);
    }
    return err != WASI_OK ? err : iso_vfs_stat(&at, follow, out);
}

enum iso_wasi_errno iso_wasi_abi_path_filestat_get(struct iso_host_call *call)
{
    uint8_t *out = iso_wasi_abi_memory(call, 4, WASI_SIZE_FILESTAT);
    struct iso_vfs_stat st;
    if (out == NULL) {
        return WASI_EFAULT;
    }
    enum iso_wasi_errno err = path_filestat(call, &st);
    if (err == WASI_OK) {
        iso_wasi_abi_put_filestat(out, &st);
    }
    return err;
}

enum iso_wasi_errno iso_wasi_abi_path_filestat_get_p0(struct iso_host_call *call)
{
    uint8_t *out = iso_wasi_abi_memory(call, 4, WASI_SIZE_FILESTAT_P0);
    struct iso_vfs_stat st;
    if (out == NULL) {
        return WASI_EFAULT;
    }
    enum iso_wasi_errno err = path_filestat(call, &st);
    if (err == WASI_OK) {
        iso_wasi_abi_put_filestat_p0(out, &st);
    }
    return err;
}

enum iso_wasi_errno iso_wasi_abi_path_filestat_set_times(struct iso_host_call *call)
{
    struct iso_wasi_desc *dir;
    struct iso_vfs_path at;
    struct iso_vfs_times times;
    bool follow;
    enum iso_wasi_errno err = path_at(call, 0, 2, WASI_RIGHT_PATH_FILESTAT_SET_TIMES, &dir, &at);
    if (err == WASI_OK) {
        err = follow_flag(call, 1, &follow);
    }
    if (err == WASI_OK) {
        err = iso_wasi_abi_times(call, 4, &times);
    }
    return err != WASI_OK ? err : iso_vfs_set_times(&at, follow, &times);
}

enum iso_wasi_errno iso_wasi_abi_path_link(struct iso_host_call *call)
{
    struct iso_wasi_desc *from_dir;
    struct iso_wasi_desc *to_dir;
    struct iso_vfs_path from;
    struct iso_vfs_path to;
    bool follow;
    enum iso_wasi_errno err = path_at(call, 0, 2, WASI_RIGHT_PATH_LINK_SOURCE, &from_dir, &from);
    if (err == WASI_OK) {
        err = path_at(call, 4, 5, WASI_RIGHT_PATH_LINK_TARGET, &to_dir, &to);
    }
    if (err == WASI_OK) {
        err = follow_flag(call, 1, &follow);
    }
    return err != WASI_OK ? err : iso_vfs_link(&from, follow, &to);
}

enum iso_wasi_errno iso_wasi_abi_path_symlink(struct iso_host_call *call)
{
    struct iso_str target;
    struct iso_wasi_desc *dir;
    struct iso_vfs_path at;
    enum iso_wasi_errno err = iso_wasi_abi_path(call, 0, &target);
    if (err == WASI_OK) {
        err = path_at(call, 2, 3, WASI_RIGHT_PATH_SYMLINK, &dir, &at);
    }
    return err != WASI_OK ? err : iso_vfs_symlink(target, &at);
}

enum iso_wasi_errno iso_wasi_abi_path_readlink(struct iso_host_call *call)
{
    struct iso_wasi_desc *dir;
    struct iso_vfs_path at;
    uint32_t cap = iso_wasi_abi_u32(call, 4);
    char *out = (char *)iso_wasi_abi_memory(call, 3, cap);
    uint8_t *used = iso_wasi_abi_memory(call, 5, 4);
    size_t len;
    if (out == NULL || used == NULL) {
        return WASI_EFAULT;
    }
    enum iso_wasi_errno err = path_at(call, 0, 1, WASI_RIGHT_PATH_READLINK, &dir, &at);
    if (err == WASI_OK) {
        err = iso_vfs_readlink(&at, out, cap, &len);
    }
    if (err == WASI_OK) {
        iso_store_u32le(used, len < cap ? (uint32_t)len : cap);
    }
    return err;
}

enum iso_wasi_errno iso_wasi_abi_path_rename(struct iso_host_call *call)
{
    struct iso_wasi *wasi = iso_wasi_abi_self(call);
    struct iso_wasi_desc *from_dir;
    struct iso_wasi_desc *to_dir;
    struct iso_vfs_path from;
    struct iso_vfs_path to;
    enum iso_wasi_errno err = path_at(call, 0, 1, WASI_RIGHT_PATH_RENAME_SOURCE, &from_dir, &from);
    if (err == WASI_OK) {
        err = path_at(call, 3, 4, WASI_RIGHT_PATH_RENAME_TARGET, &to_dir, &to);
    }
    if (err == WASI_OK) {
        err = iso_vfs_rename(&from, &to);
    }
    if (err != WASI_OK) {
        return err;
    }
    /* For snapshots; without memory the descriptors' paths are merely not known any more. */
    char *from_path = iso_wasi_path_join(wasi, from_dir->path, from.path);
    char *to_path = iso_wasi_path_join(wasi, to_dir->path, to.path);
    if (from_path != NULL && to_path != NULL) {
        iso_wasi_paths_renamed(wasi, from_dir->source, from_path, to_dir->source, to_path);
    }
    iso_wasi_path_free(wasi, from_path);
    iso_wasi_path_free(wasi, to_path);
    return WASI_OK;
}

/* ---- path_open --------------------------------------------------------------------------- */

#define RIGHTS_NEED_WRITE                                                                          \
    (WASI_RIGHT_FD_WRITE | WASI_RIGHT_FD_ALLOCATE | WASI_RIGHT_FD_FILESTAT_SET_SIZE)

/* What path_open was asked for. */
struct open_request {
    uint32_t oflags;
    uint32_t fdflags;
    uint64_t base;
    uint64_t inheriting;
    bool follow;
};

static enum iso_wasi_errno open_request(const struct iso_host_call *call, struct open_request *out)
{
    out->oflags = iso_wasi_abi_u32(call, 4);
    out->base = iso_wasi_abi_u64(call, 5);
    out->inheriting = iso_wasi_abi_u64(call, 6);
    out->fdflags = iso_wasi_abi_u32(call, 7);
    uint32_t both = WASI_OFLAG_CREAT | WASI_OFLAG_DIRECTORY;
    if ((out->oflags & ~(uint32_t)WASI_OFLAGS_ALL) != 0 ||
        (out->fdflags & ~(uint32_t)WASI_FDFLAGS_ALL) != 0 || (out->oflags & both) == both) {
        return WASI_EINVAL;
    }
    return follow_flag(call, 1, &out->follow);
}

static uint64_t rights_to_open(const struct open_request *request)
{
    uint64_t rights = WASI_RIGHT_PATH_OPEN;
    if ((request->oflags & WASI_OFLAG_CREAT) != 0) {
        rights |= WASI_RIGHT_PATH_CREATE_FILE;
    }
    if ((request->oflags & WASI_OFLAG_TRUNC) != 0) {
        rights |= WASI_RIGHT_PATH_FILESTAT_SET_SIZE;
    }
    return rights;
}

/*
 * How to open. Programs ask for every right there is and expect those that the kind of file cannot
 * have to be dropped; reading and writing decide about the access, the rest follows.
 */
static struct iso_vfs_open how_to_open(const struct open_request *request)
{
    bool directory = (request->oflags & WASI_OFLAG_DIRECTORY) != 0;
    bool must_write = (request->base & WASI_RIGHT_FD_WRITE) != 0;
    bool may_write = !directory && (request->base & RIGHTS_NEED_WRITE) != 0;
    return (struct iso_vfs_open){
        .read = (request->base & (WASI_RIGHT_FD_READ | WASI_RIGHT_FD_READDIR)) != 0,
        .write = must_write || may_write,
        .write_optional = !must_write,
        .create = (request->oflags & WASI_OFLAG_CREAT) != 0,
        .exclusive = (request->oflags & WASI_OFLAG_EXCL) != 0,
        .truncate = (request->oflags & WASI_OFLAG_TRUNC) != 0,
        .directory = directory,
        .append = (request->fdflags & WASI_FDFLAG_APPEND) != 0,
    };
}

/* Make a descriptor for the node, which is taken. */
static enum iso_wasi_errno add_opened(struct iso_wasi *wasi, const struct iso_wasi_desc *dir,
                                      struct iso_str path, union iso_vfs_node node,
                                      const struct open_request *request, uint32_t *fd)
{
    struct iso_vfs *fs = iso_wasi_desc_fs(wasi, dir);
    struct iso_wasi_desc desc;
    enum iso_wasi_errno err =
        iso_wasi_desc_from_node(wasi, dir->source, node, request->base, request->inheriting, &desc);
    if (err != WASI_OK) {
        fs->ops->close(fs, node);
        return err;
    }
    desc.flags = (uint16_t)request->fdflags;
    desc.path = iso_wasi_path_join(wasi, dir->path, path);
    err = iso_wasi_desc_add(wasi, &desc, fd);
    if (err != WASI_OK) {
        iso_wasi_desc_fini(wasi, &desc);
    }
    return err;
}

enum iso_wasi_errno iso_wasi_abi_path_open(struct iso_host_call *call)
{
    struct iso_wasi *wasi = iso_wasi_abi_self(call);
    uint8_t *result = iso_wasi_abi_memory(call, 8, 4);
    struct open_request request;
    struct iso_wasi_desc *dir;
    struct iso_vfs_path at;
    enum iso_wasi_errno err = path_at(call, 0, 2, 0, &dir, &at);
    if (err == WASI_OK) {
        err = open_request(call, &request);
    }
    if (err != WASI_OK) {
        return err;
    }
    if (result == NULL) {
        return WASI_EFAULT;
    }
    uint64_t needed = rights_to_open(&request);
    uint64_t access = WASI_RIGHT_FD_READ | WASI_RIGHT_FD_WRITE;
    if ((dir->rights_base & needed) != needed ||
        (request.base & access & ~dir->rights_inheriting) != 0) {
        return WASI_ENOTCAPABLE;
    }
    request.base &= dir->rights_inheriting;
    request.inheriting &= dir->rights_inheriting;
    struct iso_vfs_open how = how_to_open(&request);
    union iso_vfs_node node;
    err = iso_vfs_open(&at, request.follow, &how, &node);
    if (err != WASI_OK) {
        return err;
    }
    if (!how.write) {
        request.base &= ~RIGHTS_NEED_WRITE;
    }
    uint32_t fd;
    err = add_opened(wasi, dir, at.path, node, &request, &fd);
    if (err == WASI_OK) {
        iso_store_u32le(result, fd);
    }
    return err;
}
