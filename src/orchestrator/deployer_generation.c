/* Generations: from and to rows of the store; what of one is done. */
#include "orchestrator/deployer_state.h"

#include <stdlib.h>

static const struct iso_alloc *alloc_of(const struct iso_or_app *app)
{
    return app->deployer->config.alloc;
}

/* ---- Making and releasing ----------------------------------------------------------------------
 */

static void poke_app(struct iso_or_generation *gen)
{
    gen->app->told = false;
    iso_or_app_poke(gen->app);
}

struct iso_or_generation *iso_or_generation_create(struct iso_or_app *app)
{
    struct iso_or_generation *gen = iso_alloc_new(alloc_of(app), sizeof *gen);
    if (gen == NULL) {
        return NULL;
    }
    const struct iso_or_clock *clock = &app->deployer->config.clock;
    gen->app = app;
    gen->poke = poke_app;
    gen->created_ms = clock->wall_ms(clock->ctx);
    gen->changed_ms = gen->created_ms;
    gen->files = json_object();
    gen->resolved = json_object();
    gen->pins = json_object();
    gen->paths = json_object();
    if (gen->files == NULL || gen->resolved == NULL || gen->pins == NULL || gen->paths == NULL) {
        iso_or_generation_destroy(gen);
        return NULL;
    }
    return gen;
}

static void drop_arms(struct iso_or_generation *gen)
{
    const struct iso_alloc *alloc = alloc_of(gen->app);
    for (size_t i = 0; i < gen->part_count; i++) {
        iso_or_ask_stop(&gen->parts[i].ask);
    }
    for (size_t i = 0; i < gen->move_count; i++) {
        iso_or_ask_stop(&gen->moves[i].ask);
        iso_or_ask_stop(&gen->moves[i].release);
        iso_buf_fini(&gen->moves[i].snapshot);
        iso_buf_fini(&gen->moves[i].ahead_bytes);
    }
    iso_alloc_free(alloc, gen->parts, gen->part_count * sizeof *gen->parts);
    iso_alloc_free(alloc, gen->moves, gen->move_count * sizeof *gen->moves);
    gen->parts = NULL;
    gen->moves = NULL;
    gen->part_count = 0;
    gen->move_count = 0;
}

void iso_or_generation_destroy(struct iso_or_generation *gen)
{
    if (gen == NULL) {
        return;
    }
    const struct iso_alloc *alloc = alloc_of(gen->app);
    iso_or_resolve_stop(gen);
    iso_or_figures_stop(gen);
    drop_arms(gen);
    iso_or_manifest_destroy(gen->manifest);
    iso_alloc_free(alloc, (void *)(uintptr_t)gen->text.ptr, gen->text.len);
    json_decref(gen->files);
    json_decref(gen->resolved);
    json_decref(gen->pins);
    json_decref(gen->placement);
    json_decref(gen->documents);
    json_decref(gen->refused);
    json_decref(gen->paths);
    iso_alloc_free(alloc, gen, sizeof *gen);
}

bool iso_or_generation_set_text(struct iso_or_generation *gen, struct iso_str text)
{
    if (text.len == 0) {
        return true;
    }
    char *copy = iso_alloc_resize(alloc_of(gen->app), NULL, 0, text.len);
    if (copy == NULL) {
        return false;
    }
    memcpy(copy, text.ptr, text.len);
    gen->text = iso_str_from(copy, text.len);
    struct iso_or_mistakes mistakes;
    iso_or_mistakes_init(&mistakes, alloc_of(gen->app));
    struct iso_or_manifest *manifest = NULL;
    enum iso_err err = iso_or_manifest_parse(alloc_of(gen->app), text, &manifest, &mistakes);
    if (err == ISO_OK) {
        gen->manifest = manifest;
    } else {
        iso_or_manifest_destroy(manifest);
    }
    iso_or_mistakes_fini(&mistakes);
    return err == ISO_OK;
}

struct iso_or_generation *iso_or_generation_again(struct iso_or_app *app,
                                                  const struct iso_or_generation *of,
                                                  const char *cause, const char *detail)
{
    struct iso_or_generation *gen = iso_or_generation_create(app);
    if (gen == NULL) {
        return NULL;
    }
    (void)iso_format(gen->cause, sizeof gen->cause, "%s", cause);
    (void)iso_format(gen->detail, sizeof gen->detail, "%s", detail);
    json_decref(gen->files);
    json_decref(gen->resolved);
    json_decref(gen->pins);
    gen->files = json_deep_copy(of->files);
    gen->resolved = json_deep_copy(of->resolved);
    gen->pins = json_deep_copy(of->pins);
    const char *name;
    json_t *pin;
    void *next;
    json_object_foreach_safe(gen->pins, next, name, pin)
    {
        if (iso_or_generation_decided(of) && json_string_length(pin) == 0) {
            (void)json_object_del(gen->pins, name); /* it was free to go once */
        }
    }
    if (gen->files == NULL || gen->resolved == NULL || gen->pins == NULL ||
        !iso_or_generation_set_text(gen, of->text)) {
        iso_or_generation_destroy(gen);
        return NULL;
    }
    return gen;
}

