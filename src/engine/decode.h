/*
 * decode.h - what the decode*.c files share. Internal to them.
 *
 * decode.c           sections: their order and sizes, one reader function for each
 * decode_types.c     types of things (spec 5.3), imports, exports
 * decode_segments.c  constant expressions, globals, element and data segments
 */
#ifndef ISO_ENGINE_DECODE_H
#define ISO_ENGINE_DECODE_H

#include "engine/module.h"
#include "engine/reader.h"

/* Section numbers (spec 5.5.2). */
enum iso_section_id {
    ISO_SECTION_CUSTOM,
    ISO_SECTION_TYPE,
    ISO_SECTION_IMPORT,
    ISO_SECTION_FUNCTION,
    ISO_SECTION_TABLE,
    ISO_SECTION_MEMORY,
    ISO_SECTION_GLOBAL,
    ISO_SECTION_EXPORT,
    ISO_SECTION_START,
    ISO_SECTION_ELEMENT,
    ISO_SECTION_CODE,
    ISO_SECTION_DATA,
    ISO_SECTION_DATA_COUNT,
    ISO_SECTION_ID_COUNT
};

struct iso_decoder {
    struct iso_module *module;
    struct iso_reader reader; /* over the section being read */
};

/* A message about the byte at `at`. */
#define ISO_DECODE_FAIL(decoder, err, at, ...)                                                     \
    iso_fail_at((decoder)->reader.report, err, (uint64_t)((at) - (decoder)->reader.start),         \
                __VA_ARGS__)

bool iso_is_num_type(uint8_t type);
bool iso_is_ref_type(uint8_t type);
static inline bool iso_is_value_type(uint8_t type)
{
    return iso_is_num_type(type) || type == ISO_TYPE_V128 || iso_is_ref_type(type);
}

/* `count` zeroed elements of the module's arena; NULL is ISO_E_NOMEM. */
#define ISO_DECODE_ARRAY(decoder, count, element)                                                  \
    ((element *)iso_arena_array(&(decoder)->module->arena, count, sizeof(element)))

/* decode_types.c */
ISO_MUST_CHECK enum iso_err iso_decode_value_type(struct iso_decoder *d, uint8_t *out);
ISO_MUST_CHECK enum iso_err iso_decode_ref_type(struct iso_decoder *d, uint8_t *out);
ISO_MUST_CHECK enum iso_err iso_decode_table_type(struct iso_decoder *d,
                                                  struct iso_module_table *out);
ISO_MUST_CHECK enum iso_err iso_decode_memory_type(struct iso_decoder *d, struct iso_limits *out);
ISO_MUST_CHECK enum iso_err iso_decode_global_type(struct iso_decoder *d,
                                                   struct iso_module_global *out);
/* A type index, checked. */
ISO_MUST_CHECK enum iso_err iso_decode_type_use(struct iso_decoder *d,
                                                const struct iso_interned_type **out);
ISO_MUST_CHECK enum iso_err iso_decode_types(struct iso_decoder *d);

/* decode_externs.c. Imports are read twice: to count the kinds, for the sizes of the index spaces,
 * and to store them. */
ISO_MUST_CHECK enum iso_err iso_decode_imports_count(struct iso_decoder *d);
ISO_MUST_CHECK enum iso_err iso_decode_imports(struct iso_decoder *d);
ISO_MUST_CHECK enum iso_err iso_decode_exports(struct iso_decoder *d);
/* A function index, checked. */
ISO_MUST_CHECK enum iso_err iso_decode_func_index(struct iso_decoder *d, uint32_t *out);

/* decode_segments.c. An expression of one instruction and `end`, of type `expected`. */
ISO_MUST_CHECK enum iso_err iso_decode_const_expr(struct iso_decoder *d, uint8_t expected,
                                                  struct iso_const_expr *out);
ISO_MUST_CHECK enum iso_err iso_decode_elems(struct iso_decoder *d);
ISO_MUST_CHECK enum iso_err iso_decode_datas(struct iso_decoder *d);

#endif
