/* A supervisor that dies at any moment comes back with the old generation or the new one: never
 * neither, never a mix. A child process changes deployments and is killed: before each of its
 * durable steps in turn, and at random moments; then another looks at what is there. Also: each
 * durable step fails once, as on a full disk.
 *
 * ISO_CRASH_ROUNDS: how often at random moments (10). */
#include "supervisor/deployment_test_support.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/random_test_support.h"
#include "platform/platform.h"
#include "supervisor/document_test_support.h"

extern char **environ;

/* Generation g: `a` is always new (its epoch is g), `b` is in the even ones and kept. */
static size_t parts_of(uint64_t g, struct part out[2])
{
    out[0] = (struct part){"a", RIG_UNIT, g, true, ""};
    out[1] = (struct part){"b", RIG_UNIT, 1, true, ""};
    return g % 2 == 0 ? 2 : 1;
}

/* ---- The child ----------------------------------------------------------------------------------
 */

/* What counts steps does so in the threads that work on the disk. */
struct killer {
    _Atomic unsigned steps;
    unsigned kill_at; /* 0: never */
};

static int maybe_die(void *ctx, const char *step)
{
    struct killer *killer = ctx;
    (void)step;
    if (++killer->steps == killer->kill_at) {
        (void)kill(getpid(), SIGKILL);
    }
    return 0;
}

static void say(const char *what, uint64_t generation)
{
    char line[64];
    size_t len = iso_format(line, sizeof line, "%s %llu\n", what, (unsigned long long)generation);
    CHECK(write(STDOUT_FILENO, line, len) == (ssize_t)len);
}

/* One change after the other, the same ones for a seed. Generation 0 is none. */
static void change(struct site *site, uint64_t g, unsigned kind)
{
    struct part parts[2];
    size_t count = parts_of(g, parts);
    switch (kind) {
    case 0:
        CHECK_OK(site_prepare(site, "app", g, parts, count, ""));
        CHECK_OK(site_abort(site, "app", g));
        break;
    case 1:
        say("try", 0);
        CHECK_OK(site_delete(site, "app", false));
        say("ack", 0);
        break;
    case 2:
        CHECK_OK(site_prepare(site, "app", g, parts, count, ""));
        say("try", g);
        CHECK_OK(site_commit(site, "app", g));
        say("ack", g);
        break;
    default:
        say("try", g);
        CHECK_OK(site_put(site, "app", g, parts, count));
        say("ack", g);
    }
}

static void start(struct site *site, const char *dir)
{
    struct rig *rig = rig_start(NULL);
    *site = (struct site){.rig = rig};
    (void)iso_format(site->dir, sizeof site->dir, "%s", dir);
}

/* Started by the tests below, with ISO_CRASH_DIR, ISO_CRASH_AT, ISO_CRASH_COUNT. */
TEST(child_that_changes)
{
    const char *dir = getenv("ISO_CRASH_DIR");
    if (dir == NULL) {
        return;
    }
    struct site site;
    start(&site, dir);
    struct killer killer = {.kill_at = (unsigned)strtoul(getenv("ISO_CRASH_AT"), NULL, 10)};
    unsigned count = (unsigned)strtoul(getenv("ISO_CRASH_COUNT"), NULL, 10);
    site.config.fault = maybe_die;
    site.config.fault_ctx = &killer;
    site_open(&site);
    site_module(&site, RIG_UNIT);
    uint64_t g = iso_sv_deployments_seen(site.deployments, iso_str_from_z("app"));
    uint64_t random = ISO_TEST_RANDOM_START + g;
    for (unsigned i = 0; i < count; i++) {
        uint64_t next = iso_test_random(&random);
        change(&site, ++g, i == 0 ? 3 : (unsigned)(next % 8));
    }
    say("end", killer.steps);
    site_close(&site);
    rig_stop(site.rig);
}

