/*
 * Arguments of typed calls. NAME=VALUE has the value as people write it: strings, characters and
 * cases without quotes, bytes in base64; everything else is JSON as in src/codec.
 */
#include "cli/arguments.h"

#include "cli/load.h"
#include "cli/message.h"
#include "cli/status.h"

#include <stdlib.h>

/* All values of one call. */
#define ARENA_MAX_BYTES ((size_t)1 << 30)

enum { NAME_CAP = 256 };

static int out_of_memory(void)
{
    iso_cli_error("out of memory");
    return ISO_CLI_SYSTEM;
}

/* A mistake in the arguments. */
static int refuse(const struct iso_cli_arguments *arguments, const struct iso_report *report,
                  enum iso_err err)
{
    if (err == ISO_E_NOMEM) {
        return out_of_memory();
    }
    (void)arguments;
    iso_cli_error("%s", iso_report_text(report, err));
    return ISO_CLI_USAGE;
}

static bool is_bytes(const struct iso_vtype *type)
{
    return type->kind == ISO_V_LIST && type->element->kind == ISO_V_U8;
}

/* ---- Files --------------------------------------------------------------------------------- */

static int read_file(struct iso_cli_arguments *arguments, const char *path, struct iso_bytes *out)
{
    if (arguments->file_count == ISO_CLI_CALL_ARGS_MAX) {
        return iso_cli_usage_error(arguments->command, "more than %d files are named",
                                   (int)ISO_CLI_CALL_ARGS_MAX);
    }
    struct iso_file *file = &arguments->files[arguments->file_count];
    int status = iso_cli_file_load(strcmp(path, "-") == 0 ? "/dev/stdin" : path, file);
    if (status == ISO_CLI_OK) {
        arguments->file_count++;
        *out = file->bytes;
    }
    return status;
}

/* ---- One value ----------------------------------------------------------------------------- */

/* Written without quotes: strings and what JSON writes as strings. */
static bool is_word(const struct iso_vtype *type, const char *text)
{
    switch (type->kind) {
    case ISO_V_STRING:
    case ISO_V_CHAR:
        return true;
    case ISO_V_ENUM:
        return text[0] != '"';
    case ISO_V_F32:
    case ISO_V_F64:
        return strcmp(text, "nan") == 0 || strcmp(text, "inf") == 0 || strcmp(text, "-inf") == 0;
    case ISO_V_LIST:
        return is_bytes(type) && text[0] != '"' && text[0] != '[';
    default:
        return false;
    }
}

static enum iso_err append_quoted(struct iso_buf *out, const char *text)
{
    struct iso_json json;
    iso_json_init_buf(&json, out, 0);
    iso_json_z(&json, text);
    return iso_json_finish(&json);
}

/* The kind that decides how a value is written: that of an option is its element's. */
static const struct iso_vtype *written_as(const struct iso_vtype *type)
{
    return type->kind == ISO_V_OPTION ? type->element : type;
}

static enum iso_err parse_text(struct iso_cli_arguments *arguments, uint32_t index,
                               const char *text, struct iso_report *report)
{
    const struct iso_wit_param *param = &arguments->func->params[index];
    const struct iso_vtype *as = written_as(param->type);
    struct iso_value *value = &arguments->values[index];
    char name[NAME_CAP];
    (void)iso_format(name, sizeof name, "%.*s", (int)param->name.len, param->name.ptr);
    if (as->kind == ISO_V_STRING && !iso_utf8_valid(text, strlen(text))) {
        return iso_fail(report, ISO_E_ARGUMENT,
                        "%s: expected string, found bytes that are no "
                        "UTF-8",
                        name);
    }
    struct iso_buf quoted;
    struct iso_bytes json = iso_bytes_from(text, strlen(text));
    enum iso_err err = ISO_OK;
    iso_buf_init(&quoted, iso_alloc_libc(), SIZE_MAX);
    if (is_word(as, text)) {
        err = append_quoted(&quoted, text);
        json = iso_buf_view(&quoted);
    }
    if (err == ISO_OK) {
        err = iso_json_decode(param->type, json, name, &arguments->arena, value, report);
    }
    iso_buf_fini(&quoted);
    return err;
}

