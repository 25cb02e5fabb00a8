/* A world's interface as text for people: plain, 80 columns. */
#include "interface/gen_schema.h"

#define COLUMNS 80u

struct page {
    struct gen_out out;
    struct gen_model model;
    const struct iso_gen_place *place;
};

static void put_heading(struct page *page, struct iso_str text, char under)
{
    gen_put_str(&page->out, text);
    gen_put(&page->out, "\n");
    for (size_t i = 0; i < text.len && i < COLUMNS; i++) {
        /* Once for each character, not each byte. */
        if (iso_utf8_begins(text.ptr[i])) {
            gen_put(&page->out, "%.*s", 1, &under);
        }
    }
    gen_put(&page->out, "\n");
}

/* Text of a type as it is used: "point", "list<u8>". Cut when it is very long. */
static void put_use(struct page *page, const struct iso_vtype *type)
{
    char text[512];
    iso_vtype_text(type, text, sizeof text);
    static const char *const words[] = {"record ", "variant ", "enum ", "flags "};
    const char *at = text;
    for (size_t i = 0; i < ISO_COUNT_OF(words) && type->name.len != 0; i++) {
        size_t len = strlen(words[i]);
        if (strncmp(text, words[i], len) == 0) {
            at = text + len;
        }
    }
    gen_put(&page->out, "%s", at);
}

/* name(a: t, b: t) -> t, broken after the parenthesis when it is longer than a line. */
static void put_signature(struct page *page, const struct iso_wit_func *func)
{
    struct iso_buf *buf = page->out.buf;
    size_t begin = buf->len;
    for (unsigned broken = 0; broken < 2; broken++) {
        gen_put(&page->out, "  ");
        gen_put_str(&page->out, func->name);
        gen_put(&page->out, "(");
        for (uint32_t i = 0; i < func->param_count; i++) {
            gen_put(&page->out, "%s", broken ? "\n      " : i != 0 ? ", " : "");
            gen_put_str(&page->out, func->params[i].name);
            gen_put(&page->out, ": ");
            put_use(page, func->params[i].type);
            gen_put(&page->out, "%s", broken ? "," : "");
        }
        gen_put(&page->out, "%s)", broken ? "\n  " : "");
        if (func->result != NULL) {
            gen_put(&page->out, " -> ");
            put_use(page, func->result);
        }
        if (broken || buf->len - begin <= COLUMNS || func->param_count == 0 ||
            page->out.err != ISO_OK) {
            break;
        }
        buf->len = begin;
    }
    gen_put(&page->out, "\n");
}

static void put_member(struct page *page, const struct iso_vmember *member)
{
    gen_put(&page->out, "      ");
    gen_put_str(&page->out, member->name);
    if (member->type != NULL) {
        gen_put(&page->out, ": ");
        put_use(page, member->type);
    }
    gen_put(&page->out, "\n");
    gen_wrap(&page->out, member->doc, 10, COLUMNS);
}

/* Names only: several in a line. */
static void put_names(struct page *page, const struct iso_vtype *type)
{
    struct iso_buf list;
    struct gen_out out;
    iso_buf_init(&list, page->out.buf->alloc, GEN_MAX_FILE);
    gen_out_init(&out, &list);
    for (uint32_t i = 0; i < type->member_count; i++) {
        gen_put_str(&out, type->members[i].name);
        gen_put(&out, "%s", i + 1 < type->member_count ? ", " : "");
    }
    gen_wrap(&page->out, iso_str_from((const char *)list.ptr, list.len), 6, COLUMNS);
    if (page->out.err == ISO_OK) {
        page->out.err = out.err;
    }
    iso_buf_fini(&list);
}

static void put_type(struct page *page, const struct iso_vtype *type)
{
    bool members = type->kind == ISO_V_RECORD || type->kind == ISO_V_VARIANT;
    bool names = type->kind == ISO_V_ENUM || type->kind == ISO_V_FLAGS;
    bool docs = false;
    for (uint32_t i = 0; i < type->member_count; i++) {
        docs |= type->members[i].doc.len != 0;
    }
    if (type->alias != NULL) {
        gen_put(&page->out, "  type ");
        gen_put_str(&page->out, type->name);
        gen_put(&page->out, " = ");
        put_use(page, type->alias);
        gen_put(&page->out, "\n");
    } else if (members || names) {
        gen_put(&page->out, "  %s ", iso_vkind_name(type->kind));
        gen_put_str(&page->out, type->name);
        gen_put(&page->out, "\n");
    } else {
        gen_put(&page->out, "  type ");
        gen_put_str(&page->out, type->name);
        struct iso_vtype plain = *type; /* without its name it is written out */
        plain.name = (struct iso_str){NULL, 0};
        gen_put(&page->out, " = ");
        put_use(page, &plain);
        gen_put(&page->out, "\n");
    }
    gen_wrap(&page->out, type->doc, 6, COLUMNS);
    if (type->doc.len != 0 && type->alias == NULL && (members || names)) {
        gen_put(&page->out, "\n");
    }
    if (type->alias == NULL && (members || (names && docs))) {
        for (uint32_t i = 0; i < type->member_count; i++) {
            put_member(page, &type->members[i]);
        }
    } else if (type->alias == NULL && names) {
        put_names(page, type);
    }
    gen_put(&page->out, "\n");
}

