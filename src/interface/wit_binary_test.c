/* Worlds encoded as types of components: sections that jco 1.24.6 (wasm-tools 0.251) made of the
 * texts beside them, what is refused, and damaged sections. */
#include "interface/wit_binary.h"
#include "interface/wit_test_support.h"

static const char scale_text[] =
    "package test:scale@1.2.0;\n"
    "\n"
    "interface types {\n"
    "  record point { x: s32, y: s32 }\n"
    "  type bytes = list<u8>;\n"
    "  type p2 = point;\n"
    "  variant shape { none, dot(point), many(list<point>) }\n"
    "  enum color { red, green }\n"
    "  flags perms { read, write }\n"
    "  touch: func(p: point);\n"
    "}\n"
    "interface ops {\n"
    "  use types.{point, shape as form};\n"
    "  area: func(s: form, o: option<point>) -> result<u32, string>;\n"
    "  nothing: func() -> result<_, string>;\n"
    "}\n"
    "world scaler {\n"
    "  use types.{color};\n"
    "  record local { a: u8, b: tuple<u8, f64, char> }\n"
    "  import types;\n"
    "  import log: func(msg: string, c: color);\n"
    "  import inl: interface { use types.{point}; record z { p: point } go: func(z: z) -> bool; }\n"
    "  export ops;\n"
    "  export types;\n"
    "  export scale: func(d: list<u8>, l: local) -> result;\n"
    "}\n";

/* jco embed --wit scale.wit --world-name scaler, without the last section (producers). */
static const char scale_hex[] =
    "0061736d0d0001000019167769742d636f6d706f6e656e742d656e636f64696e670400079f05014102014115"
    "01420e01720201787a01797a040005706f696e7403000001707d040005627974657303000204000270320300"
    "01017001017103046e6f6e65000003646f74010100046d616e790105000400057368617065030006016d0203"
    "72656405677265656e040005636f6c6f72030008016e0204726561640577726974650400057065726d730300"
    "0a0140010170010100040005746f756368010c030016746573743a7363616c652f747970657340312e322e30"
    "05000203000005706f696e740142060203020101040005706f696e740300000172010170010400017a030002"
    "014001017a03007f040002676f0104030003696e6c05020203000005636f6c6f72030005636f6c6f72030003"
    "016f037d757401720201617d0162050300056c6f63616c030006014002036d73677301630401000300036c6f"
    "67010801707d016a0000014002016409016c07000a0400057363616c65010b01420e01720201787a01797a04"
    "0005706f696e7403000001707d04000562797465730300020400027032030001017001017103046e6f6e6500"
    "0003646f74010100046d616e790105000400057368617065030006016d020372656405677265656e04000563"
    "6f6c6f72030008016e0204726561640577726974650400057065726d7303000a014001017001010004000574"
    "6f756368010c040016746573743a7363616c652f747970657340312e322e30050c0203000205736861706501"
    "420b0203020101040005706f696e74030000020302010d040004666f726d030002016b01016a017901730140"
    "02017303016f040005040004617265610106016a00017301400000070400076e6f7468696e67010804001474"
    "6573743a7363616c652f6f707340312e322e30050e040017746573743a7363616c652f7363616c657240312e"
    "322e3004000b0c0100067363616c6572030000";

static const char lists_text[] = "package acme:scaler;\n"
                                 "world scaler {\n"
                                 "  export scale: func(pixels: list<u8>, width: u32, height: u32)\n"
                                 "    -> result<list<u8>, string>;\n"
                                 "}\n";

static const char lists_hex[] =
    "0061736d0d0001000019167769742d636f6d706f6e656e742d656e636f64696e670400074c01410201410401"
    "707d016a0100017301400306706978656c730005776964746879066865696768747900010400057363616c65"
    "010204001261636d653a7363616c65722f7363616c657204000b0c0100067363616c6572030000";

/* interface io { resource file { read: func() -> list<u8>; } open: func(n: string) -> file; } */
static const char resource_hex[] =
    "0061736d0d0001000019167769742d636f6d706f6e656e742d656e636f64696e670400078001014102014104"
    "01420804000466696c65030101680001707d0140010473656c660100020400115b6d6574686f645d66696c65"
    "2e726561640103016900014001016e7300040400046f70656e010503000f61636d653a722f696f40302e312e"
    "3005000140000100040002676f010104000e61636d653a722f7740302e312e3004000b0701000177030000";

