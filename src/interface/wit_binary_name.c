/*
 * wit_binary_name.c - names of imports and exports (Binary.md, "Import and Export Definitions"),
 * and the packages and interfaces that they name.
 */
#include "interface/wit_binary.h"
#include "interface/wit_syntax.h"

enum iso_err iso_wit_decode_label(struct iso_wit_decoder *decoder, struct iso_str *out)
{
    struct iso_str label;
    enum iso_err err = iso_wit_read_text(&decoder->reader, &label);
    if (err != ISO_OK) {
        return err;
    }
    if (label.len > 0 && label.ptr[0] == '[') {
        return iso_wit_bad(&decoder->reader, ISO_E_UNSUPPORTED,
                           "'%.*s' belongs to a resource or is asynchronous; neither is "
                           "supported",
                           ISO_WIT_SHOW(label));
    }
    if (!iso_wit_is_name(label) || label.len > ISO_WIT_MAX_NAME) {
        return iso_wit_bad(&decoder->reader, ISO_E_MALFORMED, "'%.*s' is not a name",
                           ISO_WIT_SHOW(label));
    }
    *out = label;
    return ISO_OK;
}

static struct iso_str cut(struct iso_str *text, char at)
{
    const char *found = text->len != 0 ? memchr(text->ptr, at, text->len) : NULL;
    if (found == NULL) {
        return iso_str_from(NULL, 0);
    }
    size_t len = (size_t)(found - text->ptr);
    struct iso_str before = iso_str_from(text->ptr, len);
    *text = iso_str_from(found + 1, text->len - len - 1);
    return before;
}

/* The whole version when the name has only the beginning of it: "0.2" and ".1". */
static enum iso_err join_version(struct iso_wit_decoder *decoder, struct iso_str suffix,
                                 struct iso_str *version)
{
    if (suffix.len == 0) {
        return ISO_OK;
    }
    char *joined = suffix.len > ISO_WIT_MAX_NAME
                       ? NULL
                       : iso_arena_alloc(decoder->arena, version->len + suffix.len);
    if (joined == NULL) {
        return suffix.len > ISO_WIT_MAX_NAME
                   ? iso_wit_bad(&decoder->reader, ISO_E_LIMIT, "a version is too long")
                   : ISO_E_NOMEM;
    }
    iso_memory_copy(joined, version->ptr, version->len);
    iso_memory_copy(joined + version->len, suffix.ptr, suffix.len);
    *version = iso_str_from(joined, version->len + suffix.len);
    return ISO_OK;
}

static enum iso_err read_attributes(struct iso_wit_decoder *decoder, struct iso_str *suffix)
{
    uint32_t count;
    enum iso_err err = iso_wit_read_count(&decoder->reader, 16, "attributes", &count);
    for (uint32_t i = 0; i < count && err == ISO_OK; i++) {
        uint8_t kind;
        struct iso_str text;
        err = iso_wit_read_u8(&decoder->reader, &kind);
        if (err == ISO_OK) {
            err = iso_wit_read_text(&decoder->reader, &text);
        }
        if (err == ISO_OK && kind > 2) {
            return iso_wit_bad(&decoder->reader, ISO_E_UNSUPPORTED, "an attribute of kind %u",
                               (unsigned)kind);
        }
        if (err == ISO_OK && kind == 1) {
            *suffix = text;
        }
    }
    return err;
}

