/* Random values of random types: through JSON and CBOR and back they are the same, copies are
 * equal, and whichever allocation fails, nothing is left over. */
#include "base/test.h"
#include "codec/codec.h"
#include "codec/random_test_support.h"

typedef enum iso_err (*encode_fn)(const struct iso_vtype *type, const struct iso_value *value,
                                  struct iso_buf *out);
typedef enum iso_err (*decode_fn)(const struct iso_vtype *type, struct iso_bytes text,
                                  const char *root, struct iso_arena *arena, struct iso_value *out,
                                  struct iso_report *report);

static const struct form {
    const char *name;
    encode_fn encode;
    decode_fn decode;
} forms[] = {{"JSON", iso_json_encode, iso_json_decode},
             {"CBOR", iso_cbor_encode, iso_cbor_decode}};

/* To a form and back, and to it once more: the same value, the same bytes. */
static void check_form(const struct form *form, const struct iso_vtype *type,
                       const struct iso_value *value, unsigned seed)
{
    struct iso_arena arena;
    struct iso_buf first, second;
    struct iso_report report;
    struct iso_value back;
    char text[100];

    iso_arena_init(&arena, iso_alloc_libc(), 0, SIZE_MAX);
    iso_buf_init(&first, iso_alloc_libc(), SIZE_MAX);
    iso_buf_init(&second, iso_alloc_libc(), SIZE_MAX);
    iso_report_init(&report);
    iso_vtype_text(type, text, sizeof text);
    CHECK_OK(form->encode(type, value, &first));
    /* An exact area, so that an address sanitizer sees a byte too much. */
    uint8_t *exact = iso_alloc_new(iso_alloc_libc(), first.len);
    CHECK(exact != NULL);
    memcpy(exact, first.ptr, first.len);
    if (form->decode(type, iso_bytes_from(exact, first.len), "v", &arena, &back, &report) !=
        ISO_OK) {
        TEST_FAIL("%s, seed %u, %s: %s", form->name, seed, text, report.text);
    }
    if (!iso_value_equal(type, value, &back)) {
        TEST_FAIL("%s, seed %u, %s: another value", form->name, seed, text);
    }
    if (iso_value_check(type, &back, &report) != ISO_OK) {
        TEST_FAIL("%s, seed %u, %s: %s", form->name, seed, text, report.text);
    }
    CHECK_OK(form->encode(type, &back, &second));
    CHECK(iso_bytes_equal(iso_buf_view(&first), iso_buf_view(&second)));
    iso_alloc_free(iso_alloc_libc(), exact, first.len);
    iso_buf_fini(&first);
    iso_buf_fini(&second);
    iso_arena_fini(&arena);
}

static void check_copy(const struct iso_vtype *type, const struct iso_value *value)
{
    struct iso_arena arena;
    struct iso_value copy;
    iso_arena_init(&arena, iso_alloc_libc(), 0, SIZE_MAX);
    CHECK_OK(iso_value_copy(type, value, &arena, &copy));
    CHECK(iso_value_equal(type, value, &copy));
    iso_arena_fini(&arena);
}

TEST(random_values_come_back_from_json_and_cbor)
{
    for (unsigned seed = 0; seed < 3000; seed++) {
        struct iso_arena arena;
        struct iso_random random;
        struct iso_report report;
        iso_arena_init(&arena, iso_alloc_libc(), 0, SIZE_MAX);
        iso_random_init(&random, seed);
        iso_report_init(&report);
        const struct iso_vtype *type = iso_random_type(&random, &arena, 1 + seed % 5);
        CHECK(type != NULL);
        for (unsigned i = 0; i < 4; i++) {
            struct iso_value value;
            CHECK_OK(iso_random_value(&random, type, &arena, &value));
            CHECK_OK(iso_value_check(type, &value, &report));
            check_form(&forms[0], type, &value, seed);
            check_form(&forms[1], type, &value, seed);
            check_copy(type, &value);
        }
        iso_arena_fini(&arena);
    }
}

