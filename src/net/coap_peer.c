/* A link to another device: connecting, keeping it alive, coming back. */
#include "net/coap_peer.h"

static uint64_t now_of(const struct iso_coap_peer *peer)
{
    return iso_coap_io_now(&peer->client->io);
}

static void set_state(struct iso_coap_peer *peer, enum iso_coap_peer_state state,
                      const char *reason)
{
    peer->state = state;
    iso_format(peer->reason, sizeof(peer->reason), "%s", reason);
    peer->tell = true;
    iso_coap_io_want(&peer->client->io);
}

void iso_coap_peer_lose(struct iso_coap_peer *peer, const char *reason)
{
    if (!peer->lost && peer->cs != NULL) {
        peer->lost = true;
        peer->lost_reason = reason;
        iso_coap_io_want(&peer->client->io);
    }
}

void iso_coap_peer_ping(struct iso_coap_peer *peer)
{
    if (peer->flow.ping_under_way) {
        return;
    }
    peer->flow.ping_under_way = true;
    peer->flow.pinged = peer->flow.sent;
    peer->pinged_ms = now_of(peer);
    if (coap_session_send_ping(peer->cs) == COAP_INVALID_MID) {
        iso_coap_peer_lose(peer, "sending failed");
    }
    iso_coap_io_want(&peer->client->io);
}

static void session_close(struct iso_coap_peer *peer)
{
    coap_session_t *cs = peer->cs;
    peer->cs = NULL;
    peer->lost = peer->established = false;
    if (cs != NULL) {
        coap_session_set_app_data(cs, NULL);
        coap_session_release(cs);
    }
}

static coap_session_t *session_open(struct iso_coap_peer *peer)
{
    coap_context_t *context = peer->client->io.context;
    coap_proto_t proto = iso_coap_proto(peer->config.transport);
    coap_address_t address;
    if (!iso_coap_address_set(&address, &peer->addresses[peer->address])) {
        return NULL;
    }
    if (!iso_coap_is_secure(peer->config.transport)) {
        return coap_new_client_session(context, NULL, &address, proto);
    }
    coap_dtls_cpsk_t setup;
    memset(&setup, 0, sizeof(setup));
    setup.version = COAP_DTLS_CPSK_SETUP_VERSION;
    setup.psk_info.identity.s = (const uint8_t *)peer->config.identity.ptr;
    setup.psk_info.identity.length = peer->config.identity.len;
    setup.psk_info.key.s = peer->config.key.ptr;
    setup.psk_info.key.length = peer->config.key.len;
    return coap_new_client_session_psk2(context, NULL, &address, proto, &setup);
}

static void attempt_failed(struct iso_coap_peer *peer, const char *reason);

static void attempt(struct iso_coap_peer *peer)
{
    if (peer->state != ISO_COAP_PEER_CONNECTING) {
        set_state(peer, ISO_COAP_PEER_CONNECTING, "connecting");
    }
    peer->tried++;
    peer->established = peer->lost = false;
    peer->flow = (struct iso_coap_flow){0};
    peer->window = ISO_COAP_WINDOW_FIRST;
    peer->chunks_under_way = peer->fetches_under_way = 0;
    peer->connect_ms = now_of(peer) + peer->config.connect_ms;
    peer->cs = session_open(peer);
    if (peer->cs == NULL) {
        attempt_failed(peer, "no connection could be begun");
        return;
    }
    coap_session_set_app_data(peer->cs, peer);
    coap_session_set_nstart(peer->cs, ISO_COAP_NSTART_OURS);
    iso_coap_io_tune(&peer->client->io);
    iso_coap_io_tick_within(&peer->client->io, peer->config.connect_ms);
    iso_coap_io_want(&peer->client->io);
}

