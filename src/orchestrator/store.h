/*
 * store.h - everything of the orchestrator that outlives the process, in one SQLite database (WAL,
 * synchronous=FULL: what a function has returned is on the disk).
 *
 * Rows are plain structs whose strings are borrowed: of a put for the call, of a get until the
 * callback returns. What has structure of its own is JSON text that the store does not look into.
 * A put replaces the row of that key. Everything blocks for the time of SQLite; loop thread. What
 * is called for each row may use the store, but not change the rows that are being gone through.
 *
 * Common errors: IO (the database cannot be read or written; a full disk is among them, and the
 * report says so), NOMEM, MALFORMED (the file is damaged). NOT_FOUND where a row is asked for by
 * its key, also when it is to be removed. Several puts that belong together stand between begin and
 * commit; without commit nothing has happened, and when one of them failed commit fails too.
 */
#ifndef ISO_ORCHESTRATOR_STORE_H
#define ISO_ORCHESTRATOR_STORE_H

#include "base/base.h"
#include "orchestrator/limits.h"

struct iso_or_store;

/* Makes the file (mode 0600) when there is none; brings an older schema up to date; refuses a newer
 * one (UNSUPPORTED) and one that another process uses (EXISTS). path ":memory:" for tests. */
ISO_MUST_CHECK enum iso_err iso_or_store_open(const char *path, struct iso_or_store **out,
                                              struct iso_report *report);
void iso_or_store_close(struct iso_or_store *store); /* NULL is fine; rolls back what is open */

/* Transactions do not nest. */
ISO_MUST_CHECK enum iso_err iso_or_store_begin(struct iso_or_store *store,
                                               struct iso_report *report);
ISO_MUST_CHECK enum iso_err iso_or_store_commit(struct iso_or_store *store,
                                                struct iso_report *report);
void iso_or_store_rollback(struct iso_or_store *store); /* fine without begin */

/* ---- Settings: small texts by name ------------------------------------------------------------
 */

ISO_MUST_CHECK enum iso_err iso_or_store_set(struct iso_or_store *store, const char *name,
                                             struct iso_str value, struct iso_report *report);
/* Appends the value to out. */
ISO_MUST_CHECK enum iso_err iso_or_store_get(struct iso_or_store *store, const char *name,
                                             struct iso_buf *out, struct iso_report *report);

/* ---- Devices ----------------------------------------------------------------------------------
 */

struct iso_or_device_row {
    struct iso_str id;
    struct iso_str name;      /* as the device says; or the one given here, see `named` */
    bool named;               /* the name was given here */
    struct iso_str pin;       /* "sha256:..."; empty: plain HTTP on loopback */
    struct iso_str token;     /* secret */
    struct iso_str addresses; /* JSON: ["https://192.0.2.7:8443", ...], most recently good first */
    struct iso_str labels;    /* JSON object: given here, over the device's own */
    struct iso_str description; /* JSON: the latest GET /v1/device; empty: none yet */
    bool drained;               /* nothing new is put there */
    uint64_t added_ms, seen_ms; /* since 1970 */
};

ISO_MUST_CHECK enum iso_err iso_or_store_device_put(struct iso_or_store *store,
                                                    const struct iso_or_device_row *row,
                                                    struct iso_report *report);
ISO_MUST_CHECK enum iso_err iso_or_store_device_remove(struct iso_or_store *store,
                                                       struct iso_str id,
                                                       struct iso_report *report);
/* In the order of their adding. each returns false to stop. */
ISO_MUST_CHECK enum iso_err iso_or_store_devices(struct iso_or_store *store,
                                                 bool (*each)(void *ctx,
                                                              const struct iso_or_device_row *row),
                                                 void *ctx, struct iso_report *report);

/* ---- Applications and their generations -------------------------------------------------------
 */

enum iso_or_generation_state {
    ISO_OR_ACCEPTED,
    ISO_OR_RESOLVING,
    ISO_OR_PLANNING,
    ISO_OR_PREPARING,
    ISO_OR_MOVING,
    ISO_OR_COMMITTING,
    ISO_OR_COMMITTED,
    ISO_OR_FAILED,     /* see `error`; the one before runs on */
    ISO_OR_SUPERSEDED, /* given up, or left behind, for a later one */
    ISO_OR_REPLACED    /* was committed; a later one is */
};
/* "accepted", ... Static. */
const char *iso_or_generation_state_name(enum iso_or_generation_state state);

