/* Tarballs as npm packs them, and hostile ones, for tests and fuzzing. */
#ifndef ISO_PACKAGE_ARCHIVE_TEST_SUPPORT_H
#define ISO_PACKAGE_ARCHIVE_TEST_SUPPORT_H

#include "base/base.h"

struct archive_test_file {
    const char *path; /* "package/a.wasm" */
    struct iso_bytes bytes;
    const char *symlink; /* instead of a file */
    const char *hardlink;
};

/* A gzipped tar, appended to out. */
void archive_test_pack(const struct archive_test_file *files, size_t count, struct iso_buf *out);

/* The smallest module, and one that is not. */
extern const struct iso_bytes archive_test_module;

/* "sha512-..." of bytes. */
void archive_test_integrity(struct iso_bytes bytes, char out[128]);

#endif
