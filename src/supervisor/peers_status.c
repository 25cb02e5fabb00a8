/* What links and flows do: for status documents, and for Prometheus
 * (https://prometheus.io/docs/instrumenting/exposition_formats). */
#include "supervisor/peers_state.h"

#include "daemon/clock.h"
#include "daemon/member.h"

static const char *state_name(enum iso_coap_peer_state state)
{
    static const char *const names[] = {"idle", "connecting", "up", "down"};
    return names[state];
}

static void put_meter(struct iso_json *json, const struct iso_sv_meter *meter)
{
    iso_json_put_f64(json, "rate", iso_sv_meter_rate(meter, uv_hrtime()));
    iso_json_put_object_begin(json, "latency");
    iso_json_put_u64(json, "p50-us", iso_sv_meter_quantile(meter, 0.5) / 1000);
    iso_json_put_u64(json, "p90-us", iso_sv_meter_quantile(meter, 0.9) / 1000);
    iso_json_put_u64(json, "p99-us", iso_sv_meter_quantile(meter, 0.99) / 1000);
    iso_json_object_end(json);
}

static bool is_of(struct iso_str wanted, const char *app)
{
    return wanted.len == 0 || iso_str_equal_z(wanted, app);
}

static void put_peers(struct iso_sv_peers *peers, struct iso_str app, struct iso_json *json)
{
    iso_json_put_array_begin(json, "peers");
    for (const struct iso_sv_conn *conn = peers->conns; conn != NULL; conn = conn->next) {
        struct iso_coap_peer_stats stats;
        if (!is_of(app, conn->app)) {
            continue;
        }
        iso_coap_peer_stats(conn->peer, &stats);
        iso_json_object_begin(json);
        iso_json_put_z(json, "app", conn->app);
        iso_json_put_z(json, "device", conn->device);
        iso_json_put_z(json, "state", state_name(iso_coap_peer_state(conn->peer)));
        iso_json_put_z(json, "reason", iso_coap_peer_reason(conn->peer));
        iso_json_put_u64(json, "calls", stats.calls);
        iso_json_put_u64(json, "answered", stats.answered);
        iso_json_put_u64(json, "failed", stats.failed);
        iso_json_put_u64(json, "calls-now", stats.calls_now);
        iso_json_put_u64(json, "reconnects", stats.connects > 0 ? stats.connects - 1 : 0);
        iso_json_put_u64(json, "losses", stats.losses);
        iso_json_put_u64(json, "bytes-out", stats.bytes_out);
        iso_json_put_u64(json, "bytes-in", stats.bytes_in);
        iso_json_put_u64(json, "rtt-us", stats.last_rtt_us);
        iso_json_object_end(json);
    }
    iso_json_array_end(json);
}

static void put_link(const struct iso_sv_remote *remote, struct iso_json *json)
{
    const struct iso_sv_gen *gen = remote->gen;
    const struct iso_sv_doc_component *component = &gen->document->components[remote->component];
    const struct iso_sv_doc_link *link = &component->links[remote->link];
    iso_json_object_begin(json);
    iso_json_put_string(json, "app", gen->document->app);
    iso_json_put_string(json, "component", component->name);
    iso_json_put_string(json, "interface", link->interface);
    iso_json_put_z(json, "device", iso_sv_peer_device(gen, link->peer, gen->peers->device_id));
    iso_json_put_string(json, "target", link->component);
    iso_json_put_u64(json, "epoch", link->epoch);
    iso_json_put_u64(json, "generation", gen->document->generation);
    iso_json_put_u64(json, "calls", remote->meter.count);
    iso_json_put_u64(json, "failed", remote->failed);
    iso_json_put_u64(json, "repeated", remote->repeated);
    iso_json_put_u64(json, "bytes-out", remote->meter.bytes_out);
    iso_json_put_u64(json, "bytes-in", remote->meter.bytes_in);
    put_meter(json, &remote->meter);
    iso_json_object_end(json);
}

