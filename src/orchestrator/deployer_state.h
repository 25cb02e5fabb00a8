/*
 * deployer_state.h - what the files of the deployer share. docs/internals/deployer.md tells how it
 * works: callbacks write down what they were told and poke the application; iso_or_app_step looks
 * at all of it, starts what can be started, and is the only place where generations end.
 */
#ifndef ISO_ORCHESTRATOR_DEPLOYER_STATE_H
#define ISO_ORCHESTRATOR_DEPLOYER_STATE_H

#include "orchestrator/deployer.h"
#include "orchestrator/devices.h"
#include "orchestrator/documents.h"
#include "orchestrator/planner.h"

struct iso_or_app;
struct iso_or_generation;

enum { ISO_OR_REASON_SIZE = 384 };

/* Time, in ms, and counts that are the deployer's own. */
enum {
    ISO_OR_QUESTION_MS = 5000, /* HEAD of a module, status of an application */
    ISO_OR_STALLED_MS = 20000, /* a device that gets nowhere for so long before the decision */
    ISO_OR_RENEW_MS = 25000,   /* a prepared generation is prepared again: it expires after 60 s */
    ISO_OR_AGAIN_MAX = 3,      /* plans that are tried because a device gave trouble */
    ISO_OR_NUMBERS_MAX = 16,   /* ... because a device knew a later number */
    ISO_OR_AVOID_MS = 60000,   /* such a device gets nothing new for so long */
    ISO_OR_REPAIR_MIN_MS = 1000, /* between attempts to repair; doubled up to ... */
    ISO_OR_REPAIR_MAX_MS = 60000,
    ISO_OR_STORE_RETRY_MS = 1000, /* the store could not be written */
    ISO_OR_SETTLE_MS = 7000, /* after the start: devices that have not answered yet may still do */
};

/* ---- Requests (deployer_ask.c) -----------------------------------------------------------------
 */

/* One thing that is asked of a device, again if need be; part of its owner, which stops it before
 * it goes. At most one request or pause at a time. */
struct iso_or_ask {
    struct iso_or_deployer *deployer;
    void *owner;
    uint64_t request, timer;
    unsigned failures; /* in a row; for the back-off */
    void (*answered)(struct iso_or_ask *ask, const struct iso_or_answer *answer);
    void (*resume)(struct iso_or_ask *ask);
    char sent[96]; /* "POST /v1/..."; for people */
};

void iso_or_ask_stop(struct iso_or_ask *ask);
bool iso_or_ask_busy(const struct iso_or_ask *ask);
/* answered comes once, later, whatever happens. `path` is formatted by the caller. body: JSON, or
 * (octets) bytes; ptr NULL: none. */
struct iso_or_send {
    const char *device, *method, *path;
    struct iso_bytes body;
    bool octets;
    const char *file;
    uint64_t answer_max_bytes;
    uint32_t timeout_ms;
};
void iso_or_ask_send(struct iso_or_ask *ask, const struct iso_or_send *send,
                     void (*answered)(struct iso_or_ask *ask, const struct iso_or_answer *answer));
/* Calls resume after the back-off that the failures so far ask for. */
void iso_or_ask_pause(struct iso_or_ask *ask, void (*resume)(struct iso_or_ask *ask));
/* A pause that can be ended: what it waits for may have come. */
void iso_or_ask_hurry(struct iso_or_ask *ask);
bool iso_or_answer_good(const struct iso_or_answer *answer); /* 2xx */
/* Whether the same request may succeed later, by itself. */
bool iso_or_answer_passing(const struct iso_or_answer *answer);
/* The answer as text for people. */
void iso_or_answer_text(const struct iso_or_answer *answer, char out[ISO_OR_REASON_SIZE]);

/* ---- Devices of a generation (deployer_part.c) -------------------------------------------------
 */

enum iso_or_goal {
    ISO_OR_GOAL_NONE,
    ISO_OR_GOAL_PREPARE,
    ISO_OR_GOAL_COMMIT, /* prepares first */
    ISO_OR_GOAL_ABORT,
    ISO_OR_GOAL_DELETE
};

