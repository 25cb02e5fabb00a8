/*
 * The HTTP client in its loop: sockets and timers of libcurl's multi interface, ids, and the turns
 * in which requests begin and end.
 *
 * What callers ask for is put down and done in `turn`, which runs from the loop only. So libcurl is
 * never entered from inside one of its own callbacks, and no callback comes from inside a call.
 */
#include "net/http_client_internal.h"

#include <stdlib.h>

#ifndef ISO_VERSION
#error "the build defines ISO_VERSION"
#endif

#define NO_SLOT UINT32_MAX

static void on_soon(uv_timer_t *timer);

static void wake(struct iso_http_client *client)
{
    if (!client->torn_down) {
        (void)uv_timer_start(&client->soon, on_soon, 0, 0);
    }
}

/* ---- Ids ---------------------------------------------------------------------------------------
 */

static bool grow_slots(struct iso_http_client *client)
{
    const uint32_t count = client->slot_count == 0 ? 64 : client->slot_count * 2;
    struct iso_http_slot *slots = realloc(client->slots, count * sizeof *slots);
    if (slots == NULL) {
        return false;
    }
    for (uint32_t i = client->slot_count; i < count; i++) {
        slots[i] = (struct iso_http_slot){.next_free = i + 1 < count ? i + 1 : NO_SLOT};
    }
    client->free_slot = client->slot_count;
    client->slots = slots;
    client->slot_count = count;
    return true;
}

static bool take_slot(struct iso_http_client *client, struct iso_http_transfer *transfer)
{
    if (client->free_slot == NO_SLOT && !grow_slots(client)) {
        return false;
    }
    const uint32_t index = client->free_slot;
    struct iso_http_slot *slot = &client->slots[index];
    client->free_slot = slot->next_free;
    slot->transfer = transfer;
    slot->generation++;
    transfer->id = (uint64_t)slot->generation << 32 | index;
    return true;
}

static struct iso_http_transfer *find(const struct iso_http_client *client, uint64_t id)
{
    const uint32_t index = (uint32_t)id;
    return index < client->slot_count && client->slots[index].generation == id >> 32
               ? client->slots[index].transfer
               : NULL;
}

static void give_slot(struct iso_http_client *client, uint64_t id)
{
    const uint32_t index = (uint32_t)id;
    client->slots[index].transfer = NULL;
    client->slots[index].next_free = client->free_slot;
    client->free_slot = index;
}

/* ---- The end of a request ----------------------------------------------------------------------
 */

static void put_ended(struct iso_http_transfer *transfer)
{
    struct iso_http_client *client = transfer->client;
    transfer->stage = STAGE_ENDED;
    transfer->next = NULL;
    *client->ended_end = transfer;
    client->ended_end = &transfer->next;
}

static void give_easy(struct iso_http_client *client, CURL *easy)
{
    if (easy != NULL && client->spare_count < SPARE_MAX && !client->closing) {
        curl_easy_reset(easy);
        client->spare[client->spare_count++] = easy;
    } else {
        curl_easy_cleanup(easy);
    }
}

/* libcurl is done with it, or is to be. */
static void end_running(struct iso_http_transfer *transfer, CURLcode code)
{
    struct iso_http_client *client = transfer->client;
    iso_http_transfer_judge(transfer, code);
    (void)curl_multi_remove_handle(client->multi, transfer->easy);
    if (code == CURLE_OK && !transfer->stopping && transfer->is_redirect &&
        iso_http_transfer_redirect(transfer)) {
        transfer->stage = STAGE_STARTING;
        transfer->next = client->starting;
        if (client->starting == NULL) {
            client->starting_end = &transfer->next;
        }
        client->starting = transfer;
        return;
    }
    give_easy(client, transfer->easy);
    transfer->easy = NULL;
    put_ended(transfer);
}

static void maybe_closed(struct iso_http_client *client);

static void on_transfer_closed(uv_handle_t *handle)
{
    struct iso_http_transfer *transfer = handle->data;
    struct iso_http_client *client = transfer->client;
    free(transfer);
    client->open_handles--;
    maybe_closed(client);
}

static void deliver(struct iso_http_transfer *transfer)
{
    struct iso_http_client *client = transfer->client;
    struct iso_http_client_answer answer;
    iso_http_transfer_answer(transfer, &answer);
    client->stats.done += answer.outcome == ISO_HTTP_CLIENT_DONE ? 1 : 0;
    client->stats.requests--;
    give_slot(client, transfer->id);
    transfer->request.on_done(transfer->request.ctx, transfer->id, &answer);
    iso_http_transfer_release(transfer);
    uv_close((uv_handle_t *)&transfer->deadline, on_transfer_closed);
}

