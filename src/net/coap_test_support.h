/* A server and a link to it over real sockets of the loopback interface, for tests. */
#ifndef ISO_NET_COAP_TEST_SUPPORT_H
#define ISO_NET_COAP_TEST_SUPPORT_H

#include "base/test.h"
#include "net/coap.h"

#define COAP_TEST_IDENTITY "device-a"
#define COAP_TEST_KEY "0123456789abcdef"
enum { COAP_TEST_PRINCIPAL = 4711, COAP_TEST_CALLS = 512 };

/* How a call ended. */
struct coap_test_result {
    unsigned times;
    enum iso_coap_outcome outcome;
    uint8_t code;
    int32_t format;
    uint8_t *payload;
    size_t len;
};

struct coap_test {
    struct iso_alloc_test memory;
    uv_loop_t loop;
    uv_timer_t guard;
    bool late;
    struct iso_coap_limits limits;
    struct iso_coap_server *server;
    struct iso_coap_client *client;
    struct iso_coap_peer *peer;
    struct sockaddr_storage addresses[4]; /* by transport */
    /* What the server saw last, and how it behaves. */
    unsigned requests;
    uint64_t last_id;
    enum iso_coap_observe last_observe;
    bool last_secure;
    uint64_t last_principal;
    char last_identity[64];
    char last_path[128];
    char last_query[128];
    int32_t last_format;
    int32_t last_accept;
    size_t last_len;
    uint64_t last_sum; /* of the payload's bytes */
    bool hold;         /* answers nothing by itself */
    uint64_t *ids;     /* NULL, or where the numbers of all requests go */
    bool key_withdrawn;
    unsigned observers_told;
    uint32_t observers;
    unsigned value; /* what /value represents */
    /* The link's states. */
    unsigned states;
    enum iso_coap_peer_state state;
    struct coap_test_result results[COAP_TEST_CALLS];
};

/* Server with a listener for each transport, and client; both on the counting allocator. */
void coap_test_start(struct coap_test *test);
/* Destroys what is there, closes the loop and checks that no memory is left. */
void coap_test_stop(struct coap_test *test);
/* Creates the server, at the addresses that it had before if it had any. */
void coap_test_server_create(struct coap_test *test);
void coap_test_server_destroy(struct coap_test *test);
/* A link over a transport, with an identity and a key (NULL: the right ones). */
void coap_test_peer_create(struct coap_test *test, enum iso_coap_transport transport,
                           const char *identity, const char *key);

/* Runs the loop until `done` says so; fails after ten seconds. */
void coap_test_until(struct coap_test *test, bool (*done)(const struct coap_test *test));
/* Runs the loop until call `number` has ended. */
const struct coap_test_result *coap_test_wait(struct coap_test *test, size_t number);
/* Begins call `number`. */
uint64_t coap_test_call(struct coap_test *test, size_t number, const struct iso_coap_call *call);
/* The same with these, and waits. */
const struct coap_test_result *coap_test_request(struct coap_test *test, uint8_t method,
                                                 const char *path, const void *payload, size_t len);
/* Bytes that differ from place to place; released with iso_alloc_free(iso_alloc_libc()). */
uint8_t *coap_test_bytes(size_t len);
uint64_t coap_test_sum(const uint8_t *bytes, size_t len);

#endif
