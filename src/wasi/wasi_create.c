/*
 * wasi_create.c - making and destroying a guest's world from its configuration.
 */
#include <poll.h>
#include <unistd.h>

#include "wasi/wasi_host.h"
#include "wasi/wasi_internal.h"

static const uint64_t monotonic_start = 1000000000; /* see wasi_clock.c */

/* ---- Strings ----------------------------------------------------------------------------- */

static void strings_free(struct iso_wasi *wasi, struct iso_wasi_strings *strings)
{
    iso_alloc_free(wasi->alloc, strings->bytes, strings->size);
    *strings = (struct iso_wasi_strings){0};
}

enum iso_err iso_wasi_strings_set(struct iso_wasi *wasi, struct iso_wasi_strings *strings,
                                  const char *bytes, size_t size, uint32_t count)
{
    char *copy = NULL;
    if (size > 0) {
        copy = iso_alloc_new(wasi->alloc, size);
        if (copy == NULL) {
            return ISO_E_NOMEM;
        }
        memcpy(copy, bytes, size);
    }
    strings_free(wasi, strings);
    *strings = (struct iso_wasi_strings){.bytes = copy, .size = size, .count = count};
    return ISO_OK;
}

static enum iso_err strings_from(struct iso_wasi *wasi, struct iso_wasi_strings *strings,
                                 const char *const *items, size_t count, const char *what,
                                 struct iso_report *report)
{
    struct iso_buf buf;
    iso_buf_init(&buf, wasi->alloc, ISO_WASI_STRINGS_MAX);
    enum iso_err err = count > ISO_WASI_STRING_COUNT_MAX ? ISO_E_LIMIT : ISO_OK;
    for (size_t i = 0; i < count && err == ISO_OK; i++) {
        err = items[i] == NULL ? ISO_E_ARGUMENT
                               : iso_buf_append(&buf, items[i], strlen(items[i]) + 1);
    }
    if (err == ISO_OK) {
        err = iso_wasi_strings_set(wasi, strings, (const char *)buf.ptr, buf.len, (uint32_t)count);
    }
    iso_buf_fini(&buf);
    if (err == ISO_E_LIMIT) {
        return iso_fail(report, err, "the %s are too many or too long: at most %d with %d bytes",
                        what, ISO_WASI_STRING_COUNT_MAX, ISO_WASI_STRINGS_MAX);
    }
    return err;
}

static char *copy_text(struct iso_wasi *wasi, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = iso_alloc_new(wasi->alloc, size);
    if (copy != NULL) {
        memcpy(copy, text, size);
    }
    return copy;
}

/* ---- Standard streams and sockets --------------------------------------------------------- */

void iso_wasi_stdio_desc(const struct iso_wasi *wasi, uint32_t index, struct iso_wasi_desc *out)
{
    const struct iso_wasi_stream *stream = &wasi->stdio[index];
    memset(out, 0, sizeof *out);
    out->kind = ISO_WASI_STDIO;
    out->source = index;
    out->rights_base = WASI_RIGHTS_STREAM;
    if (stream->kind == ISO_WASI_STREAM_FD) {
        out->filetype = iso_wasi_host_filetype(stream->fd);
        /* A character device with neither right is what isatty() of wasi-libc takes for a
         * terminal. */
        bool device = out->filetype == WASI_FILETYPE_CHARACTER_DEVICE;
        if ((device && isatty(stream->fd) == 0) || out->filetype == WASI_FILETYPE_REGULAR_FILE) {
            out->rights_base |= WASI_RIGHT_FD_SEEK | WASI_RIGHT_FD_TELL;
        }
    } else if (stream->is_terminal) {
        out->filetype = WASI_FILETYPE_CHARACTER_DEVICE;
    }
}

void iso_wasi_socket_desc(const struct iso_wasi *wasi, uint32_t index, struct iso_wasi_desc *out)
{
    bool listening = false;
    memset(out, 0, sizeof *out);
    out->node.fd = wasi->sockets[index].fd;
    (void)iso_wasi_socket_prepare(out->node.fd, &listening, &out->filetype);
    out->kind = listening ? ISO_WASI_LISTENER : ISO_WASI_SOCKET;
    out->source = index;
    out->rights_base = listening ? WASI_RIGHTS_LISTENER : WASI_RIGHTS_SOCKET;
    out->rights_inheriting = listening ? WASI_RIGHTS_SOCKET : 0;
}

static enum iso_err errno_to_err(enum iso_wasi_errno err)
{
    return err == WASI_OK       ? ISO_OK
           : err == WASI_EMFILE ? ISO_E_LIMIT
           : err == WASI_ENOMEM ? ISO_E_NOMEM
                                : ISO_E_IO;
}

static enum iso_err add_stdio(struct iso_wasi *wasi)
{
    for (uint32_t i = 0; i < 3; i++) {
        struct iso_wasi_desc desc;
        iso_wasi_stdio_desc(wasi, i, &desc);
        enum iso_wasi_errno err = iso_wasi_desc_put(wasi, &desc, i);
        if (err != WASI_OK) {
            return errno_to_err(err);
        }
    }
    return ISO_OK;
}

