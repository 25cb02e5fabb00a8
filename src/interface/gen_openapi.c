/*
 * OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.0) of a world's exports: one path for each
 * function and each property, with the addresses and outcomes of docs/api.md.
 */
#include "interface/gen_schema.h"

#include "base/json_member.h"

struct api {
    struct gen_model model;
    struct gen_schema schema;
    struct iso_json json;
    const struct iso_gen_place *place;
};

static const struct outcome {
    const char *status;
    const char *name; /* of the response in the components */
    const char *text;
} outcomes[] = {
    {"400", "bad-request",
     "The arguments are not of the interface's types; the detail names the place."},
    {"401", "unauthorized", "There is no credential, or it is not known."},
    {"403", "forbidden", "The credential does not allow calls, or the origin is foreign."},
    {"404", "not-found", "There is no such component or function here."},
    {"409", "moved", "The component has moved to another device."},
    {"413", "too-large", "The body is larger than the device takes."},
    {"415", "media-type", "The body is neither JSON nor CBOR, nor raw where that is possible."},
    {"429", "queue-full", "Too many calls are waiting; try again later."},
    {"500", "trap", "The module trapped."},
    {"503", "limit", "A limit of time, fuel or memory was reached, or the device is not ready."},
};

static void put_reference(struct iso_json *json, const char *kind, const char *name)
{
    char text[128];
    size_t len = iso_format(text, sizeof text, "#/components/%s/%s", kind, name);
    iso_json_object_begin(json);
    iso_json_put_string(json, "$ref", iso_str_from(text, len));
    iso_json_object_end(json);
}

/* ---- Bodies -------------------------------------------------------------------------------- */

static void put_params_body(struct api *api, const struct iso_wit_func *func)
{
    struct iso_json *json = &api->json;
    bool fits = true;
    uint32_t parts = 0;
    for (uint32_t i = 0; i < func->param_count; i++) {
        fits = fits && gen_example_fits(func->params[i].type);
        parts += func->params[i].type->parts;
    }
    iso_json_put_object_begin(json, "content");
    iso_json_put_object_begin(json, "application/json");
    iso_json_key(json, "schema");
    gen_schema_put_params(&api->schema, func);
    if (fits && parts <= 200) {
        iso_json_key(json, "example");
        gen_example_put_params(json, func);
    }
    iso_json_object_end(json);
    iso_json_put_object_begin(json, "application/cbor");
    iso_json_key(json, "schema");
    gen_schema_put_params(&api->schema, func);
    iso_json_object_end(json);
    if (func->param_count == 1 && gen_is_bytes(func->params[0].type)) {
        iso_json_put_object_begin(json, "application/octet-stream");
        iso_json_object_end(json);
    }
    iso_json_object_end(json);
}

static void put_value_body(struct api *api, const struct iso_vtype *type)
{
    struct iso_json *json = &api->json;
    struct iso_str none = {NULL, 0};
    iso_json_put_object_begin(json, "content");
    iso_json_put_object_begin(json, "application/json");
    iso_json_key(json, "schema");
    gen_schema_put(&api->schema, type, none);
    if (gen_example_fits(type)) {
        iso_json_key(json, "example");
        gen_example_put(json, type);
    }
    iso_json_object_end(json);
    iso_json_put_object_begin(json, "application/cbor");
    iso_json_key(json, "schema");
    gen_schema_put(&api->schema, type, none);
    iso_json_object_end(json);
    if (gen_is_bytes(type)) {
        iso_json_put_object_begin(json, "application/octet-stream");
        iso_json_object_end(json);
    }
    iso_json_object_end(json);
}

/* 422: a problem document with the value of the err result as its member "error". */
static void put_failure(struct api *api, const struct iso_wit_func *func)
{
    struct iso_json *json = &api->json;
    const struct iso_vtype *type = gen_failure(func);
    iso_json_put_object_begin(json, "422");
    iso_json_put_z(json, "description", "The function answered an err result.");
    iso_json_put_object_begin(json, "content");
    iso_json_put_object_begin(json, "application/problem+json");
    iso_json_key(json, "schema");
    if (type == NULL) {
        put_reference(json, "schemas", "Problem");
    } else {
        iso_json_object_begin(json);
        iso_json_put_array_begin(json, "allOf");
        put_reference(json, "schemas", "Problem");
        iso_json_object_begin(json);
        iso_json_put_z(json, "type", "object");
        iso_json_put_object_begin(json, "properties");
        iso_json_key(json, "error");
        gen_schema_put(&api->schema, type, (struct iso_str){NULL, 0});
        iso_json_object_end(json);
        iso_json_put_array_begin(json, "required");
        iso_json_z(json, "error");
        iso_json_array_end(json);
        iso_json_object_end(json);
        iso_json_array_end(json);
        iso_json_object_end(json);
    }
    iso_json_object_end(json);
    iso_json_object_end(json);
    iso_json_object_end(json);
}

