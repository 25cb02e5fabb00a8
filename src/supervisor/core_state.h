/*
 * core_state.h - the structures behind core.h, call.h and host.h. Internal to the core (core*.c,
 * program.c, component*.c, instance*.c, call*.c, worker.c, timer.c).
 *
 * Locks: component->lock, then core->lock; never two components' at once, and none while Wasm code
 * or a callback of somebody else runs.
 */
#ifndef ISO_SUPERVISOR_CORE_STATE_H
#define ISO_SUPERVISOR_CORE_STATE_H

#include <stdatomic.h>

#include "supervisor/call.h"
#include "supervisor/host.h"
#include "supervisor/limits.h"
#include "wasi/wasi.h"

struct iso_sv_thread;
struct iso_sv_instance;
struct iso_sv_remote_op;

/* ---- Lists (circular, with a head) ----------------------------------------------------------- */

struct iso_sv_node {
    struct iso_sv_node *prev, *next; /* NULL: in no list */
};

static inline void iso_sv_list_init(struct iso_sv_node *head)
{
    head->prev = head;
    head->next = head;
}

static inline bool iso_sv_list_empty(const struct iso_sv_node *head)
{
    return head->next == head;
}

static inline void iso_sv_list_append(struct iso_sv_node *head, struct iso_sv_node *node)
{
    node->prev = head->prev;
    node->next = head;
    head->prev->next = node;
    head->prev = node;
}

static inline void iso_sv_list_remove(struct iso_sv_node *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    node->prev = NULL;
    node->next = NULL;
}

/* The first, taken out; NULL when there is none. */
static inline struct iso_sv_node *iso_sv_list_pop(struct iso_sv_node *head)
{
    struct iso_sv_node *node = head->next;
    if (node == head) {
        return NULL;
    }
    iso_sv_list_remove(node);
    return node;
}

#define ISO_SV_OWNER(node_ptr, type, member)                                                       \
    ((type *)(void *)((char *)(node_ptr)-offsetof(type, member)))

/* ---- Notes: what threads have the loop do (core_notes.c) ---------------------------------------
 */

struct iso_sv_note {
    struct iso_sv_node node; /* in core->notes while posted */
    void (*deliver)(struct iso_sv_note *note);
};

/* Any thread. A note that is posted already stays where it is. */
void iso_sv_note_post(struct iso_sv_core *core, struct iso_sv_note *note);
/* Take it back, if it has not been delivered. */
void iso_sv_note_cancel(struct iso_sv_core *core, struct iso_sv_note *note);
/* Loop thread: deliver what has been posted. */
void iso_sv_notes_run(struct iso_sv_core *core);

/* ---- Timers (timer.c) ------------------------------------------------------------------------ */

struct iso_sv_timer {
    uint64_t at_ns;                           /* uv_hrtime */
    uint32_t place;                           /* 1 and up: in the heap */
    void (*fire)(struct iso_sv_timer *timer); /* loop thread, no lock held */
    /* Under core->lock as the timer is taken from the heap: keep its owner until it has fired. */
    void (*pin)(struct iso_sv_timer *timer); /* NULL: not needed */
};

/* Set, anew if it is set. Any thread. False when memory is short. */
ISO_MUST_CHECK bool iso_sv_timer_set(struct iso_sv_core *core, struct iso_sv_timer *timer,
                                     uint64_t at_ns);
void iso_sv_timer_clear(struct iso_sv_core *core, struct iso_sv_timer *timer);
/* Loop thread: fire what is due, and let the loop wake for the next. */
void iso_sv_timers_run(struct iso_sv_core *core);

/* ---- Threads (worker.c, pace.c) ---------------------------------------------------------------
 */

/* A thread that runs instances: the loop thread or a worker. */
struct iso_sv_thread {
    struct iso_sv_core *core;
    bool is_loop;
    bool started;
    uv_thread_t id;
    /* Of the slice. */
    uint64_t fuel_left;
    uint64_t used_start_ns;
    uint64_t wasm_ns; /* spent in instances called from the present one */
    bool yielded;     /* the outermost instance had not enough time */
    /* For the pacer. */
    uv_mutex_t lock;
    uint64_t slice_start_ns; /* 0: none; under lock, as the next two */
    uint32_t store_count;
    struct iso_store *stores[ISO_SV_CHAIN_MAX + 2];
};

