/* isomer orchestrator: the daemon that holds a fleet. */
#include "orchestrator/orchestrator.h"
#include "cli/commands.h"
#include "cli/daemon.h"
#include "cli/message.h"
#include "cli/status.h"
#include "daemon/log.h"
#include "daemon/netif.h"
#include "platform/platform.h"

enum {
    OPTION_STATE,
    OPTION_NAME,
    OPTION_PACKAGES,
    OPTION_HTTPS,
    OPTION_HTTP,
    OPTION_HOST,
    OPTION_NO_MDNS,
    OPTION_INTERFACE,
    OPTION_LOG_LEVEL,
    OPTION_LOG_JSON,
};

static const struct iso_cli_option own_options[] = {
    {OPTION_STATE, "state", "DIR", false,
     "keep keys, devices, packages and applications here (made\nwhen missing); "
     "/var/lib/isomer-orchestrator for root, else\n~/.local/state/isomer-orchestrator"},
    {OPTION_NAME, "name", "NAME", false, "call it so (the host's name)"},
    {OPTION_PACKAGES, "packages", "SIZE", false, "bound of the modules that it keeps (4GiB)"},
};
static const struct iso_cli_option network_options[] = {
    {OPTION_HTTPS, "https", "ADDR:PORT", true, "serve HTTPS ([::]:8491); none: not at all"},
    {OPTION_HTTP, "http", "ADDR:PORT", true,
     "serve plain HTTP, on a loopback address\n(127.0.0.1:8490)"},
    {OPTION_HOST, "host", "NAME", true, "a further host name that browsers may use"},
    {OPTION_NO_MDNS, "no-mdns", NULL, false, "do not look for devices by mDNS"},
    {OPTION_INTERFACE, "interface", "NAME", true, "look on this network interface only"},
};
static const struct iso_cli_option log_options[] = {
    {OPTION_LOG_LEVEL, "log-level", "LEVEL", false, "debug, info (default), warning or error"},
    {OPTION_LOG_JSON, "log-json", NULL, false, "a JSON object per line"},
};
static const struct iso_cli_option_group own_group = {"Orchestrator", own_options,
                                                      ISO_COUNT_OF(own_options)};
static const struct iso_cli_option_group network_group = {"Network", network_options,
                                                          ISO_COUNT_OF(network_options)};
static const struct iso_cli_option_group log_group = {"Log", log_options,
                                                      ISO_COUNT_OF(log_options)};
static const struct iso_cli_option_group *const groups[] = {&own_group, &network_group, &log_group};

/* ---- Options -------------------------------------------------------------------------------- */

static enum iso_err add(const char **list, size_t *count, const char *value,
                        struct iso_report *report)
{
    if (*count == ISO_ORCHESTRATOR_LISTEN_MAX) {
        return iso_fail(report, ISO_E_LIMIT, "given too often; %d times at most",
                        (int)ISO_ORCHESTRATOR_LISTEN_MAX);
    }
    list[(*count)++] = value;
    return ISO_OK;
}

static enum iso_err set_option(struct iso_orchestrator_config *config, int id, const char *value,
                               struct iso_report *report)
{
    enum iso_err err;
    switch (id) {
    case OPTION_STATE:
        config->state = value;
        return ISO_OK;
    case OPTION_NAME:
        config->name = value;
        return ISO_OK;
    case OPTION_PACKAGES:
        return iso_parse_limit(value, &config->packages_max_bytes, report);
    case OPTION_HTTPS:
        return add(config->https, &config->https_count, value, report);
    case OPTION_HTTP:
        return add(config->http, &config->http_count, value, report);
    case OPTION_HOST:
        return add(config->hosts, &config->host_count, value, report);
    case OPTION_INTERFACE:
        err = iso_netif_check(value, report);
        return err != ISO_OK ? err
                             : add(config->interfaces, &config->interface_count, value, report);
    case OPTION_NO_MDNS:
        config->no_mdns = true;
        return ISO_OK;
    case OPTION_LOG_JSON:
        config->log_json = true;
        return ISO_OK;
    default:
        return iso_log_level_parse(value, &config->log_level, report);
    }
}