struct iso_or_generation_row {
    struct iso_str app;
    uint64_t number;
    enum iso_or_generation_state state;
    struct iso_str cause;    /* "deploy", "move", "rollback", "remove", "loss", "drain", "repair" */
    struct iso_str detail;   /* of the cause, for people: "scaler to den", "device den is lost" */
    struct iso_str manifest; /* text as it came; empty: the application is removed */
    struct iso_str files;    /* JSON: what came with it; see docs/orchestrator-api.md */
    struct iso_str resolved; /* JSON: per component {"reference","exact","digest",...}; or empty */
    struct iso_str pins;     /* JSON: {component: device id}: placed by hand */
    struct iso_str placement; /* JSON: per component {"device","epoch","reasons"...}; or empty */
    struct iso_str documents; /* JSON: {device id: deployment document}; secret; or empty */
    struct iso_str progress;  /* JSON: per device and per move how far it is; deployer's own */
    struct iso_str error;     /* of FAILED */
    uint64_t created_ms, changed_ms;
};

ISO_MUST_CHECK enum iso_err iso_or_store_generation_put(struct iso_or_store *store,
                                                        const struct iso_or_generation_row *row,
                                                        struct iso_report *report);
/* How far it is: writes state, progress, error and changed_ms of a row that is there, and leaves
 * the rest, which may be large, alone. NOT_FOUND. */
ISO_MUST_CHECK enum iso_err iso_or_store_generation_step(struct iso_or_store *store,
                                                         const struct iso_or_generation_row *row,
                                                         struct iso_report *report);
/* One; NOT_FOUND. The row is borrowed for the call of `each`, whose answer does not matter. */
ISO_MUST_CHECK enum iso_err
iso_or_store_generation(struct iso_or_store *store, struct iso_str app, uint64_t number,
                        bool (*each)(void *ctx, const struct iso_or_generation_row *row), void *ctx,
                        struct iso_report *report);
/* Of an application, the latest first; app.len 0: of all, by name. each returns false to stop. */
ISO_MUST_CHECK enum iso_err
iso_or_store_generations(struct iso_or_store *store, struct iso_str app,
                         bool (*each)(void *ctx, const struct iso_or_generation_row *row),
                         void *ctx, struct iso_report *report);
/* The same of an application with app, number, state, cause, detail, error and times only: for
 * lists, which need not read what may be large. */
ISO_MUST_CHECK enum iso_err
iso_or_store_generation_heads(struct iso_or_store *store, struct iso_str app,
                              bool (*each)(void *ctx, const struct iso_or_generation_row *row),
                              void *ctx, struct iso_report *report);
/* Whether any generation resolved to a module with this digest, as text. */
ISO_MUST_CHECK enum iso_err iso_or_store_generations_use(struct iso_or_store *store,
                                                         struct iso_str digest, bool *out,
                                                         struct iso_report *report);
/* The highest number that was ever used; 0: none. Remembered when old rows are forgotten. */
ISO_MUST_CHECK enum iso_err iso_or_store_generation_last(struct iso_or_store *store,
                                                         struct iso_str app, uint64_t *out,
                                                         struct iso_report *report);
/* Forgets those that are neither the latest ISO_OR_GENERATIONS_KEPT nor under way nor current. */
ISO_MUST_CHECK enum iso_err iso_or_store_generations_trim(struct iso_or_store *store,
                                                          struct iso_str app,
                                                          struct iso_report *report);
/* Forgets all of an application. Its numbers and epochs are remembered. */
ISO_MUST_CHECK enum iso_err iso_or_store_generations_forget(struct iso_or_store *store,
                                                            struct iso_str app,
                                                            struct iso_report *report);

/* The next epoch of a component, recorded before it is returned; never used before, whatever was
 * removed meanwhile. at_least: the answer is not below (0: no matter). */
ISO_MUST_CHECK enum iso_err iso_or_store_epoch_next(struct iso_or_store *store, struct iso_str app,
                                                    struct iso_str component, uint64_t at_least,
                                                    uint64_t *out, struct iso_report *report);

/* Keys of a pair of devices of an application, in one direction: kept over generations as long as
 * the pair is needed, so that sessions last. Made by the caller. */
