/*
 * The switch from one generation to the next: docs/internals/orchestrator.md, "The life of a
 * generation". Each function looks at what is there and starts what can be started; a state is
 * entered when the store has it.
 */
#include "orchestrator/deployer_state.h"

#include <inttypes.h>

/* How many services are frozen at a time: each one's state is in memory for a moment. */
enum { MOVES_AT_A_TIME = 2 };

static struct iso_or_store *store_of(const struct iso_or_app *app)
{
    return app->deployer->config.store;
}

static uint64_t now_of(const struct iso_or_app *app)
{
    return iso_or_now(app->deployer);
}

/* ---- Endings -----------------------------------------------------------------------------------
 */

static void undo(struct iso_or_generation *gen)
{
    gen->undo = true;
    gen->undo_ms = now_of(gen->app);
    iso_or_resolve_stop(gen);
    for (size_t i = 0; i < gen->part_count; i++) {
        struct iso_or_part *part = &gen->parts[i];
        iso_or_ask_stop(&part->ask);
        if (part->goal != ISO_OR_GOAL_DELETE) {
            iso_or_part_aim(part, ISO_OR_GOAL_ABORT);
            part->done = !part->touched;
        }
    }
    for (size_t i = 0; i < gen->move_count; i++) {
        iso_or_ask_stop(&gen->moves[i].ask);
        gen->moves[i].ask.failures = 0;
    }
}

void iso_or_change_give_up(struct iso_or_app *app)
{
    struct iso_or_generation *gen = app->change;
    app->change = NULL;
    undo(gen);
    gen->next = app->undoing;
    app->undoing = gen;
    app->again = true;
}

/* Records an ending. False: the store cannot be written; later. */
static bool end_with(struct iso_or_app *app, enum iso_or_generation_state state, const char *why)
{
    struct iso_or_generation *gen = app->change;
    enum iso_or_generation_state before = gen->state;
    gen->state = state;
    (void)iso_format(gen->error, sizeof gen->error, "%s", why);
    app->told = false;
    const enum iso_err err = gen->refused != NULL && gen->placement == NULL
                                 ? iso_or_generation_save(gen, NULL)
                                 : iso_or_generation_save_step(gen, NULL);
    if (err != ISO_OK) {
        gen->state = before;
        iso_or_app_wake(app, now_of(app) + ISO_OR_STORE_RETRY_MS);
        return false;
    }
    return true;
}

/* Changes that nobody asked for are made again until they can be. */
static bool own_cause(const struct iso_or_generation *gen)
{
    return strcmp(gen->cause, "loss") == 0 || strcmp(gen->cause, "repair") == 0 ||
           strcmp(gen->cause, "drain") == 0;
}

static void fail(struct iso_or_app *app, const char *why)
{
    struct iso_or_generation *gen = app->change;
    char text[sizeof app->failed];
    bool same = strcmp(gen->earlier, why) == 0;
    (void)iso_format(text, sizeof text, "%s%s%s", why,
                     gen->earlier[0] != '\0' && !same ? "; before that: " : "",
                     same ? "" : gen->earlier);
    if (!end_with(app, ISO_OR_FAILED, text)) {
        return;
    }
    memcpy(app->failed, text, sizeof text);
    app->failed_number = gen->number;
    if (own_cause(gen)) {
        uint64_t delay = (uint64_t)ISO_OR_REPAIR_MIN_MS << (app->repairs < 6 ? app->repairs : 6);
        app->repairs++;
        app->repair_ms =
            now_of(app) + (delay < ISO_OR_REPAIR_MAX_MS ? delay : ISO_OR_REPAIR_MAX_MS);
        iso_or_app_wake(app, app->repair_ms);
    }
    iso_or_change_give_up(app);
    iso_or_app_event(app, "failed", NULL, NULL, text);
}

