/* devices_add.c - a candidate, or whatever answers at an address, becomes a device:
 *
 *   with a code:   start, check, finish -> token      (docs/internals/pairing.md)
 *   with a token:  make one of our own by it -> token
 *   then:          read the description, claim, keep
 *
 * What fails after the token was made gives it back, and nothing is kept. */
#include "base/format.h"
#include "orchestrator/devices_op.h"

#include <sodium.h>
#include <stdlib.h>

static struct iso_bytes bytes_of(const char *text)
{
    return iso_bytes_from(text, text != NULL ? strlen(text) : 0);
}

/* POST or PUT of an object; its reference is taken. */
static ISO_MUST_CHECK enum iso_err
send_object(struct iso_or_op *op, const char *method, const char *path, json_t *body,
            enum iso_err (*step)(struct iso_or_op *op, const struct iso_http_client_answer *answer))
{
    char *text = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    const enum iso_err err =
        text != NULL ? iso_or_op_ask(op, method, path, bytes_of(text), false, step) : ISO_E_NOMEM;
    free(text);
    return err;
}

/* A device already, and one that is asked as such; but a token that it takes says where it is now.
 * A pin is not given up for that. */
static ISO_MUST_CHECK enum iso_err check_new(struct iso_or_op *op, const char *id)
{
    const struct iso_or_entry *entry = iso_or_entry_find(op->devices, iso_str_from_z(id));
    const bool shown = entry != NULL && op->own_token && op->code[0] == '\0' &&
                       (op->target.has_pin || !entry->target.has_pin);
    if (entry != NULL && entry->device.state != ISO_OR_REFUSES && !shown) {
        return iso_fail(&op->report, ISO_E_EXISTS, "%s is a device already: %s", op->target.base,
                        entry->device.name);
    }
    (void)iso_format(op->id, sizeof op->id, "%s", id);
    return ISO_OK;
}

/* ---- Giving back --------------------------------------------------------------------------------
 */

/* Whatever it answered: nothing more can be done about it. */
static enum iso_err on_given_back(struct iso_or_op *op, const struct iso_http_client_answer *answer)
{
    (void)answer;
    iso_or_op_end(op, op->err);
    return ISO_OK;
}

static enum iso_err on_disowned(struct iso_or_op *op, const struct iso_http_client_answer *answer)
{
    (void)answer;
    return iso_or_op_withdraw(op, on_given_back) == ISO_OK ? ISO_OK : op->err;
}

/* Adding has failed: neither a claim nor a token of ours stays there. */
static ISO_MUST_CHECK enum iso_err give_back(struct iso_or_op *op, enum iso_err err)
{
    op->err = err;
    if (!op->own_token) {
        return err;
    }
    const enum iso_err asked =
        op->claimed ? iso_or_op_ask(op, "DELETE", "/v1/owner", bytes_of(NULL), false, on_disowned)
                    : iso_or_op_withdraw(op, on_given_back);
    return asked == ISO_OK ? ISO_OK : err;
}

/* ---- Keeping ------------------------------------------------------------------------------------
 */

/* Over plain HTTP: that address is the device's until something is heard to the contrary. */
static void seen_itself(const struct iso_or_op *op, struct iso_or_entry *entry)
{
    (void)iso_format(entry->sure, sizeof entry->sure, "%s",
                     op->target.has_pin ? "" : op->target.base);
}

/* Its certificate is known now: what it says over plain HTTP proves nothing beside that. */
static void drop_plain(struct iso_or_entry *entry)
{
    for (size_t i = entry->address_count; i-- > 0;) {
        if (!iso_or_is_https(entry->addresses[i])) {
            (void)iso_or_entry_drop_address(entry, entry->addresses[i]);
        }
    }
    entry->address_next = 0;
}

/* It was a device before: what was set here stays. A heartbeat under way was sent with the token
 * of before, or to where it is not any more. */
