/* Calls over a link: taking them on, sending them whole or in chunks, ending them exactly once. */
#include "net/coap_peer.h"

static uint64_t now_of(const struct iso_coap_peer *peer)
{
    return iso_coap_io_now(&peer->client->io);
}

const char *iso_coap_outcome_text(enum iso_coap_outcome outcome)
{
    switch (outcome) {
    case ISO_COAP_ANSWERED:
        return "answered";
    case ISO_COAP_NOT_SENT:
        return "link lost before the request was sent: not executed";
    case ISO_COAP_UNKNOWN:
        return "link lost after the request was sent: perhaps executed";
    case ISO_COAP_TIMEOUT:
        return "no answer in time: perhaps executed";
    case ISO_COAP_TIMEOUT_IDLE:
        return "not sent in time: not executed";
    case ISO_COAP_CANCELLED:
        return "cancelled";
    case ISO_COAP_TOO_LARGE:
        return "the answer is too large: executed";
    }
    return "?";
}

/* ---- Lists ----------------------------------------------------------------------------------- */

static void list_remove(struct iso_coap_job *job)
{
    struct iso_coap_jobs *jobs = &job->peer->jobs[job->list];
    *(job->prev != NULL ? &job->prev->next : &jobs->first) = job->next;
    *(job->next != NULL ? &job->next->prev : &jobs->last) = job->prev;
    job->next = job->prev = NULL;
}

static void list_append(struct iso_coap_job *job, enum iso_coap_job_list list)
{
    struct iso_coap_jobs *jobs = &job->peer->jobs[list];
    job->list = list;
    job->prev = jobs->last;
    *(jobs->last != NULL ? &jobs->last->next : &jobs->first) = job;
    jobs->last = job;
}

void iso_coap_job_move(struct iso_coap_job *job, enum iso_coap_job_list list)
{
    list_remove(job);
    list_append(job, list);
}

static void payload_free(struct iso_coap_job *job)
{
    if (job->payload != NULL) {
        job->peer->stats.queued_bytes -= job->payload_len;
        iso_alloc_free(job->peer->client->alloc, job->payload, job->payload_len);
        job->payload = NULL;
    }
}

void iso_coap_exchange_remove(struct iso_coap_exchange *exchange)
{
    struct iso_coap_job *job = exchange->job;
    struct iso_coap_client *client = job->peer->client;
    if (exchange->kind == ISO_COAP_EXCHANGE_FETCH) {
        job->peer->fetches_under_way -= exchange->size;
    } else if (exchange->kind == ISO_COAP_EXCHANGE_CHUNK) {
        job->peer->chunks_under_way -= exchange->size;
    }
    *(exchange->prev != NULL ? &exchange->prev->next : &job->exchanges) = exchange->next;
    if (exchange->next != NULL) {
        exchange->next->prev = exchange->prev;
    }
    iso_coap_slots_remove(&client->exchanges, exchange->id);
    iso_alloc_free(client->alloc, exchange, sizeof(*exchange));
}

static void exchanges_free(struct iso_coap_job *job)
{
    while (job->exchanges != NULL) {
        iso_coap_exchange_remove(job->exchanges);
    }
}

void iso_coap_job_finish(struct iso_coap_job *job, enum iso_coap_outcome outcome)
{
    if (job->list == ISO_COAP_JOB_FINISHED) {
        return;
    }
    job->outcome = outcome;
    exchanges_free(job);
    payload_free(job);
    iso_coap_job_move(job, ISO_COAP_JOB_FINISHED);
    iso_coap_io_want(&job->peer->client->io);
}

/* ---- Taking a call on ------------------------------------------------------------------------ */

static void job_free(struct iso_coap_job *job)
{
    const struct iso_alloc *alloc = job->peer->client->alloc;
    payload_free(job);
    iso_buf_fini(&job->body);
    iso_coap_assembly_fini(&job->answer);
    iso_coap_head_free(alloc, job->head);
    iso_alloc_free(alloc, job, sizeof(*job));
}

