/* Adding devices and giving them back, with supervisors that are played over real HTTP and TLS:
 * pairing, tokens, owners; and that what fails leaves nothing behind, here or there. */
#include "orchestrator/devices_test_support.h"
#include "orchestrator/store_internal.h"

#include "base/format.h"
#include "base/test.h"

#define SET(array, text) ((void)iso_format(array, sizeof(array), "%s", text))

static unsigned tokens_of(const struct fake *fake)
{
    unsigned count = 0;
    for (size_t i = 0; i < ISO_COUNT_OF(fake->tokens); i++) {
        count += fake->tokens[i][0] != '\0' ? 1 : 0;
    }
    return count;
}

/* An orchestrator's devices, and the supervisor "den", which is none of them yet. */
static struct world world;
static struct fake fake;

static void open_den(void)
{
    memset(&world, 0, sizeof world);
    memset(&fake, 0, sizeof fake);
    world_open(&world);
    fake_open(&fake, &world, "den");
}

static void close_den(void)
{
    fake_close(&fake, &world);
    world_close(&world);
}

/* The den was paired, and is up. */
static void open_paired(void)
{
    open_den();
    CHECK_OK(world_add(&world, fake.https, fake_code(&fake, &world), NULL, NULL, false));
    WORLD_UNTIL(&world, world_device(&world, fake.id)->state == ISO_OR_UP);
}

TEST(pairing_makes_a_device_that_comes_up)
{
    open_den();
    CHECK_OK(world_add(&world, fake.https, fake_code(&fake, &world), NULL, NULL, false));
    CHECK_STR(world.device, fake.id);
    CHECK_STR(fake.owner, "orchestratororchestratoror");
    const struct iso_or_device *device = world_device(&world, "den");
    CHECK(device != NULL && device->state == ISO_OR_KNOWN);
    CHECK_STR(device->address, fake.https);
    CHECK(world_has_event(&world, "device-added den"));
    WORLD_UNTIL(&world, world_device(&world, "den")->state == ISO_OR_UP);
    device = world_device(&world, fake.id);
    CHECK_EQ_U64(device->boot, 7);
    CHECK_EQ_U64(device->revision, 1);
    CHECK_EQ_F64(device->load, 0.25);
    CHECK(device->latency_us != 0);
    CHECK(json_object_get(device->description, "neighbours") == NULL);
    /* Once more is refused before the code is used up. */
    CHECK_ERR(world_add(&world, fake.https, fake_code(&fake, &world), NULL, NULL, false),
              ISO_E_EXISTS);
    CHECK_CONTAINS(world.report.text, "is a device already: den");
    CHECK_EQ_U64(tokens_of(&fake), 1);
    /* It is there again after a restart. */
    world_reopen(&world);
    CHECK_EQ_U64(iso_or_devices_count(world.devices), 1);
    WORLD_UNTIL(&world, world_device(&world, "den")->state == ISO_OR_UP);
    close_den();
}

TEST(a_wrong_code_pairs_nothing)
{
    open_den();
    (void)fake_code(&fake, &world);
    CHECK_ERR(world_add(&world, fake.https, "0000-0000-0000-0000", NULL, NULL, false),
              ISO_E_ACCESS);
    CHECK_ERR(world_add(&world, fake.https, "no code", NULL, NULL, false), ISO_E_ARGUMENT);
    CHECK_ERR(world_add(&world, "https://127.0.0.1:1", "0000-0000-0000-0000", NULL, NULL, false),
              ISO_E_IO);
    CHECK_EQ_U64(iso_or_devices_count(world.devices), 0);
    CHECK(!fake.secret_seen && tokens_of(&fake) == 0);
    CHECK(!fake_saw(&fake, "POST /v1/pairing/finish"));
    close_den();
}

/* A device that was added over plain HTTP and again by its certificate is reached by that alone:
 * who takes its port and says its id gets no token. */
TEST(a_certificate_takes_the_place_of_plain_http)
{
    char pin[ISO_TLS_PIN_TEXT_SIZE];
    open_den();
    SET(fake.tokens[0], "0123456789abcdef.given");
    fake_pin(&fake, pin);
    CHECK_OK(world_add(&world, fake.http, NULL, fake.tokens[0], NULL, false));
    WORLD_UNTIL(&world, world_device(&world, "den")->state == ISO_OR_UP);
    CHECK_OK(world_add(&world, fake.https, NULL, fake.tokens[0], pin, false));
    struct iso_or_entry *den = iso_or_entry_find_name(world.devices, iso_str_from_z("den"));
    CHECK(den != NULL && den->target.has_pin);
    CHECK_EQ_U64(den->address_count, 1);
    CHECK_STR(den->addresses[0], fake.https);
    CHECK(!iso_or_entry_trusts(den, fake.http));
    SET(den->sure, fake.http); /* even if it was seen there */
    CHECK(!iso_or_entry_trusts(den, fake.http));
    WORLD_UNTIL(&world, world_device(&world, "den")->state == ISO_OR_UP);
    close_den();
}

