/* Passwords, with termios(3). */
#include "cli/password.h"

#include "cli/message.h"
#include "cli/status.h"
#include "platform/platform.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { TRIES = 3 };

int iso_cli_password_read(const char *path, char out[ISO_CLI_PASSWORD_SIZE])
{
    struct iso_file file;
    struct iso_report report;
    iso_report_init(&report);
    const enum iso_err err = iso_file_read(path, 64u << 10, &file, &report);
    if (err != ISO_OK) {
        iso_cli_error_report(path, &report, err);
        return ISO_CLI_UNREADABLE;
    }
    size_t len = 0;
    while (len < file.bytes.len && file.bytes.ptr[len] != '\n' && file.bytes.ptr[len] != '\r') {
        len++;
    }
    const bool fits = len < ISO_CLI_PASSWORD_SIZE && memchr(file.bytes.ptr, 0, len) == NULL;
    if (fits) {
        memcpy(out, file.bytes.ptr, len);
        out[len] = '\0';
    }
    iso_file_fini(&file);
    if (!fits) {
        iso_cli_error("%s: its first line is no password", path);
        return ISO_CLI_USAGE;
    }
    return ISO_CLI_OK;
}

/* A line; false at the end of input. */
static bool read_line(int terminal, char out[ISO_CLI_PASSWORD_SIZE])
{
    size_t len = 0;
    char c;
    while (read(terminal, &c, 1) == 1) {
        if (c == '\n') {
            out[len] = '\0';
            return true;
        }
        if (len + 1 < ISO_CLI_PASSWORD_SIZE) {
            out[len++] = c;
        }
    }
    return false;
}

/* Signals that would leave the terminal without echo wait until it has it again. */
static bool ask_once(int terminal, const char *prompt, char out[ISO_CLI_PASSWORD_SIZE])
{
    struct termios before, quiet;
    sigset_t held, old;
    if (tcgetattr(terminal, &before) != 0) {
        return false;
    }
    (void)sigemptyset(&held);
    (void)sigaddset(&held, SIGINT);
    (void)sigaddset(&held, SIGTERM);
    (void)sigaddset(&held, SIGTSTP);
    (void)sigprocmask(SIG_BLOCK, &held, &old);
    quiet = before;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    (void)tcsetattr(terminal, TCSAFLUSH, &quiet);
    (void)!write(terminal, prompt, strlen(prompt));
    const bool read = read_line(terminal, out);
    (void)tcsetattr(terminal, TCSAFLUSH, &before);
    (void)!write(terminal, "\n", 1);
    (void)sigprocmask(SIG_SETMASK, &old, NULL);
    return read;
}

int iso_cli_password_ask(const char *prompt, bool again, char out[ISO_CLI_PASSWORD_SIZE])
{
    char second[ISO_CLI_PASSWORD_SIZE];
    const int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    bool good = false;
    if (terminal < 0) {
        iso_cli_error("a password is needed, and there is no terminal to ask at");
        iso_cli_hint("--password-file FILE reads it from a file");
        return ISO_CLI_USAGE;
    }
    for (unsigned i = 0; i < TRIES && !good; i++) {
        good = ask_once(terminal, prompt, out);
        if (!good) {
            break;
        }
        if (again) {
            good = ask_once(terminal, "Again: ", second) && strcmp(out, second) == 0;
            if (!good) {
                iso_cli_note("the two are not the same");
            }
        }
    }
    (void)close(terminal);
    if (!good) {
        iso_cli_error("no password was given");
        return ISO_CLI_USAGE;
    }
    return ISO_CLI_OK;
}
