/* The option parser. */
#include "cli/args.h"

#include "base/test.h"
#include "cli/status.h"

enum { OPTION_DIR = 3, OPTION_FUEL = 7, OPTION_OUT = 8, OPTION_JSON = 31 };

static const struct iso_cli_option options[] = {
    {OPTION_DIR, "dir", "PATH", true, "a directory"},
    {OPTION_FUEL, "fuel", "N", false, "first line\nsecond line"},
    {OPTION_JSON, "json", NULL, false, "as JSON"},
    {OPTION_OUT, "o", "FILE", false, "where to"},
};
static const struct iso_cli_option_group group = {"Options", options, ISO_COUNT_OF(options)};
static const struct iso_cli_option_group *const groups[] = {&group};
static const struct iso_cli_command command = {.name = "test",
                                               .summary = "is tested",
                                               .synopsis = "[OPTIONS...] FILE",
                                               .examples = "  isomer test x\n",
                                               .groups = groups,
                                               .group_count = 1};
static struct iso_cli_args args;
static char words[8][64];
static char *argv[8];

/* Begins with the words of a line, separated by single spaces. */
static void begin(const char *line)
{
    int count = 0;
    while (*line != '\0') {
        size_t len = strcspn(line, " ");
        CHECK(count < 8 && len < sizeof words[0]);
        memcpy(words[count], line, len);
        words[count][len] = '\0';
        argv[count] = words[count];
        count++;
        line += len + (line[len] == ' ' ? 1 : 0);
    }
    iso_cli_args_init(&args, &command, count, argv);
}

static void check_next(int id, const char *value)
{
    CHECK_EQ_I64(iso_cli_args_next(&args), id);
    CHECK_STR(args.value, value);
}

static void check_wrong(const char *line)
{
    begin(line);
    int id;
    do {
        id = iso_cli_args_next(&args);
    } while (id >= 0 || id == ISO_CLI_ARGS_OPERAND);
    CHECK_EQ_I64(id, ISO_CLI_ARGS_WRONG);
    CHECK_EQ_I64(iso_cli_args_status(id), ISO_CLI_USAGE);
}

TEST(options_and_operands)
{
    begin("test --dir a --dir=b --fuel 5 file --json");
    check_next(OPTION_DIR, "a");
    check_next(OPTION_DIR, "b");
    check_next(OPTION_FUEL, "5");
    check_next(ISO_CLI_ARGS_OPERAND, "file");
    check_next(OPTION_JSON, NULL);
    CHECK_EQ_I64(iso_cli_args_next(&args), ISO_CLI_ARGS_END);
    CHECK_EQ_I64(iso_cli_args_next(&args), ISO_CLI_ARGS_END);
}

TEST(values_may_look_like_options_or_be_empty)
{
    begin("test --dir --json --dir= --dir=a=b");
    check_next(OPTION_DIR, "--json");
    check_next(OPTION_DIR, "");
    check_next(OPTION_DIR, "a=b");
    CHECK_EQ_I64(iso_cli_args_next(&args), ISO_CLI_ARGS_END);
}

TEST(two_dashes_end_the_options)
{
    begin("test -- --json -x --");
    check_next(ISO_CLI_ARGS_OPERAND, "--json");
    check_next(ISO_CLI_ARGS_OPERAND, "-x");
    check_next(ISO_CLI_ARGS_OPERAND, "--");
    CHECK_EQ_I64(iso_cli_args_next(&args), ISO_CLI_ARGS_END);
}

TEST(names_of_one_letter_have_one_dash)
{
    begin("test -o a file");
    check_next(OPTION_OUT, "a");
    check_next(ISO_CLI_ARGS_OPERAND, "file");
    begin("test -o=b");
    check_next(OPTION_OUT, "b");
    check_wrong("test -o");
}

TEST(a_single_dash_is_an_operand)
{
    begin("test -");
    check_next(ISO_CLI_ARGS_OPERAND, "-");
}

TEST(what_is_wrong)
{
    check_wrong("test --dri a");
    check_wrong("test -x");
    check_wrong("test -json"); /* one dash too few */
    check_wrong("test --o a"); /* and one too many */
}

TEST(values_missing_superfluous_or_repeated)
{
    check_wrong("test --dir");
    check_wrong("test --json=yes");
    check_wrong("test --fuel 1 --fuel 2");
    check_wrong("test --json --json");
    check_wrong("test --=x");
}

TEST(the_help_has_everything)
{
    char text[2048] = "";
    FILE *file = tmpfile();
    CHECK(file != NULL);
    iso_cli_command_help(file, &command);
    rewind(file);
    size_t len = fread(text, 1, sizeof text - 1, file);
    text[len] = '\0';
    CHECK(fclose(file) == 0);
    CHECK_CONTAINS(text, "Usage: isomer test [OPTIONS...] FILE\n");
    CHECK_CONTAINS(text, "  --dir PATH                  a directory\n");
    CHECK_CONTAINS(text, "  --fuel N                    first line\n"
                         "                              second line\n");
    CHECK_CONTAINS(text, "  --json                      as JSON\n");
    CHECK_CONTAINS(text, "  -o FILE                     where to\n");
    CHECK_CONTAINS(text, "  isomer test x\n");
}
