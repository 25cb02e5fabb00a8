/* board.h - the machine below the example: memory, and the debugger's door to the host. */
#ifndef BOARD_H
#define BOARD_H

#include "base/base.h"

/* The RAM that is left for a heap, and the most bytes of the C stack that have been in use. */
uint8_t *board_heap(size_t *size);
size_t board_stack_peak(void);

/* Semihosting: the debugger, here qemu, does these on its own machine. printf-like. */
void board_print(const char *format, ...) ISO_PRINTF(1, 2);
ISO_NORETURN void board_exit(int status);
/* The words of the command line into `text`; how many there are, at most `max`. */
size_t board_arguments(char *text, size_t cap, char **words, size_t max);
/* A whole file, in memory of alloc (the caller's to free). Errors: NOT_FOUND, NOMEM, IO. */
ISO_MUST_CHECK enum iso_err board_file_read(const char *path, const struct iso_alloc *alloc,
                                            uint8_t **out, size_t *len);
ISO_MUST_CHECK enum iso_err board_file_write(const char *path, struct iso_bytes bytes);

#endif
