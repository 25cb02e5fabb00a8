/*
 * orchestrator.h - the daemon that holds a fleet: docs/orchestrator.md for people,
 * docs/orchestrator-api.md for programs, docs/internals/orchestrator.md for those who change it.
 *
 *     struct iso_orchestrator_config config;
 *     iso_orchestrator_config_init(&config);
 *     iso_orchestrator_start(loop, &config, ready, ctx, &orchestrator, &report);
 *     uv_run(loop, UV_RUN_DEFAULT);      // until iso_orchestrator_stop has done its work
 *
 * Everything here belongs to the thread that runs the loop.
 */
#ifndef ISO_ORCHESTRATOR_ORCHESTRATOR_H
#define ISO_ORCHESTRATOR_ORCHESTRATOR_H

#include <uv.h>

#include "base/base.h"

enum { ISO_ORCHESTRATOR_LISTEN_MAX = 8 };

/* Strings are borrowed until it has stopped. NULL and 0: the default that is stated. */
struct iso_orchestrator_config {
    const char *name;  /* for people; the host's name */
    const char *state; /* directory for keys, store, packages; made when missing; required */
    /* "ADDR:PORT" of HTTPS; [::]:8491. One that is "none": no such listener. */
    const char *https[ISO_ORCHESTRATOR_LISTEN_MAX];
    size_t https_count;
    /* Of plain HTTP; loopback addresses only; 127.0.0.1:8490. */
    const char *http[ISO_ORCHESTRATOR_LISTEN_MAX];
    size_t http_count;
    /* Host names, besides addresses, "localhost" and NAME.local, by which browsers may call it. */
    const char *hosts[ISO_ORCHESTRATOR_LISTEN_MAX];
    size_t host_count;
    bool no_mdns; /* neither announce nor look for devices by mDNS */
    const char *interfaces[ISO_ORCHESTRATOR_LISTEN_MAX]; /* for mDNS; all but loopback */
    size_t interface_count;
    uint64_t packages_max_bytes; /* of the modules that it keeps; 4 GiB */
    uint32_t connections_max;    /* HTTP; 256 */
    bool log_json;               /* log lines are JSON objects */
    unsigned log_level;          /* least level that is written */
};

/* All defaults. */
void iso_orchestrator_config_init(struct iso_orchestrator_config *config);

struct iso_orchestrator;

/* Opens everything and serves. config: kept until it has stopped. ready (may be NULL) comes when it
 * serves and has written local.json. Errors: ARGUMENT, EXISTS (an address in use; another
 * orchestrator on the same state), ACCESS, IO, INVALID and MALFORMED (damaged state), UNSUPPORTED
 * (state of a newer version), NOMEM. */
ISO_MUST_CHECK enum iso_err iso_orchestrator_start(uv_loop_t *loop,
                                                   const struct iso_orchestrator_config *config,
                                                   void (*ready)(void *ctx), void *ctx,
                                                   struct iso_orchestrator **out,
                                                   struct iso_report *report);

/* Lets requests under way end for at most grace_ms, then closes all: `stopped` is the last that is
 * called. What was under way goes on when it is started again. */
void iso_orchestrator_stop(struct iso_orchestrator *orchestrator, uint32_t grace_ms,
                           void (*stopped)(void *ctx), void *ctx);

#endif
