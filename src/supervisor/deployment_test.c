/* Generations of an application: prepared, committed, kept, replaced, removed, and found again
 * after a restart. */
#include "supervisor/deployment_test_support.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "platform/platform.h"

static const struct part one = {"count", RIG_UNIT, 1, true, ""};

static void begin(struct site *site, struct rig **rig)
{
    *rig = rig_start(NULL);
    site_init(site, *rig);
    site_open(site);
    site_module(site, RIG_UNIT);
}

static void end(struct site *site, struct rig *rig)
{
    site_fini(site);
    rig_stop(rig);
}

TEST(put_twice_is_as_once)
{
    struct rig *rig;
    struct site site;
    begin(&site, &rig);
    CHECK_OK(site_put(&site, "app", 7, &one, 1));
    CHECK_EQ_U64(site_generation(&site, "app"), 7);
    CHECK_STR(site_call(&site, "app", "count", "bump"), "done 1");
    CHECK_OK(site_put(&site, "app", 7, &one, 1));
    CHECK_STR(site_call(&site, "app", "count", "bump"), "done 2");
    CHECK_EQ_U64(site.starts, 1);
    CHECK_STR(site.told, "app prepared;app committed;");
    CHECK_CONTAINS(
        site_status(&site, "app"),
        "{\"app\":\"app\",\"state\":\"committed\",\"seen\":7,\"generation\":7,\"digest\":"
        "\"sha256:");
    CHECK_CONTAINS(site_status(&site, "app"), "\"state\":\"running\"");
    end(&site, rig);
}

TEST(refuses_older_and_other_generations)
{
    struct rig *rig;
    struct site site;
    struct part other = one;
    begin(&site, &rig);
    other.epoch = 2;
    CHECK_OK(site_put(&site, "app", 7, &one, 1));
    CHECK_ERR(site_put(&site, "app", 6, &one, 1), ISO_E_STATE);
    CHECK_STR(site.report.text, "generation 6 is older than 7, the latest that was committed here");
    CHECK_ERR(site_put(&site, "app", 7, &other, 1), ISO_E_EXISTS);
    CHECK_STR(site.report.text, "generation 7 is committed with another document; use a later one");
    CHECK_ERR(site_commit(&site, "app", 8), ISO_E_STATE);
    CHECK_ERR(site_commit(&site, "none", 8), ISO_E_NOT_FOUND);
    CHECK_OK(site_prepare(&site, "app", 9, &one, 1, ""));
    CHECK_ERR(site_prepare(&site, "app", 8, &one, 1, ""), ISO_E_STATE);
    CHECK_STR(site.report.text, "generation 9 is prepared here; abort it first");
    CHECK_ERR(site_prepare(&site, "app", 9, &other, 1, ""), ISO_E_EXISTS);
    CHECK_OK(site_prepare(&site, "app", 9, &one, 1, ""));
    CHECK_OK(site_prepare(&site, "app", 10, &one, 1, ""));
    CHECK_OK(site_abort(&site, "app", 9));
    CHECK_OK(site_commit(&site, "app", 10));
    CHECK_EQ_U64(site_generation(&site, "app"), 10);
    end(&site, rig);
}

TEST(a_prepared_generation_changes_nothing_until_its_commit)
{
    struct rig *rig;
    struct site site;
    struct part next = one;
    begin(&site, &rig);
    next.epoch = 2;
    CHECK_OK(site_put(&site, "app", 1, &one, 1));
    CHECK_STR(site_call(&site, "app", "count", "bump"), "done 1");
    CHECK_OK(site_prepare(&site, "app", 2, &next, 1, ""));
    CHECK_STR(site_call(&site, "app", "count", "bump"), "done 2");
    CHECK_EQ_U64(site_generation(&site, "app"), 1);
    CHECK_OK(site_abort(&site, "app", 2));
    CHECK_OK(site_abort(&site, "app", 2));
    CHECK_ERR(site_abort(&site, "app", 1), ISO_E_STATE);
    CHECK_ERR(site_commit(&site, "app", 2), ISO_E_STATE);
    CHECK_STR(site_call(&site, "app", "count", "bump"), "done 3");
    CHECK_OK(site_prepare(&site, "app", 2, &next, 1, ""));
    CHECK_OK(site_commit(&site, "app", 2));
    CHECK_OK(site_commit(&site, "app", 2));
    CHECK_STR(site_call(&site, "app", "count", "bump"), "done 1");
    end(&site, rig);
}

