/* Answers of the CoAP server: at once in the message that waits, later in one of their own (RFC
 * 7252, section 5.2.2), whole, in blocks (RFC 7959, section 2.4) or announced to be fetched
 * (docs/internals/coap.md). */
#include "net/coap_server.h"

#include <stdarg.h>

void iso_coap_reply_text(struct iso_coap_reply *reply, uint8_t code, const char *text)
{
    reply->code = code;
    reply->format = ISO_COAP_FORMAT_NONE;
    reply->payload = iso_bytes_from(text, strlen(text));
}

bool iso_coap_session_send(struct iso_coap_session *session, bool confirmable, const uint8_t *token,
                           size_t token_len, const struct iso_coap_reply *reply)
{
    /* libcoap would try to connect to the peer for a session that is not up. */
    if (session->closing || coap_session_get_state(session->cs) != COAP_SESSION_STATE_ESTABLISHED) {
        return false;
    }
    coap_pdu_t *pdu = coap_pdu_init(confirmable ? COAP_MESSAGE_CON : COAP_MESSAGE_NON,
                                    (coap_pdu_code_t)reply->code, coap_new_message_id(session->cs),
                                    ISO_COAP_MESSAGE_MAX);
    if (pdu == NULL) {
        return false;
    }
    if (!coap_add_token(pdu, token_len, token) || !iso_coap_reply_write(pdu, reply)) {
        coap_delete_pdu(pdu);
        return false;
    }
    iso_coap_io_want(&session->server->io);
    if (coap_send(session->cs, pdu) == COAP_INVALID_MID) {
        return false;
    }
    iso_coap_session_sent(session, reply->payload.len + 32);
    return true;
}

void iso_coap_reply_send(struct iso_coap_pending *pending, const struct iso_coap_reply *reply)
{
    struct iso_coap_session *session = pending->session;
    struct iso_coap_server *server = session->server;
    server->stats.bytes_out += reply->payload.len;
    if (server->current == pending) {
        if (!iso_coap_reply_write(server->current_pdu, reply)) {
            coap_pdu_set_code(server->current_pdu, COAP_RESPONSE_CODE_INTERNAL_ERROR);
        }
        iso_coap_session_sent(session, reply->payload.len + 32);
    } else {
        (void)iso_coap_session_send(session, pending->confirmable, pending->token,
                                    pending->token_len, reply);
    }
    if (pending->recent != 0) {
        struct iso_coap_recent *recent = &session->recent[pending->recent - 1];
        iso_buf_fini(&recent->payload);
        if (recent->number == pending->recent_number &&
            iso_buf_append(&recent->payload, reply->payload.ptr, reply->payload.len) == ISO_OK) {
            recent->reply = *reply;
            recent->answered = true;
        }
    }
}

/* Keeps a payload for fetching, and lets the reply carry its first part. */
static enum iso_err keep(struct iso_coap_session *session, const struct iso_coap_head *head,
                         enum iso_coap_partial_kind kind, const struct iso_coap_reply *reply,
                         struct iso_coap_partial **out)
{
    if (kind == ISO_COAP_PARTIAL_BLOCK2) {
        struct iso_coap_partial *old = iso_coap_partial_match(session, kind, head);
        if (old != NULL) {
            iso_coap_partial_remove(session, old);
        }
    }
    struct iso_coap_partial *partial;
    enum iso_err err = iso_coap_partial_add(session, kind, head, reply->payload.len, &partial);
    if (err != ISO_OK) {
        return err;
    }
    err = iso_buf_append(&partial->body, reply->payload.ptr, reply->payload.len);
    if (err != ISO_OK) {
        iso_coap_partial_remove(session, partial);
        return err;
    }
    *out = partial;
    return ISO_OK;
}

static void fit_large(struct iso_coap_session *session, const struct iso_coap_head *head,
                      size_t room, struct iso_coap_reply *reply)
{
    struct iso_coap_partial *partial;
    if (reply->payload.len > UINT32_MAX ||
        keep(session, head, ISO_COAP_PARTIAL_ANSWER, reply, &partial) != ISO_OK) {
        iso_coap_reply_text(reply, ISO_COAP_CODE(5, 3), "the answer is too large to be kept");
        return;
    }
    partial->id = ++session->next_answer_id;
    partial->given = room;
    reply->has_large = true;
    reply->large = (struct iso_coap_large){
        .kind = ISO_COAP_LARGE_ANSWER, .id = partial->id, .total = (uint32_t)reply->payload.len};
    reply->payload.len = room;
}

