/*
 * Bindings for guests in Rust: one file, a module of the guest's crate. Imports are functions,
 * exports a trait for each interface and the macro `export!`, which makes the core functions.
 * Edition 2018 or 2021 (the attributes of 2024 are newer than the rustc of Debian 12), no crates.
 */
#include "interface/gen_rust.h"
#include "interface/gen_c.h"

static const char *core_type(char flat)
{
    return flat == 'i' ? "i32" : flat == 'I' ? "i64" : flat == 'f' ? "f32" : "f64";
}

/* A core value as one of the array's u64. */
static void put_widened(struct gen_rust *gen, char flat, const char *name)
{
    switch (flat) {
    case 'i':
        gen_put(&gen->out, "%s as u32 as u64", name);
        break;
    case 'I':
        gen_put(&gen->out, "%s as u64", name);
        break;
    default:
        gen_put(&gen->out, "%s.to_bits() as u64", name);
        break;
    }
}

static void put_narrowed(struct gen_rust *gen, char flat, const char *array, uint32_t index)
{
    switch (flat) {
    case 'i':
        gen_put(&gen->out, "%s[%u] as i32", array, index);
        break;
    case 'I':
        gen_put(&gen->out, "%s[%u] as i64", array, index);
        break;
    case 'f':
        gen_put(&gen->out, "f32::from_bits(%s[%u] as u32)", array, index);
        break;
    default:
        gen_put(&gen->out, "f64::from_bits(%s[%u])", array, index);
        break;
    }
}

static bool by_value(const struct iso_vtype *type)
{
    return type->kind < ISO_V_STRING || type->kind == ISO_V_ENUM || type->kind == ISO_V_FLAGS;
}

/* ---- Imports ------------------------------------------------------------------------------- */

static void put_import_params(struct gen_rust *gen, const struct gen_func *f)
{
    struct gen_out *out = &gen->out;
    for (uint32_t i = 0; i < f->func->param_count; i++) {
        const struct gen_type *entry = &gen->model.types[f->params[i]];
        gen_put(out, "%s%s: ", i != 0 ? ", " : "", gen_rust_ident(gen, f->func->params[i].name));
        if (entry->type->kind == ISO_V_STRING) {
            gen_put(out, "&str");
        } else if (entry->type->kind == ISO_V_LIST) {
            gen_put(out, "&[");
            gen_rust_put_type(gen, entry->parts[0]);
            gen_put(out, "]");
        } else {
            gen_put(out, "%s", by_value(entry->type) ? "" : "&");
            gen_rust_put_type(gen, f->params[i]);
        }
    }
}

static void put_result_type(struct gen_rust *gen, const struct gen_func *f)
{
    if (f->result != GEN_NONE) {
        gen_put(&gen->out, " -> ");
        gen_rust_put_type(gen, f->result);
    }
}

static void put_core_import(struct gen_rust *gen, const struct gen_func *f)
{
    struct gen_out *out = &gen->out;
    gen_line(out, "#[link(wasm_import_module = \"%s\")]", f->module);
    gen_open(out, "extern \"C\" {");
    gen_line(out, "#[link_name = \"%s\"]", f->core);
    gen_begin(out);
    gen_put(out, "fn call_(");
    for (uint32_t i = 0; i < f->flat_count; i++) {
        gen_put(out, "%sa%u: %s", i != 0 ? ", " : "", i, core_type(f->flat[i]));
    }
    if (f->result_in_memory) {
        gen_put(out, "%sresult: i32", f->flat_count != 0 ? ", " : "");
    }
    gen_put(out, ")");
    if (f->result_flat != 0) {
        gen_put(out, " -> %s", core_type(f->result_flat));
    }
    gen_put(out, ";\n");
    gen_close(out, "}");
}

static uint32_t params_size(const struct gen_func *f, uint32_t *align)
{
    uint32_t size = 0;
    *align = 1;
    for (uint32_t i = 0; i < f->func->param_count; i++) {
        const struct iso_vtype *type = f->func->params[i].type;
        size = gen_align_up(size, type->align) + type->size;
        *align = type->align > *align ? type->align : *align;
    }
    return gen_align_up(size, *align);
}

