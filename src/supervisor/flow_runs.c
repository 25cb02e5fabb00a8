/* The account of a flow's runs: those that this device starts, by number, until it is known how
 * they ended; and how those ended that another device started, until that device knows. */
#include "supervisor/document.h"
#include "supervisor/flow_state.h"

/* ---- Started here ------------------------------------------------------------------------------
 */

static struct iso_sv_flow_entry *entry_at(struct iso_sv_flow *flow, uint32_t index)
{
    return &flow->entries[(flow->entry_first + index) % flow->entry_capacity];
}

static bool grow(struct iso_sv_flow *flow)
{
    uint32_t capacity = flow->entry_capacity != 0 ? flow->entry_capacity * 2 : 16;
    struct iso_sv_flow_entry *entries =
        iso_alloc_array(flow->alloc, capacity, sizeof(struct iso_sv_flow_entry));
    if (entries == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < flow->entry_count; i++) {
        entries[i] = *entry_at(flow, i);
    }
    iso_alloc_free(flow->alloc, flow->entries,
                   flow->entry_capacity * sizeof(struct iso_sv_flow_entry));
    flow->entries = entries;
    flow->entry_capacity = capacity;
    flow->entry_first = 0;
    return true;
}

bool iso_sv_flow_register(struct iso_sv_flow *flow, uint64_t now_ns, uint64_t waiter,
                          uint64_t *number)
{
    if (flow->entry_count >= ISO_SV_FLOW_RUNS ||
        (flow->entry_count == flow->entry_capacity && !grow(flow))) {
        return false;
    }
    flow->stats.started++;
    *number = flow->next_number++;
    *entry_at(flow, flow->entry_count++) =
        (struct iso_sv_flow_entry){.number = *number, .started_ns = now_ns, .waiter = waiter};
    return true;
}

bool iso_sv_flow_input_refused(const struct iso_sv_flow *flow,
                               const struct iso_sv_flow_outcome *outcome)
{
    const struct iso_str what = iso_str_from_z(ISO_SV_FLOW_BAD_ARGUMENTS);
    return flow->wants_result && outcome->step < flow->step_count &&
           (flow->stages[outcome->step].config.needs & ISO_SV_NEEDS_INPUT) != 0 &&
           outcome->text.len > what.len && outcome->text.ptr[what.len] == ':' &&
           memcmp(outcome->text.ptr, what.ptr, what.len) == 0;
}

/* A run failed (text: of the flow's latest error), or finished (NULL). */
static void note_end(struct iso_sv_flow *flow, uint64_t now_ns, const char *error)
{
    struct iso_sv_flow_stats *stats = &flow->stats;
    if (error == NULL) {
        flow->has_finished = true;
        stats->failing_runs = 0;
    } else {
        (void)iso_format(stats->last_error, sizeof stats->last_error, "%s", error);
        stats->failing_since_ns = stats->failing_runs == 0 ? now_ns : stats->failing_since_ns;
        stats->failing_runs++;
    }
    bool failing = stats->failing_runs >= (flow->has_finished ? ISO_SV_FLOW_FAILING : 1);
    if (failing != stats->failing && !flow->draining && (!failing || now_ns >= flow->turn_ns)) {
        stats->failing = failing;
        flow->turn_ns = now_ns + ISO_SV_FLOW_TURN_NS;
        flow->ops->turned(flow->ctx);
    }
}

static void count_failure(struct iso_sv_flow *flow, uint64_t now_ns,
                          const struct iso_sv_flow_outcome *outcome)
{
    char text[sizeof flow->stats.last_error];
    (void)iso_format(text, sizeof text, "step %u: %.*s", outcome->step, (int)outcome->text.len,
                     outcome->text.ptr);
    flow->stats.failed++;
    if (iso_sv_flow_input_refused(flow, outcome)) {
        (void)iso_format(flow->stats.last_error, sizeof flow->stats.last_error, "%s", text);
    } else {
        note_end(flow, now_ns, text);
    }
}

static void count_end(struct iso_sv_flow *flow, uint64_t now_ns,
                      const struct iso_sv_flow_outcome *outcome, uint64_t started_ns)
{
    switch (outcome->end) {
    case ISO_SV_FLOW_FINISHED:
        flow->stats.finished++;
        iso_sv_meter_add(&flow->stats.meter, now_ns, now_ns - started_ns);
        note_end(flow, now_ns, NULL);
        break;
    case ISO_SV_FLOW_FAILED:
        count_failure(flow, now_ns, outcome);
        break;
    case ISO_SV_FLOW_DROPPED:
        flow->stats.dropped++;
        break;
    case ISO_SV_FLOW_LOST:
        flow->stats.lost++;
        if (!flow->draining) {
            note_end(flow, now_ns, "lost: nothing was heard of a run in time");
        }
        break;
    }
}

