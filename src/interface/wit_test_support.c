/* Parsing with messages, comparing models. */
#include "interface/wit_test_support.h"

enum iso_err wit_test_parse(const struct iso_alloc *alloc, const char *text, struct iso_wit *out,
                            struct iso_report *report)
{
    const struct iso_wit_source source = {.name = "t.wit",
                                          .text = iso_bytes_from(text, strlen(text))};
    return iso_wit_parse(alloc, &source, 1, out, report);
}

void wit_test_parse_ok(const char *text, struct iso_wit *out)
{
    struct iso_report report;
    iso_report_init(&report);
    enum iso_err err = wit_test_parse(iso_alloc_libc(), text, out, &report);
    if (err != ISO_OK) {
        TEST_FAIL("%s: %s\n%s", iso_err_name(err), iso_report_text(&report, err), text);
    }
}

static void check_str(struct iso_str a, struct iso_str b, const char *what)
{
    if (!iso_str_equal(a, b)) {
        TEST_FAIL("%s: '%.*s' and '%.*s'", what, (int)a.len, a.len != 0 ? a.ptr : "", (int)b.len,
                  b.len != 0 ? b.ptr : "");
    }
}

static void check_type(const struct iso_vtype *a, const struct iso_vtype *b)
{
    CHECK((a == NULL) == (b == NULL));
    if (a == NULL) {
        return;
    }
    CHECK(iso_vtype_equal(a, b));
    check_str(a->name, b->name, "name of a type");
    CHECK((a->owner == NULL) == (b->owner == NULL));
    if (a->owner != NULL) {
        check_str(a->owner->name, b->owner->name, "owner of a type");
    }
}

static void check_declared(const struct iso_vtype *a, const struct iso_vtype *b)
{
    check_type(a, b);
    check_str(a->doc, b->doc, "doc of a type");
    check_type(a->alias, b->alias);
    CHECK_EQ_U64(a->size, b->size);
    CHECK_EQ_U64(a->member_count, b->member_count);
    for (uint32_t i = 0; i < a->member_count; i++) {
        check_str(a->members[i].name, b->members[i].name, "name of a member");
        check_str(a->members[i].doc, b->members[i].doc, "doc of a member");
        check_type(a->members[i].type, b->members[i].type);
    }
}

static void check_func(const struct iso_wit_func *a, const struct iso_wit_func *b)
{
    check_str(a->name, b->name, "name of a function");
    check_str(a->doc, b->doc, "doc of a function");
    CHECK_EQ_U64(a->param_count, b->param_count);
    for (uint32_t i = 0; i < a->param_count; i++) {
        check_str(a->params[i].name, b->params[i].name, "name of a parameter");
        check_type(a->params[i].type, b->params[i].type);
    }
    check_type(a->result, b->result);
}

static void check_package(const struct iso_wit_package *a, const struct iso_wit_package *b)
{
    CHECK((a == NULL) == (b == NULL));
    if (a != NULL) {
        check_str(a->ns, b->ns, "namespace");
        check_str(a->name, b->name, "name of a package");
        check_str(a->version, b->version, "version");
        check_str(a->doc, b->doc, "doc of a package");
    }
}

static void check_interface(const struct iso_wit_interface *a, const struct iso_wit_interface *b)
{
    check_package(a->package, b->package);
    check_str(a->name, b->name, "name of an interface");
    check_str(a->doc, b->doc, "doc of an interface");
    CHECK_EQ_U64(a->type_count, b->type_count);
    for (uint32_t i = 0; i < a->type_count; i++) {
        CHECK(a->types[i]->owner != NULL);
        check_declared(a->types[i], b->types[i]);
    }
    CHECK_EQ_U64(a->func_count, b->func_count);
    for (uint32_t i = 0; i < a->func_count; i++) {
        check_func(&a->funcs[i], &b->funcs[i]);
    }
}

/* Interfaces written inline come last in a printed world, so items are compared by what they are.
 */
static const struct iso_wit_item *find_item(const struct iso_wit_item *items, uint32_t count,
                                            const struct iso_wit_item *like)
{
    for (uint32_t i = 0; i < count; i++) {
        if (iso_str_equal(items[i].name, like->name) &&
            (like->name.len != 0 ||
             iso_str_equal(items[i].interface->name, like->interface->name))) {
            return &items[i];
        }
    }
    TEST_FAIL("'%.*s' is not in the other world", (int)like->name.len,
              like->name.len != 0 ? like->name.ptr : "");
}

static void check_items(const struct iso_wit_item *a, uint32_t a_count,
                        const struct iso_wit_item *b, uint32_t b_count)
{
    CHECK_EQ_U64(a_count, b_count);
    for (uint32_t i = 0; i < a_count; i++) {
        const struct iso_wit_item *other = find_item(b, b_count, &a[i]);
        CHECK((a[i].func == NULL) == (other->func == NULL));
        CHECK((a[i].interface == NULL) == (other->interface == NULL));
        if (a[i].func != NULL) {
            check_func(a[i].func, other->func);
        } else {
            check_interface(a[i].interface, other->interface);
        }
    }
}

void wit_test_check_equal(const struct iso_wit *a, const struct iso_wit *b)
{
    check_package(a->package, b->package);
    CHECK_EQ_U64(a->interface_count, b->interface_count);
    for (uint32_t i = 0; i < a->interface_count; i++) {
        check_interface(a->interfaces[i], b->interfaces[i]);
    }
    CHECK_EQ_U64(a->world_count, b->world_count);
    for (uint32_t i = 0; i < a->world_count; i++) {
        const struct iso_wit_world *wa = a->worlds[i], *wb = b->worlds[i];
        check_package(wa->package, wb->package);
        check_str(wa->name, wb->name, "name of a world");
        check_str(wa->doc, wb->doc, "doc of a world");
        CHECK_EQ_U64(wa->type_count, wb->type_count);
        for (uint32_t k = 0; k < wa->type_count; k++) {
            check_declared(wa->types[k], wb->types[k]);
        }
        check_items(wa->imports, wa->import_count, wb->imports, wb->import_count);
        check_items(wa->exports, wa->export_count, wb->exports, wb->export_count);
    }
}

void wit_test_round_trip(const struct iso_wit *wit, struct iso_buf *out)
{
    struct iso_buf text;
    struct iso_wit again;
    struct iso_report report;
    iso_report_init(&report);
    iso_buf_init(&text, iso_alloc_libc(), SIZE_MAX);
    CHECK_OK(iso_wit_print(wit, &text));
    const struct iso_wit_source source = {.name = "printed.wit", .text = iso_buf_view(&text)};
    enum iso_err err = iso_wit_parse(iso_alloc_libc(), &source, 1, &again, &report);
    if (err != ISO_OK) {
        TEST_FAIL("%s\n%.*s", iso_report_text(&report, err), (int)text.len, (const char *)text.ptr);
    }
    wit_test_check_equal(wit, &again);
    if (out != NULL) {
        CHECK_OK(iso_buf_append(out, text.ptr, text.len));
    }
    iso_wit_fini(&again);
    iso_buf_fini(&text);
}

static unsigned nibble(char c)
{
    return c >= '0' && c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a' + 10);
}

size_t wit_test_unhex(const char *hex, uint8_t *out, size_t cap)
{
    size_t len = strlen(hex) / 2;
    CHECK(len <= cap);
    for (size_t i = 0; i < len; i++) {
        out[i] = (uint8_t)(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
    }
    return len;
}
