/*
 * Bindings for guests in C: the source that stands between the core functions and plain C
 * (Component Model, CanonicalABI.md, "Flattening", "Lifting and Lowering").
 *
 * Core values travel in arrays of uint64_t: an i32 zero-extended, floats by their bits. In this
 * form the joined cases of variants need no conversions; compilers see through it. Names that end
 * with an underscore cannot collide with those of WIT.
 */
#include "interface/gen_c.h"

static const char *core_type(char flat)
{
    return flat == 'i' ? "uint32_t" : flat == 'I' ? "uint64_t" : flat == 'f' ? "float" : "double";
}

/* ---- What depends on types only ------------------------------------------------------------ */

static void put_asserts(struct gen_c *gen)
{
    gen_blank(&gen->out);
    gen_line(&gen->out, "/* The structs are what the canonical ABI has in memory. */");
    for (uint32_t i = 0; i < gen->model.type_count; i++) {
        const struct gen_type *entry = &gen->model.types[i];
        if (entry->type->kind >= ISO_V_STRING && entry->type->size != 0) {
            const char *word = gen_c_is_struct(entry->type) ? "struct " : "";
            gen_line(&gen->out,
                     "_Static_assert(sizeof(%s%s) == %u && _Alignof(%s%s) == %u, \"layout\");",
                     word, entry->name, entry->type->size, word, entry->name, entry->type->align);
        }
    }
}

static void put_string_helpers(struct gen_c *gen)
{
    struct gen_out *out = &gen->out;
    for (uint32_t i = 0; i < gen->model.type_count; i++) {
        const char *name = gen->model.types[i].name;
        if (gen->model.types[i].type->kind != ISO_V_STRING) {
            continue;
        }
        gen_blank(out);
        gen_line(out, "struct %s %s_view(const char *text)", name, name);
        gen_open(out, "{");
        gen_line(out, "return (struct %s){.ptr = (char *)text, .len = __builtin_strlen(text)};",
                 name);
        gen_close(out, "}");
        gen_blank(out);
        gen_line(out, "struct %s %s_copy(const char *text, size_t len)", name, name);
        gen_open(out, "{");
        gen_line(out, "struct %s copy = {.ptr = cabi_realloc(NULL, 0, 1, len), .len = len};", name);
        gen_open(out, "if (len != 0) {");
        gen_line(out, "__builtin_memcpy(copy.ptr, text, len);");
        gen_close(out, "}");
        gen_line(out, "return copy;");
        gen_close(out, "}");
    }
}

/* ---- Functions ----------------------------------------------------------------------------- */

static void put_core_value(struct gen_c *gen, char flat, const char *array, uint32_t at)
{
    switch (flat) {
    case 'i':
        gen_put(&gen->out, "(uint32_t)%s[%u]", array, at);
        break;
    case 'I':
        gen_put(&gen->out, "%s[%u]", array, at);
        break;
    case 'f':
        gen_put(&gen->out, "wit_f32_(%s[%u])", array, at);
        break;
    default:
        gen_put(&gen->out, "wit_f64_(%s[%u])", array, at);
        break;
    }
}

static void put_args_struct(struct gen_c *gen, const struct gen_func *f)
{
    gen_open(&gen->out, "struct wit_args_%s_ {", f->name);
    for (uint32_t i = 0; i < f->func->param_count; i++) {
        gen_begin(&gen->out);
        gen_c_put_type(gen, f->params[i]);
        gen_put(&gen->out, " a%u_;\n", i);
    }
    gen_close(&gen->out, "};");
    gen_blank(&gen->out);
}

static void put_import_declaration(struct gen_c *gen, const struct gen_func *f)
{
    struct gen_out *out = &gen->out;
    gen_line(out, "__attribute__((import_module(\"%s\"), import_name(\"%s\")))", f->module,
             f->core);
    gen_put(out, "extern %s wit_import_%s_(",
            f->result_flat != 0 ? core_type(f->result_flat) : "void", f->name);
    bool none = f->flat_count == 0 && !f->params_in_memory && !f->result_in_memory;
    gen_put(out, "%s", none ? "void" : "");
    if (f->params_in_memory) {
        gen_put(out, "const void *args");
    } else {
        for (uint32_t i = 0; i < f->flat_count; i++) {
            gen_put(out, "%s%s a%u", i != 0 ? ", " : "", core_type(f->flat[i]), i);
        }
    }
    if (f->result_in_memory) {
        gen_put(out, "%svoid *result", f->flat_count != 0 ? ", " : "");
    }
    gen_put(out, ");\n\n");
}

