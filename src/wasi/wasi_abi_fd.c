/*
 * wasi_abi_fd.c - the fd_* imports but reading and writing.
 */
#include "wasi/wasi_abi.h"

/* Kinds that are host descriptors without a position of their own here. */
static bool is_stream(const struct iso_wasi_desc *desc)
{
    return desc->kind == ISO_WASI_STDIO || desc->kind == ISO_WASI_PIPE;
}

static bool is_node(const struct iso_wasi_desc *desc)
{
    return desc->kind == ISO_WASI_FILE || desc->kind == ISO_WASI_DIR;
}

enum iso_wasi_errno iso_wasi_abi_fd_advise(struct iso_host_call *call)
{
    struct iso_wasi_desc *desc;
    enum iso_wasi_errno err = iso_wasi_abi_file(call, WASI_RIGHT_FD_ADVISE, &desc);
    if (err != WASI_OK) {
        return err;
    }
    struct iso_vfs *fs = iso_wasi_desc_fs(iso_wasi_abi_self(call), desc);
    return fs->ops->node_advise(fs, desc->node, iso_wasi_abi_u64(call, 1),
                                iso_wasi_abi_u64(call, 2), iso_wasi_abi_u32(call, 3));
}

enum iso_wasi_errno iso_wasi_abi_fd_allocate(struct iso_host_call *call)
{
    struct iso_wasi_desc *desc;
    enum iso_wasi_errno err = iso_wasi_abi_file(call, WASI_RIGHT_FD_ALLOCATE, &desc);
    if (err != WASI_OK) {
        return err;
    }
    struct iso_vfs *fs = iso_wasi_desc_fs(iso_wasi_abi_self(call), desc);
    return fs->ops->node_allocate(fs, desc->node, iso_wasi_abi_u64(call, 1),
                                  iso_wasi_abi_u64(call, 2));
}

enum iso_wasi_errno iso_wasi_abi_fd_close(struct iso_host_call *call)
{
    struct iso_wasi_desc *desc;
    enum iso_wasi_errno err = iso_wasi_abi_desc(call, &desc);
    if (err == WASI_OK) {
        iso_wasi_desc_close(iso_wasi_abi_self(call), iso_wasi_abi_u32(call, 0));
    }
    return err;
}

static enum iso_wasi_errno sync_desc(const struct iso_host_call *call, uint64_t right,
                                     bool data_only)
{
    struct iso_wasi *wasi = iso_wasi_abi_self(call);
    struct iso_wasi_desc *desc;
    enum iso_wasi_errno err = iso_wasi_abi_desc(call, &desc);
    if (err != WASI_OK) {
        return err;
    }
    if ((desc->rights_base & right) == 0) {
        return WASI_ENOTCAPABLE;
    }
    if (is_node(desc)) {
        struct iso_vfs *fs = iso_wasi_desc_fs(wasi, desc);
        return fs->ops->node_sync(fs, desc->node, data_only);
    }
    return iso_wasi_stream_sync(wasi, desc, data_only);
}

enum iso_wasi_errno iso_wasi_abi_fd_datasync(struct iso_host_call *call)
{
    return sync_desc(call, WASI_RIGHT_FD_DATASYNC, true);
}

enum iso_wasi_errno iso_wasi_abi_fd_sync(struct iso_host_call *call)
{
    return sync_desc(call, WASI_RIGHT_FD_SYNC, false);
}

enum iso_wasi_errno iso_wasi_abi_fd_fdstat_get(struct iso_host_call *call)
{
    struct iso_wasi_desc *desc;
    enum iso_wasi_errno err = iso_wasi_abi_desc(call, &desc);
    if (err != WASI_OK) {
        return err;
    }
    uint8_t *out = iso_wasi_abi_memory(call, 1, WASI_SIZE_FDSTAT);
    if (out == NULL) {
        return WASI_EFAULT;
    }
    memset(out, 0, WASI_SIZE_FDSTAT);
    out[0] = (uint8_t)desc->filetype;
    iso_store_u16le(out + 2, desc->flags);
    iso_store_u64le(out + 8, desc->rights_base);
    iso_store_u64le(out + 16, desc->rights_inheriting);
    return WASI_OK;
}

