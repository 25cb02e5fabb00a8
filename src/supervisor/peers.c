/* What machines say to each other, of all applications: the hooks of the manager of deployments,
 * and what generations share. */
#include "supervisor/peers_state.h"

#define CONNECT_NS (UINT64_C(2) * 1000000000)

/* ---- Time --------------------------------------------------------------------------------------
 */

static void on_timer(uv_timer_t *timer);

void iso_sv_peers_wake(struct iso_sv_peers *peers, uint64_t at_ns)
{
    if (peers->closing || at_ns >= peers->timer_ns) {
        return;
    }
    uint64_t now_ns = uv_hrtime();
    uint64_t in_ms = at_ns > now_ns ? (at_ns - now_ns + 999999) / 1000000 : 0;
    peers->timer_ns = at_ns;
    uv_update_time(peers->loop);
    (void)uv_timer_start(peers->timer, on_timer, in_ms, 0);
}

/* Whether a prepare still waits for its connections. */
static bool is_connecting(const struct iso_sv_gen *gen, uint64_t now_ns)
{
    for (size_t i = 0; now_ns < gen->connect_until_ns && i < gen->document->peer_count; i++) {
        if (gen->conns[i] != NULL && iso_coap_peer_state(gen->conns[i]->peer) != ISO_COAP_PEER_UP) {
            return true;
        }
    }
    return false;
}

static uint64_t tick_gen(struct iso_sv_gen *gen, uint64_t now_ns)
{
    uint64_t next = iso_sv_flows_tick(gen, now_ns);
    if (gen->connected != NULL && is_connecting(gen, now_ns)) {
        return gen->connect_until_ns < next ? gen->connect_until_ns : next;
    }
    return gen->connected != NULL ? 0 : next;
}

