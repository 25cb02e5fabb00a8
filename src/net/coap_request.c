/* Requests of the CoAP server: from libcoap's message to on_request. RFC 7252, section 5.8;
 * repeated datagrams: section 4.5; block-wise requests: RFC 7959, section 2.5. */
#include "net/coap_links.h"
#include "net/coap_server.h"

enum iso_err iso_coap_pending_add(struct iso_coap_session *session, struct iso_coap_pending **out)
{
    struct iso_coap_server *server = session->server;
    if (session->pending_count >= server->limits.requests_per_session) {
        return ISO_E_LIMIT;
    }
    struct iso_coap_pending *pending = iso_alloc_new(server->alloc, sizeof(*pending));
    if (pending == NULL) {
        return ISO_E_NOMEM;
    }
    enum iso_err err = iso_coap_slots_add(&server->requests, pending, &pending->id);
    if (err != ISO_OK) {
        iso_alloc_free(server->alloc, pending, sizeof(*pending));
        return err;
    }
    pending->session = session;
    pending->next = session->pending;
    if (session->pending != NULL) {
        session->pending->prev = pending;
    }
    session->pending = pending;
    session->pending_count++;
    *out = pending;
    return ISO_OK;
}

void iso_coap_pending_remove(struct iso_coap_pending *pending)
{
    struct iso_coap_session *session = pending->session;
    struct iso_coap_server *server = session->server;
    if (server->current == pending) {
        server->current = NULL;
        server->current_pdu = NULL;
    }
    iso_coap_slots_remove(&server->requests, pending->id);
    if (pending->prev != NULL) {
        pending->prev->next = pending->next;
    } else {
        session->pending = pending->next;
    }
    if (pending->next != NULL) {
        pending->next->prev = pending->prev;
    }
    session->pending_count--;
    if (pending->asked != NULL) {
        pending->asked->asking = 0;
    }
    iso_coap_head_free(server->alloc, pending->head);
    iso_alloc_free(server->alloc, pending, sizeof(*pending));
}

void iso_coap_request_show(struct iso_coap_pending *pending, const struct iso_coap_head *head,
                           struct iso_bytes payload, enum iso_coap_observe observe)
{
    struct iso_coap_session *session = pending->session;
    struct iso_coap_server *server = session->server;
    struct iso_coap_request request = {
        .id = pending->id,
        .method = head->method,
        .path = head->path,
        .path_count = head->path_count,
        .path_text = head->path_text,
        .queries = head->queries,
        .query_count = head->query_count,
        .content_format = head->format,
        .accept = head->accept,
        .observe = observe,
        .payload = payload,
        .transport = session->transport,
        .secure = session->secure,
        .principal = session->principal,
        .identity = iso_str_from_z(session->identity),
        .peer = (const struct sockaddr *)&session->peer,
        .session = session->number,
    };
    server->config.on_request(server->config.ctx, &request);
}

/* What is known of a message on its way to on_request. */
struct arrival {
    struct iso_coap_server *server;
    struct iso_coap_session *session;
    const coap_pdu_t *pdu;
    coap_pdu_t *response;
    struct iso_coap_parsed *parsed;
    uint32_t recent; /* entry + 1; 0: none */
    bool links;      /* GET /.well-known/core */
};

/* Answers without on_request, in the waiting message; datagrams are remembered with it. */
static void answer_now(const struct arrival *arrival, const struct iso_coap_reply *reply)
{
    (void)iso_coap_reply_write(arrival->response, reply);
    iso_coap_session_sent(arrival->session, reply->payload.len + 16);
    if (arrival->recent != 0) {
        struct iso_coap_recent *recent = &arrival->session->recent[arrival->recent - 1];
        iso_buf_fini(&recent->payload);
        if (iso_buf_append(&recent->payload, reply->payload.ptr, reply->payload.len) == ISO_OK) {
            recent->reply = *reply;
            recent->answered = true;
        }
    }
}

static void refuse(const struct arrival *arrival, uint8_t code, const char *text)
{
    struct iso_coap_reply reply = iso_coap_reply_of(code);
    iso_coap_reply_text(&reply, code, text);
    arrival->server->stats.refused_requests++;
    answer_now(arrival, &reply);
}