static void put_import_lowering(struct gen_rust *gen, const struct gen_func *f)
{
    struct gen_out *out = &gen->out;
    uint32_t align = 1;
    gen_line(out, "let mut keep_ = abi::Keep::new();");
    if (f->params_in_memory) {
        gen_line(out, "let mut args_ = abi::Area::<%u>([0; %u]);", params_size(f, &align),
                 params_size(f, &align));
    } else {
        gen_line(out, "let mut flat_ = [0u64; %u];", f->flat_count);
    }
    uint32_t at = 0;
    for (uint32_t i = 0; i < f->func->param_count; i++) {
        const struct iso_vtype *type = f->func->params[i].type;
        char *name = gen_rust_ident(gen, f->func->params[i].name);
        bool list = type->kind == ISO_V_STRING || type->kind == ISO_V_LIST;
        const char *borrow = by_value(type) ? "&" : "";
        if (f->params_in_memory) {
            at = gen_align_up(at, type->align);
            gen_line(out, "unsafe { abi::%s(%s%s, args_.0.as_mut_ptr().add(%u), &mut keep_) };",
                     list ? "Argument::put" : "Value::store", borrow, name, at);
            at += type->size;
        } else {
            gen_line(out, "abi::%s(%s%s, &mut flat_[%u..], &mut keep_);",
                     list ? "Argument::pass" : "Value::lower", borrow, name, at);
            at += type->flat;
        }
    }
}

static void put_import_call(struct gen_rust *gen, const struct gen_func *f)
{
    struct gen_out *out = &gen->out;
    gen_put(out, "call_(");
    if (f->params_in_memory) {
        gen_put(out, "args_.0.as_ptr() as i32");
    } else {
        for (uint32_t i = 0; i < f->flat_count; i++) {
            gen_put(out, "%s", i != 0 ? ", " : "");
            put_narrowed(gen, f->flat[i], "flat_", i);
        }
    }
    if (f->result_in_memory) {
        gen_put(out, "%sresult_.0.as_mut_ptr() as i32", f->flat_count != 0 ? ", " : "");
    }
    gen_put(out, ")");
}

static void put_import(struct gen_rust *gen, const struct gen_func *f)
{
    struct gen_out *out = &gen->out;
    gen_blank(out);
    gen_doc(out, f->func->doc, "/// ", false);
    gen_begin(out);
    gen_put(out, "pub fn %s(", gen_rust_ident(gen, f->func->name));
    put_import_params(gen, f);
    gen_put(out, ")");
    put_result_type(gen, f);
    gen_put(out, " {\n");
    out->indent++;
    put_core_import(gen, f);
    if (f->func->param_count != 0) {
        put_import_lowering(gen, f);
    }
    if (f->result_in_memory) {
        gen_line(out, "let mut result_ = abi::Area::<%u>([0; %u]);", f->func->result->size,
                 f->func->result->size);
    }
    gen_open(out, "unsafe {");
    gen_begin(out);
    if (f->result_flat != 0) {
        gen_put(out, "let value_ = ");
    }
    put_import_call(gen, f);
    gen_put(out, ";\n");
    if (f->result_in_memory) {
        gen_line(out, "abi::Value::load(result_.0.as_ptr())");
    } else if (f->result_flat != 0) {
        gen_begin(out);
        gen_put(out, "abi::Value::lift(&[");
        put_widened(gen, f->result_flat, "value_");
        gen_put(out, "])\n");
    }
    gen_close(out, "}");
    gen_close(out, "}");
}

/* A module for each imported interface; functions of the world stand in the file. */
static void put_imports(struct gen_rust *gen)
{
    struct gen_out *out = &gen->out;
    const struct gen_model *model = &gen->model;
    for (uint32_t i = 0; i < model->func_count; i++) {
        const struct gen_func *f = &model->funcs[i];
        if (!f->imported) {
            continue;
        }
        bool first = i == 0 || model->funcs[i - 1].interface != f->interface;
        if (f->interface != NULL && first) {
            char *name = gen_rust_ident(gen, f->interface_name);
            name = gen_names_claim(&gen->types, name, NULL);
            gen_blank(out);
            gen_line(out, "/// Imported: %s", f->module);
            gen_doc(out, f->interface->doc, "/// ", false);
            gen_open(out, "pub mod %s {", name);
            gen_line(out, "use super::*;");
        }
        put_import(gen, f);
        bool last = i + 1 == model->func_count || !model->funcs[i + 1].imported ||
                    model->funcs[i + 1].interface != f->interface;
        if (f->interface != NULL && last) {
            gen_close(out, "}");
        }
    }
}

