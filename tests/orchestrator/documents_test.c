/* Deployment documents: whatever the application and its placement, the supervisor's own reader
 * accepts each of them, and what one device is to open another one lets in. */
#include "orchestrator/documents.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/test.h"
#include "codec/codec.h"
#include "codec/random_test_support.h"
#include "supervisor/document.h"

#define STR(text) iso_str_from_z(text)
#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* ---- What the maker asks for -------------------------------------------------------------------
 */

static enum iso_err addresses(void *ctx, struct iso_str from, struct iso_str device, json_t *out,
                              struct iso_report *report)
{
    (void)from;
    (void)ctx;
    char address[64];
    if (iso_str_equal_z(device, "unknown")) {
        return iso_fail(report, ISO_E_NOT_FOUND, "where it is, is not known");
    }
    (void)snprintf(address, sizeof address, "192.0.2.%d:5684", device.ptr[device.len - 1] - '0');
    CHECK(json_array_append_new(out, json_string(address)) == 0);
    return ISO_OK;
}

/* A key that follows from the pair. */
static enum iso_err pair(void *ctx, struct iso_str from, struct iso_str to,
                         char identity[ISO_OR_IDENTITY_SIZE], uint8_t key[ISO_OR_PAIR_KEY_SIZE],
                         struct iso_report *report)
{
    (void)ctx;
    (void)report;
    (void)snprintf(identity, ISO_OR_IDENTITY_SIZE, "app.%.*s.%.*s", (int)from.len, from.ptr,
                   (int)to.len, to.ptr);
    memset(key, from.ptr[from.len - 1], ISO_OR_PAIR_KEY_SIZE / 2);
    memset(key + ISO_OR_PAIR_KEY_SIZE / 2, to.ptr[to.len - 1], ISO_OR_PAIR_KEY_SIZE / 2);
    return ISO_OK;
}

/* ---- Random applications -----------------------------------------------------------------------
 */

enum { COMPONENTS = 10, LINKS = 4, FLOWS = 3, STEPS = 6 };

struct app {
    struct iso_or_manifest manifest;
    struct iso_or_component components[COMPONENTS];
    struct iso_or_placed placed[COMPONENTS];
    struct iso_or_link links[COMPONENTS][LINKS];
    struct iso_or_flow flows[FLOWS];
    struct iso_or_step steps[FLOWS][STEPS];
    char names[COMPONENTS][16];
    char devices[COMPONENTS][16], sources[COMPONENTS][16];
    json_t *owned[256]; /* values of the manifest */
    size_t owned_count;
};

static const json_t *own(struct app *app, json_t *value)
{
    CHECK(value != NULL && app->owned_count < ISO_COUNT_OF(app->owned));
    app->owned[app->owned_count++] = value;
    return value;
}

static bool often(struct iso_random *random)
{
    return iso_random_below(random, 3) != 0;
}

