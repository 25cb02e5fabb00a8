/* What the deployment*.c share. Names in memory are at most ISO_NAME_MAX bytes. */
#ifndef ISO_SUPERVISOR_DEPLOYMENT_INTERNAL_H
#define ISO_SUPERVISOR_DEPLOYMENT_INTERNAL_H

#include "platform/platform.h"
#include "supervisor/deployment.h"

struct iso_sv_app;

/* ---- What is remembered: deployments/APP.state ------------------------------------------------
 */

enum {
    ISO_SV_EPOCHS_MAX = 128, /* components of one application that are remembered */
    ISO_SV_MOVES_MAX = 16    /* of one application at a time */
};

enum iso_sv_move_state {
    ISO_SV_MOVE_FROZEN,   /* source: snapshot on disk, nobody has fetched it */
    ISO_SV_MOVE_SENT,     /* source: somebody may have it; goes on only after abort */
    ISO_SV_MOVE_RELEASED, /* source: it runs elsewhere */
    ISO_SV_MOVE_HELD      /* target: snapshot on disk, waits for own */
};

struct iso_sv_move {
    char component[ISO_NAME_MAX + 1];
    enum iso_sv_move_state state;
    uint64_t epoch;            /* FROZEN, SENT: the source's; RELEASED, HELD: the target's */
    uint64_t generation;       /* HELD: the one it belongs to; else the one that was committed */
    char to[ISO_NAME_MAX + 1]; /* RELEASED: the peer's name */
    char digest[2 * ISO_SHA256_SIZE + 1]; /* of the snapshot */
    uint64_t deadline_ms;                 /* FROZEN: goes on then by itself; not stored */
};

struct iso_sv_epoch {
    char component[ISO_NAME_MAX + 1];
    uint64_t epoch;
};

/* What no document on disk says. */
struct iso_sv_record {
    uint64_t generation; /* the latest that was committed, when it is removed now */
    struct iso_sv_epoch epochs[ISO_SV_EPOCHS_MAX];
    size_t epoch_count;
    struct iso_sv_move moves[ISO_SV_MOVES_MAX];
    size_t move_count;
};

uint64_t iso_sv_record_epoch(const struct iso_sv_record *record, struct iso_str component);
/* Raise. Errors: LIMIT. */
ISO_MUST_CHECK enum iso_err iso_sv_record_raise(struct iso_sv_record *record,
                                                struct iso_str component, uint64_t epoch,
                                                struct iso_report *report);
struct iso_sv_move *iso_sv_record_move(struct iso_sv_record *record, struct iso_str component);
/* A zeroed one, or the present one of that component. Errors: NULL when there are too many. */
struct iso_sv_move *iso_sv_record_move_add(struct iso_sv_record *record, struct iso_str component);
void iso_sv_record_move_drop(struct iso_sv_record *record, struct iso_str component);
/* Drop moves that are over: of other generations than these. */
void iso_sv_record_moves_limit(struct iso_sv_record *record, uint64_t present, uint64_t next);
ISO_MUST_CHECK enum iso_err iso_sv_record_write(const struct iso_sv_record *record,
                                                struct iso_buf *out);
ISO_MUST_CHECK enum iso_err iso_sv_record_read(struct iso_sv_record *record, struct iso_bytes text,
                                               struct iso_report *report);
const char *iso_sv_move_state_name(enum iso_sv_move_state state);

/* ---- The disk (deployment_disk.c) ---------------------------------------------------------------
 */

enum iso_sv_area { ISO_SV_AREA_DEPLOYMENTS, ISO_SV_AREA_SNAPSHOTS, ISO_SV_AREA_STORAGE };
enum { ISO_SV_DISK_STEPS = 36 };

/* Some durable steps, carried out in order on the pool until one fails. */
struct iso_sv_disk {
    struct iso_sv_deployments *deployments;
    uv_work_t work;
    size_t count;
    struct {
        const char *step; /* name, for the fault hook */
        enum {
            ISO_SV_DISK_WRITE,
            ISO_SV_DISK_REMOVE,
            ISO_SV_DISK_SWEEP,
            ISO_SV_DISK_TREE,
            ISO_SV_DISK_READ
        } kind;
        enum iso_sv_area area;
        char name[2 * ISO_NAME_MAX + 16];
        struct iso_buf own;     /* what is written, when it is the job's */
        struct iso_bytes bytes; /* what is written; borrowed until after */
    } steps[ISO_SV_DISK_STEPS];
    /* Make hex of these, or of what was read. */
    bool digest;
    struct iso_bytes digest_of;
    char hex[2 * ISO_SHA256_SIZE + 1];
    uint8_t *read; /* what READ gave; the receiver of `after` takes it, or it is released */
    size_t read_len;
    enum iso_err err;
    struct iso_report report;
    void (*after)(struct iso_sv_disk *disk);
    void *ctx;
};