/* ---- Exports ------------------------------------------------------------------------------- */

static void put_trait_function(struct gen_rust *gen, const struct gen_func *f)
{
    struct gen_out *out = &gen->out;
    gen_doc(out, f->func->doc, "/// ", false);
    gen_begin(out);
    gen_put(out, "fn %s(", gen_rust_ident(gen, f->func->name));
    for (uint32_t i = 0; i < f->func->param_count; i++) {
        gen_put(out, "%s%s: ", i != 0 ? ", " : "", gen_rust_ident(gen, f->func->params[i].name));
        gen_rust_put_type(gen, f->params[i]);
    }
    gen_put(out, ")");
    put_result_type(gen, f);
    gen_put(out, ";\n");
}

/* Also gives every exported function the name of its trait. */
static void put_traits(struct gen_rust *gen)
{
    struct gen_out *out = &gen->out;
    struct gen_model *model = &gen->model;
    for (uint32_t i = 0; i < model->func_count; i++) {
        struct gen_func *f = &model->funcs[i];
        if (f->imported || f->name != NULL) {
            continue;
        }
        struct iso_str of = f->interface != NULL ? f->interface_name : model->world->name;
        char *pascal = gen_ident(&model->arena, of, GEN_PASCAL);
        char *name = pascal != NULL ? gen_join(&model->arena, pascal, "Exports", NULL) : NULL;
        name = gen_names_claim(&gen->types, name, NULL);
        gen_blank(out);
        gen_line(out, "/// Exported; to be implemented.");
        gen_doc(out, f->interface != NULL ? f->interface->doc : model->world->doc, "/// ", false);
        gen_open(out, "pub trait %s {", name);
        for (uint32_t k = i; k < model->func_count; k++) {
            struct gen_func *other = &model->funcs[k];
            if (!other->imported && other->interface == f->interface) {
                other->name = name;
                put_trait_function(gen, other);
            }
        }
        gen_close(out, "}");
    }
}

static void put_core_params(struct gen_rust *gen, const struct gen_func *f, bool types)
{
    for (uint32_t i = 0; i < f->flat_count; i++) {
        gen_put(&gen->out, "%sa%u_", i != 0 ? ", " : "", i);
        if (types) {
            gen_put(&gen->out, ": %s", core_type(f->flat[i]));
        }
    }
}

static void put_core_result(struct gen_rust *gen, const struct gen_func *f)
{
    if (f->result_flat != 0) {
        gen_put(&gen->out, " -> %s", core_type(f->result_flat));
    }
}

static void put_glue_arguments(struct gen_rust *gen, const struct gen_func *f)
{
    struct gen_out *out = &gen->out;
    if (!f->params_in_memory) {
        gen_begin(out);
        gen_put(out, "let flat_: [u64; %u] = [", f->flat_count);
        for (uint32_t i = 0; i < f->flat_count; i++) {
            char *number = gen_number(&gen->model.arena, i);
            gen_put(out, "%s", i != 0 ? ", " : "");
            put_widened(gen, f->flat[i],
                        number != NULL ? gen_join(&gen->model.arena, "a", number, "_", NULL)
                                       : NULL);
        }
        gen_put(out, "];\n");
    } else {
        gen_line(out, "let args_ = a0_ as u32 as usize as *const u8;");
    }
    uint32_t at = 0;
    uint32_t align = 1;
    for (uint32_t i = 0; i < f->func->param_count; i++) {
        const struct iso_vtype *type = f->func->params[i].type;
        at = f->params_in_memory ? gen_align_up(at, type->align) : at;
        gen_begin(out);
        gen_put(out, "let p%u_: ", i);
        gen_rust_put_type(gen, f->params[i]);
        if (f->params_in_memory) {
            gen_put(out, " = abi::Value::load(args_.add(%u));\n", at);
        } else {
            gen_put(out, " = abi::Value::lift(&flat_[%u..]);\n", at);
        }
        at += f->params_in_memory ? type->size : type->flat;
    }
    if (f->params_in_memory) {
        uint32_t size = params_size(f, &align);
        gen_line(out, "abi::release(args_, %u, %u);", size, align);
    }
}