static enum iso_err check_call(const struct iso_coap_peer *peer, const struct iso_coap_call *call)
{
    if (peer->ending) {
        return ISO_E_STATE;
    }
    if (call->method < ISO_COAP_GET || call->method > ISO_COAP_FETCH ||
        call->path.len > ISO_COAP_PATH_TEXT_MAX || call->query_count > ISO_COAP_QUERIES_MAX ||
        call->content_format < ISO_COAP_FORMAT_NONE || call->content_format > 0xffff ||
        call->accept < ISO_COAP_FORMAT_NONE || call->accept > 0xffff) {
        return ISO_E_ARGUMENT;
    }
    for (size_t i = 0; i < call->query_count; i++) {
        if (call->queries[i].len > ISO_COAP_OPTION_TEXT_MAX) {
            return ISO_E_ARGUMENT;
        }
    }
    if (call->payload.len > peer->config.message_bytes ||
        peer->stats.calls_now >= peer->config.calls ||
        call->payload.len > peer->config.queued_bytes - peer->stats.queued_bytes) {
        return ISO_E_LIMIT;
    }
    return call->only_when_up && peer->state != ISO_COAP_PEER_UP ? ISO_E_REFUSED : ISO_OK;
}

static struct iso_coap_head *head_of(const struct iso_coap_peer *peer,
                                     const struct iso_coap_call *call, enum iso_err *err)
{
    struct iso_str path[ISO_COAP_SEGMENTS_MAX];
    char buffer[ISO_COAP_PATH_TEXT_MAX];
    size_t count = 0;
    *err = iso_coap_path_split(call->path, buffer, path, &count);
    if (*err != ISO_OK) {
        return NULL;
    }
    struct iso_coap_head head = {
        .method = call->method,
        .format = call->content_format,
        .accept = call->accept,
        .path = path,
        .path_count = count,
        .queries = call->queries,
        .query_count = call->query_count,
    };
    struct iso_coap_head *copy = iso_coap_head_copy(peer->client->alloc, &head);
    *err = copy != NULL ? ISO_OK : ISO_E_NOMEM;
    return copy;
}

enum iso_err iso_coap_peer_call(struct iso_coap_peer *peer, const struct iso_coap_call *call,
                                iso_coap_done done, void *ctx, uint64_t *out_id)
{
    struct iso_coap_client *client = peer->client;
    enum iso_err err = check_call(peer, call);
    struct iso_coap_head *head = err == ISO_OK ? head_of(peer, call, &err) : NULL;
    if (err != ISO_OK) {
        return err;
    }
    struct iso_coap_job *job = iso_alloc_new(client->alloc, sizeof(*job));
    if (job == NULL) {
        iso_coap_head_free(client->alloc, head);
        return ISO_E_NOMEM;
    }
    job->peer = peer;
    job->head = head;
    iso_buf_init(&job->body, client->alloc, peer->config.message_bytes);
    if (call->payload.len > 0) {
        job->payload = iso_alloc_resize(client->alloc, NULL, 0, call->payload.len);
        if (job->payload != NULL) {
            job->payload_len = call->payload.len;
            peer->stats.queued_bytes += job->payload_len;
            memcpy(job->payload, call->payload.ptr, job->payload_len);
        } else {
            err = ISO_E_NOMEM;
        }
    }
    if (err == ISO_OK) {
        err = iso_coap_slots_add(&client->jobs, job, &job->id);
    }
    if (err != ISO_OK) {
        job_free(job);
        return err;
    }
    job->done = done;
    job->ctx = ctx;
    job->format = ISO_COAP_FORMAT_NONE;
    uint64_t timeout_ms = call->timeout_ms != 0 ? call->timeout_ms : 30000;
    job->deadline_ms = now_of(peer) + timeout_ms;
    if (job->deadline_ms < peer->next_deadline_ms) {
        peer->next_deadline_ms = job->deadline_ms;
        iso_coap_io_tick_within(&client->io, timeout_ms);
    }
    list_append(job, ISO_COAP_JOB_SENDING);
    peer->stats.calls_now++;
    peer->stats.calls++;
    peer->wanted = true;
    iso_coap_io_want(&client->io);
    if (out_id != NULL) {
        *out_id = job->id;
    }
    return ISO_OK;
}