static ISO_MUST_CHECK enum iso_err keep_again(struct iso_or_op *op, struct iso_or_entry *entry)
{
    const struct iso_or_reach before = entry->target;
    entry->target = op->target;
    const bool moved = iso_or_entry_prefer(entry, op->target.base);
    if (entry->target.has_pin) {
        drop_plain(entry);
    }
    const enum iso_err err = iso_or_entry_keep(entry, &op->report);
    if (err != ISO_OK) {
        entry->target = before;
        return err;
    }
    seen_itself(op, entry);
    if (entry->beat_http != 0) {
        iso_http_client_cancel(op->devices->http, entry->beat_http);
    }
    if (moved) {
        iso_or_entry_tell(entry, false);
    }
    /* The token of before, if it is one still. */
    op->err = ISO_OK;
    memcpy(op->target.token, before.token, sizeof op->target.token);
    if (iso_or_op_withdraw(op, on_given_back) != ISO_OK) {
        iso_or_op_end(op, ISO_OK);
    }
    return ISO_OK;
}

static ISO_MUST_CHECK enum iso_err keep_new(struct iso_or_op *op)
{
    bool news;
    struct iso_or_entry *entry = iso_or_entry_new(op->devices, iso_str_from_z(op->id));
    if (entry == NULL) {
        return ISO_E_NOMEM;
    }
    entry->target = op->target;
    seen_itself(op, entry);
    entry->added_ms = entry->device.seen_ms = iso_or_wall_ms();
    (void)iso_or_entry_prefer(entry, op->target.base);
    if (op->name[0] != '\0') {
        memcpy(entry->device.name, op->name, sizeof op->name);
        entry->named = true;
    }
    enum iso_err err =
        iso_or_entry_describe(entry, iso_buf_view(&op->description), &news, &op->report);
    err = err != ISO_OK ? err : iso_or_entry_insert(entry, &op->report);
    if (err != ISO_OK) {
        iso_or_entry_free(entry);
        return err;
    }
    err = iso_or_entry_keep(entry, &op->report);
    if (err != ISO_OK) {
        iso_or_entry_remove(entry);
        return err;
    }
    iso_or_entry_event(entry, "device-added", op->target.base);
    iso_or_entry_tell(entry, false);
    iso_or_op_end(op, ISO_OK);
    return ISO_OK;
}

static enum iso_err on_claimed(struct iso_or_op *op, const struct iso_http_client_answer *answer)
{
    if (!iso_or_ask_answered(answer) || answer->status / 100 != 2) {
        const bool old = iso_or_ask_answered(answer) && answer->status == 404;
        return give_back(op, old ? iso_fail(&op->report, ISO_E_UNSUPPORTED,
                                            "the supervisor at %s is too old: it has no /v1/owner",
                                            op->target.base)
                                 : iso_or_op_refused(op, "it cannot be claimed", answer));
    }
    op->claimed = true;
    struct iso_or_entry *entry = iso_or_entry_find(op->devices, iso_str_from_z(op->id));
    const enum iso_err err = entry != NULL ? keep_again(op, entry) : keep_new(op);
    return err == ISO_OK ? ISO_OK : give_back(op, err);
}

/* ---- Description, claim -------------------------------------------------------------------------
 */

static enum iso_err on_description(struct iso_or_op *op,
                                   const struct iso_http_client_answer *answer)
{
    const struct iso_or_devices *devices = op->devices;
    if (!iso_or_ask_answered(answer) || answer->status != 200) {
        return give_back(op, iso_or_op_refused(op, "its description cannot be read", answer));
    }
    json_t *description = iso_or_ask_object(answer);
    const char *id = json_string_value(json_object_get(description, "id"));
    enum iso_err err = ISO_OK;
    if (op->target.has_pin && op->id[0] == '\0') {
        iso_state_id(op->target.pin, op->id);
    }
    if (id == NULL || strlen(id) != ISO_OR_ID_SIZE - 1 ||
        (op->id[0] != '\0' && strcmp(op->id, id) != 0)) {
        err = iso_fail(&op->report, ISO_E_MALFORMED,
                       "what answers at %s says that it is \"%.32s\", and has the key of \"%s\"",
                       op->target.base, id != NULL ? id : "", op->id);
    }
    err = err != ISO_OK ? err : check_new(op, id);
    json_decref(description);
    if (err == ISO_OK) {
        err = iso_buf_append(&op->description, answer->body->ptr, answer->body->len);
    }
    if (err == ISO_OK) {
        err = send_object(op, "PUT", op->take_over ? "/v1/owner?take-over=true" : "/v1/owner",
                          json_pack("{s:s, s:s, s:s}", "id", devices->id, "name", devices->name,
                                    "address", devices->address),
                          on_claimed);
    }
    return err == ISO_OK ? ISO_OK : give_back(op, err);
}