/* Run slices of a runnable instance: see instance_run.c. */
void iso_sv_run_push(struct iso_sv_core *core, struct iso_sv_instance *instance, bool fresh);
/* Around the outermost slice on a thread. */
void iso_sv_slice_begin(struct iso_sv_thread *thread, uint64_t fuel);
void iso_sv_slice_end(struct iso_sv_thread *thread);
/* Whether the share of the processors allows Wasm code to run now. */
bool iso_sv_share_left(struct iso_sv_core *core);
ISO_MUST_CHECK enum iso_err iso_sv_workers_start(struct iso_sv_core *core,
                                                 struct iso_report *report);
void iso_sv_workers_stop(struct iso_sv_core *core);
/* Tell the pacer of slices, and which store runs on the thread. */
void iso_sv_pace_begin(struct iso_sv_thread *thread);
void iso_sv_pace_end(struct iso_sv_thread *thread);
void iso_sv_pace_enter(struct iso_sv_thread *thread, struct iso_store *store);
void iso_sv_pace_leave(struct iso_sv_thread *thread);
ISO_MUST_CHECK enum iso_err iso_sv_pacer_start(struct iso_sv_core *core);
void iso_sv_pacer_stop(struct iso_sv_core *core);

/* ---- Core ------------------------------------------------------------------------------------ */

struct iso_sv_pacer {
    uv_thread_t id;
    bool started;
    uv_mutex_t lock;
    uv_cond_t wake;
    bool stop; /* under lock */
    atomic_bool asleep;
    atomic_ullong slices; /* begun */
};

/* Tokens are nanoseconds of processor time; under core->lock. */
struct iso_sv_share {
    bool limited;
    double per_ns; /* tokens that come in each nanosecond */
    double tokens;
    double max;
    uint64_t filled_ns; /* when they were last counted */
};

struct iso_sv_core {
    struct iso_alloc alloc;
    uv_loop_t *loop;
    const struct iso_sv_host_set *hosts;
    struct iso_sv_watch watch;
    struct iso_engine *engine;
    uint32_t instances_max;
    uint32_t cpu_percent;

    uv_async_t async;
    uv_timer_t timer;
    uint32_t handles; /* that are not closed yet */
    struct iso_sv_thread loop_thread;

    uv_mutex_t lock;
    uv_cond_t wake; /* workers */
    bool stop;
    struct iso_sv_node notes;
    bool notified; /* async was sent and its callback has not begun */
    struct iso_sv_node fresh, others;
    uint32_t fresh_in_a_row;
    uint32_t idle_workers;
    struct iso_sv_share share;
    struct iso_sv_timer **timers; /* a heap, [1..timer_count] */
    uint32_t timer_count, timer_capacity;
    uint64_t timer_wake_ns; /* for when the loop's timer is set */
    struct iso_sv_thread *workers;
    uint32_t worker_count;
    struct iso_sv_pacer pacer;

    /* Loop thread only: all components, in the order of their ids. */
    struct iso_sv_component **components;
    uint32_t component_count, component_capacity;
    uint64_t next_id;

    atomic_uint instances, waiting;
    atomic_uint lines; /* of components, and their events, that are still to be told */
    atomic_ullong memory_bytes, calls_total, inline_total, fuel_total, cpu_ns, throttled_ns;
};

/* ---- Programs (program.c) -------------------------------------------------------------------- */

struct iso_sv_program {
    atomic_uint refs;
    struct iso_sv_core *core;
    uint8_t *bytes;
    size_t len;
    struct iso_module *module;
    struct iso_module_interface interface;
    bool interface_made;
    struct iso_str abi;
    struct iso_arena arena;
    struct iso_sv_func *funcs;
    uint32_t func_count;
    bool is_command;
    bool uses_wasi;
    bool has_initialize;
    char digest[72];
};

/* Define a host function with the type of an import. Errors: NOMEM. */
ISO_MUST_CHECK enum iso_err iso_sv_define_stub(struct iso_store *store,
                                               const struct iso_import_desc *import, iso_host_fn fn,
                                               void *ctx);