enum iso_or_trouble {
    ISO_OR_TROUBLE_NONE,
    ISO_OR_TROUBLE_DEVICE, /* with this device; elsewhere it may go */
    ISO_OR_TROUBLE_NUMBER, /* the device knows a later generation or epoch: take later ones */
    ISO_OR_TROUBLE_FATAL   /* with what is to be deployed */
};

struct iso_or_part {
    struct iso_or_generation *gen;
    char device[ISO_OR_ID_SIZE];
    enum iso_or_goal goal;
    bool absent;          /* was not there when it was planned: the decision does not wait for it */
    bool go;              /* its turn to be prepared has come; its modules do not wait for it */
    bool touched;         /* prepare was sent */
    bool prepared;        /* as far as is known */
    bool done;            /* the goal (commit, abort, delete) has been confirmed */
    bool wait;            /* goal delete: not before the generation's drain time has passed */
    unsigned module;      /* the component whose module is looked at */
    bool upload;          /* it is not there */
    bool fetching;        /* nor has this process seen it; it is being resolved again */
    unsigned refused;     /* prepare with 422, in a row */
    uint64_t prepared_ms; /* when it was prepared last */
    uint64_t progress_ms; /* when something was achieved last */
    enum iso_or_trouble trouble;
    char reason[ISO_OR_REASON_SIZE]; /* the latest failure */
    const char *step;                /* for people: "upload", "prepare", ... */
    struct iso_or_ask ask;
};

/* Starts what its goal asks for next, unless something is under way. */
void iso_or_part_drive(struct iso_or_part *part);
/* A new goal, from the beginning. */
void iso_or_part_aim(struct iso_or_part *part, enum iso_or_goal goal);
/* The device may have lost what was prepared or committed there. */
void iso_or_part_doubt(struct iso_or_part *part);

/* ---- Moves (move.c) ----------------------------------------------------------------------------
 */

enum iso_or_move_step {
    ISO_OR_MOVE_PLANNED,
    ISO_OR_MOVE_FROZEN,
    ISO_OR_MOVE_FETCHED,
    ISO_OR_MOVE_HELD,  /* nothing more to do before the decision */
    ISO_OR_MOVE_OWNED, /* runs at the target */
    ISO_OR_MOVE_ABORTED,
};

struct iso_or_move {
    struct iso_or_generation *gen;
    char component[ISO_OR_APP_SIZE];
    char from[ISO_OR_ID_SIZE], to[ISO_OR_ID_SIZE];
    uint64_t before, after; /* epochs */
    bool state;             /* goes along; otherwise the copy is only stopped */
    enum iso_or_move_step step;
    bool late;     /* of the generation before, whose source has not been told yet */
    bool touched;  /* freeze was sent */
    bool released; /* at the source */
    /* What it remembers of calls, which goes ahead of its state. */
    enum { ISO_OR_AHEAD_NOT, ISO_OR_AHEAD_HERE, ISO_OR_AHEAD_GONE } ahead;
    uint64_t frozen_ms;
    uint64_t downtime_ms;    /* UINT64_MAX: not known */
    uint64_t snapshot_bytes; /* its state's size; 0: not known, or nothing was carried */
    uint64_t progress_ms;
    enum iso_or_trouble trouble;
    char reason[ISO_OR_REASON_SIZE];
    struct iso_buf snapshot;
    struct iso_buf ahead_bytes;
    struct iso_or_ask ask;     /* before the decision; abort; own */
    struct iso_or_ask release; /* at the source, meanwhile */
};

void iso_or_move_drive(struct iso_or_move *move);  /* before the decision */
void iso_or_move_finish(struct iso_or_move *move); /* after it */
void iso_or_move_abort(struct iso_or_move *move);  /* instead of it */
const char *iso_or_move_step_name(const struct iso_or_move *move);
/* Whether the device may commit now, as far as moves are concerned. */
bool iso_or_moves_allow(const struct iso_or_generation *gen, const struct iso_or_part *part);

/* ---- Generations (deployer_generation.c: from and to the store) --------------------------------
 */

