/*
 * Thing Description 1.1 (https://www.w3.org/TR/wot-thing-description11/) of a world's exports: each
 * function an action, each zero-argument get-x also a property. Forms follow the protocol bindings
 * for HTTP and CoAP; the addresses those of docs/api.md.
 */
#include "interface/gen_schema.h"

#include "base/json_member.h"

struct thing {
    struct gen_model model;
    struct gen_schema schema;
    struct iso_json json;
    const struct iso_gen_place *place;
};

enum protocol { HTTP, COAP, NOWHERE };

/* ---- Forms --------------------------------------------------------------------------------- */

static bool unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~", c) != NULL);
}

/* base/between/path, the path percent-encoded. NULL when memory is short. */
static char *address(struct thing *thing, const char *base, const char *between,
                     struct iso_str path)
{
    static const char digits[] = "0123456789ABCDEF";
    char *encoded = iso_arena_alloc(&thing->model.arena, path.len * 3 + 1);
    if (encoded == NULL) {
        return NULL;
    }
    size_t len = 0;
    for (size_t i = 0; i < path.len; i++) {
        unsigned char c = (unsigned char)path.ptr[i];
        if (unreserved((char)c)) {
            encoded[len++] = (char)c;
        } else {
            encoded[len++] = '%';
            encoded[len++] = digits[c >> 4];
            encoded[len++] = digits[c & 15];
        }
    }
    encoded[len] = '\0';
    size_t end = base != NULL ? strlen(base) : 0;
    const char *slash = end != 0 && base[end - 1] != '/' ? "/" : "";
    return gen_join(&thing->model.arena, base != NULL ? base : "", slash, between, encoded, NULL);
}

struct form {
    enum protocol protocol;
    const char *op;
    const char *op2; /* or NULL */
    const char *method;
    const char *subprotocol; /* or NULL */
    const char *type;        /* content of the request; of the answer too, unless: */
    const char *answer;      /* or NULL */
    const char *between;
    struct iso_str path;
    const char *query; /* behind it, or NULL */
    bool fails;        /* may answer an err result */
    bool failure;      /* with a value */
};

/* What an err result is answered with; its schema is in schemaDefinitions, named by the function.
 */
static void put_failure(struct thing *thing, const struct form *form)
{
    struct iso_json *json = &thing->json;
    iso_json_put_array_begin(json, "additionalResponses");
    iso_json_object_begin(json);
    iso_json_put_bool(json, "success", false);
    iso_json_put_z(json, "contentType", "application/problem+json");
    if (form->failure) {
        char *path = iso_arena_copy_str(&thing->model.arena, form->path);
        char *name = path != NULL ? gen_join(&thing->model.arena, path, "-error", NULL) : NULL;
        if (name == NULL) {
            json->err = json->err != ISO_OK ? json->err : ISO_E_NOMEM;
        } else {
            iso_json_put_z(json, "schema", name);
        }
    }
    iso_json_object_end(json);
    iso_json_array_end(json);
}

static void put_form(struct thing *thing, const struct form *form)
{
    struct iso_json *json = &thing->json;
    const struct iso_gen_place *place = thing->place;
    const char *base = form->protocol == HTTP   ? place->http_base
                       : form->protocol == COAP ? place->coap_base
                                                : NULL;
    char *href = address(thing, base, form->between, form->path);
    if (href != NULL && form->query != NULL) {
        href = gen_join(&thing->model.arena, href, form->query, NULL);
    }
    if (href == NULL) {
        json->err = json->err != ISO_OK ? json->err : ISO_E_NOMEM;
        return;
    }
    iso_json_object_begin(json);
    iso_json_put_z(json, "href", href);
    iso_json_put_array_begin(json, "op");
    iso_json_z(json, form->op);
    if (form->op2 != NULL) {
        iso_json_z(json, form->op2);
    }
    iso_json_array_end(json);
    if (form->method != NULL) {
        iso_json_put_z(json, form->protocol == COAP ? "cov:method" : "htv:methodName",
                       form->method);
    }
    if (form->subprotocol != NULL) {
        iso_json_put_z(json, "subprotocol", form->subprotocol);
    }
    iso_json_put_z(json, "contentType", form->type);
    if (form->answer != NULL) {
        iso_json_put_object_begin(json, "response");
        iso_json_put_z(json, "contentType", form->answer);
        iso_json_object_end(json);
    }
    if (form->protocol == COAP && place->http_base != NULL) {
        iso_json_put_array_begin(json, "security");
        iso_json_z(json, "psk");
        iso_json_array_end(json);
    }
    if (form->fails) {
        put_failure(thing, form);
    }
    iso_json_object_end(json);
}

