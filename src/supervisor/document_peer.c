/* Peers of a deployment document: docs/deployment.md, "Peers". Addresses as in RFC 3986 (IPv6 in
 * brackets), keys in base64 (RFC 4648). */
#include "supervisor/document_json.h"

#include "codec/codec.h"

enum iso_err iso_sv_doc_peer_name(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_at *at,
                                  uint32_t *out)
{
    const struct iso_sv_document *document = reader->document;
    struct iso_str name;
    enum iso_err err = iso_sv_doc_name(reader, at, &name);
    if (err != ISO_OK) {
        return err;
    }
    uint32_t peer = iso_sv_document_peer(document, name);
    if (peer != ISO_SV_HERE) {
        *out = peer;
        return ISO_OK;
    }
    struct iso_nearest nearest = {.word = name};
    for (size_t i = 0; i < document->peer_count; i++) {
        iso_nearest_try(&nearest, document->peers[i].name);
    }
    char shown[64], hint[64];
    return iso_sv_doc_fail(reader, at, ISO_E_INVALID, "there is no peer %s in /peers%s",
                           iso_quote(shown, name), iso_nearest_text(&nearest, hint, sizeof hint));
}

/* ---- Addresses ---------------------------------------------------------------------------------
 */

static bool port_right(struct iso_str text)
{
    uint32_t port = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9' || i >= 5) {
            return false;
        }
        port = port * 10 + (uint32_t)(text.ptr[i] - '0');
    }
    return text.len > 0 && port >= 1 && port <= 65535;
}

static bool address_right(struct iso_str text)
{
    char host[80];
    unsigned char binary[16];
    bool v6 = text.ptr[0] == '[';
    const char *end = memchr(text.ptr, v6 ? ']' : ':', text.len);
    if (end == NULL) {
        return false;
    }
    const char *start = text.ptr + (v6 ? 1 : 0);
    const char *colon = end + (v6 ? 1 : 0);
    const char *stop = text.ptr + text.len;
    size_t len = (size_t)(end - start);
    if (len >= sizeof host || colon >= stop || *colon != ':') {
        return false;
    }
    memcpy(host, start, len);
    host[len] = '\0';
    return port_right(iso_str_from(colon + 1, (size_t)(stop - colon - 1))) &&
           uv_inet_pton(v6 ? AF_INET6 : AF_INET, host, binary) == 0;
}

static enum iso_err read_addresses(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_at *at,
                                   struct iso_sv_doc_peer *peer)
{
    enum iso_err err = iso_sv_doc_array(reader, at, 1, ISO_SV_DOC_ADDRESSES_MAX, "addresses");
    size_t count = json_array_size(at->json);
    struct iso_str *list = err == ISO_OK ? iso_sv_doc_new(reader, count, sizeof *list) : NULL;
    if (list == NULL) {
        return err != ISO_OK ? err : ISO_E_NOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        struct iso_sv_doc_at element = iso_sv_doc_element(at, i);
        err = iso_sv_doc_string(reader, &element, 1, 128, &list[i]);
        if (err == ISO_OK && !address_right(list[i])) {
            char shown[64];
            err = iso_sv_doc_fail(reader, &element, ISO_E_INVALID,
                                  "%s is not a numeric address with a port; write for example "
                                  "\"192.0.2.7:5684\" or \"[2001:db8::1]:5684\"",
                                  iso_quote(shown, list[i]));
        }
        if (err != ISO_OK) {
            return err;
        }
    }
    peer->addresses = list;
    peer->address_count = count;
    return ISO_OK;
}

/* ---- Keys --------------------------------------------------------------------------------------
 */

