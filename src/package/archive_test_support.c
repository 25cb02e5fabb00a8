/* See archive_test_support.h: libarchive writes what the tests read. */
#include "package/archive_test_support.h"

#include "base/test.h"
#include "codec/codec.h"

#include <archive.h>
#include <archive_entry.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

const struct iso_bytes archive_test_module = {(const uint8_t *)"\0asm\1\0\0\0", 8};

static la_ssize_t on_write(struct archive *archive, void *ctx, const void *bytes, size_t len)
{
    (void)archive;
    CHECK_OK(iso_buf_append(ctx, bytes, len));
    return (la_ssize_t)len;
}

static void put(struct archive *archive, const struct archive_test_file *file)
{
    struct archive_entry *entry = archive_entry_new();
    CHECK(entry != NULL);
    archive_entry_set_pathname(entry, file->path);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_filetype(entry, file->symlink != NULL ? AE_IFLNK : AE_IFREG);
    archive_entry_set_size(entry, (la_int64_t)file->bytes.len);
    if (file->symlink != NULL) {
        archive_entry_set_symlink(entry, file->symlink);
    }
    if (file->hardlink != NULL) {
        archive_entry_set_hardlink(entry, file->hardlink);
    }
    CHECK(archive_write_header(archive, entry) == ARCHIVE_OK);
    if (file->bytes.len != 0) {
        CHECK(archive_write_data(archive, file->bytes.ptr, file->bytes.len) ==
              (la_ssize_t)file->bytes.len);
    }
    archive_entry_free(entry);
}

void archive_test_pack(const struct archive_test_file *files, size_t count, struct iso_buf *out)
{
    struct archive *archive = archive_write_new();
    CHECK(archive != NULL);
    CHECK(archive_write_add_filter_gzip(archive) == ARCHIVE_OK);
    CHECK(archive_write_set_format_pax_restricted(archive) == ARCHIVE_OK);
    CHECK(archive_write_open(archive, out, NULL, on_write, NULL) == ARCHIVE_OK);
    for (size_t i = 0; i < count; i++) {
        put(archive, &files[i]);
    }
    CHECK(archive_write_close(archive) == ARCHIVE_OK);
    (void)archive_write_free(archive);
}

void archive_test_integrity(struct iso_bytes bytes, char out[128])
{
    uint8_t digest[64];
    CHECK(gnutls_hash_fast(GNUTLS_DIG_SHA512, bytes.ptr, bytes.len, digest) == 0);
    memcpy(out, "sha512-", 7);
    iso_base64_encode(digest, sizeof digest, out + 7);
    out[7 + iso_base64_encoded_size(sizeof digest)] = '\0';
}
