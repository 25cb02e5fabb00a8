/* Types and small guests for the tests of typed calls. */
#ifndef ISO_INTERFACE_ABI_TEST_SUPPORT_H
#define ISO_INTERFACE_ABI_TEST_SUPPORT_H

#include "base/test.h"
#include "codec/random_test_support.h"
#include "interface/abi.h"
#include "support/wasm_writer.h"

/* One arena for what a test makes; also counts leaks. */
struct iso_arena *abi_arena(void);
void abi_arena_fini(void);

/* Finished types. p: of a primitive kind. */
const struct iso_vtype *abi_p(enum iso_vkind kind);
const struct iso_vtype *abi_list(const struct iso_vtype *element);
const struct iso_vtype *abi_option(const struct iso_vtype *element);
/* Tuples, records, variants, results: parts until a final abi_end (NULL parts are allowed in
 * cases). */
const struct iso_vtype *abi_members(enum iso_vkind kind, ...);
extern const struct iso_vtype abi_end_mark;
#define abi_tuple(...) abi_members(ISO_V_TUPLE, __VA_ARGS__, &abi_end_mark)
#define abi_record(...) abi_members(ISO_V_RECORD, __VA_ARGS__, &abi_end_mark)
#define abi_variant(...) abi_members(ISO_V_VARIANT, __VA_ARGS__, &abi_end_mark)
#define abi_result(ok, error) abi_members(ISO_V_RESULT, ok, error, &abi_end_mark)
/* Enums and flags. */
const struct iso_vtype *abi_labels(enum iso_vkind kind, uint32_t count);

/* A function named "f" with parameters "a", "b", ...; result may be NULL. */
const struct iso_wit_func *abi_func(const struct iso_vtype *result,
                                    const struct iso_vtype *const *params, uint32_t count);

/* An engine, a store and an instance of a module. */
struct abi_guest {
    struct iso_buf bytes;
    struct iso_engine *engine;
    struct iso_module *module;
    struct iso_store *store;
    struct iso_instance *instance;
};

/* Engine and store for a module's bytes (taken), before host functions are defined. */
void abi_guest_init(struct abi_guest *guest, struct iso_buf bytes);
/* The instance. */
void abi_guest_start(struct abi_guest *guest);
void abi_guest_fini(struct abi_guest *guest);

/*
 * A module that exports f and passes its arguments on to the import $root.f of the same type, and
 * the import's result back. Its cabi_realloc hands out memory from 1024 upwards (growing it); its
 * post- return function counts in the exported global "posts" and makes everything free again.
 */
struct iso_buf abi_echo_module(const struct iso_wit_func *func);

/* Modules of our own: types, then functions with bodies. */
struct abi_writer {
    struct iso_buf types, imports, functions, exports, code;
    uint32_t type_count, import_count, function_count, export_count;
};

void abi_writer_init(struct abi_writer *writer);
uint32_t abi_writer_type(struct abi_writer *writer, const uint8_t *params, uint32_t param_count,
                         const uint8_t *results, uint32_t result_count);
/* A type from letters i I f F. */
uint32_t abi_writer_letters(struct abi_writer *writer, const char *params, const char *results);
void abi_writer_import(struct abi_writer *writer, const char *module, const char *name,
                       uint32_t type);
/* A function of the type with instructions (without locals and end), exported when it has a name.
 */
uint32_t abi_writer_func(struct abi_writer *writer, uint32_t type, const char *name,
                         const void *code, size_t len);
/* The bump allocator described above, as a function that takes the alignment and size as its
 * parameters `align` and `size`. */
uint32_t abi_writer_bump(struct abi_writer *writer, const char *name, const char *params,
                         uint8_t align, uint8_t size);
/* The exports of wasm-bindgen's runtime: malloc from 1024 on, aligned to 8; free adds ptr + size (+
 * align) to "posts"; the stack pointer is global 2. aligned: both take the alignment. */
void abi_writer_bindgen(struct abi_writer *writer, bool aligned);
/* The module: with a memory of one page, global 0 the allocator's, global 1 "posts", global 2 a
 * stack pointer; and a data segment at 16 (len 0: none). */
struct iso_buf abi_writer_finish(struct abi_writer *writer, const void *data, uint32_t data_len);

#endif
