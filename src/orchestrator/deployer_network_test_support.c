/* The network between a deployer and devices that are played, with its faults; and what must always
 * hold, which is looked at whenever a device has carried something out. */
#include "orchestrator/deployer_test_support.h"

#include <inttypes.h>
#include <stdlib.h>

struct sim_request {
    struct sim_request *next;
    struct sim *sim;
    uint64_t id, deadline_ms;
    size_t device;
    char method[8], path[160];
    char *body;
    size_t len;
    bool lost_before, lost_after;
    unsigned status; /* answered without being carried out; 0: it is carried out */
    struct model_answer answer;
    enum iso_or_outcome outcome;
    void (*done)(void *ctx, const struct iso_or_answer *answer); /* NULL: nobody waits */
    void *ctx;
};

/* ---- What must always hold ---------------------------------------------------------------------
 */

static void check_owner(struct sim *sim, const struct sim_device *device, const char *app,
                        const struct model_component *component)
{
    char key[128];
    (void)iso_format(key, sizeof key, "%s/%s/%" PRIu64, app, component->name, component->epoch);
    const char *owner = json_string_value(json_object_get(sim->owners, key));
    if (owner == NULL) {
        (void)json_object_set_new(sim->owners, key, json_string(device->id));
    } else if (strcmp(owner, device->id) != 0 && !sim->foreign) {
        TEST_FAIL("%s ran on %s and now on %s", key, owner, device->id);
    }
}

/* No two copies of a service, no epoch at two devices. */
void sim_check_always(struct sim *sim)
{
    for (size_t i = 0; i < sim->device_count; i++) {
        const struct sim_device *device = &sim->devices[i];
        for (size_t k = 0; k < ISO_COUNT_OF(device->model.apps) && device->alive; k++) {
            const struct model_app *app = &device->model.apps[k];
            for (size_t c = 0; c < app->component_count; c++) {
                const struct model_component *component = &app->components[c];
                if (!component->running) {
                    continue;
                }
                check_owner(sim, device, app->name, component);
                for (size_t j = 0; j < i && component->service && !sim->two_allowed; j++) {
                    const struct model_component *other =
                        sim->devices[j].alive
                            ? model_component(&sim->devices[j].model, app->name, component->name)
                            : NULL;
                    if (other != NULL && other->running) {
                        TEST_FAIL("%s/%s runs on %s (epoch %" PRIu64 ") and %s (%" PRIu64 ")",
                                  app->name, component->name, device->id, component->epoch,
                                  sim->devices[j].id, other->epoch);
                    }
                }
            }
        }
    }
}

/* ---- Network -----------------------------------------------------------------------------------
 */

static void drop_request(struct sim_request *request)
{
    for (struct sim_request **at = &request->sim->requests; *at != NULL; at = &(*at)->next) {
        if (*at == request) {
            *at = request->next;
            break;
        }
    }
    free(request->body);
    free(request->answer.body);
    free(request);
}

static void answered(void *arg)
{
    struct sim_request *request = arg;
    struct sim *sim = request->sim;
    const struct sim_device *device = &sim->devices[request->device];
    static const char *const outcomes[] = {"", "unreachable", "broken", "garbled"};
    if (request->outcome == ISO_OR_ANSWERED && (!device->alive || !device->connected)) {
        request->outcome = ISO_OR_BROKEN;
    }
    json_t *problem = request->answer.status >= 400 && request->answer.body != NULL
                          ? json_loads(request->answer.body, 0, NULL)
                          : NULL;
    const char *detail = json_string_value(json_object_get(problem, "detail"));
    const char *body = request->answer.body != NULL ? request->answer.body : "";
    const struct iso_or_answer answer = {
        .outcome = request->outcome,
        .status = request->answer.status,
        .body = iso_bytes_from(body, strlen(body)),
        .text = detail != NULL ? detail : "",
    };
    sim_trace(sim, "  %s %s %s: %s%u %s", device->id, request->method, request->path,
              outcomes[request->outcome], request->answer.status, detail != NULL ? detail : "");
    void (*done)(void *, const struct iso_or_answer *) = request->done;
    request->done = NULL;
    if (done != NULL && !sim->dead) {
        done(request->ctx, &answer);
    }
    json_decref(problem);
    drop_request(request);
}

static void give(struct sim_request *request, enum iso_or_outcome outcome, uint64_t delay_ms)
{
    request->outcome = outcome;
    (void)sim_event_add(request->sim, delay_ms, answered, request);
}

static uint64_t until_deadline(const struct sim_request *request)
{
    uint64_t now = request->sim->now_ms;
    return request->deadline_ms > now ? request->deadline_ms - now : 0;
}

