/* The store of blobs: what is there, its cap, eviction. */
#include "package/blobs_internal.h"

#include <errno.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "platform/platform.h"

uint64_t iso_blobs_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* ---- Entries -----------------------------------------------------------------------------------
 */

struct iso_blob_entry *iso_blobs_entry(const struct iso_blobs *blobs,
                                       const uint8_t digest[ISO_SHA256_SIZE])
{
    for (uint32_t i = 0; i < blobs->count; i++) {
        if (memcmp(blobs->entries[i].digest, digest, ISO_SHA256_SIZE) == 0) {
            return &blobs->entries[i];
        }
    }
    return NULL;
}

enum iso_err iso_blobs_add(struct iso_blobs *blobs, const uint8_t digest[ISO_SHA256_SIZE],
                           uint64_t size_bytes, uint64_t used_ns)
{
    if (iso_blobs_entry(blobs, digest) != NULL) {
        return ISO_OK;
    }
    if (blobs->count == blobs->cap) {
        uint32_t cap = blobs->cap == 0 ? 16 : blobs->cap * 2;
        struct iso_blob_entry *grown = iso_alloc_resize(
            blobs->alloc, blobs->entries, blobs->cap * sizeof *grown, cap * sizeof *grown);
        if (grown == NULL) {
            return ISO_E_NOMEM;
        }
        blobs->entries = grown;
        blobs->cap = cap;
    }
    struct iso_blob_entry *entry = &blobs->entries[blobs->count++];
    memcpy(entry->digest, digest, ISO_SHA256_SIZE);
    entry->size_bytes = size_bytes;
    entry->used_ns = used_ns;
    blobs->bytes += size_bytes;
    return ISO_OK;
}

void iso_blobs_drop(struct iso_blobs *blobs, struct iso_blob_entry *entry)
{
    blobs->bytes -= entry->size_bytes;
    *entry = blobs->entries[--blobs->count];
}

void iso_blobs_path(const struct iso_blobs *blobs, const uint8_t digest[ISO_SHA256_SIZE],
                    char out[ISO_PATH_MAX])
{
    char name[2 * ISO_SHA256_SIZE + 1];
    iso_hex_encode(digest, ISO_SHA256_SIZE, name);
    ISO_ASSERT(iso_path_join(out, blobs->store, name)); /* create limits the directory */
}

static bool is_used(const struct iso_blobs *blobs, const uint8_t digest[ISO_SHA256_SIZE])
{
    return blobs->used != NULL && blobs->used(blobs->ctx, digest);
}

static bool evict_one(struct iso_blobs *blobs)
{
    struct iso_blob_entry *oldest = NULL;
    for (uint32_t i = 0; i < blobs->count; i++) {
        struct iso_blob_entry *entry = &blobs->entries[i];
        if ((oldest == NULL || entry->used_ns < oldest->used_ns) &&
            !is_used(blobs, entry->digest)) {
            oldest = entry;
        }
    }
    char path[ISO_PATH_MAX];
    if (oldest == NULL) {
        return false;
    }
    iso_blobs_path(blobs, oldest->digest, path);
    (void)unlink(path); /* what cannot be removed is found again at the next start */
    iso_blobs_drop(blobs, oldest);
    blobs->evicted_total++;
    return true;
}

enum iso_err iso_blobs_make_room(struct iso_blobs *blobs, uint64_t more, struct iso_report *report)
{
    while (blobs->bytes + blobs->reserved + more > blobs->max_bytes ||
           blobs->count >= ISO_BLOBS_COUNT_MAX) {
        if (more > blobs->max_bytes || !evict_one(blobs)) {
            char have[32], cap[32], want[32];
            (void)iso_format_size(have, blobs->bytes + blobs->reserved);
            (void)iso_format_size(cap, blobs->max_bytes);
            (void)iso_format_size(want, more);
            return iso_fail(report, ISO_E_LIMIT,
                            "no room for %s more: the module store has %s of its %s, and what "
                            "deployments use is not removed; delete deployments or raise the limit",
                            want, have, cap);
        }
    }
    return ISO_OK;
}

/* ---- Creation ----------------------------------------------------------------------------------
 */

static void remove_leftover(void *ctx, const char *path, const char *name)
{
    size_t len = strlen(name);
    (void)ctx;
    if (len < 8 || strcmp(name + len - 8, ".damaged") != 0) {
        (void)unlink(path);
    }
}

struct listing {
    struct iso_blobs *blobs;
    enum iso_err err;
};

static void list_blob(void *ctx, const char *path, const char *name)
{
    struct listing *listing = ctx;
    uint8_t digest[ISO_SHA256_SIZE];
    struct stat st;
    if (strlen(name) != 2 * (size_t)ISO_SHA256_SIZE || !iso_digest_read_hex(name, digest) ||
        stat(path, &st) != 0 || !S_ISREG(st.st_mode) || listing->err != ISO_OK) {
        return;
    }
    uint64_t used_ns =
        (uint64_t)st.st_mtim.tv_sec * UINT64_C(1000000000) + (uint64_t)st.st_mtim.tv_nsec;
    listing->err = iso_blobs_add(listing->blobs, digest, (uint64_t)st.st_size, used_ns);
}

