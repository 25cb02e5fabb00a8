/* Writing the state of the running program to the file of --snapshot. */
#include "cli/message.h"
#include "cli/session.h"
#include "cli/status.h"

#include <inttypes.h>

static enum iso_err section_save(void *ctx, struct iso_buf *out, struct iso_report *report)
{
    const struct iso_cli_session *session = ctx;
    (void)report;
    return iso_cli_record_save(&session->record, out);
}

static enum iso_err section_load(void *ctx, struct iso_bytes bytes, struct iso_report *report)
{
    (void)ctx; /* resume loaded the record before, to find the modules */
    (void)bytes;
    (void)report;
    return ISO_OK;
}

struct iso_snapshot_section iso_cli_snapshot_section(struct iso_cli_session *session)
{
    /* Optional: a snapshot made by another embedder has none, and can be continued all the same. */
    return (struct iso_snapshot_section){.name = "cli",
                                         .ctx = session,
                                         .optional = true,
                                         .save = section_save,
                                         .load = section_load};
}

/* text as a word of the shell, so that the commands that messages show can be copied. Cut when it
 * is too long. */
static const char *quoted(char *out, size_t cap, const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-./:,=+@%";
    if (text[0] != '\0' && text[strspn(text, plain)] == '\0') {
        return text;
    }
    size_t len = iso_format(out, cap, "'");
    for (; *text != '\0' && len + 1 < cap; text++) {
        len += *text == '\'' ? iso_format(out + len, cap - len, "'\\''")
                             : iso_format(out + len, cap - len, "%c", *text);
    }
    (void)iso_format(out + len, cap - len, "'");
    return out;
}

/* What resume needs to say when a grant is missing, and where it finds the module. */
static void complete_record(struct iso_cli_session *session, char (*texts)[4096])
{
    struct iso_cli_record *record = &session->record;
    char word[4096];
    record->grant_count = 0;
    for (size_t i = 0; i < session->settings.dir_count; i++) {
        const char *text = session->settings.dirs[i].text;
        size_t len = iso_format(texts[record->grant_count], sizeof texts[0], "--dir %s",
                                quoted(word, sizeof word, text));
        record->grants[record->grant_count] = iso_str_from(texts[record->grant_count], len);
        record->grant_count++;
    }
    for (size_t i = 0; i < session->settings.listen_count; i++) {
        const char *text = session->settings.listens[i].text;
        size_t len = iso_format(texts[record->grant_count], sizeof texts[0], "--listen %s",
                                quoted(word, sizeof word, text));
        record->grants[record->grant_count] = iso_str_from(texts[record->grant_count], len);
        record->grant_count++;
    }
}

static enum iso_err save(struct iso_cli_session *session, struct iso_buf *out,
                         struct iso_report *report)
{
    static char texts[2 * ISO_CLI_GRANTS_MAX][4096];
    struct iso_snapshot_section sections[2];
    size_t count = 0;
    complete_record(session, texts);
    sections[count++] = iso_cli_snapshot_section(session);
    if (session->wasi != NULL) {
        sections[count++] = iso_wasi_section(session->wasi);
    }
    return iso_snapshot_save(session->store, sections, count, out, report);
}

/* The command that continues it, with the grants that it needs. */
static void print_written(const struct iso_cli_session *session, size_t len)
{
    char size[32], grants[2048], path[4096];
    const struct iso_cli_record *record = &session->record;
    size_t at = 0;
    grants[0] = '\0';
    for (size_t i = 0; i < record->grant_count; i++) {
        at += iso_format(grants + at, sizeof grants - at, " %.*s", (int)record->grants[i].len,
                         record->grants[i].ptr);
    }
    (void)iso_format_size(size, len);
    iso_cli_note("snapshot of %s written to '%s' after %" PRIu64 " units of fuel", size,
                 session->settings.snapshot_path, iso_store_fuel_used(session->store));
    iso_cli_hint("continue with: isomer resume%s %s", grants,
                 quoted(path, sizeof path, session->settings.snapshot_path));
}

bool iso_cli_snapshot_write(struct iso_cli_session *session)
{
    struct iso_buf out;
    struct iso_report report;
    iso_report_init(&report);
    iso_buf_init(&out, iso_alloc_libc(), SIZE_MAX);
    enum iso_err err = save(session, &out, &report);
    if (err == ISO_OK) {
        err = iso_file_write_atomic(session->settings.snapshot_path, iso_buf_view(&out), &report);
        if (err == ISO_OK) {
            print_written(session, out.len);
        }
    }
    iso_buf_fini(&out);
    if (err != ISO_OK) {
        iso_cli_error_report("no snapshot was written; the program goes on", &report, err);
    }
    return err == ISO_OK;
}
