/* A program of two daemons: the order in which they start and stop, one that cannot start, and a
 * signal. */
#include "daemon/program.h"

#include "base/test.h"

#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <stdio.h>
#include <stdlib.h>

static char story[128];

static void tell(const char *what, const char *name)
{
    const size_t len = strlen(story);
    (void)snprintf(story + len, sizeof story - len, "%s%s ", what, name);
}

struct part {
    const char *name;
    bool fails, late, ends; /* ready later; asks for the end of the program when ready */
    uv_timer_t timer;
    void (*then)(void *ctx);
    void *then_ctx;
    const char *told;
};

static void on_closed(uv_handle_t *handle)
{
    const struct part *part = handle->data;
    tell("stopped-", part->name);
    part->then(part->then_ctx);
}

static void on_timer(uv_timer_t *timer)
{
    const struct part *part = timer->data;
    tell(part->told, part->name);
    part->then(part->then_ctx);
    if (part->ends) {
        CHECK(raise(SIGTERM) == 0);
    }
}

static enum iso_err start(void *ctx, uv_loop_t *loop, void (*ready)(void *ready_ctx),
                          void *ready_ctx, struct iso_report *report)
{
    struct part *part = ctx;
    tell("start-", part->name);
    if (part->fails) {
        return iso_fail(report, ISO_E_EXISTS, "%s cannot", part->name);
    }
    (void)uv_timer_init(loop, &part->timer);
    part->timer.data = part;
    part->then = ready;
    part->then_ctx = ready_ctx;
    part->told = "ready-";
    (void)uv_timer_start(&part->timer, on_timer, part->late ? 20 : 0, 0);
    return ISO_OK;
}

static void stop(void *ctx, uint32_t grace_ms, void (*stopped)(void *stopped_ctx),
                 void *stopped_ctx)
{
    struct part *part = ctx;
    CHECK(grace_ms != 0);
    tell("stop-", part->name);
    part->then = stopped;
    part->then_ctx = stopped_ctx;
    uv_close((uv_handle_t *)&part->timer, on_closed);
}

static void overdue(void)
{
    TEST_FAIL("overdue");
}

static enum iso_err run(struct part *a, struct part *b, struct iso_report *report)
{
    const struct iso_program_part parts[] = {{start, stop, a}, {start, stop, b}};
    story[0] = '\0';
    iso_report_init(report);
    return iso_program_run(parts, 2, overdue, report);
}

TEST(a_signal_stops_them_in_the_opposite_order)
{
    struct part a = {.name = "a"}, b = {.name = "b", .late = true, .ends = true};
    struct iso_report report;
    CHECK_OK(run(&a, &b, &report));
    CHECK_STR(story, "start-a start-b ready-a ready-b stop-b stopped-b stop-a stopped-a ");
}

TEST(one_that_cannot_start_ends_those_before)
{
    struct part a = {.name = "a"}, b = {.name = "b", .fails = true};
    struct iso_report report;
    CHECK_ERR(run(&a, &b, &report), ISO_E_EXISTS);
    CHECK_STR(report.text, "b cannot");
    CHECK_STR(story, "start-a start-b stop-a stopped-a ");
    struct part c = {.name = "c", .fails = true}, d = {.name = "d"};
    CHECK_ERR(run(&c, &d, &report), ISO_E_EXISTS);
    CHECK_STR(story, "start-c ");
}

/* What systemd hears (sd_notify(3)): a datagram to the socket of NOTIFY_SOCKET. */
TEST(ready_is_told_when_all_are)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct part a = {.name = "a"}, b = {.name = "b", .late = true, .ends = true};
    char dir[64] = "/tmp/iso-program-XXXXXX", told[64], all[256] = "";
    struct iso_report report;
    CHECK(mkdtemp(dir) != NULL);
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s/notify", dir);
    const int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0);
    CHECK(setenv("NOTIFY_SOCKET", address.sun_path, 1) == 0);
    CHECK_OK(run(&a, &b, &report));
    CHECK(unsetenv("NOTIFY_SOCKET") == 0);
    for (ssize_t len; (len = recv(fd, told, sizeof told - 1, MSG_DONTWAIT)) > 0;) {
        told[len] = '\0';
        const size_t used = strlen(all);
        (void)snprintf(all + used, sizeof all - used, "%s ", told);
    }
    CHECK_STR(all, "READY=1 STOPPING=1 "); /* once, and not when the first was */
    (void)close(fd);
    (void)unlink(address.sun_path);
    (void)rmdir(dir);
}