static enum iso_err add_sockets(struct iso_wasi *wasi, const struct iso_wasi_config *config,
                                struct iso_report *report)
{
    for (size_t i = 0; i < config->socket_count; i++) {
        struct iso_wasi_granted_socket *socket = &wasi->sockets[wasi->socket_count];
        bool listening;
        enum iso_wasi_filetype filetype;
        if (iso_wasi_socket_prepare(config->sockets[i].fd, &listening, &filetype) != WASI_OK) {
            return iso_fail(report, ISO_E_ARGUMENT, "descriptor %d is not a socket",
                            config->sockets[i].fd);
        }
        socket->fd = config->sockets[i].fd;
        if (config->sockets[i].name != NULL) {
            socket->name = copy_text(wasi, config->sockets[i].name);
            if (socket->name == NULL) {
                return ISO_E_NOMEM;
            }
        }
        wasi->socket_count++;
        struct iso_wasi_desc desc;
        uint32_t fd;
        iso_wasi_socket_desc(wasi, (uint32_t)i, &desc);
        enum iso_wasi_errno err = iso_wasi_desc_add(wasi, &desc, &fd);
        if (err != WASI_OK) {
            return errno_to_err(err);
        }
    }
    return ISO_OK;
}

/* ---- Directories ------------------------------------------------------------------------- */

/* Open the directory of a grant and give the guest a descriptor for it. */
static enum iso_err add_preopen(struct iso_wasi *wasi, uint32_t index)
{
    const struct iso_wasi_grant *grant = &wasi->grants[index];
    union iso_vfs_node root;
    enum iso_wasi_errno err = grant->fs->ops->root(grant->fs, &root);
    if (err != WASI_OK) {
        return errno_to_err(err);
    }
    uint64_t rights = WASI_RIGHTS_ALL & ~(grant->read_only ? WASI_RIGHTS_WRITING : 0);
    struct iso_wasi_desc desc;
    err = iso_wasi_desc_from_node(wasi, index, root, rights, rights, &desc);
    if (err != WASI_OK) {
        grant->fs->ops->close(grant->fs, root);
        return errno_to_err(err);
    }
    desc.preopen = true;
    desc.path = copy_text(wasi, ".");
    uint32_t fd;
    err = desc.path == NULL ? WASI_ENOMEM : iso_wasi_desc_add(wasi, &desc, &fd);
    if (err != WASI_OK) {
        iso_wasi_desc_fini(wasi, &desc);
    }
    return errno_to_err(err);
}

static enum iso_err add_grant(struct iso_wasi *wasi, const struct iso_wasi_preopen *preopen,
                              bool no_openat2, struct iso_report *report)
{
    struct iso_wasi_grant *grant = &wasi->grants[wasi->grant_count];
    if (preopen->guest_path == NULL || (preopen->host_path == NULL) == (preopen->memfs == NULL)) {
        return iso_fail(report, ISO_E_ARGUMENT,
                        "a preopen needs a guest path and either a host path or a memfs");
    }
    size_t len = strlen(preopen->guest_path);
    if (len >= ISO_VFS_PATH_MAX || !iso_utf8_valid(preopen->guest_path, len)) {
        return iso_fail(report, ISO_E_ARGUMENT, "the guest path of a preopen is not UTF-8");
    }
    if (preopen->memfs != NULL) {
        grant->memfs = preopen->memfs;
        grant->fs = &preopen->memfs->vfs;
        preopen->memfs->now = iso_wasi_clock_realtime;
        preopen->memfs->now_ctx = wasi;
    } else {
        enum iso_err err = iso_wasi_host_fs_create(wasi->alloc, preopen->host_path, no_openat2,
                                                   &grant->fs, report);
        if (err != ISO_OK) {
            return err;
        }
    }
    grant->read_only = preopen->read_only;
    wasi->grant_count++;
    grant->guest_path = copy_text(wasi, preopen->guest_path);
    if (grant->guest_path == NULL) {
        return ISO_E_NOMEM;
    }
    return add_preopen(wasi, (uint32_t)wasi->grant_count - 1);
}

static enum iso_err add_grants(struct iso_wasi *wasi, const struct iso_wasi_config *config,
                               struct iso_report *report)
{
    for (size_t i = 0; i < config->preopen_count; i++) {
        enum iso_err err = add_grant(wasi, &config->preopens[i], config->no_openat2, report);
        if (err != ISO_OK) {
            return err;
        }
    }
    return ISO_OK;
}

/* ---- Whole ------------------------------------------------------------------------------- */

