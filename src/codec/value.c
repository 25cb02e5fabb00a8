/* Values of WIT types: equality, check, weight, copy. All walk along the type, whose depth is
 * limited. */
#include "codec/value.h"

#include "codec/text.h"

static bool is_byte_list(const struct iso_vtype *type)
{
    return type->kind == ISO_V_LIST && type->element->kind == ISO_V_U8;
}

/* The type of item i of a list, tuple or record. */
static const struct iso_vtype *item_type(const struct iso_vtype *type, uint32_t i)
{
    return type->kind == ISO_V_LIST ? type->element : type->members[i].type;
}

static bool f32_equal(float a, float b)
{
    /* A NaN is not equal to itself. */
    return (a != a && b != b) || memcmp(&a, &b, sizeof a) == 0;
}

static bool f64_equal(double a, double b)
{
    return (a != a && b != b) || memcmp(&a, &b, sizeof a) == 0;
}

static bool items_equal(const struct iso_vtype *type, const struct iso_value *a,
                        const struct iso_value *b)
{
    if (a->list.count != b->list.count) {
        return false;
    }
    for (uint32_t i = 0; i < a->list.count; i++) {
        if (!iso_value_equal(item_type(type, i), &a->list.items[i], &b->list.items[i])) {
            return false;
        }
    }
    return true;
}

static bool choices_equal(const struct iso_vtype *type, const struct iso_value *a,
                          const struct iso_value *b)
{
    if (a->choice.index != b->choice.index) {
        return false;
    }
    const struct iso_vtype *payload = iso_vtype_case_payload(type, a->choice.index);
    return payload == NULL || iso_value_equal(payload, a->choice.payload, b->choice.payload);
}

bool iso_value_equal(const struct iso_vtype *type, const struct iso_value *a,
                     const struct iso_value *b)
{
    switch (type->kind) {
    case ISO_V_BOOL:
        return a->boolean == b->boolean;
    case ISO_V_F32:
        return f32_equal(a->f32, b->f32);
    case ISO_V_F64:
        return f64_equal(a->f64, b->f64);
    case ISO_V_CHAR:
        return a->character == b->character;
    case ISO_V_STRING:
        return iso_str_equal(a->string, b->string);
    case ISO_V_LIST:
    case ISO_V_TUPLE:
    case ISO_V_RECORD:
        return is_byte_list(type) ? iso_bytes_equal(a->bytes, b->bytes) : items_equal(type, a, b);
    case ISO_V_OPTION:
    case ISO_V_RESULT:
    case ISO_V_VARIANT:
        return choices_equal(type, a, b);
    case ISO_V_FLAGS:
        return iso_memory_equal(a->flags, b->flags, 4 * (size_t)iso_vtype_flag_words(type));
    default: /* integers and enums: s and u are the same 64 bits */
        return a->u == b->u;
    }
}

/* One value under check: where it is and whom to tell. */
struct check {
    struct iso_report *report;
    const struct iso_vpath *path;
};

static enum iso_err refuse(const struct check *check, const struct iso_vtype *type,
                           const char *found)
{
    struct iso_place place = {.report = check->report, .path = check->path};
    char expected[200];
    if (check->report == NULL) {
        return ISO_E_ARGUMENT;
    }
    iso_expected_text(type, ISO_FORM_VALUE, expected, sizeof expected);
    return iso_place_fail(&place, ISO_E_ARGUMENT, "expected %s, found %s", expected, found);
}

static enum iso_err check_value(const struct check *check, const struct iso_vtype *type,
                                const struct iso_value *value);

static enum iso_err check_integer(const struct check *check, const struct iso_vtype *type,
                                  const struct iso_value *value)
{
    struct iso_vrange range = iso_vkind_range(type->kind);
    char found[24];
    if (iso_vkind_is_signed(type->kind)) {
        if (value->s < range.min || value->s > (int64_t)range.max) {
            (void)iso_format(found, sizeof found, "%lld", (long long)value->s);
            return refuse(check, type, found);
        }
    } else if (value->u > range.max) {
        (void)iso_format(found, sizeof found, "%llu", (unsigned long long)value->u);
        return refuse(check, type, found);
    }
    return ISO_OK;
}

