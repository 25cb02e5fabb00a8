/* The commands that talk to an orchestrator or a device: where it is, who asks, and requests that
 * wait for their answer. */
#ifndef ISO_CLI_CLIENT_H
#define ISO_CLI_CLIENT_H

#include "cli/args.h"

#include <curl/curl.h>
#include <jansson.h>

/* ---- Whom the commands talk to ----------------------------------------------------------------
 */

struct iso_cli_server {
    bool is_device;  /* a supervisor; otherwise an orchestrator */
    char base[512];  /* "https://host:port" */
    char name[256];  /* as it was given: for messages */
    char token[160]; /* empty: none is known */
    char pin[80];    /* "sha256:...", of TLS; empty: none */
    bool json;       /* --json */
    bool answered;   /* something there has answered HTTP */
    CURL *curl;
    char device[256], orchestrator[512]; /* the options; empty: not given */
};

/* Options that every command of the client has; which group a command has says whom it may talk
 * to: an orchestrator or a device, only an orchestrator, only a device. */
enum {
    ISO_CLI_OPTION_DEVICE = 24,
    ISO_CLI_OPTION_ORCHESTRATOR,
    ISO_CLI_OPTION_TOKEN,
    ISO_CLI_OPTION_PIN,
    ISO_CLI_OPTION_JSON,
};
extern const struct iso_cli_option_group iso_cli_either_group;
extern const struct iso_cli_option_group iso_cli_orchestrator_group;
extern const struct iso_cli_option_group iso_cli_device_group;

void iso_cli_server_init(struct iso_cli_server *server);
void iso_cli_server_fini(struct iso_cli_server *server);
/* An option of a group. Returns ISO_CLI_OK or a status after a message. */
int iso_cli_server_option(struct iso_cli_server *server, int id, const char *value);
/* After the options: finds address, token and pin. The command's group counts. */
int iso_cli_server_open(struct iso_cli_server *server, const struct iso_cli_command *command);

/* ---- What is known (client_known.c) -----------------------------------------------------------
 */

/* Of devices and orchestrators, by base: ~/.config/isomer/devices.json. Fills pin and token where
 * they are empty. */
void iso_cli_known_use(struct iso_cli_server *server);
/* Adds or replaces; mode 0600. ISO_CLI_OK or a status after a message. */
int iso_cli_known_remember(const struct iso_cli_server *server);
/* The first line of a file; false when there is none. */
bool iso_cli_line_read(const char *path, char *out, size_t cap);

/* ---- Requests ---------------------------------------------------------------------------------
 */

struct iso_cli_request {
    const char *method;       /* "GET" */
    const char *path;         /* "/v1/device"; encoded */
    const char *content_type; /* of body; NULL: none */
    const char *accept;       /* NULL: application/json */
    struct iso_bytes body;
    /* Of a function: Idempotency-Key, so that whatever repeats the request does not repeat the
     * call; how the function ended becomes the exit status. NULL: it is no call. */
    const char *call_key;
    uint32_t timeout_ms; /* of the whole; 0: none */
    bool quiet;          /* no message when there is no answer */
    /* How much of the body is sent; may be called often. */
    void (*sent)(void *ctx, uint64_t bytes, uint64_t total);
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
int iso_cli_request(struct iso_cli_server *server, const struct iso_cli_request *request,
                    struct iso_cli_reply *reply);
/* The same; answers other than 2xx become a message and a status: the problem's own words. */
int iso_cli_request_good(struct iso_cli_server *server, const struct iso_cli_request *request,
                         struct iso_cli_reply *reply);
/* GET, parsed. *out: the caller's reference. */
int iso_cli_get_json(struct iso_cli_server *server, const char *path, json_t **out);
/* Sends a document (NULL: none), and gives the answer's; out: NULL when it does not matter.
 * document: its reference is taken. */
int iso_cli_send_json(struct iso_cli_server *server, const char *method, const char *path,
                      json_t *document, json_t **out);
/* A text as part of a path or query: everything else than letters, digits and -._~ is encoded.
 * false when it does not fit. */
bool iso_cli_path_encode(const char *text, char *out, size_t cap);
/* The pin of the certificate on the connection of the last answer; false without TLS. */
bool iso_cli_server_seen_pin(struct iso_cli_server *server, uint8_t pin[32]);
/* Message and status for an answer that is not 2xx: ISO_CLI_USAGE for 400; of a call
 * ANSWERED_ERROR, TRAP or LIMIT when the function ended so; else ISO_CLI_REFUSED. */
int iso_cli_problem(const struct iso_cli_server *server, const struct iso_cli_request *request,
                    const struct iso_cli_reply *reply);

/* "app/component" and "app/flow" as the path of its address. ISO_CLI_USAGE after a message. */
int iso_cli_component_path(const struct iso_cli_command *command, const char *text, char *out,
                           size_t cap);
int iso_cli_flow_path(const struct iso_cli_command *command, const char *text, char *out,
                      size_t cap);
/* What a function or a flow gave: on standard output, or into a file when out is not NULL. */
int iso_cli_reply_print(const struct iso_cli_reply *reply, const char *out);

/* ---- Output ------------------------------------------------------------------------------------
 */

/* Members of an object: "" and 0 where they are not there (also of NULL). */
const char *iso_cli_json_text(const json_t *object, const char *key);
uint64_t iso_cli_json_number(const json_t *object, const char *key);

/* The time of a member KEY (a text) or KEY-ms (milliseconds since 1970): "2026-01-01T00:00:00Z". */
enum { ISO_CLI_TIME_SIZE = 32 };
void iso_cli_json_time(const json_t *object, const char *key, char out[ISO_CLI_TIME_SIZE]);

/* Milliseconds as people write them: "0.042 ms", "4.1 ms", "412 ms", "4.2 s", "3 min". */
enum { ISO_CLI_MS_SIZE = 32 };
void iso_cli_ms_text(double ms, char out[ISO_CLI_MS_SIZE]);

/* A JSON document, indented, on standard output. */
int iso_cli_show_json(const json_t *document);

/* Columns of the terminal behind a file; when it is none those that COLUMNS says, else SIZE_MAX. */
size_t iso_cli_terminal_width(FILE *out);

/* A table that fits the terminal: cells are cut when there is no room; columns of numbers are set
 * to the right. */
enum { ISO_CLI_COLUMNS_MAX = 10 };
struct iso_cli_table {
    const char *titles[ISO_CLI_COLUMNS_MAX];
    size_t columns;
    uint32_t right;    /* bit i: column i is set to the right */
    uint32_t optional; /* bit i: column i is left out where no room is beside the others */
    bool wraps;        /* the last column goes on in further lines instead of being cut */
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
