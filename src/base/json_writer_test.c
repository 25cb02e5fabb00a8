/* The JSON writer: shapes, escapes, numbers, errors of the sink. */
#include "base/test.h"

#include <math.h>

struct fixture {
    struct iso_buf buf;
    struct iso_json json;
};

static void set_up(struct fixture *f, unsigned indent)
{
    iso_buf_init(&f->buf, iso_alloc_libc(), SIZE_MAX);
    iso_json_init_buf(&f->json, &f->buf, indent);
}

/* Ends the text, compares it and releases it. */
static void check_text(struct fixture *f, const char *expected)
{
    CHECK_OK(iso_json_finish(&f->json));
    CHECK_OK(iso_buf_append_u8(&f->buf, 0));
    CHECK_STR((const char *)f->buf.ptr, expected);
    iso_buf_fini(&f->buf);
}

static void write_sample(struct iso_json *json)
{
    iso_json_object_begin(json);
    iso_json_key(json, "name");
    iso_json_z(json, "sensor");
    iso_json_key(json, "empty");
    iso_json_array_begin(json);
    iso_json_array_end(json);
    iso_json_key(json, "list");
    iso_json_array_begin(json);
    iso_json_i64(json, -1);
    iso_json_object_begin(json);
    iso_json_object_end(json);
    iso_json_bool(json, true);
    iso_json_null(json);
    iso_json_array_end(json);
    iso_json_object_end(json);
}

TEST(json_in_one_line)
{
    struct fixture f;
    set_up(&f, 0);
    write_sample(&f.json);
    check_text(&f, "{\"name\":\"sensor\",\"empty\":[],\"list\":[-1,{},true,null]}");
}

TEST(json_with_indentation)
{
    struct fixture f;
    set_up(&f, 2);
    write_sample(&f.json);
    check_text(&f, "{\n  \"name\": \"sensor\",\n  \"empty\": [],\n  \"list\": [\n    -1,\n    {},\n"
                   "    true,\n    null\n  ]\n}\n");
}

TEST(json_single_values)
{
    struct fixture f;
    set_up(&f, 0);
    iso_json_z(&f.json, NULL);
    check_text(&f, "null");
    set_up(&f, 4);
    iso_json_bool(&f.json, false);
    check_text(&f, "false\n");
}

TEST(json_numbers)
{
    struct fixture f;
    set_up(&f, 0);
    iso_json_array_begin(&f.json);
    iso_json_u64(&f.json, UINT64_MAX);
    iso_json_i64(&f.json, INT64_MIN);
    iso_json_i64(&f.json, INT64_MAX);
    iso_json_f64(&f.json, 1.5);
    iso_json_f64(&f.json, 1e300);
    iso_json_f64(&f.json, (double)NAN);
    iso_json_f64(&f.json, (double)-INFINITY);
    iso_json_array_end(&f.json);
    check_text(&f, "[18446744073709551615,-9223372036854775808,9223372036854775807,1.5,1e+300,"
                   "null,null]");
}

TEST(json_escapes)
{
    struct fixture f;
    set_up(&f, 0);
    iso_json_object_begin(&f.json);
    iso_json_key(&f.json, "a\"b\\c");
    iso_json_string(&f.json, iso_str_from("\n\r\t\0\x1f\x7f/", 7));
    iso_json_object_end(&f.json);
    check_text(&f, "{\"a\\\"b\\\\c\":\"\\n\\r\\t\\u0000\\u001f\\u007f/\"}");
}

TEST(json_replaces_what_is_not_utf8)
{
    struct fixture f;
    set_up(&f, 0);
    iso_json_array_begin(&f.json);
    iso_json_z(&f.json, "gr\xc3\xbc\xc3\x9f \xf0\x9f\x8c\x8d");
    iso_json_z(&f.json, "a\xff\x62\xc3");
    iso_json_z(&f.json, "\xed\xa0\x80");
    iso_json_array_end(&f.json);
    check_text(&f, "[\"gr\xc3\xbc\xc3\x9f \xf0\x9f\x8c\x8d\","
                   "\"a\xef\xbf\xbd\x62\xef\xbf\xbd\","
                   "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"]");
}

TEST(json_nesting_has_a_limit)
{
    struct fixture f;
    set_up(&f, 0);
    for (unsigned i = 0; i < ISO_JSON_MAX_DEPTH; i++) {
        iso_json_array_begin(&f.json);
    }
    CHECK_OK(f.json.err);
    iso_json_array_begin(&f.json);
    CHECK_ERR(f.json.err, ISO_E_LIMIT);
    for (unsigned i = 0; i < 100; i++) {
        iso_json_array_end(&f.json);
    }
    CHECK_ERR(iso_json_finish(&f.json), ISO_E_LIMIT);
    iso_buf_fini(&f.buf);
}

TEST(json_keeps_the_first_error_of_the_sink)
{
    struct fixture f;
    set_up(&f, 3);
    write_sample(&f.json);
    CHECK_OK(iso_json_finish(&f.json));
    size_t whole = f.buf.len;
    iso_buf_fini(&f.buf);
    for (size_t max = 0; max < whole; max++) {
        struct iso_buf buf;
        struct iso_json json;
        iso_buf_init(&buf, iso_alloc_libc(), max);
        iso_json_init_buf(&json, &buf, 3);
        write_sample(&json);
        CHECK_ERR(iso_json_finish(&json), ISO_E_LIMIT);
        CHECK(buf.len <= max);
        iso_buf_fini(&buf);
    }
}

TEST(json_takes_finished_text_as_a_value)
{
    struct fixture f;
    set_up(&f, 0);
    iso_json_array_begin(&f.json);
    iso_json_raw(&f.json, iso_str_from_z("{\"a\":1}"));
    iso_json_u64(&f.json, 2);
    iso_json_raw(&f.json, iso_str_from_z("[]"));
    iso_json_array_end(&f.json);
    CHECK_OK(iso_json_finish(&f.json));
    CHECK_OK(iso_buf_append_u8(&f.buf, 0));
    CHECK_STR((const char *)f.buf.ptr, "[{\"a\":1},2,[]]");
    iso_buf_fini(&f.buf);
}
