/* Reading manifests: what becomes of a right one, where mistakes are said to be, and what is too
 * much. (tests/manifest has each kind of mistake, and what is said of it.) */
#include "orchestrator/manifest.h"

#include <stdlib.h>

#include "base/test.h"

#define COMPONENTS "\"components\": {\"a\": {\"package\": \"file:a\"}}"

struct parsed {
    struct iso_or_manifest *manifest;
    struct iso_or_mistakes mistakes;
    enum iso_err err;
};

static void parse_with(const struct iso_alloc *alloc, struct iso_str text, struct parsed *out)
{
    *out = (struct parsed){.manifest = NULL};
    iso_or_mistakes_init(&out->mistakes, alloc);
    out->err = iso_or_manifest_parse(alloc, text, &out->manifest, &out->mistakes);
}

static void parse(const char *text, struct parsed *out)
{
    parse_with(iso_alloc_libc(), iso_str_from_z(text), out);
    if (out->err != ISO_OK) {
        CHECK_ERR(out->err, ISO_E_INVALID);
        CHECK(out->mistakes.errors > 0);
    }
}

static void release(struct parsed *parsed)
{
    iso_or_manifest_destroy(parsed->manifest);
    iso_or_mistakes_fini(&parsed->mistakes);
}

static void check_str(struct iso_str text, const char *expected)
{
    char copy[512];
    CHECK(text.len < sizeof copy);
    (void)iso_format(copy, sizeof copy, "%.*s", (int)text.len, text.len != 0 ? text.ptr : "");
    CHECK_STR(copy, expected);
}

/* ---- What is right --------------------------------------------------------------------------- */

static const char good[] =
    "{\"app\": \"video\", \"description\": \"d\", \"drain\": \"5s\",\n"
    " \"components\": {\n"
    "  \"camera\": {\"package\": \"file:camera\", \"mode\": \"service\", \"limits\": {\"memory\": "
    "\"1MiB\"},\n"
    "    \"place\": {\"label\": [\"room=lobby\", \"outside\", \"x=\"], \"device\": \"hall\",\n"
    "      \"with\": \"screen\", \"apart\": [\"filter\"]},\n"
    "    \"grants\": {\"devices\": {\"camera\": [\"door\"]}, \"dirs\": []}},\n"
    "  \"filter\": {\"package\": \"filter@1.0.0\", \"interface\": \"f.wit\", \"abi\": "
    "\"wasm-bindgen\",\n"
    "    \"on-loss\": \"wait\", \"config\": {\"a\": \"b\"}, \"args\": [\"-v\"], \"env\": {}},\n"
    "  \"screen\": {\"package\": \"oci:lab/screen:1\"}},\n"
    " \"flows\": {\n"
    "  \"f\": {\"on\": {\"every\": \"100ms\"}, \"overload\": \"drop-newest\", \"window\": 7,\n"
    "    \"steps\": [{\"as\": \"n\", \"call\": \"camera.frames.take\"}, {\"call\": "
    "\"screen.show\", "
    "\"with\": {\"frame\": \"$n\"}}]},\n"
    "  \"g\": {\"on\": {\"event\": \"camera.motion\"}, \"steps\": [{\"call\": "
    "\"screen.show\"}]}}}\n";

TEST(what_is_read)
{
    struct parsed parsed;
    parse(good, &parsed);
    CHECK_OK(parsed.err);
    const struct iso_or_manifest *manifest = parsed.manifest;
    check_str(manifest->app, "video");
    check_str(manifest->description, "d");
    CHECK_EQ_U64(manifest->drain_ns, UINT64_C(5000000000));
    CHECK_EQ_U64(manifest->component_count, 3);
    const struct iso_or_component *camera = &manifest->components[0];
    check_str(camera->name, "camera");
    check_str(camera->package, "file:camera");
    CHECK(camera->service);
    CHECK_EQ_U64(camera->on_loss, ISO_OR_WAIT);
    CHECK_EQ_U64(camera->memory_bytes, 1048576);
    CHECK_EQ_U64(json_object_size(camera->devices), 1);
    CHECK(json_is_array(camera->dirs));
    CHECK_EQ_U64(camera->place.label_count, 3);
    check_str(camera->place.labels[0].name, "room");
    check_str(camera->place.labels[0].value, "lobby");
    check_str(camera->place.labels[1].name, "outside");
    CHECK(camera->place.labels[1].value.ptr == NULL);
    CHECK(camera->place.labels[2].value.ptr != NULL);
    check_str(camera->place.device, "hall");
    CHECK_EQ_U64(camera->place.with_count, 1);
    CHECK_EQ_U64(camera->place.with[0], 2);
    CHECK_EQ_U64(camera->place.apart_count, 1);
    CHECK_EQ_U64(camera->place.apart[0], 1);
    release(&parsed);
}