static ISO_MUST_CHECK enum iso_err describe(struct iso_or_op *op)
{
    const enum iso_err err =
        iso_or_op_ask(op, "GET", "/v1/device", bytes_of(NULL), false, on_description);
    return err == ISO_OK ? ISO_OK : give_back(op, err);
}

/* ---- A code -------------------------------------------------------------------------------------
 */

static enum iso_err on_finished(struct iso_or_op *op, const struct iso_http_client_answer *answer)
{
    if (!iso_or_ask_answered(answer) || answer->status != 200) {
        return iso_or_op_refused(op, "pairing has failed", answer);
    }
    const enum iso_err err = iso_pairing_client_finish(&op->pairing, iso_buf_view(answer->body),
                                                       op->target.token, &op->report);
    if (err != ISO_OK) {
        return err;
    }
    op->own_token = true;
    return describe(op);
}

static enum iso_err on_started(struct iso_or_op *op, const struct iso_http_client_answer *answer)
{
    struct iso_buf message;
    char id[ISO_STATE_ID_SIZE];
    if (!iso_or_ask_answered(answer) || answer->status != 200) {
        return iso_or_op_refused(op, "pairing has failed", answer);
    }
    if (!answer->has_pin) {
        return iso_fail(&op->report, ISO_E_ARGUMENT, "pairing needs HTTPS");
    }
    iso_state_id(answer->pin, id);
    enum iso_err err = check_new(op, id);
    if (err != ISO_OK) {
        return err; /* before the code is used up */
    }
    iso_buf_init(&message, op->devices->alloc, ISO_PAIRING_MAX_MESSAGE);
    err = iso_pairing_client_check(&op->pairing, answer->pin, iso_buf_view(answer->body), &message,
                                   &op->report);
    if (err == ISO_OK) {
        /* From here on nobody else is spoken to. */
        op->target.has_pin = true;
        memcpy(op->target.pin, answer->pin, sizeof op->target.pin);
        err = iso_or_op_ask(op, "POST", "/v1/pairing/finish", iso_buf_view(&message), false,
                            on_finished);
    }
    iso_buf_fini(&message);
    return err;
}

static ISO_MUST_CHECK enum iso_err pair(struct iso_or_op *op)
{
    struct iso_buf message;
    enum iso_err err = iso_pairing_client_init(&op->pairing, iso_str_from_z(op->code),
                                               op->devices->pin, &op->report);
    if (err != ISO_OK) {
        return err;
    }
    op->is_pairing = true;
    iso_buf_init(&message, op->devices->alloc, ISO_PAIRING_MAX_MESSAGE);
    err = iso_pairing_client_start(&op->pairing, &message);
    if (err == ISO_OK) {
        err = iso_or_op_ask(op, "POST", "/v1/pairing/start", iso_buf_view(&message), true,
                            on_started);
    }
    iso_buf_fini(&message);
    return err;
}

/* ---- A token ------------------------------------------------------------------------------------
 */

