/* planner.h - where the components of one application run: the planner of the orchestrator.
 *
 *     struct iso_plan *plan = NULL;
 *     err = iso_plan_create(alloc, &input, NULL, &plan, &report);
 *     if (err == ISO_OK && iso_plan_outcome(plan)->feasible)
 *         size_t device = iso_plan_device(plan, component);   // index in input.devices
 *     iso_plan_explain(plan, 5, &buf);                        // lines for people
 *     iso_plan_destroy(plan);
 *
 * Pure: no I/O, no clock, nothing random; the same input, in whatever order, gives the same plan. A
 * function here blocks for as long as it computes (docs/internals/planner.md has figures), and may
 * be called on any thread, on one plan by one thread at a time. docs/internals/planner.md has the
 * model of cost and the search, docs/placement.md what users are told.
 *
 * Numbers: 0 means "not known" wherever a default is named, so zeroed structures are a good start.
 * Costs are seconds per second: seconds that calls take, or are kept waiting, in each second of
 * time. */
#ifndef ISO_ORCHESTRATOR_PLANNER_H
#define ISO_ORCHESTRATOR_PLANNER_H

#include "base/base.h"

/* No index: no device, no component, from outside the application. */
#define ISO_PLAN_NONE SIZE_MAX

/* More is ISO_E_LIMIT. */
enum {
    ISO_PLAN_MAX_DEVICES = 5000,
    ISO_PLAN_MAX_COMPONENTS = 500,
    ISO_PLAN_MAX_EDGES = 20000,
    ISO_PLAN_MAX_PATHS = 1000000,
    ISO_PLAN_MAX_RULES = 256, /* of one component; imports, features likewise */
};

/* What is assumed of what is not known. */
#define ISO_PLAN_DEFAULT_SPEED 50.0        /* million fuel a second; or the slowest known */
#define ISO_PLAN_DEFAULT_FUEL 1e6          /* fuel per call */
#define ISO_PLAN_DEFAULT_RATE 1.0          /* calls per second */
#define ISO_PLAN_DEFAULT_BYTES 1024.0      /* bytes per call, arguments and result */
#define ISO_PLAN_DEFAULT_LATENCY_US 1000.0 /* of a call between two devices */
#define ISO_PLAN_DEFAULT_BANDWIDTH 10e6    /* bytes per second between two devices */
#define ISO_PLAN_DEFAULT_MEMORY (1u << 20) /* bytes that a component takes from the start */
#define ISO_PLAN_DEFAULT_STATE (1u << 20)  /* bytes that go along when a service moves */

/* ---- Input. All of it is borrowed until iso_plan_destroy. ----------------------------------- */

enum iso_plan_device_state {
    ISO_PLAN_AVAILABLE,
    ISO_PLAN_SUSPECT,  /* gets nothing new; what is there stays */
    ISO_PLAN_LOST,     /* never chosen, but for what `stays` there */
    ISO_PLAN_DRAINING, /* is to become empty: never chosen */
};

struct iso_plan_label {
    struct iso_str key, value;
};

/* A device interface that a device offers, with the names of its instances. */
struct iso_plan_offer {
    struct iso_str interface; /* "camera"; with a version ("a:b/c@1.2.0") that must be compatible */
    const struct iso_str *names; /* "door", "hall"; none: it has no names */
    size_t name_count;
};

struct iso_plan_device {
    struct iso_str id, name; /* ids are unique; names are what people read */
    enum iso_plan_device_state state;
    const struct iso_plan_label *labels;
    size_t label_count;
    double speed;   /* million fuel a second, all cores together; 0: not known */
    unsigned cores; /* 0: one */
    /* As the device says, with all that runs there; what this application does there now, by
     * `current` of its components, is taken off by the planner. */
    double load; /* 0..1 of `speed` */
    uint64_t memory_free_bytes;
    const struct iso_str *features; /* of its engine: "simd128", ... */
    size_t feature_count;
    const struct iso_plan_offer *offers;
    size_t offer_count;
    /* Its own share of every path that is not among `paths`: latencies of both ends add up, the
     * smaller bandwidth counts. 0: half of the default latency, the default bandwidth. */
    double latency_us, bytes_per_s;
};

/* What is known of the network between two devices, both ways. 0: not known. Of several for one
 * pair the slower counts. */
struct iso_plan_path {
    size_t a, b; /* indices of devices */
    double latency_us;
    double bytes_per_s;
};

