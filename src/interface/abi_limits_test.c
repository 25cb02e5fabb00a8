/* Typed calls when something runs out: host memory at every request, the module's memory, the
 * arena; and calls inside of calls. */
#include "interface/abi_test_support.h"

static const struct iso_str canonical = {.ptr = "canonical", .len = 9};

static enum iso_host_result echo(void *ctx, struct iso_host_call *call,
                                 const struct iso_value *args, struct iso_arena *arena,
                                 struct iso_value *result)
{
    const struct iso_vtype *type = ctx;
    if (iso_value_copy(type, &args[0], arena, result) != ISO_OK) {
        iso_host_trap(call, "no memory");
        return ISO_HOST_TRAP;
    }
    return ISO_HOST_DONE;
}

/* ---- Host memory -------------------------------------------------------------------------------
 */

/* A whole life of a binding with an allocator that may fail; what it says. */
static enum iso_err live_once(struct iso_alloc_test *memory, const struct iso_buf *bytes,
                              const struct iso_wit_func *func, const struct iso_value *arg)
{
    struct iso_engine *engine = NULL;
    struct iso_module *module = NULL;
    struct iso_store *store = NULL;
    struct iso_instance *instance = NULL;
    struct iso_binding *binding = NULL;
    struct iso_typed_import *import = NULL;
    struct iso_arena arena;
    struct iso_value result = {.u = 0};
    const struct iso_engine_config config = {.alloc = &memory->alloc};
    iso_arena_init(&arena, &memory->alloc, 256, SIZE_MAX);
    enum iso_err err = iso_engine_create(&config, &engine);
    if (err == ISO_OK) {
        err = iso_module_create(engine, bytes->ptr, bytes->len, &module, NULL);
    }
    if (err == ISO_OK) {
        err = iso_store_create(engine, NULL, &store);
    }
    if (err == ISO_OK) {
        err = iso_typed_define(store, NULL, func, echo, (void *)(uintptr_t)func->result,
                               ISO_HOST_REISSUE);
    }
    if (err == ISO_OK) { /* in place of the one before */
        err = iso_typed_import_create(&memory->alloc, NULL, func, echo,
                                      (void *)(uintptr_t)func->result, ISO_HOST_REISSUE, false,
                                      &import);
    }
    if (err == ISO_OK) {
        err = iso_typed_import_define(import, store);
    }
    if (err == ISO_OK) {
        err = iso_instance_create(store, module, &instance, NULL);
    }
    if (err == ISO_OK) {
        err = iso_binding_create(instance, canonical, NULL, func, &binding, NULL);
    }
    if (err == ISO_OK) {
        err = iso_binding_call(binding, arg, &arena, &result, NULL);
        CHECK(err != ISO_OK || iso_value_equal(func->result, &result, arg));
    }
    iso_binding_destroy(binding);
    iso_arena_fini(&arena);
    iso_store_destroy(store);
    iso_typed_import_destroy(import);
    iso_module_destroy(module);
    iso_engine_destroy(engine);
    return err;
}

TEST(host_memory_runs_out_at_every_request)
{
    struct iso_alloc_test memory;
    const struct iso_vtype *type =
        abi_list(abi_record(abi_p(ISO_V_STRING), abi_option(abi_list(abi_p(ISO_V_U16)))));
    const struct iso_value numbers[] = {{.u = 1}, {.u = 65535}};
    const struct iso_value list = {.list = {.items = numbers, .count = 2}};
    const struct iso_value fields[] = {{.string = iso_str_from_z("text")},
                                       {.choice = {.payload = &list, .index = 1}}};
    const struct iso_value record = {.list = {.items = fields, .count = 2}};
    const struct iso_value arg = {.list = {.items = &record, .count = 1}};
    const struct iso_wit_func *func = abi_func(type, &type, 1);
    struct iso_buf bytes = abi_echo_module(func);
    enum iso_err err = ISO_E_NOMEM;
    unsigned failed = 0;
    iso_alloc_test_init(&memory);
    for (uint64_t n = 1; err != ISO_OK && n < 2000; n++) {
        iso_alloc_test_restart(&memory, n);
        err = live_once(&memory, &bytes, func, &arg);
        CHECK_EQ_U64(memory.live_bytes, 0);
        CHECK(err == ISO_OK || err == ISO_E_NOMEM || err == ISO_E_TRAP);
        CHECK(err == ISO_OK || memory.failed);
        failed += err != ISO_OK;
    }
    CHECK_OK(err);
    CHECK(failed > 20);
    iso_buf_fini(&bytes);
    abi_arena_fini();
}

