/*
 * deployment.h - the deployments of a device: which generation of each application is here, the
 * two-phase switch between generations, what of it is on disk, and moving components.
 * docs/deployment.md specifies all of it; docs/internals/supervisor-deploy.md says how.
 *
 * Loop thread. Every change is asynchronous: done(ctx, err, report) comes exactly once, never
 * before the function has returned (unless there is no memory for the change itself); changes of
 * one application are carried out one after the other, those of several independently. Errors, and
 * the HTTP status that each becomes:
 *
 *   MALFORMED, INVALID, UNSUPPORTED   400   the document, an argument
 *   NOT_FOUND                         404   no such application or component here
 *   STATE, EXISTS                     409   an older generation or epoch; the wrong order; the same
 *                                           generation with another document
 *   LINK, SNAPSHOT                    422   a component cannot be made: module, imports, state
 *   REFUSED                           503   not now: too many at a time, not at a safepoint
 *   LIMIT                             413   too large, too many
 *   IO, ACCESS                        507   the disk
 *   NOMEM                             503
 */
#ifndef ISO_SUPERVISOR_DEPLOYMENT_H
#define ISO_SUPERVISOR_DEPLOYMENT_H

#include "package/package.h"
#include "supervisor/call.h"
#include "supervisor/document.h"

struct iso_sv_deployments;

enum {
    ISO_SV_APPS_MAX = 64,       /* with a committed or prepared generation */
    ISO_SV_PREPARED_MAX = 16,   /* generations that wait for their commit */
    ISO_SV_CHANGES_MAX = 8,     /* changes of one application that wait */
    ISO_SV_TOMBSTONES_MAX = 256 /* removed applications whose epochs are remembered */
};
#define ISO_SV_SNAPSHOT_BYTES_MAX (UINT64_C(512) << 20)

/* ---- Generations, as hooks see them -----------------------------------------------------------
 */

enum iso_sv_stage {
    ISO_SV_STAGE_PREPARED,  /* made (or being made), waits for its commit */
    ISO_SV_STAGE_COMMITTED, /* the present one */
    ISO_SV_STAGE_ENDING     /* replaced, removed or aborted; its components drain */
};

struct iso_sv_generation {
    uint64_t id; /* never reused */
    enum iso_sv_stage stage;
    const struct iso_sv_document *document;
    /* By the document's index. NULL: not here at present (still being made; on its way elsewhere;
     * handed on to the next generation, when ENDING). */
    struct iso_sv_component **components;
    void *user; /* for the hooks */
    struct iso_sv_generation_state *state;
};

/*
 * What links, flows and peers do for a generation. Each on the loop thread; every member may be
 * NULL. In the life of a generation: open, link..., check, connect, then start and stop if it is
 * committed, close. Between, relink: a later generation keeps some of the components (see "What is
 * kept" in docs/deployment.md), and link was asked for them in that generation's name.
 */
struct iso_sv_deploy_hooks {
    void *ctx;
    /* A generation begins: admit the identities of its peers, whose calls and messages are still
     * refused. Errors: EXISTS (an identity is another deployment's), LIMIT, NOMEM. */
    enum iso_err (*open)(void *ctx, struct iso_sv_generation *generation,
                         struct iso_report *report);
    /* The remote side (remote, cancel, ctx) of a link whose peer is not ISO_SV_HERE. interface has
     * been set. */
    enum iso_err (*link)(void *ctx, struct iso_sv_generation *generation, uint32_t component,
                         uint32_t link, struct iso_sv_link *out, struct iso_report *report);
    /* All components have been made (or are kept from the present generation): does the rest fit,
     * such as the parameters of flows? Called for every generation, before connect. Errors: INVALID
     * (the report begins with a JSON pointer), LIMIT, NOMEM. */
    enum iso_err (*check)(void *ctx, struct iso_sv_generation *generation,
                          struct iso_report *report);
    /* Open sessions to the peers. connected(connected_ctx) comes once, later, when all are up or
     * after at most two seconds: a peer that cannot be reached does not keep a generation from
     * being prepared. */
    void (*connect)(void *ctx, struct iso_sv_generation *generation,
                    void (*connected)(void *connected_ctx), void *connected_ctx);
    /* It has been committed and its components run: take calls from peers, start its flows. before:
     * the generation that it replaces, for statistics and sequence numbers; or NULL. */
    void (*start)(void *ctx, struct iso_sv_generation *generation,
                  struct iso_sv_generation *before);
    /* It is being replaced (before start of the next) or removed: start no more runs. */
    void (*stop)(void *ctx, struct iso_sv_generation *generation);
    /* Nothing of it runs any more, or it was aborted: forget it. */
    void (*close)(void *ctx, struct iso_sv_generation *generation);
    /* A component with the state of a copy elsewhere has this call under way; call->done may be
     * set. See iso_sv_component_load. */
    void (*adopt)(void *ctx, struct iso_sv_generation *generation, uint32_t component,
                  struct iso_sv_call *call);
    /* What a component remembers of calls that ended after `since` (0: of all): a part of its
     * snapshot, as bytes. mark: this moment, to be a later `since`; never 0. load: hostile; before
     * adopt; adds. Errors of load: SNAPSHOT, LIMIT, NOMEM. */
    enum iso_err (*save)(void *ctx, struct iso_sv_generation *generation, uint32_t component,
                         uint64_t since, uint64_t *mark, struct iso_buf *out);
    enum iso_err (*load)(void *ctx, struct iso_sv_generation *generation, uint32_t component,
                         struct iso_bytes bytes, struct iso_report *report);
    /* A frozen component of generation has been released to a peer, by index in the document of
     * `at`, which is the same generation or the one that is prepared to follow it: answer the calls
     * that wait for the component with what the peer says. Then done(done_ctx), once, later; the
     * component is destroyed then. */
    void (*relay)(void *ctx, struct iso_sv_generation *generation, uint32_t component,
                  struct iso_sv_generation *at, uint32_t peer, uint64_t epoch,
                  void (*done)(void *done_ctx), void *done_ctx);
    /* Of a committed one: members for the status of its application, an object that is open. */
    void (*describe)(void *ctx, const struct iso_sv_generation *generation, struct iso_json *json);
    /* What iso_sv_deployments_find answers for an application has changed, or its trouble. what:
     * "prepared", "committed", "aborted", "expired", "removed", "failed", "frozen", "held",
     * "owned", "released", "thawed"; component is empty where it is the whole application. */
    void (*changed)(void *ctx, struct iso_str app, struct iso_str component, const char *what,
                    const char *detail);
};