static void arrived(void *arg)
{
    struct sim_request *request = arg;
    struct sim *sim = request->sim;
    struct sim_device *device = &sim->devices[request->device];
    uint64_t back = 1 + sim_below(sim, 3) + device->slow_ms;
    if (!device->alive) {
        give(request, ISO_OR_UNREACHABLE, 2);
    } else if (!device->connected) {
        uint64_t wait = until_deadline(request);
        give(request, ISO_OR_UNREACHABLE, wait < 3000 ? wait : 3000);
    } else if (device->silent || request->lost_before) {
        give(request, ISO_OR_BROKEN, until_deadline(request) / (request->lost_before ? 8 : 1));
    } else if (device->garbage) {
        give(request, ISO_OR_GARBLED, back);
    } else if (device->no_commit && strstr(request->path, "/commit") != NULL) {
        request->answer.status = 500;
        give(request, ISO_OR_ANSWERED, back);
    } else if (device->status != 0 || request->status != 0) {
        request->answer.status = device->status != 0 ? device->status : request->status;
        give(request, ISO_OR_ANSWERED, back);
    } else {
        model_pass_time(&device->model, sim->now_ms);
        request->answer = model_request(&device->model, request->method, request->path,
                                        request->body, request->len);
        if (strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0) {
            device->seen.revision++;
        }
        if (request->lost_after || back > until_deadline(request)) {
            give(request, ISO_OR_BROKEN, until_deadline(request) / (request->lost_after ? 8 : 1));
        } else {
            give(request, ISO_OR_ANSWERED, back);
        }
        sim_check_always(sim);
    }
}

static bool happens(struct sim *sim, unsigned per_mille)
{
    return per_mille != 0 && sim_below(sim, 1000) < per_mille;
}

void sim_point(struct sim *sim)
{
    if (++sim->points == sim->kill_at) {
        sim_trace(sim, "killed");
        sim->dead = true;
    }
}

size_t sim_index(const struct sim *sim, const char *id)
{
    for (size_t i = 0; i < sim->device_count; i++) {
        if (strcmp(sim->devices[i].id, id) == 0) {
            return i;
        }
    }
    return SIZE_MAX;
}

static uint64_t start(void *carrier, const struct iso_or_request *from)
{
    struct sim *sim = carrier;
    if (sim->dead) {
        return ++sim->seq; /* nothing leaves any more */
    }
    struct sim_request *request = calloc(1, sizeof *request);
    CHECK(request != NULL);
    *request = (struct sim_request){.sim = sim,
                                    .id = ++sim->seq,
                                    .deadline_ms = sim->now_ms + from->timeout_ms,
                                    .device = sim_index(sim, from->device),
                                    .len = from->body.len,
                                    .done = from->done,
                                    .ctx = from->ctx};
    CHECK(request->device != SIZE_MAX && from->timeout_ms != 0);
    (void)iso_format(request->method, sizeof request->method, "%s", from->method);
    (void)iso_format(request->path, sizeof request->path, "%s", from->path);
    if (from->body.len != 0) {
        request->body = malloc(from->body.len);
        CHECK(request->body != NULL);
        memcpy(request->body, from->body.ptr, from->body.len);
    }
    static const unsigned statuses[] = {500, 503, 404, 429};
    request->lost_before = happens(sim, sim->lost_before);
    request->lost_after = happens(sim, sim->lost_after);
    if (happens(sim, sim->errors)) {
        /* A false 404 is only told where it can be told from a true one. */
        bool question = strcmp(from->method, "POST") != 0 || strstr(from->path, "prepare") != NULL;
        request->status = statuses[sim_below(sim, question ? 2 : 4)];
        request->status = request->status == 404 ? 500 : request->status;
    }
    uint64_t delay = 1 + sim_below(sim, 3) + (happens(sim, sim->slow) ? sim_below(sim, 4000) : 0);
    request->next = sim->requests;
    sim->requests = request;
    sim_trace(sim, "%s %s %s %.60s", from->device, from->method, from->path,
              from->body.len != 0 && from->body.len < 60 ? (const char *)from->body.ptr : "");
    (void)sim_event_add(sim, delay, arrived, request);
    uint64_t id = request->id;
    sim_point(sim);
    return id;
}

static void cancel(void *carrier, uint64_t id)
{
    struct sim *sim = carrier;
    for (struct sim_request *at = sim->requests; at != NULL; at = at->next) {
        if (at->id == id) {
            at->done = NULL; /* it may arrive all the same */
        }
    }
}

struct iso_or_transport sim_transport(struct sim *sim)
{
    return (struct iso_or_transport){.carrier = sim, .start = start, .cancel = cancel};
}

void sim_network_leave(struct sim *sim)
{
    for (struct sim_request *at = sim->requests; at != NULL; at = at->next) {
        at->done = NULL; /* what is on its way arrives */
    }
}

void sim_network_fini(struct sim *sim)
{
    while (sim->requests != NULL) {
        drop_request(sim->requests);
    }
}