#define JSON_TYPE "application/json"
#define CBOR_TYPE "application/cbor"
#define RAW_TYPE "application/octet-stream"

static void put_action_forms(struct thing *thing, const struct gen_func *f, enum protocol protocol)
{
    const struct iso_wit_func *func = f->func;
    struct form form = {.protocol = protocol,
                        .op = "invokeaction",
                        .method = "POST",
                        .type = JSON_TYPE,
                        .between = "",
                        .path = iso_str_from_z(f->path),
                        .fails = gen_can_fail(func),
                        .failure = gen_failure(func) != NULL};
    put_form(thing, &form);
    form.type = CBOR_TYPE;
    put_form(thing, &form);
    bool raw_in = func->param_count == 1 && gen_is_bytes(func->params[0].type);
    bool raw_out = gen_is_bytes(gen_success(func));
    if (raw_in || raw_out) {
        form.type = raw_in ? RAW_TYPE : JSON_TYPE;
        form.answer = raw_out ? RAW_TYPE : JSON_TYPE;
        form.answer = raw_in && raw_out ? NULL : form.answer;
        put_form(thing, &form);
    }
}

/* Being told of changes: over HTTP by waiting for the next one (any client can show its token
 * there), or as an event stream; over CoAP by observation. */
static void put_watch_forms(struct thing *thing, struct form *form)
{
    form->type = JSON_TYPE;
    if (form->protocol == COAP) {
        form->method = "GET";
        form->subprotocol = "cov:observe";
        put_form(thing, form);
        return;
    }
    /* No method: consumers begin with a HEAD, and a method named here would take its place. */
    form->method = NULL;
    form->subprotocol = "longpoll";
    form->query = "?next";
    put_form(thing, form);
    form->method = "GET";
    form->subprotocol = "sse";
    form->query = NULL;
    form->type = "text/event-stream";
    put_form(thing, form);
}

static void put_property_forms(struct thing *thing, const struct gen_func *f, struct iso_str name,
                               enum protocol protocol)
{
    struct form form = {.protocol = protocol,
                        .op = "readproperty",
                        .method = "GET",
                        .type = JSON_TYPE,
                        .between = "properties/",
                        .path = name};
    put_form(thing, &form);
    form.type = CBOR_TYPE;
    put_form(thing, &form);
    if (gen_is_bytes(gen_success(f->func))) {
        form.type = RAW_TYPE;
        put_form(thing, &form);
    }
    form.op = "observeproperty";
    form.op2 = "unobserveproperty";
    put_watch_forms(thing, &form);
}

static void for_each_protocol(struct thing *thing, const struct gen_func *f,
                              struct iso_str property)
{
    struct iso_json *json = &thing->json;
    const struct iso_gen_place *place = thing->place;
    const bool used[] = {[HTTP] = place->http_base != NULL,
                         [COAP] = place->coap_base != NULL,
                         [NOWHERE] = place->http_base == NULL && place->coap_base == NULL};
    iso_json_put_array_begin(json, "forms");
    for (unsigned i = HTTP; i <= NOWHERE; i++) {
        if (used[i] && property.len != 0) {
            put_property_forms(thing, f, property, (enum protocol)i);
        } else if (used[i]) {
            put_action_forms(thing, f, (enum protocol)i);
        }
    }
    iso_json_array_end(json);
}

/* ---- Affordances --------------------------------------------------------------------------- */

static void put_action(struct thing *thing, const struct gen_func *f)
{
    struct iso_json *json = &thing->json;
    iso_json_put_object_begin(json, f->path);
    iso_json_put_string_if(json, "title", f->func->name);
    iso_json_put_string_if(json, "description", f->func->doc);
    if (f->func->param_count != 0) {
        iso_json_key(json, "input");
        gen_schema_put_params(&thing->schema, f->func);
    }
    if (gen_success(f->func) != NULL) {
        iso_json_key(json, "output");
        gen_schema_put(&thing->schema, gen_success(f->func), (struct iso_str){NULL, 0});
    }
    iso_json_put_bool(json, "synchronous", true);
    for_each_protocol(thing, f, (struct iso_str){NULL, 0});
    iso_json_object_end(json);
}

static void put_actions(struct thing *thing)
{
    struct iso_json *json = &thing->json;
    iso_json_put_object_begin(json, "actions");
    for (uint32_t i = 0; i < thing->model.func_count; i++) {
        if (!thing->model.funcs[i].imported) {
            put_action(thing, &thing->model.funcs[i]);
        }
    }
    iso_json_object_end(json);
}