static void put_step(const struct iso_sv_flow_state *flow, uint32_t step, struct iso_json *json)
{
    const struct iso_sv_flow_step_stats *stats = iso_sv_flow_step_stats(flow->engine, step);
    const struct iso_sv_doc_step *doc = &flow->doc->steps[step];
    iso_json_object_begin(json);
    iso_json_put_string(json, "component", doc->component);
    iso_json_put_string(json, "function", doc->function);
    iso_json_put_z(json, "device",
                   iso_sv_peer_device(flow->gen, doc->peer, flow->gen->peers->device_id));
    iso_json_put_u64(json, "executed", stats->meter.count);
    iso_json_put_u64(json, "failed", stats->failed);
    iso_json_put_u64(json, "dropped", stats->dropped);
    iso_json_put_u64(json, "waited", stats->waited);
    iso_json_put_u64(json, "duplicates", stats->duplicates);
    iso_json_put_u64(json, "resent", stats->resent);
    iso_json_put_u64(json, "queued", stats->queued);
    iso_json_put_u64(json, "on-way", stats->on_way);
    iso_json_put_u64(json, "bytes-out", stats->meter.bytes_out);
    put_meter(json, &stats->meter);
    iso_json_object_end(json);
}

static const char *flow_state(const struct iso_sv_flow_state *flow)
{
    if (flow->gen->stopped) {
        return "draining";
    }
    if (!flow->gen->started) {
        return "prepared";
    }
    return iso_sv_flow_stats(flow->engine)->failing ? "failing" : "running";
}

/* Since when, by the clock on the wall; null while it does not fail. */
static void put_since(struct iso_json *json, const char *key, const struct iso_sv_flow_stats *stats)
{
    if (stats->failing) {
        iso_member_time(json, key, iso_clock_now_ns() - (uv_hrtime() - stats->failing_since_ns));
    } else {
        iso_json_put_null(json, key);
    }
}

static void put_flow(struct iso_sv_flow_state *flow, struct iso_json *json)
{
    const struct iso_sv_flow_stats *stats = iso_sv_flow_stats(flow->engine);
    iso_json_object_begin(json);
    iso_json_put_string(json, "app", flow->gen->document->app);
    iso_json_put_string(json, "flow", flow->doc->name);
    iso_json_put_u64(json, "generation", flow->gen->document->generation);
    iso_json_put_z(json, "state", flow_state(flow));
    iso_json_put_u64(json, "started", stats->started);
    iso_json_put_u64(json, "finished", stats->finished);
    iso_json_put_u64(json, "failed", stats->failed);
    iso_json_put_u64(json, "dropped", stats->dropped);
    iso_json_put_u64(json, "lost", stats->lost);
    iso_json_put_u64(json, "waited", stats->waited);
    iso_json_put_u64(json, "running", stats->running);
    put_since(json, "failing-since", stats);
    iso_json_put_z(json, "last-error", stats->last_error);
    put_meter(json, &stats->meter);
    iso_json_put_array_begin(json, "steps");
    for (uint32_t i = 0; i < flow->doc->step_count; i++) {
        put_step(flow, i, json);
    }
    iso_json_array_end(json);
    iso_json_object_end(json);
}

void iso_sv_peers_write_status(struct iso_sv_peers *peers, struct iso_str app,
                               struct iso_json *json)
{
    put_peers(peers, app, json);
    iso_json_put_array_begin(json, "links");
    for (const struct iso_sv_gen *gen = peers->gens; gen != NULL; gen = gen->next) {
        for (const struct iso_sv_remote *remote = gen->remotes;
             remote != NULL && (app.len == 0 || iso_str_equal(app, gen->document->app));
             remote = remote->next) {
            put_link(remote, json);
        }
    }
    iso_json_array_end(json);
    iso_json_put_array_begin(json, "flows");
    for (struct iso_sv_gen *gen = peers->gens; gen != NULL; gen = gen->next) {
        bool wanted = app.len == 0 || iso_str_equal(app, gen->document->app);
        for (size_t i = 0; wanted && gen->flows != NULL && i < gen->document->flow_count; i++) {
            if (gen->flows[i].engine != NULL) {
                put_flow(&gen->flows[i], json);
            }
        }
    }
    iso_json_array_end(json);
}