/* The contents of a file: bytes as they are, strings too, else JSON. */
static enum iso_err take_contents(struct iso_cli_arguments *arguments, uint32_t index,
                                  struct iso_bytes contents, struct iso_report *report)
{
    const struct iso_wit_param *param = &arguments->func->params[index];
    const struct iso_vtype *as = written_as(param->type);
    struct iso_value inner;
    char name[NAME_CAP];
    (void)iso_format(name, sizeof name, "%.*s", (int)param->name.len, param->name.ptr);
    memset(&inner, 0, sizeof inner);
    if (is_bytes(as)) {
        inner.bytes = contents;
    } else if (as->kind == ISO_V_STRING) {
        inner.string = iso_str_from((const char *)contents.ptr, contents.len);
    } else {
        return iso_json_decode(param->type, contents, name, &arguments->arena,
                               &arguments->values[index], report);
    }
    if (param->type == as) {
        arguments->values[index] = inner;
        return ISO_OK;
    }
    struct iso_value *payload = iso_arena_alloc(&arguments->arena, sizeof *payload);
    if (payload == NULL) {
        return ISO_E_NOMEM;
    }
    *payload = inner;
    arguments->values[index].choice.payload = payload;
    arguments->values[index].choice.index = 1;
    return ISO_OK;
}

/* ---- All of them --------------------------------------------------------------------------- */

static int unknown_parameter(const struct iso_cli_arguments *arguments, const char *name)
{
    const struct iso_wit_func *func = arguments->func;
    char names[1024] = "";
    size_t len = 0;
    for (uint32_t i = 0; i < func->param_count; i++) {
        len += iso_format(names + len, sizeof names - len, "%s%.*s", i != 0 ? ", " : "",
                          (int)func->params[i].name.len, func->params[i].name.ptr);
    }
    if (func->param_count == 0) {
        iso_cli_error("%s: unknown parameter; %.*s takes none", name, (int)func->name.len,
                      func->name.ptr);
    } else {
        iso_cli_error("%s: unknown parameter; expected one of %s", name, names);
    }
    return ISO_CLI_USAGE;
}

static int take_named(struct iso_cli_arguments *arguments, char *text, bool *seen)
{
    const struct iso_wit_func *func = arguments->func;
    struct iso_report report;
    struct iso_bytes contents;
    const char *equals = strchr(text, '=');
    struct iso_str name = iso_str_from(text, (size_t)(equals - text));
    char shown[NAME_CAP];
    uint32_t index = 0;
    (void)iso_format(shown, sizeof shown, "%.*s", (int)(name.len < 200 ? name.len : 200), name.ptr);
    while (index < func->param_count && !iso_str_equal(func->params[index].name, name)) {
        index++;
    }
    if (index == func->param_count) {
        return unknown_parameter(arguments, shown);
    }
    if (seen[index]) {
        iso_cli_error("%s: given twice", shown);
        return ISO_CLI_USAGE;
    }
    seen[index] = true;
    iso_report_init(&report);
    const struct iso_vtype *as = written_as(func->params[index].type);
    enum iso_err err;
    if (equals[1] == '@' && as->kind != ISO_V_STRING && as->kind != ISO_V_CHAR) {
        int status = read_file(arguments, equals + 2, &contents);
        if (status != ISO_CLI_OK) {
            return status;
        }
        err = take_contents(arguments, index, contents, &report);
    } else {
        err = parse_text(arguments, index, equals + 1, &report);
    }
    return err == ISO_OK ? ISO_CLI_OK : refuse(arguments, &report, err);
}

/* What was not given: none where that is possible, else the message of the codec. */
static int fill_missing(struct iso_cli_arguments *arguments, const bool *seen)
{
    struct iso_report report;
    iso_report_init(&report);
    for (uint32_t i = 0; i < arguments->func->param_count; i++) {
        if (seen[i]) {
            continue;
        }
        struct iso_wit_func one = *arguments->func;
        one.params = &arguments->func->params[i];
        one.param_count = 1;
        enum iso_err err = iso_json_decode_params(&one, iso_bytes_from("{}", 2), &arguments->arena,
                                                  &arguments->values[i], &report);
        if (err != ISO_OK) {
            /* Without the place in a text that nobody wrote. */
            report.has_offset = false;
            return refuse(arguments, &report, err);
        }
    }
    return ISO_CLI_OK;
}

