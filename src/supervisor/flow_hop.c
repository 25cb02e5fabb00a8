/* The messages of a flow between two devices: a stream per hop, with a window, repeated until they
 * are acknowledged, taken once and in order. */
#include "supervisor/flow_state.h"

/* ---- Sending -----------------------------------------------------------------------------------
 */

static void send_run(struct iso_sv_flow *flow, uint64_t now_ns, struct iso_sv_flow_run *run)
{
    struct iso_sv_flow_outbound *out = &flow->stages[run->step].out;
    struct iso_sv_flow_message message = {
        .generation = flow->generation,
        .number = run->number,
        .step = run->step,
        .attempt = run->attempt,
        .age_us = (now_ns - run->started_ns) / 1000,
        .stream = out->stream,
        .hop = run->hop,
        .base = out->on_way.head->hop,
        .mask = flow->stages[run->step].config.needs,
    };
    for (uint32_t i = 0; i <= flow->step_count; i++) {
        if ((message.mask >> (i == flow->step_count ? 63 : i) & 1) != 0) {
            message.values[message.value_count++] = run->slots[i].item;
        }
    }
    run->sent = flow->ops->send(flow->ctx, &message);
    if (!run->sent) {
        run->retry_ns = now_ns + iso_sv_flow_backoff(run->attempt);
        out->unsent++;
    }
}

static bool has_room(const struct iso_sv_flow *flow, const struct iso_sv_flow_outbound *out,
                     size_t bytes)
{
    return out->on_way.count < flow->window &&
           (out->on_way.count == 0 ||
            (bytes <= ISO_SV_FLOW_HOP_BYTES && out->bytes <= ISO_SV_FLOW_HOP_BYTES - bytes));
}

static void launch(struct iso_sv_flow *flow, uint64_t now_ns, struct iso_sv_flow_run *run)
{
    struct iso_sv_flow_outbound *out = &flow->stages[run->step].out;
    run->hop = out->next_hop++;
    run->attempt = 0;
    out->bytes += run->bytes;
    iso_sv_flow_append(&out->on_way, run);
    send_run(flow, now_ns, run);
}

bool iso_sv_flow_hop_put(struct iso_sv_flow *flow, uint64_t now_ns, struct iso_sv_flow_run *run)
{
    struct iso_sv_flow_stage *stage = &flow->stages[run->step];
    struct iso_sv_flow_outbound *out = &stage->out;
    run->bytes = iso_sv_flow_trim(flow, run);
    if (out->held == NULL && has_room(flow, out, run->bytes)) {
        launch(flow, now_ns, run);
        return true;
    }
    if (flow->overload == ISO_SV_FLOW_DROP_NEWEST) {
        iso_sv_flow_end_run(flow, now_ns, run, ISO_SV_FLOW_DROPPED, "", NULL);
        return true;
    }
    if (flow->overload == ISO_SV_FLOW_WAIT) {
        stage->stats.waited += run->waited ? 0 : 1;
        flow->stats.waited += run->waited ? 0 : 1;
        run->waited = true;
        if (out->held != NULL) {
            return false;
        }
    } else if (out->held != NULL) {
        iso_sv_flow_end_run(flow, now_ns, out->held, ISO_SV_FLOW_DROPPED, "", NULL);
    }
    out->held = run;
    return true;
}

/* Takes the message at *link from those on their way. */
static struct iso_sv_flow_run *unlink_run(struct iso_sv_flow_outbound *out,
                                          struct iso_sv_flow_run **link)
{
    struct iso_sv_flow_run *run = *link;
    *link = run->next;
    if (out->on_way.tail == &run->next) {
        out->on_way.tail = link;
    }
    out->on_way.count--;
    out->bytes -= run->bytes;
    out->unsent -= run->sent ? 0 : 1;
    return run;
}

/* The receiver waits for those before: it learns from the first of the others that they do not
 * come. That one is sent again, in case it arrived before and is held there. */
