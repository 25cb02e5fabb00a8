/*
 * decode.c - modules (spec 5.5): the sections, their order and their sizes.
 *
 * First the heads of all sections are read. That settles their order and bounds, and tells how many
 * elements each has, so that every array gets its final size at once. Then each section is read, in
 * the order of the format. Function bodies are only delimited here: validate.c reads them.
 */
#include "engine/decode.h"

static const char *const section_names[ISO_SECTION_ID_COUNT] = {
    [ISO_SECTION_CUSTOM] = "custom",
    [ISO_SECTION_TYPE] = "type",
    [ISO_SECTION_IMPORT] = "import",
    [ISO_SECTION_FUNCTION] = "function",
    [ISO_SECTION_TABLE] = "table",
    [ISO_SECTION_MEMORY] = "memory",
    [ISO_SECTION_GLOBAL] = "global",
    [ISO_SECTION_EXPORT] = "export",
    [ISO_SECTION_START] = "start",
    [ISO_SECTION_ELEMENT] = "element",
    [ISO_SECTION_CODE] = "code",
    [ISO_SECTION_DATA] = "data",
    [ISO_SECTION_DATA_COUNT] = "data count",
};

/* Where a section stands in the order that the format wants. */
static const uint8_t section_rank[ISO_SECTION_ID_COUNT] = {
    [ISO_SECTION_TYPE] = 1,        [ISO_SECTION_IMPORT] = 2, [ISO_SECTION_FUNCTION] = 3,
    [ISO_SECTION_TABLE] = 4,       [ISO_SECTION_MEMORY] = 5, [ISO_SECTION_GLOBAL] = 6,
    [ISO_SECTION_EXPORT] = 7,      [ISO_SECTION_START] = 8,  [ISO_SECTION_ELEMENT] = 9,
    [ISO_SECTION_DATA_COUNT] = 10, [ISO_SECTION_CODE] = 11,  [ISO_SECTION_DATA] = 12,
};

/* ---- The heads of sections ----------------------------------------------------------------- */

static enum iso_err read_preamble(struct iso_decoder *d)
{
    static const uint8_t magic[4] = {0x00, 'a', 's', 'm'}, version[4] = {1, 0, 0, 0};
    const uint8_t *bytes = d->reader.pos;
    size_t len = iso_reader_left(&d->reader);
    if (len < sizeof magic + sizeof version &&
        memcmp(bytes, magic, len < sizeof magic ? len : sizeof magic) == 0) {
        return ISO_DECODE_FAIL(d, ISO_E_MALFORMED, bytes + len,
                               "unexpected end: a module has at least 8 bytes, not %zu", len);
    }
    if (len < sizeof magic || memcmp(bytes, magic, sizeof magic) != 0) {
        return ISO_DECODE_FAIL(d, ISO_E_MALFORMED, bytes,
                               "magic header not detected: this is not a binary WebAssembly "
                               "module, which begins with 00 61 73 6d");
    }
    bytes += sizeof magic;
    if (memcmp(bytes, version, sizeof version) != 0) {
        return ISO_DECODE_FAIL(d, ISO_E_MALFORMED, bytes,
                               "unknown binary version: only version 1 (01 00 00 00) is known");
    }
    d->reader.pos = bytes + sizeof version;
    return ISO_OK;
}

/* The name of a custom section is part of its contents; what is left is the section's size. */
static enum iso_err read_custom_name(struct iso_decoder *d, struct iso_section *section)
{
    struct iso_reader reader = d->reader;
    reader.end = reader.pos + section->size;
    enum iso_err err = iso_read_name(&reader, &section->name);
    if (err == ISO_OK) {
        section->offset = iso_reader_offset(&reader);
        section->size = (uint32_t)iso_reader_left(&reader);
    }
    return err;
}

/* Reads one head and moves behind the section. *last_rank: of the sections so far. */
static enum iso_err read_section(struct iso_decoder *d, uint8_t *last_rank,
                                 struct iso_section *section)
{
    const uint8_t *at = d->reader.pos;
    enum iso_err err = iso_read_u8(&d->reader, &section->id);
    if (err == ISO_OK && section->id >= ISO_SECTION_ID_COUNT) {
        err = ISO_DECODE_FAIL(d, ISO_E_MALFORMED, at, "malformed section id %u",
                              (unsigned)section->id);
    }
    const uint8_t *size_at = d->reader.pos;
    if (err == ISO_OK) {
        err = iso_read_u32(&d->reader, &section->size);
    }
    if (err == ISO_OK && section->size > iso_reader_left(&d->reader)) {
        err = ISO_DECODE_FAIL(d, ISO_E_MALFORMED, size_at,
                              "length out of bounds: unexpected end in the %s section, which has "
                              "%u bytes of which %zu are there",
                              section_names[section->id], (unsigned)section->size,
                              iso_reader_left(&d->reader));
    }
    if (err != ISO_OK) {
        return err;
    }
    const uint8_t *end = d->reader.pos + section->size;
    section->offset = iso_reader_offset(&d->reader);
    if (section->id == ISO_SECTION_CUSTOM) {
        err = read_custom_name(d, section);
    } else {
        section->name = iso_str_from_z(section_names[section->id]);
        if (section_rank[section->id] <= *last_rank) {
            err = ISO_DECODE_FAIL(d, ISO_E_MALFORMED, at,
                                  "unexpected content after last section: the %s section is %s",
                                  section_names[section->id],
                                  section_rank[section->id] == *last_rank ? "there twice"
                                                                          : "too late");
        }
        *last_rank = section_rank[section->id];
    }
    d->reader.pos = end;
    return err;
}

