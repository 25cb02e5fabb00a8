/* The CoAP server: creation, listeners, what it does from the loop, and its end. */
#include "net/coap_server.h"
#include "net/coap_limits.h"
#include "net/coap_links.h"

#include <netinet/in.h>
#include <unistd.h>

const char *iso_coap_transport_scheme(enum iso_coap_transport transport)
{
    static const char *const schemes[] = {"coap", "coap+tcp", "coaps", "coaps+tcp"};
    return schemes[transport];
}

static void default_to(uint32_t *value, uint32_t otherwise)
{
    if (*value == 0) {
        *value = otherwise;
    }
}

static void limits_fill(struct iso_coap_limits *limits)
{
    default_to(&limits->sessions, 512);
    default_to(&limits->sessions_per_address, 64);
    default_to(&limits->handshakes, 32);
    default_to(&limits->handshake_ms, 10000);
    default_to(&limits->idle_ms, 300000);
    default_to(&limits->requests_per_session, 16384);
    default_to(&limits->requests, 65536);
    default_to(&limits->observers, 1024);
    default_to(&limits->observers_per_path, 256);
    default_to(&limits->observers_per_session, 64);
    default_to(&limits->payload_bytes, 64u << 20);
    default_to(&limits->plain_payload_bytes, 1u << 20);
    default_to(&limits->partial_per_session, 16);
    default_to(&limits->partial_bytes_per_session, 128u << 20);
    default_to(&limits->partial_bytes, 256u << 20);
    default_to(&limits->plain_partial_bytes, 4u << 20);
    default_to(&limits->partial_ms, 30000);
    default_to(&limits->unread_bytes, 4u << 20);
    default_to(&limits->window_bytes, ISO_COAP_WINDOW_FIRST);
}

static void pump(void *owner)
{
    struct iso_coap_server *server = owner;
    if (server->any_new) {
        server->any_new = false;
        iso_coap_io_tune(&server->io);
    }
    iso_coap_observers_pump(server);
    if (server->any_closing) {
        server->any_closing = false;
        struct iso_coap_session *next = NULL;
        for (struct iso_coap_session *s = server->sessions; s != NULL; s = next) {
            next = s->next;
            if (s->closing) {
                iso_coap_session_release(s);
            }
        }
    }
}

static void on_tick(void *owner)
{
    struct iso_coap_server *server = owner;
    iso_coap_sessions_expire(server);
    if (server->sessions != NULL) {
        iso_coap_io_tick_within(&server->io, 1000);
    }
}

static void closed(void *owner)
{
    struct iso_coap_server *server = owner;
    iso_alloc_free(server->alloc, server, sizeof(*server));
}

static void address_text(const struct sockaddr_storage *address, char *out, size_t cap)
{
    char host[64] = "?";
    uv_ip_name((const struct sockaddr *)address, host, sizeof(host));
    uint16_t port = address->ss_family == AF_INET6
                        ? ((const struct sockaddr_in6 *)address)->sin6_port
                        : ((const struct sockaddr_in *)address)->sin_port;
    iso_format(out, cap, "%s port %u", host, (unsigned)ntohs(port));
}

/* A socket that is bound first, to be closed again: libcoap does not tell the port that the system
 * chose, and it shares the port of a datagram socket with other programs where this refuses.
 * Another program may take the port in between: then the next try finds another. */
