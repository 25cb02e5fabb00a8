/* WIT texts that are right: what they mean, and that printing and parsing again gives the same. */
#include "interface/wit_test_support.h"

static const char *const valid[] = {
    "package a:b;", "package a:b@1.0.0-rc.1+build.5;\ninterface i {}",
    "/// The package.\npackage a:b@1.2.3;\n\n/// An interface.\ninterface i { f: func(); }",
    "package a:b; interface i {"
    " a: func(p: bool, q: s8, r: u8, s: s16, t: u16, u: s32, v: u32, w: s64, x: u64) -> f32;"
    " b: func(p: f64, q: char, r: string) -> list<u8>; c: func(a: tuple<u8, string>,);"
    " d: func() -> option<option<u8>>; e: func() -> result; g: func() -> result<u8>;"
    " h: func() -> result<_, string>; i2: func() -> result<list<u8>, tuple<u8>>; }",
    "package a:b; interface i { f: func(x: float32) -> float64; }",
    "package a:b; interface i { type float32 = u8; f: func(x: float32); }",
    "package a:b; interface i { record r { a: u8, b: r2, } record r2 { c: list<string> } }",
    "package a:b; interface i { variant v { none, some(u8), many(list<e>) } enum e { x, y }"
    " flags f { read, write, } type t = v; type u = t; type bytes = list<u8>; type n = u32; }",
    "package a:b; interface %interface { %func: func(%list: u8) -> %type; type %type = u8;"
    " record %record { %use: u8 } enum %enum { %f32, %error-context } }\n"
    "world %world { export %interface; import %import: func(); }",
    "package a:b; interface i { use j.{t, u as v}; f: func(a: t) -> v; }"
    " interface j { type t = u8; record u { x: t } }",
    "package a:b; interface i { use j.{}; }\ninterface j {}",
    "package a:b; interface i { use j.{t}; type t2 = t; f: func(t3: t2); }"
    " interface j { use k.{t}; g: func(x: t); } interface k { type t = u8; }",
    /* Names of used types that collide in the printed text. */
    "package a:b; interface i { use j.{t as t1}; use k.{t as t2}; t: func(a: t1, b: t2); }"
    " interface j { type t = u8; } interface k { type t = string; }",
    "package a:b; use c:d/e@1.0.0; use c:d/e@2.0.0 as e2;\n"
    "interface i { use e.{t}; use e2.{t as t2}; f: func(a: t) -> t2; }\n"
    "package c:d@1.0.0 { interface e { type t = u8; } }\n"
    "package c:d@2.0.0 { use f as g; interface e { use g.{t}; } interface f { type t = u16; } }",
    "package a:b; world w { import c:d/e@1.2.0-x.1; export c:d/e@1.2.0-x.1; "
    "use c:d/e@1.2.0-x.1.{t}; export f: func() -> t; }\n"
    "package c:d@1.2.0-x.1 { interface e { type t = u8; } }",
    "package a:b; world w { import f: func(a: u8) -> string; export g: func();"
    " import i: interface { use j.{t}; record r { x: t } f: func(r: r); }"
    " export i: interface { g: func(); } import j; export j; }\n"
    "interface j { type t = u8; h: func(); }",
    "package a:b; world w { use j.{t}; record r { x: t } type a = r; enum e { x }"
    " import f: func(r: r) -> a; export g: func(e: e); } interface j { type t = u8; }",
    "package a:b; world w { import one: j; import two: a:b/j; import a:b/j; export three: j; }\n"
    "interface j { record r { x: u8 } get: func() -> r; }",
    "package a:b; world one { import a: func(); import j; export b: func(); type t = u8; }"
    " world two { import a: func(); import j; }"
    " world both { include one; include two with { a as a2, } }"
    " world three { include both; export c: interface { f: func(); } }"
    " world four { include three with { c as d }; }\n interface j {}",
    "package a:b;\n@since(version = 1.0.0)\n@deprecated(version = 1.2.3-x)\ninterface i {\n"
    "@unstable(feature = some-thing) f: func(); @since(version = 0.2.0) type t = u8; }\n"
    "@unstable(feature = w) world w { @external-id(\"x \\\" y\") import f: func();"
    " @since(version = 1.0.0) include v; } world v {}",
    "package a:b; interface i { A-b-C2: func(XY: u8) -> u8; enum e { n-1a } }",
    "package a:b; // comment\n/* block /* nested */ **/ interface /**/ i { /***/ f : func ( ) ; }",
    "\xef\xbb\xbfpackage a:b;\r\ninterface i {\r\n\tf: func();\r\n}\r\n"};

TEST(valid_texts_print_and_parse_to_the_same)
{
    for (size_t i = 0; i < ISO_COUNT_OF(valid); i++) {
        struct iso_wit wit;
        wit_test_parse_ok(valid[i], &wit);
        wit_test_round_trip(&wit, NULL);
        iso_wit_fini(&wit);
    }
}

