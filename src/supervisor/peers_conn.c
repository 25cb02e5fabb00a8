/* The connections of applications to other devices, and the keys under which those come here. Both
 * are shared by the generations that name them. */
#include "supervisor/peers_state.h"

#include "platform/platform.h"

/* ---- Going there -------------------------------------------------------------------------------
 */

/* Who it is and how it is reached: with the same, a connection serves for a later generation. */
static void digest_of(const struct iso_sv_document *document, const struct iso_sv_doc_peer *peer,
                      uint8_t out[ISO_SHA256_SIZE])
{
    struct iso_sha256 sha;
    iso_sha256_init(&sha);
    uint8_t transport = (uint8_t)peer->transport;
    const struct iso_str texts[] = {document->app, peer->device, peer->connect.identity};
    for (size_t i = 0; i < ISO_COUNT_OF(texts); i++) {
        iso_sha256_update(&sha, texts[i].ptr, texts[i].len);
        iso_sha256_update(&sha, "", 1);
    }
    for (size_t i = 0; i < peer->address_count; i++) {
        iso_sha256_update(&sha, peer->addresses[i].ptr, peer->addresses[i].len);
        iso_sha256_update(&sha, "", 1);
    }
    iso_sha256_update(&sha, &transport, 1);
    iso_sha256_update(&sha, peer->connect.key, sizeof peer->connect.key);
    iso_sha256_final(&sha, out);
}

static void on_state(void *ctx, enum iso_coap_peer_state state, const char *reason)
{
    static const char *const names[] = {"idle", "connecting", "up", "down"};
    struct iso_sv_conn *conn = ctx;
    struct iso_sv_peers *peers = conn->peers;
    char detail[256];
    if (state == ISO_COAP_PEER_UP) {
        iso_sv_peers_wake(peers, 0); /* a prepare may wait for it */
    }
    if (peers->changed != NULL && !peers->closing && state != ISO_COAP_PEER_CONNECTING) {
        (void)iso_format(detail, sizeof detail, "%s is %s%s%s", conn->device, names[state],
                         reason != NULL && reason[0] != '\0' ? ": " : "",
                         reason != NULL ? reason : "");
        peers->changed(peers->ctx, iso_str_from_z(conn->app), iso_str_from_z(""), "link", detail);
    }
}

static enum iso_err parse_addresses(const struct iso_sv_doc_peer *peer,
                                    struct sockaddr_storage out[ISO_COAP_ADDRESSES_MAX],
                                    struct iso_report *report)
{
    enum iso_err err = ISO_OK;
    for (size_t i = 0; i < peer->address_count && err == ISO_OK; i++) {
        char text[128];
        (void)iso_format(text, sizeof text, "%.*s", (int)peer->addresses[i].len,
                         peer->addresses[i].ptr);
        err = iso_address_parse(text, &out[i], report);
    }
    return err;
}

static enum iso_err open_peer(struct iso_sv_conn *conn, const struct iso_sv_doc_peer *peer,
                              struct iso_report *report)
{
    struct sockaddr_storage addresses[ISO_COAP_ADDRESSES_MAX];
    enum iso_err err = parse_addresses(peer, addresses, report);
    if (err != ISO_OK) {
        return err;
    }
    struct iso_coap_peer_config config = {
        .transport = peer->transport == ISO_SV_DTLS ? ISO_COAP_DTLS : ISO_COAP_TLS,
        .addresses = addresses,
        .address_count = peer->address_count,
        .identity = peer->connect.identity,
        .key = iso_bytes_from(peer->connect.key, sizeof peer->connect.key),
        .ctx = conn,
        .on_state = on_state};
    return iso_coap_peer_create(conn->peers->client, &config, report, &conn->peer);
}

enum iso_err iso_sv_conn_get(struct iso_sv_peers *peers, const struct iso_sv_document *document,
                             const struct iso_sv_doc_peer *peer, struct iso_sv_conn **out,
                             struct iso_report *report)
{
    uint8_t digest[ISO_SHA256_SIZE];
    digest_of(document, peer, digest);
    for (struct iso_sv_conn *conn = peers->conns; conn != NULL; conn = conn->next) {
        if (memcmp(conn->digest, digest, sizeof digest) == 0) {
            conn->refs++;
            *out = conn;
            return ISO_OK;
        }
    }
    struct iso_sv_conn *conn = iso_alloc_new(peers->alloc, sizeof *conn);
    if (conn == NULL) {
        return ISO_E_NOMEM;
    }
    conn->peers = peers;
    conn->refs = 1;
    memcpy(conn->digest, digest, sizeof digest);
    (void)iso_format(conn->app, sizeof conn->app, "%.*s", (int)document->app.len,
                     document->app.ptr);
    (void)iso_format(conn->device, sizeof conn->device, "%.*s", (int)peer->device.len,
                     peer->device.ptr);
    enum iso_err err = open_peer(conn, peer, report);
    if (err != ISO_OK) {
        iso_alloc_free(peers->alloc, conn, sizeof *conn);
        return err;
    }
    conn->next = peers->conns;
    peers->conns = conn;
    *out = conn;
    return ISO_OK;
}