/* Prepares whose connections are there, or have had their time. Whoever is told may change all. */
static void tell_connected(struct iso_sv_peers *peers)
{
    for (struct iso_sv_gen *gen = peers->gens; gen != NULL;) {
        void (*connected)(void *ctx) = gen->connected;
        if (connected != NULL && !is_connecting(gen, uv_hrtime())) {
            gen->connected = NULL;
            connected(gen->connected_ctx);
            gen = peers->gens;
        } else {
            gen = gen->next;
        }
    }
    while (peers->relays != NULL) {
        struct iso_sv_relay *relay = peers->relays;
        peers->relays = relay->next;
        relay->done(relay->ctx);
        iso_alloc_free(peers->alloc, relay, sizeof *relay);
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct iso_sv_peers *peers = timer->data;
    peers->timer_ns = UINT64_MAX;
    iso_sv_conn_collect(peers);
    tell_connected(peers);
    uint64_t now_ns = uv_hrtime();
    uint64_t next = iso_sv_links_tick(peers, now_ns);
    for (struct iso_sv_gen *gen = peers->gens; gen != NULL; gen = gen->next) {
        uint64_t at = tick_gen(gen, now_ns);
        next = at < next ? at : next;
    }
    if (next != UINT64_MAX) {
        iso_sv_peers_wake(peers, next);
    }
}

uint64_t iso_sv_peers_random(struct iso_sv_peers *peers)
{
    uint64_t out = 0;
    if (uv_random(NULL, NULL, &out, sizeof out, 0, NULL) != 0) {
        out = ++peers->random ^ uv_hrtime();
    }
    return out;
}

/* ---- What generations share --------------------------------------------------------------------
 */

struct iso_sv_memory *iso_sv_peers_memory(struct iso_sv_peers *peers, struct iso_str app,
                                          struct iso_str component)
{
    for (struct iso_sv_memory_of *of = peers->memories; of != NULL; of = of->next) {
        if (iso_str_equal_z(component, of->component) && iso_str_equal_z(app, of->app)) {
            return of->memory;
        }
    }
    struct iso_sv_memory_of *of = iso_alloc_new(peers->alloc, sizeof *of);
    struct iso_sv_memory *memory = iso_sv_memory_create(peers->alloc, NULL);
    if (of == NULL || memory == NULL) {
        iso_alloc_free(peers->alloc, of, sizeof *of);
        iso_sv_memory_destroy(memory);
        return NULL;
    }
    (void)iso_format(of->app, sizeof of->app, "%.*s", (int)app.len, app.ptr);
    (void)iso_format(of->component, sizeof of->component, "%.*s", (int)component.len,
                     component.ptr);
    of->memory = memory;
    of->next = peers->memories;
    peers->memories = of;
    return memory;
}

static bool is_named(const struct iso_sv_peers *peers, const struct iso_sv_memory_of *of)
{
    for (const struct iso_sv_gen *gen = peers->gens; gen != NULL; gen = gen->next) {
        if (iso_str_equal_z(gen->document->app, of->app) &&
            iso_sv_document_component(gen->document, iso_str_from_z(of->component)) !=
                ISO_SV_HERE) {
            return true;
        }
    }
    return false;
}

/* Of components that no generation names any more. */
static void forget_memories(struct iso_sv_peers *peers)
{
    for (struct iso_sv_memory_of **link = &peers->memories; *link != NULL;) {
        struct iso_sv_memory_of *of = *link;
        if (is_named(peers, of)) {
            link = &of->next;
            continue;
        }
        *link = of->next;
        iso_sv_memory_destroy(of->memory);
        iso_alloc_free(peers->alloc, of, sizeof *of);
    }
}

struct iso_sv_gen *iso_sv_peers_committed(struct iso_sv_peers *peers, struct iso_str app)
{
    for (struct iso_sv_gen *gen = peers->gens; gen != NULL; gen = gen->next) {
        if (gen->started && !gen->stopped && iso_str_equal(gen->document->app, app)) {
            return gen;
        }
    }
    return NULL;
}

struct iso_sv_accept *iso_sv_peers_accept(struct iso_sv_peers *peers, uint64_t principal)
{
    struct iso_sv_accept *accept = peers->accepts;
    while (accept != NULL && accept->principal != principal) {
        accept = accept->next;
    }
    return accept;
}

uint32_t iso_sv_gen_peer(const struct iso_sv_gen *gen, const struct iso_sv_accept *accept)
{
    for (uint32_t i = 0; i < gen->document->peer_count; i++) {
        if (gen->accepts[i] == accept) {
            return i;
        }
    }
    return ISO_SV_HERE;
}

const char *iso_sv_peer_device(const struct iso_sv_gen *gen, uint32_t peer, const char *here)
{
    if (peer == ISO_SV_HERE) {
        return here;
    }
    return gen->conns[peer] != NULL ? gen->conns[peer]->device : "another device";
}

/* ---- Hooks -------------------------------------------------------------------------------------
 */

static void free_gen(struct iso_sv_gen *gen)
{
    struct iso_sv_peers *peers = gen->peers;
    iso_sv_flows_destroy(gen);
    while (gen->remotes != NULL) {
        struct iso_sv_remote *remote = gen->remotes;
        gen->remotes = remote->next;
        iso_sv_links_forget(peers, remote);
        iso_alloc_free(peers->alloc, remote, sizeof *remote);
    }
    for (size_t i = 0; i < gen->document->peer_count; i++) {
        iso_sv_conn_unref(gen->conns[i]);
        iso_sv_accept_unref(peers, gen->accepts[i]);
    }
    iso_alloc_free(peers->alloc, gen, sizeof *gen);
}

static enum iso_err on_open(void *ctx, struct iso_sv_generation *generation,
                            struct iso_report *report)
{
    struct iso_sv_peers *peers = ctx;
    struct iso_sv_gen *gen = iso_alloc_new(peers->alloc, sizeof *gen);
    enum iso_err err = gen != NULL ? ISO_OK : ISO_E_NOMEM;
    if (err != ISO_OK) {
        return err;
    }
    gen->peers = peers;
    gen->pub = generation;
    gen->document = generation->document;
    for (size_t i = 0; i < gen->document->peer_count && err == ISO_OK; i++) {
        const struct iso_sv_doc_peer *peer = &gen->document->peers[i];
        if (peer->accept.identity.len > 0) {
            err = iso_sv_accept_get(peers, gen->document, peer, &gen->accepts[i], report);
        }
        if (err == ISO_OK && peer->address_count > 0) {
            err = iso_sv_conn_get(peers, gen->document, peer, &gen->conns[i], report);
        }
    }
    if (err != ISO_OK) {
        free_gen(gen);
        return err;
    }
    generation->user = gen;
    gen->next = peers->gens;
    peers->gens = gen;
    return ISO_OK;
}

static enum iso_err on_link(void *ctx, struct iso_sv_generation *generation, uint32_t component,
                            uint32_t link, struct iso_sv_link *out, struct iso_report *report)
{
    struct iso_sv_peers *peers = ctx;
    struct iso_sv_gen *gen = generation->user;
    const struct iso_sv_doc_link *doc = &gen->document->components[component].links[link];
    if (gen->conns[doc->peer] == NULL) {
        return iso_fail(report, ISO_E_LINK, "'%.*s' is on a peer that has no address",
                        (int)doc->interface.len, doc->interface.ptr);
    }
    struct iso_sv_remote *remote = iso_alloc_new(peers->alloc, sizeof *remote);
    struct iso_sv_link_handle *handle = iso_sv_link_handle_get(
        peers, gen->document->app, gen->document->components[component].name, doc->interface);
    if (remote == NULL || handle == NULL) {
        iso_alloc_free(peers->alloc, remote, sizeof *remote);
        return ISO_E_NOMEM;
    }
    remote->gen = gen;
    remote->handle = handle;
    remote->component = component;
    remote->link = link;
    remote->next = gen->remotes;
    gen->remotes = remote;
    out->remote = iso_sv_link_remote;
    out->cancel = iso_sv_link_cancel;
    out->ctx = handle;
    return ISO_OK;
}

static enum iso_err on_check(void *ctx, struct iso_sv_generation *generation,
                             struct iso_report *report)
{
    (void)ctx;
    return iso_sv_flows_create(generation->user, report);
}

static void on_connect(void *ctx, struct iso_sv_generation *generation,
                       void (*connected)(void *connected_ctx), void *connected_ctx)
{
    struct iso_sv_peers *peers = ctx;
    struct iso_sv_gen *gen = generation->user;
    gen->connected = connected;
    gen->connected_ctx = connected_ctx;
    gen->connect_until_ns = uv_hrtime() + CONNECT_NS;
    for (size_t i = 0; i < gen->document->peer_count; i++) {
        if (gen->conns[i] != NULL) {
            iso_coap_peer_prepare(gen->conns[i]->peer);
        }
    }
    iso_sv_peers_wake(peers, 0);
}

static void on_start(void *ctx, struct iso_sv_generation *generation,
                     struct iso_sv_generation *before)
{
    struct iso_sv_peers *peers = ctx;
    struct iso_sv_gen *gen = generation->user;
    gen->started = true;
    iso_sv_flows_begin(gen, before != NULL ? before->user : NULL);
    /* Calls that wait for another generation. */
    iso_sv_peers_wake(peers, 0);
}

static void on_stop(void *ctx, struct iso_sv_generation *generation)
{
    (void)ctx;
    struct iso_sv_gen *gen = generation->user;
    gen->stopped = true;
    iso_sv_flows_drain(gen);
}

static void on_close(void *ctx, struct iso_sv_generation *generation)
{
    struct iso_sv_peers *peers = ctx;
    struct iso_sv_gen *gen = generation->user;
    struct iso_sv_gen **link = &peers->gens;
    while (*link != gen) {
        link = &(*link)->next;
    }
    *link = gen->next;
    generation->user = NULL;
    free_gen(gen);
    forget_memories(peers);
}

static struct iso_sv_memory *memory_at(struct iso_sv_peers *peers,
                                       const struct iso_sv_generation *generation,
                                       uint32_t component)
{
    return iso_sv_peers_memory(peers, generation->document->app,
                               generation->document->components[component].name);
}

static void on_adopt(void *ctx, struct iso_sv_generation *generation, uint32_t component,
                     struct iso_sv_call *call)
{
    struct iso_sv_memory *memory = memory_at(ctx, generation, component);
    if (memory != NULL) {
        iso_sv_remember_adopt(memory, call);
    }
}

static enum iso_err on_save(void *ctx, struct iso_sv_generation *generation, uint32_t component,
                            uint64_t since, uint64_t *mark, struct iso_buf *out)
{
    const struct iso_sv_memory *memory = memory_at(ctx, generation, component);
    enum iso_err err = memory != NULL ? iso_sv_memory_save(memory, since, out) : ISO_E_NOMEM;
    if (err == ISO_OK) {
        *mark = iso_sv_memory_mark(memory);
    }
    return err;
}

static enum iso_err on_load(void *ctx, struct iso_sv_generation *generation, uint32_t component,
                            struct iso_bytes bytes, struct iso_report *report)
{
    struct iso_sv_memory *memory = memory_at(ctx, generation, component);
    return memory != NULL ? iso_sv_memory_load(memory, bytes, report) : ISO_E_NOMEM;
}

static void on_changed(void *ctx, struct iso_str app, struct iso_str component, const char *what,
                       const char *detail)
{
    struct iso_sv_peers *peers = ctx;
    if (peers->changed != NULL) {
        peers->changed(peers->ctx, app, component, what, detail);
    }
}

/* ---- Life --------------------------------------------------------------------------------------
 */

enum iso_err iso_sv_peers_create(const struct iso_sv_peers_config *config,
                                 struct iso_sv_peers **out, struct iso_report *report)
{
    struct iso_sv_peers *peers = iso_alloc_new(config->alloc, sizeof *peers);
    uv_timer_t *timer = iso_alloc_new(config->alloc, sizeof *timer);
    enum iso_err err = peers != NULL && timer != NULL ? ISO_OK : ISO_E_NOMEM;
    if (err == ISO_OK) {
        err = iso_coap_client_create(config->loop, config->alloc, report, &peers->client);
    }
    if (err != ISO_OK) {
        iso_alloc_free(config->alloc, peers, sizeof *peers);
        iso_alloc_free(config->alloc, timer, sizeof *timer);
        return err;
    }
    peers->loop = config->loop;
    peers->alloc = config->alloc;
    peers->core = config->core;
    (void)iso_format(peers->device_id, sizeof peers->device_id, "%s", config->device_id);
    peers->changed = config->changed;
    peers->ctx = config->ctx;
    peers->hooks = (struct iso_sv_deploy_hooks){.ctx = peers,
                                                .open = on_open,
                                                .link = on_link,
                                                .check = on_check,
                                                .connect = on_connect,
                                                .start = on_start,
                                                .stop = on_stop,
                                                .close = on_close,
                                                .adopt = on_adopt,
                                                .save = on_save,
                                                .load = on_load,
                                                .relay = iso_sv_peers_relay,
                                                .describe = iso_sv_peers_describe,
                                                .changed = on_changed};
    peers->next_principal = ISO_SV_PRINCIPAL_PEERS;
    peers->next_sequence = iso_sv_peers_random(peers) >> 12;
    peers->next_waiter = 1;
    peers->timer = timer;
    peers->timer_ns = UINT64_MAX;
    timer->data = peers;
    (void)uv_timer_init(config->loop, timer);
    *out = peers;
    return ISO_OK;
}

/* The allocator stands where the peers were. */
static void on_timer_closed(uv_handle_t *handle)
{
    const struct iso_alloc *alloc = handle->data;
    iso_alloc_free(alloc, handle, sizeof(uv_timer_t));
}

void iso_sv_peers_destroy(struct iso_sv_peers *peers)
{
    if (peers == NULL) {
        return;
    }
    peers->closing = true;
    while (peers->gens != NULL) {
        on_close(peers, peers->gens->pub);
    }
    forget_memories(peers);
    iso_sv_conn_collect(peers);
    iso_sv_links_end(peers);
    iso_coap_client_destroy(peers->client);
    while (peers->relays != NULL) {
        struct iso_sv_relay *relay = peers->relays;
        peers->relays = relay->next;
        iso_alloc_free(peers->alloc, relay, sizeof *relay);
    }
    peers->timer->data = (void *)(uintptr_t)peers->alloc;
    uv_close((uv_handle_t *)peers->timer, on_timer_closed);
    iso_alloc_free(peers->alloc, peers, sizeof *peers);
}

const struct iso_sv_deploy_hooks *iso_sv_peers_hooks(struct iso_sv_peers *peers)
{
    return &peers->hooks;
}

/* ---- Calls and requests ------------------------------------------------------------------------
 */

bool iso_sv_peers_start(struct iso_sv_peers *peers, struct iso_sv_call *call,
                        struct iso_sv_component *component, uint32_t index)
{
    struct iso_sv_memory *memory = iso_sv_peers_memory(peers, iso_sv_component_app(component),
                                                       iso_sv_component_name(component));
    bool transient = call->id.caller[0] == '\0';
    if (memory == NULL) {
        return iso_sv_call_start(call, component, index);
    }
    if (transient) {
        (void)iso_format(call->id.caller, sizeof call->id.caller, "@%s", peers->device_id);
        call->id.sequence = peers->next_sequence++;
    }
    return iso_sv_remember_start(memory, call, transient, component, index);
}

bool iso_sv_peers_request(struct iso_sv_peers *peers, struct iso_coap_server *server,
                          const struct iso_coap_request *request)
{
    const struct iso_sv_accept *accept =
        request->secure ? iso_sv_peers_accept(peers, request->principal) : NULL;
    peers->server = server;
    if (accept == NULL) {
        return false;
    }
    bool post = request->method == ISO_COAP_POST;
    if (post && request->path_count == 4 && iso_str_equal_z(request->path[0], "c")) {
        iso_sv_serve_call(peers, accept, request);
    } else if (post && request->path_count == 3 && iso_str_equal_z(request->path[0], "f")) {
        iso_sv_serve_flow(peers, accept, request);
    } else if (post && request->path_count == 3 && iso_str_equal_z(request->path[0], "o")) {
        iso_sv_serve_outcomes(peers, accept, request);
    } else {
        (void)iso_coap_respond_text(server, request->id, ISO_COAP_CODE(4, 3),
                                    "peers may POST to /c/APP/COMPONENT/FUNCTION, /f/APP/FLOW "
                                    "and /o/APP/FLOW only");
    }
    return true;
}
