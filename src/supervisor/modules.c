/* The module store: what is there, its cap, eviction. */
#include "supervisor/modules_internal.h"

#include <errno.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "platform/platform.h"

uint64_t iso_sv_modules_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* ---- Digests -----------------------------------------------------------------------------------
 */

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool hex_read(const char *text, uint8_t digest[ISO_SHA256_SIZE])
{
    for (size_t i = 0; i < ISO_SHA256_SIZE; i++) {
        int high = hex_digit(text[2 * i]);
        int low = high >= 0 ? hex_digit(text[2 * i + 1]) : -1;
        if (low < 0) {
            return false;
        }
        digest[i] = (uint8_t)(high * 16 + low);
    }
    return true;
}

enum iso_err iso_sv_digest_parse(struct iso_str text, uint8_t digest[ISO_SHA256_SIZE],
                                 struct iso_report *report)
{
    uint8_t bytes[ISO_SHA256_SIZE];
    if (text.len != 71 || memcmp(text.ptr, "sha256:", 7) != 0 || !hex_read(text.ptr + 7, bytes)) {
        return iso_fail(report, ISO_E_ARGUMENT,
                        "not the digest of a module: \"sha256:\" and 64 hexadecimal digits (small "
                        "letters)");
    }
    memcpy(digest, bytes, sizeof bytes);
    return ISO_OK;
}

void iso_sv_digest_text(const uint8_t digest[ISO_SHA256_SIZE], char out[72])
{
    memcpy(out, "sha256:", 7);
    iso_hex_encode(digest, ISO_SHA256_SIZE, out + 7);
}

/* ---- Entries -----------------------------------------------------------------------------------
 */

struct iso_sv_module_entry *iso_sv_modules_entry(const struct iso_sv_modules *modules,
                                                 const uint8_t digest[ISO_SHA256_SIZE])
{
    for (uint32_t i = 0; i < modules->count; i++) {
        if (memcmp(modules->entries[i].digest, digest, ISO_SHA256_SIZE) == 0) {
            return &modules->entries[i];
        }
    }
    return NULL;
}

enum iso_err iso_sv_modules_add(struct iso_sv_modules *modules,
                                const uint8_t digest[ISO_SHA256_SIZE], uint64_t size_bytes,
                                uint64_t used_ns)
{
    if (iso_sv_modules_entry(modules, digest) != NULL) {
        return ISO_OK;
    }
    if (modules->count == modules->cap) {
        uint32_t cap = modules->cap == 0 ? 16 : modules->cap * 2;
        struct iso_sv_module_entry *grown = iso_alloc_resize(
            modules->alloc, modules->entries, modules->cap * sizeof *grown, cap * sizeof *grown);
        if (grown == NULL) {
            return ISO_E_NOMEM;
        }
        modules->entries = grown;
        modules->cap = cap;
    }
    struct iso_sv_module_entry *entry = &modules->entries[modules->count++];
    memcpy(entry->digest, digest, ISO_SHA256_SIZE);
    entry->size_bytes = size_bytes;
    entry->used_ns = used_ns;
    modules->bytes += size_bytes;
    return ISO_OK;
}

void iso_sv_modules_drop(struct iso_sv_modules *modules, struct iso_sv_module_entry *entry)
{
    modules->bytes -= entry->size_bytes;
    *entry = modules->entries[--modules->count];
}

void iso_sv_modules_path(const struct iso_sv_modules *modules,
                         const uint8_t digest[ISO_SHA256_SIZE], char out[ISO_PATH_MAX])
{
    char name[2 * ISO_SHA256_SIZE + 1];
    iso_hex_encode(digest, ISO_SHA256_SIZE, name);
    ISO_ASSERT(iso_path_join(out, modules->store, name)); /* create limits the directory */
}

static bool is_used(const struct iso_sv_modules *modules, const uint8_t digest[ISO_SHA256_SIZE])
{
    return modules->used != NULL && modules->used(modules->ctx, digest);
}

static bool evict_one(struct iso_sv_modules *modules)
{
    struct iso_sv_module_entry *oldest = NULL;
    for (uint32_t i = 0; i < modules->count; i++) {
        struct iso_sv_module_entry *entry = &modules->entries[i];
        if ((oldest == NULL || entry->used_ns < oldest->used_ns) &&
            !is_used(modules, entry->digest)) {
            oldest = entry;
        }
    }
    char path[ISO_PATH_MAX];
    if (oldest == NULL) {
        return false;
    }
    iso_sv_modules_path(modules, oldest->digest, path);
    (void)unlink(path); /* what cannot be removed is found again at the next start */
    iso_sv_modules_drop(modules, oldest);
    modules->evicted_total++;
    return true;
}