/* A package that a component needs, being resolved or held; see iso_or_packages. */
struct iso_or_ticket {
    struct iso_or_generation *gen;
    size_t component;
    uint64_t id; /* 0: not asked for, or over */
    bool done;
    enum iso_err err; /* of what it led to */
    char error[ISO_OR_REASON_SIZE];
    struct iso_or_resolved copy;            /* what it points to: until the ticket is given back */
    struct iso_module_interface *interface; /* with the manifest's own WIT; or NULL */
};

struct iso_or_generation {
    struct iso_or_app *app;
    struct iso_or_generation *next; /* of those that are being undone */
    uint64_t number;
    enum iso_or_generation_state state;
    char cause[16];
    char detail[ISO_OR_REASON_SIZE];
    char error[ISO_OR_REASON_SIZE * 2];
    struct iso_str text;              /* the manifest, own copy; empty: remove */
    json_t *files, *resolved, *pins;  /* objects */
    json_t *placement, *documents;    /* objects; NULL: none yet */
    json_t *refused;                  /* {"plan": ...} that leads nowhere; or NULL */
    struct iso_or_manifest *manifest; /* parsed from text; NULL: none */
    uint64_t created_ms, changed_ms;
    char earlier[ISO_OR_REASON_SIZE]; /* what gave trouble before, with the same purpose */
    unsigned attempt;                 /* how many before it gave trouble, with the same purpose */

    struct iso_or_ticket *tickets;               /* of each component, while resolving */
    json_t *paths;                               /* digest -> file, of what was resolved */
    void (*poke)(struct iso_or_generation *gen); /* a package has come */
    bool resolving;
    bool trial;             /* only a plan for people */
    uint64_t resolve_timer; /* waits for room; or 0 */
    char resolve_error[ISO_OR_REASON_SIZE];
    enum iso_err resolve_err;
    struct iso_or_figures *figures; /* being asked for; or NULL */
    uint64_t again_ms;              /* not before: what failed is tried again */

    struct iso_or_part *parts; /* the devices with documents, then those that were left */
    size_t part_count;
    struct iso_or_move *moves;
    size_t move_count;
    uint64_t decided_ms;
    bool hurry;        /* after the decision something failed: no waiting for the usual order */
    bool undo;         /* is being aborted */
    bool rerun;        /* undone, it is to be prepared again */
    bool all_may_move; /* planned again with all components free: with the others where they are
                          there was no place */
    uint64_t undo_ms;  /* since when */
};

ISO_MUST_CHECK struct iso_or_generation *iso_or_generation_create(struct iso_or_app *app);
void iso_or_generation_destroy(struct iso_or_generation *gen);
/* The manifest; parsed too. False: memory is short, or it has mistakes. */
bool iso_or_generation_set_text(struct iso_or_generation *gen, struct iso_str text);
/* From a row; NULL when memory is short or it cannot be read. */
ISO_MUST_CHECK struct iso_or_generation *
iso_or_generation_load(struct iso_or_app *app, const struct iso_or_generation_row *row);
/* The whole row. */
ISO_MUST_CHECK enum iso_err iso_or_generation_save(struct iso_or_generation *gen,
                                                   struct iso_report *report);
/* How far it is. */
ISO_MUST_CHECK enum iso_err iso_or_generation_save_step(struct iso_or_generation *gen,
                                                        struct iso_report *report);
/* Parts from the documents, moves and left devices from progress (NULL: none). False: no memory. */
bool iso_or_generation_arm(struct iso_or_generation *gen, const json_t *progress);
struct iso_or_part *iso_or_generation_part(struct iso_or_generation *gen, const char *device);
/* The part that deletes on a device that the generation leaves, when all have confirmed; a move's
 * source has it beside its own last part. NULL: none. gen may be NULL. */
struct iso_or_part *iso_or_generation_leaving(struct iso_or_generation *gen, const char *device);
bool iso_or_generation_decided(const struct iso_or_generation *gen);
/* Of a component: device id, epoch; NULL, 0: not there. */
const char *iso_or_generation_device(const struct iso_or_generation *gen, const char *component);
uint64_t iso_or_generation_epoch(const struct iso_or_generation *gen, const char *component);
/* Every device has confirmed what it was told, moves are over. */
bool iso_or_generation_confirmed(const struct iso_or_generation *gen);
bool iso_or_generation_left(const struct iso_or_generation *gen); /* ... and left ones are gone */

