/* Devices in one process, on the loopback interface: see peers_test_support.h. */
#include "supervisor/peers_test_support.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "platform/platform.h"
#include "supervisor/document_test_support.h"

/* ---- Life --------------------------------------------------------------------------------------
 */

static bool on_psk(void *ctx, struct iso_str identity, struct iso_coap_psk *out)
{
    return iso_sv_peers_psk(((struct net_node *)ctx)->peers, identity, out);
}

static void on_request(void *ctx, const struct iso_coap_request *request)
{
    struct net_node *node = ctx;
    node->requests++;
    if (node->hold) {
        node->held = realloc(node->held, (node->held_count + 1) * sizeof *node->held);
        CHECK(node->held != NULL);
        node->held[node->held_count++] = request->id;
        return;
    }
    if (!iso_sv_peers_request(node->peers, node->server, request)) {
        (void)iso_coap_respond_text(node->server, request->id, ISO_COAP_CODE(4, 1), "who?");
    }
}

void net_release(struct net *net, unsigned index)
{
    static const uint8_t reply[] = {0x18, 42};
    struct net_node *node = &net->nodes[index];
    const struct iso_coap_answer answer = {.code = ISO_COAP_CODE(2, 4),
                                           .content_format = ISO_COAP_FORMAT_CBOR,
                                           .payload = iso_bytes_from(reply, sizeof reply)};
    for (size_t i = 0; i < node->held_count; i++) {
        (void)iso_coap_respond(node->server, node->held[i], &answer);
    }
    free(node->held);
    node->held = NULL;
    node->held_count = 0;
    node->hold = false;
}

void net_server_start(struct net *net, unsigned index)
{
    struct net_node *node = &net->nodes[index];
    const struct iso_coap_listener listener = {.transport = ISO_COAP_TLS, .address = node->address};
    const struct iso_coap_server_config config = {.listeners = &listener,
                                                  .listener_count = 1,
                                                  .ctx = node,
                                                  .on_psk = on_psk,
                                                  .on_request = on_request};
    iso_report_init(&net->report);
    enum iso_err err = iso_coap_server_create(&net->loop, &config, &net->report, &node->server);
    if (err != ISO_OK) {
        TEST_FAIL("server: %s", iso_report_text(&net->report, err));
    }
    iso_coap_server_address(node->server, 0, &node->address);
    node->port = iso_address_port(&node->address);
}

void net_server_stop(struct net *net, unsigned index)
{
    iso_coap_server_destroy(net->nodes[index].server);
    net->nodes[index].server = NULL;
    (void)uv_run(&net->loop, UV_RUN_NOWAIT);
}

static void start_node(struct net *net, unsigned index, uint32_t workers)
{
    struct net_node *node = &net->nodes[index];
    node->net = net;
    node->index = index;
    (void)iso_format(node->id, sizeof node->id, "dev-%u", index);
    const struct iso_sv_core_config core = {
        .loop = &net->loop, .alloc = net->alloc, .workers = workers};
    CHECK_OK(iso_sv_core_create(&core, &node->core, &net->report));
    const struct iso_sv_peers_config peers = {
        .loop = &net->loop, .alloc = net->alloc, .core = node->core, .device_id = node->id};
    CHECK_OK(iso_sv_peers_create(&peers, &node->peers, &net->report));
    struct sockaddr_in *address = (struct sockaddr_in *)(void *)&node->address;
    address->sin_family = AF_INET;
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    net_server_start(net, index);
}

struct net *net_start(uint32_t workers)
{
    struct net *net = calloc(1, sizeof *net);
    CHECK(net != NULL);
    net->alloc = iso_alloc_libc();
    CHECK(uv_loop_init(&net->loop) == 0);
    for (unsigned i = 0; i < NET_NODES; i++) {
        start_node(net, i, workers);
    }
    return net;
}

void net_stop(struct net *net)
{
    for (unsigned i = 0; i < NET_NODES; i++) {
        for (unsigned slot = 0; slot < NET_GENERATIONS; slot++) {
            net_close(net, i, slot);
        }
        for (unsigned guest = 0; guest < RIG_GUEST_COUNT; guest++) {
            iso_sv_program_unref(net->nodes[i].programs[guest]);
        }
        iso_sv_peers_destroy(net->nodes[i].peers);
        iso_coap_server_destroy(net->nodes[i].server);
        iso_sv_core_destroy(net->nodes[i].core);
    }
    CHECK(uv_run(&net->loop, UV_RUN_DEFAULT) == 0);
    CHECK(uv_loop_close(&net->loop) == 0);
    free(net);
}

