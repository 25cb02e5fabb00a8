/* access.h - who a request comes from: a bearer token, or the cookie of a page that was signed in
 * by a one-time address. Loop thread. */
#ifndef ISO_DAEMON_ACCESS_H
#define ISO_DAEMON_ACCESS_H

#include "net/http_server.h"
#include "net/token.h"

enum {
    ISO_ACCESS_SESSIONS_MAX = 64, /* signed-in pages; the oldest goes */
    ISO_ACCESS_LOGINS_MAX = 16,   /* addresses that were not used yet */
    ISO_ACCESS_SESSION_SECONDS = 12 * 3600,
    ISO_ACCESS_LOGIN_SECONDS = 120,
    ISO_ACCESS_SECRET_SIZE = 44 /* 32 random bytes in base64url, with the zero byte */
};

/* One page, or one address for becoming one. The token that made it must still be there. */
struct iso_access_session {
    char secret[ISO_ACCESS_SECRET_SIZE]; /* empty: free */
    char token_id[ISO_TOKEN_ID_SIZE];
    uint64_t until_s; /* monotonic */
};

struct iso_access {
    struct iso_token_store *tokens; /* kept; iso_state_open sets it */
    /* Name of the cookie: browsers share cookies between the ports of a machine. Set likewise. */
    char cookie[32];
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
/* A one-time secret for an address to sign in with the rights of a token. Borrowed until the next.
 */
const char *iso_access_login(struct iso_access *access, const struct iso_token *token,
                             uint64_t now_s);
/* Uses one up: the secret of the new session's cookie; NULL when the address is wrong or old. */
const char *iso_access_sign_in(struct iso_access *access, struct iso_str secret, uint64_t now_s);
/* Ends the session of a request's cookie, if it has one. */
void iso_access_sign_out(struct iso_access *access, const struct iso_http_request *req);

#endif
