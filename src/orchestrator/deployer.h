/*
 * deployer.h - applications: generations, their switch on many devices, moves, losses. The life of
 * a generation is in docs/internals/orchestrator.md; what devices are asked, in docs/deployment.md.
 *
 * Sans I/O but for the store: requests go through transport.h, time through its clock, packages
 * through struct iso_or_packages. Tests run it over a simulated fleet with faults of every kind.
 * Loop thread. Applications and devices are named, never pointed to, across callbacks.
 */
#ifndef ISO_ORCHESTRATOR_DEPLOYER_H
#define ISO_ORCHESTRATOR_DEPLOYER_H

#include "orchestrator/manifest.h"
#include "orchestrator/store.h"
#include "orchestrator/transport.h"
#include "package/package.h"

struct iso_or_deployer;
struct iso_or_device;

/* ---- What it is given --------------------------------------------------------------------------
 */

/* A package that was resolved; valid until its request is stopped. */
struct iso_or_resolved {
    struct iso_str exact, digest; /* "sha256:..." */
    uint64_t size_bytes;
    struct iso_str wit; /* beside the module; empty */
    struct iso_str abi; /* as its metadata says; empty */
    const char *file;   /* path of its bytes */
    /* Interface, needs, engine features, memory (package/package.h). */
    const struct iso_description *description;
};

/* Where packages come from (packages.h; in tests a table). */
struct iso_or_packages {
    void *ctx;
    /*
     * Resolves a reference; files: the JSON object that came with the manifest (file: references ->
     * digests that were uploaded). digest: not empty: exactly this one, as resolved before; then no
     * network is needed when its bytes are in the store. done exactly once, not before the call
     * returns; `stop` before that: never. What done was given is kept until stop, which is called
     * once for every request. 0: memory is short, or there is no room.
     */
    uint64_t (*resolve)(void *ctx, struct iso_str reference, struct iso_str digest,
                        const json_t *files,
                        void (*done)(void *arg, enum iso_err err, const struct iso_report *report,
                                     const struct iso_or_resolved *resolved),
                        void *arg);
    void (*stop)(void *ctx, uint64_t id);
    /* How many requests can be begun now. */
    size_t (*room)(void *ctx);
};

/* The devices as the deployer sees them (devices.h; in tests the simulated fleet). */
struct iso_or_fleet {
    void *ctx;
    const struct iso_or_device *(*find)(void *ctx, struct iso_str id_or_name);
    void (*each)(void *ctx, bool (*each)(void *arg, const struct iso_or_device *device), void *arg);
};

struct iso_or_deployer_config {
    const struct iso_alloc *alloc;
    struct iso_or_store *store;
    struct iso_or_transport transport;
    struct iso_or_clock clock;
    struct iso_or_packages packages;
    struct iso_or_fleet fleet;
    /* An application's status changed (followers of it are to look again). */
    void (*changed)(void *ctx, struct iso_str app);
    /* For people: "deployed", "failed", "moved", ...; component and device may be NULL. */
    void (*event)(void *ctx, const char *event, struct iso_str app, const char *component,
                  const char *device, const char *detail);
    void *ctx;
};

/* Reads the store and goes on with whatever was under way. */
ISO_MUST_CHECK enum iso_err iso_or_deployer_create(const struct iso_or_deployer_config *config,
                                                   struct iso_or_deployer **out,
                                                   struct iso_report *report);
/* Stops everything where it is; the store knows how to go on. NULL is fine. */
void iso_or_deployer_destroy(struct iso_or_deployer *deployer);

/* To be told of every change of a device (iso_or_devices_config.changed). */
void iso_or_deployer_device_changed(struct iso_or_deployer *deployer,
                                    const struct iso_or_device *device, bool gone);

/* ---- Changes: each accepts (durably) and returns the generation that it will be ----------------
 */

/* Borrowed for the call. */
struct iso_or_deploy {
    struct iso_str manifest; /* parsed already: the application's name is in it */
    const json_t *files;     /* see docs/orchestrator-api.md */
    bool force;              /* also when nothing would change */
};
/* Errors: INVALID (mistakes: those that need no packages; filled in), LIMIT, IO. What needs
 * packages or devices fails later, in the generation. *generation: the present one when nothing
 * would change. */