void iso_sv_flow_settle(struct iso_sv_flow *flow, uint64_t now_ns,
                        const struct iso_sv_flow_outcome *outcome)
{
    uint64_t first = flow->entry_count > 0 ? entry_at(flow, 0)->number : 0;
    /* Numbers follow one another, so a number is a place. */
    if (outcome->number < first || outcome->number - first >= flow->entry_count) {
        return;
    }
    struct iso_sv_flow_entry *entry = entry_at(flow, (uint32_t)(outcome->number - first));
    if (entry->ended) {
        return;
    }
    uint64_t waiter = entry->waiter;
    entry->ended = true;
    count_end(flow, now_ns, outcome, entry->started_ns);
    while (flow->entry_count > 0 && entry_at(flow, 0)->ended) {
        flow->entry_first = (flow->entry_first + 1) % flow->entry_capacity;
        flow->entry_count--;
    }
    if (waiter != 0) {
        flow->ops->ended(flow->ctx, waiter, outcome);
    }
}

void iso_sv_flow_expire(struct iso_sv_flow *flow, uint64_t now_ns, bool all)
{
    while (flow->entry_count > 0 &&
           (all || now_ns >= entry_at(flow, 0)->started_ns + flow->run_ns)) {
        struct iso_sv_flow_outcome outcome = {
            .number = entry_at(flow, 0)->number,
            .end = ISO_SV_FLOW_LOST,
            .text =
                iso_str_from_z(all ? "the flow was stopped" : "nothing was heard of it in time"),
        };
        iso_sv_flow_settle(flow, now_ns, &outcome);
    }
}

void iso_sv_flow_learn(struct iso_sv_flow *flow, uint64_t now_ns,
                       const struct iso_sv_flow_outcome *outcome)
{
    if (flow->starts && outcome->step < flow->step_count) {
        iso_sv_flow_settle(flow, now_ns, outcome);
        iso_sv_flow_pump(flow, now_ns);
    }
}

/* ---- Started elsewhere -------------------------------------------------------------------------
 */

static void pop_telling(struct iso_sv_flow *flow)
{
    struct iso_sv_flow_telling *telling = flow->tellings;
    flow->tellings = telling->next;
    if (flow->tellings == NULL) {
        flow->tellings_tail = &flow->tellings;
    }
    flow->telling_count--;
    iso_sv_block_unref(telling->result.block);
    iso_alloc_free(flow->alloc, telling, sizeof *telling);
}

void iso_sv_flow_tellings_free(struct iso_sv_flow *flow)
{
    while (flow->tellings != NULL) {
        pop_telling(flow);
    }
}

void iso_sv_flow_tell(struct iso_sv_flow *flow, uint64_t now_ns, const struct iso_sv_flow_run *run,
                      enum iso_sv_flow_end end, const char *text, const struct iso_sv_slot *result)
{
    struct iso_sv_flow_telling *telling = NULL;
    if (flow->telling_count < ISO_SV_FLOW_OUTCOMES_WAITING) {
        telling = iso_alloc_new(flow->alloc, sizeof *telling);
    }
    if (telling == NULL) {
        return; /* the other device will count the run as lost */
    }
    telling->number = run->number;
    telling->until_ns = run->started_ns + flow->run_ns;
    telling->end = end;
    telling->step = run->step;
    (void)iso_format(telling->text, sizeof telling->text, "%s", text);
    if (result != NULL && result->block != NULL && flow->wants_result) {
        telling->result = *result;
        (void)iso_sv_block_ref(result->block);
    }
    if (flow->telling_count == 0) {
        flow->telling_retry_ns = now_ns;
        flow->telling_attempt = 0;
    }
    *flow->tellings_tail = telling;
    flow->tellings_tail = &telling->next;
    flow->telling_count++;
}

void iso_sv_flow_tell_more(struct iso_sv_flow *flow, uint64_t now_ns)
{
    struct iso_sv_flow_outcome outcomes[ISO_SV_FLOW_OUTCOMES];
    if (flow->telling_sent > 0 || now_ns < flow->telling_retry_ns) {
        return;
    }
    while (flow->tellings != NULL && now_ns >= flow->tellings->until_ns) {
        pop_telling(flow);
    }
    size_t count = 0;
    size_t bytes = 0;
    for (const struct iso_sv_flow_telling *telling = flow->tellings;
         telling != NULL && count < ISO_SV_FLOW_OUTCOMES &&
         (count == 0 || bytes + telling->result.item.len <= ISO_SV_FLOW_MESSAGE_BYTES / 2);
         telling = telling->next) {
        outcomes[count++] = (struct iso_sv_flow_outcome){.number = telling->number,
                                                         .end = telling->end,
                                                         .step = telling->step,
                                                         .text = iso_str_from_z(telling->text),
                                                         .result = telling->result.item};
        bytes += telling->result.item.len;
    }
    if (count == 0) {
        return;
    }
    if (flow->ops->tell(flow->ctx, outcomes, count)) {
        flow->telling_sent = (uint32_t)count;
    } else {
        flow->telling_retry_ns = now_ns + iso_sv_flow_backoff(flow->telling_attempt++);
    }
}

void iso_sv_flow_told(struct iso_sv_flow *flow, uint64_t now_ns, enum iso_sv_flow_ack ack)
{
    uint32_t sent = flow->telling_sent;
    flow->telling_sent = 0;
    if (ack == ISO_SV_FLOW_RETRY) {
        flow->telling_retry_ns = now_ns + iso_sv_flow_backoff(flow->telling_attempt++);
    } else {
        flow->telling_attempt = 0;
        flow->telling_retry_ns = now_ns;
        for (uint32_t i = 0; i < sent; i++) {
            pop_telling(flow);
        }
    }
    iso_sv_flow_pump(flow, now_ns);
}
