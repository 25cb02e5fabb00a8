/*
 * packages.h - the packages that the orchestrator keeps: their bytes in a store of blobs, what is
 * known of them in the database, and where they come from. docs/packages.md is for people.
 *
 * A row of the database per reference. Modules that came with a manifest (`file:`) have no name:
 * their row's reference is their digest. Loop thread; reading, fetching and looking into modules
 * goes on beside it.
 */
#ifndef ISO_ORCHESTRATOR_PACKAGES_H
#define ISO_ORCHESTRATOR_PACKAGES_H

#include "net/http_client.h"
#include "orchestrator/deployer.h"

struct iso_or_shelf;

enum {
    ISO_OR_PACKAGE_JOBS_MAX = 256,   /* being fetched or looked into at a time */
    ISO_OR_PACKAGE_JOBS_SPARE = 32,  /* of them, not for generations: for what people send */
    ISO_OR_PACKAGE_UPLOADS_MAX = 16, /* being received at a time */
};

struct iso_or_shelf_config {
    uv_loop_t *loop;               /* kept */
    const struct iso_alloc *alloc; /* kept */
    struct iso_or_store *store;    /* kept */
    struct iso_http_client *http;  /* kept */
    const char *dir;               /* of the blobs; borrowed */
    uint64_t max_bytes;            /* of all blobs; 0: 4 GiB */
    /* Whether a generation that is kept uses the module. */
    bool (*uses)(void *ctx, const char *digest);
    /* "package-added", "package-removed"; the reference. */
    void (*event)(void *ctx, const char *event, const char *reference);
    void *ctx;
};

/* Reads registries and trusted keys from the store. Errors: ACCESS, IO, NOMEM, MALFORMED. */
ISO_MUST_CHECK enum iso_err iso_or_shelf_create(const struct iso_or_shelf_config *config,
                                                struct iso_or_shelf **out,
                                                struct iso_report *report);
/* Ends what is under way; `done` (may be NULL) is the last from the loop. NULL is fine, then it is
 * not called. */
void iso_or_shelf_close(struct iso_or_shelf *shelf, void (*done)(void *ctx), void *ctx);

/* For the deployer. */
struct iso_or_packages iso_or_shelf_packages(struct iso_or_shelf *shelf);

/* ok: reference is the row's key (borrowed). Exactly once, never before the call has returned;
 * never after a call that returned NOMEM. */
typedef void (*iso_or_shelf_done)(void *ctx, enum iso_err err, const struct iso_report *report,
                                  const char *reference);

/* Where the bytes are: for those that send a module, which iso_or_shelf_add then takes, and those
 * that ask for one. */
struct iso_blobs *iso_or_shelf_blobs(struct iso_or_shelf *shelf);
/* Borrowed for the call, but what says otherwise. */
struct iso_or_shelf_add {
    struct iso_blob_upload *upload; /* taken, whatever comes of it */
    struct iso_str name;            /* empty: by its digest only */
    struct iso_str version;         /* strict semver; with a name */
    struct iso_str signature;       /* minisign's text; empty: none */
};
/* Errors: ARGUMENT (name, version), EXISTS (that version is there with other bytes), ACCESS
 * (signature), those of iso_describe, LIMIT (no room), IO. */
ISO_MUST_CHECK enum iso_err iso_or_shelf_add(struct iso_or_shelf *shelf,
                                             const struct iso_or_shelf_add *add,
                                             iso_or_shelf_done done, void *ctx);
/* Fetches what a reference names, as a deployment would. */
ISO_MUST_CHECK enum iso_err iso_or_shelf_fetch(struct iso_or_shelf *shelf, struct iso_str reference,
                                               iso_or_shelf_done done, void *ctx);
/* package: a row's reference; to: oci:ALIAS/NAME:TAG. done has the exact reference there. */
ISO_MUST_CHECK enum iso_err iso_or_shelf_push(struct iso_or_shelf *shelf, struct iso_str package,
                                              struct iso_str to, iso_or_shelf_done done, void *ctx);
/* Errors: NOT_FOUND, STATE (a generation uses it). */
ISO_MUST_CHECK enum iso_err iso_or_shelf_remove(struct iso_or_shelf *shelf,
                                                struct iso_str reference,
                                                struct iso_report *report);

/* An array; one with its interface. Errors: NOT_FOUND, IO, NOMEM. */
ISO_MUST_CHECK enum iso_err iso_or_shelf_write(struct iso_or_shelf *shelf, struct iso_json *json,
                                               struct iso_report *report);
ISO_MUST_CHECK enum iso_err iso_or_shelf_write_one(struct iso_or_shelf *shelf,
                                                   struct iso_str reference, struct iso_json *json,
                                                   struct iso_report *report);

/* ---- Registries and keys: rows of the store, checked
 * --------------------------------------------- */

/* value: {"url","username","password","plain-http"}. Errors: ARGUMENT, INVALID, LIMIT, IO. */
ISO_MUST_CHECK enum iso_err iso_or_shelf_registry_put(struct iso_or_shelf *shelf,
                                                      struct iso_str alias, const json_t *value,
                                                      struct iso_report *report);
ISO_MUST_CHECK enum iso_err iso_or_shelf_registry_remove(struct iso_or_shelf *shelf,
                                                         struct iso_str alias,
                                                         struct iso_report *report);
/* An array, without passwords. */
ISO_MUST_CHECK enum iso_err iso_or_shelf_registries_write(struct iso_or_shelf *shelf,
                                                          struct iso_json *json,
                                                          struct iso_report *report);
/* value: {"key": "RW...", "comment"}; id as minisign shows it, must be the key's. */
ISO_MUST_CHECK enum iso_err iso_or_shelf_trust_put(struct iso_or_shelf *shelf, struct iso_str id,
                                                   const json_t *value, struct iso_report *report);
ISO_MUST_CHECK enum iso_err iso_or_shelf_trust_remove(struct iso_or_shelf *shelf, struct iso_str id,
                                                      struct iso_report *report);
ISO_MUST_CHECK enum iso_err iso_or_shelf_trust_write(struct iso_or_shelf *shelf,
                                                     struct iso_json *json,
                                                     struct iso_report *report);

#endif
