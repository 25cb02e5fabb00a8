/* Typed calls that go on elsewhere: carried to another engine at every point where they can be
 * suspended, in both conventions, they end as if nothing had happened; imports that wait are issued
 * again with the same arguments; saved calls that were damaged are refused. */
#include "interface/abi_binding.h"
#include "interface/abi_test_support.h"

enum { PHASES = ISO_ABI_UNFRAME + 1, PHASE_AT = 6, FLAGS_AT = 7, HEAD_BYTES = 20 };

static const struct iso_str canonical = {.ptr = "canonical", .len = 9};
static const struct iso_str bindgen = {.ptr = "wasm-bindgen", .len = 12};

/* A call, the module that it is in, and what its import sees and answers. */
struct subject {
    struct iso_str abi;
    const struct iso_wit_func *func;
    struct iso_buf module;
    const struct iso_value *args;
    const struct iso_value *answer;
    bool views;
    bool damaged;   /* the arguments may be any */
    unsigned waits; /* that the import still has to answer that it waits */
    unsigned issues, reissues;
    unsigned seen[PHASES]; /* times that the call was carried in the phase */
};

static enum iso_host_result import(void *ctx, struct iso_host_call *call,
                                   const struct iso_value *args, struct iso_arena *arena,
                                   struct iso_value *result)
{
    struct subject *subject = ctx;
    (void)arena;
    for (uint32_t i = 0; i < subject->func->param_count; i++) {
        const struct iso_vtype *type = subject->func->params[i].type;
        CHECK_OK(iso_value_check(type, &args[i], NULL));
        CHECK(subject->damaged || iso_value_equal(type, &args[i], &subject->args[i]));
    }
    subject->issues++;
    subject->reissues += call->reissued;
    if (subject->waits != 0) {
        subject->waits--;
        return ISO_HOST_PENDING;
    }
    if (subject->func->result != NULL) {
        *result = *subject->answer;
    }
    return ISO_HOST_DONE;
}

/* ---- Two machines ------------------------------------------------------------------------------
 */

/* Where a call is for a while. What it was begun with or loaded from goes with it. */
struct machine {
    struct abi_guest guest;
    struct iso_binding *binding;
    struct iso_arena arena;
    struct iso_report report;
};

static void machine_init(struct machine *m, struct subject *subject)
{
    struct iso_buf bytes = wasm_buf();
    wasm_bytes(&bytes, subject->module.ptr, subject->module.len);
    iso_report_init(&m->report);
    m->binding = NULL;
    iso_arena_init(&m->arena, iso_alloc_libc(), 0, SIZE_MAX);
    abi_guest_init(&m->guest, bytes);
    CHECK_OK(
        iso_typed_define(m->guest.store, NULL, subject->func, import, subject, ISO_HOST_REISSUE));
}

static void machine_bind(struct machine *m, const struct subject *subject)
{
    enum iso_err err = iso_binding_create(m->guest.instance, subject->abi, NULL, subject->func,
                                          &m->binding, &m->report);
    if (err != ISO_OK) {
        TEST_FAIL("%s", iso_report_text(&m->report, err));
    }
    iso_binding_set_views(m->binding, subject->views);
}

static void machine_fini(struct machine *m)
{
    iso_binding_destroy(m->binding);
    iso_arena_fini(&m->arena);
    abi_guest_fini(&m->guest);
}

static struct iso_buf save_store(struct machine *m)
{
    struct iso_buf out;
    iso_buf_init(&out, iso_alloc_libc(), SIZE_MAX);
    CHECK_OK(iso_snapshot_save(m->guest.store, NULL, 0, &out, &m->report));
    return out;
}

static struct iso_buf save_call(struct machine *m)
{
    struct iso_buf out;
    iso_buf_init(&out, iso_alloc_libc(), SIZE_MAX);
    CHECK_OK(iso_binding_save(m->binding, &out, &m->report));
    return out;
}