enum iso_wasi_errno iso_wasi_abi_fd_fdstat_set_flags(struct iso_host_call *call)
{
    struct iso_wasi_desc *desc;
    uint32_t flags = iso_wasi_abi_u32(call, 1);
    enum iso_wasi_errno err = iso_wasi_abi_desc(call, &desc);
    if (err != WASI_OK) {
        return err;
    }
    if (desc->kind == ISO_WASI_DIR) {
        return WASI_EBADF;
    }
    if ((flags & ~(uint32_t)WASI_FDFLAGS_ALL) != 0) {
        return WASI_EINVAL;
    }
    if ((desc->rights_base & WASI_RIGHT_FD_FDSTAT_SET_FLAGS) == 0) {
        return WASI_ENOTCAPABLE;
    }
    if (desc->kind == ISO_WASI_FILE && ((flags ^ desc->flags) & WASI_FDFLAG_APPEND) != 0) {
        struct iso_vfs *fs = iso_wasi_desc_fs(iso_wasi_abi_self(call), desc);
        err = fs->ops->node_set_append(fs, desc->node, (flags & WASI_FDFLAG_APPEND) != 0);
    }
    if (err == WASI_OK) {
        desc->flags = (uint16_t)flags;
    }
    return err;
}

enum iso_wasi_errno iso_wasi_abi_fd_fdstat_set_rights(struct iso_host_call *call)
{
    struct iso_wasi_desc *desc;
    uint64_t base = iso_wasi_abi_u64(call, 1);
    uint64_t inheriting = iso_wasi_abi_u64(call, 2);
    enum iso_wasi_errno err = iso_wasi_abi_desc(call, &desc);
    if (err != WASI_OK) {
        return err;
    }
    if ((base & ~desc->rights_base) != 0 || (inheriting & ~desc->rights_inheriting) != 0) {
        return WASI_ENOTCAPABLE;
    }
    desc->rights_base = base;
    desc->rights_inheriting = inheriting;
    return WASI_OK;
}

static enum iso_wasi_errno filestat(const struct iso_host_call *call, struct iso_vfs_stat *out)
{
    struct iso_wasi *wasi = iso_wasi_abi_self(call);
    struct iso_wasi_desc *desc;
    enum iso_wasi_errno err = iso_wasi_abi_desc(call, &desc);
    if (err != WASI_OK) {
        return err;
    }
    if ((desc->rights_base & WASI_RIGHT_FD_FILESTAT_GET) == 0) {
        return WASI_ENOTCAPABLE;
    }
    if (is_node(desc)) {
        struct iso_vfs *fs = iso_wasi_desc_fs(wasi, desc);
        return fs->ops->node_stat(fs, desc->node, out);
    }
    return iso_wasi_stream_stat(wasi, desc, out);
}

void iso_wasi_abi_put_filestat(uint8_t *to, const struct iso_vfs_stat *st)
{
    memset(to, 0, WASI_SIZE_FILESTAT);
    iso_store_u64le(to, st->dev);
    iso_store_u64le(to + 8, st->ino);
    to[16] = (uint8_t)st->filetype;
    iso_store_u64le(to + 24, st->nlink);
    iso_store_u64le(to + 32, st->size);
    iso_store_u64le(to + 40, st->atim);
    iso_store_u64le(to + 48, st->mtim);
    iso_store_u64le(to + 56, st->ctim);
}

void iso_wasi_abi_put_filestat_p0(uint8_t *to, const struct iso_vfs_stat *st)
{
    memset(to, 0, WASI_SIZE_FILESTAT_P0);
    iso_store_u64le(to, st->dev);
    iso_store_u64le(to + 8, st->ino);
    to[16] = (uint8_t)st->filetype;
    iso_store_u32le(to + 20, st->nlink > UINT32_MAX ? UINT32_MAX : (uint32_t)st->nlink);
    iso_store_u64le(to + 24, st->size);
    iso_store_u64le(to + 32, st->atim);
    iso_store_u64le(to + 40, st->mtim);
    iso_store_u64le(to + 48, st->ctim);
}

