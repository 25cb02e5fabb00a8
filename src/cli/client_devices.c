/* isomer device: the devices of an orchestrator, and what it has found besides. */
#include "cli/client_commands.h"
#include "cli/client_device.h"
#include "cli/client_note.h"

#include "base/format.h"
#include "cli/message.h"
#include "cli/status.h"

#include <stdlib.h>
#include <time.h>

enum { OPTION_NAME, OPTION_TAKE_OVER, OPTION_FORGET, PATH_SIZE = 1024 };

struct options {
    const char *name;
    bool take_over, forget;
};

static int option(void *ctx, int id, char *value)
{
    struct options *options = ctx;
    switch (id) {
    case OPTION_NAME:
        options->name = value;
        break;
    case OPTION_TAKE_OVER:
        options->take_over = true;
        break;
    default:
        options->forget = true;
        break;
    }
    return ISO_CLI_OK;
}

static int device_path(const char *device, const char *rest, char out[PATH_SIZE])
{
    char name[800];
    if (!iso_cli_path_encode(device, name, sizeof name)) {
        iso_cli_error("'%s' is too long for a device's name", device);
        return ISO_CLI_USAGE;
    }
    (void)iso_format(out, PATH_SIZE, "/v1/devices/%s%s", name, rest);
    return ISO_CLI_OK;
}

static const struct iso_cli_option_group *const groups[] = {&iso_cli_orchestrator_group};
static const struct iso_cli_option_group *const either_groups[] = {&iso_cli_either_group};

/* ---- ls ---------------------------------------------------------------------------------------
 */

static void labels_text(const json_t *labels, char *out, size_t cap)
{
    const char *key;
    json_t *value;
    size_t len = 0;
    out[0] = '\0';
    json_object_foreach((json_t *)(uintptr_t)labels, key, value)
    {
        if (len < cap) {
            len += iso_format(out + len, cap - len, "%s%s=%s", len != 0 ? " " : "", key,
                              json_is_string(value) ? json_string_value(value) : "");
        }
    }
}

static void add_device(struct iso_cli_table *table, const json_t *device)
{
    char labels[200], speed[24], load[24], components[24];
    const bool drained = json_is_true(json_object_get(device, "drained"));
    const char *reason = iso_cli_json_text(device, "reason");
    labels_text(json_object_get(device, "labels"), labels, sizeof labels);
    (void)iso_format(speed, sizeof speed, "%.0f",
                     json_number_value(json_object_get(device, "speed")));
    (void)iso_format(load, sizeof load, "%.0f%%",
                     100 * json_number_value(json_object_get(device, "load")));
    (void)iso_format(components, sizeof components, "%llu",
                     (unsigned long long)iso_cli_json_number(device, "components"));
    const char *const cells[] = {iso_cli_json_text(device, "name"),
                                 iso_cli_json_text(device, "state"),
                                 iso_cli_json_text(device, "architecture"),
                                 speed,
                                 load,
                                 components,
                                 labels,
                                 reason[0] != '\0' ? reason
                                 : drained         ? "drained: nothing new is put there"
                                                   : iso_cli_json_text(device, "address")};
    iso_cli_table_add(table, cells);
}

static void print_candidates(const json_t *candidates)
{
    static const char *const titles[] = {"FOUND", "ADDRESS", "BY", "BELONGS TO"};
    struct iso_cli_table table;
    size_t i;
    json_t *candidate;
    iso_cli_table_init(&table, titles, ISO_COUNT_OF(titles), 0);
    json_array_foreach((json_t *)(uintptr_t)candidates, i, candidate)
    {
        const json_t *owner = json_object_get(candidate, "owner");
        const char *const cells[] = {
            iso_cli_json_text(candidate, "name"), iso_cli_json_text(candidate, "address"),
            iso_cli_json_text(candidate, "found"), iso_cli_json_text(owner, "name")};
        iso_cli_table_add(&table, cells);
    }
    iso_cli_table_print(&table, stdout);
}

