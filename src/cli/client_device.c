/* Which device is meant, and what is known of it: its pin and a token. */
#include "cli/client.h"

#include "base/format.h"
#include "cli/message.h"
#include "cli/status.h"
#include "net/tls.h"
#include "platform/platform.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct iso_cli_option options[] = {
    {ISO_CLI_OPTION_DEVICE, "device", "HOST:PORT", false,
     "the device; or the variable ISOMER_DEVICE. Loopback\naddresses are plain HTTP, others HTTPS; "
     "a "
     "URL says which\n(127.0.0.1:8480)"},
    {ISO_CLI_OPTION_TOKEN, "token", "TOKEN", false,
     "who asks: a token, or @FILE; or the variable\nISOMER_TOKEN; or as remembered from pairing"},
    {ISO_CLI_OPTION_PIN, "pin", "sha256:HEX", false, "the device's key, as 'device' prints it"},
    {ISO_CLI_OPTION_JSON, "json", NULL, false, "as JSON"},
};
const struct iso_cli_option_group iso_cli_client_group = {"Device", options, ISO_COUNT_OF(options)};

void iso_cli_device_init(struct iso_cli_device *device)
{
    *device = (struct iso_cli_device){.curl = NULL};
}

void iso_cli_device_fini(struct iso_cli_device *device)
{
    if (device->curl != NULL) {
        curl_easy_cleanup(device->curl);
    }
    *device = (struct iso_cli_device){.curl = NULL};
}

static int set_text(char *out, size_t cap, const char *what, const char *value)
{
    if (iso_format(out, cap, "%s", value) >= cap) {
        iso_cli_error("the %s is too long", what);
        return ISO_CLI_USAGE;
    }
    return ISO_CLI_OK;
}

/* The first line of a file. */
static bool read_line(const char *path, char *out, size_t cap)
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

static int set_token(struct iso_cli_device *device, const char *value)
{
    if (value[0] != '@') {
        return set_text(device->token, sizeof device->token, "token", value);
    }
    if (!read_line(value + 1, device->token, sizeof device->token)) {
        iso_cli_error("%s: no token can be read from it", value + 1);
        return ISO_CLI_UNREADABLE;
    }
    return ISO_CLI_OK;
}

int iso_cli_device_option(struct iso_cli_device *device, int id, const char *value)
{
    uint8_t pin[ISO_TLS_PIN_SIZE];
    switch (id) {
    case ISO_CLI_OPTION_DEVICE:
        return set_text(device->name, sizeof device->name, "device's address", value);
    case ISO_CLI_OPTION_TOKEN:
        return set_token(device, value);
    case ISO_CLI_OPTION_PIN:
        if (!iso_tls_pin_parse(iso_str_from_z(value), pin)) {
            iso_cli_error("'%s' is no pin; it is sha256: and 64 hexadecimal digits", value);
            return ISO_CLI_USAGE;
        }
        iso_tls_pin_text(pin, device->pin);
        return ISO_CLI_OK;
    default:
        device->json = true;
        return ISO_CLI_OK;
    }
}

/* ---- What is known ----------------------------------------------------------------------------
 */

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

int iso_cli_device_remember(const struct iso_cli_device *device)
{
    char path[1100];
    struct iso_report report;
    json_t *known = read_known();
    if (!known_path(path, sizeof path, true)) {
        json_decref(known);
        iso_cli_error("no home directory to remember the device in");
        return ISO_CLI_IO;
    }
    (void)json_object_set_new(known, device->base,
                              json_pack("{s:s, s:s}", "pin", device->pin, "token", device->token));
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

static void use_known(struct iso_cli_device *device)
{
    json_t *known = read_known();
    const json_t *entry = json_object_get(known, device->base);
    const char *pin = json_string_value(json_object_get(entry, "pin"));
    const char *token = json_string_value(json_object_get(entry, "token"));
    if (device->pin[0] == '\0' && pin != NULL) {
        (void)iso_format(device->pin, sizeof device->pin, "%s", pin);
    }
    if (device->token[0] == '\0' && token != NULL) {
        (void)iso_format(device->token, sizeof device->token, "%s", token);
    }
    json_decref(known);
}

/* ---- Address ------------------------------------------------------------------------------------
 */

static bool is_loopback(const char *host)
{
    return strncmp(host, "127.", 4) == 0 || strncmp(host, "localhost", 9) == 0 ||
           strncmp(host, "[::1]", 5) == 0;
}

static bool has_port(const char *host)
{
    const char *colon = strrchr(host, ':');
    return colon != NULL && strchr(colon, ']') == NULL;
}

static int set_base(struct iso_cli_device *device)
{
    const char *name = device->name;
    if (strncmp(name, "http://", 7) == 0 || strncmp(name, "https://", 8) == 0) {
        (void)iso_format(device->base, sizeof device->base, "%s", name);
        size_t len = strlen(device->base);
        while (len > 0 && device->base[len - 1] == '/') {
            device->base[--len] = '\0';
        }
    } else if (name[0] == ':') {
        (void)iso_format(device->base, sizeof device->base, "http://127.0.0.1%s", name);
    } else {
        const bool local = is_loopback(name);
        (void)iso_format(device->base, sizeof device->base, "%s://%s%s", local ? "http" : "https",
                         name,
                         has_port(name) ? ""
                         : local        ? ":8480"
                                        : ":8443");
    }
    if (strncmp(device->base, "http://", 7) == 0 && !is_loopback(device->base + 7)) {
        iso_cli_error("%s: plain HTTP would show the token to everybody on the way", device->base);
        iso_cli_hint("devices serve HTTPS: write https://HOST:PORT");
        return ISO_CLI_USAGE;
    }
    return ISO_CLI_OK;
}

/* The token that a supervisor on this machine leaves for its people. */
static void use_local_token(struct iso_cli_device *device)
{
    const char *home = getenv("HOME");
    char path[1100];
    if (home != NULL) {
        (void)iso_format(path, sizeof path, "%s/.local/state/isomer/token", home);
        if (read_line(path, device->token, sizeof device->token)) {
            return;
        }
    }
    (void)read_line("/var/lib/isomer/token", device->token, sizeof device->token);
}

int iso_cli_device_open(struct iso_cli_device *device)
{
    const char *name = getenv("ISOMER_DEVICE");
    const char *token = getenv("ISOMER_TOKEN");
    if (device->name[0] == '\0') {
        (void)iso_format(device->name, sizeof device->name, "%s",
                         name != NULL && name[0] != '\0' ? name : "127.0.0.1:8480");
    }
    int status = set_base(device);
    if (status == ISO_CLI_OK && device->token[0] == '\0' && token != NULL && token[0] != '\0') {
        status = set_token(device, token);
    }
    if (status != ISO_CLI_OK) {
        return status;
    }
    use_known(device);
    if (device->token[0] == '\0' && is_loopback(strstr(device->base, "://") + 3)) {
        use_local_token(device);
    }
    device->curl = curl_easy_init();
    if (device->curl == NULL) {
        iso_cli_error("out of memory");
        return ISO_CLI_SYSTEM;
    }
    return ISO_CLI_OK;
}
