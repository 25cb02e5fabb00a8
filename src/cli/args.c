/* The option parser and the help text made from the same table. */
#include "cli/args.h"

#include "cli/describe.h"
#include "cli/message.h"
#include "cli/status.h"

#include <stdarg.h>

/* Column at which the explanations of options begin. */
enum { HELP_COLUMN = 30 };

void iso_cli_args_init(struct iso_cli_args *args, const struct iso_cli_command *command, int argc,
                       char **argv)
{
    *args = (struct iso_cli_args){.command = command, .argc = argc, .argv = argv, .index = 1};
}

static const char *dashes_of(const char *name)
{
    return name[1] == '\0' ? "-" : "--";
}

static const struct iso_cli_option *find_option(const struct iso_cli_command *command,
                                                struct iso_str name)
{
    for (size_t g = 0; g < command->group_count; g++) {
        for (size_t i = 0; i < command->groups[g]->count; i++) {
            const struct iso_cli_option *option = &command->groups[g]->options[i];
            if (iso_str_equal_z(name, option->name)) {
                return option;
            }
        }
    }
    return NULL;
}

static int unknown_option(const struct iso_cli_command *command, const char *text,
                          struct iso_str name)
{
    struct iso_nearest nearest = {.word = name};
    for (size_t g = 0; g < command->group_count; g++) {
        for (size_t i = 0; i < command->groups[g]->count; i++) {
            iso_nearest_try(&nearest, iso_str_from_z(command->groups[g]->options[i].name));
        }
    }
    iso_nearest_try(&nearest, iso_str_from_z("help"));
    if (nearest.best.len != 0) {
        (void)iso_cli_usage_error(command, "unknown option '%s'; did you mean %s%s?", text,
                                  dashes_of(nearest.best.ptr), nearest.best.ptr);
    } else {
        (void)iso_cli_usage_error(command, "unknown option '%s'", text);
    }
    return ISO_CLI_ARGS_WRONG;
}

/* The value of an option: after "=" in the same argument, else the next argument. */
static int take_value(struct iso_cli_args *args, const struct iso_cli_option *option, char *equals)
{
    const struct iso_cli_command *command = args->command;
    uint32_t bit = UINT32_C(1) << option->id;
    if ((args->seen & bit) != 0 && !option->repeats) {
        (void)iso_cli_usage_error(command, "%s%s is given twice", dashes_of(option->name),
                                  option->name);
        return ISO_CLI_ARGS_WRONG;
    }
    args->seen |= bit;
    if (option->value == NULL && equals != NULL) {
        (void)iso_cli_usage_error(command, "%s%s takes no value", dashes_of(option->name),
                                  option->name);
        return ISO_CLI_ARGS_WRONG;
    }
    if (option->value == NULL || equals != NULL) {
        args->value = equals != NULL ? equals + 1 : NULL;
        return (int)option->id;
    }
    if (args->index >= args->argc) {
        (void)iso_cli_usage_error(command, "%s%s needs a value: %s%s %s", dashes_of(option->name),
                                  option->name, dashes_of(option->name), option->name,
                                  option->value);
        return ISO_CLI_ARGS_WRONG;
    }
    args->value = args->argv[args->index++];
    return (int)option->id;
}

int iso_cli_args_next(struct iso_cli_args *args)
{
    if (args->index >= args->argc) {
        return ISO_CLI_ARGS_END;
    }
    char *text = args->argv[args->index++];
    if (args->only_operands || text[0] != '-' || text[1] == '\0') {
        args->value = text;
        return ISO_CLI_ARGS_OPERAND;
    }
    if (strcmp(text, "--") == 0) {
        args->only_operands = true;
        return iso_cli_args_next(args);
    }
    if (strcmp(text, "--help") == 0 || strcmp(text, "-h") == 0) {
        iso_cli_command_help(stdout, args->command);
        return ISO_CLI_ARGS_HELP;
    }
    if (strcmp(text, "--help=json") == 0) {
        (void)iso_cli_describe(&args->command, 1);
        return ISO_CLI_ARGS_HELP;
    }
    size_t dashes = text[1] == '-' ? 2 : 1;
    char *equals = strchr(text, '=');
    size_t end = equals != NULL ? (size_t)(equals - text) : strlen(text);
    struct iso_str name = iso_str_from(text + dashes, end > dashes ? end - dashes : 0);
    const struct iso_cli_option *option =
        (dashes == 1) == (name.len == 1) ? find_option(args->command, name) : NULL;
    if (option == NULL) {
        return unknown_option(args->command, text, name);
    }
    return take_value(args, option, equals);
}

int iso_cli_args_status(int answer)
{
    return answer == ISO_CLI_ARGS_HELP ? iso_cli_finish_output(ISO_CLI_OK) : ISO_CLI_USAGE;
}

int iso_cli_usage_error(const struct iso_cli_command *command, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    (void)iso_format_v(text, sizeof text, format, args);
    va_end(args);
    iso_cli_error("%s", text);
    iso_cli_hint("'isomer help %s' lists the options and has examples", command->name);
    return ISO_CLI_USAGE;
}

static void print_option(FILE *out, const struct iso_cli_option *option)
{
    int width =
        fprintf(out, "  %s%s%s%s", dashes_of(option->name), option->name,
                option->value != NULL ? " " : "", option->value != NULL ? option->value : "");
    if (width >= HELP_COLUMN) {
        fputc('\n', out);
        width = 0;
    }
    const char *line = option->help;
    for (;;) {
        size_t len = strcspn(line, "\n");
        fprintf(out, "%*s%.*s\n", HELP_COLUMN - width, "", (int)len, line);
        if (line[len] == '\0') {
            return;
        }
        line += len + 1;
        width = 0;
    }
}

void iso_cli_command_help(FILE *out, const struct iso_cli_command *command)
{
    fprintf(out, "isomer %s: %s\n\nUsage: isomer %s%s%s\n", command->name, command->summary,
            command->name, command->synopsis[0] != '\0' ? " " : "", command->synopsis);
    if (command->description != NULL) {
        fprintf(out, "\n%s\n", command->description);
    }
    if (command->subcommands != NULL) {
        fputs("\nCommands\n", out);
    }
    for (size_t i = 0; command->subcommands != NULL && command->subcommands[i] != NULL; i++) {
        fprintf(out, "  %-*s %s\n", HELP_COLUMN - 3, command->subcommands[i]->name,
                command->subcommands[i]->summary);
    }
    for (size_t g = 0; g < command->group_count; g++) {
        fprintf(out, "\n%s\n", command->groups[g]->title);
        for (size_t i = 0; i < command->groups[g]->count; i++) {
            print_option(out, &command->groups[g]->options[i]);
        }
    }
    if (command->examples != NULL) {
        fprintf(out, "\nExamples\n%s", command->examples);
    }
}
