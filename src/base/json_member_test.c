/* Members of an object: each kind of value, and what is left out. */
#include "base/json_member.h"
#include "base/test.h"

TEST(json_members)
{
    struct iso_buf buf;
    struct iso_json json;
    iso_buf_init(&buf, iso_alloc_libc(), SIZE_MAX);
    iso_json_init_buf(&json, &buf, 0);
    iso_json_object_begin(&json);
    iso_json_put_string(&json, "string", iso_str_from_z("s"));
    iso_json_put_string(&json, "empty", iso_str_from_z(""));
    iso_json_put_string_if(&json, "there", iso_str_from_z("t"));
    iso_json_put_string_if(&json, "not there", iso_str_from_z(""));
    iso_json_put_z(&json, "z", "z");
    iso_json_put_z(&json, "no z", NULL);
    iso_json_put_i64(&json, "i64", -1);
    iso_json_put_u64(&json, "u64", 1);
    iso_json_put_f64(&json, "f64", 0.5);
    iso_json_put_bool(&json, "bool", true);
    iso_json_put_null(&json, "null");
    iso_json_put_raw(&json, "raw", iso_str_from_z("[1]"));
    iso_json_put_object_begin(&json, "object");
    iso_json_put_array_begin(&json, "array");
    iso_json_array_end(&json);
    iso_json_object_end(&json);
    iso_json_object_end(&json);
    CHECK_OK(iso_json_finish(&json));
    CHECK_OK(iso_buf_append_u8(&buf, 0));
    CHECK_STR(
        (const char *)buf.ptr,
        "{\"string\":\"s\",\"empty\":\"\",\"there\":\"t\",\"z\":\"z\",\"no z\":null,\"i64\":-1,"
        "\"u64\":1,\"f64\":0.5,\"bool\":true,\"null\":null,\"raw\":[1],\"object\":{\"array\":[]}}");
    iso_buf_fini(&buf);
}
