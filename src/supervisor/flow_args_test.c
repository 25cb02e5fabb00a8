/* Parameters of steps: templates of every shape against types of every kind, put together with
 * results, and read back as the typed values that a call gets. */
#include "supervisor/flow_args.h"

#include "base/test.h"
#include "supervisor/document_test_support.h"
#include "supervisor/item.h"

static const char wit_text[] =
    "package t:t;\n"
    "interface i {\n"
    "  record size { width: u32, height: u32, note: option<string> }\n"
    "  variant shape { none, circle(u32), box(size) }\n"
    "  f: func(s: size, l: list<u32>, b: list<u8>, t: tuple<u32, string>, o: option<u32>,\n"
    "          oo: option<option<u32>>, v: shape, r: result<u32, string>) -> u32;\n"
    "  one: func(b: list<u8>);\n"
    "}\n"
    "world w { export i; }\n";

/* A flow of one called step with this `with`, and what is made of it for an input. */
struct
try {
    struct iso_wit wit;
    struct iso_sv_document *document;
    struct iso_sv_flow_args *args;
    struct iso_report report;
};

static enum iso_err compile(struct try *it, const char *with, unsigned function)
{
    char text[2048];
    const struct iso_wit_source source = {.name = "t.wit",
                                          .text = iso_bytes_from(wit_text, sizeof wit_text - 1)};
    memset(it, 0, sizeof *it);
    CHECK_OK(iso_wit_parse(iso_alloc_libc(), &source, 1, &it->wit, &it->report));
    (void)iso_format(text, sizeof text,
                     "{\"isomer\": 1, \"app\": \"a\", \"generation\": 1, \"components\": {\"c\": "
                     "{\"module\": \"" TEST_DIGEST
                     "\", \"epoch\": 1}}, \"flows\": {\"f\": {\"on\": "
                     "{\"call\": true}, \"steps\": [{\"component\": \"c\", \"call\": \"f\", "
                     "\"epoch\": 1, \"with\": %s}]}}}",
                     with);
    enum iso_err err = iso_sv_document_parse(iso_alloc_libc(), iso_bytes_from(text, strlen(text)),
                                             &it->document, &it->report);
    if (err != ISO_OK) {
        TEST_FAIL("%s", it->report.text);
    }
    const struct iso_vtype *results[1] = {NULL};
    const bool known[1] = {false};
    const struct iso_sv_flow_args_def def = {.alloc = iso_alloc_libc(),
                                             .document = it->document,
                                             .func = &it->wit.interfaces[0]->funcs[function],
                                             .results = results,
                                             .known = known};
    return iso_sv_flow_args_create(&def, &it->args, &it->report);
}

static void finish(struct try *it)
{
    iso_sv_flow_args_destroy(it->args);
    iso_sv_document_destroy(it->document);
    iso_wit_fini(&it->wit);
}

static void check_json(const char *with, const char *input, const char *json)
{
    struct try it;
    struct iso_buf item, params, text;
    if (compile(&it, with, 0) != ISO_OK) {
        TEST_FAIL("%s", it.report.text);
    }
    iso_buf_init(&item, iso_alloc_libc(), SIZE_MAX);
    iso_buf_init(&params, iso_alloc_libc(), SIZE_MAX);
    iso_buf_init(&text, iso_alloc_libc(), SIZE_MAX);
    CHECK_OK(iso_sv_item_from_json(iso_bytes_from(input, strlen(input)), &item, NULL));
    struct iso_sv_slot slots[2] = {{.block = NULL}, {.item = iso_buf_view(&item)}};
    enum iso_err err = iso_sv_flow_args_build(it.args, slots, &params, &it.report);
    if (err != ISO_OK) {
        CHECK_STR(it.report.text, json);
    } else {
        /* As the callee reads it. */
        struct iso_arena arena;
        struct iso_value values[8];
        const struct iso_wit_func *func = &it.wit.interfaces[0]->funcs[0];
        iso_arena_init(&arena, iso_alloc_libc(), 0, SIZE_MAX);
        err = iso_cbor_decode_params(func, iso_buf_view(&params), &arena, values, &it.report);
        if (err != ISO_OK) {
            TEST_FAIL("%s", it.report.text);
        }
        for (uint32_t i = 0; i < func->param_count; i++) {
            CHECK_OK(iso_json_encode(func->params[i].type, &values[i], &text));
            CHECK_OK(iso_buf_append_u8(&text, i + 1 < func->param_count ? ' ' : 0));
        }
        CHECK_STR((const char *)text.ptr, json);
        iso_arena_fini(&arena);
    }
    iso_buf_fini(&item);
    iso_buf_fini(&params);
    iso_buf_fini(&text);
    finish(&it);
}

#define LITERALS                                                                                   \
    "\"l\": [1, 2], \"b\": \"AQI=\", \"t\": [3, \"x\"], \"o\": null, \"oo\": {\"some\": null}, "   \
    "\"v\": {\"none\": null}, \"r\": {\"ok\": 5}"

