/* Whom a command talks to: a device or an orchestrator, where it is, and with which token. */
#include "cli/client.h"

#include "base/format.h"
#include "cli/client_note.h"
#include "cli/local.h"
#include "cli/message.h"
#include "cli/status.h"
#include "net/tls.h"
#include "platform/platform.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/* What belongs to both is in the middle: the groups are parts of one table. */
static const struct iso_cli_option options[] = {
    {ISO_CLI_OPTION_DEVICE, "device", "DEVICE", false,
     "a device: HOST:PORT, or the name of one that runs on\nthis machine; or the variable "
     "ISOMER_DEVICE. Loopback\naddresses are plain HTTP, others HTTPS; a URL says which"},
    {ISO_CLI_OPTION_TOKEN, "token", "TOKEN", false,
     "who asks: a token, or @FILE; or the variable\nISOMER_TOKEN; or what is known on this "
     "machine"},
    {ISO_CLI_OPTION_PIN, "pin", "sha256:HEX", false, "the key that it must have; or as remembered"},
    {ISO_CLI_OPTION_JSON, "json", NULL, false, "as JSON"},
    {ISO_CLI_OPTION_ORCHESTRATOR, "orchestrator", "URL", false,
     "the orchestrator: a URL, or its state directory; or the\nvariable ISOMER_ORCHESTRATOR (the "
     "one of this machine)"},
};
enum { OPTION_COUNT = ISO_COUNT_OF(options) };
const struct iso_cli_option_group iso_cli_either_group = {"Whom to ask", options, OPTION_COUNT};
const struct iso_cli_option_group iso_cli_device_group = {"Whom to ask", options, OPTION_COUNT - 1};
const struct iso_cli_option_group iso_cli_orchestrator_group = {"Whom to ask", options + 1,
                                                                OPTION_COUNT - 1};

void iso_cli_server_init(struct iso_cli_server *server)
{
    *server = (struct iso_cli_server){.curl = NULL};
}

void iso_cli_server_fini(struct iso_cli_server *server)
{
    if (server->curl != NULL) {
        curl_easy_cleanup(server->curl);
    }
    *server = (struct iso_cli_server){.curl = NULL};
}

static int set_text(char *out, size_t cap, const char *what, const char *value)
{
    if (iso_format(out, cap, "%s", value) >= cap) {
        iso_cli_error("the %s is too long", what);
        return ISO_CLI_USAGE;
    }
    return ISO_CLI_OK;
}

static int set_token(struct iso_cli_server *server, const char *value)
{
    if (value[0] != '@') {
        return set_text(server->token, sizeof server->token, "token", value);
    }
    if (!iso_cli_line_read(value + 1, server->token, sizeof server->token)) {
        iso_cli_error("%s: no token can be read from it", value + 1);
        return ISO_CLI_UNREADABLE;
    }
    return ISO_CLI_OK;
}

int iso_cli_server_option(struct iso_cli_server *server, int id, const char *value)
{
    uint8_t pin[ISO_TLS_PIN_SIZE];
    switch (id) {
    case ISO_CLI_OPTION_DEVICE:
        return set_text(server->device, sizeof server->device, "device's address", value);
    case ISO_CLI_OPTION_ORCHESTRATOR:
        return set_text(server->orchestrator, sizeof server->orchestrator, "orchestrator's address",
                        value);
    case ISO_CLI_OPTION_TOKEN:
        return set_token(server, value);
    case ISO_CLI_OPTION_PIN:
        if (!iso_tls_pin_parse(iso_str_from_z(value), pin)) {
            iso_cli_error("'%s' is no pin; it is sha256: and 64 hexadecimal digits", value);
            return ISO_CLI_USAGE;
        }
        iso_tls_pin_text(pin, server->pin);
        return ISO_CLI_OK;
    default:
        server->json = true;
        return ISO_CLI_OK;
    }
}

/* ---- Address ------------------------------------------------------------------------------------
 */

/* authority: of a URL, with what follows it. */
static bool is_loopback(const char *authority)
{
    return iso_address_is_loopback(iso_str_from(authority, strcspn(authority, "/?#")));
}

static bool has_port(const char *host)
{
    const char *colon = strrchr(host, ':');
    return colon != NULL && strchr(colon, ']') == NULL;
}

