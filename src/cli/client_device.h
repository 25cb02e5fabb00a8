/* What is shown of one device. */
#ifndef ISO_CLI_CLIENT_DEVICE_H
#define ISO_CLI_CLIENT_DEVICE_H

#include "cli/client.h"

/* Its description (GET /v1/device of a device) as lines on standard output. pin: of its key; "":
 * not known. */
void iso_cli_device_print(const json_t *device, const char *pin);

/* Waits for some seconds until a device that was just added is up, as an orchestrator sees it: only
 * then it is used. Returns whether it is; no message. name: its name or id. */
bool iso_cli_device_wait(struct iso_cli_server *server, const char *name);

/* PATCH of what an orchestrator keeps of a device, taken; shown with --json. Returns as below. */
int iso_cli_device_change(struct iso_cli_server *server, const char *name, json_t *body);

/* Asks the device itself and shows it. Returns the exit status. */
int iso_cli_device_show(struct iso_cli_server *server);

#endif
