/* The interface of a module: as a page to read, as WIT, as a Thing Description, as OpenAPI. */
#include "cli/inspect.h"

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
