/*
 * table.c - tables (spec 4.2.7, 4.5.3.2, 4.5.3.6 growing, 4.4.6 table instructions).
 */
#include "engine/store.h"

static uint32_t max_elems(const struct iso_limits *limits)
{
    return limits->has_max && limits->max < ISO_MAX_TABLE_ELEMS ? limits->max : ISO_MAX_TABLE_ELEMS;
}

static enum iso_err check_size(const struct iso_store *store, uint32_t size,
                               struct iso_report *report)
{
    if (size > ISO_MAX_TABLE_ELEMS) {
        return iso_fail(report, ISO_E_LIMIT,
                        "table needs %lu elements, the largest table may have %lu",
                        (unsigned long)size, (unsigned long)ISO_MAX_TABLE_ELEMS);
    }
    if (size > store->config.table_max_elems - store->table_elems) {
        return iso_fail(report, ISO_E_LIMIT,
                        "table needs %lu elements, the limit of this store is %lu, of which %llu "
                        "are in use: raise the limit of table elements",
                        (unsigned long)size, (unsigned long)store->config.table_max_elems,
                        (unsigned long long)store->table_elems);
    }
    return ISO_OK;
}

enum iso_err iso_table_create(struct iso_store *store, uint8_t type,
                              const struct iso_limits *limits, struct iso_table **out,
                              struct iso_report *report)
{
    enum iso_err err = check_size(store, limits->min, report);
    if (err != ISO_OK) {
        return err;
    }
    struct iso_table **tables =
        iso_store_array_grow(store, store->tables, store->table_count, &store->table_capacity,
                             sizeof(struct iso_table *));
    if (tables == NULL) {
        return ISO_E_NOMEM;
    }
    store->tables = tables;
    struct iso_table *table = iso_alloc_new(&store->alloc, sizeof *table);
    if (table == NULL) {
        return ISO_E_NOMEM;
    }
    table->elems = iso_alloc_array(&store->alloc, limits->min, sizeof *table->elems);
    if (table->elems == NULL) {
        iso_alloc_free(&store->alloc, table, sizeof *table);
        return iso_fail(report, ISO_E_NOMEM, "this host has no room for a table of %lu elements",
                        (unsigned long)limits->min);
    }
    table->store = store;
    table->size = limits->min;
    table->capacity = limits->min;
    table->limits = *limits;
    table->type = type;
    table->index = store->table_count;
    tables[store->table_count++] = table;
    store->table_elems += table->size;
    *out = table;
    return ISO_OK;
}

void iso_store_tables_trim(struct iso_store *store, uint32_t keep)
{
    while (store->table_count > keep) {
        struct iso_table *table = store->tables[--store->table_count];
        store->table_elems -= table->size;
        iso_alloc_free(&store->alloc, table->elems, table->capacity * sizeof *table->elems);
        iso_alloc_free(&store->alloc, table, sizeof *table);
    }
}

/* By half at least, so that growing one by one is not quadratic; by what is needed when the host
 * has no more. */
static bool ensure_capacity(struct iso_table *table, uint32_t size)
{
    if (size <= table->capacity) {
        return true;
    }
    const struct iso_alloc *alloc = &table->store->alloc;
    uint32_t max = max_elems(&table->limits);
    uint32_t wanted = size + table->capacity / 2;
    wanted = wanted < max ? wanted : max;
    size_t old_bytes = table->capacity * sizeof *table->elems;
    uint64_t *elems =
        iso_alloc_resize(alloc, table->elems, old_bytes, wanted * sizeof *table->elems);
    if (elems == NULL && wanted > size) {
        wanted = size;
        elems = iso_alloc_resize(alloc, table->elems, old_bytes, wanted * sizeof *table->elems);
    }
    if (elems == NULL) {
        return false;
    }
    table->elems = elems;
    table->capacity = wanted;
    return true;
}

uint32_t iso_table_grow(struct iso_table *table, uint32_t count, uint64_t ref)
{
    struct iso_store *store = table->store;
    uint32_t old_size = table->size;
    if (count == 0) {
        return old_size;
    }
    uint32_t max = max_elems(&table->limits);
    if (old_size > max || count > max - old_size ||
        count > store->config.table_max_elems - store->table_elems ||
        !ensure_capacity(table, old_size + count)) {
        return UINT32_MAX;
    }
    for (uint32_t i = 0; i < count; i++) {
        table->elems[old_size + i] = ref;
    }
    table->size = old_size + count;
    store->table_elems += count;
    return old_size;
}

uint64_t iso_elem_ref(struct iso_instance *instance, const struct iso_elem_segment *segment,
                      uint32_t index)
{
    if (segment->exprs == NULL) {
        return (uintptr_t)iso_instance_func(instance, segment->funcs[index]);
    }
    union iso_slot value[2];
    iso_const_eval(instance, &segment->exprs[index], value);
    return value[0].ref;
}

bool iso_table_init(struct iso_instance *instance, uint32_t table_index, uint32_t segment_index,
                    uint32_t dst, uint32_t src, uint32_t len)
{
    struct iso_table *table = instance->tables[table_index];
    const struct iso_elem_segment *segment = &instance->module->elems[segment_index];
    bool dropped = (instance->dropped_elem[segment_index / 8] >> (segment_index % 8) & 1) != 0;
    uint32_t available = dropped ? 0 : segment->count;
    if (src > available || len > available - src || dst > table->size || len > table->size - dst) {
        return false;
    }
    for (uint32_t i = 0; i < len; i++) {
        table->elems[dst + i] = iso_elem_ref(instance, segment, src + i);
    }
    return true;
}

bool iso_table_copy(struct iso_table *dst_table, struct iso_table *src_table, uint32_t dst,
                    uint32_t src, uint32_t len)
{
    if (src > src_table->size || len > src_table->size - src || dst > dst_table->size ||
        len > dst_table->size - dst) {
        return false;
    }
    if (len != 0) {
        memmove(dst_table->elems + dst, src_table->elems + src, len * sizeof *dst_table->elems);
    }
    return true;
}

bool iso_table_fill(struct iso_table *table, uint32_t dst, uint64_t ref, uint32_t len)
{
    if (dst > table->size || len > table->size - dst) {
        return false;
    }
    for (uint32_t i = 0; i < len; i++) {
        table->elems[dst + i] = ref;
    }
    return true;
}

void iso_elem_drop(struct iso_instance *instance, uint32_t segment)
{
    instance->dropped_elem[segment / 8] |= (uint8_t)(1u << segment % 8);
}
