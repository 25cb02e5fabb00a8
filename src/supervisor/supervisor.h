/*
 * supervisor.h - the public header of src/supervisor: the daemon that turns a machine into a
 * device.
 *
 *     struct iso_supervisor_config config;
 *     iso_supervisor_config_init(&config);
 *     iso_supervisor_config_read(&config, "/etc/isomer/supervisor.json", &report);
 *     iso_supervisor_start(loop, &config, &supervisor, &report);
 *     uv_run(loop, UV_RUN_DEFAULT);      // until iso_supervisor_stop has done its work
 *
 * Everything here belongs to the thread that runs the loop.
 */
#ifndef ISO_SUPERVISOR_SUPERVISOR_H
#define ISO_SUPERVISOR_SUPERVISOR_H

#include <uv.h>

#include "base/base.h"

enum {
    ISO_SUPERVISOR_LISTEN_MAX = 8,
    ISO_SUPERVISOR_LABELS_MAX = 32,
    ISO_SUPERVISOR_WORKERS_MAX = 256
};

/* Strings are in the configuration's arena or static. NULL and 0: the default that is stated. */
struct iso_supervisor_config {
    struct iso_arena arena;
    const char *name;  /* of the device, for people and mDNS; the host's name */
    const char *state; /* directory for keys, modules, deployments; made when missing; required */
    /* "key=value" each. */
    const char *labels[ISO_SUPERVISOR_LABELS_MAX];
    size_t label_count;
    /* "ADDR:PORT" of HTTPS; [::]:8443. Count 0: the default; one that is "none": no such listener.
     */
    const char *https[ISO_SUPERVISOR_LISTEN_MAX];
    size_t https_count;
    /* Of plain HTTP; loopback addresses only; 127.0.0.1:8480. */
    const char *http[ISO_SUPERVISOR_LISTEN_MAX];
    size_t http_count;
    /* Of CoAP: UDP and TCP, port 5683 by default; DTLS and TLS, 5684. */
    const char *coap[ISO_SUPERVISOR_LISTEN_MAX];
    size_t coap_count;
    const char *coaps[ISO_SUPERVISOR_LISTEN_MAX];
    size_t coaps_count;
    /* Host names, besides addresses, "localhost" and NAME.local, by which browsers may call it. */
    const char *hosts[ISO_SUPERVISOR_LISTEN_MAX];
    size_t host_count;
    /* Host directories that deployments may grant to components, with what is below; none. In a
     * file they are, as its state is, seen from its folder. */
    const char *directories[ISO_SUPERVISOR_LISTEN_MAX];
    size_t directory_count;
    /* "https://HOST:PORT" of an orchestrator that is told of this device, where mDNS does not reach
     * it; none. */
    const char *orchestrator;
    bool no_mdns;
    const char *interfaces[ISO_SUPERVISOR_LISTEN_MAX]; /* for mDNS; all but loopback */
    size_t interface_count;
    uint32_t workers;              /* one per processor */
    uint32_t cpu_percent;          /* 100 */
    uint64_t modules_max_bytes;    /* of the module store; 1 GiB */
    uint64_t code_max_bytes;       /* of translated code of all components; 0: no limit */
    uint32_t connections_max;      /* HTTP; 256 */
    bool log_json;                 /* log lines are JSON objects */
    unsigned log_level;            /* least enum iso_log_level that is written; INFO */
    struct iso_bytes devices_json; /* member "devices" of the file as text: docs/devices.md */
    const char *file;              /* that it was read from; for messages */
};

void iso_supervisor_config_init(struct iso_supervisor_config *config);
void iso_supervisor_config_fini(struct iso_supervisor_config *config);
/* Set what the JSON file has, over what is there. Members are those of docs/supervisor.md; unknown
 * ones are refused. Errors: those of iso_file_read; MALFORMED, INVALID, with line and member. */
ISO_MUST_CHECK enum iso_err iso_supervisor_config_read(struct iso_supervisor_config *config,
                                                       const char *path, struct iso_report *report);

/* "25%", for flags and files. Errors: ARGUMENT. */
ISO_MUST_CHECK enum iso_err iso_supervisor_parse_percent(const char *text, uint32_t *out,
                                                         struct iso_report *report);

struct iso_supervisor;

/* Opens everything and serves. config: kept until it has stopped. ready (may be NULL) comes when
 * the stored deployments have been begun again: the device then answers fully. Errors: ARGUMENT,
 * EXISTS (an address in use; another supervisor on the same state), ACCESS, IO, INVALID (damaged
 * state that cannot be set aside), NOMEM. */
ISO_MUST_CHECK enum iso_err iso_supervisor_start(uv_loop_t *loop,
                                                 const struct iso_supervisor_config *config,
                                                 void (*ready)(void *ctx), void *ctx,
                                                 struct iso_supervisor **out,
                                                 struct iso_report *report);

/* Says goodbye on the network, lets calls under way end for at most grace_ms, then closes all:
 * `stopped` is the last that is called, and the loop then has no handle of the supervisor's. */
void iso_supervisor_stop(struct iso_supervisor *supervisor, uint32_t grace_ms,
                         void (*stopped)(void *ctx), void *ctx);

/* The ports of its first listeners, 0 where there is none: for tests, which let the system choose.
 */
struct iso_supervisor_ports {
    uint16_t https, http, coap, coaps;
};
void iso_supervisor_ports(const struct iso_supervisor *supervisor,
                          struct iso_supervisor_ports *out);
/* Where programs of this machine reach it: "http://127.0.0.1:8480"; empty where they do not. */
enum { ISO_SUPERVISOR_URL_SIZE = 128, ISO_SUPERVISOR_PIN_SIZE = 80 };
void iso_supervisor_urls(const struct iso_supervisor *supervisor,
                         char http[ISO_SUPERVISOR_URL_SIZE], char https[ISO_SUPERVISOR_URL_SIZE]);
/* The pin of its certificate, "sha256:HEX". */
void iso_supervisor_pin(const struct iso_supervisor *supervisor, char out[ISO_SUPERVISOR_PIN_SIZE]);

#endif
