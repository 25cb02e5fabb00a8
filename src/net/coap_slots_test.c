/* Numbers of objects find their object, and nothing else. */
#include "base/test.h"
#include "net/coap_slots.h"

TEST(numbers_are_never_used_twice)
{
    struct iso_alloc_test memory;
    iso_alloc_test_init(&memory);
    struct iso_coap_slots slots;
    iso_coap_slots_init(&slots, &memory.alloc, 100);
    int a = 1;
    int b = 2;
    uint64_t first;
    uint64_t second;
    CHECK_OK(iso_coap_slots_add(&slots, &a, &first));
    CHECK(first != 0);
    CHECK(iso_coap_slots_get(&slots, first) == &a);
    iso_coap_slots_remove(&slots, first);
    CHECK(iso_coap_slots_get(&slots, first) == NULL);
    CHECK_OK(iso_coap_slots_add(&slots, &b, &second));
    CHECK(second != first);
    CHECK(iso_coap_slots_get(&slots, first) == NULL);
    CHECK(iso_coap_slots_get(&slots, second) == &b);
    CHECK(iso_coap_slots_get(&slots, 0) == NULL);
    CHECK(iso_coap_slots_get(&slots, UINT64_MAX) == NULL);
    CHECK(iso_coap_slots_get(&slots, second + 1) == NULL);
    iso_coap_slots_fini(&slots);
    CHECK_EQ_U64(memory.live_bytes, 0);
}

TEST(the_maximum_holds_and_memory_may_be_short)
{
    struct iso_alloc_test memory;
    iso_alloc_test_init(&memory);
    struct iso_coap_slots slots;
    iso_coap_slots_init(&slots, &memory.alloc, 40);
    uint64_t ids[40];
    uint64_t id = 7;
    memory.fail_at = 1;
    CHECK_ERR(iso_coap_slots_add(&slots, &ids, &id), ISO_E_NOMEM);
    for (size_t i = 0; i < 40; i++) {
        CHECK_OK(iso_coap_slots_add(&slots, &ids[i], &ids[i]));
    }
    CHECK_ERR(iso_coap_slots_add(&slots, &ids, &id), ISO_E_LIMIT);
    CHECK_EQ_U64(id, 7);
    for (size_t i = 0; i < 40; i++) {
        CHECK(iso_coap_slots_get(&slots, ids[i]) == &ids[i]);
        iso_coap_slots_remove(&slots, ids[i]);
    }
    CHECK_EQ_U64(slots.used, 0);
    iso_coap_slots_fini(&slots);
    CHECK_EQ_U64(memory.live_bytes, 0);
}
