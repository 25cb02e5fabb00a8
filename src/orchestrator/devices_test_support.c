/* devices_test_support.c - supervisors that are played, and the world that they are in. */
#include "orchestrator/devices_test_support.h"

#include "base/format.h"
#include "base/test.h"

#include <stdlib.h>
#include <unistd.h>

enum { TICK_MS = 5 };

/* ---- A supervisor that is played ----------------------------------------------------------------
 */

static void reply(struct fake *fake, struct iso_http_request *req, unsigned status,
                  const char *text)
{
    iso_http_reply(fake->server, iso_http_request_id(req), status,
                   text != NULL ? "application/json" : NULL,
                   iso_bytes_from(text, text != NULL ? strlen(text) : 0));
}

static void on_headers(void *ctx, struct iso_http_request *req)
{
    (void)ctx;
    if (iso_http_request_content_length(req) != 0) {
        iso_http_accept_body(req, 0);
    }
}

static bool is(const struct iso_http_request *req, enum iso_http_method method, const char *path)
{
    return iso_http_request_method(req) == method &&
           iso_str_equal_z(iso_http_request_path(req), path);
}

static bool knows(struct fake *fake, const struct iso_http_request *req)
{
    struct iso_str bearer;
    if (!iso_http_request_bearer(req, &bearer)) {
        return false;
    }
    fake->secret_seen = true;
    for (size_t i = 0; i < ISO_COUNT_OF(fake->tokens); i++) {
        if (fake->tokens[i][0] != '\0' && iso_str_equal_z(bearer, fake->tokens[i])) {
            return true;
        }
    }
    fake->strangers++;
    return false;
}

static const char *new_token(struct fake *fake)
{
    for (size_t i = 0; i < ISO_COUNT_OF(fake->tokens); i++) {
        if (fake->tokens[i][0] == '\0') {
            (void)iso_format(fake->tokens[i], sizeof fake->tokens[i], "%016x.made",
                             ++fake->made_tokens);
            return fake->tokens[i];
        }
    }
    TEST_FAIL("too many tokens");
}

static void drop_token(struct fake *fake, struct iso_str id)
{
    for (size_t i = 0; i < ISO_COUNT_OF(fake->tokens); i++) {
        if (strncmp(fake->tokens[i], id.ptr, id.len) == 0) {
            fake->tokens[i][0] = '\0';
        }
    }
}

static void answer_public(struct fake *fake, struct iso_http_request *req)
{
    char text[256];
    (void)iso_format(text, sizeof text, "{\"id\":\"urn:isomer:%s\",\"title\":\"%s\"}",
                     fake->lies_id != NULL ? fake->lies_id : fake->id, fake->name);
    reply(fake, req, 200, text);
}

static void answer_beat(struct fake *fake, struct iso_http_request *req)
{
    char text[512];
    if (fake->beat_status != 0) {
        iso_http_problem(fake->server, iso_http_request_id(req), fake->beat_status, NULL, NULL,
                         "as the test wants it");
        return;
    }
    (void)iso_format(
        text, sizeof text,
        "{\"id\":\"%s\",\"boot\":\"%016llx\",\"uptime-ms\":5,\"revision\":%llu,"
        "\"load\":0.25,\"memory\":{\"free-bytes\":1000},\"health\":\"ok\","
        "\"owner\":%s%s%s}",
        fake->lies_id != NULL ? fake->lies_id : fake->id, (unsigned long long)fake->boot,
        (unsigned long long)fake->revision, fake->owner[0] != '\0' ? "\"" : "",
        fake->owner[0] != '\0' ? fake->owner : "null", fake->owner[0] != '\0' ? "\"" : "");
    reply(fake, req, 200, text);
}

static void answer_device(struct fake *fake, struct iso_http_request *req)
{
    char text[512];
    (void)iso_format(text, sizeof text,
                     "{\"id\":\"%s\",\"name\":\"%s\",\"cores\":2,\"labels\":%s,"
                     "\"neighbours\":[{\"name\":\"x\"}],\"revision\":%llu}",
                     fake->lies_id != NULL ? fake->lies_id : fake->id, fake->name,
                     fake->labels[0] != '\0' ? fake->labels : "{}",
                     (unsigned long long)fake->revision);
    reply(fake, req, 200, text);
}

