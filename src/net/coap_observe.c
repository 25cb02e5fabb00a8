/* Observation (RFC 7641): who observes which path, and telling them. */
#include "net/coap_server.h"

enum {
    /* At least this often a notification over datagrams is confirmable, so that an observer which
     * has gone is noticed (RFC 7641, section 4.5). */
    CONFIRM_MS = 5000
};

static uint32_t bucket_of(struct iso_str path_text)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < path_text.len; i++) {
        hash = (hash ^ (unsigned char)path_text.ptr[i]) * 16777619u;
    }
    return hash % ISO_COAP_SUBJECT_BUCKETS;
}

static struct iso_coap_subject *subject_find(const struct iso_coap_server *server,
                                             struct iso_str path_text)
{
    struct iso_coap_subject *subject = server->subjects[bucket_of(path_text)];
    while (subject != NULL &&
           !iso_str_equal(iso_str_from(subject->path_text, subject->len), path_text)) {
        subject = subject->next;
    }
    return subject;
}

static struct iso_coap_subject *subject_make(struct iso_coap_server *server,
                                             struct iso_str path_text)
{
    struct iso_coap_subject *subject = subject_find(server, path_text);
    if (subject == NULL) {
        subject = iso_alloc_new(server->alloc, sizeof(*subject) + path_text.len);
        if (subject == NULL) {
            return NULL;
        }
        subject->len = path_text.len;
        memcpy(subject->path_text, path_text.ptr, path_text.len);
        struct iso_coap_subject **bucket = &server->subjects[bucket_of(path_text)];
        subject->next = *bucket;
        *bucket = subject;
    }
    return subject;
}

/* Says that the number has changed, once the pump runs. */
static void subject_changed(struct iso_coap_server *server)
{
    server->any_dirty = true;
    iso_coap_io_want(&server->io);
}

struct iso_coap_observer *iso_coap_observer_find(struct iso_coap_session *session,
                                                 const uint8_t *token, size_t token_len)
{
    struct iso_coap_observer *observer = session->observers;
    while (observer != NULL && (observer->token_len != token_len ||
                                !iso_memory_equal(observer->token, token, token_len))) {
        observer = observer->next;
    }
    return observer;
}

/* One sequence for all, so that an observer which registers anew is never told an older number
 * (RFC 7641, section 4.4). */
static uint32_t next_number(struct iso_coap_server *server)
{
    server->observe_number = (server->observe_number + 1) & 0xffffff;
    return server->observe_number;
}

static bool within_limits(const struct iso_coap_session *session,
                          const struct iso_coap_subject *subject)
{
    const struct iso_coap_server *server = session->server;
    return server->stats.observers_now < server->limits.observers &&
           session->observer_count < server->limits.observers_per_session &&
           subject->count < server->limits.observers_per_path;
}

bool iso_coap_observer_add(struct iso_coap_session *session, const struct iso_coap_head *head,
                           const uint8_t *token, size_t token_len, bool takes_large,
                           uint32_t *number)
{
    struct iso_coap_server *server = session->server;
    struct iso_coap_observer *observer = iso_coap_observer_find(session, token, token_len);
    if (observer != NULL) { /* the same token: registered anew (RFC 7641, section 4.1) */
        iso_coap_observer_remove(observer);
    }
    struct iso_coap_subject *subject = subject_make(server, head->path_text);
    if (subject == NULL || !within_limits(session, subject)) {
        subject_changed(server); /* an empty one is removed */
        return false;
    }
    observer = iso_alloc_new(server->alloc, sizeof(*observer));
    struct iso_coap_head *copy = iso_coap_head_copy(server->alloc, head);
    if (observer == NULL || copy == NULL) {
        iso_alloc_free(server->alloc, observer, sizeof(*observer));
        iso_coap_head_free(server->alloc, copy);
        subject_changed(server);
        return false;
    }
    observer->session = session;
    observer->subject = subject;
    observer->head = copy;
    observer->token_len = (uint8_t)token_len;
    iso_memory_copy(observer->token, token, token_len);
    observer->takes_large = takes_large;
    observer->con_ms = iso_coap_server_now(server);
    observer->next = session->observers;
    if (session->observers != NULL) {
        session->observers->prev = observer;
    }
    session->observers = observer;
    session->observer_count++;
    observer->subject_next = subject->observers;
    if (subject->observers != NULL) {
        subject->observers->subject_prev = observer;
    }
    subject->observers = observer;
    subject->count++;
    server->stats.observers_now++;
    subject_changed(server);
    *number = next_number(server);
    return true;
}

