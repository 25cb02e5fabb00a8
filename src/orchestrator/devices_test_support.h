/* devices_test_support.h - for tests of the devices: supervisors that are played, over real HTTP
 * and TLS in the same loop, and a world with an orchestrator's devices in it. */
#ifndef ISO_ORCHESTRATOR_DEVICES_TEST_SUPPORT_H
#define ISO_ORCHESTRATOR_DEVICES_TEST_SUPPORT_H

#include "net/http_server.h"
#include "net/pairing.h"
#include "net/token.h"
#include "orchestrator/devices_state.h"

enum { FAKE_SEEN = 64, WORLD_EVENTS = 64, WORLD_WAIT_MS = 60000, WORLD_SPEED = 20 };

/* A supervisor that is played. What is not zeroed is how it behaves. */
struct fake {
    struct iso_http_server *server;
    struct iso_tls_identity identity;
    char id[ISO_STATE_ID_SIZE], name[32];
    char https[ISO_OR_URL_SIZE], http[ISO_OR_URL_SIZE]; /* where it listens */
    uint16_t https_port;
    uint64_t boot, revision;
    char owner[ISO_OR_ID_SIZE], owner_name[32]; /* empty: nobody */
    char labels[128];                           /* JSON; empty: {} */
    char tokens[4][ISO_TOKEN_TEXT_SIZE];        /* those that it knows */
    struct iso_pairing_device pairing;
    char code[ISO_PAIRING_CODE_TEXT_SIZE];
    unsigned owner_status;   /* answered to PUT /v1/owner instead; 0: as it should */
    unsigned beat_status;    /* likewise to heartbeats */
    bool silent;             /* requests are not answered */
    const char *lies_id;     /* it says that it is this one */
    const struct fake *twin; /* it has the key and the tokens of this one */
    /* Answers requests that are none of the above. */
    void (*other)(struct fake *fake, struct iso_http_request *req);
    void *user;
    /* What came: "GET /path", the latest; how many. */
    char seen[FAKE_SEEN][64];
    unsigned seen_count, made_tokens;
    unsigned strangers; /* tokens came that it does not know */
    bool secret_seen;   /* an Authorization came */
    bool closed;
};

struct world {
    uv_loop_t loop;
    uv_timer_t timer;
    struct iso_or_store *store;
    struct iso_http_client *http;
    struct iso_or_devices *devices;
    char identity[64]; /* path */
    uint64_t wait_until_ms;
    bool timed_out, closed;
    /* What the devices told. */
    char events[WORLD_EVENTS][128]; /* "device-added den" */
    unsigned event_count, changes, gone;
    /* The end of an add or a remove. */
    unsigned done;
    enum iso_err err;
    struct iso_report report;
    char device[ISO_OR_ID_SIZE];
};

/* An orchestrator's devices, none yet; in memory. */
void world_open(struct world *world);
/* The devices are closed and opened again over the same store. */
void world_reopen(struct world *world);
/* Only the devices; world_close closes the rest. */
void world_close_devices(struct world *world);
void world_close(struct world *world);
/* Runs the loop until it holds; fails the test when it does not in time. */
#define WORLD_UNTIL(world, condition)                                                              \
    do {                                                                                           \
        world_begin_wait(world);                                                                   \
        while (!(condition) && world_turn(world)) {                                                \
        }                                                                                          \
        CHECK(condition);                                                                          \
    } while (0)
void world_begin_wait(struct world *world);
bool world_turn(struct world *world);
/* Adds and waits for the end; its error. Texts may be NULL. */
enum iso_err world_add(struct world *world, const char *address, const char *code,
                       const char *token, const char *pin, bool take_over);
enum iso_err world_remove(struct world *world, const char *id, bool forget);
bool world_has_event(const struct world *world, const char *text);
const struct iso_or_device *world_device(const struct world *world, const char *id_or_name);

void fake_open(struct fake *fake, struct world *world, const char *name);
void fake_close(struct fake *fake, struct world *world);
/* It is asked for a code. */
const char *fake_code(struct fake *fake, struct world *world);
bool fake_saw(const struct fake *fake, const char *request);
void fake_pin(const struct fake *fake, char out[ISO_TLS_PIN_TEXT_SIZE]);

#endif
