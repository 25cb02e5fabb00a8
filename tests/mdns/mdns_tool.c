/* A program around src/net/mdns.h for tests: announces a service or browses a type until it gets
 * SIGTERM or SIGINT, and prints one line of JSON for everything that happens.
 *
 * usage: mdns_tool [OPTION...] announce INSTANCE TYPE PORT [TXT...]
 *        mdns_tool [OPTION...] browse TYPE
 *
 * --host NAME, --interface NAME (several times), --loopback, --subtype NAME (of what is announced
 * or browsed). */
#define _GNU_SOURCE /* what <uv.h> needs */
#include "net/mdns.h"
#include "platform/platform.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <uv.h>

enum { INTERFACES_MAX = 8 };

struct tool {
    struct iso_mdns_uv *mdns;
    uv_signal_t signals[2];
    bool stopping;
};

struct options {
    const char *host;
    const char *interfaces[INTERFACES_MAX];
    size_t interface_count;
    const char *subtype;
    bool loopback;
};

static void fail(const char *what, enum iso_err err, const struct iso_report *report)
{
    (void)fprintf(stderr, "mdns_tool: %s: %s\n", what, iso_report_text(report, err));
    exit(1);
}

static void begin(struct iso_json *json, struct iso_buf *buf, const char *event)
{
    iso_buf_init(buf, iso_alloc_libc(), SIZE_MAX);
    iso_json_init_buf(json, buf, 0);
    iso_json_object_begin(json);
    iso_json_key(json, "event");
    iso_json_z(json, event);
}

static void end(struct iso_json *json, struct iso_buf *buf)
{
    iso_json_object_end(json);
    enum iso_err err = iso_json_finish(json);
    if (err != ISO_OK) {
        fail("JSON", err, NULL);
    }
    (void)printf("%.*s\n", (int)buf->len, (const char *)buf->ptr);
    (void)fflush(stdout);
    iso_buf_fini(buf);
}

static void print_addresses(struct iso_json *json, const struct iso_mdns_peer *peer)
{
    iso_json_key(json, "addresses");
    iso_json_array_begin(json);
    for (size_t i = 0; i < peer->address_count; i++) {
        char text[ISO_MDNS_ADDRESS_TEXT_MAX];
        iso_mdns_address_text(&peer->addresses[i], text);
        iso_json_z(json, text);
    }
    iso_json_array_end(json);
}

static void on_peer(void *ctx, const struct iso_mdns_peer *peer)
{
    static const char *const changes[] = {"found", "changed", "lost"};
    struct iso_json json;
    struct iso_buf buf;
    struct iso_bytes text;

    (void)ctx;
    begin(&json, &buf, changes[peer->change]);
    iso_json_key(&json, "interface");
    iso_json_u64(&json, peer->interface);
    iso_json_key(&json, "instance");
    iso_json_z(&json, peer->instance);
    iso_json_key(&json, "type");
    iso_json_z(&json, peer->type);
    iso_json_key(&json, "host");
    iso_json_z(&json, peer->host);
    iso_json_key(&json, "port");
    iso_json_u64(&json, peer->port);
    print_addresses(&json, peer);
    iso_json_key(&json, "txt");
    iso_json_array_begin(&json);
    for (size_t at = 0; iso_mdns_txt_next(peer->txt, &at, &text);) {
        iso_json_string(&json, iso_str_from((const char *)text.ptr, text.len));
    }
    iso_json_array_end(&json);
    end(&json, &buf);
}

static void on_rename(void *ctx, const struct iso_mdns_rename *rename)
{
    struct iso_json json;
    struct iso_buf buf;

    (void)ctx;
    begin(&json, &buf, rename->service == 0 ? "host" : "instance");
    iso_json_key(&json, "name");
    iso_json_z(&json, rename->name);
    end(&json, &buf);
}

static void on_stopped(void *ctx)
{
    struct iso_json json;
    struct iso_buf buf;

    (void)ctx;
    begin(&json, &buf, "stopped");
    end(&json, &buf);
}