static void make_component(struct app *app, struct iso_random *random, size_t i, size_t count,
                           uint32_t devices)
{
    static const char *const interfaces[LINKS] = {"lab:pix/a@1.0.0", "lab:pix/b@1.0.0",
                                                  "lab:pix/c@1.0.0", "lab:pix/d@1.0.0"};
    struct iso_or_component *component = &app->components[i];
    struct iso_or_placed *placed = &app->placed[i];
    (void)snprintf(app->names[i], sizeof app->names[i], "c%zu", i);
    (void)snprintf(app->devices[i], sizeof app->devices[i], "dev%u",
                   iso_random_below(random, devices));
    component->name = STR(app->names[i]);
    component->service = often(random);
    component->links = app->links[i];
    if (often(random)) {
        component->config = own(app, json_pack("{s:s}", "stream", "default"));
        component->limits = own(app, json_pack("{s:s, s:i}", "memory", "8MiB", "queue", 5));
        component->args = own(app, json_pack("[s]", "-v"));
        component->env = own(app, json_pack("{s:s}", "LANG", "C"));
        component->dirs = own(app, json_pack("[{s:s, s:s}]", "guest", "/a", "host", "/b"));
        component->devices = own(app, json_pack("{s:[s], s:b}", "camera", "door", "log", 1));
        component->abi = STR("wasm-bindgen");
        placed->wit = STR("package a:b;");
    }
    /* Links lead to later components: no circles. */
    for (size_t k = 0; k < LINKS && i + 1 < count; k++) {
        if (often(random)) {
            uint32_t target =
                (uint32_t)(i + 1) + iso_random_below(random, (uint32_t)(count - i - 1));
            app->links[i][component->link_count++] =
                (struct iso_or_link){.interface = STR(interfaces[k]), .target = target};
        }
    }
    placed->device = STR(app->devices[i]);
    placed->epoch = 1 + iso_random_below(random, 100);
    placed->digest = STR(DIGEST);
    (void)snprintf(app->sources[i], sizeof app->sources[i], "dev%u",
                   iso_random_below(random, devices + 2));
    if (component->service && !often(random) && strcmp(app->sources[i], app->devices[i]) != 0) {
        placed->from = STR(app->sources[i]);
        placed->state = often(random);
    }
}

static void make_flow(struct app *app, struct iso_random *random, size_t i, uint32_t count)
{
    static const char *const names[FLOWS] = {"video", "audio", "alarm"};
    static const char *const results[STEPS] = {"r0", "r1", "r2", "r3", "r4", "r5"};
    struct iso_or_flow *flow = &app->flows[i];
    flow->name = STR(names[i]);
    flow->steps = app->steps[i];
    flow->step_count = 1 + iso_random_below(random, STEPS);
    flow->trigger = (enum iso_or_trigger)iso_random_below(random, 3);
    flow->overload = often(random) ? STR("drop-oldest") : STR("");
    flow->window = iso_random_below(random, 3);
    if (flow->trigger == ISO_OR_EVERY) {
        flow->on = own(app, json_pack("{s:s}", "every", "100ms"));
    } else if (flow->trigger == ISO_OR_CALL) {
        flow->on = own(app, json_pack("{s:b}", "call", 1));
    } else {
        char event[32];
        flow->event_component = iso_random_below(random, count);
        (void)snprintf(event, sizeof event, "c%u.done", flow->event_component);
        flow->on = own(app, json_pack("{s:s}", "event", event));
    }
    for (size_t k = 0; k < flow->step_count; k++) {
        struct iso_or_step *step = &app->steps[i][k];
        step->component = iso_random_below(random, count);
        step->function = STR("work");
        step->as = STR(results[k]);
        if (k > 0 && often(random)) {
            char reference[16];
            (void)snprintf(reference, sizeof reference, "$%s.x",
                           results[iso_random_below(random, (uint32_t)k)]);
            step->with = own(app, json_pack("{s:s, s:i}", "value", reference, "n", 3));
        }
    }
}

static struct app *make_app(struct iso_random *random)
{
    struct app *app = calloc(1, sizeof *app);
    CHECK(app != NULL);
    uint32_t count = 1 + iso_random_below(random, COMPONENTS);
    uint32_t devices = 1 + iso_random_below(random, 6);
    app->manifest = (struct iso_or_manifest){
        .app = STR("app"),
        .drain_ns = often(random) ? UINT64_C(1500000000) : UINT64_MAX,
        .components = app->components,
        .component_count = count,
        .flows = app->flows,
        .flow_count = iso_random_below(random, FLOWS + 1),
        .checked = true,
    };
    for (size_t i = 0; i < count; i++) {
        make_component(app, random, i, count, devices);
    }
    for (size_t i = 0; i < app->manifest.flow_count; i++) {
        make_flow(app, random, i, count);
    }
    return app;
}

static void drop_app(struct app *app)
{
    for (size_t i = 0; i < app->owned_count; i++) {
        json_decref(app->owned[i]);
    }
    free(app);
}

