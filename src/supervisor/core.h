/*
 * core.h - components and calls: what runs WebAssembly inside the supervisor.
 *
 * The objects, from the outside in:
 *
 *   core       the engine, the workers, the run queues, the timers; one per supervisor.
 *   program    a module with its interface and convention; immutable, counted references.
 *   component  a named use of a program with its limits, grants, configuration and links; has a
 *              bounded queue of calls and runs them in instances.
 *   instance   a store with the module instantiated: a fresh one for each call (mode `function`,
 *              made from a copy-on-write image where that is possible; also each run of a command),
 *              or the one long-lived one of a `service`. Internal; host.h has what device
 *              interfaces see of it.
 *   call       one call of an exported function, encoded arguments in, encoded result out.
 *
 * Threads. The loop thread calls everything in this header unless a function says otherwise.
 * Wasm code runs on the workers; a short call may run to its end (or for the first
 * ISO_SV_INLINE_FUEL) inside iso_sv_call_start on the loop thread. An instance runs on at most one
 * thread at a time. A call that waits (a link, a sleep, a device) suspends its instance and holds
 * no thread. Callbacks come on the loop thread, never before the function that registered them has
 * returned, and exactly once.
 */
#ifndef ISO_SUPERVISOR_CORE_H
#define ISO_SUPERVISOR_CORE_H

#include <uv.h>

#include "daemon/log.h"
#include "interface/interface.h"

struct iso_sv_core;
struct iso_sv_program;
struct iso_sv_component;
struct iso_sv_call;
struct iso_sv_host_set; /* host.h: the device interfaces that this supervisor offers */

/* ---- Core ---------------------------------------------------------------------------------- */

/* What the core tells its owner. Every member may be NULL. */
struct iso_sv_watch {
    void *ctx;
    /* A line that a component logged (also its standard output and error, line by line), or that
     * the core has to say about it (`own`: a trap with its backtrace, a refused grant). Rate limits
     * have been applied. */
    void (*log)(void *ctx, struct iso_sv_component *component, enum iso_log_level level, bool own,
                struct iso_str line);
    /* A component emitted an event; payload is JSON text that was checked. */
    void (*event)(void *ctx, struct iso_sv_component *component, struct iso_str name,
                  struct iso_str payload);
    /* A call of a `service` changed what its properties may say (after each successful call that
     * is no property). For observers. */
    void (*changed)(void *ctx, struct iso_sv_component *component);
    /* The state of a component changed: iso_sv_component_state. */
    void (*state)(void *ctx, struct iso_sv_component *component);
};

/* Zero means the default that is stated. */
struct iso_sv_core_config {
    uv_loop_t *loop;                     /* kept */
    const struct iso_alloc *alloc;       /* kept; iso_alloc_libc() */
    uint32_t workers;                    /* one per processor */
    uint32_t cpu_percent;                /* share of all processors for Wasm code; 100 */
    uint64_t code_max_bytes;             /* of translated code; no limit */
    uint32_t instances_max;              /* function instances at a time; 20,000 */
    const struct iso_sv_host_set *hosts; /* kept; NULL: no device interfaces */
    struct iso_sv_watch watch;
};

/* Starts the workers. Errors: NOMEM, IO. */
ISO_MUST_CHECK enum iso_err iso_sv_core_create(const struct iso_sv_core_config *config,
                                               struct iso_sv_core **out, struct iso_report *report);
/* All components must have been destroyed. Waits for the workers, whose present slice ends within
 * some milliseconds. Closes its handles; the loop must run once more for that. NULL is fine. */
void iso_sv_core_destroy(struct iso_sv_core *core);

/* Figures for status and metrics. */
struct iso_sv_core_stats {
    uint32_t workers;
    uint32_t instances;    /* alive */
    uint32_t waiting;      /* of them suspended */
    uint64_t memory_bytes; /* linear memories of all instances */
    uint64_t calls_total;  /* finished */
    uint64_t inline_total; /* of them on the loop thread, without a worker */
    uint64_t fuel_total;   /* instructions charged */
    uint64_t cpu_ns;       /* time that threads spent in Wasm code */
    uint64_t throttled_ns; /* time that runnable instances waited because of cpu_percent */
};
void iso_sv_core_stats_get(const struct iso_sv_core *core, struct iso_sv_core_stats *out);