static void skip_to(struct iso_sv_flow *flow, uint64_t now_ns, uint32_t step)
{
    struct iso_sv_flow_outbound *out = &flow->stages[step].out;
    struct iso_sv_flow_run *first = out->on_way.head;
    if (first != NULL && first->sent) {
        first->sent = false;
        first->retry_ns = now_ns;
        out->unsent++;
    }
}

void iso_sv_flow_hop_pump(struct iso_sv_flow *flow, uint64_t now_ns, uint32_t step)
{
    struct iso_sv_flow_outbound *out = &flow->stages[step].out;
    while (out->on_way.head != NULL && iso_sv_flow_expired(flow, out->on_way.head, now_ns)) {
        iso_sv_flow_run_free(flow, unlink_run(out, &out->on_way.head));
        skip_to(flow, now_ns, step);
    }
    if (out->held != NULL && iso_sv_flow_expired(flow, out->held, now_ns)) {
        iso_sv_flow_run_free(flow, out->held);
        out->held = NULL;
    }
    for (struct iso_sv_flow_run *run = out->on_way.head; out->unsent > 0 && run != NULL;
         run = run->next) {
        if (!run->sent && now_ns >= run->retry_ns) {
            out->unsent--;
            run->attempt++;
            flow->stages[step].stats.resent++;
            send_run(flow, now_ns, run);
        }
    }
    if (out->held != NULL && has_room(flow, out, out->held->bytes)) {
        struct iso_sv_flow_run *run = out->held;
        out->held = NULL;
        launch(flow, now_ns, run);
    }
}

uint64_t iso_sv_flow_hop_next_ns(const struct iso_sv_flow *flow, uint32_t step)
{
    const struct iso_sv_flow_outbound *out = &flow->stages[step].out;
    uint64_t next = UINT64_MAX;
    if (out->on_way.head != NULL) {
        next = out->on_way.head->started_ns + flow->run_ns;
    }
    if (out->held != NULL && out->held->started_ns + flow->run_ns < next) {
        next = out->held->started_ns + flow->run_ns;
    }
    for (const struct iso_sv_flow_run *run = out->on_way.head; out->unsent > 0 && run != NULL;
         run = run->next) {
        if (!run->sent && run->retry_ns < next) {
            next = run->retry_ns;
        }
    }
    return next;
}

void iso_sv_flow_sent(struct iso_sv_flow *flow, uint64_t now_ns, uint32_t step, uint64_t hop,
                      uint32_t attempt, enum iso_sv_flow_ack ack, struct iso_str text)
{
    if (step >= flow->step_count) {
        return;
    }
    struct iso_sv_flow_outbound *out = &flow->stages[step].out;
    struct iso_sv_flow_run **link = &out->on_way.head;
    while (*link != NULL && (*link)->hop != hop) {
        link = &(*link)->next;
    }
    struct iso_sv_flow_run *run = *link;
    /* That it is queued holds whichever of its copies says so; all else is of that copy only. */
    if (run == NULL || (ack != ISO_SV_FLOW_QUEUED && (attempt != run->attempt || !run->sent))) {
        return;
    }
    if (ack == ISO_SV_FLOW_RETRY) {
        run->sent = false;
        run->retry_ns = now_ns + iso_sv_flow_backoff(run->attempt);
        out->unsent++;
    } else {
        (void)unlink_run(out, link);
        if (ack == ISO_SV_FLOW_QUEUED) {
            iso_sv_flow_run_free(flow, run);
        } else {
            char why[ISO_SV_FLOW_TEXT];
            (void)iso_format(why, sizeof why, "the device of the step refuses it%s%.*s",
                             text.len > 0 ? ": " : "", (int)text.len, text.ptr);
            flow->stages[step].stats.failed++;
            iso_sv_flow_end_run(flow, now_ns, run, ISO_SV_FLOW_FAILED, why, NULL);
            skip_to(flow, now_ns, step);
        }
    }
    iso_sv_flow_pump(flow, now_ns);
}

/* ---- Receiving ---------------------------------------------------------------------------------
 */