TEST(what_is_read_of_others)
{
    struct parsed parsed;
    parse(good, &parsed);
    CHECK_OK(parsed.err);
    const struct iso_or_manifest *manifest = parsed.manifest;
    const struct iso_or_component *filter = &manifest->components[1];
    check_str(filter->interface, "f.wit");
    check_str(filter->abi, "wasm-bindgen");
    CHECK(!filter->service);
    CHECK_EQ_U64(filter->on_loss, ISO_OR_WAIT);
    CHECK_EQ_U64(filter->memory_bytes, UINT64_C(64) << 20);
    CHECK(json_is_object(filter->config) && json_is_array(filter->args) &&
          json_is_object(filter->env) && filter->limits == NULL && filter->devices == NULL);
    CHECK_EQ_U64(manifest->components[2].on_loss, ISO_OR_RESTART);
    CHECK_EQ_U64(manifest->flow_count, 2);
    const struct iso_or_flow *flow = &manifest->flows[0];
    CHECK_EQ_U64(flow->trigger, ISO_OR_EVERY);
    CHECK_EQ_U64(flow->every_ns, 100000000);
    check_str(flow->overload, "drop-newest");
    CHECK_EQ_U64(flow->window, 7);
    CHECK_EQ_U64(flow->step_count, 2);
    check_str(flow->steps[0].as, "n");
    CHECK_EQ_U64(flow->steps[0].component, 0);
    check_str(flow->steps[0].function, "frames.take");
    CHECK(flow->steps[0].with == NULL && json_is_object(flow->steps[1].with));
    CHECK_EQ_U64(manifest->flows[1].trigger, ISO_OR_EVENT);
    CHECK_EQ_U64(manifest->flows[1].event_component, 0);
    check_str(manifest->flows[1].event_name, "motion");
    CHECK_EQ_U64(manifest->flows[1].window, 0);
    check_str(manifest->flows[1].overload, "wait");
    CHECK_EQ_U64(iso_or_manifest_component(manifest, iso_str_from_z("screen")), 2);
    CHECK_EQ_U64(iso_or_manifest_component(manifest, iso_str_from_z("scren")), UINT32_MAX);
    release(&parsed);
}

/* ---- Where mistakes are ---------------------------------------------------------------------- */

struct spot {
    const char *text;
    uint32_t line, column, length;
    const char *pointer, *part; /* of its text */
};

static void check_spot(const struct spot *spot)
{
    struct parsed parsed;
    parse(spot->text, &parsed);
    CHECK_ERR(parsed.err, ISO_E_INVALID);
    CHECK_EQ_U64(parsed.mistakes.count, 1);
    const struct iso_or_mistake *mistake = &parsed.mistakes.items[0];
    CHECK_CONTAINS(mistake->text.ptr, spot->part);
    check_str(mistake->pointer, spot->pointer);
    CHECK_EQ_U64(mistake->line, spot->line);
    CHECK_EQ_U64(mistake->column, spot->column);
    CHECK_EQ_U64(mistake->length, spot->length);
    release(&parsed);
}