/* A property is a data schema with forms: the schema's object goes on here. */
static void put_property(struct thing *thing, const struct gen_func *f, struct iso_str name)
{
    struct iso_json *json = &thing->json;
    iso_json_key_str(json, name);
    iso_json_object_begin(json);
    iso_json_put_string_if(json, "title", name);
    gen_schema_put_members(&thing->schema, gen_success(f->func), f->func->doc);
    iso_json_put_bool(json, "readOnly", true);
    iso_json_put_bool(json, "observable", true);
    for_each_protocol(thing, f, name);
    iso_json_object_end(json);
}

static void put_properties(struct thing *thing)
{
    struct iso_json *json = &thing->json;
    bool any = false;
    for (uint32_t i = 0; i < thing->model.func_count; i++) {
        const struct gen_func *f = &thing->model.funcs[i];
        struct iso_str name = gen_property_of(f, &thing->model.arena);
        if (f->imported || name.len == 0) {
            continue;
        }
        if (!any) {
            iso_json_put_object_begin(json, "properties");
        }
        any = true;
        put_property(thing, f, name);
    }
    if (any) {
        iso_json_object_end(json);
    }
}

static bool emits_events(const struct iso_wit_world *world)
{
    for (uint32_t i = 0; i < world->import_count; i++) {
        const struct iso_wit_interface *interface = world->imports[i].interface;
        if (interface != NULL && interface->package != NULL &&
            iso_str_equal_z(interface->name, "events") &&
            iso_str_equal_z(interface->package->ns, "isomer") &&
            iso_str_equal_z(interface->package->name, "device")) {
            return true;
        }
    }
    return false;
}

/* What a module emits through isomer:device/events has a name and a payload of its own choice: one
 * event for all of them. */
static void put_events(struct thing *thing)
{
    struct iso_json *json = &thing->json;
    if (!emits_events(thing->model.world)) {
        return;
    }
    iso_json_put_object_begin(json, "events");
    iso_json_put_object_begin(json, "emitted");
    iso_json_put_z(json, "title", "Emitted");
    iso_json_put_z(json, "description",
                   "What the component emits: a name, a time and any payload.");
    iso_json_put_object_begin(json, "data");
    /* Observation over CoAP begins with a representation: null, while there has been no event. */
    iso_json_put_array_begin(json, "oneOf");
    iso_json_object_begin(json);
    iso_json_put_z(json, "type", "object");
    iso_json_object_end(json);
    iso_json_object_begin(json);
    iso_json_put_z(json, "type", "null");
    iso_json_object_end(json);
    iso_json_array_end(json);
    iso_json_object_end(json);
    iso_json_put_array_begin(json, "forms");
    const bool used[] = {[HTTP] =
                             thing->place->http_base != NULL || thing->place->coap_base == NULL,
                         [COAP] = thing->place->coap_base != NULL};
    for (unsigned i = HTTP; i <= COAP; i++) {
        struct form form = {.protocol = (enum protocol)i,
                            .op = "subscribeevent",
                            .op2 = "unsubscribeevent",
                            .between = "",
                            .path = iso_str_from_z("events")};
        if (used[i]) {
            put_watch_forms(thing, &form);
        }
    }
    iso_json_array_end(json);
    iso_json_object_end(json);
    iso_json_object_end(json);
}

/* The problem documents that carry err results' values. */
static void put_definitions(struct thing *thing)
{
    struct iso_json *json = &thing->json;
    bool any = false;
    for (uint32_t i = 0; i < thing->model.func_count; i++) {
        const struct gen_func *f = &thing->model.funcs[i];
        if (f->imported || gen_failure(f->func) == NULL) {
            continue;
        }
        if (!any) {
            iso_json_put_object_begin(json, "schemaDefinitions");
        }
        any = true;
        char *name = gen_join(&thing->model.arena, f->path, "-error", NULL);
        iso_json_put_object_begin(json, name != NULL ? name : "error");
        iso_json_put_z(json, "type", "object");
        iso_json_put_object_begin(json, "properties");
        iso_json_key(json, "error");
        gen_schema_put(&thing->schema, gen_failure(f->func), (struct iso_str){NULL, 0});
        iso_json_object_end(json);
        iso_json_put_array_begin(json, "required");
        iso_json_z(json, "error");
        iso_json_array_end(json);
        iso_json_object_end(json);
    }
    if (any) {
        iso_json_object_end(json);
    }
}

/* ---- The thing ----------------------------------------------------------------------------- */

