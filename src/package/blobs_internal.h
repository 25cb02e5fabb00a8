/* What the blobs*.c share. */
#ifndef ISO_PACKAGE_BLOBS_INTERNAL_H
#define ISO_PACKAGE_BLOBS_INTERNAL_H

#include "package/digest.h"
#include "platform/platform.h"

struct iso_blob_entry {
    uint8_t digest[ISO_SHA256_SIZE];
    uint64_t size_bytes;
    uint64_t used_ns; /* when it was last begun or read, since 1970 */
};

struct iso_blobs {
    uv_loop_t *loop;
    const struct iso_alloc *alloc;
    char store[ISO_PATH_MAX];    /* DIR/sha256 */
    char incoming[ISO_PATH_MAX]; /* DIR/incoming */
    uint64_t max_bytes;
    bool (*used)(void *ctx, const uint8_t digest[ISO_SHA256_SIZE]);
    void *ctx;
    struct iso_blob_entry *entries;
    uint32_t count, cap;
    uint64_t bytes;    /* of entries */
    uint64_t reserved; /* of uploads */
    uint32_t uploads, uploads_max;
    uint32_t jobs;  /* on the pool */
    bool destroyed; /* and to be released with the last of them */
    uint64_t names; /* for temporary files */
    uint64_t evicted_total;
    uint64_t damaged_total;
};

struct iso_blob_entry *iso_blobs_entry(const struct iso_blobs *blobs,
                                       const uint8_t digest[ISO_SHA256_SIZE]);
/* Evict until `more` bytes fit. Errors: LIMIT. */
ISO_MUST_CHECK enum iso_err iso_blobs_make_room(struct iso_blobs *blobs, uint64_t more,
                                                struct iso_report *report);
/* Errors: NOMEM. Fine when it is there. */
ISO_MUST_CHECK enum iso_err iso_blobs_add(struct iso_blobs *blobs,
                                          const uint8_t digest[ISO_SHA256_SIZE],
                                          uint64_t size_bytes, uint64_t used_ns);
/* A job has come from the pool, and all has been done with it. */
void iso_blobs_job_over(struct iso_blobs *blobs);
void iso_blobs_drop(struct iso_blobs *blobs, struct iso_blob_entry *entry);
uint64_t iso_blobs_now(void);

#endif