static void put_import_call(struct gen_c *gen, const struct gen_func *f)
{
    struct gen_out *out = &gen->out;
    gen_put(out, "wit_import_%s_(", f->name);
    if (f->params_in_memory) {
        gen_put(out, "&args_");
    } else {
        for (uint32_t i = 0; i < f->flat_count; i++) {
            gen_put(out, "%s", i != 0 ? ", " : "");
            put_core_value(gen, f->flat[i], "flat_", i);
        }
    }
    if (f->result_in_memory) {
        gen_put(out, "%s&result_", f->flat_count != 0 ? ", " : "");
    }
    gen_put(out, ")");
}

static void put_import_arguments(struct gen_c *gen, const struct gen_func *f)
{
    struct gen_out *out = &gen->out;
    if (f->params_in_memory) {
        gen_line(out, "struct wit_args_%s_ args_;", f->name);
        for (uint32_t i = 0; i < f->func->param_count; i++) {
            gen_line(out, "args_.a%u_ = %s;", i, gen_c_member(gen, f->func->params[i].name));
        }
        return;
    }
    if (f->flat_count != 0) {
        gen_line(out, "uint64_t flat_[%u];", f->flat_count);
    }
    uint32_t at = 0;
    for (uint32_t i = 0; i < f->func->param_count; i++) {
        const char *name = gen_c_member(gen, f->func->params[i].name);
        if (f->func->params[i].type->flat == 0) {
            gen_line(out, "(void)%s;", name);
            continue;
        }
        gen_c_put_lower(gen, f->params[i], name, "flat_", at);
        at += f->func->params[i].type->flat;
    }
}

static void put_import(struct gen_c *gen, const struct gen_func *f)
{
    struct gen_out *out = &gen->out;
    gen_blank(out);
    if (f->params_in_memory) {
        put_args_struct(gen, f);
    }
    put_import_declaration(gen, f);
    gen_c_put_signature(gen, f);
    gen_put(out, "\n");
    gen_open(out, "{");
    put_import_arguments(gen, f);
    gen_begin(out);
    if (f->result_in_memory || (f->result != GEN_NONE && f->result_flat == 0)) {
        gen_c_put_type(gen, f->result);
        gen_put(out, " result_;\n");
        gen_begin(out);
        put_import_call(gen, f);
        gen_put(out, ";\n");
        gen_line(out, "return result_;");
    } else if (f->result_flat != 0) {
        gen_put(out, "const uint64_t result_[1] = {");
        const char *wrap = f->result_flat == 'f'   ? "wit_f32_bits_("
                           : f->result_flat == 'F' ? "wit_f64_bits_("
                                                   : "(";
        gen_put(out, "%s", wrap);
        put_import_call(gen, f);
        gen_put(out, ")};\n");
        gen_begin(out);
        gen_put(out, "return ");
        gen_c_put_lift(gen, f->result, "result_", 0);
        gen_put(out, ";\n");
    } else {
        put_import_call(gen, f);
        gen_put(out, ";\n");
    }
    gen_close(out, "}");
}

static void put_export_head(struct gen_c *gen, const struct gen_func *f, const char *end)
{
    struct gen_out *out = &gen->out;
    gen_put(out, "%s wit_export_%s_(", f->result_flat != 0 ? core_type(f->result_flat) : "void",
            f->name);
    if (f->params_in_memory) {
        gen_put(out, "struct wit_args_%s_ *args_", f->name);
    } else {
        gen_put(out, "%s", f->flat_count == 0 ? "void" : "");
        for (uint32_t i = 0; i < f->flat_count; i++) {
            gen_put(out, "%s%s a%u_", i != 0 ? ", " : "", core_type(f->flat[i]), i);
        }
    }
    gen_put(out, ")%s\n", end);
}

/* The call of the function that people implement, with its arguments lifted. */
static void put_export_call(struct gen_c *gen, const struct gen_func *f)
{
    gen_put(&gen->out, "%s(", f->name);
    uint32_t at = 0;
    for (uint32_t i = 0; i < f->func->param_count; i++) {
        gen_put(&gen->out, "%s", i != 0 ? ", " : "");
        if (f->params_in_memory) {
            gen_put(&gen->out, "in_.a%u_", i);
        } else if (f->func->params[i].type->flat == 0) {
            gen_put(&gen->out, "(");
            gen_c_put_type(gen, f->params[i]);
            gen_put(&gen->out, "){}");
        } else {
            gen_c_put_lift(gen, f->params[i], "flat_", at);
            at += f->func->params[i].type->flat;
        }
    }
    gen_put(&gen->out, ")");
}

