/* <math.h> of freestanding builds: the operators of WebAssembly that C has in its library. With
 * the macros they are instructions where the processor has such; where it has not, the compiler
 * calls the functions, which are in math.c. */
#ifndef ISO_FREESTANDING_MATH_H
#define ISO_FREESTANDING_MATH_H

double sqrt(double x);
double ceil(double x);
double floor(double x);
double trunc(double x);
double rint(double x); /* to nearest, ties to even: there is no other mode here */
float sqrtf(float x);
float ceilf(float x);
float floorf(float x);
float truncf(float x);
float rintf(float x);

#define sqrt(x) __builtin_sqrt(x)
#define ceil(x) __builtin_ceil(x)
#define floor(x) __builtin_floor(x)
#define trunc(x) __builtin_trunc(x)
#define rint(x) __builtin_rint(x)
#define sqrtf(x) __builtin_sqrtf(x)
#define ceilf(x) __builtin_ceilf(x)
#define floorf(x) __builtin_floorf(x)
#define truncf(x) __builtin_truncf(x)
#define rintf(x) __builtin_rintf(x)

#endif
