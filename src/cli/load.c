/* Module files. */
#include "cli/load.h"

#include "cli/message.h"
#include "cli/status.h"

/* Above what the engine accepts (limits.h), so that its own message comes where it can. */
#define FILE_MAX_BYTES (UINT64_C(1) << 30)

int iso_cli_file_load(const char *path, struct iso_file *out)
{
    struct iso_report report;
    iso_report_init(&report);
    enum iso_err err = iso_file_read(path, FILE_MAX_BYTES, out, &report);
    if (err == ISO_OK) {
        return ISO_CLI_OK;
    }
    iso_cli_error("%s", iso_report_text(&report, err));
    return err == ISO_E_NOMEM ? ISO_CLI_SYSTEM : ISO_CLI_UNREADABLE;
}

static bool begins_with(struct iso_bytes bytes, const char *prefix, size_t len)
{
    return bytes.len >= len && memcmp(bytes.ptr, prefix, len) == 0;
}

/* The text format begins with "(" after spaces and comments. */
static bool looks_like_text_format(struct iso_bytes bytes)
{
    size_t at = 0;
    while (at < bytes.len && memchr(" \t\r\n", bytes.ptr[at], 4) != NULL) {
        at++;
    }
    struct iso_bytes rest = iso_bytes_from(bytes.ptr + at, bytes.len - at);
    return begins_with(rest, "(module", 7) || begins_with(rest, "(;", 2) ||
           begins_with(rest, ";;", 2) || begins_with(rest, "(component", 10);
}

enum iso_cli_file_kind iso_cli_file_kind(struct iso_bytes bytes)
{
    if (bytes.len == 0) {
        return ISO_CLI_FILE_EMPTY;
    }
    if (begins_with(bytes, "\0asm", 4)) {
        /* Components have a version with "layer" 1 in its upper half. */
        return bytes.len >= 8 && iso_load_u16le(bytes.ptr + 6) == 1 ? ISO_CLI_FILE_COMPONENT
                                                                    : ISO_CLI_FILE_MODULE;
    }
    if (looks_like_text_format(bytes)) {
        return ISO_CLI_FILE_TEXT;
    }
    /* Also a damaged one: what is wrong with it is found out by who reads it. */
    if (begins_with(bytes, "\177ISOSNAP", 8)) {
        return ISO_CLI_FILE_SNAPSHOT;
    }
    return ISO_CLI_FILE_OTHER;
}

int iso_cli_not_a_module(const char *path, enum iso_cli_file_kind kind, struct iso_bytes bytes)
{
    char start[2 * 8 + 1];
    switch (kind) {
    case ISO_CLI_FILE_EMPTY:
        iso_cli_error("'%s' is not a WebAssembly module: the file is empty", path);
        break;
    case ISO_CLI_FILE_COMPONENT:
        iso_cli_error("'%s' is a WebAssembly component, not a module", path);
        iso_cli_hint("build it for WASI preview 1 (wasm32-wasip1)");
        break;
    case ISO_CLI_FILE_TEXT:
        iso_cli_error("'%s' is WebAssembly text, not a binary module", path);
        iso_cli_hint("translate it first: wat2wasm '%s' -o module.wasm", path);
        break;
    case ISO_CLI_FILE_SNAPSHOT:
        iso_cli_error("'%s' is a snapshot, not a module", path);
        iso_cli_hint("continue it with: isomer resume '%s'", path);
        break;
    case ISO_CLI_FILE_MODULE:
    case ISO_CLI_FILE_OTHER:
        iso_hex_encode(bytes.ptr, bytes.len < 8 ? bytes.len : 8, start);
        iso_cli_error("'%s' is not a WebAssembly module: it begins with the bytes %s, a module "
                      "with 0061736d01000000 (at byte 0x0)",
                      path, start);
        if (begins_with(bytes, "\177ELF", 4)) {
            iso_cli_hint("it is a native program; compile it for wasm32-wasi instead");
        } else if (begins_with(bytes, "\x1f\x8b", 2)) {
            iso_cli_hint("it is compressed; unpack it with gunzip");
        }
        break;
    }
    return ISO_CLI_INVALID;
}

int iso_cli_module_take(struct iso_engine *engine, const char *path, struct iso_file *file,
                        struct iso_cli_module *out)
{
    struct iso_report report;
    iso_report_init(&report);
    *out = (struct iso_cli_module){.file = *file};
    *file = (struct iso_file){.cap = 0};
    /* A module is what is asked for; looking for anything else comes only after this. */
    if (!begins_with(out->file.bytes, "\0asm\1\0\0\0", 8)) {
        enum iso_cli_file_kind kind = iso_cli_file_kind(out->file.bytes);
        if (kind != ISO_CLI_FILE_MODULE) {
            return iso_cli_not_a_module(path, kind, out->file.bytes);
        }
    }
    enum iso_err err =
        iso_module_create(engine, out->file.bytes.ptr, out->file.bytes.len, &out->module, &report);
    if (err != ISO_OK) {
        char subject[512];
        (void)iso_format(subject, sizeof subject, "'%s' is not a %s module", path,
                         err == ISO_E_INVALID ? "valid" : "usable");
        iso_cli_error_report(subject, &report, err);
        return err == ISO_E_NOMEM ? ISO_CLI_SYSTEM : ISO_CLI_INVALID;
    }
    return ISO_CLI_OK;
}

int iso_cli_module_load(struct iso_engine *engine, const char *path, struct iso_cli_module *out)
{
    struct iso_file file = {.cap = 0};
    *out = (struct iso_cli_module){.module = NULL};
    int status = iso_cli_file_load(path, &file);
    return status == ISO_CLI_OK ? iso_cli_module_take(engine, path, &file, out) : status;
}

void iso_cli_module_fini(struct iso_cli_module *module)
{
    iso_module_destroy(module->module);
    iso_file_fini(&module->file);
    module->module = NULL;
}
