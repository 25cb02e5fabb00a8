/* isomer new app: the beginning of an application: a module, and a manifest with two components of
 * it and a flow through both. */
#include "base/name.h"
#include "cli/message.h"
#include "cli/new.h"
#include "cli/status.h"

static int run_app(const struct iso_cli_command *command, int argc, char **argv)
{
    const char *name = NULL;
    enum iso_gen_language language;
    int status = iso_cli_new_read(command, argc, argv, &language, &name);
    if (status >= 0) {
        return status;
    }
    if (!iso_name_check(iso_str_from_z(name))) {
        return iso_cli_usage_error(command, "'%s' cannot be the name: write " ISO_NAME_RULE, name);
    }
    status = iso_cli_new_make(command, language, name, true);
    if (status == ISO_CLI_OK) {
        printf("%s is there; go on with\n"
               "  cd %s\n"
               "  make\n"
               "  isomer up --detach\n"
               "  isomer deploy\n"
               "  isomer flow start %s/greet '\"you\"'\n",
               name, name, name);
    }
    return iso_cli_finish_output(status);
}

const struct iso_cli_command iso_cli_new_app = {
    .name = "new app",
    .summary = "begin an application",
    .synopsis = "c|rust|assemblyscript NAME",
    .description =
        "Makes the folder NAME with an application: the source of a module with its interface, as\n"
        "'isomer new' does, and app.json with two components of it and a flow through both. It\n"
        "runs at once: make, then isomer deploy. A further module is a folder in it, made by\n"
        "'isomer new', that app.json names as file:FOLDER.",
    .examples = "  isomer new app c thermostat\n",
    .run = run_app,
};
