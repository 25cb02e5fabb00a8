/*
 * snapshot.c - saving and restoring a store (engine.h, "Snapshots"; docs/snapshot.md is the format,
 * docs/internals/snapshot.md the design).
 */
#include "engine/snapshot.h"

/* ---- Saving --------------------------------------------------------------------------------- */

static enum iso_err check_sections(const struct iso_snapshot_section *sections, size_t count,
                                   struct iso_report *report)
{
    for (size_t i = 0; i < count; i++) {
        struct iso_str name = iso_str_from_z(sections[i].name);
        if (name.len > ISO_MAX_STRING_BYTES || !iso_utf8_valid(name.ptr, name.len)) {
            return iso_fail(report, ISO_E_ARGUMENT,
                            "section %zu has a name that is too long or "
                            "not UTF-8",
                            i);
        }
        for (size_t k = 0; k < i; k++) {
            if (iso_str_equal_z(name, sections[k].name)) {
                return iso_fail(report, ISO_E_ARGUMENT, "two sections have the name \"%s\"",
                                sections[i].name);
            }
        }
    }
    return ISO_OK;
}

static void save_user(struct iso_snap_writer *writer, const struct iso_snapshot_section *section)
{
    if (section->save == NULL || writer->err != ISO_OK) {
        return;
    }
    size_t begin = iso_snap_put_begin(writer, ISO_SNAP_USER);
    iso_snap_put_str(writer, iso_str_from_z(section->name));
    if (writer->err == ISO_OK) {
        writer->err = section->save(section->ctx, writer->out, writer->report);
        if (writer->err != ISO_OK) {
            iso_report_set(writer->report, "section \"%s\" cannot be saved: %s", section->name,
                           iso_err_text(writer->err));
        }
    }
    iso_snap_put_end(writer, begin);
}

static void save_sum(struct iso_snap_writer *writer)
{
    uint8_t sum[ISO_SHA256_SIZE];
    iso_sha256(writer->out->ptr + writer->start, writer->out->len - writer->start, sum);
    size_t begin = iso_snap_put_begin(writer, ISO_SNAP_SUM);
    iso_snap_put_raw(writer, sum, sizeof sum);
    iso_snap_put_end(writer, begin);
}

static void save_all(struct iso_snap_writer *writer, const struct iso_snapshot_section *sections,
                     size_t section_count)
{
    iso_snap_put_raw(writer, iso_snap_magic, sizeof iso_snap_magic);
    iso_snap_put_u32(writer, ISO_SNAP_VERSION);
    iso_snap_put_u32(writer, ISO_SNAP_FEATURE_WASM_2_0);
    iso_snap_save_mods(writer);
    iso_snap_save_inst(writer);
    iso_snap_save_name(writer);
    iso_snap_save_glob(writer);
    iso_snap_save_drop(writer);
    iso_snap_save_tabl(writer);
    iso_snap_save_mems(writer);
    iso_snap_save_call(writer);
    iso_snap_save_host(writer); /* last of these: it lists what the others refer to */
    for (size_t i = 0; i < section_count; i++) {
        save_user(writer, &sections[i]);
    }
    if (writer->err == ISO_OK) {
        save_sum(writer);
    }
}

static enum iso_err check_still(const struct iso_store *store, struct iso_report *report)
{
    if (store->nesting != 0) {
        return iso_fail(report, ISO_E_REFUSED,
                        "a host function is running, or has called back into WebAssembly: its "
                        "state is on this machine's own stack");
    }
    return ISO_OK;
}

enum iso_err iso_snapshot_save(struct iso_store *store, const struct iso_snapshot_section *sections,
                               size_t section_count, struct iso_buf *out, struct iso_report *report)
{
    enum iso_err err = check_still(store, report);
    if (err == ISO_OK) {
        err = check_sections(sections, section_count, report);
    }
    if (err != ISO_OK) {
        return err;
    }
    size_t start = out->len;
    struct iso_snap_writer writer;
    err = iso_snap_writer_init(&writer, store, out, report);
    if (err != ISO_OK) {
        return err;
    }
    save_all(&writer, sections, section_count);
    err = writer.err;
    iso_snap_writer_fini(&writer);
    if (err != ISO_OK) {
        out->len = start;
    }
    return err;
}

/* ---- Restoring ------------------------------------------------------------------------------ */

static size_t find_handler(const struct iso_snapshot_section *sections, size_t count,
                           struct iso_str name)
{
    for (size_t i = 0; i < count; i++) {
        if (iso_str_equal_z(name, sections[i].name)) {
            return i;
        }
    }
    return count;
}

