/* isomer device drain: everything is moved away from a device, and it is told what cannot be. */
#include "cli/client_commands.h"
#include "cli/client_device.h"
#include "cli/client_wait.h"

#include "base/format.h"
#include "cli/message.h"
#include "cli/status.h"
#include "platform/platform.h"

#include <string.h>
#include <time.h>

/* How long nothing must be under way before what is still there is taken for what stays. */
enum { OPTION_OFF, PAUSE_MS = 250, QUIET_MS = 2000 };

struct options {
    bool off;
    struct iso_cli_wait wait;
};

static int option(void *ctx, int id, char *value)
{
    struct options *options = ctx;
    if (id == OPTION_OFF) {
        options->off = true;
        return ISO_CLI_OK;
    }
    return iso_cli_wait_option(&options->wait, id, value);
}

/* What of an application is on the device, as lines when show; how many. */
static uint64_t count_of(const json_t *app, const char *device, bool show)
{
    const json_t *components = json_object_get(app, "components");
    json_t *component;
    size_t i;
    uint64_t count = 0;
    json_array_foreach((json_t *)(uintptr_t)components, i, component)
    {
        if (strcmp(iso_cli_json_text(component, "device-name"), device) == 0 ||
            strcmp(iso_cli_json_text(component, "device"), device) == 0) {
            count++;
            if (show) {
                iso_cli_detail("%s/%s", iso_cli_json_text(app, "app"),
                               iso_cli_json_text(component, "name"));
            }
        }
    }
    return count;
}

/* *left: how many components are on the device; *changing: whether any application is changed. */
static int look(struct iso_cli_server *server, const char *device, bool show, uint64_t *left,
                bool *changing)
{
    json_t *apps = NULL, *app;
    size_t i;
    int status = iso_cli_get_json(server, "/v1/apps", &apps);
    *left = 0;
    *changing = false;
    json_array_foreach(apps, i, app)
    {
        char path[300];
        json_t *document = NULL;
        (void)iso_format(path, sizeof path, "/v1/apps/%s", iso_cli_json_text(app, "app"));
        status = status == ISO_CLI_OK ? iso_cli_get_json(server, path, &document) : status;
        *left += count_of(document, device, show);
        *changing = *changing || strcmp(iso_cli_json_text(app, "state"), "deploying") == 0;
        json_decref(document);
    }
    json_decref(apps);
    return status;
}

static int wait_empty(struct iso_cli_server *server, const struct iso_cli_wait *wait,
                      const char *device)
{
    const struct timespec pause = {0, PAUSE_MS * 1000000L};
    uint64_t left = 1, waited_ms = 0;
    unsigned quiet_ms = 0;
    bool changing = false;
    while (quiet_ms < QUIET_MS && waited_ms * 1000000u < wait->timeout_ns) {
        const int status = look(server, device, false, &left, &changing);
        if (status != ISO_CLI_OK) {
            return status;
        }
        if (left == 0 && !changing) {
            iso_cli_note("%s is empty, and nothing new is put there", device);
            return ISO_CLI_OK;
        }
        quiet_ms = changing ? 0 : quiet_ms + PAUSE_MS;
        waited_ms += PAUSE_MS;
        (void)nanosleep(&pause, NULL);
    }
    if (changing) {
        iso_cli_error("%s is not empty yet; 'isomer ps' shows what is there", device);
        return ISO_CLI_TIMEOUT;
    }
    iso_cli_error("nothing new is put on %s, but no other device can take", device);
    const int status = look(server, device, true, &left, &changing);
    iso_cli_hint("'isomer plan --verbose FOLDER' of the application says why");
    return status == ISO_CLI_OK ? ISO_CLI_FAILED : status;
}

static int run(const struct iso_cli_command *command, int argc, char **argv)
{
    struct iso_cli_client_args args;
    struct options options = {.off = false};
    iso_cli_wait_init(&options.wait);
    int status = iso_cli_client_read(command, argc, argv, &args, 1, 1, option, &options);
    if (status < 0) {
        const char *device = args.operands[0];
        status = iso_cli_device_change(&args.server, device,
                                       json_pack("{s:b}", "drained", options.off ? 0 : 1));
        if (status == ISO_CLI_OK && options.off) {
            iso_cli_note("%s is used again", device);
        } else if (status == ISO_CLI_OK && options.wait.no_wait) {
            iso_cli_note("%s: components are moved away, nothing new is put there", device);
        } else if (status == ISO_CLI_OK) {
            status = wait_empty(&args.server, &options.wait, device);
        }
    }
    iso_cli_server_fini(&args.server);
    return status;
}

static const struct iso_cli_option options[] = {
    {OPTION_OFF, "off", NULL, false, "use it again"},
};
static const struct iso_cli_option_group group = {"Device", options, ISO_COUNT_OF(options)};
static const struct iso_cli_option_group *const groups[] = {&group, &iso_cli_wait_group,
                                                            &iso_cli_orchestrator_group};

const struct iso_cli_command iso_cli_device_drain = {
    .name = "device drain",
    .summary = "move everything away from a device",
    .synopsis = "DEVICE",
    .description = "Nothing new is put there. What no other device can take stays and is named; "
                   "the status\nis 72 then.",
    .groups = groups,
    .group_count = ISO_COUNT_OF(groups),
    .examples = "  isomer device drain den\n"
                "  isomer device drain --off den\n",
    .run = run,
};