static int print_devices(const json_t *answer)
{
    static const char *const titles[] = {"DEVICE", "STATE",      "PROCESSOR", "SPEED",
                                         "LOAD",   "COMPONENTS", "LABELS",    "ADDRESS OR REASON"};
    struct iso_cli_table table;
    size_t i;
    json_t *device;
    const json_t *devices = json_object_get(answer, "devices");
    const json_t *candidates = json_object_get(answer, "candidates");
    iso_cli_table_init(&table, titles, ISO_COUNT_OF(titles), 1u << 3 | 1u << 4 | 1u << 5);
    json_array_foreach((json_t *)(uintptr_t)devices, i, device)
    {
        add_device(&table, device);
    }
    if (table.count != 0) {
        iso_cli_table_print(&table, stdout);
    } else {
        iso_cli_note("no device has been added; 'isomer device add NAME' adds one");
    }
    if (json_array_size(candidates) != 0) {
        fputs(json_array_size(devices) != 0 ? "\n" : "", stdout);
        print_candidates(candidates);
    }
    return iso_cli_finish_output(ISO_CLI_OK);
}

static int run_ls(const struct iso_cli_command *command, int argc, char **argv)
{
    struct iso_cli_client_args args;
    json_t *answer = NULL;
    int status = iso_cli_client_read(command, argc, argv, &args, 0, 0, NULL, NULL);
    if (status < 0) {
        status = iso_cli_get_json(&args.server, "/v1/devices", &answer);
        if (status == ISO_CLI_OK) {
            status = args.server.json ? iso_cli_show_json(answer) : print_devices(answer);
        }
    }
    json_decref(answer);
    iso_cli_server_fini(&args.server);
    return status;
}

static const struct iso_cli_command device_ls = {
    .name = "device ls",
    .summary = "list the devices, and those that were found but not added",
    .synopsis = "",
    .groups = groups,
    .group_count = ISO_COUNT_OF(groups),
    .examples = "  isomer device ls\n",
    .run = run_ls,
};

/* ---- show -------------------------------------------------------------------------------------
 */

static int show_of_orchestrator(struct iso_cli_server *server, const char *name)
{
    char path[PATH_SIZE], labels[200];
    json_t *device = NULL;
    int status = device_path(name, "", path);
    status = status == ISO_CLI_OK ? iso_cli_get_json(server, path, &device) : status;
    if (status == ISO_CLI_OK && server->json) {
        status = iso_cli_show_json(device);
    } else if (status == ISO_CLI_OK) {
        const char *reason = iso_cli_json_text(device, "reason");
        labels_text(json_object_get(device, "labels"), labels, sizeof labels);
        printf("%-12s %s%s%s\n", "state", iso_cli_json_text(device, "state"),
               reason[0] != '\0' ? ": " : "", reason);
        printf("%-12s %s\n", "address", iso_cli_json_text(device, "address"));
        printf("%-12s %s\n", "seen", iso_cli_json_text(device, "seen"));
        printf("%-12s %s\n", "labels", labels);
        if (json_is_object(json_object_get(device, "description"))) {
            iso_cli_device_print(json_object_get(device, "description"),
                                 iso_cli_json_text(device, "pin"));
        }
        status = iso_cli_finish_output(ISO_CLI_OK);
    }
    json_decref(device);
    return status;
}

static int run_show(const struct iso_cli_command *command, int argc, char **argv)
{
    struct iso_cli_client_args args;
    int status = iso_cli_client_read(command, argc, argv, &args, 0, 1, NULL, NULL);
    if (status < 0) {
        if (args.server.is_device && args.count == 0) {
            status = iso_cli_device_show(&args.server);
        } else if (args.server.is_device) {
            status = iso_cli_usage_error(command, "--device says already which device is meant");
        } else if (args.count == 0) {
            status = iso_cli_usage_error(command, "which device? 'isomer device ls' lists them");
        } else {
            status = show_of_orchestrator(&args.server, args.operands[0]);
        }
    }
    iso_cli_server_fini(&args.server);
    return status;
}

static const struct iso_cli_command device_show = {
    .name = "device show",
    .summary = "describe a device",
    .synopsis = "[DEVICE]",
    .description = "What the orchestrator knows of it; with --device what it says itself.",
    .groups = either_groups,
    .group_count = ISO_COUNT_OF(either_groups),
    .examples = "  isomer device show den\n"
                "  isomer --device 192.0.2.7 device show\n",
    .run = run_show,
};

/* ---- add, pair --------------------------------------------------------------------------------
 */

