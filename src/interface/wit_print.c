/*
 * wit_print.c - WIT text from the model: the main package, then the others as nested packages.
 *
 * An interface or world prints the types that it declares; types of other interfaces that its
 * functions and declarations mention become `use` lines, renamed where names would collide. So the
 * text parses to the same model, though not to the same layout of the text it may have come from.
 */
#include "interface/wit_syntax.h"

#include "base/format.h"

enum { INDENT = 4, FOREIGN_MAX = 2048 };

/* A type of another interface, and its name here. */
struct foreign {
    const struct iso_vtype *type;
    struct iso_str name;
    char renamed[ISO_WIT_MAX_NAME + 12];
    struct foreign *next;
};

struct printer {
    struct iso_buf *out;
    enum iso_err err; /* the first one; nothing is written after it */
    struct iso_arena scratch;
    unsigned indent;
    const struct iso_wit_package *package; /* whose items are being printed */
    /* The scope. */
    const struct iso_wit_interface *interface; /* or */
    const struct iso_wit_world *world;
    struct foreign *foreign;
    struct foreign **foreign_end;
    uint32_t foreign_count;
    unsigned depth;
};

static void put(struct printer *printer, const void *text, size_t len)
{
    if (printer->err == ISO_OK) {
        printer->err = iso_buf_append(printer->out, text, len);
    }
}

static void put_z(struct printer *printer, const char *text)
{
    put(printer, text, strlen(text));
}

static void put_str(struct printer *printer, struct iso_str text)
{
    put(printer, text.ptr, text.len);
}

static void put_name(struct printer *printer, struct iso_str name)
{
    if (iso_wit_is_keyword(name)) {
        put_z(printer, "%");
    }
    put_str(printer, name);
}

static void put_indent(struct printer *printer)
{
    static const char blanks[] = "                    ";
    put(printer, blanks, printer->indent < sizeof blanks ? printer->indent : sizeof blanks - 1);
}

static void put_doc(struct printer *printer, struct iso_str doc)
{
    while (doc.len > 0) {
        const char *end = memchr(doc.ptr, '\n', doc.len);
        size_t len = end != NULL ? (size_t)(end - doc.ptr) : doc.len;
        put_indent(printer);
        put_z(printer, len > 0 ? "/// " : "///");
        put(printer, doc.ptr, len);
        put_z(printer, "\n");
        len += end != NULL ? 1 : 0;
        doc = iso_str_from(doc.ptr + len, doc.len - len);
    }
}

/* ---- Names of types in a scope --- */

static const struct iso_vtype *const *scope_types(const struct printer *printer, uint32_t *count)
{
    if (printer->interface != NULL) {
        *count = printer->interface->type_count;
        return printer->interface->types;
    }
    *count = printer->world->type_count;
    return printer->world->types;
}

static bool is_local(const struct printer *printer, const struct iso_vtype *type)
{
    uint32_t count;
    const struct iso_vtype *const *types = scope_types(printer, &count);
    for (uint32_t i = 0; i < count; i++) {
        if (types[i] == type) {
            return true;
        }
    }
    return false;
}

static bool name_is_free(const struct printer *printer, struct iso_str name)
{
    uint32_t count;
    const struct iso_vtype *const *types = scope_types(printer, &count);
    for (uint32_t i = 0; i < count; i++) {
        if (iso_wit_same_name(types[i]->name, name)) {
            return false;
        }
    }
    for (const struct foreign *f = printer->foreign; f != NULL; f = f->next) {
        if (iso_wit_same_name(f->name, name)) {
            return false;
        }
    }
    if (printer->interface != NULL) {
        for (uint32_t i = 0; i < printer->interface->func_count; i++) {
            if (iso_wit_same_name(printer->interface->funcs[i].name, name)) {
                return false;
            }
        }
        return true;
    }
    for (uint32_t i = 0; i < printer->world->import_count; i++) {
        if (iso_wit_same_name(printer->world->imports[i].name, name)) {
            return false;
        }
    }
    return true;
}

static const struct foreign *find_foreign(const struct printer *printer,
                                          const struct iso_vtype *type)
{
    const struct foreign *f = printer->foreign;
    while (f != NULL && f->type != type) {
        f = f->next;
    }
    return f;
}

