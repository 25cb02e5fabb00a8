/* Fuzz target `manifest`: any bytes as an application manifest, and a good one with changes,
 * checked against the interfaces of four packages. What is refused must have mistakes at places of
 * the text; what is taken must be consistent, and a device must take what is made of it. */
#include "harness.h"
#include "target.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc_test_support.h"
#include "orchestrator/documents.h"
#include "supervisor/flow_args.h"

static const char good[] =
    "{\"app\": \"trial\", \"drain\": \"5s\", \"components\": {\n"
    "  \"greeter\": {\"package\": \"file:greeter\", \"place\": {\"label\": [\"room=den\"], "
    "\"apart\": "
    "\"counter\"}},\n"
    "  \"counter\": {\"package\": \"file:counter\", \"mode\": \"service\", \"limits\": "
    "{\"memory\": "
    "\"1MiB\", \"queue\": 7}},\n"
    "  \"pix\": {\"package\": \"file:pix\", \"config\": {\"a\": \"b\"}, \"place\": {\"with\": "
    "[\"watcher\"]}},\n"
    "  \"watcher\": {\"package\": \"file:watcher\", \"grants\": {\"devices\": {\"camera\": "
    "[\"door\"]}, "
    "\"dirs\": [{\"guest\": \"/a\", \"host\": \"/b\"}]}}},\n"
    " \"links\": {\"greeter.demo:counter/counts\": \"counter\"},\n"
    " \"flows\": {\"f\": {\"on\": {\"event\": \"watcher.motion\"}, \"overload\": \"drop-oldest\", "
    "\"steps\": [\n"
    "   {\"as\": \"f\", \"call\": \"pix.take\"}, {\"call\": \"pix.show\"},\n"
    "   {\"as\": \"n\", \"call\": \"counter.increment\", \"with\": {\"by\": \"$input.by\"}},\n"
    "   {\"call\": \"pix.show\", \"with\": {\"frame\": {\"size\": {\"width\": \"$n\", \"height\": "
    "5}, "
    "\"pixels\": \"AAEC\", \"title\": \"$$5\"}}},\n"
    "   {\"call\": \"pix.paint\", \"with\": {\"colour\": {\"rgb\": \"$n\"}, \"marks\": "
    "[\"$f.size\"], "
    "\"at\": [1, 2]}},\n"
    "   {\"call\": \"pix.all\", \"with\": {\"n\": [1, \"$n\"], \"o\": {\"some\": \"$n\"}, "
    "\"r\": {\"ok\": \"$n\"}, \"m\": \"soft\", \"p\": [\"head\"], \"f\": 0.5, \"d\": \"$n\", "
    "\"c\": \"x\", \"b\": true, \"s\": -5, \"w\": null}}]}}}\n";

static const char *const names[] = {"file:greeter", "file:counter", "file:pix", "file:watcher"};
static const char *const wits[ISO_COUNT_OF(names)] = {
    "package demo:greeter; interface greetings { greet: func(name: string) -> string; } world "
    "greeter { import demo:counter/counts@1.0.0; export greetings; } package demo:counter@1.0.0 { "
    "interface counts { increment: func(by: u32) -> u32; get: func() -> u32; } }",
    "package demo:counter@1.2.0; interface counts { increment: func(by: u32) -> u32; get: func() "
    "-> "
    "u32; } world counter { export counts; }",
    "package lab:pix; interface filters { record size { width: u32, height: u32 } record frame { "
    "size: size, pixels: list<u8>, title: option<string> } variant colour { grey, rgb(u32) } take: "
    "func() -> result<frame, string>; paint: func(colour: colour, marks: list<size>, at: tuple<u8, "
    "u8>); show: func(frame: frame); enum mode { soft, hard } flags parts { head, tail } all: "
    "func(n: list<u32>, o: option<option<u32>>, r: result<u64, string>, m: mode, p: parts, f: f32, "
    "d: f64, c: char, b: bool, s: s8, w: option<string>) -> u64; } world pix { export filters; }",
    "package demo:watcher; world watcher { import isomer:device/camera@0.1.0; import "
    "isomer:device/events@0.1.0; export look: func(); } package isomer:device@0.1.0 { interface "
    "camera { list-sources: func() -> list<string>; } interface events { emit: func(name: string); "
    "} }"};

static struct iso_module_interface interfaces[ISO_COUNT_OF(wits)];