/* Waits before the next attempt. */
static void rest(struct iso_coap_peer *peer, const char *reason, bool wait)
{
    uint32_t random = 0;
    coap_prng(&random, sizeof(random));
    uint32_t wait_ms = wait ? iso_coap_backoff_wait(&peer->backoff, random) : 0;
    peer->tried = 0;
    peer->retry_ms = now_of(peer) + wait_ms;
    set_state(peer, ISO_COAP_PEER_DOWN, reason);
    iso_coap_io_tick_within(&peer->client->io, wait_ms);
}

static void attempt_failed(struct iso_coap_peer *peer, const char *reason)
{
    session_close(peer);
    peer->address = (peer->address + 1) % peer->address_count;
    if (peer->tried < peer->address_count) {
        attempt(peer);
    } else {
        rest(peer, reason, true);
    }
}

static void came_up(struct iso_coap_peer *peer)
{
    peer->tried = 0;
    iso_coap_backoff_reset(&peer->backoff);
    peer->heard_ms = now_of(peer);
    peer->stats.connects++;
    set_state(peer, ISO_COAP_PEER_UP, "up");
    iso_coap_io_tick_within(&peer->client->io, peer->config.keepalive_ms);
}

static void went_down(struct iso_coap_peer *peer, const char *reason)
{
    session_close(peer);
    peer->stats.losses++;
    iso_coap_calls_lost(peer);
    rest(peer, reason, true);
}

/* What libcoap's callbacks noted, and what the caller wants. */
static void peer_pump(struct iso_coap_peer *peer)
{
    if (peer->lost && peer->state == ISO_COAP_PEER_CONNECTING) {
        attempt_failed(peer, peer->lost_reason);
    } else if (peer->lost) {
        went_down(peer, peer->lost_reason);
    }
    if (peer->state == ISO_COAP_PEER_CONNECTING && peer->cs != NULL &&
        (iso_coap_peer_streams(peer)
             ? peer->established
             : coap_session_get_state(peer->cs) == COAP_SESSION_STATE_ESTABLISHED)) {
        came_up(peer);
    }
    if (peer->state == ISO_COAP_PEER_IDLE && peer->wanted) {
        attempt(peer);
    }
    if (peer->tell) {
        peer->tell = false;
        if (peer->told != peer->state && peer->config.on_state != NULL) {
            peer->told = peer->state;
            peer->config.on_state(peer->config.ctx, peer->state, peer->reason);
        }
    }
    iso_coap_calls_deliver(peer);
    if (peer->state == ISO_COAP_PEER_UP) {
        iso_coap_calls_send(peer);
    }
}

static void pump(void *owner)
{
    struct iso_coap_client *client = owner;
    struct iso_coap_peer *next = NULL;
    for (struct iso_coap_peer *p = client->peers; p != NULL; p = next) {
        client->next = p->next;
        peer_pump(p);
        next = client->next; /* a callback may have destroyed the one that was to come */
    }
}

static void peer_tick(struct iso_coap_peer *peer, uint64_t now)
{
    if (peer->state == ISO_COAP_PEER_CONNECTING && now >= peer->connect_ms) {
        iso_coap_peer_lose(peer, "the connection was not made in time");
    } else if (peer->state == ISO_COAP_PEER_DOWN && now >= peer->retry_ms) {
        attempt(peer);
    } else if (peer->state == ISO_COAP_PEER_UP) {
        uint32_t keepalive = peer->config.keepalive_ms;
        if (now - peer->heard_ms >= keepalive && !peer->flow.ping_under_way) {
            iso_coap_peer_ping(peer);
        } else if (now - peer->heard_ms >= keepalive &&
                   now - peer->pinged_ms >= 2 * (uint64_t)keepalive) {
            iso_coap_peer_lose(peer, "no sign of life from the other side");
        }
    }
    if (now >= peer->next_deadline_ms) {
        iso_coap_calls_expire(peer);
    }
}

