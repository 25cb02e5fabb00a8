/* simd_built.h - this build has the vector instructions. One without them (ISO_SIMD=OFF) finds the
 * file of the same name in without_simd/ first. */
#ifndef ISO_ENGINE_SIMD_BUILT_H
#define ISO_ENGINE_SIMD_BUILT_H

enum { ISO_SIMD_BUILT = 1 };

#endif
