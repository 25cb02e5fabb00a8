/* What daemons do so that several run on one machine without settings: where their state is, free
 * ports, and being found (note.h). */
#ifndef ISO_CLI_LOCAL_H
#define ISO_CLI_LOCAL_H

#include "base/base.h"

enum { ISO_CLI_STATE_SIZE = 1024, ISO_CLI_ADDRESS_SIZE = 64 };

/* Where a program ("isomer", "isomer-orchestrator") keeps its state unless told otherwise:
 * $XDG_STATE_HOME/PROGRAM, else /var/lib/PROGRAM for root, else ~/.local/state/PROGRAM. false when
 * there is no home. */
bool iso_cli_state_default(const char *program, char out[ISO_CLI_STATE_SIZE]);
/* The same for a daemon, to which systemd's StateDirectory= counts first. */
bool iso_cli_state_own(const char *program, char out[ISO_CLI_STATE_SIZE]);

/* A path from the root on, whether or not something is there: what a daemon hands on and writes
 * down must not depend on where it was started. false: too long, or the system does not say. */
bool iso_cli_state_absolute(const char *path, char out[ISO_CLI_STATE_SIZE]);

/* The ports that a daemon had the last time, in an order of its own; 0: none is known. Others know
 * it by them, so it takes them again when they are free. */
enum { ISO_CLI_PORTS = 4 };
void iso_cli_ports_read(const char *state, uint16_t ports[ISO_CLI_PORTS]);
/* Blocks. A daemon runs without it: errors are passed over. */
void iso_cli_ports_keep(const char *state, const uint16_t ports[ISO_CLI_PORTS]);

/*
 * The default address of a service, "ADDR:PORT", or the same with another port: the one it had
 * (`had`; 0: none), else, when the default is taken, the next free one (in steps of two, since two
 * services of a daemon have ports side by side; those of the orchestrator are left out). datagrams:
 * the port must be free for UDP too. When none is free or the address cannot be had at all it
 * stays: opening it tells why. Returns whether the port is another one; a message says so, with
 * `what` it is for ("HTTPS").
 */
bool iso_cli_address_choose(const char *what, const char *address, uint16_t had, bool datagrams,
                            char out[ISO_CLI_ADDRESS_SIZE]);
/* The port of "ADDR:PORT". */
uint16_t iso_cli_address_port(const char *address);

/* Held from looking for free ports until they are taken, so that two daemons that start at a time
 * do not find the same. Waits for at most some seconds. Returns a descriptor to close, or -1. */
int iso_cli_ports_lock(void);

#endif