TEST(child_that_looks)
{
    const char *dir = getenv("ISO_CRASH_LOOK");
    if (dir == NULL) {
        return;
    }
    struct site site;
    start(&site, dir);
    site_open(&site);
    uint64_t g = site_generation(&site, "app");
    if (g == 0) {
        CHECK_STR(site_status(&site, "app"), "");
        CHECK(!site_has_file(&site, "storage/app"));
    } else {
        char epoch[48];
        (void)iso_format(epoch, sizeof epoch, "\"a\":{\"epoch\":%llu,", (unsigned long long)g);
        CHECK_CONTAINS(site_status(&site, "app"), epoch);
        CHECK_STR(site_call(&site, "app", "a", "bump"), "done 1");
        bool b = strncmp(site_call(&site, "app", "b", "bump"), "done", 4) == 0;
        CHECK(b == (g % 2 == 0));
        CHECK(strstr(site_status(&site, "app"), "reason") == NULL);
    }
    say("found", g);
    site_close(&site);
    rig_stop(site.rig);
}

/* ---- Moves
 * --------------------------------------------------------------------------------------- */

static const struct part leaving = {"count", RIG_UNIT, 12, true, ""};
static const struct part arriving = {"count", RIG_UNIT, 13, true, ",\"from\":{\"snapshot\":true}"};
static const char with_peer[] =
    ",\"peers\":{\"den\":{\"device\":\"den\",\"connect\":{\"addresses\":[\"127.0.0.1:1\"],"
    "\"identity\":\"a\",\"key\":\"" TEST_KEY_A "\"}}}";

/* Two devices in one process, DIR/a and DIR/b. */
static void start_two(struct site sites[2], const char *dir)
{
    struct rig *rig = rig_start(NULL);
    for (size_t i = 0; i < 2; i++) {
        sites[i] = (struct site){.rig = rig};
        (void)iso_format(sites[i].dir, sizeof sites[i].dir, "%s/%c", dir, i == 0 ? 'a' : 'b');
        CHECK_OK(iso_dir_make(sites[i].dir, NULL));
    }
}

static void stop_two(struct site sites[2])
{
    struct rig *rig = sites[0].rig;
    for (size_t i = 0; i < 2; i++) {
        site_close(&sites[i]);
        iso_alloc_free(rig_alloc(), sites[i].bytes, sites[i].len);
    }
    rig_stop(rig);
}

/* From the moment at which the orchestrator has recorded the new epoch: only onwards. */
static void finish_move(struct site *from, struct site *to)
{
    if (site_generation(to, "app") != 2) {
        CHECK_OK(site_commit(to, "app", 2));
    }
    CHECK_OK(site_own(to, "app", "count", 13));
    if (site_generation(from, "app") != 2) {
        CHECK_OK(site_prepare(from, "app", 2, NULL, 0, with_peer));
        CHECK_OK(site_release(from, "app", "count", 13, "den"));
        CHECK_OK(site_commit(from, "app", 2));
    }
}

/* Says 1 when the component runs, 2 when it is frozen, 3 when the epoch is recorded. */
TEST(child_that_moves)
{
    const char *dir = getenv("ISO_CRASH_MOVE");
    if (dir == NULL) {
        return;
    }
    struct site sites[2], *from = &sites[0], *to = &sites[1];
    struct killer killer = {.kill_at = (unsigned)strtoul(getenv("ISO_CRASH_AT"), NULL, 10)};
    start_two(sites, dir);
    for (size_t i = 0; i < 2; i++) {
        sites[i].config.fault = maybe_die;
        sites[i].config.fault_ctx = &killer;
        site_open(&sites[i]);
        site_module(&sites[i], RIG_UNIT);
    }
    CHECK_OK(site_put(from, "app", 1, &leaving, 1));
    for (unsigned i = 0; i < 3; i++) {
        CHECK_CONTAINS(site_call(from, "app", "count", "bump"), "done");
    }
    say("ack", 1);
    CHECK_OK(site_prepare(to, "app", 2, &arriving, 1, ""));
    from->remembered = 7;
    CHECK_OK(site_ahead_get(from, "app", "count"));
    CHECK_OK(site_ahead_put(to, "app", "count", from));
    from->remembered = 15;
    if (getenv("ISO_CRASH_SENT") != NULL) {
        CHECK_OK(site_freeze_and_get(from, "app", "count", 12));
        say("ack", 2);
    } else {
        CHECK_OK(site_freeze(from, "app", "count", 12));
        say("ack", 2);
        CHECK_OK(site_fetch(from, "app", "count"));
    }
    CHECK_OK(site_hold(to, "app", "count", from));
    say("ack", 3);
    finish_move(from, to);
    say("end", killer.steps);
    stop_two(sites);
}