void iso_coap_observer_remove(struct iso_coap_observer *observer)
{
    struct iso_coap_session *session = observer->session;
    struct iso_coap_server *server = session->server;
    struct iso_coap_subject *subject = observer->subject;
    struct iso_coap_pending *asking = iso_coap_slots_get(&server->requests, observer->asking);
    if (asking != NULL) {
        iso_coap_pending_remove(asking);
    }
    if (observer->prev != NULL) {
        observer->prev->next = observer->next;
    } else {
        session->observers = observer->next;
    }
    if (observer->next != NULL) {
        observer->next->prev = observer->prev;
    }
    if (observer->subject_prev != NULL) {
        observer->subject_prev->subject_next = observer->subject_next;
    } else {
        subject->observers = observer->subject_next;
    }
    if (observer->subject_next != NULL) {
        observer->subject_next->subject_prev = observer->subject_prev;
    }
    session->observer_count--;
    subject->count--;
    server->stats.observers_now--;
    subject_changed(server);
    iso_coap_head_free(server->alloc, observer->head);
    iso_alloc_free(server->alloc, observer, sizeof(*observer));
}

/* Sends a notification; `reply` has code, format and payload. */
static bool notify(struct iso_coap_observer *observer, struct iso_coap_reply *reply)
{
    struct iso_coap_session *session = observer->session;
    struct iso_coap_server *server = session->server;
    uint64_t now = iso_coap_server_now(server);
    bool confirmable = now - observer->con_ms >= CONFIRM_MS;
    if (confirmable) {
        observer->con_ms = now;
    }
    if (ISO_COAP_CODE_CLASS(reply->code) == 2) {
        reply->observe = next_number(server);
    }
    iso_coap_reply_fit(session, observer->head, observer->takes_large, NULL, reply);
    bool sent =
        iso_coap_session_send(session, confirmable, observer->token, observer->token_len, reply);
    if (sent) {
        server->stats.notifications++;
        server->stats.bytes_out += reply->payload.len;
    }
    return sent;
}

static struct iso_coap_reply reply_of(const struct iso_coap_answer *answer)
{
    struct iso_coap_reply reply = iso_coap_reply_of(answer->code);
    reply.format = answer->content_format;
    reply.payload = answer->payload;
    reply.max_age_s = answer->max_age_s;
    return reply;
}

void iso_coap_observer_answer(struct iso_coap_pending *pending,
                              const struct iso_coap_answer *answer)
{
    struct iso_coap_observer *observer = pending->asked;
    struct iso_coap_server *server = observer->session->server;
    struct iso_coap_reply reply = reply_of(answer);
    bool stays = answer->observe && ISO_COAP_CODE_CLASS(answer->code) == 2;
    pending->asked = NULL;
    observer->asking = 0;
    (void)notify(observer, &reply);
    if (!stays) {
        iso_coap_observer_remove(observer);
    } else if (observer->dirty) {
        subject_changed(server);
    }
}

uint32_t iso_coap_notify(struct iso_coap_server *server, struct iso_str path_text)
{
    struct iso_coap_subject *subject = subject_find(server, path_text);
    if (subject == NULL) {
        return 0;
    }
    for (struct iso_coap_observer *o = subject->observers; o != NULL; o = o->subject_next) {
        o->dirty = true;
    }
    subject_changed(server);
    return subject->count;
}

/* A session that has much to read yet gets no notification on top. */
static bool reads_slowly(const struct iso_coap_session *session)
{
    return iso_coap_is_stream(session->transport) &&
           iso_coap_flow_unread(&session->flow) > session->server->limits.unread_bytes / 4;
}

uint32_t iso_coap_publish(struct iso_coap_server *server, struct iso_str path_text,
                          const struct iso_coap_answer *answer)
{
    struct iso_coap_subject *subject = subject_find(server, path_text);
    uint32_t count = 0;
    struct iso_coap_observer *next = NULL;
    for (struct iso_coap_observer *o = subject != NULL ? subject->observers : NULL; o != NULL;
         o = next) {
        next = o->subject_next;
        bool wanted =
            o->head->accept == ISO_COAP_FORMAT_NONE || o->head->accept == answer->content_format;
        if (wanted && !reads_slowly(o->session)) {
            struct iso_coap_reply reply = reply_of(answer);
            count += notify(o, &reply) ? 1 : 0;
        }
    }
    return count;
}

