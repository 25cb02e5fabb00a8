/* A guest in C over wasi-libc: reads every file of a folder, counts words, sorts them, writes a
 * report into the folder and reads it back; formats floating point; looks at clocks and random
 * bytes. Its output is the same natively. usage: census FOLDER [WORD...] */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { WORDS_MAX = 4096 };

struct word {
    char text[32];
    uint32_t count;
};

static struct word words[WORDS_MAX];
static size_t word_count;

static void die(const char *what)
{
    fprintf(stderr, "census: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void word_add(const char *text, size_t len)
{
    if (len == 0 || len >= sizeof words[0].text) {
        return;
    }
    for (size_t i = 0; i < word_count; i++) {
        if (strlen(words[i].text) == len && memcmp(words[i].text, text, len) == 0) {
            words[i].count++;
            return;
        }
    }
    if (word_count < WORDS_MAX) {
        memcpy(words[word_count].text, text, len);
        words[word_count++].count = 1;
    }
}

static void text_count(const char *text, size_t len)
{
    size_t start = 0;

    for (size_t i = 0; i <= len; i++) {
        if (i == len || strchr(" \n\t.,;:!?\"()", text[i]) != NULL) {
            word_add(text + start, i - start);
            start = i + 1;
        }
    }
}

static char *file_read(const char *path, size_t *len)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        die(path);
    }
    fseek(file, 0, SEEK_END);
    *len = (size_t)ftell(file);
    rewind(file);
    char *text = malloc(*len + 1);
    if (text == NULL || fread(text, 1, *len, file) != *len) {
        die(path);
    }
    text[*len] = '\0';
    fclose(file);
    return text;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

static int by_count(const void *a, const void *b)
{
    const struct word *x = a;
    const struct word *y = b;
    return x->count != y->count ? (x->count < y->count ? 1 : -1) : strcmp(x->text, y->text);
}

static void folder_count(const char *folder)
{
    static char names[64][128];
    size_t count = 0;
    DIR *dir = opendir(folder);

    if (dir == NULL) {
        die(folder);
    }
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (strstr(entry->d_name, ".txt") != NULL && count < 64) {
            snprintf(names[count++], sizeof names[0], "%s", entry->d_name);
        }
    }
    closedir(dir);
    qsort(names, count, sizeof names[0], by_name);
    for (size_t i = 0; i < count; i++) {
        char path[512];
        size_t len;
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        char *text = file_read(path, &len);
        printf("%s: %zu bytes\n", names[i], len);
        text_count(text, len);
        free(text);
    }
}

static void report_write(const char *folder)
{
    char path[512];
    char renamed[512];
    struct stat status;
    size_t len;

    snprintf(path, sizeof path, "%s/report.new", folder);
    snprintf(renamed, sizeof renamed, "%s/report.out", folder);
    FILE *file = fopen(path, "wb");
    if (file == NULL) {
        die(path);
    }
    for (size_t i = 0; i < word_count && i < 12; i++) {
        fprintf(file, "%-12s %4" PRIu32 " %6.2f%%\n", words[i].text, words[i].count,
                100.0 * words[i].count / (double)word_count);
    }
    if (fclose(file) != 0 || rename(path, renamed) != 0 || stat(renamed, &status) != 0) {
        die(path);
    }
    printf("report: %lld bytes, regular: %d\n", (long long)status.st_size, S_ISREG(status.st_mode));
    char *text = file_read(renamed, &len);
    fputs(text, stdout);
    free(text);
    if (stat(path, &status) == 0 || errno != ENOENT) {
        die("the old name is still there");
    }
}

