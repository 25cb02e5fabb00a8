/* Names and messages: what is written is read back, in fewer bytes; what is damaged is refused for
 * the right reason. */
#include "net/mdns_test_support.h"

#include "base/test.h"

#include <stdlib.h>

static struct iso_mdns_name name_of(const char *text)
{
    struct iso_mdns_name name;

    CHECK(iso_mdns_name_parse(text, &name));
    return name;
}

TEST(names_are_parsed_compared_and_printed)
{
    struct iso_mdns_name a = name_of("_wot._tcp.local");
    struct iso_mdns_name b = name_of("_WOT._Tcp.LOCAL");
    struct iso_mdns_name c;
    char text[ISO_MDNS_NAME_TEXT_MAX];

    CHECK(iso_mdns_name_equal(&a, &b));
    CHECK_EQ_U64(iso_mdns_name_hash(&a), iso_mdns_name_hash(&b));
    CHECK(iso_mdns_name_prepend(iso_str_from_z("a.b\\c\001"), &a, &c));
    iso_mdns_name_text(&c, text);
    CHECK_STR(text, "a\\.b\\\\c\\001._wot._tcp.local");
    CHECK(iso_mdns_name_is_child(&c, &b));
    CHECK(!iso_mdns_name_is_child(&a, &b));
    CHECK(iso_mdns_name_is_local(&c));
    c = name_of("local.example");
    CHECK(!iso_mdns_name_is_local(&c));
    c = name_of("locales");
    CHECK(!iso_mdns_name_is_local(&c));
}

TEST(names_that_cannot_be_are_refused)
{
    struct iso_mdns_name name = name_of("local");
    char label[65] = "";
    char whole[300] = "";

    memset(label, 'x', 64);
    CHECK(!iso_mdns_name_parse("", &name));
    CHECK(!iso_mdns_name_parse("a..b", &name));
    CHECK(!iso_mdns_name_parse("a.", &name));
    CHECK(!iso_mdns_name_parse(label, &name));
    CHECK(iso_mdns_name_parse(label + 1, &name));
    for (size_t i = 0; i < 127; i++) {
        memcpy(whole + 2 * i, "a.", 2);
    }
    whole[253] = '\0'; /* 127 labels: 255 bytes */
    CHECK(iso_mdns_name_parse(whole, &name));
    CHECK_EQ_U64(name.len, 255);
    CHECK(!iso_mdns_name_prepend(iso_str_from_z("b"), &name, &name));
    memcpy(whole + 253, ".a", 3);
    CHECK(!iso_mdns_name_parse(whole, &name));
}

static void check_rename(const char *from, enum iso_mdns_label_style style, const char *to)
{
    struct iso_mdns_label label;
    char text[ISO_MDNS_LABEL_MAX + 1];

    iso_mdns_label_init(&label, iso_str_from_z(from), style);
    (void)iso_mdns_label_text(&label, style, text);
    CHECK_STR(text, from);
    label.number++;
    (void)iso_mdns_label_text(&label, style, text);
    CHECK_STR(text, to);
}

TEST(labels_get_numbers)
{
    check_rename("lamp", ISO_MDNS_LABEL_INSTANCE, "lamp (2)");
    check_rename("lamp (2)", ISO_MDNS_LABEL_INSTANCE, "lamp (3)");
    check_rename("lamp (99)", ISO_MDNS_LABEL_INSTANCE, "lamp (100)");
    check_rename("lamp (1)", ISO_MDNS_LABEL_INSTANCE, "lamp (1) (2)");
    check_rename("(2)", ISO_MDNS_LABEL_INSTANCE, "(2) (2)");
    check_rename("lamp(2)", ISO_MDNS_LABEL_INSTANCE, "lamp(2) (2)");
    check_rename("lamp (123456)", ISO_MDNS_LABEL_INSTANCE, "lamp (123456) (2)");
    check_rename("pi", ISO_MDNS_LABEL_HOST, "pi-2");
    check_rename("pi-2", ISO_MDNS_LABEL_HOST, "pi-3");
    check_rename("pi-09", ISO_MDNS_LABEL_HOST, "pi-09-2");
    check_rename("-2", ISO_MDNS_LABEL_HOST, "-2-2");
}

TEST(long_labels_are_cut_between_characters)
{
    char from[64] = "";
    struct iso_mdns_label label;
    char text[ISO_MDNS_LABEL_MAX + 1];

    for (size_t i = 0; i < 21; i++) {
        memcpy(from + 3 * i, "\xe2\x82\xac", 3); /* 21 euros: 63 bytes */
    }
    iso_mdns_label_init(&label, iso_str_from_z(from), ISO_MDNS_LABEL_INSTANCE);
    label.number = 2;
    size_t len = iso_mdns_label_text(&label, ISO_MDNS_LABEL_INSTANCE, text);
    CHECK_EQ_U64(len, 57 + 4);
    CHECK(iso_utf8_valid(text, len));
}

