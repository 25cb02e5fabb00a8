/* Examples of values in their JSON form (codec/codec.h), made from their types alone. */
#include "interface/gen_schema.h"

/* An example is for the eye: beyond this it is left out. Also keeps below the JSON writer's depth.
 */
#define EXAMPLE_MAX_DEPTH 20u
#define EXAMPLE_MAX_PARTS 100u

bool gen_example_fits(const struct iso_vtype *type)
{
    return type->depth <= EXAMPLE_MAX_DEPTH && type->parts <= EXAMPLE_MAX_PARTS;
}

static void put_case(struct iso_json *json, struct iso_str name, const struct iso_vtype *type)
{
    iso_json_object_begin(json);
    iso_json_key_str(json, name);
    if (type != NULL) {
        gen_example_put(json, type);
    } else {
        iso_json_null(json);
    }
    iso_json_object_end(json);
}

static void put_members(struct iso_json *json, const struct iso_vtype *type)
{
    bool record = type->kind == ISO_V_RECORD;
    if (record) {
        iso_json_object_begin(json);
    } else {
        iso_json_array_begin(json);
    }
    for (uint32_t i = 0; i < type->member_count; i++) {
        if (record) {
            iso_json_key_str(json, type->members[i].name);
        }
        gen_example_put(json, type->members[i].type);
    }
    if (record) {
        iso_json_object_end(json);
    } else {
        iso_json_array_end(json);
    }
}

static void put_option(struct iso_json *json, const struct iso_vtype *type)
{
    if (type->element->kind == ISO_V_OPTION) {
        put_case(json, iso_str_from_z("some"), type->element);
    } else {
        gen_example_put(json, type->element);
    }
}

static void put_list(struct iso_json *json, const struct iso_vtype *type)
{
    if (gen_is_bytes(type)) {
        iso_json_z(json, "AQID");
        return;
    }
    iso_json_array_begin(json);
    gen_example_put(json, type->element);
    iso_json_array_end(json);
}

void gen_example_put(struct iso_json *json, const struct iso_vtype *type)
{
    switch (type->kind) {
    case ISO_V_BOOL:
        iso_json_bool(json, true);
        break;
    case ISO_V_F32:
    case ISO_V_F64:
        iso_json_f64(json, 0.5);
        break;
    case ISO_V_CHAR:
        iso_json_z(json, "a");
        break;
    case ISO_V_STRING:
        iso_json_z(json, "text");
        break;
    case ISO_V_LIST:
        put_list(json, type);
        break;
    case ISO_V_TUPLE:
    case ISO_V_RECORD:
        put_members(json, type);
        break;
    case ISO_V_OPTION:
        put_option(json, type);
        break;
    case ISO_V_RESULT:
        put_case(json, iso_str_from_z("ok"), type->members[0].type);
        break;
    case ISO_V_VARIANT:
        put_case(json, type->members[0].name, type->members[0].type);
        break;
    case ISO_V_ENUM:
        iso_json_string(json, type->members[0].name);
        break;
    case ISO_V_FLAGS:
        iso_json_array_begin(json);
        iso_json_string(json, type->members[0].name);
        iso_json_array_end(json);
        break;
    default:
        iso_json_u64(json, 1);
        break;
    }
}

void gen_example_put_params(struct iso_json *json, const struct iso_wit_func *func)
{
    iso_json_object_begin(json);
    for (uint32_t i = 0; i < func->param_count; i++) {
        iso_json_key_str(json, func->params[i].name);
        gen_example_put(json, func->params[i].type);
    }
    iso_json_object_end(json);
}
