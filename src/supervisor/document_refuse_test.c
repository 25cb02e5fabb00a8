/* What is wrong with a deployment document is named with its place and with what would be right.
 * Each case changes one piece of the good document. */
#include "supervisor/document.h"
#include "supervisor/document_test_support.h"

#include <stdlib.h>

#include "base/test.h"

struct bad {
    const char *find; /* a piece of the good document; NULL: replace is all of it */
    const char *replace;
    enum iso_err err;
    const char *message; /* all of the report */
};

/* The good document with the first occurrence of find replaced. */
static char *changed(const char *find, const char *replace)
{
    const char *at = find != NULL ? strstr(test_document, find) : test_document;
    CHECK(at != NULL);
    size_t skip = find != NULL ? strlen(find) : strlen(test_document);
    size_t before = (size_t)(at - test_document), put = strlen(replace);
    size_t after = strlen(at + skip);
    char *text = malloc(before + put + after + 1);
    CHECK(text != NULL);
    memcpy(text, test_document, before);
    memcpy(text + before, replace, put);
    memcpy(text + before + put, at + skip, after + 1);
    return text;
}

static void check_bad(const struct bad *bad)
{
    char *text = changed(bad->find, bad->replace);
    struct iso_report report;
    iso_report_init(&report);
    struct iso_sv_document *document = NULL;
    enum iso_err err = iso_sv_document_parse(iso_alloc_libc(), iso_bytes_from(text, strlen(text)),
                                             &document, &report);
    free(text);
    CHECK_STR(report.text, bad->message);
    CHECK_ERR(err, bad->err);
    CHECK(document == NULL);
}

#define CHECK_ALL(table)                                                                           \
    for (size_t i = 0; i < ISO_COUNT_OF(table); i++) {                                             \
        check_bad(&(table)[i]);                                                                    \
    }

TEST(what_is_no_json)
{
    static const struct bad table[] = {
        {NULL, "", ISO_E_MALFORMED, "line 1, column 0: not JSON: the text ends too early"},
        {NULL, "{\"isomer\": 1", ISO_E_MALFORMED,
         "line 1, column 12: not JSON: the text ends too early"},
        {"\"drain\": ", "\"drain\"; ", ISO_E_MALFORMED,
         "line 2, column 65: not JSON: this is not expected here"},
        {"\"generation\": 7", "\"generation\": 7, \"app\": \"b\"", ISO_E_MALFORMED,
         "line 2, column 62: not JSON: a member appears twice in its object"},
        {"\"generation\": 7", "\"generation\": 99999999999999999999", ISO_E_MALFORMED,
         "line 2, column 74: not JSON: a number is too large"},
        {NULL, "[1]", ISO_E_INVALID, "the document: expected an object, found an array"},
    };
    CHECK_ALL(table);
}

TEST(the_top)
{
    static const struct bad table[] = {
        {"\"isomer\": 1", "\"isomer\": 2", ISO_E_UNSUPPORTED,
         "/isomer: version 2 of the format; this supervisor reads version 1"},
        {"\"isomer\": 1, ", "", ISO_E_INVALID, "the document: the member 'isomer' is missing"},
        {"\"generation\": 7", "\"generaton\": 7", ISO_E_INVALID,
         "the document: there is no member 'generaton' here; did you mean 'generation'?"},
        {"\"generation\": 7", "\"generation\": 0", ISO_E_INVALID,
         "/generation: 0 is not between 1 and 9007199254740991"},
        {"\"generation\": 7", "\"generation\": \"7\"", ISO_E_INVALID,
         "/generation: expected a whole number, found a string"},
        {"\"upscaled-video\"", "\"Upscaled Video\"", ISO_E_INVALID,
         "/app: 'Upscaled Video' is not a name: small letters, digits and single hyphens, a letter "
         "first, at most 32 in all"},
        {"\"5s\"", "\"5\"", ISO_E_INVALID,
         "/drain: '5' is not a duration; write for example \"100ms\" or \"2s\""},
        {"\"5s\"", "\"1h\"", ISO_E_INVALID, "/drain: '1h' is not between 0s and 10min"},
    };
    CHECK_ALL(table);
}

