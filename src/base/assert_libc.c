/* The hosted handler of ISO_ASSERT. Alone in its file so that a definition elsewhere wins. */
#include "base/macros.h"

#include <stdio.h>
#include <stdlib.h>

void iso_assert_fail(const char *expression, const char *file, int line)
{
    fprintf(stderr, "%s:%d: assertion does not hold: %s\n", file, line, expression);
    fflush(stderr);
    abort();
}
