/* check.h - inside src/orchestrator: what the parts of iso_or_manifest_check share. */
#ifndef ISO_ORCHESTRATOR_CHECK_H
#define ISO_ORCHESTRATOR_CHECK_H

#include "codec/codec.h"
#include "orchestrator/manifest_read.h"

/* What a component imports and others have to supply: an interface, with the functions of it that
 * its module really imports. */
struct iso_or_import {
    struct iso_str module;                     /* "ns:pkg/iface@1.0.0", "$root" */
    const struct iso_wit_interface *interface; /* NULL: plain functions of the world */
    const struct iso_wit_func **funcs;
    uint32_t func_count;
    bool device; /* of isomer:device */
    bool linked; /* a link of the component is for it, or one that is wrong */
    bool nobody; /* nothing could supply it, which has been said */
};
struct iso_or_imports {
    struct iso_or_import *items;
    uint32_t count;
};

struct iso_or_check {
    struct iso_or_reader reader;
    struct iso_or_manifest *manifest;
    const struct iso_or_module_facts *facts;
    struct iso_or_at root, components;
    struct iso_or_imports imports[ISO_OR_COMPONENTS_MAX];
};

/* Where a component stands in the manifest. */
struct iso_or_at iso_or_component_at(const struct iso_or_check *check, uint32_t component);

/* check_imports.c: fills in imports, grants what devices offer, compares memory. */
void iso_or_check_imports(struct iso_or_check *check);
/* check_links.c: binds the rest, and looks for circles. */
void iso_or_check_links(struct iso_or_check *check);
/* check_flow.c */
void iso_or_check_flows(struct iso_or_check *check);

/* check_difference.c: how the types of two functions differ, the wanted one first: "parameter 'by':
 * u32, not u16". False, and out is empty: they do not. */
bool iso_or_func_difference(const struct iso_wit_func *wanted, const struct iso_wit_func *offered,
                            char *out, size_t cap);

/* check_value.c: a step's parameters. */
struct iso_or_step_types {
    struct iso_or_check *check;
    const struct iso_or_flow *flow;
    size_t step;
    const struct iso_wit_func *func; /* of the step */
    /* Results of the steps before; NULL: none, when known says so. */
    const struct iso_vtype *const *results;
    const bool *known;
};
/* at: the step. */
void iso_or_check_step(const struct iso_or_step_types *types, const struct iso_or_at *at);

#endif