/* The same again with a later number: a device gave trouble, or knows later numbers. */
static void start_over(struct iso_or_app *app, const char *why, unsigned most)
{
    struct iso_or_generation *gen = app->change;
    char text[ISO_OR_REASON_SIZE];
    (void)iso_format(text, sizeof text, "%s", why);
    if (gen->attempt >= most) {
        fail(app, text);
        return;
    }
    struct iso_or_generation *next = iso_or_generation_again(app, gen, gen->cause, gen->detail);
    uint64_t number = 0;
    if (next == NULL) {
        iso_or_app_wake(app, now_of(app) + ISO_OR_STORE_RETRY_MS);
        return;
    }
    next->attempt = gen->attempt + 1;
    memcpy(next->earlier, text, sizeof next->earlier);
    (void)iso_format(gen->error, sizeof gen->error, "%s", text);
    if (iso_or_accept(app, next, &number, NULL) != ISO_OK) {
        iso_or_app_wake(app, now_of(app) + ISO_OR_STORE_RETRY_MS);
    }
    app->again = true;
}

/* ---- Undoing -----------------------------------------------------------------------------------
 */

/* True: nothing of it is left anywhere that can be asked. */
static bool undo_drive(struct iso_or_generation *gen)
{
    bool over = true;
    for (size_t i = 0; i < gen->part_count; i++) {
        struct iso_or_part *part = &gen->parts[i];
        if (part->goal != ISO_OR_GOAL_ABORT) {
            continue; /* left devices are left only by what is decided */
        }
        if (!part->done && iso_or_device_gone(gen->app->deployer, part->device)) {
            iso_or_ask_stop(&part->ask);
            part->done = true; /* compared when it comes back */
        }
        iso_or_part_drive(part);
        over = over && part->done;
    }
    for (size_t i = 0; i < gen->move_count; i++) {
        iso_or_move_abort(&gen->moves[i]);
        over = over && gen->moves[i].step == ISO_OR_MOVE_ABORTED;
    }
    return over;
}

void iso_or_undo_step(struct iso_or_app *app)
{
    struct iso_or_generation **at = &app->undoing;
    while (*at != NULL) {
        struct iso_or_generation *gen = *at;
        if (undo_drive(gen)) {
            *at = gen->next;
            iso_or_generation_destroy(gen);
            app->again = true;
        } else {
            at = &gen->next;
        }
    }
}

/* Whether something that was given up may still be in the way of the next change. */
static bool undo_pending(struct iso_or_app *app)
{
    bool pending = false;
    for (const struct iso_or_generation *gen = app->undoing; gen != NULL; gen = gen->next) {
        if (now_of(app) - gen->undo_ms < ISO_OR_COMMIT_MS) {
            iso_or_app_wake(app, gen->undo_ms + ISO_OR_COMMIT_MS);
            pending = true;
        }
    }
    return pending;
}

/* ---- Before the decision -----------------------------------------------------------------------
 */

static bool is_up(const struct iso_or_app *app, const char *device)
{
    const struct iso_or_device *found = iso_or_device_of(app->deployer, device);
    return found != NULL && found->state == ISO_OR_UP;
}

/* The present generation is far enough that the next one can be made: what moved has arrived, and
 * who can confirm has, or had time to. */
static bool settled(struct iso_or_app *app)
{
    struct iso_or_generation *gen = app->current;
    uint64_t patience = gen != NULL ? gen->decided_ms + ISO_OR_COMMIT_MS : 0;
    for (size_t i = 0; gen != NULL && i < gen->move_count; i++) {
        const struct iso_or_move *move = &gen->moves[i];
        bool lost = json_object_get(app->lost_state, move->component) != NULL;
        if ((move->step != ISO_OR_MOVE_OWNED && !lost && is_up(app, move->to)) ||
            (!move->released && is_up(app, move->from))) {
            return false;
        }
    }
    for (size_t i = 0; gen != NULL && i < gen->part_count; i++) {
        const struct iso_or_part *part = &gen->parts[i];
        if (part->goal != ISO_OR_GOAL_DELETE && !part->done && is_up(app, part->device) &&
            part->trouble == ISO_OR_TROUBLE_NONE && now_of(app) < patience) {
            iso_or_app_wake(app, patience);
            return false;
        }
    }
    return true;
}