/* Once to count and check, once to keep. */
static enum iso_err read_sections(struct iso_decoder *d)
{
    struct iso_module *module = d->module;
    const uint8_t *start = d->reader.pos;
    uint32_t count = 0;
    uint8_t last_rank = 0;
    struct iso_section section = {.id = 0};
    while (iso_reader_left(&d->reader) != 0) {
        const uint8_t *at = d->reader.pos;
        enum iso_err err = read_section(d, &last_rank, &section);
        if (err != ISO_OK) {
            return err;
        }
        if (++count > ISO_MAX_CUSTOM_SECTIONS + ISO_SECTION_ID_COUNT) {
            return ISO_DECODE_FAIL(d, ISO_E_LIMIT, at, "more than %u custom sections",
                                   ISO_MAX_CUSTOM_SECTIONS);
        }
    }
    module->sections = ISO_DECODE_ARRAY(d, count, struct iso_section);
    if (module->sections == NULL) {
        return ISO_E_NOMEM;
    }
    d->reader.pos = start;
    last_rank = 0;
    enum iso_err err = ISO_OK;
    for (uint32_t i = 0; i < count && err == ISO_OK; i++) {
        err = read_section(d, &last_rank, &module->sections[i]);
    }
    module->section_count = count;
    return err;
}

/* ---- Sections ------------------------------------------------------------------------------ */

static const struct iso_section *find_section(const struct iso_decoder *d, enum iso_section_id id)
{
    const struct iso_module *module = d->module;
    for (uint32_t i = 0; i < module->section_count; i++) {
        if (module->sections[i].id == id) {
            return &module->sections[i];
        }
    }
    return NULL;
}

/* Aims the reader at a section; false when the module has none. */
static bool enter_section(struct iso_decoder *d, enum iso_section_id id)
{
    const struct iso_section *section = find_section(d, id);
    if (section == NULL) {
        return false;
    }
    d->reader.pos = d->reader.start + section->offset;
    d->reader.end = d->reader.pos + section->size;
    return true;
}

/* Reads a section, if it is there, to its last byte. */
static enum iso_err read_whole(struct iso_decoder *d, enum iso_section_id id,
                               enum iso_err (*read)(struct iso_decoder *d))
{
    if (!enter_section(d, id)) {
        return ISO_OK;
    }
    enum iso_err err = read(d);
    if (err == ISO_OK && iso_reader_left(&d->reader) != 0) {
        err = ISO_DECODE_FAIL(d, ISO_E_MALFORMED, d->reader.pos,
                              "section size mismatch: %zu bytes are left in the %s section",
                              iso_reader_left(&d->reader), section_names[id]);
    }
    return err;
}

/* The number of elements of a section, from its head; adds to the imported ones. */
static enum iso_err add_count(struct iso_decoder *d, enum iso_section_id id, size_t min_bytes,
                              uint32_t max, uint32_t imported, uint32_t *total)
{
    uint32_t count = 0;
    if (enter_section(d, id)) {
        enum iso_err err = iso_read_count(&d->reader, min_bytes, max, "definitions", &count);
        if (err != ISO_OK) {
            return err;
        }
    }
    if (imported > max || count > max - imported) {
        return ISO_DECODE_FAIL(d, ISO_E_LIMIT, d->reader.pos,
                               "%u definitions in the %s section and %u imported; at most %u are "
                               "supported",
                               (unsigned)count, section_names[id], (unsigned)imported,
                               (unsigned)max);
    }
    *total = imported + count;
    return ISO_OK;
}

