/*
 * store.h - the run-time structure of the specification (4.2). Internal to src/engine.
 *
 * Memories, tables, globals and functions belong to the store, in the order in which they were
 * made; instances refer to them by index space. All of them have a stable address until the store
 * goes.
 */
#ifndef ISO_ENGINE_STORE_H
#define ISO_ENGINE_STORE_H

#include <stdatomic.h>

#include "engine/module.h"

struct iso_cell; /* code.h */

struct iso_memory {
    struct iso_store *store;
    uint8_t *base;
    uint64_t size;     /* bytes, a multiple of ISO_PAGE_BYTES */
    uint64_t capacity; /* bytes that are accessible without asking the platform */
    uint64_t reserved; /* bytes of address space at base; 0: a plain allocation */
    struct iso_limits limits;
    uint32_t index;          /* in store->memories */
    struct iso_image *image; /* mapped as the initial content, or NULL */
};

struct iso_table {
    struct iso_store *store;
    uint64_t *elems; /* as union iso_slot .ref */
    uint32_t size;
    uint32_t capacity;
    struct iso_limits limits;
    uint8_t type;
    uint32_t index; /* in store->tables */
};

/* A mutable or imported-by-somebody global. */
struct iso_global {
    union iso_slot value[2];
    uint8_t type;
    bool is_mutable;
    uint32_t index; /* host-defined: in store->globals; else in the index space of its module */
};

struct iso_host_binding {
    struct iso_str module;
    struct iso_str name;
    const struct iso_interned_type *type;
    iso_host_fn fn;
    void *ctx;
    enum iso_host_policy policy;
};

/*
 * A function: of an instance (host NULL) or of the host. Those of an instance stand in one array
 * per instance, of which entry i becomes valid (instance set) when function i is first referred to,
 * so that making an instance does not touch them all.
 */
struct iso_func {
    struct iso_instance *instance; /* NULL: host function (or not yet used) */
    const struct iso_host_binding *host;
    uint32_t type_id;    /* interned */
    uint32_t func_index; /* in the instance's module; host: in store->host_funcs */
};

struct iso_instance {
    struct iso_store *store;
    struct iso_module *module;
    uint32_t index; /* in store->instances */
    /* Index spaces of the module; imports first. */
    struct iso_func **imported_funcs; /* func_import_count */
    struct iso_func *funcs;           /* own functions: func_count - func_import_count */
    /* Code by function index: the module's table, or, with a limit on code memory, one of its own.
     * What stands in its own is held by the instance: it stays valid until it is let go. */
    struct iso_code *_Atomic *code;
    struct iso_table **tables;
    struct iso_memory **memories;
    struct iso_global **globals;
    struct iso_global *own_globals; /* storage of the module's own, contiguous */
    /* Bit i set: segment i was dropped. */
    uint8_t *dropped_data;
    uint8_t *dropped_elem;
    size_t block_bytes; /* of the one block that holds this structure and all arrays but funcs */
    size_t funcs_bytes;
    /* With a limit on code memory; bit i: a frame is in function i, while code.c looks. */
    uint8_t *code_live;
    size_t code_bytes;       /* of the instance's own table and code_live; 0: it has none */
    bool code_reserved;      /* it is from platform->reserve */
    bool funcs_reserved;     /* funcs is from platform->reserve (block.h) */
    struct iso_image *image; /* that it was made from (retained), or NULL */
};

/* What a name in the store's import namespace means. */
struct iso_definition {
    struct iso_str module; /* owned copies */
    struct iso_str name;
    uint8_t kind;
    void *object; /* iso_func, iso_table, iso_memory or iso_global */
};

/* What an outer call needs while a host function that it called runs another one inside. */
struct iso_outer {
    struct iso_outer *next;
    const struct iso_cell *pc;
    union iso_slot *fp;
    struct iso_instance *instance;
    union iso_slot *stack_end;
    struct iso_func *entry;
    union iso_slot *entry_fp;
    uint32_t nesting; /* host calls that were live when the inner call began */
};

/* A host call that answered ISO_HOST_PENDING. */
struct iso_pending {
    bool active;
    bool completed; /* iso_complete gave the results: they are in place */
    bool trapped;   /* iso_complete_trap */
    struct iso_func *func;
    struct iso_instance *caller;
    union iso_slot *args; /* on the value stack */
    uint64_t deadline;
};

