/*
 * wasi_snapshot.c - saving a guest's world. The bytes are described in docs/wasi.md, "Snapshots".
 */
#include "wasi/wasi_errno.h"
#include "wasi/wasi_internal.h"

/* One save; the first failure stays in err. */
struct saver {
    struct iso_wasi *wasi;
    struct iso_buf *out;
    struct iso_report *report;
    enum iso_err err;
};

static void put(struct saver *s, const void *bytes, size_t len)
{
    if (s->err == ISO_OK) {
        s->err = iso_buf_append(s->out, bytes, len);
    }
}

static void put_u8(struct saver *s, uint8_t value)
{
    put(s, &value, 1);
}

static void put_u16(struct saver *s, uint16_t value)
{
    uint8_t bytes[2];
    iso_store_u16le(bytes, value);
    put(s, bytes, sizeof bytes);
}

static void put_u32(struct saver *s, uint32_t value)
{
    uint8_t bytes[4];
    iso_store_u32le(bytes, value);
    put(s, bytes, sizeof bytes);
}

static void put_u64(struct saver *s, uint64_t value)
{
    uint8_t bytes[8];
    iso_store_u64le(bytes, value);
    put(s, bytes, sizeof bytes);
}

static void put_str(struct saver *s, const char *text)
{
    size_t len = strlen(text);
    put_u32(s, (uint32_t)len);
    put(s, text, len);
}

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
    if (s->err != ISO_OK) {
        return;
    }
    if (desc->kind == ISO_WASI_FILE || desc->kind == ISO_WASI_DIR || desc->kind == ISO_WASI_PIPE) {
        iso_wasi_display_path(path, sizeof path, s->wasi->grants[desc->source].guest_path,
                              desc->path);
    }
    s->err = iso_fail(s->report, ISO_E_REFUSED, "descriptor %u%s%s%s cannot be saved: %s", fd,
                      path[0] != '\0' ? " (" : "", path, path[0] != '\0' ? ")" : "", why);
}

static void save_strings(struct saver *s, const struct iso_wasi_strings *strings)
{
    put_u32(s, strings->count);
    put_u32(s, (uint32_t)strings->size);
    put(s, strings->bytes, strings->size);
}

static void save_clocks(struct saver *s)
{
    for (uint32_t id = WASI_CLOCK_MONOTONIC; id < WASI_CLOCK_COUNT; id++) {
        uint64_t now = 0;
        (void)iso_wasi_clock_now(s->wasi, id, &now);
        put_u64(s, now);
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
    size_t at = s->out->len;
    put_u32(s, 0); /* the length, once it is known */
    if (s->err == ISO_OK) {
        s->err = iso_wasi_mem_save(fs, s->out);
    }
    if (s->err != ISO_OK) {
        return;
    }
    size_t len = s->out->len - at - 4;
    if (len > UINT32_MAX) {
        s->err = iso_fail(s->report, ISO_E_LIMIT,
                          "an in-memory file system of more than 4 GiB cannot be saved");
        return;
    }
    iso_store_u32le(s->out->ptr + at, (uint32_t)len);
}

static void save_memory(struct saver *s)
{
    const struct iso_wasi *wasi = s->wasi;
    uint32_t count = 0;
    for (size_t i = 0; i < wasi->grant_count; i++) {
        count += wasi->grants[i].memfs != NULL ? 1 : 0;
    }
    put_u32(s, count);
    for (size_t i = 0; i < wasi->grant_count && s->err == ISO_OK; i++) {
        if (wasi->grants[i].memfs == NULL) {
            continue;
        }
        size_t first = first_grant_of(wasi, i);
        put_str(s, wasi->grants[i].guest_path);
        put_u8(s, first == i ? 0 : 1);
        if (first == i) {
            save_memfs(s, wasi->grants[i].memfs);
        } else {
            put_str(s, wasi->grants[first].guest_path);
        }
    }
}

/* Where a file or directory is to be found again. */
static void save_place(struct saver *s, uint32_t fd, const struct iso_wasi_desc *desc)
{
    struct iso_vfs *fs = iso_wasi_desc_fs(s->wasi, desc);
    put_str(s, s->wasi->grants[desc->source].guest_path);
    put_u8(s, desc->preopen ? 1 : 0);
    put_u8(s, fs->ops->by_id ? 1 : 0);
    if (fs->ops->by_id) {
        put_u64(s, fs->ops->node_id(fs, desc->node));
    } else {
        char path[ISO_VFS_PATH_MAX];
        const char *hint = desc->path == NULL ? "" : desc->path;
        if (fs->ops->locate(fs, desc->node, hint, path, sizeof path) != WASI_OK) {
            refuse(s, fd, desc, "it was removed, or moved to where it is not granted");
            return;
        }
        put_str(s, path);
    }
    put_u64(s, desc->offset);
}

static void save_desc(struct saver *s, uint32_t fd, const struct iso_wasi_desc *desc)
{
    put_u32(s, fd);
    put_u8(s, (uint8_t)desc->kind);
    put_u8(s, (uint8_t)desc->filetype);
    put_u16(s, desc->flags);
    put_u64(s, desc->rights_base);
    put_u64(s, desc->rights_inheriting);
    switch (desc->kind) {
    case ISO_WASI_STDIO:
        put_u32(s, desc->source);
        put_u64(s, desc->offset);
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
        put_str(s, s->wasi->sockets[desc->source].name);
        break;
    default:
        refuse(s, fd, desc, "it is a pipe or a device");
        break;
    }
}

enum iso_err iso_wasi_save(void *ctx, struct iso_buf *out, struct iso_report *report)
{
    struct iso_wasi *wasi = ctx;
    struct saver s = {.wasi = wasi, .out = out, .report = report};
    put_u32(&s, ISO_WASI_SNAPSHOT_VERSION);
    save_clocks(&s);
    save_strings(&s, &wasi->args);
    save_strings(&s, &wasi->env);
    save_memory(&s);
    uint32_t count = 0;
    for (uint32_t fd = 0; fd < wasi->desc_cap; fd++) {
        count += wasi->descs[fd].kind != ISO_WASI_FREE ? 1 : 0;
    }
    put_u32(&s, count);
    for (uint32_t fd = 0; fd < wasi->desc_cap && s.err == ISO_OK; fd++) {
        if (wasi->descs[fd].kind != ISO_WASI_FREE) {
            save_desc(&s, fd, &wasi->descs[fd]);
        }
    }
    return s.err;
}