enum iso_wasi_errno iso_wasi_abi_fd_filestat_get(struct iso_host_call *call)
{
    uint8_t *out = iso_wasi_abi_memory(call, 1, WASI_SIZE_FILESTAT);
    struct iso_vfs_stat st;
    enum iso_wasi_errno err = filestat(call, &st);
    if (err == WASI_OK && out == NULL) {
        err = WASI_EFAULT;
    }
    if (err == WASI_OK) {
        iso_wasi_abi_put_filestat(out, &st);
    }
    return err;
}

enum iso_wasi_errno iso_wasi_abi_fd_filestat_get_p0(struct iso_host_call *call)
{
    uint8_t *out = iso_wasi_abi_memory(call, 1, WASI_SIZE_FILESTAT_P0);
    struct iso_vfs_stat st;
    enum iso_wasi_errno err = filestat(call, &st);
    if (err == WASI_OK && out == NULL) {
        err = WASI_EFAULT;
    }
    if (err == WASI_OK) {
        iso_wasi_abi_put_filestat_p0(out, &st);
    }
    return err;
}

enum iso_wasi_errno iso_wasi_abi_fd_filestat_set_size(struct iso_host_call *call)
{
    struct iso_wasi_desc *desc;
    enum iso_wasi_errno err = iso_wasi_abi_file(call, WASI_RIGHT_FD_FILESTAT_SET_SIZE, &desc);
    if (err != WASI_OK) {
        return err;
    }
    struct iso_vfs *fs = iso_wasi_desc_fs(iso_wasi_abi_self(call), desc);
    return fs->ops->node_set_size(fs, desc->node, iso_wasi_abi_u64(call, 1));
}

enum iso_wasi_errno iso_wasi_abi_times(const struct iso_host_call *call, unsigned atim_arg,
                                       struct iso_vfs_times *out)
{
    uint32_t flags = iso_wasi_abi_u32(call, atim_arg + 2);
    uint32_t both_atim = WASI_FST_ATIM | WASI_FST_ATIM_NOW;
    uint32_t both_mtim = WASI_FST_MTIM | WASI_FST_MTIM_NOW;
    if ((flags & ~(uint32_t)WASI_FST_ALL) != 0 || (flags & both_atim) == both_atim ||
        (flags & both_mtim) == both_mtim) {
        return WASI_EINVAL;
    }
    out->atim = iso_wasi_abi_u64(call, atim_arg);
    out->mtim = iso_wasi_abi_u64(call, atim_arg + 1);
    out->flags = (uint16_t)flags;
    return WASI_OK;
}

enum iso_wasi_errno iso_wasi_abi_fd_filestat_set_times(struct iso_host_call *call)
{
    struct iso_wasi_desc *desc;
    struct iso_vfs_times times;
    enum iso_wasi_errno err = iso_wasi_abi_desc(call, &desc);
    if (err != WASI_OK) {
        return err;
    }
    if ((desc->rights_base & WASI_RIGHT_FD_FILESTAT_SET_TIMES) == 0 || !is_node(desc)) {
        return WASI_ENOTCAPABLE;
    }
    err = iso_wasi_abi_times(call, 1, &times);
    if (err != WASI_OK) {
        return err;
    }
    struct iso_vfs *fs = iso_wasi_desc_fs(iso_wasi_abi_self(call), desc);
    return fs->ops->node_set_times(fs, desc->node, &times);
}

/* The guest's name of the preopened directory that argument 0 is. */
static enum iso_wasi_errno prestat_name(const struct iso_host_call *call, struct iso_str *out)
{
    struct iso_wasi_desc *desc;
    enum iso_wasi_errno err = iso_wasi_abi_desc(call, &desc);
    if (err != WASI_OK) {
        return err;
    }
    if (!desc->preopen) {
        return WASI_EBADF;
    }
    *out = iso_str_from_z(iso_wasi_abi_self(call)->grants[desc->source].guest_path);
    return WASI_OK;
}

