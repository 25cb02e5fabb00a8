/*
 * wit_binary.c - the contents of `component-type*` custom sections: a component binary whose one
 * export is the world as a type, as wit-bindgen and `wasm-tools component embed` write it, or the
 * layout before it (a byte 3, the string encoding, the name of the world, then a component that is
 * a whole package).
 */
#include "interface/wit_binary.h"
#include "interface/wit_syntax.h"

/* What stands in a component outside of its types. */
struct outside {
    struct iso_wit_scope scope;
    bool has_encoding;
    struct iso_str wanted; /* the world; empty: the only one */
    struct iso_str world_name;
    struct iso_wit_component *world;
};

static enum iso_err check_encoding(struct iso_wit_decoder *decoder, uint8_t encoding)
{
    return encoding == 0 ? ISO_OK
                         : iso_wit_bad(&decoder->reader, ISO_E_UNSUPPORTED,
                                       "strings in UTF-16; only UTF-8 is supported");
}

static enum iso_err read_custom(struct iso_wit_decoder *decoder, struct outside *outside)
{
    struct iso_str name;
    enum iso_err err = iso_wit_read_text(&decoder->reader, &name);
    if (err != ISO_OK || !iso_str_equal_z(name, "wit-component-encoding")) {
        return err;
    }
    uint8_t version, encoding;
    err = iso_wit_read_u8(&decoder->reader, &version);
    if (err == ISO_OK && version != 4) {
        return iso_wit_bad(&decoder->reader, ISO_E_UNSUPPORTED,
                           "version %u of the encoding; 4 is supported", (unsigned)version);
    }
    if (err == ISO_OK) {
        err = iso_wit_read_u8(&decoder->reader, &encoding);
    }
    outside->has_encoding = true;
    return err != ISO_OK ? err : check_encoding(decoder, encoding);
}

static enum iso_err read_types(struct iso_wit_decoder *decoder, struct outside *outside)
{
    uint32_t count;
    enum iso_err err = iso_wit_read_count(&decoder->reader, ISO_WIT_MAX_INDICES, "types", &count);
    for (uint32_t i = 0; i < count && err == ISO_OK; i++) {
        err = iso_wit_decode_deftype(decoder, &outside->scope);
    }
    return err;
}

/* Whether an exported component type wraps the world that is wanted. */
static void take_world(struct outside *outside, struct iso_str name,
                       const struct iso_wit_entity *entity)
{
    if (entity->kind != ISO_WIT_ENTITY_COMPONENT || entity->component->inner == NULL ||
        (outside->wanted.len != 0 && !iso_str_equal(outside->wanted, name))) {
        return;
    }
    outside->world = entity->component->inner;
    outside->world_name = entity->component->inner_name;
}

static enum iso_err read_export(struct iso_wit_decoder *decoder, struct outside *outside)
{
    struct iso_wit_reader *reader = &decoder->reader;
    struct iso_wit_extern_name name;
    struct iso_wit_entity entity;
    uint8_t sort, typed;
    enum iso_err err = iso_wit_decode_name(decoder, &name);
    if (err == ISO_OK) {
        err = iso_wit_read_u8(reader, &sort);
    }
    if (err == ISO_OK && sort != 3) {
        return iso_wit_bad(reader, ISO_E_UNSUPPORTED, "an export of sort %u; a type is expected",
                           (unsigned)sort);
    }
    if (err == ISO_OK) {
        err = iso_wit_scope_get(decoder, &outside->scope, &entity);
    }
    if (err == ISO_OK) {
        err = iso_wit_read_u8(reader, &typed);
    }
    if (err == ISO_OK && typed != 0) {
        return iso_wit_bad(reader, ISO_E_UNSUPPORTED, "an export with a type of its own");
    }
    if (err == ISO_OK) {
        take_world(outside, name.text, &entity);
        /* An export is a new index of the same. */
        err = iso_wit_scope_add(decoder, &outside->scope, &entity);
    }
    return err;
}

static enum iso_err read_section(struct iso_wit_decoder *decoder, struct outside *outside,
                                 uint8_t id)
{
    uint32_t count;
    enum iso_err err = ISO_OK;
    switch (id) {
    case 0:
        return read_custom(decoder, outside);
    case 7:
        return read_types(decoder, outside);
    case 11:
        err = iso_wit_read_count(&decoder->reader, ISO_WIT_MAX_INDICES, "exports", &count);
        for (uint32_t i = 0; err == ISO_OK && i < count; i++) {
            err = read_export(decoder, outside);
        }
        return err;
    default:
        return iso_wit_bad(&decoder->reader, ISO_E_UNSUPPORTED,
                           "section %u in a component that should only describe a world",
                           (unsigned)id);
    }
}