TEST(places)
{
    static const struct spot table[] = {
        {"", 1, 1, 1, "", "end of the text"},
        {"\n\n", 3, 1, 1, "", "end of the text"},
        {"{\"app\": 5, " COMPONENTS "}", 1, 9, 1, "/app", "number 5"},
        /* Line ends of every kind. */
        {"{\r\n\"app\": 5,\r\n" COMPONENTS "}", 2, 8, 1, "/app", "number 5"},
        {"{\n\n\"app\": 5, " COMPONENTS "}", 3, 8, 1, "/app", "number 5"},
        {"{\r\r\"app\": 5, " COMPONENTS "}", 3, 8, 1, "/app", "number 5"},
        /* A tab is one column, and so is a character of several bytes. */
        {"{\t\"app\":\t5, " COMPONENTS "}", 1, 10, 1, "/app", "number 5"},
        {"{\"description\": \"\xc3\xa4\xe2\x82\xac\xf0\x9f\x99\x82\", \"app\": "
         "\"\xc3\xa4\", " COMPONENTS "}",
         1, 31, 3, "/app", "found '\xc3\xa4'"},
        /* Names with escapes; in pointers '/' and '~' are escaped. */
        {"{\"app\": \"x\", " COMPONENTS ", \"f\\u006cow\": {}}", 1, 58, 11, "/flow",
         "unknown member 'flow'"},
        {"{\"app\": \"x\", \"components\": {\"a\": {\"package\": \"file:a\", \"config\": "
         "{\"a/b~c\": 5}}}}",
         1, 76, 1, "/components/a/config/a~1b~0c", "number 5"},
        /* Over several lines: its beginning. */
        {"{\"app\": {\n}, " COMPONENTS "}", 1, 9, 1, "/app", "found an object"},
        /* A part of a string, and the whole where it has escapes. */
        {"{\"app\": \"x\", " COMPONENTS
         ", \"flows\": {\"f\": {\"on\": {\"call\": true}, \"steps\": [{\"call\": \"b.c\"}]}}}",
         1, 116, 1, "/flows/f/steps/0/call", "'b', which is no component"},
        {"{\"app\": \"x\", " COMPONENTS
         ", \"flows\": {\"f\": {\"on\": {\"call\": true}, \"steps\": [{\"call\": "
         "\"\\u0062.c\"}]}}}",
         1, 115, 10, "/flows/f/steps/0/call", "'b', which is no component"},
        /* The same name twice, of which one has escapes. */
        {"{\"app\": \"x\", \"\\u0061pp\": \"y\", " COMPONENTS "}", 1, 23, 1, "", "duplicate"},
    };
    for (size_t i = 0; i < ISO_COUNT_OF(table); i++) {
        check_spot(&table[i]);
    }
}

TEST(text_that_is_none)
{
    static const struct spot table[] = {
        {"\xef\xbb\xbf{}", 1, 1, 1, "", "byte order mark"},
        {"{\"app\": \"a\xff\"}", 1, 11, 1, "/app", "not UTF-8"},
        {"{\"app\": \"a\tb\"}", 1, 11, 1, "/app", "control character"},
        {"{\"app\": \"\\u0000\"}", 1, 10, 6, "/app", "no character"},
        {"{\"app\": \"\\ud800x\"}", 1, 10, 6, "/app", "no character"},
        {"{\"app\": \"\\ud800\\u0041\"}", 1, 10, 6, "/app", "no character"},
        {"{\"app\": \"\\u12g4\"}", 1, 10, 6, "/app", "no character"},
        {"{\"app\": \xff}", 1, 9, 1, "/app", "not UTF-8"},
        {"{\"app\": -}", 1, 9, 1, "/app", "found '-'"},
        {"{\"app\": 1.}", 1, 9, 2, "/app", "found '1.'"},
        {"{\"app\": 1e999}", 1, 9, 5, "/app", "64 bits"},
        {"{\"app\": 12a}", 1, 9, 3, "/app", "found '12a'"},
        {"{\"app\": -9223372036854775809}", 1, 9, 20, "/app", "64 bits"},
    };
    for (size_t i = 0; i < ISO_COUNT_OF(table); i++) {
        check_spot(&table[i]);
    }
    /* The smallest number that there is, and a pair of escapes, are none. */
    static const struct spot fine[] = {
        {"{\"app\": -9223372036854775808, " COMPONENTS "}", 1, 9, 20, "/app", "expected a name"},
        {"{\"app\": \"\\ud83d\\ude42\", " COMPONENTS "}", 1, 9, 14, "/app", "expected a name"},
    };
    for (size_t i = 0; i < ISO_COUNT_OF(fine); i++) {
        check_spot(&fine[i]);
    }
    struct parsed parsed;
    parse_with(iso_alloc_libc(), iso_str_from("{\"app\"\0}", 8), &parsed);
    CHECK_ERR(parsed.err, ISO_E_INVALID);
    CHECK_EQ_U64(parsed.mistakes.items[0].column, 7);
    release(&parsed);
}