/* ---- Components ------------------------------------------------------------------------------ */

/* What satisfies an imported interface; `link` is under the component's lock. */
struct iso_sv_import_link {
    struct iso_str name;                       /* "ns:pkg/iface@ver"; "$root" */
    const struct iso_wit_interface *interface; /* NULL: functions of the world itself */
    struct iso_sv_link link;                   /* local: a reference is held */
    /* Of calls on this device: how many, and the weight of some of them (instance_link.c). */
    atomic_ullong calls, answers;
    atomic_ullong bytes_out, bytes_in;
};

enum iso_sv_import_kind { ISO_SV_IMPORT_WASI, ISO_SV_IMPORT_HOST, ISO_SV_IMPORT_LINK };

/* A function that the module imports. */
struct iso_sv_import {
    struct iso_sv_component *component;
    enum iso_sv_import_kind kind;
    struct iso_import_desc desc;
    const struct iso_wit_interface *interface;
    const struct iso_wit_func *func;
    const struct iso_sv_host_interface *host; /* HOST */
    const struct iso_sv_host_func *host_func;
    bool is_log;                     /* may be called while an image is prepared */
    struct iso_sv_import_link *link; /* LINK */
    const struct iso_vtype *params;  /* LINK: the parameters as a tuple; NULL: none */
    uint32_t callee;                 /* function of the local target; under the component's lock */
};

/* Per function of the program; the loop thread's. */
struct iso_sv_func_state {
    uint32_t skip;   /* further calls that go to a worker at once */
    uint32_t streak; /* the skip after the next overrun */
};

struct iso_sv_component {
    atomic_uint refs;
    struct iso_sv_core *core;
    struct iso_arena arena; /* of what is constant */
    struct iso_str app, name;
    char full_name[96]; /* "app/component" */
    uint64_t id;
    struct iso_sv_program *program;
    enum iso_sv_mode mode;
    struct iso_sv_limits limits;
    struct iso_sv_component_def def; /* copied config, env, args, dirs, devices; no links */
    struct iso_sv_import *imports;
    uint32_t import_count;
    struct iso_sv_import_link *links;
    uint32_t link_count;
    struct iso_sv_func_state *func_states;
    bool destroyed;

    uv_mutex_t lock;
    enum iso_sv_state state;
    atomic_ullong epoch;
    atomic_ullong sequence;   /* of calls through links: the last one given */
    struct iso_sv_node queue; /* calls */
    uint32_t queued;
    struct iso_sv_node instances; /* all */
    uint32_t instance_count;      /* of mode function: with a call */
    uint32_t active;              /* instances that are not idle */
    uint32_t moving;              /* of them runnable or running */
    struct iso_sv_node idle;
    uint32_t idle_count;
    struct iso_sv_instance *service;
    struct iso_image *image;
    struct iso_sv_call *setup; /* the call that starts a service or makes the image */
    bool prepared;             /* its first start is over */
    uint64_t backoff_ns;
    struct iso_sv_timer retry;
    struct iso_sv_timer drain;
    bool drained; /* the time for it is over */
    bool paused;  /* deadlines are */
    double log_tokens;
    uint64_t log_filled_ns;
    struct iso_sv_component_stats stats;

    /* What the loop has to tell. */
    struct iso_sv_note ready_note, frozen_note, gone_note, state_note, changed_note;
    iso_sv_ready_fn ready, frozen;
    void *ready_ctx, *frozen_ctx, *gone_ctx;
    void (*gone)(void *ctx, struct iso_sv_component *component);
    enum iso_err ready_err;
    struct iso_report ready_report;
};

/* ---- Calls ----------------------------------------------------------------------------------- */

enum iso_sv_call_kind {
    ISO_SV_CALL_OUTSIDE, /* somebody else's; encoded */
    ISO_SV_CALL_LINK,    /* of an instance on this device; values */
    ISO_SV_CALL_SETUP,   /* a service's start, an image */
    ISO_SV_CALL_REMOTE   /* to another device */
};

enum { ISO_SV_ARGS_INLINE = 8 };

