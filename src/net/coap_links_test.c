/* Link format: what is and what is not, and the queries of RFC 6690. */
#include "base/test.h"
#include "net/coap_links.h"

static const char sample[] =
    "</d>;rt=\"isomer.device\";ct=\"50 60\","
    "</c/app/lamp/get-state>;rt=\"isomer.property x.y\";obs;title=\"a, \\\"b\\\"\","
    "</c/app/lamp/set>;if=core.a;ct=40";

static void check_filter(const char *query, const char *expected)
{
    struct iso_alloc_test memory;
    iso_alloc_test_init(&memory);
    struct iso_buf out;
    iso_buf_init(&out, &memory.alloc, 4096);
    struct iso_str queries[1] = {iso_str_from_z(query)};
    CHECK_OK(iso_coap_links_filter(iso_str_from_z(sample), queries, query != NULL ? 1 : 0, &out));
    CHECK_OK(iso_buf_append_u8(&out, 0));
    CHECK_STR((const char *)out.ptr, expected);
    iso_buf_fini(&out);
}

TEST(queries_choose_links)
{
    static const char device[] = "</d>;rt=\"isomer.device\";ct=\"50 60\"";
    static const char set[] = "</c/app/lamp/set>;if=core.a;ct=40";
    static const char state[] =
        "</c/app/lamp/get-state>;rt=\"isomer.property x.y\";obs;title=\"a, \\\"b\\\"\"";
    check_filter(NULL, sample);
    check_filter("rt=isomer.device", device);
    check_filter("rt=isomer.dev", "");
    check_filter("rt=x.y", state);
    check_filter("ct=60", device);
    check_filter("ct=40", set);
    check_filter("if=core.*", set);
    check_filter("obs", state);
    check_filter("href=/d", device);
    check_filter("href=/d*", device);
    check_filter("href=/c/app/lamp/s*", set);
    check_filter("title=a,*", state);
    check_filter("nothing=1", "");
    check_filter("=", "");
    check_filter("", "");
}

TEST(what_is_no_link_format_is_refused)
{
    static const char *const good[] = {"", "<>", "</a>", "</a>;x", "</a>;x=1,</b>;y=\"\"", sample};
    for (size_t i = 0; i < ISO_COUNT_OF(good); i++) {
        CHECK_OK(iso_coap_links_check(iso_str_from_z(good[i]), NULL));
    }
    static const char *const bad[] = {
        "a",          "<a",         "</a>x",       "</a>;",    "</a>;=1", "</a>;x=\"",
        "</a>;x=\"a", "</a>,",      "</a>,,</b>",  ",</a>",    "</a b>",  "</a>;x=\"a\\",
        "<<a>>",      "</a>;x y",   "</a> ,</b>",  "</a>\n",   "<\"a\">", "</a>;x=\"a\"b",
        "</a>;x;;y",  "</a>;\"x\"", "</a>;x=a\"b", "</a></b>", "<",       ";x=1",
    };
    for (size_t i = 0; i < ISO_COUNT_OF(bad); i++) {
        struct iso_report report;
        iso_report_init(&report);
        CHECK_ERR(iso_coap_links_check(iso_str_from_z(bad[i]), &report), ISO_E_MALFORMED);
        CHECK(report.set);
    }
}
