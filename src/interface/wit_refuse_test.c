/* WIT texts that are wrong: the exact message for each, and the limits. */
#include "interface/wit_test_support.h"

#include "base/format.h"

static const struct refusal {
    const char *text;
    enum iso_err err;
    const char *message;
} refusals[] = {
    {"", ISO_E_INVALID,
     "t.wit:1:1: the text must begin with the name of its package, as in 'package "
     "acme:scaler@1.0.0;'\n\n^"},
    {"interface i {}", ISO_E_INVALID,
     "t.wit:1:1: the text must begin with the name of its package, as in 'package "
     "acme:scaler@1.0.0;'\ninterface i {}\n^"},
    {"package a;", ISO_E_MALFORMED,
     "t.wit:1:10: expected ':' and the name of the package, as in 'acme:scaler', found "
     "';'\npackage a;\n         ^"},
    {"package a:b@1.0;", ISO_E_MALFORMED,
     "t.wit:1:13: expected a version of three numbers, such as 1.2.0\npackage a:b@1.0;\n"
     "            ^"},
    {"package a:b\ninterface i {}", ISO_E_MALFORMED,
     "t.wit:2:1: expected ';' or '{', found the keyword 'interface'\ninterface i {}\n^"},
    {"package a:b; package c:d;", ISO_E_MALFORMED,
     "t.wit:1:14: 'package ...;' stands at the top of a text; further packages have their items in "
     "'{ }'\npackage a:b; package c:d;\n             ^"},
    {"package a:b;\n\tinterface fooBar {}", ISO_E_MALFORMED,
     "t.wit:2:12: 'fooBar' is not a name: names are words of lower-case letters and digits joined "
     "by '-', such as 'foo-bar'\n\tinterface fooBar {}\n\t          ^"},
    {"package a:b;\ninterface i {\n  record list { a: u8 }\n}", ISO_E_MALFORMED,
     "t.wit:3:10: expected the name of the type, found the keyword 'list'; as a name it is written "
     "'%list'\n  record list { a: u8 }\n         ^"},
    {"package a:b;\ninterface i { f: func(p: pint); record point { x: u8 } }", ISO_E_INVALID,
     "t.wit:2:26: there is no type 'pint' here; did you mean 'point'?\ninterface i { f: func(p: "
     "pint); record point { x: u8 } }\n                         ^"},
    {"package a:b; interface i { f: func(p: int); }", ISO_E_INVALID,
     "t.wit:1:39: there is no type 'int'; in WIT it is 's32'\npackage a:b; interface i { f: "
     "func(p: "
     "int); }\n                                      ^"},
    {"package a:b; interface i { f: func() -> strng; }", ISO_E_INVALID,
     "t.wit:1:41: there is no type 'strng' here; did you mean 'string'?\npackage a:b; interface i "
     "{ "
     "f: func() -> strng; }\n                                        ^"},
    {"package a:b; interface i { f: func() }", ISO_E_MALFORMED,
     "t.wit:1:38: expected ';', found '}'\npackage a:b; interface i { f: func() }\n"
     "                                     ^"},
    {"package a:b; interface i { f: func() -> (a: u8); }", ISO_E_MALFORMED,
     "t.wit:1:41: a function has one result and no names for it; several are a tuple or a record\n"
     "package a:b; interface i { f: func() -> (a: u8); }\n"
     "                                        ^"},
    {"package a:b; interface i { f: func(a: u8, A: u8); }", ISO_E_INVALID,
     "t.wit:1:43: parameter 'A' is there already\npackage a:b; interface i { f: func(a: u8, A: "
     "u8); "
     "}\n                                          ^"},
    {"package a:b; interface i { record r {} }", ISO_E_INVALID,
     "t.wit:1:35: a record needs at least one field\npackage a:b; interface i { record r {} }\n"
     "                                  ^"},
    {"package a:b; interface i { enum e { x, x } }", ISO_E_INVALID,
     "t.wit:1:40: case 'x' is there already\npackage a:b; interface i { enum e { x, x } }\n"
     "                                       ^"},
    {"package a:b; interface i { type t = t; }", ISO_E_INVALID,
     "t.wit:1:37: type 't' contains itself; a type can only contain types that are complete "
     "without "
     "it\npackage a:b; interface i { type t = t; }\n                                    ^"},
    {"package a:b; interface i { record r { x: s }\n record s { y: list<r> } }", ISO_E_INVALID,
     "t.wit:2:21: type 'r' contains itself; a type can only contain types that are complete "
     "without "
     "it\n record s { y: list<r> } }\n                    ^"},
    {"package a:b; interface i { type t = u8; t: func(); }", ISO_E_INVALID,
     "t.wit:1:41: the name 't' is taken already\npackage a:b; interface i { type t = u8; t: "
     "func(); "
     "}\n                                        ^"},
    {"package a:b; interface i { use j.{t}; } interface j { use i.{t}; }", ISO_E_INVALID,
     "t.wit:1:59: interface 'i' uses itself, perhaps by way of others\npackage a:b; interface i { "
     "use j.{t}; } interface j { use i.{t}; }\n"
     "                                                          ^"},
    {"package a:b; interface i { use j.{poit}; } interface j { type point = u8; }", ISO_E_INVALID,
     "t.wit:1:35: there is no type 'poit' in interface 'j'; did you mean 'point'?\npackage a:b; "
     "interface i { use j.{poit}; } interface j { type point = u8; \n"
     "                                  ^"},
    {"package a:b; interface i { use j.{f}; } interface j { f: func(); }", ISO_E_INVALID,
     "t.wit:1:35: 'f' is a function; only types can be used\npackage a:b; interface i { use j.{f}; "
     "} interface j { f: func(); }\n                                  ^"},
    {"package a:b; interface i { use types.{t}; } interface type-s {}", ISO_E_INVALID,
     "t.wit:1:32: there is no interface 'types' in package 'a:b'; did you mean 'type-s'?\npackage "
     "a:b; interface i { use types.{t}; } interface type-s {}\n"
     "                               ^"},
    {"package a:b; world w { import c:d/e; }", ISO_E_INVALID,
     "t.wit:1:31: package 'c:d' is not among the texts\npackage a:b; world w { import c:d/e; }\n"
     "                              ^"},
    {"package a:b; world w { import c:d/e; }\npackage c:d@1.0.0 { interface e {} }", ISO_E_INVALID,
     "t.wit:1:31: package 'c:d' is here as 'c:d@1.0.0', which is another version\npackage a:b; "
     "world w { import c:d/e; }\n                              ^"},
    {"package a:b; world w { export v; } world v {}", ISO_E_INVALID,
     "t.wit:1:31: 'v' is a world; an interface is wanted here\npackage a:b; world w { export v; } "
     "world v {}\n                              ^"},
    {"package a:b; world w { import f: func(); import f: func(); }", ISO_E_INVALID,
     "t.wit:1:49: 'f' is imported already\npackage a:b; world w { import f: func(); import f: "
     "func(); }\n                                                ^"},
    {"package a:b; world w { export i; export i; } interface i {}", ISO_E_INVALID,
     "t.wit:1:41: interface 'i' is exported already\npackage a:b; world w { export i; export i; } "
     "interface i {}\n                                        ^"},
    {"package a:b; world w { include v; import f: func(); } world v { import f: func(); }",
     ISO_E_INVALID,
     "t.wit:1:42: 'f' is imported already\n"
     "package a:b; world w { include v; import f: func(); } world v { import f: func();\n"
     "                                         ^"},
    {"package a:b; world w { include w; }", ISO_E_INVALID,
     "t.wit:1:32: world 'w' includes itself, perhaps by way of others\npackage a:b; world w { "
     "include w; }\n                               ^"},
    {"package a:b; world w { include v with { g as h } } world v { import f: func(); }",
     ISO_E_INVALID,
     "t.wit:1:41: world 'v' imports and exports nothing that is plainly named 'g'\npackage a:b; "
     "world w { include v with { g as h } } world v { import f: func(); }\n"
     "                                        ^"},
    {"package a:b; interface i {} world i {}", ISO_E_INVALID,
     "t.wit:1:35: an interface or world 'i' is there already\npackage a:b; interface i {} world i "
     "{}\n                                  ^"},
    {"package a:b; use c:d/e; interface e {} package c:d { interface e {} }", ISO_E_INVALID,
     "t.wit:1:22: 'e' is declared in this package; rename the used one with 'as'\npackage a:b; use "
     "c:d/e; interface e {} package c:d { interfac\n                     ^"},
    {"package a:b; @sinc(version = 1.0.0) interface i {}", ISO_E_MALFORMED,
     "t.wit:1:15: '@sinc' is unknown; annotations are @since, @unstable, @deprecated and "
     "@external-id\npackage a:b; @sinc(version = 1.0.0) interface i {}\n              ^"},
    {"package a:b; interface i { /* f: func();", ISO_E_MALFORMED,
     "t.wit:1:28: this comment has no end; expected '*/'\npackage a:b; interface i { /* f: "
     "func();\n                           ^"},
    {"package a:b; interface i { f: func(); # }", ISO_E_MALFORMED,
     "t.wit:1:39: '#' has no meaning in WIT\npackage a:b; interface i { f: func(); # }\n"
     "                                      ^"},
    {"package a:b; // \xc3\xa9 \xe2\x80\xae\n", ISO_E_MALFORMED,
     "t.wit:1:19: the character U+202E is not allowed in WIT\npackage a:b; // \xc3\xa9 "
     "\xe2\x80\xae\n                  ^"},
    {"package a:b; // \xff\n", ISO_E_MALFORMED,
     "t.wit:1:17: not UTF-8: the byte 0xff\npackage a:b; // ?\n                ^"},
    /* Well-formed to the end, then refused. */
    {"package a:b;\ninterface i {\n  resource file { constructor(a: u8); m: func(); s: static "
     "func(); }\n}",
     ISO_E_UNSUPPORTED,
     "t.wit:3:12: resources are not supported\n"
     "  resource file { constructor(a: u8); m: func(); s:\n"
     "           ^"},
    {"package a:b; interface i { f: func(x: borrow<y>); }", ISO_E_UNSUPPORTED,
     "t.wit:1:39: resources are not supported\npackage a:b; interface i { f: func(x: borrow<y>); "
     "}\n"
     "                                      ^"},
    {"package a:b; interface i { f: func() -> stream<u8>; }", ISO_E_UNSUPPORTED,
     "t.wit:1:41: streams are not supported\npackage a:b; interface i { f: func() -> stream<u8>; "
     "}\n                                        ^"},
    {"package a:b; interface i { f: func() -> future; }", ISO_E_UNSUPPORTED,
     "t.wit:1:41: futures are not supported\npackage a:b; interface i { f: func() -> future; }\n"
     "                                        ^"},
    {"package a:b; interface i { f: async func(); }", ISO_E_UNSUPPORTED,
     "t.wit:1:31: async functions are not supported\npackage a:b; interface i { f: async func(); "
     "}\n"
     "                              ^"},
    {"package a:b; interface i { f: func() -> stream<u8>; g: }", ISO_E_MALFORMED,
     "t.wit:1:56: expected 'func', found '}'\npackage a:b; interface i { f: func() -> stream<u8>; "
     "g: }\n                                                       ^"},
};

