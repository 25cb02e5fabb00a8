/* A deployment document becomes the structs that document.h promises; the same meaning gives the
 * same digest; keys leave with the document and are never shown. */
#include "supervisor/document.h"
#include "supervisor/document_test_support.h"

#include "base/test.h"

static struct iso_sv_document *parse(const char *text)
{
    struct iso_report report;
    iso_report_init(&report);
    struct iso_sv_document *document = NULL;
    enum iso_err err = iso_sv_document_parse(iso_alloc_libc(), iso_bytes_from(text, strlen(text)),
                                             &document, &report);
    if (err != ISO_OK) {
        TEST_FAIL("%s", report.text);
    }
    return document;
}

static void check_str(struct iso_str actual, const char *expected)
{
    char text[256];
    CHECK(actual.len < sizeof text);
    iso_memory_copy(text, actual.ptr, actual.len);
    text[actual.len] = '\0';
    CHECK_STR(text, expected);
}

TEST(reads_components_with_all_their_members)
{
    struct iso_sv_document *document = parse(test_document);
    check_str(document->app, "upscaled-video");
    CHECK_EQ_U64(document->generation, 7);
    CHECK_EQ_U64(document->drain_ns, UINT64_C(5000000000));
    CHECK_EQ_U64(document->component_count, 2);
    const struct iso_sv_doc_component *camera = &document->components[0];
    check_str(camera->name, "camera");
    CHECK_STR(camera->module, TEST_DIGEST);
    CHECK_EQ_U64(camera->digest[1], 0x23);
    CHECK_EQ_U64(camera->epoch, 3);
    CHECK_EQ_U64(camera->mode, ISO_SV_FUNCTION);
    check_str(camera->config[0].key, "stream");
    check_str(camera->config[0].value, "default");
    CHECK_EQ_U64(camera->arg_count, 2);
    check_str(camera->args[0], "-v");
    check_str(camera->args[1], "");
    check_str(camera->env[0].value, "B");
    check_str(camera->devices[0].interface, "camera");
    CHECK_EQ_U64(camera->devices[0].name_count, 1);
    check_str(camera->devices[0].names[0], "default");
    CHECK_EQ_U64(camera->devices[1].name_count, 0);
    check_str(camera->dirs[0].guest_path, "/data");
    check_str(camera->dirs[0].host_path, "/srv/data");
    CHECK(camera->dirs[0].writable);
    CHECK_EQ_U64(camera->limits.memory_bytes, UINT64_C(64) << 20);
    CHECK_EQ_U64(camera->limits.fuel, 100000000);
    CHECK_EQ_U64(camera->limits.time_ns, UINT64_C(2000000000));
    CHECK_EQ_U64(camera->limits.queue, 8);
    CHECK_EQ_U64(camera->limits.storage_bytes, 4096);
    CHECK_EQ_U64(camera->limits.result_bytes, 1 << 20);
    const struct iso_sv_doc_component *filter = &document->components[1];
    CHECK_EQ_U64(filter->mode, ISO_SV_SERVICE);
    check_str(filter->wit, "package lab:pix;");
    check_str(filter->abi, "wasm-bindgen");
    CHECK(filter->from_snapshot);
    CHECK_EQ_U64(filter->limits.memory_bytes, 0);
    iso_sv_document_destroy(document);
}

