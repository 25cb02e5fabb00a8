/* Candidates: what answers at an address, what registers, what lies about itself; a device that
 * comes at a new address; addresses as people write them. mDNS itself is tried by
 * tests/orchestrator between network namespaces. */
#include "orchestrator/devices_test_support.h"

#include "base/format.h"
#include "base/test.h"

static struct fake fake;
static struct world world;

static void open_all(void)
{
    world_open(&world);
    memset(&fake, 0, sizeof fake);
    fake_open(&fake, &world, "den");
}

static void close_all(void)
{
    fake_close(&fake, &world);
    world_close(&world);
}

/* The candidates as the API shows them. */
static json_t *candidates(void)
{
    struct iso_buf buf;
    struct iso_json json;
    iso_buf_init(&buf, iso_alloc_libc(), SIZE_MAX);
    iso_json_init_buf(&json, &buf, 0);
    iso_or_devices_write_candidates(world.devices, &json);
    CHECK_OK(iso_json_finish(&json));
    json_t *list = json_loadb((const char *)buf.ptr, buf.len, 0, NULL);
    CHECK(json_is_array(list));
    iso_buf_fini(&buf);
    return list;
}

static size_t candidate_count(void)
{
    json_t *list = candidates();
    const size_t count = json_array_size(list);
    json_decref(list);
    return count;
}

TEST(what_answers_at_an_address_is_a_candidate_and_is_shown_nothing)
{
    open_all();
    CHECK_OK(world_add(&world, fake.https, NULL, NULL, NULL, false));
    CHECK_STR(world.device, fake.id);
    CHECK(world_has_event(&world, "device-found den"));
    json_t *list = candidates();
    CHECK_EQ_U64(json_array_size(list), 1);
    const json_t *candidate = json_array_get(list, 0);
    CHECK_STR(json_string_value(json_object_get(candidate, "id")), fake.id);
    CHECK_STR(json_string_value(json_object_get(candidate, "name")), "den");
    CHECK_STR(json_string_value(json_object_get(candidate, "address")), fake.https);
    CHECK_STR(json_string_value(json_object_get(candidate, "found")), "address");
    json_decref(list);
    CHECK(!fake.secret_seen);
    CHECK_ERR(world_add(&world, "https://127.0.0.1:1", NULL, NULL, NULL, false), ISO_E_IO);
    CHECK_ERR(world_add(&world, "shed", NULL, NULL, NULL, false), ISO_E_NOT_FOUND);
    CHECK_EQ_U64(candidate_count(), 1);
    /* By its name it becomes a device, and is a candidate no more. */
    CHECK_OK(world_add(&world, "den", fake_code(&fake, &world), NULL, NULL, false));
    CHECK_EQ_U64(candidate_count(), 0);
    CHECK_ERR(world_add(&world, fake.https, NULL, NULL, NULL, false), ISO_E_EXISTS);
    close_all();
}

TEST(candidates_of_one_name_are_told_apart_by_id)
{
    static struct fake twin;
    open_all();
    memset(&twin, 0, sizeof twin);
    fake_open(&twin, &world, "den");
    CHECK_OK(world_add(&world, fake.https, NULL, NULL, NULL, false));
    CHECK_OK(world_add(&world, twin.https, NULL, NULL, NULL, false));
    CHECK_EQ_U64(candidate_count(), 2);
    CHECK_ERR(world_add(&world, "den", fake_code(&twin, &world), NULL, NULL, false),
              ISO_E_ARGUMENT);
    CHECK_OK(world_add(&world, twin.id, fake_code(&twin, &world), NULL, NULL, false));
    CHECK_STR(world.device, twin.id);
    fake_close(&twin, &world);
    close_all();
}

TEST(who_says_that_he_is_another_one_is_no_candidate)
{
    open_all();
    fake.lies_id = "abcdefghijklmnopqrstuvwxyz";
    CHECK_ERR(world_add(&world, fake.https, NULL, NULL, NULL, false), ISO_E_ACCESS);
    CHECK_CONTAINS(world.report.text, "has the key of");
    fake.lies_id = "short";
    CHECK_ERR(world_add(&world, fake.https, NULL, NULL, NULL, false), ISO_E_MALFORMED);
    CHECK_EQ_U64(candidate_count(), 0);
    close_all();
}