void iso_sv_peers_describe(void *ctx, const struct iso_sv_generation *generation,
                           struct iso_json *json)
{
    const struct iso_sv_gen *gen = generation->user;
    (void)ctx;
    iso_json_put_array_begin(json, "failing");
    for (size_t i = 0; gen != NULL && gen->flows != NULL && i < gen->document->flow_count; i++) {
        const struct iso_sv_flow_state *flow = &gen->flows[i];
        const struct iso_sv_flow_stats *stats =
            flow->engine != NULL ? iso_sv_flow_stats(flow->engine) : NULL;
        if (stats != NULL && stats->failing) {
            iso_json_object_begin(json);
            iso_json_put_string(json, "flow", flow->doc->name);
            put_since(json, "since", stats);
            iso_json_put_z(json, "error", stats->last_error);
            iso_json_object_end(json);
        }
    }
    iso_json_array_end(json);
}

/* ---- Prometheus --------------------------------------------------------------------------------
 */

struct lines {
    struct iso_buf *out;
    enum iso_err err;
};

static void add_line(struct lines *lines, const char *format, ...) ISO_PRINTF(2, 3);

static void add_line(struct lines *lines, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    size_t len = iso_format_v(text, sizeof text, format, args);
    va_end(args);
    if (lines->err == ISO_OK) {
        lines->err = iso_buf_append(lines->out, text, len);
    }
}

static void add_head(struct lines *lines, const char *name, const char *type, const char *help)
{
    add_line(lines, "# HELP isomer_%s %s\n# TYPE isomer_%s %s\n", name, help, name, type);
}

struct peer_family {
    const char *name, *type, *help;
    uint64_t (*value)(const struct iso_sv_conn *conn, const struct iso_coap_peer_stats *stats);
};

static uint64_t peer_up(const struct iso_sv_conn *conn, const struct iso_coap_peer_stats *stats)
{
    (void)stats;
    return iso_coap_peer_state(conn->peer) == ISO_COAP_PEER_UP;
}

static uint64_t peer_losses(const struct iso_sv_conn *conn, const struct iso_coap_peer_stats *stats)
{
    (void)conn;
    return stats->losses;
}

static uint64_t peer_out(const struct iso_sv_conn *conn, const struct iso_coap_peer_stats *stats)
{
    (void)conn;
    return stats->bytes_out;
}

static uint64_t peer_in(const struct iso_sv_conn *conn, const struct iso_coap_peer_stats *stats)
{
    (void)conn;
    return stats->bytes_in;
}

static void add_peers(struct iso_sv_peers *peers, struct lines *lines)
{
    static const struct peer_family families[] = {
        {"peer_up", "gauge", "1 while the connection to the device is up.", peer_up},
        {"peer_losses_total", "counter", "Connections that were lost.", peer_losses},
        {"peer_sent_bytes_total", "counter", "Payloads sent to the device.", peer_out},
        {"peer_received_bytes_total", "counter", "Payloads received from the device.", peer_in},
    };
    for (size_t i = 0; i < ISO_COUNT_OF(families); i++) {
        add_head(lines, families[i].name, families[i].type, families[i].help);
        for (const struct iso_sv_conn *conn = peers->conns; conn != NULL; conn = conn->next) {
            struct iso_coap_peer_stats stats;
            iso_coap_peer_stats(conn->peer, &stats);
            add_line(lines, "isomer_%s{app=\"%s\",device=\"%s\"} %llu\n", families[i].name,
                     conn->app, conn->device, (unsigned long long)families[i].value(conn, &stats));
        }
    }
}

static void add_links(struct iso_sv_peers *peers, struct lines *lines)
{
    add_head(lines, "link_calls_total", "counter", "Calls to components on other devices.");
    for (const struct iso_sv_gen *gen = peers->gens; gen != NULL; gen = gen->next) {
        const struct iso_str app = gen->document->app;
        bool present = gen->started && !gen->stopped;
        for (const struct iso_sv_remote *remote = gen->remotes; present && remote != NULL;
             remote = remote->next) {
            const struct iso_sv_doc_component *component =
                &gen->document->components[remote->component];
            const struct iso_sv_doc_link *link = &component->links[remote->link];
            const uint64_t values[] = {remote->meter.count - remote->failed, remote->failed};
            static const char *const results[] = {"done", "failed"};
            for (size_t i = 0; i < 2; i++) {
                add_line(lines,
                         "isomer_link_calls_total{app=\"%.*s\",component=\"%.*s\","
                         "interface=\"%.*s\",result=\"%s\"} %llu\n",
                         (int)app.len, app.ptr, (int)component->name.len, component->name.ptr,
                         (int)link->interface.len, link->interface.ptr, results[i],
                         (unsigned long long)values[i]);
            }
        }
    }
}