/* ---- The manager ------------------------------------------------------------------------------
 */

struct iso_sv_deployments_config {
    uv_loop_t *loop;                         /* kept */
    const struct iso_alloc *alloc;           /* kept */
    const char *dir;                         /* the state directory; borrowed */
    struct iso_sv_core *core;                /* kept */
    struct iso_blobs *modules;               /* kept */
    const struct iso_sv_deploy_hooks *hooks; /* kept; NULL: none */
    /* May this document be here (directories, policy)? NULL: yes. Errors: LINK, INVALID. */
    enum iso_err (*allow)(void *ctx, const struct iso_sv_document *document,
                          struct iso_report *report);
    void *allow_ctx;
    uint64_t prepared_ms; /* until an uncommitted one is aborted; 60,000 */
    uint64_t frozen_ms;   /* until a frozen component that nobody fetched goes on; 60,000 */
    /* For tests: called before each durable step with its name; what it returns, if not 0, is the
     * errno with which the step fails. Any thread. */
    int (*fault)(void *ctx, const char *step);
    void *fault_ctx;
};

/* Opens what is on disk, without beginning it. Blocks. Errors: ACCESS, IO, NOMEM. */
ISO_MUST_CHECK enum iso_err
iso_sv_deployments_create(const struct iso_sv_deployments_config *config,
                          struct iso_sv_deployments **out, struct iso_report *report);
/* Begin the stored deployments. ready(ctx) comes once, later, when each runs or has its trouble
 * noted. Changes that come before wait. */
void iso_sv_deployments_begin(struct iso_sv_deployments *deployments, void (*ready)(void *ctx),
                              void *ctx);
/* Stop all components (drain_ns) and release everything; nothing on disk changes. Changes that
 * wait end as REFUSED. deployments: taken. stopped(ctx) is the last. */
void iso_sv_deployments_stop(struct iso_sv_deployments *deployments, uint64_t drain_ns,
                             void (*stopped)(void *ctx), void *ctx);

typedef void (*iso_sv_deployed_fn)(void *ctx, enum iso_err err, const struct iso_report *report);

/* PUT: prepare and commit in one. text: borrowed (copied). */
void iso_sv_deployments_put(struct iso_sv_deployments *deployments, struct iso_str app,
                            struct iso_bytes text, iso_sv_deployed_fn done, void *ctx);
void iso_sv_deployments_prepare(struct iso_sv_deployments *deployments, struct iso_str app,
                                uint64_t generation, struct iso_bytes text, iso_sv_deployed_fn done,
                                void *ctx);
void iso_sv_deployments_commit(struct iso_sv_deployments *deployments, struct iso_str app,
                               uint64_t generation, iso_sv_deployed_fn done, void *ctx);
void iso_sv_deployments_abort(struct iso_sv_deployments *deployments, struct iso_str app,
                              uint64_t generation, iso_sv_deployed_fn done, void *ctx);
/* generation: remove unless a later one is here; 0: any. forget: also what is remembered of its
 * generations and epochs. */
void iso_sv_deployments_delete(struct iso_sv_deployments *deployments, struct iso_str app,
                               uint64_t generation, bool forget, iso_sv_deployed_fn done,
                               void *ctx);
/* Begin again what could not be begun for want of a module, which has arrived. */
void iso_sv_deployments_module_arrived(struct iso_sv_deployments *deployments);

/* ---- Moving ------------------------------------------------------------------------------------
 */

