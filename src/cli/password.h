/* Passwords: from the terminal, without showing them, or from a file. */
#ifndef ISO_CLI_PASSWORD_H
#define ISO_CLI_PASSWORD_H

#include "base/base.h"

enum { ISO_CLI_PASSWORD_SIZE = 1024 };

/* From the first line of a file. Returns ISO_CLI_OK or a status after a message. */
int iso_cli_password_read(const char *path, char out[ISO_CLI_PASSWORD_SIZE]);

/* Asks at the terminal, whatever standard input is; with `again` twice, until both are the same.
 * Blocks. Returns as above. */
int iso_cli_password_ask(const char *prompt, bool again, char out[ISO_CLI_PASSWORD_SIZE]);

#endif
