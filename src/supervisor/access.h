/* access.h - who a request comes from: a bearer token, or the cookie of a page that was signed in
 * by a one-time address. Loop thread. */
#ifndef ISO_SUPERVISOR_ACCESS_H
#define ISO_SUPERVISOR_ACCESS_H

#include "net/http_server.h"
#include "net/token.h"

enum {
    ISO_SV_SESSIONS_MAX = 64, /* signed-in pages; the oldest goes */
    ISO_SV_LOGINS_MAX = 16,   /* addresses that were not used yet */
    ISO_SV_SESSION_SECONDS = 12 * 3600,
    ISO_SV_LOGIN_SECONDS = 120,
    ISO_SV_SECRET_SIZE = 44 /* 32 random bytes in base64url, with the zero byte */
};

/* One page, or one address for becoming one. The token that made it must still be there. */
struct iso_sv_session {
    char secret[ISO_SV_SECRET_SIZE]; /* empty: free */
    char token_id[ISO_TOKEN_ID_SIZE];
    uint64_t until_s; /* monotonic */
};

struct iso_sv_access_state {
    struct iso_token_store *tokens; /* kept */
    /* Name of the cookie: browsers share cookies between the ports of a machine. */
    char cookie[32];
    struct iso_sv_session sessions[ISO_SV_SESSIONS_MAX];
    struct iso_sv_session logins[ISO_SV_LOGINS_MAX];
};

/* The token behind a request's credential; NULL when it has none or a wrong one; *given says
 * whether it had any. Borrowed until the store changes. */
const struct iso_token *iso_sv_access_check(struct iso_sv_access_state *access,
                                            const struct iso_http_request *req, uint64_t now_s,
                                            bool *given);
/* A one-time secret for an address to sign in with the rights of a token. Borrowed until the next.
 */
const char *iso_sv_access_login(struct iso_sv_access_state *access, const struct iso_token *token,
                                uint64_t now_s);
/* Uses one up: the secret of the new session's cookie; NULL when the address is wrong or old. */
const char *iso_sv_access_sign_in(struct iso_sv_access_state *access, struct iso_str secret,
                                  uint64_t now_s);

#endif