/* ---- Turns -------------------------------------------------------------------------------------
 */

static void begin(struct iso_http_transfer *transfer)
{
    struct iso_http_client *client = transfer->client;
    if (transfer->easy == NULL) {
        transfer->easy =
            client->spare_count != 0 ? client->spare[--client->spare_count] : curl_easy_init();
    }
    if (transfer->easy != NULL && iso_http_transfer_set_up(transfer) == ISO_OK &&
        curl_multi_add_handle(client->multi, transfer->easy) == CURLM_OK) {
        transfer->stage = STAGE_RUNNING;
        return;
    }
    give_easy(client, transfer->easy);
    transfer->easy = NULL;
    transfer->outcome = ISO_HTTP_CLIENT_FAILED;
    (void)iso_format(transfer->message, sizeof transfer->message,
                     "not enough memory for a request");
    put_ended(transfer);
}

static void begin_all(struct iso_http_client *client)
{
    while (client->starting != NULL) {
        struct iso_http_transfer *transfer = client->starting;
        client->starting = transfer->next;
        if (client->starting == NULL) {
            client->starting_end = &client->starting;
        }
        if (transfer->stopping) {
            give_easy(client, transfer->easy);
            transfer->easy = NULL;
            transfer->outcome = transfer->stop_outcome;
            (void)iso_format(transfer->message, sizeof transfer->message, "%s",
                             iso_http_client_outcome_text(transfer->stop_outcome));
            put_ended(transfer);
        } else {
            begin(transfer);
        }
    }
}

static void stop_all(struct iso_http_client *client)
{
    if (!client->any_stopping) {
        return;
    }
    client->any_stopping = false;
    for (uint32_t i = 0; i < client->slot_count; i++) {
        struct iso_http_transfer *transfer = client->slots[i].transfer;
        if (transfer != NULL && transfer->stopping && transfer->stage == STAGE_RUNNING) {
            end_running(transfer, CURLE_OK);
        }
    }
}

static void collect(struct iso_http_client *client)
{
    int left = 0;
    for (CURLMsg *message = curl_multi_info_read(client->multi, &left); message != NULL;
         message = curl_multi_info_read(client->multi, &left)) {
        char *transfer = NULL;
        const CURLcode code = message->data.result;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        end_running((struct iso_http_transfer *)(void *)transfer, code);
    }
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct iso_http_client *client = handle->data;
    client->open_handles--;
    maybe_closed(client);
}

static void tear_down(struct iso_http_client *client)
{
    client->torn_down = true;
    while (client->spare_count != 0) {
        curl_easy_cleanup(client->spare[--client->spare_count]);
    }
    (void)curl_multi_cleanup(client->multi);
    client->multi = NULL;
    uv_close((uv_handle_t *)&client->timer, on_handle_closed);
    uv_close((uv_handle_t *)&client->soon, on_handle_closed);
}

static void maybe_closed(struct iso_http_client *client)
{
    if (!client->torn_down || client->open_handles != 0) {
        return;
    }
    void (*on_closed)(void *ctx) = client->on_closed;
    void *ctx = client->on_closed_ctx;
    curl_slist_free_all(client->resolve);
    free(client->slots);
    free(client);
    curl_global_cleanup();
    if (on_closed != NULL) {
        on_closed(ctx);
    }
}

static void turn(struct iso_http_client *client)
{
    stop_all(client);
    begin_all(client);
    while (client->ended != NULL) {
        struct iso_http_transfer *transfer = client->ended;
        client->ended = transfer->next;
        if (client->ended == NULL) {
            client->ended_end = &client->ended;
        }
        deliver(transfer);
    }
    if (client->closing && !client->torn_down && client->stats.requests == 0) {
        tear_down(client);
    }
}

static void on_soon(uv_timer_t *timer)
{
    turn(timer->data);
}

/* ---- libcurl in the loop -----------------------------------------------------------------------
 */

struct watch {
    struct iso_http_client *client;
    uv_poll_t poll;
    curl_socket_t fd;
};

static void act(struct iso_http_client *client, curl_socket_t fd, int events)
{
    int running = 0;
    (void)curl_multi_socket_action(client->multi, fd, events, &running);
    collect(client);
    turn(client);
}