static enum iso_err register_at(const char *id, const char *peer, uint16_t port)
{
    return iso_or_devices_registered(world.devices, iso_str_from_z(id), iso_str_from_z("x"), peer,
                                     port, NULL);
}

TEST(what_registers_is_looked_at_where_it_came_from)
{
    open_all();
    CHECK_ERR(register_at("short", "127.0.0.1", fake.https_port), ISO_E_ARGUMENT);
    CHECK_ERR(register_at(fake.id, "127.0.0.1", 0), ISO_E_ARGUMENT);
    CHECK_OK(register_at(fake.id, "127.0.0.1", fake.https_port));
    CHECK_EQ_U64(candidate_count(), 0); /* nobody has answered yet */
    WORLD_UNTIL(&world, candidate_count() == 1);
    CHECK(!fake.secret_seen);
    const unsigned seen = fake.seen_count;
    CHECK_OK(register_at(fake.id, "127.0.0.1", fake.https_port));
    /* Not repeated in ten minutes, it is forgotten. */
    struct iso_or_sighting *sighting = world.devices->sightings;
    sighting->seen_ms -= ISO_OR_REGISTERED_MS;
    (void)iso_or_discovery_tick(world.devices, iso_or_now_ms(world.devices));
    CHECK_EQ_U64(candidate_count(), 0);
    CHECK_EQ_U64(fake.seen_count, seen);
    close_all();
}

TEST(one_peer_registers_only_so_many)
{
    open_all();
    char peer[32];
    for (uint16_t port = 1; port <= 100; port++) {
        CHECK_OK(register_at("abcdefghijklmnopqrstuvwxyz", "127.0.0.1", port));
    }
    CHECK_EQ_U64(world.devices->sighting_count, ISO_OR_REGISTERED_PER_PEER);
    enum iso_err err = ISO_OK;
    for (unsigned i = 0; i < 2000 && err == ISO_OK; i++) {
        (void)iso_format(peer, sizeof peer, "127.1.%u.%u", i / 200, i % 200 + 1);
        err = register_at("abcdefghijklmnopqrstuvwxyz", peer, 1);
    }
    CHECK_ERR(err, ISO_E_LIMIT);
    CHECK_EQ_U64(world.devices->sighting_count, ISO_OR_CANDIDATES_MAX);
    close_all();
}

TEST(a_device_at_a_new_address_is_known_by_its_key)
{
    static struct fake stranger;
    char was[ISO_OR_URL_SIZE];
    open_all();
    CHECK_OK(world_add(&world, fake.https, fake_code(&fake, &world), NULL, NULL, false));
    WORLD_UNTIL(&world, world_device(&world, "den")->state == ISO_OR_UP);
    memcpy(was, fake.https, sizeof was);
    /* Somebody else registers as it: its address stays. */
    memset(&stranger, 0, sizeof stranger);
    fake_open(&stranger, &world, "stranger");
    stranger.lies_id = fake.id;
    CHECK_OK(register_at(fake.id, "127.0.0.1", stranger.https_port));
    WORLD_UNTIL(&world, stranger.seen_count != 0 && world.devices->looks == 0);
    CHECK_STR(world_device(&world, "den")->address, was);
    CHECK(!stranger.secret_seen);
    /* It has moved: the same key at another port. Nothing is shown before the key is. */
    static struct fake moved;
    memset(&moved, 0, sizeof moved);
    moved.twin = &fake;
    fake_open(&moved, &world, "den");
    CHECK_OK(register_at(fake.id, "127.0.0.1", moved.https_port));
    WORLD_UNTIL(&world, strcmp(world_device(&world, "den")->address, moved.https) == 0);
    CHECK(!fake_saw(&moved, "GET /v1/heartbeat"));
    WORLD_UNTIL(&world, fake_saw(&moved, "GET /v1/heartbeat"));
    world_reopen(&world);
    CHECK_STR(world_device(&world, "den")->address, moved.https);
    fake_close(&moved, &world);
    fake_close(&stranger, &world);
    close_all();
}