TEST(a_prepared_generation_expires)
{
    struct rig *rig = rig_start(NULL);
    struct site site;
    site_init(&site, rig);
    site.config.prepared_ms = 1;
    site_open(&site);
    site_module(&site, RIG_UNIT);
    CHECK_OK(site_prepare(&site, "app", 1, &one, 1, ""));
    RIG_UNTIL(rig, strstr(site.told, "app expired;") != NULL);
    CHECK_STR(site_status(&site, "app"), "");
    CHECK_EQ_U64(site.opens, site.closes);
    end(&site, rig);
}

TEST(what_is_unchanged_runs_on)
{
    struct rig *rig;
    struct site site;
    begin(&site, &rig);
    site_module(&site, RIG_CALLER);
    struct part parts[] = {{"kept", RIG_UNIT, 1, true, ",\"config\":{\"a\":\"1\",\"b\":\"2\"}"},
                           {"changed", RIG_UNIT, 1, true, ",\"config\":{\"a\":\"1\"}"},
                           {"caller", RIG_CALLER, 1, false,
                            ",\"links\":{\"test:unit/calc@1.0.0\":{\"component\":\"kept\"}}"},
                           {"gone", RIG_UNIT, 1, true, ""}};
    CHECK_OK(site_put(&site, "app", 1, parts, 4));
    CHECK_STR(site_call(&site, "app", "kept", "bump"), "done 1");
    CHECK_STR(site_call(&site, "app", "changed", "bump"), "done 1");
    CHECK_STR(site_call(&site, "app", "caller", "bump"), "done 2");
    parts[0].extra = ",\"config\":{\"b\":\"2\",\"a\":\"1\"}";
    parts[1].extra = ",\"config\":{\"a\":\"2\"}";
    parts[2].extra = ",\"links\":{\"test:unit/calc@1.0.0\":{\"component\":\"changed\"}}";
    CHECK_OK(site_prepare(&site, "app", 2, parts, 3, ""));
    CHECK_CONTAINS(site_status(&site, "app"), "\"state\":\"kept\"");
    CHECK_STR(site_call(&site, "app", "caller", "bump"), "done 3");
    CHECK_OK(site_commit(&site, "app", 2));
    CHECK_STR(site_call(&site, "app", "kept", "bump"), "done 4");
    CHECK_STR(site_call(&site, "app", "caller", "bump"), "done 1"); /* relinked; it began anew */
    CHECK_STR(site_call(&site, "app", "changed", "bump"), "done 2");
    CHECK_STR(site_call(&site, "app", "gone", "bump"), "moved");
    CHECK_STR(site_call(&site, "app", "never", "bump"), "none");
    CHECK_EQ_U64(site.starts, 2);
    RIG_UNTIL(rig, site.closes == 1);
    end(&site, rig);
}