static void prepare(void)
{
    for (size_t i = 0; i < ISO_COUNT_OF(wits) && interfaces[i].world == NULL; i++) {
        const struct iso_wit_source source = {.name = "t.wit",
                                              .text = iso_bytes_from(wits[i], strlen(wits[i]))};
        if (iso_wit_parse(iso_alloc_libc(), &source, 1, &interfaces[i].wit, NULL) != ISO_OK) {
            fuzz_fail("a good interface is refused");
        }
        interfaces[i].world = interfaces[i].wit.worlds[0];
    }
}

static void check_component(const struct iso_or_manifest *manifest,
                            const struct iso_or_component *component)
{
    if (!iso_name_check(component->name) || component->package.len == 0) {
        fuzz_fail("a component without a name or package");
    }
    for (size_t i = 0; i < component->link_count; i++) {
        if (component->links[i].target >= manifest->component_count) {
            fuzz_fail("a link to nowhere");
        }
    }
    for (size_t i = 0; i < component->place.with_count; i++) {
        if (component->place.with[i] >= manifest->component_count) {
            fuzz_fail("a place with nobody");
        }
    }
}

static void check_manifest(const struct iso_or_manifest *manifest)
{
    if (!manifest->checked || !iso_name_check(manifest->app) || manifest->component_count == 0) {
        fuzz_fail("taken without a name or components");
    }
    for (size_t i = 0; i < manifest->component_count; i++) {
        check_component(manifest, &manifest->components[i]);
    }
    for (size_t i = 0; i < manifest->flow_count; i++) {
        const struct iso_or_flow *flow = &manifest->flows[i];
        if (flow->step_count == 0 || flow->on == NULL) {
            fuzz_fail("a flow without steps or trigger");
        }
        for (size_t k = 0; k < flow->step_count; k++) {
            if (flow->steps[k].component >= manifest->component_count ||
                flow->steps[k].function.len == 0) {
                fuzz_fail("a step that calls nothing");
            }
        }
    }
}

/* ---- What a device says of it ---------------------------------------------------------------- */

static const struct iso_wit_func *find_func(const struct iso_wit_world *world, struct iso_str path)
{
    const char *dot = memchr(path.ptr, '.', path.len);
    const size_t skip = dot != NULL ? (size_t)(dot - path.ptr) + 1 : 0;
    const struct iso_str name = iso_str_from(path.ptr + skip, path.len - skip);
    const struct iso_wit_func *found = NULL;
    for (uint32_t i = 0; i < world->export_count && found == NULL; i++) {
        const struct iso_wit_item *item = &world->exports[i];
        if (item->interface != NULL) {
            found = iso_wit_func_find(item->interface, name);
        } else if (iso_str_equal(item->func->name, name)) {
            found = item->func;
        }
    }
    return found;
}

static void check_flow(const struct iso_or_manifest *manifest,
                       const struct iso_or_module_facts *facts,
                       const struct iso_sv_document *document, uint32_t flow)
{
    const struct iso_or_flow *of = &manifest->flows[flow];
    const struct iso_vtype *results[64] = {NULL};
    bool known[64] = {false};
    for (uint32_t i = 0; i < of->step_count; i++) {
        const struct iso_or_step *step = &of->steps[i];
        struct iso_report report;
        struct iso_sv_flow_args *args = NULL;
        iso_report_init(&report);
        if (facts[step->component].interface == NULL) {
            continue;
        }
        const struct iso_sv_flow_args_def def = {
            .alloc = iso_alloc_libc(),
            .document = document,
            .flow = iso_sv_document_flow(document, of->name),
            .step = i,
            .func = find_func(facts[step->component].interface->world, step->function),
            .results = results,
            .known = known};
        if (def.func == NULL) {
            fuzz_fail("a function that is not there");
        }
        if (iso_sv_flow_args_create(&def, &args, &report) != ISO_OK) {
            fuzz_fail("a device refuses parameters: %s", report.text);
        }
        iso_sv_flow_args_destroy(args);
        results[i] = def.func->result;
        known[i] = true;
    }
}

/* All of it on one device. */
static void check_device(const struct iso_or_manifest *manifest,
                         const struct iso_or_module_facts *facts)
{
    static const char digest[] =
        "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    struct iso_or_placed placed[ISO_OR_COMPONENTS_MAX];
    struct iso_sv_document *document = NULL;
    struct iso_report report;
    json_t *documents = NULL;
    for (size_t i = 0; i < manifest->component_count; i++) {
        placed[i] = (struct iso_or_placed){
            .device = iso_str_from_z("here"), .epoch = 1, .digest = iso_str_from_z(digest)};
    }
    const struct iso_or_documents_input input = {
        .manifest = manifest, .generation = 1, .placed = placed};
    iso_report_init(&report);
    if (iso_or_documents_make(&input, &documents, &report) != ISO_OK) {
        fuzz_fail("no document can be made: %s", report.text);
    }
    char *text = json_dumps(json_object_get(documents, "here"), JSON_COMPACT);
    if (text == NULL || iso_sv_document_parse(iso_alloc_libc(), iso_bytes_from(text, strlen(text)),
                                              &document, &report) != ISO_OK) {
        fuzz_fail("a device refuses the document: %s", report.text);
    }
    for (uint32_t i = 0; i < manifest->flow_count; i++) {
        check_flow(manifest, facts, document, i);
    }
    iso_sv_document_destroy(document);
    free(text);
    json_decref(documents);
}

