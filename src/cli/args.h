/* Options and operands of a command, read by one parser from a table that also makes the help text.
 */
#ifndef ISO_CLI_ARGS_H
#define ISO_CLI_ARGS_H

#include "base/base.h"

#include <stdio.h>

/* One option. Identifiers are unique within a command and below ISO_CLI_OPTION_MAX. */
struct iso_cli_option {
    unsigned id;
    const char *name;  /* without the dashes; of one letter: it has one dash, as in -o */
    const char *value; /* what follows, for the help: "SIZE"; NULL: nothing does */
    bool repeats;      /* may be given more than once */
    const char *help;  /* lines separated by \n */
};

enum { ISO_CLI_OPTION_MAX = 32 };

/* Options that belong together, under one heading of the help. */
struct iso_cli_option_group {
    const char *title;
    const struct iso_cli_option *options;
    size_t count;
};

/* A command of the program; one static table of them is in main.c. */
struct iso_cli_command {
    const char *name;     /* of a subcommand in full: "device ls" */
    const char *summary;  /* one line, for the list */
    const char *synopsis; /* after "isomer NAME " */
    const char *description;
    const char *examples; /* lines */
    const struct iso_cli_option_group *const *groups;
    size_t group_count;
    /* argv[0] is the command's name. Returns the exit status. With subcommands: what happens when
     * none is given; NULL: one must be. */
    int (*run)(const struct iso_cli_command *command, int argc, char **argv);
    /* Ends with NULL; NULL: there are none. Their options are all their own. */
    const struct iso_cli_command *const *subcommands;
    bool has_operands; /* words that are no subcommand are operands of run; else a mistake */
};

struct iso_cli_args {
    const struct iso_cli_command *command;
    int argc;
    char **argv;
    int index;          /* of the next argument */
    bool only_operands; /* after "--" */
    uint32_t seen;      /* a bit per option */
    char *value;        /* of the option, or the operand */
};

enum {
    ISO_CLI_ARGS_END = -1,     /* no more arguments */
    ISO_CLI_ARGS_OPERAND = -2, /* value is it; the caller may stop and take argv from index on */
    ISO_CLI_ARGS_WRONG = -3,   /* a message was printed: return ISO_CLI_USAGE */
    ISO_CLI_ARGS_HELP = -4     /* the help was printed: return 0 */
};

/* argv: kept. */
void iso_cli_args_init(struct iso_cli_args *args, const struct iso_cli_command *command, int argc,
                       char **argv);

/* The id of the next option, or one of the above. "--name=value" and "--name value" are the same.
 */
int iso_cli_args_next(struct iso_cli_args *args);

/* The exit status for WRONG or HELP. */
int iso_cli_args_status(int answer);

/* An error about usage, with a line that tells how to get help. Returns ISO_CLI_USAGE. */
int iso_cli_usage_error(const struct iso_cli_command *command, const char *format, ...)
    ISO_PRINTF(2, 3);

/* The whole help text of a command; of one with subcommands their list too. */
void iso_cli_command_help(FILE *out, const struct iso_cli_command *command);

/* ---- Subcommands (subcommand.c) --------------------------------------------------------------
 */

/* The last word of a command's name: "ls" of "device ls". */
const char *iso_cli_command_word(const struct iso_cli_command *command);

/* The subcommand of that word; NULL when there is none. */
const struct iso_cli_command *iso_cli_subcommand_find(const struct iso_cli_command *command,
                                                      const char *word);

/* An error about a subcommand that does not exist, with a suggestion. Returns ISO_CLI_USAGE. */
int iso_cli_subcommand_unknown(const struct iso_cli_command *command, const char *word);

/*
 * Run a command, or the subcommand that argv names; options may stand before that word. argv[0] is
 * the command's name, and the order of argv may change. Returns the exit status.
 */
int iso_cli_dispatch(const struct iso_cli_command *command, int argc, char **argv);

#endif
