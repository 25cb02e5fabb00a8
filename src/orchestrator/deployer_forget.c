/* Applications that are over make room for new ones: removed ones that every device has confirmed,
 * and those of which no generation was ever decided. Numbers and epochs stay in the store, so that
 * one of the same name goes on above them. */
#include "orchestrator/deployer_state.h"

static bool is_over(const struct iso_or_app *app)
{
    const struct iso_or_generation *gen = app->current;
    bool gone = gen == NULL || (gen->text.len == 0 && gen->state == ISO_OR_COMMITTED &&
                                iso_or_generation_confirmed(gen) && iso_or_generation_left(gen));
    return gone && app->change == NULL && app->undoing == NULL;
}

/* What never ran is before all that did. */
static uint64_t ended_ms(const struct iso_or_app *app)
{
    return app->current != NULL ? app->current->changed_ms : 0;
}

enum iso_err iso_or_app_forget_oldest(struct iso_or_deployer *deployer, struct iso_report *report)
{
    struct iso_or_app **oldest = NULL;
    for (struct iso_or_app **at = &deployer->apps; *at != NULL; at = &(*at)->next) {
        if (is_over(*at) && (oldest == NULL || ended_ms(*at) < ended_ms(*oldest))) {
            oldest = at;
        }
    }
    if (oldest == NULL) {
        return iso_fail(report, ISO_E_LIMIT,
                        "there are %zu applications, and %d is the most: remove one",
                        deployer->app_count, ISO_OR_APPS_MAX);
    }
    struct iso_or_app *app = *oldest;
    enum iso_err err =
        iso_or_store_generations_forget(deployer->config.store, iso_str_from_z(app->name), report);
    if (err == ISO_OK) {
        *oldest = app->next;
        deployer->app_count--;
        iso_or_app_destroy(app);
    }
    return err;
}
