/* `with` of a flow's step: JSON with references. docs/deployment.md, "Values and references". */
#include "supervisor/document_json.h"

struct template_reader {
    struct iso_sv_doc_reader *reader;
    const struct iso_sv_doc_flow *flow;
    const struct iso_sv_doc_step *steps;
    size_t step;     /* the one whose `with` this is */
    uint64_t refers; /* as struct iso_sv_doc_step.needs */
};

static enum iso_err read_value(struct template_reader *t, const struct iso_sv_doc_at *at,
                               struct iso_sv_template *out);

/* ---- References --------------------------------------------------------------------------------
 */

static enum iso_err resolve(struct template_reader *t, const struct iso_sv_doc_at *at,
                            struct iso_str name, struct iso_sv_template *out)
{
    if (iso_str_equal_z(name, "input")) {
        if (t->flow->trigger == ISO_SV_ON_EVERY) {
            return iso_sv_doc_fail(t->reader, at, ISO_E_INVALID,
                                   "a flow that a timer starts has no '$input'");
        }
        out->of.reference.step = ISO_SV_STEP_INPUT;
        t->refers |= ISO_SV_NEEDS_INPUT;
        return ISO_OK;
    }
    struct iso_nearest nearest = {.word = name};
    for (uint32_t i = 0; i < t->step; i++) {
        if (iso_str_equal(t->steps[i].as, name)) {
            out->of.reference.step = i;
            t->refers |= UINT64_C(1) << i;
            return ISO_OK;
        }
        iso_nearest_try(&nearest, t->steps[i].as);
    }
    char shown[64], hint[64];
    (void)iso_nearest_text(&nearest, hint, sizeof hint);
    return iso_sv_doc_fail(
        t->reader, at, ISO_E_INVALID, "no step before this one is called %s ('as')%s%s",
        iso_quote(shown, name), hint, hint[0] != '\0' ? "" : "; a literal '$' is written '$$'");
}

/* text is "$name.path...", copied already. */
static enum iso_err read_reference(struct template_reader *t, const struct iso_sv_doc_at *at,
                                   struct iso_str text, struct iso_sv_template *out)
{
    size_t dots = 0;
    for (size_t i = 0; i < text.len; i++) {
        dots += text.ptr[i] == '.' ? 1 : 0;
    }
    struct iso_str *parts = iso_sv_doc_new(t->reader, dots + 1, sizeof *parts);
    if (parts == NULL) {
        return ISO_E_NOMEM;
    }
    size_t start = 1;
    for (size_t n = 0; n <= dots; n++) {
        const char *dot = memchr(text.ptr + start, '.', text.len - start);
        size_t end = dot != NULL ? (size_t)(dot - text.ptr) : text.len;
        parts[n] = iso_str_from(text.ptr + start, end - start);
        if (parts[n].len == 0) {
            return iso_sv_doc_fail(t->reader, at, ISO_E_INVALID,
                                   "a reference is '$name' or '$name.field'; a literal '$' is "
                                   "written '$$'");
        }
        start = end + 1;
    }
    out->kind = ISO_SV_TEMPLATE_REFERENCE;
    out->of.reference.path = parts + 1;
    out->of.reference.path_count = dots;
    return resolve(t, at, parts[0], out);
}

static enum iso_err read_string(struct template_reader *t, const struct iso_sv_doc_at *at,
                                struct iso_sv_template *out)
{
    struct iso_str text;
    enum iso_err err = iso_sv_doc_string(t->reader, at, 0, ISO_SV_DOC_BYTES_MAX, &text);
    if (err != ISO_OK) {
        return err;
    }
    if (text.len > 0 && text.ptr[0] == '$' && (text.len == 1 || text.ptr[1] != '$')) {
        return read_reference(t, at, text, out);
    }
    size_t skip = text.len > 0 && text.ptr[0] == '$' ? 1 : 0; /* "$$" */
    out->kind = ISO_SV_TEMPLATE_STRING;
    out->of.string = iso_str_from(text.ptr + skip, text.len - skip);
    return ISO_OK;
}

