/*
 * abi.h - the canonical ABI on 32-bit core modules (Component Model, "Canonical ABI Explainer":
 * alignment, element size, flattening, loading, storing, flat lifting, flat lowering), as the parts
 * that src/interface puts together. Internal to src/interface; fuzz/ and bench/ see it too.
 *
 * A type is prepared once into nodes with all offsets, sizes and flat types computed. Lifting turns
 * core values and memory into values; whatever the module put there is untrusted. Lowering is done
 * in two walks, because making room in the module runs its code (which may be suspended, and moves
 * the memory): the first lists the blocks that a value needs, in the specification's order; when
 * all of them are there, the second writes everything.
 */
#ifndef ISO_INTERFACE_ABI_H
#define ISO_INTERFACE_ABI_H

#include "interface/interface.h"

/* Explainer: MAX_FLAT_PARAMS, MAX_FLAT_RESULTS, MAX_LIST_BYTE_LENGTH (strings have the same). */
#define ISO_ABI_MAX_PARAMS 16u
#define ISO_ABI_MAX_RESULTS 1u
#define ISO_ABI_MAX_BYTES ((UINT32_C(1) << 28) - 1)

/* ---- Prepared types (abi_plan.c) ---------------------------------------------------------------
 */

/* A member of a record, or a case. */
struct iso_abi_field {
    const struct iso_abi_node *node; /* NULL: a case without payload */
    uint32_t offset; /* from the start of the record; for cases that of the payload */
};

struct iso_abi_node {
    const struct iso_vtype *type;
    enum iso_vkind kind;
    bool has_heap;     /* strings or lists are in it */
    uint8_t disc_size; /* of the discriminant: 1, 2, 4 bytes */
    uint32_t size, align;
    uint32_t count;                     /* members, cases (option, result: 2), flags */
    uint32_t flat;                      /* flat values; their types, when there are few: */
    const uint8_t *flat_types;          /* enum iso_type each; NULL when flat is ISO_V_FLAT_MANY */
    const struct iso_abi_field *fields; /* tuple, record, variant, option, result */
    const struct iso_abi_node *element; /* list */
};

/* A function: as the parameters of a call, or of an import. */
struct iso_abi_func {
    const struct iso_wit_func *func;
    const struct iso_abi_field *params; /* offsets within the tuple, for indirect ones */
    uint32_t params_size, params_align; /* of the tuple */
    bool params_indirect;               /* one pointer to the tuple */
    bool params_heap;                   /* room has to be made for them */
    bool result_indirect;               /* a pointer to the result */
    const struct iso_abi_node *result;  /* NULL: none */
    /* Core type, as an export; an import's indirect result is one parameter more instead. */
    const uint8_t *core_params;
    uint32_t core_param_count;
    const uint8_t *core_results;
    uint32_t core_result_count;
};

/* Everything is in the arena and refers to the types. Errors: NOMEM, LIMIT, ARGUMENT (a type that
 * is not finished). */
ISO_MUST_CHECK enum iso_err iso_abi_node_prepare(const struct iso_vtype *type,
                                                 struct iso_arena *arena,
                                                 const struct iso_abi_node **out,
                                                 struct iso_report *report);
/* max_params, max_results: flat values above which they go through memory; a trailing pointer to
 * the result when as_import is set. */
ISO_MUST_CHECK enum iso_err iso_abi_func_prepare(const struct iso_wit_func *func,
                                                 uint32_t max_params, uint32_t max_results,
                                                 bool as_import, struct iso_arena *arena,
                                                 const struct iso_abi_func **out,
                                                 struct iso_report *report);
/* "(i32, i64) -> (f32)" of a core type, cut to cap. */
void iso_abi_core_text(const uint8_t *params, uint32_t param_count, const uint8_t *results,
                       uint32_t result_count, char *out, size_t cap);
/* Is it a function's type? */
bool iso_abi_core_equal(const struct iso_func_type *type, const uint8_t *params,
                        uint32_t param_count, const uint8_t *results, uint32_t result_count);

/* ---- What a convention's trap says (abi_trap.c) ------------------------------------------------
 */

struct iso_abi_trap {
    bool set;
    uint32_t path_start; /* the path grows towards the front as the walk returns */
    char path[120];
    char what[200];
};

void iso_abi_trap_init(struct iso_abi_trap *trap);
/* Sets what is wrong, as it reads after "the result's ": "list pointer 0x1001 is not aligned to 4".
 * Returns ISO_E_TRAP. */
ISO_MUST_CHECK enum iso_err iso_abi_trap_set(struct iso_abi_trap *trap, const char *format, ...)
    ISO_PRINTF(2, 3);