/* NULL when memory is short. */
struct iso_sv_disk *iso_sv_disk_create(struct iso_sv_deployments *deployments);
void iso_sv_disk_write(struct iso_sv_disk *disk, const char *step, enum iso_sv_area area,
                       const char *name, struct iso_bytes bytes);
void iso_sv_disk_remove(struct iso_sv_disk *disk, const char *step, enum iso_sv_area area,
                        const char *name);
/* The same for a file that means nothing any more, by what earlier steps wrote: its directory is
 * not synced. After a crash it may be there again; the start sees that it is useless. */
void iso_sv_disk_sweep(struct iso_sv_disk *disk, const char *step, enum iso_sv_area area,
                       const char *name);
void iso_sv_disk_tree(struct iso_sv_disk *disk, const char *name); /* of ISO_SV_AREA_STORAGE */
void iso_sv_disk_read(struct iso_sv_disk *disk, enum iso_sv_area area, const char *name);
/* The record as APP.state. Errors: NOMEM. */
ISO_MUST_CHECK enum iso_err iso_sv_disk_record(struct iso_sv_disk *disk,
                                               const struct iso_sv_app *app,
                                               const struct iso_sv_record *record);
/* disk: taken; after(disk) comes once, on the loop, and may look at it while it runs. */
void iso_sv_disk_run(struct iso_sv_disk *disk, void (*after)(struct iso_sv_disk *disk), void *ctx);
void iso_sv_disk_discard(struct iso_sv_disk *disk); /* one that was not run; NULL is fine */
/* "APP.json"; "APP.COMPONENT.source" */
void iso_sv_disk_name(char out[2 * ISO_NAME_MAX + 16], const struct iso_sv_app *app,
                      const char *component, const char *suffix);

/* ---- Generations --------------------------------------------------------------------------------
 */

struct iso_sv_made {                /* of each component of a generation */
    struct iso_sv_program *program; /* a reference; NULL once it is made */
    struct iso_sv_link *links;      /* by the document's index */
    bool kept;                      /* the committed generation's, until the switch */
    bool ready;
    bool loaded; /* has the state of a snapshot */
    bool ahead;  /* what it remembers of calls is on disk, sent or received, under this digest */
    char ahead_digest[2 * ISO_SHA256_SIZE + 1];
    uint64_t ahead_mark; /* the source's: what ended later is in the snapshot */
    bool relaying;       /* released; the hooks answer the calls that wait for it */
};

struct iso_sv_generation_state {
    struct iso_sv_generation pub;
    struct iso_sv_app *app;
    struct iso_sv_document *document; /* owned */
    struct iso_sv_made *made;
    bool opened;       /* hooks.open succeeded */
    bool durable;      /* APP.next has it */
    uint32_t position; /* of the component whose program is loaded */
    uint32_t waiting;  /* for components to be ready, or to be gone; and relays */
    enum iso_err err;
    struct iso_report report;
    uint64_t deadline_ms;                            /* PREPARED: aborted then; 0: never */
    struct iso_sv_change *change;                    /* that makes it */
    void (*done)(struct iso_sv_generation_state *g); /* of what is under way */
    void (*ended)(struct iso_sv_change *change);     /* told, with change, when it has ended */
    struct iso_sv_generation_state *next;            /* in the manager's list of ending ones */
};

/* A generation of a document (taken). NULL when memory is short; then the document is not taken. */
struct iso_sv_generation_state *iso_sv_generation_create(struct iso_sv_app *app,
                                                         struct iso_sv_document *document);
/* Make its programs, components, links, sessions. done(g) comes once, now or later, with g->err; a
 * failed one has been dismantled but for itself. */
void iso_sv_generation_make(struct iso_sv_generation_state *g,
                            void (*done)(struct iso_sv_generation_state *g));
void iso_sv_generation_free(struct iso_sv_generation_state *g);
/* Take apart what has not been committed: components destroyed, hooks closed, freed. */
void iso_sv_generation_drop(struct iso_sv_generation_state *g);
/* Let its components end; then it is closed and freed. */
void iso_sv_generation_end(struct iso_sv_generation_state *g, uint64_t drain_ns);
/* One of its components, which is ending, has nothing left to do. */
void iso_sv_generation_gone(struct iso_sv_generation_state *g, struct iso_sv_component *component);
/* Put g into the place of the committed generation of its application. */
void iso_sv_generation_switch(struct iso_sv_generation_state *g);
/* Whether a component is the same but for the targets of its links (docs/deployment.md, "What is
 * kept"). deployment_keep.c */
