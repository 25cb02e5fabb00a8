/* Commands below commands: `isomer device ls`. */
#include "cli/args.h"
#include "cli/describe.h"
#include "cli/message.h"
#include "cli/status.h"

const char *iso_cli_command_word(const struct iso_cli_command *command)
{
    const char *space = strrchr(command->name, ' ');
    return space != NULL ? space + 1 : command->name;
}

const struct iso_cli_command *iso_cli_subcommand_find(const struct iso_cli_command *command,
                                                      const char *word)
{
    for (size_t i = 0; command->subcommands != NULL && command->subcommands[i] != NULL; i++) {
        if (strcmp(iso_cli_command_word(command->subcommands[i]), word) == 0) {
            return command->subcommands[i];
        }
    }
    return NULL;
}

int iso_cli_subcommand_unknown(const struct iso_cli_command *command, const char *word)
{
    struct iso_nearest nearest = {.word = iso_str_from_z(word)};
    for (size_t i = 0; command->subcommands != NULL && command->subcommands[i] != NULL; i++) {
        iso_nearest_try(&nearest, iso_str_from_z(iso_cli_command_word(command->subcommands[i])));
    }
    if (nearest.best.len != 0) {
        return iso_cli_usage_error(command, "'%s %s' is not a command; did you mean %s %s?",
                                   command->name, word, command->name, nearest.best.ptr);
    }
    return iso_cli_usage_error(command, "'%s %s' is not a command", command->name, word);
}

/* Whether an option, as written, takes the next argument; by the tables of all subcommands. */
static bool takes_next(const struct iso_cli_command *command, const char *text)
{
    const char *name = text + (text[1] == '-' ? 2 : 1);
    for (size_t c = 0; command->subcommands[c] != NULL; c++) {
        for (size_t g = 0; g < command->subcommands[c]->group_count; g++) {
            const struct iso_cli_option_group *group = command->subcommands[c]->groups[g];
            for (size_t i = 0; i < group->count; i++) {
                if (strcmp(group->options[i].name, name) == 0) {
                    return group->options[i].value != NULL;
                }
            }
        }
    }
    return false;
}

/* The place of the first word that is no option; argc when there is none. */
static int find_word(const struct iso_cli_command *command, int argc, char **argv)
{
    int i = 1;
    while (i < argc && argv[i][0] == '-' && argv[i][1] != '\0' && strcmp(argv[i], "--") != 0) {
        i += takes_next(command, argv[i]) ? 2 : 1;
    }
    return i < argc ? i : argc;
}

/* Without a word: help when that is asked for, else what the command does by itself. */
static int run_alone(const struct iso_cli_command *command, int argc, char **argv)
{
    for (int i = 1; i < argc && command->run == NULL; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            iso_cli_command_help(stdout, command);
            return iso_cli_finish_output(ISO_CLI_OK);
        }
        if (strcmp(argv[i], "--help=json") == 0) {
            return iso_cli_describe(&command, 1);
        }
    }
    if (command->run != NULL) {
        return command->run(command, argc, argv);
    }
    iso_cli_command_help(stderr, command);
    return ISO_CLI_USAGE;
}

int iso_cli_dispatch(const struct iso_cli_command *command, int argc, char **argv)
{
    if (command->subcommands == NULL) {
        return command->run(command, argc, argv);
    }
    const int at = find_word(command, argc, argv);
    if (at == argc) {
        return run_alone(command, argc, argv);
    }
    const struct iso_cli_command *subcommand = iso_cli_subcommand_find(command, argv[at]);
    if (subcommand == NULL && command->has_operands) {
        return command->run(command, argc, argv);
    }
    if (subcommand == NULL) {
        return iso_cli_subcommand_unknown(command, argv[at]);
    }
    char *word = argv[at];
    for (int i = at; i > 1; i--) { /* the word first, what stood before it behind */
        argv[i] = argv[i - 1];
    }
    argv[1] = word;
    return subcommand->run(subcommand, argc - 1, argv + 1);
}