TEST(printing_is_stable)
{
    for (size_t i = 0; i < ISO_COUNT_OF(valid); i++) {
        struct iso_wit wit, again;
        struct iso_buf first, second;
        iso_buf_init(&first, iso_alloc_libc(), SIZE_MAX);
        iso_buf_init(&second, iso_alloc_libc(), SIZE_MAX);
        wit_test_parse_ok(valid[i], &wit);
        CHECK_OK(iso_wit_print(&wit, &first));
        CHECK_OK(iso_buf_append_u8(&first, 0));
        wit_test_parse_ok((const char *)first.ptr, &again);
        CHECK_OK(iso_wit_print(&again, &second));
        CHECK_OK(iso_buf_append_u8(&second, 0));
        CHECK_STR((const char *)second.ptr, (const char *)first.ptr);
        iso_wit_fini(&wit);
        iso_wit_fini(&again);
        iso_buf_fini(&first);
        iso_buf_fini(&second);
    }
}

TEST(the_model_has_what_the_text_says)
{
    struct iso_wit wit;
    wit_test_parse_ok("package acme:scaler@1.2.0;\n"
                      "interface types { record size { width: u32, height: u32 } }\n"
                      "interface scaling { use types.{size as extent};\n"
                      "  type alias = extent;\n"
                      "  scale: func(pixels: list<u8>, to: alias) -> result<list<u8>, string>; }\n"
                      "world scaler { import log: func(text: string); export scaling; }",
                      &wit);
    CHECK(iso_str_equal_z(wit.package->ns, "acme"));
    CHECK(iso_str_equal_z(wit.package->version, "1.2.0"));
    CHECK_EQ_U64(wit.interface_count, 2);
    const struct iso_wit_interface *types = wit.interfaces[0], *scaling = wit.interfaces[1];
    CHECK(scaling->package == wit.package);
    CHECK_EQ_U64(scaling->type_count, 1);
    CHECK(scaling->types[0]->alias == types->types[0]);
    CHECK(scaling->types[0]->owner == scaling);
    CHECK_EQ_U64(scaling->types[0]->size, 8);
    const struct iso_wit_func *scale = &scaling->funcs[0];
    CHECK_EQ_U64(scale->param_count, 2);
    CHECK(scale->params[1].type == scaling->types[0]);
    CHECK(scale->result->kind == ISO_V_RESULT);
    CHECK(scale->result->members[0].type->kind == ISO_V_LIST);
    CHECK(scale->result->members[1].type->kind == ISO_V_STRING);
    CHECK_EQ_U64(wit.world_count, 1);
    CHECK(wit.worlds[0]->exports[0].interface == scaling);
    CHECK(wit.worlds[0]->imports[0].func != NULL);
    CHECK(iso_str_equal_z(wit.worlds[0]->imports[0].name, "log"));
    iso_wit_fini(&wit);
}

TEST(several_texts_form_packages)
{
    static const char *const texts[] = {
        "interface one { use two.{t}; f: func() -> t; }",
        "package a:b@1.0.0; interface two { use c:d/e.{t}; }\nworld w { export one; }",
        "package c:d; interface e { type t = u8; } world other {}"};
    struct iso_wit_source sources[3];
    for (size_t i = 0; i < 3; i++) {
        sources[i] = (struct iso_wit_source){"x.wit", iso_bytes_from(texts[i], strlen(texts[i]))};
    }
    struct iso_wit wit;
    CHECK_OK(iso_wit_parse(iso_alloc_libc(), sources, 3, &wit, NULL));
    CHECK(iso_str_equal_z(wit.package->name, "b"));
    CHECK_EQ_U64(wit.interface_count, 3);
    CHECK(iso_str_equal_z(wit.interfaces[0]->name, "one"));
    CHECK(iso_str_equal_z(wit.interfaces[2]->name, "e"));
    CHECK(wit.interfaces[0]->funcs[0].result->owner == wit.interfaces[2]);
    CHECK(iso_str_equal_z(wit.worlds[0]->name, "w"));
    wit_test_round_trip(&wit, NULL);
    iso_wit_fini(&wit);
}

