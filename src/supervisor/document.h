/*
 * document.h - the deployment document: one application on this device, one generation of it.
 *
 * docs/deployment.md is its specification. iso_sv_document_parse makes plain structs of the JSON
 * text, all of them in one arena, or says where it is wrong (a JSON pointer, RFC 6901), what was
 * found and what would be right. A document that was parsed is consistent in itself: every
 * component, peer and step that it names exists, and the numbers below are indexes into its arrays.
 * Whether modules are there, grants are possible and epochs are new is for the manager
 * (deployment.h).
 *
 * Documents are immutable; any thread may read one. They hold keys: log names, never a document.
 */
#ifndef ISO_SUPERVISOR_DOCUMENT_H
#define ISO_SUPERVISOR_DOCUMENT_H

#include "supervisor/core.h"
#include "supervisor/document_limits.h"

/* In the place of an index: this device itself. */
#define ISO_SV_HERE UINT32_MAX

/* ---- Components ----------------------------------------------------------------------------- */

/* What satisfies an import of a component. */
struct iso_sv_doc_link {
    struct iso_str interface; /* "ns:pkg/iface@1.0.0" */
    uint32_t peer;            /* ISO_SV_HERE: on this device */
    struct iso_str component; /* the name of the component that is called */
    uint32_t local;           /* its index when it is on this device, else ISO_SV_HERE */
    uint64_t epoch;           /* of the component that is called; 0 when local */
};

struct iso_sv_doc_component {
    struct iso_str name;
    uint8_t digest[ISO_SHA256_SIZE]; /* of the module */
    char module[72];                 /* the same as "sha256:" and hexadecimal digits */
    struct iso_str wit;              /* empty: what the module says itself */
    struct iso_str abi;              /* empty: likewise */
    enum iso_sv_mode mode;
    uint64_t epoch;
    struct iso_sv_limits limits;
    const struct iso_sv_pair *config;
    size_t config_count;
    const struct iso_sv_pair *env;
    size_t env_count;
    const struct iso_str *args;
    size_t arg_count;
    const struct iso_sv_dir_grant *dirs;
    size_t dir_count;
    const struct iso_sv_device_grant *devices;
    size_t device_count;
    const struct iso_sv_doc_link *links;
    size_t link_count;
    bool from_snapshot; /* made with the state of a copy elsewhere, see "Moving" */
};

/* ---- Peers ---------------------------------------------------------------------------------- */

enum iso_sv_transport { ISO_SV_TLS, ISO_SV_DTLS }; /* CoAP over TCP and TLS; over UDP and DTLS */

/* A pre-shared key with the identity under which it is known. */
struct iso_sv_doc_psk {
    struct iso_str identity;           /* empty: there is none */
    uint8_t key[ISO_SV_DOC_KEY_BYTES]; /* secret */
};

struct iso_sv_doc_peer {
    struct iso_str name;   /* within the document */
    struct iso_str device; /* its identity */
    /* How this device reaches the peer; address_count 0: it does not. */
    const struct iso_str *addresses; /* "192.0.2.7:5684", "[2001:db8::1]:5684"; try in turn */
    size_t address_count;
    enum iso_sv_transport transport;
    struct iso_sv_doc_psk connect; /* this device as client */
    /* How the peer comes to this device; identity empty: it may not. */
    struct iso_sv_doc_psk accept;
    /* Components here, by index, that the accepted peer may call. Its flow messages need no entry:
     * they follow from the flows (iso_sv_document_hop_allowed). */
    const uint32_t *calls;
    size_t call_count;
};

/* ---- Flows ---------------------------------------------------------------------------------- */

enum iso_sv_template_kind {
    ISO_SV_TEMPLATE_NULL,
    ISO_SV_TEMPLATE_BOOL,
    ISO_SV_TEMPLATE_INTEGER,
    ISO_SV_TEMPLATE_REAL,
    ISO_SV_TEMPLATE_STRING,
    ISO_SV_TEMPLATE_ARRAY,
    ISO_SV_TEMPLATE_OBJECT,
    ISO_SV_TEMPLATE_REFERENCE
};

/* The run's input as a step: `$input`. */
#define ISO_SV_STEP_INPUT (UINT32_MAX - 1)

/* A JSON value with references in it: `with` of a step. */
struct iso_sv_template {
    enum iso_sv_template_kind kind;
    union {
        bool boolean;
        int64_t integer;
        double real;
        struct iso_str string; /* `$$` has become `$` */
        struct {
            const struct iso_sv_template *items;
            size_t count;
        } array;
        struct {
            const struct iso_str *names;
            const struct iso_sv_template *values;
            size_t count;
        } object;
        struct {
            uint32_t step;              /* an earlier step, or ISO_SV_STEP_INPUT */
            const struct iso_str *path; /* fields of records, in order; none: the whole result */
            size_t path_count;
        } reference;
    } of;
};