/* A machine with the store restored, and an idle binding. */
static void machine_restore(struct machine *m, struct subject *subject, const struct iso_buf *store)
{
    machine_init(m, subject);
    enum iso_err err = iso_snapshot_restore(m->guest.store, iso_buf_view(store), &m->guest.module,
                                            1, NULL, 0, &m->guest.instance, 1, &m->report);
    if (err != ISO_OK) {
        TEST_FAIL("%s", iso_report_text(&m->report, err));
    }
    machine_bind(m, subject);
}

/* To a new machine, with the old one gone. */
static void carry(struct machine *m, struct subject *subject)
{
    struct iso_buf store = save_store(m), call = save_call(m), again;
    subject->seen[call.ptr[PHASE_AT]]++;
    machine_fini(m);
    machine_restore(m, subject, &store);
    enum iso_err err = iso_binding_load(m->binding, iso_buf_view(&call), &m->arena, &m->report);
    if (err != ISO_OK) {
        TEST_FAIL("phase %u: %s", call.ptr[PHASE_AT], iso_report_text(&m->report, err));
    }
    again = save_call(m);
    CHECK(iso_bytes_equal(iso_buf_view(&again), iso_buf_view(&call)));
    iso_buf_fini(&again);
    iso_buf_fini(&call);
    iso_buf_fini(&store);
}

/* The arguments are gone as soon as nobody needs them. */
static void spoil(const struct machine *m, const struct iso_wit_func *func, struct iso_value *args)
{
    if (!iso_binding_needs_args(m->binding)) {
        memset(args, 0xff, func->param_count * sizeof *args);
    }
}

static void begin(struct machine *m, struct subject *subject, enum iso_err *err,
                  struct iso_value *result)
{
    const struct iso_wit_func *func = subject->func;
    machine_init(m, subject);
    abi_guest_start(&m->guest);
    machine_bind(m, subject);
    /* The arguments are gone as soon as the call has left. */
    struct iso_value *args = iso_arena_array(&m->arena, func->param_count, sizeof *args);
    CHECK(args != NULL);
    for (uint32_t i = 0; i < func->param_count; i++) {
        CHECK_OK(iso_value_copy(func->params[i].type, &subject->args[i], &m->arena, &args[i]));
    }
    iso_store_step(m->guest.store, true);
    *err = iso_binding_call(m->binding, args, &m->arena, result, &m->report);
    spoil(m, func, args);
}

/* The whole call, on a new machine after every safepoint. */
static void carry_through(struct subject *subject)
{
    struct machine m;
    struct iso_value result = {.u = 0};
    enum iso_err err = ISO_OK;
    begin(&m, subject, &err, &result);
    for (unsigned i = 0; err == ISO_E_PENDING; i++) {
        CHECK(i < 10000);
        carry(&m, subject);
        iso_store_step(m.guest.store, true);
        err = iso_binding_continue(m.binding, &m.arena, &result, &m.report);
    }
    if (err != ISO_OK) {
        TEST_FAIL("%s", iso_report_text(&m.report, err));
    }
    if (subject->func->result != NULL) {
        CHECK(iso_value_equal(subject->func->result, &result, subject->answer));
    }
    if (subject->views) {
        carry(&m, subject);
        iso_store_step(m.guest.store, true);
        err = iso_binding_release(m.binding, &m.report);
        while (err == ISO_E_PENDING) {
            carry(&m, subject);
            CHECK_ERR(iso_binding_continue(m.binding, &m.arena, &result, NULL), ISO_E_STATE);
            iso_store_step(m.guest.store, true);
            err = iso_binding_continue(m.binding, &m.arena, NULL, &m.report);
        }
        CHECK_OK(err);
    }
    machine_fini(&m);
}

/* ---- The canonical ABI -------------------------------------------------------------------------
 */

static void canonical_init(struct subject *subject, const struct iso_wit_func *func,
                           const struct iso_value *args, const struct iso_value *answer)
{
    *subject = (struct subject){.abi = canonical,
                                .func = func,
                                .module = abi_echo_module(func),
                                .args = args,
                                .answer = answer};
}