/* A connection may be given up from within one of its callbacks: it goes with the next turn. */
void iso_sv_conn_unref(struct iso_sv_conn *conn)
{
    if (conn == NULL || --conn->refs > 0) {
        return;
    }
    struct iso_sv_peers *peers = conn->peers;
    struct iso_sv_conn **link = &peers->conns;
    while (*link != conn) {
        link = &(*link)->next;
    }
    *link = conn->next;
    conn->next = peers->garbage;
    peers->garbage = conn;
    iso_sv_peers_wake(peers, 0);
}

void iso_sv_conn_collect(struct iso_sv_peers *peers)
{
    while (peers->garbage != NULL) {
        struct iso_sv_conn *conn = peers->garbage;
        peers->garbage = conn->next;
        iso_coap_peer_destroy(conn->peer);
        iso_alloc_free(peers->alloc, conn, sizeof *conn);
    }
}

enum iso_err iso_sv_conn_post(struct iso_sv_conn *conn, const char *path,
                              const struct iso_str *queries, size_t query_count,
                              struct iso_bytes payload, uint64_t timeout_ns, iso_coap_done done,
                              void *ctx)
{
    uint64_t timeout_ms = timeout_ns / 1000000 + 1;
    struct iso_coap_call call = {.method = ISO_COAP_POST,
                                 .path = iso_str_from_z(path),
                                 .queries = queries,
                                 .query_count = query_count,
                                 .content_format = ISO_COAP_FORMAT_CBOR,
                                 .accept = ISO_COAP_FORMAT_CBOR,
                                 .payload = payload,
                                 .timeout_ms =
                                     timeout_ms < UINT32_MAX ? (uint32_t)timeout_ms : UINT32_MAX};
    return iso_coap_peer_call(conn->peer, &call, done, ctx, NULL);
}

/* ---- Coming here -------------------------------------------------------------------------------
 */

enum iso_err iso_sv_accept_get(struct iso_sv_peers *peers, const struct iso_sv_document *document,
                               const struct iso_sv_doc_peer *peer, struct iso_sv_accept **out,
                               struct iso_report *report)
{
    for (struct iso_sv_accept *accept = peers->accepts; accept != NULL; accept = accept->next) {
        if (!iso_str_equal_z(peer->accept.identity, accept->identity)) {
            continue;
        }
        if (!iso_str_equal_z(document->app, accept->app) ||
            memcmp(accept->key, peer->accept.key, sizeof accept->key) != 0) {
            return iso_fail(report, ISO_E_EXISTS,
                            "the identity '%s' is that of another deployment here, or has another "
                            "key there; choose another identity with each key",
                            accept->identity);
        }
        accept->refs++;
        *out = accept;
        return ISO_OK;
    }
    struct iso_sv_accept *accept = iso_alloc_new(peers->alloc, sizeof *accept);
    if (accept == NULL) {
        return ISO_E_NOMEM;
    }
    accept->refs = 1;
    (void)iso_format(accept->app, sizeof accept->app, "%.*s", (int)document->app.len,
                     document->app.ptr);
    (void)iso_format(accept->identity, sizeof accept->identity, "%.*s",
                     (int)peer->accept.identity.len, peer->accept.identity.ptr);
    memcpy(accept->key, peer->accept.key, sizeof accept->key);
    accept->principal = peers->next_principal++;
    accept->next = peers->accepts;
    peers->accepts = accept;
    *out = accept;
    return ISO_OK;
}

void iso_sv_accept_unref(struct iso_sv_peers *peers, struct iso_sv_accept *accept)
{
    if (accept == NULL || --accept->refs > 0) {
        return;
    }
    struct iso_sv_accept **link = &peers->accepts;
    while (*link != accept) {
        link = &(*link)->next;
    }
    *link = accept->next;
    if (peers->server != NULL) {
        iso_coap_server_drop(peers->server, accept->principal);
    }
    explicit_bzero(accept, sizeof *accept);
    iso_alloc_free(peers->alloc, accept, sizeof *accept);
}

bool iso_sv_peers_psk(struct iso_sv_peers *peers, struct iso_str identity, struct iso_coap_psk *out)
{
    for (const struct iso_sv_accept *accept = peers->accepts; accept != NULL;
         accept = accept->next) {
        if (iso_str_equal_z(identity, accept->identity)) {
            memcpy(out->key, accept->key, sizeof accept->key);
            out->key_len = sizeof accept->key;
            out->principal = accept->principal;
            return true;
        }
    }
    return false;
}
