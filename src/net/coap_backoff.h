/* When to try again: capped exponential back-off with jitter, without clock or random numbers of
 * its own. */
#ifndef ISO_NET_COAP_BACKOFF_H
#define ISO_NET_COAP_BACKOFF_H

#include <stdint.h>

struct iso_coap_backoff {
    uint32_t first_ms;
    uint32_t max_ms;
    uint32_t next_ms; /* without jitter */
};

void iso_coap_backoff_init(struct iso_coap_backoff *backoff, uint32_t first_ms, uint32_t max_ms);

/* After a success: the next wait is the first one again. */
void iso_coap_backoff_reset(struct iso_coap_backoff *backoff);

/* How long to wait after one more failure: the step, 25 % less to 25 % more as `random` (any 32
 * bits) says, so that devices which lost the same switch do not come back all at once. */
uint32_t iso_coap_backoff_wait(struct iso_coap_backoff *backoff, uint32_t random);

#endif