static enum iso_err read_sections(struct iso_wit_decoder *decoder, struct outside *outside)
{
    static const uint8_t header[8] = {0, 'a', 's', 'm', 0x0d, 0, 1, 0};
    struct iso_wit_reader *reader = &decoder->reader;
    if ((size_t)(reader->end - reader->pos) < sizeof header ||
        memcmp(reader->pos, header, sizeof header) != 0) {
        return iso_wit_bad(reader, ISO_E_MALFORMED, "a component in binary form was expected");
    }
    reader->pos += sizeof header;
    const uint8_t *end = reader->end;
    enum iso_err err = ISO_OK;
    while (reader->pos != end && err == ISO_OK) {
        uint8_t id;
        uint32_t size;
        err = iso_wit_read_u8(reader, &id);
        if (err == ISO_OK) {
            err = iso_wit_read_u32(reader, &size);
        }
        if (err == ISO_OK && size > (size_t)(end - reader->pos)) {
            return iso_wit_bad(reader, ISO_E_MALFORMED, "a section of %u bytes goes beyond the end",
                               (unsigned)size);
        }
        if (err == ISO_OK) {
            reader->end = reader->pos + size;
            err = read_section(decoder, outside, id);
        }
        if (err == ISO_OK && id != 0 && reader->pos != reader->end) {
            return iso_wit_bad(reader, ISO_E_MALFORMED, "the section is longer than its contents");
        }
        if (err == ISO_OK) {
            reader->pos = reader->end;
            reader->end = end;
        }
    }
    return err;
}

static enum iso_err read_all(struct iso_wit_decoder *decoder, struct outside *outside)
{
    struct iso_wit_reader *reader = &decoder->reader;
    enum iso_err err = ISO_OK;
    if (reader->pos != reader->end && *reader->pos == 3) {
        uint8_t encoding;
        reader->pos++;
        err = iso_wit_read_u8(reader, &encoding);
        if (err == ISO_OK) {
            err = check_encoding(decoder, encoding);
        }
        if (err == ISO_OK) {
            err = iso_wit_read_text(reader, &outside->wanted);
        }
        outside->has_encoding = true;
    }
    if (err == ISO_OK) {
        err = read_sections(decoder, outside);
    }
    if (err == ISO_OK && !outside->has_encoding) {
        return iso_wit_bad(reader, ISO_E_MALFORMED, "'wit-component-encoding' is missing");
    }
    if (err == ISO_OK && outside->world == NULL) {
        return iso_wit_bad(reader, ISO_E_INVALID, "it does not export a world");
    }
    return err;
}

/* ---- One world of all --- */

struct merged {
    struct iso_wit_decoder decoder;
    struct iso_wit_world world;
    struct iso_wit_item *imports;
    struct iso_wit_item *exports;
    const struct iso_vtype **types;
};

static bool same_item(const struct iso_wit_item *a, const struct iso_wit_item *b)
{
    if (a->name.len != 0 || b->name.len != 0) {
        return iso_wit_same_name(a->name, b->name);
    }
    return a->interface->package == b->interface->package &&
           iso_str_equal(a->interface->name, b->interface->name);
}

static enum iso_err merge_item(struct merged *merged, const struct iso_wit_decoded_item *decoded)
{
    struct iso_wit_item *items = decoded->is_export ? merged->exports : merged->imports;
    uint32_t *count =
        decoded->is_export ? &merged->world.export_count : &merged->world.import_count;
    for (uint32_t i = 0; i < *count; i++) {
        if (same_item(&items[i], &decoded->item)) {
            return ISO_OK;
        }
    }
    if (*count == ISO_WIT_MAX_ITEMS) {
        return iso_wit_bad(&merged->decoder.reader, ISO_E_LIMIT, "more than %u imports or exports",
                           ISO_WIT_MAX_ITEMS);
    }
    items[(*count)++] = decoded->item;
    return ISO_OK;
}

static enum iso_err merge_type(struct merged *merged, const struct iso_vtype *type)
{
    for (uint32_t i = 0; i < merged->world.type_count; i++) {
        if (iso_wit_same_name(merged->types[i]->name, type->name)) {
            return iso_wit_bad(&merged->decoder.reader, ISO_E_UNSUPPORTED,
                               "the type '%.*s' is declared in two worlds",
                               ISO_WIT_SHOW(type->name));
        }
    }
    if (merged->world.type_count == ISO_WIT_MAX_ITEMS) {
        return iso_wit_bad(&merged->decoder.reader, ISO_E_LIMIT, "more than %u types",
                           ISO_WIT_MAX_ITEMS);
    }
    merged->types[merged->world.type_count++] = type;
    return ISO_OK;
}

static enum iso_err merge_world(struct merged *merged, const struct outside *outside)
{
    enum iso_err err = ISO_OK;
    if (merged->world.package == NULL) {
        struct iso_str text = outside->world_name;
        /* It was read as an interface's name. */
        const char *colon = memchr(text.ptr, ':', text.len);
        const char *slash = memchr(text.ptr, '/', text.len);
        const char *at = memchr(text.ptr, '@', text.len);
        const char *end = text.ptr + text.len;
        struct iso_wit_extern_name name = {.text = text};
        name.ns = iso_str_from(text.ptr, (size_t)(colon - text.ptr));
        name.package = iso_str_from(colon + 1, (size_t)(slash - colon - 1));
        name.name = iso_str_from(slash + 1, (size_t)((at != NULL ? at : end) - slash - 1));
        name.version =
            at != NULL ? iso_str_from(at + 1, (size_t)(end - at - 1)) : iso_str_from(NULL, 0);
        merged->world.name = name.name;
        err = iso_wit_decode_package(&merged->decoder, &name, &merged->world.package);
    }
    for (const struct iso_wit_named_type *t = outside->world->types; t != NULL && err == ISO_OK;
         t = t->next) {
        err = merge_type(merged, t->entity.value);
    }
    for (const struct iso_wit_decoded_item *i = outside->world->items; i != NULL && err == ISO_OK;
         i = i->next) {
        err = merge_item(merged, i);
    }
    return err;
}