/* ---- To the store ------------------------------------------------------------------------------
 */

/* Texts of a row, released together. */
struct texts {
    char *items[8];
    size_t count;
    bool failed;
};

static struct iso_str dump(struct texts *texts, const json_t *value)
{
    if (value == NULL) {
        return iso_str_from(NULL, 0);
    }
    char *text = json_dumps(value, JSON_COMPACT);
    texts->failed = texts->failed || text == NULL;
    texts->items[texts->count++] = text;
    return iso_str_from_z(text);
}

static void drop_texts(struct texts *texts)
{
    for (size_t i = 0; i < texts->count; i++) {
        free(texts->items[i]);
    }
}

static json_t *moves_json(const struct iso_or_generation *gen)
{
    json_t *array = json_array();
    for (size_t i = 0; i < gen->move_count; i++) {
        const struct iso_or_move *move = &gen->moves[i];
        json_t *item =
            json_pack("{s:s, s:s, s:s, s:I, s:I, s:b, s:s, s:b}", "component", move->component,
                      "from", move->from, "to", move->to, "before", (json_int_t)move->before,
                      "after", (json_int_t)move->after, "state", move->state, "step",
                      iso_or_move_step_name(move), "released", move->released);
        if (item != NULL && move->downtime_ms != UINT64_MAX) {
            (void)json_object_set_new(item, "downtime-ms",
                                      json_integer((json_int_t)move->downtime_ms));
        }
        if (item != NULL && move->snapshot_bytes != 0) {
            (void)json_object_set_new(item, "snapshot-bytes",
                                      json_integer((json_int_t)move->snapshot_bytes));
        }
        (void)json_array_append_new(array, item);
    }
    return array;
}

static json_t *progress_json(const struct iso_or_generation *gen)
{
    json_t *devices = json_object(), *left = json_object();
    for (size_t i = 0; i < gen->part_count; i++) {
        const struct iso_or_part *part = &gen->parts[i];
        const char *word = part->done       ? "confirmed"
                           : part->absent   ? "absent"
                           : part->prepared ? "prepared"
                                            : "";
        if (part->goal != ISO_OR_GOAL_DELETE) {
            (void)json_object_set_new(devices, part->device, json_string(word));
        } else if (!part->done) {
            (void)json_object_set_new(left, part->device, json_boolean(part->wait));
        }
    }
    return json_pack("{s:o, s:o, s:o}", "devices", devices, "moves", moves_json(gen), "left", left);
}

static struct iso_or_generation_row row_of(struct iso_or_generation *gen, json_t *progress,
                                           struct texts *texts)
{
    const struct iso_or_clock *clock = &gen->app->deployer->config.clock;
    gen->changed_ms = clock->wall_ms(clock->ctx);
    struct iso_or_generation_row row = {
        .app = iso_str_from_z(gen->app->name),
        .number = gen->number,
        .state = gen->state,
        .cause = iso_str_from_z(gen->cause),
        .detail = iso_str_from_z(gen->detail),
        .manifest = gen->text,
        .error = iso_str_from_z(gen->error),
        .created_ms = gen->created_ms,
        .changed_ms = gen->changed_ms,
    };
    row.progress = dump(texts, progress);
    texts->failed = texts->failed || progress == NULL;
    return row;
}

enum iso_err iso_or_generation_save(struct iso_or_generation *gen, struct iso_report *report)
{
    struct texts texts = {.count = 0};
    json_t *progress = progress_json(gen);
    struct iso_or_generation_row row = row_of(gen, progress, &texts);
    row.files = dump(&texts, gen->files);
    row.pins = dump(&texts, gen->pins);
    if (gen->state == ISO_OR_FAILED && gen->placement == NULL) {
        row.placement = dump(&texts, gen->refused); /* without digests: its modules may go */
    } else {
        row.resolved = dump(&texts, gen->resolved);
        row.placement = dump(&texts, gen->placement);
    }
    row.documents = dump(&texts, gen->documents);
    enum iso_err err =
        texts.failed ? iso_fail(report, ISO_E_NOMEM, "not enough memory")
                     : iso_or_store_generation_put(gen->app->deployer->config.store, &row, report);
    json_decref(progress);
    drop_texts(&texts);
    return err;
}

