/* simd_built.h - this build has no vector instructions: modules with such are refused. */
#ifndef ISO_ENGINE_SIMD_BUILT_H
#define ISO_ENGINE_SIMD_BUILT_H

enum { ISO_SIMD_BUILT = 0 };

#endif
