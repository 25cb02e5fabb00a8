/* isomer new: the beginning of a module; isomer new app: of an application, which is a module and a
 * manifest with two components of it and a flow through both. */
#include "base/name.h"
#include "cli/bindgen.h"
#include "cli/commands.h"
#include "cli/interface.h"
#include "cli/message.h"
#include "cli/new_templates.h"
#include "cli/status.h"

#include <errno.h>
#include <sys/stat.h>

enum { NAME_MAX_BYTES = 60, WORD_CAP = 128, PATH_CAP = 512 };

static const char *const interface_parts[ISO_CLI_TEMPLATE_PARTS] = {"interface.wit"};
static const char *const manifest_parts[ISO_CLI_TEMPLATE_PARTS] = {"app.json"};

/* A name in the forms that the templates want; and their text. */
struct names {
    const char *name, *texts;
    char snake[WORD_CAP], pascal[WORD_CAP], module[ISO_CLI_BINDING_NAME_CAP];
};

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Words of lower-case letters and digits with hyphens between, each beginning with a letter: what
 * WIT, file systems and compilers all take. */
static bool is_name(const char *name)
{
    size_t len = strlen(name);
    if (len > NAME_MAX_BYTES) {
        return false;
    }
    for (size_t i = 0; i <= len; i++) {
        bool begins = i == 0 || name[i - 1] == '-';
        if (name[i] == '-' || name[i] == '\0') {
            if (begins) {
                return false;
            }
        } else if (!is_lower(name[i]) && (begins || !is_digit(name[i]))) {
            return false;
        }
    }
    return true;
}

static void make_names(const char *name, const char *texts, struct names *out)
{
    size_t pascal = 0, len = strlen(name);
    *out = (struct names){.name = name, .texts = texts};
    for (size_t i = 0; i < len; i++) {
        out->snake[i] = name[i] == '-' ? '_' : name[i];
        if (name[i] != '-') {
            bool upper = is_lower(name[i]) && (i == 0 || name[i - 1] == '-');
            out->pascal[pascal++] = upper ? (char)(name[i] - 'a' + 'A') : name[i];
        }
    }
}

/* ---- Files --------------------------------------------------------------------------------- */

static enum iso_err expand(const struct names *names, const char *text, struct iso_buf *out)
{
    const struct {
        const char *key, *value;
    } places[] = {{"@NAME@", names->name},
                  {"@SNAKE@", names->snake},
                  {"@PASCAL@", names->pascal},
                  {"@MODULE@", names->module}};
    enum iso_err err = ISO_OK;
    while (*text != '\0' && err == ISO_OK) {
        size_t used = 1;
        struct iso_str piece = iso_str_from(text, 1);
        for (size_t i = 0; i < ISO_COUNT_OF(places); i++) {
            size_t len = strlen(places[i].key);
            if (strncmp(text, places[i].key, len) == 0) {
                piece = iso_str_from_z(places[i].value);
                used = len;
            }
        }
        err = iso_buf_append(out, piece.ptr, piece.len);
        text += used;
    }
    return err;
}

static enum iso_err expand_parts(const struct names *names,
                                 const char *const parts[ISO_CLI_TEMPLATE_PARTS],
                                 struct iso_buf *out)
{
    enum iso_err err = ISO_OK;
    for (size_t i = 0; i < ISO_CLI_TEMPLATE_PARTS && parts[i] != NULL && err == ISO_OK; i++) {
        const char *text = iso_texts_find(names->texts, parts[i]);
        ISO_ASSERT(text != NULL);
        err = expand(names, text, out);
    }
    return err;
}