TEST(mistakes_as_compilers_show_them)
{
    struct parsed parsed;
    struct iso_buf out;
    static const char text[] = "{\r\n\t\"app\":\t\"\xc3\x84\xc3\x96\",\r\n\t" COMPONENTS "\r\n}";
    parse(text, &parsed);
    iso_buf_init(&out, iso_alloc_libc(), SIZE_MAX);
    CHECK_OK(iso_or_mistakes_text(&parsed.mistakes, "app.json", iso_str_from_z(text), &out));
    CHECK_OK(iso_buf_append_u8(&out, 0));
    CHECK_STR((const char *)out.ptr,
              "app.json:2:9: error: found '\xc3\x84\xc3\x96'; expected a name: " ISO_NAME_RULE "\n"
              "    2 | \t\"app\":\t\"\xc3\x84\xc3\x96\",\n"
              "      | \t      \t^~~~\n");
    iso_buf_fini(&out);
    release(&parsed);
}

TEST(mistakes_in_long_lines)
{
    struct parsed parsed;
    struct iso_buf out;
    char text[3000];
    size_t len = iso_format(text, sizeof text, "{" COMPONENTS ", \"description\": \"");
    for (size_t i = 0; i < 600; i++) {
        memcpy(text + len, "\xc3\xa4", 2);
        len += 2;
    }
    len +=
        iso_format(text + len, sizeof text - len, "\", \"app\": 5, \"drain\": \"1s\",%500s}", "");
    text[len - 502] = ' '; /* the last comma */
    parse(text, &parsed);
    CHECK_EQ_U64(parsed.mistakes.count, 1);
    iso_buf_init(&out, iso_alloc_libc(), SIZE_MAX);
    CHECK_OK(iso_or_mistakes_text(&parsed.mistakes, "app.json", iso_str_from(text, len), &out));
    CHECK_OK(iso_buf_append_u8(&out, 0));
    CHECK(out.len < 700);
    CHECK(iso_utf8_valid(out.ptr, out.len));
    CHECK_CONTAINS((const char *)out.ptr, "    1 | ...\xc3\xa4");
    CHECK_CONTAINS((const char *)out.ptr, "\"app\": 5, \"drain\"");
    const char *caret = strchr((const char *)out.ptr, '^');
    CHECK(caret != NULL && caret[1] == '\n');
    iso_buf_fini(&out);
    release(&parsed);
}

TEST(mistakes_as_json)
{
    struct parsed parsed;
    struct iso_buf out;
    struct iso_json json;
    parse("{\"app\": \"x\", " COMPONENTS ", \"links\": []}", &parsed);
    iso_buf_init(&out, iso_alloc_libc(), SIZE_MAX);
    iso_json_init_buf(&json, &out, 0);
    iso_or_mistakes_write(&parsed.mistakes, &json);
    CHECK_OK(iso_json_finish(&json));
    CHECK_OK(iso_buf_append_u8(&out, 0));
    CHECK_STR(
        (const char *)out.ptr,
        "[{\"line\":1,\"column\":67,\"length\":2,\"severity\":\"error\",\"pointer\":\"/links\","
        "\"text\":\"found an array; expected an object\"}]");
    iso_buf_fini(&out);
    release(&parsed);
}

/* ---- What is too much ------------------------------------------------------------------------ */

