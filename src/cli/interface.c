/* Interfaces of module files, and the functions in them. */
#include "cli/interface.h"

#include "cli/load.h"
#include "cli/message.h"
#include "cli/status.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { NAME_CAP = 1024, NAMES_SHOWN = 12, WIT_MAX_BYTES = 64 << 20 };

/* "dir/scaler.wasm": "dir/scaler.wit" when that file is there; to be released with free(). */
static char *path_beside(const char *module_path)
{
    size_t len = strlen(module_path);
    if (len < 5 || strcmp(module_path + len - 5, ".wasm") != 0) {
        return NULL;
    }
    char *path = malloc(len + 1);
    if (path != NULL) {
        memcpy(path, module_path, len - 5);
        memcpy(path + len - 5, ".wit", 5);
    }
    if (path != NULL && !iso_path_is_file(path)) {
        free(path);
        path = NULL;
    }
    return path;
}

static int status_of_wit(enum iso_err err)
{
    return err == ISO_E_NOMEM ? ISO_CLI_SYSTEM : ISO_CLI_INVALID;
}

static enum iso_err find(const struct iso_module *module, const char *path,
                         struct iso_cli_interface *out, struct iso_report *report)
{
    /* An empty file is a file: it has no text, but a pointer. */
    struct iso_bytes text = out->text.bytes;
    struct iso_wit_source source = {
        .name = path,
        .text = iso_bytes_from(text.len != 0 ? text.ptr : (const void *)"", text.len)};
    return iso_module_interface_find(iso_alloc_libc(), module, path != NULL ? &source : NULL,
                                     &out->found, report);
}

enum iso_err iso_cli_interface_look(const struct iso_module *module, const char *module_path,
                                    struct iso_cli_interface *out, struct iso_report *report)
{
    memset(out, 0, sizeof *out);
    char *beside = path_beside(module_path);
    enum iso_err err = ISO_OK;
    if (beside != NULL) {
        err = iso_file_read(beside, WIT_MAX_BYTES, &out->text, report);
        err = err == ISO_OK ? iso_cli_wit_complete(beside, &out->text, report) : err;
    }
    if (err == ISO_OK) {
        err = find(module, beside, out, report);
    }
    free(beside);
    return err;
}

int iso_cli_interface_find(const struct iso_module *module, const char *module_path,
                           const char *wit_path, struct iso_cli_interface *out)
{
    struct iso_report report;
    memset(out, 0, sizeof *out);
    char *beside = wit_path == NULL ? path_beside(module_path) : NULL;
    const char *path = wit_path != NULL ? wit_path : beside;
    int status = path != NULL ? iso_cli_file_load(path, &out->text) : ISO_CLI_OK;
    if (status == ISO_CLI_OK) {
        iso_report_init(&report);
        enum iso_err err = path != NULL ? iso_cli_wit_complete(path, &out->text, &report) : ISO_OK;
        err = err == ISO_OK ? find(module, path, out, &report) : err;
        if (err != ISO_OK) {
            if (path == NULL) {
                iso_cli_note("the interface of '%s' cannot be used", module_path);
            }
            iso_cli_error_lines(&report, err);
            status = status_of_wit(err);
        }
    }
    free(beside);
    return status;
}

void iso_cli_interface_fini(struct iso_cli_interface *interface)
{
    iso_module_interface_fini(&interface->found);
    iso_file_fini(&interface->text);
}

int iso_cli_wit_load(const char *path, struct iso_file *text, struct iso_wit *wit)
{
    struct iso_report report;
    memset(wit, 0, sizeof *wit);
    memset(text, 0, sizeof *text);
    int status = iso_cli_file_load(path, text);
    if (status != ISO_CLI_OK) {
        return status;
    }
    iso_report_init(&report);
    enum iso_err err = iso_cli_wit_complete(path, text, &report);
    struct iso_wit_source source = {.name = path, .text = text->bytes};
    err = err == ISO_OK ? iso_wit_parse(iso_alloc_libc(), &source, 1, wit, &report) : err;
    if (err != ISO_OK) {
        iso_cli_error_lines(&report, err);
        return status_of_wit(err);
    }
    return ISO_CLI_OK;
}

/* ---- Functions ----------------------------------------------------------------------------- */

bool iso_cli_function_at(const struct iso_wit_world *world, uint32_t i,
                         struct iso_cli_function *out)
{
    for (uint32_t e = 0; e < world->export_count; e++) {
        const struct iso_wit_item *item = &world->exports[e];
        uint32_t count = item->interface != NULL ? item->interface->func_count : 1;
        if (i < count) {
            out->interface = item->interface;
            out->func = item->interface != NULL ? &item->interface->funcs[i] : item->func;
            return true;
        }
        i -= count;
    }
    return false;
}

/* The name with its interface: "demo:calc/math@1.0.0#add". */
static bool has_full_name(const struct iso_cli_function *function, const char *name)
{
    char full[NAME_CAP];
    iso_abi_export_name(function->interface, function->func, full, sizeof full);
    return strcmp(full, name) == 0;
}

static bool has_name(const struct iso_cli_function *function, const char *name)
{
    const char *hash = strchr(name, '#');
    struct iso_str own = function->func->name;
    if (hash == NULL) {
        return iso_str_equal_z(own, name) || (function->func->core_name.len != 0 &&
                                              iso_str_equal_z(function->func->core_name, name));
    }
    return function->interface != NULL && iso_str_equal_z(own, hash + 1) &&
           iso_str_equal(function->interface->name, iso_str_from(name, (size_t)(hash - name)));
}