static void on_guard(uv_timer_t *timer)
{
    (void)timer;
}

static void on_guard_closed(uv_handle_t *handle)
{
    free(handle);
}

/* A timer keeps the loop from waiting longer than it may. */
void net_turn(struct net *net, uint64_t start_ns, const char *what)
{
    uv_timer_t *timer = malloc(sizeof *timer);
    CHECK(timer != NULL);
    if (uv_hrtime() - start_ns > UINT64_C(60) * 1000000000) {
        TEST_FAIL("waited 60 s for %s", what);
    }
    (void)uv_timer_init(&net->loop, timer);
    (void)uv_timer_start(timer, on_guard, 100, 0);
    (void)uv_run(&net->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)timer, on_guard_closed);
}

/* ---- Documents ---------------------------------------------------------------------------------
 */

const char *net_document(struct net *net, unsigned self, unsigned generation,
                         const char *components, const char *flows, const char *calls)
{
    size_t at = iso_format(net->text, sizeof net->text,
                           "{\"isomer\": 1, \"app\": \"lab\", \"generation\": %u, \"drain\": "
                           "\"1s\", \"components\": {%s}, \"flows\": {%s}, \"peers\": {",
                           generation, components, flows);
    bool first = true;
    for (unsigned i = 0; i < NET_NODES; i++) {
        if (i == self) {
            continue;
        }
        at += iso_format(
            net->text + at, sizeof net->text - at,
            "%s\"p%u\": {\"device\": \"dev-%u\", \"connect\": {\"addresses\": "
            "[\"127.0.0.1:%u\"], \"transport\": \"tls\", \"identity\": \"i-%u-%u\", \"key\": "
            "\"%s\"}, \"accept\": {\"identity\": \"i-%u-%u\", \"key\": \"%s\", \"calls\": %s}}",
            first ? "" : ", ", i, i, net->nodes[i].port, self, i,
            self < i ? TEST_KEY_A : TEST_KEY_B, i, self, self < i ? TEST_KEY_B : TEST_KEY_A, calls);
        first = false;
    }
    (void)iso_format(net->text + at, sizeof net->text - at, "}}");
    return net->text;
}

static struct iso_sv_program *program(struct net_node *node, struct iso_str name)
{
    enum rig_guest guest = name.ptr[0] == 'c'   ? RIG_CALLER
                           : name.ptr[0] == 'w' ? RIG_WAITER
                                                : RIG_UNIT;
    if (node->programs[guest] == NULL) {
        struct iso_bytes bytes = rig_bytes(guest);
        uint8_t *copy = malloc(bytes.len);
        CHECK(copy != NULL);
        memcpy(copy, bytes.ptr, bytes.len);
        struct iso_report report = {.set = false};
        enum iso_err err =
            iso_sv_program_create(node->core, copy, bytes.len, iso_str_from_z(rig_wit(guest)),
                                  iso_str_from_z(""), &node->programs[guest], &report);
        if (err != ISO_OK) {
            TEST_FAIL("guest: %s", iso_report_text(&report, err));
        }
    }
    return node->programs[guest];
}

/* ---- Generations -------------------------------------------------------------------------------
 */

static void on_ready(void *ctx, struct iso_sv_component *component, enum iso_err err,
                     const struct iso_report *report)
{
    struct net *net = ctx;
    (void)component;
    if (err != ISO_OK) {
        TEST_FAIL("component: %s", iso_report_text(report, err));
    }
    net->ready++;
}

