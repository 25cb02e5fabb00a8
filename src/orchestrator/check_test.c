/* Manifests against the interfaces of their packages: what the check makes of right ones, and what
 * it compares. (tests/manifest has each kind of mistake, and what is said of it.) */
#include "orchestrator/check.h"

#include "base/test.h"
#include "support/wasm_writer.h"

enum { COMPONENTS_MAX = 4 };

struct checked {
    struct iso_or_manifest *manifest;
    struct iso_or_mistakes mistakes;
    enum iso_err err;
    struct iso_module_interface interfaces[COMPONENTS_MAX];
    struct iso_or_module_facts facts[COMPONENTS_MAX];
};

/* The interfaces of components, in their order; NULL: not known. */
static void prepare(const char *const *wits, size_t count, struct checked *out)
{
    *out = (struct checked){.manifest = NULL};
    for (size_t i = 0; i < count; i++) {
        struct iso_report report;
        iso_report_init(&report);
        if (wits[i] == NULL) {
            continue;
        }
        const struct iso_wit_source source = {.name = "t.wit",
                                              .text = iso_bytes_from(wits[i], strlen(wits[i]))};
        if (iso_wit_parse(iso_alloc_libc(), &source, 1, &out->interfaces[i].wit, &report) !=
            ISO_OK) {
            TEST_FAIL("%s", report.text);
        }
        out->interfaces[i].world = out->interfaces[i].wit.worlds[0];
        out->facts[i].interface = &out->interfaces[i];
    }
}

static void run(const struct iso_alloc *alloc, const char *text, struct checked *c)
{
    iso_or_mistakes_init(&c->mistakes, alloc);
    c->err = iso_or_manifest_parse(alloc, iso_str_from_z(text), &c->manifest, &c->mistakes);
    if (c->manifest != NULL) {
        enum iso_err err = iso_or_manifest_check(c->manifest, c->facts, &c->mistakes);
        c->err = c->err == ISO_OK || err == ISO_E_NOMEM ? err : c->err;
    }
}

static void end_run(struct checked *c)
{
    iso_or_manifest_destroy(c->manifest);
    iso_or_mistakes_fini(&c->mistakes);
    c->manifest = NULL;
}

static void release(struct checked *c)
{
    end_run(c);
    for (size_t i = 0; i < COMPONENTS_MAX; i++) {
        if (c->facts[i].interface != NULL) {
            iso_module_interface_fini(&c->interfaces[i]);
        }
    }
}

static void check_ok(const struct checked *c)
{
    if (c->err != ISO_OK || c->mistakes.count != 0) {
        TEST_FAIL("%s: %s", iso_err_name(c->err),
                  c->mistakes.count != 0 ? c->mistakes.items[0].text.ptr : "");
    }
    CHECK(c->manifest->checked);
}

/* Exactly one mistake, with this in it. */
static void check_mistake(const struct checked *c, const char *part)
{
    CHECK_ERR(c->err, ISO_E_INVALID);
    CHECK(!c->manifest->checked);
    CHECK(c->mistakes.count != 0);
    CHECK_CONTAINS(c->mistakes.items[0].text.ptr, part);
    CHECK_EQ_U64(c->mistakes.count, 1);
}

static void check_str(struct iso_str text, const char *expected)
{
    CHECK(iso_str_equal_z(text, expected));
}

#define COUNTER                                                                                    \
    "package demo:counter@1.2.0; interface counts { increment: func(by: u32) -> u32;"              \
    " get: func() -> u32; } world counter { export counts; }"
#define GREETER                                                                                    \
    "package demo:greeter; interface greetings { greet: func(name: string) -> string; }"           \
    " world greeter { import demo:counter/counts@1.0.0; export greetings; }"                       \
    " package demo:counter@1.0.0 { interface counts { increment: func(by: u32) -> u32;"            \
    " get: func() -> u32; } }"
#define TWO_COMPONENTS                                                                             \
    "{\"app\": \"x\", \"components\": {\"greeter\": {\"package\": \"file:g\"}, \"counter\": "      \
    "{\"package\": \"file:c\"}}"

static const char *const pair[] = {GREETER, COUNTER};

/* ---- Links ----------------------------------------------------------------------------------- */

