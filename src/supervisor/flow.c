/* A flow's queues and steps on one device: what flow.h says, but for messages (flow_hop.c) and the
 * account of runs (flow_runs.c). */
#include "supervisor/flow_state.h"

/* ---- Blocks ------------------------------------------------------------------------------------
 */

struct iso_sv_block *iso_sv_block_create(struct iso_buf *buf)
{
    struct iso_sv_block *block = iso_alloc_new(buf->alloc, sizeof *block);
    if (block == NULL) {
        return NULL;
    }
    block->refs = 1;
    block->bytes = *buf;
    iso_buf_init(buf, block->bytes.alloc, block->bytes.max);
    return block;
}

struct iso_sv_block *iso_sv_block_ref(struct iso_sv_block *block)
{
    block->refs++;
    return block;
}

void iso_sv_block_unref(struct iso_sv_block *block)
{
    if (block != NULL && --block->refs == 0) {
        const struct iso_alloc *alloc = block->bytes.alloc;
        iso_buf_fini(&block->bytes);
        iso_alloc_free(alloc, block, sizeof *block);
    }
}

/* ---- Runs and lines of them --------------------------------------------------------------------
 */

static size_t run_size(const struct iso_sv_flow *flow)
{
    return sizeof(struct iso_sv_flow_run) + (flow->step_count + 1) * sizeof(struct iso_sv_slot);
}

struct iso_sv_flow_run *iso_sv_flow_run_new(const struct iso_sv_flow *flow)
{
    return iso_alloc_new(flow->alloc, run_size(flow));
}

void iso_sv_flow_run_free(struct iso_sv_flow *flow, struct iso_sv_flow_run *run)
{
    if (run != NULL) {
        for (uint32_t i = 0; i <= flow->step_count; i++) {
            iso_sv_block_unref(run->slots[i].block);
        }
        iso_alloc_free(flow->alloc, run, run_size(flow));
    }
}

void iso_sv_flow_line_init(struct iso_sv_flow_line *line)
{
    line->head = NULL;
    line->tail = &line->head;
    line->count = 0;
}

void iso_sv_flow_append(struct iso_sv_flow_line *line, struct iso_sv_flow_run *run)
{
    run->next = NULL;
    *line->tail = run;
    line->tail = &run->next;
    line->count++;
}

struct iso_sv_flow_run *iso_sv_flow_pop(struct iso_sv_flow_line *line)
{
    struct iso_sv_flow_run *run = line->head;
    if (run != NULL) {
        line->head = run->next;
        line->count--;
        if (line->head == NULL) {
            line->tail = &line->head;
        }
    }
    return run;
}

size_t iso_sv_flow_trim(struct iso_sv_flow *flow, struct iso_sv_flow_run *run)
{
    uint64_t needs = flow->stages[run->step].config.needs;
    size_t bytes = 0;
    for (uint32_t i = 0; i <= flow->step_count; i++) {
        uint64_t bit = UINT64_C(1) << (i == flow->step_count ? 63 : i);
        if ((needs & bit) == 0) {
            iso_sv_block_unref(run->slots[i].block);
            run->slots[i] = (struct iso_sv_slot){.block = NULL};
        }
        bytes += run->slots[i].item.len;
    }
    return bytes;
}

uint64_t iso_sv_flow_backoff(uint32_t attempt)
{
    uint64_t ns = ISO_SV_FLOW_RETRY_MIN_NS;
    for (uint32_t i = 0; i < attempt && ns < ISO_SV_FLOW_RETRY_MAX_NS; i++) {
        ns *= 2;
    }
    return ns < ISO_SV_FLOW_RETRY_MAX_NS ? ns : ISO_SV_FLOW_RETRY_MAX_NS;
}

