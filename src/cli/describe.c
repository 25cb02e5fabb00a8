/* The tables of commands as JSON (RFC 8259). */
#include "cli/describe.h"

#include "base/json_member.h"
#include "cli/message.h"
#include "cli/sibling.h"
#include "cli/status.h"

#ifndef ISO_VERSION
#error "the build defines ISO_VERSION"
#endif

static void put_option(struct iso_json *json, const struct iso_cli_option *option)
{
    iso_json_object_begin(json);
    iso_json_put_z(json, "name", option->name);
    iso_json_put_z(json, "value", option->value);
    iso_json_put_bool(json, "repeats", option->repeats);
    iso_json_put_z(json, "help", option->help);
    iso_json_object_end(json);
}

static void put_command(struct iso_json *json, const struct iso_cli_command *command)
{
    iso_json_object_begin(json);
    iso_json_put_z(json, "name", command->name);
    iso_json_put_z(json, "summary", command->summary);
    iso_json_put_z(json, "synopsis", command->synopsis);
    iso_json_put_z(json, "description", command->description);
    iso_json_put_array_begin(json, "groups");
    for (size_t g = 0; g < command->group_count; g++) {
        iso_json_object_begin(json);
        iso_json_put_z(json, "title", command->groups[g]->title);
        iso_json_put_array_begin(json, "options");
        for (size_t i = 0; i < command->groups[g]->count; i++) {
            put_option(json, &command->groups[g]->options[i]);
        }
        iso_json_array_end(json);
        iso_json_object_end(json);
    }
    iso_json_array_end(json);
    iso_json_put_z(json, "examples", command->examples);
    iso_json_put_array_begin(json, "subcommands");
    for (size_t i = 0; command->subcommands != NULL && command->subcommands[i] != NULL; i++) {
        put_command(json, command->subcommands[i]); /* one level, as deep as the tables */
    }
    iso_json_array_end(json);
    iso_json_object_end(json);
}

static void put_programs(struct iso_json *json)
{
    iso_json_put_array_begin(json, "programs");
    for (size_t i = 0; iso_cli_siblings[i].command != NULL; i++) {
        iso_json_object_begin(json);
        iso_json_put_z(json, "command", iso_cli_siblings[i].command);
        iso_json_put_z(json, "program", iso_cli_siblings[i].program);
        iso_json_put_z(json, "section", iso_cli_siblings[i].section);
        iso_json_put_z(json, "summary", iso_cli_siblings[i].summary);
        iso_json_object_end(json);
    }
    iso_json_array_end(json);
}

static void put_statuses(struct iso_json *json)
{
    static const struct {
        int number;
        const char *meaning;
    } table[] = {
#define ISO_CLI_STATUS(name, number, meaning) {number, meaning},
#include "cli/status.def"
#undef ISO_CLI_STATUS
    };
    iso_json_put_array_begin(json, "exit-statuses");
    for (size_t i = 0; i < ISO_COUNT_OF(table); i++) {
        iso_json_object_begin(json);
        iso_json_put_i64(json, "status", table[i].number);
        iso_json_put_z(json, "meaning", table[i].meaning);
        iso_json_object_end(json);
    }
    iso_json_array_end(json);
}

static enum iso_err to_stdout(void *ctx, const void *data, size_t len)
{
    (void)ctx;
    return fwrite(data, 1, len, stdout) == len ? ISO_OK : ISO_E_IO;
}

int iso_cli_describe(const struct iso_cli_command *const *commands, size_t count)
{
    struct iso_json json;
    iso_json_init(&json, to_stdout, NULL, 2);
    iso_json_object_begin(&json);
    iso_json_put_z(&json, "version", ISO_VERSION);
    iso_json_put_array_begin(&json, "commands");
    for (size_t i = 0; i < count; i++) {
        put_command(&json, commands[i]);
    }
    iso_json_array_end(&json);
    put_programs(&json);
    put_statuses(&json);
    iso_json_object_end(&json);
    return iso_cli_finish_output(iso_cli_status_from(iso_json_finish(&json)));
}
