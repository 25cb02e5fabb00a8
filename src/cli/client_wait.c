/* Waiting for a generation (docs/orchestrator-api.md, "Status of an application"). */
#include "cli/client_wait.h"

#include "base/format.h"
#include "cli/client_progress.h"
#include "cli/message.h"
#include "cli/status.h"
#include "platform/platform.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { PAUSE_MS = 200, ANSWER_MS = 30000, SILENCE_MS = 5000, PATH_SIZE = 512 };

static const struct iso_cli_option options[] = {
    {ISO_CLI_OPTION_WAIT, "wait", NULL, false, "wait until it is done, which it does anyway"},
    {ISO_CLI_OPTION_NO_WAIT, "no-wait", NULL, false, "do not wait until it is done"},
    {ISO_CLI_OPTION_TIMEOUT, "timeout", "D", false, "wait at most so long (2min)"},
};
const struct iso_cli_option_group iso_cli_wait_group = {"Waiting", options, ISO_COUNT_OF(options)};

void iso_cli_wait_init(struct iso_cli_wait *wait)
{
    *wait = (struct iso_cli_wait){.timeout_ns = ISO_CLI_WAIT_DEFAULT_NS};
}

int iso_cli_wait_option(struct iso_cli_wait *wait, int id, const char *value)
{
    struct iso_report report;
    if (id == ISO_CLI_OPTION_NO_WAIT || id == ISO_CLI_OPTION_WAIT) {
        wait->no_wait = id == ISO_CLI_OPTION_NO_WAIT;
        return ISO_CLI_OK;
    }
    iso_report_init(&report);
    const enum iso_err err = iso_parse_duration(value, &wait->timeout_ns, &report);
    if (strcmp(value, "0") == 0 || (err == ISO_OK && wait->timeout_ns == 0)) {
        iso_cli_error("--timeout: the time is over before it begins; --no-wait does not wait");
        return ISO_CLI_USAGE;
    }
    if (err != ISO_OK) {
        iso_cli_error("--timeout: %s", iso_report_text(&report, err));
        return ISO_CLI_USAGE;
    }
    return ISO_CLI_OK;
}

struct waiting {
    struct iso_cli_server *server;
    struct iso_cli_progress progress;
    const char *app; /* as it is in a path too: names have no other characters */
    uint64_t generation, revision;
    uint64_t deadline_ns;
    uint64_t silent_ns; /* since then there was no answer; 0: there was */
    bool removing;
    bool decided;     /* committing was seen */
    char reason[256]; /* why it is not done yet */
};

static uint64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Milliseconds that are left, at most ANSWER_MS; 0: none. */
static uint32_t left_ms(const struct waiting *waiting)
{
    const uint64_t now = now_ns();
    if (now >= waiting->deadline_ns) {
        return 0;
    }
    const uint64_t left = (waiting->deadline_ns - now) / 1000000u + 1;
    return left > ANSWER_MS ? ANSWER_MS : (uint32_t)left;
}

/* Whether there has been no answer at all for SILENCE_MS. http: of the last request. */
static bool is_silent(struct waiting *waiting, long http)
{
    const uint64_t now = now_ns();
    if (http != 0) {
        waiting->silent_ns = 0;
    } else if (waiting->silent_ns == 0) {
        waiting->silent_ns = now;
    }
    return http == 0 && now - waiting->silent_ns >= SILENCE_MS * UINT64_C(1000000);
}

/* GET; *out: NULL while there is no answer, a broken one, or the server is on its way up. Returns
 * ISO_CLI_OK, or a status after a message for an answer that waiting does not mend. *http: its
 * status, 0 without one. */
static int ask(struct waiting *waiting, const char *path, json_t **out, long *http)
{
    struct iso_cli_reply reply;
    const uint32_t left = left_ms(waiting);
    const struct iso_cli_request request = {
        .method = "GET", .path = path, .quiet = true, .timeout_ms = left != 0 ? left : 1};
    int status = iso_cli_request(waiting->server, &request, &reply);
    *out = NULL;
    *http = status == ISO_CLI_OK ? reply.status : 0;
    if (*http == 200) {
        *out = json_loadb((const char *)reply.body.ptr, reply.body.len, 0, NULL);
    }
    if (*http >= 400 && *http < 500 && *http != 404) {
        iso_cli_progress_clear(&waiting->progress);
        status = iso_cli_problem(waiting->server, &request, &reply);
    } else {
        status = ISO_CLI_OK;
    }
    iso_buf_fini(&reply.body);
    if (is_silent(waiting, *http) && left_ms(waiting) != 0) {
        iso_cli_progress_clear(&waiting->progress);
        iso_cli_error("%s does not answer any more", waiting->server->name);
        iso_cli_hint("generation %llu of %s was accepted: it goes on when the orchestrator is "
                     "back; 'isomer ls' shows how it stands",
                     (unsigned long long)waiting->generation, waiting->app);
        status = ISO_CLI_SYSTEM;
    }
    return status;
}