static int added(struct iso_cli_server *server, const json_t *device)
{
    const char *name = iso_cli_json_text(device, "name");
    const bool is_device = iso_cli_json_text(device, "state")[0] != '\0';
    const bool up = is_device && iso_cli_device_wait(server, name);
    if (server->json) {
        const int status = iso_cli_show_json(device);
        return status == ISO_CLI_OK && !is_device ? ISO_CLI_REFUSED : status;
    }
    if (is_device) {
        if (!up) {
            iso_cli_note("%s does not answer yet; 'isomer device ls' shows when it does", name);
        }
        iso_cli_note("%s is a device of %s", name, server->name);
        return ISO_CLI_OK;
    }
    /* A candidate only: nothing secret may go there before both have proved who they are. */
    iso_cli_note("%s is there, at %s, and has to be paired:", name[0] != '\0' ? name : "a device",
                 iso_cli_json_text(device, "address"));
    iso_cli_detail(
        "on the device, isomer pair prints a code; then here: isomer device pair %s CODE",
        name[0] != '\0' ? name : iso_cli_json_text(device, "address"));
    return ISO_CLI_REFUSED;
}

/* body: its reference is taken. */
static int post_device(struct iso_cli_server *server, const struct options *options, json_t *body)
{
    json_t *device = NULL;
    if (options->name != NULL) {
        (void)json_object_set_new(body, "name", json_string(options->name));
    }
    if (options->take_over) {
        (void)json_object_set_new(body, "take-over", json_true());
    }
    int status = iso_cli_send_json(server, "POST", "/v1/devices", body, &device);
    status = status == ISO_CLI_OK ? added(server, device) : status;
    json_decref(device);
    return status;
}

/* The token may only go over a connection that nobody else can read. */
static bool is_private(const struct iso_cli_server *server)
{
    return strncmp(server->base, "http://", 7) == 0 || server->pin[0] != '\0';
}

/* A device of this machine: its token is in a file that this user may read. */
static int add_local(struct iso_cli_server *server, const struct options *options,
                     const json_t *note)
{
    char path[1200], token[160];
    const char *state = iso_cli_json_text(note, "state");
    (void)iso_format(path, sizeof path, "%s/token", state);
    if (!iso_cli_line_read(path, token, sizeof token)) {
        iso_cli_error("%s: no token can be read from it", path);
        return ISO_CLI_UNREADABLE;
    }
    if (!is_private(server)) {
        iso_cli_error("the key of %s is not known, so the device's token cannot be shown to it",
                      server->name);
        iso_cli_hint("give --pin, or pair: isomer --device %s pair, then isomer device pair",
                     iso_cli_json_text(note, "name"));
        return ISO_CLI_USAGE;
    }
    return post_device(server, options, iso_cli_note_device(note, token, NULL));
}

/* Whether the orchestrator has found something of that name or address. */
static bool is_candidate(struct iso_cli_server *server, const char *name)
{
    json_t *answer = NULL, *candidate;
    size_t i;
    bool found = false;
    if (iso_cli_get_json(server, "/v1/devices", &answer) == ISO_CLI_OK) {
        json_array_foreach(json_object_get(answer, "candidates"), i, candidate)
        {
            found = found || strcmp(iso_cli_json_text(candidate, "name"), name) == 0 ||
                    strcmp(iso_cli_json_text(candidate, "id"), name) == 0;
        }
    }
    json_decref(answer);
    return found;
}

/* The note of a device of this machine: the caller's reference; *ambiguous: after a message. One
 * that was started a moment ago is waited for, unless the name is an address or of something that
 * the orchestrator has found. */
static json_t *find_local(struct iso_cli_server *server, const char *name, bool *ambiguous)
{
    const struct timespec pause = {0, 50 * 1000000L};
    const bool may_come = strpbrk(name, ".:/") == NULL && !is_candidate(server, name);
    for (unsigned tries = 0; tries < (may_come ? 60u : 1u); tries++) {
        json_t *notes = iso_cli_notes_read("supervisor");
        json_t *note = json_incref((json_t *)(uintptr_t)iso_cli_notes_find(notes, name));
        *ambiguous = note != NULL && iso_cli_notes_ambiguous(notes, name, "isomer device add");
        json_decref(notes);
        if (note != NULL) {
            return note;
        }
        if (may_come) {
            (void)nanosleep(&pause, NULL);
        }
    }
    return NULL;
}

