/* metrics.c - GET /metrics: figures as Prometheus text (exposition format 0.0.4). */
#include "supervisor/daemon.h"

#include "base/format.h"
#include "daemon/clock.h"

#include <stdarg.h>

struct metrics {
    struct iso_supervisor *sv;
    struct iso_buf *out;
    enum iso_err err;
    unsigned family; /* of the component figures */
};

static void line(struct metrics *metrics, const char *format, ...) ISO_PRINTF(2, 3);

static void line(struct metrics *metrics, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    const size_t len = iso_format_v(text, sizeof text, format, args);
    va_end(args);
    if (metrics->err == ISO_OK) {
        metrics->err =
            iso_buf_append(metrics->out, text, len < sizeof text ? len : sizeof text - 1);
    }
}

static void head(struct metrics *metrics, const char *name, const char *type, const char *help)
{
    line(metrics, "# HELP isomer_%s %s\n# TYPE isomer_%s %s\n", name, help, name, type);
}

static void one(struct metrics *metrics, const char *name, const char *type, const char *help,
                double value)
{
    char number[32];
    head(metrics, name, type, help);
    (void)iso_format_f64(number, value);
    line(metrics, "isomer_%s %s\n", name, number);
}

static void put_core(struct metrics *metrics)
{
    struct iso_sv_core_stats core;
    iso_sv_core_stats_get(metrics->sv->core, &core);
    one(metrics, "instances", "gauge", "Instances that are alive.", core.instances);
    one(metrics, "instances_waiting", "gauge", "Instances that wait without a thread.",
        core.waiting);
    one(metrics, "memory_bytes", "gauge", "Linear memories of all instances.",
        (double)core.memory_bytes);
    one(metrics, "calls_total", "counter", "Calls that have ended.", (double)core.calls_total);
    one(metrics, "calls_inline_total", "counter", "Calls that needed no worker.",
        (double)core.inline_total);
    one(metrics, "fuel_total", "counter", "WebAssembly instructions charged.",
        (double)core.fuel_total);
    one(metrics, "cpu_seconds_total", "counter", "Time of threads in WebAssembly code.",
        (double)core.cpu_ns / 1e9);
    one(metrics, "throttled_seconds_total", "counter", "Time that work waited because of --cpu.",
        (double)core.throttled_ns / 1e9);
}

static void put_http(struct metrics *metrics)
{
    struct iso_http_stats http;
    if (metrics->sv->http == NULL) {
        return;
    }
    iso_http_server_stats(metrics->sv->http, &http);
    one(metrics, "http_requests_total", "counter", "HTTP requests.", (double)http.requests);
    head(metrics, "http_responses_total", "counter", "HTTP answers by class of their status.");
    for (unsigned i = 2; i < 6; i++) {
        line(metrics, "isomer_http_responses_total{class=\"%uxx\"} %llu\n", i,
             (unsigned long long)http.responses[i]);
    }
    one(metrics, "http_connections", "gauge", "Open HTTP connections.", http.connections);
    one(metrics, "http_refused_total", "counter", "HTTP connections refused at a limit.",
        (double)http.refused);
    one(metrics, "http_timed_out_total", "counter", "HTTP connections closed for being slow.",
        (double)http.timed_out);
    one(metrics, "http_streams", "gauge", "Event and picture streams.", http.streams);
}

static void put_coap(struct metrics *metrics)
{
    struct iso_coap_server_stats coap;
    if (metrics->sv->coap == NULL) {
        return;
    }
    iso_coap_server_stats(metrics->sv->coap, &coap);
    one(metrics, "coap_requests_total", "counter", "CoAP requests.", (double)coap.requests);
    one(metrics, "coap_sessions", "gauge", "CoAP sessions.", coap.sessions_now);
    one(metrics, "coap_observers", "gauge", "CoAP observations.", coap.observers_now);
    one(metrics, "coap_refused_total", "counter", "CoAP requests refused at a limit or malformed.",
        (double)coap.refused_requests);
}

/* ---- Components ----------------------------------------------------------------------------- */

