/* The parameters of a flow's step, `with`, against the types of its function: what devices will
 * make of them (docs/deployment.md, "Flows"), with every mistake that can be found. */
#include "orchestrator/check.h"

#include "codec/codec.h"

#define LITERAL_MAX ((size_t)16 << 20)

static void check_value(const struct iso_or_step_types *t, const struct iso_or_at *at,
                        const struct iso_vtype *type);

/* ---- References ------------------------------------------------------------------------------ */

/* The type of what a reference leads to; NULL: not known, or a mistake that has been told. */
static const struct iso_vtype *follow(const struct iso_or_step_types *t, const struct iso_or_at *at,
                                      struct iso_str text)
{
    struct iso_str name, rest, field;
    char shown[96], quoted[ISO_QUOTE_SIZE];
    bool more = iso_or_split(iso_str_from(text.ptr + 1, text.len - 1), &name, &rest);
    uint32_t step = iso_or_step_named(t->flow, t->step, name);
    if (iso_str_equal_z(name, "input") || step == UINT32_MAX || !t->known[step]) {
        return NULL; /* what comes is checked when it comes; the rest has been said */
    }
    const struct iso_vtype *type = iso_vtype_success(t->results[step]);
    if (type == NULL) {
        iso_or_wrong_part(&t->check->reader, at, name,
                          "found '$%.*s', a call without a result; expected one that has a result",
                          (int)name.len, name.ptr);
        return NULL;
    }
    while (more) {
        more = iso_or_split(rest, &field, &rest);
        const struct iso_vtype *next = iso_vtype_field(type, field);
        if (next == NULL) {
            struct iso_or_words words;
            iso_or_words_init(&words, &t->check->reader, field);
            for (uint32_t i = 0; type->kind == ISO_V_RECORD && i < type->member_count; i++) {
                iso_or_words_add(&words, type->members[i].name);
            }
            iso_vtype_text(type, shown, sizeof shown);
            iso_or_wrong_part(&t->check->reader, at, field, "found %s, which is no field of %s; %s",
                              iso_quote(quoted, field), shown,
                              iso_or_words_hint(&words, "expected no field: it has none"));
            return NULL;
        }
        type = next;
    }
    return type;
}

static void check_reference(const struct iso_or_step_types *t, const struct iso_or_at *at,
                            struct iso_str text, const struct iso_vtype *type)
{
    const struct iso_vtype *from = follow(t, at, text);
    char shown[ISO_QUOTE_SIZE], is[96], wanted[96];
    if (from != NULL && !iso_vtype_fits(from, type)) {
        iso_vtype_text(from, is, sizeof is);
        iso_vtype_text(type, wanted, sizeof wanted);
        iso_or_wrong(&t->check->reader, at, "found %s, which is %s; expected %s",
                     iso_quote(shown, text), is, wanted);
    }
}

/* ---- Literals -------------------------------------------------------------------------------- */

static bool has_reference(const json_t *json)
{
    const char *key = NULL;
    json_t *value = NULL;
    if (json_is_object(json)) {
        json_object_foreach((json_t *)(uintptr_t)json, key, value)
        {
            if (has_reference(value)) {
                return true;
            }
        }
    }
    for (size_t i = 0; i < json_array_size(json); i++) {
        if (has_reference(json_array_get(json, i))) {
            return true;
        }
    }
    return json_is_string(json) && iso_or_is_reference(iso_or_view(json));
}

/* As it will be called: "$$" has become "$". */
static void put_json(struct iso_json *out, const json_t *json)
{
    struct iso_str text;
    const char *key = NULL;
    json_t *value = NULL;
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        iso_json_object_begin(out);
        json_object_foreach((json_t *)(uintptr_t)json, key, value)
        {
            iso_json_key(out, key);
            put_json(out, value);
        }
        iso_json_object_end(out);
        break;
    case JSON_ARRAY:
        iso_json_array_begin(out);
        for (size_t i = 0; i < json_array_size(json); i++) {
            put_json(out, json_array_get(json, i));
        }
        iso_json_array_end(out);
        break;
    case JSON_STRING:
        text = iso_or_view(json);
        text = text.len > 0 && text.ptr[0] == '$' ? iso_str_from(text.ptr + 1, text.len - 1) : text;
        iso_json_string(out, text);
        break;
    case JSON_INTEGER:
        iso_json_i64(out, json_integer_value(json));
        break;
    case JSON_REAL:
        iso_json_f64(out, json_real_value(json));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        iso_json_bool(out, json_is_true(json));
        break;
    default:
        iso_json_null(out);
        break;
    }
}

