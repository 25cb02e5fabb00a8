/* Times and jansson's values become members; what is not there is null. */
#include "base/test.h"
#include "daemon/member.h"

TEST(daemon_members)
{
    struct iso_buf buf;
    struct iso_json json;
    json_t *value = json_pack("{s:[i, n], s:s}", "list", 1, "text", "a\"b");
    iso_buf_init(&buf, iso_alloc_libc(), 4096);
    iso_json_init_buf(&json, &buf, 0);
    iso_json_object_begin(&json);
    iso_member_time(&json, "time", 1700000000123456789u);
    iso_member_value(&json, "value", value);
    iso_member_value(&json, "text", json_object_get(value, "text"));
    iso_member_value(&json, "nothing", NULL);
    iso_json_object_end(&json);
    CHECK_OK(iso_json_finish(&json));
    CHECK_OK(iso_buf_append_u8(&buf, 0));
    CHECK_STR(
        (const char *)buf.ptr,
        "{\"time\":\"2023-11-14T22:13:20.123Z\",\"value\":{\"list\":[1,null],\"text\":\"a\\\"b\"},"
        "\"text\":\"a\\\"b\",\"nothing\":null}");
    iso_buf_fini(&buf);
    json_decref(value);
}
