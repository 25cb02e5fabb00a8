/* Requests to devices: their order and number, what each kind of failure is called, addresses tried
 * one after the other, cancelling, and that `done` comes exactly once whatever happens. */
#include "orchestrator/devices_test_support.h"

#include "base/format.h"
#include "base/test.h"

enum { ASKED = 16 };

/* What became of a request. */
struct asked {
    uint64_t id;
    unsigned done, status;
    enum iso_or_outcome outcome;
    char text[256], body[64];
};

static struct asked asked[ASKED];
/* Requests that the device holds back. */
static iso_http_id held[ASKED];
static unsigned held_count;

static void on_done(void *ctx, const struct iso_or_answer *answer)
{
    struct asked *to = ctx;
    to->done++;
    to->outcome = answer->outcome;
    to->status = answer->status;
    (void)iso_format(to->text, sizeof to->text, "%s", answer->text);
    (void)iso_format(to->body, sizeof to->body, "%.*s", (int)answer->body.len,
                     (const char *)answer->body.ptr);
}

static void ask_device(struct world *world, struct asked *to, const char *device,
                       const char *method, const char *path, uint32_t timeout_ms)
{
    const struct iso_or_transport transport = iso_or_devices_transport(world->devices);
    const struct iso_or_request request = {.device = device,
                                           .method = method,
                                           .path = path,
                                           .timeout_ms = timeout_ms,
                                           .answer_max_bytes = 1000,
                                           .done = on_done,
                                           .ctx = to};
    memset(to, 0, sizeof *to);
    to->id = transport.start(transport.carrier, &request);
    CHECK(to->done == 0);
}

static void answer(struct fake *fake, struct iso_http_request *req)
{
    static const char big[2000];
    const iso_http_id id = iso_http_request_id(req);
    const struct iso_str what = iso_http_request_segment(req, 1);
    struct iso_str owner;
    CHECK(iso_http_request_header(req, "Isomer-Owner", &owner) &&
          iso_str_equal_z(owner, "orchestratororchestratoror"));
    if (iso_str_equal_z(what, "hold")) {
        held[held_count++] = id;
    } else if (iso_str_equal_z(what, "problem")) {
        iso_http_problem(fake->server, id, 409, NULL, NULL, "it is later than you think");
    } else if (iso_str_equal_z(what, "garbage")) {
        iso_http_reply(fake->server, id, 200, "application/json", iso_bytes_from("{,", 2));
    } else if (iso_str_equal_z(what, "big")) {
        iso_http_reply(fake->server, id, 200, "text/plain", iso_bytes_from(big, sizeof big));
    } else if (iso_str_equal_z(what, "break")) {
        iso_http_abort(fake->server, id);
    } else {
        iso_http_reply(fake->server, id, 200, "application/json", iso_bytes_from("{}", 2));
    }
}

static void open_all(struct world *world, struct fake *fake)
{
    memset(asked, 0, sizeof asked);
    held_count = 0;
    world_open(world);
    memset(fake, 0, sizeof *fake);
    fake_open(fake, world, "den");
    fake->other = answer;
    CHECK_OK(world_add(world, fake->https, fake_code(fake, world), NULL, NULL, false));
    WORLD_UNTIL(world, world_device(world, "den")->state == ISO_OR_UP);
}

static struct fake fake;
static struct world world;

TEST(outcomes_are_told_apart)
{
    open_all(&world, &fake);
    ask_device(&world, &asked[0], fake.id, "GET", "/v1/good", 5000);
    ask_device(&world, &asked[1], fake.id, "PUT", "/v1/problem", 5000);
    ask_device(&world, &asked[2], fake.id, "GET", "/v1/garbage", 5000);
    ask_device(&world, &asked[3], fake.id, "GET", "/v1/big", 5000);
    ask_device(&world, &asked[4], fake.id, "POST", "/v1/break", 5000);
    ask_device(&world, &asked[6], "nobody", "GET", "/v1/good", 5000);
    for (unsigned i = 0; i < 7; i++) {
        if (i == 5) {
            ask_device(&world, &asked[5], fake.id, "GET", "/v1/hold", 1000);
        }
        CHECK(asked[i].id != 0);
        WORLD_UNTIL(&world, asked[i].done == 1);
    }
    CHECK(asked[0].outcome == ISO_OR_ANSWERED && asked[0].status == 200);
    CHECK_STR(asked[0].body, "{}");
    CHECK(asked[1].outcome == ISO_OR_ANSWERED && asked[1].status == 409);
    CHECK_STR(asked[1].text, "it is later than you think");
    CHECK(asked[2].outcome == ISO_OR_GARBLED && asked[3].outcome == ISO_OR_GARBLED);
    CHECK(asked[4].outcome == ISO_OR_BROKEN);
    CHECK(asked[5].outcome == ISO_OR_BROKEN);
    CHECK(asked[6].outcome == ISO_OR_UNREACHABLE);
    CHECK_STR(asked[6].text, "no such device");
    fake_close(&fake, &world);
    world_close(&world);
}

