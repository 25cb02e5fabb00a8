/* state.h - what a daemon is, kept in its state directory DIR (0700): a lock, so that there is one
 * daemon to a directory; DIR/identity.pem, its key and certificate; DIR/tokens.json, who may; and
 * DIR/token, the token of this machine's people and programs; while it serves, DIR/local.json,
 * where these find it. Opening blocks. */
#ifndef ISO_DAEMON_STATE_H
#define ISO_DAEMON_STATE_H

#include "daemon/access.h"
#include "net/tls.h"

enum { ISO_STATE_ID_SIZE = 27, ISO_STATE_HOST_SIZE = 64 };

struct iso_state {
    const char *dir; /* kept */
    int lock;        /* descriptor; goes with the process */
    char id[ISO_STATE_ID_SIZE];
    struct iso_tls_identity identity;
};

/* Makes what is missing. program: "supervisor"; host: for the certificate's names (HOST.local);
 * access: gets its tokens and the name of its cookie; must be zeroed. Also after an error,
 * iso_state_close releases what was opened. Errors: ARGUMENT (no or too long a path), EXISTS (in
 * use by another), ACCESS, IO, INVALID (damaged), NOMEM. */
ISO_MUST_CHECK enum iso_err iso_state_open(struct iso_state *state, const char *dir,
                                           const char *program, const char *host,
                                           struct iso_access *access, struct iso_report *report);
/* It serves: writes DIR/local.json. name: its own; http, https: where programs of this machine
 * reach it, empty where they do not. Blocks. Errors: ACCESS, IO, NOMEM. */
ISO_MUST_CHECK enum iso_err iso_state_tell(const struct iso_state *state, const char *name,
                                           const char *http, const char *https,
                                           struct iso_report *report);
/* It does no longer: removes the file. */
void iso_state_untell(const struct iso_state *state);
/* Wipes and releases, the lock last. A state that iso_state_open was never called with must be
 * zeroed. */
void iso_state_close(struct iso_state *state, struct iso_access *access);

/* 26 letters and digits that name a daemon: the first 130 bits of its key's pin in base32 (RFC
 * 4648, in small letters). */
void iso_state_id(const uint8_t pin[ISO_TLS_PIN_SIZE], char out[ISO_STATE_ID_SIZE]);
/* The host's name as the first label of a domain: small letters, digits and hyphens. */
void iso_state_host(char out[ISO_STATE_HOST_SIZE]);

#endif
