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

static int run(const struct iso_cli_command *command, int argc, char **argv)
{
    struct iso_cli_args args;
    const char *topic = NULL;
    iso_cli_args_init(&args, command, argc, argv);
    for (;;) {
        int id = iso_cli_args_next(&args);
        if (id == ISO_CLI_ARGS_END) {
            break;
        }
        if (id != ISO_CLI_ARGS_OPERAND) {
            return iso_cli_args_status(id);
        }
        if (topic != NULL) {
            return iso_cli_usage_error(command, "one topic at a time: '%s' or '%s'?", topic,
                                       args.value);
        }
        topic = args.value;
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
            iso_cli_command_help(stdout, iso_cli_commands[i]);
            return iso_cli_finish_output(ISO_CLI_OK);
        }
    }
    for (size_t i = 0; iso_cli_siblings[i].command != NULL; i++) {
        if (strcmp(topic, iso_cli_siblings[i].command) == 0) {
            const bool client = strcmp(iso_cli_siblings[i].program, "isomer-client") == 0;
            char help[] = "--help";
            char *with_command[] = {NULL, (char *)(uintptr_t)topic, help, NULL};
            char *alone[] = {NULL, help, NULL};
            return iso_cli_sibling_run(iso_cli_siblings[i].program, client ? with_command : alone);
        }
    }
    return iso_cli_unknown_command(topic);
}

const struct iso_cli_command iso_cli_command_help_topic = {
    .name = "help",
    .summary = "explain a command, or the exit statuses",
    .synopsis = "[COMMAND | exit]",
    .description = "Without an argument: the list of commands.",
    .examples = "  isomer help run\n"
                "  isomer help exit\n",
    .run = run,
};
