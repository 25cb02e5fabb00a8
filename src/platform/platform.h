/* The public header of src/platform: what the programs take from the operating system (POSIX).
 *
 * The engine itself knows no system; it asks through struct iso_platform, which iso_platform_posix
 * supplies. The rest are the few things that a command line needs: files, quantities such as
 * "64MiB", listening sockets, and whether a person is watching. errno is turned into enum iso_err
 * and words here. Nothing here keeps state but the one platform object. */
#ifndef ISO_PLATFORM_PLATFORM_H
#define ISO_PLATFORM_PLATFORM_H

#include "base/base.h"
#include "engine/engine.h"

#include <sys/socket.h>

/* ---- Memory for the engine ---------------------------------------------------------------- */

/* Reservations by mmap, images by memfd (their members are NULL where the system has no memfd), one
 * mutex. Static, thread-safe, never to be released. */
const struct iso_platform *iso_platform_posix(void);

/* ---- Files -------------------------------------------------------------------------------- */

/* The contents of a file, owned by whoever read it. */
struct iso_file {
    struct iso_bytes bytes;
    size_t cap; /* bytes allocated; for iso_file_fini */
};

/*
 * Read a whole file (also a pipe, to its end) of at most max_bytes into memory of our own. A
 * mapping would be quicker to set up, but whoever may write to the file could then change bytes
 * after they were validated. Blocks. path: borrowed.
 * Errors: NOT_FOUND, ACCESS, ARGUMENT (a directory), LIMIT (larger than max_bytes), NOMEM, IO.
 */
ISO_MUST_CHECK enum iso_err iso_file_read(const char *path, uint64_t max_bytes,
                                          struct iso_file *out, struct iso_report *report);
/* Release what iso_file_read gave. A zeroed struct is fine. */
void iso_file_fini(struct iso_file *file);

/* Read or write exactly so many bytes through a descriptor that is not non-blocking; 0 or an errno
 * value, ENODATA where the file ends before. Blocks. */
ISO_MUST_CHECK int iso_fd_read(int fd, uint8_t *to, size_t len);
ISO_MUST_CHECK int iso_fd_write(int fd, struct iso_bytes bytes);

/*
 * Write a file so that it has either its old contents or all of the new ones, whatever happens
 * meanwhile: into a temporary file beside it, fsync, rename, fsync of the directory. A new file is
 * readable by its owner only; an existing one keeps its permission bits. A path that names
 * something other than a regular file (a pipe, /dev/stdout) cannot be replaced and is written to.
 * Blocks. path, bytes: borrowed. Errors: NOT_FOUND (the directory), ACCESS, ARGUMENT (a
 * directory), NOMEM, IO (which includes a full disk); nothing is left behind.
 */
ISO_MUST_CHECK enum iso_err iso_file_write_atomic(const char *path, struct iso_bytes bytes,
                                                  struct iso_report *report);

/* Whether iso_file_write_atomic could write there, as far as can be told without writing: its
 * directory is there and may be changed, and path itself is none. For those who will write later.
 * Errors as there. */
ISO_MUST_CHECK enum iso_err iso_file_write_check(const char *path, struct iso_report *report);

/* Whether path names an existing directory; ISO_OK, or why it cannot be used as one: NOT_FOUND,
 * ACCESS, ARGUMENT (something else has that name), IO. */
ISO_MUST_CHECK enum iso_err iso_dir_check(const char *path, struct iso_report *report);

/* Whether path names an existing regular file (not a directory, pipe or device). */
bool iso_path_is_file(const char *path);

/* Paths that are put together are shorter than this; a state directory shorter than the second, so
 * that what a daemon keeps in it fits. */
enum { ISO_PATH_MAX = 1024, ISO_STATE_DIR_MAX = 700 };

/* dir/name into out. False when it does not fit. */
ISO_MUST_CHECK bool iso_path_join(char out[ISO_PATH_MAX], const char *dir, const char *name);
/* What `name`, written in an existing file, means: absolute, and seen from the file's folder (that
 * of what it links to) where it is not. False when the file is not there or it does not fit. */
ISO_MUST_CHECK bool iso_path_beside(char out[ISO_PATH_MAX], const char *file, const char *name);
/* Make a directory (0700), and those above, unless it is there. Blocks, as all below; any thread.
 * Errors: ACCESS, IO, ARGUMENT (too long a path). */
ISO_MUST_CHECK enum iso_err iso_dir_make(const char *path, struct iso_report *report);
/* What was renamed or removed in it stays so after a power cut. Failure is not told: not every file
 * system can do it. */