/* A number for how fast this machine runs Wasm code: millions of fuel a second of processor time
 * over a fixed kernel, times cpu_percent; the best of so many spells of about 5 ms. Blocks;
 * after 200 ms no further spell begins. Any thread. */
double iso_sv_core_speed(struct iso_sv_core *core, unsigned spells);

/* ---- Programs ------------------------------------------------------------------------------- */

/*
 * Decode and validate a module, find its interface (wit: text that came beside it, empty when none
 * did), and check that its exports are what the interface says under the convention abi (empty: as
 * the module's own metadata says, else canonical). bytes: taken, released by core's allocator with
 * its length. Any thread; may take a second per 200 MB. Errors: those of iso_module_create,
 * iso_module_interface_find and iso_binding_create.
 */
ISO_MUST_CHECK enum iso_err iso_sv_program_create(struct iso_sv_core *core, uint8_t *bytes,
                                                  size_t len, struct iso_str wit,
                                                  struct iso_str abi, struct iso_sv_program **out,
                                                  struct iso_report *report);
/* Any thread. */
struct iso_sv_program *iso_sv_program_ref(struct iso_sv_program *program);
void iso_sv_program_unref(struct iso_sv_program *program); /* NULL is fine */
const struct iso_module_interface *iso_sv_program_interface(const struct iso_sv_program *program);
struct iso_module *iso_sv_program_module(const struct iso_sv_program *program);
/* "sha256:" and 64 hexadecimal digits; lives as long as the program. */
const char *iso_sv_program_digest(const struct iso_sv_program *program);

/* An exported function of a program, by index below the count. */
struct iso_sv_func {
    const struct iso_wit_interface *interface; /* NULL: a function of the world itself */
    const struct iso_wit_func *func;
    /* "read", or "interface.read" where two interfaces export one name: as in generated
     * descriptions. */
    const char *path;
};
uint32_t iso_sv_program_func_count(const struct iso_sv_program *program);
const struct iso_sv_func *iso_sv_program_func(const struct iso_sv_program *program, uint32_t index);
/* By path, or by "ns:pkg/interface@version#function"; false when there is none. */
bool iso_sv_program_func_find(const struct iso_sv_program *program, struct iso_str path,
                              uint32_t *index);

/* ---- Components ------------------------------------------------------------------------------ */

enum iso_sv_mode { ISO_SV_FUNCTION, ISO_SV_SERVICE };

struct iso_sv_limits {        /* zero: the default that is stated */
    uint64_t memory_bytes;    /* linear memory of one instance; 64 MiB */
    uint64_t fuel;            /* instructions per call; no limit of its own */
    uint64_t time_ns;         /* wall time per call; 10 s (a start has at least that) */
    uint32_t queue;           /* calls that wait; 64 */
    uint32_t instances;       /* function instances at a time; 16 */
    uint32_t files;           /* open descriptors of one instance; 16 */
    uint32_t log_lines_per_s; /* 100, in bursts of as many */
    uint64_t storage_bytes;   /* 1 MiB */
    uint64_t result_bytes;    /* of one call, and of its arguments; 16 MiB */
};

struct iso_sv_pair {
    struct iso_str key;
    struct iso_str value;
};

struct iso_sv_dir_grant {
    struct iso_str guest_path;
    struct iso_str host_path;
    bool writable;
};

/* A device interface, and which of its names: all when name_count is 0. */
struct iso_sv_device_grant {
    struct iso_str interface; /* "camera" */
    const struct iso_str *names;
    size_t name_count;
};

/*
 * What satisfies an imported interface. remote is asked to carry out a call whose target is another
 * device; NULL for a local component, which is called directly.
 */
