/* fixed_main.c - an export without parameters, for engines whose command line passes none. */
#include "kernels/kernel.h"

uint64_t run_fixed(void);

__attribute__((export_name("run_fixed"))) uint64_t run_fixed(void)
{
    return run(FIXED_N);
}