TEST(components)
{
    static const struct bad table[] = {
        {"\"camera\": {\n", "\"cam--era\": {\n", ISO_E_INVALID,
         "/components/cam--era: 'cam--era' is not a name: small letters, digits and single "
         "hyphens, "
         "a letter first, at most 32 in all"},
        {"sha256:01", "sha256:G1", ISO_E_INVALID,
         "/components/camera/module: 'sha256:G123456789abcdef0123456789abcdef0123456789...' is not "
         "the digest of a module: \"sha256:\" and 64 hexadecimal digits (small letters)"},
        {"\"epoch\": 3, ", "", ISO_E_INVALID, "/components/camera: the member 'epoch' is missing"},
        {"\"epoch\": 3, ", "\"epoch\": -1, ", ISO_E_INVALID,
         "/components/camera/epoch: -1 is not between 1 and 9007199254740991"},
        {"\"service\"", "\"servce\"", ISO_E_INVALID,
         "/components/filter/mode: 'servce' is not one of the choices: \"function\" or "
         "\"service\""},
        {"{\"stream\": \"default\"}", "{\"stream\": 4}", ISO_E_INVALID,
         "/components/camera/config/stream: expected a string, found a whole number"},
        {"\"64MiB\"", "\"64 cats\"", ISO_E_INVALID,
         "/components/camera/limits/memory: '64 cats' is not a size; write for example \"64MiB\" "
         "or "
         "\"500kB\""},
        {"\"64MiB\"", "\"8GiB\"", ISO_E_INVALID,
         "/components/camera/limits/memory: '8GiB' is not between 1 B and 4 GiB"},
        {"\"queue\": 8", "\"queue\": 0", ISO_E_INVALID,
         "/components/camera/limits/queue: 0 is not between 1 and 65536"},
        {"\"log-rate\"", "\"log_rate\"", ISO_E_INVALID,
         "/components/camera/limits: there is no member 'log_rate' here; did you mean 'log-rate'?"},
        {"[\"default\"]", "\"default\"", ISO_E_INVALID,
         "/components/camera/grants/devices/camera: expected true (all of it) or an array of "
         "names"},
        {"[\"default\"]", "[]", ISO_E_INVALID,
         "/components/camera/grants/devices/camera: 0 names; at least 1 must be there"},
        {"\"/srv/data\"", "\"srv/data\"", ISO_E_INVALID,
         "/components/camera/grants/dirs/0/host: 'srv/data' is not an absolute path; it must begin "
         "with '/'"},
        {"{\"snapshot\": true}", "{}", ISO_E_INVALID,
         "/components/filter/from: the member 'snapshot' is missing"},
    };
    CHECK_ALL(table);
}

TEST(links)
{
    static const struct bad table[] = {
        {"{\"component\": \"filter\"}", "{\"component\": \"filtre\"}", ISO_E_INVALID,
         "/components/camera/links/lab:pix~1filter@1.0.0: there is no component 'filtre' on this "
         "device (/components); did you mean 'filter'?"},
        {"{\"component\": \"filter\"}", "{\"component\": \"camera\"}", ISO_E_INVALID,
         "/components/camera/links: these links lead back to the component itself, which would "
         "wait "
         "for itself; break the circle"},
        {"{\"component\": \"filter\"}", "{\"component\": \"filter\", \"epoch\": 1}", ISO_E_INVALID,
         "/components/camera/links/lab:pix~1filter@1.0.0/epoch: only a link to a peer has an "
         "epoch; "
         "leave it out"},
        {"{\"peer\": \"den\"", "{\"peer\": \"dem\"", ISO_E_INVALID,
         "/components/camera/links/lab:pix~1scale@1.2.0/peer: there is no peer 'dem' in /peers; "
         "did "
         "you mean 'den'?"},
        {"{\"peer\": \"den\"", "{\"peer\": \"lobby\"", ISO_E_INVALID,
         "/components/camera/links/lab:pix~1scale@1.2.0: the peer 'lobby' has no 'connect', so "
         "that "
         "this link cannot reach it"},
    };
    CHECK_ALL(table);
}

