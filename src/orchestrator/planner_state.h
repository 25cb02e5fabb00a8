/* planner_state.h - inside the planner: the input in canonical order, and placements of it.
 *
 * Devices are sorted by name and id, components by name, so that nothing depends on the order of
 * the input; indices here are of the sorted arrays. Components that must be together are one
 * *unit*, and search places units. */
#ifndef ISO_ORCHESTRATOR_PLANNER_STATE_H
#define ISO_ORCHESTRATOR_PLANNER_STATE_H

#include "orchestrator/planner.h"

#include <math.h>

/* ---- The model ------------------------------------------------------------------------------ */

struct iso_plan_dev {
    const struct iso_plan_device *in;
    size_t index;      /* in the input */
    double core_speed; /* fuel per second of one core */
    double speed;      /* of all cores */
    double cores;
    double load;      /* 0..1, of others */
    uint64_t free;    /* bytes of memory for this application */
    double memory;    /* the same, at least 1 */
    double latency_s; /* its share of a path */
    double bandwidth; /* bytes per second */
    size_t path_first, path_count;
};

struct iso_plan_comp {
    const struct iso_plan_component *in;
    size_t index; /* in the input */
    size_t unit;
    double rate; /* calls per second */
    double work; /* fuel per second */
    uint64_t memory, limit;
    size_t current; /* device, or ISO_PLAN_NONE; a lost one is none */
    double stay;    /* what leaving `current` costs beside the transfer, s/s */
};

/* Components that must share a device, most often a single one. */
struct iso_plan_unit {
    size_t first, count; /* in model.members */
    double work;         /* fuel per second */
    double service_work; /* of its busiest service: what one core has to do */
    uint64_t memory;
    double limit;                    /* bytes */
    size_t cand_first, cand_count;   /* in model.cands */
    size_t near_first, near_count;   /* in model.nears */
    size_t apart_first, apart_count; /* in model.aparts */
    size_t clash[2];                 /* two members that must not be together; or ISO_PLAN_NONE */
};

/* Traffic of a unit with another. */
struct iso_plan_near {
    size_t unit;
    double calls, bytes; /* per second */
};

/* What is known of the way to another device; 0: not known. */
struct iso_plan_way {
    size_t from, to;
    double latency_s, bandwidth;
};

/* An edge between components, defaults filled in. */
struct iso_plan_flow {
    size_t from, to;     /* components; from may be ISO_PLAN_NONE */
    double calls, bytes; /* per second */
};

struct iso_plan_model {
    const struct iso_plan_input *input;
    struct iso_plan_options options;
    struct iso_plan_dev *devs;
    size_t dev_count;
    struct iso_plan_comp *comps;
    size_t comp_count;
    struct iso_plan_unit *units;
    size_t unit_count;
    size_t *members; /* components by unit */
    size_t *cands;   /* devices that satisfy a unit, ascending */
    struct iso_plan_near *nears;
    size_t *aparts;            /* units that must not share a device */
    struct iso_plan_way *ways; /* by device */
    struct iso_plan_flow *flows;
    size_t flow_count;
    double *fixed;   /* [unit][device]: cost there whatever else is; INFINITY: impossible */
    size_t *comp_of; /* input index -> component */
    size_t *dev_of;  /* input index -> device */
};

/* Checks the input and sorts it into `model`, whose arrays come from `arena`. */
ISO_MUST_CHECK enum iso_err iso_plan_input_check(const struct iso_plan_input *input,
                                                 struct iso_report *report);
ISO_MUST_CHECK enum iso_err iso_plan_model_make(struct iso_plan_model *model,
                                                struct iso_arena *arena, struct iso_report *report);

/* planner_units.c: units, their candidates, neighbours and costs; the second half of the above. */
ISO_MUST_CHECK enum iso_err iso_plan_units_make(struct iso_plan_model *model,
                                                struct iso_arena *arena);

/* Component of that name, ISO_PLAN_NONE without. Components must be sorted. */
size_t iso_plan_comp_find(const struct iso_plan_model *model, struct iso_str name);
int iso_plan_str_compare(struct iso_str a, struct iso_str b);

/* ---- Constraints: planner_fit.c ------------------------------------------------------------- */

/* The first hard constraint that keeps `comp` by itself from `dev`; out->why is ISO_PLAN_COSTS_MORE
 * when there is none. `out` may be NULL. Returns whether it fits. */
