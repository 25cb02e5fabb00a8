/* The world around a deployer: time, health, packages, its beginning and end. */
#include "orchestrator/deployer_test_support.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "orchestrator/store_internal.h"

enum { TICK_MS = 500 };

void sim_trace(const struct sim *sim, const char *format, ...)
{
    if (sim->trace != NULL) {
        va_list args;
        va_start(args, format);
        (void)printf("%8" PRIu64 " ", sim->now_ms);
        (void)vprintf(format, args);
        (void)printf("\n");
        (void)fflush(stdout);
        va_end(args);
    }
}

/* xorshift64*: https://doi.org/10.18637/jss.v008.i14 */
uint32_t sim_below(struct sim *sim, uint32_t limit)
{
    sim->random ^= sim->random >> 12;
    sim->random ^= sim->random << 25;
    sim->random ^= sim->random >> 27;
    return (uint32_t)((sim->random * UINT64_C(2685821657736338717)) >> 32) % limit;
}

/* ---- Time --------------------------------------------------------------------------------------
 */

uint64_t sim_event_add(struct sim *sim, uint64_t delay_ms, void (*run)(void *), void *arg)
{
    struct sim_event *event = calloc(1, sizeof *event);
    CHECK(event != NULL);
    *event = (struct sim_event){
        .at_ms = sim->now_ms + delay_ms, .seq = ++sim->seq, .run = run, .arg = arg};
    event->id = event->seq;
    struct sim_event **at = &sim->events;
    while (*at != NULL && (*at)->at_ms <= event->at_ms) {
        at = &(*at)->next;
    }
    event->next = *at;
    *at = event;
    return event->id;
}

static void drop_event(struct sim *sim, uint64_t id)
{
    for (struct sim_event **at = &sim->events; *at != NULL; at = &(*at)->next) {
        if ((*at)->id == id) {
            struct sim_event *event = *at;
            *at = event->next;
            free(event);
            return;
        }
    }
}

static uint64_t clock_now(void *ctx)
{
    return ((struct sim *)ctx)->now_ms;
}

static uint64_t clock_wall(void *ctx)
{
    return UINT64_C(1767225600000) + ((struct sim *)ctx)->now_ms;
}

static uint64_t clock_after(void *ctx, uint32_t delay_ms, void (*fire)(void *arg), void *arg)
{
    return sim_event_add(ctx, delay_ms, fire, arg);
}

static void clock_stop(void *ctx, uint64_t id)
{
    drop_event(ctx, id);
}

/* ---- Packages ----------------------------------------------------------------------------------
 */

struct package_request {
    struct sim *sim;
    uint64_t id, event;
    size_t module;
    void (*done)(void *arg, enum iso_err err, const struct iso_report *report,
                 const struct iso_or_resolved *resolved);
    void *arg;
};

static const char *const references[SIM_MODULES] = {"file:greeter", "file:counter", "file:counter2",
                                                    "file:worker",  "file:camera",  "file:missing"};

static void resolved(void *arg)
{
    struct package_request *request = arg;
    char digest[ISO_OR_DIGEST_SIZE], file[64];
    struct iso_report report;
    iso_report_init(&report);
    if (request->module == SIM_MODULES - 1 || request->sim->packages_gone) {
        iso_report_set(&report, "there is no such package");
        request->done(request->arg, ISO_E_NOT_FOUND, &report, NULL);
        free(request);
        return;
    }
    (void)iso_format(digest, sizeof digest, "sha256:%064zx", request->module + 1);
    (void)iso_format(file, sizeof file, "/packages/%zu", request->module);
    if (json_object_get(request->sim->digests, digest) == NULL) { /* as long as the test */
        (void)json_object_set_new(request->sim->digests, digest, json_string(digest));
    }
    const struct iso_or_resolved result = {
        .exact = iso_str_from_z(references[request->module]),
        .digest = iso_str_from_z(json_string_value(json_object_get(request->sim->digests, digest))),
        .size_bytes = 1000,
        .file = file,
        .description = &request->sim->modules[request->module],
    };
    request->done(request->arg, ISO_OK, &report, &result);
    free(request);
}

