/* fib: the naive doubly recursive Fibonacci number. Nothing but calls. */
#include "kernel.h"

static KERNEL_NOINLINE uint32_t fib(uint32_t n)
{
    if (n < 2)
        return n;
    return fib(n - 1) + fib(n - 2);
}

uint64_t run(uint32_t n)
{
    return fib(n);
}
