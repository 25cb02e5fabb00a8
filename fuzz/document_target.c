/* Fuzz target `document`: any bytes as a deployment document, and a good document with changes.
 * What is refused must have a reason; what is taken must be consistent, and come back the same from
 * its own text. */
#include "harness.h"
#include "target.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc_test_support.h"
#include "supervisor/document.h"
#include "supervisor/document_test_support.h"

static void check_index(uint32_t index, size_t count, const char *what)
{
    if (index != ISO_SV_HERE && index >= count) {
        fuzz_fail("%s %u of %zu", what, index, count);
    }
}

static void check_template(const struct iso_sv_template *value, size_t step)
{
    switch (value->kind) {
    case ISO_SV_TEMPLATE_ARRAY:
        for (size_t i = 0; i < value->of.array.count; i++) {
            check_template(&value->of.array.items[i], step);
        }
        break;
    case ISO_SV_TEMPLATE_OBJECT:
        for (size_t i = 0; i < value->of.object.count; i++) {
            check_template(&value->of.object.values[i], step);
        }
        break;
    case ISO_SV_TEMPLATE_REFERENCE:
        if (value->of.reference.step != ISO_SV_STEP_INPUT && value->of.reference.step >= step) {
            fuzz_fail("step %zu refers to step %u", step, value->of.reference.step);
        }
        break;
    default:
        break;
    }
}

static void check_flow(const struct iso_sv_document *document, const struct iso_sv_doc_flow *flow)
{
    check_index(flow->trigger == ISO_SV_ON_EVENT ? flow->event_peer : ISO_SV_HERE,
                document->peer_count, "peer");
    for (size_t i = 0; i < flow->step_count; i++) {
        const struct iso_sv_doc_step *step = &flow->steps[i];
        check_index(step->peer, document->peer_count, "peer");
        check_index(step->local, document->component_count, "component");
        if ((step->peer == ISO_SV_HERE) != (step->local != ISO_SV_HERE)) {
            fuzz_fail("step %zu is nowhere, or at two places", i);
        }
        if ((step->needs & ~ISO_SV_NEEDS_INPUT) >> i != 0) {
            fuzz_fail("step %zu needs what comes later", i);
        }
        if (step->with != NULL) {
            check_template(step->with, i);
        }
    }
}

static void check_document(const struct iso_sv_document *document)
{
    for (size_t i = 0; i < document->component_count; i++) {
        const struct iso_sv_doc_component *component = &document->components[i];
        for (size_t k = 0; k < component->link_count; k++) {
            check_index(component->links[k].peer, document->peer_count, "peer");
            check_index(component->links[k].local, document->component_count, "component");
        }
        if (!iso_name_check(component->name) || component->epoch == 0) {
            fuzz_fail("component %zu has no name or epoch", i);
        }
    }
    for (size_t i = 0; i < document->peer_count; i++) {
        for (size_t k = 0; k < document->peers[i].call_count; k++) {
            if (document->peers[i].calls[k] >= document->component_count) {
                fuzz_fail("peer %zu calls what is not there", i);
            }
        }
    }
    for (size_t i = 0; i < document->flow_count; i++) {
        check_flow(document, &document->flows[i]);
    }
}

static void parse(struct iso_bytes text)
{
    struct iso_alloc_test memory;
    struct iso_report report;
    struct iso_sv_document *document = NULL, *again = NULL;
    iso_alloc_test_init(&memory);
    iso_report_init(&report);
    enum iso_err err = iso_sv_document_parse(&memory.alloc, text, &document, &report);
    if (err == ISO_OK) {
        struct iso_buf shown;
        check_document(document);
        iso_buf_init(&shown, &memory.alloc, SIZE_MAX);
        if (iso_sv_document_redact(document, &shown) != ISO_OK ||
            iso_sv_document_parse(&memory.alloc, document->text, &again, NULL) != ISO_OK ||
            memcmp(document->digest, again->digest, ISO_SHA256_SIZE) != 0) {
            fuzz_fail("a document does not come back");
        }
        iso_buf_fini(&shown);
        iso_sv_document_destroy(again);
        iso_sv_document_destroy(document);
    } else if (!report.set || strchr(report.text, '\n') != NULL ||
               !iso_utf8_valid(report.text, strlen(report.text))) {
        fuzz_fail("refused (%s) without a line of text: %s", iso_err_name(err), report.text);
    }
    if (memory.live_bytes != 0) {
        fuzz_fail("%zu bytes leaked", memory.live_bytes);
    }
}

/* The first byte, when it is odd: the rest are changes to the good document: two bytes of place,
 * one of how many bytes go, one of how many of the following come. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len == 0 || data[0] % 2 == 0) {
        parse(iso_bytes_from(data + (len > 0 ? 1 : 0), len > 0 ? len - 1 : 0));
        return 0;
    }
    struct iso_buf text;
    iso_buf_init(&text, iso_alloc_libc(), SIZE_MAX);
    if (fuzz_change(test_document, sizeof test_document - 1, data + 1, len - 1, &text) != ISO_OK) {
        abort();
    }
    parse(iso_buf_view(&text));
    iso_buf_fini(&text);
    return 0;
}