/* The place in the manifest of what is at an offset of the literal's own text. */
static void tell_literal(const struct iso_or_step_types *t, const struct iso_or_at *at,
                         struct iso_bytes text, const struct iso_report *report, enum iso_err err)
{
    struct iso_or_at chain[ISO_OR_DEPTH_MAX + 2];
    char keys[ISO_OR_DEPTH_MAX + 2][64];
    struct iso_or_path path = {.count = 0};
    size_t depth = 0;
    if (report->has_offset) {
        iso_or_text_path_at(iso_str_from((const char *)text.ptr, text.len), (size_t)report->offset,
                            &path);
    }
    chain[0] = *at;
    for (; depth < path.count; depth++) {
        const struct iso_or_segment *segment = &path.segments[depth];
        if (segment->key.ptr == NULL) {
            chain[depth + 1] = iso_or_element(&chain[depth], segment->index);
        } else if (segment->key.len < sizeof keys[depth]) {
            (void)iso_format(keys[depth], sizeof keys[depth], "%.*s", (int)segment->key.len,
                             segment->key.ptr);
            chain[depth + 1] = iso_or_member(&chain[depth], keys[depth]);
        } else {
            break;
        }
    }
    iso_or_wrong(&t->check->reader, &chain[depth], "%s", iso_report_text(report, err));
}

/* JSON, and the value of the type: what a call in JSON would be given. */
static void check_literal(const struct iso_or_step_types *t, const struct iso_or_at *at,
                          const struct iso_vtype *type)
{
    const struct iso_alloc *alloc = t->check->manifest->arena.alloc;
    struct iso_buf text;
    struct iso_json json;
    struct iso_arena arena;
    struct iso_value value;
    struct iso_report report;
    iso_report_init(&report);
    iso_buf_init(&text, alloc, LITERAL_MAX);
    iso_arena_init(&arena, alloc, 0, LITERAL_MAX);
    iso_json_init_buf(&json, &text, 0);
    put_json(&json, at->json);
    enum iso_err err = iso_json_finish(&json);
    if (err == ISO_OK) {
        err = iso_json_decode(type, iso_buf_view(&text), at->key != NULL ? at->key : "value",
                              &arena, &value, &report);
    }
    if (err == ISO_E_NOMEM) {
        t->check->reader.nomem = true;
    } else if (err != ISO_OK) {
        tell_literal(t, at, iso_buf_view(&text), &report, err);
    }
    iso_arena_fini(&arena);
    iso_buf_fini(&text);
}

/* ---- Objects and arrays ---------------------------------------------------------------------- */

/* One of the fields; *meant: the one that was meant by another name. */
static void check_field(const struct iso_or_step_types *t, const struct iso_or_at *at,
                        const struct iso_vmember *members, uint32_t count, const char *what,
                        const struct iso_vmember **meant)
{
    struct iso_or_words words;
    char shown[ISO_QUOTE_SIZE];
    for (uint32_t i = 0; i < count; i++) {
        if (iso_str_equal_z(members[i].name, at->key)) {
            check_value(t, at, members[i].type);
            return;
        }
    }
    iso_or_words_init(&words, &t->check->reader, iso_str_from_z(at->key));
    for (uint32_t i = 0; i < count; i++) {
        iso_or_words_add(&words, members[i].name);
    }
    iso_or_wrong_key(&t->check->reader, at, "found the unknown %s %s; %s", what,
                     iso_quote(shown, iso_str_from_z(at->key)),
                     iso_or_words_hint(&words, "expected none"));
    for (uint32_t i = 0; i < count; i++) {
        *meant = words.nearest.best.ptr == members[i].name.ptr ? &members[i] : *meant;
    }
}

/* Fields of a record, or parameters. */
static void check_fields(const struct iso_or_step_types *t, const struct iso_or_at *at,
                         const struct iso_vmember *members, uint32_t count, const char *what)
{
    const struct iso_vmember *meant = NULL;
    char type[96];
    for (struct iso_or_at it = iso_or_first(at); it.key != NULL; it = iso_or_next(&it)) {
        check_field(t, &it, members, count, what, &meant);
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct iso_str name = members[i].name;
        if (json_object_getn(at->json, name.ptr, name.len) == NULL && &members[i] != meant &&
            members[i].type->kind != ISO_V_OPTION) {
            iso_vtype_text(members[i].type, type, sizeof type);
            iso_or_wrong(&t->check->reader, at, "the %s '%.*s' is missing; expected %s", what,
                         (int)name.len, name.ptr, type);
        }
    }
}

/* A tuple, or a list. */
static void check_items(const struct iso_or_step_types *t, const struct iso_or_at *at,
                        const struct iso_vtype *type)
{
    size_t count = json_array_size(at->json);
    if (type->kind == ISO_V_TUPLE && count != type->member_count) {
        iso_or_wrong(&t->check->reader, at, "found an array of %zu; expected one of %u, a tuple",
                     count, type->member_count);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct iso_or_at element = iso_or_element(at, i);
        check_value(t, &element, type->kind == ISO_V_TUPLE ? type->members[i].type : type->element);
    }
}

/* The payload that {"case": value} is of; NULL: there is none. */
static const struct iso_vtype *payload_of(const struct iso_vtype *type, const char *name)
{
    static const char *const ends[] = {"ok", "error"};
    if (type->kind == ISO_V_OPTION) {
        return strcmp(name, "some") == 0 ? type->element : NULL;
    }
    for (uint32_t i = 0; i < iso_vtype_case_count(type); i++) {
        if (type->kind == ISO_V_RESULT ? strcmp(name, ends[i]) == 0
                                       : iso_str_equal_z(type->members[i].name, name)) {
            return iso_vtype_case_payload(type, i);
        }
    }
    return NULL;
}

