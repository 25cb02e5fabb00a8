/*
 * snapshot_data.c - globals, dropped segments and tables (docs/snapshot.md, sections "glob", "drop"
 * and "tabl").
 *
 * A table is saved as its difference from a base that reader and writer compute alike: all null,
 * then every active element segment of every instance that has the table, as far as it fits into
 * the size that the table has now. The base need not be what the table ever was.
 */
#include "engine/snapshot.h"

/* ---- Globals -------------------------------------------------------------------------------- */

void iso_snap_save_glob(struct iso_snap_writer *writer)
{
    const struct iso_store *store = writer->store;
    size_t begin = iso_snap_put_begin(writer, ISO_SNAP_GLOB);
    writer->what = "global";
    writer->what_owner = ISO_SNAP_HOST_OWNER;
    for (uint32_t i = 0; i < store->global_count; i++) {
        writer->what_index = i;
        iso_snap_put_value(writer, store->globals[i]->type, store->globals[i]->value);
    }
    for (uint32_t i = 0; i < store->instance_count; i++) {
        const struct iso_instance *instance = store->instances[i];
        const struct iso_module *module = instance->module;
        writer->what_owner = i + ISO_SNAP_FIRST_INSTANCE;
        for (uint32_t k = module->global_import_count; k < module->global_count; k++) {
            writer->what_index = k;
            if (module->globals[k].is_mutable) {
                iso_snap_put_value(writer, module->globals[k].type, instance->globals[k]->value);
            }
        }
    }
    iso_snap_put_end(writer, begin);
}

static bool values_equal(uint8_t type, const union iso_slot *a, const union iso_slot *b)
{
    switch ((enum iso_type)type) {
    case ISO_TYPE_I32:
    case ISO_TYPE_F32:
        return a->u32 == b->u32;
    case ISO_TYPE_V128:
        return a[0].u64 == b[0].u64 && a[1].u64 == b[1].u64;
    case ISO_TYPE_I64:
    case ISO_TYPE_F64:
    case ISO_TYPE_FUNCREF:
    case ISO_TYPE_EXTERNREF:
        break;
    }
    return a->u64 == b->u64;
}

static enum iso_err load_host_globals(struct iso_snap_reader *reader)
{
    for (uint32_t i = 0; i < reader->host_counts.globals; i++) {
        struct iso_global *global = reader->store->globals[i];
        union iso_slot value[2] = {{.u64 = 0}, {.u64 = 0}};
        const uint8_t *begin = reader->pos;
        iso_snap_get_value(reader, global->type, value, "a global of the host");
        if (reader->err != ISO_OK) {
            return reader->err;
        }
        /* Instances may have computed with it: their immutable globals, places of segments. */
        if (!global->is_mutable && !values_equal(global->type, global->value, value)) {
            reader->mark = begin;
            return iso_snap_fail_as(reader, ISO_E_LINK,
                                    "the immutable global %lu of the host has another value here",
                                    (unsigned long)i);
        }
        memcpy(global->value, value, iso_type_slots(global->type) * sizeof *value);
    }
    return ISO_OK;
}

enum iso_err iso_snap_load_glob(struct iso_snap_reader *reader)
{
    iso_snap_enter(reader, ISO_SNAP_GLOB);
    enum iso_err err = load_host_globals(reader);
    if (err != ISO_OK) {
        return err;
    }
    for (uint32_t i = 0; i < reader->store->instance_count; i++) {
        const struct iso_instance *instance = reader->store->instances[i];
        const struct iso_module *module = instance->module;
        for (uint32_t k = module->global_import_count; k < module->global_count; k++) {
            if (module->globals[k].is_mutable) {
                iso_snap_get_value(reader, module->globals[k].type, instance->globals[k]->value,
                                   "a global");
            }
        }
        if (reader->err != ISO_OK) {
            return reader->err;
        }
    }
    return iso_snap_leave(reader);
}

/* ---- Dropped segments ----------------------------------------------------------------------- */

void iso_snap_save_drop(struct iso_snap_writer *writer)
{
    const struct iso_store *store = writer->store;
    size_t begin = iso_snap_put_begin(writer, ISO_SNAP_DROP);
    for (uint32_t i = 0; i < store->instance_count; i++) {
        const struct iso_instance *instance = store->instances[i];
        iso_snap_put_raw(writer, instance->dropped_data, (instance->module->data_count + 7) / 8);
        iso_snap_put_raw(writer, instance->dropped_elem, (instance->module->elem_count + 7) / 8);
    }
    iso_snap_put_end(writer, begin);
}

static void load_bits(struct iso_snap_reader *reader, uint8_t *bits, uint32_t count)
{
    size_t len = (count + 7) / 8;
    const uint8_t *bytes = iso_snap_get_raw(reader, len, "the dropped segments");
    if (bytes == NULL || len == 0) {
        return;
    }
    if (count % 8 != 0 && bytes[len - 1] >> count % 8 != 0) {
        (void)iso_snap_fail(reader, "a segment was dropped that the module does not have");
        return;
    }
    memcpy(bits, bytes, len);
}