/* -1: go on; otherwise the exit status. */
static int read_options(const struct iso_cli_command *command, int argc, char **argv,
                        struct iso_orchestrator_config *config)
{
    struct iso_cli_args args;
    struct iso_report report;
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
        const enum iso_err err = set_option(config, id, args.value, &report);
        if (err != ISO_OK) {
            return iso_cli_daemon_wrong(command, id, &report, err);
        }
    }
}

/* ---- The program ---------------------------------------------------------------------------- */

struct program {
    struct iso_cli_daemon daemon; /* first: it is what callbacks get */
    struct iso_orchestrator_config *config;
    struct iso_orchestrator *orchestrator;
    /* Where addresses were not given: the ones that are used, for the next time too. */
    char https[ISO_CLI_ADDRESS_SIZE], http[ISO_CLI_ADDRESS_SIZE];
};

/* Where it listens is in local.json of its state: the note has no address. */
static void on_ready(void *ctx)
{
    struct program *program = ctx;
    const uint16_t ports[ISO_CLI_PORTS] = {iso_cli_address_port(program->https),
                                           iso_cli_address_port(program->http)};
    iso_cli_daemon_ready(&program->daemon, ports, "");
}

static enum iso_err start(struct iso_cli_daemon *daemon, uv_loop_t *loop,
                          const uint16_t had[ISO_CLI_PORTS], struct iso_report *report)
{
    struct program *program = (struct program *)daemon;
    struct iso_orchestrator_config *config = program->config;
    if (config->https_count == 0) {
        (void)iso_cli_address_choose("HTTPS", "[::]:8491", had[0], false, program->https);
        config->https[config->https_count++] = program->https;
    }
    if (config->http_count == 0) {
        (void)iso_cli_address_choose("HTTP", "127.0.0.1:8490", had[1], false, program->http);
        config->http[config->http_count++] = program->http;
    }
    return iso_orchestrator_start(loop, config, on_ready, program, &program->orchestrator, report);
}

static void stop(struct iso_cli_daemon *daemon, uint32_t grace_ms, void (*stopped)(void *ctx),
                 void *ctx)
{
    const struct program *program = (const struct program *)daemon;
    iso_orchestrator_stop(program->orchestrator, grace_ms, stopped, ctx);
}

static int run(const struct iso_cli_command *command, int argc, char **argv)
{
    struct iso_orchestrator_config config;
    char state[ISO_CLI_STATE_SIZE];
    iso_orchestrator_config_init(&config);
    const int status = read_options(command, argc, argv, &config);
    if (status >= 0) {
        return status;
    }
    if (config.state != NULL ? iso_cli_state_absolute(config.state, state)
                             : iso_cli_state_own("isomer-orchestrator", state)) {
        config.state = state;
    }
    struct program program = {.daemon = {.kind = "orchestrator",
                                         .state = config.state,
                                         .name = config.name,
                                         .start = start,
                                         .stop = stop},
                              .config = &config};
    return iso_cli_daemon_run(&program.daemon);
}

const struct iso_cli_command iso_cli_command_orchestrator = {
    .name = "orchestrator",
    .summary = "hold a fleet: devices, packages, applications",
    .synopsis = "[OPTIONS...]",
    .description =
        "Finds devices, keeps packages, decides what runs where, makes it so and keeps it so. "
        "Runs\n"
        "until it is stopped with SIGTERM or Ctrl-C; the devices go on without it. The file\n"
        "DIR/token, which only its owner can read, holds the token for this machine's people and\n"
        "programs, and DIR/local.json says where it listens: the other commands find it by "
        "these.",
    .groups = groups,
    .group_count = ISO_COUNT_OF(groups),
    .examples = "  isomer orchestrator --state ./site --name house\n"
                "  isomer orchestrator --https 192.0.2.1:8491 --interface eth0\n",
    .run = run,
};
