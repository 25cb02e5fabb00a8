/* Packages of a generation: resolved all at once, held until the generation has been planned; then
 * the manifest is checked against what they are. */
#include "orchestrator/deployer_state.h"

enum {
    ROOM_AGAIN_MS = 200, /* when there is no room for more packages */
    PLANS_LEAVE = 112    /* room for packages that plans for people leave to changes */
};

static const struct iso_alloc *alloc_of(const struct iso_or_generation *gen)
{
    return gen->app->deployer->config.alloc;
}

static size_t count_of(const struct iso_or_generation *gen)
{
    return gen->manifest != NULL ? gen->manifest->component_count : 0;
}

static void drop_interface(struct iso_or_ticket *ticket)
{
    if (ticket->interface != NULL) {
        const struct iso_alloc *alloc = alloc_of(ticket->gen);
        iso_module_interface_fini(ticket->interface);
        iso_alloc_free(alloc, ticket->interface, sizeof *ticket->interface);
        ticket->interface = NULL;
    }
}

void iso_or_resolve_stop(struct iso_or_generation *gen)
{
    const struct iso_or_packages *packages = &gen->app->deployer->config.packages;
    for (size_t i = 0; gen->tickets != NULL && i < count_of(gen); i++) {
        drop_interface(&gen->tickets[i]);
        if (gen->tickets[i].id != 0) {
            packages->stop(packages->ctx, gen->tickets[i].id);
        }
    }
    iso_alloc_free(alloc_of(gen), gen->tickets, count_of(gen) * sizeof *gen->tickets);
    gen->tickets = NULL;
    gen->resolving = false;
    if (gen->resolve_timer != 0) {
        const struct iso_or_clock *clock = &gen->app->deployer->config.clock;
        clock->stop(clock->ctx, gen->resolve_timer);
        gen->resolve_timer = 0;
    }
}

static void note(struct iso_or_generation *gen, enum iso_err err, const char *text)
{
    if (gen->resolve_err == ISO_OK) {
        gen->resolve_err = err;
        (void)iso_format(gen->resolve_error, sizeof gen->resolve_error, "%s", text);
    }
}

/* What there is not is the manifest's mistake, and has a place in it; what cannot be had now is
 * not. */
static bool is_mistake(enum iso_err err)
{
    return err == ISO_E_NOT_FOUND;
}

static void note_ticket(const struct iso_or_ticket *ticket)
{
    char text[ISO_OR_REASON_SIZE];
    struct iso_or_mistakes mistakes;
    iso_or_mistakes_init(&mistakes, alloc_of(ticket->gen));
    if (is_mistake(ticket->err)) {
        iso_or_manifest_package_wrong(ticket->gen->manifest, ticket->component, ticket->error,
                                      &mistakes);
    }
    if (mistakes.count != 0) {
        (void)iso_format(text, sizeof text, "line %u, column %u: %s", mistakes.items[0].line,
                         mistakes.items[0].column, ticket->error);
    }
    note(ticket->gen, ticket->err, mistakes.count != 0 ? text : ticket->error);
    iso_or_mistakes_fini(&mistakes);
}

/* WIT that the manifest names is read in place of what the module says. */
static enum iso_err own_interface(struct iso_or_ticket *ticket, struct iso_report *report)
{
    struct iso_or_generation *gen = ticket->gen;
    const struct iso_or_component *component = &gen->manifest->components[ticket->component];
    if (component->interface.len == 0) {
        return ISO_OK;
    }
    char name[256];
    (void)iso_format(name, sizeof name, "%.*s", (int)component->interface.len,
                     component->interface.ptr);
    const char *text =
        json_string_value(json_object_get(json_object_get(gen->files, name), "text"));
    if (text == NULL) {
        return iso_fail(report, ISO_E_NOT_FOUND, "the file '%s' did not come with the manifest",
                        name);
    }
    struct iso_module_interface *interface = iso_alloc_new(alloc_of(gen), sizeof *interface);
    if (interface == NULL) {
        return iso_fail(report, ISO_E_NOMEM, "not enough memory");
    }
    ticket->interface = interface;
    const struct iso_wit_source source = {.name = name, .text = iso_bytes_from(text, strlen(text))};
    return iso_module_interface_find(alloc_of(gen), ticket->copy.description->module, &source,
                                     interface, report);
}