TEST(docs_go_with_what_follows_them)
{
    struct iso_wit wit;
    wit_test_parse_ok("// not a doc\n/// About the package.\n///   More, indented.\n"
                      "//// A line.\npackage a:b;\n"
                      "/**\n * An interface:\n *\n *   indented\n */\n@since(version = 1.0.0)\n"
                      "interface i {\n"
                      "  /// A record,\n  // (a remark)\n  /// in two lines.  \n  record r {\n"
                      "    /// First.\n    a: u8, // no doc\n    /** Second. */ b: u8,\n  }\n"
                      "  /// F.\n  f: func();\n  g: func();\n  /***** no doc *****/ h: func();\n"
                      "  /** \xc3\xa9 */ variant v { /// Case.\n x(u8) }\n}\n"
                      "/// W.\nworld w { /// Imported.\n import f: func();\n"
                      "/// Inline.\n export j: interface {} }",
                      &wit);
    const struct iso_wit_interface *i = wit.interfaces[0];
    CHECK(iso_str_equal_z(wit.package->doc, "About the package.\n  More, indented."));
    CHECK(iso_str_equal_z(i->doc, "An interface:\n\n  indented"));
    CHECK(iso_str_equal_z(i->types[0]->doc, "A record,\nin two lines."));
    CHECK(iso_str_equal_z(i->types[0]->members[0].doc, "First."));
    CHECK(iso_str_equal_z(i->types[0]->members[1].doc, "Second."));
    CHECK(iso_str_equal_z(i->types[1]->doc, "\xc3\xa9"));
    CHECK(iso_str_equal_z(i->types[1]->members[0].doc, "Case."));
    CHECK(iso_str_equal_z(i->funcs[0].doc, "F."));
    CHECK_EQ_U64(i->funcs[1].doc.len, 0);
    CHECK_EQ_U64(i->funcs[2].doc.len, 0);
    CHECK(iso_str_equal_z(wit.worlds[0]->doc, "W."));
    CHECK(iso_str_equal_z(wit.worlds[0]->imports[0].func->doc, "Imported."));
    CHECK(iso_str_equal_z(wit.worlds[0]->exports[0].interface->doc, "Inline."));
    wit_test_round_trip(&wit, NULL);
    iso_wit_fini(&wit);
}

TEST(includes_unite_worlds)
{
    struct iso_wit wit;
    wit_test_parse_ok("package a:b; interface j {} world one { import j; import a: func(); }\n"
                      "world two { include one with { a as b } import a: func(); export j; }",
                      &wit);
    const struct iso_wit_world *two = wit.worlds[1];
    CHECK_EQ_U64(two->import_count, 3);
    CHECK(two->imports[0].interface == wit.interfaces[0]);
    CHECK(iso_str_equal_z(two->imports[1].name, "b"));
    CHECK(iso_str_equal_z(two->imports[1].func->name, "b"));
    CHECK(iso_str_equal_z(two->imports[2].name, "a"));
    CHECK_EQ_U64(two->export_count, 1);
    iso_wit_fini(&wit);
}

/* Every allocation fails once; nothing leaks, and nothing but the lack of memory is reported. */
TEST(parsing_and_printing_survive_every_failing_allocation)
{
    struct iso_alloc_test memory;
    for (size_t i = 0; i < ISO_COUNT_OF(valid); i++) {
        enum iso_err err = ISO_E_NOMEM;
        iso_alloc_test_init(&memory);
        for (uint64_t n = 1; err == ISO_E_NOMEM; n++) {
            struct iso_wit wit;
            struct iso_buf out;
            iso_alloc_test_restart(&memory, n);
            iso_buf_init(&out, &memory.alloc, SIZE_MAX);
            err = wit_test_parse(&memory.alloc, valid[i], &wit, NULL);
            if (err == ISO_OK) {
                err = iso_wit_print(&wit, &out);
            }
            iso_wit_fini(&wit);
            iso_buf_fini(&out);
            CHECK_EQ_U64(memory.live_bytes, 0);
            CHECK(err == ISO_E_NOMEM || !memory.failed);
        }
        CHECK_OK(err);
    }
}

static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/* Texts with pieces cut out, repeated and replaced: refused with a reason, or the same once
 * printed. */
TEST(changed_texts_are_refused_with_a_reason_or_round_trip)
{
    static const char *const pieces[] = {
        "{",    "}",    ";",    ",",     "<",   ">",       "(",        ")",      ":",  "u8",
        "list", "func", "use ", "%",     "i",   "j",       "t",        "///x\n", "/*", "\"",
        "@",    "\t",   "a:b/", "1.0.0", "as ", "record ", "\xc3\xa9", "-",      "->", "option<"};
    uint32_t random = 20231;
    unsigned accepted = 0;
    for (unsigned round = 0; round < 6000; round++) {
        char text[2048];
        const char *from = valid[next_random(&random) % ISO_COUNT_OF(valid)];
        size_t len = strlen(from);
        memcpy(text, from, len);
        for (unsigned k = next_random(&random) % 3 + 1; k > 0; k--) {
            size_t at = next_random(&random) % (len + 1);
            const char *piece = pieces[next_random(&random) % ISO_COUNT_OF(pieces)];
            size_t cut = next_random(&random) % 4, add = strlen(piece);
            cut = cut < len - at ? cut : len - at;
            memmove(text + at + add, text + at + cut, len - at - cut);
            memcpy(text + at, piece, add);
            len = len + add - cut;
        }
        struct iso_wit wit;
        struct iso_report report;
        iso_report_init(&report);
        const struct iso_wit_source source = {"t.wit", iso_bytes_from(text, len)};
        enum iso_err err = iso_wit_parse(iso_alloc_libc(), &source, 1, &wit, &report);
        if (err == ISO_OK) {
            wit_test_round_trip(&wit, NULL);
            accepted++;
        } else if (!report.set || strchr(report.text, '^') == NULL) {
            TEST_FAIL("%s without a place: %s\n%.*s", iso_err_name(err), report.text, (int)len,
                      text);
        }
        iso_wit_fini(&wit);
    }
    CHECK(accepted > 100);
}