/* A list of records of strings and lists: many blocks to be made, in and out. */
static const struct iso_vtype *rich_type(void)
{
    return abi_list(abi_record(abi_p(ISO_V_STRING), abi_option(abi_list(abi_p(ISO_V_U16))),
                               abi_p(ISO_V_F64), abi_list(abi_p(ISO_V_U8))));
}

static void random_args(struct iso_random *random, const struct iso_wit_func *func,
                        struct iso_value *args, struct iso_value *answer)
{
    for (uint32_t i = 0; i < func->param_count; i++) {
        CHECK_OK(iso_random_value(random, func->params[i].type, abi_arena(), &args[i]));
    }
    if (func->result != NULL) {
        CHECK_OK(iso_random_value(random, func->result, abi_arena(), answer));
    }
}

TEST(a_call_is_carried_at_every_safepoint)
{
    struct subject subject;
    struct iso_random random;
    struct iso_value args[3], answer;
    const struct iso_vtype *types[3] = {rich_type(), abi_p(ISO_V_STRING), abi_p(ISO_V_S64)};
    const struct iso_wit_func *func = abi_func(types[0], types, 3);
    iso_random_init(&random, 5);
    random_args(&random, func, args, &answer);
    canonical_init(&subject, func, args, &answer);
    subject.waits = 2;
    carry_through(&subject);
    CHECK_EQ_U64(subject.issues, 3);
    CHECK_EQ_U64(subject.reissues, 2);
    CHECK(subject.seen[ISO_ABI_ALLOC] > 10);
    CHECK(subject.seen[ISO_ABI_CALL] >= 3);
    CHECK(subject.seen[ISO_ABI_POST] >= 1);
    iso_buf_fini(&subject.module);
    abi_arena_fini();
}

TEST(calls_of_random_types_are_carried)
{
    struct iso_random random;
    iso_random_init(&random, 0xca44);
    for (unsigned i = 0; i < 300; i++) {
        struct subject subject;
        const struct iso_vtype *types[4];
        struct iso_value args[4], answer;
        uint32_t count = iso_random_below(&random, 5);
        for (uint32_t k = 0; k < count; k++) {
            types[k] = iso_random_type(&random, abi_arena(), 4);
        }
        const struct iso_wit_func *func =
            abi_func(i % 8 == 0 ? NULL : iso_random_type(&random, abi_arena(), 4), types, count);
        random_args(&random, func, args, &answer);
        canonical_init(&subject, func, args, &answer);
        subject.waits = i % 3;
        carry_through(&subject);
        iso_buf_fini(&subject.module);
        abi_arena_fini();
    }
}

/* The result was delivered as views; what is carried is that it has to be released. */
TEST(views_are_released_elsewhere)
{
    struct subject subject;
    const struct iso_vtype *type = abi_list(abi_p(ISO_V_U8));
    struct iso_value arg = {.bytes = iso_bytes_from("in", 2)};
    struct iso_value answer = {.bytes = iso_bytes_from("answer", 6)};
    canonical_init(&subject, abi_func(type, &type, 1), &arg, &answer);
    subject.views = true;
    carry_through(&subject);
    CHECK_EQ_U64(subject.seen[ISO_ABI_VIEWED], 1);
    CHECK(subject.seen[ISO_ABI_POST] >= 1);
    iso_buf_fini(&subject.module);
    abi_arena_fini();
}

