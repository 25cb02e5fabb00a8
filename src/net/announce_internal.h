/* announce_internal.h - one request of announce.h. Loop thread. */
#ifndef ISO_NET_ANNOUNCE_INTERNAL_H
#define ISO_NET_ANNOUNCE_INTERNAL_H

#include "net/announce.h"

struct iso_announce_url {
    bool tls;
    bool is_name;   /* the host is no address in digits */
    char host[254]; /* without brackets */
    char port[6];
    char authority[ISO_ANNOUNCE_URL_MAX]; /* as in the text, for Host */
    char path[ISO_ANNOUNCE_URL_MAX];      /* without a slash at its end */
};

ISO_MUST_CHECK enum iso_err iso_announce_url_parse(const char *text, struct iso_announce_url *out,
                                                   struct iso_report *report);

struct iso_announce_request;

/* done comes exactly once, from the loop, when no handle of the request is left; after a cancel
 * with ISO_E_STATE. body: borrowed (copied). Errors: NOMEM. */
ISO_MUST_CHECK enum iso_err iso_announce_request_start(
    uv_loop_t *loop, const struct iso_announce_url *url, const char *path, struct iso_bytes body,
    uint32_t timeout_ms, void (*done)(void *ctx, enum iso_err err, const struct iso_report *report),
    void *ctx, struct iso_announce_request **out);
void iso_announce_request_cancel(struct iso_announce_request *request);

/* The status of an answer that begins with `text` (RFC 9112, section 4); 0: that is no HTTP. */
unsigned iso_announce_status(struct iso_str text);

#endif