TEST(every_kind_and_its_borders_come_back)
{
    for (unsigned kind = 0; kind <= ISO_V_STRING; kind++) {
        struct iso_arena arena;
        struct iso_random random;
        const struct iso_vtype *type = iso_vtype_primitive((enum iso_vkind)kind);
        iso_arena_init(&arena, iso_alloc_libc(), 0, SIZE_MAX);
        iso_random_init(&random, kind);
        for (unsigned i = 0; i < 2000; i++) {
            struct iso_value value;
            CHECK_OK(iso_random_value(&random, type, &arena, &value));
            check_form(&forms[0], type, &value, i);
            check_form(&forms[1], type, &value, i);
        }
        iso_arena_fini(&arena);
    }
}

TEST(different_random_values_are_told_apart)
{
    unsigned equal = 0, different = 0;
    for (unsigned seed = 0; seed < 500; seed++) {
        struct iso_arena arena;
        struct iso_random random;
        struct iso_value a, b;
        struct iso_buf texts[2];
        iso_arena_init(&arena, iso_alloc_libc(), 0, SIZE_MAX);
        iso_random_init(&random, seed);
        const struct iso_vtype *type = iso_random_type(&random, &arena, 3);
        CHECK(type != NULL);
        CHECK_OK(iso_random_value(&random, type, &arena, &a));
        CHECK_OK(iso_random_value(&random, type, &arena, &b));
        iso_buf_init(&texts[0], iso_alloc_libc(), SIZE_MAX);
        iso_buf_init(&texts[1], iso_alloc_libc(), SIZE_MAX);
        CHECK_OK(iso_json_encode(type, &a, &texts[0]));
        CHECK_OK(iso_json_encode(type, &b, &texts[1]));
        /* One value has one text. */
        bool same = iso_bytes_equal(iso_buf_view(&texts[0]), iso_buf_view(&texts[1]));
        CHECK(iso_value_equal(type, &a, &b) == same);
        equal += same ? 1 : 0;
        different += same ? 0 : 1;
        iso_buf_fini(&texts[0]);
        iso_buf_fini(&texts[1]);
        iso_arena_fini(&arena);
    }
    CHECK(equal > 10 && different > 100);
}

/* Everything that allocates, once. */
static enum iso_err go_through(const struct form *form, const struct iso_alloc *alloc,
                               const struct iso_vtype *type, const struct iso_value *value)
{
    struct iso_buf text;
    struct iso_arena arena;
    struct iso_value back, copy;
    struct iso_report report;
    iso_buf_init(&text, alloc, SIZE_MAX);
    iso_arena_init(&arena, alloc, 64, SIZE_MAX);
    iso_report_init(&report);
    memset(&back, 0x5a, sizeof back);
    struct iso_value untouched = back;
    enum iso_err err = form->encode(type, value, &text);
    if (err != ISO_OK) {
        CHECK_EQ_U64(text.len, 0);
    }
    if (err == ISO_OK) {
        err = form->decode(type, iso_buf_view(&text), NULL, &arena, &back, &report);
        CHECK(err == ISO_OK || memcmp(&back, &untouched, sizeof back) == 0);
    }
    if (err == ISO_OK) {
        err = iso_value_copy(type, &back, &arena, &copy);
    }
    if (err == ISO_OK) {
        CHECK(iso_value_equal(type, value, &copy));
    }
    iso_arena_fini(&arena);
    iso_buf_fini(&text);
    return err;
}

TEST(no_failing_allocation_does_harm)
{
    struct iso_alloc_test memory;
    iso_alloc_test_init(&memory);
    for (unsigned seed = 0; seed < 60; seed++) {
        struct iso_arena arena;
        struct iso_random random;
        struct iso_value value;
        iso_arena_init(&arena, iso_alloc_libc(), 0, SIZE_MAX);
        iso_random_init(&random, seed);
        const struct iso_vtype *type = iso_random_type(&random, &arena, 4);
        CHECK(type != NULL);
        CHECK_OK(iso_random_value(&random, type, &arena, &value));
        for (size_t f = 0; f < ISO_COUNT_OF(forms); f++) {
            for (uint64_t n = 1;; n++) {
                iso_alloc_test_restart(&memory, n);
                enum iso_err err = go_through(&forms[f], &memory.alloc, type, &value);
                CHECK_EQ_U64(memory.live_bytes, 0);
                if (!memory.failed) {
                    CHECK_OK(err);
                    break;
                }
                CHECK_ERR(err, ISO_E_NOMEM);
            }
        }
        iso_arena_fini(&arena);
    }
}