TEST(literals_become_values_of_their_types)
{
    check_json(
        "{\"s\": {\"width\": 1, \"height\": 2}, \"l\": [], \"b\": \"\", \"t\": [3, \"$$x\"], "
        "\"oo\": {\"some\": 4}, \"v\": {\"circle\": 7}, \"r\": {\"error\": \"e\"}}",
        "null",
        "{\"width\":1,\"height\":2,\"note\":null} [] \"\" [3,\"$x\"] null {\"some\":4} "
        "{\"circle\":7} {\"error\":\"e\"}");
}

TEST(references_stand_in_every_shape)
{
    static const char input[] =
        "{\"n\": 9, \"text\": \"t\", \"size\": {\"width\": 3, \"height\": 4}}";
    check_json(
        "{\"s\": {\"width\": \"$input.n\", \"height\": 2, \"note\": \"$input.text\"}, \"l\": [1, "
        "\"$input.n\"], \"b\": [1, \"$input.n\"], \"t\": [\"$input.n\", \"x\"], \"o\": "
        "\"$input.n\", \"oo\": {\"some\": \"$input.n\"}, \"v\": {\"box\": {\"width\": "
        "\"$input.size.width\", \"height\": 1}}, \"r\": {\"ok\": \"$input.n\"}}",
        input,
        "{\"width\":9,\"height\":2,\"note\":\"t\"} [1,9] \"AQk=\" [9,\"x\"] 9 {\"some\":9} "
        "{\"box\":{\"width\":3,\"height\":1,\"note\":null}} {\"ok\":9}");
    check_json("{\"s\": \"$input.size\", " LITERALS "}", input,
               "{\"width\":3,\"height\":4,\"note\":null} [1,2] \"AQI=\" [3,\"x\"] null "
               "{\"some\":null} {\"none\":null} {\"ok\":5}");
}

TEST(a_field_that_is_not_there_is_named)
{
    check_json("{\"s\": \"$input.size.depth\", " LITERALS "}", "{\"size\": {\"width\": 3}}",
               "s: expected record size, and the input has no field 'depth'");
    check_json("{\"s\": {\"width\": \"$input.size.depth\", \"height\": 2}, " LITERALS "}",
               "{\"size\": {\"width\": 3}}",
               "s.width: expected u32, and the input has no field 'depth'");
    check_json("{\"s\": \"$input.size\", " LITERALS "}", "5",
               "s: expected record size, and the input has no field 'size'");
}

TEST(what_fits_no_type_is_refused_with_its_place)
{
    static const struct {
        const char *with, *message;
    } cases[] = {
        {"{\"s\": {\"width\": 1}, " LITERALS "}", "/flows/f/steps/0/with/s: "},
        {"{\"s\": {\"width\": \"$input\"}, " LITERALS "}",
         "/flows/f/steps/0/with/s: 'height' is missing"},
        {"{\"s\": {\"width\": \"$input\", \"height\": 1, \"x~/y\": 1}, " LITERALS "}",
         "/flows/f/steps/0/with/s/x~0~1y: there is no such field"},
        {"{\"s\": [\"$input\"], " LITERALS "}", "/flows/f/steps/0/with/s: expected record size"},
        {"{\"s\": {\"width\": \"$input\", \"height\": -1}, " LITERALS "}",
         "/flows/f/steps/0/with/s/height: "},
        {"{\"s\": {\"width\": \"$input\", \"height\": 1, \"note\": [\"$input\"]}, " LITERALS "}",
         "/flows/f/steps/0/with/s/note: expected string"},
        {"{\"s\": \"$input\", \"l\": [\"$input\", \"x\"], \"b\": \"\", \"t\": [1, \"\"], \"v\": "
         "\"none\", \"r\": {\"ok\": 1}}",
         "/flows/f/steps/0/with/l/1: "},
        {"{\"s\": \"$input\", \"l\": [], \"b\": \"\", \"t\": [\"$input\"], \"v\": \"none\", \"r\": "
         "{\"ok\": 1}}",
         "/flows/f/steps/0/with/t: expected 2 items, found 1"},
        {"{\"s\": \"$input\", \"l\": [], \"b\": \"\", \"t\": [1, \"\"], \"v\": {\"none\": "
         "\"$input\"}, \"r\": {\"ok\": 1}}",
         "/flows/f/steps/0/with/v: there is no case 'none' with a value"},
        {"{\"s\": \"$input\", \"l\": [], \"b\": \"\", \"t\": [1, \"\"], \"v\": {\"circle\": "
         "\"$input\", \"box\": 1}, \"r\": {\"ok\": 1}}",
         "/flows/f/steps/0/with/v: expected an object with one member"},
        {"{\"s\": \"$input\", \"l\": [], \"b\": \"*\", \"t\": [1, \"\"], \"v\": \"none\", \"r\": "
         "{\"ok\": 1}}",
         "/flows/f/steps/0/with/b: "},
    };
    for (size_t i = 0; i < ISO_COUNT_OF(cases); i++) {
        struct try it;
        CHECK_ERR(compile(&it, cases[i].with, 0), ISO_E_INVALID);
        CHECK_CONTAINS(it.report.text, cases[i].message);
        finish(&it);
    }
}
