/* Typed calls through a guest and a typed host function: whatever goes in comes out, in both
 * directions, for every type; suspension; refusals. */
#include "interface/abi_test_support.h"

static const struct iso_str canonical = {.ptr = "canonical", .len = 9};

/* What the host function saw and answers. */
struct echo {
    const struct iso_wit_func *func;
    const struct iso_value *expected;
    const struct iso_value *answer;
    unsigned calls;
    bool wait; /* answer that it has to wait, once */
};

static enum iso_host_result echo(void *ctx, struct iso_host_call *call,
                                 const struct iso_value *args, struct iso_arena *arena,
                                 struct iso_value *result)
{
    struct echo *echo = ctx;
    (void)arena;
    CHECK(call->ctx == ctx);
    for (uint32_t i = 0; i < echo->func->param_count; i++) {
        CHECK(iso_value_equal(echo->func->params[i].type, &args[i], &echo->expected[i]));
    }
    echo->calls++;
    if (echo->wait) {
        echo->wait = false;
        CHECK(!call->reissued);
        return ISO_HOST_PENDING;
    }
    if (echo->func->result != NULL) {
        *result = *echo->answer;
    }
    return ISO_HOST_DONE;
}

/* A guest with a binding of f. */
struct fixture {
    struct abi_guest guest;
    struct echo echo;
    struct iso_binding *binding;
    struct iso_arena results;
    struct iso_report report;
};

static void fixture_init(struct fixture *f, const struct iso_wit_func *func)
{
    memset(f, 0, sizeof *f);
    f->echo.func = func;
    iso_report_init(&f->report);
    abi_guest_init(&f->guest, abi_echo_module(func));
    CHECK_OK(iso_typed_define(f->guest.store, NULL, func, echo, &f->echo, ISO_HOST_REISSUE));
    abi_guest_start(&f->guest);
    enum iso_err err =
        iso_binding_create(f->guest.instance, canonical, NULL, func, &f->binding, &f->report);
    if (err != ISO_OK) {
        TEST_FAIL("%s", iso_report_text(&f->report, err));
    }
    iso_arena_init(&f->results, iso_alloc_libc(), 0, SIZE_MAX);
}

static void fixture_fini(struct fixture *f)
{
    iso_binding_destroy(f->binding);
    iso_arena_fini(&f->results);
    abi_guest_fini(&f->guest);
}

static uint32_t posts(struct fixture *f)
{
    union iso_slot slot;
    CHECK_OK(iso_instance_global_get(f->guest.instance, "posts", NULL, &slot));
    return slot.u32;
}

static void check_result(struct fixture *f, const struct iso_value *result)
{
    const struct iso_vtype *type = f->echo.func->result;
    CHECK(type == NULL || iso_value_equal(type, result, f->echo.answer));
}

/* One call with random values. step: suspended at every instruction that can be. */
static void round_trip(struct fixture *f, struct iso_random *random, bool step)
{
    const struct iso_wit_func *func = f->echo.func;
    struct iso_value args[64], answer, result = {.u = 0};
    uint32_t before = posts(f);
    for (uint32_t i = 0; i < func->param_count; i++) {
        CHECK_OK(iso_random_value(random, func->params[i].type, abi_arena(), &args[i]));
    }
    if (func->result != NULL) {
        CHECK_OK(iso_random_value(random, func->result, abi_arena(), &answer));
    }
    f->echo.expected = args;
    f->echo.answer = &answer;
    f->echo.calls = 0;
    iso_store_step(f->guest.store, step);
    enum iso_err err = iso_binding_call(f->binding, args, &f->results, &result, &f->report);
    CHECK(!step || err == ISO_E_PENDING);
    while (err == ISO_E_PENDING) {
        err = iso_binding_continue(f->binding, &f->results, &result, &f->report);
    }
    iso_store_step(f->guest.store, false);
    if (err != ISO_OK) {
        TEST_FAIL("%s", iso_report_text(&f->report, err));
    }
    CHECK_EQ_U64(f->echo.calls, 1);
    CHECK_EQ_U64(posts(f), before + 1);
    check_result(f, &result);
    iso_arena_fini(&f->results);
}

static void round_trips(const struct iso_wit_func *func, struct iso_random *random, unsigned count)
{
    struct fixture f;
    fixture_init(&f, func);
    for (unsigned i = 0; i < count; i++) {
        round_trip(&f, random, i % 4 == 3);
    }
    fixture_fini(&f);
}

