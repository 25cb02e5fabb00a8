/* A component moves from one device to another with its state: the whole way, every wrong order,
 * what repeats, and restarts at either end at every point. */
#include "supervisor/deployment_test_support.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "platform/platform.h"
#include "supervisor/document_test_support.h"

static const struct part source_part = {"count", RIG_UNIT, 12, true, ""};
static const struct part target_part = {"count", RIG_UNIT, 13, true,
                                        ",\"from\":{\"snapshot\":true}"};
static const char target_peer[] =
    ",\"peers\":{\"den\":{\"device\":\"den\",\"connect\":{\"addresses\":[\"127.0.0.1:1\"],"
    "\"identity\":\"a\",\"key\":\"" TEST_KEY_A "\"}}}";

struct pair {
    struct rig *rig;
    struct site from, to;
};

static void end(struct pair *pair)
{
    site_fini(&pair->from);
    site_fini(&pair->to);
    rig_stop(pair->rig);
}

/* Generation 1 runs at `from` and has counted to 3. */
static void begin(struct pair *pair)
{
    pair->rig = rig_start(NULL);
    site_init(&pair->from, pair->rig);
    site_init(&pair->to, pair->rig);
    site_open(&pair->from);
    site_open(&pair->to);
    site_module(&pair->from, RIG_UNIT);
    site_module(&pair->to, RIG_UNIT);
    CHECK_OK(site_prepare(&pair->from, "app", 1, &source_part, 1, ""));
    CHECK_OK(site_commit(&pair->from, "app", 1));
    CHECK_STR(site_call(&pair->from, "app", "count", "bump"), "done 1");
    CHECK_STR(site_call(&pair->from, "app", "count", "bump"), "done 2");
    CHECK_STR(site_call(&pair->from, "app", "count", "bump"), "done 3");
}

static void restart(struct site *site)
{
    site_close(site);
    site_open(site);
}

/* The places at which an end is restarted; bit i: before step i. */
static void move(struct pair *pair, unsigned from_restarts, unsigned to_restarts)
{
    struct site *from = &pair->from, *to = &pair->to;
#define STEP(i)                                                                                    \
    if ((from_restarts >> (i)) & 1u) {                                                             \
        restart(from);                                                                             \
    }                                                                                              \
    if ((to_restarts >> (i)) & 1u) {                                                               \
        restart(to);                                                                               \
    }
    CHECK_OK(site_prepare(to, "app", 2, &target_part, 1, ""));
    CHECK_OK(site_prepare(from, "app", 2, NULL, 0, target_peer));
    CHECK_OK(site_freeze(from, "app", "count", 12));
    STEP(0)
    CHECK_OK(site_fetch(from, "app", "count"));
    STEP(1)
    if (iso_sv_deployments_prepared(to->deployments, iso_str_from_z("app")) == NULL) {
        CHECK_OK(site_prepare(to, "app", 2, &target_part, 1, ""));
    }
    CHECK_OK(site_hold(to, "app", "count", from));
    STEP(2)
    CHECK_CONTAINS(site_status(to, "app"), "\"move\":\"held\"");
    CHECK_OK(site_commit(to, "app", 2));
    STEP(3)
    CHECK_CONTAINS(site_call(to, "app", "count", "bump"), "moved");
    CHECK_OK(site_own(to, "app", "count", 13));
    CHECK_OK(site_own(to, "app", "count", 13));
    STEP(4)
    if (iso_sv_deployments_prepared(from->deployments, iso_str_from_z("app")) == NULL) {
        CHECK_OK(site_prepare(from, "app", 2, NULL, 0, target_peer));
    }
    CHECK_OK(site_release(from, "app", "count", 13, "den"));
    CHECK_OK(site_release(from, "app", "count", 13, "den"));
    CHECK_CONTAINS(site_status(from, "app"), "\"state\":\"stopped\",\"move\":\"released\"");
    STEP(5)
    CHECK_CONTAINS(site_call(from, "app", "count", "bump"), "moved");
    if (iso_sv_deployments_prepared(from->deployments, iso_str_from_z("app")) == NULL) {
        CHECK_OK(site_prepare(from, "app", 2, NULL, 0, target_peer));
    }
    CHECK_OK(site_commit(from, "app", 2));
    STEP(6)
    CHECK_STR(site_call(from, "app", "count", "bump"), "moved");
    CHECK_ERR(site_put(from, "app", 3, &source_part, 1), ISO_E_STATE);
#undef STEP
}