static struct iso_or_documents_input input_of(const struct app *app)
{
    return (struct iso_or_documents_input){.manifest = &app->manifest,
                                           .generation = 7,
                                           .placed = app->placed,
                                           .addresses = addresses,
                                           .pair = pair};
}

/* ---- Checks ------------------------------------------------------------------------------------
 */

static struct iso_sv_document *read_document(const json_t *document)
{
    char *text = json_dumps(document, JSON_COMPACT);
    struct iso_sv_document *out = NULL;
    struct iso_report report;
    iso_report_init(&report);
    CHECK(text != NULL);
    enum iso_err err =
        iso_sv_document_parse(iso_alloc_libc(), iso_bytes_from(text, strlen(text)), &out, &report);
    if (err != ISO_OK) {
        TEST_FAIL("%s in %s", report.text, text);
    }
    free(text);
    return out;
}

/* What `from` is to open to `to` is let in there, with the same key, and nothing more. */
static void check_pair(const json_t *documents, const char *from, const char *to)
{
    const json_t *here = json_object_get(documents, from), *there = json_object_get(documents, to);
    const char *to_name = iso_or_document_peer(here, to);
    const char *from_name = iso_or_document_peer(there, from);
    const json_t *out =
        to_name != NULL
            ? json_object_get(json_object_get(json_object_get(here, "peers"), to_name), "connect")
            : NULL;
    const json_t *in =
        from_name != NULL
            ? json_object_get(json_object_get(json_object_get(there, "peers"), from_name), "accept")
            : NULL;
    CHECK((out != NULL) == (in != NULL));
    if (out != NULL) {
        CHECK(json_equal(json_object_get(out, "identity"), json_object_get(in, "identity")));
        CHECK(json_equal(json_object_get(out, "key"), json_object_get(in, "key")));
    }
}

static size_t index_of(const struct app *app, struct iso_str name)
{
    size_t i = 0;
    while (!iso_str_equal(app->components[i].name, name)) {
        i++;
        CHECK(i < app->manifest.component_count);
    }
    return i;
}

static void check_app(const struct app *app, json_t *documents)
{
    const char *id, *other;
    json_t *value, *second;
    size_t components = 0;
    json_object_foreach(documents, id, value)
    {
        struct iso_sv_document *document = read_document(value);
        for (size_t i = 0; i < document->component_count; i++) {
            size_t index = index_of(app, document->components[i].name);
            CHECK(iso_str_equal_z(app->placed[index].device, id));
            CHECK(document->components[i].from_snapshot == app->placed[index].state);
        }
        components += document->component_count;
        iso_sv_document_destroy(document);
        json_object_foreach(documents, other, second)
        {
            if (strcmp(id, other) != 0) {
                check_pair(documents, id, other);
            }
        }
    }
    CHECK_EQ_U64(components, app->manifest.component_count);
    for (size_t i = 0; i < app->manifest.component_count; i++) {
        const struct iso_or_placed *placed = &app->placed[i];
        if (placed->from.len != 0) { /* the source knows where to release it to */
            const json_t *source = json_object_get(documents, app->sources[i]);
            const char *peer = iso_or_document_peer(source, app->devices[i]);
            CHECK(peer != NULL);
        }
    }
}

TEST(every_document_is_accepted_by_the_supervisor)
{
    struct iso_random random;
    iso_random_init(&random, 42);
    for (unsigned round = 0; round < 2000; round++) {
        struct app *app = make_app(&random);
        struct iso_or_documents_input input = input_of(app);
        json_t *documents = NULL;
        CHECK_OK(iso_or_documents_make(&input, &documents, NULL));
        check_app(app, documents);
        json_decref(documents);
        drop_app(app);
    }
}

