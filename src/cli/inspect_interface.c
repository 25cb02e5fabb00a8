/* The interface of a module: as a page to read, as WIT, as a Thing Description, as OpenAPI. */
#include "cli/inspect.h"

#include "base/json_member.h"
#include "cli/interface.h"
#include "cli/message.h"
#include "cli/status.h"

static enum iso_err write_view(const struct iso_module_interface *found,
                               enum iso_cli_inspect_view view, const char *base,
                               struct iso_buf *out)
{
    char title[256];
    const struct iso_gen_place place = {.title = title, .http_base = base, .info = &found->info};
    struct iso_str name = found->info.name.len != 0 ? found->info.name : found->world->name;
    (void)iso_format(title, sizeof title, "%.*s", (int)(name.len < 200 ? name.len : 200), name.ptr);
    switch (view) {
    case ISO_CLI_VIEW_TD:
        return iso_gen_thing(found->world, &place, out);
    case ISO_CLI_VIEW_OPENAPI:
        return iso_gen_openapi(found->world, &place, out);
    case ISO_CLI_VIEW_TEXT:
        return iso_gen_text(found->world, &place, out);
    case ISO_CLI_VIEW_WIT:
    case ISO_CLI_VIEW_NONE:
        break;
    }
    return iso_wit_print(&found->wit, out);
}

/* A page for people is printed so that nothing in it drives their terminal; the other forms have
 * such characters escaped or refused, and are for programs. */
static void print_lines(struct iso_str text)
{
    while (text.len != 0) {
        const char *end = memchr(text.ptr, '\n', text.len);
        size_t len = end != NULL ? (size_t)(end - text.ptr) : text.len;
        iso_cli_print_str(stdout, iso_str_from(text.ptr, len));
        putchar('\n');
        len += end != NULL ? 1 : 0;
        text = iso_str_from(text.ptr + len, text.len - len);
    }
}

int iso_cli_inspect_interface(const char *path, const struct iso_module *module,
                              enum iso_cli_inspect_view view, const char *base)
{
    struct iso_cli_interface interface;
    struct iso_buf out;
    iso_buf_init(&out, iso_alloc_libc(), SIZE_MAX);
    int status = iso_cli_interface_find(module, path, NULL, &interface);
    if (status == ISO_CLI_OK) {
        enum iso_err err = write_view(&interface.found, view, base, &out);
        if (err == ISO_OK && (out.len == 0 || out.ptr[out.len - 1] != '\n')) {
            err = iso_buf_append_u8(&out, '\n');
        }
        if (err == ISO_OK && view == ISO_CLI_VIEW_TEXT) {
            print_lines(iso_str_from((const char *)out.ptr, out.len));
        } else if (err == ISO_OK) {
            (void)fwrite(out.ptr, 1, out.len, stdout);
        } else {
            iso_cli_error("cannot write the interface: %s", iso_err_text(err));
        }
        status = iso_cli_status_from(err);
    }
    iso_buf_fini(&out);
    iso_cli_interface_fini(&interface);
    return status;
}

/* ---- In a line ------------------------------------------------------------------------------- */

static const char *const origins[] = {[ISO_ORIGIN_BESIDE] = "beside",
                                      [ISO_ORIGIN_EMBEDDED] = "embedded",
                                      [ISO_ORIGIN_COMPONENT] = "component-type",
                                      [ISO_ORIGIN_COMMAND] = "command",
                                      [ISO_ORIGIN_DERIVED] = "derived"};

static unsigned function_count(const struct iso_wit_world *world)
{
    struct iso_cli_function function;
    unsigned count = 0;
    while (iso_cli_function_at(world, count, &function)) {
        count++;
    }
    return count;
}

/* "demo:calc/math@1.0.0" */
static void world_name(const struct iso_wit_world *world, char *out, size_t cap)
{
    const struct iso_wit_package *package = world->package;
    size_t len = 0;
    out[0] = '\0';
    if (package != NULL) {
        len = iso_format(out, cap, "%.*s:%.*s/", (int)package->ns.len, package->ns.ptr,
                         (int)package->name.len, package->name.ptr);
    }
    len += iso_format(out + len, cap - len, "%.*s", (int)world->name.len, world->name.ptr);
    if (package != NULL && package->version.len != 0) {
        (void)iso_format(out + len, cap - len, "@%.*s", (int)package->version.len,
                         package->version.ptr);
    }
}

static void describe_world(const struct iso_module_interface *found, char *out, size_t cap)
{
    char name[400];
    unsigned count = function_count(found->world);
    world_name(found->world, name, sizeof name);
    switch (found->origin) {
    case ISO_ORIGIN_COMMAND:
        (void)iso_format(out, cap, "that of programs: run(args, env, stdin)");
        return;
    case ISO_ORIGIN_DERIVED:
        (void)iso_format(out, cap, "none of its own; from its exports %u function%s (--wit)", count,
                         count == 1 ? "" : "s");
        return;
    default:
        (void)iso_format(out, cap, "%s%s, %u function%s (--text, --wit)", name,
                         found->origin == ISO_ORIGIN_BESIDE ? " in the file beside it" : "", count,
                         count == 1 ? "" : "s");
        return;
    }
}

void iso_cli_inspect_interface_line(const char *path, const struct iso_module *module)
{
    struct iso_cli_interface interface;
    struct iso_report report;
    char text[600];
    iso_report_init(&report);
    enum iso_err err = iso_cli_interface_look(module, path, &interface, &report);
    if (err == ISO_OK) {
        describe_world(&interface.found, text, sizeof text);
    } else {
        const char *why = iso_report_text(&report, err);
        (void)iso_format(text, sizeof text, "cannot be used: %.*s", (int)strcspn(why, "\n"), why);
    }
    fputs("interface  ", stdout);
    iso_cli_print_str(stdout, iso_str_from_z(text));
    putchar('\n');
    iso_cli_interface_fini(&interface);
}

void iso_cli_inspect_interface_member(struct iso_json *json, const char *path,
                                      const struct iso_module *module)
{
    struct iso_cli_interface interface;
    struct iso_report report;
    iso_report_init(&report);
    enum iso_err err = iso_cli_interface_look(module, path, &interface, &report);
    iso_json_put_object_begin(json, "interface");
    if (err == ISO_OK) {
        char name[400];
        world_name(interface.found.world, name, sizeof name);
        iso_json_put_z(json, "origin", origins[interface.found.origin]);
        iso_json_put_z(json, "world", name);
        iso_json_put_u64(json, "functions", function_count(interface.found.world));
    } else {
        iso_json_put_z(json, "error", iso_report_text(&report, err));
    }
    iso_json_object_end(json);
    iso_cli_interface_fini(&interface);
}
