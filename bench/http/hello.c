/*
 * http_hello - libmicrohttpd's hello world in a loop of libuv: what the HTTP server of src/net is
 * measured against. As its example minimal_example.c, but with its epoll descriptor in our loop,
 * and answering in the last call, so that connections stay open. Prints "listening PORT".
 */
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

static struct MHD_Daemon *server;
static uv_timer_t timer;

static enum MHD_Result on_access(void *ctx, struct MHD_Connection *connection, const char *url,
                                 const char *method, const char *version, const char *data,
                                 size_t *data_size, void **request)
{
    static const char text[] = "hello\n";
    static int seen;
    (void)ctx;
    (void)url;
    (void)version;
    (void)data;
    (void)data_size;
    if (strcmp(method, "GET") != 0) {
        return MHD_NO;
    }
    if (*request == NULL) {
        *request = &seen;
        return MHD_YES;
    }
    struct MHD_Response *response = MHD_create_response_from_buffer(
        sizeof text - 1, (void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT);
    enum MHD_Result result = MHD_queue_response(connection, 200, response);
    MHD_destroy_response(response);
    return result;
}

static void run(void);

static void on_timer(uv_timer_t *handle)
{
    (void)handle;
    run();
}

static void run(void)
{
    MHD_UNSIGNED_LONG_LONG timeout_ms;
    (void)MHD_run(server);
    if (MHD_get_timeout(server, &timeout_ms) == MHD_YES) {
        (void)uv_timer_start(&timer, on_timer, timeout_ms, 0);
    } else {
        (void)uv_timer_stop(&timer);
    }
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    (void)poll;
    (void)status;
    (void)events;
    run();
}

int main(void)
{
    static uv_poll_t poll;
    server = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_access, NULL, MHD_OPTION_END);
    const union MHD_DaemonInfo *info =
        server != NULL ? MHD_get_daemon_info(server, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
    if (info == NULL || uv_poll_init(uv_default_loop(), &poll, info->epoll_fd) != 0 ||
        uv_timer_init(uv_default_loop(), &timer) != 0 ||
        uv_poll_start(&poll, UV_READABLE, on_ready) != 0) {
        return EXIT_FAILURE;
    }
    (void)MHD_run(server); /* now it listens */
    info = MHD_get_daemon_info(server, MHD_DAEMON_INFO_BIND_PORT);
    (void)printf("listening %u\n", info->port);
    (void)fflush(stdout);
    return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