TEST(says_why_it_cannot_be_prepared)
{
    struct rig *rig;
    struct site site;
    begin(&site, &rig);
    struct part parts[] = {{"count", RIG_UNIT, 1, true, ""}, {"more", RIG_CALLER, 1, false, ""}};
    CHECK_OK(site_put(&site, "app", 1, parts, 1));
    CHECK_STR(site_call(&site, "app", "count", "bump"), "done 1");
    CHECK_ERR(site_put(&site, "app", 2, parts, 2), ISO_E_LINK);
    CHECK_CONTAINS(site.report.text, "/components/more: the module sha256:");
    CHECK_CONTAINS(site.report.text, "is not in the store; upload it first");
    site_module(&site, RIG_CALLER);
    CHECK_ERR(site_put(&site, "app", 2, parts, 2), ISO_E_LINK);
    CHECK_CONTAINS(site.report.text, "/components/more: ");
    CHECK_CONTAINS(site.report.text, "test:unit/calc");
    parts[1] = (struct part){"more", RIG_BROKEN, 1, true, ""};
    site_module(&site, RIG_BROKEN);
    CHECK_ERR(site_put(&site, "app", 2, parts, 2), ISO_E_LINK);
    CHECK_STR(site_call(&site, "app", "count", "bump"), "done 2");
    CHECK_EQ_U64(site_generation(&site, "app"), 1);
    end(&site, rig);
}

TEST(epochs_do_not_go_back)
{
    struct rig *rig;
    struct site site;
    struct part part = one;
    begin(&site, &rig);
    part.epoch = 5;
    CHECK_OK(site_put(&site, "app", 1, &part, 1));
    part.epoch = 4;
    CHECK_ERR(site_put(&site, "app", 2, &part, 1), ISO_E_STATE);
    CHECK_STR(site.report.text,
              "/components/count/epoch: 4 is older than 5, the latest seen on this device");
    CHECK_OK(site_put(&site, "app", 2, NULL, 0));
    site_close(&site);
    site_open(&site);
    CHECK_ERR(site_put(&site, "app", 3, &part, 1), ISO_E_STATE);
    CHECK_OK(site_delete(&site, "app", false));
    CHECK_OK(site_delete(&site, "app", false));
    CHECK_STR(site_status(&site, "app"), "");
    site_close(&site);
    site_open(&site);
    CHECK_EQ_U64(iso_sv_deployments_seen(site.deployments, iso_str_from_z("app")), 2);
    CHECK_ERR(site_put(&site, "app", 2, &part, 1), ISO_E_STATE);
    CHECK_STR(site.report.text, "generation 2 was removed from this device; use a later one");
    CHECK_ERR(site_put(&site, "app", 3, &part, 1), ISO_E_STATE);
    CHECK_OK(site_delete(&site, "app", true));
    CHECK(!site_has_file(&site, "deployments/app.state"));
    CHECK_OK(site_put(&site, "app", 1, &part, 1));
    end(&site, rig);
}

TEST(comes_back_after_a_restart)
{
    struct rig *rig;
    struct site site;
    begin(&site, &rig);
    struct part other = {"other", RIG_CALLER, 1, false,
                         ",\"links\":{\"test:unit/calc@1.0.0\":{\"component\":\"count\"}}"};
    struct part both[] = {one, other};
    site_module(&site, RIG_CALLER);
    CHECK_OK(site_put(&site, "first", 3, both, 2));
    CHECK_OK(site_put(&site, "second", 4, &one, 1));
    CHECK_OK(site_prepare(&site, "second", 5, NULL, 0, ""));
    CHECK_STR(site_call(&site, "second", "count", "bump"), "done 1");
    site_close(&site);
    site_open(&site);
    CHECK_EQ_U64(site_generation(&site, "first"), 3);
    CHECK_EQ_U64(site_generation(&site, "second"), 4);
    CHECK_STR(site_call(&site, "first", "other", "bump"), "done 1");
    CHECK_STR(site_call(&site, "second", "count", "bump"), "done 1"); /* memory is not durable */
    CHECK_OK(site_put(&site, "second", 4, &one, 1));
    end(&site, rig);
}

static void overwrite(struct site *site, const char *path, const char *text)
{
    char full[ISO_PATH_MAX];
    CHECK(iso_path_join(full, site->dir, path));
    int fd = open(full, O_WRONLY | O_TRUNC);
    CHECK(fd >= 0);
    CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    (void)close(fd);
}

