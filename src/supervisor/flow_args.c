/* Templates against types, and parameters from them: docs/deployment.md, "Flows". */
#include "supervisor/flow_args.h"

#include "supervisor/item.h"

enum { PARTS_MAX = 4096, POINTER_MAX = 256 };
#define LITERALS_MAX ((size_t)16 << 20)

/* Either bytes of the literals, or a reference; for what the reference is, in the words of a
 * message
 * ("size.width: expected u32"). */
struct part {
    const struct iso_sv_template *reference; /* NULL: literal */
    size_t offset, len;                      /* of the literals; of the words */
};

struct iso_sv_flow_args {
    const struct iso_alloc *alloc;
    uint32_t step_count;
    struct iso_buf literals;
    struct iso_buf words;
    struct iso_buf parts;          /* struct part */
    struct iso_sv_template before; /* in the place of `with`: the result before */
};

struct compiler {
    const struct iso_sv_flow_args_def *def;
    const struct iso_sv_doc_flow *flow;
    struct iso_sv_flow_args *args;
    struct iso_report *report;
    size_t start; /* of the literal bytes that no part has yet */
};

/* Where a template stands, for messages. */
struct place {
    const struct place *up;
    struct iso_str name; /* empty: an index */
    size_t index;
};

/* ---- Messages ----------------------------------------------------------------------------------
 */

/* RFC 6901, section 3: ~ and / within a name. */
static size_t put_name(char *out, size_t cap, struct iso_str name)
{
    size_t at = 0;
    for (size_t i = 0; i < name.len && at + 3 < cap; i++) {
        char c = name.ptr[i];
        if (c == '~' || c == '/') {
            out[at++] = '~';
            c = c == '~' ? '0' : '1';
        }
        out[at++] = c;
    }
    out[at] = '\0';
    return at;
}

static void pointer(const struct compiler *c, const struct place *place, char out[POINTER_MAX])
{
    const struct place *chain[ISO_SV_DOC_DEPTH_MAX + 2];
    size_t depth = 0;
    for (; place != NULL && depth < ISO_COUNT_OF(chain); place = place->up) {
        chain[depth++] = place;
    }
    size_t at = iso_format(out, POINTER_MAX, "/flows/%.*s/steps/%u%s", (int)c->flow->name.len,
                           c->flow->name.ptr, c->def->step,
                           c->flow->steps[c->def->step].with != NULL ? "/with" : "");
    while (depth-- > 0) {
        at += iso_format(out + at, POINTER_MAX - at, "/");
        at += chain[depth]->name.ptr != NULL
                  ? put_name(out + at, POINTER_MAX - at, chain[depth]->name)
                  : iso_format(out + at, POINTER_MAX - at, "%zu", chain[depth]->index);
    }
}

static enum iso_err fail(const struct compiler *c, const struct place *place, const char *format,
                         ...) ISO_PRINTF(3, 4);

static enum iso_err fail(const struct compiler *c, const struct place *place, const char *format,
                         ...)
{
    char where[POINTER_MAX];
    char text[256];
    va_list list;
    pointer(c, place, where);
    va_start(list, format);
    (void)iso_format_v(text, sizeof text, format, list);
    va_end(list);
    return iso_fail(c->report, ISO_E_INVALID, "%s: %s", where, text);
}

static const char *kind_name(const struct iso_sv_template *template)
{
    static const char *const names[] = {"null",     "true or false", "a number",  "a number",
                                        "a string", "an array",      "an object", "a reference"};
    return names[template->kind];
}

/* ---- Parts -------------------------------------------------------------------------------------
 */

static enum iso_err add_part(struct compiler *c, const struct iso_sv_template *reference,
                             size_t offset, size_t len)
{
    struct part part = {.reference = reference, .offset = offset, .len = len};
    if (c->args->parts.len >= PARTS_MAX * sizeof part) {
        return iso_fail(c->report, ISO_E_LIMIT, "the parameters of a step have too many parts");
    }
    return iso_buf_append(&c->args->parts, &part, sizeof part);
}

static enum iso_err flush(struct compiler *c)
{
    size_t len = c->args->literals.len - c->start;
    enum iso_err err = len > 0 ? add_part(c, NULL, c->start, len) : ISO_OK;
    c->start = c->args->literals.len;
    return err;
}

/* ---- References --------------------------------------------------------------------------------
 */

