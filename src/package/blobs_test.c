/* The store of blobs keeps what has the right digest, evicts what nobody uses, notices damage, and
 * finds everything again after a restart. Real files in a temporary directory. */
#include "package/package.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "platform/platform.h"

#include "base/test.h"

struct fixture {
    uv_loop_t loop;
    char dir[64];
    struct iso_blobs *blobs;
    struct iso_report report;
    uint8_t used[ISO_SHA256_SIZE]; /* by a deployment */
    /* Of the last completion. */
    unsigned calls;
    enum iso_err err;
    uint8_t *bytes;
    size_t len;
    int fd;
};

static bool is_used(void *ctx, const uint8_t digest[ISO_SHA256_SIZE])
{
    const struct fixture *f = ctx;
    return memcmp(f->used, digest, ISO_SHA256_SIZE) == 0;
}

static void open_store(struct fixture *f, uint64_t max_bytes)
{
    struct iso_blobs_config config = {.loop = &f->loop,
                                      .alloc = iso_alloc_libc(),
                                      .dir = f->dir,
                                      .max_bytes = max_bytes,
                                      .used = is_used,
                                      .ctx = f};
    iso_report_init(&f->report);
    CHECK_OK(iso_blobs_create(&config, &f->blobs, &f->report));
}

static void setup(struct fixture *f, uint64_t max_bytes)
{
    *f = (struct fixture){.dir = "/tmp/iso-blobs-XXXXXX"};
    CHECK(mkdtemp(f->dir) != NULL);
    CHECK(uv_loop_init(&f->loop) == 0);
    open_store(f, max_bytes);
}

static void teardown(struct fixture *f)
{
    iso_blobs_destroy(f->blobs);
    CHECK(uv_run(&f->loop, UV_RUN_DEFAULT) == 0);
    CHECK(uv_loop_close(&f->loop) == 0);
    iso_tree_remove(f->dir);
}

static void finished(void *ctx, enum iso_err err, const struct iso_report *report)
{
    struct fixture *f = ctx;
    f->calls++;
    f->err = err;
    f->report = *report;
}

static void loaded(void *ctx, enum iso_err err, uint8_t *bytes, size_t len,
                   const struct iso_report *report)
{
    struct fixture *f = ctx;
    finished(ctx, err, report);
    f->bytes = bytes;
    f->len = len;
}

static void opened(void *ctx, enum iso_err err, int fd, uint64_t size_bytes,
                   const struct iso_report *report)
{
    struct fixture *f = ctx;
    finished(ctx, err, report);
    f->fd = fd;
    f->len = (size_t)size_bytes;
}

static void run(struct fixture *f)
{
    f->calls = 0;
    while (f->calls == 0 && uv_loop_alive(&f->loop)) {
        (void)uv_run(&f->loop, UV_RUN_ONCE);
    }
    CHECK_EQ_U64(f->calls, 1);
}

/* Content number n: `len` bytes. */
static void content(unsigned n, uint8_t *bytes, size_t len, uint8_t digest[ISO_SHA256_SIZE])
{
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (uint8_t)(n + i * 7);
    }
    iso_sha256(bytes, len, digest);
}

enum { LEN = 1000 };

static enum iso_err put(struct fixture *f, unsigned n, uint8_t digest[ISO_SHA256_SIZE])
{
    uint8_t bytes[LEN];
    struct iso_blob_upload *upload = NULL;
    content(n, bytes, LEN, digest);
    iso_report_init(&f->report);
    enum iso_err err = iso_blobs_begin(f->blobs, digest, LEN, &upload, &f->report);
    if (err != ISO_OK || upload == NULL) {
        return err;
    }
    CHECK_OK(iso_blob_upload_write(upload, iso_bytes_from(bytes, 300), &f->report));
    CHECK_OK(iso_blob_upload_write(upload, iso_bytes_from(bytes + 300, LEN - 300), &f->report));
    iso_blob_upload_finish(upload, finished, f);
    run(f);
    return f->err;
}

static bool has(struct fixture *f, const uint8_t digest[ISO_SHA256_SIZE])
{
    uint64_t size = 0;
    return iso_blobs_find(f->blobs, digest, &size);
}