TEST(the_only_one_that_fits_is_the_link)
{
    struct checked c;
    prepare(pair, 2, &c);
    run(iso_alloc_libc(), TWO_COMPONENTS "}", &c);
    check_ok(&c);
    const struct iso_or_component *greeter = &c.manifest->components[0];
    CHECK_EQ_U64(greeter->link_count, 1);
    check_str(greeter->links[0].interface, "demo:counter/counts@1.0.0");
    CHECK_EQ_U64(greeter->links[0].target, 1);
    CHECK(!greeter->links[0].written);
    CHECK_EQ_U64(c.manifest->components[1].link_count, 0);
    CHECK(greeter->devices == NULL);
    release(&c);
}

TEST(a_link_that_is_written)
{
    static const char *const texts[] = {
        TWO_COMPONENTS ", \"links\": {\"greeter.demo:counter/counts\": \"counter\"}}",
        TWO_COMPONENTS ", \"links\": {\"greeter.demo:counter/counts@1.0.0\": \"counter\"}}"};
    struct checked c;
    prepare(pair, 2, &c);
    for (size_t i = 0; i < ISO_COUNT_OF(texts); i++) {
        run(iso_alloc_libc(), texts[i], &c);
        check_ok(&c);
        CHECK_EQ_U64(c.manifest->components[0].link_count, 1);
        check_str(c.manifest->components[0].links[0].interface, "demo:counter/counts@1.0.0");
        CHECK(c.manifest->components[0].links[0].written);
        end_run(&c);
    }
    release(&c);
}

#define PROXY                                                                                      \
    "package demo:proxy; world proxy { import demo:counter/counts@1.0.0; export "                  \
    "demo:counter/counts@1.0.0; } package demo:counter@1.0.0 { interface counts { get: func() -> " \
    "u32; } }"

TEST(a_component_is_no_candidate_for_its_own_import)
{
    static const char *const wits[] = {PROXY, COUNTER};
    struct checked c;
    prepare(wits, 2, &c);
    run(iso_alloc_libc(), TWO_COMPONENTS "}", &c);
    check_ok(&c);
    CHECK_EQ_U64(c.manifest->components[0].links[0].target, 1);
    end_run(&c);
    run(iso_alloc_libc(),
        TWO_COMPONENTS ", \"links\": {\"greeter.demo:counter/counts\": \"greeter\"}}", &c);
    check_mistake(&c, "greeter -> greeter");
    release(&c);
}

TEST(plain_functions_are_linked_where_it_is_written)
{
    static const char *const wits[] = {
        "package demo:user; world user { import tick: func() -> u32; export run: func(); }",
        "package demo:clock; world clock { export tick: func() -> u32; }"};
    struct checked c;
    prepare(wits, 2, &c);
    run(iso_alloc_libc(), TWO_COMPONENTS "}", &c);
    check_mistake(&c, "expected a link that says which: \"links\": {\"greeter.$root\": ...}");
    end_run(&c);
    run(iso_alloc_libc(), TWO_COMPONENTS ", \"links\": {\"greeter.$root\": \"counter\"}}", &c);
    check_ok(&c);
    check_str(c.manifest->components[0].links[0].interface, "$root");
    release(&c);
}

#define TWO_VERSIONS                                                                               \
    "package demo:user; world user { import demo:counter/counts@1.0.0; import "                    \
    "demo:counter/counts@2.0.0; export run: func(); }"                                             \
    " package demo:counter@1.0.0 { interface counts { get: func() -> u32; } }"                     \
    " package demo:counter@2.0.0 { interface counts { get: func() -> u64; } }"

#define LATER_COUNTER                                                                              \
    "package demo:counter@2.1.0; interface counts { get: func() -> u64; } world counter { export " \
    "counts; }"

TEST(two_versions_of_an_interface)
{
    static const char *const wits[] = {TWO_VERSIONS, COUNTER, LATER_COUNTER};
#define THREE_COMPONENTS                                                                           \
    "{\"app\": \"x\", \"components\": {\"user\": {\"package\": \"file:u\"}, \"old\": "             \
    "{\"package\": \"file:c\"}, \"new\": {\"package\": \"file:d\"}}"
    struct checked c;
    prepare(wits, 3, &c);
    run(iso_alloc_libc(), THREE_COMPONENTS "}", &c);
    check_ok(&c);
    CHECK_EQ_U64(c.manifest->components[0].link_count, 2);
    CHECK_EQ_U64(c.manifest->components[0].links[0].target, 1);
    CHECK_EQ_U64(c.manifest->components[0].links[1].target, 2);
    end_run(&c);
    run(iso_alloc_libc(), THREE_COMPONENTS ", \"links\": {\"user.demo:counter/counts\": \"old\"}}",
        &c);
    check_mistake(&c, "of which two versions are imported");
    end_run(&c);
    run(iso_alloc_libc(),
        THREE_COMPONENTS ", \"links\": {\"user.demo:counter/counts@2.0.0\": \"old\"}}", &c);
    check_mistake(&c, "found demo:counter/counts@1.2.0 exported by 'old'; expected "
                      "demo:counter/counts@2.0.0");
    release(&c);
}