static enum iso_err make_directories(struct iso_blobs *blobs, const char *dir,
                                     struct iso_report *report)
{
    if (strlen(dir) > ISO_BLOBS_DIR_MAX || !iso_path_join(blobs->store, dir, "sha256") ||
        !iso_path_join(blobs->incoming, dir, "incoming")) {
        return iso_fail(report, ISO_E_ARGUMENT,
                        "the path '%.100s...' is too long; at most %d bytes", dir,
                        ISO_BLOBS_DIR_MAX);
    }
    enum iso_err err = iso_dir_make(blobs->store, report);
    return err != ISO_OK ? err : iso_dir_make(blobs->incoming, report);
}

enum iso_err iso_blobs_create(const struct iso_blobs_config *config, struct iso_blobs **out,
                              struct iso_report *report)
{
    struct iso_blobs *blobs = iso_alloc_new(config->alloc, sizeof *blobs);
    if (blobs == NULL) {
        return iso_fail(report, ISO_E_NOMEM, "not enough memory for the module store");
    }
    blobs->loop = config->loop;
    blobs->alloc = config->alloc;
    blobs->max_bytes = config->max_bytes != 0 ? config->max_bytes : ISO_BLOBS_CAP;
    blobs->uploads_max = config->uploads_max != 0 ? config->uploads_max : ISO_BLOBS_UPLOADS_MAX;
    blobs->used = config->used;
    blobs->ctx = config->ctx;
    enum iso_err err = make_directories(blobs, config->dir, report);
    if (err == ISO_OK) {
        struct listing listing = {.blobs = blobs, .err = ISO_OK};
        iso_dir_each(blobs->incoming, remove_leftover, NULL);
        iso_dir_each(blobs->store, list_blob, &listing);
        err = listing.err;
    }
    if (err != ISO_OK) {
        iso_blobs_destroy(blobs);
        return err;
    }
    *out = blobs;
    return ISO_OK;
}

bool iso_blobs_busy(const struct iso_blobs *blobs)
{
    return blobs->jobs != 0;
}

static void release_if_idle(struct iso_blobs *blobs)
{
    if (blobs->destroyed && blobs->jobs == 0) {
        ISO_ASSERT(blobs->uploads == 0);
        iso_alloc_free(blobs->alloc, blobs->entries, blobs->cap * sizeof *blobs->entries);
        iso_alloc_free(blobs->alloc, blobs, sizeof *blobs);
    }
}

void iso_blobs_destroy(struct iso_blobs *blobs)
{
    if (blobs == NULL) {
        return;
    }
    blobs->destroyed = true;
    release_if_idle(blobs);
}

void iso_blobs_job_over(struct iso_blobs *blobs)
{
    blobs->jobs--;
    release_if_idle(blobs);
}

void iso_blobs_set_used(struct iso_blobs *blobs,
                        bool (*used)(void *ctx, const uint8_t digest[ISO_SHA256_SIZE]), void *ctx)
{
    blobs->used = used;
    blobs->ctx = ctx;
}

/* ---- Questions ---------------------------------------------------------------------------------
 */

void iso_blobs_stats_get(const struct iso_blobs *blobs, struct iso_blobs_stats *out)
{
    *out = (struct iso_blobs_stats){.bytes = blobs->bytes,
                                    .count = blobs->count,
                                    .uploads = blobs->uploads,
                                    .evicted_total = blobs->evicted_total,
                                    .damaged_total = blobs->damaged_total};
}

uint64_t iso_blobs_cap(const struct iso_blobs *blobs)
{
    return blobs->max_bytes;
}

bool iso_blobs_find(const struct iso_blobs *blobs, const uint8_t digest[ISO_SHA256_SIZE],
                    uint64_t *size_bytes)
{
    const struct iso_blob_entry *entry = iso_blobs_entry(blobs, digest);
    if (entry != NULL) {
        *size_bytes = entry->size_bytes;
    }
    return entry != NULL;
}

void iso_blobs_each(const struct iso_blobs *blobs,
                    void (*visit)(void *ctx, const uint8_t digest[ISO_SHA256_SIZE],
                                  uint64_t size_bytes, bool used),
                    void *ctx)
{
    for (uint32_t i = 0; i < blobs->count; i++) {
        const struct iso_blob_entry *entry = &blobs->entries[i];
        visit(ctx, entry->digest, entry->size_bytes, is_used(blobs, entry->digest));
    }
}

enum iso_err iso_blobs_delete(struct iso_blobs *blobs, const uint8_t digest[ISO_SHA256_SIZE],
                              struct iso_report *report)
{
    struct iso_blob_entry *entry = iso_blobs_entry(blobs, digest);
    char text[72], path[ISO_PATH_MAX];
    iso_digest_text(digest, text);
    if (entry == NULL) {
        return iso_fail(report, ISO_E_NOT_FOUND, "there is no module %s in the store", text);
    }
    if (is_used(blobs, digest)) {
        return iso_fail(report, ISO_E_STATE,
                        "a deployment uses the module %s; remove the deployment first", text);
    }
    iso_blobs_path(blobs, digest, path);
    if (unlink(path) != 0 && errno != ENOENT) {
        return iso_fail(report, iso_errno_err(errno), "cannot remove '%s': %s", path,
                        iso_errno_text(errno));
    }
    iso_blobs_drop(blobs, entry);
    return ISO_OK;
}
