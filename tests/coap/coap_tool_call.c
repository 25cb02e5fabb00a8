/* coap_tool METHOD ...: one call, or many to be measured. Prints the code, then the payload; of
 * many, one line with the rate and latencies. Exit status 1 when a call was not answered, or not
 * with 2.xx. */
#include "coap_tool.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

struct client {
    uv_loop_t loop;
    struct iso_coap_client *client;
    struct iso_coap_peer *peer;
    struct iso_coap_call call;
    const struct tool_options *options;
    unsigned begun;
    unsigned ended;
    unsigned bad;
    uint32_t *times_us;
};

struct slot {
    struct client *client;
    uint64_t begin_ns;
};

static void begin(struct slot *slot);

static void show(const struct client *client, const struct iso_coap_result *result)
{
    fprintf(stderr, "%s %u.%02u format %d length %zu\n", iso_coap_outcome_text(result->outcome),
            ISO_COAP_CODE_CLASS(result->code), ISO_COAP_CODE_DETAIL(result->code),
            (int)result->content_format, result->payload.len);
    FILE *out = stdout;
    if (client->options->out_file != NULL) {
        out = fopen(client->options->out_file, "wb");
        if (out == NULL) {
            tool_fail("cannot write %s", client->options->out_file);
        }
    }
    if (result->payload.len > 0) {
        fwrite(result->payload.ptr, 1, result->payload.len, out);
    }
    if (out != stdout) {
        fclose(out);
    }
}

static void on_done(void *ctx, const struct iso_coap_result *result)
{
    struct slot *slot = ctx;
    struct client *client = slot->client;
    client->times_us[client->ended++] = (uint32_t)((uv_hrtime() - slot->begin_ns) / 1000);
    bool good = result->outcome == ISO_COAP_ANSWERED && ISO_COAP_CODE_CLASS(result->code) == 2;
    client->bad += good ? 0 : 1;
    if (client->options->count == 1) {
        show(client, result);
    }
    if (client->begun < client->options->count) {
        begin(slot);
    } else if (client->ended == client->options->count) {
        uv_stop(&client->loop);
    }
}

static void begin(struct slot *slot)
{
    struct client *client = slot->client;
    client->begun++;
    slot->begin_ns = uv_hrtime();
    enum iso_err err = iso_coap_peer_call(client->peer, &client->call, on_done, slot, NULL);
    if (err != ISO_OK) {
        tool_fail("the call was refused: %s", iso_err_text(err));
    }
}

static void on_state(void *ctx, enum iso_coap_peer_state state, const char *reason)
{
    const struct client *client = ctx;
    if (!client->options->quiet && state == ISO_COAP_PEER_DOWN) {
        fprintf(stderr, "down: %s\n", reason);
    }
}

static uint8_t method_of(const char *name)
{
    static const char *const names[] = {"get", "post", "put", "delete", "fetch"};
    for (size_t i = 0; i < ISO_COUNT_OF(names); i++) {
        if (strcmp(names[i], name) == 0) {
            return (uint8_t)(i + 1);
        }
    }
    tool_fail("no method is called '%s'", name);
}

static struct iso_bytes read_payload(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        tool_fail("cannot read %s", path);
    }
    fseek(file, 0, SEEK_END);
    size_t len = (size_t)ftell(file);
    rewind(file);
    uint8_t *bytes = malloc(len + 1);
    if (bytes == NULL || fread(bytes, 1, len, file) != len) {
        tool_fail("cannot read %s", path);
    }
    fclose(file);
    return iso_bytes_from(bytes, len);
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return x < y ? -1 : x > y ? 1 : 0;
}

static void connect_peer(struct client *client, const char *scheme, const char *host,
                         const char *port)
{
    struct sockaddr_storage address;
    memset(&address, 0, sizeof(address));
    if (uv_ip4_addr(host, (int)strtol(port, NULL, 10), (struct sockaddr_in *)&address) != 0 &&
        uv_ip6_addr(host, (int)strtol(port, NULL, 10), (struct sockaddr_in6 *)&address) != 0) {
        tool_fail("'%s' is no address", host);
    }
    const struct tool_options *options = client->options;
    struct iso_coap_peer_config config = {.transport = tool_transport(scheme),
                                          .addresses = &address,
                                          .address_count = 1,
                                          .identity = iso_str_from_z(options->identity),
                                          .ctx = client,
                                          .on_state = on_state};
    if (options->key != NULL) {
        config.key = iso_bytes_from(options->key, strlen(options->key));
    }
    struct iso_report report;
    iso_report_init(&report);
    enum iso_err err = iso_coap_client_create(&client->loop, NULL, &report, &client->client);
    if (err == ISO_OK) {
        err = iso_coap_peer_create(client->client, &config, &report, &client->peer);
    }
    if (err != ISO_OK) {
        tool_fail("%s", iso_report_text(&report, err));
    }
}

static void report_times(struct client *client, uint64_t elapsed_ns)
{
    unsigned count = client->options->count;
    qsort(client->times_us, count, sizeof(client->times_us[0]), compare);
    printf("calls %u bad %u rate %.0f median_us %u p99_us %u\n", count, client->bad,
           count * 1e9 / (double)elapsed_ns, (unsigned)client->times_us[count / 2],
           (unsigned)client->times_us[count - 1 - count / 100]);
}

int tool_call(const char *method, const char *scheme, const char *host, const char *port,
              const char *path, const struct tool_options *options)
{
    static struct client client;
    client.options = options;
    uv_loop_init(&client.loop);
    client.times_us = calloc(options->count, sizeof(client.times_us[0]));
    struct slot *slots = calloc(options->parallel, sizeof(*slots));
    if (client.times_us == NULL || slots == NULL) {
        tool_fail("out of memory");
    }
    connect_peer(&client, scheme, host, port);
    client.call = (struct iso_coap_call){.method = method_of(method),
                                         .path = iso_str_from_z(path),
                                         .content_format = ISO_COAP_FORMAT_NONE,
                                         .accept = ISO_COAP_FORMAT_NONE,
                                         .timeout_ms = options->timeout_ms};
    if (options->payload_file != NULL) {
        client.call.payload = read_payload(options->payload_file);
        client.call.content_format = ISO_COAP_FORMAT_OCTETS;
    }
    /* Connected first, so that the times are those of a warm link. */
    iso_coap_peer_prepare(client.peer);
    uint64_t limit = uv_hrtime() + 3000000000u;
    while (options->count > 1 && iso_coap_peer_state(client.peer) != ISO_COAP_PEER_UP &&
           uv_hrtime() < limit) {
        uv_run(&client.loop, UV_RUN_ONCE);
    }
    uint64_t from = uv_hrtime();
    for (unsigned i = 0; i < options->parallel && client.begun < options->count; i++) {
        slots[i].client = &client;
        begin(&slots[i]);
    }
    uv_run(&client.loop, UV_RUN_DEFAULT);
    if (options->count > 1) {
        report_times(&client, uv_hrtime() - from);
    }
    iso_coap_client_destroy(client.client);
    uv_run(&client.loop, UV_RUN_DEFAULT);
    free(slots);
    free(client.times_us);
    free((void *)(uintptr_t)client.call.payload.ptr);
    return client.bad == 0 ? 0 : 1;
}
