/*
 * wasi_snapshot.c - saving a guest's world. The bytes are described in docs/wasi.md, "Snapshots".
 */
#include "wasi/wasi_errno.h"
#include "wasi/wasi_internal.h"
#include "wasi/wasi_put.h"

/* One save; the first failure stays in put.err. */
struct saver {
    struct iso_wasi *wasi;
    struct iso_wasi_put put;
    struct iso_report *report;
};

void iso_wasi_display_path(char *out, size_t cap, const char *guest_path, const char *path)
{
    size_t len = strlen(guest_path);
    bool root = path == NULL || strcmp(path, ".") == 0;
    bool slash = !root && (len == 0 || guest_path[len - 1] != '/');
    (void)iso_format(out, cap, "%s%s%s", guest_path, slash ? "/" : "", root ? "" : path);
}

static void refuse(struct saver *s, uint32_t fd, const struct iso_wasi_desc *desc, const char *why)
{
    char path[256] = "";
    if (s->put.err != ISO_OK) {
        return;
    }
    if (desc->kind == ISO_WASI_FILE || desc->kind == ISO_WASI_DIR || desc->kind == ISO_WASI_PIPE) {
        iso_wasi_display_path(path, sizeof path, s->wasi->grants[desc->source].guest_path,
                              desc->path);
    }
    s->put.err = iso_fail(s->report, ISO_E_REFUSED, "descriptor %u%s%s%s cannot be saved: %s", fd,
                          path[0] != '\0' ? " (" : "", path, path[0] != '\0' ? ")" : "", why);
}

static void save_strings(struct saver *s, const struct iso_wasi_strings *strings)
{
    iso_wasi_put_u32(&s->put, strings->count);
    iso_wasi_put_u32(&s->put, (uint32_t)strings->size);
    iso_wasi_put(&s->put, strings->bytes, strings->size);
}

static void save_clocks(struct saver *s)
{
    for (uint32_t id = WASI_CLOCK_MONOTONIC; id < WASI_CLOCK_COUNT; id++) {
        uint64_t now = 0;
        (void)iso_wasi_clock_now(s->wasi, id, &now);
        iso_wasi_put_u64(&s->put, now);
    }
}

/* Number of the first grant that has the same memfs. */
static size_t first_grant_of(const struct iso_wasi *wasi, size_t index)
{
    size_t first = 0;
    while (wasi->grants[first].memfs != wasi->grants[index].memfs) {
        first++;
    }
    return first;
}

static void save_memfs(struct saver *s, const struct iso_wasi_memfs *fs)
{
    size_t at = s->put.out->len;
    iso_wasi_put_u32(&s->put, 0); /* the length, once it is known */
    if (s->put.err == ISO_OK) {
        s->put.err = iso_wasi_mem_save(fs, s->put.out);
    }
    if (s->put.err != ISO_OK) {
        return;
    }
    size_t len = s->put.out->len - at - 4;
    if (len > UINT32_MAX) {
        s->put.err = iso_fail(s->report, ISO_E_LIMIT,
                              "an in-memory file system of more than 4 GiB cannot be saved");
        return;
    }
    iso_store_u32le(s->put.out->ptr + at, (uint32_t)len);
}

static void save_memory(struct saver *s)
{
    const struct iso_wasi *wasi = s->wasi;
    uint32_t count = 0;
    for (size_t i = 0; i < wasi->grant_count; i++) {
        count += wasi->grants[i].memfs != NULL ? 1 : 0;
    }
    iso_wasi_put_u32(&s->put, count);
    for (size_t i = 0; i < wasi->grant_count && s->put.err == ISO_OK; i++) {
        if (wasi->grants[i].memfs == NULL) {
            continue;
        }
        size_t first = first_grant_of(wasi, i);
        iso_wasi_put_str(&s->put, wasi->grants[i].guest_path);
        iso_wasi_put_u8(&s->put, first == i ? 0 : 1);
        if (first == i) {
            save_memfs(s, wasi->grants[i].memfs);
        } else {
            iso_wasi_put_str(&s->put, wasi->grants[first].guest_path);
        }
    }
}

/* Where a file or directory is to be found again. */
static void save_place(struct saver *s, uint32_t fd, const struct iso_wasi_desc *desc)
{
    struct iso_vfs *fs = iso_wasi_desc_fs(s->wasi, desc);
    iso_wasi_put_str(&s->put, s->wasi->grants[desc->source].guest_path);
    iso_wasi_put_u8(&s->put, desc->preopen ? 1 : 0);
    iso_wasi_put_u8(&s->put, fs->ops->by_id ? 1 : 0);
    if (fs->ops->by_id) {
        iso_wasi_put_u64(&s->put, fs->ops->node_id(fs, desc->node));
    } else {
        char path[ISO_VFS_PATH_MAX];
        const char *hint = desc->path == NULL ? "" : desc->path;
        if (fs->ops->locate(fs, desc->node, hint, path, sizeof path) != WASI_OK) {
            refuse(s, fd, desc, "it was removed, or moved to where it is not granted");
            return;
        }
        iso_wasi_put_str(&s->put, path);
    }
    iso_wasi_put_u64(&s->put, desc->offset);
}

static void save_desc(struct saver *s, uint32_t fd, const struct iso_wasi_desc *desc)
{
    iso_wasi_put_u32(&s->put, fd);
    iso_wasi_put_u8(&s->put, (uint8_t)desc->kind);
    iso_wasi_put_u8(&s->put, (uint8_t)desc->filetype);
    iso_wasi_put_u16(&s->put, desc->flags);
    iso_wasi_put_u64(&s->put, desc->rights_base);
    iso_wasi_put_u64(&s->put, desc->rights_inheriting);
    switch (desc->kind) {
    case ISO_WASI_STDIO:
        iso_wasi_put_u32(&s->put, desc->source);
        iso_wasi_put_u64(&s->put, desc->offset);
        break;
    case ISO_WASI_FILE:
    case ISO_WASI_DIR:
        save_place(s, fd, desc);
        break;
    case ISO_WASI_SOCKET:
    case ISO_WASI_LISTENER:
        if (desc->source == ISO_WASI_NO_SOURCE || s->wasi->sockets[desc->source].name == NULL) {
            refuse(s, fd, desc, "it is a connected socket, or one that was granted without a name");
            break;
        }
        iso_wasi_put_str(&s->put, s->wasi->sockets[desc->source].name);
        break;
    default:
        refuse(s, fd, desc, "it is a pipe or a device");
        break;
    }
}

enum iso_err iso_wasi_save(void *ctx, struct iso_buf *out, struct iso_report *report)
{
    struct iso_wasi *wasi = ctx;
    struct saver s = {.wasi = wasi, .put = {.out = out}, .report = report};
    iso_wasi_put_u32(&s.put, ISO_WASI_SNAPSHOT_VERSION);
    save_clocks(&s);
    save_strings(&s, &wasi->args);
    save_strings(&s, &wasi->env);
    save_memory(&s);
    uint32_t count = 0;
    for (uint32_t fd = 0; fd < wasi->desc_cap; fd++) {
        count += wasi->descs[fd].kind != ISO_WASI_FREE ? 1 : 0;
    }
    iso_wasi_put_u32(&s.put, count);
    for (uint32_t fd = 0; fd < wasi->desc_cap && s.put.err == ISO_OK; fd++) {
        if (wasi->descs[fd].kind != ISO_WASI_FREE) {
            save_desc(&s, fd, &wasi->descs[fd]);
        }
    }
    return s.put.err;
}
