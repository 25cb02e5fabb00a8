/* The deployment document: docs/deployment.md, "The document". JSON is read by jansson, after a
 * scan that bounds its nesting and the number of its values. */
#include "supervisor/document_json.h"

/* ---- Before jansson: bounds -------------------------------------------------------------------
 */

/* Depth and number of values, counted without understanding: what is no JSON is told by jansson. */
static enum iso_err scan(struct iso_bytes text, struct iso_report *report)
{
    size_t depth = 0, values = 0;
    bool in_string = false;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if (in_string) {
            i += c == '\\' ? 1 : 0;
            in_string = c != '"';
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            depth++;
            values++;
        } else if (c == '}' || c == ']') {
            depth -= depth > 0 ? 1 : 0;
        } else if (c == ',') {
            values++;
        }
        if (depth > ISO_SV_DOC_DEPTH_MAX) {
            return iso_fail_at(report, ISO_E_LIMIT, i,
                               "the document: nested more than %d deep (byte %zu)",
                               ISO_SV_DOC_DEPTH_MAX, i);
        }
        if (values > ISO_SV_DOC_VALUES_MAX) {
            return iso_fail_at(report, ISO_E_LIMIT, i, "the document: more than %d values",
                               ISO_SV_DOC_VALUES_MAX);
        }
    }
    return ISO_OK;
}

/* jansson's own text quotes what it found, which might be a piece of a key. */
static const char *reason_of(const json_error_t *error)
{
    switch (json_error_code(error)) {
    case json_error_premature_end_of_input:
        return "the text ends too early";
    case json_error_end_of_input_expected:
        return "the text goes on after its end";
    case json_error_duplicate_key:
        return "a member appears twice in its object";
    case json_error_numeric_overflow:
        return "a number is too large";
    case json_error_invalid_utf8:
        return "this is not UTF-8";
    case json_error_null_character:
        return "a string must not contain \\u0000";
    case json_error_out_of_memory:
        return "not enough memory";
    default:
        return "this is not expected here";
    }
}

static enum iso_err load(struct iso_bytes text, json_t **out, struct iso_report *report)
{
    if (text.len > ISO_SV_DOC_BYTES_MAX) {
        return iso_fail(report, ISO_E_LIMIT, "the document: %zu bytes; at most %d are allowed",
                        text.len, ISO_SV_DOC_BYTES_MAX);
    }
    enum iso_err err = scan(text, report);
    if (err != ISO_OK) {
        return err;
    }
    json_error_t error;
    const char *start = text.len > 0 ? (const char *)text.ptr : "";
    json_t *root = json_loadb(start, text.len, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL) {
        return iso_fail_at(report, ISO_E_MALFORMED, (uint64_t)(unsigned)error.position,
                           "line %d, column %d: not JSON: %s", error.line, error.column,
                           reason_of(&error));
    }
    *out = root;
    return ISO_OK;
}

/* ---- The whole ---------------------------------------------------------------------------------
 */

static enum iso_err read_version(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_at *root)
{
    uint64_t version = 0;
    struct iso_sv_doc_at at = iso_sv_doc_member(root, "isomer");
    enum iso_err err = iso_sv_doc_u64(reader, &at, 0, ISO_SV_DOC_NUMBER_MAX, &version);
    if (err == ISO_OK && version != 1) {
        err = iso_sv_doc_fail(reader, &at, ISO_E_UNSUPPORTED,
                              "version %llu of the format; this supervisor reads version 1",
                              (unsigned long long)version);
    }
    return err;
}

static enum iso_err read_root(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_at *root)
{
    static const char *const names[] = {"isomer", "app",   "generation", "components",
                                        "drain",  "peers", "flows"};
    struct iso_sv_document *document = reader->document;
    if (json_is_object(root->json) && json_object_get(root->json, "isomer") != NULL) {
        enum iso_err newer = read_version(reader, root); /* first: all else may differ in it */
        if (newer != ISO_OK) {
            return newer;
        }
    }
    enum iso_err err = iso_sv_doc_object(reader, root, names, ISO_COUNT_OF(names), 4);
    if (err == ISO_OK) {
        struct iso_sv_doc_at at = iso_sv_doc_member(root, "app");
        err = iso_sv_doc_name(reader, &at, &document->app);
    }
    if (err == ISO_OK) {
        struct iso_sv_doc_at at = iso_sv_doc_member(root, "generation");
        err = iso_sv_doc_u64(reader, &at, 1, ISO_SV_DOC_NUMBER_MAX, &document->generation);
    }
    struct iso_sv_doc_at drain = iso_sv_doc_member(root, "drain");
    document->drain_ns = UINT64_C(10000000000);
    if (err == ISO_OK && drain.json != NULL) {
        err = iso_sv_doc_duration(reader, &drain, 0, UINT64_C(600000000000), &document->drain_ns);
    }
    struct iso_sv_doc_at components = iso_sv_doc_member(root, "components");
    struct iso_sv_doc_at peers = iso_sv_doc_member(root, "peers");
    struct iso_sv_doc_at flows = iso_sv_doc_member(root, "flows");
    if (err == ISO_OK && peers.json != NULL) {
        err = iso_sv_doc_peers(reader, &peers, &components);
    }
    if (err == ISO_OK) {
        err = iso_sv_doc_components(reader, &components);
    }
    if (err == ISO_OK && flows.json != NULL) {
        err = iso_sv_doc_flows(reader, &flows);
    }
    return err != ISO_OK ? err : iso_sv_doc_check(reader);
}

