/* register.c - telling an orchestrator of this device (POST /v1/register there), which makes it a
 * candidate for pairing and nothing more; docs/orchestrator-api.md. */
#include "supervisor/daemon.h"

#include "base/json_member.h"

static enum iso_err write_body(void *ctx, struct iso_buf *out)
{
    const struct iso_supervisor *sv = ctx;
    char pin[ISO_TLS_PIN_TEXT_SIZE];
    struct iso_json json;
    iso_tls_pin_text(sv->state.identity.pin, pin);
    iso_json_init_buf(&json, out, 0);
    iso_json_object_begin(&json);
    iso_json_put_z(&json, "id", sv->state.id);
    iso_json_put_z(&json, "name", sv->name);
    iso_json_put_u64(&json, "https", sv->ports.https);
    iso_json_put_z(&json, "pin", pin);
    iso_json_object_end(&json);
    return iso_json_finish(&json);
}

/* Only changes are logged. */
static void on_told(void *ctx, enum iso_err err, const struct iso_report *report)
{
    struct iso_supervisor *sv = ctx;
    if (err == ISO_OK && !sv->announced) {
        iso_log_write(&sv->log, ISO_LOG_INFO, "register", "%s has been told of this device",
                      sv->config->orchestrator);
    } else if (err != ISO_OK && !sv->announce_failed) {
        iso_log_write(&sv->log, ISO_LOG_WARNING, "register", "not told: %s; will be tried again",
                      iso_report_text(report, err));
    }
    sv->announced = err == ISO_OK;
    sv->announce_failed = err != ISO_OK;
}

enum iso_err iso_sv_register_begin(struct iso_supervisor *sv, struct iso_report *report)
{
    if (sv->config->orchestrator == NULL) {
        return ISO_OK;
    }
    if (sv->ports.https == 0) {
        return iso_fail(report, ISO_E_ARGUMENT,
                        "an orchestrator reaches a device over HTTPS only: give it an address "
                        "(--https) or no --orchestrator");
    }
    const struct iso_announce_config config = {.loop = sv->loop,
                                               .url = sv->config->orchestrator,
                                               .path = "/v1/register",
                                               .write = write_body,
                                               .told = on_told,
                                               .ctx = sv};
    return iso_announce_create(&config, &sv->announce, report);
}
