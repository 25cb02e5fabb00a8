/* Reading whole files, and replacing them so that nobody sees half of one. */
#include "base/test.h"
#include "platform/platform.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct iso_report report;
static char dir[256];
static char path[512];

/* A fresh directory, and the path of `name` in it. Left empty by each test with dir_remove. */
static const char *dir_make(const char *name)
{
    const char *base = getenv("TMPDIR");
    (void)iso_format(dir, sizeof dir, "%s/isomer-test-XXXXXX", base != NULL ? base : "/tmp");
    CHECK(mkdtemp(dir) != NULL);
    (void)iso_format(path, sizeof path, "%s/%s", dir, name);
    iso_report_init(&report);
    return path;
}

/* Fails when something but `name` was left in the directory (a temporary file, say). */
static void dir_remove(const char *name)
{
    (void)iso_format(path, sizeof path, "%s/%s", dir, name);
    (void)unlink(path);
    CHECK(rmdir(dir) == 0);
}

static struct iso_bytes bytes_of(const char *text)
{
    return iso_bytes_from(text, strlen(text));
}

static void check_contents(const char *file_path, const char *text)
{
    struct iso_file file;
    CHECK_OK(iso_file_read(file_path, 1 << 20, &file, NULL));
    CHECK_EQ_U64(file.bytes.len, strlen(text));
    CHECK_MEM(file.bytes.ptr, text, strlen(text));
    iso_file_fini(&file);
}

TEST(paths_beside_a_file)
{
    char out[ISO_PATH_MAX] = "as it was", link[600], long_name[ISO_PATH_MAX + 1];
    dir_make("f");
    CHECK_OK(iso_file_write_atomic(path, bytes_of(""), &report));
    char *folder = iso_path_absolute(dir);
    CHECK(folder != NULL);
    CHECK(iso_path_beside(out, path, "a/b"));
    CHECK(strncmp(out, folder, strlen(folder)) == 0);
    CHECK_STR(out + strlen(folder), "/a/b");
    CHECK(iso_path_beside(out, path, "/a/b"));
    CHECK_STR(out, "/a/b");
    (void)iso_format(link, sizeof link, "%s.link", dir); /* it is the folder of the file itself */
    CHECK(symlink(path, link) == 0);
    CHECK(iso_path_beside(out, link, "x"));
    CHECK(strncmp(out, folder, strlen(folder)) == 0);
    CHECK_STR(out + strlen(folder), "/x");
    CHECK(unlink(link) == 0);
    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    CHECK(!iso_path_beside(out, path, long_name));
    long_name[0] = '/';
    CHECK(!iso_path_beside(out, path, long_name));
    free(folder);
    dir_remove("f");
    CHECK(!iso_path_beside(out, path, "x")); /* the file is not there */
}

TEST(write_then_read)
{
    dir_make("f");
    CHECK_OK(iso_file_write_atomic(path, bytes_of("first"), &report));
    check_contents(path, "first");
    CHECK_OK(iso_file_write_atomic(path, bytes_of("the second is longer"), &report));
    check_contents(path, "the second is longer");
    CHECK_OK(iso_file_write_atomic(path, bytes_of(""), &report));
    check_contents(path, "");
    dir_remove("f");
}

TEST(new_files_are_private_and_old_ones_keep_their_mode)
{
    struct stat info;
    dir_make("f");
    CHECK_OK(iso_file_write_atomic(path, bytes_of("x"), &report));
    CHECK(stat(path, &info) == 0);
    CHECK_EQ_U64(info.st_mode & 0777, 0600);
    CHECK(chmod(path, 0644) == 0);
    CHECK_OK(iso_file_write_atomic(path, bytes_of("y"), &report));
    CHECK(stat(path, &info) == 0);
    CHECK_EQ_U64(info.st_mode & 0777, 0644);
    dir_remove("f");
}

TEST(a_link_stays_and_its_file_is_replaced)
{
    char link_path[512];
    struct stat info;
    dir_make("f");
    (void)iso_format(link_path, sizeof link_path, "%s/link", dir);
    CHECK_OK(iso_file_write_atomic(path, bytes_of("old"), &report));
    CHECK(symlink("f", link_path) == 0);
    CHECK_OK(iso_file_write_atomic(link_path, bytes_of("new"), &report));
    check_contents(path, "new");
    CHECK(lstat(link_path, &info) == 0 && S_ISLNK(info.st_mode));
    CHECK(unlink(link_path) == 0);
    dir_remove("f");
}

TEST(write_where_it_cannot_be)
{
    dir_make("no/such/directory");
    CHECK_ERR(iso_file_write_atomic(path, bytes_of("x"), &report), ISO_E_NOT_FOUND);
    CHECK_CONTAINS(report.text, "its directory does not exist");
    CHECK_ERR(iso_file_write_atomic(dir, bytes_of("x"), NULL), ISO_E_ARGUMENT);
    dir_remove("f");
}

