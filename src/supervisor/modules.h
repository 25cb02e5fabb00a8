/*
 * modules.h - the module store: files named by the SHA-256 of their bytes, in DIR/modules/sha256.
 *
 * A module arrives in pieces: begin, write..., finish. What is written goes to a temporary file of
 * DIR/modules/incoming; finish checks the digest, syncs, and renames, so that a file in sha256/ is
 * whole. It is checked again whenever it is read, since disks and people damage files.
 *
 * The store has a cap. When a new module needs room, those that no deployment uses go, the least
 * recently used first. Loop thread; reading, syncing and checking run on libuv's pool.
 */
#ifndef ISO_SUPERVISOR_MODULES_H
#define ISO_SUPERVISOR_MODULES_H

#include <uv.h>

#include "base/base.h"

struct iso_sv_modules;
struct iso_sv_upload;

enum {
    ISO_SV_MODULES_UPLOADS_MAX = 4, /* at a time */
    ISO_SV_MODULES_COUNT_MAX = 4096 /* modules in the store */
};
#define ISO_SV_MODULE_BYTES_MAX (UINT64_C(256) << 20)
#define ISO_SV_MODULES_CAP (UINT64_C(1) << 30)

struct iso_sv_modules_config {
    uv_loop_t *loop;               /* kept */
    const struct iso_alloc *alloc; /* kept */
    const char *dir;               /* the supervisor's state directory; borrowed */
    uint64_t max_bytes;            /* of all modules; 0: ISO_SV_MODULES_CAP */
    /* Whether a deployment uses a module, which then is neither evicted nor deleted. NULL: none. */
    bool (*used)(void *ctx, const uint8_t digest[ISO_SHA256_SIZE]);
    void *ctx;
};

/* Makes the directories, removes what unfinished uploads left, lists what is there. Blocks; for the
 * start. Errors: ACCESS, IO, NOMEM. */
ISO_MUST_CHECK enum iso_err iso_sv_modules_create(const struct iso_sv_modules_config *config,
                                                  struct iso_sv_modules **out,
                                                  struct iso_report *report);
/* Whether uploads or loads are under way. */
bool iso_sv_modules_busy(const struct iso_sv_modules *modules);
/* Without uploads or loads under way. NULL is fine. */
void iso_sv_modules_destroy(struct iso_sv_modules *modules);
/* Set once, when who knows is made after the store. */
void iso_sv_modules_set_used(struct iso_sv_modules *modules,
                             bool (*used)(void *ctx, const uint8_t digest[ISO_SHA256_SIZE]),
                             void *ctx);

struct iso_sv_modules_stats {
    uint64_t bytes; /* of the modules */
    uint32_t count;
    uint32_t uploads; /* under way */
    uint64_t evicted_total;
    uint64_t damaged_total; /* files whose bytes were not what their name says */
};
void iso_sv_modules_stats_get(const struct iso_sv_modules *modules,
                              struct iso_sv_modules_stats *out);
uint64_t iso_sv_modules_cap(const struct iso_sv_modules *modules);

/* "sha256:" and 64 small hexadecimal digits (a percent-decoded path segment) to bytes. Errors:
 * ARGUMENT. */
ISO_MUST_CHECK enum iso_err iso_sv_digest_parse(struct iso_str text,
                                                uint8_t digest[ISO_SHA256_SIZE],
                                                struct iso_report *report);
void iso_sv_digest_text(const uint8_t digest[ISO_SHA256_SIZE], char out[72]);

/* Whether a module is there, and its size. */
bool iso_sv_modules_find(const struct iso_sv_modules *modules,
                         const uint8_t digest[ISO_SHA256_SIZE], uint64_t *size_bytes);
/* All modules, in no order. */
void iso_sv_modules_each(const struct iso_sv_modules *modules,
                         void (*visit)(void *ctx, const uint8_t digest[ISO_SHA256_SIZE],
                                       uint64_t size_bytes, bool used),
                         void *ctx);

/*
 * Begin an upload. size_bytes: as announced, UINT64_MAX when it is not known. When the module is
 * there already, *out becomes NULL: nothing needs to be sent. Errors: LIMIT (larger than a module
 * may be; no room under the cap for what is in use), REFUSED (too many uploads at a time), ACCESS,
 * IO, NOMEM.
 */
ISO_MUST_CHECK enum iso_err iso_sv_modules_begin(struct iso_sv_modules *modules,
                                                 const uint8_t digest[ISO_SHA256_SIZE],
                                                 uint64_t size_bytes, struct iso_sv_upload **out,
                                                 struct iso_report *report);
/* The next piece (borrowed). After an error abort it. Errors: LIMIT (as above), IO (a full disk).
 */
ISO_MUST_CHECK enum iso_err iso_sv_upload_write(struct iso_sv_upload *upload,
                                                struct iso_bytes piece, struct iso_report *report);
/* upload: taken. done comes once, later. Errors: INVALID (the bytes have another digest), IO. */
void iso_sv_upload_finish(struct iso_sv_upload *upload,
                          void (*done)(void *ctx, enum iso_err err,
                                       const struct iso_report *report),
                          void *ctx);
/* upload: taken; NULL is fine. */
void iso_sv_upload_abort(struct iso_sv_upload *upload);

/*
 * Read a module. done comes once, later; bytes are the caller's then, to be released with
 * iso_alloc_free of the store's allocator; len is their size. Errors: NOT_FOUND, INVALID (the file
 * is damaged: it has been set aside as incoming/DIGEST.damaged and is not in the store any more),
 * IO, NOMEM.
 */
typedef void (*iso_sv_module_loaded_fn)(void *ctx, enum iso_err err, uint8_t *bytes, size_t len,
                                        const struct iso_report *report);
void iso_sv_modules_load(struct iso_sv_modules *modules, const uint8_t digest[ISO_SHA256_SIZE],
                         iso_sv_module_loaded_fn done, void *ctx);

/* Remove a module. Errors: STATE (a deployment uses it), NOT_FOUND, IO. */
ISO_MUST_CHECK enum iso_err iso_sv_modules_delete(struct iso_sv_modules *modules,
                                                  const uint8_t digest[ISO_SHA256_SIZE],
                                                  struct iso_report *report);

#endif