static void note_trouble(void *ctx, struct iso_str app, const char *reason)
{
    char *out = ctx;
    size_t len = strlen(out);
    (void)iso_format(out + len, 1024 - len, "%.*s: %s;", (int)app.len, app.ptr, reason);
}

TEST(what_cannot_come_back_is_told_and_kept)
{
    struct rig *rig;
    struct site site;
    char troubles[1024] = "";
    struct part other = {"other", RIG_WAITER, 1, false,
                         ",\"grants\":{\"devices\":{\"probe\":true}}"};
    begin(&site, &rig);
    site_module(&site, RIG_WAITER);
    CHECK_OK(site_put(&site, "damaged", 3, &one, 1));
    CHECK_OK(site_put(&site, "missing", 4, &other, 1));
    CHECK_OK(site_put(&site, "well", 5, &one, 1));
    site_close(&site);
    overwrite(&site, "deployments/damaged.json", "{\"isomer\": 1");
    char path[128], hex[65];
    uint8_t digest[ISO_SHA256_SIZE];
    struct iso_bytes bytes = rig_bytes(RIG_WAITER);
    iso_sha256(bytes.ptr, bytes.len, digest);
    iso_hex_encode(digest, sizeof digest, hex);
    (void)iso_format(path, sizeof path, "%s/modules/sha256/%s", site.dir, hex);
    CHECK(unlink(path) == 0);
    site_open(&site);
    CHECK_EQ_U64(site_generation(&site, "well"), 5);
    CHECK_EQ_U64(site_generation(&site, "damaged"), 0);
    iso_sv_deployments_each_trouble(site.deployments, note_trouble, troubles);
    CHECK_CONTAINS(troubles,
                   "damaged: the stored document is damaged: line 1, column 12: not JSON: "
                   "the text ends too early;");
    CHECK_CONTAINS(troubles, "missing: /components/other: the module sha256:");
    CHECK_CONTAINS(site_status(&site, "missing"), "\"state\":\"failed\",\"seen\":4,\"reason\":");
    CHECK(site_has_file(&site, "deployments/damaged.json"));
    /* The same generation may be put again, and the module may come later. */
    CHECK_ERR(site_put(&site, "missing", 4, &other, 1), ISO_E_LINK);
    site_module(&site, RIG_WAITER);
    iso_sv_deployments_module_arrived(site.deployments);
    RIG_UNTIL(rig, site_generation(&site, "missing") == 4);
    CHECK_OK(site_put(&site, "damaged", 3, &one, 1));
    CHECK_EQ_U64(site_generation(&site, "damaged"), 3);
    troubles[0] = '\0';
    iso_sv_deployments_each_trouble(site.deployments, note_trouble, troubles);
    CHECK_STR(troubles, "");
    end(&site, rig);
}

TEST(removing_takes_the_storage_along)
{
    struct rig *rig;
    struct site site;
    char path[128];
    begin(&site, &rig);
    struct part parts[] = {one, {"extra", RIG_UNIT, 1, true, ""}};
    CHECK_OK(site_put(&site, "app", 1, parts, 2));
    (void)iso_format(path, sizeof path, "%s/storage/app/extra", site.dir);
    CHECK_OK(iso_dir_make(path, &site.report));
    (void)iso_format(path, sizeof path, "%s/storage/app/count", site.dir);
    CHECK_OK(iso_dir_make(path, &site.report));
    CHECK_OK(site_put(&site, "app", 2, parts, 1));
    RIG_UNTIL(rig, !site_has_file(&site, "storage/app/extra"));
    CHECK(site_has_file(&site, "storage/app/count"));
    CHECK_OK(site_delete(&site, "app", false));
    CHECK(!site_has_file(&site, "storage/app"));
    CHECK(!site_has_file(&site, "deployments/app.json"));
    CHECK_OK(site_delete(&site, "never", false));
    end(&site, rig);
}

