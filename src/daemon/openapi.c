/* openapi.c - the OpenAPI 3.1 document of a daemon; see openapi.h. */
#include "daemon/openapi.h"

#include "base/format.h"
#include "base/json_member.h"

#include <string.h>

static const char *method_name(unsigned method)
{
    switch (method) {
    case ISO_HTTP_GET:
        return "get";
    case ISO_HTTP_PUT:
        return "put";
    case ISO_HTTP_POST:
        return "post";
    case ISO_HTTP_PATCH:
        return "patch";
    default:
        return "delete";
    }
}

static void put_parameters(struct iso_json *json, const char *pattern)
{
    bool any = false;
    for (const char *at = strchr(pattern, '{'); at != NULL; at = strchr(at + 1, '{')) {
        const char *end = strchr(at, '}');
        if (!any) {
            iso_json_put_array_begin(json, "parameters");
        }
        any = true;
        iso_json_object_begin(json);
        iso_json_put_string(json, "name", iso_str_from(at + 1, (size_t)(end - at - 1)));
        iso_json_put_z(json, "in", "path");
        iso_json_put_bool(json, "required", true);
        iso_json_put_object_begin(json, "schema");
        iso_json_put_z(json, "type", "string");
        iso_json_object_end(json);
        iso_json_object_end(json);
    }
    if (any) {
        iso_json_array_end(json);
    }
}

static void put_response(struct iso_json *json, const char *status, const char *description,
                         const char *type)
{
    iso_json_put_object_begin(json, status);
    iso_json_put_z(json, "description", description);
    if (type != NULL) {
        iso_json_put_object_begin(json, "content");
        iso_json_put_object_begin(json, type);
        iso_json_object_end(json);
        iso_json_object_end(json);
    }
    iso_json_object_end(json);
}

static void put_operation(struct iso_json *json, const struct iso_route *route)
{
    iso_json_put_object_begin(json, method_name(route->method));
    iso_json_put_z(json, "summary", route->summary);
    put_parameters(json, route->pattern);
    if (route->body_max != 0) {
        iso_json_put_object_begin(json, "requestBody");
        iso_json_put_object_begin(json, "content");
        iso_json_put_object_begin(json,
                                  route->body_type != NULL ? route->body_type : "application/json");
        iso_json_object_end(json);
        iso_json_object_end(json);
        iso_json_object_end(json);
    }
    iso_json_put_object_begin(json, "responses");
    put_response(json, "2XX", "As the summary says.", route->answer_type);
    put_response(json, "default", "A problem document (RFC 9457).", "application/problem+json");
    iso_json_object_end(json);
    iso_json_put_array_begin(json, "security");
    if (route->access != ISO_ROUTE_PUBLIC) {
        iso_json_object_begin(json);
        iso_json_put_array_begin(json, "bearer");
        iso_json_array_end(json);
        iso_json_object_end(json);
    }
    iso_json_array_end(json);
    iso_json_object_end(json);
}

static const struct iso_route *route_at(const struct iso_route_table *tables, size_t index)
{
    for (; tables->routes != NULL; tables++) {
        for (const struct iso_route *route = tables->routes; route->method != 0; route++) {
            if (index-- == 0) {
                return route;
            }
        }
    }
    return NULL;
}

/* All methods of one path stand together: the first route of a path brings the others along. */
static void put_path(struct iso_json *json, const struct iso_route_table *tables, size_t first)
{
    const struct iso_route *route = route_at(tables, first);
    char path[160];
    for (size_t i = 0; i < first; i++) {
        if (strcmp(route_at(tables, i)->pattern, route->pattern) == 0) {
            return;
        }
    }
    (void)iso_format(path, sizeof path, "/%s", route->pattern);
    iso_json_put_object_begin(json, path);
    const struct iso_route *other;
    for (size_t i = first; (other = route_at(tables, i)) != NULL; i++) {
        if (strcmp(other->pattern, route->pattern) == 0) {
            put_operation(json, other);
        }
    }
    iso_json_object_end(json);
}

enum iso_err iso_openapi_write(const struct iso_openapi_info *info,
                               const struct iso_route_table *tables, struct iso_buf *out)
{
    struct iso_json json;
    iso_json_init_buf(&json, out, 0);
    iso_json_object_begin(&json);
    iso_json_put_z(&json, "openapi", "3.1.0");
    iso_json_put_object_begin(&json, "info");
    iso_json_put_z(&json, "title", info->title);
    iso_json_put_z(&json, "version", info->version);
    iso_json_put_z(&json, "description", info->description);
    iso_json_object_end(&json);
    iso_json_put_array_begin(&json, "servers");
    iso_json_object_begin(&json);
    iso_json_put_z(&json, "url", info->base);
    iso_json_object_end(&json);
    iso_json_array_end(&json);
    iso_json_put_object_begin(&json, "paths");
    for (size_t i = 0; route_at(tables, i) != NULL; i++) {
        put_path(&json, tables, i);
    }
    iso_json_object_end(&json);
    iso_json_put_object_begin(&json, "components");
    iso_json_put_object_begin(&json, "securitySchemes");
    iso_json_put_object_begin(&json, "bearer");
    iso_json_put_z(&json, "type", "http");
    iso_json_put_z(&json, "scheme", "bearer");
    iso_json_object_end(&json);
    iso_json_object_end(&json);
    iso_json_object_end(&json);
    iso_json_object_end(&json);
    return iso_json_finish(&json);
}