/* When the peer has to be looked at again. */
static uint64_t peer_due(const struct iso_coap_peer *peer, uint64_t now)
{
    uint64_t due = peer->next_deadline_ms;
    uint64_t other = UINT64_MAX;
    switch (peer->state) {
    case ISO_COAP_PEER_IDLE:
        break;
    case ISO_COAP_PEER_CONNECTING:
        other = peer->connect_ms;
        break;
    case ISO_COAP_PEER_DOWN:
        other = peer->retry_ms;
        break;
    case ISO_COAP_PEER_UP:
        other = peer->heard_ms + peer->config.keepalive_ms;
        if (other <= now) {
            other = peer->pinged_ms + 2 * (uint64_t)peer->config.keepalive_ms;
        }
        break;
    }
    return other < due ? other : due;
}

static void on_tick(void *owner)
{
    struct iso_coap_client *client = owner;
    uint64_t now = iso_coap_io_now(&client->io);
    uint64_t due = UINT64_MAX;
    /* After this loop was held up, what came meanwhile counts before the time that has passed. */
    coap_io_process(client->io.context, COAP_IO_NO_WAIT);
    for (struct iso_coap_peer *p = client->peers; p != NULL; p = p->next) {
        peer_tick(p, now);
        uint64_t of_peer = peer_due(p, now);
        due = of_peer < due ? of_peer : due;
    }
    if (due != UINT64_MAX) {
        iso_coap_io_tick_within(&client->io, due > now ? due - now : 1);
    }
    iso_coap_io_want(&client->io);
}

static int on_event(coap_session_t *cs, const coap_event_t event)
{
    struct iso_coap_peer *peer = coap_session_get_app_data(cs);
    if (peer == NULL || peer->cs != cs) {
        return 0;
    }
    switch (event) {
    case COAP_EVENT_SESSION_CONNECTED:
        peer->established = true;
        break;
    case COAP_EVENT_TCP_FAILED:
        iso_coap_peer_lose(peer, "the connection was refused or timed out");
        break;
    case COAP_EVENT_DTLS_ERROR:
    case COAP_EVENT_DTLS_CLOSED:
        iso_coap_peer_lose(peer, peer->state == ISO_COAP_PEER_UP
                                     ? "the other side closed the link"
                                     : "the handshake failed: the key may be wrong");
        break;
    case COAP_EVENT_TCP_CLOSED:
    case COAP_EVENT_SESSION_CLOSED:
    case COAP_EVENT_SESSION_FAILED:
        iso_coap_peer_lose(peer, "the other side closed the link");
        break;
    default:
        break;
    }
    return 0;
}

static void heard(struct iso_coap_peer *peer)
{
    peer->heard_ms = now_of(peer);
    iso_coap_flow_pong(&peer->flow);
}

static void on_pong(coap_session_t *cs, const coap_pdu_t *pdu, const coap_mid_t mid)
{
    (void)pdu;
    (void)mid;
    struct iso_coap_peer *peer = coap_session_get_app_data(cs);
    if (peer != NULL) {
        heard(peer);
    }
}

static void on_nack(coap_session_t *cs, const coap_pdu_t *sent, const coap_nack_reason_t reason,
                    const coap_mid_t mid)
{
    (void)mid;
    struct iso_coap_peer *peer = coap_session_get_app_data(cs);
    if (peer == NULL) {
        return;
    }
    if (reason == COAP_NACK_RST && sent != NULL && coap_pdu_get_code(sent) == COAP_EMPTY_CODE) {
        heard(peer); /* what a ping over datagrams is answered with (RFC 7252, section 4.3) */
    } else if (reason == COAP_NACK_ICMP_ISSUE && peer->config.transport == ISO_COAP_UDP) {
        return; /* nobody listens at present: libcoap repeats, and pings tell when to give up */
    } else if (reason == COAP_NACK_TLS_FAILED) {
        iso_coap_peer_lose(peer, "the handshake failed: the key may be wrong");
    } else if (reason != COAP_NACK_RST) {
        iso_coap_peer_lose(peer, "the other side does not answer");
    }
}

static void closed(void *owner)
{
    struct iso_coap_client *client = owner;
    iso_alloc_free(client->alloc, client, sizeof(*client));
}

