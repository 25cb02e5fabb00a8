/* Programs that are run together, with poll(2) and a pipe that signal handlers write to. */
#include "cli/children.h"

#include "base/format.h"
#include "cli/message.h"
#include "cli/status.h"
#include "platform/platform.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { AGAIN_MS = 1000, AGAIN_MAX_MS = 30000, STEADY_MS = 60000 };

static int signal_pipe = -1;

static uint64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

static void on_signal(int number)
{
    const int saved = errno;
    const char byte = number == SIGCHLD ? 'c' : 'q';
    (void)!write(signal_pipe, &byte, 1); /* a full pipe has enough in it */
    errno = saved;
}

int iso_cli_children_init(struct iso_cli_children *children)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    *children = (struct iso_cli_children){.count = 0};
    if (pipe2(children->signals, O_CLOEXEC | O_NONBLOCK) != 0) {
        iso_cli_error("%s", iso_errno_text(errno));
        return ISO_CLI_SYSTEM;
    }
    signal_pipe = children->signals[1];
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGHUP, &action, NULL);
    (void)sigaction(SIGCHLD, &action, NULL);
    return ISO_CLI_OK;
}

/* In the child: never returns. */
static void become(char *const argv[], int out, pid_t parent)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGCHLD};
    for (size_t i = 0; i < ISO_COUNT_OF(numbers); i++) {
        (void)signal(numbers[i], SIG_DFL);
    }
    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) {
        _exit(ISO_CLI_SYSTEM); /* it has died meanwhile */
    }
    const int null = open("/dev/null", O_RDONLY);
    (void)dup2(null, STDIN_FILENO);
    (void)dup2(out, STDOUT_FILENO);
    (void)dup2(out, STDERR_FILENO);
    (void)execvp(argv[0], argv);
    iso_cli_error("%s: %s", argv[0], iso_errno_text(errno));
    _exit(ISO_CLI_SYSTEM);
}

static struct iso_cli_child *place_for(struct iso_cli_children *children, const char *name)
{
    for (size_t i = 0; i < children->count; i++) {
        struct iso_cli_child *child = &children->list[i];
        if (child->pid == 0 && strcmp(child->name, name) == 0) {
            if (child->fd >= 0) {
                (void)close(child->fd); /* something that it started has it, too */
            }
            return child;
        }
    }
    ISO_ASSERT(children->count < ISO_CLI_CHILDREN_MAX);
    children->list[children->count] = (struct iso_cli_child){.pid = 0};
    return &children->list[children->count++];
}

int iso_cli_children_start(struct iso_cli_children *children, const char *name, char *const argv[])
{
    int out[2];
    const pid_t parent = getpid();
    (void)fflush(NULL);
    if (pipe2(out, O_CLOEXEC) != 0) {
        iso_cli_error("%s", iso_errno_text(errno));
        return ISO_CLI_SYSTEM;
    }
    const pid_t pid = fork();
    if (pid == 0) {
        become(argv, out[1], parent);
    }
    (void)close(out[1]);
    if (pid < 0) {
        (void)close(out[0]);
        iso_cli_error("%s: %s", argv[0], iso_errno_text(errno));
        return ISO_CLI_SYSTEM;
    }
    struct iso_cli_child *child = place_for(children, name);
    *child = (struct iso_cli_child){
        .pid = pid, .fd = out[0], .started_ms = now_ms(), .wait_ms = child->wait_ms};
    (void)iso_format(child->name, sizeof child->name, "%s", name);
    (void)fcntl(out[0], F_SETFL, O_NONBLOCK);
    children->alive++;
    children->width = strlen(child->name) > children->width ? strlen(child->name) : children->width;
    return ISO_CLI_OK;
}

/* ---- What they say ----------------------------------------------------------------------------
 */

static void print_line(const struct iso_cli_children *children, struct iso_cli_child *child)
{
    fprintf(stderr, "%-*s | ", (int)children->width, child->name);
    iso_cli_print_str(stderr, iso_str_from(child->line, child->len));
    fputc('\n', stderr);
    child->len = 0;
}

static void read_lines(const struct iso_cli_children *children, struct iso_cli_child *child)
{
    char text[4096];
    for (;;) {
        const ssize_t len = read(child->fd, text, sizeof text);
        if (len < 0 && errno == EINTR) {
            continue;
        }
        for (ssize_t i = 0; i < len; i++) {
            if (text[i] != '\n') {
                child->line[child->len++] = text[i];
            }
            if (text[i] == '\n' || child->len == sizeof child->line) {
                print_line(children, child);
            }
        }
        if (len == 0 || (len < 0 && errno != EAGAIN)) {
            if (child->len != 0) {
                print_line(children, child);
            }
            (void)close(child->fd);
            child->fd = -1;
        }
        if (len <= 0) {
            return;
        }
    }
}

