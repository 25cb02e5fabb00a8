/*
 * snapshot.h - what the parts of snapshots share: numbers of the format, writing, reading.
 * Internal to src/engine. The format is specified in docs/snapshot.md, the design stands in
 * docs/internals/snapshot.md.
 *
 * Writing and reading keep their first error (`err`), after which writes do nothing and reads give
 * zeros, so that a row of them needs one check at its end. A loop whose length was read checks
 * inside, or its length is zero after a failure.
 */
#ifndef ISO_ENGINE_SNAPSHOT_H
#define ISO_ENGINE_SNAPSHOT_H

#include "engine/code.h"

#define ISO_SNAP_VERSION 1u
#define ISO_SNAP_MAGIC_BYTES 8u
#define ISO_SNAP_SECTION_HEADER_BYTES 12u
/* Feature bits: what a reader must know to read this snapshot. */
#define ISO_SNAP_FEATURE_WASM_2_0 1u
#define ISO_SNAP_FEATURES_KNOWN ISO_SNAP_FEATURE_WASM_2_0

#define ISO_SNAP_PAGE_BYTES 4096u
#define ISO_SNAP_BLOCK_PAGES 16u /* at most, in one LZ4 block */

/* Limits that bound the work and the memory that a hostile snapshot can ask for. */
#define ISO_SNAP_MAX_CODE_BYTES (256u << 20) /* of function bodies that are translated again */
#define ISO_SNAP_MAX_MAP_BYTES ((size_t)256 << 20)
#define ISO_SNAP_MAX_INSTANCE_BYTES (256u << 20) /* of instances after the first of a module */

extern const uint8_t iso_snap_magic[ISO_SNAP_MAGIC_BYTES];

/* Sections in the order in which they stand in the snapshot; `user` repeats, the others are there
 * exactly once. */
enum iso_snap_section {
    ISO_SNAP_MODS,
    ISO_SNAP_INST,
    ISO_SNAP_NAME,
    ISO_SNAP_GLOB,
    ISO_SNAP_DROP,
    ISO_SNAP_TABL,
    ISO_SNAP_MEMS,
    ISO_SNAP_CALL,
    ISO_SNAP_HOST,
    ISO_SNAP_USER,
    ISO_SNAP_SUM,
    ISO_SNAP_SECTIONS
};

/* Four characters each. */
extern const char iso_snap_tags[ISO_SNAP_SECTIONS][5];

/* Owners of objects, and the first number of a reference. */
#define ISO_SNAP_NULL 0u
#define ISO_SNAP_HOST_OWNER 1u
#define ISO_SNAP_FIRST_INSTANCE 2u /* instance n is n + 2 */

/* What stands behind the frames of a call. */
#define ISO_SNAP_PENDING_NONE 0u
#define ISO_SNAP_PENDING_WAITING 1u   /* a host call with its arguments */
#define ISO_SNAP_PENDING_COMPLETED 2u /* a host call with its results */

/* Where an object is from: of the host, in order of definition; or of an instance, by index space.
 */
struct iso_snap_place {
    uint32_t owner;
    uint32_t index;
};

/* The memories and tables of a store in the format's order: those of the host, then those of the
 * instances. */
struct iso_snap_objects {
    struct iso_memory **memories;         /* store->memory_count */
    struct iso_snap_place *memory_places; /* by iso_memory.index */
    uint32_t host_memory_count;
    struct iso_table **tables;
    struct iso_snap_place *table_places;
    uint32_t host_table_count;
};

ISO_MUST_CHECK enum iso_err iso_snap_objects_collect(struct iso_store *store,
                                                     struct iso_arena *arena,
                                                     struct iso_snap_objects *out);
/* Place of a global that some instance imports or owns. */
struct iso_snap_place iso_snap_global_place(const struct iso_store *store,
                                            const struct iso_global *global);

/* ---- Writing (snapshot_write.c) ------------------------------------------------------------- */

struct iso_snap_writer {
    struct iso_store *store;
    struct iso_buf *out;
    size_t start; /* of the snapshot in out */
    struct iso_report *report;
    enum iso_err err;
    struct iso_arena arena;
    struct iso_snap_objects objects;
    /* Host functions that are referred to, in order of first reference; numbers by their number in
     * the store, plus 1 (0: none yet). */
    struct iso_func **hosts;
    uint32_t *host_numbers;
    uint32_t host_count;
    /* For iso_store_hash: what is state and not circumstance, NaNs as wanted. */
    bool hashing;
    bool canonical_nans;
    /* What is being written, for messages: "global" 3 of instance 0. */
    const char *what;
    uint32_t what_index;
    uint32_t what_owner;
};

