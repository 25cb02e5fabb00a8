/*
 * wit_binary_type.c - type definitions and their index spaces (Binary.md, "Type Definitions").
 */
#include "interface/wit_binary.h"
#include "interface/wit_syntax.h"

enum iso_err iso_wit_scope_add(struct iso_wit_decoder *decoder, struct iso_wit_scope *scope,
                               const struct iso_wit_entity *entity)
{
    if (scope->entity_count == ISO_WIT_MAX_INDICES) {
        return iso_wit_bad(&decoder->reader, ISO_E_LIMIT, "more than %u types in one scope",
                           ISO_WIT_MAX_INDICES);
    }
    if (scope->entity_count == scope->entity_room) {
        uint32_t room = scope->entity_room == 0 ? 16 : scope->entity_room * 2;
        struct iso_wit_entity *grown = iso_arena_array(decoder->arena, room, sizeof *grown);
        if (grown == NULL) {
            return ISO_E_NOMEM;
        }
        iso_memory_copy(grown, scope->entities, scope->entity_count * sizeof *grown);
        scope->entities = grown;
        scope->entity_room = room;
    }
    scope->entities[scope->entity_count++] = *entity;
    return ISO_OK;
}

enum iso_err iso_wit_scope_get(struct iso_wit_decoder *decoder, const struct iso_wit_scope *scope,
                               struct iso_wit_entity *out)
{
    uint32_t index;
    enum iso_err err = iso_wit_read_u32(&decoder->reader, &index);
    if (err == ISO_OK && index >= scope->entity_count) {
        return iso_wit_bad(&decoder->reader, ISO_E_INVALID, "type %u where there are %u",
                           (unsigned)index, (unsigned)scope->entity_count);
    }
    if (err == ISO_OK) {
        *out = scope->entities[index];
    }
    return err;
}

static bool must_have_name(enum iso_vkind kind)
{
    return kind == ISO_V_RECORD || kind == ISO_V_VARIANT || kind == ISO_V_ENUM ||
           kind == ISO_V_FLAGS;
}

/* The kind of a primitive type's code, or ISO_V_KIND_COUNT. */
static unsigned primitive_kind(uint8_t code)
{
    return code >= 0x73 && code <= 0x7f ? (unsigned)(0x7f - code) : ISO_V_KIND_COUNT;
}

static const char *refused_feature(uint8_t code)
{
    switch (code) {
    case 0x63:
        return "maps";
    case 0x64:
        return "error contexts";
    case 0x65:
        return "futures";
    case 0x66:
        return "streams";
    case 0x67:
        return "lists of fixed length";
    case 0x43:
        return "async functions";
    default:
        return NULL;
    }
}

static enum iso_err unknown_code(struct iso_wit_decoder *decoder, uint8_t code)
{
    const char *feature = refused_feature(code);
    return feature != NULL
               ? iso_wit_bad(&decoder->reader, ISO_E_UNSUPPORTED, "%s are not supported", feature)
               : iso_wit_bad(&decoder->reader, ISO_E_MALFORMED, "0x%02x is not the code of a type",
                             (unsigned)code);
}

/* A type where one is used: a primitive code or an index. */
static enum iso_err read_valtype(struct iso_wit_decoder *decoder, const struct iso_wit_scope *scope,
                                 const struct iso_vtype **out)
{
    struct iso_wit_reader *reader = &decoder->reader;
    if (reader->pos != reader->end && *reader->pos >= 0x40 && *reader->pos < 0x80) {
        unsigned kind = primitive_kind(*reader->pos);
        if (kind == ISO_V_KIND_COUNT) {
            return unknown_code(decoder, *reader->pos);
        }
        reader->pos++;
        *out = iso_vtype_primitive((enum iso_vkind)kind);
        return ISO_OK;
    }
    struct iso_wit_entity entity;
    enum iso_err err = iso_wit_scope_get(decoder, scope, &entity);
    if (err != ISO_OK) {
        return err;
    }
    if (entity.kind != ISO_WIT_ENTITY_VALUE) {
        return iso_wit_bad(reader, ISO_E_INVALID, "a type is used that is not of values");
    }
    if (entity.value->name.len == 0 && must_have_name(entity.value->kind)) {
        return iso_wit_bad(reader, ISO_E_INVALID, "a %s without a name is used",
                           iso_vkind_name(entity.value->kind));
    }
    *out = entity.value;
    return ISO_OK;
}

