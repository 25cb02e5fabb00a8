/*
 * abi_binding.h - what the parts of a binding share (abi_call.c, abi_save.c, abi_canonical.c,
 * abi_bindgen.c).
 *
 * A typed call is up to five kinds of core calls, one after the other, each of which may be
 * suspended:
 *
 *   FRAME    wasm-bindgen: make room for the result on the module's stack
 *   ALLOC    the module's allocator, once per block of the arguments
 *   CALL     the function; then the result is lifted
 *   VIEWED   (nothing runs: the caller looks at the module's memory until iso_binding_release)
 *   POST     release the result: cabi_post_..., __wbindgen_free
 *   UNFRAME  the reverse of FRAME
 *
 * The phase says which core call is under way, or is the next; a convention says what they are.
 */
#ifndef ISO_INTERFACE_ABI_BINDING_H
#define ISO_INTERFACE_ABI_BINDING_H

#include "interface/abi.h"

enum iso_abi_phase {
    ISO_ABI_IDLE, /* the numbers stand in saved calls (docs/snapshot.md) */
    ISO_ABI_FRAME,
    ISO_ABI_ALLOC,
    ISO_ABI_CALL,
    ISO_ABI_VIEWED,
    ISO_ABI_POST,
    ISO_ABI_UNFRAME
};

enum { ISO_ABI_EXPORTS = 4 };

/* wasm-bindgen's way of passing one value; abi_bindgen.c. */
struct iso_abi_bindgen_part {
    const struct iso_abi_node *node; /* of the value, for options of what is inside */
    uint8_t mode;
    uint8_t flat;
    uint8_t types[2];
};

struct iso_abi_bindgen {
    struct iso_abi_bindgen_part *params;
    struct iso_abi_bindgen_part result; /* node NULL: none */
    bool result_in_frame;               /* else in the function's results */
    bool aligned;                       /* malloc and free take the alignment, too */
    struct iso_func *frame;             /* __wbindgen_add_to_stack_pointer */
    uint32_t frame_addr;
};

struct iso_abi_convention {
    const char *allocator; /* for messages */
    /* Find the core functions and prepare. */
    enum iso_err (*prepare)(struct iso_binding *binding, const char *export_name,
                            struct iso_report *report);
    enum iso_err (*measure)(struct iso_binding *binding, struct iso_report *report);
    /* Arguments of the allocator, into slots. */
    void (*alloc_args)(const struct iso_binding *binding, const struct iso_abi_block *block,
                       union iso_slot *slots);
    void (*lower)(struct iso_binding *binding, struct iso_abi_lower *lower);
    enum iso_err (*lift)(struct iso_binding *binding, struct iso_abi_lift *lift,
                         struct iso_value *out);
    /* Arguments of the call in POST, made of the results in binding->slots; false: not needed. */
    bool (*post_args)(struct iso_binding *binding);
};

struct iso_binding {
    struct iso_alloc alloc; /* the store's, by value: it outlives the store */
    struct iso_instance *instance;
    struct iso_store *store;
    const struct iso_wit_func *func;
    const struct iso_abi_convention *convention;
    struct iso_arena arena; /* of what was prepared */
    const struct iso_abi_func *plan;
    struct iso_abi_bindgen bindgen;
    struct iso_func *callee;
    struct iso_func *allocator; /* NULL: not needed */
    struct iso_func *post;      /* NULL: none */
    const struct iso_module *module;
    uint32_t exports[ISO_ABI_EXPORTS]; /* numbers of callee, allocator, post, frame */
    union iso_slot *slots;             /* arguments of the callee, then its results */
    uint32_t result_slots;
    bool derived; /* results as they are, however many */

    /* The call under way. */
    enum iso_abi_phase phase;
    bool views;     /* as set; result_views: and the result has some */
    bool releasing; /* in iso_binding_release: there is no result to deliver */
    const struct iso_value *args;
    struct iso_abi_blocks blocks;
    uint32_t blocks_made;
    struct iso_value value; /* the result, until it is delivered */
    enum iso_err late; /* of the host while lifting: reported after the module has cleaned up */
};

extern const struct iso_abi_convention iso_abi_canonical;
extern const struct iso_abi_convention iso_abi_wasm_bindgen;

/* An export that must be there, of a core type; strings for messages. Errors: NOT_FOUND, LINK. */
ISO_MUST_CHECK enum iso_err iso_abi_export_need(struct iso_instance *instance, const char *name,
                                                bool loose, struct iso_func **out,
                                                struct iso_report *report);
ISO_MUST_CHECK enum iso_err iso_abi_type_need(const struct iso_func *func, const char *name,
                                              const uint8_t *params, uint32_t param_count,
                                              const uint8_t *results, uint32_t result_count,
                                              struct iso_report *report);
/* The core function of a phase; NULL where it has none. abi_save.c. */
struct iso_func *iso_abi_phase_func(const struct iso_binding *binding, enum iso_abi_phase phase);
/* The canonical allocator of an instance, under its name now or the older one; NULL when it has
 * none of the right type. */
struct iso_func *iso_abi_realloc_find(struct iso_instance *instance);

#endif
