/* access.c - tokens, sessions of pages and the addresses that begin them; see access.h. */
#include "daemon/access.h"

#include <sodium.h>

#include <string.h>

enum { SHARE = 4 }; /* of one token */

static void make_secret(char out[ISO_ACCESS_SECRET_SIZE])
{
    uint8_t random[32];
    randombytes_buf(random, sizeof random);
    (void)sodium_bin2base64(out, ISO_ACCESS_SECRET_SIZE, random, sizeof random,
                            sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(random, sizeof random);
}

static void hash_secret(const char *secret, uint8_t out[ISO_SHA256_SIZE])
{
    struct iso_sha256 hash;
    iso_sha256_init(&hash);
    iso_sha256_update(&hash, secret, ISO_ACCESS_SECRET_SIZE - 1);
    iso_sha256_final(&hash, out);
}

/* Gives it out: what is kept is not what was given. */
static void begin(struct iso_access_session *session, const char *token_id, uint64_t until_s,
                  char secret[ISO_ACCESS_SECRET_SIZE])
{
    make_secret(secret);
    hash_secret(secret, session->secret);
    memmove(session->token_id, token_id, sizeof session->token_id);
    session->until_s = until_s;
}

/* A free or dead one, else the one that ends first: of the same token when that has its share. */
static struct iso_access_session *take(struct iso_access_session *sessions, size_t count,
                                       const char *token_id, uint64_t now_s)
{
    struct iso_access_session *best = &sessions[0], *own = NULL;
    size_t own_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (sessions[i].until_s > now_s && strcmp(sessions[i].token_id, token_id) == 0) {
            own_count++;
            own = own == NULL || sessions[i].until_s < own->until_s ? &sessions[i] : own;
        }
    }
    if (own_count >= SHARE) {
        return own;
    }
    for (size_t i = 0; i < count; i++) {
        if (sessions[i].until_s <= now_s) {
            return &sessions[i];
        }
        if (sessions[i].until_s < best->until_s) {
            best = &sessions[i];
        }
    }
    return best;
}

static struct iso_access_session *find(struct iso_access_session *sessions, size_t count,
                                       struct iso_str secret, uint64_t now_s)
{
    struct iso_access_session *found = NULL;
    uint8_t hash[ISO_SHA256_SIZE];
    if (secret.len != ISO_ACCESS_SECRET_SIZE - 1) {
        return NULL;
    }
    hash_secret(secret.ptr, hash);
    for (size_t i = 0; i < count; i++) {
        struct iso_access_session *session = &sessions[i];
        if (session->until_s > now_s && sodium_memcmp(session->secret, hash, sizeof hash) == 0) {
            found = session;
        }
    }
    return found;
}

const struct iso_token *iso_access_check(struct iso_access *access,
                                         const struct iso_http_request *req, uint64_t now_s,
                                         bool *given)
{
    struct iso_str text;
    *given = true;
    if (iso_http_request_bearer(req, &text)) {
        return iso_token_verify(access->tokens, text);
    }
    if (iso_http_request_cookie(req, access->cookie, &text)) {
        const struct iso_access_session *session =
            find(access->sessions, ISO_ACCESS_SESSIONS_MAX, text, now_s);
        return session != NULL ? iso_token_find(access->tokens, iso_str_from_z(session->token_id))
                               : NULL;
    }
    *given = false;
    return NULL;
}

void iso_access_login(struct iso_access *access, const struct iso_token *token, uint64_t now_s,
                      char secret[ISO_ACCESS_SECRET_SIZE])
{
    struct iso_access_session *login =
        take(access->logins, ISO_ACCESS_LOGINS_MAX, token->id, now_s);
    begin(login, token->id, now_s + ISO_ACCESS_LOGIN_SECONDS, secret);
}

bool iso_access_sign_in(struct iso_access *access, struct iso_str secret, uint64_t now_s,
                        char cookie[ISO_ACCESS_SECRET_SIZE])
{
    struct iso_access_session *login = find(access->logins, ISO_ACCESS_LOGINS_MAX, secret, now_s);
    if (login == NULL) {
        return false;
    }
    struct iso_access_session *session =
        take(access->sessions, ISO_ACCESS_SESSIONS_MAX, login->token_id, now_s);
    begin(session, login->token_id, now_s + ISO_ACCESS_SESSION_SECONDS, cookie);
    sodium_memzero(login, sizeof *login);
    iso_access_sessions_write(access, now_s);
    return true;
}

void iso_access_sign_out(struct iso_access *access, const struct iso_http_request *req,
                         uint64_t now_s)
{
    struct iso_str text;
    struct iso_access_session *session =
        iso_http_request_cookie(req, access->cookie, &text)
            ? find(access->sessions, ISO_ACCESS_SESSIONS_MAX, text, now_s)
            : NULL;
    if (session != NULL) {
        sodium_memzero(session, sizeof *session);
        iso_access_sessions_write(access, now_s);
    }
}
