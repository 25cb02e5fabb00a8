/*
 * wasi_vfs_resolve.c - path resolution beneath a directory, one component at a time.
 *
 * The guarantee: every directory on the way was reached from `at->dir` by steps that do not follow
 * links and do not go up. Going up ("..") means to walk the names that are left again from the
 * start, and links are replaced by their text, so nobody who renames directories or swaps them for
 * links meanwhile can lead the guest out: at worst it ends in a directory that was beneath
 * `at->dir` when it was stepped into.
 *
 * Where the file system resolves whole paths itself (openat2 with RESOLVE_BENEATH) the directory
 * part goes there in one call; only the last name is looked at here.
 */
#include "wasi/wasi_vfs_resolve.h"

/* State of one resolution. */
struct walk {
    struct iso_vfs *fs;
    union iso_vfs_node base;
    union iso_vfs_node cur; /* valid and to be closed when depth of trail > 0, or fast was used */
    bool cur_owned;
    unsigned links;               /* links expanded so far */
    char todo[ISO_VFS_PATH_MAX];  /* what is still to be walked */
    char trail[ISO_VFS_PATH_MAX]; /* names from base to cur, separated by slashes */
    size_t trail_len;
    size_t fast_len; /* length of the directory part of todo that walk_path resolved */
};

enum iso_wasi_errno iso_vfs_path_check(struct iso_str path, char copy[ISO_VFS_PATH_MAX])
{
    if (path.len == 0) {
        return WASI_ENOENT;
    }
    if (memchr(path.ptr, 0, path.len) != NULL) {
        return WASI_EINVAL;
    }
    if (!iso_utf8_valid(path.ptr, path.len)) {
        return WASI_EILSEQ;
    }
    if (path.len >= ISO_VFS_PATH_MAX) {
        return WASI_ENAMETOOLONG;
    }
    memcpy(copy, path.ptr, path.len);
    copy[path.len] = '\0';
    return WASI_OK;
}

static void walk_close(struct walk *w)
{
    if (w->cur_owned) {
        w->fs->ops->close(w->fs, w->cur);
    }
    w->cur = w->base;
    w->cur_owned = false;
}

/* Step from cur into name. */
static enum iso_wasi_errno walk_step(struct walk *w, const char *name)
{
    union iso_vfs_node next;
    enum iso_wasi_errno err = w->fs->ops->walk(w->fs, w->cur, name, &next);
    if (err != WASI_OK) {
        return err;
    }
    walk_close(w);
    w->cur = next;
    w->cur_owned = true;
    return WASI_OK;
}

/* Take the next component of *text into name. False at the end. Leaves *text behind it. */
static bool next_name(const char **text, char name[ISO_VFS_NAME_MAX + 1], enum iso_wasi_errno *err)
{
    const char *p = *text;
    while (*p == '/') {
        p++;
    }
    size_t len = strcspn(p, "/");
    *text = p + len;
    *err = WASI_OK;
    if (len == 0) {
        return false;
    }
    if (len > ISO_VFS_NAME_MAX) {
        *err = WASI_ENAMETOOLONG;
        return false;
    }
    memcpy(name, p, len);
    name[len] = '\0';
    return true;
}

/* Go up one level: walk all names but the last from the base again. */
static enum iso_wasi_errno walk_up(struct walk *w)
{
    if (w->trail_len == 0) {
        return WASI_ENOTCAPABLE;
    }
    while (w->trail_len > 0 && w->trail[w->trail_len - 1] != '/') {
        w->trail_len--;
    }
    if (w->trail_len > 0) {
        w->trail_len--; /* the slash */
    }
    w->trail[w->trail_len] = '\0';
    walk_close(w);
    const char *text = w->trail;
    char name[ISO_VFS_NAME_MAX + 1];
    enum iso_wasi_errno err;
    while (next_name(&text, name, &err)) {
        err = walk_step(w, name);
        if (err != WASI_OK) {
            return err;
        }
    }
    return WASI_OK;
}

static enum iso_wasi_errno trail_push(struct walk *w, const char *name)
{
    size_t len = strlen(name);
    if (w->trail_len + len + 2 > sizeof w->trail) {
        return WASI_ENAMETOOLONG;
    }
    if (w->trail_len > 0) {
        w->trail[w->trail_len++] = '/';
    }
    memcpy(w->trail + w->trail_len, name, len + 1);
    w->trail_len += len;
    return WASI_OK;
}

/*
 * Read the link `name` in cur and make todo = prefix of todo (prefix_len bytes) + target + rest.
 * EINVAL when it is no link. rest points into todo.
 */
static enum iso_wasi_errno expand(struct walk *w, const char *name, size_t prefix_len,
                                  const char *rest)
{
    char target[ISO_VFS_PATH_MAX];
    size_t len;
    enum iso_wasi_errno err =
        w->fs->ops->readlink(w->fs, w->cur, name, target, sizeof target, &len);
    if (err != WASI_OK) {
        return err;
    }
    if (++w->links > ISO_VFS_SYMLINKS_MAX) {
        return WASI_ELOOP;
    }
    if (len == 0) {
        return WASI_ENOENT;
    }
    if (target[0] == '/') {
        return WASI_ENOTCAPABLE;
    }
    size_t rest_len = strlen(rest);
    if (len >= sizeof target || prefix_len + len + rest_len >= sizeof w->todo) {
        return WASI_ENAMETOOLONG;
    }
    memmove(w->todo + prefix_len + len, rest, rest_len + 1);
    memcpy(w->todo + prefix_len, target, len);
    return WASI_OK;
}

/* Whether nothing but slashes is left. */
static bool at_end(const char *text)
{
    return text[strspn(text, "/")] == '\0';
}