/* ---- Mistakes -------------------------------------------------------------------------------- */

static void check_mistakes(const struct iso_or_mistakes *mistakes, struct iso_str text)
{
    struct iso_buf out;
    uint32_t lines = 1;
    for (size_t i = 0; i < text.len; i++) {
        lines += text.ptr[i] == '\n' || text.ptr[i] == '\r' ? 1 : 0;
    }
    for (size_t i = 0; i < mistakes->count; i++) {
        const struct iso_or_mistake *mistake = &mistakes->items[i];
        if (mistake->line == 0 || mistake->line > lines || mistake->column == 0 ||
            mistake->length == 0 || mistake->column > text.len + 1 ||
            mistake->length > text.len + 1 || mistake->text.len == 0 ||
            !iso_utf8_valid(mistake->text.ptr, mistake->text.len)) {
            fuzz_fail("a mistake without a place or text: %u:%u %.*s", mistake->line,
                      mistake->column, (int)mistake->text.len, mistake->text.ptr);
        }
    }
    iso_buf_init(&out, iso_alloc_libc(), 1 << 20);
    if (iso_or_mistakes_text(mistakes, "m", text, &out) != ISO_OK ||
        !iso_utf8_valid(out.ptr, out.len)) {
        fuzz_fail("mistakes that cannot be shown");
    }
    iso_buf_fini(&out);
}

/* Whether it is taken. */
static bool try(struct iso_str text)
{
    struct iso_alloc_test memory;
    struct iso_or_module_facts facts[ISO_OR_COMPONENTS_MAX] = {{.interface = NULL}};
    struct iso_or_mistakes mistakes;
    struct iso_or_manifest *manifest = NULL;
    iso_alloc_test_init(&memory);
    iso_or_mistakes_init(&mistakes, &memory.alloc);
    enum iso_err err = iso_or_manifest_parse(&memory.alloc, text, &manifest, &mistakes);
    for (size_t i = 0; manifest != NULL && i < manifest->component_count; i++) {
        for (size_t k = 0; k < ISO_COUNT_OF(names); k++) {
            if (iso_str_equal_z(manifest->components[i].package, names[k])) {
                facts[i].interface = &interfaces[k];
            }
        }
    }
    if (manifest != NULL) {
        enum iso_err checked = iso_or_manifest_check(manifest, facts, &mistakes);
        err = err == ISO_OK ? checked : err;
    }
    if ((err != ISO_OK && err != ISO_E_INVALID) || (err == ISO_OK) != (mistakes.errors == 0)) {
        fuzz_fail("%s with %zu mistakes", iso_err_name(err), mistakes.errors);
    }
    if (err == ISO_OK) {
        check_manifest(manifest);
        check_device(manifest, facts);
    }
    check_mistakes(&mistakes, text);
    iso_or_manifest_destroy(manifest);
    iso_or_mistakes_fini(&mistakes);
    if (memory.live_bytes != 0) {
        fuzz_fail("%zu bytes leaked", memory.live_bytes);
    }
    return err == ISO_OK;
}

/* The first byte, when it is odd: the rest are changes to the good manifest: two bytes of place,
 * one of how many bytes go, one of how many of the following come. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static bool begun;
    prepare();
    if (!begun && !try(iso_str_from_z(good))) {
        fuzz_fail("the good manifest is refused");
    }
    begun = true;
    if (len == 0 || data[0] % 2 == 0) {
        (void)try(iso_str_from((const char *)data + (len > 0 ? 1 : 0), len > 0 ? len - 1 : 0));
        return 0;
    }
    struct iso_buf text;
    iso_buf_init(&text, iso_alloc_libc(), SIZE_MAX);
    if (fuzz_change(good, sizeof good - 1, data + 1, len - 1, &text) != ISO_OK) {
        abort();
    }
    (void)try(iso_str_from((const char *)text.ptr, text.len));
    iso_buf_fini(&text);
    return 0;
}
