/* The programs beside `isomer` that carry its heavier commands; a small device need not have them.
 */
#include "cli/sibling.h"

#include "base/format.h"
#include "cli/message.h"
#include "cli/status.h"
#include "platform/platform.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct iso_cli_sibling iso_cli_siblings[] = {
    {"supervisor", "isomer-supervisor", "make this machine a device of the system"},
    {"orchestrator", "isomer-orchestrator", "hold a fleet: devices, packages, applications"},
    {"device", "isomer-client", "describe a device (with --device HOST:PORT)"},
    {"ps", "isomer-client", "list the components of a device"},
    {"logs", "isomer-client", "show what a component logs"},
    {"put", "isomer-client", "deploy a document to a device"},
    {"rm", "isomer-client", "remove an application from a device"},
    {"login", "isomer-client", "an address that signs a browser in"},
    {"token", "isomer-client", "make, list and withdraw tokens of a device"},
    {"pair", "isomer-client", "pair with a device"},
    {"owner", "isomer-client", "show the orchestrator that a device belongs to"},
    {NULL, NULL, NULL}};

/* Beside this program's own file, as built; in ../libexec/isomer, as installed; then on the PATH.
 */
static void find(const char *program, char *out, size_t cap)
{
    char self[3072];
    const ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    if (len > 0) {
        self[len] = '\0';
        char *slash = strrchr(self, '/');
        *slash = '\0';
        (void)iso_format(out, cap, "%s/%s", self, program);
        if (access(out, X_OK) == 0) {
            return;
        }
        (void)iso_format(out, cap, "%s/../libexec/isomer/%s", self, program);
        if (access(out, X_OK) == 0) {
            return;
        }
    }
    (void)iso_format(out, cap, "%s", program);
}

int iso_cli_sibling_run(const char *program, char **argv)
{
    char path[4096];
    find(program, path, sizeof path);
    argv[0] = path;
    (void)execvp(path, argv);
    if (errno == ENOENT) {
        iso_cli_error("the program %s, which has this command, is not installed", program);
        iso_cli_hint("a whole installation of isomer has it beside isomer");
    } else {
        iso_cli_error("%s: %s", path, iso_errno_text(errno));
    }
    return ISO_CLI_SYSTEM;
}
