/* isomer up, down: an orchestrator and one or more devices on this machine, for a first try and for
 * the smallest site. They are the same programs as elsewhere, started as children. */
#include "cli/children.h"
#include "cli/client_commands.h"
#include "cli/client_device.h"
#include "cli/client_note.h"

#include "base/format.h"
#include "cli/interface.h"
#include "cli/local.h"
#include "cli/message.h"
#include "cli/note.h"
#include "cli/sibling.h"
#include "cli/status.h"
#include "platform/platform.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    OPTION_STATE,
    OPTION_DEVICES,
    OPTION_CONFIG,
    OPTION_NAME,
    OPTION_NO_MDNS,
    OPTION_DETACH,
    DEVICES_MAX = ISO_CLI_CHILDREN_MAX - 1,
    START_MS = 30000,
    STOP_MS = 20000,
    STEP_MS = 50,
    STATE_SIZE = 1100
};

/* What the process that stays tells the one that started it. */
enum { READY = 'r', WAITING = 'w' /* runs, but not every device is up */, FAILED = 'f' };

struct up {
    const char *state;  /* NULL: the defaults */
    const char *name;   /* of the orchestrator; NULL: the host's */
    const char *config; /* folder with the configurations of devices; NULL: they have none */
    char devices[DEVICES_MAX][64];
    char called[DEVICES_MAX][64]; /* what the orchestrator calls them */
    size_t device_count;
    bool is_own; /* no device was named: it is the one that 'isomer supervisor' starts */
    bool no_mdns, detach;
    char orchestrator_state[STATE_SIZE];
    struct iso_cli_children children;
    struct iso_cli_server server;
    bool all_up; /* when it was ready */
    int note;    /* its lock */
    int told;    /* --detach: where the process that was started hears how it went; -1 */
};

/* ---- Options ----------------------------------------------------------------------------------
 */

static bool is_name(const char *text, size_t len)
{
    return len > 0 && len < 64 &&
           strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") >= len;
}

static int set_devices(struct up *up, const char *list)
{
    for (const char *at = list;; at++) {
        const size_t len = strcspn(at, ",");
        if (!is_name(at, len) || up->device_count == DEVICES_MAX) {
            iso_cli_error("--devices %s: write at most %d names with commas between, of letters, "
                          "digits and hyphens",
                          list, (int)DEVICES_MAX);
            return ISO_CLI_USAGE;
        }
        char *name = up->devices[up->device_count];
        (void)iso_format(name, sizeof up->devices[0], "%.*s", (int)len, at);
        for (size_t i = 0; i < up->device_count; i++) {
            if (strcmp(up->devices[i], name) == 0) {
                iso_cli_error("--devices %s: %s stands there twice; each needs its own name", list,
                              name);
                return ISO_CLI_USAGE;
            }
        }
        up->device_count++;
        at += len;
        if (*at == '\0') {
            return ISO_CLI_OK;
        }
    }
}

/* Path of a device's configuration; false when it has none. */
static bool config_of(const struct up *up, const char *name, char out[ISO_PATH_MAX])
{
    char file[80];
    (void)iso_format(file, sizeof file, "%s.json", name);
    return up->config != NULL && iso_path_join(out, up->config, file) && iso_path_is_file(out);
}

/* Length of the device's name in that of a file of the folder; 0: it is no configuration. */
static size_t configured(const char *file)
{
    const size_t len = strlen(file);
    return len > 5 && strcmp(file + len - 5, ".json") == 0 && is_name(file, len - 5) ? len - 5 : 0;
}

/* An entry of the folder of configurations: its device, in the order of their names. */
static void add_configured(void *ctx, const char *path, const char *name)
{
    struct up *up = ctx;
    const size_t len = configured(name);
    size_t at = up->device_count;
    (void)path;
    if (len == 0 || at == DEVICES_MAX) {
        return;
    }
    up->device_count++;
    for (; at > 0 && strncmp(up->devices[at - 1], name, len) > 0; at--) {
        memcpy(up->devices[at], up->devices[at - 1], sizeof up->devices[0]);
    }
    (void)iso_format(up->devices[at], sizeof up->devices[0], "%.*s", (int)len, name);
}

