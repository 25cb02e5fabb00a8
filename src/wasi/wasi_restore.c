/*
 * wasi_restore.c - restoring a guest's world from bytes that may be hostile, within what is granted
 * now. The bytes are described in docs/wasi.md, "Snapshots".
 *
 * A snapshot can ask for nothing that the grants do not give: paths are resolved beneath the grant
 * like any path of a guest, rights are cut to it, numbers are checked before they are used.
 */
#include "wasi/wasi_errno.h"
#include "wasi/wasi_internal.h"
#include "wasi/wasi_reader.h"

struct loader {
    struct iso_wasi *wasi;
    struct iso_wasi_reader r;
    struct iso_report *report;
};

enum { DESC_BYTES_MIN = 4 + 1 + 1 + 2 + 8 + 8 + 4 };

static enum iso_err damaged(const struct loader *l, const char *what)
{
    return iso_fail(l->report, ISO_E_SNAPSHOT, "section wasi of the snapshot is damaged: %s", what);
}

/* Text of the snapshot for a message: cut, and nothing that a terminal would obey. */
struct shown {
    char text[200];
};

static struct shown show(struct iso_str text)
{
    struct shown out;
    size_t len = text.len < sizeof out.text - 1 ? text.len : sizeof out.text - 1;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        out.text[i] = c < 0x20 || c == 0x7f ? '?' : text.ptr[i];
    }
    out.text[len] = '\0';
    return out;
}

static enum iso_err load_strings(struct loader *l, struct iso_wasi_strings *strings)
{
    uint32_t count = iso_wasi_take_u32(&l->r);
    uint32_t size = iso_wasi_take_u32(&l->r);
    const char *bytes = (const char *)iso_wasi_take(&l->r, size);
    uint32_t ends = 0;
    if (l->r.bad || size > ISO_WASI_STRINGS_MAX || (size > 0 && bytes[size - 1] != '\0')) {
        return damaged(l, "arguments or environment");
    }
    for (uint32_t i = 0; i < size; i++) {
        ends += bytes[i] == '\0' ? 1 : 0;
    }
    if (ends != count) {
        return damaged(l, "arguments or environment");
    }
    return iso_wasi_strings_set(l->wasi, strings, bytes, size, count);
}

/* The grant of a guest path; NULL when there is none. */
static struct iso_wasi_grant *find_grant(const struct loader *l, struct iso_str guest_path)
{
    for (size_t i = 0; i < l->wasi->grant_count; i++) {
        if (iso_str_equal_z(guest_path, l->wasi->grants[i].guest_path)) {
            return &l->wasi->grants[i];
        }
    }
    return NULL;
}

static enum iso_err not_granted(const struct loader *l, struct iso_str guest_path, bool memory)
{
    return iso_fail(l->report, ISO_E_REFUSED, "the program uses %s %s, which is not granted now",
                    memory ? "an in-memory file system at" : "the directory",
                    show(guest_path).text);
}

static enum iso_err load_memory(struct loader *l)
{
    uint32_t count = iso_wasi_take_u32(&l->r);
    for (uint32_t i = 0; i < count && !l->r.bad; i++) {
        struct iso_str guest_path = iso_wasi_take_str(&l->r);
        uint8_t alias = iso_wasi_take_u8(&l->r);
        struct iso_str body = iso_wasi_take_str(&l->r);
        if (l->r.bad || alias > 1) {
            return damaged(l, "in-memory file systems");
        }
        const struct iso_wasi_grant *grant = find_grant(l, guest_path);
        if (grant == NULL || grant->memfs == NULL) {
            return not_granted(l, guest_path, true);
        }
        if (alias == 1) {
            const struct iso_wasi_grant *other = find_grant(l, body);
            if (other == NULL || other->memfs != grant->memfs) {
                return iso_fail(l->report, ISO_E_REFUSED,
                                "%s and %s were one in-memory file system, but are granted as two",
                                show(guest_path).text, show(body).text);
            }
            continue;
        }
        enum iso_err err =
            iso_wasi_mem_load(grant->memfs, iso_bytes_from(body.ptr, body.len), l->report);
        if (err != ISO_OK) {
            return err;
        }
    }
    return l->r.bad ? damaged(l, "in-memory file systems") : ISO_OK;
}

/* What a descriptor of a file or directory says about itself. */
struct place {
    struct iso_str guest_path;
    bool preopen;
    bool by_id;
    uint64_t id;
    struct iso_str path;
    uint64_t offset;
};

static enum iso_err take_place(struct loader *l, struct place *out)
{
    out->guest_path = iso_wasi_take_str(&l->r);
    uint8_t preopen = iso_wasi_take_u8(&l->r);
    uint8_t by_id = iso_wasi_take_u8(&l->r);
    out->preopen = preopen == 1;
    out->by_id = by_id == 1;
    out->id = out->by_id ? iso_wasi_take_u64(&l->r) : 0;
    out->path = out->by_id ? iso_str_from_z(NULL) : iso_wasi_take_str(&l->r);
    out->offset = iso_wasi_take_u64(&l->r);
    if (l->r.bad || preopen > 1 || by_id > 1 || out->offset > INT64_MAX) {
        return damaged(l, "the place of a file");
    }
    return ISO_OK;
}