/* Datagrams: true when this one was seen before and is dealt with. */
static bool seen_before(struct arrival *arrival)
{
    struct iso_coap_session *session = arrival->session;
    if (session->recent == NULL) {
        return false;
    }
    uint16_t mid = (uint16_t)coap_pdu_get_mid(arrival->pdu);
    coap_bin_const_t token = coap_pdu_get_token(arrival->pdu);
    for (uint32_t i = 0; i < ISO_COAP_RECENT_MAX; i++) {
        struct iso_coap_recent *recent = &session->recent[i];
        if (recent->used && recent->mid == mid && recent->token_len == token.length &&
            iso_memory_equal(recent->token, token.s, token.length)) {
            arrival->server->stats.duplicates++;
            if (recent->answered) {
                recent->reply.payload = iso_buf_view(&recent->payload);
                (void)iso_coap_reply_write(arrival->response, &recent->reply);
            }
            return true; /* without an answer yet: libcoap confirms the message */
        }
    }
    uint32_t place = session->recent_next++ % ISO_COAP_RECENT_MAX;
    struct iso_coap_recent *recent = &session->recent[place];
    recent->used = true;
    recent->answered = false;
    recent->number++;
    recent->mid = mid;
    recent->token_len = (uint8_t)token.length;
    iso_memory_copy(recent->token, token.s, token.length);
    arrival->recent = place + 1;
    return false;
}

/* Answers GET /.well-known/core. */
static void show_links(struct iso_coap_server *server, uint64_t id,
                       const struct iso_coap_head *head, bool secure)
{
    struct iso_buf out;
    struct iso_str links = iso_str_from((const char *)server->links.ptr, server->links.len);
    if (!secure && server->config.plain_links != NULL) {
        links = iso_str_from_z(server->config.plain_links);
    }
    iso_buf_init(&out, server->alloc, ISO_COAP_LINKS_MAX);
    if (iso_coap_links_filter(links, head->queries, head->query_count, &out) != ISO_OK) {
        (void)iso_coap_respond_text(server, id, ISO_COAP_CODE(5, 3), "out of memory");
    } else {
        struct iso_coap_answer answer = {.code = ISO_COAP_CODE(2, 5),
                                         .content_format = ISO_COAP_FORMAT_LINK,
                                         .payload = iso_buf_view(&out)};
        (void)iso_coap_respond(server, id, &answer);
    }
    iso_buf_fini(&out);
}

/* A whole request: a place among those without answer, and on_request. */
static void admit(const struct arrival *arrival, const struct iso_coap_head *head,
                  struct iso_bytes payload, bool takes_large)
{
    struct iso_coap_server *server = arrival->server;
    const struct iso_coap_parsed *parsed = arrival->parsed;
    struct iso_coap_pending *pending;
    if (iso_coap_pending_add(arrival->session, &pending) != ISO_OK) {
        refuse(arrival, ISO_COAP_CODE(5, 3), "too many requests are waiting for their answer");
        return;
    }
    pending->head = iso_coap_head_copy(server->alloc, head);
    if (pending->head == NULL) {
        iso_coap_pending_remove(pending);
        refuse(arrival, ISO_COAP_CODE(5, 3), "out of memory");
        return;
    }
    coap_bin_const_t token = coap_pdu_get_token(arrival->pdu);
    pending->token_len = (uint8_t)token.length;
    iso_memory_copy(pending->token, token.s, token.length);
    pending->confirmable = coap_pdu_get_type(arrival->pdu) == COAP_MESSAGE_CON;
    pending->takes_large = takes_large;
    pending->has_block2 = parsed->has_block2;
    pending->block2 = parsed->block2;
    pending->has_block1 = parsed->has_block1;
    pending->block1 = parsed->block1;
    pending->recent = arrival->recent;
    pending->recent_number =
        arrival->recent != 0 ? arrival->session->recent[arrival->recent - 1].number : 0;
    enum iso_coap_observe observe = ISO_COAP_OBSERVE_NONE;
    if (head->method == ISO_COAP_GET && parsed->observe == 0) {
        observe = ISO_COAP_OBSERVE_REGISTER;
        pending->registers = true;
    } else if (head->method == ISO_COAP_GET && parsed->observe == 1) {
        observe = ISO_COAP_OBSERVE_DEREGISTER;
        struct iso_coap_observer *observer =
            iso_coap_observer_find(arrival->session, token.s, token.length);
        if (observer != NULL) {
            iso_coap_observer_remove(observer);
        }
    }
    server->current = pending;
    server->current_pdu = arrival->response;
    if (arrival->links) {
        show_links(server, pending->id, head, arrival->session->secure);
    } else {
        server->stats.requests++;
        server->stats.bytes_in += payload.len;
        iso_coap_request_show(pending, head, payload, observe);
    }
    server->current = NULL;
    server->current_pdu = NULL;
}