/* An entry of the folder of configurations: said when it is of no device that was named. */
static void say_unused(void *ctx, const char *path, const char *name)
{
    const struct up *up = ctx;
    const size_t len = configured(name);
    bool used = len == 0;
    (void)path;
    for (size_t i = 0; i < up->device_count && !used; i++) {
        used = strlen(up->devices[i]) == len && strncmp(up->devices[i], name, len) == 0;
    }
    if (!used) {
        iso_cli_hint("%s in %s is not used: --devices names no device %.*s", name, up->config,
                     (int)len, name);
    }
}

/* --config: without --devices there are those that the folder has configurations of. */
static int use_config(struct up *up)
{
    char path[ISO_PATH_MAX];
    struct iso_report report;
    iso_report_init(&report);
    const enum iso_err err = iso_dir_check(up->config, &report);
    if (err != ISO_OK) {
        iso_cli_error("--config: %s", iso_report_text(&report, err));
        return ISO_CLI_UNREADABLE;
    }
    const bool named = up->device_count != 0;
    if (!named) {
        iso_dir_each(up->config, add_configured, up);
    }
    for (size_t i = 0; i < up->device_count; i++) {
        if (config_of(up, up->devices[i], path)) {
            if (named) {
                iso_dir_each(up->config, say_unused, up);
            }
            return ISO_CLI_OK;
        }
    }
    iso_cli_error("--config %s: there is no %s.json in it; each device has its configuration in a "
                  "file of its name",
                  up->config, up->device_count != 0 ? up->devices[0] : "NAME");
    return ISO_CLI_UNREADABLE;
}

static int set_option(struct up *up, int id, const char *value)
{
    switch (id) {
    case OPTION_STATE:
        up->state = value;
        return ISO_CLI_OK;
    case OPTION_NAME:
        up->name = value;
        return ISO_CLI_OK;
    case OPTION_DEVICES:
        return set_devices(up, value);
    case OPTION_CONFIG:
        up->config = value;
        return ISO_CLI_OK;
    case OPTION_NO_MDNS:
        up->no_mdns = true;
        return ISO_CLI_OK;
    default:
        up->detach = true;
        return ISO_CLI_OK;
    }
}

/* -1: go on; otherwise the exit status. */
static int read_options(const struct iso_cli_command *command, int argc, char **argv, struct up *up)
{
    struct iso_cli_args args;
    iso_cli_args_init(&args, command, argc, argv);
    for (;;) {
        const int id = iso_cli_args_next(&args);
        if (id == ISO_CLI_ARGS_END) {
            const int status = up->config != NULL ? use_config(up) : ISO_CLI_OK;
            return status == ISO_CLI_OK ? -1 : status;
        }
        if (id == ISO_CLI_ARGS_OPERAND) {
            return iso_cli_usage_error(command, "'%s': there is nothing to give here", args.value);
        }
        if (id < 0) {
            return iso_cli_args_status(id);
        }
        const int status = set_option(up, id, args.value);
        if (status != ISO_CLI_OK) {
            return status;
        }
    }
}

/* ---- Starting ---------------------------------------------------------------------------------
 */

/* Where the orchestrator (name NULL) or a device keeps its state. That of a device which was named
 * has its name: the same name is the same device, whatever stands beside it. */
static int state_of(const struct up *up, const char *name, char out[STATE_SIZE])
{
    char base[ISO_CLI_STATE_SIZE];
    if (up->state != NULL) {
        (void)iso_format(out, STATE_SIZE, "%s/%s", up->state, name != NULL ? name : "orchestrator");
        return ISO_CLI_OK;
    }
    if (!iso_cli_state_default(name != NULL ? "isomer" : "isomer-orchestrator", base)) {
        iso_cli_error("no home directory to keep the state in; give --state DIR");
        return ISO_CLI_USAGE;
    }
    const bool has_name = name != NULL && !up->is_own;
    (void)iso_format(out, STATE_SIZE, "%s%s%s", base, has_name ? "-" : "", has_name ? name : "");
    return ISO_CLI_OK;
}

/* name, config: NULL: its own. */
static int start_program(struct up *up, const char *program, const char *prefix, const char *name,
                         const char *state, const char *config)
{
    char path[4096];
    char *argv[10] = {path, (char *)(uintptr_t) "--state", (char *)(uintptr_t)state};
    size_t count = 3;
    iso_cli_sibling_path(program, path, sizeof path);
    if (name != NULL) {
        argv[count++] = (char *)(uintptr_t) "--name";
        argv[count++] = (char *)(uintptr_t)name;
    }
    if (config != NULL) {
        argv[count++] = (char *)(uintptr_t) "--config";
        argv[count++] = (char *)(uintptr_t)config;
    }
    if (up->no_mdns) {
        argv[count++] = (char *)(uintptr_t) "--no-mdns";
    }
    argv[count] = NULL;
    return iso_cli_children_start(&up->children, prefix, argv);
}

