/* Programs that are run together: started as children, their lines passed on with a prefix, started
 * again when they end, all stopped when somebody asks for it. One set at a time in a process. */
#ifndef ISO_CLI_CHILDREN_H
#define ISO_CLI_CHILDREN_H

#include "base/base.h"

#include <sys/types.h>

enum { ISO_CLI_CHILDREN_MAX = 17, ISO_CLI_CHILD_LINE = 2048, ISO_CLI_CHILD_ARGS = 16 };

struct iso_cli_child {
    char name[64];                 /* the prefix */
    pid_t pid;                     /* 0: it has ended */
    int status;                    /* its exit status, or 128 + signal */
    int fd;                        /* its output; -1: closed */
    uint64_t started_ms, again_ms; /* when; when it is started again (0: not said yet) */
    uint32_t wait_ms;              /* how long that took the last time */
    size_t len;                    /* of a line that is not whole */
    char line[ISO_CLI_CHILD_LINE];
};

struct iso_cli_children {
    struct iso_cli_child list[ISO_CLI_CHILDREN_MAX];
    size_t count, alive;
    bool asked;     /* SIGINT or SIGTERM has come */
    bool stopping;  /* the children have been told */
    size_t width;   /* of the widest name */
    int signals[2]; /* a pipe; the handler writes */
};

/* Signals are handled from now on. Returns ISO_CLI_OK or a status after a message. */
int iso_cli_children_init(struct iso_cli_children *children);

/* argv[0]: the program's path. In a process group of its own, so that Ctrl-C reaches it by way of
 * this process only; it gets SIGTERM when this process dies. It takes the place of one of that name
 * that has ended, else the next. Returns as above. */
int iso_cli_children_start(struct iso_cli_children *children, const char *name, char *const argv[]);

/* Pass on what they say and see who ends, for at most timeout_ms (-1: until something happens). */
void iso_cli_children_step(struct iso_cli_children *children, int timeout_ms);

/* The first one that has ended; NULL while all run. */
const struct iso_cli_child *iso_cli_children_ended(const struct iso_cli_children *children);

/* Until somebody asks for the end: what ends is started again, by start(ctx, its place), after 1 s,
 * and after twice as long each time, 30 s at most, while it ends within a minute. Messages say so.
 */
void iso_cli_children_keep(struct iso_cli_children *children, int (*start)(void *ctx, size_t place),
                           void *ctx);

/* SIGTERM to all in the opposite order of their start, and waits for them; who takes longer than
 * grace_ms is killed. */
void iso_cli_children_stop(struct iso_cli_children *children, uint32_t grace_ms);

#endif
