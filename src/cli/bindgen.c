/* isomer bindgen: source code between a guest and its interface. */
#include "cli/bindgen.h"

#include "cli/commands.h"
#include "cli/interface.h"
#include "cli/message.h"
#include "cli/status.h"

enum { OPTION_OUT, OPTION_WORLD };
enum { PATH_CAP = 4096 };

static const struct iso_cli_option options[] = {
    {OPTION_OUT, "o", "DIR", false, "the folder to write to; it is made if need be"},
    {OPTION_WORLD, "world", "NAME", false, "which world (default: the first of the package)"},
};
static const struct iso_cli_option_group group = {"Options", options, ISO_COUNT_OF(options)};
static const struct iso_cli_option_group *const groups[] = {&group};

static const struct {
    const char *name;
    enum iso_gen_language language;
} languages[] = {
    {"c", ISO_GEN_C},
    {"rust", ISO_GEN_RUST},
    {"assemblyscript", ISO_GEN_ASSEMBLYSCRIPT},
};

struct request {
    const struct iso_cli_command *command;
    const char *language, *path, *folder, *world;
};

bool iso_cli_language_parse(const char *text, enum iso_gen_language *out)
{
    for (size_t i = 0; i < ISO_COUNT_OF(languages); i++) {
        if (strcmp(text, languages[i].name) == 0) {
            *out = languages[i].language;
            return true;
        }
    }
    if (strcmp(text, "as") == 0) {
        *out = ISO_GEN_ASSEMBLYSCRIPT;
        return true;
    }
    return false;
}

int iso_cli_language_take(const struct iso_cli_command *command, const char *text,
                          enum iso_gen_language *out)
{
    if (iso_cli_language_parse(text, out)) {
        return ISO_CLI_OK;
    }
    struct iso_nearest nearest = {.word = iso_str_from_z(text)};
    for (size_t i = 0; i < ISO_COUNT_OF(languages); i++) {
        iso_nearest_try(&nearest, iso_str_from_z(languages[i].name));
    }
    if (nearest.best.len != 0 && strlen(text) > 1) {
        return iso_cli_usage_error(command, "there is no language '%s'; did you mean %s?", text,
                                   nearest.best.ptr);
    }
    return iso_cli_usage_error(
        command, "there is no language '%s'; there are c, rust and assemblyscript", text);
}

/* ---- Writing ------------------------------------------------------------------------------- */

struct writer {
    const char *folder;
    bool show;
    char *stem; /* NULL: not asked for, or known */
    int status;
};

static enum iso_err write_file(void *ctx, const char *name, struct iso_bytes contents)
{
    struct writer *writer = ctx;
    char path[PATH_CAP];
    size_t len = iso_format(path, sizeof path, "%s/%s", writer->folder, name);
    if (len + 1 >= sizeof path) {
        iso_cli_error("the name of the folder '%s' is too long", writer->folder);
        writer->status = ISO_CLI_IO;
        return ISO_E_IO;
    }
    writer->status = iso_cli_file_save(path, contents);
    if (writer->status != ISO_CLI_OK) {
        return ISO_E_IO;
    }
    if (writer->show) {
        iso_cli_print_str(stdout, iso_str_from(path, len));
        putchar('\n');
    }
    if (writer->stem != NULL) {
        const char *dot = strrchr(name, '.');
        (void)iso_format(writer->stem, ISO_CLI_BINDING_NAME_CAP, "%.*s",
                         (int)(dot != NULL ? (size_t)(dot - name) : strlen(name)), name);
        writer->stem = NULL;
    }
    return ISO_OK;
}

int iso_cli_bindings_write(const struct iso_wit_world *world, enum iso_gen_language language,
                           const char *folder, bool show, char stem[ISO_CLI_BINDING_NAME_CAP])
{
    struct iso_report report;
    struct writer writer = {
        .folder = folder, .show = show, .stem = stem, .status = iso_cli_folder_make(folder)};
    if (writer.status != ISO_CLI_OK) {
        return writer.status;
    }
    iso_report_init(&report);
    enum iso_err err =
        iso_gen_bindings(iso_alloc_libc(), world, language, write_file, &writer, &report);
    if (err != ISO_OK && writer.status == ISO_CLI_OK) {
        iso_cli_error("cannot make the bindings: %s", iso_report_text(&report, err));
        writer.status = iso_cli_status_from(err);
    }
    return writer.status;
}