static int start_orchestrator(struct up *up)
{
    int status = state_of(up, NULL, up->orchestrator_state);
    if (status == ISO_CLI_OK && up->state != NULL && mkdir(up->state, 0700) != 0 &&
        errno != EEXIST) {
        iso_cli_error("%s: %s", up->state, iso_errno_text(errno));
        status = ISO_CLI_IO;
    }
    status = status == ISO_CLI_OK ? start_program(up, "isomer-orchestrator", "orchestrator",
                                                  up->name, up->orchestrator_state, NULL)
                                  : status;
    return status;
}

static int start_device(struct up *up, size_t i)
{
    char state[STATE_SIZE], config[ISO_PATH_MAX];
    const char *name = up->devices[i];
    const int status = state_of(up, name, state);
    return status == ISO_CLI_OK ? start_program(up, "isomer-supervisor", name, name, state,
                                                config_of(up, name, config) ? config : NULL)
                                : status;
}

/* The orchestrator was started first. */
static int start_again(void *ctx, size_t place)
{
    return place == 0 ? start_orchestrator(ctx) : start_device(ctx, place - 1);
}

/* ---- Ready ------------------------------------------------------------------------------------
 */

/* The note of a child, when it has left one: the caller's reference. */
static json_t *note_of(const struct iso_cli_child *child, const char *kind)
{
    json_t *notes = iso_cli_notes_read(kind), *note, *found = NULL;
    size_t i;
    json_array_foreach(notes, i, note)
    {
        if ((pid_t)iso_cli_json_number(note, "pid") == child->pid) {
            found = json_incref(note);
        }
    }
    json_decref(notes);
    return found;
}

/* Waits until a child serves. *note: the caller's reference. -1: go on; otherwise the status. */
static int wait_for(struct up *up, const struct iso_cli_child *child, const char *kind,
                    json_t **note)
{
    for (unsigned waited = 0; waited < START_MS; waited += STEP_MS) {
        *note = note_of(child, kind);
        if (*note != NULL) {
            return -1;
        }
        iso_cli_children_step(&up->children, STEP_MS);
        if (up->children.asked) {
            return ISO_CLI_OK;
        }
        if (iso_cli_children_ended(&up->children) != NULL) {
            iso_cli_error("%s could not start", iso_cli_children_ended(&up->children)->name);
            return ISO_CLI_SYSTEM;
        }
    }
    iso_cli_error("%s is not ready after %d seconds", child->name, START_MS / 1000);
    return ISO_CLI_SYSTEM;
}

/* Whether the orchestrator has a device of that name already: then adding it again is no mistake.
 */
static bool is_added(struct iso_cli_server *server, const char *name)
{
    struct iso_cli_reply reply;
    char path[256];
    (void)iso_format(path, sizeof path, "/v1/devices/%s", name);
    const struct iso_cli_request request = {.method = "GET", .path = path, .quiet = true};
    const bool added =
        iso_cli_request(server, &request, &reply) == ISO_CLI_OK && reply.status == 200;
    iso_buf_fini(&reply.body);
    return added;
}

/* It is another device that the orchestrator knows by that name, which was here before. */
static void tell_of_namesake(const char *name, const char *called)
{
    iso_cli_note("%s is called %s here: another device of its name was added before", name, called);
    iso_cli_hint("isomer device rm --forget %s; isomer device rename %s %s", name, called, name);
}

/* The orchestrator gets the device's token: both are this user's, on this machine. One that it has
 * already may have another address now. called: what it calls it. */
