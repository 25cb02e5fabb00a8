/* Listening sockets: they accept, and what is no address is refused with an example. */
#include "base/test.h"
#include "platform/platform.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static struct iso_report report;

static void refuse(const char *address, const char *part)
{
    int fd = -7;
    iso_report_init(&report);
    CHECK_ERR(iso_socket_listen(address, &fd, NULL, &report), ISO_E_ARGUMENT);
    CHECK_CONTAINS(report.text, part);
    CHECK_EQ_I64(fd, -7);
}

TEST(listens_where_it_says)
{
    int fd = -1;
    uint16_t port = 0;
    CHECK_OK(iso_socket_listen("localhost:0", &fd, &port, NULL));
    CHECK(port != 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int client = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(connect(client, (const struct sockaddr *)&address, sizeof address) == 0);
    CHECK(close(client) == 0);

    char again[32];
    int second = -1;
    (void)iso_format(again, sizeof again, "127.0.0.1:%u", (unsigned)port);
    iso_report_init(&report);
    CHECK_ERR(iso_socket_listen(again, &second, NULL, &report), ISO_E_EXISTS);
    CHECK_CONTAINS(report.text, "already in use");
    CHECK(close(fd) == 0);
}

TEST(listens_on_ipv6)
{
    int fd = -1;
    uint16_t port = 0;
    iso_report_init(&report);
    if (iso_socket_listen("[::1]:0", &fd, &port, &report) != ISO_OK) {
        TEST_SKIP("no IPv6 on this machine: %s", report.text);
    }
    CHECK(port != 0);
    CHECK(close(fd) == 0);
}

TEST(addresses_that_are_none)
{
    refuse("", "such as 127.0.0.1:8080");
    refuse("8080", "such as");
    refuse(":8080", "such as");
    refuse("127.0.0.1", "such as");
    refuse("127.0.0.1:", "has no port");
    refuse("127.0.0.1:http", "has no port");
    refuse("127.0.0.1:65536", "has no port");
    refuse("example.org:80", "numeric");
    refuse("::1:80", "such as");
    refuse("[127.0.0.1]:80", "such as");
    refuse("[::1:80", "such as");
}

/* In digits, whole: a name that begins like an address leads where its owner wants. */
TEST(what_is_this_machine)
{
    static const char *const near[] = {
        "127.0.0.1", "127.0.0.1:80", "127.1.2.3", "localhost",         "localhost:1",
        "[::1]",     "[::1]:80",     "::1",       "[0:0:0:0:0:0:0:1]", "127.0.0.1:"};
    static const char *const far[] = {"",
                                      "127.",
                                      "127.evil.example",
                                      "127.0.0.1.evil.example:80",
                                      "localhost.evil.example",
                                      "localhostile",
                                      "127.0.0.1@evil:80",
                                      "127.0.0.1:80@evil",
                                      "[::1]evil",
                                      "[::1",
                                      "[::1]:8x",
                                      "::2",
                                      "0.0.0.0",
                                      "10.0.0.1:127",
                                      "128.0.0.1",
                                      "[127.0.0.1]x",
                                      "[]",
                                      "::1:80x",
                                      "0177.0.0.1",
                                      "127.1",
                                      "2130706433"};
    for (size_t i = 0; i < ISO_COUNT_OF(near); i++) {
        if (!iso_address_is_loopback(iso_str_from_z(near[i]))) {
            TEST_FAIL("%s is this machine", near[i]);
        }
    }
    for (size_t i = 0; i < ISO_COUNT_OF(far); i++) {
        if (iso_address_is_loopback(iso_str_from_z(far[i]))) {
            TEST_FAIL("%s is not this machine", far[i]);
        }
    }
    CHECK(!iso_address_is_loopback(iso_str_from("127.0.0.1\0.evil", 15)));
}

TEST(addresses_with_and_without_a_zone)
{
    struct sockaddr_storage address;
    CHECK_OK(iso_address_parse("192.0.2.7:5684", &address, NULL));
    CHECK(address.ss_family == AF_INET && iso_address_port(&address) == 5684);
    CHECK_OK(iso_address_parse("[2001:db8::1]:1", &address, NULL));
    CHECK(address.ss_family == AF_INET6 && iso_address_port(&address) == 1);
    CHECK_OK(iso_address_parse("[fe80::1%lo]:2", &address, NULL));
    struct sockaddr_in6 v6;
    memcpy(&v6, &address, sizeof v6);
    CHECK(v6.sin6_scope_id != 0);
    const char *const wrong[] = {"192.0.2.7",
                                 "192.0.2:1",
                                 "2001:db8::1:80x",
                                 "[fe80::1%]:2",
                                 "[fe80::1%no-such-interface]:2",
                                 "host:80",
                                 ":80",
                                 "[]:80"};
    for (size_t i = 0; i < ISO_COUNT_OF(wrong); i++) {
        iso_report_init(&report);
        CHECK_ERR(iso_address_parse(wrong[i], &address, &report), ISO_E_ARGUMENT);
        CHECK(report.set);
    }
}