static enum iso_err cannot_open(const struct loader *l, uint32_t fd, const struct place *place,
                                const char *why)
{
    char path[256];
    iso_wasi_display_path(path, sizeof path, show(place->guest_path).text, show(place->path).text);
    return iso_fail(l->report, ISO_E_REFUSED, "descriptor %u (%s) cannot be opened again: %s", fd,
                    place->by_id ? show(place->guest_path).text : path, why);
}

/* Open the node that a place names. */
static enum iso_wasi_errno open_place(struct iso_vfs *fs, const struct place *place,
                                      const struct iso_wasi_desc *desc, struct iso_vfs_open *how,
                                      union iso_vfs_node *out)
{
    if (place->by_id) {
        how->write = true;
        return fs->ops->open_id(fs, place->id, out);
    }
    union iso_vfs_node root;
    enum iso_wasi_errno err = fs->ops->root(fs, &root);
    if (err != WASI_OK) {
        return err;
    }
    struct iso_vfs_path at = {.fs = fs, .dir = root, .path = place->path};
    bool is_dir = desc->kind == ISO_WASI_DIR;
    uint64_t writing =
        WASI_RIGHT_FD_WRITE | WASI_RIGHT_FD_ALLOCATE | WASI_RIGHT_FD_FILESTAT_SET_SIZE;
    *how = (struct iso_vfs_open){
        .read = (desc->rights_base & (WASI_RIGHT_FD_READ | WASI_RIGHT_FD_READDIR)) != 0,
        .write = !is_dir && (desc->rights_base & writing) != 0,
        .write_optional = (desc->rights_base & WASI_RIGHT_FD_WRITE) == 0,
        .directory = is_dir,
        .append = (desc->flags & WASI_FDFLAG_APPEND) != 0,
    };
    err = iso_vfs_open(&at, true, how, out);
    fs->ops->close(fs, root);
    return err;
}

static enum iso_err load_node(struct loader *l, uint32_t fd, struct iso_wasi_desc *desc)
{
    struct place place;
    enum iso_err err = take_place(l, &place);
    if (err != ISO_OK) {
        return err;
    }
    const struct iso_wasi_grant *grant = find_grant(l, place.guest_path);
    if (grant == NULL) {
        return not_granted(l, place.guest_path, false);
    }
    struct iso_vfs *fs = grant->fs;
    if (fs->ops->by_id != place.by_id) {
        return cannot_open(l, fd, &place, "its file system is of another kind now");
    }
    if (grant->read_only && desc->kind == ISO_WASI_FILE &&
        (desc->rights_base & WASI_RIGHT_FD_WRITE) != 0) {
        return cannot_open(l, fd, &place, "it is open for writing, but granted read-only now");
    }
    uint64_t granted = WASI_RIGHTS_ALL & ~(grant->read_only ? WASI_RIGHTS_WRITING : 0);
    desc->rights_base &= granted;
    desc->rights_inheriting &= granted;
    struct iso_vfs_open how = {.write = false};
    union iso_vfs_node node;
    enum iso_wasi_errno code = open_place(fs, &place, desc, &how, &node);
    if (code != WASI_OK) {
        return cannot_open(l, fd, &place,
                           code == WASI_ENOENT ? "it is not there now" : iso_wasi_errno_name(code));
    }
    if (!how.write) {
        desc->rights_base &=
            ~(WASI_RIGHT_FD_WRITE | WASI_RIGHT_FD_ALLOCATE | WASI_RIGHT_FD_FILESTAT_SET_SIZE);
    }
    struct iso_wasi_desc opened;
    code = iso_wasi_desc_from_node(l->wasi, (uint32_t)(grant - l->wasi->grants), node,
                                   desc->rights_base, desc->rights_inheriting, &opened);
    if (code != WASI_OK || opened.kind != desc->kind) {
        fs->ops->close(fs, node);
        return cannot_open(l, fd, &place, "it is something else now");
    }
    opened.flags = desc->flags;
    opened.offset = place.offset;
    opened.preopen = place.preopen && opened.kind == ISO_WASI_DIR;
    opened.path = iso_wasi_path_join(l->wasi, ".", place.path);
    *desc = opened;
    return ISO_OK;
}

static enum iso_err load_stdio(struct loader *l, struct iso_wasi_desc *desc)
{
    struct iso_wasi_desc now;
    uint32_t index = iso_wasi_take_u32(&l->r);
    uint64_t offset = iso_wasi_take_u64(&l->r);
    if (l->r.bad || index > 2) {
        return damaged(l, "a standard stream");
    }
    iso_wasi_stdio_desc(l->wasi, index, &now);
    now.flags = desc->flags;
    now.offset = offset;
    now.rights_base &= desc->rights_base | WASI_RIGHT_FD_SEEK | WASI_RIGHT_FD_TELL;
    *desc = now;
    return ISO_OK;
}