enum iso_plan_rule_kind {
    ISO_PLAN_LABEL,  /* "room=lobby", or "room": the device has that label. All must hold */
    ISO_PLAN_DEVICE, /* name or id of a device; of several such rules one must hold */
    ISO_PLAN_WITH,   /* a component: on the same device */
    ISO_PLAN_APART,  /* a component: not on the same device */
};

struct iso_plan_rule {
    enum iso_plan_rule_kind kind;
    struct iso_str text;
};

/* A device interface that a module imports. */
struct iso_plan_import {
    struct iso_str interface;
    const struct iso_str *names; /* that must be there; "default" is whichever there is */
    size_t name_count;
};

/* Who says what a rule ISO_PLAN_DEVICE says; for the explanation. */
enum iso_plan_pin {
    ISO_PLAN_BY_MANIFEST,
    ISO_PLAN_BY_HAND,  /* somebody moved it there */
    ISO_PLAN_BY_CHANGE /* the change is about other components, and leaves it where it is */
};

struct iso_plan_component {
    struct iso_str name; /* unique */
    bool service;        /* one instance, on one core at a time */
    const struct iso_str *features;
    size_t feature_count;
    const struct iso_plan_import *imports; /* only those that a device must offer */
    size_t import_count;
    const struct iso_plan_rule *rules;
    size_t rule_count;
    enum iso_plan_pin pin;
    uint64_t memory_bytes;       /* that must be free for it; 0: ISO_PLAN_DEFAULT_MEMORY */
    uint64_t memory_limit_bytes; /* that it may come to use; 0: as memory_bytes */
    double fuel_per_call;        /* measured; 0: ISO_PLAN_DEFAULT_FUEL */
    size_t current;              /* index of the device where it runs, or ISO_PLAN_NONE */
    bool stays; /* on `current`, whatever its state and the constraints: what waits for a lost
                   device */
    uint64_t state_bytes; /* of a service that runs; 0: ISO_PLAN_DEFAULT_STATE */
};

/* Calls that one component makes of another, or messages from a step of a flow to the next. The
 * rate of a component's work is the sum of its incoming edges; one without any is assumed to be
 * called ISO_PLAN_DEFAULT_RATE times a second from outside. */
struct iso_plan_edge {
    size_t from;           /* index of a component; ISO_PLAN_NONE: from outside (timers, people) */
    size_t to;             /* index of a component */
    double calls_per_s;    /* 0: ISO_PLAN_DEFAULT_RATE */
    double bytes_per_call; /* arguments and result; 0: ISO_PLAN_DEFAULT_BYTES */
};

struct iso_plan_input {
    const struct iso_plan_device *devices;
    size_t device_count;
    const struct iso_plan_component *components;
    size_t component_count;
    const struct iso_plan_edge *edges;
    size_t edge_count;
    const struct iso_plan_path *paths;
    size_t path_count;
};

struct iso_plan_options {
    /* Effort of the exact search, in looks at a component on a device (about 20 ns each); what is
     * too large for it is left to the heuristic, whose result is always found first. */
    uint64_t exact_steps;
    uint64_t improve_steps; /* likewise of the heuristic's improvements */
    double horizon_s;       /* a move must pay for itself within this time */
    double hysteresis;      /* and gain this share of what the component costs where it is */
};

/* Used where NULL is given: {4000000, 20000000, 60, 0.1}. */
extern const struct iso_plan_options iso_plan_options_default;

/* ---- Planning ------------------------------------------------------------------------------- */

struct iso_plan;

/* Finds where each component shall run. `options` may be NULL. A plan that cannot be made is ISO_OK
 * too: iso_plan_outcome says so and the explanations say why. ISO_E_INVALID when the input
 * contradicts itself (an index or a rule that leads nowhere, a name twice, a number that is none),
 * with what and where in the report; ISO_E_LIMIT; ISO_E_NOMEM. */
ISO_MUST_CHECK enum iso_err iso_plan_create(const struct iso_alloc *alloc,
                                            const struct iso_plan_input *input,
                                            const struct iso_plan_options *options,
                                            struct iso_plan **out, struct iso_report *report);

/* NULL is allowed. */
void iso_plan_destroy(struct iso_plan *plan);

