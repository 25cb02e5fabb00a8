/* announce.c - when to tell it: at once, again and again, and when addresses change; announce.h. */
#include "net/announce_internal.h"

#include "base/format.h"
#include "net/mdns_system.h"

#include <gnutls/crypto.h>
#include <unistd.h>

enum { CHANGE_MS = 1000, TIMEOUT_MS = 15000, PATH_MAX_BYTES = 64 };

struct iso_announce {
    uv_loop_t *loop;
    struct iso_announce_url url;
    char path[PATH_MAX_BYTES];
    enum iso_err (*write)(void *ctx, struct iso_buf *out);
    void (*told)(void *ctx, enum iso_err err, const struct iso_report *report);
    void *ctx;
    uint32_t first_ms, max_ms, timeout_ms;
    uint32_t wait_ms; /* after the next failure */
    uv_timer_t timer;
    uv_poll_t watch; /* of addresses */
    int watch_fd;
    uint64_t addresses;                   /* that there were: see sum_addresses */
    struct iso_announce_request *request; /* under way */
    bool changed;                         /* meanwhile */
    bool closing;
    unsigned handles; /* with libuv or under way */
    void (*closed)(void *ctx);
    void *closed_ctx;
};

/* ---- When ----------------------------------------------------------------------------------- */

static void on_timer(uv_timer_t *timer);

/* A quarter more or less. */
static uint64_t spread(uint32_t ms)
{
    uint16_t random = 0;
    (void)gnutls_rnd(GNUTLS_RND_NONCE, &random, sizeof random);
    return ms - ms / 4u + (uint64_t)(ms / 2u) * random / UINT16_MAX;
}

static void wait_then_tell(struct iso_announce *announce, uint64_t ms)
{
    uv_update_time(announce->loop); /* from now, not from when the loop woke up */
    (void)uv_timer_start(&announce->timer, on_timer, ms, 0);
}

static void let_go(struct iso_announce *announce)
{
    if (--announce->handles != 0) {
        return;
    }
    void (*closed)(void *ctx) = announce->closed;
    void *ctx = announce->closed_ctx;
    if (announce->watch_fd >= 0) {
        (void)close(announce->watch_fd);
    }
    iso_alloc_free(iso_alloc_libc(), announce, sizeof *announce);
    if (closed != NULL) {
        closed(ctx);
    }
}

static void go_on(struct iso_announce *announce, enum iso_err err, const struct iso_report *report)
{
    if (announce->changed) {
        announce->changed = false;
        announce->wait_ms = announce->first_ms;
        wait_then_tell(announce, CHANGE_MS);
    } else if (err == ISO_OK) {
        announce->wait_ms = announce->first_ms;
        wait_then_tell(announce, spread(announce->max_ms));
    } else {
        wait_then_tell(announce, spread(announce->wait_ms));
        announce->wait_ms =
            announce->wait_ms > announce->max_ms / 2 ? announce->max_ms : announce->wait_ms * 2;
    }
    if (announce->told != NULL) {
        announce->told(announce->ctx, err, report);
    }
}

static void on_told(void *ctx, enum iso_err err, const struct iso_report *report)
{
    struct iso_announce *announce = ctx;
    announce->request = NULL;
    if (!announce->closing) {
        go_on(announce, err, report);
    }
    let_go(announce);
}

static void on_timer(uv_timer_t *timer)
{
    struct iso_announce *announce = timer->data;
    struct iso_buf body;
    struct iso_report report;
    iso_report_init(&report);
    iso_buf_init(&body, iso_alloc_libc(), ISO_ANNOUNCE_BODY_MAX);
    enum iso_err err = announce->write(announce->ctx, &body);
    if (err == ISO_OK) {
        err = iso_announce_request_start(announce->loop, &announce->url, announce->path,
                                         iso_buf_view(&body), announce->timeout_ms, on_told,
                                         announce, &announce->request);
    }
    iso_buf_fini(&body);
    if (err == ISO_OK) {
        announce->handles++;
    } else {
        go_on(announce, err, &report);
    }
}

void iso_announce_again(struct iso_announce *announce)
{
    if (announce->closing) {
        return;
    }
    if (announce->request != NULL) {
        announce->changed = true;
        return;
    }
    announce->wait_ms = announce->first_ms;
    wait_then_tell(announce, CHANGE_MS);
}