/* From server->name. */
static int set_base(struct iso_cli_server *server)
{
    const char *name = server->name;
    const char *http = server->is_device ? "8480" : "8490";
    const char *https = server->is_device ? "8443" : "8491";
    if (strncmp(name, "http://", 7) == 0 || strncmp(name, "https://", 8) == 0) {
        (void)iso_format(server->base, sizeof server->base, "%s", name);
        size_t len = strlen(server->base);
        while (len > 0 && server->base[len - 1] == '/') {
            server->base[--len] = '\0';
        }
    } else if (name[0] == ':') {
        (void)iso_format(server->base, sizeof server->base, "http://127.0.0.1%s", name);
    } else {
        const bool local = is_loopback(name);
        (void)iso_format(server->base, sizeof server->base, "%s://%s%s%s", local ? "http" : "https",
                         name, has_port(name) ? "" : ":",
                         has_port(name) ? ""
                         : local        ? http
                                        : https);
    }
    if (strncmp(server->base, "http://", 7) == 0 && !is_loopback(server->base + 7)) {
        iso_cli_error("%s: plain HTTP would show the token to everybody on the way", server->base);
        iso_cli_hint("it serves HTTPS too: write https://HOST:PORT");
        return ISO_CLI_USAGE;
    }
    return ISO_CLI_OK;
}

/* ---- What runs on this machine ------------------------------------------------------------------
 */

/* The token that a daemon leaves in its state directory for this machine's people. */
static void use_token_of(struct iso_cli_server *server, const char *state)
{
    char path[1200];
    if (server->token[0] == '\0' &&
        iso_format(path, sizeof path, "%s/token", state) < sizeof path) {
        (void)iso_cli_line_read(path, server->token, sizeof server->token);
    }
}

/* What DIR/local.json says, while its process lives; NULL. The caller's reference. */
static json_t *read_local(const char *dir)
{
    char path[1200];
    struct iso_file file;
    if (iso_format(path, sizeof path, "%s/local.json", dir) >= sizeof path ||
        iso_file_read(path, 64u << 10, &file, NULL) != ISO_OK) {
        return NULL;
    }
    json_t *local = json_loadb((const char *)file.bytes.ptr, file.bytes.len, 0, NULL);
    iso_file_fini(&file);
    const pid_t pid = (pid_t)iso_cli_json_number(local, "pid");
    if (iso_cli_json_text(local, "url")[0] == '\0' ||
        (pid > 0 && kill(pid, 0) != 0 && errno == ESRCH)) {
        json_decref(local);
        return NULL;
    }
    return local;
}

static void use_pin_of(struct iso_cli_server *server, const json_t *said)
{
    if (server->pin[0] == '\0') {
        (void)iso_format(server->pin, sizeof server->pin, "%s", iso_cli_json_text(said, "pin"));
    }
}

static bool use_state(struct iso_cli_server *server, const char *dir)
{
    json_t *local = read_local(dir);
    if (local != NULL) {
        use_pin_of(server, local);
        (void)iso_format(server->base, sizeof server->base, "%s", iso_cli_json_text(local, "url"));
        use_token_of(server, dir);
    }
    json_decref(local);
    return local != NULL;
}

static void use_note(struct iso_cli_server *server, const json_t *note)
{
    if (server->name[0] == '\0') {
        (void)iso_format(server->name, sizeof server->name, "%s", iso_cli_json_text(note, "name"));
    }
    if (server->is_device) {
        (void)iso_format(server->base, sizeof server->base, "%s", iso_cli_json_text(note, "url"));
        use_token_of(server, iso_cli_json_text(note, "state"));
    } else {
        (void)use_state(server, iso_cli_json_text(note, "state"));
    }
}

/* Where daemons keep their state by default: of this user, then of the system. */
static bool default_state(bool is_device, bool of_system, char out[ISO_CLI_STATE_SIZE])
{
    const char *program = is_device ? "isomer" : "isomer-orchestrator";
    if (of_system) {
        (void)iso_format(out, ISO_CLI_STATE_SIZE, "/var/lib/%s", program);
        return true;
    }
    return iso_cli_state_default(program, out);
}

/* Whether a daemon says that it listens at the address. Of "localhost", which is looked up, its own
 * address is taken instead; of https its pin. */
