/*
 * engine.h - the WebAssembly engine: the one public header of src/engine.
 *
 * Implements the WebAssembly Core Specification 2.0 (https://www.w3.org/TR/wasm-core-2/):
 * decoding, validation, linking and execution, and on top of it what the
 * specification leaves open and a fleet of devices needs: fuel, interruption,
 * host calls that wait without holding a thread, and snapshots of running
 * programs that continue on another processor.
 *
 * The objects, from the outside in:
 *
 *   engine    configuration, limits and what all modules share. One per process is usual.
 *   module    a decoded and validated `.wasm` file; immutable; shared by any number of stores.
 *   store     linked instances and all the state that they share, plus one stack. A store runs
 *             at most one call at a time, on at most one thread at a time; different stores
 *             run on different threads at the same time, also when they share modules.
 *   instance  a module with its imports resolved, inside a store.
 *   image     the initial state of an instance, from which fresh ones are made in microseconds.
 *
 * A first program (see examples/embed.c for a whole one):
 *
 *     struct iso_engine *engine;   struct iso_module *module;
 *     struct iso_store *store;     struct iso_instance *instance;
 *     iso_engine_create(NULL, &engine);
 *     iso_module_create(engine, bytes, len, &module, &report);
 *     iso_store_create(engine, NULL, &store);
 *     iso_store_define_func(store, &my_host_function);
 *     iso_instance_create(store, module, &instance, &report);
 *     union iso_slot args[1] = {{.u32 = 42}}, results[1];
 *     err = iso_call(store, iso_instance_export_func(instance, "f"), args, results);
 *
 * Conventions: functions that can fail return enum iso_err and leave their out-pointers
 * untouched on failure. "borrowed" pointers are used during the call only, "kept" ones until
 * the object goes, "taken" ones change owner. Nothing here blocks; nothing here uses files,
 * clocks, sockets or signals. Only iso_store_interrupt may be called from another thread (or
 * from a signal handler) while a store runs.
 */
#ifndef ISO_ENGINE_H
#define ISO_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"

/* ---- Values ------------------------------------------------------------------------------ */

/* Value types, with the codes of the binary format (spec 5.3.1-5.3.4). */
enum iso_type {
    ISO_TYPE_I32 = 0x7f,
    ISO_TYPE_I64 = 0x7e,
    ISO_TYPE_F32 = 0x7d,
    ISO_TYPE_F64 = 0x7c,
    ISO_TYPE_V128 = 0x7b,
    ISO_TYPE_FUNCREF = 0x70,
    ISO_TYPE_EXTERNREF = 0x6f
};

/* "i32", "funcref", ... */
const char *iso_type_name(enum iso_type type);

/*
 * One 64-bit slot of the value stack. Arguments and results are arrays of slots: one slot per
 * value, two consecutive slots for a v128 (its bytes 0-7, then 8-15, each as in memory).
 * 32-bit values use the .i32/.u32/.f32 member; the rest of their slot is undefined.
 */
union iso_slot {
    int32_t i32;
    uint32_t u32;
    int64_t i64;
    uint64_t u64;
    float f32;
    double f64;
    /* funcref: 0 is null, else a struct iso_func * cast to uintptr_t.
     * externref: 0 is null, any other number belongs to the embedder. */
    uint64_t ref;
    uint8_t bytes[8];
};

/* A function type. Arrays are owned by the module or engine that gave the pointer. */
struct iso_func_type {
    const uint8_t *params; /* enum iso_type each */
    const uint8_t *results;
    uint32_t param_count;
    uint32_t result_count;
    uint32_t param_slots; /* params counted in slots (v128 counts two) */
    uint32_t result_slots;
};

/* Limits of a memory (unit: 64 KiB pages) or table (unit: elements). */
struct iso_limits {
    uint32_t min;
    uint32_t max; /* valid only when has_max */
    bool has_max;
};

/* ---- Engine ------------------------------------------------------------------------------ */