static enum iso_err load_socket(struct loader *l, uint32_t fd, struct iso_wasi_desc *desc)
{
    struct iso_str name = iso_wasi_take_str(&l->r);
    if (l->r.bad) {
        return damaged(l, "a socket");
    }
    for (size_t i = 0; i < l->wasi->socket_count; i++) {
        const char *granted = l->wasi->sockets[i].name;
        if (granted == NULL || !iso_str_equal_z(name, granted)) {
            continue;
        }
        struct iso_wasi_desc now;
        iso_wasi_socket_desc(l->wasi, (uint32_t)i, &now);
        if (now.kind != desc->kind) {
            break;
        }
        now.flags = desc->flags;
        now.rights_base &= desc->rights_base;
        now.rights_inheriting &= desc->rights_inheriting;
        *desc = now;
        return ISO_OK;
    }
    return iso_fail(l->report, ISO_E_REFUSED,
                    "descriptor %u is the socket %s, which is not granted now", fd,
                    show(name).text);
}

static enum iso_err load_desc(struct loader *l)
{
    uint32_t fd = iso_wasi_take_u32(&l->r);
    uint8_t kind = iso_wasi_take_u8(&l->r);
    (void)iso_wasi_take_u8(&l->r); /* the type: looked at anew */
    struct iso_wasi_desc desc = {.kind = ISO_WASI_FREE};
    desc.flags = iso_wasi_take_u16(&l->r);
    desc.rights_base = iso_wasi_take_u64(&l->r);
    desc.rights_inheriting = iso_wasi_take_u64(&l->r);
    if (l->r.bad || kind <= ISO_WASI_FREE || kind > ISO_WASI_LISTENER || kind == ISO_WASI_PIPE ||
        (desc.flags & ~(unsigned)WASI_FDFLAGS_ALL) != 0 || iso_wasi_desc_get(l->wasi, fd) != NULL) {
        return damaged(l, "a descriptor");
    }
    if (fd >= l->wasi->desc_max) {
        return iso_fail(l->report, ISO_E_REFUSED,
                        "the program uses descriptor %u, but may have only %u open now", fd,
                        l->wasi->desc_max);
    }
    desc.kind = (enum iso_wasi_kind)kind;
    enum iso_err err = desc.kind == ISO_WASI_STDIO ? load_stdio(l, &desc)
                       : desc.kind == ISO_WASI_FILE || desc.kind == ISO_WASI_DIR
                           ? load_node(l, fd, &desc)
                           : load_socket(l, fd, &desc);
    if (err != ISO_OK) {
        return err;
    }
    if (iso_wasi_desc_put(l->wasi, &desc, fd) != WASI_OK) {
        iso_wasi_desc_fini(l->wasi, &desc);
        return ISO_E_NOMEM;
    }
    return ISO_OK;
}

static enum iso_err load_all(struct loader *l)
{
    if (iso_wasi_take_u32(&l->r) != ISO_WASI_SNAPSHOT_VERSION) {
        return iso_fail(l->report, ISO_E_SNAPSHOT,
                        "section wasi of the snapshot is of another version than %d",
                        ISO_WASI_SNAPSHOT_VERSION);
    }
    for (uint32_t id = WASI_CLOCK_MONOTONIC; id < WASI_CLOCK_COUNT; id++) {
        uint64_t base = iso_wasi_take_u64(&l->r);
        if (base > INT64_MAX) {
            return damaged(l, "clocks");
        }
        iso_wasi_clock_set_base(l->wasi, id, base);
    }
    enum iso_err err = load_strings(l, &l->wasi->args);
    if (err == ISO_OK) {
        err = load_strings(l, &l->wasi->env);
    }
    if (err == ISO_OK) {
        err = load_memory(l);
    }
    uint32_t count = iso_wasi_take_u32(&l->r);
    if (err == ISO_OK && (l->r.bad || count > l->r.left / DESC_BYTES_MIN)) {
        err = damaged(l, "the number of descriptors");
    }
    for (uint32_t i = 0; i < count && err == ISO_OK; i++) {
        err = load_desc(l);
    }
    if (err == ISO_OK && l->r.left != 0) {
        err = damaged(l, "bytes are left over");
    }
    return err;
}

enum iso_err iso_wasi_load(void *ctx, struct iso_bytes bytes, struct iso_report *report)
{
    struct iso_wasi *wasi = ctx;
    struct loader l = {.wasi = wasi, .r = {.ptr = bytes.ptr, .left = bytes.len}, .report = report};
    iso_wasi_desc_close_all(wasi);
    iso_wasi_waits_clear(wasi);
    wasi->exited = false;
    enum iso_err err = load_all(&l);
    if (err != ISO_OK) {
        iso_wasi_desc_close_all(wasi);
        return err;
    }
    /* Files without a name that no descriptor holds any more. */
    for (size_t i = 0; i < wasi->grant_count; i++) {
        if (wasi->grants[i].memfs != NULL) {
            iso_wasi_mem_sweep(wasi->grants[i].memfs);
        }
    }
    return ISO_OK;
}
