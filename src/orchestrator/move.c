/*
 * Moving services: docs/deployment.md, "Moving". Before the decision: freeze, fetch, hand over, or
 * abort. After it: own at the target, release at the source, whatever happens.
 *
 * A service that changes its device but cannot take its state along (another module) is frozen and
 * fetched too: that stops the old copy for good before the new one begins, and can be taken back.
 */
#include "orchestrator/deployer_state.h"

#include <inttypes.h>

static const char *const step_names[] = {
    [ISO_OR_MOVE_PLANNED] = "planned", [ISO_OR_MOVE_FROZEN] = "frozen",
    [ISO_OR_MOVE_FETCHED] = "fetched", [ISO_OR_MOVE_HELD] = "held",
    [ISO_OR_MOVE_OWNED] = "owned",     [ISO_OR_MOVE_ABORTED] = "aborted",
};

const char *iso_or_move_step_name(const struct iso_or_move *move)
{
    return move->late && move->step == ISO_OR_MOVE_HELD ? "late" : step_names[move->step];
}

static uint64_t now_of(const struct iso_or_move *move)
{
    return iso_or_now(move->gen->app->deployer);
}

static void poke(struct iso_or_move *move)
{
    move->gen->app->told = false;
    iso_or_app_poke(move->gen->app);
}

static void resume(struct iso_or_ask *ask)
{
    poke(ask->owner);
}

static void achieved(struct iso_or_move *move, struct iso_or_ask *ask)
{
    move->progress_ms = now_of(move);
    ask->failures = 0;
}

static void set_reason(struct iso_or_move *move, const char *device, const char *what,
                       const struct iso_or_answer *answer)
{
    char text[ISO_OR_REASON_SIZE];
    iso_or_answer_text(answer, text);
    (void)iso_format(move->reason, sizeof move->reason, "%s: %s of '%s': %s",
                     iso_or_device_called(move->gen->app->deployer, device), what, move->component,
                     text);
}

/* Before the decision: again, until it has stalled. */
static void failed(struct iso_or_move *move, const char *device, const char *what,
                   const struct iso_or_answer *answer)
{
    set_reason(move, device, what, answer);
    if (now_of(move) - move->progress_ms > ISO_OR_STALLED_MS) {
        move->trouble = ISO_OR_TROUBLE_DEVICE;
    } else {
        iso_or_ask_pause(&move->ask, resume);
    }
}

static bool refused(const struct iso_or_answer *answer, unsigned status)
{
    return answer->outcome == ISO_OR_ANSWERED && answer->status == status;
}

static void ask(struct iso_or_move *move, struct iso_or_ask *channel, const char *device,
                const char *verb, struct iso_str body,
                void (*answered)(struct iso_or_ask *ask, const struct iso_or_answer *answer))
{
    char path[160];
    (void)iso_format(path, sizeof path, "/v1/moves/%s/%s/%s", move->gen->app->name, move->component,
                     verb);
    const struct iso_or_send request = {.device = device,
                                        .method = "POST",
                                        .path = path,
                                        .body = iso_bytes_from(body.ptr, body.len),
                                        .timeout_ms = ISO_OR_COMMIT_MS};
    iso_or_ask_send(channel, &request, answered);
}

static struct iso_str epoch_body(char out[48], uint64_t epoch)
{
    size_t len = iso_format(out, 48, "{\"epoch\": %" PRIu64 "}", epoch);
    return iso_str_from(out, len);
}

/* ---- Before the decision -----------------------------------------------------------------------
 */

/* Bytes that a device gives, or takes when body is not NULL. */
static void carry(struct iso_or_move *move, const char *device, const char *what,
                  const struct iso_buf *body,
                  void (*answered)(struct iso_or_ask *ask, const struct iso_or_answer *answer))
{
    char path[160];
    (void)iso_format(path, sizeof path, "/v1/moves/%s/%s/%s", move->gen->app->name, move->component,
                     what);
    struct iso_or_send request = {.device = device,
                                  .method = body != NULL ? "PUT" : "GET",
                                  .path = path,
                                  .octets = true,
                                  .answer_max_bytes = body != NULL ? 0 : ISO_OR_SNAPSHOT_BYTES_MAX,
                                  .timeout_ms = ISO_OR_SNAPSHOT_MS};
    if (body != NULL) {
        request.body = iso_buf_view(body);
    }
    iso_or_ask_send(&move->ask, &request, answered);
}

/* It spares downtime, no more: when anything of it fails, the state goes with all of it, or is
 * refused for want of it. */