/* Gives the four index spaces their sizes. */
static enum iso_err make_index_spaces(struct iso_decoder *d)
{
    enum { MIN_FUNC = 1, MIN_TABLE = 3, MIN_MEMORY = 2, MIN_GLOBAL = 3, MAX_MEMORIES = 1000 };
    struct iso_module *m = d->module;
    enum iso_err err = add_count(d, ISO_SECTION_FUNCTION, MIN_FUNC, ISO_MAX_FUNCS,
                                 m->func_import_count, &m->func_count);
    if (err == ISO_OK) {
        err = add_count(d, ISO_SECTION_TABLE, MIN_TABLE, ISO_MAX_TABLES, m->table_import_count,
                        &m->table_count);
    }
    if (err == ISO_OK) {
        err = add_count(d, ISO_SECTION_MEMORY, MIN_MEMORY, MAX_MEMORIES, m->memory_import_count,
                        &m->memory_count);
    }
    if (err == ISO_OK) {
        err = add_count(d, ISO_SECTION_GLOBAL, MIN_GLOBAL, ISO_MAX_GLOBALS, m->global_import_count,
                        &m->global_count);
    }
    if (err != ISO_OK) {
        return err;
    }
    m->funcs = ISO_DECODE_ARRAY(d, m->func_count, struct iso_module_func);
    m->code = ISO_DECODE_ARRAY(d, m->func_count, struct iso_code * _Atomic);
    m->tables = ISO_DECODE_ARRAY(d, m->table_count, struct iso_module_table);
    m->memories = ISO_DECODE_ARRAY(d, m->memory_count, struct iso_limits);
    m->globals = ISO_DECODE_ARRAY(d, m->global_count, struct iso_module_global);
    bool complete = m->funcs != NULL && m->code != NULL && m->tables != NULL &&
                    m->memories != NULL && m->globals != NULL;
    return complete ? ISO_OK : ISO_E_NOMEM;
}

/* The counts below were read, and bounded, by make_index_spaces. */
static enum iso_err skip_count(struct iso_decoder *d)
{
    uint32_t count = 0;
    return iso_read_u32(&d->reader, &count);
}

static enum iso_err read_funcs(struct iso_decoder *d)
{
    struct iso_module *module = d->module;
    enum iso_err err = skip_count(d);
    for (uint32_t i = module->func_import_count; i < module->func_count && err == ISO_OK; i++) {
        err = iso_decode_type_use(d, &module->funcs[i].type);
    }
    return err;
}

static enum iso_err read_tables(struct iso_decoder *d)
{
    struct iso_module *module = d->module;
    enum iso_err err = skip_count(d);
    for (uint32_t i = module->table_import_count; i < module->table_count && err == ISO_OK; i++) {
        err = iso_decode_table_type(d, &module->tables[i]);
    }
    return err;
}

static enum iso_err read_memories(struct iso_decoder *d)
{
    struct iso_module *module = d->module;
    enum iso_err err = skip_count(d);
    for (uint32_t i = module->memory_import_count; i < module->memory_count && err == ISO_OK; i++) {
        err = iso_decode_memory_type(d, &module->memories[i]);
    }
    return err;
}

static enum iso_err read_globals(struct iso_decoder *d)
{
    struct iso_module *module = d->module;
    enum iso_err err = skip_count(d);
    for (uint32_t i = module->global_import_count; i < module->global_count && err == ISO_OK; i++) {
        struct iso_module_global *global = &module->globals[i];
        err = iso_decode_global_type(d, global);
        if (err == ISO_OK) {
            err = iso_decode_const_expr(d, global->type, &global->init);
        }
    }
    return err;
}

static enum iso_err read_start(struct iso_decoder *d)
{
    struct iso_module *module = d->module;
    const uint8_t *at = d->reader.pos;
    enum iso_err err = iso_decode_func_index(d, &module->start);
    if (err != ISO_OK) {
        return err;
    }
    const struct iso_func_type *type = &module->funcs[module->start].type->type;
    if (type->param_count != 0 || type->result_count != 0) {
        return ISO_DECODE_FAIL(d, ISO_E_INVALID, at,
                               "start function %u must have neither parameters nor results",
                               (unsigned)module->start);
    }
    module->has_start = true;
    return ISO_OK;
}

static enum iso_err read_data_count(struct iso_decoder *d)
{
    struct iso_module *module = d->module;
    const uint8_t *at = d->reader.pos;
    enum iso_err err = iso_read_u32(&d->reader, &module->data_count);
    if (err == ISO_OK && module->data_count > ISO_MAX_DATA_SEGMENTS) {
        err = ISO_DECODE_FAIL(d, ISO_E_LIMIT, at, "%u data segments; at most %u are supported",
                              (unsigned)module->data_count, ISO_MAX_DATA_SEGMENTS);
    }
    module->has_data_count = err == ISO_OK;
    return err;
}