static bool enter(struct iso_or_app *app, enum iso_or_generation_state state)
{
    struct iso_or_generation *gen = app->change;
    enum iso_or_generation_state before = gen->state;
    gen->state = state;
    app->told = false;
    if (iso_or_generation_save_step(gen, NULL) != ISO_OK) {
        gen->state = before;
        iso_or_app_wake(app, now_of(app) + ISO_OR_STORE_RETRY_MS);
        return false;
    }
    app->again = true;
    return true;
}

/* It cannot be done now. People are told; what nobody asked for waits for better times. */
static void not_now(struct iso_or_app *app, const char *why)
{
    struct iso_or_generation *gen = app->change;
    if (!own_cause(gen) || strcmp(gen->cause, "drain") == 0) {
        fail(app, why);
        return;
    }
    char text[sizeof gen->error];
    (void)iso_format(text, sizeof text, "%s", why);
    memcpy(gen->error, text, sizeof text);
    iso_or_resolve_stop(gen);
    gen->state = ISO_OR_ACCEPTED;
    uint64_t delay = (uint64_t)ISO_OR_REPAIR_MIN_MS << (app->repairs < 6 ? app->repairs : 6);
    app->repairs++;
    gen->again_ms = now_of(app) + (delay < ISO_OR_REPAIR_MAX_MS ? delay : ISO_OR_REPAIR_MAX_MS);
    iso_or_app_wake(app, gen->again_ms);
    if (strcmp(app->degraded, "") == 0) {
        iso_or_app_event(app, "degraded", NULL, NULL, gen->error);
    }
    (void)iso_format(app->degraded, sizeof app->degraded, "%s", gen->error);
}

static void check_resolved(struct iso_or_app *app)
{
    struct iso_or_generation *gen = app->change;
    struct {
        struct iso_report report;
        struct iso_or_mistakes mistakes;
    } said;
    iso_report_init(&said.report);
    iso_or_mistakes_init(&said.mistakes, app->deployer->config.alloc);
    enum iso_err err = iso_or_resolve_check(gen, &said.mistakes, &said.report);
    if (err == ISO_OK) {
        (void)enter(app, ISO_OR_PLANNING);
    } else if (said.mistakes.errors != 0) {
        const struct iso_or_mistake *first = &said.mistakes.items[0];
        for (size_t i = 0; i < said.mistakes.count && first->warning; i++) {
            first = &said.mistakes.items[i];
        }
        char text[ISO_OR_REASON_SIZE];
        (void)iso_format(text, sizeof text, "line %u, column %u: %.*s", first->line, first->column,
                         (int)first->text.len, first->text.ptr);
        fail(app, text);
    } else {
        not_now(app, iso_report_text(&said.report, err));
    }
    iso_or_mistakes_fini(&said.mistakes);
}

static bool any_known(void *arg, const struct iso_or_device *device)
{
    bool *found = arg;
    *found = *found || device->state == ISO_OR_KNOWN;
    return !*found;
}

/* After a start, devices are there before they have answered. */
static bool fleet_settled(struct iso_or_app *app)
{
    const struct iso_or_deployer *deployer = app->deployer;
    bool waiting = false;
    if (now_of(app) - deployer->started_ms >= ISO_OR_SETTLE_MS) {
        return true;
    }
    deployer->config.fleet.each(deployer->config.fleet.ctx, any_known, &waiting);
    if (waiting) {
        iso_or_app_wake(app, deployer->started_ms + ISO_OR_SETTLE_MS);
    }
    return !waiting;
}

/* A component was seen elsewhere under a later epoch: whether it has left its place, that tells. */
static bool places_asked(const struct iso_or_app *app)
{
    const char *name;
    json_t *seen;
    json_object_foreach(app->sightings, name, seen)
    {
        if (!iso_or_place_asked(app, name)) {
            return false; /* whoever is asked pokes */
        }
    }
    return true;
}

