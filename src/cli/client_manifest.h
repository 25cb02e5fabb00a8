/* An application's manifest as it lies on disk, with the files that it names. */
#ifndef ISO_CLI_CLIENT_MANIFEST_H
#define ISO_CLI_CLIENT_MANIFEST_H

#include "cli/client.h"
#include "platform/platform.h"

enum { ISO_CLI_MANIFEST_MAX_BYTES = 1 << 20, ISO_CLI_MODULE_MAX_BYTES = 256 << 20 };

struct iso_cli_manifest {
    char name[1024];      /* of the file, for messages; "<stdin>" */
    char folder[1024];    /* what is named in it is relative to this; "." */
    struct iso_file text; /* as it is */
    json_t *json;         /* NULL: it cannot be parsed; the orchestrator says where */
    json_t *mistakes;     /* what is wrong with files that it names; NULL: nothing */
};

/* path: the file, a folder with app.json in it, or "-". Returns ISO_CLI_OK or a status after a
 * message. Release with iso_cli_manifest_fini, also after failure. */
int iso_cli_manifest_read(const char *path, struct iso_cli_manifest *out);
void iso_cli_manifest_fini(struct iso_cli_manifest *manifest);

/*
 * Send the modules that `file:` references name, unless they are there, and put together what
 * PUT /v1/apps/{app} takes. *body: the caller's reference. Returns as above; a file that is missing
 * or no module is added to manifest->mistakes, and the others are sent all the same.
 */
int iso_cli_manifest_send(struct iso_cli_server *server, struct iso_cli_manifest *manifest,
                          bool force, json_t **body);

/* Send one module (and its signature beside it, PATH.minisig) to the orchestrator; name and
 * version: NULL for one without a name. digest: "sha256:...", may be NULL; answer: the package, may
 * be NULL. Returns as above. */
int iso_cli_module_send(struct iso_cli_server *server, const char *path, const char *name,
                        const char *version, char digest[72], json_t **answer);

#endif
