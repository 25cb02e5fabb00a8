/* Commands below commands. */
#include "cli/args.h"

#include "base/format.h"
#include "base/test.h"
#include "cli/status.h"

static char seen[256]; /* what ran, with its arguments */

static int note(const struct iso_cli_command *command, int argc, char **argv)
{
    size_t len = 0;
    CHECK_STR(argv[0], iso_cli_command_word(command));
    len += iso_format(seen, sizeof seen, "%s:", command->name);
    for (int i = 1; i < argc; i++) {
        len += iso_format(seen + len, sizeof seen - len, " %s", argv[i]);
    }
    return ISO_CLI_OK;
}

static const struct iso_cli_option options[] = {
    {0, "name", "NAME", false, "its name"},
    {1, "json", NULL, false, "as JSON"},
};
static const struct iso_cli_option_group group = {"Options", options, ISO_COUNT_OF(options)};
static const struct iso_cli_option_group *const groups[] = {&group};
static const struct iso_cli_command list = {
    .name = "thing ls", .summary = "lists", .synopsis = "", .run = note};
static const struct iso_cli_command add = {.name = "thing add",
                                           .summary = "adds",
                                           .synopsis = "ADDRESS",
                                           .groups = groups,
                                           .group_count = 1,
                                           .run = note};
static const struct iso_cli_command *const below[] = {&list, &add, NULL};
static const struct iso_cli_command thing = {
    .name = "thing", .summary = "things", .synopsis = "ls | add", .subcommands = below};

static int run(const struct iso_cli_command *command, const char *line)
{
    static char words[8][32];
    char *argv[9] = {NULL};
    int count = 0;
    seen[0] = '\0';
    while (*line != '\0') {
        const size_t len = strcspn(line, " ");
        CHECK(count < 8 && len < sizeof words[0]);
        memcpy(words[count], line, len);
        words[count][len] = '\0';
        argv[count] = words[count];
        count++;
        line += len + (line[len] == ' ' ? 1 : 0);
    }
    return iso_cli_dispatch(command, count, argv);
}

TEST(the_word_decides)
{
    CHECK_EQ_I64(run(&thing, "thing ls"), ISO_CLI_OK);
    CHECK_STR(seen, "thing ls:");
    CHECK_EQ_I64(run(&thing, "thing add x --json y"), ISO_CLI_OK);
    CHECK_STR(seen, "thing add: x --json y");
    CHECK(iso_cli_subcommand_find(&thing, "add") == &add);
    CHECK(iso_cli_subcommand_find(&thing, "thing add") == NULL);
    CHECK(iso_cli_subcommand_find(&add, "add") == NULL);
}

TEST(options_may_stand_before_the_word)
{
    CHECK_EQ_I64(run(&thing, "thing --json --name ls add x"), ISO_CLI_OK);
    CHECK_STR(seen, "thing add: --json --name ls x");
    CHECK_EQ_I64(run(&thing, "thing --name=ls add"), ISO_CLI_OK);
    CHECK_STR(seen, "thing add: --name=ls");
}

TEST(a_word_must_be_there_and_right)
{
    CHECK_EQ_I64(run(&thing, "thing"), ISO_CLI_USAGE);
    CHECK_EQ_I64(run(&thing, "thing --json"), ISO_CLI_USAGE);
    CHECK_EQ_I64(run(&thing, "thing lss"), ISO_CLI_USAGE);
    CHECK_EQ_I64(run(&thing, "thing frobnicate"), ISO_CLI_USAGE);
    CHECK_EQ_I64(run(&thing, "thing --name"), ISO_CLI_USAGE);
    CHECK_STR(seen, "");
    CHECK_EQ_I64(run(&thing, "thing --help"), ISO_CLI_OK);
    CHECK_STR(seen, "");
}

TEST(a_command_may_do_something_without_a_word)
{
    struct iso_cli_command both = thing;
    both.run = note;
    CHECK_EQ_I64(run(&both, "thing --json"), ISO_CLI_OK);
    CHECK_STR(seen, "thing: --json");
    CHECK_EQ_I64(run(&both, "thing ls"), ISO_CLI_OK);
    CHECK_STR(seen, "thing ls:");
    CHECK_EQ_I64(run(&both, "thing lss"), ISO_CLI_USAGE);
    both.has_operands = true;
    CHECK_EQ_I64(run(&both, "thing lss --json ls"), ISO_CLI_OK);
    CHECK_STR(seen, "thing: lss --json ls");
    CHECK_EQ_I64(run(&both, "thing ls lss"), ISO_CLI_OK);
    CHECK_STR(seen, "thing ls: lss");
}

TEST(the_help_lists_them)
{
    char text[1024] = "";
    FILE *file = tmpfile();
    CHECK(file != NULL);
    iso_cli_command_help(file, &thing);
    rewind(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    CHECK(fclose(file) == 0);
    CHECK_CONTAINS(text, "Usage: isomer thing ls | add\n");
    CHECK_CONTAINS(text, "  thing add                   adds\n");
}
