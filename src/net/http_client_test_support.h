/* A loop with an HTTP client, servers of ours and servers that misbehave, for tests of the client
 * and of what is built on it. A watchdog ends a test that waits for what does not come. */
#ifndef ISO_NET_HTTP_CLIENT_TEST_SUPPORT_H
#define ISO_NET_HTTP_CLIENT_TEST_SUPPORT_H

#include "base/test.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "net/tls.h"

struct net_test {
    uv_loop_t loop;
    uv_timer_t watchdog;
    struct iso_http_client *client;
    bool client_closed;
};

/* config: loop is filled in; NULL: defaults. */
void net_test_init(struct net_test *test, struct iso_http_client_config *config);
/* Closes the client, if it is open, and the loop: everything else must be closed or closing. */
void net_test_fini(struct net_test *test);
/* Turns of the loop until *flag is at least `value`; fails after 20 s. */
void net_test_until(struct net_test *test, const unsigned *flag, unsigned value);

/* What came of a request. */
struct net_test_result {
    struct net_test *test;
    uint64_t id;
    unsigned calls; /* of on_done */
    unsigned heads, pieces;
    enum iso_http_client_outcome outcome;
    unsigned status;
    bool sent, reused, has_pin;
    uint8_t pin[ISO_HTTP_CLIENT_PIN_SIZE];
    char body[4096]; /* its beginning, also of pieces */
    size_t body_len; /* all of it */
    char type[128];  /* Content-Type */
    char url[256];
    char message[320];
};
/* Starts a request whose end goes to *result. ctx and callbacks are filled in where NULL. */
void net_test_start(struct net_test *test, struct iso_http_client_request *request,
                    struct net_test_result *result);
/* The same, and waits for its end. */
void net_test_do(struct net_test *test, struct iso_http_client_request *request,
                 struct net_test_result *result);
void net_test_get(struct net_test *test, const char *url, struct net_test_result *result);

/* A server of ours on 127.0.0.1. */
struct net_test_server {
    struct iso_http_server *server;
    struct iso_tls_identity identity; /* of https */
    uint16_t port;
    char base[64]; /* "http://127.0.0.1:1234" */
    void (*handle)(struct net_test_server *server, struct iso_http_request *req);
    void *user;
    unsigned requests;
    bool closed;
};
/* address: "127.0.0.1:0" if NULL. */
void net_test_server_open(struct net_test *test, struct net_test_server *server, bool tls,
                          const char *address,
                          void (*handle)(struct net_test_server *server,
                                         struct iso_http_request *req));
void net_test_server_close(struct net_test *test, struct net_test_server *server);
/* Answers with text/plain. */
void net_test_server_say(struct net_test_server *server, struct iso_http_request *req,
                         unsigned status, const char *text);
/* Answers with one more field. */
void net_test_server_say_with(struct net_test_server *server, struct iso_http_request *req,
                              unsigned status, const char *name, const char *value);

/* A server that says what it is told, whatever is asked. */
struct net_test_raw {
    uv_tcp_t listener;
    char base[64];
    const char *reply;             /* when the header of a request is there; NULL: none */
    bool close_after;              /* the reply, or the header */
    bool close_at_once;            /* without reading */
    unsigned close_after_requests; /* of one connection, when there are so many: without a reply */
    unsigned connections, requests;
    struct net_test_raw_conn *open; /* connections */
    bool closed;
};
void net_test_raw_open(struct net_test *test, struct net_test_raw *raw, const char *scheme);
/* Takes no more connections and drops those that are open. */
void net_test_raw_close(struct net_test *test, struct net_test_raw *raw);

#endif
