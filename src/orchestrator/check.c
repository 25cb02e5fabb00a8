/* A manifest against the interfaces of its packages: docs/manifest.md, "What is checked". */
#include "orchestrator/check.h"

struct iso_or_at iso_or_component_at(const struct iso_or_check *check, uint32_t component)
{
    return iso_or_member(&check->components, check->manifest->components[component].name.ptr);
}

/* ---- Components that nothing uses ------------------------------------------------------------ */

static bool is_used(const struct iso_or_manifest *manifest, uint32_t component)
{
    bool used = manifest->components[component].link_count > 0;
    for (size_t i = 0; i < manifest->component_count && !used; i++) {
        for (size_t k = 0; k < manifest->components[i].link_count; k++) {
            used = used || manifest->components[i].links[k].target == component;
        }
    }
    for (size_t i = 0; i < manifest->flow_count && !used; i++) {
        const struct iso_or_flow *flow = &manifest->flows[i];
        used = flow->event_component == component;
        for (size_t k = 0; k < flow->step_count; k++) {
            used = used || flow->steps[k].component == component;
        }
    }
    return used;
}

/* In an application whose components have to do with each other, one that has not is strange. */
static void warn_unused(struct iso_or_check *check)
{
    const struct iso_or_manifest *manifest = check->manifest;
    size_t links = 0;
    for (size_t i = 0; i < manifest->component_count; i++) {
        links += manifest->components[i].link_count;
    }
    bool related = links + manifest->flow_count > 0 && check->reader.mistakes->errors == 0;
    for (uint32_t i = 0; i < manifest->component_count && related; i++) {
        if (!is_used(manifest, i)) {
            struct iso_or_at at = iso_or_component_at(check, i);
            iso_or_warn_key(
                &check->reader, &at,
                "found '%s' in no flow and no link; expected something to use it (calls "
                "from outside will still reach it)",
                manifest->components[i].name.ptr);
        }
    }
}

enum iso_err iso_or_manifest_check(struct iso_or_manifest *manifest,
                                   const struct iso_or_module_facts *facts,
                                   struct iso_or_mistakes *mistakes)
{
    size_t before = mistakes->errors;
    struct iso_or_check check = {.reader = {.manifest = manifest, .mistakes = mistakes},
                                 .manifest = manifest,
                                 .facts = facts,
                                 .root = {.json = manifest->json}};
    check.components = iso_or_member(&check.root, "components");
    check.components.up = &check.root;
    ISO_ASSERT(manifest->made == NULL);
    manifest->made = json_array();
    if (manifest->made == NULL) {
        return ISO_E_NOMEM;
    }
    iso_or_check_imports(&check);
    if (!check.reader.nomem) {
        iso_or_check_links(&check);
    }
    if (!check.reader.nomem) {
        iso_or_check_flows(&check);
        warn_unused(&check);
    }
    iso_or_mistakes_sort(mistakes);
    if (check.reader.nomem || mistakes->nomem) {
        return ISO_E_NOMEM;
    }
    manifest->checked = mistakes->errors == 0;
    return mistakes->errors > before ? ISO_E_INVALID : ISO_OK;
}