static int run_add(const struct iso_cli_command *command, int argc, char **argv)
{
    struct iso_cli_client_args args;
    struct options options = {.name = NULL};
    int status = iso_cli_client_read(command, argc, argv, &args, 1, 1, option, &options);
    if (status < 0) {
        bool ambiguous = false;
        json_t *note = find_local(&args.server, args.operands[0], &ambiguous);
        status = ambiguous      ? ISO_CLI_USAGE
                 : note != NULL ? add_local(&args.server, &options, note)
                                : post_device(&args.server, &options,
                                              json_pack("{s:s}", "address", args.operands[0]));
        json_decref(note);
    }
    iso_cli_server_fini(&args.server);
    return status;
}

static int run_pair(const struct iso_cli_command *command, int argc, char **argv)
{
    struct iso_cli_client_args args;
    struct options options = {.name = NULL};
    int status = iso_cli_client_read(command, argc, argv, &args, 2, 2, option, &options);
    if (status < 0) {
        status = post_device(
            &args.server, &options,
            json_pack("{s:s, s:s}", "address", args.operands[0], "code", args.operands[1]));
    }
    iso_cli_server_fini(&args.server);
    return status;
}

static const struct iso_cli_option add_options[] = {
    {OPTION_NAME, "name", "NAME", false, "call it so (what it calls itself)"},
    {OPTION_TAKE_OVER, "take-over", NULL, false, "although it belongs to another orchestrator"},
};
static const struct iso_cli_option_group add_group = {"Device", add_options,
                                                      ISO_COUNT_OF(add_options)};
static const struct iso_cli_option_group *const add_groups[] = {&add_group,
                                                                &iso_cli_orchestrator_group};

static const struct iso_cli_command device_add = {
    .name = "device add",
    .summary = "add a device of this machine, or look what is at an address",
    .synopsis = "NAME | ADDRESS",
    .description =
        "A device that runs on this machine is added by its name. Another one, by its address or\n"
        "the name by which it was found, must be paired: 'isomer pair' on it prints a code, and\n"
        "'isomer device pair' takes it.",
    .groups = add_groups,
    .group_count = ISO_COUNT_OF(add_groups),
    .examples = "  isomer device add kitchen\n"
                "  isomer device add 192.0.2.7\n",
    .run = run_add,
};
static const struct iso_cli_command device_pair = {
    .name = "device pair",
    .summary = "add a device with the code that it printed",
    .synopsis = "NAME | ADDRESS CODE",
    .groups = add_groups,
    .group_count = ISO_COUNT_OF(add_groups),
    .examples = "  isomer device pair den 7K3M-9QXT-2B5N-C8RW\n",
    .run = run_pair,
};

/* ---- rm ---------------------------------------------------------------------------------------
 */

static int run_rm(const struct iso_cli_command *command, int argc, char **argv)
{
    struct iso_cli_client_args args;
    struct options options = {.name = NULL};
    char path[PATH_SIZE];
    int status = iso_cli_client_read(command, argc, argv, &args, 1, 1, option, &options);
    if (status < 0) {
        status = device_path(args.operands[0], options.forget ? "?forget=true" : "", path);
        status = status == ISO_CLI_OK ? iso_cli_send_json(&args.server, "DELETE", path, NULL, NULL)
                                      : status;
        if (status == ISO_CLI_OK) {
            iso_cli_note("%s is no device of %s any more", args.operands[0], args.server.name);
        }
    }
    iso_cli_server_fini(&args.server);
    return status;
}

static const struct iso_cli_option rm_options[] = {
    {OPTION_FORGET, "forget", NULL, false,
     "also when it does not answer: it goes on believing that\nit belongs here"},
};
static const struct iso_cli_option_group rm_group = {"Device", rm_options,
                                                     ISO_COUNT_OF(rm_options)};
static const struct iso_cli_option_group *const rm_groups[] = {&rm_group,
                                                               &iso_cli_orchestrator_group};

static const struct iso_cli_command device_rm = {
    .name = "device rm",
    .summary = "give a device back",
    .synopsis = "DEVICE",
    .description = "Refused while applications use it: 'isomer device drain' moves them away.",
    .groups = rm_groups,
    .group_count = ISO_COUNT_OF(rm_groups),
    .examples = "  isomer device rm den\n",
    .run = run_rm,
};