static void put_context(struct thing *thing)
{
    struct iso_json *json = &thing->json;
    iso_json_put_array_begin(json, "@context");
    iso_json_z(json, "https://www.w3.org/2022/wot/td/v1.1");
    iso_json_object_begin(json);
    iso_json_put_z(json, "@language", "en");
    iso_json_put_z(json, "htv", "http://www.w3.org/2011/http#");
    if (thing->place->coap_base != NULL) {
        iso_json_put_z(json, "cov", "http://www.example.org/coap-binding#");
    }
    iso_json_object_end(json);
    iso_json_array_end(json);
    iso_json_put_z(json, "@type", "Thing");
}

static void put_scheme(struct iso_json *json, const char *name, const char *scheme,
                       const char *description)
{
    iso_json_put_object_begin(json, name);
    iso_json_put_z(json, "scheme", scheme);
    iso_json_put_z(json, "description", description);
    if (strcmp(scheme, "bearer") == 0) {
        iso_json_put_z(json, "in", "header");
        iso_json_put_z(json, "format", "opaque");
    }
    iso_json_object_end(json);
}

static void put_security(struct thing *thing)
{
    struct iso_json *json = &thing->json;
    const struct iso_gen_place *place = thing->place;
    iso_json_put_object_begin(json, "securityDefinitions");
    if (place->http_base != NULL) {
        put_scheme(json, "bearer", "bearer", "A token of this device or its orchestrator.");
    }
    if (place->coap_base != NULL) {
        put_scheme(json, "psk", "psk", "DTLS or TLS with a key agreed at pairing.");
    }
    if (place->http_base == NULL && place->coap_base == NULL) {
        put_scheme(json, "nosec", "nosec", "A description without a place to call.");
    }
    iso_json_object_end(json);
    iso_json_put_array_begin(json, "security");
    iso_json_z(json, place->http_base != NULL   ? "bearer"
                     : place->coap_base != NULL ? "psk"
                                                : "nosec");
    iso_json_array_end(json);
}

static void put_link(struct thing *thing, const char *rel, const char *type, const char *path)
{
    struct iso_json *json = &thing->json;
    char *href = address(thing, thing->place->http_base, "", iso_str_from_z(path));
    if (href == NULL) {
        json->err = json->err != ISO_OK ? json->err : ISO_E_NOMEM;
        return;
    }
    iso_json_object_begin(json);
    iso_json_put_z(json, "href", href);
    iso_json_put_z(json, "rel", rel);
    iso_json_put_z(json, "type", type);
    iso_json_object_end(json);
}

static void put_links(struct thing *thing)
{
    if (thing->place->http_base == NULL) {
        return;
    }
    iso_json_put_array_begin(&thing->json, "links");
    put_link(thing, "service-desc", "application/vnd.oai.openapi+json", "openapi.json");
    put_link(thing, "describedby", "text/plain", "wit");
    iso_json_array_end(&thing->json);
}

static void put_thing(struct thing *thing)
{
    struct iso_json *json = &thing->json;
    const struct iso_wit_world *world = thing->model.world;
    const struct iso_gen_place *place = thing->place;
    iso_json_object_begin(json);
    put_context(thing);
    if (place->id != NULL) {
        iso_json_put_z(json, "id", place->id);
    }
    iso_json_put_string_if(json, "title", gen_title(world, place));
    iso_json_put_string_if(json, "description", gen_description(world, place));
    iso_json_put_object_begin(json, "version");
    iso_json_put_string_if(json, "instance", gen_version(world, place));
    iso_json_object_end(json);
    put_security(thing);
    put_links(thing);
    put_definitions(thing);
    put_properties(thing);
    put_actions(thing);
    put_events(thing);
    iso_json_object_end(json);
}

enum iso_err iso_gen_thing(const struct iso_wit_world *world, const struct iso_gen_place *place,
                           struct iso_buf *out)
{
    static const struct iso_gen_place nowhere = {.id = NULL};
    struct thing thing = {.place = place != NULL ? place : &nowhere};
    size_t before = out->len;
    enum iso_err err = gen_model_init(&thing.model, out->alloc, world, false);
    if (err == ISO_OK) {
        iso_json_init_buf(&thing.json, out, 2);
        thing.schema = (struct gen_schema){.json = &thing.json, .alloc = out->alloc};
        put_thing(&thing);
        err = gen_model_whole(&thing.model, iso_json_finish(&thing.json));
    }
    gen_model_fini(&thing.model);
    if (err != ISO_OK) {
        out->len = before;
    }
    return err;
}