static void remember_path(struct iso_or_generation *gen, const struct iso_or_resolved *resolved)
{
    char digest[ISO_OR_DIGEST_SIZE];
    (void)iso_format(digest, sizeof digest, "%.*s", (int)resolved->digest.len,
                     resolved->digest.ptr);
    if (json_object_set_new(gen->paths, digest, json_string(resolved->file)) != 0) {
        note(gen, ISO_E_NOMEM, "not enough memory");
    }
}

/* Once there is a plan, packages are resolved only for where their bytes are: what that led to is
 * in paths or in resolve_error, and it can be begun again. */
static void stop_if_fetched(struct iso_or_generation *gen)
{
    if (gen->state >= ISO_OR_PREPARING && iso_or_resolve_finished(gen)) {
        iso_or_resolve_stop(gen);
    }
}

static void resolved(void *arg, enum iso_err err, const struct iso_report *report,
                     const struct iso_or_resolved *result)
{
    struct iso_or_ticket *ticket = arg;
    struct iso_or_generation *gen = ticket->gen;
    struct iso_report own;
    iso_report_init(&own);
    ticket->done = true;
    if (err == ISO_OK) {
        ticket->copy = *result;
        remember_path(gen, result);
        err = own_interface(ticket, &own);
        report = &own;
    }
    if (err != ISO_OK) {
        const struct iso_or_component *component = &gen->manifest->components[ticket->component];
        ticket->err = err;
        (void)iso_format(ticket->error, sizeof ticket->error, "component '%.*s': %s",
                         (int)component->name.len, component->name.ptr,
                         iso_report_text(report, err));
        note_ticket(ticket);
    }
    stop_if_fetched(gen);
    gen->poke(gen);
}

static const char *digest_before(const struct iso_or_generation *gen,
                                 const struct iso_or_component *component)
{
    char name[ISO_OR_APP_SIZE];
    (void)iso_format(name, sizeof name, "%.*s", (int)component->name.len, component->name.ptr);
    const json_t *before = json_object_get(gen->resolved, name);
    const char *reference = json_string_value(json_object_get(before, "reference"));
    const char *digest = json_string_value(json_object_get(before, "digest"));
    return reference != NULL && iso_str_equal_z(component->package, reference) ? digest : NULL;
}

static void room_again(void *arg);

static void ask_all(struct iso_or_generation *gen)
{
    const struct iso_or_packages *packages = &gen->app->deployer->config.packages;
    for (size_t i = 0; i < count_of(gen); i++) {
        const struct iso_or_component *component = &gen->manifest->components[i];
        struct iso_or_ticket *ticket = &gen->tickets[i];
        ticket->gen = gen;
        ticket->component = i;
        ticket->id = packages->resolve(packages->ctx, component->package,
                                       iso_str_from_z(digest_before(gen, component)), gen->files,
                                       resolved, ticket);
        if (ticket->id == 0) {
            ticket->done = true;
            note(gen, ISO_E_NOMEM, "not enough memory");
        }
    }
}

/* All at once or none: two that each hold a part of the room would wait for each other. What is
 * only a plan for people leaves half of it. */
static void begin_or_wait(struct iso_or_generation *gen)
{
    const struct iso_or_packages *packages = &gen->app->deployer->config.packages;
    const struct iso_or_clock *clock = &gen->app->deployer->config.clock;
    if (packages->room(packages->ctx) < count_of(gen) + (gen->trial ? PLANS_LEAVE : 0)) {
        gen->resolve_timer = clock->after(clock->ctx, ROOM_AGAIN_MS, room_again, gen);
        return;
    }
    gen->tickets = iso_alloc_array(alloc_of(gen), count_of(gen), sizeof *gen->tickets);
    if (gen->tickets == NULL) {
        note(gen, ISO_E_NOMEM, "not enough memory");
    } else {
        ask_all(gen);
    }
    stop_if_fetched(gen);
}

