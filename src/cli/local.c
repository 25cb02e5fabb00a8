/* Several daemons on one machine: state directories and free ports. */
#define _GNU_SOURCE /* SOCK_CLOEXEC */
#include "cli/local.h"

#include "base/format.h"
#include "cli/message.h"
#include "cli/note.h"
#include "platform/platform.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { TRIES = 200, LOCK_TRIES = 100, LOCK_PAUSE_MS = 50 };

bool iso_cli_state_default(const char *program, char out[ISO_CLI_STATE_SIZE])
{
    const char *base = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    if (base != NULL && base[0] == '/') {
        return iso_format(out, ISO_CLI_STATE_SIZE, "%s/%s", base, program) < ISO_CLI_STATE_SIZE;
    }
    if (geteuid() == 0) {
        (void)iso_format(out, ISO_CLI_STATE_SIZE, "/var/lib/%s", program);
        return true;
    }
    return home != NULL && home[0] != '\0' &&
           iso_format(out, ISO_CLI_STATE_SIZE, "%s/.local/state/%s", home, program) <
               ISO_CLI_STATE_SIZE;
}

bool iso_cli_state_own(const char *program, char out[ISO_CLI_STATE_SIZE])
{
    const char *of_unit = getenv("STATE_DIRECTORY");
    if (of_unit != NULL && of_unit[0] != '\0') {
        return iso_format(out, ISO_CLI_STATE_SIZE, "%s", of_unit) < ISO_CLI_STATE_SIZE;
    }
    return iso_cli_state_default(program, out);
}

bool iso_cli_state_absolute(const char *path, char out[ISO_CLI_STATE_SIZE])
{
    char here[ISO_CLI_STATE_SIZE];
    if (path[0] == '/') {
        return iso_format(out, ISO_CLI_STATE_SIZE, "%s", path) < ISO_CLI_STATE_SIZE;
    }
    while (path[0] == '.' && path[1] == '/') {
        path += 2;
    }
    return getcwd(here, sizeof here) != NULL &&
           iso_format(out, ISO_CLI_STATE_SIZE, "%s/%s", here, path) < ISO_CLI_STATE_SIZE;
}

/* ISO_E_EXISTS: somebody has the port. */
static enum iso_err try_address(const char *address, bool datagrams)
{
    struct sockaddr_storage parsed;
    int fd;
    enum iso_err err = iso_socket_listen(address, &fd, NULL, NULL);
    if (err != ISO_OK) {
        return err;
    }
    (void)close(fd);
    err = datagrams ? iso_address_parse(address, &parsed, NULL) : ISO_E_STATE;
    if (err != ISO_OK) {
        return datagrams ? err : ISO_OK;
    }
    fd = socket(parsed.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return ISO_OK; /* not known: opening it tells */
    }
    const bool taken = bind(fd, (const struct sockaddr *)&parsed, iso_address_size(&parsed)) != 0;
    (void)close(fd);
    return taken ? ISO_E_EXISTS : ISO_OK;
}

static bool ports_path(const char *state, char out[ISO_CLI_STATE_SIZE])
{
    return iso_format(out, ISO_CLI_STATE_SIZE, "%s/ports", state) < ISO_CLI_STATE_SIZE;
}

void iso_cli_ports_read(const char *state, uint16_t ports[ISO_CLI_PORTS])
{
    char path[ISO_CLI_STATE_SIZE], text[64];
    struct iso_file file;
    memset(ports, 0, ISO_CLI_PORTS * sizeof ports[0]);
    if (!ports_path(state, path) || iso_file_read(path, sizeof text - 1, &file, NULL) != ISO_OK) {
        return;
    }
    (void)iso_format(text, sizeof text, "%.*s", (int)file.bytes.len, (const char *)file.bytes.ptr);
    iso_file_fini(&file);
    char *at = text;
    for (size_t i = 0; i < ISO_CLI_PORTS; i++) {
        const unsigned long port = strtoul(at, &at, 10);
        ports[i] = port <= UINT16_MAX ? (uint16_t)port : 0;
    }
}

void iso_cli_ports_keep(const char *state, const uint16_t ports[ISO_CLI_PORTS])
{
    uint16_t kept[ISO_CLI_PORTS];
    char path[ISO_CLI_STATE_SIZE], text[64];
    iso_cli_ports_read(state, kept);
    if (memcmp(kept, ports, sizeof kept) != 0 && ports_path(state, path)) {
        const size_t len =
            iso_format(text, sizeof text, "%u %u %u %u\n", ports[0], ports[1], ports[2], ports[3]);
        (void)!iso_file_write_atomic(path, iso_bytes_from(text, len), NULL);
    }
}

uint16_t iso_cli_address_port(const char *address)
{
    const char *colon = strrchr(address, ':');
    uint64_t port = 0;
    if (colon == NULL || iso_parse_count(colon + 1, UINT16_MAX, &port, NULL) != ISO_OK) {
        return 0;
    }
    return (uint16_t)port;
}

static bool find_free(const char *address, uint16_t had, bool datagrams,
                      char out[ISO_CLI_ADDRESS_SIZE])
{
    const char *colon = strrchr(address, ':');
    const uint32_t port = iso_cli_address_port(address);
    if (colon != NULL && had != 0) {
        (void)iso_format(out, ISO_CLI_ADDRESS_SIZE, "%.*s:%u", (int)(colon - address), address,
                         had);
        if (try_address(out, datagrams) == ISO_OK) {
            return strcmp(out, address) != 0;
        }
    }
    (void)iso_format(out, ISO_CLI_ADDRESS_SIZE, "%s", address);
    if (port == 0 || try_address(address, datagrams) != ISO_E_EXISTS) {
        return false;
    }
    for (unsigned i = 1; i < TRIES; i++) {
        const uint32_t other = port + 2 * i;
        (void)iso_format(out, ISO_CLI_ADDRESS_SIZE, "%.*s:%u", (int)(colon - address), address,
                         other);
        if (other <= UINT16_MAX && other != 8490 && other != 8491 &&
            try_address(out, datagrams) == ISO_OK) {
            return true;
        }
    }
    (void)iso_format(out, ISO_CLI_ADDRESS_SIZE, "%s", address);
    return false;
}

bool iso_cli_address_choose(const char *what, const char *address, uint16_t had, bool datagrams,
                            char out[ISO_CLI_ADDRESS_SIZE])
{
    if (!find_free(address, had, datagrams, out)) {
        return false;
    }
    iso_cli_note("%s on port %u instead of %u", what, iso_cli_address_port(out),
                 iso_cli_address_port(address));
    return true;
}

int iso_cli_ports_lock(void)
{
    const struct timespec pause = {0, LOCK_PAUSE_MS * 1000000L};
    char dir[ISO_CLI_NOTE_PATH_SIZE], path[ISO_CLI_NOTE_PATH_SIZE];
    if (!iso_cli_note_dir(dir)) {
        return -1;
    }
    (void)mkdir(dir, 0700);
    (void)iso_format(path, sizeof path, "%s/ports.lock", dir);
    const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    for (unsigned i = 0; fd >= 0 && i < LOCK_TRIES; i++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
            break;
        }
        (void)nanosleep(&pause, NULL);
    }
    return fd;
}
