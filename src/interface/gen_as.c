/*
 * Bindings for guests in AssemblyScript: WORLD.ts, the entry file, which imports the functions to
 * export from ./index, and WORLD.mjs, a transform for the compiler. AssemblyScript cannot export
 * names that are no identifiers; the transform renames the exports after compilation. It also takes
 * out the import env.abort and exports the start function as _initialize.
 */
#include "interface/gen_as.h"
#include "interface/gen_c.h"

static const char *core_type(char flat)
{
    return flat == 'i' ? "u32" : flat == 'I' ? "u64" : flat == 'f' ? "f32" : "f64";
}

static void put_params(struct gen_as *gen, const struct gen_func *f)
{
    for (uint32_t i = 0; i < f->func->param_count; i++) {
        gen_put(&gen->out, "%s%s: ", i != 0 ? ", " : "",
                gen_as_ident(gen, f->func->params[i].name));
        gen_as_put_type(gen, f->params[i]);
    }
    gen_put(&gen->out, "): ");
    if (f->result != GEN_NONE) {
        gen_as_put_type(gen, f->result);
    } else {
        gen_put(&gen->out, "void");
    }
}

static void put_core_params(struct gen_as *gen, const struct gen_func *f)
{
    for (uint32_t i = 0; i < f->flat_count; i++) {
        gen_put(&gen->out, "%sa%u_: %s", i != 0 ? ", " : "", i, core_type(f->flat[i]));
    }
    if (f->imported && f->result_in_memory) {
        gen_put(&gen->out, "%sresult_: usize", f->flat_count != 0 ? ", " : "");
    }
    gen_put(&gen->out, "): %s", f->result_flat != 0 ? core_type(f->result_flat) : "void");
}

static uint32_t params_size(const struct gen_func *f)
{
    uint32_t size = 0;
    for (uint32_t i = 0; i < f->func->param_count; i++) {
        const struct iso_vtype *type = f->func->params[i].type;
        size = gen_align_up(size, type->align) + type->size;
    }
    return size;
}

/* ---- Imports ------------------------------------------------------------------------------- */

static void put_import_arguments(struct gen_as *gen, const struct gen_func *f)
{
    uint32_t at = 0;
    if (f->params_in_memory) {
        gen_line(&gen->out, "const args_ = memory.data(%u, 8);", params_size(f));
    }
    for (uint32_t i = 0; i < f->func->param_count; i++) {
        const struct iso_vtype *type = f->func->params[i].type;
        char *name = gen_as_ident(gen, f->func->params[i].name);
        if (f->params_in_memory) {
            at = gen_align_up(at, type->align);
            gen_as_put_store(gen, f->params[i], name, "args_", at);
            at += type->size;
        } else {
            gen_as_put_lower(gen, f->params[i], name, "flat_", at);
            at += type->flat;
        }
    }
}

static void put_import_call(struct gen_as *gen, const struct gen_func *f, uint32_t index)
{
    struct gen_out *out = &gen->out;
    gen_begin(out);
    if (f->result_flat != 0) {
        gen_put(out, "const value_ = ");
    }
    gen_put(out, "import%u_(", index);
    for (uint32_t i = 0; i < f->flat_count && !f->params_in_memory; i++) {
        gen_put(out, "%sload<%s>(flat_ + %u)", i != 0 ? ", " : "", core_type(f->flat[i]), i * 8);
    }
    if (f->params_in_memory) {
        gen_put(out, "<u32>args_");
    }
    if (f->result_in_memory) {
        gen_put(out, "%sresult_", f->flat_count != 0 ? ", " : "");
    }
    gen_put(out, ");\n");
}

static void put_import(struct gen_as *gen, const struct gen_func *f, uint32_t index)
{
    struct gen_out *out = &gen->out;
    gen_line(out, "// @ts-ignore: decorator");
    gen_line(out, "@external(\"%s\", \"%s\")", f->module, f->core);
    gen_put(out, "declare function import%u_(", index);
    put_core_params(gen, f);
    gen_put(out, ";\n\n");
    gen_doc(out, f->func->doc, "/// ", false);
    gen_put(out, "export function %s(", f->name);
    put_params(gen, f);
    gen_put(out, " {\n");
    out->indent++;
    gen_line(out, "const mark_ = held_.length;");
    put_import_arguments(gen, f);
    if (f->result_in_memory) {
        gen_line(out, "const result_ = memory.data(%u, 8);", f->func->result->size);
    }
    put_import_call(gen, f, index);
    gen_line(out, "held_.length = mark_;");
    if (f->result_in_memory) {
        gen_begin(out);
        gen_put(out, "return ");
        gen_as_put_load(gen, f->result, "result_", 0);
        gen_put(out, ";\n");
    } else if (f->result_flat != 0) {
        const char *number = core_type(f->result_flat);
        gen_line(out, "store<%s>(flat_, value_);", number);
        gen_begin(out);
        gen_put(out, "return ");
        gen_as_put_lift(gen, f->result, "flat_", 0);
        gen_put(out, ";\n");
    }
    gen_close(out, "}");
    gen_blank(out);
}