void iso_sv_flow_deliver(struct iso_sv_flow *flow, uint64_t now_ns, uint32_t step)
{
    struct iso_sv_flow_stage *stage = &flow->stages[step];
    struct iso_sv_flow_inbound *in = &stage->in;
    while (in->held.head != NULL && in->held.head->hop <= in->expected) {
        struct iso_sv_flow_run *run = in->held.head;
        bool full = stage->queue.count >= stage->queue_max;
        if (full && flow->overload == ISO_SV_FLOW_WAIT) {
            stage->stats.waited += run->waited ? 0 : 1;
            flow->stats.waited += run->waited ? 0 : 1;
            run->waited = true;
            return;
        }
        if (step == 0 && !iso_sv_flow_register(flow, now_ns, 0, &run->number)) {
            return; /* too many runs: as if there were no room */
        }
        (void)iso_sv_flow_pop(&in->held);
        in->held_bytes -= run->bytes;
        in->expected = run->hop + 1;
        flow->ops->acknowledge(flow->ctx, run->token, ISO_SV_FLOW_QUEUED);
        (void)iso_sv_flow_enqueue(flow, now_ns, run);
    }
}

/* Takes out all that are held and numbered below `below`. */
static void discard(struct iso_sv_flow *flow, uint32_t step, uint64_t below)
{
    struct iso_sv_flow_inbound *in = &flow->stages[step].in;
    while (in->held.head != NULL && in->held.head->hop < below) {
        struct iso_sv_flow_run *run = iso_sv_flow_pop(&in->held);
        in->held_bytes -= run->bytes;
        flow->ops->acknowledge(flow->ctx, run->token, ISO_SV_FLOW_REFUSED);
        iso_sv_flow_run_free(flow, run);
    }
}

/* The stream that the message belongs to becomes the present one; false: it was so once. */
static bool enter_stream(struct iso_sv_flow *flow, const struct iso_sv_flow_message *message)
{
    struct iso_sv_flow_inbound *in = &flow->stages[message->step].in;
    if (in->any && in->stream == message->stream) {
        return true;
    }
    for (uint32_t i = 0; i < ISO_SV_FLOW_OLD_STREAMS; i++) {
        if (in->old[i] == message->stream) {
            return false;
        }
    }
    if (in->any) {
        in->old[in->old_next++ % ISO_SV_FLOW_OLD_STREAMS] = in->stream;
        discard(flow, message->step, UINT64_MAX);
    }
    in->any = true;
    in->stream = message->stream;
    in->expected = message->base;
    return true;
}

static bool may_come(const struct iso_sv_flow *flow, const struct iso_sv_flow_message *message)
{
    uint32_t step = message->step;
    return step < flow->step_count && flow->stages[step].config.here &&
           (step == 0 ? flow->input_from_afar : !flow->stages[step - 1].config.here) &&
           message->mask == flow->stages[step].config.needs && message->base <= message->hop &&
           message->hop < UINT64_MAX;
}

/* A copy of what the message carries: one block for all values. */
static struct iso_sv_flow_run *make_run(struct iso_sv_flow *flow, uint64_t now_ns,
                                        const struct iso_sv_flow_message *message)
{
    struct iso_buf buf;
    struct iso_sv_flow_run *run = iso_sv_flow_run_new(flow);
    enum iso_err err = run != NULL ? ISO_OK : ISO_E_NOMEM;
    size_t total = 0;
    iso_buf_init(&buf, flow->alloc, SIZE_MAX);
    for (uint32_t i = 0; i < message->value_count; i++) {
        total += message->values[i].len;
    }
    if (err == ISO_OK && total > 0) {
        err = iso_buf_reserve(&buf, total);
    }
    for (uint32_t i = 0; i < message->value_count && err == ISO_OK; i++) {
        err = iso_buf_append(&buf, message->values[i].ptr, message->values[i].len);
    }
    struct iso_sv_block *block = NULL;
    if (err == ISO_OK && total > 0) {
        block = iso_sv_block_create(&buf);
        err = block != NULL ? ISO_OK : ISO_E_NOMEM;
    }
    iso_buf_fini(&buf);
    if (err != ISO_OK) {
        iso_sv_flow_run_free(flow, run);
        return NULL;
    }
    const uint8_t *at = block != NULL ? block->bytes.ptr : NULL;
    uint32_t next = 0;
    for (uint32_t i = 0; i <= flow->step_count; i++) {
        if ((message->mask >> (i == flow->step_count ? 63 : i) & 1) != 0) {
            size_t len = message->values[next++].len;
            run->slots[i] = (struct iso_sv_slot){.block = iso_sv_block_ref(block),
                                                 .item = iso_bytes_from(at, len)};
            at += len;
        }
    }
    iso_sv_block_unref(block);
    uint64_t age_ns = message->age_us > UINT64_MAX / 1000 ? UINT64_MAX : message->age_us * 1000;
    run->started_ns = age_ns < now_ns ? now_ns - age_ns : 0;
    run->number = message->number;
    run->step = message->step;
    run->hop = message->hop;
    run->bytes = total;
    return run;
}

