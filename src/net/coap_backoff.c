/* Capped exponential back-off with jitter. */
#include "net/coap_backoff.h"

void iso_coap_backoff_init(struct iso_coap_backoff *backoff, uint32_t first_ms, uint32_t max_ms)
{
    backoff->first_ms = first_ms > 0 ? first_ms : 1;
    backoff->max_ms = max_ms > backoff->first_ms ? max_ms : backoff->first_ms;
    backoff->next_ms = backoff->first_ms;
}

void iso_coap_backoff_reset(struct iso_coap_backoff *backoff)
{
    backoff->next_ms = backoff->first_ms;
}

uint32_t iso_coap_backoff_wait(struct iso_coap_backoff *backoff, uint32_t random)
{
    uint64_t step = backoff->next_ms;
    backoff->next_ms = step * 2 > backoff->max_ms ? backoff->max_ms : (uint32_t)(step * 2);
    /* 3/4 .. 5/4 of the step. */
    uint64_t wait = step * 3 / 4 + (step / 2 * random >> 32);
    return wait > UINT32_MAX ? UINT32_MAX : (uint32_t)wait;
}