/* The core function as a generic one; the macro gives it its name. */
static void put_glue(struct gen_rust *gen, const struct gen_func *f, uint32_t index)
{
    struct gen_out *out = &gen->out;
    gen_blank(out);
    gen_begin(out);
    gen_put(out, "pub unsafe fn call%u<G: %s>(", index, f->name);
    put_core_params(gen, f, true);
    gen_put(out, ")");
    put_core_result(gen, f);
    gen_put(out, " {\n");
    out->indent++;
    gen_line(out, "abi::start();");
    if (f->func->param_count != 0) {
        put_glue_arguments(gen, f);
    }
    gen_begin(out);
    gen_put(out, "let result_ = G::%s(", gen_rust_ident(gen, f->func->name));
    for (uint32_t i = 0; i < f->func->param_count; i++) {
        gen_put(out, "%sp%u_", i != 0 ? ", " : "", i);
    }
    gen_put(out, ");\n");
    if (f->result_in_memory) {
        gen_begin(out);
        gen_put(out, "abi::give::<");
        gen_rust_put_type(gen, f->result);
        gen_put(out, ", %u>(result_)\n", f->func->result->size);
    } else if (f->result_flat != 0) {
        gen_line(out, "let mut flat_ = [0u64; 1];");
        gen_line(out, "abi::Value::lower(&result_, &mut flat_, &mut abi::Keep::new());");
        gen_begin(out);
        put_narrowed(gen, f->result_flat, "flat_", 0);
        gen_put(out, "\n");
    } else {
        gen_line(out, "result_");
    }
    gen_close(out, "}");
    if (f->result_in_memory) {
        gen_blank(out);
        gen_open(out, "pub unsafe fn post%u(at: i32) {", index);
        gen_begin(out);
        gen_put(out, "abi::post::<");
        gen_rust_put_type(gen, f->result);
        gen_put(out, ", %u>(at)\n", f->func->result->size);
        gen_close(out, "}");
    }
}

static void put_macro(struct gen_rust *gen)
{
    struct gen_out *out = &gen->out;
    gen_blank(out);
    gen_line(out, "/// `export!(Component)` makes the exports of a type that implements the traits "
                  "above. When this");
    gen_line(out, "/// module is not the crate's `%s`: `export!(Component, crate::where_it_is)`.",
             gen->file);
    gen_line(out, "#[allow(unused_macros)]");
    gen_open(out, "macro_rules! export {");
    gen_open(out, "($guest:ty) => {");
    gen_line(out, "$crate::%s::export!($guest, $crate::%s);", gen->file, gen->file);
    gen_close(out, "};");
    gen_open(out, "($guest:ty, $($module:tt)+) => {");
    gen_open(out, "const _: () = {");
    for (uint32_t i = 0; i < gen->model.func_count; i++) {
        const struct gen_func *f = &gen->model.funcs[i];
        if (f->imported) {
            continue;
        }
        gen_line(out, "#[export_name = \"%s\"]", f->core);
        gen_begin(out);
        gen_put(out, "unsafe extern \"C\" fn call%u(", i);
        put_core_params(gen, f, true);
        gen_put(out, ")");
        put_core_result(gen, f);
        gen_put(out, " {\n");
        out->indent++;
        gen_begin(out);
        gen_put(out, "$($module)+::glue::call%u::<$guest>(", i);
        put_core_params(gen, f, false);
        gen_put(out, ")\n");
        gen_close(out, "}");
        if (f->result_in_memory) {
            gen_line(out, "#[export_name = \"cabi_post_%s\"]", f->core);
            gen_open(out, "unsafe extern \"C\" fn post%u(at: i32) {", i);
            gen_line(out, "$($module)+::glue::post%u(at)", i);
            gen_close(out, "}");
        }
    }
    gen_close(out, "};");
    gen_close(out, "};");
    gen_close(out, "}");
    gen_line(out, "#[allow(unused_imports)]");
    gen_line(out, "pub(crate) use export;");
}