struct iso_sv_call_state {
    struct iso_sv_call *call;
    struct iso_sv_core *core;
    atomic_uint refs;
    enum iso_sv_call_kind kind;
    struct iso_sv_component *component; /* a reference; NULL before the start */
    uint32_t index;
    /* Under the component's lock. */
    struct iso_sv_node node; /* in its queue */
    bool queued;
    struct iso_sv_instance *instance; /* that works on it */
    struct iso_sv_timer timer;        /* the deadline */
    uint64_t deadline_ns, started_ns, begun_ns;
    bool timed;       /* the timer was set */
    uint64_t left_ns; /* of the time, while paused */
    bool here;        /* it may end inside iso_sv_call_start */
    atomic_bool abandoned;
    /* Of a caller on this device, with a reference; for the chain. */
    struct iso_sv_call *parent;
    /* LINK: who waits, under the lock of its component (a reference); NULL: nobody any more. */
    struct iso_sv_instance *waiter;
    struct iso_sv_component *waiter_component;
    bool ended;
    /* Arguments and result. */
    struct iso_arena arena;
    struct iso_value *args; /* NULL: still encoded */
    struct iso_value args_inline[ISO_SV_ARGS_INLINE];
    bool args_borrowed; /* what they point to is the caller's */
    struct iso_value result;
    struct iso_sv_remote_op *remote; /* REMOTE: instance_remote.c */
    struct iso_sv_note note;
};

void iso_sv_call_ref(struct iso_sv_call *call);
void iso_sv_call_unref(struct iso_sv_call *call);
/* Release what belongs to one use of a call. */
void iso_sv_call_clean(struct iso_sv_call *call);
/* The setup call of a component is used again and again. */
void iso_sv_call_begin_setup(struct iso_sv_call *call, struct iso_sv_component *component);
/* From the component's limit and the call's own deadline; needs the component set. */
void iso_sv_call_set_deadline(struct iso_sv_call *call);
/* Set the timer to it. Under the component's lock. */
void iso_sv_call_set_timer(struct iso_sv_call *call);
/* Its time is over. Loop thread. */
void iso_sv_call_expire(struct iso_sv_call *call);
/* False: DEADLOCK. */
bool iso_sv_call_check_chain(struct iso_sv_call *call, struct iso_sv_component *component);
/* Room for that many arguments. */
ISO_MUST_CHECK enum iso_err iso_sv_call_make_args(struct iso_sv_call *call, uint32_t count);
/* call_value.c. Decode the arguments; encode the result (a value of the function's result type) as
 * the reply, setting the outcome. Errors: ARGUMENT, MALFORMED, LIMIT, NOMEM. */
ISO_MUST_CHECK enum iso_err iso_sv_call_decode(struct iso_sv_call *call);
ISO_MUST_CHECK enum iso_err iso_sv_call_encode(struct iso_sv_call *call);
/* Values of an array that point elsewhere get copies in the call's arena. Errors: NOMEM. */
ISO_MUST_CHECK enum iso_err iso_sv_call_own_args(struct iso_sv_call *call);
/* Is a component in the chain of the call's callers; is the chain full? */
bool iso_sv_call_has_caller(const struct iso_sv_call *call,
                            const struct iso_sv_component *component);
uint32_t iso_sv_call_depth(const struct iso_sv_call *call);
/*
 * Give a call to its component: it is queued, or an instance takes it. *run gets the instance when
 * the calling thread is to run it (it asked to); else a worker will, or (arguments borrowed) it was
 * not queued: own them and come again. False: the call has ended, with its outcome set.
 */
bool iso_sv_call_dispatch(struct iso_sv_call *call, bool run_here, struct iso_sv_instance **run);
/* It is over; its outcome is set. No lock held. Tells who waits. */
void iso_sv_call_ended(struct iso_sv_call *call);
/* Set a message and an outcome. */
void iso_sv_call_fail(struct iso_sv_call *call, enum iso_sv_outcome outcome, const char *format,
                      ...) ISO_PRINTF(3, 4);

/* ---- Instances -------------------------------------------------------------------------------
 */