TEST(reads_links_and_peers)
{
    struct iso_sv_document *document = parse(test_document);
    const struct iso_sv_doc_component *camera = &document->components[0];
    CHECK_EQ_U64(camera->link_count, 2);
    check_str(camera->links[0].interface, "lab:pix/filter@1.0.0");
    CHECK_EQ_U64(camera->links[0].peer, ISO_SV_HERE);
    CHECK_EQ_U64(camera->links[0].local, 1);
    CHECK_EQ_U64(camera->links[1].peer, 0);
    CHECK_EQ_U64(camera->links[1].local, ISO_SV_HERE);
    CHECK_EQ_U64(camera->links[1].epoch, 12);
    const struct iso_sv_doc_peer *den = &document->peers[0];
    check_str(den->device, "den-7");
    CHECK_EQ_U64(den->address_count, 2);
    check_str(den->addresses[1], "[2001:db8::1]:5684");
    CHECK_EQ_U64(den->transport, ISO_SV_DTLS);
    check_str(den->connect.identity, "v7-hall-den");
    CHECK_EQ_U64(den->connect.key[31], 31);
    check_str(den->accept.identity, "v7-den-hall");
    CHECK_EQ_U64(den->accept.key[0], 32);
    CHECK(iso_sv_document_call_allowed(den, 1));
    CHECK(!iso_sv_document_call_allowed(den, 0));
    CHECK_EQ_U64(document->peers[1].address_count, 0);
    CHECK_EQ_U64(iso_sv_document_peer(document, iso_str_from_z("lobby")), 1);
    CHECK_EQ_U64(iso_sv_document_peer(document, iso_str_from_z("attic")), ISO_SV_HERE);
    iso_sv_document_destroy(document);
}

TEST(reads_flows_with_what_each_step_needs)
{
    struct iso_sv_document *document = parse(test_document);
    const struct iso_sv_doc_flow *video = &document->flows[0];
    CHECK_EQ_U64(video->trigger, ISO_SV_ON_EVERY);
    CHECK_EQ_U64(video->every_ns, 100000000);
    CHECK_EQ_U64(video->overload, ISO_SV_DROP_OLDEST);
    CHECK_EQ_U64(video->window, 2);
    CHECK_EQ_U64(video->step_count, 4);
    check_str(video->steps[1].function, "pix.sharpen");
    CHECK_EQ_U64(video->steps[1].local, 1);
    CHECK_EQ_U64(video->steps[2].peer, 0);
    CHECK_EQ_U64(video->steps[2].epoch, 12);
    /* Step 1 is given f for itself and carries it on to step 2, which needs f and g. */
    CHECK_EQ_U64(video->steps[0].needs, 0);
    CHECK_EQ_U64(video->steps[1].needs, 1);
    CHECK_EQ_U64(video->steps[2].needs, 3);
    CHECK_EQ_U64(video->steps[3].needs, 4);
    const struct iso_sv_template *with = video->steps[2].with;
    CHECK_EQ_U64(with->kind, ISO_SV_TEMPLATE_OBJECT);
    CHECK_EQ_U64(with->of.object.count, 4);
    check_str(with->of.object.names[1], "width");
    const struct iso_sv_template *width = &with->of.object.values[1];
    CHECK_EQ_U64(width->kind, ISO_SV_TEMPLATE_REFERENCE);
    CHECK_EQ_U64(width->of.reference.step, 0);
    CHECK_EQ_U64(width->of.reference.path_count, 2);
    check_str(width->of.reference.path[1], "width");
    check_str(with->of.object.values[2].of.string, "$5");
    const struct iso_sv_template *list = with->of.object.values[3].of.array.items;
    CHECK_EQ_I64(list[0].of.integer, 1);
    CHECK_EQ_F64(list[1].of.real, -2.5);
    CHECK_EQ_U64(list[3].kind, ISO_SV_TEMPLATE_NULL);
    CHECK_EQ_U64(list[4].of.reference.path_count, 0);
    const struct iso_sv_doc_flow *asked = &document->flows[1];
    CHECK_EQ_U64(asked->trigger, ISO_SV_ON_EVENT);
    check_str(asked->event_component, "scaler");
    check_str(asked->event_name, "done");
    CHECK_EQ_U64(asked->event_peer, 0);
    CHECK_EQ_U64(asked->steps[0].needs, ISO_SV_NEEDS_INPUT);
    CHECK_EQ_U64(asked->window, 4);
    CHECK_EQ_U64(iso_sv_document_flow(document, iso_str_from_z("asked")), 1);
    iso_sv_document_destroy(document);
}