static void two_devices(struct app *app)
{
    app->manifest = (struct iso_or_manifest){.app = STR("app"),
                                             .drain_ns = UINT64_MAX,
                                             .components = app->components,
                                             .component_count = 2};
    app->components[0] =
        (struct iso_or_component){.name = STR("caller"), .links = app->links[0], .link_count = 1};
    app->components[1] = (struct iso_or_component){.name = STR("callee"), .service = true};
    app->links[0][0] = (struct iso_or_link){.interface = STR("a:b/c@1.0.0"), .target = 1};
    app->placed[0] =
        (struct iso_or_placed){.device = STR("dev1"), .epoch = 3, .digest = STR(DIGEST)};
    app->placed[1] =
        (struct iso_or_placed){.device = STR("dev2"), .epoch = 4, .digest = STR(DIGEST)};
}

/* The members, literally, of the smallest application on two devices. */
TEST(what_two_devices_are_told)
{
    struct app *app = calloc(1, sizeof *app);
    CHECK(app != NULL);
    two_devices(app);
    struct iso_or_documents_input input = input_of(app);
    json_t *documents = NULL;
    CHECK_OK(iso_or_documents_make(&input, &documents, NULL));
    char *first = json_dumps(json_object_get(documents, "dev1"), JSON_COMPACT | JSON_SORT_KEYS);
    char *second = json_dumps(json_object_get(documents, "dev2"), JSON_COMPACT | JSON_SORT_KEYS);
    CHECK_STR(first,
              "{\"app\":\"app\",\"components\":{\"caller\":{\"epoch\":3,\"grants\":{},\"links\":{"
              "\"a:b/c@1.0.0\":{\"component\":\"callee\",\"epoch\":4,\"peer\":\"d2\"}},\"module\":"
              "\"" DIGEST "\"}},\"flows\":{},\"generation\":7,\"isomer\":1,\"peers\":{\"d2\":{"
              "\"connect\":{\"addresses\":[\"192.0.2.2:5684\"],\"identity\":\"app.dev1.dev2\","
              "\"key\":\"MTExMTExMTExMTExMTExMTIyMjIyMjIyMjIyMjIyMjI=\"},\"device\":\"dev2\"}}}");
    CHECK_STR(second,
              "{\"app\":\"app\",\"components\":{\"callee\":{\"epoch\":4,\"grants\":{},\"mode\":"
              "\"service\",\"module\":\"" DIGEST "\"}},\"flows\":{},\"generation\":7,\"isomer\":1,"
              "\"peers\":{\"d1\":{\"accept\":{\"calls\":[\"callee\"],\"identity\":"
              "\"app.dev1.dev2\",\"key\":\"MTExMTExMTExMTExMTExMTIyMjIyMjIyMjIyMjIyMjI=\"},"
              "\"device\":\"dev1\"}}}");
    free(first);
    free(second);
    json_decref(documents);
    drop_app(app);
}

TEST(refuses_what_a_device_would_refuse)
{
    struct app *app = calloc(1, sizeof *app);
    CHECK(app != NULL);
    two_devices(app);
    struct iso_or_documents_input input = input_of(app);
    json_t *documents = NULL;
    struct iso_report report;
    iso_report_init(&report);
    app->placed[1].device = STR("unknown");
    CHECK_ERR(iso_or_documents_make(&input, &documents, &report), ISO_E_NOT_FOUND);
    CHECK_CONTAINS(report.text, "not known");
    app->placed[1].device = STR("dev2");
    char *large = malloc(ISO_OR_DOCUMENT_BYTES_MAX);
    CHECK(large != NULL);
    memset(large, 'x', ISO_OR_DOCUMENT_BYTES_MAX);
    app->placed[0].wit = iso_str_from(large, ISO_OR_DOCUMENT_BYTES_MAX);
    iso_report_init(&report);
    CHECK_ERR(iso_or_documents_make(&input, &documents, &report), ISO_E_LIMIT);
    CHECK_CONTAINS(report.text, "1048576 is the most");
    CHECK(documents == NULL);
    free(large);
    drop_app(app);
}