static enum iso_err read_optional(struct iso_wit_decoder *decoder,
                                  const struct iso_wit_scope *scope, const struct iso_vtype **out)
{
    uint8_t present;
    enum iso_err err = iso_wit_read_u8(&decoder->reader, &present);
    if (err == ISO_OK && present > 1) {
        return iso_wit_bad(&decoder->reader, ISO_E_MALFORMED, "0x%02x where 0 or 1 is wanted",
                           (unsigned)present);
    }
    *out = NULL;
    return err == ISO_OK && present == 1 ? read_valtype(decoder, scope, out) : err;
}

static enum iso_err read_members(struct iso_wit_decoder *decoder, const struct iso_wit_scope *scope,
                                 struct iso_vtype *type)
{
    struct iso_wit_reader *reader = &decoder->reader;
    uint32_t count;
    enum iso_err err = iso_wit_read_count(reader, ISO_WIT_MAX_MEMBERS, "parts of a type", &count);
    if (err != ISO_OK) {
        return err;
    }
    struct iso_vmember *members = iso_arena_array(decoder->arena, count, sizeof *members);
    if (members == NULL) {
        return ISO_E_NOMEM;
    }
    for (uint32_t i = 0; i < count && err == ISO_OK; i++) {
        if (type->kind != ISO_V_TUPLE) {
            err = iso_wit_decode_label(decoder, &members[i].name);
        }
        if (err == ISO_OK && (type->kind == ISO_V_TUPLE || type->kind == ISO_V_RECORD)) {
            err = read_valtype(decoder, scope, &members[i].type);
        }
        if (err == ISO_OK && type->kind == ISO_V_VARIANT) {
            uint8_t refines = 0;
            err = read_optional(decoder, scope, &members[i].type);
            if (err == ISO_OK) {
                err = iso_wit_read_u8(reader, &refines);
            }
            if (err == ISO_OK && refines != 0) {
                err = iso_wit_bad(reader, ISO_E_UNSUPPORTED, "cases that refine others");
            }
        }
    }
    type->members = members;
    type->member_count = count;
    return err;
}

static enum iso_err read_result(struct iso_wit_decoder *decoder, const struct iso_wit_scope *scope,
                                struct iso_vtype *type)
{
    struct iso_vmember *members = iso_arena_array(decoder->arena, 2, sizeof *members);
    if (members == NULL) {
        return ISO_E_NOMEM;
    }
    enum iso_err err = read_optional(decoder, scope, &members[0].type);
    if (err == ISO_OK) {
        err = read_optional(decoder, scope, &members[1].type);
    }
    type->members = members;
    type->member_count = 2;
    return err;
}

/* own or borrow: whatever has it is refused with the interface of the resource. */
static enum iso_err read_handle(struct iso_wit_decoder *decoder, struct iso_wit_scope *scope)
{
    struct iso_wit_entity entity;
    enum iso_err err = iso_wit_scope_get(decoder, scope, &entity);
    if (err == ISO_OK && entity.kind != ISO_WIT_ENTITY_RESOURCE) {
        return iso_wit_bad(&decoder->reader, ISO_E_INVALID, "a handle of what is no resource");
    }
    entity = (struct iso_wit_entity){.kind = ISO_WIT_ENTITY_VALUE,
                                     .value = iso_vtype_primitive(ISO_V_U32)};
    return err != ISO_OK ? err : iso_wit_scope_add(decoder, scope, &entity);
}