static void put_func(struct page *page, const struct iso_wit_func *func)
{
    put_signature(page, func);
    gen_wrap(&page->out, func->doc, 6, COLUMNS);
    gen_put(&page->out, "\n");
}

static void put_interface(struct page *page, const struct iso_wit_item *item, const char *verb)
{
    const struct iso_wit_interface *interface = item->interface;
    char *name = interface->package == NULL && item->name.len != 0
                     ? iso_arena_copy_str(&page->model.arena, item->name)
                     : gen_interface_id(&page->model.arena, interface);
    char *title =
        name != NULL ? gen_join(&page->model.arena, verb, "ed interface ", name, NULL) : NULL;
    if (title == NULL) {
        page->out.err = page->out.err != ISO_OK ? page->out.err : ISO_E_NOMEM;
        return;
    }
    put_heading(page, iso_str_from_z(title), '-');
    gen_wrap(&page->out, interface->doc, 0, COLUMNS);
    gen_put(&page->out, "\n");
    for (uint32_t i = 0; i < interface->func_count; i++) {
        put_func(page, &interface->funcs[i]);
    }
    for (uint32_t i = 0; i < interface->type_count; i++) {
        put_type(page, interface->types[i]);
    }
}

static void put_items(struct page *page, const struct iso_wit_item *items, uint32_t count,
                      const char *verb)
{
    bool any = false;
    for (uint32_t i = 0; i < count; i++) {
        if (items[i].func == NULL) {
            continue;
        }
        if (!any) {
            char *title = gen_join(&page->model.arena, verb, "ed functions", NULL);
            put_heading(page, iso_str_from_z(title), '-');
            gen_put(&page->out, "\n");
        }
        any = true;
        put_func(page, items[i].func);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (items[i].interface != NULL) {
            put_interface(page, &items[i], verb);
        }
    }
}

/* Types that the world itself declares. */
static void put_world_types(struct page *page)
{
    bool any = false;
    for (uint32_t i = 0; i < page->model.type_count; i++) {
        const struct gen_type *entry = &page->model.types[i];
        if (entry->nominal && entry->type->owner == NULL) {
            if (!any) {
                put_heading(page, iso_str_from_z("Types"), '-');
                gen_put(&page->out, "\n");
            }
            any = true;
            put_type(page, entry->type);
        }
    }
}

static void put_fact(struct page *page, const char *label, struct iso_str value)
{
    if (value.len != 0) {
        gen_put(&page->out, "%s ", label);
        gen_put_str(&page->out, value);
        gen_put(&page->out, "\n");
    }
}

static void put_page(struct page *page)
{
    const struct iso_wit_world *world = page->model.world;
    const struct iso_gen_place *place = page->place;
    put_heading(page, gen_title(world, place), '=');
    gen_put(&page->out, "\n");
    struct iso_str description = gen_description(world, place);
    if (description.len != 0) {
        gen_wrap(&page->out, description, 0, COLUMNS);
        gen_put(&page->out, "\n");
    }
    put_fact(page, "Version:", gen_version(world, place));
    if (place->info != NULL) {
        put_fact(page, "Licence:", place->info->licence);
        put_fact(page, "Source: ", place->info->source);
    }
    put_fact(page, "HTTP:   ", iso_str_from_z(place->http_base));
    put_fact(page, "CoAP:   ", iso_str_from_z(place->coap_base));
    gen_put(&page->out, "\n");
    put_items(page, world->exports, world->export_count, "Export");
    put_items(page, world->imports, world->import_count, "Import");
    put_world_types(page);
}

enum iso_err iso_gen_text(const struct iso_wit_world *world, const struct iso_gen_place *place,
                          struct iso_buf *out)
{
    static const struct iso_gen_place nowhere = {.id = NULL};
    struct page page = {.place = place != NULL ? place : &nowhere};
    size_t before = out->len;
    enum iso_err err = gen_model_init(&page.model, out->alloc, world, true);
    if (err == ISO_OK) {
        gen_out_init(&page.out, out);
        put_page(&page);
        err = gen_model_whole(&page.model, page.out.err);
    }
    if (err == ISO_OK && out->len >= before + 2 && out->ptr[out->len - 2] == '\n') {
        out->len--; /* one line end at the end */
    }
    gen_model_fini(&page.model);
    if (err != ISO_OK) {
        out->len = before;
    }
    return err;
}
