/* Arguments, environment, random numbers, yielding: what a program is given. */
#include "guest.h"

static char bytes[256];
static char *pointers[16];

static bool text_is(const char *got, const char *expected)
{
    return length(got) == length(expected) && same(got, expected, length(expected));
}

void run(void)
{
    uint32_t count;
    uint32_t size;
    OK(args_sizes_get(&count, &size));
    IS(count, 3);
    IS(size, sizeof "guest" + sizeof "first" + sizeof "second one");
    OK(args_get(pointers, bytes));
    IS(text_is(pointers[0], "guest"), true);
    IS(text_is(pointers[1], "first"), true);
    IS(text_is(pointers[2], "second one"), true);
    IS(pointers[1] - pointers[0], 6);

    OK(environ_sizes_get(&count, &size));
    IS(count, 2);
    OK(environ_get(pointers, bytes));
    IS(text_is(pointers[0], "KEY=value"), true);
    IS(text_is(pointers[1], "EMPTY="), true);

    IS(args_sizes_get((uint32_t *)0xfffffffe, &size), WASI_EFAULT);
    IS(args_get((char **)0xfffffff0, bytes), WASI_EFAULT);

    uint8_t random[1024] = {0};
    uint32_t zeros = 0;
    OK(random_get(random, sizeof random));
    for (uint32_t i = 0; i < sizeof random; i++) {
        zeros += random[i] == 0 ? 1 : 0;
    }
    IS(zeros < 64, true); /* 4 are expected */
    OK(random_get(random, 0));
    IS(random_get((void *)0xffffff00, 0x200), WASI_EFAULT);

    OK(sched_yield());
    OK(proc_raise(0));
    IS(proc_raise(99), WASI_EINVAL);
    uint32_t fd;
    uint16_t flags;
    struct iov iov = {bytes, 1};
    IS(sock_accept(3, 0, &fd), WASI_ENOTSOCK);
    IS(sock_accept(99, 0, &fd), WASI_EBADF);
    IS(sock_recv(1, &iov, 1, 0, &size, &flags), WASI_ENOTSOCK);
    IS(sock_send(1, &iov, 1, 0, &size), WASI_ENOTSOCK);
    IS(sock_shutdown(1, WASI_SHUT_RD), WASI_ENOTSOCK);
    IS(sock_shutdown(99, WASI_SHUT_RD), WASI_EBADF);
    proc_exit(0);
}
