/*
 * snapshot_read.c - reading the values and sections of the snapshot format (docs/snapshot.md).
 *
 * The bytes are hostile: nothing is read beyond the section, no count is believed that the bytes
 * left could not hold, and every failure says at which byte.
 */
#include "engine/snapshot.h"

#include <stdarg.h>

/* ---- Failing -------------------------------------------------------------------------------- */

static enum iso_err fail_v(struct iso_snap_reader *reader, enum iso_err err, const char *format,
                           va_list args) ISO_PRINTF(3, 0);

static enum iso_err fail_v(struct iso_snap_reader *reader, enum iso_err err, const char *format,
                           va_list args)
{
    if (reader->err == ISO_OK) {
        reader->err = err;
        if (reader->report != NULL) {
            char text[sizeof reader->report->text];
            (void)iso_format_v(text, sizeof text, format, args);
            iso_report_set_at(reader->report, (uint64_t)(reader->mark - reader->all.ptr),
                              "snapshot: %s", text);
        }
    }
    return reader->err;
}

enum iso_err iso_snap_fail(struct iso_snap_reader *reader, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    enum iso_err err = fail_v(reader, ISO_E_SNAPSHOT, format, args);
    va_end(args);
    return err;
}

enum iso_err iso_snap_fail_as(struct iso_snap_reader *reader, enum iso_err code, const char *format,
                              ...)
{
    va_list args;
    va_start(args, format);
    enum iso_err err = fail_v(reader, code, format, args);
    va_end(args);
    return err;
}

/* ---- Values --------------------------------------------------------------------------------- */

size_t iso_snap_left(const struct iso_snap_reader *reader)
{
    return (size_t)(reader->end - reader->pos);
}

const uint8_t *iso_snap_get_raw(struct iso_snap_reader *reader, size_t len, const char *what)
{
    reader->mark = reader->pos;
    if (reader->err != ISO_OK) {
        return NULL;
    }
    if (len > iso_snap_left(reader)) {
        (void)iso_snap_fail(reader, "the section ends within %s", what);
        return NULL;
    }
    const uint8_t *bytes = reader->pos;
    reader->pos += len;
    return bytes;
}

uint8_t iso_snap_get_u8(struct iso_snap_reader *reader, const char *what)
{
    const uint8_t *byte = iso_snap_get_raw(reader, 1, what);
    return byte != NULL ? *byte : 0;
}

uint32_t iso_snap_get_fixed32(struct iso_snap_reader *reader, const char *what)
{
    const uint8_t *bytes = iso_snap_get_raw(reader, 4, what);
    return bytes != NULL ? iso_load_u32le(bytes) : 0;
}

uint64_t iso_snap_get_fixed64(struct iso_snap_reader *reader, const char *what)
{
    const uint8_t *bytes = iso_snap_get_raw(reader, 8, what);
    return bytes != NULL ? iso_load_u64le(bytes) : 0;
}

uint64_t iso_snap_get_number(struct iso_snap_reader *reader, uint64_t max, const char *what)
{
    const uint8_t *begin = reader->pos;
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        uint8_t byte = iso_snap_get_u8(reader, what);
        reader->mark = begin;
        if (reader->err != ISO_OK) {
            return 0;
        }
        /* One form per number, so that a state has one snapshot: no zero at the end. */
        if ((shift == 63 && byte > 1) || (shift != 0 && byte == 0)) {
            (void)iso_snap_fail(reader, "%s is not a number in its shortest form", what);
            return 0;
        }
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            break;
        }
    }
    if (value > max) {
        (void)iso_snap_fail(reader, "%s is %llu, but at most %llu is possible here", what,
                            (unsigned long long)value, (unsigned long long)max);
        return 0;
    }
    return value;
}

uint32_t iso_snap_get_u32(struct iso_snap_reader *reader, uint32_t max, const char *what)
{
    return (uint32_t)iso_snap_get_number(reader, max, what);
}