static void on_signal(uv_signal_t *signal, int number)
{
    struct tool *tool = signal->data;

    (void)number;
    if (!tool->stopping) {
        tool->stopping = true;
        iso_mdns_uv_stop(tool->mdns, on_stopped, NULL);
        uv_close((uv_handle_t *)&tool->signals[0], NULL);
        uv_close((uv_handle_t *)&tool->signals[1], NULL);
    }
}

static void announce(struct tool *tool, const struct options *options, char **arguments,
                     size_t count)
{
    struct iso_report report;
    uint64_t port = 0;

    iso_report_init(&report);
    enum iso_err err = iso_parse_count(arguments[2], 65535, &port, &report);
    struct iso_mdns_service service = {
        .instance = arguments[0],
        .type = arguments[1],
        .subtypes = &options->subtype,
        .subtype_count = options->subtype != NULL,
        .port = (uint16_t)port,
        .txt = (const char *const *)(arguments + 3),
        .txt_count = count - 3,
    };
    if (err == ISO_OK) {
        err = iso_mdns_uv_service_add(tool->mdns, &service, &report);
    }
    if (err != ISO_OK) {
        fail("announce", err, &report);
    }
}

static void browse(struct tool *tool, const struct options *options, const char *type)
{
    struct iso_report report;

    iso_report_init(&report);
    enum iso_err err =
        iso_mdns_uv_browse(tool->mdns, type, options->subtype, on_peer, NULL, &report);
    if (err != ISO_OK) {
        fail("browse", err, &report);
    }
}

static int read_options(struct options *options, int argc, char **argv)
{
    int i = 1;

    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
        if (strcmp(argv[i], "--loopback") == 0) {
            options->loopback = true;
        } else if (i + 1 < argc && strcmp(argv[i], "--host") == 0) {
            options->host = argv[++i];
        } else if (i + 1 < argc && strcmp(argv[i], "--subtype") == 0) {
            options->subtype = argv[++i];
        } else if (i + 1 < argc && strcmp(argv[i], "--interface") == 0 &&
                   options->interface_count < INTERFACES_MAX) {
            options->interfaces[options->interface_count++] = argv[++i];
        } else {
            break;
        }
    }
    return i;
}

static void start(struct tool *tool, uv_loop_t *loop, const struct options *options)
{
    struct iso_report report;
    struct iso_mdns_uv_config config = {
        .host = options->host,
        .interfaces = options->interfaces,
        .interface_count = options->interface_count,
        .loopback = options->loopback,
        .on_rename = on_rename,
    };
    static const int numbers[] = {SIGTERM, SIGINT};

    iso_report_init(&report);
    enum iso_err err = iso_mdns_uv_create(loop, &config, &tool->mdns, &report);
    if (err != ISO_OK) {
        fail("start", err, &report);
    }
    for (unsigned i = 0; i < 2; i++) {
        tool->signals[i].data = tool;
        if (uv_signal_init(loop, &tool->signals[i]) != 0 ||
            uv_signal_start(&tool->signals[i], on_signal, numbers[i]) != 0) {
            fail("signals", ISO_E_IO, NULL);
        }
    }
}

int main(int argc, char **argv)
{
    struct options options = {.host = NULL};
    struct tool tool = {.stopping = false};
    uv_loop_t *loop = uv_default_loop();

    int first = read_options(&options, argc, argv);
    size_t count = (size_t)(argc - first);
    bool announces = count >= 4 && strcmp(argv[first], "announce") == 0;
    if (!announces && !(count == 2 && strcmp(argv[first], "browse") == 0)) {
        (void)fprintf(stderr, "usage: mdns_tool [OPTION...] announce INSTANCE TYPE PORT [TXT...]\n"
                              "       mdns_tool [OPTION...] browse TYPE\n");
        return 2;
    }
    start(&tool, loop, &options);
    if (announces) {
        announce(&tool, &options, argv + first + 1, count - 1);
    } else {
        browse(&tool, &options, argv[first + 1]);
    }
    (void)uv_run(loop, UV_RUN_DEFAULT);
    return uv_loop_close(loop) == 0 ? 0 : 1;
}