static void make_component(struct net *net, struct net_node *node, struct net_generation *gen,
                           uint32_t index)
{
    const struct iso_sv_deploy_hooks *hooks = iso_sv_peers_hooks(node->peers);
    const struct iso_sv_doc_component *doc = &gen->document->components[index];
    struct iso_sv_link links[4] = {{.local = NULL}};
    for (uint32_t i = 0; i < doc->link_count; i++) {
        links[i].interface = doc->links[i].interface;
        if (doc->links[i].peer == ISO_SV_HERE) {
            links[i].local = gen->components[doc->links[i].local];
            CHECK(links[i].local != NULL);
        } else {
            CHECK_OK(hooks->link(hooks->ctx, &gen->pub, index, i, &links[i], &net->report));
        }
    }
    if (gen->components[index] != NULL) { /* kept */
        for (uint32_t i = 0; i < doc->link_count; i++) {
            CHECK_OK(iso_sv_component_relink(gen->components[index], &links[i]));
        }
        return;
    }
    struct iso_sv_component_def def = {.app = gen->document->app,
                                       .name = doc->name,
                                       .program = program(node, doc->name),
                                       .mode = doc->mode,
                                       .epoch = doc->epoch,
                                       .limits = doc->limits,
                                       .links = links,
                                       .link_count = doc->link_count};
    unsigned before = net->ready;
    enum iso_err err = iso_sv_component_create(node->core, &def, on_ready, net,
                                               &gen->components[index], &net->report);
    if (err != ISO_OK) {
        TEST_FAIL("component: %s", iso_report_text(&net->report, err));
    }
    gen->owned[index] = true;
    NET_UNTIL(net, net->ready > before);
}

enum iso_err net_prepare(struct net *net, unsigned index, unsigned slot, const char *text, int keep)
{
    struct net_node *node = &net->nodes[index];
    struct net_generation *gen = &node->generations[slot];
    const struct iso_sv_deploy_hooks *hooks = iso_sv_peers_hooks(node->peers);
    iso_report_init(&net->report);
    memset(gen, 0, sizeof *gen);
    enum iso_err err = iso_sv_document_parse(net->alloc, iso_bytes_from(text, strlen(text)),
                                             &gen->document, &net->report);
    if (err != ISO_OK) {
        TEST_FAIL("document: %s", iso_report_text(&net->report, err));
    }
    gen->pub.id = slot + 1;
    gen->pub.document = gen->document;
    gen->pub.components = gen->components;
    err = hooks->open(hooks->ctx, &gen->pub, &net->report);
    gen->open = err == ISO_OK;
    for (uint32_t i = 0; err == ISO_OK && i < gen->document->component_count; i++) {
        if (keep >= 0) {
            gen->components[i] = NULL;
            struct net_generation *old = &node->generations[keep];
            uint32_t at =
                iso_sv_document_component(old->document, gen->document->components[i].name);
            if (at != ISO_SV_HERE) {
                gen->components[i] = old->components[at];
                gen->owned[i] = true;
                old->owned[at] = false;
                iso_sv_component_set_epoch(gen->components[i], gen->document->components[i].epoch);
            }
        }
        make_component(net, node, gen, i);
    }
    if (err == ISO_OK) {
        err = hooks->check(hooks->ctx, &gen->pub, &net->report);
    }
    return err;
}

static void on_connected(void *ctx)
{
    ((struct net_generation *)ctx)->connected++;
}

void net_connect(struct net *net, unsigned node, unsigned slot)
{
    struct net_generation *gen = &net->nodes[node].generations[slot];
    const struct iso_sv_deploy_hooks *hooks = iso_sv_peers_hooks(net->nodes[node].peers);
    hooks->connect(hooks->ctx, &gen->pub, on_connected, gen);
    CHECK_EQ_U64(gen->connected, 0);
    NET_UNTIL(net, gen->connected > 0);
}

void net_commit(struct net *net, unsigned index, unsigned slot, int before)
{
    struct net_node *node = &net->nodes[index];
    struct net_generation *gen = &node->generations[slot];
    const struct iso_sv_deploy_hooks *hooks = iso_sv_peers_hooks(node->peers);
    struct net_generation *old = before >= 0 ? &node->generations[before] : NULL;
    if (old != NULL) {
        hooks->stop(hooks->ctx, &old->pub);
        old->pub.stage = ISO_SV_STAGE_ENDING;
    }
    gen->pub.stage = ISO_SV_STAGE_COMMITTED;
    for (uint32_t i = 0; i < gen->document->component_count; i++) {
        if (iso_sv_component_state(gen->components[i]) == ISO_SV_PREPARED) {
            iso_sv_component_start(gen->components[i]);
        }
    }
    hooks->start(hooks->ctx, &gen->pub, old != NULL ? &old->pub : NULL);
}

static void on_gone(void *ctx, struct iso_sv_component *component)
{
    struct net *net = ctx;
    (void)component;
    net->gone++;
}

