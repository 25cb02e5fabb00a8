/* What may stand for what: fields, types that take the values of others, interfaces of compatible
 * versions. docs/deployment.md, "Flows"; docs/manifest.md, "Links". */
#include "codec/semver.h"
#include "codec/type.h"

const struct iso_vtype *iso_vtype_field(const struct iso_vtype *type, struct iso_str name)
{
    for (uint32_t i = 0; type->kind == ISO_V_RECORD && i < type->member_count; i++) {
        if (iso_str_equal(type->members[i].name, name)) {
            return type->members[i].type;
        }
    }
    return NULL;
}

/* Every value of the one number type is one of the other. */
static bool number_fits(enum iso_vkind from, enum iso_vkind to)
{
    /* By kind from s8 on: bits, and whether it is signed. */
    static const struct {
        uint8_t bits;
        bool sign;
    } of[] = {[ISO_V_S8] = {8, true},    [ISO_V_U8] = {8, false},  [ISO_V_S16] = {16, true},
              [ISO_V_U16] = {16, false}, [ISO_V_S32] = {32, true}, [ISO_V_U32] = {32, false},
              [ISO_V_S64] = {64, true},  [ISO_V_U64] = {64, false}};
    if (from == ISO_V_F32) {
        return to == ISO_V_F64;
    }
    if (from < ISO_V_S8 || from > ISO_V_U64) {
        return false;
    }
    if (to == ISO_V_F32 || to == ISO_V_F64) {
        return of[from].bits <= (to == ISO_V_F64 ? 32 : 16);
    }
    return to >= ISO_V_S8 && to <= ISO_V_U64 && of[to].bits > of[from].bits &&
           (of[to].sign || !of[from].sign);
}

bool iso_vtype_fits(const struct iso_vtype *from, const struct iso_vtype *to)
{
    return iso_vtype_equal(from, to) || number_fits(from->kind, to->kind) ||
           (to->kind == ISO_V_OPTION && iso_vtype_fits(from, to->element));
}

const struct iso_vtype *iso_vtype_success(const struct iso_vtype *result)
{
    return result != NULL && result->kind == ISO_V_RESULT ? result->members[0].type : result;
}

const struct iso_wit_func *iso_wit_func_find(const struct iso_wit_interface *interface,
                                             struct iso_str name)
{
    for (uint32_t i = 0; i < interface->func_count; i++) {
        if (iso_str_equal(interface->funcs[i].name, name)) {
            return &interface->funcs[i];
        }
    }
    return NULL;
}

bool iso_wit_func_equal(const struct iso_wit_func *a, const struct iso_wit_func *b)
{
    if (a->param_count != b->param_count || (a->result == NULL) != (b->result == NULL)) {
        return false;
    }
    for (uint32_t i = 0; i < a->param_count; i++) {
        if (!iso_vtype_equal(a->params[i].type, b->params[i].type)) {
            return false;
        }
    }
    return a->result == NULL || iso_vtype_equal(a->result, b->result);
}

bool iso_wit_interface_serves(const struct iso_wit_interface *wanted,
                              const struct iso_wit_interface *offered)
{
    struct iso_semver a, b;
    if (!iso_str_equal(wanted->name, offered->name) ||
        (wanted->package == NULL) != (offered->package == NULL)) {
        return false;
    }
    if (wanted->package == NULL) {
        return true;
    }
    const struct iso_wit_package *want = wanted->package, *have = offered->package;
    if (!iso_str_equal(want->ns, have->ns) || !iso_str_equal(want->name, have->name)) {
        return false;
    }
    if (want->version.len == 0 || have->version.len == 0 ||
        iso_str_equal(want->version, have->version)) {
        return true;
    }
    return iso_semver_parse(want->version, &a, NULL) == ISO_OK &&
           iso_semver_parse(have->version, &b, NULL) == ISO_OK && iso_semver_compatible(&a, &b);
}
