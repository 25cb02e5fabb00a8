/*
 * deployer_test_support.h - a fleet that is played, for tests of the deployer: devices that keep to
 * docs/deployment.md (the model), a network with faults, health, packages, and time, which passes
 * as fast as it can. The same seed gives the same run.
 *
 * The orchestrator can be killed at any point: after it, nothing that the deployer does has an
 * effect (requests do not leave, transactions do not commit), until it is destroyed and another one
 * is made from the same store.
 */
#ifndef ISO_ORCHESTRATOR_DEPLOYER_TEST_SUPPORT_H
#define ISO_ORCHESTRATOR_DEPLOYER_TEST_SUPPORT_H

#include "orchestrator/deployer_state.h"

#include "base/test.h"

enum { SIM_DEVICES = 6, SIM_APPS = 3, SIM_COMPONENTS = 6, SIM_MODULES = 6 };

/* ---- A device (deployer_model_test_support.c) --------------------------------------------------
 */

enum model_move { MODEL_FROZEN, MODEL_SENT, MODEL_RELEASED, MODEL_HELD };

struct model_component {
    char name[ISO_OR_APP_SIZE];
    uint64_t epoch;
    bool running; /* else it waits to be owned, or is stopped for a move, or was released */
    bool service;
    int64_t value; /* what it has counted */
    int64_t ahead; /* what went ahead of its state, as a number; 0: nothing */
};

struct model_record {
    char name[ISO_OR_APP_SIZE];
    enum model_move state;
    uint64_t epoch, generation;
    uint64_t deadline_ms; /* frozen: when it goes on by itself; 0: never */
    int64_t value, ahead;
};

struct model_app {
    char name[ISO_OR_APP_SIZE]; /* empty: none */
    json_t *committed, *prepared;
    uint64_t seen, prepared_ms;
    json_t *epochs;      /* highest seen, of each component */
    const char *failing; /* the error of its flow, which fails; NULL: it does not */
    json_t *ahead;       /* what came ahead of the states that the prepared generation waits for */
    struct model_component components[SIM_COMPONENTS];
    size_t component_count;
    struct model_record moves[SIM_COMPONENTS];
    size_t move_count;
};

struct model_device {
    struct model_app apps[SIM_APPS + 1];
    json_t *modules;        /* digest -> true */
    bool full;              /* its disk */
    bool keeps;             /* what it says is deleted */
    unsigned deletes;       /* that it was asked for */
    int64_t sent_ahead;     /* how often */
    uint64_t fuel_per_call; /* measured of its components */
    uint64_t now_ms;
};

struct model_answer {
    unsigned status;
    char *body; /* malloc; or NULL */
};

void model_init(struct model_device *device);
void model_fini(struct model_device *device);
/* Carries out one request. */
struct model_answer model_request(struct model_device *device, const char *method, const char *path,
                                  const char *body, size_t len);
/* What expires, expires. */
void model_pass_time(struct model_device *device, uint64_t now_ms);
/* Power off and on. */
void model_restart(struct model_device *device);
struct model_app *model_app(struct model_device *device, const char *name);
const struct model_component *model_component(const struct model_device *device, const char *app,
                                              const char *name);

/* ---- The world (deployer_test_support.c) -------------------------------------------------------
 */

struct sim_device {
    char id[ISO_OR_ID_SIZE];
    struct iso_or_device seen; /* as the orchestrator sees it */
    json_t *description, *labels;
    struct model_device model;
    bool alive, connected, paired;
    uint64_t contact_ms;
    unsigned status; /* answered instead of carrying anything out; 0: as it should */
    bool garbage, silent;
    bool no_commit;   /* it answers 500 to every commit */
    bool refuses;     /* it belongs to another orchestrator */
    uint32_t slow_ms; /* more than usual */
    uint64_t cut_ms;  /* when it was cut off last */
};

struct sim_event {
    struct sim_event *next;
    uint64_t at_ms, seq;
    uint64_t id;
    void (*run)(void *arg);
    void *arg;
};

struct sim {
    uint64_t now_ms, seq, random;
    struct sim_event *events;
    struct sim_request *requests;
    struct sim_device devices[SIM_DEVICES];
    size_t device_count;
    struct iso_or_store *store;
    struct iso_or_deployer *deployer;
    struct iso_wit_source wit[SIM_MODULES];
    struct iso_description modules[SIM_MODULES];
    /* Faults, per mille of requests. */
    unsigned lost_before, lost_after, errors, slow;
    /* Kill the orchestrator after so many requests or commits (0: never). */
    uint64_t kill_at, points;
    bool dead;
    bool full;            /* the orchestrator's disk: nothing can be recorded */
    bool packages_gone;   /* none can be resolved */
    size_t packages_room; /* how many can be begun */
    /* What it told. */
    char events_told[4096];
    unsigned deployed, failed, moved, removed;
    /* Who has owned what: app/component/epoch -> device. */
    json_t *owners;
    json_t *digests;   /* of the modules */
    bool two_allowed;  /* services restart elsewhere during partitions */
    bool foreign;      /* another orchestrator's copies run, too */
    const char *trace; /* ISOMER_SIM_TRACE is set: everything that happens is printed */
};

/* For the files of the support. */
void sim_trace(const struct sim *sim, const char *format, ...) ISO_PRINTF(2, 3);
uint64_t sim_event_add(struct sim *sim, uint64_t delay_ms, void (*run)(void *), void *arg);
void sim_point(struct sim *sim);
size_t sim_index(const struct sim *sim, const char *id);
void sim_check_always(struct sim *sim);
struct iso_or_transport sim_transport(struct sim *sim);
void sim_network_leave(struct sim *sim);
void sim_network_fini(struct sim *sim);

void sim_init(struct sim *sim, size_t devices, uint64_t seed);
void sim_fini(struct sim *sim);
uint32_t sim_below(struct sim *sim, uint32_t limit);

/* Makes the deployer; devices are not known to be up yet. */
void sim_start(struct sim *sim);
/* Without cleaning up. */
void sim_kill(struct sim *sim);
/* sim_start again if it was killed by kill_at. True: it was. */
bool sim_revive(struct sim *sim);
/* Lets time pass; invariants are checked after everything that happens. */
void sim_run(struct sim *sim, uint64_t ms);
/* Until the application is in that state (docs/orchestrator-api.md), at most so long. False: it is
 * not. */
bool sim_until(struct sim *sim, const char *app, const char *state, uint64_t ms);
void sim_power(struct sim *sim, size_t device, bool on);
void sim_link(struct sim *sim, size_t device, bool on);

/* An application of the SIM's modules: "greeter" (a function that calls "counter"), "counter" (a
 * service), and further components by themselves; extra is JSON members of counter and of the
 * manifest. */
uint64_t sim_deploy(struct sim *sim, const char *manifest);
/* The status of an application, parsed; to be released. NULL: there is none. */
json_t *sim_status(struct sim *sim, const char *app);
const char *sim_state(struct sim *sim, const char *app); /* static buffer */
/* The device that runs a component; SIZE_MAX: none or several. */
size_t sim_runs(struct sim *sim, const char *app, const char *component);
/* Everything is as the current generations say, nothing is left over anywhere. */
void sim_check_settled(struct sim *sim);
/* Whether all are settled: no change, all confirmed. */
bool sim_settled(struct sim *sim);

#endif
