/* What this machine knows of devices and orchestrators: pins and tokens, by address. */
#include "cli/client.h"

#include "base/format.h"
#include "cli/message.h"
#include "cli/status.h"
#include "platform/platform.h"

#include <stdlib.h>
#include <sys/stat.h>

bool iso_cli_line_read(const char *path, char *out, size_t cap)
{
    struct iso_file file;
    if (iso_file_read(path, 4096, &file, NULL) != ISO_OK) {
        return false;
    }
    size_t len = 0;
    while (len < file.bytes.len && file.bytes.ptr[len] > ' ' && len + 1 < cap) {
        len++;
    }
    memcpy(out, file.bytes.ptr, len);
    out[len] = '\0';
    iso_file_fini(&file);
    return len != 0;
}

static bool known_path(char *out, size_t cap, bool make)
{
    const char *base = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");
    char dir[1024];
    if (base != NULL && base[0] == '/') {
        (void)iso_format(dir, sizeof dir, "%s", base);
    } else if (home != NULL && home[0] != '\0') {
        (void)iso_format(dir, sizeof dir, "%s/.config", home);
    } else {
        return false;
    }
    if (make) {
        (void)mkdir(dir, 0700);
    }
    (void)iso_format(out, cap, "%s/isomer", dir);
    if (make) {
        (void)mkdir(out, 0700);
    }
    (void)iso_format(out, cap, "%s/isomer/devices.json", dir);
    return true;
}

static json_t *read_known(void)
{
    char path[1100];
    struct iso_file file;
    if (!known_path(path, sizeof path, false) ||
        iso_file_read(path, 1u << 20, &file, NULL) != ISO_OK) {
        return json_object();
    }
    json_t *known = json_loadb((const char *)file.bytes.ptr, file.bytes.len, 0, NULL);
    iso_file_fini(&file);
    if (!json_is_object(known)) {
        iso_cli_note("%s is damaged and is not used", path);
        json_decref(known);
        return json_object();
    }
    return known;
}

int iso_cli_known_remember(const struct iso_cli_server *server)
{
    char path[1100];
    struct iso_report report;
    json_t *known = read_known();
    if (!known_path(path, sizeof path, true)) {
        json_decref(known);
        iso_cli_error("no home directory to remember it in");
        return ISO_CLI_IO;
    }
    (void)json_object_set_new(known, server->base,
                              json_pack("{s:s, s:s}", "pin", server->pin, "token", server->token));
    char *text = json_dumps(known, JSON_INDENT(2) | JSON_SORT_KEYS);
    json_decref(known);
    if (text == NULL) {
        return ISO_CLI_SYSTEM;
    }
    iso_report_init(&report);
    const enum iso_err err =
        iso_file_write_atomic(path, iso_bytes_from(text, strlen(text)), &report);
    free(text);
    if (err != ISO_OK) {
        iso_cli_error("%s", iso_report_text(&report, err));
        return ISO_CLI_IO;
    }
    return ISO_CLI_OK;
}

void iso_cli_known_use(struct iso_cli_server *server)
{
    json_t *known = read_known();
    const json_t *entry = json_object_get(known, server->base);
    const char *pin = json_string_value(json_object_get(entry, "pin"));
    const char *token = json_string_value(json_object_get(entry, "token"));
    if (server->pin[0] == '\0' && pin != NULL) {
        (void)iso_format(server->pin, sizeof server->pin, "%s", pin);
    }
    if (server->token[0] == '\0' && token != NULL) {
        (void)iso_format(server->token, sizeof server->token, "%s", token);
    }
    json_decref(known);
}