static void on_timer(uv_timer_t *timer)
{
    act(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static int set_timer(CURLM *multi, long timeout_ms, void *ctx)
{
    struct iso_http_client *client = ctx;
    (void)multi;
    if (client->torn_down || timeout_ms < 0) {
        (void)uv_timer_stop(&client->timer);
    } else {
        (void)uv_timer_start(&client->timer, on_timer, (uint64_t)timeout_ms, 0);
    }
    return 0;
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    const struct watch *watch = poll->data;
    const int flags = (status < 0 ? CURL_CSELECT_ERR : 0) |
                      ((events & UV_READABLE) != 0 ? CURL_CSELECT_IN : 0) |
                      ((events & UV_WRITABLE) != 0 ? CURL_CSELECT_OUT : 0);
    act(watch->client, watch->fd, flags);
}

static void on_watch_closed(uv_handle_t *handle)
{
    struct watch *watch = handle->data;
    struct iso_http_client *client = watch->client;
    free(watch);
    client->open_handles--;
    maybe_closed(client);
}

static struct watch *new_watch(struct iso_http_client *client, curl_socket_t fd)
{
    struct watch *watch = calloc(1, sizeof *watch);
    if (watch == NULL) {
        return NULL;
    }
    watch->client = client;
    watch->fd = fd;
    watch->poll.data = watch;
    if (uv_poll_init_socket(client->loop, &watch->poll, fd) != 0 ||
        curl_multi_assign(client->multi, fd, watch) != CURLM_OK) {
        free(watch);
        return NULL;
    }
    client->open_handles++;
    return watch;
}

static int set_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket_ctx)
{
    struct iso_http_client *client = ctx;
    struct watch *watch = socket_ctx;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (watch != NULL) {
            (void)curl_multi_assign(client->multi, fd, NULL);
            uv_close((uv_handle_t *)&watch->poll, on_watch_closed);
        }
        return 0;
    }
    watch = watch != NULL ? watch : new_watch(client, fd);
    const int events = ((what & CURL_POLL_IN) != 0 ? UV_READABLE : 0) |
                       ((what & CURL_POLL_OUT) != 0 ? UV_WRITABLE : 0);
    return watch != NULL && uv_poll_start(&watch->poll, events, on_ready) == 0 ? 0 : -1;
}

/* ---- Creation ----------------------------------------------------------------------------------
 */

static long or_default(uint32_t value, uint32_t otherwise)
{
    return (long)(value != 0 ? value : otherwise);
}

static bool set_options(struct iso_http_client *client, const struct iso_http_client_config *config)
{
    const long total = or_default(config->connections, CONNECTIONS_DEFAULT);
    const long host = or_default(config->connections_host, CONNECTIONS_HOST_DEFAULT);
    CURLM *multi = client->multi;
    for (size_t i = 0; i < config->resolve_count; i++) {
        struct curl_slist *longer = curl_slist_append(client->resolve, config->resolve[i]);
        if (longer == NULL) {
            return false;
        }
        client->resolve = longer;
    }
    return curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, set_socket) == CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, client) == CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, set_timer) == CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_TIMERDATA, client) == CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, total) == CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, total) == CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, host) == CURLM_OK;
}

static void init(struct iso_http_client *client, const struct iso_http_client_config *config)
{
    client->loop = config->loop;
    client->requests_max = config->requests != 0 ? config->requests : (uint32_t)REQUESTS_DEFAULT;
    client->free_slot = NO_SLOT;
    client->starting_end = &client->starting;
    client->ended_end = &client->ended;
    (void)iso_format(client->user_agent, sizeof client->user_agent, "%s",
                     config->user_agent != NULL ? config->user_agent : "isomer/" ISO_VERSION);
    client->multi = curl_multi_init();
}

static enum iso_err read_also_public(struct iso_http_client *client,
                                     const struct iso_http_client_config *config,
                                     struct iso_report *report)
{
    for (size_t i = 0; i < config->also_public_count; i++) {
        if (i == ISO_HTTP_CLIENT_MAX_ALSO ||
            !iso_http_address_read(config->also_public[i], &client->also_public[i])) {
            return iso_fail(report, ISO_E_ARGUMENT,
                            "'%.64s' is not an address in digits, as 10.1.2.3 or fd00::1, or one "
                            "of more than %u",
                            config->also_public[i], ISO_HTTP_CLIENT_MAX_ALSO);
        }
    }
    client->also_public_count = config->also_public_count;
    return ISO_OK;
}

