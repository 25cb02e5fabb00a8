/*
 * JSON Schemas of types: JSON Schema 2020-12 for OpenAPI 3.1, and the data schemas of W3C Web of
 * Things Thing Description 1.1 (section 5.3.2), which know tuples as arrays of `items`.
 */
#include "interface/gen_schema.h"

#include "base/json_member.h"

#include <float.h>

/* Below the writer's own limit by what one more type may add. */
#define SCHEMA_MAX_DEPTH (ISO_JSON_MAX_DEPTH - 8u)

static void put_type_name(struct gen_schema *schema, const char *name)
{
    iso_json_put_z(schema->json, "type", name);
}

static void put_description(struct gen_schema *schema, struct iso_str doc)
{
    if (doc.len != 0) {
        iso_json_put_string(schema->json, "description", doc);
    }
}

static void put_null_schema(struct gen_schema *schema)
{
    iso_json_object_begin(schema->json);
    put_type_name(schema, "null");
    iso_json_object_end(schema->json);
}

static void put_format(struct gen_schema *schema, const char *format)
{
    if (schema->model != NULL) {
        iso_json_put_z(schema->json, "format", format);
    }
}

/* ---- Numbers ------------------------------------------------------------------------------- */

struct integer_range {
    int64_t min;
    uint64_t max;
};

static struct integer_range range_of(enum iso_vkind kind)
{
    switch (kind) {
    case ISO_V_S8:
        return (struct integer_range){INT8_MIN, INT8_MAX};
    case ISO_V_U8:
        return (struct integer_range){0, UINT8_MAX};
    case ISO_V_S16:
        return (struct integer_range){INT16_MIN, INT16_MAX};
    case ISO_V_U16:
        return (struct integer_range){0, UINT16_MAX};
    case ISO_V_S32:
        return (struct integer_range){INT32_MIN, INT32_MAX};
    case ISO_V_U32:
        return (struct integer_range){0, UINT32_MAX};
    case ISO_V_S64:
        return (struct integer_range){INT64_MIN, INT64_MAX};
    default:
        return (struct integer_range){0, UINT64_MAX};
    }
}

static void put_integer(struct gen_schema *schema, enum iso_vkind kind)
{
    struct integer_range range = range_of(kind);
    put_type_name(schema, "integer");
    iso_json_put_i64(schema->json, "minimum", range.min);
    iso_json_put_u64(schema->json, "maximum", range.max);
    if (kind == ISO_V_S32) {
        put_format(schema, "int32");
    } else if (kind == ISO_V_S64) {
        put_format(schema, "int64");
    }
}

/* A number, or its digits: not every reader of JSON has integers above 2^53. */
static void put_wide_integer(struct gen_schema *schema, enum iso_vkind kind)
{
    struct iso_json *json = schema->json;
    iso_json_put_array_begin(json, "oneOf");
    iso_json_object_begin(json);
    put_integer(schema, kind);
    iso_json_object_end(json);
    iso_json_object_begin(json);
    put_type_name(schema, "string");
    iso_json_put_z(json, "pattern", kind == ISO_V_S64 ? "^-?[0-9]{1,19}$" : "^[0-9]{1,20}$");
    iso_json_object_end(json);
    iso_json_array_end(json);
}

static void put_float(struct gen_schema *schema, bool single)
{
    struct iso_json *json = schema->json;
    static const char *const names[] = {"nan", "inf", "-inf"};
    iso_json_put_array_begin(json, "oneOf");
    iso_json_object_begin(json);
    put_type_name(schema, "number");
    if (single) {
        iso_json_put_f64(json, "minimum", -(double)FLT_MAX);
        iso_json_put_f64(json, "maximum", (double)FLT_MAX);
    }
    put_format(schema, single ? "float" : "double");
    iso_json_object_end(json);
    iso_json_object_begin(json);
    put_type_name(schema, "string");
    iso_json_put_array_begin(json, "enum");
    for (size_t i = 0; i < ISO_COUNT_OF(names); i++) {
        iso_json_z(json, names[i]);
    }
    iso_json_array_end(json);
    iso_json_object_end(json);
    iso_json_array_end(json);
}

/* ---- Compound types ------------------------------------------------------------------------ */

