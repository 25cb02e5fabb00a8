/*
 * The section "cli": a version (u32, 1), then fields until the end, each a tag (u8), a length (u32)
 * and that many bytes; numbers little-endian.
 *
 *   1  phase: one byte, enum iso_cli_phase      4  an argument of it, repeated
 *   2  absolute path of the module              5  a grant as on the command line, repeated
 *   3  function of --invoke
 *
 * Fields with other tags are for later versions, and passed over.
 */
#include "cli/record.h"

enum { VERSION = 1 };
enum { TAG_PHASE = 1, TAG_MODULE_PATH = 2, TAG_INVOKE = 3, TAG_ARG = 4, TAG_GRANT = 5 };

void iso_cli_record_init(struct iso_cli_record *record)
{
    record->phase = ISO_CLI_PHASE_MAIN;
    record->module_path = record->invoke = iso_str_from(NULL, 0);
    record->arg_count = record->grant_count = 0;
}

static enum iso_err save_field(struct iso_buf *out, uint8_t tag, const void *ptr, size_t len)
{
    if (len > UINT32_MAX) {
        return ISO_E_LIMIT;
    }
    enum iso_err err = iso_buf_append_u8(out, tag);
    if (err == ISO_OK) {
        err = iso_buf_append_u32le(out, (uint32_t)len);
    }
    return err == ISO_OK ? iso_buf_append(out, ptr, len) : err;
}

static enum iso_err save_list(struct iso_buf *out, uint8_t tag, const struct iso_str *list,
                              size_t count)
{
    enum iso_err err = ISO_OK;
    for (size_t i = 0; i < count && err == ISO_OK; i++) {
        err = save_field(out, tag, list[i].ptr, list[i].len);
    }
    return err;
}

enum iso_err iso_cli_record_save(const struct iso_cli_record *record, struct iso_buf *out)
{
    uint8_t phase = (uint8_t)record->phase;
    enum iso_err err = iso_buf_append_u32le(out, VERSION);
    if (err == ISO_OK) {
        err = save_field(out, TAG_PHASE, &phase, 1);
    }
    if (err == ISO_OK && record->module_path.len != 0) {
        err = save_list(out, TAG_MODULE_PATH, &record->module_path, 1);
    }
    if (err == ISO_OK && record->invoke.len != 0) {
        err = save_list(out, TAG_INVOKE, &record->invoke, 1);
    }
    if (err == ISO_OK) {
        err = save_list(out, TAG_ARG, record->args, record->arg_count);
    }
    return err == ISO_OK ? save_list(out, TAG_GRANT, record->grants, record->grant_count) : err;
}

/* False when the field's value cannot be. Texts go to C functions, so they hold no zero byte. */
static bool load_field(struct iso_cli_record *record, uint8_t tag, struct iso_str text)
{
    if (tag == TAG_PHASE) {
        uint8_t phase = text.len == 1 ? (uint8_t)text.ptr[0] : 0;
        record->phase = (enum iso_cli_phase)phase;
        return phase >= ISO_CLI_PHASE_START && phase <= ISO_CLI_PHASE_MAIN;
    }
    if (text.len != 0 && memchr(text.ptr, 0, text.len) != NULL) {
        return tag > TAG_GRANT || tag == 0;
    }
    switch (tag) {
    case TAG_MODULE_PATH:
        record->module_path = text;
        return true;
    case TAG_INVOKE:
        record->invoke = text;
        return true;
    case TAG_ARG:
        if (record->arg_count == ISO_CLI_RECORD_ARGS_MAX) {
            return false;
        }
        record->args[record->arg_count++] = text;
        return true;
    case TAG_GRANT:
        if (record->grant_count == ISO_CLI_RECORD_GRANTS_MAX) {
            return false;
        }
        record->grants[record->grant_count++] = text;
        return true;
    default:
        return true;
    }
}

static enum iso_err fail_damaged(struct iso_cli_record *record, struct iso_report *report)
{
    iso_cli_record_init(record);
    return iso_fail(report, ISO_E_SNAPSHOT, "the section 'cli' of the snapshot is damaged");
}

enum iso_err iso_cli_record_load(struct iso_cli_record *record, struct iso_bytes bytes,
                                 struct iso_report *report)
{
    iso_cli_record_init(record);
    if (bytes.len < 4) {
        return fail_damaged(record, report);
    }
    uint32_t version = iso_load_u32le(bytes.ptr);
    if (version != VERSION) {
        return iso_fail(report, ISO_E_SNAPSHOT,
                        "the section 'cli' of the snapshot has version %u; this isomer reads %d",
                        (unsigned)version, VERSION);
    }
    size_t at = 4;
    while (at < bytes.len) {
        if (bytes.len - at < 5) {
            return fail_damaged(record, report);
        }
        uint8_t tag = bytes.ptr[at];
        size_t len = iso_load_u32le(bytes.ptr + at + 1);
        at += 5;
        if (len > bytes.len - at ||
            !load_field(record, tag, iso_str_from((const char *)bytes.ptr + at, len))) {
            return fail_damaged(record, report);
        }
        at += len;
    }
    return ISO_OK;
}
