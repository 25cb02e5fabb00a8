/* Simulated devices, clock and network for flows: see flow_test_support.h. */
#include "supervisor/flow_test_support.h"

#include <stdlib.h>

#include "base/random_test_support.h"
#include "base/test.h"
#include "supervisor/item.h"

enum event_kind { EVENT_STEP, EVENT_MESSAGE, EVENT_SENT, EVENT_OUTCOMES, EVENT_TOLD };

struct sim_event {
    uint64_t at_ns;
    uint64_t number;
    enum event_kind kind;
    unsigned device; /* where it happens */
    uint64_t incarnation;
    unsigned from;
    uint32_t step, attempt;
    uint64_t hop;
    enum iso_sv_flow_ack ack;
    bool lose_answer;
    struct iso_buf bytes;
    struct iso_sv_flow_result result;
};

uint64_t sim_random(struct sim *sim)
{
    return iso_test_random(&sim->random);
}

static bool chance(struct sim *sim, unsigned thousandths)
{
    return sim_random(sim) % 1000 < thousandths;
}

static uint64_t delay(struct sim *sim)
{
    uint64_t range = sim->network.delay_max_ns - sim->network.delay_min_ns;
    return sim->network.delay_min_ns + (range > 0 ? sim_random(sim) % range : 0);
}

/* ---- Events ------------------------------------------------------------------------------------
 */

static bool before(const struct sim_event *a, const struct sim_event *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->number < b->number;
}

static void swap(struct sim *sim, uint32_t a, uint32_t b)
{
    struct sim_event *event = sim->events[a];
    sim->events[a] = sim->events[b];
    sim->events[b] = event;
}

static struct sim_event *add_event(struct sim *sim, enum event_kind kind, unsigned device,
                                   uint64_t in_ns)
{
    struct sim_event *event = calloc(1, sizeof *event);
    if (sim->event_count == sim->event_capacity) {
        sim->event_capacity = sim->event_capacity * 2 + 64;
        sim->events = realloc(sim->events, sim->event_capacity * sizeof *sim->events);
    }
    if (event == NULL || sim->events == NULL) {
        abort();
    }
    event->at_ns = sim->now_ns + in_ns;
    event->number = sim->next_event++;
    event->kind = kind;
    event->device = device;
    event->incarnation = sim->incarnation[device];
    iso_buf_init(&event->bytes, iso_alloc_libc(), SIZE_MAX);
    uint32_t at = sim->event_count++;
    sim->events[at] = event;
    while (at > 0 && before(sim->events[at], sim->events[(at - 1) / 2])) {
        swap(sim, at, (at - 1) / 2);
        at = (at - 1) / 2;
    }
    return event;
}

static struct sim_event *pop_event(struct sim *sim)
{
    struct sim_event *event = sim->events[0];
    sim->events[0] = sim->events[--sim->event_count];
    for (uint32_t at = 0;;) {
        uint32_t least = at;
        for (uint32_t child = 2 * at + 1; child <= 2 * at + 2; child++) {
            if (child < sim->event_count && before(sim->events[child], sim->events[least])) {
                least = child;
            }
        }
        if (least == at) {
            return event;
        }
        swap(sim, at, least);
        at = least;
    }
}

static void free_event(struct sim_event *event)
{
    iso_sv_block_unref(event->result.value.block);
    iso_buf_fini(&event->bytes);
    free(event);
}

/* ---- What a device does ------------------------------------------------------------------------
 */

/* {"n": value, "b": bytes} */
static struct iso_sv_slot make_value(uint64_t value, uint32_t bytes)
{
    struct iso_buf buf;
    iso_buf_init(&buf, iso_alloc_libc(), SIZE_MAX);
    CHECK_OK(iso_sv_item_head(&buf, ISO_SV_ITEM_MAP, 2));
    CHECK_OK(iso_sv_item_text(&buf, iso_str_from_z("n")));
    CHECK_OK(iso_sv_item_u64(&buf, value));
    CHECK_OK(iso_sv_item_text(&buf, iso_str_from_z("b")));
    CHECK_OK(iso_sv_item_head(&buf, ISO_SV_ITEM_BYTES, bytes));
    for (uint32_t i = 0; i < bytes; i++) {
        CHECK_OK(iso_buf_append_u8(&buf, (uint8_t)i));
    }
    struct iso_sv_block *block = iso_sv_block_create(&buf);
    CHECK(block != NULL);
    return (struct iso_sv_slot){.block = block, .item = iso_buf_view(&block->bytes)};
}

