/* feed.c - a list of entries with a bound on their bytes; see feed.h. */
#include "daemon/feed.h"

struct iso_feed_entry {
    struct iso_feed_entry *next;
    uint64_t number;
    size_t len;
    char text[];
};

static size_t size_of(size_t len)
{
    return sizeof(struct iso_feed_entry) + len;
}

void iso_feed_init(struct iso_feed *feed, const struct iso_alloc *alloc, size_t max_bytes)
{
    *feed = (struct iso_feed){.alloc = alloc, .max_bytes = max_bytes, .next_number = 1};
}

void iso_feed_continue(struct iso_feed *feed, uint64_t number)
{
    if (number > feed->next_number) {
        feed->next_number = number;
    }
}

static void drop_first(struct iso_feed *feed)
{
    struct iso_feed_entry *entry = feed->first;
    feed->first = entry->next;
    if (feed->first == NULL) {
        feed->last = NULL;
    }
    feed->bytes -= size_of(entry->len);
    iso_alloc_free(feed->alloc, entry, size_of(entry->len));
}

void iso_feed_fini(struct iso_feed *feed)
{
    while (feed->first != NULL) {
        drop_first(feed);
    }
    while (feed->followers != NULL) {
        iso_feed_unfollow(feed->followers);
    }
}

static void keep(struct iso_feed *feed, uint64_t number, struct iso_str json)
{
    const size_t size = size_of(json.len);
    if (size > feed->max_bytes) {
        return;
    }
    struct iso_feed_entry *entry = iso_alloc_new(feed->alloc, size);
    if (entry == NULL) {
        return;
    }
    while (feed->bytes + size > feed->max_bytes) {
        drop_first(feed);
    }
    entry->number = number;
    entry->len = json.len;
    iso_memory_copy(entry->text, json.ptr, json.len);
    if (feed->last != NULL) {
        feed->last->next = entry;
    } else {
        feed->first = entry;
    }
    feed->last = entry;
    feed->bytes += size;
}

uint64_t iso_feed_add(struct iso_feed *feed, struct iso_str json)
{
    const uint64_t number = feed->next_number++;
    keep(feed, number, json);
    struct iso_follower *next;
    for (struct iso_follower *follower = feed->followers; follower != NULL; follower = next) {
        next = follower->next; /* it may unfollow itself */
        follower->entry(follower->ctx, number, json);
    }
    return number;
}

bool iso_feed_after(const struct iso_feed *feed, uint64_t after, uint64_t *number,
                    struct iso_str *json)
{
    for (const struct iso_feed_entry *entry = feed->first; entry != NULL; entry = entry->next) {
        if (entry->number > after) {
            *number = entry->number;
            *json = iso_str_from(entry->text, entry->len);
            return true;
        }
    }
    return false;
}

uint64_t iso_feed_tail(const struct iso_feed *feed, size_t count)
{
    size_t kept = 0;
    for (const struct iso_feed_entry *entry = feed->first; entry != NULL; entry = entry->next) {
        kept++;
    }
    const struct iso_feed_entry *entry = feed->first;
    uint64_t before = entry != NULL ? entry->number - 1 : feed->next_number - 1;
    for (; kept > count; kept--) {
        before = entry->number;
        entry = entry->next;
    }
    return before;
}

void iso_feed_follow(struct iso_feed *feed, struct iso_follower *follower)
{
    follower->next = feed->followers;
    follower->link = &feed->followers;
    if (follower->next != NULL) {
        follower->next->link = &follower->next;
    }
    feed->followers = follower;
}

void iso_feed_unfollow(struct iso_follower *follower)
{
    if (follower->link == NULL) {
        return;
    }
    *follower->link = follower->next;
    if (follower->next != NULL) {
        follower->next->link = follower->link;
    }
    follower->next = NULL;
    follower->link = NULL;
}
