/* types_test.c - function types are interned: equal types are one object, others are not. */
#include "base/test.h"
#include "engine/module.h"

static const struct iso_interned_type *intern(struct iso_engine *engine, const uint8_t *params,
                                              uint32_t param_count, const uint8_t *results,
                                              uint32_t result_count)
{
    const struct iso_interned_type *type = NULL;
    CHECK_OK(iso_types_intern(engine, params, param_count, results, result_count, &type));
    return type;
}

TEST(equal_types_are_one_object)
{
    struct iso_engine *engine;
    CHECK_OK(iso_engine_create(NULL, &engine));
    const uint8_t types[] = {ISO_TYPE_I32, ISO_TYPE_V128, ISO_TYPE_I32};
    const struct iso_interned_type *a = intern(engine, types, 2, types, 1);
    uint8_t copy[] = {ISO_TYPE_I32, ISO_TYPE_V128};
    CHECK(intern(engine, copy, 2, copy, 1) == a);
    /* The same bytes, divided elsewhere. */
    const struct iso_interned_type *b = intern(engine, types, 1, types + 1, 2);
    CHECK(b != a);
    CHECK(b->id != a->id);
    CHECK(intern(engine, types, 3, NULL, 0) != b);
    CHECK_EQ_U64(a->type.param_count, 2);
    CHECK_EQ_U64(a->type.param_slots, 3);
    CHECK_EQ_U64(a->type.result_slots, 1);
    CHECK_EQ_U64(b->type.result_slots, 3);
    CHECK_MEM(a->type.params, copy, 2);
    iso_engine_destroy(engine);
}

TEST(many_types_keep_their_identity_while_the_table_grows)
{
    enum { COUNT = 1000 };
    static const uint8_t letters[] = {ISO_TYPE_I32, ISO_TYPE_I64, ISO_TYPE_F32, ISO_TYPE_F64};
    struct iso_engine *engine;
    CHECK_OK(iso_engine_create(NULL, &engine));
    static const struct iso_interned_type *first[COUNT];
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < COUNT; i++) {
            uint8_t params[5];
            for (unsigned k = 0; k < 5; k++) {
                params[k] = letters[i >> (2 * k) & 3];
            }
            const struct iso_interned_type *type = intern(engine, params, 5, params, 0);
            if (round == 0) {
                first[i] = type;
                CHECK_EQ_U64(type->id, i);
            } else {
                CHECK(type == first[i]);
            }
        }
    }
    CHECK_EQ_U64(engine->type_count, COUNT);
    iso_engine_destroy(engine);
}

TEST(interning_survives_lack_of_memory)
{
    struct iso_alloc_test memory;
    iso_alloc_test_init(&memory);
    const struct iso_engine_config config = {.alloc = &memory.alloc};
    const uint8_t params[] = {ISO_TYPE_I32};
    for (uint64_t fail_at = 1;; fail_at++) {
        iso_alloc_test_restart(&memory, fail_at);
        struct iso_engine *engine = NULL;
        enum iso_err err = iso_engine_create(&config, &engine);
        const struct iso_interned_type *type = NULL;
        if (err == ISO_OK) {
            err = iso_types_intern(engine, params, 1, params, 1, &type);
        }
        CHECK((type != NULL) == (err == ISO_OK));
        iso_engine_destroy(engine);
        CHECK_EQ_U64(memory.live_bytes, 0);
        if (!memory.failed) {
            CHECK_OK(err);
            break;
        }
        CHECK_ERR(err, ISO_E_NOMEM);
    }
}

TEST(names_of_types_and_kinds)
{
    CHECK_STR(iso_type_name(ISO_TYPE_V128), "v128");
    CHECK_STR(iso_type_name(ISO_TYPE_EXTERNREF), "externref");
    CHECK_STR(iso_type_name((enum iso_type)0), "?");
    CHECK_STR(iso_extern_kind_name(ISO_EXTERN_FUNC), "function");
    CHECK_STR(iso_extern_kind_name(ISO_EXTERN_GLOBAL), "global");
}

TEST(letters_of_types)
{
    static const uint8_t types[] = {ISO_TYPE_EXTERNREF, ISO_TYPE_I32, ISO_TYPE_I64,
                                    ISO_TYPE_F32,       ISO_TYPE_F64, ISO_TYPE_V128,
                                    ISO_TYPE_FUNCREF};
    char text[ISO_COUNT_OF(types) + 1];
    uint8_t type = 0;
    iso_type_letters(types, ISO_COUNT_OF(types), text);
    CHECK_STR(text, "eiIfFvr");
    for (size_t i = 0; i < ISO_COUNT_OF(types); i++) {
        CHECK(iso_type_from_letter(text[i], &type));
        CHECK_EQ_U64(type, types[i]);
    }
    CHECK(!iso_type_from_letter('x', &type));
    CHECK(!iso_type_from_letter('\0', &type));
    iso_type_letters(NULL, 0, text);
    CHECK_STR(text, "");
}