static void put_latency(struct metrics *metrics, const char *labels,
                        const struct iso_sv_component_stats *stats)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < ISO_SV_LATENCY_BUCKETS; i++) {
        sum += stats->latency[i];
        if (i + 1 < ISO_SV_LATENCY_BUCKETS && i % 2 == 0) {
            char bound[32];
            (void)iso_format_f64(bound, (double)(UINT64_C(1) << i) / 1e6);
            line(metrics, "isomer_component_latency_seconds_bucket{%s,le=\"%s\"} %llu\n", labels,
                 bound, (unsigned long long)sum);
        }
    }
    char total[32];
    (void)iso_format_f64(total, (double)stats->latency_sum_ns / 1e9);
    line(metrics, "isomer_component_latency_seconds_bucket{%s,le=\"+Inf\"} %llu\n", labels,
         (unsigned long long)sum);
    line(metrics, "isomer_component_latency_seconds_sum{%s} %s\n", labels, total);
    line(metrics, "isomer_component_latency_seconds_count{%s} %llu\n", labels,
         (unsigned long long)sum);
}

static const struct {
    const char *name, *type, *help;
} families[] = {
    {"component_calls_total", "counter", "Calls by outcome."},
    {"component_latency_seconds", "histogram", "Time from a call to its end."},
    {"component_memory_bytes", "gauge", "Linear memories of its instances."},
    {"component_queued", "gauge", "Calls that wait."},
    {"component_fuel_total", "counter", "WebAssembly instructions charged."},
    {"component_log_dropped_total", "counter", "Log lines above its rate."},
    {"component_restarts_total", "counter", "New instances of a service after a trap."}};

/* The labels' names need no escapes: they are names of ours. */
static void put_component(void *ctx, struct iso_sv_component *component)
{
    struct metrics *metrics = ctx;
    struct iso_sv_component_stats stats;
    char labels[128];
    iso_sv_component_stats_get(component, &stats);
    const struct iso_str app = iso_sv_component_app(component);
    const struct iso_str name = iso_sv_component_name(component);
    (void)iso_format(labels, sizeof labels, "app=\"%.*s\",component=\"%.*s\"", (int)app.len,
                     app.ptr, (int)name.len, name.ptr);
    const uint64_t values[] = {[2] = stats.memory_bytes,
                               [3] = stats.queued,
                               [4] = stats.fuel,
                               [5] = stats.log_dropped,
                               [6] = stats.restarts};
    if (metrics->family == 0) {
        for (unsigned i = 0; i < ISO_SV_OUTCOME_COUNT; i++) {
            line(metrics, "isomer_component_calls_total{%s,outcome=\"%s\"} %llu\n", labels,
                 iso_sv_outcome_name((enum iso_sv_outcome)i), (unsigned long long)stats.calls[i]);
        }
    } else if (metrics->family == 1) {
        put_latency(metrics, labels, &stats);
    } else {
        line(metrics, "isomer_%s{%s} %llu\n", families[metrics->family].name, labels,
             (unsigned long long)values[metrics->family]);
    }
}

enum iso_err iso_sv_write_metrics(struct iso_supervisor *sv, struct iso_buf *out)
{
    struct metrics metrics = {.sv = sv, .out = out};
    one(&metrics, "up", "gauge", "1 while the supervisor runs.", 1);
    one(&metrics, "uptime_seconds", "gauge", "Time since the supervisor started.",
        (double)(iso_clock_now_ns() - sv->started_ns) / 1e9);
    put_core(&metrics);
    put_http(&metrics);
    put_coap(&metrics);
    for (unsigned i = 0; i < ISO_COUNT_OF(families); i++) {
        metrics.family = i;
        head(&metrics, families[i].name, families[i].type, families[i].help);
        iso_sv_deployments_each_component(sv->deployments, put_component, &metrics);
    }
    if (metrics.err == ISO_OK) {
        metrics.err = iso_sv_peers_write_metrics(sv->peers, out);
    }
    return metrics.err;
}
