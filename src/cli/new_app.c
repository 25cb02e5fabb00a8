/* isomer new app: the beginning of an application: a module, and a manifest with two components of
 * it and a flow through both. */
#include "base/name.h"
#include "cli/interface.h"
#include "cli/message.h"
#include "cli/new.h"
#include "cli/status.h"

/* The module's folder is the application's: the modules that it names are beside it. */
static const char manifest[] =
    "{\n"
    "  \"app\": \"%s\",\n"
    "  \"components\": {\n"
    "    \"first\": { \"package\": \"file:%s.wasm\" },\n"
    "    \"second\": { \"package\": \"file:%s.wasm\" }\n"
    "  },\n"
    "  \"flows\": {\n"
    "    \"greet\": { \"on\": { \"call\": true }, \"steps\": [\n"
    "      { \"as\": \"greeting\", \"call\": \"first.hello\", \"with\": { \"name\": \"$input\" } "
    "},\n"
    "      { \"call\": \"second.hello\", \"with\": { \"name\": \"$greeting\" } }\n"
    "    ] }\n"
    "  }\n"
    "}\n";

static int run_app(const struct iso_cli_command *command, int argc, char **argv)
{
    char path[64], text[sizeof manifest + 3 * ISO_NAME_MAX];
    const char *name = NULL;
    enum iso_gen_language language;
    int status = iso_cli_new_read(command, argc, argv, &language, &name);
    if (status >= 0) {
        return status;
    }
    if (!iso_name_check(iso_str_from_z(name))) {
        return iso_cli_usage_error(command, "'%s' cannot be the name: write " ISO_NAME_RULE, name);
    }
    status = iso_cli_new_make(command, language, name, false);
    if (status != ISO_CLI_OK) {
        return status;
    }
    (void)iso_format(path, sizeof path, "%s/app.json", name);
    const size_t len = iso_format(text, sizeof text, manifest, name, name, name);
    status = iso_cli_file_save(path, iso_bytes_from(text, len));
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