/* Lifting failed on the first machine; the second one cleans up and says so. */
TEST(a_failure_of_the_host_is_carried_until_the_module_has_cleaned_up)
{
    struct subject subject;
    struct machine m;
    struct iso_arena small;
    enum iso_err err = ISO_OK;
    const struct iso_vtype *type = abi_p(ISO_V_STRING);
    struct iso_value arg = {.string = iso_str_from_z("a")}, result = {.u = 7};
    struct iso_value answer = {.string = iso_str_from_z("too long for the arena")};
    canonical_init(&subject, abi_func(type, &type, 1), &arg, &answer);
    begin(&m, &subject, &err, &result);
    iso_arena_init(&small, iso_alloc_libc(), 0, 8);
    while (err == ISO_E_PENDING && m.binding->phase != ISO_ABI_POST) {
        err = iso_binding_continue(m.binding, &small, &result, &m.report);
    }
    CHECK_ERR(err, ISO_E_PENDING);
    carry(&m, &subject);
    CHECK_ERR(iso_binding_continue(m.binding, &m.arena, &result, &m.report), ISO_E_NOMEM);
    CHECK_EQ_U64(result.u, 7);
    iso_arena_fini(&small);
    machine_fini(&m);
    iso_buf_fini(&subject.module);
    abi_arena_fini();
}

/* ---- wasm-bindgen ------------------------------------------------------------------------------
 */

/* f(string) -> string, the identity, as one of the two variants. */
static void bindgen_init(struct subject *subject, bool in_frame, const struct iso_value *arg)
{
    static const uint8_t frame[] = {0x20, 0, 0x20, 1, 0x36, 2, 0, 0x20, 0, 0x20, 2, 0x36, 2, 4};
    static const uint8_t multi[] = {0x20, 0, 0x20, 1};
    const struct iso_vtype *string = abi_p(ISO_V_STRING);
    struct abi_writer writer;
    abi_writer_init(&writer);
    abi_writer_bindgen(&writer, in_frame);
    (void)abi_writer_func(
        &writer, abi_writer_letters(&writer, in_frame ? "iii" : "ii", in_frame ? "" : "ii"), "f",
        in_frame ? frame : multi, in_frame ? sizeof frame : sizeof multi);
    *subject = (struct subject){.abi = bindgen,
                                .func = abi_func(string, &string, 1),
                                .module = abi_writer_finish(&writer, NULL, 0),
                                .args = arg,
                                .answer = arg};
}

TEST(calls_of_wasm_bindgen_modules_are_carried)
{
    struct subject subject;
    struct iso_value arg = {.string = iso_str_from_z("grüezi")};
    for (int in_frame = 0; in_frame < 2; in_frame++) {
        bindgen_init(&subject, in_frame != 0, &arg);
        carry_through(&subject);
        CHECK_EQ_U64(subject.seen[ISO_ABI_FRAME], in_frame != 0 ? 1 : 0);
        CHECK(subject.seen[ISO_ABI_ALLOC] >= 1);
        CHECK_EQ_U64(subject.seen[ISO_ABI_CALL], 1);
        CHECK_EQ_U64(subject.seen[ISO_ABI_POST], 1);
        CHECK_EQ_U64(subject.seen[ISO_ABI_UNFRAME], in_frame != 0 ? 1 : 0);
        iso_buf_fini(&subject.module);
        bindgen_init(&subject, in_frame != 0, &arg);
        subject.views = true;
        carry_through(&subject);
        CHECK_EQ_U64(subject.seen[ISO_ABI_VIEWED], 1);
        iso_buf_fini(&subject.module);
    }
    abi_arena_fini();
}

/* ---- Damage ------------------------------------------------------------------------------------
 */

/* Bytes that may be anything: refused, or the call goes on to some end that is no crash. */
static bool try_load(struct subject *subject, const struct iso_buf *store, struct machine *m,
                     struct iso_bytes call)
{
    struct iso_arena arena;
    struct iso_value result = {.u = 0};
    iso_arena_init(&arena, iso_alloc_libc(), 0, 1 << 16);
    enum iso_err err = iso_binding_load(m->binding, call, &arena, &m->report);
    CHECK(err == ISO_OK || err == ISO_E_SNAPSHOT || err == ISO_E_LIMIT || err == ISO_E_NOMEM);
    CHECK(err != ISO_E_SNAPSHOT || m->report.set);
    iso_report_init(&m->report);
    bool loaded = err == ISO_OK;
    for (unsigned i = 0; loaded && i < 1000 && (err == ISO_E_PENDING || i == 0); i++) {
        err = iso_binding_continue(m->binding, &arena, subject->views ? NULL : &result, NULL);
    }
    if (loaded) {
        machine_fini(m);
        machine_restore(m, subject, store);
    }
    iso_arena_fini(&arena);
    return loaded;
}

