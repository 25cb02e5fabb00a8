/* Fuzz target `call_load`: the bytes of a saved typed call, damaged in any way, loaded into a
 * binding whose store is stopped in one of the phases of a call. What is refused must say so; what
 * is loaded goes on to some end. Both conventions.
 *
 * Input: 1 byte convention (bit 0), views (bit 1) and whether the rest takes the place of the saved
 * bytes (bit 2) or changes them; 1 byte how many safepoints the call has passed; then bytes, or
 * changes: 2 bytes place, 1 byte value, and last perhaps 1 byte how many to cut off. */
#include "harness.h"
#include "target.h"

#include "interface/interface.h"

enum { HEAD = 2, ARENA_MAX = 1 << 18, STEPS_MAX = 40, ID_END = 16 };

/* What src/interface/abi_test_support.c makes: an echo of a list of records through an import, and
 * of a string with wasm-bindgen's runtime (abi_save_test.c). */
/* clang-format off */
static const uint8_t wasm_echo[] = {
    0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x19, 0x04, 0x60, 0x03, 0x7f, 0x7f, 0x7f,
    0x00, 0x60, 0x02, 0x7f, 0x7f, 0x01, 0x7f, 0x60, 0x04, 0x7f, 0x7f, 0x7f, 0x7f, 0x01, 0x7f, 0x60,
    0x01, 0x7f, 0x00, 0x02, 0x0b, 0x01, 0x05, 0x24, 0x72, 0x6f, 0x6f, 0x74, 0x01, 0x66, 0x00, 0x00,
    0x03, 0x04, 0x03, 0x02, 0x01, 0x03, 0x05, 0x03, 0x01, 0x00, 0x01, 0x06, 0x12, 0x03, 0x7f, 0x01,
    0x41, 0x80, 0x08, 0x0b, 0x7f, 0x01, 0x41, 0x00, 0x0b, 0x7f, 0x01, 0x41, 0x80, 0x08, 0x0b, 0x07,
    0x3b, 0x06, 0x0c, 0x63, 0x61, 0x62, 0x69, 0x5f, 0x72, 0x65, 0x61, 0x6c, 0x6c, 0x6f, 0x63, 0x00,
    0x01, 0x01, 0x66, 0x00, 0x02, 0x0b, 0x63, 0x61, 0x62, 0x69, 0x5f, 0x70, 0x6f, 0x73, 0x74, 0x5f,
    0x66, 0x00, 0x03, 0x06, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 0x02, 0x00, 0x05, 0x70, 0x6f, 0x73,
    0x74, 0x73, 0x03, 0x01, 0x05, 0x73, 0x74, 0x61, 0x63, 0x6b, 0x03, 0x02, 0x0a, 0x5e, 0x03, 0x34,
    0x00, 0x23, 0x00, 0x20, 0x02, 0x6a, 0x41, 0x01, 0x6b, 0x41, 0x00, 0x20, 0x02, 0x6b, 0x71, 0x22,
    0x02, 0x20, 0x03, 0x6a, 0x24, 0x00, 0x03, 0x40, 0x23, 0x00, 0x3f, 0x00, 0x41, 0x10, 0x74, 0x4b,
    0x04, 0x40, 0x41, 0x01, 0x40, 0x00, 0x41, 0x7f, 0x46, 0x04, 0x40, 0x00, 0x0b, 0x0c, 0x01, 0x0b,
    0x0b, 0x20, 0x02, 0x0b, 0x18, 0x00, 0x41, 0x00, 0x41, 0x00, 0x41, 0x04, 0x41, 0x08, 0x10, 0x01,
    0x24, 0x02, 0x20, 0x00, 0x20, 0x01, 0x23, 0x02, 0x10, 0x00, 0x23, 0x02, 0x0b, 0x0e, 0x00, 0x23,
    0x01, 0x41, 0x01, 0x6a, 0x24, 0x01, 0x41, 0x80, 0x08, 0x24, 0x00, 0x0b,
};
static const uint8_t wasm_bg[] = {
    0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x18, 0x04, 0x60, 0x02, 0x7f, 0x7f, 0x01,
    0x7f, 0x60, 0x03, 0x7f, 0x7f, 0x7f, 0x00, 0x60, 0x01, 0x7f, 0x01, 0x7f, 0x60, 0x03, 0x7f, 0x7f,
    0x7f, 0x00, 0x02, 0x01, 0x00, 0x03, 0x05, 0x04, 0x00, 0x01, 0x02, 0x03, 0x05, 0x03, 0x01, 0x00,
    0x01, 0x06, 0x12, 0x03, 0x7f, 0x01, 0x41, 0x80, 0x08, 0x0b, 0x7f, 0x01, 0x41, 0x00, 0x0b, 0x7f,
    0x01, 0x41, 0x80, 0x08, 0x0b, 0x07, 0x66, 0x07, 0x11, 0x5f, 0x5f, 0x77, 0x62, 0x69, 0x6e, 0x64,
    0x67, 0x65, 0x6e, 0x5f, 0x6d, 0x61, 0x6c, 0x6c, 0x6f, 0x63, 0x00, 0x00, 0x0f, 0x5f, 0x5f, 0x77,
    0x62, 0x69, 0x6e, 0x64, 0x67, 0x65, 0x6e, 0x5f, 0x66, 0x72, 0x65, 0x65, 0x00, 0x01, 0x1f, 0x5f,
    0x5f, 0x77, 0x62, 0x69, 0x6e, 0x64, 0x67, 0x65, 0x6e, 0x5f, 0x61, 0x64, 0x64, 0x5f, 0x74, 0x6f,
    0x5f, 0x73, 0x74, 0x61, 0x63, 0x6b, 0x5f, 0x70, 0x6f, 0x69, 0x6e, 0x74, 0x65, 0x72, 0x00, 0x02,
    0x01, 0x66, 0x00, 0x03, 0x06, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 0x02, 0x00, 0x05, 0x70, 0x6f,
    0x73, 0x74, 0x73, 0x03, 0x01, 0x05, 0x73, 0x74, 0x61, 0x63, 0x6b, 0x03, 0x02, 0x0a, 0x63, 0x04,
    0x34, 0x00, 0x23, 0x00, 0x20, 0x01, 0x6a, 0x41, 0x01, 0x6b, 0x41, 0x00, 0x20, 0x01, 0x6b, 0x71,
    0x22, 0x01, 0x20, 0x00, 0x6a, 0x24, 0x00, 0x03, 0x40, 0x23, 0x00, 0x3f, 0x00, 0x41, 0x10, 0x74,
    0x4b, 0x04, 0x40, 0x41, 0x01, 0x40, 0x00, 0x41, 0x7f, 0x46, 0x04, 0x40, 0x00, 0x0b, 0x0c, 0x01,
    0x0b, 0x0b, 0x20, 0x01, 0x0b, 0x0f, 0x00, 0x23, 0x01, 0x20, 0x00, 0x6a, 0x20, 0x01, 0x6a, 0x20,
    0x02, 0x6a, 0x24, 0x01, 0x0b, 0x0b, 0x00, 0x23, 0x02, 0x20, 0x00, 0x6a, 0x24, 0x02, 0x23, 0x02,
    0x0b, 0x10, 0x00, 0x20, 0x00, 0x20, 0x01, 0x36, 0x02, 0x00, 0x20, 0x00, 0x20, 0x02, 0x36, 0x02,
    0x04, 0x0b,
};
/* clang-format on */

