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

#define CLIENT "isomer-client"
#define APPS "Applications"
#define DEVICES "Devices"
#define PACKAGES "Packages"
#define ACCESS "Access"
#define RUNNING "Running the system"

const struct iso_cli_sibling iso_cli_siblings[] = {
    {"deploy", CLIENT, APPS, "run an application on the devices that suit it"},
    {"check", CLIENT, APPS, "find mistakes in an application's manifest"},
    {"plan", CLIENT, APPS, "show where its components would run, and why"},
    {"ls", CLIENT, APPS, "list the applications"},
    {"ps", CLIENT, APPS, "list the components, and where they run"},
    {"describe", CLIENT, APPS, "describe an application, or a component with its interface"},
    {"logs", CLIENT, APPS, "show what a component logs"},
    {"flow", CLIENT, APPS, "list, describe and start flows"},
    {"move", CLIENT, APPS, "move a component to another device while it runs"},
    {"rm", CLIENT, APPS, "remove an application"},
    {"history", CLIENT, APPS, "list the generations of an application"},
    {"rollback", CLIENT, APPS, "go back to an earlier generation"},
    {"events", CLIENT, APPS, "show what happened, and what happens"},
    {"device", CLIENT, DEVICES, "list, add, describe, label and drain devices"},
    {"put", CLIENT, DEVICES, "deploy to a single device, without an orchestrator"},
    {"simulate", CLIENT, DEVICES, "show and set what is simulated on a device"},
    {"package", CLIENT, PACKAGES, "push, pull, list, describe and remove packages"},
    {"registry", CLIENT, PACKAGES, "where packages may be fetched from"},
    {"trust", CLIENT, PACKAGES, "whose packages are taken"},
    {"key", CLIENT, PACKAGES, "make keys for signatures"},
    {"sign", CLIENT, PACKAGES, "sign modules"},
    {"verify", CLIENT, PACKAGES, "verify the signature of a module"},
    {"pair", CLIENT, ACCESS, "make a code for pairing, or pair with a device"},
    {"token", CLIENT, ACCESS, "make, list and withdraw tokens"},
    {"login", CLIENT, ACCESS, "an address that signs a browser in"},
    {"owner", CLIENT, ACCESS, "show the orchestrator that a device belongs to"},
    {"up", CLIENT, RUNNING, "run an orchestrator and devices together on this machine"},
    {"down", CLIENT, RUNNING, "stop what up runs"},
    {"supervisor", "isomer-supervisor", RUNNING, "make this machine a device of the system"},
    {"orchestrator", "isomer-orchestrator", RUNNING,
     "hold a fleet: devices, packages, applications"},
    {NULL, NULL, NULL, NULL}};

/* The first of `places`, seen from the folder of this program's own file, that has `name`. */
static bool find(const char *const *places, const char *name, char *out, size_t cap)
{
    char self[3072];
    const ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    if (len <= 0) {
        return false;
    }
    self[len] = '\0';
    *strrchr(self, '/') = '\0';
    for (; *places != NULL; places++) {
        (void)iso_format(out, cap, "%s/%s%s", self, *places, name);
        if (access(out, X_OK) == 0) {
            return true;
        }
    }
    return false;
}

/* As built; as installed; then on the PATH. */
void iso_cli_sibling_path(const char *program, char *out, size_t cap)
{
    static const char *const places[] = {"", "../libexec/isomer/", NULL};
    if (!find(places, program, out, cap)) {
        (void)iso_format(out, cap, "%s", program);
    }
}

/* As built; as installed, seen from bin and from libexec/isomer. */
bool iso_cli_wit_folder(char *out, size_t cap)
{
    static const char *const places[] = {"", "../share/isomer/", "../../share/isomer/", NULL};
    return find(places, "wit", out, cap);
}

int iso_cli_sibling_run(const char *program, char **argv)
{
    char path[4096];
    iso_cli_sibling_path(program, path, sizeof path);
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