uint32_t iso_coap_observer_count(const struct iso_coap_server *server, struct iso_str path_text)
{
    const struct iso_coap_subject *subject = subject_find(server, path_text);
    return subject != NULL ? subject->count : 0;
}

void iso_coap_observers_end(struct iso_coap_server *server, struct iso_str path_text, uint8_t code)
{
    struct iso_coap_subject *subject = subject_find(server, path_text);
    while (subject != NULL && subject->observers != NULL) {
        struct iso_coap_reply reply = iso_coap_reply_of(code);
        (void)notify(subject->observers, &reply);
        iso_coap_observer_remove(subject->observers);
        subject->told = UINT32_MAX; /* whatever the number is when the pump runs, it is told */
    }
}

/* Asks for the representation that an observer is to be told. */
static enum iso_err ask(struct iso_coap_observer *observer)
{
    struct iso_coap_pending *pending;
    enum iso_err err = iso_coap_pending_add(observer->session, &pending);
    if (err != ISO_OK) {
        return err;
    }
    /* on_request may end the observation: the head must live until it returns. */
    struct iso_coap_server *server = observer->session->server;
    struct iso_coap_head *head = iso_coap_head_copy(server->alloc, observer->head);
    if (head == NULL) {
        iso_coap_pending_remove(pending);
        return ISO_E_NOMEM;
    }
    observer->dirty = false;
    observer->asking = pending->id;
    pending->asked = observer;
    iso_coap_request_show(pending, head, iso_bytes_from(NULL, 0), ISO_COAP_OBSERVE_NOTIFY);
    iso_coap_head_free(server->alloc, head);
    return ISO_OK;
}

/* The next observer of the server that is to be asked; they may change with every question. */
static struct iso_coap_observer *next_dirty(struct iso_coap_server *server)
{
    for (struct iso_coap_session *s = server->sessions; s != NULL; s = s->next) {
        if (s->closing || s->observers == NULL || reads_slowly(s)) {
            continue;
        }
        for (struct iso_coap_observer *o = s->observers; o != NULL; o = o->next) {
            if (o->dirty && o->asking == 0 && !o->gone) {
                return o;
            }
        }
    }
    return NULL;
}

static void remove_gone(struct iso_coap_server *server)
{
    for (struct iso_coap_session *s = server->sessions; s != NULL; s = s->next) {
        struct iso_coap_observer *next = NULL;
        for (struct iso_coap_observer *o = s->observers; o != NULL; o = next) {
            next = o->next;
            if (o->gone) {
                iso_coap_observer_remove(o);
            }
        }
    }
}

/* Tells of changed numbers of observers, and removes paths that nobody observes. */
static void subjects_pump(struct iso_coap_server *server)
{
    for (size_t i = 0; i < ISO_COAP_SUBJECT_BUCKETS; i++) {
        struct iso_coap_subject **at = &server->subjects[i];
        while (*at != NULL) {
            struct iso_coap_subject *subject = *at;
            if (subject->told != subject->count && server->config.on_observers != NULL) {
                subject->told = subject->count;
                server->config.on_observers(server->config.ctx,
                                            iso_str_from(subject->path_text, subject->len),
                                            subject->count);
                /* The callback may have changed the list: begin this bucket again. */
                at = &server->subjects[i];
            } else if (subject->count == 0) {
                *at = subject->next;
                iso_alloc_free(server->alloc, subject, sizeof(*subject) + subject->len);
            } else {
                at = &subject->next;
            }
        }
    }
}

void iso_coap_observers_pump(struct iso_coap_server *server)
{
    if (!server->any_dirty) {
        return;
    }
    server->any_dirty = false;
    remove_gone(server);
    /* As many questions as there are observers: answers that notify again wait for the next turn.
     */
    uint32_t most = server->stats.observers_now;
    struct iso_coap_observer *observer;
    enum iso_err err = ISO_OK;
    while (most-- > 0 && err == ISO_OK && (observer = next_dirty(server)) != NULL) {
        err = ask(observer);
    }
    if (err != ISO_OK) {
        server->any_dirty = true; /* tried again when something else happens */
    } else if (next_dirty(server) != NULL) {
        subject_changed(server);
    }
    subjects_pump(server);
}