static uint64_t resolve(void *ctx, struct iso_str reference, struct iso_str digest,
                        const json_t *files,
                        void (*done)(void *arg, enum iso_err err, const struct iso_report *report,
                                     const struct iso_or_resolved *resolved),
                        void *arg)
{
    struct sim *sim = ctx;
    (void)digest;
    (void)files;
    struct package_request *request = calloc(1, sizeof *request);
    CHECK(request != NULL);
    *request = (struct package_request){.sim = sim, .done = done, .arg = arg};
    while (request->module + 1 < SIM_MODULES &&
           !iso_str_equal_z(reference, references[request->module])) {
        request->module++;
    }
    request->event = sim_event_add(sim, 2 + sim_below(sim, 5), resolved, request);
    return request->event;
}

static size_t room(void *ctx)
{
    const struct sim *sim = ctx;
    return sim->packages_room;
}

static void stop(void *ctx, uint64_t id)
{
    struct sim *sim = ctx;
    for (struct sim_event *at = sim->events; at != NULL; at = at->next) {
        if (at->id == id && at->run == resolved) {
            free(at->arg);
            drop_event(sim, id);
            return;
        }
    }
}

static const char *const texts[SIM_MODULES] = {
    "package demo:greeter; interface greetings { greet: func(name: string) -> string; }"
    " world greeter { import demo:counter/counts@1.0.0; export greetings; }"
    " package demo:counter@1.0.0 { interface counts { increment: func(by: u32) -> u32;"
    " get: func() -> u32; } }",
    "package demo:counter@1.2.0; interface counts { increment: func(by: u32) -> u32;"
    " get: func() -> u32; } world counter { export counts; }",
    "package demo:counter@1.3.0; interface counts { increment: func(by: u32) -> u32;"
    " get: func() -> u32; } world counter { export counts; }",
    "package demo:worker; world worker { export work: func(n: u32) -> u32; }",
    "package demo:camera; world camera { export take: func() -> u32; }",
    NULL};

static void make_modules(struct sim *sim)
{
    for (size_t i = 0; i < SIM_MODULES && texts[i] != NULL; i++) {
        const struct iso_wit_source source = {.name = "t.wit",
                                              .text = iso_bytes_from(texts[i], strlen(texts[i]))};
        struct iso_report report;
        iso_report_init(&report);
        if (iso_wit_parse(iso_alloc_libc(), &source, 1, &sim->modules[i].interface.wit, &report) !=
            ISO_OK) {
            TEST_FAIL("%s", report.text);
        }
        sim->modules[i].interface.world = sim->modules[i].interface.wit.worlds[0];
        sim->modules[i].memory_min_bytes = 1 << 20;
        sim->modules[i].memory_max_bytes = UINT64_MAX;
    }
}

/* ---- The fleet ---------------------------------------------------------------------------------
 */

static const struct iso_or_device *find(void *ctx, struct iso_str id_or_name)
{
    const struct sim *sim = ctx;
    for (size_t i = 0; i < sim->device_count; i++) {
        const struct sim_device *device = &sim->devices[i];
        if (device->paired && (iso_str_equal_z(id_or_name, device->id) ||
                               iso_str_equal_z(id_or_name, device->seen.name))) {
            return &device->seen;
        }
    }
    return NULL;
}

static void each(void *ctx, bool (*visit)(void *arg, const struct iso_or_device *device), void *arg)
{
    const struct sim *sim = ctx;
    for (size_t i = 0; i < sim->device_count; i++) {
        if (sim->devices[i].paired && !visit(arg, &sim->devices[i].seen)) {
            return;
        }
    }
}

static void look_at(struct sim *sim, struct sim_device *device)
{
    uint64_t boot = device->seen.boot, revision = device->seen.revision;
    enum iso_or_device_state before = device->seen.state;
    static struct {
        uint64_t boot, revision;
    } told[SIM_DEVICES];
    size_t i = (size_t)(device - sim->devices);
    if (device->alive && device->connected && !device->silent) {
        device->contact_ms = sim->now_ms;
        device->seen.state = device->refuses ? ISO_OR_REFUSES : ISO_OR_UP;
    } else if (before != ISO_OR_KNOWN || sim->now_ms - device->contact_ms > ISO_OR_LOST_AFTER_MS) {
        uint64_t age = sim->now_ms - device->contact_ms;
        device->seen.state = age > ISO_OR_LOST_AFTER_MS ? ISO_OR_LOST
                             : age > 4000               ? ISO_OR_SUSPECT
                                                        : before;
    }
    bool changed = device->seen.state != before;
    if (device->seen.state == ISO_OR_UP && (told[i].boot != boot || told[i].revision != revision)) {
        told[i].boot = boot;
        told[i].revision = revision;
        changed = true;
    }
    if (changed && !sim->dead && sim->deployer != NULL && device->paired) {
        sim_trace(sim, "%s is %d", device->id, (int)device->seen.state);
        iso_or_deployer_device_changed(sim->deployer, &device->seen, false);
    }
}

