/* Links: what satisfies the imports that devices do not: docs/manifest.md, "Links". */
#include "orchestrator/check.h"

enum { LINKS_MAX = 32, TEXT_MAX = 240 }; /* links of one component, as in deployment documents */

/* ---- What a component exports ---------------------------------------------------------------- */

static const struct iso_wit_world *world_of(const struct iso_or_check *check, uint32_t component)
{
    const struct iso_module_interface *interface = check->facts[component].interface;
    return interface != NULL ? interface->world : NULL;
}

/* A function that is exported as an import wants it; NULL. */
static const struct iso_wit_func *find_export(const struct iso_wit_world *world,
                                              const struct iso_or_import *import,
                                              struct iso_str name)
{
    for (uint32_t i = 0; i < world->export_count; i++) {
        const struct iso_wit_item *item = &world->exports[i];
        const struct iso_wit_func *func = NULL;
        if (import->interface == NULL) {
            func = item->interface == NULL && iso_str_equal(item->func->name, name) ? item->func
                                                                                    : NULL;
        } else if (item->interface != NULL &&
                   iso_wit_interface_serves(import->interface, item->interface)) {
            func = iso_wit_func_find(item->interface, name);
        }
        if (func != NULL) {
            return func;
        }
    }
    return NULL;
}

static bool same_name(const struct iso_wit_interface *a, const struct iso_wit_interface *b)
{
    return iso_str_equal(a->name, b->name) && (a->package == NULL) == (b->package == NULL) &&
           (a->package == NULL || (iso_str_equal(a->package->ns, b->package->ns) &&
                                   iso_str_equal(a->package->name, b->package->name)));
}

enum fit {
    FITS,
    OTHER_TYPES,   /* text says which */
    OTHER_VERSION, /* text is what is exported */
    NOT_EXPORTED,
};

/* Whether a component exports what another one imports. */
static enum fit compare(const struct iso_wit_world *world, const struct iso_or_import *import,
                        char text[TEXT_MAX])
{
    bool serves = import->interface == NULL, other = false;
    char difference[TEXT_MAX];
    text[0] = '\0';
    for (uint32_t i = 0; i < world->export_count && !serves; i++) {
        const struct iso_wit_interface *offered = world->exports[i].interface;
        serves = offered != NULL && iso_wit_interface_serves(import->interface, offered);
        if (offered != NULL && !serves && same_name(import->interface, offered)) {
            iso_abi_import_module(offered, text, TEXT_MAX);
            other = true;
        }
    }
    if (!serves) {
        return other ? OTHER_VERSION : NOT_EXPORTED;
    }
    for (uint32_t i = 0; i < import->func_count; i++) {
        const struct iso_str name = import->funcs[i]->name;
        const struct iso_wit_func *offered = find_export(world, import, name);
        if (offered == NULL) {
            (void)iso_format(text, TEXT_MAX, "it has no function '%.*s'", (int)name.len, name.ptr);
            return import->interface == NULL ? NOT_EXPORTED : OTHER_TYPES;
        }
        if (iso_or_func_difference(import->funcs[i], offered, difference, sizeof difference)) {
            (void)iso_format(text, TEXT_MAX, "'%.*s' is to have %s", (int)name.len, name.ptr,
                             difference);
            return OTHER_TYPES;
        }
    }
    return FITS;
}

/* ---- Binding --------------------------------------------------------------------------------- */

static void add_link(struct iso_or_check *check, uint32_t component, struct iso_or_import *import,
                     uint32_t target, bool written)
{
    struct iso_or_component *of = &check->manifest->components[component];
    struct iso_or_link *links = (struct iso_or_link *)(uintptr_t)of->links;
    links[of->link_count++] =
        (struct iso_or_link){.interface = import->module, .target = target, .written = written};
}

/* ---- Links that are written ------------------------------------------------------------------ */

/* Without its version. */
static struct iso_str plain(struct iso_str module)
{
    const char *at = module.len != 0 ? memchr(module.ptr, '@', module.len) : NULL;
    return at != NULL ? iso_str_from(module.ptr, (size_t)(at - module.ptr)) : module;
}

/* The import that is meant by "ns:pkg/iface", with or without its version; NULL after a mistake. */
static struct iso_or_import *find_import(struct iso_or_check *check, const struct iso_or_at *at,
                                         uint32_t component, struct iso_str text)
{
    struct iso_or_imports *imports = &check->imports[component];
    struct iso_or_import *found = NULL;
    struct iso_or_words words;
    iso_or_words_init(&words, &check->reader, text);
    for (uint32_t i = 0; i < imports->count; i++) {
        struct iso_or_import *import = &imports->items[i];
        if (iso_str_equal(import->module, text)) {
            return import;
        }
        if (iso_str_equal(plain(import->module), text)) {
            if (found != NULL) {
                iso_or_wrong_part(&check->reader, at, text,
                                  "found '%.*s', of which two versions are imported; expected it "
                                  "with one: %.*s or %.*s",
                                  (int)text.len, text.ptr, (int)found->module.len,
                                  found->module.ptr, (int)import->module.len, import->module.ptr);
                return NULL;
            }
            found = import;
        }
        if (!import->device && !import->nobody) {
            iso_or_words_add(&words, import->module);
        }
    }
    if (found == NULL) {
        char shown[ISO_QUOTE_SIZE];
        const struct iso_str name = check->manifest->components[component].name;
        iso_or_wrong_part(&check->reader, at, text, "found %s, which '%.*s' does not import; %s",
                          iso_quote(shown, text), (int)name.len, name.ptr,
                          iso_or_words_hint(&words, "expected no link: it imports nothing that "
                                                    "another component could supply"));
    }
    return found;
}

