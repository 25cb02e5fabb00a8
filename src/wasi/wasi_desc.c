/*
 * wasi_desc.c - the descriptor table, and the paths by which descriptors were opened.
 */
#include "wasi/wasi_internal.h"

struct iso_wasi_desc *iso_wasi_desc_get(struct iso_wasi *wasi, uint32_t fd)
{
    if (fd >= wasi->desc_cap || wasi->descs[fd].kind == ISO_WASI_FREE) {
        return NULL;
    }
    return &wasi->descs[fd];
}

/* Make the table hold descriptor fd. */
static enum iso_wasi_errno reserve(struct iso_wasi *wasi, uint32_t fd)
{
    if (fd >= wasi->desc_max) {
        return WASI_EMFILE;
    }
    if (fd < wasi->desc_cap) {
        return WASI_OK;
    }
    uint32_t cap = wasi->desc_cap < 16 ? 16 : wasi->desc_cap * 2;
    cap = cap <= fd ? fd + 1 : cap;
    struct iso_wasi_desc *descs = iso_alloc_resize(
        wasi->alloc, wasi->descs, wasi->desc_cap * sizeof *descs, (size_t)cap * sizeof *descs);
    if (descs == NULL) {
        return WASI_ENOMEM;
    }
    memset(descs + wasi->desc_cap, 0, (size_t)(cap - wasi->desc_cap) * sizeof *descs);
    wasi->descs = descs;
    wasi->desc_cap = cap;
    return WASI_OK;
}

enum iso_wasi_errno iso_wasi_desc_put(struct iso_wasi *wasi, const struct iso_wasi_desc *desc,
                                      uint32_t fd)
{
    enum iso_wasi_errno err = reserve(wasi, fd);
    if (err != WASI_OK) {
        return err;
    }
    ISO_ASSERT(wasi->descs[fd].kind == ISO_WASI_FREE);
    wasi->descs[fd] = *desc;
    return WASI_OK;
}

enum iso_wasi_errno iso_wasi_desc_add(struct iso_wasi *wasi, const struct iso_wasi_desc *desc,
                                      uint32_t *fd)
{
    uint32_t at = wasi->lowest_free;
    while (at < wasi->desc_cap && wasi->descs[at].kind != ISO_WASI_FREE) {
        at++;
    }
    enum iso_wasi_errno err = iso_wasi_desc_put(wasi, desc, at);
    if (err == WASI_OK) {
        wasi->lowest_free = at + 1;
        *fd = at;
    }
    return err;
}

struct iso_vfs *iso_wasi_desc_fs(const struct iso_wasi *wasi, const struct iso_wasi_desc *desc)
{
    return wasi->grants[desc->source].fs;
}

void iso_wasi_desc_fini(struct iso_wasi *wasi, struct iso_wasi_desc *desc)
{
    struct iso_vfs *fs;
    switch (desc->kind) {
    case ISO_WASI_FILE:
    case ISO_WASI_DIR:
    case ISO_WASI_PIPE:
        fs = iso_wasi_desc_fs(wasi, desc);
        fs->ops->close(fs, desc->node);
        break;
    case ISO_WASI_SOCKET:
    case ISO_WASI_LISTENER:
        if (desc->owned) {
            iso_wasi_socket_close(desc->node.fd);
        }
        break;
    case ISO_WASI_STDIO:
    case ISO_WASI_FREE:
        break;
    }
    iso_wasi_path_free(wasi, desc->path);
    iso_wasi_listing_destroy(wasi, desc->listing);
    memset(desc, 0, sizeof *desc);
}

void iso_wasi_desc_close(struct iso_wasi *wasi, uint32_t fd)
{
    iso_wasi_desc_fini(wasi, &wasi->descs[fd]);
    if (fd < wasi->lowest_free) {
        wasi->lowest_free = fd;
    }
}

enum iso_wasi_errno iso_wasi_desc_renumber(struct iso_wasi *wasi, uint32_t from, uint32_t to)
{
    if (iso_wasi_desc_get(wasi, from) == NULL || iso_wasi_desc_get(wasi, to) == NULL) {
        return WASI_EBADF;
    }
    if (from == to) {
        return WASI_OK;
    }
    iso_wasi_desc_fini(wasi, &wasi->descs[to]);
    wasi->descs[to] = wasi->descs[from];
    memset(&wasi->descs[from], 0, sizeof wasi->descs[from]);
    if (from < wasi->lowest_free) {
        wasi->lowest_free = from;
    }
    return WASI_OK;
}