TEST(small_buffers_and_arenas_are_limits)
{
    for (unsigned seed = 0; seed < 100; seed++) {
        struct iso_arena arena, small;
        struct iso_random random;
        struct iso_value value, back;
        struct iso_report report;
        struct iso_buf whole, cut;
        iso_arena_init(&arena, iso_alloc_libc(), 0, SIZE_MAX);
        iso_random_init(&random, seed);
        const struct iso_vtype *type = iso_random_type(&random, &arena, 4);
        CHECK(type != NULL);
        CHECK_OK(iso_random_value(&random, type, &arena, &value));
        for (size_t f = 0; f < ISO_COUNT_OF(forms); f++) {
            iso_buf_init(&whole, iso_alloc_libc(), SIZE_MAX);
            CHECK_OK(forms[f].encode(type, &value, &whole));
            iso_buf_init(&cut, iso_alloc_libc(), whole.len - 1);
            CHECK_ERR(forms[f].encode(type, &value, &cut), ISO_E_LIMIT);
            CHECK_EQ_U64(cut.len, 0);
            for (size_t max = 0;; max += 16) {
                iso_arena_init(&small, iso_alloc_libc(), 0, max);
                iso_report_init(&report);
                enum iso_err err =
                    forms[f].decode(type, iso_buf_view(&whole), "v", &small, &back, &report);
                iso_arena_fini(&small);
                if (err == ISO_OK) {
                    break;
                }
                CHECK_ERR(err, ISO_E_LIMIT);
                CHECK_CONTAINS(report.text, "the value needs more than the ");
            }
            iso_buf_fini(&whole);
            iso_buf_fini(&cut);
        }
        iso_arena_fini(&arena);
    }
}

/* Whatever is done to a text, it is read as some value of the type or refused with a reason. */
TEST(damaged_texts_are_refused_or_read_as_values)
{
    unsigned taken = 0, refused = 0;
    for (unsigned seed = 0; seed < 4000; seed++) {
        struct iso_arena arena;
        struct iso_random random;
        struct iso_value value, back;
        struct iso_report report;
        struct iso_buf text;
        const struct form *form = &forms[seed % 2];
        iso_arena_init(&arena, iso_alloc_libc(), 0, SIZE_MAX);
        iso_buf_init(&text, iso_alloc_libc(), SIZE_MAX);
        iso_report_init(&report);
        iso_random_init(&random, seed);
        const struct iso_vtype *type = iso_random_type(&random, &arena, 3);
        CHECK(type != NULL);
        CHECK_OK(iso_random_value(&random, type, &arena, &value));
        CHECK_OK(form->encode(type, &value, &text));
        text.ptr[iso_random_below(&random, (uint32_t)text.len)] ^=
            (uint8_t)(1 << iso_random_below(&random, 8));
        size_t len = iso_random_below(&random, 4) == 0
                         ? iso_random_below(&random, (uint32_t)text.len + 1)
                         : text.len;
        enum iso_err err =
            form->decode(type, iso_bytes_from(text.ptr, len), "v", &arena, &back, &report);
        if (err == ISO_OK) {
            CHECK_OK(iso_value_check(type, &back, &report));
            taken++;
        } else {
            CHECK(err == ISO_E_MALFORMED || err == ISO_E_ARGUMENT);
            CHECK(report.set && report.has_offset && report.offset <= len);
            CHECK_MEM(report.text, "v", 1);
            refused++;
        }
        iso_buf_fini(&text);
        iso_arena_fini(&arena);
    }
    CHECK(taken > 100 && refused > 1000);
}