/* ---- Sending --------------------------------------------------------------------------------- */

static struct iso_coap_exchange *exchange_add(struct iso_coap_job *job,
                                              enum iso_coap_exchange_kind kind)
{
    struct iso_coap_client *client = job->peer->client;
    struct iso_coap_exchange *exchange = iso_alloc_new(client->alloc, sizeof(*exchange));
    if (exchange == NULL) {
        return NULL;
    }
    if (iso_coap_slots_add(&client->exchanges, exchange, &exchange->id) != ISO_OK) {
        iso_alloc_free(client->alloc, exchange, sizeof(*exchange));
        return NULL;
    }
    exchange->job = job;
    exchange->kind = kind;
    exchange->next = job->exchanges;
    if (job->exchanges != NULL) {
        job->exchanges->prev = exchange;
    }
    job->exchanges = exchange;
    return exchange;
}

/* Path, queries and formats; left out where the receiver knows them from the first part. */
static bool add_head(coap_pdu_t *pdu, const struct iso_coap_job *job, bool first)
{
    const struct iso_coap_head *head = job->head;
    bool good = true;
    for (size_t i = 0; first && i < head->path_count; i++) {
        good = good && coap_add_option(pdu, COAP_OPTION_URI_PATH, head->path[i].len,
                                       (const uint8_t *)head->path[i].ptr) != 0;
    }
    if (first && head->format >= 0) {
        good = good && iso_coap_add_uint(pdu, COAP_OPTION_CONTENT_FORMAT, (uint64_t)head->format);
    }
    for (size_t i = 0; first && i < head->query_count; i++) {
        good = good && coap_add_option(pdu, COAP_OPTION_URI_QUERY, head->queries[i].len,
                                       (const uint8_t *)head->queries[i].ptr) != 0;
    }
    if (first && head->accept >= 0) {
        good = good && iso_coap_add_uint(pdu, COAP_OPTION_ACCEPT, (uint64_t)head->accept);
    }
    return good;
}

static bool add_options(coap_pdu_t *pdu, const struct iso_coap_job *job,
                        const struct iso_coap_exchange *exchange)
{
    uint8_t bytes[ISO_COAP_PART_SIZE];
    bool good = add_head(pdu, job, exchange->offset == 0);
    if (job->has_block2) {
        size_t len = iso_coap_block_encode(&job->block2, bytes);
        good = good && coap_add_option(pdu, COAP_OPTION_BLOCK2, len, bytes) != 0;
    }
    if (exchange->kind == ISO_COAP_EXCHANGE_WHOLE) {
        return good && coap_add_option(pdu, ISO_COAP_OPTION_ISO_LARGE, 0, NULL) != 0;
    }
    bool chunk = exchange->kind == ISO_COAP_EXCHANGE_CHUNK;
    struct iso_coap_part part = {
        .id = chunk ? job->message : job->answer_id,
        .offset = exchange->offset,
        .size = chunk ? (uint32_t)job->payload_len : exchange->size,
    };
    iso_coap_part_encode(&part, bytes);
    return good &&
           coap_add_option(pdu, chunk ? ISO_COAP_OPTION_ISO_CHUNK : ISO_COAP_OPTION_ISO_FETCH,
                           sizeof(bytes), bytes) != 0;
}