TEST(a_token_is_used_once_to_make_one_of_our_own)
{
    char pin[ISO_TLS_PIN_TEXT_SIZE];
    open_den();
    SET(fake.tokens[0], "0123456789abcdef.given");
    CHECK_ERR(world_add(&world, "https://192.0.2.7:8443", NULL, fake.tokens[0], NULL, false),
              ISO_E_ARGUMENT);
    CHECK_CONTAINS(world.report.text, "pin");
    CHECK_ERR(world_add(&world, fake.http, NULL, "0123456789abcdef.other", NULL, false),
              ISO_E_ACCESS);
    /* Another key than the one that is given: nothing is sent. */
    fake_pin(&fake, pin);
    pin[10] = pin[10] == '0' ? '1' : '0';
    fake.secret_seen = false;
    CHECK_ERR(world_add(&world, fake.https, NULL, fake.tokens[0], pin, false), ISO_E_ACCESS);
    CHECK(!fake.secret_seen);
    fake_pin(&fake, pin);
    CHECK_OK(world_add(&world, fake.https, NULL, fake.tokens[0], pin, false));
    CHECK_EQ_U64(tokens_of(&fake), 2);
    WORLD_UNTIL(&world, world_device(&world, "den")->state == ISO_OR_UP);
    CHECK_OK(world_remove(&world, "den", false));
    CHECK_EQ_U64(tokens_of(&fake), 1);
    CHECK_STR(fake.tokens[0], "0123456789abcdef.given");
    CHECK_STR(fake.owner, "");
    CHECK_EQ_U64(iso_or_devices_count(world.devices), 0);
    CHECK_EQ_U64(world.gone, 1);
    /* Plain HTTP on this machine, and TLS there without a pin. */
    CHECK_OK(world_add(&world, fake.http, NULL, fake.tokens[0], NULL, false));
    WORLD_UNTIL(&world, world_device(&world, "den")->state == ISO_OR_UP);
    CHECK_OK(world_remove(&world, "den", false));
    CHECK_OK(world_add(&world, fake.https, NULL, fake.tokens[0], NULL, false));
    close_den();
}

TEST(a_device_of_another_orchestrator_is_left_to_it_unless_taken_over)
{
    open_den();
    SET(fake.owner, "elsewhere");
    CHECK_ERR(world_add(&world, fake.https, fake_code(&fake, &world), NULL, NULL, false),
              ISO_E_STATE);
    CHECK_CONTAINS(world.report.text, "it belongs to the orchestrator elsewhere");
    CHECK_EQ_U64(tokens_of(&fake), 0); /* given back */
    CHECK_EQ_U64(iso_or_devices_count(world.devices), 0);
    CHECK_STR(fake.owner, "elsewhere");
    fake.owner_status = 404;
    CHECK_ERR(world_add(&world, fake.https, fake_code(&fake, &world), NULL, NULL, false),
              ISO_E_UNSUPPORTED);
    CHECK_CONTAINS(world.report.text, "too old");
    CHECK_EQ_U64(tokens_of(&fake), 0);
    fake.owner_status = 0;
    CHECK_OK(world_add(&world, fake.https, fake_code(&fake, &world), NULL, NULL, true));
    WORLD_UNTIL(&world, world_device(&world, "den")->state == ISO_OR_UP);
    close_den();
}

TEST(one_that_is_taken_away_refuses_and_can_be_added_again)
{
    open_paired();
    SET(fake.owner, "elsewhere");
    WORLD_UNTIL(&world, world_device(&world, "den")->state == ISO_OR_REFUSES);
    CHECK_CONTAINS(world_device(&world, "den")->reason, "belongs to elsewhere");
    CHECK(world_has_event(&world, "device-refuses den"));
    bool drained = true;
    CHECK_OK(iso_or_devices_change(world.devices, iso_str_from_z("den"), iso_str_from_z("attic"),
                                   NULL, &drained, NULL));
    CHECK_OK(world_add(&world, "attic", fake_code(&fake, &world), NULL, NULL, true));
    CHECK_EQ_U64(iso_or_devices_count(world.devices), 1);
    WORLD_UNTIL(&world, world_device(&world, "attic")->state == ISO_OR_UP);
    CHECK(world_device(&world, "attic")->drained);
    /* Its token was withdrawn there. */
    memset(fake.tokens, 0, sizeof fake.tokens);
    WORLD_UNTIL(&world, world_device(&world, "attic")->state == ISO_OR_REFUSES);
    CHECK_CONTAINS(world_device(&world, "attic")->reason, "pair with it again");
    close_den();
}

