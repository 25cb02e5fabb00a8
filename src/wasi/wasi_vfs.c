/*
 * wasi_vfs.c - operations on paths, for every file system alike: what a trailing slash, "." as the
 * last name and links mean for each of them (POSIX.1-2017, 4.13 Pathname Resolution, as Linux
 * reads it).
 *
 * The looks at a leaf before an operation on it (for a trailing slash) choose between error codes
 * only. Nothing about safety depends on them: operations on a leaf never follow links.
 */
#include "wasi/wasi_vfs.h"

#include "wasi/wasi_vfs_resolve.h"

static bool is_dot(const struct iso_vfs_place *place)
{
    return strcmp(place->leaf, ".") == 0;
}

/* The leaf's type, for the sake of a trailing slash. */
static enum iso_wasi_errno leaf_type(const struct iso_vfs_place *place,
                                     enum iso_wasi_filetype *type)
{
    struct iso_vfs_stat st;
    enum iso_wasi_errno err = place->fs->ops->stat(place->fs, place->dir, place->leaf, &st);
    if (err == WASI_OK) {
        *type = st.filetype;
    }
    return err;
}

/* ENOTDIR when the path ended with a slash and the leaf is something else than a directory. */
static enum iso_wasi_errno check_slash(const struct iso_vfs_place *place)
{
    enum iso_wasi_filetype type;
    if (!place->slash) {
        return WASI_OK;
    }
    enum iso_wasi_errno err = leaf_type(place, &type);
    if (err != WASI_OK) {
        return err;
    }
    return type == WASI_FILETYPE_DIRECTORY ? WASI_OK : WASI_ENOTDIR;
}

static enum iso_wasi_errno open_once(const struct iso_vfs_path *at, bool follow,
                                     struct iso_vfs_open *how, union iso_vfs_node *out)
{
    struct iso_vfs_place place;
    enum iso_wasi_errno err = iso_vfs_resolve(at, follow, !how->create, &place);
    if (err != WASI_OK) {
        return err;
    }
    if (place.slash && how->create) {
        err = WASI_EISDIR; /* whatever there is, as Linux */
    }
    if (err == WASI_OK) {
        how->directory = how->directory || place.slash;
        err = place.fs->ops->open(place.fs, place.dir, place.leaf, how, out);
    }
    iso_vfs_place_fini(&place);
    return err;
}

enum iso_wasi_errno iso_vfs_open(const struct iso_vfs_path *at, bool follow,
                                 struct iso_vfs_open *how, union iso_vfs_node *out)
{
    if (how->create && how->exclusive) {
        follow = false;
    }
    if (at->fs->ops->open_path != NULL) {
        char path[ISO_VFS_PATH_MAX];
        enum iso_wasi_errno err = iso_vfs_path_check(at->path, path);
        if (err != WASI_OK) {
            return err;
        }
        if (path[0] == '/') {
            return WASI_ENOTCAPABLE;
        }
        /* A trailing slash has rules of its own, which stand in open_once. */
        if (at->path.ptr[at->path.len - 1] != '/') {
            err = at->fs->ops->open_path(at->fs, at->dir, path, follow, how, out);
            if (err != WASI_ENOSYS) {
                return err;
            }
        }
    }
    /* When somebody puts a link where there was none when we looked: look again. */
    enum iso_wasi_errno err = WASI_ELOOP;
    for (int tries = 0; tries < 8 && err == WASI_ELOOP; tries++) {
        err = open_once(at, follow, how, out);
        if (!follow) {
            break;
        }
    }
    return err;
}

enum iso_wasi_errno iso_vfs_stat(const struct iso_vfs_path *at, bool follow,
                                 struct iso_vfs_stat *out)
{
    struct iso_vfs_place place;
    enum iso_wasi_errno err = iso_vfs_resolve(at, follow, true, &place);
    if (err != WASI_OK) {
        return err;
    }
    err = place.fs->ops->stat(place.fs, place.dir, place.leaf, out);
    if (err == WASI_OK && place.slash && out->filetype != WASI_FILETYPE_DIRECTORY) {
        err = WASI_ENOTDIR;
    }
    iso_vfs_place_fini(&place);
    return err;
}

enum iso_wasi_errno iso_vfs_set_times(const struct iso_vfs_path *at, bool follow,
                                      const struct iso_vfs_times *times)
{
    struct iso_vfs_place place;
    enum iso_wasi_errno err = iso_vfs_resolve(at, follow, true, &place);
    if (err != WASI_OK) {
        return err;
    }
    err = check_slash(&place);
    if (err == WASI_OK) {
        err = place.fs->ops->set_times(place.fs, place.dir, place.leaf, times);
    }
    iso_vfs_place_fini(&place);
    return err;
}

enum iso_wasi_errno iso_vfs_readlink(const struct iso_vfs_path *at, char *out, size_t cap,
                                     size_t *len)
{
    struct iso_vfs_place place;
    enum iso_wasi_errno err = iso_vfs_resolve(at, false, true, &place);
    if (err != WASI_OK) {
        return err;
    }
    err = is_dot(&place) ? WASI_EINVAL : check_slash(&place);
    if (err == WASI_OK) {
        err = place.fs->ops->readlink(place.fs, place.dir, place.leaf, out, cap, len);
    }
    iso_vfs_place_fini(&place);
    return err;
}