static enum iso_err on_token(struct iso_or_op *op, const struct iso_http_client_answer *answer)
{
    if (!iso_or_ask_answered(answer) || answer->status / 100 != 2) {
        return iso_or_op_refused(op, "the token is not taken", answer);
    }
    json_t *made = iso_or_ask_object(answer);
    const char *token = json_string_value(json_object_get(made, "token"));
    const bool good = token != NULL && strlen(token) < sizeof op->target.token;
    if (good) {
        (void)iso_format(op->target.token, sizeof op->target.token, "%s", token);
        op->own_token = true;
    }
    json_decref(made);
    return good ? describe(op)
                : iso_fail(&op->report, ISO_E_MALFORMED, "%s answers no token", op->target.base);
}

/* The token that was given stays its owner's: ours is another one. */
static ISO_MUST_CHECK enum iso_err make_token(struct iso_or_op *op)
{
    char label[ISO_TOKEN_LABEL_SIZE];
    (void)iso_format(label, sizeof label, "orchestrator %s", op->devices->name);
    return send_object(op, "POST", "/v1/tokens",
                       json_pack("{s:s, s:s}", "role", "operate", "label", label), on_token);
}

/* On this machine the key is taken as it is: who could be in between has the token's file too. */
static enum iso_err on_pin(struct iso_or_op *op, const struct iso_http_client_answer *answer)
{
    if (!iso_or_ask_answered(answer) || !answer->has_pin) {
        return iso_or_op_refused(op, "no answer", answer);
    }
    op->target.has_pin = true;
    memcpy(op->target.pin, answer->pin, sizeof op->target.pin);
    return make_token(op);
}

static ISO_MUST_CHECK enum iso_err use_token(struct iso_or_op *op)
{
    if (!op->place.https || op->target.has_pin) {
        return make_token(op);
    }
    if (op->place.loopback) {
        return iso_or_op_ask(op, "GET", "/health", bytes_of(NULL), true, on_pin);
    }
    return iso_fail(&op->report, ISO_E_ARGUMENT,
                    "a token is shown to nobody unknown: give the device's pin too "
                    "(\"sha256:...\", as its log and page show it), or pair with a code");
}

/* ---- Only looking -------------------------------------------------------------------------------
 */

void iso_or_op_looked(struct iso_or_op *op, enum iso_err err, const struct iso_report *report,
                      const struct iso_or_sighting *sighting)
{
    if (err != ISO_OK) {
        iso_report_set(&op->report, "%s", iso_report_text(report, err));
    } else {
        err = check_new(op, sighting->id);
    }
    iso_or_op_end(op, err);
}

static ISO_MUST_CHECK enum iso_err look(struct iso_or_op *op)
{
    struct iso_or_devices *devices = op->devices;
    struct iso_or_sighting *sighting =
        iso_or_sighting_get(devices, ISO_OR_FOUND_ADDRESS, "", op->target.base);
    if (sighting == NULL) {
        return iso_fail(&op->report, ISO_E_LIMIT, "too many candidates: at most %d",
                        ISO_OR_CANDIDATES_MAX);
    }
    if (sighting->op != NULL) {
        return iso_fail(&op->report, ISO_E_REFUSED, "%s is being looked at", op->target.base);
    }
    sighting->seen_ms = iso_or_now_ms(devices);
    sighting->seen_wall_ms = iso_or_wall_ms();
    if (sighting->http_id == 0) {
        iso_or_look(devices, sighting);
    }
    if (sighting->http_id == 0) {
        iso_or_sighting_drop(devices, sighting);
        return iso_fail(&op->report, ISO_E_LIMIT, "%s cannot be asked now", op->target.base);
    }
    sighting->op = op;
    return ISO_OK;
}

/* ---- The beginning ------------------------------------------------------------------------------
 */

/* A word that may be a candidate's name, and no address. */
static bool is_word(const char *text)
{
    return strpbrk(text, ".:[]/") == NULL && strcmp(text, "localhost") != 0;
}