void iso_sv_flow_end_run(struct iso_sv_flow *flow, uint64_t now_ns, struct iso_sv_flow_run *run,
                         enum iso_sv_flow_end end, const char *text,
                         const struct iso_sv_slot *result)
{
    if (end == ISO_SV_FLOW_DROPPED) {
        flow->stages[run->step].stats.dropped++;
    }
    if (flow->starts) {
        struct iso_sv_flow_outcome outcome = {
            .number = run->number, .end = end, .step = run->step, .text = iso_str_from_z(text)};
        if (result != NULL) {
            outcome.result = result->item;
        }
        iso_sv_flow_settle(flow, now_ns, &outcome);
    } else if (!flow->source_only) {
        iso_sv_flow_tell(flow, now_ns, run, end, text, result);
    } else if (end == ISO_SV_FLOW_DROPPED) {
        flow->stats.dropped++;
    }
    iso_sv_flow_run_free(flow, run);
}

/* ---- Queues ------------------------------------------------------------------------------------
 */

bool iso_sv_flow_enqueue(struct iso_sv_flow *flow, uint64_t now_ns, struct iso_sv_flow_run *run)
{
    struct iso_sv_flow_stage *stage = &flow->stages[run->step];
    if (stage->queue.count >= stage->queue_max) {
        if (flow->overload == ISO_SV_FLOW_WAIT) {
            stage->stats.waited += run->waited ? 0 : 1;
            flow->stats.waited += run->waited ? 0 : 1;
            run->waited = true;
            return false;
        }
        if (flow->overload == ISO_SV_FLOW_DROP_NEWEST) {
            iso_sv_flow_end_run(flow, now_ns, run, ISO_SV_FLOW_DROPPED, "", NULL);
            return true;
        }
        iso_sv_flow_end_run(flow, now_ns, iso_sv_flow_pop(&stage->queue), ISO_SV_FLOW_DROPPED, "",
                            NULL);
    }
    run->waited = false;
    (void)iso_sv_flow_trim(flow, run);
    iso_sv_flow_append(&stage->queue, run);
    return true;
}

/* To the step that the run is now for; false: no room. */
static bool forward(struct iso_sv_flow *flow, uint64_t now_ns, struct iso_sv_flow_run *run)
{
    if (run->step == flow->step_count) {
        run->step--;
        iso_sv_flow_end_run(flow, now_ns, run, ISO_SV_FLOW_FINISHED, "", &run->slots[run->step]);
        return true;
    }
    return flow->stages[run->step].config.here ? iso_sv_flow_enqueue(flow, now_ns, run)
                                               : iso_sv_flow_hop_put(flow, now_ns, run);
}

/* ---- Steps -------------------------------------------------------------------------------------
 */

/* The active run of a stage has a result. */
static void take_result(struct iso_sv_flow *flow, uint64_t now_ns, uint32_t step,
                        struct iso_sv_flow_result *result)
{
    struct iso_sv_flow_stage *stage = &flow->stages[step];
    struct iso_sv_flow_run *run = stage->active;
    stage->executing = false;
    if (result->end == ISO_SV_FLOW_STEP_BUSY && flow->overload == ISO_SV_FLOW_WAIT &&
        !iso_sv_flow_expired(flow, run, now_ns)) {
        run->retry_ns = now_ns + ISO_SV_FLOW_BUSY_NS;
        stage->stats.waited += run->waited ? 0 : 1;
        flow->stats.waited += run->waited ? 0 : 1;
        run->waited = true;
        return;
    }
    stage->active = NULL;
    if (result->end == ISO_SV_FLOW_STEP_BUSY) {
        iso_sv_flow_end_run(flow, now_ns, run, ISO_SV_FLOW_DROPPED, "", NULL);
    } else if (result->end == ISO_SV_FLOW_STEP_FAILED) {
        stage->stats.failed++;
        iso_sv_flow_end_run(flow, now_ns, run, ISO_SV_FLOW_FAILED, result->text, NULL);
    } else {
        iso_sv_meter_add(&stage->stats.meter, now_ns, now_ns - run->begun_ns);
        stage->stats.meter.bytes_out += result->value.item.len;
        iso_sv_block_unref(run->slots[step].block);
        run->slots[step] = result->value;
        run->step++;
        run->waited = false;
        stage->finished = run;
        return;
    }
    iso_sv_block_unref(result->value.block);
}