/* bytes: the receiver's, released with iso_alloc_free(config.alloc, bytes, len). */
typedef void (*iso_sv_snapshot_fn)(void *ctx, enum iso_err err, uint8_t *bytes, size_t len,
                                   const struct iso_report *report);
/* Ahead of the state, while the component runs: what it remembers of finished calls. The source
 * gives it, the target takes it (bytes: taken, of config.alloc); what is frozen next has only what
 * ended since. */
void iso_sv_deployments_ahead_get(struct iso_sv_deployments *deployments, struct iso_str app,
                                  struct iso_str component, iso_sv_snapshot_fn done, void *ctx);
void iso_sv_deployments_ahead_put(struct iso_sv_deployments *deployments, struct iso_str app,
                                  struct iso_str component, uint8_t *bytes, size_t len,
                                  iso_sv_deployed_fn done, void *ctx);
void iso_sv_deployments_freeze(struct iso_sv_deployments *deployments, struct iso_str app,
                               struct iso_str component, uint64_t epoch, iso_sv_deployed_fn done,
                               void *ctx);
/* Freeze and snapshot_get in one. */
void iso_sv_deployments_freeze_and_get(struct iso_sv_deployments *deployments, struct iso_str app,
                                       struct iso_str component, uint64_t epoch,
                                       iso_sv_snapshot_fn done, void *ctx);
void iso_sv_deployments_snapshot_get(struct iso_sv_deployments *deployments, struct iso_str app,
                                     struct iso_str component, iso_sv_snapshot_fn done, void *ctx);
/* bytes: taken, of config.alloc. */
void iso_sv_deployments_snapshot_put(struct iso_sv_deployments *deployments, struct iso_str app,
                                     struct iso_str component, uint8_t *bytes, size_t len,
                                     iso_sv_deployed_fn done, void *ctx);
void iso_sv_deployments_own(struct iso_sv_deployments *deployments, struct iso_str app,
                            struct iso_str component, uint64_t epoch, iso_sv_deployed_fn done,
                            void *ctx);
/* to: name of a peer of the present document or of the prepared one. */
void iso_sv_deployments_release(struct iso_sv_deployments *deployments, struct iso_str app,
                                struct iso_str component, uint64_t epoch, struct iso_str to,
                                iso_sv_deployed_fn done, void *ctx);
void iso_sv_deployments_move_abort(struct iso_sv_deployments *deployments, struct iso_str app,
                                   struct iso_str component, iso_sv_deployed_fn done, void *ctx);

/* ---- Questions ---------------------------------------------------------------------------------
 */

/* The component of the committed generation; NULL when it is not here, or does not run here (it
 * waits to be owned, or moved away): see iso_sv_deployments_moved. */
struct iso_sv_component *iso_sv_deployments_find(const struct iso_sv_deployments *deployments,
                                                 struct iso_str app, struct iso_str component);
/* The committed and the prepared generation of an application; NULL when there is none. Valid until
 * the next turn of the loop. */
struct iso_sv_generation *iso_sv_deployments_committed(const struct iso_sv_deployments *deployments,
                                                       struct iso_str app);
struct iso_sv_generation *iso_sv_deployments_prepared(const struct iso_sv_deployments *deployments,
                                                      struct iso_str app);
/* Every component of the committed generations. */
void iso_sv_deployments_each_component(const struct iso_sv_deployments *deployments,
                                       void (*visit)(void *ctx, struct iso_sv_component *component),
                                       void *ctx);
/* Every application that could not be begun, with the reason. */
void iso_sv_deployments_each_trouble(const struct iso_sv_deployments *deployments,
                                     void (*visit)(void *ctx, struct iso_str app,
                                                   const char *reason),
                                     void *ctx);
/* Whether a generation that is here uses a module: for iso_blobs_set_used. */
bool iso_sv_deployments_uses(const struct iso_sv_deployments *deployments,
                             const uint8_t digest[ISO_SHA256_SIZE]);

/* An array of the applications, each as iso_sv_deployments_describe_app writes it. */
void iso_sv_deployments_describe(const struct iso_sv_deployments *deployments,
                                 struct iso_json *json);
/* An object: docs/deployment.md, "GET /v1/deployments/{app}" (without the document itself). False,
 * and nothing written, when nothing is known of the application. */
bool iso_sv_deployments_describe_app(const struct iso_sv_deployments *deployments,
                                     struct iso_str app, struct iso_json *json);
/* Whether a component that was not found is known here, and runs elsewhere, or will run here later:
 * a call of it is answered as MOVED rather than NOT_FOUND. */
bool iso_sv_deployments_moved(const struct iso_sv_deployments *deployments, struct iso_str app,
                              struct iso_str component);
/* Whether a generation of an application is here, also one that has not been begun yet. */
bool iso_sv_deployments_has(const struct iso_sv_deployments *deployments, struct iso_str app);
/* The latest generation that was seen of an application; 0: nothing is known. */
uint64_t iso_sv_deployments_seen(const struct iso_sv_deployments *deployments, struct iso_str app);

#endif