uint32_t iso_snap_get_count(struct iso_snap_reader *reader, size_t min_bytes, uint32_t max,
                            const char *what)
{
    uint32_t count = iso_snap_get_u32(reader, max, what);
    if (count > iso_snap_left(reader) / min_bytes) {
        (void)iso_snap_fail(reader, "%s is %lu, for which the section is too short", what,
                            (unsigned long)count);
        return 0;
    }
    return count;
}

struct iso_str iso_snap_get_str(struct iso_snap_reader *reader, const char *what)
{
    uint32_t len = iso_snap_get_count(reader, 1, ISO_MAX_STRING_BYTES, what);
    const uint8_t *bytes = iso_snap_get_raw(reader, len, what);
    if (bytes == NULL) {
        return iso_str_from(NULL, 0);
    }
    if (!iso_utf8_valid(bytes, len)) {
        (void)iso_snap_fail(reader, "%s is not UTF-8", what);
        return iso_str_from(NULL, 0);
    }
    return iso_str_from((const char *)bytes, len);
}

struct iso_func *iso_snap_get_func(struct iso_snap_reader *reader, const char *what)
{
    struct iso_store *store = reader->store;
    uint32_t owner =
        iso_snap_get_u32(reader, store->instance_count + ISO_SNAP_FIRST_INSTANCE - 1, what);
    if (owner == ISO_SNAP_NULL || reader->err != ISO_OK) {
        return NULL;
    }
    uint32_t index = iso_snap_get_u32(reader, UINT32_MAX, what);
    if (reader->err != ISO_OK) {
        return NULL;
    }
    if (owner == ISO_SNAP_HOST_OWNER) {
        if (index >= reader->host_count) {
            (void)iso_snap_fail(reader, "%s is host function %lu of %lu", what,
                                (unsigned long)index, (unsigned long)reader->host_count);
            return NULL;
        }
        return reader->hosts[index];
    }
    struct iso_instance *instance = store->instances[owner - ISO_SNAP_FIRST_INSTANCE];
    const struct iso_module *module = instance->module;
    if (index < module->func_import_count || index >= module->func_count) {
        (void)iso_snap_fail(reader,
                            "%s is function %lu of instance %lu, which has own functions "
                            "from %lu to below %lu",
                            what, (unsigned long)index, (unsigned long)instance->index,
                            (unsigned long)module->func_import_count,
                            (unsigned long)module->func_count);
        return NULL;
    }
    return iso_instance_func(instance, index);
}

void iso_snap_get_value(struct iso_snap_reader *reader, uint8_t type, union iso_slot *value,
                        const char *what)
{
    switch ((enum iso_type)type) {
    case ISO_TYPE_I32:
    case ISO_TYPE_F32:
        value->u64 = 0;
        value->u32 = iso_snap_get_fixed32(reader, what);
        break;
    case ISO_TYPE_I64:
    case ISO_TYPE_F64:
        value->u64 = iso_snap_get_fixed64(reader, what);
        break;
    case ISO_TYPE_V128: {
        const uint8_t *bytes = iso_snap_get_raw(reader, 16, what);
        if (bytes != NULL) {
            memcpy(value[0].bytes, bytes, 8);
            memcpy(value[1].bytes, bytes + 8, 8);
        }
        break;
    }
    case ISO_TYPE_FUNCREF:
        value->ref = (uintptr_t)iso_snap_get_func(reader, what);
        break;
    case ISO_TYPE_EXTERNREF:
        value->ref = iso_snap_get_u32(reader, ISO_SNAP_NULL, what);
        break;
    }
}

void iso_snap_get_values(struct iso_snap_reader *reader, const uint8_t *types, uint32_t count,
                         union iso_slot *values, const char *what)
{
    for (uint32_t i = 0; i < count; i++) {
        iso_snap_get_value(reader, types[i], values, what);
        values += iso_type_slots(types[i]);
    }
}

/* ---- Sections ------------------------------------------------------------------------------- */