void iso_wasi_desc_close_all(struct iso_wasi *wasi)
{
    for (uint32_t fd = 0; fd < wasi->desc_cap; fd++) {
        iso_wasi_desc_fini(wasi, &wasi->descs[fd]);
    }
    wasi->lowest_free = 0;
}

enum iso_wasi_errno iso_wasi_desc_from_node(struct iso_wasi *wasi, uint32_t grant,
                                            union iso_vfs_node node, uint64_t wanted_base,
                                            uint64_t wanted_inheriting, struct iso_wasi_desc *out)
{
    struct iso_vfs *fs = wasi->grants[grant].fs;
    struct iso_vfs_stat st;
    enum iso_wasi_errno err = fs->ops->node_stat(fs, node, &st);
    if (err != WASI_OK) {
        return err;
    }
    memset(out, 0, sizeof *out);
    out->filetype = st.filetype;
    out->source = grant;
    out->node = node;
    switch (st.filetype) {
    case WASI_FILETYPE_DIRECTORY:
        out->kind = ISO_WASI_DIR;
        out->rights_base = wanted_base & WASI_RIGHTS_DIR;
        out->rights_inheriting = wanted_inheriting;
        break;
    case WASI_FILETYPE_REGULAR_FILE:
        out->kind = ISO_WASI_FILE;
        out->rights_base = wanted_base & WASI_RIGHTS_FILE;
        break;
    default:
        out->kind = ISO_WASI_PIPE;
        out->rights_base = wanted_base & WASI_RIGHTS_STREAM;
        break;
    }
    return WASI_OK;
}

/* ---- Paths ------------------------------------------------------------------------------- */

/* Append the components of text to out but "." and empty ones. False when it gets too long. */
static bool append_tidy(char *out, size_t *len, const char *text, size_t text_len)
{
    size_t at = 0;
    while (at < text_len) {
        size_t end = at;
        while (end < text_len && text[end] != '/') {
            end++;
        }
        size_t part = end - at;
        if (part > 0 && !(part == 1 && text[at] == '.')) {
            if (*len + part + 2 > ISO_VFS_PATH_MAX) {
                return false;
            }
            if (*len > 0) {
                out[(*len)++] = '/';
            }
            memcpy(out + *len, text + at, part);
            *len += part;
        }
        at = end + 1;
    }
    return true;
}

char *iso_wasi_path_join(struct iso_wasi *wasi, const char *dir, struct iso_str path)
{
    char text[ISO_VFS_PATH_MAX];
    size_t len = 0;
    if (dir == NULL || !append_tidy(text, &len, dir, strlen(dir)) ||
        !append_tidy(text, &len, path.ptr, path.len)) {
        return NULL;
    }
    if (len == 0) {
        text[len++] = '.';
    }
    char *copy = iso_alloc_new(wasi->alloc, len + 1);
    if (copy != NULL) {
        memcpy(copy, text, len);
    }
    return copy;
}

void iso_wasi_path_free(struct iso_wasi *wasi, char *path)
{
    if (path != NULL) {
        iso_alloc_free(wasi->alloc, path, strlen(path) + 1);
    }
}

void iso_wasi_paths_renamed(struct iso_wasi *wasi, uint32_t from_grant, const char *from,
                            uint32_t to_grant, const char *to)
{
    size_t len = strlen(from);
    for (uint32_t fd = 0; fd < wasi->desc_cap; fd++) {
        struct iso_wasi_desc *desc = &wasi->descs[fd];
        if (desc->path == NULL || (desc->kind != ISO_WASI_FILE && desc->kind != ISO_WASI_DIR) ||
            desc->source != from_grant || strncmp(desc->path, from, len) != 0 ||
            (desc->path[len] != '\0' && desc->path[len] != '/')) {
            continue;
        }
        char *path = iso_wasi_path_join(wasi, to, iso_str_from_z(desc->path + len));
        iso_wasi_path_free(wasi, desc->path);
        desc->path = path;
        desc->source = to_grant;
    }
}
