/* clock.c - the time of day, and its text (RFC 3339). */
#include "daemon/clock.h"

#include <stdio.h>
#include <time.h>

uint64_t iso_clock_now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void iso_clock_text(uint64_t ns, char out[32])
{
    const time_t seconds = (time_t)(ns / 1000000000u);
    struct tm utc;
    char date[24] = "";
    if (gmtime_r(&seconds, &utc) != NULL) {
        (void)strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &utc);
    }
    (void)snprintf(out, 32, "%s.%03uZ", date, (unsigned)(ns / 1000000u % 1000u));
}
