/* isomer help: the overview, one command, or the exit statuses. */
#include "cli/commands.h"
#include "cli/message.h"
#include "cli/sibling.h"
#include "cli/status.h"

static void print_exit(void)
{
    puts("Exit statuses of isomer\n");
    iso_cli_status_print(stdout);
    puts("\n'isomer run' and 'isomer resume' end with the status of the program (0 to 255; more "
         "than\n"
         "that becomes 255). Where a program uses one of the numbers above itself, standard error\n"
         "tells them apart: isomer's own reasons come with a line that begins with 'isomer:'.");
}

/* Help on a command of this program, or on one below it. */
static int explain(const struct iso_cli_command *command, const char *word)
{
    if (word != NULL && command->subcommands == NULL) {
        return iso_cli_usage_error(&iso_cli_command_help_topic,
                                   "one topic at a time: '%s' or '%s'?", command->name, word);
    }
    const struct iso_cli_command *subcommand =
        word != NULL ? iso_cli_subcommand_find(command, word) : NULL;
    if (word != NULL && subcommand == NULL) {
        return iso_cli_subcommand_unknown(command, word);
    }
    iso_cli_command_help(stdout, subcommand != NULL ? subcommand : command);
    return iso_cli_finish_output(ISO_CLI_OK);
}

/* Help on a command of another program: that one has it. */
static int explain_sibling(const struct iso_cli_sibling *sibling, char *word)
{
    char help[] = "--help";
    char *line[5] = {NULL};
    size_t count = 1;
    if (strcmp(sibling->program, "isomer-client") == 0) {
        line[count++] = (char *)(uintptr_t)sibling->command;
    }
    if (word != NULL) {
        line[count++] = word;
    }
    line[count] = help;
    return iso_cli_sibling_run(sibling->program, line);
}

static int run(const struct iso_cli_command *command, int argc, char **argv)
{
    struct iso_cli_args args;
    char *topic = NULL, *word = NULL;
    iso_cli_args_init(&args, command, argc, argv);
    for (;;) {
        int id = iso_cli_args_next(&args);
        if (id == ISO_CLI_ARGS_END) {
            break;
        }
        if (id != ISO_CLI_ARGS_OPERAND) {
            return iso_cli_args_status(id);
        }
        if (word != NULL) {
            return iso_cli_usage_error(command, "one topic at a time: '%s %s' or '%s'?", topic,
                                       word, args.value);
        }
        word = topic != NULL ? args.value : NULL;
        topic = topic != NULL ? topic : args.value;
    }
    if (topic == NULL) {
        iso_cli_overview(stdout);
        return iso_cli_finish_output(ISO_CLI_OK);
    }
    if (strcmp(topic, "exit") == 0) {
        print_exit();
        return iso_cli_finish_output(ISO_CLI_OK);
    }
    for (size_t i = 0; iso_cli_commands[i] != NULL; i++) {
        if (strcmp(topic, iso_cli_commands[i]->name) == 0) {
            return explain(iso_cli_commands[i], word);
        }
    }
    for (size_t i = 0; iso_cli_siblings[i].command != NULL; i++) {
        if (strcmp(topic, iso_cli_siblings[i].command) == 0) {
            return explain_sibling(&iso_cli_siblings[i], word);
        }
    }
    return iso_cli_unknown_command(topic);
}

const struct iso_cli_command iso_cli_command_help_topic = {
    .name = "help",
    .summary = "explain a command, or the exit statuses",
    .synopsis = "[COMMAND [SUBCOMMAND] | exit]",
    .description = "Without an argument: the list of commands.",
    .examples = "  isomer help run\n"
                "  isomer help device ls\n"
                "  isomer help exit\n",
    .run = run,
};