TEST(peers)
{
    static const struct bad table[] = {
        {"\"192.0.2.7:5684\"", "\"den.local:5684\"", ISO_E_INVALID,
         "/peers/den/connect/addresses/0: 'den.local:5684' is not a numeric address with a port; "
         "write for example \"192.0.2.7:5684\" or \"[2001:db8::1]:5684\""},
        {"\"192.0.2.7:5684\"", "\"192.0.2.7:70000\"", ISO_E_INVALID,
         "/peers/den/connect/addresses/0: '192.0.2.7:70000' is not a numeric address with a port; "
         "write for example \"192.0.2.7:5684\" or \"[2001:db8::1]:5684\""},
        {"[2001:db8::1]:5684", "[2001:db8::1]", ISO_E_INVALID,
         "/peers/den/connect/addresses/1: '[2001:db8::1]' is not a numeric address with a port; "
         "write for example \"192.0.2.7:5684\" or \"[2001:db8::1]:5684\""},
        {TEST_KEY_A, "c2hvcnQga2V5", ISO_E_INVALID,
         "/peers/den/connect/key: not a key: it must be 32 bytes in base64, 44 characters"},
        {TEST_KEY_B, TEST_KEY_A, ISO_E_INVALID,
         "/peers/den/accept/key: the same key as for 'connect'; each direction needs its own"},
        {"\"dtls\"", "\"udp\"", ISO_E_INVALID,
         "/peers/den/connect/transport: 'udp' is not one of the choices: \"tls\" or \"dtls\""},
        {"\"v7-hall-den\"", "\"v7 hall\"", ISO_E_INVALID,
         "/peers/den/connect/identity: an identity is of visible ASCII characters without spaces"},
        {"[\"filter\"]}", "[\"scaler\"]}", ISO_E_INVALID,
         "/peers/den/accept/calls/0: there is no component 'scaler' in /components"},
        {"\"lobby.2\"", "\"den-7\"", ISO_E_INVALID,
         "/peers/lobby/device: the peer 'den' is the same device; one entry is enough"},
        {"\"lobby.2\"", "\"lobby/2\"", ISO_E_INVALID,
         "/peers/lobby/device: 'lobby/2' is not the identity of a device: letters, digits, '-', "
         "'_' "
         "and '.', a letter or digit first"},
    };
    CHECK_ALL(table);
}

TEST(flows)
{
    static const struct bad table[] = {
        {"{\"every\": \"100ms\"}", "{}", ISO_E_INVALID,
         "/flows/video/on: expected one of {\"every\": \"100ms\"}, {\"call\": true} and "
         "{\"event\": \"component.name\"} (which may have \"at\")"},
        {"\"100ms\"", "\"1us\"", ISO_E_INVALID,
         "/flows/video/on/every: '1us' is not between 1ms and 24h"},
        {"\"drop-oldest\"", "\"drop\"", ISO_E_INVALID,
         "/flows/video/overload: 'drop' is not one of the choices: \"wait\", \"drop-oldest\" or "
         "\"drop-newest\""},
        {"\"window\": 2", "\"window\": 5000", ISO_E_INVALID,
         "/flows/video/window: 5000 is not between 1 and 1024"},
        {"\"as\": \"g\"", "\"as\": \"f\"", ISO_E_INVALID,
         "/flows/video/steps/1/as: step 0 is called 'f' already; choose another name"},
        {"\"as\": \"g\"", "\"as\": \"input\"", ISO_E_INVALID,
         "/flows/video/steps/1/as: 'input' is the run's input; choose another name"},
        {"$g.pixels", "$big.pixels", ISO_E_INVALID,
         "/flows/video/steps/2/with/image: no step before this one is called 'big' ('as'); a "
         "literal '$' is written '$$'"},
        {"$g.pixels", "$g..pixels", ISO_E_INVALID,
         "/flows/video/steps/2/with/image: a reference is '$name' or '$name.field'; a literal '$' "
         "is "
         "written '$$'"},
        {"$g.pixels", "$input", ISO_E_INVALID,
         "/flows/video/steps/2/with/image: a flow that a timer starts has no '$input'"},
        {"\"take-frame\", \"epoch\": 3", "\"take-frame\", \"epoch\": 4", ISO_E_INVALID,
         "/flows/video/steps/0: epoch 4, but the component 'camera' here has epoch 3"},
        {"\"pix.sharpen\"", "\"pix.a.b\"", ISO_E_INVALID,
         "/flows/video/steps/1/call: 'pix.a.b' is not a function: \"name\" or \"interface.name\""},
        {"\"component\": \"camera\"", "\"component\": \"camra\"", ISO_E_INVALID,
         "/flows/video/steps/0: there is no component 'camra' on this device (/components); did "
         "you "
         "mean 'camera'?"},
        {"\"at\": \"den\",\n          \"epoch\"", "\"at\": \"lobby\",\n          \"epoch\"",
         ISO_E_INVALID,
         "/flows/video/steps/2: the peer 'lobby' needs 'connect': results go there for this step"},
        {"\"scaler.done\", \"at\": \"den\"", "\"scaler.done\", \"at\": \"lobby\"", ISO_E_INVALID,
         "/flows/asked/steps/0: the peer 'lobby' needs 'accept': events come from there for this "
         "step"},
        {"\"scaler.done\"", "\"done\"", ISO_E_INVALID,
         "/flows/asked/on/event: 'done' is not an event: \"component.name\", of two names"},
    };
    CHECK_ALL(table);
}