/* "before", then `piece` so many times with commas between, then "after". */
static char *repeat(const char *before, const char *piece, size_t count, const char *after)
{
    size_t size = strlen(before) + count * (strlen(piece) + 24) + strlen(after) + 1, len;
    char *text = malloc(size);
    CHECK(text != NULL);
    len = iso_format(text, size, "%s", before);
    for (size_t i = 0; i < count; i++) {
        len += iso_format(text + len, size - len, "%s", i == 0 ? "" : ",");
        for (const char *c = piece; *c != '\0'; c++) {
            if (*c == '#') {
                len += iso_format(text + len, size - len, "%zu", i);
            } else {
                text[len++] = *c;
            }
        }
    }
    (void)iso_format(text + len, size - len, "%s", after);
    return text;
}

static void check_limit(const char *before, const char *piece, size_t max, const char *after,
                        const char *part)
{
    struct parsed parsed;
    char *text = repeat(before, piece, max, after);
    parse(text, &parsed);
    CHECK_OK(parsed.err);
    release(&parsed);
    free(text);
    text = repeat(before, piece, max + 1, after);
    parse(text, &parsed);
    CHECK_ERR(parsed.err, ISO_E_INVALID);
    CHECK_CONTAINS(parsed.mistakes.items[0].text.ptr, part);
    release(&parsed);
    free(text);
}

#define FLOW_BEGIN                                                                                 \
    "{\"app\": \"x\", " COMPONENTS ", \"flows\": {\"f\": {\"on\": {\"call\": true}, \"steps\": "

TEST(limits_of_parts)
{
    check_limit("{\"app\": \"x\", \"components\": {", "\"c#\": {\"package\": \"file:a\"}", 64, "}}",
                "found 65 components; expected at most 64");
    check_limit("{\"app\": \"x\", " COMPONENTS ", \"flows\": {",
                "\"f#\": {\"on\": {\"call\": true}, \"steps\": [{\"call\": \"a.b\"}]}", 32, "}}",
                "found 33 flows; expected at most 32");
    check_limit(FLOW_BEGIN "[", "{\"call\": \"a.b\"}", 32, "]}}}",
                "found 33 steps; expected at most 32");
    check_limit("{\"app\": \"x\", \"components\": {\"a\": {\"package\": \"file:a\", \"env\": {",
                "\"e#\": \"\"", 64, "}}}}", "found 65 variables; expected at most 64");
    check_limit("{\"app\": \"x\", \"components\": {\"a\": {\"package\": \"file:a\", \"args\": [",
                "\"\"", 64, "]}}}", "found 65 arguments; expected at most 64");
    check_limit("{\"app\": \"x\", \"components\": {\"a\": {\"package\": \"file:a\", \"place\": "
                "{\"label\": [",
                "\"l\"", 64, "]}}}}", "found 65 labels; expected at most 64");
    check_limit("{\"app\": \"x\", " COMPONENTS ", \"links\": {", "\"a.b:c/d#\": \"a\"", 1000, "}}",
                "members in an object");
}

TEST(limits_of_the_text)
{
    /* Values: 14 besides the elements. */
    check_limit(FLOW_BEGIN "[{\"call\": \"a.b\", \"with\": {\"p\": [", "1", 50000 - 14, "]}}]}}}",
                "more than 50000 values");
    check_limit(FLOW_BEGIN "[{\"call\": \"a.b\", \"with\": {", "\"p#\": 1", 1000, "}}]}}}",
                "more than 1000 members");
    struct parsed parsed;
    char text[400] = FLOW_BEGIN "[{\"call\": \"a.b\", \"with\": {\"p\": ";
    size_t start = strlen(text);
    for (size_t depth = 26; depth <= 27; depth++) { /* 6 besides */
        size_t len = start;
        for (size_t i = 0; i < depth; i++) {
            text[len++] = '[';
        }
        for (size_t i = 0; i < depth; i++) {
            text[len++] = ']';
        }
        (void)iso_format(text + len, sizeof text - len, "}}]}}}");
        parse(text, &parsed);
        CHECK_ERR(parsed.err, depth == 26 ? ISO_OK : ISO_E_INVALID);
        CHECK(depth == 26 || strstr(parsed.mistakes.items[0].text.ptr, "more than 32") != NULL);
        release(&parsed);
    }
    char *large = repeat("{\"app\": \"x\", " COMPONENTS "}", " ", 600000, "");
    parse_with(iso_alloc_libc(), iso_str_from(large, ISO_OR_MANIFEST_BYTES_MAX + 1), &parsed);
    CHECK_ERR(parsed.err, ISO_E_INVALID);
    CHECK_CONTAINS(parsed.mistakes.items[0].text.ptr, "expected at most 1048576");
    release(&parsed);
    free(large);
}

