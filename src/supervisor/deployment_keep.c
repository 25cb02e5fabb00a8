/* Whether a component of the next generation is the one that runs: docs/deployment.md, "What is
 * kept". */
#include "supervisor/deployment_internal.h"

static bool pairs_same(const struct iso_sv_pair *a, size_t a_count, const struct iso_sv_pair *b,
                       size_t b_count)
{
    bool same = a_count == b_count;
    for (size_t i = 0; same && i < a_count; i++) {
        bool found = false; /* the order of members means nothing */
        for (size_t k = 0; k < b_count && !found; k++) {
            found = iso_str_equal(a[i].key, b[k].key) && iso_str_equal(a[i].value, b[k].value);
        }
        same = found;
    }
    return same;
}

static bool texts_same(const struct iso_str *a, size_t a_count, const struct iso_str *b,
                       size_t b_count)
{
    bool same = a_count == b_count;
    for (size_t i = 0; same && i < a_count; i++) {
        same = iso_str_equal(a[i], b[i]);
    }
    return same;
}

static bool dirs_same(const struct iso_sv_doc_component *a, const struct iso_sv_doc_component *b)
{
    bool same = a->dir_count == b->dir_count;
    for (size_t i = 0; same && i < a->dir_count; i++) {
        same = iso_str_equal(a->dirs[i].guest_path, b->dirs[i].guest_path) &&
               iso_str_equal(a->dirs[i].host_path, b->dirs[i].host_path) &&
               a->dirs[i].writable == b->dirs[i].writable;
    }
    return same;
}

static bool devices_same(const struct iso_sv_doc_component *a, const struct iso_sv_doc_component *b)
{
    bool same = a->device_count == b->device_count;
    for (size_t i = 0; same && i < a->device_count; i++) {
        bool found = false;
        for (size_t k = 0; k < b->device_count && !found; k++) {
            found = iso_str_equal(a->devices[i].interface, b->devices[k].interface) &&
                    texts_same(a->devices[i].names, a->devices[i].name_count, b->devices[k].names,
                               b->devices[k].name_count);
        }
        same = found;
    }
    return same;
}

/* The same interfaces; where they lead may differ. */
static bool links_same(const struct iso_sv_doc_component *a, const struct iso_sv_doc_component *b)
{
    bool same = a->link_count == b->link_count;
    for (size_t i = 0; same && i < a->link_count; i++) {
        bool found = false;
        for (size_t k = 0; k < b->link_count && !found; k++) {
            found = iso_str_equal(a->links[i].interface, b->links[k].interface);
        }
        same = found;
    }
    return same;
}

static bool limits_same(const struct iso_sv_limits *a, const struct iso_sv_limits *b)
{
    return a->memory_bytes == b->memory_bytes && a->fuel == b->fuel && a->time_ns == b->time_ns &&
           a->queue == b->queue && a->instances == b->instances && a->files == b->files &&
           a->log_lines_per_s == b->log_lines_per_s && a->storage_bytes == b->storage_bytes &&
           a->result_bytes == b->result_bytes;
}

bool iso_sv_program_same(const struct iso_sv_doc_component *a, const struct iso_sv_doc_component *b)
{
    return memcmp(a->digest, b->digest, ISO_SHA256_SIZE) == 0 && iso_str_equal(a->wit, b->wit) &&
           iso_str_equal(a->abi, b->abi);
}

bool iso_sv_component_same(const struct iso_sv_doc_component *a,
                           const struct iso_sv_doc_component *b)
{
    return iso_str_equal(a->name, b->name) && iso_sv_program_same(a, b) && a->mode == b->mode &&
           a->epoch == b->epoch && limits_same(&a->limits, &b->limits) &&
           pairs_same(a->config, a->config_count, b->config, b->config_count) &&
           pairs_same(a->env, a->env_count, b->env, b->env_count) &&
           texts_same(a->args, a->arg_count, b->args, b->arg_count) && dirs_same(a, b) &&
           devices_same(a, b) && links_same(a, b);
}

bool iso_sv_app_may_run(struct iso_sv_app *app, const struct iso_sv_doc_component *component)
{
    return iso_sv_record_move(&app->record, component->name) == NULL &&
           component->epoch >= iso_sv_record_epoch(&app->record, component->name);
}