static void tell_misfit(struct iso_or_check *check, const struct iso_or_at *at, bool key,
                        uint32_t component, uint32_t target, const struct iso_or_import *import,
                        enum fit fit, const char *text)
{
    const char *from = check->manifest->components[component].name.ptr;
    const char *to = check->manifest->components[target].name.ptr;
    const int len = (int)import->module.len;
    const char *name = import->module.ptr;
    void (*const wrong)(struct iso_or_reader *, const struct iso_or_at *, const char *, ...) =
        key ? iso_or_wrong_key : iso_or_wrong;
    if (fit == OTHER_TYPES) {
        wrong(&check->reader, at,
              "found other types in '%s' than '%s' imports from %.*s; expected the same: %s", to,
              from, len, name, text);
    } else if (fit == OTHER_VERSION) {
        wrong(&check->reader, at,
              "found %s exported by '%s'; expected %.*s, as '%s' imports it, or a later version "
              "that is compatible",
              text, to, len, name, from);
    } else {
        wrong(&check->reader, at,
              "found '%s', which does not export %.*s; expected a component that does%s%s", to, len,
              name, text[0] != '\0' ? ": " : "", text);
    }
}

static void take_link(struct iso_or_check *check, const struct iso_or_at *at)
{
    struct iso_str from, interface;
    char text[TEXT_MAX];
    (void)iso_or_split(iso_str_from_z(at->key), &from, &interface);
    uint32_t component = iso_or_manifest_component(check->manifest, from);
    uint32_t target = json_is_string(at->json)
                          ? iso_or_manifest_component(check->manifest, iso_or_view(at->json))
                          : UINT32_MAX;
    if (component == UINT32_MAX || interface.len == 0 || world_of(check, component) == NULL) {
        return; /* has been said */
    }
    struct iso_or_import *import = find_import(check, at, component, interface);
    if (import == NULL) {
        return;
    }
    if (import->device) {
        iso_or_wrong_key(
            &check->reader, at,
            "found a link for %.*s, which the device supplies; expected none (\"place\" "
            "and \"grants\" choose the device and what of it)",
            (int)interface.len, interface.ptr);
        return;
    }
    if (import->linked) {
        iso_or_wrong_key(&check->reader, at, "found a second link for %.*s of '%.*s'; expected one",
                         (int)import->module.len, import->module.ptr, (int)from.len, from.ptr);
        return;
    }
    import->linked = true;
    if (target == UINT32_MAX || import->nobody) {
        return;
    }
    enum fit fit =
        world_of(check, target) != NULL ? compare(world_of(check, target), import, text) : FITS;
    if (fit != FITS) {
        tell_misfit(check, at, false, component, target, import, fit, text);
    } else {
        add_link(check, component, import, target, true);
    }
}

/* ---- Links that are not ---------------------------------------------------------------------- */

struct candidates {
    uint32_t fitting, count; /* the first that fits; how many do */
    uint32_t near;           /* exports it, and does not fit; UINT32_MAX: none */
    enum fit fit;            /* of near */
    bool unknown;            /* a component's interface is not known */
    char text[TEXT_MAX];     /* of near */
    char names[TEXT_MAX];    /* of those that fit */
    size_t names_len;
};

static void look_around(const struct iso_or_check *check, uint32_t component,
                        const struct iso_or_import *import, struct candidates *c)
{
    char text[TEXT_MAX];
    *c = (struct candidates){.near = UINT32_MAX};
    for (uint32_t i = 0; i < check->manifest->component_count; i++) {
        const struct iso_wit_world *world = world_of(check, i);
        if (i == component || world == NULL) {
            c->unknown = c->unknown || world == NULL;
            continue;
        }
        enum fit fit = compare(world, import, text);
        if (fit == FITS) {
            const struct iso_str name = check->manifest->components[i].name;
            c->fitting = c->count == 0 ? i : c->fitting;
            c->names_len +=
                iso_format(c->names + c->names_len, sizeof c->names - c->names_len, "%s'%.*s'",
                           c->count == 0 ? "" : ", ", (int)name.len, name.ptr);
            c->count++;
        } else if (fit != NOT_EXPORTED && c->near == UINT32_MAX) {
            c->near = i;
            c->fit = fit;
            memcpy(c->text, text, sizeof c->text);
        }
    }
}