/* interface io { open: func(n: string) -> stream<u8>; } */
static const char stream_hex[] =
    "0061736d0d0001000019167769742d636f6d706f6e656e742d656e636f64696e670400075101410201410401"
    "42030166017d014001016e7300000400046f70656e010103000f61636d653a722f696f40302e312e30050001"
    "40000100040002676f010104000e61636d653a722f7740302e312e3004000b0701000177030000";

enum { SECTION_MAX = 2000 };

static void decode_ok(const uint8_t *bytes, size_t len, struct iso_wit *out)
{
    struct iso_report report;
    iso_report_init(&report);
    enum iso_err err = iso_wit_decode(iso_alloc_libc(), iso_bytes_from(bytes, len), out, &report);
    if (err != ISO_OK) {
        TEST_FAIL("%s: %s", iso_err_name(err), iso_report_text(&report, err));
    }
}

static void check_decodes_to(const char *hex, const char *text)
{
    uint8_t bytes[SECTION_MAX];
    size_t len = wit_test_unhex(hex, bytes, sizeof bytes);
    struct iso_wit decoded, parsed;
    decode_ok(bytes, len, &decoded);
    wit_test_parse_ok(text, &parsed);
    wit_test_check_equal(&decoded, &parsed);
    wit_test_round_trip(&decoded, NULL);
    iso_wit_fini(&decoded);
    iso_wit_fini(&parsed);
}

TEST(sections_decode_to_what_their_texts_say)
{
    check_decodes_to(scale_hex, scale_text);
    check_decodes_to(lists_hex, lists_text);
}

TEST(the_older_layout_is_read_too)
{
    uint8_t bytes[SECTION_MAX] = {3, 0, 6, 's', 'c', 'a', 'l', 'e', 'r'};
    size_t len = 9 + wit_test_unhex(lists_hex, bytes + 9, sizeof bytes - 9);
    struct iso_wit wit;
    struct iso_report report;
    decode_ok(bytes, len, &wit);
    CHECK(iso_str_equal_z(wit.worlds[0]->name, "scaler"));
    iso_wit_fini(&wit);
    bytes[3] = 'x'; /* a world that is not there */
    iso_report_init(&report);
    CHECK_ERR(iso_wit_decode(iso_alloc_libc(), iso_bytes_from(bytes, len), &wit, &report),
              ISO_E_INVALID);
    CHECK_CONTAINS(report.text, "it does not export a world");
    iso_wit_fini(&wit);
}

TEST(several_sections_are_one_world)
{
    uint8_t a[SECTION_MAX], b[SECTION_MAX];
    struct iso_bytes sections[3] = {iso_bytes_from(a, wit_test_unhex(scale_hex, a, sizeof a)),
                                    iso_bytes_from(b, wit_test_unhex(lists_hex, b, sizeof b)),
                                    {NULL, 0}};
    struct iso_wit wit;
    struct iso_report report;
    iso_report_init(&report);
    CHECK_OK(iso_wit_decode_all(iso_alloc_libc(), sections, 2, &wit, &report));
    CHECK_EQ_U64(wit.world_count, 1);
    CHECK(iso_str_equal_z(wit.package->ns, "test"));
    /* `scale` is in both; the first stays. */
    CHECK_EQ_U64(wit.worlds[0]->export_count, 3);
    wit_test_round_trip(&wit, NULL);
    iso_wit_fini(&wit);
    CHECK_ERR(iso_wit_decode_all(iso_alloc_libc(), sections, 3, &wit, &report), ISO_E_MALFORMED);
    CHECK_CONTAINS(report.text, "it is empty");
    iso_wit_fini(&wit);
}

static void check_refused(const char *hex, size_t at, uint8_t byte, enum iso_err expected,
                          const char *message)
{
    uint8_t bytes[SECTION_MAX];
    size_t len = wit_test_unhex(hex, bytes, sizeof bytes);
    struct iso_wit wit;
    struct iso_report report;
    if (at != 0) {
        bytes[at] = byte;
    }
    iso_report_init(&report);
    enum iso_err err = iso_wit_decode(iso_alloc_libc(), iso_bytes_from(bytes, len), &wit, &report);
    CHECK_STR(report.text, message);
    CHECK_ERR(err, expected);
    iso_wit_fini(&wit);
}

