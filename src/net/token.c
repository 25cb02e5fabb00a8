/* Tokens: making, checking, and their file. HKDF is RFC 5869 with HMAC-SHA256 and no salt. */
#include "net/token.h"

#include "base/json_member.h"
#include "platform/platform.h"

#include <jansson.h>
#include <sodium.h>
#include <sys/stat.h>

enum { ID_BYTES = 8, SECRET_SIZE = 32, MAX_FILE = 262144, SECRET_TEXT = 43 };

#define PSK_INFO "isomer coap psk"
#define PSK_KEY_BYTES 24u

struct entry {
    struct iso_token token;
    uint8_t hash[crypto_hash_sha256_BYTES];
};

struct iso_token_store {
    char *path;
    size_t path_size;
    size_t count;
    struct entry entries[ISO_TOKEN_MAX_COUNT];
};

const char *iso_token_role_text(enum iso_token_role role)
{
    return role == ISO_TOKEN_OPERATE ? "operate" : "read";
}

bool iso_token_role_parse(struct iso_str text, enum iso_token_role *out)
{
    if (iso_str_equal_z(text, "read")) {
        *out = ISO_TOKEN_READ;
        return true;
    }
    if (iso_str_equal_z(text, "operate")) {
        *out = ISO_TOKEN_OPERATE;
        return true;
    }
    return false;
}

bool iso_token_role_covers(enum iso_token_role has, enum iso_token_role needs)
{
    return has == ISO_TOKEN_OPERATE || needs == ISO_TOKEN_READ;
}

/* ---- Secrets ------------------------------------------------------------------------------ */

static void hash_of(const uint8_t secret[SECRET_SIZE], uint8_t out[crypto_hash_sha256_BYTES])
{
    (void)crypto_hash_sha256(out, secret, SECRET_SIZE);
}

/* 24 bytes of HKDF, fewer than one block, in base64url: 32 characters, since many clients of CoAP
 * take a key as text only. */
static void psk_of(const uint8_t secret[SECRET_SIZE], uint8_t out[ISO_TOKEN_PSK_SIZE])
{
    char text[ISO_TOKEN_PSK_SIZE + 1];
    uint8_t key[crypto_auth_hmacsha256_BYTES];
    static const uint8_t no_salt[crypto_auth_hmacsha256_KEYBYTES];
    static const uint8_t expand[] = PSK_INFO "\x01"; /* the text, then the block's number */
    uint8_t extracted[crypto_auth_hmacsha256_BYTES];
    (void)crypto_auth_hmacsha256(extracted, secret, SECRET_SIZE, no_salt);
    (void)crypto_auth_hmacsha256(key, expand, sizeof expand - 1, extracted);
    (void)sodium_bin2base64(text, sizeof text, key, PSK_KEY_BYTES,
                            sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    memcpy(out, text, ISO_TOKEN_PSK_SIZE);
    sodium_memzero(extracted, sizeof extracted);
    sodium_memzero(key, sizeof key);
    sodium_memzero(text, sizeof text);
}

static bool is_id(struct iso_str text)
{
    if (text.len != ISO_TOKEN_ID_SIZE - 1) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) {
            return false;
        }
    }
    return true;
}