static enum iso_err check_reference(const struct compiler *c, const struct place *place,
                                    const struct iso_sv_template *template,
                                    const struct iso_vtype *type)
{
    uint32_t step = template->of.reference.step;
    char from[96], to[96];
    if (step == ISO_SV_STEP_INPUT || !c->def->known[step]) {
        return ISO_OK; /* what comes is checked when it comes */
    }
    const struct iso_vtype *at = iso_vtype_success(c->def->results[step]);
    if (at == NULL) {
        return fail(c, place, "step %u has no result", step);
    }
    for (size_t i = 0; i < template->of.reference.path_count; i++) {
        struct iso_str name = template->of.reference.path[i];
        const struct iso_vtype *next = iso_vtype_field(at, name);
        if (next == NULL) {
            iso_vtype_text(at, from, sizeof from);
            return fail(c, place, "the result of step %u has no field '%.*s': it is %s", step,
                        (int)name.len, name.ptr, from);
        }
        at = next;
    }
    if (!iso_vtype_fits(at, type)) {
        iso_vtype_text(at, from, sizeof from);
        iso_vtype_text(type, to, sizeof to);
        return fail(c, place, "expected %s, the reference is %s", to, from);
    }
    return ISO_OK;
}

/* "size.width: expected u32"; without `with`, of the only parameter. */
static size_t put_words(const struct compiler *c, const struct place *place,
                        const struct iso_vtype *type, char out[POINTER_MAX])
{
    const struct place only = {.name = c->def->func->params[0].name};
    const struct place *chain[ISO_SV_DOC_DEPTH_MAX + 2];
    char expected[96];
    size_t depth = 0, at = 0;
    for (place = place != NULL ? place : &only; place != NULL && depth < ISO_COUNT_OF(chain);
         place = place->up) {
        chain[depth++] = place;
    }
    for (size_t i = depth; i-- > 0;) {
        at += iso_format(out + at, POINTER_MAX - at, "%s", i + 1 < depth ? "." : "");
        at += chain[i]->name.ptr != NULL
                  ? iso_format(out + at, POINTER_MAX - at, "%.*s", (int)chain[i]->name.len,
                               chain[i]->name.ptr)
                  : iso_format(out + at, POINTER_MAX - at, "%zu", chain[i]->index);
    }
    iso_vtype_text(type, expected, sizeof expected);
    return at + iso_format(out + at, POINTER_MAX - at, ": expected %s", expected);
}

static enum iso_err put_reference(struct compiler *c, const struct place *place,
                                  const struct iso_sv_template *template,
                                  const struct iso_vtype *type)
{
    char words[POINTER_MAX];
    const size_t offset = c->args->words.len;
    enum iso_err err = check_reference(c, place, template, type);
    if (err == ISO_OK) {
        err = flush(c);
    }
    if (err == ISO_OK) {
        err = iso_buf_append(&c->args->words, words, put_words(c, place, type, words));
    }
    return err == ISO_OK ? add_part(c, template, offset, c->args->words.len - offset) : err;
}

/* ---- Literals ----------------------------------------------------------------------------------
 */

static bool has_reference(const struct iso_sv_template *template)
{
    switch (template->kind) {
    case ISO_SV_TEMPLATE_REFERENCE:
        return true;
    case ISO_SV_TEMPLATE_ARRAY:
        for (size_t i = 0; i < template->of.array.count; i++) {
            if (has_reference(&template->of.array.items[i])) {
                return true;
            }
        }
        return false;
    case ISO_SV_TEMPLATE_OBJECT:
        for (size_t i = 0; i < template->of.object.count; i++) {
            if (has_reference(&template->of.object.values[i])) {
                return true;
            }
        }
        return false;
    default:
        return false;
    }
}

static void put_json(struct iso_json *json, const struct iso_sv_template *template)
{
    switch (template->kind) {
    case ISO_SV_TEMPLATE_NULL:
    case ISO_SV_TEMPLATE_REFERENCE:
        iso_json_null(json);
        break;
    case ISO_SV_TEMPLATE_BOOL:
        iso_json_bool(json, template->of.boolean);
        break;
    case ISO_SV_TEMPLATE_INTEGER:
        iso_json_i64(json, template->of.integer);
        break;
    case ISO_SV_TEMPLATE_REAL:
        iso_json_f64(json, template->of.real);
        break;
    case ISO_SV_TEMPLATE_STRING:
        iso_json_string(json, template->of.string);
        break;
    case ISO_SV_TEMPLATE_ARRAY:
        iso_json_array_begin(json);
        for (size_t i = 0; i < template->of.array.count; i++) {
            put_json(json, &template->of.array.items[i]);
        }
        iso_json_array_end(json);
        break;
    case ISO_SV_TEMPLATE_OBJECT:
        iso_json_object_begin(json);
        for (size_t i = 0; i < template->of.object.count; i++) {
            iso_json_key_str(json, template->of.object.names[i]);
            put_json(json, &template->of.object.values[i]);
        }
        iso_json_object_end(json);
        break;
    }
}

