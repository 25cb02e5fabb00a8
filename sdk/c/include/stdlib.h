/* stdlib.h - what lib/tiny.c has of it. */
#ifndef ISOMER_SDK_STDLIB_H
#define ISOMER_SDK_STDLIB_H

#include <stddef.h>

/* Blocks are aligned to 16 bytes. NULL when memory is short. A size of 0 gives a block as well. */
void *malloc(size_t size);
void *calloc(size_t count, size_t size);
/* The block moves unless it is large enough or the last one; NULL leaves it as it was. */
void *realloc(void *block, size_t size);
/* NULL is fine. */
void free(void *block);
/* Traps. */
_Noreturn void abort(void);

#endif