static void execute(struct iso_sv_flow *flow, uint64_t now_ns, uint32_t step)
{
    struct iso_sv_flow_stage *stage = &flow->stages[step];
    struct iso_sv_flow_result result = {.end = ISO_SV_FLOW_STEP_DONE};
    stage->executing = true;
    if (flow->ops->execute(flow->ctx, step, stage->active, &result)) {
        take_result(flow, now_ns, step, &result);
    }
}

/* One thing that can be done at a stage; false: nothing can. */
static bool advance(struct iso_sv_flow *flow, uint64_t now_ns, uint32_t step)
{
    struct iso_sv_flow_stage *stage = &flow->stages[step];
    if (stage->finished != NULL) {
        struct iso_sv_flow_run *run = stage->finished;
        stage->finished = NULL;
        if (!forward(flow, now_ns, run)) {
            stage->finished = run;
            return false;
        }
        return true;
    }
    if (stage->active != NULL) {
        if (stage->executing || stage->active->retry_ns > now_ns) {
            return false;
        }
        execute(flow, now_ns, step);
        return true;
    }
    struct iso_sv_flow_run *run = iso_sv_flow_pop(&stage->queue);
    if (run == NULL) {
        return false;
    }
    if (iso_sv_flow_expired(flow, run, now_ns)) {
        iso_sv_flow_run_free(flow, run); /* the device that started it has counted it as lost */
        return true;
    }
    run->begun_ns = now_ns;
    run->retry_ns = 0;
    run->waited = false;
    stage->active = run;
    execute(flow, now_ns, step);
    return true;
}

void iso_sv_flow_pump(struct iso_sv_flow *flow, uint64_t now_ns)
{
    if (flow->pumping) {
        return; /* an op called back; the loop below goes round again */
    }
    flow->pumping = true;
    /* From the back, so that what moves on makes room for what follows. */
    for (bool moved = true; moved;) {
        moved = false;
        for (uint32_t step = flow->step_count; step-- > 0;) {
            if (!flow->stages[step].config.here) {
                iso_sv_flow_hop_pump(flow, now_ns, step);
                continue;
            }
            iso_sv_flow_deliver(flow, now_ns, step);
            moved = advance(flow, now_ns, step) || moved;
        }
    }
    iso_sv_flow_tell_more(flow, now_ns);
    flow->pumping = false;
}

void iso_sv_flow_step_done(struct iso_sv_flow *flow, uint64_t now_ns, uint32_t step,
                           struct iso_sv_flow_result *result)
{
    ISO_ASSERT(step < flow->step_count && flow->stages[step].executing);
    take_result(flow, now_ns, step, result);
    iso_sv_flow_pump(flow, now_ns);
}

/* ---- The start of runs -------------------------------------------------------------------------
 */

bool iso_sv_flow_offer(struct iso_sv_flow *flow, uint64_t now_ns, struct iso_sv_slot input,
                       uint64_t waiter)
{
    struct iso_sv_flow_stage *first = &flow->stages[0];
    /* The newest is to be dropped without having been a run, and so is what would have to wait
     * while nobody can be made to. */
    bool full = flow->starts ? first->queue.count >= first->queue_max
                             : first->out.held != NULL && flow->overload == ISO_SV_FLOW_WAIT;
    struct iso_sv_flow_run *run = NULL;
    if (!flow->draining && !(full && flow->overload != ISO_SV_FLOW_DROP_OLDEST)) {
        run = iso_sv_flow_run_new(flow);
    }
    if (run != NULL && flow->starts && !iso_sv_flow_register(flow, now_ns, waiter, &run->number)) {
        iso_sv_flow_run_free(flow, run);
        run = NULL;
    }
    if (run == NULL) {
        first->stats.dropped++;
        flow->stats.dropped++;
        flow->stats.started++;
        return false;
    }
    if (!flow->starts) {
        flow->stats.started++;
    }
    run->started_ns = now_ns;
    if (input.block != NULL) {
        (void)iso_sv_block_ref(input.block);
        run->slots[flow->step_count] = input;
    }
    (void)forward(flow, now_ns, run);
    iso_sv_flow_pump(flow, now_ns);
    return true;
}