/* ---- Who ends ---------------------------------------------------------------------------------
 */

static void reap(struct iso_cli_children *children)
{
    for (size_t i = 0; i < children->count; i++) {
        struct iso_cli_child *child = &children->list[i];
        int status;
        if (child->pid != 0 && waitpid(child->pid, &status, WNOHANG) == child->pid) {
            child->pid = 0;
            child->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
            children->alive--;
        }
    }
}

static void read_signals(struct iso_cli_children *children)
{
    char bytes[64];
    ssize_t len;
    while ((len = read(children->signals[0], bytes, sizeof bytes)) > 0) {
        children->asked = children->asked || memchr(bytes, 'q', (size_t)len) != NULL;
    }
    reap(children);
}

void iso_cli_children_step(struct iso_cli_children *children, int timeout_ms)
{
    struct pollfd polls[ISO_CLI_CHILDREN_MAX + 1];
    size_t count = 0;
    polls[count++] = (struct pollfd){.fd = children->signals[0], .events = POLLIN};
    for (size_t i = 0; i < children->count; i++) {
        polls[count++] = (struct pollfd){.fd = children->list[i].fd, .events = POLLIN};
    }
    if (poll(polls, (nfds_t)count, timeout_ms) < 0) {
        return; /* a signal: seen the next time */
    }
    for (size_t i = 0; i < children->count; i++) {
        if (polls[i + 1].revents != 0) {
            read_lines(children, &children->list[i]);
        }
    }
    read_signals(children);
}

const struct iso_cli_child *iso_cli_children_ended(const struct iso_cli_children *children)
{
    for (size_t i = 0; i < children->count; i++) {
        if (children->list[i].pid == 0) {
            return &children->list[i];
        }
    }
    return NULL;
}

/* One that has ended, now: starts it again, or says when that will be. */
static void start_again(struct iso_cli_children *children, size_t place, uint64_t now,
                        int (*start)(void *ctx, size_t place), void *ctx)
{
    struct iso_cli_child *child = &children->list[place];
    if (child->again_ms == 0) {
        const bool again = child->wait_ms != 0 && now - child->started_ms < STEADY_MS;
        const uint32_t twice =
            2 * child->wait_ms < AGAIN_MAX_MS ? 2 * child->wait_ms : AGAIN_MAX_MS;
        child->wait_ms = again ? twice : AGAIN_MS;
        child->again_ms = now + child->wait_ms;
        iso_cli_note("%s has ended (status %d) and is started again in %u s", child->name,
                     child->status, (unsigned)(child->wait_ms / 1000u));
    } else if (now >= child->again_ms && start(ctx, place) != ISO_CLI_OK) {
        child->again_ms = now + AGAIN_MAX_MS; /* it has said why */
    }
}

void iso_cli_children_keep(struct iso_cli_children *children, int (*start)(void *ctx, size_t place),
                           void *ctx)
{
    while (!children->asked) {
        const uint64_t now = now_ms();
        int timeout_ms = -1;
        for (size_t i = 0; i < children->count; i++) {
            const struct iso_cli_child *child = &children->list[i];
            if (child->pid == 0) {
                start_again(children, i, now, start, ctx);
            }
            if (child->pid == 0) {
                const int wait_ms = child->again_ms > now ? (int)(child->again_ms - now) : 0;
                timeout_ms = timeout_ms < 0 || wait_ms < timeout_ms ? wait_ms : timeout_ms;
            }
        }
        iso_cli_children_step(children, timeout_ms);
    }
}

static void signal_all(const struct iso_cli_children *children, int number)
{
    for (size_t i = children->count; i > 0; i--) {
        if (children->list[i - 1].pid != 0) {
            (void)kill(children->list[i - 1].pid, number);
        }
    }
}

void iso_cli_children_stop(struct iso_cli_children *children, uint32_t grace_ms)
{
    const uint64_t deadline = now_ms() + grace_ms;
    signal_all(children, SIGTERM);
    for (uint64_t now = now_ms(); children->alive != 0 && now < deadline; now = now_ms()) {
        iso_cli_children_step(children, (int)(deadline - now));
    }
    if (children->alive != 0) {
        signal_all(children, SIGKILL);
        while (children->alive != 0) {
            iso_cli_children_step(children, 100);
        }
    }
    iso_cli_children_step(children, 0); /* what they said last */
}
