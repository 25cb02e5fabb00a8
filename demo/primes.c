/* The component of ./dev demo: counts primes by trial division, and knows nothing of being moved.
 */
#include "primes.h"

uint32_t primes_count(uint32_t limit)
{
    uint32_t found = 0;
    for (uint32_t n = 2; n < limit; n++) {
        uint32_t divisor = 2;
        while (divisor <= n / divisor && n % divisor != 0) {
            divisor++;
        }
        found += divisor > n / divisor;
    }
    return found;
}
