/* The commands that talk to a device: where it is, who asks, and requests that wait for their
 * answer. */
#ifndef ISO_CLI_CLIENT_H
#define ISO_CLI_CLIENT_H

#include "cli/args.h"

#include <curl/curl.h>
#include <jansson.h>

/* ---- The device ------------------------------------------------------------------------------ */

struct iso_cli_device {
    char base[512];  /* "https://host:port" */
    char name[256];  /* as it was given: for messages */
    char token[160]; /* empty: none is known */
    char pin[80];    /* "sha256:...", of TLS; empty: none */
    bool json;       /* --json */
    bool answered;   /* something there has answered HTTP */
    CURL *curl;
};

/* Options that every command of the client has: --device, --token, --pin, --json. */
enum {
    ISO_CLI_OPTION_DEVICE = 24,
    ISO_CLI_OPTION_TOKEN,
    ISO_CLI_OPTION_PIN,
    ISO_CLI_OPTION_JSON,
};
extern const struct iso_cli_option_group iso_cli_client_group;

void iso_cli_device_init(struct iso_cli_device *device);
void iso_cli_device_fini(struct iso_cli_device *device);
/* An option of the group. Returns ISO_CLI_OK or a status after a message. */
int iso_cli_device_option(struct iso_cli_device *device, int id, const char *value);
/* After the options: finds address, token and pin. */
int iso_cli_device_open(struct iso_cli_device *device);
/* What is known of devices: ~/.config/isomer/devices.json. Adds or replaces; mode 0600. */
int iso_cli_device_remember(const struct iso_cli_device *device);

/* ---- Requests ---------------------------------------------------------------------------------
 */

struct iso_cli_request {
    const char *method;       /* "GET" */
    const char *path;         /* "/v1/device"; encoded */
    const char *content_type; /* of body; NULL: none */
    const char *accept;       /* NULL: application/json */
    struct iso_bytes body;
    const char *file; /* sends this file instead of body */
    /* Of a function: Idempotency-Key, so that whatever repeats the request does not repeat the
     * call; how the function ended becomes the exit status. NULL: it is no call. */
    const char *call_key;
    /* Instead of collecting the answer: pieces as they come; false ends. Of status 200 only. */
    bool (*piece)(void *ctx, struct iso_bytes bytes);
    void *ctx;
};

struct iso_cli_reply {
    long status;
    char content_type[64];
    struct iso_buf body;
};

/* Sends and waits. Returns ISO_CLI_OK when there is an answer of whatever status, else a status
 * after a message. reply: released with iso_buf_fini(&reply->body). */
int iso_cli_request(struct iso_cli_device *device, const struct iso_cli_request *request,
                    struct iso_cli_reply *reply);
/* The same; answers other than 2xx become a message and a status: the problem's own words. */
int iso_cli_request_good(struct iso_cli_device *device, const struct iso_cli_request *request,
                         struct iso_cli_reply *reply);
/* GET, parsed. *out: the caller's reference. */
int iso_cli_get_json(struct iso_cli_device *device, const char *path, json_t **out);
/* The pin of the certificate on the connection of the last answer; false without TLS. */
bool iso_cli_device_seen_pin(struct iso_cli_device *device, uint8_t pin[32]);
/* Message and status for an answer that is not 2xx: ISO_CLI_USAGE for 400; of a call
 * ANSWERED_ERROR, TRAP or LIMIT when the function ended so; else ISO_CLI_REFUSED. */
int iso_cli_problem(const struct iso_cli_device *device, const struct iso_cli_request *request,
                    const struct iso_cli_reply *reply);

/* "app/component" into both (percent-encoded for a path). ISO_CLI_USAGE after a message. */
int iso_cli_component_path(const struct iso_cli_command *command, const char *text, char *out,
                           size_t cap);

/* ---- Output ------------------------------------------------------------------------------------
 */

/* A JSON document, indented, on standard output. */
int iso_cli_show_json(const json_t *document);

/* A table that fits the terminal: cells are cut when there is no room; columns of numbers are set
 * to the right. */
enum { ISO_CLI_COLUMNS_MAX = 10 };
struct iso_cli_table {
    const char *const *titles;
    size_t columns;
    uint32_t right; /* bit i: column i is set to the right */
    char ***rows;
    size_t count, cap;
};
void iso_cli_table_init(struct iso_cli_table *table, const char *const *titles, size_t columns,
                        uint32_t right);
/* Texts are copied. Out of memory ends the program. */
void iso_cli_table_add(struct iso_cli_table *table, const char *const *cells);
/* Prints and releases. */
void iso_cli_table_print(struct iso_cli_table *table, FILE *out);

#endif
