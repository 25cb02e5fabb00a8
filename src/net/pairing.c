/* Pairing by a code: docs/internals/pairing.md. Proofs are HMAC-SHA256 (RFC 2104) with a key made
 * of the code, over everything that must be the same on both sides. */
#include "net/pairing.h"

#include "base/json_member.h"

#include <jansson.h>
#include <sodium.h>

#define CONTEXT "isomer pairing 1"

enum { PROOF_SIZE = crypto_auth_hmacsha256_BYTES, SESSION_SIZE = 8 };

/* ---- Codes -------------------------------------------------------------------------------- */

static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

void iso_pairing_code_text(const uint8_t code[ISO_PAIRING_CODE_SIZE],
                           char out[ISO_PAIRING_CODE_TEXT_SIZE])
{
    size_t len = 0;
    for (unsigned i = 0; i < 16; i++) {
        unsigned bit = i * 5;
        unsigned pair = (unsigned)code[bit / 8] << 8;
        pair |= bit / 8 + 1 < ISO_PAIRING_CODE_SIZE ? code[bit / 8 + 1] : 0u;
        if (i != 0 && i % 4 == 0) {
            out[len++] = '-';
        }
        out[len++] = digits[pair >> (11 - bit % 8) & 31];
    }
    out[len] = '\0';
}

static int digit_value(char c)
{
    char upper = c >= 'a' && c <= 'z' ? (char)(c - ('a' - 'A')) : c;
    switch (upper) {
    case 'I':
    case 'L':
        return 1;
    case 'O':
        return 0;
    default: {
        const char *at = upper != '\0' ? strchr(digits, upper) : NULL;
        return at != NULL ? (int)(at - digits) : -1;
    }
    }
}

enum iso_err iso_pairing_code_parse(struct iso_str text, uint8_t code[ISO_PAIRING_CODE_SIZE],
                                    struct iso_report *report)
{
    uint8_t bytes[ISO_PAIRING_CODE_SIZE] = {0};
    unsigned count = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '-' || c == ' ') {
            continue;
        }
        int value = digit_value(c);
        if (value < 0 || count == 16) {
            count = 0;
            break;
        }
        for (unsigned b = 0; b < 5; b++) {
            unsigned bit = count * 5 + b;
            unsigned set = (unsigned)value >> (4 - b) & 1u;
            bytes[bit / 8] = (uint8_t)(bytes[bit / 8] | set << (7 - bit % 8));
        }
        count++;
    }
    if (count != 16) {
        sodium_memzero(bytes, sizeof bytes);
        return iso_fail(report, ISO_E_ARGUMENT,
                        "a pairing code is 16 letters and digits, such as 7H2K-9QXM-4TRD-W0NB");
    }
    memcpy(code, bytes, sizeof bytes);
    sodium_memzero(bytes, sizeof bytes);
    return ISO_OK;
}

/* ---- Proofs ------------------------------------------------------------------------------- */

/* 80 random bits need no stretching, only a form that fits. */
static void key_of(const uint8_t code[ISO_PAIRING_CODE_SIZE], uint8_t key[32])
{
    crypto_hash_sha256_state state;
    (void)crypto_hash_sha256_init(&state);
    (void)crypto_hash_sha256_update(&state, (const uint8_t *)CONTEXT " code",
                                    sizeof CONTEXT " code");
    (void)crypto_hash_sha256_update(&state, code, ISO_PAIRING_CODE_SIZE);
    (void)crypto_hash_sha256_final(&state, key);
    sodium_memzero(&state, sizeof state);
}

struct transcript {
    const uint8_t *device_pin;
    const uint8_t *client_pin;
    const uint8_t *device_nonce;
    const uint8_t *client_nonce;
    const uint8_t *session;
};

/* Every part has a fixed length but the first, which ends with its zero byte. */
static void prove(const uint8_t key[32], const char *role, const struct transcript *t,
                  uint8_t proof[PROOF_SIZE])
{
    crypto_auth_hmacsha256_state state;
    (void)crypto_auth_hmacsha256_init(&state, key, 32);
    (void)crypto_auth_hmacsha256_update(&state, (const uint8_t *)CONTEXT, sizeof CONTEXT);
    (void)crypto_auth_hmacsha256_update(&state, (const uint8_t *)role, strlen(role) + 1);
    (void)crypto_auth_hmacsha256_update(&state, t->device_pin, ISO_PAIRING_PIN_SIZE);
    (void)crypto_auth_hmacsha256_update(&state, t->client_pin, ISO_PAIRING_PIN_SIZE);
    (void)crypto_auth_hmacsha256_update(&state, t->device_nonce, ISO_PAIRING_NONCE_SIZE);
    (void)crypto_auth_hmacsha256_update(&state, t->client_nonce, ISO_PAIRING_NONCE_SIZE);
    (void)crypto_auth_hmacsha256_update(&state, t->session, SESSION_SIZE);
    (void)crypto_auth_hmacsha256_final(&state, proof);
    sodium_memzero(&state, sizeof state);
}