/* One file, from a template. */
static int write_template(const struct names *names, const char *file,
                          const char *const parts[ISO_CLI_TEMPLATE_PARTS])
{
    struct iso_buf contents, path;
    iso_buf_init(&contents, iso_alloc_libc(), SIZE_MAX);
    iso_buf_init(&path, iso_alloc_libc(), PATH_CAP);
    enum iso_err err = expand(names, names->name, &path);
    err = err == ISO_OK ? iso_buf_append_u8(&path, '/') : err;
    err = err == ISO_OK ? expand(names, file, &path) : err;
    err = err == ISO_OK ? iso_buf_append_u8(&path, '\0') : err;
    err = err == ISO_OK ? expand_parts(names, parts, &contents) : err;
    int status = iso_cli_status_from(err);
    if (err == ISO_OK) {
        status = iso_cli_file_save((const char *)path.ptr, iso_buf_view(&contents));
    } else {
        iso_cli_error("cannot make '%s/%s': %s", names->name, file, iso_err_text(err));
    }
    iso_buf_fini(&contents);
    iso_buf_fini(&path);
    return status;
}

/* The interface first: it also shows whether the name is one (it may be a word of WIT). */
static int parse_interface(const struct iso_cli_command *command, const struct names *names,
                           struct iso_wit *wit)
{
    struct iso_buf text;
    struct iso_report report;
    iso_report_init(&report);
    iso_buf_init(&text, iso_alloc_libc(), SIZE_MAX);
    enum iso_err err = expand_parts(names, interface_parts, &text);
    memset(wit, 0, sizeof *wit);
    if (err == ISO_OK) {
        struct iso_wit_source source = {.name = names->name, .text = iso_buf_view(&text)};
        err = iso_wit_parse(iso_alloc_libc(), &source, 1, wit, &report);
    }
    iso_buf_fini(&text);
    if (err == ISO_E_NOMEM) {
        iso_cli_error("out of memory");
        return ISO_CLI_SYSTEM;
    }
    if (err != ISO_OK) {
        return iso_cli_usage_error(command, "'%s' cannot be the name: it is a word of WIT",
                                   names->name);
    }
    return ISO_CLI_OK;
}

static int make_folder(const char *name)
{
    if (mkdir(name, 0777) == 0) {
        return ISO_CLI_OK;
    }
    int reason = errno;
    iso_cli_error("cannot make the folder '%s': %s", name, iso_errno_text(reason));
    if (reason == EEXIST) {
        iso_cli_hint("nothing that is there is changed; choose another name");
    }
    return ISO_CLI_IO;
}

static int write_all(struct names *names, enum iso_gen_language language, bool is_app,
                     const struct iso_wit *wit)
{
    const struct iso_cli_language_templates *templates = &iso_cli_templates[language];
    char file[PATH_CAP], folder[PATH_CAP];
    (void)iso_format(file, sizeof file, "%s.wit", names->name);
    (void)iso_format(folder, sizeof folder, "%s/%s", names->name, templates->bindings);
    /* Before the bindings, so that make does not find them older. */
    int status = write_template(names, file, interface_parts);
    if (status == ISO_CLI_OK) {
        status = iso_cli_bindings_write(wit->worlds[0], language, folder, false, names->module);
    }
    for (size_t i = 0; i < templates->count && status == ISO_CLI_OK; i++) {
        const struct iso_cli_template *file_template = &templates->files[i];
        status = is_app && strcmp(file_template->path, "README.md") == 0
                     ? write_template(names, "app.json", manifest_parts)
                     : write_template(names, file_template->path, file_template->parts);
    }
    return status;
}

/* The folder NAME. Of an application there is app.json instead of the README, which tells of a
 * module alone. */
static int make(const struct iso_cli_command *command, enum iso_gen_language language,
                const char *name, bool is_app)
{
    struct names names;
    struct iso_wit wit;
    if (!is_name(name) || (language == ISO_GEN_ASSEMBLYSCRIPT && strcmp(name, "index") == 0)) {
        return iso_cli_usage_error(command,
                                   "'%s' cannot be the name: write lower-case words of letters "
                                   "and digits with hyphens between, such as my-sensor",
                                   name);
    }
    char *texts;
    if (iso_texts_unpack(&iso_cli_template_texts, iso_alloc_libc(), &texts) != ISO_OK) {
        iso_cli_error("out of memory");
        return ISO_CLI_SYSTEM;
    }
    make_names(name, texts, &names);
    int status = parse_interface(command, &names, &wit);
    status = status == ISO_CLI_OK ? make_folder(name) : status;
    status = status == ISO_CLI_OK ? write_all(&names, language, is_app, &wit) : status;
    iso_wit_fini(&wit);
    iso_alloc_free(iso_alloc_libc(), texts, iso_cli_template_texts.len);
    return status;
}

