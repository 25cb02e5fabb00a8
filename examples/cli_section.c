/* cli_section.c - the bytes are those of src/cli/record.c: a version, then fields. */
#include "cli_section.h"

enum { VERSION = 1, TAG_PHASE = 1, TAG_FUNCTION = 3, TAG_ARGUMENT = 4, PHASE_MAIN = 3 };

static enum iso_err append_field(struct iso_buf *out, uint8_t tag, const void *bytes, size_t len)
{
    enum iso_err err = iso_buf_append_u8(out, tag);
    if (err == ISO_OK) {
        err = iso_buf_append_u32le(out, (uint32_t)len);
    }
    return err == ISO_OK ? iso_buf_append(out, bytes, len) : err;
}

static enum iso_err save(void *ctx, struct iso_buf *out, struct iso_report *report)
{
    const struct cli_section *call = ctx;
    const uint8_t phase = PHASE_MAIN;
    (void)report;
    enum iso_err err = iso_buf_append_u32le(out, VERSION);
    if (err == ISO_OK) {
        err = append_field(out, TAG_PHASE, &phase, sizeof phase);
    }
    if (err == ISO_OK) {
        err = append_field(out, TAG_FUNCTION, call->function, strlen(call->function));
    }
    if (err == ISO_OK && call->argument != NULL) {
        err = append_field(out, TAG_ARGUMENT, call->argument, strlen(call->argument));
    }
    return err;
}

static enum iso_err load(void *ctx, struct iso_bytes bytes, struct iso_report *report)
{
    (void)ctx;
    (void)bytes;
    (void)report;
    return ISO_OK;
}

struct iso_snapshot_section cli_section(struct cli_section *call)
{
    return (struct iso_snapshot_section){
        .name = "cli", .ctx = call, .optional = true, .save = save, .load = load};
}