/* ---- Messages ----------------------------------------------------------------------------- */

static void write_hex(struct iso_json *json, const char *name, const uint8_t *bytes, size_t len)
{
    char text[65];
    iso_hex_encode(bytes, len, text);
    iso_json_put_z(json, name, text);
}

/* `len` bytes (at most 32) in hexadecimal. */
static bool read_hex(const json_t *root, const char *name, uint8_t *out, size_t len)
{
    const json_t *value = json_object_get(root, name);
    size_t decoded = 0;
    return json_is_string(value) && json_string_length(value) == 2 * len &&
           sodium_hex2bin(out, len, json_string_value(value), 2 * len, NULL, &decoded, NULL) == 0 &&
           decoded == len;
}

/* An object of version 1; to be released with json_decref. NULL: the report says why. */
static json_t *message_read(struct iso_bytes message, struct iso_report *report)
{
    json_error_t error;
    if (message.len == 0 || message.len > ISO_PAIRING_MAX_MESSAGE) {
        iso_report_set(report, "a pairing message has 1 to %u bytes", ISO_PAIRING_MAX_MESSAGE);
        return NULL;
    }
    json_t *root =
        json_loadb((const char *)message.ptr, message.len, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL) {
        iso_report_set(report, "a pairing message is not JSON: %s", error.text);
        return NULL;
    }
    const json_t *version = json_object_get(root, "version");
    if (!json_is_integer(version) || json_integer_value(version) != 1) {
        iso_report_set(report, "a pairing message is an object with \"version\": 1");
        json_decref(root);
        return NULL;
    }
    return root;
}

static enum iso_err fail_member(struct iso_report *report, const char *members)
{
    return iso_fail(report, ISO_E_MALFORMED, "the pairing message lacks %s in hexadecimal digits",
                    members);
}

static void message_begin(struct iso_json *json, struct iso_buf *out)
{
    iso_json_init_buf(json, out, 0);
    iso_json_object_begin(json);
    iso_json_put_u64(json, "version", 1);
}

static enum iso_err message_end(struct iso_json *json)
{
    iso_json_object_end(json);
    return iso_json_finish(json);
}

/* ---- The device --------------------------------------------------------------------------- */

enum iso_err iso_pairing_device_open(struct iso_pairing_device *device,
                                     const uint8_t pin[ISO_PAIRING_PIN_SIZE], uint64_t now_ms,
                                     char code[ISO_PAIRING_CODE_TEXT_SIZE])
{
    uint8_t bytes[ISO_PAIRING_CODE_SIZE];
    if (sodium_init() < 0) {
        return ISO_E_IO;
    }
    sodium_memzero(device, sizeof *device);
    randombytes_buf(bytes, sizeof bytes);
    iso_pairing_code_text(bytes, code);
    key_of(bytes, device->key);
    sodium_memzero(bytes, sizeof bytes);
    memcpy(device->pin, pin, ISO_PAIRING_PIN_SIZE);
    device->expires_ms = now_ms + ISO_PAIRING_LIFETIME_MS;
    device->open = true;
    return ISO_OK;
}

static bool has_session(const struct iso_pairing_device *device)
{
    for (size_t i = 0; i < ISO_PAIRING_TRIES; i++) {
        if (device->sessions[i].open) {
            return true;
        }
    }
    return false;
}

bool iso_pairing_device_is_open(const struct iso_pairing_device *device, uint64_t now_ms)
{
    return device->open && now_ms < device->expires_ms &&
           (device->tries < ISO_PAIRING_TRIES || has_session(device));
}

void iso_pairing_device_fini(struct iso_pairing_device *device)
{
    sodium_memzero(device, sizeof *device);
}

static enum iso_err check_open(struct iso_pairing_device *device, uint64_t now_ms,
                               struct iso_report *report)
{
    if (device->open && now_ms >= device->expires_ms) {
        iso_pairing_device_fini(device);
    }
    return device->open ? ISO_OK
                        : iso_fail(report, ISO_E_STATE,
                                   "this device is not being paired; ask it for a new code");
}