TEST(a_supervisor_without_heartbeats_is_said_to_be_too_old)
{
    open_den();
    fake.beat_status = 404;
    CHECK_OK(world_add(&world, fake.https, fake_code(&fake, &world), NULL, NULL, false));
    WORLD_UNTIL(&world, world_device(&world, "den")->state == ISO_OR_REFUSES);
    CHECK_CONTAINS(world_device(&world, "den")->reason, "too old");
    fake.beat_status = 0;
    WORLD_UNTIL(&world, world_device(&world, "den")->state == ISO_OR_UP);
    CHECK_STR(world_device(&world, "den")->reason, "");
    close_den();
}

TEST(a_heartbeat_that_was_missed_once_is_forgotten)
{
    open_paired();
    fake.beat_status = 500;
    WORLD_UNTIL(&world, world_device(&world, "den")->reason[0] != '\0');
    fake.beat_status = 0;
    WORLD_UNTIL(&world, world_device(&world, "den")->reason[0] == '\0');
    CHECK(world_device(&world, "den")->state == ISO_OR_UP);
    CHECK(!world_has_event(&world, "device-back den"));
    close_den();
}

TEST(one_that_dies_is_suspect_then_lost_and_back_when_it_returns)
{
    open_paired();
    const uint64_t began_ms = uv_now(&world.loop);
    fake.beat_status = 500;
    WORLD_UNTIL(&world, world_device(&world, "den")->state == ISO_OR_SUSPECT);
    CHECK_CONTAINS(world_device(&world, "den")->reason, "as the test wants it");
    WORLD_UNTIL(&world, world_device(&world, "den")->state == ISO_OR_LOST);
    /* 6 s after the last answer, which was at most 2 s before. */
    CHECK((uv_now(&world.loop) - began_ms) * WORLD_SPEED >= 3900);
    CHECK(world_has_event(&world, "device-suspect den"));
    CHECK(world_has_event(&world, "device-lost den"));
    fake.beat_status = 0;
    fake.boot = 8;
    SET(fake.labels, "{\"room\":\"attic\"}");
    WORLD_UNTIL(&world, world_device(&world, "den")->state == ISO_OR_UP);
    CHECK(world_has_event(&world, "device-back den"));
    CHECK_EQ_U64(world_device(&world, "den")->boot, 8);
    CHECK_STR(json_string_value(json_object_get(world_device(&world, "den")->labels, "room")),
              "attic");
    close_den();
}

TEST(another_device_at_its_port_is_not_taken_for_it)
{
    open_den();
    SET(fake.tokens[0], "0123456789abcdef.given");
    CHECK_OK(world_add(&world, fake.http, NULL, fake.tokens[0], NULL, false));
    WORLD_UNTIL(&world, world_device(&world, "den")->state == ISO_OR_UP);
    fake.lies_id = "abcdefghijklmnopqrstuvwxyz";
    WORLD_UNTIL(&world, world_device(&world, "den")->state == ISO_OR_LOST);
    CHECK_CONTAINS(world_device(&world, "den")->reason, "another device");
    close_den();
}

/* Several of them. */
static struct fake fakes[3];

static void open_none(void)
{
    memset(&world, 0, sizeof world);
    memset(fakes, 0, sizeof fakes);
    world_open(&world);
}

static void close_fakes(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        fake_close(&fakes[i], &world);
    }
    world_close(&world);
}

/* Two devices in plain HTTP on this machine, up; the first has also the second's address. */
static void open_two(void)
{
    static const char *const names[] = {"den", "kitchen"};
    open_none();
    for (size_t i = 0; i < 2; i++) {
        fake_open(&fakes[i], &world, names[i]);
        (void)iso_format(fakes[i].tokens[0], sizeof fakes[i].tokens[0], "%016zx.given", i);
        CHECK_OK(world_add(&world, fakes[i].http, NULL, fakes[i].tokens[0], NULL, false));
    }
    for (size_t i = 0; i < 2; i++) {
        WORLD_UNTIL(&world, world_device(&world, names[i])->state == ISO_OR_UP);
    }
}

