/* References: each form is taken apart and printed as it was; each mistake is answered with what
 * would be right. */
#include "package/package.h"

#include "base/test.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct iso_reference parse(const char *text)
{
    struct iso_reference reference;
    struct iso_report report;
    iso_report_init(&report);
    const enum iso_err err = iso_reference_parse(iso_str_from_z(text), &reference, &report);
    if (err != ISO_OK) {
        TEST_FAIL("%s: %s", text, report.text);
    }
    return reference;
}

#define CHECK_VIEW(view, text) CHECK(iso_str_equal_z(view, text))

TEST(each_form_is_taken_apart)
{
    struct iso_reference r = parse("file:../camera");
    CHECK(r.kind == ISO_REFERENCE_FILE);
    CHECK_VIEW(r.path, "../camera");

    r = parse("https://example.org:8443/a/b.wasm?x=1#sha256:" HEX);
    CHECK(r.kind == ISO_REFERENCE_HTTPS);
    CHECK_VIEW(r.url, "https://example.org:8443/a/b.wasm?x=1");
    CHECK(r.has_digest && r.digest[0] == 0x01 && r.digest[31] == 0xef);

    r = parse("npm:@jsquash/resize@2.1.1/lib/resize/pkg/squoosh_resize_bg.wasm");
    CHECK(r.kind == ISO_REFERENCE_NPM);
    CHECK_VIEW(r.name, "@jsquash/resize");
    CHECK_VIEW(r.version, "2.1.1");
    CHECK_VIEW(r.path, "lib/resize/pkg/squoosh_resize_bg.wasm");
    r = parse("npm:a.b_c/d.wasm");
    CHECK_VIEW(r.name, "a.b_c");
    CHECK_EQ_U64(r.version.len, 0);
    r = parse("npm:a@>=1.2 <2 || ^3/d.wasm");
    CHECK_VIEW(r.version, ">=1.2 <2 || ^3");

    r = parse("oci:lab/team/screen:1.0-rc_1");
    CHECK(r.kind == ISO_REFERENCE_OCI);
    CHECK_VIEW(r.alias, "lab");
    CHECK_VIEW(r.name, "team/screen");
    CHECK_VIEW(r.version, "1.0-rc_1");
    CHECK(!r.has_digest);
    r = parse("oci:lab/a@sha256:" HEX);
    CHECK(r.has_digest);
    CHECK_EQ_U64(r.version.len, 0);

    r = parse("screen@1.2.3-rc.1+b");
    CHECK(r.kind == ISO_REFERENCE_STORE);
    CHECK_VIEW(r.name, "screen");
    CHECK_VIEW(r.version, "1.2.3-rc.1+b");
    r = parse("screen");
    CHECK_EQ_U64(r.version.len, 0);
}

TEST(what_is_printed_is_what_was_read)
{
    static const struct {
        const char *text;
        bool exact;
    } cases[] = {{"file:a b/c.wasm", false},
                 {"https://h/p#sha256:" HEX, true},
                 {"npm:a/b.wasm", false},
                 {"npm:@a/b@^1.2/c/d.wasm", false},
                 {"npm:@a/b@latest/c/d.wasm", false},
                 {"npm:a@1.2.3/d.wasm", true},
                 {"oci:a/b:1.0.0", false},
                 {"oci:a/b/c@sha256:" HEX, true},
                 {"oci:a/b:tag@sha256:" HEX, true},
                 {"a", false},
                 {"a-b.c_d@1.0.0", true}};
    for (size_t i = 0; i < ISO_COUNT_OF(cases); i++) {
        struct iso_buf out;
        const struct iso_reference r = parse(cases[i].text);
        iso_buf_init(&out, iso_alloc_libc(), SIZE_MAX);
        CHECK_OK(iso_reference_print(&r, &out));
        CHECK_OK(iso_buf_append_u8(&out, 0));
        CHECK_STR((const char *)out.ptr, cases[i].text);
        CHECK(iso_reference_is_exact(&r) == cases[i].exact);
        iso_buf_fini(&out);
        iso_buf_init(&out, iso_alloc_libc(), 3);
        if (strlen(cases[i].text) > 3) {
            CHECK_ERR(iso_reference_print(&r, &out), ISO_E_LIMIT);
            CHECK_EQ_U64(out.len, 0);
        }
        iso_buf_fini(&out);
    }
}