static void put_file(struct gen_rust *gen)
{
    struct gen_out *out = &gen->out;
    const struct iso_wit_world *world = gen->model.world;
    gen_line(out,
             "//! Bindings of the world \"%.*s\" for guests in Rust. Generated by isomer bindgen; "
             "do not edit.",
             (int)world->name.len, world->name.ptr);
    gen_line(out, "//!");
    gen_doc(out, world->doc, "//! ", false);
    gen_line(out, "//! Needs `alloc` only. Edition 2018 or 2021.");
    gen_line(out, "#![allow(dead_code, unused_imports, unused_unsafe, clippy::all)]");
    gen_blank(out);
    gen_put_support(out, "abi.rs");
    gen_rust_types(gen);
    put_imports(gen);
    put_traits(gen);
    gen_blank(out);
    gen_line(out, "#[doc(hidden)]");
    gen_open(out, "pub mod glue {");
    gen_line(out, "use super::*;");
    for (uint32_t i = 0; i < gen->model.func_count; i++) {
        if (!gen->model.funcs[i].imported) {
            put_glue(gen, &gen->model.funcs[i], i);
        }
    }
    gen_close(out, "}");
    put_macro(gen);
}

/* ---- Names --------------------------------------------------------------------------------- */

/* What the generated code itself means by these. */
static const char *const taken[] = {
    "abi",      "glue", "export", "core",  "Option",   "Some",  "None",      "Result",  "Ok",
    "Err",      "Self", "Clone",  "Copy",  "Debug",    "Eq",    "PartialEq", "Default", "Drop",
    "String",   "Vec",  "Box",    "Sized", "Send",     "Sync",  "Fn",        "FnMut",   "FnOnce",
    "Iterator", "From", "Into",   "Unpin", "ToString", "AsRef", "AsMut",     "alloc",   "std",
};

static enum iso_err name_all(struct gen_rust *gen)
{
    struct gen_model *model = &gen->model;
    struct iso_arena *arena = &model->arena;
    gen_names_init(&gen->types, arena);
    gen->file = gen_rust_ident(gen, model->world->name);
    for (size_t i = 0; i < ISO_COUNT_OF(taken); i++) {
        (void)gen_names_take(&gen->types, taken[i]);
    }
    for (uint32_t i = 0; i < model->type_count; i++) {
        struct gen_type *entry = &model->types[i];
        gen->long_tuples |= entry->type->kind == ISO_V_TUPLE && entry->part_count > 12;
        if (!entry->nominal) {
            continue;
        }
        struct iso_str owner =
            entry->type->owner != NULL ? entry->type->owner->name : model->world->name;
        char *prefix = gen_ident(arena, owner, GEN_PASCAL);
        char *name = gen_ident(arena, entry->type->name, GEN_PASCAL);
        if (prefix == NULL || name == NULL) {
            return ISO_E_NOMEM;
        }
        entry->name = gen_names_claim(&gen->types, name, gen_join(arena, prefix, name, NULL));
        if (entry->name == NULL) {
            return ISO_E_NOMEM;
        }
    }
    return gen->file != NULL ? ISO_OK : ISO_E_NOMEM;
}

enum iso_err gen_bindings_rust(const struct iso_alloc *alloc, const struct iso_wit_world *world,
                               iso_gen_file_fn file, void *ctx, struct iso_report *report)
{
    struct gen_rust gen = {.file = NULL};
    struct iso_buf buf;
    iso_buf_init(&buf, alloc, GEN_MAX_FILE);
    enum iso_err err = gen_model_init(&gen.model, alloc, world, false);
    if (err == ISO_OK) {
        err = name_all(&gen);
    }
    if (err == ISO_OK) {
        gen_out_init(&gen.out, &buf);
        put_file(&gen);
        err = gen_model_whole(&gen.model, gen.out.err);
    }
    if (err == ISO_OK) {
        char *name = gen_join(&gen.model.arena, gen.file, ".rs", NULL);
        err = name != NULL ? file(ctx, name, iso_buf_view(&buf)) : ISO_E_NOMEM;
    }
    if (err != ISO_OK) {
        iso_report_set(report, "the Rust bindings of the world \"%.*s\": %s", (int)world->name.len,
                       world->name.ptr, iso_err_text(err));
    }
    iso_buf_fini(&buf);
    gen_model_fini(&gen.model);
    return err;
}