static void add_foreign(struct printer *printer, const struct iso_vtype *type)
{
    struct foreign *foreign = iso_arena_alloc(&printer->scratch, sizeof *foreign);
    if (foreign == NULL || printer->foreign_count == FOREIGN_MAX) {
        printer->err = foreign == NULL ? ISO_E_NOMEM : ISO_E_LIMIT;
        return;
    }
    foreign->type = type;
    foreign->name = type->name;
    for (unsigned i = 2; !name_is_free(printer, foreign->name); i++) {
        (void)iso_format(
            foreign->renamed, sizeof foreign->renamed, "%.*s-x%u",
            (int)(type->name.len < ISO_WIT_MAX_NAME - 6 ? type->name.len : ISO_WIT_MAX_NAME - 6),
            type->name.ptr, i);
        foreign->name = iso_str_from_z(foreign->renamed);
    }
    *printer->foreign_end = foreign;
    printer->foreign_end = &foreign->next;
    printer->foreign_count++;
}

static void collect_type(struct printer *printer, const struct iso_vtype *type);

static void collect_parts(struct printer *printer, const struct iso_vtype *type)
{
    if (type->element != NULL) {
        collect_type(printer, type->element);
    }
    for (uint32_t i = 0; i < type->member_count; i++) {
        if (type->members[i].type != NULL) {
            collect_type(printer, type->members[i].type);
        }
    }
}

/* Every type that is mentioned; named ones are not looked into. */
static void collect_type(struct printer *printer, const struct iso_vtype *type)
{
    if (printer->err != ISO_OK || (type->name.len != 0 && is_local(printer, type))) {
        return;
    }
    if (type->name.len != 0 && type->owner != NULL) {
        if (find_foreign(printer, type) == NULL) {
            add_foreign(printer, type);
        }
        return;
    }
    if (printer->depth == ISO_V_MAX_DEPTH) {
        printer->err = ISO_E_LIMIT;
        return;
    }
    printer->depth++;
    collect_parts(printer, type);
    printer->depth--;
}

static void collect_func(struct printer *printer, const struct iso_wit_func *func)
{
    for (uint32_t i = 0; i < func->param_count; i++) {
        collect_type(printer, func->params[i].type);
    }
    if (func->result != NULL) {
        collect_type(printer, func->result);
    }
}

static void collect_declared(struct printer *printer)
{
    uint32_t count;
    const struct iso_vtype *const *types = scope_types(printer, &count);
    for (uint32_t i = 0; i < count; i++) {
        if (types[i]->alias != NULL) {
            collect_type(printer, types[i]->alias);
        } else {
            collect_parts(printer, types[i]);
        }
    }
}

static void put_path(struct printer *printer, const struct iso_wit_interface *interface)
{
    if (interface->package != printer->package) {
        put_name(printer, interface->package->ns);
        put_z(printer, ":");
        put_name(printer, interface->package->name);
        put_z(printer, "/");
    }
    put_name(printer, interface->name);
    if (interface->package != printer->package && interface->package->version.len != 0) {
        put_z(printer, "@");
        put_str(printer, interface->package->version);
    }
}

static void put_uses(struct printer *printer)
{
    for (const struct foreign *f = printer->foreign; f != NULL; f = f->next) {
        if (f->type->owner->package == NULL) {
            /* Types of an interface inside a world cannot be named from outside. */
            printer->err = printer->err == ISO_OK ? ISO_E_INVALID : printer->err;
            return;
        }
        put_indent(printer);
        put_z(printer, "use ");
        put_path(printer, f->type->owner);
        put_z(printer, ".{");
        put_name(printer, f->type->name);
        if (!iso_str_equal(f->type->name, f->name)) {
            put_z(printer, " as ");
            put_name(printer, f->name);
        }
        put_z(printer, "};\n");
    }
}

/* ---- Types --- */

static void put_type(struct printer *printer, const struct iso_vtype *type);

static void put_shape(struct printer *printer, const struct iso_vtype *type)
{
    put_z(printer, iso_vkind_name(type->kind));
    switch (type->kind) {
    case ISO_V_LIST:
    case ISO_V_OPTION:
        put_z(printer, "<");
        put_type(printer, type->element);
        put_z(printer, ">");
        break;
    case ISO_V_TUPLE:
        for (uint32_t i = 0; i < type->member_count; i++) {
            put_z(printer, i == 0 ? "<" : ", ");
            put_type(printer, type->members[i].type);
        }
        put_z(printer, ">");
        break;
    case ISO_V_RESULT:
        if (type->members[0].type != NULL || type->members[1].type != NULL) {
            put_z(printer, "<");
            if (type->members[0].type != NULL) {
                put_type(printer, type->members[0].type);
            } else {
                put_z(printer, "_");
            }
            if (type->members[1].type != NULL) {
                put_z(printer, ", ");
                put_type(printer, type->members[1].type);
            }
            put_z(printer, ">");
        }
        break;
    default:
        break;
    }
}