enum iso_err iso_http_client_create(const struct iso_http_client_config *config,
                                    struct iso_http_client **out, struct iso_report *report)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return iso_fail(report, ISO_E_IO, "libcurl cannot be used");
    }
    enum iso_err err = ISO_E_NOMEM;
    struct iso_http_client *client = calloc(1, sizeof *client);
    if (client != NULL) {
        init(client, config);
        err = client->multi != NULL && set_options(client, config)
                  ? read_also_public(client, config, report)
                  : ISO_E_NOMEM;
    }
    if (err != ISO_OK) {
        if (client != NULL) {
            curl_slist_free_all(client->resolve);
            (void)curl_multi_cleanup(client->multi);
        }
        free(client);
        curl_global_cleanup();
        return iso_fail(report, err, "not enough memory for an HTTP client");
    }
    (void)uv_timer_init(client->loop, &client->timer); /* cannot fail */
    (void)uv_timer_init(client->loop, &client->soon);
    client->timer.data = client->soon.data = client;
    client->open_handles = 2;
    *out = client;
    return ISO_OK;
}

void iso_http_client_stats(const struct iso_http_client *client, struct iso_http_client_stats *out)
{
    *out = client->stats;
}

/* ---- Requests ----------------------------------------------------------------------------------
 */

static void stop(struct iso_http_transfer *transfer, enum iso_http_client_outcome outcome)
{
    if (transfer->stage != STAGE_ENDED && !transfer->stopping) {
        transfer->stopping = true;
        transfer->stop_outcome = outcome;
        transfer->client->any_stopping = true;
        wake(transfer->client);
    }
}

static void on_deadline(uv_timer_t *timer)
{
    struct iso_http_transfer *transfer = timer->data;
    stop(transfer, ISO_HTTP_CLIENT_TIMED_OUT);
}

static enum iso_err prepare(struct iso_http_client *client,
                            const struct iso_http_client_request *request,
                            struct iso_http_transfer **out, struct iso_report *report)
{
    struct iso_http_transfer *transfer = calloc(1, sizeof *transfer);
    if (transfer == NULL) {
        if (request->body_release != NULL) {
            request->body_release(request->body_release_ctx);
        }
        return iso_fail(report, ISO_E_NOMEM, "not enough memory for a request");
    }
    transfer->client = client;
    enum iso_err err = iso_http_transfer_init(transfer, request, report);
    if (err == ISO_OK && client->closing) {
        err = iso_fail(report, ISO_E_STATE, "the HTTP client is being closed");
    } else if (err == ISO_OK && client->stats.requests >= client->requests_max) {
        err = iso_fail(report, ISO_E_LIMIT, "%u requests are under way, which is the most",
                       client->stats.requests);
    } else if (err == ISO_OK && !take_slot(client, transfer)) {
        err = ISO_E_NOMEM;
    }
    if (err != ISO_OK) {
        iso_http_transfer_release(transfer);
        free(transfer);
        return iso_fail(report, err, "a request cannot be started: %s", iso_report_text(NULL, err));
    }
    *out = transfer;
    return ISO_OK;
}

enum iso_err iso_http_client_start(struct iso_http_client *client,
                                   const struct iso_http_client_request *request, uint64_t *id_out,
                                   struct iso_report *report)
{
    struct iso_http_transfer *transfer = NULL;
    enum iso_err err = prepare(client, request, &transfer, report);
    if (err != ISO_OK) {
        return err;
    }
    uv_update_time(client->loop);
    transfer->started_ns = uv_hrtime();
    (void)uv_timer_init(client->loop, &transfer->deadline);
    transfer->deadline.data = transfer;
    client->open_handles++;
    if (transfer->request.total_ms != UINT32_MAX) {
        (void)uv_timer_start(&transfer->deadline, on_deadline, transfer->request.total_ms, 0);
    }
    transfer->stage = STAGE_STARTING;
    *client->starting_end = transfer;
    client->starting_end = &transfer->next;
    client->stats.started++;
    client->stats.requests++;
    *id_out = transfer->id;
    wake(client);
    return ISO_OK;
}

void iso_http_client_cancel(struct iso_http_client *client, uint64_t id)
{
    struct iso_http_transfer *transfer = find(client, id);
    if (transfer != NULL) {
        stop(transfer, ISO_HTTP_CLIENT_CANCELLED);
    }
}

void iso_http_client_close(struct iso_http_client *client, void (*on_closed)(void *ctx), void *ctx)
{
    if (client == NULL) {
        return;
    }
    client->closing = true;
    client->on_closed = on_closed;
    client->on_closed_ctx = ctx;
    for (uint32_t i = 0; i < client->slot_count; i++) {
        if (client->slots[i].transfer != NULL) {
            stop(client->slots[i].transfer, ISO_HTTP_CLIENT_CANCELLED);
        }
    }
    wake(client);
}