/* JSON, the value of the type, CBOR: what a call in JSON would be given. */
static enum iso_err put_literal(struct compiler *c, const struct place *place,
                                const struct iso_sv_template *template,
                                const struct iso_vtype *type)
{
    struct iso_buf text;
    struct iso_json json;
    struct iso_arena arena;
    struct iso_value value;
    struct iso_report why;
    iso_report_init(&why);
    iso_buf_init(&text, c->def->alloc, LITERALS_MAX);
    iso_arena_init(&arena, c->def->alloc, 0, LITERALS_MAX);
    iso_json_init_buf(&json, &text, 0);
    put_json(&json, template);
    enum iso_err err = iso_json_finish(&json);
    if (err == ISO_OK) {
        err = iso_json_decode(type, iso_buf_view(&text), "value", &arena, &value, &why);
        if (err == ISO_E_ARGUMENT || err == ISO_E_MALFORMED) {
            err = fail(c, place, "%s", iso_report_text(&why, err));
        }
    }
    if (err == ISO_OK) {
        err = iso_cbor_encode(type, &value, &c->args->literals);
    }
    iso_arena_fini(&arena);
    iso_buf_fini(&text);
    return err;
}

/* ---- Values with references in them ------------------------------------------------------------
 */

static enum iso_err put_value(struct compiler *c, const struct place *place,
                              const struct iso_sv_template *template, const struct iso_vtype *type);

static const struct iso_sv_template *member(const struct iso_sv_template *object,
                                            struct iso_str name)
{
    for (size_t i = 0; i < object->of.object.count; i++) {
        if (iso_str_equal(object->of.object.names[i], name)) {
            return &object->of.object.values[i];
        }
    }
    return NULL;
}

/* A map of fields: of a record, or the parameters. */
static enum iso_err put_field(struct compiler *c, const struct place *place, struct iso_str name,
                              const struct iso_sv_template *object, const struct iso_vtype *type)
{
    struct place here = {.up = place, .name = name};
    const struct iso_sv_template *value = member(object, name);
    enum iso_err err = iso_sv_item_text(&c->args->literals, name);
    if (err != ISO_OK) {
        return err;
    }
    if (value == NULL) {
        return type->kind == ISO_V_OPTION
                   ? iso_sv_item_null(&c->args->literals)
                   : fail(c, place, "'%.*s' is missing", (int)name.len, name.ptr);
    }
    return put_value(c, &here, value, type);
}

static enum iso_err put_record(struct compiler *c, const struct place *place,
                               const struct iso_sv_template *template, const struct iso_vtype *type)
{
    enum iso_err err = ISO_OK;
    for (size_t i = 0; i < template->of.object.count && err == ISO_OK; i++) {
        struct iso_str name = template->of.object.names[i];
        struct place here = {.up = place, .name = name};
        if (iso_vtype_field(type, name) == NULL) {
            err = fail(c, &here, "there is no such field");
        }
    }
    if (err == ISO_OK) {
        err = iso_sv_item_head(&c->args->literals, ISO_SV_ITEM_MAP, type->member_count);
    }
    for (uint32_t i = 0; i < type->member_count && err == ISO_OK; i++) {
        err = put_field(c, place, type->members[i].name, template, type->members[i].type);
    }
    return err;
}

/* A tuple, or a list. */
static enum iso_err put_items(struct compiler *c, const struct place *place,
                              const struct iso_sv_template *template, const struct iso_vtype *type)
{
    size_t count = template->of.array.count;
    if (type->kind == ISO_V_TUPLE && count != type->member_count) {
        return fail(c, place, "expected %u items, found %zu", type->member_count, count);
    }
    enum iso_err err = iso_sv_item_head(&c->args->literals, ISO_SV_ITEM_ARRAY, count);
    for (size_t i = 0; i < count && err == ISO_OK; i++) {
        struct place here = {.up = place, .index = i};
        err = put_value(c, &here, &template->of.array.items[i],
                        type->kind == ISO_V_TUPLE ? type->members[i].type : type->element);
    }
    return err;
}