struct run {
    struct iso_engine *engine;
    struct iso_module *module;
    struct iso_store *store;
    struct iso_instance *instance;
    struct iso_binding *binding;
    struct iso_arena arena;
    bool bindgen, views;
};

/* The functions' types; the same in every run. */
static struct iso_vmember fields[2];
static struct iso_vtype record = {
    .kind = ISO_V_RECORD, .members = fields, .member_count = ISO_COUNT_OF(fields)};
static struct iso_vtype list = {.kind = ISO_V_LIST, .element = &record};
static struct iso_wit_param params[2];
static struct iso_wit_func funcs[2];

static void types_init(void)
{
    const struct iso_vtype *string = iso_vtype_primitive(ISO_V_STRING);
    fields[0] = (struct iso_vmember){.name = iso_str_from_z("a"), .type = string};
    fields[1] =
        (struct iso_vmember){.name = iso_str_from_z("b"), .type = iso_vtype_primitive(ISO_V_BOOL)};
    if (iso_vtype_finish(&record, NULL) != ISO_OK || iso_vtype_finish(&list, NULL) != ISO_OK) {
        fuzz_fail("the types are not right");
    }
    for (int i = 0; i < 2; i++) {
        params[i] =
            (struct iso_wit_param){.name = iso_str_from_z("a"), .type = i == 0 ? &list : string};
        funcs[i] = (struct iso_wit_func){.name = iso_str_from_z("f"),
                                         .params = &params[i],
                                         .param_count = 1,
                                         .result = params[i].type};
    }
}

