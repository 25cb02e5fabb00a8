/* manifest_read.h - inside src/orchestrator: reading checked values out of a JSON tree (jansson),
 * collecting every mistake with its place. A reader that returns a bool returns whether *out was
 * set; when it was not, a mistake was added. */
#ifndef ISO_ORCHESTRATOR_MANIFEST_READ_H
#define ISO_ORCHESTRATOR_MANIFEST_READ_H

#include "base/base.h"
#include "orchestrator/manifest_text.h"
#include "platform/platform.h"

struct iso_or_reader {
    struct iso_or_manifest *manifest; /* its arena takes what is made */
    struct iso_or_mistakes *mistakes;
    bool nomem;
};

/* A value and where it stands: a chain on the stack from the value up to the root. */
struct iso_or_at {
    const json_t *json;         /* borrowed; NULL: absent */
    const struct iso_or_at *up; /* NULL: the root */
    const char *key;            /* NULL: an element of an array */
    size_t index;
};
struct iso_or_at iso_or_member(const struct iso_or_at *object, const char *key);
struct iso_or_at iso_or_element(const struct iso_or_at *array, size_t index);
/* Members in the order of the text: for (it = first(...); it.key != NULL; it = next(&it)). */
struct iso_or_at iso_or_first(const struct iso_or_at *object);
struct iso_or_at iso_or_next(const struct iso_or_at *member);
void iso_or_path_of(const struct iso_or_at *at, struct iso_or_path *out);

/* ---- Mistakes: "found X; expected Y" -------------------------------------------------------- */

/* At a value (of one that is absent: at what it should be in), or at the name of a member. */
void iso_or_wrong(struct iso_or_reader *reader, const struct iso_or_at *at, const char *format, ...)
    ISO_PRINTF(3, 4);
void iso_or_wrong_key(struct iso_or_reader *reader, const struct iso_or_at *at, const char *format,
                      ...) ISO_PRINTF(3, 4);
/* At a part of a string (a view of what jansson or iso_or_at have). */
void iso_or_wrong_part(struct iso_or_reader *reader, const struct iso_or_at *at,
                       struct iso_str part, const char *format, ...) ISO_PRINTF(4, 5);
/* No mistake, but strange: at the name of a member. */
void iso_or_warn_key(struct iso_or_reader *reader, const struct iso_or_at *at, const char *format,
                     ...) ISO_PRINTF(3, 4);
/* "the string 'x'", "the number 7", "an object". Returns out. */
const char *iso_or_found(const json_t *json, char out[96]);

/* Words that could have been meant, with the one that was written. Costs time, so that nothing is
 * done when the mistake will not be kept. */
struct iso_or_words {
    struct iso_nearest nearest;
    bool idle;
    char all[200]; /* "a, b, c" */
    size_t len;
    char hint[280];
};
void iso_or_words_init(struct iso_or_words *words, const struct iso_or_reader *reader,
                       struct iso_str word);
void iso_or_words_add(struct iso_or_words *words, struct iso_str candidate);
/* "did you mean 'x'?", "expected one of a, b, c", or, without candidates, `none`. */
const char *iso_or_words_hint(struct iso_or_words *words, const char *none);

/* ---- Values ---------------------------------------------------------------------------------- */

/* Whether it is an object; its members must be among `names`, of which the first `required` must be
 * there. */
bool iso_or_object(struct iso_or_reader *reader, const struct iso_or_at *at,
                   const char *const *names, size_t count, size_t required);
/* An object with names of its own, or an array, of min to max entries ("links"). */
bool iso_or_map(struct iso_or_reader *reader, const struct iso_or_at *at, size_t min, size_t max,
                const char *what);
bool iso_or_array(struct iso_or_reader *reader, const struct iso_or_at *at, size_t min, size_t max,
                  const char *what);
/* Below, the value must be there, be of the kind, and within the bounds (inclusive). Strings are
 * views of the tree, with a zero behind them; lengths in bytes. what: "a name of a file". */
bool iso_or_string(struct iso_or_reader *reader, const struct iso_or_at *at, const char *what,
                   size_t min, size_t max, struct iso_str *out);
bool iso_or_name(struct iso_or_reader *reader, const struct iso_or_at *at, struct iso_str *out);
bool iso_or_u64(struct iso_or_reader *reader, const struct iso_or_at *at, uint64_t min,
                uint64_t max, uint64_t *out);
/* Bytes: a number, or text such as "64MiB". Nanoseconds: text such as "100ms". */
bool iso_or_size(struct iso_or_reader *reader, const struct iso_or_at *at, uint64_t min,
                 uint64_t max, uint64_t *out);
bool iso_or_duration(struct iso_or_reader *reader, const struct iso_or_at *at, uint64_t min,
                     uint64_t max, uint64_t *out);
/* One of some words, by index. */
bool iso_or_choice(struct iso_or_reader *reader, const struct iso_or_at *at,
                   const char *const *words, size_t count, size_t *out);
/* Whether the name of a member is a name, or 1 to max bytes long. */
bool iso_or_key_name(struct iso_or_reader *reader, const struct iso_or_at *at);
bool iso_or_key_text(struct iso_or_reader *reader, const struct iso_or_at *at, size_t max);
/* Zeroed memory of the manifest; NULL when it is short (kept in nomem). */
void *iso_or_new(struct iso_or_reader *reader, size_t count, size_t size);

static inline struct iso_str iso_or_view(const json_t *string)
{
    return iso_str_from(json_string_value(string), json_string_length(string));
}

/* ---- The parts of a manifest ------------------------------------------------------------------
 */

/* manifest_component.c, manifest_place.c, manifest_flow.c. Components first. */
void iso_or_read_components(struct iso_or_reader *reader, const struct iso_or_at *at);
void iso_or_read_place(struct iso_or_reader *reader, const struct iso_or_at *at,
                       struct iso_or_component *component);
/* What with, apart and device say together. */
void iso_or_check_places(struct iso_or_reader *reader, const struct iso_or_at *components);
void iso_or_read_links(struct iso_or_reader *reader, const struct iso_or_at *at);
void iso_or_read_flows(struct iso_or_reader *reader, const struct iso_or_at *at);

/* The component that a string (or a part of it) names; UINT32_MAX after a mistake. */
uint32_t iso_or_component_named(struct iso_or_reader *reader, const struct iso_or_at *at,
                                struct iso_str name);

/* A string of `with`: a reference, or a literal (of which a first `$` of two is to be dropped). */
bool iso_or_is_reference(struct iso_str text);
/* The step before `step` whose result has that name; UINT32_MAX. */
uint32_t iso_or_step_named(const struct iso_or_flow *flow, size_t step, struct iso_str name);
/* What is before and after the first dot: "component.interface", "component.function",
 * "name.field". False: there is none, and all is before. */
bool iso_or_split(struct iso_str text, struct iso_str *before, struct iso_str *after);

#endif