enum iso_sv_instance_state {
    ISO_SV_IDLE,
    ISO_SV_RUNNABLE, /* in a run queue */
    ISO_SV_ON_THREAD,
    ISO_SV_WAITING,
    ISO_SV_PARKED /* would be runnable, but the component is frozen */
};

enum iso_sv_phase {
    ISO_SV_PHASE_NEW,
    ISO_SV_PHASE_STARTING,     /* the module's start function */
    ISO_SV_PHASE_INITIALIZING, /* _initialize */
    ISO_SV_PHASE_READY,
    ISO_SV_PHASE_CALLING
};

enum iso_sv_wait {
    ISO_SV_WAIT_NONE,
    ISO_SV_WAIT_OP,
    ISO_SV_WAIT_TIME,
    ISO_SV_WAIT_LINK,
    ISO_SV_WAIT_WASI
};

struct iso_sv_op_state {
    struct iso_sv_instance *instance;
    bool started, finished; /* under the component's lock */
};

/* A command's streams and strings. */
struct iso_sv_run_io {
    struct iso_buf outputs[2];
};

/* Collects what a program writes until a line is whole. */
struct iso_sv_line {
    struct iso_sv_instance *instance;
    enum iso_log_level level;
    uint32_t len;
    char *text; /* ISO_SV_LOG_LINE_BYTES; NULL until something is written */
};

/* host.h calls it a guest. */
struct iso_sv_guest {
    char none;
};

struct iso_sv_instance {
    struct iso_sv_guest guest; /* first */
    struct iso_sv_component *component;
    struct iso_sv_node node;     /* of the component's */
    struct iso_sv_node idle;     /* of its idle ones */
    struct iso_sv_node run_node; /* of a run queue */

    /* Under the component's lock. */
    enum iso_sv_instance_state state;
    struct iso_sv_call *call; /* a reference */
    bool wake;                /* what it waits for happened before it waited */
    bool stop_set;            /* its call is to end with: */
    enum iso_sv_outcome stop;

    /* Of whoever runs it. */
    enum iso_sv_phase phase;
    struct iso_store *store; /* set and cleared under the component's lock */
    struct iso_instance *instance;
    struct iso_wasi *wasi;
    struct iso_binding **bindings; /* by function */
    struct iso_binding *binding;   /* of the call */
    struct iso_sv_thread *thread;
    struct iso_sv_run_io *io;
    struct iso_sv_line lines[2];
    bool template;         /* an image is prepared */
    bool template_refused; /* the module called the host */
    bool broken;           /* its state is undefined: it cannot be used for another call */
    uint64_t fuel_mark;    /* fuel used when it was last counted */
    uint64_t memory_bytes; /* as counted in the statistics */

    /* What the call waits for. */
    enum iso_sv_wait wait;
    struct iso_sv_op *op;
    struct iso_sv_op_state op_state;
    struct iso_sv_note op_note; /* start, or wait for descriptors */
    uint64_t wake_at_ns;
    struct iso_sv_timer timer;
    struct iso_sv_call *sub; /* through a local link; a reference */
    bool sub_waits;          /* it was begun and has not been answered */
    struct iso_sv_op *spent; /* finished; the last result may point into it */
    struct iso_sv_poll *poll;
    bool refuses; /* what it waits for cannot be carried by a snapshot */
};

static inline struct iso_sv_instance *iso_sv_instance_of(const struct iso_sv_guest *guest)
{
    return (struct iso_sv_instance *)(uintptr_t)guest;
}

/* instance.c. New, idle, in the component's list; NULL when memory is short. Under the lock. */
struct iso_sv_instance *iso_sv_instance_new(struct iso_sv_component *component);
void iso_sv_instance_unlist(struct iso_sv_instance *instance);
/* Not in the list any more, without a call. No lock held; any thread. */
void iso_sv_instance_free(struct iso_sv_instance *instance);
/* Give its store up; the next call makes a new one. */
void iso_sv_instance_reset(struct iso_sv_instance *instance);
/* After a call of mode function: make it as it was before the call. False: it cannot be. */
bool iso_sv_instance_recycle(struct iso_sv_instance *instance);
/* Make store and instance; may end as ISO_E_PENDING in the start function. */
ISO_MUST_CHECK enum iso_err iso_sv_instance_make(struct iso_sv_instance *instance,
                                                 struct iso_report *report);