/*
 * Hand the directory part of todo to the file system. On success *last points at the last name;
 * a path that ends with "." or ".." is walked whole and *last at its terminator.
 */
static enum iso_wasi_errno walk_fast(struct walk *w, const char **last)
{
    size_t end = strlen(w->todo);
    while (end > 0 && w->todo[end - 1] == '/') {
        end--;
    }
    size_t start = end;
    while (start > 0 && w->todo[start - 1] != '/') {
        start--;
    }
    size_t len = end - start;
    bool dots = (len == 1 && w->todo[start] == '.') ||
                (len == 2 && w->todo[start] == '.' && w->todo[start + 1] == '.');
    size_t dir_len = dots ? end : start;
    *last = w->todo + dir_len;
    walk_close(w);
    w->fast_len = dir_len;
    if (dir_len == 0) {
        return WASI_OK;
    }
    char dir[ISO_VFS_PATH_MAX];
    memcpy(dir, w->todo, dir_len);
    dir[dir_len] = '\0';
    union iso_vfs_node next;
    enum iso_wasi_errno err = w->fs->ops->walk_path(w->fs, w->base, dir, &next);
    if (err == WASI_OK) {
        w->cur = next;
        w->cur_owned = true;
    }
    return err;
}

/* Give cur and the leaf to the caller. */
static enum iso_wasi_errno arrive(struct walk *w, const char *leaf, bool slash,
                                  struct iso_vfs_place *out)
{
    out->fs = w->fs;
    out->dir = w->cur;
    out->owned = w->cur_owned;
    out->slash = slash;
    memcpy(out->leaf, leaf, strlen(leaf) + 1);
    return WASI_OK;
}

/* With walk_path: ENOSYS when the kernel cannot do it after all. */
static enum iso_wasi_errno resolve_fast(struct walk *w, bool follow, bool follow_slash,
                                        struct iso_vfs_place *out)
{
    for (;;) {
        const char *last;
        enum iso_wasi_errno err = walk_fast(w, &last);
        if (err != WASI_OK) {
            return err;
        }
        char name[ISO_VFS_NAME_MAX + 1];
        if (!next_name(&last, name, &err)) {
            return err != WASI_OK ? err : arrive(w, ".", false, out);
        }
        bool slash = *last == '/';
        if (slash ? follow_slash : follow) {
            err = expand(w, name, w->fast_len, last);
            if (err == WASI_OK) {
                continue;
            }
            if (err == WASI_ELOOP || err == WASI_ENOTCAPABLE || err == WASI_ENAMETOOLONG) {
                return err;
            }
        }
        return arrive(w, name, slash, out);
    }
}

/* One component that is not the last. *text is behind it. */
static enum iso_wasi_errno pass(struct walk *w, const char *name, const char **text)
{
    enum iso_wasi_errno err = walk_step(w, name);
    if (err == WASI_OK) {
        return trail_push(w, name);
    }
    if (err != WASI_ENOTDIR && err != WASI_ELOOP) {
        return err;
    }
    err = expand(w, name, 0, *text);
    *text = w->todo;
    return err == WASI_EINVAL ? WASI_ENOTDIR : err;
}

static enum iso_wasi_errno resolve_slow(struct walk *w, bool follow, bool follow_slash,
                                        struct iso_vfs_place *out)
{
    const char *text = w->todo;
    char name[ISO_VFS_NAME_MAX + 1];
    enum iso_wasi_errno err;
    while (next_name(&text, name, &err)) {
        bool last = at_end(text);
        bool slash = *text == '/';
        if (strcmp(name, ".") == 0) {
            continue;
        }
        if (strcmp(name, "..") == 0) {
            err = walk_up(w);
        } else if (!last) {
            err = pass(w, name, &text);
        } else if (slash ? follow_slash : follow) {
            err = expand(w, name, 0, text);
            if (err != WASI_OK && err != WASI_ELOOP && err != WASI_ENOTCAPABLE &&
                err != WASI_ENAMETOOLONG) {
                return arrive(w, name, slash, out);
            }
            text = w->todo;
        } else {
            return arrive(w, name, slash, out);
        }
        if (err != WASI_OK) {
            return err;
        }
    }
    return err != WASI_OK ? err : arrive(w, ".", false, out);
}

enum iso_wasi_errno iso_vfs_resolve(const struct iso_vfs_path *at, bool follow, bool follow_slash,
                                    struct iso_vfs_place *out)
{
    struct walk w;
    enum iso_wasi_errno err = iso_vfs_path_check(at->path, w.todo);
    if (err != WASI_OK) {
        return err;
    }
    if (w.todo[0] == '/') {
        return WASI_ENOTCAPABLE;
    }
    w.fs = at->fs;
    w.base = at->dir;
    w.cur = at->dir;
    w.cur_owned = false;
    w.links = 0;
    w.trail_len = 0;
    w.trail[0] = '\0';
    err = WASI_ENOSYS;
    if (at->fs->ops->walk_path != NULL) {
        err = resolve_fast(&w, follow, follow_slash, out);
    }
    if (err == WASI_ENOSYS) {
        walk_close(&w);
        memcpy(w.todo, at->path.ptr, at->path.len);
        w.todo[at->path.len] = '\0';
        w.links = 0;
        err = resolve_slow(&w, follow, follow_slash, out);
    }
    if (err != WASI_OK) {
        walk_close(&w);
    }
    return err;
}

void iso_vfs_place_fini(struct iso_vfs_place *place)
{
    if (place->owned) {
        place->fs->ops->close(place->fs, place->dir);
        place->owned = false;
    }
}