/* ---- Addresses ------------------------------------------------------------------------------ */

/* A number that is another one when the addresses of this machine are others, in whatever order. */
static uint64_t sum_addresses(void)
{
    uv_interface_address_t *list;
    uint64_t sum = 0;
    int count = 0;
    if (uv_interface_addresses(&list, &count) != 0) {
        return 0;
    }
    for (int i = 0; i < count; i++) {
        const bool is_6 = list[i].address.address4.sin_family == AF_INET6;
        const uint8_t *bytes = is_6 ? (const uint8_t *)&list[i].address.address6.sin6_addr
                                    : (const uint8_t *)&list[i].address.address4.sin_addr;
        uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */
        for (size_t k = 0; k < (is_6 ? 16u : 4u); k++) {
            hash = (hash ^ bytes[k]) * UINT64_C(1099511628211);
        }
        sum += list[i].is_internal ? 0 : hash;
    }
    uv_free_interface_addresses(list, count);
    return sum;
}

/* Renewed lifetimes are told as changes, too. */
static void on_links(uv_poll_t *poll, int status, int events)
{
    struct iso_announce *announce = poll->data;
    (void)events;
    if (status < 0) {
        (void)uv_poll_stop(poll);
        return;
    }
    iso_mdns_links_drain(announce->watch_fd);
    const uint64_t now = sum_addresses();
    if (now != announce->addresses) {
        announce->addresses = now;
        iso_announce_again(announce);
    }
}

/* ---- Life ----------------------------------------------------------------------------------- */

enum iso_err iso_announce_create(const struct iso_announce_config *config,
                                 struct iso_announce **out, struct iso_report *report)
{
    struct iso_announce_url url;
    enum iso_err err = iso_announce_url_parse(config->url, &url, report);
    if (err != ISO_OK) {
        return err;
    }
    struct iso_announce *announce = iso_alloc_new(iso_alloc_libc(), sizeof *announce);
    if (announce == NULL) {
        return ISO_E_NOMEM;
    }
    *announce = (struct iso_announce){
        .loop = config->loop,
        .url = url,
        .write = config->write,
        .told = config->told,
        .ctx = config->ctx,
        .first_ms = config->first_ms != 0 ? config->first_ms : ISO_ANNOUNCE_FIRST_MS,
        .max_ms = config->max_ms != 0 ? config->max_ms : ISO_ANNOUNCE_MAX_MS,
        .timeout_ms = config->timeout_ms != 0 ? config->timeout_ms : TIMEOUT_MS,
        .watch_fd = -1};
    announce->wait_ms = announce->first_ms;
    const size_t len = iso_format(announce->path, sizeof announce->path, "%s", config->path);
    ISO_ASSERT(len < sizeof announce->path);
    err = iso_mdns_links_watch(&announce->watch_fd, report);
    if (err == ISO_OK && uv_poll_init(announce->loop, &announce->watch, announce->watch_fd) != 0) {
        (void)close(announce->watch_fd);
        err = iso_fail(report, ISO_E_IO, "cannot watch the network interfaces");
    }
    if (err != ISO_OK) {
        iso_alloc_free(iso_alloc_libc(), announce, sizeof *announce);
        return err;
    }
    announce->watch.data = announce->timer.data = announce;
    announce->handles = 2;
    announce->addresses = sum_addresses();
    (void)uv_poll_start(&announce->watch, UV_READABLE, on_links);
    (void)uv_timer_init(announce->loop, &announce->timer);
    wait_then_tell(announce, 0);
    *out = announce;
    return ISO_OK;
}

static void on_handle_closed(uv_handle_t *handle)
{
    let_go(handle->data);
}

void iso_announce_close(struct iso_announce *announce, void (*closed)(void *ctx), void *ctx)
{
    announce->closing = true;
    announce->closed = closed;
    announce->closed_ctx = ctx;
    if (announce->request != NULL) {
        iso_announce_request_cancel(announce->request);
    }
    uv_close((uv_handle_t *)&announce->timer, on_handle_closed);
    uv_close((uv_handle_t *)&announce->watch, on_handle_closed);
}
