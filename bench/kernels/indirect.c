/* indirect: calls through a table of eight functions, chosen by the data. */
#include "kernel.h"

typedef uint32_t operation(uint32_t value, uint32_t argument);

static uint32_t op_add(uint32_t value, uint32_t argument)
{
    return value + argument;
}
static uint32_t op_subtract(uint32_t value, uint32_t argument)
{
    return value - argument * 3;
}
static uint32_t op_mask(uint32_t value, uint32_t argument)
{
    return value ^ (argument & 0x55aa55aa);
}
static uint32_t op_shift(uint32_t value, uint32_t argument)
{
    return value << (argument & 7) | value >> 25;
}
static uint32_t op_multiply(uint32_t value, uint32_t argument)
{
    return value * (argument | 1);
}
static uint32_t op_larger(uint32_t value, uint32_t argument)
{
    return value > argument ? value : argument ^ value;
}
static uint32_t op_swap(uint32_t value, uint32_t argument)
{
    return (value >> 16 | value << 16) + argument;
}
static uint32_t op_step(uint32_t value, uint32_t argument)
{
    return value & 1 ? value * 3 + 1 : (value >> 1) + argument;
}

static operation *const table[8] = {op_add,      op_subtract, op_mask, op_shift,
                                    op_multiply, op_larger,   op_swap, op_step};
static uint8_t code[61]; /* short, so that native branch prediction learns it */

uint64_t run(uint32_t n)
{
    uint32_t seed = 31337, value = 1;

    for (uint32_t i = 0; i < sizeof code; i++)
        code[i] = (uint8_t)(random_next(&seed) >> 8);
    for (uint32_t round = 0; round < n; round++) {
        for (uint32_t i = 0; i < sizeof code; i++)
            value = table[code[i] & 7](value, i + round);
    }
    return value;
}