/*
 * What the engine may ask of the machine. Every member may be NULL; ctx is passed back.
 *
 * reserve:  reserve `size` bytes of address space that are not accessible yet; NULL on failure.
 * commit:   make [addr, addr+size) readable, writable and zero; page-aligned. False on failure.
 * release:  give the whole reservation back.
 *           Without these three, memories are plain allocations whose base may move on growth.
 * image_create: keep a copy of `size` bytes that can be mapped many times; NULL on failure.
 * image_map:    map the whole image, privately and copy-on-write, at addr inside a reservation.
 * image_destroy.
 *           Without these, a fresh instance copies its initial memory.
 * discard:  make [addr, addr+size), of which each page was committed or mapped from an image, as it
 *           was right afterwards; page-aligned. Without it, the same is done by mapping anew.
 * lock/unlock: a mutex that protects lazy translation and the registry of types; needed when
 *           stores of one engine run on several threads. Never held while Wasm code runs.
 */
struct iso_platform {
    void *ctx;
    size_t page_size; /* of the three below; 0: 4096 */
    void *(*reserve)(void *ctx, size_t size);
    bool (*commit)(void *ctx, void *addr, size_t size);
    void (*release)(void *ctx, void *addr, size_t size);
    void *(*image_create)(void *ctx, const void *data, size_t size);
    bool (*image_map)(void *ctx, void *image, void *addr, size_t size);
    void (*image_destroy)(void *ctx, void *image, size_t size);
    bool (*discard)(void *ctx, void *addr, size_t size);
    void (*lock)(void *ctx);
    void (*unlock)(void *ctx);
};

/* How and when function bodies are translated to the engine's internal code. */
enum iso_translation { ISO_TRANSLATE_LAZY, ISO_TRANSLATE_EAGER };

/* Configuration of an engine; zero means the default that is stated. */
struct iso_engine_config {
    const struct iso_alloc *alloc;       /* kept; NULL: iso_alloc_libc() */
    const struct iso_platform *platform; /* kept; NULL: none */
    enum iso_translation translation;    /* default lazy: at a function's first call */
    /*
     * Most bytes of translated code of all modules together; default: no limit. Code that is not
     * needed is thrown away then and made again when it is: results do not change, only speed. A
     * function that does not fit beside those that call it ends the call with ISO_TRAP_CODE. Stores
     * that stand still or run on other threads keep what they are in, besides. See "Code is a
     * cache" in docs/internals/engine.md.
     */
    uint64_t code_max_bytes;
};

struct iso_engine;

/* config: borrowed, NULL for all defaults. Errors: ISO_E_NOMEM. */
ISO_MUST_CHECK enum iso_err iso_engine_create(const struct iso_engine_config *config,
                                              struct iso_engine **out);
/* All modules, stores and images must have been destroyed. NULL is fine. */
void iso_engine_destroy(struct iso_engine *engine);

/* Bytes of translated code that there are now, of all modules together. Any thread. */
uint64_t iso_engine_code_bytes(struct iso_engine *engine);

/* "goto", "tail" or "switch": how the interpreter of this build goes from one operation to the
 * next. */
const char *iso_engine_dispatch(void);

/* ---- Modules ----------------------------------------------------------------------------- */

struct iso_module;

/*
 * Decode and validate a binary module completely (spec 3 and 5).
 * bytes: kept, must stay unchanged until the module is destroyed.
 * Errors: ISO_E_MALFORMED (not well-formed), ISO_E_INVALID (well-formed, but not valid),
 * ISO_E_UNSUPPORTED (vector instructions, in a build without them),
 * ISO_E_LIMIT (a limit of src/engine/limits.h), ISO_E_NOMEM; the report has the byte offset.
 */
ISO_MUST_CHECK enum iso_err iso_module_create(struct iso_engine *engine, const uint8_t *bytes,
                                              size_t len, struct iso_module **out,
                                              struct iso_report *report);