static void put_responses(struct api *api, const struct iso_wit_func *func, bool property)
{
    struct iso_json *json = &api->json;
    const struct iso_vtype *type = gen_success(func);
    iso_json_put_object_begin(json, "responses");
    iso_json_put_object_begin(json, type != NULL ? "200" : "204");
    iso_json_put_z(json, "description",
                   property       ? "The value."
                   : type != NULL ? "The result."
                                  : "Done; the function has no result.");
    if (type != NULL) {
        put_value_body(api, type);
    }
    iso_json_object_end(json);
    bool failed = false;
    for (size_t i = 0; i < ISO_COUNT_OF(outcomes); i++) {
        if (!failed && gen_can_fail(func) && strcmp(outcomes[i].status, "422") > 0) {
            put_failure(api, func);
            failed = true;
        }
        bool body_only = strcmp(outcomes[i].status, "413") == 0 ||
                         strcmp(outcomes[i].status, "415") == 0 ||
                         strcmp(outcomes[i].status, "400") == 0;
        if (!property || !body_only) {
            iso_json_key(json, outcomes[i].status);
            put_reference(json, "responses", outcomes[i].name);
        }
    }
    iso_json_object_end(json);
}

/* ---- Paths --------------------------------------------------------------------------------- */

/* The first sentence or line of a doc comment. */
static struct iso_str summary_of(struct iso_str doc)
{
    for (size_t i = 0; i < doc.len; i++) {
        bool stop = doc.ptr[i] == '.' && (i + 1 == doc.len || doc.ptr[i + 1] == ' ');
        if (doc.ptr[i] == '\n' || stop) {
            return iso_str_from(doc.ptr, i);
        }
    }
    return doc;
}

static void put_operation_head(struct api *api, const struct gen_func *f, const char *verb,
                               const char *id)
{
    struct iso_json *json = &api->json;
    iso_json_put_object_begin(json, verb);
    iso_json_put_z(json, "operationId", id);
    iso_json_put_string_if(json, "summary", summary_of(f->func->doc));
    iso_json_put_string_if(json, "description", f->func->doc);
    iso_json_put_array_begin(json, "tags");
    iso_json_string(json, f->interface != NULL ? f->interface_name : api->model.world->name);
    iso_json_array_end(json);
}

/* A key of the paths: "/" and what RFC 3986 allows in a segment; braces would be parameters. */
static void put_path(struct api *api, const char *before, struct iso_str path)
{
    char *copy = iso_arena_copy_str(&api->model.arena, path);
    char *key = copy != NULL ? gen_join(&api->model.arena, before, copy, NULL) : NULL;
    for (char *at = key != NULL ? key + strlen(before) : NULL; at != NULL && *at != '\0'; at++) {
        *at = *at == '/' || *at == '#' ? '.' : *at;
    }
    iso_json_put_object_begin(&api->json, key != NULL ? key : "/");
}

static void put_function(struct api *api, const struct gen_func *f)
{
    struct iso_json *json = &api->json;
    put_path(api, "/", iso_str_from_z(f->path));
    put_operation_head(api, f, "post", f->path);
    iso_json_put_array_begin(json, "parameters");
    put_reference(json, "parameters", "idempotency-key");
    iso_json_array_end(json);
    if (f->func->param_count != 0) {
        iso_json_put_object_begin(json, "requestBody");
        bool required = false;
        for (uint32_t i = 0; i < f->func->param_count; i++) {
            required |= f->func->params[i].type->kind != ISO_V_OPTION;
        }
        iso_json_put_bool(json, "required", required);
        put_params_body(api, f->func);
        iso_json_object_end(json);
    }
    put_responses(api, f->func, false);
    iso_json_object_end(json);
    iso_json_object_end(json);
}