enum iso_err iso_snap_load_drop(struct iso_snap_reader *reader)
{
    iso_snap_enter(reader, ISO_SNAP_DROP);
    for (uint32_t i = 0; i < reader->store->instance_count; i++) {
        struct iso_instance *instance = reader->store->instances[i];
        load_bits(reader, instance->dropped_data, instance->module->data_count);
        load_bits(reader, instance->dropped_elem, instance->module->elem_count);
        if (reader->err != ISO_OK) {
            return reader->err;
        }
    }
    return iso_snap_leave(reader);
}

/* ---- Tables --------------------------------------------------------------------------------- */

static void apply_segment(struct iso_instance *instance, const struct iso_elem_segment *segment,
                          const struct iso_table *table, uint64_t *elems)
{
    union iso_slot offset[2];
    iso_const_eval(instance, &segment->offset, offset);
    uint32_t first = offset[0].u32;
    if (first > table->size || segment->count > table->size - first) {
        return;
    }
    for (uint32_t i = 0; i < segment->count; i++) {
        elems[first + i] = iso_elem_ref(instance, segment, i);
    }
}

/* The base of a table, into elems, which are null. */
static void apply_base(const struct iso_table *table, uint64_t *elems)
{
    const struct iso_store *store = table->store;
    for (uint32_t i = 0; i < store->instance_count; i++) {
        struct iso_instance *instance = store->instances[i];
        const struct iso_module *module = instance->module;
        for (uint32_t k = 0; k < module->elem_count; k++) {
            const struct iso_elem_segment *segment = &module->elems[k];
            if (segment->mode == ISO_SEGMENT_ACTIVE && instance->tables[segment->table] == table) {
                apply_segment(instance, segment, table, elems);
            }
        }
    }
}

static void save_run(struct iso_snap_writer *writer, const struct iso_table *table,
                     uint32_t end_of_last, uint32_t first, uint32_t end)
{
    iso_snap_put_number(writer, end - first);
    iso_snap_put_number(writer, first - end_of_last);
    for (uint32_t i = first; i < end; i++) {
        writer->what_index = i;
        union iso_slot slot = {.ref = table->elems[i]};
        iso_snap_put_value(writer, table->type, &slot);
    }
}

static void save_table(struct iso_snap_writer *writer, const struct iso_table *table)
{
    const struct iso_alloc *alloc = &writer->store->alloc;
    uint64_t *base = iso_alloc_array(alloc, table->size, sizeof *base);
    if (base == NULL) {
        writer->err = ISO_E_NOMEM;
        return;
    }
    apply_base(table, base);
    uint32_t end_of_last = 0;
    for (uint32_t i = 0; i < table->size && writer->err == ISO_OK;) {
        if (table->elems[i] == base[i]) {
            i++;
            continue;
        }
        uint32_t first = i;
        while (i < table->size && table->elems[i] != base[i]) {
            i++;
        }
        save_run(writer, table, end_of_last, first, i);
        end_of_last = i;
    }
    iso_snap_put_number(writer, 0);
    iso_alloc_free(alloc, base, table->size * sizeof *base);
}

void iso_snap_save_tabl(struct iso_snap_writer *writer)
{
    size_t begin = iso_snap_put_begin(writer, ISO_SNAP_TABL);
    writer->what = "table element";
    writer->what_owner = 0;
    for (uint32_t i = 0; i < writer->store->table_count && writer->err == ISO_OK; i++) {
        save_table(writer, writer->objects.tables[i]);
    }
    iso_snap_put_end(writer, begin);
}

static enum iso_err load_table(struct iso_snap_reader *reader, struct iso_table *table)
{
    apply_base(table, table->elems);
    uint32_t next = 0;
    for (;;) {
        uint32_t count =
            iso_snap_get_count(reader, 1, table->size - next, "a run of table elements");
        if (count == 0 || reader->err != ISO_OK) {
            return reader->err;
        }
        next += iso_snap_get_u32(reader, table->size - next - count, "a gap between elements");
        for (uint32_t i = 0; i < count && reader->err == ISO_OK; i++) {
            union iso_slot slot = {.u64 = 0};
            iso_snap_get_value(reader, table->type, &slot, "a table element");
            table->elems[next++] = slot.ref;
        }
    }
}

enum iso_err iso_snap_load_tabl(struct iso_snap_reader *reader,
                                const struct iso_snap_objects *objects)
{
    iso_snap_enter(reader, ISO_SNAP_TABL);
    for (uint32_t i = 0; i < reader->store->table_count; i++) {
        /* The host may have defined more than it had. */
        bool is_spare = i >= reader->host_counts.tables && i < objects->host_table_count;
        enum iso_err err = is_spare ? ISO_OK : load_table(reader, objects->tables[i]);
        if (err != ISO_OK) {
            return err;
        }
    }
    return iso_snap_leave(reader);
}