/* ---- Applications ------------------------------------------------------------------------------
 */

struct iso_or_app {
    struct iso_or_deployer *deployer;
    struct iso_or_app *next; /* by name */
    char name[ISO_OR_APP_SIZE];
    uint64_t revision;
    struct iso_or_generation *current; /* decided; NULL: none yet */
    struct iso_or_generation *change;  /* the latest that was accepted and is not decided */
    struct iso_or_generation *undoing; /* given up, being aborted */
    uint64_t last;                     /* highest number used */
    uint64_t floor;                    /* numbers must be above: a device knows it */
    json_t *floors;                    /* component -> epoch that must be reached */
    json_t *sightings;                 /* component -> {"device", "epoch"}: later than ours */
    json_t *missing;     /* component -> whether its place by the current generation has it not */
    json_t *strangers;   /* devices that have it, though nothing of it is placed there */
    json_t *disbelieved; /* devices whose numbers cannot be; people have been told */
    json_t *avoid;       /* device -> until when (ms) it gets nothing new */
    json_t *figures;     /* component -> {"fuel-per-call", "bytes-per-call"}: measured */
    json_t *stuck;       /* component -> device: could not be moved away when that was drained */
    json_t *lost_state;  /* components that must begin anew */
    json_t *failing;     /* device -> {"generation", "flows"}: it says that they fail */
    char failed[ISO_OR_REASON_SIZE * 2]; /* why the latest change failed; empty: it did not */
    uint64_t failed_number;
    char degraded[ISO_OR_REASON_SIZE]; /* said last; empty: not */
    unsigned repairs;                  /* attempts in a row that failed */
    uint64_t repair_ms;                /* not before */
    uint64_t timer, timer_at;
    bool stepping, again, told;
    bool failing_told; /* people know that flows fail */
};

struct iso_or_deployer {
    struct iso_or_deployer_config config;
    struct iso_or_app *apps;
    size_t app_count;
    uint64_t started_ms;
    struct iso_or_look *looks;   /* devices that are being compared (reconcile.c) */
    struct iso_or_trial *trials; /* plans that are asked for (deployer_plan.c) */
    bool closing;
};

uint64_t iso_or_now(const struct iso_or_deployer *deployer);
struct iso_or_app *iso_or_app_find(const struct iso_or_deployer *deployer, struct iso_str name);
/* Finds or makes it; NULL: no memory, or too many. */
struct iso_or_app *iso_or_app_get(struct iso_or_deployer *deployer, struct iso_str name);
void iso_or_app_destroy(struct iso_or_app *app);
/* Makes room for an application (deployer_forget.c). LIMIT: all are in use. */
ISO_MUST_CHECK enum iso_err iso_or_app_forget_oldest(struct iso_or_deployer *deployer,
                                                     struct iso_report *report);
/* Something has changed: look at everything of the application. The caller must not touch its
 * generations afterwards. */
void iso_or_app_poke(struct iso_or_app *app);
/* Look again at this time at the latest. */
void iso_or_app_wake(struct iso_or_app *app, uint64_t at_ms);
void iso_or_app_event(struct iso_or_app *app, const char *event, const char *component,
                      const char *device, const char *detail);
const struct iso_or_device *iso_or_device_of(const struct iso_or_deployer *deployer,
                                             const char *id);
/* Its name for people, or the id. */
const char *iso_or_device_called(const struct iso_or_deployer *deployer, const char *id);
bool iso_or_device_gone(const struct iso_or_deployer *deployer, const char *id); /* or lost */

/* ---- Steps ------------------------------------------------------------------------------------
 */

/* Accepts a change (durable): takes gen, gives it a number, supersedes an undecided one. On failure
 * gen is destroyed. */
ISO_MUST_CHECK enum iso_err iso_or_accept(struct iso_or_app *app, struct iso_or_generation *gen,
                                          uint64_t *number, struct iso_report *report);
