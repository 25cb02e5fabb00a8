/* The type model: kinds, layout after the canonical ABI, equality, text.
 *
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md: "Alignment",
 * "Element Size", "Flattening". Flags of more than 32 members are laid out as words of 32 bits. */
#include "codec/type.h"

#include "codec/text.h"

static const char *const kind_names[ISO_V_KIND_COUNT] = {
    "bool",  "s8",     "u8",     "s16",    "u16",     "s32",    "u32",
    "s64",   "u64",    "f32",    "f64",    "char",    "string", "list",
    "tuple", "record", "option", "result", "variant", "enum",   "flags"};

const char *iso_vkind_name(enum iso_vkind kind)
{
    return (unsigned)kind < ISO_V_KIND_COUNT ? kind_names[kind] : "?";
}

#define PRIMITIVE(k, bytes, alignment, values)                                                     \
    {                                                                                              \
        .kind = (k), .size = (bytes), .align = (alignment), .flat = (values), .depth = 1,          \
        .parts = 1                                                                                 \
    }

static const struct iso_vtype primitives[ISO_V_STRING + 1] = {
    PRIMITIVE(ISO_V_BOOL, 1, 1, 1),  PRIMITIVE(ISO_V_S8, 1, 1, 1),  PRIMITIVE(ISO_V_U8, 1, 1, 1),
    PRIMITIVE(ISO_V_S16, 2, 2, 1),   PRIMITIVE(ISO_V_U16, 2, 2, 1), PRIMITIVE(ISO_V_S32, 4, 4, 1),
    PRIMITIVE(ISO_V_U32, 4, 4, 1),   PRIMITIVE(ISO_V_S64, 8, 8, 1), PRIMITIVE(ISO_V_U64, 8, 8, 1),
    PRIMITIVE(ISO_V_F32, 4, 4, 1),   PRIMITIVE(ISO_V_F64, 8, 8, 1), PRIMITIVE(ISO_V_CHAR, 4, 4, 1),
    PRIMITIVE(ISO_V_STRING, 8, 4, 2)};

const struct iso_vtype *iso_vtype_primitive(enum iso_vkind kind)
{
    ISO_ASSERT((unsigned)kind <= ISO_V_STRING);
    return &primitives[kind];
}

uint32_t iso_vtype_discriminant_size(uint32_t case_count)
{
    return case_count <= 0x100 ? 1 : case_count <= 0x10000 ? 2 : 4;
}

uint32_t iso_vtype_case_count(const struct iso_vtype *type)
{
    return type->kind == ISO_V_OPTION || type->kind == ISO_V_RESULT ? 2 : type->member_count;
}

const struct iso_vtype *iso_vtype_case_payload(const struct iso_vtype *type, uint32_t index)
{
    if (type->kind == ISO_V_OPTION) {
        return index == 1 ? type->element : NULL;
    }
    return type->members[index].type;
}

uint32_t iso_vtype_flag_words(const struct iso_vtype *type)
{
    return (type->member_count + 31) / 32;
}

static uint32_t align_to(uint32_t offset, uint32_t align)
{
    return (offset + align - 1) / align * align;
}

uint32_t iso_vtype_payload_offset(const struct iso_vtype *type)
{
    uint32_t count = iso_vtype_case_count(type);
    uint32_t align = 1;
    for (uint32_t i = 0; i < count; i++) {
        const struct iso_vtype *payload = iso_vtype_case_payload(type, i);
        if (payload != NULL && payload->align > align) {
            align = payload->align;
        }
    }
    return align_to(iso_vtype_discriminant_size(count), align);
}

/* Sizes cannot overflow: a part takes at most 16 bytes with what is before and after it. */
_Static_assert(ISO_V_MAX_PARTS < UINT32_MAX / 64, "sizes must fit 32 bits");

static void lay_out_sequence(struct iso_vtype *type)
{
    uint32_t size = 0, align = 1, flat = 0;
    for (uint32_t i = 0; i < type->member_count; i++) {
        const struct iso_vtype *member = type->members[i].type;
        size = align_to(size, member->align) + member->size;
        align = member->align > align ? member->align : align;
        flat += member->flat;
    }
    type->size = align_to(size, align);
    type->align = align;
    type->flat = flat;
}

static void lay_out_cases(struct iso_vtype *type)
{
    uint32_t count = iso_vtype_case_count(type);
    uint32_t size = 0, flat = 0, align = iso_vtype_discriminant_size(count);
    for (uint32_t i = 0; i < count; i++) {
        const struct iso_vtype *payload = iso_vtype_case_payload(type, i);
        if (payload != NULL) {
            size = payload->size > size ? payload->size : size;
            align = payload->align > align ? payload->align : align;
            flat = payload->flat > flat ? payload->flat : flat;
        }
    }
    type->size = align_to(iso_vtype_payload_offset(type) + size, align);
    type->align = align;
    type->flat = flat + 1;
}

static void lay_out_flags(struct iso_vtype *type)
{
    uint32_t count = type->member_count;
    type->flat = iso_vtype_flag_words(type);
    type->align = count <= 8 ? 1 : count <= 16 ? 2 : 4;
    type->size = count <= 16 ? type->align : 4 * type->flat;
}