static enum iso_err read_defvaltype(struct iso_wit_decoder *decoder, struct iso_wit_scope *scope,
                                    uint8_t code)
{
    static const struct {
        uint8_t code;
        enum iso_vkind kind;
    } kinds[] = {{0x72, ISO_V_RECORD}, {0x71, ISO_V_VARIANT}, {0x70, ISO_V_LIST},
                 {0x6f, ISO_V_TUPLE},  {0x6e, ISO_V_FLAGS},   {0x6d, ISO_V_ENUM},
                 {0x6b, ISO_V_OPTION}, {0x6a, ISO_V_RESULT}};
    struct iso_vtype *type = iso_arena_alloc(decoder->arena, sizeof *type);
    if (type == NULL) {
        return ISO_E_NOMEM;
    }
    size_t i = 0;
    while (i < ISO_COUNT_OF(kinds) && kinds[i].code != code) {
        i++;
    }
    if (i == ISO_COUNT_OF(kinds)) {
        decoder->reader.pos--;
        return unknown_code(decoder, code);
    }
    type->kind = kinds[i].kind;
    enum iso_err err;
    if (type->kind == ISO_V_LIST || type->kind == ISO_V_OPTION) {
        err = read_valtype(decoder, scope, &type->element);
    } else if (type->kind == ISO_V_RESULT) {
        err = read_result(decoder, scope, type);
    } else {
        err = read_members(decoder, scope, type);
    }
    if (err == ISO_OK) {
        struct iso_report report;
        iso_report_init(&report);
        err = iso_vtype_finish(type, &report);
        if (err != ISO_OK) {
            return iso_wit_bad(&decoder->reader, err, "%s", iso_report_text(&report, err));
        }
    }
    struct iso_wit_entity entity = {.kind = ISO_WIT_ENTITY_VALUE, .value = type};
    return err != ISO_OK ? err : iso_wit_scope_add(decoder, scope, &entity);
}

static enum iso_err read_functype(struct iso_wit_decoder *decoder, struct iso_wit_scope *scope)
{
    struct iso_wit_reader *reader = &decoder->reader;
    uint32_t count;
    enum iso_err err = iso_wit_read_count(reader, ISO_WIT_MAX_MEMBERS, "parameters", &count);
    if (err != ISO_OK) {
        return err;
    }
    struct iso_wit_func *func = iso_arena_alloc(decoder->arena, sizeof *func);
    struct iso_wit_param *params = iso_arena_array(decoder->arena, count, sizeof *params);
    if (func == NULL || params == NULL) {
        return ISO_E_NOMEM;
    }
    for (uint32_t i = 0; i < count && err == ISO_OK; i++) {
        err = iso_wit_decode_label(decoder, &params[i].name);
        if (err == ISO_OK) {
            err = read_valtype(decoder, scope, &params[i].type);
        }
    }
    func->params = params;
    func->param_count = count;
    uint8_t results = 0, none = 0;
    if (err == ISO_OK) {
        err = iso_wit_read_u8(reader, &results);
    }
    if (err == ISO_OK && results == 0) {
        err = read_valtype(decoder, scope, &func->result);
    } else if (err == ISO_OK) {
        err = iso_wit_read_u8(reader, &none);
        if (err == ISO_OK && (results != 1 || none != 0)) {
            return iso_wit_bad(reader, ISO_E_UNSUPPORTED,
                               "a function with named results, which WIT no longer has");
        }
    }
    struct iso_wit_entity entity = {.kind = ISO_WIT_ENTITY_FUNC, .func = func};
    return err != ISO_OK ? err : iso_wit_scope_add(decoder, scope, &entity);
}

enum iso_err iso_wit_decode_deftype(struct iso_wit_decoder *decoder, struct iso_wit_scope *scope)
{
    uint8_t code;
    struct iso_wit_entity entity = {.kind = ISO_WIT_ENTITY_VALUE};
    enum iso_err err = iso_wit_read_u8(&decoder->reader, &code);
    if (err != ISO_OK) {
        return err;
    }
    if (primitive_kind(code) != ISO_V_KIND_COUNT) {
        entity.value = iso_vtype_primitive((enum iso_vkind)primitive_kind(code));
        return iso_wit_scope_add(decoder, scope, &entity);
    }
    switch (code) {
    case 0x40:
        return read_functype(decoder, scope);
    case 0x41:
        entity.kind = ISO_WIT_ENTITY_COMPONENT;
        err = iso_wit_decode_component_type(decoder, scope, &entity.component);
        return err != ISO_OK ? err : iso_wit_scope_add(decoder, scope, &entity);
    case 0x42:
        entity.kind = ISO_WIT_ENTITY_INSTANCE;
        err = iso_wit_decode_instance_type(decoder, scope, &entity.instance);
        return err != ISO_OK ? err : iso_wit_scope_add(decoder, scope, &entity);
    case 0x68:
    case 0x69:
        return read_handle(decoder, scope);
    default:
        return read_defvaltype(decoder, scope, code);
    }
}