/* The operands LANGUAGE NAME. -1: go on; otherwise the exit status. */
static int read_operands(const struct iso_cli_command *command, int argc, char **argv,
                         enum iso_gen_language *language, const char **name)
{
    struct iso_cli_args args;
    const char *operands[2] = {NULL, NULL};
    size_t count = 0;
    iso_cli_args_init(&args, command, argc, argv);
    for (;;) {
        int id = iso_cli_args_next(&args);
        if (id == ISO_CLI_ARGS_END) {
            break;
        }
        if (id != ISO_CLI_ARGS_OPERAND) {
            return iso_cli_args_status(id);
        }
        if (count == ISO_COUNT_OF(operands)) {
            return iso_cli_usage_error(command, "one name at a time: '%s' or '%s'?", operands[1],
                                       args.value);
        }
        operands[count++] = args.value;
    }
    if (count < ISO_COUNT_OF(operands)) {
        return iso_cli_usage_error(command, "%s",
                                   count == 0 ? "there is no language: c, rust or assemblyscript"
                                              : "there is no NAME");
    }
    *name = operands[1];
    const int status = iso_cli_language_take(command, operands[0], language);
    return status == ISO_CLI_OK ? -1 : status;
}

static int run(const struct iso_cli_command *command, int argc, char **argv)
{
    const char *name = NULL;
    enum iso_gen_language language;
    const bool is_app = command != &iso_cli_command_new;
    int status = read_operands(command, argc, argv, &language, &name);
    if (status >= 0) {
        return status;
    }
    if (is_app && !iso_name_check(iso_str_from_z(name))) {
        return iso_cli_usage_error(command, "'%s' cannot be the name: write " ISO_NAME_RULE, name);
    }
    status = make(command, language, name, is_app);
    if (status == ISO_CLI_OK) {
        printf("%s is there; go on with\n  cd %s\n  make\n", name, name);
    }
    if (status == ISO_CLI_OK && is_app) {
        printf("  isomer up --detach\n  isomer deploy\n  isomer flow start %s/greet '\"you\"'\n",
               name);
    } else if (status == ISO_CLI_OK) {
        printf("  isomer call %s.wasm hello name=you\n", name);
    }
    return iso_cli_finish_output(status);
}

static const struct iso_cli_command new_app = {
    .name = "new app",
    .summary = "begin an application",
    .synopsis = "c|rust|assemblyscript NAME",
    .description =
        "Makes the folder NAME with an application: the source of a module with its interface, as\n"
        "'isomer new' does, and app.json with two components of it and a flow through both. It\n"
        "runs at once: make, then isomer deploy. A further module is a folder in it, made by\n"
        "'isomer new', that app.json names as file:FOLDER.",
    .examples = "  isomer new app c thermostat\n",
    .run = run,
};

static const struct iso_cli_command *const below[] = {&new_app, NULL};

const struct iso_cli_command iso_cli_command_new = {
    .name = "new",
    .summary = "begin a module or an application",
    .synopsis = "c|rust|assemblyscript NAME",
    .description =
        "Makes the folder NAME with the source of a module, its interface NAME.wit, the bindings\n"
        "between them, a Makefile and a README. It builds at once: cd NAME && make. A folder that\n"
        "is there already is left alone.",
    .examples = "  isomer new c my-sensor\n"
                "  isomer new rust scaler\n"
                "  isomer new assemblyscript words\n",
    .run = run,
    .subcommands = below,
    .has_operands = true,
};