enum iso_err iso_coap_client_create(uv_loop_t *loop, const struct iso_alloc *alloc,
                                    struct iso_report *report, struct iso_coap_client **out)
{
    if (alloc == NULL) {
        alloc = iso_alloc_libc();
    }
    struct iso_coap_client *client = iso_alloc_new(alloc, sizeof(*client));
    if (client == NULL) {
        return ISO_E_NOMEM;
    }
    client->alloc = alloc;
    client->io.owner = client;
    client->io.pump = pump;
    client->io.on_tick = on_tick;
    client->io.closed = closed;
    enum iso_err err = iso_coap_io_open(&client->io, loop, report);
    if (err != ISO_OK) {
        iso_alloc_free(alloc, client, sizeof(*client));
        return err;
    }
    iso_coap_slots_init(&client->jobs, alloc, ISO_COAP_JOBS_MAX);
    iso_coap_slots_init(&client->exchanges, alloc, ISO_COAP_EXCHANGES_MAX);
    coap_register_event_handler(client->io.context, on_event);
    coap_register_response_handler(client->io.context, iso_coap_client_on_response);
    coap_register_pong_handler(client->io.context, on_pong);
    coap_register_nack_handler(client->io.context, on_nack);
    *out = client;
    return ISO_OK;
}

void iso_coap_client_destroy(struct iso_coap_client *client)
{
    if (client == NULL) {
        return;
    }
    while (client->peers != NULL) {
        iso_coap_peer_destroy(client->peers);
    }
    iso_coap_slots_fini(&client->jobs);
    iso_coap_slots_fini(&client->exchanges);
    iso_coap_io_close(&client->io);
}

/* Takes addresses, identity and key over; *differs says whether anything is new. */
static enum iso_err take_target(struct iso_coap_peer *peer,
                                const struct iso_coap_peer_config *config,
                                struct iso_report *report, bool *differs)
{
    if (config->address_count == 0 || config->address_count > ISO_COAP_ADDRESSES_MAX) {
        return iso_fail(report, ISO_E_ARGUMENT, "a peer needs 1 to %u addresses",
                        ISO_COAP_ADDRESSES_MAX);
    }
    coap_address_t address;
    for (size_t i = 0; i < config->address_count; i++) {
        if (!iso_coap_address_set(&address, &config->addresses[i])) {
            return iso_fail(report, ISO_E_ARGUMENT,
                            "an address of a peer is neither IPv4 nor IPv6");
        }
    }
    bool secure = iso_coap_is_secure(config->transport);
    if (config->identity.len > ISO_COAP_IDENTITY_MAX || config->key.len > ISO_COAP_KEY_MAX ||
        (secure && (config->identity.len == 0 || config->key.len == 0)) ||
        (config->identity.len > 0 &&
         memchr(config->identity.ptr, '\0', config->identity.len) != NULL)) {
        return iso_fail(report, ISO_E_ARGUMENT,
                        "a peer needs an identity of 1 to %u bytes without zero bytes and a key of "
                        "1 to %u bytes",
                        ISO_COAP_IDENTITY_MAX, ISO_COAP_KEY_MAX);
    }
    *differs = config->transport != peer->config.transport ||
               config->address_count != peer->address_count ||
               memcmp(config->addresses, peer->addresses,
                      config->address_count * sizeof(peer->addresses[0])) != 0 ||
               !iso_str_equal(config->identity, peer->config.identity) ||
               !iso_bytes_equal(config->key, peer->config.key);
    peer->config.transport = config->transport;
    memcpy(peer->addresses, config->addresses, config->address_count * sizeof(peer->addresses[0]));
    peer->address_count = config->address_count;
    memset(peer->key, 0, sizeof(peer->key));
    iso_memory_copy(peer->identity, config->identity.ptr, config->identity.len);
    iso_memory_copy(peer->key, config->key.ptr, config->key.len);
    peer->config.identity = iso_str_from(peer->identity, config->identity.len);
    peer->config.key = iso_bytes_from(peer->key, config->key.len);
    return ISO_OK;
}