static void fit_blocks(struct iso_coap_session *session, const struct iso_coap_head *head,
                       size_t room, const struct iso_coap_block *wanted,
                       struct iso_coap_reply *reply)
{
    struct iso_coap_block first = {.szx = 6};
    if (wanted == NULL) {
        wanted = &first;
    }
    uint8_t digest[ISO_SHA256_SIZE];
    iso_sha256(reply->payload.ptr, reply->payload.len, digest);
    memcpy(reply->etag, digest, sizeof(reply->etag));
    size_t offset = 0;
    size_t size = 0;
    struct iso_coap_block block;
    if (iso_coap_block_cut(wanted, reply->payload.len, room, &block, &offset, &size) != ISO_OK) {
        iso_coap_reply_text(reply, ISO_COAP_CODE(4, 2), "the answer has no such block");
        return;
    }
    if (block.more) {
        struct iso_coap_partial *partial;
        if (keep(session, head, ISO_COAP_PARTIAL_BLOCK2, reply, &partial) == ISO_OK) {
            partial->reply = *reply;
            partial->reply.observe = -1;
            partial->reply.has_etag = true;
            partial->reply.has_block1 = false;
            partial->reply.has_block2 = true;
        } /* Else a GET for a later block makes the answer anew. */
        reply->size2 = reply->payload.len;
    }
    reply->has_etag = true;
    reply->has_block2 = true;
    reply->block2 = block;
    reply->payload = iso_bytes_from(reply->payload.ptr + offset, size);
}

void iso_coap_reply_fit(struct iso_coap_session *session, const struct iso_coap_head *head,
                        bool takes_large, const struct iso_coap_block *block2,
                        struct iso_coap_reply *reply)
{
    size_t room = iso_coap_session_room(session);
    if (takes_large) {
        if (reply->payload.len > room) {
            fit_large(session, head, room, reply);
        }
    } else if (block2 != NULL || reply->payload.len > room) {
        fit_blocks(session, head, room, block2, reply);
    }
}

bool iso_coap_respond(struct iso_coap_server *server, uint64_t request_id,
                      const struct iso_coap_answer *answer)
{
    struct iso_coap_pending *pending = iso_coap_slots_get(&server->requests, request_id);
    if (pending == NULL) {
        return false;
    }
    if (pending->asked != NULL) {
        iso_coap_observer_answer(pending, answer);
        iso_coap_pending_remove(pending);
        return true;
    }
    struct iso_coap_session *session = pending->session;
    struct iso_coap_reply reply = iso_coap_reply_of(answer->code);
    reply.format = answer->content_format;
    reply.payload = answer->payload;
    unsigned class = ISO_COAP_CODE_CLASS(answer->code);
    reply.max_age_s = class == 4 ? 0 : answer->max_age_s;
    if (class != 2 && answer->content_format == ISO_COAP_FORMAT_NONE &&
        reply.payload.len > ISO_COAP_DIAGNOSTIC_MAX) {
        reply.payload.len = ISO_COAP_DIAGNOSTIC_MAX;
    }
    if (pending->has_block1) {
        reply.has_block1 = true;
        reply.block1 = pending->block1;
    }
    uint32_t number = 0;
    if (pending->registers && answer->observe && class == 2 &&
        iso_coap_observer_add(session, pending->head, pending->token, pending->token_len,
                              pending->takes_large, &number)) {
        reply.observe = number;
    }
    iso_coap_reply_fit(session, pending->head, pending->takes_large,
                       pending->has_block2 ? &pending->block2 : NULL, &reply);
    iso_coap_reply_send(pending, &reply);
    iso_coap_pending_remove(pending);
    return true;
}

bool iso_coap_respond_text(struct iso_coap_server *server, uint64_t request_id, uint8_t code,
                           const char *format, ...)
{
    char text[ISO_COAP_DIAGNOSTIC_MAX + 1];
    va_list args;
    va_start(args, format);
    size_t len = iso_format_v(text, sizeof(text), format, args);
    va_end(args);
    struct iso_coap_answer answer = {.code = code,
                                     .content_format = ISO_COAP_CODE_CLASS(code) == 2
                                                           ? ISO_COAP_FORMAT_TEXT
                                                           : ISO_COAP_FORMAT_NONE,
                                     .payload = iso_bytes_from(text, len)};
    return iso_coap_respond(server, request_id, &answer);
}

bool iso_coap_request_open(const struct iso_coap_server *server, uint64_t request_id)
{
    return iso_coap_slots_get(&server->requests, request_id) != NULL;
}
