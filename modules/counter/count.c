/* count.c - the functions of counter.wit. As a service it keeps its number, also when it moves. */
#include "counter.h"

static uint32_t count;

uint32_t counting_increment(void)
{
    return ++count;
}

uint32_t counting_get_count(void)
{
    return count;
}
