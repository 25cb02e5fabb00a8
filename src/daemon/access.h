/* access.h - who a request comes from: a bearer token, or the cookie of a page that was signed in
 * by a one-time address. Pages stay signed in when the daemon is started anew: their sessions are
 * in a file. Loop thread. */
#ifndef ISO_DAEMON_ACCESS_H
#define ISO_DAEMON_ACCESS_H

#include "net/http_server.h"
#include "net/token.h"
#include "platform/platform.h"

enum {
    ISO_ACCESS_SESSIONS_MAX = 64, /* signed-in pages; the oldest goes */
    ISO_ACCESS_LOGINS_MAX = 16,   /* addresses that were not used yet */
    ISO_ACCESS_SESSION_SECONDS = 12 * 3600,
    ISO_ACCESS_LOGIN_SECONDS = 120,
    ISO_ACCESS_SECRET_SIZE = 44 /* 32 random bytes in base64url, with the zero byte */
};

/* One page, or one address for becoming one. The token that made it must still be there. */
struct iso_access_session {
    uint8_t secret[ISO_SHA256_SIZE]; /* SHA-256 of it */
    char token_id[ISO_TOKEN_ID_SIZE];
    uint64_t until_s; /* monotonic; 0: free */
};

struct iso_access {
    struct iso_token_store *tokens; /* kept; iso_state_open sets it */
    /* Name of the cookie: browsers share cookies between the ports of a machine. Set likewise. */
    char cookie[32];
    /* Of the file with the sessions; set likewise. Empty: they end with the daemon. */
    char path[ISO_PATH_MAX];
    /* A token was withdrawn over HTTP; what was open with it over HTTP has been dropped. For what
     * else the daemon has open. NULL: nothing. */
    void (*withdrawn)(void *ctx, struct iso_str token_id);
    void *ctx;
    struct iso_access_session sessions[ISO_ACCESS_SESSIONS_MAX];
    struct iso_access_session logins[ISO_ACCESS_LOGINS_MAX];
};

/* The token behind a request's credential; NULL when it has none or a wrong one; *given says
 * whether it had any. Borrowed until the store changes. */
const struct iso_token *iso_access_check(struct iso_access *access,
                                         const struct iso_http_request *req, uint64_t now_s,
                                         bool *given);
/* A one-time secret for an address to sign in with the rights of a token. */
void iso_access_login(struct iso_access *access, const struct iso_token *token, uint64_t now_s,
                      char secret[ISO_ACCESS_SECRET_SIZE]);
/* Uses one up: `cookie` gets the secret of the new session's cookie. False when the address is
 * wrong or old. Blocks for writing the file. */
bool iso_access_sign_in(struct iso_access *access, struct iso_str secret, uint64_t now_s,
                        char cookie[ISO_ACCESS_SECRET_SIZE]);
/* Ends the session of a request's cookie, if it has one. Blocks for writing the file. */
void iso_access_sign_out(struct iso_access *access, const struct iso_http_request *req,
                         uint64_t now_s);

/* access_sessions.c. The file: reading it when the daemon starts, writing it after a change. What
 * cannot be read or written is as if it were not there: people sign in again. Blocks. */
void iso_access_sessions_read(struct iso_access *access, uint64_t now_s);
void iso_access_sessions_write(const struct iso_access *access, uint64_t now_s);

#endif