struct iso_sv_link {
    struct iso_str interface;       /* of the import: "ns:pkg/iface@ver" */
    struct iso_sv_component *local; /* a reference is held; NULL: remote */
    /* Begin `call` (call.h) elsewhere and finish it by iso_sv_call_finish, on the loop thread, not
     * before this returns. The function, as "ns:pkg/iface@ver#name", is call->function; the
     * arguments are CBOR. cancel: nobody waits any more; the call must still be finished. */
    void (*remote)(void *ctx, struct iso_sv_call *call);
    void (*cancel)(void *ctx, struct iso_sv_call *call);
    void *ctx;
};

/* All strings and arrays are borrowed (copied). */
struct iso_sv_component_def {
    struct iso_str app;
    struct iso_str name;
    struct iso_sv_program *program; /* a reference is taken */
    enum iso_sv_mode mode;
    uint64_t epoch;
    struct iso_sv_limits limits;
    const struct iso_sv_pair *config;
    size_t config_count;
    const struct iso_sv_pair *env;
    size_t env_count;
    const struct iso_str *args; /* of a command or WASI reactor, after its name */
    size_t arg_count;
    const struct iso_sv_dir_grant *dirs;
    size_t dir_count;
    const struct iso_sv_device_grant *devices;
    size_t device_count;
    const struct iso_sv_link *links;
    size_t link_count;
    const char *storage_path; /* directory of its storage, made when needed; NULL: no storage */
};

enum iso_sv_state {
    ISO_SV_PREPARED, /* made; takes no calls yet */
    ISO_SV_RUNNING,
    ISO_SV_DRAINING, /* takes no new calls; ends when those under way have */
    ISO_SV_FREEZING, /* on its way to FROZEN */
    ISO_SV_FROZEN,   /* nothing of it runs; its queue waits */
    ISO_SV_FAILED,   /* a service whose instance could not be made or trapped while starting */
    ISO_SV_STOPPED
};
const char *iso_sv_state_name(enum iso_sv_state state);

/*
 * Make a component in state PREPARED: every import is checked against grants and links and every
 * missing one is named with what would satisfy it; memory is reserved; a service's instance is made
 * and initialised, an image taken (on a worker). ready(ctx, err, report) tells how that went; the
 * component is the caller's in either case from the successful return on.
 * Errors at once: LINK (imports), ARGUMENT, LIMIT, NOMEM.
 */
typedef void (*iso_sv_ready_fn)(void *ctx, struct iso_sv_component *component, enum iso_err err,
                                const struct iso_report *report);
ISO_MUST_CHECK enum iso_err iso_sv_component_create(struct iso_sv_core *core,
                                                    const struct iso_sv_component_def *def,
                                                    iso_sv_ready_fn ready, void *ctx,
                                                    struct iso_sv_component **out,
                                                    struct iso_report *report);
/* From PREPARED: take calls. */
void iso_sv_component_start(struct iso_sv_component *component);
/* Take no more calls; those under way may end within drain_ns, then they end as GONE. gone(ctx)
 * comes when nothing of it runs any more; then destroy it. */
void iso_sv_component_stop(struct iso_sv_component *component, uint64_t drain_ns,
                           void (*gone)(void *ctx, struct iso_sv_component *component), void *ctx);
/* In state PREPARED (ready has been called), STOPPED or FROZEN. Calls in its queue end as GONE. */
void iso_sv_component_destroy(struct iso_sv_component *component);

/* Replace the target of a link, for calls that begin from now on; pending ones are carried on by
 * whoever has them. Errors: NOT_FOUND (no such import), LINK (a local target whose functions do not
 * fit), NOMEM. */
ISO_MUST_CHECK enum iso_err iso_sv_component_relink(struct iso_sv_component *component,
                                                    const struct iso_sv_link *link);
void iso_sv_component_set_epoch(struct iso_sv_component *component, uint64_t epoch);

struct iso_str iso_sv_component_app(const struct iso_sv_component *component);
struct iso_str iso_sv_component_name(const struct iso_sv_component *component);
uint64_t iso_sv_component_epoch(const struct iso_sv_component *component);
/* Unique among all components that there were since the start; for iso_sv_component_by_id. */
uint64_t iso_sv_component_id(const struct iso_sv_component *component);
struct iso_sv_component *iso_sv_component_by_id(struct iso_sv_core *core, uint64_t id);
struct iso_sv_program *iso_sv_component_program(const struct iso_sv_component *component);
enum iso_sv_mode iso_sv_component_mode(const struct iso_sv_component *component);
enum iso_sv_state iso_sv_component_state(const struct iso_sv_component *component);