static int take_json(struct iso_cli_arguments *arguments, struct iso_bytes text)
{
    struct iso_report report;
    iso_report_init(&report);
    enum iso_err err = iso_json_decode_params(arguments->func, text, &arguments->arena,
                                              arguments->values, &report);
    return err == ISO_OK ? ISO_CLI_OK : refuse(arguments, &report, err);
}

/* One @FILE or "-". */
static int take_file(struct iso_cli_arguments *arguments, const char *path)
{
    const struct iso_wit_func *func = arguments->func;
    struct iso_report report;
    struct iso_bytes contents;
    iso_report_init(&report);
    int status = read_file(arguments, path, &contents);
    if (status != ISO_CLI_OK) {
        return status;
    }
    if (func->param_count != 1 || !is_bytes(written_as(func->params[0].type))) {
        return take_json(arguments, contents);
    }
    enum iso_err err = take_contents(arguments, 0, contents, &report);
    return err == ISO_OK ? ISO_CLI_OK : refuse(arguments, &report, err);
}

static int take_all_named(struct iso_cli_arguments *arguments, char *const *texts, size_t count)
{
    bool *seen = calloc(arguments->func->param_count + 1u, sizeof *seen);
    int status = seen != NULL ? ISO_CLI_OK : out_of_memory();
    for (size_t i = 0; i < count && status == ISO_CLI_OK; i++) {
        const char *equals = strchr(texts[i], '=');
        if (equals == NULL || equals == texts[i]) {
            status = iso_cli_usage_error(arguments->command,
                                         "'%s' is no argument; write NAME=VALUE, or all of them as "
                                         "one JSON object or array",
                                         texts[i]);
        } else {
            status = take_named(arguments, texts[i], seen);
        }
    }
    if (status == ISO_CLI_OK) {
        status = fill_missing(arguments, seen);
    }
    free(seen);
    return status;
}

int iso_cli_arguments_read(const struct iso_cli_command *command, const struct iso_wit_func *func,
                           char *const *texts, size_t count, struct iso_cli_arguments *out)
{
    memset(out, 0, sizeof *out);
    out->command = command;
    out->func = func;
    iso_arena_init(&out->arena, iso_alloc_libc(), 0, ARENA_MAX_BYTES);
    out->values = iso_arena_array(&out->arena, func->param_count, sizeof *out->values);
    if (out->values == NULL) {
        return out_of_memory();
    }
    if (count == 1) {
        const char *text = texts[0];
        if (text[0] == '{' || text[0] == '[') {
            return take_json(out, iso_bytes_from(text, strlen(text)));
        }
        if (text[0] == '@' || strcmp(text, "-") == 0) {
            return take_file(out, text[0] == '@' ? text + 1 : text);
        }
    }
    return take_all_named(out, texts, count);
}

int iso_cli_arguments_read_program(const struct iso_cli_command *command,
                                   const struct iso_wit_func *func, char *const *texts,
                                   size_t count, struct iso_cli_arguments *out)
{
    enum { PARAMS = 3 };
    struct iso_vtype types[PARAMS];
    struct iso_wit_param params[PARAMS];
    struct iso_wit_func optional = *func;
    enum iso_err err = ISO_OK;
    ISO_ASSERT(func->param_count == PARAMS);
    for (uint32_t i = 0; i < PARAMS && err == ISO_OK; i++) {
        types[i] = (struct iso_vtype){.kind = ISO_V_OPTION, .element = func->params[i].type};
        err = iso_vtype_finish(&types[i], NULL);
        params[i] = (struct iso_wit_param){.name = func->params[i].name, .type = &types[i]};
    }
    ISO_ASSERT(err == ISO_OK);
    optional.params = params;
    const int status = iso_cli_arguments_read(command, &optional, texts, count, out);
    out->func = func;
    for (uint32_t i = 0; i < PARAMS && status == ISO_CLI_OK; i++) {
        const struct iso_value *given = out->values[i].choice.payload;
        out->values[i] = given != NULL ? *given : (struct iso_value){.list = {NULL, 0}};
    }
    return status;
}

void iso_cli_arguments_fini(struct iso_cli_arguments *arguments)
{
    for (size_t i = 0; i < arguments->file_count; i++) {
        iso_file_fini(&arguments->files[i]);
    }
    iso_arena_fini(&arguments->arena);
}