static bool runs(struct site *site)
{
    struct iso_sv_component *component =
        iso_sv_deployments_find(site->deployments, iso_str_from_z("app"), iso_str_from_z("count"));
    return component != NULL && iso_sv_component_state(component) == ISO_SV_RUNNING;
}

TEST(child_that_heals)
{
    const char *dir = getenv("ISO_CRASH_HEAL");
    if (dir == NULL) {
        return;
    }
    struct site sites[2], *from = &sites[0], *to = &sites[1];
    unsigned stage = (unsigned)strtoul(getenv("ISO_CRASH_AT"), NULL, 10);
    start_two(sites, dir);
    site_open(from);
    site_open(to);
    bool ran_there = runs(to);
    CHECK(!(runs(from) && ran_there));
    CHECK(stage != 2 || (!runs(from) && !ran_there));
    if (stage == 3) {
        finish_move(from, to);
        CHECK(!runs(from) && runs(to));
        CHECK_STR(site_call(to, "app", "count", "bump"), ran_there ? "done 1" : "done 4");
        CHECK_EQ_U64(to->remembered, ran_there ? 0 : 15);
    } else if (stage > 0) {
        CHECK(!ran_there);
        bool ran_here = runs(from);
        CHECK_OK(site_move_abort(from, "app", "count"));
        enum iso_err err = site_abort(to, "app", 2);
        CHECK(err == ISO_OK || err == ISO_E_NOT_FOUND);
        CHECK(runs(from) && !runs(to));
        CHECK_STR(site_call(from, "app", "count", "bump"), ran_here ? "done 1" : "done 4");
        CHECK_EQ_U64(from->remembered, ran_here ? 0 : 15);
    }
    stop_two(sites);
}

/* ---- The parent ---------------------------------------------------------------------------------
 */

struct child {
    pid_t pid;
    FILE *out;
};

static struct child spawn_child(const char *test)
{
    struct child child;
    int ends[2];
    posix_spawn_file_actions_t actions;
    char *argv[] = {(char *)(uintptr_t) "child", (char *)(uintptr_t)test, NULL};
    CHECK(pipe(ends) == 0);
    CHECK(posix_spawn_file_actions_init(&actions) == 0);
    CHECK(posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO) == 0);
    CHECK(posix_spawn_file_actions_addclose(&actions, ends[0]) == 0);
    CHECK(posix_spawn_file_actions_addclose(&actions, ends[1]) == 0);
    CHECK(posix_spawn(&child.pid, "/proc/self/exe", &actions, NULL, argv, environ) == 0);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(ends[1]);
    child.out = fdopen(ends[0], "r");
    CHECK(child.out != NULL);
    return child;
}

struct seen {
    uint64_t tried, acknowledged, found;
    bool ended, any;
};

/* Reads until the child is gone; its exit status. */
static int wait_child(struct child *child, struct seen *seen)
{
    char line[256];
    int status = 0;
    while (fgets(line, sizeof line, child->out) != NULL) {
        uint64_t number = strlen(line) > 4 ? strtoull(strchr(line, ' ') + 1, NULL, 10) : 0;
        if (strncmp(line, "try ", 4) == 0) {
            seen->tried = number;
            seen->any = true;
        } else if (strncmp(line, "ack ", 4) == 0) {
            seen->acknowledged = number;
        } else if (strncmp(line, "found ", 6) == 0) {
            seen->found = number;
        } else if (strncmp(line, "end ", 4) == 0) {
            seen->ended = true;
        } else if (strncmp(line, "FAIL", 4) == 0) {
            (void)fprintf(stderr, "child: %s", line);
        }
    }
    (void)fclose(child->out);
    CHECK(waitpid(child->pid, &status, 0) == child->pid);
    return status;
}