/* Every store and image that uses it must have been destroyed. NULL is fine. */
void iso_module_destroy(struct iso_module *module);

/* SHA-256 of the module's bytes: its identity everywhere. Computed at the first call. */
void iso_module_digest(struct iso_module *module, uint8_t digest[32]);

/* The module's bytes as given. */
struct iso_bytes iso_module_bytes(const struct iso_module *module);

enum iso_extern_kind {
    ISO_EXTERN_FUNC = 0,
    ISO_EXTERN_TABLE = 1,
    ISO_EXTERN_MEMORY = 2,
    ISO_EXTERN_GLOBAL = 3
};

/* "function", "table", "memory", "global" */
const char *iso_extern_kind_name(enum iso_extern_kind kind);

/* The type of an import or export; the members that kind names are valid. */
struct iso_extern_type {
    enum iso_extern_kind kind;
    const struct iso_func_type *func;
    struct iso_limits limits; /* memory, table */
    enum iso_type value;      /* table: element type; global: value type */
    bool is_mutable;          /* global */
};

struct iso_import_desc {
    struct iso_str module;
    struct iso_str name;
    struct iso_extern_type type;
};

struct iso_export_desc {
    struct iso_str name;
    struct iso_extern_type type;
    uint32_t index; /* in the index space of its kind */
};

struct iso_section_desc {
    uint8_t id;          /* spec 5.5.2; 0 is custom */
    struct iso_str name; /* of a custom section, else its standard name */
    uint64_t offset;     /* of the contents, after id, size and (custom) name, in the file */
    uint64_t size;       /* of the contents, in bytes */
};

/* Imports, exports and sections in the order of the module. index is below the count. The
 * strings live as long as the module. */
uint32_t iso_module_import_count(const struct iso_module *module);
void iso_module_import(const struct iso_module *module, uint32_t index,
                       struct iso_import_desc *out);
uint32_t iso_module_export_count(const struct iso_module *module);
void iso_module_export(const struct iso_module *module, uint32_t index,
                       struct iso_export_desc *out);
uint32_t iso_module_section_count(const struct iso_module *module);
void iso_module_section(const struct iso_module *module, uint32_t index,
                        struct iso_section_desc *out);

/* Counts, imports included. */
uint32_t iso_module_func_count(const struct iso_module *module);
uint32_t iso_module_table_count(const struct iso_module *module);
uint32_t iso_module_memory_count(const struct iso_module *module);
uint32_t iso_module_global_count(const struct iso_module *module);
uint32_t iso_module_data_count(const struct iso_module *module);
uint32_t iso_module_elem_count(const struct iso_module *module);
/* Type of function `index` (< func_count). */
const struct iso_func_type *iso_module_func_type(const struct iso_module *module, uint32_t index);
/* Limits of memory 0; false when the module has none. */
bool iso_module_memory_limits(const struct iso_module *module, struct iso_limits *out);

/* Name of function `index`: from the name section, else its first export name, else (imports)
 * its import name; empty when there is none. */
struct iso_str iso_module_func_name(const struct iso_module *module, uint32_t index);
/* Name of the module from the name section; empty when there is none. */
struct iso_str iso_module_name(const struct iso_module *module);

/* ---- Stores ------------------------------------------------------------------------------ */

struct iso_store;
struct iso_instance;
struct iso_func; /* a function of an instance, or a host function */

/* Limits of one store; zero means the default that is stated. */
struct iso_store_config {
    uint64_t memory_max_bytes; /* of all memories together; default: 4 GiB (what wasm32 can use) */
    uint32_t stack_max_bytes;  /* of the value stack, which also bounds recursion; default 8 MiB */
    uint32_t table_max_elems;  /* of all tables together; default 10,000,000 */
    void *user;                /* returned by iso_store_user */
};

