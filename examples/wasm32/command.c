/*
 * command.c - the same engine as a program for WASI preview 1, so that any runtime can run it,
 * Isomer among them: `isomer run isomer-command.wasm N <kernel.wasm` calls run(N) of the module on
 * standard input (i32 -> i64) and prints the result as a number, signed as `isomer run --invoke`
 * prints it.
 */
#include "isomer.h"

#define WASI(name) __attribute__((import_module("wasi_snapshot_preview1"), import_name(#name))) name

struct wasi_buffer {
    void *ptr;
    uint32_t len;
};

uint32_t WASI(args_sizes_get)(uint32_t *count, uint32_t *size);
uint32_t WASI(args_get)(char **args, char *text);
uint32_t WASI(fd_read)(uint32_t fd, const struct wasi_buffer *buffers, uint32_t count,
                       uint32_t *size);
uint32_t WASI(fd_write)(uint32_t fd, const struct wasi_buffer *buffers, uint32_t count,
                        uint32_t *size);
ISO_NORETURN void WASI(proc_exit)(uint32_t status);

void _start(void);

enum { STDIN, STDOUT, STDERR };
enum { MODULE_MAX = 16 << 20, ARGS_MAX = 8, TEXT_MAX = 4096 };

static void print(uint32_t fd, const char *text)
{
    struct wasi_buffer buffer = {(void *)(uintptr_t)text, strlen(text)};
    uint32_t written;
    (void)fd_write(fd, &buffer, 1, &written);
}

static ISO_NORETURN void die(const char *text)
{
    print(STDERR, text);
    print(STDERR, "\n");
    proc_exit(1);
}

void iso_assert_fail(const char *expression, const char *file, int line)
{
    char text[256];
    (void)iso_format(text, sizeof text, "%s:%d: assertion does not hold: %s", file, line,
                     expression);
    die(text);
}

static uint8_t *read_module(uint32_t *len)
{
    uint8_t *bytes = isomer_alloc(MODULE_MAX);
    *len = 0;
    if (bytes == NULL) {
        die("no memory for a module");
    }
    for (uint32_t got = 1; got != 0; *len += got) {
        struct wasi_buffer buffer = {bytes + *len, MODULE_MAX - *len};
        if (buffer.len == 0 || fd_read(STDIN, &buffer, 1, &got) != 0) {
            die("the module on standard input cannot be read, or has 16 MiB and more");
        }
    }
    return bytes;
}

/* The number in the first argument. */
static uint32_t read_argument(void)
{
    static char *args[ARGS_MAX];
    static char text[TEXT_MAX];
    uint32_t count, size;
    uint64_t value = 0;
    if (args_sizes_get(&count, &size) != 0 || count != 2 || size > sizeof text ||
        args_get(args, text) != 0) {
        die("one argument is needed, the number for run(N)");
    }
    for (const char *p = args[1]; *p != '\0'; p++) {
        value = value * 10 + (uint64_t)(*p - '0');
        if (*p < '0' || *p > '9' || value > UINT32_MAX) {
            die("the argument is no number from 0 to 4294967295");
        }
    }
    return (uint32_t)value;
}

__attribute__((export_name("_start"))) void _start(void)
{
    union iso_slot args[1] = {{.u32 = read_argument()}};
    uint32_t len;
    uint8_t *bytes = read_module(&len);
    struct isomer_program *program = isomer_open(bytes, len);
    char text[64];
    if (program == NULL || isomer_start(program, "run", args) == 0 ||
        isomer_run(program, ISO_FUEL_UNLIMITED) != ISO_RUN_DONE) {
        die(isomer_error());
    }
    (void)iso_format(text, sizeof text, "%lld\n", (long long)isomer_results(program)->i64);
    print(STDOUT, text);
}
