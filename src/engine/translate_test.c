/*
 * translate_test.c - operations that the translator makes of several instructions: arithmetic whose
 * operand is loaded just before, in all its forms, and sums that go by way of 64 bits.
 */
#include "base/test.h"
#include "engine/module_test_support.h"
#include "engine/opcodes.h"
#include "engine/run.h"

enum { ADDRESS = 32, OTHER = 4, PAGE_BYTES = 65536 };

/* (param $address i32) (param $other i32) (param $x t) (param $z t) (result t), for each t. */
struct type {
    const char *func;
    uint8_t load;
    uint8_t bytes;
    uint8_t add, sub, mul;
};
static const struct type types[] = {
    {"iiii:i", ISO_OP_I32_LOAD, 4, ISO_OP_I32_ADD, ISO_OP_I32_SUB, ISO_OP_I32_MUL},
    {"iiff:f", ISO_OP_F32_LOAD, 4, ISO_OP_F32_ADD, ISO_OP_F32_SUB, ISO_OP_F32_MUL},
    {"iiFF:F", ISO_OP_F64_LOAD, 8, ISO_OP_F64_ADD, ISO_OP_F64_SUB, ISO_OP_F64_MUL},
};

static union iso_slot number(const struct type *type, int32_t value)
{
    union iso_slot slot = {.u64 = 0};
    if (type->load == ISO_OP_I32_LOAD) {
        slot.u32 = (uint32_t)value;
    } else if (type->load == ISO_OP_F32_LOAD) {
        slot.f32 = (float)value;
    } else {
        slot.f64 = value;
    }
    return slot;
}

static int32_t value_of(const struct type *type, union iso_slot slot)
{
    if (type->load == ISO_OP_I32_LOAD) {
        return (int32_t)slot.u32;
    }
    return (int32_t)(type->load == ISO_OP_F32_LOAD ? (double)slot.f32 : slot.f64);
}

/* Ways to an address, with the load's offset, and where they lead. */
#define GET(n) ISO_OP_LOCAL_GET, n
#define CONST(n) ISO_OP_I32_CONST, n
struct path {
    uint8_t code[16];
    uint8_t len;
    uint8_t offset;
    uint32_t leads_to;
};
#define PATH(leads_to, offset, ...)                                                                \
    {                                                                                              \
        {__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}), offset, leads_to                    \
    }
static const struct path paths[] = {
    PATH(32, 0, GET(0)),
    PATH(40, 8, GET(0)),
    PATH(40, 0, GET(0), CONST(8), ISO_OP_I32_ADD),
    PATH(36, 0, GET(0), GET(1), ISO_OP_I32_XOR),
    PATH(44, 8, GET(0), GET(1), ISO_OP_I32_XOR),
    PATH(40, 4, GET(0), GET(1), ISO_OP_I32_ADD),
    PATH(44, 0, GET(0), GET(1), ISO_OP_I32_XOR, CONST(8), ISO_OP_I32_ADD),
    PATH(44, 0, GET(0), GET(1), ISO_OP_I32_XOR, ISO_OP_LOCAL_TEE, 0, CONST(8), ISO_OP_I32_ADD),
    PATH(44, 8, GET(0), GET(1), ISO_OP_I32_XOR, ISO_OP_LOCAL_TEE, 0),
    PATH(24, 8, CONST(16)),
};

enum side { LOAD_RIGHT, LOAD_LEFT };
enum use { RESULT, LOCAL, SUM, SUM_LEFT, DIFFERENCE, USE_COUNT };

struct shape {
    const struct type *type;
    const struct path *path;
    enum side side;
    uint8_t op;
    enum use use;
};