static void keep_reason(struct waiting *waiting, const char *who, const char *text)
{
    if (text[0] != '\0') {
        (void)iso_format(waiting->reason, sizeof waiting->reason, "%s%s%s", who,
                         who[0] != '\0' ? ": " : "", text);
    }
}

/* Devices that have done their part are not told of. */
static bool is_over(const char *step)
{
    static const char *const over[] = {"prepared", "confirmed", "absent", "leaving", "done"};
    for (size_t i = 0; i < ISO_COUNT_OF(over); i++) {
        if (strcmp(step, over[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* What the change is at, and which devices it waits for. */
static void show_change(struct waiting *waiting, const json_t *change)
{
    char line[400];
    const char *state = iso_cli_json_text(change, "state");
    size_t len = iso_format(line, sizeof line, "%s generation %llu: %s", waiting->app,
                            (unsigned long long)waiting->generation, state);
    size_t i;
    json_t *entry;
    waiting->decided = waiting->decided || strcmp(state, "committing") == 0;
    waiting->reason[0] = '\0';
    keep_reason(waiting, "", iso_cli_json_text(change, "detail"));
    json_array_foreach(json_object_get(change, "devices"), i, entry)
    {
        const char *name = iso_cli_json_text(entry, "name");
        const char *step = iso_cli_json_text(entry, "step");
        const char *text = iso_cli_json_text(entry, "text");
        if (!is_over(step) && len < sizeof line) {
            len += iso_format(line + len, sizeof line - len, ", %s %s%s%s", name, step,
                              text[0] != '\0' ? " " : "", text);
            keep_reason(waiting, name, text);
        }
    }
    json_array_foreach(json_object_get(change, "moves"), i, entry)
    {
        if (len < sizeof line) {
            len +=
                iso_format(line + len, sizeof line - len, ", moving %s: %s",
                           iso_cli_json_text(entry, "component"), iso_cli_json_text(entry, "step"));
        }
    }
    iso_cli_progress_step(&waiting->progress, "%s", line);
}

/* ---- The end ----------------------------------------------------------------------------------
 */

/* Where a component is now, by name. */
static const char *device_of(const json_t *status, const char *component)
{
    size_t i;
    json_t *entry;
    json_array_foreach(json_object_get(status, "components"), i, entry)
    {
        if (strcmp(iso_cli_json_text(entry, "name"), component) == 0) {
            return iso_cli_json_text(entry, "device-name");
        }
    }
    return "";
}

/* Functions have no state to hand over: they are just called elsewhere from now on. */
static void print_changes(const json_t *status, const json_t *generation)
{
    size_t i, told = 0;
    json_t *change;
    json_array_foreach(json_object_get(json_object_get(generation, "plan"), "changes"), i, change)
    {
        const char *component = iso_cli_json_text(change, "component");
        if (json_is_string(json_object_get(change, "from"))) {
            iso_cli_note("%s runs on %s now", component, device_of(status, component));
            told++;
        }
    }
    if (told == 0) {
        iso_cli_note("nothing had to move");
    }
}

static void print_moves(const json_t *status, const json_t *generation)
{
    size_t i;
    json_t *move;
    if (strcmp(iso_cli_json_text(generation, "cause"), "move") == 0 &&
        json_array_size(json_object_get(generation, "moves")) == 0) {
        print_changes(status, generation);
    }
    json_array_foreach(json_object_get(generation, "moves"), i, move)
    {
        const json_t *downtime = json_object_get(move, "downtime-ms");
        const char *component = iso_cli_json_text(move, "component");
        const char *to = device_of(status, component);
        char still[ISO_CLI_MS_SIZE];
        iso_cli_ms_text(json_number_value(downtime), still);
        iso_cli_note("%s moved to %s%s%s", component,
                     to[0] != '\0' ? to : iso_cli_json_text(move, "to"),
                     json_is_number(downtime) ? "; it stood still for " : "",
                     json_is_number(downtime) ? still : "");
    }
}

static void print_places(const json_t *status)
{
    static const char *const titles[] = {"COMPONENT", "DEVICE", "STATE"};
    struct iso_cli_table table;
    size_t i;
    json_t *component;
    iso_cli_table_init(&table, titles, ISO_COUNT_OF(titles), 0);
    json_array_foreach(json_object_get(status, "components"), i, component)
    {
        const char *const cells[] = {iso_cli_json_text(component, "name"),
                                     iso_cli_json_text(component, "device-name"),
                                     iso_cli_json_text(component, "state")};
        iso_cli_table_add(&table, cells);
    }
    iso_cli_table_print(&table, stdout);
}

static int succeeded(struct waiting *waiting, const json_t *status, const json_t *generation)
{
    iso_cli_progress_clear(&waiting->progress);
    if (waiting->server->json) {
        return iso_cli_show_json(generation != NULL ? generation : status);
    }
    if (waiting->removing) {
        iso_cli_note("%s is removed", waiting->app);
        return ISO_CLI_OK;
    }
    print_moves(status, generation);
    iso_cli_note("%s runs: generation %llu", waiting->app, (unsigned long long)waiting->generation);
    if (json_array_size(json_object_get(status, "components")) != 0) {
        print_places(status);
    }
    return iso_cli_finish_output(ISO_CLI_OK);
}

static int failed(struct waiting *waiting, const json_t *status, const json_t *generation)
{
    const char *error = iso_cli_json_text(generation, "error");
    const char *state = iso_cli_json_text(generation, "state");
    const uint64_t current = iso_cli_json_number(status, "generation");
    size_t i;
    json_t *device;
    iso_cli_progress_clear(&waiting->progress);
    if (waiting->server->json) {
        (void)iso_cli_show_json(generation);
    }
    iso_cli_error("%s generation %llu: %s%s%s", waiting->app,
                  (unsigned long long)waiting->generation, state, error[0] != '\0' ? ": " : "",
                  error);
    json_array_foreach(json_object_get(generation, "devices"), i, device)
    {
        const char *text = iso_cli_json_text(device, "text");
        if (text[0] != '\0' && strstr(error, text) == NULL) {
            iso_cli_detail("%s: %s", iso_cli_json_text(device, "name"), text);
        }
    }
    if (current != 0 && current != waiting->generation) {
        iso_cli_hint("generation %llu of %s runs on", (unsigned long long)current, waiting->app);
    }
    return ISO_CLI_FAILED;
}

static int timed_out(struct waiting *waiting)
{
    const char *reason = waiting->reason[0] != '\0' ? waiting->reason : "no answer in time";
    iso_cli_progress_clear(&waiting->progress);
    if (waiting->decided) {
        iso_cli_error("%s generation %llu is decided, but not confirmed everywhere: %s",
                      waiting->app, (unsigned long long)waiting->generation, reason);
        iso_cli_hint("it goes on by itself; 'isomer ls' shows how it stands");
        return ISO_CLI_UNCONFIRMED;
    }
    iso_cli_error("%s generation %llu is not done yet: %s", waiting->app,
                  (unsigned long long)waiting->generation, reason);
    iso_cli_hint("it goes on; 'isomer ls' shows how it stands, --timeout waits longer");
    return ISO_CLI_TIMEOUT;
}

/* How the generation ended: -1: it has not. status: of the application; NULL: it is gone. */
static int look(struct waiting *waiting, const json_t *status)
{
    char path[PATH_SIZE];
    json_t *generation = NULL;
    long http;
    (void)iso_format(path, sizeof path, "/v1/apps/%s/generations/%llu", waiting->app,
                     (unsigned long long)waiting->generation);
    int answer = ask(waiting, path, &generation, &http);
    if (answer != ISO_CLI_OK) {
        return answer;
    }
    const char *state = iso_cli_json_text(generation, "state");
    answer = -1;
    if (http == 404 && waiting->removing) {
        answer = succeeded(waiting, status, generation); /* and forgotten */
    } else if (http == 404) {
        iso_cli_error("%s: generation %llu is not known any more", waiting->app,
                      (unsigned long long)waiting->generation);
        answer = ISO_CLI_FAILED;
    } else if (strcmp(state, "committed") == 0 || strcmp(state, "replaced") == 0) {
        answer = succeeded(waiting, status, generation);
    } else if (strcmp(state, "failed") == 0 || strcmp(state, "superseded") == 0) {
        answer = failed(waiting, status, generation);
    } else {
        waiting->decided = waiting->decided || strcmp(state, "committing") == 0;
    }
    json_decref(generation);
    return answer;
}

/* One answer about the application. -1: go on; otherwise the exit status. */
static int step(struct waiting *waiting, const json_t *status)
{
    const json_t *change = json_object_get(status, "change");
    waiting->revision = iso_cli_json_number(status, "revision");
    if (json_is_object(change) &&
        iso_cli_json_number(change, "generation") == waiting->generation) {
        show_change(waiting, change);
        if (strcmp(iso_cli_json_text(status, "state"), "waiting") == 0) {
            keep_reason(waiting, "", iso_cli_json_text(status, "reason"));
        }
        if (strcmp(iso_cli_json_text(change, "state"), "failed") != 0 &&
            strcmp(iso_cli_json_text(change, "state"), "committed") != 0) {
            return -1;
        }
    }
    return look(waiting, status);
}

static int wait_for(struct waiting *waiting)
{
    const struct timespec pause = {0, PAUSE_MS * 1000000L};
    char path[PATH_SIZE];
    bool first = true;
    uint64_t before = UINT64_MAX;
    while (left_ms(waiting) != 0) {
        json_t *status = NULL;
        long http;
        /* The first answer comes at once, the others when something is new. */
        (void)iso_format(path, sizeof path, first ? "/v1/apps/%s" : "/v1/apps/%s?after=%llu",
                         waiting->app, (unsigned long long)waiting->revision);
        int answer = ask(waiting, path, &status, &http);
        if (answer == ISO_CLI_OK) {
            answer = http == 200 ? step(waiting, status) : http == 404 ? look(waiting, NULL) : -1;
        }
        json_decref(status);
        if (answer >= 0) {
            return answer;
        }
        if (http != 200 || waiting->revision == before) {
            (void)nanosleep(&pause, NULL); /* nothing new: never ask without end */
        }
        first = http != 200;
        before = waiting->revision;
    }
    return timed_out(waiting);
}

/* ---- Ctrl-C -----------------------------------------------------------------------------------
 */

static char farewell[600];
static volatile sig_atomic_t farewell_len;

/* Only the waiting is over: what was accepted goes on. */
static void on_signal(int number)
{
    (void)!write(STDERR_FILENO, farewell, (size_t)farewell_len);
    _exit(128 + number);
}

static void say_at_signals(const struct waiting *waiting)
{
    static const int numbers[] = {SIGINT, SIGTERM};
    struct sigaction old, action = {.sa_handler = on_signal};
    const size_t len =
        iso_format(farewell, sizeof farewell,
                   "%sisomer: generation %llu of %s goes on; 'isomer ls' shows how it stands\n",
                   waiting->progress.terminal ? "\r\x1b[K" : "",
                   (unsigned long long)waiting->generation, waiting->app);
    farewell_len = (sig_atomic_t)(len < sizeof farewell ? len : sizeof farewell - 1);
    for (size_t i = 0; i < ISO_COUNT_OF(numbers); i++) {
        /* One that was ignored when the program began stays ignored. */
        if (sigaction(numbers[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL) {
            (void)sigaction(numbers[i], &action, NULL);
        }
    }
}

int iso_cli_wait_done(struct iso_cli_server *server, const struct iso_cli_wait *wait,
                      const json_t *accepted, bool removing)
{
    struct waiting waiting = {.server = server,
                              .app = iso_cli_json_text(accepted, "app"),
                              .generation = iso_cli_json_number(accepted, "generation"),
                              .deadline_ns = now_ns() + wait->timeout_ns,
                              .removing = removing};
    if (waiting.app[0] == '\0') {
        iso_cli_error("%s: the answer does not name the application", server->name);
        return ISO_CLI_REFUSED;
    }
    if (wait->no_wait && server->json) {
        return iso_cli_show_json(accepted);
    }
    if (wait->no_wait) {
        iso_cli_note("%s: generation %llu is accepted", waiting.app,
                     (unsigned long long)waiting.generation);
        return ISO_CLI_OK;
    }
    iso_cli_progress_init(&waiting.progress, server->json);
    say_at_signals(&waiting);
    return wait_for(&waiting);
}