/* {"case": value} of a variant or a result; {"some": value} of an option of an option. */
static enum iso_err put_case(struct compiler *c, const struct place *place,
                             const struct iso_sv_template *template, const struct iso_vtype *type)
{
    static const struct iso_str ends[] = {{"ok", 2}, {"error", 5}};
    if (template->of.object.count != 1) {
        return fail(c, place, "expected an object with one member, the case");
    }
    struct iso_str name = template->of.object.names[0];
    const struct iso_vtype *payload = NULL;
    if (type->kind == ISO_V_OPTION) {
        payload = iso_str_equal_z(name, "some") ? type->element : NULL;
    }
    for (uint32_t i = 0; type->kind != ISO_V_OPTION && i < iso_vtype_case_count(type); i++) {
        if (iso_str_equal(name, type->kind == ISO_V_RESULT ? ends[i] : type->members[i].name)) {
            payload = iso_vtype_case_payload(type, i);
        }
    }
    if (payload == NULL) {
        return fail(c, place, "there is no case '%.*s' with a value", (int)name.len, name.ptr);
    }
    struct place here = {.up = place, .name = name};
    enum iso_err err = iso_sv_item_head(&c->args->literals, ISO_SV_ITEM_MAP, 1);
    if (err == ISO_OK) {
        err = iso_sv_item_text(&c->args->literals, name);
    }
    return err == ISO_OK ? put_value(c, &here, &template->of.object.values[0], payload) : err;
}

static enum iso_err put_value(struct compiler *c, const struct place *place,
                              const struct iso_sv_template *template, const struct iso_vtype *type)
{
    char text[96];
    if (template->kind == ISO_SV_TEMPLATE_REFERENCE) {
        return put_reference(c, place, template, type);
    }
    if (!has_reference(template)) {
        return put_literal(c, place, template, type);
    }
    bool object = template->kind == ISO_SV_TEMPLATE_OBJECT;
    if (type->kind == ISO_V_OPTION && type->element->kind != ISO_V_OPTION) {
        return put_value(c, place, template, type->element);
    }
    if (object && type->kind == ISO_V_RECORD) {
        return put_record(c, place, template, type);
    }
    if (object &&
        (type->kind == ISO_V_VARIANT || type->kind == ISO_V_RESULT || type->kind == ISO_V_OPTION)) {
        return put_case(c, place, template, type);
    }
    if (!object && (type->kind == ISO_V_LIST || type->kind == ISO_V_TUPLE)) {
        return put_items(c, place, template, type);
    }
    iso_vtype_text(type, text, sizeof text);
    return fail(c, place, "expected %s, found %s", text, kind_name(template));
}

/* ---- Parameters --------------------------------------------------------------------------------
 */

static enum iso_err put_params(struct compiler *c, const struct iso_sv_template *with)
{
    const struct iso_wit_func *func = c->def->func;
    enum iso_err err = ISO_OK;
    for (size_t i = 0; i < with->of.object.count && err == ISO_OK; i++) {
        struct iso_str name = with->of.object.names[i];
        bool known = false;
        for (uint32_t k = 0; k < func->param_count; k++) {
            known = known || iso_str_equal(func->params[k].name, name);
        }
        if (!known) {
            struct place here = {.up = NULL, .name = name};
            err = fail(c, &here, "%.*s has no such parameter", (int)func->name.len, func->name.ptr);
        }
    }
    if (err == ISO_OK) {
        err = iso_sv_item_head(&c->args->literals, ISO_SV_ITEM_MAP, func->param_count);
    }
    for (uint32_t i = 0; i < func->param_count && err == ISO_OK; i++) {
        err = put_field(c, NULL, func->params[i].name, with, func->params[i].type);
    }
    return err;
}