static uint32_t payload_max(const struct arrival *arrival)
{
    const struct iso_coap_limits *limits = &arrival->server->limits;
    return arrival->session->secure ? limits->payload_bytes : limits->plain_payload_bytes;
}

static void refuse_size(const struct arrival *arrival)
{
    struct iso_coap_reply reply = iso_coap_reply_of(ISO_COAP_CODE(4, 13));
    iso_coap_reply_text(&reply, ISO_COAP_CODE(4, 13), "the payload is too large");
    reply.size1 = payload_max(arrival);
    arrival->server->stats.refused_requests++;
    answer_now(arrival, &reply);
}

/* The first chunk of a message makes the place where it is put together. */
static struct iso_coap_partial *chunks_begin(const struct arrival *arrival)
{
    const struct iso_coap_part *part = &arrival->parsed->part;
    struct iso_coap_session *session = arrival->session;
    if (part->offset != 0) {
        refuse(arrival, ISO_COAP_CODE(4, 8), "a chunk of a message that is not known here");
        return NULL;
    }
    if (part->size > payload_max(arrival)) {
        refuse_size(arrival);
        return NULL;
    }
    struct iso_coap_partial *partial;
    enum iso_err err = iso_coap_partial_add(session, ISO_COAP_PARTIAL_CHUNKS,
                                            &arrival->parsed->head, part->size, &partial);
    if (err == ISO_OK) {
        err = iso_coap_assembly_init(&partial->assembly, arrival->server->alloc, part->size);
        if (err != ISO_OK) {
            iso_coap_partial_remove(session, partial);
        }
    }
    if (err != ISO_OK) {
        refuse(arrival, ISO_COAP_CODE(5, 3), "too much is in reassembly already");
        return NULL;
    }
    partial->id = part->id;
    return partial;
}

/* A chunk of a request from a device of ours (docs/internals/coap.md). */
static void take_chunk(const struct arrival *arrival)
{
    const struct iso_coap_parsed *parsed = arrival->parsed;
    struct iso_coap_session *session = arrival->session;
    struct iso_coap_partial *partial =
        iso_coap_partial_find(session, ISO_COAP_PARTIAL_CHUNKS, parsed->part.id);
    if (parsed->payload.len == 0) { /* the sender has given it up */
        if (partial != NULL) {
            iso_coap_partial_remove(session, partial);
        }
        struct iso_coap_reply gone = iso_coap_reply_of(ISO_COAP_CODE(2, 2));
        answer_now(arrival, &gone);
        return;
    }
    if (parsed->part.size == 0) {
        refuse(arrival, ISO_COAP_CODE(4, 0), "a chunk of nothing");
        return;
    }
    if (partial == NULL) {
        partial = chunks_begin(arrival);
        if (partial == NULL) {
            return;
        }
    } else if (partial->assembly.total != parsed->part.size) {
        iso_coap_partial_remove(session, partial);
        refuse(arrival, ISO_COAP_CODE(4, 0), "chunks of one message differ in its total");
        return;
    }
    enum iso_err err =
        iso_coap_assembly_add(&partial->assembly, parsed->part.offset, parsed->payload);
    if (err != ISO_OK && err != ISO_E_EXISTS) {
        iso_coap_partial_remove(session, partial);
        refuse(arrival, ISO_COAP_CODE(4, 0),
               err == ISO_E_INVALID ? "chunks of one message overlap"
               : err == ISO_E_LIMIT ? "chunks come in too wild an order"
                                    : "a chunk reaches beyond the total");
        return;
    }
    partial->used_ms = iso_coap_server_now(arrival->server);
    if (!iso_coap_assembly_complete(&partial->assembly)) {
        struct iso_coap_reply go_on = iso_coap_reply_of(ISO_COAP_CODE(2, 31));
        go_on.has_large = true;
        go_on.large = (struct iso_coap_large){.kind = ISO_COAP_LARGE_CREDIT,
                                              .credit = arrival->server->limits.window_bytes};
        answer_now(arrival, &go_on);
        return;
    }
    /* Out of the list: what on_request does must not touch it. The number of partials stays. */
    struct iso_coap_assembly assembly = partial->assembly;
    struct iso_coap_head *head = partial->head;
    partial->assembly.bytes = NULL;
    partial->head = NULL;
    iso_coap_partial_remove(session, partial);
    admit(arrival, head, iso_bytes_from(assembly.bytes, assembly.total), true);
    iso_coap_assembly_fini(&assembly);
    iso_coap_head_free(arrival->server->alloc, head);
}

