/* How two types differ, in words: for links whose two ends do not fit. */
#include "orchestrator/check.h"

struct difference {
    char path[160];
    size_t len;
    char wanted[96], offered[96];
};

static void step_in(struct difference *d, const char *format, struct iso_str name)
{
    d->len += iso_format(d->path + d->len, sizeof d->path - d->len, format,
                         (int)(name.len < 40 ? name.len : 40), name.ptr);
}

static const char *member_word(enum iso_vkind kind)
{
    return kind == ISO_V_RECORD ? "field" : kind == ISO_V_FLAGS ? "flag" : "case";
}

static void name_member(char out[96], const struct iso_vtype *type, uint32_t index)
{
    if (index < type->member_count) {
        const struct iso_str name = type->members[index].name;
        (void)iso_format(out, 96, "the %s '%.*s'", member_word(type->kind),
                         (int)(name.len < 60 ? name.len : 60), name.ptr);
    } else {
        (void)iso_format(out, 96, "no more %ss", member_word(type->kind));
    }
}

static void put_types(struct difference *d, const struct iso_vtype *wanted,
                      const struct iso_vtype *offered)
{
    static const char none[] = "nothing";
    (void)iso_format(d->wanted, sizeof d->wanted, "%s", none);
    (void)iso_format(d->offered, sizeof d->offered, "%s", none);
    if (wanted != NULL) {
        iso_vtype_text(wanted, d->wanted, sizeof d->wanted);
    }
    if (offered != NULL) {
        iso_vtype_text(offered, d->offered, sizeof d->offered);
    }
}

static bool same(const struct iso_vtype *a, const struct iso_vtype *b)
{
    return a == NULL || b == NULL ? a == b : iso_vtype_equal(a, b);
}

/* They are not equal: finds the innermost place where they are not. */
static void differ(struct difference *d, const struct iso_vtype *wanted,
                   const struct iso_vtype *offered)
{
    if (wanted == NULL || offered == NULL || wanted->kind != offered->kind) {
        put_types(d, wanted, offered);
        return;
    }
    if (wanted->kind == ISO_V_LIST || wanted->kind == ISO_V_OPTION) {
        step_in(d, wanted->kind == ISO_V_LIST ? ", an element%.*s" : "%.*s", iso_str_from_z(""));
        differ(d, wanted->element, offered->element);
        return;
    }
    bool named = wanted->kind != ISO_V_TUPLE && wanted->kind != ISO_V_RESULT;
    for (uint32_t i = 0; i < wanted->member_count || i < offered->member_count; i++) {
        bool both = i < wanted->member_count && i < offered->member_count;
        if (!both || (named && !iso_str_equal(wanted->members[i].name, offered->members[i].name))) {
            if (!named) {
                break;
            }
            name_member(d->wanted, wanted, i);
            name_member(d->offered, offered, i);
            return;
        }
        if (!same(wanted->members[i].type, offered->members[i].type)) {
            if (named) {
                step_in(d, wanted->kind == ISO_V_RECORD ? ", field '%.*s'" : ", case '%.*s'",
                        wanted->members[i].name);
            } else if (wanted->kind == ISO_V_RESULT) {
                step_in(d, i == 0 ? ", the good case%.*s" : ", the error%.*s", iso_str_from_z(""));
            }
            differ(d, wanted->members[i].type, offered->members[i].type);
            return;
        }
    }
    put_types(d, wanted, offered);
}

bool iso_or_func_difference(const struct iso_wit_func *wanted, const struct iso_wit_func *offered,
                            char *out, size_t cap)
{
    struct difference d = {.len = 0};
    out[0] = '\0';
    if (iso_wit_func_equal(wanted, offered)) {
        return false;
    }
    if (wanted->param_count != offered->param_count) {
        (void)iso_format(out, cap, "%u parameter%s, not %u", wanted->param_count,
                         wanted->param_count == 1 ? "" : "s", offered->param_count);
        return true;
    }
    for (uint32_t i = 0; i < wanted->param_count; i++) {
        if (!same(wanted->params[i].type, offered->params[i].type)) {
            step_in(&d, "parameter '%.*s'", wanted->params[i].name);
            differ(&d, wanted->params[i].type, offered->params[i].type);
            (void)iso_format(out, cap, "%s: %s, not %s", d.path, d.wanted, d.offered);
            return true;
        }
    }
    step_in(&d, "the result%.*s", iso_str_from_z(""));
    differ(&d, wanted->result, offered->result);
    (void)iso_format(out, cap, "%s: %s, not %s", d.path, d.wanted, d.offered);
    return true;
}
