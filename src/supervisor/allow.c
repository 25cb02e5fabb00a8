/* allow.c - what a deployment may have on this device whatever its document says: directories. */
#include "supervisor/daemon.h"

#include "base/format.h"
#include "platform/platform.h"

#include <stdlib.h>
#include <string.h>

/* Whether `path` is `dir` or below it; both without links and "..". */
static bool is_below(const char *path, const char *dir)
{
    const size_t len = strlen(dir);
    return strncmp(path, dir, len) == 0 &&
           (path[len] == '\0' || path[len] == '/' || strcmp(dir, "/") == 0);
}

/* Directories are granted only from the device's own list: who may deploy is not thereby the user
 * that the supervisor runs as. The state directory is never granted. */
static enum iso_err allow_dir(const struct iso_supervisor *sv, struct iso_str component,
                              const struct iso_sv_dir_grant *grant, struct iso_report *report)
{
    char given[ISO_PATH_MAX];
    bool good = false;
    (void)iso_format(given, sizeof given, "%.*s", (int)grant->host_path.len, grant->host_path.ptr);
    char *path = iso_path_absolute(given);
    char *state = iso_path_absolute(sv->config->state);
    if (path == NULL || iso_dir_check(path, NULL) != ISO_OK) {
        free(path);
        free(state);
        return iso_fail(report, ISO_E_LINK, "%.*s: this device has no directory \"%s\" to grant",
                        (int)component.len, component.ptr, given);
    }
    for (size_t i = 0; i < sv->config->directory_count; i++) {
        char *allowed = iso_path_absolute(sv->config->directories[i]);
        good = good || (allowed != NULL && is_below(path, allowed));
        free(allowed);
    }
    good = good && (state == NULL || (!is_below(path, state) && !is_below(state, path)));
    free(path);
    free(state);
    return good ? ISO_OK
                : iso_fail(report, ISO_E_LINK,
                           "%.*s: the directory \"%s\" may not be granted on this device; its "
                           "configuration lists those that may (--directory)",
                           (int)component.len, component.ptr, given);
}

enum iso_err iso_sv_allow(void *ctx, const struct iso_sv_document *document,
                          struct iso_report *report)
{
    for (size_t i = 0; i < document->component_count; i++) {
        const struct iso_sv_doc_component *component = &document->components[i];
        for (size_t k = 0; k < component->dir_count; k++) {
            const enum iso_err err = allow_dir(ctx, component->name, &component->dirs[k], report);
            if (err != ISO_OK) {
                return err;
            }
        }
    }
    return ISO_OK;
}
