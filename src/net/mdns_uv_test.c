/* The driver, over the loopback interface: two of them in one loop find each other, callbacks come
 * when they may and not after, and everything is given back. */
#define _GNU_SOURCE /* what <uv.h> needs */
#include "net/mdns.h"

#include "base/test.h"

#include <stdio.h>
#include <unistd.h>

#include <uv.h>

/* Long enough for any machine; a test that works takes two seconds. */
enum { WAIT_MS = 60000 };

struct scene {
    uv_loop_t loop;
    uv_timer_t limit;
    struct iso_mdns_uv *announcer;
    struct iso_mdns_uv *browser;
    char instance[64];
    unsigned found;
    unsigned lost;
    unsigned stopped;
    bool in_call; /* a call of mdns.h has not returned yet */
    bool stop_when_found;
};

static void on_limit(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

static void scene_begin(struct scene *scene)
{
    *scene = (struct scene){.found = 0};
    (void)iso_format(scene->instance, sizeof scene->instance, "test %ld", (long)getpid());
    CHECK_EQ_I64(uv_loop_init(&scene->loop), 0);
    CHECK_EQ_I64(uv_timer_init(&scene->loop, &scene->limit), 0);
    CHECK_EQ_I64(uv_timer_start(&scene->limit, on_limit, WAIT_MS, 0), 0);
    uv_unref((uv_handle_t *)&scene->limit);
}

static void scene_end(struct scene *scene)
{
    uv_close((uv_handle_t *)&scene->limit, NULL);
    (void)uv_run(&scene->loop, UV_RUN_DEFAULT);
    CHECK_EQ_I64(uv_loop_close(&scene->loop), 0); /* no handle was forgotten */
}

static void on_stopped(void *ctx)
{
    struct scene *scene = ctx;

    CHECK(!scene->in_call);
    scene->stopped++;
}

static void stop(struct scene *scene, struct iso_mdns_uv **mdns)
{
    scene->in_call = true;
    iso_mdns_uv_stop(*mdns, on_stopped, scene);
    scene->in_call = false;
    *mdns = NULL;
}

static void on_peer(void *ctx, const struct iso_mdns_peer *peer)
{
    struct scene *scene = ctx;
    char text[ISO_MDNS_ADDRESS_TEXT_MAX];
    struct iso_bytes value;

    CHECK(!scene->in_call && scene->browser != NULL);
    if (strcmp(peer->instance, scene->instance) != 0) {
        return; /* of another test on this machine */
    }
    if (peer->change == ISO_MDNS_LOST) {
        scene->lost++;
        stop(scene, &scene->browser);
    } else if (peer->change == ISO_MDNS_FOUND) {
        scene->found++;
        CHECK_EQ_U64(peer->port, 4711);
        CHECK(peer->address_count >= 1);
        iso_mdns_address_text(&peer->addresses[0], text);
        CHECK(strcmp(text, "127.0.0.1") == 0 || strcmp(text, "::1") == 0);
        CHECK(iso_mdns_txt_find(peer->txt, "scheme", &value) && value.len == 4);
        stop(scene, &scene->announcer);
        if (scene->stop_when_found) {
            stop(scene, &scene->browser);
        }
    }
}

static struct iso_mdns_uv *create(struct scene *scene, const char *host)
{
    static const char *const interfaces[] = {"lo"};
    struct iso_mdns_uv_config config = {
        .host = host, .interfaces = interfaces, .interface_count = 1, .loopback = true};
    struct iso_mdns_uv *mdns = NULL;
    struct iso_report report;

    iso_report_init(&report);
    enum iso_err err = iso_mdns_uv_create(&scene->loop, &config, &mdns, &report);
    if (err != ISO_OK) {
        TEST_FAIL("%s", iso_report_text(&report, err));
    }
    return mdns;
}

static void find(struct scene *scene)
{
    static const char *const txt[] = {"td=/", "scheme=http"};
    struct iso_mdns_service service = {.instance = scene->instance,
                                       .type = "_iso-test._tcp",
                                       .port = 4711,
                                       .txt = txt,
                                       .txt_count = 2};
    char host[32];

    (void)iso_format(host, sizeof host, "iso-a-%ld", (long)getpid());
    scene->announcer = create(scene, host);
    host[4] = 'b';
    scene->browser = create(scene, host);
    scene->in_call = true;
    CHECK_OK(iso_mdns_uv_browse(scene->browser, "_iso-test._tcp", NULL, on_peer, scene, NULL));
    CHECK_OK(iso_mdns_uv_service_add(scene->announcer, &service, NULL));
    scene->in_call = false;
    (void)uv_run(&scene->loop, UV_RUN_DEFAULT);
}

TEST(two_find_each_other_and_say_goodbye)
{
    struct scene scene;

    scene_begin(&scene);
    find(&scene);
    CHECK_EQ_U64(scene.found, 1);
    CHECK_EQ_U64(scene.lost, 1);
    CHECK_EQ_U64(scene.stopped, 2);
    scene_end(&scene);
}

TEST(both_may_be_stopped_from_a_callback)
{
    struct scene scene;

    scene_begin(&scene);
    scene.stop_when_found = true;
    find(&scene);
    CHECK_EQ_U64(scene.found, 1);
    CHECK_EQ_U64(scene.lost, 0);
    CHECK_EQ_U64(scene.stopped, 2);
    scene_end(&scene);
}

TEST(one_that_has_just_been_made_can_be_stopped)
{
    struct scene scene;

    scene_begin(&scene);
    scene.announcer = create(&scene, "iso-test");
    CHECK_STR(iso_mdns_uv_host(scene.announcer), "iso-test.local");
    stop(&scene, &scene.announcer);
    CHECK_EQ_U64(scene.stopped, 0);
    (void)uv_run(&scene.loop, UV_RUN_DEFAULT);
    CHECK_EQ_U64(scene.stopped, 1);
    scene_end(&scene);
}

TEST(the_systems_name_is_used_unless_another_is_given)
{
    struct scene scene;
    char name[UV_MAXHOSTNAMESIZE];
    size_t size = sizeof name;

    scene_begin(&scene);
    CHECK_EQ_I64(uv_os_gethostname(name, &size), 0);
    name[strcspn(name, ".")] = '\0';
    scene.announcer = create(&scene, NULL);
    if (name[0] != '\0') {
        CHECK_CONTAINS(iso_mdns_uv_host(scene.announcer), name);
    }
    stop(&scene, &scene.announcer);
    scene_end(&scene);
}

TEST(names_that_cannot_be_are_refused)
{
    struct scene scene;
    static const char *const interfaces[] = {"an-interface-with-a-long-name"};
    struct iso_mdns_uv_config config = {.host = "a.b"};
    struct iso_mdns_uv *mdns = NULL;
    struct iso_report report;

    scene_begin(&scene);
    iso_report_init(&report);
    CHECK_ERR(iso_mdns_uv_create(&scene.loop, &config, &mdns, &report), ISO_E_ARGUMENT);
    CHECK_CONTAINS(report.text, "'a.b' is no host name");
    config =
        (struct iso_mdns_uv_config){.host = "a", .interfaces = interfaces, .interface_count = 1};
    CHECK_ERR(iso_mdns_uv_create(&scene.loop, &config, &mdns, NULL), ISO_E_ARGUMENT);
    CHECK(mdns == NULL);
    scene_end(&scene);
}