/* Every truncation and every byte otherwise, of the call at this point. */
static void damage(struct machine *m, struct subject *subject, struct iso_random *random)
{
    struct machine other;
    struct iso_buf store = save_store(m), call = save_call(m);
    struct iso_bytes view = iso_buf_view(&call);
    machine_restore(&other, subject, &store);
    for (size_t len = 0; len < call.len; len++) {
        uint8_t *cut = iso_alloc_new(iso_alloc_libc(), len);
        CHECK(cut != NULL);
        memcpy(cut, call.ptr, len);
        CHECK(!try_load(subject, &store, &other, iso_bytes_from(cut, len)));
        iso_alloc_free(iso_alloc_libc(), cut, len);
    }
    for (size_t at = 0; at < call.len; at++) {
        uint8_t was = call.ptr[at];
        static const uint8_t flips[] = {1, 0x80, 0xff};
        for (size_t i = 0; i <= ISO_COUNT_OF(flips); i++) {
            call.ptr[at] ^=
                i < ISO_COUNT_OF(flips) ? flips[i] : (uint8_t)(1 + iso_random_below(random, 255));
            bool loaded = try_load(subject, &store, &other, view);
            CHECK(!loaded || at >= HEAD_BYTES - 4 || at == PHASE_AT || at == FLAGS_AT);
            call.ptr[at] = was;
        }
    }
    CHECK_OK(iso_buf_append_u8(&call, 0));
    CHECK(!try_load(subject, &store, &other, iso_buf_view(&call)));
    machine_fini(&other);
    iso_buf_fini(&store);
    iso_buf_fini(&call);
}

static void damage_through(struct subject *subject, struct iso_random *random)
{
    struct machine m;
    struct iso_value result = {.u = 0};
    enum iso_err err = ISO_OK;
    subject->damaged = true;
    begin(&m, subject, &err, &result);
    while (err == ISO_E_PENDING) {
        damage(&m, subject, random);
        iso_store_step(m.guest.store, true);
        err = iso_binding_continue(m.binding, &m.arena, &result, &m.report);
    }
    CHECK_OK(err);
    if (subject->views) {
        damage(&m, subject, random);
    }
    machine_fini(&m);
}

TEST(damaged_calls_are_refused)
{
    struct subject subject;
    struct iso_random random;
    const struct iso_vtype *type = abi_list(abi_record(abi_p(ISO_V_STRING), abi_p(ISO_V_BOOL)));
    struct iso_value fields[2][2] = {{{.string = iso_str_from_z("one")}, {.boolean = true}},
                                     {{.string = iso_str_from_z("")}, {.boolean = false}}};
    struct iso_value records[2] = {{.list = {.items = fields[0], .count = 2}},
                                   {.list = {.items = fields[1], .count = 2}}};
    struct iso_value arg = {.list = {.items = records, .count = 2}};
    iso_random_init(&random, 0xda);
    canonical_init(&subject, abi_func(type, &type, 1), &arg, &arg);
    damage_through(&subject, &random);
    iso_buf_fini(&subject.module);
    struct iso_value text = {.string = iso_str_from_z("text")};
    for (int i = 0; i < 4; i++) {
        bindgen_init(&subject, i % 2 != 0, &text);
        subject.views = i >= 2;
        damage_through(&subject, &random);
        iso_buf_fini(&subject.module);
    }
    abi_arena_fini();
}

