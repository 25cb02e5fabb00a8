/*
 * abi_bench.c - what a typed call costs: `abi_bench add|list|json|host GUEST [COUNT]` prints one
 * line of JSON. Times are of the thread's processor, the fastest of several rounds, per call.
 *
 *   add   f(s32, s32) -> s32 with values in and out, beside the same call without types
 *   list  4 MiB of list<u8> in and back out, copied and as a view, beside two calls of memcpy
 *   json  add with parameters and result as JSON text
 *   host  imports: add, and 4 MiB of list<u8> that the host looks at, copied and as a view
 */
#define _POSIX_C_SOURCE 200809L /* clock_gettime */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "interface/interface.h"
#include "platform/platform.h"

enum { ROUNDS = 15, LIST_BYTES = 4 << 20 };

static struct iso_engine *engine;
static struct iso_module *module;
static struct iso_store *store;
static struct iso_instance *instance;
static struct iso_report report;

static void require(enum iso_err err, const char *what)
{
    if (err != ISO_OK) {
        (void)fprintf(stderr, "abi_bench: %s: %s\n", what, iso_report_text(&report, err));
        exit(1);
    }
}

static double now_ns(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static struct iso_binding *binding_of(const struct iso_wit_func *func)
{
    struct iso_binding *binding = NULL;
    require(
        iso_binding_create(instance, iso_str_from_z("canonical"), NULL, func, &binding, &report),
        "bind");
    return binding;
}

/* Time of `count` runs of `once`, per run, in the fastest round. */
static double fastest(void (*once)(void *), void *ctx, uint32_t count)
{
    double best = 0;
    for (int round = 0; round < ROUNDS; round++) {
        double start = now_ns();
        for (uint32_t i = 0; i < count; i++) {
            once(ctx);
        }
        double elapsed = (now_ns() - start) / count;
        best = round == 0 || elapsed < best ? elapsed : best;
    }
    return best;
}

/* ---- add ---------------------------------------------------------------------------------------
 */

struct add {
    const struct iso_wit_func *func;
    struct iso_binding *binding;
    struct iso_func *core;
    struct iso_arena arena;
    struct iso_buf text;
};

static void add_typed(void *ctx)
{
    struct add *add = ctx;
    struct iso_value args[2] = {{.s = 40}, {.s = 2}}, result = {.s = 0};
    require(iso_binding_call(add->binding, args, &add->arena, &result, &report), "call");
    if (result.s != 42) {
        require(ISO_E_STATE, "add(40, 2)");
    }
}

static void add_core(void *ctx)
{
    struct add *add = ctx;
    union iso_slot args[2] = {{.i32 = 40}, {.i32 = 2}}, result = {.u64 = 0};
    require(iso_call(store, add->core, args, &result), "call");
}

static void add_json(void *ctx)
{
    static const char text[] = "{\"a\": 40, \"b\": 2}";
    struct add *add = ctx;
    struct iso_value args[2], result = {.s = 0};
    require(iso_json_decode_params(add->func, iso_bytes_from(text, sizeof text - 1), &add->arena,
                                   args, &report),
            "read JSON");
    require(iso_binding_call(add->binding, args, &add->arena, &result, &report), "call");
    add->text.len = 0;
    require(iso_json_encode(add->func->result, &result, &add->text), "write JSON");
    if (add->text.len != 2 || memcmp(add->text.ptr, "42", 2) != 0) {
        require(ISO_E_STATE, "add(40, 2) as JSON");
    }
    iso_arena_fini(&add->arena);
}

static void mode_add(const char *mode, uint32_t count)
{
    const struct iso_vtype *s32 = iso_vtype_primitive(ISO_V_S32);
    const struct iso_wit_param params[] = {{.name = iso_str_from_z("a"), .type = s32},
                                           {.name = iso_str_from_z("b"), .type = s32}};
    const struct iso_wit_func func = {
        .name = iso_str_from_z("add"), .params = params, .param_count = 2, .result = s32};
    struct add add = {.func = &func, .core = iso_instance_export_func(instance, "add")};
    add.binding = binding_of(&func);
    iso_arena_init(&add.arena, iso_alloc_libc(), 0, SIZE_MAX);
    iso_buf_init(&add.text, iso_alloc_libc(), SIZE_MAX);
    if (strcmp(mode, "add") == 0) {
        double typed = fastest(add_typed, &add, count), core = fastest(add_core, &add, count);
        (void)printf("{\"typed_ns\": %.1f, \"core_ns\": %.1f}\n", typed, core);
    } else {
        double json = fastest(add_json, &add, count);
        (void)printf("{\"json_ns\": %.1f, \"calls_per_s\": %.0f}\n", json, 1e9 / json);
    }
    iso_binding_destroy(add.binding);
    iso_arena_fini(&add.arena);
    iso_buf_fini(&add.text);
}

/* ---- list --------------------------------------------------------------------------------------
 */

struct list {
    struct iso_binding *binding;
    uint8_t *bytes, *there, *back;
    bool views;
};

static void list_typed(void *ctx)
{
    struct list *list = ctx;
    struct iso_arena arena;
    struct iso_value arg = {.bytes = iso_bytes_from(list->bytes, LIST_BYTES)}, result = {.u = 0};
    iso_arena_init(&arena, iso_alloc_libc(), 0, SIZE_MAX);
    require(iso_binding_call(list->binding, &arg, &arena, &result, &report), "call");
    if (result.bytes.len != LIST_BYTES || result.bytes.ptr[LIST_BYTES - 1] != 0x5a) {
        require(ISO_E_STATE, "the list came back changed");
    }
    if (list->views) {
        /* What a view is for: its bytes go on to where they are needed. */
        memcpy(list->back, result.bytes.ptr, LIST_BYTES);
        require(iso_binding_release(list->binding, &report), "release");
    }
    iso_arena_fini(&arena);
}

static void list_memcpy(void *ctx)
{
    struct list *list = ctx;
    memcpy(list->there, list->bytes, LIST_BYTES);
    memcpy(list->back, list->there, LIST_BYTES);
    __asm__ volatile("" ::: "memory");
}

/* As the arena does it: the copy goes to memory that was not used before. */
static void list_memcpy_fresh(void *ctx)
{
    struct list *list = ctx;
    uint8_t *fresh = calloc(1, LIST_BYTES);
    memcpy(list->there, list->bytes, LIST_BYTES);
    if (fresh != NULL) {
        memcpy(fresh, list->there, LIST_BYTES);
    }
    __asm__ volatile("" ::"r"(fresh) : "memory");
    free(fresh);
}

static void mode_list(uint32_t count)
{
    struct iso_vtype type = {.kind = ISO_V_LIST, .element = iso_vtype_primitive(ISO_V_U8)};
    const struct iso_wit_param param = {.name = iso_str_from_z("data"), .type = &type};
    const struct iso_wit_func func = {
        .name = iso_str_from_z("echo"), .params = &param, .param_count = 1, .result = &type};
    struct list list = {
        .bytes = malloc(LIST_BYTES), .there = malloc(LIST_BYTES), .back = malloc(LIST_BYTES)};
    require(iso_vtype_finish(&type, &report), "type");
    if (list.bytes == NULL || list.there == NULL || list.back == NULL) {
        require(ISO_E_NOMEM, "buffers");
    }
    memset(list.bytes, 0x5a, LIST_BYTES);
    list.binding = binding_of(&func);
    double base = fastest(list_memcpy, &list, count);
    double fresh = fastest(list_memcpy_fresh, &list, count);
    double copied = fastest(list_typed, &list, count);
    list.views = true;
    iso_binding_set_views(list.binding, true);
    double viewed = fastest(list_typed, &list, count);
    (void)printf("{\"memcpy_ns\": %.0f, \"memcpy_fresh_ns\": %.0f, \"copied_ns\": %.0f, "
                 "\"viewed_ns\": %.0f, \"copied_ratio\": %.3f, \"viewed_ratio\": %.3f}\n",
                 base, fresh, copied, viewed, copied / base, viewed / base);
    iso_binding_destroy(list.binding);
    free(list.bytes);
    free(list.there);
    free(list.back);
}

/* ---- host --------------------------------------------------------------------------------------
 */

static struct iso_vtype bytes_type = {.kind = ISO_V_LIST};

static enum iso_host_result host_add(void *ctx, struct iso_host_call *call,
                                     const struct iso_value *args, struct iso_arena *arena,
                                     struct iso_value *result)
{
    (void)ctx;
    (void)call;
    (void)arena;
    result->s = args[0].s + args[1].s;
    return ISO_HOST_DONE;
}

static enum iso_host_result host_take(void *ctx, struct iso_host_call *call,
                                      const struct iso_value *args, struct iso_arena *arena,
                                      struct iso_value *result)
{
    (void)ctx;
    (void)call;
    (void)arena;
    result->u = args[0].bytes.len + args[0].bytes.ptr[args[0].bytes.len - 1];
    return ISO_HOST_DONE;
}

static void define_imports(bool views)
{
    static struct iso_wit_param numbers[2], bytes;
    static struct iso_wit_func add, take;
    const struct iso_vtype *s32 = iso_vtype_primitive(ISO_V_S32);
    bytes_type.element = iso_vtype_primitive(ISO_V_U8);
    require(iso_vtype_finish(&bytes_type, &report), "type");
    numbers[0] = numbers[1] = (struct iso_wit_param){.name = iso_str_from_z("n"), .type = s32};
    bytes = (struct iso_wit_param){.name = iso_str_from_z("data"), .type = &bytes_type};
    add = (struct iso_wit_func){
        .name = iso_str_from_z("host-add"), .params = numbers, .param_count = 2, .result = s32};
    take = (struct iso_wit_func){.name = iso_str_from_z("host-take"),
                                 .params = &bytes,
                                 .param_count = 1,
                                 .result = iso_vtype_primitive(ISO_V_U32)};
    require(iso_typed_define(store, NULL, &add, host_add, NULL, ISO_HOST_REISSUE), "host-add");
    require(views ? iso_typed_define_views(store, NULL, &take, host_take, NULL, ISO_HOST_REISSUE)
                  : iso_typed_define(store, NULL, &take, host_take, NULL, ISO_HOST_REISSUE),
            "host-take");
}

/* Imports called from a loop of the guest; per call. */
static double host_calls(const char *name, uint32_t count)
{
    struct iso_func *func = iso_instance_export_func(instance, name);
    double best = 0;
    for (int round = 0; round < ROUNDS; round++) {
        union iso_slot arg = {.u32 = count}, result;
        double start = now_ns();
        require(iso_call(store, func, &arg, &result), name);
        double elapsed = (now_ns() - start) / count;
        best = round == 0 || elapsed < best ? elapsed : best;
    }
    return best;
}

static void mode_host(uint32_t count)
{
    double add = host_calls("add-often", count * 100), copied = host_calls("take-often", count);
    define_imports(true); /* for the instance that comes now */
    require(iso_instance_create(store, module, &instance, &report), "second instance");
    double viewed = host_calls("take-often", count);
    (void)printf("{\"host_add_ns\": %.1f, \"host_copied_ns\": %.0f, \"host_viewed_ns\": %.0f}\n",
                 add, copied, viewed);
}

int main(int argc, char **argv)
{
    struct iso_file file = {0};
    if (argc < 3) {
        (void)fprintf(stderr, "usage: abi_bench add|list|json|host GUEST [COUNT]\n");
        return 2;
    }
    uint32_t count = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 0;
    iso_report_init(&report);
    require(iso_file_read(argv[2], UINT64_C(1) << 30, &file, &report), "read the guest");
    require(iso_engine_create(NULL, &engine), "engine");
    require(iso_module_create(engine, file.bytes.ptr, file.bytes.len, &module, &report), "module");
    require(iso_store_create(engine, NULL, &store), "store");
    define_imports(false);
    require(iso_instance_create(store, module, &instance, &report), "instance");
    if (strcmp(argv[1], "list") == 0) {
        mode_list(count != 0 ? count : 20);
    } else if (strcmp(argv[1], "host") == 0) {
        mode_host(count != 0 ? count : 200);
    } else {
        mode_add(argv[1], count != 0 ? count : 20000);
    }
    iso_store_destroy(store);
    iso_module_destroy(module);
    iso_engine_destroy(engine);
    iso_file_fini(&file);
    return 0;
}