enum iso_err iso_or_generation_save_step(struct iso_or_generation *gen, struct iso_report *report)
{
    struct texts texts = {.count = 0};
    json_t *progress = progress_json(gen);
    struct iso_or_generation_row row = row_of(gen, progress, &texts);
    enum iso_err err =
        texts.failed ? iso_fail(report, ISO_E_NOMEM, "not enough memory")
                     : iso_or_store_generation_step(gen->app->deployer->config.store, &row, report);
    json_decref(progress);
    drop_texts(&texts);
    return err;
}

/* ---- From the store ----------------------------------------------------------------------------
 */

/* An object; an empty text is `or_else` (taken). */
static json_t *parse(struct iso_str text, json_t *or_else)
{
    if (text.len == 0) {
        return or_else;
    }
    json_decref(or_else);
    json_t *value = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(value)) {
        json_decref(value);
        return NULL;
    }
    return value;
}

static void copy_text(char *out, size_t size, struct iso_str text)
{
    (void)iso_format(out, size, "%.*s", (int)text.len, text.ptr);
}

struct iso_or_generation *iso_or_generation_load(struct iso_or_app *app,
                                                 const struct iso_or_generation_row *row)
{
    struct iso_or_generation *gen = iso_or_generation_create(app);
    if (gen == NULL) {
        return NULL;
    }
    gen->number = row->number;
    gen->state = row->state;
    gen->created_ms = row->created_ms;
    gen->changed_ms = row->changed_ms;
    copy_text(gen->cause, sizeof gen->cause, row->cause);
    copy_text(gen->detail, sizeof gen->detail, row->detail);
    copy_text(gen->error, sizeof gen->error, row->error);
    gen->files = parse(row->files, gen->files);
    gen->resolved = parse(row->resolved, gen->resolved);
    gen->pins = parse(row->pins, gen->pins);
    gen->placement = parse(row->placement, NULL);
    gen->documents = parse(row->documents, NULL);
    json_t *progress = parse(row->progress, NULL);
    bool fine = gen->files != NULL && gen->resolved != NULL && gen->pins != NULL &&
                iso_or_generation_set_text(gen, row->manifest) &&
                iso_or_generation_arm(gen, progress);
    json_decref(progress);
    if (!fine) {
        iso_or_generation_destroy(gen);
        return NULL;
    }
    return gen;
}

/* ---- Parts and moves ---------------------------------------------------------------------------
 */

static void init_part(struct iso_or_generation *gen, struct iso_or_part *part, const char *device)
{
    *part = (struct iso_or_part){.gen = gen, .step = "wait"};
    (void)iso_format(part->device, sizeof part->device, "%s", device);
    part->ask = (struct iso_or_ask){.deployer = gen->app->deployer, .owner = part};
}

static const char *text_member(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL ? text : "";
}

static void init_move(struct iso_or_generation *gen, struct iso_or_move *move, const json_t *item)
{
    *move = (struct iso_or_move){.gen = gen, .downtime_ms = UINT64_MAX};
    (void)iso_format(move->component, sizeof move->component, "%s", text_member(item, "component"));
    (void)iso_format(move->from, sizeof move->from, "%s", text_member(item, "from"));
    (void)iso_format(move->to, sizeof move->to, "%s", text_member(item, "to"));
    move->before = (uint64_t)json_integer_value(json_object_get(item, "before"));
    move->after = (uint64_t)json_integer_value(json_object_get(item, "after"));
    move->state = json_is_true(json_object_get(item, "state"));
    move->released = json_is_true(json_object_get(item, "released"));
    const json_t *downtime = json_object_get(item, "downtime-ms");
    if (json_is_integer(downtime)) {
        move->downtime_ms = (uint64_t)json_integer_value(downtime);
    }
    move->snapshot_bytes = (uint64_t)json_integer_value(json_object_get(item, "snapshot-bytes"));
    const char *step = text_member(item, "step");
    move->late = strcmp(step, "late") == 0;
    if (strcmp(step, "owned") == 0) {
        move->step = ISO_OR_MOVE_OWNED;
    } else if (iso_or_generation_decided(gen) || move->late) {
        move->step = ISO_OR_MOVE_HELD; /* it was, or nobody would have decided */
    }
    iso_buf_init(&move->snapshot, alloc_of(gen->app), SIZE_MAX);
    iso_buf_init(&move->ahead_bytes, alloc_of(gen->app), SIZE_MAX);
    move->ask = (struct iso_or_ask){.deployer = gen->app->deployer, .owner = move};
    move->release = (struct iso_or_ask){.deployer = gen->app->deployer, .owner = move};
}