static void add_flow(struct iso_sv_flow_state *flow, struct lines *lines)
{
    const struct iso_sv_flow_stats *stats = iso_sv_flow_stats(flow->engine);
    const struct iso_str app = flow->gen->document->app;
    const struct {
        const char *end;
        uint64_t value;
    } ends[] = {{"finished", stats->finished},
                {"failed", stats->failed},
                {"dropped", stats->dropped},
                {"lost", stats->lost}};
    for (size_t i = 0; i < ISO_COUNT_OF(ends); i++) {
        add_line(lines, "isomer_flow_runs_total{app=\"%.*s\",flow=\"%.*s\",end=\"%s\"} %llu\n",
                 (int)app.len, app.ptr, (int)flow->doc->name.len, flow->doc->name.ptr, ends[i].end,
                 (unsigned long long)ends[i].value);
    }
}

/* Buckets of every second power of two from 64 us on are enough. */
static void add_flow_latency(struct iso_sv_flow_state *flow, struct lines *lines)
{
    const struct iso_sv_meter *meter = &iso_sv_flow_stats(flow->engine)->meter;
    char labels[128];
    uint64_t sum = 0;
    (void)iso_format(labels, sizeof labels, "app=\"%.*s\",flow=\"%.*s\"",
                     (int)flow->gen->document->app.len, flow->gen->document->app.ptr,
                     (int)flow->doc->name.len, flow->doc->name.ptr);
    for (unsigned i = 0; i < ISO_SV_LATENCY_BUCKETS - 1; i++) {
        sum += meter->latency[i];
        if (i >= 6 && i % 2 == 0) {
            add_line(lines, "isomer_flow_latency_seconds_bucket{%s,le=\"%g\"} %llu\n", labels,
                     (double)(UINT64_C(1) << i) / 1e6, (unsigned long long)sum);
        }
    }
    add_line(lines, "isomer_flow_latency_seconds_bucket{%s,le=\"+Inf\"} %llu\n", labels,
             (unsigned long long)meter->count);
    add_line(lines, "isomer_flow_latency_seconds_sum{%s} %g\n", labels,
             (double)meter->latency_sum_ns / 1e9);
    add_line(lines, "isomer_flow_latency_seconds_count{%s} %llu\n", labels,
             (unsigned long long)meter->count);
}

static void each_flow(struct iso_sv_peers *peers, struct lines *lines,
                      void (*add)(struct iso_sv_flow_state *flow, struct lines *lines))
{
    for (struct iso_sv_gen *gen = peers->gens; gen != NULL; gen = gen->next) {
        bool present = gen->started && !gen->stopped && gen->flows != NULL;
        for (size_t i = 0; present && i < gen->document->flow_count; i++) {
            if (gen->flows[i].engine != NULL && gen->flows[i].doc->steps[0].peer == ISO_SV_HERE) {
                add(&gen->flows[i], lines);
            }
        }
    }
}

enum iso_err iso_sv_peers_write_metrics(struct iso_sv_peers *peers, struct iso_buf *out)
{
    struct lines lines = {.out = out};
    size_t before = out->len;
    add_peers(peers, &lines);
    add_links(peers, &lines);
    add_head(&lines, "flow_runs_total", "counter", "Runs of flows that begin here.");
    each_flow(peers, &lines, add_flow);
    add_head(&lines, "flow_latency_seconds", "histogram", "From a run's start to its end.");
    each_flow(peers, &lines, add_flow_latency);
    if (lines.err != ISO_OK) {
        out->len = before;
    }
    return lines.err;
}
