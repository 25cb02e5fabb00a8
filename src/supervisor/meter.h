/* meter.h - how often something happens, how long it takes and how much it moves. */
#ifndef ISO_SUPERVISOR_METER_H
#define ISO_SUPERVISOR_METER_H

#include "supervisor/core.h"

enum { ISO_SV_METER_SECONDS = 8 };

/* Zeroed memory is an empty meter. */
struct iso_sv_meter {
    uint64_t count;
    uint64_t bytes_in, bytes_out;
    uint64_t latency[ISO_SV_LATENCY_BUCKETS];
    uint64_t latency_sum_ns;
    /* Of the last whole seconds and the present one. */
    uint64_t second;
    uint32_t per_second[ISO_SV_METER_SECONDS];
};

/* One more, that took so long. */
void iso_sv_meter_add(struct iso_sv_meter *meter, uint64_t now_ns, uint64_t latency_ns);
/* How many a second, over the last seconds. */
double iso_sv_meter_rate(const struct iso_sv_meter *meter, uint64_t now_ns);
/* p in 0..1, in nanoseconds: the upper bound of the bucket; 0 when there is none. */
uint64_t iso_sv_meter_quantile(const struct iso_sv_meter *meter, double p);

#endif
