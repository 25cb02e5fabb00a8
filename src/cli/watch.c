/* Signals and the time limit. The handlers only note the event and interrupt the store; between
 * them and a wait nothing can be lost, because signals are blocked until ppoll waits. */
#define _GNU_SOURCE /* ppoll */
#include "cli/watch.h"

#include "cli/status.h"
#include "platform/platform.h"

#include <errno.h>
#include <signal.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* How long after the time limit a program that does not stop is ended by force. */
enum { GRACE_SECONDS = 1 };

static volatile sig_atomic_t stop_signal, timed_out, snapshot_wanted;
static struct iso_store *volatile watched;
static sigset_t watched_signals;

/* _exit rather than exit: nothing else is safe in a signal handler. */
static void end_at_once(int status)
{
    static const char text[] = "isomer: error: the program did not stop; ended by force\n";
    ssize_t ignored = write(STDERR_FILENO, text, sizeof text - 1);
    (void)ignored;
    _exit(status);
}

static void on_signal(int number)
{
    int saved_errno = errno;
    if (number == SIGUSR1) {
        snapshot_wanted = 1;
    } else if (number == SIGALRM) {
        if (timed_out != 0) {
            end_at_once(ISO_CLI_TIMEOUT);
        }
        timed_out = 1;
    } else {
        if (stop_signal != 0) {
            end_at_once(128 + number);
        }
        stop_signal = number;
    }
    struct iso_store *store = watched;
    if (store != NULL) {
        iso_store_interrupt(store);
    }
    errno = saved_errno;
}

static bool catch_signal(int number, bool even_if_ignored)
{
    struct sigaction old, action = {.sa_handler = on_signal};
    if (sigaction(number, NULL, &old) != 0) {
        return false;
    }
    if (old.sa_handler == SIG_IGN && !even_if_ignored) {
        return true; /* as under nohup: whoever started us wants it so */
    }
    (void)sigfillset(&action.sa_mask);
    (void)sigaddset(&watched_signals, number);
    return sigaction(number, &action, NULL) == 0;
}

static bool start_timer(uint64_t timeout_ns)
{
    uint64_t seconds = timeout_ns / 1000000000;
    uint64_t micros = (timeout_ns % 1000000000 + 999) / 1000;
    if (micros == 1000000) {
        seconds++;
        micros = 0;
    }
    if (seconds > INT32_MAX) {
        return true; /* 68 years */
    }
    struct itimerval timer = {.it_interval = {.tv_sec = GRACE_SECONDS}};
    timer.it_value.tv_sec = (time_t)seconds;
    timer.it_value.tv_usec = (suseconds_t)micros;
    return setitimer(ITIMER_REAL, &timer, NULL) == 0;
}

enum iso_err iso_cli_watch_begin(bool wants_snapshot, uint64_t timeout_ns,
                                 struct iso_report *report)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void)sigemptyset(&watched_signals);
    /* A pipe without readers and a file that may not grow are errors of writing, no more. */
    bool ok = sigaction(SIGPIPE, &ignore, NULL) == 0 && sigaction(SIGXFSZ, &ignore, NULL) == 0 &&
              catch_signal(SIGINT, false) && catch_signal(SIGTERM, false);
    if (ok && wants_snapshot) {
        ok = catch_signal(SIGUSR1, true);
    }
    if (ok && timeout_ns != 0) {
        ok = catch_signal(SIGALRM, true) && start_timer(timeout_ns);
    }
    return ok ? ISO_OK
              : iso_fail(report, ISO_E_IO, "cannot set up signals: %s", iso_errno_text(errno));
}

void iso_cli_watch_store(struct iso_store *store)
{
    watched = store;
    if (store != NULL && (stop_signal != 0 || timed_out != 0 || snapshot_wanted != 0)) {
        iso_store_interrupt(store);
    }
}

struct iso_cli_events iso_cli_watch_take(void)
{
    struct iso_cli_events events = {
        .signal = stop_signal, .timeout = timed_out != 0, .snapshot = snapshot_wanted != 0};
    if (events.snapshot) {
        snapshot_wanted = 0;
    }
    return events;
}

static int wait_unless_event(struct pollfd *fds, size_t count, int64_t timeout_ns,
                             const sigset_t *mask)
{
    if (stop_signal != 0 || timed_out != 0 || snapshot_wanted != 0) {
        return 0;
    }
    struct timespec timeout = {.tv_sec = 0};
    int64_t seconds = timeout_ns / 1000000000;
    timeout.tv_sec = seconds > INT32_MAX ? INT32_MAX : (time_t)seconds;
    timeout.tv_nsec = (long)(timeout_ns % 1000000000);
    return ppoll(fds, (nfds_t)count, timeout_ns == INT64_MAX ? NULL : &timeout, mask);
}

enum iso_err iso_cli_watch_poll(struct pollfd *fds, size_t count, int64_t timeout_ns)
{
    sigset_t before;
    if (timeout_ns < 0) {
        timeout_ns = 0;
    }
    if (sigprocmask(SIG_BLOCK, &watched_signals, &before) != 0) {
        return ISO_E_IO;
    }
    int got = wait_unless_event(fds, count, timeout_ns, &before);
    int failed = got < 0 && errno != EINTR ? errno : 0;
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    return failed == 0 ? ISO_OK : ISO_E_IO;
}
