/*
 * announce.h - tells a server that we are here, for networks that multicast does not cross: one
 * small POST (HTTP/1.1, RFC 9112; TLS where the address says so), again and again.
 *
 * The certificate of the server is not looked at: what is sent is what mDNS would tell everybody,
 * and of the answer only its status counts. So nothing secret may be in the body.
 *
 * After a success it is repeated every max_ms, after a failure sooner: after first_ms, twice as
 * long, ..., at most max_ms; a second after addresses of this machine have changed (rtnetlink). The
 * times are spread by a quarter, so that many devices that start together do not come together.
 *
 * Needs libuv and GnuTLS only. Loop thread; nothing blocks (names are looked up on libuv's thread
 * pool, where a slow server of names occupies one thread).
 */
#ifndef ISO_NET_ANNOUNCE_H
#define ISO_NET_ANNOUNCE_H

#include <uv.h>

#include "base/base.h"

struct iso_announce;

enum {
    ISO_ANNOUNCE_BODY_MAX = 4096,
    ISO_ANNOUNCE_URL_MAX = 512,
    ISO_ANNOUNCE_FIRST_MS = 2000,
    ISO_ANNOUNCE_MAX_MS = 300000
};

struct iso_announce_config {
    uv_loop_t *loop;  /* kept */
    const char *url;  /* "https://HOST[:PORT][/PATH]", or http; borrowed */
    const char *path; /* appended to it: "/v1/register"; borrowed */
    /* Writes the body, JSON of at most ISO_ANNOUNCE_BODY_MAX bytes, anew for each request. An error
     * counts as a failure. */
    enum iso_err (*write)(void *ctx, struct iso_buf *out);
    /* One request is over: ISO_OK: a status of 2xx. NOT_FOUND: the name; IO: the network, TLS, or
     * no answer in time; MALFORMED: no HTTP; REFUSED: another status. May be NULL. */
    void (*told)(void *ctx, enum iso_err err, const struct iso_report *report);
    void *ctx;
    uint32_t first_ms, max_ms, timeout_ms; /* 0: as above; 15,000 for one request */
};

/* Whether a text is such an address. Errors: ARGUMENT, with what would be one. */
ISO_MUST_CHECK enum iso_err iso_announce_check(const char *url, struct iso_report *report);

/* The first request is made at once, from the loop. Errors: those of iso_announce_check; NOMEM, IO.
 */
ISO_MUST_CHECK enum iso_err iso_announce_create(const struct iso_announce_config *config,
                                                struct iso_announce **out,
                                                struct iso_report *report);
/* What is told has changed: tells it in a second, and begins its waiting anew. */
void iso_announce_again(struct iso_announce *announce);
/* Ends it; write and told are not called any more. closed(ctx) comes from the loop as the last. */
void iso_announce_close(struct iso_announce *announce, void (*closed)(void *ctx), void *ctx);

#endif
