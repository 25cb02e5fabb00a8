/* isomer supervisor: the daemon on a device. Its options over those of its configuration file. */
#include "supervisor/supervisor.h"
#include "base/format.h"
#include "base/name.h"
#include "cli/commands.h"
#include "cli/daemon.h"
#include "cli/message.h"
#include "cli/status.h"
#include "daemon/log.h"
#include "daemon/netif.h"
#include "platform/platform.h"

#define HTTP_ADDRESS "127.0.0.1:8480"

enum {
    OPTION_CONFIG,
    OPTION_STATE,
    OPTION_NAME,
    OPTION_LABEL,
    OPTION_HTTPS,
    OPTION_HTTP,
    OPTION_COAPS,
    OPTION_COAP,
    OPTION_HOST,
    OPTION_ORCHESTRATOR,
    OPTION_NO_MDNS,
    OPTION_INTERFACE,
    OPTION_WORKERS,
    OPTION_CPU,
    OPTION_MODULES,
    OPTION_CODE_MEMORY,
    OPTION_DIRECTORY,
    OPTION_LOG_LEVEL,
    OPTION_LOG_JSON,
};

static const struct iso_cli_option device_options[] = {
    {OPTION_CONFIG, "config", "FILE", false,
     "read a configuration (JSON) first; options given here\ncount more than it"},
    {OPTION_STATE, "state", "DIR", false,
     "keep keys, modules and deployments here (made when\nmissing); /var/lib/isomer for root, "
     "else\n"
     "~/.local/state/isomer"},
    {OPTION_NAME, "name", "NAME", false, "call the device so (the host's name)"},
    {OPTION_LABEL, "label", "KEY=VALUE", true, "what deployments may ask for: room=lobby"},
    {OPTION_WORKERS, "workers", "N", false, "threads for WebAssembly code (one per processor)"},
    {OPTION_CPU, "cpu", "SHARE", false, "share of all processors for it: 25% (100%)"},
    {OPTION_MODULES, "modules", "SIZE", false, "bound of the module store (1GiB)"},
    {OPTION_CODE_MEMORY, "code-memory", "SIZE", false,
     "translated code of all components together; it is made\nagain as needed (no limit)"},
    {OPTION_DIRECTORY, "directory", "DIR", true,
     "a directory that deployments may grant to components,\nwith what is below (none)"},
};
static const struct iso_cli_option network_options[] = {
    {OPTION_HTTPS, "https", "ADDR:PORT", true, "serve HTTPS ([::]:8443); none: not at all"},
    {OPTION_HTTP, "http", "ADDR:PORT", true,
     "serve plain HTTP, on a loopback address\n(127.0.0.1:8480)"},
    {OPTION_COAPS, "coaps", "ADDR:PORT", true, "serve CoAP over TLS and DTLS ([::]:5684)"},
    {OPTION_COAP, "coap", "ADDR:PORT", true, "serve plain CoAP: descriptions only ([::]:5683)"},
    {OPTION_HOST, "host", "NAME", true, "a further host name that browsers may use"},
    {OPTION_ORCHESTRATOR, "orchestrator", "URL", false,
     "tell this orchestrator of the device, for networks that\nmulticast does not cross: "
     "https://192.0.2.7:8491"},
    {OPTION_NO_MDNS, "no-mdns", NULL, false, "do not announce the device on the network"},
    {OPTION_INTERFACE, "interface", "NAME", true, "announce it on this network interface only"},
};
static const struct iso_cli_option log_options[] = {
    {OPTION_LOG_LEVEL, "log-level", "LEVEL", false, "debug, info (default), warning or error"},
    {OPTION_LOG_JSON, "log-json", NULL, false, "a JSON object per line"},
};
static const struct iso_cli_option_group device_group = {"Device", device_options,
                                                         ISO_COUNT_OF(device_options)};
static const struct iso_cli_option_group network_group = {"Network", network_options,
                                                          ISO_COUNT_OF(network_options)};
static const struct iso_cli_option_group log_group = {"Log", log_options,
                                                      ISO_COUNT_OF(log_options)};
static const struct iso_cli_option_group *const groups[] = {&device_group, &network_group,
                                                            &log_group};

/* ---- Options -------------------------------------------------------------------------------- */

/* Options of one kind replace what the file has: the first of them empties the list. */
static enum iso_err add(const char **list, size_t cap, size_t *count, bool *given,
                        const char *value, struct iso_report *report)
{
    if (!*given) {
        *given = true;
        *count = 0;
    }
    if (*count == cap) {
        return iso_fail(report, ISO_E_LIMIT, "given too often; %zu times at most", cap);
    }
    list[(*count)++] = value;
    return ISO_OK;
}

struct given {
    bool https, http, coaps, coap, hosts, interfaces, directories, labels;
};