/* config: borrowed, NULL for defaults. Errors: ISO_E_NOMEM, ISO_E_ARGUMENT. */
ISO_MUST_CHECK enum iso_err iso_store_create(struct iso_engine *engine,
                                             const struct iso_store_config *config,
                                             struct iso_store **out);
/* Destroys its instances too. Not while it runs. NULL is fine. */
void iso_store_destroy(struct iso_store *store);
void *iso_store_user(const struct iso_store *store);
struct iso_engine *iso_store_engine(const struct iso_store *store);
/* An arena whose contents live as long as the store: for what host functions have as their context.
 * Borrowed; not from inside a run. */
struct iso_arena *iso_store_arena(struct iso_store *store);
/* Bytes that its linear memories have now, all together. */
uint64_t iso_store_memory_bytes(const struct iso_store *store);

/* ---- Host functions ---------------------------------------------------------------------- */

/* What a host function answers. */
enum iso_host_result {
    ISO_HOST_DONE,   /* the results are written */
    ISO_HOST_TRAP,   /* the call traps: iso_host_trap or iso_host_exit was called before */
    ISO_HOST_PENDING /* not finished: the store is suspended with the call's arguments on its
                        stack, and no thread waits. See iso_run. */
};

/* What becomes of a snapshot that is taken while a call of this function is pending. */
enum iso_host_policy {
    ISO_HOST_REISSUE,  /* the call is made again, with the same arguments, after the restore */
    ISO_HOST_DEADLINE, /* likewise, and call->deadline keeps its value */
    ISO_HOST_REFUSE    /* the snapshot is refused with the function's name */
};

/* One call of a host function. Valid during the call only. */
struct iso_host_call {
    struct iso_store *store;
    struct iso_instance *caller; /* whose code calls; NULL when called with iso_start */
    void *ctx;                   /* as in the definition */
    const union iso_slot *args;
    union iso_slot *results; /* may overlap args: read the arguments first */
    /* Free for the function: 0 at the first issue, kept while the call is pending and (with
     * ISO_HOST_DEADLINE) across a snapshot. Meant for an absolute time. */
    uint64_t deadline;
    bool reissued; /* this is a repeated issue of a call that answered ISO_HOST_PENDING */
};

typedef enum iso_host_result (*iso_host_fn)(struct iso_host_call *call);

/* Definition of a host function. The strings and type arrays are borrowed (copied). */
struct iso_host_func {
    const char *module; /* import names, NUL-terminated UTF-8 */
    const char *name;
    const char
        *params; /* a character per value: i I f F v r e = i32 i64 f32 f64 v128 funcref externref */
    const char *results; /* likewise */
    iso_host_fn fn;
    void *ctx; /* kept */
    enum iso_host_policy policy;
};

/* The letters of `count` types, and a NUL, as such a definition has them: "iI" of (i32, i64). */
void iso_type_letters(const uint8_t *types, uint32_t count, char *out);

/* Make a host function importable as module.name in this store; a later definition of the same
 * name replaces the earlier for instances created after it. Errors: NOMEM, ARGUMENT. */
ISO_MUST_CHECK enum iso_err iso_store_define_func(struct iso_store *store,
                                                  const struct iso_host_func *def);
/* Make a host-owned global, memory or table importable. value: one slot, two for v128. */
ISO_MUST_CHECK enum iso_err iso_store_define_global(struct iso_store *store, const char *module,
                                                    const char *name, enum iso_type type,
                                                    bool is_mutable, const union iso_slot *value);
ISO_MUST_CHECK enum iso_err iso_store_define_memory(struct iso_store *store, const char *module,
                                                    const char *name,
                                                    const struct iso_limits *limits);
ISO_MUST_CHECK enum iso_err iso_store_define_table(struct iso_store *store, const char *module,
                                                   const char *name, enum iso_type type,
                                                   const struct iso_limits *limits);
/* Make all exports of an instance importable under a module name. */
ISO_MUST_CHECK enum iso_err iso_store_define_instance(struct iso_store *store, const char *module,
                                                      struct iso_instance *instance);