/* Delimits one function body. */
static enum iso_err read_body(struct iso_decoder *d, struct iso_module_func *func)
{
    const uint8_t *at = d->reader.pos;
    uint32_t size = 0;
    const uint8_t *body = NULL;
    enum iso_err err = iso_read_u32(&d->reader, &size);
    if (err == ISO_OK && size > ISO_MAX_FUNC_BYTES && size <= iso_reader_left(&d->reader)) {
        return ISO_DECODE_FAIL(d, ISO_E_LIMIT, at,
                               "a function body of %u bytes; at most %u are supported",
                               (unsigned)size, ISO_MAX_FUNC_BYTES);
    }
    if (err == ISO_OK) {
        err = iso_read_bytes(&d->reader, size, &body);
    }
    if (err == ISO_OK) {
        func->body = (uint32_t)(body - d->reader.start);
        func->body_end = func->body + size;
    }
    return err;
}

static enum iso_err check_body_count(struct iso_decoder *d, const uint8_t *at, uint32_t count)
{
    uint32_t wanted = d->module->func_count - d->module->func_import_count;
    if (count != wanted) {
        return ISO_DECODE_FAIL(d, ISO_E_MALFORMED, at,
                               "function and code section have inconsistent lengths: %u and %u",
                               (unsigned)wanted, (unsigned)count);
    }
    return ISO_OK;
}

static enum iso_err read_code(struct iso_decoder *d)
{
    struct iso_module *module = d->module;
    const uint8_t *at = d->reader.pos;
    uint32_t count = 0;
    enum iso_err err = iso_read_u32(&d->reader, &count);
    if (err == ISO_OK) {
        err = check_body_count(d, at, count);
    }
    for (uint32_t i = module->func_import_count; i < module->func_count && err == ISO_OK; i++) {
        err = read_body(d, &module->funcs[i]);
    }
    return err;
}

/* What must agree although one of two sections may be missing, and what counts in total. */
static enum iso_err check_module(struct iso_decoder *d)
{
    struct iso_module *module = d->module;
    const uint8_t *end = d->reader.start + module->bytes.len;
    if (find_section(d, ISO_SECTION_CODE) == NULL) {
        enum iso_err err = check_body_count(d, end, 0);
        if (err != ISO_OK) {
            return err;
        }
    }
    if (find_section(d, ISO_SECTION_DATA) == NULL && module->data_count != 0) {
        return ISO_DECODE_FAIL(d, ISO_E_MALFORMED, end,
                               "data count and data section have inconsistent lengths: %u and 0",
                               (unsigned)module->data_count);
    }
    if (module->memory_count > 1) {
        const struct iso_section *section = find_section(d, ISO_SECTION_MEMORY);
        section = section != NULL ? section : find_section(d, ISO_SECTION_IMPORT);
        return ISO_DECODE_FAIL(d, ISO_E_INVALID, d->reader.start + section->offset,
                               "multiple memories are not allowed: the module has %u",
                               (unsigned)module->memory_count);
    }
    return ISO_OK;
}

enum iso_err iso_module_decode(struct iso_module *module, struct iso_report *report)
{
    static const struct {
        enum iso_section_id id;
        enum iso_err (*read)(struct iso_decoder *d);
    } sections[] = {
        {ISO_SECTION_IMPORT, iso_decode_imports},  {ISO_SECTION_FUNCTION, read_funcs},
        {ISO_SECTION_TABLE, read_tables},          {ISO_SECTION_MEMORY, read_memories},
        {ISO_SECTION_GLOBAL, read_globals},        {ISO_SECTION_EXPORT, iso_decode_exports},
        {ISO_SECTION_START, read_start},           {ISO_SECTION_ELEMENT, iso_decode_elems},
        {ISO_SECTION_DATA_COUNT, read_data_count}, {ISO_SECTION_CODE, read_code},
        {ISO_SECTION_DATA, iso_decode_datas},
    };
    const uint8_t *bytes = module->bytes.ptr;
    struct iso_decoder d = {
        .module = module,
        .reader = {bytes, bytes + module->bytes.len, bytes, report},
    };
    enum iso_err err = read_preamble(&d);
    if (err == ISO_OK) {
        err = read_sections(&d);
    }
    if (err == ISO_OK) {
        err = read_whole(&d, ISO_SECTION_TYPE, iso_decode_types);
    }
    if (err == ISO_OK) {
        err = read_whole(&d, ISO_SECTION_IMPORT, iso_decode_imports_count);
    }
    if (err == ISO_OK) {
        err = make_index_spaces(&d);
    }
    for (size_t i = 0; i < ISO_COUNT_OF(sections) && err == ISO_OK; i++) {
        err = read_whole(&d, sections[i].id, sections[i].read);
    }
    if (err == ISO_OK) {
        err = check_module(&d);
    }
    return err;
}