/* The bytes are the same on every machine: docs/snapshot.md promises them. */
TEST(the_bytes_of_a_saved_call)
{
    struct subject subject;
    struct machine m;
    enum iso_err err = ISO_OK;
    const struct iso_vtype *types[2] = {abi_p(ISO_V_STRING), abi_p(ISO_V_STRING)};
    struct iso_value args[2] = {{.string = iso_str_from_z("hi")}, {.string = iso_str_from_z("yo")}};
    struct iso_value result = {.u = 0};
    char hex[256];
    canonical_init(&subject, abi_func(types[0], types, 2), args, args);
    begin(&m, &subject, &err, &result);
    while (err == ISO_E_PENDING && m.binding->blocks_made == 0) {
        err = iso_binding_continue(m.binding, &m.arena, &result, &m.report);
    }
    CHECK_ERR(err, ISO_E_PENDING);
    struct iso_buf call = save_call(&m);
    CHECK(2 * call.len < sizeof hex);
    iso_hex_encode(call.ptr, call.len, hex);
    CHECK_STR(hex, "49534f430100"     /* magic, version */
                   "0200"             /* in the allocator, no flags */
                   "296fcc1fea656e2d" /* of which function */
                   "00000000"         /* no frame */
                   "01000000"
                   "00040000" /* one block, at 1024 */
                   "03000000"
                   "626869" /* CBOR "hi" */
                   "03000000"
                   "62796f" /* CBOR "yo" */);
    iso_buf_fini(&call);
    machine_fini(&m);
    iso_buf_fini(&subject.module);
    abi_arena_fini();
}

/* ---- Refusals ----------------------------------------------------------------------------------
 */

TEST(a_call_is_only_what_it_is)
{
    struct subject subject, other;
    struct machine m, idle, wrong;
    enum iso_err err = ISO_OK;
    const struct iso_vtype *string = abi_p(ISO_V_STRING), *list = abi_list(abi_p(ISO_V_U8));
    struct iso_value text = {.string = iso_str_from_z("text")}, result = {.u = 0};
    canonical_init(&subject, abi_func(string, &string, 1), &text, &text);
    canonical_init(&other, abi_func(list, &list, 1), &text, &text);
    begin(&m, &subject, &err, &result);
    CHECK_ERR(err, ISO_E_PENDING);
    struct iso_buf store = save_store(&m), call = save_call(&m);
    struct iso_bytes view = iso_buf_view(&call);
    size_t len = call.len;

    /* The binding has one call; nothing is under way in another store; another function. */
    CHECK_ERR(iso_binding_load(m.binding, view, &m.arena, NULL), ISO_E_STATE);
    machine_init(&idle, &subject);
    abi_guest_start(&idle.guest);
    machine_bind(&idle, &subject);
    CHECK_ERR(iso_binding_load(idle.binding, view, &idle.arena, &idle.report), ISO_E_SNAPSHOT);
    CHECK_CONTAINS(idle.report.text, "not what is under way");
    CHECK_ERR(iso_binding_save(idle.binding, &call, NULL), ISO_E_STATE);
    CHECK_EQ_U64(call.len, len);
    machine_init(&wrong, &other);
    abi_guest_start(&wrong.guest);
    machine_bind(&wrong, &other);
    CHECK_ERR(iso_binding_load(wrong.binding, view, &wrong.arena, &wrong.report), ISO_E_SNAPSHOT);
    CHECK_CONTAINS(wrong.report.text, "not one of f");

    /* A version to come. */
    call.ptr[4] = 2;
    iso_report_init(&idle.report);
    CHECK_ERR(iso_binding_load(idle.binding, view, &idle.arena, &idle.report), ISO_E_SNAPSHOT);
    CHECK_CONTAINS(idle.report.text, "has version 2; this program reads version 1");

    /* After all of that the binding is usable. */
    CHECK_OK(iso_binding_call(idle.binding, &text, &idle.arena, &result, &idle.report));

    /* Given up behind its back, for another call. */
    iso_drop(m.guest.store);
    CHECK_ERR(iso_binding_save(m.binding, &call, NULL), ISO_E_STATE);
    static const union iso_slot zeros[4];
    CHECK_OK(
        iso_start(m.guest.store, iso_instance_export_func(m.guest.instance, "cabi_post_f"), zeros));
    CHECK_ERR(iso_binding_save(m.binding, &call, NULL), ISO_E_STATE);
    CHECK_ERR(iso_binding_continue(m.binding, &m.arena, &result, NULL), ISO_E_STATE);
    machine_fini(&wrong);
    machine_fini(&idle);
    machine_fini(&m);
    iso_buf_fini(&store);
    iso_buf_fini(&call);
    iso_buf_fini(&subject.module);
    iso_buf_fini(&other.module);
    abi_arena_fini();
}