/*
 * The part of a store that running code touches; ctx in the interpreter. `limit` is the only
 * member that other threads write.
 */
struct iso_exec {
    /* Fuel within the present slice: counts up; at limit or beyond, the slow path is taken. */
    uint32_t used;
    _Atomic uint32_t limit;
    struct iso_instance *instance;  /* whose code runs */
    struct iso_code *_Atomic *code; /* instance->code */
    union iso_slot *stack_end;
    struct iso_global *globals; /* instance->own_globals */
    struct iso_memory *memory;  /* memory 0 of the instance; an empty one when it has none */
    /* Where the result of a call that C completed stands, for the accumulators. */
    const union iso_slot *result;
    bool result_is_i32;
    /* Where to go on: set whenever the interpreter is left. */
    const struct iso_cell *pc;
    union iso_slot *fp;
    enum iso_trap_kind trap;
};

struct iso_store {
    struct iso_exec exec; /* first: the interpreter casts */
    struct iso_engine *engine;
    struct iso_alloc alloc;
    struct iso_store_config config;

    /* Code memory (code.c). */
    uint64_t code_held;   /* bytes that its instances hold, each for itself */
    uint32_t code_wanted; /* engine->code_wanted when the store last looked */
    bool code_kept;       /* nothing is to be let go: frames are being made */

    union iso_slot *stack; /* [stack, exec.stack_end) */
    size_t stack_bytes;
    bool stack_reserved; /* from platform->reserve */

    enum iso_run_state state;
    uint32_t nesting;         /* host functions that are live on the C stack */
    struct iso_outer *outer;  /* calls around the present one, innermost first */
    union iso_slot *host_top; /* first slot that a call begun by the live host function may use */
    const union iso_slot *results; /* of the call that is done */
    _Atomic uint32_t interrupt;    /* true or false; some processors exchange no single byte */
    bool step;
    bool fuel_limited;
    uint64_t fuel;      /* left, without the present slice */
    uint64_t fuel_used; /* before the present slice */

    struct iso_func *entry;   /* function of the call under way */
    union iso_slot *entry_fp; /* its arguments, then its results */
    struct iso_pending pending;
    struct iso_trap last_trap;

    struct iso_instance **instances;
    uint32_t instance_count, instance_capacity;
    struct iso_memory **memories;
    uint32_t memory_count, memory_capacity;
    struct iso_table **tables;
    uint32_t table_count, table_capacity;
    struct iso_global **globals; /* host-defined only; others are in their instances */
    uint32_t global_count, global_capacity;
    struct iso_func **host_funcs;
    uint32_t host_func_count, host_func_capacity;
    struct iso_arena arena;             /* strings of definitions, host functions and globals */
    struct iso_definition *definitions; /* oldest first; replaced ones stay in the array */
    uint32_t definition_count, definition_capacity;
    /* Indices of definitions: the first definition_ordered are sorted by name, each name once; the
     * rest stand in the second half of the array, until the next look-up. See link.c. */
    uint32_t *definition_order;
    uint32_t definition_ordered, definition_fresh;
    uint64_t memory_bytes; /* of all memories */
    uint64_t table_elems;
};

/* store.c: room for one more element in a growing array: the array, moved perhaps (then *capacity
 * is new), or NULL, and then the old one remains. */
ISO_MUST_CHECK void *iso_store_array_grow(struct iso_store *store, void *array, uint32_t count,
                                          uint32_t *capacity, size_t elem_size);

/* link.c: what module.name means in the store now, or NULL. */
const struct iso_definition *iso_store_definition_find(struct iso_store *store,
                                                       struct iso_str module, struct iso_str name);
/* link.c: give module.name a meaning. The strings are borrowed, the object is kept. */
ISO_MUST_CHECK enum iso_err iso_store_definition_add(struct iso_store *store, struct iso_str module,
                                                     struct iso_str name, enum iso_extern_kind kind,
                                                     void *object);
/* link.c: resolve the imports of an instance's module into its index spaces (spec 4.5.4, steps
 * 1-4). Changes nothing but the instance. Errors: ISO_E_LINK. */
ISO_MUST_CHECK enum iso_err iso_instance_link(struct iso_instance *instance,
                                              struct iso_report *report);