bool iso_or_generation_arm(struct iso_or_generation *gen, const json_t *progress)
{
    const struct iso_alloc *alloc = alloc_of(gen->app);
    const json_t *moves = json_object_get(progress, "moves");
    const json_t *devices = json_object_get(progress, "devices");
    json_t *left = json_object_get(progress, "left");
    size_t move_count = json_array_size(moves);
    size_t part_count = json_object_size(gen->documents) + json_object_size(left);
    drop_arms(gen);
    struct iso_or_part *parts = iso_alloc_array(alloc, part_count, sizeof *parts);
    struct iso_or_move *array = iso_alloc_array(alloc, move_count, sizeof *array);
    if (parts == NULL || array == NULL) {
        iso_alloc_free(alloc, parts, part_count * sizeof *parts);
        iso_alloc_free(alloc, array, move_count * sizeof *array);
        return false;
    }
    const char *id;
    json_t *value;
    size_t i = 0;
    json_object_foreach(gen->documents, id, value)
    {
        init_part(gen, &parts[i], id);
        const char *word = text_member(devices, id);
        parts[i].done = iso_or_generation_decided(gen) && strcmp(word, "confirmed") == 0;
        parts[i].absent = strcmp(word, "absent") == 0;
        i++;
    }
    json_object_foreach(left, id, value)
    {
        init_part(gen, &parts[i], id);
        parts[i].goal = ISO_OR_GOAL_DELETE;
        parts[i].wait = json_is_true(value);
        i++;
    }
    for (size_t k = 0; k < move_count; k++) {
        init_move(gen, &array[k], json_array_get(moves, k));
    }
    gen->parts = parts;
    gen->part_count = part_count;
    gen->moves = array;
    gen->move_count = move_count;
    return true;
}

struct iso_or_part *iso_or_generation_part(struct iso_or_generation *gen, const char *device)
{
    for (size_t i = 0; gen != NULL && i < gen->part_count; i++) {
        if (gen->parts[i].goal != ISO_OR_GOAL_DELETE && strcmp(gen->parts[i].device, device) == 0) {
            return &gen->parts[i];
        }
    }
    return NULL;
}

struct iso_or_part *iso_or_generation_leaving(struct iso_or_generation *gen, const char *device)
{
    for (size_t i = 0; gen != NULL && i < gen->part_count; i++) {
        if (gen->parts[i].goal == ISO_OR_GOAL_DELETE && strcmp(gen->parts[i].device, device) == 0) {
            return &gen->parts[i];
        }
    }
    return NULL;
}

bool iso_or_generation_decided(const struct iso_or_generation *gen)
{
    return gen->state == ISO_OR_COMMITTING || gen->state == ISO_OR_COMMITTED;
}

const char *iso_or_generation_device(const struct iso_or_generation *gen, const char *component)
{
    return gen == NULL
               ? NULL
               : json_string_value(json_object_get(
                     json_object_get(json_object_get(gen->placement, "components"), component),
                     "device"));
}

uint64_t iso_or_generation_epoch(const struct iso_or_generation *gen, const char *component)
{
    return gen == NULL
               ? 0
               : (uint64_t)json_integer_value(json_object_get(
                     json_object_get(json_object_get(gen->placement, "components"), component),
                     "epoch"));
}

static bool all_done(const struct iso_or_generation *gen, bool left)
{
    for (size_t i = 0; i < gen->part_count; i++) {
        const struct iso_or_part *part = &gen->parts[i];
        if ((part->goal == ISO_OR_GOAL_DELETE) == left && !part->done) {
            return false;
        }
    }
    return true;
}

bool iso_or_generation_confirmed(const struct iso_or_generation *gen)
{
    for (size_t i = 0; i < gen->move_count; i++) {
        if (gen->moves[i].step != ISO_OR_MOVE_OWNED || !gen->moves[i].released) {
            return false;
        }
    }
    /* A removal is confirmed by those that were left. */
    return all_done(gen, false) && (gen->text.len != 0 || all_done(gen, true));
}

bool iso_or_generation_left(const struct iso_or_generation *gen)
{
    return all_done(gen, true);
}
