/* Rates over the last seconds and latencies in buckets. */
#include "supervisor/meter.h"

static void turn(struct iso_sv_meter *meter, uint64_t second)
{
    uint64_t passed = second - meter->second;
    for (uint64_t i = 0; i < passed && i < ISO_SV_METER_SECONDS; i++) {
        meter->per_second[(meter->second + 1 + i) % ISO_SV_METER_SECONDS] = 0;
    }
    meter->second = second;
}

void iso_sv_meter_add(struct iso_sv_meter *meter, uint64_t now_ns, uint64_t latency_ns)
{
    uint64_t second = now_ns / 1000000000;
    if (second > meter->second) {
        turn(meter, second);
    }
    meter->per_second[second % ISO_SV_METER_SECONDS]++;
    meter->count++;
    meter->latency_sum_ns += latency_ns;
    unsigned bucket = 0;
    while (bucket < ISO_SV_LATENCY_BUCKETS - 1 && latency_ns >= (UINT64_C(1000) << bucket)) {
        bucket++;
    }
    meter->latency[bucket]++;
}

double iso_sv_meter_rate(const struct iso_sv_meter *meter, uint64_t now_ns)
{
    uint64_t second = now_ns / 1000000000;
    uint64_t sum = 0;
    /* The whole seconds before this one; the slot of this one is the only other. */
    for (uint64_t back = 1; back < ISO_SV_METER_SECONDS && back <= second; back++) {
        uint64_t at = second - back;
        if (at <= meter->second && meter->second - at < ISO_SV_METER_SECONDS) {
            sum += meter->per_second[at % ISO_SV_METER_SECONDS];
        }
    }
    return (double)sum / (ISO_SV_METER_SECONDS - 1);
}

uint64_t iso_sv_meter_quantile(const struct iso_sv_meter *meter, double p)
{
    uint64_t total = 0;
    for (unsigned i = 0; i < ISO_SV_LATENCY_BUCKETS; i++) {
        total += meter->latency[i];
    }
    double wanted = p * (double)total;
    uint64_t seen = 0;
    for (unsigned i = 0; total > 0 && i < ISO_SV_LATENCY_BUCKETS; i++) {
        seen += meter->latency[i];
        if ((double)seen >= wanted) {
            return UINT64_C(1000) << i;
        }
    }
    return 0;
}
