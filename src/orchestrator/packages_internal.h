/* Shared by packages*.c. */
#ifndef ISO_ORCHESTRATOR_PACKAGES_INTERNAL_H
#define ISO_ORCHESTRATOR_PACKAGES_INTERNAL_H

#include "orchestrator/packages.h"

/* One key that packages may be signed with. */
struct iso_or_trusted {
    struct iso_sign_public key;
    char id[ISO_SIGN_ID_TEXT_SIZE];
};

struct iso_or_job;

struct iso_or_shelf {
    struct iso_or_shelf_config config;
    struct iso_blobs *blobs;
    struct iso_package_sources *sources;
    struct iso_or_trusted trusted[ISO_SIGN_MAX_TRUSTED];
    size_t trusted_count;
    struct iso_or_job *jobs;
    struct iso_or_job *looking; /* of those that were received, the one that is looked into */
    size_t job_count;
    uint64_t next_job;
    bool closing, sources_closed;
    void (*closed)(void *ctx);
    void *closed_ctx;
};

/* What a job begins with. Strings are borrowed for the call. */
struct iso_or_job_def {
    struct iso_str reference;       /* as it was asked for; the key of the row that is written */
    struct iso_str digest;          /* empty: whatever the reference leads to */
    const json_t *files;            /* of the manifest; NULL: none */
    struct iso_blob_upload *upload; /* of bytes that were received (taken): looked at and kept */
    struct iso_str signature;
    void (*resolved)(void *arg, enum iso_err err, const struct iso_report *report,
                     const struct iso_or_resolved *resolved);
    iso_or_shelf_done kept; /* instead of resolved */
    void *arg;
};
/* The job's id; 0 when memory is short or there are too many: nothing is called then, and the
 * upload has been aborted. */
uint64_t iso_or_job_start(struct iso_or_shelf *shelf, const struct iso_or_job_def *def);
void iso_or_job_forget(struct iso_or_shelf *shelf, uint64_t id);
/* When the shelf is closing and nothing is under way any more: takes it apart. */
void iso_or_shelf_close_if_idle(struct iso_or_shelf *shelf);

/* A row by its reference, copied into the arena. "NAME" alone finds the highest version of it.
 * NOT_FOUND. */
ISO_MUST_CHECK enum iso_err iso_or_shelf_row(struct iso_or_shelf *shelf, struct iso_str reference,
                                             struct iso_arena *arena,
                                             struct iso_or_package_row *out,
                                             struct iso_report *report);
/* A row with that digest; the one of this reference when there are several. */
ISO_MUST_CHECK enum iso_err iso_or_shelf_row_of(struct iso_or_shelf *shelf, struct iso_str digest,
                                                struct iso_str reference, struct iso_arena *arena,
                                                struct iso_or_package_row *out,
                                                struct iso_report *report);
/* Whether a signer is among the trusted keys; true without any key. */
bool iso_or_shelf_trusts(const struct iso_or_shelf *shelf, struct iso_str signer);

/* packages_trust.c: reads both lists from the store. */
ISO_MUST_CHECK enum iso_err iso_or_shelf_load_lists(struct iso_or_shelf *shelf,
                                                    struct iso_report *report);

/* packages_write.c: what a row remembers of a module, as JSON. */
ISO_MUST_CHECK enum iso_err iso_or_package_info_json(const struct iso_description *description,
                                                     const struct iso_package_info *beside,
                                                     struct iso_buf *out);

#endif