/* "add, math#sub and 3 more" */
static void list_functions(const struct iso_wit_world *world, const char *like, char *out,
                           size_t cap)
{
    struct iso_cli_function function;
    uint32_t shown = 0, more = 0;
    size_t len = 0;
    out[0] = '\0';
    for (uint32_t i = 0; iso_cli_function_at(world, i, &function); i++) {
        char full[NAME_CAP];
        if (like != NULL && !has_name(&function, like)) {
            continue;
        }
        if (shown == NAMES_SHOWN) {
            more++;
            continue;
        }
        iso_abi_export_name(like != NULL ? function.interface : NULL, function.func, full,
                            sizeof full);
        if (like == NULL) {
            (void)iso_format(full, sizeof full, "%.*s", (int)function.func->name.len,
                             function.func->name.ptr);
        }
        len += iso_format(out + len, cap - len, "%s%s", shown != 0 ? ", " : "", full);
        shown++;
    }
    if (more != 0) {
        (void)iso_format(out + len, cap - len, " and %u more", (unsigned)more);
    }
}

static int no_function(const struct iso_wit_world *world)
{
    char names[2048];
    list_functions(world, NULL, names, sizeof names);
    if (names[0] != '\0') {
        iso_cli_error("there is no FUNCTION to call; there are %s", names);
    } else {
        iso_cli_error("there is no FUNCTION to call, and none in the module's interface");
    }
    return ISO_CLI_USAGE;
}

static int no_such_function(const struct iso_wit_world *world, const char *name)
{
    struct iso_cli_function function;
    struct iso_nearest nearest = {.word = iso_str_from_z(name)};
    char names[2048];
    for (uint32_t i = 0; iso_cli_function_at(world, i, &function); i++) {
        iso_nearest_try(&nearest, function.func->name);
    }
    list_functions(world, NULL, names, sizeof names);
    if (nearest.best.len != 0) {
        iso_cli_error("there is no function '%s'; did you mean %.*s?", name, (int)nearest.best.len,
                      nearest.best.ptr);
    } else if (names[0] != '\0') {
        iso_cli_error("there is no function '%s'; there are %s", name, names);
    } else {
        iso_cli_error("there is no function '%s': the module's interface has none", name);
    }
    return ISO_CLI_USAGE;
}

int iso_cli_function_find(const struct iso_wit_world *world, const char *name,
                          struct iso_cli_function *out)
{
    struct iso_cli_function function, found = {.func = NULL};
    uint32_t matches = 0;
    if (name == NULL) {
        return no_function(world);
    }
    for (uint32_t i = 0; iso_cli_function_at(world, i, &function); i++) {
        if (has_full_name(&function, name)) {
            *out = function;
            return ISO_CLI_OK;
        }
        if (has_name(&function, name)) {
            found = function;
            matches++;
        }
    }
    if (matches == 1) {
        *out = found;
        return ISO_CLI_OK;
    }
    if (matches == 0) {
        return no_such_function(world, name);
    }
    char names[2048];
    list_functions(world, name, names, sizeof names);
    iso_cli_error("there are several functions '%s': %s", name, names);
    return ISO_CLI_USAGE;
}

/* ---- Files --------------------------------------------------------------------------------- */

int iso_cli_file_save(const char *path, struct iso_bytes bytes)
{
    if (strcmp(path, "-") == 0) {
        (void)fwrite(bytes.ptr, 1, bytes.len, stdout);
        return iso_cli_finish_output(ISO_CLI_OK);
    }
    struct iso_report report;
    struct stat before;
    iso_report_init(&report);
    bool is_new = stat(path, &before) != 0;
    enum iso_err err = iso_file_write_atomic(path, bytes, &report);
    if (err != ISO_OK) {
        iso_cli_error("%s", iso_report_text(&report, err));
        return err == ISO_E_NOMEM ? ISO_CLI_SYSTEM : ISO_CLI_IO;
    }
    if (is_new) {
        mode_t mask = umask(0);
        (void)umask(mask);
        (void)chmod(path, 0666 & ~mask);
    }
    return ISO_CLI_OK;
}

int iso_cli_folder_make(const char *path)
{
    size_t len = strlen(path);
    char *part = malloc(len + 1);
    if (part == NULL) {
        iso_cli_error("out of memory");
        return ISO_CLI_SYSTEM;
    }
    int reason = 0;
    for (size_t i = 1; i <= len && len != 0; i++) {
        if (path[i] != '/' && path[i] != '\0') {
            continue;
        }
        memcpy(part, path, i);
        part[i] = '\0';
        reason = mkdir(part, 0777) == 0 || errno == EEXIST ? 0 : errno;
    }
    struct stat facts;
    if (reason == 0 && stat(path, &facts) != 0) {
        reason = errno;
    } else if (reason == 0 && !S_ISDIR(facts.st_mode)) {
        reason = ENOTDIR;
    }
    free(part);
    if (reason != 0) {
        iso_cli_error("cannot make the folder '%s': %s", path, iso_errno_text(reason));
        return ISO_CLI_IO;
    }
    return ISO_CLI_OK;
}