ISO_MUST_CHECK enum iso_err iso_or_deployer_deploy(struct iso_or_deployer *deployer,
                                                   const struct iso_or_deploy *deploy,
                                                   uint64_t *generation,
                                                   struct iso_or_mistakes *mistakes,
                                                   struct iso_report *report);
/* device: id or name; empty: wherever the planner likes, and no longer pinned by hand. Errors:
 * NOT_FOUND, STATE (nothing is deployed; a device that is lost), IO. */
ISO_MUST_CHECK enum iso_err iso_or_deployer_move(struct iso_or_deployer *deployer,
                                                 struct iso_str app, struct iso_str component,
                                                 struct iso_str device, uint64_t *generation,
                                                 struct iso_report *report);
/* The manifest and digests of an earlier generation again; to 0: of the latest before the present
 * one that was committed. Errors: NOT_FOUND, IO. */
ISO_MUST_CHECK enum iso_err iso_or_deployer_rollback(struct iso_or_deployer *deployer,
                                                     struct iso_str app, uint64_t to,
                                                     uint64_t *generation,
                                                     struct iso_report *report);
/* Errors: NOT_FOUND, IO. */
ISO_MUST_CHECK enum iso_err iso_or_deployer_remove(struct iso_or_deployer *deployer,
                                                   struct iso_str app, uint64_t *generation,
                                                   struct iso_report *report);
/* Plans without changing anything: done gets JSON (docs/orchestrator-api.md, "Plans") or mistakes.
 * check_only: stops after the types. Exactly once, never before the call returns; never after
 * NOMEM.
 */
ISO_MUST_CHECK enum iso_err
iso_or_deployer_plan(struct iso_or_deployer *deployer, const struct iso_or_deploy *deploy,
                     bool check_only,
                     void (*done)(void *ctx, enum iso_err err, const struct iso_report *report,
                                  const struct iso_or_mistakes *mistakes, struct iso_str json),
                     void *ctx);
/* Nobody waits for the plan with this ctx any more: done comes with STATE, before this returns. */
void iso_or_deployer_plan_stop(struct iso_or_deployer *deployer, const void *ctx);

/* ---- Questions ----------------------------------------------------------------------------------
 */

/* The device that has a component, for those who pass calls on; epoch may be NULL. During a move it
 * is the source until the target has confirmed that it owns the component. False: no such
 * component. */
bool iso_or_deployer_where(const struct iso_or_deployer *deployer, struct iso_str app,
                           struct iso_str component, char device[ISO_OR_ID_SIZE], uint64_t *epoch);
/* Whether a change of the application is under way: what is where may be otherwise in a moment. One
 * that waits for better times, since there is no place, is not. */
bool iso_or_deployer_changes(const struct iso_or_deployer *deployer, struct iso_str app);
/* The device where a flow starts. */
bool iso_or_deployer_flow_where(const struct iso_or_deployer *deployer, struct iso_str app,
                                struct iso_str flow, char device[ISO_OR_ID_SIZE]);
/* All components of current generations, by application and name; each returns false to stop. */
void iso_or_deployer_components(const struct iso_or_deployer *deployer,
                                bool (*each)(void *ctx, struct iso_str app,
                                             struct iso_str component, const char *device),
                                void *ctx);
/* A counter that rises with every change of the application's status; 0: no such application. */
uint64_t iso_or_deployer_revision(const struct iso_or_deployer *deployer, struct iso_str app);
/* As docs/orchestrator-api.md has them. Errors: NOT_FOUND, NOMEM, IO. */
ISO_MUST_CHECK enum iso_err iso_or_deployer_write_apps(struct iso_or_deployer *deployer,
                                                       struct iso_json *json);
ISO_MUST_CHECK enum iso_err iso_or_deployer_write_app(struct iso_or_deployer *deployer,
                                                      struct iso_str app, struct iso_json *json,
                                                      struct iso_report *report);
ISO_MUST_CHECK enum iso_err iso_or_deployer_write_generation(struct iso_or_deployer *deployer,
                                                             struct iso_str app, uint64_t number,
                                                             struct iso_json *json,
                                                             struct iso_report *report);
/* Whether a device is used by a current generation: the first application's name; NULL. */
const char *iso_or_deployer_uses(const struct iso_or_deployer *deployer, struct iso_str device);
/* Whether a generation that is kept (under way, current, or one to go back to) has this module. */
bool iso_or_deployer_uses_module(const struct iso_or_deployer *deployer, struct iso_str digest);

#endif