/* ---- Values ------------------------------------------------------------------------------------
 */

static enum iso_err read_array(struct template_reader *t, const struct iso_sv_doc_at *at,
                               struct iso_sv_template *out)
{
    size_t count = json_array_size(at->json);
    struct iso_sv_template *items = iso_sv_doc_new(t->reader, count, sizeof *items);
    if (items == NULL) {
        return ISO_E_NOMEM;
    }
    out->kind = ISO_SV_TEMPLATE_ARRAY;
    out->of.array.items = items;
    out->of.array.count = count;
    for (size_t i = 0; i < count; i++) {
        struct iso_sv_doc_at element = iso_sv_doc_element(at, i);
        enum iso_err err = read_value(t, &element, &items[i]);
        if (err != ISO_OK) {
            return err;
        }
    }
    return ISO_OK;
}

static enum iso_err read_object(struct template_reader *t, const struct iso_sv_doc_at *at,
                                struct iso_sv_template *out)
{
    size_t count = json_object_size(at->json), i = 0;
    struct iso_str *names = iso_sv_doc_new(t->reader, count, sizeof *names);
    struct iso_sv_template *values =
        names != NULL ? iso_sv_doc_new(t->reader, count, sizeof *values) : NULL;
    if (values == NULL) {
        return ISO_E_NOMEM;
    }
    out->kind = ISO_SV_TEMPLATE_OBJECT;
    out->of.object.names = names;
    out->of.object.values = values;
    out->of.object.count = count;
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach(at->json, key, value)
    {
        struct iso_sv_doc_at member = {.json = value, .up = at, .key = key};
        enum iso_err err = iso_sv_doc_key_text(t->reader, &member, 256, &names[i]);
        if (err == ISO_OK) {
            err = read_value(t, &member, &values[i]);
        }
        if (err != ISO_OK) {
            return err;
        }
        i++;
    }
    return ISO_OK;
}

/* As deep as the document may be nested. */
static enum iso_err read_value(struct template_reader *t, const struct iso_sv_doc_at *at,
                               struct iso_sv_template *out)
{
    switch (json_typeof(at->json)) {
    case JSON_OBJECT:
        return read_object(t, at, out);
    case JSON_ARRAY:
        return read_array(t, at, out);
    case JSON_STRING:
        return read_string(t, at, out);
    case JSON_INTEGER:
        out->kind = ISO_SV_TEMPLATE_INTEGER;
        out->of.integer = json_integer_value(at->json);
        return ISO_OK;
    case JSON_REAL:
        out->kind = ISO_SV_TEMPLATE_REAL;
        out->of.real = json_real_value(at->json);
        return ISO_OK;
    case JSON_TRUE:
    case JSON_FALSE:
        out->kind = ISO_SV_TEMPLATE_BOOL;
        out->of.boolean = json_is_true(at->json);
        return ISO_OK;
    default:
        out->kind = ISO_SV_TEMPLATE_NULL;
        return ISO_OK;
    }
}

enum iso_err iso_sv_doc_template(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_at *at,
                                 const struct iso_sv_doc_flow *flow,
                                 const struct iso_sv_doc_step *steps, size_t step, uint64_t *refers,
                                 const struct iso_sv_template **out)
{
    struct template_reader t = {.reader = reader, .flow = flow, .steps = steps, .step = step};
    if (!json_is_object(at->json)) {
        return iso_sv_doc_fail(reader, at, ISO_E_INVALID,
                               "expected an object with the function's parameters by name");
    }
    struct iso_sv_template *root = iso_sv_doc_new(reader, 1, sizeof *root);
    if (root == NULL) {
        return ISO_E_NOMEM;
    }
    enum iso_err err = read_value(&t, at, root);
    if (err == ISO_OK) {
        *refers = t.refers;
        *out = root;
    }
    return err;
}