/* A member whose name is not zero-terminated and may stand nowhere else. */
static void put_closed(struct gen_schema *schema)
{
    iso_json_put_bool(schema->json, "additionalProperties", false);
}

static void put_required(struct gen_schema *schema, struct iso_str only)
{
    iso_json_put_array_begin(schema->json, "required");
    iso_json_string(schema->json, only);
    iso_json_array_end(schema->json);
}

/* {"name": value}; type NULL: null. */
static void put_single(struct gen_schema *schema, struct iso_str name, const struct iso_vtype *type,
                       struct iso_str doc)
{
    struct iso_json *json = schema->json;
    iso_json_object_begin(json);
    put_type_name(schema, "object");
    if (doc.len != 0) {
        put_description(schema, doc);
    }
    iso_json_put_object_begin(json, "properties");
    iso_json_key_str(json, name);
    if (type != NULL) {
        gen_schema_put(schema, type, (struct iso_str){NULL, 0});
    } else {
        put_null_schema(schema);
    }
    iso_json_object_end(json);
    put_required(schema, name);
    put_closed(schema);
    iso_json_object_end(json);
}

static void put_choice(struct gen_schema *schema, const struct iso_vtype *type)
{
    struct iso_json *json = schema->json;
    struct iso_str none = {NULL, 0};
    iso_json_put_array_begin(json, "oneOf");
    if (type->kind == ISO_V_OPTION) {
        if (type->element->kind == ISO_V_OPTION) {
            put_single(schema, iso_str_from_z("some"), type->element, none);
        } else {
            gen_schema_put(schema, type->element, none);
        }
        put_null_schema(schema);
    } else if (type->kind == ISO_V_RESULT) {
        put_single(schema, iso_str_from_z("ok"), type->members[0].type, none);
        put_single(schema, iso_str_from_z("error"), type->members[1].type, none);
    } else {
        for (uint32_t i = 0; i < type->member_count; i++) {
            put_single(schema, type->members[i].name, type->members[i].type, type->members[i].doc);
        }
    }
    iso_json_array_end(json);
}

static void put_names(struct gen_schema *schema, const struct iso_vtype *type)
{
    iso_json_put_array_begin(schema->json, "enum");
    for (uint32_t i = 0; i < type->member_count; i++) {
        iso_json_string(schema->json, type->members[i].name);
    }
    iso_json_array_end(schema->json);
}

static void put_flags(struct gen_schema *schema, const struct iso_vtype *type)
{
    struct iso_json *json = schema->json;
    put_type_name(schema, "array");
    iso_json_put_object_begin(json, "items");
    put_type_name(schema, "string");
    put_names(schema, type);
    iso_json_object_end(json);
    iso_json_put_bool(json, "uniqueItems", true);
    iso_json_put_u64(json, "maxItems", type->member_count);
}

static void put_tuple(struct gen_schema *schema, const struct iso_vtype *type)
{
    struct iso_json *json = schema->json;
    put_type_name(schema, "array");
    iso_json_put_array_begin(json, schema->model != NULL ? "prefixItems" : "items");
    for (uint32_t i = 0; i < type->member_count; i++) {
        gen_schema_put(schema, type->members[i].type, (struct iso_str){NULL, 0});
    }
    iso_json_array_end(json);
    if (schema->model != NULL) {
        iso_json_put_bool(json, "items", false);
    }
    iso_json_put_u64(json, "minItems", type->member_count);
    iso_json_put_u64(json, "maxItems", type->member_count);
}

/* The members of an object: of a record, or a function's parameters. Options may be left out. */
struct object_member {
    struct iso_str name;
    struct iso_str doc;
    const struct iso_vtype *type;
};

static struct object_member member_at(const void *of, bool params, uint32_t index)
{
    if (params) {
        const struct iso_wit_param *param = &((const struct iso_wit_func *)of)->params[index];
        return (struct object_member){.name = param->name, .type = param->type};
    }
    const struct iso_vmember *member = &((const struct iso_vtype *)of)->members[index];
    return (struct object_member){.name = member->name, .doc = member->doc, .type = member->type};
}