TEST(wrong_texts_get_exact_messages)
{
    for (size_t i = 0; i < ISO_COUNT_OF(refusals); i++) {
        struct iso_wit wit;
        struct iso_report report;
        iso_report_init(&report);
        enum iso_err err = wit_test_parse(iso_alloc_libc(), refusals[i].text, &wit, &report);
        CHECK_STR(report.text, refusals[i].message);
        CHECK_ERR(err, refusals[i].err);
        iso_wit_fini(&wit);
    }
}

TEST(long_lines_are_cut_around_the_place)
{
    char text[2000] = "package a:b; interface i { f: func(";
    size_t len = strlen(text);
    for (unsigned i = 0; i < 100; i++) {
        len += iso_format(text + len, sizeof text - len, "p%u: u8, ", i);
    }
    (void)iso_format(text + len, sizeof text - len, "x: nope, y: u8); }");
    struct iso_wit wit;
    struct iso_report report;
    iso_report_init(&report);
    CHECK_ERR(wit_test_parse(iso_alloc_libc(), text, &wit, &report), ISO_E_INVALID);
    CHECK_CONTAINS(report.text, "there is no type 'nope' here\n");
    const char *caret = strchr(report.text, '^');
    CHECK(caret != NULL && caret[1] == '\0');
    const char *line = strchr(report.text, '\n') + 1;
    const char *indent = strchr(line, '\n') + 1;
    CHECK_MEM(line + (caret - indent), "nope", 4);
    iso_wit_fini(&wit);
}