TEST(a_component_moves_with_its_state)
{
    struct pair pair;
    begin(&pair);
    move(&pair, 0, 0);
    CHECK_STR(site_call(&pair.to, "app", "count", "bump"), "done 4");
    CHECK_EQ_U64(pair.from.relays, 1);
    CHECK_CONTAINS(pair.from.told, "app/count frozen;app/count released;app committed;");
    CHECK_CONTAINS(pair.to.told, "app prepared;app/count held;app committed;app/count owned;");
    CHECK(!site_has_file(&pair.from, "snapshots/app.count.source"));
    CHECK(!site_has_file(&pair.to, "snapshots/app.count.target"));
    CHECK(!site_has_file(&pair.to, "deployments/app.next"));
    end(&pair);
}

/* The bytes of a file of a site, to be put back later. */
static void keep(const struct site *site, const char *name, uint8_t **bytes, size_t *len)
{
    char path[ISO_PATH_MAX];
    struct iso_file file;
    CHECK(iso_path_join(path, site->dir, name));
    CHECK_OK(iso_file_read(path, 1u << 20, &file, NULL));
    *len = file.bytes.len;
    *bytes = malloc(*len);
    CHECK(*bytes != NULL);
    memcpy(*bytes, file.bytes.ptr, *len);
    iso_file_fini(&file);
}

static void put_back(const struct site *site, const char *name, uint8_t *bytes, size_t len)
{
    char path[ISO_PATH_MAX];
    CHECK(iso_path_join(path, site->dir, name));
    CHECK_OK(iso_file_write_atomic(path, iso_bytes_from(bytes, len), NULL));
    free(bytes);
}

/* The removal of files that mean nothing any more is not synced: after a power cut they may be
 * there again. The state is not used a second time, and they go. */
TEST(files_that_come_back_are_not_used)
{
    struct pair pair;
    uint8_t *source, *target, *next;
    size_t source_len, target_len, next_len;
    begin(&pair);
    struct site *from = &pair.from, *to = &pair.to;
    CHECK_OK(site_prepare(to, "app", 2, &target_part, 1, ""));
    CHECK_OK(site_prepare(from, "app", 2, NULL, 0, target_peer));
    CHECK_OK(site_freeze(from, "app", "count", 12));
    CHECK_OK(site_fetch(from, "app", "count"));
    CHECK_OK(site_hold(to, "app", "count", from));
    keep(from, "snapshots/app.count.source", &source, &source_len);
    keep(to, "snapshots/app.count.target", &target, &target_len);
    keep(to, "deployments/app.next", &next, &next_len);
    CHECK_OK(site_commit(to, "app", 2));
    CHECK_OK(site_own(to, "app", "count", 13));
    CHECK_STR(site_call(to, "app", "count", "bump"), "done 4");
    CHECK_OK(site_release(from, "app", "count", 13, "den"));
    site_close(from);
    site_close(to);
    put_back(from, "snapshots/app.count.source", source, source_len);
    put_back(to, "snapshots/app.count.target", target, target_len);
    put_back(to, "deployments/app.next", next, next_len);
    site_open(from);
    site_open(to);
    CHECK_CONTAINS(site_call(from, "app", "count", "bump"), "moved");
    CHECK_STR(site_call(to, "app", "count", "bump"), "done 1"); /* a restart, as of any service */
    CHECK(iso_sv_deployments_prepared(to->deployments, iso_str_from_z("app")) == NULL);
    CHECK(!site_has_file(from, "snapshots/app.count.source"));
    CHECK(!site_has_file(to, "snapshots/app.count.target"));
    RIG_UNTIL(pair.rig, !site_has_file(to, "deployments/app.next"));
    end(&pair);
}