/* A module that imports one function of demo:counter/counts@1.0.0. */
static struct iso_module *importer(struct iso_engine *engine, struct iso_buf *bytes)
{
    struct iso_buf section = wasm_buf();
    struct iso_module *module = NULL;
    *bytes = wasm_buf();
    wasm_header(bytes);
    wasm_literal(&section, "\x01\x60\x00\x01\x7f"); /* one type: [] -> [i32] */
    wasm_section(bytes, WASM_TYPE, &section);
    section = wasm_buf();
    wasm_u32(&section, 1);
    wasm_name(&section, "demo:counter/counts@1.0.0");
    wasm_name(&section, "get");
    wasm_u8(&section, 0);
    wasm_u32(&section, 0);
    wasm_section(bytes, WASM_IMPORT, &section);
    CHECK_OK(iso_module_create(engine, bytes->ptr, bytes->len, &module, NULL));
    return module;
}

#define POOR_COUNTER                                                                               \
    "package demo:counter@1.0.0; interface counts { get: func() -> u32; } world counter { export " \
    "counts; }"

TEST(only_functions_that_the_module_imports_must_be_there)
{
    static const char *const wits[] = {GREETER, POOR_COUNTER};
    struct checked c;
    struct iso_engine *engine = NULL;
    struct iso_buf bytes;
    CHECK_OK(iso_engine_create(NULL, &engine));
    struct iso_module *module = importer(engine, &bytes);
    prepare(wits, 2, &c);
    run(iso_alloc_libc(), TWO_COMPONENTS "}", &c);
    check_mistake(&c, "it has no function 'increment'");
    end_run(&c);
    c.facts[0].module = module;
    run(iso_alloc_libc(), TWO_COMPONENTS "}", &c);
    check_ok(&c);
    CHECK_EQ_U64(c.manifest->components[0].link_count, 1);
    release(&c);
    iso_module_destroy(module);
    iso_engine_destroy(engine);
    iso_buf_fini(&bytes);
}

static void many_imports(uint32_t count, char *user, char *maker, size_t cap)
{
    char parts[2000] = "";
    size_t at = 0, user_at = iso_format(user, cap, "package demo:user; world user { ");
    size_t maker_at = iso_format(maker, cap, "package demo:many@1.0.0; ");
    for (uint32_t i = 0; i < count; i++) {
        user_at += iso_format(user + user_at, cap - user_at, "import demo:many/i%u@1.0.0; ", i);
        at += iso_format(parts + at, sizeof parts - at, "interface i%u { f: func(); } ", i);
    }
    maker_at += iso_format(maker + maker_at, cap - maker_at, "%s world maker { ", parts);
    for (uint32_t i = 0; i < count; i++) {
        maker_at += iso_format(maker + maker_at, cap - maker_at, "export i%u; ", i);
    }
    (void)iso_format(maker + maker_at, cap - maker_at, "}");
    (void)iso_format(user + user_at, cap - user_at, "} package demo:many@1.0.0 { %s }", parts);
}

TEST(no_more_than_32_links)
{
    static char user[6000], maker[6000];
    const char *const wits[] = {user, maker};
    for (uint32_t count = 32; count <= 33; count++) {
        struct checked c;
        many_imports(count, user, maker, sizeof user);
        prepare(wits, 2, &c);
        run(iso_alloc_libc(), TWO_COMPONENTS "}", &c);
        if (count == 32) {
            check_ok(&c);
            CHECK_EQ_U64(c.manifest->components[0].link_count, 32);
        } else {
            check_mistake(&c, "found 33 interfaces");
        }
        release(&c);
    }
}

/* ---- Types that differ ----------------------------------------------------------------------- */

/* Functions `f` of two interfaces with these declarations. */
static void check_difference(const char *wanted, const char *offered, const char *expected)
{
    struct iso_wit wits[2];
    char text[512], difference[256];
    const char *const declarations[] = {wanted, offered};
    for (size_t i = 0; i < 2; i++) {
        size_t len =
            iso_format(text, sizeof text, "package a:b; interface i { %s }", declarations[i]);
        const struct iso_wit_source source = {.name = "t.wit", .text = iso_bytes_from(text, len)};
        CHECK_OK(iso_wit_parse(iso_alloc_libc(), &source, 1, &wits[i], NULL));
    }
    bool differs =
        iso_or_func_difference(&wits[0].interfaces[0]->funcs[0], &wits[1].interfaces[0]->funcs[0],
                               difference, sizeof difference);
    CHECK_STR(difference, expected);
    CHECK(differs == (expected[0] != '\0'));
    iso_wit_fini(&wits[0]);
    iso_wit_fini(&wits[1]);
}