static int add_device(struct iso_cli_server *server, const json_t *note, char called[64])
{
    char path[1200], token[160];
    struct iso_cli_reply reply;
    const char *name = iso_cli_json_text(note, "name");
    (void)iso_format(path, sizeof path, "%s/token", iso_cli_json_text(note, "state"));
    if (!iso_cli_line_read(path, token, sizeof token)) {
        iso_cli_error("%s: no token can be read from it", path);
        return ISO_CLI_UNREADABLE;
    }
    json_t *body = iso_cli_note_device(note, token, name);
    char *text = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    if (text == NULL) {
        iso_cli_error("out of memory");
        return ISO_CLI_SYSTEM;
    }
    const struct iso_cli_request request = {.method = "POST",
                                            .path = "/v1/devices",
                                            .content_type = "application/json",
                                            .body = iso_bytes_from(text, strlen(text))};
    int status = iso_cli_request(server, &request, &reply);
    if (status == ISO_CLI_OK && (reply.status < 200 || reply.status > 299) &&
        !(reply.status == 409 && is_added(server, name))) {
        status = iso_cli_problem(server, &request, &reply);
    }
    json_t *device = status == ISO_CLI_OK
                         ? json_loadb((const char *)reply.body.ptr, reply.body.len, 0, NULL)
                         : NULL;
    const char *other = reply.status < 300 ? iso_cli_json_text(device, "name") : "";
    (void)iso_format(called, 64, "%s", other[0] != '\0' ? other : name);
    if (status == ISO_CLI_OK && strcmp(called, name) != 0) {
        tell_of_namesake(name, called);
    }
    json_decref(device);
    iso_buf_fini(&reply.body);
    free(text);
    return status;
}

/* Whether the orchestrator has each of them up within its time; says which it has not. */
static bool wait_until_up(struct up *up)
{
    bool all = true;
    for (size_t i = 0; i < up->device_count; i++) {
        if (strcmp(up->called[i], up->devices[i]) != 0) {
            all = false; /* which was told */
        } else if (!iso_cli_device_wait(&up->server, up->devices[i])) {
            iso_cli_note("%s is not up yet; 'isomer device ls' shows why", up->devices[i]);
            all = false;
        }
    }
    return all;
}

/* One after the other, so that each has the same ports the next time. -1: all serve and belong
 * together; otherwise the exit status. */
static int make_ready(struct up *up)
{
    json_t *note = NULL;
    int status = wait_for(up, &up->children.list[0], "orchestrator", &note);
    json_decref(note);
    if (status >= 0) {
        return status;
    }
    (void)iso_format(up->server.orchestrator, sizeof up->server.orchestrator, "%s",
                     up->orchestrator_state);
    status = iso_cli_server_open(&up->server, &iso_cli_client_ls);
    for (size_t i = 0; i < up->device_count && status == ISO_CLI_OK; i++) {
        status = start_device(up, i);
        status = status == ISO_CLI_OK ? wait_for(up, &up->children.list[i + 1], "supervisor", &note)
                                      : status;
        if (status >= 0) {
            return status;
        }
        status = add_device(&up->server, note, up->called[i]);
        json_decref(note);
    }
    up->all_up = status == ISO_CLI_OK && wait_until_up(up);
    return status == ISO_CLI_OK ? -1 : status;
}

static void tell_what_next(const struct up *up)
{
    char names[512];
    size_t len = 0;
    for (size_t i = 0; i < up->device_count && len < sizeof names; i++) {
        len +=
            iso_format(names + len, sizeof names - len, "%s%s", i != 0 ? ", " : "", up->devices[i]);
    }
    iso_cli_note("the orchestrator is at %s; its device%s: %s", up->server.base,
                 up->device_count == 1 ? "" : "s", names);
    iso_cli_detail("isomer device ls           what the devices are");
    iso_cli_detail("isomer deploy FOLDER       runs the application of FOLDER/app.json");
    iso_cli_detail("isomer login               an address for the browser");
    iso_cli_detail("%s", up->detach ? "isomer down                stops everything"
                                    : "Ctrl-C                     stops everything");
}

/* ---- Running ----------------------------------------------------------------------------------
 */

static void tell_parent(struct up *up, char result)
{
    if (up->told >= 0) {
        (void)!write(up->told, &result, 1);
        (void)close(up->told);
        up->told = -1;
    }
}

static void leave_note(struct up *up)
{
    const struct iso_cli_note note = {.kind = "up",
                                      .name = up->name != NULL ? up->name : "up",
                                      .url = "",
                                      .state = up->orchestrator_state};
    if (iso_cli_note_leave(&note, &up->note, NULL) != ISO_OK) {
        up->note = -1; /* `isomer down` will not find it; Ctrl-C does */
    }
}

