/* The driver of the mDNS state machine over libuv: sockets, interfaces that come and go, the clock.
 *
 * Everything is done in `pump`: it sends what is due, tells what has happened, and sets the timer
 * for the next time. Calls from outside only change the state machine and set the timer to fire at
 * once, so that callbacks never come from within them. */
#define _GNU_SOURCE /* what <uv.h> needs */
#include "net/mdns.h"
#include "net/mdns_core.h"
#include "net/mdns_system.h"
#include "platform/platform.h"

#include <arpa/inet.h>
#include <unistd.h>

#include <uv.h>

enum {
    RECEIVE_MAX = 64, /* packets read before others get their turn */
    SEND_MAX = 256,   /* likewise; more than the state machine ever has at once */
    /* Changes of interfaces come in swarms; they are looked at together. */
    LINKS_DELAY_MS = 20,
};

struct browse {
    uint32_t id;
    iso_mdns_peer_cb on_peer;
    void *ctx;
};

struct used_link {
    uint32_t index; /* 0: free */
    bool joined[2];
    bool seen; /* while comparing */
};

enum { SOCKET_V4, SOCKET_V6, SOCKET_LINKS, SOCKETS };

struct watched {
    struct iso_mdns_uv *mdns;
    int fd; /* -1: not there */
    uv_poll_t poll;
};

struct iso_mdns_uv {
    uv_loop_t *loop;
    struct iso_mdns *core;
    struct watched sockets[SOCKETS];
    uv_timer_t timer;
    uv_timer_t links_timer;
    unsigned open_handles;
    bool stopping;
    bool loopback;
    size_t name_count;
    char (*names)[16]; /* of the only interfaces to use */
    struct used_link used[ISO_MDNS_INTERFACES_MAX];
    struct browse browses[ISO_MDNS_BROWSES_MAX];
    iso_mdns_rename_cb on_rename;
    void *rename_ctx;
    iso_mdns_stopped_cb on_stopped;
    void *stopped_ctx;
    struct iso_mdns_link links[ISO_MDNS_LINKS_MAX];
    uint8_t buf[ISO_MDNS_PACKET_MAX + 1];
};

static uint64_t now_ms(const struct iso_mdns_uv *mdns)
{
    uv_update_time(mdns->loop); /* callers may have worked for long */
    return uv_now(mdns->loop);
}

static uint32_t random_bits(void *ctx)
{
    uint32_t bits = 0;

    (void)ctx;
    /* Delays may be equal where there is no randomness yet. */
    (void)uv_random(NULL, NULL, &bits, sizeof bits, 0, NULL);
    return bits;
}

void iso_mdns_address_text(const struct iso_mdns_address *address,
                           char out[ISO_MDNS_ADDRESS_TEXT_MAX])
{
    char text[INET6_ADDRSTRLEN] = "";

    (void)uv_inet_ntop(address->family == 4 ? AF_INET : AF_INET6, address->bytes, text,
                       sizeof text);
    if (address->scope_id != 0) {
        (void)iso_format(out, ISO_MDNS_ADDRESS_TEXT_MAX, "%s%%%u", text,
                         (unsigned)address->scope_id);
    } else {
        (void)iso_format(out, ISO_MDNS_ADDRESS_TEXT_MAX, "%s", text);
    }
}

/* ---- Pumping --------------------------------------------------------------------------------- */

static void pump(struct iso_mdns_uv *mdns);

static void on_timer(uv_timer_t *timer)
{
    pump(timer->data);
}

static void set_timer(struct iso_mdns_uv *mdns, uint64_t delay_ms)
{
    int failed = uv_timer_start(&mdns->timer, on_timer, delay_ms, 0);
    ISO_ASSERT(failed == 0);
}

static void send_all(struct iso_mdns_uv *mdns)
{
    struct iso_mdns_packet packet;

    for (unsigned i = 0; i < SEND_MAX && iso_mdns_send(mdns->core, now_ms(mdns), &packet); i++) {
        int fd = mdns->sockets[packet.remote.family == 4 ? SOCKET_V4 : SOCKET_V6].fd;
        if (fd >= 0) {
            iso_mdns_socket_send(fd, &packet);
        }
    }
}

static void tell_peer(struct iso_mdns_uv *mdns, const struct iso_mdns_event *event)
{
    for (unsigned i = 0; i < ISO_MDNS_BROWSES_MAX; i++) {
        if (mdns->browses[i].id == event->browse) {
            mdns->browses[i].on_peer(mdns->browses[i].ctx, &event->peer);
            return;
        }
    }
}

