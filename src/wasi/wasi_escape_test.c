/* The sandbox against somebody who changes the host's directories meanwhile, with both ways of
 * resolving paths. Outside the guest's directory lies a file that must never be seen. */
#include "wasi/wasi_guest_test_support.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FOLLOW = WASI_LOOKUP_SYMLINK_FOLLOW };

/* A guest whose "/" is DIR/inside; DIR/secret is outside. */
static struct guest *guest_inside(enum guest_fs fs)
{
    static char inside[96];
    char path[96];
    struct guest *g = guest_prepare(fs);
    (void)iso_format(inside, sizeof inside, "%s/inside", g->dir);
    CHECK(mkdir(inside, 0777) == 0);
    (void)iso_format(path, sizeof path, "%s/outside", g->dir);
    CHECK(mkdir(path, 0777) == 0);
    (void)iso_format(path, sizeof path, "%s/outside/secret", g->dir);
    FILE *file = fopen(path, "w");
    CHECK(file != NULL);
    (void)fputs("secret", file);
    CHECK(fclose(file) == 0);
    g->preopens[0].host_path = inside;
    guest_create(g);
    return g;
}

/* Make a link with any target on the host, as another process could. */
static void host_symlink(const struct guest *g, const char *target, const char *name)
{
    char path[128];
    (void)iso_format(path, sizeof path, "%s/inside/%s", g->dir, name);
    CHECK(symlink(target, path) == 0);
}

TEST(links_made_by_others_do_not_lead_out)
{
    for (int fs = GUEST_OPENAT2; fs <= GUEST_STEPS; fs++) {
        struct guest *g = guest_inside((enum guest_fs)fs);
        char absolute[96];
        (void)iso_format(absolute, sizeof absolute, "%s/outside", g->dir);
        host_symlink(g, "../outside", "relative");
        host_symlink(g, absolute, "absolute");
        host_symlink(g, "../outside/secret", "file");
        host_symlink(g, "/proc/self/root", "proc");
        host_symlink(g, "/proc/self/cwd", "cwd");
        static const char *const paths[] = {"relative/secret", "absolute/secret", "file",
                                            "proc/etc/passwd", "cwd/x",           "relative",
                                            "absolute/",       "relative/../x"};
        for (size_t i = 0; i < ISO_COUNT_OF(paths); i++) {
            uint32_t fd;
            struct g_stat st;
            struct guest *const guest = g;
            CHECK_WASI(g_open(guest, 3, paths[i], FOLLOW, 0, 0, 0, 0, &fd), WASI_ENOTCAPABLE);
            /* With a trailing slash nothing is looked up. */
            bool slash = paths[i][strlen(paths[i]) - 1] == '/';
            CHECK_WASI(g_open(guest, 3, paths[i], FOLLOW, WASI_OFLAG_CREAT, 0, 0, 0, &fd),
                       slash ? WASI_EISDIR : WASI_ENOTCAPABLE);
            CHECK_WASI(g_stat_path(guest, 3, FOLLOW, paths[i], &st), WASI_ENOTCAPABLE);
            CHECK_WASI(g_link(guest, 3, FOLLOW, paths[i], 3, "hard"), WASI_ENOTCAPABLE);
        }
        CHECK_WASI(g_unlink(g, 3, "relative/secret"), WASI_ENOTCAPABLE);
        CHECK_WASI(g_mkdir(g, 3, "absolute/new"), WASI_ENOTCAPABLE);
        CHECK_WASI(g_rmdir(g, 3, "absolute/new"), WASI_ENOTCAPABLE);
        CHECK_WASI(g_rename(g, 3, "relative/secret", 3, "mine"), WASI_ENOTCAPABLE);
        CHECK_WASI(g_symlink(g, "x", 3, "relative/link"), WASI_ENOTCAPABLE);
        guest_reset_heap(g);
        uint32_t path = guest_put_str(g, "file");
        CHECK_WASI(CALL(g, "path_filestat_set_times", 3, FOLLOW, path, 4, 0, 0, WASI_FST_MTIM_NOW),
                   WASI_ENOTCAPABLE);
        /* A hard link of the link is a link, no way out. */
        uint32_t fd;
        CHECK_WASI(g_link(g, 3, 0, "file", 3, "copy"), WASI_OK);
        CHECK_WASI(g_open(g, 3, "copy", FOLLOW, 0, 0, 0, 0, &fd), WASI_ENOTCAPABLE);
        guest_stop(g);
    }
}