/* Placement, epochs, keys and documents are recorded together, before any device sees them. */
static void make_plan(struct iso_or_app *app)
{
    struct iso_or_generation *gen = app->change;
    struct iso_report report;
    json_t *progress = NULL;
    iso_report_init(&report);
    enum iso_err err = iso_or_store_begin(store_of(app), &report);
    if (err == ISO_OK) {
        err = iso_or_plan_generation(gen, &progress, &report);
        if (err == ISO_OK && !iso_or_generation_arm(gen, progress)) {
            err = ISO_E_NOMEM;
        }
        gen->state = ISO_OR_PREPARING;
        err = err == ISO_OK ? iso_or_generation_save(gen, &report) : err;
        if (err == ISO_OK) {
            err = iso_or_store_commit(store_of(app), &report);
        } else {
            iso_or_store_rollback(store_of(app));
        }
    }
    json_decref(progress);
    if (err != ISO_OK) {
        gen->state = ISO_OR_PLANNING;
        json_decref(gen->placement);
        json_decref(gen->documents);
        gen->placement = NULL;
        gen->documents = NULL;
        (void)iso_or_generation_arm(gen, NULL);
    }
    if (err == ISO_OK) {
        iso_or_resolve_stop(gen); /* not before it is recorded: the next attempt needs them */
        app->told = false;
        app->again = true;
    } else if (err == ISO_E_IO || err == ISO_E_NOMEM) {
        iso_or_app_wake(app, now_of(app) + ISO_OR_STORE_RETRY_MS);
    } else {
        not_now(app, iso_report_text(&report, err));
    }
}

/* What devices have answered that ends the change. True: it has ended. */
static bool troubled(struct iso_or_app *app)
{
    struct iso_or_generation *gen = app->change;
    enum iso_or_trouble worst = ISO_OR_TROUBLE_NONE;
    const char *reason = "", *device = NULL;
    for (size_t i = 0; i < gen->part_count; i++) {
        const struct iso_or_part *part = &gen->parts[i];
        if (part->trouble > worst) {
            worst = part->trouble;
            reason = part->reason;
            device = part->device;
        }
    }
    for (size_t i = 0; i < gen->move_count; i++) {
        const struct iso_or_move *move = &gen->moves[i];
        if (move->trouble > worst) {
            worst = move->trouble;
            reason = move->reason;
            device = move->step >= ISO_OR_MOVE_FETCHED ? move->to : NULL;
        }
    }
    if (worst == ISO_OR_TROUBLE_DEVICE && device != NULL) {
        (void)json_object_set_new(app->avoid, device,
                                  json_integer((json_int_t)(now_of(app) + ISO_OR_AVOID_MS)));
    }
    if (worst == ISO_OR_TROUBLE_FATAL) {
        fail(app, reason);
    } else if (worst != ISO_OR_TROUBLE_NONE) {
        start_over(app, reason,
                   worst == ISO_OR_TROUBLE_NUMBER ? ISO_OR_NUMBERS_MAX : ISO_OR_AGAIN_MAX);
    }
    return worst != ISO_OR_TROUBLE_NONE;
}

/* A device that was there when it was planned has been lost meanwhile. True: the change has ended.
 */
static bool device_lost(struct iso_or_app *app)
{
    struct iso_or_generation *gen = app->change;
    for (size_t i = 0; i < gen->part_count; i++) {
        const struct iso_or_part *part = &gen->parts[i];
        if (part->goal == ISO_OR_GOAL_PREPARE && !part->absent &&
            iso_or_device_gone(app->deployer, part->device)) {
            char text[ISO_OR_REASON_SIZE];
            (void)iso_format(text, sizeof text, "the device %s was lost before all were ready",
                             iso_or_device_called(app->deployer, part->device));
            start_over(app, text, ISO_OR_AGAIN_MAX);
            return true;
        }
    }
    return false;
}

/* Whether all devices that this one opens sessions to have been prepared, and let it in: a first
 * attempt that is refused costs a prepare two seconds. */