struct iso_sv_doc_step {
    struct iso_str as;        /* empty: the result has no name */
    struct iso_str component; /* the name */
    struct iso_str function;  /* path of an exported function: "resize", "iface.resize" */
    uint32_t peer;            /* ISO_SV_HERE: on this device */
    uint32_t local;           /* index of the component when it is on this device */
    uint64_t epoch;           /* of the component */
    /* An object with the parameters by name; NULL: the result before (the input, for the first
     * step) is the only parameter, or there is none. */
    const struct iso_sv_template *with;
    /* One bit per step, and bit 63 for the input: whose results this or a later step refers to (the
     * result of step i - 1 where step i has no `with` among them). What a message to this step has
     * to carry: needs of step i, restricted to the steps before i. */
    uint64_t needs;
};
#define ISO_SV_NEEDS_INPUT (UINT64_C(1) << 63)

enum iso_sv_trigger { ISO_SV_ON_EVERY, ISO_SV_ON_CALL, ISO_SV_ON_EVENT };
enum iso_sv_overload { ISO_SV_WAIT, ISO_SV_DROP_OLDEST, ISO_SV_DROP_NEWEST };

struct iso_sv_doc_flow {
    struct iso_str name;
    enum iso_sv_trigger trigger;
    uint64_t every_ns;              /* ISO_SV_ON_EVERY */
    struct iso_str event_component; /* ISO_SV_ON_EVENT */
    struct iso_str event_name;
    uint32_t event_peer;  /* where the component is; ISO_SV_HERE: on this device */
    uint32_t event_local; /* its index when it is on this device */
    enum iso_sv_overload overload;
    uint32_t window; /* messages in flight to the next step */
    const struct iso_sv_doc_step *steps;
    size_t step_count;
};

/* ---- The document --------------------------------------------------------------------------- */

struct iso_sv_document {
    struct iso_str app;
    uint64_t generation;
    uint64_t drain_ns; /* how long calls of components that go may still take */
    const struct iso_sv_doc_component *components;
    size_t component_count;
    const struct iso_sv_doc_peer *peers;
    size_t peer_count;
    const struct iso_sv_doc_flow *flows;
    size_t flow_count;
    struct iso_bytes text; /* as received; secret */
    /* SHA-256 of its canonical form (sorted members, no spaces): two texts with the same meaning
     * have the same. */
    uint8_t digest[ISO_SHA256_SIZE];
    struct iso_arena arena;
};

/*
 * Parse and check. text is borrowed (copied). The report's text is "POINTER: what is wrong", where
 * POINTER is a JSON pointer, or "the document: ..." for the whole, or "line L, column C: ..." where
 * it is no JSON; nothing of a key is ever in it. Blocks for as long as parsing takes
 * (milliseconds); any thread. Errors: MALFORMED (no JSON), INVALID (not a deployment document, or
 * not consistent), UNSUPPORTED (a newer version of the format), LIMIT, NOMEM.
 */
ISO_MUST_CHECK enum iso_err iso_sv_document_parse(const struct iso_alloc *alloc,
                                                  struct iso_bytes text,
                                                  struct iso_sv_document **out,
                                                  struct iso_report *report);
/* Wipes keys. NULL is fine. */
void iso_sv_document_destroy(struct iso_sv_document *document);

/* Indexes by name; ISO_SV_HERE (which is no index) when there is none. */
uint32_t iso_sv_document_component(const struct iso_sv_document *document, struct iso_str name);
uint32_t iso_sv_document_peer(const struct iso_sv_document *document, struct iso_str name);
uint32_t iso_sv_document_flow(const struct iso_sv_document *document, struct iso_str name);

/* Whether this device starts the runs of a flow: its first step is here. */
bool iso_sv_document_flow_starts(const struct iso_sv_doc_flow *flow);
/* Whether a peer may send this device the message for step `step` of a flow: the step is here, and
 * the one before it is there (for step 0: the component whose event starts the flow). */
bool iso_sv_document_hop_allowed(const struct iso_sv_doc_flow *flow, uint32_t peer, uint32_t step);
/* Whether a peer may send this device the outcome of a run: the first step is here, one is there.
 */
bool iso_sv_document_outcome_allowed(const struct iso_sv_doc_flow *flow, uint32_t peer);
/* Whether an accepted peer may call a component. */
bool iso_sv_document_call_allowed(const struct iso_sv_doc_peer *peer, uint32_t component);

/* The document as JSON with the keys left out, for those who may read. Errors: NOMEM. */
ISO_MUST_CHECK enum iso_err iso_sv_document_redact(const struct iso_sv_document *document,
                                                   struct iso_buf *out);

#endif