TEST(the_source_may_be_restarted_at_any_point)
{
    for (unsigned step = 0; step <= 6; step++) {
        struct pair pair;
        begin(&pair);
        move(&pair, 1u << step, 0);
        CHECK_STR(site_call(&pair.to, "app", "count", "bump"), "done 4");
        end(&pair);
    }
}

TEST(the_target_may_be_restarted_at_any_point)
{
    for (unsigned step = 0; step <= 6; step++) {
        struct pair pair;
        begin(&pair);
        move(&pair, 0, 1u << step);
        /* Once owned, a restart is that of any service. */
        CHECK_STR(site_call(&pair.to, "app", "count", "bump"), step < 4 ? "done 4" : "done 1");
        end(&pair);
    }
}

/* What is remembered of calls goes ahead; the snapshot has what ended since. Both ends are
 * restarted, after which each knows all of it again. */
TEST(what_is_remembered_goes_ahead)
{
    for (unsigned restarts = 0; restarts < 2; restarts++) {
        struct pair pair;
        begin(&pair);
        struct site *from = &pair.from, *to = &pair.to;
        from->remembered = 0xff;
        CHECK_OK(site_prepare(to, "app", 2, &target_part, 1, ""));
        CHECK_OK(site_prepare(from, "app", 2, NULL, 0, target_peer));
        CHECK_OK(site_ahead_get(from, "app", "count"));
        CHECK_OK(site_ahead_put(to, "app", "count", from));
        CHECK_OK(site_ahead_put(to, "app", "count", from));
        CHECK_STR(site_call(from, "app", "count", "bump"), "done 4"); /* it runs on */
        from->remembered = 0x1ff;
        CHECK_OK(site_freeze_and_get(from, "app", "count", 12));
        CHECK_EQ_U64(iso_load_u64le(from->bytes + from->len - 8), 0x100);
        CHECK_CONTAINS(site_status(from, "app"), "\"move\":\"sent\"");
        if (restarts != 0) {
            restart(from);
            CHECK_OK(site_freeze_and_get(from, "app", "count", 12)); /* the same, from disk */
            CHECK_EQ_U64(iso_load_u64le(from->bytes + from->len - 8), 0x100);
        }
        CHECK_OK(site_hold(to, "app", "count", from));
        CHECK_OK(site_ahead_put(to, "app", "count", from));
        if (restarts != 0) {
            restart(to);
        }
        CHECK_EQ_U64(to->remembered, 0x1ff);
        CHECK_OK(site_commit(to, "app", 2));
        CHECK_OK(site_own(to, "app", "count", 13));
        CHECK_STR(site_call(to, "app", "count", "bump"), "done 5");
        if (iso_sv_deployments_prepared(from->deployments, iso_str_from_z("app")) == NULL) {
            CHECK_OK(site_prepare(from, "app", 2, NULL, 0, target_peer));
        }
        CHECK_OK(site_release(from, "app", "count", 13, "den"));
        CHECK(!site_has_file(from, "snapshots/app.count.source-calls"));
        CHECK(!site_has_file(to, "snapshots/app.count.target-calls"));
        /* From there, with nothing ahead of it: all is in the snapshot. */
        CHECK_OK(site_freeze_and_get(to, "app", "count", 13));
        CHECK_EQ_U64(iso_load_u32le(to->bytes + 4), 1);
        CHECK_EQ_U64(iso_load_u64le(to->bytes + to->len - 8), 0x1ff);
        end(&pair);
    }
}