enum iso_wasi_errno iso_wasi_abi_fd_prestat_get(struct iso_host_call *call)
{
    struct iso_str name;
    enum iso_wasi_errno err = prestat_name(call, &name);
    if (err != WASI_OK) {
        return err;
    }
    uint8_t *out = iso_wasi_abi_memory(call, 1, WASI_SIZE_PRESTAT);
    if (out == NULL) {
        return WASI_EFAULT;
    }
    memset(out, 0, WASI_SIZE_PRESTAT); /* tag 0: a directory */
    iso_store_u32le(out + 4, (uint32_t)name.len);
    return WASI_OK;
}

enum iso_wasi_errno iso_wasi_abi_fd_prestat_dir_name(struct iso_host_call *call)
{
    struct iso_str name;
    enum iso_wasi_errno err = prestat_name(call, &name);
    if (err != WASI_OK) {
        return err;
    }
    if (iso_wasi_abi_u32(call, 2) < name.len) {
        return WASI_ENAMETOOLONG;
    }
    uint8_t *out = iso_wasi_abi_memory(call, 1, (uint32_t)name.len);
    if (out == NULL) {
        return WASI_EFAULT;
    }
    memcpy(out, name.ptr, name.len);
    return WASI_OK;
}

/* Copy as much of `bytes` as fits; false when it was cut. */
static bool put_part(uint8_t *out, uint32_t cap, uint32_t *used, const void *bytes, size_t len)
{
    size_t part = len < cap - *used ? len : cap - *used;
    iso_memory_copy(out + *used, bytes, part);
    *used += (uint32_t)part;
    return part == len;
}

/* Fill the buffer from entry `cookie` on; the last entry may be cut, and then the buffer is full.
 */
static uint32_t put_entries(const struct iso_wasi_listing *listing, uint64_t cookie, uint8_t *out,
                            uint32_t cap)
{
    uint32_t used = 0;
    for (uint64_t i = cookie; i < iso_wasi_listing_count(listing); i++) {
        struct iso_wasi_dirent entry = iso_wasi_listing_at(listing, i);
        uint8_t head[WASI_SIZE_DIRENT] = {0};
        iso_store_u64le(head, i + 1);
        iso_store_u64le(head + 8, entry.ino);
        iso_store_u32le(head + 16, (uint32_t)entry.name.len);
        head[20] = (uint8_t)entry.filetype;
        if (!put_part(out, cap, &used, head, sizeof head) ||
            !put_part(out, cap, &used, entry.name.ptr, entry.name.len)) {
            break;
        }
    }
    return used;
}

enum iso_wasi_errno iso_wasi_abi_fd_readdir(struct iso_host_call *call)
{
    struct iso_wasi *wasi = iso_wasi_abi_self(call);
    uint32_t cap = iso_wasi_abi_u32(call, 2);
    uint64_t cookie = iso_wasi_abi_u64(call, 3);
    uint8_t *out = iso_wasi_abi_memory(call, 1, cap);
    uint8_t *used_out = iso_wasi_abi_memory(call, 4, 4);
    struct iso_wasi_desc *desc;
    enum iso_wasi_errno err = iso_wasi_abi_dir(call, 0, WASI_RIGHT_FD_READDIR, &desc);
    if (err != WASI_OK) {
        return err;
    }
    if (out == NULL || used_out == NULL) {
        return WASI_EFAULT;
    }
    if (cookie == 0 || desc->listing == NULL) {
        struct iso_wasi_listing *listing;
        err = iso_wasi_listing_create(wasi, desc, &listing);
        if (err != WASI_OK) {
            return err;
        }
        iso_wasi_listing_destroy(wasi, desc->listing);
        desc->listing = listing;
    }
    uint32_t used = put_entries(desc->listing, cookie, out, cap);
    iso_store_u32le(used_out, used);
    if (used < cap) {
        /* The guest sees the end. Should it ask again, the directory is read again. */
        iso_wasi_listing_destroy(wasi, desc->listing);
        desc->listing = NULL;
    }
    return WASI_OK;
}