/* A device of ours fetches a part of an answer. */
static void take_fetch(const struct arrival *arrival)
{
    const struct iso_coap_part *part = &arrival->parsed->part;
    struct iso_coap_session *session = arrival->session;
    struct iso_coap_partial *partial =
        iso_coap_partial_find(session, ISO_COAP_PARTIAL_ANSWER, part->id);
    if (partial == NULL) {
        refuse(arrival, ISO_COAP_CODE(4, 4), "this answer is not kept any more");
        return;
    }
    size_t room = iso_coap_session_room(session);
    if (part->size == 0 || part->size > room || part->offset >= partial->body.len) {
        refuse(arrival, ISO_COAP_CODE(4, 0), "a part that the answer does not have");
        return;
    }
    size_t left = partial->body.len - part->offset;
    struct iso_coap_reply reply = iso_coap_reply_of(ISO_COAP_CODE(2, 5));
    reply.payload =
        iso_bytes_from(partial->body.ptr + part->offset, left < part->size ? left : part->size);
    partial->used_ms = iso_coap_server_now(arrival->server);
    partial->given += reply.payload.len;
    arrival->server->stats.bytes_out += reply.payload.len;
    answer_now(arrival, &reply);
    /* On a stream what was written arrives, or the session ends. */
    if (iso_coap_is_stream(session->transport) && partial->given >= partial->body.len) {
        iso_coap_partial_remove(session, partial);
    }
}

/* A block of a request: in order, the first one starts anew. */
static void take_block1(const struct arrival *arrival)
{
    const struct iso_coap_parsed *parsed = arrival->parsed;
    struct iso_coap_session *session = arrival->session;
    const struct iso_coap_block *block = &parsed->block1;
    struct iso_coap_partial *partial =
        iso_coap_partial_match(session, ISO_COAP_PARTIAL_BLOCK1, &parsed->head);
    if (!iso_coap_block_payload_fits(block, parsed->payload.len)) {
        refuse(arrival, ISO_COAP_CODE(4, 0), "the block has not the size that it claims");
        return;
    }
    if (iso_coap_block_offset(block) + parsed->payload.len > payload_max(arrival) ||
        parsed->size1 > payload_max(arrival)) {
        if (partial != NULL) {
            iso_coap_partial_remove(session, partial);
        }
        refuse_size(arrival);
        return;
    }
    if (block->number == 0 && partial != NULL) {
        iso_coap_partial_remove(session, partial);
        partial = NULL;
    }
    if (block->number == 0 && !block->more) {
        admit(arrival, &parsed->head, parsed->payload, false);
        return;
    }
    if (partial == NULL &&
        (block->number != 0 || iso_coap_partial_add(session, ISO_COAP_PARTIAL_BLOCK1, &parsed->head,
                                                    0, &partial) != ISO_OK)) {
        refuse(arrival, block->number != 0 ? ISO_COAP_CODE(4, 8) : ISO_COAP_CODE(5, 3),
               block->number != 0 ? "the blocks before this one are missing"
                                  : "too much is in reassembly already");
        return;
    }
    if (partial->body.len != iso_coap_block_offset(block)) {
        refuse(arrival, ISO_COAP_CODE(4, 8), "this block is not the next one");
        return;
    }
    if (iso_coap_partial_charge(session, partial, parsed->payload.len) != ISO_OK ||
        iso_buf_append(&partial->body, parsed->payload.ptr, parsed->payload.len) != ISO_OK) {
        iso_coap_partial_remove(session, partial);
        refuse(arrival, ISO_COAP_CODE(5, 3), "too much is in reassembly already");
        return;
    }
    partial->used_ms = iso_coap_server_now(arrival->server);
    if (block->more) {
        struct iso_coap_reply go_on = iso_coap_reply_of(ISO_COAP_CODE(2, 31));
        go_on.has_block1 = true;
        go_on.block1 = *block;
        answer_now(arrival, &go_on);
        return;
    }
    struct iso_buf body = partial->body;
    iso_buf_init(&partial->body, arrival->server->alloc, 0);
    iso_coap_partial_remove(session, partial);
    admit(arrival, &parsed->head, iso_buf_view(&body), false);
    iso_buf_fini(&body);
}

