/* heartbeat.c - HTTP: a sign of life for those who watch over many devices; asked every other
 * second, so nothing here reads a disk or looks at more than it says. */
#include "supervisor/daemon.h"

#include "base/format.h"
#include "base/json_member.h"

/* Share of the processor time that it may use (--cpu, workers) since at least a second ago, 0 to 1.
 * Two points in time are kept, so that two who ask in turn do not measure an instant. */
static double load_now(struct iso_supervisor *sv)
{
    struct iso_sv_core_stats stats;
    struct iso_sv_load *load = &sv->load;
    const uint64_t now = uv_hrtime();
    iso_sv_core_stats_get(sv->core, &stats);
    if (load->latest_ns == 0 || now - load->latest_ns >= 1000000000u) {
        load->before_ns = load->latest_ns != 0 ? load->latest_ns : sv->started_hr_ns;
        load->before_cpu_ns = load->latest_cpu_ns;
        load->latest_ns = now;
        load->latest_cpu_ns = stats.cpu_ns;
    }
    const uint32_t percent = sv->config->cpu_percent != 0 ? sv->config->cpu_percent : 100;
    const double share = (double)uv_available_parallelism() * percent / 100.0;
    const double allowed = share < stats.workers ? share : stats.workers;
    const double time = (double)(now - load->before_ns) * allowed;
    const double used = (double)(stats.cpu_ns - load->before_cpu_ns);
    return time <= 0 || used <= 0 ? 0.0 : used >= time ? 1.0 : used / time;
}

static void get_heartbeat(void *ctx, struct iso_http_request *req,
                          const struct iso_str params[ISO_ROUTE_PARAMS])
{
    struct iso_supervisor *sv = ctx;
    struct iso_reply_document document;
    (void)params;
    iso_reply_document_begin(&document);
    iso_json_object_begin(&document.json);
    iso_json_put_z(&document.json, "id", sv->state.id);
    iso_json_put_z(&document.json, "boot", sv->boot);
    iso_json_put_u64(&document.json, "uptime-ms", (uv_hrtime() - sv->started_hr_ns) / 1000000u);
    iso_json_put_u64(&document.json, "revision", sv->revision);
    iso_json_put_f64(&document.json, "load", (double)(int)(load_now(sv) * 1000.0) / 1000.0);
    iso_json_put_object_begin(&document.json, "memory");
    iso_json_put_u64(&document.json, "free-bytes", uv_get_free_memory());
    iso_json_object_end(&document.json);
    iso_json_put_z(&document.json, "health", iso_sv_is_well(sv) ? "ok" : "degraded");
    const bool owned = sv->owner.id[0] != '\0';
    iso_json_put_z(&document.json, "owner", owned ? sv->owner.id : NULL);
    iso_json_put_z(&document.json, "owner-name", owned ? sv->owner.name : NULL);
    iso_json_object_end(&document.json);
    iso_reply_document_end(&document, sv->http, iso_http_request_id(req), 200, ISO_OK);
}

const struct iso_route iso_sv_routes_heartbeat[] = {
    {.method = ISO_HTTP_GET,
     .pattern = "v1/heartbeat",
     .access = ISO_ROUTE_READ,
     .summary = "A sign of life: load, health, owner, and a revision that counts changes",
     .answer_type = "application/json",
     .handle = get_heartbeat},
    {.method = 0}};