/* link.c: the same for one import, which is to be `definition` (NULL: unknown). Errors: ISO_E_LINK.
 */
ISO_MUST_CHECK enum iso_err iso_instance_bind(struct iso_instance *instance, uint32_t import_index,
                                              const struct iso_definition *definition,
                                              struct iso_report *report);

/* instance.c: the module's own tables and memories, after its imports. When that fails, those that
 * were made are still in the store. */
ISO_MUST_CHECK enum iso_err iso_instance_create_objects(struct iso_instance *instance,
                                                        struct iso_report *report);
/* The initial values of the module's own globals, after its imports. */
void iso_instance_init_globals(struct iso_instance *instance);
/* instance.c: an instance of the module that is not in the store yet, all zero but its sizes and
 * pointers to its arrays; NULL when memory is short. */
ISO_MUST_CHECK struct iso_instance *iso_instance_new(struct iso_store *store,
                                                     struct iso_module *module);
/* Room for one more in store->instances, so that iso_instance_publish cannot fail. */
ISO_MUST_CHECK enum iso_err iso_instance_reserve(struct iso_store *store);
void iso_instance_publish(struct iso_instance *instance);
/* Release an instance, but nothing that belongs to the store. NULL is fine. */
void iso_instance_free(struct iso_instance *instance);
/* The same without a store, and not for its image to use again. */
void iso_instance_free_block(struct iso_engine *engine, struct iso_instance *instance);
/* exports.c: an export by name, or NULL. Any thread. */
const struct iso_export *iso_module_export_find(struct iso_module *module, struct iso_str name);

/* instance.c: function `index` of an instance's index space, made valid. */
struct iso_func *iso_instance_func(struct iso_instance *instance, uint32_t index);
/* memory.c. Pages before, or UINT32_MAX when it cannot grow. */
uint32_t iso_memory_grow(struct iso_memory *memory, uint32_t pages);
ISO_MUST_CHECK enum iso_err iso_memory_create(struct iso_store *store,
                                              const struct iso_limits *limits,
                                              struct iso_memory **out, struct iso_report *report);
/* The same with `pages` pages, of which the first are the image's memory (kept). */
ISO_MUST_CHECK enum iso_err iso_memory_create_from_image(struct iso_store *store,
                                                         struct iso_image *image,
                                                         struct iso_memory **out,
                                                         struct iso_report *report);
/* As it was when it was made from the image; its size has not changed. */
ISO_MUST_CHECK bool iso_memory_reset(struct iso_memory *memory, struct iso_image *image);
/* Destroy memories / tables from number `keep` on: those of an instance that could not be made. */
void iso_store_memories_trim(struct iso_store *store, uint32_t keep);
void iso_store_tables_trim(struct iso_store *store, uint32_t keep);
/* table.c. Elements before, or UINT32_MAX when it cannot grow. */
uint32_t iso_table_grow(struct iso_table *table, uint32_t count, uint64_t ref);
ISO_MUST_CHECK enum iso_err iso_table_create(struct iso_store *store, uint8_t type,
                                             const struct iso_limits *limits,
                                             struct iso_table **out, struct iso_report *report);
/* Bulk operations shared by instantiation and instructions; false: out of bounds, nothing done. */
bool iso_memory_init(struct iso_instance *instance, uint32_t memory, uint32_t segment, uint32_t dst,
                     uint32_t src, uint32_t len);
bool iso_table_init(struct iso_instance *instance, uint32_t table, uint32_t segment, uint32_t dst,
                    uint32_t src, uint32_t len);
bool iso_table_copy(struct iso_table *dst_table, struct iso_table *src_table, uint32_t dst,
                    uint32_t src, uint32_t len);
bool iso_table_fill(struct iso_table *table, uint32_t dst, uint64_t ref, uint32_t len);
void iso_data_drop(struct iso_instance *instance, uint32_t segment);
void iso_elem_drop(struct iso_instance *instance, uint32_t segment);
/* The reference of an element of a segment. */
uint64_t iso_elem_ref(struct iso_instance *instance, const struct iso_elem_segment *segment,
                      uint32_t index);
/* The value of a constant expression in an instance (one slot, two for v128). */
void iso_const_eval(struct iso_instance *instance, const struct iso_const_expr *expr,
                    union iso_slot *out);

#endif