static enum iso_host_result echo(void *ctx, struct iso_host_call *call,
                                 const struct iso_value *args, struct iso_arena *arena,
                                 struct iso_value *result)
{
    (void)ctx;
    (void)call;
    (void)arena;
    if (iso_value_check(&list, &args[0], NULL) != ISO_OK) {
        fuzz_fail("an argument is not of its type");
    }
    *result = args[0];
    return ISO_HOST_DONE;
}

static void require(enum iso_err err, const char *what)
{
    if (err != ISO_OK) {
        fuzz_fail("%s: %s", what, iso_err_name(err));
    }
}

/* A store with the instance, or one to restore into. */
static void run_init(struct run *run)
{
    /* Small: clearing a stack of the usual size takes longer than all the rest. */
    const struct iso_store_config config = {.stack_max_bytes = 1 << 14,
                                            .memory_max_bytes = 1 << 20};
    run->engine = fuzz_engine_create(ISO_TRANSLATE_LAZY, 0);
    require(iso_module_create(run->engine, run->bindgen ? wasm_bg : wasm_echo,
                              run->bindgen ? sizeof wasm_bg : sizeof wasm_echo, &run->module, NULL),
            "module");
    require(iso_store_create(run->engine, &config, &run->store), "store");
    require(iso_typed_define(run->store, NULL, &funcs[0], echo, NULL, ISO_HOST_REISSUE), "import");
    require(iso_instance_create(run->store, run->module, &run->instance, NULL), "instance");
    require(iso_binding_create(run->instance,
                               iso_str_from_z(run->bindgen ? "wasm-bindgen" : "canonical"), NULL,
                               &funcs[run->bindgen], &run->binding, NULL),
            "binding");
    iso_binding_set_views(run->binding, run->views);
    iso_arena_init(&run->arena, iso_alloc_libc(), 0, ARENA_MAX);
}

static void run_fini(struct run *run)
{
    iso_binding_destroy(run->binding);
    iso_arena_fini(&run->arena);
    iso_store_destroy(run->store);
    iso_module_destroy(run->module);
    fuzz_engine_destroy(run->engine);
}

/* Begin the call and stop after some safepoints; what is saved there. */
static void save(struct run *run, unsigned steps, struct iso_buf *out)
{
    struct iso_value items[2] = {{.string = iso_str_from_z("text")}, {.boolean = true}};
    struct iso_value record_value = {.list = {.items = items, .count = 2}};
    struct iso_value arg = {.list = {.items = &record_value, .count = 1}}, result;
    if (run->bindgen) {
        arg.string = iso_str_from_z("text");
    }
    iso_store_step(run->store, true);
    enum iso_err err = iso_binding_call(run->binding, &arg, &run->arena, &result, NULL);
    for (unsigned i = 0; i < steps && err == ISO_E_PENDING; i++) {
        err = iso_binding_continue(run->binding, &run->arena, &result, NULL);
    }
    if (err == ISO_OK && run->views && steps % 2 != 0) {
        err = iso_binding_release(run->binding, NULL);
    }
    iso_store_step(run->store, false);
    if (iso_binding_save(run->binding, out, NULL) != ISO_OK && err != ISO_OK) {
        fuzz_fail("a call under way is not saved");
    }
}