TEST(moving_a_directory_out_while_it_is_open_gives_no_way_up)
{
    for (int fs = GUEST_OPENAT2; fs <= GUEST_STEPS; fs++) {
        struct guest *g = guest_inside((enum guest_fs)fs);
        char from[96];
        char to[96];
        uint32_t fd;
        CHECK_WASI(g_mkdir(g, 3, "dir"), WASI_OK);
        CHECK_WASI(g_mkdir(g, 3, "dir/sub"), WASI_OK);
        uint32_t dir = g_must_open(g, 3, "dir", WASI_OFLAG_DIRECTORY, G_ALL & ~WASI_RIGHT_FD_WRITE);
        (void)iso_format(from, sizeof from, "%s/inside/dir", g->dir);
        (void)iso_format(to, sizeof to, "%s/outside/dir", g->dir);
        CHECK(rename(from, to) == 0);
        CHECK_WASI(g_open(g, dir, "../secret", 0, 0, 0, 0, 0, &fd), WASI_ENOTCAPABLE);
        CHECK_WASI(g_open(g, dir, "sub/../../secret", 0, 0, 0, 0, 0, &fd), WASI_ENOTCAPABLE);
        CHECK_WASI(g_open(g, dir, "sub", 0, 0, 0, 0, 0, &fd), WASI_OK);
        guest_stop(g);
    }
}

/* The attacker: swaps a directory for a link to the outside and back, as fast as it can. */
struct swapper {
    char real[96];   /* inside/real: a directory with a file "secret" that is harmless */
    char link[96];   /* inside/link: a link to ../outside */
    char target[96]; /* inside/target: one or the other */
    atomic_bool stop;
};

static void *swap(void *arg)
{
    struct swapper *s = arg;
    char aside[128];
    (void)iso_format(aside, sizeof aside, "%s.aside", s->target);
    while (!atomic_load(&s->stop)) {
        (void)rename(s->target, s->real);
        (void)rename(s->link, s->target);
        (void)rename(s->target, s->link);
        (void)rename(s->real, s->target);
    }
    return NULL;
}

TEST(swapping_a_directory_for_a_link_wins_no_race)
{
    for (int fs = GUEST_OPENAT2; fs <= GUEST_STEPS; fs++) {
        struct guest *g = guest_inside((enum guest_fs)fs);
        struct swapper s;
        pthread_t thread;
        CHECK_WASI(g_mkdir(g, 3, "target"), WASI_OK);
        CHECK_WASI(g_mkdir(g, 3, "target/sub"), WASI_OK);
        g_file(g, 3, "target/secret", "harmless");
        g_file(g, 3, "target/sub/secret", "harmless");
        host_symlink(g, "../outside", "link");
        (void)iso_format(s.real, sizeof s.real, "%s/inside/real", g->dir);
        (void)iso_format(s.link, sizeof s.link, "%s/inside/link", g->dir);
        (void)iso_format(s.target, sizeof s.target, "%s/inside/target", g->dir);
        atomic_init(&s.stop, false);
        CHECK(pthread_create(&thread, NULL, swap, &s) == 0);
        static const char *const paths[] = {"target/secret", "target/sub/../secret",
                                            "target/sub/../sub/secret", "target/../target/secret"};
        unsigned opened = 0;
        bool leaked = false;
        for (int i = 0; i < 20000 && !leaked; i++) {
            uint32_t fd;
            uint32_t done;
            char text[16];
            const char *path = paths[i % (int)ISO_COUNT_OF(paths)];
            if (g_open(g, 3, path, FOLLOW, 0, WASI_RIGHT_FD_READ, 0, 0, &fd) != WASI_OK) {
                continue;
            }
            (void)g_read(g, fd, text, 15, &done);
            leaked = strcmp(text, "harmless") != 0;
            opened++;
            (void)g_close(g, fd);
            (void)g_mkdir(g, 3, "target/made");
            (void)g_rmdir(g, 3, "target/made");
        }
        atomic_store(&s.stop, true);
        (void)pthread_join(thread, NULL);
        CHECK(!leaked);
        CHECK(opened > 0);
        char made[128];
        (void)iso_format(made, sizeof made, "%s/outside/made", g->dir);
        CHECK(access(made, F_OK) != 0);
        guest_stop(g);
    }
}
