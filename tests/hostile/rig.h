/* What the tests of hostile modules share: an engine on an allocator that refuses to pass a
 * maximum, so that a count that is believed before it is checked shows as the wrong error. */
#ifndef TESTS_HOSTILE_RIG_H
#define TESTS_HOSTILE_RIG_H

#include "engine/engine.h"
#include "engine/limits.h"
#include "support/wasm_writer.h"

#include "base/test.h"

enum { RIG_MEMORY_MAX = 512 << 20 };

/* An engine under a memory cap (RIG_MEMORY_MAX; set memory.max_bytes for less), with one module and
 * one store. */
struct rig {
    struct iso_alloc_test memory;
    struct iso_engine *engine;
    struct iso_buf bytes;
    struct iso_module *module;
    struct iso_store *store;
    struct iso_instance *instance;
    struct iso_report report;
};

void rig_init(struct rig *rig);
/* Also checks that nothing leaked. */
void rig_fini(struct rig *rig);

/* Decodes and validates; the bytes are taken. */
enum iso_err rig_module(struct rig *rig, struct iso_buf bytes);

/* The module (taken) must be refused with the error and words that contain `part`. */
void rig_check_refused(struct iso_buf bytes, enum iso_err expected, const char *part);

/* The module (taken) must be valid and instantiable under the store configuration (NULL: defaults).
 */
void rig_instance(struct rig *rig, struct iso_buf bytes, const struct iso_store_config *config);

/* Calls the export "f" with an i32 and takes one back; functions with fewer do not mind. */
enum iso_err rig_call(struct rig *rig, uint32_t arg, uint32_t *result);

/* A module of only one section with these contents (released). */
struct iso_buf rig_one_section(enum wasm_section_id id, struct iso_buf content);

/* A body without locals. */
struct iso_buf rig_body_begin(void);

#endif