static enum iso_err check_items(const struct check *check, const struct iso_vtype *type,
                                const struct iso_value *value)
{
    char found[40];
    if (type->kind != ISO_V_LIST && value->list.count != type->member_count) {
        (void)iso_format(found, sizeof found, "%u items", (unsigned)value->list.count);
        return refuse(check, type, found);
    }
    if (value->list.count != 0 && value->list.items == NULL) {
        return refuse(check, type, "items that are not there");
    }
    for (uint32_t i = 0; i < value->list.count; i++) {
        struct iso_vpath path = {.up = check->path, .index = i};
        if (type->kind == ISO_V_RECORD) {
            path.name = type->members[i].name;
        }
        struct check item = {.report = check->report, .path = &path};
        enum iso_err err = check_value(&item, item_type(type, i), &value->list.items[i]);
        if (err != ISO_OK) {
            return err;
        }
    }
    return ISO_OK;
}

static enum iso_err check_choice(const struct check *check, const struct iso_vtype *type,
                                 const struct iso_value *value)
{
    uint32_t index = value->choice.index;
    char found[40];
    if (index >= iso_vtype_case_count(type)) {
        (void)iso_format(found, sizeof found, "case number %u", (unsigned)index);
        return refuse(check, type, found);
    }
    const struct iso_vtype *payload = iso_vtype_case_payload(type, index);
    if ((payload != NULL) != (value->choice.payload != NULL)) {
        return refuse(check, type,
                      payload != NULL ? "a case without its payload"
                                      : "a payload where the case has none");
    }
    if (payload == NULL) {
        return ISO_OK;
    }
    struct iso_vpath path = {.up = check->path};
    path.name = type->kind == ISO_V_VARIANT  ? type->members[index].name
                : type->kind == ISO_V_OPTION ? iso_str_from_z("some")
                                             : iso_str_from_z(index == 0 ? "ok" : "error");
    struct check inner = {.report = check->report, .path = &path};
    return check_value(&inner, payload, value->choice.payload);
}

static enum iso_err check_flags(const struct check *check, const struct iso_vtype *type,
                                const struct iso_value *value)
{
    uint32_t rest = type->member_count % 32;
    if (value->flags == NULL) {
        return refuse(check, type, "no words");
    }
    if (rest != 0 && value->flags[iso_vtype_flag_words(type) - 1] >> rest != 0) {
        return refuse(check, type, "flags beyond the last one");
    }
    return ISO_OK;
}

static enum iso_err check_value(const struct check *check, const struct iso_vtype *type,
                                const struct iso_value *value)
{
    char found[40];
    switch (type->kind) {
    case ISO_V_BOOL:
    case ISO_V_F32:
    case ISO_V_F64:
        return ISO_OK;
    case ISO_V_CHAR:
        if (value->character > 0x10ffff ||
            (value->character >= 0xd800 && value->character <= 0xdfff)) {
            (void)iso_format(found, sizeof found, "0x%x", (unsigned)value->character);
            return refuse(check, type, found);
        }
        return ISO_OK;
    case ISO_V_STRING:
        if (!iso_utf8_valid(value->string.ptr, value->string.len)) {
            return refuse(check, type, "bytes that are not UTF-8");
        }
        return ISO_OK;
    case ISO_V_LIST:
    case ISO_V_TUPLE:
    case ISO_V_RECORD:
        return is_byte_list(type) ? ISO_OK : check_items(check, type, value);
    case ISO_V_OPTION:
    case ISO_V_RESULT:
    case ISO_V_VARIANT:
        return check_choice(check, type, value);
    case ISO_V_ENUM:
        if (value->u >= type->member_count) {
            (void)iso_format(found, sizeof found, "case number %llu", (unsigned long long)value->u);
            return refuse(check, type, found);
        }
        return ISO_OK;
    case ISO_V_FLAGS:
        return check_flags(check, type, value);
    default:
        return check_integer(check, type, value);
    }
}

enum iso_err iso_value_check(const struct iso_vtype *type, const struct iso_value *value,
                             struct iso_report *report)
{
    struct iso_vpath root = {.up = NULL};
    struct check check = {.report = report, .path = &root};
    return check_value(&check, type, value);
}

enum iso_err iso_value_check_param(const struct iso_wit_param *param, const struct iso_value *value,
                                   struct iso_report *report)
{
    struct iso_vpath root = {.name = param->name};
    struct check check = {.report = report, .path = &root};
    return check_value(&check, param->type, value);
}

/* Whether values of the type are of one size. */
static bool is_flat(const struct iso_vtype *type)
{
    bool flat = type->kind != ISO_V_STRING && type->kind != ISO_V_LIST;
    if (type->kind == ISO_V_OPTION) {
        return is_flat(type->element);
    }
    for (uint32_t i = 0; flat && i < type->member_count; i++) {
        flat = type->members[i].type == NULL || is_flat(type->members[i].type);
    }
    return flat;
}

