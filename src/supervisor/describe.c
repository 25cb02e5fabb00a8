/* describe.c - the device's own Thing Description (W3C WoT TD 1.1). */
#include "supervisor/daemon.h"

#include "base/format.h"
#include "base/json_member.h"

#include <string.h>

struct form {
    const char *base, *path, *type, *op, *op2, *subprotocol;
    bool coap;
};

static void put_form(struct iso_json *json, const struct form *form)
{
    char href[512];
    (void)iso_format(href, sizeof href, "%s%s", form->base, form->path);
    iso_json_object_begin(json);
    iso_json_put_z(json, "href", href);
    iso_json_put_z(json, "contentType", form->type);
    iso_json_key(json, "op");
    if (form->op2 != NULL) {
        iso_json_array_begin(json);
        iso_json_z(json, form->op);
        iso_json_z(json, form->op2);
        iso_json_array_end(json);
    } else {
        iso_json_z(json, form->op);
    }
    if (form->subprotocol != NULL) {
        iso_json_put_z(json, "subprotocol", form->subprotocol);
    }
    if (form->coap) {
        iso_json_put_array_begin(json, "security");
        iso_json_z(json, "psk");
        iso_json_array_end(json);
        iso_json_put_z(json, "cov:method", "GET");
    } else {
        iso_json_put_z(json, "htv:methodName", "GET");
    }
    iso_json_object_end(json);
}

/* No term of the vocabulary: an orchestrator that finds the device can say whose it is. */
static void put_owner(const struct iso_supervisor *sv, struct iso_json *json)
{
    if (sv->owner.id[0] == '\0') {
        return;
    }
    iso_json_put_object_begin(json, "owner");
    iso_json_put_z(json, "id", sv->owner.id);
    iso_json_put_z(json, "name", sv->owner.name);
    iso_json_object_end(json);
}

static void put_head(const struct iso_supervisor *sv, const char *coap, struct iso_json *json)
{
    char id[96];
    (void)iso_format(id, sizeof id, "urn:isomer:%s", sv->state.id);
    iso_json_put_array_begin(json, "@context");
    iso_json_z(json, "https://www.w3.org/2022/wot/td/v1.1");
    iso_json_object_begin(json);
    iso_json_put_z(json, "@language", "en");
    iso_json_put_z(json, "htv", "http://www.w3.org/2011/http#");
    if (coap[0] != '\0') {
        iso_json_put_z(json, "cov", "http://www.example.org/coap-binding#");
    }
    iso_json_object_end(json);
    iso_json_array_end(json);
    iso_json_put_z(json, "@type", "Thing");
    iso_json_put_z(json, "id", id);
    iso_json_put_z(json, "title", sv->name);
    iso_json_put_z(json, "description", "A device that runs WebAssembly components.");
    put_owner(sv, json);
    iso_json_put_object_begin(json, "securityDefinitions");
    iso_json_put_object_begin(json, "bearer");
    iso_json_put_z(json, "scheme", "bearer");
    iso_json_put_z(json, "in", "header");
    iso_json_put_z(json, "format", "opaque");
    iso_json_put_z(json, "description", "A token of this device or its orchestrator.");
    iso_json_object_end(json);
    if (coap[0] != '\0') {
        iso_json_put_object_begin(json, "psk");
        iso_json_put_z(json, "scheme", "psk");
        iso_json_put_z(json, "description", "DTLS or TLS with the key that follows from a token.");
        iso_json_object_end(json);
    }
    iso_json_object_end(json);
    iso_json_put_array_begin(json, "security");
    iso_json_z(json, "bearer");
    iso_json_array_end(json);
}

static void put_properties(const char *base, const char *coap, struct iso_json *json)
{
    static const struct {
        const char *name, *title, *description, *path, *coap_path;
    } properties[] = {
        {"device", "Device", "Identity, processor, memory, load, interfaces and what is deployed.",
         "/v1/device", "/d"},
        {"health", "Health", "Whether all is well, and if not, why.", "/health", NULL}};
    iso_json_put_object_begin(json, "properties");
    for (size_t i = 0; i < ISO_COUNT_OF(properties); i++) {
        iso_json_put_object_begin(json, properties[i].name);
        iso_json_put_z(json, "title", properties[i].title);
        iso_json_put_z(json, "description", properties[i].description);
        iso_json_put_z(json, "type", "object");
        iso_json_put_bool(json, "readOnly", true);
        iso_json_put_array_begin(json, "forms");
        struct form form = {.base = base,
                            .path = properties[i].path,
                            .type = "application/json",
                            .op = "readproperty"};
        put_form(json, &form);
        if (coap[0] != '\0' && properties[i].coap_path != NULL) {
            form.base = coap;
            form.path = properties[i].coap_path;
            form.coap = true;
            put_form(json, &form);
        }
        iso_json_array_end(json);
        iso_json_object_end(json);
    }
    iso_json_object_end(json);
}

static void put_events(const char *base, struct iso_json *json)
{
    const struct form form = {.base = base,
                              .path = "/v1/events",
                              .type = "text/event-stream",
                              .op = "subscribeevent",
                              .op2 = "unsubscribeevent",
                              .subprotocol = "sse"};
    iso_json_put_object_begin(json, "events");
    iso_json_put_object_begin(json, "change");
    iso_json_put_z(json, "title", "Change");
    iso_json_put_z(json, "description",
                   "Something happened to a deployment, a component or the device.");
    iso_json_put_object_begin(json, "data");
    iso_json_put_z(json, "type", "object");
    iso_json_object_end(json);
    iso_json_put_array_begin(json, "forms");
    put_form(json, &form);
    iso_json_array_end(json);
    iso_json_object_end(json);
    iso_json_object_end(json);
}

struct item {
    struct iso_json *json;
    const char *base;
};

static void put_item(void *ctx, struct iso_sv_component *component)
{
    const struct item *item = ctx;
    const struct iso_str app = iso_sv_component_app(component);
    const struct iso_str name = iso_sv_component_name(component);
    char href[512];
    (void)iso_format(href, sizeof href, "%s/v1/components/%.*s/%.*s/td", item->base, (int)app.len,
                     app.ptr, (int)name.len, name.ptr);
    iso_json_object_begin(item->json);
    iso_json_put_z(item->json, "rel", "item");
    iso_json_put_z(item->json, "href", href);
    iso_json_put_z(item->json, "type", "application/td+json");
    iso_json_object_end(item->json);
}

enum iso_err iso_sv_write_thing(struct iso_supervisor *sv, const char *base, const char *coap,
                                struct iso_buf *out)
{
    struct iso_json json;
    char href[512];
    iso_json_init_buf(&json, out, 0);
    iso_json_object_begin(&json);
    put_head(sv, coap, &json);
    put_properties(base, coap, &json);
    put_events(base, &json);
    iso_json_put_array_begin(&json, "links");
    iso_json_object_begin(&json);
    (void)iso_format(href, sizeof href, "%s/openapi.json", base);
    iso_json_put_z(&json, "rel", "service-desc");
    iso_json_put_z(&json, "href", href);
    iso_json_put_z(&json, "type", "application/vnd.oai.openapi+json");
    iso_json_object_end(&json);
    struct item item = {&json, base};
    if (sv->deployments != NULL) {
        iso_sv_deployments_each_component(sv->deployments, put_item, &item);
    }
    iso_json_array_end(&json);
    iso_json_object_end(&json);
    return iso_json_finish(&json);
}
