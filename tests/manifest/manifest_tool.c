/* manifest_tool: checks manifests and shows their mistakes.
 *
 *   manifest_tool check MANIFEST PACKAGES   as people see them; a package "file:NAME" is
 * PACKAGES/NAME.wit, NAME.wasm, or both; others are called as the component manifest_tool json
 * MANIFEST PACKAGES    as the API has them manifest_tool lines                     of each line of
 * standard input, a manifest: "ok", or its first mistake; without packages
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/manifest.h"
#include "platform/platform.h"

struct package {
    struct iso_buf wasm;
    struct iso_module *module; /* borrows wasm */
    struct iso_module_interface interface;
    bool found;
};

static _Noreturn void fail(const char *what, const char *why)
{
    (void)fprintf(stderr, "manifest_tool: %s: %s\n", what, why);
    exit(2);
}

static bool read_file(const char *path, struct iso_buf *out)
{
    char bytes[4096];
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return false;
    }
    for (size_t len; (len = fread(bytes, 1, sizeof bytes, file)) > 0;) {
        if (iso_buf_append(out, bytes, len) != ISO_OK) {
            fail(path, "too large");
        }
    }
    (void)fclose(file);
    return true;
}

static void load(struct iso_engine *engine, const char *folder,
                 const struct iso_or_component *component, struct package *package)
{
    char path[512];
    struct iso_buf wit;
    struct iso_report report;
    const struct iso_str of = component->package;
    bool is_file = of.len > 5 && memcmp(of.ptr, "file:", 5) == 0;
    const int len = (int)(is_file ? of.len - 5 : component->name.len);
    const char *name = is_file ? of.ptr + 5 : component->name.ptr;
    iso_report_init(&report);
    iso_buf_init(&wit, iso_alloc_libc(), SIZE_MAX);
    iso_buf_init(&package->wasm, iso_alloc_libc(), SIZE_MAX);
    (void)snprintf(path, sizeof path, "%s/%.*s.wasm", folder, len, name);
    if (read_file(path, &package->wasm) &&
        iso_module_create(engine, package->wasm.ptr, package->wasm.len, &package->module,
                          &report) != ISO_OK) {
        fail(path, report.text);
    }
    (void)snprintf(path, sizeof path, "%s/%.*s.wit", folder, len, name);
    package->found = read_file(path, &wit);
    const struct iso_wit_source source = {.name = path, .text = iso_buf_view(&wit)};
    if (package->module != NULL &&
        iso_module_interface_find(iso_alloc_libc(), package->module,
                                  package->found ? &source : NULL, &package->interface,
                                  &report) != ISO_OK) {
        fail(path, report.text);
    } else if (package->module == NULL && package->found) {
        if (iso_wit_parse(iso_alloc_libc(), &source, 1, &package->interface.wit, &report) !=
            ISO_OK) {
            fail(path, report.text);
        }
        package->interface.world = package->interface.wit.worlds[0];
    }
    package->found = package->found || package->module != NULL;
    iso_buf_fini(&wit);
}

static void unload(struct package *package)
{
    if (package->found) {
        iso_module_interface_fini(&package->interface);
    }
    iso_module_destroy(package->module);
    iso_buf_fini(&package->wasm);
}

static void show(const struct iso_or_mistakes *mistakes, const char *name, struct iso_str text,
                 bool as_json)
{
    struct iso_buf out;
    struct iso_json json;
    iso_buf_init(&out, iso_alloc_libc(), SIZE_MAX);
    if (as_json) {
        iso_json_init_buf(&json, &out, 2);
        iso_or_mistakes_write(mistakes, &json);
        if (iso_json_finish(&json) != ISO_OK) {
            fail(name, "cannot be shown");
        }
    } else if (iso_or_mistakes_text(mistakes, name, text, &out) != ISO_OK) {
        fail(name, "cannot be shown");
    }
    (void)fwrite(out.ptr, 1, out.len, stdout);
    iso_buf_fini(&out);
}

static int check(const char *path, const char *folder, bool as_json)
{
    static struct package packages[ISO_OR_COMPONENTS_MAX];
    struct iso_or_module_facts facts[ISO_OR_COMPONENTS_MAX] = {{.interface = NULL}};
    struct iso_buf text;
    struct iso_or_mistakes mistakes;
    struct iso_or_manifest *manifest = NULL;
    struct iso_engine *engine = NULL;
    iso_buf_init(&text, iso_alloc_libc(), SIZE_MAX);
    if (!read_file(path, &text) || iso_engine_create(NULL, &engine) != ISO_OK) {
        fail(path, "cannot be read");
    }
    const struct iso_str view = iso_str_from((const char *)text.ptr, text.len);
    iso_or_mistakes_init(&mistakes, iso_alloc_libc());
    enum iso_err err = iso_or_manifest_parse(iso_alloc_libc(), view, &manifest, &mistakes);
    for (size_t i = 0; manifest != NULL && i < manifest->component_count; i++) {
        load(engine, folder, &manifest->components[i], &packages[i]);
        facts[i].interface = packages[i].found ? &packages[i].interface : NULL;
        facts[i].module = packages[i].module;
    }
    if (manifest != NULL) {
        enum iso_err checked = iso_or_manifest_check(manifest, facts, &mistakes);
        err = err == ISO_OK ? checked : err;
    }
    const char *slash = strrchr(path, '/');
    show(&mistakes, slash != NULL ? slash + 1 : path, view, as_json);
    if (err != ISO_OK && err != ISO_E_INVALID) {
        fail(path, iso_err_text(err));
    }
    if ((err == ISO_OK) != (mistakes.errors == 0)) {
        fail(path, "the answer is not what the mistakes say");
    }
    for (size_t i = 0; manifest != NULL && i < manifest->component_count; i++) {
        unload(&packages[i]);
    }
    iso_or_manifest_destroy(manifest);
    iso_or_mistakes_fini(&mistakes);
    iso_engine_destroy(engine);
    iso_buf_fini(&text);
    return err == ISO_OK ? 0 : 1;
}

static int lines(void)
{
    static char line[ISO_OR_MANIFEST_BYTES_MAX + 2];
    while (fgets(line, sizeof line, stdin) != NULL) {
        struct iso_or_mistakes mistakes;
        struct iso_or_manifest *manifest = NULL;
        iso_or_mistakes_init(&mistakes, iso_alloc_libc());
        enum iso_err err = iso_or_manifest_parse(
            iso_alloc_libc(), iso_str_from(line, strcspn(line, "\n")), &manifest, &mistakes);
        if (err == ISO_OK) {
            (void)printf("ok\n");
        } else {
            (void)printf("%.*s: %.*s\n", (int)mistakes.items[0].pointer.len,
                         mistakes.items[0].pointer.ptr, (int)mistakes.items[0].text.len,
                         mistakes.items[0].text.ptr);
        }
        iso_or_manifest_destroy(manifest);
        iso_or_mistakes_fini(&mistakes);
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "lines") == 0) {
        return lines();
    }
    if (argc == 4 && (strcmp(argv[1], "check") == 0 || strcmp(argv[1], "json") == 0)) {
        return check(argv[2], argv[3], argv[1][0] == 'j');
    }
    (void)fprintf(stderr, "usage: manifest_tool check|json MANIFEST PACKAGES, or manifest_tool "
                          "lines\n");
    return 2;
}