TEST(an_address_where_another_device_is_found_is_dropped_and_sees_no_token)
{
    open_two();
    struct iso_or_entry *den = iso_or_entry_find(world.devices, iso_str_from_z(fakes[0].id));
    CHECK(iso_or_entry_prefer(den, fakes[1].http));
    CHECK_EQ_U64(den->address_count, 2);
    /* It stays up: its other address is tried within the same heartbeat. */
    world.event_count = 0;
    memset(world.events, 0, sizeof world.events);
    WORLD_UNTIL(&world, den->address_count == 1);
    CHECK_STR(den->addresses[0], fakes[0].http);
    CHECK_STR(den->device.address, fakes[0].http);
    const unsigned beats = fakes[0].seen_count;
    WORLD_UNTIL(&world, fakes[0].seen_count >= beats + 4);
    CHECK(den->device.state == ISO_OR_UP && world.event_count == 0);
    CHECK_EQ_U64(fakes[1].strangers, 0); /* tokens that it does not know */
    /* After a restart too, when nothing is known of who listens there. */
    CHECK(iso_or_entry_prefer(den, fakes[1].http));
    world_reopen(&world);
    WORLD_UNTIL(&world, world_device(&world, "den")->state == ISO_OR_UP);
    CHECK_EQ_U64(fakes[1].strangers, 0);
    close_fakes(2);
}

TEST(whoever_has_taken_its_port_gets_no_token_and_it_is_lost_not_refusing)
{
    struct iso_or_reach reach;
    open_two();
    struct iso_or_entry *den = iso_or_entry_find(world.devices, iso_str_from_z(fakes[0].id));
    /* The kitchen has the only address of the den. */
    CHECK(iso_or_entry_prefer(den, fakes[1].http));
    CHECK(!iso_or_devices_reach(world.devices, iso_str_from_z("nobody"), &reach));
    den->address_count = 1;
    WORLD_UNTIL(&world, den->device.state == ISO_OR_LOST);
    CHECK_CONTAINS(den->device.reason, "another device answers");
    CHECK(!iso_or_devices_reach(world.devices, iso_str_from_z(fakes[0].id), &reach));
    CHECK_ERR(world_remove(&world, "den", false), ISO_E_IO);
    CHECK_EQ_U64(fakes[1].strangers, 0);
    /* With a token that the den takes, it says where it is now; what it was is what it stays. */
    const unsigned tokens = tokens_of(&fakes[0]);
    CHECK_OK(world_add(&world, fakes[0].http, NULL, fakes[0].tokens[0], NULL, false));
    WORLD_UNTIL(&world, den->device.state == ISO_OR_UP);
    CHECK_EQ_U64(iso_or_devices_count(world.devices), 2);
    CHECK_EQ_U64(tokens_of(&fakes[0]), tokens); /* the one of before was withdrawn */
    /* Once more, while it is up. */
    CHECK_OK(world_add(&world, fakes[0].http, NULL, fakes[0].tokens[0], NULL, false));
    CHECK_EQ_U64(tokens_of(&fakes[0]), tokens);
    const unsigned beats = fakes[0].seen_count;
    WORLD_UNTIL(&world, fakes[0].seen_count >= beats + 6);
    CHECK(den->device.state == ISO_OR_UP);
    CHECK_EQ_U64(fakes[1].strangers, 0);
    close_fakes(2);
}

TEST(a_token_over_plain_http_does_not_do_away_with_a_pin)
{
    open_paired();
    SET(fake.tokens[1], "0123456789abcdef.given");
    CHECK_ERR(world_add(&world, fake.http, NULL, fake.tokens[1], NULL, false), ISO_E_EXISTS);
    CHECK_STR(world_device(&world, "den")->address, fake.https);
    CHECK_EQ_U64(tokens_of(&fake), 2);
    CHECK_OK(world_add(&world, fake.https, NULL, fake.tokens[1], NULL, false));
    CHECK_EQ_U64(tokens_of(&fake), 2);
    WORLD_UNTIL(&world, world_device(&world, "den")->state == ISO_OR_UP);
    close_den();
}