/* What a value points to, its own canonical size not counted. */
static uint64_t weigh_contents(const struct iso_vtype *type, const struct iso_value *value)
{
    const struct iso_vtype *payload;
    uint64_t sum = 0;
    switch (type->kind) {
    case ISO_V_STRING:
        return value->string.len;
    case ISO_V_LIST:
        if (is_byte_list(type)) {
            return value->bytes.len;
        }
        sum = (uint64_t)value->list.count * type->element->size;
        if (is_flat(type->element)) {
            return sum;
        }
        break;
    case ISO_V_TUPLE:
    case ISO_V_RECORD:
        break;
    case ISO_V_OPTION:
    case ISO_V_RESULT:
    case ISO_V_VARIANT:
        payload = iso_vtype_case_payload(type, value->choice.index);
        return payload != NULL ? weigh_contents(payload, value->choice.payload) : 0;
    default:
        return 0;
    }
    for (uint32_t i = 0; i < value->list.count; i++) {
        sum += weigh_contents(item_type(type, i), &value->list.items[i]);
    }
    return sum;
}

uint64_t iso_value_weight(const struct iso_vtype *type, const struct iso_value *value)
{
    return type->size + weigh_contents(type, value);
}

static void *copy_bytes(struct iso_arena *arena, const void *from, size_t len)
{
    void *copy = iso_arena_alloc(arena, len);
    if (copy != NULL) {
        iso_memory_copy(copy, from, len);
    }
    return copy;
}

static enum iso_err copy_items(const struct iso_vtype *type, const struct iso_value *value,
                               struct iso_arena *arena, struct iso_value *out)
{
    struct iso_value *items = iso_arena_array(arena, value->list.count, sizeof *items);
    enum iso_err err = items != NULL ? ISO_OK : ISO_E_NOMEM;
    for (uint32_t i = 0; i < value->list.count && err == ISO_OK; i++) {
        err = iso_value_copy(item_type(type, i), &value->list.items[i], arena, &items[i]);
    }
    if (err == ISO_OK) {
        *out = (struct iso_value){.list = {.items = items, .count = value->list.count}};
    }
    return err;
}

static enum iso_err copy_choice(const struct iso_vtype *type, const struct iso_value *value,
                                struct iso_arena *arena, struct iso_value *out)
{
    const struct iso_vtype *payload_type = iso_vtype_case_payload(type, value->choice.index);
    struct iso_value *payload = NULL;
    if (payload_type != NULL) {
        payload = iso_arena_alloc(arena, sizeof *payload);
        if (payload == NULL) {
            return ISO_E_NOMEM;
        }
        enum iso_err err = iso_value_copy(payload_type, value->choice.payload, arena, payload);
        if (err != ISO_OK) {
            return err;
        }
    }
    *out = (struct iso_value){.choice = {.payload = payload, .index = value->choice.index}};
    return ISO_OK;
}

enum iso_err iso_value_copy(const struct iso_vtype *type, const struct iso_value *value,
                            struct iso_arena *arena, struct iso_value *out)
{
    void *copy = NULL;
    switch (type->kind) {
    case ISO_V_STRING:
        copy = copy_bytes(arena, value->string.ptr, value->string.len);
        if (copy == NULL) {
            return ISO_E_NOMEM;
        }
        *out = (struct iso_value){.string = iso_str_from(copy, value->string.len)};
        return ISO_OK;
    case ISO_V_LIST:
    case ISO_V_TUPLE:
    case ISO_V_RECORD:
        if (!is_byte_list(type)) {
            return copy_items(type, value, arena, out);
        }
        copy = copy_bytes(arena, value->bytes.ptr, value->bytes.len);
        if (copy == NULL) {
            return ISO_E_NOMEM;
        }
        *out = (struct iso_value){.bytes = iso_bytes_from(copy, value->bytes.len)};
        return ISO_OK;
    case ISO_V_OPTION:
    case ISO_V_RESULT:
    case ISO_V_VARIANT:
        return copy_choice(type, value, arena, out);
    case ISO_V_FLAGS:
        copy = copy_bytes(arena, value->flags, 4 * (size_t)iso_vtype_flag_words(type));
        if (copy == NULL) {
            return ISO_E_NOMEM;
        }
        *out = (struct iso_value){.flags = copy};
        return ISO_OK;
    default:
        *out = *value;
        return ISO_OK;
    }
}