TEST(addresses_as_people_write_them)
{
    static const struct {
        const char *text, *base; /* base NULL: refused */
        bool loopback;
    } cases[] = {
        {"192.0.2.7", "https://192.0.2.7:8443", false},
        {"192.0.2.7:9000", "https://192.0.2.7:9000", false},
        {"https://192.0.2.7", "https://192.0.2.7:8443", false},
        {"https://den.local:9/", "https://den.local:9", false},
        {"2001:db8::1", "https://[2001:db8::1]:8443", false},
        {"[2001:db8::1]:9", "https://[2001:db8::1]:9", false},
        {"fe80::1%2", "https://[fe80::1%2]:8443", false},
        {":8480", "http://127.0.0.1:8480", true},
        {"http://127.0.0.1:8480", "http://127.0.0.1:8480", true},
        {"http://localhost", "http://localhost:8480", true},
        {"http://[::1]:5", "http://[::1]:5", true},
        {"https://127.0.0.1:8443", "https://127.0.0.1:8443", true},
        {"http://192.0.2.7", NULL, false},
        {"http://127.evil.example:8480", NULL, false},
        {"http://localhost.evil.example", NULL, false},
        {"http://127.0.0.1@evil.example", NULL, false},
        {"127.evil.example", "https://127.evil.example:8443", false},
        {"", NULL, false},
        {":", NULL, false},
        {":0", NULL, false},
        {":65536", NULL, false},
        {"den:x", NULL, false},
        {"den:", NULL, false},
        {"a b", NULL, false},
        {"user@den", NULL, false},
        {"den/path", NULL, false},
        {"https://den/path", NULL, false},
        {"den?x", NULL, false},
        {"[2001:db8::1", NULL, false},
        {"[]", NULL, false},
        {"[::1]x", NULL, false},
        {"-den", NULL, false},
        {"ftp://den", NULL, false},
        {"https://https://den", NULL, false},
    };
    for (size_t i = 0; i < ISO_COUNT_OF(cases); i++) {
        struct iso_or_place place;
        struct iso_report report;
        iso_report_init(&report);
        const enum iso_err err = iso_or_place_read(iso_str_from_z(cases[i].text), &place, &report);
        if (cases[i].base == NULL) {
            CHECK_ERR(err, ISO_E_ARGUMENT);
            CHECK(report.text[0] != '\0');
        } else {
            CHECK_OK(err);
            CHECK_STR(place.base, cases[i].base);
            CHECK(place.loopback == cases[i].loopback);
        }
    }
    char long_name[400];
    struct iso_or_place place;
    memset(long_name, 'a', sizeof long_name);
    CHECK_ERR(iso_or_place_read(iso_str_from(long_name, sizeof long_name), &place, NULL),
              ISO_E_ARGUMENT);
}

TEST(names_are_made_fit_to_be_shown)
{
    static const struct {
        const char *text, *name;
    } cases[] = {{"den", "den"},
                 {"d\ne\x7fn", "den"},
                 {"", "?"},
                 {"\x01\x02", "?"},
                 {"\xff\xfe", "?"},
                 {"K\xc3\xbc"
                  "che",
                  "K\xc3\xbc"
                  "che"}};
    char name[ISO_OR_NAME_SIZE], text[200];
    for (size_t i = 0; i < ISO_COUNT_OF(cases); i++) {
        iso_or_name_clean(iso_str_from_z(cases[i].text), "?", name);
        CHECK_STR(name, cases[i].name);
    }
    /* Cut at the end of a character. */
    for (size_t i = 0; i + 1 < sizeof text; i += 2) {
        memcpy(text + i, "\xc3\xbc", 2);
    }
    iso_or_name_clean(iso_str_from(text, sizeof text), "?", name);
    CHECK(strlen(name) == 62);
}