static char *path_of(struct fixture *f, const uint8_t digest[ISO_SHA256_SIZE], char out[256])
{
    char hex[65];
    iso_hex_encode(digest, ISO_SHA256_SIZE, hex);
    (void)iso_format(out, 256, "%s/sha256/%s", f->dir, hex);
    return out;
}

static void damage(struct fixture *f, const uint8_t digest[ISO_SHA256_SIZE])
{
    char path[256];
    int fd = open(path_of(f, digest, path), O_WRONLY);
    CHECK(fd >= 0);
    CHECK(pwrite(fd, "!", 1, 500) == 1);
    (void)close(fd);
}

TEST(keeps_a_module_over_a_restart)
{
    struct fixture f;
    uint8_t digest[ISO_SHA256_SIZE], bytes[LEN];
    setup(&f, 0);
    CHECK_OK(put(&f, 1, digest));
    char path[256], junk[256];
    struct stat st;
    CHECK(stat(path_of(&f, digest, path), &st) == 0);
    CHECK_EQ_U64(st.st_mode & 0777, 0600);
    iso_blobs_destroy(f.blobs);
    (void)iso_format(junk, sizeof junk, "%s/incoming/7", f.dir);
    int fd = open(junk, O_CREAT | O_WRONLY, 0600);
    CHECK(fd >= 0);
    (void)close(fd);
    open_store(&f, 0);
    CHECK(has(&f, digest));
    CHECK(access(junk, F_OK) != 0);
    iso_blobs_load(f.blobs, digest, loaded, &f);
    run(&f);
    CHECK_OK(f.err);
    content(1, bytes, LEN, digest);
    CHECK_EQ_U64(f.len, LEN);
    CHECK_MEM(f.bytes, bytes, LEN);
    iso_alloc_free(iso_alloc_libc(), f.bytes, f.len);
    /* Once more: nothing needs to be sent. */
    struct iso_blob_upload *upload = (struct iso_blob_upload *)&f;
    CHECK_OK(iso_blobs_begin(f.blobs, digest, LEN, &upload, &f.report));
    CHECK(upload == NULL);
    struct iso_blobs_stats stats;
    iso_blobs_stats_get(f.blobs, &stats);
    CHECK_EQ_U64(stats.bytes, LEN);
    CHECK_EQ_U64(stats.count, 1);
    teardown(&f);
}

TEST(opens_a_module_whatever_its_size)
{
    struct fixture f;
    uint8_t digest[ISO_SHA256_SIZE], none[ISO_SHA256_SIZE] = {5};
    static uint8_t bytes[100000], got[sizeof bytes];
    struct iso_blob_upload *upload = NULL;
    setup(&f, 0);
    content(2, bytes, sizeof bytes, digest);
    CHECK_OK(iso_blobs_begin(f.blobs, digest, sizeof bytes, &upload, &f.report));
    CHECK_OK(iso_blob_upload_write(upload, iso_bytes_from(bytes, sizeof bytes), &f.report));
    iso_blob_upload_finish(upload, finished, &f);
    run(&f);
    iso_blobs_open(f.blobs, digest, opened, &f);
    run(&f);
    CHECK_OK(f.err);
    CHECK_EQ_U64(f.len, sizeof bytes);
    CHECK(read(f.fd, got, sizeof got) == (ssize_t)sizeof got);
    CHECK_MEM(got, bytes, sizeof bytes);
    (void)close(f.fd);
    iso_blobs_open(f.blobs, none, opened, &f);
    run(&f);
    CHECK_ERR(f.err, ISO_E_NOT_FOUND);
    CHECK(f.fd == -1);
    damage(&f, digest);
    iso_blobs_open(f.blobs, digest, opened, &f);
    run(&f);
    CHECK_ERR(f.err, ISO_E_INVALID);
    CHECK(f.fd == -1 && !has(&f, digest));
    teardown(&f);
}

TEST(what_is_being_read_is_told_after_the_store_has_gone)
{
    struct fixture f;
    uint8_t digest[ISO_SHA256_SIZE];
    setup(&f, 0);
    CHECK_OK(put(&f, 1, digest));
    iso_blobs_open(f.blobs, digest, opened, &f);
    f.calls = 0;
    teardown(&f);
    CHECK_EQ_U64(f.calls, 1);
    CHECK_OK(f.err);
    (void)close(f.fd);
}