TEST(messages_are_written_with_pointers_and_read_back)
{
    struct iso_mdns_writer writer;

    iso_mdns_writer_init(&writer);
    CHECK(iso_mdns_writer_is_empty(&writer));
    sim_ask(&writer, "_wot._tcp.local", ISO_MDNS_PTR, true);
    sim_put(&writer, ISO_MDNS_ANSWERS, "_wot._tcp.local", ISO_MDNS_PTR, 4500, false,
            "lamp._wot._tcp.local");
    sim_put(&writer, ISO_MDNS_ADDITIONAL, "lamp._wot._tcp.local", ISO_MDNS_SRV, 120, true,
            "8080 a.a.a.local");
    sim_put(&writer, ISO_MDNS_ADDITIONAL, "a.a.a.local", ISO_MDNS_A, 120, true, "\012\0\0\1");
    iso_mdns_writer_finish(&writer, 7, ISO_MDNS_FLAG_RESPONSE);
    char *text = sim_text(iso_bytes_from(writer.bytes, writer.len));
    CHECK_STR(text, "response id=7; Q _wot._tcp.local PTR QU; A _wot._tcp.local PTR 4500 "
                    "lamp._wot._tcp.local; D lamp._wot._tcp.local SRV 120 flush 8080 a.a.a.local; "
                    "D a.a.a.local A 120 flush 10.0.0.1");
    free(text);
    /* 12 header; 17 + 4 question; 2 + 10 + 7 PTR; 2 + 10 + 6 + 8 SRV; 2 + 10 + 4 A. */
    CHECK_EQ_U64(writer.len, 12 + 21 + 19 + 26 + 16);
}

TEST(a_full_writer_stays_as_it_was)
{
    struct iso_mdns_writer writer;
    char txt[256] = "";
    unsigned records = 0;

    memset(txt + 1, 'x', 254);
    txt[0] = (char)254;
    struct iso_mdns_record record = {.name = name_of("lamp.local"),
                                     .type = ISO_MDNS_TXT,
                                     .class = ISO_MDNS_CLASS_IN,
                                     .data = iso_bytes_from(txt, 255)};
    iso_mdns_writer_init(&writer);
    while (iso_mdns_writer_record(&writer, ISO_MDNS_ANSWERS, &record)) {
        records++;
    }
    CHECK_EQ_U64(records, 5);
    CHECK_EQ_U64(writer.counts[ISO_MDNS_ANSWERS], 5);
    iso_mdns_writer_finish(&writer, 0, ISO_MDNS_FLAG_RESPONSE);
    struct iso_mdns_reader reader;
    CHECK_OK(iso_mdns_reader_init(&reader, iso_bytes_from(writer.bytes, writer.len), NULL));
}

/* ---- Refusals -------------------------------------------------------------------------------- */

/* The header of a response with one answer. */
#define ONE_ANSWER                                                                                 \
    "\0\0\x84\0"                                                                                   \
    "\0\0\0\1\0\0\0\0"
#define ONE_QUESTION                                                                               \
    "\0\0\0\0"                                                                                     \
    "\0\1\0\0\0\0\0\0"
/* Type, class, TTL of 120 s. */
#define META(type) "\0" type "\0\1\0\0\0\x78"