static void file_operations(const char *folder)
{
    char path[512];
    char bytes[8] = {0};

    snprintf(path, sizeof path, "%s/sub", folder);
    printf("mkdir: %d\n", mkdir(path, 0755));
    int again = mkdir(path, 0755);
    printf("again: %d %s\n", again, strerror(errno));
    snprintf(path, sizeof path, "%s/sub/holes", folder);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
    if (fd < 0) {
        die(path);
    }
    printf("pwrite: %zd\n", pwrite(fd, "end", 3, 1000));
    printf("lseek: %lld\n", (long long)lseek(fd, -4, SEEK_END));
    printf("read: %zd", read(fd, bytes, sizeof bytes));
    printf(" %d%c%c%c\n", bytes[0], bytes[1], bytes[2], bytes[3]);
    printf("ftruncate: %d\n", ftruncate(fd, 10));
    printf("size: %lld\n", (long long)lseek(fd, 0, SEEK_END));
    close(fd);
    printf("unlink: %d\n", unlink(path));
    snprintf(path, sizeof path, "%s/sub", folder);
    printf("rmdir: %d\n", rmdir(path));
    int gone = open(path, O_RDONLY);
    printf("open: %d %s\n", gone, strerror(errno));
}

static void numbers(void)
{
    double x = 0.1;
    static const double special[] = {0.0, -0.0, 1.0 / 3, 1e300, -2.5e-310, 123456789.125, INFINITY};

    for (size_t i = 0; i < sizeof special / sizeof special[0]; i++) {
        printf("%.17g %e %.3f\n", special[i], special[i],
               fabs(special[i]) < 1e20 ? special[i] : 0.0);
    }
    for (int i = 0; i < 20; i++) {
        x = 3.9 * x * (1 - x);
    }
    printf("%.17g %.17g %.17g %.17g\n", x, sqrt(x), floor(-x), nearbyint(x * 1000));
    printf("%.6f %.6f %.6f\n", sin(x), exp(x), pow(x, 2.5));
    printf("%" PRId64 " %" PRIu64 " %x\n", INT64_MIN / 3, UINT64_MAX / 7,
           (unsigned)strtoul("deadbeef", NULL, 16));
    printf("%.10g %.10g\n", strtod("3.14159265358979", NULL), strtod("1e-320", NULL) * 1e300);
}

static void system_facts(void)
{
    struct timespec a;
    struct timespec b;
    unsigned char random[2][16] = {{0}};
    struct tm tm;
    time_t when = 1700000000;
    char text[64];

    if (clock_gettime(CLOCK_REALTIME, &a) != 0 || clock_gettime(CLOCK_MONOTONIC, &b) != 0) {
        die("clock_gettime");
    }
    printf("the year is later than 2020: %d\n", a.tv_sec > 1577836800);
    struct timespec pause = {.tv_nsec = 2000000};
    nanosleep(&pause, NULL);
    struct timespec c;
    clock_gettime(CLOCK_MONOTONIC, &c);
    int64_t passed = (int64_t)(c.tv_sec - b.tv_sec) * 1000000000 + (c.tv_nsec - b.tv_nsec);
    printf("slept long enough: %d\n", passed >= 2000000);
    if (getentropy(random[0], 16) != 0 || getentropy(random[1], 16) != 0) {
        die("getentropy");
    }
    printf("random bytes differ: %d\n", memcmp(random[0], random[1], 16) != 0);
    gmtime_r(&when, &tm);
    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S %A", &tm);
    printf("%s\n", text);
    printf("GREETING=%s, HOME is %s\n", getenv("GREETING"), getenv("NOTHING") ? "set" : "not set");
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: census FOLDER [WORD...]\n");
        return 2;
    }
    for (int i = 2; i < argc; i++) {
        printf("argument %d: \"%s\"\n", i - 1, argv[i]);
    }
    folder_count(argv[1]);
    qsort(words, word_count, sizeof words[0], by_count);
    printf("%zu different words\n", word_count);
    report_write(argv[1]);
    file_operations(argv[1]);
    numbers();
    system_facts();
    int c;
    unsigned sum = 0;
    while ((c = getchar()) != EOF) {
        sum = sum * 31 + (unsigned)c;
    }
    printf("standard input: %08x\n", sum);
    fprintf(stderr, "census: done\n");
    return 7;
}
