/* isomer device show, of one device that is asked itself; what devices and the orchestrator tell of
 * one. */
#include "cli/client_device.h"

#include "base/format.h"
#include "cli/message.h"
#include "cli/status.h"
#include "net/tls.h"
#include "platform/platform.h"

#include <time.h>

enum { WAIT_MS = 8000, WAIT_PAUSE_MS = 50 };

static void fact(const char *name, const char *format, ...) ISO_PRINTF(2, 3);

static void fact(const char *name, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    (void)iso_format_v(text, sizeof text, format, args);
    va_end(args);
    printf("%-12s ", name);
    iso_cli_print_str(stdout, iso_str_from_z(text));
    putchar('\n');
}

static void size_fact(const char *name, const json_t *object)
{
    char free_text[32], total_text[32];
    (void)iso_format_size(free_text, iso_cli_json_number(object, "free-bytes"));
    (void)iso_format_size(total_text, iso_cli_json_number(object, "total-bytes"));
    fact(name, "%s of %s free", free_text, total_text);
}

static void print_interfaces(const json_t *interfaces)
{
    char line[512];
    size_t len = 0;
    const char *name;
    json_t *value;
    line[0] = '\0';
    json_object_foreach((json_t *)(uintptr_t)interfaces, name, value)
    {
        len += iso_format(line + len, sizeof line - len, "%s%s", len != 0 ? ", " : "", name);
        size_t i;
        json_t *entry;
        json_array_foreach(value, i, entry)
        {
            if (len < sizeof line - 64) {
                len += iso_format(line + len, sizeof line - len, "%s%s", i == 0 ? " (" : " ",
                                  iso_cli_json_text(entry, "name"));
            }
        }
        if (json_array_size(value) != 0 && len < sizeof line - 2) {
            len += iso_format(line + len, sizeof line - len, ")");
        }
        if (len >= sizeof line - 64) {
            break;
        }
    }
    fact("interfaces", "%s", line);
}

void iso_cli_device_print(const json_t *device, const char *pin)
{
    const json_t *engine = json_object_get(device, "engine");
    const json_t *use = json_object_get(device, "use");
    char memory[32];
    fact("name", "%s", iso_cli_json_text(device, "name"));
    fact("id", "%s", iso_cli_json_text(device, "id"));
    if (pin[0] != '\0') {
        fact("key", "%s", pin);
    }
    fact("processor", "%s, %llu cores", iso_cli_json_text(device, "architecture"),
         (unsigned long long)iso_cli_json_number(device, "cores"));
    size_fact("memory", json_object_get(device, "memory"));
    size_fact("storage", json_object_get(device, "storage"));
    fact("speed", "%.0f million instructions a second",
         json_number_value(json_object_get(device, "speed")));
    fact("engine", "%s %s, %llu workers", iso_cli_json_text(engine, "name"),
         iso_cli_json_text(engine, "version"),
         (unsigned long long)iso_cli_json_number(engine, "workers"));
    (void)iso_format_size(memory, iso_cli_json_number(use, "memory-bytes"));
    fact("instances", "%llu (%llu waiting), %s",
         (unsigned long long)iso_cli_json_number(use, "instances"),
         (unsigned long long)iso_cli_json_number(use, "instances-waiting"), memory);
    const char *key;
    json_t *value;
    json_object_foreach(json_object_get(device, "labels"), key, value)
    {
        fact("label", "%s=%s", key, json_string_value(value));
    }
    print_interfaces(json_object_get(device, "interfaces"));
    size_t i;
    json_t *neighbour;
    json_array_foreach(json_object_get(device, "neighbours"), i, neighbour)
    {
        fact("neighbour", "%s at %s:%llu", iso_cli_json_text(neighbour, "name"),
             iso_cli_json_text(neighbour, "address"),
             (unsigned long long)iso_cli_json_number(neighbour, "port"));
    }
    fact("since", "%s", iso_cli_json_text(device, "started"));
}

static bool is_up(struct iso_cli_server *server, const char *path)
{
    struct iso_cli_reply reply;
    const struct iso_cli_request request = {.method = "GET", .path = path, .quiet = true};
    bool up = false;
    if (iso_cli_request(server, &request, &reply) == ISO_CLI_OK && reply.status == 200) {
        json_t *device = json_loadb((const char *)reply.body.ptr, reply.body.len, 0, NULL);
        up = strcmp(iso_cli_json_text(device, "state"), "up") == 0;
        json_decref(device);
    }
    iso_buf_fini(&reply.body);
    return up;
}

bool iso_cli_device_wait(struct iso_cli_server *server, const char *name)
{
    const struct timespec pause = {0, WAIT_PAUSE_MS * 1000000L};
    char encoded[256], path[300];
    bool up = false;
    if (iso_cli_path_encode(name, encoded, sizeof encoded)) {
        (void)iso_format(path, sizeof path, "/v1/devices/%s", encoded);
        for (unsigned waited = 0; waited < WAIT_MS && !up; waited += WAIT_PAUSE_MS) {
            up = is_up(server, path);
            if (!up) {
                (void)nanosleep(&pause, NULL);
            }
        }
    }
    return up;
}

int iso_cli_device_show(struct iso_cli_server *server)
{
    uint8_t pin[ISO_TLS_PIN_SIZE];
    char text[ISO_TLS_PIN_TEXT_SIZE] = "";
    json_t *device = NULL;
    int status = iso_cli_get_json(server, "/v1/device", &device);
    if (status == ISO_CLI_OK && server->json) {
        status = iso_cli_show_json(device);
    } else if (status == ISO_CLI_OK) {
        if (iso_cli_server_seen_pin(server, pin)) {
            iso_tls_pin_text(pin, text);
        }
        iso_cli_device_print(device, text);
        status = iso_cli_finish_output(ISO_CLI_OK);
    }
    json_decref(device);
    return status;
}
