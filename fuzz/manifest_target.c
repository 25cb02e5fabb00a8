/* Fuzz target `manifest`: any bytes as an application manifest, and a good one with changes,
 * checked against the interfaces of four packages. What is refused must have mistakes at places of
 * the text; what is taken must be consistent. */
#include "harness.h"
#include "target.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc_test_support.h"
#include "orchestrator/manifest.h"

static const char good[] =
    "{\"app\": \"trial\", \"drain\": \"5s\", \"components\": {\n"
    "  \"greeter\": {\"package\": \"file:0\", \"place\": {\"label\": [\"room=den\"], \"apart\": "
    "\"counter\"}},\n"
    "  \"counter\": {\"package\": \"file:1\", \"mode\": \"service\", \"limits\": {\"memory\": "
    "\"1MiB\", \"queue\": 7}},\n"
    "  \"pix\": {\"package\": \"file:2\", \"config\": {\"a\": \"b\"}, \"place\": {\"with\": "
    "[\"watcher\"]}},\n"
    "  \"watcher\": {\"package\": \"file:3\", \"grants\": {\"devices\": {\"camera\": [\"door\"]}, "
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
    "\"at\": [1, 2]}}]}}}\n";

static const char *const wits[] = {
    "package demo:greeter; interface greetings { greet: func(name: string) -> string; } world "
    "greeter { import demo:counter/counts@1.0.0; export greetings; } package demo:counter@1.0.0 { "
    "interface counts { increment: func(by: u32) -> u32; get: func() -> u32; } }",
    "package demo:counter@1.2.0; interface counts { increment: func(by: u32) -> u32; get: func() "
    "-> "
    "u32; } world counter { export counts; }",
    "package lab:pix; interface filters { record size { width: u32, height: u32 } record frame { "
    "size: size, pixels: list<u8>, title: option<string> } variant colour { grey, rgb(u32) } take: "
    "func() -> result<frame, string>; paint: func(colour: colour, marks: list<size>, at: tuple<u8, "
    "u8>); show: func(frame: frame); } world pix { export filters; }",
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

static void try(struct iso_str text)
{
    struct iso_alloc_test memory;
    struct iso_or_module_facts facts[ISO_OR_COMPONENTS_MAX] = {{.interface = NULL}};
    struct iso_or_mistakes mistakes;
    struct iso_or_manifest *manifest = NULL;
    iso_alloc_test_init(&memory);
    iso_or_mistakes_init(&mistakes, &memory.alloc);
    enum iso_err err = iso_or_manifest_parse(&memory.alloc, text, &manifest, &mistakes);
    for (size_t i = 0; manifest != NULL && i < manifest->component_count; i++) {
        const struct iso_str package = manifest->components[i].package;
        size_t which = package.len == 6 ? (size_t)(unsigned char)package.ptr[5] - '0' : SIZE_MAX;
        facts[i].interface = which < ISO_COUNT_OF(interfaces) ? &interfaces[which] : NULL;
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
    }
    check_mistakes(&mistakes, text);
    iso_or_manifest_destroy(manifest);
    iso_or_mistakes_fini(&mistakes);
    if (memory.live_bytes != 0) {
        fuzz_fail("%zu bytes leaked", memory.live_bytes);
    }
}

/* The first byte, when it is odd: the rest are changes to the good manifest: two bytes of place,
 * one of how many bytes go, one of how many of the following come. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    prepare();
    if (len == 0 || data[0] % 2 == 0) {
        try(iso_str_from((const char *)data + (len > 0 ? 1 : 0), len > 0 ? len - 1 : 0));
        return 0;
    }
    struct iso_buf text;
    iso_buf_init(&text, iso_alloc_libc(), SIZE_MAX);
    if (fuzz_change(good, sizeof good - 1, data + 1, len - 1, &text) != ISO_OK) {
        abort();
    }
    try(iso_str_from((const char *)text.ptr, text.len));
    iso_buf_fini(&text);
    return 0;
}