/* The store with its definitions and nothing instantiated, to be restored into. */
ISO_MUST_CHECK enum iso_err iso_sv_instance_make_empty(struct iso_sv_instance *instance,
                                                       struct iso_report *report);
/* The binding of its call's function. */
ISO_MUST_CHECK enum iso_err iso_sv_instance_bind(struct iso_sv_instance *instance);
ISO_MUST_CHECK enum iso_err iso_sv_instance_started(struct iso_sv_instance *instance);
/* The error of an iso_start, whose words the call gets. */
enum iso_err iso_sv_instance_not_started(struct iso_sv_instance *instance, enum iso_err err);
void iso_sv_instance_take_image(struct iso_sv_instance *instance);
/* Under the lock. */
void iso_sv_instance_count_memory(struct iso_sv_instance *instance, uint64_t bytes);
void iso_sv_instance_set_state(struct iso_sv_instance *instance, enum iso_sv_instance_state state);
/* instance_run.c. Of a run queue: take it to run it here. False: it is not to run now. */
bool iso_sv_instance_take(struct iso_sv_instance *instance);
/* Run a slice of an instance in state ON_THREAD. True: its call has ended in it. */
bool iso_sv_instance_run(struct iso_sv_thread *thread, struct iso_sv_instance *instance);
/* instance_trap.c. Its call has trapped: says so in the log, and to who called from outside. */
void iso_sv_instance_tell_trap(struct iso_sv_instance *instance, const struct iso_trap *trap);
/* Before and after code of it runs: fuel and time. */
void iso_sv_instance_charge(struct iso_sv_instance *instance);
void iso_sv_instance_fuel(struct iso_sv_instance *instance);
/* The call of an instance that this thread has (ON_THREAD) is over, its outcome set: what the
 * instance does next, and telling who waits. */
void iso_sv_instance_done(struct iso_sv_instance *instance);
/* Give up what runs in its store, and say so with the outcome LIMIT (time) or GONE. */
void iso_sv_instance_drop(struct iso_sv_instance *instance);
void iso_sv_instance_fail(struct iso_sv_instance *instance, enum iso_sv_outcome outcome);
/* instance_done.c. Take it from wherever it is, under the lock; false: a thread has it and was told
 * to end its call with the outcome. Then end it, without the lock. Loop thread. */
bool iso_sv_instance_seize(struct iso_sv_instance *instance, enum iso_sv_outcome outcome);
void iso_sv_instance_end(struct iso_sv_instance *instance, enum iso_sv_outcome outcome);
/* instance_wait.c. */
void iso_sv_instance_init_waits(struct iso_sv_instance *instance);
/* Begin to wait for what `wait` says; under the component's lock. */
void iso_sv_wait_begin(struct iso_sv_instance *instance);
/* What it waits for is to be forgotten. By whoever has the instance: once it has begun to wait, the
 * loop thread; without the lock. */
void iso_sv_wait_give_up(struct iso_sv_instance *instance);
/* Runnable again; the second is for who holds the lock. */
void iso_sv_instance_wake(struct iso_sv_instance *instance);
void iso_sv_instance_wake_locked(struct iso_sv_instance *instance);
/* instance_host.c. Define what the module imports. */
ISO_MUST_CHECK enum iso_err iso_sv_instance_define(struct iso_sv_instance *instance,
                                                   struct iso_report *report);
/* instance_link.c. A call through a link. */
enum iso_host_result iso_sv_link_enter(struct iso_sv_import *import,
                                       struct iso_sv_instance *instance, struct iso_host_call *host,
                                       const struct iso_value *args, struct iso_arena *arena,
                                       struct iso_value *result);
/* instance_remote.c: the same with a link to another device. */
enum iso_host_result iso_sv_remote_enter(const struct iso_sv_import *import,
                                         const struct iso_sv_link *link,
                                         struct iso_sv_instance *instance,
                                         struct iso_host_call *host, const struct iso_value *args,
                                         struct iso_arena *arena, struct iso_value *result);