enum iso_err iso_wit_decode_name(struct iso_wit_decoder *decoder, struct iso_wit_extern_name *out)
{
    uint8_t form;
    struct iso_str suffix = {.len = 0};
    struct iso_wit_reader *reader = &decoder->reader;
    enum iso_err err = iso_wit_read_u8(reader, &form);
    if (err == ISO_OK && form > 2) {
        return iso_wit_bad(reader, ISO_E_MALFORMED, "a name of form %u", (unsigned)form);
    }
    *out = (struct iso_wit_extern_name){.text = {.len = 0}};
    const uint8_t *before = reader->pos;
    if (err == ISO_OK) {
        err = iso_wit_read_text(reader, &out->text);
    }
    if (err == ISO_OK && form == 2) {
        err = read_attributes(decoder, &suffix);
    }
    if (err != ISO_OK) {
        return err;
    }
    struct iso_str rest = out->text;
    out->ns = cut(&rest, ':');
    if (out->ns.len == 0) {
        /* Read again as a plain name. */
        const uint8_t *after = reader->pos;
        reader->pos = before;
        err = iso_wit_decode_label(decoder, &out->name);
        reader->pos = after;
        return err;
    }
    out->package = cut(&rest, '/');
    out->name = memchr(rest.ptr, '@', rest.len) != NULL ? cut(&rest, '@') : rest;
    if (out->name.ptr != rest.ptr) {
        out->version = rest;
        err = join_version(decoder, suffix, &out->version);
    }
    if (err == ISO_OK && (!iso_wit_is_name(out->ns) || !iso_wit_is_name(out->package) ||
                          !iso_wit_is_name(out->name) || out->text.len > ISO_WIT_MAX_NAME ||
                          (out->version.len != 0 && !iso_wit_is_version(out->version)))) {
        return iso_wit_bad(reader, ISO_E_UNSUPPORTED,
                           "'%.*s' is not the name of an interface, such as a:b/c@1.0.0",
                           ISO_WIT_SHOW(out->text));
    }
    return err;
}

enum iso_err iso_wit_decode_package(struct iso_wit_decoder *decoder,
                                    const struct iso_wit_extern_name *name,
                                    const struct iso_wit_package **out)
{
    for (uint32_t i = 0; i < decoder->package_count; i++) {
        const struct iso_wit_package *p = decoder->packages[i];
        if (iso_str_equal(p->ns, name->ns) && iso_str_equal(p->name, name->package) &&
            iso_str_equal(p->version, name->version)) {
            *out = p;
            return ISO_OK;
        }
    }
    if (decoder->package_count == ISO_WIT_MAX_PACKAGES) {
        return iso_wit_bad(&decoder->reader, ISO_E_LIMIT, "more than %u packages",
                           ISO_WIT_MAX_PACKAGES);
    }
    struct iso_wit_package *package = iso_arena_alloc(decoder->arena, sizeof *package);
    if (package == NULL) {
        return ISO_E_NOMEM;
    }
    *package =
        (struct iso_wit_package){.ns = name->ns, .name = name->package, .version = name->version};
    decoder->packages[decoder->package_count++] = package;
    *out = package;
    return ISO_OK;
}

/* An interface is encoded once per import and export, with all its functions or only with the
 * types that others need: the fullest is kept. */
static enum iso_err keep_fullest(struct iso_wit_decoder *decoder,
                                 const struct iso_wit_interface *interface)
{
    for (uint32_t i = 0; i < decoder->interface_count; i++) {
        const struct iso_wit_interface *other = decoder->interfaces[i];
        if (other->package == interface->package && iso_str_equal(other->name, interface->name)) {
            if (interface->type_count + interface->func_count >
                other->type_count + other->func_count) {
                decoder->interfaces[i] = interface;
            }
            return ISO_OK;
        }
    }
    if (decoder->interface_count == ISO_WIT_MAX_TOP) {
        return iso_wit_bad(&decoder->reader, ISO_E_LIMIT, "more than %u interfaces",
                           ISO_WIT_MAX_TOP);
    }
    decoder->interfaces[decoder->interface_count++] = interface;
    return ISO_OK;
}

enum iso_err iso_wit_decode_interface(struct iso_wit_decoder *decoder,
                                      const struct iso_wit_extern_name *name,
                                      const struct iso_wit_instance *instance,
                                      const struct iso_wit_interface **out)
{
    if (instance->refused.len != 0) {
        return iso_wit_bad(&decoder->reader, ISO_E_UNSUPPORTED,
                           "'%.*s' of '%.*s' is a resource; resources are not supported",
                           ISO_WIT_SHOW(instance->refused), ISO_WIT_SHOW(name->text));
    }
    struct iso_wit_interface *interface = instance->interface;
    if (interface->name.len != 0) {
        /* The same type under a second name. */
        struct iso_wit_interface *copy = iso_arena_alloc(decoder->arena, sizeof *copy);
        if (copy == NULL) {
            return ISO_E_NOMEM;
        }
        *copy = *interface;
        interface = copy;
    }
    interface->name = name->name;
    interface->package = NULL;
    *out = interface;
    if (name->ns.len == 0) {
        return ISO_OK;
    }
    enum iso_err err = iso_wit_decode_package(decoder, name, &interface->package);
    return err != ISO_OK ? err : keep_fullest(decoder, interface);
}
