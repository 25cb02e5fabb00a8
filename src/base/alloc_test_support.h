/* An allocator for tests: counts what is live, fails where told, notices wrong sizes.
 *
 *     struct iso_alloc_test memory;
 *     iso_alloc_test_init(&memory);
 *     memory.fail_at = 3;                        // the third allocation or growth fails
 *     enum iso_err err = thing_create(&memory.alloc, &thing);
 *     ...
 *     CHECK_EQ_U64(memory.live_bytes, 0);        // nothing leaked
 *
 * Freeing with a size other than the block's, or freeing twice, fails an ISO_ASSERT. Not
 * thread-safe. */
#ifndef ISO_BASE_ALLOC_TEST_SUPPORT_H
#define ISO_BASE_ALLOC_TEST_SUPPORT_H

#include "base/alloc.h"

#include <stdint.h>

struct iso_alloc_test {
    struct iso_alloc alloc; /* hand &alloc to the code under test */
    size_t live_bytes;
    size_t live_blocks;
    size_t peak_bytes;
    uint64_t requests;  /* allocations and growths so far, the failed one included */
    uint64_t fail_at;   /* the number of the request that fails, counting from 1; 0: none */
    bool fail_all_from; /* every request from fail_at on fails, not only that one */
    bool failed;        /* a request was made to fail */
    size_t max_bytes;   /* a request that would pass this fails; SIZE_MAX after init */
};

/* No failures set, nothing live. The structure must not move while blocks are live. */
void iso_alloc_test_init(struct iso_alloc_test *test);

/* Sets up a fresh run whose request number `fail_at` fails. Nothing may be live. */
void iso_alloc_test_restart(struct iso_alloc_test *test, uint64_t fail_at);

#endif