static void trigger(struct iso_sv_flow *flow, uint64_t now_ns)
{
    struct iso_sv_flow_stage *first = &flow->stages[0];
    /* Ticks that nobody had time for are left out. */
    uint64_t passed = (now_ns - flow->tick_ns) / flow->every_ns;
    if (flow->overload == ISO_SV_FLOW_WAIT && first->queue.count >= first->queue_max) {
        first->stats.waited++;
        flow->stats.waited++;
    } else {
        (void)iso_sv_flow_offer(flow, now_ns, (struct iso_sv_slot){.block = NULL}, 0);
    }
    flow->tick_ns += (passed + 1) * flow->every_ns;
}

void iso_sv_flow_begin(struct iso_sv_flow *flow, uint64_t now_ns)
{
    flow->begun = true;
    flow->tick_ns = now_ns + flow->every_ns;
}

void iso_sv_flow_drain(struct iso_sv_flow *flow)
{
    flow->draining = true;
}

/* ---- Time --------------------------------------------------------------------------------------
 */

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t iso_sv_flow_next_ns(const struct iso_sv_flow *flow)
{
    uint64_t next = UINT64_MAX;
    if (flow->begun && !flow->draining && flow->every_ns != 0 && flow->starts) {
        next = flow->tick_ns;
    }
    if (flow->entry_count > 0) {
        next = earlier(next, flow->entries[flow->entry_first].started_ns + flow->run_ns);
    }
    if (flow->telling_count > 0 && flow->telling_sent == 0) {
        next = earlier(next, flow->telling_retry_ns);
    }
    for (uint32_t i = 0; i < flow->step_count; i++) {
        const struct iso_sv_flow_stage *stage = &flow->stages[i];
        if (!stage->config.here) {
            next = earlier(next, iso_sv_flow_hop_next_ns(flow, i));
        } else if (stage->active != NULL && !stage->executing) {
            next = earlier(next, stage->active->retry_ns);
        }
    }
    return next;
}

void iso_sv_flow_tick(struct iso_sv_flow *flow, uint64_t now_ns)
{
    iso_sv_flow_expire(flow, now_ns, false);
    if (flow->begun && !flow->draining && flow->every_ns != 0 && flow->starts &&
        now_ns >= flow->tick_ns) {
        trigger(flow, now_ns);
    }
    iso_sv_flow_pump(flow, now_ns);
}

bool iso_sv_flow_idle(const struct iso_sv_flow *flow)
{
    if (flow->entry_count > 0 || flow->telling_count > 0) {
        return false;
    }
    for (uint32_t i = 0; i < flow->step_count; i++) {
        const struct iso_sv_flow_stage *stage = &flow->stages[i];
        if (stage->queue.count > 0 || stage->active != NULL || stage->finished != NULL ||
            stage->in.held.count > 0 || stage->out.on_way.count > 0 || stage->out.held != NULL) {
            return false;
        }
    }
    return true;
}

/* ---- Life --------------------------------------------------------------------------------------
 */

static size_t flow_size(uint32_t step_count)
{
    return sizeof(struct iso_sv_flow) + step_count * sizeof(struct iso_sv_flow_stage);
}

