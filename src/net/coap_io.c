/* A libcoap context on a libuv loop (libcoap's coap_io(3), "epoll"). */
#include "net/coap_io.h"

#include "net/coap_limits.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void drop_log(coap_log_t level, const char *message)
{
    (void)level;
    (void)message;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    struct iso_coap_io *io = poll->data;
    coap_io_process(io->context, COAP_IO_NO_WAIT);
    io->pump(io->owner);
}

static void on_wake(uv_timer_t *timer)
{
    (void)timer; /* The loop turns, and on_prepare follows. */
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct iso_coap_io *io = prepare->data;
    if (!io->wanted) {
        return;
    }
    io->wanted = false;
    io->pump(io->owner);
    coap_tick_t now;
    coap_ticks(&now);
    coap_io_prepare_epoll(io->context, now);
    if (io->wanted) {
        uv_timer_start(&io->wake, on_wake, 0, 0);
    }
}

static void on_tick(uv_timer_t *timer)
{
    struct iso_coap_io *io = timer->data;
    io->on_tick(io->owner);
}

enum iso_err iso_coap_io_open(struct iso_coap_io *io, uv_loop_t *loop, struct iso_report *report)
{
    coap_startup();
    coap_set_log_level(LOG_EMERG);
    coap_set_log_handler(drop_log);
    io->loop = loop;
    io->context = coap_new_context(NULL);
    if (io->context == NULL) {
        return iso_fail(report, ISO_E_NOMEM, "a CoAP context could not be made");
    }
    int fd = coap_context_get_coap_fd(io->context);
    if (fd < 0 || uv_poll_init(loop, &io->poll, fd) != 0) {
        coap_free_context(io->context);
        return iso_fail(report, ISO_E_IO, "the descriptor of libcoap cannot be watched");
    }
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    coap_context_set_csm_max_message_size(io->context, ISO_COAP_MESSAGE_MAX);
    coap_context_set_block_mode(io->context, 0);
    coap_set_app_data(io->context, io->owner);
    uv_prepare_init(loop, &io->prepare);
    uv_timer_init(loop, &io->wake);
    uv_timer_init(loop, &io->tick);
    io->poll.data = io->prepare.data = io->wake.data = io->tick.data = io;
    io->handles = 4;
    uv_poll_start(&io->poll, UV_READABLE, on_readable);
    uv_prepare_start(&io->prepare, on_prepare);
    /* The loop lives as long as the descriptor is watched; the rest need not keep it. */
    uv_unref((uv_handle_t *)&io->prepare);
    uv_unref((uv_handle_t *)&io->wake);
    uv_unref((uv_handle_t *)&io->tick);
    return ISO_OK;
}

static void on_closed(uv_handle_t *handle)
{
    struct iso_coap_io *io = handle->data;
    if (--io->handles == 0) {
        io->closed(io->owner);
    }
}

void iso_coap_io_close(struct iso_coap_io *io)
{
    uv_close((uv_handle_t *)&io->poll, on_closed);
    uv_close((uv_handle_t *)&io->prepare, on_closed);
    uv_close((uv_handle_t *)&io->wake, on_closed);
    uv_close((uv_handle_t *)&io->tick, on_closed);
    coap_free_context(io->context);
    io->context = NULL;
}

void iso_coap_io_want(struct iso_coap_io *io)
{
    io->wanted = true;
}

void iso_coap_io_tick_within(struct iso_coap_io *io, uint64_t ms)
{
    if (!uv_is_active((uv_handle_t *)&io->tick) || uv_timer_get_due_in(&io->tick) > ms) {
        uv_timer_start(&io->tick, on_tick, ms, 0);
    }
}

/* One line of /proc/self/fdinfo/EPOLL: "tfd: NUMBER events: ...". */
static void tune_line(const char *line)
{
    if (strncmp(line, "tfd:", 4) != 0) {
        return;
    }
    int fd = (int)strtol(line + 4, NULL, 10);
    int one = 1;
    /* Fails for what is no TCP socket, which is fine. Accepted sockets inherit it. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    int listens = 0;
    socklen_t size = sizeof(listens);
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens != 0) {
        (void)listen(fd, ISO_COAP_BACKLOG); /* libcoap asks for 5 */
    }
}

void iso_coap_io_tune(struct iso_coap_io *io)
{
    /* libcoap 4.3.1 hands out no socket; the kernel lists those that its epoll instance watches. */
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", coap_context_get_coap_fd(io->context));
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return;
    }
    char line[256];
    while (fgets(line, sizeof(line), file) != NULL) {
        tune_line(line);
    }
    fclose(file);
}

bool iso_coap_address_set(coap_address_t *out, const struct sockaddr_storage *address)
{
    coap_address_init(out);
    if (address->ss_family == AF_INET) {
        memcpy(&out->addr.sin, address, sizeof(out->addr.sin));
        out->size = sizeof(out->addr.sin);
    } else if (address->ss_family == AF_INET6) {
        memcpy(&out->addr.sin6, address, sizeof(out->addr.sin6));
        out->size = sizeof(out->addr.sin6);
    } else {
        return false;
    }
    return true;
}
