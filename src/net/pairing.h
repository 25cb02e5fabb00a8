/*
 * pairing.h - how a device and an orchestrator come to know each other: a code of 80 bits that a
 * person carries from one to the other. Both sides of the protocol, without sockets and clocks; the
 * messages are JSON for POST /v1/pairing/start and /v1/pairing/finish. What is in them, and why
 * somebody in the middle fails, is in docs/internals/pairing.md.
 *
 *   device                                      orchestrator
 *   iso_pairing_device_open -> code, shown      iso_pairing_client_init with the code
 *                        <---- start ----       iso_pairing_client_start
 *   iso_pairing_device_start
 *                        ---- answer ---->      iso_pairing_client_check, with the pin of the TLS
 *                                               connection on which the answer came
 *                        <---- finish ---       (its output)
 *   iso_pairing_device_finish; make a token
 *   iso_pairing_device_grant
 *                        ---- token ----->      iso_pairing_client_finish
 *
 * A pin is the SHA-256 of a public key (tls.h). The structs are the caller's and are to be wiped
 * with iso_pairing_*_fini. Nothing blocks. One thread at a time.
 */
#ifndef ISO_NET_PAIRING_H
#define ISO_NET_PAIRING_H

#include "base/base.h"

#define ISO_PAIRING_PIN_SIZE 32u
#define ISO_PAIRING_NONCE_SIZE 32u
#define ISO_PAIRING_CODE_SIZE 10u
/* "XXXX-XXXX-XXXX-XXXX" and the zero byte. */
#define ISO_PAIRING_CODE_TEXT_SIZE 20u
/* A code is good for so many attempts, and so long. */
#define ISO_PAIRING_TRIES 5u
#define ISO_PAIRING_LIFETIME_MS UINT64_C(600000)
/* The longest message of either side, in bytes. */
#define ISO_PAIRING_MAX_MESSAGE 4096u
/* The longest token, in characters. */
#define ISO_PAIRING_MAX_TOKEN 127u

/* ---- Codes -------------------------------------------------------------------------------- */

/* Crockford's base32, four by four: no I, L, O, U. */
void iso_pairing_code_text(const uint8_t code[ISO_PAIRING_CODE_SIZE],
                           char out[ISO_PAIRING_CODE_TEXT_SIZE]);
/* Any case; dashes and blanks anywhere; I and L are 1, O is 0. Errors: ARGUMENT. */
ISO_MUST_CHECK enum iso_err iso_pairing_code_parse(struct iso_str text,
                                                   uint8_t code[ISO_PAIRING_CODE_SIZE],
                                                   struct iso_report *report);

/* ---- The device --------------------------------------------------------------------------- */

struct iso_pairing_session {
    bool open;
    uint8_t id[8];
    uint8_t expected[32]; /* the proof that the orchestrator has to give */
    uint8_t peer_pin[ISO_PAIRING_PIN_SIZE];
};

struct iso_pairing_device {
    bool open;
    uint8_t key[32]; /* made of the code */
    uint8_t pin[ISO_PAIRING_PIN_SIZE];
    uint64_t expires_ms;
    uint32_t tries; /* started so far */
    struct iso_pairing_session sessions[ISO_PAIRING_TRIES];
};

/*
 * Opens the door with a new random code, to be shown to a person; a code before it is dead.
 * now_ms: a clock that does not jump. Errors: IO (no random numbers).
 */
ISO_MUST_CHECK enum iso_err iso_pairing_device_open(struct iso_pairing_device *device,
                                                    const uint8_t pin[ISO_PAIRING_PIN_SIZE],
                                                    uint64_t now_ms,
                                                    char code[ISO_PAIRING_CODE_TEXT_SIZE]);
/* Whether a code is out and still good for an attempt or for finishing one. */
bool iso_pairing_device_is_open(const struct iso_pairing_device *device, uint64_t now_ms);
void iso_pairing_device_fini(struct iso_pairing_device *device); /* the code is dead; wipes */

/*
 * An orchestrator's start message; appends the answer. Uses up one try. Errors: STATE (no code is
 * out: not opened, too old, used), LIMIT (the tries are used up), MALFORMED (not counted), NOMEM.
 */
ISO_MUST_CHECK enum iso_err iso_pairing_device_start(struct iso_pairing_device *device,
                                                     uint64_t now_ms, struct iso_bytes message,
                                                     struct iso_buf *answer,
                                                     struct iso_report *report);

/*
 * Its finish message. After success the code is dead, *peer_pin is the orchestrator's pin, and it
 * is to be given a token. Errors: STATE (as above), ACCESS (it does not know the code, or the
 * session is unknown or was used before), MALFORMED.
 */
ISO_MUST_CHECK enum iso_err iso_pairing_device_finish(struct iso_pairing_device *device,
                                                      uint64_t now_ms, struct iso_bytes message,
                                                      uint8_t peer_pin[ISO_PAIRING_PIN_SIZE],
                                                      struct iso_report *report);

/* Appends the answer to a finish that succeeded: the token (borrowed). Errors: NOMEM. */
ISO_MUST_CHECK enum iso_err iso_pairing_device_grant(const char *token, struct iso_buf *answer);

/* ---- The orchestrator --------------------------------------------------------------------- */

struct iso_pairing_client {
    uint8_t key[32];
    uint8_t pin[ISO_PAIRING_PIN_SIZE];
    uint8_t nonce[ISO_PAIRING_NONCE_SIZE];
    enum { ISO_PAIRING_NEW, ISO_PAIRING_STARTED, ISO_PAIRING_CHECKED, ISO_PAIRING_DONE } stage;
};

/* code: as a person typed it. pin: the orchestrator's own. Errors: ARGUMENT (the code), IO. */
ISO_MUST_CHECK enum iso_err iso_pairing_client_init(struct iso_pairing_client *client,
                                                    struct iso_str code,
                                                    const uint8_t pin[ISO_PAIRING_PIN_SIZE],
                                                    struct iso_report *report);
void iso_pairing_client_fini(struct iso_pairing_client *client);

/* Appends the start message. Nothing in it is secret. Errors: STATE (called twice), NOMEM. */
ISO_MUST_CHECK enum iso_err iso_pairing_client_start(struct iso_pairing_client *client,
                                                     struct iso_buf *message);

/*
 * The device's answer. device_pin: of the TLS connection on which it came; the next message must go
 * over that connection or one with the same pin. Appends the finish message. Errors: ACCESS (the
 * other side does not know the code, or is not who it claims to be: send nothing more), STATE,
 * MALFORMED, NOMEM.
 */
ISO_MUST_CHECK enum iso_err iso_pairing_client_check(struct iso_pairing_client *client,
                                                     const uint8_t device_pin[ISO_PAIRING_PIN_SIZE],
                                                     struct iso_bytes answer,
                                                     struct iso_buf *message,
                                                     struct iso_report *report);

/* The device's last answer: the token, zero-terminated. Errors: STATE, MALFORMED. */
ISO_MUST_CHECK enum iso_err iso_pairing_client_finish(struct iso_pairing_client *client,
                                                      struct iso_bytes answer,
                                                      char token[ISO_PAIRING_MAX_TOKEN + 1],
                                                      struct iso_report *report);

#endif