TEST(refuses_bytes_with_another_digest)
{
    struct fixture f;
    uint8_t digest[ISO_SHA256_SIZE] = {1};
    struct iso_blob_upload *upload = NULL;
    setup(&f, 0);
    CHECK_OK(iso_blobs_begin(f.blobs, digest, UINT64_MAX, &upload, &f.report));
    CHECK_OK(iso_blob_upload_write(upload, iso_bytes_from("abc", 3), &f.report));
    iso_blob_upload_finish(upload, finished, &f);
    run(&f);
    CHECK_ERR(f.err, ISO_E_INVALID);
    CHECK_STR(f.report.text,
              "the bytes that arrived have the digest sha256:ba7816bf8f01cfea414140de5dae2223b0036"
              "1a396177a9cb410ff61f20015ad");
    CHECK(!has(&f, digest));
    teardown(&f);
}

/* Whatever they are: they get the name that they have. Twice is once. */
TEST(takes_bytes_whose_digest_nobody_knows_before)
{
    struct fixture f;
    uint8_t digest[ISO_SHA256_SIZE], expected[ISO_SHA256_SIZE];
    struct iso_blobs_stats stats;
    setup(&f, 0);
    iso_sha256("abc", 3, expected);
    for (int i = 0; i < 2; i++) {
        struct iso_blob_upload *upload = NULL;
        CHECK_OK(iso_blobs_begin(f.blobs, NULL, UINT64_MAX, &upload, &f.report));
        CHECK_OK(iso_blob_upload_write(upload, iso_bytes_from("a", 1), &f.report));
        CHECK_OK(iso_blob_upload_write(upload, iso_bytes_from("bc", 2), &f.report));
        CHECK_EQ_U64(iso_blob_upload_size(upload), 3);
        iso_blob_upload_finish(upload, finished, &f);
        iso_blob_upload_digest(upload, digest);
        CHECK_MEM(digest, expected, ISO_SHA256_SIZE);
        run(&f);
        CHECK_OK(f.err);
        CHECK(has(&f, expected));
        iso_blobs_stats_get(f.blobs, &stats);
        CHECK_EQ_U64(stats.bytes, 3);
        CHECK_EQ_U64(stats.count, 1);
    }
    teardown(&f);
}

TEST(evicts_what_nobody_uses_the_oldest_first)
{
    struct fixture f;
    uint8_t a[ISO_SHA256_SIZE], b[ISO_SHA256_SIZE], c[ISO_SHA256_SIZE], d[ISO_SHA256_SIZE];
    setup(&f, 3 * LEN);
    CHECK_OK(put(&f, 1, a));
    CHECK_OK(put(&f, 2, b));
    CHECK_OK(put(&f, 3, c));
    memcpy(f.used, a, ISO_SHA256_SIZE);
    CHECK_OK(put(&f, 4, d));
    CHECK(has(&f, a) && !has(&f, b) && has(&f, c) && has(&f, d));
    char path[256];
    CHECK(access(path_of(&f, b, path), F_OK) != 0);
    /* Reading makes c younger than d. */
    iso_blobs_load(f.blobs, c, loaded, &f);
    run(&f);
    iso_alloc_free(iso_alloc_libc(), f.bytes, f.len);
    CHECK_OK(put(&f, 2, b));
    CHECK(has(&f, a) && has(&f, b) && has(&f, c) && !has(&f, d));
    teardown(&f);
}