/* Each section has a handler and comes once; each handler that is not optional has a section. */
static enum iso_err check_users(struct iso_snap_reader *reader, struct iso_arena *arena,
                                const struct iso_snapshot_section *sections, size_t count)
{
    bool *seen = iso_arena_array(arena, count, sizeof *seen);
    if (seen == NULL) {
        return ISO_E_NOMEM;
    }
    struct iso_str name;
    struct iso_bytes contents;
    iso_snap_enter(reader, ISO_SNAP_USER);
    while (iso_snap_next_user(reader, &name, &contents)) {
        size_t i = find_handler(sections, count, name);
        int shown = name.len < 100 ? (int)name.len : 100;
        if (i == count || sections[i].load == NULL) {
            return iso_snap_fail(reader,
                                 "it has state in a section \"%.*s\", which nothing here "
                                 "understands",
                                 shown, name.ptr);
        }
        if (seen[i]) {
            return iso_snap_fail(reader, "section \"%.*s\" is there twice", shown, name.ptr);
        }
        seen[i] = true;
    }
    for (size_t i = 0; i < count && reader->err == ISO_OK; i++) {
        if (!seen[i] && !sections[i].optional) {
            return iso_snap_fail(reader, "section \"%s\" is missing", sections[i].name);
        }
    }
    return reader->err;
}

static enum iso_err load_users(struct iso_snap_reader *reader,
                               const struct iso_snapshot_section *sections, size_t count)
{
    struct iso_str name;
    struct iso_bytes contents;
    iso_snap_enter(reader, ISO_SNAP_USER);
    while (iso_snap_next_user(reader, &name, &contents)) {
        const struct iso_snapshot_section *section = &sections[find_handler(sections, count, name)];
        enum iso_err err = section->load(section->ctx, contents, reader->report);
        if (err != ISO_OK) {
            iso_report_set(reader->report, "section \"%s\" of the snapshot cannot be used: %s",
                           section->name, iso_err_text(err));
            return err;
        }
    }
    return reader->err;
}

static enum iso_err load_contents(struct iso_snap_reader *reader, struct iso_arena *arena)
{
    struct iso_snap_objects objects;
    enum iso_err err = iso_snap_objects_collect(reader->store, arena, &objects);
    if (err == ISO_OK) {
        err = iso_snap_load_name(reader);
    }
    if (err == ISO_OK) {
        err = iso_snap_load_glob(reader);
    }
    if (err == ISO_OK) {
        err = iso_snap_load_drop(reader);
    }
    if (err == ISO_OK) {
        err = iso_snap_load_tabl(reader, &objects);
    }
    return err != ISO_OK ? err : iso_snap_load_mems(reader, &objects);
}

static enum iso_err load_all(struct iso_snap_reader *reader, struct iso_arena *arena,
                             struct iso_module *const *modules, size_t module_count,
                             const struct iso_snapshot_section *sections, size_t section_count)
{
    enum iso_err err = check_users(reader, arena, sections, section_count);
    if (err == ISO_OK) {
        err = iso_snap_load_host(reader, arena);
    }
    if (err == ISO_OK) {
        err = iso_snap_load_inst(reader, arena, modules, module_count);
    }
    if (err == ISO_OK) {
        err = load_contents(reader, arena);
    }
    if (err == ISO_OK) {
        err = iso_snap_load_call(reader);
    }
    return err != ISO_OK ? err : load_users(reader, sections, section_count);
}

enum iso_err iso_snapshot_restore(struct iso_store *store, struct iso_bytes snapshot,
                                  struct iso_module *const *modules, size_t module_count,
                                  const struct iso_snapshot_section *sections, size_t section_count,
                                  struct iso_instance **instances, size_t instance_cap,
                                  struct iso_report *report)
{
    if (store->instance_count != 0 || store->nesting != 0 || store->state != ISO_RUN_IDLE) {
        return iso_fail(report, ISO_E_STATE,
                        "a snapshot is restored into a fresh store, this one "
                        "has been used");
    }
    struct iso_snap_reader reader;
    enum iso_err err = iso_snap_reader_init(&reader, snapshot, report);
    if (err == ISO_OK) {
        err = iso_snap_check_sum(&reader);
    }
    if (err != ISO_OK) {
        return err;
    }
    reader.store = store;
    struct iso_arena arena;
    iso_arena_init(&arena, &store->alloc, 0, SIZE_MAX);
    store->code_kept = true;
    err = load_all(&reader, &arena, modules, module_count, sections, section_count);
    store->code_kept = false;
    iso_arena_fini(&arena);
    for (uint32_t i = 0; err == ISO_OK && i < store->instance_count && i < instance_cap; i++) {
        instances[i] = store->instances[i];
    }
    return err;
}