static enum iso_err claim_port(struct sockaddr_storage *address, bool stream)
{
    struct sockaddr_storage bound = *address;
    socklen_t len =
        address->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    int fd = socket(address->ss_family, (stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return ISO_E_IO;
    }
    enum iso_err err = ISO_OK;
    if (bind(fd, (struct sockaddr *)&bound, len) != 0 ||
        getsockname(fd, (struct sockaddr *)&bound, &len) != 0) {
        err = ISO_E_IO;
    } else {
        *address = bound;
    }
    close(fd);
    return err;
}

static enum iso_err listen_at(struct iso_coap_server *server,
                              const struct iso_coap_listener *listener, struct iso_report *report)
{
    enum { TRIES = 8 };
    struct sockaddr_storage *place = &server->listeners[server->listener_count];
    coap_address_t address;
    for (int i = 0; i < TRIES; i++) {
        *place = listener->address;
        if (!iso_coap_address_set(&address, place)) {
            return iso_fail(report, ISO_E_ARGUMENT,
                            "the address of a CoAP listener is neither IPv4 nor IPv6");
        }
        bool chosen = coap_address_get_port(&address) == 0;
        bool stream = iso_coap_is_stream(listener->transport);
        if ((chosen || !stream) &&
            (claim_port(place, stream) != ISO_OK || !iso_coap_address_set(&address, place))) {
            break;
        }
        if (coap_new_endpoint(server->io.context, &address, iso_coap_proto(listener->transport)) !=
            NULL) {
            server->listener_count++;
            return ISO_OK;
        }
        if (!chosen) {
            break;
        }
    }
    char text[96];
    address_text(place, text, sizeof(text));
    return iso_fail(report, ISO_E_IO, "cannot listen for %s at %s",
                    iso_coap_transport_scheme(listener->transport), text);
}

static enum iso_err resources_add(struct iso_coap_server *server)
{
    static const char path[] = ".well-known/core";
    coap_resource_t *unknown = coap_resource_unknown_init(iso_coap_server_on_message);
    coap_str_const_t *uri = coap_new_str_const((const uint8_t *)path, sizeof(path) - 1);
    coap_resource_t *links =
        uri != NULL ? coap_resource_init(uri, COAP_RESOURCE_FLAGS_RELEASE_URI) : NULL;
    if (unknown != NULL) {
        for (int method = COAP_REQUEST_GET; method <= COAP_REQUEST_IPATCH; method++) {
            coap_register_request_handler(unknown, (coap_request_t)method,
                                          iso_coap_server_on_message);
        }
        coap_add_resource(server->io.context, unknown);
    }
    if (links != NULL) {
        coap_register_request_handler(links, COAP_REQUEST_GET, iso_coap_server_on_message);
        coap_add_resource(server->io.context, links);
        server->links_resource = links;
    }
    return unknown != NULL && links != NULL ? ISO_OK : ISO_E_NOMEM;
}

static enum iso_err context_set_up(struct iso_coap_server *server, bool secure)
{
    coap_context_t *context = server->io.context;
    coap_register_option(context, ISO_COAP_OPTION_ISO_CHUNK);
    coap_register_option(context, ISO_COAP_OPTION_ISO_FETCH);
    coap_register_event_handler(context, iso_coap_server_on_event);
    coap_register_nack_handler(context, iso_coap_server_on_nack);
    coap_register_pong_handler(context, iso_coap_server_on_pong);
    /* libcoap makes a session of every first datagram, before the cookie of DTLS is verified, and
     * forgets it after half a minute at the earliest; at this limit it ignores new peers. Those
     * with a cookie count as idle sessions, of which the oldest gives way. */
    coap_context_set_max_handshake_sessions(context, ISO_COAP_HELLOS_MAX);
    coap_context_set_max_idle_sessions(context, server->limits.sessions);
    /* For those without one of ours: peers that sent a datagram or two, half-open handshakes. */
    coap_context_set_session_timeout(context, 30);
    if (secure) {
        coap_dtls_spsk_t setup;
        memset(&setup, 0, sizeof(setup)); /* no identity hint: common clients crash on it */
        setup.version = COAP_DTLS_SPSK_SETUP_VERSION;
        setup.validate_id_call_back = iso_coap_server_on_psk;
        setup.id_call_back_arg = server;
        if (!coap_context_set_psk2(context, &setup)) {
            return ISO_E_NOMEM;
        }
    }
    return resources_add(server);
}

static enum iso_err check_config(const struct iso_coap_server_config *config,
                                 struct iso_report *report, bool *secure)
{
    if (config->listener_count > ISO_COAP_LISTENERS_MAX) {
        return iso_fail(report, ISO_E_ARGUMENT, "more than %u CoAP listeners",
                        ISO_COAP_LISTENERS_MAX);
    }
    *secure = false;
    for (size_t i = 0; i < config->listener_count; i++) {
        *secure = *secure || iso_coap_is_secure(config->listeners[i].transport);
    }
    if (config->on_request == NULL || (*secure && config->on_psk == NULL)) {
        return iso_fail(report, ISO_E_ARGUMENT,
                        "a CoAP server needs on_request, and on_psk for "
                        "DTLS and TLS");
    }
    return ISO_OK;
}

enum iso_err iso_coap_server_create(uv_loop_t *loop, const struct iso_coap_server_config *config,
                                    struct iso_report *report, struct iso_coap_server **out)
{
    bool secure = false;
    enum iso_err err = check_config(config, report, &secure);
    if (err != ISO_OK) {
        return err;
    }
    const struct iso_alloc *alloc = config->alloc != NULL ? config->alloc : iso_alloc_libc();
    struct iso_coap_server *server = iso_alloc_new(alloc, sizeof(*server));
    if (server == NULL) {
        return ISO_E_NOMEM;
    }
    server->alloc = alloc;
    server->config = *config;
    server->config.listeners = NULL;
    server->limits = config->limits;
    limits_fill(&server->limits);
    iso_coap_slots_init(&server->requests, alloc, server->limits.requests);
    iso_buf_init(&server->links, alloc, ISO_COAP_LINKS_MAX);
    server->io.owner = server;
    server->io.pump = pump;
    server->io.on_tick = on_tick;
    server->io.closed = closed;
    err = iso_coap_io_open(&server->io, loop, report);
    if (err != ISO_OK) {
        iso_alloc_free(alloc, server, sizeof(*server));
        return err;
    }
    err = context_set_up(server, secure);
    for (size_t i = 0; err == ISO_OK && i < config->listener_count; i++) {
        err = listen_at(server, &config->listeners[i], report);
    }
    if (err != ISO_OK) {
        iso_coap_server_destroy(server);
        return iso_fail(report, err, "the CoAP server could not be set up");
    }
    iso_coap_io_tune(&server->io);
    *out = server;
    return ISO_OK;
}

void iso_coap_server_destroy(struct iso_coap_server *server)
{
    if (server == NULL) {
        return;
    }
    while (server->sessions != NULL) {
        iso_coap_session_release(server->sessions);
    }
    for (size_t i = 0; i < ISO_COAP_SUBJECT_BUCKETS; i++) {
        while (server->subjects[i] != NULL) {
            struct iso_coap_subject *subject = server->subjects[i];
            server->subjects[i] = subject->next;
            iso_alloc_free(server->alloc, subject, sizeof(*subject) + subject->len);
        }
    }
    iso_coap_slots_fini(&server->requests);
    iso_buf_fini(&server->links);
    memset(&server->psk_found, 0, sizeof(server->psk_found));
    iso_coap_io_close(&server->io);
}

void iso_coap_server_address(const struct iso_coap_server *server, size_t index,
                             struct sockaddr_storage *out)
{
    ISO_ASSERT(index < server->listener_count);
    *out = server->listeners[index];
}

enum iso_err iso_coap_server_set_links(struct iso_coap_server *server, struct iso_str links)
{
    if (links.len > ISO_COAP_LINKS_MAX) {
        return ISO_E_LIMIT;
    }
    enum iso_err err = iso_coap_links_check(links, NULL);
    struct iso_buf copy;
    iso_buf_init(&copy, server->alloc, ISO_COAP_LINKS_MAX);
    if (err == ISO_OK) {
        err = iso_buf_append(&copy, links.ptr, links.len);
    }
    if (err == ISO_OK) {
        iso_buf_fini(&server->links);
        server->links = copy;
    }
    return err;
}

void iso_coap_server_drop(struct iso_coap_server *server, uint64_t principal)
{
    for (struct iso_coap_session *s = server->sessions; s != NULL; s = s->next) {
        if (s->secure && s->principal == principal) {
            iso_coap_session_close(s);
        }
    }
}

void iso_coap_server_stats(const struct iso_coap_server *server, struct iso_coap_server_stats *out)
{
    *out = server->stats;
    out->sessions_now = server->session_count;
    out->requests_now = server->requests.used;
}
