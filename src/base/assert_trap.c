/* The handler of ISO_ASSERT without a C library: the processor's trap. Alone in its file so that a
 * definition of the embedder, which can say more, wins. */
#include "base/macros.h"

void iso_assert_fail(const char *expression, const char *file, int line)
{
    (void)expression;
    (void)file;
    (void)line;
    __builtin_trap();
}