static enum iso_err allocate_tables(struct iso_wasi *wasi, const struct iso_wasi_config *config,
                                    struct iso_report *report)
{
    wasi->desc_max = config->max_open == 0 ? ISO_WASI_OPEN_DEFAULT : config->max_open;
    if (wasi->desc_max > ISO_WASI_OPEN_MAX || config->preopen_count > ISO_WASI_PREOPENS_MAX ||
        config->socket_count > ISO_WASI_PREOPENS_MAX) {
        return iso_fail(report, ISO_E_LIMIT,
                        "at most %d descriptors, %d preopened directories and %d sockets",
                        ISO_WASI_OPEN_MAX, ISO_WASI_PREOPENS_MAX, ISO_WASI_PREOPENS_MAX);
    }
    wasi->grants = iso_alloc_array(wasi->alloc, config->preopen_count, sizeof *wasi->grants);
    wasi->grant_cap = config->preopen_count;
    wasi->sockets = iso_alloc_array(wasi->alloc, config->socket_count, sizeof *wasi->sockets);
    wasi->socket_cap = config->socket_count;
    return wasi->grants == NULL || wasi->sockets == NULL ? ISO_E_NOMEM : ISO_OK;
}

static enum iso_err configure(struct iso_wasi *wasi, const struct iso_wasi_config *config,
                              struct iso_report *report)
{
    enum iso_err err =
        strings_from(wasi, &wasi->args, config->args, config->arg_count, "arguments", report);
    if (err == ISO_OK) {
        err = strings_from(wasi, &wasi->env, config->env, config->env_count,
                           "environment variables", report);
    }
    if (err == ISO_OK) {
        err = add_stdio(wasi);
    }
    wasi->lowest_free = 3;
    if (err == ISO_OK) {
        err = add_grants(wasi, config, report);
    }
    if (err == ISO_OK) {
        err = add_sockets(wasi, config, report);
    }
    return err;
}

enum iso_err iso_wasi_create(const struct iso_alloc *alloc, const struct iso_wasi_config *config,
                             struct iso_wasi **out, struct iso_report *report)
{
    struct iso_wasi *wasi = iso_alloc_new(alloc, sizeof *wasi);
    if (wasi == NULL) {
        return ISO_E_NOMEM;
    }
    wasi->alloc = alloc;
    memcpy(wasi->stdio, config->stdio, sizeof wasi->stdio);
    wasi->realtime = config->realtime;
    wasi->monotonic = config->monotonic;
    wasi->clock_ctx = config->clock_ctx;
    wasi->random = config->random;
    wasi->random_ctx = config->random_ctx;
    iso_wasi_waits_clear(wasi);
    iso_wasi_clock_set_base(wasi, WASI_CLOCK_MONOTONIC, monotonic_start);
    iso_wasi_clock_set_base(wasi, WASI_CLOCK_PROCESS_CPUTIME, 0);
    iso_wasi_clock_set_base(wasi, WASI_CLOCK_THREAD_CPUTIME, 0);
    enum iso_err err = allocate_tables(wasi, config, report);
    if (err == ISO_OK) {
        err = configure(wasi, config, report);
    }
    if (err != ISO_OK) {
        iso_wasi_destroy(wasi);
        return err;
    }
    *out = wasi;
    return ISO_OK;
}

void iso_wasi_destroy(struct iso_wasi *wasi)
{
    if (wasi == NULL) {
        return;
    }
    iso_wasi_desc_close_all(wasi);
    iso_alloc_free(wasi->alloc, wasi->descs, wasi->desc_cap * sizeof *wasi->descs);
    for (size_t i = 0; i < wasi->grant_count; i++) {
        struct iso_wasi_grant *grant = &wasi->grants[i];
        iso_wasi_path_free(wasi, grant->guest_path);
        if (grant->memfs != NULL) {
            if (grant->memfs->now_ctx == wasi) {
                grant->memfs->now = NULL;
                grant->memfs->now_ctx = NULL;
            }
        } else {
            grant->fs->ops->destroy(grant->fs);
        }
    }
    for (size_t i = 0; i < wasi->socket_count; i++) {
        iso_wasi_path_free(wasi, wasi->sockets[i].name);
    }
    iso_alloc_free(wasi->alloc, wasi->grants, wasi->grant_cap * sizeof *wasi->grants);
    iso_alloc_free(wasi->alloc, wasi->sockets, wasi->socket_cap * sizeof *wasi->sockets);
    iso_alloc_free(wasi->alloc, wasi->waits.fds, wasi->waits.cap * sizeof *wasi->waits.fds);
    strings_free(wasi, &wasi->args);
    strings_free(wasi, &wasi->env);
    iso_alloc_free(wasi->alloc, wasi, sizeof *wasi);
}

bool iso_wasi_exited(const struct iso_wasi *wasi, uint32_t *status)
{
    if (wasi->exited) {
        *status = wasi->exit_status;
    }
    return wasi->exited;
}

struct iso_snapshot_section iso_wasi_section(struct iso_wasi *wasi)
{
    return (struct iso_snapshot_section){
        .name = "wasi", .ctx = wasi, .save = iso_wasi_save, .load = iso_wasi_load};
}
