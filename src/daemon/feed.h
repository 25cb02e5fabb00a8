/* feed.h - a bounded list of the latest entries (log lines, events), each a JSON text with a
 * number, and those who follow it. Loop thread. */
#ifndef ISO_DAEMON_FEED_H
#define ISO_DAEMON_FEED_H

#include "base/base.h"

struct iso_feed_entry;

enum { ISO_FEED_TAIL_MAX = 1000000 }; /* so many entries can be asked for */

/* Told of each new entry. json is borrowed for the call. Must not subscribe or unsubscribe others.
 */
struct iso_follower {
    void (*entry)(void *ctx, uint64_t number, struct iso_str json);
    void *ctx;
    struct iso_follower *next, **link;
};

struct iso_feed {
    const struct iso_alloc *alloc;
    struct iso_feed_entry *first, *last;
    size_t bytes, max_bytes;
    uint64_t next_number; /* from 1, or where iso_feed_continue says */
    struct iso_follower *followers;
};

/* Entries together take at most max_bytes; the oldest go. alloc: kept. Allocates nothing. */
void iso_feed_init(struct iso_feed *feed, const struct iso_alloc *alloc, size_t max_bytes);
/* The next entry gets this number, unless numbers are there already: so that clients which saw
 * those of another life of the daemon, up to this one, go on where they were. */
void iso_feed_continue(struct iso_feed *feed, uint64_t number);
/* Its followers are forgotten. */
void iso_feed_fini(struct iso_feed *feed);
/* json: copied. An entry that memory is short for, or that is larger than max_bytes, is told to the
 * followers and not kept. Returns its number. */
uint64_t iso_feed_add(struct iso_feed *feed, struct iso_str json);
/* The first kept entry with a number above `after`; false when there is none. */
bool iso_feed_after(const struct iso_feed *feed, uint64_t after, uint64_t *number,
                    struct iso_str *json);
/* The number of the entry before the last `count` ones: where to begin for that many. */
uint64_t iso_feed_tail(const struct iso_feed *feed, size_t count);
/* follower: kept until unfollow. */
void iso_feed_follow(struct iso_feed *feed, struct iso_follower *follower);
void iso_feed_unfollow(struct iso_follower *follower);

#endif