static void count_done(void *ctx, enum iso_err err, const struct iso_report *report)
{
    unsigned *counts = ctx;
    (void)report;
    counts[err == ISO_OK ? 0 : err == ISO_E_REFUSED ? 1 : 2]++;
}

TEST(changes_of_one_application_wait_and_are_bounded)
{
    struct rig *rig;
    struct site site;
    unsigned counts[3] = {0};
    begin(&site, &rig);
    CHECK_OK(site_put(&site, "app", 1, &one, 1));
    for (uint64_t i = 0; i < ISO_SV_CHANGES_MAX + 3; i++) {
        iso_sv_deployments_commit(site.deployments, iso_str_from_z("app"), 1, count_done, counts);
    }
    RIG_UNTIL(rig, counts[0] + counts[1] + counts[2] == ISO_SV_CHANGES_MAX + 3);
    CHECK_EQ_U64(counts[0], ISO_SV_CHANGES_MAX);
    CHECK_EQ_U64(counts[1], 3);
    /* What waits when the supervisor stops is refused, each once. */
    counts[0] = counts[1] = 0;
    char *text = site_document("app", 2, &one, 1, "");
    iso_sv_deployments_put(site.deployments, iso_str_from_z("app"),
                           iso_bytes_from(text, strlen(text)), count_done, counts);
    iso_sv_deployments_commit(site.deployments, iso_str_from_z("app"), 1, count_done, counts);
    free(text);
    end(&site, rig);
    CHECK_EQ_U64(counts[1], 2);
}

TEST(every_limit_of_applications)
{
    struct rig *rig;
    struct site site;
    char name[32];
    begin(&site, &rig);
    for (unsigned i = 0; i <= ISO_SV_PREPARED_MAX; i++) {
        (void)iso_format(name, sizeof name, "prepared-%u", i);
        CHECK_ERR(site_prepare(&site, name, 1, NULL, 0, ""),
                  i < ISO_SV_PREPARED_MAX ? ISO_OK : ISO_E_REFUSED);
    }
    CHECK_STR(site.report.text,
              "16 generations wait for their commit, which is the most; try again");
    for (unsigned i = 0; i < ISO_SV_PREPARED_MAX; i++) {
        (void)iso_format(name, sizeof name, "prepared-%u", i);
        CHECK_OK(site_abort(&site, name, 1));
    }
    for (unsigned i = 0; i <= ISO_SV_APPS_MAX; i++) {
        (void)iso_format(name, sizeof name, "app-%u", i);
        CHECK_ERR(site_put(&site, name, 1, NULL, 0), i < ISO_SV_APPS_MAX ? ISO_OK : ISO_E_LIMIT);
    }
    CHECK_STR(site.report.text, "64 applications are on this device, which is the most");
    end(&site, rig);
}

TEST(so_many_removed_applications_are_remembered)
{
    struct rig *rig;
    struct site site;
    char name[32];
    begin(&site, &rig);
    for (unsigned turn = 0; turn < 2; turn++) {
        unsigned known = 0;
        for (unsigned i = 0; i < ISO_SV_TOMBSTONES_MAX + 10; i++) {
            (void)iso_format(name, sizeof name, "app-%u", i);
            if (turn == 0) {
                CHECK_OK(site_put(&site, name, 1, NULL, 0));
                CHECK_OK(site_delete(&site, name, false));
            }
        }
        for (unsigned i = 0; i < ISO_SV_TOMBSTONES_MAX + 10; i++) {
            (void)iso_format(name, sizeof name, "app-%u", i);
            known += iso_sv_deployments_seen(site.deployments, iso_str_from_z(name)) != 0 ? 1 : 0;
        }
        CHECK(known >= ISO_SV_TOMBSTONES_MAX && known <= ISO_SV_TOMBSTONES_MAX + 1);
        site_close(&site);
        site_open(&site);
    }
    end(&site, rig);
}