static void answer_claim(struct fake *fake, struct iso_http_request *req)
{
    const struct iso_bytes body = iso_http_request_body(req);
    struct iso_str take_over;
    json_t *claim = json_loadb((const char *)body.ptr, body.len, 0, NULL);
    const char *id = json_string_value(json_object_get(claim, "id"));
    if (fake->owner_status != 0) {
        iso_http_problem(fake->server, iso_http_request_id(req), fake->owner_status, NULL, NULL,
                         "as the test wants it");
    } else if (fake->owner[0] != '\0' && strcmp(fake->owner, id) != 0 &&
               !iso_http_request_parameter(req, "take-over", &take_over)) {
        iso_http_problem(fake->server, iso_http_request_id(req), 409, "urn:isomer:problem:owned",
                         NULL, "it belongs to the orchestrator elsewhere");
    } else {
        (void)iso_format(fake->owner, sizeof fake->owner, "%s", id);
        reply(fake, req, 204, NULL);
    }
    json_decref(claim);
}

static void answer_pairing(struct fake *fake, struct iso_http_request *req, bool start)
{
    struct iso_buf answer;
    uint8_t pin[ISO_PAIRING_PIN_SIZE];
    const uint64_t now_ms = 1000;
    const struct iso_bytes body = iso_http_request_body(req);
    iso_buf_init(&answer, iso_alloc_libc(), ISO_PAIRING_MAX_MESSAGE);
    enum iso_err err = start ? iso_pairing_device_start(&fake->pairing, now_ms, body, &answer, NULL)
                             : iso_pairing_device_finish(&fake->pairing, now_ms, body, pin, NULL);
    if (err == ISO_OK && !start) {
        err = iso_pairing_device_grant(new_token(fake), &answer);
    }
    if (err == ISO_OK) {
        iso_http_reply(fake->server, iso_http_request_id(req), 200, "application/json",
                       iso_buf_view(&answer));
    } else {
        iso_http_problem(fake->server, iso_http_request_id(req), err == ISO_E_ACCESS ? 403 : 409,
                         NULL, NULL, "no such code is out");
    }
    iso_buf_fini(&answer);
}

static void note(struct fake *fake, const struct iso_http_request *req)
{
    const struct iso_str path = iso_http_request_path(req);
    (void)iso_format(fake->seen[fake->seen_count++ % FAKE_SEEN], sizeof fake->seen[0], "%s %.*s",
                     iso_http_request_method_text(req), (int)path.len, path.ptr);
}

static void on_request(void *ctx, struct iso_http_request *req)
{
    struct fake *fake = ctx;
    char text[200];
    note(fake, req);
    const bool known = knows(fake, req);
    if (fake->silent) {
        return;
    }
    if (is(req, ISO_HTTP_GET, "/.well-known/wot") || is(req, ISO_HTTP_GET, "/health")) {
        answer_public(fake, req);
    } else if (is(req, ISO_HTTP_POST, "/v1/pairing/start")) {
        answer_pairing(fake, req, true);
    } else if (is(req, ISO_HTTP_POST, "/v1/pairing/finish")) {
        answer_pairing(fake, req, false);
    } else if (!known) {
        iso_http_problem(fake->server, iso_http_request_id(req), 401, NULL, NULL, "who is this?");
    } else if (is(req, ISO_HTTP_GET, "/v1/heartbeat")) {
        answer_beat(fake, req);
    } else if (is(req, ISO_HTTP_GET, "/v1/device")) {
        answer_device(fake, req);
    } else if (is(req, ISO_HTTP_PUT, "/v1/owner")) {
        answer_claim(fake, req);
    } else if (is(req, ISO_HTTP_DELETE, "/v1/owner")) {
        fake->owner[0] = '\0';
        reply(fake, req, 204, NULL);
    } else if (is(req, ISO_HTTP_POST, "/v1/tokens")) {
        (void)iso_format(text, sizeof text, "{\"token\":\"%s\"}", new_token(fake));
        reply(fake, req, 201, text);
    } else if (iso_http_request_method(req) == ISO_HTTP_DELETE &&
               iso_str_equal_z(iso_http_request_segment(req, 1), "tokens")) {
        drop_token(fake, iso_http_request_segment(req, 2));
        reply(fake, req, 204, NULL);
    } else if (fake->other != NULL) {
        fake->other(fake, req);
    } else {
        reply(fake, req, 404, "{\"title\":\"Not Found\"}");
    }
}

