/* Random types and values for tests. See the header. */
#include "codec/random_test_support.h"

#include "codec/text.h"

#include <math.h>

void iso_random_init(struct iso_random *random, uint64_t seed)
{
    *random = (struct iso_random){.state = seed};
}

/* splitmix64: every seed will do. */
uint64_t iso_random_u64(struct iso_random *random)
{
    uint64_t x = random->state += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

uint32_t iso_random_below(struct iso_random *random, uint32_t limit)
{
    return (uint32_t)((iso_random_u64(random) >> 32) * limit >> 32);
}

static struct iso_str make_name(struct iso_arena *arena, const char *format, uint32_t number)
{
    static const char *const words[] = {"alfa", "bravo-charlie", "delta", "x", "echo-foxtrot-golf"};
    char text[64];
    (void)iso_format(text, sizeof text, format, words[number % ISO_COUNT_OF(words)],
                     (unsigned)number);
    const char *copy = iso_arena_copy_str(arena, iso_str_from_z(text));
    return iso_str_from_z(copy);
}

/* How many members: mostly few, at times enough for two words of flags. */
static uint32_t member_count(struct iso_random *random, enum iso_vkind kind)
{
    uint32_t few = 1 + iso_random_below(random, 4);
    bool many = iso_random_below(random, 8) == 0;
    switch (kind) {
    case ISO_V_RESULT:
        return 2;
    case ISO_V_FLAGS:
        return many ? 1 + iso_random_below(random, 70) : 1 + iso_random_below(random, 12);
    case ISO_V_ENUM:
        return many ? 250 + iso_random_below(random, 20) : few;
    case ISO_V_RECORD:
        return many ? 17 : few;
    default:
        return few;
    }
}

static bool make_members(struct iso_random *random, struct iso_arena *arena, unsigned depth,
                         struct iso_vtype *type)
{
    bool named = type->kind != ISO_V_TUPLE && type->kind != ISO_V_RESULT;
    bool needs_type = type->kind == ISO_V_TUPLE || type->kind == ISO_V_RECORD;
    bool may_have_type = needs_type || type->kind == ISO_V_RESULT || type->kind == ISO_V_VARIANT;
    uint32_t count = member_count(random, type->kind);
    struct iso_vmember *members = iso_arena_array(arena, count, sizeof *members);
    if (members == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (named) {
            members[i].name = make_name(arena, "%s%u", i);
            if (members[i].name.ptr == NULL) {
                return false;
            }
        }
        if (may_have_type && (needs_type || iso_random_below(random, 3) != 0)) {
            members[i].type = iso_random_type(random, arena, depth - 1);
            if (members[i].type == NULL) {
                return false;
            }
        }
    }
    type->members = members;
    type->member_count = count;
    return true;
}

const struct iso_vtype *iso_random_type(struct iso_random *random, struct iso_arena *arena,
                                        unsigned depth)
{
    enum iso_vkind kind = (enum iso_vkind)iso_random_below(random, ISO_V_KIND_COUNT);
    bool is_flat = kind <= ISO_V_STRING || kind >= ISO_V_ENUM;
    if (depth <= 1 && !is_flat) {
        kind = (enum iso_vkind)iso_random_below(random, ISO_V_STRING + 1);
    }
    if (kind <= ISO_V_STRING) {
        return iso_vtype_primitive(kind);
    }
    struct iso_vtype *type = iso_arena_alloc(arena, sizeof *type);
    if (type == NULL) {
        return NULL;
    }
    type->kind = kind;
    if (kind == ISO_V_RECORD || kind >= ISO_V_VARIANT) {
        type->name = make_name(arena, "%s-t%u", random->names++);
        if (type->name.ptr == NULL) {
            return NULL;
        }
    }
    if (kind == ISO_V_LIST || kind == ISO_V_OPTION) {
        type->element = iso_random_type(random, arena, depth - 1);
        if (type->element == NULL) {
            return NULL;
        }
    } else if (!make_members(random, arena, depth, type)) {
        return NULL;
    }
    enum iso_err err = iso_vtype_finish(type, NULL);
    ISO_ASSERT(err == ISO_OK); /* such types are far from every limit, if depth is */
    return type;
}

/* One value in the making. */
struct maker {
    struct iso_random *random;
    struct iso_arena *arena;
    uint32_t budget; /* items that lists may still have in all */
};

/* Half of the numbers are near a border. */
static uint64_t random_bits(struct iso_random *random)
{
    static const uint64_t borders[] = {0,
                                       1,
                                       UINT64_MAX,
                                       UINT64_C(1) << 53,
                                       (UINT64_C(1) << 53) + 1,
                                       (UINT64_C(1) << 53) - 1,
                                       UINT64_C(1) << 63,
                                       (UINT64_C(1) << 63) - 1,
                                       0x7f,
                                       0x80,
                                       0xff,
                                       0x7fff,
                                       0x8000,
                                       0x7fffffff,
                                       0x80000000};
    uint64_t bits = iso_random_u64(random);
    switch (iso_random_below(random, 4)) {
    case 0:
        return borders[iso_random_below(random, ISO_COUNT_OF(borders))];
    case 1:
        return ~borders[iso_random_below(random, ISO_COUNT_OF(borders))] + 1;
    case 2:
        return bits >> iso_random_below(random, 64);
    default:
        return bits;
    }
}

static int64_t random_signed(struct iso_random *random, enum iso_vkind kind)
{
    uint64_t bits = random_bits(random);
    struct iso_vrange range = iso_vkind_range(kind);
    uint64_t low = bits & range.max;
    /* The lowest number is the complement of the highest. */
    return (bits & (range.max + 1)) != 0 ? -1 - (int64_t)(range.max - low) : (int64_t)low;
}

static double random_f64(struct iso_random *random)
{
    static const double borders[] = {0.0,
                                     -0.0,
                                     1.0,
                                     -1.5,
                                     0.1,
                                     65504.0,
                                     65505.0,
                                     5.9604644775390625e-8,
                                     3.4028234663852886e38,
                                     3.5e38,
                                     1.1754943508222875e-38,
                                     1.401298464324817e-45,
                                     2.2250738585072014e-308,
                                     4.9406564584124654e-324,
                                     1.7976931348623157e308,
                                     9007199254740993.0,
                                     1e21,
                                     1e-7};
    uint64_t bits = iso_random_u64(random);
    double value;
    switch (iso_random_below(random, 6)) {
    case 0:
        return borders[iso_random_below(random, ISO_COUNT_OF(borders))];
    case 1:
        return iso_random_below(random, 2) == 0 ? (double)NAN : (double)INFINITY;
    case 2:
        return -(double)INFINITY;
    case 3:
        return (double)(int64_t)bits / 256;
    default:
        memcpy(&value, &bits, sizeof value);
        return value;
    }
}

static float random_f32(struct iso_random *random)
{
    uint32_t bits = (uint32_t)iso_random_u64(random);
    double wide = random_f64(random);
    float value;
    if (iso_random_below(random, 2) == 0 &&
        (isnan(wide) || isinf(wide) || fabs(wide) <= 3.4028234663852886e38)) {
        return (float)wide;
    }
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint32_t random_character(struct iso_random *random)
{
    static const uint32_t borders[] = {0,      '"',    '\\',   '/',     0x1f,    0x7f,
                                       0x80,   0x7ff,  0x800,  0xd7ff,  0xe000,  0xfeff,
                                       0xfffd, 0xffff, 0x2028, 0x10000, 0x1f600, 0x10ffff};
    switch (iso_random_below(random, 3)) {
    case 0:
        return borders[iso_random_below(random, ISO_COUNT_OF(borders))];
    case 1:
        return 0x20 + iso_random_below(random, 0x5f);
    default: {
        uint32_t character = iso_random_below(random, 0x10f800);
        return character < 0xd800 ? character : character + 0x800;
    }
    }
}

/* How long a list or string is. */
static uint32_t random_length(struct maker *maker, uint32_t max)
{
    uint32_t length =
        iso_random_below(maker->random, 4) == 0 ? 0 : iso_random_below(maker->random, max + 1);
    length = length < maker->budget ? length : maker->budget;
    maker->budget -= length;
    return length;
}

static enum iso_err make_string(struct maker *maker, struct iso_value *out)
{
    uint32_t count = random_length(maker, 12);
    size_t len = 0;
    char *text = iso_arena_alloc(maker->arena, 4 * (size_t)count);
    if (text == NULL) {
        return ISO_E_NOMEM;
    }
    for (uint32_t i = 0; i < count; i++) {
        len += iso_character_encode(random_character(maker->random), text + len);
    }
    out->string = iso_str_from(text, len);
    return ISO_OK;
}

static enum iso_err make_bytes(struct maker *maker, struct iso_value *out)
{
    uint32_t count = random_length(maker, 40);
    uint8_t *bytes = iso_arena_alloc(maker->arena, count);
    if (bytes == NULL) {
        return ISO_E_NOMEM;
    }
    for (uint32_t i = 0; i < count; i++) {
        bytes[i] = (uint8_t)iso_random_u64(maker->random);
    }
    out->bytes = iso_bytes_from(bytes, count);
    return ISO_OK;
}

static enum iso_err make_value(struct maker *maker, const struct iso_vtype *type,
                               struct iso_value *out);

static enum iso_err make_items(struct maker *maker, const struct iso_vtype *type,
                               struct iso_value *out)
{
    bool is_list = type->kind == ISO_V_LIST;
    uint32_t count = is_list ? random_length(maker, 6) : type->member_count;
    struct iso_value *items = iso_arena_array(maker->arena, count, sizeof *items);
    enum iso_err err = items != NULL ? ISO_OK : ISO_E_NOMEM;
    for (uint32_t i = 0; i < count && err == ISO_OK; i++) {
        err = make_value(maker, is_list ? type->element : type->members[i].type, &items[i]);
    }
    *out = (struct iso_value){.list = {.items = items, .count = count}};
    return err;
}

static enum iso_err make_choice(struct maker *maker, const struct iso_vtype *type,
                                struct iso_value *out)
{
    uint32_t index = iso_random_below(maker->random, iso_vtype_case_count(type));
    const struct iso_vtype *payload_type = iso_vtype_case_payload(type, index);
    struct iso_value *payload = NULL;
    enum iso_err err = ISO_OK;
    if (payload_type != NULL) {
        payload = iso_arena_alloc(maker->arena, sizeof *payload);
        err = payload != NULL ? make_value(maker, payload_type, payload) : ISO_E_NOMEM;
    }
    *out = (struct iso_value){.choice = {.payload = payload, .index = index}};
    return err;
}

static enum iso_err make_flags(struct maker *maker, const struct iso_vtype *type,
                               struct iso_value *out)
{
    uint32_t count = iso_vtype_flag_words(type), rest = type->member_count % 32;
    uint32_t *words = iso_arena_array(maker->arena, count, sizeof *words);
    if (words == NULL) {
        return ISO_E_NOMEM;
    }
    for (uint32_t i = 0; i < count; i++) {
        words[i] = (uint32_t)random_bits(maker->random);
    }
    if (rest != 0) {
        words[count - 1] &= (UINT32_C(1) << rest) - 1;
    }
    out->flags = words;
    return ISO_OK;
}

static enum iso_err make_value(struct maker *maker, const struct iso_vtype *type,
                               struct iso_value *out)
{
    struct iso_random *random = maker->random;
    switch (type->kind) {
    case ISO_V_BOOL:
        out->boolean = iso_random_below(random, 2) == 1;
        return ISO_OK;
    case ISO_V_S8:
    case ISO_V_S16:
    case ISO_V_S32:
    case ISO_V_S64:
        out->s = random_signed(random, type->kind);
        return ISO_OK;
    case ISO_V_F32:
        out->f32 = random_f32(random);
        return ISO_OK;
    case ISO_V_F64:
        out->f64 = random_f64(random);
        return ISO_OK;
    case ISO_V_CHAR:
        out->character = random_character(random);
        return ISO_OK;
    case ISO_V_STRING:
        return make_string(maker, out);
    case ISO_V_LIST:
        return type->element->kind == ISO_V_U8 ? make_bytes(maker, out)
                                               : make_items(maker, type, out);
    case ISO_V_TUPLE:
    case ISO_V_RECORD:
        return make_items(maker, type, out);
    case ISO_V_OPTION:
    case ISO_V_RESULT:
    case ISO_V_VARIANT:
        return make_choice(maker, type, out);
    case ISO_V_ENUM:
        out->u = iso_random_below(random, type->member_count);
        return ISO_OK;
    case ISO_V_FLAGS:
        return make_flags(maker, type, out);
    default:
        out->u = random_bits(random) & iso_vkind_range(type->kind).max;
        return ISO_OK;
    }
}

enum iso_err iso_random_value(struct iso_random *random, const struct iso_vtype *type,
                              struct iso_arena *arena, struct iso_value *out)
{
    struct maker maker = {.random = random, .arena = arena, .budget = 200};
    struct iso_value value = {.u = 0};
    enum iso_err err = make_value(&maker, type, &value);
    if (err == ISO_OK) {
        *out = value;
    }
    return err;
}