struct iso_or_pair_row {
    struct iso_str app, from, to; /* ids of devices: from connects, to accepts */
    struct iso_str identity;
    uint8_t key[32]; /* secret */
};
ISO_MUST_CHECK enum iso_err iso_or_store_pair_put(struct iso_or_store *store,
                                                  const struct iso_or_pair_row *row,
                                                  struct iso_report *report);
/* NOT_FOUND. identity: appended to *identity. */
ISO_MUST_CHECK enum iso_err iso_or_store_pair(struct iso_or_store *store, struct iso_str app,
                                              struct iso_str from, struct iso_str to,
                                              struct iso_buf *identity, uint8_t key[32],
                                              struct iso_report *report);
/* Those of an application that keep() does not want; keep NULL: all. */
ISO_MUST_CHECK enum iso_err iso_or_store_pairs_drop(struct iso_or_store *store, struct iso_str app,
                                                    bool (*keep)(void *ctx, struct iso_str from,
                                                                 struct iso_str to),
                                                    void *ctx, struct iso_report *report);

/* ---- Packages ---------------------------------------------------------------------------------
 */

/* A module that the orchestrator keeps; its bytes are in the blob store under their digest. */
struct iso_or_package_row {
    struct iso_str
        reference;         /* key: as written in manifests: "camera@1.0.0", "npm:...", "oci:..." */
    struct iso_str exact;  /* with the exact version or digest */
    struct iso_str digest; /* "sha256:..." of the module */
    uint64_t size_bytes;
    struct iso_str wit;    /* that came beside the module; or empty */
    struct iso_str info;   /* JSON: name, version, licence, description, imports, exports, ... */
    struct iso_str signer; /* id of the trusted key that signed it; empty: none */
    uint64_t added_ms;
};
ISO_MUST_CHECK enum iso_err iso_or_store_package_put(struct iso_or_store *store,
                                                     const struct iso_or_package_row *row,
                                                     struct iso_report *report);
ISO_MUST_CHECK enum iso_err iso_or_store_package_remove(struct iso_or_store *store,
                                                        struct iso_str reference,
                                                        struct iso_report *report);
/* By reference, in order; each returns false to stop. */
ISO_MUST_CHECK enum iso_err
iso_or_store_packages(struct iso_or_store *store,
                      bool (*each)(void *ctx, const struct iso_or_package_row *row), void *ctx,
                      struct iso_report *report);

/* ---- Small lists: keys that sign, registries, ... ----------------------------------------------
 */

/* kind: "trusted-key", "registry", ...; value: JSON. */
ISO_MUST_CHECK enum iso_err iso_or_store_item_put(struct iso_or_store *store, const char *kind,
                                                  struct iso_str name, struct iso_str value,
                                                  struct iso_report *report);
ISO_MUST_CHECK enum iso_err iso_or_store_item_remove(struct iso_or_store *store, const char *kind,
                                                     struct iso_str name,
                                                     struct iso_report *report);
ISO_MUST_CHECK enum iso_err iso_or_store_items(struct iso_or_store *store, const char *kind,
                                               bool (*each)(void *ctx, struct iso_str name,
                                                            struct iso_str value),
                                               void *ctx, struct iso_report *report);

/* ---- Events -----------------------------------------------------------------------------------
 */

/* The first of 2^32 numbers for events, above all that were ever given: also above those of events
 * that were lost with the power. Asked for once in a life of the orchestrator; synced. */
ISO_MUST_CHECK enum iso_err iso_or_store_event_numbers(struct iso_or_store *store, uint64_t *first,
                                                       struct iso_report *report);
/* Appends, under a number above those before; keeps the latest ISO_OR_EVENTS_KEPT, and sometimes a
 * few more. Not synced by itself: events may be lost with the power, never the others. */
ISO_MUST_CHECK enum iso_err iso_or_store_event_add(struct iso_or_store *store, uint64_t number,
                                                   struct iso_str json, struct iso_report *report);
/* The latest `count`, the oldest of them first. */
ISO_MUST_CHECK enum iso_err iso_or_store_events(struct iso_or_store *store, uint32_t count,
                                                bool (*each)(void *ctx, uint64_t number,
                                                             struct iso_str json),
                                                void *ctx, struct iso_report *report);

#endif