TEST(mistakes_are_answered_with_what_would_be_right)
{
    static const struct {
        const char *text;
        const char *message;
    } cases[] = {
        {"", "1 to 2048"},
        {"a\nb", "control"},
        {"file:", "needs a path"},
        {"file:///srv/a.wasm", "without \"//\""},
        {"https:", "no host"},
        {"https://", "no host"},
        {"https:///a", "no host"},
        {"https://host", "no path"},
        {"https://host/a.wasm", "#sha256:"},
        {"https://host/a.wasm#md5:1234", "64 hexadecimal"},
        {"https://host/a.wasm#sha256:" HEX "0", "64 hexadecimal"},
        {"https://me:pw@host/a.wasm#sha256:" HEX, "user"},
        {"npm:", "name of a package"},
        {"npm:@scope", "name of a package"},
        {"npm:@/a/b.wasm", "name of a package"},
        {"npm:.hidden/b.wasm", "name of a package"},
        {"npm:a b/c.wasm", "name of a package"},
        {"npm:a", "which file"},
        {"npm:a@1.0.0", "which file"},
        {"npm:a@1.0.0/", "which file"},
        {"npm:a@1.0.0/readme", "which file"},
        {"npm:a@1.0.0/../b.wasm", "which file"},
        {"npm:a@1.0.0/x//b.wasm", "which file"},
        {"npm:a@/b.wasm", "version, range or tag"},
        {"npm:a@$x/b.wasm", "version, range or tag"},
        {"oci:", "alias"},
        {"oci:lab", "alias"},
        {"oci:Lab/a:1", "alias"},
        {"oci:lab/a", "add a tag"},
        {"oci:lab/A:1", "repository"},
        {"oci:lab/:1", "repository"},
        {"oci:lab/a//b:1", "repository"},
        {"oci:lab/-a:1", "repository"},
        {"oci:lab/a-:1", "repository"},
        {"oci:lab/a/:1", "repository"},
        {"oci:lab/a:", "tag"},
        {"oci:lab/a:.x", "tag"},
        {"oci:lab/a:x y", "tag"},
        {"oci:lab/a@sha256:12", "64 hexadecimal"},
        {"http://host/a.wasm", "https:"},
        {"docker:a", "oci:"},
        {"./a.wasm", "write file:./a.wasm"},
        {"a.wasm", "write file:a.wasm"},
        {"Screen", "small letters"},
        {"1a", "small letters"},
        {"a@", "as 1.0.0"},
        {"a@1.0", "as 1.0.0"},
        {"a@latest", "as 1.0.0"},
    };
    for (size_t i = 0; i < ISO_COUNT_OF(cases); i++) {
        struct iso_reference reference = {.kind = ISO_REFERENCE_OCI};
        struct iso_report report;
        iso_report_init(&report);
        const enum iso_err err =
            iso_reference_parse(iso_str_from_z(cases[i].text), &reference, &report);
        if (err != ISO_E_ARGUMENT || strstr(report.text, cases[i].message) == NULL) {
            TEST_FAIL("%s: %s: %s", cases[i].text, err == ISO_OK ? "taken" : "refused",
                      report.text);
        }
        CHECK(reference.kind == ISO_REFERENCE_OCI); /* untouched */
    }
    char large[ISO_REFERENCE_MAX_BYTES + 1];
    struct iso_reference reference;
    memset(large, 'a', sizeof large);
    CHECK_ERR(iso_reference_parse(iso_str_from(large, sizeof large), &reference, NULL),
              ISO_E_ARGUMENT);
}