bool iso_plan_fit(const struct iso_plan_model *model, size_t comp, size_t dev,
                  struct iso_plan_alternative *out);

/* ---- Cost: planner_cost.c ------------------------------------------------------------------- */

/* Weights that are no defaults of single inputs. */
#define ISO_PLAN_OVERLOAD_PRICE 1000.0 /* per device's worth of work too much */
#define ISO_PLAN_MEMORY_PRICE 0.01     /* per free memory's worth of limits too much */
#define ISO_PLAN_MOVE_S 0.05           /* a component is away for so long when it moves */
#define ISO_PLAN_MAX_LOAD 0.95  /* others give way to so much: a busy device is not a full one */
#define ISO_PLAN_TIE 1e-9       /* per place in the order of names */
#define ISO_PLAN_TOLERANCE 1e-9 /* overload begins so much above 1 */

/* What the units placed on one device add up to. */
struct iso_plan_sum {
    double work, limit;
    uint64_t memory;
    size_t count;
    double cost; /* queue, memory and overload of it */
};

/* A placement, perhaps not complete. */
struct iso_plan_state {
    const struct iso_plan_model *model;
    size_t *place; /* unit -> device or ISO_PLAN_NONE */
    struct iso_plan_sum *sums;
    bool strict; /* overload is not allowed */
    uint64_t steps;
};

ISO_MUST_CHECK enum iso_err iso_plan_state_make(struct iso_plan_state *state,
                                                const struct iso_plan_model *model,
                                                struct iso_arena *arena);
void iso_plan_state_clear(struct iso_plan_state *state);

/* What placing `unit`, which has no place, on `dev` adds to the cost of what is placed; INFINITY
 * when it is not allowed there. */
double iso_plan_marginal(struct iso_plan_state *state, size_t unit, size_t dev);
void iso_plan_put(struct iso_plan_state *state, size_t unit, size_t dev);
void iso_plan_take(struct iso_plan_state *state, size_t unit);

/* Cost of all that is placed, computed anew; with the tie-break that no report shows. */
double iso_plan_state_cost(const struct iso_plan_state *state);

/* The same by terms, without the tie-break. Returns whether anything is overloaded. */
bool iso_plan_state_terms(const struct iso_plan_state *state, struct iso_plan_cost *cost);

/* The terms of iso_plan_marginal, without asking what is allowed. Returns whether something would
 * be overloaded. */
bool iso_plan_marginal_terms(const struct iso_plan_state *state, size_t unit, size_t dev,
                             struct iso_plan_cost *cost);

/* Cost, by terms, of calls and bytes per second between two devices; nothing on the same one. */
bool iso_plan_traffic_terms(const struct iso_plan_model *model, double calls, double bytes,
                            size_t a, size_t b, struct iso_plan_cost *cost);

/* The share of a device's processors that is used. */
double iso_plan_utilisation(const struct iso_plan_state *state, size_t dev);

/* What a unit costs on a device by itself, by terms: execution, waiting for its one core, moving.
 * Returns whether one core is too slow for it. */
bool iso_plan_fixed_terms(const struct iso_plan_model *model, const struct iso_plan_unit *unit,
                          size_t dev, struct iso_plan_cost *cost);

/* What traffic costs per second on an average way. */
double iso_plan_near_weight(const struct iso_plan_near *near);
void iso_plan_way_between(const struct iso_plan_model *model, size_t a, size_t b, double *latency_s,
                          double *bandwidth);
uint64_t iso_plan_memory_add(uint64_t a, uint64_t b);
void iso_plan_cost_add(struct iso_plan_cost *cost, enum iso_plan_term term, double value);

/* ---- Search --------------------------------------------------------------------------------- */

struct iso_plan_search {
    struct iso_plan_state state; /* to work on; empty between searches */
    size_t *best;                /* the best placement so far */
    double best_cost;            /* INFINITY: none */
    uint64_t steps_end;          /* stop when state.steps is beyond */
    size_t *order;               /* of units, for construction */
    size_t *set;                 /* of units, for improvement */
    size_t *start;               /* of units: where to begin */
    double *floors;              /* of units: what they cost at least */
    double *pull;                /* of units: traffic with what is chosen already */
    double *set_fixed;           /* of devices: what the set costs there by itself */
    void *part_choices;          /* of iso_plan_part */
    struct iso_arena *arena;
};

/* Keeps the state's placement if it is complete and better than the best. */
void iso_plan_search_offer(struct iso_plan_search *search);