static void tick(void *arg)
{
    struct sim *sim = arg;
    for (size_t i = 0; i < sim->device_count; i++) {
        struct sim_device *device = &sim->devices[i];
        if (device->alive) {
            model_pass_time(&device->model, sim->now_ms);
        }
        look_at(sim, device);
    }
    (void)sim_event_add(sim, TICK_MS, tick, sim);
}

void sim_power(struct sim *sim, size_t device, bool on)
{
    struct sim_device *at = &sim->devices[device];
    if (at->alive != on) {
        sim_trace(sim, "%s goes %s", at->id, on ? "on" : "off");
        at->alive = on;
        at->cut_ms = sim->now_ms;
        if (on) {
            at->seen.boot++;
            model_restart(&at->model);
        }
    }
}

void sim_link(struct sim *sim, size_t device, bool on)
{
    struct sim_device *at = &sim->devices[device];
    if (at->connected != on) {
        sim_trace(sim, "%s is %s", at->id, on ? "connected" : "cut off");
        at->connected = on;
        at->cut_ms = sim->now_ms;
    }
}

/* ---- What the deployer tells -------------------------------------------------------------------
 */

static void check_deployed(struct sim *sim, struct iso_str app_name)
{
    const struct iso_or_app *app = iso_or_app_find(sim->deployer, app_name);
    const char *id;
    json_t *document;
    json_object_foreach(app->current->documents, id, document)
    {
        size_t i = sim_index(sim, id);
        const struct model_app *there = model_app(&sim->devices[i].model, app->name);
        if (sim->devices[i].paired && (there == NULL || there->seen < app->current->number)) {
            TEST_FAIL("%s %" PRIu64 " is told to be deployed, but %s has not confirmed it",
                      app->name, app->current->number, id);
        }
    }
}

static void on_event(void *ctx, const char *event, struct iso_str app, const char *component,
                     const char *device, const char *detail)
{
    struct sim *sim = ctx;
    if (sim->dead) {
        return;
    }
    sim_trace(sim, "* %.*s %s %s %s %s", (int)app.len, app.ptr, event,
              component != NULL ? component : "", device != NULL ? device : "", detail);
    size_t used = strlen(sim->events_told);
    (void)iso_format(sim->events_told + used, sizeof sim->events_told - used, "%s ", event);
    if (strcmp(event, "deployed") == 0) {
        sim->deployed++;
        check_deployed(sim, app);
    }
    sim->failed += strcmp(event, "failed") == 0;
    sim->moved += strcmp(event, "moved") == 0;
    sim->removed += strcmp(event, "removed") == 0;
}

/* ---- Beginning and end -------------------------------------------------------------------------
 */

static void make_device(struct sim *sim, size_t i)
{
    struct sim_device *device = &sim->devices[i];
    (void)iso_format(device->id, sizeof device->id, "dev%zu", i);
    device->alive = device->connected = device->paired = true;
    device->description =
        json_pack("{s:f, s:i, s:{s:I}, s:{s:[s]}, s:{s:i}, s:{}}", "speed", 100.0 - (double)i,
                  "cores", 2, "memory", "free-bytes", (json_int_t)1 << 31, "engine", "features",
                  "simd128", "network", "coaps", 5684, "interfaces");
    device->labels = json_object();
    device->seen = (struct iso_or_device){.state = ISO_OR_KNOWN,
                                          .boot = 1,
                                          .latency_us = 500,
                                          .description = device->description,
                                          .labels = device->labels};
    CHECK(device->description != NULL);
    (void)iso_format(device->seen.id, sizeof device->seen.id, "%s", device->id);
    (void)iso_format(device->seen.name, sizeof device->seen.name, "name%zu", i);
    (void)iso_format(device->seen.address, sizeof device->seen.address, "https://192.0.2.%zu:8443",
                     i + 1);
    model_init(&device->model);
}

static int committing(void *ctx)
{
    struct sim *sim = ctx;
    if (sim->dead || sim->full) {
        return 1; /* rolled back */
    }
    sim_point(sim);
    return 0;
}

