/* Fuzz target `abi_lift`: any bytes as a module's memory and core values, lifted as a type that the
 * first bytes choose. What is lifted must be a value of the type, and come back from its own
 * lowering; what is not must say why. The memory is a block of its own, so that a sanitizer sees a
 * read beside it.
 *
 * Input: 8 bytes seed of the type, 1 byte how, then core values and memory. */
#include "harness.h"
#include "target.h"

#include "base/alloc_test_support.h"
#include "codec/random_test_support.h"
#include "interface/abi.h"

enum { HEAD = 9, ARENA_MAX = 1 << 20, SLOTS_MAX = 16 };

struct run {
    struct iso_alloc_test alloc;
    struct iso_arena types, values;
    const struct iso_abi_node *node;
    uint8_t *memory;
    size_t size;
};

/* Lower the value into memory of its own and lift that: the same value. */
static void check_back(struct run *run, const struct iso_value *value)
{
    struct iso_abi_blocks blocks;
    struct iso_value back;
    struct iso_abi_lower lower = {.memory = NULL};
    size_t end = run->node->size;

    iso_abi_blocks_init(&blocks, &run->alloc.alloc);
    if (iso_abi_measure(&blocks, run->node, value, NULL) != ISO_OK) {
        fuzz_fail("a value that was lifted cannot be lowered");
    }
    for (uint32_t i = 0; i < blocks.count; i++) {
        struct iso_abi_block *block = &blocks.items[i];
        block->addr = ((uint32_t)end + block->align - 1) & ~(block->align - 1);
        end = (size_t)block->addr + block->size;
    }
    lower.memory = iso_alloc_new(&run->alloc.alloc, end);
    if (lower.memory == NULL) {
        fuzz_fail("no memory to lower into");
    }
    if (blocks.count != 0) {
        lower.next = blocks.items;
        lower.end = blocks.items + blocks.count;
    }
    iso_abi_lower_store(&lower, run->node, value, lower.memory);
    struct iso_abi_lift lift = {.memory = lower.memory, .size = end, .arena = &run->values};
    iso_abi_trap_init(&lift.trap);
    enum iso_err err = iso_abi_lift_at(&lift, run->node, 0, &back);
    if (err != ISO_E_NOMEM && (err != ISO_OK || !iso_value_equal(run->node->type, value, &back))) {
        fuzz_fail("another value comes back from its own lowering");
    }
    iso_alloc_free(&run->alloc.alloc, lower.memory, end);
    iso_abi_blocks_fini(&blocks);
}

static void lift(struct run *run, const union iso_slot *slots, bool flat, bool views)
{
    struct iso_value value;
    char text[400];
    struct iso_abi_lift lift = {
        .memory = run->memory, .size = run->size, .arena = &run->values, .views = views};

    iso_abi_trap_init(&lift.trap);
    enum iso_err err =
        flat ? iso_abi_lift_flat(&lift, run->node, slots, run->node->flat_types, &value)
             : iso_abi_lift_at(&lift, run->node, slots[0].u32 % 64, &value);
    iso_abi_trap_text(&lift.trap, iso_str_from_z("the result"), text, sizeof text);
    if (err == ISO_OK) {
        if (iso_value_check(run->node->type, &value, NULL) != ISO_OK) {
            fuzz_fail("what was lifted is no value of the type");
        }
        check_back(run, &value);
    } else if (err != ISO_E_NOMEM && (err != ISO_E_TRAP || !lift.trap.set)) {
        fuzz_fail("lifting failed with %s and without words", iso_err_name(err));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct run run = {.node = NULL};
    struct iso_random random;
    union iso_slot slots[SLOTS_MAX];

    if (len < HEAD) {
        return 0;
    }
    iso_alloc_test_init(&run.alloc);
    iso_arena_init(&run.types, &run.alloc.alloc, 0, SIZE_MAX);
    iso_arena_init(&run.values, &run.alloc.alloc, 0, ARENA_MAX);
    iso_random_init(&random, iso_load_u64le(data));
    const struct iso_vtype *type = iso_random_type(&random, &run.types, 1 + data[8] % 5);
    if (type == NULL || iso_abi_node_prepare(type, &run.types, &run.node, NULL) != ISO_OK) {
        fuzz_fail("a type cannot be prepared");
    }
    run.size = len - HEAD;
    run.memory = iso_alloc_new(&run.alloc.alloc, run.size);
    if (run.memory == NULL) {
        fuzz_fail("no memory");
    }
    iso_memory_copy(run.memory, data + HEAD, run.size);
    for (size_t i = 0; i < SLOTS_MAX; i++) {
        slots[i].u64 = 8 * i + 8 <= run.size ? iso_load_u64le(run.memory + 8 * i) : i;
    }
    lift(&run, slots, (data[8] & 0x40) != 0 && run.node->flat <= SLOTS_MAX, (data[8] & 0x80) != 0);
    iso_alloc_free(&run.alloc.alloc, run.memory, run.size);
    iso_arena_fini(&run.values);
    iso_arena_fini(&run.types);
    if (run.alloc.live_bytes != 0) {
        fuzz_fail("%zu bytes leaked", run.alloc.live_bytes);
    }
    return 0;
}