void fake_open(struct fake *fake, struct world *world, const char *name)
{
    static const char *const names[] = {"localhost"};
    if (fake->twin != NULL) {
        fake->identity = fake->twin->identity;
        memcpy(fake->tokens, fake->twin->tokens, sizeof fake->tokens);
        memcpy(fake->owner, fake->twin->owner, sizeof fake->owner);
    } else {
        CHECK_OK(iso_tls_identity_make(names, 1, &fake->identity, NULL));
    }
    iso_state_id(fake->identity.pin, fake->id);
    (void)iso_format(fake->name, sizeof fake->name, "%s", name);
    fake->boot = 7;
    fake->revision = 1;
    const struct iso_http_listener listeners[] = {
        {"127.0.0.1:0", fake->identity.certificate_pem, fake->identity.key_pem},
        {"127.0.0.1:0", NULL, NULL}};
    const struct iso_http_config config = {
        .listeners = listeners,
        .listener_count = ISO_COUNT_OF(listeners),
        .callbacks = {.on_headers = on_headers, .on_request = on_request},
        .ctx = fake};
    CHECK_OK(iso_http_server_create(&world->loop, &config, &fake->server, NULL));
    fake->https_port = iso_http_server_port(fake->server, 0);
    iso_or_place_of("127.0.0.1", fake->https_port, fake->https);
    (void)iso_format(fake->http, sizeof fake->http, "http://127.0.0.1:%u",
                     iso_http_server_port(fake->server, 1));
}

static void on_fake_closed(void *ctx)
{
    struct fake *fake = ctx;
    fake->closed = true;
}

void fake_close(struct fake *fake, struct world *world)
{
    iso_http_server_close(fake->server, 0, on_fake_closed, fake);
    WORLD_UNTIL(world, fake->closed);
    iso_pairing_device_fini(&fake->pairing);
    if (fake->twin == NULL) {
        iso_tls_identity_fini(&fake->identity);
    }
}

const char *fake_code(struct fake *fake, struct world *world)
{
    (void)world;
    CHECK_OK(iso_pairing_device_open(&fake->pairing, fake->identity.pin, 1000, fake->code));
    return fake->code;
}

bool fake_saw(const struct fake *fake, const char *request)
{
    for (size_t i = 0; i < FAKE_SEEN; i++) {
        if (strcmp(fake->seen[i], request) == 0) {
            return true;
        }
    }
    return false;
}

void fake_pin(const struct fake *fake, char out[ISO_TLS_PIN_TEXT_SIZE])
{
    iso_tls_pin_text(fake->identity.pin, out);
}

/* ---- The world ----------------------------------------------------------------------------------
 */

static void on_changed(void *ctx, const struct iso_or_device *device, bool gone)
{
    struct world *world = ctx;
    (void)device;
    world->changes++;
    world->gone += gone ? 1 : 0;
}

static void on_event(void *ctx, const char *event, const char *device, const char *detail)
{
    struct world *world = ctx;
    (void)detail;
    (void)iso_format(world->events[world->event_count++ % WORLD_EVENTS], sizeof world->events[0],
                     "%s %s", event, device);
}

static void open_devices(struct world *world)
{
    const struct iso_or_devices_config config = {.loop = &world->loop,
                                                 .alloc = iso_alloc_libc(),
                                                 .store = world->store,
                                                 .http = world->http,
                                                 .id = "orchestratororchestratoror",
                                                 .name = "here",
                                                 .address = "https://192.0.2.1:8491",
                                                 .identity_file = world->identity,
                                                 .speed = WORLD_SPEED,
                                                 .changed = on_changed,
                                                 .event = on_event,
                                                 .ctx = world};
    struct iso_report report;
    iso_report_init(&report);
    const enum iso_err err = iso_or_devices_create(&config, &world->devices, &report);
    if (err != ISO_OK) {
        TEST_FAIL("devices: %s", iso_report_text(&report, err));
    }
}