TEST(says_when_the_cap_is_reached)
{
    struct fixture f;
    uint8_t a[ISO_SHA256_SIZE], b[ISO_SHA256_SIZE];
    struct iso_blob_upload *upload = NULL;
    setup(&f, LEN + 500);
    CHECK_OK(put(&f, 1, a));
    memcpy(f.used, a, ISO_SHA256_SIZE);
    CHECK_ERR(put(&f, 2, b), ISO_E_LIMIT);
    CHECK_STR(f.report.text,
              "no room for 1000 B more: the module store has 1000 B of its 1.4 KiB, and what "
              "deployments use is not removed; delete deployments or raise the limit");
    /* Without a length it is noticed on the way. */
    iso_report_init(&f.report);
    CHECK_OK(iso_blobs_begin(f.blobs, b, UINT64_MAX, &upload, &f.report));
    uint8_t bytes[LEN] = {0};
    CHECK_OK(iso_blob_upload_write(upload, iso_bytes_from(bytes, 500), &f.report));
    CHECK_ERR(iso_blob_upload_write(upload, iso_bytes_from(bytes, 1), &f.report), ISO_E_LIMIT);
    iso_blob_upload_abort(upload);
    iso_report_init(&f.report);
    CHECK_ERR(iso_blobs_begin(f.blobs, b, ISO_BLOB_BYTES_MAX + 1, &upload, &f.report), ISO_E_LIMIT);
    CHECK_STR(f.report.text, "a module has at most 256 MiB");
    CHECK_ERR(iso_blobs_delete(f.blobs, a, NULL), ISO_E_STATE);
    memset(f.used, 0, sizeof f.used);
    CHECK_OK(put(&f, 2, b));
    CHECK_ERR(iso_blobs_delete(f.blobs, a, NULL), ISO_E_NOT_FOUND);
    CHECK_OK(iso_blobs_delete(f.blobs, b, NULL));
    CHECK(!has(&f, b));
    teardown(&f);
}

TEST(limits_uploads_at_a_time)
{
    struct fixture f;
    struct iso_blob_upload *uploads[ISO_BLOBS_UPLOADS_MAX + 1] = {NULL};
    setup(&f, 0);
    for (uint8_t i = 0; i < ISO_BLOBS_UPLOADS_MAX; i++) {
        uint8_t digest[ISO_SHA256_SIZE] = {i};
        CHECK_OK(iso_blobs_begin(f.blobs, digest, 10, &uploads[i], &f.report));
    }
    uint8_t digest[ISO_SHA256_SIZE] = {9};
    CHECK_ERR(iso_blobs_begin(f.blobs, digest, 10, &uploads[ISO_BLOBS_UPLOADS_MAX], &f.report),
              ISO_E_REFUSED);
    for (uint8_t i = 0; i < ISO_BLOBS_UPLOADS_MAX; i++) {
        iso_blob_upload_abort(uploads[i]);
    }
    teardown(&f);
}

TEST(notices_damage_and_absence)
{
    struct fixture f;
    uint8_t digest[ISO_SHA256_SIZE], other[ISO_SHA256_SIZE] = {5};
    setup(&f, 0);
    CHECK_OK(put(&f, 1, digest));
    damage(&f, digest);
    iso_blobs_load(f.blobs, digest, loaded, &f);
    run(&f);
    CHECK_ERR(f.err, ISO_E_INVALID);
    CHECK_CONTAINS(f.report.text, "is damaged (its bytes have changed); upload it again");
    CHECK(!has(&f, digest));
    CHECK(f.bytes == NULL);
    CHECK_OK(put(&f, 1, digest));
    CHECK(has(&f, digest));
    iso_blobs_load(f.blobs, other, loaded, &f);
    run(&f);
    CHECK_ERR(f.err, ISO_E_NOT_FOUND);
    CHECK_CONTAINS(f.report.text, "is not in the store; upload it first");
    teardown(&f);
}

TEST(tells_a_full_disk)
{
    struct fixture f;
    struct iso_blob_upload *upload = NULL;
    uint8_t digest[ISO_SHA256_SIZE] = {3};
    char path[256];
    if (access("/dev/full", W_OK) != 0) {
        TEST_SKIP("/dev/full is missing");
    }
    setup(&f, 0);
    (void)iso_format(path, sizeof path, "%s/incoming/0", f.dir);
    CHECK_OK(iso_blobs_begin(f.blobs, digest, 10, &upload, &f.report));
    /* The descriptor of the temporary file becomes one of a device that is always full. */
    int full = open("/dev/full", O_WRONLY);
    struct stat want, st;
    CHECK(full >= 0 && stat(path, &want) == 0);
    for (int fd = 3; fd < 64; fd++) {
        if (fstat(fd, &st) == 0 && st.st_ino == want.st_ino && st.st_dev == want.st_dev) {
            CHECK(dup2(full, fd) == fd);
        }
    }
    (void)close(full);
    CHECK_ERR(iso_blob_upload_write(upload, iso_bytes_from("0123456789", 10), &f.report), ISO_E_IO);
    CHECK_STR(f.report.text, "cannot write the module: no space left on the device");
    iso_blob_upload_abort(upload);
    teardown(&f);
}