static void damage(struct iso_buf *saved, const uint8_t *data, size_t len)
{
    for (; len >= 3 && saved->len != 0; data += 3, len -= 3) {
        saved->ptr[iso_load_u16le(data) % saved->len] = data[2];
    }
    if (len != 0) {
        saved->len -= data[0] < saved->len ? data[0] : saved->len;
    }
}

/* The rest of the input after the true beginning, which says whose call it is. */
static void replace(struct iso_buf *saved, const uint8_t *data, size_t len)
{
    size_t keep = saved->len < ID_END ? saved->len : ID_END;
    if (len != 0 && keep == ID_END) {
        saved->ptr[6] = data[0] % 8;
    }
    saved->len = keep;
    require(iso_buf_append(saved, data, len), "bytes");
}

/* In the same store, into another binding: its memory is that of the moment. */
static void load(struct run *run, struct iso_bytes bytes)
{
    struct iso_report report;
    struct iso_value result = {.u = 0};
    struct iso_binding *binding = NULL;
    iso_report_init(&report);
    require(iso_binding_create(run->instance,
                               iso_str_from_z(run->bindgen ? "wasm-bindgen" : "canonical"), NULL,
                               &funcs[run->bindgen], &binding, NULL),
            "second binding");
    iso_binding_set_views(binding, run->views);
    enum iso_err err = iso_binding_load(binding, bytes, &run->arena, &report);
    if (err != ISO_OK && err != ISO_E_NOMEM && err != ISO_E_LIMIT &&
        (err != ISO_E_SNAPSHOT || !report.set)) {
        fuzz_fail("loading failed with %s and without words", iso_err_name(err));
    }
    if (err == ISO_OK) {
        iso_store_set_fuel(run->store, 1000000);
        err = iso_binding_continue(binding, &run->arena, &result, NULL);
        if (err == ISO_E_STATE) { /* the result was delivered, or is to be released */
            err = iso_binding_continue(binding, &run->arena, NULL, NULL);
            (void)err;
        } else if (err == ISO_OK && !run->views &&
                   iso_value_check(funcs[run->bindgen].result, &result, NULL) != ISO_OK) {
            fuzz_fail("the result is not of its type");
        }
        err = iso_binding_release(binding, NULL);
        (void)err;
        iso_binding_drop(binding);
    }
    iso_binding_destroy(binding);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct run run = {.engine = NULL};
    struct iso_buf saved;
    if (len < HEAD) {
        return 0;
    }
    if (funcs[0].param_count == 0) {
        types_init();
    }
    run.bindgen = (data[0] & 1) != 0;
    run.views = (data[0] & 2) != 0;
    run_init(&run);
    iso_buf_init(&saved, iso_alloc_libc(), SIZE_MAX);
    save(&run, data[1] % STEPS_MAX, &saved);
    if ((data[0] & 4) != 0) {
        replace(&saved, data + HEAD, len - HEAD);
    } else {
        damage(&saved, data + HEAD, len - HEAD);
    }
    /* A block of its own, so that a sanitizer sees a read beside it. */
    uint8_t *bytes = iso_alloc_new(iso_alloc_libc(), saved.len);
    iso_memory_copy(bytes, saved.ptr, saved.len);
    load(&run, iso_bytes_from(bytes, saved.len));
    iso_alloc_free(iso_alloc_libc(), bytes, saved.len);
    iso_buf_fini(&saved);
    run_fini(&run);
    return 0;
}
