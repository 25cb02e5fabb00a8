/* feed_test.c - feeds keep the latest entries within their bytes and tell those who follow. */
#include "daemon/feed.h"

#include "base/test.h"

static uint64_t add(struct iso_feed *feed, const char *text)
{
    return iso_feed_add(feed, iso_str_from_z(text));
}

TEST(entries_are_numbered_and_found_again)
{
    struct iso_feed feed;
    iso_feed_init(&feed, iso_alloc_libc(), 4096);
    uint64_t number = 0;
    struct iso_str json;
    CHECK(!iso_feed_after(&feed, 0, &number, &json));
    CHECK_EQ_U64(iso_feed_tail(&feed, 5), 0);
    CHECK_EQ_U64(add(&feed, "one"), 1);
    CHECK_EQ_U64(add(&feed, "two"), 2);
    CHECK_EQ_U64(add(&feed, "three"), 3);
    CHECK(iso_feed_after(&feed, 0, &number, &json) && number == 1);
    CHECK(iso_feed_after(&feed, 2, &number, &json) && number == 3);
    CHECK(iso_str_equal_z(json, "three"));
    CHECK(!iso_feed_after(&feed, 3, &number, &json));
    CHECK_EQ_U64(iso_feed_tail(&feed, 1), 2);
    CHECK_EQ_U64(iso_feed_tail(&feed, 9), 0);
    iso_feed_fini(&feed);
}

/* Who has seen a number of the life before gets what came after it, of both lives. */
TEST(numbers_go_on)
{
    struct iso_feed feed;
    iso_feed_init(&feed, iso_alloc_libc(), 4096);
    uint64_t number = 0;
    struct iso_str json;
    iso_feed_continue(&feed, 7);
    CHECK_EQ_U64(iso_feed_tail(&feed, 5), 6);
    CHECK_EQ_U64(add(&feed, "old"), 7);
    iso_feed_continue(&feed, 9);
    CHECK_EQ_U64(add(&feed, "older"), 9);
    iso_feed_continue(&feed, UINT64_C(5) << 32);
    CHECK_EQ_U64(add(&feed, "new"), UINT64_C(5) << 32);
    iso_feed_continue(&feed, 3); /* it never goes back */
    CHECK_EQ_U64(add(&feed, "newer"), (UINT64_C(5) << 32) + 1);
    CHECK(iso_feed_after(&feed, 7, &number, &json) && number == 9);
    CHECK(iso_feed_after(&feed, 9, &number, &json) && iso_str_equal_z(json, "new"));
    CHECK(iso_feed_after(&feed, 10000, &number, &json) && iso_str_equal_z(json, "new"));
    CHECK_EQ_U64(iso_feed_tail(&feed, 2), 9); /* the number before the last two */
    iso_feed_fini(&feed);
}

TEST(the_oldest_go_when_it_is_full)
{
    struct iso_feed feed;
    iso_feed_init(&feed, iso_alloc_libc(), 200);
    for (int i = 0; i < 100; i++) {
        (void)add(&feed, "0123456789012345678901234567890123456789");
        CHECK(feed.bytes <= 200);
    }
    uint64_t number = 0;
    struct iso_str json;
    CHECK(iso_feed_after(&feed, 0, &number, &json) && number > 90);
    char large[400];
    memset(large, 'x', sizeof large);
    CHECK_EQ_U64(iso_feed_add(&feed, iso_str_from(large, sizeof large)), 101);
    CHECK(!iso_feed_after(&feed, 100, &number, &json)); /* not kept, and nothing else lost */
    CHECK(iso_feed_after(&feed, 0, &number, &json));
    iso_feed_fini(&feed);
}

struct heard {
    struct iso_follower follower;
    uint64_t last;
    unsigned count;
    bool leave;
};

static void hear(void *ctx, uint64_t number, struct iso_str json)
{
    struct heard *heard = ctx;
    (void)json;
    heard->last = number;
    heard->count++;
    if (heard->leave) {
        iso_feed_unfollow(&heard->follower);
    }
}

TEST(followers_are_told_and_may_leave)
{
    struct iso_feed feed;
    iso_feed_init(&feed, iso_alloc_libc(), 1000);
    struct heard a = {.follower = {.entry = hear}}, b = {.follower = {.entry = hear}};
    a.follower.ctx = &a;
    b.follower.ctx = &b;
    iso_feed_follow(&feed, &a.follower);
    iso_feed_follow(&feed, &b.follower);
    (void)add(&feed, "x");
    b.leave = true;
    (void)add(&feed, "y");
    (void)add(&feed, "z");
    CHECK_EQ_U64(a.last, 3);
    CHECK_EQ_U64(b.count, 2);
    iso_feed_unfollow(&a.follower);
    iso_feed_unfollow(&a.follower); /* twice is fine */
    (void)add(&feed, "w");
    CHECK_EQ_U64(a.count, 3);
    iso_feed_fini(&feed);
}