/* ---- The command --------------------------------------------------------------------------- */

static int read_args(struct iso_cli_args *args, struct request *request)
{
    for (;;) {
        int id = iso_cli_args_next(args);
        if (id == ISO_CLI_ARGS_END) {
            break;
        }
        if (id == ISO_CLI_ARGS_OPERAND && request->language == NULL) {
            request->language = args->value;
        } else if (id == ISO_CLI_ARGS_OPERAND && request->path == NULL) {
            request->path = args->value;
        } else if (id == ISO_CLI_ARGS_OPERAND) {
            return iso_cli_usage_error(request->command, "one file at a time: '%s' or '%s'?",
                                       request->path, args->value);
        } else if (id == OPTION_OUT) {
            request->folder = args->value;
        } else if (id == OPTION_WORLD) {
            request->world = args->value;
        } else {
            return id;
        }
    }
    if (request->language == NULL) {
        return iso_cli_usage_error(request->command,
                                   "there is no language: c, rust or assemblyscript");
    }
    if (request->path == NULL) {
        return iso_cli_usage_error(request->command, "there is no FILE.wit");
    }
    if (request->folder == NULL || request->folder[0] == '\0') {
        return iso_cli_usage_error(request->command, "-o DIR is missing: where to write");
    }
    return ISO_CLI_OK;
}

static int no_such_world(const struct request *request, const struct iso_wit *wit)
{
    char names[1024] = "";
    size_t len = 0;
    for (uint32_t i = 0; i < wit->world_count; i++) {
        if (wit->worlds[i]->package == wit->package) {
            len += iso_format(names + len, sizeof names - len, "%s%.*s", len != 0 ? ", " : "",
                              (int)wit->worlds[i]->name.len, wit->worlds[i]->name.ptr);
        }
    }
    if (len == 0) {
        iso_cli_error("'%s' has no world; add one that says what the module exports, as in 'world "
                      "module { export my-interface; }'",
                      request->path);
        return ISO_CLI_INVALID;
    }
    iso_cli_error("'%s' has no world '%s'; there are %s", request->path, request->world, names);
    return ISO_CLI_USAGE;
}

static const struct iso_wit_world *find_world(const struct iso_wit *wit, const char *name)
{
    for (uint32_t i = 0; i < wit->world_count; i++) {
        const struct iso_wit_world *world = wit->worlds[i];
        if (world->package == wit->package &&
            (name == NULL || iso_str_equal_z(world->name, name))) {
            return world;
        }
    }
    return NULL;
}

static int generate(const struct request *request)
{
    enum iso_gen_language language;
    struct iso_file text;
    struct iso_wit wit;
    int status = iso_cli_language_take(request->command, request->language, &language);
    if (status != ISO_CLI_OK) {
        return status;
    }
    status = iso_cli_wit_load(request->path, &text, &wit);
    if (status == ISO_CLI_OK) {
        const struct iso_wit_world *world = find_world(&wit, request->world);
        status = world != NULL
                     ? iso_cli_bindings_write(world, language, request->folder, true, NULL)
                     : no_such_world(request, &wit);
    }
    iso_wit_fini(&wit);
    iso_file_fini(&text);
    return iso_cli_finish_output(status);
}

static int run(const struct iso_cli_command *command, int argc, char **argv)
{
    struct iso_cli_args args;
    struct request request = {.command = command};
    iso_cli_args_init(&args, command, argc, argv);
    int status = read_args(&args, &request);
    if (status < 0) {
        return iso_cli_args_status(status);
    }
    return status == ISO_CLI_OK ? generate(&request) : status;
}

const struct iso_cli_command iso_cli_command_bindgen = {
    .name = "bindgen",
    .summary = "make bindings for a module's source code",
    .synopsis = "c|rust|assemblyscript FILE.wit -o DIR [--world NAME]",
    .description = "Writes source code that stands between a module and its interface: what the "
                   "world exports\n"
                   "become plain functions to write, what it imports plain functions to call. The "
                   "names of the\n"
                   "files are printed. Their first lines say how they are used.",
    .examples = "  isomer bindgen c scaler.wit -o bindings\n"
                "  isomer bindgen rust sensor.wit --world driver -o src\n",
    .groups = groups,
    .group_count = ISO_COUNT_OF(groups),
    .run = run,
};