/* planner_greedy.c: constructions, each improved; the best is offered. */
ISO_MUST_CHECK enum iso_err iso_plan_greedy(struct iso_plan_search *search);
/* planner_improve.c: moves, swaps, chains until none helps. The placement must be complete. */
void iso_plan_improve(struct iso_plan_search *search);
/* planner_exact.c: branch and bound. *complete: the whole space was searched. */
ISO_MUST_CHECK enum iso_err iso_plan_exact(struct iso_plan_search *search, bool *complete);

/* The same over a few units of a complete placement, which must be the best so far, while the
 * others stay; the state is the best placement afterwards. Returns whether it is better than
 * before. */
enum { ISO_PLAN_PART_MAX = 6 };
ISO_MUST_CHECK enum iso_err iso_plan_part_make(struct iso_plan_search *search);
bool iso_plan_part(struct iso_plan_search *search, const size_t *units, size_t count,
                   uint64_t steps);
/* planner_refine.c: that for one set of units after the other, until none helps. */
void iso_plan_refine(struct iso_plan_search *search);

enum iso_plan_answer { ISO_PLAN_NO, ISO_PLAN_YES, ISO_PLAN_UNKNOWN };

/* planner_conflict.c: can the units for which `use` is true be placed, whatever it costs? With YES
 * the state has the placement. */
enum iso_plan_answer iso_plan_possible(struct iso_plan_search *search, const bool *use,
                                       uint64_t effort);
ISO_MUST_CHECK enum iso_err iso_plan_conflict_find(struct iso_plan_search *search,
                                                   struct iso_plan_conflict *out);

/* ---- Words: planner_words.c ----------------------------------------------------------------- */

/* Text in a buffer of fixed size, always ended with a zero byte; what does not fit is cut. */
struct iso_plan_words {
    char *out;
    size_t cap, len;
};

/* Empty text in `out`. */
struct iso_plan_words iso_plan_words_begin(char *out, size_t cap);
void iso_plan_say(struct iso_plan_words *words, const char *format, ...) ISO_PRINTF(2, 3);
/* In quotation marks. */
void iso_plan_say_name(struct iso_plan_words *words, struct iso_str name);
/* "12.5 MiB". */
void iso_plan_say_bytes(struct iso_plan_words *words, uint64_t bytes);
/* "12.5 ms/s": milliseconds per second. */
void iso_plan_say_cost(struct iso_plan_words *words, double cost);
/* An alternative of the component (an index of the input). `device` (likewise): ISO_PLAN_NONE for
 * what is true of several devices, without what was found on one. */
void iso_plan_say_alternative(struct iso_plan_words *words, const struct iso_plan *plan,
                              size_t component, size_t device,
                              const struct iso_plan_alternative *why);
/* In the same words, but for what was found. */
bool iso_plan_same_reason(const struct iso_plan_alternative *a,
                          const struct iso_plan_alternative *b);
const char *iso_plan_why_not_name(enum iso_plan_why_not why);
const char *iso_plan_reason_name(enum iso_plan_reason_kind kind);
const char *iso_plan_conflict_name(enum iso_plan_conflict_kind kind);

/* Devices that are excluded for the same reason. */
enum { ISO_PLAN_GROUPS_MAX = 12, ISO_PLAN_GROUP_NAMES = 6 };
struct iso_plan_group {
    struct iso_plan_alternative why;
    size_t devices[ISO_PLAN_GROUP_NAMES]; /* the first by name; indices of the input */
    size_t count;                         /* of all */
};
/* Groups the devices that are excluded for a component; returns how many did not fit in. */
size_t iso_plan_groups_fill(const struct iso_plan *plan, size_t component,
                            struct iso_plan_group *groups, size_t *group_count);

/* The devices not chosen for a component that would do: the cheapest, at most `max`, into `best`;
 * returns how many there are in all. */
struct iso_plan_soft {
    size_t device; /* index of the input */
    struct iso_plan_alternative why;
};
size_t iso_plan_softest(const struct iso_plan *plan, size_t component, size_t max,
                        struct iso_plan_soft *best);

/* ---- The plan ------------------------------------------------------------------------------- */

struct iso_plan {
    const struct iso_alloc *alloc;
    struct iso_arena arena;
    struct iso_plan_model model;
    struct iso_plan_search search; /* its state has the placement, when feasible */
    struct iso_plan_outcome outcome;
    struct iso_plan_conflict conflict;
};

#endif
