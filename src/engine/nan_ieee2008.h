/*
 * nan_ieee2008.h - NaNs of arithmetic (spec 4.3.3) on hosts whose NaNs are those of IEEE 754-2008,
 * which are WebAssembly's: the highest bit of the fraction is set in a quiet one. Chosen by
 * numeric.h.
 */
#ifndef ISO_ENGINE_NAN_H
#define ISO_ENGINE_NAN_H

/* What an operation of the host gave, as WebAssembly has it. */
static inline float iso_f32_result(float x)
{
    return x;
}

static inline double iso_f64_result(double x)
{
    return x;
}

static inline float iso_f32_abs(float x)
{
    return __builtin_fabsf(x);
}

static inline float iso_f32_neg(float x)
{
    return -x;
}

static inline float iso_f32_copysign(float x, float y)
{
    return __builtin_copysignf(x, y);
}

static inline double iso_f64_abs(double x)
{
    return __builtin_fabs(x);
}

static inline double iso_f64_neg(double x)
{
    return -x;
}

static inline double iso_f64_copysign(double x, double y)
{
    return __builtin_copysign(x, y);
}

#endif