TEST(what_cannot_be_called_is_refused_with_a_reason)
{
    check_refused(resource_hex, 0, 0, ISO_E_UNSUPPORTED,
                  "component-type: at byte 93: '[method]file.read' belongs to a resource or is "
                  "asynchronous; neither is supported");
    check_refused(stream_hex, 0, 0, ISO_E_UNSUPPORTED,
                  "component-type: at byte 47: streams are not supported");
    /* The string encoding, the version of the encoding, the layer of the header. */
    check_refused(lists_hex, 34, 1, ISO_E_UNSUPPORTED,
                  "component-type: at byte 35: strings in UTF-16; only UTF-8 is supported");
    check_refused(lists_hex, 33, 5, ISO_E_UNSUPPORTED,
                  "component-type: at byte 34: version 5 of the encoding; 4 is supported");
    check_refused(lists_hex, 6, 0, ISO_E_MALFORMED,
                  "component-type: at byte 0: a component in binary form was expected");
}

TEST(cut_sections_are_refused)
{
    uint8_t bytes[SECTION_MAX];
    size_t len = wit_test_unhex(scale_hex, bytes, sizeof bytes);
    for (size_t cut = 0; cut < len; cut++) {
        struct iso_wit wit;
        struct iso_report report;
        iso_report_init(&report);
        CHECK(iso_wit_decode(iso_alloc_libc(), iso_bytes_from(bytes, cut), &wit, &report) !=
              ISO_OK);
        CHECK(report.set);
        iso_wit_fini(&wit);
    }
}

/* Each byte replaced by some others: refused with a reason, or a world that prints and parses. */
TEST(damaged_sections_are_refused_with_a_reason_or_still_worlds)
{
    static const uint8_t others[] = {0x00, 0x01, 0x05, 0x3f, 0x40, 0x42, 0x70, 0x7f, 0x80, 0xff};
    uint8_t bytes[SECTION_MAX];
    size_t len = wit_test_unhex(scale_hex, bytes, sizeof bytes);
    unsigned accepted = 0;
    for (size_t at = 0; at < len; at++) {
        uint8_t before = bytes[at];
        for (size_t k = 0; k < ISO_COUNT_OF(others) + 1; k++) {
            struct iso_wit wit;
            struct iso_report report;
            iso_report_init(&report);
            bytes[at] = k < ISO_COUNT_OF(others) ? others[k] : (uint8_t)(before ^ 1);
            enum iso_err err =
                iso_wit_decode(iso_alloc_libc(), iso_bytes_from(bytes, len), &wit, &report);
            CHECK(err == ISO_OK || report.set);
            if (err == ISO_OK) {
                wit_test_round_trip(&wit, NULL);
                accepted++;
            }
            iso_wit_fini(&wit);
        }
        bytes[at] = before;
    }
    CHECK(accepted > 100);
}

TEST(decoding_survives_every_failing_allocation)
{
    uint8_t bytes[SECTION_MAX];
    size_t len = wit_test_unhex(scale_hex, bytes, sizeof bytes);
    struct iso_alloc_test memory;
    enum iso_err err = ISO_E_NOMEM;
    iso_alloc_test_init(&memory);
    for (uint64_t n = 1; err == ISO_E_NOMEM; n++) {
        struct iso_wit wit;
        iso_alloc_test_restart(&memory, n);
        err = iso_wit_decode(&memory.alloc, iso_bytes_from(bytes, len), &wit, NULL);
        iso_wit_fini(&wit);
        CHECK_EQ_U64(memory.live_bytes, 0);
    }
    CHECK_OK(err);
}

/* A chain of tuples of two, each of the one before: small here, 2^60 parts when written out. */
TEST(types_that_explode_are_refused)
{
    uint8_t bytes[600] = {0, 'a', 's', 'm', 0x0d, 0, 1, 0, 7};
    size_t len = 11, size_at = 9;
    bytes[len++] = 61; /* types */
    bytes[len++] = 0x6f;
    bytes[len++] = 1;
    bytes[len++] = 0x7d;
    for (uint8_t i = 0; i < 60; i++) {
        const uint8_t tuple[4] = {0x6f, 2, i, i};
        memcpy(bytes + len, tuple, sizeof tuple);
        len += sizeof tuple;
    }
    bytes[size_at] = (uint8_t)((len - 11) | 0x80);
    bytes[size_at + 1] = (uint8_t)((len - 11) >> 7);
    struct iso_wit wit;
    struct iso_report report;
    iso_report_init(&report);
    CHECK_ERR(iso_wit_decode(iso_alloc_libc(), iso_bytes_from(bytes, len), &wit, &report),
              ISO_E_LIMIT);
    CHECK(report.set);
    iso_wit_fini(&wit);
}