/* The body; where its load is, counted from the beginning. */
static size_t body_of(const struct shape *s, uint8_t *body, size_t *load_at)
{
    size_t n = 0;
#define EMIT(...)                                                                                  \
    do {                                                                                           \
        const uint8_t bytes_[] = {__VA_ARGS__};                                                    \
        memcpy(body + n, bytes_, sizeof bytes_);                                                   \
        n += sizeof bytes_;                                                                        \
    } while (0)
    EMIT(0); /* no locals */
    if (s->use == SUM || s->use == DIFFERENCE) {
        EMIT(GET(3));
    }
    if (s->side == LOAD_RIGHT) {
        EMIT(GET(2));
    }
    memcpy(body + n, s->path->code, s->path->len);
    n += s->path->len;
    *load_at = n;
    EMIT(s->type->load, 0, s->path->offset);
    if (s->side == LOAD_LEFT) {
        EMIT(GET(2));
    }
    EMIT(s->op);
    switch (s->use) {
    case LOCAL:
        EMIT(ISO_OP_LOCAL_SET, 3, GET(3));
        break;
    case SUM:
        EMIT(s->type->add);
        break;
    case SUM_LEFT:
        EMIT(GET(3), s->type->add);
        break;
    case DIFFERENCE:
        EMIT(s->type->sub);
        break;
    default:
        break;
    }
    EMIT(ISO_OP_END);
    return n;
}

static int32_t expected(const struct shape *s, int32_t x, int32_t y, int32_t z)
{
    int32_t left = s->side == LOAD_RIGHT ? x : y;
    int32_t right = s->side == LOAD_RIGHT ? y : x;
    int32_t r = s->op == s->type->add   ? left + right
                : s->op == s->type->sub ? left - right
                                        : left * right;
    switch (s->use) {
    case SUM:
    case SUM_LEFT:
        return z + r;
    case DIFFERENCE:
        return z - r;
    default:
        return r;
    }
}

/* A store with one instance of the module in w, which has one function and one page of memory. */
struct running {
    struct iso_store *store;
    struct iso_instance *instance;
};

/* The module of one function, whose code begins with the byte at *code_at of the module. */
static struct running run_init(struct wasm *w, const char *type, const uint8_t *body, size_t len,
                               size_t *code_at)
{
    struct running r;
    wasm_clear(w);
    wasm_func(w, type);
    WASM_SECTION(w, 5, 1, 0, 1);
    wasm_code(w, body, len);
    *code_at = w->bytes.len - len;
    CHECK_OK(wasm_load(w));
    CHECK_OK(iso_store_create(w->engine, NULL, &r.store));
    CHECK_OK(iso_instance_create(r.store, w->module, &r.instance, NULL));
    return r;
}

static void put_number(struct running *r, const struct type *type, uint32_t at, int32_t value)
{
    union iso_slot slot = number(type, value);
    uint8_t *to = r->instance->memories[0]->base + at;
    uint64_t bits = type->bytes == 8 ? slot.u64 : slot.u32;
    for (uint32_t i = 0; i < type->bytes; i++) {
        to[i] = (uint8_t)(bits >> 8 * i);
    }
}

static void check_shape(struct wasm *w, const struct shape *s)
{
    enum { X = 3, Y = 7, Z = 100 };
    uint8_t body[64];
    size_t load_at;
    size_t code_at;
    size_t len = body_of(s, body, &load_at);
    struct running r = run_init(w, s->type->func, body, len, &code_at);
    put_number(&r, s->type, s->path->leads_to, Y);
    union iso_slot args[4] = {{.u32 = ADDRESS}, {.u32 = OTHER}};
    args[2] = number(s->type, X);
    args[3] = number(s->type, Z);
    union iso_slot result;
    CHECK_OK(iso_call(r.store, iso_instance_func(r.instance, 0), args, &result));
    int32_t is = value_of(s->type, result);
    int32_t should = expected(s, X, Y, Z);
    if (is != should) {
        TEST_FAIL("load %#x, path %u, side %d, op %#x, use %d: %d, expected %d",
                  (unsigned)s->type->load, (unsigned)(s->path - paths), (int)s->side,
                  (unsigned)s->op, (int)s->use, (int)is, (int)should);
    }

    /* At the end, and beyond it: the load traps, not what it became part of. */
    if (s->path->code[0] == ISO_OP_LOCAL_GET) {
        args[0].u32 = PAGE_BYTES - s->type->bytes - (s->path->leads_to - ADDRESS);
        CHECK_OK(iso_call(r.store, iso_instance_func(r.instance, 0), args, NULL));
        args[0].u32 += 16;
        CHECK_ERR(iso_call(r.store, iso_instance_func(r.instance, 0), args, NULL), ISO_E_TRAP);
        const struct iso_trap *trap = iso_store_trap(r.store);
        CHECK_EQ_U64(trap->kind, ISO_TRAP_MEMORY);
        CHECK_EQ_U64(trap->frames[0].offset, code_at + load_at);
    }
    iso_store_destroy(r.store);
}