/* ---- Exports ------------------------------------------------------------------------------- */

static void put_export_arguments(struct gen_as *gen, const struct gen_func *f)
{
    struct gen_out *out = &gen->out;
    for (uint32_t i = 0; i < f->flat_count && !f->params_in_memory; i++) {
        /* The upper half of a 32-bit value is never read. */
        gen_line(out, "store<%s>(flat_ + %u, a%u_);", core_type(f->flat[i]), i * 8, i);
    }
    uint32_t at = 0;
    for (uint32_t i = 0; i < f->func->param_count; i++) {
        const struct iso_vtype *type = f->func->params[i].type;
        gen_begin(out);
        gen_put(out, "const p%u_ = ", i);
        if (f->params_in_memory) {
            at = gen_align_up(at, type->align);
            gen_as_put_load(gen, f->params[i], "a0_", at);
            at += type->size;
        } else {
            gen_as_put_lift(gen, f->params[i], "flat_", at);
            at += type->flat;
        }
        gen_put(out, ";\n");
    }
    if (f->params_in_memory) {
        gen_line(out, "heap.free(a0_);");
    }
}

static void put_export(struct gen_as *gen, const struct gen_func *f, uint32_t index)
{
    struct gen_out *out = &gen->out;
    gen_line(out, "// %s", f->core);
    gen_put(out, "export function export%u_(", index);
    put_core_params(gen, f);
    gen_put(out, " {\n");
    out->indent++;
    put_export_arguments(gen, f);
    gen_begin(out);
    if (f->result != GEN_NONE) {
        gen_put(out, "const result_ = ");
    }
    gen_put(out, "impl_.%s(", f->name);
    for (uint32_t i = 0; i < f->func->param_count; i++) {
        gen_put(out, "%sp%u_", i != 0 ? ", " : "", i);
    }
    gen_put(out, ");\n");
    if (f->result_in_memory) {
        gen_line(out, "const area_ = memory.data(%u, 8);", f->func->result->size);
        gen_as_put_store(gen, f->result, "result_", "area_", 0);
        gen_line(out, "return <u32>area_;");
    } else if (f->result_flat != 0) {
        gen_as_put_lower(gen, f->result, "result_", "flat_", 0);
        gen_line(out, "return load<%s>(flat_);", core_type(f->result_flat));
    }
    gen_close(out, "}");
    gen_blank(out);
    if (f->result_in_memory && gen->model.types[f->result].pointers) {
        gen_line(out, "export function post%u_(result: u32): void {", index);
        gen_line(out, "    held_.length = 0;");
        gen_line(out, "}");
        gen_blank(out);
    }
}

static void put_expectations(struct gen_as *gen)
{
    struct gen_out *out = &gen->out;
    gen_line(out, "// ./index exports these:");
    for (uint32_t i = 0; i < gen->model.func_count; i++) {
        const struct gen_func *f = &gen->model.funcs[i];
        if (!f->imported) {
            gen_doc(out, f->func->doc, "//   // ", false);
            gen_put(out, "//   export function %s(", f->name);
            put_params(gen, f);
            gen_put(out, "\n");
        }
    }
    gen_line(out, "import * as impl_ from \"./index\";");
    gen_blank(out);
}

static bool exports_any(const struct gen_model *model)
{
    return model->func_count != 0 && !model->funcs[model->func_count - 1].imported;
}

static void put_module(struct gen_as *gen)
{
    struct gen_out *out = &gen->out;
    const struct iso_wit_world *world = gen->model.world;
    int len = (int)world->name.len;
    const char *name = world->name.ptr;
    gen_line(out,
             "// Bindings of the world \"%.*s\" for guests in AssemblyScript. Generated by isomer "
             "bindgen;",
             len, name);
    gen_line(out, "// do not edit.");
    gen_doc(out, world->doc, "// ", false);
    gen_line(out, "//");
    gen_line(out,
             "// Compile: asc %.*s.ts --transform ./%.*s.mjs --runtime incremental -O -o %.*s.wasm",
             len, name, len, name, len, name);
    gen_blank(out);
    if (exports_any(&gen->model)) {
        put_expectations(gen);
    }
    gen_put_support(out, "bindings.ts");
    gen_as_types(gen);
    gen_as_values(gen);
    for (uint32_t i = 0; i < gen->model.func_count; i++) {
        if (gen->model.funcs[i].imported) {
            put_import(gen, &gen->model.funcs[i], i);
        } else {
            put_export(gen, &gen->model.funcs[i], i);
        }
    }
}

/* ---- The transform ------------------------------------------------------------------------- */

