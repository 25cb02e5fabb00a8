/* The three ways to a file system answer alike: long random sequences of operations, with paths of
 * a few names, dots, slashes and links, are carried out on each, and every answer is compared. */
#include "wasi/wasi_guest_test_support.h"

#include <stdlib.h>

enum { OUT = 1025, DATA = 4097, OPS = 400, SEQUENCES = 60, FILES_MAX = 4 };

/* What an operation answered: enough to tell two file systems apart. */
struct answer {
    uint64_t code;
    uint64_t detail;
    char text[96]; /* the operation, for the message */
};

static struct answer answers[GUEST_FS_COUNT][OPS];

struct dice {
    uint64_t state;
};

static uint32_t roll(struct dice *d, uint32_t sides)
{
    d->state = d->state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (uint32_t)(d->state >> 33) % sides;
}

/* A path of one to four names. */
static void random_path(struct dice *d, char *out, size_t cap)
{
    static const char *const names[] = {"a", "b", "c", "a", "b", "d", ".", ".."};
    uint32_t count = 1 + roll(d, 4) % 3 + (roll(d, 8) == 0 ? 1 : 0);
    size_t len = 0;
    for (uint32_t i = 0; i < count; i++) {
        len += iso_format(out + len, cap - len, "%s%s", i == 0 ? "" : "/",
                          names[roll(d, ISO_COUNT_OF(names))]);
    }
    if (roll(d, 6) == 0) {
        (void)iso_format(out + len, cap - len, "%s", roll(d, 3) == 0 ? "//" : "/");
    }
}

static uint64_t hash(uint64_t seed, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    for (size_t i = 0; i < len; i++) {
        seed = (seed ^ p[i]) * UINT64_C(1099511628211);
    }
    return seed;
}

/* Files that a sequence has open. */
struct open_files {
    uint32_t fds[FILES_MAX];
    uint32_t count;
};

static void do_open(struct guest *g, struct dice *d, struct answer *a, struct open_files *files,
                    const char *path)
{
    static const uint64_t rights[] = {0, WASI_RIGHT_FD_READ, WASI_RIGHT_FD_WRITE, G_ALL,
                                      G_ALL & ~WASI_RIGHT_FD_WRITE};
    uint32_t lookup = roll(d, 2);
    uint32_t oflags = roll(d, 3) == 0 ? roll(d, 16) : WASI_OFLAG_CREAT;
    uint64_t base = rights[roll(d, ISO_COUNT_OF(rights))];
    uint32_t fdflags = roll(d, 4) == 0 ? WASI_FDFLAG_APPEND : 0;
    uint32_t fd = 0;
    struct g_fdstat st;
    (void)iso_format(a->text, sizeof a->text, "open %s lookup %u oflags %u rights %llx", path,
                     lookup, oflags, (unsigned long long)base);
    a->code = g_open(g, 3, path, lookup, oflags, base, 0, fdflags, &fd);
    if (a->code != WASI_OK) {
        return;
    }
    CHECK_WASI(g_fdstat(g, fd, &st), WASI_OK);
    a->detail = st.base ^ st.filetype;
    if (st.filetype == WASI_FILETYPE_REGULAR_FILE && files->count < FILES_MAX) {
        files->fds[files->count++] = fd;
    } else {
        CHECK_WASI(g_close(g, fd), WASI_OK);
    }
}

static void do_file(struct guest *g, struct dice *d, struct answer *a, struct open_files *files)
{
    char text[32];
    uint32_t done = 0;
    uint64_t at = 0;
    uint32_t what = roll(d, 6);
    (void)iso_format(a->text, sizeof a->text, "file operation %u", what);
    if (files->count == 0) {
        return;
    }
    uint32_t fd = files->fds[roll(d, files->count)];
    uint64_t number = roll(d, 9000);
    struct g_stat st;
    switch (what) {
    case 0:
        a->code = g_write(g, fd, "some text", &done);
        a->detail = done;
        break;
    case 1:
        a->code = g_read(g, fd, text, 20, &done);
        a->detail = hash(done, text, done);
        break;
    case 2:
        a->code = g_seek(g, fd, (int64_t)number - 3000, roll(d, 3), &at);
        a->detail = at;
        break;
    case 3:
        a->code = CALL(g, "fd_filestat_set_size", fd, number);
        break;
    case 4:
        a->code = g_stat_fd(g, fd, &st);
        a->detail = st.size * 100 + st.nlink;
        break;
    default:
        a->code = g_close(g, fd);
        for (uint32_t i = 0; i < files->count; i++) {
            if (files->fds[i] == fd) {
                files->fds[i] = files->fds[--files->count];
            }
        }
        break;
    }
}

