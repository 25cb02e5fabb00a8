/* Sockets: listening ones on the loopback, connected pairs, datagrams. */
#include "wasi/wasi_guest_test_support.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { OUT = 1025, OUT_FLAGS = 1033, IOV = 2049, DATA = 4097 };

static int listen_loopback(struct sockaddr_in *addr)
{
    socklen_t len = sizeof *addr;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    memset(addr, 0, sizeof *addr);
    addr->sin_family = AF_INET;
    addr->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(fd >= 0);
    CHECK(bind(fd, (struct sockaddr *)addr, sizeof *addr) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)addr, &len) == 0);
    CHECK(listen(fd, 4) == 0);
    return fd;
}

static struct guest *guest_with_socket(int fd)
{
    static struct iso_wasi_socket socket_config;
    struct guest *g = guest_prepare(GUEST_MEMFS);
    socket_config = (struct iso_wasi_socket){.fd = fd, .name = "port"};
    g->config.sockets = &socket_config;
    g->config.socket_count = 1;
    guest_create(g);
    return g;
}

static void put_iov(struct guest *g, uint32_t index, uint32_t addr, uint32_t len)
{
    iso_store_u32le(g->bytes + IOV + index * 8, addr);
    iso_store_u32le(g->bytes + IOV + index * 8 + 4, len);
}

static uint64_t recv_flags(struct guest *g, uint32_t fd, uint32_t len, uint32_t flags)
{
    put_iov(g, 0, DATA, len);
    return CALL(g, "sock_recv", fd, IOV, 1, flags, OUT, OUT_FLAGS);
}

TEST(a_listening_socket_accepts)
{
    struct sockaddr_in addr;
    int listener = listen_loopback(&addr);
    struct guest *g = guest_with_socket(listener);
    struct g_fdstat st;
    uint32_t done;
    char text[16];
    CHECK_WASI(g_fdstat(g, 4, &st), WASI_OK);
    CHECK_EQ_U64(st.filetype, WASI_FILETYPE_SOCKET_STREAM);
    CHECK((st.base & WASI_RIGHT_SOCK_ACCEPT) != 0);
    CHECK_EQ_U64(CALL(g, "sock_accept", 4, 0, OUT), G_PENDING);
    int client = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(connect(client, (struct sockaddr *)&addr, sizeof addr) == 0);
    CHECK_OK(iso_wasi_wait(g->wasi, -1));
    CHECK_WASI(CALL(g, "sock_accept", 4, WASI_FDFLAG_NONBLOCK, OUT), WASI_OK);
    uint32_t fd = guest_u32(g, OUT);
    CHECK_EQ_U64(fd, 5);
    CHECK_WASI(g_fdstat(g, fd, &st), WASI_OK);
    CHECK_EQ_U64(st.flags, WASI_FDFLAG_NONBLOCK);
    CHECK_WASI(g_read(g, fd, text, 10, &done), WASI_EAGAIN);
    CHECK_WASI(CALL(g, "fd_fdstat_set_flags", fd, 0), WASI_OK);
    CHECK_EQ_U64(g_read(g, fd, text, 10, &done), G_PENDING);
    CHECK(send(client, "ping", 4, 0) == 4);
    CHECK_OK(iso_wasi_wait(g->wasi, -1));
    CHECK_WASI(g_read(g, fd, text, 10, &done), WASI_OK);
    CHECK_STR(text, "ping");
    CHECK_WASI(g_write(g, fd, "pong", &done), WASI_OK);
    CHECK_EQ_I64(recv(client, text, 4, MSG_WAITALL), 4);
    CHECK_MEM(text, "pong", 4);
    /* What makes no sense. */
    CHECK_WASI(CALL(g, "sock_accept", fd, 0, OUT), WASI_EINVAL);
    CHECK_WASI(CALL(g, "sock_accept", 4, WASI_FDFLAG_APPEND, OUT), WASI_EINVAL);
    CHECK_WASI(CALL(g, "sock_accept", 3, 0, OUT), WASI_ENOTSOCK);
    CHECK_WASI(CALL(g, "sock_accept", 99, 0, OUT), WASI_EBADF);
    CHECK_WASI(g_read(g, 4, text, 10, &done), WASI_ENOTCONN);
    CHECK_WASI(CALL(g, "sock_shutdown", 4, 1), WASI_ENOTCONN);
    guest_stop(g);
    (void)close(client);
    (void)close(listener);
}

