/* The store of blobs: bytes in (uploads) and out (reading with the digest checked). Pieces go to
 * the page cache on the loop thread; syncing, renaming, reading and checking are for the pool. */
#include "package/blobs_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "platform/platform.h"

enum { PIECE_BYTES = 16 << 10 };

/* ---- Uploads -----------------------------------------------------------------------------------
 */

struct iso_blob_upload {
    struct iso_blobs *blobs;
    bool has_digest;                 /* that the bytes must have */
    uint8_t digest[ISO_SHA256_SIZE]; /* without: that they have, from finish on */
    struct iso_sha256 sha;
    uint8_t found[ISO_SHA256_SIZE];
    int fd;
    char path[ISO_PATH_MAX];
    char final[ISO_PATH_MAX];
    uint64_t written_bytes;
    uint64_t reserved_bytes;
    uv_work_t work;
    enum iso_err err;
    struct iso_report report;
    void (*done)(void *ctx, enum iso_err err, const struct iso_report *report);
    void *ctx;
};

static void upload_free(struct iso_blob_upload *upload)
{
    struct iso_blobs *blobs = upload->blobs;
    blobs->reserved -= upload->reserved_bytes;
    blobs->uploads--;
    iso_alloc_free(blobs->alloc, upload, sizeof *upload);
}

void iso_blob_upload_abort(struct iso_blob_upload *upload)
{
    if (upload != NULL) {
        (void)close(upload->fd);
        (void)unlink(upload->path);
        upload_free(upload);
    }
}

static enum iso_err too_large(struct iso_report *report)
{
    char max[32];
    (void)iso_format_size(max, ISO_BLOB_BYTES_MAX);
    return iso_fail(report, ISO_E_LIMIT, "a module has at most %s", max);
}

static enum iso_err reserve(struct iso_blob_upload *upload, uint64_t bytes,
                            struct iso_report *report)
{
    if (bytes <= upload->reserved_bytes) {
        return ISO_OK;
    }
    if (bytes > ISO_BLOB_BYTES_MAX) {
        return too_large(report);
    }
    uint64_t more = bytes - upload->reserved_bytes;
    enum iso_err err = iso_blobs_make_room(upload->blobs, more, report);
    if (err == ISO_OK) {
        upload->blobs->reserved += more;
        upload->reserved_bytes = bytes;
    }
    return err;
}

