/* Numbers for objects, to be held in place of pointers: a number is never used twice, so that one
 * of an object that has gone finds nothing. */
#ifndef ISO_NET_COAP_SLOTS_H
#define ISO_NET_COAP_SLOTS_H

#include "base/base.h"

struct iso_coap_slot {
    void *object; /* NULL: free */
    uint32_t generation;
    uint32_t next_free;
};

struct iso_coap_slots {
    const struct iso_alloc *alloc;
    struct iso_coap_slot *slots;
    uint32_t capacity;
    uint32_t used;
    uint32_t max;
    uint32_t first_free; /* index + 1; 0: none */
    uint32_t fresh;      /* slots from here on were never used */
};

/* `alloc` is kept. At most `max` objects at once. Allocates nothing. */
void iso_coap_slots_init(struct iso_coap_slots *slots, const struct iso_alloc *alloc, uint32_t max);
void iso_coap_slots_fini(struct iso_coap_slots *slots);

/* A number for `object` (kept, not NULL); never 0. ISO_E_LIMIT, ISO_E_NOMEM. */
ISO_MUST_CHECK enum iso_err iso_coap_slots_add(struct iso_coap_slots *slots, void *object,
                                               uint64_t *out);
/* The object of a number, or NULL. */
void *iso_coap_slots_get(const struct iso_coap_slots *slots, uint64_t id);
/* The number is that of an object. */
void iso_coap_slots_remove(struct iso_coap_slots *slots, uint64_t id);

#endif