ISO_MUST_CHECK enum iso_err iso_snap_writer_init(struct iso_snap_writer *writer,
                                                 struct iso_store *store, struct iso_buf *out,
                                                 struct iso_report *report);
void iso_snap_writer_fini(struct iso_snap_writer *writer);

void iso_snap_put_u8(struct iso_snap_writer *writer, uint8_t value);
void iso_snap_put_number(struct iso_snap_writer *writer, uint64_t value); /* LEB128 */
void iso_snap_put_u32(struct iso_snap_writer *writer, uint32_t value);    /* 4 bytes */
void iso_snap_put_u64(struct iso_snap_writer *writer, uint64_t value);
void iso_snap_put_raw(struct iso_snap_writer *writer, const void *data, size_t len);
void iso_snap_put_str(struct iso_snap_writer *writer, struct iso_str text);
void iso_snap_put_place(struct iso_snap_writer *writer, struct iso_snap_place place);
void iso_snap_put_func(struct iso_snap_writer *writer, const struct iso_func *func);
void iso_snap_put_value(struct iso_snap_writer *writer, uint8_t type, const union iso_slot *value);
/* Values of several types, from consecutive slots. */
void iso_snap_put_values(struct iso_snap_writer *writer, const uint8_t *types, uint32_t count,
                         const union iso_slot *values);
/* A section's header; gives what iso_snap_put_end wants. */
size_t iso_snap_put_begin(struct iso_snap_writer *writer, enum iso_snap_section section);
void iso_snap_put_end(struct iso_snap_writer *writer, size_t begin);

/* ---- Reading (snapshot_read.c) -------------------------------------------------------------- */

/* Objects of the host that the snapshot knows; the store may have more. */
struct iso_snap_host_counts {
    uint32_t memories, tables, globals;
};

struct iso_snap_reader {
    struct iso_bytes all;
    const uint8_t *pos; /* within one section */
    const uint8_t *end;
    const uint8_t *mark; /* where the last value began: the place of errors */
    struct iso_report *report;
    enum iso_err err;
    struct iso_bytes
        sections[ISO_SNAP_SECTIONS]; /* contents; USER: all from the first to the sum */
    /* Of a restore, for references. */
    struct iso_store *store;
    struct iso_func **hosts;
    uint32_t host_count;
    struct iso_snap_host_counts host_counts;
};

/* Checks the header and finds the sections. */
ISO_MUST_CHECK enum iso_err iso_snap_reader_init(struct iso_snap_reader *reader,
                                                 struct iso_bytes snapshot,
                                                 struct iso_report *report);
/* Checks the sum over everything before it. */
ISO_MUST_CHECK enum iso_err iso_snap_check_sum(struct iso_snap_reader *reader);
/* Go to the start of a section / see that it was used up. */
void iso_snap_enter(struct iso_snap_reader *reader, enum iso_snap_section section);
ISO_MUST_CHECK enum iso_err iso_snap_leave(struct iso_snap_reader *reader);
/* The next of the user sections, after entering them; false at the end or after an error. */
bool iso_snap_next_user(struct iso_snap_reader *reader, struct iso_str *name,
                        struct iso_bytes *contents);

/* ISO_E_SNAPSHOT (or err) at the last value read; the reader keeps it too. */
enum iso_err iso_snap_fail(struct iso_snap_reader *reader, const char *format, ...)
    ISO_PRINTF(2, 3);
enum iso_err iso_snap_fail_as(struct iso_snap_reader *reader, enum iso_err err, const char *format,
                              ...) ISO_PRINTF(3, 4);

size_t iso_snap_left(const struct iso_snap_reader *reader);
uint8_t iso_snap_get_u8(struct iso_snap_reader *reader, const char *what);
/* At most max, which includes it; what names the value in messages. */
uint64_t iso_snap_get_number(struct iso_snap_reader *reader, uint64_t max, const char *what);
uint32_t iso_snap_get_u32(struct iso_snap_reader *reader, uint32_t max, const char *what);
/* A count of things of at least min_bytes each, which the section still has. */
uint32_t iso_snap_get_count(struct iso_snap_reader *reader, size_t min_bytes, uint32_t max,
                            const char *what);