static bool parse(struct iso_str text, struct iso_str *id, uint8_t secret[SECRET_SIZE])
{
    const size_t id_len = ISO_TOKEN_ID_SIZE - 1;
    if (text.len != ISO_TOKEN_TEXT_SIZE - 1 || text.ptr[id_len] != '.' ||
        !is_id(iso_str_from(text.ptr, id_len))) {
        return false;
    }
    size_t len = 0;
    const char *end = NULL;
    if (sodium_base642bin(secret, SECRET_SIZE, text.ptr + id_len + 1, SECRET_TEXT, NULL, &len, &end,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
        len != SECRET_SIZE || end != text.ptr + text.len) {
        return false;
    }
    *id = iso_str_from(text.ptr, id_len);
    return true;
}

bool iso_token_split(struct iso_str text, char id[ISO_TOKEN_ID_SIZE],
                     uint8_t psk[ISO_TOKEN_PSK_SIZE])
{
    struct iso_str id_text;
    uint8_t secret[SECRET_SIZE];
    bool fine = sodium_init() >= 0 && parse(text, &id_text, secret);
    if (fine) {
        memcpy(id, id_text.ptr, id_text.len);
        id[id_text.len] = '\0';
        psk_of(secret, psk);
    }
    sodium_memzero(secret, sizeof secret);
    return fine;
}

/* ---- The file: writing -------------------------------------------------------------------- */

static void member_hex(struct iso_json *json, const char *name, const uint8_t *bytes, size_t len)
{
    char text[2 * ISO_TOKEN_PSK_SIZE + 1];
    ISO_ASSERT(len <= ISO_TOKEN_PSK_SIZE);
    iso_hex_encode(bytes, len, text);
    iso_json_put_z(json, name, text);
    sodium_memzero(text, sizeof text);
}

static enum iso_err store_write_json(const struct iso_token_store *store, struct iso_buf *out)
{
    struct iso_json json;
    iso_json_init_buf(&json, out, 2);
    iso_json_object_begin(&json);
    iso_json_put_u64(&json, "version", 1);
    iso_json_put_array_begin(&json, "tokens");
    for (size_t i = 0; i < store->count; i++) {
        const struct entry *entry = &store->entries[i];
        iso_json_object_begin(&json);
        iso_json_put_z(&json, "id", entry->token.id);
        iso_json_put_z(&json, "role", iso_token_role_text(entry->token.role));
        iso_json_put_z(&json, "label", entry->token.label);
        iso_json_put_u64(&json, "created", entry->token.created_s);
        member_hex(&json, "hash", entry->hash, sizeof entry->hash);
        member_hex(&json, "psk", entry->token.psk, sizeof entry->token.psk);
        iso_json_object_end(&json);
    }
    iso_json_array_end(&json);
    iso_json_object_end(&json);
    return iso_json_finish(&json);
}

static enum iso_err store_save(const struct iso_token_store *store, struct iso_report *report)
{
    struct iso_buf text;
    iso_buf_init(&text, iso_alloc_libc(), MAX_FILE);
    enum iso_err err = store_write_json(store, &text);
    if (err == ISO_OK) {
        err = iso_file_write_atomic(store->path, iso_buf_view(&text), report);
    }
    if (text.ptr != NULL) {
        sodium_memzero(text.ptr, text.cap);
    }
    iso_buf_fini(&text);
    return err;
}

/* ---- The file: reading -------------------------------------------------------------------- */

static bool read_hex(const json_t *object, const char *name, uint8_t out[32])
{
    const json_t *value = json_object_get(object, name);
    size_t len = 0;
    return json_is_string(value) && json_string_length(value) == 64 &&
           sodium_hex2bin(out, 32, json_string_value(value), 64, NULL, &len, NULL) == 0 &&
           len == 32;
}

static bool is_label(struct iso_str label)
{
    if (label.len >= ISO_TOKEN_LABEL_SIZE || !iso_utf8_valid(label.ptr, label.len)) {
        return false;
    }
    for (size_t i = 0; i < label.len; i++) {
        if ((unsigned char)label.ptr[i] < 0x20 || label.ptr[i] == 0x7f) {
            return false;
        }
    }
    return true;
}

static bool read_text(const json_t *object, const char *name, struct iso_str *out)
{
    const json_t *value = json_object_get(object, name);
    if (!json_is_string(value)) {
        return false;
    }
    *out = iso_str_from(json_string_value(value), json_string_length(value));
    return true;
}

static bool read_entry(const json_t *object, struct entry *entry)
{
    struct iso_str id;
    struct iso_str role;
    struct iso_str label;
    const json_t *created = json_object_get(object, "created");
    if (!json_is_object(object) || !read_text(object, "id", &id) || !is_id(id) ||
        !read_text(object, "role", &role) || !iso_token_role_parse(role, &entry->token.role) ||
        !read_text(object, "label", &label) || !is_label(label) || !json_is_integer(created) ||
        json_integer_value(created) < 0 || !read_hex(object, "hash", entry->hash) ||
        !read_hex(object, "psk", entry->token.psk)) {
        return false;
    }
    iso_memory_copy(entry->token.id, id.ptr, id.len);
    iso_memory_copy(entry->token.label, label.ptr, label.len);
    entry->token.created_s = (uint64_t)json_integer_value(created);
    return true;
}

static enum iso_err store_read(struct iso_token_store *store, const json_t *root,
                               struct iso_report *report)
{
    const json_t *version = json_object_get(root, "version");
    const json_t *tokens = json_object_get(root, "tokens");
    if (!json_is_integer(version) || json_integer_value(version) != 1 || !json_is_array(tokens)) {
        return iso_fail(report, ISO_E_MALFORMED,
                        "'%s' is not a file of tokens of version 1: {\"version\":1,\"tokens\":[]}",
                        store->path);
    }
    if (json_array_size(tokens) > ISO_TOKEN_MAX_COUNT) {
        return iso_fail(report, ISO_E_LIMIT, "'%s' has more than %u tokens", store->path,
                        ISO_TOKEN_MAX_COUNT);
    }
    for (size_t i = 0; i < json_array_size(tokens); i++) {
        struct entry entry = {.hash = {0}};
        if (!read_entry(json_array_get(tokens, i), &entry)) {
            return iso_fail(report, ISO_E_MALFORMED, "'%s': token %zu is damaged", store->path, i);
        }
        if (iso_token_find(store, iso_str_from_z(entry.token.id)) != NULL) {
            return iso_fail(report, ISO_E_MALFORMED, "'%s': token %s stands twice", store->path,
                            entry.token.id);
        }
        store->entries[store->count++] = entry;
    }
    return ISO_OK;
}

static enum iso_err store_load(struct iso_token_store *store, struct iso_report *report)
{
    struct iso_file file;
    struct iso_report file_report;
    iso_report_init(&file_report);
    enum iso_err err = iso_file_read(store->path, MAX_FILE, &file, &file_report);
    if (err == ISO_E_NOT_FOUND) {
        return ISO_OK;
    }
    if (err != ISO_OK) {
        return iso_fail(report, err, "%s", iso_report_text(&file_report, err));
    }
    struct stat status;
    json_error_t json_error;
    json_t *root = NULL;
    if (stat(store->path, &status) != 0 || (status.st_mode & 077) != 0) {
        err = iso_fail(report, ISO_E_ACCESS,
                       "'%s' holds keys and others may read it; it should have mode 0600",
                       store->path);
    } else {
        root = json_loadb((const char *)file.bytes.ptr, file.bytes.len, JSON_REJECT_DUPLICATES,
                          &json_error);
        err = root != NULL ? store_read(store, root, report)
                           : iso_fail(report, ISO_E_MALFORMED, "'%s', line %d: %s", store->path,
                                      json_error.line, json_error.text);
    }
    json_decref(root);
    if (file.bytes.len != 0) {
        sodium_memzero((void *)(uintptr_t)file.bytes.ptr, file.bytes.len);
    }
    iso_file_fini(&file);
    return err;
}

enum iso_err iso_token_store_open(const char *path, struct iso_token_store **out,
                                  struct iso_report *report)
{
    if (sodium_init() < 0) {
        return iso_fail(report, ISO_E_IO, "the system gives no random numbers");
    }
    const struct iso_alloc *alloc = iso_alloc_libc();
    struct iso_token_store *store = iso_alloc_new(alloc, sizeof *store);
    if (store == NULL) {
        return ISO_E_NOMEM;
    }
    store->path_size = strlen(path) + 1;
    store->path = iso_alloc_new(alloc, store->path_size);
    if (store->path == NULL) {
        iso_token_store_close(store);
        return ISO_E_NOMEM;
    }
    memcpy(store->path, path, store->path_size);
    enum iso_err err = store_load(store, report);
    if (err != ISO_OK) {
        iso_token_store_close(store);
        return err;
    }
    *out = store;
    return ISO_OK;
}

void iso_token_store_close(struct iso_token_store *store)
{
    if (store != NULL) {
        iso_alloc_free(iso_alloc_libc(), store->path, store->path_size);
        sodium_memzero(store, sizeof *store);
        iso_alloc_free(iso_alloc_libc(), store, sizeof *store);
    }
}

/* ---- Making and finding ------------------------------------------------------------------- */

size_t iso_token_count(const struct iso_token_store *store)
{
    return store->count;
}

const struct iso_token *iso_token_at(const struct iso_token_store *store, size_t index)
{
    return index < store->count ? &store->entries[index].token : NULL;
}

static size_t index_of(const struct iso_token_store *store, struct iso_str id)
{
    size_t index = 0;
    while (index < store->count && !iso_str_equal_z(id, store->entries[index].token.id)) {
        index++;
    }
    return index;
}

const struct iso_token *iso_token_find(const struct iso_token_store *store, struct iso_str id)
{
    return iso_token_at(store, index_of(store, id));
}

const struct iso_token *iso_token_verify(const struct iso_token_store *store, struct iso_str bearer)
{
    static const struct entry nobody;
    struct iso_str id;
    uint8_t secret[SECRET_SIZE];
    uint8_t hash[crypto_hash_sha256_BYTES];
    if (!parse(bearer, &id, secret)) {
        return NULL;
    }
    size_t index = index_of(store, id);
    const struct entry *entry = index < store->count ? &store->entries[index] : &nobody;
    hash_of(secret, hash);
    bool same = sodium_memcmp(hash, entry->hash, sizeof hash) == 0;
    sodium_memzero(secret, sizeof secret);
    sodium_memzero(hash, sizeof hash);
    return same && entry != &nobody ? &entry->token : NULL;
}

/* A new entry and its text. */
static void entry_make(struct entry *entry, char text[ISO_TOKEN_TEXT_SIZE])
{
    uint8_t id[ID_BYTES];
    uint8_t secret[SECRET_SIZE];
    randombytes_buf(id, sizeof id);
    randombytes_buf(secret, sizeof secret);
    iso_hex_encode(id, sizeof id, entry->token.id);
    hash_of(secret, entry->hash);
    psk_of(secret, entry->token.psk);
    memcpy(text, entry->token.id, ISO_TOKEN_ID_SIZE - 1);
    text[ISO_TOKEN_ID_SIZE - 1] = '.';
    (void)sodium_bin2base64(text + ISO_TOKEN_ID_SIZE, SECRET_TEXT + 1, secret, sizeof secret,
                            sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(secret, sizeof secret);
}

enum iso_err iso_token_make(struct iso_token_store *store, enum iso_token_role role,
                            const char *label, uint64_t now_s, char text[ISO_TOKEN_TEXT_SIZE],
                            struct iso_report *report)
{
    struct iso_str label_text = iso_str_from_z(label);
    if (!is_label(label_text)) {
        return iso_fail(report, ISO_E_ARGUMENT,
                        "a token's label is at most %u bytes of UTF-8 without control characters",
                        ISO_TOKEN_LABEL_SIZE - 1);
    }
    if (store->count == ISO_TOKEN_MAX_COUNT) {
        return iso_fail(report, ISO_E_LIMIT, "there are %u tokens; revoke some first",
                        ISO_TOKEN_MAX_COUNT);
    }
    struct entry *entry = &store->entries[store->count];
    char made[ISO_TOKEN_TEXT_SIZE];
    *entry = (struct entry){.token = {.role = role, .created_s = now_s}};
    iso_memory_copy(entry->token.label, label_text.ptr, label_text.len);
    entry_make(entry, made);
    store->count++;
    enum iso_err err = store_save(store, report);
    if (err != ISO_OK) {
        store->count--;
        sodium_memzero(entry, sizeof *entry);
    } else {
        memcpy(text, made, sizeof made);
    }
    sodium_memzero(made, sizeof made);
    return err;
}

enum iso_err iso_token_revoke(struct iso_token_store *store, struct iso_str id,
                              struct iso_report *report)
{
    size_t index = index_of(store, id);
    if (index == store->count) {
        return iso_fail(report, ISO_E_NOT_FOUND, "there is no such token");
    }
    struct entry removed = store->entries[index];
    size_t after = store->count - index - 1;
    memmove(&store->entries[index], &store->entries[index + 1], after * sizeof removed);
    store->count--;
    enum iso_err err = store_save(store, report);
    if (err != ISO_OK) {
        memmove(&store->entries[index + 1], &store->entries[index], after * sizeof removed);
        store->entries[index] = removed;
        store->count++;
    } else {
        sodium_memzero(&store->entries[store->count], sizeof removed);
    }
    sodium_memzero(&removed, sizeof removed);
    return err;
}