/* Views that were delivered are not for a binding whose caller does not expect any. */
TEST(views_are_not_loaded_where_none_are_wanted)
{
    struct subject subject;
    struct machine m;
    struct iso_value arg = {.string = iso_str_from_z("x")}, result = {.u = 0};
    enum iso_err err = ISO_OK;
    bindgen_init(&subject, true, &arg);
    subject.views = true;
    begin(&m, &subject, &err, &result);
    while (err == ISO_E_PENDING) {
        err = iso_binding_continue(m.binding, &m.arena, &result, &m.report);
    }
    CHECK_OK(err);
    struct iso_buf store = save_store(&m), call = save_call(&m);
    machine_fini(&m);
    subject.views = false;
    machine_restore(&m, &subject, &store);
    CHECK_ERR(iso_binding_load(m.binding, iso_buf_view(&call), &m.arena, &m.report),
              ISO_E_SNAPSHOT);
    CHECK_CONTAINS(m.report.text, "views");
    machine_fini(&m);
    iso_buf_fini(&store);
    iso_buf_fini(&call);
    iso_buf_fini(&subject.module);
    abi_arena_fini();
}

/* Host memory runs out at every request of saving and loading. */
TEST(saving_and_loading_fail_cleanly_for_lack_of_memory)
{
    struct subject subject;
    struct machine m, to;
    struct iso_alloc_test memory;
    struct iso_arena arena;
    struct iso_buf out;
    struct iso_value arg = {.string = iso_str_from_z("x")}, result = {.u = 0};
    const struct iso_vtype *type = abi_p(ISO_V_STRING);
    enum iso_err err = ISO_OK;
    unsigned failed = 0;
    canonical_init(&subject, abi_func(type, &type, 1), &arg, &arg);
    begin(&m, &subject, &err, &result);
    struct iso_buf store = save_store(&m), call = save_call(&m);
    iso_alloc_test_init(&memory);
    machine_restore(&to, &subject, &store);
    err = ISO_E_NOMEM;
    for (uint64_t n = 1; err != ISO_OK && n < 100; n++) {
        iso_alloc_test_restart(&memory, n);
        iso_buf_init(&out, &memory.alloc, SIZE_MAX);
        iso_arena_init(&arena, &memory.alloc, 16, SIZE_MAX);
        err = iso_binding_save(m.binding, &out, NULL);
        CHECK(err == ISO_OK || out.len == 0);
        if (err == ISO_OK) {
            err = iso_binding_load(to.binding, iso_buf_view(&call), &arena, NULL);
        }
        CHECK(err == ISO_OK || err == ISO_E_NOMEM);
        failed += err != ISO_OK;
        if (err == ISO_OK) {
            CHECK_OK(iso_binding_continue(to.binding, &to.arena, &result, NULL));
            CHECK(iso_str_equal_z(result.string, "x"));
        }
        iso_arena_fini(&arena);
        iso_buf_fini(&out);
        CHECK_EQ_U64(memory.live_bytes, 0);
    }
    CHECK_OK(err);
    CHECK(failed >= 3);
    machine_fini(&to);
    machine_fini(&m);
    iso_buf_fini(&store);
    iso_buf_fini(&call);
    iso_buf_fini(&subject.module);
    abi_arena_fini();
}