/* Text that repeats: begin, piece times n (with commas between), end. */
static void check_many(const char *begin, const char *piece, size_t n, const char *comma,
                       const char *end, enum iso_err expected, const char *message)
{
    struct iso_buf text;
    iso_buf_init(&text, iso_alloc_libc(), SIZE_MAX);
    CHECK_OK(iso_buf_append(&text, begin, strlen(begin)));
    for (size_t i = 0; i < n; i++) {
        char number[128];
        size_t len = iso_format(number, sizeof number, piece, (unsigned)i, (unsigned)i);
        CHECK_OK(iso_buf_append(&text, number, len));
        if (i + 1 < n) {
            CHECK_OK(iso_buf_append(&text, comma, strlen(comma)));
        }
    }
    CHECK_OK(iso_buf_append(&text, end, strlen(end)));
    struct iso_report report;
    iso_report_init(&report);
    struct iso_sv_document *document = NULL;
    enum iso_err err =
        iso_sv_document_parse(iso_alloc_libc(), iso_buf_view(&text), &document, &report);
    iso_buf_fini(&text);
    CHECK_STR(report.text, message);
    CHECK_ERR(err, expected);
    iso_sv_document_destroy(document);
}

#define TOP "{\"isomer\":1,\"app\":\"a\",\"generation\":1,"
#define ONE "\"components\":{\"x\":{\"epoch\":1,\"module\":\"" TEST_DIGEST "\","