TEST(differences)
{
    check_difference("f: func(a: u8) -> u8;", "f: func(b: u8) -> u8;", "");
    check_difference("record p { x: u8 } f: func(a: p);", "record q { x: u8 } f: func(a: q);", "");
    check_difference("f: func(a: u8);", "f: func();", "1 parameter, not 0");
    check_difference("f: func(a: u8);", "f: func(a: u16);", "parameter 'a': u8, not u16");
    check_difference("f: func() -> u8;", "f: func();", "the result: u8, not nothing");
    check_difference("f: func(a: list<u8>);", "f: func(a: list<u16>);",
                     "parameter 'a', an element: u8, not u16");
    check_difference("f: func(a: option<u8>);", "f: func(a: u8);",
                     "parameter 'a': option<u8>, not u8");
    check_difference("f: func(a: tuple<u8, u8>);", "f: func(a: tuple<u8>);",
                     "parameter 'a': tuple<u8, u8>, not tuple<u8>");
    check_difference("f: func() -> result<u8, u8>;", "f: func() -> result<u8, u16>;",
                     "the result, the error: u8, not u16");
    check_difference("f: func() -> result<u8>;", "f: func() -> result<_, string>;",
                     "the result, the good case: u8, not nothing");
    check_difference("record p { x: u8, y: u8 } f: func(a: list<p>);",
                     "record p { x: u8, y: s8 } f: func(a: list<p>);",
                     "parameter 'a', an element, field 'y': u8, not s8");
    check_difference("record p { x: u8 } f: func(a: p);",
                     "record p { x: u8, y: u8 } f: func(a: p);",
                     "parameter 'a': no more fields, not the field 'y'");
    check_difference("record p { x: u8 } f: func(a: p);", "record p { z: u8 } f: func(a: p);",
                     "parameter 'a': the field 'x', not the field 'z'");
    check_difference("enum e { a, b } f: func(a: e);", "enum e { a } f: func(a: e);",
                     "parameter 'a': the case 'b', not no more cases");
    check_difference("flags g { a, b } f: func(a: g);", "flags g { a, c } f: func(a: g);",
                     "parameter 'a': the flag 'b', not the flag 'c'");
    check_difference("variant v { a, b(u8) } f: func(a: v);", "variant v { a, b } f: func(a: v);",
                     "parameter 'a', case 'b': u8, not nothing");
}

/* ---- Devices --------------------------------------------------------------------------------- */

#define WATCHER                                                                                    \
    "package demo:watcher; world watcher { import isomer:device/camera@0.1.0; import "             \
    "isomer:device/events@0.1.0; import isomer:device/types@0.1.0; export look: func(); }"         \
    " package isomer:device@0.1.0 { interface types { record frame { x: u8 } }"                    \
    " interface camera { use types.{frame}; take: func() -> frame; }"                              \
    " interface events { emit: func(name: string); } }"

TEST(imports_of_devices_become_grants)
{
    static const char *const wits[] = {WATCHER, WATCHER};
    struct checked c;
    prepare(wits, 2, &c);
    run(iso_alloc_libc(),
        "{\"app\": \"x\", \"components\": {\"a\": {\"package\": \"file:a\"}, \"b\": {\"package\": "
        "\"file:a\", \"grants\": {\"devices\": {\"camera\": [\"door\"]}}}}}",
        &c);
    check_ok(&c);
    const json_t *all = c.manifest->components[0].devices;
    const json_t *some = c.manifest->components[1].devices;
    CHECK_EQ_U64(json_object_size(all), 2);
    CHECK(json_is_true(json_object_get(all, "camera")) &&
          json_is_true(json_object_get(all, "events")));
    CHECK_EQ_U64(json_object_size(some), 2);
    CHECK_EQ_U64(json_array_size(json_object_get(some, "camera")), 1);
    CHECK(json_is_true(json_object_get(some, "events")));
    release(&c);
}

/* ---- Flows ----------------------------------------------------------------------------------- */

#define TWO                                                                                        \
    "package demo:two; interface left { get: func() -> u32; } interface right { get: func() -> "   \
    "u32; put: func(); } world two { export left; export right; export get: func() -> u32; }"