static enum iso_err set_list(struct iso_supervisor_config *config, struct given *given, int id,
                             const char *value, struct iso_report *report)
{
    enum { CAP = ISO_SUPERVISOR_LISTEN_MAX };
    enum iso_err err = ISO_OK;
    switch (id) {
    case OPTION_HTTPS:
        return add(config->https, CAP, &config->https_count, &given->https, value, report);
    case OPTION_HTTP:
        return add(config->http, CAP, &config->http_count, &given->http, value, report);
    case OPTION_COAPS:
        return add(config->coaps, CAP, &config->coaps_count, &given->coaps, value, report);
    case OPTION_COAP:
        return add(config->coap, CAP, &config->coap_count, &given->coap, value, report);
    case OPTION_HOST:
        return add(config->hosts, CAP, &config->host_count, &given->hosts, value, report);
    case OPTION_INTERFACE:
        err = iso_netif_check(value, report);
        return err != ISO_OK ? err
                             : add(config->interfaces, CAP, &config->interface_count,
                                   &given->interfaces, value, report);
    case OPTION_DIRECTORY:
        return add(config->directories, CAP, &config->directory_count, &given->directories, value,
                   report);
    default:
        if (strchr(value, '=') == NULL ||
            !iso_label_key_check(iso_str_from(value, strcspn(value, "=")))) {
            return iso_fail(report, ISO_E_ARGUMENT,
                            "\"%s\" is no label; write KEY=VALUE, KEY being " ISO_LABEL_KEY_RULE,
                            value);
        }
        return add(config->labels, ISO_SUPERVISOR_LABELS_MAX, &config->label_count, &given->labels,
                   value, report);
    }
}

static enum iso_err set_option(struct iso_supervisor_config *config, struct given *given, int id,
                               const char *value, struct iso_report *report)
{
    uint64_t number = 0;
    enum iso_err err = ISO_OK;
    switch (id) {
    case OPTION_CONFIG:
        break; /* read before */
    case OPTION_STATE:
        config->state = value;
        break;
    case OPTION_NAME:
        config->name = value;
        break;
    case OPTION_ORCHESTRATOR:
        config->orchestrator = value;
        break;
    case OPTION_NO_MDNS:
        config->no_mdns = true;
        break;
    case OPTION_LOG_JSON:
        config->log_json = true;
        break;
    case OPTION_LOG_LEVEL:
        return iso_log_level_parse(value, &config->log_level, report);
    case OPTION_CPU:
        return iso_supervisor_parse_percent(value, &config->cpu_percent, report);
    case OPTION_MODULES:
        return iso_parse_limit(value, &config->modules_max_bytes, report);
    case OPTION_CODE_MEMORY:
        return iso_parse_limit(value, &config->code_max_bytes, report);
    case OPTION_WORKERS:
        err = iso_parse_count(value, ISO_SUPERVISOR_WORKERS_MAX, &number, report);
        if (err == ISO_OK && number == 0) {
            return iso_fail(report, ISO_E_ARGUMENT,
                            "0 threads run nothing; leave it out for one per processor");
        }
        config->workers = (uint32_t)number;
        break;
    default:
        return set_list(config, given, id, value, report);
    }
    return err;
}

/* The file of --config comes first, wherever the option stands: what is wrong with the other
 * options is told later. */
static enum iso_err read_file(int argc, char **argv, struct iso_supervisor_config *config,
                              struct iso_report *report)
{
    static const char option[] = "--config";
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--config=", sizeof option) == 0) {
            return iso_supervisor_config_read(config, argv[i] + sizeof option, report);
        }
        if (strcmp(argv[i], option) == 0 && i + 1 < argc) {
            return iso_supervisor_config_read(config, argv[i + 1], report);
        }
    }
    return ISO_OK;
}

/* -1: go on; otherwise the exit status. */
static int read_options(const struct iso_cli_command *command, int argc, char **argv,
                        struct iso_supervisor_config *config)
{
    struct iso_cli_args args;
    struct iso_report report;
    struct given given = {false, false, false, false, false, false, false, false};
    iso_report_init(&report);
    const enum iso_err file_err = read_file(argc, argv, config, &report);
    if (file_err != ISO_OK) {
        iso_cli_error("%s", iso_report_text(&report, file_err));
        return file_err == ISO_E_NOT_FOUND || file_err == ISO_E_ACCESS ? ISO_CLI_UNREADABLE
                                                                       : ISO_CLI_USAGE;
    }
    iso_cli_args_init(&args, command, argc, argv);
    for (;;) {
        const int id = iso_cli_args_next(&args);
        if (id == ISO_CLI_ARGS_END) {
            return -1;
        }
        if (id == ISO_CLI_ARGS_OPERAND) {
            return iso_cli_usage_error(command, "'%s': there is nothing to give here", args.value);
        }
        if (id < 0) {
            return iso_cli_args_status(id);
        }
        iso_report_init(&report);
        const enum iso_err err = set_option(config, &given, id, args.value, &report);
        if (err != ISO_OK) {
            return iso_cli_daemon_wrong(command, id, &report, err);
        }
    }
}

