/* Calls that components of other devices make here, through their links: POST
 * /c/APP/COMPONENT/FUNCTION with queries, as docs/internals/links.md has it. */
#include "supervisor/peers_state.h"

/* ---- The request -------------------------------------------------------------------------------
 */

struct asked {
    struct iso_sv_call_id id;
    uint64_t epoch;
    uint64_t left_ms; /* UINT64_MAX: not said */
    bool relay;
    struct iso_str chain[ISO_SV_CHAIN_MAX];
    uint32_t chain_len;
};

static bool read_u64(struct iso_str text, uint64_t *out)
{
    uint64_t value = 0;
    if (text.len == 0 || text.len > 20) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        uint64_t digit = (uint64_t)(text.ptr[i] - '0');
        if (text.ptr[i] < '0' || text.ptr[i] > '9' || value > (UINT64_MAX - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

static bool read_chain(struct asked *asked, struct iso_str names)
{
    while (names.len > 0) {
        const char *comma = memchr(names.ptr, ',', names.len);
        size_t len = comma != NULL ? (size_t)(comma - names.ptr) : names.len;
        if (asked->chain_len == ISO_SV_CHAIN_MAX || len == 0 || len >= 96) {
            return false;
        }
        asked->chain[asked->chain_len++] = iso_str_from(names.ptr, len);
        len += comma != NULL ? 1 : 0;
        names = iso_str_from(names.ptr + len, names.len - len);
    }
    return true;
}

static bool read_from(struct asked *asked, struct iso_str value)
{
    if (value.len == 0 || value.len >= sizeof asked->id.caller ||
        memchr(value.ptr, 0, value.len) != NULL) {
        return false;
    }
    memcpy(asked->id.caller, value.ptr, value.len);
    return true;
}

static bool read_query(struct asked *asked, struct iso_str query)
{
    const char *equals = query.len > 0 ? memchr(query.ptr, '=', query.len) : NULL;
    if (equals == NULL) {
        return false;
    }
    struct iso_str name = iso_str_from(query.ptr, (size_t)(equals - query.ptr));
    struct iso_str value = iso_str_from(equals + 1, query.len - name.len - 1);
    if (iso_str_equal_z(name, "from")) {
        return read_from(asked, value);
    }
    if (iso_str_equal_z(name, "seq")) {
        return read_u64(value, &asked->id.sequence);
    }
    if (iso_str_equal_z(name, "epoch")) {
        return read_u64(value, &asked->epoch);
    }
    if (iso_str_equal_z(name, "ms")) {
        return read_u64(value, &asked->left_ms);
    }
    if (iso_str_equal_z(name, "chain")) {
        return read_chain(asked, value);
    }
    asked->relay = asked->relay || iso_str_equal_z(name, "relay");
    return true; /* what later versions may add */
}

static bool read_queries(const struct iso_coap_request *request, struct asked *out)
{
    *out = (struct asked){.left_ms = UINT64_MAX};
    for (size_t i = 0; i < request->query_count; i++) {
        if (!read_query(out, request->queries[i])) {
            return false;
        }
    }
    return out->id.caller[0] != '\0';
}

/* A caller is a component of the application, "app/name"; only who asks for a device that had the
 * component before may name another identity, of people who called it there. */
static bool may_be(const struct asked *asked, const char *app)
{
    size_t len = strlen(app);
    return asked->relay ||
           (strncmp(asked->id.caller, app, len) == 0 && asked->id.caller[len] == '/');
}

/* ---- The component -----------------------------------------------------------------------------
 */

/* The function of that name; or of the same interface in a version that can stand in for it. */
static bool find_function(const struct iso_sv_program *program, struct iso_str name, uint32_t *out)
{
    if (iso_sv_program_func_find(program, name, out)) {
        return true;
    }
    const char *hash = name.len > 0 ? memchr(name.ptr, '#', name.len) : NULL;
    const char *at = name.len > 0 ? memchr(name.ptr, '@', name.len) : NULL;
    if (hash == NULL || at == NULL || at > hash) {
        return false;
    }
    struct iso_semver wanted, offered;
    struct iso_str version = iso_str_from(at + 1, (size_t)(hash - at - 1));
    struct iso_str func = iso_str_from(hash + 1, name.len - (size_t)(hash - name.ptr) - 1);
    if (iso_semver_parse(version, &wanted, NULL) != ISO_OK) {
        return false;
    }
    for (uint32_t i = 0; i < iso_sv_program_func_count(program); i++) {
        const struct iso_sv_func *it = iso_sv_program_func(program, i);
        char module[512];
        if (it->interface == NULL || it->interface->package == NULL ||
            !iso_str_equal(it->func->name, func)) {
            continue;
        }
        iso_abi_import_module(it->interface, module, sizeof module);
        size_t len = (size_t)(at - name.ptr);
        if (strncmp(module, name.ptr, len) == 0 && module[len] == '@' &&
            iso_semver_parse(it->interface->package->version, &offered, NULL) == ISO_OK &&
            iso_semver_compatible(&wanted, &offered)) {
            *out = i;
            return true;
        }
    }
    return false;
}

enum verdict { FOUND, FORBIDDEN, NOT_YET, NOT_HERE, MOVED };

/* The component as the peer may call it: of the committed generation, else of one that ends. */
static enum verdict find_component(struct iso_sv_peers *peers, const struct iso_sv_accept *accept,
                                   struct iso_str name, bool relay, struct iso_sv_component **out)
{
    enum verdict verdict = NOT_HERE;
    for (unsigned pass = 0; pass < 2; pass++) {
        for (struct iso_sv_gen *gen = peers->gens; gen != NULL; gen = gen->next) {
            bool present = gen->started && !gen->stopped;
            uint32_t peer = iso_sv_gen_peer(gen, accept);
            if (present != (pass == 0) || peer == ISO_SV_HERE) {
                continue;
            }
            uint32_t index = iso_sv_document_component(gen->document, name);
            if (index == ISO_SV_HERE) {
                continue;
            }
            if (!gen->started) {
                verdict = verdict == NOT_HERE ? NOT_YET : verdict;
            } else if (!relay &&
                       !iso_sv_document_call_allowed(&gen->document->peers[peer], index)) {
                verdict = FORBIDDEN;
            } else if (gen->pub->components[index] == NULL) {
                verdict = MOVED;
            } else {
                *out = gen->pub->components[index];
                return FOUND;
            }
        }
        if (verdict != NOT_HERE) {
            return verdict;
        }
    }
    return verdict;
}

/* ---- Answers -----------------------------------------------------------------------------------
 */

struct serving {
    struct iso_sv_peers *peers;
    uint64_t request;
};

static void answer(struct iso_sv_peers *peers, uint64_t request, const struct iso_sv_call *call)
{
    uint8_t code = iso_sv_outcome_to_code(call->outcome);
    if (call->outcome != ISO_SV_DONE && call->outcome != ISO_SV_ERROR) {
        (void)iso_coap_respond_text(peers->server, request, code, "%s: %s",
                                    iso_sv_outcome_name(call->outcome),
                                    call->report.set ? call->report.text : "");
        return;
    }
    struct iso_coap_answer out = {.code = code,
                                  .content_format = call->reply_actual == ISO_SV_CBOR
                                                        ? ISO_COAP_FORMAT_CBOR
                                                        : ISO_COAP_FORMAT_JSON,
                                  .payload = iso_buf_view(&call->reply)};
    if (out.payload.len == 0) {
        out.content_format = ISO_COAP_FORMAT_NONE;
    }
    (void)iso_coap_respond(peers->server, request, &out);
}

static void on_done(struct iso_sv_call *call)
{
    struct serving *serving = call->ctx;
    struct iso_sv_peers *peers = serving->peers;
    answer(peers, serving->request, call);
    iso_alloc_free(peers->alloc, serving, sizeof *serving);
    iso_sv_call_destroy(call);
}

static void refuse(struct iso_sv_peers *peers, const struct iso_coap_request *request,
                   enum verdict verdict)
{
    struct iso_coap_server *server = peers->server;
    struct iso_str name = request->path[2];
    int len = name.len < 64 ? (int)name.len : 64;
    switch (verdict) {
    case FORBIDDEN:
        (void)iso_coap_respond_text(server, request->id, ISO_COAP_CODE(4, 3),
                                    "the deployment does not let you call '%.*s'", len, name.ptr);
        break;
    case NOT_YET:
        (void)iso_coap_respond_text(server, request->id, ISO_COAP_CODE(5, 3),
                                    "later: the deployment is not committed here yet");
        break;
    case MOVED:
        (void)iso_coap_respond_text(server, request->id, ISO_COAP_CODE(4, 9),
                                    "moved: '%.*s' is not here at present", len, name.ptr);
        break;
    default:
        (void)iso_coap_respond_text(server, request->id, ISO_COAP_CODE(4, 4),
                                    "not-found: no component '%.*s' here", len, name.ptr);
        break;
    }
}

/* ---- The call ----------------------------------------------------------------------------------
 */

static enum iso_err fill(struct iso_sv_call *call, const struct iso_coap_request *request,
                         const struct asked *asked)
{
    call->encoding = ISO_SV_CBOR;
    call->reply_encoding = ISO_SV_CBOR;
    call->id = asked->id;
    call->epoch = asked->epoch;
    if (asked->left_ms != UINT64_MAX) {
        uint64_t left_ms = asked->left_ms < 86400000 ? asked->left_ms : 86400000;
        call->deadline_ns = uv_hrtime() + left_ms * 1000000 + 1;
    }
    enum iso_err err = iso_sv_call_set_body(call, request->payload);
    for (uint32_t i = 0; i < asked->chain_len && err == ISO_OK; i++) {
        err = iso_sv_call_add_caller(call, asked->chain[i]);
    }
    return err;
}

/* True: it has ended. */
static bool begin(struct iso_sv_peers *peers, struct iso_sv_call *call, const struct asked *asked,
                  struct iso_sv_component *component, struct iso_str function)
{
    struct iso_sv_memory *memory = iso_sv_peers_memory(peers, iso_sv_component_app(component),
                                                       iso_sv_component_name(component));
    uint32_t index = 0;
    bool ended = true;
    if (memory == NULL) {
        call->outcome = ISO_SV_BUSY;
        return true;
    }
    uint64_t epoch = iso_sv_component_epoch(component);
    if (call->epoch != 0 && call->epoch != epoch) {
        call->outcome = ISO_SV_MOVED;
        iso_report_set(&call->report, "the component has epoch %llu here, the call is for %llu",
                       (unsigned long long)epoch, (unsigned long long)call->epoch);
        return true;
    }
    /* First the memory: an answer that was given holds, whatever has become of the component. */
    if (iso_sv_remember_ask(memory, call, &ended)) {
        return ended;
    }
    if (asked->relay || !find_function(iso_sv_component_program(component), function, &index)) {
        call->outcome = ISO_SV_NOT_FOUND;
        iso_report_set(&call->report, asked->relay ? "no such call" : "no such function");
        return true;
    }
    return iso_sv_remember_start(memory, call, false, component, index);
}

void iso_sv_serve_call(struct iso_sv_peers *peers, const struct iso_sv_accept *accept,
                       const struct iso_coap_request *request)
{
    struct iso_coap_server *server = peers->server;
    struct iso_sv_component *component = NULL;
    struct asked asked;
    if (!read_queries(request, &asked) || !may_be(&asked, accept->app) ||
        (request->content_format != ISO_COAP_FORMAT_CBOR && request->payload.len > 0)) {
        (void)iso_coap_respond_text(server, request->id, ISO_COAP_CODE(4, 0),
                                    "bad-arguments: a call needs from=, seq= and CBOR");
        return;
    }
    enum verdict verdict = NOT_HERE;
    if (iso_str_equal_z(request->path[1], accept->app)) {
        verdict = find_component(peers, accept, request->path[2], asked.relay, &component);
    }
    if (verdict != FOUND) {
        refuse(peers, request, verdict);
        return;
    }
    struct serving *serving = iso_alloc_new(peers->alloc, sizeof *serving);
    struct iso_sv_call *call = iso_sv_call_create(peers->core);
    enum iso_err err = serving != NULL && call != NULL ? fill(call, request, &asked) : ISO_E_NOMEM;
    if (err != ISO_OK) {
        iso_sv_call_destroy(call);
        iso_alloc_free(peers->alloc, serving, sizeof *serving);
        (void)iso_coap_respond_text(server, request->id, ISO_COAP_CODE(4, 29),
                                    "queue-full: no memory for the call");
        return;
    }
    *serving = (struct serving){.peers = peers, .request = request->id};
    call->done = on_done;
    call->ctx = serving;
    if (begin(peers, call, &asked, component, request->path[3])) {
        on_done(call);
    }
}
