/* Fuzz target `flow`: what other devices send. Any bytes as a message of a flow, as outcomes, as
 * remembered results, as one CBOR item; and a sequence of messages, answers and ticks to a flow,
 * which must execute no message twice and none before an earlier one. */
#include "harness.h"
#include "target.h"

#include "supervisor/flow.h"
#include "supervisor/item.h"
#include "supervisor/remember.h"

#include <stdlib.h>

enum { STEPS = 3 };

struct world {
    struct iso_sv_flow *flow;
    const uint8_t *data;
    size_t len;
    uint64_t now_ns;
    uint64_t last_stream[STEPS], last_hop[STEPS];
    bool any[STEPS], executing[STEPS];
    uint64_t acknowledged, received;
    struct {
        uint32_t step, attempt;
        uint64_t hop;
    } sent[16];
    unsigned sent_count, told;
};

/* The memory asks for these of a core; nothing is called here. */
bool iso_sv_call_start(struct iso_sv_call *call, struct iso_sv_component *component, uint32_t index)
{
    (void)call;
    (void)component;
    (void)index;
    return true;
}

void iso_sv_call_destroy(struct iso_sv_call *call)
{
    (void)call;
}

static uint64_t clock_ns(void)
{
    return UINT64_C(100) * 1000000000;
}

static uint8_t next(struct world *world)
{
    if (world->len == 0) {
        return 0;
    }
    world->len--;
    return *world->data++;
}

static bool execute(void *ctx, uint32_t step, const struct iso_sv_flow_run *run,
                    struct iso_sv_flow_result *result)
{
    struct world *world = ctx;
    uint8_t choice = next(world);
    if (step == 1) {
        /* Streams are told apart by the run's number: see `receive`. */
        uint64_t stream = run->number >> 32;
        uint64_t hop = run->number & UINT32_MAX;
        if (world->any[step] && world->last_stream[step] == stream &&
            hop <= world->last_hop[step] && run->attempt == 0) {
            fuzz_fail("hop %llu after %llu", (unsigned long long)hop,
                      (unsigned long long)world->last_hop[step]);
        }
        world->any[step] = true;
        world->last_stream[step] = stream;
        world->last_hop[step] = hop;
    }
    result->end = (enum iso_sv_flow_step_end)(choice % 8 < 2 ? choice % 8 + 1 : 0);
    if (result->end == ISO_SV_FLOW_STEP_BUSY) {
        world->any[step] = false; /* it will come again */
    }
    world->executing[step] = choice >= 128;
    return !world->executing[step];
}

static bool send_message(void *ctx, const struct iso_sv_flow_message *message)
{
    struct world *world = ctx;
    if (world->sent_count < ISO_COUNT_OF(world->sent)) {
        world->sent[world->sent_count].step = message->step;
        world->sent[world->sent_count].attempt = message->attempt;
        world->sent[world->sent_count++].hop = message->hop;
        return true;
    }
    return false;
}

static void acknowledge(void *ctx, uint64_t token, enum iso_sv_flow_ack ack)
{
    (void)token;
    (void)ack;
    ((struct world *)ctx)->acknowledged++;
}

static bool tell(void *ctx, const struct iso_sv_flow_outcome *outcomes, size_t count)
{
    struct world *world = ctx;
    (void)outcomes;
    (void)count;
    world->told++;
    return next(world) % 4 != 0;
}

static void ended(void *ctx, uint64_t waiter, const struct iso_sv_flow_outcome *outcome)
{
    (void)ctx;
    (void)waiter;
    (void)outcome;
}

/* The runs begin on another device. */
static void turned(void *ctx)
{
    (void)ctx;
    abort();
}

static void receive(struct world *world)
{
    static const uint8_t item = 0x01;
    uint8_t stream = (uint8_t)(1 + next(world) % 5); /* as many as a step tells apart */
    struct iso_sv_flow_message message = {.generation = 1, .step = 1, .mask = 1, .value_count = 1};
    message.stream = stream;
    message.hop = next(world);
    message.base = message.hop - (message.hop < 8 ? message.hop : next(world) % 8);
    message.number = (uint64_t)stream << 32 | message.hop;
    message.values[0] = iso_bytes_from(&item, 1);
    world->received++;
    iso_sv_flow_receive(world->flow, world->now_ns, &message, world->received);
}