TEST(connected_sockets_send_receive_and_shut_down)
{
    int pair[2];
    uint32_t done;
    char text[16];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    struct guest *g = guest_with_socket(pair[0]);
    CHECK_EQ_U64(recv_flags(g, 4, 4, 0), G_PENDING);
    CHECK(send(pair[1], "abcdef", 6, 0) == 6);
    CHECK_WASI(recv_flags(g, 4, 3, WASI_RECV_PEEK), WASI_OK);
    CHECK_EQ_U64(guest_u32(g, OUT), 3);
    CHECK_EQ_U64(iso_load_u16le(g->bytes + OUT_FLAGS), 0);
    CHECK_WASI(recv_flags(g, 4, 4, 0), WASI_OK);
    CHECK_MEM(g->bytes + DATA, "abcd", 4);
    /* All of eight bytes, of which two are there: the rest is waited for, in parts. */
    CHECK_EQ_U64(recv_flags(g, 4, 8, WASI_RECV_WAITALL), G_PENDING);
    CHECK(send(pair[1], "ghi", 3, 0) == 3);
    CHECK_OK(iso_wasi_wait(g->wasi, -1));
    CHECK_EQ_U64(recv_flags(g, 4, 8, WASI_RECV_WAITALL), G_PENDING);
    CHECK(send(pair[1], "jklm", 4, 0) == 4);
    CHECK_WASI(recv_flags(g, 4, 8, WASI_RECV_WAITALL), WASI_OK);
    CHECK_EQ_U64(guest_u32(g, OUT), 8);
    CHECK_MEM(g->bytes + DATA, "efghijkl", 8);
    CHECK_WASI(recv_flags(g, 4, 8, 4), WASI_EINVAL);
    put_iov(g, 0, DATA, 2);
    put_iov(g, 1, DATA + 4, 3);
    CHECK_WASI(CALL(g, "sock_send", 4, IOV, 2, 0, OUT), WASI_OK);
    CHECK_EQ_U64(guest_u32(g, OUT), 5);
    CHECK_EQ_I64(recv(pair[1], text, sizeof text, 0), 5);
    CHECK_MEM(text, "efijk", 5);
    CHECK_WASI(CALL(g, "sock_send", 4, IOV, 2, 1, OUT), WASI_EINVAL);
    CHECK_WASI(CALL(g, "sock_shutdown", 4, 0), WASI_EINVAL);
    CHECK_WASI(CALL(g, "sock_shutdown", 4, WASI_SHUT_WR), WASI_OK);
    CHECK_EQ_I64(recv(pair[1], text, sizeof text, 0), 0);
    CHECK_WASI(g_write(g, 4, "x", &done), WASI_EPIPE);
    CHECK(close(pair[1]) == 0);
    CHECK_WASI(recv_flags(g, 4, 8, WASI_RECV_WAITALL), WASI_OK);
    CHECK_EQ_U64(guest_u32(g, OUT), 1); /* "m", then the end */
    CHECK_WASI(recv_flags(g, 4, 8, 0), WASI_OK);
    CHECK_EQ_U64(guest_u32(g, OUT), 0);
    guest_stop(g);
    (void)close(pair[0]);
}

TEST(sending_more_than_fits_suspends)
{
    enum { TOTAL = 900000 };
    int pair[2];
    static char sink[65536];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    struct guest *g = guest_with_socket(pair[0]);
    size_t have = 0;
    int issues = 0;
    uint64_t err;
    put_iov(g, 0, GUEST_HEAP, TOTAL);
    while ((err = CALL(g, "sock_send", 4, IOV, 1, 0, OUT)) == G_PENDING) {
        ssize_t n = recv(pair[1], sink, sizeof sink, 0);
        CHECK(n > 0);
        have += (size_t)n;
        issues++;
    }
    CHECK_WASI(err, WASI_OK);
    CHECK(issues > 0);
    CHECK_EQ_U64(guest_u32(g, OUT), TOTAL);
    guest_stop(g);
    (void)close(pair[0]);
    while (have < TOTAL) {
        ssize_t n = recv(pair[1], sink, sizeof sink, 0);
        CHECK(n > 0);
        have += (size_t)n;
    }
    CHECK_EQ_U64(have, TOTAL);
    (void)close(pair[1]);
}

TEST(datagrams_that_do_not_fit_are_reported_as_cut)
{
    int pair[2];
    struct g_fdstat st;
    CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0);
    struct guest *g = guest_with_socket(pair[0]);
    CHECK_WASI(g_fdstat(g, 4, &st), WASI_OK);
    CHECK_EQ_U64(st.filetype, WASI_FILETYPE_SOCKET_DGRAM);
    CHECK(send(pair[1], "datagram", 8, 0) == 8);
    CHECK_WASI(recv_flags(g, 4, 4, 0), WASI_OK);
    CHECK_EQ_U64(guest_u32(g, OUT), 4);
    CHECK_EQ_U64(iso_load_u16le(g->bytes + OUT_FLAGS), WASI_RECV_DATA_TRUNCATED);
    guest_stop(g);
    (void)close(pair[0]);
    (void)close(pair[1]);
}