static enum iso_err check_header(struct iso_snap_reader *reader)
{
    const uint8_t *magic = iso_snap_get_raw(reader, ISO_SNAP_MAGIC_BYTES, "the magic number");
    if (magic != NULL && memcmp(magic, iso_snap_magic, ISO_SNAP_MAGIC_BYTES) != 0) {
        return iso_snap_fail(reader, "this is not a snapshot: it does not begin with the bytes "
                                     "7f 49 53 4f 53 4e 41 50");
    }
    uint32_t version = iso_snap_get_fixed32(reader, "the version");
    if (reader->err == ISO_OK && version != ISO_SNAP_VERSION) {
        return iso_snap_fail(reader, "its format has version %lu, this engine reads version %u",
                             (unsigned long)version, ISO_SNAP_VERSION);
    }
    uint32_t features = iso_snap_get_fixed32(reader, "the feature bits");
    uint32_t unknown = features & ~(uint32_t)ISO_SNAP_FEATURES_KNOWN;
    if (unknown != 0) {
        return iso_snap_fail(reader, "it needs features that this engine has not (bits %#lx)",
                             (unsigned long)unknown);
    }
    return reader->err;
}

/* One section; the reader stands behind it afterwards. */
static struct iso_bytes next_section(struct iso_snap_reader *reader, const uint8_t **tag)
{
    *tag = iso_snap_get_raw(reader, 4, "a section's tag");
    uint64_t len = iso_snap_get_fixed64(reader, "a section's length");
    if (reader->err == ISO_OK && len > iso_snap_left(reader)) {
        (void)iso_snap_fail(reader,
                            "a section claims %llu bytes, but only %llu follow: the "
                            "snapshot is cut",
                            (unsigned long long)len, (unsigned long long)iso_snap_left(reader));
    }
    const uint8_t *bytes = iso_snap_get_raw(reader, (size_t)len, "a section");
    return iso_bytes_from(bytes, bytes != NULL ? (size_t)len : 0);
}

static bool has_tag(const uint8_t *tag, enum iso_snap_section section)
{
    return tag != NULL && memcmp(tag, iso_snap_tags[section], 4) == 0;
}

static enum iso_err find_sections(struct iso_snap_reader *reader)
{
    const uint8_t *tag;
    for (int i = 0; i < ISO_SNAP_USER; i++) {
        const uint8_t *begin = reader->pos;
        reader->sections[i] = next_section(reader, &tag);
        if (reader->err == ISO_OK && !has_tag(tag, (enum iso_snap_section)i)) {
            reader->mark = begin;
            return iso_snap_fail(reader, "section \"%s\" is not where it should be",
                                 iso_snap_tags[i]);
        }
    }
    const uint8_t *users = reader->pos;
    for (;;) {
        const uint8_t *begin = reader->pos;
        reader->sections[ISO_SNAP_SUM] = next_section(reader, &tag);
        if (reader->err != ISO_OK) {
            return reader->err;
        }
        reader->mark = begin;
        if (has_tag(tag, ISO_SNAP_SUM)) {
            reader->sections[ISO_SNAP_USER] = iso_bytes_from(users, (size_t)(begin - users));
            break;
        }
        if (!has_tag(tag, ISO_SNAP_USER)) {
            return iso_snap_fail(reader, "a section \"user\" or \"sum \" should be here");
        }
    }
    reader->mark = reader->pos;
    if (iso_snap_left(reader) != 0) {
        return iso_snap_fail(reader, "%llu bytes too many follow its last section",
                             (unsigned long long)iso_snap_left(reader));
    }
    return ISO_OK;
}

enum iso_err iso_snap_reader_init(struct iso_snap_reader *reader, struct iso_bytes snapshot,
                                  struct iso_report *report)
{
    static const uint8_t nothing[1];
    *reader = (struct iso_snap_reader){.all = snapshot, .report = report};
    if (snapshot.len == 0) {
        reader->all.ptr = nothing; /* pointer arithmetic wants an object */
    }
    reader->pos = reader->mark = reader->all.ptr;
    reader->end = reader->all.ptr + snapshot.len;
    enum iso_err err = check_header(reader);
    return err != ISO_OK ? err : find_sections(reader);
}

