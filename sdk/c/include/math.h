/* math.h - the functions that are instructions of WebAssembly. */
#ifndef ISOMER_SDK_MATH_H
#define ISOMER_SDK_MATH_H

#define sqrt(x) __builtin_sqrt(x)
#define sqrtf(x) __builtin_sqrtf(x)
#define fabs(x) __builtin_fabs(x)
#define fabsf(x) __builtin_fabsf(x)
#define floor(x) __builtin_floor(x)
#define ceil(x) __builtin_ceil(x)

#endif