static void do_list(struct guest *g, struct answer *a)
{
    CHECK_WASI(CALL(g, "fd_readdir", 3, DATA, 4000, 0, OUT), WASI_OK);
    uint32_t used = guest_u32(g, OUT);
    (void)iso_format(a->text, sizeof a->text, "list");
    for (uint32_t at = 0; used - at >= WASI_SIZE_DIRENT;) {
        uint32_t len = guest_u32(g, DATA + at + 16);
        a->detail = hash(a->detail, g->bytes + DATA + at + 20, 1);
        a->detail = hash(a->detail, g->bytes + DATA + at + WASI_SIZE_DIRENT, len);
        at += WASI_SIZE_DIRENT + len;
    }
}

static void do_stat(struct guest *g, struct dice *d, struct answer *a, const char *path)
{
    struct g_stat st;
    uint32_t lookup = roll(d, 2);
    (void)iso_format(a->text, sizeof a->text, "stat %s lookup %u", path, lookup);
    a->code = g_stat_path(g, 3, lookup, path, &st);
    a->detail = st.filetype;
    if (st.filetype != WASI_FILETYPE_DIRECTORY) {
        a->detail += st.size * 100 + st.nlink * 10;
    }
}

static void do_times(struct guest *g, struct dice *d, struct answer *a, const char *path)
{
    uint32_t lookup = roll(d, 2);
    (void)iso_format(a->text, sizeof a->text, "set times %s lookup %u", path, lookup);
    guest_reset_heap(g);
    uint32_t addr = guest_put_str(g, path);
    a->code = CALL(g, "path_filestat_set_times", 3, lookup, addr, strlen(path), 5, 7,
                   WASI_FST_ATIM | WASI_FST_MTIM);
}

static void do_op(struct guest *g, struct dice *d, struct answer *a, struct open_files *files)
{
    char path[64];
    char other[64];
    char text[64];
    uint32_t len;
    uint32_t what = roll(d, 16);
    random_path(d, path, sizeof path);
    random_path(d, other, sizeof other);
    static const char *const names[] = {"mkdir",    "rmdir", "unlink", "symlink",
                                        "readlink", "link",  "rename"};
    if (what < ISO_COUNT_OF(names)) {
        (void)iso_format(a->text, sizeof a->text, "%s %s %s", names[what], path, other);
    }
    switch (what) {
    case 0:
        a->code = g_mkdir(g, 3, path);
        break;
    case 1:
        a->code = g_rmdir(g, 3, path);
        break;
    case 2:
        a->code = g_unlink(g, 3, path);
        break;
    case 3:
        a->code = g_symlink(g, path, 3, other);
        break;
    case 4:
        a->code = g_readlink(g, 3, path, text, 40, &len);
        a->detail = hash(len, text, len);
        break;
    case 5:
        a->code = g_link(g, 3, roll(d, 2), path, 3, other);
        break;
    case 6:
        a->code = g_rename(g, 3, path, 3, other);
        break;
    case 7:
        do_list(g, a);
        break;
    case 8:
        do_stat(g, d, a, path);
        break;
    case 9:
        do_times(g, d, a, path);
        break;
    case 10:
    case 11:
        do_file(g, d, a, files);
        break;
    default:
        do_open(g, d, a, files, path);
        break;
    }
}

TEST(every_file_system_gives_the_same_answers)
{
    unsigned successes = 0;
    for (uint64_t seed = 1; seed <= SEQUENCES; seed++) {
        memset(answers, 0, sizeof answers);
        for (int fs = 0; fs < GUEST_FS_COUNT; fs++) {
            struct guest *g = guest_start((enum guest_fs)fs);
            struct dice dice = {.state = seed};
            struct open_files files = {.count = 0};
            for (int op = 0; op < OPS; op++) {
                do_op(g, &dice, &answers[fs][op], &files);
            }
            guest_stop(g);
        }
        for (int op = 0; op < OPS; op++) {
            const struct answer *first = &answers[0][op];
            successes += first->code == WASI_OK ? 1 : 0;
            for (int fs = 1; fs < GUEST_FS_COUNT; fs++) {
                const struct answer *answer = &answers[fs][op];
                CHECK_STR(answer->text, first->text);
                if (answer->code != first->code || answer->detail != first->detail) {
                    TEST_FAIL("sequence %u, %s: %s (%llu) with openat2, %s (%llu) on %d",
                              (unsigned)seed, first->text,
                              iso_wasi_errno_name((enum iso_wasi_errno)first->code),
                              (unsigned long long)first->detail,
                              iso_wasi_errno_name((enum iso_wasi_errno)answer->code),
                              (unsigned long long)answer->detail, fs);
                }
            }
        }
    }
    CHECK(successes > SEQUENCES * OPS / 10);
}