/* ---- label, rename, drain ---------------------------------------------------------------------
 */

/* body: its reference is taken. */
int iso_cli_device_change(struct iso_cli_server *server, const char *name, json_t *body)
{
    char path[PATH_SIZE];
    json_t *device = NULL;
    int status = device_path(name, "", path);
    if (status != ISO_CLI_OK) {
        json_decref(body);
        return status;
    }
    status = iso_cli_send_json(server, "PATCH", path, body, &device);
    if (status == ISO_CLI_OK && server->json) {
        status = iso_cli_show_json(device);
    }
    json_decref(device);
    return status;
}

static int run_label(const struct iso_cli_command *command, int argc, char **argv)
{
    struct iso_cli_client_args args;
    int status = iso_cli_client_read(command, argc, argv, &args, 2, 64, NULL, NULL);
    json_t *labels = json_object();
    if (status < 0) {
        status = ISO_CLI_OK;
        for (int i = 1; i < args.count && status == ISO_CLI_OK; i++) {
            char *text = args.operands[i];
            char *equals = strchr(text, '=');
            const size_t len = strlen(text);
            if (equals != NULL && equals != text) {
                *equals = '\0';
                (void)json_object_set_new(labels, text, json_string(equals + 1));
            } else if (equals == NULL && len > 1 && text[len - 1] == '-') {
                text[len - 1] = '\0';
                (void)json_object_set_new(labels, text, json_null());
            } else {
                status = iso_cli_usage_error(command,
                                             "'%s': write KEY=VALUE, or KEY- to take it "
                                             "away",
                                             text);
            }
        }
        if (status == ISO_CLI_OK) {
            status = iso_cli_device_change(&args.server, args.operands[0],
                                           json_pack("{s:O}", "labels", labels));
        }
    }
    json_decref(labels);
    iso_cli_server_fini(&args.server);
    return status;
}

static const struct iso_cli_command device_label = {
    .name = "device label",
    .summary = "give a device labels, which manifests may ask for",
    .synopsis = "DEVICE KEY=VALUE | KEY- ...",
    .groups = groups,
    .group_count = ISO_COUNT_OF(groups),
    .examples = "  isomer device label den room=den old-\n",
    .run = run_label,
};

static int run_rename(const struct iso_cli_command *command, int argc, char **argv)
{
    struct iso_cli_client_args args;
    int status = iso_cli_client_read(command, argc, argv, &args, 2, 2, NULL, NULL);
    if (status < 0) {
        status = iso_cli_device_change(&args.server, args.operands[0],
                                       json_pack("{s:s}", "name", args.operands[1]));
    }
    iso_cli_server_fini(&args.server);
    return status;
}

static const struct iso_cli_command device_rename = {
    .name = "device rename",
    .summary = "call a device otherwise",
    .synopsis = "DEVICE NAME",
    .groups = groups,
    .group_count = ISO_COUNT_OF(groups),
    .examples = "  isomer device rename raspberrypi den\n",
    .run = run_rename,
};

/* ---- device -----------------------------------------------------------------------------------
 */

/* Alone: the one of --device, else all. */
static int run_device(const struct iso_cli_command *command, int argc, char **argv)
{
    const char *device = getenv("ISOMER_DEVICE");
    bool one = device != NULL && device[0] != '\0';
    for (int i = 1; i < argc; i++) {
        one = one || strncmp(argv[i], "--device", strlen("--device")) == 0;
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            iso_cli_command_help(stdout, command);
            return iso_cli_finish_output(ISO_CLI_OK);
        }
    }
    return one ? run_show(&device_show, argc, argv) : run_ls(&device_ls, argc, argv);
}

static const struct iso_cli_command *const device_commands[] = {
    &device_ls,    &device_show,   &device_add,           &device_pair, &device_rm,
    &device_label, &device_rename, &iso_cli_device_drain, NULL};

const struct iso_cli_command iso_cli_client_device = {
    .name = "device",
    .summary = "list, add, describe, label and drain devices",
    .synopsis = "ls | show | add | pair | rm | label | rename | drain",
    .description = "Alone: 'device ls', or with --device 'device show'.",
    .examples = "  isomer device ls\n"
                "  isomer device add kitchen\n"
                "  isomer --device 192.0.2.7 device\n",
    .run = run_device,
    .subcommands = device_commands,
};