/* Keep it at its place in the order; false: there is no room or memory. */
static bool hold(struct iso_sv_flow *flow, uint64_t now_ns,
                 const struct iso_sv_flow_message *message, uint64_t token,
                 struct iso_sv_flow_run **link)
{
    struct iso_sv_flow_inbound *in = &flow->stages[message->step].in;
    size_t bytes = 0;
    for (uint32_t i = 0; i < message->value_count; i++) {
        bytes += message->values[i].len;
    }
    if (in->held.count >= ISO_SV_FLOW_WINDOW ||
        (in->held.count > 0 && message->hop != in->expected &&
         (bytes > ISO_SV_FLOW_HOP_BYTES || in->held_bytes > ISO_SV_FLOW_HOP_BYTES - bytes))) {
        return false;
    }
    struct iso_sv_flow_run *run = make_run(flow, now_ns, message);
    if (run == NULL) {
        return false;
    }
    run->token = token;
    run->next = *link;
    *link = run;
    if (run->next == NULL) {
        in->held.tail = &run->next;
    }
    in->held.count++;
    in->held_bytes += run->bytes;
    return true;
}

void iso_sv_flow_receive(struct iso_sv_flow *flow, uint64_t now_ns,
                         const struct iso_sv_flow_message *message, uint64_t token)
{
    if (!may_come(flow, message) || !enter_stream(flow, message)) {
        flow->ops->acknowledge(flow->ctx, token, ISO_SV_FLOW_REFUSED);
        return;
    }
    struct iso_sv_flow_stage *stage = &flow->stages[message->step];
    struct iso_sv_flow_inbound *in = &stage->in;
    if (message->base > in->expected) {
        discard(flow, message->step, message->base);
        in->expected = message->base;
    }
    if (message->hop < in->expected) {
        stage->stats.duplicates++;
        flow->ops->acknowledge(flow->ctx, token, ISO_SV_FLOW_QUEUED);
        return;
    }
    struct iso_sv_flow_run **link = &in->held.head;
    while (*link != NULL && (*link)->hop < message->hop) {
        link = &(*link)->next;
    }
    if (*link != NULL && (*link)->hop == message->hop) {
        /* Who sent it again waits for the answer to this copy. */
        stage->stats.duplicates++;
        flow->ops->acknowledge(flow->ctx, (*link)->token, ISO_SV_FLOW_RETRY);
        (*link)->token = token;
    } else if (message->hop - in->expected >= ISO_SV_FLOW_WINDOW ||
               !hold(flow, now_ns, message, token, link)) {
        flow->ops->acknowledge(flow->ctx, token, ISO_SV_FLOW_RETRY);
        return;
    }
    iso_sv_flow_pump(flow, now_ns);
}

void iso_sv_flow_hop_free(struct iso_sv_flow *flow, uint32_t step)
{
    struct iso_sv_flow_outbound *out = &flow->stages[step].out;
    discard(flow, step, UINT64_MAX);
    for (struct iso_sv_flow_run *run; (run = iso_sv_flow_pop(&out->on_way)) != NULL;) {
        iso_sv_flow_run_free(flow, run);
    }
    iso_sv_flow_run_free(flow, out->held);
}