enum iso_wasi_errno iso_wasi_abi_fd_renumber(struct iso_host_call *call)
{
    return iso_wasi_desc_renumber(iso_wasi_abi_self(call), iso_wasi_abi_u32(call, 0),
                                  iso_wasi_abi_u32(call, 1));
}

/* Where a seek leads in a regular file. */
static enum iso_wasi_errno seek_file(struct iso_wasi *wasi, struct iso_wasi_desc *desc,
                                     int64_t delta, enum iso_wasi_whence whence, uint64_t *out)
{
    uint64_t from = whence == WASI_WHENCE_CUR ? desc->offset : 0;
    if (whence == WASI_WHENCE_END) {
        struct iso_vfs *fs = iso_wasi_desc_fs(wasi, desc);
        struct iso_vfs_stat st;
        enum iso_wasi_errno err = fs->ops->node_stat(fs, desc->node, &st);
        if (err != WASI_OK) {
            return err;
        }
        from = st.size;
    }
    /* from is at most INT64_MAX: neither sum overflows. */
    if (delta < 0 ? from < (uint64_t)0 - (uint64_t)delta
                  : (uint64_t)delta > (uint64_t)INT64_MAX - from) {
        return delta < 0 ? WASI_EINVAL : WASI_EOVERFLOW;
    }
    desc->offset = from + (uint64_t)delta;
    *out = desc->offset;
    return WASI_OK;
}

static enum iso_wasi_errno seek_desc(const struct iso_host_call *call, int64_t delta,
                                     enum iso_wasi_whence whence, uint8_t *out)
{
    struct iso_wasi *wasi = iso_wasi_abi_self(call);
    struct iso_wasi_desc *desc;
    enum iso_wasi_errno err = iso_wasi_abi_desc(call, &desc);
    if (err != WASI_OK) {
        return err;
    }
    if (desc->kind == ISO_WASI_DIR) {
        return WASI_EBADF;
    }
    if (desc->kind != ISO_WASI_FILE && !is_stream(desc)) {
        return WASI_ESPIPE;
    }
    uint64_t right = WASI_RIGHT_FD_SEEK;
    if (delta == 0 && whence == WASI_WHENCE_CUR) {
        right |= WASI_RIGHT_FD_TELL; /* asking where it stands: either right will do */
    }
    if ((desc->rights_base & right) == 0) {
        return is_stream(desc) ? WASI_ESPIPE : WASI_ENOTCAPABLE;
    }
    if (out == NULL) {
        return WASI_EFAULT;
    }
    uint64_t offset;
    err = desc->kind == ISO_WASI_FILE ? seek_file(wasi, desc, delta, whence, &offset)
                                      : iso_wasi_stream_seek(wasi, desc, delta, whence, &offset);
    if (err == WASI_OK) {
        iso_store_u64le(out, offset);
    }
    return err;
}

enum iso_wasi_errno iso_wasi_abi_fd_seek(struct iso_host_call *call)
{
    uint32_t whence = iso_wasi_abi_u32(call, 2);
    if (whence > WASI_WHENCE_END) {
        return WASI_EINVAL;
    }
    return seek_desc(call, (int64_t)iso_wasi_abi_u64(call, 1), (enum iso_wasi_whence)whence,
                     iso_wasi_abi_memory(call, 3, 8));
}

enum iso_wasi_errno iso_wasi_abi_fd_seek_p0(struct iso_host_call *call)
{
    static const enum iso_wasi_whence order[] = {WASI_WHENCE_CUR, WASI_WHENCE_END, WASI_WHENCE_SET};
    uint32_t whence = iso_wasi_abi_u32(call, 2);
    if (whence >= ISO_COUNT_OF(order)) {
        return WASI_EINVAL;
    }
    return seek_desc(call, (int64_t)iso_wasi_abi_u64(call, 1), order[whence],
                     iso_wasi_abi_memory(call, 3, 8));
}

enum iso_wasi_errno iso_wasi_abi_fd_tell(struct iso_host_call *call)
{
    return seek_desc(call, 0, WASI_WHENCE_CUR, iso_wasi_abi_memory(call, 1, 8));
}