/* Where: put ".name" or "[index]" before the path. */
void iso_abi_trap_name(struct iso_abi_trap *trap, struct iso_str name);
void iso_abi_trap_index(struct iso_abi_trap *trap, uint32_t index);
/* "the result.points[3]'s list pointer ...". */
void iso_abi_trap_text(const struct iso_abi_trap *trap, struct iso_str root, char *out, size_t cap);

/* ---- Lifting (abi_lift.c) ----------------------------------------------------------------------
 */

struct iso_abi_lift {
    const uint8_t *memory; /* NULL only when size is 0 */
    uint64_t size;
    struct iso_arena
        *arena; /* of what values point to; its maximum bounds what a module can cost */
    bool views; /* list<u8>: leave the bytes in the memory */
    struct iso_abi_trap trap;
};

/* Errors of all: ISO_E_TRAP (then lift->trap says what), ISO_E_NOMEM. */

/* From flat values, as types[0..flat) say they are. */
ISO_MUST_CHECK enum iso_err iso_abi_lift_flat(struct iso_abi_lift *lift,
                                              const struct iso_abi_node *node,
                                              const union iso_slot *slots, const uint8_t *types,
                                              struct iso_value *out);
/* From memory, at an address of the module's. */
ISO_MUST_CHECK enum iso_err iso_abi_lift_at(struct iso_abi_lift *lift,
                                            const struct iso_abi_node *node, uint32_t addr,
                                            struct iso_value *out);
/* A string or list of `len` bytes or elements at an address. */
ISO_MUST_CHECK enum iso_err iso_abi_lift_range(struct iso_abi_lift *lift,
                                               const struct iso_abi_node *node, uint32_t addr,
                                               uint32_t len, struct iso_value *out);
/* All parameters of an import. values: param_count of them. */
ISO_MUST_CHECK enum iso_err iso_abi_lift_params(struct iso_abi_lift *lift,
                                                const struct iso_abi_func *plan,
                                                const union iso_slot *slots,
                                                struct iso_value *values);

/* ---- Lowering (abi_measure.c, abi_lower.c) ------------------------------------------------------
 */

/* Room in the module's memory. */
struct iso_abi_block {
    uint32_t align, size;
    uint32_t addr; /* once it was made */
};

/* A list that keeps its capacity. */
struct iso_abi_blocks {
    const struct iso_alloc *alloc;
    struct iso_abi_block *items;
    uint32_t count, capacity;
    /* Where strings and bytes to be lowered must not be: the module's memory, which may move while
     * room is made. Empty: not checked. */
    struct iso_bytes views;
};

void iso_abi_blocks_init(struct iso_abi_blocks *blocks, const struct iso_alloc *alloc);
void iso_abi_blocks_fini(struct iso_abi_blocks *blocks);
/* Append the blocks that a (checked) value needs. Errors: NOMEM, ARGUMENT (longer than the ABI
 * allows). */
ISO_MUST_CHECK enum iso_err iso_abi_measure(struct iso_abi_blocks *blocks,
                                            const struct iso_abi_node *node,
                                            const struct iso_value *value,
                                            struct iso_report *report);
ISO_MUST_CHECK enum iso_err iso_abi_measure_params(struct iso_abi_blocks *blocks,
                                                   const struct iso_abi_func *plan,
                                                   const struct iso_value *values,
                                                   struct iso_report *report);
/* Is a block that the module gave one that can be written to? source: "cabi_realloc returned".
 * Errors: TRAP. */
ISO_MUST_CHECK enum iso_err iso_abi_block_check(const struct iso_abi_block *block,
                                                uint64_t memory_size, const char *source,
                                                struct iso_report *report);

struct iso_abi_lower {
    uint8_t *memory;
    const struct iso_abi_block *next; /* the blocks measured, in order; all of them checked */
    const struct iso_abi_block *end;
};

/* The value must not have changed since it was measured. */
void iso_abi_lower_flat(struct iso_abi_lower *lower, const struct iso_abi_node *node,
                        const struct iso_value *value, union iso_slot *slots, const uint8_t *types);
/* At to, which has room for node->size bytes. */
void iso_abi_lower_store(struct iso_abi_lower *lower, const struct iso_abi_node *node,
                         const struct iso_value *value, uint8_t *to);
void iso_abi_lower_params(struct iso_abi_lower *lower, const struct iso_abi_func *plan,
                          const struct iso_value *values, union iso_slot *slots);

/* ---- Names and exports (abi_name.c)
 * -------------------------------------------------------------- */

enum { ISO_ABI_NAME_MAX = 512 };

/* An exported function by its name, or (loose) by its name without regard to case, `-` and `_`, as
 * other languages spell it. NULL, and *ambiguous set when there are several. */
struct iso_func *iso_abi_export_find(struct iso_instance *instance, const char *name, bool loose,
                                     bool *ambiguous);

#endif