/*
 * Guest memory for host functions: [addr, addr+len) of memory 0 of the calling instance, or NULL
 * when any byte of it is outside (also without a memory). The pointer is valid until the host
 * function returns, calls back into Wasm, or grows a memory. len 0 gives a pointer that must not
 * be read, still checked against the size.
 */
void *iso_host_memory(const struct iso_host_call *call, uint32_t addr, uint32_t len);

/* Trap with a message (borrowed; printf-like). Then return ISO_HOST_TRAP. */
void iso_host_trap(struct iso_host_call *call, const char *fmt, ...) ISO_PRINTF(2, 3);
/* End the program with a status; the call ends with ISO_E_TRAP and kind ISO_TRAP_EXIT, which is
 * not an error but an orderly end. Then return ISO_HOST_TRAP. */
void iso_host_exit(struct iso_host_call *call, uint32_t status);

/* ---- Instances --------------------------------------------------------------------------- */

/*
 * Instantiate (spec 4.5.4) with the imports that the store defines, and run the start function.
 * Errors: ISO_E_LINK (unknown import, incompatible type: the report names it), ISO_E_TRAP (a
 * segment or the start function: see iso_store_trap), ISO_E_LIMIT, ISO_E_NOMEM, ISO_E_PENDING
 * (the start function is suspended: the instance is made, go on with iso_run).
 * After ISO_E_TRAP the instance is not returned, but what it wrote to shared tables and memories
 * stays, as the specification wants; it lives until the store goes.
 */
ISO_MUST_CHECK enum iso_err iso_instance_create(struct iso_store *store, struct iso_module *module,
                                                struct iso_instance **out,
                                                struct iso_report *report);
struct iso_module *iso_instance_module(const struct iso_instance *instance);
struct iso_store *iso_instance_store(const struct iso_instance *instance);

/* Exported function by name; NULL when there is none. */
struct iso_func *iso_instance_export_func(struct iso_instance *instance, const char *name);
/* The same by number, export `index` of the module (iso_module_export), which also reaches names
 * that contain zero bytes; NULL when that export is no function or does not exist. */
struct iso_func *iso_instance_export_func_at(struct iso_instance *instance, uint32_t index);
/* Type of a function. */
const struct iso_func_type *iso_func_type(const struct iso_func *func);

/* Exported global: read into / write from value (one slot, two for v128); type and is_mutable may
 * be NULL. Errors: NOT_FOUND; set also ARGUMENT (immutable). */
ISO_MUST_CHECK enum iso_err iso_instance_global_get(struct iso_instance *instance, const char *name,
                                                    enum iso_type *type, union iso_slot *value);
ISO_MUST_CHECK enum iso_err iso_instance_global_set(struct iso_instance *instance, const char *name,
                                                    const union iso_slot *value);

/* Memory 0 of the instance: its bytes and size now; NULL/0 without one. The pointer is valid
 * until Wasm code runs or the memory grows. */
uint8_t *iso_instance_memory(struct iso_instance *instance, uint64_t *size_bytes);

/* ---- Images ------------------------------------------------------------------------------ */

struct iso_image;

/*
 * Keep the present state of an instance (memory, globals, tables, dropped segments) as the
 * initial state of fresh ones: made by iso_image_instantiate without running segments or the
 * start function, in microseconds, sharing memory pages until they are written.
 * The instance must be the only Wasm instance of its store, import functions only, and not be
 * running; otherwise ISO_E_REFUSED with the reason.
 */
ISO_MUST_CHECK enum iso_err iso_image_create(struct iso_instance *instance, struct iso_image **out,
                                             struct iso_report *report);
ISO_MUST_CHECK enum iso_err iso_image_instantiate(struct iso_image *image, struct iso_store *store,
                                                  struct iso_instance **out,
                                                  struct iso_report *report);