/* Terms of the cost, in seconds per second. */
enum iso_plan_term {
    ISO_PLAN_EXECUTION, /* calls at work */
    ISO_PLAN_QUEUE,     /* calls that wait for a busy processor */
    ISO_PLAN_LATENCY,   /* remote calls: the way there and back */
    ISO_PLAN_TRANSFER,  /* remote calls: their bytes */
    ISO_PLAN_MEMORY,    /* limits beyond what is free */
    ISO_PLAN_MOVING,    /* leaving the device where something runs */
    ISO_PLAN_OVERLOAD,  /* more than a device or a path can do */
    ISO_PLAN_TERMS,
};

struct iso_plan_cost {
    double total;
    double terms[ISO_PLAN_TERMS];
};

/* A word for people and JSON: "execution", "queue", ... Static storage. */
const char *iso_plan_term_name(enum iso_plan_term term);

struct iso_plan_outcome {
    bool feasible;   /* every component has a device */
    bool proven;     /* the whole space was searched: there is no better plan, or none at all */
    bool overloaded; /* some device or path cannot do all that is asked; nothing else was possible,
                      * or (not `proven`) was found */
    size_t devices;  /* used */
    size_t moves;    /* components that leave the device where they run */
    struct iso_plan_cost cost; /* zeros when not feasible */
    uint64_t steps;            /* taken by both searches */
};

/* Valid until the plan is destroyed. */
const struct iso_plan_outcome *iso_plan_outcome(const struct iso_plan *plan);

/* The index of the device chosen for a component (indices as in the input), ISO_PLAN_NONE when the
 * plan is not feasible. */
size_t iso_plan_device(const struct iso_plan *plan, size_t component);

/* What a placement of one's own (a device per component) would cost. False when it breaks a
 * constraint; then `cost` is untouched and *component (may be NULL) is the first one at fault. */
bool iso_plan_evaluate(const struct iso_plan *plan, const size_t *devices,
                       struct iso_plan_cost *cost, bool *overloaded, size_t *component);

/* ---- Why not elsewhere ---------------------------------------------------------------------- */

enum iso_plan_why_not {
    ISO_PLAN_CHOSEN,     /* it is there */
    ISO_PLAN_COSTS_MORE, /* soft: see `extra`, `dominant` */
    ISO_PLAN_IS_LOST,    /* hard from here on, in the order in which they are looked at */
    ISO_PLAN_IS_SUSPECT,
    ISO_PLAN_IS_DRAINING,
    ISO_PLAN_STAYS_ELSEWHERE, /* it is to stay where it is */
    ISO_PLAN_PINNED_ELSEWHERE,
    ISO_PLAN_LABEL_MISSING,
    ISO_PLAN_FEATURE_MISSING,
    ISO_PLAN_INTERFACE_MISSING,
    ISO_PLAN_NAME_MISSING, /* the interface is there, an instance of it is not */
    ISO_PLAN_MEMORY_SHORT, /* for this component alone */
    ISO_PLAN_PARTNER,      /* a component that must be with it cannot be there */
    ISO_PLAN_NOT_BESIDE, /* only as the others are placed: one that must not be with it is there */
    ISO_PLAN_MEMORY_TAKEN, /* only as the others are placed: they leave too little memory */
    ISO_PLAN_NO_PLAN,      /* possible by itself; see iso_plan_conflict */
};

struct iso_plan_alternative {
    enum iso_plan_why_not why;
    bool hard;
    bool overloaded;          /* soft: the device or a path could not do all that is asked */
    struct iso_str needed;    /* hard: "room=lobby", "simd128", a component, ...; borrowed */
    struct iso_str found;     /* hard: the value that the label has, ...; empty: nothing */
    struct iso_str interface; /* NAME_MISSING: of which interface */
    uint64_t needed_bytes;    /* MEMORY_SHORT, MEMORY_TAKEN */
    uint64_t found_bytes;
    size_t component;            /* PARTNER, NOT_BESIDE: which, else ISO_PLAN_NONE */
    struct iso_plan_cost extra;  /* soft: what it would cost more there, the others staying where
                                  * they are; single terms may be negative */
    enum iso_plan_term dominant; /* soft: the term that speaks most against it */
};

/* Why `component` is not on `device`: one look, nothing is kept. */
void iso_plan_alternative(const struct iso_plan *plan, size_t component, size_t device,
                          struct iso_plan_alternative *out);

/* The same in words, zero-terminated, without the device's name and without a full stop: "lacks the
 * label room=lobby (has room=den)". Returns the length; cut at cap. */
size_t iso_plan_alternative_text(const struct iso_plan *plan, size_t component, size_t device,
                                 char *out, size_t cap);

/* ---- Why there ------------------------------------------------------------------------------ */