/* {"case": value} of a variant or a result; {"some": value} of an option of an option. It has a
 * reference in it. */
static void check_case(const struct iso_or_step_types *t, const struct iso_or_at *at,
                       const struct iso_vtype *type)
{
    struct iso_or_at member = iso_or_first(at);
    char shown[ISO_QUOTE_SIZE], text[96];
    iso_vtype_text(type, text, sizeof text);
    if (json_object_size(at->json) != 1) {
        iso_or_wrong(&t->check->reader, at,
                     "found an object of %zu members; expected one member, a case of %s",
                     json_object_size(at->json), text);
        return;
    }
    const struct iso_vtype *payload = payload_of(type, member.key);
    if (payload == NULL) {
        iso_or_wrong_key(&t->check->reader, &member, "found %s; expected a case of %s with a value",
                         iso_quote(shown, iso_str_from_z(member.key)), text);
        return;
    }
    check_value(t, &member, payload);
}

/* A literal is left to the decoder, but for the parts in which several mistakes can be told. */
static void check_value(const struct iso_or_step_types *t, const struct iso_or_at *at,
                        const struct iso_vtype *type)
{
    const bool object = json_is_object(at->json), array = json_is_array(at->json);
    char text[96], found[96];
    if (t->check->reader.nomem) {
        return;
    }
    if (json_is_string(at->json) && iso_or_is_reference(iso_or_view(at->json))) {
        check_reference(t, at, iso_or_view(at->json), type);
    } else if (type->kind == ISO_V_OPTION && type->element->kind != ISO_V_OPTION &&
               (object || array)) {
        check_value(t, at, type->element);
    } else if (object && type->kind == ISO_V_RECORD) {
        check_fields(t, at, type->members, type->member_count, "field");
    } else if (array && (type->kind == ISO_V_TUPLE ||
                         (type->kind == ISO_V_LIST && type->element->kind > ISO_V_STRING))) {
        check_items(t, at, type);
    } else if (!has_reference(at->json)) {
        check_literal(t, at, type);
    } else if (array && type->kind == ISO_V_LIST) {
        check_items(t, at, type);
    } else if (object && (type->kind == ISO_V_VARIANT || type->kind == ISO_V_RESULT ||
                          type->kind == ISO_V_OPTION)) {
        check_case(t, at, type);
    } else {
        iso_vtype_text(type, text, sizeof text);
        iso_or_wrong(&t->check->reader, at, "found %s; expected %s", iso_or_found(at->json, found),
                     text);
    }
}

/* ---- Parameters ------------------------------------------------------------------------------ */

/* Without `with`: the result before fills the only parameter, if there is one. */
static void check_before(const struct iso_or_step_types *t, const struct iso_or_at *at)
{
    const struct iso_wit_func *func = t->func;
    struct iso_or_at call = iso_or_member(at, "call");
    char is[96], wanted[96];
    if (func->param_count > 1) {
        iso_or_wrong(&t->check->reader, &call,
                     "found no \"with\" for %u parameters; expected it to say what they are",
                     func->param_count);
    }
    if (func->param_count != 1) {
        return;
    }
    iso_vtype_text(func->params[0].type, wanted, sizeof wanted);
    if (t->step == 0) {
        if (t->flow->trigger == ISO_OR_EVERY) {
            iso_or_wrong(&t->check->reader, &call,
                         "found no value for the parameter '%.*s' (a flow that a timer starts has "
                         "no input); expected \"with\" to have it, %s",
                         (int)func->params[0].name.len, func->params[0].name.ptr, wanted);
        }
        return;
    }
    if (!t->known[t->step - 1]) {
        return;
    }
    const struct iso_vtype *from = iso_vtype_success(t->results[t->step - 1]);
    if (from == NULL) {
        iso_or_wrong(
            &t->check->reader, &call,
            "found no result of the step before for the parameter '%.*s'; expected \"with\" "
            "to have it, %s",
            (int)func->params[0].name.len, func->params[0].name.ptr, wanted);
    } else if (!iso_vtype_fits(from, func->params[0].type)) {
        iso_vtype_text(from, is, sizeof is);
        iso_or_wrong(&t->check->reader, &call,
                     "found the result of the step before, %s, for the parameter '%.*s'; expected "
                     "%s",
                     is, (int)func->params[0].name.len, func->params[0].name.ptr, wanted);
    }
}

void iso_or_check_step(const struct iso_or_step_types *types, const struct iso_or_at *at)
{
    const struct iso_wit_func *func = types->func;
    struct iso_or_at with = iso_or_member(at, "with");
    if (types->flow->steps[types->step].with == NULL) {
        if (with.json == NULL) {
            check_before(types, at);
        }
        return;
    }
    struct iso_vmember *members =
        iso_or_new(&types->check->reader, func->param_count, sizeof *members);
    if (members == NULL) {
        return;
    }
    for (uint32_t i = 0; i < func->param_count; i++) {
        members[i].name = func->params[i].name;
        members[i].type = func->params[i].type;
    }
    check_fields(types, &with, members, func->param_count, "parameter");
}