static bool let_in(struct iso_or_generation *gen, const struct iso_or_part *part)
{
    const char *name;
    json_t *peer;
    json_object_foreach(json_object_get(json_object_get(gen->documents, part->device), "peers"),
                        name, peer)
    {
        const char *id = json_string_value(json_object_get(peer, "device"));
        const struct iso_or_part *other = id != NULL ? iso_or_generation_part(gen, id) : NULL;
        if (json_object_get(peer, "connect") != NULL && other != NULL && !other->absent &&
            !other->prepared) {
            return false;
        }
    }
    return true;
}

/* Who opens sessions is prepared after those to whom. Where that goes in a circle, all at once. */
static void order_prepares(struct iso_or_generation *gen)
{
    bool any = false;
    for (size_t i = 0; i < gen->part_count; i++) {
        struct iso_or_part *part = &gen->parts[i];
        if (part->goal == ISO_OR_GOAL_PREPARE && !part->prepared && !part->go) {
            part->go = let_in(gen, part);
            part->progress_ms = now_of(gen->app); /* so far it has waited for others */
        }
        any = any || (part->goal == ISO_OR_GOAL_PREPARE && !part->prepared && part->go);
    }
    for (size_t i = 0; i < gen->part_count && !any; i++) {
        gen->parts[i].go = true;
    }
}

static bool prepare_all(struct iso_or_app *app)
{
    struct iso_or_generation *gen = app->change;
    bool ready = true;
    for (size_t i = 0; i < gen->part_count; i++) {
        struct iso_or_part *part = &gen->parts[i];
        if (part->goal == ISO_OR_GOAL_NONE && !part->absent) {
            iso_or_part_aim(part, ISO_OR_GOAL_PREPARE);
        }
    }
    order_prepares(gen);
    for (size_t i = 0; i < gen->part_count; i++) {
        struct iso_or_part *part = &gen->parts[i];
        if (part->goal != ISO_OR_GOAL_PREPARE) {
            continue;
        }
        if (part->prepared && now_of(app) - part->prepared_ms >= ISO_OR_RENEW_MS) {
            part->prepared = false;
        } else if (part->prepared) {
            iso_or_app_wake(app, part->prepared_ms + ISO_OR_RENEW_MS);
        }
        iso_or_part_drive(part);
        ready = ready && part->prepared;
    }
    return ready;
}

static bool move_all(struct iso_or_app *app)
{
    struct iso_or_generation *gen = app->change;
    bool ready = true;
    size_t under_way = 0;
    for (size_t i = 0; i < gen->move_count; i++) {
        struct iso_or_move *move = &gen->moves[i];
        if (move->step == ISO_OR_MOVE_HELD) {
            continue;
        }
        ready = false;
        if (under_way++ < MOVES_AT_A_TIME) {
            move->progress_ms = move->touched ? move->progress_ms : now_of(app);
            iso_or_move_drive(move);
        }
    }
    return ready;
}

/* The decision: from here there is only forward. One transaction, one fsync. */
static void decide(struct iso_or_app *app)
{
    struct iso_or_generation *gen = app->change, *before = app->current;
    enum iso_or_generation_state old = gen->state;
    enum iso_or_generation_state old_before = before != NULL ? before->state : ISO_OR_REPLACED;
    enum iso_err err = iso_or_store_begin(store_of(app), NULL);
    gen->state = ISO_OR_COMMITTING;
    if (err == ISO_OK && before != NULL) {
        before->state = old_before == ISO_OR_COMMITTED ? ISO_OR_REPLACED : ISO_OR_SUPERSEDED;
        err = iso_or_generation_save_step(before, NULL);
    }
    if (err == ISO_OK) {
        err = iso_or_generation_save_step(gen, NULL);
    }
    if (err == ISO_OK) {
        err = iso_or_store_commit(store_of(app), NULL);
    } else {
        iso_or_store_rollback(store_of(app));
    }
    if (err != ISO_OK) {
        gen->state = old;
        if (before != NULL) {
            before->state = old_before;
        }
        iso_or_app_wake(app, now_of(app) + ISO_OR_STORE_RETRY_MS);
        return;
    }
    gen->decided_ms = now_of(app);
    app->current = gen;
    app->change = NULL;
    iso_or_generation_destroy(before);
    app->failed[0] = '\0';
    app->repairs = 0;
    json_object_clear(app->lost_state);
    json_object_clear(app->missing);
    app->told = false;
    app->again = true;
}