enum iso_plan_reason_kind {
    ISO_PLAN_WHY_PINNED, /* the manifest names the device */
    ISO_PLAN_WHY_ONLY,   /* no other device satisfies its constraints; `constraint` excludes most */
    ISO_PLAN_WHY_WITH,   /* must be with `component` */
    ISO_PLAN_WHY_APART,  /* `device` is cheaper, but `component` must not be with it */
    ISO_PLAN_WHY_ROOM,   /* `device` is cheaper, but its memory is taken */
    ISO_PLAN_WHY_FAST,   /* work: `device`, the next cheapest, would be slower */
    ISO_PLAN_WHY_NEAR,   /* traffic with `component` stays on or near this device */
    ISO_PLAN_WHY_IDLE,   /* calls would wait on `device`, the next cheapest, which is busier */
    ISO_PLAN_WHY_STAYS,  /* it is there already; moving to `device` would not pay */
    ISO_PLAN_WHY_SPACIOUS, /* limits of memory fit better than on `device` */
    ISO_PLAN_WHY_TIE,      /* as good as `device`; the name decided */
    ISO_PLAN_WHY_MOVED,    /* leaves `device`; `constraint`, or `value` is the gain */
    ISO_PLAN_WHY_ASSUMED,  /* its work has not been measured */
    ISO_PLAN_WHY_OVERLOAD, /* more than the device can do, and nothing better is there */
};

struct iso_plan_reason {
    enum iso_plan_reason_kind kind;
    size_t device;    /* or ISO_PLAN_NONE */
    size_t component; /* or ISO_PLAN_NONE */
    /* ONLY, MOVED; FAST, NEAR, IDLE: what keeps it from `device`; else ISO_PLAN_CHOSEN */
    enum iso_plan_why_not constraint;
    double value; /* what `device` would cost more, seconds per second */
};

enum { ISO_PLAN_MAX_REASONS = 4 };

/* Why `component` is where it is, the most important first. Returns how many; 0 when the plan is
 * not feasible. Looks at every device. */
size_t iso_plan_reasons(const struct iso_plan *plan, size_t component,
                        struct iso_plan_reason out[ISO_PLAN_MAX_REASONS]);

/* One reason as a sentence without its full stop. Returns the length; cut at cap. */
size_t iso_plan_reason_text(const struct iso_plan *plan, size_t component,
                            const struct iso_plan_reason *reason, char *out, size_t cap);

/* ---- Why no plan ---------------------------------------------------------------------------- */

enum iso_plan_conflict_kind {
    ISO_PLAN_FEASIBLE,     /* there is none */
    ISO_PLAN_NO_DEVICES,   /* there are no devices at all */
    ISO_PLAN_NO_CANDIDATE, /* each of `components` has no device that satisfies it */
    ISO_PLAN_JOINT,        /* each could be placed, but not all of `components` at once; leave any
                            * one of them out and the others can */
    ISO_PLAN_NOT_FOUND,    /* none was found within the effort allowed; there may be one */
};

struct iso_plan_conflict {
    enum iso_plan_conflict_kind kind;
    const size_t *components; /* indices, by name; valid until the plan is destroyed */
    size_t component_count;
};

const struct iso_plan_conflict *iso_plan_conflict(const struct iso_plan *plan);

/* The conflict as a sentence without its full stop; nothing when there is none. Returns the length;
 * cut at cap. */
size_t iso_plan_conflict_text(const struct iso_plan *plan, char *out, size_t cap);

/* ---- Explanations --------------------------------------------------------------------------- */

/* More than this is taken as this. */
enum { ISO_PLAN_MAX_SHOWN = 64 };

/* Appends lines for people: the choice with its reasons, or why there is none; for each component
 * the devices not chosen, the cheapest `devices_max` one by one, those that are excluded grouped by
 * reason; and how full the devices are. ISO_E_NOMEM, ISO_E_LIMIT (of `out`). */
ISO_MUST_CHECK enum iso_err iso_plan_explain(const struct iso_plan *plan, size_t devices_max,
                                             struct iso_buf *out);

/* Writes the same as members of the object that is open in `json`: "feasible", "proven",
 * "overloaded", "cost", "components", "changes", "devices", "conflict"
 * (docs/orchestrator-api.md, "Plans"). At most `devices_max` devices not chosen per component, the
 * cheapest first; the others are counted. */
void iso_plan_explain_json(const struct iso_plan *plan, size_t devices_max, struct iso_json *json);

#endif
