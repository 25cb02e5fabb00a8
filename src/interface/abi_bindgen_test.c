/* The convention of wasm-bindgen with small modules of both variants of its allocators, with
 * results in a frame and as several core results; options in their three forms; refusals. */
#include "interface/abi_test_support.h"

static const struct iso_str bindgen = {.ptr = "wasm-bindgen", .len = 12};

#define CODE(...) (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})

/* Which wasm-bindgen a module is made by. */
struct variant {
    bool aligned;
    bool in_frame;
};

static const struct variant variants[] = {{true, true}, {true, false}, {false, true}};

/* Calls the function "do-it" of a module whose "do_it" has this core type and code. */
struct call {
    const struct iso_vtype *result;
    const struct iso_vtype *params[3];
    uint32_t count;
    struct iso_value args[3];
    const char *core_params, *core_results;
    const uint8_t *code;
    size_t len;
    bool aligned;
};

static struct iso_value run(const struct call *call, uint32_t *freed)
{
    struct abi_guest guest;
    struct abi_writer writer;
    struct iso_binding *binding = NULL;
    struct iso_report report;
    struct iso_value result = {.u = 0};
    union iso_slot slot;
    struct iso_wit_func func = *abi_func(call->result, call->params, call->count);
    func.name = iso_str_from_z("do-it");
    abi_writer_init(&writer);
    abi_writer_bindgen(&writer, call->aligned);
    (void)abi_writer_func(&writer,
                          abi_writer_letters(&writer, call->core_params, call->core_results),
                          "do_it", call->code, call->len);
    abi_guest_init(&guest, abi_writer_finish(&writer, NULL, 0));
    abi_guest_start(&guest);
    iso_report_init(&report);
    enum iso_err err = iso_binding_create(guest.instance, bindgen, NULL, &func, &binding, &report);
    if (err == ISO_OK) {
        err = iso_binding_call(binding, call->args, abi_arena(), &result, &report);
    }
    if (err != ISO_OK) {
        TEST_FAIL("%s", iso_report_text(&report, err));
    }
    CHECK_OK(iso_instance_global_get(guest.instance, "posts", NULL, &slot));
    *freed = slot.u32;
    CHECK_OK(iso_instance_global_get(guest.instance, "stack", NULL, &slot));
    CHECK_EQ_U64(slot.u32, 1024);
    iso_binding_destroy(binding);
    abi_guest_fini(&guest);
    return result;
}

/* echo(list) -> list */
TEST(lists_and_strings_go_in_and_out)
{
    static const struct iso_value numbers[] = {{.s = 1}, {.s = -2}, {.s = 3}};
    for (size_t i = 0; i < ISO_COUNT_OF(variants); i++) {
        bool in_frame = variants[i].in_frame;
        static const uint8_t frame[] = {0x20, 0, 0x20, 1, 0x36, 2, 0, 0x20, 0, 0x20, 2, 0x36, 2, 4};
        static const uint8_t multi[] = {0x20, 0, 0x20, 1};
        uint32_t freed = 0;
        struct call call = {.count = 1,
                            .core_params = in_frame ? "iii" : "ii",
                            .core_results = in_frame ? "" : "ii",
                            .code = in_frame ? frame : multi,
                            .len = in_frame ? sizeof frame : sizeof multi,
                            .aligned = variants[i].aligned};
        call.result = call.params[0] = abi_p(ISO_V_STRING);
        call.args[0].string = iso_str_from_z("grüezi");
        CHECK(iso_str_equal_z(run(&call, &freed).string, "grüezi"));
        CHECK_EQ_U64(freed, 1024 + 7 + (call.aligned ? 1 : 0));
        call.result = call.params[0] = abi_list(abi_p(ISO_V_U8));
        call.args[0].bytes = iso_bytes_from("\xff\0", 2);
        CHECK(iso_bytes_equal(run(&call, &freed).bytes, call.args[0].bytes));
        call.result = call.params[0] = abi_list(abi_p(ISO_V_S64));
        call.args[0] = (struct iso_value){.list = {.items = numbers, .count = 3}};
        struct iso_value back = run(&call, &freed);
        CHECK(iso_value_equal(call.result, &back, &call.args[0]));
        CHECK_EQ_U64(freed, 1024 + 24 + (call.aligned ? 8 : 0));
        call.result = call.params[0] = abi_option(abi_p(ISO_V_STRING));
        call.args[0] = (struct iso_value){.choice = {.index = 0}};
        CHECK_EQ_U64(run(&call, &freed).choice.index, 0);
        CHECK_EQ_U64(freed, 0);
        struct iso_value text = {.string = iso_str_from_z("some")};
        call.args[0] = (struct iso_value){.choice = {.payload = &text, .index = 1}};
        back = run(&call, &freed);
        CHECK(iso_value_equal(call.result, &back, &call.args[0]));
    }
    abi_arena_fini();
}

TEST(numbers_go_as_core_values)
{
    uint32_t freed = 0;
    struct call call = {.result = abi_p(ISO_V_S8),
                        .params = {abi_p(ISO_V_S8), abi_p(ISO_V_BOOL)},
                        .count = 2,
                        .args = {{.s = -5}, {.boolean = true}},
                        .core_params = "ii",
                        .core_results = "i",
                        .code = (const uint8_t[]){0x20, 0, 0x20, 1, 0x6a},
                        .len = 5};
    CHECK_EQ_I64(run(&call, &freed).s, -4);
    abi_arena_fini();
}

