/* Interfaces built by hand, for the tests of the generators. */
#include "interface/gen_test_support.h"

#include "base/test.h"

void gen_build_init(struct gen_build *build)
{
    iso_arena_init(&build->arena, iso_alloc_libc(), 0, SIZE_MAX);
}

void gen_build_fini(struct gen_build *build)
{
    iso_arena_fini(&build->arena);
}

static void *take(struct gen_build *build, size_t count, size_t size)
{
    void *block = iso_arena_array(&build->arena, count, size);
    CHECK(block != NULL);
    return block;
}

static const struct iso_vtype *finish(struct iso_vtype *type)
{
    CHECK_OK(iso_vtype_finish(type, NULL));
    return type;
}

static const struct iso_vtype *with_element(struct gen_build *build, enum iso_vkind kind,
                                            const struct iso_vtype *element)
{
    struct iso_vtype *type = take(build, 1, sizeof *type);
    type->kind = kind;
    type->element = element;
    return finish(type);
}

const struct iso_vtype *gen_build_list(struct gen_build *build, const struct iso_vtype *element)
{
    return with_element(build, ISO_V_LIST, element);
}

const struct iso_vtype *gen_build_option(struct gen_build *build, const struct iso_vtype *element)
{
    return with_element(build, ISO_V_OPTION, element);
}

const struct iso_vtype *gen_build_result(struct gen_build *build, const struct iso_vtype *ok,
                                         const struct iso_vtype *error)
{
    struct iso_vtype *type = take(build, 1, sizeof *type);
    struct iso_vmember *members = take(build, 2, sizeof *members);
    members[0].type = ok;
    members[1].type = error;
    type->kind = ISO_V_RESULT;
    type->members = members;
    type->member_count = 2;
    return finish(type);
}

const struct iso_vtype *gen_build_compound(struct gen_build *build, enum iso_vkind kind,
                                           const char *name, const char *doc,
                                           const struct iso_wit_interface *owner,
                                           const struct gen_build_member *members)
{
    struct iso_vtype *type = take(build, 1, sizeof *type);
    uint32_t count = 0;
    while (kind == ISO_V_TUPLE ? members[count].type != NULL : members[count].name != NULL) {
        count++;
    }
    struct iso_vmember *list = take(build, count, sizeof *list);
    for (uint32_t i = 0; i < count; i++) {
        list[i].name = iso_str_from_z(members[i].name);
        list[i].type = members[i].type;
    }
    type->kind = kind;
    type->name = iso_str_from_z(name);
    type->doc = iso_str_from_z(doc);
    type->owner = owner;
    type->members = list;
    type->member_count = count;
    return finish(type);
}

struct iso_wit_func *gen_build_func(struct gen_build *build, struct iso_wit_func *func,
                                    const char *name, const char *doc,
                                    const struct gen_build_member *params,
                                    const struct iso_vtype *result)
{
    uint32_t count = 0;
    while (params != NULL && params[count].name != NULL) {
        count++;
    }
    struct iso_wit_param *list = take(build, count, sizeof *list);
    for (uint32_t i = 0; i < count; i++) {
        list[i].name = iso_str_from_z(params[i].name);
        list[i].type = params[i].type;
    }
    *func = (struct iso_wit_func){.name = iso_str_from_z(name),
                                  .doc = iso_str_from_z(doc),
                                  .params = list,
                                  .param_count = count,
                                  .result = result};
    return func;
}

#define MEMBERS(...) ((const struct gen_build_member[]){__VA_ARGS__, {NULL, NULL}})
#define P(kind) iso_vtype_primitive(ISO_V_##kind)

struct things {
    const struct iso_vtype *point, *shape, *color, *access, *many, *deep, *tree;
};

static void build_types(struct gen_build *b, struct iso_wit_interface *owner, struct things *t)
{
    t->point = gen_build_compound(b, ISO_V_RECORD, "point", "A place on the plane.", owner,
                                  MEMBERS({"x", P(F64)}, {"y", P(F64)}, {"int", P(S8)}));
    t->shape =
        gen_build_compound(b, ISO_V_VARIANT, "shape", "A figure.\n\nOf */ one kind.", owner,
                           MEMBERS({"nothing", NULL}, {"circle", P(F32)}, {"big", P(S64)},
                                   {"label", P(STRING)}, {"polygon", gen_build_list(b, t->point)}));
    t->color = gen_build_compound(b, ISO_V_ENUM, "color", "", owner,
                                  MEMBERS({"red", NULL}, {"dark-blue", NULL}, {"while", NULL}));
    t->access = gen_build_compound(b, ISO_V_FLAGS, "access", "", owner,
                                   MEMBERS({"read", NULL}, {"write", NULL}, {"x-ecute", NULL}));
    static char names[40][8];
    struct gen_build_member flags[41] = {{NULL, NULL}};
    for (size_t i = 0; i < 40; i++) {
        (void)iso_format(names[i], sizeof names[i], "flag%d", (int)i);
        flags[i].name = names[i];
    }
    t->many = gen_build_compound(b, ISO_V_FLAGS, "many", "", owner, flags);
    const struct iso_vtype *pair =
        gen_build_compound(b, ISO_V_TUPLE, NULL, NULL, NULL,
                           (const struct gen_build_member[]){
                               {NULL, P(CHAR)}, {NULL, P(U16)}, {NULL, P(BOOL)}, {NULL, NULL}});
    t->deep = gen_build_compound(b, ISO_V_RECORD, "deep", "", owner,
                                 MEMBERS({"maybe", gen_build_option(b, gen_build_option(b, P(U8)))},
                                         {"pairs", gen_build_list(b, pair)}, {"shape", t->shape},
                                         {"color", t->color}, {"access", t->access},
                                         {"stdout", gen_build_list(b, P(U8))}, {"wide", P(U64)},
                                         {"many", t->many}));
    const struct iso_vtype **types = take(b, 6, sizeof *types);
    types[0] = t->point;
    types[1] = t->shape;
    types[2] = t->color;
    types[3] = t->access;
    types[4] = t->many;
    types[5] = t->deep;
    owner->types = types;
    owner->type_count = 6;
}