/* Appends `count` times before, the number, after. */
static void fill(struct iso_buf *text, const char *before, const char *after, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        char piece[120];
        size_t len = iso_format(piece, sizeof piece, "%s%u%s", before, i, after);
        CHECK_OK(iso_buf_append(text, piece, len));
    }
}

static enum iso_err parse_around(const char *before, const struct iso_buf *middle,
                                 const char *after, struct iso_report *report)
{
    struct iso_buf text;
    struct iso_wit wit;
    iso_buf_init(&text, iso_alloc_libc(), SIZE_MAX);
    CHECK_OK(iso_buf_append(&text, before, strlen(before)));
    CHECK_OK(iso_buf_append(&text, middle->ptr, middle->len));
    CHECK_OK(iso_buf_append(&text, after, strlen(after)));
    const struct iso_wit_source source = {"t.wit", iso_buf_view(&text)};
    iso_report_init(report);
    enum iso_err err = iso_wit_parse(iso_alloc_libc(), &source, 1, &wit, report);
    iso_wit_fini(&wit);
    iso_buf_fini(&text);
    return err;
}

TEST(limits_are_met_and_one_more_is_refused)
{
    static const struct {
        const char *before, *piece_before, *piece_after, *after;
        unsigned most;
    } limits[] = {
        {"package a:b; interface i { record r {", "n", ": u8,", "} }", 1000},
        {"package a:b; interface i { f: func(", "n", ": u8,", "); }", 1000},
        {"package a:b; interface i {", "n", ": func();", "}", 1000},
        {"package a:b; interface i {", "type t", " = u8;", "}", 1000},
        {"package a:b; world w {", "import n", ": func();", "}", 1000},
        {"package a:b;", "interface n", " {}", "", 1000},
        {"package a:b;", "package a:p", " {}", "", 99},
    };
    for (size_t i = 0; i < ISO_COUNT_OF(limits); i++) {
        struct iso_buf middle;
        struct iso_report report;
        iso_buf_init(&middle, iso_alloc_libc(), SIZE_MAX);
        fill(&middle, limits[i].piece_before, limits[i].piece_after, limits[i].most);
        if (parse_around(limits[i].before, &middle, limits[i].after, &report) != ISO_OK) {
            TEST_FAIL("%s", report.text);
        }
        middle.len = 0;
        fill(&middle, limits[i].piece_before, limits[i].piece_after, limits[i].most + 1);
        CHECK_ERR(parse_around(limits[i].before, &middle, limits[i].after, &report), ISO_E_LIMIT);
        CHECK(report.set);
        iso_buf_fini(&middle);
    }
}