TEST(whether_something_could_be_written)
{
    dir_make("f");
    CHECK_OK(iso_file_write_check(path, &report));
    CHECK(access(path, F_OK) != 0);
    CHECK_OK(iso_file_write_atomic(path, bytes_of("x"), &report));
    CHECK_OK(iso_file_write_check(path, &report));
    CHECK_OK(iso_file_write_check("/dev/null", &report));
    CHECK_OK(iso_file_write_check("here", &report));
    dir_remove("f");
    dir_make("no/such/directory");
    CHECK_ERR(iso_file_write_check(path, &report), ISO_E_NOT_FOUND);
    CHECK_CONTAINS(report.text, "its directory does not exist");
    CHECK_ERR(iso_file_write_check(dir, NULL), ISO_E_ARGUMENT);
    dir_remove("f");
}

TEST(a_device_is_written_to_not_replaced)
{
    struct stat info;
    iso_report_init(&report);
    CHECK_OK(iso_file_write_atomic("/dev/null", bytes_of("x"), &report));
    CHECK(stat("/dev/null", &info) == 0 && S_ISCHR(info.st_mode));
}

TEST(a_full_device_is_an_error)
{
    if (access("/dev/full", W_OK) != 0) {
        TEST_SKIP("there is no /dev/full");
    }
    iso_report_init(&report);
    CHECK_ERR(iso_file_write_atomic("/dev/full", bytes_of("x"), &report), ISO_E_IO);
    CHECK_CONTAINS(report.text, "no space left");
}

TEST(read_what_is_not_there)
{
    struct iso_file file = {.cap = 77};
    dir_make("missing");
    CHECK_ERR(iso_file_read(path, 100, &file, &report), ISO_E_NOT_FOUND);
    CHECK_CONTAINS(report.text, "missing': there is no such file");
    iso_report_init(&report);
    CHECK_ERR(iso_file_read(dir, 100, &file, &report), ISO_E_ARGUMENT);
    CHECK_CONTAINS(report.text, "it is a directory");
    CHECK_EQ_U64(file.cap, 77);
    dir_remove("missing");
}

TEST(read_no_more_than_allowed)
{
    struct iso_file file;
    dir_make("f");
    CHECK_OK(iso_file_write_atomic(path, bytes_of("12345"), &report));
    CHECK_OK(iso_file_read(path, 5, &file, &report));
    iso_file_fini(&file);
    CHECK_ERR(iso_file_read(path, 4, &file, &report), ISO_E_LIMIT);
    CHECK_CONTAINS(report.text, "larger than 4 B");
    /* Without a size of its own: the limit holds while reading. */
    iso_report_init(&report);
    CHECK_ERR(iso_file_read("/dev/zero", 200000, &file, &report), ISO_E_LIMIT);
    dir_remove("f");
}

TEST(read_a_pipe_to_its_end)
{
    int ends[2];
    char name[32];
    struct iso_file file;
    CHECK(pipe(ends) == 0);
    CHECK(write(ends[1], "through", 7) == 7);
    CHECK(close(ends[1]) == 0);
    (void)iso_format(name, sizeof name, "/dev/fd/%d", ends[0]);
    CHECK_OK(iso_file_read(name, 1000, &file, NULL));
    CHECK_EQ_U64(file.bytes.len, 7);
    CHECK_MEM(file.bytes.ptr, "through", 7);
    iso_file_fini(&file);
    CHECK(close(ends[0]) == 0);
}

TEST(exactly_so_many_bytes_through_a_descriptor)
{
    uint8_t got[6] = {0};
    int ends[2];
    CHECK(pipe(ends) == 0);
    CHECK_EQ_I64(iso_fd_write(ends[1], bytes_of("inward")), 0);
    CHECK_EQ_I64(iso_fd_read(ends[0], got, 4), 0);
    CHECK_MEM(got, "inwa", 4);
    (void)close(ends[1]);
    CHECK_EQ_I64(iso_fd_read(ends[0], got, 3), ENODATA);
    CHECK_EQ_I64(iso_fd_write(ends[0], bytes_of("x")), EBADF);
    (void)close(ends[0]);
}

TEST(directories)
{
    dir_make("f");
    CHECK_OK(iso_dir_check(dir, &report));
    CHECK(!iso_path_is_file(dir));
    CHECK(!iso_path_is_file(path));
    CHECK_ERR(iso_dir_check(path, &report), ISO_E_NOT_FOUND);
    CHECK_CONTAINS(report.text, "does not exist");
    iso_report_init(&report);
    CHECK_OK(iso_file_write_atomic(path, bytes_of("x"), &report));
    CHECK_ERR(iso_dir_check(path, &report), ISO_E_ARGUMENT);
    CHECK_CONTAINS(report.text, "as a directory");
    CHECK(iso_path_is_file(path));
    char *absolute = iso_path_absolute(path);
    CHECK(absolute != NULL && absolute[0] == '/');
    free(absolute);
    dir_remove("f");
    CHECK(iso_path_absolute(path) == NULL);
}