static bool is_at(struct iso_cli_server *server, const json_t *said)
{
    static const char *const keys[] = {"url", "https"};
    static const char *const names[] = {"http://localhost:", "https://localhost:"};
    for (size_t i = 0; i < ISO_COUNT_OF(keys); i++) {
        const char *url = iso_cli_json_text(said, keys[i]);
        const char *scheme_end = strstr(url, "://");
        const char *port = strrchr(url, ':');
        if (scheme_end == NULL || !is_loopback(scheme_end + 3)) {
            continue;
        }
        const char *name = names[strncmp(url, "https", 5) == 0 ? 1 : 0];
        const size_t len = strlen(name);
        if (strcmp(url, server->base) == 0 ||
            (strncmp(server->base, name, len) == 0 && strcmp(server->base + len, port + 1) == 0)) {
            (void)iso_format(server->base, sizeof server->base, "%s", url);
            use_pin_of(server, said);
            return true;
        }
    }
    return false;
}

/* For an address on this machine: the token of the daemon that says that it listens there. Whoever
 * else has taken the port gets none. */
static void use_local_token(struct iso_cli_server *server)
{
    char state[ISO_CLI_STATE_SIZE];
    json_t *notes = iso_cli_notes_read(server->is_device ? "supervisor" : "orchestrator"), *note;
    size_t i;
    json_array_foreach(notes, i, note)
    {
        const char *dir = iso_cli_json_text(note, "state");
        json_t *local = read_local(dir);
        if (is_at(server, local)) {
            use_token_of(server, dir);
        }
        json_decref(local);
    }
    for (int system = 0; system < 2 && server->token[0] == '\0'; system++) {
        json_t *local =
            default_state(server->is_device, system == 1, state) ? read_local(state) : NULL;
        if (is_at(server, local)) {
            use_token_of(server, state);
        }
        json_decref(local);
    }
    json_decref(notes);
}

/* ---- Devices ------------------------------------------------------------------------------------
 */

static int several(const char *what, const json_t *notes, const char *option)
{
    char names[400];
    iso_cli_notes_names(notes, names, sizeof names);
    iso_cli_error("several %ss run on this machine: %s", what, names);
    iso_cli_hint("say which: --%s NAME", option);
    return ISO_CLI_USAGE;
}

static int find_device(struct iso_cli_server *server, const char *text)
{
    int status = ISO_CLI_OK;
    json_t *notes = iso_cli_notes_read("supervisor");
    const json_t *note = NULL;
    server->is_device = true;
    if (text[0] != '\0') {
        note = strpbrk(text, ":./") == NULL ? iso_cli_notes_find(notes, text) : NULL;
        status = note != NULL && iso_cli_notes_ambiguous(notes, text, "--device") ? ISO_CLI_USAGE
                                                                                  : status;
    } else if (json_array_size(notes) > 1) {
        status = several("device", notes, "device");
    } else {
        note = json_array_get(notes, 0);
        text = note != NULL ? iso_cli_json_text(note, "name") : "127.0.0.1:8480";
    }
    if (status == ISO_CLI_OK) {
        status = set_text(server->name, sizeof server->name, "device's address", text);
    }
    if (status == ISO_CLI_OK && note != NULL) {
        use_note(server, note);
    } else if (status == ISO_CLI_OK) {
        status = set_base(server);
    }
    json_decref(notes);
    return status;
}

/* ---- Orchestrators ------------------------------------------------------------------------------
 */

static bool has_group(const struct iso_cli_command *command,
                      const struct iso_cli_option_group *group)
{
    for (size_t g = 0; g < command->group_count; g++) {
        if (command->groups[g] == group) {
            return true;
        }
    }
    return false;
}

static int no_orchestrator(const struct iso_cli_command *command)
{
    const bool or_device = has_group(command, &iso_cli_either_group);
    iso_cli_error("no orchestrator runs on this machine");
    iso_cli_hint("'isomer up' starts one with a device; one elsewhere: --orchestrator "
                 "https://HOST:8491%s",
                 or_device ? "; a single device: --device NAME" : "");
    return ISO_CLI_SYSTEM;
}