/* Nesting in one type, types that contain one another, names for names, uses, and includes. */
TEST(depths_are_limited)
{
    struct iso_buf middle;
    struct iso_report report;
    iso_buf_init(&middle, iso_alloc_libc(), SIZE_MAX);
    for (unsigned i = 0; i < 99; i++) {
        CHECK_OK(iso_buf_append(&middle, "list<", 5));
    }
    CHECK_OK(iso_buf_append(&middle, "u8", 2));
    for (unsigned i = 0; i < 99; i++) {
        CHECK_OK(iso_buf_append(&middle, ">", 1));
    }
    CHECK_OK(parse_around("package a:b; interface i { f: func(x: ", &middle, "); }", &report));
    CHECK_ERR(parse_around("package a:b; interface i { f: func(x: list<list<", &middle, ">>); }",
                           &report),
              ISO_E_LIMIT);
    static const struct {
        const char *before, *form, *after;
    } chains[] = {
        {"package a:b; interface i { type t0 = u8;", "record t%u { x: t%u }", "}"},
        {"package a:b; interface i { type t300 = u8;", "type t%u = t%u;", "}"},
        {"package a:b; interface i300 { type t = u8; }", "interface i%u { use i%u.{t}; }", ""},
        {"package a:b; world w300 {}", "world w%u { include w%u; }", ""},
    };
    for (size_t i = 0; i < ISO_COUNT_OF(chains); i++) {
        middle.len = 0;
        for (unsigned k = 0; k < 300; k++) {
            char piece[80];
            unsigned a = i == 0 ? k + 1 : k, b = i == 0 ? k : k + 1;
            size_t len;
            switch (i) {
            case 0:
                len = iso_format(piece, sizeof piece, "record t%u { x: t%u }", a, b);
                break;
            case 1:
                len = iso_format(piece, sizeof piece, "type t%u = t%u;", a, b);
                break;
            case 2:
                len = iso_format(piece, sizeof piece, "interface i%u { use i%u.{t}; }", a, b);
                break;
            default:
                len = iso_format(piece, sizeof piece, "world w%u { include w%u; }", a, b);
                break;
            }
            CHECK_OK(iso_buf_append(&middle, piece, len));
        }
        CHECK_ERR(parse_around(chains[i].before, &middle, chains[i].after, &report), ISO_E_LIMIT);
        CHECK(report.set);
    }
    iso_buf_fini(&middle);
}

TEST(names_and_texts_have_a_greatest_length)
{
    struct iso_buf middle;
    struct iso_report report;
    iso_buf_init(&middle, iso_alloc_libc(), SIZE_MAX);
    for (unsigned i = 0; i < 200; i++) {
        CHECK_OK(iso_buf_append(&middle, "x", 1));
    }
    CHECK_OK(parse_around("package a:b; interface ", &middle, " {}", &report));
    CHECK_ERR(parse_around("package a:b; interface x", &middle, " {}", &report), ISO_E_LIMIT);
    for (unsigned i = 0; i < 1u << 20; i++) {
        CHECK_OK(iso_buf_append(&middle, " ", 1));
    }
    CHECK_ERR(parse_around("package a:b; interface ", &middle, " {}", &report), ISO_E_LIMIT);
    iso_buf_fini(&middle);
    struct iso_wit wit;
    CHECK_ERR(iso_wit_parse(iso_alloc_libc(), NULL, 0, &wit, NULL), ISO_E_ARGUMENT);
    iso_wit_fini(&wit);
}
