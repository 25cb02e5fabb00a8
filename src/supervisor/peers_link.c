/* Calls of components here to components on other devices: sent, repeated with the same identity
 * while it is not known whether they were executed, and ended with what the other side says. */
#include "supervisor/peers_state.h"

enum { PATH_MAX_BYTES = 640 };
#define RETRY_MIN_NS UINT64_C(20000000)
#define RETRY_MAX_NS UINT64_C(500000000)
#define DEADLINE_NS (UINT64_C(30) * 1000000000)
/* How long a callee may be elsewhere before who calls it is told. */
#define MOVED_NS (UINT64_C(5) * 1000000000)

/* ---- Lists -------------------------------------------------------------------------------------
 */

static void unlink_call(struct iso_sv_link_call *it)
{
    struct iso_sv_link_call **head = it->waiting ? &it->peers->waiting : &it->peers->calls;
    *(it->prev != NULL ? &it->prev->next : head) = it->next;
    if (it->next != NULL) {
        it->next->prev = it->prev;
    }
    it->prev = NULL;
    it->next = NULL;
}

static void link_call(struct iso_sv_link_call *it, bool waiting)
{
    struct iso_sv_link_call **head = waiting ? &it->peers->waiting : &it->peers->calls;
    it->waiting = waiting;
    it->next = *head;
    if (it->next != NULL) {
        it->next->prev = it;
    }
    *head = it;
}

/* ---- Ends --------------------------------------------------------------------------------------
 */

static void end_call(struct iso_sv_link_call *it, enum iso_sv_outcome outcome, const char *text)
{
    struct iso_sv_peers *peers = it->peers;
    struct iso_sv_call *call = it->call;
    uint64_t now_ns = uv_hrtime();
    if (text[0] != '\0') {
        iso_report_set(&call->report, "%s", text);
    }
    if (it->remote != NULL) {
        iso_sv_meter_add(&it->remote->meter, now_ns, now_ns - it->started_ns);
        it->remote->meter.bytes_in += call->reply.len;
        it->remote->meter.bytes_out += call->body_len;
        it->remote->failed += outcome != ISO_SV_DONE && outcome != ISO_SV_ERROR;
        it->remote->repeated += it->attempt;
    }
    unlink_call(it);
    peers->call_count--;
    iso_alloc_free(peers->alloc, it, sizeof *it);
    iso_sv_call_finish(call, outcome);
}

/* Again after a while; or, when its time is over, what is known now. */
static void again(struct iso_sv_link_call *it, enum iso_sv_outcome outcome, const char *text)
{
    uint64_t now_ns = uv_hrtime();
    uint64_t wait_ns = RETRY_MIN_NS << (it->attempt < 5 ? it->attempt : 5);
    wait_ns = wait_ns < RETRY_MAX_NS ? wait_ns : RETRY_MAX_NS;
    bool moved_for_good = it->moved_ns != 0 && now_ns - it->moved_ns >= MOVED_NS;
    bool over = it->cancelled || it->peers->closing || moved_for_good ||
                now_ns + wait_ns >= it->deadline_ns;
    it->last = outcome;
    if (over && !it->beginning) {
        end_call(it, it->maybe_executed ? ISO_SV_UNKNOWN : outcome, text);
        return;
    }
    unlink_call(it);
    link_call(it, true);
    it->attempt++;
    it->retry_ns = now_ns + wait_ns;
    iso_sv_peers_wake(it->peers, it->retry_ns);
}

static void take_answer(struct iso_sv_link_call *it, const struct iso_coap_result *result)
{
    char text[256];
    struct iso_str payload = iso_str_from((const char *)result->payload.ptr, result->payload.len);
    bool may_repeat = false;
    enum iso_sv_outcome outcome = iso_sv_outcome_from_code(result->code, payload, &may_repeat);
    (void)iso_format(text, sizeof text, "%.*s",
                     (int)(payload.len < sizeof text ? payload.len : sizeof text), payload.ptr);
    if (outcome == ISO_SV_DONE || outcome == ISO_SV_ERROR) {
        it->call->reply_actual =
            result->content_format == ISO_COAP_FORMAT_JSON ? ISO_SV_JSON : ISO_SV_CBOR;
        if (iso_buf_append(&it->call->reply, result->payload.ptr, result->payload.len) != ISO_OK) {
            end_call(it, ISO_SV_LIMIT, "size: the reply is too large");
            return;
        }
        end_call(it, outcome, "");
    } else if (may_repeat) {
        if (outcome == ISO_SV_MOVED) {
            it->moved_ns = it->moved_ns != 0 ? it->moved_ns : uv_hrtime();
        }
        again(it, outcome, text);
    } else {
        end_call(it, outcome, text);
    }
}