static int run_all(struct up *up)
{
    int status = iso_cli_children_init(&up->children);
    status = status == ISO_CLI_OK ? start_orchestrator(up) : status;
    status = status == ISO_CLI_OK ? make_ready(up) : status;
    if (status < 0) {
        status = ISO_CLI_OK;
        leave_note(up);
        tell_what_next(up);
        tell_parent(up, up->all_up ? READY : WAITING);
        iso_cli_children_keep(&up->children, start_again, up);
    }
    iso_cli_children_stop(&up->children, STOP_MS);
    iso_cli_note_remove("up", up->note);
    tell_parent(up, FAILED);
    return status;
}

/* ---- --detach ---------------------------------------------------------------------------------
 */

/* The process that stays: away from the terminal, what it says goes to a file. */
static int run_detached(struct up *up, int told, const char *log)
{
    const int out = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    (void)setsid();
    (void)dup2(null, STDIN_FILENO);
    (void)dup2(null, STDOUT_FILENO);
    (void)dup2(out >= 0 ? out : null, STDERR_FILENO);
    up->told = told;
    return run_all(up);
}

/* What the process that stays has said since: shown when it could not start. */
static void show_log(const char *log, off_t from)
{
    char text[4096];
    const int fd = open(log, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        ssize_t len;
        (void)lseek(fd, from, SEEK_SET);
        while ((len = read(fd, text, sizeof text)) > 0) {
            (void)fwrite(text, 1, (size_t)len, stderr);
        }
        (void)close(fd);
    }
}

static int detach(struct up *up)
{
    char log[STATE_SIZE + 16], result = FAILED;
    int told[2];
    struct stat facts;
    int status = state_of(up, NULL, up->orchestrator_state);
    if (status == ISO_CLI_OK) {
        status = iso_cli_folder_make(up->orchestrator_state);
    }
    if (status != ISO_CLI_OK) {
        return status;
    }
    (void)iso_format(log, sizeof log, "%s/up.log", up->orchestrator_state);
    const off_t from = stat(log, &facts) == 0 ? facts.st_size : 0;
    (void)fflush(NULL);
    if (pipe2(told, O_CLOEXEC) != 0) {
        iso_cli_error("%s", iso_errno_text(errno));
        return ISO_CLI_SYSTEM;
    }
    const pid_t pid = fork();
    if (pid == 0) {
        (void)close(told[0]);
        _exit(run_detached(up, told[1], log));
    }
    (void)close(told[1]);
    if (pid <= 0 || read(told[0], &result, 1) != 1) {
        result = FAILED;
    }
    (void)close(told[0]);
    show_log(log, from);
    if (result == WAITING) {
        iso_cli_error("not every device is up; it runs on in the background, and what it says "
                      "goes to %s; 'isomer down' stops it",
                      log);
        return ISO_CLI_SYSTEM;
    }
    iso_cli_note(result == READY ? "running in the background; what it says goes to %s"
                                 : "it could not start; all of what it said is in %s",
                 log);
    return result == READY ? ISO_CLI_OK : ISO_CLI_SYSTEM;
}

/* Whether the same state is in use by another `isomer up`: a message, and true. */
static bool runs_already(const struct up *up)
{
    char state[STATE_SIZE];
    json_t *notes = iso_cli_notes_read("up"), *note;
    size_t i;
    bool runs = false;
    if (state_of(up, NULL, state) == ISO_CLI_OK) {
        json_array_foreach(notes, i, note)
        {
            runs = runs || strcmp(iso_cli_json_text(note, "state"), state) == 0;
        }
    }
    json_decref(notes);
    if (runs) {
        iso_cli_error("isomer up runs already, with its state in %s, which is in use by another "
                      "process",
                      state);
        iso_cli_hint("'isomer device ls' shows its devices; 'isomer down' stops it; a second one "
                     "needs --state DIR");
    }
    return runs;
}

static int run_up(const struct iso_cli_command *command, int argc, char **argv)
{
    struct up *up = calloc(1, sizeof *up);
    if (up == NULL) {
        iso_cli_error("out of memory");
        return ISO_CLI_SYSTEM;
    }
    up->note = up->told = -1;
    iso_cli_server_init(&up->server);
    int status = read_options(command, argc, argv, up);
    if (status < 0 && up->device_count == 0) {
        up->is_own = true;
        char host[64] = "";
        (void)gethostname(host, sizeof host - 1);
        host[strcspn(host, ".")] = '\0';
        (void)iso_format(up->devices[up->device_count++], sizeof up->devices[0], "%s",
                         is_name(host, strlen(host)) ? host : "device");
    }
    if (status < 0 && runs_already(up)) {
        status = ISO_CLI_SYSTEM;
    }
    status = status < 0 ? (up->detach ? detach(up) : run_all(up)) : status;
    iso_cli_server_fini(&up->server);
    free(up);
    return status;
}