bool iso_sv_component_same(const struct iso_sv_doc_component *a,
                           const struct iso_sv_doc_component *b);
bool iso_sv_program_same(const struct iso_sv_doc_component *a,
                         const struct iso_sv_doc_component *b);
/* Whether a component of a committed generation may run, given moves and epochs. */
bool iso_sv_app_may_run(struct iso_sv_app *app, const struct iso_sv_doc_component *component);

/* ---- Changes ------------------------------------------------------------------------------------
 */

enum iso_sv_change_kind {
    ISO_SV_CHANGE_PUT,
    ISO_SV_CHANGE_PREPARE,
    ISO_SV_CHANGE_COMMIT,
    ISO_SV_CHANGE_ABORT,
    ISO_SV_CHANGE_EXPIRE,
    ISO_SV_CHANGE_DELETE,
    ISO_SV_CHANGE_RESTORE,
    ISO_SV_CHANGE_RESTORE_NEXT,
    ISO_SV_CHANGE_AHEAD_GET,
    ISO_SV_CHANGE_AHEAD_PUT,
    ISO_SV_CHANGE_FREEZE,
    ISO_SV_CHANGE_THAW, /* frozen, and nobody came */
    ISO_SV_CHANGE_FETCH,
    ISO_SV_CHANGE_HOLD,
    ISO_SV_CHANGE_OWN,
    ISO_SV_CHANGE_RELEASE,
    ISO_SV_CHANGE_MOVE_ABORT,
    ISO_SV_CHANGE_KINDS
};

struct iso_sv_change {
    struct iso_sv_change *next;
    enum iso_sv_change_kind kind;
    struct iso_sv_app *app;
    uint64_t generation; /* or epoch */
    bool forget;
    struct iso_sv_document *document; /* owned until it is taken */
    char component[ISO_NAME_MAX + 1];
    char to[ISO_NAME_MAX + 1];
    uint8_t *bytes; /* of a snapshot; owned */
    size_t len;
    struct iso_sv_record record; /* what the record becomes when the disk has it */
    struct iso_sv_generation_state *subject;
    enum iso_err err;
    struct iso_report report;
    iso_sv_deployed_fn done;
    iso_sv_snapshot_fn fetched; /* FETCH, AHEAD_GET; FREEZE that fetches too */
    uint64_t mark;              /* AHEAD_GET */
    void *ctx;
};

struct iso_sv_app {
    struct iso_sv_app *next;
    struct iso_sv_deployments *deployments;
    char name[ISO_NAME_MAX + 1];
    struct iso_sv_generation_state *committed, *prepared;
    struct iso_sv_generation_state *making;
    struct iso_sv_document *stored; /* committed on disk, not begun (yet, or in trouble) */
    struct iso_sv_document *stored_next;
    bool on_disk; /* APP.json exists, whatever is in it */
    char trouble[512];
    struct iso_sv_record record;
    struct iso_sv_change *queue; /* the first is under way when busy */
    size_t queued;
    bool busy;
};

struct iso_sv_deployments {
    uv_loop_t *loop;
    const struct iso_alloc *alloc;
    struct iso_sv_core *core;
    struct iso_blobs *modules;
    struct iso_sv_deploy_hooks hooks;
    enum iso_err (*allow)(void *ctx, const struct iso_sv_document *document,
                          struct iso_report *report);
    void *allow_ctx;
    uint64_t prepared_ms, frozen_ms;
    int (*fault)(void *ctx, const char *step);
    void *fault_ctx;
    char areas[3][ISO_PATH_MAX];
    struct iso_sv_app *apps;
    struct iso_sv_app *limbo; /* changes of applications that are not there */
    struct iso_sv_generation_state *ending;
    uint64_t ids;
    uint32_t jobs;
    uv_idle_t kick;   /* begins changes on the next turn */
    uv_timer_t timer; /* deadlines */
    bool begun;
    uint32_t restores; /* changes of the start that are not done */
    void (*ready)(void *ctx);
    void *ready_ctx;
    bool stopping;
    uint64_t stop_drain_ns;
    void (*stopped)(void *ctx);
    void *stopped_ctx;
    unsigned handles;
};

struct iso_sv_app *iso_sv_app_find(const struct iso_sv_deployments *deployments,
                                   struct iso_str name);