void net_close(struct net *net, unsigned index, unsigned slot)
{
    struct net_node *node = &net->nodes[index];
    struct net_generation *gen = &node->generations[slot];
    const struct iso_sv_deploy_hooks *hooks = iso_sv_peers_hooks(node->peers);
    for (uint32_t i = 0; i < NET_COMPONENTS; i++) {
        struct iso_sv_component *component = gen->owned[i] ? gen->components[i] : NULL;
        if (component != NULL && iso_sv_component_state(component) != ISO_SV_PREPARED &&
            iso_sv_component_state(component) != ISO_SV_FROZEN) {
            unsigned gone = net->gone;
            iso_sv_component_stop(component, 0, on_gone, net);
            NET_UNTIL(net, net->gone > gone);
        }
        if (component != NULL) {
            iso_sv_component_destroy(component);
        }
        gen->components[i] = NULL;
    }
    if (gen->open) {
        hooks->close(hooks->ctx, &gen->pub);
    }
    iso_sv_document_destroy(gen->document);
    memset(gen, 0, sizeof *gen);
}

void net_deploy(struct net *net, unsigned node, const char *components, const char *flows,
                const char *calls)
{
    enum iso_err err =
        net_prepare(net, node, 0, net_document(net, node, 1, components, flows, calls), -1);
    if (err != ISO_OK) {
        TEST_FAIL("deployment: %s", iso_report_text(&net->report, err));
    }
    net_commit(net, node, 0, -1);
}

struct iso_sv_component *net_component(struct net *net, unsigned node, unsigned slot,
                                       const char *name)
{
    const struct net_generation *gen = &net->nodes[node].generations[slot];
    uint32_t index = iso_sv_document_component(gen->document, iso_str_from_z(name));
    CHECK(index != ISO_SV_HERE);
    return gen->components[index];
}

void net_drop(struct net *net, unsigned node, unsigned from)
{
    struct iso_coap_psk psk;
    char identity[16];
    (void)iso_format(identity, sizeof identity, "i-%u-%u", from, node);
    CHECK(iso_sv_peers_psk(net->nodes[node].peers, iso_str_from_z(identity), &psk));
    iso_coap_server_drop(net->nodes[node].server, psk.principal);
}

/* ---- Calls -------------------------------------------------------------------------------------
 */

static void on_done(struct iso_sv_call *call)
{
    ((struct net_call *)call->ctx)->ended = true;
}

static struct iso_sv_call *make_call(struct net *net, unsigned node, const char *json,
                                     struct net_call *out)
{
    struct iso_sv_call *call = iso_sv_call_create(net->nodes[node].core);
    CHECK(call != NULL);
    *out = (struct net_call){.call = call};
    call->done = on_done;
    call->ctx = out;
    CHECK_OK(iso_sv_call_set_body(call, iso_bytes_from(json, strlen(json))));
    return call;
}

void net_call(struct net *net, unsigned node, struct iso_sv_component *component,
              const char *function, const char *json, struct net_call *out)
{
    uint32_t index = 0;
    struct iso_sv_call *call = make_call(net, node, json, out);
    CHECK(iso_sv_program_func_find(iso_sv_component_program(component), iso_str_from_z(function),
                                   &index));
    out->ended = iso_sv_peers_start(net->nodes[node].peers, call, component, index);
}

void net_flow_call(struct net *net, unsigned node, const char *flow, const char *json,
                   struct net_call *out)
{
    struct iso_sv_call *call = make_call(net, node, json, out);
    out->ended =
        iso_sv_flow_call(net->nodes[node].peers, iso_str_from_z("lab"), iso_str_from_z(flow), call);
}

void net_check(struct net_call *call, enum iso_sv_outcome outcome, const char *reply)
{
    char text[512];
    CHECK(call->ended);
    (void)iso_format(text, sizeof text, "%.*s", (int)call->call->reply.len,
                     call->call->reply.ptr != NULL ? (const char *)call->call->reply.ptr : "");
    if (call->call->outcome != outcome) {
        TEST_FAIL("outcome %s, expected %s: %s%s", iso_sv_outcome_name(call->call->outcome),
                  iso_sv_outcome_name(outcome), call->call->report.text, text);
    }
    if (reply != NULL) {
        CHECK_STR(text, reply);
    }
    iso_sv_call_destroy(call->call);
    call->call = NULL;
}