TEST(functions_are_called_as_devices_name_them)
{
    static const char *const wits[] = {COUNTER, TWO};
    struct checked c;
    prepare(wits, 2, &c);
    run(iso_alloc_libc(),
        "{\"app\": \"x\", \"components\": {\"a\": {\"package\": \"file:a\"}, \"b\": {\"package\": "
        "\"file:b\"}}, \"flows\": {\"f\": {\"on\": {\"call\": true}, \"steps\": [{\"call\": "
        "\"a.counts.get\"}, {\"call\": \"a.get\"}, {\"call\": \"b.left.get\"}, {\"call\": "
        "\"b.right.put\"}, {\"call\": \"b.get\"}]}}}",
        &c);
    check_ok(&c);
    const struct iso_or_step *steps = c.manifest->flows[0].steps;
    check_str(steps[0].function, "get");
    check_str(steps[1].function, "get");
    check_str(steps[2].function, "left.get");
    check_str(steps[3].function, "put");
    check_str(steps[4].function, "get");
    release(&c);
}

/* ---- What is not known ----------------------------------------------------------------------- */

TEST(what_is_not_known_is_passed_over)
{
    static const char *const wits[] = {GREETER, NULL};
    struct checked c;
    prepare(wits, 2, &c);
    run(iso_alloc_libc(),
        TWO_COMPONENTS
        ", \"flows\": {\"f\": {\"on\": {\"call\": true}, \"steps\": [{\"as\": \"n\", "
        "\"call\": \"counter.whatever\", \"with\": {\"x\": 1}}, {\"call\": "
        "\"greeter.greet\", \"with\": {\"name\": \"$n.text\"}}, {\"call\": "
        "\"counter.more\"}, {\"call\": \"greeter.greet\"}]}}}",
        &c);
    check_ok(&c);
    CHECK_EQ_U64(c.manifest->components[0].link_count, 0);
    release(&c);
}

TEST(what_could_be_read_is_checked)
{
    struct checked c;
    prepare(pair, 2, &c);
    run(iso_alloc_libc(),
        "{\"app\": \"X\", \"components\": {\"greeter\": {\"package\": 5}, \"counter\": "
        "{\"mode\": 1}}, \"links\": {\"greeter.demo:counter/counts\": \"countr\", \"x\": 5}, "
        "\"flows\": {\"f\": {\"on\": 5, \"steps\": [{\"call\": \"counter.gte\"}, 7, {\"as\": "
        "\"n\"}, "
        "{\"call\": \"greter.greet\"}]}, \"g\": 5}}",
        &c);
    CHECK_ERR(c.err, ISO_E_INVALID);
    bool found = false;
    for (size_t i = 0; i < c.mistakes.count; i++) {
        found = found || strstr(c.mistakes.items[i].text.ptr, "did you mean 'get'?") != NULL;
        CHECK(i == 0 || c.mistakes.items[i - 1].column <= c.mistakes.items[i].column);
    }
    CHECK(found);
    CHECK_EQ_U64(c.mistakes.count, 13);
    release(&c);
}

/* ---- Memory ---------------------------------------------------------------------------------- */

TEST(every_allocation_may_fail)
{
    static const char *const texts[] = {
        TWO_COMPONENTS ", \"flows\": {\"f\": {\"on\": {\"call\": true}, \"steps\": [{\"call\": "
                       "\"counter.increment\", \"with\": {\"by\": 5}}, {\"call\": "
                       "\"greeter.greet\", \"with\": {\"name\": \"$$\"}}]}}}",
        TWO_COMPONENTS ", \"flows\": {\"f\": {\"on\": {\"call\": true}, \"steps\": [{\"call\": "
                       "\"counter.increment\", \"with\": {\"by\": \"x\"}}, {\"call\": "
                       "\"greeter.gret\"}]}}}"};
    struct checked c;
    prepare(pair, 2, &c);
    for (size_t i = 0; i < ISO_COUNT_OF(texts); i++) {
        bool done = false;
        for (uint64_t n = 1; !done; n++) {
            struct iso_alloc_test memory;
            iso_alloc_test_init(&memory);
            memory.fail_at = n;
            run(&memory.alloc, texts[i], &c);
            done = !memory.failed;
            CHECK_ERR(c.err, !done ? ISO_E_NOMEM : i == 0 ? ISO_OK : ISO_E_INVALID);
            end_run(&c);
            CHECK_EQ_U64(memory.live_bytes, 0);
            CHECK(n < 1000);
        }
    }
    release(&c);
}