TEST(arithmetic_with_an_operand_in_memory)
{
    struct wasm w;
    wasm_init(&w);
    for (size_t t = 0; t < ISO_COUNT_OF(types); t++) {
        const uint8_t ops[] = {types[t].add, types[t].sub, types[t].mul};
        for (size_t n = 0; n < ISO_COUNT_OF(paths) * 2 * 3 * USE_COUNT; n++) {
            const struct shape shape = {
                .type = &types[t],
                .path = &paths[n / (2 * 3 * USE_COUNT)],
                .side = n / (3 * USE_COUNT) % 2 == 0 ? LOAD_RIGHT : LOAD_LEFT,
                .op = ops[n / USE_COUNT % 3],
                .use = (enum use)(n % USE_COUNT),
            };
            check_shape(&w, &shape);
        }
    }
    wasm_fini(&w);
}

/* A sum wraps at 32 bits, an offset does not (spec 4.4.7). */
TEST(sums_of_addresses_wrap_and_offsets_do_not)
{
    static const uint8_t sum[] = {
        0, GET(2), GET(0),         CONST(16), ISO_OP_I32_ADD, ISO_OP_F64_LOAD,
        0, 0,      ISO_OP_F64_ADD, ISO_OP_END};
    static const uint8_t offset[] = {0, GET(2), GET(0),         ISO_OP_F64_LOAD,
                                     0, 16,     ISO_OP_F64_ADD, ISO_OP_END};
    struct wasm w;
    size_t code_at;
    union iso_slot args[4] = {{.u32 = UINT32_MAX - 7}};
    union iso_slot result;
    args[2].f64 = 1.5;
    wasm_init(&w);
    struct running r = run_init(&w, "iiFF:F", sum, sizeof sum, &code_at);
    put_number(&r, &types[2], 8, 2);
    CHECK_OK(iso_call(r.store, iso_instance_func(r.instance, 0), args, &result));
    CHECK(result.f64 == 3.5);
    iso_store_destroy(r.store);
    r = run_init(&w, "iiFF:F", offset, sizeof offset, &code_at);
    CHECK_ERR(iso_call(r.store, iso_instance_func(r.instance, 0), args, NULL), ISO_E_TRAP);
    iso_store_destroy(r.store);
    wasm_fini(&w);
}

/* What is stored after a load does not change what was loaded. */
TEST(a_load_does_not_wait_for_its_use)
{
    static const uint8_t body[] = {0,      GET(0),         ISO_OP_I32_LOAD,  0, 0,
                                   GET(0), CONST(50),      ISO_OP_I32_STORE, 0, 0,
                                   GET(2), ISO_OP_I32_ADD, ISO_OP_END};
    struct wasm w;
    size_t code_at;
    const union iso_slot args[4] = {{.u32 = ADDRESS}, {.u32 = 0}, {.u32 = 3}};
    union iso_slot result;
    wasm_init(&w);
    struct running r = run_init(&w, "iiii:i", body, sizeof body, &code_at);
    put_number(&r, &types[0], ADDRESS, 7);
    CHECK_OK(iso_call(r.store, iso_instance_func(r.instance, 0), args, &result));
    CHECK_EQ_U64(result.u32, 10);
    CHECK_EQ_U64(r.instance->memories[0]->base[ADDRESS], 50);
    iso_store_destroy(r.store);
    wasm_fini(&w);
}

