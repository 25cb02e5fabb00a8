/* Colour only for people who did not decline it. */
#include "base/test.h"
#include "platform/platform.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

TEST(no_colour_in_files)
{
    int fd = open("/dev/null", O_WRONLY);
    CHECK(fd >= 0);
    CHECK(setenv("TERM", "xterm", 1) == 0);
    CHECK(unsetenv("NO_COLOR") == 0);
    CHECK(!iso_terminal_has_colour(fd));
    CHECK(close(fd) == 0);
}

TEST(colour_on_a_terminal_unless_declined)
{
    int fd = posix_openpt(O_RDWR | O_NOCTTY);
    if (fd < 0) {
        TEST_SKIP("no pseudo-terminals here");
    }
    CHECK(setenv("TERM", "xterm", 1) == 0);
    CHECK(setenv("NO_COLOR", "", 1) == 0);
    CHECK(iso_terminal_has_colour(fd));
    CHECK(setenv("NO_COLOR", "1", 1) == 0);
    CHECK(!iso_terminal_has_colour(fd));
    CHECK(unsetenv("NO_COLOR") == 0);
    CHECK(setenv("TERM", "dumb", 1) == 0);
    CHECK(!iso_terminal_has_colour(fd));
    CHECK(unsetenv("TERM") == 0);
    CHECK(!iso_terminal_has_colour(fd));
    CHECK(close(fd) == 0);
}