static void removing(struct iso_or_app *app)
{
    json_t *progress = NULL;
    struct iso_or_generation *gen = app->change;
    enum iso_err err = iso_or_plan_removal(gen, &progress);
    if (err == ISO_OK && iso_or_generation_arm(gen, progress)) {
        decide(app);
    } else {
        iso_or_app_wake(app, now_of(app) + ISO_OR_STORE_RETRY_MS);
    }
    json_decref(progress);
}

static void begin(struct iso_or_app *app)
{
    struct iso_or_generation *gen = app->change;
    if (now_of(app) < gen->again_ms) {
        iso_or_app_wake(app, gen->again_ms);
    } else if (undo_pending(app) || !settled(app)) {
        return;
    } else if (gen->text.len == 0) {
        removing(app);
    } else if (enter(app, ISO_OR_RESOLVING)) {
        iso_or_resolve_start(gen);
    }
}

static void resolving(struct iso_or_app *app)
{
    struct iso_or_generation *gen = app->change;
    if (!iso_or_resolve_finished(gen)) {
        return;
    }
    if (gen->resolve_err != ISO_OK) {
        not_now(app, gen->resolve_error);
    } else {
        check_resolved(app);
    }
}

/* After a restart in the middle of moves: they are taken back, and all is prepared again. */
static void rerun(struct iso_or_app *app)
{
    struct iso_or_generation *gen = app->change;
    if (!undo_drive(gen)) {
        if (now_of(app) - gen->undo_ms > ISO_OR_STALLED_MS) {
            gen->undo = false;
            start_over(app, "moves that were under way could not be taken back", ISO_OR_AGAIN_MAX);
        } else {
            iso_or_app_wake(app, gen->undo_ms + ISO_OR_STALLED_MS + 1);
        }
        return;
    }
    gen->undo = false;
    for (size_t i = 0; i < gen->part_count; i++) {
        struct iso_or_part *part = &gen->parts[i];
        if (part->goal == ISO_OR_GOAL_ABORT) {
            part->prepared = false;
            iso_or_part_aim(part, part->absent ? ISO_OR_GOAL_NONE : ISO_OR_GOAL_PREPARE);
        }
    }
    for (size_t i = 0; i < gen->move_count; i++) {
        struct iso_or_move *move = &gen->moves[i];
        move->step = move->late ? ISO_OR_MOVE_HELD : ISO_OR_MOVE_PLANNED;
        move->touched = false;
    }
    (void)enter(app, ISO_OR_PREPARING);
}

void iso_or_change_step(struct iso_or_app *app)
{
    struct iso_or_generation *gen = app->change;
    if (gen == NULL) {
        return;
    }
    switch (gen->state) {
    case ISO_OR_ACCEPTED:
        begin(app);
        return;
    case ISO_OR_RESOLVING:
        resolving(app);
        return;
    case ISO_OR_PLANNING:
        if (!fleet_settled(app) || !places_asked(app)) {
            return;
        }
        if (!own_cause(gen)) { /* what was lost is not kept waiting */
            iso_or_figures_ask(gen);
        }
        if (iso_or_figures_there(gen)) {
            make_plan(app);
        }
        return;
    case ISO_OR_PREPARING:
        if (!fleet_settled(app) || device_lost(app) || troubled(app) || !prepare_all(app)) {
            return;
        }
        if (gen->move_count != 0) {
            (void)enter(app, ISO_OR_MOVING);
        } else {
            decide(app);
        }
        return;
    case ISO_OR_MOVING:
        if (gen->undo) {
            rerun(app);
        } else if (!device_lost(app) && !troubled(app)) {
            bool prepared = prepare_all(app);
            if (move_all(app) && prepared) {
                decide(app);
            }
        }
        return;
    default:
        return;
    }
}

