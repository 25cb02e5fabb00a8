/*
 * device_transfer.c - all of a component's storage as one sequence of bytes, for a move: magic (8
 * bytes), number of entries (4, little-endian), then per entry, in the order of the keys, length of
 * key and value (4 each), key, value. Reading back checks everything before it writes anything.
 */
#include "supervisor/device_storage.h"

static const char magic[8] = {'I', 'S', 'O', 'K', 'E', 'E', 'P', '1'};

/* ---- Out --------------------------------------------------------------------------------------
 */

static enum iso_err export_entry(const char *path, struct iso_bytes key, struct iso_buf *out,
                                 struct iso_report *report)
{
    uint8_t lengths[8] = {0};
    bool found = false;
    size_t at = out->len;
    enum iso_err err = iso_buf_append(out, lengths, sizeof lengths);
    err = err == ISO_OK ? iso_buf_append(out, key.ptr, key.len) : err;
    size_t value_at = out->len;
    err = err == ISO_OK ? iso_sv_store_get(path, key, out, &found, report) : err;
    if (err == ISO_OK && !found) {
        return iso_fail(report, ISO_E_IO, "storage changed while it was copied");
    }
    if (err == ISO_OK) {
        iso_store_u32le(out->ptr + at, (uint32_t)key.len);
        iso_store_u32le(out->ptr + at + 4, (uint32_t)(out->len - value_at));
    }
    return err;
}

enum iso_err iso_sv_storage_export(const char *path, struct iso_buf *out, struct iso_report *report)
{
    struct iso_arena arena;
    struct iso_bytes *keys = NULL;
    size_t count = 0;
    size_t damaged = 0;
    size_t start = out->len;
    iso_arena_init(&arena, out->alloc, 0, SIZE_MAX);
    enum iso_err err = iso_sv_store_list(path, &arena, &keys, &count, &damaged, report);
    if (err == ISO_OK && damaged != 0) {
        err = iso_fail(report, ISO_E_MALFORMED, "%zu stored values are damaged", damaged);
    }
    err = err == ISO_OK ? iso_buf_append(out, magic, sizeof magic) : err;
    err = err == ISO_OK ? iso_buf_append_u32le(out, (uint32_t)count) : err;
    for (size_t i = 0; err == ISO_OK && i < count; i++) {
        err = export_entry(path, keys[i], out, report);
    }
    iso_arena_fini(&arena);
    if (err != ISO_OK) {
        out->len = start;
    }
    return err;
}

/* ---- In ---------------------------------------------------------------------------------------
 */

struct reader {
    struct iso_bytes rest;
    uint64_t offset;
};

static bool take(struct reader *reader, size_t len, struct iso_bytes *out)
{
    if (reader->rest.len < len) {
        return false;
    }
    *out = iso_bytes_from(reader->rest.ptr, len);
    reader->rest.ptr += len;
    reader->rest.len -= len;
    reader->offset += len;
    return true;
}

static bool take_entry(struct reader *reader, struct iso_sv_stored *out)
{
    struct iso_bytes lengths;
    return take(reader, 8, &lengths) && iso_load_u32le(lengths.ptr) <= ISO_SV_STORAGE_KEY_MAX &&
           take(reader, iso_load_u32le(lengths.ptr), &out->key) &&
           take(reader, iso_load_u32le(lengths.ptr + 4), &out->value);
}

/* Strictly rising keys: none is there twice. */
static bool follows(struct iso_bytes a, struct iso_bytes b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len != 0 ? memcmp(a.ptr, b.ptr, len) : 0;
    return order < 0 || (order == 0 && a.len < b.len);
}

static enum iso_err begin(struct reader *reader, uint32_t *count, struct iso_report *report)
{
    struct iso_bytes head;
    if (!take(reader, sizeof magic, &head) || memcmp(head.ptr, magic, sizeof magic) != 0 ||
        !take(reader, 4, &head)) {
        return iso_fail_at(report, ISO_E_MALFORMED, reader->offset, "these bytes are no storage");
    }
    *count = iso_load_u32le(head.ptr);
    return *count <= ISO_SV_STORAGE_KEYS_MAX
               ? ISO_OK
               : iso_fail(report, ISO_E_LIMIT, "%u stored keys; at most %u", (unsigned)*count,
                          ISO_SV_STORAGE_KEYS_MAX);
}

static enum iso_err check(struct iso_bytes bytes, uint64_t max, struct iso_report *report)
{
    struct reader reader = {.rest = bytes};
    struct iso_sv_stored last = {0};
    uint32_t count = 0;
    uint64_t size = 0;
    enum iso_err err = begin(&reader, &count, report);
    for (uint32_t i = 0; err == ISO_OK && i < count; i++) {
        struct iso_sv_stored entry;
        if (!take_entry(&reader, &entry)) {
            return iso_fail_at(report, ISO_E_MALFORMED, reader.offset,
                               "a stored value is cut off or its key is too long");
        }
        if (!iso_utf8_valid(entry.key.ptr, entry.key.len) ||
            (i > 0 && !follows(last.key, entry.key))) {
            return iso_fail_at(report, ISO_E_MALFORMED, reader.offset,
                               "a stored key is not UTF-8, or not in order");
        }
        size += (uint64_t)ISO_SV_STORE_HEAD + entry.key.len + entry.value.len;
        last = entry;
    }
    if (err == ISO_OK && reader.rest.len != 0) {
        return iso_fail_at(report, ISO_E_MALFORMED, reader.offset, "bytes behind the storage");
    }
    if (err == ISO_OK && size > max) {
        return iso_fail(report, ISO_E_LIMIT, "%llu bytes of storage; %llu are wanted",
                        (unsigned long long)max, (unsigned long long)size);
    }
    return err;
}

static enum iso_err write_entries(const char *path, struct iso_bytes bytes,
                                  struct iso_report *report)
{
    struct reader reader = {.rest = bytes};
    uint32_t count = 0;
    enum iso_err err = begin(&reader, &count, report);
    for (uint32_t i = 0; err == ISO_OK && i < count; i++) {
        struct iso_sv_stored entry;
        bool whole = take_entry(&reader, &entry);
        ISO_ASSERT(whole); /* checked before */
        err = iso_sv_store_set(path, entry.key, entry.value, UINT64_MAX, report);
    }
    return err;
}

enum iso_err iso_sv_storage_import(const char *path, struct iso_bytes bytes, uint64_t max,
                                   struct iso_report *report)
{
    enum iso_err err = check(bytes, max, report);
    err = err == ISO_OK ? iso_sv_store_remove(path, report) : err;
    err = err == ISO_OK ? iso_sv_store_make(path, report) : err;
    return err == ISO_OK ? write_entries(path, bytes, report) : err;
}

uint64_t iso_sv_storage_used(const char *path)
{
    uint64_t bytes = 0;
    size_t files = 0;
    return iso_sv_store_usage(path, &bytes, &files, NULL) == ISO_OK ? bytes : 0;
}