static void ahead_given(struct iso_or_ask *channel, const struct iso_or_answer *answer)
{
    struct iso_or_move *move = channel->owner;
    (void)answer;
    move->ahead = ISO_OR_AHEAD_GONE;
    iso_buf_fini(&move->ahead_bytes);
    poke(move);
}

static void ahead_fetched(struct iso_or_ask *channel, const struct iso_or_answer *answer)
{
    struct iso_or_move *move = channel->owner;
    move->ahead_bytes.len = 0;
    bool here = iso_or_answer_good(answer) &&
                iso_buf_append(&move->ahead_bytes, answer->body.ptr, answer->body.len) == ISO_OK;
    move->ahead = here ? ISO_OR_AHEAD_HERE : ISO_OR_AHEAD_GONE;
    poke(move);
}

/* True: what goes ahead is not there yet. */
static bool send_ahead(struct iso_or_move *move)
{
    if (!move->state || move->ahead == ISO_OR_AHEAD_GONE) {
        return false;
    }
    if (move->ahead == ISO_OR_AHEAD_HERE) {
        carry(move, move->to, "remembered", &move->ahead_bytes, ahead_given);
    } else {
        carry(move, move->from, "remembered", NULL, ahead_fetched);
    }
    return true;
}

/* The state has come: 200 of freeze or of GET. */
static bool take_state(struct iso_or_move *move, const struct iso_or_answer *answer)
{
    if (move->state) {
        move->snapshot.len = 0;
        if (iso_buf_append(&move->snapshot, answer->body.ptr, answer->body.len) != ISO_OK) {
            return false;
        }
    }
    move->step = move->state ? ISO_OR_MOVE_FETCHED : ISO_OR_MOVE_HELD;
    return true;
}

static void frozen(struct iso_or_ask *channel, const struct iso_or_answer *answer)
{
    struct iso_or_move *move = channel->owner;
    if (iso_or_answer_good(answer) && (answer->status != 200 || !take_state(move, answer))) {
        move->step = ISO_OR_MOVE_FROZEN; /* to be fetched */
    }
    if (iso_or_answer_good(answer)) {
        achieved(move, channel);
    } else {
        if (refused(answer, 503)) {
            move->frozen_ms = 0; /* it runs on */
        }
        failed(move, move->from, "freeze", answer);
    }
    poke(move);
}

/* Freeze and fetch in one: nothing waits for two answers, and one state less is written. */
static void freeze(struct iso_or_move *move)
{
    char path[160], body[64];
    (void)iso_format(path, sizeof path, "/v1/moves/%s/%s/freeze", move->gen->app->name,
                     move->component);
    size_t len =
        iso_format(body, sizeof body, "{\"epoch\": %" PRIu64 ", \"send\": true}", move->before);
    const struct iso_or_send request = {.device = move->from,
                                        .method = "POST",
                                        .path = path,
                                        .body = iso_bytes_from(body, len),
                                        .answer_max_bytes = ISO_OR_SNAPSHOT_BYTES_MAX,
                                        .timeout_ms = ISO_OR_SNAPSHOT_MS};
    move->touched = true;
    move->frozen_ms = move->frozen_ms != 0 ? move->frozen_ms : now_of(move);
    iso_or_ask_send(&move->ask, &request, frozen);
}

static void fetched(struct iso_or_ask *channel, const struct iso_or_answer *answer)
{
    struct iso_or_move *move = channel->owner;
    if (iso_or_answer_good(answer) && take_state(move, answer)) {
        achieved(move, channel);
    } else {
        if (refused(answer, 409)) {
            move->step = ISO_OR_MOVE_PLANNED; /* nobody fetched it in time: it went on */
            move->frozen_ms = 0;
        }
        failed(move, move->from, "fetch", answer);
    }
    poke(move);
}

static void handed(struct iso_or_ask *channel, const struct iso_or_answer *answer)
{
    struct iso_or_move *move = channel->owner;
    struct iso_or_part *target = iso_or_generation_part(move->gen, move->to);
    if (iso_or_answer_good(answer)) {
        move->step = ISO_OR_MOVE_HELD;
        move->snapshot_bytes = move->snapshot.len;
        iso_buf_fini(&move->snapshot);
        achieved(move, channel);
    } else if (refused(answer, 422) || refused(answer, 507) || refused(answer, 413)) {
        set_reason(move, move->to, "hand over", answer);
        move->trouble = refused(answer, 507) ? ISO_OR_TROUBLE_DEVICE : ISO_OR_TROUBLE_FATAL;
    } else {
        if ((refused(answer, 409) || refused(answer, 404)) && target != NULL) {
            target->prepared = false; /* it waits for nothing: prepare again */
        }
        move->ahead = ISO_OR_AHEAD_NOT; /* or it lost what went ahead */
        failed(move, move->to, "hand over", answer);
    }
    poke(move);
}