/* ---- The module's memory and the arena ---------------------------------------------------------
 */

struct fixture {
    struct abi_guest guest;
    struct iso_binding *binding;
    struct iso_report report;
};

static void fixture_init_only(struct fixture *f, const struct iso_vtype *type)
{
    const struct iso_wit_func *func = abi_func(type, &type, 1);
    iso_report_init(&f->report);
    f->binding = NULL;
    abi_guest_init(&f->guest, abi_echo_module(func));
    CHECK_OK(iso_typed_define(f->guest.store, NULL, func, echo, (void *)(uintptr_t)type,
                              ISO_HOST_REISSUE));
    abi_guest_start(&f->guest);
}

static void fixture_init(struct fixture *f, const struct iso_vtype *type)
{
    fixture_init_only(f, type);
    CHECK_OK(iso_binding_create(f->guest.instance, canonical, NULL, abi_func(type, &type, 1),
                                &f->binding, &f->report));
}

static void fixture_fini(struct fixture *f)
{
    iso_binding_destroy(f->binding);
    abi_guest_fini(&f->guest);
    abi_arena_fini();
}

/* The memory grows, and without a platform moves, between the blocks of one value. */
TEST(memory_grows_while_a_value_is_lowered)
{
    enum { COUNT = 40, BYTES = 20000 };
    struct fixture f;
    static uint8_t bytes[BYTES];
    struct iso_value items[COUNT], arg = {.list = {.items = items, .count = COUNT}}, result;
    const struct iso_vtype *type = abi_list(abi_list(abi_p(ISO_V_U8)));
    uint64_t size = 0;
    fixture_init(&f, type);
    for (uint32_t i = 0; i < BYTES; i++) {
        bytes[i] = (uint8_t)(i * 7 >> 3);
    }
    for (uint32_t i = 0; i < COUNT; i++) {
        items[i].bytes = iso_bytes_from(bytes + i, BYTES - i);
    }
    CHECK_OK(iso_binding_call(f.binding, &arg, abi_arena(), &result, &f.report));
    CHECK(iso_value_equal(type, &arg, &result));
    (void)iso_instance_memory(f.guest.instance, &size);
    CHECK(size > 2 * COUNT * (BYTES - COUNT));
    fixture_fini(&f);
}

/* The module cleans up (its post-return function runs) before the failure is reported. */
TEST(the_arena_is_too_small_for_the_result)
{
    struct fixture f;
    struct iso_arena small;
    union iso_slot slot;
    struct iso_value arg = {.string = iso_str_from_z("too long for the arena")}, result = {.u = 5};
    fixture_init(&f, abi_p(ISO_V_STRING));
    iso_arena_init(&small, iso_alloc_libc(), 0, 16);
    CHECK_ERR(iso_binding_call(f.binding, &arg, &small, &result, &f.report), ISO_E_NOMEM);
    CHECK_EQ_U64(result.u, 5);
    CHECK_OK(iso_instance_global_get(f.guest.instance, "posts", NULL, &slot));
    CHECK_EQ_U64(slot.u32, 1);
    iso_arena_fini(&small);
    fixture_fini(&f);
}

/* ---- Calls inside of calls ---------------------------------------------------------------------
 */

struct inner {
    struct iso_binding *outer, *other;
    enum iso_err again;
};

static enum iso_host_result call_back(void *ctx, struct iso_host_call *call,
                                      const struct iso_value *args, struct iso_arena *arena,
                                      struct iso_value *result)
{
    struct inner *inner = ctx;
    struct iso_value sum = {.u = 0};
    (void)call;
    inner->again = iso_binding_call(inner->outer, args, arena, result, NULL);
    CHECK_OK(iso_binding_call(inner->other, NULL, arena, &sum, NULL));
    CHECK_EQ_U64(sum.u, 42);
    *result = args[0];
    return ISO_HOST_DONE;
}

