/* A device for the tests of deployments: a state directory, a module store and a manager over a
 * real core. Several may share one rig. */
#ifndef ISO_SUPERVISOR_DEPLOYMENT_TEST_SUPPORT_H
#define ISO_SUPERVISOR_DEPLOYMENT_TEST_SUPPORT_H

#include "supervisor/core_test_support.h"
#include "supervisor/deployment.h"

struct site {
    struct rig *rig;
    char dir[64];
    struct iso_blobs *modules;
    struct iso_sv_deployments *deployments;
    struct iso_sv_deployments_config config; /* prepared_ms, frozen_ms, fault; before site_open */
    struct iso_sv_deploy_hooks hooks;
    char told[4096]; /* what `changed` told: "app/component what;" each */
    unsigned opens, closes, starts, stops, relays;
    /* What hooks save and load: bit i stands for a call that was remembered. 0: they do not. A
     * manager that is opened again has forgotten. */
    uint64_t remembered;
    /* Of the last change. */
    unsigned done;
    enum iso_err err;
    struct iso_report report;
    uint8_t *bytes; /* a snapshot */
    size_t len;
};

/* A new directory, nothing open; then the manager over it, until everything has begun. */
void site_init(struct site *site, struct rig *rig);
void site_open(struct site *site);
/* Stop it as a process ends; the directory stays. */
void site_close(struct site *site);
/* Close and remove all. */
void site_fini(struct site *site);
/* Put a guest into the module store. */
void site_module(struct site *site, enum rig_guest guest);

/* A component of a document, with its module's interface: extra is ", \"config\": ..." or "". */
struct part {
    const char *name;
    enum rig_guest guest;
    uint64_t epoch;
    bool service;
    const char *extra;
};
/* The text of a document. extra: `, "peers": ...` or "". Released with free(). */
char *site_document(const char *app, uint64_t generation, const struct part *parts, size_t count,
                    const char *extra);

/* Carry out a change and wait for it; what it gave. */
enum iso_err site_put(struct site *site, const char *app, uint64_t generation,
                      const struct part *parts, size_t count);
enum iso_err site_prepare(struct site *site, const char *app, uint64_t generation,
                          const struct part *parts, size_t count, const char *extra);
enum iso_err site_commit(struct site *site, const char *app, uint64_t generation);
enum iso_err site_abort(struct site *site, const char *app, uint64_t generation);
enum iso_err site_delete(struct site *site, const char *app, bool forget);
enum iso_err site_ahead_get(struct site *site, const char *app, const char *component);
enum iso_err site_ahead_put(struct site *site, const char *app, const char *component,
                            const struct site *from);
enum iso_err site_freeze(struct site *site, const char *app, const char *component, uint64_t epoch);
/* Freeze and fetch in one. */
enum iso_err site_freeze_and_get(struct site *site, const char *app, const char *component,
                                 uint64_t epoch);
enum iso_err site_fetch(struct site *site, const char *app, const char *component);
/* The bytes that were fetched at another site. */
enum iso_err site_hold(struct site *site, const char *app, const char *component,
                       const struct site *from);
enum iso_err site_own(struct site *site, const char *app, const char *component, uint64_t epoch);
enum iso_err site_release(struct site *site, const char *app, const char *component, uint64_t epoch,
                          const char *to);
enum iso_err site_move_abort(struct site *site, const char *app, const char *component);

/* The present generation; 0: none runs. */
uint64_t site_generation(struct site *site, const char *app);
/* "done 3": a call; "moved": known, but does not run here; "none": no such component. */
const char *site_call(struct site *site, const char *app, const char *component,
                      const char *function);
/* What GET /v1/deployments/{app} says; "" when nothing. Valid until the next one. */
const char *site_status(struct site *site, const char *app);
bool site_has_file(const struct site *site, const char *path);

#endif
