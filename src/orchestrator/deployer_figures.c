/* What was measured of an application's components where they run: docs/api.md, "Figures of a
 * component". Asked for before a plan is made; what does not answer soon is planned without. */
#include "orchestrator/deployer_state.h"

enum { FIGURES_MS = 1500, FIGURES_BYTES_MAX = 4 << 20, ASKED_MAX = ISO_OR_COMPONENTS_MAX };

struct iso_or_figures {
    struct iso_or_generation *gen;
    struct iso_or_ask asks[ASKED_MAX];
    size_t count, open;
};

/* Bytes of a call through each link, arguments and result: interface -> number. */
static json_t *bytes_of(const json_t *links)
{
    json_t *out = json_object();
    for (size_t i = 0; i < json_array_size(links); i++) {
        const json_t *link = json_array_get(links, i);
        const char *interface = json_string_value(json_object_get(link, "interface"));
        double calls = json_number_value(json_object_get(link, "calls"));
        double bytes = json_number_value(json_object_get(link, "bytes-out")) +
                       json_number_value(json_object_get(link, "bytes-in"));
        if (interface != NULL && calls > 0) {
            (void)json_object_set_new(out, interface, json_real(bytes / calls));
        }
    }
    return out;
}

static void note(struct iso_or_app *app, const json_t *component)
{
    const char *name = json_string_value(json_object_get(component, "component"));
    const char *of = json_string_value(json_object_get(component, "app"));
    const json_t *work = json_object_get(component, "work");
    if (name == NULL || of == NULL || strcmp(of, app->name) != 0 ||
        json_number_value(json_object_get(work, "calls")) <= 0) {
        return;
    }
    (void)json_object_set_new(app->figures, name,
                              json_pack("{s:f, s:o}", "fuel-per-call",
                                        json_number_value(json_object_get(work, "fuel-per-call")),
                                        "bytes-per-call",
                                        bytes_of(json_object_get(component, "links"))));
}

static void answered(struct iso_or_ask *ask, const struct iso_or_answer *answer)
{
    struct iso_or_figures *figures = ask->owner;
    struct iso_or_app *app = figures->gen->app;
    json_t *all = iso_or_answer_good(answer)
                      ? json_loadb((const char *)answer->body.ptr, answer->body.len, 0, NULL)
                      : NULL;
    for (size_t i = 0; i < json_array_size(all); i++) {
        note(app, json_array_get(all, i));
    }
    json_decref(all);
    figures->open--;
    iso_or_app_poke(app);
}

void iso_or_figures_ask(struct iso_or_generation *gen)
{
    const struct iso_or_generation *current = gen->app->current;
    const struct iso_or_deployer *deployer = gen->app->deployer;
    if (gen->figures != NULL || current == NULL) {
        return;
    }
    gen->figures = iso_alloc_new(deployer->config.alloc, sizeof *gen->figures);
    struct iso_or_figures *figures = gen->figures;
    if (figures == NULL) {
        return; /* then without */
    }
    figures->gen = gen;
    for (size_t i = 0; i < current->part_count && figures->count < ASKED_MAX; i++) {
        const char *id = current->parts[i].device;
        const struct iso_or_device *device = iso_or_device_of(deployer, id);
        const json_t *document = json_object_get(current->documents, id);
        if (device == NULL || device->state != ISO_OR_UP ||
            current->parts[i].goal == ISO_OR_GOAL_DELETE ||
            json_object_size(json_object_get(document, "components")) == 0) {
            continue;
        }
        struct iso_or_ask *ask = &figures->asks[figures->count++];
        const struct iso_or_send request = {.device = id,
                                            .method = "GET",
                                            .path = "/v1/components",
                                            .answer_max_bytes = FIGURES_BYTES_MAX,
                                            .timeout_ms = FIGURES_MS};
        *ask = (struct iso_or_ask){.deployer = gen->app->deployer, .owner = figures};
        figures->open++;
        iso_or_ask_send(ask, &request, answered);
    }
}

bool iso_or_figures_there(const struct iso_or_generation *gen)
{
    return gen->figures == NULL || gen->figures->open == 0;
}

void iso_or_figures_stop(struct iso_or_generation *gen)
{
    if (gen->figures == NULL) {
        return;
    }
    for (size_t i = 0; i < gen->figures->count; i++) {
        iso_or_ask_stop(&gen->figures->asks[i]);
    }
    iso_alloc_free(gen->app->deployer->config.alloc, gen->figures, sizeof *gen->figures);
    gen->figures = NULL;
}