/* Every kind, alone, as a parameter and a result, inside of the containers. */
TEST(every_kind_goes_in_and_out)
{
    struct iso_random random;
    iso_random_init(&random, 0x1234567);
    for (int kind = ISO_V_BOOL; kind <= ISO_V_STRING; kind++) {
        const struct iso_vtype *p = abi_p((enum iso_vkind)kind);
        const struct iso_vtype *types[] = {p,
                                           abi_list(p),
                                           abi_option(p),
                                           abi_option(abi_option(p)),
                                           abi_tuple(p, abi_p(ISO_V_U8), p),
                                           abi_record(abi_p(ISO_V_BOOL), p, abi_p(ISO_V_U16)),
                                           abi_result(p, abi_p(ISO_V_STRING)),
                                           abi_result(NULL, p),
                                           abi_variant(p, abi_p(ISO_V_F32), NULL, abi_p(ISO_V_U64)),
                                           abi_variant(abi_p(ISO_V_F64), p, abi_list(p)),
                                           abi_list(abi_list(p)),
                                           abi_list(abi_option(p))};
        for (size_t i = 0; i < ISO_COUNT_OF(types); i++) {
            round_trips(abi_func(types[i], &types[i], 1), &random, 8);
        }
        abi_arena_fini();
    }
}

TEST(flags_and_enums_of_every_size)
{
    static const uint32_t counts[] = {1, 7, 8, 9, 16, 17, 31, 32, 33, 64, 65, 256, 257, 1000};
    struct iso_random random;
    iso_random_init(&random, 77);
    for (size_t i = 0; i < ISO_COUNT_OF(counts); i++) {
        const struct iso_vtype *types[] = {abi_labels(ISO_V_FLAGS, counts[i]),
                                           abi_labels(ISO_V_ENUM, counts[i]),
                                           abi_list(abi_labels(ISO_V_FLAGS, counts[i])),
                                           abi_option(abi_labels(ISO_V_ENUM, counts[i]))};
        for (size_t k = 0; k < ISO_COUNT_OF(types); k++) {
            round_trips(abi_func(types[k], &types[k], 1), &random, 4);
        }
    }
    abi_arena_fini();
}

/* At 16 the parameters are flat, at 17 one pointer; the core types that the bindings insist on say
 * which. */
TEST(sixteen_and_seventeen_flat_parameters)
{
    struct iso_random random;
    iso_random_init(&random, 99);
    const struct iso_vtype *params[17];
    for (size_t i = 0; i < 17; i++) {
        params[i] = abi_p(i % 3 == 0 ? ISO_V_U64 : i % 3 == 1 ? ISO_V_U8 : ISO_V_F32);
    }
    for (uint32_t count = 15; count <= 17; count++) {
        const struct iso_abi_func *plan = NULL;
        const struct iso_wit_func *func = abi_func(abi_p(ISO_V_U32), params, count);
        CHECK_OK(iso_abi_func_prepare(func, 16, 1, false, abi_arena(), &plan, NULL));
        CHECK_EQ_U64(plan->core_param_count, count == 17 ? 1 : count);
        round_trips(func, &random, 8);
    }
    params[15] = abi_p(ISO_V_STRING);
    round_trips(abi_func(NULL, params, 16), &random, 8);
    round_trips(abi_func(NULL, NULL, 0), &random, 8);
    abi_arena_fini();
}

TEST(random_types)
{
    struct iso_random random;
    iso_random_init(&random, 0x9e3779b97f4a7c15u);
    for (unsigned i = 0; i < 400; i++) {
        const struct iso_vtype *params[6];
        uint32_t count = (uint32_t)(iso_random_u64(&random) % 7);
        for (uint32_t k = 0; k < count; k++) {
            params[k] = iso_random_type(&random, abi_arena(), 4);
        }
        const struct iso_vtype *result =
            iso_random_u64(&random) % 8 == 0 ? NULL : iso_random_type(&random, abi_arena(), 4);
        round_trips(abi_func(result, params, count), &random, 8);
        abi_arena_fini();
    }
}

/* ---- Waiting -----------------------------------------------------------------------------------
 */

