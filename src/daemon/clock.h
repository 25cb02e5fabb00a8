/* clock.h - the time of day, as daemons write it. */
#ifndef ISO_DAEMON_CLOCK_H
#define ISO_DAEMON_CLOCK_H

#include <stdint.h>

/* Now, in nanoseconds since 1970. Any thread. */
uint64_t iso_clock_now_ns(void);
/* Such a time as "2026-01-31T12:00:00.000Z" (RFC 3339). Any thread. */
void iso_clock_text(uint64_t ns, char out[32]);

#endif