static void put_property(struct api *api, const struct gen_func *f, struct iso_str name)
{
    struct iso_json *json = &api->json;
    char *copy = iso_arena_copy_str(&api->model.arena, name);
    char *id = copy != NULL ? gen_join(&api->model.arena, "properties.", copy, NULL) : NULL;
    put_path(api, "/properties/", name);
    put_operation_head(api, f, "get", id);
    put_responses(api, f->func, true);
    iso_json_object_end(json);
    iso_json_object_end(json);
}

static void put_paths(struct api *api)
{
    iso_json_put_object_begin(&api->json, "paths");
    for (uint32_t i = 0; i < api->model.func_count; i++) {
        const struct gen_func *f = &api->model.funcs[i];
        if (f->imported) {
            continue;
        }
        put_function(api, f);
        struct iso_str name = gen_property_of(f, &api->model.arena);
        if (name.len != 0) {
            put_property(api, f, name);
        }
    }
    iso_json_object_end(&api->json);
}

/* ---- Components ---------------------------------------------------------------------------- */

static void put_problem(struct iso_json *json)
{
    static const struct {
        const char *name, *type, *description;
    } members[] = {
        {"type", "string", "A name of the kind of problem."},
        {"title", "string", "What the kind of problem is, for people."},
        {"status", "integer", "The HTTP status code."},
        {"detail", "string", "What is wrong here, where, and what would be right."},
        {"instance", "string", "An identifier of this occurrence."},
    };
    iso_json_put_object_begin(json, "Problem");
    iso_json_put_z(json, "type", "object");
    iso_json_put_z(json, "description", "A problem document (RFC 9457).");
    iso_json_put_object_begin(json, "properties");
    for (size_t i = 0; i < ISO_COUNT_OF(members); i++) {
        iso_json_put_object_begin(json, members[i].name);
        iso_json_put_z(json, "type", members[i].type);
        iso_json_put_z(json, "description", members[i].description);
        iso_json_object_end(json);
    }
    iso_json_object_end(json);
    iso_json_object_end(json);
}

static void put_schemas(struct api *api)
{
    iso_json_put_object_begin(&api->json, "schemas");
    for (uint32_t i = 0; i < api->model.type_count; i++) {
        const struct gen_type *entry = &api->model.types[i];
        if (entry->nominal) {
            iso_json_key(&api->json, entry->name);
            gen_schema_put_definition(&api->schema, entry->type);
        }
    }
    put_problem(&api->json);
    iso_json_object_end(&api->json);
}

static void put_shared_responses(struct iso_json *json)
{
    iso_json_put_object_begin(json, "responses");
    for (size_t i = 0; i < ISO_COUNT_OF(outcomes); i++) {
        iso_json_put_object_begin(json, outcomes[i].name);
        iso_json_put_z(json, "description", outcomes[i].text);
        iso_json_put_object_begin(json, "content");
        iso_json_put_object_begin(json, "application/problem+json");
        iso_json_key(json, "schema");
        put_reference(json, "schemas", "Problem");
        iso_json_object_end(json);
        iso_json_object_end(json);
        iso_json_object_end(json);
    }
    iso_json_object_end(json);
}

static void put_components(struct api *api)
{
    struct iso_json *json = &api->json;
    iso_json_put_object_begin(json, "components");
    put_schemas(api);
    put_shared_responses(json);
    iso_json_put_object_begin(json, "parameters");
    iso_json_put_object_begin(json, "idempotency-key");
    iso_json_put_z(json, "name", "Idempotency-Key");
    iso_json_put_z(json, "in", "header");
    iso_json_put_z(json, "description",
                   "A repeated call with the same key is answered, not executed again.");
    iso_json_put_object_begin(json, "schema");
    iso_json_put_z(json, "type", "string");
    iso_json_object_end(json);
    iso_json_object_end(json);
    iso_json_object_end(json);
    if (api->place->http_base != NULL) {
        iso_json_put_object_begin(json, "securitySchemes");
        iso_json_put_object_begin(json, "bearer");
        iso_json_put_z(json, "type", "http");
        iso_json_put_z(json, "scheme", "bearer");
        iso_json_put_z(json, "description", "A token of this device or its orchestrator.");
        iso_json_object_end(json);
        iso_json_object_end(json);
    }
    iso_json_object_end(json);
}

/* ---- The document -------------------------------------------------------------------------- */