TEST(a_call_waits_for_its_import)
{
    struct fixture f;
    const struct iso_vtype *string = abi_p(ISO_V_STRING);
    struct iso_value arg = {.string = iso_str_from_z("question")};
    struct iso_value answer = {.string = iso_str_from_z("answer")}, result = {.u = 0};
    fixture_init(&f, abi_func(string, &string, 1));
    f.echo.expected = &arg;
    f.echo.answer = &answer;
    f.echo.wait = true;
    CHECK_ERR(iso_binding_call(f.binding, &arg, &f.results, &result, &f.report), ISO_E_PENDING);
    CHECK_ERR(iso_binding_call(f.binding, &arg, &f.results, &result, &f.report), ISO_E_STATE);
    CHECK_OK(iso_binding_continue(f.binding, &f.results, &result, &f.report));
    CHECK(iso_str_equal_z(result.string, "answer"));
    CHECK_EQ_U64(f.echo.calls, 2);
    CHECK_ERR(iso_binding_continue(f.binding, &f.results, &result, NULL), ISO_E_STATE);
    fixture_fini(&f);
    abi_arena_fini();
}

TEST(a_call_given_up_leaves_the_binding_usable)
{
    struct fixture f;
    const struct iso_vtype *string = abi_p(ISO_V_STRING);
    struct iso_value arg = {.string = iso_str_from_z("x")}, result = {.u = 0};
    fixture_init(&f, abi_func(string, &string, 1));
    f.echo.expected = &arg;
    f.echo.answer = &arg;
    f.echo.wait = true;
    CHECK_ERR(iso_binding_call(f.binding, &arg, &f.results, &result, NULL), ISO_E_PENDING);
    iso_binding_drop(f.binding);
    CHECK_OK(iso_binding_call(f.binding, &arg, &f.results, &result, NULL));
    f.echo.wait = true;
    CHECK_ERR(iso_binding_call(f.binding, &arg, &f.results, &result, NULL), ISO_E_PENDING);
    iso_drop(f.guest.store); /* behind its back */
    CHECK_ERR(iso_binding_continue(f.binding, &f.results, &result, NULL), ISO_E_STATE);
    CHECK_OK(iso_binding_call(f.binding, &arg, &f.results, &result, NULL));
    fixture_fini(&f);
    abi_arena_fini();
}

/* Without fuel the allocator cannot begin; its part inside of the host call has fuel of its own,
 * which is charged afterwards. */
TEST(fuel_ends_at_any_place_and_the_call_goes_on)
{
    struct fixture f;
    const struct iso_vtype *string = abi_p(ISO_V_STRING);
    struct iso_value arg = {.string = iso_str_from_z("in")}, result = {.u = 0};
    struct iso_value answer = {.string = iso_str_from_z("out")};
    fixture_init(&f, abi_func(string, &string, 1));
    f.echo.expected = &arg;
    f.echo.answer = &answer;
    iso_store_set_fuel(f.guest.store, 0);
    unsigned pending = 0;
    enum iso_err err = iso_binding_call(f.binding, &arg, &f.results, &result, &f.report);
    for (; err == ISO_E_PENDING && pending < 1000; pending++) {
        CHECK(iso_store_state(f.guest.store) == ISO_RUN_OUT_OF_FUEL);
        iso_store_set_fuel(f.guest.store, 1);
        err = iso_binding_continue(f.binding, &f.results, &result, &f.report);
    }
    CHECK_OK(err);
    CHECK(pending > 3);
    CHECK_EQ_U64(f.echo.calls, 1);
    CHECK(iso_str_equal_z(result.string, "out"));
    fixture_fini(&f);
    abi_arena_fini();
}

/* ---- Views -------------------------------------------------------------------------------------
 */

TEST(views_are_in_the_memory_until_they_are_released)
{
    struct fixture f;
    const struct iso_vtype *bytes = abi_list(abi_p(ISO_V_U8));
    struct iso_value arg = {.bytes = iso_bytes_from("abc", 3)}, result = {.u = 0};
    uint64_t size = 0;
    fixture_init(&f, abi_func(bytes, &bytes, 1));
    f.echo.expected = &arg;
    f.echo.answer = &arg;
    iso_binding_set_views(f.binding, true);
    CHECK_OK(iso_binding_call(f.binding, &arg, &f.results, &result, &f.report));
    const uint8_t *memory = iso_instance_memory(f.guest.instance, &size);
    CHECK(result.bytes.ptr >= memory && result.bytes.ptr < memory + size);
    CHECK_MEM(result.bytes.ptr, "abc", 3);
    CHECK_EQ_U64(posts(&f), 0);
    CHECK_ERR(iso_binding_call(f.binding, &arg, &f.results, &result, NULL), ISO_E_STATE);
    CHECK_OK(iso_binding_release(f.binding, &f.report));
    CHECK_EQ_U64(posts(&f), 1);
    CHECK_OK(iso_binding_release(f.binding, &f.report));
    CHECK_EQ_U64(posts(&f), 1);
    iso_binding_set_views(f.binding, false);
    CHECK_OK(iso_binding_call(f.binding, &arg, &f.results, &result, &f.report));
    CHECK(result.bytes.ptr < memory || result.bytes.ptr >= memory + size);
    fixture_fini(&f);
    abi_arena_fini();
}