enum iso_err iso_snap_check_sum(struct iso_snap_reader *reader)
{
    iso_snap_enter(reader, ISO_SNAP_SUM);
    const uint8_t *sum = iso_snap_get_raw(reader, ISO_SHA256_SIZE, "the sum");
    if (sum == NULL) {
        return reader->err;
    }
    uint8_t actual[ISO_SHA256_SIZE];
    size_t len = (size_t)(sum - reader->all.ptr) - ISO_SNAP_SECTION_HEADER_BYTES;
    iso_sha256(reader->all.ptr, len, actual);
    if (memcmp(sum, actual, sizeof actual) != 0) {
        return iso_snap_fail(reader,
                             "it is damaged: the SHA-256 of the %llu bytes before the sum "
                             "is another",
                             (unsigned long long)len);
    }
    return iso_snap_leave(reader);
}

void iso_snap_enter(struct iso_snap_reader *reader, enum iso_snap_section section)
{
    reader->pos = reader->mark = reader->sections[section].ptr;
    reader->end = reader->pos + reader->sections[section].len;
}

enum iso_err iso_snap_leave(struct iso_snap_reader *reader)
{
    if (reader->err == ISO_OK && reader->pos != reader->end) {
        reader->mark = reader->pos;
        return iso_snap_fail(reader, "%llu bytes too many stand at the end of this section",
                             (unsigned long long)iso_snap_left(reader));
    }
    return reader->err;
}

bool iso_snap_next_user(struct iso_snap_reader *reader, struct iso_str *name,
                        struct iso_bytes *contents)
{
    if (reader->err != ISO_OK || iso_snap_left(reader) == 0) {
        return false;
    }
    const uint8_t *tag;
    struct iso_bytes section = next_section(reader, &tag);
    struct iso_snap_reader inner = *reader;
    inner.pos = inner.mark = section.ptr;
    inner.end = section.ptr + section.len;
    *name = iso_snap_get_str(&inner, "a user section's name");
    *contents = iso_bytes_from(inner.pos, iso_snap_left(&inner));
    reader->err = inner.err;
    reader->mark = section.ptr;
    return reader->err == ISO_OK;
}

/* ---- Looking without restoring --------------------------------------------------------------- */

enum iso_err iso_snapshot_check(struct iso_bytes snapshot, struct iso_report *report)
{
    struct iso_snap_reader reader;
    enum iso_err err = iso_snap_reader_init(&reader, snapshot, report);
    return err == ISO_OK ? iso_snap_check_sum(&reader) : err;
}

enum iso_err iso_snapshot_modules(struct iso_bytes snapshot, uint8_t (*digests)[32], uint32_t cap,
                                  uint32_t *count, struct iso_report *report)
{
    struct iso_snap_reader reader;
    enum iso_err err = iso_snap_reader_init(&reader, snapshot, report);
    if (err != ISO_OK) {
        return err;
    }
    iso_snap_enter(&reader, ISO_SNAP_MODS);
    uint32_t found =
        iso_snap_get_count(&reader, ISO_SHA256_SIZE, UINT32_MAX, "the number of modules");
    const uint8_t *first =
        iso_snap_get_raw(&reader, (size_t)found * ISO_SHA256_SIZE, "the modules' digests");
    err = iso_snap_leave(&reader);
    if (err != ISO_OK) {
        return err;
    }
    for (uint32_t i = 0; i < found && i < cap; i++) {
        memcpy(digests[i], first + (size_t)i * ISO_SHA256_SIZE, ISO_SHA256_SIZE);
    }
    *count = found;
    return ISO_OK;
}

enum iso_err iso_snapshot_section_bytes(struct iso_bytes snapshot, const char *name,
                                        struct iso_bytes *out, struct iso_report *report)
{
    struct iso_snap_reader reader;
    enum iso_err err = iso_snap_reader_init(&reader, snapshot, report);
    if (err != ISO_OK) {
        return err;
    }
    iso_snap_enter(&reader, ISO_SNAP_USER);
    struct iso_str found;
    struct iso_bytes contents;
    while (iso_snap_next_user(&reader, &found, &contents)) {
        if (iso_str_equal_z(found, name)) {
            *out = contents;
            return ISO_OK;
        }
    }
    if (reader.err != ISO_OK) {
        return reader.err;
    }
    return iso_fail(report, ISO_E_NOT_FOUND, "the snapshot has no section named \"%s\"", name);
}