static const struct {
    const char *what;
    const char *bytes;
    size_t len;
    enum iso_err err;
    const char *text;
} bad_packets[] = {
#define BAD(what, bytes, err, text)                                                                \
    {                                                                                              \
        what, bytes, sizeof(bytes) - 1, err, text                                                  \
    }
    BAD("nothing", "", ISO_E_MALFORMED, "shorter than its header"),
    BAD("half a header", "\0\0\x84\0\0\0", ISO_E_MALFORMED, "shorter than its header"),
    BAD("an opcode", "\0\0\x28\0\0\0\0\0\0\0\0\0", ISO_E_UNSUPPORTED, "opcode"),
    BAD("a response code", "\0\0\x84\3\0\0\0\0\0\0\0\0", ISO_E_UNSUPPORTED, "response code"),
    BAD("a question that is not there", ONE_QUESTION, ISO_E_MALFORMED, "more entries than fit"),
    BAD("an answer that is not there", ONE_ANSWER, ISO_E_MALFORMED, "more entries than fit"),
    BAD("65,535 of everything", "\0\0\x84\0\xff\xff\xff\xff\xff\xff\xff\xff", ISO_E_MALFORMED,
        "more entries than fit"),
    BAD("a name without an end", ONE_QUESTION "\1a\1b\1c", ISO_E_MALFORMED,
        "goes beyond the message"),
    BAD("a label that is cut", ONE_QUESTION "\77abcde", ISO_E_MALFORMED,
        "a label goes beyond the message"),
    BAD("a label of kind 0x40",
        ONE_QUESTION "\x41"
                     "abcdefg",
        ISO_E_MALFORMED, "0x41"),
    BAD("a label of kind 0x80",
        ONE_QUESTION "\x80"
                     "abcdefg",
        ISO_E_MALFORMED, "0x80"),
    BAD("a pointer to itself", ONE_QUESTION "\xc0\x0c\0\1\0\1", ISO_E_MALFORMED,
        "not before the name"),
    BAD("a pointer forward", ONE_QUESTION "\xc0\x0e\0\0\1\0\1", ISO_E_MALFORMED,
        "not before the name"),
    BAD("a pointer that loops", ONE_QUESTION "\1a\xc0\x0c\0\1\0\1", ISO_E_MALFORMED,
        "not before the name"),
    BAD("a pointer beyond the message", ONE_QUESTION "\xff\xff\0\1\0\1", ISO_E_MALFORMED,
        "not before the name"),
    BAD("a pointer into the header", ONE_QUESTION "\xc0\x02\0\1\0\1", ISO_E_MALFORMED,
        "into the header"),
    BAD("a pointer that is cut", ONE_QUESTION "\3abc\xc0", ISO_E_MALFORMED, "a pointer is cut off"),
    BAD("a question that is cut", ONE_QUESTION "\3abc\0\0\1", ISO_E_MALFORMED,
        "a question is cut off"),
    BAD("a record that is cut", ONE_ANSWER "\3abc\0" META("\1"), ISO_E_MALFORMED,
        "a record is cut off"),
    BAD("data that are cut", ONE_ANSWER "\0" META("\1") "\0\4\1\2\3", ISO_E_MALFORMED,
        "the data of a record go beyond"),
    BAD("an address of 3 bytes", ONE_ANSWER "\0" META("\1") "\0\3\1\2\3", ISO_E_MALFORMED,
        "an address of 3 bytes instead of 4"),
    BAD("an IPv6 address of 4 bytes", ONE_ANSWER "\0" META("\34") "\0\4\1\2\3\4", ISO_E_MALFORMED,
        "an address of 4 bytes instead of 16"),
    BAD("PTR without a name", ONE_ANSWER "\0" META("\14") "\0\0", ISO_E_MALFORMED,
        "the data of type 12 are cut off"),
    BAD("PTR with more than a name", ONE_ANSWER "\0" META("\14") "\0\2\0\0", ISO_E_MALFORMED,
        "does not end where they do"),
    BAD("PTR whose name goes on", ONE_ANSWER "\0" META("\14") "\0\2\1a\0", ISO_E_MALFORMED,
        "does not end where they do"),
    BAD("PTR to itself", ONE_ANSWER "\0" META("\14") "\0\2\xc0\x17", ISO_E_MALFORMED,
        "not before the name"),
    BAD("CNAME to itself", ONE_ANSWER "\0" META("\5") "\0\2\xc0\x17", ISO_E_MALFORMED,
        "not before the name"),
    BAD("SRV without a target", ONE_ANSWER "\0" META("\41") "\0\6\0\0\0\0\0\1", ISO_E_MALFORMED,
        "the data of type 33 are cut off"),
    BAD("SRV of three bytes", ONE_ANSWER "\0" META("\41") "\0\3\0\0\0", ISO_E_MALFORMED,
        "the data of type 33 are cut off"),
    BAD("TXT whose text goes on", ONE_ANSWER "\0" META("\20") "\0\3\5ab", ISO_E_MALFORMED,
        "a text goes beyond its record"),
    BAD("NSEC with an empty block", ONE_ANSWER "\0" META("\57") "\0\3\0\0\0", ISO_E_MALFORMED,
        "a bit map of types is damaged"),
    BAD("NSEC with a block of 33 bytes",
        ONE_ANSWER "\0" META("\57") "\0\x24\0\0\x21"
                                    "123456789012345678901234567890123",
        ISO_E_MALFORMED, "a bit map of types is damaged"),
    BAD("NSEC whose name goes on", ONE_ANSWER "\0" META("\57") "\0\2\1a\0", ISO_E_MALFORMED,
        "goes beyond it"),
};