TEST(host_functions_make_typed_calls)
{
    struct abi_guest guest;
    struct abi_writer writer;
    struct inner inner = {.again = ISO_OK};
    struct iso_report report;
    const struct iso_vtype *u32 = abi_p(ISO_V_U32);
    const struct iso_wit_func *func = abi_func(u32, &u32, 1);
    struct iso_wit_func answer = *abi_func(u32, NULL, 0);
    static const uint8_t pass_on[] = {0x20, 0, 0x10, 0}, constant[] = {0x41, 42};
    struct iso_value arg = {.u = 7}, result = {.u = 0};
    iso_report_init(&report);
    answer.core_name = iso_str_from_z("the Answer"); /* as derived interfaces have it */
    abi_writer_init(&writer);
    abi_writer_import(&writer, "$root", "f", abi_writer_letters(&writer, "i", "i"));
    (void)abi_writer_func(&writer, abi_writer_letters(&writer, "i", "i"), "f", pass_on,
                          sizeof pass_on);
    (void)abi_writer_func(&writer, abi_writer_letters(&writer, "", "i"), "the Answer", constant,
                          sizeof constant);
    abi_guest_init(&guest, abi_writer_finish(&writer, NULL, 0));
    CHECK_OK(iso_typed_define(guest.store, NULL, func, call_back, &inner, ISO_HOST_REFUSE));
    abi_guest_start(&guest);
    CHECK_OK(iso_binding_create(guest.instance, canonical, NULL, func, &inner.outer, &report));
    CHECK_OK(iso_binding_create(guest.instance, iso_str_from_z("derived"), NULL, &answer,
                                &inner.other, &report));
    CHECK_OK(iso_binding_call(inner.outer, &arg, abi_arena(), &result, &report));
    CHECK_EQ_U64(result.u, 7);
    CHECK_ERR(inner.again, ISO_E_STATE);
    iso_binding_destroy(inner.outer);
    iso_binding_destroy(inner.other);
    abi_guest_fini(&guest);
    abi_arena_fini();
}

static enum iso_host_result call_bad(void *ctx, struct iso_host_call *call,
                                     const struct iso_value *args, struct iso_arena *arena,
                                     struct iso_value *result)
{
    struct inner *inner = ctx;
    struct iso_value text = {.u = 0};
    inner->again = iso_binding_call(inner->other, NULL, arena, &text, NULL);
    CHECK_CONTAINS(iso_store_trap(call->store)->message, "the result's pointer 0x2a");
    *result = args[0];
    return ISO_HOST_DONE;
}

/* The call inside breaks the convention; the one around it goes on. */
TEST(a_trap_of_an_inner_call_is_the_host_functions_affair)
{
    struct abi_guest guest;
    struct abi_writer writer;
    struct inner inner = {.again = ISO_OK};
    struct iso_report report;
    const struct iso_vtype *u32 = abi_p(ISO_V_U32);
    const struct iso_wit_func *func = abi_func(u32, &u32, 1);
    struct iso_wit_func bad = *abi_func(abi_p(ISO_V_STRING), NULL, 0);
    static const uint8_t pass_on[] = {0x20, 0, 0x10, 0}, constant[] = {0x41, 42};
    struct iso_value arg = {.u = 7}, result = {.u = 0};
    iso_report_init(&report);
    bad.name = iso_str_from_z("bad");
    abi_writer_init(&writer);
    abi_writer_import(&writer, "$root", "f", abi_writer_letters(&writer, "i", "i"));
    (void)abi_writer_func(&writer, abi_writer_letters(&writer, "i", "i"), "f", pass_on,
                          sizeof pass_on);
    (void)abi_writer_func(&writer, abi_writer_letters(&writer, "", "i"), "bad", constant,
                          sizeof constant);
    abi_guest_init(&guest, abi_writer_finish(&writer, NULL, 0));
    CHECK_OK(iso_typed_define(guest.store, NULL, func, call_bad, &inner, ISO_HOST_REFUSE));
    abi_guest_start(&guest);
    CHECK_OK(iso_binding_create(guest.instance, canonical, NULL, func, &inner.outer, &report));
    CHECK_OK(iso_binding_create(guest.instance, canonical, NULL, &bad, &inner.other, &report));
    CHECK_OK(iso_binding_call(inner.outer, &arg, abi_arena(), &result, &report));
    CHECK_EQ_U64(result.u, 7);
    CHECK_ERR(inner.again, ISO_E_TRAP);
    CHECK(iso_store_state(guest.store) == ISO_RUN_DONE);
    iso_binding_destroy(inner.outer);
    iso_binding_destroy(inner.other);
    abi_guest_fini(&guest);
    abi_arena_fini();
}