static uint64_t value_of(struct iso_bytes item)
{
    struct iso_bytes number;
    CHECK(iso_sv_item_member(item, iso_str_from_z("n"), &number));
    struct iso_sv_items items = {.rest = number};
    return iso_sv_items_u64(&items);
}

static bool execute(void *ctx, uint32_t index, const struct iso_sv_flow_run *run,
                    struct iso_sv_flow_result *result)
{
    const struct sim_device *device = ctx;
    struct sim *sim = device->sim;
    struct sim_step *step = &sim->steps[index];
    CHECK_EQ_U64(step->device, device->index);
    if (chance(sim, step->busy)) {
        result->end = ISO_SV_FLOW_STEP_BUSY;
        return true;
    }
    const struct iso_sv_slot *from =
        index > 0 ? &run->slots[index - 1] : &run->slots[sim->step_count];
    uint64_t value = from->block != NULL ? value_of(from->item) : ++sim->produced;
    CHECK(step->count < SIM_LOG);
    step->values[step->count++] = value;
    struct iso_sv_flow_result made = {.end = ISO_SV_FLOW_STEP_DONE};
    if (step->fails != NULL) {
        made.end = ISO_SV_FLOW_STEP_FAILED;
        (void)iso_format(made.text, sizeof made.text, "%s", step->fails);
    } else {
        made.value = make_value(value, step->result_bytes);
    }
    if (step->takes_ns == 0) {
        *result = made;
        return true;
    }
    struct sim_event *event = add_event(sim, EVENT_STEP, device->index, step->takes_ns);
    event->step = index;
    event->result = made;
    return false;
}

static void send_bytes(struct sim *sim, enum event_kind kind, unsigned from, unsigned to,
                       const struct iso_buf *bytes, const struct iso_sv_flow_message *message)
{
    const struct sim_network *network = &sim->network;
    bool lost = network->down || chance(sim, network->lose_request);
    bool lose_answer = chance(sim, network->lose_answer);
    unsigned copies = lost ? 0 : chance(sim, network->twice) ? 2 : 1;
    for (unsigned i = 0; i < copies; i++) {
        struct sim_event *event = add_event(sim, kind, to, delay(sim));
        event->from = from;
        event->step = message != NULL ? message->step : 0;
        event->hop = message != NULL ? message->hop : 0;
        event->attempt = message != NULL ? message->attempt : 0;
        event->lose_answer = lose_answer || i > 0;
        CHECK_OK(iso_buf_append(&event->bytes, bytes->ptr, bytes->len));
    }
    if (lost || lose_answer) {
        struct sim_event *event = add_event(sim, kind == EVENT_MESSAGE ? EVENT_SENT : EVENT_TOLD,
                                            from, network->timeout_ns);
        event->step = message != NULL ? message->step : 0;
        event->hop = message != NULL ? message->hop : 0;
        event->attempt = message != NULL ? message->attempt : 0;
        event->ack = ISO_SV_FLOW_RETRY;
    }
}

static bool send_message(void *ctx, const struct iso_sv_flow_message *message)
{
    const struct sim_device *device = ctx;
    struct iso_buf bytes;
    iso_buf_init(&bytes, iso_alloc_libc(), SIZE_MAX);
    CHECK_OK(iso_sv_flow_message_write(message, &bytes));
    send_bytes(device->sim, EVENT_MESSAGE, device->index, device->sim->steps[message->step].device,
               &bytes, message);
    iso_buf_fini(&bytes);
    return true;
}

/* What an answer has to find: kept in a block that the token points to. */
struct pending {
    unsigned from;
    uint64_t incarnation;
    uint32_t step, attempt;
    uint64_t hop;
    bool lose;
};

