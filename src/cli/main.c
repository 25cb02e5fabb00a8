/* The program `isomer`: finds the command and runs it. */
#include "cli/commands.h"
#include "cli/describe.h"
#include "cli/message.h"
#include "cli/sibling.h"
#include "cli/status.h"

#include <unistd.h>

const struct iso_cli_command *const iso_cli_commands[] = {
    &iso_cli_command_run,        &iso_cli_command_resume,
    &iso_cli_command_inspect,    &iso_cli_command_call,
    &iso_cli_command_pack,       &iso_cli_command_bindgen,
    &iso_cli_command_new,        &iso_cli_command_version,
    &iso_cli_command_help_topic, NULL,
};

void iso_cli_overview(FILE *out)
{
    fputs("isomer runs WebAssembly programs, stops them anywhere, and continues them elsewhere;\n"
          "and it runs applications over many devices.\n\n"
          "Usage: isomer COMMAND [OPTIONS...] [FILE] [ARGS...]\n\n"
          "Modules\n",
          out);
    for (size_t i = 0; iso_cli_commands[i] != NULL; i++) {
        fprintf(out, "  %-12s %s\n", iso_cli_commands[i]->name, iso_cli_commands[i]->summary);
    }
    for (size_t i = 0; iso_cli_siblings[i].command != NULL; i++) {
        if (i == 0 || strcmp(iso_cli_siblings[i].section, iso_cli_siblings[i - 1].section) != 0) {
            fprintf(out, "\n%s\n", iso_cli_siblings[i].section);
        }
        fprintf(out, "  %-12s %s\n", iso_cli_siblings[i].command, iso_cli_siblings[i].summary);
    }
    fputs(
        "\n'isomer help COMMAND' explains one and has examples; 'isomer help exit' lists the exit\n"
        "statuses.\n\n"
        "First steps\n"
        "  isomer run program.wasm\n"
        "  isomer run --dir ./data::/data program.wasm --an-option-of-the-program\n"
        "  isomer inspect program.wasm\n"
        "  isomer call module.wasm function name=value\n",
        out);
}

int iso_cli_unknown_command(const char *name)
{
    struct iso_nearest nearest = {.word = iso_str_from_z(name)};
    for (size_t i = 0; iso_cli_commands[i] != NULL; i++) {
        iso_nearest_try(&nearest, iso_str_from_z(iso_cli_commands[i]->name));
    }
    for (size_t i = 0; iso_cli_siblings[i].command != NULL; i++) {
        iso_nearest_try(&nearest, iso_str_from_z(iso_cli_siblings[i].command));
    }
    size_t len = strlen(name);
    bool is_option = name[0] == '-';
    if (!is_option && len > 5 && strcmp(name + len - 5, ".wasm") == 0) {
        iso_cli_error("'%s' is not a command; did you mean: isomer run %s?", name, name);
    } else if (!is_option && nearest.best.len != 0) {
        iso_cli_error("'%s' is not a command; did you mean %s?", name, nearest.best.ptr);
    } else if (!is_option && access(name, R_OK) == 0) {
        iso_cli_error("'%s' is not a command; did you mean: isomer run %s?", name, name);
    } else if (is_option) {
        iso_cli_error("'%s': options come after a command, as in: isomer run %s ...", name, name);
    } else {
        iso_cli_error("'%s' is not a command", name);
    }
    iso_cli_hint("'isomer help' lists the commands");
    return ISO_CLI_USAGE;
}

static bool is_server_option(const char *text)
{
    static const char *const options[] = {"--device", "--orchestrator", "--token", "--pin"};
    for (size_t i = 0; i < ISO_COUNT_OF(options); i++) {
        const size_t len = strlen(options[i]);
        if (strncmp(text, options[i], len) == 0 && (text[len] == '\0' || text[len] == '=')) {
            return true;
        }
    }
    return false;
}

/* "app/component", and no file of that name. */
static bool is_component(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
    const size_t app = strspn(text, letters);
    const size_t component = text[app] == '/' ? strspn(text + app + 1, letters) : 0;
    return app != 0 && component != 0 && text[app + 1 + component] == '\0' &&
           access(text, F_OK) != 0;
}

/*
 * Whether the command line is for the program that talks to devices and orchestrators although its
 * first word is not one of that program's: options before the command, which say whom to ask; and
 * `call`, which is for files too, with such an option or the name of a component.
 */
static bool is_for_server(int argc, char **argv)
{
    if (is_server_option(argv[1]) || strcmp(argv[1], "--json") == 0) {
        return true;
    }
    bool first = true; /* the first operand is what is called */
    for (int i = 2; i < argc && strcmp(argv[1], "call") == 0 && strcmp(argv[i], "--") != 0; i++) {
        if (is_server_option(argv[i]) || (first && is_component(argv[i]))) {
            return true;
        }
        first = first && argv[i][0] == '-';
    }
    return false;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        iso_cli_overview(stderr);
        return ISO_CLI_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        name = "help";
    } else if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
        name = "version";
    } else if (strcmp(name, "--help=json") == 0) {
        return iso_cli_describe(iso_cli_commands, ISO_COUNT_OF(iso_cli_commands) - 1);
    }
    if (is_for_server(argc, argv)) {
        return iso_cli_sibling_run("isomer-client", argv);
    }
    for (size_t i = 0; iso_cli_commands[i] != NULL; i++) {
        if (strcmp(name, iso_cli_commands[i]->name) == 0) {
            return iso_cli_dispatch(iso_cli_commands[i], argc - 1, argv + 1);
        }
    }
    for (size_t i = 0; iso_cli_siblings[i].command != NULL; i++) {
        if (strcmp(name, iso_cli_siblings[i].command) == 0) {
            const bool client = strcmp(iso_cli_siblings[i].program, "isomer-client") == 0;
            return iso_cli_sibling_run(iso_cli_siblings[i].program, client ? argv : argv + 1);
        }
    }
    return iso_cli_unknown_command(name);
}