enum iso_err iso_pairing_device_start(struct iso_pairing_device *device, uint64_t now_ms,
                                      struct iso_bytes message, struct iso_buf *answer,
                                      struct iso_report *report)
{
    enum iso_err err = check_open(device, now_ms, report);
    if (err != ISO_OK) {
        return err;
    }
    if (device->tries >= ISO_PAIRING_TRIES) {
        return iso_fail(report, ISO_E_LIMIT,
                        "the code has been tried %u times; ask the device for a new one",
                        ISO_PAIRING_TRIES);
    }
    json_t *root = message_read(message, report);
    if (root == NULL) {
        return ISO_E_MALFORMED;
    }
    struct iso_pairing_session session = {.open = true};
    uint8_t client_nonce[ISO_PAIRING_NONCE_SIZE];
    uint8_t device_nonce[ISO_PAIRING_NONCE_SIZE];
    bool fine = read_hex(root, "pin", session.peer_pin, sizeof session.peer_pin) &&
                read_hex(root, "nonce", client_nonce, sizeof client_nonce);
    json_decref(root);
    if (!fine) {
        return fail_member(report, "\"pin\" and \"nonce\", 32 bytes each,");
    }
    uint8_t proof[PROOF_SIZE];
    randombytes_buf(session.id, sizeof session.id);
    randombytes_buf(device_nonce, sizeof device_nonce);
    struct transcript transcript = {device->pin, session.peer_pin, device_nonce, client_nonce,
                                    session.id};
    prove(device->key, "device", &transcript, proof);
    prove(device->key, "orchestrator", &transcript, session.expected);
    device->sessions[device->tries++] = session;
    struct iso_json json;
    message_begin(&json, answer);
    write_hex(&json, "session", session.id, sizeof session.id);
    write_hex(&json, "pin", device->pin, sizeof device->pin);
    write_hex(&json, "nonce", device_nonce, sizeof device_nonce);
    write_hex(&json, "proof", proof, sizeof proof);
    sodium_memzero(&session, sizeof session);
    return message_end(&json);
}

/* The open session of that id; every one is looked at in the same way. */
static struct iso_pairing_session *session_find(struct iso_pairing_device *device,
                                                const uint8_t id[SESSION_SIZE])
{
    struct iso_pairing_session *found = NULL;
    for (size_t i = 0; i < ISO_PAIRING_TRIES; i++) {
        struct iso_pairing_session *session = &device->sessions[i];
        if (session->open && sodium_memcmp(session->id, id, SESSION_SIZE) == 0) {
            found = session;
        }
    }
    return found;
}

enum iso_err iso_pairing_device_finish(struct iso_pairing_device *device, uint64_t now_ms,
                                       struct iso_bytes message,
                                       uint8_t peer_pin[ISO_PAIRING_PIN_SIZE],
                                       struct iso_report *report)
{
    enum iso_err err = check_open(device, now_ms, report);
    if (err != ISO_OK) {
        return err;
    }
    json_t *root = message_read(message, report);
    if (root == NULL) {
        return ISO_E_MALFORMED;
    }
    uint8_t id[SESSION_SIZE];
    uint8_t proof[PROOF_SIZE];
    bool fine =
        read_hex(root, "session", id, sizeof id) && read_hex(root, "proof", proof, sizeof proof);
    json_decref(root);
    if (!fine) {
        return fail_member(report, "\"session\" (8 bytes) and \"proof\" (32 bytes)");
    }
    struct iso_pairing_session *session = session_find(device, id);
    if (session == NULL) {
        return iso_fail(report, ISO_E_ACCESS, "no such pairing is under way; start again");
    }
    bool knows = sodium_memcmp(session->expected, proof, sizeof proof) == 0;
    session->open = false; /* whatever comes of it, not a second time */
    if (!knows) {
        sodium_memzero(session, sizeof *session);
        return iso_fail(report, ISO_E_ACCESS, "the code is wrong");
    }
    memcpy(peer_pin, session->peer_pin, ISO_PAIRING_PIN_SIZE);
    iso_pairing_device_fini(device);
    return ISO_OK;
}

enum iso_err iso_pairing_device_grant(const char *token, struct iso_buf *answer)
{
    ISO_ASSERT(strlen(token) <= ISO_PAIRING_MAX_TOKEN);
    struct iso_json json;
    message_begin(&json, answer);
    iso_json_put_z(&json, "token", token);
    return message_end(&json);
}

/* ---- The orchestrator --------------------------------------------------------------------- */

enum iso_err iso_pairing_client_init(struct iso_pairing_client *client, struct iso_str code,
                                     const uint8_t pin[ISO_PAIRING_PIN_SIZE],
                                     struct iso_report *report)
{
    uint8_t bytes[ISO_PAIRING_CODE_SIZE];
    if (sodium_init() < 0) {
        return iso_fail(report, ISO_E_IO, "the system gives no random numbers");
    }
    enum iso_err err = iso_pairing_code_parse(code, bytes, report);
    if (err != ISO_OK) {
        return err;
    }
    sodium_memzero(client, sizeof *client);
    key_of(bytes, client->key);
    sodium_memzero(bytes, sizeof bytes);
    memcpy(client->pin, pin, ISO_PAIRING_PIN_SIZE);
    randombytes_buf(client->nonce, sizeof client->nonce);
    client->stage = ISO_PAIRING_NEW;
    return ISO_OK;
}