/* A host function that looks at bytes in the caller's memory. */
struct looker {
    enum { LOOK_COPY, LOOK_PASS_BYTES, LOOK_PASS_TEXT } answer;
    unsigned calls;
};

static enum iso_host_result look(void *ctx, struct iso_host_call *call,
                                 const struct iso_value *args, struct iso_arena *arena,
                                 struct iso_value *result)
{
    struct looker *looker = ctx;
    uint64_t size = 0;
    const uint8_t *memory = iso_instance_memory(call->caller, &size);
    const struct iso_bytes bytes = args[0].list.items[1].bytes;
    struct iso_value *items = iso_arena_array(arena, 2, sizeof *items);
    CHECK(items != NULL);
    CHECK(bytes.ptr >= memory && bytes.ptr + bytes.len <= memory + size);
    CHECK_MEM(bytes.ptr, "bytes", 5);
    looker->calls++;
    items[0].string = args[0].list.items[0].string;
    items[1].bytes = bytes;
    if (looker->answer == LOOK_PASS_TEXT) {
        items[0].string = iso_str_from((const char *)bytes.ptr + 1, 2);
    }
    if (looker->answer != LOOK_PASS_BYTES) {
        CHECK_OK(iso_value_copy(abi_list(abi_p(ISO_V_U8)), &(struct iso_value){.bytes = bytes},
                                arena, &items[1]));
    }
    result->list.items = items;
    result->list.count = 2;
    return ISO_HOST_DONE;
}

TEST(host_functions_may_look_at_the_callers_bytes)
{
    struct abi_guest guest;
    struct iso_binding *binding = NULL;
    struct looker looker = {.answer = LOOK_COPY};
    struct iso_report report;
    const struct iso_vtype *type = abi_record(abi_p(ISO_V_STRING), abi_list(abi_p(ISO_V_U8)));
    const struct iso_wit_func *func = abi_func(type, &type, 1);
    struct iso_value fields[2] = {{.string = iso_str_from_z("text")},
                                  {.bytes = iso_bytes_from("bytes", 5)}};
    struct iso_value arg = {.list = {.items = fields, .count = 2}}, result = {.u = 0};
    iso_report_init(&report);
    abi_guest_init(&guest, abi_echo_module(func));
    CHECK_OK(iso_typed_define_views(guest.store, NULL, func, look, &looker, ISO_HOST_REISSUE));
    abi_guest_start(&guest);
    CHECK_OK(iso_binding_create(guest.instance, canonical, NULL, func, &binding, &report));
    CHECK_OK(iso_binding_call(binding, &arg, abi_arena(), &result, &report));
    CHECK(iso_value_equal(type, &result, &arg));

    /* The memory may move while room for the result is made. */
    looker.answer = LOOK_PASS_BYTES;
    CHECK_ERR(iso_binding_call(binding, &arg, abi_arena(), &result, &report), ISO_E_TRAP);
    CHECK_CONTAINS(report.text, "f: the result has bytes of an argument that is a view: copy them");
    looker.answer = LOOK_PASS_TEXT;
    CHECK_ERR(iso_binding_call(binding, &arg, abi_arena(), &result, NULL), ISO_E_TRAP);
    CHECK_EQ_U64(looker.calls, 3);
    iso_binding_destroy(binding);
    abi_guest_fini(&guest);
    abi_arena_fini();
}

/* ---- Refusals ----------------------------------------------------------------------------------
 */