/* A target that lost what went ahead says so, and is given it again: the source still has it. */
TEST(what_went_ahead_must_be_there)
{
    struct pair pair;
    begin(&pair);
    struct site *from = &pair.from, *to = &pair.to, other = {.bytes = NULL};
    from->remembered = 0xf;
    CHECK_ERR(site_ahead_put(to, "app", "count", from), ISO_E_NOT_FOUND);
    CHECK_OK(site_prepare(to, "app", 2, &target_part, 1, ""));
    CHECK_OK(site_ahead_get(from, "app", "count"));
    CHECK_OK(site_ahead_put(to, "app", "count", from));
    restart(to);
    CHECK_OK(site_prepare(to, "app", 2, &target_part, 1, ""));
    from->remembered = 0x1f;
    CHECK_OK(site_freeze_and_get(from, "app", "count", 12));
    CHECK_ERR(site_hold(to, "app", "count", from), ISO_E_STATE);
    CHECK_STR(to->report.text,
              "what the component remembers of calls has to come before its snapshot");
    other.bytes = from->bytes;
    other.len = from->len;
    from->bytes = NULL;
    from->len = 0;
    CHECK_OK(site_ahead_get(from, "app", "count"));
    CHECK_OK(site_ahead_put(to, "app", "count", from));
    CHECK_OK(site_hold(to, "app", "count", &other));
    CHECK_EQ_U64(to->remembered, 0x1f);
    iso_alloc_free(rig_alloc(), other.bytes, other.len);
    /* Taken back, nothing of it is left; the next snapshot is whole. */
    CHECK_OK(site_abort(to, "app", 2));
    CHECK(!site_has_file(to, "snapshots/app.count.target-calls"));
    CHECK_OK(site_move_abort(from, "app", "count"));
    CHECK(!site_has_file(from, "snapshots/app.count.source-calls"));
    CHECK_OK(site_freeze_and_get(from, "app", "count", 12));
    CHECK_EQ_U64(iso_load_u64le(from->bytes + from->len - 8), 0x1f);
    CHECK_ERR(site_ahead_get(from, "app", "count"), ISO_E_STATE);
    CHECK_CONTAINS(from->report.text, "nothing of 'count' went ahead of its state");
    end(&pair);
}

TEST(abort_lets_the_source_go_on)
{
    for (unsigned restarted = 0; restarted < 2; restarted++) {
        struct pair pair;
        begin(&pair);
        CHECK_OK(site_freeze(&pair.from, "app", "count", 12));
        CHECK_CONTAINS(site_call(&pair.from, "app", "count", "bump"), "moved");
        CHECK_OK(site_fetch(&pair.from, "app", "count"));
        if (restarted != 0) {
            restart(&pair.from);
            CHECK_CONTAINS(site_status(&pair.from, "app"), "\"move\":\"sent\"");
            CHECK_CONTAINS(site_call(&pair.from, "app", "count", "bump"), "moved");
        }
        CHECK_OK(site_move_abort(&pair.from, "app", "count"));
        CHECK_OK(site_move_abort(&pair.from, "app", "count"));
        CHECK_STR(site_call(&pair.from, "app", "count", "bump"), "done 4");
        CHECK(!site_has_file(&pair.from, "snapshots/app.count.source"));
        /* And once more from the beginning. */
        move(&pair, 0, 0);
        CHECK_STR(site_call(&pair.to, "app", "count", "bump"), "done 5");
        end(&pair);
    }
}