/* A generation with the contents of another one: manifest, files, resolved, pins. NULL: memory. */
ISO_MUST_CHECK struct iso_or_generation *iso_or_generation_again(struct iso_or_app *app,
                                                                 const struct iso_or_generation *of,
                                                                 const char *cause,
                                                                 const char *detail);
/* deployer_resolve.c. Before there is a plan, what was resolved is held until it is stopped;
 * later it stops by itself when it has finished, well or not (resolve_err). When there is no room
 * for all its packages it waits. */
void iso_or_resolve_start(struct iso_or_generation *gen);
void iso_or_resolve_stop(struct iso_or_generation *gen);
bool iso_or_resolve_finished(const struct iso_or_generation *gen);
/* Checks the manifest against what was resolved, and records digests. */
ISO_MUST_CHECK enum iso_err iso_or_resolve_check(struct iso_or_generation *gen,
                                                 struct iso_or_mistakes *mistakes,
                                                 struct iso_report *report);
/* deployer_failing.c. What a device says of the application (NULL: it has nothing of it); whether a
 * flow of the present generation fails, and which, since when, and why; all of them as a member. */
void iso_or_app_note_failing(struct iso_or_app *app, const char *device, const json_t *status);
bool iso_or_app_failing(const struct iso_or_app *app, char reason[ISO_OR_REASON_SIZE]);
void iso_or_app_put_failing(const struct iso_or_app *app, struct iso_json *json);
/* deployer_figures.c */
void iso_or_figures_ask(struct iso_or_generation *gen);
bool iso_or_figures_there(const struct iso_or_generation *gen);
void iso_or_figures_stop(struct iso_or_generation *gen);
/* deployer_plan.c: placement, epochs, documents, moves, in memory (the caller has begun a
 * transaction). INVALID: no plan; the report says why. */
ISO_MUST_CHECK enum iso_err iso_or_plan_generation(struct iso_or_generation *gen, json_t **progress,
                                                   struct iso_report *report);
/* The same for a generation that removes the application. */
ISO_MUST_CHECK enum iso_err iso_or_plan_removal(struct iso_or_generation *gen, json_t **progress);
/* Forgets the keys of pairs that no document has any more. */
ISO_MUST_CHECK enum iso_err iso_or_plan_drop_pairs(const struct iso_or_generation *gen);
void iso_or_trials_stop(struct iso_or_deployer *deployer);
/* deployer_switch.c */
/* The change is over, in the store too; what it prepared is taken back. */
void iso_or_change_give_up(struct iso_or_app *app);
void iso_or_change_step(struct iso_or_app *app);
void iso_or_current_step(struct iso_or_app *app);
void iso_or_undo_step(struct iso_or_app *app);
/* reconcile.c */
void iso_or_repair_step(struct iso_or_app *app);
void iso_or_looks_stop(struct iso_or_deployer *deployer);
/* Looks again at devices that had it without being meant to: all has been confirmed. */
void iso_or_strangers_look(struct iso_or_app *app);
/* Whether the device where a component is has said what it has, or cannot; otherwise it is asked.
 */
bool iso_or_place_asked(const struct iso_or_app *app, const char *component);
/* deployer_trust.c */
/* What a device said of an application, wherever it was asked for. NULL: it has none. False: its
 * numbers cannot be; nothing is learnt of it, and people are told. */
bool iso_or_app_told(struct iso_or_app *app, const char *device, const json_t *status);
/* Whether a number that a device says may have been issued, when ours is the latest of our own. */
bool iso_or_number_plausible(uint64_t ours, uint64_t said);
bool iso_or_epoch_plausible(const struct iso_or_app *app, const char *component, uint64_t said);
/* The device that was seen with a later epoch of a component, and that; NULL, 0: none. */
uint64_t iso_or_app_sighted(const struct iso_or_app *app, const char *component,
                            const char **device);
/* Whether that device is its place: the one that the store knows does not have it any more. */
bool iso_or_app_moved_away(const struct iso_or_app *app, const char *component, const char *device);

#endif
