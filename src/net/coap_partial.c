/* What a session keeps over several messages: requests in reassembly and answers to be fetched. */
#include "net/coap_server.h"

struct iso_coap_partial *iso_coap_partial_find(struct iso_coap_session *session,
                                               enum iso_coap_partial_kind kind, uint32_t id)
{
    struct iso_coap_partial *partial = session->partials;
    while (partial != NULL && (partial->kind != kind || partial->id != id)) {
        partial = partial->next;
    }
    return partial;
}

/* Whether two requests ask for the same (RFC 7959, section 2.4: the options that make the cache
 * key). */
static bool same_request(const struct iso_coap_head *a, const struct iso_coap_head *b)
{
    bool same = a->method == b->method && a->accept == b->accept &&
                iso_str_equal(a->path_text, b->path_text) && a->query_count == b->query_count;
    for (size_t i = 0; same && i < a->query_count; i++) {
        same = iso_str_equal(a->queries[i], b->queries[i]);
    }
    return same;
}

struct iso_coap_partial *iso_coap_partial_match(struct iso_coap_session *session,
                                                enum iso_coap_partial_kind kind,
                                                const struct iso_coap_head *head)
{
    struct iso_coap_partial *partial = session->partials;
    while (partial != NULL && (partial->kind != kind || !same_request(partial->head, head))) {
        partial = partial->next;
    }
    return partial;
}

void iso_coap_partial_remove(struct iso_coap_session *session, struct iso_coap_partial *partial)
{
    struct iso_coap_server *server = session->server;
    struct iso_coap_partial **at = &session->partials;
    while (*at != partial) {
        at = &(*at)->next;
    }
    *at = partial->next;
    session->partial_count--;
    session->partial_bytes -= partial->charged;
    server->stats.partial_bytes_now -= partial->charged;
    server->plain_partial_bytes -= session->secure ? 0 : partial->charged;
    iso_coap_assembly_fini(&partial->assembly);
    iso_buf_fini(&partial->body);
    iso_coap_head_free(server->alloc, partial->head);
    iso_alloc_free(server->alloc, partial, sizeof(*partial));
}

static bool is_answer(const struct iso_coap_partial *partial)
{
    return partial->kind == ISO_COAP_PARTIAL_ANSWER || partial->kind == ISO_COAP_PARTIAL_BLOCK2;
}

/* The kept answer that was used longest ago, but for the newest of all. */
static struct iso_coap_partial *oldest_answer(struct iso_coap_session *session,
                                              const struct iso_coap_partial *but)
{
    struct iso_coap_partial *oldest = NULL;
    for (struct iso_coap_partial *p = session->partials; p != NULL; p = p->next) {
        if (p != but && is_answer(p) && (oldest == NULL || p->used_ms <= oldest->used_ms)) {
            oldest = p;
        }
    }
    return oldest;
}

static bool is_room(const struct iso_coap_session *session, uint64_t bytes)
{
    const struct iso_coap_server *server = session->server;
    const struct iso_coap_limits *limits = &server->limits;
    return bytes <= limits->partial_bytes_per_session - session->partial_bytes &&
           bytes <= limits->partial_bytes - server->stats.partial_bytes_now &&
           (session->secure || bytes <= limits->plain_partial_bytes - server->plain_partial_bytes);
}

enum iso_err iso_coap_partial_charge(struct iso_coap_session *session,
                                     struct iso_coap_partial *partial, uint64_t bytes)
{
    struct iso_coap_server *server = session->server;
    while (!is_room(session, bytes)) {
        struct iso_coap_partial *old = oldest_answer(session, partial);
        if (old == NULL) {
            return ISO_E_LIMIT;
        }
        iso_coap_partial_remove(session, old);
    }
    partial->charged += bytes;
    session->partial_bytes += bytes;
    server->stats.partial_bytes_now += bytes;
    server->plain_partial_bytes += session->secure ? 0 : bytes;
    return ISO_OK;
}

enum iso_err iso_coap_partial_add(struct iso_coap_session *session, enum iso_coap_partial_kind kind,
                                  const struct iso_coap_head *head, uint64_t bytes,
                                  struct iso_coap_partial **out)
{
    struct iso_coap_server *server = session->server;
    if (session->partial_count >= server->limits.partial_per_session) {
        struct iso_coap_partial *old = oldest_answer(session, NULL);
        if (old == NULL) {
            return ISO_E_LIMIT;
        }
        iso_coap_partial_remove(session, old);
    }
    struct iso_coap_partial *partial = iso_alloc_new(server->alloc, sizeof(*partial));
    struct iso_coap_head *copy = iso_coap_head_copy(server->alloc, head);
    if (partial == NULL || copy == NULL) {
        iso_alloc_free(server->alloc, partial, sizeof(*partial));
        iso_coap_head_free(server->alloc, copy);
        return ISO_E_NOMEM;
    }
    partial->kind = kind;
    partial->head = copy;
    partial->used_ms = iso_coap_server_now(server);
    iso_buf_init(&partial->body, server->alloc, SIZE_MAX);
    partial->next = session->partials;
    session->partials = partial;
    session->partial_count++;
    enum iso_err err = iso_coap_partial_charge(session, partial, bytes);
    if (err != ISO_OK) {
        iso_coap_partial_remove(session, partial);
        return err;
    }
    *out = partial;
    return ISO_OK;
}

void iso_coap_partials_expire(struct iso_coap_session *session)
{
    struct iso_coap_server *server = session->server;
    uint64_t now = iso_coap_server_now(server);
    struct iso_coap_partial *partial = session->partials;
    while (partial != NULL) {
        struct iso_coap_partial *next = partial->next;
        if (now - partial->used_ms >= server->limits.partial_ms) {
            server->stats.expired_partials += is_answer(partial) ? 0 : 1;
            iso_coap_partial_remove(session, partial);
        }
        partial = next;
    }
}