TEST(no_more_than_64_mistakes)
{
    struct parsed parsed;
    char *text = repeat("{\"app\": \"x\", " COMPONENTS ",", "\"m#\": 1", 70, "}");
    struct iso_buf out;
    parse(text, &parsed);
    CHECK_EQ_U64(parsed.mistakes.count, 64);
    CHECK_EQ_U64(parsed.mistakes.errors, 70);
    CHECK(parsed.mistakes.more);
    iso_buf_init(&out, iso_alloc_libc(), SIZE_MAX);
    CHECK_OK(iso_or_mistakes_text(&parsed.mistakes, "a", iso_str_from_z(text), &out));
    CHECK_OK(iso_buf_append_u8(&out, 0));
    CHECK_CONTAINS((const char *)out.ptr, "only the first 64 are shown");
    iso_buf_fini(&out);
    release(&parsed);
    free(text);
}

/* ---- Memory ---------------------------------------------------------------------------------- */

static const char bad[] =
    "{\"app\": \"X\", \"flow\": 5, " COMPONENTS ", \"flows\": {\"f\": {\"on\": {\"every\": \"1s\"},"
    " \"steps\": [{\"call\": \"b.c\", \"with\": {\"d\": \"$input\", \"e\": \"$n\"}}]}}}";

TEST(every_allocation_may_fail)
{
    const char *const texts[] = {good, bad};
    for (size_t i = 0; i < ISO_COUNT_OF(texts); i++) {
        bool done = false;
        for (uint64_t n = 1; !done; n++) {
            struct iso_alloc_test memory;
            struct parsed parsed;
            iso_alloc_test_init(&memory);
            memory.fail_at = n;
            parse_with(&memory.alloc, iso_str_from_z(texts[i]), &parsed);
            done = !memory.failed;
            CHECK_ERR(parsed.err, !done ? ISO_E_NOMEM : i == 0 ? ISO_OK : ISO_E_INVALID);
            CHECK((parsed.manifest != NULL) == done);
            release(&parsed);
            CHECK_EQ_U64(memory.live_bytes, 0);
            CHECK(n < 1000);
        }
    }
}

/* jansson takes its memory elsewhere. */
static unsigned json_left;
static bool json_failed;

static void *json_malloc(size_t size)
{
    json_failed = json_failed || json_left == 1;
    json_left -= json_left > 0 ? 1 : 0;
    return json_failed ? NULL : malloc(size);
}

TEST(every_allocation_of_the_json_reader_may_fail)
{
    const char *const texts[] = {good, bad};
    json_set_alloc_funcs(json_malloc, free);
    for (size_t i = 0; i < ISO_COUNT_OF(texts); i++) {
        bool done = false;
        for (unsigned n = 1; !done; n++) {
            struct parsed parsed;
            json_left = n;
            json_failed = false;
            parse_with(iso_alloc_libc(), iso_str_from_z(texts[i]), &parsed);
            done = !json_failed;
            CHECK(done || parsed.err == ISO_E_NOMEM || parsed.err == ISO_E_INVALID);
            CHECK(!done || parsed.err == (i == 0 ? ISO_OK : ISO_E_INVALID));
            release(&parsed);
            CHECK(n < 2000);
        }
    }
    json_set_alloc_funcs(malloc, free);
}