/* Sends the message of an exchange. False: out of memory, or the session is no good. */
static bool exchange_send(struct iso_coap_exchange *exchange, struct iso_bytes payload)
{
    struct iso_coap_job *job = exchange->job;
    struct iso_coap_peer *peer = job->peer;
    uint8_t token[8];
    iso_store_u64le(token, exchange->id);
    coap_request_t method = exchange->kind == ISO_COAP_EXCHANGE_FETCH
                                ? COAP_REQUEST_GET
                                : (coap_request_t)job->head->method;
    coap_pdu_t *pdu = coap_pdu_init(COAP_MESSAGE_CON, (coap_pdu_code_t)method,
                                    coap_new_message_id(peer->cs), ISO_COAP_MESSAGE_MAX);
    if (pdu == NULL) {
        return false;
    }
    if (!coap_add_token(pdu, sizeof(token), token) || !add_options(pdu, job, exchange) ||
        !coap_add_data(pdu, payload.len, payload.ptr)) {
        coap_delete_pdu(pdu);
        return false;
    }
    bool ping = iso_coap_peer_streams(peer) && iso_coap_flow_sent(&peer->flow, payload.len + 64);
    exchange->position = peer->flow.sent;
    exchange->sent_ns = uv_hrtime();
    peer->stats.bytes_out += payload.len;
    if (coap_send(peer->cs, pdu) == COAP_INVALID_MID) {
        iso_coap_peer_lose(peer, "sending failed");
        return false;
    }
    if (ping) {
        peer->pinged_ms = now_of(peer);
        (void)coap_session_send_ping(peer->cs);
    }
    iso_coap_io_want(&peer->client->io);
    return true;
}

static size_t room_of(const struct iso_coap_peer *peer)
{
    if (!iso_coap_peer_streams(peer)) {
        return ISO_COAP_PART_DATAGRAM;
    }
    return coap_session_max_pdu_size(peer->cs) >= ISO_COAP_PART_STREAM + 1024
               ? ISO_COAP_PART_STREAM
               : ISO_COAP_PART_DATAGRAM;
}

/* The same for the first message of a call: over datagrams, path and queries take of its room. */
static size_t first_room_of(const struct iso_coap_peer *peer, const struct iso_coap_job *job)
{
    size_t room = room_of(peer);
    if (iso_coap_peer_streams(peer)) {
        return room;
    }
    /* Header, token, the chunk's option, formats; each option has up to 3 bytes before it. */
    size_t taken = 64;
    for (size_t i = 0; i < job->head->path_count; i++) {
        taken += job->head->path[i].len + 3;
    }
    for (size_t i = 0; i < job->head->query_count; i++) {
        taken += job->head->queries[i].len + 3;
    }
    size_t message = coap_session_max_pdu_size(peer->cs);
    size_t left = message > taken + 16 ? message - taken : 16;
    return left < room ? left : room;
}

/* Sends the next message of a call. */
static bool job_send(struct iso_coap_job *job)
{
    struct iso_coap_peer *peer = job->peer;
    size_t room = job->sent == 0 ? first_room_of(peer, job) : room_of(peer);
    bool whole = (job->sent == 0 && job->payload_len <= room) || job->has_block2;
    struct iso_coap_exchange *exchange =
        exchange_add(job, whole ? ISO_COAP_EXCHANGE_WHOLE : ISO_COAP_EXCHANGE_CHUNK);
    if (exchange == NULL) {
        return false;
    }
    size_t left = job->payload_len - job->sent;
    size_t size = left < room ? left : room;
    if (job->sent == 0 && !whole) {
        job->message = ++peer->next_message;
    }
    if (!whole) {
        exchange->offset = (uint32_t)job->sent;
        exchange->size = (uint32_t)size;
        peer->chunks_under_way += size;
    }
    /* Until all of it was given to libcoap it cannot be executed. */
    bool before = job->all_sent;
    job->all_sent = job->sent + size == job->payload_len;
    const uint8_t *from = job->payload != NULL ? job->payload + job->sent : NULL;
    if (!exchange_send(exchange, iso_bytes_from(from, size))) {
        job->all_sent = before || (job->all_sent && peer->lost); /* perhaps it went */
        iso_coap_exchange_remove(exchange);
        return false;
    }
    job->sent += size;
    job->has_block2 = false;
    if (job->all_sent) {
        payload_free(job);
        iso_coap_job_move(job, ISO_COAP_JOB_WAITING);
    } else {
        iso_coap_job_move(job, ISO_COAP_JOB_SENDING); /* to the end: the others get their turn */
    }
    return true;
}