void sim_init(struct sim *sim, size_t devices, uint64_t seed)
{
    memset(sim, 0, sizeof *sim);
    sim->random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    sim->trace = getenv("ISOMER_SIM_TRACE");
    sim->now_ms = 1000;
    sim->packages_room = 256;
    sim->device_count = devices;
    sim->owners = json_object();
    sim->digests = json_object();
    CHECK(sim->owners != NULL && sim->digests != NULL);
    make_modules(sim);
    for (size_t i = 0; i < devices; i++) {
        make_device(sim, i);
    }
    CHECK_OK(iso_or_store_open(":memory:", &sim->store, NULL));
    (void)sqlite3_commit_hook(sim->store->db, committing, sim);
    (void)sim_event_add(sim, 1, tick, sim);
}

void sim_start(struct sim *sim)
{
    const struct iso_or_deployer_config config = {
        .alloc = iso_alloc_libc(),
        .store = sim->store,
        .transport = sim_transport(sim),
        .clock = {.ctx = sim,
                  .now_ms = clock_now,
                  .wall_ms = clock_wall,
                  .after = clock_after,
                  .stop = clock_stop},
        .packages = {.ctx = sim, .resolve = resolve, .stop = stop, .room = room},
        .fleet = {.ctx = sim, .find = find, .each = each},
        .event = on_event,
        .ctx = sim,
    };
    struct iso_report report;
    iso_report_init(&report);
    for (size_t i = 0; i < sim->device_count; i++) {
        sim->devices[i].seen.state = ISO_OR_KNOWN;
        sim->devices[i].contact_ms = sim->now_ms;
    }
    if (iso_or_deployer_create(&config, &sim->deployer, &report) != ISO_OK) {
        TEST_FAIL("%s", report.text);
    }
}

void sim_kill(struct sim *sim)
{
    sim->dead = true;
    sim_network_leave(sim);
    iso_or_deployer_destroy(sim->deployer);
    sim->deployer = NULL;
    iso_or_store_rollback(sim->store);
    sim->dead = false;
}

bool sim_revive(struct sim *sim)
{
    if (!sim->dead) {
        return false;
    }
    sim_kill(sim);
    sim_start(sim);
    return true;
}

void sim_fini(struct sim *sim)
{
    sim->trace = NULL;
    sim_kill(sim);
    while (sim->events != NULL) {
        struct sim_event *event = sim->events;
        sim->events = event->next;
        free(event);
    }
    sim_network_fini(sim);
    for (size_t i = 0; i < sim->device_count; i++) {
        json_decref(sim->devices[i].description);
        json_decref(sim->devices[i].labels);
        model_fini(&sim->devices[i].model);
    }
    for (size_t i = 0; i < SIM_MODULES && texts[i] != NULL; i++) {
        iso_wit_fini(&sim->modules[i].interface.wit);
    }
    json_decref(sim->owners);
    json_decref(sim->digests);
    iso_or_store_close(sim->store);
}

/* ---- Running -----------------------------------------------------------------------------------
 */

static bool run_one(struct sim *sim, uint64_t until_ms)
{
    struct sim_event *event = sim->events;
    if (event == NULL || event->at_ms > until_ms || sim->dead) {
        return false;
    }
    sim->events = event->next;
    sim->now_ms = event->at_ms;
    void (*run)(void *) = event->run;
    void *arg = event->arg;
    free(event);
    run(arg);
    return true;
}

void sim_run(struct sim *sim, uint64_t ms)
{
    uint64_t until = sim->now_ms + ms;
    while (run_one(sim, until)) {
    }
    if (!sim->dead) {
        sim->now_ms = until;
    }
}

json_t *sim_status(struct sim *sim, const char *app)
{
    struct iso_buf buf;
    struct iso_json json;
    iso_buf_init(&buf, iso_alloc_libc(), SIZE_MAX);
    iso_json_init_buf(&json, &buf, 0);
    json_t *status = NULL;
    if (iso_or_deployer_write_app(sim->deployer, iso_str_from_z(app), &json, NULL) == ISO_OK) {
        CHECK_OK(iso_json_finish(&json));
        status = json_loadb((const char *)buf.ptr, buf.len, 0, NULL);
        CHECK(status != NULL);
    }
    iso_buf_fini(&buf);
    return status;
}

const char *sim_state(struct sim *sim, const char *app)
{
    static char state[32];
    json_t *status = sim_status(sim, app);
    const char *text = json_string_value(json_object_get(status, "state"));
    (void)iso_format(state, sizeof state, "%s", text != NULL ? text : "none");
    json_decref(status);
    return state;
}