uint32_t iso_snap_get_fixed32(struct iso_snap_reader *reader, const char *what);
uint64_t iso_snap_get_fixed64(struct iso_snap_reader *reader, const char *what);
/* NULL when they are not there. */
const uint8_t *iso_snap_get_raw(struct iso_snap_reader *reader, size_t len, const char *what);
struct iso_str iso_snap_get_str(struct iso_snap_reader *reader, const char *what);
/* A function reference; the function, or NULL for null (or after an error). */
struct iso_func *iso_snap_get_func(struct iso_snap_reader *reader, const char *what);
/* Fills one slot, two for v128. */
void iso_snap_get_value(struct iso_snap_reader *reader, uint8_t type, union iso_slot *value,
                        const char *what);
void iso_snap_get_values(struct iso_snap_reader *reader, const uint8_t *types, uint32_t count,
                         union iso_slot *values, const char *what);

/* ---- Parts ---------------------------------------------------------------------------------- */

/* snapshot_host.c: functions and objects of the host. */
void iso_snap_save_host(struct iso_snap_writer *writer);
ISO_MUST_CHECK enum iso_err iso_snap_load_host(struct iso_snap_reader *reader,
                                               struct iso_arena *arena);

/* snapshot_link.c: modules, instances and names. */
void iso_snap_save_mods(struct iso_snap_writer *writer);
void iso_snap_save_inst(struct iso_snap_writer *writer);
void iso_snap_save_name(struct iso_snap_writer *writer);
ISO_MUST_CHECK enum iso_err iso_snap_load_inst(struct iso_snap_reader *reader,
                                               struct iso_arena *arena,
                                               struct iso_module *const *modules,
                                               size_t module_count);
/* The size of a memory in pages, of a table in elements: read, and reached by growing. */
ISO_MUST_CHECK enum iso_err iso_snap_load_memory_size(struct iso_snap_reader *reader,
                                                      struct iso_memory *memory);
ISO_MUST_CHECK enum iso_err iso_snap_load_table_size(struct iso_snap_reader *reader,
                                                     struct iso_table *table);
ISO_MUST_CHECK enum iso_err iso_snap_load_name(struct iso_snap_reader *reader);

/* snapshot_data.c: globals, dropped segments, tables. */
void iso_snap_save_glob(struct iso_snap_writer *writer);
void iso_snap_save_drop(struct iso_snap_writer *writer);
void iso_snap_save_tabl(struct iso_snap_writer *writer);
ISO_MUST_CHECK enum iso_err iso_snap_load_glob(struct iso_snap_reader *reader);
ISO_MUST_CHECK enum iso_err iso_snap_load_drop(struct iso_snap_reader *reader);
ISO_MUST_CHECK enum iso_err iso_snap_load_tabl(struct iso_snap_reader *reader,
                                               const struct iso_snap_objects *objects);

/* snapshot_memory.c */
void iso_snap_save_mems(struct iso_snap_writer *writer);
ISO_MUST_CHECK enum iso_err iso_snap_load_mems(struct iso_snap_reader *reader,
                                               const struct iso_snap_objects *objects);
bool iso_snap_page_is_zero(const uint8_t *page);

/* snapshot_maps.c: frame maps by safepoint, each found once. */
struct iso_snap_map {
    struct iso_module *module;
    uint32_t func_index;
    struct iso_frame_query query;
    struct iso_code *code;
    struct iso_frame_map map;
};

struct iso_snap_maps {
    const struct iso_alloc *alloc;
    struct iso_arena arena;
    struct iso_snap_map **slots; /* a hash table with open addressing */
    uint32_t capacity;
    uint32_t count;
    uint64_t code_bytes; /* of the bodies that were translated */
};

void iso_snap_maps_init(struct iso_snap_maps *maps, const struct iso_alloc *alloc);
void iso_snap_maps_fini(struct iso_snap_maps *maps);
/* Errors: ISO_E_NOT_FOUND (no such safepoint), ISO_E_LIMIT, ISO_E_NOMEM. */
ISO_MUST_CHECK enum iso_err iso_snap_maps_find(struct iso_snap_maps *maps,
                                               struct iso_instance *instance, uint32_t func_index,
                                               const struct iso_frame_query *query,
                                               const struct iso_snap_map **out);
/* Whether an operand lives in the slot of a local of the frame. */
bool iso_snap_is_local_slot(const struct iso_code *code, uint32_t slot);

/* snapshot_calls.c and snapshot_resume.c: the call under way. */
void iso_snap_save_call(struct iso_snap_writer *writer);
ISO_MUST_CHECK enum iso_err iso_snap_load_call(struct iso_snap_reader *reader);

#endif
