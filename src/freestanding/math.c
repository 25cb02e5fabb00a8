/* math.c - the functions that the compiler calls where the processor has no instruction; see
 * include/math.h. Not in builds for machines with a C library. */
#include <math.h>

#include "freestanding/rounding.h"

#define DEFINE(name)                                                                               \
    double(name)(double x)                                                                         \
    {                                                                                              \
        return iso_soft_##name(x);                                                                 \
    }                                                                                              \
    float(name##f)(float x)                                                                        \
    {                                                                                              \
        return iso_soft_##name##f(x);                                                              \
    }
DEFINE(sqrt)
DEFINE(ceil)
DEFINE(floor)
DEFINE(trunc)
DEFINE(rint)
