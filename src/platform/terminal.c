/* Whether a person is watching, and wants colour. */
#include "platform/platform.h"

#include <stdlib.h>
#include <unistd.h>

bool iso_terminal_has_colour(int fd)
{
    const char *no_colour = getenv("NO_COLOR");
    if (no_colour != NULL && no_colour[0] != '\0') {
        return false;
    }
    const char *term = getenv("TERM");
    return isatty(fd) == 1 && term != NULL && strcmp(term, "dumb") != 0;
}