static enum iso_err read_identity(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_at *at,
                                  struct iso_str *out)
{
    enum iso_err err = iso_sv_doc_string(reader, at, 1, ISO_SV_DOC_IDENTITY_MAX, out);
    for (size_t i = 0; err == ISO_OK && i < out->len; i++) {
        if (out->ptr[i] <= 0x20 || out->ptr[i] >= 0x7F) {
            err = iso_sv_doc_fail(reader, at, ISO_E_INVALID,
                                  "an identity is of visible ASCII characters without spaces");
        }
    }
    return err;
}

/* The text of a key is in no message. */
static enum iso_err read_key(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_at *at,
                             uint8_t out[ISO_SV_DOC_KEY_BYTES])
{
    if (!json_is_string(at->json)) {
        return iso_sv_doc_fail(reader, at, ISO_E_INVALID,
                               "expected a key: %d bytes in base64, 44 characters",
                               ISO_SV_DOC_KEY_BYTES);
    }
    struct iso_str text = iso_str_from(json_string_value(at->json), json_string_length(at->json));
    uint8_t key[ISO_SV_DOC_KEY_BYTES + 1];
    size_t bad = 0;
    if (text.len != 44 || iso_base64_decoded_size(text) != ISO_SV_DOC_KEY_BYTES ||
        !iso_base64_decode(text, key, &bad)) {
        return iso_sv_doc_fail(reader, at, ISO_E_INVALID,
                               "not a key: it must be %d bytes in base64, 44 characters",
                               ISO_SV_DOC_KEY_BYTES);
    }
    memcpy(out, key, ISO_SV_DOC_KEY_BYTES);
    return ISO_OK;
}

static enum iso_err read_psk(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_at *at,
                             struct iso_sv_doc_psk *psk)
{
    struct iso_sv_doc_at identity = iso_sv_doc_member(at, "identity");
    struct iso_sv_doc_at key = iso_sv_doc_member(at, "key");
    enum iso_err err = read_identity(reader, &identity, &psk->identity);
    return err != ISO_OK ? err : read_key(reader, &key, psk->key);
}

/* ---- Ways --------------------------------------------------------------------------------------
 */

static enum iso_err read_connect(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_at *at,
                                 struct iso_sv_doc_peer *peer)
{
    static const char *const names[] = {"addresses", "identity", "key", "transport"};
    static const char *const transports[] = {"tls", "dtls"};
    if (at->json == NULL) {
        return ISO_OK;
    }
    struct iso_sv_doc_at addresses = iso_sv_doc_member(at, "addresses");
    struct iso_sv_doc_at transport = iso_sv_doc_member(at, "transport");
    size_t choice = 0;
    enum iso_err err = iso_sv_doc_object(reader, at, names, ISO_COUNT_OF(names), 3);
    if (err == ISO_OK) {
        err = read_addresses(reader, &addresses, peer);
    }
    if (err == ISO_OK && transport.json != NULL) {
        err = iso_sv_doc_choice(reader, &transport, transports, ISO_COUNT_OF(transports), &choice);
    }
    peer->transport = choice == 1 ? ISO_SV_DTLS : ISO_SV_TLS;
    return err != ISO_OK ? err : read_psk(reader, at, &peer->connect);
}

static uint32_t component_index(const struct iso_sv_doc_at *components, struct iso_str name)
{
    uint32_t i = 0;
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach(components->json, key, value)
    {
        if (iso_str_equal_z(name, key)) {
            return i;
        }
        i++;
    }
    return ISO_SV_HERE;
}

static enum iso_err read_calls(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_at *at,
                               const struct iso_sv_doc_at *components, struct iso_sv_doc_peer *peer)
{
    if (at->json == NULL) {
        return ISO_OK;
    }
    enum iso_err err = iso_sv_doc_array(reader, at, 0, ISO_SV_DOC_COMPONENTS_MAX, "components");
    size_t count = json_array_size(at->json);
    uint32_t *calls = err == ISO_OK ? iso_sv_doc_new(reader, count, sizeof *calls) : NULL;
    if (calls == NULL) {
        return err != ISO_OK ? err : ISO_E_NOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        struct iso_sv_doc_at element = iso_sv_doc_element(at, i);
        struct iso_str name;
        err = iso_sv_doc_name(reader, &element, &name);
        if (err != ISO_OK) {
            return err;
        }
        calls[i] = component_index(components, name);
        if (calls[i] == ISO_SV_HERE) {
            char shown[64];
            return iso_sv_doc_fail(reader, &element, ISO_E_INVALID,
                                   "there is no component %s in /components",
                                   iso_quote(shown, name));
        }
    }
    peer->calls = calls;
    peer->call_count = count;
    return ISO_OK;
}