/* A type as it is used. collect_type has bounded the depth. */
static void put_type(struct printer *printer, const struct iso_vtype *type)
{
    if (printer->err != ISO_OK) {
        return;
    }
    if (type->name.len == 0) {
        put_shape(printer, type);
        return;
    }
    const struct foreign *foreign = find_foreign(printer, type);
    put_name(printer, foreign != NULL ? foreign->name : type->name);
}

static void put_members(struct printer *printer, const struct iso_vtype *type)
{
    put_z(printer, " {\n");
    printer->indent += INDENT;
    for (uint32_t i = 0; i < type->member_count; i++) {
        const struct iso_vmember *member = &type->members[i];
        put_doc(printer, member->doc);
        put_indent(printer);
        put_name(printer, member->name);
        if (member->type != NULL) {
            put_z(printer, type->kind == ISO_V_RECORD ? ": " : "(");
            put_type(printer, member->type);
            put_z(printer, type->kind == ISO_V_RECORD ? "" : ")");
        }
        put_z(printer, ",\n");
    }
    printer->indent -= INDENT;
    put_indent(printer);
    put_z(printer, "}\n");
}

static void put_decl(struct printer *printer, const struct iso_vtype *type)
{
    bool composite =
        type->alias == NULL && (type->kind == ISO_V_RECORD || type->kind == ISO_V_VARIANT ||
                                type->kind == ISO_V_ENUM || type->kind == ISO_V_FLAGS);
    put_doc(printer, type->doc);
    put_indent(printer);
    put_z(printer, composite ? iso_vkind_name(type->kind) : "type");
    put_z(printer, " ");
    put_name(printer, type->name);
    if (composite) {
        put_members(printer, type);
        return;
    }
    put_z(printer, " = ");
    if (type->alias != NULL) {
        put_type(printer, type->alias);
    } else {
        put_shape(printer, type);
    }
    put_z(printer, ";\n");
}

static void put_func(struct printer *printer, const struct iso_wit_func *func)
{
    put_name(printer, func->name);
    put_z(printer, ": func(");
    for (uint32_t i = 0; i < func->param_count; i++) {
        put_z(printer, i == 0 ? "" : ", ");
        put_name(printer, func->params[i].name);
        put_z(printer, ": ");
        put_type(printer, func->params[i].type);
    }
    put_z(printer, ")");
    if (func->result != NULL) {
        put_z(printer, " -> ");
        put_type(printer, func->result);
    }
    put_z(printer, ";\n");
}

/* ---- Interfaces and worlds --- */

static void begin_scope(struct printer *printer, const struct iso_wit_interface *interface,
                        const struct iso_wit_world *world)
{
    printer->interface = interface;
    printer->world = world;
    printer->foreign = NULL;
    printer->foreign_end = &printer->foreign;
    printer->foreign_count = 0;
}

/* '{' to '}' of an interface */
static void put_interface_body(struct printer *printer, const struct iso_wit_interface *interface)
{
    put_z(printer, " {\n");
    printer->indent += INDENT;
    begin_scope(printer, interface, NULL);
    collect_declared(printer);
    for (uint32_t i = 0; i < interface->func_count; i++) {
        collect_func(printer, &interface->funcs[i]);
    }
    put_uses(printer);
    for (uint32_t i = 0; i < interface->type_count; i++) {
        put_decl(printer, interface->types[i]);
    }
    for (uint32_t i = 0; i < interface->func_count; i++) {
        put_doc(printer, interface->funcs[i].doc);
        put_indent(printer);
        put_func(printer, &interface->funcs[i]);
    }
    printer->indent -= INDENT;
    put_indent(printer);
    put_z(printer, "}\n");
}

static void put_item(struct printer *printer, const char *direction,
                     const struct iso_wit_item *item)
{
    const struct iso_wit_interface *interface = item->interface;
    if (item->func != NULL) {
        put_doc(printer, item->func->doc);
    } else if (interface->package == NULL) {
        put_doc(printer, interface->doc);
    }
    put_indent(printer);
    put_z(printer, direction);
    if (item->func != NULL) {
        put_func(printer, item->func);
    } else if (interface->package != NULL) {
        put_path(printer, interface);
        put_z(printer, ";\n");
    } else {
        put_name(printer, item->name);
        put_z(printer, ": interface");
        put_interface_body(printer, interface);
    }
}

/* Functions and paths first: a scope of names is for all of them. Interfaces written inline, each
 * of which is a scope of its own, follow. */