enum iso_err iso_sv_modules_make_room(struct iso_sv_modules *modules, uint64_t more,
                                      struct iso_report *report)
{
    while (modules->bytes + modules->reserved + more > modules->max_bytes ||
           modules->count >= ISO_SV_MODULES_COUNT_MAX) {
        if (more > modules->max_bytes || !evict_one(modules)) {
            char have[32], cap[32], want[32];
            (void)iso_format_size(have, modules->bytes + modules->reserved);
            (void)iso_format_size(cap, modules->max_bytes);
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
    struct iso_sv_modules *modules;
    enum iso_err err;
};

static void list_module(void *ctx, const char *path, const char *name)
{
    struct listing *listing = ctx;
    uint8_t digest[ISO_SHA256_SIZE];
    struct stat st;
    if (strlen(name) != 2 * (size_t)ISO_SHA256_SIZE || !hex_read(name, digest) ||
        stat(path, &st) != 0 || !S_ISREG(st.st_mode) || listing->err != ISO_OK) {
        return;
    }
    uint64_t used_ns =
        (uint64_t)st.st_mtim.tv_sec * UINT64_C(1000000000) + (uint64_t)st.st_mtim.tv_nsec;
    listing->err = iso_sv_modules_add(listing->modules, digest, (uint64_t)st.st_size, used_ns);
}

static enum iso_err make_directories(struct iso_sv_modules *modules, const char *dir,
                                     struct iso_report *report)
{
    char base[ISO_PATH_MAX];
    if (strlen(dir) > ISO_STATE_DIR_MAX || !iso_path_join(base, dir, "modules") ||
        !iso_path_join(modules->store, base, "sha256") ||
        !iso_path_join(modules->incoming, base, "incoming")) {
        return iso_fail(report, ISO_E_ARGUMENT,
                        "the path of the state directory is too long; at most %d bytes",
                        ISO_STATE_DIR_MAX);
    }
    enum iso_err err = iso_dir_make(base, report);
    if (err == ISO_OK) {
        err = iso_dir_make(modules->store, report);
    }
    return err != ISO_OK ? err : iso_dir_make(modules->incoming, report);
}

enum iso_err iso_sv_modules_create(const struct iso_sv_modules_config *config,
                                   struct iso_sv_modules **out, struct iso_report *report)
{
    struct iso_sv_modules *modules = iso_alloc_new(config->alloc, sizeof *modules);
    if (modules == NULL) {
        return iso_fail(report, ISO_E_NOMEM, "not enough memory for the module store");
    }
    modules->loop = config->loop;
    modules->alloc = config->alloc;
    modules->max_bytes = config->max_bytes != 0 ? config->max_bytes : ISO_SV_MODULES_CAP;
    modules->used = config->used;
    modules->ctx = config->ctx;
    enum iso_err err = make_directories(modules, config->dir, report);
    if (err == ISO_OK) {
        struct listing listing = {.modules = modules, .err = ISO_OK};
        iso_dir_each(modules->incoming, remove_leftover, NULL);
        iso_dir_each(modules->store, list_module, &listing);
        err = listing.err;
    }
    if (err != ISO_OK) {
        iso_sv_modules_destroy(modules);
        return err;
    }
    *out = modules;
    return ISO_OK;
}

bool iso_sv_modules_busy(const struct iso_sv_modules *modules)
{
    return modules->uploads != 0 || modules->jobs != 0;
}

void iso_sv_modules_destroy(struct iso_sv_modules *modules)
{
    if (modules == NULL) {
        return;
    }
    ISO_ASSERT(modules->uploads == 0 && modules->jobs == 0);
    iso_alloc_free(modules->alloc, modules->entries, modules->cap * sizeof *modules->entries);
    iso_alloc_free(modules->alloc, modules, sizeof *modules);
}

void iso_sv_modules_set_used(struct iso_sv_modules *modules,
                             bool (*used)(void *ctx, const uint8_t digest[ISO_SHA256_SIZE]),
                             void *ctx)
{
    modules->used = used;
    modules->ctx = ctx;
}

/* ---- Questions ---------------------------------------------------------------------------------
 */

void iso_sv_modules_stats_get(const struct iso_sv_modules *modules,
                              struct iso_sv_modules_stats *out)
{
    *out = (struct iso_sv_modules_stats){.bytes = modules->bytes,
                                         .count = modules->count,
                                         .uploads = modules->uploads,
                                         .evicted_total = modules->evicted_total,
                                         .damaged_total = modules->damaged_total};
}

uint64_t iso_sv_modules_cap(const struct iso_sv_modules *modules)
{
    return modules->max_bytes;
}

bool iso_sv_modules_find(const struct iso_sv_modules *modules,
                         const uint8_t digest[ISO_SHA256_SIZE], uint64_t *size_bytes)
{
    const struct iso_sv_module_entry *entry = iso_sv_modules_entry(modules, digest);
    if (entry != NULL) {
        *size_bytes = entry->size_bytes;
    }
    return entry != NULL;
}

void iso_sv_modules_each(const struct iso_sv_modules *modules,
                         void (*visit)(void *ctx, const uint8_t digest[ISO_SHA256_SIZE],
                                       uint64_t size_bytes, bool used),
                         void *ctx)
{
    for (uint32_t i = 0; i < modules->count; i++) {
        const struct iso_sv_module_entry *entry = &modules->entries[i];
        visit(ctx, entry->digest, entry->size_bytes, is_used(modules, entry->digest));
    }
}

enum iso_err iso_sv_modules_delete(struct iso_sv_modules *modules,
                                   const uint8_t digest[ISO_SHA256_SIZE], struct iso_report *report)
{
    struct iso_sv_module_entry *entry = iso_sv_modules_entry(modules, digest);
    char text[72], path[ISO_PATH_MAX];
    iso_sv_digest_text(digest, text);
    if (entry == NULL) {
        return iso_fail(report, ISO_E_NOT_FOUND, "there is no module %s in the store", text);
    }
    if (is_used(modules, digest)) {
        return iso_fail(report, ISO_E_STATE,
                        "a deployment uses the module %s; remove the deployment first", text);
    }
    iso_sv_modules_path(modules, digest, path);
    if (unlink(path) != 0 && errno != ENOENT) {
        return iso_fail(report, iso_errno_err(errno), "cannot remove '%s': %s", path,
                        iso_errno_text(errno));
    }
    iso_sv_modules_drop(modules, entry);
    return ISO_OK;
}