TEST(abort_at_the_target_gives_the_generation_up)
{
    struct pair pair;
    begin(&pair);
    CHECK_OK(site_prepare(&pair.to, "app", 2, &target_part, 1, ""));
    CHECK_OK(site_freeze(&pair.from, "app", "count", 12));
    CHECK_OK(site_fetch(&pair.from, "app", "count"));
    CHECK_OK(site_hold(&pair.to, "app", "count", &pair.from));
    CHECK_OK(site_hold(&pair.to, "app", "count", &pair.from));
    pair.from.bytes[pair.from.len - 1] ^= 1;
    CHECK_ERR(site_hold(&pair.to, "app", "count", &pair.from), ISO_E_STATE);
    pair.from.bytes[pair.from.len - 1] ^= 1;
    CHECK_ERR(site_prepare(&pair.to, "app", 3, NULL, 0, ""), ISO_E_STATE);
    CHECK_OK(site_move_abort(&pair.to, "app", "count"));
    CHECK_STR(site_status(&pair.to, "app"), "");
    CHECK(!site_has_file(&pair.to, "deployments/app.next"));
    CHECK(!site_has_file(&pair.to, "snapshots/app.count.target"));
    restart(&pair.to);
    CHECK_STR(site_status(&pair.to, "app"), "");
    CHECK_OK(site_move_abort(&pair.from, "app", "count"));
    CHECK_STR(site_call(&pair.from, "app", "count", "bump"), "done 4");
    end(&pair);
}

TEST(a_freeze_that_nobody_used_ends_by_itself)
{
    struct pair pair;
    pair.rig = rig_start(NULL);
    site_init(&pair.from, pair.rig);
    pair.from.config.frozen_ms = 1;
    site_open(&pair.from);
    site_module(&pair.from, RIG_UNIT);
    CHECK_OK(site_put(&pair.from, "app", 1, &source_part, 1));
    CHECK_STR(site_call(&pair.from, "app", "count", "bump"), "done 1");
    CHECK_OK(site_freeze(&pair.from, "app", "count", 12));
    RIG_UNTIL(pair.rig, strstr(pair.from.told, "app/count thawed;") != NULL);
    CHECK_STR(site_call(&pair.from, "app", "count", "bump"), "done 2");
    CHECK_ERR(site_fetch(&pair.from, "app", "count"), ISO_E_STATE);
    /* Over a restart, too. */
    site_close(&pair.from);
    pair.from.config.frozen_ms = 0;
    site_open(&pair.from);
    CHECK_STR(site_call(&pair.from, "app", "count", "bump"), "done 1");
    CHECK_OK(site_freeze(&pair.from, "app", "count", 12));
    site_close(&pair.from);
    pair.from.config.frozen_ms = 1;
    site_open(&pair.from);
    RIG_UNTIL(pair.rig, strstr(pair.from.told, "app/count thawed;") != NULL);
    CHECK_STR(site_call(&pair.from, "app", "count", "bump"), "done 2");
    site_fini(&pair.from);
    rig_stop(pair.rig);
}