/* Each limit of document_limits.h: that many, and one more. */
TEST(every_limit)
{
    static const struct {
        const char *begin, *piece, *end;
        size_t max;
        const char *message;
    } table[] = {
        {TOP "\"components\":{", "\"c%u\":{\"epoch\":1,\"module\":\"" TEST_DIGEST "\"}", "}}",
         ISO_SV_DOC_COMPONENTS_MAX, "/components: 65 components; at most 64 are allowed"},
        {TOP "\"components\":{},\"peers\":{", "\"p%u\":{\"device\":\"d%u\"}", "}}",
         ISO_SV_DOC_PEERS_MAX, "/peers: 65 peers; at most 64 are allowed"},
        {TOP ONE "\"config\":{", "\"k%u\":\"\"", "}}}}", ISO_SV_DOC_CONFIG_MAX,
         "/components/x/config: 65 keys; at most 64 are allowed"},
        {TOP ONE "\"env\":{", "\"k%u\":\"\"", "}}}}", ISO_SV_DOC_CONFIG_MAX,
         "/components/x/env: 65 variables; at most 64 are allowed"},
        {TOP ONE "\"args\":[", "\"%u\"", "]}}}", ISO_SV_DOC_ARGS_MAX,
         "/components/x/args: 65 arguments; at most 64 are allowed"},
        {TOP ONE "\"grants\":{\"dirs\":[", "{\"guest\":\"/%u\",\"host\":\"/\"}", "]}}}}",
         ISO_SV_DOC_DIRS_MAX, "/components/x/grants/dirs: 17 directories; at most 16 are allowed"},
        {TOP ONE "\"grants\":{\"devices\":{", "\"d%u\":true", "}}}}}", ISO_SV_DOC_DEVICES_MAX,
         "/components/x/grants/devices: 17 device interfaces; at most 16 are allowed"},
        {TOP ONE "\"grants\":{\"devices\":{\"gpio\":[", "\"n%u\"", "]}}}}}",
         ISO_SV_DOC_DEVICE_NAMES_MAX,
         "/components/x/grants/devices/gpio: 33 names; at most 32 are allowed"},
        {TOP "\"components\":{\"y\":{\"epoch\":1,\"module\":\"" TEST_DIGEST
             "\"},\"x\":{\"epoch\":1,\"module\":\"" TEST_DIGEST "\",\"links\":{",
         "\"a:b/i%u\":{\"component\":\"y\"}", "}}}}", ISO_SV_DOC_LINKS_MAX,
         "/components/x/links: 33 links; at most 32 are allowed"},
        {TOP "\"components\":{},\"peers\":{\"p\":{\"device\":\"d\",\"connect\":{\"identity\":\"i\","
             "\"key\":\"" TEST_KEY_A "\",\"addresses\":[",
         "\"10.0.0.%u:1\"", "]}}}}", ISO_SV_DOC_ADDRESSES_MAX,
         "/peers/p/connect/addresses: 9 addresses; at most 8 are allowed"},
        {TOP ONE "\"mode\":\"service\"}},\"flows\":{",
         "\"f%u\":{\"on\":{\"call\":true},\"steps\":[{\"component\":\"x\",\"call\":\"c\","
         "\"epoch\":1}]}",
         "}}", ISO_SV_DOC_FLOWS_MAX, "/flows: 33 flows; at most 32 are allowed"},
        {TOP ONE "\"mode\":\"service\"}},\"flows\":{\"f\":{\"on\":{\"call\":true},\"steps\":[",
         "{\"component\":\"x\",\"call\":\"c%u\",\"epoch\":1}", "]}}}", ISO_SV_DOC_STEPS_MAX,
         "/flows/f/steps: 33 steps; at most 32 are allowed"},
        {TOP ONE "\"wit\":\"", "a", "\"}}}", ISO_SV_DOC_WIT_MAX,
         "/components/x/wit: 262145 bytes; at most 262144 are allowed"},
        {TOP ONE "\"config\":{\"k\":\"", "a", "\"}}}}", ISO_SV_DOC_TEXT_MAX,
         "/components/x/config/k: 4097 bytes; at most 4096 are allowed"},
    };
    for (size_t i = 0; i < ISO_COUNT_OF(table); i++) {
        const char *comma = strncmp(table[i].piece, "a", 2) == 0 ? "" : ",";
        check_many(table[i].begin, table[i].piece, table[i].max, comma, table[i].end, ISO_OK, "");
        check_many(table[i].begin, table[i].piece, table[i].max + 1, comma, table[i].end,
                   ISO_E_LIMIT, table[i].message);
    }
}

TEST(size_depth_and_number_of_values)
{
    check_many("", " ", ISO_SV_DOC_BYTES_MAX + 1, "", "", ISO_E_LIMIT,
               "the document: 1048577 bytes; at most 1048576 are allowed");
    check_many("", "[", ISO_SV_DOC_DEPTH_MAX + 1, "", "", ISO_E_LIMIT,
               "the document: nested more than 32 deep (byte 32)");
    check_many("[", "0", ISO_SV_DOC_VALUES_MAX + 1, ",", "]", ISO_E_LIMIT,
               "the document: more than 50000 values");
    check_many("[\"", "[,\\\"", ISO_SV_DOC_VALUES_MAX, "", "\"]", ISO_E_INVALID,
               "the document: expected an object, found an array");
}

TEST(a_message_holds_no_piece_of_a_key)
{
    static const char *const cuts[] = {TEST_KEY_A "\n", TEST_KEY_A "\" \"" TEST_KEY_A,
                                       TEST_KEY_A "\\q", TEST_KEY_A "\", \"key\": \"" TEST_KEY_A,
                                       TEST_KEY_A "\xff"};
    for (size_t i = 0; i < ISO_COUNT_OF(cuts); i++) {
        char *text = changed(TEST_KEY_A, cuts[i]);
        struct iso_report report;
        iso_report_init(&report);
        struct iso_sv_document *document = NULL;
        CHECK_ERR(iso_sv_document_parse(iso_alloc_libc(), iso_bytes_from(text, strlen(text)),
                                        &document, &report),
                  ISO_E_MALFORMED);
        free(text);
        CHECK_CONTAINS(report.text, "not JSON: ");
        CHECK(strstr(report.text, "AAEC") == NULL);
    }
}
