/* A WASI program for the tests of hostile components: opens files, leaves its directory, and tells
 * what became of it on standard output. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "files") == 0) {
        int count = 0;
        while (count < 10000 && open("/data/file", O_RDONLY) >= 0) {
            count++;
        }
        printf("opened %d: %s\n", count, strerror(errno));
    } else if (strcmp(what, "escape") == 0) {
        static const char *const paths[] = {"/data/../secret", "/secret", "/data/link", "../secret",
                                            "/etc/passwd"};
        for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
            printf("%s %s\n", paths[i], open(paths[i], O_RDONLY) >= 0 ? "OPEN" : "refused");
        }
    } else if (strcmp(what, "flood") == 0) {
        for (int i = 0; i < 100000; i++) {
            fprintf(stderr, "line %d of a flood\n", i);
        }
    } else {
        printf("hello from a program\n");
    }
    return 0;
}