static void put_items(struct printer *printer, const struct iso_wit_world *world, bool inlined)
{
    for (uint32_t i = 0; i < world->import_count; i++) {
        const struct iso_wit_item *item = &world->imports[i];
        if ((item->interface != NULL && item->interface->package == NULL) == inlined) {
            put_item(printer, "import ", item);
        }
    }
    for (uint32_t i = 0; i < world->export_count; i++) {
        const struct iso_wit_item *item = &world->exports[i];
        if ((item->interface != NULL && item->interface->package == NULL) == inlined) {
            put_item(printer, "export ", item);
        }
    }
}

static void put_world(struct printer *printer, const struct iso_wit_world *world)
{
    put_z(printer, "\n");
    put_doc(printer, world->doc);
    put_indent(printer);
    put_z(printer, "world ");
    put_name(printer, world->name);
    put_z(printer, " {\n");
    printer->indent += INDENT;
    begin_scope(printer, NULL, world);
    collect_declared(printer);
    for (uint32_t i = 0; i < world->import_count; i++) {
        if (world->imports[i].func != NULL) {
            collect_func(printer, world->imports[i].func);
        }
    }
    for (uint32_t i = 0; i < world->export_count; i++) {
        if (world->exports[i].func != NULL) {
            collect_func(printer, world->exports[i].func);
        }
    }
    put_uses(printer);
    for (uint32_t i = 0; i < world->type_count; i++) {
        put_decl(printer, world->types[i]);
    }
    put_items(printer, world, false);
    put_items(printer, world, true);
    printer->indent -= INDENT;
    put_indent(printer);
    put_z(printer, "}\n");
}

/* ---- Packages --- */

static void put_package_name(struct printer *printer, const struct iso_wit_package *package)
{
    put_doc(printer, package->doc);
    put_z(printer, "package ");
    put_name(printer, package->ns);
    put_z(printer, ":");
    put_name(printer, package->name);
    if (package->version.len != 0) {
        put_z(printer, "@");
        put_str(printer, package->version);
    }
}

static void put_package_items(struct printer *printer, const struct iso_wit *wit,
                              const struct iso_wit_package *package)
{
    printer->package = package;
    for (uint32_t i = 0; i < wit->interface_count; i++) {
        const struct iso_wit_interface *interface = wit->interfaces[i];
        if (interface->package == package) {
            put_z(printer, "\n");
            put_doc(printer, interface->doc);
            put_indent(printer);
            put_z(printer, "interface ");
            put_name(printer, interface->name);
            put_interface_body(printer, interface);
        }
    }
    for (uint32_t i = 0; i < wit->world_count; i++) {
        if (wit->worlds[i]->package == package) {
            put_world(printer, wit->worlds[i]);
        }
    }
}

/* Whether an item before this one belongs to the package already. */
static bool seen_before(const struct iso_wit *wit, uint32_t interfaces, uint32_t worlds,
                        const struct iso_wit_package *package)
{
    for (uint32_t i = 0; i < interfaces; i++) {
        if (wit->interfaces[i]->package == package) {
            return true;
        }
    }
    for (uint32_t i = 0; i < worlds; i++) {
        if (wit->worlds[i]->package == package) {
            return true;
        }
    }
    return package == wit->package;
}

static void put_nested(struct printer *printer, const struct iso_wit *wit,
                       const struct iso_wit_package *package)
{
    put_z(printer, "\n");
    put_package_name(printer, package);
    put_z(printer, " {");
    printer->indent += INDENT;
    put_package_items(printer, wit, package);
    printer->indent -= INDENT;
    put_z(printer, "}\n");
}

enum iso_err iso_wit_print(const struct iso_wit *wit, struct iso_buf *out)
{
    struct printer printer = {.out = out};
    size_t start = out->len;
    iso_arena_init(&printer.scratch, out->alloc, 0, ISO_WIT_MAX_MEMORY);
    put_package_name(&printer, wit->package);
    put_z(&printer, ";\n");
    put_package_items(&printer, wit, wit->package);
    for (uint32_t i = 0; i < wit->interface_count; i++) {
        if (!seen_before(wit, i, 0, wit->interfaces[i]->package)) {
            put_nested(&printer, wit, wit->interfaces[i]->package);
        }
    }
    for (uint32_t i = 0; i < wit->world_count; i++) {
        if (!seen_before(wit, wit->interface_count, i, wit->worlds[i]->package)) {
            put_nested(&printer, wit, wit->worlds[i]->package);
        }
    }
    iso_arena_fini(&printer.scratch);
    if (printer.err != ISO_OK) {
        out->len = start;
    }
    return printer.err;
}
