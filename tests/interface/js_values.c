/* Values as JavaScript expressions. See the header. */
#include "js_values.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void put_bytes(struct iso_buf *out, const void *text, size_t len)
{
    if (iso_buf_append(out, text, len) != ISO_OK) {
        (void)fprintf(stderr, "interface_tool: out of memory\n");
        exit(2);
    }
}

void js_put(struct iso_buf *out, const char *text)
{
    put_bytes(out, text, strlen(text));
}

void js_put_name(struct iso_buf *out, struct iso_str name)
{
    bool upper = false;
    js_put(out, "\"");
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (c == '-') {
            upper = true;
            continue;
        }
        c = upper && c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
        put_bytes(out, &c, 1);
        upper = false;
    }
    js_put(out, "\"");
}

static void put_quoted(struct iso_buf *out, struct iso_str text)
{
    struct iso_json json;
    iso_json_init_buf(&json, out, 0);
    iso_json_string(&json, text);
    if (iso_json_finish(&json) != ISO_OK) {
        exit(2);
    }
}

static void put_number(struct iso_buf *out, enum iso_vkind kind, const struct iso_value *value)
{
    char text[40];
    char number[32];
    if (kind == ISO_V_F32 || kind == ISO_V_F64) {
        double f = kind == ISO_V_F32 ? (double)value->f32 : value->f64;
        (void)iso_format_f64(number, f);
        js_put(out, isnan(f) ? "NaN" : isinf(f) ? (f > 0 ? "Infinity" : "-Infinity") : number);
        return;
    }
    bool is_signed =
        kind == ISO_V_S8 || kind == ISO_V_S16 || kind == ISO_V_S32 || kind == ISO_V_S64;
    bool wide = kind == ISO_V_S64 || kind == ISO_V_U64;
    if (is_signed) {
        (void)snprintf(text, sizeof text, "%lld%s", (long long)value->s, wide ? "n" : "");
    } else {
        (void)snprintf(text, sizeof text, "%llu%s", (unsigned long long)value->u, wide ? "n" : "");
    }
    js_put(out, text);
}

static const char *typed_array(enum iso_vkind kind)
{
    static const char *const names[ISO_V_F64 + 1] = {
        [ISO_V_S8] = "Int8Array",      [ISO_V_U8] = "Uint8Array",      [ISO_V_S16] = "Int16Array",
        [ISO_V_U16] = "Uint16Array",   [ISO_V_S32] = "Int32Array",     [ISO_V_U32] = "Uint32Array",
        [ISO_V_S64] = "BigInt64Array", [ISO_V_U64] = "BigUint64Array", [ISO_V_F32] = "Float32Array",
        [ISO_V_F64] = "Float64Array"};
    return kind <= ISO_V_F64 ? names[kind] : NULL;
}

static void put_list(struct iso_buf *out, const struct iso_vtype *type,
                     const struct iso_value *value)
{
    const char *array = typed_array(type->element->kind);
    bool bytes = type->element->kind == ISO_V_U8;
    size_t count = bytes ? value->bytes.len : value->list.count;
    if (array != NULL) {
        js_put(out, "new ");
        js_put(out, array);
        js_put(out, "(");
    }
    js_put(out, "[");
    for (size_t i = 0; i < count; i++) {
        struct iso_value byte = {.u = bytes ? value->bytes.ptr[i] : 0};
        js_put_value(out, type->element, bytes ? &byte : &value->list.items[i]);
        js_put(out, ",");
    }
    js_put(out, array != NULL ? "])" : "]");
}

static void put_tagged(struct iso_buf *out, struct iso_str tag, const struct iso_vtype *type,
                       const struct iso_value *payload)
{
    js_put(out, "{tag:");
    put_quoted(out, tag);
    if (type != NULL) {
        js_put(out, ",val:");
        js_put_value(out, type, payload);
    }
    js_put(out, "}");
}

static void put_choice(struct iso_buf *out, const struct iso_vtype *type,
                       const struct iso_value *value)
{
    uint32_t index = value->choice.index;
    const struct iso_vtype *payload = iso_vtype_case_payload(type, index);
    if (type->kind == ISO_V_VARIANT) {
        put_tagged(out, type->members[index].name, payload, value->choice.payload);
    } else if (type->kind == ISO_V_RESULT) {
        put_tagged(out, iso_str_from_z(index == 0 ? "ok" : "err"), payload, value->choice.payload);
    } else if (type->element->kind == ISO_V_OPTION) {
        put_tagged(out, iso_str_from_z(index == 0 ? "none" : "some"), payload,
                   value->choice.payload);
    } else if (index == 0) {
        js_put(out, "undefined");
    } else {
        js_put_value(out, payload, value->choice.payload);
    }
}

static void put_members(struct iso_buf *out, const struct iso_vtype *type,
                        const struct iso_value *value)
{
    bool tuple = type->kind == ISO_V_TUPLE;
    js_put(out, tuple ? "[" : "{");
    for (uint32_t i = 0; i < type->member_count; i++) {
        if (!tuple) {
            js_put_name(out, type->members[i].name);
            js_put(out, ":");
        }
        if (type->kind == ISO_V_FLAGS) {
            js_put(out, value->flags[i / 32] >> (i % 32) & 1 ? "true" : "false");
        } else {
            js_put_value(out, type->members[i].type, &value->list.items[i]);
        }
        js_put(out, ",");
    }
    js_put(out, tuple ? "]" : "}");
}

void js_put_value(struct iso_buf *out, const struct iso_vtype *type, const struct iso_value *value)
{
    switch (type->kind) {
    case ISO_V_BOOL:
        js_put(out, value->boolean ? "true" : "false");
        break;
    case ISO_V_CHAR:
        js_put(out, "String.fromCodePoint(");
        put_number(out, ISO_V_U32, &(struct iso_value){.u = value->character});
        js_put(out, ")");
        break;
    case ISO_V_STRING:
        put_quoted(out, value->string);
        break;
    case ISO_V_ENUM:
        put_quoted(out, type->members[value->u].name);
        break;
    case ISO_V_LIST:
        put_list(out, type, value);
        break;
    case ISO_V_TUPLE:
    case ISO_V_RECORD:
    case ISO_V_FLAGS:
        put_members(out, type, value);
        break;
    case ISO_V_OPTION:
    case ISO_V_RESULT:
    case ISO_V_VARIANT:
        put_choice(out, type, value);
        break;
    default:
        put_number(out, type->kind, value);
        break;
    }
}