TEST(removing_one_that_does_not_answer_needs_to_forget_it)
{
    open_paired();
    fake_close(&fake, &world);
    CHECK_ERR(world_remove(&world, "den", false), ISO_E_IO);
    CHECK_EQ_U64(iso_or_devices_count(world.devices), 1);
    CHECK_OK(world_remove(&world, "den", true));
    CHECK_EQ_U64(iso_or_devices_count(world.devices), 0);
    CHECK_ERR(world_remove(&world, "den", true), ISO_E_NOT_FOUND);
    world_reopen(&world);
    CHECK_EQ_U64(iso_or_devices_count(world.devices), 0);
    world_close(&world);
}

TEST(a_store_that_cannot_be_written_to_keeps_the_device_as_it_is)
{
    open_paired();
    for (unsigned forget = 0; forget < 2; forget++) {
        CHECK_OK(iso_or_store_exec(world.store, "PRAGMA query_only = 1", NULL));
        CHECK_ERR(world_remove(&world, "den", forget != 0), ISO_E_IO);
        CHECK_EQ_U64(iso_or_devices_count(world.devices), 1);
        CHECK(!fake_saw(&fake, "DELETE /v1/owner"));
        CHECK_STR(fake.owner, "orchestratororchestratoror");
        CHECK_EQ_U64(tokens_of(&fake), 1);
    }
    CHECK_OK(iso_or_store_exec(world.store, "PRAGMA query_only = 0", NULL));
    CHECK_OK(world_remove(&world, "den", true));
    CHECK_EQ_U64(iso_or_devices_count(world.devices), 0);
    CHECK_STR(fake.owner, "");
    CHECK_EQ_U64(tokens_of(&fake), 0);
    close_den();
}

TEST(names_are_unique_and_labels_lie_over_the_devices_own)
{
    struct iso_report report;
    open_none();
    for (size_t i = 0; i < ISO_COUNT_OF(fakes); i++) {
        fake_open(&fakes[i], &world, "den");
        SET(fakes[i].labels, "{\"room\":\"den\",\"old\":\"yes\"}");
        CHECK_OK(
            world_add(&world, fakes[i].https, fake_code(&fakes[i], &world), NULL, NULL, false));
    }
    CHECK_STR(world_device(&world, "den")->id, fakes[0].id);
    CHECK_STR(world_device(&world, "den-2")->id, fakes[1].id);
    CHECK_STR(world_device(&world, "den-3")->id, fakes[2].id);
    iso_report_init(&report);
    CHECK_ERR(iso_or_devices_change(world.devices, iso_str_from_z("den-2"), iso_str_from_z("den"),
                                    NULL, NULL, &report),
              ISO_E_EXISTS);
    CHECK_ERR(iso_or_devices_change(world.devices, iso_str_from_z("den-2"), iso_str_from_z("a\nb"),
                                    NULL, NULL, &report),
              ISO_E_ARGUMENT);
    CHECK_ERR(iso_or_devices_change(world.devices, iso_str_from_z("nobody"), iso_str_from_z("a"),
                                    NULL, NULL, &report),
              ISO_E_NOT_FOUND);
    json_t *labels = json_pack("{s:s, s:n}", "room", "lobby", "old");
    CHECK_OK(iso_or_devices_change(world.devices, iso_str_from_z("den-2"), iso_str_from_z("front"),
                                   labels, NULL, &report));
    json_decref(labels);
    for (unsigned turn = 0; turn < 2; turn++) {
        const struct iso_or_device *device = world_device(&world, "front");
        CHECK_STR(device->id, fakes[1].id);
        CHECK_STR(json_string_value(json_object_get(device->labels, "room")), "lobby");
        CHECK(json_object_get(device->labels, "old") == NULL);
        world_reopen(&world);
    }
    static const char *const keys[] = {"", "a b", "a=b", "-a"};
    for (size_t i = 0; i < ISO_COUNT_OF(keys); i++) {
        iso_report_init(&report);
        labels = json_pack("{s:s}", keys[i], "x");
        CHECK_ERR(iso_or_devices_change(world.devices, iso_str_from_z("front"),
                                        iso_str_from_z(NULL), labels, NULL, &report),
                  ISO_E_ARGUMENT);
        CHECK(strstr(report.text, "a letter or digit first") != NULL);
        json_decref(labels);
    }
    labels = json_pack("{s:i}", "room", 5);
    CHECK_ERR(iso_or_devices_change(world.devices, iso_str_from_z("front"), iso_str_from_z(NULL),
                                    labels, NULL, &report),
              ISO_E_ARGUMENT);
    json_decref(labels);
    close_fakes(ISO_COUNT_OF(fakes));
}
