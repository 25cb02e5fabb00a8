/* isomer inspect: what is in a file. */
#include "cli/inspect.h"

#include "cli/commands.h"
#include "cli/message.h"
#include "cli/status.h"

enum {
    OPTION_JSON,
    OPTION_MODULE,
    OPTION_TEXT,
    OPTION_WIT,
    OPTION_TD,
    OPTION_OPENAPI,
    OPTION_BASE
};
enum { MODULES_MAX = 16 };

static const struct iso_cli_option options[] = {
    {OPTION_JSON, "json", NULL, false, "as JSON, with everything that the text has"},
    {OPTION_MODULE, "module", "FILE", true,
     "for a snapshot: a module of it (default: the file from\n"
     "which it was run)"},
};
static const struct iso_cli_option_group group = {"Options", options, ISO_COUNT_OF(options)};

static const struct iso_cli_option interface_options[] = {
    {OPTION_TEXT, "text", NULL, false, "its interface as a page to read"},
    {OPTION_WIT, "wit", NULL, false, "its interface as WIT text"},
    {OPTION_TD, "td", NULL, false, "its interface as a Thing Description 1.1 (JSON)"},
    {OPTION_OPENAPI, "openapi", NULL, false, "its interface as an OpenAPI 3.1 document (JSON)"},
    {OPTION_BASE, "base", "URL", false,
     "for --td and --openapi: where its functions are\n"
     "reached (default: left open)"},
};
static const struct iso_cli_option_group interface_group = {
    "Of a module, instead of the rest", interface_options, ISO_COUNT_OF(interface_options)};
static const struct iso_cli_option_group *const groups[] = {&group, &interface_group};

struct request {
    const char *path;
    const char *modules[MODULES_MAX];
    size_t module_count;
    bool as_json;
    enum iso_cli_inspect_view view;
    const char *base;
};

static int take_view(const struct iso_cli_command *command, struct request *request, int id)
{
    if (request->view != ISO_CLI_VIEW_NONE) {
        return iso_cli_usage_error(command, "one of --text, --wit, --td and --openapi at a time");
    }
    request->view = id == OPTION_TEXT  ? ISO_CLI_VIEW_TEXT
                    : id == OPTION_WIT ? ISO_CLI_VIEW_WIT
                    : id == OPTION_TD  ? ISO_CLI_VIEW_TD
                                       : ISO_CLI_VIEW_OPENAPI;
    return ISO_CLI_OK;
}

static int read_args(const struct iso_cli_command *command, struct iso_cli_args *args,
                     struct request *request)
{
    for (;;) {
        int id = iso_cli_args_next(args);
        if (id == ISO_CLI_ARGS_END) {
            break;
        }
        if (id == ISO_CLI_ARGS_OPERAND) {
            if (request->path != NULL) {
                return iso_cli_usage_error(command, "one file at a time: '%s' or '%s'?",
                                           request->path, args->value);
            }
            request->path = args->value;
        } else if (id == OPTION_MODULE) {
            if (request->module_count == MODULES_MAX) {
                return iso_cli_usage_error(command, "--module is given too often");
            }
            request->modules[request->module_count++] = args->value;
        } else if (id == OPTION_JSON) {
            request->as_json = true;
        } else if (id == OPTION_BASE) {
            request->base = args->value;
        } else if (id == OPTION_TEXT || id == OPTION_WIT || id == OPTION_TD ||
                   id == OPTION_OPENAPI) {
            int status = take_view(command, request, id);
            if (status != ISO_CLI_OK) {
                return status;
            }
        } else {
            return id;
        }
    }
    if (request->base != NULL && request->view != ISO_CLI_VIEW_TD &&
        request->view != ISO_CLI_VIEW_OPENAPI) {
        return iso_cli_usage_error(command, "--base goes with --td or --openapi");
    }
    if (request->as_json && request->view != ISO_CLI_VIEW_NONE) {
        return iso_cli_usage_error(command,
                                   "--json does not go with --text, --wit, --td or --openapi");
    }
    return request->path != NULL ? ISO_CLI_OK
                                 : iso_cli_usage_error(command, "there is no FILE to inspect");
}

static int inspect_module(struct iso_engine *engine, const struct request *request,
                          struct iso_file *file)
{
    struct iso_cli_module module = {.module = NULL};
    int status = iso_cli_module_take(engine, request->path, file, &module);
    if (status == ISO_CLI_OK && request->view != ISO_CLI_VIEW_NONE) {
        status =
            iso_cli_inspect_interface(request->path, module.module, request->view, request->base);
    } else if (status == ISO_CLI_OK) {
        status = request->as_json ? iso_cli_inspect_module_json(request->path, module.module)
                                  : iso_cli_inspect_module_text(request->path, module.module);
    }
    iso_cli_module_fini(&module);
    return status;
}

static int inspect(const struct request *request)
{
    struct iso_engine_config config = {.platform = iso_platform_posix()};
    struct iso_engine *engine;
    struct iso_file file;
    int status = iso_cli_file_load(request->path, &file);
    if (status != ISO_CLI_OK) {
        return status;
    }
    enum iso_err err = iso_engine_create(&config, &engine);
    if (err != ISO_OK) {
        iso_file_fini(&file);
        iso_cli_error("cannot make an engine: %s", iso_err_text(err));
        return iso_cli_status_from(err);
    }
    if (iso_cli_file_kind(file.bytes) == ISO_CLI_FILE_SNAPSHOT &&
        request->view == ISO_CLI_VIEW_NONE) {
        status = iso_cli_inspect_snapshot(engine, request->path, file.bytes, request->modules,
                                          request->module_count, request->as_json);
    } else {
        status = inspect_module(engine, request, &file);
    }
    iso_file_fini(&file);
    iso_engine_destroy(engine);
    return status;
}

static int run(const struct iso_cli_command *command, int argc, char **argv)
{
    struct iso_cli_args args;
    struct request request = {.path = NULL};
    iso_cli_args_init(&args, command, argc, argv);
    int status = read_args(command, &args, &request);
    if (status < 0) {
        return iso_cli_args_status(status);
    }
    if (status == ISO_CLI_OK) {
        status = inspect(&request);
    }
    return iso_cli_finish_output(status);
}

int iso_cli_print_json(struct iso_buf *out, enum iso_err err)
{
    if (err == ISO_OK) {
        (void)fwrite(out->ptr, 1, out->len, stdout);
    } else {
        iso_cli_error("cannot write JSON: %s", iso_err_text(err));
    }
    return iso_cli_status_from(err);
}

const struct iso_cli_command iso_cli_command_inspect = {
    .name = "inspect",
    .summary = "show what is in a module or a snapshot",
    .synopsis = "[--json | --text | --wit | --td | --openapi] [--module FILE] FILE",
    .description =
        "Validates a module and shows its digest, sections, imports and exports with their types,\n"
        "and memory. Of a snapshot it shows the modules, how far the program had come, what it "
        "needs\n"
        "to continue, and its state when the modules are found.\n"
        "The interface of a module is that of MODULE.wit beside it, or what the module brings, or\n"
        "else is derived from its exports.",
    .examples = "  isomer inspect program.wasm\n"
                "  isomer inspect --json program.wasm | jq .exports\n"
                "  isomer inspect --wit scaler.wasm\n"
                "  isomer inspect --td --base https://device:8443/v1/scaler scaler.wasm > td.json\n"
                "  isomer inspect work.snap\n",
    .groups = groups,
    .group_count = ISO_COUNT_OF(groups),
    .run = run,
};