static void default_to(uint32_t *value, uint32_t otherwise)
{
    if (*value == 0) {
        *value = otherwise;
    }
}

enum iso_err iso_coap_peer_create(struct iso_coap_client *client,
                                  const struct iso_coap_peer_config *config,
                                  struct iso_report *report, struct iso_coap_peer **out)
{
    struct iso_coap_peer *peer = iso_alloc_new(client->alloc, sizeof(*peer));
    if (peer == NULL) {
        return ISO_E_NOMEM;
    }
    bool differs = false;
    enum iso_err err = take_target(peer, config, report, &differs);
    if (err != ISO_OK) {
        iso_alloc_free(client->alloc, peer, sizeof(*peer));
        return err;
    }
    struct iso_coap_peer_config *own = &peer->config;
    own->connect_ms = config->connect_ms;
    own->backoff_ms = config->backoff_ms;
    own->backoff_max_ms = config->backoff_max_ms;
    own->keepalive_ms = config->keepalive_ms;
    own->message_bytes = config->message_bytes;
    own->calls = config->calls;
    own->queued_bytes = config->queued_bytes;
    own->ctx = config->ctx;
    own->on_state = config->on_state;
    default_to(&own->connect_ms, 5000);
    default_to(&own->backoff_ms, 100);
    default_to(&own->backoff_max_ms, 5000);
    default_to(&own->keepalive_ms, 1000);
    default_to(&own->message_bytes, 64u << 20);
    default_to(&own->calls, 16384);
    default_to(&own->queued_bytes, 128u << 20);
    iso_coap_backoff_init(&peer->backoff, own->backoff_ms, own->backoff_max_ms);
    peer->client = client;
    peer->next_deadline_ms = UINT64_MAX;
    iso_format(peer->reason, sizeof(peer->reason), "not used yet");
    peer->next = client->peers;
    if (client->peers != NULL) {
        client->peers->prev = peer;
    }
    client->peers = peer;
    *out = peer;
    return ISO_OK;
}

void iso_coap_peer_destroy(struct iso_coap_peer *peer)
{
    if (peer == NULL) {
        return;
    }
    struct iso_coap_client *client = peer->client;
    peer->wanted = false;
    session_close(peer);
    iso_coap_calls_end(peer);
    if (client->next == peer) {
        client->next = peer->next;
    }
    if (peer->prev != NULL) {
        peer->prev->next = peer->next;
    } else {
        client->peers = peer->next;
    }
    if (peer->next != NULL) {
        peer->next->prev = peer->prev;
    }
    memset(peer->key, 0, sizeof(peer->key));
    iso_alloc_free(client->alloc, peer, sizeof(*peer));
}

void iso_coap_peer_prepare(struct iso_coap_peer *peer)
{
    peer->wanted = true;
    iso_coap_io_want(&peer->client->io);
}

enum iso_err iso_coap_peer_update(struct iso_coap_peer *peer,
                                  const struct iso_coap_peer_config *config,
                                  struct iso_report *report)
{
    bool differs = false;
    enum iso_err err = take_target(peer, config, report, &differs);
    if (err != ISO_OK || !differs) {
        return err;
    }
    peer->address = 0;
    bool up = peer->state == ISO_COAP_PEER_UP;
    session_close(peer);
    iso_coap_backoff_reset(&peer->backoff);
    if (up) {
        peer->stats.losses++;
        iso_coap_calls_lost(peer);
    }
    if (peer->state != ISO_COAP_PEER_IDLE) {
        rest(peer, "addresses or key were replaced", false);
    }
    return ISO_OK;
}

enum iso_coap_peer_state iso_coap_peer_state(const struct iso_coap_peer *peer)
{
    return peer->state;
}

const char *iso_coap_peer_reason(const struct iso_coap_peer *peer)
{
    return peer->reason;
}

void iso_coap_peer_stats(const struct iso_coap_peer *peer, struct iso_coap_peer_stats *out)
{
    *out = peer->stats;
}
