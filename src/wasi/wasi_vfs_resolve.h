/* wasi_vfs_resolve.h - from a path to an open directory and one name in it. */
#ifndef ISO_WASI_VFS_RESOLVE_H
#define ISO_WASI_VFS_RESOLVE_H

#include "wasi/wasi_vfs.h"

/* Where a path leads: `leaf`, which is one name or ".", in an open directory. */
struct iso_vfs_place {
    struct iso_vfs *fs;
    union iso_vfs_node dir;
    bool owned; /* dir was opened on the way: iso_vfs_place_fini closes it */
    bool slash; /* the path ended with a slash: leaf has to be a directory */
    char leaf[ISO_VFS_NAME_MAX + 1];
};

/*
 * Find the place of a path. When follow is set - or follow_slash, should the path end with a slash
 * - the leaf is no symlink at the time of looking (and operations on it do not follow one that
 * appears later). On success the place must be released with iso_vfs_place_fini.
 */
enum iso_wasi_errno iso_vfs_resolve(const struct iso_vfs_path *at, bool follow, bool follow_slash,
                                    struct iso_vfs_place *out);
void iso_vfs_place_fini(struct iso_vfs_place *place);

#endif