static enum iso_err read_accept(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_at *at,
                                const struct iso_sv_doc_at *components,
                                struct iso_sv_doc_peer *peer)
{
    static const char *const names[] = {"identity", "key", "calls"};
    if (at->json == NULL) {
        return ISO_OK;
    }
    struct iso_sv_doc_at calls = iso_sv_doc_member(at, "calls");
    enum iso_err err = iso_sv_doc_object(reader, at, names, ISO_COUNT_OF(names), 2);
    if (err == ISO_OK) {
        err = read_psk(reader, at, &peer->accept);
    }
    return err != ISO_OK ? err : read_calls(reader, &calls, components, peer);
}

static bool device_right(struct iso_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && (i == 0 || (c != '-' && c != '_' && c != '.'))) {
            return false;
        }
    }
    return true;
}

static enum iso_err read_device(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_at *at,
                                struct iso_sv_doc_peer *peer)
{
    enum iso_err err = iso_sv_doc_string(reader, at, 1, ISO_SV_DOC_DEVICE_MAX, &peer->device);
    if (err == ISO_OK && !device_right(peer->device)) {
        char shown[64];
        err = iso_sv_doc_fail(reader, at, ISO_E_INVALID,
                              "%s is not the identity of a device: letters, digits, '-', '_' and "
                              "'.', a letter or digit first",
                              iso_quote(shown, peer->device));
    }
    return err;
}

static enum iso_err read_peer(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_at *at,
                              const struct iso_sv_doc_at *components, struct iso_sv_doc_peer *peer)
{
    static const char *const names[] = {"device", "connect", "accept"};
    struct iso_sv_doc_at device = iso_sv_doc_member(at, "device");
    struct iso_sv_doc_at connect = iso_sv_doc_member(at, "connect");
    struct iso_sv_doc_at accept = iso_sv_doc_member(at, "accept");
    enum iso_err err = iso_sv_doc_key_name(reader, at, &peer->name);
    if (err == ISO_OK) {
        err = iso_sv_doc_object(reader, at, names, ISO_COUNT_OF(names), 1);
    }
    if (err == ISO_OK) {
        err = read_device(reader, &device, peer);
    }
    if (err == ISO_OK) {
        err = read_connect(reader, &connect, peer);
    }
    return err != ISO_OK ? err : read_accept(reader, &accept, components, peer);
}

enum iso_err iso_sv_doc_peers(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_at *at,
                              const struct iso_sv_doc_at *components)
{
    struct iso_sv_document *document = reader->document;
    enum iso_err err = iso_sv_doc_map(reader, at, ISO_SV_DOC_PEERS_MAX, "peers");
    struct iso_sv_doc_peer *peers =
        err == ISO_OK ? iso_sv_doc_new(reader, json_object_size(at->json), sizeof *peers) : NULL;
    if (peers == NULL) {
        return err != ISO_OK ? err : ISO_E_NOMEM;
    }
    document->peers = peers;
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach(at->json, key, value)
    {
        struct iso_sv_doc_at member = {.json = value, .up = at, .key = key};
        err = read_peer(reader, &member, components, &peers[document->peer_count]);
        document->peer_count++; /* also one half read: its keys are wiped */
        if (err != ISO_OK) {
            return err;
        }
    }
    return ISO_OK;
}