/* What the orchestrator of a state directory is called, when its note says so. */
static void use_name_of(struct iso_cli_server *server, const char *state)
{
    json_t *notes = iso_cli_notes_read("orchestrator"), *note;
    size_t i;
    json_array_foreach(notes, i, note)
    {
        if (strcmp(iso_cli_json_text(note, "state"), state) == 0) {
            (void)iso_format(server->name, sizeof server->name, "%s",
                             iso_cli_json_text(note, "name"));
        }
    }
    json_decref(notes);
}

/* The one of this machine: that of the default state directory, else the only other one. */
static int find_local(struct iso_cli_server *server, const struct iso_cli_command *command)
{
    char state[ISO_CLI_STATE_SIZE];
    int status = ISO_CLI_OK;
    for (int system = 0; system < 2 && server->base[0] == '\0'; system++) {
        if (default_state(false, system == 1, state) && use_state(server, state)) {
            use_name_of(server, state);
        }
    }
    if (server->base[0] == '\0') {
        json_t *notes = iso_cli_notes_read("orchestrator");
        if (json_array_size(notes) > 1) {
            status = several("orchestrator", notes, "orchestrator");
        } else if (json_array_size(notes) == 1) {
            use_note(server, json_array_get(notes, 0));
        }
        json_decref(notes);
    }
    if (status == ISO_CLI_OK && server->base[0] == '\0') {
        return no_orchestrator(command);
    }
    if (status == ISO_CLI_OK && server->name[0] == '\0') {
        (void)iso_format(server->name, sizeof server->name, "orchestrator");
    }
    return status;
}

static int find_orchestrator(struct iso_cli_server *server, const char *text,
                             const struct iso_cli_command *command)
{
    server->is_device = false;
    if (text[0] == '\0') {
        return find_local(server, command);
    }
    int status = set_text(server->name, sizeof server->name, "orchestrator's address", text);
    if (status != ISO_CLI_OK || use_state(server, text)) {
        return status;
    }
    if (strstr(text, "://") == NULL && iso_dir_check(text, NULL) == ISO_OK) {
        iso_cli_error("%s: no orchestrator runs with this state directory", text);
        iso_cli_hint("isomer orchestrator --state %s", text);
        return ISO_CLI_SYSTEM;
    }
    json_t *notes = iso_cli_notes_read("orchestrator");
    const json_t *note = strpbrk(text, ":./") == NULL ? iso_cli_notes_find(notes, text) : NULL;
    if (note != NULL && iso_cli_notes_ambiguous(notes, text, "--orchestrator")) {
        status = ISO_CLI_USAGE;
    } else if (note != NULL) {
        use_note(server, note);
    } else {
        status = set_base(server);
    }
    json_decref(notes);
    return status;
}

/* ---- Opening ------------------------------------------------------------------------------------
 */

static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value != NULL ? value : "";
}

static int find(struct iso_cli_server *server, const struct iso_cli_command *command)
{
    const bool either = has_group(command, &iso_cli_either_group);
    const char *device = server->device, *orchestrator = server->orchestrator;
    if (device[0] != '\0' && orchestrator[0] != '\0') {
        return iso_cli_usage_error(command, "--device and --orchestrator: one of them");
    }
    if (orchestrator[0] == '\0' && device[0] == '\0') {
        device = variable("ISOMER_DEVICE");
    }
    if (has_group(command, &iso_cli_device_group) || (either && device[0] != '\0')) {
        return find_device(server, device);
    }
    return find_orchestrator(
        server, orchestrator[0] != '\0' ? orchestrator : variable("ISOMER_ORCHESTRATOR"), command);
}

/* Token and pin, when the place has not given them; then the connection. */
static int complete(struct iso_cli_server *server)
{
    const char *token = variable("ISOMER_TOKEN");
    int status = ISO_CLI_OK;
    if (server->token[0] == '\0' && token[0] != '\0') {
        status = set_token(server, token);
    }
    if (status != ISO_CLI_OK) {
        return status;
    }
    iso_cli_known_use(server);
    if (server->token[0] == '\0' && is_loopback(strstr(server->base, "://") + 3)) {
        use_local_token(server);
    }
    server->curl = curl_easy_init();
    if (server->curl == NULL) {
        iso_cli_error("out of memory");
        return ISO_CLI_SYSTEM;
    }
    return ISO_CLI_OK;
}

int iso_cli_server_open(struct iso_cli_server *server, const struct iso_cli_command *command)
{
    const int status = find(server, command);
    return status == ISO_CLI_OK ? complete(server) : status;
}