static void put_transform(struct gen_as *gen)
{
    struct gen_out *out = &gen->out;
    const struct iso_wit_world *world = gen->model.world;
    gen_line(out,
             "// A transform for asc: gives the exports of the world \"%.*s\" their core names.",
             (int)world->name.len, world->name.ptr);
    gen_line(out, "// Generated by isomer bindgen; do not edit.");
    gen_line(out, "const file = \"%.*s\";", (int)world->name.len, world->name.ptr);
    gen_line(out, "const exports = {");
    for (uint32_t i = 0; i < gen->model.func_count; i++) {
        const struct gen_func *f = &gen->model.funcs[i];
        if (f->imported) {
            continue;
        }
        gen_line(out, "    export%u_: \"%s\",", i, f->core);
        if (f->result_in_memory && gen->model.types[f->result].pointers) {
            gen_line(out, "    post%u_: \"cabi_post_%s\",", i, f->core);
        }
    }
    gen_put_support(out, "transform.mjs");
}

/* ---- Names and files ------------------------------------------------------------------------- */

/* What the generated code means by names of the language. */
static const char *const taken[] = {
    "Array",        "ArrayBuffer", "String",      "Uint8Array",   "Int8Array",  "Uint16Array",
    "Int16Array",   "Uint32Array", "Int32Array",  "Uint64Array",  "Int64Array", "Float32Array",
    "Float64Array", "Map",         "Set",         "Date",         "Error",      "Math",
    "Mathf",        "Object",      "Function",    "Symbol",       "JSON",       "StaticArray",
    "DataView",     "Number",      "Boolean",     "RangeError",   "TypeError",  "Bool",
    "I8",           "U8",          "I16",         "U16",          "I32",        "U32",
    "I64",          "U64",         "F32",         "F64",          "V128",       "Reflect",
    "console",      "process",     "unreachable", "cabi_realloc", "heap",       "memory",
    "load",         "store",
};

static enum iso_err name_funcs(struct gen_as *gen)
{
    struct gen_model *model = &gen->model;
    struct iso_arena *arena = &model->arena;
    struct gen_names exports;
    gen_names_init(&exports, arena);
    for (uint32_t i = 0; i < model->func_count; i++) {
        struct gen_func *f = &model->funcs[i];
        struct iso_str of = f->interface != NULL ? f->interface_name : model->world->name;
        char *prefix = gen_ident(arena, of, GEN_CAMEL);
        char *plain = gen_as_ident(gen, f->func->name);
        char *pascal = gen_ident(arena, f->func->name, GEN_PASCAL);
        if (prefix == NULL || plain == NULL || pascal == NULL) {
            return ISO_E_NOMEM;
        }
        char *longer = gen_join(arena, prefix, pascal, NULL);
        /* Exports live in ./index, imports in the generated file. */
        f->name = gen_names_claim(f->imported ? &gen->names : &exports,
                                  f->interface != NULL ? longer : plain, longer);
        if (f->name == NULL) {
            return ISO_E_NOMEM;
        }
    }
    return ISO_OK;
}

static enum iso_err write_file(struct gen_as *gen, const char *suffix,
                               void (*write)(struct gen_as *gen), iso_gen_file_fn file, void *ctx)
{
    struct iso_buf buf;
    iso_buf_init(&buf, gen->model.arena.alloc, GEN_MAX_FILE);
    gen_out_init(&gen->out, &buf);
    write(gen);
    enum iso_err err = gen_model_whole(&gen->model, gen->out.err);
    char *stem = iso_arena_copy_str(&gen->model.arena, gen->model.world->name);
    char *name = stem != NULL ? gen_join(&gen->model.arena, stem, suffix, NULL) : NULL;
    if (err == ISO_OK) {
        err = name != NULL ? file(ctx, name, iso_buf_view(&buf)) : ISO_E_NOMEM;
    }
    iso_buf_fini(&buf);
    return err;
}

enum iso_err gen_bindings_as(const struct iso_alloc *alloc, const struct iso_wit_world *world,
                             iso_gen_file_fn file, void *ctx, struct iso_report *report)
{
    struct gen_as gen = {.out = {.buf = NULL}};
    enum iso_err err = gen_model_init(&gen.model, alloc, world, false);
    gen_names_init(&gen.names, &gen.model.arena);
    for (size_t i = 0; i < ISO_COUNT_OF(taken); i++) {
        (void)gen_names_take(&gen.names, taken[i]);
    }
    if (err == ISO_OK) {
        err = gen_as_name_types(&gen);
    }
    if (err == ISO_OK) {
        err = name_funcs(&gen);
    }
    if (err == ISO_OK) {
        err = write_file(&gen, ".ts", put_module, file, ctx);
    }
    if (err == ISO_OK) {
        err = write_file(&gen, ".mjs", put_transform, file, ctx);
    }
    if (err != ISO_OK) {
        iso_report_set(report, "the AssemblyScript bindings of the world \"%.*s\": %s",
                       (int)world->name.len, world->name.ptr, iso_err_text(err));
    }
    gen_model_fini(&gen.model);
    return err;
}