/* What is there is what was acknowledged last, or what was being done. */
static void look(const char *dir, struct seen *seen)
{
    CHECK(setenv("ISO_CRASH_LOOK", dir, 1) == 0);
    struct child child = spawn_child("child_that_looks");
    int status = wait_child(&child, seen);
    CHECK(unsetenv("ISO_CRASH_LOOK") == 0);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    if (seen->found != seen->acknowledged && seen->found != seen->tried) {
        TEST_FAIL("generation %llu; %llu was acknowledged, %llu was tried",
                  (unsigned long long)seen->found, (unsigned long long)seen->acknowledged,
                  (unsigned long long)seen->tried);
    }
    seen->acknowledged = seen->tried = seen->found;
}

/* The child came to its end, or was killed: perhaps by a step that goes on after its last change.
 */
static void check_end(struct seen *seen, int status)
{
    CHECK(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL
                              : seen->ended && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    seen->ended = WIFEXITED(status);
}

static struct child start_changes(const char *dir, unsigned kill_at, unsigned count)
{
    char text[32];
    CHECK(setenv("ISO_CRASH_DIR", dir, 1) == 0);
    (void)iso_format(text, sizeof text, "%u", kill_at);
    CHECK(setenv("ISO_CRASH_AT", text, 1) == 0);
    (void)iso_format(text, sizeof text, "%u", count);
    CHECK(setenv("ISO_CRASH_COUNT", text, 1) == 0);
    struct child child = spawn_child("child_that_changes");
    CHECK(unsetenv("ISO_CRASH_DIR") == 0);
    return child;
}

TEST(killed_before_each_durable_step)
{
    struct seen seen = {.ended = false};
    for (unsigned kill_at = 1; !seen.ended; kill_at++) {
        char dir[] = "/tmp/iso-crash-XXXXXX";
        CHECK(mkdtemp(dir) != NULL);
        seen = (struct seen){.ended = false};
        struct child child = start_changes(dir, kill_at, 12);
        int status = wait_child(&child, &seen);
        check_end(&seen, status);
        look(dir, &seen);
        iso_tree_remove(dir);
        CHECK(kill_at < 200);
        CHECK(!seen.ended || kill_at > 10);
    }
}

/* Two devices and a move between them: never both run, and what the orchestrator then decides ends
 * with exactly one, and with its state unless it ran already. */
static void kill_each_step_of_a_move(void)
{
    struct seen seen = {.ended = false};
    for (unsigned kill_at = 1; !seen.ended; kill_at++) {
        char dir[] = "/tmp/iso-crash-XXXXXX", text[32];
        CHECK(mkdtemp(dir) != NULL);
        seen = (struct seen){.ended = false};
        (void)iso_format(text, sizeof text, "%u", kill_at);
        CHECK(setenv("ISO_CRASH_MOVE", dir, 1) == 0 && setenv("ISO_CRASH_AT", text, 1) == 0);
        struct child child = spawn_child("child_that_moves");
        int status = wait_child(&child, &seen);
        CHECK(unsetenv("ISO_CRASH_MOVE") == 0);
        check_end(&seen, status);
        (void)iso_format(text, sizeof text, "%llu", (unsigned long long)seen.acknowledged);
        CHECK(setenv("ISO_CRASH_HEAL", dir, 1) == 0 && setenv("ISO_CRASH_AT", text, 1) == 0);
        child = spawn_child("child_that_heals");
        status = wait_child(&child, &seen);
        CHECK(unsetenv("ISO_CRASH_HEAL") == 0);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
            TEST_FAIL("killed before step %u", kill_at);
        }
        iso_tree_remove(dir);
        CHECK(kill_at < 100);
        CHECK(!seen.ended || kill_at > 10);
    }
}

