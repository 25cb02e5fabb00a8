/* Responses to the messages of a call: grants, parts and the answer. */
#include "net/coap_peer.h"

/* Keeps the answer of one message, or one more block of it. */
static void keep_body(struct iso_coap_job *job, const struct iso_coap_parsed *parsed)
{
    job->code = parsed->head.method;
    job->format = parsed->head.format;
    enum iso_err err = iso_buf_append(&job->body, parsed->payload.ptr, parsed->payload.len);
    if (err != ISO_OK) {
        iso_coap_job_finish(job, err == ISO_E_LIMIT ? ISO_COAP_TOO_LARGE : ISO_COAP_UNKNOWN);
        return;
    }
    if (!parsed->has_block2) {
        iso_coap_job_finish(job, ISO_COAP_ANSWERED);
        return;
    }
    /* From a server that is none of ours: block after block (RFC 7959, section 2.4). */
    uint64_t end = iso_coap_block_offset(&parsed->block2) + parsed->payload.len;
    uint32_t size = iso_coap_block_size(&parsed->block2);
    if (end != job->body.len || (parsed->block2.more && parsed->payload.len % size != 0)) {
        iso_coap_job_finish(job, ISO_COAP_UNKNOWN);
    } else if (!parsed->block2.more) {
        iso_coap_job_finish(job, ISO_COAP_ANSWERED);
    } else if (end / size >= 1u << 20) {
        iso_coap_job_finish(job, ISO_COAP_TOO_LARGE);
    } else {
        job->has_block2 = true;
        job->block2 =
            (struct iso_coap_block){.number = (uint32_t)(end / size), .szx = parsed->block2.szx};
        job->sent = job->payload_len = 0; /* the payload is not repeated */
        iso_coap_job_move(job, ISO_COAP_JOB_SENDING);
    }
}

/* An answer that comes in parts: this one has the first. */
static void begin_parts(struct iso_coap_job *job, const struct iso_coap_parsed *parsed)
{
    struct iso_coap_peer *peer = job->peer;
    job->code = parsed->head.method;
    job->format = parsed->head.format;
    if (parsed->large.total > peer->config.message_bytes) {
        iso_coap_job_finish(job, ISO_COAP_TOO_LARGE);
        return;
    }
    if (iso_coap_assembly_init(&job->answer, peer->client->alloc, parsed->large.total) != ISO_OK ||
        iso_coap_assembly_add(&job->answer, 0, parsed->payload) != ISO_OK) {
        iso_coap_job_finish(job, ISO_COAP_UNKNOWN);
        return;
    }
    job->answer_id = parsed->large.id;
    job->fetched = (uint32_t)parsed->payload.len;
    if (iso_coap_assembly_complete(&job->answer)) {
        iso_coap_job_finish(job, ISO_COAP_ANSWERED);
    } else {
        iso_coap_job_move(job, ISO_COAP_JOB_FETCHING);
    }
}

static void take_answer(struct iso_coap_job *job, const struct iso_coap_parsed *parsed)
{
    if (parsed->has_large && parsed->large.kind == ISO_COAP_LARGE_ANSWER) {
        begin_parts(job, parsed);
    } else {
        keep_body(job, parsed);
    }
}

static void take_chunk_response(struct iso_coap_job *job, const struct iso_coap_parsed *parsed)
{
    struct iso_coap_peer *peer = job->peer;
    if (parsed->head.method != ISO_COAP_CODE(2, 31)) {
        take_answer(job, parsed); /* or a refusal: the rest is not sent */
        return;
    }
    job->begun = true;
    if (parsed->has_large && parsed->large.kind == ISO_COAP_LARGE_CREDIT) {
        peer->window = parsed->large.credit < ISO_COAP_PART_STREAM ? ISO_COAP_PART_STREAM
                                                                   : parsed->large.credit;
    }
    if (job->all_sent && job->exchanges == NULL) {
        iso_coap_job_finish(job, ISO_COAP_UNKNOWN); /* every chunk confirmed, none answered */
    }
}

static void take_part(struct iso_coap_job *job, uint32_t offset, uint32_t size,
                      const struct iso_coap_parsed *parsed)
{
    if (parsed->head.method != ISO_COAP_CODE(2, 5) || parsed->payload.len != size ||
        iso_coap_assembly_add(&job->answer, offset, parsed->payload) != ISO_OK) {
        iso_coap_job_finish(job, ISO_COAP_UNKNOWN);
    } else if (iso_coap_assembly_complete(&job->answer)) {
        iso_coap_job_finish(job, ISO_COAP_ANSWERED);
    }
}

coap_response_t iso_coap_client_on_response(coap_session_t *cs, const coap_pdu_t *sent,
                                            const coap_pdu_t *received, const coap_mid_t mid)
{
    (void)sent;
    (void)mid;
    struct iso_coap_peer *peer = coap_session_get_app_data(cs);
    coap_bin_const_t token = coap_pdu_get_token(received);
    if (peer == NULL || peer->cs != cs || peer->lost) {
        return COAP_RESPONSE_OK;
    }
    struct iso_coap_client *client = peer->client;
    peer->heard_ms = iso_coap_io_now(&client->io);
    struct iso_coap_exchange *exchange =
        token.length == 8 ? iso_coap_slots_get(&client->exchanges, iso_load_u64le(token.s)) : NULL;
    if (exchange == NULL || exchange->job->peer != peer) {
        return COAP_RESPONSE_OK; /* cancelled, or its time is over */
    }
    struct iso_coap_job *job = exchange->job;
    enum iso_coap_exchange_kind kind = exchange->kind;
    uint32_t offset = exchange->offset;
    uint32_t size = exchange->size;
    if (iso_coap_peer_streams(peer)) {
        iso_coap_flow_confirm(&peer->flow, exchange->position);
    }
    if (kind == ISO_COAP_EXCHANGE_WHOLE) {
        uint64_t rtt_us = (uv_hrtime() - exchange->sent_ns) / 1000;
        peer->stats.last_rtt_us = rtt_us < UINT32_MAX ? (uint32_t)rtt_us : UINT32_MAX;
    }
    iso_coap_exchange_remove(exchange);
    struct iso_coap_parsed parsed;
    uint8_t code;
    if (iso_coap_parse(received, &parsed, &code, NULL) != ISO_OK) {
        iso_coap_job_finish(job, ISO_COAP_UNKNOWN);
    } else if (kind == ISO_COAP_EXCHANGE_WHOLE) {
        take_answer(job, &parsed);
    } else if (kind == ISO_COAP_EXCHANGE_CHUNK) {
        take_chunk_response(job, &parsed);
    } else {
        take_part(job, offset, size, &parsed);
    }
    iso_coap_io_want(&client->io);
    return COAP_RESPONSE_OK;
}