static const struct iso_cli_option options[] = {
    {OPTION_DEVICES, "devices", "NAME,...", false,
     "as many devices, called so (one, called as the host)"},
    {OPTION_CONFIG, "config", "DIR", false,
     "NAME.json in it is the configuration of the device NAME;\nwithout --devices: those that it "
     "has "
     "one of"},
    {OPTION_STATE, "state", "DIR", false, "keep everything here (where each keeps it by itself)"},
    {OPTION_NAME, "name", "NAME", false, "call the orchestrator so (the host's name)"},
    {OPTION_NO_MDNS, "no-mdns", NULL, false, "neither announce devices nor look for some"},
    {OPTION_DETACH, "detach", NULL, false, "return when all are ready; 'isomer down' stops them"},
};
static const struct iso_cli_option_group group = {"Options", options, ISO_COUNT_OF(options)};
static const struct iso_cli_option_group *const groups[] = {&group};

const struct iso_cli_command iso_cli_client_up = {
    .name = "up",
    .summary = "run an orchestrator and devices together on this machine",
    .synopsis = "[--devices NAME,...] [--config DIR] [--detach]",
    .description =
        "For a first try, and for the smallest site. The devices are added to the orchestrator by\n"
        "themselves; others may be added as to any. Started again with the same names it goes on\n"
        "where it was. What ends by itself is started again. Ctrl-C stops everything.",
    .groups = groups,
    .group_count = ISO_COUNT_OF(groups),
    .examples = "  isomer up\n"
                "  isomer up --detach --devices kitchen,den\n"
                "  isomer up --config examples/sensors/devices\n",
    .run = run_up,
};

/* ---- down -------------------------------------------------------------------------------------
 */

static int stop_one(const json_t *note)
{
    const struct timespec pause = {0, STEP_MS * 1000000L};
    const pid_t pid = (pid_t)iso_cli_json_number(note, "pid");
    if (pid <= 1 || kill(pid, SIGTERM) != 0) {
        iso_cli_error("process %ld: %s", (long)pid, iso_errno_text(errno));
        return ISO_CLI_SYSTEM;
    }
    for (unsigned waited = 0; waited < STOP_MS + 5000; waited += STEP_MS) {
        json_t *notes = iso_cli_notes_read("up"), *other;
        bool runs = false;
        size_t i;
        json_array_foreach(notes, i, other)
        {
            runs = runs || (pid_t)iso_cli_json_number(other, "pid") == pid;
        }
        json_decref(notes);
        if (!runs) {
            return ISO_CLI_OK;
        }
        (void)nanosleep(&pause, NULL);
    }
    iso_cli_error("process %ld has not ended", (long)pid);
    return ISO_CLI_SYSTEM;
}

static int run_down(const struct iso_cli_command *command, int argc, char **argv)
{
    struct iso_cli_args args;
    int status = ISO_CLI_OK;
    iso_cli_args_init(&args, command, argc, argv);
    const int id = iso_cli_args_next(&args);
    if (id == ISO_CLI_ARGS_OPERAND) {
        return iso_cli_usage_error(command, "'%s': there is nothing to give here", args.value);
    }
    if (id != ISO_CLI_ARGS_END) {
        return iso_cli_args_status(id);
    }
    json_t *notes = iso_cli_notes_read("up"), *note;
    size_t i;
    json_array_foreach(notes, i, note)
    {
        const int one = stop_one(note);
        if (one == ISO_CLI_OK) {
            iso_cli_note("stopped %s: the orchestrator and the devices that it ran (state in %s)",
                         iso_cli_json_text(note, "name"), iso_cli_json_text(note, "state"));
        }
        status = status == ISO_CLI_OK ? one : status;
    }
    if (json_array_size(notes) == 0) {
        iso_cli_note("nothing runs that 'isomer up' has started");
    }
    json_decref(notes);
    return status;
}

const struct iso_cli_command iso_cli_client_down = {
    .name = "down",
    .summary = "stop what 'isomer up' runs",
    .synopsis = "",
    .examples = "  isomer down\n",
    .run = run_down,
};