/* One binding for many instances of a module, of different stores; not for one of another. */
TEST(bindings_go_from_instance_to_instance)
{
    struct fixture f, other;
    struct iso_store *store = NULL;
    struct iso_instance *instance = NULL;
    struct iso_typed_import *import = NULL;
    union iso_slot slot;
    const struct iso_vtype *string = abi_p(ISO_V_STRING);
    const struct iso_wit_func *func = abi_func(string, &string, 1);
    struct iso_value arg = {.string = iso_str_from_z("text")}, result = {.u = 0};
    fixture_init(&f, string);
    fixture_init_only(&other, string);
    CHECK_ERR(iso_binding_rebind(f.binding, other.guest.instance), ISO_E_ARGUMENT);
    CHECK_OK(iso_binding_call(f.binding, &arg, abi_arena(), &result, &f.report));
    CHECK_OK(iso_typed_import_create(iso_alloc_libc(), NULL, func, echo, (void *)(uintptr_t)string,
                                     ISO_HOST_REISSUE, true, &import));
    for (int i = 0; i < 3; i++) {
        iso_store_destroy(store);
        CHECK_OK(iso_store_create(f.guest.engine, NULL, &store));
        CHECK_OK(iso_typed_import_define(import, store));
        CHECK_OK(iso_instance_create(store, f.guest.module, &instance, &f.report));
        CHECK_OK(iso_binding_rebind(f.binding, instance));
        CHECK_OK(iso_binding_call(f.binding, &arg, abi_arena(), &result, &f.report));
        CHECK(iso_str_equal_z(result.string, "text"));
        CHECK_OK(iso_instance_global_get(instance, "posts", NULL, &slot));
        CHECK_EQ_U64(slot.u32, 1);
        /* Left in the midst of a call. */
        iso_store_step(store, true);
        CHECK_ERR(iso_binding_call(f.binding, &arg, abi_arena(), &result, NULL), ISO_E_PENDING);
    }
    CHECK_OK(iso_binding_rebind(f.binding, f.guest.instance));
    CHECK_OK(iso_binding_call(f.binding, &arg, abi_arena(), &result, &f.report));
    iso_store_destroy(store);
    iso_typed_import_destroy(import);
    abi_guest_fini(&other.guest);
    fixture_fini(&f);
}

/* Derived interfaces have as many core values as they have, and names spelt otherwise. */
TEST(derived_interfaces_have_no_limits_of_flat_values)
{
    struct abi_guest guest;
    struct abi_writer writer;
    struct iso_binding *binding = NULL;
    struct iso_report report;
    const struct iso_vtype *params[20];
    struct iso_value args[20], result = {.u = 0};
    struct iso_wit_func func;
    static const uint8_t code[] = {0x20, 0, 0x20, 19};
    iso_report_init(&report);
    for (uint32_t i = 0; i < 20; i++) {
        params[i] = abi_p(ISO_V_S32);
        args[i].s = (int32_t)i - 3;
    }
    func = *abi_func(abi_tuple(abi_p(ISO_V_S32), abi_p(ISO_V_S32)), params, 20);
    func.name = iso_str_from_z("first-and-last");
    abi_writer_init(&writer);
    (void)abi_writer_func(&writer, abi_writer_letters(&writer, "iiiiiiiiiiiiiiiiiiii", "ii"),
                          "firstAndLast", code, sizeof code);
    abi_guest_init(&guest, abi_writer_finish(&writer, NULL, 0));
    abi_guest_start(&guest);
    CHECK_OK(iso_binding_create(guest.instance, iso_str_from_z("derived"), NULL, &func, &binding,
                                &report));
    CHECK_OK(iso_binding_call(binding, args, abi_arena(), &result, &report));
    CHECK_EQ_I64(result.list.items[0].s, -3);
    CHECK_EQ_I64(result.list.items[1].s, 16);
    iso_binding_destroy(binding);
    abi_guest_fini(&guest);
    abi_arena_fini();
}