void world_open(struct world *world)
{
    static const char *const names[] = {"localhost"};
    struct iso_tls_identity identity;
    const struct iso_http_client_config http = {.loop = &world->loop};
    memset(world, 0, sizeof *world);
    CHECK(uv_loop_init(&world->loop) == 0);
    CHECK(uv_timer_init(&world->loop, &world->timer) == 0);
    world->timer.data = world;
    (void)iso_format(world->identity, sizeof world->identity, "/tmp/iso-devices-%d.pem",
                     (int)getpid());
    CHECK_OK(iso_tls_identity_load_or_make(world->identity, names, 1, &identity, NULL));
    iso_tls_identity_fini(&identity);
    CHECK_OK(iso_or_store_open(":memory:", &world->store, NULL));
    CHECK_OK(iso_http_client_create(&http, &world->http, NULL));
    open_devices(world);
}

static void on_closed(void *ctx)
{
    struct world *world = ctx;
    world->closed = true;
}

void world_close_devices(struct world *world)
{
    world->closed = false;
    iso_or_devices_close(world->devices, on_closed, world);
    CHECK(!world->closed);
    WORLD_UNTIL(world, world->closed);
    world->devices = NULL;
}

void world_reopen(struct world *world)
{
    world_close_devices(world);
    open_devices(world);
}

void world_close(struct world *world)
{
    if (world->devices != NULL) {
        world_close_devices(world);
    }
    world->closed = false;
    iso_http_client_close(world->http, on_closed, world);
    WORLD_UNTIL(world, world->closed);
    iso_or_store_close(world->store);
    uv_close((uv_handle_t *)&world->timer, NULL);
    (void)uv_run(&world->loop, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(&world->loop) == 0);
    (void)unlink(world->identity);
}

/* Wakes the loop now and then: a turn of it runs timers first and then waits. */
static void on_tick(uv_timer_t *timer)
{
    struct world *world = timer->data;
    world->timed_out = uv_now(&world->loop) >= world->wait_until_ms;
}

void world_begin_wait(struct world *world)
{
    world->timed_out = false;
    uv_update_time(&world->loop);
    world->wait_until_ms = uv_now(&world->loop) + WORLD_WAIT_MS;
    (void)uv_timer_start(&world->timer, on_tick, TICK_MS, TICK_MS);
}

bool world_turn(struct world *world)
{
    (void)uv_run(&world->loop, UV_RUN_ONCE);
    return !world->timed_out;
}

static void on_done(void *ctx, enum iso_err err, const struct iso_report *report,
                    const char *device)
{
    struct world *world = ctx;
    world->done++;
    world->err = err;
    world->report = *report;
    (void)iso_format(world->device, sizeof world->device, "%s", device != NULL ? device : "");
}

enum iso_err world_add(struct world *world, const char *address, const char *code,
                       const char *token, const char *pin, bool take_over)
{
    const struct iso_or_device_add add = {.address = iso_str_from_z(address),
                                          .code = iso_str_from_z(code),
                                          .token = iso_str_from_z(token),
                                          .pin = iso_str_from_z(pin),
                                          .take_over = take_over};
    const unsigned before = world->done;
    CHECK_OK(iso_or_devices_add(world->devices, &add, on_done, world));
    CHECK(world->done == before);
    WORLD_UNTIL(world, world->done != before);
    CHECK(world->done == before + 1);
    return world->err;
}

enum iso_err world_remove(struct world *world, const char *id, bool forget)
{
    const unsigned before = world->done;
    CHECK_OK(iso_or_devices_remove(world->devices, iso_str_from_z(id), forget, on_done, world));
    CHECK(world->done == before);
    WORLD_UNTIL(world, world->done != before);
    return world->err;
}

bool world_has_event(const struct world *world, const char *text)
{
    for (size_t i = 0; i < WORLD_EVENTS; i++) {
        if (strcmp(world->events[i], text) == 0) {
            return true;
        }
    }
    return false;
}

const struct iso_or_device *world_device(const struct world *world, const char *id_or_name)
{
    return iso_or_devices_find(world->devices, iso_str_from_z(id_or_name));
}