/* Without `with`: the result before fills the only parameter, if there is one. */
static enum iso_err put_before(struct compiler *c)
{
    const struct iso_wit_func *func = c->def->func;
    if (func->param_count > 1) {
        return fail(c, NULL, "%.*s has %u parameters: \"with\" has to say what they are",
                    (int)func->name.len, func->name.ptr, func->param_count);
    }
    enum iso_err err = iso_sv_item_head(&c->args->literals, ISO_SV_ITEM_MAP, func->param_count);
    if (err != ISO_OK || func->param_count == 0) {
        return err;
    }
    if (c->def->step == 0 && c->flow->trigger == ISO_SV_ON_EVERY) {
        return fail(c, NULL, "%.*s has a parameter, and a flow that a timer starts has no input",
                    (int)func->name.len, func->name.ptr);
    }
    c->args->before.kind = ISO_SV_TEMPLATE_REFERENCE;
    c->args->before.of.reference.step = c->def->step > 0 ? c->def->step - 1 : ISO_SV_STEP_INPUT;
    err = iso_sv_item_text(&c->args->literals, func->params[0].name);
    return err == ISO_OK ? put_reference(c, NULL, &c->args->before, func->params[0].type) : err;
}

enum iso_err iso_sv_flow_args_create(const struct iso_sv_flow_args_def *def,
                                     struct iso_sv_flow_args **out, struct iso_report *report)
{
    struct iso_sv_flow_args *args = iso_alloc_new(def->alloc, sizeof *args);
    if (args == NULL) {
        return ISO_E_NOMEM;
    }
    struct compiler c = {
        .def = def, .flow = &def->document->flows[def->flow], .args = args, .report = report};
    const struct iso_sv_template *with = c.flow->steps[def->step].with;
    args->alloc = def->alloc;
    args->step_count = (uint32_t)c.flow->step_count;
    iso_buf_init(&args->literals, def->alloc, LITERALS_MAX);
    iso_buf_init(&args->words, def->alloc, SIZE_MAX);
    iso_buf_init(&args->parts, def->alloc, SIZE_MAX);
    enum iso_err err = with != NULL ? put_params(&c, with) : put_before(&c);
    if (err == ISO_OK) {
        err = flush(&c);
    }
    if (err != ISO_OK) {
        iso_sv_flow_args_destroy(args);
        return err;
    }
    *out = args;
    return ISO_OK;
}

void iso_sv_flow_args_destroy(struct iso_sv_flow_args *args)
{
    if (args != NULL) {
        iso_buf_fini(&args->literals);
        iso_buf_fini(&args->words);
        iso_buf_fini(&args->parts);
        iso_alloc_free(args->alloc, args, sizeof *args);
    }
}

/* ---- Runs --------------------------------------------------------------------------------------
 */

static enum iso_err resolve(const struct iso_sv_flow_args *args, const struct part *part,
                            const struct iso_sv_slot *slots, struct iso_bytes *out,
                            struct iso_report *report)
{
    static const uint8_t null = 0xf6;
    const struct iso_sv_template *reference = part->reference;
    const char *words = (const char *)args->words.ptr + part->offset;
    uint32_t step = reference->of.reference.step;
    struct iso_bytes item = slots[step == ISO_SV_STEP_INPUT ? args->step_count : step].item;
    if (item.len == 0) {
        item = iso_bytes_from(&null, 1);
    }
    for (size_t i = 0; i < reference->of.reference.path_count; i++) {
        struct iso_str name = reference->of.reference.path[i];
        if (!iso_sv_item_member(item, name, &item)) {
            return step == ISO_SV_STEP_INPUT
                       ? iso_fail(report, ISO_E_ARGUMENT, "%.*s, and the input has no field '%.*s'",
                                  (int)part->len, words, (int)name.len, name.ptr)
                       : iso_fail(report, ISO_E_ARGUMENT,
                                  "%.*s, and the result of step %u has no field '%.*s'",
                                  (int)part->len, words, step, (int)name.len, name.ptr);
        }
    }
    *out = item;
    return ISO_OK;
}

enum iso_err iso_sv_flow_args_build(const struct iso_sv_flow_args *args,
                                    const struct iso_sv_slot *slots, struct iso_buf *out,
                                    struct iso_report *report)
{
    const struct part *parts = (const struct part *)(const void *)args->parts.ptr;
    size_t count = args->parts.len / sizeof *parts;
    size_t before = out->len;
    enum iso_err err = ISO_OK;
    for (size_t i = 0; i < count && err == ISO_OK; i++) {
        struct iso_bytes bytes;
        if (parts[i].reference == NULL) {
            bytes = iso_bytes_from(args->literals.ptr + parts[i].offset, parts[i].len);
        } else {
            err = resolve(args, &parts[i], slots, &bytes, report);
        }
        if (err == ISO_OK) {
            err = iso_buf_append(out, bytes.ptr, bytes.len);
        }
    }
    if (err != ISO_OK) {
        out->len = before;
    }
    return err;
}
