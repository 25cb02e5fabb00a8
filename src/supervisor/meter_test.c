/* Rates and latencies: what is counted where, and what is forgotten when. */
#include "supervisor/meter.h"

#include "base/test.h"

#define SECOND UINT64_C(1000000000)

TEST(the_rate_is_that_of_the_last_whole_seconds)
{
    struct iso_sv_meter meter = {.count = 0};
    for (uint64_t i = 0; i < 70; i++) {
        iso_sv_meter_add(&meter, 100 * SECOND + i * SECOND / 10, 1000);
    }
    CHECK_EQ_U64(meter.count, 70);
    CHECK_EQ_F64(iso_sv_meter_rate(&meter, 107 * SECOND), 10);
    CHECK_EQ_F64(iso_sv_meter_rate(&meter, 110 * SECOND), 40.0 / 7);
    CHECK_EQ_F64(iso_sv_meter_rate(&meter, 200 * SECOND), 0);
    /* After a pause, what was before it is not counted again. */
    iso_sv_meter_add(&meter, 300 * SECOND, 1000);
    CHECK_EQ_F64(iso_sv_meter_rate(&meter, 301 * SECOND), 1.0 / 7);
}

TEST(quantiles_are_upper_bounds_of_buckets)
{
    struct iso_sv_meter meter = {.count = 0};
    CHECK_EQ_U64(iso_sv_meter_quantile(&meter, 0.5), 0);
    for (unsigned i = 0; i < 99; i++) {
        iso_sv_meter_add(&meter, SECOND, 900);
    }
    iso_sv_meter_add(&meter, SECOND, 5000000);
    CHECK_EQ_U64(iso_sv_meter_quantile(&meter, 0.5), 1000);
    CHECK_EQ_U64(iso_sv_meter_quantile(&meter, 0.99), 1000);
    CHECK_EQ_U64(iso_sv_meter_quantile(&meter, 1), 8192000);
    CHECK_EQ_U64(meter.latency_sum_ns, 99 * 900 + 5000000);
    /* Beyond the last bucket there is none. */
    iso_sv_meter_add(&meter, SECOND, UINT64_MAX / 2);
    CHECK_EQ_U64(iso_sv_meter_quantile(&meter, 1), UINT64_C(1000) << (ISO_SV_LATENCY_BUCKETS - 1));
}