/*
 * Make an instance that came from the image as fresh as it was then, in its store: memory, globals,
 * tables, segments. What was defined in the store stays, and so do bindings of the instance; that
 * spares most of what a new store and instance cost. Errors: ISO_E_REFUSED (of another image, not
 * alone in its store, a call is under way, a table or memory has grown), ISO_E_NOMEM; then the
 * instance is to be destroyed with its store.
 */
ISO_MUST_CHECK enum iso_err iso_image_reset(struct iso_image *image, struct iso_instance *instance);
void iso_image_destroy(struct iso_image *image);

/* ---- Calls ------------------------------------------------------------------------------- */

/* How a run ended. */
enum iso_run_state {
    ISO_RUN_IDLE,        /* no call is under way */
    ISO_RUN_READY,       /* a call is under way and can be continued with iso_run */
    ISO_RUN_DONE,        /* the call returned: iso_results has its results */
    ISO_RUN_TRAPPED,     /* the call is over: iso_store_trap says why */
    ISO_RUN_PENDING,     /* a host call is pending */
    ISO_RUN_OUT_OF_FUEL, /* add fuel and continue, or drop */
    ISO_RUN_INTERRUPTED  /* by iso_store_interrupt; continue, snapshot or drop */
};

/*
 * Begin a call: push its arguments (borrowed, as the function's type says) and return. Nothing
 * runs yet. Host functions may begin calls too (a nested call; finish it with iso_run before
 * returning, or drop it).
 * Errors: ISO_E_STATE (a call is under way), ISO_E_LIMIT (stack or code memory: iso_store_trap
 * says which, and how large it is), ISO_E_NOMEM (also when the function could not be translated).
 */
ISO_MUST_CHECK enum iso_err iso_start(struct iso_store *store, struct iso_func *func,
                                      const union iso_slot *args);
/* What an error of iso_start, just returned, means. Borrowed from the store until its next call. */
const char *iso_start_text(const struct iso_store *store, enum iso_err err);

/*
 * Run or continue the call until it ends or is suspended. In state PENDING the host function is
 * issued again with the same arguments (and call->reissued set), unless iso_complete gave it its
 * results.
 */
enum iso_run_state iso_run(struct iso_store *store);

/* Give the pending host call its results (borrowed); the next iso_run goes on after it.
 * Errors: ISO_E_STATE when no host call is pending. */
ISO_MUST_CHECK enum iso_err iso_complete(struct iso_store *store, const union iso_slot *results);

/* End the pending host call as a trap; the next iso_run returns ISO_RUN_TRAPPED. */
ISO_MUST_CHECK enum iso_err iso_complete_trap(struct iso_store *store, const char *message);

/* Give up the call under way, whatever its state (not from inside a host function that it
 * called). The state of the instances stays as it is. */
void iso_drop(struct iso_store *store);

enum iso_run_state iso_store_state(const struct iso_store *store);

/* The function of the call that is under way; NULL when none is. After a restore too it is the
 * pointer that iso_instance_export_func gives. */
struct iso_func *iso_store_func(const struct iso_store *store);

/* Results of the call that is done: borrowed, until the next call starts. */
const union iso_slot *iso_results(const struct iso_store *store);

/* Name of the host function that is pending ("module", "name"); false when none is. */
bool iso_store_pending(const struct iso_store *store, struct iso_str *module, struct iso_str *name);

/*
 * iso_start and iso_run in one, for calls that are expected to end: results (may be NULL) are
 * copied out. Errors: those of iso_start; ISO_E_TRAP; ISO_E_PENDING (suspended for any reason:
 * see iso_store_state; go on with iso_run or iso_drop).
 */
ISO_MUST_CHECK enum iso_err iso_call(struct iso_store *store, struct iso_func *func,
                                     const union iso_slot *args, union iso_slot *results);

/* ---- Fuel and interruption --------------------------------------------------------------- */