void iso_or_move_drive(struct iso_or_move *move)
{
    const struct iso_or_part *target = iso_or_generation_part(move->gen, move->to);
    bool waits = target != NULL && target->prepared;
    if (iso_or_ask_busy(&move->ask) || move->trouble != ISO_OR_TROUBLE_NONE) {
        return;
    }
    switch (move->step) {
    case ISO_OR_MOVE_PLANNED:
        if (!waits || !send_ahead(move)) {
            freeze(move);
        }
        return;
    case ISO_OR_MOVE_FROZEN:
        carry(move, move->from, "snapshot", NULL, fetched);
        return;
    case ISO_OR_MOVE_FETCHED:
        if (waits && !send_ahead(move)) {
            carry(move, move->to, "snapshot", &move->snapshot, handed);
        }
        return;
    case ISO_OR_MOVE_HELD:
    case ISO_OR_MOVE_OWNED:
    case ISO_OR_MOVE_ABORTED:
        return;
    }
}

static void aborted(struct iso_or_ask *channel, const struct iso_or_answer *answer)
{
    struct iso_or_move *move = channel->owner;
    if (iso_or_answer_good(answer) || refused(answer, 404) || refused(answer, 409)) {
        move->step = ISO_OR_MOVE_ABORTED;
    } else {
        set_reason(move, move->from, "abort", answer);
        iso_or_ask_pause(channel, resume);
    }
    poke(move);
}

void iso_or_move_abort(struct iso_or_move *move)
{
    char body[48];
    if (!move->touched || iso_or_device_gone(move->gen->app->deployer, move->from)) {
        move->step = ISO_OR_MOVE_ABORTED; /* a lost device is looked at when it comes back */
    }
    if (move->step != ISO_OR_MOVE_ABORTED && !iso_or_ask_busy(&move->ask)) {
        ask(move, &move->ask, move->from, "abort", epoch_body(body, move->before), aborted);
    }
}

/* ---- After the decision ------------------------------------------------------------------------
 */

static void again(struct iso_or_move *move, struct iso_or_ask *channel)
{
    move->gen->hurry = true;
    iso_or_ask_pause(channel, resume);
}

static void runs(struct iso_or_move *move)
{
    char text[64] = "";
    move->step = ISO_OR_MOVE_OWNED;
    if (move->frozen_ms != 0 && move->downtime_ms == UINT64_MAX) {
        move->downtime_ms = now_of(move) - move->frozen_ms;
        (void)iso_format(text, sizeof text, "down for %" PRIu64 " ms", move->downtime_ms);
    }
    iso_or_app_event(move->gen->app, "moved", move->component, move->to, text);
}

static const json_t *component_of(const json_t *status, const char *name)
{
    return json_object_get(json_object_get(status, "components"), name);
}

static json_t *read_status(const struct iso_or_answer *answer)
{
    json_t *status = iso_or_answer_good(answer)
                         ? json_loadb((const char *)answer->body.ptr, answer->body.len, 0, NULL)
                         : NULL;
    return json_is_object(status) ? status : NULL;
}

static void target_told(struct iso_or_ask *channel, const struct iso_or_answer *answer)
{
    struct iso_or_move *move = channel->owner;
    struct iso_or_part *part = iso_or_generation_part(move->gen, move->to);
    json_t *status = read_status(answer);
    const json_t *component = component_of(status, move->component);
    uint64_t epoch = (uint64_t)json_integer_value(json_object_get(component, "epoch"));
    if (epoch == move->after && json_object_get(component, "move") == NULL) {
        runs(move);
    } else {
        if ((status != NULL || refused(answer, 404)) && part != NULL) {
            iso_or_part_doubt(part); /* prepare and commit first; that finds what is missing */
        }
        again(move, channel);
    }
    json_decref(status);
    poke(move);
}

static void owned(struct iso_or_ask *channel, const struct iso_or_answer *answer)
{
    struct iso_or_move *move = channel->owner;
    if (iso_or_answer_good(answer)) {
        runs(move);
        achieved(move, channel);
    } else if (refused(answer, 409) || refused(answer, 404)) {
        char path[128];
        set_reason(move, move->to, "own", answer);
        (void)iso_format(path, sizeof path, "/v1/deployments/%s", move->gen->app->name);
        const struct iso_or_send request = {
            .device = move->to, .method = "GET", .path = path, .timeout_ms = ISO_OR_QUESTION_MS};
        iso_or_ask_send(channel, &request, target_told);
    } else {
        set_reason(move, move->to, "own", answer);
        again(move, channel);
    }
    poke(move);
}