TEST(four_run_at_a_time_and_begin_in_their_order)
{
    open_all(&world, &fake);
    char path[32];
    fake.seen_count = 0;
    for (unsigned i = 0; i < 8; i++) {
        (void)iso_format(path, sizeof path, "/v1/hold/%u", i);
        ask_device(&world, &asked[i], fake.id, "GET", path, 20000);
    }
    WORLD_UNTIL(&world, held_count == ISO_OR_REQUESTS_PER_DEVICE);
    CHECK(!fake_saw(&fake, "GET /v1/hold/4"));
    iso_http_reply(fake.server, held[0], 204, NULL, iso_bytes_from(NULL, 0));
    WORLD_UNTIL(&world, fake_saw(&fake, "GET /v1/hold/4"));
    CHECK(!fake_saw(&fake, "GET /v1/hold/5"));
    /* One that waits and one that runs are cancelled; the next take their places. */
    const struct iso_or_transport transport = iso_or_devices_transport(world.devices);
    transport.cancel(transport.carrier, asked[5].id);
    transport.cancel(transport.carrier, asked[2].id);
    transport.cancel(transport.carrier, asked[2].id);
    WORLD_UNTIL(&world, fake_saw(&fake, "GET /v1/hold/6"));
    CHECK(!fake_saw(&fake, "GET /v1/hold/5"));
    /* One whose time is over while it waits was not sent. */
    ask_device(&world, &asked[8], fake.id, "GET", "/v1/late", 50);
    WORLD_UNTIL(&world, asked[8].done == 1);
    CHECK(asked[8].outcome == ISO_OR_UNREACHABLE);
    CHECK(!fake_saw(&fake, "GET /v1/late"));
    /* A device that goes takes its requests with it, those that wait and those that run. */
    CHECK_OK(world_remove(&world, "den", true));
    WORLD_UNTIL(&world, asked[7].done == 1 && asked[6].done == 1 && asked[1].done == 1);
    CHECK(asked[7].outcome == ISO_OR_UNREACHABLE && asked[6].outcome == ISO_OR_BROKEN);
    fake_close(&fake, &world);
    world_close(&world);
    CHECK(asked[2].done == 0 && asked[5].done == 0); /* not after cancel */
    for (unsigned i = 0; i < 9; i++) {
        CHECK(asked[i].done <= 1);
    }
}

TEST(too_many_that_wait_are_refused_and_closing_ends_all)
{
    static struct asked many[ISO_OR_REQUESTS_WAITING + 8];
    size_t taken = 0;
    open_all(&world, &fake);
    for (size_t i = 0; i < ISO_COUNT_OF(many); i++) {
        ask_device(&world, &many[i], fake.id, "GET", "/v1/hold", 20000);
        taken += many[i].id != 0 ? 1 : 0;
    }
    CHECK_EQ_U64(taken, ISO_OR_REQUESTS_WAITING);
    WORLD_UNTIL(&world, held_count == ISO_OR_REQUESTS_PER_DEVICE);
    world_close_devices(&world);
    for (size_t i = 0; i < taken; i++) {
        CHECK(many[i].done == 1 && many[i].outcome != ISO_OR_ANSWERED);
    }
    fake_close(&fake, &world);
    world_close(&world);
}

TEST(addresses_are_tried_in_turn_as_long_as_nothing_was_sent)
{
    static struct fake stranger;
    open_all(&world, &fake);
    memset(&stranger, 0, sizeof stranger);
    fake_open(&stranger, &world, "stranger");
    /* Nobody listens at the first; at the second somebody else does, who is shown nothing. */
    struct iso_or_entry *entry = iso_or_entry_find(world.devices, iso_str_from_z(fake.id));
    CHECK(iso_or_entry_prefer(entry, stranger.https));
    CHECK(iso_or_entry_prefer(entry, "https://127.0.0.1:1"));
    ask_device(&world, &asked[0], fake.id, "PUT", "/v1/good", 10000);
    WORLD_UNTIL(&world, asked[0].done == 1);
    CHECK(asked[0].outcome == ISO_OR_ANSWERED && asked[0].status == 200);
    CHECK(!stranger.secret_seen && stranger.seen_count == 0);
    /* The heartbeats find the good one, which is then the first; kept in the store. */
    WORLD_UNTIL(&world, strcmp(world_device(&world, "den")->address, fake.https) == 0);
    CHECK(!world_has_event(&world, "device-suspect den"));
    world_reopen(&world);
    CHECK_STR(world_device(&world, "den")->address, fake.https);
    CHECK_EQ_U64(iso_or_entry_find(world.devices, iso_str_from_z(fake.id))->address_count, 3);
    /* Nobody anywhere; what its end left of connections has been noticed. */
    fake_close(&fake, &world);
    WORLD_UNTIL(&world, world_device(&world, "den")->state == ISO_OR_LOST);
    ask_device(&world, &asked[1], fake.id, "PUT", "/v1/good", 10000);
    WORLD_UNTIL(&world, asked[1].done == 1);
    CHECK(asked[1].outcome == ISO_OR_UNREACHABLE);
    CHECK(asked[1].text[0] != '\0');
    CHECK(!stranger.secret_seen && stranger.seen_count == 0);
    fake_close(&stranger, &world);
    world_close(&world);
}