static void act(struct world *world)
{
    uint8_t what = next(world);
    struct iso_sv_flow_result result = {.end = ISO_SV_FLOW_STEP_DONE};
    switch (what % 6) {
    case 0:
    case 1:
        receive(world);
        break;
    case 2:
        if (world->executing[1]) {
            world->executing[1] = false;
            iso_sv_flow_step_done(world->flow, world->now_ns, 1, &result);
        }
        break;
    case 3:
        if (world->sent_count > 0) {
            world->sent_count--;
            iso_sv_flow_sent(world->flow, world->now_ns, world->sent[world->sent_count].step,
                             world->sent[world->sent_count].hop,
                             world->sent[world->sent_count].attempt,
                             (enum iso_sv_flow_ack)(next(world) % 3), iso_str_from_z("no"));
        }
        break;
    case 4:
        if (world->told > 0) {
            world->told = 0;
            iso_sv_flow_told(world->flow, world->now_ns, (enum iso_sv_flow_ack)(next(world) % 3));
        }
        break;
    default:
        world->now_ns += (uint64_t)next(world) << (next(world) % 24);
        iso_sv_flow_tick(world->flow, world->now_ns);
        break;
    }
}

static void run_flow(const uint8_t *data, size_t len)
{
    static const struct iso_sv_flow_ops ops = {execute, send_message, acknowledge,
                                               tell,    ended,        turned};
    static const struct iso_sv_flow_step steps[STEPS] = {
        {.here = false, .needs = 0}, {.here = true, .needs = 1}, {.here = false, .needs = 2}};
    struct world world = {.data = data, .len = len, .now_ns = UINT64_C(1000000000)};
    struct iso_sv_flow_config config = {.alloc = iso_alloc_libc(),
                                        .generation = 1,
                                        .steps = steps,
                                        .step_count = STEPS,
                                        .overload = (enum iso_sv_flow_overload)(next(&world) % 3),
                                        .window = 1u + next(&world) % 8,
                                        .run_ns = 1000000000,
                                        .random = 7,
                                        .ops = &ops,
                                        .ctx = &world};
    if (iso_sv_flow_create(&config, &world.flow) != ISO_OK) {
        return;
    }
    while (world.len > 0) {
        act(&world);
    }
    iso_sv_flow_destroy(world.flow, world.now_ns);
    if (world.acknowledged != world.received) {
        fuzz_fail("%llu messages, %llu answers", (unsigned long long)world.received,
                  (unsigned long long)world.acknowledged);
    }
}

/* What was read can be written, and reads the same. */
static void run_message(struct iso_bytes bytes)
{
    struct iso_sv_flow_message message, again;
    struct iso_buf buf;
    if (iso_sv_flow_message_read(bytes, &message) != ISO_OK) {
        return;
    }
    iso_buf_init(&buf, iso_alloc_libc(), SIZE_MAX);
    if (iso_sv_flow_message_write(&message, &buf) != ISO_OK ||
        iso_sv_flow_message_read(iso_buf_view(&buf), &again) != ISO_OK ||
        again.hop != message.hop || again.value_count != message.value_count) {
        fuzz_fail("a message that was read does not come back");
    }
    iso_buf_fini(&buf);
}

static void run_item(struct iso_bytes bytes)
{
    struct iso_buf json, cbor;
    struct iso_bytes member;
    iso_buf_init(&json, iso_alloc_libc(), 1u << 22);
    iso_buf_init(&cbor, iso_alloc_libc(), 1u << 22);
    bool whole = iso_sv_item_check(bytes) == ISO_OK;
    (void)iso_sv_item_member(bytes, iso_str_from_z("a"), &member);
    if (iso_sv_item_to_json(bytes, &json) == ISO_OK) {
        /* Keys that are there twice are no JSON for us; all else is. */
        enum iso_err err = iso_sv_item_from_json(iso_buf_view(&json), &cbor, NULL);
        if (!whole || (err == ISO_OK && iso_sv_item_check(iso_buf_view(&cbor)) != ISO_OK)) {
            fuzz_fail("an item became JSON that is none");
        }
    }
    iso_buf_fini(&json);
    iso_buf_fini(&cbor);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len < 1) {
        return 0;
    }
    struct iso_bytes rest = iso_bytes_from(data + 1, len - 1);
    switch (data[0] % 5) {
    case 0:
        run_message(rest);
        break;
    case 1: {
        struct iso_sv_flow_outcome outcomes[ISO_SV_FLOW_OUTCOMES];
        uint64_t generation;
        size_t count;
        (void)!iso_sv_flow_outcomes_read(rest, &generation, outcomes, &count);
        break;
    }
    case 2: {
        struct iso_sv_memory *memory = iso_sv_memory_create(iso_alloc_libc(), clock_ns);
        if (memory != NULL) {
            (void)!iso_sv_memory_load(memory, rest, NULL);
            iso_sv_memory_destroy(memory);
        }
        break;
    }
    case 3:
        run_item(rest);
        break;
    default:
        run_flow(rest.ptr, rest.len);
        break;
    }
    return 0;
}