/* Asks for the next part of an answer. */
static bool job_fetch(struct iso_coap_job *job)
{
    struct iso_coap_peer *peer = job->peer;
    struct iso_coap_exchange *exchange = exchange_add(job, ISO_COAP_EXCHANGE_FETCH);
    if (exchange == NULL) {
        return false;
    }
    size_t left = job->answer.total - job->fetched;
    size_t room = room_of(peer);
    exchange->offset = job->fetched;
    exchange->size = (uint32_t)(left < room ? left : room);
    peer->fetches_under_way += exchange->size;
    uint32_t size = exchange->size;
    if (!exchange_send(exchange, iso_bytes_from(NULL, 0))) {
        iso_coap_exchange_remove(exchange);
        return false;
    }
    job->fetched += size;
    iso_coap_job_move(job, job->fetched == job->answer.total ? ISO_COAP_JOB_WAITING
                                                             : ISO_COAP_JOB_FETCHING);
    return true;
}

/* The next call that may send: over datagrams the first chunk of a message must be confirmed before
 * the others, which could overtake it. */
static struct iso_coap_job *next_to_send(const struct iso_coap_peer *peer)
{
    struct iso_coap_job *job = peer->jobs[ISO_COAP_JOB_SENDING].first;
    if (iso_coap_peer_streams(peer)) {
        return job;
    }
    while (job != NULL && job->sent > 0 && !job->begun) {
        job = job->next;
    }
    return job;
}

static bool window_open(const struct iso_coap_peer *peer)
{
    return iso_coap_peer_streams(peer) ? iso_coap_flow_unread(&peer->flow) < peer->window
                                       : peer->chunks_under_way < ISO_COAP_WINDOW_DATAGRAM;
}

void iso_coap_calls_send(struct iso_coap_peer *peer)
{
    uint64_t fetch_window =
        iso_coap_peer_streams(peer) ? ISO_COAP_WINDOW_FIRST : ISO_COAP_WINDOW_DATAGRAM;
    bool good = true;
    while (good && !peer->lost && window_open(peer) &&
           peer->jobs[ISO_COAP_JOB_FETCHING].first != NULL &&
           peer->fetches_under_way < fetch_window) {
        good = job_fetch(peer->jobs[ISO_COAP_JOB_FETCHING].first);
    }
    struct iso_coap_job *job;
    while (good && !peer->lost && window_open(peer) && (job = next_to_send(peer)) != NULL) {
        good = job_send(job);
    }
    if (!good && !peer->lost) {
        iso_coap_peer_lose(peer, "out of memory");
    }
}

/* ---- Ending ---------------------------------------------------------------------------------- */

void iso_coap_calls_lost(struct iso_coap_peer *peer)
{
    static const enum iso_coap_job_list lists[] = {ISO_COAP_JOB_WAITING, ISO_COAP_JOB_FETCHING};
    for (size_t i = 0; i < ISO_COUNT_OF(lists); i++) {
        while (peer->jobs[lists[i]].first != NULL) {
            iso_coap_job_finish(peer->jobs[lists[i]].first, ISO_COAP_UNKNOWN);
        }
    }
    struct iso_coap_job *next = NULL;
    for (struct iso_coap_job *job = peer->jobs[ISO_COAP_JOB_SENDING].first; job != NULL;
         job = next) {
        next = job->next;
        if (job->all_sent) { /* asking for more blocks of its answer */
            iso_coap_job_finish(job, ISO_COAP_UNKNOWN);
            continue;
        }
        exchanges_free(job);
        job->sent = 0;
        job->begun = false;
    }
}

/* Tells the other side that the rest of a message will not come: it need not keep what it has. */
static void give_up_chunks(struct iso_coap_job *job)
{
    struct iso_coap_peer *peer = job->peer;
    if (job->list != ISO_COAP_JOB_SENDING || job->sent == 0 || job->all_sent ||
        peer->state != ISO_COAP_PEER_UP || peer->lost) {
        return;
    }
    coap_pdu_t *pdu = coap_pdu_init(COAP_MESSAGE_CON, COAP_REQUEST_CODE_POST,
                                    coap_new_message_id(peer->cs), ISO_COAP_MESSAGE_MAX);
    if (pdu == NULL) {
        return;
    }
    uint8_t bytes[ISO_COAP_PART_SIZE];
    struct iso_coap_part part = {.id = job->message, .size = (uint32_t)job->payload_len};
    iso_coap_part_encode(&part, bytes);
    if (coap_add_option(pdu, ISO_COAP_OPTION_ISO_CHUNK, sizeof(bytes), bytes) == 0) {
        coap_delete_pdu(pdu);
        return;
    }
    (void)coap_send(peer->cs, pdu);
    iso_coap_io_want(&peer->client->io);
}