TEST(damaged_messages_are_refused_for_the_right_reason)
{
    for (size_t i = 0; i < ISO_COUNT_OF(bad_packets); i++) {
        struct iso_mdns_reader reader;
        struct iso_report report;
        /* A copy of its exact size: reading beyond it is noticed by the sanitizer. */
        uint8_t *copy = malloc(bad_packets[i].len + (bad_packets[i].len == 0));
        CHECK(copy != NULL);
        iso_memory_copy(copy, bad_packets[i].bytes, bad_packets[i].len);
        iso_report_init(&report);
        enum iso_err err =
            iso_mdns_reader_init(&reader, iso_bytes_from(copy, bad_packets[i].len), &report);
        free(copy);
        if (err != bad_packets[i].err) {
            TEST_FAIL("%s: %s", bad_packets[i].what, iso_err_name(err));
        }
        CHECK_CONTAINS(report.text, bad_packets[i].text);
    }
    CHECK(ISO_COUNT_OF(bad_packets) >= 24);
}

TEST(names_of_more_than_255_bytes_are_refused_however_they_are_made)
{
    /* Each record's name is a label and a pointer to the one before: the fifth passes 255 bytes. */
    uint8_t packet[1024] = {0, 0, 0x84, 0, 0, 0, 0, 5};
    struct iso_mdns_reader reader;
    struct iso_report report;
    size_t at = 12;
    size_t last = 0;

    for (unsigned i = 0; i < 5; i++) {
        size_t here = at;
        packet[at++] = 63;
        memset(packet + at, 'a', 63);
        at += 63;
        if (i == 0) {
            packet[at++] = 0;
        } else {
            packet[at++] = (uint8_t)(0xc0 | last >> 8);
            packet[at++] = (uint8_t)last;
        }
        memcpy(packet + at, "\0\20\0\1\0\0\0\1\0\0", 10);
        at += 10;
        last = here;
        iso_report_init(&report);
        packet[7] = (uint8_t)(i + 1);
        enum iso_err err = iso_mdns_reader_init(&reader, iso_bytes_from(packet, at), &report);
        CHECK_ERR(err, i < 3 ? ISO_OK : ISO_E_MALFORMED);
    }
    CHECK_CONTAINS(report.text, "longer than 255 bytes");
}

TEST(long_messages_are_refused)
{
    uint8_t *packet = calloc(1, ISO_MDNS_PACKET_MAX + 1);
    struct iso_mdns_reader reader;

    CHECK(packet != NULL);
    CHECK_OK(iso_mdns_reader_init(&reader, iso_bytes_from(packet, ISO_MDNS_PACKET_MAX), NULL));
    CHECK_ERR(iso_mdns_reader_init(&reader, iso_bytes_from(packet, ISO_MDNS_PACKET_MAX + 1), NULL),
              ISO_E_LIMIT);
    free(packet);
}

TEST(every_cut_of_a_message_is_refused_or_read)
{
    struct iso_mdns_writer writer;
    struct iso_mdns_reader reader;

    iso_mdns_writer_init(&writer);
    sim_ask(&writer, "_wot._tcp.local", ISO_MDNS_PTR, false);
    sim_put(&writer, ISO_MDNS_ANSWERS, "_wot._tcp.local", ISO_MDNS_PTR, 4500, false,
            "lamp._wot._tcp.local");
    sim_put(&writer, ISO_MDNS_ANSWERS, "lamp._wot._tcp.local", ISO_MDNS_SRV, 120, true,
            "8080 a.local");
    iso_mdns_writer_finish(&writer, 0, ISO_MDNS_FLAG_RESPONSE);
    for (size_t len = 0; len < writer.len; len++) {
        uint8_t *copy = malloc(len + (len == 0));
        CHECK(copy != NULL);
        memcpy(copy, writer.bytes, len);
        CHECK_ERR(iso_mdns_reader_init(&reader, iso_bytes_from(copy, len), NULL), ISO_E_MALFORMED);
        free(copy);
    }
}

TEST(txt_values_are_found)
{
    const char bytes[] = "\4td=/\0\5Scale\3b=\0\3B=2\1=";
    struct iso_bytes txt = iso_bytes_from(bytes, sizeof bytes - 1);
    struct iso_bytes value;
    size_t at = 0;
    unsigned texts = 0;

    CHECK(iso_mdns_txt_find(txt, "TD", &value));
    CHECK(iso_bytes_equal(value, iso_bytes_from("/", 1)));
    CHECK(iso_mdns_txt_find(txt, "scale", &value));
    CHECK_EQ_U64(value.len, 0);
    CHECK(iso_mdns_txt_find(txt, "b", &value)); /* the first counts */
    CHECK_EQ_U64(value.len, 1);
    CHECK(!iso_mdns_txt_find(txt, "sca", &value));
    CHECK(!iso_mdns_txt_find(txt, "scales", &value));
    while (iso_mdns_txt_next(txt, &at, &value)) {
        texts++;
    }
    CHECK_EQ_U64(texts, 5); /* the empty one is passed over */
    at = 0;
    CHECK(!iso_mdns_txt_next(iso_bytes_from("\5ab", 3), &at, &value));
}
