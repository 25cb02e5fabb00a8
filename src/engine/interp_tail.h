/* interp_tail.h - what interp_tail.c needs of the compiler. */
#ifndef ISO_ENGINE_INTERP_TAIL_H
#define ISO_ENGINE_INTERP_TAIL_H

#if defined(__clang__) && __clang_major__ >= 19 && (defined(__x86_64__) || defined(__aarch64__))
#define ISO_PRESERVE_NONE __attribute__((preserve_none))
#else
#define ISO_PRESERVE_NONE
#endif

#if defined(__clang__)
#define ISO_MUSTTAIL __attribute__((musttail))
#else
#error "tail-call dispatch needs clang's musttail; configure ISO_DISPATCH=goto or switch"
#endif

#endif