TEST(killed_at_each_durable_step_of_a_move)
{
    kill_each_step_of_a_move();
}

TEST(killed_at_each_durable_step_of_a_move_that_is_sent_at_once)
{
    CHECK(setenv("ISO_CRASH_SENT", "1", 1) == 0);
    kill_each_step_of_a_move();
    CHECK(unsetenv("ISO_CRASH_SENT") == 0);
}

TEST(killed_at_random_moments)
{
    const char *text = getenv("ISO_CRASH_ROUNDS");
    unsigned rounds = text != NULL ? (unsigned)strtoul(text, NULL, 10) : 10;
    char dir[] = "/tmp/iso-crash-XXXXXX";
    struct seen seen = {.ended = false};
    uint64_t random = (uint64_t)uv_hrtime() | 1;
    CHECK(mkdtemp(dir) != NULL);
    for (unsigned i = 0; i < rounds; i++) {
        struct child child = start_changes(dir, 0, 100000);
        random = random * 6364136223846793005u + 1442695040888963407u;
        struct timespec moment = {.tv_nsec = (long)(random >> 33) % 150000000};
        (void)nanosleep(&moment, NULL);
        CHECK(kill(child.pid, SIGKILL) == 0);
        int status = wait_child(&child, &seen);
        CHECK(WIFSIGNALED(status));
        look(dir, &seen);
    }
    CHECK(seen.any);
    iso_tree_remove(dir);
}

/* ---- A full disk --------------------------------------------------------------------------------
 */

struct breaker {
    _Atomic unsigned steps;
    unsigned fail_at;
};

static int maybe_fail(void *ctx, const char *step)
{
    struct breaker *breaker = ctx;
    (void)step;
    return ++breaker->steps == breaker->fail_at ? ENOSPC : 0;
}

/* A change that failed has changed nothing; tried again, it succeeds. */
static void try_put(struct site *site, uint64_t g, unsigned *failures)
{
    struct part parts[2];
    size_t count = parts_of(g, parts);
    uint64_t before = site_generation(site, "app");
    enum iso_err err = site_put(site, "app", g, parts, count);
    if (err != ISO_OK) {
        CHECK_ERR(err, ISO_E_IO);
        CHECK_CONTAINS(site->report.text, "no space left on the device");
        CHECK_EQ_U64(site_generation(site, "app"), before);
        CHECK_OK(site_put(site, "app", g, parts, count));
        (*failures)++;
    }
    CHECK_EQ_U64(site_generation(site, "app"), g);
}

TEST(each_durable_step_may_fail)
{
    unsigned failures = 1;
    for (unsigned fail_at = 1; failures != 0; fail_at++) {
        struct rig *rig = rig_start(NULL);
        struct site site;
        struct breaker breaker = {.fail_at = fail_at};
        failures = 0;
        site_init(&site, rig);
        site.config.fault = maybe_fail;
        site.config.fault_ctx = &breaker;
        site_open(&site);
        site_module(&site, RIG_UNIT);
        for (uint64_t g = 1; g <= 3; g++) {
            try_put(&site, g, &failures);
        }
        if (site_delete(&site, "app", false) != ISO_OK) {
            failures++;
            CHECK_EQ_U64(site_generation(&site, "app"), 3);
            CHECK_OK(site_delete(&site, "app", false));
        }
        failures += breaker.steps >= fail_at && failures == 0 ? 1 : 0; /* one that is no error */
        CHECK_EQ_U64(site_generation(&site, "app"), 0);
        site_close(&site);
        site_open(&site);
        CHECK_EQ_U64(site_generation(&site, "app"), 0);
        try_put(&site, 4, &failures);
        CHECK_EQ_U64(rig_stats(iso_sv_deployments_find(site.deployments, iso_str_from_z("app"),
                                                       iso_str_from_z("a")))
                         .restarts,
                     0);
        site_fini(&site);
        rig_stop(rig);
        CHECK(fail_at < 100);
    }
}