TEST(wrong_orders_are_refused)
{
    struct pair pair;
    begin(&pair);
    struct site *from = &pair.from, *to = &pair.to;
    CHECK_ERR(site_freeze(from, "app", "count", 11), ISO_E_STATE);
    CHECK_STR(from->report.text, "the component 'count' has epoch 12, not 11");
    CHECK_ERR(site_freeze(from, "app", "other", 12), ISO_E_NOT_FOUND);
    CHECK_ERR(site_freeze(from, "none", "count", 12), ISO_E_NOT_FOUND);
    CHECK_ERR(site_fetch(from, "app", "count"), ISO_E_STATE);
    CHECK_STR(from->report.text, "the component 'count' is not frozen; freeze it first");
    CHECK_ERR(site_release(from, "app", "count", 13, "den"), ISO_E_STATE);
    CHECK_ERR(site_own(from, "app", "count", 13), ISO_E_STATE);
    CHECK_OK(site_own(from, "app", "count", 12));
    CHECK_OK(site_move_abort(from, "app", "count"));
    CHECK_ERR(site_hold(to, "app", "count", from), ISO_E_NOT_FOUND);
    CHECK_ERR(site_put(to, "app", 2, &target_part, 1), ISO_E_STATE);
    CHECK_STR(to->report.text, "the component 'count' has not been given its snapshot yet");
    CHECK_OK(site_prepare(from, "app", 2, NULL, 0, target_peer));
    CHECK_OK(site_freeze(from, "app", "count", 12));
    CHECK_OK(site_freeze(from, "app", "count", 12));
    CHECK_ERR(site_release(from, "app", "count", 13, "den"), ISO_E_STATE);
    CHECK_STR(from->report.text, "the component 'count' is frozen; only one whose snapshot was "
                                 "fetched can be released");
    CHECK_OK(site_fetch(from, "app", "count"));
    CHECK_ERR(site_commit(from, "app", 2), ISO_E_STATE);
    CHECK_STR(from->report.text,
              "the component 'count' is frozen for a move; release or abort it first");
    CHECK_ERR(site_release(from, "app", "count", 12, "den"), ISO_E_STATE);
    CHECK_ERR(site_release(from, "app", "count", 13, "attic"), ISO_E_INVALID);
    CHECK_OK(site_hold(to, "app", "count", from));
    CHECK_ERR(site_own(to, "app", "count", 13), ISO_E_STATE);
    CHECK_STR(to->report.text,
              "generation 2, which holds 'count', is not committed; commit it first");
    CHECK_OK(site_commit(to, "app", 2));
    CHECK_ERR(site_own(to, "app", "count", 14), ISO_E_STATE);
    CHECK_ERR(site_move_abort(to, "app", "count"), ISO_E_STATE);
    CHECK_OK(site_own(to, "app", "count", 13));
    CHECK_OK(site_release(from, "app", "count", 13, "den"));
    CHECK_ERR(site_move_abort(from, "app", "count"), ISO_E_STATE);
    CHECK_STR(from->report.text,
              "the component 'count' was released to epoch 13; it runs elsewhere");
    CHECK_ERR(site_fetch(from, "app", "count"), ISO_E_STATE);
    CHECK_ERR(site_freeze(from, "app", "count", 12), ISO_E_STATE);
    CHECK_STR(site_call(to, "app", "count", "bump"), "done 4");
    end(&pair);
}

TEST(a_snapshot_that_is_none_is_refused)
{
    struct pair pair;
    begin(&pair);
    CHECK_OK(site_freeze(&pair.from, "app", "count", 12));
    CHECK_OK(site_fetch(&pair.from, "app", "count"));
    for (size_t i = 0; i < 40; i++) {
        CHECK_OK(site_prepare(&pair.to, "app", 2, &target_part, 1, ""));
        uint8_t *byte = &pair.from.bytes[i];
        *byte ^= 0x55;
        enum iso_err err = site_hold(&pair.to, "app", "count", &pair.from);
        if (err != ISO_OK) {
            CHECK_ERR(err, ISO_E_SNAPSHOT);
            CHECK_CONTAINS(pair.to.report.text, "; the prepared generation has been aborted");
            CHECK_STR(site_status(&pair.to, "app"), "");
        } else {
            CHECK_OK(site_abort(&pair.to, "app", 2));
        }
        *byte ^= 0x55;
    }
    CHECK_OK(site_prepare(&pair.to, "app", 2, &target_part, 1, ""));
    CHECK_OK(site_hold(&pair.to, "app", "count", &pair.from));
    end(&pair);
}

TEST(a_damaged_snapshot_on_disk_is_noticed)
{
    struct pair pair;
    char path[128];
    begin(&pair);
    CHECK_OK(site_freeze(&pair.from, "app", "count", 12));
    (void)iso_format(path, sizeof path, "%s/snapshots/app.count.source", pair.from.dir);
    int fd = open(path, O_WRONLY);
    CHECK(fd >= 0 && pwrite(fd, "?", 1, 100) == 1);
    (void)close(fd);
    CHECK_ERR(site_fetch(&pair.from, "app", "count"), ISO_E_IO);
    CHECK_CONTAINS(pair.from.report.text, "is damaged; abort the move");
    CHECK_OK(site_move_abort(&pair.from, "app", "count"));
    CHECK_STR(site_call(&pair.from, "app", "count", "bump"), "done 4");
    end(&pair);
}