TEST(arguments_of_the_wrong_kind_do_not_reach_the_instance)
{
    struct fixture f;
    const struct iso_vtype *types[] = {abi_p(ISO_V_U8), abi_list(abi_p(ISO_V_CHAR))};
    struct iso_value chars[] = {{.character = 'a'}, {.character = 0xd800}};
    struct iso_value args[] = {{.u = 256}, {.list = {.items = chars, .count = 2}}};
    fixture_init(&f, abi_func(NULL, types, 2));
    uint64_t used = iso_store_fuel_used(f.guest.store);
    CHECK_ERR(iso_binding_call(f.binding, args, &f.results, NULL, &f.report), ISO_E_ARGUMENT);
    CHECK_CONTAINS(f.report.text, "a");
    iso_report_init(&f.report);
    args[0].u = 255;
    CHECK_ERR(iso_binding_call(f.binding, args, &f.results, NULL, &f.report), ISO_E_ARGUMENT);
    CHECK_CONTAINS(f.report.text, "b[1]");
    CHECK_EQ_U64(iso_store_fuel_used(f.guest.store), used);
    fixture_fini(&f);
    abi_arena_fini();
}

TEST(an_answer_of_the_wrong_kind_traps)
{
    struct fixture f;
    struct iso_value answer = {.u = 3}, result = {.u = 99};
    fixture_init(&f, abi_func(abi_labels(ISO_V_ENUM, 3), NULL, 0));
    f.echo.answer = &answer;
    CHECK_ERR(iso_binding_call(f.binding, NULL, &f.results, &result, &f.report), ISO_E_TRAP);
    CHECK(iso_store_trap(f.guest.store)->kind == ISO_TRAP_HOST);
    CHECK_CONTAINS(f.report.text, "f: ");
    CHECK_EQ_U64(result.u, 99);
    fixture_fini(&f);
    abi_arena_fini();
}

TEST(bindings_say_what_is_missing)
{
    struct fixture f;
    struct iso_report report;
    struct iso_binding *binding = NULL;
    const struct iso_vtype *string = abi_p(ISO_V_STRING);
    const struct iso_wit_package package = {.ns = iso_str_from_z("ns"),
                                            .name = iso_str_from_z("pkg"),
                                            .version = iso_str_from_z("1.2.3")};
    const struct iso_wit_interface interface = {.package = &package,
                                                .name = iso_str_from_z("iface")};
    const struct iso_wit_func *func = abi_func(string, &string, 1);
    fixture_init(&f, func);
    iso_report_init(&report);
    CHECK_ERR(iso_binding_create(f.guest.instance, canonical, &interface, func, &binding, &report),
              ISO_E_NOT_FOUND);
    CHECK_STR(report.text, "the module exports no function \"ns:pkg/iface@1.2.3#f\"");
    iso_report_init(&report);
    func = abi_func(abi_p(ISO_V_F64), &string, 1);
    CHECK_ERR(iso_binding_create(f.guest.instance, canonical, NULL, func, &binding, &report),
              ISO_E_LINK);
    CHECK_CONTAINS(report.text, "\"f\" has the core type (i32, i32) -> (i32), but its interface "
                                "needs (i32, i32) -> (f64)");
    iso_report_init(&report);
    CHECK_ERR(iso_binding_create(f.guest.instance, iso_str_from_z("pascal"), NULL, func, &binding,
                                 &report),
              ISO_E_UNSUPPORTED);
    CHECK_CONTAINS(report.text, "\"pascal\" is not known");
    CHECK(binding == NULL);
    fixture_fini(&f);
    abi_arena_fini();
}

TEST(names)
{
    char out[64];
    const struct iso_wit_package package = {.ns = iso_str_from_z("ns"),
                                            .name = iso_str_from_z("pkg")};
    const struct iso_wit_interface in_package = {.package = &package,
                                                 .name = iso_str_from_z("iface")};
    const struct iso_wit_interface in_world = {.name = iso_str_from_z("iface")};
    const struct iso_wit_func *func = abi_func(NULL, NULL, 0);
    iso_abi_export_name(NULL, func, out, sizeof out);
    CHECK_STR(out, "f");
    iso_abi_export_name(&in_package, func, out, sizeof out);
    CHECK_STR(out, "ns:pkg/iface#f");
    iso_abi_export_name(&in_world, func, out, sizeof out);
    CHECK_STR(out, "iface#f");
    iso_abi_import_module(NULL, out, sizeof out);
    CHECK_STR(out, "$root");
    iso_abi_import_module(&in_package, out, sizeof out);
    CHECK_STR(out, "ns:pkg/iface");
    iso_abi_export_name(&in_package, func, out, 8);
    CHECK_STR(out, "ns:pkg/");
    abi_arena_fini();
}