void iso_coap_calls_expire(struct iso_coap_peer *peer)
{
    uint64_t now = now_of(peer);
    peer->next_deadline_ms = UINT64_MAX;
    for (int list = 0; list < ISO_COAP_JOB_FINISHED; list++) {
        struct iso_coap_job *next = NULL;
        for (struct iso_coap_job *job = peer->jobs[list].first; job != NULL; job = next) {
            next = job->next;
            if (now >= job->deadline_ms) {
                give_up_chunks(job);
                iso_coap_job_finish(job, job->all_sent ? ISO_COAP_TIMEOUT : ISO_COAP_TIMEOUT_IDLE);
            } else if (job->deadline_ms < peer->next_deadline_ms) {
                peer->next_deadline_ms = job->deadline_ms;
            }
        }
    }
}

static void job_deliver(struct iso_coap_job *job)
{
    struct iso_coap_peer *peer = job->peer;
    struct iso_coap_result result = {.outcome = job->outcome,
                                     .content_format = ISO_COAP_FORMAT_NONE};
    if (job->outcome == ISO_COAP_ANSWERED) {
        result.code = job->code;
        result.content_format = job->format;
        result.payload = job->answer.bytes != NULL
                             ? iso_bytes_from(job->answer.bytes, job->answer.total)
                             : iso_buf_view(&job->body);
        peer->stats.answered++;
        peer->stats.bytes_in += result.payload.len;
    } else {
        peer->stats.failed++;
    }
    peer->stats.calls_now--;
    list_remove(job);
    iso_coap_slots_remove(&peer->client->jobs, job->id);
    job->done(job->ctx, &result);
    job_free(job);
}

void iso_coap_calls_deliver(struct iso_coap_peer *peer)
{
    /* Only those that are finished now: done() may finish more, whose turn comes with the loop's.
     */
    const struct iso_coap_job *last = peer->jobs[ISO_COAP_JOB_FINISHED].last;
    bool more = last != NULL;
    while (more && peer->jobs[ISO_COAP_JOB_FINISHED].first != NULL) {
        struct iso_coap_job *job = peer->jobs[ISO_COAP_JOB_FINISHED].first;
        more = job != last;
        job_deliver(job);
    }
    if (peer->jobs[ISO_COAP_JOB_FINISHED].first != NULL) {
        iso_coap_io_want(&peer->client->io);
    }
}

void iso_coap_calls_end(struct iso_coap_peer *peer)
{
    peer->ending = true;
    for (int list = 0; list < ISO_COAP_JOB_FINISHED; list++) {
        while (peer->jobs[list].first != NULL) {
            iso_coap_job_finish(peer->jobs[list].first, ISO_COAP_CANCELLED);
        }
    }
    while (peer->jobs[ISO_COAP_JOB_FINISHED].first != NULL) {
        job_deliver(peer->jobs[ISO_COAP_JOB_FINISHED].first);
    }
}

bool iso_coap_peer_cancel(struct iso_coap_peer *peer, uint64_t call_id)
{
    struct iso_coap_job *job = iso_coap_slots_get(&peer->client->jobs, call_id);
    if (job == NULL || job->peer != peer) {
        return false;
    }
    if (job->list != ISO_COAP_JOB_FINISHED) {
        give_up_chunks(job);
        iso_coap_job_finish(job, ISO_COAP_CANCELLED);
    } else {
        job->outcome = ISO_COAP_CANCELLED;
    }
    job_deliver(job);
    return true;
}