static ISO_MUST_CHECK enum iso_err find_place(struct iso_or_op *op)
{
    const struct iso_str given = iso_str_from_z(op->given);
    size_t others;
    const struct iso_or_sighting *candidate = iso_or_candidate_find(op->devices, given, &others);
    if (candidate != NULL && others != 0) {
        return iso_fail(&op->report, ISO_E_ARGUMENT,
                        "several candidates are called %s; give an id or an address", op->given);
    }
    if (candidate != NULL) {
        const enum iso_err err =
            iso_or_place_read(iso_str_from_z(candidate->target.base), &op->place, &op->report);
        (void)iso_format(op->target.base, sizeof op->target.base, "%s", candidate->target.base);
        return err;
    }
    const struct iso_or_device *device = iso_or_devices_find(op->devices, given);
    if (device != NULL) {
        (void)iso_format(op->target.base, sizeof op->target.base, "%s", device->address);
        return iso_or_place_read(iso_str_from_z(device->address), &op->place, &op->report);
    }
    if (is_word(op->given)) {
        return iso_fail(&op->report, ISO_E_NOT_FOUND,
                        "no candidate is called %s; a host is written HOST:PORT", op->given);
    }
    const enum iso_err err = iso_or_place_read(given, &op->place, &op->report);
    (void)iso_format(op->target.base, sizeof op->target.base, "%s", op->place.base);
    return err;
}

static void begin(struct iso_or_op *op)
{
    enum iso_err err = find_place(op);
    if (err == ISO_OK) {
        err = op->code[0] != '\0'           ? pair(op)
              : op->target.token[0] != '\0' ? use_token(op)
                                            : look(op);
    }
    if (err != ISO_OK && !op->ended) {
        iso_or_op_end(op, err);
    }
}

static void begin_refused(struct iso_or_op *op)
{
    iso_or_op_end(op, op->err);
}

static ISO_MUST_CHECK enum iso_err copy_text(struct iso_or_op *op, const char *what,
                                             struct iso_str text, char *out, size_t cap)
{
    if (text.len >= cap || (text.len != 0 && memchr(text.ptr, '\0', text.len) != NULL)) {
        return iso_fail(&op->report, ISO_E_ARGUMENT, "the %s is longer than %zu bytes", what,
                        cap - 1);
    }
    iso_memory_copy(out, text.ptr, text.len);
    out[text.len] = '\0';
    return ISO_OK;
}

static ISO_MUST_CHECK enum iso_err copy_add(struct iso_or_op *op,
                                            const struct iso_or_device_add *add)
{
    char clean[ISO_OR_NAME_SIZE];
    enum iso_err err = copy_text(op, "address", add->address, op->given, sizeof op->given);
    err = err != ISO_OK ? err : copy_text(op, "code", add->code, op->code, sizeof op->code);
    err = err != ISO_OK
              ? err
              : copy_text(op, "token", add->token, op->target.token, sizeof op->target.token);
    err = err != ISO_OK ? err : copy_text(op, "name", add->name, op->name, sizeof op->name);
    if (err != ISO_OK) {
        return err;
    }
    iso_or_name_clean(add->name, "", clean);
    if (strcmp(clean, op->name) != 0) {
        return iso_fail(&op->report, ISO_E_ARGUMENT, "a name has no control characters");
    }
    if (add->code.len != 0 && add->token.len != 0) {
        return iso_fail(&op->report, ISO_E_ARGUMENT, "give a code or a token, not both");
    }
    if (add->pin.len != 0) {
        op->target.has_pin = iso_tls_pin_parse(add->pin, op->target.pin);
        if (!op->target.has_pin) {
            return iso_fail(&op->report, ISO_E_ARGUMENT,
                            "a pin is written sha256: and 64 hexadecimal digits");
        }
    }
    return ISO_OK;
}

enum iso_err iso_or_devices_add(struct iso_or_devices *devices, const struct iso_or_device_add *add,
                                iso_or_device_done done, void *ctx)
{
    struct iso_or_op *op = iso_or_op_new(devices, done, ctx, begin);
    if (op == NULL) {
        return ISO_E_NOMEM;
    }
    op->take_over = add->take_over;
    op->err = copy_add(op, add);
    if (op->err != ISO_OK) {
        op->begin = begin_refused;
    }
    return ISO_OK;
}
