/*
 * rounding.h - square root and rounding to integral values (IEEE 754-2019, 5.4.1 and 5.9), on
 * the bits of the numbers, for processors that have no instruction for them.
 *
 * All results are exact as WebAssembly wants them (spec 4.3.3); a NaN gives a NaN, which for the
 * roots is a quiet one; what rounding gives is not, if it was not before.
 */
#ifndef ISO_FREESTANDING_ROUNDING_H
#define ISO_FREESTANDING_ROUNDING_H

double iso_soft_sqrt(double x);
double iso_soft_ceil(double x);
double iso_soft_floor(double x);
double iso_soft_trunc(double x);
double iso_soft_rint(double x); /* to nearest, ties to even */
float iso_soft_sqrtf(float x);
float iso_soft_ceilf(float x);
float iso_soft_floorf(float x);
float iso_soft_truncf(float x);
float iso_soft_rintf(float x);

#endif