static void acknowledge(void *ctx, uint64_t token, enum iso_sv_flow_ack ack)
{
    const struct sim_device *device = ctx;
    struct pending *pending = (struct pending *)(uintptr_t)token;
    device->sim->refused += ack == ISO_SV_FLOW_REFUSED;
    if (!pending->lose) {
        struct sim_event *event =
            add_event(device->sim, EVENT_SENT, pending->from, delay(device->sim));
        event->incarnation = pending->incarnation;
        event->step = pending->step;
        event->hop = pending->hop;
        event->attempt = pending->attempt;
        event->ack = ack;
    }
    free(pending);
}

static bool tell(void *ctx, const struct iso_sv_flow_outcome *outcomes, size_t count)
{
    const struct sim_device *device = ctx;
    struct iso_buf bytes;
    iso_buf_init(&bytes, iso_alloc_libc(), SIZE_MAX);
    CHECK_OK(iso_sv_flow_outcomes_write(1, outcomes, count, &bytes));
    send_bytes(device->sim, EVENT_OUTCOMES, device->index, device->sim->steps[0].device, &bytes,
               NULL);
    iso_buf_fini(&bytes);
    return true;
}

static void ended(void *ctx, uint64_t waiter, const struct iso_sv_flow_outcome *outcome)
{
    const struct sim_device *device = ctx;
    for (unsigned i = 0; i < ISO_COUNT_OF(device->sim->waiters); i++) {
        struct sim_waiter *it = &device->sim->waiters[i];
        if (it->id == waiter) {
            it->ended++;
            it->end = outcome->end;
            it->value = outcome->result.len > 0 ? value_of(outcome->result) : 0;
            (void)iso_format(it->text, sizeof it->text, "%.*s", (int)outcome->text.len,
                             outcome->text.ptr);
        }
    }
}

static void turned(void *ctx)
{
    struct sim_device *device = ctx;
    device->sim->turns++;
}

static const struct iso_sv_flow_ops ops = {execute, send_message, acknowledge, tell, ended, turned};

/* ---- The world ---------------------------------------------------------------------------------
 */

static void make_flow(struct sim *sim, unsigned device)
{
    struct iso_sv_flow_step steps[SIM_STEPS];
    for (uint32_t i = 0; i < sim->step_count; i++) {
        steps[i].here = sim->steps[i].device == device;
        steps[i].needs = i > 0 ? UINT64_C(1) << (i - 1) : sim->every_ns > 0 ? 0 : UINT64_C(1) << 63;
    }
    struct iso_sv_flow_config config = {.alloc = iso_alloc_libc(),
                                        .generation = 1,
                                        .steps = steps,
                                        .step_count = sim->step_count,
                                        .input_from_afar = sim->source != sim->steps[0].device,
                                        .source_only = sim->source == device,
                                        .every_ns = sim->every_ns,
                                        .wants_result = sim->wants_result,
                                        .overload = sim->overload,
                                        .window = sim->window,
                                        .run_ns = sim->run_ns,
                                        .random = sim_random(sim),
                                        .ops = &ops,
                                        .ctx = &sim->devices[device]};
    CHECK_OK(iso_sv_flow_create(&config, &sim->flows[device]));
    iso_sv_flow_begin(sim->flows[device], sim->now_ns);
}

void sim_init(struct sim *sim, uint32_t step_count, uint64_t seed)
{
    memset(sim, 0, sizeof *sim);
    sim->now_ns = 5000 * SIM_MS;
    sim->random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    sim->step_count = step_count;
    sim->window = 4;
    sim->network.delay_min_ns = SIM_MS;
    sim->network.delay_max_ns = SIM_MS;
    sim->network.timeout_ns = 50 * SIM_MS;
    for (unsigned i = 0; i < SIM_DEVICES; i++) {
        sim->devices[i].sim = sim;
        sim->devices[i].index = i;
    }
}

void sim_start(struct sim *sim)
{
    for (unsigned i = 0; i < SIM_DEVICES; i++) {
        make_flow(sim, i);
    }
}

void sim_restart(struct sim *sim, unsigned device)
{
    iso_sv_flow_destroy(sim->flows[device], sim->now_ns);
    sim->incarnation[device]++;
    make_flow(sim, device);
}