static void put_object(struct gen_schema *schema, const void *of, bool params, uint32_t count)
{
    struct iso_json *json = schema->json;
    bool any = false;
    put_type_name(schema, "object");
    iso_json_put_object_begin(json, "properties");
    for (uint32_t i = 0; i < count; i++) {
        struct object_member member = member_at(of, params, i);
        iso_json_key_str(json, member.name);
        gen_schema_put(schema, member.type, member.doc);
        any |= member.type->kind != ISO_V_OPTION;
    }
    iso_json_object_end(json);
    if (any) {
        iso_json_put_array_begin(json, "required");
        for (uint32_t i = 0; i < count; i++) {
            struct object_member member = member_at(of, params, i);
            if (member.type->kind != ISO_V_OPTION) {
                iso_json_string(json, member.name);
            }
        }
        iso_json_array_end(json);
    }
    put_closed(schema);
}

static void put_text(struct gen_schema *schema, const struct iso_vtype *type)
{
    struct iso_json *json = schema->json;
    put_type_name(schema, "string");
    if (type->kind == ISO_V_CHAR) {
        iso_json_put_u64(json, "minLength", 1);
        iso_json_put_u64(json, "maxLength", 1);
    } else if (type->kind == ISO_V_LIST) {
        iso_json_put_z(json, "contentEncoding", "base64");
    } else if (type->kind == ISO_V_ENUM) {
        put_names(schema, type);
    }
}

static void put_list(struct gen_schema *schema, const struct iso_vtype *type)
{
    if (gen_is_bytes(type)) {
        put_text(schema, type);
        return;
    }
    put_type_name(schema, "array");
    iso_json_key(schema->json, "items");
    gen_schema_put(schema, type->element, (struct iso_str){NULL, 0});
}

/* ---- Any type ------------------------------------------------------------------------------ */

static void put_body(struct gen_schema *schema, const struct iso_vtype *type)
{
    switch (type->kind) {
    case ISO_V_BOOL:
        put_type_name(schema, "boolean");
        break;
    case ISO_V_S8:
    case ISO_V_U8:
    case ISO_V_S16:
    case ISO_V_U16:
    case ISO_V_S32:
    case ISO_V_U32:
        put_integer(schema, type->kind);
        break;
    case ISO_V_S64:
    case ISO_V_U64:
        put_wide_integer(schema, type->kind);
        break;
    case ISO_V_F32:
    case ISO_V_F64:
        put_float(schema, type->kind == ISO_V_F32);
        break;
    case ISO_V_CHAR:
    case ISO_V_STRING:
    case ISO_V_ENUM:
        put_text(schema, type);
        break;
    case ISO_V_LIST:
        put_list(schema, type);
        break;
    case ISO_V_TUPLE:
        put_tuple(schema, type);
        break;
    case ISO_V_RECORD:
        put_object(schema, type, false, type->member_count);
        break;
    case ISO_V_FLAGS:
        put_flags(schema, type);
        break;
    case ISO_V_OPTION:
    case ISO_V_RESULT:
    case ISO_V_VARIANT:
        put_choice(schema, type);
        break;
    }
}

/* The type's documentation, with that of its cases or flags, which have no schemas of their own. */
static void put_type_description(struct gen_schema *schema, const struct iso_vtype *type,
                                 struct iso_str doc)
{
    struct iso_buf buf;
    struct gen_out out;
    iso_buf_init(&buf, schema->alloc, GEN_MAX_FILE);
    gen_out_init(&out, &buf);
    gen_put_str(&out, doc.len != 0 ? doc : type->doc);
    bool names = type->kind == ISO_V_ENUM || type->kind == ISO_V_FLAGS;
    for (uint32_t i = 0; names && i < type->member_count; i++) {
        if (type->members[i].doc.len != 0) {
            gen_put(&out, "%s- ", buf.len != 0 ? "\n" : "");
            gen_put_str(&out, type->members[i].name);
            gen_put(&out, ": ");
            gen_put_str(&out, type->members[i].doc);
        }
    }
    put_description(schema, iso_str_from((const char *)buf.ptr, buf.len));
    if (out.err != ISO_OK && schema->json->err == ISO_OK) {
        schema->json->err = out.err;
    }
    iso_buf_fini(&buf);
}