void iso_pairing_client_fini(struct iso_pairing_client *client)
{
    sodium_memzero(client, sizeof *client);
    client->stage = ISO_PAIRING_DONE;
}

enum iso_err iso_pairing_client_start(struct iso_pairing_client *client, struct iso_buf *message)
{
    if (client->stage != ISO_PAIRING_NEW) {
        return ISO_E_STATE;
    }
    client->stage = ISO_PAIRING_STARTED;
    struct iso_json json;
    message_begin(&json, message);
    write_hex(&json, "pin", client->pin, sizeof client->pin);
    write_hex(&json, "nonce", client->nonce, sizeof client->nonce);
    return message_end(&json);
}

enum iso_err iso_pairing_client_check(struct iso_pairing_client *client,
                                      const uint8_t device_pin[ISO_PAIRING_PIN_SIZE],
                                      struct iso_bytes answer, struct iso_buf *message,
                                      struct iso_report *report)
{
    if (client->stage != ISO_PAIRING_STARTED) {
        return iso_fail(report, ISO_E_STATE, "this pairing is not waiting for that answer");
    }
    client->stage = ISO_PAIRING_DONE; /* unless all is well */
    json_t *root = message_read(answer, report);
    if (root == NULL) {
        return ISO_E_MALFORMED;
    }
    uint8_t session[SESSION_SIZE];
    uint8_t claimed_pin[ISO_PAIRING_PIN_SIZE];
    uint8_t device_nonce[ISO_PAIRING_NONCE_SIZE];
    uint8_t proof[PROOF_SIZE];
    bool fine = read_hex(root, "session", session, sizeof session) &&
                read_hex(root, "pin", claimed_pin, sizeof claimed_pin) &&
                read_hex(root, "nonce", device_nonce, sizeof device_nonce) &&
                read_hex(root, "proof", proof, sizeof proof);
    json_decref(root);
    if (!fine) {
        return fail_member(report, "\"session\", \"pin\", \"nonce\" and \"proof\"");
    }
    if (sodium_memcmp(claimed_pin, device_pin, sizeof claimed_pin) != 0) {
        return iso_fail(report, ISO_E_ACCESS,
                        "the device names another key than the connection has: somebody stands "
                        "between, or it is behind a proxy; nothing was sent");
    }
    /* The pin that we saw, not the one that was claimed. */
    struct transcript transcript = {device_pin, client->pin, device_nonce, client->nonce, session};
    uint8_t expected[PROOF_SIZE];
    prove(client->key, "device", &transcript, expected);
    if (sodium_memcmp(expected, proof, sizeof proof) != 0) {
        return iso_fail(report, ISO_E_ACCESS,
                        "the device does not know this code: it is mistyped, too old, or this is "
                        "another device; nothing was sent");
    }
    client->stage = ISO_PAIRING_CHECKED;
    prove(client->key, "orchestrator", &transcript, proof);
    struct iso_json json;
    message_begin(&json, message);
    write_hex(&json, "session", session, sizeof session);
    write_hex(&json, "proof", proof, sizeof proof);
    return message_end(&json);
}

enum iso_err iso_pairing_client_finish(struct iso_pairing_client *client, struct iso_bytes answer,
                                       char token[ISO_PAIRING_MAX_TOKEN + 1],
                                       struct iso_report *report)
{
    if (client->stage != ISO_PAIRING_CHECKED) {
        return iso_fail(report, ISO_E_STATE, "this pairing is not waiting for a token");
    }
    json_t *root = message_read(answer, report);
    if (root == NULL) {
        return ISO_E_MALFORMED;
    }
    const json_t *value = json_object_get(root, "token");
    size_t len = json_is_string(value) ? json_string_length(value) : 0;
    bool fine = len != 0 && len <= ISO_PAIRING_MAX_TOKEN;
    for (size_t i = 0; i < len && fine; i++) {
        char c = json_string_value(value)[i];
        fine = c > ' ' && c < 0x7f; /* it will stand in a header field */
    }
    if (fine) {
        memcpy(token, json_string_value(value), len);
        token[len] = '\0';
        iso_pairing_client_fini(client);
    }
    json_decref(root);
    return fine ? ISO_OK
                : iso_fail(report, ISO_E_MALFORMED, "the device's answer has no usable token");
}