static enum iso_err merge_init(struct merged *merged, struct iso_arena *arena,
                               struct iso_report *report)
{
    *merged = (struct merged){.decoder = {.arena = arena, .reader = {.report = report}}};
    merged->imports = iso_arena_array(arena, ISO_WIT_MAX_ITEMS, sizeof *merged->imports);
    merged->exports = iso_arena_array(arena, ISO_WIT_MAX_ITEMS, sizeof *merged->exports);
    merged->types = iso_arena_array(arena, ISO_WIT_MAX_ITEMS, sizeof(const struct iso_vtype *));
    merged->decoder.packages =
        iso_arena_array(arena, ISO_WIT_MAX_PACKAGES, sizeof(const struct iso_wit_package *));
    merged->decoder.interfaces =
        iso_arena_array(arena, ISO_WIT_MAX_TOP, sizeof(const struct iso_wit_interface *));
    if (merged->imports == NULL || merged->exports == NULL || merged->types == NULL ||
        merged->decoder.packages == NULL || merged->decoder.interfaces == NULL) {
        return ISO_E_NOMEM;
    }
    merged->world.imports = merged->imports;
    merged->world.exports = merged->exports;
    merged->world.types = merged->types;
    return ISO_OK;
}

/* The text of what was decoded, parsed. */
static enum iso_err print_and_parse(const struct iso_alloc *alloc, const struct merged *merged,
                                    struct iso_wit *out, struct iso_report *report)
{
    const struct iso_wit_world *worlds[1] = {&merged->world};
    const struct iso_wit wit = {.package = merged->world.package,
                                .interfaces = merged->decoder.interfaces,
                                .interface_count = merged->decoder.interface_count,
                                .worlds = worlds,
                                .world_count = 1};
    struct iso_buf text;
    iso_buf_init(&text, alloc, ISO_WIT_MAX_BYTES);
    enum iso_err err = iso_wit_print(&wit, &text);
    if (err != ISO_OK && err != ISO_E_NOMEM) {
        err = iso_fail(report, err, "component-type: what it describes cannot be written as WIT%s",
                       err == ISO_E_LIMIT ? ": it is too large" : "");
    }
    if (err == ISO_OK) {
        struct iso_wit_source source = {.name = "component-type", .text = iso_buf_view(&text)};
        err = iso_wit_parse(alloc, &source, 1, out, report);
    }
    iso_buf_fini(&text);
    return err;
}

enum iso_err iso_wit_decode_all(const struct iso_alloc *alloc, const struct iso_bytes *sections,
                                size_t count, struct iso_wit *out, struct iso_report *report)
{
    *out = (struct iso_wit){.package = NULL};
    iso_arena_init(&out->arena, alloc, 0, ISO_WIT_MAX_MEMORY);
    struct iso_arena scratch;
    iso_arena_init(&scratch, alloc, 0, ISO_WIT_MAX_MEMORY);
    struct merged merged;
    enum iso_err err = merge_init(&merged, &scratch, report);
    for (size_t i = 0; i < count && err == ISO_OK; i++) {
        struct outside outside = {.has_encoding = false};
        struct iso_bytes bytes = sections[i];
        merged.decoder.reader = (struct iso_wit_reader){
            .pos = bytes.ptr, .end = bytes.ptr, .start = bytes.ptr, .report = report};
        if (bytes.len > ISO_WIT_MAX_BYTES) {
            err = iso_wit_bad(&merged.decoder.reader, ISO_E_LIMIT,
                              "%zu bytes; at most %u are supported", bytes.len, ISO_WIT_MAX_BYTES);
            break;
        }
        if (bytes.len == 0) {
            err = iso_wit_bad(&merged.decoder.reader, ISO_E_MALFORMED, "it is empty");
            break;
        }
        merged.decoder.reader.end += bytes.len;
        err = read_all(&merged.decoder, &outside);
        if (err == ISO_OK) {
            err = merge_world(&merged, &outside);
        }
    }
    if (err == ISO_OK) {
        err = print_and_parse(alloc, &merged, out, report);
    }
    iso_arena_fini(&scratch);
    return err;
}

enum iso_err iso_wit_decode(const struct iso_alloc *alloc, struct iso_bytes section,
                            struct iso_wit *out, struct iso_report *report)
{
    return iso_wit_decode_all(alloc, &section, 1, out, report);
}