/* A callback may stop everything: the memory lives until the handles are closed. */
static void tell_all(struct iso_mdns_uv *mdns)
{
    struct iso_mdns_event event;

    while (!mdns->stopping && iso_mdns_event(mdns->core, now_ms(mdns), &event)) {
        if (event.kind == ISO_MDNS_EVENT_PEER) {
            tell_peer(mdns, &event);
        } else if (mdns->on_rename != NULL) {
            mdns->on_rename(mdns->rename_ctx, &event.rename);
        }
    }
}

static void pump(struct iso_mdns_uv *mdns)
{
    if (mdns->stopping) {
        return;
    }
    send_all(mdns);
    tell_all(mdns);
    if (mdns->stopping) {
        return;
    }
    uint64_t now = now_ms(mdns);
    uint64_t deadline = iso_mdns_deadline(mdns->core, now);
    if (deadline == UINT64_MAX) {
        (void)uv_timer_stop(&mdns->timer);
    } else {
        set_timer(mdns, deadline > now ? deadline - now : 0);
    }
}

/* ---- Packets --------------------------------------------------------------------------------- */

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct watched *socket = poll->data;
    struct iso_mdns_uv *mdns = socket->mdns;
    uint8_t family = socket == &mdns->sockets[SOCKET_V4] ? 4 : 6;
    struct iso_mdns_packet packet;

    (void)status;
    (void)events;
    for (unsigned i = 0; i < RECEIVE_MAX; i++) {
        if (!iso_mdns_socket_receive(socket->fd, family, mdns->buf, sizeof mdns->buf, &packet)) {
            break;
        }
        /* What is refused changes nothing; anybody can send it, so nobody is told. */
        enum iso_err err = iso_mdns_receive(mdns->core, &packet, now_ms(mdns), NULL);
        (void)err;
    }
    pump(mdns);
}

/* ---- Interfaces ------------------------------------------------------------------------------ */

static bool is_chosen(const struct iso_mdns_uv *mdns, const struct iso_mdns_link *link)
{
    if (!link->usable || link->address_count == 0) {
        return false;
    }
    if (mdns->name_count == 0) {
        return !link->loopback || mdns->loopback;
    }
    for (size_t i = 0; i < mdns->name_count; i++) {
        if (strcmp(mdns->names[i], link->name) == 0) {
            return true;
        }
    }
    return link->loopback && mdns->loopback;
}

static struct used_link *find_used(struct iso_mdns_uv *mdns, uint32_t index)
{
    for (unsigned i = 0; i < ISO_MDNS_INTERFACES_MAX; i++) {
        if (mdns->used[i].index == index) {
            return &mdns->used[i];
        }
    }
    return NULL;
}

static bool has_family(const struct iso_mdns_link *link, uint8_t family)
{
    for (size_t i = 0; i < link->address_count; i++) {
        if (link->addresses[i].family == family) {
            return true;
        }
    }
    return false;
}

/* Only addresses of families that can be used: others would be announced in vain. */
static void drop_unusable(const struct iso_mdns_uv *mdns, struct iso_mdns_link *link)
{
    size_t kept = 0;

    for (size_t i = 0; i < link->address_count; i++) {
        if (mdns->sockets[link->addresses[i].family == 4 ? SOCKET_V4 : SOCKET_V6].fd >= 0) {
            link->addresses[kept++] = link->addresses[i];
        }
    }
    link->address_count = kept;
}

static void take_link(struct iso_mdns_uv *mdns, struct iso_mdns_link *link)
{
    drop_unusable(mdns, link);
    if (!is_chosen(mdns, link)) {
        return;
    }
    struct used_link *used = find_used(mdns, link->index);
    if (used == NULL) {
        used = find_used(mdns, 0);
        if (used == NULL) {
            return; /* ISO_MDNS_INTERFACES_MAX are in use */
        }
        *used = (struct used_link){.index = link->index};
    }
    used->seen = true;
    for (unsigned i = 0; i < 2; i++) {
        uint8_t family = i == 0 ? 4 : 6;
        if (!used->joined[i] && has_family(link, family)) {
            used->joined[i] = iso_mdns_socket_join(mdns->sockets[i].fd, family, link->index);
        }
    }
    enum iso_err err = iso_mdns_interface_set(mdns->core, link->index, link->addresses,
                                              link->address_count, now_ms(mdns));
    if (err != ISO_OK) {
        used->seen = false; /* no memory: as if it were not there */
    }
}

static void drop_link(struct iso_mdns_uv *mdns, struct used_link *used)
{
    for (unsigned i = 0; i < 2; i++) {
        if (used->joined[i]) {
            iso_mdns_socket_leave(mdns->sockets[i].fd, i == 0 ? 4 : 6, used->index);
        }
    }
    iso_mdns_interface_remove(mdns->core, used->index, now_ms(mdns));
    *used = (struct used_link){.index = 0};
}