bool sim_until(struct sim *sim, const char *app, const char *state, uint64_t ms)
{
    uint64_t until = sim->now_ms + ms;
    while (strcmp(sim_state(sim, app), state) != 0) {
        if (!run_one(sim, until)) {
            return false;
        }
    }
    return true;
}

uint64_t sim_deploy(struct sim *sim, const char *manifest)
{
    struct iso_or_mistakes mistakes;
    struct iso_report report;
    uint64_t generation = 0;
    iso_report_init(&report);
    iso_or_mistakes_init(&mistakes, iso_alloc_libc());
    const struct iso_or_deploy deploy = {.manifest = iso_str_from_z(manifest)};
    enum iso_err err =
        iso_or_deployer_deploy(sim->deployer, &deploy, &generation, &mistakes, &report);
    if (err != ISO_OK && !sim->dead) {
        TEST_FAIL("%s %s", iso_report_text(&report, err),
                  mistakes.count != 0 ? mistakes.items[0].text.ptr : "");
    }
    iso_or_mistakes_fini(&mistakes);
    return generation;
}

size_t sim_runs(struct sim *sim, const char *app, const char *component)
{
    size_t found = SIZE_MAX;
    for (size_t i = 0; i < sim->device_count; i++) {
        const struct model_component *there =
            sim->devices[i].alive ? model_component(&sim->devices[i].model, app, component) : NULL;
        if (there != NULL && there->running) {
            if (found != SIZE_MAX) {
                return SIZE_MAX;
            }
            found = i;
        }
    }
    return found;
}

bool sim_settled(struct sim *sim)
{
    for (const struct iso_or_app *app = sim->deployer->apps; app != NULL; app = app->next) {
        if (app->change != NULL || app->undoing != NULL ||
            (app->current != NULL && (!iso_or_generation_confirmed(app->current) ||
                                      !iso_or_generation_left(app->current)))) {
            return false;
        }
    }
    return true;
}

static void check_device_settled(struct sim *sim, const struct sim_device *device)
{
    for (size_t k = 0; k < ISO_COUNT_OF(device->model.apps); k++) {
        const struct model_app *there = &device->model.apps[k];
        const struct iso_or_app *app = iso_or_app_find(sim->deployer, iso_str_from_z(there->name));
        if (there->name[0] == '\0') {
            continue;
        }
        const json_t *wanted = app != NULL && app->current != NULL
                                   ? json_object_get(app->current->documents, device->id)
                                   : NULL;
        if (there->prepared != NULL || there->move_count != 0) {
            TEST_FAIL("%s: something of %s is left over", device->id, there->name);
        }
        if (wanted != NULL && json_object_size(json_object_get(wanted, "components")) == 0) {
            continue; /* told to go, sooner or later */
        }
        if ((wanted == NULL) != (there->committed == NULL) ||
            (wanted != NULL && !json_equal(wanted, there->committed))) {
            TEST_FAIL("%s: %s is not as it should be", device->id, there->name);
        }
        for (size_t c = 0; c < there->component_count; c++) {
            if (!there->components[c].running) {
                TEST_FAIL("%s: %s/%s does not run", device->id, there->name,
                          there->components[c].name);
            }
        }
    }
}

void sim_check_settled(struct sim *sim)
{
    for (struct iso_or_app *app = sim->deployer->apps; app != NULL; app = app->next) {
        if (app->change != NULL ||
            (app->current != NULL && !iso_or_generation_confirmed(app->current))) {
            TEST_FAIL("%s is %s: %s", app->name, sim_state(sim, app->name),
                      app->change != NULL ? app->change->error : "");
        }
        const char *name;
        json_t *placed;
        json_object_foreach(
            app->current != NULL ? json_object_get(app->current->placement, "components") : NULL,
            name, placed)
        {
            size_t at = sim_runs(sim, app->name, name);
            const char *device = json_string_value(json_object_get(placed, "device"));
            if (at == SIZE_MAX || strcmp(sim->devices[at].id, device) != 0) {
                TEST_FAIL("%s/%s should run on %s alone", app->name, name, device);
            }
        }
    }
    for (size_t i = 0; i < sim->device_count; i++) {
        if (sim->devices[i].alive && sim->devices[i].paired) {
            check_device_settled(sim, &sim->devices[i]);
        }
    }
    sim_check_always(sim);
}