enum iso_wasi_errno iso_vfs_mkdir(const struct iso_vfs_path *at)
{
    struct iso_vfs_place place;
    enum iso_wasi_errno err = iso_vfs_resolve(at, false, false, &place);
    if (err != WASI_OK) {
        return err;
    }
    err = is_dot(&place) ? WASI_EEXIST : place.fs->ops->mkdir(place.fs, place.dir, place.leaf);
    iso_vfs_place_fini(&place);
    return err;
}

enum iso_wasi_errno iso_vfs_rmdir(const struct iso_vfs_path *at)
{
    struct iso_vfs_place place;
    enum iso_wasi_errno err = iso_vfs_resolve(at, false, false, &place);
    if (err != WASI_OK) {
        return err;
    }
    err = is_dot(&place) ? WASI_EINVAL : place.fs->ops->rmdir(place.fs, place.dir, place.leaf);
    iso_vfs_place_fini(&place);
    return err;
}

enum iso_wasi_errno iso_vfs_unlink(const struct iso_vfs_path *at)
{
    struct iso_vfs_place place;
    enum iso_wasi_errno err = iso_vfs_resolve(at, false, false, &place);
    if (err != WASI_OK) {
        return err;
    }
    if (is_dot(&place)) {
        err = WASI_EISDIR;
    } else {
        err = check_slash(&place);
    }
    if (err == WASI_OK) {
        err = place.fs->ops->unlink(place.fs, place.dir, place.leaf);
    }
    iso_vfs_place_fini(&place);
    return err;
}

/* For a new name that is not to be a directory: what "name/" is answered. */
static enum iso_wasi_errno check_new(const struct iso_vfs_place *place)
{
    enum iso_wasi_filetype type;
    if (is_dot(place)) {
        return WASI_EEXIST;
    }
    if (!place->slash) {
        return WASI_OK;
    }
    enum iso_wasi_errno err = leaf_type(place, &type);
    if (err != WASI_OK) {
        return err;
    }
    return type == WASI_FILETYPE_DIRECTORY ? WASI_EEXIST : WASI_ENOTDIR;
}

enum iso_wasi_errno iso_vfs_symlink(struct iso_str target, const struct iso_vfs_path *at)
{
    char text[ISO_VFS_PATH_MAX];
    enum iso_wasi_errno err = iso_vfs_path_check(target, text);
    if (err != WASI_OK) {
        return err;
    }
    if (text[0] == '/') {
        return WASI_ENOTCAPABLE;
    }
    struct iso_vfs_place place;
    err = iso_vfs_resolve(at, false, false, &place);
    if (err != WASI_OK) {
        return err;
    }
    err = check_new(&place);
    if (err == WASI_OK) {
        err = place.fs->ops->symlink(place.fs, text, place.dir, place.leaf);
    }
    iso_vfs_place_fini(&place);
    return err;
}

enum iso_wasi_errno iso_vfs_link(const struct iso_vfs_path *from, bool follow,
                                 const struct iso_vfs_path *to)
{
    struct iso_vfs_place source;
    struct iso_vfs_place dest;
    enum iso_wasi_errno err = iso_vfs_resolve(from, follow, true, &source);
    if (err != WASI_OK) {
        return err;
    }
    err = iso_vfs_resolve(to, false, false, &dest);
    if (err == WASI_OK) {
        err = is_dot(&source) ? WASI_EPERM : check_slash(&source);
        if (err == WASI_OK) {
            err = check_new(&dest);
        }
        if (err == WASI_OK) {
            err = from->fs != to->fs ? WASI_EXDEV
                                     : source.fs->ops->link(source.fs, source.dir, source.leaf,
                                                            dest.dir, dest.leaf);
        }
        iso_vfs_place_fini(&dest);
    }
    iso_vfs_place_fini(&source);
    return err;
}

/* Either path ending with a slash says that a directory is meant. */
static enum iso_wasi_errno check_rename(const struct iso_vfs_place *source,
                                        const struct iso_vfs_place *dest)
{
    if (is_dot(source) || is_dot(dest)) {
        return WASI_EBUSY;
    }
    if (!source->slash && !dest->slash) {
        return WASI_OK;
    }
    enum iso_wasi_filetype type;
    enum iso_wasi_errno err = leaf_type(source, &type);
    if (err == WASI_OK && type != WASI_FILETYPE_DIRECTORY) {
        err = WASI_ENOTDIR;
    }
    return err;
}

enum iso_wasi_errno iso_vfs_rename(const struct iso_vfs_path *from, const struct iso_vfs_path *to)
{
    struct iso_vfs_place source;
    struct iso_vfs_place dest;
    enum iso_wasi_errno err = iso_vfs_resolve(from, false, false, &source);
    if (err != WASI_OK) {
        return err;
    }
    err = iso_vfs_resolve(to, false, false, &dest);
    if (err == WASI_OK) {
        err = check_rename(&source, &dest);
        if (err == WASI_OK) {
            err = from->fs != to->fs ? WASI_EXDEV
                                     : source.fs->ops->rename(source.fs, source.dir, source.leaf,
                                                              dest.dir, dest.leaf);
        }
        iso_vfs_place_fini(&dest);
    }
    iso_vfs_place_fini(&source);
    return err;
}