/* A later block of an answer; true when it was dealt with. */
static bool take_block2(const struct arrival *arrival)
{
    struct iso_coap_parsed *parsed = arrival->parsed;
    if (!parsed->has_block2 || parsed->block2.number == 0) {
        return false;
    }
    struct iso_coap_partial *partial =
        iso_coap_partial_match(arrival->session, ISO_COAP_PARTIAL_BLOCK2, &parsed->head);
    if (partial == NULL) {
        if (parsed->head.method == ISO_COAP_GET) {
            return false; /* made anew; the entity tag tells whether it is the same */
        }
        refuse(arrival, ISO_COAP_CODE(4, 8), "this answer is not kept any more");
        return true;
    }
    struct iso_coap_reply reply = partial->reply;
    size_t offset = 0;
    size_t size = 0;
    if (iso_coap_block_cut(&parsed->block2, partial->body.len,
                           iso_coap_session_room(arrival->session), &reply.block2, &offset,
                           &size) != ISO_OK) {
        refuse(arrival, ISO_COAP_CODE(4, 2), "the answer has no such block");
        return true;
    }
    reply.payload = iso_bytes_from(partial->body.ptr + offset, size);
    partial->used_ms = iso_coap_server_now(arrival->server);
    arrival->server->stats.bytes_out += size;
    answer_now(arrival, &reply);
    return true;
}

void iso_coap_server_on_message(coap_resource_t *resource, coap_session_t *cs,
                                const coap_pdu_t *request, const coap_string_t *query,
                                coap_pdu_t *response)
{
    (void)query;
    struct iso_coap_server *server = coap_get_app_data(coap_session_get_context(cs));
    struct iso_coap_session *session = iso_coap_session_of(server, cs);
    if (session == NULL) {
        coap_pdu_set_code(response, COAP_RESPONSE_CODE_SERVICE_UNAVAILABLE);
        return;
    }
    struct iso_coap_parsed parsed;
    struct arrival arrival = {.server = server,
                              .session = session,
                              .pdu = request,
                              .response = response,
                              .parsed = &parsed,
                              .links = resource == server->links_resource};
    if (seen_before(&arrival)) {
        return;
    }
    struct iso_report report;
    iso_report_init(&report);
    uint8_t code = 0;
    if (iso_coap_parse(request, &parsed, &code, &report) != ISO_OK) {
        refuse(&arrival, code, report.text);
    } else if (parsed.has_chunk) {
        take_chunk(&arrival);
    } else if (parsed.has_fetch) {
        take_fetch(&arrival);
    } else if (take_block2(&arrival)) {
        return;
    } else if (parsed.has_block1) {
        take_block1(&arrival);
    } else if (parsed.payload.len > payload_max(&arrival)) {
        refuse_size(&arrival);
    } else {
        admit(&arrival, &parsed.head, parsed.payload, parsed.has_large);
    }
}