/* ---- The program ---------------------------------------------------------------------------- */

struct program {
    struct iso_cli_daemon daemon; /* first: it is what callbacks get */
    struct iso_supervisor_config *config;
    struct iso_supervisor *supervisor;
    bool given[ISO_CLI_PORTS]; /* addresses of HTTPS, HTTP, CoAP, secure CoAP: used as they are */
};

static void on_ready(void *ctx)
{
    struct program *program = ctx;
    struct iso_supervisor_ports ports;
    char url[ISO_SUPERVISOR_URL_SIZE], https[ISO_SUPERVISOR_URL_SIZE], pin[ISO_SUPERVISOR_PIN_SIZE];
    iso_supervisor_ports(program->supervisor, &ports);
    const uint16_t kept[ISO_CLI_PORTS] = {
        program->given[0] ? 0 : ports.https, program->given[1] ? 0 : ports.http,
        program->given[2] ? 0 : ports.coap, program->given[3] ? 0 : ports.coaps};
    iso_supervisor_urls(program->supervisor, url, https);
    if (ports.https != 0) {
        iso_supervisor_pin(program->supervisor, pin);
        program->daemon.https = https;
        program->daemon.pin = pin;
    }
    /* Without plain HTTP commands of this machine have no way in without a pin: no note. */
    iso_cli_daemon_ready(&program->daemon, kept, ports.http != 0 ? url : NULL);
    program->daemon.https = program->daemon.pin = NULL;
}

/* Where the default port of a service is not free, or it had another one before: that. */
static void choose(struct iso_supervisor_config *config, const char *what, const char *address,
                   uint16_t had, bool datagrams, const char **list, size_t *count)
{
    char other[ISO_CLI_ADDRESS_SIZE];
    if (*count == 0 && iso_cli_address_choose(what, address, had, datagrams, other)) {
        list[(*count)++] = iso_arena_copy_str(&config->arena, iso_str_from_z(other));
    }
}

static enum iso_err start(struct iso_cli_daemon *daemon, uv_loop_t *loop,
                          const uint16_t had[ISO_CLI_PORTS], struct iso_report *report)
{
    struct program *program = (struct program *)daemon;
    struct iso_supervisor_config *config = program->config;
    program->given[0] = config->https_count != 0;
    program->given[1] = config->http_count != 0;
    program->given[2] = config->coap_count != 0;
    program->given[3] = config->coaps_count != 0;
    choose(config, "HTTPS", "[::]:8443", had[0], false, config->https, &config->https_count);
    choose(config, "HTTP", HTTP_ADDRESS, had[1], false, config->http, &config->http_count);
    choose(config, "CoAP", "[::]:5683", had[2], true, config->coap, &config->coap_count);
    choose(config, "secure CoAP", "[::]:5684", had[3], true, config->coaps, &config->coaps_count);
    return iso_supervisor_start(loop, config, on_ready, program, &program->supervisor, report);
}

static void stop(struct iso_cli_daemon *daemon, uint32_t grace_ms, void (*stopped)(void *ctx),
                 void *ctx)
{
    const struct program *program = (const struct program *)daemon;
    iso_supervisor_stop(program->supervisor, grace_ms, stopped, ctx);
}

static int serve(struct iso_supervisor_config *config)
{
    struct program program = {.daemon = {.kind = "supervisor",
                                         .state = config->state,
                                         .name = config->name,
                                         .start = start,
                                         .stop = stop},
                              .config = config};
    return iso_cli_daemon_run(&program.daemon);
}

static int run(const struct iso_cli_command *command, int argc, char **argv)
{
    struct iso_supervisor_config config;
    iso_supervisor_config_init(&config);
    int status = read_options(command, argc, argv, &config);
    if (status < 0) {
        char state[ISO_CLI_STATE_SIZE];
        if (config.state != NULL ? iso_cli_state_absolute(config.state, state)
                                 : iso_cli_state_own("isomer", state)) {
            config.state = iso_arena_copy_str(&config.arena, iso_str_from_z(state));
        }
        status = serve(&config);
    }
    iso_supervisor_config_fini(&config);
    return status;
}

const struct iso_cli_command iso_cli_command_supervisor = {
    .name = "supervisor",
    .summary = "make this machine a device of the system",
    .synopsis = "[OPTIONS...]",
    .description =
        "Runs until it is stopped with SIGTERM or Ctrl-C. It keeps what it is given to run: after\n"
        "a restart or a power cut the same components come back. The file DIR/token, which only\n"
        "its owner can read, holds the token for this machine's people and programs.",
    .groups = groups,
    .group_count = ISO_COUNT_OF(groups),
    .examples = "  isomer supervisor --state ./device --name kitchen --label room=kitchen\n"
                "  isomer supervisor --config /etc/isomer/supervisor.json --cpu 50%\n",
    .run = run,
};
