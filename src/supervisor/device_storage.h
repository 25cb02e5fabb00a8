/*
 * device_storage.h - a component's storage as a directory: one file per key, named by the SHA-256
 * of the key. Everything here blocks; any thread, but one at a time per directory.
 *
 * A file: magic (8 bytes), length of the key, length of the value (4 bytes each, little-endian),
 * SHA-256 of the rest with both lengths before it (32 bytes), key, value. A damaged one is noticed
 * and never taken for a value.
 */
#ifndef ISO_SUPERVISOR_DEVICE_STORAGE_H
#define ISO_SUPERVISOR_DEVICE_STORAGE_H

#include "supervisor/device_internal.h"

#define ISO_SV_STORE_HEAD 48u

/* An entry or a key. */
struct iso_sv_stored {
    struct iso_bytes key;
    struct iso_bytes value;
};

/* *found: whether there is something. value: appended. Errors: MALFORMED (damaged), IO, ACCESS,
 * NOMEM, LIMIT. */
ISO_MUST_CHECK enum iso_err iso_sv_store_get(const char *path, struct iso_bytes key,
                                             struct iso_buf *value, bool *found,
                                             struct iso_report *report);
/* Durable when it returns. max: quota for the whole directory (UINT64_MAX: none).
 * Errors: LIMIT, IO (which includes a
 * full disk), ACCESS. */
ISO_MUST_CHECK enum iso_err iso_sv_store_set(const char *path, struct iso_bytes key,
                                             struct iso_bytes value, uint64_t max,
                                             struct iso_report *report);
/* Durable when it returns; fine when there is nothing. */
ISO_MUST_CHECK enum iso_err iso_sv_store_delete(const char *path, struct iso_bytes key,
                                                struct iso_report *report);
/* All keys in the order of their bytes, in the arena. *damaged counts files that have no key that
 * can be trusted. Errors: IO, ACCESS, NOMEM, LIMIT. */
ISO_MUST_CHECK enum iso_err iso_sv_store_list(const char *path, struct iso_arena *arena,
                                              struct iso_bytes **keys, size_t *count,
                                              size_t *damaged, struct iso_report *report);
/* Bytes and files that count. A directory that is not there is empty. */
ISO_MUST_CHECK enum iso_err iso_sv_store_usage(const char *path, uint64_t *bytes, size_t *files,
                                               struct iso_report *report);
/* Make the directory and those above it that are missing. */
ISO_MUST_CHECK enum iso_err iso_sv_store_make(const char *path, struct iso_report *report);
/* Remove the files that this made, and the directory. */
ISO_MUST_CHECK enum iso_err iso_sv_store_remove(const char *path, struct iso_report *report);

#endif