static void put_export_arguments(struct gen_c *gen, const struct gen_func *f)
{
    struct gen_out *out = &gen->out;
    if (f->params_in_memory) {
        gen_line(out, "struct wit_args_%s_ in_ = *args_;", f->name);
        gen_line(out, "free(args_);");
        return;
    }
    if (f->flat_count == 0) {
        return;
    }
    gen_begin(out);
    gen_put(out, "const uint64_t flat_[%u] = {", f->flat_count);
    for (uint32_t i = 0; i < f->flat_count; i++) {
        const char *form = f->flat[i] == 'f'   ? "wit_f32_bits_("
                           : f->flat[i] == 'F' ? "wit_f64_bits_("
                                               : "(";
        gen_put(out, "%s%sa%u_)", i != 0 ? ", " : "", form, i);
    }
    gen_put(out, "};\n");
}

static void put_export_result(struct gen_c *gen, const struct gen_func *f)
{
    struct gen_out *out = &gen->out;
    gen_begin(out);
    if (f->result_in_memory) {
        gen_put(out, "static ");
        gen_c_put_type(gen, f->result);
        gen_put(out, " result_;\n");
        gen_begin(out);
        gen_put(out, "result_ = ");
        put_export_call(gen, f);
        gen_put(out, ";\n");
        gen_line(out, "return (uint32_t)(uintptr_t)&result_;");
    } else if (f->result_flat != 0) {
        gen_c_put_type(gen, f->result);
        gen_put(out, " value_ = ");
        put_export_call(gen, f);
        gen_put(out, ";\n");
        gen_line(out, "uint64_t result_[1];");
        gen_c_put_lower(gen, f->result, "value_", "result_", 0);
        gen_begin(out);
        gen_put(out, "return ");
        put_core_value(gen, f->result_flat, "result_", 0);
        gen_put(out, ";\n");
    } else {
        put_export_call(gen, f);
        gen_put(out, ";\n");
    }
}

static void put_export(struct gen_c *gen, const struct gen_func *f)
{
    struct gen_out *out = &gen->out;
    gen_blank(out);
    if (f->params_in_memory) {
        put_args_struct(gen, f);
    }
    gen_line(out, "__attribute__((export_name(\"%s\")))", f->core);
    put_export_head(gen, f, ";");
    put_export_head(gen, f, "");
    gen_open(out, "{");
    put_export_arguments(gen, f);
    put_export_result(gen, f);
    gen_close(out, "}");
    if (f->result != GEN_NONE && gen->model.types[f->result].pointers) {
        const char *type = gen->model.types[f->result].name;
        gen_blank(out);
        gen_line(out, "__attribute__((export_name(\"cabi_post_%s\")))", f->core);
        gen_line(out, "void wit_post_%s_(struct %s *result);", f->name, type);
        gen_line(out, "void wit_post_%s_(struct %s *result)", f->name, type);
        gen_open(out, "{");
        gen_line(out, "%s_free(result);", type);
        gen_close(out, "}");
    }
}

void gen_c_glue(struct gen_c *gen)
{
    struct gen_out *out = &gen->out;
    const struct gen_model *model = &gen->model;
    gen_line(out,
             "/* Glue of the world \"%.*s\" for guests in C. Generated by isomer bindgen; do not "
             "edit. */",
             (int)model->world->name.len, model->world->name.ptr);
    gen_line(out, "#include \"%.*s.h\"", (int)model->world->name.len, model->world->name.ptr);
    gen_blank(out);
    gen_put_support(&gen->out, "glue.c");
    put_asserts(gen);
    for (uint32_t i = 0; i < model->type_count; i++) {
        if (model->types[i].pointers) {
            gen_c_put_free(gen, &model->types[i]);
        }
    }
    put_string_helpers(gen);
    for (uint32_t i = 0; i < model->type_count; i++) {
        const struct gen_type *entry = &model->types[i];
        if (entry->lift && gen_c_is_struct(entry->type)) {
            gen_c_put_lift_function(gen, entry);
        }
        if (entry->lower && gen_c_is_struct(entry->type)) {
            gen_c_put_lower_function(gen, entry);
        }
    }
    for (uint32_t i = 0; i < model->func_count; i++) {
        if (model->funcs[i].imported) {
            put_import(gen, &model->funcs[i]);
        } else {
            put_export(gen, &model->funcs[i]);
        }
    }
}
