/* caller.c - the world of caller.wit. */
#include "caller.h"

int32_t caller_twice(int32_t value)
{
    return calc_add(value, value);
}

struct caller_list_u8 caller_pass(struct caller_list_u8 data)
{
    struct caller_list_u8 result = calc_echo(data);
    caller_list_u8_free(&data);
    return result;
}

uint32_t caller_many(uint32_t times)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < times; i++) {
        sum = (uint32_t)calc_add((int32_t)sum, 1);
    }
    return sum;
}