/*
 * Fuel counts Wasm instructions, charged in advance at function entries and loop heads by the
 * longest path through the code that follows, so that the count is an upper bound of what runs. It
 * is the same on every machine and build. A store has unlimited fuel until it is set.
 */
#define ISO_FUEL_UNLIMITED UINT64_MAX
void iso_store_set_fuel(struct iso_store *store, uint64_t fuel);
/* What is left (ISO_FUEL_UNLIMITED when it was not set). */
uint64_t iso_store_fuel(const struct iso_store *store);
/* Instructions charged since the store was made; continues across snapshot and restore. */
uint64_t iso_store_fuel_used(const struct iso_store *store);

/* From any thread, or a signal handler: stop the run under way, or the next one, at its next
 * safepoint. Host functions and single instructions (memory.fill of the whole memory) are not
 * interrupted. */
void iso_store_interrupt(struct iso_store *store);

/* ---- Traps ------------------------------------------------------------------------------- */

enum iso_trap_kind {
    ISO_TRAP_NONE,
    ISO_TRAP_UNREACHABLE,
    ISO_TRAP_MEMORY,            /* out of bounds memory access */
    ISO_TRAP_TABLE,             /* out of bounds table access */
    ISO_TRAP_UNDEFINED_ELEMENT, /* call_indirect beyond the table's end */
    ISO_TRAP_UNINITIALIZED_ELEMENT,
    ISO_TRAP_INDIRECT_TYPE, /* indirect call type mismatch */
    ISO_TRAP_DIVIDE_BY_ZERO,
    ISO_TRAP_OVERFLOW,   /* integer overflow */
    ISO_TRAP_CONVERSION, /* invalid conversion to integer */
    ISO_TRAP_STACK,      /* call stack exhausted */
    ISO_TRAP_NOMEM,      /* translating a function failed for lack of host memory */
    ISO_TRAP_HOST,       /* a host function trapped, or iso_store_trap_set */
    ISO_TRAP_EXIT,       /* a host function ended the program */
    ISO_TRAP_CODE        /* code memory exhausted: iso_engine_config.code_max_bytes */
};

/* The specification's wording: "out of bounds memory access", ... */
const char *iso_trap_text(enum iso_trap_kind kind);

struct iso_trap_frame {
    const struct iso_module *module;
    uint32_t func_index;
    uint64_t offset; /* of the instruction, in bytes from the start of the module */
};

enum { ISO_TRAP_FRAMES_MAX = 64 };

struct iso_trap {
    enum iso_trap_kind kind;
    uint32_t exit_status; /* ISO_TRAP_EXIT */
    char message[256];    /* for people; iso_trap_text(kind) or the host's words */
    /* Wasm backtrace, innermost first; the first and last halves when there are more. */
    uint32_t frame_count; /* stored */
    uint32_t frame_total; /* that there were */
    struct iso_trap_frame frames[ISO_TRAP_FRAMES_MAX];
};

/* The last trap of the store; kind ISO_TRAP_NONE when there was none. */
const struct iso_trap *iso_store_trap(const struct iso_store *store);

/*
 * Record a trap that only the embedder could see, as in a result that breaks the convention of
 * calls: kind ISO_TRAP_HOST, the message (borrowed), no backtrace; the state becomes
 * ISO_RUN_TRAPPED. The call is over (iso_store_state: DONE, TRAPPED or IDLE). A host function traps
 * by iso_host_trap instead.
 */
void iso_store_trap_set(struct iso_store *store, const char *message);

/* ---- Snapshots (format: docs/snapshot.md) ------------------------------------------------- */

/*
 * Host state in a snapshot. Each section has a name; on capture `save` appends its bytes to out;
 * on restore `load` gets them back (borrowed) and is called after the instances are whole, before
 * anything runs. load must treat the bytes as hostile. A snapshot with a section that the restore
 * has no handler for is refused, and so is the reverse unless optional.
 */