void gen_schema_put_definition(struct gen_schema *schema, const struct iso_vtype *type)
{
    iso_json_object_begin(schema->json);
    put_type_description(schema, type, (struct iso_str){NULL, 0});
    put_body(schema, type);
    iso_json_object_end(schema->json);
}

void gen_schema_put(struct gen_schema *schema, const struct iso_vtype *type, struct iso_str doc)
{
    struct iso_json *json = schema->json;
    iso_json_object_begin(json);
    if (json->depth > SCHEMA_MAX_DEPTH) {
        put_description(schema,
                        iso_str_from_z("Nested too deeply to be described here; see the WIT."));
        iso_json_object_end(json);
        return;
    }
    if (schema->model != NULL) {
        const struct gen_type *entry = &schema->model->types[gen_model_id(schema->model, type)];
        if (entry->nominal) {
            iso_json_key(json, "$ref");
            char text[256];
            size_t len = iso_format(text, sizeof text, "#/components/schemas/%s", entry->name);
            iso_json_string(json, iso_str_from(text, len));
            put_description(schema, doc);
            iso_json_object_end(json);
            return;
        }
    }
    put_type_description(schema, type, doc);
    put_body(schema, type);
    iso_json_object_end(json);
}

void gen_schema_put_members(struct gen_schema *schema, const struct iso_vtype *type,
                            struct iso_str doc)
{
    put_type_description(schema, type, doc);
    put_body(schema, type);
}

void gen_schema_put_params(struct gen_schema *schema, const struct iso_wit_func *func)
{
    iso_json_object_begin(schema->json);
    put_object(schema, func, true, func->param_count);
    iso_json_object_end(schema->json);
}

/* ---- What functions answer ------------------------------------------------------------------ */

bool gen_is_bytes(const struct iso_vtype *type)
{
    return type != NULL && type->kind == ISO_V_LIST && type->element->kind == ISO_V_U8;
}

bool gen_can_fail(const struct iso_wit_func *func)
{
    return func->result != NULL && func->result->kind == ISO_V_RESULT;
}

const struct iso_vtype *gen_success(const struct iso_wit_func *func)
{
    return gen_can_fail(func) ? func->result->members[0].type : func->result;
}

const struct iso_vtype *gen_failure(const struct iso_wit_func *func)
{
    return gen_can_fail(func) ? func->result->members[1].type : NULL;
}

struct iso_str gen_property_of(const struct gen_func *f, struct iso_arena *arena)
{
    struct iso_str none = {NULL, 0};
    struct iso_str name = f->func->name;
    bool getter = name.len > 4 && memcmp(name.ptr, "get-", 4) == 0 && f->func->param_count == 0 &&
                  gen_success(f->func) != NULL;
    if (!getter) {
        return none;
    }
    /* "get-x", "iface.get-x", "ns:pkg/iface#get-x": the name without the word. */
    size_t before = strlen(f->path) - name.len;
    char *text = iso_arena_alloc(arena, before + name.len);
    if (text == NULL) {
        return none;
    }
    iso_memory_copy(text, f->path, before);
    memcpy(text + before, name.ptr + 4, name.len - 4);
    return iso_str_from(text, before + name.len - 4);
}

struct iso_str gen_title(const struct iso_wit_world *world, const struct iso_gen_place *place)
{
    if (place != NULL && place->title != NULL && place->title[0] != '\0') {
        return iso_str_from_z(place->title);
    }
    if (place != NULL && place->info != NULL && place->info->name.len != 0) {
        return place->info->name;
    }
    return world->name;
}

struct iso_str gen_version(const struct iso_wit_world *world, const struct iso_gen_place *place)
{
    if (place != NULL && place->info != NULL && place->info->version.len != 0) {
        return place->info->version;
    }
    if (world->package != NULL && world->package->version.len != 0) {
        return world->package->version;
    }
    return iso_str_from_z("0.0.0");
}

struct iso_str gen_description(const struct iso_wit_world *world, const struct iso_gen_place *place)
{
    if (place != NULL && place->info != NULL && place->info->description.len != 0) {
        return place->info->description;
    }
    if (world->doc.len != 0 || world->package == NULL) {
        return world->doc;
    }
    return world->package->doc;
}