static void build_things(struct gen_build *b, struct iso_wit_interface *owner)
{
    struct things t;
    build_types(b, owner, &t);
    struct iso_wit_func *funcs = take(b, 12, sizeof *funcs);
    uint32_t n = 0;
    const struct iso_vtype *bytes = gen_build_list(b, P(U8));
    gen_build_func(b, &funcs[n++], "area", "How large a shape is.", MEMBERS({"shape", t.shape}),
                   P(F32));
    gen_build_func(b, &funcs[n++], "echo-deep", "", MEMBERS({"deep", t.deep}), t.deep);
    gen_build_func(b, &funcs[n++], "echo-shape", "", MEMBERS({"flat", t.shape}, {"more", P(U8)}),
                   t.shape);
    gen_build_func(b, &funcs[n++], "both", "", MEMBERS({"deep", t.deep}, {"point", t.point}),
                   t.point);
    gen_build_func(b, &funcs[n++], "mix", "", MEMBERS({"color", t.color}, {"access", t.access}),
                   t.color);
    gen_build_func(b, &funcs[n++], "get-level", "The level now.", NULL, P(S64));
    gen_build_func(b, &funcs[n++], "reset", "", NULL, NULL);
    gen_build_func(b, &funcs[n++], "scale", "", MEMBERS({"pixels", bytes}), bytes);
    gen_build_func(b, &funcs[n++], "parse", "", MEMBERS({"text", P(STRING)}),
                   gen_build_result(b, t.point, P(STRING)));
    gen_build_func(b, &funcs[n++], "check", "", MEMBERS({"many", t.many}, {"letter", P(CHAR)}),
                   gen_build_result(b, NULL, NULL));
    gen_build_func(b, &funcs[n++], "try-it", "", MEMBERS({"ok", P(BOOL)}),
                   gen_build_result(b, NULL, t.color));
    owner->funcs = funcs;
    owner->func_count = n;
}

const struct iso_wit_world *gen_build_gadget(struct gen_build *b)
{
    struct iso_wit_package *package = take(b, 1, sizeof *package);
    *package = (struct iso_wit_package){.ns = iso_str_from_z("demo"),
                                        .name = iso_str_from_z("gadget"),
                                        .version = iso_str_from_z("1.2.0")};
    struct iso_wit_interface *things = take(b, 2, sizeof *things);
    struct iso_wit_interface *host = &things[1];
    things->package = package;
    things->name = iso_str_from_z("things");
    build_things(b, things);
    host->package = package;
    host->name = iso_str_from_z("host");
    struct iso_wit_func *funcs = take(b, 5, sizeof *funcs);
    gen_build_func(
        b, &funcs[0], "draw", "Draws.",
        MEMBERS({"shape", things->types[1]}, {"colors", gen_build_list(b, things->types[2])}),
        gen_build_list(b, things->types[0]));
    gen_build_func(b, &funcs[1], "store", "", MEMBERS({"deep", things->types[5]}, {"k", P(S16)}),
                   P(F64));
    gen_build_func(b, &funcs[2], "now", "", NULL, gen_build_option(b, P(STRING)));
    host->funcs = funcs;
    host->func_count = 3;
    gen_build_func(b, &funcs[3], "note", "", MEMBERS({"free", P(STRING)}), NULL);
    gen_build_func(b, &funcs[4], "area", "", MEMBERS({"a", P(S32)}, {"b", P(S32)}), P(S32));
    struct iso_wit_item *items = take(b, 4, sizeof *items);
    items[0].interface = host;
    items[1].name = funcs[3].name;
    items[1].func = &funcs[3];
    items[2].interface = things;
    items[3].name = funcs[4].name;
    items[3].func = &funcs[4];
    struct iso_wit_world *world = take(b, 1, sizeof *world);
    *world = (struct iso_wit_world){.package = package,
                                    .name = iso_str_from_z("gadget"),
                                    .doc = iso_str_from_z("Things to try."),
                                    .imports = items,
                                    .import_count = 2,
                                    .exports = items + 2,
                                    .export_count = 2};
    return world;
}