static enum iso_err open_temporary(struct iso_blob_upload *upload, struct iso_report *report)
{
    char name[32];
    (void)iso_format(name, sizeof name, "%llu", (unsigned long long)upload->blobs->names++);
    ISO_ASSERT(iso_path_join(upload->path, upload->blobs->incoming, name));
    upload->fd = open(upload->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (upload->fd < 0) {
        return iso_fail(report, iso_errno_err(errno), "cannot make '%s': %s", upload->path,
                        iso_errno_text(errno));
    }
    return ISO_OK;
}

enum iso_err iso_blobs_begin(struct iso_blobs *blobs, const uint8_t digest[ISO_SHA256_SIZE],
                             uint64_t size_bytes, struct iso_blob_upload **out,
                             struct iso_report *report)
{
    struct iso_blob_entry *there = digest != NULL ? iso_blobs_entry(blobs, digest) : NULL;
    if (there != NULL) {
        there->used_ns = iso_blobs_now();
        *out = NULL;
        return ISO_OK;
    }
    if (blobs->uploads >= blobs->uploads_max) {
        return iso_fail(report, ISO_E_REFUSED,
                        "%u modules are being uploaded, which is the most at a time; try again",
                        blobs->uploads);
    }
    struct iso_blob_upload *upload = iso_alloc_new(blobs->alloc, sizeof *upload);
    if (upload == NULL) {
        return iso_fail(report, ISO_E_NOMEM, "not enough memory for an upload");
    }
    upload->blobs = blobs;
    upload->work.data = upload;
    blobs->uploads++;
    upload->has_digest = digest != NULL;
    if (digest != NULL) {
        memcpy(upload->digest, digest, ISO_SHA256_SIZE);
    }
    iso_sha256_init(&upload->sha);
    enum iso_err err = reserve(upload, size_bytes != UINT64_MAX ? size_bytes : 0, report);
    if (err == ISO_OK) {
        err = open_temporary(upload, report);
    }
    if (err != ISO_OK) {
        upload_free(upload);
        return err;
    }
    *out = upload;
    return ISO_OK;
}

enum iso_err iso_blob_upload_write(struct iso_blob_upload *upload, struct iso_bytes piece,
                                   struct iso_report *report)
{
    enum iso_err err = reserve(upload, upload->written_bytes + piece.len, report);
    if (err != ISO_OK) {
        return err;
    }
    int failed = iso_fd_write(upload->fd, piece);
    if (failed != 0) {
        return iso_fail(report, ISO_E_IO, "cannot write the module: %s", iso_errno_text(failed));
    }
    iso_sha256_update(&upload->sha, piece.ptr, piece.len);
    upload->written_bytes += piece.len;
    return ISO_OK;
}

/* Pool. */
static void finish_work(uv_work_t *work)
{
    struct iso_blob_upload *upload = work->data;
    int failed = fsync(upload->fd) != 0 ? errno : 0;
    if (close(upload->fd) != 0 && failed == 0) {
        failed = errno;
    }
    if (memcmp(upload->found, upload->digest, ISO_SHA256_SIZE) != 0) {
        char found[72];
        iso_digest_text(upload->found, found);
        upload->err = iso_fail(&upload->report, ISO_E_INVALID,
                               "the bytes that arrived have the digest %s", found);
    } else if (failed != 0 || rename(upload->path, upload->final) != 0) {
        upload->err = iso_fail(&upload->report, ISO_E_IO, "cannot store the module: %s",
                               iso_errno_text(failed != 0 ? failed : errno));
    }
    if (upload->err != ISO_OK) {
        (void)unlink(upload->path);
    } else {
        iso_dir_sync(upload->blobs->store);
    }
}

static void finish_after(uv_work_t *work, int status)
{
    struct iso_blob_upload *upload = work->data;
    struct iso_blobs *blobs = upload->blobs;
    (void)status; /* never cancelled */
    blobs->reserved -= upload->reserved_bytes;
    upload->reserved_bytes = 0;
    if (upload->err == ISO_OK) {
        upload->err = iso_blobs_add(blobs, upload->digest, upload->written_bytes, iso_blobs_now());
    }
    upload->done(upload->ctx, upload->err, &upload->report);
    upload_free(upload);
    iso_blobs_job_over(blobs);
}

void iso_blob_upload_finish(struct iso_blob_upload *upload,
                            void (*done)(void *ctx, enum iso_err err,
                                         const struct iso_report *report),
                            void *ctx)
{
    upload->done = done;
    upload->ctx = ctx;
    iso_sha256_final(&upload->sha, upload->found);
    if (!upload->has_digest) {
        memcpy(upload->digest, upload->found, ISO_SHA256_SIZE);
    }
    iso_blobs_path(upload->blobs, upload->digest, upload->final);
    upload->blobs->jobs++;
    int failed = uv_queue_work(upload->blobs->loop, &upload->work, finish_work, finish_after);
    ISO_ASSERT(failed == 0); /* only a missing callback makes it fail */
}

uint64_t iso_blob_upload_size(const struct iso_blob_upload *upload)
{
    return upload->written_bytes;
}

void iso_blob_upload_digest(const struct iso_blob_upload *upload, uint8_t out[ISO_SHA256_SIZE])
{
    memcpy(out, upload->digest, ISO_SHA256_SIZE);
}

/* ---- Reading -----------------------------------------------------------------------------------
 */

struct load {
    struct iso_blobs *blobs;
    uint8_t digest[ISO_SHA256_SIZE];
    char path[ISO_PATH_MAX];
    char aside[ISO_PATH_MAX];
    uint64_t size_bytes;
    uint8_t *bytes; /* all of them; NULL when it is opened only */
    int fd;         /* -1 when it is read */
    bool damaged;
    enum iso_err err;
    struct iso_report report;
    uv_work_t work;
    iso_blob_loaded_fn loaded; /* one of both */
    iso_blob_opened_fn opened;
    void *ctx;
};

static enum iso_err cannot_read(struct load *load, int failed)
{
    return iso_fail(&load->report, ISO_E_IO, "cannot read '%s': %s", load->path,
                    iso_errno_text(failed));
}

static enum iso_err read_whole(struct load *load, int fd, struct iso_sha256 *sha)
{
    load->bytes = iso_alloc_resize(load->blobs->alloc, NULL, 0, (size_t)load->size_bytes);
    if (load->bytes == NULL) {
        return iso_fail(&load->report, ISO_E_NOMEM, "not enough memory to read the module");
    }
    int failed = iso_fd_read(fd, load->bytes, (size_t)load->size_bytes);
    if (failed != 0) {
        return cannot_read(load, failed);
    }
    iso_sha256_update(sha, load->bytes, (size_t)load->size_bytes);
    return ISO_OK;
}

static enum iso_err read_through(struct load *load, int fd, struct iso_sha256 *sha)
{
    uint8_t piece[PIECE_BYTES];
    uint64_t left = load->size_bytes;
    while (left > 0) {
        const size_t len = left < sizeof piece ? (size_t)left : sizeof piece;
        int failed = iso_fd_read(fd, piece, len);
        if (failed != 0) {
            return cannot_read(load, failed);
        }
        iso_sha256_update(sha, piece, len);
        left -= len;
    }
    return lseek(fd, 0, SEEK_SET) == 0 ? ISO_OK : cannot_read(load, errno);
}

static enum iso_err load_file(struct load *load, int fd)
{
    struct stat st;
    struct iso_sha256 sha;
    uint8_t found[ISO_SHA256_SIZE];
    if (fstat(fd, &st) != 0 || (uint64_t)st.st_size > ISO_BLOB_BYTES_MAX) {
        return iso_fail(&load->report, ISO_E_IO, "'%s' is no module", load->path);
    }
    load->size_bytes = (uint64_t)st.st_size;
    iso_sha256_init(&sha);
    const enum iso_err err =
        load->opened != NULL ? read_through(load, fd, &sha) : read_whole(load, fd, &sha);
    if (err != ISO_OK) {
        return err;
    }
    iso_sha256_final(&sha, found);
    if (memcmp(found, load->digest, ISO_SHA256_SIZE) != 0) {
        char text[72];
        iso_digest_text(load->digest, text);
        load->damaged = true;
        (void)rename(load->path, load->aside);
        return iso_fail(&load->report, ISO_E_INVALID,
                        "the stored module %s is damaged (its bytes have changed); upload it again",
                        text);
    }
    (void)futimens(fd, NULL); /* for the order of eviction after a restart */
    return ISO_OK;
}

static void load_work(uv_work_t *work)
{
    struct load *load = work->data;
    int fd = open(load->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        char text[72];
        iso_digest_text(load->digest, text);
        load->err = errno == ENOENT
                        ? iso_fail(&load->report, ISO_E_NOT_FOUND,
                                   "the module %s is not in the store; upload it first", text)
                        : cannot_read(load, errno);
        return;
    }
    load->err = load_file(load, fd);
    if (load->err == ISO_OK && load->opened != NULL) {
        load->fd = fd;
        return;
    }
    (void)close(fd);
    if (load->err != ISO_OK) {
        iso_alloc_free(load->blobs->alloc, load->bytes, (size_t)load->size_bytes);
        load->bytes = NULL;
        load->size_bytes = 0;
    }
}

static void load_after(uv_work_t *work, int status)
{
    struct load *load = work->data;
    struct iso_blobs *blobs = load->blobs;
    struct iso_blob_entry *entry = iso_blobs_entry(blobs, load->digest);
    (void)status;
    if (entry != NULL && (load->damaged || load->err == ISO_E_NOT_FOUND)) {
        iso_blobs_drop(blobs, entry);
        blobs->damaged_total += load->damaged ? 1 : 0;
    } else if (entry != NULL && load->err == ISO_OK) {
        entry->used_ns = iso_blobs_now();
    }
    if (load->opened != NULL) {
        load->opened(load->ctx, load->err, load->fd, load->size_bytes, &load->report);
    } else {
        load->loaded(load->ctx, load->err, load->bytes, (size_t)load->size_bytes, &load->report);
    }
    iso_alloc_free(blobs->alloc, load, sizeof *load);
    iso_blobs_job_over(blobs);
}

static void begin_load(struct iso_blobs *blobs, const uint8_t digest[ISO_SHA256_SIZE],
                       iso_blob_loaded_fn loaded, iso_blob_opened_fn opened, void *ctx)
{
    struct load *load = iso_alloc_new(blobs->alloc, sizeof *load);
    ISO_ASSERT(load != NULL); /* some KiB; there is nobody to tell */
    load->blobs = blobs;
    memcpy(load->digest, digest, ISO_SHA256_SIZE);
    load->fd = -1;
    load->work.data = load;
    load->loaded = loaded;
    load->opened = opened;
    load->ctx = ctx;
    char name[2 * ISO_SHA256_SIZE + 16];
    iso_hex_encode(digest, ISO_SHA256_SIZE, name);
    memcpy(name + 2 * (size_t)ISO_SHA256_SIZE, ".damaged", sizeof ".damaged");
    iso_blobs_path(blobs, digest, load->path);
    ISO_ASSERT(iso_path_join(load->aside, blobs->incoming, name));
    blobs->jobs++;
    int failed = uv_queue_work(blobs->loop, &load->work, load_work, load_after);
    ISO_ASSERT(failed == 0);
}

void iso_blobs_load(struct iso_blobs *blobs, const uint8_t digest[ISO_SHA256_SIZE],
                    iso_blob_loaded_fn done, void *ctx)
{
    begin_load(blobs, digest, done, NULL, ctx);
}

void iso_blobs_open(struct iso_blobs *blobs, const uint8_t digest[ISO_SHA256_SIZE],
                    iso_blob_opened_fn done, void *ctx)
{
    begin_load(blobs, digest, NULL, done, ctx);
}