/* What a type is made of must have been finished before: an error of the programmer. */
static void add_part(struct iso_vtype *type, const struct iso_vtype *part)
{
    type->parts++;
    if (part != NULL) {
        ISO_ASSERT(part->align != 0);
        type->depth = part->depth + 1 > type->depth ? part->depth + 1 : type->depth;
        type->parts += part->parts;
    }
}

static enum iso_err check_limits(struct iso_vtype *type, struct iso_report *report)
{
    bool needs_members = type->kind >= ISO_V_TUPLE && type->kind != ISO_V_OPTION;
    char text[80];

    if (needs_members && type->member_count == 0) {
        return iso_fail(report, ISO_E_INVALID, "a %s must have at least one member",
                        iso_vkind_name(type->kind));
    }
    if (type->member_count > ISO_V_MAX_MEMBERS) {
        iso_vtype_text(type, text, sizeof text);
        return iso_fail(report, ISO_E_LIMIT, "%s has %u members, the limit is %u", text,
                        (unsigned)type->member_count, ISO_V_MAX_MEMBERS);
    }
    type->depth = 1;
    type->parts = 1;
    if (type->kind == ISO_V_LIST || type->kind == ISO_V_OPTION) {
        ISO_ASSERT(type->element != NULL);
        add_part(type, type->element);
    }
    for (uint32_t i = 0; needs_members && i < type->member_count; i++) {
        bool needs_type = type->kind == ISO_V_TUPLE || type->kind == ISO_V_RECORD;
        ISO_ASSERT(!needs_type || type->members[i].type != NULL);
        add_part(type, type->members[i].type);
    }
    if (type->depth > ISO_V_MAX_DEPTH) {
        return iso_fail(report, ISO_E_LIMIT, "types are nested deeper than %u levels",
                        ISO_V_MAX_DEPTH);
    }
    if (type->parts > ISO_V_MAX_PARTS) {
        iso_vtype_text(type, text, sizeof text);
        return iso_fail(report, ISO_E_LIMIT, "%s has more than %u parts when written out in full",
                        text, ISO_V_MAX_PARTS);
    }
    return ISO_OK;
}

enum iso_err iso_vtype_finish(struct iso_vtype *type, struct iso_report *report)
{
    enum iso_err err = check_limits(type, report);
    if (err != ISO_OK) {
        return err;
    }
    switch (type->kind) {
    case ISO_V_LIST:
        type->size = 8;
        type->align = 4;
        type->flat = 2;
        break;
    case ISO_V_TUPLE:
    case ISO_V_RECORD:
        lay_out_sequence(type);
        break;
    case ISO_V_OPTION:
    case ISO_V_RESULT:
    case ISO_V_VARIANT:
    case ISO_V_ENUM:
        ISO_ASSERT(type->kind != ISO_V_RESULT || type->member_count == 2);
        lay_out_cases(type);
        break;
    case ISO_V_FLAGS:
        lay_out_flags(type);
        break;
    default: {
        const struct iso_vtype *primitive = iso_vtype_primitive(type->kind);
        type->size = primitive->size;
        type->align = primitive->align;
        type->flat = primitive->flat;
        break;
    }
    }
    if (type->flat > ISO_V_FLAT_MANY) {
        type->flat = ISO_V_FLAT_MANY;
    }
    return ISO_OK;
}

/* `join`: the type that holds values of both. Neither order nor grouping of several matters, so
 * that the cases of variants in variants can all be joined in the one array of the result. */
static enum iso_vflat join(enum iso_vflat a, enum iso_vflat b)
{
    bool small =
        (a == ISO_VFLAT_I32 || a == ISO_VFLAT_F32) && (b == ISO_VFLAT_I32 || b == ISO_VFLAT_F32);
    return a == b ? a : small ? ISO_VFLAT_I32 : ISO_VFLAT_I64;
}

struct flat_list {
    enum iso_vflat *out;
    uint32_t cap;
    uint32_t len; /* positions that have a type */
};

static void put_flat(struct flat_list *list, uint32_t at, enum iso_vflat flat)
{
    if (at >= list->cap) {
        return;
    }
    if (at < list->len) {
        list->out[at] = join(list->out[at], flat);
    } else {
        list->out[at] = flat;
        list->len = at + 1;
    }
}