void iso_dir_sync(const char *path);
/* Each entry but "." and ".."; what cannot be opened has none. visit may remove the entry. */
void iso_dir_each(const char *path, void (*visit)(void *ctx, const char *path, const char *name),
                  void *ctx);
/* Remove a file, and sync its directory dir. A file that is not there is fine. */
ISO_MUST_CHECK enum iso_err iso_file_remove(const char *dir, const char *name,
                                            struct iso_report *report);
/* Remove a directory with what is in it, at most 8 levels; links are removed, not followed. What
 * cannot be removed stays. */
void iso_tree_remove(const char *path);

/* The absolute path without links of an existing file, to be released with free(); NULL when it
 * cannot be found out. */
char *iso_path_absolute(const char *path);

/* The error and the words for an errno value. */
enum iso_err iso_errno_err(int errno_value);
const char *iso_errno_text(int errno_value);

/* ---- Quantities --------------------------------------------------------------------------- */

/*
 * "4096", "64KiB", "1MiB", "2GiB", "1TiB" and, for thousands, "64kB", "1MB", "2GB", "1TB"; also
 * "64K", "64M", "64G", which mean KiB, MiB and GiB. No fractions, no sign; letters in any case.
 * Errors: ARGUMENT, LIMIT (more than 64 bits); the report says what would be right.
 */
ISO_MUST_CHECK enum iso_err iso_parse_size(const char *text, uint64_t *bytes_out,
                                           struct iso_report *report);
/* The same of a limit. ARGUMENT: also 0, into which nothing fits, and which some would write for no
 * limit. */
ISO_MUST_CHECK enum iso_err iso_parse_limit(const char *text, uint64_t *bytes_out,
                                            struct iso_report *report);

/*
 * "2s", "500ms", "1.5s", "10us", "100ns", "5m" or "5min", "1h", "1d". The unit is required; at
 * most nine digits after the point; fractions of a nanosecond are dropped. Errors: ARGUMENT, LIMIT
 * (more than 2^63 - 1 nanoseconds).
 */
ISO_MUST_CHECK enum iso_err iso_parse_duration(const char *text, uint64_t *ns_out,
                                               struct iso_report *report);

/* Decimal digits, or hexadecimal ones after 0x, "_" between digits allowed; at most max. Errors:
 * ARGUMENT, LIMIT. */
ISO_MUST_CHECK enum iso_err iso_parse_count(const char *text, uint64_t max, uint64_t *out,
                                            struct iso_report *report);

/* "0 B", "512 B", "64 KiB", "1.5 MiB": for people, at most one digit after the point. Returns the
 * length. */
size_t iso_format_size(char out[32], uint64_t bytes);

/* "100ms", "90s", "24h": exactly, in the largest unit that divides it. Returns the length. */
size_t iso_format_duration(char out[32], uint64_t ns);

/* ---- Sockets ------------------------------------------------------------------------------ */

/* "ADDR:PORT": a numeric IPv4 address, an IPv6 address in brackets (with a zone: [fe80::1%eth0]),
 * or "localhost". Errors: ARGUMENT, with what would be right. */
ISO_MUST_CHECK enum iso_err iso_address_parse(const char *text, struct sockaddr_storage *out,
                                              struct iso_report *report);
/* Whether "HOST", "HOST:PORT", "[V6]", "[V6]:PORT" or "V6" is this machine, whoever is asked: an
 * address of 127.0.0.0/8 or ::1 in digits, or localhost. A name that begins like one is a name. */
bool iso_address_is_loopback(struct iso_str text);
/* Of an IPv4 or IPv6 address: how many bytes of it the system wants, and its port. */
socklen_t iso_address_size(const struct sockaddr_storage *address);
uint16_t iso_address_port(const struct sockaddr_storage *address);
void iso_address_set_port(struct sockaddr_storage *address, uint16_t port);

/*
 * A listening TCP socket (non-blocking, close-on-exec) on "ADDR:PORT": a numeric IPv4 address, an
 * IPv6 address in brackets, or "localhost"; port 0 lets the system choose. *port_out (may be NULL)
 * gets the port. The descriptor is the caller's. Errors: ARGUMENT (not an address), EXISTS (in
 * use), ACCESS, IO.
 */
ISO_MUST_CHECK enum iso_err iso_socket_listen(const char *address, int *fd_out, uint16_t *port_out,
                                              struct iso_report *report);

/* ---- Terminal ----------------------------------------------------------------------------- */

/* Whether to use colour on this descriptor: it is a terminal that is not "dumb", and NO_COLOR
 * (https://no-color.org) is unset or empty. */
bool iso_terminal_has_colour(int fd);

#endif