static void put_info(struct api *api)
{
    struct iso_json *json = &api->json;
    const struct iso_wit_world *world = api->model.world;
    const struct iso_package_info *info = api->place->info;
    iso_json_put_object_begin(json, "info");
    iso_json_put_string_if(json, "title", gen_title(world, api->place));
    iso_json_put_string_if(json, "version", gen_version(world, api->place));
    iso_json_put_string_if(json, "description", gen_description(world, api->place));
    if (info != NULL && info->licence.len != 0) {
        iso_json_put_object_begin(json, "license");
        iso_json_put_string_if(json, "name", info->licence);
        iso_json_object_end(json);
    }
    iso_json_object_end(json);
    if (api->place->http_base != NULL) {
        iso_json_put_array_begin(json, "servers");
        iso_json_object_begin(json);
        iso_json_put_z(json, "url", api->place->http_base);
        iso_json_object_end(json);
        iso_json_array_end(json);
    }
}

static void put_tags(struct api *api)
{
    struct iso_json *json = &api->json;
    const struct iso_wit_world *world = api->model.world;
    bool plain = false;
    struct gen_names seen;
    gen_names_init(&seen, &api->model.arena);
    iso_json_put_array_begin(json, "tags");
    for (uint32_t i = 0; i < world->export_count; i++) {
        const struct iso_wit_item *item = &world->exports[i];
        if (item->interface == NULL && plain) {
            continue;
        }
        plain |= item->interface == NULL;
        struct iso_str name = item->interface == NULL ? world->name
                              : item->name.len != 0   ? item->name
                                                      : item->interface->name;
        char *copy = iso_arena_copy_str(&api->model.arena, name);
        if (copy == NULL || !gen_names_take(&seen, copy)) {
            continue;
        }
        iso_json_object_begin(json);
        iso_json_put_string_if(json, "name", name);
        iso_json_put_string_if(json, "description",
                               item->interface != NULL ? item->interface->doc : world->doc);
        iso_json_object_end(json);
    }
    iso_json_array_end(json);
}

static void put_api(struct api *api)
{
    struct iso_json *json = &api->json;
    iso_json_object_begin(json);
    iso_json_put_z(json, "openapi", "3.1.0");
    put_info(api);
    if (api->place->http_base != NULL) {
        iso_json_put_array_begin(json, "security");
        iso_json_object_begin(json);
        iso_json_put_array_begin(json, "bearer");
        iso_json_array_end(json);
        iso_json_object_end(json);
        iso_json_array_end(json);
    }
    put_tags(api);
    put_paths(api);
    put_components(api);
    iso_json_object_end(json);
}

/* "point", or "shapes.point" where two interfaces have one. "Problem" is no name in WIT. */
static enum iso_err name_schemas(struct gen_model *model)
{
    struct gen_names names;
    gen_names_init(&names, &model->arena);
    for (uint32_t i = 0; i < model->type_count; i++) {
        struct gen_type *entry = &model->types[i];
        if (!entry->nominal) {
            continue;
        }
        struct iso_str owner =
            entry->type->owner != NULL ? entry->type->owner->name : model->world->name;
        char *name = iso_arena_copy_str(&model->arena, entry->type->name);
        char *longer = iso_arena_copy_str(&model->arena, owner);
        if (name == NULL || longer == NULL) {
            return ISO_E_NOMEM;
        }
        longer = gen_join(&model->arena, longer, ".", name, NULL);
        entry->name = gen_names_claim(&names, name, longer);
        if (entry->name == NULL) {
            return ISO_E_NOMEM;
        }
    }
    return ISO_OK;
}

enum iso_err iso_gen_openapi(const struct iso_wit_world *world, const struct iso_gen_place *place,
                             struct iso_buf *out)
{
    static const struct iso_gen_place nowhere = {.id = NULL};
    struct api api = {.place = place != NULL ? place : &nowhere};
    size_t before = out->len;
    enum iso_err err = gen_model_init(&api.model, out->alloc, world, true);
    if (err == ISO_OK) {
        err = name_schemas(&api.model);
    }
    if (err == ISO_OK) {
        iso_json_init_buf(&api.json, out, 2);
        api.schema =
            (struct gen_schema){.json = &api.json, .alloc = out->alloc, .model = &api.model};
        put_api(&api);
        err = gen_model_whole(&api.model, iso_json_finish(&api.json));
    }
    gen_model_fini(&api.model);
    if (err != ISO_OK) {
        out->len = before;
    }
    return err;
}
