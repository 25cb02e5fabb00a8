/* What the modules*.c share. */
#ifndef ISO_SUPERVISOR_MODULES_INTERNAL_H
#define ISO_SUPERVISOR_MODULES_INTERNAL_H

#include "platform/platform.h"
#include "supervisor/modules.h"

struct iso_sv_module_entry {
    uint8_t digest[ISO_SHA256_SIZE];
    uint64_t size_bytes;
    uint64_t used_ns; /* when it was last begun or read, since 1970 */
};

struct iso_sv_modules {
    uv_loop_t *loop;
    const struct iso_alloc *alloc;
    char store[ISO_PATH_MAX];    /* DIR/modules/sha256 */
    char incoming[ISO_PATH_MAX]; /* DIR/modules/incoming */
    uint64_t max_bytes;
    bool (*used)(void *ctx, const uint8_t digest[ISO_SHA256_SIZE]);
    void *ctx;
    struct iso_sv_module_entry *entries;
    uint32_t count, cap;
    uint64_t bytes;    /* of entries */
    uint64_t reserved; /* of uploads */
    uint32_t uploads;
    uint32_t jobs;  /* on the pool */
    uint64_t names; /* for temporary files */
    uint64_t evicted_total;
    uint64_t damaged_total;
};

struct iso_sv_module_entry *iso_sv_modules_entry(const struct iso_sv_modules *modules,
                                                 const uint8_t digest[ISO_SHA256_SIZE]);
/* Evict until `more` bytes fit. Errors: LIMIT. */
ISO_MUST_CHECK enum iso_err iso_sv_modules_make_room(struct iso_sv_modules *modules, uint64_t more,
                                                     struct iso_report *report);
/* Errors: NOMEM. Fine when it is there. */
ISO_MUST_CHECK enum iso_err iso_sv_modules_add(struct iso_sv_modules *modules,
                                               const uint8_t digest[ISO_SHA256_SIZE],
                                               uint64_t size_bytes, uint64_t used_ns);
void iso_sv_modules_drop(struct iso_sv_modules *modules, struct iso_sv_module_entry *entry);
void iso_sv_modules_path(const struct iso_sv_modules *modules,
                         const uint8_t digest[ISO_SHA256_SIZE], char out[ISO_PATH_MAX]);
uint64_t iso_sv_modules_now(void);

#endif