static void find_link(struct iso_or_check *check, uint32_t component, struct iso_or_import *import)
{
    struct candidates c;
    struct iso_or_at at = iso_or_component_at(check, component);
    const struct iso_str name = check->manifest->components[component].name;
    const struct iso_str module = import->module;
    look_around(check, component, import, &c);
    if (c.count == 1 && import->interface != NULL) {
        add_link(check, component, import, c.fitting, false);
    } else if (c.count > 1 || (c.count == 1 && import->interface == NULL)) {
        iso_or_wrong_key(&check->reader, &at,
                         "found %u component%s that could supply %.*s (%s); expected a link that "
                         "says which: \"links\": {\"%.*s.%.*s\": ...}",
                         c.count, c.count == 1 ? "" : "s", (int)module.len, module.ptr, c.names,
                         (int)name.len, name.ptr, (int)module.len, module.ptr);
    } else if (c.near != UINT32_MAX) {
        tell_misfit(check, &at, true, component, c.near, import, c.fit, c.text);
    } else if (!c.unknown) {
        iso_or_wrong_key(&check->reader, &at,
                         "found no component that exports %.*s, which '%.*s' imports; expected one",
                         (int)module.len, module.ptr, (int)name.len, name.ptr);
    }
}

/* ---- Circles --------------------------------------------------------------------------------- */

struct walk {
    struct iso_or_check *check;
    uint8_t state[ISO_OR_COMPONENTS_MAX]; /* 0: new, 1: on the way, 2: done */
    uint32_t way[ISO_OR_COMPONENTS_MAX];
    size_t depth;
};

/* The link that closes a circle, where it is written, else its component. */
static void tell_circle(struct walk *walk, uint32_t component, const struct iso_or_link *link)
{
    struct iso_or_check *check = walk->check;
    const struct iso_or_manifest *manifest = check->manifest;
    char text[TEXT_MAX];
    size_t first = 0, len = 0;
    while (walk->way[first] != link->target) {
        first++;
    }
    for (size_t i = first; i < walk->depth; i++) {
        len += iso_format(text + len, sizeof text - len, "%s -> ",
                          manifest->components[walk->way[i]].name.ptr);
    }
    struct iso_or_at at = iso_or_component_at(check, component);
    struct iso_or_at links = iso_or_member(&check->root, "links");
    if (link->written) {
        for (struct iso_or_at it = iso_or_first(&links); it.key != NULL; it = iso_or_next(&it)) {
            struct iso_str from, interface;
            (void)iso_or_split(iso_str_from_z(it.key), &from, &interface);
            if (iso_str_equal(from, manifest->components[component].name) &&
                (iso_str_equal(interface, link->interface) ||
                 iso_str_equal(interface, plain(link->interface)))) {
                at = it;
            }
        }
    }
    iso_or_wrong_key(&check->reader, &at,
                     "found links that lead in a circle, %s%s, so that a component would wait for "
                     "itself; expected none",
                     text, manifest->components[link->target].name.ptr);
}

static void visit(struct walk *walk, uint32_t component)
{
    const struct iso_or_component *of = &walk->check->manifest->components[component];
    walk->state[component] = 1;
    walk->way[walk->depth++] = component;
    for (size_t i = 0; i < of->link_count; i++) {
        uint32_t target = of->links[i].target;
        if (walk->state[target] == 0) {
            visit(walk, target);
        } else if (walk->state[target] == 1) {
            tell_circle(walk, component, &of->links[i]);
        }
    }
    walk->depth--;
    walk->state[component] = 2;
}

/* ---- All ------------------------------------------------------------------------------------- */

static void find_links(struct iso_or_check *check, uint32_t component)
{
    struct iso_or_imports *imports = &check->imports[component];
    uint32_t others = 0;
    for (uint32_t i = 0; i < imports->count; i++) {
        others += imports->items[i].device || imports->items[i].nobody ? 0 : 1;
    }
    if (others > LINKS_MAX) {
        struct iso_or_at at = iso_or_component_at(check, component);
        iso_or_wrong_key(&check->reader, &at,
                         "found %u interfaces that other components have to supply; expected at "
                         "most %d",
                         others, LINKS_MAX);
        return;
    }
    for (uint32_t i = 0; i < imports->count; i++) {
        struct iso_or_import *import = &imports->items[i];
        if (!import->device && !import->nobody && !import->linked) {
            find_link(check, component, import);
        }
    }
}

void iso_or_check_links(struct iso_or_check *check)
{
    struct iso_or_manifest *manifest = check->manifest;
    struct iso_or_at links = iso_or_member(&check->root, "links");
    struct walk walk = {.check = check};
    for (uint32_t i = 0; i < manifest->component_count; i++) {
        struct iso_or_link *made =
            iso_or_new(&check->reader, check->imports[i].count, sizeof *made);
        if (made == NULL) {
            return;
        }
        manifest->components[i].links = made;
    }
    for (struct iso_or_at it = iso_or_first(&links); it.key != NULL; it = iso_or_next(&it)) {
        take_link(check, &it);
    }
    for (uint32_t i = 0; i < manifest->component_count; i++) {
        find_links(check, i);
    }
    for (uint32_t i = 0; i < manifest->component_count; i++) {
        if (walk.state[i] == 0) {
            visit(&walk, i);
        }
    }
}
