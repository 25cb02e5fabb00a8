/*
 * documents.h - what each device is told: from an application with its placement, one deployment
 * document per device (docs/deployment.md is their specification).
 *
 * Pure but for the two callbacks of its input; any thread.
 */
#ifndef ISO_ORCHESTRATOR_DOCUMENTS_H
#define ISO_ORCHESTRATOR_DOCUMENTS_H

#include <jansson.h>

#include "orchestrator/manifest.h"

enum {
    ISO_OR_IDENTITY_SIZE = 61, /* of a pair, with the zero byte */
    ISO_OR_PAIR_KEY_SIZE = 32,
    ISO_OR_DOCUMENT_BYTES_MAX = 1 << 20, /* as devices take them; likewise */
    ISO_OR_PEERS_MAX = 64
};

/* Where a component goes; borrowed. */
struct iso_or_placed {
    struct iso_str device; /* id */
    uint64_t epoch;
    struct iso_str digest; /* of the module */
    struct iso_str wit;    /* besides what the module has in itself; empty: nothing */
    /* The device that must stop its copy before this one begins; empty: none. It gets a document
     * too, and a way to `device`. */
    struct iso_str from;
    bool state; /* the copy's state goes along */
};

struct iso_or_documents_input {
    const struct iso_or_manifest *manifest; /* checked */
    uint64_t generation;
    const struct iso_or_placed *placed; /* of each component, in the manifest's order */
    /* Appends to `out` (an array) where CoAP of a device is reached from another one:
     * "192.0.2.7:5684", best first. Errors: NOT_FOUND (nothing is known), NOMEM. */
    enum iso_err (*addresses)(void *ctx, struct iso_str from, struct iso_str to, json_t *out,
                              struct iso_report *report);
    /* Identity and key for connections from one device to another: the same ones again as long as
     * the pair is needed. */
    enum iso_err (*pair)(void *ctx, struct iso_str from, struct iso_str to,
                         char identity[ISO_OR_IDENTITY_SIZE], uint8_t key[ISO_OR_PAIR_KEY_SIZE],
                         struct iso_report *report);
    void *ctx;
};

/* *out: an object, device id -> document; the caller's. Secret: it has keys. Errors: LIMIT (a
 * document would be too large for a device: which, and why), NOMEM, those of the callbacks. */
ISO_MUST_CHECK enum iso_err iso_or_documents_make(const struct iso_or_documents_input *input,
                                                  json_t **out, struct iso_report *report);

/* The name under which a document knows a device; NULL: it does not. Borrowed from the document. */
const char *iso_or_document_peer(const json_t *document, const char *device);

#endif