/* What the source has of it, when release was refused. */
static void source_told(struct iso_or_ask *channel, const struct iso_or_answer *answer)
{
    struct iso_or_move *move = channel->owner;
    json_t *status = read_status(answer);
    const json_t *component = component_of(status, move->component);
    const char *state = json_string_value(json_object_get(component, "move"));
    bool frozen_there =
        state != NULL && (strcmp(state, "frozen") == 0 || strcmp(state, "sent") == 0);
    if (refused(answer, 404) || (status != NULL && !frozen_there)) {
        move->released = true; /* gone, released, or stopped by the commit that follows */
    } else if (frozen_there && strcmp(state, "frozen") == 0) {
        char path[160];
        (void)iso_format(path, sizeof path, "/v1/moves/%s/%s/snapshot", move->gen->app->name,
                         move->component);
        const struct iso_or_send request = {.device = move->from,
                                            .method = "GET",
                                            .path = path,
                                            .answer_max_bytes = ISO_OR_SNAPSHOT_BYTES_MAX,
                                            .timeout_ms = ISO_OR_SNAPSHOT_MS};
        iso_or_ask_send(channel, &request, source_told);
    } else {
        again(move, channel);
    }
    json_decref(status);
    poke(move);
}

static void released(struct iso_or_ask *channel, const struct iso_or_answer *answer)
{
    struct iso_or_move *move = channel->owner;
    struct iso_or_part *part = iso_or_generation_part(move->gen, move->from);
    if (iso_or_answer_good(answer)) {
        move->released = true;
    } else if (refused(answer, 400) && part != NULL) {
        iso_or_part_doubt(part); /* what was prepared has gone, and the peer with it */
        again(move, channel);
    } else if (refused(answer, 409) || refused(answer, 404)) {
        char path[128];
        (void)iso_format(path, sizeof path, "/v1/deployments/%s", move->gen->app->name);
        const struct iso_or_send request = {
            .device = move->from, .method = "GET", .path = path, .timeout_ms = ISO_OR_QUESTION_MS};
        move->gen->hurry = true;
        iso_or_ask_send(channel, &request, source_told);
    } else {
        set_reason(move, move->from, "release", answer);
        again(move, channel);
    }
    poke(move);
}

static void release(struct iso_or_move *move)
{
    struct iso_or_part *part = iso_or_generation_part(move->gen, move->from);
    const char *peer =
        iso_or_document_peer(json_object_get(move->gen->documents, move->from), move->to);
    if (part == NULL || peer == NULL ||
        iso_or_device_of(move->gen->app->deployer, move->from) == NULL) {
        move->released = true; /* forgotten by people: nobody will ever ask it again */
        return;
    }
    if (part->prepared || part->done) {
        char body[96];
        size_t len = iso_format(body, sizeof body, "{\"epoch\": %" PRIu64 ", \"to\": \"%s\"}",
                                move->after, peer);
        ask(move, &move->release, move->from, "release", iso_str_from(body, len), released);
    }
}

void iso_or_move_finish(struct iso_or_move *move)
{
    char body[48];
    struct iso_or_part *target = iso_or_generation_part(move->gen, move->to);
    bool there = target == NULL || target->done;
    if (move->step == ISO_OR_MOVE_HELD && there && !iso_or_ask_busy(&move->ask)) {
        if (move->state) {
            ask(move, &move->ask, move->to, "own", epoch_body(body, move->after), owned);
        } else {
            runs(move);
        }
    }
    if (!move->released && !iso_or_ask_busy(&move->release) &&
        (move->step == ISO_OR_MOVE_OWNED || move->gen->hurry)) {
        release(move);
    }
}

bool iso_or_moves_allow(const struct iso_or_generation *gen, const struct iso_or_part *part)
{
    bool target = false, pending = false;
    for (size_t i = 0; i < gen->move_count; i++) {
        const struct iso_or_move *move = &gen->moves[i];
        if (strcmp(move->from, part->device) == 0 && !move->released) {
            return false;
        }
        target = target || strcmp(move->to, part->device) == 0;
        pending = pending || move->step != ISO_OR_MOVE_OWNED;
    }
    return target || !pending || gen->hurry;
}
