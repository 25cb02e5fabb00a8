/* What the supervisor remembers of an application beside its document: epochs, removed generations,
 * moves. JSON in deployments/APP.state: docs/internals/supervisor-deploy.md. */
#include "supervisor/deployment_internal.h"

#include "base/json_member.h"

#include <jansson.h>

static const char *const move_states[] = {"frozen", "sent", "released", "held"};

const char *iso_sv_move_state_name(enum iso_sv_move_state state)
{
    return move_states[state];
}

static void set_name(char out[ISO_NAME_MAX + 1], struct iso_str name)
{
    ISO_ASSERT(name.len <= ISO_NAME_MAX);
    iso_memory_copy(out, name.ptr, name.len);
    out[name.len] = '\0';
}

/* ---- Epochs -------------------------------------------------------------------------------------
 */

static struct iso_sv_epoch *find_epoch(const struct iso_sv_record *record, struct iso_str component)
{
    for (size_t i = 0; i < record->epoch_count; i++) {
        if (iso_str_equal_z(component, record->epochs[i].component)) {
            return (struct iso_sv_epoch *)(uintptr_t)&record->epochs[i];
        }
    }
    return NULL;
}

uint64_t iso_sv_record_epoch(const struct iso_sv_record *record, struct iso_str component)
{
    const struct iso_sv_epoch *epoch = find_epoch(record, component);
    return epoch != NULL ? epoch->epoch : 0;
}

enum iso_err iso_sv_record_raise(struct iso_sv_record *record, struct iso_str component,
                                 uint64_t epoch, struct iso_report *report)
{
    struct iso_sv_epoch *found = find_epoch(record, component);
    if (found == NULL) {
        if (record->epoch_count == ISO_SV_EPOCHS_MAX) {
            return iso_fail(report, ISO_E_LIMIT,
                            "epochs of %d components of this application are remembered, which is "
                            "the most; delete it with ?forget=true",
                            ISO_SV_EPOCHS_MAX);
        }
        found = &record->epochs[record->epoch_count++];
        set_name(found->component, component);
        found->epoch = 0;
    }
    found->epoch = found->epoch > epoch ? found->epoch : epoch;
    return ISO_OK;
}

/* ---- Moves --------------------------------------------------------------------------------------
 */

struct iso_sv_move *iso_sv_record_move(struct iso_sv_record *record, struct iso_str component)
{
    for (size_t i = 0; i < record->move_count; i++) {
        if (iso_str_equal_z(component, record->moves[i].component)) {
            return &record->moves[i];
        }
    }
    return NULL;
}

struct iso_sv_move *iso_sv_record_move_add(struct iso_sv_record *record, struct iso_str component)
{
    struct iso_sv_move *move = iso_sv_record_move(record, component);
    if (move == NULL && record->move_count < ISO_SV_MOVES_MAX) {
        move = &record->moves[record->move_count++];
    }
    if (move != NULL) {
        *move = (struct iso_sv_move){.epoch = 0};
        set_name(move->component, component);
    }
    return move;
}

void iso_sv_record_move_drop(struct iso_sv_record *record, struct iso_str component)
{
    struct iso_sv_move *move = iso_sv_record_move(record, component);
    if (move != NULL) {
        *move = record->moves[--record->move_count];
    }
}

void iso_sv_record_moves_limit(struct iso_sv_record *record, uint64_t present, uint64_t next)
{
    for (size_t i = record->move_count; i-- > 0;) {
        const struct iso_sv_move *move = &record->moves[i];
        if ((move->state == ISO_SV_MOVE_RELEASED || move->state == ISO_SV_MOVE_HELD) &&
            move->generation != present && move->generation != next) {
            record->moves[i] = record->moves[--record->move_count];
        }
    }
}

/* ---- Text ---------------------------------------------------------------------------------------
 */

enum iso_err iso_sv_record_write(const struct iso_sv_record *record, struct iso_buf *out)
{
    struct iso_json json;
    iso_json_init_buf(&json, out, 1);
    iso_json_object_begin(&json);
    iso_json_put_u64(&json, "generation", record->generation);
    iso_json_put_object_begin(&json, "epochs");
    for (size_t i = 0; i < record->epoch_count; i++) {
        iso_json_put_u64(&json, record->epochs[i].component, record->epochs[i].epoch);
    }
    iso_json_object_end(&json);
    iso_json_put_object_begin(&json, "moves");
    for (size_t i = 0; i < record->move_count; i++) {
        const struct iso_sv_move *move = &record->moves[i];
        iso_json_put_object_begin(&json, move->component);
        iso_json_put_z(&json, "state", move_states[move->state]);
        iso_json_put_u64(&json, "epoch", move->epoch);
        iso_json_put_u64(&json, "generation", move->generation);
        iso_json_put_z(&json, "to", move->to);
        iso_json_put_z(&json, "digest", move->digest);
        iso_json_object_end(&json);
    }
    iso_json_object_end(&json);
    iso_json_object_end(&json);
    return iso_json_finish(&json);
}

static bool read_number(const json_t *object, const char *key, uint64_t *out)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_integer(value) || json_integer_value(value) < 0) {
        return false;
    }
    *out = (uint64_t)json_integer_value(value);
    return true;
}

static bool read_text(const json_t *object, const char *key, char *out, size_t cap)
{
    const char *text = json_string_value(json_object_get(object, key));
    if (text == NULL || strlen(text) >= cap) {
        return false;
    }
    memcpy(out, text, strlen(text) + 1);
    return true;
}

static bool read_move(struct iso_sv_record *record, const char *name, const json_t *value)
{
    char state[16];
    size_t i = 0;
    struct iso_sv_move *move = iso_name_check(iso_str_from_z(name))
                                   ? iso_sv_record_move_add(record, iso_str_from_z(name))
                                   : NULL;
    if (move == NULL || !read_text(value, "state", state, sizeof state) ||
        !read_number(value, "epoch", &move->epoch) ||
        !read_number(value, "generation", &move->generation) ||
        !read_text(value, "to", move->to, sizeof move->to) ||
        !read_text(value, "digest", move->digest, sizeof move->digest)) {
        return false;
    }
    while (i < ISO_COUNT_OF(move_states) && strcmp(state, move_states[i]) != 0) {
        i++;
    }
    move->state = (enum iso_sv_move_state)i;
    return i < ISO_COUNT_OF(move_states);
}

enum iso_err iso_sv_record_read(struct iso_sv_record *record, struct iso_bytes text,
                                struct iso_report *report)
{
    json_t *root = json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES, NULL);
    const char *name = NULL;
    json_t *value = NULL;
    bool right = root != NULL && read_number(root, "generation", &record->generation);
    json_object_foreach(json_object_get(root, "epochs"), name, value)
    {
        right = right && json_is_integer(value) && iso_name_check(iso_str_from_z(name)) &&
                iso_sv_record_raise(record, iso_str_from_z(name),
                                    (uint64_t)json_integer_value(value), NULL) == ISO_OK;
    }
    json_object_foreach(json_object_get(root, "moves"), name, value)
    {
        right = right && read_move(record, name, value);
    }
    json_decref(root);
    return right ? ISO_OK : iso_fail(report, ISO_E_INVALID, "the stored record is damaged");
}
