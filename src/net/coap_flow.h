/* How much of what was sent over TCP or TLS the other side has read.
 *
 * A stream arrives in order, so an answer to something shows that everything sent before it was
 * read; where no answer is due, a ping (RFC 8323, section 5.4) asks. libcoap queues without limit
 * what the socket does not take: this is what limits it. */
#ifndef ISO_NET_COAP_FLOW_H
#define ISO_NET_COAP_FLOW_H

#include "net/coap_limits.h"

#include <stdbool.h>
#include <stdint.h>

struct iso_coap_flow {
    uint64_t sent;      /* bytes since the session began */
    uint64_t confirmed; /* of these, surely read */
    uint64_t pinged;    /* sent when the ping under way was */
    bool ping_under_way;
};

static inline uint64_t iso_coap_flow_unread(const struct iso_coap_flow *flow)
{
    return flow->sent - flow->confirmed;
}

/* Returns true when a ping should be sent now; it then counts as sent. */
static inline bool iso_coap_flow_sent(struct iso_coap_flow *flow, uint64_t bytes)
{
    flow->sent += bytes;
    if (flow->ping_under_way || iso_coap_flow_unread(flow) < ISO_COAP_PING_BYTES) {
        return false;
    }
    flow->ping_under_way = true;
    flow->pinged = flow->sent;
    return true;
}

static inline void iso_coap_flow_confirm(struct iso_coap_flow *flow, uint64_t position)
{
    if (position > flow->confirmed) {
        flow->confirmed = position;
    }
}

static inline void iso_coap_flow_pong(struct iso_coap_flow *flow)
{
    if (flow->ping_under_way) {
        flow->ping_under_way = false;
        iso_coap_flow_confirm(flow, flow->pinged);
    }
}

#endif