TEST(says_which_peer_may_send_what)
{
    struct iso_sv_document *document = parse(test_document);
    const struct iso_sv_doc_flow *video = &document->flows[0], *asked = &document->flows[1];
    CHECK(iso_sv_document_flow_starts(video));
    CHECK(iso_sv_document_hop_allowed(video, 0, 3));
    CHECK(!iso_sv_document_hop_allowed(video, 0, 1));
    CHECK(!iso_sv_document_hop_allowed(video, 0, 2));
    CHECK(!iso_sv_document_hop_allowed(video, 0, 0));
    CHECK(!iso_sv_document_hop_allowed(video, 1, 3));
    CHECK(!iso_sv_document_hop_allowed(video, 0, 4));
    CHECK(iso_sv_document_hop_allowed(asked, 0, 0));
    CHECK(!iso_sv_document_hop_allowed(asked, 1, 0));
    CHECK(iso_sv_document_outcome_allowed(video, 0));
    CHECK(!iso_sv_document_outcome_allowed(video, 1));
    CHECK(!iso_sv_document_outcome_allowed(asked, 0));
    iso_sv_document_destroy(document);
}

TEST(same_meaning_same_digest)
{
    static const char one[] = "{\"isomer\":1,\"app\":\"a\",\"generation\":2,\"components\":{}}";
    static const char same[] =
        "{ \"generation\": 2,\n\"components\": {}, \"app\": \"\\u0061\", \"isomer\": 1 }";
    static const char other[] = "{\"isomer\":1,\"app\":\"a\",\"generation\":3,\"components\":{}}";
    struct iso_sv_document *a = parse(one), *b = parse(same), *c = parse(other);
    CHECK_MEM(a->digest, b->digest, ISO_SHA256_SIZE);
    CHECK(memcmp(a->digest, c->digest, ISO_SHA256_SIZE) != 0);
    CHECK_EQ_U64(a->drain_ns, UINT64_C(10000000000));
    CHECK_EQ_U64(b->text.len, strlen(same));
    CHECK_MEM(b->text.ptr, same, strlen(same));
    iso_sv_document_destroy(a);
    iso_sv_document_destroy(b);
    iso_sv_document_destroy(c);
}

TEST(shows_no_key)
{
    struct iso_sv_document *document = parse(test_document);
    struct iso_buf out;
    iso_buf_init(&out, iso_alloc_libc(), SIZE_MAX);
    CHECK_OK(iso_sv_document_redact(document, &out));
    CHECK_OK(iso_buf_append_u8(&out, 0));
    const char *text = (const char *)out.ptr;
    CHECK_CONTAINS(text, "v7-den-hall");
    CHECK(strstr(text, TEST_KEY_A) == NULL);
    CHECK(strstr(text, TEST_KEY_B) == NULL);
    CHECK(strstr(text, "\"key\"") == NULL);
    iso_buf_fini(&out);
    iso_sv_document_destroy(document);
}

/* Each allocation of ours fails once: an error and nothing left behind. */
TEST(survives_short_memory)
{
    struct iso_alloc_test memory;
    iso_alloc_test_init(&memory);
    uint64_t fail_at = 0;
    enum iso_err err = ISO_E_NOMEM;
    while (err != ISO_OK) {
        iso_alloc_test_restart(&memory, ++fail_at);
        struct iso_report report;
        iso_report_init(&report);
        struct iso_sv_document *document = NULL;
        err = iso_sv_document_parse(&memory.alloc,
                                    iso_bytes_from(test_document, sizeof test_document - 1),
                                    &document, &report);
        if (err == ISO_OK) {
            iso_sv_document_destroy(document);
        } else {
            CHECK_ERR(err, ISO_E_NOMEM);
            CHECK(report.set);
        }
        CHECK_EQ_U64(memory.live_bytes, 0);
    }
    CHECK(fail_at > 2);
}
