/*
 * manifest.h - application manifests: reading them, and checking them against the interfaces of
 * their packages. docs/manifest.md is the specification, docs/schema/manifest.schema.json the
 * schema.
 *
 * Two steps. iso_or_manifest_parse needs the text only: structure, names, sizes, references within
 * the document. iso_or_manifest_check also needs what the packages are, and binds imports to
 * exports, finds the interfaces of devices that are needed, and checks the types of flows. Both
 * collect *all* mistakes that they can find (up to ISO_OR_MISTAKES_MAX), each with its place: a
 * person mends them in one go.
 *
 * Pure: no I/O; any thread. A manifest is immutable after its check.
 */
#ifndef ISO_ORCHESTRATOR_MANIFEST_H
#define ISO_ORCHESTRATOR_MANIFEST_H

#include <jansson.h>

#include "interface/interface.h"
#include "orchestrator/limits.h"

enum { ISO_OR_MISTAKES_MAX = 64 };

/* ---- Mistakes ---------------------------------------------------------------------------------
 */

struct iso_or_mistake {
    uint32_t line, column;  /* from 1; of the first character of what is wrong */
    uint32_t length;        /* characters to underline on that line; at least 1 */
    bool warning;           /* does not keep it from being deployed */
    struct iso_str pointer; /* JSON pointer (RFC 6901) */
    struct iso_str text;    /* "found X; expected Y" in words, one line */
};
struct iso_or_mistakes {
    struct iso_arena arena;
    struct iso_or_mistake *items;
    size_t count, errors; /* errors: all that are no warnings, also those that did not fit */
    bool more;            /* there were more than fit */
    bool nomem;           /* memory was short for one */
};
/* alloc: kept. Both allocate nothing. */
void iso_or_mistakes_init(struct iso_or_mistakes *mistakes, const struct iso_alloc *alloc);
void iso_or_mistakes_fini(struct iso_or_mistakes *mistakes);
/* "app.json:12:7: error: ...", the line, and a caret under it, for each; as compilers do. Errors:
 * those of iso_buf. */
ISO_MUST_CHECK enum iso_err iso_or_mistakes_text(const struct iso_or_mistakes *mistakes,
                                                 const char *name, struct iso_str manifest,
                                                 struct iso_buf *out);
/* An array of {"line","column","length","severity","pointer","text"}. */
void iso_or_mistakes_write(const struct iso_or_mistakes *mistakes, struct iso_json *json);

/* ---- The application --------------------------------------------------------------------------
 */

enum iso_or_on_loss { ISO_OR_RESTART, ISO_OR_WAIT };

/* A label that a device must have; value.ptr NULL: with whatever value. */
struct iso_or_label {
    struct iso_str name, value;
};

/* What satisfies an import. */
struct iso_or_link {
    struct iso_str interface; /* as the module imports it: "ns:pkg/iface@1.0.0" */
    uint32_t target;          /* component */
    bool written;             /* in the manifest; otherwise it was the only one that fits */
};

struct iso_or_component {
    struct iso_str name;
    struct iso_str package;   /* the reference */
    struct iso_str interface; /* name of a WIT file that comes with the manifest; empty */
    struct iso_str abi;       /* empty: as the package says */
    bool service;
    enum iso_or_on_loss on_loss; /* default by mode */
    /* As written, checked; members of the deployment document of the same name. NULL: absent. */
    const json_t *config, *args, *env, *limits, *dirs;
    /* Grants of device interfaces as for the deployment document: {"camera": ["door"], ...}: what
     * the manifest says, and for imports that it does not name, `true`. Made by the check. */
    const json_t *devices;
    uint64_t memory_bytes; /* limits.memory, or its default */
    struct {
        const struct iso_or_label *labels; /* all must be there */
        size_t label_count;
        struct iso_str device;        /* name or id; empty: any */
        const uint32_t *with, *apart; /* components on the same device; on other ones */
        size_t with_count, apart_count;
    } place;
    const struct iso_or_link *links; /* all, after the check */
    size_t link_count;
};

struct iso_or_step {
    struct iso_str as;       /* empty: none */
    uint32_t component;      /* UINT32_MAX: there is none of the name, which is a mistake */
    struct iso_str function; /* "resize", "iface.resize"; after the check as devices name it */
    const json_t *with;      /* NULL: none */
};

enum iso_or_trigger { ISO_OR_EVERY, ISO_OR_CALL, ISO_OR_EVENT };

struct iso_or_flow {
    struct iso_str name;
    enum iso_or_trigger trigger;
    uint64_t every_ns;
    uint32_t event_component; /* as a step's */
    struct iso_str event_name;
    struct iso_str overload; /* "wait", "drop-oldest", "drop-newest" */
    uint32_t window;         /* 0: default */
    const json_t *on;        /* as written, for the deployment document */
    const struct iso_or_step *steps;
    size_t step_count;
};

struct iso_or_manifest {
    struct iso_str app, description;
    uint64_t drain_ns; /* UINT64_MAX: default */
    struct iso_or_component *components;
    size_t component_count;
    const struct iso_or_flow *flows;
    size_t flow_count;
    struct iso_str text; /* as it came */
    bool checked;        /* and right */
    struct iso_arena arena;
    json_t *json; /* root of what is borrowed above */
    json_t *made; /* array: what the check made */
};

/*
 * text: borrowed (copied). *out is NULL when the text is no JSON or memory is short; otherwise it
 * has what could be made sense of, for iso_or_manifest_check to find further mistakes in; use it
 * for nothing else while mistakes->errors is not 0. mistakes: initialised; is added to. Errors:
 * INVALID (there are mistakes), NOMEM.
 */
ISO_MUST_CHECK enum iso_err iso_or_manifest_parse(const struct iso_alloc *alloc,
                                                  struct iso_str text, struct iso_or_manifest **out,
                                                  struct iso_or_mistakes *mistakes);
void iso_or_manifest_destroy(struct iso_or_manifest *manifest); /* NULL is fine */
/* Adds that a component's package is wrong, at its place. */
void iso_or_manifest_package_wrong(const struct iso_or_manifest *manifest, size_t component,
                                   const char *text, struct iso_or_mistakes *mistakes);
/* Index by name; UINT32_MAX. */
uint32_t iso_or_manifest_component(const struct iso_or_manifest *manifest, struct iso_str name);

/* What the check wants to know of each component's package; borrowed for the check. */
struct iso_or_module_facts {
    const struct iso_module_interface *interface; /* NULL: not known; it is passed over */
    const struct iso_module *module;              /* for the names of its imports */
};

/*
 * facts: one per component, in their order. Binds links (written ones are verified: the import
 * exists, the target exports it with a compatible version and equal types; missing ones are bound
 * if exactly one component fits), refuses circles of links, grants device interfaces, checks flows
 * (functions, parameters, references, literals), events, and limits. Once per manifest. mistakes:
 * those of the parse, or others; is added to, and sorted by place. Errors: INVALID (there are
 * mistakes), NOMEM.
 */
ISO_MUST_CHECK enum iso_err iso_or_manifest_check(struct iso_or_manifest *manifest,
                                                  const struct iso_or_module_facts *facts,
                                                  struct iso_or_mistakes *mistakes);

#endif
