/* Reading checked values out of a JSON tree (jansson) with a message that names their place. Shared
 * by the document*.c; the rest of the supervisor uses document.h. */
#ifndef ISO_SUPERVISOR_DOCUMENT_JSON_H
#define ISO_SUPERVISOR_DOCUMENT_JSON_H

#include <jansson.h>

#include "supervisor/document.h"

struct iso_sv_doc_reader {
    struct iso_sv_document *document; /* under construction; its arena takes what is read */
    struct iso_report *report;
};

/* A value and where it stands: a chain on the stack from the value up to the document. */
struct iso_sv_doc_at {
    json_t *json;                   /* borrowed; NULL: absent */
    const struct iso_sv_doc_at *up; /* NULL: the document */
    const char *key;                /* NULL: an element of an array */
    size_t index;
};

struct iso_sv_doc_at iso_sv_doc_member(const struct iso_sv_doc_at *object, const char *key);
struct iso_sv_doc_at iso_sv_doc_element(const struct iso_sv_doc_at *array, size_t index);

/* Reports "POINTER: message" and returns err. */
ISO_MUST_CHECK enum iso_err iso_sv_doc_fail(struct iso_sv_doc_reader *reader,
                                            const struct iso_sv_doc_at *at, enum iso_err err,
                                            const char *format, ...) ISO_PRINTF(4, 5);

/* An object whose members are among `names`, of which the first `required` must be there. */
ISO_MUST_CHECK enum iso_err iso_sv_doc_object(struct iso_sv_doc_reader *reader,
                                              const struct iso_sv_doc_at *at,
                                              const char *const *names, size_t count,
                                              size_t required);
/* An object with names of its own (a map), or an array, of at most max entries. */
ISO_MUST_CHECK enum iso_err iso_sv_doc_map(struct iso_sv_doc_reader *reader,
                                           const struct iso_sv_doc_at *at, size_t max,
                                           const char *what);
ISO_MUST_CHECK enum iso_err iso_sv_doc_array(struct iso_sv_doc_reader *reader,
                                             const struct iso_sv_doc_at *at, size_t min, size_t max,
                                             const char *what);

/* Below: the value must be there, be of the type, and within the bounds (inclusive). Strings are
 * copied into the arena, with a zero behind them. */
ISO_MUST_CHECK enum iso_err iso_sv_doc_string(struct iso_sv_doc_reader *reader,
                                              const struct iso_sv_doc_at *at, size_t min,
                                              size_t max, struct iso_str *out);
ISO_MUST_CHECK enum iso_err iso_sv_doc_name(struct iso_sv_doc_reader *reader,
                                            const struct iso_sv_doc_at *at, struct iso_str *out);
/* The key of a member as a name. */
ISO_MUST_CHECK enum iso_err iso_sv_doc_key_name(struct iso_sv_doc_reader *reader,
                                                const struct iso_sv_doc_at *at,
                                                struct iso_str *out);
ISO_MUST_CHECK enum iso_err iso_sv_doc_key_text(struct iso_sv_doc_reader *reader,
                                                const struct iso_sv_doc_at *at, size_t max,
                                                struct iso_str *out);
ISO_MUST_CHECK enum iso_err iso_sv_doc_bool(struct iso_sv_doc_reader *reader,
                                            const struct iso_sv_doc_at *at, bool *out);
ISO_MUST_CHECK enum iso_err iso_sv_doc_u64(struct iso_sv_doc_reader *reader,
                                           const struct iso_sv_doc_at *at, uint64_t min,
                                           uint64_t max, uint64_t *out);
/* Bytes: a number, or text such as "64MiB". */
ISO_MUST_CHECK enum iso_err iso_sv_doc_size(struct iso_sv_doc_reader *reader,
                                            const struct iso_sv_doc_at *at, uint64_t min,
                                            uint64_t max, uint64_t *out);
/* Nanoseconds from text such as "100ms". */
ISO_MUST_CHECK enum iso_err iso_sv_doc_duration(struct iso_sv_doc_reader *reader,
                                                const struct iso_sv_doc_at *at, uint64_t min,
                                                uint64_t max, uint64_t *out);
/* One of some words, by index. */
ISO_MUST_CHECK enum iso_err iso_sv_doc_choice(struct iso_sv_doc_reader *reader,
                                              const struct iso_sv_doc_at *at,
                                              const char *const *words, size_t count, size_t *out);
/* Memory from the arena; NULL when it is short (which is reported). */
void *iso_sv_doc_new(struct iso_sv_doc_reader *reader, size_t count, size_t size);

/* ---- The parts of the document ----------------------------------------------------------------
 */

/* document_component.c, document_peer.c, document_flow.c: fill in the arrays of the document. Peers
 * first, then components, then flows. */
ISO_MUST_CHECK enum iso_err iso_sv_doc_components(struct iso_sv_doc_reader *reader,
                                                  const struct iso_sv_doc_at *at);
ISO_MUST_CHECK enum iso_err iso_sv_doc_peers(struct iso_sv_doc_reader *reader,
                                             const struct iso_sv_doc_at *at,
                                             const struct iso_sv_doc_at *components);
ISO_MUST_CHECK enum iso_err iso_sv_doc_flows(struct iso_sv_doc_reader *reader,
                                             const struct iso_sv_doc_at *at);
/* A word that must be the name of a peer. */
ISO_MUST_CHECK enum iso_err iso_sv_doc_peer_name(struct iso_sv_doc_reader *reader,
                                                 const struct iso_sv_doc_at *at, uint32_t *out);
/* document_template.c: `with` of step `step`; `as` of the steps before it are known. */
ISO_MUST_CHECK enum iso_err
iso_sv_doc_template(struct iso_sv_doc_reader *reader, const struct iso_sv_doc_at *at,
                    const struct iso_sv_doc_flow *flow, const struct iso_sv_doc_step *steps,
                    size_t step, uint64_t *refers, const struct iso_sv_template **out);
/* document_check.c: what concerns several parts. */
ISO_MUST_CHECK enum iso_err iso_sv_doc_check(struct iso_sv_doc_reader *reader);

#endif