/* Latencies are in buckets: bucket i counts those below 2^i microseconds; the last all others. */
enum { ISO_SV_LATENCY_BUCKETS = 28 };
struct iso_sv_component_stats {
    uint64_t calls[16]; /* by enum iso_sv_outcome */
    uint64_t latency[ISO_SV_LATENCY_BUCKETS];
    uint64_t latency_sum_ns;
    uint64_t fuel;
    uint64_t cpu_ns;
    uint64_t memory_bytes; /* of its instances now */
    uint64_t memory_peak_bytes;
    uint32_t instances;
    uint32_t queued;
    uint64_t log_dropped;
    uint64_t restarts;           /* of a service after a trap */
    uint64_t refused_grants;     /* asked for by the module and not granted */
    char last_error[256];        /* text of the latest trap, limit or refusal; empty when none */
    uint64_t last_error_time_ns; /* since 1970 */
};
void iso_sv_component_stats_get(const struct iso_sv_component *component,
                                struct iso_sv_component_stats *out);
/* Calls through a link to a component on this device. */
struct iso_sv_link_stats {
    struct iso_str interface;              /* of the import; lives as long as the component */
    const struct iso_sv_component *target; /* for the turn of the loop */
    uint64_t calls;
    uint64_t bytes_out, bytes_in; /* of arguments and results, estimated from one call in 64 */
};
/* Of the link by that index; false when it leads to another device, or there is none. */
bool iso_sv_component_link_stats_get(const struct iso_sv_component *component, uint32_t index,
                                     struct iso_sv_link_stats *out);
uint32_t iso_sv_component_link_count(const struct iso_sv_component *component);
/* p in 0..1 of the latency histogram, in nanoseconds (upper bound of the bucket). */
uint64_t iso_sv_latency_quantile(const uint64_t latency[ISO_SV_LATENCY_BUCKETS], double p);

/* ---- Moving -----------------------------------------------------------------------------------
 */

/*
 * Stop at a safepoint: no instance runs afterwards, the queue is kept, calls that arrive are
 * refused as MOVED. frozen(ctx, err, report) tells. ISO_E_REFUSED: a pending host call that no
 * snapshot can carry; the component runs on.
 */
void iso_sv_component_freeze(struct iso_sv_component *component, iso_sv_ready_fn frozen, void *ctx);
/* Go on after a freeze; one that is under way tells ISO_E_STATE. What had begun goes on as it is:
 * nothing is asked of a device or link a second time. */
void iso_sv_component_thaw(struct iso_sv_component *component);
/*
 * The whole state of a frozen component: instances with the calls that they work on, queue,
 * storage, next call number (format: docs/internals/supervisor-core.md, "Component snapshots").
 * Blocks for as long as copying takes. Errors: STATE (not frozen), REFUSED (something open that
 * cannot be moved), those of out and of the storage.
 */
ISO_MUST_CHECK enum iso_err iso_sv_component_save(struct iso_sv_component *component,
                                                  struct iso_buf *out, struct iso_report *report);
/*
 * Into a component in state PREPARED of the same program; it stays PREPARED with the state inside,
 * and iso_sv_component_start goes on with it. bytes are hostile. Calls that were under way have no
 * caller here: adopt(ctx, call) is told of each, with its id, and may set call->done before it
 * returns. Errors: SNAPSHOT, LINK, LIMIT, NOMEM; then the component is good for destroy only.
 */
typedef void (*iso_sv_adopt_fn)(void *ctx, struct iso_sv_call *call);
ISO_MUST_CHECK enum iso_err iso_sv_component_load(struct iso_sv_component *component,
                                                  struct iso_bytes bytes, iso_sv_adopt_fn adopt,
                                                  void *ctx, struct iso_report *report);

#endif