/* i32.wrap_i64 of an extended local plus a constant, as the Go compiler writes addresses: by
 * itself, as an address, kept while the local changes, and with the sum of 64 bits used as well. */
#define WIDE_SUM(addend)                                                                           \
    ISO_OP_I64_EXTEND_I32_U, ISO_OP_I64_CONST, addend, ISO_OP_I64_ADD, ISO_OP_I32_WRAP_I64
static const struct wide_sum {
    uint8_t body[32];
    uint32_t arg;
    uint32_t result;
} wide_sums[] = {
    {{0, GET(0), WIDE_SUM(8), ISO_OP_END}, 32, 40},
    {{0, GET(0), WIDE_SUM(8), ISO_OP_END}, UINT32_MAX, 7},
    {{0, GET(0), WIDE_SUM(0x78), ISO_OP_END}, 3, UINT32_MAX - 4},
    {{0, GET(0), WIDE_SUM(8), ISO_OP_I32_LOAD, 0, 0, ISO_OP_END}, 32, 77},
    {{0, GET(0), WIDE_SUM(8), ISO_OP_I32_LOAD, 0, 4, ISO_OP_END}, 28, 77},
    {{0, GET(0), WIDE_SUM(8), CONST(5), ISO_OP_LOCAL_SET, 0, ISO_OP_END}, 32, 40},
    {{0, GET(0), WIDE_SUM(8), CONST(9), ISO_OP_I32_STORE, 0, 0, GET(0), ISO_OP_I32_LOAD, 0, 8,
      ISO_OP_END},
     32,
     9},
    {{0, GET(0), CONST(3), ISO_OP_I32_MUL, WIDE_SUM(8), ISO_OP_END}, 4, 20},
    {{1, 1, ISO_TYPE_I64, GET(0), ISO_OP_I64_EXTEND_I32_U, ISO_OP_LOCAL_TEE, 1, ISO_OP_I64_CONST, 8,
      ISO_OP_I64_ADD, ISO_OP_I32_WRAP_I64, GET(1), ISO_OP_I32_WRAP_I64, ISO_OP_I32_ADD, ISO_OP_END},
     32,
     72},
    {{1, 1, ISO_TYPE_I64, GET(0), ISO_OP_I64_EXTEND_I32_U, ISO_OP_I64_CONST, 8, ISO_OP_I64_ADD,
      ISO_OP_LOCAL_TEE, 1, ISO_OP_I32_WRAP_I64, GET(1), ISO_OP_I32_WRAP_I64, ISO_OP_I32_ADD,
      ISO_OP_END},
     32,
     80},
};

TEST(sums_by_way_of_64_bits)
{
    struct wasm w;
    size_t code_at;
    wasm_init(&w);
    for (size_t i = 0; i < ISO_COUNT_OF(wide_sums); i++) {
        const struct wide_sum *s = &wide_sums[i];
        size_t len = sizeof s->body;
        while (s->body[len - 1] != ISO_OP_END) {
            len--;
        }
        struct running r = run_init(&w, "i:i", s->body, len, &code_at);
        put_number(&r, &types[0], 40, 77);
        const union iso_slot arg = {.u32 = s->arg};
        union iso_slot result;
        CHECK_OK(iso_call(r.store, iso_instance_func(r.instance, 0), &arg, &result));
        if (result.u32 != s->result) {
            TEST_FAIL("sum %u: %u, expected %u", (unsigned)i, (unsigned)result.u32,
                      (unsigned)s->result);
        }
        iso_store_destroy(r.store);
    }
    wasm_fini(&w);
}