/* An option in and out through the identity of the given core type. */
static void check_option(enum iso_vkind kind, struct iso_value some, const char *core)
{
    static const uint8_t one[] = {0x20, 0}, two[] = {0x20, 0, 0x20, 1};
    const struct iso_vtype *type = abi_option(abi_p(kind));
    uint32_t freed = 0;
    struct call call = {.result = type,
                        .params = {type},
                        .count = 1,
                        .core_params = core,
                        .core_results = core,
                        .code = strlen(core) == 1 ? one : two,
                        .len = strlen(core) == 1 ? sizeof one : sizeof two};
    call.args[0] = (struct iso_value){.choice = {.index = 0}};
    CHECK_EQ_U64(run(&call, &freed).choice.index, 0);
    call.args[0] = (struct iso_value){.choice = {.payload = &some, .index = 1}};
    struct iso_value back = run(&call, &freed);
    CHECK(iso_value_equal(type, &back, &call.args[0]));
}

TEST(options_in_their_forms)
{
    check_option(ISO_V_BOOL, (struct iso_value){.boolean = false}, "i");
    check_option(ISO_V_U16, (struct iso_value){.u = 65535}, "i");
    check_option(ISO_V_CHAR, (struct iso_value){.character = 0x10ffff}, "i");
    check_option(ISO_V_U32, (struct iso_value){.u = UINT32_MAX}, "F");
    check_option(ISO_V_S32, (struct iso_value){.s = INT32_MIN}, "F");
    check_option(ISO_V_F32, (struct iso_value){.f32 = 0.1f}, "F");
    check_option(ISO_V_U32, (struct iso_value){.u = 0}, "ii");
    check_option(ISO_V_F32, (struct iso_value){.f32 = 0.0f}, "if");
    check_option(ISO_V_S64, (struct iso_value){.s = INT64_MIN}, "iI");
    check_option(ISO_V_F64, (struct iso_value){.f64 = -0.0}, "iF");
    abi_arena_fini();
}

/* (is-some, f64) in a frame: the number stands at 8. */
TEST(wide_numbers_in_a_frame)
{
    struct iso_value some = {.f64 = 2.5};
    uint32_t freed = 0;
    struct call call = {
        .result = abi_option(abi_p(ISO_V_F64)),
        .params = {abi_option(abi_p(ISO_V_F64))},
        .count = 1,
        .args = {{.choice = {.payload = &some, .index = 1}}},
        .core_params = "iiF",
        .core_results = "",
        .code = (const uint8_t[]){0x20, 0, 0x20, 1, 0x36, 2, 0, 0x20, 0, 0x20, 2, 0x39, 3, 8},
        .len = 14};
    struct iso_value back = run(&call, &freed);
    CHECK(iso_value_equal(call.result, &back, &call.args[0]));
    abi_arena_fini();
}

/* ---- Refusals ----------------------------------------------------------------------------------
 */

static void check_refused(const char *malloc_params, const char *free_params,
                          const struct iso_vtype *param, enum iso_err expected, const char *words)
{
    struct abi_guest guest;
    struct abi_writer writer;
    struct iso_binding *binding = NULL;
    struct iso_report report;
    abi_writer_init(&writer);
    if (malloc_params != NULL) {
        (void)abi_writer_func(&writer, abi_writer_letters(&writer, malloc_params, "i"),
                              "__wbindgen_malloc", CODE(0x41, 0));
        (void)abi_writer_func(&writer, abi_writer_letters(&writer, free_params, ""),
                              "__wbindgen_free", CODE(0x01));
    }
    (void)abi_writer_func(&writer, abi_writer_letters(&writer, "ii", ""), "f", CODE(0x01));
    abi_guest_init(&guest, abi_writer_finish(&writer, NULL, 0));
    abi_guest_start(&guest);
    iso_report_init(&report);
    CHECK_ERR(iso_binding_create(guest.instance, bindgen, NULL, abi_func(NULL, &param, 1), &binding,
                                 &report),
              expected);
    CHECK_CONTAINS(report.text, words);
    CHECK(binding == NULL);
    abi_guest_fini(&guest);
    abi_arena_fini();
}

TEST(what_is_not_known_is_refused)
{
    const char *unknown = "this variant of wasm-bindgen is not known: __wbindgen_malloc is ";
    check_refused("iii", "iii", abi_p(ISO_V_STRING), ISO_E_UNSUPPORTED, unknown);
    check_refused("i", "iii", abi_p(ISO_V_STRING), ISO_E_UNSUPPORTED, unknown);
    check_refused("ii", "ii", abi_p(ISO_V_STRING), ISO_E_UNSUPPORTED, unknown);
    check_refused(NULL, NULL, abi_p(ISO_V_STRING), ISO_E_NOT_FOUND, "\"__wbindgen_malloc\"");
    check_refused("ii", "iii", abi_p(ISO_V_U64), ISO_E_LINK, "(i32, i32) -> ()");
    check_refused("ii", "iii", abi_list(abi_p(ISO_V_STRING)), ISO_E_UNSUPPORTED,
                  "list<string> cannot be passed to a wasm-bindgen module");
    check_refused("ii", "iii", abi_tuple(abi_p(ISO_V_U8)), ISO_E_UNSUPPORTED, "tuple<u8>");
    check_refused("ii", "iii", abi_option(abi_option(abi_p(ISO_V_U8))), ISO_E_UNSUPPORTED,
                  "option<option<u8>>");
}