/* splitmix64: one random number makes as many others as are needed. */
static uint64_t mix(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

enum iso_err iso_sv_flow_create(const struct iso_sv_flow_config *config, struct iso_sv_flow **out)
{
    ISO_ASSERT(config->step_count > 0 && config->step_count <= ISO_SV_FLOW_STEPS);
    struct iso_sv_flow *flow = iso_alloc_new(config->alloc, flow_size(config->step_count));
    uint64_t random = config->random;
    if (flow == NULL) {
        return ISO_E_NOMEM;
    }
    flow->alloc = config->alloc;
    flow->ops = config->ops;
    flow->ctx = config->ctx;
    flow->generation = config->generation;
    flow->step_count = config->step_count;
    flow->starts = config->steps[0].here;
    flow->input_from_afar = config->input_from_afar;
    flow->source_only = config->source_only && !flow->starts;
    flow->wants_result = config->wants_result;
    flow->overload = config->overload;
    flow->window = config->window == 0                   ? 1
                   : config->window > ISO_SV_FLOW_WINDOW ? ISO_SV_FLOW_WINDOW
                                                         : config->window;
    flow->run_ns = config->run_ns != 0 ? config->run_ns : ISO_SV_FLOW_RUN_NS;
    flow->every_ns = config->every_ns;
    /* Numbers of runs stay far from wrapping round, and below what readers of JSON keep exactly. */
    flow->next_number = mix(&random) >> 16;
    flow->tellings_tail = &flow->tellings;
    for (uint32_t i = 0; i < flow->step_count; i++) {
        struct iso_sv_flow_stage *stage = &flow->stages[i];
        stage->config = config->steps[i];
        /* Ticks do not pile up. */
        stage->queue_max = i == 0 && config->every_ns != 0 ? 1 : flow->window;
        stage->out.stream = mix(&random) | 1; /* never 0 */
        iso_sv_flow_line_init(&stage->queue);
        iso_sv_flow_line_init(&stage->in.held);
        iso_sv_flow_line_init(&stage->out.on_way);
    }
    *out = flow;
    return ISO_OK;
}

void iso_sv_flow_destroy(struct iso_sv_flow *flow, uint64_t now_ns)
{
    if (flow == NULL) {
        return;
    }
    flow->pumping = true; /* nothing begins any more */
    flow->draining = true;
    iso_sv_flow_expire(flow, now_ns, true);
    for (uint32_t i = 0; i < flow->step_count; i++) {
        struct iso_sv_flow_stage *stage = &flow->stages[i];
        for (struct iso_sv_flow_run *run; (run = iso_sv_flow_pop(&stage->queue)) != NULL;) {
            iso_sv_flow_run_free(flow, run);
        }
        iso_sv_flow_run_free(flow, stage->active);
        iso_sv_flow_run_free(flow, stage->finished);
        iso_sv_flow_hop_free(flow, i);
    }
    iso_sv_flow_tellings_free(flow);
    iso_alloc_free(flow->alloc, flow->entries,
                   flow->entry_capacity * sizeof(struct iso_sv_flow_entry));
    iso_alloc_free(flow->alloc, flow, flow_size(flow->step_count));
}

const struct iso_sv_flow_stats *iso_sv_flow_stats(struct iso_sv_flow *flow)
{
    flow->stats.running = 0;
    for (uint32_t i = 0; i < flow->entry_count; i++) {
        flow->stats.running += !flow->entries[(flow->entry_first + i) % flow->entry_capacity].ended;
    }
    return &flow->stats;
}

const struct iso_sv_flow_step_stats *iso_sv_flow_step_stats(struct iso_sv_flow *flow, uint32_t step)
{
    struct iso_sv_flow_stage *stage = &flow->stages[step];
    stage->stats.queued = stage->queue.count + stage->in.held.count;
    stage->stats.on_way = stage->out.on_way.count + (stage->out.held != NULL ? 1 : 0);
    return &stage->stats;
}

void iso_sv_flow_add_stats(struct iso_sv_flow *flow, const struct iso_sv_flow_stats *more,
                           const struct iso_sv_flow_stats *less)
{
    static const struct iso_sv_flow_stats none;
    struct iso_sv_flow_stats *stats = &flow->stats;
    less = less != NULL ? less : &none;
    stats->started += more->started - less->started;
    stats->finished += more->finished - less->finished;
    stats->failed += more->failed - less->failed;
    stats->dropped += more->dropped - less->dropped;
    stats->lost += more->lost - less->lost;
    stats->waited += more->waited - less->waited;
    stats->meter.count += more->meter.count - less->meter.count;
    stats->meter.latency_sum_ns += more->meter.latency_sum_ns - less->meter.latency_sum_ns;
    for (unsigned i = 0; i < ISO_SV_LATENCY_BUCKETS; i++) {
        stats->meter.latency[i] += more->meter.latency[i] - less->meter.latency[i];
    }
    if (stats->last_error[0] == '\0') {
        memcpy(stats->last_error, more->last_error, sizeof stats->last_error);
    }
}

void iso_sv_flow_lose(struct iso_sv_flow *flow, uint64_t now_ns)
{
    flow->draining = true;
    iso_sv_flow_expire(flow, now_ns, true);
}