static void happen_message(struct sim *sim, struct sim_event *event)
{
    struct iso_sv_flow_message message;
    struct pending *pending = malloc(sizeof *pending);
    if (pending == NULL) {
        abort();
    }
    *pending = (struct pending){.from = event->from,
                                .incarnation = sim->incarnation[event->from],
                                .step = event->step,
                                .attempt = event->attempt,
                                .hop = event->hop,
                                .lose = event->lose_answer};
    CHECK_OK(iso_sv_flow_message_read(iso_buf_view(&event->bytes), &message));
    iso_sv_flow_receive(sim->flows[event->device], sim->now_ns, &message,
                        (uint64_t)(uintptr_t)pending);
}

static void happen_outcomes(struct sim *sim, struct sim_event *event)
{
    struct iso_sv_flow_outcome outcomes[ISO_SV_FLOW_OUTCOMES];
    uint64_t generation = 0;
    size_t count = 0;
    CHECK_OK(iso_sv_flow_outcomes_read(iso_buf_view(&event->bytes), &generation, outcomes, &count));
    for (size_t i = 0; i < count; i++) {
        iso_sv_flow_learn(sim->flows[event->device], sim->now_ns, &outcomes[i]);
    }
    if (!event->lose_answer) {
        struct sim_event *answer = add_event(sim, EVENT_TOLD, event->from, delay(sim));
        answer->ack = ISO_SV_FLOW_QUEUED;
    }
}

static void happen(struct sim *sim, struct sim_event *event)
{
    struct iso_sv_flow *flow = sim->flows[event->device];
    switch (event->kind) {
    case EVENT_STEP:
        if (event->incarnation == sim->incarnation[event->device]) {
            iso_sv_flow_step_done(flow, sim->now_ns, event->step, &event->result);
            event->result.value.block = NULL;
        }
        break;
    case EVENT_MESSAGE:
        happen_message(sim, event);
        break;
    case EVENT_SENT:
        if (event->incarnation == sim->incarnation[event->device]) {
            iso_sv_flow_sent(flow, sim->now_ns, event->step, event->hop, event->attempt, event->ack,
                             iso_str_from_z(""));
        }
        break;
    case EVENT_OUTCOMES:
        happen_outcomes(sim, event);
        break;
    case EVENT_TOLD:
        if (event->incarnation == sim->incarnation[event->device]) {
            iso_sv_flow_told(flow, sim->now_ns, event->ack);
        }
        break;
    }
    free_event(event);
}

void sim_run_until(struct sim *sim, uint64_t at_ns)
{
    for (;;) {
        uint64_t next = sim->event_count > 0 ? sim->events[0]->at_ns : UINT64_MAX;
        unsigned device = SIM_DEVICES;
        for (unsigned i = 0; i < SIM_DEVICES; i++) {
            uint64_t tick = iso_sv_flow_next_ns(sim->flows[i]);
            if (tick < next) {
                next = tick;
                device = i;
            }
        }
        if (next > at_ns) {
            sim->now_ns = at_ns;
            return;
        }
        sim->now_ns = next > sim->now_ns ? next : sim->now_ns;
        if (device < SIM_DEVICES) {
            iso_sv_flow_tick(sim->flows[device], sim->now_ns);
            CHECK(iso_sv_flow_next_ns(sim->flows[device]) > sim->now_ns);
        } else {
            happen(sim, pop_event(sim));
        }
    }
}

void sim_fini(struct sim *sim)
{
    for (unsigned i = 0; i < SIM_DEVICES; i++) {
        iso_sv_flow_destroy(sim->flows[i], sim->now_ns);
    }
    while (sim->event_count > 0) {
        free_event(pop_event(sim));
    }
    free(sim->events);
}

bool sim_offer(struct sim *sim, uint64_t value, uint64_t waiter)
{
    struct iso_sv_slot input = make_value(value, 0);
    bool taken = iso_sv_flow_offer(sim->flows[sim->source], sim->now_ns, input, waiter);
    iso_sv_block_unref(input.block);
    return taken;
}

const struct iso_sv_flow_stats *sim_stats(struct sim *sim)
{
    return iso_sv_flow_stats(sim->flows[sim->steps[0].device]);
}

bool sim_in_order(const struct sim *sim)
{
    for (uint32_t i = 0; i < sim->step_count; i++) {
        for (uint32_t k = 1; k < sim->steps[i].count; k++) {
            if (sim->steps[i].values[k] <= sim->steps[i].values[k - 1]) {
                return false;
            }
        }
    }
    return true;
}