static void on_done(void *ctx, const struct iso_coap_result *result)
{
    struct iso_sv_link_call *it = ctx;
    switch (result->outcome) {
    case ISO_COAP_ANSWERED:
        take_answer(it, result);
        return;
    case ISO_COAP_TOO_LARGE:
        end_call(it, ISO_SV_LIMIT, "size: the reply is too large");
        return;
    case ISO_COAP_UNKNOWN:
    case ISO_COAP_TIMEOUT:
    case ISO_COAP_CANCELLED:
        it->maybe_executed = true;
        again(it, ISO_SV_UNKNOWN, iso_coap_outcome_text(result->outcome));
        return;
    case ISO_COAP_NOT_SENT:
    case ISO_COAP_TIMEOUT_IDLE:
        again(it, ISO_SV_UNREACHABLE, iso_coap_outcome_text(result->outcome));
        return;
    }
}

/* ---- The request -------------------------------------------------------------------------------
 */

/* Percent-encodes what may not stand in a path (RFC 3986, section 3.3). */
size_t iso_sv_put_segment(char *out, size_t cap, size_t at, struct iso_str text)
{
    static const char digits[] = "0123456789ABCDEF";
    if (at + 1 < cap) {
        out[at++] = '/';
    }
    for (size_t i = 0; i < text.len && at + 4 < cap; i++) {
        uint8_t c = (uint8_t)text.ptr[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '-' || c == '.' || c == '_' || c == '~' || c == ':' || c == '@';
        if (plain) {
            out[at++] = (char)c;
        } else {
            out[at++] = '%';
            out[at++] = digits[c >> 4];
            out[at++] = digits[c & 15];
        }
    }
    out[at] = '\0';
    return at;
}

struct queries {
    struct iso_str list[ISO_SV_QUERIES];
    char texts[ISO_SV_QUERIES][ISO_SV_QUERY_TEXT];
    size_t count;
};

static void add_query(struct queries *queries, const char *format, ...) ISO_PRINTF(2, 3);

static void add_query(struct queries *queries, const char *format, ...)
{
    char *text = queries->texts[queries->count];
    va_list args;
    va_start(args, format);
    size_t len = iso_format_v(text, ISO_SV_QUERY_TEXT, format, args);
    va_end(args);
    queries->list[queries->count++] = iso_str_from(text, len);
}

/* Two callers to a query: each is below 96 bytes. */
static void add_chain(struct queries *queries, const struct iso_sv_call *call)
{
    for (uint32_t i = 0; i < call->chain_len && queries->count < ISO_SV_QUERIES; i += 2) {
        bool two = i + 1 < call->chain_len;
        add_query(queries, "chain=%s%s%s", call->chain[i], two ? "," : "",
                  two ? call->chain[i + 1] : "");
    }
}

/* Where the callee is now: as the committed generation says, else as any that knows the link. */
static struct iso_sv_remote *resolve(const struct iso_sv_link_handle *handle)
{
    struct iso_sv_remote *found = NULL;
    for (struct iso_sv_gen *gen = handle->peers->gens; gen != NULL; gen = gen->next) {
        bool present = gen->started && !gen->stopped;
        if (!iso_str_equal_z(gen->document->app, handle->app) || (found != NULL && !present)) {
            continue;
        }
        for (struct iso_sv_remote *remote = gen->remotes; remote != NULL; remote = remote->next) {
            if (remote->handle == handle) {
                found = remote;
            }
        }
    }
    return found;
}

static void send_call(struct iso_sv_link_call *it, uint64_t now_ns)
{
    it->remote = resolve(it->handle);
    if (it->remote == NULL) {
        again(it, ISO_SV_GONE, "the link is not part of any deployment any more");
        return;
    }
    const struct iso_sv_remote *remote = it->remote;
    const struct iso_sv_document *document = remote->gen->document;
    const struct iso_sv_doc_link *doc =
        &document->components[remote->component].links[remote->link];
    const struct iso_sv_call *call = it->call;
    struct queries queries = {.count = 0};
    char path[PATH_MAX_BYTES];
    size_t at = iso_sv_put_segment(path, sizeof path, 0, iso_str_from_z("c"));
    at = iso_sv_put_segment(path, sizeof path, at, document->app);
    at = iso_sv_put_segment(path, sizeof path, at, doc->component);
    (void)iso_sv_put_segment(path, sizeof path, at, iso_str_from_z(call->function));
    add_query(&queries, "from=%s", call->id.caller);
    add_query(&queries, "seq=%llu", (unsigned long long)call->id.sequence);
    add_query(&queries, "epoch=%llu", (unsigned long long)doc->epoch);
    add_query(&queries, "ms=%llu", (unsigned long long)((it->deadline_ns - now_ns) / 1000000));
    add_chain(&queries, call);
    enum iso_err err = iso_sv_conn_post(remote->gen->conns[doc->peer], path, queries.list,
                                        queries.count, iso_bytes_from(call->body, call->body_len),
                                        it->deadline_ns - now_ns, on_done, it);
    if (err != ISO_OK) {
        again(it, ISO_SV_UNREACHABLE, "too much is on its way to the other device");
    }
}

/* ---- Begin, cancel, time -----------------------------------------------------------------------
 */

/* Marks a call that there was no memory for. */
static void no_memory(struct iso_sv_call *call)
{
    (void)call;
}

void iso_sv_link_remote(void *ctx, struct iso_sv_call *call)
{
    struct iso_sv_link_handle *handle = ctx;
    struct iso_sv_peers *peers = handle->peers;
    struct iso_sv_link_call *it = iso_alloc_new(peers->alloc, sizeof *it);
    if (it == NULL) {
        call->done = no_memory;
        call->ctx = peers->failed;
        peers->failed = call;
        iso_sv_peers_wake(peers, 0);
        return;
    }
    call->ctx = it;
    it->peers = peers;
    it->handle = handle;
    it->call = call;
    it->started_ns = uv_hrtime();
    it->deadline_ns = call->deadline_ns != 0 && call->deadline_ns != UINT64_MAX
                          ? call->deadline_ns
                          : it->started_ns + DEADLINE_NS;
    peers->call_count++;
    it->beginning = true;
    link_call(it, false);
    send_call(it, it->started_ns);
    it->beginning = false;
}

/* ctx may be of a link that was replaced: what counts is with the call. */
void iso_sv_link_cancel(void *ctx, struct iso_sv_call *call)
{
    struct iso_sv_link_call *it = call->ctx;
    (void)ctx;
    if (call->done != no_memory) {
        /* The callee may go on, and remembers what it answers. */
        it->cancelled = true;
        it->retry_ns = 0;
        if (it->waiting) {
            iso_sv_peers_wake(it->peers, 0);
        }
    }
}

void iso_sv_links_forget(struct iso_sv_peers *peers, struct iso_sv_remote *remote)
{
    struct iso_sv_link_call *lists[] = {peers->calls, peers->waiting};
    for (size_t i = 0; i < ISO_COUNT_OF(lists); i++) {
        for (struct iso_sv_link_call *it = lists[i]; it != NULL; it = it->next) {
            it->remote = it->remote == remote ? NULL : it->remote;
        }
    }
}

uint64_t iso_sv_links_tick(struct iso_sv_peers *peers, uint64_t now_ns)
{
    uint64_t next_ns = UINT64_MAX;
    while (peers->failed != NULL) {
        struct iso_sv_call *call = peers->failed;
        peers->failed = call->ctx;
        iso_report_set(&call->report, "memory: there is none for a call through a link");
        iso_sv_call_finish(call, ISO_SV_LIMIT);
    }
    for (struct iso_sv_link_call *it = peers->waiting, *next; it != NULL; it = next) {
        next = it->next;
        if (it->cancelled) {
            end_call(it, ISO_SV_UNKNOWN, "nobody waits for it");
        } else if (now_ns < it->retry_ns) {
            next_ns = it->retry_ns < next_ns ? it->retry_ns : next_ns;
        } else if (now_ns >= it->deadline_ns) {
            end_call(it, it->maybe_executed ? ISO_SV_UNKNOWN : it->last, "its time is over");
        } else {
            unlink_call(it);
            link_call(it, false);
            send_call(it, now_ns);
        }
    }
    return next_ns;
}

void iso_sv_links_end(struct iso_sv_peers *peers)
{
    while (peers->waiting != NULL) {
        end_call(peers->waiting, ISO_SV_GONE, "the supervisor stops");
    }
    (void)iso_sv_links_tick(peers, 0);
    while (peers->handles != NULL) {
        struct iso_sv_link_handle *handle = peers->handles;
        peers->handles = handle->next;
        iso_alloc_free(peers->alloc, handle->interface, strlen(handle->interface) + 1);
        iso_alloc_free(peers->alloc, handle, sizeof *handle);
    }
}

struct iso_sv_link_handle *iso_sv_link_handle_get(struct iso_sv_peers *peers, struct iso_str app,
                                                  struct iso_str component,
                                                  struct iso_str interface)
{
    for (struct iso_sv_link_handle *it = peers->handles; it != NULL; it = it->next) {
        if (iso_str_equal_z(app, it->app) && iso_str_equal_z(component, it->component) &&
            iso_str_equal_z(interface, it->interface)) {
            return it;
        }
    }
    struct iso_sv_link_handle *handle = iso_alloc_new(peers->alloc, sizeof *handle);
    char *copy = iso_alloc_new(peers->alloc, interface.len + 1);
    if (handle == NULL || copy == NULL) {
        iso_alloc_free(peers->alloc, handle, sizeof *handle);
        iso_alloc_free(peers->alloc, copy, interface.len + 1);
        return NULL;
    }
    memcpy(copy, interface.ptr, interface.len);
    handle->peers = peers;
    handle->interface = copy;
    (void)iso_format(handle->app, sizeof handle->app, "%.*s", (int)app.len, app.ptr);
    (void)iso_format(handle->component, sizeof handle->component, "%.*s", (int)component.len,
                     component.ptr);
    handle->next = peers->handles;
    peers->handles = handle;
    return handle;
}
