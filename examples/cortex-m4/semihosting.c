/* semihosting.c - calls of the debugger (Arm, "Semihosting for AArch32 and AArch64", 2022): a
 * number in r0, the address of its arguments in r1, and a breakpoint that the debugger knows. */
#include "board.h"

enum {
    SYS_OPEN = 0x01,
    SYS_CLOSE = 0x02,
    SYS_WRITE0 = 0x04,
    SYS_WRITE = 0x05,
    SYS_READ = 0x06,
    SYS_FLEN = 0x0c,
    SYS_GET_CMDLINE = 0x15,
    SYS_EXIT_EXTENDED = 0x20
};
enum { MODE_READ = 1, MODE_WRITE = 5 }; /* "rb", "wb" */
enum { STOPPED_APPLICATION_EXIT = 0x20026 };

static int call_host(int number, const void *arguments)
{
    register int r0 __asm("r0") = number;
    register const void *r1 __asm("r1") = arguments;
    __asm volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

void board_print(const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    (void)iso_format_v(text, sizeof text, format, args);
    va_end(args);
    (void)call_host(SYS_WRITE0, text);
}

void board_exit(int status)
{
    const uint32_t arguments[2] = {STOPPED_APPLICATION_EXIT, (uint32_t)status};
    (void)call_host(SYS_EXIT_EXTENDED, arguments);
    for (;;) {
    }
}

void iso_assert_fail(const char *expression, const char *file, int line)
{
    board_print("%s:%d: assertion does not hold: %s\n", file, line, expression);
    board_exit(2);
}

size_t board_arguments(char *text, size_t cap, char **words, size_t max)
{
    uintptr_t arguments[2] = {(uintptr_t)text, cap};
    size_t count = 0;
    bool inside = false;
    if (call_host(SYS_GET_CMDLINE, arguments) != 0) {
        return 0;
    }
    for (char *p = text; *p != '\0'; p++) {
        if (*p == ' ') {
            *p = '\0';
            inside = false;
        } else if (!inside) {
            if (count == max) {
                return count;
            }
            words[count++] = p;
            inside = true;
        }
    }
    return count;
}

static int open_file(const char *path, uint32_t mode)
{
    const uintptr_t arguments[3] = {(uintptr_t)path, mode, strlen(path)};
    return call_host(SYS_OPEN, arguments);
}

static int close_file(int file)
{
    return call_host(SYS_CLOSE, &file);
}

enum iso_err board_file_read(const char *path, const struct iso_alloc *alloc, uint8_t **out,
                             size_t *len)
{
    int file = open_file(path, MODE_READ);
    if (file < 0) {
        return ISO_E_NOT_FOUND;
    }
    int size = call_host(SYS_FLEN, &file);
    uint8_t *bytes = size >= 0 ? iso_alloc_resize(alloc, NULL, 0, (size_t)size) : NULL;
    enum iso_err err = size < 0 ? ISO_E_IO : bytes == NULL ? ISO_E_NOMEM : ISO_OK;
    if (err == ISO_OK) {
        const uintptr_t arguments[3] = {(uintptr_t)file, (uintptr_t)bytes, (uintptr_t)size};
        if (call_host(SYS_READ, arguments) == 0) { /* how many bytes are missing */
            *out = bytes;
            *len = (size_t)size;
        } else {
            iso_alloc_free(alloc, bytes, (size_t)size);
            err = ISO_E_IO;
        }
    }
    (void)close_file(file);
    return err;
}

enum iso_err board_file_write(const char *path, struct iso_bytes bytes)
{
    int file = open_file(path, MODE_WRITE);
    if (file < 0) {
        return ISO_E_IO;
    }
    const uintptr_t arguments[3] = {(uintptr_t)file, (uintptr_t)bytes.ptr, bytes.len};
    int missing = call_host(SYS_WRITE, arguments);
    int closed = close_file(file);
    return missing == 0 && closed == 0 ? ISO_OK : ISO_E_IO;
}