static void room_again(void *arg)
{
    struct iso_or_generation *gen = arg;
    gen->resolve_timer = 0;
    begin_or_wait(gen);
    if (gen->resolve_timer == 0) {
        gen->poke(gen); /* all of it may have failed at once */
    }
}

void iso_or_resolve_start(struct iso_or_generation *gen)
{
    if (!gen->resolving && gen->manifest != NULL) {
        gen->resolve_err = ISO_OK;
        gen->resolving = true;
        begin_or_wait(gen);
    }
}

bool iso_or_resolve_finished(const struct iso_or_generation *gen)
{
    for (size_t i = 0; gen->tickets != NULL && i < count_of(gen); i++) {
        if (!gen->tickets[i].done) {
            return false;
        }
    }
    return gen->resolving && gen->resolve_timer == 0;
}

/* ---- The check ---------------------------------------------------------------------------------
 */

static bool is_command(const struct iso_or_resolved *copy)
{
    return copy->description != NULL && copy->description->interface.origin == ISO_ORIGIN_COMMAND;
}

static enum iso_err record(struct iso_or_generation *gen, struct iso_report *report)
{
    json_t *all = json_object();
    for (size_t i = 0; i < count_of(gen); i++) {
        const struct iso_or_component *component = &gen->manifest->components[i];
        const struct iso_or_resolved *copy = &gen->tickets[i].copy;
        char wit_file[256];
        (void)iso_format(wit_file, sizeof wit_file, "%.*s", (int)component->interface.len,
                         component->interface.ptr);
        const char *text =
            json_string_value(json_object_get(json_object_get(gen->files, wit_file), "text"));
        struct iso_str wit = component->interface.len != 0 ? iso_str_from_z(text) : copy->wit;
        json_t *item =
            json_pack("{s:s%, s:s%, s:s%, s:I, s:s%, s:b}", "reference", component->package.ptr,
                      component->package.len, "exact", copy->exact.len != 0 ? copy->exact.ptr : "",
                      copy->exact.len, "digest", copy->digest.ptr, copy->digest.len, "size",
                      (json_int_t)copy->size_bytes, "wit", wit.len != 0 ? wit.ptr : "", wit.len,
                      "command", is_command(copy));
        if (item == NULL ||
            json_object_setn_new(all, component->name.ptr, component->name.len, item) != 0) {
            json_decref(all);
            return iso_fail(report, ISO_E_NOMEM, "not enough memory");
        }
    }
    json_decref(gen->resolved);
    gen->resolved = all;
    return ISO_OK;
}

enum iso_err iso_or_resolve_check(struct iso_or_generation *gen, struct iso_or_mistakes *mistakes,
                                  struct iso_report *report)
{
    struct iso_or_module_facts *facts =
        iso_alloc_array(alloc_of(gen), count_of(gen), sizeof *facts);
    if (facts == NULL) {
        return iso_fail(report, ISO_E_NOMEM, "not enough memory");
    }
    for (size_t i = 0; i < count_of(gen); i++) {
        const struct iso_or_ticket *ticket = &gen->tickets[i];
        const struct iso_description *description = ticket->copy.description;
        if (description == NULL) {
            continue; /* it could not be resolved */
        }
        facts[i].interface =
            ticket->interface != NULL ? ticket->interface : &description->interface;
        facts[i].module = description->module;
    }
    enum iso_err err =
        gen->manifest->checked ? ISO_OK : iso_or_manifest_check(gen->manifest, facts, mistakes);
    iso_alloc_free(alloc_of(gen), facts, count_of(gen) * sizeof *facts);
    for (size_t i = 0; i < count_of(gen); i++) {
        if (is_mistake(gen->tickets[i].err)) {
            iso_or_manifest_package_wrong(gen->manifest, i, gen->tickets[i].error, mistakes);
        }
    }
    return err == ISO_OK && gen->resolve_err == ISO_OK ? record(gen, report) : err;
}