struct iso_snapshot_section {
    const char *name;
    void *ctx;
    bool optional;
    enum iso_err (*save)(void *ctx, struct iso_buf *out, struct iso_report *report);
    enum iso_err (*load)(void *ctx, struct iso_bytes bytes, struct iso_report *report);
};

/*
 * Write the whole state of the store to out (initialised by the caller). The store must not be
 * running: idle, or suspended (READY, PENDING, OUT_OF_FUEL, INTERRUPTED), and unchanged by it.
 * Errors: ISO_E_REFUSED (a pending host call whose policy is REFUSE; a live host frame that called
 * back into Wasm; an externref: the report says what), ISO_E_STATE, ISO_E_NOMEM, or what a section
 * returned.
 */
ISO_MUST_CHECK enum iso_err iso_snapshot_save(struct iso_store *store,
                                              const struct iso_snapshot_section *sections,
                                              size_t section_count, struct iso_buf *out,
                                              struct iso_report *report);

/* Is a snapshot whole, and as it was written: its header, its row of sections, and its sum? That
 * proves nothing about who wrote it. iso_snapshot_restore does the same first. Errors:
 * ISO_E_SNAPSHOT. */
ISO_MUST_CHECK enum iso_err iso_snapshot_check(struct iso_bytes snapshot,
                                               struct iso_report *report);

/*
 * Modules that a snapshot needs, by digest, without restoring it: at most cap are written;
 * *count gets how many there are. Errors: ISO_E_SNAPSHOT.
 */
ISO_MUST_CHECK enum iso_err iso_snapshot_modules(struct iso_bytes snapshot, uint8_t (*digests)[32],
                                                 uint32_t cap, uint32_t *count,
                                                 struct iso_report *report);

/* One section's bytes (borrowed from the snapshot) by name, without restoring: ISO_E_NOT_FOUND. */
ISO_MUST_CHECK enum iso_err iso_snapshot_section_bytes(struct iso_bytes snapshot, const char *name,
                                                       struct iso_bytes *out,
                                                       struct iso_report *report);

/*
 * Restore into a fresh store, in which the host functions (and host globals, memories, tables)
 * have been defined and nothing instantiated. All that is defined in the store is within reach of
 * what is restored into it, whatever the modules import: define what it may have and no more.
 * modules: those of the snapshot, in any order, matched by digest. The snapshot is untrusted:
 * everything is checked, and on failure the store is good for nothing but iso_store_destroy.
 * instances (may be NULL): receives at most instance_cap instances in their order of creation.
 * Afterwards iso_store_state says how to go on. Errors: ISO_E_SNAPSHOT, ISO_E_LINK, ISO_E_LIMIT,
 * ISO_E_NOMEM, or what a section returned.
 */
ISO_MUST_CHECK enum iso_err iso_snapshot_restore(
    struct iso_store *store, struct iso_bytes snapshot, struct iso_module *const *modules,
    size_t module_count, const struct iso_snapshot_section *sections, size_t section_count,
    struct iso_instance **instances, size_t instance_cap, struct iso_report *report);

/*
 * SHA-256 over the canonical state (frames, locals, operands, globals, tables, memories; not host
 * sections; NaNs canonicalised when canonical_nans is set). Equal states have equal hashes on
 * every machine and build.
 */
ISO_MUST_CHECK enum iso_err iso_store_hash(struct iso_store *store, bool canonical_nans,
                                           uint8_t hash[32], struct iso_report *report);

/* ---- For tests and measurements ----------------------------------------------------------- */

/* Stop at every safepoint (iso_run returns ISO_RUN_INTERRUPTED at each) while on is set. */
void iso_store_step(struct iso_store *store, bool on);
/* Translate all functions now; none if there is a limit on code memory. bytes_out (may be NULL):
 * memory of the module's translated code. */
ISO_MUST_CHECK enum iso_err iso_module_translate(struct iso_module *module, uint64_t *bytes_out,
                                                 struct iso_report *report);

#endif