/* Compares what there is with what is in use. */
static void update_links(struct iso_mdns_uv *mdns)
{
    size_t count;

    if (iso_mdns_links_read(mdns->links, &count) != ISO_OK) {
        return; /* the next change brings the next try */
    }
    for (unsigned i = 0; i < ISO_MDNS_INTERFACES_MAX; i++) {
        mdns->used[i].seen = false;
    }
    for (size_t i = 0; i < count; i++) {
        take_link(mdns, &mdns->links[i]);
    }
    for (unsigned i = 0; i < ISO_MDNS_INTERFACES_MAX; i++) {
        if (mdns->used[i].index != 0 && !mdns->used[i].seen) {
            drop_link(mdns, &mdns->used[i]);
        }
    }
}

static void on_links_timer(uv_timer_t *timer)
{
    struct iso_mdns_uv *mdns = timer->data;

    update_links(mdns);
    pump(mdns);
}

static void on_links(uv_poll_t *poll, int status, int events)
{
    struct watched *socket = poll->data;
    struct iso_mdns_uv *mdns = socket->mdns;

    (void)status;
    (void)events;
    iso_mdns_links_drain(socket->fd);
    if (!uv_is_active((const uv_handle_t *)&mdns->links_timer)) {
        int failed = uv_timer_start(&mdns->links_timer, on_links_timer, LINKS_DELAY_MS, 0);
        ISO_ASSERT(failed == 0);
    }
}

/* ---- Closing --------------------------------------------------------------------------------- */

static void free_all(struct iso_mdns_uv *mdns)
{
    const struct iso_alloc *alloc = iso_alloc_libc();

    for (unsigned i = 0; i < SOCKETS; i++) {
        if (mdns->sockets[i].fd >= 0) {
            (void)close(mdns->sockets[i].fd);
        }
    }
    iso_mdns_destroy(mdns->core);
    iso_alloc_free(alloc, mdns->names, mdns->name_count * sizeof *mdns->names);
    iso_alloc_free(alloc, mdns, sizeof *mdns);
}

static void on_closed(uv_handle_t *handle)
{
    struct iso_mdns_uv *mdns =
        handle->type == UV_TIMER ? handle->data : ((struct watched *)handle->data)->mdns;

    if (--mdns->open_handles == 0) {
        iso_mdns_stopped_cb on_stopped = mdns->on_stopped;
        void *ctx = mdns->stopped_ctx;
        free_all(mdns);
        if (on_stopped != NULL) {
            on_stopped(ctx);
        }
    }
}

static void close_all(struct iso_mdns_uv *mdns)
{
    mdns->stopping = true;
    for (unsigned i = 0; i < SOCKETS; i++) {
        if (mdns->sockets[i].fd >= 0) {
            uv_close((uv_handle_t *)&mdns->sockets[i].poll, on_closed);
        }
    }
    uv_close((uv_handle_t *)&mdns->timer, on_closed);
    uv_close((uv_handle_t *)&mdns->links_timer, on_closed);
}

void iso_mdns_uv_stop(struct iso_mdns_uv *mdns, iso_mdns_stopped_cb on_stopped, void *ctx)
{
    ISO_ASSERT(!mdns->stopping);
    mdns->on_stopped = on_stopped;
    mdns->stopped_ctx = ctx;
    iso_mdns_stop(mdns->core, now_ms(mdns));
    send_all(mdns);
    close_all(mdns);
}

/* ---- Opening --------------------------------------------------------------------------------- */

static enum iso_err open_sockets(struct iso_mdns_uv *mdns, struct iso_report *report)
{
    struct iso_report why_v6;

    iso_report_init(&why_v6);
    enum iso_err v4 = iso_mdns_socket_open(4, &mdns->sockets[SOCKET_V4].fd, report);
    enum iso_err v6 = iso_mdns_socket_open(6, &mdns->sockets[SOCKET_V6].fd, &why_v6);
    if (v4 != ISO_OK && v6 != ISO_OK) {
        return v4;
    }
    iso_report_init(report); /* one of the two is enough */
    return iso_mdns_links_watch(&mdns->sockets[SOCKET_LINKS].fd, report);
}

static enum iso_err copy_names(struct iso_mdns_uv *mdns, const struct iso_mdns_uv_config *config,
                               struct iso_report *report)
{
    if (config->interface_count == 0) {
        return ISO_OK;
    }
    mdns->names = iso_alloc_array(iso_alloc_libc(), config->interface_count, sizeof *mdns->names);
    if (mdns->names == NULL) {
        return ISO_E_NOMEM;
    }
    mdns->name_count = config->interface_count;
    for (size_t i = 0; i < config->interface_count; i++) {
        if (strlen(config->interfaces[i]) >= sizeof *mdns->names) {
            return iso_fail(report, ISO_E_ARGUMENT, "'%s' is no name of a network interface",
                            config->interfaces[i]);
        }
        (void)iso_format(mdns->names[i], sizeof *mdns->names, "%s", config->interfaces[i]);
    }
    return ISO_OK;
}