/* ---- After the decision ------------------------------------------------------------------------
 */

static bool asking(const struct iso_or_generation *gen)
{
    for (size_t i = 0; i < gen->part_count; i++) {
        if (gen->parts[i].goal == ISO_OR_GOAL_COMMIT && iso_or_ask_busy(&gen->parts[i].ask)) {
            return true;
        }
    }
    for (size_t i = 0; i < gen->move_count; i++) {
        if (iso_or_ask_busy(&gen->moves[i].ask) || iso_or_ask_busy(&gen->moves[i].release)) {
            return true;
        }
    }
    return false;
}

static uint64_t drain_ms(const struct iso_or_generation *gen)
{
    bool said = gen->manifest != NULL && gen->manifest->drain_ns != UINT64_MAX;
    return said ? gen->manifest->drain_ns / 1000000 : 10000;
}

static void drive_current(struct iso_or_app *app)
{
    struct iso_or_generation *gen = app->current;
    for (size_t i = 0; i < gen->move_count; i++) {
        iso_or_move_finish(&gen->moves[i]);
    }
    bool confirmed = iso_or_generation_confirmed(gen);
    for (size_t i = 0; i < gen->part_count; i++) {
        struct iso_or_part *part = &gen->parts[i];
        if (part->goal != ISO_OR_GOAL_DELETE && part->goal != ISO_OR_GOAL_COMMIT) {
            bool prepared = part->prepared, done = part->done;
            iso_or_part_aim(part, ISO_OR_GOAL_COMMIT);
            part->prepared = prepared;
            part->done = done;
        }
        if (!part->done && iso_or_device_of(app->deployer, part->device) == NULL) {
            iso_or_ask_stop(&part->ask);
            part->done = true; /* forgotten by people */
            app->again = true;
        }
        if (part->goal == ISO_OR_GOAL_DELETE && gen->text.len != 0 && !part->done) {
            uint64_t at = gen->decided_ms + (part->wait ? drain_ms(gen) : 0);
            if (confirmed && now_of(app) < at) {
                iso_or_app_wake(app, at);
            }
            /* What the change prepares there would be in its way. */
            bool back = iso_or_generation_part(app->change, part->device) != NULL;
            if (!confirmed || back || now_of(app) < at) {
                continue; /* who confirms last pokes, and so does the end of the change */
            }
        }
        iso_or_part_drive(part);
    }
}

/* Every device has confirmed, and the store has it, before anybody is told. */
static void finish(struct iso_or_app *app)
{
    struct iso_or_generation *gen = app->current;
    gen->state = ISO_OR_COMMITTED;
    if (iso_or_generation_save_step(gen, NULL) != ISO_OK) {
        gen->state = ISO_OR_COMMITTING;
        iso_or_app_wake(app, now_of(app) + ISO_OR_STORE_RETRY_MS);
        return;
    }
    enum iso_err err =
        iso_or_store_generations_trim(store_of(app), iso_str_from_z(app->name), NULL);
    if (err == ISO_OK && app->change == NULL) {
        err = iso_or_plan_drop_pairs(gen);
    }
    (void)err; /* what was not forgotten now is forgotten next time */
    app->told = false;
    app->again = true;
    iso_or_app_event(app, gen->text.len != 0 ? "deployed" : "removed", NULL, NULL, gen->detail);
}

void iso_or_current_step(struct iso_or_app *app)
{
    struct iso_or_generation *gen = app->current;
    if (gen == NULL) {
        return;
    }
    drive_current(app);
    if (!iso_or_generation_confirmed(gen)) {
        if (!gen->hurry && gen->move_count != 0 && !asking(gen)) {
            gen->hurry = true; /* services that change places wait for each other */
            app->again = true;
        }
        return;
    }
    if (gen->state == ISO_OR_COMMITTING) {
        finish(app);
    }
    iso_or_strangers_look(app);
}