/* Found or made; NULL when memory is short. */
struct iso_sv_app *iso_sv_app_get(struct iso_sv_deployments *deployments, struct iso_str name);
/* Forget an application of which there is nothing to know any more. It may be gone afterwards. */
void iso_sv_app_settle(struct iso_sv_app *app);
/* The document that is committed here, running or not; NULL: none. */
const struct iso_sv_document *iso_sv_app_document(const struct iso_sv_app *app);
/* The latest epoch seen of a component, the latest generation seen. */
uint64_t iso_sv_app_epoch(const struct iso_sv_app *app, struct iso_str component);
uint64_t iso_sv_app_generation(const struct iso_sv_app *app);
void iso_sv_app_changed(struct iso_sv_app *app, const char *component, const char *what,
                        const char *detail);
struct iso_sv_component *iso_sv_app_component(const struct iso_sv_app *app, const char *component,
                                              uint32_t *index);

/* Queue a change (taken). */
void iso_sv_change_add(struct iso_sv_change *change);
/* A new one with nothing but these; NULL when memory is short. */
struct iso_sv_change *iso_sv_change_create(struct iso_sv_app *app, enum iso_sv_change_kind kind);
/* The change under way has ended as change->err says. */
void iso_sv_change_end(struct iso_sv_change *change);
/* The same with an error. */
void iso_sv_change_fail(struct iso_sv_change *change, enum iso_err err, const char *format, ...)
    ISO_PRINTF(3, 4);
void iso_sv_deployments_kick(struct iso_sv_deployments *deployments);
void iso_sv_deployments_set_timer(struct iso_sv_deployments *deployments);
/* A step towards the end of a stop, when one is asked for. */
void iso_sv_deployments_check_stop(struct iso_sv_deployments *deployments);

/* What each kind does: deployment_change.c (prepare, commit, abort), _remove.c, _restore.c,
 * _move.c. Each ends with iso_sv_change_end, now or later. */
void iso_sv_change_prepare(struct iso_sv_change *change); /* PUT too */
void iso_sv_change_commit(struct iso_sv_change *change);
void iso_sv_change_abort(struct iso_sv_change *change); /* EXPIRE too */
void iso_sv_change_delete(struct iso_sv_change *change);
void iso_sv_change_restore(struct iso_sv_change *change);
void iso_sv_change_restore_next(struct iso_sv_change *change);
void iso_sv_change_ahead_get(struct iso_sv_change *change);
void iso_sv_change_ahead_put(struct iso_sv_change *change);
void iso_sv_change_freeze(struct iso_sv_change *change);
void iso_sv_change_thaw(struct iso_sv_change *change);
void iso_sv_change_fetch(struct iso_sv_change *change);
void iso_sv_change_hold(struct iso_sv_change *change);
void iso_sv_change_own(struct iso_sv_change *change);
void iso_sv_change_release(struct iso_sv_change *change);
void iso_sv_change_move_abort(struct iso_sv_change *change);
/* Whether a generation has components that are held for a move. */
bool iso_sv_app_any_held(const struct iso_sv_app *app, uint64_t generation);
/* Load a snapshot from disk into a component that is PREPARED; done(change) later with change->err.
 * change->subject is its generation. */
void iso_sv_move_load(struct iso_sv_change *change, uint32_t index, const char *suffix,
                      void (*done)(struct iso_sv_change *change));
/* The component of the committed generation that a change is about; change->subject is set. NULL:
 * the change has ended. */
struct iso_sv_component *iso_sv_move_subject(struct iso_sv_change *change, uint32_t *index);
/* The component of the prepared generation that waits for a snapshot. False: the change has ended.
 */
bool iso_sv_move_awaited(struct iso_sv_change *change, uint32_t *index);
/* What came for the prepared generation cannot be used, or is in it and cannot be taken out: the
 * generation goes, and the change ends. */
void iso_sv_move_give_up(struct iso_sv_change *change, enum iso_err err, const char *text);
/* deployment_ahead.c. What went ahead, into a component; hex is its digest. Errors: as hooks.load.
 */
ISO_MUST_CHECK enum iso_err iso_sv_ahead_load(struct iso_sv_generation_state *g, uint32_t index,
                                              struct iso_bytes bytes, const char *hex,
                                              struct iso_report *report);
/* "source" or "target": a snapshot that means nothing any more, and what went ahead of it. */
void iso_sv_ahead_sweep(struct iso_sv_disk *disk, const struct iso_sv_app *app,
                        const char *component, const char *suffix);
/* So many removed applications are remembered and no more: forget the others. */
void iso_sv_apps_limit(struct iso_sv_deployments *deployments);
/* Read what is on disk (at create). */
ISO_MUST_CHECK enum iso_err iso_sv_restore_scan(struct iso_sv_deployments *deployments,
                                                struct iso_report *report);

#endif