static enum iso_err digest_of(json_t *root, uint8_t out[ISO_SHA256_SIZE])
{
    char *text = json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(17));
    if (text == NULL) {
        return ISO_E_NOMEM;
    }
    size_t len = strlen(text);
    iso_sha256(text, len, out);
    explicit_bzero(text, len);
    free(text);
    return ISO_OK;
}

enum iso_err iso_sv_document_parse(const struct iso_alloc *alloc, struct iso_bytes text,
                                   struct iso_sv_document **out, struct iso_report *report)
{
    json_t *root = NULL;
    enum iso_err err = load(text, &root, report);
    if (err != ISO_OK) {
        return err;
    }
    struct iso_sv_document *document = iso_alloc_new(alloc, sizeof *document);
    uint8_t *copy = document != NULL ? iso_alloc_new(alloc, text.len) : NULL;
    if (copy == NULL) {
        iso_alloc_free(alloc, document, sizeof *document);
        json_decref(root);
        return iso_fail(report, ISO_E_NOMEM, "not enough memory to read the document");
    }
    memcpy(copy, text.ptr, text.len);
    document->text = iso_bytes_from(copy, text.len);
    iso_arena_init(&document->arena, alloc, 0, (size_t)16 * ISO_SV_DOC_BYTES_MAX);
    struct iso_sv_doc_reader reader = {.document = document, .report = report};
    struct iso_sv_doc_at at = {.json = root};
    err = read_root(&reader, &at);
    if (err == ISO_OK) {
        err = digest_of(root, document->digest);
    }
    json_decref(root);
    if (err != ISO_OK) {
        iso_sv_document_destroy(document);
        return err;
    }
    *out = document;
    return ISO_OK;
}

void iso_sv_document_destroy(struct iso_sv_document *document)
{
    if (document == NULL) {
        return;
    }
    const struct iso_alloc *alloc = document->arena.alloc;
    for (size_t i = 0; i < document->peer_count; i++) {
        struct iso_sv_doc_peer *peer = (struct iso_sv_doc_peer *)(uintptr_t)&document->peers[i];
        explicit_bzero(peer->connect.key, sizeof peer->connect.key);
        explicit_bzero(peer->accept.key, sizeof peer->accept.key);
    }
    iso_arena_fini(&document->arena);
    uint8_t *text = (uint8_t *)(uintptr_t)document->text.ptr;
    explicit_bzero(text, document->text.len);
    iso_alloc_free(alloc, text, document->text.len);
    iso_alloc_free(alloc, document, sizeof *document);
}

/* ---- Questions ---------------------------------------------------------------------------------
 */

uint32_t iso_sv_document_component(const struct iso_sv_document *document, struct iso_str name)
{
    for (uint32_t i = 0; i < document->component_count; i++) {
        if (iso_str_equal(document->components[i].name, name)) {
            return i;
        }
    }
    return ISO_SV_HERE;
}

uint32_t iso_sv_document_peer(const struct iso_sv_document *document, struct iso_str name)
{
    for (uint32_t i = 0; i < document->peer_count; i++) {
        if (iso_str_equal(document->peers[i].name, name)) {
            return i;
        }
    }
    return ISO_SV_HERE;
}

uint32_t iso_sv_document_flow(const struct iso_sv_document *document, struct iso_str name)
{
    for (uint32_t i = 0; i < document->flow_count; i++) {
        if (iso_str_equal(document->flows[i].name, name)) {
            return i;
        }
    }
    return ISO_SV_HERE;
}

bool iso_sv_document_flow_starts(const struct iso_sv_doc_flow *flow)
{
    return flow->steps[0].peer == ISO_SV_HERE;
}

bool iso_sv_document_hop_allowed(const struct iso_sv_doc_flow *flow, uint32_t peer, uint32_t step)
{
    if (step >= flow->step_count || flow->steps[step].peer != ISO_SV_HERE) {
        return false;
    }
    if (step == 0) {
        return flow->trigger == ISO_SV_ON_EVENT && flow->event_peer == peer;
    }
    return flow->steps[step - 1].peer == peer;
}

bool iso_sv_document_outcome_allowed(const struct iso_sv_doc_flow *flow, uint32_t peer)
{
    bool found = false;
    for (size_t i = 1; i < flow->step_count; i++) {
        found = found || flow->steps[i].peer == peer;
    }
    return found && iso_sv_document_flow_starts(flow);
}

bool iso_sv_document_call_allowed(const struct iso_sv_doc_peer *peer, uint32_t component)
{
    for (size_t i = 0; i < peer->call_count; i++) {
        if (peer->calls[i] == component) {
            return true;
        }
    }
    return false;
}

/* ---- Without keys ------------------------------------------------------------------------------
 */

static int append_text(const char *text, size_t len, void *ctx)
{
    return iso_buf_append(ctx, text, len) == ISO_OK ? 0 : -1;
}

enum iso_err iso_sv_document_redact(const struct iso_sv_document *document, struct iso_buf *out)
{
    json_t *root = json_loadb((const char *)document->text.ptr, document->text.len, 0, NULL);
    if (root == NULL) {
        return ISO_E_NOMEM; /* it was parsed before */
    }
    const char *name = NULL;
    json_t *peer = NULL;
    json_object_foreach(json_object_get(root, "peers"), name, peer)
    {
        (void)json_object_del(json_object_get(peer, "connect"), "key");
        (void)json_object_del(json_object_get(peer, "accept"), "key");
    }
    size_t before = out->len;
    int failed = json_dump_callback(root, append_text, out, JSON_COMPACT);
    json_decref(root);
    if (failed != 0) {
        out->len = before;
        return ISO_E_NOMEM;
    }
    return ISO_OK;
}