void iso_sv_remote_forget(struct iso_sv_instance *instance);
/* How a call that did not succeed ends its caller. */
void iso_sv_link_trap(const struct iso_sv_import *import, struct iso_host_call *host,
                      const struct iso_sv_call *call);
/* A local call has ended: wake who waits for it. */
void iso_sv_link_ended(struct iso_sv_call *call);
/* The caller's call is over: whatever it has called through a local link concerns it no more. */
void iso_sv_link_forget(struct iso_sv_instance *instance);
/* instance_wasi.c */
ISO_MUST_CHECK enum iso_err iso_sv_wasi_make(struct iso_sv_instance *instance,
                                             struct iso_report *report);
void iso_sv_wasi_free(struct iso_sv_instance *instance);
void iso_sv_poll_begin(struct iso_sv_instance *instance);
void iso_sv_poll_end(struct iso_sv_instance *instance);
ISO_MUST_CHECK enum iso_err iso_sv_command_result(struct iso_sv_instance *instance,
                                                  uint32_t status);

/* ---- Components, internally ------------------------------------------------------------------ */

void iso_sv_component_ref(struct iso_sv_component *component);
void iso_sv_component_unref(struct iso_sv_component *component);
/* component_plan.c: imports against grants and links. */
ISO_MUST_CHECK enum iso_err iso_sv_component_plan(struct iso_sv_component *component,
                                                  const struct iso_sv_component_def *def,
                                                  struct iso_report *report);
/* The parameters of a function (at least one) as one type, a tuple. Errors: NOMEM, LIMIT. */
ISO_MUST_CHECK enum iso_err iso_sv_params_type(const struct iso_wit_func *func,
                                               struct iso_arena *arena,
                                               const struct iso_vtype **out);
/* Find the callees of a local link. Errors: LINK. */
ISO_MUST_CHECK enum iso_err iso_sv_component_bind(struct iso_sv_component *component,
                                                  const struct iso_sv_import_link *import_link,
                                                  const struct iso_sv_component *target,
                                                  uint32_t *callees, struct iso_report *report);
/* component.c */
void iso_sv_component_drop_links(struct iso_sv_component *component);
void iso_sv_component_unregister(struct iso_sv_component *component);
/* component_run.c; the lock is held. */
void iso_sv_component_set_state(struct iso_sv_component *component, enum iso_sv_state state);
bool iso_sv_component_stands_still(const struct iso_sv_component *component);
void iso_sv_component_settle(struct iso_sv_component *component); /* frozen? gone? */
void iso_sv_component_next(struct iso_sv_component *component, struct iso_sv_instance *instance);
void iso_sv_component_give(struct iso_sv_component *component, struct iso_sv_instance *instance,
                           struct iso_sv_call *call);
struct iso_sv_instance *iso_sv_component_instance(struct iso_sv_component *component);
void iso_sv_instance_set_runnable(struct iso_sv_instance *instance, bool fresh);
void iso_sv_component_error(struct iso_sv_component *component, const char *text);
void iso_sv_component_count(struct iso_sv_component *component, const struct iso_sv_call *call);
void iso_sv_component_restart(struct iso_sv_component *component);
void iso_sv_component_later(struct iso_sv_component *component);
void iso_sv_component_setup_done(struct iso_sv_component *component, struct iso_sv_call *call,
                                 struct iso_sv_node *ended);
void iso_sv_component_pause_timers(struct iso_sv_component *component);
void iso_sv_component_resume_timers(struct iso_sv_component *component);
/* Not under the lock. */
void iso_sv_component_init_notes(struct iso_sv_component *component);
void iso_sv_component_cancel_notes(struct iso_sv_component *component);
void iso_sv_component_setup(struct iso_sv_component *component);
void iso_sv_component_end_all(struct iso_sv_component *component, enum iso_sv_outcome outcome);
/* component_log.c. Within the component's rate; any thread, no lock held. */
void iso_sv_component_log(struct iso_sv_component *component, enum iso_log_level level, bool own,
                          struct iso_str line);
bool iso_sv_component_emit(struct iso_sv_component *component, struct iso_str name,
                           struct iso_str payload);

#endif