static enum iso_err create_core(struct iso_mdns_uv *mdns, const struct iso_mdns_uv_config *config,
                                struct iso_report *report)
{
    char name[UV_MAXHOSTNAMESIZE];
    size_t size = sizeof name;
    struct iso_mdns_config core = {
        .alloc = iso_alloc_libc(), .host = config->host, .random = random_bits};

    if (config->host == NULL) {
        if (uv_os_gethostname(name, &size) != 0 || name[0] == '\0' || name[0] == '.') {
            (void)iso_format(name, sizeof name, "isomer");
        }
        name[strcspn(name, ".")] = '\0';
        name[ISO_MDNS_LABEL_MAX] = '\0';
        core.host = name;
    }
    return iso_mdns_create(&core, &mdns->core, report);
}

/* From here on only closing the handles gives everything back. */
static enum iso_err start_handles(struct iso_mdns_uv *mdns)
{
    int failed = uv_timer_init(mdns->loop, &mdns->timer);
    ISO_ASSERT(failed == 0);
    failed = uv_timer_init(mdns->loop, &mdns->links_timer);
    ISO_ASSERT(failed == 0);
    mdns->timer.data = mdns;
    mdns->links_timer.data = mdns;
    mdns->open_handles = 2;
    for (unsigned i = 0; i < SOCKETS; i++) {
        struct watched *socket = &mdns->sockets[i];
        if (socket->fd < 0) {
            continue;
        }
        failed = uv_poll_init(mdns->loop, &socket->poll, socket->fd);
        if (failed != 0) {
            (void)close(socket->fd);
            socket->fd = -1;
            return ISO_E_IO;
        }
        mdns->open_handles++;
        socket->poll.data = socket;
        failed =
            uv_poll_start(&socket->poll, UV_READABLE, i == SOCKET_LINKS ? on_links : on_readable);
        if (failed != 0) {
            return ISO_E_IO;
        }
    }
    return ISO_OK;
}

enum iso_err iso_mdns_uv_create(struct uv_loop_s *loop, const struct iso_mdns_uv_config *config,
                                struct iso_mdns_uv **out, struct iso_report *report)
{
    struct iso_mdns_uv *mdns = iso_alloc_new(iso_alloc_libc(), sizeof *mdns);

    if (mdns == NULL) {
        return ISO_E_NOMEM;
    }
    mdns->loop = loop;
    mdns->loopback = config->loopback;
    mdns->on_rename = config->on_rename;
    mdns->rename_ctx = config->ctx;
    for (unsigned i = 0; i < SOCKETS; i++) {
        mdns->sockets[i].mdns = mdns;
        mdns->sockets[i].fd = -1;
    }
    enum iso_err err = copy_names(mdns, config, report);
    if (err == ISO_OK) {
        err = create_core(mdns, config, report);
    }
    if (err == ISO_OK) {
        err = open_sockets(mdns, report);
    }
    if (err != ISO_OK) {
        free_all(mdns);
        return err;
    }
    err = start_handles(mdns);
    if (err != ISO_OK) {
        close_all(mdns);
        return iso_fail(report, err, "the loop cannot watch the sockets of mDNS");
    }
    update_links(mdns);
    set_timer(mdns, 0);
    *out = mdns;
    return ISO_OK;
}

/* ---- Services and browses -------------------------------------------------------------------- */

enum iso_err iso_mdns_uv_service_add(struct iso_mdns_uv *mdns,
                                     const struct iso_mdns_service *service,
                                     struct iso_report *report)
{
    uint32_t id;
    enum iso_err err = iso_mdns_service_add(mdns->core, service, now_ms(mdns), &id, report);

    set_timer(mdns, 0);
    return err;
}

enum iso_err iso_mdns_uv_browse(struct iso_mdns_uv *mdns, const char *type, const char *subtype,
                                iso_mdns_peer_cb on_peer, void *ctx, struct iso_report *report)
{
    uint32_t id;
    enum iso_err err = iso_mdns_browse_start(mdns->core, type, subtype, now_ms(mdns), &id, report);

    if (err != ISO_OK) {
        return err;
    }
    unsigned place = 0;
    while (mdns->browses[place].id != 0) {
        place++; /* there is one, or the state machine would have refused */
    }
    mdns->browses[place] = (struct browse){.id = id, .on_peer = on_peer, .ctx = ctx};
    set_timer(mdns, 0);
    return ISO_OK;
}

const char *iso_mdns_uv_host(struct iso_mdns_uv *mdns)
{
    return iso_mdns_host(mdns->core);
}