/* Puts the type at the positions from `at` on. */
static void flatten(const struct iso_vtype *type, struct flat_list *list, uint32_t at)
{
    if (at >= list->cap) {
        return;
    }
    switch (type->kind) {
    case ISO_V_S64:
    case ISO_V_U64:
        put_flat(list, at, ISO_VFLAT_I64);
        break;
    case ISO_V_F32:
        put_flat(list, at, ISO_VFLAT_F32);
        break;
    case ISO_V_F64:
        put_flat(list, at, ISO_VFLAT_F64);
        break;
    case ISO_V_TUPLE:
    case ISO_V_RECORD:
        for (uint32_t i = 0; i < type->member_count; i++) {
            flatten(type->members[i].type, list, at);
            at += type->members[i].type->flat;
        }
        break;
    case ISO_V_OPTION:
    case ISO_V_RESULT:
    case ISO_V_VARIANT:
        put_flat(list, at, ISO_VFLAT_I32);
        for (uint32_t i = 0; i < iso_vtype_case_count(type); i++) {
            const struct iso_vtype *payload = iso_vtype_case_payload(type, i);
            if (payload != NULL) {
                flatten(payload, list, at + 1);
            }
        }
        break;
    default: /* all others are one or more i32 */
        for (uint32_t i = 0; i < type->flat; i++) {
            put_flat(list, at + i, ISO_VFLAT_I32);
        }
        break;
    }
}

uint32_t iso_vtype_flatten(const struct iso_vtype *type, enum iso_vflat *out, uint32_t cap)
{
    struct flat_list list = {.out = out, .cap = cap < ISO_V_FLAT_MANY ? cap : ISO_V_FLAT_MANY};
    flatten(type, &list, 0);
    return type->flat;
}

static bool both_or_none_equal(const struct iso_vtype *a, const struct iso_vtype *b)
{
    return a == NULL || b == NULL ? a == b : iso_vtype_equal(a, b);
}

bool iso_vtype_equal(const struct iso_vtype *a, const struct iso_vtype *b)
{
    if (a == b) {
        return true;
    }
    /* The number of parts tells most types apart before they are walked. */
    if (a->kind != b->kind || a->member_count != b->member_count || a->parts != b->parts) {
        return false;
    }
    if (a->kind == ISO_V_LIST || a->kind == ISO_V_OPTION) {
        return iso_vtype_equal(a->element, b->element);
    }
    for (uint32_t i = 0; i < a->member_count; i++) {
        if (!iso_str_equal(a->members[i].name, b->members[i].name) ||
            !both_or_none_equal(a->members[i].type, b->members[i].type)) {
            return false;
        }
    }
    return true;
}

static void put_type(struct iso_text *text, const struct iso_vtype *type);

static void put_type_list(struct iso_text *text, const char *before, const struct iso_vtype *type)
{
    iso_text_z(text, before);
    for (uint32_t i = 0; i < type->member_count && !text->cut; i++) {
        iso_text_z(text, i == 0 ? "<" : ", ");
        put_type(text, type->members[i].type);
    }
    iso_text_z(text, ">");
}

static void put_result(struct iso_text *text, const struct iso_vtype *type)
{
    const struct iso_vtype *ok = type->members[0].type, *error = type->members[1].type;
    iso_text_z(text, "result");
    if (ok == NULL && error == NULL) {
        return;
    }
    iso_text_z(text, "<");
    if (ok != NULL) {
        put_type(text, ok);
    } else {
        iso_text_z(text, "_");
    }
    if (error != NULL) {
        iso_text_z(text, ", ");
        put_type(text, error);
    }
    iso_text_z(text, ">");
}

/* A record, variant, enum or flags without a name. */
static void put_braces(struct iso_text *text, const struct iso_vtype *type)
{
    iso_text_z(text, iso_vkind_name(type->kind));
    for (uint32_t i = 0; i < type->member_count && !text->cut; i++) {
        const struct iso_vmember *member = &type->members[i];
        iso_text_z(text, i == 0 ? " { " : ", ");
        iso_text_str(text, member->name);
        if (member->type != NULL) {
            iso_text_z(text, type->kind == ISO_V_RECORD ? ": " : "(");
            put_type(text, member->type);
            iso_text_z(text, type->kind == ISO_V_RECORD ? "" : ")");
        }
    }
    iso_text_z(text, " }");
}

static bool goes_by_name(const struct iso_vtype *type)
{
    return type->name.len != 0 && (type->kind == ISO_V_RECORD || type->kind >= ISO_V_VARIANT);
}

static void put_type(struct iso_text *text, const struct iso_vtype *type)
{
    if (text->cut) {
        return;
    }
    if (goes_by_name(type)) {
        iso_text_str(text, type->name);
        return;
    }
    switch (type->kind) {
    case ISO_V_LIST:
    case ISO_V_OPTION:
        iso_text_z(text, iso_vkind_name(type->kind));
        iso_text_z(text, "<");
        put_type(text, type->element);
        iso_text_z(text, ">");
        break;
    case ISO_V_TUPLE:
        put_type_list(text, "tuple", type);
        break;
    case ISO_V_RESULT:
        put_result(text, type);
        break;
    case ISO_V_RECORD:
    case ISO_V_VARIANT:
    case ISO_V_ENUM:
    case ISO_V_FLAGS:
        put_braces(text, type);
        break;
    default:
        iso_text_z(text, iso_vkind_name(type->kind));
        break;
    }
}

void iso_vtype_text(const struct iso_vtype *type, char *out, size_t cap)
{
    struct iso_text text;
    iso_text_init(&text, out, cap);
    if (goes_by_name(type)) {
        iso_text_z(&text, iso_vkind_name(type->kind));
        iso_text_z(&text, " ");
    }
    put_type(&text, type);
}
