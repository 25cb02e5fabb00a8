/* The waits between attempts grow to their cap, spread, and begin anew after a success. */
#include "base/test.h"
#include "net/coap_backoff.h"

TEST(waits_double_up_to_the_cap_and_start_again_after_a_success)
{
    struct iso_coap_backoff backoff;
    iso_coap_backoff_init(&backoff, 100, 1000);
    /* 2^31 is the middle of the spread: the step itself. */
    CHECK_EQ_U64(iso_coap_backoff_wait(&backoff, 1u << 31), 100);
    CHECK_EQ_U64(iso_coap_backoff_wait(&backoff, 1u << 31), 200);
    CHECK_EQ_U64(iso_coap_backoff_wait(&backoff, 1u << 31), 400);
    CHECK_EQ_U64(iso_coap_backoff_wait(&backoff, 1u << 31), 800);
    CHECK_EQ_U64(iso_coap_backoff_wait(&backoff, 1u << 31), 1000);
    CHECK_EQ_U64(iso_coap_backoff_wait(&backoff, 1u << 31), 1000);
    iso_coap_backoff_reset(&backoff);
    CHECK_EQ_U64(iso_coap_backoff_wait(&backoff, 1u << 31), 100);
}

TEST(random_bits_spread_a_wait_by_a_quarter_each_way)
{
    struct iso_coap_backoff backoff;
    iso_coap_backoff_init(&backoff, 1000, 1000);
    CHECK_EQ_U64(iso_coap_backoff_wait(&backoff, 0), 750);
    CHECK_EQ_U64(iso_coap_backoff_wait(&backoff, UINT32_MAX), 1249);
}

TEST(odd_configurations_still_wait)
{
    struct iso_coap_backoff backoff;
    iso_coap_backoff_init(&backoff, 0, 0);
    CHECK_EQ_U64(backoff.first_ms, 1);
    CHECK_EQ_U64(backoff.max_ms, 1);
    iso_coap_backoff_init(&backoff, UINT32_MAX, 5);
    CHECK(iso_coap_backoff_wait(&backoff, UINT32_MAX) == UINT32_MAX);
    CHECK(iso_coap_backoff_wait(&backoff, 0) > 3000000000u);
}
